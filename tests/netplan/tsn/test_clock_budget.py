# SPDX-License-Identifier: Apache-2.0
"""The budget of a synchronised clock, by hand and against clocks that do their worst."""

from __future__ import annotations

import random
from bisect import bisect_right
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netplan.tsn.clock_budget import ErrorKind, NodeBudget
from netplan.tsn.synchronisation import synchronise
from support.time_chains import chain

INTERVAL_PS = 125 * 10**9
PDELAY_PS = 10**12


def terms_of(row: NodeBudget) -> dict[str, int]:
    return {term.kind.name: term.error_ps for term in row.terms}


def test_one_hop_by_hand() -> None:
    # perfect oscillators, so that only timestamps err: 8 ns at each of four ends
    nodes, links = chain(1, drift_ppb=0, wander_ppb_per_s=0)
    grandmaster, row = synchronise(nodes, links, "n00").budgets
    assert (grandmaster.error_ps, grandmaster.terms) == (0, ())
    # neighbour rate ratio: two stamps of 8 ns on either side of a Pdelay interval of 1 s,
    # (1 + 16e-9) / (1 - 16e-9) - 1 = 32.0000005 ppb, shown as 33
    assert row.rate_error_ppb == 33
    assert terms_of(row) == {
        # the stamps themselves; converted to network time they gain 32 ppb: 0.26 fs, rounded up
        "DEPARTURE": 8_001,
        "ARRIVAL": 8_001,
        "LINK_DELAY": 16_001,
        # half of 32 ppb over 10 ms of turnaround and 2 * 504 ns of link: 160.016 ps -> 161,
        # converted to network time and rounded up once more
        "TURNAROUND": 162,
        "ASYMMETRY": 4_001,
        # the grandmaster's time needs no correction in the grandmaster
        "RESIDENCE": 0,
        "ROUNDING": 4,
    }
    assert row.received_ps == 8_001 + 8_001 + 16_001 + 162 + 4_001 + 4 == 36_170
    # 32.0000005 ppb over 125 ms and 0.5 us of link: 4000.016 ps
    assert row.growth.error_ps == 4_001
    assert row.error_ps == 40_171


def test_three_hops_by_hand() -> None:
    nodes, links = chain(3, drift_ppb=0, wander_ppb_per_s=0)
    rows = synchronise(nodes, links, "n00").budgets
    assert [row.hops_count for row in rows] == [0, 1, 2, 3]
    # each hop has the stamps and the asymmetry of the first; on top, the relay's 10 ms are corrected
    # with the rate ratio that has collected 32 and 64 ppb: 320 and 640 ps, and 0.000000x
    assert [terms_of(row)["RESIDENCE"] for row in rows[1:]] == [0, 321, 641]
    # the link's 0.5 us is scaled by a ratio that is wrong by 32 or 64 ppb: less than 1 ps more
    assert [terms_of(row)["TURNAROUND"] for row in rows[1:]] == [162, 163, 163]
    assert [row.received_ps for row in rows] == [0, 36_170, 72_662, 109_474]
    # Sync may come 10 or 20 ms later than the one before: 64 ppb * 135 ms = 8640 ps,
    # 96 ppb * 145 ms = 13920 ps
    assert [row.growth.error_ps for row in rows] == [0, 4_001, 8_641, 13_921]
    assert rows[3].error_ps == 109_474 + 13_921


def test_wander_by_hand() -> None:
    nodes, links = chain(1, drift_ppb=0, wander_ppb_per_s=80, timestamp_ps=0, asymmetry_ps=0)
    row = synchronise(nodes, links, "n00").budgets[1]
    # 80 ppb/s are 10 ppb per interval of 125 ms. From the start of a measurement to the last use
    # of its result pass at most 2 * 1 s + 10 ms + 125 ms (and 0.5 us): 17.08 intervals, in which a
    # rate may change 18 times: 180 ppb at each end
    assert row.rate_error_ppb == 361
    assert row.growth.error_ps == pytest.approx(360e-9 * 125e9, abs=2)


def test_the_sum_of_rate_deviations_is_not_their_product() -> None:
    nodes, links = chain(2, wander_ppb_per_s=0, timestamp_ps=0, residence_ps=0, asymmetry_ps=0)
    rows = synchronise(nodes, links, "n00").budgets
    # one deviation is its own sum; two deviations of up to 200 ppm leave 0.0002**2 = 40 ppb
    assert [row.rate_error_ppb for row in rows] == [0, 0, 41]


def test_every_term_is_added() -> None:
    nodes, links = chain(9)
    rows = synchronise(nodes, links, "n00").budgets
    for before, row in pairwise(rows):
        assert {term.kind for term in row.terms} == set(ErrorKind) - {ErrorKind.GROWTH}
        assert row.received_ps == before.received_ps + sum(term.error_ps for term in row.terms)
        assert row.error_ps == row.received_ps + row.growth.error_ps
        assert row.error_ps > before.error_ps
        assert all(term.source for term in (*row.terms, row.growth))


def test_seven_hops_stay_within_a_microsecond() -> None:
    # IEEE Std 802.1AS-2020, annex B.3: 1 us over seven hops
    nodes, links = chain(7)
    assert synchronise(nodes, links, "n00").budgets[-1].error_ps < 10**6


def test_sixty_four_hops_do_not() -> None:
    # IEC/IEEE 60802 wants 1 us over 64 hops. As a worst case that is out of reach with such clocks:
    # 64 * (32 ns of stamps + 4 ns of asymmetry) alone are 2.3 us.
    nodes, links = chain(64)
    assert synchronise(nodes, links, "n00").budgets[-1].error_ps > 10 * 10**6
    nodes, links = chain(64, residence_ps=10**9)
    assert 2_300_000 < synchronise(nodes, links, "n00").budgets[-1].error_ps < 5_000_000


class Oscillator:
    """A free oscillator: its reading at nominal times, and back."""

    def __init__(self, deviations_ppb: list[int]) -> None:
        self.rates = [Fraction(10**9 + ppb, 10**9) for ppb in deviations_ppb]
        self.readings = [Fraction(0)]
        for rate in self.rates:
            self.readings.append(self.readings[-1] + rate * INTERVAL_PS)

    def read(self, time_ps: Fraction) -> Fraction:
        index = min(int(time_ps // INTERVAL_PS), len(self.rates) - 1)
        return self.readings[index] + self.rates[index] * (time_ps - index * INTERVAL_PS)

    def when(self, reading_ps: Fraction) -> Fraction:
        index = min(bisect_right(self.readings, reading_ps) - 1, len(self.rates) - 1)
        return index * INTERVAL_PS + (reading_ps - self.readings[index]) / self.rates[index]


def worst_errors(
    hops_count: int, chance: random.Random, *, summed: bool, parameters: dict[str, int]
) -> list[Fraction]:
    """Let a chain of clocks run as :class:`Synchronisation` says, and see how wrong each gets."""
    stamp_ps, residence_ps = parameters["timestamp_ps"], parameters["residence_ps"]
    delay_ps, skew_ps = parameters["delay_ps"], parameters["asymmetry_ps"]
    wander = -(-parameters["wander_ppb_per_s"] // 8)  # per interval of 1/8 s
    drift = parameters["drift_ppb"]
    steps = 40
    oscillators = []
    for _ in range(hops_count + 1):
        deviation, way = chance.choice([-drift, 0, drift]), chance.choice([-1, 1])
        deviations = []
        for step in range(steps):
            deviations.append(deviation)
            if chance.random() < 0.1 or step == steps // 2:
                way = -way
            deviation = max(-drift, min(drift, deviation + way * wander))
        oscillators.append(Oscillator(deviations))
    network = oscillators[0]

    def wrong() -> int:
        return chance.choice([-stamp_ps, stamp_ps])

    def held() -> int:
        return chance.choice([0, residence_ps])

    # Pdelay: for each node below the grandmaster, when results are known, rate ratio, mean delay
    skews = [chance.choice([-skew_ps, skew_ps]) for _ in range(hops_count + 1)]
    known: list[list[tuple[Fraction, Fraction, Fraction]]] = [[]]
    for child in range(1, hops_count + 1):
        mine, theirs = oscillators[child], oscillators[child - 1]
        down, up = delay_ps + skews[child], delay_ps - skews[child]
        results: list[tuple[Fraction, Fraction, Fraction]] = []
        before: tuple[Fraction, Fraction] | None = None
        start = mine.read(Fraction(chance.randrange(PDELAY_PS)))
        for exchange in range(4):
            sent = mine.when(start + exchange * PDELAY_PS)
            arrived = sent + up
            answered = theirs.when(theirs.read(arrived) + held())
            back = answered + down
            t1, t4 = mine.read(sent) + wrong(), mine.read(back) + wrong()
            t2, t3 = theirs.read(arrived) + wrong(), theirs.read(answered) + wrong()
            if before is not None:
                ratio = (t3 - before[0]) / (t4 - before[1])
                results.append((back, ratio, (ratio * (t4 - t1) - (t3 - t2)) / 2))
            before = (t3, t4)
        known.append(results)

    largest = [Fraction(0)] * (hops_count + 1)
    setting: list[tuple[Fraction, Fraction, Fraction] | None] = [None] * (hops_count + 1)
    for sync in range(17, 31):
        sent = network.when(Fraction(sync * INTERVAL_PS))
        told = network.read(sent) + wrong()
        to_network, product = Fraction(1), Fraction(1)
        for child in range(1, hops_count + 1):
            arrived = sent + delay_ps + skews[child]
            usable = [result for result in known[child] if result[0] <= arrived]
            if not usable:
                return largest
            _, ratio, mean_ps = usable[-1]
            at_arrival = told + mean_ps * to_network
            product *= ratio
            to_network = to_network + ratio - 1 if summed else product
            mine = oscillators[child]
            stamp = mine.read(arrived) + wrong()
            last = setting[child]
            if last is not None:
                # right before it is set anew, and right after
                shown = last[0] + last[2] * (mine.read(arrived) - last[1])
                largest[child] = max(largest[child], abs(shown - network.read(arrived)))
            shown = at_arrival + to_network * (mine.read(arrived) - stamp)
            largest[child] = max(largest[child], abs(shown - network.read(arrived)))
            setting[child] = (at_arrival, stamp, to_network)
            sent = mine.when(mine.read(arrived) + held())
            told = at_arrival + to_network * (mine.read(sent) + wrong() - stamp)
    return largest


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    hops_count=st.integers(1, 4),
    summed=st.booleans(),
    drift_ppb=st.sampled_from([0, 1_000, 100_000]),
    wander_ppb_per_s=st.sampled_from([0, 8, 80, 3_000]),
    timestamp_ps=st.sampled_from([0, 100, 8_000, 40_000]),
    residence_ps=st.sampled_from([0, 10**9, 10**10]),
    asymmetry_ps=st.sampled_from([0, 4_000]),
)
def test_no_clock_is_worse_than_its_budget(
    seed: int, hops_count: int, summed: bool, **parameters: int
) -> None:
    parameters["delay_ps"] = 500_000
    nodes, links = chain(
        hops_count,
        drift_ppb=parameters["drift_ppb"],
        wander_ppb_per_s=parameters["wander_ppb_per_s"],
        timestamp_ps=parameters["timestamp_ps"],
        residence_ps=parameters["residence_ps"],
        asymmetry_ps=parameters["asymmetry_ps"],
    )
    rows = synchronise(nodes, links, "n00").budgets
    chance = random.Random(seed)  # noqa: S311 - no secret
    seen = worst_errors(hops_count, chance, summed=summed, parameters=parameters)
    for row, error_ps in zip(rows, seen, strict=True):
        assert error_ps <= row.error_ps


def test_the_budget_is_no_wild_guess() -> None:
    # timestamps that err as they like reach more than half of what one hop may be wrong by
    parameters = {
        "drift_ppb": 0,
        "wander_ppb_per_s": 0,
        "timestamp_ps": 8_000,
        "residence_ps": 0,
        "asymmetry_ps": 4_000,
        "delay_ps": 500_000,
    }
    nodes, links = chain(1, drift_ppb=0, wander_ppb_per_s=0, residence_ps=0)
    bound_ps = synchronise(nodes, links, "n00").budgets[1].error_ps
    worst = max(
        worst_errors(1, random.Random(seed), summed=False, parameters=parameters)[1]  # noqa: S311 - no secret
        for seed in range(40)
    )
    assert bound_ps / 2 < worst <= bound_ps

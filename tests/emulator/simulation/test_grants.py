# SPDX-License-Identifier: Apache-2.0
"""Transmitters that send at grants, worked by hand; every path is 50 ns long behind them.

Serial grants here run at 1 Gbit/s: 8 ns for each octet.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.simulation.grants import octets_time_ps
from emulator.simulation.run import simulate
from netplan.media.frames import wire_time_ps
from netplan.media.interface import GrantMechanism, NoService, TermKind
from netplan.plan.model import Plan
from netplan.verdict.evidence import SimulatedEvidence, StreamObservation
from support.small_plans import GBIT, NS, US, PlanBuilder, term

MS = 1000 * US
NO_SERVICE = NoService(because="not looked at here")


def pon(
    *, quota_octets: int = 500, fragments: bool = True, overhead_octets: int = 8
) -> GrantMechanism:
    """An upstream burst of 500 octets every 125 us."""
    return GrantMechanism(
        cycle_ps=125 * US,
        openings_ps=(0,),
        phase_ps=0,
        quota_octets=quota_octets,
        overhead_octets=overhead_octets,
        fragments=fragments,
        serial_bps=GBIT,
        burst_ps=0,
    )


def slot(failure_probability: float, max_retries: int = 3) -> GrantMechanism:
    """Two slots of 250 us in a cycle of 500 us; repeated after 1 ms while later ones go on."""
    return GrantMechanism(
        cycle_ps=500 * US,
        openings_ps=(100 * US, 350 * US),
        phase_ps=0,
        quota_octets=1000,
        overhead_octets=4,
        fragments=True,
        serial_bps=0,
        burst_ps=200 * US,
        failure_probability=failure_probability,
        max_retries=max_retries,
        retry_after_ps=1 * MS,
    )


def polling(failure_probability: float, max_retries: int = 3) -> GrantMechanism:
    """One frame exchange of up to 1,500 octets each millisecond; a failed one goes again."""
    return GrantMechanism(
        cycle_ps=1 * MS,
        openings_ps=(0,),
        phase_ps=0,
        quota_octets=1500,
        overhead_octets=30,
        fragments=False,
        serial_bps=GBIT,
        burst_ps=0,
        failure_probability=failure_probability,
        max_retries=max_retries,
        retry_after_ps=0,
    )


def radio(mechanism: GrantMechanism, buffer_octets: int | None = None) -> PlanBuilder:
    return PlanBuilder().grants("ue.g", mechanism, NO_SERVICE, buffer_octets=buffer_octets)


def run(builder: PlanBuilder, duration_ps: int, seed: int = 1) -> SimulatedEvidence:
    plan: Plan = builder.plan()
    return simulate(plan, seed=seed, duration_ps=duration_ps)


def latency_ns(evidence: SimulatedEvidence, stream: int = 0) -> float:
    row = evidence.streams[stream]
    assert row.max_ps is not None
    assert row.min_ps == row.max_ps
    return row.max_ps / NS


HOP = [("ue.g", "gnb")]


def test_serial_grant_delivers_each_frame_with_its_own_last_octet() -> None:
    builder = radio(pon()).stream("s", HOP, messages=((100, 200),), phase_ps=10 * US)
    evidence = run(builder, 900 * US)
    row = evidence.streams[0]
    # Opening at 125 us; 108 octets = 864 ns, 108 + 208 = 316 octets = 2,528 ns; 50 ns.
    assert row.min_ps == 115_000 * NS + (864 + 50) * NS
    assert row.max_ps == 115_000 * NS + (2528 + 50) * NS
    # Latency runs from release, where the talker has no wire; the wait is also named alone.
    assert row.max_application_ps == row.max_ps
    assert row.max_talker_wait_ps == 115 * US
    assert row.worst[0].queued_ps == 10 * US
    assert row.worst[0].started_ps == 125 * US
    # 316 of 8 grants of 500 octets (openings at 0, 125 ... 875 us).
    assert evidence.egresses[0].busy_ratio == 316 / 4000
    assert evidence.egresses[0].frames == 2
    assert evidence.egresses[0].max_backlog_octets == 300


def test_preparing_a_transmission_counts_where_the_talker_has_no_wire() -> None:
    plan = radio(pon()).stream("s", HOP, messages=((92,),), phase_ps=10 * US).plan()
    hop = replace(plan.streams[0].hops[0], before=(term(TermKind.PROCESSING, 120 * US),))
    plan = replace(plan, streams=(replace(plan.streams[0], hops=(hop,)),))
    evidence = simulate(plan, seed=1, duration_ps=900 * US)
    # Released at 10, queued at 130, sent at 250 us, where 100 octets take 800 ns.
    assert latency_ns(evidence) == 240_000 + 800 + 50
    assert evidence.streams[0].max_talker_wait_ps == 120 * US
    assert evidence.streams[0].worst[0].queued_ps == 130 * US


def test_fragments_are_delivered_with_the_last_one() -> None:
    builder = radio(pon()).stream("s", HOP, messages=((1000,),), phase_ps=10 * US)
    evidence = run(builder, 900 * US)
    # 1,008 octets: 500 at 125, 500 at 250, 8 at 375 us, which take 64 ns.
    assert latency_ns(evidence) == 365_000 + 64 + 50
    assert evidence.streams[0].worst[0].started_ps == 375 * US
    assert evidence.egresses[0].busy_ratio == 1008 / 4000


def test_more_urgent_frame_overtakes_between_fragments() -> None:
    builder = (
        radio(pon())
        .stream("long", HOP, messages=((1000,),), phase_ps=10 * US, pcp=1)
        .stream("urgent", HOP, messages=((192,),), phase_ps=130 * US, pcp=7)
        .stream("late", HOP, messages=((92,),), phase_ps=251 * US, pcp=7)
    )
    evidence = run(builder, 990 * US)
    # 125: long 500. 250: urgent 200 (1,600 ns), long 300. 375: late 100 (800 ns), long's last 208.
    assert latency_ns(evidence, 1) == 120_000 + 1600 + 50
    assert latency_ns(evidence, 2) == 124_000 + 800 + 50
    assert latency_ns(evidence, 0) == 365_000 + 2464 + 50


def test_without_fragments_a_frame_that_does_not_fit_blocks_all_behind_it() -> None:
    builder = (
        radio(pon(fragments=False))
        .stream("a", HOP, messages=((292,),), phase_ps=10 * US, pcp=5)
        .stream("b", HOP, messages=((292,),), phase_ps=20 * US, pcp=5)
        .stream("same queue", HOP, messages=((92,),), phase_ps=30 * US, pcp=5)
        .stream("lower queue", HOP, messages=((92,),), phase_ps=40 * US, pcp=2)
    )
    evidence = run(builder, 900 * US)
    # 125 us: a (300), b does not fit into 200, nor may the 100s pass. 250: b, then the other two.
    assert latency_ns(evidence, 0) == 115_000 + 2400 + 50
    assert latency_ns(evidence, 1) == 230_000 + 2400 + 50
    assert latency_ns(evidence, 2) == 220_000 + 3200 + 50
    assert latency_ns(evidence, 3) == 210_000 + 4000 + 50


def test_queued_at_the_opening_takes_part_and_a_picosecond_later_does_not() -> None:
    builder = (
        radio(pon())
        .stream("at", HOP, messages=((92,),), phase_ps=125 * US)
        .stream("after", HOP, messages=((92,),), phase_ps=125 * US + 1)
    )
    evidence = run(builder, 900 * US)
    assert evidence.streams[0].max_ps == (800 + 50) * NS
    assert evidence.streams[1].max_ps == 125 * US - 1 + (800 + 50) * NS


def test_known_phase_and_openings_inside_the_cycle() -> None:
    mechanism = GrantMechanism(
        cycle_ps=100 * US,
        openings_ps=(10 * US, 35 * US),
        phase_ps=230 * US,  # the same as 30 us: openings at 40, 65, 140, 165 ...
        quota_octets=100,
        overhead_octets=0,
        fragments=False,
        serial_bps=0,
        burst_ps=5 * US,
    )
    builder = radio(mechanism)
    for place, release_us in enumerate([0, 41, 66, 141]):
        builder.stream(f"s{place}", HOP, phase_ps=release_us * US)
    evidence = run(builder, 300 * US)
    # Delivered together 5 us after the opening.
    assert [latency_ns(evidence, place) for place in range(4)] == [45050, 29050, 79050, 29050]


def test_unknown_phase_is_drawn_within_the_cycle() -> None:
    mechanism = GrantMechanism(
        cycle_ps=100 * US,
        openings_ps=(0,),
        phase_ps=None,
        quota_octets=100,
        overhead_octets=0,
        fragments=False,
        serial_bps=0,
        burst_ps=5 * US,
    )
    builder = radio(mechanism).stream("s", HOP, phase_ps=1 * MS)
    latencies = {latency_ns(run(builder, 2 * MS, seed=seed)) for seed in range(8)}
    assert len(latencies) == 8
    assert all(5050 <= latency <= 105050 for latency in latencies)


def test_a_frame_larger_than_any_grant_is_dropped_and_said() -> None:
    builder = (
        radio(pon(fragments=False))
        .stream("large", HOP, messages=((493,),), phase_ps=10 * US, pcp=7)
        .stream("largest", HOP, messages=((492,),), phase_ps=10 * US, pcp=1)
    )
    evidence = run(builder, 900 * US)
    assert [(row.frames, row.lost) for row in evidence.streams] == [(0, 1), (1, 0)]
    assert evidence.egresses[0].dropped == 1
    assert any("large" in text and "ue.g" in text for text in evidence.assumptions)


def test_slot_without_failures() -> None:
    builder = radio(slot(0.0)).stream("s", HOP, messages=((100, 100),), phase_ps=110 * US)
    # Opening at 350 us, together 200 us later.
    assert latency_ns(run(builder, 900 * US)) == 240_000 + 200_000 + 50


def test_slot_whose_every_attempt_fails() -> None:
    builder = radio(slot(1.0)).stream("s", HOP, period_ps=1 * MS, phase_ps=0)
    evidence = run(builder, 10 * MS)
    row = evidence.streams[0]
    assert (row.frames, row.lost) == (0, 10)
    assert evidence.egresses[0].dropped == 0
    assert evidence.egresses[0].frames == 10
    # Four attempts of 104 octets in 10 of 40 grants.
    assert evidence.egresses[0].busy_ratio == 10 * 4 * 104 / (40 * 1000)


def test_repeated_slots_delay_by_whole_repetitions_and_hold_back_what_follows() -> None:
    """One frame every 4 ms: no other is held back, so latencies show the repetitions alone."""
    base_ps = 100 * US + 200 * US + 50 * NS
    builder = radio(slot(0.4)).stream("s", HOP, period_ps=4 * MS, phase_ps=0)
    row = run(builder, 8_000 * MS).streams[0]
    counts = count_at(row, [base_ps + repetitions * MS for repetitions in range(4)])
    # Of 2,000 frames 0.6, 0.24, 0.096, 0.0384 and 0.0256 lost; five standard deviations.
    for count, share in zip([*counts, row.lost], [0.6, 0.24, 0.096, 0.0384, 0.0256], strict=True):
        assert abs(count - 2000 * share) < 5 * (2000 * share * (1 - share)) ** 0.5

    # Every 500 us: what was sent later waits for what is repeated, and never longer than that.
    builder = radio(slot(0.4)).stream("s", HOP, period_ps=500 * US, phase_ps=0)
    row = run(builder, 1_000 * MS).streams[0]
    assert row.min_gap_ps == 0
    assert row.max_ps == base_ps + 3 * MS


def count_at(row: StreamObservation, values_ps: list[int]) -> list[int]:
    """Frames in the bins of given values; they must be all there are."""
    counts = []
    for value_ps in values_ps:
        places = [
            place
            for place, (low, high) in enumerate(pairwise(row.bin_edges_ps))
            if low <= value_ps < high
        ]
        counts.append(sum(row.bin_counts[place] for place in places))
    assert sum(counts) == row.frames
    return counts


def test_given_up_slot_holds_back_later_ones_until_its_last_attempt() -> None:
    """The receiver cannot know that a repetition will fail before it has failed."""
    mechanism = slot(0.5, max_retries=1)
    base_ps = 100 * US + 200 * US + 50 * NS
    builder = radio(mechanism).stream("s", HOP, period_ps=500 * US, phase_ps=0)
    evidence = run(builder, 2_000 * MS)
    row = evidence.streams[0]
    # What follows a failed grant is held for 1 ms from that grant: 0.5 ms from its own.
    counts = count_at(row, [base_ps, base_ps + 500 * US, base_ps + 1 * MS])
    # A quarter each: lost; received at the second attempt; at the first one and held because the
    # grant before failed at first; at the first one and not held.
    assert abs(row.lost - 1000) < 5 * (4000 * 0.25 * 0.75) ** 0.5
    assert abs(counts[0] - 1000) < 150
    assert abs(counts[1] - 1000) < 150
    assert abs(counts[2] - 1000) < 150


def test_fragment_in_a_lost_grant_loses_its_frame() -> None:
    builder = radio(slot(0.5, max_retries=0)).stream(
        "s", HOP, messages=((1500,),), period_ps=1 * MS, phase_ps=0
    )
    row = run(builder, 2_000 * MS).streams[0]
    # 1,504 octets need two grants, which both must succeed: 1/4.
    assert row.frames + row.lost == 2000
    assert abs(row.frames - 500) < 5 * (2000 * 0.25 * 0.75) ** 0.5
    assert row.min_ps == row.max_ps == 350 * US + 200 * US + 50 * NS


def test_polling_without_failures() -> None:
    builder = radio(polling(0.0)).stream(
        "s", HOP, messages=((720, 720, 100),), period_ps=10 * MS, phase_ps=100 * US
    )
    row = run(builder, 5 * MS).streams[0]
    # 750 + 750 octets at 1 ms (6 and 12 us), 130 octets at 2 ms (1,040 ns).
    assert row.min_ps == 900 * US + 6 * US + 50 * NS
    assert row.max_ps == 1900 * US + 1040 * NS + 50 * NS


def test_polling_that_always_fails_blocks_until_given_up() -> None:
    builder = (
        radio(polling(1.0), buffer_octets=700)
        .stream("first", HOP, messages=((500,),), period_ps=100 * MS, phase_ps=100 * US)
        # 500 octets are held until the last attempt at 4 ms: 300 do not fit before, nor at 4 ms.
        .stream("too early", HOP, messages=((300,),), period_ps=100 * MS, phase_ps=4 * MS)
        .stream("fits", HOP, messages=((300,),), period_ps=100 * MS, phase_ps=4 * MS + 1)
        .stream("beside", HOP, messages=((200,),), period_ps=100 * MS, phase_ps=1500 * US)
    )
    evidence = run(builder, 20 * MS)
    assert [(row.frames, row.lost) for row in evidence.streams] == [(0, 1)] * 4
    assert evidence.egresses[0].dropped == 1
    assert evidence.egresses[0].max_backlog_octets == 700
    # Attempts at 1, 2, 3, 4 ms with 530 octets, then at 5 to 8 ms with 330 + 230.
    assert evidence.egresses[0].busy_ratio == pytest.approx(4 * (530 + 560) / (20 * 1500))


def test_polling_repeats_the_same_content_at_the_next_opening() -> None:
    """A frame every 5 ms; another, more urgent one a little later must wait for the first."""
    builder = (
        radio(polling(0.5))
        .stream("first", HOP, messages=((70,),), period_ps=10 * MS, phase_ps=100 * US, pcp=1)
        .stream("urgent", HOP, messages=((70,),), period_ps=10 * MS, phase_ps=1100 * US, pcp=7)
    )
    evidence = run(builder, 20_000 * MS)
    first, urgent = evidence.streams
    sent_ps = 800 * NS + 50 * NS
    counts = count_at(first, [900 * US + k * MS + sent_ps for k in range(4)])
    for count, share in zip([*counts, first.lost], [0.5, 0.25, 0.125, 1 / 16, 1 / 16], strict=True):
        assert abs(count - 2000 * share) < 5 * (2000 * share * (1 - share)) ** 0.5
    # First openings of the urgent one: 2, 3, 4, 5 ms after the first's 1, 2, 3 or 4 attempts.
    assert urgent.min_ps == 900 * US + sent_ps
    assert urgent.max_ps is not None
    assert urgent.max_ps <= 900 * US + 6 * MS + sent_ps
    worst = urgent.worst[0]
    assert worst.started_ps % MS == 0


def test_a_grant_behind_a_switch_counts_from_the_talkers_wire() -> None:
    plan = (
        PlanBuilder()
        .wire("h.p")
        .grants("onu.g", pon(), NO_SERVICE)
        .stream("s", [("h.p", "onu"), ("onu.g", "olt")], messages=((92,),), phase_ps=0)
        .plan()
    )
    evidence = simulate(plan, seed=1, duration_ps=900 * US)
    # The first bit leaves at 64 ns; the opening at 125 us sends 100 octets: 800 + 50 ns.
    assert latency_ns(evidence) == 125_000 - 64 + 850
    assert evidence.streams[0].max_talker_wait_ps == 0


@given(octets=st.integers(0, 2**40), rate_bps=st.integers(1, 9 * 10**12))
def test_time_of_octets_is_exact(octets: int, rate_bps: int) -> None:
    """As the definition that every kind of evidence shares, as long as it is below 26 days."""
    expected_ps = wire_time_ps(octets, rate_bps)
    if expected_ps < 2**61:
        assert octets_time_ps(octets, rate_bps) == expected_ps

# SPDX-License-Identifier: Apache-2.0
"""Random numbers against published values and their distributions, and what is drawn from them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.simulation.layout import Words
from emulator.simulation.random_numbers import (
    LARGEST_GAP_MEANS,
    draw_event,
    draw_exponential,
    draw_once,
    draw_up_to,
    next_word,
    probability_threshold,
    seed_word,
)
from emulator.simulation.run import simulate
from netplan.media.interface import TermKind
from netplan.verdict.evidence import StreamObservation
from support.small_plans import GBIT, NS, US, PlanBuilder, term

MS = 1000 * US


def generator(seed: int = 1) -> Words:
    return np.array([seed_word(seed, "test", "test")], dtype=np.uint64)


def test_words_are_those_of_splitmix64() -> None:
    # Source: the published values for seed 1234567 (rosettacode.org, Pseudo-random
    # numbers/Splitmix64, after the C code of Vigna, prng.di.unimi.it/splitmix64.c).
    words = np.array([1234567], dtype=np.uint64)
    assert [int(next_word(words, 0)) for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@given(largest=st.integers(0, 2**62), seed=st.integers(0, 2**64 - 1))
def test_uniform_draw_is_the_high_half_of_a_product(largest: int, seed: int) -> None:
    first, again = np.array([seed], dtype=np.uint64), np.array([seed], dtype=np.uint64)
    drawn = draw_up_to(first, 0, largest)
    assert drawn == int(next_word(again, 0)) * (largest + 1) >> 64
    assert 0 <= drawn <= largest


def test_uniform_draw_reaches_every_value_equally() -> None:
    words = generator()
    counts = np.bincount([draw_up_to(words, 0, 9) for _ in range(20_000)], minlength=10)
    assert len(counts) == 10
    assert np.abs(counts - 2000).max() < 5 * math.sqrt(20_000 * 0.1 * 0.9)


@pytest.mark.parametrize("probability", [0.0, 1e-3, 0.3, 1.0])
def test_events_happen_with_their_probability(probability: float) -> None:
    words = generator()
    threshold = probability_threshold(probability)
    count = sum(draw_event(words, 0, threshold) for _ in range(20_000))
    spread = math.sqrt(20_000 * probability * (1 - probability))
    assert abs(count - 20_000 * probability) <= 5 * spread


def test_exponential_gaps() -> None:
    words = generator()
    mean = 10**9 + 12_345
    draws = np.array([draw_exponential(words, 0, mean) for _ in range(40_000)]) / mean
    assert draws.min() >= 0
    assert draws.max() <= LARGEST_GAP_MEANS
    # Mean and standard deviation are 1 but for the cut at 8 (less than 0.001).
    assert abs(draws.mean() - 1) < 5 / math.sqrt(40_000) + 0.001
    for value in (0.1, 0.5, 1.0, 2.0, 4.0):
        share = math.exp(-value)
        spread = math.sqrt(share * (1 - share) / 40_000)
        assert abs((draws > value).mean() - share) < 5 * spread


@given(count=st.integers(1, 2**62), seed=st.integers(0, 2**31), name=st.text(max_size=8))
def test_phase_lies_within_the_period(count: int, seed: int, name: str) -> None:
    assert 0 <= draw_once(seed, "phase", name, count) < count


def observe(
    seed: int = 1,
    *,
    period_ps: int = 1 * MS,
    jitter_ps: int = 0,
    phase_ps: int | None = None,
    sporadic: bool = False,
    duration_ps: int = 2000 * MS,
) -> StreamObservation:
    plan = (
        PlanBuilder()
        .wire("a.p")
        .stream(
            "s",
            [("a.p", "b")],
            period_ps=period_ps,
            jitter_ps=jitter_ps,
            phase_ps=phase_ps,
            sporadic=sporadic,
        )
        .plan()
    )
    return simulate(plan, seed=seed, duration_ps=duration_ps).streams[0]


def test_known_phase_is_kept_and_unknown_ones_fill_the_period() -> None:
    known = observe(phase_ps=123_456_789, duration_ps=1 * MS)
    assert known.worst_released_ps == 123_456_789
    phases = [observe(seed, duration_ps=1 * MS).worst_released_ps for seed in range(200)]
    drawn = [phase for phase in phases if phase is not None]
    assert len(drawn) >= 199  # one may be so late that its frame is still under way
    counts, _ = np.histogram(drawn, bins=4, range=(0, 1 * MS))
    assert np.abs(counts - 50).max() < 5 * math.sqrt(200 * 0.25 * 0.75)


def test_jitter_is_drawn_for_each_release_and_does_not_add_up() -> None:
    row = observe(phase_ps=0, jitter_ps=300 * US)
    assert row.frames == 2000
    assert row.min_gap_ps is not None
    assert row.max_gap_ps is not None
    assert 700 * US <= row.min_gap_ps < 720 * US
    assert 1280 * US < row.max_gap_ps <= 1300 * US


def test_jitter_beyond_the_period_never_reorders() -> None:
    """Each draw is repeated here: a release waits for the one before it."""
    row = observe(seed=6, phase_ps=0, period_ps=10 * US, jitter_ps=35 * US, duration_ps=1 * MS)
    words = np.array([seed_word(6, "talker", "s")], dtype=np.uint64)
    released_ps = free_ps = 0
    from_release = []
    for number in range(200):
        released_ps = max(released_ps, number * 10 * US + draw_up_to(words, 0, 35 * US))
        start_ps = max(released_ps, free_ps)
        free_ps = start_ps + 960 * NS
        if released_ps < 1 * MS and start_ps + 914 * NS < 1 * MS:
            from_release.append(start_ps + 914 * NS - released_ps)
    assert row.frames == len(from_release)
    assert row.max_application_ps == max(from_release)
    assert row.min_gap_ps == 960 * NS  # released at the same instant, sent one after the other


def test_sporadic_talkers_wait_at_least_the_period_and_half_of_it_more_on_average() -> None:
    row = observe(phase_ps=0, sporadic=True, duration_ps=6000 * MS)
    assert row.min_gap_ps is not None
    assert row.max_gap_ps is not None
    assert row.min_gap_ps >= 1 * MS
    assert 3 * MS < row.max_gap_ps <= 5 * MS
    # 6 s / 1.5 ms; each gap has a standard deviation of 0.5 ms.
    assert abs(row.frames - 4000) < 5 * math.sqrt(4000) * 0.5 / 1.5


def test_ranges_of_delay_are_drawn_for_each_frame_and_keep_the_order() -> None:
    """Fifty frames back to back; each draw is repeated here, and nobody overtakes."""
    plan = (
        PlanBuilder()
        .wire("a.p")
        .wire("sw.p", line_bps=10 * GBIT)
        .stream("s", [("a.p", "sw"), ("sw.p", "b")], messages=((100,) * 50,), phase_ps=0)
        .plan()
    )
    stream = plan.streams[0]
    cable = replace(stream.hops[0], after=(term(TermKind.PROPAGATION, 50 * NS, 30 * US),))
    switch = replace(stream.hops[1], before=(term(TermKind.PROCESSING, 1 * US, 20 * US),))
    plan = replace(plan, streams=(replace(stream, hops=(cable, switch)),))
    row = simulate(plan, seed=9, duration_ps=1 * MS).streams[0]

    after = np.array([seed_word(9, "after", "s\0" + "0")], dtype=np.uint64)
    before = np.array([seed_word(9, "before", "s\0" + "1")], dtype=np.uint64)
    arrived_ps = entered_ps = free_ps = 0
    latencies = []
    for number in range(50):
        sent_ps = number * 960 * NS
        draw_ps = draw_up_to(after, 0, 30 * US - 50 * NS)
        arrived_ps = max(arrived_ps, sent_ps + 864 * NS + 50 * NS + draw_ps)
        entered_ps = max(entered_ps, arrived_ps + 1 * US + draw_up_to(before, 0, 19 * US))
        start_ps = max(entered_ps, free_ps)
        free_ps = start_ps + 96 * NS  # 120 octets of 0.8 ns
        # 108 octets of 0.8 ns and 50 ns of cable; the first bit left 64 ns after the preamble.
        latencies.append(start_ps + 86_400 + 50 * NS - (sent_ps + 64 * NS))
    assert row.frames == 50
    assert row.min_ps == min(latencies)
    assert row.max_ps == max(latencies)
    assert row.mean_ps == sum(latencies) / 50

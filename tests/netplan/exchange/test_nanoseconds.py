# SPDX-License-Identifier: Apache-2.0
"""Cyclic lists in nanoseconds."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from netplan.exchange.nanoseconds import cycle_of

NS = 1000


def test_a_list_on_the_grid_is_exact() -> None:
    cycle = cycle_of(7 * NS, 250_000 * NS, [50_000 * NS, 200_000 * NS])
    assert cycle.intervals == ((50_000, 0), (200_000, 1))
    # 250 us = 1/4000 s
    assert (cycle.base_ns, cycle.cycle_s, cycle.cycle_ns) == (7, (1, 4000), 250_000)
    assert (cycle.moved_ps, cycle.base_moved_ps, cycle.drift_ps) == (0, 0, 0)


def test_a_short_list_is_filled_and_a_long_one_cut() -> None:
    assert cycle_of(0, 100 * NS, [30 * NS, 20 * NS]).intervals == ((30, 0), (70, 1))
    assert cycle_of(0, 100 * NS, [80 * NS, 40 * NS, 10 * NS]).intervals == ((80, 0), (20, 1))


def test_moments_are_rounded_not_durations() -> None:
    # three intervals of a third of 1 ns each would vanish; their beginnings are at 0, 333, 667 ps
    cycle = cycle_of(0, 10_000, [3_333, 3_333, 3_334])
    assert cycle.intervals == ((3, 0), (4, 1), (3, 2))  # begin at 0, 3.333 and 6.666 ns
    assert cycle.moved_ps == 334  # 6.666 -> 7
    assert cycle_of(0, 1_000, [333, 333, 334]).intervals == ((1, 1),)


def test_a_beginning_before_the_epoch_is_told_by_a_later_one() -> None:
    assert cycle_of(-30 * NS, 100 * NS, [100 * NS]).base_ns == 70
    assert cycle_of(-100 * NS, 100 * NS, [100 * NS]).base_ns == 0
    assert cycle_of(-101 * NS, 100 * NS, [100 * NS]).base_ns == 99


def test_a_cycle_that_32_bits_cannot_write_drifts() -> None:
    # 333333.333333 ns = 333333333 ps: the denominator would be 10**12 / 3
    cycle = cycle_of(0, 333_333_333, [333_333_333])
    assert cycle.cycle_s == (333_333, 10**9)
    assert cycle.drift_ps == 333
    # a fraction of a nanosecond is no harm where it cancels: 312.5 ns = 1 / 3200000 s
    cycle = cycle_of(0, 312_500, [312_500])
    assert (cycle.cycle_s, cycle.drift_ps) == ((1, 3_200_000), 0)


def test_an_interval_of_more_than_32_bits_is_told_in_parts() -> None:
    cycle = cycle_of(0, 10 * 10**12, [10 * 10**12])
    assert cycle.intervals == ((2**32 - 1, 0), (2**32 - 1, 0), (10**10 - 2 * (2**32 - 1), 0))


@given(
    durations_ps=st.lists(st.integers(1, 10**9), min_size=1, max_size=20),
    cycle_ps=st.integers(500, 2 * 10**9),
    base_ps=st.integers(-(10**12), 10**12),
)
def test_intervals_fill_the_cycle(durations_ps: list[int], cycle_ps: int, base_ps: int) -> None:
    cycle = cycle_of(base_ps, cycle_ps, durations_ps)
    assert sum(duration_ns for duration_ns, _ in cycle.intervals) == cycle.cycle_ns
    assert all(duration_ns > 0 for duration_ns, _ in cycle.intervals)
    assert [index for _, index in cycle.intervals] == sorted(index for _, index in cycle.intervals)
    assert cycle.base_ns >= 0
    assert cycle.moved_ps <= 500
    exact = Fraction(*cycle.cycle_s) * 10**12
    assert abs(exact - cycle_ps) == cycle.drift_ps <= 500

# SPDX-License-Identifier: Apache-2.0
"""Cyclic lists of a plan in the nanoseconds of devices.

Gates and stream gates repeat a list of intervals. Here the intervals are made to fill the cycle
exactly, and turned into whole nanoseconds by rounding the moments at which they begin, so that
errors do not add up. How far a moment has moved is told: a plan made on a grid of
nanoseconds moves none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from netplan.media.frames import PS_PER_S

PS_PER_NS = 1000
LARGEST_UINT32 = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One cyclic list.

    Attributes:
        base_ns: When a cycle begins, not negative.
        cycle_s: Its length as a rational number of seconds whose parts fit 32 bits.
        cycle_ns: Its length, rounded to nanoseconds.
        intervals: Duration in nanoseconds and index of the entry that is in force.
        moved_ps: Farthest that any moment within the cycle has moved by rounding.
        drift_ps: By how much each cycle differs from the plan's; 0 unless it cannot be written.
        base_moved_ps: By how much the beginning has moved.
    """

    base_ns: int
    cycle_s: tuple[int, int]
    cycle_ns: int
    intervals: tuple[tuple[int, int], ...]
    moved_ps: int
    drift_ps: int
    base_moved_ps: int


def cycle_of(base_ps: int, cycle_ps: int, durations_ps: Sequence[int]) -> Cycle:
    """Turn a cyclic list into nanoseconds.

    Args:
        base_ps: When it begins; may be negative, when the same cycle is told by a later beginning.
        cycle_ps: Time until it repeats.
        durations_ps: Of its entries; the last one lasts to the end of the cycle, what lies
            beyond is cut.
    """
    if base_ps < 0:
        base_ps += -(base_ps // cycle_ps) * cycle_ps
    starts_ps: list[int] = []
    start_ps = 0
    for duration_ps in durations_ps:
        if start_ps >= cycle_ps:
            break
        starts_ps.append(start_ps)
        start_ps += duration_ps
    cycle_ns = _nearest(cycle_ps)
    starts_ns = [min(_nearest(start), cycle_ns) for start in starts_ps]
    intervals = []
    for index, (start, end) in enumerate(zip(starts_ns, [*starts_ns[1:], cycle_ns], strict=True)):
        # an interval that does not fit the field is told in parts
        left = end - start
        while left > 0:
            intervals.append((min(left, LARGEST_UINT32), index))
            left -= LARGEST_UINT32
    seconds = Fraction(cycle_ps, PS_PER_S)
    drift_ps = 0
    if max(seconds.numerator, seconds.denominator) > LARGEST_UINT32:
        seconds = Fraction(cycle_ns * PS_PER_NS, PS_PER_S)
        drift_ps = abs(cycle_ns * PS_PER_NS - cycle_ps)
    return Cycle(
        base_ns=base_ps // PS_PER_NS,
        cycle_s=(seconds.numerator, seconds.denominator),
        cycle_ns=cycle_ns,
        intervals=tuple(intervals),
        moved_ps=max(abs(ns * PS_PER_NS - ps) for ns, ps in zip(starts_ns, starts_ps, strict=True)),
        drift_ps=drift_ps,
        base_moved_ps=base_ps % PS_PER_NS,
    )


def _nearest(time_ps: int) -> int:
    return (time_ps + PS_PER_NS // 2) // PS_PER_NS


def up(time_ps: int) -> int:
    """Nanoseconds, rounded up."""
    return -(-time_ps // PS_PER_NS)

# SPDX-License-Identifier: Apache-2.0
"""Most work that has come and is not done, at any time of a busy period.

Where own arrivals do not rise, waiting only makes it less, so the windows at which they bend
decide; where they rise with the rate of a wire, an interval is halved until its ends decide.

Source: Le Boudec, Thiran, Network Calculus (2001), theorem 1.4.1 (backlog bound).
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Final, NamedTuple

from netplan.bounds.arrivals import ONE
from netplan.bounds.contention import Contention

_MOST_HALVINGS: Final = 400
"""Intervals looked at before an interval's upper bound is taken as it is."""


class _Interval(NamedTuple):
    """A time in which own arrivals rise; the one that may hold the most comes first."""

    negative_ps: int
    from_ps: int
    to_ps: int
    from_work_ps: int
    to_work_ps: int
    done_ps: int


def _interval(
    search: Contention, window: tuple[int, int], work: tuple[int, int], late_ps: int = 0
) -> _Interval:
    """The interval from one window to another, in which so much own work comes."""
    done_ps = search.own_done_ps(window[0] - late_ps)
    return _Interval(done_ps - work[1], *window, *work, done_ps)


def most_left_ps(search: Contention) -> int | None:
    """Most own work that is left; None where busy periods are too long to be searched."""
    if search.reach_ps is None:
        return None
    bends = search.bends()
    best_ps = max(
        (bend.work_ps - search.own_done_ps(bend.window_ps - bend.late_ps) for bend in bends),
        default=0,
    )
    intervals = []
    for bend, following in pairwise(bends):
        if bend.slope_up:
            window = bend.window_ps, following.window_ps
            rise_ps = -(-bend.slope_up * (window[1] - window[0]) // ONE)
            # What comes all at once at the end belongs to the next window.
            work = bend.work_ps, min(bend.work_ps + rise_ps, following.work_ps)
            intervals.append(_interval(search, window, work, bend.late_ps))
    heapify(intervals)
    for _ in range(_MOST_HALVINGS):
        if not intervals or -intervals[0].negative_ps <= best_ps:
            return best_ps
        most = heappop(intervals)
        if most.to_ps - most.from_ps <= 1:
            best_ps = max(best_ps, -most.negative_ps)
            continue
        middle_ps = (most.from_ps + most.to_ps) // 2
        work_ps = search.own_ps(middle_ps)
        best_ps = max(best_ps, work_ps - search.own_done_ps(middle_ps))
        for window, work in (
            ((most.from_ps, middle_ps), (most.from_work_ps, work_ps)),
            ((middle_ps, most.to_ps), (work_ps, most.to_work_ps)),
        ):
            heappush(intervals, _interval(search, window, work))
    return max([best_ps, *(-one.negative_ps for one in intervals[:1])])

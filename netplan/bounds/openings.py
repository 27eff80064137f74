# SPDX-License-Identifier: Apache-2.0
"""Time that work takes when it may be done in recurring windows only.

A window is given by when it opens, by how long after that a frame may still be started
(its *room*) and by the work that surely gets done in it when work never runs out (its
*capacity*: a frame that is started late is finished beyond the room). Alignment is unknown:
work begins just after the room of some window has ended, whichever is worst. Any
other beginning is no worse, since work that begins earlier within a window gains as much as
it waits longer.

Source: Le Boudec, Thiran, Network Calculus (2001), 1.3 (staircase service); Zhao, Pop, Craciunas,
Worst-case latency analysis for IEEE 802.1Qbv time sensitive networks using network
calculus (2018), section IV, for windows, guard bands and their worst alignment.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from netplan.bounds.arrivals import ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One time in each cycle in which frames are started.

    Attributes:
        start_ps: When a waiting frame is started at the latest.
        room_ps: How long after that frames may still be started.
        capacity_ps: Work that gets done in it when there is always work.
    """

    start_ps: int
    room_ps: int
    capacity_ps: int


class Openings:
    """The windows of one queue; :meth:`start_ps` is what they do to work.

    Attributes:
        cycle_ps: Windows repeat with this.
        capacity_ps: Work that gets done in a cycle.
        burst_ps: Least b such that work w never takes longer than b + w * cycle / capacity.
        windows: In a cycle.
    """

    def __init__(self, cycle_ps: int, windows: Sequence[Window]) -> None:
        """Prepare the worst alignments; there must be a window, and work done in it."""
        self.cycle_ps = cycle_ps
        self.windows = tuple(windows)
        self.capacity_ps = sum(window.capacity_ps for window in windows)
        self._alignments = [self._from(index) for index in range(len(windows))]
        self.burst_ps = max(self._burst_ps(*alignment) for alignment in self._alignments)
        self._known: dict[int, int] = {}

    def closings(self) -> tuple[int, int]:
        """Burst and rate (in 1 / ONE) of closings in a time that is counted within windows."""
        count = len(self.windows)
        return count, -(-count * ONE // self.capacity_ps)

    def start_ps(self, work_ps: int) -> int:
        """Longest time until so much work is done and a further frame is started."""
        cycles, rest_ps = divmod(work_ps, self.capacity_ps)
        longest_ps = self._known.get(rest_ps)
        if longest_ps is None:
            longest_ps = 0
            for until_ps, starts_ps, done_ps in self._alignments:
                index = bisect_left(until_ps, rest_ps)
                longest_ps = max(longest_ps, starts_ps[index] + max(rest_ps - done_ps[index], 0))
            self._known[rest_ps] = longest_ps
        return cycles * self.cycle_ps + longest_ps

    def done_ps(self, time_ps: int) -> int:
        """Work that is surely done by a time, so that a further frame is started by then."""
        return _most_work_ps(self, time_ps)

    def _from(self, first: int) -> tuple[list[int], list[int], list[int]]:
        """Of the windows that follow one: work from which they are too late, start, work before."""
        count = len(self.windows)
        last = self.windows[first]
        begin_ps = last.start_ps + last.room_ps
        until_ps, starts_ps, done_ps = [], [], []
        total_ps = 0
        for step in range(1, count + 2):
            cycles, index = divmod(first + step, count)
            window = self.windows[index]
            until_ps.append(total_ps + window.room_ps)
            starts_ps.append(cycles * self.cycle_ps + window.start_ps - begin_ps)
            done_ps.append(total_ps)
            total_ps += window.capacity_ps
        return until_ps, starts_ps, done_ps

    def _burst_ps(self, until_ps: list[int], starts_ps: list[int], done_ps: list[int]) -> int:
        works_ps = [0, *until_ps[:-1]]
        return max(
            start_ps + max(work_ps - before_ps, 0) - work_ps * self.cycle_ps // self.capacity_ps
            for work_ps, start_ps, before_ps in zip(works_ps, starts_ps, done_ps, strict=True)
        )


class Succession:
    """Windows of several gate lists, one after the other.

    While one list is in force, its own windows say how long work takes. Work that lasts
    over a change takes no longer than its two parts, and in between there is
    what the change takes: no later list can be worse in its part than alone.

    Attributes:
        cycle_ps: With ``capacity_ps``, time per work in the long run, the worst of all lists.
        capacity_ps: See ``cycle_ps``.
        burst_ps: As for :class:`Openings`, over all lists and changes.
    """

    def __init__(self, lists: Sequence[Openings], changes_ps: int) -> None:
        """Join lists; ``changes_ps`` is what all changes together take at most."""
        worst = lists[0]
        for one in lists[1:]:
            if one.cycle_ps * worst.capacity_ps > worst.cycle_ps * one.capacity_ps:
                worst = one
        self.cycle_ps, self.capacity_ps = worst.cycle_ps, worst.capacity_ps
        self.burst_ps = sum(one.burst_ps for one in lists) + changes_ps
        self._closings = [one.closings() for one in lists]

    def closings(self) -> tuple[int, int]:
        """Burst and rate (in 1 / ONE) of closings in a time that is counted within windows."""
        count = sum(burst for burst, _ in self._closings) + len(self._closings)
        return count, max(rate for _, rate in self._closings)

    def start_ps(self, work_ps: int) -> int:
        """Longest time until so much work is done and a further frame is started."""
        return self.burst_ps - (-work_ps * self.cycle_ps // self.capacity_ps)

    def done_ps(self, time_ps: int) -> int:
        """Work that is surely done by a time, so that a further frame is started by then."""
        return _most_work_ps(self, time_ps)


def _most_work_ps(service: Openings | Succession, time_ps: int) -> int:
    """Largest work that takes no longer than a time, 0 when there is none."""
    low_ps, high_ps = 0, max(time_ps, 0) + 1  # work never takes less than itself
    while high_ps - low_ps > 1:
        middle_ps = (low_ps + high_ps) // 2
        if service.start_ps(middle_ps) <= time_ps:
            low_ps = middle_ps
        else:
            high_ps = middle_ps
    return low_ps


Service = Openings | Succession
"""When work of a queue may be done."""

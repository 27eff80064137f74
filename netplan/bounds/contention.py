# SPDX-License-Identifier: Apache-2.0
"""Longest wait of a frame in one queue of one transmitter.

A frame that enters its queue ``a`` after the start of a busy period waits
for one lower frame already begun, for every frame of its own queue that came no
later, and for every higher frame that comes until it starts - ties go against it.
The module searches the ``a`` for which that lasts longest. Where own arrivals do
not rise, a later ``a`` only shortens the wait, so the points where they bend decide; where
they rise with the rate of a wire, an interval is halved until its ends decide. Gates let work be
done in windows only; credit and turns make own work take longer.

Source: Lehoczky, Fixed priority scheduling of periodic task sets with arbitrary
deadlines (1990), for the busy period; Davis, Burns, Bril, Lukkien, Controller Area Network
schedulability analysis (2007), for the frame that cannot be interrupted; Le Boudec,
Thiran, Network Calculus (2001), 6.2 for FIFO and residual service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from netplan.bounds.arrivals import ONE, UNLIMITED, Line, Staircase
from netplan.bounds.cost import Cost
from netplan.bounds.openings import Service

_MOST_STEPS: Final = 5000
"""Messages that a busy period may hold before token buckets replace staircases."""
_MOST_HALVINGS: Final = 400
"""Intervals looked at before an interval's upper bound is taken as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """The frames that come over one wire (or over none: released here, or sent at grants).

    Attributes:
        own: Frames of the queue under study.
        above: Frames of higher queues.
        line: Cap of the wire, None when they came over none.
        first_own_ps: Largest frame of ``own``, 0 when there is none.
        first_above_ps: Largest frame of ``above``.
        affine: Burst and rate (in 1 / ONE) of a token bucket above ``own``, and the same for
            ``above``; the four are what is used when busy periods are too long.
        steps_per_s: Messages per second, to foresee how long a staircase becomes.
    """

    own: Staircase
    above: Staircase
    line: Line | None
    first_own_ps: int
    first_above_ps: int
    affine: tuple[int, int, int, int]
    steps_per_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bend:
    """A window length at which own arrivals bend.

    Attributes:
        window_ps: Length of the window.
        work_ps: Most own work in it.
        late_ps: Makes good for a bend between two whole picoseconds.
        slope_up: Rate at which own work rises after it, in 1 / ONE, rounded up.
        slope_down: The same, rounded down.
    """

    window_ps: int
    work_ps: int
    late_ps: int
    slope_up: int
    slope_down: int


class Contention:
    """Everything that competes with one queue of one transmitter.

    Attributes:
        reach_ps: Longest time that this queue and those above can keep the transmitter
            busy; no longer window matters. None when it is too long to be searched.
    """

    def __init__(
        self,
        ingresses: Sequence[Ingress],
        *,
        fixed_ps: int,
        cost: Cost | None = None,
        openings: Service | None = None,
    ) -> None:
        """Prepare the search.

        Args:
            ingresses: Arrivals of this queue and of those above, by ingress; together
                less than the transmitter can take.
            fixed_ps: Latency of the service plus the longest frame that had started before.
            cost: What own work takes; None when it takes its own time.
            openings: When work may be done; None when always. The frame that had started
                before is over before the next opening or belongs to it.
        """
        self._ingresses = tuple(ingresses)
        self._fixed_ps = fixed_ps
        self._cost = cost
        self._openings = openings
        self._is_plain = cost is None and openings is None
        self._above = [
            (ingress.above, ingress.line, ingress.first_above_ps)
            for ingress in ingresses
            if ingress.first_above_ps
        ]
        self._own = [
            (ingress.own, ingress.line, ingress.first_own_ps)
            for ingress in ingresses
            if ingress.first_own_ps
        ]
        steps_per_s = sum(ingress.steps_per_s for ingress in ingresses)
        self._cap_ps = _MOST_STEPS * 10**12 // max(steps_per_s, 1) + 1
        self.reach_ps = self._busy_period_ps()
        self._bends = [] if self.reach_ps is None else self._find_bends(self.reach_ps)

    def longest_wait_ps(self, excluded_ps: int) -> int:
        """Longest time from entering the queue until all work ahead is done.

        Args:
            excluded_ps: Own work of the waiting frame that need not be done: its
                whole work where a started frame is never interrupted, 0 where the
                wait runs until its last bit has been served.
        """
        if self.reach_ps is None:
            return self._roughly_ps(excluded_ps)
        latest_ps = self.reach_ps - (excluded_ps if self._is_plain else 0)
        best_ps = end_ps = 0
        before: tuple[Bend, int] | None = None
        for bend in self._bends:
            if before is not None and latest_ps - before[0].window_ps <= best_ps:
                break
            work_ps = self._ahead_ps(bend.work_ps, excluded_ps)
            end_ps = self._end_ps(work_ps, end_ps, latest_ps)
            best_ps = max(best_ps, end_ps - bend.window_ps + bend.late_ps)
            rising = before is not None and before[0].slope_up
            if rising and (self._above or not self._is_plain):
                assert before is not None
                best_ps = self._between(excluded_ps, before, (bend, end_ps), best_ps)
            before = (bend, end_ps)
        return best_ps

    def stretched_ps(self, work_ps: int) -> int:
        """Longest time that work takes once it is begun, with all that goes before it."""
        if self.reach_ps is None:
            return self._roughly_ps(0, begun_ps=work_ps)
        return self._end_ps(work_ps, 0, UNLIMITED)

    def _ahead_ps(self, own_ps: int, excluded_ps: int) -> int:
        """What has to be done before the waiting frame starts, higher frames left aside."""
        if self._cost is None:
            own_ps -= excluded_ps
        else:
            own_ps = self._cost.ps(own_ps, excluded_ps)
        return own_ps + self._fixed_ps if self._openings is None else own_ps

    def _done_ps(self, work_ps: int) -> int:
        """When work can be done."""
        if self._openings is None:
            return work_ps
        return self._fixed_ps + self._openings.start_ps(work_ps)

    def _roughly_ps(self, excluded_ps: int, *, begun_ps: int | None = None) -> int:
        """Wait by token buckets, where a busy period is too long to be searched."""
        own_ps = sum(ingress.affine[0] for ingress in self._ingresses)
        above_ps = sum(ingress.affine[2] for ingress in self._ingresses)
        rate_above = sum(ingress.affine[3] for ingress in self._ingresses)
        if begun_ps is not None:
            own_ps = begun_ps
        elif self._cost is None:
            own_ps -= excluded_ps
        else:
            own_ps = self._cost.burst_ps(own_ps, excluded_ps)
        if self._openings is None:
            return -(-max(self._fixed_ps + own_ps + above_ps, 0) * ONE // (ONE - rate_above))
        cycle_ps, capacity_ps = self._openings.cycle_ps, self._openings.capacity_ps
        # With E(w) <= burst + w * cycle / capacity: t = fixed + E(own + burst + rate * t).
        constant_ps = (self._fixed_ps + self._openings.burst_ps) * capacity_ps
        constant_ps += max(own_ps + above_ps, 0) * cycle_ps
        return -(-constant_ps * ONE // (capacity_ps * ONE - rate_above * cycle_ps))

    def own_done_ps(self, window_ps: int) -> int:
        """Own work that is surely done at a time of a busy period, where it takes its own time.

        What could be done of all, less all higher work that came until then.
        """
        left_ps = window_ps - self._fixed_ps
        if left_ps <= 0:
            return 0
        if self._openings is not None:
            left_ps = self._openings.done_ps(left_ps)
        return max(0, left_ps - _arrived_ps(self._above, window_ps))

    def bends(self) -> list[Bend]:
        """Where own arrivals bend within the busy period, ascending from 0."""
        return self._bends

    def bends_until(self, window_ps: int) -> list[Bend] | None:
        """As :meth:`bends`, up to a window of any length; None when there may be too many."""
        return self._find_bends(window_ps) if window_ps <= self._cap_ps else None

    def own_ps(self, window_ps: int) -> int:
        """Most own work in a closed window."""
        return _arrived_ps(self._own, window_ps)

    def _busy_period_ps(self) -> int | None:
        """First time by which all work that came can be done, None beyond the cap."""
        window_ps = 0
        while True:
            work_ps, slope, bend_ps, capped = self._fixed_ps, 0, UNLIMITED, 0
            for ingress in self._ingresses:
                most_ps = ingress.own.at(window_ps) + ingress.above.at(window_ps)
                if ingress.line is not None:
                    first_ps = max(ingress.first_own_ps, ingress.first_above_ps)
                    capped_ps = first_ps + ingress.line.most(window_ps)
                    if capped_ps < most_ps:
                        slope += ingress.line.slope_up
                        capped += 1
                        bend_ps = min(bend_ps, ingress.line.window_for(most_ps - first_ps)[0])
                        most_ps = capped_ps
                work_ps += most_ps
            done_ps = self._all_done_ps(work_ps, window_ps)
            if done_ps <= window_ps:
                return window_ps
            window_ps = max(done_ps, _leap_ps(window_ps, work_ps, capped, slope, bend_ps))
            if window_ps > self._cap_ps:
                return None

    def _all_done_ps(self, work_ps: int, window_ps: int) -> int:
        """When everything that came in a window is done."""
        if self._is_plain:
            return work_ps
        if self._cost is not None:
            work_ps = self._ahead_ps(self.own_ps(window_ps), 0)
            return self._done_ps(work_ps + _arrived_ps(self._above, window_ps))
        return self._done_ps(work_ps - self._fixed_ps)

    def _end_ps(self, work_ps: int, window_ps: int, latest_ps: int) -> int:
        """When given work and all higher work that comes until then are done.

        Args:
            work_ps: Own work and what blocks it.
            window_ps: A time before which it cannot be.
            latest_ps: A time by which it must be.
        """
        if not self._above:
            return min(max(self._done_ps(work_ps), window_ps), latest_ps)
        while window_ps < latest_ps:
            ahead_ps, slope, bend_ps, capped = work_ps, 0, UNLIMITED, 0
            for stair, line, first_ps in self._above:
                most_ps = stair.at(window_ps)
                if line is not None and most_ps > first_ps:
                    capped_ps = first_ps + line.most(window_ps)
                    if capped_ps < most_ps:
                        slope += line.slope_up
                        capped += 1
                        bend_ps = min(bend_ps, line.window_for(most_ps - first_ps)[0])
                        most_ps = capped_ps
                ahead_ps += most_ps
            done_ps = self._done_ps(ahead_ps)
            if done_ps <= window_ps:
                return window_ps
            leap_ps = _leap_ps(window_ps, ahead_ps, capped, slope, bend_ps)
            window_ps = max(done_ps, leap_ps)
        return latest_ps

    def _find_bends(self, busy_ps: int) -> list[Bend]:
        windows: dict[int, int] = {0: 0}
        for stair, line, first_ps in self._own:
            steps_ps = stair.steps_before(busy_ps)
            for step_ps in steps_ps:
                windows.setdefault(step_ps, 0)
            if line is None:
                continue
            starts_ps = [0, *steps_ps]
            for start_ps, end_ps in zip(starts_ps, [*steps_ps, busy_ps], strict=True):
                level_ps = stair.at(start_ps)
                if level_ps <= first_ps:
                    continue
                bend_ps, exact = line.window_for(level_ps - first_ps)
                if start_ps < bend_ps < end_ps:
                    windows[bend_ps] = max(windows.get(bend_ps, 0), 0 if exact else 1)
        windows.setdefault(busy_ps, 0)  # a wire may cap until the very end
        return [self._bend(window_ps, late_ps) for window_ps, late_ps in sorted(windows.items())]

    def _bend(self, window_ps: int, late_ps: int) -> Bend:
        slope_up = slope_down = 0
        for stair, line, first_ps in self._own:
            if line is None:
                continue
            if first_ps + line.most(window_ps) < stair.at(window_ps):
                slope_up += line.slope_up
                slope_down += line.slope_down
        return Bend(
            window_ps=window_ps,
            work_ps=self.own_ps(window_ps),
            late_ps=late_ps,
            slope_up=slope_up,
            slope_down=slope_down,
        )

    def _between(
        self, excluded_ps: int, left: tuple[Bend, int], right: tuple[Bend, int], best_ps: int
    ) -> int:
        """Longest wait of a frame that comes between two bends, if above ``best_ps``.

        With higher arrivals frozen at what they reach at the right end, the end of the
        wait rises with own arrivals alone and is nowhere before the true one; it rises at least as
        they do, and just as they do where no gate or turn comes in between.
        """
        assert self.reach_ps is not None
        latest_ps = self.reach_ps - (excluded_ps if self._is_plain else 0)
        slope_up, slope_down = left[0].slope_up, left[0].slope_down
        looked_at = 0
        from_ps, to_ps = left[0].window_ps, right[0].window_ps
        own_from_ps, own_to_ps = left[0].work_ps, right[0].work_ps
        # The interval whose longest possible wait is the longest comes first.
        intervals = [
            (from_ps - right[1], from_ps, left[1], own_from_ps, to_ps, right[1], own_to_ps)
        ]
        while intervals:
            negative_ps, from_ps, from_end_ps, own_from_ps, to_ps, to_end_ps, own_to_ps = heappop(
                intervals
            )
            looked_at += 1
            most_ps = -negative_ps
            if most_ps <= best_ps:
                break
            if from_end_ps == to_end_ps:
                continue
            above_ps = _arrived_ps(self._above, to_end_ps)
            last_ps = self._done_ps(self._ahead_ps(own_to_ps, excluded_ps) + above_ps)
            if slope_down >= ONE and last_ps <= to_end_ps:
                # The wait grows up to the right end, but for a cost that is rounded up.
                best_ps = max(best_ps, to_end_ps - to_ps + (self._cost is not None))
                continue
            if slope_up <= ONE:
                first_ps = self._done_ps(self._ahead_ps(own_from_ps, excluded_ps) + above_ps)
                if last_ps - first_ps <= own_to_ps - own_from_ps:
                    most_ps = min(most_ps, first_ps - from_ps)  # the wait shrinks from the left
            if most_ps <= best_ps:
                continue
            if to_ps - from_ps <= 1 or looked_at > _MOST_HALVINGS:
                best_ps = most_ps
                continue
            middle_ps = (from_ps + to_ps) // 2
            own_ps = self.own_ps(middle_ps)
            end_ps = self._end_ps(self._ahead_ps(own_ps, excluded_ps), from_end_ps, latest_ps)
            best_ps = max(best_ps, end_ps - middle_ps)
            before = (
                from_ps - end_ps,
                from_ps,
                from_end_ps,
                own_from_ps,
                middle_ps,
                end_ps,
                own_ps,
            )
            after = (middle_ps - to_end_ps, middle_ps, end_ps, own_ps, to_ps, to_end_ps, own_to_ps)
            heappush(intervals, before)
            heappush(intervals, after)
        return best_ps


def _arrived_ps(sources: list[tuple[Staircase, Line | None, int]], window_ps: int) -> int:
    """Most work from several ingresses in a closed window, capped by their wires."""
    total_ps = 0
    for stair, line, first_ps in sources:
        most_ps = stair.at(window_ps)
        if line is not None and most_ps > first_ps:
            most_ps = min(most_ps, first_ps + line.most(window_ps))
        total_ps += most_ps
    return total_ps


def _leap_ps(window_ps: int, work_ps: int, capped: int, slope: int, bend_ps: int) -> int:
    """A later window before which the work cannot be done, given how the work rises.

    Args:
        window_ps: The window in which the work came.
        work_ps: The work, more than the window.
        capped: Number of wires that cap it; each may have been rounded up by one.
        slope: Rate at which they let it rise, in 1 / ONE.
        bend_ps: Window from which one of them no longer does.
    """
    if slope >= ONE:  # the gap cannot close before a wire no longer caps
        return max(work_ps, bend_ps)
    if slope:
        leap_ps = max(work_ps - window_ps - capped, 0) * ONE // (ONE - slope)
        return max(work_ps, min(bend_ps, window_ps + leap_ps))
    return work_ps

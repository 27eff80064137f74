# SPDX-License-Identifier: Apache-2.0
"""Earliest and latest start of a frame at a gated port, given what is ahead of it.

A queue that holds frames is served while its gate is open and the next frame still fits before
the closing; what may hold it up then is one frame of another queue that had begun, and
frames of higher queues. Gate edges of a port happen at their nominal times give or take the
error of its node's clock: openings count from the latest they can be, closings from the
earliest, and those of other queues the other way round.

Source: IEEE Std 802.1Q-2022, 8.6.8.4 (a frame that would not end before the gate closes is not
selected), IEEE Std 802.3-2022, 99.4.7 (fragments of preempted frames).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from netplan.bounds.arrivals import Staircase
from netplan.bounds.timed_gates import Openings
from netplan.bounds.timed_starts import KnownStarts, latest_begin_ps, may_start

_MOST_OPENINGS: Final = 2000
"""Openings that are tried for one frame before its queue counts as overloaded."""


class NotProvenError(Exception):
    """Nothing can be said about a queue; the message says why."""


@dataclass(slots=True, kw_only=True)
class Effort:
    """Steps that may still be taken, so that a hopeless queue costs little time.

    Attributes:
        left_count: That may still be taken.
        whole: Of all queues together, when this is that of one of them.
    """

    left_count: int
    whole: Effort | None = None

    def spend(self, step_count: int) -> None:
        """Take some steps.

        Raises:
            NotProvenError: When there are none left.
        """
        self.left_count -= step_count
        if self.left_count < 0:
            message = "would take too long to be worked out"
            raise NotProvenError(message)
        if self.whole is not None:
            self.whole.spend(step_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another queue of the port, as far as its frames are not known one by one.

    Attributes:
        openings: When its frames may start.
        frames: Distinct sizes as time on the wire that must be over before its gate closes,
            and time on the wire in all; largest first.
        arrivals: Work that may be started in a window of time, None for lower queues and for
            higher ones that are never open together with the queue under study.
        reach_ps: Longest wait in that queue: what is sent in a window came at most so long before.
    """

    openings: Openings
    frames: tuple[tuple[int, int], ...]
    is_above: bool
    arrivals: Staircase | None = None
    reach_ps: int = 0


@dataclass(slots=True, kw_only=True)
class Ahead:
    """What may be ahead of a frame in its own queue.

    Attributes:
        frames: Time before the gate closes and time in all of each frame, in order.
        in_order: Says whether that order is the only possible one.
        more_ps: Work of frames that are not known one by one.
        more_delivery_ps: Largest time before the gate closes among these.
        gap_ps: How long before the frame under study the first of them enters at least.
    """

    frames: list[tuple[int, int]]
    in_order: Callable[[], bool]
    more_ps: int = 0
    more_delivery_ps: int = 0
    gap_ps: int = 0

    @property
    def total_ps(self) -> int:
        """Work of all that may be ahead."""
        return sum(work_ps for _, work_ps in self.frames) + self.more_ps


def _alone() -> bool:
    return True


NOTHING: Final = Ahead(frames=[], in_order=_alone)


@dataclass(slots=True, kw_only=True)
class Port:
    """A port as one of its queues sees it.

    Attributes:
        openings: Of the queue under study.
        error_ps: Of the clock that moves the gates.
        rivals: Other queues.
        higher: Higher queues whose frames are known one by one.
        lower: The same of lower queues.
        effort: What may be spent on searching.
        only_gates: Whether no higher queue can go while this one may.
    """

    openings: Openings
    error_ps: int
    rivals: tuple[Rival, ...]
    higher: tuple[KnownStarts, ...]
    lower: tuple[KnownStarts, ...]
    effort: Effort
    only_gates: bool = field(init=False)

    def __post_init__(self) -> None:
        """Say once whether any higher queue can go while this one may."""
        self.only_gates = not self.higher and all(rival.arrivals is None for rival in self.rivals)

    def latest_start_ps(self, from_ps: int, ahead: Ahead, delivery_ps: int) -> int:
        """Latest start of a frame that fits into some opening.

        Args:
            from_ps: Time at which no frame of the queue is on the wire, and from which on all
                that is ahead may still have to be sent.
            ahead: What is ahead.
            delivery_ps: Time of the frame itself before the gate closes.
        """
        work_ps = ahead.total_ps
        if self.openings.always:
            begin_ps = self._running_until_ps(from_ps, from_ps, None)
            return self._settled_ps(from_ps, begin_ps + work_ps, None)
        error_ps, frames = self.error_ps, ahead.frames
        largest_ps = max([ahead.more_delivery_ps, delivery_ps, *(fit for fit, _ in frames)])
        needed_ps = 0  # no shorter opening changes anything
        is_sorted = False
        first = self.openings.first_closing_after(from_ps + error_ps)
        for index in range(first, first + _MOST_OPENINGS):
            self.effort.spend(1)
            opens_ps, closes_ps = self.openings.at(index)
            start_ps, end_ps = max(from_ps, opens_ps + error_ps), closes_ps - error_ps
            if start_ps + needed_ps >= end_ps:
                continue
            begin_ps = self._running_until_ps(start_ps, from_ps, opens_ps)
            settled_ps = self._settled_ps(start_ps, begin_ps + work_ps, end_ps)
            if settled_ps + delivery_ps <= end_ps:
                return settled_ps
            in_order = not ahead.more_ps and ahead.in_order()
            if not in_order and not is_sorted:
                # Whatever the order, no more is left than if the smallest went first.
                frames, is_sorted = sorted(frames, key=lambda frame: -frame[1]), True
            fit_ps = None if in_order else largest_ps
            count = self._sent_count(start_ps, begin_ps, end_ps, frames, fit_ps)
            if in_order:
                work_ps -= sum(work for _, work in frames[:count])
                frames = frames[count:]
                needed_ps = (frames[0][0] if frames else delivery_ps) - 1
                continue
            # Sending stops no earlier than where the largest frame no longer fits.
            above_ps = self._above_ps(start_ps, end_ps)
            work_ps = max(0, work_ps - max(0, end_ps - begin_ps - above_ps - largest_ps + 1))
            if count and not ahead.more_ps:
                frames = frames[: len(frames) - count]
                work_ps = min(work_ps, sum(work for _, work in frames))
            needed_ps = min(largest_ps, work_ps + delivery_ps) - 1
        message = "is offered more than its openings carry"
        raise NotProvenError(message)

    def next_start_ps(self, free_ps: int, delivery_ps: int) -> int:
        """Latest start of a frame that waits already when the one before it has left.

        As long as the gate stays open, no lower frame comes between them.
        """
        if self.openings.always:
            return free_ps
        opens_ps, closes_ps = self.openings.at(
            self.openings.first_closing_after(free_ps + self.error_ps)
        )
        if opens_ps + self.error_ps <= free_ps <= closes_ps - self.error_ps - delivery_ps:
            return free_ps
        return self.latest_start_ps(free_ps, NOTHING, delivery_ps)

    def longest_wait_ps(
        self,
        span: tuple[int, int],
        busy: list[tuple[int, Ahead]],
        latest_start_ps: int,
        delivery_ps: int,
    ) -> int | None:
        """Longest wait of a frame, whenever it comes.

        A frame that comes before the opening that serves the latest one waits for it at most;
        within it, all shift together with the frame.

        Args:
            span: Earliest and latest entry.
            busy: Times from which on frames may be ahead of it, and which; at least one.
            latest_start_ps: Of the frame.
            delivery_ps: Time of the frame itself before the gate closes.

        Returns:
            None where known frames of higher queues may hold it up, or it may be too late for
            the opening.
        """
        earliest_ps, latest_ps = span
        error_ps, opens_ps, end_ps, nominal_ps = self.error_ps, None, None, None
        if not self.openings.always:
            index = self.openings.first_closing_after(latest_start_ps + error_ps)
            nominal_ps, closes_ps = self.openings.at(index)
            opens_ps, end_ps = nominal_ps + error_ps, closes_ps - error_ps
        starts_ps = [start if opens_ps is None else max(start, opens_ps) for start, _ in busy]
        since_ps = min(earliest_ps, *starts_ps)
        running_ps = 0
        for lower in self.lower:
            running_ps = max(running_ps, lower.longest_between_ps(since_ps, latest_ps))
        for rival in self.rivals:
            if self._may_run(rival, since_ps, latest_ps):
                running_ps = max(running_ps, rival.frames[0][1])
        wait_ps = 0
        for start_ps, (from_ps, ahead) in zip(starts_ps, busy, strict=True):
            if start_ps == from_ps:
                # The earlier the frame comes, the earlier those ahead of it have come as well.
                done_ps = start_ps + running_ps + ahead.total_ps
                settled_ps = self._settled_ps(start_ps, done_ps, end_ps)
                shifted_ps = max(start_ps + ahead.gap_ps, earliest_ps)
                wait_ps = max(wait_ps, settled_ps - shifted_ps)
                latest_ps = max(latest_ps, settled_ps)
            if opens_ps is not None and min(from_ps, earliest_ps - ahead.gap_ps) < opens_ps:
                # Or they wait for the opening.
                begin_ps = self._running_until_ps(opens_ps, min(from_ps, opens_ps), nominal_ps)
                settled_ps = self._settled_ps(opens_ps, begin_ps + ahead.total_ps, end_ps)
                wait_ps = max(wait_ps, settled_ps - earliest_ps)
                latest_ps = max(latest_ps, settled_ps)
        if end_ps is not None and latest_ps + delivery_ps > end_ps:
            return None
        for higher in self.higher:
            if higher.running_until_ps(since_ps) > since_ps:
                return None
            if higher.started_ps(since_ps, latest_ps, error_ps):
                return None
        return wait_ps

    def _may_run(self, rival: Rival, from_ps: int, to_ps: int) -> bool:
        """Whether a frame of another queue may be on the wire at some time from one to another."""
        if rival.arrivals is not None or rival.openings.never:
            return False
        if rival.openings.always:
            return True
        _, closes_ps = rival.openings.at(rival.openings.last_opening_by(to_ps + self.error_ps))
        return closes_ps + self.error_ps + rival.frames[0][1] > from_ps

    def _running_until_ps(self, start_ps: int, from_ps: int, opens_ps: int | None) -> int:
        """Latest end of a frame of another queue that started before the queue could.

        Args:
            start_ps: When the queue's gate is open at the latest, and it holds frames.
            from_ps: Since when it holds frames; lower ones do not start while its gate is open.
            opens_ps: Nominal opening of its gate; None when it is always open.
        """
        end_ps = start_ps
        for higher in self.higher:
            end_ps = max(end_ps, higher.running_until_ps(start_ps))
        error_ps = self.error_ps
        for lower in self.lower:
            until_ps = lower.blocking_until_ps(start_ps, from_ps, opens_ps, error_ps)
            end_ps = max(end_ps, until_ps)
        for rival in self.rivals:
            openings = rival.openings
            if rival.arrivals is not None or openings.never:
                continue
            # Higher frames begin whether or not this queue holds any.
            since_ps = start_ps if rival.is_above else from_ps
            for size_ps in rival.frames:
                begun_ps = latest_begin_ps(
                    openings, size_ps, start_ps, since_ps, opens_ps, error_ps
                )
                if begun_ps is not None:
                    end_ps = max(end_ps, begun_ps + size_ps[1])
                if openings.always:
                    break
        return end_ps

    def _above_ps(self, start_ps: int, to_ps: int) -> int:
        """Work of higher queues that may come between a start and a time."""
        total_ps = sum(higher.started_ps(start_ps, to_ps, self.error_ps) for higher in self.higher)
        for rival in self.rivals:
            if rival.arrivals is None:
                continue
            # What had begun before the start counts as well.
            longest_ps, least_ps = rival.frames[0][1], rival.frames[-1][0]
            if may_start(rival.openings, start_ps - longest_ps, to_ps, least_ps, self.error_ps):
                total_ps += rival.arrivals.at(to_ps - start_ps + longest_ps + rival.reach_ps)
        return total_ps

    def _settled_ps(self, start_ps: int, done_ps: int, end_ps: int | None) -> int:
        """When work and all that higher queues send until then is done, or a time past the end."""
        if self.only_gates:
            return done_ps
        time_ps = done_ps
        for _ in range(_MOST_OPENINGS):
            later_ps = done_ps + self._above_ps(start_ps, time_ps)
            if later_ps <= time_ps or (end_ps is not None and time_ps > end_ps):
                return time_ps
            time_ps = later_ps
        message = "and the queues above it are offered more than the wire carries"
        raise NotProvenError(message)

    def _sent_count(
        self,
        start_ps: int,
        begin_ps: int,
        end_ps: int,
        frames: list[tuple[int, int]],
        fit_ps: int | None,
    ) -> int:
        """Number of the first frames that surely go in one opening.

        Args:
            start_ps: Of the opening.
            begin_ps: When the first of them may start.
            end_ps: Of the opening.
            frames: In order.
            fit_ps: Time that must be left for any frame to be started; its own when None.
        """
        gone_ps = count = 0
        for delivery_ps, work_ps in frames:
            needed_ps = delivery_ps if fit_ps is None else fit_ps
            if self._settled_ps(start_ps, begin_ps + gone_ps, end_ps) + needed_ps > end_ps:
                break
            gone_ps += work_ps
            count += 1
        return count

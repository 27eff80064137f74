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

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from netplan.bounds.arrivals import Staircase
from netplan.bounds.timed_gates import Openings

_MOST_OPENINGS: Final = 5000
"""Openings that are tried for one frame before its queue counts as overloaded."""


class NotProvenError(Exception):
    """Nothing can be said about a queue; the message says why."""


@dataclass(slots=True, kw_only=True)
class Effort:
    """Steps that may still be taken, so that a hopeless queue costs little time.

    Attributes:
        left_count: In all.
        here_count: For the queue that is being worked out.
    """

    left_count: int
    here_count: int = 0

    def spend(self, step_count: int) -> None:
        """Take some steps.

        Raises:
            NotProvenError: When there are none left.
        """
        self.left_count -= step_count
        self.here_count -= step_count
        if self.left_count < 0 or self.here_count < 0:
            message = "would take too long to be worked out"
            raise NotProvenError(message)


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


@dataclass(slots=True)
class HigherFrames:
    """Frames of higher queues whose starts are known within limits, repeated for ever.

    Attributes:
        repeat_ps: After which they repeat.
        latest_ps: Latest starts, ascending, within one repetition.
        earliest_ps: Earliest starts.
        delivery_ps: Time on the wire before the gate closes.
        work_ps: Time on the wire in all.
        openings: Of each frame's queue.
    """

    repeat_ps: int
    latest_ps: list[int] = field(default_factory=list)
    earliest_ps: list[int] = field(default_factory=list)
    delivery_ps: list[int] = field(default_factory=list)
    work_ps: list[int] = field(default_factory=list)
    openings: list[Openings] = field(default_factory=list)
    span_ps: int = 0
    most_work_ps: int = 0

    def add(self, rows: list[tuple[int, int, int, int, Openings]]) -> None:
        """Fill in rows of latest and earliest start, delivery, work and openings, any order."""
        placed = []
        for latest_ps, earliest_ps, delivery_ps, work_ps, openings in rows:
            shift_ps = latest_ps % self.repeat_ps - latest_ps
            placed.append(
                (latest_ps + shift_ps, earliest_ps + shift_ps, delivery_ps, work_ps, openings)
            )
        placed.sort(key=lambda row: row[:4])
        for latest_ps, earliest_ps, delivery_ps, work_ps, openings in placed:
            self.latest_ps.append(latest_ps)
            self.earliest_ps.append(earliest_ps)
            self.delivery_ps.append(delivery_ps)
            self.work_ps.append(work_ps)
            self.openings.append(openings)
            self.span_ps = max(self.span_ps, latest_ps - earliest_ps)
            self.most_work_ps = max(self.most_work_ps, work_ps)

    def _first_from(self, time_ps: int) -> int:
        repeats, rest_ps = divmod(time_ps, self.repeat_ps)
        return repeats * len(self.latest_ps) + bisect_left(self.latest_ps, rest_ps)

    def running_until_ps(self, time_ps: int) -> int:
        """When the last frame that started before a time has left the wire, or that time."""
        end_ps = time_ps
        index = self._first_from(time_ps) - 1
        while True:
            repeats, place = divmod(index, len(self.latest_ps))
            latest_ps = self.latest_ps[place] + repeats * self.repeat_ps
            if latest_ps + self.most_work_ps <= end_ps:
                return end_ps
            end_ps = max(end_ps, latest_ps + self.work_ps[place])
            index -= 1

    def started_ps(self, from_ps: int, to_ps: int, error_ps: int) -> int:
        """Work of all frames that may start in a closed window, or be on the wire when it begins.

        Those that surely started before it are left out.
        """
        total_ps = 0
        index = self._first_from(from_ps)
        while True:
            repeats, place = divmod(index, len(self.latest_ps))
            shift_ps = repeats * self.repeat_ps
            latest_ps = self.latest_ps[place] + shift_ps
            if latest_ps - self.span_ps > to_ps:
                return total_ps
            earliest_ps = self.earliest_ps[place] + shift_ps
            if earliest_ps <= to_ps and (
                earliest_ps == latest_ps
                or may_start(
                    self.openings[place],
                    max(from_ps - self.work_ps[place], earliest_ps),
                    min(to_ps, latest_ps),
                    self.delivery_ps[place],
                    error_ps,
                )
            ):
                total_ps += self.work_ps[place]
            index += 1


def may_start(openings: Openings, from_ps: int, to_ps: int, fit_ps: int, error_ps: int) -> bool:
    """Whether a gate may let a frame start in a closed window of time."""
    if openings.always:
        return True
    if openings.never:
        return False
    opens_ps, closes_ps = openings.at(openings.first_closing_after(from_ps + fit_ps - error_ps - 1))
    del closes_ps
    return opens_ps - error_ps <= to_ps


@dataclass(slots=True, kw_only=True)
class Ahead:
    """What may be ahead of a frame in its own queue.

    Attributes:
        frames: Time before the gate closes and time in all of each frame, in order.
        in_order: Says whether that order is the only possible one.
        more_ps: Work of frames that are not known one by one.
        more_delivery_ps: Largest time before the gate closes among these.
    """

    frames: list[tuple[int, int]]
    in_order: Callable[[], bool]
    more_ps: int = 0
    more_delivery_ps: int = 0

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
        higher: Frames of higher queues that are known one by one.
        effort: What may be spent on searching.
    """

    openings: Openings
    error_ps: int
    rivals: tuple[Rival, ...]
    higher: HigherFrames | None
    effort: Effort

    def lone_start_ps(self, from_ps: int, delivery_ps: int, error_ps: int) -> int:
        """Latest start of a frame that meets no other, with a clock that is wrong by so much."""
        if self.openings.always:
            return from_ps
        index = self.openings.first_closing_after(from_ps + error_ps)
        while True:
            opens_ps, closes_ps = self.openings.at(index)
            start_ps = max(from_ps, opens_ps + error_ps)
            if start_ps + delivery_ps <= closes_ps - error_ps:
                return start_ps
            index += 1

    def earliest_start_ps(self, from_ps: int, least_delivery_ps: int) -> int:
        """No frame that comes at a time can start before this."""
        return self.lone_start_ps(from_ps, least_delivery_ps, -self.error_ps)

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
        error_ps, sent = self.error_ps, 0
        largest_ps = max([ahead.more_delivery_ps, delivery_ps, *(fit for fit, _ in ahead.frames)])
        first = self.openings.first_closing_after(from_ps + error_ps)
        for index in range(first, first + _MOST_OPENINGS):
            self.effort.spend(1)
            opens_ps, closes_ps = self.openings.at(index)
            start_ps, end_ps = max(from_ps, opens_ps + error_ps), closes_ps - error_ps
            if start_ps >= end_ps:
                continue
            begin_ps = self._running_until_ps(start_ps, from_ps, opens_ps)
            settled_ps = self._settled_ps(start_ps, begin_ps + work_ps, end_ps)
            if settled_ps + delivery_ps <= end_ps:
                return settled_ps
            if not ahead.more_ps and ahead.in_order():
                gone_ps = self._sent_in_order_ps(start_ps, begin_ps, end_ps, ahead.frames[sent:])
                sent += gone_ps[1]
                work_ps -= gone_ps[0]
            else:
                # Sending stops no earlier than where the largest frame no longer fits.
                above_ps = self._above_ps(start_ps, end_ps)
                work_ps -= max(0, end_ps - begin_ps - above_ps - largest_ps + 1)
                work_ps = max(0, work_ps)
        message = "is offered more than its openings carry"
        raise NotProvenError(message)

    @property
    def only_gates(self) -> bool:
        """Whether no higher queue can go while this one may."""
        return self.higher is None and all(rival.arrivals is None for rival in self.rivals)

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

    def is_surely_open(self, from_ps: int, to_ps: int) -> bool:
        """Whether the gate lets a frame start at any time from one to another, and end by then."""
        if self.openings.always:
            return True
        opens_ps, closes_ps = self.openings.at(
            self.openings.first_closing_after(from_ps + self.error_ps)
        )
        return opens_ps + self.error_ps <= from_ps and to_ps <= closes_ps - self.error_ps

    def longest_wait_ps(
        self, span: tuple[int, int], busy: list[tuple[int, int]], delivery_ps: int
    ) -> int | None:
        """Longest wait of a frame for which the gate is surely open whenever it comes.

        Args:
            span: Earliest and latest arrival.
            busy: Times from which on work may be ahead of it, and how much.
            delivery_ps: Time of the frame itself before the gate closes.

        Returns:
            None where the gate or known frames of higher queues may hold it up.
        """
        earliest_ps, latest_ps = span
        error_ps, opens_ps, end_ps = self.error_ps, None, None
        if not self.openings.always:
            nominal_ps, closes_ps = self.openings.at(
                self.openings.first_closing_after(earliest_ps + error_ps)
            )
            opens_ps, end_ps = nominal_ps + error_ps, closes_ps - error_ps
            if opens_ps > earliest_ps:
                return None
        running_ps = max(
            (rival.frames[0][1] for rival in self.rivals if self._may_run(rival, span)), default=0
        )
        wait_ps = 0
        for from_ps, work_ps in busy:
            start_ps = from_ps if opens_ps is None else max(from_ps, opens_ps)
            settled_ps = self._settled_ps(start_ps, start_ps + running_ps + work_ps, end_ps)
            if end_ps is not None and settled_ps + delivery_ps > end_ps:
                return None
            if self.higher is not None and (
                self.higher.running_until_ps(earliest_ps) > earliest_ps
                or self.higher.started_ps(earliest_ps, max(settled_ps, latest_ps), error_ps)
            ):
                return None
            wait_ps = max(wait_ps, settled_ps - max(start_ps, earliest_ps))
        return wait_ps

    def _may_run(self, rival: Rival, span: tuple[int, int]) -> bool:
        """Whether a frame of another queue may be on the wire at some time of a span."""
        if rival.arrivals is not None or rival.openings.never:
            return False
        if rival.openings.always:
            return True
        _, closes_ps = rival.openings.at(rival.openings.last_opening_by(span[1] + self.error_ps))
        return closes_ps + self.error_ps + rival.frames[0][1] > span[0]

    def _running_until_ps(self, start_ps: int, from_ps: int, opens_ps: int | None) -> int:
        """Latest end of a frame of another queue that started before the queue could.

        Args:
            start_ps: When the queue's gate is open at the latest, and it holds frames.
            from_ps: Since when it holds frames; lower ones do not start while its gate is open.
            opens_ps: Nominal opening of its gate; None when it is always open.
        """
        end_ps = start_ps
        if self.higher is not None:
            end_ps = self.higher.running_until_ps(start_ps)
        error_ps = self.error_ps
        for rival in self.rivals:
            openings = rival.openings
            if rival.arrivals is not None or openings.never:
                continue
            longest_ps = rival.frames[0][1]
            if openings.always:
                end_ps = max(end_ps, start_ps + longest_ps)
                continue
            after_ps = max(work - fit for fit, work in rival.frames)
            index = openings.last_opening_by(start_ps + error_ps)
            while True:
                other_opens_ps, closes_ps = openings.at(index)
                if closes_ps + error_ps + after_ps <= end_ps:
                    break
                # A gate that opens no earlier than ours lets no lower frame go before ours.
                earlier = opens_ps is not None and other_opens_ps < opens_ps
                last_ps = start_ps if rival.is_above or earlier else from_ps
                for fit_ps, work_ps in rival.frames:
                    begun_ps = min(last_ps, closes_ps + error_ps - fit_ps)
                    if begun_ps >= other_opens_ps - error_ps:
                        end_ps = max(end_ps, begun_ps + work_ps)
                        break
                index -= 1
        return end_ps

    def _above_ps(self, start_ps: int, to_ps: int) -> int:
        """Work of higher queues that may come between a start and a time."""
        total_ps = 0
        if self.higher is not None:
            total_ps = self.higher.started_ps(start_ps, to_ps, self.error_ps)
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

    def _sent_in_order_ps(
        self, start_ps: int, begin_ps: int, end_ps: int, frames: list[tuple[int, int]]
    ) -> tuple[int, int]:
        """Work and number of the frames that surely go in one opening."""
        gone_ps = count = 0
        for fit_ps, work_ps in frames:
            if self._settled_ps(start_ps, begin_ps + gone_ps, end_ps) + fit_ps > end_ps:
                break
            gone_ps += work_ps
            count += 1
        return gone_ps, count

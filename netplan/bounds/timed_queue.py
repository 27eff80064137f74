# SPDX-License-Identifier: Apache-2.0
"""Latest starts of the frames that one queue is known to get, in the order of their entries.

Every frame enters within an interval of time; a frame that may enter before another
counts as ahead of it, unless their order is sure. The latest start is searched over
the instants at which the queue may have begun to hold frames without a break. Frames
repeat for ever: what a queue held in the pass before stands for the repetition before.

Source: Lehoczky (1990) for busy periods; Palencia, Gonzalez Harbour, Schedulability analysis
for tasks with static and dynamic offsets (RTSS 1998), for interference that is known in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

from netplan.bounds.arrivals import Staircase
from netplan.bounds.timed_port import NOTHING, Ahead, NotProvenError, Port

_MOST_AHEAD: Final = 100
"""Frames that are looked at one by one ahead of another."""
_STEPS_PER_FRAME: Final = 500
"""Spent on a queue at most in one pass, on average over its frames, and at least for some."""
_LONG_AGO: Final = -(1 << 100)


@dataclass(eq=False, slots=True, kw_only=True)
class Entry:
    """A frame that enters the queue, once in each repetition.

    Attributes:
        flow: Which flow it belongs to, for the caller.
        frame: Which frame of that flow.
        row_index: Its place among all frames of the queue.
        earliest_ps: Earliest entry.
        delivery_ps: Time on the wire before the gate closes.
        work_ps: Time on the wire in all.
        line: Equal for frames that one wire brought in order, with the same delays behind it;
            -1 where nothing is known.
        spacing_ps: Least time on that wire between the end of the frame before and its own end.
        spread_ps: How much later one frame of the line than another may enter after its end.
        latest_ps: Latest entry, as known when it is looked at.
        start_ps: Result: latest start.
        wait_ps: Result: longest wait whenever it comes; None when it depends on when.
    """

    flow: int
    frame: int
    row_index: int
    earliest_ps: int
    delivery_ps: int
    work_ps: int
    line: int = -1
    spacing_ps: int = 0
    spread_ps: int = 0
    latest_ps: int = _LONG_AGO
    start_ps: int = _LONG_AGO
    wait_ps: int | None = None


@dataclass(slots=True)
class Passed:
    """A frame that has been looked at.

    Attributes:
        entry: Which.
        shift_ps: By how much later than its own times it is meant.
        latest_ps: Latest entry.
        end_ps: When it and all before it have left the wire at the latest.
        is_plain: Whether that owes nothing to frames behind them.
    """

    entry: Entry
    shift_ps: int
    latest_ps: int
    end_ps: int
    is_plain: bool

    def later(self, shift_ps: int) -> Passed:
        """The same frame in another repetition."""
        return Passed(
            self.entry, shift_ps, self.latest_ps + shift_ps, self.end_ps + shift_ps, self.is_plain
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Frames of the queue whose times are not known one by one.

    Attributes:
        arrivals: Their work in a window of time.
        reach_ps: How long before its end on the wire such a frame came at most.
        delivery_ps: Largest time before the gate closes.
    """

    arrivals: Staircase
    reach_ps: int
    delivery_ps: int


SurelyBefore = Callable[[Entry, Entry, int], bool]
"""Whether a frame surely is ahead of another one that is meant so much later."""

Later = tuple[Entry, int]
"""A frame and by how much later than its own times it is meant."""


class TimedQueue:
    """All frames of one queue over one repetition, and the search over them."""

    def __init__(
        self,
        port: Port,
        repeat_ps: int,
        entries: list[Entry],
        surely_before: SurelyBefore,
        unknown: Unknown | None,
    ) -> None:
        """Take the frames."""
        self.port = port
        self.entries = entries
        self._repeat_ps = repeat_ps
        self._before = surely_before
        self._unknown = unknown
        placed = [(entry.earliest_ps % repeat_ps, place) for place, entry in enumerate(entries)]
        self._by_earliest = [(time_ps, entries[place]) for time_ps, place in sorted(placed)]
        self._most_ahead = min(_MOST_AHEAD, 2 * len(entries) + 8)
        self._begins_ps = min(entry.earliest_ps for entry in entries)
        self._left_count = 0
        self._lasts_until_ps = 0
        self._again: set[tuple[int, int]] = set()
        self._passed: list[Passed] = []
        self._next = 0
        self._open: dict[tuple[int, int, int], Later] = {}

    def begin(self) -> list[Passed]:
        """Start a pass: what was found before now stands for the repetition before.

        Returns:
            Frames of that repetition that may enter after others of this one; they are to be given to
            :meth:`pass_again` in the order of their latest entry.
        """
        self.port.effort.left_count = _STEPS_PER_FRAME * (len(self.entries) + 100)
        repeat_ps, count = self._repeat_ps, len(self.entries)
        found = [one for one in self._passed if not one.shift_ps]
        self._passed = []
        self._next = self._begins_ps // repeat_ps * count
        self._left_count = count
        self._again = set()
        self._lasts_until_ps = max(max(one.earliest_ps, one.latest_ps) for one in self.entries)
        returning: list[Passed] = []
        if found and found[-1].end_ps - repeat_ps > self._begins_ps:
            before = [
                one.later(-repeats * repeat_ps)
                for repeats in range(self._most_ahead // count + 2, 0, -1)
                for one in found
            ]
            before.sort(key=lambda one: one.latest_ps)
            for one in before:
                if one.latest_ps < self._begins_ps:
                    self._append(one)
                else:
                    returning.append(one)
        self._open = {
            (one.entry.flow, one.entry.frame, one.shift_ps): (one.entry, one.shift_ps)
            for one in returning
        }
        return returning

    def _append(self, one: Passed) -> None:
        if self._passed:
            one.end_ps = max(one.end_ps, self._passed[-1].end_ps)
        self._passed.append(one)

    @property
    def is_done(self) -> bool:
        """Whether all frames of the repetition have been looked at in this pass."""
        return self._left_count == 0

    def coming_again(self) -> Passed | None:
        """The frame looked at last as it comes in the next repetition.

        It is to be given to :meth:`pass_again` at that time; None where no other frame of this
        repetition enters after it.
        """
        last = self._passed[-1]
        if last.latest_ps + self._repeat_ps > self._lasts_until_ps:
            return None
        return last.later(self._repeat_ps)

    def pass_again(self, one: Passed) -> None:
        """Take a frame of another repetition as it was found."""
        self._open.pop((one.entry.flow, one.entry.frame, one.shift_ps), None)
        if one.shift_ps > 0:
            self._again.add((one.entry.flow, one.entry.frame))
        self._append(one)

    def pass_by(self, entry: Entry, *, with_waits: bool) -> None:
        """Work out the latest start of a frame; no frame that is still to come enters earlier.

        Args:
            entry: The frame.
            with_waits: Whether the longest wait is to be worked out as well.

        Raises:
            NotProvenError: When there is none, or it takes too long to be found.
        """
        port, passed = self.port, self._passed
        overtaking = self._overtaking(entry)
        free_ps = passed[-1].end_ps if passed else _LONG_AGO
        waits = free_ps > entry.latest_ps
        alone = not overtaking and self._unknown is None
        is_plain = alone and (not waits or passed[-1].is_plain)
        if alone and (not waits or (port.only_gates and is_plain)):
            start_ps = port.latest_start_ps(entry.latest_ps, NOTHING, entry.delivery_ps)
            if waits:
                start_ps = max(start_ps, port.next_start_ps(free_ps, entry.delivery_ps))
        else:
            start_ps = self._search(entry, overtaking)
        start_ps = entry.start_ps = max(start_ps, entry.start_ps)
        if with_waits:
            entry.wait_ps = self._longest_wait_ps(entry, overtaking)
        end_ps = max(free_ps, start_ps + entry.work_ps)
        passed.append(Passed(entry, 0, entry.latest_ps, end_ps, is_plain))
        self._left_count -= 1

    def _overtaking(self, entry: Entry) -> list[Later]:
        """Frames that may come later than the one under study, or before it."""
        count = len(self.entries)
        while True:
            repeats, place = divmod(self._next, count)
            time_ps, other = self._by_earliest[place]
            time_ps += repeats * self._repeat_ps
            if time_ps > entry.latest_ps:
                break
            shift_ps = time_ps - other.earliest_ps
            # Those of the repetition before are there from the beginning.
            again = shift_ps == self._repeat_ps and (other.flow, other.frame) in self._again
            if shift_ps >= 0 and not again:
                self._open[other.flow, other.frame, shift_ps] = (other, shift_ps)
            self._next += 1
        self._open.pop((entry.flow, entry.frame, 0), None)
        self.port.effort.spend(len(self._open))
        return [
            (other, shift_ps)
            for other, shift_ps in self._open.values()
            if other.earliest_ps + shift_ps <= entry.latest_ps
            and not self._before(entry, other, shift_ps)
        ]

    def _first_ahead(self, by_ps: int) -> tuple[int, bool]:
        """First frame that may still be there by a time, or with one that may.

        Returns:
            Also whether that is all; when it is more than is looked at, the rest have left some
            time later.
        """
        passed = self._passed
        first = last = len(passed)
        while first and passed[first - 1].end_ps > by_ps:
            if last - first > self._most_ahead:
                return first, False
            first -= 1
            by_ps = min(by_ps, passed[first].latest_ps)
        return first, True

    def _search(self, entry: Entry, overtaking: list[Later]) -> int:
        first, _ = self._first_ahead(entry.latest_ps)
        start_ps = entry.latest_ps
        for from_ps, pending in self._begins(entry, first, overtaking):
            latest_ps = self.port.latest_start_ps(from_ps, pending, entry.delivery_ps)
            start_ps = max(start_ps, latest_ps)
        return start_ps

    def _longest_wait_ps(self, entry: Entry, overtaking: list[Later]) -> int | None:
        """Longest wait of a frame, whenever it comes."""
        if entry.earliest_ps == entry.latest_ps:
            return entry.start_ps - entry.latest_ps
        first, is_all = self._first_ahead(entry.earliest_ps)
        if not is_all:
            return None
        try:
            return self.port.longest_wait_ps(
                (entry.earliest_ps, entry.latest_ps),
                list(self._begins(entry, first, overtaking)),
                entry.start_ps,
                entry.delivery_ps,
            )
        except NotProvenError:
            return None

    def _begins(
        self, entry: Entry, first: int, overtaking: list[Later]
    ) -> Iterator[tuple[int, Ahead]]:
        """Instants from which on the queue may never have been empty, and what is ahead then.

        Args:
            entry: The frame under study.
            first: From this frame on they may be ahead of it; when those before have left is known.
            overtaking: More of them, which may also come later.
        """
        unknown, entry_ps, effort = self._unknown, entry.latest_ps, self.port.effort
        clear_ps = self._passed[first - 1].end_ps if first else _LONG_AGO
        ahead = [(one.entry, one.shift_ps) for one in self._passed[first:]]
        times_ps = [one.latest_ps for one in self._passed[first:]] + [entry_ps] * len(overtaking)
        frames, capped = _latest_entries(entry, ahead + overtaking, times_ps)

        @cache
        def in_order() -> bool:
            effort.spend(len(frames))
            if len({row[2] for row in frames}) == 1:
                return True
            return not capped and not overtaking and self._order_is_sure(ahead)

        begins = [(max(row[0], clear_ps), place) for place, row in enumerate(frames)]
        if not begins or begins[-1][0] < entry_ps:
            begins.append((entry_ps, len(frames)))
        sizes = [(delivery_ps, work_ps) for _, _, delivery_ps, work_ps, _ in frames]
        before_ps = None
        for from_ps, place in begins:
            if before_ps is not None and self._is_covered(before_ps, from_ps):
                continue
            before_ps = from_ps
            effort.spend(1 + (len(frames) - place) // 8)
            pending = Ahead(frames=sizes[place:], in_order=in_order)
            if place < len(frames) and from_ps > clear_ps:
                pending.gap_ps = frames[place][4]
            if unknown is not None:
                window_ps = max(entry_ps - from_ps + unknown.reach_ps, 0)
                pending.more_ps = unknown.arrivals.at(window_ps)
                pending.more_delivery_ps = unknown.delivery_ps
            yield from_ps, pending

    def _is_covered(self, before_ps: int, from_ps: int) -> bool:
        """Whether a later beginning with less ahead cannot be worse.

        That is so when both wait for the same opening, or at the same instant.
        """
        if from_ps == before_ps:
            return True
        openings, error_ps = self.port.openings, self.port.error_ps
        if openings.always:
            return False
        index = openings.first_closing_after(from_ps + error_ps)
        return (
            from_ps < openings.at(index)[0] - error_ps
            and openings.first_closing_after(before_ps + error_ps) == index
        )

    def _order_is_sure(self, ahead: list[Later]) -> bool:
        return all(
            self._before(one, other, other_shift_ps - shift_ps)
            for (one, shift_ps), (other, other_shift_ps) in pairwise(ahead)
        )


def _latest_entries(
    entry: Entry, ahead: list[Later], times_ps: list[int]
) -> tuple[list[tuple[int, int, int, int, int]], bool]:
    """Latest entries of frames ahead, ascending; whether wires cap any of them.

    A wire brings one frame after the other, so of several frames over one wire not
    all can come at the last moment.

    Args:
        entry: The frame under study.
        ahead: Frames that may be ahead of it.
        times_ps: When each of them enters at the latest.

    Returns:
        Rows of latest entry, place in ``ahead``, time before the gate closes, time in all, and
        how long before the frame under study it enters at least.
    """
    entry_ps = entry.latest_ps
    lines: dict[int, list[tuple[int, int, Entry]]] = {}
    result: list[tuple[int, int, int, int, int]] = []
    for place, ((other, _), time_ps) in enumerate(zip(ahead, times_ps, strict=True)):
        if other.line < 0:
            result.append((time_ps, place, other.delivery_ps, other.work_ps, 0))
        else:
            lines.setdefault(other.line, []).append((time_ps, place, other))
    any_capped = False
    for line, members in lines.items():
        members.sort(key=lambda member: (-member[0], -member[1]))
        others = [other for _, _, other in members]
        step_ps = min(other.spacing_ps for other in others)
        limit_ps = entry_ps + others[0].spread_ps
        if line == entry.line:
            limit_ps -= entry.spacing_ps
        limits_ps = [limit_ps - rank * step_ps for rank in range(len(members))]
        if any(limit < row[0] for limit, row in zip(limits_ps, members, strict=True)):
            any_capped = True
            # Which of them are the last ones is not known: the largest, at worst.
            others.sort(key=lambda other: -other.work_ps)
        for limit, row, other in zip(limits_ps, members, others, strict=True):
            gap_ps = max(entry_ps - limit, 0)
            time_ps = min(row[0], limit)
            result.append((time_ps, row[1], other.delivery_ps, other.work_ps, gap_ps))
    result.sort()
    return result, any_capped

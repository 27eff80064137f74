# SPDX-License-Identifier: Apache-2.0
"""Earliest and latest starts of all frames that one queue is known to get.

Every frame enters within an interval of time; a frame that may enter before another
counts as ahead of it, unless their order is sure. The latest start is searched over
the instants at which the queue may have begun to hold frames without a break. Frames
repeat for ever, so the search goes round until nothing changes.

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

_MOST_ROUNDS: Final = 8
"""Times that the frames of one repetition are worked out anew."""
_STEPS_PER_FRAME: Final = 500
"""Spent on a queue at most, on average over its frames, and at least for some frames."""
TOO_SHORT: Final = "has no opening that is surely long enough for its largest frame"
_OVERLOADED: Final = "is offered more than its openings carry"
_LONG_AGO: Final = -(1 << 100)


@dataclass(slots=True, kw_only=True)
class Entry:
    """A frame that enters the queue.

    Attributes:
        flow: Which flow it belongs to, for the caller.
        frame: Which frame of that flow.
        earliest_ps: Earliest entry.
        latest_ps: Latest entry.
        follows: The frame of its own message that surely is ahead of it.
        delivery_ps: Time on the wire before the gate closes.
        least_delivery_ps: The same, rounded down.
        work_ps: Time on the wire in all.
        least_work_ps: The same, rounded down.
        line: Equal for frames that one wire brought in order, with the same delays behind it;
            -1 where nothing is known.
        spacing_ps: Least time on that wire between the end of the frame before and its own end.
        spread_ps: How much later one frame of the line than another may enter after its end.
        shift_ps: What was added to its times so that they lie in the first repetition.
        earliest_start_ps: Result.
        latest_start_ps: Result.
        wait_ps: Result: longest wait whenever it comes; None when it depends on when.
    """

    flow: int
    frame: int
    earliest_ps: int
    latest_ps: int
    delivery_ps: int
    least_delivery_ps: int
    work_ps: int
    least_work_ps: int
    follows: Entry | None = None
    line: int = -1
    spacing_ps: int = 0
    spread_ps: int = 0
    shift_ps: int = 0
    earliest_start_ps: int = 0
    latest_start_ps: int = _LONG_AGO
    wait_ps: int | None = None


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


SurelyBefore = Callable[[int, int, int, int, int], bool]
"""Whether a frame (flow, frame) surely is ahead of another one, given the latter's extra shift."""


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
        """Put the entries in order, starting behind the longest pause."""
        self._port = port
        self._repeat_ps = repeat_ps
        self._before = surely_before
        self._unknown = unknown
        self.entries = _in_order(entries, repeat_ps)
        self._count = len(entries)
        self._span_ps = max(entry.latest_ps - entry.earliest_ps for entry in entries)
        self._ends_ps = [_LONG_AGO] * self._count
        self._previous_ps = list(self._ends_ps)
        # Whether the latest end of a frame and those before it owes to no frame behind them.
        self._plain = [True] * self._count
        port.effort.here_count = _STEPS_PER_FRAME * (self._count + 100)

    def solve(self) -> None:
        """Work out earliest and latest starts.

        Raises:
            NotProvenError: When the queue is offered more than its openings carry.
        """
        port = self._port
        longest_ps = port.openings.longest_ps - 2 * port.error_ps
        deliveries_ps = [entry.delivery_ps for entry in self.entries]
        if self._unknown is not None:
            deliveries_ps.append(self._unknown.delivery_ps)
        if not port.openings.always and max(deliveries_ps) > longest_ps:
            raise NotProvenError(TOO_SHORT)
        for entry in sorted(self.entries, key=lambda entry: (entry.flow, entry.frame)):
            from_ps, other = entry.earliest_ps, entry.follows
            if other is not None:
                left_ps = other.earliest_start_ps - other.shift_ps + other.least_work_ps
                from_ps = max(from_ps, left_ps + entry.shift_ps)
            entry.earliest_start_ps = port.earliest_start_ps(from_ps, entry.least_delivery_ps)
        first_ps = min(entry.earliest_ps for entry in self.entries)
        for round_index in range(_MOST_ROUNDS):
            changed = False
            end_ps = self._end_ps(-1)
            for index, entry in enumerate(self.entries):
                start_ps = self._latest_start_ps(index)
                changed = changed or start_ps > entry.latest_start_ps
                entry.latest_start_ps = start_ps
                end_ps = max(end_ps, start_ps + entry.work_ps)
                self._ends_ps[index] = end_ps
            self._previous_ps = list(self._ends_ps)
            settled = round_index == 0 and end_ps - self._repeat_ps <= first_ps
            if settled or not changed:
                return
        raise NotProvenError(_OVERLOADED)

    def _end_ps(self, index: int) -> int:
        """When all frames up to this one have left; those of earlier repetitions as known so far."""
        if index >= 0:
            return self._ends_ps[index]
        repeats, place = divmod(index, self._count)
        return self._previous_ps[place] + repeats * self._repeat_ps

    def _at(self, index: int) -> tuple[Entry, int]:
        repeats, place = divmod(index, self._count)
        return self.entries[place], repeats * self._repeat_ps

    def _latest_start_ps(self, index: int) -> int:
        entry, port = self.entries[index], self._port
        overtaking = self._overtaking(index)
        free_ps = self._end_ps(index - 1)
        waits = free_ps > entry.latest_ps
        alone = not overtaking and self._unknown is None
        self._plain[index] = alone and (not waits or self._plain[index - 1])
        if alone and (not waits or (port.only_gates and self._plain[index])):
            start_ps = port.latest_start_ps(entry.latest_ps, NOTHING, entry.delivery_ps)
            if waits:
                start_ps = max(start_ps, port.next_start_ps(free_ps, entry.delivery_ps))
        else:
            first = self._first_ahead(index, index, None)
            if first is None:
                raise NotProvenError(_OVERLOADED)
            start_ps = entry.latest_ps
            ahead = [self._at(place) for place in range(first, index)]
            for from_ps, pending in self._begins(entry, ahead, overtaking, self._end_ps(first - 1)):
                latest_ps = port.latest_start_ps(from_ps, pending, entry.delivery_ps)
                start_ps = max(start_ps, latest_ps)
        if entry.earliest_ps == entry.latest_ps:
            entry.wait_ps = start_ps - entry.latest_ps
        elif port.is_surely_open(entry.earliest_ps, start_ps + entry.delivery_ps):
            entry.wait_ps = self._longest_wait_ps(index, overtaking)
        else:
            entry.wait_ps = None
        return start_ps

    def _first_ahead(self, index: int, first: int, by_ps: int | None) -> int | None:
        """First frame that may still be there with a later one; None when there is no end to it.

        Args:
            index: The later frame.
            first: Where to begin looking back.
            by_ps: Time by which all before must have left; None for the entry of that first frame.
        """
        while True:
            other, shift_ps = self._at(first)
            entry_ps = other.latest_ps + shift_ps
            if by_ps is not None:
                entry_ps = min(entry_ps, by_ps)
            if self._end_ps(first - 1) <= entry_ps:
                return first
            first -= 1
            if index - first > 2 * self._count:
                return None

    def _longest_wait_ps(self, index: int, overtaking: list[tuple[Entry, int]]) -> int | None:
        """Longest wait of a frame that may come at several times."""
        entry = self.entries[index]
        earlier = self._first_ahead(index, index, entry.earliest_ps)
        if earlier is None:
            return None
        ahead = [self._at(place) for place in range(earlier, index)]
        begins = self._begins(entry, ahead, overtaking, self._end_ps(earlier - 1))
        return self._port.longest_wait_ps(
            (entry.earliest_ps, entry.latest_ps),
            [(from_ps, pending.total_ps) for from_ps, pending in begins],
            entry.delivery_ps,
        )

    def _overtaking(self, index: int) -> list[tuple[Entry, int]]:
        """Frames that may come later than the one under study, or before it."""
        entry = self.entries[index]
        found: list[tuple[Entry, int]] = []
        place = index + 1
        while True:
            other, shift_ps = self._at(place)
            if other.latest_ps + shift_ps - self._span_ps > entry.latest_ps:
                return found
            if other.earliest_ps + shift_ps <= entry.latest_ps and not self._before(
                entry.flow,
                entry.frame,
                other.flow,
                other.frame,
                other.shift_ps + shift_ps - entry.shift_ps,
            ):
                found.append((other, shift_ps))
            place += 1
            self._port.effort.spend(1)
            if place > index + 2 * self._count + 1:
                message = "gets frames that may come in any order over more than all that repeats"
                raise NotProvenError(message)

    def _begins(
        self,
        entry: Entry,
        ahead: list[tuple[Entry, int]],
        overtaking: list[tuple[Entry, int]],
        clear_ps: int,
    ) -> Iterator[tuple[int, Ahead]]:
        """Instants from which on the queue may never have been empty, and what is ahead then.

        Args:
            entry: The frame under study.
            ahead: Frames that may be ahead of it, each with the shift of its repetition.
            overtaking: More of them, which may also come later.
            clear_ps: All others have left by then.
        """
        unknown, entry_ps, effort = self._unknown, entry.latest_ps, self._port.effort
        frames, capped = _latest_entries(entry, ahead + overtaking)

        @cache
        def in_order() -> bool:
            effort.spend(len(frames))
            if len({delivery_ps for _, _, delivery_ps, _ in frames}) == 1:
                return True
            return not capped and not overtaking and self._order_is_sure(ahead)

        begins = [(max(row[0], clear_ps), place) for place, row in enumerate(frames)]
        if not begins or begins[-1][0] < entry_ps:
            begins.append((entry_ps, len(frames)))
        sizes = [(delivery_ps, work_ps) for _, _, delivery_ps, work_ps in frames]
        before_ps = None
        for from_ps, place in begins:
            if before_ps is not None and self._is_covered(before_ps, from_ps):
                continue
            before_ps = from_ps
            effort.spend(1 + (len(frames) - place) // 8)
            pending = Ahead(frames=sizes[place:], in_order=in_order)
            if unknown is not None:
                pending.more_ps = unknown.arrivals.at(entry_ps - from_ps + unknown.reach_ps)
                pending.more_delivery_ps = unknown.delivery_ps
            yield from_ps, pending

    def _is_covered(self, before_ps: int, from_ps: int) -> bool:
        """Whether a later beginning with less ahead cannot be worse.

        That is so when both wait for the same opening, or at the same instant.
        """
        if from_ps == before_ps:
            return True
        openings, error_ps = self._port.openings, self._port.error_ps
        if openings.always:
            return False
        index = openings.first_closing_after(from_ps + error_ps)
        return (
            from_ps < openings.at(index)[0] - error_ps
            and openings.first_closing_after(before_ps + error_ps) == index
        )

    def _order_is_sure(self, ahead: list[tuple[Entry, int]]) -> bool:
        return all(
            self._before(
                one.flow,
                one.frame,
                other.flow,
                other.frame,
                other.shift_ps + other_shift_ps - one.shift_ps - shift_ps,
            )
            for (one, shift_ps), (other, other_shift_ps) in pairwise(ahead)
        )


def _latest_entries(
    entry: Entry, ahead: list[tuple[Entry, int]]
) -> tuple[list[tuple[int, int, int, int]], bool]:
    """Latest entries of frames ahead, ascending, with their sizes; whether wires cap any of them.

    A wire brings one frame after the other, so of several frames over one wire not
    all can come at the last moment.
    """
    entry_ps = entry.latest_ps
    lines: dict[int, list[tuple[int, int, Entry]]] = {}
    result: list[tuple[int, int, int, int]] = []
    for place, (other, shift_ps) in enumerate(ahead):
        time_ps = min(other.latest_ps + shift_ps, entry_ps)
        if other.line < 0:
            result.append((time_ps, place, other.delivery_ps, other.work_ps))
        else:
            lines.setdefault(other.line, []).append((time_ps, place, other))
    any_capped = False
    for line, members in lines.items():
        members.sort(key=lambda member: (-member[0], -member[1]))
        others = [other for _, _, other in members]
        step_ps = min(other.spacing_ps for other in others)
        limit_ps = entry_ps + others[0].spread_ps
        limits_ps = [limit_ps - rank * step_ps for rank in range(len(members))]
        if line == entry.line:
            limits_ps = [limit_ps - entry.spacing_ps for limit_ps in limits_ps]
        if any(limit_ps < row[0] for limit_ps, row in zip(limits_ps, members, strict=True)):
            any_capped = True
            # Which of them are the last ones is not known: the largest, at worst.
            others.sort(key=lambda other: -other.work_ps)
        for limit_ps, row, other in zip(limits_ps, members, others, strict=True):
            result.append((min(row[0], limit_ps), row[1], other.delivery_ps, other.work_ps))
    result.sort()
    return result, any_capped


def _in_order(entries: list[Entry], repeat_ps: int) -> list[Entry]:
    """Entries by latest entry, within one repetition that begins behind the longest pause."""
    rests = sorted(entry.latest_ps % repeat_ps for entry in entries)
    origin_ps, longest_ps = rests[0], rests[0] + repeat_ps - rests[-1]
    for before_ps, after_ps in pairwise(rests):
        if after_ps - before_ps > longest_ps:
            origin_ps, longest_ps = after_ps, after_ps - before_ps
    for entry in entries:
        place_ps = origin_ps + (entry.latest_ps - origin_ps) % repeat_ps
        entry.shift_ps = place_ps - entry.latest_ps
        entry.latest_ps += entry.shift_ps
        entry.earliest_ps += entry.shift_ps
    return sorted(
        entries, key=lambda entry: (entry.latest_ps, entry.earliest_ps, entry.flow, entry.frame)
    )

# SPDX-License-Identifier: Apache-2.0
"""Gate lists worked out before the run: when frames of each queue may start, and by when to end.

The time of a port falls into *zones*. In most of them one gate list repeats unchanged, and one
cycle of it stands for all; around a change of lists a zone spells out the last, cut or
stretched cycle and the first new one. In each zone a queue has *windows*: a frame may start from
``open_ps`` up to, not including, ``stop_ps`` if it has left by ``close_ps``. All times are on the
clock of the port's node.

Source: IEEE Std 802.1Q-2022, 8.6.8.4 (gate-close event), 8.6.9.1 (cycle timer), 8.6.9.2 (list
execute) and 12.30.1 (hold and release).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netplan.tsn.mechanisms import GateList, GateOperation, PortRules

Interval = tuple[int, int]
Window = tuple[int, int, int]

EVER_PS = 1 << 62
"""Before and after all times of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A stretch of time in which the windows of one cycle repeat.

    Attributes:
        begin_ps: Its start, that of a cycle unless it has no beginning.
        end_ps: Its end, that of a cycle unless it has none.
        base_ps: Start of some cycle; windows count from the start of theirs.
        cycle_ps: From one cycle to the next.
        starts: For each queue, when its frames may start and by when they must have left.
        gates: For each queue, when its gate is open.
        released: When preemptable frames are not held.
    """

    begin_ps: int
    end_ps: int
    base_ps: int
    cycle_ps: int
    starts: tuple[tuple[Window, ...], ...]
    gates: tuple[tuple[Window, ...], ...]
    released: tuple[Window, ...]

    @property
    def slices(self) -> tuple[tuple[Window, ...], ...]:
        """All of them in the order of the kernel's tables."""
        return (*self.starts, *self.gates, self.released)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One entry as it is executed once."""

    begin_ps: int
    end_ps: int
    open_queues: int
    operation: GateOperation


def zones_of(rules: PortRules, longest_ps: int) -> tuple[Zone, ...]:
    """The zones of a port with gates, covering all time.

    Args:
        rules: Of the port, with at least one gate list.
        longest_ps: No frame of the port takes longer to leave.
    """
    return tuple(_Timeline(rules, longest_ps).zones())


class _Timeline:
    """All gate lists of a port, one after the other."""

    def __init__(self, rules: PortRules, longest_ps: int) -> None:
        self.rules = rules
        self.lists = rules.gates
        self.preempts = rules.fragment_octets is not None
        self.longest_ps = longest_ps

    def end_ps(self, index: int) -> int:
        """When the next list takes over."""
        return self.lists[index + 1].base_ps if index + 1 < len(self.lists) else EVER_PS

    def last_cycle_ps(self, index: int) -> int:
        """Start of a list's last cycle, which lasts until the next list takes over.

        It is the first cycle from which the next list's start is no further away than a cycle
        and its extension. Source: IEEE Std 802.1Q-2022, 8.6.9.1.1 (SetCycleStartTime).
        """
        one = self.lists[index]
        reach_ps = self.end_ps(index) - one.cycle_ps - one.extension_ps
        count = -((one.base_ps - reach_ps) // one.cycle_ps)
        return one.base_ps + (count if index == 0 else max(count, 0)) * one.cycle_ps

    def pieces(self, begin_ps: int, end_ps: int) -> Iterator[_Piece]:
        """Every execution of an entry that touches a time, in order."""
        for index, one in enumerate(self.lists):
            until_ps = self.end_ps(index)
            if until_ps <= begin_ps:
                continue
            if index > 0 and one.base_ps >= end_ps:
                break
            start_ps = one.base_ps + (begin_ps - one.base_ps) // one.cycle_ps * one.cycle_ps
            last_ps = self.last_cycle_ps(index) if until_ps < EVER_PS else EVER_PS
            start_ps = min(start_ps, last_ps)
            if index > 0:
                start_ps = max(start_ps, one.base_ps)
            while start_ps < min(end_ps, until_ps):
                next_ps = until_ps if start_ps == last_ps else start_ps + one.cycle_ps
                yield from _executed(one, start_ps, next_ps, begin_ps, end_ps)
                start_ps = next_ps

    def zones(self) -> Iterator[Zone]:
        """Repeating zones, and what is spelt out between them."""
        repeating = list(self.repeating())
        reached_ps = -EVER_PS
        for begin_ps, end_ps, base_ps, cycle_ps in repeating:
            if reached_ps < begin_ps:
                yield self.zone(reached_ps, begin_ps, reached_ps, begin_ps - reached_ps)
            yield self.zone(begin_ps, end_ps, base_ps, cycle_ps)
            reached_ps = end_ps

    def repeating(self) -> Iterator[tuple[int, int, int, int]]:
        """Begin, end, start of a cycle to look at, and cycle of the stretches that repeat.

        The first and the last list always have one. What lies within reach of a change
        (a frame's time, a hold in advance) does not belong to them.
        """
        margin_ps = self.longest_ps + self.rules.hold_advance_ps
        for index, one in enumerate(self.lists):
            begin_ps = -EVER_PS if index == 0 else one.base_ps + one.cycle_ps
            end_ps = EVER_PS
            base_ps = one.base_ps + one.cycle_ps
            if self.end_ps(index) < EVER_PS:
                last_ps = self.last_cycle_ps(index)
                end_ps = last_ps - -(-margin_ps // one.cycle_ps) * one.cycle_ps
                base_ps = end_ps - one.cycle_ps
            if end_ps - begin_ps >= one.cycle_ps:
                yield begin_ps, end_ps, base_ps, one.cycle_ps

    def zone(self, begin_ps: int, end_ps: int, base_ps: int, cycle_ps: int) -> Zone:
        """Windows of the cycle that starts at ``base_ps``."""
        queues = self.rules.queues
        horizon_ps = base_ps + cycle_ps + self.longest_ps
        pieces = list(self.pieces(base_ps, horizon_ps))
        held = self.held(base_ps, base_ps + cycle_ps) if self.preempts else []
        released = _without([(base_ps, base_ps + cycle_ps)], held)
        # Most lists open many queues together: what holds for one holds for all of these.
        masks = {piece.open_queues for piece in pieces}
        known: dict[tuple[object, ...], tuple[tuple[Window, ...], tuple[Window, ...]]] = {}
        starts: list[tuple[Window, ...]] = []
        gates: list[tuple[Window, ...]] = []
        for queue, rule in enumerate(queues):
            holds = self.preempts and not rule.express
            kind = (holds, *(mask >> queue & 1 for mask in masks))
            if kind not in known:
                opened = _open_intervals(pieces, queue, base_ps, horizon_ps)
                cut = [
                    (begin, min(end, base_ps + cycle_ps), end)
                    for begin, end in opened
                    if begin < base_ps + cycle_ps
                ]
                may_start = [
                    (b - base_ps, s - base_ps, end - base_ps)
                    for begin, stop, end in cut
                    for b, s in (_without([(begin, stop)], held) if holds else [(begin, stop)])
                ]
                open_times = tuple((b - base_ps, s - base_ps, s - base_ps) for b, s, _ in cut)
                known[kind] = tuple(may_start), open_times
            starts.append(known[kind][0])
            gates.append(known[kind][1])
        return Zone(
            begin_ps=begin_ps,
            end_ps=end_ps,
            base_ps=base_ps,
            cycle_ps=cycle_ps,
            starts=tuple(starts),
            gates=tuple(gates),
            released=tuple((b - base_ps, s - base_ps, s - base_ps) for b, s in released),
        )

    def held(self, begin_ps: int, end_ps: int) -> list[Interval]:
        """When preemptable frames are held: from before each HOLD until the RELEASE after it."""
        advance_ps = self.rules.hold_advance_ps
        held: list[Interval] = []
        since_ps = begin_ps if self.is_held_before(begin_ps) else None
        for piece in self.pieces(begin_ps, end_ps + advance_ps):
            if piece.begin_ps < begin_ps:
                continue  # executed before
            if piece.operation is GateOperation.HOLD and since_ps is None:
                since_ps = max(begin_ps, piece.begin_ps - advance_ps)
            elif piece.operation is GateOperation.RELEASE and since_ps is not None:
                held.append((since_ps, piece.begin_ps))
                since_ps = None
        if since_ps is not None:
            held.append((since_ps, end_ps))
        # A hold in advance may begin before an earlier one that was released meanwhile.
        return _merged(sorted((begin, min(end, end_ps)) for begin, end in held if begin < end_ps))

    def is_held_before(self, time_ps: int) -> bool:
        """Whether the last entry before a time that held or released did hold."""
        for index in range(len(self.lists) - 1, -1, -1):
            one = self.lists[index]
            if index > 0 and one.base_ps >= time_ps:
                continue
            top_ps = min(time_ps, self.end_ps(index))
            # Every entry of the list runs at least once in so long a time.
            from_ps = top_ps - 3 * one.cycle_ps - one.extension_ps
            from_ps = from_ps if index == 0 else max(from_ps, one.base_ps)
            operations = [
                piece.operation
                for piece in self.pieces(from_ps, top_ps)
                if piece.begin_ps < time_ps and piece.operation is not GateOperation.SET
            ]
            if operations:
                return operations[-1] is GateOperation.HOLD
        return False


def _executed(
    one: GateList, start_ps: int, next_ps: int, begin_ps: int, end_ps: int
) -> Iterator[_Piece]:
    """The entries of one cycle that touch a time; the last one lasts until the next cycle."""
    time_ps = start_ps
    for position, entry in enumerate(one.entries):
        until_ps = time_ps + entry.duration_ps
        if position == len(one.entries) - 1:
            until_ps = next_ps
        until_ps = min(until_ps, next_ps)
        if time_ps < until_ps and until_ps > begin_ps and time_ps < end_ps:
            yield _Piece(
                begin_ps=time_ps,
                end_ps=until_ps,
                open_queues=entry.open_queues,
                operation=entry.operation,
            )
        time_ps = until_ps


def _open_intervals(
    pieces: Sequence[_Piece], queue: int, begin_ps: int, end_ps: int
) -> list[Interval]:
    """When a queue's gate is open from ``begin_ps`` to ``end_ps``."""
    return _merged(
        [
            (max(piece.begin_ps, begin_ps), min(piece.end_ps, end_ps))
            for piece in pieces
            if piece.open_queues >> queue & 1
        ]
    )


def _merged(intervals: Sequence[Interval]) -> list[Interval]:
    """Ascending intervals, joined where they touch or overlap."""
    merged: list[Interval] = []
    for begin, end in intervals:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _without(intervals: Sequence[Interval], holes: Sequence[Interval]) -> list[Interval]:
    """Intervals less others; both ascending."""
    left = list(intervals)
    for hole_begin, hole_end in holes:
        parts: list[Interval] = []
        for begin, end in left:
            parts += [
                (b, e)
                for b, e in ((begin, min(end, hole_begin)), (max(begin, hole_end), end))
                if b < e
            ]
        left = parts
    return left

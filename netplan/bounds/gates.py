# SPDX-License-Identifier: Apache-2.0
"""When the gates of a port let a queue start frames, whatever the other queues do.

A gate list becomes, for each queue, intervals in which it is *shut*: gate closed, or held back
for express frames. Before a closing no frame is started that would not have left by
then; after an opening a frame of another queue may still be under way. Both are taken
off the window, and so is the error of the node's clock at either edge.

Source: IEEE Std 802.1Q-2022, 8.6.8.4 (guard band), 8.6.9 (state machines), table 8-7 (hold,
release); Zhao, Pop, Craciunas (2018) for windows in network calculus.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from netplan.bounds.openings import Openings, Window
from netplan.tsn.mechanisms import GateList, GateOperation

Interval = tuple[int, int]
"""Start and end in a cycle; the end may lie in the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """When a queue may not send in one gate list.

    Attributes:
        cycle_ps: Of the list.
        gate: Gate closed; disjoint, ascending by start.
        hold: Preemptable frames held back; likewise.
    """

    cycle_ps: int
    gate: tuple[Interval, ...]
    hold: tuple[Interval, ...]

    @property
    def always(self) -> bool:
        """Whether the gate never opens."""
        return _whole(self.gate, self.cycle_ps) or _whole(self.hold, self.cycle_ps)


def _pieces(gates: GateList) -> list[tuple[int, int, int, GateOperation]]:
    """Start, end, open queues and operation of what is left of the entries in a cycle."""
    pieces = []
    start_ps = 0
    for index, entry in enumerate(gates.entries):
        end_ps = start_ps + entry.duration_ps
        if index == len(gates.entries) - 1:
            end_ps = max(end_ps, gates.cycle_ps)
        end_ps = min(end_ps, gates.cycle_ps)
        if end_ps > start_ps:
            pieces.append((start_ps, end_ps, entry.open_queues, entry.operation))
        start_ps = end_ps
    return pieces


def merged(intervals: Iterable[Interval], cycle_ps: int, *, touching: bool) -> tuple[Interval, ...]:
    """Intervals of a cycle joined where they overlap, across its end too.

    ``touching`` says whether to join where one ends as the next begins. What lasts a whole
    cycle or longer comes out as one interval.
    """
    gap_ps = 0 if touching else 1
    joined: list[Interval] = []
    shifted = sorted(
        (start - start // cycle_ps * cycle_ps, end - start // cycle_ps * cycle_ps)
        for start, end in intervals
        if end > start
    )
    for start, end in shifted:
        if joined and start + gap_ps <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    while len(joined) > 1 and joined[-1][1] - cycle_ps >= joined[0][0] + gap_ps:
        first = joined.pop(0)
        joined[-1] = (joined[-1][0], max(joined[-1][1], first[1] + cycle_ps))
    return tuple(joined)


def shut_of(gates: GateList, queue_index: int, *, hold_advance_ps: int | None) -> Shut:
    """When a queue is shut by a list; ``hold_advance_ps`` None when holds do not concern it."""
    pieces = _pieces(gates)
    closed = [
        (start, end) for start, end, open_queues, _ in pieces if not open_queues >> queue_index & 1
    ]
    held: list[Interval] = []
    operations = [operation for *_, operation in pieces]
    if hold_advance_ps is not None and GateOperation.HOLD in operations:
        # What holds at the start of a cycle is what the one before left.
        last = next(one for one in reversed(operations) if one is not GateOperation.SET)
        holding = last is GateOperation.HOLD
        for start, end, _, operation in pieces:
            if operation is GateOperation.RELEASE:
                holding = False
            elif operation is GateOperation.HOLD:
                held.append((start - hold_advance_ps, end))
                holding = True
            elif holding:
                held.append((start, end))
        if holding and GateOperation.RELEASE not in operations:
            held = [(0, gates.cycle_ps)]
    return Shut(
        cycle_ps=gates.cycle_ps,
        gate=merged(closed, gates.cycle_ps, touching=True),
        hold=merged(held, gates.cycle_ps, touching=True),
    )


def both_open(first: Shut, second: Shut) -> bool:
    """Whether two queues of one list may ever send at the same time."""
    shut = (*first.gate, *first.hold, *second.gate, *second.hold)
    return not _whole(merged(shut, first.cycle_ps, touching=True), first.cycle_ps)


def _whole(intervals: tuple[Interval, ...], cycle_ps: int) -> bool:
    """Whether intervals leave nothing of the cycle."""
    return any(end - start >= cycle_ps for start, end in intervals)


def overrun_ps(shut: Shut, opening_ps: int, *, longest_ps: int, tail_ps: int) -> int:
    """How long after an instant a frame of a queue may occupy the wire, by its own gate.

    Args:
        shut: Of that queue.
        opening_ps: The instant, in the cycle.
        longest_ps: Its longest frame, tail included.
        tail_ps: What may follow a closing: octets of the frame have left by then.
    """
    if not shut.gate:
        return longest_ps
    rest_ps = opening_ps % shut.cycle_ps
    after = bisect_right(shut.gate, (rest_ps, 2 * shut.cycle_ps))
    count = len(shut.gate)
    begin, end = (
        time_ps - (after == 0) * shut.cycle_ps for time_ps in shut.gate[(after - 1) % count]
    )
    if rest_ps > end:
        begin = shut.gate[after % count][0] + (after == count) * shut.cycle_ps
    return max(0, min(longest_ps, begin + tail_ps - rest_ps))


def openings_of(
    shut: Shut,
    *,
    guard_ps: int,
    error_ps: int,
    overrun: Callable[[int], int],
    resume_ps: int,
    equal_work_ps: int,
) -> Openings | None:
    """Windows that are left, None when there is none.

    Args:
        shut: When the queue is shut.
        guard_ps: Longest frame that is started only when it fits, tail not counted.
        error_ps: Largest error of the node's clock.
        overrun: How long after an opening other frames may occupy the wire.
        resume_ps: Lead of a fragment that goes on after a hold.
        equal_work_ps: Work of every frame when all are equal, 0 otherwise: then a window holds
            whole frames, the last of which may use up the guard band.
    """
    cycle_ps = shut.cycle_ps
    taken = [
        (start - guard_ps - error_ps, end + overrun(end) + error_ps) for start, end in shut.gate
    ]
    taken += [
        (start - error_ps, end + overrun(end) + resume_ps + error_ps) for start, end in shut.hold
    ]
    # A window without length still lets one frame of the guard's length start.
    busy = merged(taken, cycle_ps, touching=False)
    if any(end - start > cycle_ps for start, end in busy):
        return None
    windows = []
    for index, (_, end) in enumerate(busy):
        following = busy[(index + 1) % len(busy)][0]
        if index + 1 == len(busy):
            following += cycle_ps
        room_ps = following - end
        capacity_ps = room_ps
        if equal_work_ps and not shut.hold:
            capacity_ps = (room_ps // equal_work_ps + 1) * equal_work_ps
        if capacity_ps > 0:
            windows.append(Window(start_ps=end, room_ps=room_ps, capacity_ps=capacity_ps))
    return Openings(cycle_ps, windows) if windows else None

# SPDX-License-Identifier: Apache-2.0
"""Which queue of a port may send and when: credit, eligibility, turns of the round robin.

Credit is kept as the time that the idle slope takes to earn it, in whole picoseconds and
parts of one: exact for any slope, and never too large for 64 bits.

Source: IEEE Std 802.1Q-2022, 8.6.8 (strict order), 8.6.8.2 (credit-based shaper) and 8.6.8.5
(ATS); Shreedhar, Varghese: Efficient fair queueing using deficit round robin, 1995.
"""

from __future__ import annotations

from emulator.simulation.compiled import compiled, inlined, merged
from emulator.simulation.gates import (
    open_long_enough_ps,
    open_time_ps,
    released_ps,
    start_through_gate_ps,
)
from emulator.simulation.layout import (
    NEVER_PS,
    NONE,
    SELECTION_ASYNCHRONOUS,
    SELECTION_CREDIT,
    SELECTION_ROUND_ROBIN,
    ClockState,
    PortState,
    PortTables,
    Record,
    Records,
)

RESUME = -2
"""Instead of a queue: the interrupted frame."""
_DIGIT_BITS = 24
_DIGIT_MASK = (1 << _DIGIT_BITS) - 1


@compiled
def settle_credit(
    tables: PortTables,
    state: PortState,
    clocks: ClockState,
    port_index: int,
    queue: int,
    now_ps: int,
) -> None:
    """Bring a queue's credit up to now, before its first frame comes or leaves."""
    known = state.queues[tables.ports[port_index].first_queue + queue]
    if now_ps < known.credit_from_ps:
        return  # its own frame is on the wire, or interrupted
    is_waiting = known.frame != NONE
    if is_waiting or known.credit_ps < 0:
        enough_ps = NEVER_PS if is_waiting else -known.credit_ps
        known.credit_ps += open_time_ps(
            tables, state, clocks, port_index, queue, known.credit_from_ps, now_ps, enough_ps
        )
    if not is_waiting and known.credit_ps >= 0:
        known.credit_ps = 0
        known.credit_part = 0
    known.credit_from_ps = now_ps


@compiled
def settle_all_credit(
    tables: PortTables, state: PortState, clocks: ClockState, now_ps: int
) -> None:
    """Bring the credit of every port that runs on a clock up to now, before its past is lost."""
    for port_index in range(len(tables.ports)):
        constants = tables.ports[port_index]
        if constants.clock != NONE:
            for queue in range(constants.queue_count):
                if tables.queues[constants.first_queue + queue].selection == SELECTION_CREDIT:
                    settle_credit(tables, state, clocks, port_index, queue, now_ps)


@inlined
def charge_credit(constants: Record, known: Record, occupied_ps: int) -> None:
    """Take what a transmission costs: its time, times send slope over idle slope.

    In two digits, so that no product exceeds 64 bits.
    """
    high = (occupied_ps >> _DIGIT_BITS) * constants.send_slope
    rest = high % constants.idle_slope
    low = (rest << _DIGIT_BITS) + (occupied_ps & _DIGIT_MASK) * constants.send_slope
    known.credit_ps -= ((high // constants.idle_slope) << _DIGIT_BITS) + low // constants.idle_slope
    known.credit_part -= low % constants.idle_slope
    if known.credit_part < 0:
        known.credit_part += constants.idle_slope
        known.credit_ps -= 1


@inlined
def earliest_start_ps(
    tables: PortTables,
    state: PortState,
    clocks: ClockState,
    port_index: int,
    queue: int,
    data_ps: int,
    eligible_ps: int,
    at_ps: int,
) -> int:
    """Earliest start, from a time on, of a frame at the head of a queue if the wire is free.

    A result later than ``at_ps`` may be too early, never too late.
    """
    constants = tables.ports[port_index]
    index = constants.first_queue + queue
    selection = tables.queues[index].selection
    if selection == SELECTION_CREDIT:
        known = state.queues[index]
        if known.credit_ps < 0:
            ready_ps = open_long_enough_ps(
                tables, state, clocks, port_index, queue, known.credit_from_ps, -known.credit_ps
            )
            at_ps = max(at_ps, ready_ps)
    elif selection == SELECTION_ASYNCHRONOUS:
        at_ps = max(at_ps, eligible_ps)
    if at_ps == NEVER_PS:
        return at_ps
    return start_through_gate_ps(tables, state, clocks, port_index, queue, at_ps, data_ps)


@inlined
def head_start_ps(
    tables: PortTables,
    state: PortState,
    clocks: ClockState,
    port_index: int,
    queue: int,
    at_ps: int,
    now_ps: int,
) -> int:
    """The same for the frame at the head of a queue; remembered when asked for now."""
    known = state.queues[tables.ports[port_index].first_queue + queue]
    if known.start_ps > at_ps:
        remembered_ps: int = known.start_ps
        return remembered_ps
    start_ps = earliest_start_ps(
        tables, state, clocks, port_index, queue, known.data_ps, known.eligible_ps, at_ps
    )
    if at_ps == now_ps:
        known.start_ps = start_ps
    return start_ps


@compiled
def first_express_ps(
    tables: PortTables,
    state: PortState,
    clocks: ClockState,
    port_index: int,
    at_ps: int,
    now_ps: int,
) -> int:
    """Earliest time, from a time on, at which an express frame is available."""
    constants = tables.ports[port_index]
    earliest_ps = NEVER_PS
    for queue in range(constants.queue_count):
        index = constants.first_queue + queue
        if tables.queues[index].express != 0 and state.queues[index].frame != NONE:
            start_ps = head_start_ps(tables, state, clocks, port_index, queue, at_ps, now_ps)
            earliest_ps = min(earliest_ps, start_ps)
    return earliest_ps


@merged
def select(
    tables: PortTables, state: PortState, clocks: ClockState, port_index: int, now_ps: int
) -> tuple[int, int]:
    """The queue that sends now that the wire is free, RESUME or NONE; and when to look again."""
    constants = tables.ports[port_index]
    only_express = int(state.ports[port_index].frame != NONE)
    wake_ps = NEVER_PS
    in_round = False
    queue = constants.queue_count
    while queue > 0:
        queue -= 1
        index = constants.first_queue + queue
        rule = tables.queues[index]
        if in_round and rule.selection != SELECTION_ROUND_ROBIN:
            break
        if state.queues[index].frame == NONE or (only_express != 0 and rule.express == 0):
            continue
        start_ps = head_start_ps(tables, state, clocks, port_index, queue, now_ps, now_ps)
        if start_ps > now_ps:
            wake_ps = min(wake_ps, start_ps)
        elif rule.selection == SELECTION_ROUND_ROBIN:
            in_round = True
        else:
            return queue, wake_ps
    if in_round:
        return choose_by_deficit(tables, state, port_index, only_express, now_ps), wake_ps
    if only_express != 0:
        start_ps = released_ps(tables, state, clocks, port_index, now_ps)
        if start_ps == now_ps:
            return RESUME, wake_ps
        wake_ps = min(wake_ps, start_ps)
    return NONE, wake_ps


@merged
def choose_by_deficit(
    tables: PortTables, state: PortState, port_index: int, only_express: int, now_ps: int
) -> int:
    """The round-robin queue whose turn it is, among those that may start now: there is one.

    A queue that may not start now (gate, hold, another frame interrupted) is passed over: it
    keeps its place and what it may still send.
    """
    first = tables.ports[port_index].first_queue
    port = state.ports[port_index]
    queue: int = port.active_head
    while True:
        rule = tables.queues[first + queue]
        known = state.queues[first + queue]
        following: int = known.next_active
        if known.start_ps == now_ps and not (only_express != 0 and rule.express == 0):
            if known.has_turn == 0:
                known.has_turn = 1
                known.deficit_octets += rule.quantum_octets
            if known.frame_octets <= known.deficit_octets:
                known.deficit_octets -= known.frame_octets
                return queue
            known.has_turn = 0
            leave_round(state.queues, port, first, queue)
            join_round(state.queues, port, first, queue)
            if following == NONE:
                following = queue
        queue = following


@compiled
def join_round(queues: Records, port: Record, first_queue: int, queue: int) -> None:
    """A round-robin queue takes its place at the end of the active ones."""
    queues[first_queue + queue].next_active = NONE
    if port.active_tail == NONE:
        port.active_head = queue
    else:
        queues[first_queue + port.active_tail].next_active = queue
    port.active_tail = queue


@compiled
def leave_round(queues: Records, port: Record, first_queue: int, queue: int) -> None:
    """Take a queue out of the active ones."""
    before = NONE
    place = port.active_head
    while place != queue:
        before = place
        place = queues[first_queue + place].next_active
    after = queues[first_queue + queue].next_active
    if before == NONE:
        port.active_head = after
    else:
        queues[first_queue + before].next_active = after
    if after == NONE:
        port.active_tail = before


@compiled
def insert_by_eligibility(frames: Records, queue: Record, frame: int) -> None:
    """Put a frame into a queue behind all that become eligible no later."""
    time_ps = frames[frame].eligible_ps
    before = NONE
    after = queue.head
    if queue.tail != NONE and frames[queue.tail].eligible_ps <= time_ps:
        before = queue.tail
        after = NONE
    while after != NONE and frames[after].eligible_ps <= time_ps:
        before = after
        after = frames[after].next
    frames[frame].next = after
    if before == NONE:
        queue.head = frame
    else:
        frames[before].next = frame
    if after == NONE:
        queue.tail = frame

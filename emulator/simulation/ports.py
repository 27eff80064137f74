# SPDX-License-Identifier: Apache-2.0
"""A wire with rules: gates, shapers, round robin and frame preemption in one strict order.

Whenever the wire is free, the highest queue that has a frame available sends; the queues of
the round robin stand together. While a preemptable frame is interrupted, only express frames
are available, and it goes on when there is none and it is not held. A preemptable frame on the wire
is interrupted at the first octet at which that is allowed and an express frame is available (as
if it could start at that octet) or preemptable frames are held; whatever is sent after that is
selected when the wire is free again. It is on its way to the next node only with its last octet.

Source: IEEE Std 802.1Q-2022, 8.6.8 (availability of a frame); IEEE Std 802.3-2022, 99.4.4
(express transmission, hold, minimum fragments, and at least 64 octets left).
"""

from __future__ import annotations

from emulator.simulation.compiled import compiled, inlined, merged
from emulator.simulation.gates import held_ps
from emulator.simulation.grants import octets_time_ps
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
    State,
    Tables,
)
from emulator.simulation.selection import (
    RESUME,
    charge_credit,
    earliest_start_ps,
    first_express_ps,
    insert_by_eligibility,
    join_round,
    leave_round,
    select,
    settle_credit,
)
from emulator.simulation.timers import set_timer, timer_ps
from emulator.simulation.transmit import (
    append_to_queue,
    free_frame,
    lose,
    remove_from_queue,
    send_heads_and_rest,
    send_on,
)

CHECK_OCTETS = 4
"""Check sequence of a fragment that is not the last. Source: IEEE Std 802.3-2022, 99.3.6."""
LEAST_REST_OCTETS = 64
"""Least rest of a frame after an interruption. Source: IEEE Std 802.3-2022, 99.4.4."""


@inlined
def sent_ps(constants: Record, port: Record, octets: int) -> int:
    """When so many octets of the present fragment have been sent."""
    from_ps: int = port.from_ps
    return from_ps + octets_time_ps(constants.lead_octets + octets, constants.line_bps)


@compiled
def octets_sent(constants: Record, port: Record, at_ps: int) -> int:
    """Octets of the present fragment that will have been sent at or first after a time."""
    all_octets = constants.lead_octets + port.rest_octets
    octets = (at_ps - port.from_ps) * all_octets // (port.end_ps - port.from_ps)
    octets = max(0, octets - constants.lead_octets)
    while octets > 0 and sent_ps(constants, port, octets - 1) >= at_ps:
        octets -= 1
    while sent_ps(constants, port, octets) < at_ps:
        octets += 1
    return int(octets)


@compiled
def next_look_ps(
    tables: PortTables, state: PortState, clocks: ClockState, port_index: int, now_ps: int
) -> int:
    """When the frame on the wire ends or, as far as one can tell now, is to be interrupted."""
    constants = tables.ports[port_index]
    port = state.ports[port_index]
    end_ps: int = port.end_ps
    last_octets = port.rest_octets - LEAST_REST_OCTETS
    octets = constants.fragment_octets - CHECK_OCTETS
    if octets <= last_octets and sent_ps(constants, port, octets) < now_ps:
        octets = octets_sent(constants, port, now_ps)
    while octets <= last_octets:
        cut_ps = sent_ps(constants, port, octets)
        wish_ps = first_express_ps(tables, state, clocks, port_index, cut_ps, now_ps)
        if wish_ps > cut_ps:
            wish_ps = min(wish_ps, end_ps)
            wish_ps = held_ps(tables, state, clocks, port_index, cut_ps, wish_ps)
        if wish_ps == cut_ps:
            return cut_ps
        if wish_ps >= end_ps:
            break
        octets = octets_sent(constants, port, wish_ps)
    return end_ps


@inlined
def begin_fragment(constants: Record, port: Record, egress: Record, now_ps: int) -> None:
    """Send the rest of a preemptable frame, until it is interrupted."""
    port.is_sending = 1
    port.from_ps = now_ps
    octets = constants.lead_octets + port.rest_octets
    port.end_ps = now_ps + octets_time_ps(octets, constants.line_bps)
    occupied_ps = octets_time_ps(octets + constants.tail_octets, constants.line_bps)
    egress.busy_until_ps = now_ps + occupied_ps
    egress.used += occupied_ps


@merged
def end_fragment(tables: Tables, state: State, port_index: int, now_ps: int) -> None:
    """The preemptable frame on the wire ends, or is interrupted and keeps the rest for later."""
    constants = tables.ports.ports[port_index]
    port = state.ports.ports[port_index]
    egress = state.egresses[constants.egress]
    frame = port.frame
    hop_index = state.frames[frame].hop
    credit_from_ps = NEVER_PS
    if now_ps < port.end_ps:
        octets = octets_sent(constants, port, now_ps)
        free_ps = sent_ps(constants, port, octets + CHECK_OCTETS + constants.tail_octets)
        egress.used -= egress.busy_until_ps - free_ps
        egress.busy_until_ps = free_ps
        port.rest_octets -= octets
    else:
        port.frame = NONE
        credit_from_ps = egress.busy_until_ps
        send_on(tables, state, hop_index, frame, port.end_ps)
    port.is_sending = 0
    index = constants.first_queue + tables.hops[hop_index].queue
    if tables.ports.queues[index].selection == SELECTION_CREDIT:
        known = state.ports.queues[index]
        charge_credit(tables.ports.queues[index], known, egress.busy_until_ps - port.from_ps)
        known.credit_from_ps = credit_from_ps


@inlined
def note_head(known: Record, frame: int, size: Record, eligible_ps: int) -> None:
    """Note what the frame at the head of a queue needs."""
    known.frame = frame
    known.start_ps = NONE
    known.data_ps = size.data_ps
    known.frame_octets = size.frame_octets
    known.eligible_ps = eligible_ps


@merged
def start_frame(tables: Tables, state: State, port_index: int, queue: int, now_ps: int) -> None:
    """Send the head of a queue."""
    constants = tables.ports.ports[port_index]
    port = state.ports.ports[port_index]
    egress = state.egresses[constants.egress]
    index = constants.first_queue + queue
    queue_index = tables.egresses[constants.egress].first_queue + queue
    rule = tables.ports.queues[index]
    known = state.ports.queues[index]
    if rule.selection == SELECTION_CREDIT:
        settle_credit(tables.ports, state.ports, state.clocks, port_index, queue, now_ps)
    frame = remove_from_queue(state, queue_index)
    following = state.queues[queue_index].head
    known.frame = NONE
    if following != NONE:
        next_hop = tables.hops[state.frames[following].hop]
        next_size = tables.sizes[next_hop.first_size + state.frames[following].size]
        note_head(known, following, next_size, state.frames[following].eligible_ps)
    hop_index = state.frames[frame].hop
    hop = tables.hops[hop_index]
    size = tables.sizes[hop.first_size + state.frames[frame].size]
    egress.waiting -= 1
    egress.backlog_octets -= size.frame_octets
    state.queues[queue_index].backlog_octets -= size.frame_octets
    egress.frames += 1
    state.steps[frame, hop.depth].started_ps = now_ps
    if hop.depth == 0:
        state.frames[frame].origin_ps = now_ps + tables.egresses[hop.egress].lead_ps
    if rule.selection == SELECTION_ROUND_ROBIN and known.frame == NONE:
        leave_round(state.ports.queues, port, constants.first_queue, queue)
        known.deficit_octets = 0
        known.has_turn = 0
    if rule.express == 0:
        port.frame = frame
        port.rest_octets = size.frame_octets
        begin_fragment(constants, port, egress, now_ps)
        if rule.selection == SELECTION_CREDIT:
            known.credit_from_ps = NEVER_PS
        return
    egress.busy_until_ps = now_ps + size.occupied_ps
    egress.used += size.occupied_ps
    if rule.selection == SELECTION_CREDIT:
        charge_credit(rule, known, size.occupied_ps)
        known.credit_from_ps = egress.busy_until_ps
    if hop.first_head < hop.end_head:
        send_heads_and_rest(tables, state, hop_index, frame, now_ps)
    else:
        send_on(tables, state, hop_index, frame, now_ps + size.data_ps)


@merged
def serve_port(tables: Tables, state: State, port_index: int, now_ps: int) -> None:
    """Look at a port: end, interrupt or start a transmission, and set its timer."""
    constants = tables.ports.ports[port_index]
    port = state.ports.ports[port_index]
    egress = state.egresses[constants.egress]
    wake_ps = NEVER_PS
    if port.is_sending != 0:
        wake_ps = next_look_ps(tables.ports, state.ports, state.clocks, port_index, now_ps)
        if wake_ps == now_ps:
            end_fragment(tables, state, port_index, now_ps)
    if now_ps >= egress.busy_until_ps:
        queue, wake_ps = select(tables.ports, state.ports, state.clocks, port_index, now_ps)
        if queue == RESUME:
            begin_fragment(constants, port, egress, now_ps)
        elif queue != NONE:
            start_frame(tables, state, port_index, queue, now_ps)
        if port.is_sending != 0:
            wake_ps = next_look_ps(tables.ports, state.ports, state.clocks, port_index, now_ps)
    if now_ps < egress.busy_until_ps and port.is_sending == 0:
        is_waited_for = egress.waiting > 0 or port.frame != NONE
        wake_ps = egress.busy_until_ps if is_waited_for else NEVER_PS
    set_timer(state.ports.timers, port_index, wake_ps)
    if port.entered != NONE:
        queue = tables.egresses[constants.egress].first_queue + port.entered
        note_backlog(state.queues[queue], egress)
        port.entered = NONE


@inlined
def note_backlog(queue: Record, egress: Record) -> None:
    """A frame has entered a queue and, if it still waits, may make the largest backlog."""
    queue.max_backlog_octets = max(queue.max_backlog_octets, queue.backlog_octets)
    egress.max_backlog_octets = max(egress.max_backlog_octets, egress.backlog_octets)


@merged
def starts_at_once(
    tables: PortTables,
    state: PortState,
    clocks: ClockState,
    port_index: int,
    queue: int,
    data_ps: int,
    eligible_ps: int,
    now_ps: int,
) -> bool:
    """Whether a frame that comes while the wire is free needs no room among the waiting ones."""
    constants = tables.ports[port_index]
    rule = tables.queues[constants.first_queue + queue]
    head = state.queues[constants.first_queue + queue]
    if state.ports[port_index].frame != NONE and rule.express == 0:
        return False
    if head.frame != NONE and (
        rule.selection != SELECTION_ASYNCHRONOUS or head.eligible_ps <= eligible_ps
    ):
        return False
    start_ps = earliest_start_ps(
        tables, state, clocks, port_index, queue, data_ps, eligible_ps, now_ps
    )
    return bool(start_ps == now_ps)


@merged
def enqueue_at_port(tables: Tables, state: State, hop_index: int, frame: int, now_ps: int) -> None:
    """A frame enters a queue of a port, or is dropped; the port is looked at if that matters."""
    hop = tables.hops[hop_index]
    port_index: int = tables.egresses[hop.egress].port
    constants = tables.ports.ports[port_index]
    port = state.ports.ports[port_index]
    egress = state.egresses[hop.egress]
    rule = tables.ports.queues[constants.first_queue + hop.queue]
    known = state.ports.queues[constants.first_queue + hop.queue]
    size = tables.sizes[hop.first_size + state.frames[frame].size]
    octets = size.frame_octets
    state.steps[frame, hop.depth].queued_ps = now_ps
    if hop.has_eligibility == 0:
        state.frames[frame].eligible_ps = state.steps[frame, hop.depth].received_ps
    else:  # on the clock of the port, whatever this frame's own processing took
        state.frames[frame].eligible_ps += hop.before_min_ps + hop.before_spread_ps
    eligible_ps = state.frames[frame].eligible_ps
    is_free = port.is_sending == 0 and now_ps >= egress.busy_until_ps
    queue_index = tables.egresses[hop.egress].first_queue + hop.queue
    queue = state.queues[queue_index]
    if queue.head == NONE and rule.selection == SELECTION_CREDIT:
        settle_credit(tables.ports, state.ports, state.clocks, port_index, hop.queue, now_ps)
    has_room = egress.backlog_octets + octets <= tables.egresses[hop.egress].buffer_octets
    if octets > rule.largest_octets or not (
        has_room
        or (
            is_free
            and starts_at_once(
                tables.ports,
                state.ports,
                state.clocks,
                port_index,
                hop.queue,
                size.data_ps,
                eligible_ps,
                now_ps,
            )
        )
    ):
        egress.dropped += 1
        lose(tables, state, hop_index)
        free_frame(state, frame)
        return
    if queue.head == NONE and rule.selection == SELECTION_ROUND_ROBIN:
        join_round(state.ports.queues, port, constants.first_queue, hop.queue)
    if rule.selection == SELECTION_ASYNCHRONOUS:
        insert_by_eligibility(state.frames, queue, frame)
    else:
        append_to_queue(state, queue_index, frame)
    queue.backlog_octets += octets
    egress.backlog_octets += octets
    egress.waiting += 1
    if queue.head == frame:
        note_head(known, frame, size, eligible_ps)
        if is_free or (port.is_sending != 0 and rule.express != 0):
            # That is the very next event, and notes the backlog if the frame is still there.
            port.entered = hop.queue
            set_timer(state.ports.timers, port_index, now_ps)
            return
        if timer_ps(state.ports.timers, port_index) > egress.busy_until_ps:
            set_timer(state.ports.timers, port_index, egress.busy_until_ps)
    note_backlog(queue, egress)

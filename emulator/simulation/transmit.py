# SPDX-License-Identifier: Apache-2.0
"""Frames on their way: the pool, the pipes, the queues and the wires.

A frame enters the queue of a transmitter, waits, is sent and travels in a pipe to the next
node. A pipe keeps the order in which frames entered it: a frame never
overtakes one before it in the same pipe, and is never later than its own largest delay.
"""

from __future__ import annotations

from emulator.simulation import heap
from emulator.simulation.compiled import inlined, inner
from emulator.simulation.layout import (
    FAMILY_ALIVE,
    MECHANISM_WIRE,
    NONE,
    State,
    Tables,
)
from emulator.simulation.random_numbers import draw_up_to


@inlined
def schedule(state: State, time_ps: int, source: int) -> None:
    """Give a source its next event."""
    control = state.control[0]
    heap.push(state.heap, control.heap_size, time_ps, source)
    control.heap_size += 1


@inlined
def unschedule_first(state: State) -> None:
    """Remove the first event."""
    control = state.control[0]
    heap.remove_top(state.heap, control.heap_size)
    control.heap_size -= 1


@inlined
def take_frame(state: State) -> int:
    """A frame from the pool; the event loop has made sure that there is one."""
    control = state.control[0]
    frame: int = control.free_head
    control.free_head = state.frames[frame].next
    control.free_count -= 1
    return frame


@inlined
def free_frame(state: State, frame: int) -> None:
    """Give a frame back to the pool, or to those whose end is to be noted first."""
    control = state.control[0]
    if control.has_families != 0 and state.frames[frame].family != NONE:
        state.frames[frame].next = control.ended_head
        control.ended_head = frame
        return
    state.frames[frame].next = control.free_head
    control.free_head = frame
    control.free_count += 1


@inner
def copy_frame(state: State, frame: int, depth: int) -> int:
    """A copy for another branch of a multicast tree, with its history down to ``depth``."""
    copy = take_frame(state)
    old = state.frames[frame]
    new = state.frames[copy]
    new.size = old.size
    new.release_ps = old.release_ps
    new.origin_ps = old.origin_ps
    new.position = old.position
    new.message_frames = old.message_frames
    new.eligible_ps = old.eligible_ps
    new.need_octets = 0
    new.broken = 0
    new.yellow = old.yellow
    new.sequence = old.sequence
    new.family = old.family
    if old.family != NONE:
        state.families[old.family, FAMILY_ALIVE] += 1
    for step in range(depth + 1):
        state.steps[copy, step].received_ps = state.steps[frame, step].received_ps
        state.steps[copy, step].queued_ps = state.steps[frame, step].queued_ps
        state.steps[copy, step].started_ps = state.steps[frame, step].started_ps
        state.steps[copy, step].hop = state.steps[frame, step].hop
    return copy


@inlined
def lose(tables: Tables, state: State, hop_index: int) -> None:
    """Count a frame as lost for every listener that it would have reached by a hop."""
    hop = tables.hops[hop_index]
    for place in range(hop.first_below, hop.end_below):
        state.rows[tables.rows_below[place]].lost += 1


@inlined
def enter_pipe(state: State, source_index: int, frame: int, due_ps: int) -> None:
    """Put a frame on its way; it comes out in order, at ``due_ps`` or with the one before."""
    source = state.sources[source_index]
    due_ps = max(due_ps, source.last_ps)
    source.last_ps = due_ps
    state.frames[frame].due_ps = due_ps
    state.frames[frame].next = NONE
    if source.tail == NONE:
        source.head = frame
        schedule(state, due_ps, source_index)
    else:
        state.frames[source.tail].next = frame
    source.tail = frame


@inlined
def leave_pipe(state: State, source_index: int) -> int:
    """Take out the frame whose event is the first of all, and schedule the next one."""
    source = state.sources[source_index]
    frame: int = source.head
    following = state.frames[frame].next
    source.head = following
    if following == NONE:
        source.tail = NONE
        unschedule_first(state)
    else:
        due_ps = state.frames[following].due_ps
        heap.replace_top(state.heap, state.control[0].heap_size, due_ps, source_index)
    return frame


@inlined
def send_on(tables: Tables, state: State, hop_index: int, frame: int, left_ps: int) -> None:
    """The last bit has left (or the grant has delivered): the frame travels to the next node."""
    hop = tables.hops[hop_index]
    due_ps = left_ps + hop.after_min_ps
    if hop.after_spread_ps > 0:
        due_ps += draw_up_to(state.generators, hop.after_generator, hop.after_spread_ps)
    enter_pipe(state, hop.arrival_source, frame, due_ps)


@inner
def send_heads_and_rest(
    tables: Tables, state: State, hop_index: int, frame: int, now_ps: int
) -> None:
    """Begin a transmission that the next node does not wait for: its head goes on by itself.

    The head is a copy of the frame, which sets out over each hop that cuts through; the
    frame itself goes to listeners and over the other hops. Both travel for the same time.
    """
    hop = tables.hops[hop_index]
    data_ps = tables.sizes[hop.first_size + state.frames[frame].size].data_ps
    delay_ps = hop.after_min_ps
    if hop.after_spread_ps > 0:
        delay_ps += draw_up_to(state.generators, hop.after_generator, hop.after_spread_ps)
    for place in range(hop.first_head, hop.end_head):
        head = tables.heads[place]
        copy = copy_frame(state, frame, hop.depth)
        state.frames[copy].hop = head.hop
        enter_pipe(state, head.source, copy, now_ps + delay_ps + min(head.lead_ps, data_ps))
    enter_pipe(state, hop.arrival_source, frame, now_ps + delay_ps + data_ps)


@inlined
def start_wire(tables: Tables, state: State, hop_index: int, frame: int, now_ps: int) -> None:
    """Begin a transmission on an idle wire."""
    hop = tables.hops[hop_index]
    size = tables.sizes[hop.first_size + state.frames[frame].size]
    egress = state.egresses[hop.egress]
    egress.busy_until_ps = now_ps + size.occupied_ps
    egress.used += size.occupied_ps
    egress.frames += 1
    state.steps[frame, hop.depth].started_ps = now_ps
    if hop.depth == 0:
        state.frames[frame].origin_ps = now_ps + tables.egresses[hop.egress].lead_ps
    if hop.first_head < hop.end_head:
        send_heads_and_rest(tables, state, hop_index, frame, now_ps)
        return
    send_on(tables, state, hop_index, frame, now_ps + size.data_ps)


@inlined
def append_to_queue(state: State, queue_index: int, frame: int) -> None:
    """Put a frame at the end of a queue."""
    queue = state.queues[queue_index]
    state.frames[frame].next = NONE
    if queue.tail == NONE:
        queue.head = frame
    else:
        state.frames[queue.tail].next = frame
    queue.tail = frame


@inlined
def remove_from_queue(state: State, queue_index: int) -> int:
    """Take the first frame of a queue that is not empty."""
    queue = state.queues[queue_index]
    frame: int = queue.head
    queue.head = state.frames[frame].next
    if queue.head == NONE:
        queue.tail = NONE
    return frame


@inlined
def next_opening_ps(tables: Tables, egress_index: int, from_ps: int) -> int:
    """First opening of a transmitter's grants at or after a time."""
    egress = tables.egresses[egress_index]
    cycles = (from_ps - egress.phase_ps) // egress.cycle_ps
    start_ps = egress.phase_ps + cycles * egress.cycle_ps
    opening_ps: int
    for place in range(egress.first_opening, egress.first_opening + egress.opening_count):
        opening_ps = start_ps + tables.openings_ps[place]
        if opening_ps >= from_ps:
            return opening_ps
    opening_ps = start_ps + egress.cycle_ps + tables.openings_ps[egress.first_opening]
    return opening_ps


@inner
def wait_in_queue(tables: Tables, state: State, hop_index: int, frame: int, now_ps: int) -> None:
    """A frame that cannot be sent at once waits, or is dropped when it does not fit."""
    hop = tables.hops[hop_index]
    constants = tables.egresses[hop.egress]
    egress = state.egresses[hop.egress]
    size = tables.sizes[hop.first_size + state.frames[frame].size]
    held_octets = egress.held_octets if now_ps <= egress.held_until_ps else 0
    backlog_octets = egress.backlog_octets + held_octets + size.frame_octets
    if backlog_octets > constants.buffer_octets or size.fits == 0:
        egress.dropped += 1
        lose(tables, state, hop_index)
        free_frame(state, frame)
        return
    egress.backlog_octets += size.frame_octets
    egress.max_backlog_octets = max(egress.max_backlog_octets, backlog_octets)
    append_to_queue(state, constants.first_queue + hop.queue, frame)
    queue = state.queues[constants.first_queue + hop.queue]
    queue.backlog_octets += size.frame_octets
    queue.max_backlog_octets = max(queue.max_backlog_octets, queue.backlog_octets)
    egress.waiting += 1
    if egress.waiting > 1:
        return
    if constants.mechanism == MECHANISM_WIRE:
        schedule(state, egress.busy_until_ps, constants.source)
    else:
        from_ps = max(now_ps, egress.not_before_ps)
        schedule(state, next_opening_ps(tables, hop.egress, from_ps), constants.source)


@inlined
def enqueue(tables: Tables, state: State, hop_index: int, frame: int, now_ps: int) -> None:
    """A frame enters the queue of its hop's transmitter; an idle wire takes it at once."""
    hop = tables.hops[hop_index]
    state.steps[frame, hop.depth].queued_ps = now_ps
    if tables.egresses[hop.egress].mechanism == MECHANISM_WIRE:
        if state.egresses[hop.egress].busy_until_ps <= now_ps:
            start_wire(tables, state, hop_index, frame, now_ps)
            return
    else:
        size = tables.sizes[hop.first_size + state.frames[frame].size]
        state.frames[frame].need_octets = size.need_octets
        state.frames[frame].broken = 0
        if hop.depth == 0:
            state.frames[frame].origin_ps = state.steps[frame, 0].received_ps
    wait_in_queue(tables, state, hop_index, frame, now_ps)


@inlined
def approach(tables: Tables, state: State, hop_index: int, frame: int, now_ps: int) -> None:
    """A frame is wholly received (or released): after processing it enters the queue."""
    hop = tables.hops[hop_index]
    state.frames[frame].hop = hop_index
    state.steps[frame, hop.depth].received_ps = now_ps
    state.steps[frame, hop.depth].hop = hop_index
    if hop.entry_source == NONE:
        enqueue(tables, state, hop_index, frame, now_ps)
        return
    due_ps = now_ps + hop.before_min_ps
    if hop.before_spread_ps > 0:
        due_ps += draw_up_to(state.generators, hop.before_generator, hop.before_spread_ps)
    enter_pipe(state, hop.entry_source, frame, due_ps)


@inner
def serve_wire(tables: Tables, state: State, egress_index: int, now_ps: int) -> None:
    """A wire becomes free: the first frame of its highest queue that is not empty is sent."""
    constants = tables.egresses[egress_index]
    egress = state.egresses[egress_index]
    queue_index = constants.first_queue + constants.queue_count - 1
    while state.queues[queue_index].head == NONE:
        queue_index -= 1
    frame = remove_from_queue(state, queue_index)
    hop_index = state.frames[frame].hop
    size = tables.sizes[tables.hops[hop_index].first_size + state.frames[frame].size]
    egress.waiting -= 1
    egress.backlog_octets -= size.frame_octets
    state.queues[queue_index].backlog_octets -= size.frame_octets
    if egress.waiting > 0:
        free_ps = now_ps + size.occupied_ps
        heap.replace_top(state.heap, state.control[0].heap_size, free_ps, constants.source)
    else:
        unschedule_first(state)
    start_wire(tables, state, hop_index, frame, now_ps)

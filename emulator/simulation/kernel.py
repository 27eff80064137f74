# SPDX-License-Identifier: Apache-2.0
"""The event loop.

Simultaneous events happen in this order: ports with rules that may go on, then by source number
faults and repairs, wires that become free, arrivals by the transmitter they came over, talkers,
then grant openings (a frame queued at the very moment of an opening still takes part in it).
"""

from __future__ import annotations

from emulator.simulation import heap
from emulator.simulation.ats import gets_eligible
from emulator.simulation.clocks import (
    advance_clocks,
    horizon_ps,
    local_ps,
    network_ps,
    note_clock_errors,
)
from emulator.simulation.compiled import compiled, inlined, merged
from emulator.simulation.grants import serve_grant
from emulator.simulation.layout import (
    MECHANISM_PORT,
    NEVER_PS,
    NONE,
    SOURCE_AGENDA,
    SOURCE_ARRIVAL,
    SOURCE_ENTRY,
    SOURCE_FREE,
    SOURCE_GRANT,
    SOURCE_HEAD,
    SOURCE_RELEASE,
    SOURCE_SYNC,
    STATUS_FINISHED,
    STATUS_LOG_FULL,
    STATUS_NEED_FRAMES,
    STATUS_SLICE_DONE,
    Reception,
    State,
    Tables,
)
from emulator.simulation.observe import deliver, note_in_log
from emulator.simulation.outages import perform
from emulator.simulation.ports import enqueue_at_port, serve_port
from emulator.simulation.random_numbers import draw_exponential, draw_up_to
from emulator.simulation.reception import arrive_specially
from emulator.simulation.recovery import SEQUENCE_SPACE, end_copies, found_family
from emulator.simulation.selection import settle_all_credit
from emulator.simulation.transmit import (
    approach,
    copy_frame,
    enqueue,
    free_frame,
    leave_pipe,
    schedule,
    serve_wire,
    take_frame,
)


@merged
def arrive(tables: Tables, state: State, reception: Reception, frame: int, now_ps: int) -> None:
    """A frame is wholly received by a node: listeners take it, each child hop gets a copy."""
    hop = tables.hops[state.frames[frame].hop]
    state.control[0].frame_hops += 1
    if hop.reception != NONE:
        arrive_specially(tables, state, reception, frame, now_ps)
        return
    if hop.scheduler != NONE and not gets_eligible(tables, state, hop.scheduler, frame, now_ps):
        return
    row_index = hop.row
    while row_index != NONE:
        deliver(tables, state, row_index, frame, hop.depth, now_ps)
        row_index = tables.rows[row_index].next_row
    if hop.first_child == hop.end_child:
        free_frame(state, frame)
        return
    for place in range(hop.first_child, hop.end_child):
        branch = frame
        if place < hop.end_child - 1:
            branch = copy_frame(state, frame, hop.depth)
        approach(tables, state, tables.children[place], branch, now_ps)


@merged
def following_release_ps(
    tables: Tables, state: State, stream_index: int, gap_ps: int, now_ps: int
) -> int:
    """When a talker that has just released a message releases the next one."""
    constants = tables.streams[stream_index]
    stream = state.streams[stream_index]
    release_ps: int
    if constants.sporadic != 0:
        release_ps = now_ps + constants.period_ps
        return release_ps + draw_exponential(
            state.generators, constants.generator, constants.period_ps >> 1
        )
    stream.nominal_ps += gap_ps
    release_ps = stream.nominal_ps
    if constants.jitter_ps > 0:
        release_ps += draw_up_to(state.generators, constants.generator, constants.jitter_ps)
    if constants.clock != NONE:
        stream.due_ps = release_ps
        release_ps = on_clock_ps(state, constants.clock, release_ps)
    return max(release_ps, now_ps)


@inlined
def on_clock_ps(state: State, clock: int, local_time_ps: int) -> int:
    """When a clock shows a time, or up to where that is known: then it is to be asked again."""
    time_ps = network_ps(state.clocks, clock, local_time_ps)
    return horizon_ps(state.clocks, clock) if time_ps == NEVER_PS else time_ps


@compiled
def release(tables: Tables, state: State, stream_index: int, now_ps: int) -> None:
    """A talker hands all frames of a message to its queue."""
    constants = tables.streams[stream_index]
    stream = state.streams[stream_index]
    if constants.clock != NONE and local_ps(state.clocks, constants.clock, now_ps) < stream.due_ps:
        next_ps = on_clock_ps(state, constants.clock, stream.due_ps)
        heap.replace_top(state.heap, state.control[0].heap_size, next_ps, constants.source)
        return
    message = tables.messages[constants.first_message + stream.message % constants.message_count]
    next_ps = following_release_ps(tables, state, stream_index, message.gap_ps, now_ps)
    heap.replace_top(state.heap, state.control[0].heap_size, next_ps, constants.source)
    stream.message += 1
    if stream.is_silent != 0:
        return
    if constants.logged != 0:
        note_in_log(state, len(tables.rows) + stream_index, 1, now_ps, now_ps)
    for position in range(message.frame_count):
        sequence = stream.released % SEQUENCE_SPACE
        stream.released += 1
        family = NONE
        if constants.counted != 0:
            copy_count = stream.end_root - stream.first_root
            if copy_count == 0:  # no way leads anywhere at present
                for row_index in range(constants.first_row, constants.end_row):
                    state.rows[row_index].lost += 1
                continue
            family = found_family(tables, state, stream_index, copy_count)
        for place in range(stream.first_root, stream.end_root):
            frame = take_frame(state)
            record = state.frames[frame]
            record.yellow = 0
            record.sequence = sequence
            record.family = family
            record.origin_ps = now_ps
            record.need_octets = 0
            record.broken = 0
            record.size = tables.message_sizes[message.first_frame + position]
            record.release_ps = now_ps
            record.position = position
            record.message_frames = message.frame_count
            approach(tables, state, tables.roots[place], frame, now_ps)


@merged
def sync(tables: Tables, state: State, now_ps: int) -> None:
    """The grandmaster sends Sync: the clocks are worked out so much further."""
    domain = tables.clocks.domain[0]
    settle_all_credit(tables.ports, state.ports, state.clocks, now_ps)
    note_clock_errors(state.clocks, now_ps)
    number = now_ps // domain.interval_ps + domain.ahead_syncs
    advance_clocks(tables.clocks, state.clocks, state.generators, number)
    next_ps = now_ps + domain.interval_ps
    heap.replace_top(state.heap, state.control[0].heap_size, next_ps, domain.source)


@compiled
def start(tables: Tables, state: State, reception: Reception) -> None:
    """Schedule the first Sync, and the first release of every talker; its nominal time is set."""
    if len(tables.clocks.domain) > 0:
        domain = tables.clocks.domain[0]
        advance_clocks(tables.clocks, state.clocks, state.generators, domain.ahead_syncs)
        schedule(state, 0, domain.source)
    for stream_index in range(len(tables.streams)):
        constants = tables.streams[stream_index]
        release_ps = state.streams[stream_index].nominal_ps
        if constants.sporadic == 0 and constants.jitter_ps > 0:
            release_ps += draw_up_to(state.generators, constants.generator, constants.jitter_ps)
        if constants.clock != NONE:
            at_ps = on_clock_ps(state, constants.clock, release_ps)
            if at_ps < 0:  # the talker's clock was there before the run began
                stream = state.streams[stream_index]
                gap_ps = tables.messages[constants.first_message].gap_ps
                stream.nominal_ps += gap_ps
                stream.message += 1
                release_ps += gap_ps
                at_ps = on_clock_ps(state, constants.clock, release_ps)
            state.streams[stream_index].due_ps = release_ps
            release_ps = max(0, at_ps)
        schedule(state, release_ps, constants.source)
    if len(reception.tables.agenda) > 0:
        schedule(state, reception.tables.agenda[0].at_ps, reception.state.agenda[0].source)


@compiled
def run_slice(
    tables: Tables, state: State, reception: Reception, end_ps: int, event_count: int
) -> int:
    """Let up to ``event_count`` events before ``end_ps`` happen; returns a status."""
    control = state.control[0]
    timers = state.ports.timers
    for _ in range(event_count):
        now_ps = state.heap[0].time_ps if control.heap_size > 0 else NEVER_PS
        port_ps = timers[1].time_ps
        if now_ps >= end_ps and port_ps >= end_ps:
            return STATUS_FINISHED
        if control.free_count < control.frames_per_event:
            return STATUS_NEED_FRAMES
        if control.log_count + control.entries_per_event > len(state.log):
            return STATUS_LOG_FULL
        if port_ps <= now_ps:
            control.now_ps = port_ps
            serve_port(tables, state, timers[1].port, port_ps)
            continue
        source_index = state.heap[0].source
        control.now_ps = now_ps
        source = state.sources[source_index]
        kind = source.kind
        if kind == SOURCE_ARRIVAL:
            arrive(tables, state, reception, leave_pipe(state, source_index), now_ps)
        elif kind == SOURCE_ENTRY:
            frame = leave_pipe(state, source_index)
            hop_index = state.frames[frame].hop
            if tables.egresses[tables.hops[hop_index].egress].mechanism == MECHANISM_PORT:
                enqueue_at_port(tables, state, hop_index, frame, now_ps)
            else:
                enqueue(tables, state, hop_index, frame, now_ps)
        elif kind == SOURCE_RELEASE:
            release(tables, state, source.index, now_ps)
        elif kind == SOURCE_FREE:
            serve_wire(tables, state, source.index, now_ps)
        elif kind == SOURCE_HEAD:
            frame = leave_pipe(state, source_index)
            approach(tables, state, state.frames[frame].hop, frame, now_ps)
        elif kind == SOURCE_SYNC:
            sync(tables, state, now_ps)
        elif kind == SOURCE_GRANT:
            serve_grant(tables, state, source.index, now_ps)
        elif kind == SOURCE_AGENDA:
            perform(tables, state, reception, now_ps)
        if control.ended_head != NONE:
            end_copies(state)
    return STATUS_SLICE_DONE

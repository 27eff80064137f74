# SPDX-License-Identifier: Apache-2.0
"""Lets what is known before the run happen at its time: faults, repairs, changes of the way.

A full-duplex MAC does not look at the carrier: what its port is handed goes out, and what goes out
onto a dead wire is lost (at its arrival, by :mod:`emulator.simulation.reception`). What
waits in the port when the loss of the link is noticed, and when it comes back, is discarded,
because the port leaves the forwarding state.

Source: IEEE Std 802.3-2022, 4.2.8; IEEE Std 802.1Q-2022, 8.6.7 (queue management).
"""

from __future__ import annotations

from emulator.simulation import heap
from emulator.simulation.compiled import inner
from emulator.simulation.layout import MECHANISM_PORT, NEVER_PS, NONE, Reception, State, Tables
from emulator.simulation.transmit import free_frame, lose, remove_from_queue, unschedule_first

ACTION_CUT = 0
"""The wire behind a transmitter is cut."""
ACTION_MEND = 1
ACTION_FLUSH = 2
"""What waits for a transmitter is discarded."""
ACTION_NODE_DOWN = 3
ACTION_NODE_UP = 4
ACTION_SILENCE = 5
"""A talker stops releasing (1) or goes on (0)."""
ACTION_BLOCK = 6
"""A transmitter leads to or from a port that does not forward (1), or does again (0)."""
ACTION_WAY = 7
"""A fork takes another way."""
ACTION_ROOTS = 8
"""A talker sends over other first hops."""


@inner
def flush(tables: Tables, state: State, egress_index: int) -> None:
    """Discard the frames that wait for a transmitter; what is on its wire stays there."""
    constants = tables.egresses[egress_index]
    egress = state.egresses[egress_index]
    if egress.waiting == 0 or constants.mechanism == MECHANISM_PORT:
        return  # what a port with rules holds goes out at its time, and is lost on a dead wire
    for queue_index in range(constants.first_queue, constants.first_queue + constants.queue_count):
        while state.queues[queue_index].head != NONE:
            frame = remove_from_queue(state, queue_index)
            lose(tables, state, state.frames[frame].hop)
            free_frame(state, frame)
            egress.dropped += 1
    egress.waiting = 0
    egress.backlog_octets = 0
    control = state.control[0]
    heap.remove_source(state.heap, control.heap_size, constants.source)
    control.heap_size -= 1


@inner
def perform(tables: Tables, state: State, reception: Reception, now_ps: int) -> None:
    """Let the next entry of the agenda happen, and schedule the one behind it."""
    control = state.control[0]
    agenda = reception.state.agenda[0]
    entry = reception.tables.agenda[agenda.next]
    agenda.next += 1
    if agenda.next < len(reception.tables.agenda):
        next_ps = reception.tables.agenda[agenda.next].at_ps
        heap.replace_top(state.heap, control.heap_size, next_ps, agenda.source)
    else:
        unschedule_first(state)
    action = entry.action
    if action == ACTION_CUT:
        reception.state.links[entry.subject].cut_ps = now_ps
    elif action == ACTION_MEND:
        reception.state.links[entry.subject].cut_ps = NEVER_PS
        reception.state.links[entry.subject].mended_ps = now_ps
    elif action == ACTION_FLUSH:
        flush(tables, state, entry.subject)
    elif action == ACTION_NODE_DOWN:
        reception.state.nodes[entry.subject].down_ps = now_ps
    elif action == ACTION_NODE_UP:
        reception.state.nodes[entry.subject].down_ps = NEVER_PS
        reception.state.nodes[entry.subject].up_ps = now_ps
    elif action == ACTION_SILENCE:
        state.streams[entry.subject].is_silent = entry.value
    elif action == ACTION_BLOCK:
        reception.state.links[entry.subject].is_blocked = entry.value
    elif action == ACTION_WAY:
        reception.state.forks[entry.subject].way = entry.value
    else:
        state.streams[entry.subject].first_root = entry.value
        state.streams[entry.subject].end_root = entry.other

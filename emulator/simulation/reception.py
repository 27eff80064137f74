# SPDX-License-Identifier: Apache-2.0
"""What a node does with a frame that it has received, where that is more than passing it on.

In this order: whether it arrived at all (faults, blocked ports), its stream filter, sequence
recovery, ATS scheduler, then delivery and the next hops, which may depend on a stream gate (the queue) or
on the way in force (after a ring has recovered). Hops without any of this never come here.
"""

from __future__ import annotations

from emulator.simulation.ats import gets_eligible
from emulator.simulation.compiled import inner
from emulator.simulation.layout import (
    FAMILY_FIRST_ROW,
    FAMILY_ROWS,
    NONE,
    Reception,
    State,
    Tables,
)
from emulator.simulation.observe import deliver
from emulator.simulation.policing import DROPPED, police
from emulator.simulation.recovery import is_first
from emulator.simulation.transmit import approach, copy_frame, free_frame, lose


@inner
def is_lost_on_the_way(
    tables: Tables, state: State, reception: Reception, frame: int, now_ps: int
) -> bool:
    """Whether a fault has taken a frame on the hop that ends now.

    A frame is lost when its wire was cut at any moment between the start of its
    transmission and its arrival, when the node that sent it was down at any moment
    since it had received it, when the receiving node is down, or when one of the two ports
    does not forward. At the very instant of a cut, what has arrived has arrived.
    """
    hop = tables.hops[state.frames[frame].hop]
    constants = reception.tables.receptions[hop.reception]
    link = reception.state.links[hop.egress]
    step = state.steps[frame, hop.depth]
    if link.cut_ps < now_ps or link.mended_ps > step.started_ps or link.is_blocked != 0:
        return True
    sender = reception.state.nodes[constants.from_node]
    if sender.down_ps < now_ps or sender.up_ps > step.received_ps:
        return True
    receiver = reception.state.nodes[constants.to_node]
    return bool(receiver.down_ps < now_ps)


@inner
def end_here(tables: Tables, state: State, frame: int) -> None:
    """A frame does not get any further."""
    lose(tables, state, state.frames[frame].hop)
    free_frame(state, frame)


@inner
def next_hop(tables: Tables, reception: Reception, child: int, came_from: int, queue: int) -> int:
    """The hop that a copy takes: in the queue that a stream gate has chosen; none to go back."""
    if came_from != NONE:
        child_reception = tables.hops[child].reception
        if reception.tables.receptions[child_reception].to_node == came_from:
            return NONE  # a bridge never sends a frame out of the port that it came in at
    first_variant = tables.hops[child].first_variant
    if queue != NONE and first_variant != NONE:  # noqa: PLR1714 - compiled: no tuples
        variant: int = reception.tables.variants[first_variant + queue]
        return variant
    return child


@inner
def go_on(
    tables: Tables, state: State, reception: Reception, frame: int, queue: int, now_ps: int
) -> None:
    """A copy for each next hop; the frame itself takes the last of them."""
    hop = tables.hops[state.frames[frame].hop]
    constants = reception.tables.receptions[hop.reception]
    came_from = NONE
    branches = tables.children
    place = hop.first_child
    end = hop.end_child
    if constants.fork != NONE:
        way = (
            reception.tables.forks[constants.fork].first_way
            + reception.state.forks[constants.fork].way
        )
        branches = reception.tables.branches
        place = reception.tables.ways[way].first
        end = reception.tables.ways[way].end
        came_from = constants.from_node
    waiting = NONE
    while place <= end:
        following = NONE
        if place < end:
            following = next_hop(tables, reception, branches[place], came_from, queue)
        place += 1
        if waiting != NONE and (following != NONE or place > end):
            branch = frame
            if place <= end:
                branch = copy_frame(state, frame, tables.hops[waiting].depth - 1)
            approach(tables, state, waiting, branch, now_ps)
        elif place > end:
            free_frame(state, frame)
        if following != NONE:
            waiting = following


@inner
def arrive_specially(
    tables: Tables, state: State, reception: Reception, frame: int, now_ps: int
) -> None:
    """A frame is wholly received at the end of a hop that has a reception."""
    hop_index = state.frames[frame].hop
    hop = tables.hops[hop_index]
    constants = reception.tables.receptions[hop.reception]
    if constants.watched != 0 and is_lost_on_the_way(tables, state, reception, frame, now_ps):
        end_here(tables, state, frame)
        return
    queue = NONE
    if constants.filter != NONE:
        octets = tables.sizes[hop.first_size + state.frames[frame].size].frame_octets
        queue = police(state, reception, constants.filter, frame, octets, now_ps)
        if queue == DROPPED:
            for place in range(constants.first_below, constants.end_below):
                state.rows[tables.rows_below[place]].policed += 1
            end_here(tables, state, frame)
            return
    depth = hop.depth
    if constants.recovery != NONE:
        sequence = state.frames[frame].sequence
        if not is_first(reception, constants.recovery, sequence, now_ps):
            free_frame(state, frame)
            return
        # It goes on as if it had come over the first member.
        hop_index = constants.main
        hop = tables.hops[hop_index]
        state.frames[frame].hop = hop_index
    if constants.recovery != NONE or constants.fork != NONE:
        # The next hop's place in the history may lie further on.
        for step in range(depth + 1, state.steps.shape[1]):
            state.steps[frame, step].hop = NONE
    if hop.scheduler != NONE and not gets_eligible(tables, state, hop.scheduler, frame, now_ps):
        return
    row_index = hop.row
    family = state.frames[frame].family
    while row_index != NONE:
        deliver(tables, state, row_index, frame, depth, now_ps)
        if family != NONE:
            first_row = state.families[family, FAMILY_FIRST_ROW]
            state.families[family, FAMILY_ROWS + row_index - first_row] = 1
        row_index = tables.rows[row_index].next_row
    go_on(tables, state, reception, frame, queue, now_ps)

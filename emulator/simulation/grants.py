# SPDX-License-Identifier: Apache-2.0
"""Transmitters that may send only at recurring grants: PON bursts, NR slots, WLAN polls.

At an opening the queues are served in strict priority until the quota is used up. A frame
that was spread over several grants is delivered with its last fragment. A grant that fails is
repeated, either while later grants go on (delivery stays in order, so what was sent later
waits until the repetition has succeeded or was given up) or at the next openings,
with the same content and everything else waiting.
"""

from __future__ import annotations

from emulator.simulation.compiled import inlined, inner
from emulator.simulation.layout import NONE, State, Tables
from emulator.simulation.random_numbers import draw_event
from emulator.simulation.transmit import (
    free_frame,
    lose,
    next_opening_ps,
    remove_from_queue,
    schedule,
    send_on,
    unschedule_first,
)

_PS_PER_US = 10**6


@inlined
def octets_time_ps(octets: int, line_bps: int) -> int:
    """Time that octets take at a rate, rounded up; exact without exceeding 64 bits."""
    bits = 8 * octets
    seconds = bits // line_bps
    us_parts = (bits % line_bps) * _PS_PER_US
    ps_parts = (us_parts % line_bps) * _PS_PER_US
    ps = -(-ps_parts // line_bps)
    return (seconds * _PS_PER_US + us_parts // line_bps) * _PS_PER_US + ps


@inlined
def count_failures(tables: Tables, state: State, egress_index: int) -> int:
    """How many attempts of a grant fail in a row; more than ``max_retries`` means given up."""
    egress = tables.egresses[egress_index]
    failures = 0
    if egress.failure_threshold > 0:
        while failures <= egress.max_retries and draw_event(
            state.generators, egress.failure_generator, egress.failure_threshold
        ):
            failures += 1
    return failures


@inlined
def content_end_ps(tables: Tables, egress_index: int, opening_ps: int, used_octets: int) -> int:
    """When what a grant has carried so far is delivered."""
    egress = tables.egresses[egress_index]
    if egress.serial_bps > 0:
        return opening_ps + octets_time_ps(used_octets, egress.serial_bps)
    end_ps: int = opening_ps + egress.burst_ps
    return end_ps


@inner
def serve_grant(tables: Tables, state: State, egress_index: int, now_ps: int) -> None:
    """A grant opens."""
    constants = tables.egresses[egress_index]
    egress = state.egresses[egress_index]
    unschedule_first(state)

    failures = count_failures(tables, state, egress_index)
    given_up = failures > constants.max_retries
    repetitions = min(failures, constants.max_retries)
    delay_ps = repetitions * constants.retry_after_ps
    opening_ps = now_ps
    if constants.retry_after_ps == 0:
        for _ in range(repetitions):
            opening_ps = next_opening_ps(tables, egress_index, opening_ps + 1)

    left_octets = constants.quota_octets
    held_octets = 0
    in_order_ps = egress.ready_ps
    queue_index = constants.first_queue + constants.queue_count - 1
    while queue_index >= constants.first_queue and left_octets > 0:
        frame = state.queues[queue_index].head
        if frame == NONE:
            queue_index -= 1
            continue
        need_octets = state.frames[frame].need_octets
        if need_octets > left_octets:
            if constants.fragments == 0:
                break
            state.frames[frame].need_octets = need_octets - left_octets
            if given_up:
                state.frames[frame].broken = 1
            left_octets = 0
            break
        left_octets -= need_octets
        remove_from_queue(state, queue_index)
        hop_index = state.frames[frame].hop
        hop = tables.hops[hop_index]
        frame_octets = tables.sizes[hop.first_size + state.frames[frame].size].frame_octets
        held_octets += frame_octets
        egress.waiting -= 1
        egress.backlog_octets -= frame_octets
        state.queues[queue_index].backlog_octets -= frame_octets
        egress.frames += 1
        if given_up or state.frames[frame].broken != 0:
            lose(tables, state, hop_index)
            free_frame(state, frame)
            continue
        used_octets = constants.quota_octets - left_octets
        left_ps = content_end_ps(tables, egress_index, opening_ps, used_octets) + delay_ps
        state.steps[frame, hop.depth].started_ps = opening_ps
        send_on(tables, state, hop_index, frame, max(left_ps, in_order_ps))

    used_octets = constants.quota_octets - left_octets
    egress.used += used_octets * (repetitions + 1)
    end_ps = content_end_ps(tables, egress_index, opening_ps, used_octets) + delay_ps
    egress.ready_ps = max(in_order_ps, end_ps)
    egress.not_before_ps = opening_ps + 1
    if opening_ps > now_ps:
        egress.held_octets = held_octets
        egress.held_until_ps = opening_ps
    if egress.waiting > 0:
        next_ps = next_opening_ps(tables, egress_index, opening_ps + 1)
        schedule(state, next_ps, constants.source)

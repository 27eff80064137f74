# SPDX-License-Identifier: Apache-2.0
"""Per-stream filtering and policing of frames that have been wholly received.

A frame passes the size limit of its stream filter, then the stream gate, then the flow meter.
Tokens are kept as whole octets and a rest in units of one bit per 10**12 seconds, so that
no rate and no time is ever rounded.

Source: IEEE Std 802.1Q-2022, 8.6.5.3 to 8.6.5.5; MEF 10.3, 12.
"""

from __future__ import annotations

from emulator.simulation.clocks import local_ps
from emulator.simulation.compiled import compiled, inlined, inner
from emulator.simulation.layout import NONE, Reception, Record, State

DROPPED = -2
"""Instead of a queue: the frame does not pass."""
OCTET_PARTS = 8 * 10**12
"""Parts of an octet: a rate of 1 bit/s earns one part in a picosecond."""
_CHUNK_BITS = 15
_CHUNK_MASK = (1 << _CHUNK_BITS) - 1
_FIRST_SHIFT = 4 * _CHUNK_BITS
"""Five pieces of an elapsed time, so that no product of a rate and a piece exceeds 64 bits."""


@inlined
def earned(rate_bps: int, elapsed_ps: int, rest: int) -> tuple[int, int]:
    """Octets, and parts of one, that a rate earns in a time, on top of a rest; exact."""
    octets = 0
    parts = 0
    shift = _FIRST_SHIFT
    while shift >= 0:
        chunk = (elapsed_ps >> shift) & _CHUNK_MASK
        parts = (parts << _CHUNK_BITS) + rate_bps * chunk
        octets = (octets << _CHUNK_BITS) + parts // OCTET_PARTS
        parts %= OCTET_PARTS
        shift -= _CHUNK_BITS
    parts += rest
    if parts >= OCTET_PARTS:
        octets += 1
        parts -= OCTET_PARTS
    return octets, parts


@inner
def fill_buckets(constants: Record, meter: Record, now_ps: int) -> None:
    """Earn tokens up to a time; what a coupled committed bucket cannot hold goes to the other."""
    elapsed_ps = now_ps - meter.filled_ps
    meter.filled_ps = now_ps
    gained, committed_rest = earned(constants.committed_bps, elapsed_ps, meter.committed_rest)
    committed_octets = meter.committed_octets + gained
    over_octets = 0
    over_rest = 0
    if committed_octets >= constants.committed_octets:
        over_octets = committed_octets - constants.committed_octets
        over_rest = committed_rest
        committed_octets = constants.committed_octets
        committed_rest = 0
    meter.committed_octets = committed_octets
    meter.committed_rest = committed_rest

    gained, excess_rest = earned(constants.excess_bps, elapsed_ps, meter.excess_rest)
    excess_octets = meter.excess_octets + gained
    if constants.coupling != 0:
        excess_octets += over_octets
        excess_rest += over_rest
        if excess_rest >= OCTET_PARTS:
            excess_octets += 1
            excess_rest -= OCTET_PARTS
    if excess_octets >= constants.excess_octets:
        excess_octets = constants.excess_octets
        excess_rest = 0
    meter.excess_octets = excess_octets
    meter.excess_rest = excess_rest


@compiled
def fill_all_buckets(reception: Reception, now_ps: int) -> None:
    """Earn the tokens of all meters up to a time; they would earn the same later."""
    for meter_index in range(len(reception.tables.meters)):
        constants = reception.tables.meters[meter_index]
        fill_buckets(constants, reception.state.meters[meter_index], now_ps)


@inner
def passes_meter(
    state: State, reception: Reception, meter_index: int, frame: int, octets: int, now_ps: int
) -> bool:
    """Whether a flow meter lets a frame pass; it may be marked yellow on the way."""
    constants = reception.tables.meters[meter_index]
    meter = reception.state.meters[meter_index]
    fill_buckets(constants, meter, now_ps)
    if meter.blocked != 0:
        return False
    was_yellow = constants.colour_aware != 0 and state.frames[frame].yellow != 0
    if not was_yellow and octets <= meter.committed_octets:
        meter.committed_octets -= octets
        return True
    if octets <= meter.excess_octets:
        meter.excess_octets -= octets
        if constants.drop_yellow == 0:
            state.frames[frame].yellow = 1
            return True
    if constants.block_after_red != 0:
        meter.blocked = 1
    return False


@inner
def pass_gate(state: State, reception: Reception, gate_index: int, octets: int, now_ps: int) -> int:
    """The queue that a stream gate gives a frame (none for its own), or that it is dropped."""
    constants = reception.tables.gates[gate_index]
    gate = reception.state.gates[gate_index]
    if gate.closed != 0:
        return DROPPED
    shown_ps = now_ps
    if constants.clock != NONE:
        shown_ps = local_ps(state.clocks, constants.clock, now_ps)
    position_ps = (shown_ps - constants.base_ps) % constants.cycle_ps
    place = constants.first_entry
    while reception.tables.gate_entries[place].end_ps <= position_ps:
        place += 1
    entry = reception.tables.gate_entries[place]
    interval_ps = shown_ps - position_ps + entry.start_ps
    if gate.interval_ps != interval_ps:
        gate.interval_ps = interval_ps
        gate.passed_octets = 0
    if entry.is_open == 0:
        if constants.close_on_invalid != 0:
            gate.closed = 1
        return DROPPED
    if gate.passed_octets + octets > entry.largest_octets:
        if constants.close_on_excess != 0:
            gate.closed = 1
        return DROPPED
    gate.passed_octets += octets
    queue: int = entry.queue
    return queue


@inner
def police(
    state: State,
    reception: Reception,
    filter_index: int,
    frame: int,
    octets: int,
    now_ps: int,
) -> int:
    """The queue that a stream filter gives a frame (none for its own), or that it is dropped."""
    constants = reception.tables.filters[filter_index]
    stream_filter = reception.state.filters[filter_index]
    if stream_filter.blocked != 0:
        return DROPPED
    if octets > constants.largest_octets:
        if constants.block_oversize != 0:
            stream_filter.blocked = 1
        return DROPPED
    queue = NONE
    if constants.gate != NONE:
        queue = pass_gate(state, reception, constants.gate, octets, now_ps)
        if queue == DROPPED:
            return DROPPED
    if constants.meter != NONE and not passes_meter(
        state, reception, constants.meter, frame, octets, now_ps
    ):
        return DROPPED
    return queue

# SPDX-License-Identifier: Apache-2.0
"""Clocks that gPTP disciplines: what each shows, worked out some Sync intervals ahead.

Every node has an oscillator whose rate wanders; it measures the link to its parent and the
parent's rate by Pdelay, sets its clock at each Sync to the time that the message tells, and
goes on with its oscillator times the rate ratio to the grandmaster. A clock that is set back
stands still until its old time is reached again, so that it never shows a time twice.
Between its changes a clock is a straight line in integers: *segments*.

Source: IEEE Std 802.1AS-2020, 10.2 (rate ratio), 11.1.2 (propagation delay), 11.1.3 (transport
of time), 11.2.14 (correction by residence time).
"""

from __future__ import annotations

from emulator.simulation.compiled import compiled, inlined, merged
from emulator.simulation.layout import (
    NEVER_PS,
    NONE,
    RATE_BITS,
    ClockState,
    ClockTables,
    Record,
    Words,
)
from emulator.simulation.random_numbers import draw_up_to

_HALF_BITS = RATE_BITS // 2
_HALF_MASK = (1 << _HALF_BITS) - 1
_DIGIT_BITS = RATE_BITS // 4


@inlined
def gained_ps(time_ps: int, rate: int) -> int:
    """What a clock gains in a time at a rate, rounded down; exact in 64 bits for some hours."""
    high = time_ps >> _HALF_BITS
    low = time_ps & _HALF_MASK
    return (high * rate + ((low * rate) >> _HALF_BITS)) >> _HALF_BITS


@inlined
def rate_of(gained: int, time_ps: int) -> int:
    """The rate that gains so much in a time, rounded down; in digits that stay in 64 bits."""
    rate = 0
    for _ in range(RATE_BITS // _DIGIT_BITS):
        gained <<= _DIGIT_BITS
        digit = gained // time_ps
        rate = (rate << _DIGIT_BITS) + digit
        gained -= digit * time_ps
    return rate


@inlined
def horizon_ps(state: ClockState, clock: int) -> int:
    """Network time up to which a clock is worked out."""
    newest = state.clocks[clock].newest
    time_ps: int = state.segments[clock, newest & (state.segments.shape[1] - 1)].network_ps
    return time_ps


@compiled
def local_ps(state: ClockState, clock: int, network_time_ps: int) -> int:
    """What a clock shows at a time, which is not past and within its horizon."""
    mask = state.segments.shape[1] - 1
    place = state.clocks[clock].oldest
    newest = state.clocks[clock].newest
    while (
        place < newest and state.segments[clock, (place + 1) & mask].network_ps <= network_time_ps
    ):
        place += 1
    segment = state.segments[clock, place & mask]
    passed_ps = network_time_ps - segment.network_ps
    shown_ps: int = segment.local_ps + passed_ps + gained_ps(passed_ps, segment.rate)
    latest_ps: int = max(shown_ps, segment.floor_ps)
    return latest_ps


@compiled
def network_ps(state: ClockState, clock: int, local_time_ps: int) -> int:
    """First time at which a clock shows at least this; NEVER_PS when beyond its horizon."""
    mask = state.segments.shape[1] - 1
    place = state.clocks[clock].oldest
    newest = state.clocks[clock].newest
    while place < newest and state.segments[clock, (place + 1) & mask].floor_ps < local_time_ps:
        place += 1
    segment = state.segments[clock, place & mask]
    wanted_ps = local_time_ps - segment.local_ps
    if local_time_ps <= segment.floor_ps or wanted_ps <= 0:
        at_ps: int = segment.network_ps
        return at_ps
    if place == newest:
        return NEVER_PS
    # passed + gained(passed) >= wanted, for the least passed: near by iteration, then exactly.
    passed_ps = wanted_ps
    for _ in range(4):
        passed_ps = wanted_ps - gained_ps(passed_ps, segment.rate)
    while passed_ps + gained_ps(passed_ps, segment.rate) >= wanted_ps:
        passed_ps -= 1
    while passed_ps + gained_ps(passed_ps, segment.rate) < wanted_ps:
        passed_ps += 1
    return int(segment.network_ps + passed_ps)


@inlined
def draw_within(generators: Words, index: int, largest: int) -> int:
    """A number from ``-largest`` to ``largest``."""
    return draw_up_to(generators, index, 2 * largest) - largest


@merged
def wander(tables: ClockTables, state: ClockState, generators: Words, piece: int) -> None:
    """Let every oscillator run on for one more Sync interval, with a rate near the last one."""
    mask = state.oscillations.shape[1] - 1
    interval_ps = tables.domain[0].interval_ps
    for clock in range(len(tables.clocks)):
        constants = tables.clocks[clock]
        before = state.oscillations[clock, (piece - 1) & mask]
        now = state.oscillations[clock, piece & mask]
        deviation = before.deviation + draw_within(
            generators, constants.generator, constants.wander
        )
        now.deviation = min(max(deviation, -constants.drift), constants.drift)
        # The first clock is the grandmaster's; its time is the network's.
        master = state.oscillations[0, piece & mask].deviation
        apart = now.deviation - master
        now.rate = apart - ((apart * master) >> RATE_BITS)
        now.offset_ps = before.offset_ps + gained_ps(interval_ps, before.rate)


@inlined
def counter_ps(tables: ClockTables, state: ClockState, clock: int, at_ps: int) -> int:
    """What a node's free-running counter shows."""
    piece = at_ps // tables.domain[0].interval_ps
    running = state.oscillations[clock, piece & (state.oscillations.shape[1] - 1)]
    passed_ps = at_ps - piece * tables.domain[0].interval_ps
    shown_ps: int = at_ps + running.offset_ps + gained_ps(passed_ps, running.rate)
    return shown_ps


@merged
def exchange_pdelay(
    tables: ClockTables, state: ClockState, generators: Words, clock: int, at_ps: int
) -> None:
    """A node asks its parent, which answers after some time: link delay and rate of the parent.

    The signal's time on the link itself cancels out but for parts of 10**-4 of it, and is left away.
    """
    constants = tables.clocks[clock]
    parent = tables.clocks[constants.parent]
    known = state.clocks[clock]
    words = constants.generator
    answer_ps = at_ps + draw_up_to(generators, words, parent.residence_ps)
    own_first_ps = counter_ps(tables, state, clock, at_ps)
    own_first_ps += draw_within(generators, words, constants.timestamp_ps)
    parent_first_ps = counter_ps(tables, state, constants.parent, at_ps)
    parent_first_ps += draw_within(generators, words, parent.timestamp_ps)
    parent_last_ps = counter_ps(tables, state, constants.parent, answer_ps)
    parent_last_ps += draw_within(generators, words, parent.timestamp_ps)
    own_last_ps = counter_ps(tables, state, clock, answer_ps)
    own_last_ps += draw_within(generators, words, constants.timestamp_ps)
    if known.exchange > NONE:
        own_ps = own_last_ps - known.own_stamp_ps
        known.neighbour_rate = rate_of(parent_last_ps - known.parent_stamp_ps - own_ps, own_ps)
    own_turn_ps = own_last_ps - own_first_ps
    own_turn_ps += gained_ps(own_turn_ps, known.neighbour_rate)
    turn_ps = parent_last_ps - parent_first_ps
    known.link_error_ps = constants.asymmetry_ps + ((own_turn_ps - turn_ps) >> 1)
    known.parent_stamp_ps = parent_last_ps
    known.own_stamp_ps = own_last_ps
    known.exchange += 1


@inlined
def shown_at_ps(segment: Record, at_ps: int) -> int:
    """What a clock shows in the course of a segment, whatever it showed before."""
    passed_ps = at_ps - segment.network_ps
    shown_ps: int = segment.local_ps + passed_ps + gained_ps(passed_ps, segment.rate)
    return shown_ps


@inlined
def begin_segment(
    state: ClockState, clock: int, at_ps: int, local_time_ps: int, floor_ps: int, rate: int
) -> None:
    """Let a clock go on from a time at a rate."""
    known = state.clocks[clock]
    known.newest += 1
    mask = state.segments.shape[1] - 1
    if known.newest - known.oldest > mask:
        known.oldest += 1
    segment = state.segments[clock, known.newest & mask]
    segment.network_ps = at_ps
    segment.local_ps = local_time_ps
    segment.rate = rate
    segment.floor_ps = floor_ps


@inlined
def disciplined_rate(own: int, to_grandmaster: int) -> int:
    """Rate of an oscillator times the rate ratio, against the network's time."""
    return own + to_grandmaster + ((own * to_grandmaster) >> RATE_BITS)


@merged
def set_clock(tables: ClockTables, state: ClockState, clock: int, at_ps: int, rate: int) -> None:
    """Sync has come: the clock goes on until then as before, and is set to what Sync tells."""
    known = state.clocks[clock]
    mask = state.segments.shape[1] - 1
    turns = state.oscillations.shape[1] - 1
    interval_ps = tables.domain[0].interval_ps
    if known.newest > NONE:
        piece = state.segments[clock, known.newest & mask].network_ps // interval_ps + 1
        while piece * interval_ps <= at_ps:
            segment = state.segments[clock, known.newest & mask]
            change_ps = piece * interval_ps
            shown_ps = shown_at_ps(segment, change_ps)
            own = state.oscillations[clock, piece & turns].rate
            floor_ps = max(shown_ps, segment.floor_ps)
            running = disciplined_rate(own, known.rate)
            begin_segment(state, clock, change_ps, shown_ps, floor_ps, running)
            piece += 1
        segment = state.segments[clock, known.newest & mask]
        floor_ps = max(shown_at_ps(segment, at_ps), segment.floor_ps)
    else:
        floor_ps = -NEVER_PS
    known.rate = rate
    own = state.oscillations[clock, (at_ps // interval_ps) & turns].rate
    running = disciplined_rate(own, rate)
    begin_segment(state, clock, at_ps, at_ps + known.time_error_ps, floor_ps, running)


@merged
def send_sync(tables: ClockTables, state: ClockState, generators: Words, sync: int) -> None:
    """The grandmaster sends Sync; it travels to all nodes, parents before children."""
    domain = tables.domain[0]
    sent_ps = sync * domain.interval_ps
    state.clocks[0].arrival_ps = sent_ps
    for clock in range(1, len(tables.clocks)):
        constants = tables.clocks[clock]
        parent_constants = tables.clocks[constants.parent]
        parent = state.clocks[constants.parent]
        known = state.clocks[clock]
        words = constants.generator
        # What the message tells is wrong by this when it leaves the parent.
        error_ps = parent.time_error_ps
        error_ps += draw_within(generators, words, parent_constants.timestamp_ps)
        left_ps = parent.arrival_ps
        if constants.parent > 0:
            left_ps += draw_up_to(generators, words, parent_constants.residence_ps)
            left_ps = max(left_ps, known.arrival_ps + 1)  # messages of one port keep their order
            own_ps = counter_ps(tables, state, constants.parent, left_ps)
            own_ps -= counter_ps(tables, state, constants.parent, parent.arrival_ps)
            error_ps += own_ps + gained_ps(own_ps, parent.rate) - (left_ps - parent.arrival_ps)
        exchange_ps = (
            known.exchange + 1
        ) * domain.pdelay_ps + domain.first_sync * domain.interval_ps
        while exchange_ps + parent_constants.residence_ps <= left_ps:
            exchange_pdelay(tables, state, generators, clock, exchange_ps)
            exchange_ps += domain.pdelay_ps
        known.time_error_ps = error_ps + known.link_error_ps
        known.time_error_ps += draw_within(generators, words, constants.timestamp_ps)
        known.arrival_ps = left_ps
        set_clock(tables, state, clock, left_ps, parent.rate + known.neighbour_rate)


@compiled
def advance_clocks(tables: ClockTables, state: ClockState, generators: Words, sync: int) -> None:
    """Work the clocks out up to a Sync."""
    domain = state.domain[0]
    while domain.next_sync <= sync:
        # Messages may still be on their way some intervals after they were sent.
        while domain.next_piece <= domain.next_sync + tables.domain[0].travel_syncs:
            wander(tables, state, generators, domain.next_piece)
            domain.next_piece += 1
        send_sync(tables, state, generators, domain.next_sync)
        domain.next_sync += 1


@compiled
def note_clock_errors(state: ClockState, to_ps: int) -> None:
    """Keep the largest error of each clock up to a time, and forget what is past."""
    mask = state.segments.shape[1] - 1
    for clock in range(len(state.clocks)):
        known = state.clocks[clock]
        while True:
            segment = state.segments[clock, known.oldest & mask]
            begin_ps = max(segment.network_ps, state.domain[0].noted_ps)
            # A clock is a straight line from here to there, or stands still for a part of it.
            start_ps = max(shown_at_ps(segment, begin_ps), segment.floor_ps)
            error_ps = abs(start_ps - begin_ps)
            end_ps = to_ps
            is_past = known.oldest < known.newest
            if is_past:
                next_ps = state.segments[clock, (known.oldest + 1) & mask].network_ps
                is_past = next_ps <= to_ps
                end_ps = min(next_ps, to_ps)
            if end_ps >= begin_ps:
                shown_ps = max(shown_at_ps(segment, end_ps), segment.floor_ps)
                known.largest_error_ps = max(
                    known.largest_error_ps, error_ps, abs(shown_ps - end_ps)
                )
            if not is_past:
                break
            known.oldest += 1
    state.domain[0].noted_ps = to_ps

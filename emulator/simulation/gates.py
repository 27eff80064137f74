# SPDX-License-Identifier: Apache-2.0
"""When the gates of a port let a frame start, and for how long a gate has been open.

Nothing happens at an entry of a gate list: windows are looked up in the tables of
:mod:`emulator.simulation.gate_windows` when a frame needs one, so a port without traffic costs
nothing. Times are those of the network; the clock of the port's node stands between.
"""

from __future__ import annotations

from emulator.simulation.clocks import horizon_ps, local_ps, network_ps
from emulator.simulation.compiled import compiled
from emulator.simulation.layout import (
    NEVER_PS,
    NONE,
    ClockState,
    PortState,
    PortTables,
)

LOOKS = 256
"""Windows that are looked at before something else may happen; the search goes on later."""


@compiled
def find_window(
    tables: PortTables, zone_index: int, last_zone: int, which: int, at_ps: int
) -> tuple[int, int, int]:
    """First window of a slice that ends after a time: opening, stop and closing on the clock.

    NEVER_PS when there is none.
    """
    while True:
        zone = tables.zones[zone_index]
        found = tables.slices[zone.first_slice + which]
        if found.first < found.end:
            start_ps = zone.base_ps + (at_ps - zone.base_ps) // zone.cycle_ps * zone.cycle_ps
            offset_ps = at_ps - start_ps
            low = found.first
            high = found.end
            while low < high:
                middle = (low + high) >> 1
                if tables.windows[middle].stop_ps > offset_ps:
                    high = middle
                else:
                    low = middle + 1
            if low == found.end:
                low = found.first
                start_ps += zone.cycle_ps
            if start_ps < zone.end_ps:
                window = tables.windows[low]
                return (
                    start_ps + window.open_ps,
                    start_ps + window.stop_ps,
                    start_ps + window.close_ps,
                )
        if zone_index == last_zone:
            return NEVER_PS, NEVER_PS, NEVER_PS
        at_ps = zone.end_ps
        zone_index += 1


@compiled
def look_up(
    tables: PortTables,
    state: PortState,
    clocks: ClockState,
    port_index: int,
    which: int,
    at_ps: int,
) -> tuple[int, int, int]:
    """:func:`find_window` on the network's time.

    What lies beyond the part of the clocks that is worked out opens at the end of
    that part, to be looked up again then, and does not stop or close.
    """
    constants = tables.ports[port_index]
    clock = constants.clock
    clock_ps = at_ps
    if clock != NONE:
        if at_ps >= horizon_ps(clocks, clock):
            return at_ps, NEVER_PS, NEVER_PS
        clock_ps = local_ps(clocks, clock, at_ps)
    port = state.ports[port_index]
    zone_index = port.zone
    while clock_ps >= tables.zones[zone_index].end_ps:
        zone_index += 1
    while clock_ps < tables.zones[zone_index].begin_ps:
        zone_index -= 1
    port.zone = zone_index
    open_ps, stop_ps, close_ps = find_window(
        tables, zone_index, constants.last_zone, which, clock_ps
    )
    if clock != NONE and open_ps != NEVER_PS:
        open_ps = network_ps(clocks, clock, open_ps)
        if open_ps == NEVER_PS:
            return horizon_ps(clocks, clock), NEVER_PS, NEVER_PS
        stop_ps = network_ps(clocks, clock, stop_ps)
        close_ps = network_ps(clocks, clock, close_ps)
    return open_ps, stop_ps, close_ps


@compiled
def start_through_gate_ps(
    tables: PortTables,
    state: PortState,
    clocks: ClockState,
    port_index: int,
    queue: int,
    at_ps: int,
    need_ps: int,
) -> int:
    """Earliest start, from a time on, of a frame that takes ``need_ps`` to leave.

    A result later than ``at_ps`` may be too early, never too late: it is to be asked again
    then. NEVER_PS when the frame fits into no window.
    """
    constants = tables.ports[port_index]
    if constants.first_zone > constants.last_zone:
        return at_ps
    last = state.queues[constants.first_queue + queue]
    if last.looked_ps <= at_ps < last.stop_ps:
        start_ps: int = max(at_ps, last.open_ps)
        if start_ps + need_ps <= last.close_ps:
            return start_ps
        at_ps = last.stop_ps
    for _ in range(LOOKS):
        open_ps, stop_ps, close_ps = look_up(tables, state, clocks, port_index, queue, at_ps)
        if open_ps == NEVER_PS:
            return NEVER_PS
        if max(stop_ps, close_ps) < NEVER_PS:
            last.looked_ps = at_ps
            last.open_ps = open_ps
            last.stop_ps = stop_ps
            last.close_ps = close_ps
        start_ps = max(at_ps, open_ps)
        if start_ps + need_ps <= close_ps:
            return start_ps
        if state.ports[port_index].zone == constants.last_zone:
            final = tables.slices[tables.zones[constants.last_zone].first_slice + queue]
            if need_ps > final.longest_ps:
                return NEVER_PS
        at_ps = stop_ps
    return at_ps


@compiled
def open_time_ps(
    tables: PortTables,
    state: PortState,
    clocks: ClockState,
    port_index: int,
    queue: int,
    from_ps: int,
    to_ps: int,
    enough_ps: int,
) -> int:
    """For how long a queue's gate is open between two times, as far as that matters."""
    constants = tables.ports[port_index]
    if constants.first_zone > constants.last_zone:
        return to_ps - from_ps
    total_ps = 0
    at_ps = from_ps
    while at_ps < to_ps and total_ps < enough_ps:
        open_ps, stop_ps, _ = look_up(
            tables, state, clocks, port_index, constants.queue_count + queue, at_ps
        )
        if open_ps >= to_ps:
            break
        total_ps += min(stop_ps, to_ps) - max(open_ps, at_ps)
        at_ps = stop_ps
    return total_ps


@compiled
def open_long_enough_ps(
    tables: PortTables,
    state: PortState,
    clocks: ClockState,
    port_index: int,
    queue: int,
    from_ps: int,
    amount_ps: int,
) -> int:
    """When a queue's gate will have been open for so long; maybe too early, never too late."""
    constants = tables.ports[port_index]
    if constants.first_zone > constants.last_zone:
        return from_ps + amount_ps
    at_ps = from_ps
    for _ in range(LOOKS):
        open_ps, stop_ps, _ = look_up(
            tables, state, clocks, port_index, constants.queue_count + queue, at_ps
        )
        if open_ps == NEVER_PS:
            return NEVER_PS
        start_ps = max(open_ps, at_ps)
        if amount_ps <= stop_ps - start_ps:
            return start_ps + amount_ps
        amount_ps -= stop_ps - start_ps
        at_ps = stop_ps
    return at_ps


@compiled
def released_ps(
    tables: PortTables, state: PortState, clocks: ClockState, port_index: int, at_ps: int
) -> int:
    """Earliest time, from a time on, at which preemptable frames are not held."""
    constants = tables.ports[port_index]
    if constants.has_holds == 0:
        return at_ps
    open_ps, _, _ = look_up(tables, state, clocks, port_index, 2 * constants.queue_count, at_ps)
    return max(at_ps, open_ps)


@compiled
def held_ps(
    tables: PortTables,
    state: PortState,
    clocks: ClockState,
    port_index: int,
    at_ps: int,
    until_ps: int,
) -> int:
    """Earliest time, from a time on, at which preemptable frames are held; ``until_ps`` if later."""
    constants = tables.ports[port_index]
    if constants.has_holds == 0:
        return until_ps
    while at_ps < until_ps:
        open_ps, stop_ps, _ = look_up(
            tables, state, clocks, port_index, 2 * constants.queue_count, at_ps
        )
        if open_ps > at_ps:
            return at_ps
        at_ps = stop_ps
    return until_ps

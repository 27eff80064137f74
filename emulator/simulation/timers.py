# SPDX-License-Identifier: Apache-2.0
"""When each port with rules is to be looked at next: a tree of winners in one array.

Unlike the event heap, a time here may be changed either way at any moment, which gates and
preemption need: a new frame may start before the one that the port waits for.
"""

from __future__ import annotations

from emulator.simulation.compiled import inlined
from emulator.simulation.layout import NEVER_PS, TIMER, Records, empty_records


def no_timers(port_count: int) -> Records:
    """A tree for so many ports, none of which waits; the earliest is at place 1."""
    leaves = 1
    while leaves < port_count:
        leaves *= 2
    timers = empty_records(2 * leaves, TIMER)
    timers["time_ps"] = NEVER_PS
    for place in range(2 * leaves - 1, 0, -1):
        timers[place]["port"] = place - leaves if place >= leaves else timers[2 * place]["port"]
    return timers


@inlined
def timer_ps(timers: Records, port: int) -> int:
    """When a port is to be looked at."""
    time_ps: int = timers[(len(timers) >> 1) + port].time_ps
    return time_ps


@inlined
def set_timer(timers: Records, port: int, time_ps: int) -> None:
    """Look at a port at this time instead; of equal times the lower port wins."""
    place = (len(timers) >> 1) + port
    timers[place].time_ps = time_ps
    while place > 1:
        place >>= 1
        winner = 2 * place
        if timers[winner + 1].time_ps < timers[winner].time_ps:
            winner += 1
        if (
            timers[place].time_ps == timers[winner].time_ps
            and timers[place].port == timers[winner].port
        ):
            break
        timers[place].time_ps = timers[winner].time_ps
        timers[place].port = timers[winner].port

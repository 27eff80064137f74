# SPDX-License-Identifier: Apache-2.0
"""Turns the clocks of a plan into the constant arrays of the kernel, and reads back their errors.

Nodes that gPTP does not reach, and the grandmaster, have no clock here: they keep the
network's time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emulator.simulation.clocks import note_clock_errors
from emulator.simulation.layout import (
    CLOCK,
    CLOCK_STATE,
    DOMAIN,
    DOMAIN_STATE,
    NONE,
    OSCILLATION,
    RATE_BITS,
    SEGMENT,
    ClockState,
    ClockTables,
    empty_records,
    set_record,
)
from emulator.simulation.random_numbers import draw_once
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import NodeClock, Synchronisation
from netplan.verdict.evidence import ClockObservation

_AHEAD_SYNCS = 4
"""Sync intervals that are always worked out in advance, beside those that messages take."""
_SETTLING_PDELAYS = 3
"""Link measurements before time 0, after which every clock is in its steady state."""


def clock_indices(plan: Plan) -> dict[str, int]:
    """Index of each node's clock; nodes without one keep the network's time."""
    clocks = () if plan.synchronisation is None else plan.synchronisation.clocks
    return {clock.node: index for index, clock in enumerate(clocks) if clock.parent}


def _rate(ppb: int) -> int:
    """A deviation in the kernel's units, rounded down."""
    return (ppb << RATE_BITS) // 10**9


def _travel_ps(one: Synchronisation) -> int:
    """Longest time that Sync takes from the grandmaster to a node."""
    travel_ps: dict[str, int] = {}
    residence_ps = {clock.node: clock.residence_ps for clock in one.clocks}
    for clock in one.clocks:
        travel_ps[clock.node] = 0
        if clock.parent not in {"", one.grandmaster}:
            travel_ps[clock.node] = travel_ps[clock.parent] + residence_ps[clock.parent]
    return max(travel_ps.values())


def build_clocks(
    plan: Plan, seed: int, longest_ps: int, generator: Callable[[str, str], int]
) -> tuple[ClockTables, ClockState]:
    """Constants and state of all clocks, before the first Sync.

    Args:
        plan: Has been checked.
        seed: Of all draws.
        longest_ps: No frame occupies a wire for longer; the clocks are known further ahead.
        generator: Index of a generator for a purpose and a name.
    """
    one = plan.synchronisation
    if one is None:
        return (
            ClockTables(domain=empty_records(0, DOMAIN), clocks=empty_records(0, CLOCK)),
            ClockState(
                domain=empty_records(0, DOMAIN_STATE),
                clocks=empty_records(0, CLOCK_STATE),
                segments=empty_records((0, 1), SEGMENT),
                oscillations=empty_records((0, 1), OSCILLATION),
            ),
        )
    interval_ps, pdelay_ps = one.interval_ps, one.pdelay_interval_ps
    travel_syncs = _travel_ps(one) // interval_ps + 2
    ahead_syncs = _AHEAD_SYNCS + travel_syncs + 2 * longest_ps // interval_ps
    settling_syncs = _SETTLING_PDELAYS * pdelay_ps // interval_ps + travel_syncs + 2
    domain = empty_records(1, DOMAIN)
    set_record(
        domain[0],
        interval_ps=interval_ps,
        pdelay_ps=pdelay_ps,
        first_sync=-settling_syncs,
        travel_syncs=travel_syncs,
        ahead_syncs=ahead_syncs,
    )
    clocks = empty_records(len(one.clocks), CLOCK)
    index_of = {clock.node: index for index, clock in enumerate(one.clocks)}
    for clock, record in zip(one.clocks, clocks, strict=True):
        set_record(
            record,
            parent=index_of.get(clock.parent, NONE),
            drift=_rate(clock.drift_ppb),
            wander=_rate(clock.wander_ppb),
            timestamp_ps=clock.timestamp_ps,
            asymmetry_ps=_drawn_within(seed, "asymmetry", clock, clock.asymmetry_ps),
            residence_ps=clock.residence_ps,
            generator=generator("clock", clock.node),
        )
    # A Sync interval has at most two segments: a clock changes when its Sync comes, and with the
    # rates of the oscillators.
    segments = empty_records((len(clocks), _power_of_two(3 * (ahead_syncs + 4))), SEGMENT)
    pieces = _power_of_two(travel_syncs + pdelay_ps // interval_ps + 8)
    oscillations = empty_records((len(clocks), pieces), OSCILLATION)
    state = empty_records(len(clocks), CLOCK_STATE)
    for name in ("exchange", "newest"):
        state[name] = NONE
    state["arrival_ps"] = -settling_syncs * interval_ps - 1
    before = (-settling_syncs - 1) % pieces
    for index, clock in enumerate(one.clocks):
        deviation = _rate(_drawn_within(seed, "drift", clock, clock.drift_ppb))
        oscillations[index, before]["deviation"] = deviation
    domain_state = empty_records(1, DOMAIN_STATE)
    domain_state["next_sync"] = -settling_syncs
    domain_state["next_piece"] = -settling_syncs
    return (
        ClockTables(domain=domain, clocks=clocks),
        ClockState(domain=domain_state, clocks=state, segments=segments, oscillations=oscillations),
    )


def _drawn_within(seed: int, purpose: str, clock: NodeClock, largest: int) -> int:
    return draw_once(seed, purpose, clock.node, 2 * largest + 1) - largest


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def clock_observations(
    plan: Plan, state: ClockState, reached_ps: int
) -> tuple[ClockObservation, ...]:
    """The largest error that each node's clock had up to a time."""
    if plan.synchronisation is None:
        return ()
    note_clock_errors(state, reached_ps)
    errors_ps = np.asarray(state.clocks["largest_error_ps"])
    return tuple(
        ClockObservation(node=clock.node, largest_error_ps=int(error_ps))
        for clock, error_ps in zip(plan.synchronisation.clocks, errors_ps, strict=True)
    )

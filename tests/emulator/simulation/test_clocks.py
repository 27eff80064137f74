# SPDX-License-Identifier: Apache-2.0
"""Clocks that gPTP disciplines: never backwards, within what the parameters allow, and used."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.simulation.clock_tables import build_clocks
from emulator.simulation.clocks import advance_clocks, horizon_ps, local_ps, network_ps
from emulator.simulation.layout import NEVER_PS, ClockState, ClockTables, Words
from emulator.simulation.run import simulate
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import (
    GateEntry,
    GateList,
    NodeClock,
    PortRules,
    QueueRule,
    Reception,
    StreamFilter,
    StreamGate,
    StreamGateEntry,
    Synchronisation,
)
from support.small_plans import NS, US, PlanBuilder, Step

MS = 1000 * US
SECOND = 1000 * MS
INTERVAL_PS = 125 * MS


def clock(node: str, parent: str, **values: int) -> NodeClock:
    """A clock without any error, but for what is given."""
    known: dict[str, Any] = {
        "error_ps": 0,
        "drift_ppb": 0,
        "wander_ppb": 0,
        "timestamp_ps": 0,
        "asymmetry_ps": 0,
        "residence_ps": 0,
    }
    return NodeClock(node=node, parent=parent, **{**known, **values})


def chain(count: int, interval_ps: int = INTERVAL_PS, **values: int) -> Synchronisation:
    """Nodes n0 (the grandmaster), n1 and so on, one behind the other."""
    return Synchronisation(
        grandmaster="n0",
        interval_ps=interval_ps,
        clocks=tuple(
            clock(f"n{number}", f"n{number - 1}" if number else "", **values)
            for number in range(count)
        ),
    )


def plan_with(synchronisation: Synchronisation | None, rules: PortRules | None = None) -> Plan:
    """The last node of a chain sends a frame each millisecond; n1 sends it on."""
    builder = PlanBuilder()
    builder.wire("n2.p").wire("n1.p", rules=rules)
    builder.stream("s", [("n2.p", "n1"), ("n1.p", "l")], phase_ps=300 * US)
    builder.synchronisation = synchronisation
    return builder.plan()


TYPICAL = {
    "drift_ppb": 50_000,
    "wander_ppb": 100,
    "timestamp_ps": 8 * NS,
    "asymmetry_ps": 5 * NS,
    "residence_ps": 1 * MS,
}


def worked_out(
    synchronisation: Synchronisation, seed: int, until_ps: int
) -> tuple[ClockTables, ClockState, Words]:
    """Clocks from before 0, and as far as the ring of their segments allows."""
    import numpy as np  # noqa: PLC0415 - only here

    count = itertools.count()
    tables, state = build_clocks(
        plan_with(synchronisation), seed, 0, lambda _purpose, _name: next(count)
    )
    words = np.arange(seed + 1, seed + 1 + len(tables.clocks), dtype=np.uint64)
    advance_clocks(tables, state, words, until_ps // synchronisation.interval_ps)
    return tables, state, words


def test_a_perfect_world_changes_nothing() -> None:
    ideal = simulate(plan_with(None), seed=1, duration_ps=SECOND)
    disciplined = simulate(plan_with(chain(3)), seed=1, duration_ps=SECOND)
    assert disciplined.streams == ideal.streams
    assert disciplined.trace_hash == ideal.trace_hash
    assert [one.largest_error_ps for one in disciplined.clocks] == [0, 0, 0]
    assert ideal.clocks == ()


def test_asymmetry_alone_is_a_constant_error() -> None:
    one = chain(3)
    clocks = (one.clocks[0], replace(one.clocks[1], asymmetry_ps=40 * NS), one.clocks[2])
    evidence = simulate(plan_with(replace(one, clocks=clocks)), seed=3, duration_ps=SECOND)
    _, first, second = (clock.largest_error_ps for clock in evidence.clocks)
    # n2 hears from n1 and is wrong by the same.
    assert 0 < first <= 40 * NS
    assert first == second


def test_talker_with_a_phase_runs_on_its_clock() -> None:
    one = chain(3)
    clocks = (*one.clocks[:2], replace(one.clocks[2], asymmetry_ps=40 * NS))
    evidence = simulate(plan_with(replace(one, clocks=clocks)), seed=3, duration_ps=SECOND)
    released_ps = evidence.streams[0].worst_released_ps
    assert released_ps is not None
    assert abs(released_ps - 300 * US) == evidence.clocks[2].largest_error_ps > 0
    assert evidence.streams[0].frames == 1000


def test_gates_run_on_their_clock() -> None:
    one = chain(3)
    clocks = (one.clocks[0], replace(one.clocks[1], asymmetry_ps=40 * NS), one.clocks[2])
    clocks = (*clocks[:2], replace(clocks[2], parent="n0"))
    gate = GateList(
        base_ps=400 * US,
        cycle_ps=1000 * US,
        entries=(
            GateEntry(duration_ps=100 * US, open_queues=0xFF),
            GateEntry(duration_ps=900 * US, open_queues=0),
        ),
    )
    rules = PortRules(queues=(QueueRule(),) * 8, gates=(gate,))
    plan = plan_with(replace(one, clocks=clocks), rules)
    evidence = simulate(plan, seed=3, duration_ps=SECOND)
    started_ps = evidence.streams[0].worst[1].started_ps
    assert abs(started_ps % (1000 * US) - 400 * US) == evidence.clocks[1].largest_error_ps > 0


def test_equal_seeds_give_equal_clocks_and_others_do_not() -> None:
    plan = plan_with(chain(3, **TYPICAL))
    first, again, other = (simulate(plan, seed=seed, duration_ps=3 * SECOND) for seed in (1, 1, 2))
    assert first == again
    assert first.clocks != other.clocks


def allowed_ps(one: Synchronisation, hops: int) -> int:
    """What a clock may be wrong by, hop by hop, generously rounded.

    A neighbour rate ratio is wrong by four timestamps in a measurement and by what both
    oscillators have changed since its begin: the wander of each Sync interval in two
    measurements and some intervals more. Each hop adds two timestamps of Sync and half of four of
    Pdelay, the asymmetry, and the rate error over residence and turnaround; the rate error
    lasts for an interval and the way of Sync.
    """
    node = one.clocks[1]
    intervals = 2 * one.pdelay_interval_ps // one.interval_ps + 3 + hops
    hop_rate = 4 * node.timestamp_ps / one.pdelay_interval_ps
    hop_rate += 2 * intervals * node.wander_ppb * 1e-9
    error_ps = 0.0
    for hop in range(1, hops + 1):
        error_ps += 4 * node.timestamp_ps + node.asymmetry_ps + 4
        error_ps += hop * hop_rate * 2 * node.residence_ps
        # Sums of deviations stand for products of ratios.
        error_ps += (hop * 2 * node.drift_ppb * 1e-9) ** 2 * node.residence_ps
    growth_ps = one.interval_ps + hops * node.residence_ps
    second_order = (hops * 2 * node.drift_ppb * 1e-9) ** 2
    return int((error_ps + (hops * hop_rate + second_order) * growth_ps) * 1.001) + 10


@pytest.mark.parametrize("seed", range(4))
def test_errors_stay_within_what_the_parameters_allow(seed: int) -> None:
    one = chain(8, **TYPICAL)
    evidence = simulate(plan_with(one), seed=seed, duration_ps=60 * SECOND)
    for hops, seen in enumerate(evidence.clocks):
        assert seen.largest_error_ps <= allowed_ps(one, hops)
    # The bound is no empty one: some clock comes near a tenth of it.
    assert any(
        seen.largest_error_ps > allowed_ps(one, hops) / 10
        for hops, seen in enumerate(evidence.clocks[1:], start=1)
    )


@settings(max_examples=25)
@given(
    seed=st.integers(0, 100),
    drift_ppb=st.sampled_from([0, 1000, 100_000]),
    timestamp_ps=st.sampled_from([0, 8 * NS, 10 * US]),
    residence_ps=st.sampled_from([0, 10 * MS, 200 * MS]),
    offsets=st.lists(st.integers(0, 10**6), min_size=2, max_size=20),
)
def test_clocks_never_run_backwards(
    seed: int, drift_ppb: int, timestamp_ps: int, residence_ps: int, offsets: list[int]
) -> None:
    one = chain(
        4,
        drift_ppb=drift_ppb,
        wander_ppb=drift_ppb // 10,
        timestamp_ps=timestamp_ps,
        asymmetry_ps=timestamp_ps,
        residence_ps=residence_ps,
    )
    _, state, _ = worked_out(one, seed, 4 * INTERVAL_PS)
    for index in (1, 3):
        oldest = state.clocks[index]["oldest"] % state.segments.shape[1]
        begin_ps = int(state.segments[index, oldest]["network_ps"])
        length_ps = int(horizon_ps(state, index)) - begin_ps
        times_ps = sorted(begin_ps + offset * length_ps // 10**6 for offset in offsets)
        shown_ps = [int(local_ps(state, index, time_ps)) for time_ps in times_ps]
        assert shown_ps == sorted(shown_ps)
        for time_ps, shown in zip(times_ps, shown_ps, strict=True):
            # The first time at which the clock shows this, and nothing less before.
            found_ps = int(network_ps(state, index, shown))
            assert found_ps <= time_ps
            assert int(local_ps(state, index, max(found_ps, begin_ps))) >= shown
            if found_ps > begin_ps:
                assert int(local_ps(state, index, found_ps - 1)) < shown
        assert int(network_ps(state, index, shown_ps[-1] + 2 * length_ps)) == NEVER_PS


def test_a_period_longer_than_what_is_worked_out_is_kept() -> None:
    builder = PlanBuilder().wire("n1.p")
    builder.stream("s", [Step(egress="n1.p", to="l")], period_ps=7 * SECOND, phase_ps=5 * SECOND)
    builder.synchronisation = chain(2, asymmetry_ps=40 * NS)
    row = simulate(builder.plan(), seed=3, duration_ps=20 * SECOND).streams[0]
    assert row.frames == 3
    assert row.min_gap_ps == row.max_gap_ps == 7 * SECOND


def gate_passes(synchronisation: Synchronisation, early_ps: int) -> bool:
    """Whether a frame passes a stream gate of n1 when it arrives so long before it opens."""
    received_ps = US + (8 + 100) * 8 * NS + 50 * NS
    stream_gate = StreamGate(
        name="g",
        base_ps=received_ps + early_ps,
        cycle_ps=100 * US,
        entries=(
            StreamGateEntry(duration_ps=10 * US, is_open=True),
            StreamGateEntry(duration_ps=90 * US, is_open=False),
        ),
    )
    police = Reception(filter=StreamFilter(name="f", gate=stream_gate))
    builder = PlanBuilder().wire("n0.p").wire("n1.p")
    builder.stream(
        "s", [Step(egress="n0.p", to="n1", reception=police), ("n1.p", "l")], phase_ps=US
    )
    builder.synchronisation = synchronisation
    evidence = simulate(builder.plan(), seed=3, duration_ps=500 * US)
    return evidence.streams[0].frames == 1


def test_a_stream_gate_runs_on_the_clock_of_its_node() -> None:
    # The talker is the grandmaster. The clock of n1 is wrong by a constant: a gate of a clock
    # that is ahead opens by so much too early, of one that is behind so much too late.
    one = chain(2)
    wrong = replace(one, clocks=(one.clocks[0], replace(one.clocks[1], asymmetry_ps=40 * NS)))
    evidence = simulate(plan_with(wrong), seed=3, duration_ps=SECOND)
    error_ps = evidence.clocks[1].largest_error_ps
    assert error_ps > 0
    if not gate_passes(wrong, error_ps):
        error_ps = -error_ps
    assert gate_passes(wrong, error_ps)
    assert not gate_passes(wrong, error_ps + 1)
    assert gate_passes(one, 0)
    assert not gate_passes(one, 1)

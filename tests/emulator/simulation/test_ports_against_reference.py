# SPDX-License-Identifier: Apache-2.0
"""Ports with rules against the plain simulator of ``support.reference_ports``: all mechanisms mixed.

Everything that a run tells has to agree to the picosecond: every delivery in its order, every
loss, every backlog, the time that each wire is occupied.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from emulator.simulation import engine, repeat
from emulator.simulation.run import simulate, simulate_in_slices
from emulator.simulation.tables import build_model
from netplan.media.interface import TermKind
from netplan.plan.model import Egress, Hop, Plan, PlannedStream
from netplan.tsn.mechanisms import (
    AtsScheduler,
    GateEntry,
    GateList,
    GateOperation,
    PortRules,
    QueueRule,
    Reception,
    Selection,
)
from support.agreement import check_listeners
from support.reference_ports import Reference
from support.small_plans import GBIT, NS, US, PlanBuilder, Step, term

DURATION_PS = 100 * US
QUEUES = 4
RATES_BPS = [GBIT, GBIT, GBIT // 2, 3 * GBIT]
"""At 3 Gbit/s no octet ends on a whole picosecond."""
SIZES = [64, 100, 123, 124, 200, 300]
STEPS_PS = [0, 480 * NS, 960 * NS, 1 * US, 1234]


@st.composite
def gate_lists(draw: st.DrawFn, preempts: bool) -> tuple[GateList, ...]:
    """None, one, or some that follow each other at run time."""
    bases_ps = sorted(
        draw(
            st.sets(
                st.sampled_from([-70 * US, -7 * US, 0, 13 * US, 40 * US + 7, 61 * US]), max_size=3
            )
        )
    )
    operations = list(GateOperation) if preempts else [GateOperation.SET]
    return tuple(
        GateList(
            base_ps=base_ps,
            cycle_ps=draw(st.sampled_from([4 * US, 10 * US, 12 * US + 345])),
            entries=tuple(
                GateEntry(
                    duration_ps=draw(
                        st.sampled_from([500 * NS, 1 * US, 2 * US, 3 * US, 5 * US + 77])
                    ),
                    open_queues=draw(st.sampled_from([0, 15, 15, *range(1, 15)])),
                    operation=draw(st.sampled_from(operations)),
                )
                for _ in range(draw(st.integers(1, 5)))
            ),
            extension_ps=draw(st.sampled_from([0, 0, 1 * US, 9 * US])),
        )
        for base_ps in bases_ps
    )


@st.composite
def port_rules(draw: st.DrawFn, line_bps: int) -> PortRules | None:
    """Any combination of mechanisms."""
    if draw(st.integers(0, 6)) == 0:
        return None
    fragment_octets = draw(st.sampled_from([None, 64, 64, 128]))
    first_round = draw(st.integers(0, QUEUES))
    end_round = draw(st.integers(first_round, QUEUES))
    queues: list[QueueRule] = []
    for queue in range(QUEUES):
        selection = draw(
            st.sampled_from([Selection.STRICT, Selection.CREDIT, Selection.ASYNCHRONOUS])
        )
        if first_round <= queue < end_round:
            selection = Selection.ROUND_ROBIN
        queues.append(
            QueueRule(
                selection=selection,
                idle_slope_bps=(
                    line_bps * draw(st.sampled_from([1, 3, 7])) // 13
                    if selection is Selection.CREDIT
                    else 0
                ),
                quantum_octets=(
                    draw(st.sampled_from([1, 70, 150, 500]))
                    if selection is Selection.ROUND_ROBIN
                    else 0
                ),
                largest_frame_octets=draw(st.sampled_from([None, None, None, 200])),
                express=draw(st.booleans()) or fragment_octets is None,
            )
        )
    return PortRules(
        queues=tuple(queues),
        gates=draw(gate_lists(fragment_octets is not None)),
        fragment_octets=fragment_octets,
        hold_advance_ps=draw(st.sampled_from([0, 0, 700 * NS, 3 * US])),
    )


@st.composite
def routes(draw: st.DrawFn, talker: str, nodes: list[str]) -> list[Step]:
    """A tree that visits no node twice."""
    reached = {talker: -1}
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, len(nodes) - 1))):
        start = draw(st.sampled_from(sorted(reached)))
        target = draw(st.sampled_from([node for node in nodes if node not in reached]))
        steps.append(
            Step(
                egress=f"{start}.{target}",
                to=target,
                parent=reached[start],
                queue=draw(st.integers(0, QUEUES - 1)),
            )
        )
        reached[target] = len(steps) - 1
    return steps


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Up to eight streams over three nodes, each connected to each other by its own transmitter."""
    nodes = ["n0", "n1", "n2"]
    builder = PlanBuilder()
    line_bps = draw(st.sampled_from(RATES_BPS))
    for start, target in itertools.permutations(nodes, 2):
        builder.wire(
            f"{start}.{target}",
            line_bps=line_bps,
            queue_count=QUEUES,
            buffer_octets=draw(st.sampled_from([None, None, 250, 700])),
            rules=draw(port_rules(line_bps)),
        )
    for number in range(draw(st.integers(1, 8))):
        talker = draw(st.sampled_from(["n0", *nodes]))
        builder.stream(
            f"s{number}",
            draw(routes(talker, nodes)),
            messages=tuple(
                tuple(draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=3)))
                for _ in range(draw(st.integers(1, 2)))
            ),
            period_ps=draw(st.sampled_from([5 * US, 9600 * NS, 10 * US, 33 * US])),
            phase_ps=draw(st.sampled_from([0, 0, 960 * NS, 1_234_567])),
        )
    schedulers = [draw(ats_schedulers(number)) for number in range(2)]
    plan = builder.plan()
    streams = tuple(draw(varied(plan, stream, schedulers)) for stream in plan.streams)
    return replace(plan, streams=streams)


@st.composite
def ats_schedulers(draw: st.DrawFn, number: int) -> AtsScheduler:
    return AtsScheduler(
        name=f"scheduler{number}",
        group=draw(st.sampled_from(["a", "b"])),
        committed_bps=draw(st.sampled_from([GBIT // 7, GBIT // 20])),
        committed_burst_octets=draw(st.sampled_from([84, 321, 700])),
        max_residence_ps=draw(st.sampled_from([1 * US, 20 * US, 500 * US])),
    )


@st.composite
def varied(
    draw: st.DrawFn, plan: Plan, stream: PlannedStream, schedulers: list[AtsScheduler]
) -> PlannedStream:
    """The same stream with delays, schedulers and cut-through of its own at every hop."""
    hops: list[Hop] = []
    for position, hop in enumerate(stream.hops):
        kind = draw(st.sampled_from(["plain", "plain", "scheduler"]))
        cut_octets = draw(st.sampled_from([None, None, 14, 64, 200]))
        if hop.parent_index < 0 or not may_cut_through(plan, hops[hop.parent_index]):
            cut_octets = None
        scheduler = draw(st.sampled_from(schedulers)) if kind == "scheduler" else None
        if any(one.cut_through_octets is not None and one.parent_index == position for one in hops):
            scheduler = None
        hops.append(
            replace(
                hop,
                before=(term(TermKind.PROCESSING, draw(st.sampled_from(STEPS_PS))),),
                after=(term(TermKind.PROPAGATION, draw(st.sampled_from(STEPS_PS))),),
                reception=Reception(scheduler=scheduler) if scheduler else None,
                cut_through_octets=cut_octets,
            )
        )
    listener_hops = stream.listener_hops
    if draw(st.booleans()):  # every node on the way listens too
        listener_hops = tuple(range(len(hops)))
    return replace(
        stream,
        hops=tuple(hops),
        listener_hops=listener_hops,
        listeners=tuple(hops[position].to_node for position in listener_hops),
    )


def may_cut_through(plan: Plan, before: Hop) -> bool:
    """Whether what comes over a hop may be sent on before it is there: never interrupted or shaped."""
    rules = plan.egresses[before.egress_index].rules
    is_express = (
        rules is None or rules.fragment_octets is None or rules.queues[before.queue_index].express
    )
    return is_express and before.reception is None


@settings(max_examples=150)
@given(plan=plans())
def test_agrees_with_the_reference_to_the_picosecond(plan: Plan) -> None:
    reference = Reference(plan, DURATION_PS)
    reference.run()
    evidence = simulate(plan, seed=5, duration_ps=DURATION_PS)
    event(f"interrupted some: {reference.interruptions > 0}")
    event(f"lost some: {any(reference.lost.values())}")

    check_listeners(plan, evidence, reference.delivered, reference.lost)
    for egress, port in zip(evidence.egresses, reference.ports, strict=True):
        note(f"transmitter {port.egress.name}")
        assert egress.frames == port.sent
        assert egress.dropped == port.dropped
        assert egress.max_backlog_octets == port.most_octets
        assert egress.queue_backlog_octets == tuple(queue.most_octets for queue in port.queues)
        occupied_ps = sum(min(end_ps, DURATION_PS) - begin_ps for begin_ps, end_ps in port.occupied)
        assert egress.busy_ratio == occupied_ps / DURATION_PS
    assert evidence.frame_hops == reference.frame_hops
    # Every delivery of the run, in the order in which they happened.
    assert evidence.trace_hash == f"{reference.trace:016x}"


@settings(max_examples=15)
@given(plan=plans(), slice_events=st.integers(1, 50))
def test_slices_change_nothing(plan: Plan, slice_events: int) -> None:
    whole = simulate(plan, seed=5, duration_ps=DURATION_PS)
    sliced = simulate_in_slices(plan, seed=5, duration_ps=DURATION_PS, slice_events=slice_events)
    assert whole == sliced


def harmonic(egress: Egress) -> Egress:
    """The same transmitter with gate cycles that meet soon."""
    if egress.rules is None:
        return egress
    gates = tuple(replace(gates, cycle_ps=10 * US) for gates in egress.rules.gates)
    return replace(egress, rules=replace(egress.rules, gates=gates))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=plans(), periods_us=st.lists(st.sampled_from([5, 10, 20]), min_size=8, max_size=8))
def test_a_run_that_repeats_has_seen_the_maxima(
    plan: Plan, periods_us: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeat, "LEAST_EVENTS", 1)
    streams = tuple(
        replace(stream, emission=replace(stream.emission, period_ps=period_us * US))
        for stream, period_us in zip(plan.streams, periods_us, strict=False)
    )
    plan = replace(plan, streams=streams, egresses=tuple(map(harmonic, plan.egresses)))
    short = simulate(plan, seed=5, duration_ps=3_000 * US)
    event(f"exact: {short.exact}")
    if not short.exact:
        return  # a queue that never empties, or lists whose cycles meet late
    run = engine.begin(build_model(plan, 5), 5 * short.duration_ps)
    engine.proceed(run)
    for seen, row in zip(short.streams, run.state.rows, strict=True):
        assert (seen.max_ps or -1) == int(row["max_ps"])
        assert (seen.min_ps or -1) == int(row["min_ps"])

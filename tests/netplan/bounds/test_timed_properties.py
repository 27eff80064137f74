# SPDX-License-Identifier: Apache-2.0
"""Frames followed in time against a world of gated ports that knows nothing of the analysis."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netplan.bounds.fixpoint import settle
from netplan.bounds.network import network_of
from netplan.bounds.timed import TimedEvidence, timed_evidence
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import (
    GateEntry,
    GateList,
    NodeClock,
    PortRules,
    QueueRule,
    Recovery,
    Synchronisation,
)
from support.gated_world import GatedWorld
from support.small_plans import GBIT, MBIT, NS, US, PlanBuilder, Step

SPEEDS = st.sampled_from([100 * MBIT, GBIT])
LEAST_URGENT = 5
"""Queues from here on up hold streams that keep a phase, and only these."""
CYCLES = st.sampled_from([50 * US, 100 * US, 200 * US])


def evidence_of(plan: Plan) -> TimedEvidence:
    network = network_of(plan)
    settle(network)
    return timed_evidence(network)


def clocks(plan: Plan, errors_ps: dict[str, int]) -> Synchronisation:
    nodes = sorted(
        {egress.node for egress in plan.egresses} | {stream.talker for stream in plan.streams}
    )
    return Synchronisation(
        grandmaster=nodes[0],
        interval_ps=10**12 // 8,
        clocks=tuple(
            NodeClock(
                node=node,
                parent="" if node == nodes[0] else nodes[0],
                error_ps=errors_ps.get(node, 0),
                drift_ppb=0,
                wander_ppb=0,
                timestamp_ps=0,
                asymmetry_ps=0,
                residence_ps=0,
            )
            for node in nodes
        ),
    )


def gated(gates: GateList | None) -> PortRules | None:
    if gates is None:
        return None
    return PortRules(queues=tuple(QueueRule() for _ in range(8)), gates=(gates,))


@st.composite
def gate_lists(draw: st.DrawFn) -> GateList | None:
    """Some ports have no gates; most let queue 5 go alone for a while."""
    if draw(st.integers(0, 3)) == 0:
        return None
    cycle_ps = draw(CYCLES)
    entries = []
    left_ps = cycle_ps
    for _ in range(draw(st.integers(1, 5))):
        duration_ps = min(left_ps, draw(st.integers(1, 60)) * US // 2)
        open_queues = draw(st.sampled_from([0x20, 0x40, 0x60, 0x21, 0x61, 0x1F, 0xDF, 0x9F, 0xFF]))
        if duration_ps:
            entries.append(GateEntry(duration_ps=duration_ps, open_queues=open_queues))
        left_ps -= duration_ps
    last = GateEntry(
        duration_ps=left_ps, open_queues=draw(st.sampled_from([0xFF, 0x60, 0x61, 0x7F, 0x3F]))
    )
    base_ps = draw(st.integers(0, 400)) * US // 2
    return GateList(base_ps=base_ps, cycle_ps=cycle_ps, entries=(*entries, last))


@st.composite
def gated_rings(draw: st.DrawFn) -> Plan:
    """A ring of three bridges with one station each; streams run clockwise."""
    least_ps = draw(st.sampled_from([0, 500 * NS]))
    builder = PlanBuilder(
        processing_min_ps=least_ps,
        processing_max_ps=least_ps + draw(st.sampled_from([0, 0, 700 * NS])),
    )
    for index in range(3):
        builder.wire(f"h{index}.p", line_bps=draw(SPEEDS))
        speed_bps = draw(SPEEDS)
        builder.wire(f"s{index}.n", line_bps=speed_bps, rules=gated(draw(gate_lists())))
        builder.wire(
            f"s{index}.h",
            line_bps=draw(SPEEDS),
            rules=gated(draw(gate_lists())),
            buffer_octets=draw(st.sampled_from([None, 3000])),
        )
    for number in range(draw(st.integers(1, 6))):
        first, length = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        route = [(f"h{first}.p", f"s{first}")]
        for step in range(length):
            here = (first + step) % 3
            route.append((f"s{here}.n", f"s{(here + 1) % 3}"))
        end = (first + length) % 3
        route.append((f"s{end}.h", f"h{end}"))
        size = draw(st.sampled_from([64, 100, 300]))
        builder.stream(
            f"f{number}",
            route,
            messages=draw(
                st.sampled_from([((size,),), ((size,),), ((size, 80),), ((size,), (64,))])
            ),
            period_ps=draw(st.sampled_from([100 * US, 200 * US])),
            phase_ps=draw(st.integers(0, 200)) * US // 2,
            jitter_ps=draw(st.sampled_from([0, 0, 300 * NS, 7 * US])),
            pcp=draw(st.sampled_from([5, 5, 5, 6])),
        )
    for index in range(draw(st.integers(0, 2))):
        route = [(f"h{index}.p", f"s{index}"), (f"s{index}.n", f"s{index + 1}")]
        builder.stream(
            f"b{index}",
            [*route, (f"s{index + 1}.h", f"h{index + 1}")],
            messages=((draw(st.integers(64, 700)),),),
            period_ps=300 * US,
            pcp=draw(st.sampled_from([0, 3])),
        )
    error_ps = draw(st.sampled_from([None, 0, 50 * NS, 1500 * NS]))
    if error_ps is not None:
        plan = builder.plan()
        names = [f"{kind}{index}" for kind in "hs" for index in range(3)]
        builder.synchronisation = clocks(
            plan, {name: draw(st.sampled_from([error_ps, error_ps // 2])) for name in names}
        )
    return builder.plan()


@st.composite
def mixed_ports(draw: st.DrawFn) -> Plan:
    """Streams without a phase in the same queue and above; only lower queues are ever closed."""
    builder = PlanBuilder(processing_max_ps=draw(st.sampled_from([0, 700 * NS])))
    for index in range(4):
        builder.wire(f"h{index}.p", line_bps=draw(SPEEDS))
    for name in ("s0.n", "s1.n"):
        gates = draw(gate_lists())
        if gates is not None:
            entries = tuple(
                replace(entry, open_queues=entry.open_queues | 0xE0) for entry in gates.entries
            )
            gates = replace(gates, entries=entries)
        builder.wire(name, line_bps=draw(SPEEDS), rules=gated(gates))
    for number in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, 3))
        route = [("s0.n", "s1"), ("s1.n", "h9")] if first < 3 else [("s1.n", "h9")]
        builder.stream(
            f"f{number}",
            [(f"h{first}.p", "s0" if first < 3 else "s1"), *route],
            messages=draw(st.sampled_from([((100,),), ((200, 80),)])),
            period_ps=draw(st.sampled_from([200 * US, 400 * US])),
            phase_ps=draw(st.integers(0, 400)) * US // 2,
            jitter_ps=draw(st.sampled_from([0, 300 * NS, 7 * US])),
            pcp=draw(st.sampled_from([5, 6])),
        )
    for number in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, 3))
        route = [("s0.n", "s1"), ("s1.n", "h9")] if first < 3 else [("s1.n", "h9")]
        builder.stream(
            f"u{number}",
            [(f"h{first}.p", "s0" if first < 3 else "s1"), *route],
            messages=draw(st.sampled_from([((100,),), ((200, 80),), ((400,), (64,))])),
            period_ps=draw(st.sampled_from([190 * US, 200 * US, 410 * US])),
            jitter_ps=draw(st.sampled_from([0, 10 * US])),
            pcp=draw(st.sampled_from([1, 5, 6, 7])),
        )
    if draw(st.booleans()):
        builder.synchronisation = clocks(builder.plan(), {"h0": 200 * NS, "s0": 900 * NS})
    return builder.plan()


@st.composite
def redundant_rings(draw: st.DrawFn) -> Plan:
    """Copies both ways round a gated ring, listeners on the way, frames cut through."""
    builder = PlanBuilder(
        processing_min_ps=300 * NS, processing_max_ps=draw(st.sampled_from([300, 900])) * NS
    )
    speed_bps = draw(SPEEDS)
    for index in range(4):
        builder.wire(f"h{index}.p", line_bps=speed_bps)
        for port in ("cw", "ccw", "h"):
            builder.wire(f"s{index}.{port}", line_bps=speed_bps, rules=gated(draw(gate_lists())))
    for number in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, 3))
        half, other, last = (first + 1) % 4, (first + 3) % 4, (first + 2) % 4
        cut = draw(st.sampled_from([None, None, 24]))
        steps = [
            Step(egress=f"h{first}.p", to=f"s{first}"),
            Step(egress=f"s{first}.cw", to=f"s{half}", cut_through_octets=cut),
            Step(egress=f"s{half}.cw", to=f"s{last}", cut_through_octets=cut),
            Step(egress=f"s{first}.ccw", to=f"s{other}", parent=0),
            Step(egress=f"s{other}.ccw", to=f"s{last}"),
            Step(egress=f"s{last}.h", to=f"h{last}", parent=2),
            Step(egress=f"s{half}.h", to=f"h{half}", parent=1),
        ]
        builder.stream(
            f"f{number}",
            steps,
            messages=draw(st.sampled_from([((64,),), ((300,),), ((100, 80),)])),
            period_ps=draw(st.sampled_from([100 * US, 200 * US])),
            phase_ps=draw(st.integers(0, 200)) * US // 2,
            jitter_ps=draw(st.sampled_from([0, 300 * NS])),
            pcp=draw(st.sampled_from([5, 5, 6])),
            recoveries=(Recovery(members=(2, 4)),),
        )
    if draw(st.booleans()):
        builder.synchronisation = clocks(
            builder.plan(), {"h0": 200 * NS, "s0": 900 * NS, "s2": 100 * NS}
        )
    return builder.plan()


def hold(
    plan: Plan, seed: int, *, lose_copies: bool = False, without_phase: bool = False
) -> GatedWorld:
    """Run a plan, and hold what is seen against what is proven."""
    evidence = evidence_of(plan)
    if not without_phase:
        for stream_index, _ in evidence.left_out:
            # The analysis without time does not know gates, so nothing urgent may rest on it.
            assume(plan.streams[stream_index].pcp < LEAST_URGENT)
    world = GatedWorld(
        plan,
        Random(seed),  # noqa: S311 - repeatable, not secret
        1600 * US,
        lose_copies=lose_copies,
    ).run()
    for key, row in evidence.rows.items():
        assert row.bound_ps is not None
        assert sum(term.max_ps for hop in row.hops for term in hop.terms) == row.bound_ps
        assert all(term.max_ps >= term.min_ps for hop in row.hops for term in hop.terms)
        seen = world.seen[key]
        assert max(seen.latencies_ps, default=0) <= row.bound_ps
        assert min(seen.latencies_ps, default=row.minimum_ps) >= row.minimum_ps
        if seen.arrivals_ps:
            assert row.jitter_ps is not None
            assert max(seen.arrivals_ps) - min(seen.arrivals_ps) <= row.jitter_ps
        if row.loss_free and all(one.emission.phase_ps is not None for one in plan.streams):
            for hop in row.hops:
                egress = plan.egresses[hop.egress_index]
                if egress.buffer_octets is not None:
                    assert world.ports[hop.egress_index].most_octets <= egress.buffer_octets
    return world


@given(plan=gated_rings(), seed=st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_no_frame_is_outside_its_limits(plan: Plan, seed: int) -> None:
    hold(plan, seed)


@given(plan=mixed_ports(), seed=st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_streams_without_a_phase_are_counted_in(plan: Plan, seed: int) -> None:
    hold(plan, seed, without_phase=True)


@given(plan=redundant_rings(), seed=st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_copies_that_merge_stay_within_their_limits(plan: Plan, seed: int) -> None:
    hold(plan, seed, lose_copies=seed % 2 == 0)

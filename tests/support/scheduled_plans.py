# SPDX-License-Identifier: Apache-2.0
"""Small plans with every TSN mechanism, for what reads plans without running them."""

from __future__ import annotations

from dataclasses import replace

from netplan.media.interface import GrantMechanism, NoService
from netplan.plan.model import Plan, Target
from netplan.tsn.mechanisms import (
    AtsScheduler,
    FlowMeter,
    GateEntry,
    GateList,
    GateOperation,
    PortRules,
    QueueRule,
    Reception,
    Recovery,
    RecoveryAlgorithm,
    Selection,
    StreamFilter,
    StreamGate,
    StreamGateEntry,
)
from support.small_plans import MBIT, US, PlanBuilder, Step

MS = 1000 * US


def queues(count: int = 8, /, **special: QueueRule) -> tuple[QueueRule, ...]:
    """Strict priority, but for queues named ``q5=...``."""
    return tuple(special.get(f"q{queue}", QueueRule()) for queue in range(count))


GATES = GateList(
    base_ps=0,
    cycle_ps=500 * US,
    entries=(
        GateEntry(duration_ps=100 * US, open_queues=0x80, operation=GateOperation.HOLD),
        GateEntry(duration_ps=400 * US, open_queues=0x7F, operation=GateOperation.RELEASE),
    ),
)
"""A window for queue 7 in each half millisecond, free of preemptable frames."""

PREEMPTING = queues(
    **{f"q{queue}": QueueRule(express=False) for queue in (0, 1, 2, 3, 4)},
    q5=QueueRule(selection=Selection.CREDIT, idle_slope_bps=100 * MBIT),
    q6=QueueRule(selection=Selection.ASYNCHRONOUS, largest_frame_octets=1022),
)

FILTER = StreamFilter(
    name="motion",
    largest_frame_octets=222,
    block_oversize=True,
    gate=StreamGate(
        name="window",
        base_ps=250 * US,
        cycle_ps=500 * US,
        entries=(
            StreamGateEntry(duration_ps=100 * US, is_open=True, queue_index=0, largest_octets=400),
            StreamGateEntry(duration_ps=400 * US, is_open=False),
        ),
        close_on_invalid=True,
    ),
    meter=FlowMeter(name="m", committed_bps=2 * MBIT, committed_burst_octets=400, drop_yellow=True),
)

SHAPED = Reception(
    scheduler=AtsScheduler(
        name="class 6",
        group="p2",
        committed_bps=3 * MBIT,
        committed_burst_octets=1042,
        max_residence_ps=2 * MS,
    )
)


def gated_plan() -> Plan:
    """A talker and a listener on one bridge: gates, preemption, a shaper, policing, ATS."""
    builder = PlanBuilder()
    builder.wire("plc1.p1", rules=PortRules(queues=queues(), gates=(GATES,)))
    builder.wire(
        "sw1.p2",
        rules=PortRules(
            queues=PREEMPTING, gates=(GATES,), fragment_octets=128, hold_advance_ps=1_500_000
        ),
    )
    builder.wire("cam1.p1")
    builder.stream(
        "motion",
        [
            Step(egress="plc1.p1", to="sw1", reception=Reception(filter=FILTER)),
            ("sw1.p2", "drive1"),
        ],
        messages=((200,),),
        period_ps=500 * US,
        phase_ps=20 * US,
        pcp=7,
        scheduled=True,
    )
    builder.stream(
        "vision",
        [Step(egress="cam1.p1", to="sw1", reception=SHAPED), ("sw1.p2", "drive1")],
        messages=((1022, 1022, 522),),
        period_ps=10 * MS,
        jitter_ps=100 * US,
        pcp=6,
    )
    plan = builder.plan()
    limit = Target(
        subject="motion",
        subject_kind="stream",
        stream_index=0,
        listener_index=0,
        chain_index=-1,
        listener="drive1",
        direction="",
        quantity="latency",
        statistic="max",
        limit=150 * US,
        unit="ps",
    )
    return replace(plan, name="cell", targets=(limit,))


def redundant_plan() -> Plan:
    """A ring of four bridges, both ways round, copies joined in the last one."""
    builder = PlanBuilder()
    for name in ("plc1.p1", "a.p2", "a.p3", "b.p2", "d.p2", "c.p4"):
        builder.wire(name)
    recovery = Recovery(members=(3, 4), history_count=32, reset_ps=2 * 10**12 + 1)
    builder.stream(
        "safe",
        [
            ("plc1.p1", "a"),
            Step(egress="a.p2", to="b", parent=0, added_octets=6),
            Step(egress="a.p3", to="d", parent=0, added_octets=6),
            Step(egress="b.p2", to="c", parent=1, added_octets=6),
            Step(egress="d.p2", to="c", parent=2, added_octets=6),
            Step(egress="c.p4", to="drive1", parent=3),
        ],
        recoveries=(recovery,),
    )
    plan = builder.plan()
    # the builder calls every receiving port p0; here it matters by which one copies come in
    ports = {("d", "c"): "p3", ("b", "c"): "p1", ("a", "b"): "p1", ("a", "d"): "p1"}
    stream = plan.streams[0]
    hops = tuple(
        replace(hop, to_port=ports.get((hop.from_node, hop.to_node), hop.to_port))
        for hop in stream.hops
    )
    return replace(plan, streams=(replace(stream, hops=hops),))


def end_to_end_plan() -> Plan:
    """A talker and a listener with two ports each: redundancy ends in the end stations."""
    builder = PlanBuilder()
    for name in ("t.p1", "t.p2", "a.p2", "b.p2"):
        builder.wire(name)
    builder.stream(
        "twice",
        [
            Step(egress="t.p1", to="a"),
            Step(egress="t.p2", to="b", parent=-1),
            Step(egress="a.p2", to="l", parent=0),
            Step(egress="b.p2", to="l", parent=1),
        ],
        recoveries=(Recovery(members=(2, 3), algorithm=RecoveryAlgorithm.MATCH),),
    )
    plan = builder.plan()
    stream = plan.streams[0]
    hops = tuple(
        replace(hop, to_port="p2") if index == 3 else hop for index, hop in enumerate(stream.hops)
    )
    return replace(plan, streams=(replace(stream, hops=hops),))


def granted_plan() -> Plan:
    """A base station that takes a stream from a wire to the air."""
    builder = PlanBuilder().wire("t.p1")
    mechanism = GrantMechanism(
        cycle_ps=MS,
        openings_ps=(0,),
        phase_ps=None,
        quota_octets=3000,
        overhead_octets=0,
        fragments=False,
        serial_bps=0,
        burst_ps=10 * US,
    )
    builder.grants("gnb1.5g", mechanism, NoService(because="a test"))
    builder.stream("s", [("t.p1", "gnb1"), ("gnb1.5g", "agv1")])
    return builder.plan()

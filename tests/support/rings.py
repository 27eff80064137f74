# SPDX-License-Identifier: Apache-2.0
"""Rings of bridges, and a plan with a stream around one of them, for tests of recovery."""

from __future__ import annotations

from dataclasses import replace

from netplan.media.interface import TermKind
from netplan.plan.model import Plan, StandbyWay
from netplan.tsn.rings import DlrTimers, MrpTimers, Ring, RingSegment, RstpTimers
from support.small_plans import MBIT, NS, US, PlanBuilder, Step, term

PROCESSING_PS = 10 * US
HOP_PS = (8 + 64) * 80 * NS + 50 * NS + PROCESSING_PS
"""A protocol frame over one segment: 72 octets at 100 Mbit/s, the cable, processing: 15.81 us."""


def ring(
    timers: MrpTimers | DlrTimers | RstpTimers, *, node_count: int = 4, detection_ps: int = 0
) -> Ring:
    """Nodes n0, n1 ...; segment i leads from port ``right`` of node i to ``left`` of the next."""
    return Ring(
        name="ring",
        nodes=tuple(f"n{node}" for node in range(node_count)),
        segments=tuple(
            RingSegment(
                ends=(f"n{node}.right", f"n{(node + 1) % node_count}.left"),
                line_bps=100 * MBIT,
                propagation_ps=50 * NS,
            )
            for node in range(node_count)
        ),
        processing_ps=(PROCESSING_PS,) * node_count,
        detection_ps=detection_ps,
        timers=timers,
    )


def ring_plan(over: Ring, *, period_ps: int) -> Plan:
    """A stream from a station at n0 over n1 to a station at n2; the other way is over n3."""
    builder = PlanBuilder()
    for port in ("a.p", "n0.right", "n0.left", "n1.right", "n3.left", "n2.p"):
        builder.wire(port, line_bps=100 * MBIT)
    ways = [
        [("a.p", "n0"), ("n0.right", "n1"), ("n1.right", "n2"), ("n2.p", "b")],
        [("a.p", "n0"), ("n0.left", "n3"), ("n3.left", "n2"), ("n2.p", "b")],
    ]
    for number, way in enumerate(ways):
        steps = [Step(egress=egress, to=to) for egress, to in way]
        builder.stream(f"way{number}", steps, period_ps=period_ps, phase_ps=0)
    planned, other = (
        replace(
            stream,
            hops=tuple(
                replace(hop, before=hop.before and (term(TermKind.PROCESSING, US),))
                for hop in stream.hops
            ),
        )
        for stream in builder.streams
    )
    standby = StandbyWay(hops=other.hops, listener_hops=other.listener_hops)
    stream = replace(planned, name="s", standby=(standby,))
    builder.streams = [stream]
    return replace(builder.plan(), rings=(over,))

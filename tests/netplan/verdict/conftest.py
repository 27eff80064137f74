# SPDX-License-Identifier: Apache-2.0
"""Evidence written by hand, on one small plan, for every test of this room.

The plan: ``cam`` sends ``video`` over ``cam.p1`` and ``sw.p2`` to ``plc``, at 1 Gbit/s,
a frame of 1,000 octets every 100 us.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from netplan.media.interface import TermKind
from netplan.plan.model import Plan, PlannedChain, PlannedLink, PlannedNode, Target
from netplan.verdict.evidence import (
    BoundEvidence,
    ChainBound,
    ChainObservation,
    EgressBound,
    EgressObservation,
    HopBound,
    HopRecord,
    SimulatedEvidence,
    StreamBound,
    StreamObservation,
)
from support.small_plans import US, PlanBuilder, term

HASH = "0" * 64


class MadeUp:
    """Builds plans, targets and evidence; every field may be set by name."""

    def builder(self, **stream: Any) -> PlanBuilder:
        """Two wires and one stream over them."""
        builder = PlanBuilder().wire("cam.p1").wire("sw.p2")
        options: dict[str, Any] = {"messages": ((1000,),), "period_ps": 100 * US, **stream}
        return builder.stream("video", [("cam.p1", "sw"), ("sw.p2", "plc")], **options)

    def plan(
        self,
        *targets: Target,
        builder: PlanBuilder | None = None,
        chains: Sequence[PlannedChain] = (),
        **changes: Any,
    ) -> Plan:
        """A plan with these targets."""
        plan = (builder or self.builder()).plan()
        nodes = [
            PlannedNode(
                name=name, role=role, model="generic", zone="cell", position_m=None,
                availability_ratio=ratio,
            )
            for name, role, ratio in (
                ("cam", "camera", 0.9999), ("sw", "tsn-bridge", 0.9998), ("plc", "plc", 0.9997),
            )
        ]  # fmt: skip
        links = [
            PlannedLink(ends=ends, medium="cat6a", line_bps=10**9, availability_ratio=1.0)
            for ends in (("cam.p1", "sw.p1"), ("sw.p2", "plc.p1"))
        ]
        fields: dict[str, Any] = {
            "name": "made up", "targets": targets, "nodes": tuple(nodes), "links": tuple(links),
            "chains": tuple(chains), "assumptions": ("Talkers keep their contracts.",), **changes,
        }  # fmt: skip
        return replace(plan, **fields)

    def target(self, limit: float = 100 * US, **changes: Any) -> Target:
        """A latency target of the stream, largest latency below 100 us."""
        fields: dict[str, Any] = {
            "subject": "video", "subject_kind": "stream", "stream_index": 0, "listener_index": 0,
            "chain_index": -1, "listener": "plc", "direction": "", "quantity": "latency",
            "statistic": "max", "limit": limit, "unit": "ps", **changes,
        }  # fmt: skip
        return Target(**fields)

    def bound_row(self, bound_ps: int | None = 80 * US, **changes: Any) -> StreamBound:
        """A bound of 80 us: 30 us at the talker's wire, 50 us behind the switch."""
        rest_ps = (bound_ps or 0) - 30 * US
        hops = (
            HopBound(egress_index=0, terms=(term(TermKind.SERIALISATION, 8 * US, 30 * US),)),
            HopBound(
                egress_index=1,
                terms=(
                    term(TermKind.PROCESSING, 1 * US, 5 * US),
                    term(TermKind.QUEUEING, 0, rest_ps - 13 * US),
                    term(TermKind.SERIALISATION, 8 * US, 8 * US),
                ),
            ),
        )
        fields: dict[str, Any] = {
            "stream_index": 0, "listener_index": 0, "bound_ps": bound_ps, "talker_wait_ps": 2 * US,
            "minimum_ps": 17 * US, "exceedance_probability": 0.0,
            "hops": () if bound_ps is None else hops, "loss_free": True, **changes,
        }  # fmt: skip
        return StreamBound(**fields)

    def bound(
        self,
        *rows: StreamBound,
        loads: Sequence[float] = (0.1, 0.1),
        backlogs: Sequence[int | None] = (2000, 3000),
        buffer_octets: int | None = None,
        chains: Sequence[ChainBound] = (),
    ) -> BoundEvidence:
        """Bound evidence with these rows."""
        return BoundEvidence(
            design_hash=HASH,
            method="by hand",
            streams=rows,
            egresses=tuple(
                EgressBound(
                    egress_index=index, load_ratio=load, backlog_octets=backlog,
                    buffer_octets=buffer_octets,
                )
                for index, (load, backlog) in enumerate(zip(loads, backlogs, strict=True))
            ),
            chains=tuple(chains),
            assumptions=("Bounds hold for conforming traffic.",),
        )  # fmt: skip

    def seen(self, *values: tuple[int, int], lost: int = 0, **changes: Any) -> StreamObservation:
        """Observed latencies as (value, count); each value has a bin of 1 ps of its own."""
        ordered = sorted(values)
        edges: list[int] = []
        counts: list[int] = []
        for value_ps, count in ordered:
            if edges and edges[-1] != value_ps:
                counts.append(0)
            if not edges or edges[-1] != value_ps:
                edges.append(value_ps)
            edges.append(value_ps + 1)
            counts.append(count)
        frames = sum(count for _, count in ordered)
        smallest, largest = (ordered[0][0], ordered[-1][0]) if ordered else (None, None)
        worst = (
            HopRecord(
                egress_index=0, received_ps=0, queued_ps=0, started_ps=1 * US, delivered_ps=10 * US
            ),
            HopRecord(
                egress_index=1, received_ps=10 * US, queued_ps=12 * US, started_ps=20 * US,
                delivered_ps=30 * US,
            ),
        )  # fmt: skip
        fields: dict[str, Any] = {
            "stream_index": 0, "listener_index": 0, "frames": frames, "lost": lost,
            "min_ps": smallest, "max_ps": largest,
            "mean_ps": sum(v * c for v, c in ordered) / frames if frames else None,
            "bin_edges_ps": tuple(edges), "bin_counts": tuple(counts), "min_gap_ps": 90 * US,
            "max_gap_ps": 110 * US, "max_talker_wait_ps": 1 * US,
            "max_application_ps": None if largest is None else largest + 1 * US,
            "worst": worst if frames else (), "worst_released_ps": 12_500 * US, **changes,
        }  # fmt: skip
        return StreamObservation(**fields)

    def run(
        self,
        *rows: StreamObservation,
        chains: Sequence[ChainObservation] = (),
        backlogs: Sequence[int] = (1000, 1500),
        **changes: Any,
    ) -> SimulatedEvidence:
        """Simulated evidence with these rows."""
        frames = sum(row.frames for row in rows)
        fields: dict[str, Any] = {
            "design_hash": HASH, "seed": 7, "duration_ps": 10**12, "requested_ps": 10**12,
            "complete": True, "frames": frames, "frame_hops": 2 * frames, "streams": rows,
            "egresses": tuple(
                EgressObservation(
                    egress_index=index, frames=frames, dropped=0, busy_ratio=0.08,
                    max_backlog_octets=backlog,
                )
                for index, backlog in enumerate(backlogs)
            ),
            "chains": tuple(chains), "trace_hash": "abc123",
            "assumptions": ("No link fails.",), **changes,
        }  # fmt: skip
        return SimulatedEvidence(**fields)


@pytest.fixture
def made() -> MadeUp:
    """The builder of made-up plans and evidence."""
    return MadeUp()

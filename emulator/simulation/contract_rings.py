# SPDX-License-Identifier: Apache-2.0
"""Refuses rings and trees that break the plan's contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple

from netplan.plan.model import Plan
from netplan.tsn.rings import MrpTimers, Ring, RstpTimers

Require = Callable[[object, str], None]
Possible = Callable[..., bool]

SMALLEST_RING_COUNT = 3


def check_rings(plan: Plan, require: Require, possible: Possible) -> None:
    """Segments join nodes of the ring, and those of a plain ring close it in order."""
    for ring in plan.rings:
        _check_ring(ring, require, possible)


def _check_ring(ring: Ring, require: Require, possible: Possible) -> None:
    name = f"ring {ring.name}"
    nodes = ring.nodes
    require(len(set(nodes)) == len(nodes), f"{name} has a node twice")
    require(
        len(ring.processing_ps) == len(nodes)
        and all(possible(time_ps) for time_ps in (*ring.processing_ps, ring.detection_ps)),
        f"{name} has impossible processing or detection times",
    )
    joined: list[tuple[str, str]] = []
    for segment in ring.segments:
        ends = tuple(_node_of(ring, end) for end in segment.ends)
        require(
            all(ends) and segment.line_bps > 0 and possible(segment.propagation_ps),
            f"{name} has an impossible segment {segment.ends}",
        )
        joined.append((ends[0] or "", ends[1] or ""))
    timers = ring.timers
    if isinstance(timers, RstpTimers):
        require(
            len(set(timers.bridge_priorities)) > 0
            and len(timers.bridge_priorities) == len(nodes)
            and all(0 <= one < 1 << 16 for one in timers.bridge_priorities),
            f"{name} has no bridge priority for each node",
        )
        times = (timers.hello_ps, timers.forward_delay_ps, timers.max_age_count, timers.hold_count)
        require(all(possible(one, 1) for one in times), f"{name} has impossible timers")
        return
    require(
        len(nodes) >= SMALLEST_RING_COUNT
        and [set(pair) for pair in joined]
        == [{node, nodes[(place + 1) % len(nodes)]} for place, node in enumerate(nodes)],
        f"{name} is not closed by its segments in order",
    )
    require(all(possible(int(one), 0) for one in astuple(timers)), f"{name} has impossible timers")
    interval_ps = (
        timers.test_interval_ps if isinstance(timers, MrpTimers) else timers.beacon_interval_ps
    )
    require(interval_ps > 0, f"{name} has impossible timers")


def _node_of(ring: Ring, end: str) -> str | None:
    return next((node for node in ring.nodes if end.startswith(f"{node}.")), None)

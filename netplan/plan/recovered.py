# SPDX-License-Identifier: Apache-2.0
"""Plans of the same plant after a ring or spanning tree has recovered from one failure.

Each is a plan as any other, whose streams go the way that they then take. A stream that the failure
has cut off for good keeps its planned way: what it sends no further can only disturb less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netplan.plan.model import Hop, Plan, PlannedStream
from netplan.plan.rings import single_failures
from netplan.tsn.rings import active_segments


def recovered_plans(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """What has failed, in words, and the plan then; one of each set of ways, none for the planned ones."""
    seen = {(0,) * len(plan.streams)}
    for index, ring in enumerate(plan.rings):
        for what, failed in single_failures(ring):
            shut = _shut_ports(plan, index, failed)
            ways = tuple(_way(plan, stream, shut) for stream in plan.streams)
            if ways in seen:
                continue
            seen.add(ways)
            yield what, replace(plan, streams=on_ways(plan.streams, ways))


def on_ways(streams: tuple[PlannedStream, ...], ways: tuple[int, ...]) -> tuple[PlannedStream, ...]:
    """Streams on the ways of these numbers, 0 for the planned one."""
    return tuple(
        stream
        if way == 0
        else replace(
            stream,
            hops=stream.standby[way - 1].hops,
            listener_hops=stream.standby[way - 1].listener_hops,
        )
        for stream, way in zip(streams, ways, strict=True)
    )


def _shut_ports(plan: Plan, ring: int, failed: tuple[int, ...]) -> set[str]:
    """Ports whose segments carry nothing."""
    shut: set[str] = set()
    for index, one in enumerate(plan.rings):
        active = active_segments(one, failed if index == ring else ())
        for number, segment in enumerate(one.segments):
            if number not in active:
                shut |= set(segment.ends)
    return shut


def _way(plan: Plan, stream: PlannedStream, shut: set[str]) -> int:
    """The first way of a stream that uses no port out of service; 0 when there is none."""

    def is_whole(hops: tuple[Hop, ...]) -> bool:
        egresses = (plan.egresses[hop.egress_index] for hop in hops)
        return not any(f"{egress.node}.{egress.port}" in shut for egress in egresses)

    for way, hops in enumerate((stream.hops, *(one.hops for one in stream.standby))):
        if is_whole(hops):
            return way
    return 0

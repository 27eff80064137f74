# SPDX-License-Identifier: Apache-2.0
"""Plans of the same plant after a failure: a ring has recovered, or copies come by one way alone.

Each is a plan as any other, whose streams go the way that they then take. A stream that the failure
has cut off for good keeps its planned way: what it sends no further can only disturb less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netplan.plan.model import Hop, Plan, PlannedStream
from netplan.plan.rings import single_failures
from netplan.tsn.mechanisms import Reception
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


def single_way_plans(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """What is lost, in words, and the plan in which each stream that is sent twice has one way left.

    A bound of such a stream holds for the latest of its ways; only where the others are lost does
    a frame need so long.
    """
    counts = [len(recovery.members) for stream in plan.streams for recovery in stream.recoveries]
    for number in range(max(counts, default=0)):
        streams = tuple(_on_one_way(stream, number) for stream in plan.streams)
        yield f"all ways but number {number + 1}", replace(plan, streams=streams)


def _on_one_way(stream: PlannedStream, number: int) -> PlannedStream:
    """A stream whose copies come to each joint over one of its members alone."""
    if not stream.recoveries:
        return stream
    left_of = {one.members[0]: one.members[number % len(one.members)] for one in stream.recoveries}

    def came_by(index: int) -> int:
        return left_of.get(index, index)

    kept: set[int] = set()
    for end in stream.listener_hops:
        index = came_by(end)
        while index >= 0 and index not in kept:
            kept.add(index)
            index = came_by(stream.hops[index].parent_index)
    order = sorted(kept)
    place = {old: new for new, old in enumerate(order)} | {-1: -1}
    scheduler_of = {
        member: reception.scheduler
        for first, member in left_of.items()
        if (reception := stream.hops[first].reception) is not None
    }
    hops = []
    for index in order:
        hop = stream.hops[index]
        if index in scheduler_of:  # behind a joint, all go through the first member's scheduler
            own = None if hop.reception is None else hop.reception.filter
            hop = replace(hop, reception=Reception(filter=own, scheduler=scheduler_of[index]))
        hops.append(replace(hop, parent_index=place[came_by(hop.parent_index)]))
    return replace(
        stream,
        hops=tuple(hops),
        listener_hops=tuple(place[came_by(end)] for end in stream.listener_hops),
        recoveries=(),
    )


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

# SPDX-License-Identifier: Apache-2.0
"""Rings and spanning trees of a plan, and what they leave of the wiring for streams.

The protocol machines themselves run in the simulation; here stand the rings as data, the links
that carry frames while all is well, and those that do after one link or node has failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from netplan.design.design import Design
from netplan.design.redundancy import DlrRing, MrpRing, RecoveringRing
from netplan.design.resolve import Equipment
from netplan.media.frames import wire_time_ps
from netplan.plan.channel import Channel, Channels
from netplan.tsn.rings import (
    DLR_TIMERS,
    MRP_TIMERS,
    DlrTimers,
    MrpTimers,
    Ring,
    RingSegment,
    RstpTimers,
    active_segments,
    node_index,
    rstp_timers,
)

_PS_PER_MS = 10**9
_LARGEST_WIRE_OCTETS = 1542
"""A tagged frame of full size with preamble and gap: a protocol frame may meet one on the wire."""
_ROOT_PRIORITY = 4096
_PRIORITY = 32768
"""Bridge priorities. Source: IEEE Std 802.1D-2004, table 17-2 (default, steps of 4096)."""

Pair = tuple[str, str]
"""Two nodes, from and to."""


def planned_rings(design: Design, equipment: Equipment, channels: Channels) -> tuple[Ring, ...]:
    """What keeps links in reserve, once every rule about it is kept."""
    return tuple(
        _ring(name, one, equipment, channels)
        for name, one in design.redundancy.items()
        if isinstance(one, RecoveringRing)
    )


def _ring(name: str, one: RecoveringRing, equipment: Equipment, channels: Channels) -> Ring:
    nodes = _in_order(one)
    if isinstance(one, MrpRing | DlrRing):
        pairs = [(node, nodes[(place + 1) % len(nodes)]) for place, node in enumerate(nodes)]
    else:
        pairs = [pair for pair in combinations(nodes, 2) if pair in channels.between]
    segments = tuple(_segment(channels.between[pair]) for pair in pairs)
    slowest_bps = min(segment.line_bps for segment in segments)
    # Protocol frames have the highest priority; one frame that is being sent may be before them.
    blocking_ps = wire_time_ps(_LARGEST_WIRE_OCTETS, slowest_bps)
    processing_ps = []
    for node in nodes:
        bridge = equipment.nodes[node].device.bridge
        processing_ps.append(blocking_ps + (bridge.processing.max_ps if bridge is not None else 0))
    return Ring(
        name=name,
        nodes=nodes,
        segments=segments,
        processing_ps=tuple(processing_ps),
        detection_ps=one.detection_ps,
        timers=_timers(one),
    )


def _in_order(one: RecoveringRing) -> tuple[str, ...]:
    """Nodes of a plain ring from its manager on; bridges as they are written."""
    if isinstance(one, MrpRing):
        first = one.manager
    elif isinstance(one, DlrRing):
        first = one.supervisor
    else:
        return one.nodes
    place = 0 if first is None else one.nodes.index(first)
    return one.nodes[place:] + one.nodes[:place]


def _timers(one: RecoveringRing) -> MrpTimers | DlrTimers | RstpTimers:
    if isinstance(one, MrpRing):
        return MRP_TIMERS[one.recovery_ps // _PS_PER_MS]
    if isinstance(one, DlrRing):
        return DlrTimers(
            beacon_interval_ps=one.beacon_interval_ps,
            beacon_timeout_ps=one.beacon_timeout_ps,
            neighbour_check_timeout_ps=DLR_TIMERS.neighbour_check_timeout_ps,
            neighbour_check_count=DLR_TIMERS.neighbour_check_count,
        )
    root = one.root or one.nodes[0]
    return rstp_timers(tuple(_ROOT_PRIORITY if node == root else _PRIORITY for node in one.nodes))


def _segment(channel: Channel) -> RingSegment:
    terms = channel.crossing(0.0, _LARGEST_WIRE_OCTETS).terms
    return RingSegment(
        ends=(
            f"{channel.from_node}.{channel.from_port}",
            f"{channel.to_node}.{channel.to_port}",
        ),
        line_bps=channel.line_bps,
        propagation_ps=sum(term.max_ps for term in terms),
    )


def out_of_service(rings: Sequence[Ring], ring: int = -1, failed: Sequence[int] = ()) -> set[Pair]:
    """Links, from node to node both ways, that carry no frames of streams.

    Args:
        rings: All.
        ring: In which of them something has failed; -1 when nothing has.
        failed: Which of its segments.
    """
    found: set[Pair] = set()
    for index, one in enumerate(rings):
        active = active_segments(one, failed if index == ring else ())
        for number, segment in enumerate(one.segments):
            if number not in active:
                first, second = (one.nodes[node_index(one, end)] for end in segment.ends)
                found |= {(first, second), (second, first)}
    return found


def single_failures(ring: Ring) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each link and each node that may fail, in words, and the segments that are lost with it."""
    for number, segment in enumerate(ring.segments):
        yield f"link {segment.ends[0]} - {segment.ends[1]}", (number,)
    for place, node in enumerate(ring.nodes):
        lost = tuple(
            number
            for number, segment in enumerate(ring.segments)
            if any(node_index(ring, end) == place for end in segment.ends)
        )
        yield f"node {node}", lost

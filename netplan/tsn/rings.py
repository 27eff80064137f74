# SPDX-License-Identifier: Apache-2.0
"""Rings and trees whose bridges find another way when a link or a node fails: data, never engines.

The simulation lets the protocol's own frames run over the segments and so learns when each node
forwards the new way; a stream then takes the first of its ways (the planned one, then
:attr:`netplan.plan.model.PlannedStream.standby` in order) that uses no segment out of service.
Times are integer picoseconds.

Source: IEC 62439-2:2021 (MRP), IEEE Std 802.1D-2004 clause 17 (RSTP), ODVA CIP Networks Library
volume 2, 9-5 (DLR).
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass

_PS_PER_MS = 10**9
_PS_PER_US = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class RingSegment:
    """A link of a ring or tree.

    Attributes:
        ends: Its two ports, as ``node.port``.
        line_bps: Rate of the link.
        propagation_ps: From one end to the other.
    """

    ends: tuple[str, str]
    line_bps: int
    propagation_ps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MrpTimers:
    """Parameters of the Media Redundancy Protocol.

    Attributes:
        test_interval_ps: MRP_TSTdefaultT: the manager tests the ring so often.
        short_test_interval_ps: MRP_TSTshortT: after news of a link.
        test_miss_count: MRP_TSTNRmax: tests that may be missed.
        extended_test_miss_count: MRP_TSTExtNRmax: after news of a link that came up.
        topology_interval_ps: MRP_TOPchgT.
        topology_count: MRP_TOPNRmax: announcements of a change; all nodes flush when the time that
            the first one names is over.
        link_down_interval_ps: MRP_LNKdownT: a client repeats its news so often.
        link_up_interval_ps: MRP_LNKupT.
        link_change_count: MRP_LNKNRmax.
        reacts_to_link_change: Whether the manager opens the ring at the news of a client already
            (REACT_ON_LINK_CHANGE) instead of waiting for its tests to be missed.
    """

    test_interval_ps: int
    short_test_interval_ps: int
    test_miss_count: int
    extended_test_miss_count: int
    topology_interval_ps: int
    topology_count: int
    link_down_interval_ps: int
    link_up_interval_ps: int
    link_change_count: int
    reacts_to_link_change: bool


def _mrp(default_us: int, short_us: int, misses: int, topology_us: int, link_us: int) -> MrpTimers:
    return MrpTimers(
        test_interval_ps=default_us * _PS_PER_US,
        short_test_interval_ps=short_us * _PS_PER_US,
        test_miss_count=misses,
        extended_test_miss_count=15,
        topology_interval_ps=topology_us * _PS_PER_US,
        topology_count=3,
        link_down_interval_ps=link_us * _PS_PER_US,
        link_up_interval_ps=link_us * _PS_PER_US,
        link_change_count=4,
        reacts_to_link_change=True,
    )


MRP_TIMERS = {
    500: _mrp(50_000, 30_000, 5, 20_000, 20_000),
    200: _mrp(20_000, 10_000, 3, 10_000, 20_000),
    30: _mrp(3_500, 1_000, 3, 500, 3_000),
    10: _mrp(1_000, 500, 3, 500, 1_000),
}
"""Parameter sets by the recovery time in milliseconds that each promises in the worst case.

Source: IEC 62439-2:2021, tables of the manager's and the client's parameters (from memory). Two open
implementations, INET 4.5 and Microchip's mrp, have the same for the manager; for the interval at which a client
repeats its news they differ (INET's, taken here: 20 ms for 500 and 3 ms for 30; Microchip's: 100 ms for
500). No recovery time depends on it unless the first of these frames is lost.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DlrTimers:
    """Parameters of a Device Level Ring.

    Attributes:
        beacon_interval_ps: The supervisor sends a beacon out of both ports so often.
        beacon_timeout_ps: Without a beacon for so long, a port takes the ring for broken.
        neighbour_check_timeout_ps: How long a node waits for its neighbour's answer.
        neighbour_check_count: Tries before the neighbour is reported.
    """

    beacon_interval_ps: int
    beacon_timeout_ps: int
    neighbour_check_timeout_ps: int
    neighbour_check_count: int


DLR_TIMERS = DlrTimers(
    beacon_interval_ps=400 * _PS_PER_US,
    beacon_timeout_ps=1960 * _PS_PER_US,
    neighbour_check_timeout_ps=100 * _PS_PER_MS,
    neighbour_check_count=3,
)
"""Defaults of a Device Level Ring.

Source: ODVA CIP Networks Library volume 2, 9-5 and the DLR object 0x47 (beacon interval 400 us, timeout
1960 us); neighbour check from memory of 9-5.
"""

DLR_PROMISE_PS = 3 * _PS_PER_MS
"""Recovery time of 50 nodes at 100 Mbit/s with the default beacons. Source: ODVA, EtherNet/IP: Device
Level Ring (technical overview)."""
MOST_NODES = 50
"""Nodes of a ring for which the recovery times of MRP and DLR are promised. Source: IEC 62439-2:2021,
MRP parameter sets; ODVA as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RstpTimers:
    """Parameters of the Rapid Spanning Tree Protocol.

    Attributes:
        hello_ps: Hello Time; a port without news for three of them forgets what it knew.
        forward_delay_ps: Forward Delay: between states where no agreement helps.
        max_age_count: Max Age: bridges that news of the root may have passed.
        hold_count: Transmit Hold Count: BPDUs of a port in a second.
        bridge_priorities: Of each node of the ring, in its order; the least is the root.
    """

    hello_ps: int
    forward_delay_ps: int
    max_age_count: int
    hold_count: int
    bridge_priorities: tuple[int, ...]


def rstp_timers(bridge_priorities: tuple[int, ...]) -> RstpTimers:
    """The recommended values. Source: IEEE Std 802.1D-2004, table 17-1."""
    return RstpTimers(
        hello_ps=2000 * _PS_PER_MS,
        forward_delay_ps=15_000 * _PS_PER_MS,
        max_age_count=20,
        hold_count=6,
        bridge_priorities=bridge_priorities,
    )


def path_cost(line_bps: int) -> int:
    """Recommended cost of a link in a spanning tree. Source: IEEE Std 802.1D-2004, table 17-3."""
    return max(1, min(200_000_000, 20 * 10**12 // line_bps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Bridges that one recovery protocol runs between.

    For MRP and DLR, segment i joins node i and the next one, the last one and the first. For RSTP
    the segments may form any connected network.

    Attributes:
        name: For people.
        nodes: In order around the ring; for MRP and DLR the first is the manager or supervisor,
            whose port on the last segment is the one that it blocks.
        segments: Links between them.
        processing_ps: Of each node: from the reception of a protocol frame until it acts on it or
            sends it on.
        detection_ps: From the loss of a link until the nodes at its ends notice it.
        timers: Parameters, and by their kind the protocol.
    """

    name: str
    nodes: tuple[str, ...]
    segments: tuple[RingSegment, ...]
    processing_ps: tuple[int, ...]
    detection_ps: int
    timers: MrpTimers | DlrTimers | RstpTimers


def promised_ps(ring: Ring) -> int | None:
    """Recovery time that the protocol promises with the ring's parameters; None when it does not."""
    if len(ring.nodes) > MOST_NODES:
        return None
    if ring.timers == DLR_TIMERS:
        return DLR_PROMISE_PS
    for promise_ms, timers in MRP_TIMERS.items():
        if ring.timers == timers:
            return promise_ms * _PS_PER_MS
    return None


def active_segments(ring: Ring, failed: Collection[int] = ()) -> frozenset[int]:
    """Segments that carry frames once the ring has recovered from the loss of some.

    An MRP or DLR ring in order keeps its last segment out of service; a broken one uses all that are left.
    RSTP leaves the links by which each bridge reaches the root at the least cost.

    Source: IEEE Std 802.1D-2004, 17.6 (priority vectors) for RSTP.
    """
    whole = [index for index in range(len(ring.segments)) if index not in failed]
    if not isinstance(ring.timers, RstpTimers):
        return frozenset(whole if failed else whole[:-1])
    priorities = ring.timers.bridge_priorities
    ends = [tuple(node_index(ring, end) for end in segment.ends) for segment in ring.segments]
    rank = [(priority, node) for node, priority in enumerate(priorities)]
    # By cost to the root, then by the better neighbour: (cost, rank of the neighbour, segment).
    found: dict[int, int] = {}
    costs: dict[int, int] = {}
    for start in sorted(range(len(ring.nodes)), key=lambda node: rank[node]):
        if start in costs:
            continue
        costs[start] = 0  # the best of those that are joined with no better one: root of its part
        waiting = [(0, rank[start], start, -1)]
        done: set[int] = set()
        while waiting:
            cost, _, node, segment = heapq.heappop(waiting)
            if node in done:
                continue
            done.add(node)
            costs[node] = cost
            if segment >= 0:
                found[node] = segment
            for index in whole:
                if node in ends[index]:
                    (other,) = set(ends[index]) - {node}
                    further = cost + path_cost(ring.segments[index].line_bps)
                    heapq.heappush(waiting, (further, rank[node], other, index))
    return frozenset(found.values())


def node_index(ring: Ring, end: str) -> int:
    """Which node of a ring a port belongs to."""
    for index, node in enumerate(ring.nodes):
        if end.startswith(f"{node}."):
            return index
    message = f"the port {end} is of no node of {ring.name}"
    raise ValueError(message)

# SPDX-License-Identifier: Apache-2.0
"""The plan as a network of flows and servers.

A *flow* is one hop of one stream, a *server* is one queue of one egress. A server's
waits depend on the jitter of the flows in its queue and in higher queues of the
same egress; a flow's jitter depends on the waits at the hops before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import networkx as nx

from netplan.bounds.arrivals import Line, Windows, line_of, windows_of
from netplan.bounds.contention import Contention
from netplan.bounds.transmitter import Transmitter, transmitter_of
from netplan.media.interface import DelayTerm, GrantMechanism
from netplan.plan.model import Hop, Plan, PlannedStream

NO_WIRE = -1
"""Ingress of frames that no wire has spaced: released here, or sent at grants."""


@dataclass(slots=True, kw_only=True)
class Flow:
    """One hop of one stream.

    Attributes:
        stream_index: Into the plan.
        hop_index: Into the stream's hops.
        parent_index: Flow of the hop before; -1 at the talker.
        children: Flows of the hops behind.
        egress_index: Transmitter of the hop.
        ingress_index: Egress whose wire brought the frames, or :data:`NO_WIRE`.
        server_index: Its server.
        windows: Work of its messages at the transmitter.
        period_ps: Of its messages.
        rate_per_one: Long-term work per time, in 1 / ONE.
        frame_octets: Distinct sizes on this hop, ascending.
        least_work_ps: Work of the smallest frame, which waits longest.
        most_work_ps: Work of the largest frame.
        carried_ps: Jitter that the fixed terms since the parent's queue add.
        jitter_ps: How much later one message than another may enter the queue against its
            release; None when unknown.
        unknown: Why the jitter is unknown.
        spoils: Why jitter is unknown behind this hop, whatever its server says.
    """

    stream_index: int
    hop_index: int
    parent_index: int
    egress_index: int
    ingress_index: int
    server_index: int
    windows: Windows
    period_ps: int
    rate_per_one: int
    frame_octets: tuple[int, ...]
    least_work_ps: int
    most_work_ps: int
    carried_ps: int
    jitter_ps: int | None
    unknown: str = ""
    spoils: str = ""
    children: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Server:
    """One queue of one egress.

    Attributes:
        egress_index: Transmitter.
        queue_index: Queue.
        own: Flows in this queue.
        above: Flows in higher queues of the egress.
        blocking_ps: Longest frame of a lower queue.
        refused: Why there is no bound; empty when there is one.
        contention: What a frame waits for, once it has been worked out.
        waits_ps: Longest waits by excluded own work, as they become known.
    """

    egress_index: int
    queue_index: int
    own: list[int] = field(default_factory=list)
    above: list[int] = field(default_factory=list)
    blocking_ps: int = 0
    refused: str = ""
    contention: Contention | None = None
    waits_ps: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Network:
    """Flows, servers and what joins them.

    Attributes:
        plan: What is analysed.
        transmitters: By egress.
        flows: All flows, parents before children.
        flow_of: Flow by stream and hop.
        servers: All servers.
        servers_at: Servers of each egress, highest queue first.
        lines: Cap of arrivals at an egress (second) by the wire of another (first).
        names: Names of the streams.
    """

    plan: Plan
    transmitters: list[Transmitter]
    flows: list[Flow] = field(default_factory=list)
    flow_of: list[list[int]] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    servers_at: dict[int, list[int]] = field(default_factory=dict)
    lines: dict[tuple[int, int], Line] = field(default_factory=dict)

    def stream(self, flow: Flow) -> PlannedStream:
        """The stream that a flow is a hop of."""
        return self.plan.streams[flow.stream_index]

    def hop(self, flow: Flow) -> Hop:
        """The hop that a flow is."""
        return self.stream(flow).hops[flow.hop_index]

    def wait_ps(self, server: Server, frame_octets: int) -> int:
        """Longest wait of a frame at a server that is not refused.

        On a wire until the frame starts, otherwise until its last bit has been served.
        """
        transmitter = self.transmitters[server.egress_index]
        excluded_ps = transmitter.work_ps(frame_octets) if transmitter.is_wire else 0
        wait_ps = server.waits_ps.get(excluded_ps)
        if wait_ps is None:
            assert server.contention is not None
            wait_ps = server.contention.longest_wait_ps(excluded_ps)
            server.waits_ps[excluded_ps] = wait_ps
        return wait_ps


def spread_ps(terms: Iterable[DelayTerm]) -> int:
    """How much the sum of fixed terms may vary."""
    return sum(term.max_ps - term.min_ps for term in terms)


def least_ps(terms: Iterable[DelayTerm]) -> int:
    """Least sum of fixed terms."""
    return sum(term.min_ps for term in terms)


def most_ps(terms: Iterable[DelayTerm]) -> int:
    """Largest sum of fixed terms."""
    return sum(term.max_ps for term in terms)


def network_of(plan: Plan) -> Network:
    """Build flows and servers, with the jitter that fixed terms alone cause."""
    network = Network(plan=plan, transmitters=[transmitter_of(egress) for egress in plan.egresses])
    server_of: dict[tuple[int, int], int] = {}
    for stream_index, stream in enumerate(plan.streams):
        spoiling = _spoiling_hops(plan, stream) if stream.no_bound else frozenset()
        indices: list[int] = []
        sizes = sorted({octets for message in stream.emission.messages for octets in message})
        for hop_index, hop in enumerate(stream.hops):
            key = (hop.egress_index, hop.queue_index)
            server_index = server_of.get(key)
            if server_index is None:
                server_index = server_of[key] = len(network.servers)
                network.servers.append(
                    Server(egress_index=hop.egress_index, queue_index=hop.queue_index)
                )
            parent = indices[hop.parent_index] if hop.parent_index >= 0 else -1
            flow = _flow_of(network, stream_index, hop_index, parent, server_index, sizes)
            if hop_index in spoiling:
                flow.spoils = stream.no_bound
            index = len(network.flows)
            network.flows.append(flow)
            network.servers[server_index].own.append(index)
            if parent >= 0:
                network.flows[parent].children.append(index)
            indices.append(index)
        network.flow_of.append(indices)
    _join_queues(network)
    _draw_lines(network)
    return network


def _flow_of(
    network: Network, stream_index: int, hop_index: int, parent: int, server: int, sizes: list[int]
) -> Flow:
    stream = network.plan.streams[stream_index]
    hop, emission = stream.hops[hop_index], stream.emission
    transmitter = network.transmitters[hop.egress_index]
    octets = tuple(size + hop.added_octets for size in sizes)
    # A medium with neither curve nor line has no time of its own; its server is refused.
    works_ps = [transmitter.work_ps(size) if transmitter.rate_bps else 0 for size in octets]
    work_of = dict(zip(sizes, works_ps, strict=True))
    windows = windows_of(
        tuple(sum(work_of[size] for size in message) for message in emission.messages)
    )
    ingress, jitter_ps = NO_WIRE, emission.jitter_ps
    carried_ps = spread_ps(hop.before)
    if parent >= 0:
        before = network.flows[parent]
        behind = network.transmitters[before.egress_index]
        ingress = before.egress_index if behind.is_wire else NO_WIRE
        carried_ps += spread_ps(network.hop(before).after)
        if behind.is_wire:
            least_octets = before.frame_octets[0]
            carried_ps += behind.delivery_ps(least_octets) - behind.least_delivery_ps(least_octets)
        assert before.jitter_ps is not None
        jitter_ps = before.jitter_ps
    return Flow(
        stream_index=stream_index,
        hop_index=hop_index,
        parent_index=parent,
        egress_index=hop.egress_index,
        ingress_index=ingress,
        server_index=server,
        windows=windows,
        period_ps=emission.period_ps,
        rate_per_one=windows.rate(emission.period_ps),
        frame_octets=octets,
        least_work_ps=works_ps[0],
        most_work_ps=works_ps[-1],
        carried_ps=carried_ps,
        jitter_ps=jitter_ps + carried_ps,
    )


def _spoiling_hops(plan: Plan, stream: PlannedStream) -> frozenset[int]:
    """Hops behind which nothing is known of a stream that has no bound for its own reasons.

    Such a reason (handover) belongs to a medium that sends at grants; where a path
    has none, nothing is known from the first hop on.
    """
    at_grants = {
        index
        for index, hop in enumerate(stream.hops)
        if isinstance(plan.egresses[hop.egress_index].mechanism, GrantMechanism)
    }
    for end in stream.listener_hops:
        index = end
        while index >= 0 and index not in at_grants:
            index = stream.hops[index].parent_index
        if index < 0:
            return frozenset(index for index, hop in enumerate(stream.hops) if hop.parent_index < 0)
    return frozenset(at_grants)


def _join_queues(network: Network) -> None:
    """Tell each server what is above it, and the longest frame below it."""
    for index, server in enumerate(network.servers):
        network.servers_at.setdefault(server.egress_index, []).append(index)
    for indices in network.servers_at.values():
        indices.sort(key=lambda index: -network.servers[index].queue_index)
        above: list[int] = []
        for index in indices:
            network.servers[index].above = list(above)
            above += network.servers[index].own
        blocking_ps = 0
        for index in reversed(indices):
            server = network.servers[index]
            server.blocking_ps = blocking_ps
            longest_ps = max(network.flows[flow].most_work_ps for flow in server.own)
            blocking_ps = max(blocking_ps, longest_ps)


def _draw_lines(network: Network) -> None:
    """Work out how wires cap what arrives over them at the next transmitters."""
    members: defaultdict[tuple[int, int], list[Flow]] = defaultdict(list)
    for flow in network.flows:
        if flow.ingress_index != NO_WIRE and network.transmitters[flow.egress_index].rate_bps:
            members[flow.ingress_index, flow.egress_index].append(flow)
    for (ingress, egress_index), flows in members.items():
        wire, transmitter = network.transmitters[ingress], network.transmitters[egress_index]
        pairs = {
            pair
            for flow in flows
            for pair in zip(
                network.flows[flow.parent_index].frame_octets, flow.frame_octets, strict=True
            )
        }
        gain, cost = 0, 1
        for octets_before, octets in pairs:
            work_ps, spacing_ps = transmitter.work_ps(octets), wire.spacing_ps(octets_before)
            if work_ps * cost > gain * spacing_ps:
                gain, cost = work_ps, spacing_ps
        least = most = None
        for flow in flows:
            terms = network.hop(network.flows[flow.parent_index]).after + network.hop(flow).before
            low, high = least_ps(terms), most_ps(terms)
            least = low if least is None else min(least, low)
            most = high if most is None else max(most, high)
        assert least is not None
        assert most is not None
        network.lines[ingress, egress_index] = line_of(gain, cost, most - least)


def dependencies(network: Network) -> nx.DiGraph[int]:
    """Servers, with an edge to every server whose waits depend on theirs."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(network.servers)))
    edges = set()
    for flow in network.flows:
        if flow.parent_index < 0:
            continue
        source = network.flows[flow.parent_index].server_index
        queue_index = network.servers[flow.server_index].queue_index
        for target in network.servers_at[flow.egress_index]:
            if network.servers[target].queue_index <= queue_index:
                edges.add((source, target))
    graph.add_edges_from(edges)
    return graph

# SPDX-License-Identifier: Apache-2.0
"""The network of flows and servers, built from a plan.

What it fills in holds without any wait: work, sizes, the jitter that fixed terms, cut-through,
copies over several ways and clocks alone cause. Waits come in by
:mod:`netplan.bounds.fixpoint`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import networkx as nx

from netplan.bounds.arrivals import Windows, trace_of, windows_of
from netplan.bounds.lines import draw_lines
from netplan.bounds.model import (
    NO_WIRE,
    Access,
    Flow,
    Network,
    Residence,
    Server,
    Way,
    least_ps,
    most_ps,
    spread_ps,
)
from netplan.bounds.ports import is_preemptable, open_ports
from netplan.bounds.regulators import regulate
from netplan.bounds.servers import join_queues, refuse_moved, watch
from netplan.bounds.transmitter import Transmitter, transmitter_of
from netplan.media.interface import GrantMechanism
from netplan.plan.model import Hop, Plan, PlannedStream

__all__ = [
    "NO_WIRE",
    "Access",
    "Flow",
    "Network",
    "Residence",
    "Server",
    "Way",
    "hops_before",
    "least_ps",
    "most_ps",
    "network_of",
    "spread_ps",
]


def network_of(plan: Plan, doubled: frozenset[tuple[int, int]] = frozenset()) -> Network:
    """Build flows and servers, with the jitter that fixed terms alone cause.

    Args:
        plan: What to analyse.
        doubled: Stream and first member of recoveries that may let duplicates pass.
    """
    network = Network(plan=plan, transmitters=[transmitter_of(egress) for egress in plan.egresses])
    server_of: dict[tuple[int, int], int] = {}
    clocks = () if plan.synchronisation is None else plan.synchronisation.clocks
    errors_ps = {clock.node: clock.error_ps for clock in clocks}
    for stream_index, stream in enumerate(plan.streams):
        spoiling = _spoiling_hops(plan, stream) if stream.no_bound else frozenset()
        indices = [-1] * len(stream.hops)
        making = _Making(
            network=network,
            stream_index=stream_index,
            indices=indices,
            doubled=doubled,
            sizes=sorted({octets for message in stream.emission.messages for octets in message}),
            filtered=_filters(plan, stream),
            clock_error_ps=errors_ps.get(stream.talker, 0),
        )
        for hop_index in _in_order(stream):
            hop = stream.hops[hop_index]
            key = (hop.egress_index, hop.queue_index)
            server_index = server_of.get(key)
            if server_index is None:
                server_index = server_of[key] = len(network.servers)
                network.servers.append(
                    Server(egress_index=hop.egress_index, queue_index=hop.queue_index)
                )
            flow = making.flow(hop_index, server_index)
            if hop_index in spoiling:
                flow.spoils = stream.no_bound
            index = len(network.flows)
            network.flows.append(flow)
            network.servers[server_index].own.append(index)
            for way in flow.ways:
                network.flows[way.parent_index].children.append(index)
            indices[hop_index] = index
        network.flow_of.append(indices)
    join_queues(network)
    refuse_moved(network)
    open_ports(network)
    regulate(network)
    draw_lines(network)
    watch(network)
    return network


def hops_before(stream: PlannedStream, hop_index: int) -> tuple[int, ...]:
    """Hops that a hop continues: none at the talker, several behind a recovery."""
    return joined_with(stream, stream.hops[hop_index].parent_index)


def joined_with(stream: PlannedStream, hop_index: int) -> tuple[int, ...]:
    """A hop with the others of its recovery, if it is the first of one."""
    if hop_index < 0:
        return ()
    for recovery in stream.recoveries:
        if recovery.members[0] == hop_index:
            return recovery.members
    return (hop_index,)


def _in_order(stream: PlannedStream) -> list[int]:
    """Hops with all that they continue before them."""
    if not stream.recoveries:
        return list(range(len(stream.hops)))
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(stream.hops)))
    graph.add_edges_from(
        (before, hop_index)
        for hop_index in range(len(stream.hops))
        for before in hops_before(stream, hop_index)
    )
    return list(nx.lexicographical_topological_sort(graph))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """What a stream is at transmitters of one kind; attributes as in :class:`Flow`."""

    windows: Windows
    octets: Windows
    rate_per_one: int
    frame_octets: tuple[int, ...]
    least_work_ps: int
    most_work_ps: int


@dataclass(slots=True, kw_only=True)
class _Making:
    """Makes the flows of one stream, parents first.

    Attributes:
        network: That they belong to.
        stream_index: Whose flows.
        indices: Flow by hop, as far as made.
        doubled: Stream and first member of recoveries that may let duplicates pass.
        sizes: Frame sizes that the talker sends, ascending.
        filtered: Whether some sizes may be dropped on the way.
        clock_error_ps: Largest difference of the talker's clock from network time.
        loads: What is known of it, by kind of transmitter.
    """

    network: Network
    stream_index: int
    indices: list[int]
    doubled: frozenset[tuple[int, int]]
    sizes: list[int]
    filtered: bool
    clock_error_ps: int
    loads: dict[tuple[int, ...], _Load] = field(default_factory=dict)

    def flow(self, hop_index: int, server_index: int) -> Flow:
        """The flow of one hop."""
        plan = self.network.plan
        stream = plan.streams[self.stream_index]
        hop, emission = stream.hops[hop_index], stream.emission
        transmitter = self.network.transmitters[hop.egress_index]
        before = hops_before(stream, hop_index)
        alive, losses = self._passing(hop, before)
        ways = tuple([self._way(hop, member) for member in before])
        copies = 1
        for way in ways:
            copies = max(copies, self.network.flows[way.parent_index].copies_count)
        if before and (self.stream_index, before[0]) in self.doubled:
            copies *= len(before)
        load = self._load(transmitter, hop.added_octets, alive, copies)
        if ways:
            flows = self.network.flows
            earliest_ps = min([flows[w.parent_index].earliest_ps + w.least_ps for w in ways])
            latest_ps = 0
            for way in ways:
                parent = flows[way.parent_index]
                assert parent.jitter_ps is not None
                left_ps = parent.earliest_ps + parent.jitter_ps + way.least_ps
                latest_ps = max(latest_ps, left_ps + way.carried_ps)
            carried_ps = ways[0].carried_ps
        else:
            earliest_ps = least_ps(hop.before)
            carried_ps = spread_ps(hop.before)
            latest_ps = earliest_ps + emission.jitter_ps + carried_ps
            if emission.phase_ps is not None:
                latest_ps += 2 * self.clock_error_ps
        return Flow(
            stream_index=self.stream_index,
            hop_index=hop_index,
            parent_index=ways[0].parent_index if ways else -1,
            ways=ways,
            egress_index=hop.egress_index,
            ingress_index=self._ingress(ways),
            server_index=server_index,
            windows=load.windows,
            octets=load.octets,
            period_ps=emission.period_ps,
            rate_per_one=load.rate_per_one,
            frame_octets=load.frame_octets,
            least_work_ps=load.least_work_ps,
            most_work_ps=load.most_work_ps,
            carried_ps=carried_ps,
            earliest_ps=earliest_ps,
            jitter_ps=latest_ps - earliest_ps,
            copies_count=copies,
            losses=tuple(losses),
            gone="" if alive else f"no frame of {stream.name} is small enough to come so far",
        )

    def _load(
        self, transmitter: Transmitter, added_octets: int, alive: list[int], copies_count: int
    ) -> _Load:
        """What the stream is at a transmitter; most hops are alike."""
        rate_bps = transmitter.rate_bps
        around = (transmitter.lead_octets, transmitter.tail_octets)
        key = (rate_bps, *around, added_octets, copies_count, *alive)
        load = self.loads.get(key)
        if load is None:
            # A medium with neither curve nor line has no time of its own; its server is refused.
            work_of, octets_of = dict.fromkeys(self.sizes, 0), dict.fromkeys(self.sizes, 0)
            for size in alive:
                octets_of[size] = size + added_octets
                work_of[size] = transmitter.work_ps(size + added_octets) if rate_bps else 0
            works_ps = [work_of[size] for size in alive] or [0]
            windows = self._windows(work_of, copies_count)
            load = self.loads[key] = _Load(
                windows=windows,
                octets=self._windows(octets_of, copies_count),
                rate_per_one=windows.rate(
                    self.network.plan.streams[self.stream_index].emission.period_ps
                ),
                frame_octets=tuple([size + added_octets for size in alive or self.sizes]),
                least_work_ps=works_ps[0],
                most_work_ps=works_ps[-1],
            )
        return load

    def _windows(self, sum_of: dict[int, int], copies_count: int) -> Windows:
        emission = self.network.plan.streams[self.stream_index].emission
        sums = tuple(
            [copies_count * sum([sum_of[size] for size in one]) for one in emission.messages]
        )
        if emission.offsets_ps:
            return trace_of(sums, emission.offsets_ps, emission.period_ps)
        return windows_of(sums)

    def _ingress(self, ways: tuple[Way, ...]) -> int:
        if len(ways) != 1:
            return NO_WIRE
        before = self.network.flows[ways[0].parent_index].egress_index
        return before if self.network.transmitters[before].is_wire else NO_WIRE

    def _passing(self, hop: Hop, before: tuple[int, ...]) -> tuple[list[int], list[str]]:
        """Sizes, without what this hop adds, that enter its queue, and what happens to others."""
        stream, sizes = self.network.plan.streams[self.stream_index], self.sizes
        egress = self.network.plan.egresses[hop.egress_index]
        if egress.rules is None and not self.filtered:
            return sizes, []
        losses: list[str] = []
        alive = set(sizes) if not before else set()
        for member in before:
            flow = self.network.flows[self.indices[member]]
            come = set()
            if not flow.gone:
                added = self.network.hop(flow).added_octets
                come = {octets - added for octets in flow.frame_octets}
            reception = stream.hops[member].reception
            limits = reception.filter if reception is not None else None
            if limits is not None and limits.largest_frame_octets is not None:
                added = stream.hops[member].added_octets
                pass_on = {size for size in come if size + added <= limits.largest_frame_octets}
                come = pass_on
            alive |= come
        if egress.rules is not None and hop.queue_index < len(egress.rules.queues):
            largest = egress.rules.queues[hop.queue_index].largest_frame_octets
            if largest is not None and any(size + hop.added_octets > largest for size in alive):
                alive = {size for size in alive if size + hop.added_octets <= largest}
                losses.append(
                    f"queue {hop.queue_index} of {egress.name} drops frames of more than {largest} "
                    "octets"
                )
        return sorted(alive), losses

    def _way(self, hop: Hop, member: int) -> Way:
        """From the queue of a hop before to the queue of this one."""
        network, parent_index = self.network, self.indices[member]
        before = network.flows[parent_index]
        behind = network.transmitters[before.egress_index]
        terms = network.hop(before).after + hop.before
        least = fixed_ps = least_ps(terms)
        carried_ps = varies_ps = most_ps(terms) - fixed_ps
        if behind.is_wire:
            octets = first_octets = before.frame_octets[0]
            if hop.cut_through_octets is not None:
                first_octets = min(hop.cut_through_octets, octets)
                if received_whole(network, before):
                    carried_ps += behind.delivery_ps(octets) - behind.delivery_ps(first_octets)
            delivery_ps = behind.least_delivery_ps(first_octets)
            carried_ps += behind.delivery_ps(first_octets) - delivery_ps
            least += delivery_ps
        return Way(
            parent_index=parent_index,
            least_ps=least,
            carried_ps=carried_ps,
            fixed_ps=fixed_ps,
            varies_ps=varies_ps,
        )


def _filters(plan: Plan, stream: PlannedStream) -> bool:
    """Whether anything on the way may drop frames for their size."""
    return any(
        hop.reception is not None or plan.egresses[hop.egress_index].rules is not None
        for hop in stream.hops
    )


def received_whole(network: Network, flow: Flow) -> bool:
    """Whether frames behind a hop may be held until they are wholly received, cut through or not.

    So it is where they are looked at (filter, recovery, scheduler) or may come in fragments.
    """
    stream, hop = network.stream(flow), network.hop(flow)
    return (
        hop.reception is not None
        or any(flow.hop_index in recovery.members for recovery in stream.recoveries)
        or is_preemptable(network.plan.egresses[hop.egress_index], hop.queue_index)
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

# SPDX-License-Identifier: Apache-2.0
"""How the servers of a network depend on each other.

Queues of one egress meet at its wire; servers further on depend on the waits of those before.
"""

from __future__ import annotations

import networkx as nx

from netplan.bounds.model import Network, Server


def join_queues(network: Network) -> None:
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


def refuse_moved(network: Network) -> None:
    """Refuse what a stream gate may put frames into by its own choice of queue."""
    for flow in network.flows:
        for way in flow.ways:
            reception = network.hop(network.flows[way.parent_index]).reception
            gate = None if reception is None or reception.filter is None else reception.filter.gate
            queue_index = network.hop(flow).queue_index
            if gate is None or all(
                entry.queue_index in {-1, queue_index} for entry in gate.entries
            ):
                continue
            for index in network.servers_at[flow.egress_index]:
                network.servers[index].refused = (
                    f"stream gate {gate.name} at {network.hop(flow).from_node} puts frames of "
                    f"{network.stream(flow).name} into different queues of "
                    f"{network.transmitters[flow.egress_index].name}"
                )


def watch(network: Network) -> None:
    """Tell each server whose waits depend on its arrivals or on its own waits."""
    for indices in network.servers_at.values():
        plain = all(network.servers[index].access is None for index in indices)
        for place, index in enumerate(indices):
            if plain:
                network.servers[index].watchers = indices[place:]
                continue
            server = network.servers[index]
            server.heirs = [
                other
                for other in indices
                if (access := network.servers[other].access) is not None
                and index in (*access.apart, *access.interrupting)
            ]
            server.watchers = [
                other
                for other in indices
                if network.servers[other].queue_index <= server.queue_index
                or _meets(network.servers[other], index)
            ]


def _meets(server: Server, other: int) -> bool:
    """Whether the rules of a server let another one's frames go before."""
    access = server.access
    return access is not None and other in (
        *access.strict,
        *access.apart,
        *access.rivals,
        *access.interrupting,
    )


def dependencies(network: Network) -> nx.DiGraph[int]:
    """Servers, with an edge to every server whose waits depend on theirs."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(network.servers)))
    edges: set[tuple[int, int]] = set()
    for flow in network.flows:
        for way in flow.ways:
            source = network.flows[way.parent_index].server_index
            edges.update((source, target) for target in network.servers[flow.server_index].watchers)
    for index, server in enumerate(network.servers):
        edges.update((index, heir) for heir in server.heirs)
    graph.add_edges_from(edges)
    return graph

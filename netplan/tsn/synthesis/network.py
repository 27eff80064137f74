# SPDX-License-Identifier: Apache-2.0
"""Possible routes in a network that is given as a graph, worked out when they are asked for.

Every path without a repeated node is a possible route, every node may forward. The first
candidate is the route with the fewest hops (in the order of the links among equals); further
ones avoid what the ones before them used, as far as that is possible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from netplan.tsn.synthesis.problem import Port, Route, RouteHop

_HOP_WEIGHT = 1
"""So that of equally light routes the one with fewer hops wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One direction of a wire: the port at its beginning, and the delays around it.

    Attributes:
        from_node: Holds the port.
        to_node: Receives.
        forwarding_ps: From reception by ``from_node`` to the queue of this port; a talker has none.
        propagation_ps: From the last octet leaving to its reception.
    """

    from_node: str
    to_node: str
    forwarding_ps: int
    propagation_ps: int


@dataclass(slots=True, kw_only=True)
class Network:
    """Links by the index of their port, with what has been worked out about them."""

    links: tuple[Link, ...]
    _out: dict[str, list[int]] = field(default_factory=dict)
    _trees: dict[str, dict[str, int]] = field(default_factory=dict)
    _weights: Mapping[int, int] | None = None
    _distances: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """List the ports of each node."""
        for index, link in enumerate(self.links):
            self._out.setdefault(link.from_node, []).append(index)

    def out(self, node: str) -> Sequence[int]:
        """Ports of a node."""
        return self._out.get(node, ())

    def reachable(self, start: str) -> Mapping[str, int]:
        """Every node that frames from ``start`` can reach, with the port by which they come."""
        tree = self._trees.get(start)
        if tree is None:
            tree = {}
            ring = [start]
            while ring:
                following = []
                for node in ring:
                    for port in self.out(node):
                        to_node = self.links[port].to_node
                        if to_node not in tree and to_node != start:
                            tree[to_node] = port
                            following.append(to_node)
                ring = following
            self._trees[start] = tree
        return tree

    def lightest_tree(
        self, start: str, ends: Sequence[str], weights: Mapping[int, int]
    ) -> dict[str, int]:
        """For each node on the lightest ways to the ends, the port by which frames come."""
        came: dict[str, int] = {}
        done: set[str] = set()
        open_ends = set(ends)
        best = {start: 0}
        heap = [(0, 0, start)]
        count = 0
        while heap and open_ends:
            distance, _, node = heappop(heap)
            if node in done:
                continue
            done.add(node)
            open_ends.discard(node)
            for port in self.out(node):
                to_node = self.links[port].to_node
                length = distance + weights.get(port, 0) + _HOP_WEIGHT
                if to_node not in done and length < best.get(to_node, length + 1):
                    best[to_node] = length
                    came[to_node] = port
                    count += 1
                    heappush(heap, (length, count, to_node))
        return came

    def distances(self, start: str, weights: Mapping[int, int]) -> Mapping[str, int]:
        """Least weight of all ports on the way to each node; kept while ``weights`` is the same."""
        if self._weights is not weights:
            self._weights = weights
            self._distances = {}
        found = self._distances.get(start)
        if found is None:
            found = {start: 0}
            done: set[str] = set()
            heap = [(0, start)]
            while heap:
                distance, node = heappop(heap)
                if node in done:
                    continue
                done.add(node)
                for port in self.out(node):
                    to_node = self.links[port].to_node
                    length = distance + weights.get(port, 0)
                    if to_node not in done and length < found.get(to_node, length + 1):
                        found[to_node] = length
                        heappush(heap, (length, to_node))
            self._distances[start] = found
        return found


@dataclass(slots=True, kw_only=True)
class NetworkRoutes:
    """Routes of one stream through a network.

    Attributes:
        network: Which.
        talker: Where frames start.
        listeners: All of which can be reached from the talker, which is none of them.
        queue_index: Queue that the stream uses everywhere.
    """

    network: Network
    talker: str
    listeners: tuple[str, ...]
    queue_index: int
    _known: list[Route] = field(default_factory=list)
    _complete: bool = False

    def candidate(self, index: int) -> Route | None:
        """As in :class:`netplan.tsn.synthesis.problem.Routes`."""
        if not self._known:
            self._known.append(self._route(self.network.reachable(self.talker)))
        while len(self._known) <= index and not self._complete:
            used: dict[int, int] = {}
            for route in self._known:
                for port in route.ports:
                    used[port] = used.get(port, 0) + 2
            route = self.lightest(used)
            if route in self._known:
                self._complete = True
            else:
                self._known.append(route)
        return self._known[index] if index < len(self._known) else None

    def lightest(self, weights: Mapping[int, int]) -> Route:
        """As in :class:`netplan.tsn.synthesis.problem.Routes`."""
        return self._route(self.network.lightest_tree(self.talker, self.listeners, weights))

    def least_weight(self, weights: Mapping[int, int]) -> int:
        """The heaviest of the lightest ways to each listener: no tree is lighter."""
        distances = self.network.distances(self.talker, weights)
        return max(distances[listener] for listener in self.listeners)

    def quickest(self, listener_index: int, frame_octets: int, ports: Sequence[Port]) -> Route:
        """As in :class:`netplan.tsn.synthesis.problem.Routes`."""
        weights = {
            index: ports[index].data_ps(frame_octets)
            + (link.forwarding_ps if link.from_node != self.talker else 0)
            + link.propagation_ps
            for index, link in enumerate(self.network.links)
        }
        del listener_index  # lightest ways to all listeners form one tree
        return self.lightest(weights)

    def every(self, limit_count: int) -> tuple[Route, ...] | None:
        """As in :class:`netplan.tsn.synthesis.problem.Routes`; of multicast only a single tree."""
        found: list[list[int]] = []
        for listener in self.listeners:
            limit = limit_count if len(self.listeners) == 1 else 1
            ways = self._ways(listener, limit)
            if ways is None:
                return None
            found = ways
        if len(self.listeners) > 1:
            first = self.candidate(0)
            assert first is not None
            return (first,)
        return tuple(
            self._route({self.network.links[port].to_node: port for port in way}) for way in found
        )

    def _ways(self, listener: str, limit_count: int) -> list[list[int]] | None:
        """All ways to a listener without a repeated node; None when there are too many."""
        found: list[list[int]] = []
        steps = 0
        way: list[int] = []
        on_way = {self.talker}
        stack = [iter(self.network.out(self.talker))]
        while stack:
            steps += 1
            port = next(stack[-1], None)
            if port is None:
                stack.pop()
                if way:
                    on_way.discard(self.network.links[way.pop()].to_node)
                continue
            node = self.network.links[port].to_node
            if node in on_way:
                continue
            if node == listener:
                found.append([*way, port])
                if len(found) > limit_count:
                    return None
                continue
            if steps > 1000 * (limit_count + 1):
                return None
            way.append(port)
            on_way.add(node)
            stack.append(iter(self.network.out(node)))
        found.sort(key=len)
        return found

    def _route(self, came: Mapping[str, int]) -> Route:
        """The tree of hops that a map of incoming ports describes."""
        links = self.network.links
        hop_at: dict[str, int] = {self.talker: -1}
        hops: list[RouteHop] = []
        for listener in self.listeners:
            way = []
            node = listener
            while node not in hop_at:
                way.append(came[node])
                node = links[came[node]].from_node
            for port in reversed(way):
                link = links[port]
                parent = hop_at[link.from_node]
                forwarding_ps = link.forwarding_ps if parent >= 0 else 0
                hop_at[link.to_node] = len(hops)
                hops.append(
                    RouteHop(
                        port_index=port,
                        parent_index=parent,
                        before_min_ps=forwarding_ps,
                        before_max_ps=forwarding_ps,
                        after_min_ps=link.propagation_ps,
                        after_max_ps=link.propagation_ps,
                        queue_index=self.queue_index,
                    )
                )
        return Route(
            hops=tuple(hops),
            listener_hops=tuple(hop_at[listener] for listener in self.listeners),
        )

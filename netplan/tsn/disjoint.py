# SPDX-License-Identifier: Apache-2.0
"""Disjoint ways for redundant streams.

Where talker or listener hang on one cable, nothing is disjoint there: the ways part
at the first node with a choice and join at the last one. Together they have the fewest hops
possible; a plan does not change when nothing changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import networkx as nx

_Place = tuple[str, bool]
"""A node, and whether the search has left it already (else it has only come to it)."""


def disjoint_ways(
    neighbours: Mapping[str, Sequence[str]],
    forwards: Mapping[str, bool],
    start: str,
    end: str,
    count: int,
) -> tuple[tuple[str, ...], ...]:
    """At most ``count`` ways that share no node between the first and the last with a choice.

    Args:
        neighbours: Nodes that each node can send to; links carry both directions.
        forwards: Whether a node passes frames of others on.
        start: Talker.
        end: Listener.
        count: Ways wanted.

    Returns:
        Node by node from start to end, shortest first; fewer than wanted where there are no more.
    """
    onward = _between(neighbours, forwards, start, end)
    if not onward:
        return ()
    head = _until_choice(onward, start, end)
    if head[-1] == end:
        return (tuple(head),)
    tail = _until_choice(onward, end, start)
    ways = _Ways(onward, head[-1], tail[-1])
    while len(ways.begins) < count and ways.add():
        pass
    found = sorted(ways.all(), key=len)
    return tuple((*head[:-1], *middle, *reversed(tail[:-1])) for middle in found)


def _between(
    neighbours: Mapping[str, Sequence[str]], forwards: Mapping[str, bool], start: str, end: str
) -> dict[str, list[str]]:
    """Neighbours of the nodes that some way from start to end passes, dead ends left out.

    With start and end joined by a link of their own, these are the nodes of the biconnected
    component that holds this link.
    """
    graph: nx.Graph[str] = nx.Graph()
    for node, others in neighbours.items():
        for other in others:
            if all(one in (start, end) or forwards.get(one, False) for one in (node, other)):
                graph.add_edge(node, other)
    if start not in graph or end not in graph:
        return {}
    direct = graph.has_edge(start, end)
    graph.add_edge(start, end)
    # The type stubs know these sets as lists of sets.
    parts: Iterable[set[str]] = nx.biconnected_components(graph)  # type: ignore[assignment]
    kept = next(part for part in parts if {start, end} <= part)
    if kept == {start, end} and not direct:
        return {}
    return {
        node: [other for other in neighbours.get(node, ()) if other in kept]
        for node in neighbours
        if node in kept
    }


def _until_choice(onward: Mapping[str, Sequence[str]], start: str, end: str) -> list[str]:
    """Nodes from ``start`` to the first from which more than one leads on."""
    way = [start]
    while way[-1] != end:
        ahead = [node for node in onward[way[-1]] if node not in way]
        if len(ahead) != 1:
            break
        way.append(ahead[0])
    return way


class _Ways:
    """Ways from one node to another that share no other node, with the fewest hops in all.

    Each further way is the cheapest change of those found: it may take the links of earlier ways
    backwards, which takes these links out of use again.

    Source: Suurballe, Disjoint paths in a network (1974); Bhandari, Survivable Networks (1999).
    """

    def __init__(self, onward: Mapping[str, Sequence[str]], start: str, end: str) -> None:
        self._onward = onward
        self._start = start
        self._end = end
        self._after: dict[str, str] = {}
        self._before: dict[str, str] = {}
        self.begins: list[str] = []
        """The node behind the start on each way."""

    def all(self) -> list[tuple[str, ...]]:
        """Node by node, both ends included."""
        found = []
        order = [node for node in self._onward[self._start] if node in self.begins]
        for node in order:
            way = [self._start, node]
            while way[-1] != self._end:
                way.append(self._after[way[-1]])
            found.append(tuple(way))
        return found

    def add(self) -> bool:
        """Find one way more; False when there is none."""
        change = self._change()
        if not change:
            return False
        forth = [(a, b) for (a, left), (b, _) in pairwise(change) if left and a != b]
        back = [(b, a) for (a, left), (b, _) in pairwise(change) if not left and a != b]
        for a, b in back:
            if a == self._start:
                self.begins.remove(b)
            elif self._after.get(a) == b:
                del self._after[a]
            if b != self._end and self._before.get(b) == a:
                del self._before[b]
        for a, b in forth:
            if a == self._start:
                self.begins.append(b)
            else:
                self._after[a] = b
            if b != self._end:
                self._before[b] = a
        return True

    def _change(self) -> list[_Place]:
        """The cheapest walk from start to end over unused links, or used ones backwards."""
        first: _Place = (self._start, True)
        cost = {first: 0}
        came: dict[_Place, _Place] = {}
        queue = deque([first])
        while queue:
            place = queue.popleft()
            for other, price in self._steps(place):
                if cost[place] + price < cost.get(other, 1 << 30):
                    cost[other] = cost[place] + price
                    came[other] = place
                    queue.append(other)
        last: _Place = (self._end, False)
        if last not in came:
            return []
        walk = [last]
        while walk[-1] != first:
            walk.append(came[walk[-1]])
        return walk[::-1]

    def _steps(self, place: _Place) -> Iterator[tuple[_Place, int]]:
        node, left = place
        if node == self._end:
            return
        if not left:
            before = self._before.get(node)
            if before is None:
                yield (node, True), 0
            else:
                yield (before, True), -1
            return
        if node in self._before:
            yield (node, False), 0
        for other in self._onward[node]:
            used = other in self.begins if node == self._start else self._after.get(node) == other
            if other != self._start and not used:
                yield (other, False), 1

# SPDX-License-Identifier: Apache-2.0
"""Routes: shortest ways and trees through forwarding nodes, or the way that was asked for.

Fewest hops win; among equals the way whose links were written first in the
design, so that a plan does not change when nothing changed. Only nodes that forward
may stand between talker and listener.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise


@dataclass(slots=True)
class Router:
    """Shortest routes over a directed graph, remembered per starting node.

    Attributes:
        neighbours: Nodes that each node can send to, in order of preference.
        forwards: Whether a node passes frames of others on.
    """

    neighbours: Mapping[str, Sequence[str]]
    forwards: Mapping[str, bool]
    _trees: dict[str, dict[str, str]] = field(default_factory=dict)

    def shortest(self, start: str, end: str) -> tuple[str, ...] | None:
        """Nodes from start to end, both included; None when there is no way."""
        if start == end:
            return (start,)
        best: tuple[str, ...] | None = None
        for first in self.neighbours.get(start, ()):
            way = self._from_forwarder(first, end, start)
            if way is not None and (best is None or len(way) + 1 < len(best)):
                best = (start, *way)
        return best

    def through(self, waypoints: Sequence[str]) -> tuple[str, ...] | None:
        """The shortest way that passes the waypoints in order; None when one leg has none.

        A waypoint named twice in a row counts once, so that a path may name its own ends.
        """
        way: tuple[str, ...] = (waypoints[0],)
        distinct = [one for one, _ in groupby(waypoints)]
        for start, end in pairwise(distinct):
            leg = self.shortest(start, end)
            if leg is None or (len(way) > 1 and not self.forwards[start]):
                return None
            way += leg[1:]
        return way

    def _from_forwarder(self, start: str, end: str, origin: str) -> tuple[str, ...] | None:
        """A way that begins at a node which passes frames on (or is the end itself)."""
        if start == end:
            return (start,)
        if not self.forwards[start]:
            return None
        parents = self._tree(start)
        if end not in parents:
            return None
        nodes = [end]
        while nodes[-1] != start:
            nodes.append(parents[nodes[-1]])
        if origin in nodes:
            return None
        return tuple(reversed(nodes))

    def _tree(self, start: str) -> dict[str, str]:
        """Breadth-first tree: the predecessor of every node that can be reached."""
        tree = self._trees.get(start)
        if tree is None:
            tree = {}
            queue = deque([start])
            while queue:
                node = queue.popleft()
                if node != start and not self.forwards[node]:
                    continue
                for neighbour in self.neighbours.get(node, ()):
                    if neighbour != start and neighbour not in tree:
                        tree[neighbour] = node
                        queue.append(neighbour)
            self._trees[start] = tree
        return tree

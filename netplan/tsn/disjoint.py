# SPDX-License-Identifier: Apache-2.0
"""Disjoint ways for redundant streams.

Where talker or listener hang on one cable, nothing is disjoint there: the ways part
at the first node with a choice and join at the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx


def disjoint_ways(
    neighbours: Mapping[str, Sequence[str]],
    forwards: Mapping[str, bool],
    start: str,
    end: str,
    count: int,
) -> tuple[tuple[str, ...], ...]:
    """At most ``count`` ways that share no node between the first and the last with a choice.

    Args:
        neighbours: Nodes that each node can send to.
        forwards: Whether a node passes frames of others on.
        start: Talker.
        end: Listener.
        count: Ways wanted.

    Returns:
        Node by node from start to end, shortest first; fewer than wanted where there are no more.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    for node, others in neighbours.items():
        if node == start or forwards.get(node, False):
            graph.add_edges_from((node, other) for other in others if other != start)
    if start not in graph or end not in graph:
        return ()
    head = _until_choice(graph, start, end)
    tail = _until_choice(graph.reverse(copy=False), end, start)
    if head[-1] in tail:  # the only way there is
        joint = tail.index(head[-1])
        return ((*head, *reversed(tail[:joint])),)
    inner = graph.subgraph(set(graph) - set(head[:-1]) - set(tail[:-1]))
    if not nx.has_path(inner, head[-1], tail[-1]):
        return ()
    found = nx.node_disjoint_paths(inner, head[-1], tail[-1], cutoff=count)
    middles = sorted((tuple(one) for one in found), key=lambda way: (len(way), way))
    return tuple((*head[:-1], *middle, *reversed(tail[:-1])) for middle in middles[:count])


def _until_choice(graph: nx.DiGraph[str], start: str, end: str) -> list[str]:
    """Nodes from ``start`` to the first from which more than one leads on."""
    way = [start]
    while way[-1] != end:
        ahead = [node for node in graph.successors(way[-1]) if node not in way]
        if len(ahead) != 1:
            break
        way.append(ahead[0])
    return way

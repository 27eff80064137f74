# SPDX-License-Identifier: Apache-2.0
"""Ways of a stream and the tree that they make: where copies part, and where they come together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from netplan.plan.channel import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One channel on a way, and what a tunnel adds to the frames there."""

    channel: Channel
    added_octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """All channels from a talker to one listener.

    ``merges`` is the kind of redundancy where it is one of several: ``frer``, ``hsr`` or ``prp``.
    """

    steps: tuple[Step, ...]
    merges: str = "frer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """All ways of one stream, their common beginnings merged.

    Attributes:
        steps: Each with the index of its parent (-1 at the talker), parents first.
        ends: For each listener, the step that ends there.
        members: For each node where copies come together, the steps that lead to it.
    """

    steps: tuple[tuple[Step, int], ...]
    ends: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]


def tree_of(ways_of: Sequence[Sequence[Way]]) -> Tree:
    """Merge the ways to all listeners; several to one listener come together before it.

    Copies that come together go on as if they had come over the first of their ways; every
    way to a joint comes before the steps behind it.
    """
    joins = dict.fromkeys(joint(ways) for ways in ways_of if len(ways) > 1)
    steps: list[tuple[Step, int]] = []
    index_of: dict[tuple[int, tuple[str, str]], int] = {}
    members: dict[str, list[int]] = {node: [] for node in joins}
    ends: list[int] = []
    for ways in ways_of:
        parent = -1
        for way in ways:
            parent = -1
            for step in way.steps:
                key = (parent, (step.channel.from_node, step.channel.to_node))
                if key not in index_of:
                    index_of[key] = len(steps)
                    steps.append((step, parent))
                parent = index_of[key]
                if step.channel.to_node in joins:
                    together = members[step.channel.to_node]
                    if parent not in together:
                        together.append(parent)
                    parent = together[0]
        ends.append(parent)
    joined = [tuple(one) for one in members.values() if len(one) > 1]
    order = _order(steps, joined)
    place = {old: new for new, old in enumerate(order)} | {-1: -1}
    return Tree(
        steps=tuple((steps[old][0], place[steps[old][1]]) for old in order),
        ends=tuple(place[end] for end in ends),
        members=tuple(tuple(place[one] for one in together) for together in joined),
    )


def _order(steps: Sequence[tuple[Step, int]], joined: Sequence[tuple[int, ...]]) -> list[int]:
    """Indices of steps, each behind its parent and all that joins its parent."""
    if not joined:
        return list(range(len(steps)))
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(steps)))
    with_parent = {together[0]: together for together in joined}
    for index, (_, parent) in enumerate(steps):
        if parent >= 0:
            graph.add_edges_from((one, index) for one in with_parent.get(parent, (parent,)))
    if not nx.is_directed_acyclic_graph(graph):
        return list(range(len(steps)))  # ways that cross; the planner refuses them
    return list(nx.lexicographical_topological_sort(graph))


def joint(ways: Sequence[Way]) -> str:
    """Node from which all ways to a listener are the same."""
    backwards = zip(*(reversed(way.steps) for way in ways), strict=False)
    node = ways[0].steps[-1].channel.to_node
    for steps in backwards:
        if len({step.channel.from_node for step in steps}) > 1:
            break
        node = steps[0].channel.from_node
    return node


def tagged(ways: Sequence[Way], merges: str, tag_octets: int) -> tuple[Way, ...]:
    """Copies carry a redundancy tag from where the ways part to where they come together."""
    if len(ways) < 2:
        return tuple(ways)
    apart, node = _apart(ways), joint(ways)
    found = []
    for way in ways:
        last = next(i for i, step in enumerate(way.steps) if step.channel.to_node == node)
        steps = tuple(
            replace(step, added_octets=step.added_octets + tag_octets)
            if apart <= index <= last
            else step
            for index, step in enumerate(way.steps)
        )
        found.append(Way(steps=steps, merges=merges))
    return tuple(found)


def _apart(ways: Sequence[Way]) -> int:
    """Number of steps that all ways begin with."""
    count = 0
    for steps in zip(*(way.steps for way in ways), strict=False):
        if len({step.channel.to_node for step in steps}) > 1:
            break
        count += 1
    return count


def shared_node(ways: Sequence[Way], planned: Collection[str]) -> str:
    """A node that two ways pass between parting and coming together; empty when there is none.

    A tunnel may bring it about: two radio clients of one base station share more than they show.

    Args:
        ways: With tunnels unfolded.
        planned: Nodes of the ways before that: only there may they part and come together.
    """
    if len(ways) < 2:
        return ""
    apart, node = _apart(ways), joint(ways)
    for one in (ways[0].steps[apart].channel.from_node, node):
        if one not in planned:
            return one
    passed: set[str] = set()
    for way in ways:
        inner = [step.channel.to_node for step in way.steps[apart:]]
        for one in inner[: inner.index(node)]:
            if one in passed:
                return one
            passed.add(one)
    return ""


def crossing_node(ways_of: Sequence[Sequence[Way]]) -> str:
    """A node at which the ways to several listeners spoil each other; empty when there is none.

    A node receives the stream over one hop, or it is where copies come together; nothing
    is led back to a node that the stream has passed; and all copies on a hop carry the
    redundancy tag, or none does.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    octets: dict[tuple[str, str], int] = {}
    joins = {joint(ways) for ways in ways_of if len(ways) > 1}
    for step in (step for ways in ways_of for way in ways for step in way.steps):
        hop = (step.channel.from_node, step.channel.to_node)
        graph.add_edge(*hop)
        if octets.setdefault(hop, step.added_octets) != step.added_octets:
            return step.channel.to_node
    for node in graph:
        if graph.in_degree(node) > 1 and node not in joins:
            return node
    if nx.is_directed_acyclic_graph(graph):
        return ""
    return str(nx.find_cycle(graph)[0][0])

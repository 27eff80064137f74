# SPDX-License-Identifier: Apache-2.0
"""Shortest ways, against all ways that networkx finds."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from netplan.tsn.simple_paths import SimplePaths


@st.composite
def networks(draw: st.DrawFn) -> tuple[dict[str, list[str]], dict[str, bool]]:
    names = [f"n{number}" for number in range(draw(st.integers(2, 7)))]
    pairs = [(one, other) for one in names for other in names if one != other]
    chosen = draw(st.sets(st.sampled_from(pairs)))
    neighbours = {name: sorted(b for a, b in chosen if a == name) for name in names}
    return neighbours, {name: draw(st.booleans()) for name in names}


@given(network=networks(), count=st.integers(1, 8))
def test_ways_are_the_shortest_of_all(
    network: tuple[dict[str, list[str]], dict[str, bool]], count: int
) -> None:
    neighbours, forwards = network
    paths = SimplePaths(neighbours, forwards)
    graph = nx.DiGraph([(a, b) for a, others in neighbours.items() for b in others])
    graph.add_nodes_from(neighbours)
    for start in neighbours:
        for end in neighbours:
            found = paths.shortest(start, end, count)
            every = [
                tuple(way)
                for way in nx.all_simple_paths(graph, start, end)
                if start != end and all(forwards[node] for node in way[1:-1])
            ]
            assert len(found) == len(set(found)) == min(count, len(every))
            assert set(found) <= set(every)
            assert [len(way) for way in found] == sorted(map(len, every))[:count]

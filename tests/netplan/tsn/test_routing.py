# SPDX-License-Identifier: Apache-2.0
"""Routes: shortest, the same every time, and only through nodes that forward."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.tsn.routing import Router


def router(links: Iterable[str], hosts: str = "") -> Router:
    """Links such as ``ab`` join two nodes of one letter; all but the hosts forward."""
    neighbours: dict[str, list[str]] = {}
    for link in links:
        one, other = link[0], link[1]
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    return Router(neighbours=neighbours, forwards={node: node not in hosts for node in neighbours})


def way(nodes: tuple[str, ...] | None) -> str | None:
    return None if nodes is None else "".join(nodes)


RING = ["as", "st", "tu", "uv", "vs", "ub"]
"""Hosts a at s and b at u of the ring s-t-u-v: two ways of equal length."""


@pytest.mark.parametrize(
    ("links", "hosts", "start", "end", "expected"),
    [
        pytest.param(["as", "sb"], "ab", "a", "b", "asb", id="one switch"),
        pytest.param(["as", "st", "tb", "sb"], "ab", "a", "b", "asb", id="shortest"),
        pytest.param(["ab"], "ab", "a", "b", "ab", id="direct"),
        pytest.param(["as", "sb"], "ab", "a", "a", "a", id="to itself"),
        pytest.param(["as", "sb"], "ab", "a", "s", "as", id="to a switch"),
        pytest.param(["as", "tb"], "ab", "a", "b", None, id="no way"),
        pytest.param(["ah", "hb"], "abh", "a", "b", None, id="not through a host"),
        pytest.param(
            ["ah", "hb", "as", "st", "tb"], "abh", "a", "b", "astb", id="round a host, longer"
        ),
        pytest.param(["as", "sb"], "ab", "a", "x", None, id="unknown end"),
        pytest.param(["as", "sb"], "ab", "x", "a", None, id="unknown start"),
        pytest.param(RING, "ab", "a", "b", "astub", id="tie: the link written first"),
        pytest.param(["vs", *RING], "ab", "a", "b", "asvub", id="tie: the other one first"),
        pytest.param(["as", "at", "sb", "tb"], "ab", "a", "b", "asb", id="two ports of the talker"),
    ],
)
def test_shortest(links: list[str], hosts: str, start: str, end: str, expected: str | None) -> None:
    assert way(router(links, hosts).shortest(start, end)) == expected


@pytest.mark.parametrize(
    ("waypoints", "expected"),
    [
        pytest.param("ab", "astub", id="none"),
        pytest.param("avb", "asvub", id="the other side of the ring"),
        pytest.param("astub", "astub", id="every node"),
        pytest.param("aastub", "astub", id="the talker too"),
        pytest.param("atvb", "astsvub", id="there and back, if asked for"),
        pytest.param("axb", None, id="unknown"),
        pytest.param("acb", None, id="a host does not pass frames on"),
    ],
)
def test_through(waypoints: str, expected: str | None) -> None:
    assert way(router([*RING, "cs", "cu"], "abc").through(tuple(waypoints))) == expected


def test_a_path_may_end_with_its_listener() -> None:
    """Who writes the whole way writes both ends: the first is allowed, so must be the last."""
    assert way(router(RING, "ab").through(("a", "s", "t", "u", "b", "b"))) == "astub"


def test_asking_again_or_in_another_order_changes_nothing() -> None:
    one, other = router(RING, "ab"), router(RING, "ab")
    pairs = [(start, end) for start in "abstuv" for end in "abstuv"]
    forward = {pair: one.shortest(*pair) for pair in pairs}
    assert {pair: other.shortest(*pair) for pair in reversed(pairs)} == forward
    assert {pair: one.shortest(*pair) for pair in pairs} == forward


GRAPHS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")).filter(
        lambda pair: pair[0] != pair[1]
    ),
    unique_by=lambda pair: tuple(sorted(pair)),
    min_size=1,
    max_size=16,
)


@given(GRAPHS, st.sets(st.sampled_from("abcdefgh")), st.sampled_from("abcdefgh"), st.data())
def test_as_short_as_any_way_through_forwarding_nodes(
    links: list[tuple[str, str]], hosts: set[str], start: str, data: st.DataObject
) -> None:
    """Against networkx on the graph without the hosts that lie in between."""
    end = data.draw(st.sampled_from([node for node in "abcdefgh" if node != start]))
    found = router(["".join(link) for link in links], "".join(hosts)).shortest(start, end)
    graph = nx.Graph(links)
    graph.remove_nodes_from([node for node in hosts - {start, end} if node in graph])
    known = start in graph and end in graph and nx.has_path(graph, start, end)
    assert (found is not None) == known
    if found is None:
        return
    assert len(found) == 1 + nx.shortest_path_length(graph, start, end)
    assert len(set(found)) == len(found)
    assert not set(found[1:-1]) & hosts
    assert all(graph.has_edge(*pair) for pair in pairwise(found))

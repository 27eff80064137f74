# SPDX-License-Identifier: Apache-2.0
"""Disjoint ways: in rings and meshes by hand, and against trying all sets of ways."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from itertools import chain, combinations, pairwise

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.tsn.disjoint import disjoint_ways


def neighbours_of(links: Iterable[str]) -> dict[str, list[str]]:
    """Links such as ``ab`` join two nodes of one letter."""
    neighbours: dict[str, list[str]] = {}
    for link in links:
        one, other = link[0], link[1]
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    return neighbours


def ways(links: str, start_end: str, count: int, hosts: str = "") -> list[str]:
    """Ways between two nodes over links such as ``as sb``; hosts pass nothing on."""
    neighbours = neighbours_of(links.split())
    forwards = {node: node not in hosts for node in neighbours}
    found = disjoint_ways(neighbours, forwards, start_end[0], start_end[1], count)
    return ["".join(way) for way in found]


RING = "st tu uv vw wx xs"
"""Six bridges s to x in a ring."""


@pytest.mark.parametrize(
    ("links", "start_end", "hosts", "count", "expected"),
    [
        pytest.param(f"as {RING} ub", "ab", "ab", 2, ["astub", "asxwvub"], id="single-homed"),
        pytest.param(f"as {RING} tb", "ab", "ab", 2, ["astb", "asxwvutb"], id="ring neighbours"),
        # a at s and v, b at t and u: a-s-t-b and a-v-u-b
        pytest.param(
            f"as av {RING} bt bu", "ab", "ab", 2, ["astb", "avub"], id="both ends dual-homed"
        ),
        pytest.param(f"as av {RING} bu", "ab", "ab", 2, ["avub", "astub"], id="talker dual-homed"),
        pytest.param(
            f"as {RING} bu bx", "ab", "ab", 2, ["asxb", "astub"], id="listener dual-homed"
        ),
        pytest.param("ab as sb", "ab", "ab", 2, ["ab", "asb"], id="a cable of their own"),
        pytest.param("ab", "ab", "ab", 2, ["ab"], id="a cable of their own and no other"),
        pytest.param("as st tb", "ab", "ab", 2, ["astb"], id="a line has one way"),
        # A stub hangs on each bridge before the ring: that is no choice of ways.
        pytest.param(
            "ac cd de cs st tu uv vs vb ch", "ab", "abeh", 2, ["acsvb", "acstuvb"], id="stubs"
        ),
        # Two rings joined by the link u-p: nothing is disjoint between them.
        pytest.param(
            "as st tu us up pq qr rp rb", "ab", "ab", 2, ["asuprb"], id="two rings and a bridge"
        ),
        # The server h joins s and u, but passes nothing on.
        pytest.param("as st tu ub sh hu", "ab", "abh", 2, ["astub"], id="not through hosts"),
        # The shortest way s-t-u-v alone would leave no other: t and u are on all ways.
        pytest.param(
            "as st tu uv vb sx xu ty yv", "ab", "ab", 2, ["astyvb", "asxuvb"], id="no greed"
        ),
        pytest.param("as st sb tb su ub", "ab", "ab", 4, ["asb", "astb", "asub"], id="fewer"),
        pytest.param("as sb", "ac", "", 2, [], id="no such listener"),
        pytest.param("as tb", "ab", "ab", 2, [], id="not connected"),
        pytest.param("ah hb", "ab", "abh", 2, [], id="connected by a host only"),
    ],
)
def test_by_hand(links: str, start_end: str, hosts: str, count: int, expected: list[str]) -> None:
    assert ways(links, start_end, count, hosts) == expected


MESH = "as st su sv tw uw vw tu uv wb"
"""Bridges s and w joined over t, u and v, which are joined as well."""


@pytest.mark.parametrize(("count", "found"), [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_as_many_as_wanted_in_a_mesh(count: int, found: int) -> None:
    assert ways(MESH, "ab", count, "ab") == ["astwb", "asuwb", "asvwb"][:found]


@st.composite
def networks(draw: st.DrawFn) -> tuple[dict[str, list[str]], dict[str, bool]]:
    nodes = "abcdefg"[: draw(st.integers(2, 7))]
    pairs = [one + other for one, other in combinations(nodes, 2)]
    links = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=11))
    alone: dict[str, list[str]] = {node: [] for node in nodes}
    neighbours = alone | neighbours_of(links)
    forwards = {node: draw(st.integers(0, 4)) > 0 for node in nodes}
    return neighbours, forwards


@given(networks(), st.integers(1, 3))
def test_no_set_of_ways_is_larger_or_shorter(
    network: tuple[dict[str, list[str]], dict[str, bool]], count: int
) -> None:
    neighbours, forwards = network
    found = disjoint_ways(neighbours, forwards, "a", "b", count)
    passing = {node for node in neighbours if forwards[node]} | {"a", "b"}
    graph = nx.Graph((one, other) for one in passing for other in neighbours[one])
    graph.add_nodes_from("ab")
    simple = list(nx.all_simple_paths(graph.subgraph(passing), "a", "b"))
    used = {frozenset(link) for way in simple for link in pairwise(way)}
    if not simple:
        assert found == ()
        return

    def forced(start: str, end: str) -> int:
        """Nodes before the first with a choice."""
        here, count, seen = start, 0, {start}
        while here != end:
            ahead = {node for link in used if here in link for node in link} - seen
            if len(ahead) != 1:
                return count
            (here,) = ahead
            seen.add(here)
            count += 1
        return count

    cut, cut_end = forced("a", "b"), forced("b", "a")
    if len(simple) == 1:
        assert found == (tuple(simple[0]),)
        return
    inner = {tuple(way): way[cut + 1 : len(way) - cut_end - 1] for way in simple}

    def disjoint(some: Iterable[tuple[str, ...]]) -> bool:
        passed = list(chain.from_iterable(inner[way] for way in some))
        return len(set(passed)) == len(passed)

    sets = [
        some for size in range(1, count + 1) for some in combinations(inner, size) if disjoint(some)
    ]
    most = max(map(len, sets))
    shortest = min(sum(map(len, some)) for some in sets if len(some) == most)
    assert set(found) <= inner.keys()
    assert disjoint(found)
    assert len(found) == most
    assert sum(map(len, found)) == shortest
    assert list(map(len, found)) == sorted(map(len, found))


def test_the_ways_do_not_depend_on_the_run() -> None:
    """Nothing of it follows from the order of a set, which Python changes with every run."""
    program = (
        "from netplan.tsn.disjoint import disjoint_ways\n"
        "names = [f'sw{i}' for i in range(12)]\n"
        "near = {n: [m for m in names if m != n] for n in names}\n"
        "near['sw0'] += ['a']; near['sw9'] += ['b']\n"
        "near |= {'a': ['sw0'], 'b': ['sw9']}\n"
        "print(disjoint_ways(near, dict.fromkeys(names, True), 'a', 'b', 4))\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1

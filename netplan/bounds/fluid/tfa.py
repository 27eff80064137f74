# SPDX-License-Identifier: Apache-2.0
"""Total flow analysis: the longest stay at each station, all its flows taken together.

What came over one link is also limited by its line. On cyclic dependencies stays are sought in
floats and then proven in fractions: stays D with F(D) < D, F giving the stays that bursts grown by
D cause, are bounds. Up to any instant the true stays d are finite and at most F(d); F is concave
and not negative, so that a least factor above 1 with d <= factor * D would not be the least.

Source: Le Boudec, Thiran, Network Calculus (2001), 1.4; Mifdaoui, Leydier, Beyond the
accuracy-complexity tradeoffs of compositional analyses using network calculus (2017); Thomas,
Le Boudec, Mifdaoui, On cyclic dependencies and regulators in time-sensitive networks (2019);
Plassart, Le Boudec, Equivalent versions of total flow analysis (2021).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final, Generic

import networkx as nx

from netplan.bounds.fluid.curves import Line, Number, added, longest_delay, needed
from netplan.bounds.fluid.stations import Bucket, Stations
from netplan.bounds.fluid.unrolled import Group, Tree

_MOST_ROUNDS: Final = 20_000
_PARTS: Final = 1 << 30
"""Stays are rounded up to such parts of a picosecond, so that fractions stay short."""
_WIDENINGS: Final = (Fraction(1, 10**12), Fraction(1, 10**9), Fraction(1, 10**7))
"""Relative room that is given to a solution in floats until its proof goes through."""
_ROOM_PS: Final = Fraction(1, 1000)
"""Room beside it, for stays that are nearly 0."""


def total_flow_analysis(network: Stations) -> None:
    """Work out the longest stay at every station and what each step brings there.

    Where there is no such bound, stays remain None and what is behind remains unknown.
    """
    floats, exact = _Analysis(network, float), _Analysis(network, Fraction)
    for component in components(network):
        if not exact.arrivals_known(component) or not _prove(floats, exact, component):
            continue
        for station in component:
            network.stations[station].delay_ps = exact.stays[station]
            floats.stays[station] = float(exact.stays[station])
            floats.known[station] = exact.known[station] = True
    for index, step in enumerate(network.steps):
        if step.parent_index >= 0 and exact.step_known(index):
            late_ps = exact.late(index)
            step.buckets = tuple(
                Bucket(bucket.bits + bucket.rate * late_ps, bucket.rate) for bucket in step.contract
            )


def components(network: Stations) -> list[list[int]]:
    """Stations that depend on each other in a circle together, each after those before it."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(network.stations)))
    graph.add_edges_from(network.links)
    condensed = nx.condensation(graph)
    return [
        sorted(condensed.nodes[component]["members"])
        for component in nx.topological_sort(condensed)
    ]


def stays_in_tree(network: Stations, tree: Tree) -> list[Fraction | None]:
    """Longest stays at the places of a tree, from what is known of flows where they enter it."""
    stays: list[Fraction | None] = [None] * len(tree.places)
    # Groups at each place by the station they come from, with what they bring by now.
    here: list[dict[int, list[tuple[Group, list[Line[Fraction]]]]]] = [{} for _ in tree.places]
    for group in tree.groups:
        curve = added([network.steps[step].buckets for step in group.steps])
        here[group.entry_index].setdefault(group.from_index, []).append((group, curve))
    for index in range(len(tree.places) - 1, -1, -1):
        place = tree.places[index]
        curves = []
        for link_from, members in here[index].items():
            curve = added([curve for _, curve in members])
            link = network.links.get((link_from, place.station_index))
            if link is not None and link.line is not None:
                curve = needed([*curve, link.line])
            curves.append(curve)
        station = network.stations[place.station_index]
        found = longest_delay(added(curves), station.final_pieces)
        if found is None:
            return stays
        stay = _rounded_up(max(found, Fraction(0)))
        if station.delay_ps is not None:
            stay = min(stay, station.delay_ps)
        stays[index] = stay
        if place.next_index < 0:
            break
        link = network.links[place.station_index, tree.places[place.next_index].station_index]
        late = stay + link.most_ps - link.least_ps
        for members in here[index].values():
            for group, curve in members:
                if group.exit_index != index:
                    moved = [(bits + rate * late, rate) for bits, rate in curve]
                    on = here[place.next_index].setdefault(place.station_index, [])
                    on.append((group, moved))
    return stays


def _rounded_up(stay: Fraction) -> Fraction:
    return Fraction(ceil(stay * _PARTS), _PARTS)


def _prove(floats: _Analysis[float], exact: _Analysis[Fraction], component: list[int]) -> bool:
    """Find and prove stays of a component; False when they grow without end."""
    for station in component:
        floats.stays[station] = 0.0
    after: list[float] = []
    for _ in range(_MOST_ROUNDS):
        before = [floats.stays[station] for station in component]
        if not floats.improve(component):
            return False
        after = [floats.stays[station] for station in component]
        if all(new <= old * (1 + 1e-14) for old, new in zip(before, after, strict=True)):
            break
    else:
        return False
    for widening in _WIDENINGS:
        claimed = [Fraction(stay) * (1 + widening) + _ROOM_PS for stay in after]
        for station, claim in zip(component, claimed, strict=True):
            exact.stays[station] = claim
        if exact.improve(component) and all(
            exact.stays[station] < claim for station, claim in zip(component, claimed, strict=True)
        ):
            exact.improve(component)
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Group(Generic[Number]):
    """Flows that came the same way: stations before, spread of the links, sum of contracts."""

    route: tuple[int, ...]
    spread: Number
    contract: list[Line[Number]]


class _Analysis(Generic[Number]):
    """Stays in floats or in fractions, and how they follow from each other."""

    def __init__(self, network: Stations, number: Callable[[Fraction], Number]) -> None:
        self._zero: Number = number(Fraction(0))
        self.stays: list[Number] = [self._zero for _ in network.stations]
        self.known = [False for _ in network.stations]
        self._pieces: list[list[Line[Number]]] = [
            [(number(piece.rate), number(piece.deficit)) for piece in station.final_pieces]
            for station in network.stations
        ]
        self._lines: dict[tuple[int, int], Line[Number]] = {
            key: (number(link.line.bits), number(link.line.rate))
            for key, link in network.links.items()
            if link.line is not None
        }
        self._before: list[tuple[tuple[int, ...], Number]] = []
        together: dict[tuple[int, ...], list[list[Line[Number]]]] = {}
        spreads: dict[tuple[int, ...], Number] = {}
        for step in network.steps:
            route: tuple[int, ...] = ()
            spread = self._zero
            if step.parent_index >= 0:
                route, spread = self._before[step.parent_index]
                previous = network.steps[step.parent_index].station_index
                route = (*route, previous)
                link = network.links[previous, step.station_index]
                spread += number(link.most_ps - link.least_ps)
            self._before.append((route, spread))
            way = (*route, step.station_index)
            lines = [(number(bucket.bits), number(bucket.rate)) for bucket in step.contract]
            together.setdefault(way, []).append(lines)
            spreads[way] = spread
        # By station, and by the station that a link comes from (-1 when flows start here).
        self._groups: list[dict[int, list[_Group[Number]]]] = [{} for _ in network.stations]
        for way, contracts in together.items():
            link_from = way[-2] if len(way) > 1 else -1
            group = _Group(way[:-1], spreads[way], added(contracts))
            self._groups[way[-1]].setdefault(link_from, []).append(group)

    def late(self, step_index: int) -> Number:
        """The most by which bits of a step may be late against entering the network."""
        route, spread = self._before[step_index]
        return sum((self.stays[station] for station in route), spread)

    def step_known(self, step_index: int) -> bool:
        """Whether all stays before a step are known."""
        return all(self.known[station] for station in self._before[step_index][0])

    def arrivals_known(self, component: list[int]) -> bool:
        """Whether nothing unknown outside of a component comes into it."""
        inside = set(component)
        return all(
            self.known[station] or station in inside
            for member in component
            for groups in self._groups[member].values()
            for group in groups
            for station in group.route
        )

    def improve(self, component: list[int]) -> bool:
        """Work out the stations anew, one after the other; False when one has no bound."""
        for station in component:
            stay = self._stay(station)
            if stay is None:
                return False
            self.stays[station] = stay
        return True

    def _stay(self, station: int) -> Number | None:
        curves: list[list[Line[Number]]] = []
        for link_from, groups in self._groups[station].items():
            parts: list[list[Line[Number]]] = []
            for group in groups:
                late = sum((self.stays[before] for before in group.route), group.spread)
                parts.append([(bits + rate * late, rate) for bits, rate in group.contract])
            curve: list[Line[Number]] = added(parts)
            line = self._lines.get((link_from, station))
            if line is not None:
                curve.append(line)
            curves.append(needed(curve))
        if not curves:
            return self._zero
        stay = longest_delay(added(curves), self._pieces[station])
        if stay is None:
            return None
        if isinstance(stay, Fraction):
            stay = _rounded_up(stay)
        return max(stay, self._zero)

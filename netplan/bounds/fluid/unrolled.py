# SPDX-License-Identifier: Apache-2.0
"""What is before one station, unrolled to a tree of places.

A *place* is a station as seen over one way to the last station; a station with several ways has
several places. Where the tree ends - at a cycle, or because it is large enough - flows enter it
with what is known or sought about them there. Flows that take the same way through the tree
are one *group*.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from netplan.bounds.fluid.dates import dates_at
from netplan.bounds.fluid.stations import Stations

_FINER: Final = ((64, 7), (1, 9))
"""Turns of dates and the largest depth of a tree at which so many are thought of."""


@dataclass(slots=True, kw_only=True)
class Place:
    """A station as seen over one way.

    Attributes:
        station_index: Which.
        depth_count: Stations until the last one, both counted.
        next_index: Place behind; -1 at the last station.
        before: Places before, by station.
    """

    station_index: int
    depth_count: int
    next_index: int
    before: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Flows that take the same way through the tree.

    Attributes:
        entry_index: Place at which they come into the tree.
        exit_index: Last place of theirs.
        from_index: Station from which they come into the tree, -1 when they start there.
        steps: Their steps at the entry.
    """

    entry_index: int
    exit_index: int
    from_index: int
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Places, the last station's first and each behind its next one; and groups."""

    places: tuple[Place, ...]
    groups: tuple[Group, ...]

    def pairs(self, turns: int) -> int:
        """Pairs of dates that a program compares."""
        entries = [self.places[group.entry_index] for group in self.groups]
        return sum(
            len(dates_at(place.depth_count, turns).later) for place in (*self.places, *entries)
        )

    def way(self, network: Stations, path: Sequence[int]) -> tuple[int, ...] | None:
        """Places of a path that ends at the last station; None when it starts before the tree."""
        way = [0]
        for step in reversed(path[:-1]):
            place = self.places[way[-1]].before.get(network.steps[step].station_index)
            if place is None:
                return None
            way.append(place)
        return tuple(reversed(way))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How large programs may become.

    Attributes:
        many_pairs_count: Pairs of dates that one with more than few dates may compare.
        few_pairs_count: The same for few dates; beyond, trees end nearer to the last station.
        places_count: Places that a tree may have.
    """

    many_pairs_count: int
    few_pairs_count: int
    places_count: int = 200


def suited_tree(
    network: Stations, last: int, effort: Effort, along: Sequence[int] = ()
) -> tuple[Tree, int] | None:
    """What is before a station, and how many turns the dates of its program may take.

    Stations ``along`` a way that ends there are in the tree however small it is; None when it
    cannot be as small as it should.
    """
    most_places = effort.places_count
    while True:
        tree = unroll(network, last, most_places=most_places, along=along)
        depth = max(place.depth_count for place in tree.places)
        for turns, most_depth in _FINER:
            if depth <= most_depth and tree.pairs(turns) <= effort.many_pairs_count:
                return tree, turns
        if tree.pairs(0) <= effort.few_pairs_count:
            return tree, 0
        if most_places <= len(along):
            return None
        most_places = max(len(tree.places) * 2 // 3, len(along))


def unroll(
    network: Stations,
    last: int,
    *,
    most_places: int,
    along: Sequence[int] = (),
    alone: Collection[int] = (),
) -> Tree:
    """Unroll what is before a station.

    Args:
        network: Stations and steps.
        last: The station.
        most_places: The tree ends when it has so many places.
        along: Stations of a way to the last one, which comes last, that are in any case in it.
        alone: Steps whose flows make up groups of their own where they enter the tree.
    """
    places = [Place(station_index=last, depth_count=1, next_index=-1)]
    for station in reversed(along[:-1]):
        index = len(places)
        places[-1].before[station] = index
        places.append(Place(station_index=station, depth_count=index + 1, next_index=index - 1))
    waiting = deque(range(len(places)))
    while waiting:
        index = waiting.popleft()
        place = places[index]
        behind = set()
        on_way = index
        while on_way >= 0:
            behind.add(places[on_way].station_index)
            on_way = places[on_way].next_index
        steps = network.stations[place.station_index].steps
        for station in sorted({network.before(network.steps[step]) for step in steps}):
            if station < 0 or station in behind or station in place.before:
                continue
            if len(places) >= most_places:
                continue
            place.before[station] = len(places)
            waiting.append(len(places))
            places.append(
                Place(station_index=station, depth_count=place.depth_count + 1, next_index=index)
            )
    return Tree(places=tuple(places), groups=_groups(network, places, frozenset(alone)))


def _groups(network: Stations, places: list[Place], alone: frozenset[int]) -> tuple[Group, ...]:
    members: dict[tuple[int, int, int, int], list[int]] = {}
    for index, place in enumerate(places):
        for step_index in network.stations[place.station_index].steps:
            step = network.steps[step_index]
            link_from = network.before(step)
            if link_from in place.before:
                continue
            last, step_there = index, step_index
            while places[last].next_index >= 0:
                following = places[places[last].next_index].station_index
                for child in network.steps[step_there].children:
                    if network.steps[child].station_index == following:
                        step_there = child
                        break
                else:
                    break
                last = places[last].next_index
            single = step_index if step_index in alone else -1
            members.setdefault((index, last, link_from, single), []).append(step_index)
    return tuple(
        Group(entry_index=entry, exit_index=last, from_index=link_from, steps=tuple(steps))
        for (entry, last, link_from, _), steps in sorted(members.items())
    )

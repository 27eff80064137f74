# SPDX-License-Identifier: Apache-2.0
"""What is before one station, unrolled to a tree of places.

A *place* is a station as seen over one way to the last station; a station with several ways has
several places. Where the tree ends - at a cycle, or because it is large enough - flows enter it
with what is known or sought about them there. Flows that take the same way through the tree
are one *group*.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from netplan.bounds.fluid.stations import Stations


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A station as seen over one way.

    Attributes:
        station_index: Which.
        depth: Stations until the last one, both counted.
        next_index: Place behind; -1 at the last station.
        before: Places before, by station.
    """

    station_index: int
    depth: int
    next_index: int
    before: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Flows that take the same way through the tree.

    Attributes:
        entry_index: Place at which they come into the tree.
        exit_index: Last place of theirs.
        link_from: Station from which they come into the tree, -1 when they start there.
        steps: Their steps at the entry.
    """

    entry_index: int
    exit_index: int
    link_from: int
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Places, the last station's first and each behind its next one; and groups."""

    places: tuple[Place, ...]
    groups: tuple[Group, ...]


def unroll(network: Stations, last: int, *, most_places: int, alone: Collection[int] = ()) -> Tree:
    """Unroll what is before a station.

    Args:
        network: Stations and steps.
        last: The station.
        most_places: The tree ends when it has so many places.
        alone: Steps whose flows make up groups of their own where they enter the tree.
    """
    places = [Place(station_index=last, depth=1, next_index=-1)]
    waiting = deque([0])
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
            if station < 0 or station in behind or len(places) >= most_places:
                continue
            place.before[station] = len(places)
            waiting.append(len(places))
            places.append(Place(station_index=station, depth=place.depth + 1, next_index=index))
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
        Group(entry_index=entry, exit_index=last, link_from=link_from, steps=tuple(steps))
        for (entry, last, link_from, _), steps in sorted(members.items())
    )

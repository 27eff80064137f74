# SPDX-License-Identifier: Apache-2.0
"""Standby ways: how streams go once a ring or spanning tree has recovered from a single failure.

While a plan is made, each further way is a stream of its own behind all others, so that ports, re-shaping
and cut-through are planned for it by the same steps; in the end it is folded into its stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from netplan.plan.demand import Demand
from netplan.plan.model import Hop, PlannedStream, StandbyWay
from netplan.plan.rings import Pair, out_of_service, single_failures
from netplan.plan.trees import Way, crossing_node
from netplan.tsn.mechanisms import Reception
from netplan.tsn.rings import Ring

STANDBY = "~standby"
"""In the name of a stream that is another one on a standby way; no name of a design has it."""

Ways = list[tuple[Way, ...]]
"""The ways to each listener."""
Finder = Callable[[frozenset[Pair]], Callable[[Demand], Ways | None]]
"""For links out of service, what finds the ways of a demand; None when there is none."""


def standby_ways(
    rings: Sequence[Ring], planned: Mapping[str, tuple[Demand, Ways]], finder: Finder
) -> dict[str, list[Ways]]:
    """Further ways of each stream, in the order of the failures that need them.

    Streams with ways of their own choice (sent twice, or with a schedule made for one way) have
    none.

    Args:
        rings: Of the plan.
        planned: Demands by name with their ways while all is well.
        finder: Finds ways around links that are out of service.
    """
    movable = {
        name: ways_of
        for name, (demand, ways_of) in planned.items()
        if not demand.scheduled and all(len(ways) == 1 for ways in ways_of)
    }
    found: dict[str, list[Ways]] = {name: [] for name in movable}
    for index, ring in enumerate(rings):
        for _, failed in single_failures(ring):
            closed = frozenset(out_of_service(rings, index, failed))
            find = finder(closed)
            for name, ways_of in movable.items():
                known = [ways_of, *found[name]]
                if any(not _pairs(one) & closed for one in known):
                    continue
                ways = _each(planned[name][0], ways_of, find)
                if ways is not None and ways not in known:
                    found[name].append(ways)
    return {name: ways for name, ways in found.items() if ways}


def _pairs(ways_of: Ways) -> set[Pair]:
    return {
        (step.channel.from_node, step.channel.to_node)
        for ways in ways_of
        for way in ways
        for step in way.steps
    }


def _each(demand: Demand, planned: Ways, find: Callable[[Demand], Ways | None]) -> Ways | None:
    """Ways to all listeners; one that cannot be reached any more keeps its dead way."""
    found: Ways = []
    reached = False
    for listener, ways in zip(demand.listeners, planned, strict=True):
        other = find(replace(demand, listeners=(listener,)))
        reached = reached or other is not None
        found.append(ways if other is None else other[0])
    return found if reached and not crossing_node(found) else None


def used_once(
    streams: Sequence[PlannedStream], base_of: Mapping[str, str]
) -> tuple[PlannedStream, ...]:
    """The same streams, standby ways without the transmitters that their stream uses anyway.

    A stream takes one of its ways at a time: what is reserved for it at a port counts once.
    """
    used: dict[str, set[int]] = {}
    found = []
    for stream in streams:
        taken = used.setdefault(base_of.get(stream.name, stream.name), set())
        hops = stream.hops
        if stream.name in base_of:
            hops = tuple(hop for hop in hops if hop.egress_index not in taken)
        taken |= {hop.egress_index for hop in stream.hops}
        found.append(replace(stream, hops=hops))
    return tuple(found)


def folded(
    streams: Sequence[PlannedStream], base_of: Mapping[str, str]
) -> tuple[PlannedStream, ...]:
    """The streams of the design, each with its standby ways."""
    ways: dict[str, list[StandbyWay]] = {}
    for stream in streams:
        base = base_of.get(stream.name)
        if base is not None:
            hops = tuple(_renamed(hop, stream.name, base) for hop in stream.hops)
            ways.setdefault(base, []).append(
                StandbyWay(hops=hops, listener_hops=stream.listener_hops)
            )
    return tuple(
        replace(stream, standby=tuple(ways.get(stream.name, ())))
        for stream in streams
        if stream.name not in base_of
    )


def _renamed(hop: Hop, name: str, base: str) -> Hop:
    """A filter or scheduler of a stream is the same one whichever way its frames go."""
    if hop.reception is None:
        return hop

    def own(text: str) -> str:
        return base + text.removeprefix(name)

    stream_filter, scheduler = hop.reception.filter, hop.reception.scheduler
    if stream_filter is not None:
        meter = stream_filter.meter
        stream_filter = replace(
            stream_filter,
            name=own(stream_filter.name),
            meter=None if meter is None else replace(meter, name=own(meter.name)),
        )
    if scheduler is not None:
        scheduler = replace(scheduler, name=own(scheduler.name))
    return replace(hop, reception=Reception(filter=stream_filter, scheduler=scheduler))

# SPDX-License-Identifier: Apache-2.0
"""FIFO stations, the steps of flows through them, and the links between: what all methods work on.

Bits and picoseconds, exact. A *step* is one flow at one station; a flow with several destinations
is a tree of steps. Arrival curves are minima of token buckets, service curves maxima of lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from netplan.bounds.fluid.curves import Line, needed
from netplan.plan.fluid import FluidNetwork

_PS_PER_S = 10**12


class Bucket(NamedTuple):
    """At most ``bits`` plus ``rate`` (bits per picosecond) times the length of a window."""

    bits: Fraction
    rate: Fraction


class Piece(NamedTuple):
    """At least ``rate`` (bits per picosecond) times a time, less ``deficit`` bits."""

    rate: Fraction
    deficit: Fraction


@dataclass(slots=True, kw_only=True)
class Station:
    """A FIFO server.

    Attributes:
        name: For people.
        pieces: For every time t there is a time s before it so that all that came until s and,
            for every piece, ``rate * (t - s) - deficit`` bits more have left by t.
        final_pieces: The same for times t at which a packet has just left wholly.
        steps: Steps here.
        delay_ps: No bit stays longer, from arriving to leaving; None when that is not known.
    """

    name: str
    pieces: tuple[Piece, ...]
    final_pieces: tuple[Piece, ...]
    steps: list[int] = field(default_factory=list)
    delay_ps: Fraction | None = None


@dataclass(slots=True, kw_only=True)
class Step:
    """One flow at one station.

    Attributes:
        flow_index: Whose step it is.
        station_index: Where.
        parent_index: Step before; -1 where the flow enters the network.
        contract: What the flow brings at most where it enters the network.
        buckets: What it brings at most here; empty until an analysis has proven something.
        children: Steps behind.
    """

    flow_index: int
    station_index: int
    parent_index: int
    contract: tuple[Bucket, ...]
    buckets: tuple[Bucket, ...]
    children: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Between two stations.

    Attributes:
        line: What the line carries at most in a window at its far end; None when it is not known.
        least_ps: Least time from leaving one station to arriving at the other.
        most_ps: Most such time; bits that came over one link stay in order.
    """

    line: Bucket | None = None
    least_ps: Fraction = Fraction(0)
    most_ps: Fraction = Fraction(0)


@dataclass(slots=True, kw_only=True)
class Stations:
    """A network of FIFO stations.

    Attributes:
        stations: All stations.
        steps: All steps, parents before children.
        links: By stations from and to; one for every pair that a flow crosses.
        ends: For every path its flow and the step at which it ends.
    """

    stations: list[Station]
    steps: list[Step]
    links: dict[tuple[int, int], Link]
    ends: list[tuple[int, int]]

    @property
    def packetised(self) -> bool:
        """Whether it matters anywhere that a packet has just left wholly."""
        return any(station.pieces != station.final_pieces for station in self.stations)

    def add_step(self, step: Step) -> int:
        """Append a step and tell its parent and its station."""
        index = len(self.steps)
        self.steps.append(step)
        self.stations[step.station_index].steps.append(index)
        if step.parent_index >= 0:
            self.steps[step.parent_index].children.append(index)
        return index

    def before(self, step: Step) -> int:
        """Station that the flow comes from, -1 where it enters the network."""
        return -1 if step.parent_index < 0 else self.steps[step.parent_index].station_index

    def path(self, end: int) -> list[int]:
        """Steps from where the flow enters to the given one."""
        steps = [end]
        while self.steps[steps[-1]].parent_index >= 0:
            steps.append(self.steps[steps[-1]].parent_index)
        return steps[::-1]


def stations_of(network: FluidNetwork) -> Stations:
    """The stations of a fluid network.

    Packets that a packetizer holds back are at most the largest one of a server, except at the
    instant at which a packet has come through (Le Boudec, Thiran, 2001, theorem 1.7.1).
    """
    number = {server.name: index for index, server in enumerate(network.servers)}
    largest = [Fraction(0)] * len(number)
    if network.packetizer:
        for flow in network.flows:
            for name in {name for path in flow.paths for name in path}:
                largest[number[name]] = max(largest[number[name]], flow.largest_packet_bits)
    stations = []
    for server, held in zip(network.servers, largest, strict=True):
        final = tuple(
            Piece(piece.rate_bps / _PS_PER_S, piece.rate_bps / _PS_PER_S * piece.latency_ps)
            for piece in server.pieces
        )
        pieces = tuple(Piece(rate, deficit + held) for rate, deficit in final)
        stations.append(Station(name=server.name, pieces=pieces, final_pieces=final))
    result = Stations(stations=stations, steps=[], links={}, ends=[])
    for flow_index, flow in enumerate(network.flows):
        contract = buckets_of(
            [(bucket.burst_bits, bucket.rate_bps / _PS_PER_S) for bucket in flow.buckets]
        )
        made: dict[tuple[str, ...], int] = {}
        for path in flow.paths:
            for length in range(1, len(path) + 1):
                if path[:length] in made:
                    continue
                here, parent = number[path[length - 1]], made.get(path[: length - 1], -1)
                made[path[:length]] = result.add_step(
                    Step(
                        flow_index=flow_index,
                        station_index=here,
                        parent_index=parent,
                        contract=contract,
                        buckets=contract if parent < 0 else (),
                    )
                )
                if parent >= 0:
                    before = number[path[length - 2]]
                    capacity = network.servers[before].capacity_bps
                    if capacity is None:
                        result.links[before, here] = Link()
                    else:
                        line = Bucket(largest[before], capacity / _PS_PER_S)
                        result.links[before, here] = Link(line=line)
            result.ends.append((flow_index, made[path]))
    return result


def buckets_of(lines: Sequence[Line[Fraction]]) -> tuple[Bucket, ...]:
    """Those of the token buckets that are their minimum somewhere, by falling rate."""
    return tuple(Bucket(bits, rate) for bits, rate in needed(lines))

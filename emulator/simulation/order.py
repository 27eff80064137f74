# SPDX-License-Identifier: Apache-2.0
"""Which frames keep their order, and which of simultaneous events comes first.

Frames that come from the same ingress of a node with the same range of processing
delay enter their queues in order of reception; frames over one transmitter with the same range
of delay behind it are received in sending order. Each such group is a pipe.

Simultaneous events: what an agenda foresees (faults, repairs); wires that become free; then, by the transmitter that the frame came over,
entries into queues and arrivals, what was received (or sent) earlier first;
then talkers by stream; then openings of grants; then Sync. Frames whose head alone was
received come after those that were received as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emulator.simulation.layout import (
    MECHANISM_GRANT,
    MECHANISM_WIRE,
    NONE,
    SOURCE_AGENDA,
    SOURCE_ARRIVAL,
    SOURCE_ENTRY,
    SOURCE_FREE,
    SOURCE_GRANT,
    SOURCE_HEAD,
    SOURCE_RELEASE,
    SOURCE_SYNC,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source of events: a kind of :mod:`emulator.simulation.layout` and what it concerns."""

    kind: int
    index: int


@dataclass(slots=True)
class Pipes:
    """The hops of each pipe, by a key that sorts pipes of one ingress by delay, longest first."""

    egress_count: int
    entries: dict[tuple[int, int, int, str], list[int]] = field(default_factory=dict)
    arrivals: dict[tuple[int, int, int], list[int]] = field(default_factory=dict)
    heads: dict[tuple[int, int, int, int], list[int]] = field(default_factory=dict)

    def add_entry(self, hop: int, ingress: int, node: str, min_ps: int, max_ps: int) -> None:
        """A hop whose frames enter their queue after a delay."""
        self.entries.setdefault((ingress, -min_ps, -max_ps, node), []).append(hop)

    def add_arrival(self, hop: int, egress_index: int, min_ps: int, max_ps: int) -> None:
        """A hop whose frames travel behind a transmitter."""
        self.arrivals.setdefault((egress_index, -min_ps, -max_ps), []).append(hop)

    def add_head(self, head: int, egress_index: int, min_ps: int, max_ps: int, octets: int) -> None:
        """A HEAD whose frames travel behind a transmitter, begun by so many octets."""
        self.heads.setdefault((egress_index, -min_ps, -max_ps, -octets), []).append(head)

    def talker_ingress(self, stream_index: int) -> int:
        """Stands for the talker where a later hop has its previous transmitter."""
        return self.egress_count + stream_index


def number_sources(
    pipes: Pipes,
    egresses: NDArray[np.void],
    hops: NDArray[np.void],
    streams: NDArray[np.void],
    heads: NDArray[np.void],
    domain: NDArray[np.void],
) -> tuple[Source, ...]:
    """Number all sources in the order of simultaneous events, and note the numbers."""
    sources: list[Source] = []

    def add(kind: int, index: int = NONE) -> int:
        sources.append(Source(kind=kind, index=index))
        return len(sources) - 1

    entries: dict[int, list[list[int]]] = {}
    for entry in sorted(pipes.entries):
        entries.setdefault(entry[0], []).append(pipes.entries[entry])
    arrivals: dict[int, list[list[int]]] = {}
    for arrival in sorted(pipes.arrivals):
        arrivals.setdefault(arrival[0], []).append(pipes.arrivals[arrival])
    cut_through: dict[int, list[list[int]]] = {}
    for head in sorted(pipes.heads):
        cut_through.setdefault(head[0], []).append(pipes.heads[head])

    add(SOURCE_AGENDA)
    wires, grants = (
        np.flatnonzero(egresses["mechanism"] == mechanism).tolist()
        for mechanism in (MECHANISM_WIRE, MECHANISM_GRANT)
    )
    for index in wires:
        egresses[index]["source"] = add(SOURCE_FREE, index)
    for index in range(pipes.egress_count):
        for users in entries.get(index, ()):
            hops["entry_source"][users] = add(SOURCE_ENTRY)
        for users in arrivals.get(index, ()):
            hops["arrival_source"][users] = add(SOURCE_ARRIVAL)
        for users in cut_through.get(index, ()):
            heads["source"][users] = add(SOURCE_HEAD)
    for index in range(len(streams)):
        for users in entries.get(pipes.talker_ingress(index), ()):
            hops["entry_source"][users] = add(SOURCE_ENTRY)
        streams[index]["source"] = add(SOURCE_RELEASE, index)
    for index in grants:
        egresses[index]["source"] = add(SOURCE_GRANT, index)
    domain["source"] = add(SOURCE_SYNC) if len(domain) else NONE
    return tuple(sources)

# SPDX-License-Identifier: Apache-2.0
"""Carries the frames of a recovery protocol between the nodes of a ring, in exact time.

A protocol frame waits for those of its own protocol before it at the port, takes its time
on the wire, travels, and is acted upon after the node's processing. It does not wait for the
frames of streams: it goes out at the highest priority, and what one frame in transmission
may cost it at a node belongs into that node's processing time.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from emulator.simulation.faults import Fault, LinkCut, NodeOutage, TalkerFault, merged
from netplan.media.frames import GAP_OCTETS, PREAMBLE_OCTETS, wire_time_ps
from netplan.tsn.rings import Ring, node_index


@dataclass(frozen=True, slots=True, kw_only=True)
class PortChange:
    """A port begins or ceases to forward the frames of streams."""

    at_ps: int
    node_index: int
    segment_index: int
    forwards: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """A node forgets where it learned that stations are."""

    at_ps: int
    node_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One end of a segment."""

    segment_index: int
    side_index: int


class ProtocolFrame(Protocol):
    """A frame of any protocol."""

    @property
    def octets(self) -> int:
        """Destination address to check sequence."""


class Machine(Protocol):
    """What a node does by its protocol; ports are numbered as in :attr:`Network.ports`."""

    def start(self) -> None:
        """Begin; a node that was down begins anew."""

    def receive(self, port: int, frame: ProtocolFrame) -> None:
        """Act upon a frame."""

    def link_changed(self, port: int, *, is_up: bool) -> None:
        """Notice that a link was lost or came up."""


@dataclass(slots=True)
class Timer:
    """Runs out once, unless it was stopped or set again before."""

    network: Network
    node_index: int
    action: Callable[[], None]
    due_ps: int | None = None

    @property
    def runs(self) -> bool:
        """Whether it is set."""
        return self.due_ps is not None

    def set(self, delay_ps: int) -> None:
        """Let it run out after a delay."""
        due_ps = self.network.now_ps + delay_ps
        self.due_ps = due_ps
        life = self.network.lives[self.node_index]

        def run_out() -> None:
            if self.due_ps == due_ps and self.network.lives[self.node_index] == life:
                self.due_ps = None
                self.action()

        self.network.at(due_ps, run_out)

    def stop(self) -> None:
        """Let it never run out."""
        self.due_ps = None


@dataclass(slots=True)
class Network:
    """Nodes, segments and the events between them.

    Attributes:
        ring: What runs.
        faults: Scenario; only what concerns the ring matters.
        now_ps: Time of the present event.
        machines: One per node.
        ports: For each node, its ends of segments in the order of the segments, except that a
            node of a plain ring has the port to the next node first.
        lives: How often each node has begun; what an earlier life has set does not happen.
        changes: Changes of ports so far.
        flushes: Flushes so far.
    """

    ring: Ring
    faults: Sequence[Fault]
    now_ps: int
    machines: list[Machine] = field(default_factory=list)
    ports: list[list[Port]] = field(default_factory=list)
    lives: list[int] = field(default_factory=list)
    changes: list[PortChange] = field(default_factory=list)
    flushes: list[Flush] = field(default_factory=list)
    _events: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _counter: Iterator[int] = field(default_factory=itertools.count)
    _busy_until_ps: dict[Port, int] = field(default_factory=dict)
    _cuts: list[list[list[tuple[int, int | None]]]] = field(default_factory=list)
    _outages: list[list[tuple[int, int | None]]] = field(default_factory=list)
    _forwards: dict[tuple[int, int], bool] = field(default_factory=dict)
    _neighbours: dict[Port, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find the ports of all nodes, and when what fails."""
        node_count = len(self.ring.nodes)
        self.ports = [[] for _ in range(node_count)]
        self.lives = [0] * node_count
        for index, segment in enumerate(self.ring.segments):
            for side in (0, 1):
                port = Port(segment_index=index, side_index=side)
                self.ports[node_index(self.ring, segment.ends[side])].append(port)
                self._neighbours[port] = node_index(self.ring, segment.ends[1 - side])
        for node, ports in enumerate(self.ports):
            # In a plain ring segment i leads from node i to the next one: that port comes first.
            first = [port for port in ports if port.segment_index == node]
            ports[:] = first + [port for port in ports if port.segment_index != node]
        self._cuts = [
            [self._spans_of_cuts(index, side) for side in (0, 1)]
            for index in range(len(self.ring.segments))
        ]
        self._outages = [self._spans_of_outages(node) for node in self.ring.nodes]

    def _spans_of_cuts(self, segment: int, side: int) -> list[tuple[int, int | None]]:
        """When what is sent from one side of a segment is lost."""
        ends = self.ring.segments[segment].ends
        spans: list[tuple[int, int | None]] = []
        for fault in self.faults:
            if not isinstance(fault, LinkCut) or set(fault.ends) != set(ends):
                continue
            if not fault.one_way or fault.ends[0] == ends[side]:
                spans.append((fault.at_ps, fault.until_ps))
        return merged(spans)

    def _spans_of_outages(self, node: str) -> list[tuple[int, int | None]]:
        return merged(
            (fault.at_ps, fault.until_ps)
            for fault in self.faults
            if isinstance(fault, NodeOutage) and fault.node == node
        )

    def at(self, at_ps: int, action: Callable[[], None]) -> None:
        """Let something happen; what was asked for first happens first."""
        heapq.heappush(self._events, (at_ps, next(self._counter), action))

    def timer(self, node: int, action: Callable[[], None]) -> Timer:
        """A timer of a node, not set."""
        return Timer(network=self, node_index=node, action=action)

    def neighbour(self, port: Port) -> int:
        """The node at the other end of a port's segment."""
        return self._neighbours[port]

    def is_down(self, node: int) -> bool:
        """Whether a node has failed."""
        return _covers(self._outages[node], self.now_ps)

    def link_is_up(self, node: int, port: int) -> bool:
        """Whether a node sees the carrier of a port."""
        end = self.ports[node][port]
        if self.is_down(self.neighbour(end)):
            return False
        ends = set(self.ring.segments[end.segment_index].ends)
        return not any(
            isinstance(fault, LinkCut)
            and fault.is_noticed
            and set(fault.ends) == ends
            and _covers([(fault.at_ps, fault.until_ps)], self.now_ps)
            for fault in self.faults
        )

    def forwards(self, node: int, port: int) -> bool:
        """Whether a port forwards the frames of streams."""
        return self._forwards.get((node, self.ports[node][port].segment_index), True)

    def set_port(self, node: int, port: int, *, forwards: bool) -> None:
        """Let a port forward the frames of streams, or not."""
        if self.forwards(node, port) == forwards:
            return
        segment = self.ports[node][port].segment_index
        self._forwards[node, segment] = forwards
        self.changes.append(
            PortChange(at_ps=self.now_ps, node_index=node, segment_index=segment, forwards=forwards)
        )

    def flush(self, node: int) -> None:
        """Let a node forget what it learned."""
        self.flushes.append(Flush(at_ps=self.now_ps, node_index=node))

    def send(self, node: int, port: int, frame: ProtocolFrame) -> None:
        """Send a frame out of a port; a fault takes it as it takes any frame."""
        end = self.ports[node][port]
        segment = self.ring.segments[end.segment_index]
        start_ps = max(self.now_ps, self._busy_until_ps.get(end, self.now_ps))
        octets = PREAMBLE_OCTETS + frame.octets
        self._busy_until_ps[end] = start_ps + wire_time_ps(octets + GAP_OCTETS, segment.line_bps)
        arrival_ps = start_ps + wire_time_ps(octets, segment.line_bps) + segment.propagation_ps
        receiver = self.neighbour(end)
        lost = _overlaps(self._cuts[end.segment_index][end.side_index], start_ps, arrival_ps)
        lost = lost or _overlaps(self._outages[node], self.now_ps, arrival_ps)
        action_ps = arrival_ps + self.ring.processing_ps[receiver]
        if lost or _overlaps(self._outages[receiver], arrival_ps, action_ps):
            return
        back = Port(segment_index=end.segment_index, side_index=1 - end.side_index)
        back_port = self.ports[receiver].index(back)
        self.at(action_ps, lambda: self.machines[receiver].receive(back_port, frame))

    def run(self, until_ps: int) -> None:
        """Let everything up to a time happen, faults included."""
        for node, spans in enumerate(self._outages):
            for start_ps, end_ps in spans:
                self.at(start_ps, partial(self._end_life, node))
                if end_ps is not None:
                    self.at(end_ps, partial(self._begin_life, node))
        for fault in self.faults:
            self._notice(fault)
        for machine in self.machines:
            machine.start()
        while self._events and self._events[0][0] <= until_ps:
            self.now_ps, _, action = heapq.heappop(self._events)
            action()

    def _end_life(self, node: int) -> None:
        self.lives[node] += 1

    def _begin_life(self, node: int) -> None:
        self.lives[node] += 1
        self.flush(node)
        self.machines[node].start()

    def _notice(self, fault: Fault) -> None:
        """Tell the nodes at the ends of a link what becomes of it, once they can know."""
        if isinstance(fault, TalkerFault) or (isinstance(fault, LinkCut) and not fault.is_noticed):
            return
        for node, ports in enumerate(self.ports):
            for number, port in enumerate(ports):
                ends = self.ring.segments[port.segment_index].ends
                concerns = (
                    set(fault.ends) == set(ends)
                    if isinstance(fault, LinkCut)
                    else self.ring.nodes[self.neighbour(port)] == fault.node
                )
                if not concerns:
                    continue
                for time_ps in (fault.at_ps, fault.until_ps):
                    if time_ps is not None:
                        self.at(
                            time_ps + self.ring.detection_ps,
                            partial(self._tell, node, number),
                        )

    def _tell(self, node: int, port: int) -> None:
        if self.is_down(node):
            return
        is_up = self.link_is_up(node, port)
        if not is_up:
            self.flush(node)  # a port that is not operational keeps no learned addresses
        self.machines[node].link_changed(port, is_up=is_up)


def _covers(spans: Sequence[tuple[int, int | None]], at_ps: int) -> bool:
    """Whether a moment lies in one of the spans."""
    return any(start <= at_ps and (end is None or at_ps < end) for start, end in spans)


def _overlaps(spans: Sequence[tuple[int, int | None]], from_ps: int, to_ps: int) -> bool:
    """Whether one of the spans touches the time from one moment up to another."""
    return any(start < to_ps and (end is None or end > from_ps) for start, end in spans)

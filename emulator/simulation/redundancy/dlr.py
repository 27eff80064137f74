# SPDX-License-Identifier: Apache-2.0
"""Device Level Ring: a supervisor whose beacons go around both ways, and beacon-based nodes.

Nodes send the protocol's frames on from one port to the other. A node that loses a link, or
hears no beacon on a port for the timeout, tells the supervisor; the supervisor also misses
its own beacons. It then forwards over both ports and says so in its beacons, at which all
nodes flush. The ring begins in order.

Source: ODVA, The CIP Networks Library, volume 2: EtherNet/IP Adaptation of CIP, 9-5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from emulator.simulation.redundancy.network import Network, ProtocolFrame, Timer
from netplan.tsn.rings import DlrTimers

FRAME_OCTETS = 64
"""All frames of the protocol fit into the smallest Ethernet frame."""
_SUPERVISOR = 0
"""Node number of the supervisor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """Goes around in both directions; ``is_fault`` is the state of the ring."""

    is_fault: bool
    octets: int = FRAME_OCTETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Link_Status or Neighbor_Status: a node reports a broken link to the supervisor."""

    octets: int = FRAME_OCTETS


@dataclass(frozen=True, slots=True, kw_only=True)
class LocateFault:
    """The supervisor asks all nodes to check their neighbours."""

    octets: int = FRAME_OCTETS


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourCheck:
    """A request to the neighbour, or its answer; never sent on."""

    is_answer: bool
    octets: int = FRAME_OCTETS


class Supervisor:
    """The active ring supervisor; it blocks its second port while the ring is in order."""

    def __init__(self, network: Network, node: int, timers: DlrTimers) -> None:
        self._network, self._node, self._timers = network, node, timers
        self.is_fault = False
        self._has_begun = False
        self._beacon_timer: Timer = network.timer(node, self._beacon_due)
        self._heard = [True, True]
        self._port_timers = [network.timer(node, partial(self._missed, port)) for port in (0, 1)]

    def start(self) -> None:
        """Begin in order; after a failure, as if the ring were broken until beacons come."""
        self.is_fault = self._has_begun
        self._heard = [not self._has_begun] * 2
        self._network.set_port(self._node, 1, forwards=self._has_begun)
        self._has_begun = True
        for timer in self._port_timers:
            timer.set(self._timers.beacon_timeout_ps)
        self._beacon_due()

    def _send(self, frame: ProtocolFrame) -> None:
        for port in (0, 1):
            self._network.send(self._node, port, frame)

    def _beacon_due(self) -> None:
        self._beacon_timer.set(self._timers.beacon_interval_ps)
        self._send(Beacon(is_fault=self.is_fault))

    def _missed(self, port: int) -> None:
        self._heard[port] = False
        self._break()

    def _break(self) -> None:
        """The ring is broken: forward over both ports, flush and tell all at once."""
        if self.is_fault:
            return
        self.is_fault = True
        self._heard = [False, False]
        self._network.set_port(self._node, 1, forwards=True)
        self._network.flush(self._node)
        self._beacon_due()
        self._send(LocateFault())

    def receive(self, port: int, frame: ProtocolFrame) -> None:
        """A beacon has come around, or a node reports."""
        if isinstance(frame, Beacon):
            self._heard[port] = True
            self._port_timers[port].set(self._timers.beacon_timeout_ps)
            if self.is_fault and all(self._heard):
                self.is_fault = False
                self._network.set_port(self._node, 1, forwards=False)
                self._network.flush(self._node)
                self._beacon_due()
        elif isinstance(frame, Status):
            self._break()
        elif isinstance(frame, NeighbourCheck) and not frame.is_answer:
            self._network.send(self._node, port, NeighbourCheck(is_answer=True))

    def link_changed(self, port: int, *, is_up: bool) -> None:
        """A link of the supervisor's own."""
        if not is_up:
            self._heard[port] = False
            self._break()


class RingNode:
    """A beacon-based ring node."""

    def __init__(self, network: Network, node: int, timers: DlrTimers) -> None:
        self._network, self._node, self._timers = network, node, timers
        self.is_fault = False
        self._has_begun = False
        self._heard = [True, True]
        self._beacon_timers: list[Timer] = []
        self._check_timers: list[Timer] = []
        self._tries = [0, 0]
        for port in (0, 1):
            self._beacon_timers.append(network.timer(node, partial(self._missed, port)))
            self._check_timers.append(network.timer(node, partial(self._unanswered, port)))

    def start(self) -> None:
        """Begin in order; after a failure, as if the ring were broken until beacons come."""
        self.is_fault = self._has_begun
        self._heard = [not self._has_begun] * 2
        self._has_begun = True
        for port in (0, 1):
            self._beacon_timers[port].set(self._timers.beacon_timeout_ps)
            self._check_timers[port].stop()

    def _fall(self) -> None:
        """The ring is broken: flush."""
        if not self.is_fault:
            self.is_fault = True
            self._heard = [False, False]
            self._network.flush(self._node)

    def _missed(self, port: int) -> None:
        self._heard[port] = False
        self._fall()
        self._check(port)

    def _check(self, port: int) -> None:
        """Ask the neighbour, unless it is being asked."""
        if self._network.link_is_up(self._node, port) and not self._check_timers[port].runs:
            self._tries[port] = self._timers.neighbour_check_count
            self._ask(port)

    def _ask(self, port: int) -> None:
        self._tries[port] -= 1
        self._check_timers[port].set(self._timers.neighbour_check_timeout_ps)
        self._network.send(self._node, port, NeighbourCheck(is_answer=False))

    def _unanswered(self, port: int) -> None:
        if self._tries[port] > 0:
            self._ask(port)
        else:
            self._network.send(self._node, 1 - port, Status())

    def receive(self, port: int, frame: ProtocolFrame) -> None:
        """Send the frames of the ring on, heed beacons, answer the neighbour."""
        if isinstance(frame, NeighbourCheck):
            if frame.is_answer:
                self._check_timers[port].stop()
            else:
                self._network.send(self._node, port, NeighbourCheck(is_answer=True))
            return
        self._network.send(self._node, 1 - port, frame)
        if isinstance(frame, LocateFault):
            for other in (0, 1):
                if not self._heard[other]:
                    self._check(other)
        elif isinstance(frame, Beacon):
            self._beacon_timers[port].set(self._timers.beacon_timeout_ps)
            if frame.is_fault:
                self._fall()
                self._heard[port] = True
            else:
                self._heard[port] = True
                if self.is_fault and all(self._heard):
                    self.is_fault = False
                    self._network.flush(self._node)

    def link_changed(self, port: int, *, is_up: bool) -> None:
        """A link of the node's own: tell the supervisor over the other one."""
        if is_up:
            return
        self._heard[port] = False
        self._check_timers[port].stop()
        self._network.send(self._node, 1 - port, Status())
        self._fall()

# SPDX-License-Identifier: Apache-2.0
"""Media Redundancy Protocol: a manager that tests the ring, and clients that report their links.

Frames of the protocol pass ports that block the frames of streams; clients send them on
from one ring port to the other, the manager does not. The ring begins closed and in order.

Source: IEC 62439-2:2021, clauses 7 and 8 (state machines of MRM and MRC).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from emulator.simulation.redundancy.network import Network, ProtocolFrame, Timer
from netplan.tsn.rings import MrpTimers

FRAME_OCTETS = 64
"""All frames of the protocol fit into the smallest Ethernet frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RingTest:
    """MRP_Test: comes back to the manager while the ring is closed."""

    octets: int = FRAME_OCTETS


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyChange:
    """MRP_TopologyChange: all flush when ``interval_ps`` is over."""

    interval_ps: int
    octets: int = FRAME_OCTETS


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChange:
    """MRP_LinkDown or MRP_LinkUp of a client."""

    is_up: bool
    octets: int = FRAME_OCTETS


class ManagerState(Enum):
    """States of the manager, by their names in the standard."""

    AC_STAT1 = auto()
    PRM_UP = auto()
    CHK_RO = auto()
    CHK_RC = auto()


class Manager:
    """The media redundancy manager, node 0; of its ring ports, the secondary one blocks."""

    def __init__(self, network: Network, node: int, timers: MrpTimers) -> None:
        self._network, self._node, self._timers = network, node, timers
        self._primary, self._secondary = 0, 1
        self.state = ManagerState.CHK_RC
        self._has_begun = False
        self._misses = 0
        self._allowed_misses = timers.test_miss_count - 1
        self._short_test = False
        self._announcements = 0
        self._knows_topology = False
        self._test_timer: Timer = network.timer(node, self._test_due)
        self._topology_timer: Timer = network.timer(node, self._announcement_due)

    def start(self) -> None:
        """Begin with a closed ring; after a failure, with what the links are like."""
        self._test_timer.stop()
        self._topology_timer.stop()
        self._misses, self._short_test = 0, False
        self._allowed_misses = self._timers.test_miss_count - 1
        if not self._has_begun:
            self._has_begun = True
            self._set(self._secondary, forwards=False)
            self._test(self._timers.test_interval_ps)
            return
        self.state = ManagerState.AC_STAT1
        for port in (self._primary, self._secondary):
            self._set(port, forwards=False)
        for port in (self._primary, self._secondary):
            if self._network.link_is_up(self._node, port):
                self.link_changed(port, is_up=True)

    def _set(self, port: int, *, forwards: bool) -> None:
        self._network.set_port(self._node, port, forwards=forwards)

    def _send(self, frame: ProtocolFrame) -> None:
        for port in (0, 1):
            self._network.send(self._node, port, frame)

    def _test(self, interval_ps: int) -> None:
        """Send a test and wait for the next one, unless it is waited for already."""
        if self._short_test:
            self._test_timer.stop()
        if not self._test_timer.runs:
            self._test_timer.set(interval_ps)
            self._send(RingTest())

    def _announce(self, interval_ps: int) -> None:
        """Tell all nodes to flush: at once, or when the announcements are over."""
        if interval_ps == 0:
            self._network.flush(self._node)
            self._send(TopologyChange(interval_ps=0))
        elif not self._topology_timer.runs:
            self._announcements = self._timers.topology_count
            self._announcement_due()

    def _announcement_due(self) -> None:
        if self._announcements == 0:
            self._network.flush(self._node)
            return
        interval_ps = self._timers.topology_interval_ps
        self._send(TopologyChange(interval_ps=self._announcements * interval_ps))
        self._announcements -= 1
        self._topology_timer.set(interval_ps)

    def _test_due(self) -> None:
        if self.state is ManagerState.AC_STAT1:
            return
        self._short_test = False
        if self.state is ManagerState.CHK_RC:
            if self._misses >= self._allowed_misses:
                self._open(self._timers.topology_interval_ps)
            else:
                self._misses += 1
        self._test(self._timers.test_interval_ps)

    def _open(self, announce_ps: int) -> None:
        """The ring is broken: forward over both ports."""
        self._set(self._secondary, forwards=True)
        self._allowed_misses = self._timers.test_miss_count - 1
        self._misses = 0
        self.state = ManagerState.CHK_RO
        if not self._knows_topology:
            self._announce(announce_ps)

    def _close(self, allowed_misses: int, announce_ps: int) -> None:
        """The ring is whole, or soon will be: block one port."""
        self._set(self._secondary, forwards=False)
        self._allowed_misses = allowed_misses
        self._misses = 0
        self.state = ManagerState.CHK_RC
        self._announce(announce_ps)

    def receive(self, port: int, frame: ProtocolFrame) -> None:  # noqa: ARG002 - as all machines
        """A test has come around, or a client reports a link."""
        if isinstance(frame, RingTest):
            self._test_came_back()
        elif isinstance(frame, LinkChange):
            self._client_reports(is_up=frame.is_up)

    def _test_came_back(self) -> None:
        allowed = self._timers.test_miss_count - 1
        if self.state is ManagerState.CHK_RC:
            self._misses, self._allowed_misses = 0, allowed
            self._knows_topology = False
        elif self.state is ManagerState.PRM_UP:
            self._misses, self._allowed_misses = 0, allowed
            self._knows_topology = False
            self._test(self._timers.test_interval_ps)
            self.state = ManagerState.CHK_RC
        elif self.state is ManagerState.CHK_RO:
            reacts = self._timers.reacts_to_link_change
            self._knows_topology = False
            self._close(allowed, 0 if reacts else self._timers.topology_interval_ps)
            self._test(self._timers.test_interval_ps)

    def _client_reports(self, *, is_up: bool) -> None:
        extended = self._timers.extended_test_miss_count - 1
        if self.state is ManagerState.CHK_RC:
            if self._timers.reacts_to_link_change:
                if is_up:
                    self._allowed_misses = extended
                    self._announce(0)
                else:
                    self._open(0)
        elif self.state is ManagerState.CHK_RO:
            if is_up:
                self._close(extended, 0)
            if is_up or not self._short_test:
                self._short_test = True
                self._test(self._timers.short_test_interval_ps)
        elif self.state is ManagerState.PRM_UP and is_up:
            if not self._short_test:
                self._short_test = True
                self._test(self._timers.short_test_interval_ps)
            self._announce(0)

    def link_changed(self, port: int, *, is_up: bool) -> None:
        """A link of the manager's own."""
        if is_up:
            self._link_up(port)
        else:
            self._link_down(port)

    def _link_up(self, port: int) -> None:
        if self.state is ManagerState.AC_STAT1:
            if port == self._secondary:
                self._primary, self._secondary = self._secondary, self._primary
            self._set(self._primary, forwards=True)
            self.state = ManagerState.PRM_UP
            self._test(self._timers.test_interval_ps)
        elif self.state is ManagerState.PRM_UP and port == self._secondary:
            self._allowed_misses = self._timers.test_miss_count - 1
            self._misses = 0
            # Until a test comes back the ring was open, and opening it again changes nothing.
            self._knows_topology = True
            self.state = ManagerState.CHK_RC
            self._test(self._timers.test_interval_ps)

    def _link_down(self, port: int) -> None:
        if self.state is ManagerState.PRM_UP:
            if port == self._primary:
                self._test_timer.stop()
                self._set(port, forwards=False)
                self.state = ManagerState.AC_STAT1
        elif self.state in {ManagerState.CHK_RO, ManagerState.CHK_RC}:
            was_primary = port == self._primary
            if was_primary:
                self._primary, self._secondary = self._secondary, self._primary
                self._set(self._primary, forwards=True)
            self._set(self._secondary, forwards=False)
            self.state = ManagerState.PRM_UP
            if was_primary:
                self._test(self._timers.test_interval_ps)
                self._announce(self._timers.topology_interval_ps)


class ClientState(Enum):
    """States of a client, by their names in the standard."""

    AC_STAT1 = auto()
    DE_IDLE = auto()
    PT = auto()
    DE = auto()
    PT_IDLE = auto()


class Client:
    """A media redundancy client: reports its links, sends the protocol's frames on, flushes."""

    def __init__(self, network: Network, node: int, timers: MrpTimers) -> None:
        self._network, self._node, self._timers = network, node, timers
        self._primary, self._secondary = 0, 1
        self.state = ClientState.PT_IDLE
        self._has_begun = False
        self._reports_left = timers.link_change_count
        self._report_timer: Timer = network.timer(node, self._report_due)
        self._flush_timer: Timer = network.timer(node, self._flush_due)

    def start(self) -> None:
        """Begin with both ports forwarding; after a failure, with what the links are like."""
        if not self._has_begun:
            self._has_begun = True
            return
        self._report_timer.stop()
        self._flush_timer.stop()
        self.state = ClientState.AC_STAT1
        for port in (0, 1):
            self._set(port, forwards=False)
        for port in (0, 1):
            if self._network.link_is_up(self._node, port):
                self.link_changed(port, is_up=True)

    def _set(self, port: int, *, forwards: bool) -> None:
        self._network.set_port(self._node, port, forwards=forwards)

    def _report(self, *, is_up: bool) -> None:
        """Report a link to the manager, again and again for a while."""
        self._reports_left = self._timers.link_change_count
        self._report_timer.stop()
        self._send_report(is_up=is_up)

    def _send_report(self, *, is_up: bool) -> None:
        self._reports_left -= 1
        timers = self._timers
        self._report_timer.set(
            timers.link_up_interval_ps if is_up else timers.link_down_interval_ps
        )
        # The other port leads into the broken link, or to a neighbour that blocks as this does.
        self._network.send(self._node, self._primary, LinkChange(is_up=is_up))

    def _report_due(self) -> None:
        if self.state is ClientState.PT:
            if self._reports_left == 0:
                self._set(self._secondary, forwards=True)
                self.state = ClientState.PT_IDLE
            else:
                self._send_report(is_up=True)
        elif self.state is ClientState.DE:
            if self._reports_left == 0:
                self.state = ClientState.DE_IDLE
            else:
                self._send_report(is_up=False)

    def _flush_due(self) -> None:
        self._network.flush(self._node)

    def receive(self, port: int, frame: ProtocolFrame) -> None:
        """Send a frame on to the other ring port; heed the manager's announcements."""
        self._network.send(self._node, 1 - port, frame)
        if not isinstance(frame, TopologyChange) or self.state is ClientState.AC_STAT1:
            return
        if self.state is ClientState.PT:
            self._report_timer.stop()
            self._set(self._secondary, forwards=True)
            self.state = ClientState.PT_IDLE
        elif self.state is ClientState.DE:
            self._report_timer.stop()
            self.state = ClientState.DE_IDLE
        if frame.interval_ps == 0:
            self._flush_timer.stop()
            self._flush_due()
            return
        due_ps = self._network.now_ps + frame.interval_ps
        if self._flush_timer.due_ps is None or self._flush_timer.due_ps > due_ps:
            self._flush_timer.set(frame.interval_ps)

    def link_changed(self, port: int, *, is_up: bool) -> None:
        """A link of the client's own: blocked until the manager knows of it."""
        if is_up:
            self._link_up(port)
        else:
            self._link_down(port)

    def _link_up(self, port: int) -> None:
        if self.state is ClientState.AC_STAT1:
            if port == self._secondary:
                self._primary, self._secondary = self._secondary, self._primary
            self._set(self._primary, forwards=True)
            self.state = ClientState.DE_IDLE
        elif self.state in {ClientState.DE_IDLE, ClientState.DE} and port == self._secondary:
            self.state = ClientState.PT
            self._report(is_up=True)

    def _link_down(self, port: int) -> None:
        if self.state in {ClientState.PT, ClientState.PT_IDLE}:
            if port == self._primary:
                self._primary, self._secondary = self._secondary, self._primary
                self._set(self._primary, forwards=True)
            self._set(self._secondary, forwards=False)
            self.state = ClientState.DE
            self._report(is_up=False)
        elif self.state in {ClientState.DE, ClientState.DE_IDLE} and port == self._primary:
            self._report_timer.stop()
            self._set(port, forwards=False)
            self.state = ClientState.AC_STAT1

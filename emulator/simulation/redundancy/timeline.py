# SPDX-License-Identifier: Apache-2.0
"""Runs a ring through a fault scenario; says when which port forwards and which node flushes.

MRP and DLR begin with a closed ring shortly before the first fault, with tests and beacons at
multiples of their intervals. RSTP begins a minute before the run, with bridges that know nothing,
so that the tree stands when the run begins. What happens once all faults are over and
the protocol had time to come to rest is not worked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emulator.simulation.faults import Fault
from emulator.simulation.redundancy.dlr import RingNode, Supervisor
from emulator.simulation.redundancy.mrp import Client, Manager
from emulator.simulation.redundancy.network import Flush, Machine, Network, PortChange
from emulator.simulation.redundancy.rstp import Bridge
from netplan.tsn.rings import DlrTimers, MrpTimers, Ring, RstpTimers

_TREE_BEFORE_PS = 60 * 10**12
"""A spanning tree stands after two forward delays at the latest."""
_REST_AFTER_PS = {MrpTimers: 2 * 10**12, DlrTimers: 10**12, RstpTimers: 120 * 10**12}
"""A protocol is at rest so long after the last fault or repair: more than all its timers in a row."""
_INTERVALS_BEFORE = 10
"""Tests or beacons that go around before the first fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RingTimeline:
    """What became of a ring.

    Attributes:
        ring: Which.
        blocked: Ports, as node and segment, that do not forward when the run begins.
        changes: Of ports during the run, in order.
        flushes: During the run, in order.
    """

    ring: Ring
    blocked: frozenset[tuple[int, int]]
    changes: tuple[PortChange, ...]
    flushes: tuple[Flush, ...]


def ring_timeline(ring: Ring, faults: Sequence[Fault], until_ps: int) -> RingTimeline:
    """Run a ring from 0 until a time.

    Args:
        ring: What runs.
        faults: Scenario; faults elsewhere are passed over.
        until_ps: End of the run.
    """
    times_ps = sorted(
        time_ps
        for fault in faults
        for time_ps in (fault.at_ps, fault.until_ps)
        if time_ps is not None
    )
    begin_ps = _begin_ps(ring, times_ps[0] if times_ps else 0)
    network = Network(ring=ring, faults=faults, now_ps=begin_ps)
    network.machines = [_machine(network, node) for node in range(len(ring.nodes))]
    rest_ps = (times_ps[-1] if times_ps else 0) + _REST_AFTER_PS[type(ring.timers)]
    network.run(min(until_ps, rest_ps))
    # How a ring is found, and how a tree has come to stand, happens before the run.
    is_tree = isinstance(ring.timers, RstpTimers)
    first_ps = 0 if is_tree else begin_ps + 1
    state = {
        (change.node_index, change.segment_index): change.forwards
        for change in network.changes
        if change.at_ps < first_ps
    }
    return RingTimeline(
        ring=ring,
        blocked=frozenset(place for place, forwards in state.items() if not forwards),
        changes=tuple(change for change in network.changes if change.at_ps >= first_ps),
        flushes=tuple(flush for flush in network.flushes if flush.at_ps >= first_ps),
    )


def _begin_ps(ring: Ring, first_fault_ps: int) -> int:
    """When the first frame of the protocol is sent."""
    timers = ring.timers
    if isinstance(timers, RstpTimers):
        return -_TREE_BEFORE_PS
    interval_ps = (
        timers.test_interval_ps if isinstance(timers, MrpTimers) else timers.beacon_interval_ps
    )
    return (first_fault_ps // interval_ps - _INTERVALS_BEFORE) * interval_ps


def _machine(network: Network, node: int) -> Machine:
    timers = network.ring.timers
    if isinstance(timers, MrpTimers):
        return (Client if node else Manager)(network, node, timers)
    if isinstance(timers, DlrTimers):
        return (RingNode if node else Supervisor)(network, node, timers)
    return Bridge(network, node, timers)

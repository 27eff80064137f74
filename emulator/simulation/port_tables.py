# SPDX-License-Identifier: Apache-2.0
"""Turns the rules of ports, and the ATS schedulers at reception, into constant arrays.

A wire whose rules ask for nothing but strict priority is not a port in this sense: it stays
on the kernel's short path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd

import numpy as np
from numpy.typing import NDArray

from emulator.simulation.gate_windows import zones_of
from emulator.simulation.layout import (
    HEAD,
    NONE,
    PORT,
    PORT_QUEUE,
    PORT_QUEUE_STATE,
    PORT_STATE,
    SCHEDULER,
    SCHEDULER_STATE,
    SELECTION_ASYNCHRONOUS,
    SELECTION_CREDIT,
    SELECTION_ROUND_ROBIN,
    SELECTION_STRICT,
    SLICE,
    UNLIMITED,
    WINDOW,
    ZONE,
    PortState,
    PortTables,
    empty_records,
    set_record,
)
from emulator.simulation.timers import no_timers
from netplan.media.frames import PS_PER_S, wire_time_ps
from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Plan
from netplan.tsn.mechanisms import AtsScheduler, GateOperation, PortRules, Selection

_SELECTION = {
    Selection.STRICT: SELECTION_STRICT,
    Selection.CREDIT: SELECTION_CREDIT,
    Selection.ASYNCHRONOUS: SELECTION_ASYNCHRONOUS,
    Selection.ROUND_ROBIN: SELECTION_ROUND_ROBIN,
}


def is_port(egress: Egress) -> bool:
    """Whether a transmitter does anything but strict priority on a wire."""
    rules = egress.rules
    return rules is not None and (
        bool(rules.gates)
        or rules.fragment_octets is not None
        or any(
            rule.selection is not Selection.STRICT or rule.largest_frame_octets is not None
            for rule in rules.queues
        )
    )


def bucket_time(octets: int, bps: int) -> tuple[int, int]:
    """Time to earn octets at a rate: whole picoseconds, and parts of one (of ``bps`` parts)."""
    return divmod(8 * octets * PS_PER_S, bps)


@dataclass(slots=True)
class Schedulers:
    """The ATS schedulers of a plan: those of one name at a node are one.

    Attributes:
        indices: Of each node and name.
        groups: Of each node and group, the first scheduler.
        rows: Constants.
    """

    indices: dict[tuple[str, str], int] = field(default_factory=dict)
    groups: dict[tuple[str, str], int] = field(default_factory=dict)
    rows: list[tuple[int, int, int, int, int]] = field(default_factory=list)

    def index(self, node: str, scheduler: AtsScheduler) -> int:
        """Index of a scheduler at a node."""
        key = (node, scheduler.name)
        if key not in self.indices:
            self.indices[key] = len(self.rows)
            group = self.groups.setdefault((node, scheduler.group), len(self.rows))
            full_ps, full_part = bucket_time(
                scheduler.committed_burst_octets, scheduler.committed_bps
            )
            self.rows.append(
                (scheduler.committed_bps, full_ps, full_part, scheduler.max_residence_ps, group)
            )
        return self.indices[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The arrays, and what never fits through a gate.

    Attributes:
        tables: Constants of the ports.
        heads: Hops that cut through.
        schedulers: ATS schedulers.
        never_open: Stream and transmitter where no opening of the gate is long enough.
    """

    tables: PortTables
    heads: NDArray[np.void]
    schedulers: NDArray[np.void]
    never_open: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class PortBuilder:
    """Collects what the ports need while the plan is walked."""

    plan: Plan
    clock_of: dict[str, int]
    schedulers: Schedulers = field(default_factory=Schedulers)
    heads: list[tuple[int, int, int]] = field(default_factory=list)
    port_of: dict[int, int] = field(default_factory=dict)

    def add_port(self, egress_index: int) -> int:
        """Number a transmitter among the ports."""
        self.port_of[egress_index] = len(self.port_of)
        return self.port_of[egress_index]

    def add_head(self, hop: int, egress_index: int, cut_through_octets: int) -> int:
        """Note a hop that cuts through behind a transmitter; the event's source is added later."""
        wire = self.plan.egresses[egress_index].mechanism
        assert isinstance(wire, WireMechanism)
        lead_ps = wire_time_ps(wire.lead_octets + cut_through_octets, wire.line_bps)
        self.heads.append((hop, NONE, lead_ps))
        return len(self.heads) - 1

    def build(self) -> Ports:
        """All ports; the plan has been walked."""
        ports = empty_records(len(self.port_of), PORT)
        queues: list[tuple[int, ...]] = []
        zones: list[tuple[int, ...]] = []
        slices: list[tuple[int, ...]] = []
        windows: list[tuple[int, ...]] = []
        never_open: list[tuple[str, str]] = []
        users = self._users()
        for egress_index, port_index in self.port_of.items():
            egress = self.plan.egresses[egress_index]
            rules, wire = egress.rules, egress.mechanism
            assert rules is not None
            assert isinstance(wire, WireMechanism)
            first_zone = len(zones)
            longest: dict[int, int] = {}
            if rules.gates:
                longest_ps = max((ps for _, _, ps in users.get(egress_index, ())), default=0)
                for zone in zones_of(rules, longest_ps):
                    zones.append(
                        (zone.begin_ps, zone.end_ps, zone.base_ps, zone.cycle_ps, len(slices))
                    )
                    for which, ranges in enumerate(zone.slices):
                        fitting_ps = max((close - open_ for open_, _, close in ranges), default=0)
                        slices.append((len(windows), len(windows) + len(ranges), fitting_ps))
                        windows.extend(ranges)
                        longest[which] = max(longest.get(which, 0), fitting_ps)
                never_open += [
                    (stream, egress.name)
                    for stream, queue, ps in users.get(egress_index, ())
                    if ps > longest[queue]
                ]
            set_record(
                ports[port_index],
                egress=egress_index,
                first_queue=len(queues),
                queue_count=egress.queue_count,
                line_bps=wire.line_bps,
                lead_octets=wire.lead_octets,
                tail_octets=wire.tail_octets,
                preempts=int(rules.fragment_octets is not None),
                fragment_octets=rules.fragment_octets or 0,
                first_zone=first_zone,
                last_zone=len(zones) - 1,
                has_holds=int(_has_holds(rules)),
                clock=self.clock_of.get(egress.node, NONE) if rules.gates else NONE,
            )
            queues.extend(_queue_rows(rules, wire.line_bps))
        tables = PortTables(
            ports=ports,
            queues=np.array(queues, dtype=PORT_QUEUE),
            zones=np.array(zones, dtype=ZONE),
            slices=np.array(slices, dtype=SLICE),
            windows=np.array(windows, dtype=WINDOW),
        )
        return Ports(
            tables=tables,
            heads=np.array(self.heads, dtype=HEAD),
            schedulers=np.array(self.schedulers.rows, dtype=SCHEDULER),
            never_open=tuple(dict.fromkeys(never_open)),
        )

    def _users(self) -> dict[int, list[tuple[str, int, int]]]:
        """For each port, the streams with their queue and the time that each frame takes."""
        users: dict[int, list[tuple[str, int, int]]] = {}
        for stream in self.plan.streams:
            sizes = {size for message in stream.emission.messages for size in message}
            for hop in stream.hops:
                wire = self.plan.egresses[hop.egress_index].mechanism
                if hop.egress_index in self.port_of and isinstance(wire, WireMechanism):
                    lead_octets = wire.lead_octets + hop.added_octets
                    users.setdefault(hop.egress_index, []).extend(
                        (
                            stream.name,
                            hop.queue_index,
                            wire_time_ps(lead_octets + size, wire.line_bps),
                        )
                        for size in sizes
                    )
        return users


def _has_holds(rules: PortRules) -> bool:
    """Whether preemptable frames are ever held."""
    return rules.fragment_octets is not None and any(
        entry.operation is GateOperation.HOLD for one in rules.gates for entry in one.entries
    )


def _queue_rows(rules: PortRules, line_bps: int) -> list[tuple[int, ...]]:
    """Constants of a port's queues; slopes are reduced, as only their ratio counts."""
    rows: list[tuple[int, ...]] = []
    for rule in rules.queues:
        divisor = gcd(rule.idle_slope_bps, line_bps) if rule.idle_slope_bps > 0 else line_bps
        rows.append(
            (
                _SELECTION[rule.selection],
                rule.idle_slope_bps // divisor,
                (line_bps - rule.idle_slope_bps) // divisor,
                rule.quantum_octets,
                UNLIMITED if rule.largest_frame_octets is None else rule.largest_frame_octets,
                int(rule.express or rules.fragment_octets is None),
            )
        )
    return rows


def ports_at_start(tables: PortTables) -> PortState:
    """Nothing waits, and no credit is owed."""
    ports = empty_records(len(tables.ports), PORT_STATE)
    ports["zone"] = tables.ports["first_zone"]
    for name in ("frame", "active_head", "active_tail", "entered"):
        ports[name] = NONE
    queues = empty_records(len(tables.queues), PORT_QUEUE_STATE)
    for name in ("start_ps", "stop_ps", "frame", "next_active"):
        queues[name] = NONE
    return PortState(ports=ports, queues=queues, timers=no_timers(len(tables.ports)))


def schedulers_at_start(schedulers: NDArray[np.void]) -> NDArray[np.void]:
    """Every bucket is full: it was last empty as long ago as it takes to fill."""
    states = empty_records(len(schedulers), SCHEDULER_STATE)
    has_part = schedulers["full_part"] > 0
    states["empty_ps"] = -schedulers["full_ps"] - has_part
    states["empty_part"] = np.where(
        has_part, schedulers["committed_bps"] - schedulers["full_part"], 0
    )
    return states

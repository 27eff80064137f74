# SPDX-License-Identifier: Apache-2.0
"""Turns filters, recoveries, standby ways and faults into the constant arrays of reception.

Nothing here is made for a hop at whose end a frame is just passed on, so that such a hop
costs the kernel one comparison. Hops behind a stream gate that chooses queues exist once
more for each queue of their transmitter.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from emulator.simulation.agenda import Fork, agenda_of
from emulator.simulation.clock_tables import clock_indices
from emulator.simulation.faults import Fault, check_faults
from emulator.simulation.layout import (
    AGENDA_ENTRY,
    BRANCHES,
    FILTER,
    FORK,
    GATE,
    GATE_ENTRY,
    METER,
    NONE,
    RECEPTION,
    RECOVERY,
    ReceptionTables,
    Records,
    Tables,
    set_record,
)
from emulator.simulation.policing_tables import Policing
from netplan.plan.model import Plan, PlannedStream
from netplan.tsn.mechanisms import RecoveryAlgorithm

_FORK_FIELD = (RECEPTION.names or ()).index("fork")


def with_standby_hops(plan: Plan) -> Plan:
    """The same plan with the hops of all ways in one list per stream, the planned one first."""
    if not any(stream.standby for stream in plan.streams):
        return plan
    return replace(plan, streams=tuple(_with_all_hops(stream) for stream in plan.streams))


def _with_all_hops(stream: PlannedStream) -> PlannedStream:
    hops = list(stream.hops)
    for way in stream.standby:
        first = len(hops)
        hops.extend(
            replace(hop, parent_index=-1 if hop.parent_index < 0 else hop.parent_index + first)
            for hop in way.hops
        )
    return replace(stream, hops=tuple(hops))


@dataclass(slots=True)
class _Lists:
    """Rows of the arrays of reception, and the hops of each variant."""

    receptions: list[tuple[int, ...]] = field(default_factory=list)
    recoveries: list[tuple[int, ...]] = field(default_factory=list)
    history_count: int = 0
    forks: list[tuple[int, ...]] = field(default_factory=list)
    ways: list[tuple[int, ...]] = field(default_factory=list)
    branches: list[int] = field(default_factory=list)
    variants: list[tuple[int, int]] = field(default_factory=list)
    rows_below: list[int] = field(default_factory=list)
    policing: Policing = field(default_factory=Policing)


def _tables(lists: _Lists, hop_count: int, agenda: Records) -> ReceptionTables:
    """The lists as arrays; variants are numbered behind all hops."""
    policing = lists.policing
    return ReceptionTables(
        receptions=np.array(lists.receptions, dtype=RECEPTION),
        variants=np.arange(hop_count, hop_count + len(lists.variants), dtype=np.int64),
        filters=np.array(policing.filters, dtype=FILTER),
        gates=np.array(policing.gates, dtype=GATE),
        gate_entries=np.array(policing.gate_entries, dtype=GATE_ENTRY),
        meters=np.array(policing.meters, dtype=METER),
        recoveries=np.array(lists.recoveries, dtype=RECOVERY),
        forks=np.array(lists.forks, dtype=FORK),
        ways=np.array(lists.ways, dtype=BRANCHES),
        branches=np.array(lists.branches, dtype=np.int64),
        agenda=agenda,
    )


def no_reception() -> ReceptionTables:
    """Tables of a plan in which every node just passes frames on."""
    return _tables(_Lists(), 0, np.zeros(0, dtype=AGENDA_ENTRY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Tables with reception in them, and what the rest of the model must know about it.

    Attributes:
        tables: Complete.
        reception: Constants of reception.
        largest_depth: Hops of the longest path.
        branch_count: Most frames that go on from one that arrived.
    """

    tables: Tables
    reception: ReceptionTables
    largest_depth: int
    branch_count: int


def with_reception(
    plan: Plan, whole: Plan, tables: Tables, faults: Sequence[Fault], until_ps: int
) -> Received:
    """Add reception to the tables of a plan.

    Args:
        plan: The plan as it is.
        whole: The plan that the tables were made of: as it is, or with the hops of all ways.
        tables: Are changed in place where they know of hops and streams.
        faults: Scenario of the run; ValueError when it does not fit the plan.
        until_ps: End of the run.
    """
    check_faults(plan, faults)
    nodes: dict[str, int] = {}
    for stream in whole.streams:
        for hop in stream.hops:
            nodes.setdefault(hop.from_node, len(nodes))
            nodes.setdefault(hop.to_node, len(nodes))
    clocks = clock_indices(plan)
    lists = _Lists(
        rows_below=tables.rows_below.tolist(),
        policing=Policing(
            clocks={nodes[node]: clock for node, clock in clocks.items() if node in nodes}
        ),
    )
    forks: list[Fork] = []
    first_hop = first_row = 0
    for index, stream in enumerate(whole.streams):
        end_row = first_row + len(stream.listeners)
        set_record(tables.streams[index], first_row=first_row, end_row=end_row)
        walk = _StreamWalk(
            index=index,
            stream=stream,
            planned=plan.streams[index],
            tables=tables,
            lists=lists,
            nodes=nodes,
            first_hop=first_hop,
            first_row=first_row,
            watched=bool(faults),
        )
        walk.add()
        forks.extend(walk.add_forks())
        first_hop += len(stream.hops)
        first_row = end_row
    if whole is not plan:
        _keep_planned_roots(plan, whole, tables)
    hops = _with_variants(tables.hops, lists.variants)
    agenda = agenda_of(plan, faults, nodes, forks, until_ps)
    branch_count = int((hops["end_child"] - hops["first_child"]).max(initial=1))
    return Received(
        tables=tables._replace(
            hops=hops,
            rows_below=np.array(lists.rows_below, dtype=np.int64),
        ),
        reception=_tables(lists, len(tables.hops), agenda),
        largest_depth=1 + int(hops["depth"].max(initial=0)),
        branch_count=max(branch_count, *(end - first for first, end in lists.ways), 1),
    )


def _keep_planned_roots(plan: Plan, whole: Plan, tables: Tables) -> None:
    """Let talkers begin with the first hops of the planned way only; they are listed first."""
    for index, (stream, full) in enumerate(zip(plan.streams, whole.streams, strict=True)):
        others = sum(hop.parent_index < 0 for hop in full.hops[len(stream.hops) :])
        tables.streams[index]["end_root"] -= others


def _with_variants(hops: Records, variants: list[tuple[int, int]]) -> NDArray[np.void]:
    """The hops, and behind them those that exist again with another queue."""
    if not variants:
        return hops
    copies = hops[[hop_index for hop_index, _ in variants]].copy()
    copies["queue"] = [queue for _, queue in variants]
    return np.concatenate([hops, copies])


@dataclass(slots=True, kw_only=True)
class _StreamWalk:
    """One stream: its hops, in the order of the tables, from ``first_hop`` on.

    ``planned`` is the stream of the plan, ``stream`` the same with the hops of all ways.
    """

    index: int
    stream: PlannedStream
    planned: PlannedStream
    tables: Tables
    lists: _Lists
    nodes: dict[str, int]
    first_hop: int
    first_row: int
    watched: bool
    recovery_of: dict[int, int] = field(default_factory=dict)
    members_of: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def add(self) -> None:
        """Receptions of all hops that need one."""
        stream, hops = self.stream, self.tables.hops
        counted = bool(stream.recoveries) or len(stream.hops) > len(self.planned.hops)
        self._recoveries()
        self._listeners_of_ways()
        set_record(self.tables.streams[self.index], counted=int(counted))
        below = self._rows_below()
        for position, hop in enumerate(stream.hops):
            record = hops[self.first_hop + position]
            if stream.recoveries:
                set_record(record, depth=self._depth(position))
            stream_filter = None if hop.reception is None else hop.reception.filter
            if not (stream_filter or counted or self.watched):
                continue
            to_node = self.nodes[hop.to_node]
            main = self.members_of.get(position, (position,))[0]
            filter_index = NONE
            if stream_filter is not None:
                filter_index = self.lists.policing.filter_index(to_node, stream_filter)
                if stream_filter.gate is not None:
                    self._variants(main)
            first_below = len(self.lists.rows_below)
            self.lists.rows_below.extend(sorted(below[main]))
            set_record(record, reception=len(self.lists.receptions))
            if counted:
                # Nothing is lost for a listener until all copies are.
                set_record(record, first_below=0, end_below=0)
            self.lists.receptions.append(
                (
                    self.nodes[hop.from_node],
                    to_node,
                    filter_index,
                    self.recovery_of.get(position, NONE),
                    self.first_hop + main,
                    NONE,
                    int(self.watched),
                    first_below,
                    len(self.lists.rows_below),
                )
            )

    def _recoveries(self) -> None:
        for recovery in self.stream.recoveries:
            for member in recovery.members:
                self.recovery_of[member] = len(self.lists.recoveries)
                self.members_of[member] = recovery.members
            self.lists.recoveries.append(
                (
                    int(recovery.algorithm is RecoveryAlgorithm.MATCH),
                    recovery.history_count,
                    recovery.reset_ps,
                    self.lists.history_count,
                )
            )
            self.lists.history_count += recovery.history_count

    def _way_ranges(self) -> list[range]:
        """Positions of the hops of each way, the planned one first."""
        ends = [0, len(self.planned.hops)]
        if len(self.stream.hops) > len(self.planned.hops):
            for way in self.planned.standby:
                ends.append(ends[-1] + len(way.hops))
        return [range(start, end) for start, end in itertools.pairwise(ends)]

    def _listener_hops(self) -> list[list[int]]:
        """For each way, the position of the hop that ends at each listener."""
        ranges = self._way_ranges()
        found = [list(self.planned.listener_hops)]
        for way, positions in zip(self.planned.standby, ranges[1:], strict=False):
            found.append([positions.start + hop for hop in way.listener_hops])
        return found

    def _listeners_of_ways(self) -> None:
        """Let the hops of all ways that end at a listener deliver to its row."""
        for ends in self._listener_hops()[1:]:
            for listener_index, position in enumerate(ends):
                row = self.first_row + listener_index
                set_record(self.tables.hops[self.first_hop + position], row=row)

    def _rows_below(self) -> list[set[int]]:
        """For each hop, the rows that its frames may still reach."""
        below: list[set[int]] = [set() for _ in self.stream.hops]
        for ends in self._listener_hops():
            for listener_index, end in enumerate(ends):
                reached = [end]
                while reached:
                    position = reached.pop()
                    if position < 0 or self.first_row + listener_index in below[position]:
                        continue
                    below[position].add(self.first_row + listener_index)
                    # What has come over one member may have come over any.
                    for member in self.members_of.get(position, (position,)):
                        below[member].add(self.first_row + listener_index)
                        reached.append(self.stream.hops[member].parent_index)
        return below

    def _depth(self, position: int) -> int:
        """Hops before one, on the longest path to it."""
        parent = self.stream.hops[position].parent_index
        if parent < 0:
            return 0
        return 1 + max(self._depth(member) for member in self.members_of.get(parent, (parent,)))

    def _variants(self, position: int) -> None:
        """Let the hops behind a gate exist once more for each queue of their transmitter."""
        hops = self.tables.hops
        record = hops[self.first_hop + position]
        children = self.tables.children[record["first_child"] : record["end_child"]]
        for child in children.tolist():
            if hops[child]["first_variant"] != NONE:
                continue
            set_record(hops[child], first_variant=len(self.lists.variants))
            queue_count = int(self.tables.egresses[hops[child]["egress"]]["queue_count"])
            self.lists.variants.extend((child, queue) for queue in range(queue_count))

    def add_forks(self) -> list[Fork]:
        """A fork at each node that may send a stream on by another way."""
        ranges = self._way_ranges()
        if len(ranges) < 2:
            return []
        hops = self.stream.hops
        roots = [[p for p in positions if hops[p].parent_index < 0] for positions in ranges]
        forks: list[Fork] = []
        for node in dict.fromkeys(hop.to_node for hop in hops):
            fork = Fork(
                stream_index=self.index,
                node=node,
                fork_index=len(self.lists.forks),
                roots=(),
            )
            self.lists.forks.append((len(self.lists.ways),))
            for positions in ranges:
                first = len(self.lists.branches)
                self.lists.branches.extend(
                    self.first_hop + position
                    for position in positions
                    if hops[position].from_node == node and hops[position].parent_index >= 0
                )
                self.lists.ways.append((first, len(self.lists.branches)))
            for position, hop in enumerate(hops):
                if hop.to_node == node:
                    reception = self.tables.hops[self.first_hop + position]["reception"]
                    row = list(self.lists.receptions[reception])
                    row[_FORK_FIELD] = fork.fork_index
                    self.lists.receptions[reception] = tuple(row)
            forks.append(fork)
        first_root = int(self.tables.streams[self.index]["first_root"])
        counts = [0, *itertools.accumulate(len(way) for way in roots)]
        ends = tuple((first_root + a, first_root + b) for a, b in itertools.pairwise(counts))
        forks.append(
            Fork(stream_index=self.index, node=self.stream.talker, fork_index=NONE, roots=ends)
        )
        return forks

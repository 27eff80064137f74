# SPDX-License-Identifier: Apache-2.0
"""Draws up what is known before a run: faults and repairs, and what rings make of them.

Entries of one instant happen in the order of their kinds: cuts before repairs, and both before
the nodes' changes of the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from emulator.simulation.faults import (
    Fault,
    LinkCut,
    NodeOutage,
    TalkerFault,
    babbler_name,
    cut_egresses,
    merged,
)
from emulator.simulation.layout import AGENDA_ENTRY, NONE, Records
from emulator.simulation.outages import (
    ACTION_BLOCK,
    ACTION_CUT,
    ACTION_FLUSH,
    ACTION_MEND,
    ACTION_NODE_DOWN,
    ACTION_NODE_UP,
    ACTION_ROOTS,
    ACTION_SILENCE,
    ACTION_WAY,
)
from emulator.simulation.rerouting import Rerouting, reroute
from netplan.plan.model import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Where a stream may go on by another way.

    Attributes:
        stream_index: Which stream.
        node: Node that forwards it.
        fork_index: Number of the fork; none for the talker.
        roots: For the talker, the range of first hops of each way.
    """

    stream_index: int
    node: str
    fork_index: int
    roots: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Agenda:
    """Entries (time, action, subject, value, other)."""

    entries: list[tuple[int, int, int, int, int]] = field(default_factory=list)

    def add(self, at_ps: int, action: int, subject: int, value: int = 0, other: int = 0) -> None:
        self.entries.append((at_ps, action, subject, value, other))

    def add_span(
        self, start_ps: int, end_ps: int | None, actions: tuple[int, int], subject: int
    ) -> None:
        """Something that begins and, perhaps, ends."""
        self.add(start_ps, actions[0], subject)
        if end_ps is not None:
            self.add(end_ps, actions[1], subject)


def agenda_of(
    plan: Plan,
    faults: Sequence[Fault],
    nodes: dict[str, int],
    forks: Sequence[Fork],
    until_ps: int,
) -> Records:
    """The agenda of a run, in order.

    Args:
        plan: What runs.
        faults: Scenario.
        nodes: Number of each node.
        forks: Where ways may change.
        until_ps: End of the run.
    """
    agenda = _Agenda()
    _add_cuts(agenda, plan, faults)
    _add_node_outages(agenda, plan, faults, nodes)
    _add_silence(agenda, plan, faults)
    if faults and plan.rings:
        _add_rerouting(agenda, reroute(plan, faults, until_ps), forks)
    return np.array(sorted(agenda.entries), dtype=AGENDA_ENTRY)


def _add_cuts(agenda: _Agenda, plan: Plan, faults: Sequence[Fault]) -> None:
    spans: dict[int, list[tuple[int, int | None]]] = {}
    for fault in faults:
        if not isinstance(fault, LinkCut):
            continue
        for egress_index in cut_egresses(plan, fault):
            spans.setdefault(egress_index, []).append((fault.at_ps, fault.until_ps))
            if fault.is_noticed:
                agenda.add_span(
                    fault.at_ps, fault.until_ps, (ACTION_FLUSH, ACTION_FLUSH), egress_index
                )
    for egress_index, cuts in spans.items():
        for start_ps, end_ps in merged(cuts):
            agenda.add_span(start_ps, end_ps, (ACTION_CUT, ACTION_MEND), egress_index)


def _add_silence(agenda: _Agenda, plan: Plan, faults: Sequence[Fault]) -> None:
    """Talkers are silent while they or their nodes fail, and babblers when they are done."""
    index_of = {stream.name: index for index, stream in enumerate(plan.streams)}
    spans: dict[int, list[tuple[int, int | None]]] = {}
    for place, fault in enumerate(faults):
        if isinstance(fault, NodeOutage):
            for index, stream in enumerate(plan.streams):
                if stream.talker == fault.node:
                    spans.setdefault(index, []).append((fault.at_ps, fault.until_ps))
        elif isinstance(fault, TalkerFault) and not fault.babbles:
            spans.setdefault(index_of[fault.stream], []).append((fault.at_ps, fault.until_ps))
        elif isinstance(fault, TalkerFault) and fault.until_ps is not None:
            babbler = index_of[babbler_name(fault.stream, place)]
            spans.setdefault(babbler, []).append((fault.until_ps, None))
    for index, silences in spans.items():
        for start_ps, end_ps in merged(silences):
            agenda.add(start_ps, ACTION_SILENCE, index, 1)
            if end_ps is not None:
                agenda.add(end_ps, ACTION_SILENCE, index, 0)


def _add_node_outages(
    agenda: _Agenda, plan: Plan, faults: Sequence[Fault], nodes: dict[str, int]
) -> None:
    outages = [fault for fault in faults if isinstance(fault, NodeOutage)]
    for node in dict.fromkeys(fault.node for fault in outages):
        if node not in nodes:
            continue  # no stream comes by
        spans = merged((one.at_ps, one.until_ps) for one in outages if one.node == node)
        for start_ps, end_ps in spans:
            agenda.add_span(start_ps, end_ps, (ACTION_NODE_DOWN, ACTION_NODE_UP), nodes[node])
            for index, egress in enumerate(plan.egresses):
                if egress.node == node:
                    agenda.add_span(start_ps, end_ps, (ACTION_FLUSH, ACTION_FLUSH), index)


def _add_rerouting(agenda: _Agenda, rerouting: Rerouting, forks: Sequence[Fork]) -> None:
    for block in rerouting.blocks:
        agenda.add(block.at_ps, ACTION_BLOCK, block.egress_index, int(block.is_blocked))
    by_place: dict[tuple[int, str], list[Fork]] = {}
    for fork in forks:
        by_place.setdefault((fork.stream_index, fork.node), []).append(fork)
    for change in rerouting.ways:
        for fork in by_place.get((change.stream_index, change.node), ()):
            if fork.fork_index != NONE:
                agenda.add(change.at_ps, ACTION_WAY, fork.fork_index, change.way_index)
            else:
                first, end = fork.roots[change.way_index]
                agenda.add(change.at_ps, ACTION_ROOTS, change.stream_index, first, end)

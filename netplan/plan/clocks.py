# SPDX-License-Identifier: Apache-2.0
"""Clocks of the plan: which nodes take part in time synchronisation, and how well.

Time travels over the wired links between devices whose catalogue entry describes a clock;
bridges relay it. A node *needs* time when it keeps a phase or has gates.
"""

from __future__ import annotations

from dataclasses import dataclass

from netplan.design.design import Design
from netplan.design.findings import Finding, Severity
from netplan.design.quantities import duration_text
from netplan.design.resolve import Equipment
from netplan.tsn.grandmaster_failure import GrandmasterFailure, grandmaster_failure
from netplan.tsn.mechanisms import Synchronisation
from netplan.tsn.synchronisation import (
    Placement,
    Synchronised,
    best_grandmaster,
    synchronise,
)
from netplan.tsn.time_tree import TimeLink, TimeNode, time_link, time_node

_AT = ("tsn", "")
_BRIDGING = frozenset({"bridge", "router", "firewall"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStudy:
    """Everything about the clocks of a design.

    Attributes:
        synchronised: Clocks and their budgets.
        placements: All places for the grandmaster, the best first.
        failure: What it costs when the grandmaster fails.
        needing: Nodes that need time.
    """

    synchronised: Synchronised
    placements: tuple[Placement, ...]
    failure: GrandmasterFailure
    needing: tuple[str, ...]


def clocks_of(design: Design, equipment: Equipment) -> tuple[Synchronisation | None, list[Finding]]:
    """The clocks of a plan; None when the design says nothing of synchronisation."""
    wanted = design.tsn.synchronisation
    if wanted is None:
        return None, []
    nodes, links = _domain(equipment)
    needing = _needing(design, nodes)
    findings: list[Finding] = []

    def refuse(code: str, message: str, expected: str, found: str, hint: str) -> None:
        findings.append(
            design.finding(
                code, Severity.ERROR, message, at=_AT, keys=("synchronisation",),
                expected=expected, found=found, hint=hint,
            )
        )  # fmt: skip

    chosen = wanted.grandmaster
    if chosen is None:
        places = best_grandmaster(nodes, links, needing, interval_ps=wanted.interval_ps)
        chosen = places[0].node if places else None
    if chosen is None or chosen not in nodes:
        refuse(
            "SYNC-GRANDMASTER", "this node cannot be the grandmaster",
            "a node whose catalogue device has a clock", chosen or "no such node",
            "choose a controller or a TSN bridge",
        )  # fmt: skip
        return None, findings
    found = synchronise(nodes, links, chosen, interval_ps=wanted.interval_ps)
    reached = {row.node: row for row in found.budgets}
    for node in sorted(needing):
        if node not in reached:
            refuse(
                "SYNC-UNREACHED", f"'{node}' needs time and gets none",
                f"bridges that relay time between '{chosen}' and it", "no such way",
                "use TSN bridges on the way, or a device with a clock",
            )  # fmt: skip
        elif wanted.limit_ps is not None and reached[node].error_ps > wanted.limit_ps:
            refuse(
                "SYNC-LIMIT", f"the clock of '{node}' may be wrong by more than the limit",
                f"at most {duration_text(wanted.limit_ps)}",
                f"{duration_text(reached[node].error_ps)} after {reached[node].hops_count} hops",
                "shorten 'interval', move the grandmaster ('plantwire clocks' ranks places), "
                "or choose devices with better clocks",
            )  # fmt: skip
    return found.synchronisation, findings


def clock_study(design: Design, equipment: Equipment) -> ClockStudy | None:
    """Budgets, places for the grandmaster and the cost of its failure; None without clocks."""
    synchronisation, findings = clocks_of(design, equipment)
    wanted = design.tsn.synchronisation
    if synchronisation is None or wanted is None or findings:
        return None
    nodes, links = _domain(equipment)
    needing = _needing(design, nodes) or set(nodes)
    interval_ps = wanted.interval_ps
    chosen = synchronisation.grandmaster
    return ClockStudy(
        synchronised=synchronise(nodes, links, chosen, interval_ps=interval_ps),
        placements=best_grandmaster(nodes, links, needing, interval_ps=interval_ps),
        failure=grandmaster_failure(nodes, links, chosen, interval_ps=interval_ps),
        needing=tuple(sorted(needing)),
    )


def _domain(equipment: Equipment) -> tuple[dict[str, TimeNode], list[TimeLink]]:
    """Nodes with clocks, and the wired links between them."""
    values = {
        name: node.device.clock
        for name, node in equipment.nodes.items()
        if node.device.clock is not None
    }
    nodes = {
        name: time_node(name, clock, relays=bool(equipment.nodes[name].functions & _BRIDGING))
        for name, clock in values.items()
    }
    links = []
    for link in equipment.links.values():
        (one, _), (other, _) = link.ends
        if link.passive or one not in values or other not in values:
            continue
        delay_ps = round(link.link.length_m * link.medium.propagation_ps_per_m.value)
        links.append(time_link((one, other), (values[one], values[other]), delay_ps=delay_ps))
    return nodes, links


def _needing(design: Design, nodes: dict[str, TimeNode]) -> set[str]:
    """Nodes that keep a phase or have gates, whether or not they have a clock."""
    needing = {
        stream.talker
        for stream in design.streams.values()
        if stream.scheduled or stream.phase_ps is not None
    }
    for relation in design.relations.values():
        if relation.scheduled or relation.phase_ps is not None:
            needing |= {relation.controller.split(":")[0], relation.device}
    if design.schedule is not None:
        needing |= {port.rsplit(".", 1)[0] for port in design.schedule.gates}
    needing |= {
        name
        for name, node in design.nodes.items()
        if any(task.phase_ps is not None for task in node.tasks.values())
    }
    return needing or set(nodes)

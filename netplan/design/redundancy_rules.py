# SPDX-License-Identifier: Apache-2.0
"""Rules about rings, spanning trees and double LANs: they are closed, apart, and of nodes that can.

Each rule is one function that yields findings; :mod:`netplan.design.checks` calls them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import networkx as nx

from netplan.design.design import Design, Path
from netplan.design.faults import KINDS, Fault
from netplan.design.findings import Finding, Severity
from netplan.design.names import node_of, port_of
from netplan.design.plant_rules import error
from netplan.design.quantities import duration_text
from netplan.design.redundancy import DlrRing, MrpRing, PrpLans, Redundancy, RstpBridges
from netplan.design.resolve import Equipment, nearest
from netplan.tsn.rings import MOST_NODES, MRP_TIMERS

_PS_PER_MS = 10**9


def members(one: Redundancy) -> Iterator[tuple[Path, str]]:
    """Every node that a redundancy names as a member, with its place."""
    if isinstance(one, PrpLans):
        for number, lan in enumerate(one.lans):
            for index, node in enumerate(lan):
                yield ("lans", number, index), node
    else:
        for index, node in enumerate(one.nodes):
            yield ("nodes", index), node


def joined(equipment: Equipment) -> dict[frozenset[str], str]:
    """Pairs of nodes that an Ethernet link joins, with the first such link."""
    found: dict[frozenset[str], str] = {}
    for name, link in equipment.links.items():
        if not link.passive:
            found.setdefault(frozenset(node for node, _ in link.ends), name)
    return found


def members_exist_and_can(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """REDUNDANCY-NODE-UNKNOWN, REDUNDANCY-NODE-TWICE, REDUNDANCY-NODE-CANNOT, REDUNDANCY-SIZE."""
    for name, one in design.redundancy.items():
        at = ("redundancy", name)
        named: set[str] = set()
        for keys, node in members(one):
            if node not in design.nodes:
                if not design.is_left_out("nodes", node):
                    yield error(
                        design, "REDUNDANCY-NODE-UNKNOWN", at, keys, "there is no such node",
                        expected="a node of the design", found=node,
                        hint=nearest(node, design.nodes),
                    )  # fmt: skip
                continue
            if node in named:
                yield error(
                    design, "REDUNDANCY-NODE-TWICE", at, keys, "a node is named twice",
                    expected="each node once", found=node, hint="remove one of them",
                )  # fmt: skip
                continue
            named.add(node)
            yield from _can(design, equipment, at, keys, one, node)
        if isinstance(one, MrpRing | DlrRing) and len(named) > MOST_NODES:
            yield design.finding(
                "REDUNDANCY-SIZE", Severity.WARNING,
                f"no recovery time is promised for a ring of more than {MOST_NODES} nodes",
                at=at, keys=("nodes",), expected=f"at most {MOST_NODES} nodes",
                found=f"{len(named)}", hint="divide the ring",
            )  # fmt: skip


def _can(
    design: Design,
    equipment: Equipment,
    at: tuple[str, str],
    keys: Path,
    one: Redundancy,
    node: str,
) -> Iterator[Finding]:
    resolved = equipment.nodes.get(node)
    if resolved is None:
        return
    bridge = resolved.device.bridge
    known = bridge.redundancy.value if bridge is not None and bridge.redundancy is not None else ()
    if isinstance(one, PrpLans):
        if not resolved.forwards:
            yield error(
                design, "REDUNDANCY-NODE-CANNOT", at, keys, "a LAN is made of bridges",
                expected="a node that forwards", found=f"'{node}' ({resolved.device.id})",
                hint="name bridges only; nodes with a link to both LANs need not be named",
            )  # fmt: skip
    elif not resolved.forwards or one.kind not in known:
        yield error(
            design, "REDUNDANCY-NODE-CANNOT", at, keys, f"this node does not know {one.kind.upper()}",
            expected=f"a bridging device with '{one.kind}' under 'bridge.redundancy'",
            found=f"'{node}' ({resolved.device.id}): {', '.join(known) or 'none'}",
            hint="choose another model, or add the protocol to the device in the catalogue",
        )  # fmt: skip


def rings_are_closed(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """REDUNDANCY-OPEN, REDUNDANCY-LINK-TWICE: links join the nodes, and serve one protocol each."""
    links = joined(equipment)
    if ("links", "") in design.left_out:
        return  # a link that did not validate may be the one that is missing
    taken: dict[str, str] = {}
    for name, one in design.redundancy.items():
        at = ("redundancy", name)
        if isinstance(one, PrpLans):
            continue
        used: list[tuple[Path, str]] = []
        if isinstance(one, RstpBridges):
            yield from _connected(design, at, one, links)
            inside = set(one.nodes)
            used = [(("nodes",), link) for pair, link in links.items() if pair <= inside]
        else:
            for index, node in enumerate(one.nodes):
                after = one.nodes[(index + 1) % len(one.nodes)]
                link = links.get(frozenset((node, after)))
                if link is not None:
                    used.append((("nodes", index), link))
                elif node in equipment.nodes and after in equipment.nodes and node != after:
                    yield error(
                        design, "REDUNDANCY-OPEN", at, ("nodes", index),
                        "the ring is not closed here",
                        expected=f"a link between '{node}' and '{after}'", found="none",
                        hint="add the link, or name the nodes in their order around the ring",
                    )  # fmt: skip
        for keys, link in used:
            if taken.setdefault(link, name) != name:
                yield error(
                    design, "REDUNDANCY-LINK-TWICE", at, keys,
                    "two redundancy protocols would open and close the same ports",
                    expected="a link of its own for each", found=f"'{link}', as in '{taken[link]}'",
                    hint="leave the link to one of them",
                )  # fmt: skip


def _connected(
    design: Design, at: tuple[str, str], one: RstpBridges, links: Mapping[frozenset[str], str]
) -> Iterator[Finding]:
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(node for node in one.nodes if node in design.nodes)
    for pair in links:
        if pair <= set(one.nodes) and len(pair) > 1:
            first, second = sorted(pair)
            graph.add_edge(first, second)
    parts = list(nx.connected_components(graph))
    if len(parts) > 1:
        apart = next(node for node in one.nodes if node in min(parts, key=len))
        yield error(
            design, "REDUNDANCY-OPEN", at, ("nodes", one.nodes.index(apart)),
            "no link joins this bridge with the others",
            expected="links that join all bridges", found=f"'{apart}' apart",
            hint="add a link, or remove it from the list",
        )  # fmt: skip


def masters_are_members(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """REDUNDANCY-MASTER, REDUNDANCY-RECOVERY, REDUNDANCY-BEACON: who leads, and how fast."""
    for name, one in design.redundancy.items():
        at = ("redundancy", name)
        key, master = _master(one)
        if master is not None and not isinstance(one, PrpLans) and master not in one.nodes:
            yield error(
                design, "REDUNDANCY-MASTER", at, (key,), f"the {key} is not in the list of nodes",
                expected="one of 'nodes'", found=master, hint=nearest(master, one.nodes),
            )  # fmt: skip
        if isinstance(one, MrpRing) and one.recovery_ps not in {
            time_ms * _PS_PER_MS for time_ms in MRP_TIMERS
        }:
            yield error(
                design, "REDUNDANCY-RECOVERY", at, ("recovery",),
                "MRP has no set of parameters for this recovery time",
                expected=", ".join(f"{time_ms} ms" for time_ms in MRP_TIMERS),
                found=duration_text(one.recovery_ps), hint="choose the next shorter one",
            )  # fmt: skip
        if isinstance(one, DlrRing) and one.beacon_timeout_ps <= one.beacon_interval_ps:
            yield error(
                design, "REDUNDANCY-BEACON", at, ("beacon_timeout",),
                "the ring would be taken for broken between two beacons",
                expected=f"more than the interval, {duration_text(one.beacon_interval_ps)}",
                found=duration_text(one.beacon_timeout_ps),
                hint="lengthen 'beacon_timeout'; some four intervals are usual",
            )  # fmt: skip


def _master(one: Redundancy) -> tuple[str, str | None]:
    """The key that names who leads, and its value."""
    if isinstance(one, MrpRing):
        return "manager", one.manager
    if isinstance(one, DlrRing):
        return "supervisor", one.supervisor
    if isinstance(one, RstpBridges):
        return "root", one.root
    return "", None


def lans_are_apart(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """REDUNDANCY-LANS, REDUNDANCY-NOBODY: two LANs share nothing, and somebody is on both."""
    links = joined(equipment)
    for name, one in design.redundancy.items():
        if not isinstance(one, PrpLans):
            continue
        at = ("redundancy", name)
        lans = [set(lan) for lan in one.lans]
        for pair, link in links.items():
            if all(pair & lan for lan in lans) and len(pair) > 1 and pair <= lans[0] | lans[1]:
                yield error(
                    design, "REDUNDANCY-LANS", at, ("lans",), "a link joins the two LANs",
                    expected="LANs that share nothing", found=f"'{link}'", hint="remove the link",
                )  # fmt: skip
        if not doubly_attached(one, links) and all(
            node in design.nodes for _, node in members(one)
        ):
            yield error(
                design, "REDUNDANCY-NOBODY", at, ("lans",), "no node has a link to each LAN",
                expected="talkers, listeners or RedBoxes on both LANs", found="none",
                hint="join them to a bridge of each LAN",
            )  # fmt: skip


def doubly_attached(one: PrpLans, links: Mapping[frozenset[str], str]) -> frozenset[str]:
    """Nodes outside both LANs with a link to each: PRP nodes and RedBoxes."""
    inside = {node for lan in one.lans for node in lan}
    touching: list[set[str]] = [
        {node for pair in links if pair & set(lan) for node in pair - inside} for lan in one.lans
    ]
    return frozenset(touching[0] & touching[1])


def faults_name_what_there_is(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """FAULT-WHAT, FAULT-TIME, FAULT-UNKNOWN: each fault is one thing, at a possible time."""
    for name, faults in design.faults.items():
        for index, fault in enumerate(faults):
            wrong = fault_error(design, equipment, fault)
            if wrong is not None:
                yield error(
                    design, wrong.code, ("faults", name), (index, *wrong.keys), wrong.message,
                    expected=wrong.expected, found=wrong.found, hint=wrong.hint,
                )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultError:
    """What is wrong with a fault; the fields are those of a finding."""

    code: str
    keys: Path
    message: str
    expected: str
    found: str
    hint: str


def fault_error(design: Design, equipment: Equipment, fault: Fault) -> FaultError | None:
    """The first thing that is wrong with a fault; None when it can be tried."""
    said = fault.said()
    if len(said) != 1:
        return FaultError(
            code="FAULT-WHAT", keys=(), message="a fault is one thing",
            expected=f"one of {', '.join(KINDS)}", found=", ".join(said) or "none of them",
            hint="write one entry for each",
        )  # fmt: skip
    ((kind, value),) = said.items()
    if fault.until_ps is not None and fault.until_ps <= fault.at_ps:
        return FaultError(
            code="FAULT-TIME", keys=("until",), message="the fault is over before it begins",
            expected=f"later than {duration_text(fault.at_ps)}",
            found=duration_text(fault.until_ps), hint="correct 'at' or 'until'",
        )  # fmt: skip
    known: Iterable[str]
    if isinstance(value, tuple):
        what, found = "link", " - ".join(value)
        known = [" - ".join(".".join(end) for end in one.ends) for one in equipment.links.values()]
        is_known = link_ends(equipment, value) is not None
    elif kind == "down":
        what, found, known = "node", value, design.nodes
        is_known = value in design.nodes
    else:
        what, found = "stream", value
        known = [
            *design.streams,
            *(f"{one}.{way}" for one in design.relations for way in ("out", "in")),
        ]
        is_known = value in known
    if is_known:
        return None
    return FaultError(
        code="FAULT-UNKNOWN", keys=(kind,), message=f"there is no such {what}",
        expected=f"a {what} of the design", found=found, hint=nearest(found, known),
    )  # fmt: skip


def link_ends(equipment: Equipment, ends: tuple[str, str]) -> tuple[str, str] | None:
    """The two ports of the link between two nodes or ports, in that order; None when there is none."""
    for link in equipment.links.values():
        for one, other in (link.ends, link.ends[::-1]):
            if all(
                node_of(wanted) == node and port_of(wanted) in {"", port}
                for wanted, (node, port) in zip(ends, (one, other), strict=True)
            ):
                return ".".join(one), ".".join(other)
    return None

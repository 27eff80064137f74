# SPDX-License-Identifier: Apache-2.0
"""Equipment and wiring of a design: what the catalogue adds, and which port a link takes.

Every name that a node or link mentions is looked up here, and each one that leads
nowhere becomes a finding; objects with an error are left out of the result.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from netplan.catalog.model import Connector, Copper, Device, Fibre, Role
from netplan.design.design import Design, Path
from netplan.design.equipment import Link, Node
from netplan.design.findings import Finding, Severity
from netplan.design.names import node_of, port_of
from netplan.design.quantities import rate_text

_FITTING: dict[str, frozenset[Connector]] = {
    "copper": frozenset({"rj45"}),
    "fibre": frozenset({"sfp", "optical", "pon"}),
}
_PASSIVE: frozenset[Connector] = frozenset({"optical", "pon"})
_DEFAULT_RATE_BPS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedPort:
    """A port with what the catalogue and the node say of it."""

    name: str
    connector: Connector
    rates_bps: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedNode:
    """A node with its catalogue device, functions and ports."""

    name: str
    node: Node
    device: Device
    functions: frozenset[str]
    ports: dict[str, ResolvedPort]

    @property
    def forwards(self) -> bool:
        """Whether frames of others pass through it."""
        return bool(self.functions & {"bridge", "router", "firewall", "pop", "upf", "gnb"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedLink:
    """A link with its ends, its medium and its rate; ``passive`` within a PON."""

    name: str
    link: Link
    ends: tuple[tuple[str, str], tuple[str, str]]
    medium: Copper | Fibre
    line_bps: int
    passive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """All nodes and links that could be resolved."""

    nodes: dict[str, ResolvedNode]
    links: dict[str, ResolvedLink]


def resolve(design: Design) -> tuple[Equipment, list[Finding]]:
    """Look up everything that nodes and links mention."""
    findings: list[Finding] = []
    nodes: dict[str, ResolvedNode] = {}
    for name in design.nodes:
        resolved = _resolve_node(design, name, findings)
        if resolved is not None:
            nodes[name] = resolved
    links = _resolve_links(design, nodes, findings)
    return Equipment(nodes=nodes, links=links), findings


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that proposes the known name nearest to a wrong one."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known are: {', '.join(sorted(names)[:12]) or 'none'}"


def _is_known(design: Design, group: str, name: str) -> bool:
    return name in getattr(design, group) or design.is_left_out(group, name)


def _is_known_floor(design: Design, floor: str) -> bool:
    return floor in design.floors() or design.is_left_out("sites", floor.split("/", maxsplit=1)[0])


def _resolve_node(design: Design, name: str, findings: list[Finding]) -> ResolvedNode | None:
    node = design.nodes[name]

    def refuse(code: str, keys: Path, message: str, found: str, known: Iterable[str]) -> None:
        findings.append(
            design.finding(
                code, Severity.ERROR, message, at=("nodes", name), keys=keys, found=found,
                hint=nearest(found, known),
            )
        )  # fmt: skip

    if node.zone is not None and not _is_known(design, "zones", node.zone):
        refuse("NODE-ZONE-UNKNOWN", ("zone",), "there is no such zone", node.zone, design.zones)
    if node.floor is not None and not _is_known_floor(design, node.floor):
        refuse(
            "NODE-FLOOR-UNKNOWN", ("floor",), "there is no such floor", node.floor, design.floors()
        )
    if node.moves is not None and not _is_known(design, "routes", node.moves):
        refuse(
            "NODE-ROUTE-UNKNOWN", ("moves",), "there is no such route", node.moves, design.routes
        )
    role = design.catalog.get(Role, node.role)
    if role is None:
        refuse(
            "NODE-ROLE-UNKNOWN", ("is",), "the catalogue has no such role", node.role,
            design.catalog.ids(Role),
        )  # fmt: skip
        return None
    model = node.model or role.device
    device = design.catalog.get(Device, model)
    if device is None:
        refuse(
            "NODE-MODEL-UNKNOWN", ("model",), "the catalogue has no such device", model,
            design.catalog.ids(Device),
        )  # fmt: skip
        return None
    ports = {
        port.name: port
        for group in device.ports
        for port in (
            ResolvedPort(
                name=f"{group.prefix}{number}", connector=group.connector, rates_bps=group.rates_bps
            )
            for number in range(1, group.count + 1)
        )
    }
    for port_name, port in node.ports.items():
        known = ports.get(port_name)
        if known is None:
            refuse(
                "NODE-PORT-UNKNOWN", ("ports", port_name), f"'{device.id}' has no such port",
                port_name, ports,
            )  # fmt: skip
            continue
        ports[port_name] = ResolvedPort(
            name=port_name, connector=known.connector, rates_bps=(port.rate_bps,)
        )
    for interface in node.attach:
        if interface not in ports or ports[interface].connector != "radio":
            radios = [port.name for port in ports.values() if port.connector == "radio"]
            refuse(
                "NODE-RADIO-UNKNOWN", ("attach", interface),
                f"'{device.id}' has no such radio interface", interface, radios,
            )  # fmt: skip
    functions = frozenset(node.functions if node.functions is not None else role.functions)
    return ResolvedNode(name=name, node=node, device=device, functions=functions, ports=ports)


def _resolve_links(
    design: Design, nodes: dict[str, ResolvedNode], findings: list[Finding]
) -> dict[str, ResolvedLink]:
    media: dict[str, Copper | Fibre] = {}
    taken: dict[tuple[str, str], str] = {}
    for name, link in design.links.items():
        medium = _medium_of(design, name, link, findings)
        known = [_end_is_known(design, nodes, name, index, findings) for index in (0, 1)]
        if medium is None or not all(known):
            continue
        media[name] = medium
        for index in (0, 1):
            port = port_of(link.between[index])
            if port:
                _take(design, taken, name, index, (node_of(link.between[index]), port), findings)
    links: dict[str, ResolvedLink] = {}
    for name, medium in media.items():
        link = design.links[name]
        ends = tuple(_end(design, nodes, taken, name, index, medium, findings) for index in (0, 1))
        if ends[0] is None or ends[1] is None:
            continue
        resolved = _resolved_link(design, nodes, name, medium, (ends[0], ends[1]), findings)
        if resolved is not None:
            links[name] = resolved
    return links


def _medium_of(
    design: Design, name: str, link: Link, findings: list[Finding]
) -> Copper | Fibre | None:
    medium = design.catalog.get(Copper, link.medium) or design.catalog.get(Fibre, link.medium)
    if medium is None:
        known = (*design.catalog.ids(Copper), *design.catalog.ids(Fibre))
        findings.append(
            design.finding(
                "LINK-MEDIUM-UNKNOWN", Severity.ERROR, "the catalogue has no such cable or fibre",
                at=("links", name), keys=("medium",), found=link.medium,
                hint=nearest(link.medium, known),
            )
        )  # fmt: skip
    return medium


def _end_is_known(
    design: Design,
    nodes: dict[str, ResolvedNode],
    name: str,
    index: int,
    findings: list[Finding],
) -> bool:
    end = design.links[name].between[index]
    node, port = node_of(end), port_of(end)

    def refuse(code: str, message: str, found: str, known: Iterable[str]) -> bool:
        findings.append(
            design.finding(
                code, Severity.ERROR, message, at=("links", name), keys=("between", index),
                found=found, hint=nearest(found, known),
            )
        )  # fmt: skip
        return False

    if design.is_left_out("nodes", node):
        return False
    if node not in design.nodes:
        return refuse("LINK-NODE-UNKNOWN", "there is no such node", node, design.nodes)
    if node not in nodes:
        return False
    if port and port not in nodes[node].ports:
        return refuse(
            "LINK-PORT-UNKNOWN", f"'{nodes[node].device.id}' has no such port", port,
            nodes[node].ports,
        )  # fmt: skip
    return True


def _take(
    design: Design,
    taken: dict[tuple[str, str], str],
    name: str,
    index: int,
    end: tuple[str, str],
    findings: list[Finding],
) -> None:
    if end in taken:
        findings.append(
            design.finding(
                "LINK-PORT-TAKEN", Severity.ERROR, "two links use the same port",
                at=("links", name), keys=("between", index), expected="a free port",
                found=f"{end[0]}.{end[1]}, used by link {taken[end]}",
                hint="choose another port, or leave the port out to get the next free one",
            )
        )  # fmt: skip
    else:
        taken[end] = name


def _end(
    design: Design,
    nodes: dict[str, ResolvedNode],
    taken: dict[tuple[str, str], str],
    name: str,
    index: int,
    medium: Copper | Fibre,
    findings: list[Finding],
) -> tuple[str, str] | None:
    """The node and port of one end; the first free fitting port where none is named."""
    end = design.links[name].between[index]
    node = nodes[node_of(end)]
    fitting = _FITTING[medium.kind]
    port = port_of(end)
    if port:
        connector = node.ports[port].connector
        if connector not in fitting:
            findings.append(
                design.finding(
                    "LINK-PORT-MEDIUM", Severity.ERROR,
                    f"{medium.id} does not fit into port {end}",
                    at=("links", name), keys=("between", index),
                    expected=f"a port of kind {' or '.join(sorted(fitting))}",
                    found=connector, hint="use another port or another medium",
                )
            )  # fmt: skip
            return None
        return node.name, port
    for candidate in node.ports.values():
        free = (node.name, candidate.name) not in taken
        if free and candidate.connector in fitting:
            taken[node.name, candidate.name] = name
            return node.name, candidate.name
    findings.append(
        design.finding(
            "LINK-NO-FREE-PORT", Severity.ERROR,
            f"'{node.name}' has no free port for {medium.id}",
            at=("links", name), keys=("between", index),
            expected=f"a free port of kind {' or '.join(sorted(fitting))}",
            found=f"{sum(one.connector in fitting for one in node.ports.values())} such ports on "
            f"'{node.device.id}', all taken",
            hint="choose a model with more such ports, or another medium",
        )
    )  # fmt: skip
    return None


def _resolved_link(
    design: Design,
    nodes: dict[str, ResolvedNode],
    name: str,
    medium: Copper | Fibre,
    ends: tuple[tuple[str, str], tuple[str, str]],
    findings: list[Finding],
) -> ResolvedLink | None:
    link = design.links[name]
    ports = tuple(nodes[node].ports[port] for node, port in ends)

    def refuse(code: str, keys: Path, message: str, expected: str, found: str, hint: str) -> None:
        findings.append(
            design.finding(
                code, Severity.ERROR, message, at=("links", name), keys=keys, expected=expected,
                found=found, hint=hint,
            )
        )  # fmt: skip

    if ends[0] == ends[1] or ends[0][0] == ends[1][0]:
        refuse(
            "LINK-SELF", ("between",), "a link joins a node with itself", "two different nodes",
            f"{link.between[0]} and {link.between[1]}", "correct one of the ends",
        )  # fmt: skip
        return None
    passive = [port.connector in _PASSIVE for port in ports]
    if any(passive) and not all(passive):
        refuse(
            "LINK-PON-END", ("between",), "a PON port is joined with an Ethernet port",
            "a splitter, an ONU or an OLT's PON port at both ends",
            " and ".join(port.connector for port in ports),
            "a PON port needs a splitter or an ONU",
        )  # fmt: skip
        return None
    common = sorted(set(ports[0].rates_bps) & set(ports[1].rates_bps))
    rate_bps = link.rate_bps or (common[-1] if common else None)
    if all(passive):
        rate_bps = rate_bps or _DEFAULT_RATE_BPS
    elif rate_bps is None or any(rate_bps not in port.rates_bps for port in ports):
        known = " / ".join(
            ", ".join(rate_text(rate) for rate in port.rates_bps) or "none" for port in ports
        )
        refuse(
            "LINK-RATE", ("rate",) if link.rate_bps else ("between",),
            "the two ports have no common rate" if link.rate_bps is None
            else "not both ports know this rate",
            "a rate that both ports know",
            f"{rate_text(link.rate_bps) + '; ' if link.rate_bps else ''}the ports know {known}",
            "use other ports, models or a 'rate' of both",
        )  # fmt: skip
        return None
    return ResolvedLink(
        name=name, link=link, ends=ends, medium=medium, line_bps=rate_bps, passive=all(passive)
    )

# SPDX-License-Identifier: Apache-2.0
"""What the plan says of things rather than streams: nodes, links, VLANs, addresses."""

from __future__ import annotations

from collections.abc import Mapping

from netplan.design.design import Design
from netplan.design.resolve import Equipment, ResolvedNode
from netplan.ipv6.addresses import assign, site_prefix
from netplan.plan.channel import Channels
from netplan.plan.model import PlannedLink, PlannedNode

DEFAULT_VLAN = 1
"""Of talkers that stand in no zone."""
_FIRST_ZONE_VLAN = 10
_ZONE_VLAN_STEP = 10
_LAST_VLAN = 4095


def zone_vlans(design: Design) -> dict[str | None, int]:
    """A VLAN for every zone: the one it names, otherwise 10, 20, 30 ... as far as free."""
    named = {zone.vlan for zone in design.zones.values() if zone.vlan is not None}
    numbers = (*range(_FIRST_ZONE_VLAN, _LAST_VLAN, _ZONE_VLAN_STEP), *range(2, _LAST_VLAN))
    free = (number for number in dict.fromkeys(numbers) if number not in named)
    return {
        name: zone.vlan if zone.vlan is not None else next(free, DEFAULT_VLAN)
        for name, zone in design.zones.items()
    }


def addresses(
    design: Design, equipment: Equipment, vlans: Mapping[str | None, int]
) -> dict[str, str]:
    """Interfaces of hosts and routers by port, bridges by one management address."""
    interfaces: list[tuple[str, int]] = []
    ports: dict[str, list[str]] = {}
    for link in equipment.links.values():
        for end, port in link.ends:
            ports.setdefault(end, []).append(port)
    for name, node in equipment.nodes.items():
        vlan = vlans.get(node.node.zone, DEFAULT_VLAN)
        if "splitter" in node.functions:
            continue
        if node.functions & {"router", "firewall", "upf", "pop"}:
            interfaces += [(f"{name}.{port}", vlan) for port in ports.get(name, [])]
        else:
            interfaces.append((name, vlan))
    return assign(site_prefix(design.addressing.prefix, design.name), interfaces)


def _availability(mtbf_ps: int | None, repair_ps: int | None) -> float | None:
    """Share of time that something works. Source: A = MTBF / (MTBF + MTTR), IEC 61703."""
    if mtbf_ps is None or repair_ps is None:
        return None
    return mtbf_ps / (mtbf_ps + repair_ps)


def planned_node(design: Design, resolved: ResolvedNode) -> PlannedNode:
    """A node with its place, and the availability that design or catalogue allow to work out."""
    node = resolved.node
    reliability = resolved.device.reliability
    mtbf_ps, repair_ps = node.mtbf_ps, node.repair_ps
    if reliability is not None:
        mtbf_ps = reliability.mtbf_ps.value if mtbf_ps is None else mtbf_ps
        repair_ps = reliability.repair_ps.value if repair_ps is None else repair_ps
    point = node.at_m
    if point is None and node.moves is not None:
        point = design.routes[node.moves].points_m[0]
    position = None if point is None else (point[0], point[1], point[2] if len(point) > 2 else 0.0)
    return PlannedNode(
        name=resolved.name,
        role=node.role,
        model=resolved.device.id,
        zone=node.zone or "",
        position_m=position,
        availability_ratio=_availability(mtbf_ps, repair_ps),
    )


def planned_links(equipment: Equipment, channels: Channels) -> tuple[PlannedLink, ...]:
    """Cables and fibres, then radio attachments."""
    links = [
        PlannedLink(
            ends=(".".join(link.ends[0]), ".".join(link.ends[1])),
            medium=link.medium.id,
            line_bps=link.line_bps,
            availability_ratio=_availability(link.link.mtbf_ps, link.link.repair_ps),
        )
        for link in equipment.links.values()
    ]
    links += [
        PlannedLink(
            ends=(
                f"{channel.from_node}.{channel.from_port}",
                f"{channel.to_node}.{channel.to_port}",
            ),
            medium=channel.medium,
            line_bps=channel.line_bps,
        )
        for channel in channels.between.values()
        if channel.radio and channel.from_node < channel.to_node
    ]
    return tuple(links)

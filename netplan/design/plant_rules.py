# SPDX-License-Identifier: Apache-2.0
"""Rules about the plant itself: networks, tasks, zones and conduits, places, addresses.

Each rule is one function that yields findings; :mod:`netplan.design.checks` calls them all.
"""

from __future__ import annotations

from collections.abc import Iterator

from netplan.catalog.model import Material, Protocol
from netplan.design.design import Design, Path
from netplan.design.findings import Finding, Severity
from netplan.design.names import node_of
from netplan.design.places import Floor, Point
from netplan.design.resolve import Equipment, nearest
from netplan.ipv6.addresses import site_prefix

_SERVING = {"gnb": "5g", "access-point": "iwlan", "olt": "pon"}
_JOINING = {"ue": "5g", "iwlan-client": "iwlan"}


def error(
    design: Design,
    code: str,
    at: tuple[str, str],
    keys: Path,
    message: str,
    *,
    expected: str = "",
    found: str = "",
    hint: str = "",
) -> Finding:
    """A finding that stops planning, at an object of the design."""
    return design.finding(
        code, Severity.ERROR, message, at=at, keys=keys, expected=expected, found=found, hint=hint
    )


def networks_are_served(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """NODE-NETWORK, NETWORK-UNSERVED, NETWORK-CORE: who serves a network, and with what."""
    serving: dict[str, list[str]] = {name: [] for name in design.networks}
    cores: set[str] = set()
    for name, node in equipment.nodes.items():
        network = node.node.network
        kinds = {kind for function, kind in _SERVING.items() if function in node.functions}
        if "upf" in node.functions:
            kinds.add("5g")
        if network is None:
            if kinds:
                yield error(
                    design, "NODE-NETWORK", ("nodes", name), (), "it is not said which network it serves",
                    expected="'network: ...'", found="nothing",
                    hint=nearest("", [n for n, x in design.networks.items() if x.kind in kinds]),
                )  # fmt: skip
            continue
        if design.is_left_out("networks", network):
            continue
        if network not in design.networks or design.networks[network].kind not in kinds:
            yield error(
                design, "NODE-NETWORK", ("nodes", name), ("network",),
                "it cannot serve this network",
                expected=f"a network of kind {' or '.join(sorted(kinds)) or 'it can serve (none)'}",
                found=network, hint=nearest(network, design.networks),
            )  # fmt: skip
            continue
        if node.functions & set(_SERVING):
            serving[network].append(name)
        if "upf" in node.functions:
            cores.add(network)
    for name, network_ in design.networks.items():
        if not serving[name]:
            yield error(
                design, "NETWORK-UNSERVED", ("networks", name), (), "no node serves this network",
                expected="a gNB, access point or OLT with 'network: " + name + "'", found="none",
                hint="add 'network' to the node that serves it",
            )  # fmt: skip
        if network_.kind == "5g" and name not in cores:
            yield error(
                design, "NETWORK-CORE", ("networks", name), (), "the 5G network has no UPF",
                expected=f"a node with function upf and 'network: {name}'", found="none",
                hint="add a UPF, or the function 'upf' to the gNB",
            )  # fmt: skip


def attachments_fit(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """ATTACH-NETWORK, RADIO-POSITION: radio interfaces join a network of their kind, somewhere."""
    for name, node in equipment.nodes.items():
        kinds = {kind for function, kind in _JOINING.items() if function in node.functions}
        for interface, attachment in node.node.attach.items():
            network = design.networks.get(attachment.network)
            if design.is_left_out("networks", attachment.network):
                continue
            if network is None or network.kind not in kinds:
                yield error(
                    design, "ATTACH-NETWORK", ("nodes", name), ("attach", interface, "network"),
                    "it cannot join this network",
                    expected=f"a network of kind {' or '.join(sorted(kinds)) or '(none)'}",
                    found=attachment.network, hint=nearest(attachment.network, design.networks),
                )  # fmt: skip
        radio = bool(node.node.attach) or bool(node.functions & {"gnb", "access-point"})
        if radio and node.node.at_m is None and node.node.moves is None:
            yield error(
                design, "RADIO-POSITION", ("nodes", name), (), "a radio needs a place",
                expected="'at: [x, y]' or 'moves: ROUTE'", found="neither",
                hint="say where it stands; reception follows from it",
            )  # fmt: skip


def tasks_run_on_controllers(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """NODE-TASKS: only what has the function runs tasks."""
    for name, node in equipment.nodes.items():
        if node.node.tasks and "tasks" not in node.functions:
            yield error(
                design, "NODE-TASKS", ("nodes", name), ("tasks",), "this node runs no tasks",
                expected="a node with the function 'tasks', such as a plc",
                found=", ".join(sorted(node.functions)) or "no functions",
                hint="move the task, or add 'tasks' to its 'functions'",
            )  # fmt: skip


def zones_are_joined_by_conduits(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """ZONE-CONDUIT, CONDUIT-ZONE: traffic between zones uses a conduit that allows it.

    Source: IEC 62443-3-2:2020, ZCR 3.1.
    """
    allowed: dict[frozenset[str], set[str]] = {}
    for name, conduit in design.conduits.items():
        for index, zone in enumerate(conduit.between):
            if zone not in design.zones and not design.is_left_out("zones", zone):
                yield error(
                    design, "CONDUIT-ZONE", ("conduits", name), ("between", index),
                    "there is no such zone", found=zone, hint=nearest(zone, design.zones),
                )  # fmt: skip
        for index, protocol in enumerate(conduit.allow):
            if design.catalog.get(Protocol, protocol) is None:
                yield error(
                    design, "CONDUIT-PROTOCOL", ("conduits", name), ("allow", index),
                    "the catalogue has no such protocol", found=protocol,
                    hint=nearest(protocol, design.catalog.ids(Protocol)),
                )  # fmt: skip
        allowed.setdefault(frozenset(conduit.between), set()).update(conduit.allow or {"*"})
    flows = [
        *(
            (("streams", name), stream.talker, listener, stream.protocol)
            for name, stream in design.streams.items()
            for listener in stream.listeners
        ),
        *(
            (("relations", name), relation.controller, relation.device, relation.protocol)
            for name, relation in design.relations.items()
        ),
    ]
    for at, talker, listener, protocol in flows:
        ends = [design.nodes.get(node_of(one)) for one in (talker, listener)]
        zones = [end.zone if end is not None else None for end in ends]
        if None in zones or zones[0] == zones[1]:
            continue
        permitted = allowed.get(frozenset(str(zone) for zone in zones), set())
        if not permitted & {protocol, "*"}:
            yield design.finding(
                "ZONE-CONDUIT", Severity.WARNING,
                f"traffic crosses from zone '{zones[0]}' to '{zones[1]}' without a conduit",
                at=at, expected=f"a conduit between them that allows {protocol}",
                found=f"one that allows {', '.join(sorted(permitted))}" if permitted else "none",
                hint="add a conduit, or move a node",
            )  # fmt: skip


def zones_have_vlans_of_their_own(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """ZONE-VLAN: two zones in one VLAN are not separated."""
    owners: dict[int, str] = {}
    for name, zone in design.zones.items():
        if zone.vlan is not None and owners.setdefault(zone.vlan, name) != name:
            yield design.finding(
                "ZONE-VLAN", Severity.WARNING, "two zones share a VLAN",
                at=("zones", name), keys=("vlan",), expected="a VLAN of its own",
                found=f"{zone.vlan}, as zone '{owners[zone.vlan]}'", hint="choose another VLAN",
            )  # fmt: skip


def places_are_on_their_floor(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """NODE-OUTSIDE, ROUTE-OUTSIDE, ROUTE-FLOOR, WALL-MATERIAL: things stand on floors that exist."""
    for name, node in design.nodes.items():
        floor = design.floor_of(node)
        if floor is None or node.at_m is None:
            continue
        if not _is_on(node.at_m, floor):
            yield design.finding(
                "NODE-OUTSIDE", Severity.WARNING, "the node stands outside its floor",
                at=("nodes", name), keys=("at",),
                expected=f"within {floor.size_m[0]:g} m by {floor.size_m[1]:g} m",
                found=f"{node.at_m[0]:g} m, {node.at_m[1]:g} m",
                hint="correct 'at', or where the module is placed",
            )  # fmt: skip
    for name, route in design.routes.items():
        if route.floor is not None and design.is_left_out("sites", route.floor.split("/")[0]):
            continue
        if route.floor is not None and route.floor not in design.floors():
            yield error(
                design, "ROUTE-FLOOR", ("routes", name), ("floor",), "there is no such floor",
                found=route.floor, hint=nearest(route.floor, design.floors()),
            )  # fmt: skip
            continue
        floors = design.floors()
        floor = floors.get(
            route.floor or "", next(iter(floors.values())) if len(floors) == 1 else None
        )
        for index, point_m in enumerate(route.points_m):
            if floor is not None and not _is_on(point_m, floor):
                yield design.finding(
                    "ROUTE-OUTSIDE", Severity.WARNING, "the route leaves its floor",
                    at=("routes", name), keys=("points", index),
                    expected=f"within {floor.size_m[0]:g} m by {floor.size_m[1]:g} m",
                    found=f"{point_m[0]:g} m, {point_m[1]:g} m", hint="correct the point",
                )  # fmt: skip
    for site_name, site in design.sites.items():
        for building_name, building in site.buildings.items():
            for floor_name, floor in building.floors.items():
                for index, wall in enumerate(floor.walls):
                    if design.catalog.get(Material, wall.material) is None:
                        yield error(
                            design, "WALL-MATERIAL", ("sites", site_name),
                            ("buildings", building_name, "floors", floor_name, "walls", index,
                             "material"),
                            "the catalogue has no such material", found=wall.material,
                            hint=nearest(wall.material, design.catalog.ids(Material)),
                        )  # fmt: skip


def _is_on(point_m: Point, floor: Floor) -> bool:
    return all(0 <= point_m[axis] <= floor.size_m[axis] for axis in (0, 1))


def wireless_and_enterprise_stand_apart(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """ZONE-WIRELESS, ZONE-ENTERPRISE, ZONE-LEVEL: what IEC 62443 wants separated.

    Source: IEC 62443-3-2:2020, ZCR 3.2 (business and control) and 3.5 (wireless in zones
        of its own); a conduit must meet the higher security level of the zones it joins.
    """
    for name, node in design.nodes.items():
        zone = design.zones.get(node.zone or "")
        if node.attach and zone is not None and zone.kind != "wireless":
            yield design.finding(
                "ZONE-WIRELESS", Severity.WARNING, "a radio client stands in a zone that is not wireless",
                at=("nodes", name), keys=("zone",), expected="a zone of kind wireless",
                found=f"{node.zone}, of kind {zone.kind}",
                hint="give wireless clients a zone of their own and a conduit",
            )  # fmt: skip
    for name, conduit in design.conduits.items():
        zones = [design.zones[one] for one in conduit.between if one in design.zones]
        kinds = {zone.kind for zone in zones}
        levels = [zone.security_level for zone in zones]
        if "enterprise" in kinds and kinds & {"control", "safety"}:
            yield design.finding(
                "ZONE-ENTERPRISE", Severity.WARNING, "a conduit joins the offices with the control system",
                at=("conduits", name), keys=("between",), expected="a DMZ between them",
                found=" and ".join(conduit.between), hint="lead the traffic through a zone of kind dmz",
            )  # fmt: skip
        if len(levels) > 1 and max(levels) - min(levels) > 1:
            yield design.finding(
                "ZONE-LEVEL", Severity.NOTE, "a conduit joins zones of very different security levels",
                at=("conduits", name), keys=("between",),
                expected=f"measures of level {max(levels)} on the whole conduit",
                found=f"levels {min(levels)} and {max(levels)}",
                hint="make sure that what passes it is filtered at the border of the higher zone",
            )  # fmt: skip


def nodes_are_connected(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """NODE-UNCONNECTED: a node without link or radio cannot take part."""
    joined = {node for link in equipment.links.values() for node, _ in link.ends}
    mentioned = {node_of(end) for link in design.links.values() for end in link.between}
    if ("links", "") in design.left_out:
        return
    for name, node in design.nodes.items():
        if name not in joined and name not in mentioned and not node.attach:
            yield design.finding(
                "NODE-UNCONNECTED", Severity.WARNING, "no link or network reaches this node",
                at=("nodes", name), expected="a link or 'attach'", found="neither",
                hint="connect it, or remove it",
            )  # fmt: skip


def prefix_is_usable(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """ADDRESS-PREFIX: the plant's IPv6 prefix leaves a /64 for every VLAN."""
    try:
        site_prefix(design.addressing.prefix, design.name)
    except ValueError as error:
        yield Finding(
            code="ADDRESS-PREFIX",
            severity=Severity.ERROR,
            message="this prefix cannot number the plant",
            mark=design.addressing_mark,
            path="addressing.prefix",
            expected="an IPv6 prefix of /48 or shorter, such as 'fd12:3456:789a::/48'",
            found=f"{design.addressing.prefix} ({error})",
            hint="take a unique local prefix (RFC 4193) or the provider's",
        )

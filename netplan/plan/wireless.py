# SPDX-License-Identifier: Apache-2.0
"""Channels over 5G and IWLAN: which cell serves whom, and what its radio link offers.

A node that moves is looked at in steps along its route; it must be served by one cell
all the way to have a bound, since handover is not part of the media's first form. Its link
is planned for the weakest place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from netplan.catalog.model import Material
from netplan.design.design import Design, Path
from netplan.design.findings import Severity
from netplan.design.networks import CellularNetwork, IwlanNetwork
from netplan.design.places import Floor, Point
from netplan.design.resolve import Equipment, ResolvedNode
from netplan.media import cellular, iwlan, radio
from netplan.media.interface import Crossing
from netplan.plan.channel import Channel, Channels

_ROUTE_STEP_M = 1.0
_MOST_STEPS = 2000
"""On a longer route the steps are longer; no hall needs more."""
_WLAN_BANDWIDTH_HZ = 20e6
"""Legacy OFDM. Source: IEEE Std 802.11-2020, 17.3."""
_SMALLEST_FRAME_OCTETS = 64
_OPEN_FLOOR = Floor.model_validate({"size": ["600 m", "600 m"], "height": "10 m"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Client:
    """A radio interface with the cell that serves it.

    ``weakest`` is the reception at the worst place among those it may be at.
    """

    node: ResolvedNode
    interface: str
    station: str
    weakest: radio.Reception


def add_wireless(design: Design, equipment: Equipment, channels: Channels) -> None:
    """Add both directions between every attached radio interface and its serving cell."""
    for name, network in design.networks.items():
        if isinstance(network, CellularNetwork):
            _add_cellular(design, equipment, channels, name, network)
        elif isinstance(network, IwlanNetwork):
            _add_iwlan(design, equipment, channels, name, network)


def _add_cellular(
    design: Design,
    equipment: Equipment,
    channels: Channels,
    name: str,
    network: CellularNetwork,
) -> None:
    cores = [
        node.name
        for node in equipment.nodes.values()
        if "upf" in node.functions and node.node.network == name
    ]
    clients = _clients(
        design, equipment, channels, name, "gnb", network.carrier_hz, network.bandwidth_hz
    )
    for client in clients:
        if not cores:
            continue
        station = equipment.nodes[client.station]
        channels.tunnels[client.node.name] = (
            station.name,
            station.name if station.name in cores else cores[0],
        )
        heard = client.weakest
        common: dict[str, Any] = {
            "network": network,
            "ue_count": sum(other.station == client.station for other in clients),
            "distance_m": heard.distance_m,
        }
        _add_link(
            design,
            channels,
            client,
            station,
            medium=f"5g {name}",
            uplink=partial(cellular.uplink, snr_db=heard.uplink_snr_db, **common),
            downlink=partial(cellular.downlink, snr_db=heard.downlink_snr_db, **common),
        )


def _add_iwlan(
    design: Design, equipment: Equipment, channels: Channels, name: str, network: IwlanNetwork
) -> None:
    clients = _clients(
        design, equipment, channels, name, "access-point", network.carrier_hz, _WLAN_BANDWIDTH_HZ
    )
    for client in clients:
        cell = [other for other in clients if other.station == client.station]
        heard = client.weakest
        common: dict[str, Any] = {
            "network": network,
            "client_count": len(cell),
            "distance_m": heard.distance_m,
            "weakest_dbm": min(
                min(other.weakest.uplink_dbm, other.weakest.downlink_dbm) for other in cell
            ),
        }
        _add_link(
            design,
            channels,
            client,
            equipment.nodes[client.station],
            medium=f"iwlan {name}",
            uplink=partial(iwlan.uplink, received_dbm=heard.uplink_dbm, **common),
            downlink=partial(iwlan.downlink, received_dbm=heard.downlink_dbm, **common),
        )


def _add_link(
    design: Design,
    channels: Channels,
    client: _Client,
    station: ResolvedNode,
    *,
    medium: str,
    uplink: Callable[..., Crossing],
    downlink: Callable[..., Crossing],
) -> None:
    """Both directions; each receiver of a cell has a transmitter of its own (its grants)."""
    node = client.node.name
    cell = next(port.name for port in station.ports.values() if port.connector == "radio")
    up_name = f"{node}.{client.interface}"
    origin: tuple[tuple[str, str], Path] = (("nodes", node), ("attach", client.interface))
    for egress, sender, receiver, crossing in (
        (up_name, (node, client.interface), (station.name, cell), uplink),
        (f"{station.name}.{cell}>{node}", (station.name, cell), (node, client.interface), downlink),
    ):
        looked_at = crossing(allowed_miss_ratio=0.0, largest_frame_octets=_SMALLEST_FRAME_OCTETS)
        channels.report(design, looked_at.findings, origin)
        channels.add(
            Channel(
                egress=egress,
                from_node=sender[0],
                from_port=sender[1],
                to_node=receiver[0],
                to_port=receiver[1],
                medium=medium,
                line_bps=0,
                crossing=_for_traffic(crossing),
                origin=origin,
                radio=True,
            )
        )


def _for_traffic(crossing: Callable[..., Crossing]) -> Callable[[float, int], Crossing]:
    return lambda share, octets: crossing(allowed_miss_ratio=share, largest_frame_octets=octets)


def _clients(
    design: Design,
    equipment: Equipment,
    channels: Channels,
    network: str,
    function: str,
    carrier_hz: float,
    bandwidth_hz: float,
) -> list[_Client]:
    """Every interface attached to a network, with its serving cell."""
    stations = [
        node
        for node in equipment.nodes.values()
        if function in node.functions and node.node.network == network
    ]
    walls = [wall for floor in design.floors().values() for wall in floor.walls]
    materials = {
        one: material
        for one in sorted({wall.material for wall in walls})
        if (material := design.catalog.get(Material, one)) is not None
    }
    found: list[_Client] = []
    for node in equipment.nodes.values():
        for interface, attachment in node.node.attach.items():
            if attachment.network != network:
                continue
            on_floor = [
                antenna
                for station in stations
                if design.floor_of(station.node) == design.floor_of(node.node)
                for antenna in _antennas(design, station, radio.STATION_HEIGHT_M)[:1]
            ]
            places = _antennas(design, node, radio.CLIENT_HEIGHT_M)
            if not places:
                continue  # the design's own rule asks for a place
            if not on_floor:
                _report_unserved(design, channels, node, interface, network)
                continue
            floor = design.floor_of(node.node) or _OPEN_FLOOR
            heard = radio.best_server(
                stations=on_floor,
                clients=places,
                floor=floor,
                materials=materials,
                carrier_hz=carrier_hz,
                bandwidth_hz=bandwidth_hz,
            )
            channels.report(
                design,
                [
                    finding
                    for finding in radio.floor_findings(
                        floor=floor, materials=materials, carrier_hz=carrier_hz, receptions=heard
                    )
                    if finding.code != "RADIO-MATERIAL-UNKNOWN"  # told by WALL-MATERIAL
                ],
                (("networks", network), ()),
            )
            found.append(_served(design, channels, node, interface, heard))
    return found


def _served(
    design: Design,
    channels: Channels,
    node: ResolvedNode,
    interface: str,
    heard: tuple[radio.Reception, ...],
) -> _Client:
    """The cell that serves most places; another one on the way means handover."""
    names = [reception.station for reception in heard]
    station = max(sorted(set(names)), key=names.count)
    if len(set(names)) > 1:
        cells = ", ".join(sorted(set(names)))
        changes = sum(one != other for one, other in pairwise(names))
        route = design.routes[node.node.moves or ""]
        length_m = sum(math.dist(a[:2], b[:2]) for a, b in pairwise(route.points_m))
        every_s = length_m / route.speed_m_per_s / changes if route.speed_m_per_s else math.inf
        channels.excluded[node.name] = (
            f"{node.name} is handed over between {cells} on its way, and handover is not "
            "part of the radio models yet"
        )
        channels.findings.append(
            design.finding(
                "RADIO-HANDOVER", Severity.WARNING,
                f"'{node.name}' leaves the cell that it is planned in",
                at=("nodes", node.name), keys=("attach", interface),
                expected="one serving cell all the way",
                found=f"{cells}; a change every {every_s:.0f} s",
                hint="its streams get no bound; shorten the route or strengthen one cell",
            )
        )  # fmt: skip
    mine = [reception for reception in heard if reception.station == station]
    weakest = min(mine, key=lambda one: min(one.uplink_snr_db, one.downlink_snr_db))
    return _Client(node=node, interface=interface, station=station, weakest=weakest)


def _antennas(design: Design, node: ResolvedNode, height_m: float) -> list[radio.Antenna]:
    """Where a radio node may be: at its place, or at every step of its route."""
    values = node.device.radio
    if values is None:
        return []
    return [
        radio.antenna(name=node.name, point=point, radio=values, default_height_m=height_m)
        for point in _places(design, node)
    ]


def _places(design: Design, node: ResolvedNode) -> list[Point]:
    if node.node.moves is not None and node.node.moves in design.routes:
        route = design.routes[node.node.moves]
        pairs = pairwise(route.points_m)
        length_m = sum(math.dist(start[:2], end[:2]) for start, end in pairs)
        step_m = max(_ROUTE_STEP_M, length_m / _MOST_STEPS)
        return list(radio.route_points(route=route, step_m=step_m))
    return [] if node.node.at_m is None else [node.node.at_m]


def _report_unserved(
    design: Design, channels: Channels, node: ResolvedNode, interface: str, network: str
) -> None:
    channels.findings.append(
        design.finding(
            "RADIO-UNSERVED", Severity.ERROR, f"no cell of '{network}' serves '{node.name}'",
            at=("nodes", node.name), keys=("attach", interface),
            expected="a gNB or access point of the network on the same floor, both with a place "
            "and a radio", found="none", hint="add one, or correct 'at', 'floor' or 'model'",
        )
    )  # fmt: skip

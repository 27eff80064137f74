# SPDX-License-Identifier: Apache-2.0
"""A plan seen from its nodes: ports, what arrives and leaves there, and addresses.

A plan knows streams and transmitters; a device knows its own ports and what to do with frames that
come in. A design states no MAC addresses, so ports, nodes and streams get locally administered ones,
counted in the order of the plan: the same plan always gives the same addresses.

Source: IEEE Std 802c-2017 (02: administratively assigned; 03: the same as group address).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One node of a plan.

    Attributes:
        name: Of the node.
        node_number: Counted from 1 over the plan; part of its addresses.
        forwards: Whether it passes streams of others on: a bridge.
        ports: Names of the ports that streams use, in order.
        transmitters: Wired transmitters by port, as indices of the plan.
        shared: Ports onto a medium that is granted (radio, PON), which 802.1Q does not describe.
        arrivals: Stream and hop of everything that it receives.
        departures: Stream and hop of everything that it sends.
    """

    name: str
    node_number: int
    forwards: bool
    ports: tuple[str, ...]
    transmitters: dict[str, int]
    shared: frozenset[str]
    arrivals: tuple[tuple[int, int], ...]
    departures: tuple[tuple[int, int], ...]

    def port_number(self, port: str) -> int:
        """Number of a port, from 1 in order."""
        return self.ports.index(port) + 1

    def port_address(self, port: str) -> str:
        """MAC address of a port."""
        return _address(0x02, (self.node_number << 8) + self.port_number(port))

    @property
    def address(self) -> str:
        """MAC address of the node itself."""
        return _address(0x02, self.node_number << 8)


def stream_address(stream_index: int) -> str:
    """Group MAC address that the frames of a stream are sent to."""
    return _address(0x03, stream_index + 1)


def stream_id(station: Station, port: str, stream_index: int) -> str:
    """StreamID: MAC address of the talker and a number.

    Source: IEEE Std 802.1Q-2022, 46.2.3.1.
    """
    number = (stream_index + 1) & 0xFFFF
    return f"{station.port_address(port)}:{number >> 8:02X}-{number & 0xFF:02X}"


def _address(first: int, number: int) -> str:
    octets = (first, *(number >> shift & 0xFF for shift in (32, 24, 16, 8, 0)))
    return "-".join(f"{octet:02X}" for octet in octets)


def stations(plan: Plan) -> dict[str, Station]:
    """Every node that streams touch, in the order in which the plan names them."""
    ports: dict[str, dict[str, None]] = {node.name: {} for node in plan.nodes}
    transmitters: dict[str, dict[str, int]] = {}
    shared: dict[str, set[str]] = {}
    arrivals: dict[str, list[tuple[int, int]]] = {}
    departures: dict[str, list[tuple[int, int]]] = {}
    forwards = set()
    for index, egress in enumerate(plan.egresses):
        ports.setdefault(egress.node, {})[egress.port] = None
        if isinstance(egress.mechanism, WireMechanism):
            transmitters.setdefault(egress.node, {})[egress.port] = index
        else:
            shared.setdefault(egress.node, set()).add(egress.port)
    for stream_index, stream in enumerate(plan.streams):
        for hop_index, hop in enumerate(stream.hops):
            ports.setdefault(hop.to_node, {})[hop.to_port] = None
            arrivals.setdefault(hop.to_node, []).append((stream_index, hop_index))
            departures.setdefault(hop.from_node, []).append((stream_index, hop_index))
            if hop.parent_index >= 0:
                forwards.add(hop.from_node)
    return {
        name: Station(
            name=name,
            node_number=number,
            forwards=name in forwards,
            ports=tuple(sorted(names, key=_natural)),
            transmitters=transmitters.get(name, {}),
            shared=frozenset(shared.get(name, ())),
            arrivals=tuple(arrivals.get(name, ())),
            departures=tuple(departures.get(name, ())),
        )
        for number, (name, names) in enumerate(ports.items(), 1)
        if names
    }


def egress_at(plan: Plan, station: Station, port: str) -> Egress | None:
    """The wired transmitter at a port."""
    index = station.transmitters.get(port)
    return None if index is None else plan.egresses[index]


def _natural(port: str) -> tuple[tuple[int, int | str], ...]:
    """``p2`` before ``p10``."""
    return tuple(
        (0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", port)
    )

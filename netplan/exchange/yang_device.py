# SPDX-License-Identifier: Apache-2.0
"""The configuration of one node as a YANG data tree.

Bridges get their ports, filtering database, policing and redundancy; end stations only
stream identification and redundancy, for which alone a module exists here that is not tied to a bridge.
Port numbers count the ports that the plan uses; a device may number them otherwise.

Source: ietf-interfaces 2018-02-20, ieee802-dot1q-bridge 2023-10-26 and the modules named in
:mod:`netplan.exchange.yang_port`, :mod:`~netplan.exchange.yang_reception` and
:mod:`~netplan.exchange.yang_recovery`.
"""

from __future__ import annotations

from netplan.exchange.handles import Handle, handles, identification
from netplan.exchange.notes import Notes
from netplan.exchange.survey import Station, egress_at, stream_address
from netplan.exchange.yang_port import gate_table, transmission
from netplan.exchange.yang_reception import reception
from netplan.exchange.yang_recovery import redundancy
from netplan.exchange.yang_tree import Branch, Identity, Tree
from netplan.plan.model import Plan

BRIDGE = "ieee802-dot1q-bridge"
INTERFACES = "ietf-interfaces:interfaces"
IDENTITY = "ieee802-dot1cb-stream-identification:stream-identity"
COMPONENT = "c-vlan"
_DEFAULT_VLAN = 1
"""What a port takes untagged and priority-tagged frames for. Source: 802.1Q-2022, table 9-2."""
_LONGEST_NAME = 32


def device_tree(plan: Plan, station: Station, notes: Notes) -> Tree | None:
    """Everything that can be said about a node; None when that is nothing."""
    known = handles(plan, station)
    tree: dict[str, Branch] = {}
    if station.forwards:
        tree[INTERFACES] = {
            "interface": [_bridge_port(plan, station, port, notes) for port in station.ports]
        }
        tree[f"{BRIDGE}:bridges"] = {"bridge": [_bridge(plan, station, known, notes)]}
    else:
        for index in station.transmitters.values():
            if plan.egresses[index].rules is not None:
                notes.note(
                    "EXPORT-END-STATION",
                    plan.egresses[index].name,
                    "queues and gates of an end station are not in YANG: its module, "
                    "ieee802-dot1dc-sched-if, is not among those that are written",
                    "use the commands for Linux",
                )
        for handle in known:
            if handle.reception is not None:
                notes.note(
                    "EXPORT-END-STATION-FILTER",
                    station.name,
                    "stream filters of an end station have no module",
                )
    frer = redundancy(plan, station, known, notes)
    if frer and not station.forwards:
        tree[INTERFACES] = {"interface": [_interface(station, port) for port in station.ports]}
    if frer or (station.forwards and known):
        tree[IDENTITY] = identification(plan, known)
    tree |= frer
    return tree or None


def change_tree(plan: Plan, station: Station, list_index: int, notes: Notes) -> Tree | None:
    """A later gate list of the ports that have one, to be sent while the one before it runs."""
    if not station.forwards:
        return None
    interfaces: list[Tree] = []
    for port in station.ports:
        egress = egress_at(plan, station, port)
        if egress is not None and egress.rules and len(egress.rules.gates) > list_index:
            interfaces.append(
                {
                    **_interface(station, port),
                    f"{BRIDGE}:bridge-port": gate_table(egress, list_index, notes),
                }
            )
    return {INTERFACES: {"interface": interfaces}} if interfaces else None


def _interface(station: Station, port: str) -> dict[str, Branch]:
    kind = "other" if port in station.shared else "ethernetCsmacd"
    return {"name": port, "type": Identity(module="iana-if-type", name=kind)}


def _bridge_name(station: Station) -> str:
    """The node's name, or its end where the module allows no more characters."""
    return station.name[-_LONGEST_NAME:]


def _bridge_port(plan: Plan, station: Station, port: str, notes: Notes) -> Tree:
    interface = _interface(station, port)
    if port in station.shared:
        # the module allows a bridge port on Ethernet only
        notes.note(
            "EXPORT-GRANTS",
            f"{station.name}.{port}",
            "a port that shares its medium by grants is no bridge port in these modules",
        )
        return interface
    egress = egress_at(plan, station, port)
    return {
        **interface,
        f"{BRIDGE}:bridge-port": {
            "bridge-name": _bridge_name(station),
            "component-name": COMPONENT,
            "port-type": Identity(module=BRIDGE, name="c-vlan-bridge-port"),
            **(gate_table(None, 0, notes) if egress is None else transmission(egress, 0, notes)),
        },
    }


def _bridge(plan: Plan, station: Station, known: tuple[Handle, ...], notes: Notes) -> Tree:
    component: dict[str, Branch] = {
        "name": COMPONENT,
        "id": 1,
        "type": Identity(module=BRIDGE, name="c-vlan-component"),
        "traffic-class-enabled": True,
        "filtering-database": {"filtering-entry": _forwarding(plan, station, notes)},
    }
    if vlans := sorted(
        {plan.streams[index].vlan for index, _ in station.departures} - {0, _DEFAULT_VLAN}
    ):
        component["bridge-vlan"] = {
            "vlan": [
                {"vid": vlan, "name": plan.vlans.get(vlan, f"vlan {vlan}")[:_LONGEST_NAME]}
                for vlan in vlans
            ]
        }
    component |= reception(plan, station, known, notes)
    return {
        "name": _bridge_name(station),
        "address": station.address,
        "bridge-type": Identity(module=BRIDGE, name="customer-vlan-bridge"),
        "component": [component],
    }


def _forwarding(plan: Plan, station: Station, notes: Notes) -> list[Tree]:
    """Static entries: which ports each stream leaves by."""
    by_stream: dict[int, dict[int, dict[str, None]]] = {}
    for stream_index, hop_index in station.departures:
        hop = plan.streams[stream_index].hops[hop_index]
        ways = by_stream.setdefault(stream_index, {})
        ways.setdefault(hop.parent_index, {})[plan.egresses[hop.egress_index].port] = None
    for stream_index, hop_index in station.arrivals:
        merged = (one.members[1:] for one in plan.streams[stream_index].recoveries)
        if stream_index in by_stream and not any(hop_index in members for members in merged):
            by_stream[stream_index].setdefault(hop_index, {})
    entries: list[Tree] = []
    for stream_index, ways in by_stream.items():
        stream = plan.streams[stream_index]
        if len({frozenset(ports) for ports in ways.values()}) > 1:
            notes.warn(
                "EXPORT-COPIES",
                f"{station.name} {stream.name}",
                "copies that come in by different ports leave by different ports, but a bridge sends "
                "what has one address and VLAN to the same ports, wherever it came from",
                "give each way a VLAN of its own on the device",
            )
        vlan = stream.vlan or _DEFAULT_VLAN
        ports = dict.fromkeys(port for way in ways.values() for port in way)
        entries.append(
            {
                "database-id": vlan,
                "vids": str(vlan),
                "address": stream_address(stream_index),
                "entry-type": "static",
                "port-map": [
                    {
                        "port-ref": station.port_number(port),
                        "static-filtering-entries": {"control-element": "forward"},
                    }
                    for port in ports
                ],
            }
        )
    return entries

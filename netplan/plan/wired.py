# SPDX-License-Identifier: Apache-2.0
"""Channels over copper and Ethernet fibre."""

from __future__ import annotations

from dataclasses import replace

from netplan.catalog.model import Copper, Transceiver
from netplan.design.design import Design
from netplan.design.findings import Severity
from netplan.design.resolve import Equipment, ResolvedLink, nearest
from netplan.media import ethernet, fibre
from netplan.media.interface import Crossing, WireMechanism
from netplan.media.terms import wire_service
from netplan.plan.channel import Channel, Channels, always


def add_wired(design: Design, equipment: Equipment, channels: Channels) -> None:
    """Add both directions of every Ethernet link."""
    for name, link in equipment.links.items():
        if link.passive:
            continue
        crossing = _crossing(design, link, channels)
        if crossing is None:
            continue
        if link.link.framing == "none":
            crossing = replace(
                crossing,
                mechanism=WireMechanism(line_bps=link.line_bps, lead_octets=0, tail_octets=0),
                service=wire_service(
                    line_bps=link.line_bps, source="line rate, bare frames", extra_octets=0
                ),
            )
        origin = (("links", name), ())
        channels.report(design, crossing.findings, origin)
        (node_a, port_a), (node_b, port_b) = link.ends
        fresh = True
        for from_node, from_port, to_node, to_port in (
            (node_a, port_a, node_b, port_b),
            (node_b, port_b, node_a, port_a),
        ):
            fresh &= channels.add(
                Channel(
                    egress=f"{from_node}.{from_port}",
                    from_node=from_node,
                    from_port=from_port,
                    to_node=to_node,
                    to_port=to_port,
                    medium=link.medium.id,
                    line_bps=link.line_bps,
                    crossing=always(crossing),
                    origin=origin,
                )
            )
        if not fresh:
            channels.findings.append(
                design.finding(
                    "LINK-PARALLEL", Severity.WARNING, "a second link between the same nodes",
                    at=("links", name), expected="one link, or link aggregation (not supported yet)",
                    found="no stream uses it", hint="remove it, or join other nodes",
                )
            )  # fmt: skip


def _crossing(design: Design, link: ResolvedLink, channels: Channels) -> Crossing | None:
    if isinstance(link.medium, Copper):
        _tell_optics_on_copper(design, link, channels)
        return ethernet.crossing(
            line_bps=link.line_bps, length_m=link.link.length_m, cable=link.medium
        )
    transceiver = _transceiver(design, link, channels)
    if transceiver is None:
        return None
    return fibre.crossing(
        line_bps=link.line_bps,
        length_m=link.link.length_m,
        fibre=link.medium,
        transceiver=transceiver,
        connectors=link.link.connectors,
        splices=link.link.splices,
        attenuator_db=link.link.attenuator_db,
    )


def _tell_optics_on_copper(design: Design, link: ResolvedLink, channels: Channels) -> None:
    """What only a fibre has is not silently ignored on copper."""
    written = link.link.model_fields_set
    for name, key in (
        ("transceiver", "transceiver"),
        ("splices", "splices"),
        ("attenuator_db", "attenuator"),
    ):
        if name in written:
            channels.findings.append(
                design.finding(
                    "LINK-OPTICS", Severity.WARNING, f"'{key}' means nothing on a copper link",
                    at=("links", link.name), keys=(key,), expected=f"no '{key}'",
                    found=link.medium.id, hint="remove it, or use a fibre",
                )
            )  # fmt: skip


def _transceiver(design: Design, link: ResolvedLink, channels: Channels) -> Transceiver | None:
    """The module that the link names, or the shortest-reach one that fits fibre, rate and length."""
    assert not isinstance(link.medium, Copper)
    named = link.link.transceiver
    known = design.catalog.ids(Transceiver)
    if named is not None:
        module = design.catalog.get(Transceiver, named)
        if module is None:
            channels.findings.append(
                design.finding(
                    "LINK-TRANSCEIVER-UNKNOWN", Severity.ERROR,
                    "the catalogue has no such optical module",
                    at=("links", link.name), keys=("transceiver",), found=named,
                    hint=nearest(named, known),
                )
            )  # fmt: skip
        return module
    modules = [
        module
        for one in known
        if (module := design.catalog.get(Transceiver, one)) is not None
        and module.mode == link.medium.mode
        and module.line_bps.value == link.line_bps
    ]
    modules.sort(key=lambda module: module.largest_length_m.value)
    for module in modules:
        if module.largest_length_m.value >= link.link.length_m:
            return module
    if modules:
        return modules[-1]
    channels.findings.append(
        design.finding(
            "LINK-TRANSCEIVER-NONE", Severity.ERROR,
            f"no optical module of the catalogue fits {link.medium.id} at this rate",
            at=("links", link.name), keys=("medium",),
            expected=f"a {link.medium.mode}-mode module for {link.line_bps / 1e9:g} Gbit/s",
            found="none", hint="name a 'transceiver', another 'rate' or another fibre",
        )
    )  # fmt: skip
    return None

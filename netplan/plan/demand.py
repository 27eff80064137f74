# SPDX-License-Identifier: Apache-2.0
"""Demands: what is to be carried, after relations and offers have become streams.

A demand knows its frames and its contract, not yet its way.
"""

from __future__ import annotations

from dataclasses import dataclass

from netplan.catalog.model import Protocol, TrafficType
from netplan.design.design import Design
from netplan.design.findings import Finding, Severity
from netplan.design.names import node_of, port_of
from netplan.design.resolve import nearest
from netplan.design.traffic import Offer, Relation, Stream
from netplan.media.frames import (
    ENCAPSULATION_OCTETS,
    ETHERNET_HEADER_OCTETS,
    FCS_OCTETS,
    GAP_OCTETS,
    MAXIMUM_PAYLOAD_OCTETS,
    PREAMBLE_OCTETS,
    PS_PER_S,
    frame_octets,
)
from netplan.plan.messages import contract_of
from netplan.plan.model import Emission


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One talker's traffic to its listeners.

    Attributes:
        name: Of the stream that will carry it.
        origin: Collection and name in the design that it comes from.
        kind: As in :class:`netplan.plan.model.PlannedStream`.
        talker: Node that sends.
        listeners: Nodes that receive.
        first_port: Port that it must leave by; empty for any.
        emission: Contract.
        pcp: Priority code point.
        vlan: As written in the design; None when it follows from the zone.
        waypoints: Nodes to pass; empty for the shortest way.
        protocol: Catalogue name, for conduits.
        allowed_miss_ratio: Share of frames that may be late or lost.
        scheduled: Whether gates are to be made for it.
        way_count: Disjoint ways that copies take.
        policed: Whether the first bridge drops what breaks the contract.
        given_ways: Nodes of each way to each listener, where a schedule says so.
    """

    name: str
    origin: tuple[str, str]
    kind: str
    talker: str
    listeners: tuple[str, ...]
    emission: Emission
    pcp: int
    protocol: str
    first_port: str = ""
    vlan: int | None = None
    waypoints: tuple[str, ...] = ()
    allowed_miss_ratio: float = 0.0
    scheduled: bool = False
    way_count: int = 1
    policed: bool = False
    given_ways: tuple[tuple[str, ...], ...] = ()


def demands(design: Design) -> tuple[list[Demand], list[Finding]]:
    """Every stream of a design, with relations and offers turned into streams."""
    findings: list[Finding] = []
    found: list[Demand] = []
    for name, stream in design.streams.items():
        demand = _of_stream(design, name, stream, findings)
        if demand is not None:
            found.append(demand)
    for name, relation in design.relations.items():
        found.extend(_of_relation(design, name, relation, findings))
    for name, offer in design.offers.items():
        found.extend(_of_offer(name, offer))
    return found, findings


def _of_stream(design: Design, name: str, stream: Stream, findings: list[Finding]) -> Demand | None:
    at = ("streams", name)
    protocol = _protocol(design, at, stream.protocol, findings)
    pcp = _pcp(design, at, stream.pcp, stream.traffic, protocol, findings)
    if protocol is None:
        return None
    contract = contract_of(design, name, stream, protocol, findings)
    if contract is None:
        return None
    emission, kind = contract
    return Demand(
        name=name,
        origin=at,
        kind=kind,
        talker=stream.talker,
        listeners=stream.listeners,
        emission=emission,
        pcp=pcp,
        vlan=stream.vlan,
        waypoints=stream.path or (),
        protocol=stream.protocol,
        allowed_miss_ratio=stream.misses_ratio,
        scheduled=stream.scheduled,
        way_count=stream.ways,
        policed=stream.policed,
    )


def _protocol(
    design: Design, at: tuple[str, str], name: str, findings: list[Finding]
) -> Protocol | None:
    protocol = design.catalog.get(Protocol, name)
    if protocol is None:
        findings.append(
            design.finding(
                "TRAFFIC-PROTOCOL-UNKNOWN", Severity.ERROR, "the catalogue has no such protocol",
                at=at, keys=("protocol",), found=name,
                hint=nearest(name, design.catalog.ids(Protocol)),
            )
        )  # fmt: skip
    return protocol


def _pcp(
    design: Design,
    at: tuple[str, str],
    pcp: int | None,
    traffic: str | None,
    protocol: Protocol | None,
    findings: list[Finding],
) -> int:
    """Priority: what the user wrote, else the traffic type's, else the protocol's."""
    if traffic is not None:
        kind = design.catalog.get(TrafficType, traffic)
        if kind is None:
            findings.append(
                design.finding(
                    "TRAFFIC-TYPE-UNKNOWN", Severity.ERROR, "the catalogue has no such traffic type",
                    at=at, keys=("traffic",), found=traffic,
                    hint=nearest(traffic, design.catalog.ids(TrafficType)),
                )
            )  # fmt: skip
        elif pcp is None:
            return kind.pcp.value
    if pcp is not None:
        return pcp
    return protocol.pcp.value if protocol is not None else 0


def _of_relation(
    design: Design, name: str, relation: Relation, findings: list[Finding]
) -> list[Demand]:
    at = ("relations", name)
    protocol = _protocol(design, at, relation.protocol, findings)
    pcp = _pcp(design, at, relation.pcp, relation.traffic, protocol, findings)
    if protocol is None:
        return []
    largest = MAXIMUM_PAYLOAD_OCTETS - ENCAPSULATION_OCTETS[protocol.encapsulation]
    if protocol.largest_payload_octets is not None:
        largest = min(largest, protocol.largest_payload_octets.value)
    least = protocol.smallest_payload_octets.value if protocol.smallest_payload_octets else 0
    found = []
    for direction, key, octets, talker, listener in (
        ("out", "out", relation.out_octets, relation.controller, relation.device),
        ("in", "in", relation.in_octets, relation.device, relation.controller),
    ):
        if octets > largest:
            findings.append(
                design.finding(
                    "RELATION-FRAME", Severity.ERROR, "this does not fit into one frame",
                    at=at, keys=(key,), expected=f"at most {largest} B over {protocol.id}",
                    found=f"{octets} B", hint="divide the data over several relations",
                )
            )  # fmt: skip
            continue
        frame = frame_octets(max(octets, least), protocol.encapsulation, tagged=True)
        found.append(
            Demand(
                name=f"{name}.{direction}",
                origin=at,
                kind="cyclic",
                talker=node_of(talker),
                listeners=(node_of(listener),),
                emission=Emission(
                    messages=((frame,),),
                    period_ps=relation.cycle_ps * relation.reduction,
                    sporadic=False,
                    phase_ps=relation.phase_ps,
                    jitter_ps=0,
                ),
                pcp=pcp,
                protocol=relation.protocol,
                allowed_miss_ratio=relation.misses_ratio,
                scheduled=relation.scheduled,
                way_count=relation.ways,
                policed=relation.policed,
            )
        )
    return found


def offer_ethernet_bps(offer: Offer) -> int:
    """The offer's committed rate counted in frames from header to FCS.

    Source: ITU-T Y.1564 (information rate of Ethernet frames); an IP rate counts the frame
    without header and FCS (test frames carry no tag), a line rate counts preamble and gap as well.
    """
    frame = offer.frame_octets
    if offer.cir.layer == "line":
        counted = frame + PREAMBLE_OCTETS + GAP_OCTETS
    elif offer.cir.layer == "ip":
        counted = frame - ETHERNET_HEADER_OCTETS - FCS_OCTETS
    else:
        counted = frame
    return max(1, offer.cir.rate_bps * frame // counted)


def _of_offer(name: str, offer: Offer) -> list[Demand]:
    """Test streams at the committed rate, one per direction that the offer promises."""
    ends = {"forward": offer.between, "reverse": (offer.between[1], offer.between[0])}
    wanted = ("forward", "reverse") if offer.direction == "both" else (offer.direction,)
    period_ps = -(-8 * offer.frame_octets * PS_PER_S // offer_ethernet_bps(offer))
    return [
        Demand(
            name=f"{name}.{direction}",
            origin=("offers", name),
            kind="offer",
            talker=node_of(ends[direction][0]),
            listeners=(node_of(ends[direction][1]),),
            first_port=port_of(ends[direction][0]),
            emission=Emission(
                messages=((offer.frame_octets,),),
                period_ps=period_ps,
                sporadic=False,
                phase_ps=None,
                jitter_ps=0,
            ),
            pcp=offer.pcp,
            protocol="",
            allowed_miss_ratio=offer.loss.limit_ratio if offer.loss is not None else 0.0,
        )
        for direction in wanted
    ]

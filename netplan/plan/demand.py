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
from netplan.design.traffic import Offer, Relation, Stream, Video
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
from netplan.plan.model import Emission

_MOST_FRAMES = 100_000


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
    messages, period_ps, kind = _messages(design, name, stream, protocol, findings)
    if not messages:
        return None
    return Demand(
        name=name,
        origin=at,
        kind=kind,
        talker=stream.talker,
        listeners=stream.listeners,
        emission=Emission(
            messages=messages,
            period_ps=period_ps,
            sporadic=stream.sporadic,
            phase_ps=stream.phase_ps,
            jitter_ps=stream.jitter_ps,
        ),
        pcp=pcp,
        vlan=stream.vlan,
        waypoints=stream.path or (),
        protocol=stream.protocol,
        allowed_miss_ratio=stream.misses_ratio,
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


def _messages(
    design: Design, name: str, stream: Stream, protocol: Protocol, findings: list[Finding]
) -> tuple[tuple[tuple[int, ...], ...], int, str]:
    """Frames of each message, the period between messages, and the kind; empty when wrong."""
    nothing: tuple[tuple[tuple[int, ...], ...], int, str] = ((), 0, "")

    def refuse(
        code: str, key: str, message: str, expected: str, found: str, hint: str
    ) -> tuple[tuple[tuple[int, ...], ...], int, str]:
        findings.append(
            design.finding(
                code, Severity.ERROR, message, at=("streams", name), keys=(key,) if key else (),
                expected=expected, found=found, hint=hint,
            )
        )  # fmt: skip
        return nothing

    kinds = {
        "size": stream.payload_octets, "burst": stream.burst_octets,
        "rate": stream.rate_bps, "video": stream.video,
    }  # fmt: skip
    given = [key for key, value in kinds.items() if value is not None]
    if len(given) != 1:
        return refuse(
            "STREAM-TRAFFIC", "", "it is not clear what the stream sends",
            "exactly one of size, burst, rate and video", ", ".join(given) or "none of them",
            "give 'size' for one frame per period, 'burst' for several, 'rate' for a flow",
        )  # fmt: skip
    if given[0] in {"size", "burst"} and stream.every_ps is None:
        return refuse(
            "STREAM-PERIOD", given[0], "the period is missing", "'every: ...'", "nothing",
            "say how often it is sent, such as 'every: 1 ms'",
        )  # fmt: skip
    if given[0] in {"rate", "video"} and stream.every_ps is not None:
        return refuse(
            "STREAM-PERIOD", "every", f"the period follows from '{given[0]}'",
            "no 'every'", "every", "remove 'every'",
        )  # fmt: skip
    largest = MAXIMUM_PAYLOAD_OCTETS - ENCAPSULATION_OCTETS[protocol.encapsulation]
    size = stream.payload_octets if stream.payload_octets is not None else stream.packet_octets
    key = "size" if stream.payload_octets is not None else "packet"
    if not 1 <= size <= largest:
        return refuse(
            "STREAM-FRAME", key, "this does not fit into one frame",
            f"1 to {largest} B over {protocol.id}", f"{size} B",
            "send it as a 'burst' of several frames",
        )  # fmt: skip
    frame = frame_octets(size, protocol.encapsulation, tagged=True)
    if stream.payload_octets is not None:
        return ((frame,),), stream.every_ps or 0, "cyclic"
    if stream.burst_octets is not None:
        count = _frame_count(stream.burst_octets, size)
        if not 1 <= count <= _MOST_FRAMES:
            return refuse(
                "STREAM-FRAME", "burst", "this burst cannot be sent in frames",
                f"1 to {_MOST_FRAMES} frames", f"{count} frames", "change 'burst' or 'packet'",
            )  # fmt: skip
        frames = _split(stream.burst_octets, size, protocol.encapsulation)
        return (frames,), stream.every_ps or 0, "burst"
    if stream.rate_bps is not None:
        period_ps = -(-8 * frame * PS_PER_S // stream.rate_bps)
        kind = "best-effort" if stream.deadline_ps is None else "rate"
        return ((frame,),), period_ps, kind
    assert stream.video is not None
    large_octets, small_octets = _picture_octets(stream.video)
    count = _frame_count(large_octets, size) + (stream.video.group - 1) * _frame_count(
        small_octets, size
    )
    if count > _MOST_FRAMES:
        return refuse(
            "STREAM-FRAME", "video", "a group of pictures has too many frames",
            f"at most {_MOST_FRAMES} frames", f"{count} frames", "shorten 'group'",
        )  # fmt: skip
    large = _split(large_octets, size, protocol.encapsulation)
    small = _split(small_octets, size, protocol.encapsulation)
    pictures = (large, *([small] * (stream.video.group - 1)))
    return pictures, PS_PER_S // stream.video.pictures_per_s, "video"


def _frame_count(octets: int, packet_octets: int) -> int:
    return -(-octets // packet_octets)


def _split(octets: int, packet_octets: int, encapsulation: str) -> tuple[int, ...]:
    """Frame sizes of so much user data: full packets and a rest."""
    full, rest = divmod(octets, packet_octets)
    frames = [frame_octets(packet_octets, encapsulation, tagged=True)] * full
    if rest:
        frames.append(frame_octets(rest, encapsulation, tagged=True))
    return tuple(frames)


def _picture_octets(video: Video) -> tuple[int, int]:
    """User data of a group's large picture and of each of its small ones.

    The mean over the group is the stated rate: ``(peak + group - 1) * small = rate * group / fps``.
    Source: planning practice, not normative (constant-size pictures of a closed group).
    """
    group_octets = video.rate_bps * video.group / (8 * video.pictures_per_s)
    small_octets = group_octets / (video.peak + video.group - 1)
    return max(1, round(video.peak * small_octets)), max(1, round(small_octets))


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

# SPDX-License-Identifier: Apache-2.0
"""Abstract servers and flows in the plan, so that networks of other tools can be bounded here.

A server becomes a transmitter that offers its service curve and sends no faster than its
capacity; a flow becomes a stream of packets, each sent when its token bucket allows. An ideal
wire brings each flow to its first server, so that latency counts that server's queue as well.
The simulation works at the rate of the servers and leaves their latency out: it is the longest
that a server may take, not what it must.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor

from netplan.design.design import Design
from netplan.design.findings import Finding, Severity
from netplan.design.resolve import nearest
from netplan.design.tsn import Flow, Server
from netplan.media.frames import PS_PER_S
from netplan.media.interface import ServiceCurve, WireMechanism
from netplan.plan.model import Egress, Emission, Hop, PlannedStream

_IDEAL_BPS = 10**15
"""Of the wire to the first server, and of a server whose line is not known to limit it."""
_LEAST_BPS = Fraction(1, 10)
"""A flow without a rate is taken to have this one, so that its packets have a period."""
_SOURCE = "service curve as given for the server"
_ASSUMPTIONS = (
    "Abstract servers are simulated at their rate and without latency.",
    "Packets of abstract flows have neither preamble nor gap.",
)


def with_flows(
    design: Design, egresses: tuple[Egress, ...], streams: tuple[PlannedStream, ...]
) -> tuple[tuple[Egress, ...], tuple[PlannedStream, ...], list[Finding]]:
    """The plan's transmitters and streams, and behind them those of abstract servers and flows."""
    made, added = list(egresses), list(streams)
    index_of = {}
    for name, server in design.servers.items():
        index_of[name] = len(made)
        made.append(_transmitter(name, server))
    findings: list[Finding] = []
    for name, flow in design.flows.items():
        finding = _wrong_path(design, name, flow)
        if finding is not None:
            findings.append(finding)
            continue
        made.append(_access(name))
        added.append(_stream(name, flow, len(made) - 1, index_of))
    return tuple(made), tuple(added), findings


def _wrong_path(design: Design, name: str, flow: Flow) -> Finding | None:
    for index, path in enumerate(flow.paths):
        unknown = [one for one in path if one not in design.servers]
        if unknown or len(set(path)) < len(path):
            wrong = unknown[0] if unknown else ", ".join(path)
            return design.finding(
                "FLOW-PATH", Severity.ERROR,
                "there is no such server" if unknown else "a flow passes a server twice",
                at=("flows", name), keys=("paths", index), expected="servers, each once",
                found=wrong, hint=nearest(wrong, design.servers) if unknown else "divide the flow",
            )  # fmt: skip
    return None


def _transmitter(name: str, server: Server) -> Egress:
    """The piece of the curve with the greatest rate is what a packet network can count on."""
    curve = max(server.service, key=lambda one: (one.rate_bps, -one.latency_ps))
    rate_bps = floor(curve.rate_bps)
    capacity_bps = ceil(server.capacity_bps) if server.capacity_bps else _IDEAL_BPS
    return Egress(
        name=name,
        node=name,
        port="out",
        medium="abstract",
        queue_count=1,
        buffer_octets=None,
        mechanism=WireMechanism(line_bps=max(capacity_bps, rate_bps), lead_octets=0, tail_octets=0),
        service=ServiceCurve(rate_bps=rate_bps, latency_ps=ceil(curve.latency_ps), source=_SOURCE),
        assumptions=_ASSUMPTIONS,
    )


def _access(flow: str) -> Egress:
    return Egress(
        name=f"{flow}.source",
        node=f"{flow}.source",
        port="out",
        medium="abstract",
        queue_count=1,
        buffer_octets=None,
        mechanism=WireMechanism(line_bps=_IDEAL_BPS, lead_octets=0, tail_octets=0),
        service=ServiceCurve(rate_bps=_IDEAL_BPS, latency_ps=0, source="ideal wire"),
    )


def _stream(name: str, flow: Flow, access_index: int, index_of: Mapping[str, int]) -> PlannedStream:
    """A tree of hops: an ideal wire, then the servers of each path, common beginnings once."""

    def hop(egress_index: int, parent_index: int, from_node: str, to_node: str) -> Hop:
        return Hop(
            egress_index=egress_index,
            parent_index=parent_index,
            from_node=from_node,
            to_node=to_node,
            to_port="in",
            queue_index=0,
            added_octets=0,
            before=(),
            after=(),
        )

    hops: list[Hop] = []
    found: dict[tuple[str, ...], int] = {}
    ends: list[int] = []
    for path in flow.paths:
        nodes = (f"{name}.source", *path, f"{name}.sink")
        for position in range(len(path) + 1):
            key = nodes[: position + 1]
            if key not in found:
                parent = found[key[:-1]] if position else -1
                egress = index_of[nodes[position]] if position else access_index
                found[key] = len(hops)
                hops.append(hop(egress, parent, nodes[position], nodes[position + 1]))
        ends.append(found[nodes[:-1]])
    sinks = [f"{name}.sink{index + 1 if index else ''}" for index in range(len(ends))]
    return PlannedStream(
        name=name,
        kind="flow",
        talker=f"{name}.source",
        listeners=tuple(sinks),
        listener_hops=tuple(ends),
        hops=tuple(hops),
        emission=packets_of(flow),
        pcp=0,
        vlan=0,
        talker_host=(),
        listener_host=tuple(() for _ in ends),
    )


def packets_of(flow: Flow) -> Emission:
    """The contract of packets that a token bucket (the one with the least rate) lets pass.

    A bucket of burst b and rate r lets n packets of L pass in a window t when ``n * L <= b + r t``:
    as many as a packet each L / r with a jitter of (b - L) / r brings.
    """
    bucket = min(flow.buckets, key=lambda one: (one.rate_bps, one.burst_bits))
    burst_bits = Fraction(bucket.burst_bits)
    # A bucket lets nothing larger than its burst pass.
    packet_bits = min(Fraction(flow.packet_bits or bucket.burst_bits), burst_bits)
    packet_octets = max(1, ceil(packet_bits / 8))
    rate_bps = max(Fraction(bucket.rate_bps), _LEAST_BPS)
    period_ps = max(1, floor(packet_bits * PS_PER_S / rate_bps))
    jitter_ps = ceil(max(Fraction(0), burst_bits - packet_bits) * PS_PER_S / rate_bps)
    return Emission(
        messages=((packet_octets,),),
        period_ps=period_ps,
        sporadic=False,
        phase_ps=None,
        jitter_ps=jitter_ps,
    )

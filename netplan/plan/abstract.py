# SPDX-License-Identifier: Apache-2.0
"""Abstract servers and flows in the plan, so that networks of other tools can be bounded here.

A server becomes a transmitter that offers its service curve and sends no faster than its
capacity; a flow becomes a stream of packets, each sent when its token bucket allows. An ideal
wire brings each flow to its first server, so that latency counts that server's queue as well.
The simulation works at the rate of the servers' lines and leaves the latency out: that is the
longest that a server may take, not what it must.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from fractions import Fraction
from math import ceil, floor

from netplan.design.design import Design, Path
from netplan.design.findings import Finding, Severity, has_errors
from netplan.design.quantities import DURATION, rate_text
from netplan.design.resolve import nearest
from netplan.design.tsn import Bucket, Flow, Server, ServerCurve
from netplan.media.frames import PS_PER_S, wire_time_ps
from netplan.media.interface import ServiceCurve, WireMechanism
from netplan.plan.fluid import FluidFlow, FluidNetwork, FluidServer, RateLatency, TokenBucket
from netplan.plan.model import Egress, Emission, Hop, PlannedStream

_IDEAL_BPS = 8 * PS_PER_S
"""Of the wire to the first server, and of a server whose line is not known to limit it.

An octet takes 1 ps, so that no packet is faster than what the engines count.
"""
_LONGEST_PS = int(DURATION.largest)
"""A flow so slow that its bucket takes longer to fill is taken to fill it in this time."""
_MOST_PACKETS = 100_000
"""In one burst, so that it can be held."""
_SOURCE = "service curve as given for the server"
_ASSUMPTIONS = (
    "Abstract servers are simulated at the rate of their lines and without latency.",
    "Abstract flows send packets of their largest size, in whole octets, without preamble or gap.",
)
_ONE_CURVE = ("Of several pieces of a service curve, the one with the greatest rate is used.",)
_ONE_BUCKET = ("Of several token buckets of a flow, the one with the least rate is used.",)


def with_flows(
    design: Design, egresses: tuple[Egress, ...], streams: tuple[PlannedStream, ...]
) -> tuple[tuple[Egress, ...], tuple[PlannedStream, ...], list[Finding]]:
    """The plan's transmitters and streams, and behind them those of abstract servers and flows."""
    findings = [*_server_findings(design, {egress.name for egress in egresses})]
    names = {stream.name for stream in streams}
    for name, flow in design.flows.items():
        findings += _flow_findings(design, name, flow, names)
    if has_errors(findings):
        return egresses, streams, findings
    least_octets: dict[str, int] = {}
    for flow in design.flows.values():
        for server in dict.fromkeys(one for path in flow.paths for one in path):
            octets = _packet_octets(flow)
            least_octets[server] = min(octets, least_octets.get(server, octets))
    made, added = list(egresses), list(streams)
    index_of: dict[str, int] = {}
    for server, octets in least_octets.items():
        index_of[server] = len(made)
        made.append(_transmitter(server, design.servers[server], octets))
    for name, flow in design.flows.items():
        made.append(_access(name, flow))
        added.append(_stream(name, flow, len(made) - 1, index_of))
    return tuple(made), tuple(added), findings


def _server_findings(design: Design, taken: AbstractSet[str]) -> Iterator[Finding]:
    """SERVER-NAME, SERVER-RATE, SERVER-CAPACITY: servers that can serve."""
    for name, server in design.servers.items():
        at = ("servers", name)
        if name in taken or name in design.nodes:
            yield design.finding(
                "SERVER-NAME", Severity.ERROR, "a node or port has this name", at=at,
                expected="a name of its own", found=name, hint="rename the server",
            )  # fmt: skip
        curve = _curve_of(server)
        if curve.rate_bps < 1:
            yield design.finding(
                "SERVER-RATE", Severity.ERROR, "this server serves nothing", at=at,
                keys=("service",), expected="a rate of at least 1 bit/s",
                found=rate_text(curve.rate_bps), hint="correct 'rate'",
            )  # fmt: skip
        elif server.capacity_bps is not None and server.capacity_bps < curve.rate_bps:
            yield design.finding(
                "SERVER-CAPACITY", Severity.NOTE, "a server is promised to outrun its line", at=at,
                keys=("capacity",), expected=f"at least {rate_text(curve.rate_bps)}",
                found=f"{rate_text(server.capacity_bps)}; the rate of the service is taken",
                hint="correct 'capacity' or 'rate'",
            )  # fmt: skip


def _flow_findings(
    design: Design, name: str, flow: Flow, taken: AbstractSet[str]
) -> Iterator[Finding]:
    """FLOW-NAME, FLOW-PATH, FLOW-BURST: flows that can send something somewhere."""
    at = ("flows", name)

    def refuse(
        code: str, keys: Path, message: str, expected: str, found: str, hint: str
    ) -> Finding:
        return design.finding(
            code, Severity.ERROR, message, at=at, keys=keys, expected=expected, found=found,
            hint=hint,
        )  # fmt: skip

    if name in taken or name in design.streams:
        yield refuse(
            "FLOW-NAME", (), "a stream has this name", "a name of its own", name, "rename the flow"
        )
    for number, path in enumerate(flow.paths):
        for index, server in enumerate(path):
            keys: Path = ("paths", number, index)
            if server not in design.servers and not design.is_left_out("servers", server):
                yield refuse(
                    "FLOW-PATH", keys, "there is no such server", "a server of the design",
                    server, nearest(server, design.servers),
                )  # fmt: skip
            elif server in path[:index]:
                yield refuse(
                    "FLOW-PATH", keys, "a flow passes a server twice", "each server once",
                    server, "divide the flow",
                )  # fmt: skip
    empty = [index for index, bucket in enumerate(flow.buckets) if bucket.burst_bits <= 0]
    if empty:
        yield refuse(
            "FLOW-BURST", ("buckets", empty[0], "burst"), "no packet passes this bucket",
            "at least the largest packet", "0 bit", "correct 'burst'",
        )  # fmt: skip
    elif flow.packet_bits == 0:
        yield refuse(
            "FLOW-BURST", ("packet",), "packets are never empty", "at least 1 bit", "0 bit",
            "correct 'packet', or leave it out",
        )  # fmt: skip
    elif flow.packet_bits and _bucket_of(flow).burst_bits > _MOST_PACKETS * flow.packet_bits:
        yield refuse(
            "FLOW-BURST", ("packet",), "a burst has too many packets",
            f"at most {_MOST_PACKETS} packets",
            f"{ceil(_bucket_of(flow).burst_bits / flow.packet_bits)} packets",
            "say larger packets, or a smaller burst",
        )  # fmt: skip


def _curve_of(server: Server) -> ServerCurve:
    """The piece of the curve with the greatest rate is what a packet network can count on."""
    return max(server.service, key=lambda one: (one.rate_bps, -one.latency_ps))


def _bucket_of(flow: Flow) -> Bucket:
    """The bucket that limits most in the long run."""
    return min(flow.buckets, key=lambda one: (one.rate_bps, one.burst_bits))


def _transmitter(name: str, server: Server, smallest_octets: int) -> Egress:
    curve = _curve_of(server)
    capacity_bps = _IDEAL_BPS if server.capacity_bps is None else ceil(server.capacity_bps)
    line_bps = max(capacity_bps, floor(curve.rate_bps))
    rate_bps = min(floor(curve.rate_bps), _steady_bps(line_bps, smallest_octets))
    return Egress(
        name=name,
        node=name,
        port="out",
        medium="abstract",
        queue_count=1,
        buffer_octets=None,
        mechanism=WireMechanism(line_bps=line_bps, lead_octets=0, tail_octets=0),
        service=ServiceCurve(rate_bps=rate_bps, latency_ps=ceil(curve.latency_ps), source=_SOURCE),
        assumptions=_ASSUMPTIONS + (_ONE_CURVE if len(server.service) > 1 else ()),
    )


def _steady_bps(line_bps: int, smallest_octets: int) -> int:
    """Rate of a line on which the time of every packet is rounded up to whole picoseconds."""
    return min(line_bps, 8 * smallest_octets * PS_PER_S // wire_time_ps(smallest_octets, line_bps))


def _access(name: str, flow: Flow) -> Egress:
    return Egress(
        name=f"{name}.source",
        node=f"{name}.source",
        port="out",
        medium="abstract",
        queue_count=1,
        buffer_octets=None,
        mechanism=WireMechanism(line_bps=_IDEAL_BPS, lead_octets=0, tail_octets=0),
        service=ServiceCurve(
            rate_bps=_steady_bps(_IDEAL_BPS, _packet_octets(flow)),
            latency_ps=0,
            source="ideal wire",
        ),
        assumptions=_ONE_BUCKET if len(flow.buckets) > 1 else (),
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
    bucket = _bucket_of(flow)
    burst_bits, packet_bits = Fraction(bucket.burst_bits), _packet_bits(flow)
    rate_bps = max(Fraction(bucket.rate_bps), burst_bits * PS_PER_S / _LONGEST_PS)
    period_ps = max(1, floor(packet_bits * PS_PER_S / rate_bps))
    jitter_ps = ceil(max(Fraction(0), burst_bits - packet_bits) * PS_PER_S / rate_bps)
    return Emission(
        messages=((_packet_octets(flow),),),
        period_ps=period_ps,
        sporadic=False,
        phase_ps=None,
        jitter_ps=jitter_ps,
    )


def _packet_bits(flow: Flow) -> Fraction:
    """Largest packet; a bucket lets nothing larger than its burst pass."""
    burst_bits = Fraction(_bucket_of(flow).burst_bits)
    return min(Fraction(flow.packet_bits or burst_bits), burst_bits)


def _packet_octets(flow: Flow) -> int:
    return ceil(_packet_bits(flow) / 8)


def fluid_network(design: Design) -> FluidNetwork:
    """The abstract servers and flows as fluid, for comparison with tools that take them so."""
    return FluidNetwork(
        name=design.name,
        servers=tuple(
            FluidServer(
                name=name,
                pieces=tuple(
                    RateLatency(
                        rate_bps=Fraction(one.rate_bps), latency_ps=Fraction(one.latency_ps)
                    )
                    for one in server.service
                ),
                capacity_bps=(
                    None if server.capacity_bps is None else Fraction(server.capacity_bps)
                ),
            )
            for name, server in design.servers.items()
        ),
        flows=tuple(
            FluidFlow(
                name=name,
                paths=flow.paths,
                buckets=tuple(
                    TokenBucket(
                        burst_bits=Fraction(one.burst_bits), rate_bps=Fraction(one.rate_bps)
                    )
                    for one in flow.buckets
                ),
                largest_packet_bits=Fraction(flow.packet_bits or 0),
            )
            for name, flow in design.flows.items()
        ),
        packetizer=design.fluid.packetizer,
    )

# SPDX-License-Identifier: Apache-2.0
"""Abstract servers and flows: service curves, token buckets as packets, and what cannot be."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.design.quantities import DURATION
from netplan.design.tsn import Flow
from netplan.media.frames import wire_time_ps
from netplan.media.interface import ServiceCurve, WireMechanism
from netplan.plan.abstract import packets_of
from netplan.plan.model import Egress, Emission, Plan
from support.small_designs import HEAD, LINE, found_in, line_of, planned, stream_of, the

SERVERS = "servers: {s1: {service: [{rate: 10 Mbit/s, latency: 1 ms}], capacity: 100 Mbit/s}, s2: {service: [{rate: 4 Mbit/s}]}}\n"
FLOW = "paths: [[s1, s2]], buckets: [{burst: 8 kbit, rate: 1 Mbit/s}]"


def flows(*texts: str) -> str:
    return "flows:\n" + "".join(f"  f{i}: {{{text}}}\n" for i, text in enumerate(texts, 1))


def egress_of(plan: Plan, name: str) -> Egress:
    (found,) = (one for one in plan.egresses if one.name == name)
    return found


def test_servers_become_transmitters(tmp_path: Path) -> None:
    plan = planned(tmp_path, HEAD + SERVERS + flows(FLOW))
    assert [egress.name for egress in plan.egresses] == ["s1", "s2", "f1.source"]
    s1, s2, source = plan.egresses
    assert isinstance(s1.service, ServiceCurve)
    assert (s1.service.rate_bps, s1.service.latency_ps) == (10_000_000, 10**9)
    assert s1.mechanism == WireMechanism(line_bps=10**8, lead_octets=0, tail_octets=0)
    # Nothing is known of the line of s2: an octet takes 1 ps, as on the way to the first server.
    assert s2.mechanism == source.mechanism == WireMechanism(
        line_bps=8 * 10**12, lead_octets=0, tail_octets=0
    )  # fmt: skip


def test_a_flow_passes_its_servers(tmp_path: Path) -> None:
    plan = planned(tmp_path, HEAD + SERVERS + flows(FLOW + ", packet: 500 B, deadline: 20 ms"))
    f1 = stream_of(plan, "f1")
    assert (f1.kind, f1.talker, f1.listeners) == ("flow", "f1.source", ("f1.sink",))
    assert [plan.egresses[hop.egress_index].name for hop in f1.hops] == ["f1.source", "s1", "s2"]
    assert [hop.parent_index for hop in f1.hops] == [-1, 0, 1]
    assert f1.listener_hops == (2,)
    # 4000 bit at 1 Mbit/s are 4 ms; another 4000 bit of burst are 4 ms of jitter
    assert f1.emission == Emission(
        messages=((500,),),
        period_ps=4 * 10**9,
        sporadic=False,
        phase_ps=None,
        jitter_ps=4 * 10**9,
    )
    (target,) = plan.targets
    assert (target.subject, target.quantity, target.limit) == ("f1", "latency", 20 * 10**9)


def test_only_servers_that_are_used(tmp_path: Path) -> None:
    plan = planned(tmp_path, HEAD + SERVERS + flows(FLOW.replace("[s1, s2]", "[s2]")))
    assert [egress.name for egress in plan.egresses] == ["s2", "f1.source"]
    assert not planned(tmp_path, HEAD + SERVERS).egresses


def test_the_fastest_piece_and_the_slowest_bucket_are_used_and_said(tmp_path: Path) -> None:
    servers = (
        "servers: {s1: {service: [{rate: 1 Mbit/s}, {rate: 3 Mbit/s, latency: 2 ms},"
        " {rate: 3 Mbit/s, latency: 1 ms}]}}\n"
    )
    buckets = "[{burst: 1 kB, rate: 2 Mbit/s}, {burst: 9 kB, rate: 1 Mbit/s}]"
    plan = planned(tmp_path, HEAD + servers + flows(f"paths: [[s1]], buckets: {buckets}"))
    service = egress_of(plan, "s1").service
    assert isinstance(service, ServiceCurve)
    assert (service.rate_bps, service.latency_ps) == (3_000_000, 10**9)
    assert stream_of(plan, "f1").emission.messages == ((9000,),)
    assert any("several pieces of a service curve" in one for one in plan.assumptions)
    assert any("several token buckets" in one for one in plan.assumptions)


def test_the_promised_rate_leaves_room_for_whole_picoseconds(tmp_path: Path) -> None:
    """An octet at 3 Mbit/s takes 2,666,666.67 ps, simulated as 2,666,667: 2,999,999.6 bit/s."""
    servers = "servers: {s1: {service: [{rate: 3 Mbit/s}], capacity: 3 Mbit/s}}\n"
    text = HEAD + servers + flows("paths: [[s1]], buckets: [{burst: 8 bit, rate: 1 kbit/s}]")
    service = egress_of(planned(tmp_path, text), "s1").service
    assert isinstance(service, ServiceCurve)
    assert service.rate_bps == 2_999_999
    assert service.rate_bps * wire_time_ps(1, 3_000_000) <= 8 * 10**12


@st.composite
def buckets(draw: st.DrawFn) -> tuple[int, int, int]:
    """Packet in octets, how many make the burst, and rate, with whole picoseconds between packets."""
    octets = draw(st.integers(1, 9000))
    rate_bps = draw(st.sampled_from([1000, 20_000, 10**6, 25 * 10**6, 10**9]))
    return octets, draw(st.integers(1, 20)), rate_bps


def flow(burst: str, rate: str, packet: str | None = None) -> Flow:
    data = {"paths": [["s"]], "buckets": [{"burst": burst, "rate": rate}], "packet": packet}
    return Flow.model_validate({key: value for key, value in data.items() if value is not None})


def most_packets(emission: Emission, window_ps: int) -> int:
    """Packets of a periodic talker with jitter in a closed window: Tindell, Clark (1994)."""
    return (window_ps + emission.jitter_ps) // emission.period_ps + 1


@given(buckets(), st.integers(0, 10**13))
def test_packets_are_as_many_as_the_bucket_lets_pass(
    bucket: tuple[int, int, int], window_ps: int
) -> None:
    """N packets of L need n L <= b + r t: the staircase is exactly that."""
    octets, count, rate_bps = bucket
    emission = packets_of(flow(f"{octets * count} B", f"{rate_bps} bit/s", f"{octets} B"))
    allowed_bits = 8 * octets * count + Fraction(rate_bps * window_ps, 10**12)
    assert emission.messages == ((octets,),)
    assert most_packets(emission, window_ps) == floor(allowed_bits / (8 * octets))


@given(st.integers(1, 10**5), st.integers(1, 10**5), st.floats(0, 10**9), st.integers(0, 10**13))
def test_packets_are_never_fewer(
    packet_bits: int, burst_bits: int, rate_bps: float, window_ps: int
) -> None:
    """Whatever is rounded: whole octets, whole picoseconds, a rate of nothing."""
    emission = packets_of(flow(f"{burst_bits} bit", f"{rate_bps:.6f} bit/s", f"{packet_bits} bit"))
    size_bits = min(packet_bits, burst_bits)
    allowed_bits = burst_bits + Fraction(f"{rate_bps:.6f}") * window_ps / 10**12
    assert 8 * emission.messages[0][0] >= size_bits
    assert most_packets(emission, window_ps) >= floor(allowed_bits / size_bits)
    assert 0 < emission.period_ps <= DURATION.largest
    assert 0 <= emission.jitter_ps <= DURATION.largest


@pytest.mark.parametrize(
    ("text", "code", "path", "found"),
    [
        ("paths: [[s1, s3]], buckets: [{burst: 1 kB, rate: 1 Mbit/s}]", "FLOW-PATH", "paths[0][1]", "s3"),
        ("paths: [[s1, s2, s1]], buckets: [{burst: 1 kB, rate: 1 Mbit/s}]", "FLOW-PATH", "paths[0][2]", "s1"),
        ("paths: [[s1]], buckets: [{burst: 0 bit, rate: 1 Mbit/s}]", "FLOW-BURST", "buckets[0].burst", "0 bit"),
        (
            "paths: [[s1]], buckets: [{burst: 1 kB, rate: 1 Mbit/s}, {burst: 0, rate: 2 Mbit/s}]",
            *("FLOW-BURST", "buckets[1].burst", "0 bit"),
        ),
        (FLOW + ", packet: 0 bit", "FLOW-BURST", "packet", "0 bit"),
        (
            "paths: [[s1]], buckets: [{burst: 1 MB, rate: 1 Mbit/s}], packet: 1 bit",
            *("FLOW-BURST", "packet", "8000000 packets"),
        ),
    ],
)  # fmt: skip
def test_flows_that_cannot_be(tmp_path: Path, text: str, code: str, path: str, found: str) -> None:
    finding = the(found_in(tmp_path, HEAD + SERVERS + flows(FLOW, text)), code)
    assert (line_of(finding), finding.path, finding.found) == (6, f"flows.f2.{path}", found)


@pytest.mark.parametrize("path", ["[s1, s3, s4]", "[s3, s1, s1]"])
def test_every_mistake_of_a_path_is_told(tmp_path: Path, path: str) -> None:
    text = HEAD + SERVERS + flows(FLOW.replace("[s1, s2]", path))
    assert [one.code for one in found_in(tmp_path, text)] == ["FLOW-PATH", "FLOW-PATH"]


@pytest.mark.parametrize(
    ("server", "code", "severity", "path"),
    [
        ("{service: [{rate: 0 bit/s}]}", "SERVER-RATE", "error", "service"),
        ("{service: [{rate: 0.9 bit/s}]}", "SERVER-RATE", "error", "service"),
        (
            "{service: [{rate: 2 Mbit/s}], capacity: 1 Mbit/s}",
            *("SERVER-CAPACITY", "note", "capacity"),
        ),
        ("{service: [{rate: 2 Mbit/s}], capacity: 0}", "SERVER-CAPACITY", "note", "capacity"),
    ],
)
def test_servers_that_cannot_be(
    tmp_path: Path, server: str, code: str, severity: str, path: str
) -> None:
    text = HEAD + f"servers: {{s1: {server}}}\n" + flows(FLOW.replace(", s2", ""))
    finding = the(found_in(tmp_path, text), code)
    assert (finding.severity, finding.path) == (severity, f"servers.s1.{path}")


@pytest.mark.parametrize(
    ("added", "code"),
    [
        ("servers: {sw: {service: [{rate: 1 Mbit/s}]}}\n", "SERVER-NAME"),
        ("servers: {plc.p1: {service: [{rate: 1 Mbit/s}]}}\n", "SERVER-NAME"),
        (
            (
                "servers: {s: {service: [{rate: 1 Mbit/s}]}}\n"
                "flows: {x: {paths: [[s]], buckets: [{burst: 1 kB, rate: 1 Mbit/s}]}}\n"
            ),
            "FLOW-NAME",
        ),
    ],
)
def test_names_that_are_taken(tmp_path: Path, added: str, code: str) -> None:
    stream = "streams: {x: {from: plc, to: srv, size: 9 B, every: 1 ms}}\n"
    assert line_of(the(found_in(tmp_path, LINE + stream + added), code)) >= 11


def test_beside_a_plant(tmp_path: Path) -> None:
    stream = "streams: {x: {from: plc, to: srv, size: 9 B, every: 1 ms}}\n"
    plan = planned(tmp_path, LINE + stream + SERVERS + flows(FLOW))
    assert [one.name for one in plan.streams] == ["x", "f1"]
    names = [egress.name for egress in plan.egresses]
    assert names == ["plc.p1", "sw.p2", "s1", "s2", "f1.source"]

# SPDX-License-Identifier: Apache-2.0
"""Ways over PON and 5G: trees of splitters, tunnels, shares of late frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from netplan.media.interface import GrantMechanism, TermKind, WireMechanism
from netplan.plan.model import Hop
from support.small_designs import HEAD, found_in, line_of, planned, stream_of, the, way_of

PON = (
    HEAD
    + """\
networks:
  access: {kind: pon, system: xgs-pon, budget: xgs-pon-n1, reach: 5 km, grant: 1 Gbit/s}
nodes:
  srv: {is: server, model: generic-server-1g}
  olt: {is: olt, network: access}
  spl1: {is: splitter, model: splitter-1x4}
  spl2: {is: splitter, model: splitter-1x2}
  onu1: {is: onu}
  onu2: {is: onu}
  onu3: {is: onu}
  cam: {is: camera}
links:
  - {between: [srv.p1, olt.lan1], medium: cat6a, length: 5 m}
  - {between: [olt.pon1, spl1.in1], medium: g652d, length: 2 km, attenuator: 5 dB}
  - {between: [spl1.out1, spl2.in1], medium: g652d, length: 1 km}
  - {between: [spl2.out1, onu1.pon1], medium: g652d, length: 300 m}
  - {between: [onu2.pon1, spl2.out2], medium: g652d, length: 400 m}
  - {between: [spl1.out2, onu3.pon1], medium: g652d, length: 600 m, attenuator: 3.5 dB}
  - {between: [cam.p1, onu2.p1], medium: cat6a, length: 5 m}
streams:
  up: {from: cam, to: srv, size: 1 kB, every: 1 ms}
  down: {from: srv, to: [onu1, cam, onu3], size: 1 kB, every: 1 ms}
"""
)


def propagation_ps(hop: Hop) -> int:
    return sum(term.max_ps for term in hop.after if term.kind == TermKind.PROPAGATION)


def test_a_pon_is_one_hop_whatever_splitters_are_in_it(tmp_path: Path) -> None:
    plan = planned(tmp_path, PON)
    assert way_of(plan, "up") == ["cam.p1", "onu2.pon1", "olt.lan1"]
    ends = [(hop.from_node, hop.to_node) for hop in stream_of(plan, "up").hops]
    assert ends == [("cam", "onu2"), ("onu2", "olt"), ("olt", "srv")]


def test_each_onu_gets_its_own_copy_from_the_one_transmitter_of_the_port(tmp_path: Path) -> None:
    plan = planned(tmp_path, PON)
    assert way_of(plan, "down") == ["srv.p1", "olt.pon1", "olt.pon1", "onu2.p1", "olt.pon1"]
    down = stream_of(plan, "down")
    assert [hop.parent_index for hop in down.hops] == [-1, 0, 0, 2, 0]
    assert [(hop.from_node, hop.to_node) for hop in down.hops[1:3]] == [
        ("olt", "onu1"),
        ("olt", "onu2"),
    ]


def test_propagation_is_that_of_all_fibre_on_the_way(tmp_path: Path) -> None:
    """To onu1 2000 + 1000 + 300 m, onu2 400, onu3 2000 + 600; 4.9 ns/m of g652d."""
    plan = planned(tmp_path, PON)
    down = stream_of(plan, "down").hops
    assert [propagation_ps(down[index]) for index in (1, 2, 4)] == [
        3300 * 4900,
        3400 * 4900,
        2600 * 4900,
    ]
    assert propagation_ps(stream_of(plan, "up").hops[1]) == 3400 * 4900


def test_down_is_a_shared_wire_and_up_are_grants(tmp_path: Path) -> None:
    plan = planned(tmp_path, PON)
    egress = {one.name: one for one in plan.egresses}
    assert isinstance(egress["olt.pon1"].mechanism, WireMechanism)
    assert isinstance(egress["onu2.pon1"].mechanism, GrantMechanism)
    # 1 Gbit/s in a frame of 125 us: 15,625 octets, a header of 8 kept for a frame that goes on
    assert egress["onu2.pon1"].mechanism.quota_octets == 15_617
    assert egress["onu2.pon1"].medium == "xgs-pon"


@pytest.mark.parametrize(
    ("old", "new", "code", "path", "line"),
    [
        ("[olt.pon1, spl1.in1]", "[olt.pon1, spl1.out3]", "PON-TREE", "links[1].between", 16),
        ("budget: xgs-pon-n1", "budget: gpon-b-plus", "PON-STANDARD", "networks.access.budget", 4),
        ("system: xgs-pon,", "system: xgspon,", "PON-STANDARD", "networks.access.system", 4),
        ("grant: 1 Gbit/s", "grant: 4 Gbit/s", "PON-GRANTS-EXCEED-FRAME", "nodes.olt", 7),
    ],
)
def test_a_pon_that_cannot_be(
    tmp_path: Path, old: str, new: str, code: str, path: str, line: int
) -> None:
    assert PON.count(old) == 1
    finding = the(found_in(tmp_path, PON.replace(old, new)), code)
    assert (finding.path, line_of(finding)) == (path, line)


def test_an_onu_that_no_olt_feeds_is_told(tmp_path: Path) -> None:
    text = PON.replace("  - {between: [olt.pon1, spl1.in1]", "  - {between: [olt.pon2, onu3.p2]")
    codes = {finding.code for finding in found_in(tmp_path, text)}
    assert codes & {"ROUTE-NONE", "LINK-PORT-MEDIUM", "LINK-PON-END"}


CELL = (
    HEAD
    + """\
sites: {s: {buildings: {b: {floors: {f: {size: [40 m, 40 m], height: 8 m}}}}}}
networks:
  cell: {kind: 5g, carrier: 3.75 GHz, bandwidth: 100 MHz, subcarrier_spacing: 30 kHz, pattern: DDDSU}
nodes:
  srv: {is: server, model: generic-server-1g}
  upf: {is: upf, network: cell, model: generic-router}
  sw: {is: switch}
  gnb: {is: gnb, network: cell, at: [20 m, 20 m, 6 m]}
  agv1: {is: agv, at: [22 m, 20 m], attach: {nr1: {network: cell}}}
  agv2: {is: agv, at: [18 m, 20 m], attach: {nr1: {network: cell, session: ip}}}
links:
  - {between: [srv.p1, upf.p1], medium: cat6a, length: 5 m}
  - {between: [upf.p2, sw.p1], medium: cat6a, length: 5 m}
  - {between: [sw.p2, gnb.lan1], medium: cat6a, length: 50 m}
streams:
  up: {from: agv1, to: srv, size: 200 B, every: 20 ms, misses: 1e-4}
  down: {from: srv, to: agv2, size: 200 B, every: 20 ms, misses: 1e-4}
  across: {from: agv1, to: agv2, size: 200 B, every: 20 ms, misses: 1e-4}
"""
)


def test_traffic_of_a_ue_goes_through_the_tunnel_to_its_upf(tmp_path: Path) -> None:
    plan = planned(tmp_path, CELL)
    assert way_of(plan, "up") == ["agv1.nr1", "gnb.lan1", "sw.p1", "upf.p1"]
    assert way_of(plan, "down") == ["srv.p1", "upf.p2", "sw.p2", "gnb.nr1>agv2"]


def test_what_the_tunnel_adds(tmp_path: Path) -> None:
    """GTP-U over IPv6: 40 + 8 + 8 + 4 + 4 = 64.

    An Ethernet session carries the whole frame but its FCS behind an outer header of 14 and a tag
    of 4: 82 more; an IP session the packet only: 64.
    """
    plan = planned(tmp_path, CELL)
    assert [hop.added_octets for hop in stream_of(plan, "up").hops] == [0, 82, 82, 0]
    assert [hop.added_octets for hop in stream_of(plan, "down").hops] == [0, 64, 64, 0]


def test_from_ue_to_ue_by_way_of_the_upf(tmp_path: Path) -> None:
    plan = planned(tmp_path, CELL)
    assert way_of(plan, "across") == [
        *("agv1.nr1", "gnb.lan1", "sw.p1"),
        *("upf.p2", "sw.p2", "gnb.nr1>agv2"),
    ]


def test_reliability_is_bought_with_the_share_of_the_strictest_stream(tmp_path: Path) -> None:
    """Stream up grants 1e-4 on one radio hop, across 1e-4 over two: 5e-5 each, the smaller one counts."""
    plan = planned(tmp_path, CELL)
    egress = {one.name: one for one in plan.egresses}
    probability = {
        name: getattr(egress[name].service, "exceedance_probability", None)
        for name in ("agv1.nr1", "gnb.nr1>agv2")
    }
    for value in probability.values():
        assert value is not None
        assert 0 < value <= 5e-5
    without = planned(tmp_path, CELL.replace("misses: 1e-4", "misses: 0"))
    strict = next(one for one in without.egresses if one.name == "agv1.nr1")
    assert getattr(strict.service, "exceedance_probability", 0.0) in {0.0, None}


def test_radio_links_are_in_the_plan_for_the_drawing(tmp_path: Path) -> None:
    ends = [link.ends for link in planned(tmp_path, CELL).links]
    assert ("agv1.nr1", "gnb.nr1") in ends
    assert len(ends) == 5

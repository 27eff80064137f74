# SPDX-License-Identifier: Apache-2.0
"""From small designs to plans: hops, terms, queues, VLANs, addresses, the hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from netplan.design.findings import DesignError
from netplan.media.interface import ServiceCurve, TermKind, WireMechanism
from support.small_designs import HEAD, LINE, found_in, line_of, planned, stream_of, the, way_of

FLOW = "streams: {x: {from: plc, to: srv, size: 40 B, every: 1 ms}}\n"


def test_hops_of_a_stream(tmp_path: Path) -> None:
    plan = planned(tmp_path, LINE + FLOW)
    first, second = stream_of(plan, "x").hops
    assert way_of(plan, "x") == ["plc.p1", "sw.p2"]
    assert (first.from_node, first.to_node, first.to_port) == ("plc", "sw", "p1")
    assert (second.from_node, second.to_node, second.to_port) == ("sw", "srv", "p1")
    assert (first.parent_index, second.parent_index) == (-1, 0)
    assert stream_of(plan, "x").listener_hops == (1,)
    assert first.added_octets == second.added_octets == 0


def test_fixed_terms_of_a_hop(tmp_path: Path) -> None:
    """The talker has no forwarding; the switch takes 1 to 5 us; 5.3 ns/m of cat6a."""
    first, second = stream_of(planned(tmp_path, LINE + FLOW), "x").hops
    assert first.before == ()
    (forwarding,) = second.before
    assert forwarding.kind == TermKind.PROCESSING
    assert forwarding.what == "forwarding in sw (generic-switch-24x1g-4sfp)"
    assert (forwarding.min_ps, forwarding.max_ps) == (1_000_000, 5_000_000)
    for hop, length_m in ((first, 10), (second, 20)):
        (propagation,) = hop.after
        assert propagation.kind == TermKind.PROPAGATION
        assert propagation.min_ps == propagation.max_ps == length_m * 5300
        assert propagation.source


def test_hosts_terms_are_kept_for_targets_between_applications(tmp_path: Path) -> None:
    stream = stream_of(planned(tmp_path, LINE + FLOW), "x")
    (sending,) = stream.talker_host
    ((receiving,),) = stream.listener_host
    assert sending.what == "sending in plc (generic-plc)"
    assert (receiving.min_ps, receiving.max_ps) == (20_000_000, 500_000_000)  # generic-server-1g


def test_a_transmitter(tmp_path: Path) -> None:
    plan = planned(tmp_path, LINE + FLOW)
    switch = next(egress for egress in plan.egresses if egress.name == "sw.p2")
    assert (switch.node, switch.port, switch.medium) == ("sw", "p2", "cat6a")
    assert (switch.queue_count, switch.buffer_octets) == (8, 512_000)
    assert switch.mechanism == WireMechanism(line_bps=10**9, lead_octets=8, tail_octets=12)
    assert isinstance(switch.service, ServiceCurve)
    assert (switch.service.rate_bps, switch.service.latency_ps) == (10**9, 0)


def test_only_transmitters_that_streams_use_are_in_the_plan(tmp_path: Path) -> None:
    assert planned(tmp_path, LINE).egresses == ()
    assert [egress.name for egress in planned(tmp_path, LINE + FLOW).egresses] == [
        "plc.p1",
        "sw.p2",
    ]


@pytest.mark.parametrize(
    ("pcp", "queues_of_4"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3)]
)
def test_queue_of_a_switch_with_four_queues(tmp_path: Path, pcp: int, queues_of_4: int) -> None:
    """The host of eight queues and the switch of four: each maps by its own column of Table 8-5."""
    text = LINE.replace("{is: switch}", "{is: switch, model: generic-switch-8x100m}") + FLOW
    text = text.replace("{is: plc}", "{is: plc, model: generic-plc}")
    first, second = stream_of(
        planned(tmp_path, text.replace("every:", f"pcp: {pcp}, every:")), "x"
    ).hops
    assert second.queue_index == queues_of_4
    assert first.queue_index == [1, 0, 2, 3, 4, 5, 6, 7][pcp]


def test_copies_part_where_ways_part(tmp_path: Path) -> None:
    """A line plc - sw1 - sw2 with a listener at sw1 and two at sw2: the common hops are made once."""
    text = (
        HEAD
        + """\
nodes:
  plc: {is: plc}
  sw1: {is: switch}
  sw2: {is: switch}
  a: {is: sensor}
  b: {is: sensor}
  c: {is: sensor}
links:
  - {between: [plc.p1, sw1.p1], medium: cat6a, length: 1 m}
  - {between: [sw1.p2, sw2.p1], medium: cat6a, length: 1 m}
  - {between: [sw1.p3, a.p1], medium: cat6a, length: 1 m}
  - {between: [sw2.p2, b.p1], medium: cat6a, length: 1 m}
  - {between: [sw2.p3, c.p1], medium: cat6a, length: 1 m}
streams: {x: {from: plc, to: [b, a, c], size: 40 B, every: 1 ms}}
"""
    )
    plan = planned(tmp_path, text)
    stream = stream_of(plan, "x")
    assert way_of(plan, "x") == ["plc.p1", "sw1.p2", "sw2.p2", "sw1.p3", "sw2.p3"]
    assert [hop.parent_index for hop in stream.hops] == [-1, 0, 1, 0, 1]
    assert stream.listener_hops == (2, 3, 4)


RING = (
    HEAD
    + """\
nodes: {a: {is: sensor}, s: {is: switch}, t: {is: switch}, u: {is: switch}, v: {is: switch}, b: {is: sensor}}
links:
  - {between: [a.p1, s.p1], medium: cat6a, length: 1 m}
  - {between: [s.p2, t.p1], medium: cat6a, length: 1 m}
  - {between: [t.p2, u.p1], medium: cat6a, length: 1 m}
  - {between: [u.p2, v.p1], medium: cat6a, length: 1 m}
  - {between: [v.p2, s.p3], medium: cat6a, length: 1 m}
  - {between: [u.p3, b.p1], medium: cat6a, length: 1 m}
"""
)


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("", ["a.p1", "s.p2", "t.p2", "u.p3"]),
        ("path: [v], ", ["a.p1", "s.p3", "v.p1", "u.p3"]),
        ("path: [a, s, v, u, b], ", ["a.p1", "s.p3", "v.p1", "u.p3"]),
    ],
)
def test_the_way_in_a_ring(tmp_path: Path, path: str, way: list[str]) -> None:
    text = RING + f"streams: {{x: {{from: a, to: b, {path}size: 40 B, every: 1 ms}}}}\n"
    assert way_of(planned(tmp_path, text), "x") == way


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        ("from: plc, to: cam, size: 40 B, every: 1 ms", "none"),
        ("from: plc, to: srv, path: [cam], size: 40 B, every: 1 ms", "none through the nodes"),
    ],
)
def test_no_way(tmp_path: Path, stream: str, found: str) -> None:
    text = LINE.replace("nodes:", "nodes:\n  cam: {is: camera}") + f"streams: {{x: {{{stream}}}}}\n"
    finding = the(found_in(tmp_path, text), "ROUTE-NONE")
    assert (line_of(finding), finding.path) == (11, "streams.x.to[0]")
    assert finding.found.startswith(found)


def test_a_second_link_between_two_nodes_is_not_used(tmp_path: Path) -> None:
    text = LINE + "  - {between: [plc.p2, sw.p9], medium: cat6a, length: 10 m}\n" + FLOW
    finding = the(planned(tmp_path, text).findings, "LINK-PARALLEL")
    assert (line_of(finding), finding.severity) == (10, "warning")
    assert way_of(planned(tmp_path, text), "x") == ["plc.p1", "sw.p2"]


ZONES = "zones: {a: {kind: control}, b: {kind: control, vlan: 10}, c: {kind: control}, d: {kind: control, vlan: 7}}\n"


def test_vlans_of_zones(tmp_path: Path) -> None:
    """10, 20, 30 ... in the order of the zones, except those that are named and those taken."""
    plan = planned(tmp_path, LINE + ZONES)
    assert plan.vlans == {20: "a", 10: "b", 30: "c", 7: "d"}


def test_as_many_zones_as_there_are_vlans_have_valid_ones(tmp_path: Path) -> None:
    zones = ", ".join(f"z{index}: {{kind: control}}" for index in range(1000))
    plan = planned(tmp_path, LINE + f"zones: {{{zones}}}\n")
    assert len(plan.vlans) == 1000
    assert all(1 <= vlan <= 4094 for vlan in plan.vlans)


@pytest.mark.parametrize(
    ("node", "stream", "vlan"),
    [
        ("{is: plc}", "", 1),
        ("{is: plc, zone: a}", "", 20),
        ("{is: plc, zone: d}", "", 7),
        ("{is: plc, zone: a}", "vlan: 99, ", 99),
    ],
)
def test_vlan_of_a_stream_is_its_own_or_its_talker_s(
    tmp_path: Path, node: str, stream: str, vlan: int
) -> None:
    text = LINE.replace("{is: plc}", node) + ZONES + FLOW.replace("from:", f"{stream}from:")
    assert stream_of(planned(tmp_path, text), "x").vlan == vlan


def test_addresses_are_of_hosts_and_bridges_and_of_each_router_port(tmp_path: Path) -> None:
    text = LINE.replace("plc: {is: plc}", "plc: {is: plc, zone: a}").replace("switch", "router")
    plan = planned(tmp_path, text + ZONES + "addressing: {prefix: 'fd12:3456:789a::/48'}\n")
    assert plan.addresses == {
        "plc": "fd12:3456:789a:14::1/64",  # VLAN 20 is 0x14
        "sw.p1": "fd12:3456:789a:1::1/64",
        "sw.p2": "fd12:3456:789a:1::2/64",
        "srv": "fd12:3456:789a:1::3/64",
    }


def test_availability_from_the_design_or_the_catalogue(tmp_path: Path) -> None:
    """99 h and 1 h are 0.99; the switch of the catalogue has 40 a and 4 h."""
    text = LINE.replace("{is: plc}", "{is: plc, mtbf: 99 h, repair: 1 h}")
    nodes = {node.name: node for node in planned(tmp_path, text).nodes}
    assert nodes["plc"].availability_ratio == pytest.approx(0.99)
    assert nodes["sw"].availability_ratio == pytest.approx(1 - 4 / (40 * 8766 + 4))


def test_a_wrong_design_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(DesignError) as caught:
        planned(tmp_path, LINE + FLOW.replace("from: plc", "from: plk"))
    assert the(caught.value.findings, "STREAM-NODE-UNKNOWN").found == "plk"


def test_the_hash_is_that_of_what_is_meant_not_of_how_it_is_written(tmp_path: Path) -> None:
    one = planned(tmp_path, LINE + FLOW).design_hash
    written_otherwise = (LINE + FLOW).replace("1 ms", "1000 us").replace("nodes:", "# note\nnodes:")
    assert planned(tmp_path, written_otherwise).design_hash == one
    assert planned(tmp_path, LINE + FLOW + "description: words\n").design_hash == one
    assert len(one) == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1 ms", "2 ms"),
        ("20 m}", "21 m}"),
        ("name: small", "name: other"),
        ("{is: switch}", "{is: switch, zone: null, at: [1 m, 1 m]}"),
        ("{is: switch}", "{is: tsn-bridge}"),
    ],
)
def test_another_design_has_another_hash(tmp_path: Path, old: str, new: str) -> None:
    text = LINE + FLOW
    assert text.count(old) == 1
    assert (
        planned(tmp_path, text.replace(old, new)).design_hash != planned(tmp_path, text).design_hash
    )


@pytest.mark.parametrize(
    ("device", "changes"), [("generic-switch-24x1g-4sfp", True), ("generic-hmi", False)]
)
def test_the_hash_covers_the_catalogue_values_that_are_used(
    tmp_path: Path, device: str, changes: bool
) -> None:
    folder = tmp_path / "catalog" / "device"
    folder.mkdir(parents=True)
    entry = folder / f"{device}.yaml"
    text = LINE + FLOW + "catalog: [catalog]\n"
    before = planned(tmp_path, text).design_hash
    entry.write_text(f"kind: device\nextends: {device}\nid: {device}\nname: another name\n")
    assert (planned(tmp_path, text).design_hash != before) == changes


def test_a_module_that_nothing_places_does_not_change_the_hash(tmp_path: Path) -> None:
    unused = "modules: {m: {nodes: {n: {is: plc}}}}\n"
    assert planned(tmp_path, LINE + unused).design_hash == planned(tmp_path, LINE).design_hash


def test_a_plan_does_not_change_when_nothing_changed(tmp_path: Path) -> None:
    assert planned(tmp_path, RING) == planned(tmp_path, RING)

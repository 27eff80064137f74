# SPDX-License-Identifier: Apache-2.0
"""Every rule of a whole design: broken once, told with its line, its path and a hint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netplan.design import checks, plant_rules
from netplan.design.findings import Severity
from support.small_designs import HEAD, LINE, found_in, line_of, the

HALL = """\
sites: {s: {buildings: {b: {floors: {f: {size: [50 m, 30 m], height: 8 m}}}}}}
zones: {cell: {kind: control}, office: {kind: enterprise}}
networks:
  plant5g: {kind: 5g, carrier: 3.75 GHz, bandwidth: 100 MHz, subcarrier_spacing: 30 kHz, pattern: DDDSU}
  wlan: {kind: iwlan, carrier: 5.2 GHz}
  access: {kind: pon, system: xgs-pon, budget: xgs-pon-n1, reach: 5 km, grant: 500 Mbit/s}
nodes:
  plc: {is: plc, zone: cell, tasks: {motion: {cycle: 1 ms}}}
  sw: {is: switch, zone: cell}
  srv: {is: server, model: generic-server-1g, zone: cell}
  gnb: {is: gnb, network: plant5g, functions: [gnb, upf, router], at: [25 m, 15 m, 6 m]}
  ap: {is: access-point, network: wlan, at: [10 m, 10 m, 4 m]}
  olt: {is: olt, network: access}
  spl: {is: splitter, model: splitter-1x4}
  onu: {is: onu}
  agv: {is: agv, attach: {nr1: {network: plant5g}}, at: [30 m, 20 m]}
links:
  - {between: [plc, sw], medium: cat6a, length: 10 m}
  - {between: [sw, srv], medium: cat6a, length: 10 m}
  - {between: [gnb.lan1, sw], medium: cat6a, length: 10 m}
  - {between: [ap, sw], medium: cat6a, length: 10 m}
  - {between: [olt.lan1, sw], medium: cat6a, length: 10 m}
  - {between: [olt.pon1, spl.in1], medium: g652d, length: 500 m, attenuator: 6 dB}
  - {between: [spl.out1, onu.pon1], medium: g652d, length: 500 m}
"""
"""Lines 3 to 26: a hall with every kind of network and nothing wrong."""

PLANT = HEAD + HALL
STREAM = "from: plc, to: srv, size: 40 B, every: 1 ms"
OFFER = "between: [plc.p1, srv.p1], cir: {rate: 1 Mbit/s, layer: ethernet}"

ADDED = [
    # What is added as line 27 (and the lines behind it), the finding, where and what is found.
    (f"streams: {{x: {{{STREAM.replace('plc', 'plk')}}}}}", "STREAM-NODE-UNKNOWN", "x.from", "plk"),
    (f"streams: {{x: {{{STREAM.replace('srv', 'sru')}}}}}", "STREAM-NODE-UNKNOWN", "x.to[0]", "sru"),
    (f"streams: {{x: {{{STREAM}, path: [sw, se]}}}}", "STREAM-NODE-UNKNOWN", "x.path[1]", "se"),
    (f"streams: {{x: {{{STREAM.replace('srv', 'plc')}}}}}", "STREAM-SELF", "x.to[0]", "plc"),
    (f"streams: {{x: {{{STREAM.replace('srv', '[srv, srv]')}}}}}", "STREAM-LISTENER-TWICE", "x.to", "srv, srv"),
    (f"streams: {{x: {{{STREAM.replace('plc', 'spl')}}}}}", "STREAM-PASSIVE", "x.from", "spl"),
    (f"streams: {{x: {{{STREAM.replace('srv', 'spl')}}}}}", "STREAM-PASSIVE", "x.to[0]", "spl"),
    (f"streams: {{x: {{{STREAM.replace('srv', '[srv, spl]')}}}}}", "STREAM-PASSIVE", "x.to[1]", "spl"),
    (f"streams: {{x: {{{STREAM}, jitter: 2 ms}}}}", "STREAM-JITTER", "x.jitter", "2 ms"),
    (f"streams: {{x: {{{STREAM.replace('srv', '[srv, sw]')}, path: [sw]}}}}", "STREAM-PATH-MANY", "x.path", "2 listeners"),
    (f"streams: {{x: {{{STREAM}, protocol: udq}}}}", "TRAFFIC-PROTOCOL-UNKNOWN", "x.protocol", "udq"),
    (f"streams: {{x: {{{STREAM}, traffic: vidio}}}}", "TRAFFIC-TYPE-UNKNOWN", "x.traffic", "vidio"),
    ("streams: {x: {from: plc, to: srv}}", "STREAM-TRAFFIC", "x", "none of them"),
    (f"streams: {{x: {{{STREAM}, rate: 1 Mbit/s}}}}", "STREAM-TRAFFIC", "x", "size, rate"),
    ("streams: {x: {from: plc, to: srv, size: 40 B}}", "STREAM-PERIOD", "x.size", "nothing"),
    ("streams: {x: {from: plc, to: srv, rate: 1 Mbit/s, every: 1 ms}}", "STREAM-PERIOD", "x.every", "every"),
    # 1500 octets of data, less 48 for UDP and IPv6, leave 1452
    (f"streams: {{x: {{{STREAM.replace('40', '1453')}}}}}", "STREAM-FRAME", "x.size", "1453 B"),
    (f"streams: {{x: {{{STREAM.replace('size', 'packet: 2 kB, burst')}}}}}", "STREAM-FRAME", "x.packet", "2000 B"),
    (f"streams: {{x: {{{STREAM.replace('size: 40', 'burst: 0')}}}}}", "STREAM-FRAME", "x.burst", "0 frames"),
    ("relations: {x: {controller: plk, device: srv, protocol: profinet-rt, cycle: 1 ms, out: 40 B, in: 40 B}}", "RELATION-NODE-UNKNOWN", "x.controller", "plk"),
    ("relations: {x: {controller: plc, device: plc, protocol: profinet-rt, cycle: 1 ms, out: 40 B, in: 40 B}}", "RELATION-SELF", "x.device", "plc"),
    ("relations: {x: {controller: plc, device: srv, protocol: profinet-rt, cycle: 125 us, out: 40 B, in: 40 B}}", "RELATION-CYCLE", "x.cycle", "125 us"),
    ("relations: {x: {controller: plc, device: srv, protocol: profinet-rt, cycle: 1 ms, out: 40 B, in: 1441 B}}", "RELATION-FRAME", "x.in", "1441 B"),
    ("relations: {x: {controller: plc, device: srv, protocol: profinet, cycle: 1 ms, out: 40 B, in: 40 B}}", "TRAFFIC-PROTOCOL-UNKNOWN", "x.protocol", "profinet"),
    ("chains: {x: {path: [srv, plk], within: 1 ms}}", "CHAIN-NODE-UNKNOWN", "x.path[1]", "plk"),
    ("chains: {x: {path: [srv, 'plc:motoin', srv], within: 1 ms}}", "CHAIN-TASK-UNKNOWN", "x.path[1]", "plc:motoin"),
    ("chains: {x: {path: [srv, plc, srv], within: 1 ms}}", "CHAIN-TASK-UNKNOWN", "x.path[1]", "plc"),
    ("chains: {x: {path: [srv, plc], via: [a, b], within: 1 ms}}", "CHAIN-VIA", "x.via", "2"),
    ("chains: {x: {path: [srv, plc], within: 1 ms}}", "CHAIN-STREAM", "x.path[1]", "none"),
    (f"offers: {{x: {{{OFFER.replace('srv.', 'sru.')}}}}}", "OFFER-NODE-UNKNOWN", "x.between[1]", "sru"),
    (f"offers: {{x: {{{OFFER.replace('srv.p1', 'srv.p7')}}}}}", "OFFER-PORT-UNKNOWN", "x.between[1]", "srv.p7"),
    (f"offers: {{x: {{{OFFER.replace('srv.p1', 'srv')}}}}}", "OFFER-PORT-UNKNOWN", "x.between[1]", "srv"),
    (f"offers: {{x: {{{OFFER}, frame: 63 B}}}}", "OFFER-FRAME", "x.frame", "63 B"),
    (f"offers: {{x: {{{OFFER.replace('srv.p1', 'srv.p2')}, direction: forward}}}}", "OFFER-PATH", "x.between", "ports p1 and p1"),
    ("conduits: {x: {between: [cell, offce]}}", "CONDUIT-ZONE", "x.between[1]", "offce"),
    ("conduits: {x: {between: [cell, office], allow: [udp, htp]}}", "CONDUIT-PROTOCOL", "x.allow[1]", "htp"),
]  # fmt: skip

CHANGED = [
    # What is replaced in the plant, by what, and the finding.
    ("zone: cell, tasks", "zone: office, tasks", "ZONE-CONDUIT", "streams.flow", "none"),
    ("olt, network: access", "olt", "NODE-NETWORK", "nodes.olt", "nothing"),
    ("olt, network: access", "olt, network: wlan", "NODE-NETWORK", "nodes.olt.network", "wlan"),
    ("olt, network: access", "olt, network: acces", "NODE-NETWORK", "nodes.olt.network", "acces"),
    ("[gnb, upf, router]", "[gnb, router]", "NETWORK-CORE", "networks.plant5g", "none"),
    ("access-point, network: wlan", "switch", "NETWORK-UNSERVED", "networks.wlan", "none"),
    ("{network: plant5g}}", "{network: wlan}}", "ATTACH-NETWORK", "nodes.agv.attach.nr1.network", "wlan"),
    ("{network: plant5g}}", "{network: plan5g}}", "ATTACH-NETWORK", "nodes.agv.attach.nr1.network", "plan5g"),
    (", at: [30 m, 20 m]}", "}", "RADIO-POSITION", "nodes.agv", "neither"),
    (", at: [25 m, 15 m, 6 m]}", "}", "RADIO-POSITION", "nodes.gnb", "neither"),
    ("at: [30 m, 20 m]", "at: [30 m, 31 m]", "NODE-OUTSIDE", "nodes.agv.at", "30 m, 31 m"),
    ("height: 8 m", "height: 8 m, walls: [{from: [0 m, 0 m], to: [9 m, 0 m], material: stone}]",
     "WALL-MATERIAL", "sites.s.buildings.b.floors.f.walls[0].material", "stone"),
    ("[ap, sw]", "[srv, sw]", "NODE-UNCONNECTED", "nodes.ap", "neither"),
]  # fmt: skip


def test_the_plant_has_nothing_wrong(tmp_path: Path) -> None:
    found = [one.text() for one in found_in(tmp_path, PLANT) if one.severity != Severity.NOTE]
    assert found == []


@pytest.mark.parametrize(
    ("text", "code", "path", "found"), ADDED, ids=[f"{one[1]}-{one[2]}" for one in ADDED]
)
def test_something_wrong_is_added(
    tmp_path: Path, text: str, code: str, path: str, found: str
) -> None:
    finding = the(found_in(tmp_path, PLANT + text + "\n"), code)
    assert finding.severity == Severity.ERROR
    assert (line_of(finding), finding.path) == (27, f"{text.partition(':')[0]}.{path}")
    assert finding.found == found
    assert finding.hint


@pytest.mark.parametrize(
    ("old", "new", "code", "path", "found"), CHANGED, ids=[f"{one[2]}-{one[3]}" for one in CHANGED]
)
def test_something_is_changed(
    tmp_path: Path, old: str, new: str, code: str, path: str, found: str
) -> None:
    assert PLANT.count(old) == 1
    flow = f"streams: {{flow: {{{STREAM}}}}}\n"
    line = PLANT[: PLANT.index(old)].count("\n") + 1 if code != "ZONE-CONDUIT" else 27
    if code in {"NETWORK-UNSERVED", "NETWORK-CORE"}:
        line = 6 if "plant5g" in path else 7
    if code == "NODE-UNCONNECTED":
        line = 14
    finding = the(found_in(tmp_path, PLANT.replace(old, new) + flow), code)
    assert (line_of(finding), finding.path) == (line, path)
    assert finding.found == found
    assert finding.hint


@pytest.mark.parametrize(
    ("allow", "warned"),
    [
        (None, True),
        ("", False),
        (", allow: [udp]", False),
        (", allow: [profinet-rt]", True),
        (", allow: [profinet-rt, udp]", False),
    ],
)
def test_what_a_conduit_allows(tmp_path: Path, allow: str | None, warned: bool) -> None:
    text = PLANT.replace("zone: cell, tasks", "zone: office, tasks")
    text += f"streams: {{flow: {{{STREAM}}}}}\n"
    if allow is not None:
        text += f"conduits: {{x: {{between: [office, cell]{allow}}}}}\n"
    codes = [finding.code for finding in found_in(tmp_path, text)]
    assert ("ZONE-CONDUIT" in codes) == warned


def test_relations_need_conduits_too_and_each_listener_by_itself(tmp_path: Path) -> None:
    text = PLANT.replace(
        "srv: {is: server, model: generic-server-1g, zone: cell}", "srv: {is: drive, zone: office}"
    )
    text += "relations: {r: {controller: plc, device: srv, protocol: profinet-rt, cycle: 1 ms, out: 1 B, in: 1 B}}\n"
    text += f"streams: {{flow: {{{STREAM.replace('srv', '[sw, srv]')}}}}}\n"
    found = [one for one in found_in(tmp_path, text) if one.code == "ZONE-CONDUIT"]
    assert [one.path for one in found] == ["relations.r", "streams.flow"]
    assert all(one.severity == Severity.WARNING for one in found)


@pytest.mark.parametrize(
    "prefix",
    ["fd00::/64", "fd00::1/48", "ff02::/48", "fe80::/48", "10.0.0.0/8", "fd00::/200", "", "prefix"],
)
def test_a_prefix_that_cannot_number_a_plant(tmp_path: Path, prefix: str) -> None:
    finding = the(
        found_in(tmp_path, LINE + f"addressing:\n  prefix: '{prefix}'\n"), "ADDRESS-PREFIX"
    )
    assert (line_of(finding), finding.path) == (11, "addressing.prefix")
    assert finding.found.startswith(prefix)


def test_no_rule_stops_another(tmp_path: Path) -> None:
    text = PLANT + "\n".join(
        [
            f"streams: {{x: {{{STREAM.replace('plc', 'plk')}}}}}",
            "relations: {x: {controller: a, device: a, protocol: p, cycle: 1 ms, out: 1 B, in: 1 B}}",
            "chains: {x: {path: [b, c], within: 1 ms}}",
            f"offers: {{x: {{{OFFER.replace('srv.', 'd.')}}}}}",
            "conduits: {x: {between: [e, cell]}}",
            "addressing: {prefix: f}",
        ]
    )
    codes = {finding.code for finding in found_in(tmp_path, text)}
    assert {
        *("STREAM-NODE-UNKNOWN", "RELATION-NODE-UNKNOWN", "RELATION-SELF", "CHAIN-NODE-UNKNOWN"),
        *("OFFER-NODE-UNKNOWN", "CONDUIT-ZONE", "ADDRESS-PREFIX", "TRAFFIC-PROTOCOL-UNKNOWN"),
    } <= codes


@pytest.mark.parametrize("end", ["from: plc.p1, to: srv", "from: plc, to: srv.p1"])
def test_a_stream_end_with_a_port_is_understood_or_refused_by_name(
    tmp_path: Path, end: str
) -> None:
    """A port behind a node that exists must not end in 'no way leads there'."""
    text = PLANT + f"streams: {{x: {{{end}, size: 40 B, every: 1 ms}}}}\n"
    assert "ROUTE-NONE" not in {finding.code for finding in found_in(tmp_path, text)}


def test_an_offer_needs_two_nodes(tmp_path: Path) -> None:
    text = LINE + f"offers: {{x: {{{OFFER.replace('srv.p1', 'plc.p2')}}}}}\n"
    assert any(one.severity == Severity.ERROR for one in found_in(tmp_path, text))


def test_two_zones_cannot_share_a_vlan(tmp_path: Path) -> None:
    """The VLAN is what keeps zones apart."""
    zones = "zones: {a: {kind: control, vlan: 7}, b: {kind: enterprise, vlan: 7}}\n"
    assert any("vlan" in finding.path for finding in found_in(tmp_path, LINE + zones))


def test_a_route_stays_on_its_floor(tmp_path: Path) -> None:
    """The hall is 50 m long; a node at 60 m would be told, so a route to there must be."""
    route = "routes: {r: {points: [[0 m, 0 m], [60 m, 0 m]], speed: 1 m/s}}\n"
    assert any(finding.path.startswith("routes.r") for finding in found_in(tmp_path, PLANT + route))


def test_a_route_stands_on_a_floor_that_exists(tmp_path: Path) -> None:
    route = "routes: {r: {points: [[0 m, 0 m], [9 m, 0 m]], speed: 1 m/s, floor: s/b/g}}\n"
    assert any("floor" in finding.path for finding in found_in(tmp_path, PLANT + route))


def test_every_code_of_the_rules_is_triggered_here() -> None:
    files = (checks.__file__, plant_rules.__file__)
    source = "".join(Path(file).read_text(encoding="utf-8") for file in files)
    codes = set(re.findall(r'"([A-Z]+(?:-[A-Z]+)+)"', source))
    elsewhere = {"ADDRESS-PREFIX", "OFFER-SELF", "ROUTE-FLOOR", "ROUTE-OUTSIDE", "ZONE-VLAN"}
    elsewhere |= {"NODE-TASKS", "ZONE-ENTERPRISE", "ZONE-LEVEL", "ZONE-WIRELESS"}
    assert codes <= {*(one[1] for one in ADDED), *(one[2] for one in CHANGED), *elsewhere}


def test_zones_that_iec_62443_wants_apart(tmp_path: Path) -> None:
    text = LINE + (
        "zones: {a: {kind: control, security_level: 3}, b: {kind: enterprise, security_level: 1}}\n"
        "conduits: {c: {between: [a, b]}}\n"
    )
    codes = {one.code for one in found_in(tmp_path, text)}
    assert {"ZONE-ENTERPRISE", "ZONE-LEVEL"} <= codes
    levels = text.replace("kind: enterprise, security_level: 1", "kind: dmz, security_level: 2")
    codes = {one.code for one in found_in(tmp_path, levels)}
    assert not {"ZONE-ENTERPRISE", "ZONE-LEVEL"} & codes


def test_a_wireless_client_stands_in_a_wireless_zone(tmp_path: Path) -> None:
    text = PLANT.replace("agv: {is: agv,", "agv: {is: agv, zone: cell,")
    assert text != PLANT
    assert "ZONE-WIRELESS" in {one.code for one in found_in(tmp_path, text)}


def test_a_switch_runs_no_tasks(tmp_path: Path) -> None:
    text = LINE.replace("sw: {is: switch", "sw: {is: switch, tasks: {t: {cycle: 1 ms}}")
    assert text != LINE
    assert the(found_in(tmp_path, text), "NODE-TASKS").path == "nodes.sw.tasks"

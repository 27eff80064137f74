# SPDX-License-Identifier: Apache-2.0
"""Equipment and wiring: ports, rates and names of the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netplan.design.resolve import Equipment, nearest, resolve
from support.small_designs import HEAD, found_in, line_of, loaded, the

NODES = (
    HEAD
    + """\
nodes:
  plc: {is: plc, model: generic-plc-100m}
  sw: {is: tsn-bridge}
  srv: {is: server}
  olt: {is: olt, network: access}
  spl: {is: splitter, model: splitter-1x4}
  onu: {is: onu}
  agv: {is: agv}
networks:
  access: {kind: pon, system: xgs-pon, budget: xgs-pon-n1, reach: 5 km, grant: 500 Mbit/s}
"""
)
"""Lines 3 to 12. Ports: plc p1-p2 (100M), sw p1-p8 (100M, 1G), srv p1-p2 (SFP), lan1-lan2."""


def resolved(folder: Path, links: str) -> Equipment:
    equipment, findings = resolve(loaded(folder, NODES + f"links: [{links}]\n"))
    assert findings == []
    return equipment


def link(ends: str, more: str = "medium: cat6a") -> str:
    return f"{{between: [{ends}], {more}, length: 10 m}}"


def ends_of(equipment: Equipment) -> list[tuple[str, str]]:
    return [(".".join(one.ends[0]), ".".join(one.ends[1])) for one in equipment.links.values()]


def test_what_the_catalogue_adds_to_a_node(tmp_path: Path) -> None:
    equipment = resolved(tmp_path, "")
    plc = equipment.nodes["plc"]
    assert plc.device.id == "generic-plc-100m"
    assert plc.functions == {"talker", "tasks"}
    assert {name: port.rates_bps for name, port in plc.ports.items()} == {
        "p1": (10**8,),
        "p2": (10**8,),
    }
    assert equipment.nodes["sw"].device.id == "generic-tsn-8x1g"  # the usual one of its role


@pytest.mark.parametrize(
    ("node", "forwards"), [("plc", False), ("sw", True), ("srv", False), ("spl", False)]
)
def test_who_passes_frames_on(tmp_path: Path, node: str, forwards: bool) -> None:
    assert resolved(tmp_path, "").nodes[node].forwards is forwards


def test_functions_of_a_node_replace_those_of_its_role(tmp_path: Path) -> None:
    text = NODES.replace("srv: {is: server}", "srv: {is: server, functions: [router]}")
    equipment, _ = resolve(loaded(tmp_path, text))
    assert equipment.nodes["srv"].forwards


def test_the_next_free_port_is_taken_where_none_is_named(tmp_path: Path) -> None:
    """Named ports are kept free for their links, whichever comes first in the file."""
    links = ", ".join([link("plc, sw"), link("srv, sw"), link("plc, sw.p1")])
    assert ends_of(resolved(tmp_path, links)) == [
        ("plc.p1", "sw.p2"),
        ("srv.lan1", "sw.p3"),  # the first of the server's ports that copper fits into
        ("plc.p2", "sw.p1"),
    ]


def test_fibre_takes_ports_for_fibre(tmp_path: Path) -> None:
    links = ", ".join(
        [
            link("olt.p1, srv", "medium: om4"),
            link("olt, spl", "medium: g652d"),
            link("spl, onu", "medium: g652d"),
        ]
    )
    equipment = resolved(tmp_path, links)
    assert ends_of(equipment) == [
        ("olt.p1", "srv.p1"),
        ("olt.pon1", "spl.in1"),
        ("spl.out1", "onu.pon1"),
    ]
    assert [one.passive for one in equipment.links.values()] == [False, True, True]


@pytest.mark.parametrize(
    ("ends", "more", "line_bps"),
    [
        # plc 100M, sw 100M and 1G: the fastest that both know
        ("plc, sw", "medium: cat6a", 10**8),
        ("srv, sw", "medium: cat6a", 10**9),
        ("srv, sw", "medium: cat6a, rate: 100 Mbit/s", 10**8),
        # SFP ports of both know 1G and 10G
        ("olt.p1, srv", "medium: om4", 10**10),
    ],
)
def test_rate_of_a_link(tmp_path: Path, ends: str, more: str, line_bps: int) -> None:
    (one,) = resolved(tmp_path, link(ends, more)).links.values()
    assert one.line_bps == line_bps


def test_a_node_may_fix_the_rate_of_a_port(tmp_path: Path) -> None:
    text = NODES.replace("{is: tsn-bridge}", "{is: tsn-bridge, ports: {p1: {rate: 100 Mbit/s}}}")
    equipment, _ = resolve(loaded(tmp_path, text + f"links: [{link('srv, sw.p1')}]\n"))
    (one,) = equipment.links.values()
    assert one.line_bps == 10**8


def test_parallel_links_have_names_of_their_own(tmp_path: Path) -> None:
    links = ", ".join([link("plc, sw")] * 2)
    assert list(resolved(tmp_path, links).links) == ["plc--sw", "plc--sw#2"]


@pytest.mark.parametrize(
    ("ends", "more", "code", "path", "found", "hint"),
    [
        ("plc, sq", "medium: cat6a", "LINK-NODE-UNKNOWN", "between[1]", "sq", "'sw'"),
        ("plc.p3, sw", "medium: cat6a", "LINK-PORT-UNKNOWN", "between[0]", "p3", "'p"),
        ("plc, sw", "medium: cat6x", "LINK-MEDIUM-UNKNOWN", "medium", "cat6x", "'cat6"),
        ("plc.p1, plc.p2", "medium: cat6a", "LINK-SELF", "between", "plc.p1 and plc.p2", "correct"),
        ("plc.p1, sw", "medium: om4", "LINK-PORT-MEDIUM", "between[0]", "rj45", "another port"),
        (
            "plc, srv",
            "medium: om4",
            "LINK-NO-FREE-PORT",
            "between[0]",
            "0 such ports",
            "another medium",
        ),
        ("olt.pon1, srv.p1", "medium: g652d", "LINK-PON-END", "between", "pon and sfp", "splitter"),
        (
            *("plc, sw", "medium: cat6a, rate: 1 Gbit/s", "LINK-RATE", "rate"),
            *("100 Mbit/s / 100 Mbit/s, 1 Gbit/s", "'rate' of both"),
        ),
    ],
)
def test_a_link_that_cannot_be(
    tmp_path: Path, ends: str, more: str, code: str, path: str, found: str, hint: str
) -> None:
    text = NODES + f"links:\n  - {link(ends, more)}\n"
    finding = the(found_in(tmp_path, text), code)
    assert (line_of(finding), finding.path) == (14, f"links[0].{path}")
    assert found in finding.found
    assert hint in finding.hint


def test_no_common_rate(tmp_path: Path) -> None:
    text = NODES.replace("{is: tsn-bridge}", "{is: tsn-bridge, ports: {p1: {rate: 1 Gbit/s}}}")
    finding = the(found_in(tmp_path, text + f"links:\n  - {link('plc, sw.p1')}\n"), "LINK-RATE")
    assert finding.message == "the two ports have no common rate"
    assert (finding.path, finding.found) == (
        "links[0].between",
        "the ports know 100 Mbit/s / 1 Gbit/s",
    )


def test_a_port_serves_one_link(tmp_path: Path) -> None:
    text = NODES + f"links:\n  - {link('plc, sw.p1')}\n  - {link('srv, sw.p1')}\n"
    finding = the(found_in(tmp_path, text), "LINK-PORT-TAKEN")
    assert (line_of(finding), finding.path) == (15, "links[1].between[1]")
    assert finding.found == "sw.p1, used by link plc--sw.p1"


def test_all_ports_taken(tmp_path: Path) -> None:
    text = NODES + "links:\n" + f"  - {link('plc, sw')}\n" * 3
    finding = the(found_in(tmp_path, text), "LINK-NO-FREE-PORT")
    assert (line_of(finding), finding.path) == (16, "links[2].between[0]")


@pytest.mark.parametrize(
    ("node", "code", "path", "found", "hint"),
    [
        ("{is: swich}", "NODE-ROLE-UNKNOWN", "is", "swich", "did you mean 'switch'?"),
        (
            "{is: plc, model: generic-plc-10m}",
            *("NODE-MODEL-UNKNOWN", "model", "generic-plc-10m", "did you mean 'generic-plc-100m'?"),
        ),
        ("{is: plc, zone: cel}", "NODE-ZONE-UNKNOWN", "zone", "cel", "did you mean 'cell'?"),
        (
            "{is: plc, floor: a/b/d}",
            "NODE-FLOOR-UNKNOWN",
            "floor",
            "a/b/d",
            "did you mean 'a/b/c'?",
        ),
        ("{is: agv, moves: lop}", "NODE-ROUTE-UNKNOWN", "moves", "lop", "did you mean 'loop'?"),
        (
            "{is: plc, ports: {p9: {rate: 1 Gbit/s}}}",
            *("NODE-PORT-UNKNOWN", "ports.p9", "p9", "did you mean 'p2'?"),
        ),
        (
            "{is: agv, attach: {5g: {network: access}}}",
            *("NODE-RADIO-UNKNOWN", "attach.5g", "5g", "known are: nr1"),
        ),
    ],
)
def test_a_name_of_a_node_that_leads_nowhere(
    tmp_path: Path, node: str, code: str, path: str, found: str, hint: str
) -> None:
    text = (
        NODES
        + """\
zones: {cell: {kind: control}}
sites: {a: {buildings: {b: {floors: {c: {size: [50 m, 50 m], height: 8 m}}}}}}
routes: {loop: {points: [[0 m, 0 m], [9 m, 0 m]], speed: 1 m/s}}
"""
    )
    wrong = text.replace("  plc: {is: plc, model: generic-plc-100m}", f"  wrong: {node}")
    finding = the(found_in(tmp_path, wrong), code)
    assert (line_of(finding), finding.path, finding.found) == (4, f"nodes.wrong.{path}", found)
    assert finding.hint == hint or (code == "NODE-PORT-UNKNOWN" and "did you mean" in finding.hint)


def test_every_wrong_node_and_link_is_found_and_the_others_stay(tmp_path: Path) -> None:
    text = NODES.replace("{is: onu}", "{is: onn}") + (
        f"links: [{link('plc, sw')}, {link('plc, nobody')}, {link('plc, onu', 'medium: x')}]\n"
    )
    equipment, findings = resolve(loaded(tmp_path, text))
    assert [finding.code for finding in findings] == [
        *("NODE-ROLE-UNKNOWN", "LINK-NODE-UNKNOWN", "LINK-MEDIUM-UNKNOWN")
    ]
    assert "onu" not in equipment.nodes
    assert list(equipment.links) == ["plc--sw"]


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("cat6", ["cat5e", "cat6a"], "did you mean 'cat6a'?"),
        ("xyz", ["b", "a"], "known are: a, b"),
        ("xyz", [], "known are: none"),
    ],
)
def test_nearest(name: str, known: list[str], hint: str) -> None:
    assert nearest(name, known) == hint


def test_a_long_list_of_known_names_is_cut() -> None:
    assert len(nearest("xyz", [f"node{index}" for index in range(1000)])) < 200


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=8))
def test_no_port_is_used_twice(
    tmp_path_factory: pytest.TempPathFactory, named: list[tuple[bool, bool]]
) -> None:
    """Eight leaves at one switch, each end with or without a port: every port serves one link."""
    leaves = "".join(f"  n{index}: {{is: sensor}}\n" for index in range(len(named)))
    text = HEAD + f"nodes:\n  sw: {{is: tsn-bridge}}\n{leaves}links:\n"
    for index, (here, there) in enumerate(named):
        ends = f"n{index}{'.p1' if here else ''}, sw{f'.p{8 - index}' if there else ''}"
        text += f"  - {link(ends)}\n"
    design = loaded(tmp_path_factory.mktemp("design"), text if named else HEAD)
    equipment, findings = resolve(design)
    ports = [end for one in equipment.links.values() for end in one.ends]
    assert findings == []
    assert len(ports) == len(set(ports)) == 2 * len(named)

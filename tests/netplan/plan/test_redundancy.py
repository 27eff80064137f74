# SPDX-License-Identifier: Apache-2.0
"""Redundant streams: where copies part and come together, and what they carry in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from netplan.plan.model import Plan, PlannedStream
from support.small_designs import HEAD, found_in, line_of, planned, stream_of, the

RING = (
    HEAD
    + """\
nodes:
  plc: {is: plc}
  s1: {is: tsn-bridge}
  s2: {is: tsn-bridge}
  s3: {is: tsn-bridge}
  s4: {is: tsn-bridge}
  d3: {is: camera}
  e3: {is: camera}
  e4: {is: camera}
  srv: {is: server, model: generic-server-1g}
links:
  - {between: [plc.p1, s1], medium: cat6a, length: 1 m}
  - {between: [s1, s2], medium: cat6a, length: 1 m}
  - {between: [s2, s3], medium: cat6a, length: 1 m}
  - {between: [s3, s4], medium: cat6a, length: 1 m}
  - {between: [s4, s1], medium: cat6a, length: 1 m}
  - {between: [d3, s3], medium: cat6a, length: 1 m}
  - {between: [e3, s3], medium: cat6a, length: 1 m}
  - {between: [e4, s4], medium: cat6a, length: 1 m}
  - {between: [srv.p1, s2], medium: cat6a, length: 1 m}
  - {between: [srv.p2, s4], medium: cat6a, length: 1 m}
"""
)
"""Lines 3 to 23: a ring of four bridges; the server hangs on two of them, the others on one."""


def stream(to: str, ways: int = 2, more: str = "") -> str:
    return (
        f"streams: {{x: {{from: plc, to: {to}, size: 100 B, every: 1 ms, ways: {ways}{more}}}}}\n"
    )


def hops_of(one: PlannedStream) -> list[tuple[str, int, int]]:
    """From and to, parent and added octets of each hop."""
    return [
        (f"{hop.from_node}-{hop.to_node}", hop.parent_index, hop.added_octets) for hop in one.hops
    ]


def test_a_listener_on_one_cable(tmp_path: Path) -> None:
    """The ways part at s1 and come together at s3; only between them frames have the tag."""
    x = stream_of(planned(tmp_path, RING + stream("d3")), "x")
    assert hops_of(x) == [
        ("plc-s1", -1, 0),
        ("s1-s2", 0, 6),
        ("s2-s3", 1, 6),
        ("s1-s4", 0, 6),
        ("s4-s3", 3, 6),
        ("s3-d3", 2, 0),
    ]
    assert [recovery.members for recovery in x.recoveries] == [(2, 4)]
    assert x.listener_hops == (5,)


def test_a_listener_on_two_cables_eliminates_itself(tmp_path: Path) -> None:
    x = stream_of(planned(tmp_path, RING + stream("srv")), "x")
    assert hops_of(x) == [
        ("plc-s1", -1, 0),
        ("s1-s2", 0, 6),
        ("s2-srv", 1, 6),
        ("s1-s4", 0, 6),
        ("s4-srv", 3, 6),
    ]
    assert [recovery.members for recovery in x.recoveries] == [(2, 4)]
    assert x.listener_hops == (2,)


def test_a_talker_on_two_cables_tags_itself(tmp_path: Path) -> None:
    text = RING + stream("d3").replace("from: plc", "from: srv")
    x = stream_of(planned(tmp_path, text), "x")
    assert hops_of(x) == [
        ("srv-s2", -1, 6),
        ("s2-s3", 0, 6),
        ("srv-s4", -1, 6),
        ("s4-s3", 2, 6),
        ("s3-d3", 1, 0),
    ]
    assert [recovery.members for recovery in x.recoveries] == [(1, 3)]


def test_listeners_behind_one_bridge_share_the_ways(tmp_path: Path) -> None:
    x = stream_of(planned(tmp_path, RING + stream("[d3, e3]")), "x")
    assert [recovery.members for recovery in x.recoveries] == [(2, 4)]
    assert [x.hops[one].to_node for one in x.listener_hops] == ["d3", "e3"]
    assert [x.hops[one].parent_index for one in x.listener_hops] == [2, 2]
    assert len(x.hops) == 7


def test_listeners_on_the_ring_at_two_places_are_refused(tmp_path: Path) -> None:
    """What s3 lets through would go on to s4, and what s4 lets through to s3."""
    finding = the(found_in(tmp_path, RING + stream("[d3, e4]")), "REDUNDANCY-LOOP")
    assert (line_of(finding), finding.path) == (24, "streams.x.ways")


@pytest.mark.parametrize("ways", [3, 4])
def test_more_ways_than_there_are(tmp_path: Path, ways: int) -> None:
    finding = the(found_in(tmp_path, RING + stream("d3", ways)), "REDUNDANCY-WAYS")
    assert (line_of(finding), finding.found) == (24, "2")
    assert finding.expected == f"{ways} disjoint ways"


def test_every_listener_that_has_too_few_is_told(tmp_path: Path) -> None:
    found = found_in(tmp_path, RING + stream("[d3, srv]", 3))
    assert sum(finding.code == "REDUNDANCY-WAYS" for finding in found) == 2


def test_relations_are_redundant_in_both_directions(tmp_path: Path) -> None:
    text = RING + (
        "relations: {r: {controller: plc, device: d3, protocol: profinet-rt, cycle: 1 ms,"
        " out: 40 B, in: 40 B, ways: 2}}\n"
    )
    plan = planned(tmp_path, text)
    for name in ("r.out", "r.in"):
        (recovery,) = stream_of(plan, name).recoveries
        assert len(recovery.members) == 2


def test_the_tag_counts_on_the_wire_and_in_the_transmitter(tmp_path: Path) -> None:
    """100 + 48 + 22 octets, and 6 of the tag where copies are apart."""
    plan = planned(tmp_path, RING + stream("d3", more=", policed: true"))
    x = stream_of(plan, "x")
    assert x.emission.messages == ((170,),)
    reception = x.hops[0].reception
    assert reception is not None
    assert reception.filter is not None
    assert reception.filter.largest_frame_octets == 170  # s1 polices before it tags


def members_are_sound(plan: Plan) -> None:
    for one in plan.streams:
        assert all(hop.parent_index < index for index, hop in enumerate(one.hops))
        parents = {hop.parent_index for hop in one.hops}
        for recovery in one.recoveries:
            assert len(set(recovery.members)) == len(recovery.members) >= 2
            assert len({one.hops[member].to_node for member in recovery.members}) == 1
            assert not parents & set(recovery.members[1:])
            assert not set(one.listener_hops) & set(recovery.members[1:])
            behind = [
                i for i, hop in enumerate(one.hops) if hop.parent_index == recovery.members[0]
            ]
            assert all(max(recovery.members) < index for index in behind)


@pytest.mark.parametrize("to", ["d3", "e4", "srv", "[d3, e3]", "s3", "[d3, s3]"])
def test_the_contract_of_recoveries(tmp_path: Path, to: str) -> None:
    members_are_sound(planned(tmp_path, RING + stream(to)))


SCHEDULE = "schedule: {streams: {x: {phase: 5 us, ways: [%s]}}}\n"


def scheduled(ways: str, to: str = "d3", count: int = 2) -> str:
    return RING + stream(to, count) + SCHEDULE % ways


def test_the_schedule_may_choose_the_ways(tmp_path: Path) -> None:
    text = scheduled("[plc, s1, s4, s3, d3], [plc, s1, s2, s3, d3]")
    x = stream_of(planned(tmp_path, text), "x")
    assert x.scheduled
    assert x.emission.phase_ps == 5_000_000
    assert [hop.to_node for hop in x.hops] == ["s1", "s4", "s3", "s2", "s3", "d3"]
    assert [recovery.members for recovery in x.recoveries] == [(2, 4)]


@pytest.mark.parametrize(
    ("ways", "to", "count", "path", "message"),
    [
        ("[s1, s4, s3, d3]", "d3", 1, "[0]", "does not lead from talker to listener"),
        ("[plc, s1, s4, s3, e3]", "d3", 1, "[0]", "does not lead from talker to listener"),
        ("[plc]", "d3", 1, "[0]", "does not lead from talker to listener"),
        ("[]", "d3", 1, "[0]", "does not lead from talker to listener"),
        ("[plc, s1, s3, d3]", "d3", 1, "[0]", "leads where no link does"),
        ("[plc, s1, s9, s3, d3]", "d3", 1, "[0]", "leads where no link does"),
        ("[plc, s1, s2, s1, s4, s3, d3]", "d3", 1, "[0]", "passes a node twice"),
        ("[plc, s1, s2, srv, s4, s3, d3]", "d3", 1, "[0]", "'srv' passes nothing on"),
        # As many as the stream wants, and different ones.
        ("[plc, s1, s4, s3, d3]", "d3", 2, "", "other ways to 'd3'"),
        ("[plc, s1, s4, s3, d3], [plc, s1, s2, s3, d3]", "d3", 1, "", "other ways to 'd3'"),
        ("[plc, s1, s4, s3, d3], [plc, s1, s4, s3, d3]", "d3", 2, "", "other ways to 'd3'"),
    ],
)
def test_ways_that_cannot_be_gone(
    tmp_path: Path, ways: str, to: str, count: int, path: str, message: str
) -> None:
    finding = the(found_in(tmp_path, scheduled(ways, to, count)), "SCHEDULE-WAY")
    assert (line_of(finding), finding.path) == (25, f"schedule.streams.x.ways{path}")
    assert message in finding.message


def test_scheduled_ways_that_meet_between_are_not_disjoint(tmp_path: Path) -> None:
    """Two ways by s1-s2-s4 and s1-s4, over a link from s2 to s4, share s4 though they differ."""
    text = RING.replace("links:\n", "links:\n  - {between: [s2, s4], medium: cat6a, length: 1 m}\n")
    text = text.replace("  srv: {is: server, model: generic-server-1g}\n", "  far: {is: camera}\n")
    text = text.replace("srv.p1, s2", "far, s3").replace(
        "  - {between: [srv.p2, s4], medium: cat6a, length: 1 m}\n", ""
    )
    ways = "[plc, s1, s2, s4, s3, d3], [plc, s1, s4, s2, s3, d3]"
    finding = the(found_in(tmp_path, text + stream("d3") + SCHEDULE % ways), "REDUNDANCY-WAYS")
    assert finding.message == "the ways to 'd3' are not disjoint"


def test_scheduled_ways_of_several_listeners_must_be_a_tree(tmp_path: Path) -> None:
    """s4 would receive each frame over two hops, and send both copies to both listeners."""
    ways = "[plc, s1, s2, s3, s4, e4], [plc, s1, s4, s3, d3]"
    found = found_in(tmp_path, scheduled(ways, "[d3, e4]", 1))
    finding = the(found, "REDUNDANCY-LOOP")
    assert (line_of(finding), finding.path) == (24, "streams.x")


def test_a_path_is_kept_by_the_schedule(tmp_path: Path) -> None:
    text = RING + stream("d3", 1, ", path: [s4]") + SCHEDULE % "[plc, s1, s2, s3, d3]"
    assert "leaves the stream's 'path'" in the(found_in(tmp_path, text), "SCHEDULE-WAY").message
    right = RING + stream("d3", 1, ", path: [s4]") + SCHEDULE % "[plc, s1, s4, s3, d3]"
    assert not [one for one in found_in(tmp_path, right) if one.severity == "error"]


def test_two_radio_clients_of_one_base_station_are_no_two_ways(tmp_path: Path) -> None:
    """A tunnel hides the base station: the ways show different clients, but share it."""
    text = (
        HEAD
        + """\
networks:
  cell: {kind: 5g, carrier: 3.75 GHz, bandwidth: 40 MHz, subcarrier_spacing: 30 kHz, pattern: DDSU}
nodes:
  gnb: {is: gnb, network: cell, at: [10 m, 10 m]}
  upf: {is: upf, network: cell}
  u1: {is: agv, at: [20 m, 20 m], attach: {nr1: {network: cell}}}
  u2: {is: agv, at: [21 m, 20 m], attach: {nr1: {network: cell}}}
  sw: {is: tsn-bridge}
  cam: {is: camera}
  srv: {is: server, model: generic-server-1g}
links:
  - {between: [gnb.lan1, upf.lan1], medium: cat6a, length: 5 m}
  - {between: [upf, srv], medium: cat6a, length: 5 m}
  - {between: [u1.p1, sw], medium: cat6a, length: 5 m}
  - {between: [u2.p1, sw], medium: cat6a, length: 5 m}
  - {between: [sw, cam], medium: cat6a, length: 5 m}
streams:
  x: {from: cam, to: srv, size: 100 B, every: 10 ms, ways: 2, misses: 1e-4}
"""
    )
    finding = the(found_in(tmp_path, text), "REDUNDANCY-WAYS")
    assert finding.found == "'gnb' on two ways"

# SPDX-License-Identifier: Apache-2.0
"""Rings, spanning trees and double LANs of a design: ways while all is well, and after a failure."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.simulation.faults import LinkCut, NodeOutage
from emulator.simulation.redundancy.timeline import ring_timeline
from netplan.bounds.analysis import bound
from netplan.plan.model import Hop, Plan, PlannedStream
from netplan.plan.recovered import recovered_plans, single_way_plans
from netplan.plan.rings import single_failures
from netplan.tsn.rings import (
    DLR_TIMERS,
    MRP_TIMERS,
    DlrTimers,
    MrpTimers,
    RingSegment,
    active_segments,
    node_index,
    promised_ps,
    rstp_timers,
)
from support.rings import ring
from support.small_designs import HEAD, found_in, planned, stream_of, the

RING = (
    HEAD
    + """\
nodes:
  plc: {is: plc}
  s1: {is: switch}
  s2: {is: switch}
  s3: {is: switch}
  s4: {is: switch}
  srv: {is: server, model: generic-server-1g}
links:
  - {between: [plc.p1, s1.p1], medium: cat6a, length: 1 m}
  - {between: [s1.p2, s2.p3], medium: cat6a, length: 1 m}
  - {between: [s2.p2, s3.p3], medium: cat6a, length: 1 m}
  - {between: [s3.p2, s4.p3], medium: cat6a, length: 1 m}
  - {between: [s4.p2, s1.p3], medium: cat6a, length: 1 m}
  - {between: [srv.p1, s4.p1], medium: cat6a, length: 1 m}
streams: {x: {from: plc, to: srv, size: 100 B, every: 1 ms, deadline: 1 ms}}
"""
)
"""A ring of four bridges, the controller at s1, the server at s4."""
MS = 10**9


def nodes_of(hops: tuple[Hop, ...]) -> list[str]:
    return [hop.to_node for hop in hops]


def ways_of(one: PlannedStream) -> list[list[str]]:
    return [nodes_of(one.hops), *(nodes_of(way.hops) for way in one.standby)]


SHORT = ["s1", "s4", "srv"]
LONG = ["s1", "s2", "s3", "s4", "srv"]


@pytest.mark.parametrize(
    ("ring_of", "ways"),
    [
        # The manager blocks its port to the node before it in the list: s1 the one to s4.
        ("{kind: mrp, nodes: [s1, s2, s3, s4]}", [LONG, SHORT]),
        # Named the other way around it is the one to s2.
        ("{kind: mrp, nodes: [s1, s4, s3, s2]}", [SHORT, LONG]),
        # s3 blocks its port to s2, on neither way to s4 but the long one.
        ("{kind: mrp, nodes: [s1, s2, s3, s4], manager: s3}", [SHORT, LONG]),
        ("{kind: dlr, nodes: [s1, s2, s3, s4], supervisor: s1}", [LONG, SHORT]),
        # The root is s1: s3 reaches it over s2 or s4 at equal cost and takes s2, named first; the
        # link from s3 to s4 is out of service.
        ("{kind: rstp, nodes: [s1, s2, s3, s4]}", [SHORT, LONG]),
        # With s3 for the root it is s1 that takes s2, and the link from s4 to s1 that is out.
        ("{kind: rstp, nodes: [s1, s2, s3, s4], root: s3}", [LONG, SHORT]),
    ],
)
def test_streams_keep_to_the_links_in_service(
    tmp_path: Path, ring_of: str, ways: list[list[str]]
) -> None:
    x = stream_of(planned(tmp_path, RING + f"redundancy: {{hall: {ring_of}}}\n"), "x")
    assert ways_of(x) == ways
    assert x.recoveries == ()


def test_a_ring_is_planned_from_its_manager_on(tmp_path: Path) -> None:
    text = RING + (
        "redundancy: {hall: {kind: mrp, nodes: [s1, s2, s3, s4], manager: s2, recovery: 30 ms, "
        "detection: 5 ms}}\n"
    )
    (one,) = planned(tmp_path, text).rings
    assert one.nodes == ("s2", "s3", "s4", "s1")
    assert [segment.ends for segment in one.segments][::3] == [
        ("s2.p2", "s3.p3"),
        ("s1.p2", "s2.p3"),
    ]
    assert one.timers == MRP_TIMERS[30]
    assert one.detection_ps == 5 * MS
    # At 1 Gbit/s a frame of 1542 octets on the wire takes 12.336 us; the bridge 5 us.
    assert one.processing_ps == (17_336_000,) * 4


def test_a_module_brings_its_own_ring(tmp_path: Path) -> None:
    text = HEAD + (
        "modules:\n"
        "  cell:\n"
        "    nodes: {a: {is: drive}, b: {is: drive}, c: {is: drive}}\n"
        "    links:\n"
        "      - {between: [a.p1, b.p2], medium: cat6a, length: 1 m}\n"
        "      - {between: [b.p1, c.p2], medium: cat6a, length: 1 m}\n"
        "      - {between: [c.p1, a.p2], medium: cat6a, length: 1 m}\n"
        "    redundancy: {loop: {kind: mrp, nodes: [a, b, c]}}\n"
        "place: [{module: cell, as: one}, {module: cell, as: two}]\n"
    )
    assert [(one.name, one.nodes[0]) for one in planned(tmp_path, text).rings] == [
        ("one/loop", "one/a"),
        ("two/loop", "two/a"),
    ]


def test_two_copies_do_not_fit_into_a_ring_that_blocks(tmp_path: Path) -> None:
    text = RING.replace("deadline", "ways: 2, deadline")
    plan = planned(tmp_path, text)
    assert len(stream_of(plan, "x").recoveries) == 1
    finding = the(found_in(tmp_path, text + RING_OF_FOUR), "REDUNDANCY-WAYS")
    assert finding.found == "1"


RING_OF_FOUR = "redundancy: {hall: {kind: mrp, nodes: [s1, s2, s3, s4]}}\n"


def test_what_has_its_schedule_stays_where_it_is(tmp_path: Path) -> None:
    text = RING.replace("deadline", "scheduled: true, deadline")
    assert stream_of(planned(tmp_path, text + RING_OF_FOUR), "x").standby == ()


def test_a_schedule_must_not_use_a_link_in_reserve(tmp_path: Path) -> None:
    text = RING.replace("deadline", "scheduled: true, deadline") + RING_OF_FOUR
    text += "schedule: {streams: {x: {phase: 0 us, ways: [[plc, s1, s4, srv]]}}}\n"
    finding = the(found_in(tmp_path, text), "SCHEDULE-WAY")
    assert finding.path == "schedule.streams.x.ways[0]"


def test_more_nodes_than_a_recovery_time_is_promised_for(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(51)]
    text = HEAD + "nodes:\n" + "".join(f"  {name}: {{is: drive}}\n" for name in names)
    text += "links:\n" + "".join(
        f"  - {{between: [{one}, {other}], medium: cat6a, length: 1 m}}\n"
        for one, other in itertools.pairwise([*names, names[0]])
    )
    text += f"redundancy: {{hall: {{kind: mrp, nodes: [{', '.join(names)}]}}}}\n"
    assert the(found_in(tmp_path, text), "REDUNDANCY-SIZE").found == "51"
    assert promised_ps(planned(tmp_path, text).rings[0]) is None


def test_what_is_promised() -> None:
    assert promised_ps(ring(MRP_TIMERS[30])) == 30 * MS
    assert promised_ps(ring(DLR_TIMERS)) == 3 * MS
    assert promised_ps(ring(rstp_timers((1, 2, 3, 4)))) is None
    assert promised_ps(ring(replace(DLR_TIMERS, beacon_interval_ps=MS))) is None


class TestBound:
    """A bound holds before and after: it is the worse of the two ways."""

    def test_is_the_worst_of_all_ways(self, tmp_path: Path) -> None:
        plan = planned(tmp_path, RING + RING_OF_FOUR)
        found = dict(recovered_plans(plan))
        assert [nodes_of(one.streams[0].hops) for one in found.values()] == [SHORT]
        # Long way: five wires, four bridges; 170 octets (100 of data, 48 of UDP over IPv6, header,
        # tag and check sequence): (8 + 170) * 8 ns each, the preamble of the first not counted;
        # 5 us at most in each bridge and 5.3 ns in each cable.
        way = bound(plan).streams[0]
        assert way.bound_ps == 5 * 178 * 8000 - 8 * 8000 + 4 * 5_000_000 + 5 * 5_300
        # Short way: three wires, two bridges with at least 1 us each.
        assert way.minimum_ps == bound(found["link s1.p2 - s2.p3"]).streams[0].minimum_ps
        assert way.minimum_ps < 3 * 178 * 8000 + 2 * 5_000_000

    def test_names_what_has_failed_when_a_frame_is_so_late(self, tmp_path: Path) -> None:
        text = RING + "redundancy: {hall: {kind: rstp, nodes: [s1, s2, s3, s4]}}\n"
        plan = planned(tmp_path, text)
        way = bound(plan).streams[0]
        assert way.after == "link s1.p3 - s4.p2"
        assert way.bound_ps == 5 * 178 * 8000 - 8 * 8000 + 4 * 5_000_000 + 5 * 5_300
        assert bound(replace(plan, rings=())).streams[0].after == ""
        assert "Ring hall (RSTP) promises no recovery time; it is not proven here." in (
            bound(plan).assumptions
        )

    def test_counts_who_meets_after_the_failure(self, tmp_path: Path) -> None:
        # y from s2 to the server uses s2 - s3 - s4 as x does; when s1 - s2 is lost, x goes over
        # s4 and meets nobody there; when s3 - s4 is lost, both go over s1 - s4.
        text = (
            RING.replace(
                "streams: {",
                "streams: {y: {from: cam, to: srv, size: 1000 B, every: 1 ms, pcp: 7}, ",
            )
            .replace("  srv:", "  cam: {is: camera}\n  srv:")
            .replace(
                "links:\n", "links:\n  - {between: [cam, s2.p1], medium: cat6a, length: 1 m}\n"
            )
        )
        plan = planned(tmp_path, text + RING_OF_FOUR)
        alone = bound(replace(plan, rings=())).streams[1].bound_ps
        with_ring = bound(plan).streams[1].bound_ps
        assert alone is not None
        assert with_ring is not None
        assert with_ring >= alone
        assert "Ring hall (MRP) promises to recover within 200 ms; it is not proven here." in (
            bound(plan).assumptions
        )
        backlogs = {
            plan.egresses[row.egress_index].name: row.backlog_octets for row in bound(plan).egresses
        }
        assert (backlogs["s1.p3"] or 0) >= 1070  # y is there only after a failure


class TestDoubled:
    def test_hsr_sends_both_ways_around(self, tmp_path: Path) -> None:
        text = RING.replace("is: switch", "is: tsn-bridge")
        plan = planned(
            tmp_path, text + "redundancy: {hall: {kind: hsr, nodes: [s1, s2, s3, s4]}}\n"
        )
        x = stream_of(plan, "x")
        assert [(hop.from_node, hop.to_node, hop.added_octets) for hop in x.hops] == [
            ("plc", "s1", 0),  # s1 and s4 are RedBoxes: outside the ring nothing is tagged
            ("s1", "s2", 6),
            ("s2", "s3", 6),
            ("s3", "s4", 6),
            ("s1", "s4", 6),
            ("s4", "srv", 0),
        ]
        (recovery,) = x.recoveries
        assert recovery.merges == "hsr"
        assert recovery.reset_ps == 400 * MS
        assert recovery.history_count == 402  # frames of 400 ms at 1 ms, and one on either side
        assert plan.rings == ()

    def test_a_way_alone_is_a_stream_as_any_other(self, tmp_path: Path) -> None:
        text = RING.replace("is: switch", "is: tsn-bridge")
        plan = planned(
            tmp_path, text + "redundancy: {hall: {kind: hsr, nodes: [s1, s2, s3, s4]}}\n"
        )
        proof = bound(plan).streams[0]
        found = dict(single_way_plans(plan))
        ways = [
            [(hop.to_node, hop.parent_index, hop.added_octets) for hop in one.streams[0].hops]
            for one in found.values()
        ]
        assert ways == [
            [("s1", -1, 0), ("s2", 0, 6), ("s3", 1, 6), ("s4", 2, 6), ("srv", 3, 0)],
            [("s1", -1, 0), ("s4", 0, 6), ("srv", 1, 0)],
        ]
        # The bound is that of the latest copy.
        alone = [bound(one).streams[0].bound_ps for one in found.values()]
        assert proof.bound_ps == max(one or 0 for one in alone)

    def test_nodes_of_an_hsr_ring_talk_themselves(self, tmp_path: Path) -> None:
        text = HEAD + (
            "nodes: {a: {is: drive}, b: {is: drive}, c: {is: drive}}\n"
            "links:\n"
            "  - {between: [a.p1, b.p2], medium: cat6a, length: 1 m}\n"
            "  - {between: [b.p1, c.p2], medium: cat6a, length: 1 m}\n"
            "  - {between: [c.p1, a.p2], medium: cat6a, length: 1 m}\n"
            "redundancy: {loop: {kind: hsr, nodes: [a, b, c]}}\n"
            "streams: {x: {from: a, to: b, size: 100 B, every: 1 ms}}\n"
        )
        x = stream_of(planned(tmp_path, text), "x")
        assert [(hop.from_node, hop.to_node, hop.added_octets) for hop in x.hops] == [
            ("a", "b", 6),
            ("a", "c", 6),
            ("c", "b", 6),
        ]

    def test_hsr_to_several_listeners_of_a_ring_is_refused(self, tmp_path: Path) -> None:
        text = RING.replace("is: switch", "is: tsn-bridge").replace(
            "  srv:", "  cam: {is: camera}\n  srv:"
        )
        text = text.replace(
            "links:\n", "links:\n  - {between: [cam, s3.p1], medium: cat6a, length: 1 m}\n"
        ).replace("to: srv", "to: [srv, cam]")
        text += "redundancy: {hall: {kind: hsr, nodes: [s1, s2, s3, s4]}}\n"
        finding = the(found_in(tmp_path, text), "REDUNDANCY-LOOP")
        assert finding.hint == "write one stream for each listener"

    LANS = (
        HEAD
        + """\
nodes:
  plc: {is: plc}
  a1: {is: switch}
  a2: {is: switch}
  b1: {is: switch}
  srv: {is: server, model: generic-server-1g}
  cam: {is: camera}
links:
  - {between: [plc.p1, a1], medium: cat6a, length: 1 m}
  - {between: [plc.p2, b1], medium: cat6a, length: 1 m}
  - {between: [a1, a2], medium: cat6a, length: 1 m}
  - {between: [srv.p1, a2], medium: cat6a, length: 1 m}
  - {between: [srv.p2, b1], medium: cat6a, length: 1 m}
  - {between: [cam, a1], medium: cat6a, length: 1 m}
redundancy: {lans: {kind: prp, lans: [[a1, a2], [b1]]}}
streams:
  x: {from: plc, to: srv, size: 100 B, every: 1 ms}
  y: {from: cam, to: srv, size: 100 B, every: 1 ms}
"""
    )

    def test_prp_sends_over_both_lans(self, tmp_path: Path) -> None:
        plan = planned(tmp_path, self.LANS)
        x = stream_of(plan, "x")
        assert [(hop.from_node, hop.to_node, hop.added_octets) for hop in x.hops] == [
            ("plc", "a1", 6),
            ("a1", "a2", 6),
            ("a2", "srv", 6),
            ("plc", "b1", 6),
            ("b1", "srv", 6),
        ]
        assert x.recoveries[0].merges == "prp"
        # The camera is on LAN A alone and sends once, as any node without PRP.
        y = stream_of(plan, "y")
        assert nodes_of(y.hops) == ["a1", "a2", "srv"]
        assert {hop.added_octets for hop in y.hops} == {0}

    def test_a_lan_that_is_cut_in_two_is_told(self, tmp_path: Path) -> None:
        text = self.LANS.replace("  - {between: [a1, a2], medium: cat6a, length: 1 m}\n", "")
        finding = next(one for one in found_in(tmp_path, text) if one.code == "REDUNDANCY-WAYS")
        assert finding.expected == "2 disjoint ways by PRP"


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(4)), rates=st.lists(st.sampled_from([10**8, 10**9]), min_size=6))
def test_a_spanning_tree_is_the_one_that_the_protocol_finds(
    order: list[int], rates: list[int]
) -> None:
    """Four bridges joined each with all: before and after each single failure."""
    pairs = list(itertools.combinations(range(4), 2))
    segments = tuple(
        RingSegment(ends=(f"n{a}.to{b}", f"n{b}.to{a}"), line_bps=rate, propagation_ps=0)
        for (a, b), rate in zip(pairs, rates, strict=False)
    )
    over = replace(ring(rstp_timers(tuple(order))), segments=segments)
    shut = {segment for _, segment in ring_timeline(over, [], MS).blocked}
    assert set(range(6)) - shut == active_segments(over)
    for what, failed in single_failures(over):
        fault: LinkCut | NodeOutage
        if what.startswith("link"):
            fault = LinkCut(ends=segments[failed[0]].ends, at_ps=MS)
        else:
            fault = NodeOutage(node=what.removeprefix("node "), at_ps=MS)
        timeline = ring_timeline(over, [fault], 100_000 * MS)
        state = dict.fromkeys(timeline.blocked, False)
        for change in timeline.changes:
            state[change.node_index, change.segment_index] = change.forwards
        shut = {segment for (_, segment), forwards in state.items() if not forwards}
        assert set(range(6)) - shut - set(failed) == active_segments(over, failed)


@pytest.mark.parametrize("timers", [MRP_TIMERS[200], DLR_TIMERS])
def test_a_broken_ring_uses_all_that_is_left(timers: MrpTimers | DlrTimers) -> None:
    over = ring(timers)
    assert active_segments(over) == {0, 1, 2}
    assert active_segments(over, (1,)) == {0, 2, 3}
    assert [node_index(over, end) for end in over.segments[3].ends] == [3, 0]


def test_nothing_changes_without_rings(tmp_path: Path) -> None:
    plan: Plan = planned(tmp_path, RING)
    assert list(recovered_plans(plan)) == []
    assert plan.rings == ()

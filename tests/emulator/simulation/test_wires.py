# SPDX-License-Identifier: Apache-2.0
"""Wires, worked by hand to the picosecond.

At 1 Gbit/s an octet takes 8 ns. A frame of 100 octets occupies the wire for 8 + 100 + 12 = 120
octets = 960 ns; its last bit has left after 108 octets = 864 ns, its first bit after
the preamble leaves after 8 octets = 64 ns. Every wire here is 50 ns long.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.simulation.run import simulate
from netplan.media.interface import TermKind
from netplan.plan.model import Plan
from netplan.verdict.evidence import HopRecord, SimulatedEvidence, StreamObservation
from support.small_plans import GBIT, MBIT, NS, US, PlanBuilder, Step, term

MS = 1000 * US


def run(plan: Plan, duration_ps: int = 900 * US) -> SimulatedEvidence:
    return simulate(plan, seed=1, duration_ps=duration_ps)


def only(evidence: SimulatedEvidence, stream: int = 0) -> StreamObservation:
    (row,) = (row for row in evidence.streams if row.stream_index == stream)
    return row


def latency_ns(evidence: SimulatedEvidence, stream: int = 0) -> float:
    row = only(evidence, stream)
    assert row.max_ps is not None
    assert row.min_ps == row.max_ps
    return row.max_ps / NS


def test_one_switch_stores_and_forwards() -> None:
    plan = (
        PlanBuilder()
        .wire("h1.p1")
        .wire("sw.p2")
        .stream("s", [("h1.p1", "sw"), ("sw.p2", "h2")], phase_ps=10 * US)
        .plan()
    )
    row = only(run(plan))
    # From 64 ns after the start: 864 - 64 + 50 at the switch, 864 + 50 more at the listener.
    assert row.frames == 1
    assert row.lost == 0
    assert row.min_ps == row.max_ps == (800 + 50 + 864 + 50) * NS
    assert row.mean_ps == 1764.0 * NS
    assert row.max_application_ps == (864 + 50 + 864 + 50) * NS
    assert row.max_talker_wait_ps == 0
    assert row.worst_released_ps == 10 * US
    assert row.worst == (
        HopRecord(
            egress_index=0,
            received_ps=10_000_000,
            queued_ps=10_000_000,
            started_ps=10_000_000,
            delivered_ps=10_914_000,
        ),
        HopRecord(
            egress_index=1,
            received_ps=10_914_000,
            queued_ps=10_914_000,
            started_ps=10_914_000,
            delivered_ps=11_828_000,
        ),
    )


def test_processing_and_tunnel_octets_count_at_their_hop() -> None:
    plan = (
        PlanBuilder(processing_min_ps=2 * US, processing_max_ps=2 * US)
        .wire("h1.p1")
        .wire("sw.p2", line_bps=100 * MBIT)
        .stream(
            "s", [Step(egress="h1.p1", to="sw"), Step(egress="sw.p2", to="h2", added_octets=64)]
        )
        .plan()
    )
    # 800 + 50; 2,000; (8 + 164) octets of 80 ns = 13,760; 50
    assert latency_ns(run(plan, 3 * MS)) == 850 + 2000 + 13760 + 50


def test_line_of_five_switches() -> None:
    builder = PlanBuilder(processing_min_ps=1 * US, processing_max_ps=1 * US).wire("h1.p")
    route = [("h1.p", "sw1")]
    for number in range(1, 6):
        builder.wire(f"sw{number}.p")
        route.append((f"sw{number}.p", f"sw{number + 1}" if number < 5 else "h2"))
    plan = builder.stream("s", route, phase_ps=0).plan()
    # 800 + 50 at the talker, then five times 1,000 + 864 + 50.
    assert latency_ns(run(plan)) == 850 + 5 * 1914


def test_frames_of_a_message_follow_back_to_back_with_preamble_and_gap() -> None:
    plan = (
        PlanBuilder()
        .wire("h1.p")
        .stream("s", [("h1.p", "h2")], messages=((100, 200, 100),), phase_ps=0)
        .plan()
    )
    evidence = run(plan)
    row = only(evidence)
    # Starts at 0, 960 and 960 + (8 + 200 + 12) * 8 = 2,720 ns; latencies 850, 1,650, 850 ns.
    assert row.frames == 3
    assert row.min_ps == 850 * NS
    assert row.max_ps == 1650 * NS
    assert row.mean_ps == pytest.approx((850 + 1650 + 850) / 3 * NS, rel=1e-15)
    assert row.max_talker_wait_ps == 2720 * NS
    assert row.max_application_ps == (2720 + 864 + 50) * NS
    assert row.worst[0].started_ps == 960 * NS
    # Three frames occupy 960 + 1,760 + 960 ns of 900 us.
    assert evidence.egresses[0].busy_ratio == 3_680_000 / 900_000_000
    # The second and third wait, the first does not: 300 octets.
    assert evidence.egresses[0].max_backlog_octets == 300


def test_odd_rate_rounds_each_frame_up() -> None:
    plan = (
        PlanBuilder(propagation_ps=0)
        .wire("h1.p", line_bps=3 * GBIT)
        .stream("s", [("h1.p", "h2")], messages=((100, 100),), phase_ps=0)
        .plan()
    )
    row = only(run(plan))
    # Lead 64 / 3 ns = 21,333.3 ps, up 21,334; data 864 / 3 = 288,000; occupied 960 / 3 = 320,000.
    assert row.min_ps == row.max_ps == 288_000 - 21_334
    assert row.max_talker_wait_ps == 320_000


def crossing(high_pcp: int, low_pcp: int, *, high_octets: int = 100, phase_ps: int = 0) -> Plan:
    """Two hosts send to a third; the low one's frame is released first or at the same time."""
    return (
        PlanBuilder()
        .wire("low.p")
        .wire("high.p")
        .wire("sw.p")
        .stream("low", [("low.p", "sw"), ("sw.p", "h")], phase_ps=0, pcp=low_pcp)
        .stream(
            "high",
            [("high.p", "sw"), ("sw.p", "h")],
            phase_ps=phase_ps,
            pcp=high_pcp,
            messages=((high_octets,),),
        )
        .plan()
    )


@pytest.mark.parametrize("pcp", [7, 5, 0])
def test_arrivals_at_one_instant_go_by_transmitter_whatever_their_priority(pcp: int) -> None:
    # Both arrive at 914 ns; the one over the transmitter of lower index finds an idle wire.
    evidence = run(crossing(high_pcp=pcp, low_pcp=5))
    assert latency_ns(evidence, 0) == 1764
    assert latency_ns(evidence, 1) == 1764 + 960


def test_a_started_frame_is_not_interrupted() -> None:
    # The high frame arrives 100 ns after the low one: it waits for the rest of 960 ns.
    evidence = run(crossing(high_pcp=7, low_pcp=0, phase_ps=100 * NS))
    assert latency_ns(evidence, 0) == 1764
    assert latency_ns(evidence, 1) == 1764 + 860


def test_order_of_transmitters_beats_order_of_streams() -> None:
    plan = (
        PlanBuilder()
        .wire("a.p")
        .wire("b.p")
        .wire("sw.p")
        .stream("from b", [("b.p", "sw"), ("sw.p", "h")], phase_ps=0)
        .stream("from a", [("a.p", "sw"), ("sw.p", "h")], phase_ps=0)
        .plan()
    )
    evidence = run(plan)
    assert latency_ns(evidence, 1) == 1764
    assert latency_ns(evidence, 0) == 1764 + 960


def test_talkers_go_by_stream_and_after_arrivals() -> None:
    """One transmitter, three ways in: another port, and two talkers at the node itself."""
    plan = (
        PlanBuilder()
        .wire("h1.p")
        .wire("sw.p")
        .stream("own first", [("sw.p", "h2")], phase_ps=914 * NS)
        .stream("own second", [("sw.p", "h2")], phase_ps=914 * NS)
        .stream("passing", [("h1.p", "sw"), ("sw.p", "h2")], phase_ps=0)
        .plan()
    )
    evidence = run(plan)
    assert latency_ns(evidence, 2) == 1764
    assert only(evidence, 0).max_talker_wait_ps == 960 * NS
    assert only(evidence, 1).max_talker_wait_ps == 1920 * NS


def test_a_departure_comes_before_an_arrival_at_the_same_instant() -> None:
    """A waiting low frame leaves when the wire becomes free, although a high one arrives then."""
    plan = (
        PlanBuilder()
        .wire("sw.p")
        .stream("first", [("sw.p", "h")], phase_ps=0, pcp=5)
        .stream("low", [("sw.p", "h")], phase_ps=1 * NS, pcp=0)
        .stream("high", [("sw.p", "h")], phase_ps=960 * NS, pcp=7)
        .plan()
    )
    evidence = run(plan)
    assert only(evidence, 1).max_talker_wait_ps == 959 * NS
    assert only(evidence, 2).max_talker_wait_ps == 960 * NS


def test_what_was_received_first_enters_before_what_arrives_at_that_instant() -> None:
    """Both came over the same wire; the first one's processing ends as the second arrives."""
    plan = (
        PlanBuilder()
        .wire("h.p")
        .wire("sw.p")
        .stream("second", [("h.p", "sw"), ("sw.p", "x")], phase_ps=1)
        .stream("first", [("h.p", "sw"), ("sw.p", "x")], phase_ps=0)
        .plan()
    )
    first = plan.streams[1]
    slow = replace(first.hops[1], before=(term(TermKind.PROCESSING, 960 * NS),))
    first = replace(first, hops=(first.hops[0], slow))
    evidence = run(replace(plan, streams=(plan.streams[0], first)))
    assert latency_ns(evidence, 1) == 1764 + 960
    # Its own wire lets it start 960 ns after the first one, the switch 960 ns later once more.
    assert latency_ns(evidence, 0) == 1764 + 960


def test_entries_and_arrivals_of_one_instant_go_by_transmitter() -> None:
    """From b: received at 914 ns, processed for 960 ns. From a: received at 1,874 ns."""
    plan = (
        PlanBuilder()
        .wire("a.p")
        .wire("b.p")
        .wire("sw.p")
        .stream("from b", [("b.p", "sw"), ("sw.p", "x")], phase_ps=0)
        .stream("from a", [("a.p", "sw"), ("sw.p", "x")], phase_ps=960 * NS)
        .plan()
    )
    from_b = plan.streams[0]
    slow = replace(from_b.hops[1], before=(term(TermKind.PROCESSING, 960 * NS),))
    from_b = replace(from_b, hops=(from_b.hops[0], slow))
    evidence = run(replace(plan, streams=(from_b, plan.streams[1])))
    assert latency_ns(evidence, 1) == 1764
    assert latency_ns(evidence, 0) == 1764 + 960 + 960


def test_strict_priority_at_a_busy_port() -> None:
    """Five frames wait behind one: they leave by priority, equal ones in order of arrival."""
    builder = PlanBuilder().wire("sw.p").stream("now", [("sw.p", "h")], phase_ps=0, pcp=0)
    for place, pcp in enumerate([1, 6, 3, 6, 7], start=1):
        builder.stream(f"s{place}", [("sw.p", "h")], phase_ps=place * 100 * NS, pcp=pcp)
    evidence = run(builder.plan())
    waits_ns = [only(evidence, index).max_talker_wait_ps for index in range(6)]
    # Order: s5 (7), s2 (6), s4 (6), s3 (3), s1 (1), at 960 ns and each 960 ns later.
    assert waits_ns == [
        0,
        (5 * 960 - 100) * NS,
        (2 * 960 - 200) * NS,
        (4 * 960 - 300) * NS,
        (3 * 960 - 400) * NS,
        (1 * 960 - 500) * NS,
    ]


def multicast(buffer_octets: int | None = None) -> PlanBuilder:
    """One talker; the switch copies to a near host and to a second switch, which copies again."""
    return (
        PlanBuilder()
        .wire("h.p")
        .wire("sw1.near")
        .wire("sw1.trunk", buffer_octets=buffer_octets)
        .wire("sw2.a")
        .wire("sw2.b")
    )


TREE = [
    Step(egress="h.p", to="sw1"),
    Step(egress="sw1.near", to="near", parent=0),
    Step(egress="sw1.trunk", to="sw2", parent=0),
    Step(egress="sw2.a", to="a", parent=2),
    Step(egress="sw2.b", to="b", parent=2),
]


def test_multicast_copies_at_every_fork() -> None:
    evidence = run(multicast().stream("s", TREE, phase_ps=0).plan())
    by_listener = {row.listener_index: row for row in evidence.streams}
    assert by_listener[0].max_ps == (850 + 914) * NS
    assert by_listener[1].max_ps == by_listener[2].max_ps == (850 + 2 * 914) * NS
    assert [hop.egress_index for hop in by_listener[2].worst] == [0, 2, 4]
    assert evidence.frames == 3
    assert evidence.frame_hops == 5


def test_what_a_shared_trunk_drops_is_lost_for_every_listener_below() -> None:
    """The trunk is busy and its buffer full when the multicast frame arrives."""
    plan = (
        multicast(buffer_octets=150)
        .stream("s", TREE, phase_ps=0)
        .stream("ahead", [("sw1.trunk", "sw2")], messages=((1000, 100),), phase_ps=0)
        .plan()
    )
    evidence = run(plan)
    assert [(row.frames, row.lost) for row in evidence.streams] == [(1, 0), (0, 1), (0, 1), (2, 0)]
    assert evidence.egresses[2].dropped == 1
    assert evidence.egresses[2].frames == 2
    assert evidence.egresses[2].max_backlog_octets == 100
    assert evidence.streams[1].max_ps is None
    assert evidence.streams[1].mean_ps is None
    assert evidence.streams[1].bin_edges_ps == ()
    assert evidence.streams[1].worst == ()


def test_a_frame_in_transmission_takes_no_buffer() -> None:
    plan = (
        PlanBuilder()
        .wire("h.p", buffer_octets=250)
        .stream("s", [("h.p", "x")], messages=((100, 100, 100, 100, 50),), phase_ps=0)
        .plan()
    )
    evidence = run(plan)
    # One on the wire, two wait (200 octets), the fourth does not fit, the last one of 50 does.
    assert only(evidence).frames == 4
    assert only(evidence).lost == 1
    assert evidence.egresses[0].dropped == 1
    assert evidence.egresses[0].max_backlog_octets == 250


def test_messages_take_turns_and_periodic_releases_do_not_drift() -> None:
    plan = (
        PlanBuilder()
        .wire("h.p")
        .stream(
            "s",
            [("h.p", "x")],
            messages=((100, 100), (100,), (100, 100, 100)),
            period_ps=10 * US,
            phase_ps=3 * US,
        )
        .plan()
    )
    row = only(run(plan, 53 * US))
    # Releases at 3, 13, 23, 33, 43; the end at 53 releases nothing more: 2 + 1 + 3 + 2 + 1.
    assert row.frames == 9
    assert row.min_gap_ps == row.max_gap_ps == 10 * US


def test_gaps_are_between_first_frames_and_show_a_lost_message() -> None:
    plan = (
        PlanBuilder()
        .wire("h.p", buffer_octets=1000)
        .stream("s", [("h.p", "x")], period_ps=100 * US, phase_ps=50 * US)
        # Occupies the wire from 130 us, and the buffer with 1,000 octets, for 82 us each.
        .stream("load", [("h.p", "x")], messages=((10_000, 1000),), phase_ps=130 * US)
        .plan()
    )
    row = only(run(plan, 400 * US))
    # At 150 us the buffer is full; deliveries of 50, 250, 350: gaps 200 and 100 us.
    assert (row.frames, row.lost) == (3, 1)
    assert row.max_gap_ps == 200 * US
    assert row.min_gap_ps == 100 * US


def test_what_is_under_way_at_the_end_is_neither_delivered_nor_lost() -> None:
    plan = (
        PlanBuilder().wire("h.p").stream("s", [("h.p", "x")], period_ps=10 * US, phase_ps=0).plan()
    )
    # The frame of 20 us would be wholly received at 20.914 us.
    for end_ps, frames in [(20 * US + 914 * NS, 2), (20 * US + 914 * NS + 1, 3)]:
        row = only(run(plan, end_ps))
        assert (row.frames, row.lost) == (frames, 0)

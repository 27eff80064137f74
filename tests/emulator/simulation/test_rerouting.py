# SPDX-License-Identifier: Apache-2.0
"""Streams take another way while a ring recovers; what is lost meanwhile is counted by hand.

A frame of 100 octets takes 8.69 us over each wire of 100 Mbit/s and 1 us at each bridge: released
at t it is received by n0 at t + 8.69, by n1 (or n3) at t + 18.38, by n2 at t + 28.07 us.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.simulation.faults import Fault, LinkCut, NodeOutage
from emulator.simulation.run import simulate
from netplan.tsn.rings import DLR_TIMERS, MRP_TIMERS, DlrTimers, MrpTimers, RstpTimers, rstp_timers
from netplan.verdict.evidence import SimulatedEvidence
from support.rings import ring, ring_plan
from support.small_plans import NS, US

MS = 1000 * US
SEGMENT_1 = ("n1.right", "n2.left")


def run(
    *faults: Fault,
    timers: MrpTimers | DlrTimers | RstpTimers = MRP_TIMERS[200],
    duration_ps: int = 300 * MS,
) -> SimulatedEvidence:
    plan = ring_plan(ring(timers), period_ps=10 * US)
    return simulate(plan, seed=1, duration_ps=duration_ps, faults=faults)


@pytest.mark.parametrize(
    ("cut", "timers", "lost"),
    [
        # Cut at 100.5 ms: frames from 100.48 ms on do not reach n2 any more. n0 opens its other
        # port, and goes over, at 100.51581; n3 has flushed at 100.53162: the frame of 100.51 comes
        # to it at 100.52838 ms, too early; that of 100.52 ms is the first to arrive.
        (LinkCut(ends=SEGMENT_1, at_ps=100 * MS + 500 * US), MRP_TIMERS[200], 4),
        # Unnoticed: n0 flushes at 190 ms, n3 at 190.01581; the frame of 190 ms comes to it at
        # 190.01838 ms and goes on; n2 sends to b whichever the way. (190,000 - 100,480) / 10
        (LinkCut(ends=SEGMENT_1, at_ps=100 * MS + 500 * US, is_silent=True), MRP_TIMERS[200], 8952),
        # The same steps as with MRP when a node reports.
        (LinkCut(ends=SEGMENT_1, at_ps=100 * MS + 500 * US), DLR_TIMERS, 4),
        # n2 takes its alternate port at once, and tells n3 and, at 100.53162 ms, the root n0, which
        # goes over then: the frame of 100.53 ms comes to it at 100.53869 ms.
        (LinkCut(ends=SEGMENT_1, at_ps=100 * MS + 500 * US), rstp_timers((1, 2, 3, 4)), 5),
        # Beacons are missed: n0 goes over at 102.42324, n3 before: the frame of 102.42 ms comes to
        # n0 at 102.42869 ms. (102,420 - 100,480) / 10
        (LinkCut(ends=SEGMENT_1, at_ps=100 * MS + 500 * US, is_silent=True), DLR_TIMERS, 194),
    ],
)
def test_loses_what_comes_before_the_nodes_go_over(
    cut: LinkCut, timers: MrpTimers | DlrTimers | RstpTimers, lost: int
) -> None:
    evidence = run(cut, timers=timers)
    seen = evidence.streams[0]
    assert seen.lost == lost
    # All others arrive, by ways of equal length; the last three are still under way.
    assert seen.frames == 30_000 - lost - 3
    assert seen.min_ps == seen.max_ps == 4 * 8_690 * NS + 3 * US - 640 * NS
    carried = {row.egress_index: row.frames for row in evidence.egresses}
    assert carried[4] > 0  # n3.left


def test_goes_back_when_the_link_is_mended() -> None:
    cut = LinkCut(ends=SEGMENT_1, at_ps=100 * MS, until_ps=150 * MS)
    evidence = run(cut)
    carried = {row.egress_index: row.frames for row in evidence.egresses}
    # n3 carried the stream for 50 ms, n1 before and after.
    assert abs(carried[4] - 5_000) < 20
    assert evidence.streams[0].lost < 20
    assert evidence.streams[0].frames + evidence.streams[0].lost == 30_000 - 3


def test_a_node_that_fails_is_passed_around() -> None:
    evidence = run(NodeOutage(node="n1", at_ps=100 * MS))
    # The manager loses its own link: it announces for 30 ms, but forgets what it learned at the
    # lost port at once, and its other port is open at once.
    assert evidence.streams[0].lost < 3_010
    assert evidence.streams[0].frames > 26_000


def test_without_a_fault_the_planned_way_is_all_there_is() -> None:
    plan = ring_plan(ring(MRP_TIMERS[200]), period_ps=10 * US)
    alone = replace(plan, rings=(), streams=(replace(plan.streams[0], standby=()),))
    with_ring = simulate(plan, seed=1, duration_ps=10 * MS)
    without = simulate(alone, seed=1, duration_ps=10 * MS)
    assert with_ring.trace_hash == without.trace_hash


def test_a_stream_without_a_standby_way_stays_cut() -> None:
    plan = ring_plan(ring(MRP_TIMERS[200]), period_ps=10 * US)
    plan = replace(plan, streams=(replace(plan.streams[0], standby=()),))
    cut = LinkCut(ends=SEGMENT_1, at_ps=100 * MS)
    evidence = simulate(plan, seed=1, duration_ps=200 * MS, faults=(cut,))
    assert evidence.streams[0].lost > 9_990

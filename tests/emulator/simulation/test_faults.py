# SPDX-License-Identifier: Apache-2.0
"""Links that are cut and nodes that fail, to the picosecond."""

from __future__ import annotations

import pytest

from emulator.simulation.faults import Fault, LinkCut, NodeOutage, merged
from emulator.simulation.run import simulate
from netplan.plan.model import Plan
from netplan.verdict.evidence import SimulatedEvidence
from support.small_plans import NS, US, PlanBuilder

LINK = ("a.p", "b.p0")


def line(count: int = 1, period_ps: int = 100 * US) -> Plan:
    """Frames from a over b to c; on each wire 864 ns and 50 ns of cable, b takes 1 us."""
    builder = PlanBuilder(processing_min_ps=US, processing_max_ps=US).wire("a.p").wire("b.p")
    builder.stream(
        "s",
        [("a.p", "b"), ("b.p", "c")],
        messages=((100,) * count,),
        period_ps=period_ps,
        phase_ps=0,
    )
    return builder.plan()


def run(*faults: Fault, plan: Plan | None = None, duration_ps: int = 250 * US) -> SimulatedEvidence:
    return simulate(plan or line(), seed=1, duration_ps=duration_ps, faults=faults)


@pytest.mark.parametrize(
    ("at_ps", "until_ps", "lost"),
    [
        # The frame released at 100 us is on the wire until it is received at 100.914 us.
        (100_914 * NS - 1, 101 * US, 1),
        (100_914 * NS, 101 * US, 0),
        # Mended while it is being sent, or at its very start.
        (50 * US, 100 * US + 1, 1),
        (50 * US, 100 * US, 0),
        # Cut from before until after two frames; never mended.
        (50 * US, 220 * US, 2),
        (50 * US, None, 2),
    ],
)
def test_a_cut_takes_what_is_on_the_wire(at_ps: int, until_ps: int | None, lost: int) -> None:
    evidence = run(LinkCut(ends=LINK, at_ps=at_ps, until_ps=until_ps))
    assert (evidence.streams[0].lost, evidence.streams[0].frames) == (lost, 3 - lost)


def test_the_other_direction_of_a_one_way_cut_lives() -> None:
    back = LinkCut(ends=(LINK[1], LINK[0]), at_ps=50 * US, one_way=True)
    forth = LinkCut(ends=LINK, at_ps=50 * US, one_way=True)
    assert run(back).streams[0].lost == 0
    assert run(forth).streams[0].lost == 2


@pytest.mark.parametrize(
    ("is_silent", "lost"),
    [
        # Five frames of 960 ns from 0 on; at 2 us the third is being sent and two wait. Noticed,
        # the two are discarded; unnoticed, the fourth starts at 2.88 us, after the wire is whole.
        (False, 3),
        (True, 1),
    ],
)
def test_a_port_that_notices_discards_what_waits(is_silent: bool, lost: int) -> None:
    cut = LinkCut(ends=LINK, at_ps=2 * US, until_ps=2500 * NS, is_silent=is_silent)
    evidence = run(cut, plan=line(5), duration_ps=50 * US)
    assert evidence.streams[0].lost == lost
    assert evidence.egresses[0].dropped == (0 if is_silent else 2)
    # The port works again as before.
    evidence = run(cut, plan=line(5), duration_ps=150 * US)
    assert evidence.streams[0].frames == 10 - lost


@pytest.mark.parametrize(
    ("at_ps", "until_ps", "lost"),
    [
        # b holds the frame released at 100 us from 100.914 us, and sends it until 102.778 us.
        (101 * US, 101 * US + 1, 1),
        (102_800 * NS, 103 * US, 1),  # its last bit is still on the cable
        (102_828 * NS, 103 * US, 0),  # received by c
        (50 * US, 100_913 * NS, 0),  # up again just before it comes
        (50 * US, 101 * US, 1),
    ],
)
def test_a_node_that_fails_loses_what_it_holds(at_ps: int, until_ps: int, lost: int) -> None:
    evidence = run(NodeOutage(node="b", at_ps=at_ps, until_ps=until_ps))
    assert (evidence.streams[0].lost, evidence.streams[0].frames) == (lost, 3 - lost)


def test_a_talker_that_is_down_releases_nothing_and_keeps_its_times() -> None:
    evidence = run(NodeOutage(node="a", at_ps=50 * US, until_ps=150 * US))
    assert (evidence.streams[0].lost, evidence.streams[0].frames) == (0, 2)
    assert evidence.streams[0].max_gap_ps == 200 * US


def test_a_listener_that_is_down_hears_nothing() -> None:
    evidence = run(NodeOutage(node="c", at_ps=50 * US, until_ps=150 * US))
    assert (evidence.streams[0].lost, evidence.streams[0].frames) == (1, 2)


def test_overlapping_cuts_are_one() -> None:
    cuts = (
        LinkCut(ends=LINK, at_ps=50 * US, until_ps=150 * US),
        LinkCut(ends=LINK, at_ps=60 * US, until_ps=90 * US),
        LinkCut(ends=LINK, at_ps=150 * US, until_ps=210 * US),
    )
    assert run(*cuts).streams[0].lost == 2
    assert merged([(5, 7), (1, 3), (2, 4), (7, None), (9, 10)]) == [(1, 4), (5, None)]


def test_no_fault_within_the_run_changes_nothing() -> None:
    late = LinkCut(ends=LINK, at_ps=1000 * US)
    without, watched = run(), run(late)
    assert watched.trace_hash == without.trace_hash
    assert watched.streams == without.streams
    assert watched.egresses == without.egresses


@pytest.mark.parametrize(
    "fault",
    [
        NodeOutage(node="x", at_ps=0),
        LinkCut(ends=("x.p", "y.p"), at_ps=0),
        LinkCut(ends=LINK, at_ps=5, until_ps=5),
        LinkCut(ends=LINK, at_ps=-1),
    ],
)
def test_refuses_what_the_plan_lacks(fault: Fault) -> None:
    with pytest.raises(ValueError, match="fault"):
        run(fault)

# SPDX-License-Identifier: Apache-2.0
"""Time-triggered traffic, worked by hand.

At 1 Gb/s an octet takes 8 ns. A frame of 100 octets takes 800 ns at the talker's port (from the
first bit after the preamble), 864 ns at every later wire, and blocks a wire for 960 ns; a cable
adds 50 ns. Released at 0, it has reached the first bridge at 914 ns.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from netplan.bounds.fixpoint import settle
from netplan.bounds.network import network_of
from netplan.bounds.timed import TimedEvidence, timed_bounds, timed_evidence
from netplan.bounds.timed_gates import Openings, gate_openings, preemptable_openings
from netplan.media.interface import TermKind
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import (
    AtsScheduler,
    GateEntry,
    GateList,
    GateOperation,
    NodeClock,
    PortRules,
    QueueRule,
    Reception,
    Recovery,
    Selection,
    Synchronisation,
)
from netplan.verdict.evidence import StreamBound
from support.gated_world import GatedWorld
from support.scheduled_plan import scheduled_plan
from support.small_plans import MBIT, NS, US, PlanBuilder, Step

QUEUES = tuple(QueueRule() for _ in range(8))
CYCLE_NS = 100_000


def windows(*entries: tuple[int, int], base_ns: int = 0, cycle_ns: int = CYCLE_NS) -> PortRules:
    """Entries of nanoseconds and open queues; the last one lasts until the end of the cycle."""
    gates = GateList(
        base_ps=base_ns * NS,
        cycle_ps=cycle_ns * NS,
        entries=tuple(
            GateEntry(duration_ps=length * NS, open_queues=queues) for length, queues in entries
        ),
    )
    return PortRules(queues=QUEUES, gates=(gates,))


def opening(from_ns: int, to_ns: int) -> PortRules:
    """Queue 5 alone for a while, then the others; nothing for a gap before."""
    return windows((from_ns - 96, 0xDF), (96, 0), (to_ns - from_ns, 0x20), (1, 0xDF))


def clocks(**errors_ns: int) -> Synchronisation:
    return Synchronisation(
        grandmaster="s1",
        interval_ps=10**11,
        clocks=tuple(
            NodeClock(
                node=node,
                parent="" if node == "s1" else "s1",
                error_ps=error_ns * NS,
                drift_ppb=0,
                wander_ppb=0,
                timestamp_ps=0,
                asymmetry_ps=0,
                residence_ps=0,
            )
            for node, error_ns in errors_ns.items()
        ),
    )


def evidence_of(plan: Plan) -> TimedEvidence:
    network = network_of(plan)
    settle(network)
    return timed_evidence(network)


def row(plan: Plan, name: str, listener_index: int = 0) -> StreamBound:
    index = next(place for place, one in enumerate(plan.streams) if one.name == name)
    evidence = evidence_of(plan)
    assert (index, listener_index) in evidence.rows, evidence.left_out[index, listener_index]
    found = evidence.rows[index, listener_index]
    assert sum(term.max_ps for hop in found.hops for term in hop.terms) == found.bound_ps
    return found


def why(plan: Plan) -> str:
    return evidence_of(plan).left_out[0, 0]


def kinds_ns(found: StreamBound) -> dict[TermKind, float]:
    sums: dict[TermKind, float] = {}
    for hop in found.hops:
        for term in hop.terms:
            sums[term.kind] = sums.get(term.kind, 0) + term.max_ps / NS
    return sums


def line(*rules: PortRules | None) -> PlanBuilder:
    """Talkers h1, h2, h3 at bridge s1, then further bridges in a line."""
    builder = PlanBuilder().wire("h1.p").wire("h2.p").wire("h3.p")
    for number, rule in enumerate(rules, 1):
        builder.wire(f"s{number}.p", rules=rule)
    return builder


def way(talker: str, bridges: int) -> list[tuple[str, str]]:
    hops = [(f"{talker}.p", "s1")]
    return hops + [
        (f"s{number}.p", f"s{number + 1}" if number < bridges else "end")
        for number in range(1, bridges + 1)
    ]


def test_frame_that_meets_its_openings_to_the_picosecond_never_waits() -> None:
    # At s1 from 914 to 1778, at s2 from 914 + 864 + 50 = 1828 to 2692.
    builder = line(opening(914, 1778), opening(1828, 2692))
    builder.stream("a", way("h1", 2), phase_ps=0, period_ps=100 * US)
    builder.stream("b", way("h2", 2), pcp=0, messages=((1500,),))
    found = row(builder.plan(), "a")
    # 800 + 50, 864 + 50, 864 + 50.
    assert found.bound_ps == found.minimum_ps == 2678 * NS
    assert found.jitter_ps == 0
    assert found.talker_wait_ps == 64 * NS
    assert found.loss_free


def test_gap_behind_a_frame_of_another_queue_reaches_into_the_opening() -> None:
    # Without a pause before the opening, a frame of queue 0 may end at 2000 sharp; the gap of
    # 12 octets behind it takes 96 more.
    builder = line(windows((2000, 0xDF), (2000, 0x20), (1, 0xDF)))
    builder.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US)
    builder.stream("b", way("h2", 1), pcp=0, messages=((1500,),))
    found = row(builder.plan(), "a")
    # Leaves the talker from 64 on, starts at 2096 at s1.
    assert found.bound_ps == (2096 + 864 + 50 - 64) * NS
    kinds = kinds_ns(found)
    assert kinds[TermKind.GATE_WAIT] == 2000 - 914
    assert kinds[TermKind.QUEUEING] == 96
    # An opening that has no room for the gap and the frame is missed.
    tight = line(windows((2000, 0xDF), (900, 0x20), (1, 0xDF)))
    tight.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US)
    alone = row(tight.plan(), "a")
    assert alone.bound_ps == alone.minimum_ps == (2000 + 864 + 50 - 64) * NS
    tight.stream("b", way("h2", 1), pcp=0, messages=((1500,),))
    assert "is offered more than its openings carry" in why(tight.plan())


@pytest.mark.parametrize(
    ("talker_ns", "bound_ns"),
    [
        # Comes between 814 and 1014, surely open from 924 to 1968: 1014 + 864 = 1878.
        pytest.param(100, 1764 + 110, id="meets"),
        # Comes by 1114: would end at 1978, after 1968. The next opening is at 100924 at the
        # latest; the first bit left the talker at -200 + 64.
        pytest.param(200, 100_924 + 864 + 50 + 136, id="misses"),
    ],
)
def test_wrong_clock_makes_a_frame_miss_its_opening(talker_ns: int, bound_ns: int) -> None:
    builder = line(opening(914, 1978))
    builder.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US)
    builder.synchronisation = clocks(h1=talker_ns, s1=10)
    found = row(builder.plan(), "a")
    kinds = kinds_ns(found)
    if talker_ns == 200:
        assert found.bound_ps == bound_ns * NS
        # Gate wait 100914 - 1114; the clocks 2 x 200 at the talker and 10 at the gate.
        assert kinds[TermKind.GATE_WAIT] == 99_800
        assert kinds[TermKind.CLOCK_ERROR] == 410
        # The earliest frame comes at 714 and waits until 904.
        assert found.jitter_ps == (100_924 - 904) * NS
    else:
        # The earliest frame comes at 814 and waits until 924 at the latest, 10 for the clock.
        assert found.bound_ps == bound_ns * NS
        assert kinds[TermKind.GATE_WAIT] == 100
        assert kinds[TermKind.CLOCK_ERROR] == 10
        assert found.jitter_ps == (1014 - 904) * NS


def test_gate_that_is_surely_open_adds_no_clock_error() -> None:
    builder = line(opening(800, 1978))
    builder.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US)
    builder.synchronisation = clocks(h1=100, s1=10)
    # Comes from 814 to 1014; surely open from 810 to 1968.
    found = row(builder.plan(), "a")
    assert found.bound_ps == found.minimum_ps == 1764 * NS
    assert found.jitter_ps == 200 * NS


def test_streams_that_share_an_opening_go_one_after_the_other() -> None:
    builder = line(opening(10_000, 30_000))
    builder.stream("a", way("h1", 1), messages=((1000,),), phase_ps=0, period_ps=100 * US)
    builder.stream("b", way("h2", 1), messages=((500,),), phase_ps=0, period_ps=100 * US)
    plan = builder.plan()
    # b comes at 8 x 508 + 50 = 4114, before a at 8 x 1008 + 50 = 8114: b goes first.
    assert row(plan, "b").bound_ps == (10_000 + 4064 + 50 - 64) * NS
    # a waits for 8 x 520.
    assert row(plan, "a").bound_ps == (10_000 + 4160 + 8064 + 50 - 64) * NS


def test_streams_that_come_at_once_may_go_in_any_order() -> None:
    builder = line(opening(10_000, 30_000))
    for talker in ("h1", "h2", "h3"):
        builder.stream(talker, way(talker, 1), phase_ps=0, period_ps=100 * US)
    plan = builder.plan()
    for talker in ("h1", "h2", "h3"):
        assert row(plan, talker).bound_ps == (10_000 + 2 * 960 + 864 + 50 - 64) * NS


def test_order_from_one_talker_is_kept_however_wrong_its_clock_is() -> None:
    builder = line(None)
    builder.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US)
    builder.stream("b", way("h1", 1), phase_ps=960 * NS, period_ps=100 * US)
    builder.synchronisation = clocks(h1=5000, s1=5000)
    plan = builder.plan()
    for name in ("a", "b"):
        found = row(plan, name)
        assert found.bound_ps == found.minimum_ps == 1764 * NS
        assert found.talker_wait_ps >= 64 * NS


def test_wire_does_not_bring_two_frames_at_once() -> None:
    """Behind s1, frames whose order is not known still come one frame apart."""
    builder = line(None, None)
    builder.stream("a", way("h1", 2), phase_ps=0, period_ps=100 * US)
    builder.stream("b", way("h2", 2), phase_ps=0, period_ps=100 * US)
    plan = builder.plan()
    # 850, 960 for the other one at s1 only, 914, 914.
    assert row(plan, "a").bound_ps == (850 + 960 + 914 + 914) * NS


def test_frames_of_the_next_repetition_are_met_when_they_come() -> None:
    """Released late in a repetition, a frame is in its last queue when the next one has begun."""
    builder = line(None)
    # Enters s1's queue at 99500 + 914 = 100414, and s1's own frame of 100200 leaves at 101160.
    builder.stream("a", way("h1", 1), phase_ps=99_500 * NS, period_ps=100 * US)
    builder.stream("b", [("s1.p", "end")], phase_ps=200 * NS, period_ps=100 * US)
    found = row(builder.plan(), "a")
    assert found.bound_ps == found.minimum_ps + 746 * NS == (1764 + 746) * NS


def test_best_effort_that_shares_the_opening_blocks_once() -> None:
    builder = line(windows((CYCLE_NS, 0x21)))
    builder.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US)
    builder.stream("b", way("h2", 1), pcp=0, messages=((1500,),))
    # 8 x 1520 have begun just before.
    assert row(builder.plan(), "a").bound_ps == (850 + 12_160 + 914) * NS
    # Where both open at 10000, a frame that waits by then goes first.
    both = line(windows((10_000, 0), (1, 0x21)))
    both.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US)
    both.stream("b", way("h2", 1), pcp=0, messages=((1500,),))
    assert row(both.plan(), "a").bound_ps == (10_000 + 914 - 64) * NS
    # Where queue 0 is open before, what has begun goes on.
    before = line(windows((10_000, 0x01), (1, 0x21)))
    before.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US)
    before.stream("b", way("h2", 1), pcp=0, messages=((1500,),))
    assert row(before.plan(), "a").bound_ps == (10_000 + 12_160 + 914 - 64) * NS


def test_what_does_not_fit_goes_in_the_next_opening() -> None:
    # Open for 1900 from 2000 on; two frames need 960 + 864 = 1824, three 2784.
    builder = line(opening(2000, 3900))
    for talker in ("h1", "h2", "h3"):
        builder.stream(talker, way(talker, 1), phase_ps=0, period_ps=200 * US)
    plan = builder.plan()
    assert row(plan, "h1").bound_ps == (102_000 + 914 - 64) * NS
    # Two of them every cycle are what it carries; three are too many.
    full = replace(
        plan,
        streams=tuple(
            replace(one, emission=replace(one.emission, period_ps=100 * US)) for one in plan.streams
        ),
    )
    assert "from repetition to repetition" in why(full)


def test_higher_queue_goes_first_where_it_may() -> None:
    builder = line(windows((2000, 0), (5000, 0x60), (1, 0)))
    builder.stream("low", way("h1", 1), phase_ps=0, period_ps=100 * US, pcp=5)
    builder.stream("high", way("h2", 1), phase_ps=0, period_ps=100 * US, pcp=6)
    builder.stream("late", way("h3", 1), phase_ps=20 * US, period_ps=100 * US, pcp=6)
    plan = builder.plan()
    # The other one of queue 6 comes at 20914 and waits for 102000,
    assert row(plan, "late").bound_ps == (102_000 + 914 - 20_064) * NS
    # where it is ahead of the next one of the first, and both of the one below.
    assert row(plan, "high").bound_ps == (2000 + 960 + 914 - 64) * NS
    assert row(plan, "high").minimum_ps == (2000 + 914 - 64) * NS
    assert row(plan, "low").bound_ps == (2000 + 2 * 960 + 914 - 64) * NS


def test_streams_without_a_phase_count_wherever_they_may_go_first() -> None:
    builder = line(None)
    builder.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US)
    builder.stream("same", way("h2", 1), messages=((500,),), period_ps=1000 * US)
    builder.stream("above", way("h3", 1), messages=((200,),), period_ps=1000 * US, pcp=7)
    # 8 x 520 and 8 x 220.
    assert row(builder.plan(), "a").bound_ps == (850 + 4160 + 1760 + 914) * NS


def test_frames_of_a_message_follow_each_other() -> None:
    builder = line(opening(10_000, 30_000))
    builder.stream("a", way("h1", 1), messages=((100, 100),), phase_ps=0, period_ps=100 * US)
    found = row(builder.plan(), "a")
    # The second one leaves the talker 960 later than the first, and s1 too.
    assert found.bound_ps == found.minimum_ps == (10_000 + 914 - 64) * NS
    assert found.jitter_ps == 960 * NS
    assert found.talker_wait_ps == (960 + 64) * NS


def test_release_jitter_is_told_apart() -> None:
    builder = line(opening(10_000, 30_000))
    builder.stream("a", way("h1", 1), phase_ps=0, jitter_ps=2 * US, period_ps=100 * US)
    found = row(builder.plan(), "a")
    # The earliest release waits longest; all arrive at the same time.
    assert found.bound_ps == (10_000 + 914 - 64) * NS
    assert found.minimum_ps == (10_000 + 914 - 2064) * NS
    assert found.jitter_ps == 0


@pytest.mark.parametrize(
    ("hold", "blocked_ns"),
    [
        # The rest of a frame that may no longer be interrupted: 8 + 123 + 12 octets.
        pytest.param(False, 8 * 143, id="interrupts"),
        # Held 1200 before: even such a rest is over by then.
        pytest.param(True, 0, id="holds"),
    ],
)
def test_frame_interrupts_others_or_has_them_held(hold: bool, blocked_ns: int) -> None:
    first = GateOperation.HOLD if hold else GateOperation.SET
    second = GateOperation.RELEASE if hold else GateOperation.SET
    entries = (
        GateEntry(duration_ps=2000 * NS, open_queues=0xDF, operation=second),
        GateEntry(duration_ps=3000 * NS, open_queues=0x20, operation=first),
        GateEntry(duration_ps=95_000 * NS, open_queues=0xDF, operation=second),
    )
    rules = PortRules(
        queues=(QueueRule(express=False), *QUEUES[1:]),
        gates=(GateList(base_ps=0, cycle_ps=100 * US, entries=entries),),
        fragment_octets=64,
        hold_advance_ps=1200 * NS,
    )
    builder = line(rules)
    builder.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US)
    builder.stream("b", way("h2", 1), pcp=0, messages=((1500,),))
    assert row(builder.plan(), "a").bound_ps == (2000 + blocked_ns + 914 - 64) * NS


def test_cut_through_hands_over_before_the_end() -> None:
    builder = line(opening(914, 3000), None)
    steps = [
        Step(egress="h1.p", to="s1"),
        # 8 + 16 octets at 8 ns and the cable: in the queue at 242; waits until 914.
        Step(egress="s1.p", to="s2", cut_through_octets=16),
        Step(egress="s2.p", to="end", cut_through_octets=16),
    ]
    builder.stream("a", steps, phase_ps=0, period_ps=100 * US)
    found = row(builder.plan(), "a")
    assert found.bound_ps == found.minimum_ps == (914 + 242 + 914 - 64) * NS


def test_copies_are_as_late_as_the_latest_one() -> None:
    builder = line(opening(10_000, 30_000))
    builder.wire("s1.q").wire("s2.p").wire("s2.q")
    steps = [
        Step(egress="h1.p", to="s1"),
        Step(egress="s1.p", to="s2"),
        Step(egress="s1.q", to="s2", parent=0),
        Step(egress="s2.p", to="end", parent=1),
    ]
    recoveries = (Recovery(members=(1, 2)),)
    builder.stream("a", steps, phase_ps=0, period_ps=100 * US, recoveries=recoveries)
    plan = builder.plan()
    found = row(plan, "a")
    assert found.bound_ps == (10_000 + 914 + 914 - 64) * NS
    assert found.minimum_ps == 2678 * NS
    forgets = replace(recoveries[0], reset_ps=5 * US)
    stream = replace(plan.streams[0], recoveries=(forgets,))
    assert "reset time" in why(replace(plan, streams=(stream,)))


def test_room_is_counted_frame_by_frame() -> None:
    builder = line()
    builder.wire("s1.p", rules=opening(10_000, 30_000), buffer_octets=200)
    for talker in ("h1", "h2"):
        builder.stream(talker, way(talker, 1), phase_ps=0, period_ps=100 * US)
    assert row(builder.plan(), "h1").loss_free
    builder.stream("h3", way("h3", 1), phase_ps=0, period_ps=100 * US)
    found = row(builder.plan(), "h1")
    assert not found.loss_free
    assert found.why == "s1.p has room for 200 octets, its backlog may reach 300"


def refused(rules: PortRules | None = None, **stream: object) -> Plan:
    builder = line(rules)
    options = {"phase_ps": 0, "period_ps": 100 * US, **stream}
    builder.stream("a", way("h1", 1), **options)  # type: ignore[arg-type]  # any field
    return builder.plan()


def with_queue_5(rule: QueueRule, **rules: object) -> PortRules:
    queues = (*QUEUES[:5], rule, *QUEUES[6:])
    return PortRules(queues=queues, **rules)  # type: ignore[arg-type]  # any field


TWO_LISTS = windows((1000, 0xFF)).gates + windows((1000, 0xFF), base_ns=10**9).gates


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        pytest.param(refused(phase_ps=None), "keeps no phase", id="no-phase"),
        pytest.param(refused(sporadic=True), "keeps no phase", id="sporadic"),
        pytest.param(refused(opening(914, 1700)), "surely long enough", id="too-short"),
        pytest.param(refused(windows((1000, 0xDF))), "never opens", id="never"),
        pytest.param(
            refused(PortRules(queues=QUEUES, gates=TWO_LISTS)), "change at run time", id="change"
        ),
        pytest.param(
            refused(with_queue_5(QueueRule(selection=Selection.CREDIT))),
            "not served by strict priority",
            id="shaped",
        ),
        pytest.param(
            refused(with_queue_5(QueueRule(express=False), fragment_octets=64)),
            "may be interrupted",
            id="preemptable",
        ),
        pytest.param(
            refused(with_queue_5(QueueRule(largest_frame_octets=99))), "drops frames", id="dropped"
        ),
        pytest.param(
            replace(refused(windows((1000, 0xFF))), synchronisation=clocks(h1=1)),
            "nothing limits the error of the clock of s1",
            id="bridge-without-clock",
        ),
        pytest.param(
            replace(refused(), synchronisation=clocks(s1=1)),
            "nothing limits the error of the clock of h1",
            id="talker-without-clock",
        ),
    ],
)
def test_says_why_nothing_is_proven(plan: Plan, reason: str) -> None:
    assert reason in why(plan)


def test_frames_that_wait_for_their_eligibility_are_not_followed() -> None:
    scheduler = AtsScheduler(
        name="x",
        group="g",
        committed_bps=MBIT,
        committed_burst_octets=1000,
        max_residence_ps=10**9,
    )
    builder = line(None)
    steps = [
        Step(egress="h1.p", to="s1", reception=Reception(scheduler=scheduler)),
        Step(egress="s1.p", to="end"),
    ]
    builder.stream("a", steps, phase_ps=0, period_ps=100 * US)
    assert "eligibility" in why(builder.plan())


def test_periods_that_hardly_ever_meet_are_left_out_and_said_so() -> None:
    builder = line(None)
    builder.stream("a", way("h1", 1), phase_ps=0, period_ps=100 * US, scheduled=True)
    builder.stream("b", way("h2", 1), phase_ps=0, period_ps=99_999_999_999)
    evidence = evidence_of(builder.plan())
    assert "more than 200000 hops" in evidence.left_out[1, 0]
    # It still counts as a stream without a phase: 960 more.
    assert evidence.rows[0, 0].bound_ps == (1764 + 960) * NS


def test_scheduled_plan_is_exact() -> None:
    plan = scheduled_plan(stream_count=60, bridge_count=8, best_effort_count=10)
    rows = timed_bounds(plan)
    scheduled = [index for index, stream in enumerate(plan.streams) if stream.scheduled]
    assert sorted(rows) == [(index, 0) for index in scheduled]
    world = GatedWorld(plan, Random(1), 8000 * US).run()  # noqa: S311 - repeatable, not secret
    for key, found in rows.items():
        assert found.bound_ps == found.minimum_ps
        assert found.jitter_ps == 0
        assert set(world.seen[key].latencies_ps) == {found.bound_ps}


def test_large_plan_is_followed_within_seconds() -> None:
    plan = scheduled_plan(stream_count=1000, bridge_count=60)
    rows = timed_bounds(plan)
    assert len(rows) == 1000
    assert all(found.bound_ps == found.minimum_ps for found in rows.values())


def test_openings_join_across_entries_and_cycles() -> None:
    entries = (
        GateEntry(duration_ps=10, open_queues=0b01),
        GateEntry(duration_ps=20, open_queues=0b11),
        GateEntry(duration_ps=30, open_queues=0b10),
        GateEntry(duration_ps=5, open_queues=0b01),
    )
    gates = GateList(base_ps=1003, cycle_ps=100, entries=entries)
    # The last entry lasts until the end: 60 to 100, and on into the next cycle up to 30.
    assert gate_openings(gates, 0) == Openings(100, (63,), (133,))
    assert gate_openings(gates, 1) == Openings(100, (13,), (63,))
    assert gate_openings(gates, 2).never
    # What is beyond the cycle is cut.
    assert gate_openings(replace(gates, cycle_ps=25), 1) == Openings(25, (13,), (28,))
    assert gate_openings(replace(gates, entries=entries[1:2]), 1).always
    found = gate_openings(gates, 1)
    assert found.at(found.first_closing_after(62)) == (13, 63)
    assert found.at(found.first_closing_after(63)) == (113, 163)
    assert found.at(found.last_opening_by(13)) == (13, 63)
    assert found.at(found.last_opening_by(12)) == (-87, -37)


def test_hold_lasts_until_release() -> None:
    entries = (
        GateEntry(duration_ps=10, open_queues=1, operation=GateOperation.RELEASE),
        GateEntry(duration_ps=50, open_queues=1),
        GateEntry(duration_ps=20, open_queues=2, operation=GateOperation.HOLD),
        GateEntry(duration_ps=20, open_queues=2),
    )
    gates = GateList(base_ps=0, cycle_ps=100, entries=entries)
    # From release at 0 to hold at 60, 7 before.
    assert preemptable_openings(gates, 7) == Openings(100, (100,), (153,))

# SPDX-License-Identifier: Apache-2.0
"""A plan as a scheduling problem, and the plan with its schedule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netplan.media.interface import GrantMechanism, NoService
from netplan.plan.model import Egress, Plan, PlannedStream, Target
from netplan.plan.scheduled import PlannedProblem, Wishes, problem_of, with_schedule
from netplan.tsn.mechanisms import (
    NodeClock,
    PortRules,
    QueueRule,
    Recovery,
    Synchronisation,
)
from netplan.tsn.synthesis.problem import GateLimits, Guard, Options
from netplan.tsn.synthesis.result import Schedule, Status
from netplan.tsn.synthesis.synthesise import synthesise
from support.schedule_replay import faults, transmissions
from support.small_plans import NS, US, PlanBuilder, Step


def every_gate(egress: Egress) -> GateLimits | None:
    del egress
    return GateLimits()


def line(*, processing_ps: tuple[int, int] = (1000 * NS, 1000 * NS)) -> PlanBuilder:
    """Two talkers t and u at sw1, sw2 behind it with two listeners."""
    builder = PlanBuilder(processing_min_ps=processing_ps[0], processing_max_ps=processing_ps[1])
    for name in ("t.p", "u.p", "sw1.p", "sw2.a", "sw2.b"):
        builder.wire(name)
    return builder


TO_A = [("t.p", "sw1"), ("sw1.p", "sw2"), ("sw2.a", "a")]
TO_B = [("u.p", "sw1"), ("sw1.p", "sw2"), ("sw2.b", "b")]


def stated(plan: Plan, wishes: Wishes | None = None) -> PlannedProblem:
    planned, findings = problem_of(plan, every_gate, wishes)
    assert findings == ()
    assert planned is not None
    return planned


def scheduled(planned: PlannedProblem, options: Options | None = None) -> Schedule:
    schedule = synthesise(planned.problem, options)
    assert schedule.status is Status.FEASIBLE, (schedule.conflict, schedule.obstacles)
    assert faults(planned.problem, schedule) == []
    return schedule


def latency_target(stream: int, limit_ps: int, *, application: bool = False) -> Target:
    return Target(
        subject="s", subject_kind="stream", stream_index=stream, listener_index=0, chain_index=-1,
        listener="a", direction="", quantity="latency", statistic="max", limit=limit_ps, unit="ps",
        application=application,
    )  # fmt: skip


def test_a_plan_states_a_problem() -> None:
    builder = line(processing_ps=(900 * NS, 1100 * NS))
    builder.stream("s", TO_A, messages=((100, 200), (300,)), period_ps=500 * US, scheduled=True)
    builder.stream("bulk", TO_A, messages=((1522,),), pcp=1)
    plan = replace(builder.plan(), targets=(latency_target(0, 50 * US), latency_target(0, 80 * US)))
    planned = stated(plan, Wishes(best_effort_ratio={"sw1.p": 0.25}))
    assert planned.stream_indices == (0,)
    stream = planned.problem.streams[0]
    # Two messages in turn, half a millisecond apart, repeat after 1 ms.
    assert stream.period_ps == 1000 * US
    assert [(one.frame_octets, one.release_ps) for one in stream.frames] == [
        (100, 0), (200, 0), (300, 500 * US),
    ]  # fmt: skip
    assert stream.deadlines_ps == (50 * US,)
    route = stream.routes.candidate(0)
    assert route is not None
    assert [(hop.before_min_ps, hop.before_max_ps) for hop in route.hops] == [
        (0, 0), (900 * NS, 1100 * NS), (900 * NS, 1100 * NS),
    ]  # fmt: skip
    port = planned.problem.ports[2]
    assert (port.name, port.other_octets, port.best_effort_ratio) == ("sw1.p", 1522, 0.25)
    assert planned.problem.ports[1].other_octets == 0


def test_a_deadline_between_applications_leaves_less_for_the_network() -> None:
    builder = line().stream("s", TO_A, scheduled=True)
    plan = builder.plan()
    host = plan.streams[0].hops[1].before  # 1 us, as good as any
    stream = replace(plan.streams[0], talker_host=host, listener_host=(host,))
    target = latency_target(0, 50 * US, application=True)
    plan = replace(plan, streams=(stream,), targets=(target,))
    assert stated(plan).problem.streams[0].deadlines_ps == (48 * US,)


def test_the_schedule_comes_back_as_phases_and_gates() -> None:
    builder = line().stream("s", TO_A, scheduled=True, period_ps=500 * US)
    builder.stream("r", TO_B, scheduled=True, period_ps=500 * US)
    builder.stream("bulk", TO_A, messages=((1522,),), pcp=1)
    plan = builder.plan()
    planned = stated(plan)
    schedule = scheduled(planned)
    done = with_schedule(plan, planned, schedule)
    # Same size, same way into sw1.p: 100 octets with lead and tail take 960 ns.
    phases = [stream.emission.phase_ps for stream in done.streams]
    assert phases == [0, 960 * NS, None]
    assert [stream.scheduled for stream in done.streams] == [True, True, False]
    rules = done.egresses[2].rules
    assert rules is not None
    gates = rules.gates[0]
    assert gates.cycle_ps == 500 * US
    assert sum(entry.duration_ps for entry in gates.entries) == 500 * US
    # Queue 5 alone from a gap before the first frame until the second has left:
    # 96 + 960 + 864 ns; then all others.
    assert [(entry.duration_ps, entry.open_queues) for entry in gates.entries] == [
        (1920 * NS, 0b0010_0000), (500 * US - 1920 * NS, 0b1101_1111),
    ]  # fmt: skip
    # First at sw1.p: 864 ns of frame, 50 ns of cable and 1 us of forwarding after the phase.
    assert gates.base_ps == 864 * NS + 50 * NS + 1000 * NS - 96 * NS
    assert any("release at their phases" in text for text in done.assumptions)
    assert with_schedule(done, planned, schedule) == done


def test_a_task_decides_when_its_output_can_leave() -> None:
    builder = line().stream("fixed", TO_A, scheduled=True, phase_ps=1300 * US, period_ps=1000 * US)
    builder.stream("task", TO_B, scheduled=True, period_ps=1000 * US)
    plan = builder.plan()
    planned = stated(plan, Wishes(phases_ps={"task": (400 * US, 450 * US)}))
    done = with_schedule(plan, planned, scheduled(planned))
    assert done.streams[0].emission.phase_ps == 300 * US
    assert done.streams[1].emission.phase_ps == 400 * US


def test_the_planner_may_offer_several_ways() -> None:
    builder = line().wire("sw1.other").wire("sw3.p")
    builder.stream("s", TO_A, scheduled=True, messages=((1000,),), period_ps=12 * US)
    builder.stream("r", TO_B, scheduled=True, messages=((1000,),), period_ps=12 * US)
    around = [("u.p", "sw1"), ("sw1.other", "sw3"), ("sw3.p", "sw2"), ("sw2.b", "b")]
    builder.stream("way", around, scheduled=True, messages=((1000,),), period_ps=12 * US)
    whole = builder.plan()
    plan = replace(whole, streams=whole.streams[:2])
    other: PlannedStream = replace(whole.streams[2], name="r")
    planned = stated(plan, Wishes(candidates={"r": (plan.streams[1], other)}))
    # 1000 octets take 8.16 us of 12: only one of the two fits onto sw1.p.
    done = with_schedule(plan, planned, scheduled(planned))
    assert [len(stream.hops) for stream in done.streams] == [3, 4]
    assert done.streams[1].name == "r"


@pytest.mark.parametrize("spread_ps", [0, 300 * NS])
def test_every_frame_of_all_messages_is_scheduled(spread_ps: int) -> None:
    builder = line(processing_ps=(1000 * NS, 1000 * NS + spread_ps))
    builder.stream("s", TO_A, scheduled=True, messages=((100, 900), (64,)), period_ps=250 * US)
    builder.stream("r", TO_B, scheduled=True, messages=((300,),), period_ps=1000 * US)
    planned = stated(builder.plan())
    schedule = scheduled(planned)
    # In a hyperperiod of 1 ms: twice two messages with three frames, and one: 7 frames, 3 hops.
    assert len(list(transmissions(planned.problem, schedule))) == 7 * 3
    assert faults(planned.problem, schedule) == []


def test_preemption_makes_other_queues_preemptable() -> None:
    rules = PortRules(queues=(QueueRule(),) * 8, fragment_octets=64)
    builder = PlanBuilder().wire("t.p").wire("sw1.p", rules=rules)
    builder.stream("s", [("t.p", "sw1"), ("sw1.p", "a")], scheduled=True)
    builder.stream("bulk", [("t.p", "sw1"), ("sw1.p", "a")], messages=((1522,),), pcp=1)
    plan = builder.plan()
    planned = stated(plan)
    done = with_schedule(plan, planned, scheduled(planned, Options(guard=Guard.PREEMPTION)))
    port = done.egresses[1].rules
    assert port is not None
    assert [rule.express for rule in port.queues] == [queue == 5 for queue in range(8)]
    assert (port.fragment_octets, port.hold_advance_ps) == (64, 1144 * NS)
    first = done.egresses[0].rules
    assert first is not None
    assert all(rule.express for rule in first.queues)
    assert (first.fragment_octets, first.hold_advance_ps) == (None, 0)


def test_copies_of_a_redundant_stream_keep_the_deadline_each() -> None:
    builder = PlanBuilder(processing_min_ps=1000 * NS, processing_max_ps=1000 * NS)
    for name in ("t.1", "t.2", "x.p", "y.p", "z.p"):
        builder.wire(name)
    route = [
        Step(egress="t.1", to="x", parent=-1),
        Step(egress="t.2", to="y", parent=-1),
        Step(egress="x.p", to="a", parent=0),
        Step(egress="y.p", to="z", parent=1),
        Step(egress="z.p", to="a", parent=3),
    ]
    builder.stream("s", route, recoveries=(Recovery(members=(2, 4)),), scheduled=True)
    plan = replace(builder.plan(), targets=(latency_target(0, 5 * US),))
    stream = stated(plan).problem.streams[0]
    route_found = stream.routes.candidate(0)
    assert route_found is not None
    assert route_found.listener_hops == (2, 4)
    assert stream.deadlines_ps == (5 * US, 5 * US)
    # Three hops of 864 ns and 50 ns with two times 1 us between them: 4.742 - 0.064 us.
    assert synthesise(stated(plan).problem).status is Status.FEASIBLE
    tight = replace(plan, targets=(latency_target(0, 4600 * NS),))
    assert synthesise(stated(tight).problem).status is Status.INFEASIBLE


def clock(node: str, error_ps: int) -> NodeClock:
    return NodeClock(
        node=node, parent="", error_ps=error_ps, drift_ppb=0, wander_ppb=0, timestamp_ps=0,
        asymmetry_ps=0, residence_ps=0,
    )  # fmt: skip


def test_clocks_of_talkers_and_bridges() -> None:
    builder = line().stream("s", TO_A, scheduled=True)
    clocks = tuple(clock(node, 100 * NS) for node in ("t", "sw1", "sw2"))
    builder.synchronisation = Synchronisation(
        grandmaster="sw1", interval_ps=125_000 * US, clocks=clocks
    )
    planned = stated(builder.plan())
    assert planned.problem.streams[0].clock_error_ps == 100 * NS
    assert planned.problem.ports[2].clock_error_ps == 100 * NS
    scheduled(planned)
    builder.stream("r", TO_B, scheduled=True)
    _, findings = problem_of(builder.plan(), every_gate)
    assert [finding.code for finding in findings] == ["SCHEDULE-CLOCK"]
    assert findings[0].found == "none at u"


def test_what_cannot_be_scheduled_is_a_finding() -> None:
    builder = line().stream("s", TO_A, scheduled=True, sporadic=True)
    _, findings = problem_of(builder.plan(), every_gate)
    assert [finding.code for finding in findings] == ["SCHEDULE-SPORADIC"]

    builder = line().stream("s", TO_A, scheduled=True).stream("other", TO_A)
    _, findings = problem_of(builder.plan(), every_gate)
    assert {finding.code for finding in findings} == {"SCHEDULE-QUEUE-SHARED"}

    builder = line().stream("s", TO_A, scheduled=True).stream("urgent", TO_B, pcp=7)
    planned, findings = problem_of(builder.plan(), lambda _: None)
    assert planned is None
    assert [finding.code for finding in findings] == ["SCHEDULE-BLOCKED"]
    assert all(finding.expected and finding.found and finding.hint for finding in findings)


def test_a_medium_without_fixed_times_cannot_be_scheduled() -> None:
    grants = GrantMechanism(
        cycle_ps=125 * US, openings_ps=(0,), phase_ps=0, quota_octets=1000, overhead_octets=0,
        fragments=False, serial_bps=0, burst_ps=0,
    )  # fmt: skip
    builder = PlanBuilder().wire("t.p").grants("olt.p", grants, NoService(because="test"))
    builder.stream("s", [("t.p", "olt"), ("olt.p", "a")], scheduled=True)
    planned, findings = problem_of(builder.plan(), every_gate)
    assert planned is None
    assert [finding.code for finding in findings] == ["SCHEDULE-MEDIUM"]


def test_only_a_feasible_schedule_goes_into_a_plan() -> None:
    plan = line().stream("s", TO_A, scheduled=True).plan()
    with pytest.raises(ValueError, match="feasible"):
        with_schedule(plan, stated(plan), Schedule(status=Status.UNKNOWN))

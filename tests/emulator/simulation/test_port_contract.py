# SPDX-License-Identifier: Apache-2.0
"""Impossible rules, cut-through, schedulers and clocks are refused before the kernel meets them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from emulator.simulation.contract import check_plan
from netplan.media.interface import GrantMechanism, NoService, WireMechanism
from netplan.plan.model import Hop, Plan
from netplan.tsn.mechanisms import (
    AtsScheduler,
    GateEntry,
    GateList,
    NodeClock,
    PortRules,
    QueueRule,
    Reception,
    Recovery,
    Selection,
    Synchronisation,
)
from support.small_plans import GBIT, US, PlanBuilder, Step

SCHEDULER = AtsScheduler(
    name="a",
    group="g",
    committed_bps=10**6,
    committed_burst_octets=500,
    max_residence_ps=1000 * US,
)
GATES = GateList(
    base_ps=0, cycle_ps=10 * US, entries=(GateEntry(duration_ps=10 * US, open_queues=3),)
)
RULES = PortRules(queues=(QueueRule(), QueueRule()), gates=(GATES,), fragment_octets=64)
CLOCK = NodeClock(
    node="a",
    parent="",
    error_ps=0,
    drift_ppb=100_000,
    wander_ppb=100,
    timestamp_ps=8000,
    asymmetry_ps=0,
    residence_ps=10**9,
)
CLOCKS = Synchronisation(
    grandmaster="a",
    interval_ps=125 * 10**9,
    clocks=(CLOCK, replace(CLOCK, node="b", parent="a")),
)


def good_plan() -> Plan:
    """A wire with rules, a hop that cuts through, a scheduler and clocks."""
    builder = PlanBuilder().wire("a.p", queue_count=2, rules=RULES).wire("b.p", queue_count=2)
    builder.stream(
        "s",
        [
            Step(egress="a.p", to="b"),
            Step(egress="b.p", to="c", cut_through_octets=64),
        ],
    )
    builder.stream("t", [Step(egress="a.p", to="b", reception=Reception(scheduler=SCHEDULER))])
    builder.synchronisation = CLOCKS
    return builder.plan()


def with_rules(**changes: object) -> Plan:
    plan = good_plan()
    egress = replace(plan.egresses[0], rules=replace(RULES, **changes))  # type: ignore[arg-type]  # any field
    return replace(plan, egresses=(egress, plan.egresses[1]))


def with_queue(**changes: object) -> Plan:
    return with_rules(queues=(QueueRule(), replace(QueueRule(), **changes)))  # type: ignore[arg-type]  # any field


def with_gates(**changes: object) -> Plan:
    return with_rules(gates=(replace(GATES, **changes),))  # type: ignore[arg-type]  # any field


def with_hops(change: Callable[[Hop], Hop], position: int = 1) -> Plan:
    plan = good_plan()
    hops = list(plan.streams[0].hops)
    hops[position] = change(hops[position])
    return replace(plan, streams=(replace(plan.streams[0], hops=tuple(hops)), plan.streams[1]))


def with_scheduler(**changes: object) -> Plan:
    plan = good_plan()
    scheduler = replace(SCHEDULER, **changes)  # type: ignore[arg-type]  # any field
    hop = replace(plan.streams[1].hops[0], reception=Reception(scheduler=scheduler))
    stream = replace(plan.streams[1], hops=(hop,))
    return replace(plan, streams=(plan.streams[0], plan.streams[1], replace(stream, name="u")))


def with_clocks(**changes: object) -> Plan:
    synchronisation = replace(CLOCKS, **changes)  # type: ignore[arg-type]  # any field
    return replace(good_plan(), synchronisation=synchronisation)


def with_clock(**changes: object) -> Plan:
    second = replace(CLOCKS.clocks[1], **changes)  # type: ignore[arg-type]  # any field
    return with_clocks(clocks=(CLOCK, second))


def on_grants() -> Plan:
    plan = good_plan()
    grants = GrantMechanism(
        cycle_ps=1000 * US,
        openings_ps=(0,),
        phase_ps=0,
        quota_octets=1000,
        overhead_octets=0,
        fragments=True,
        serial_bps=GBIT,
        burst_ps=0,
    )
    egress = replace(plan.egresses[0], mechanism=grants, service=NoService(because=""))
    return replace(plan, egresses=(egress, plan.egresses[1]))


def interruptible() -> Plan:
    return with_rules(queues=(QueueRule(express=False),) * 2)


def faster_behind() -> Plan:
    plan = good_plan()
    wire = WireMechanism(line_bps=2 * GBIT)
    return replace(plan, egresses=(plan.egresses[0], replace(plan.egresses[1], mechanism=wire)))


def merged() -> Plan:
    plan = good_plan()
    stream = replace(plan.streams[0], recoveries=(Recovery(members=(0, 0)),))
    return replace(plan, streams=(stream, plan.streams[1]))


def test_accepts_a_good_plan() -> None:
    check_plan(good_plan())


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        (on_grants(), "a.p has rules and is no wire"),
        (with_rules(queues=(QueueRule(),)), "a.p has 2 queues and rules for 1"),
        (with_queue(selection=Selection.CREDIT), "queue 1 of a.p has an idle slope"),
        (
            with_queue(selection=Selection.CREDIT, idle_slope_bps=GBIT + 1),
            "queue 1 of a.p has an idle slope",
        ),
        (with_queue(selection=Selection.ROUND_ROBIN), "queue 1 of a.p has no quantum"),
        (with_queue(largest_frame_octets=-1), "queue 1 of a.p has an impossible largest frame"),
        (with_rules(fragment_octets=100), "a.p has impossible fragments"),
        (with_rules(hold_advance_ps=-1), "a.p has an impossible hold advance"),
        (with_rules(gates=(GATES, GATES)), "a.p has gate lists in disorder"),
        (with_gates(cycle_ps=0), "impossible base, cycle or extension"),
        (with_gates(extension_ps=-1), "impossible base, cycle or extension"),
        (with_gates(base_ps=-(1 << 61)), "impossible base, cycle or extension"),
        (with_gates(entries=()), "without entries"),
        (with_gates(entries=(GateEntry(duration_ps=0, open_queues=1),)), "an impossible one"),
        (with_hops(lambda hop: replace(hop, cut_through_octets=0)), "before anything is received"),
        (
            with_hops(lambda hop: replace(hop, cut_through_octets=64), position=0),
            "hop 0 of stream s cuts through at its talker",
        ),
        (
            with_hops(lambda hop: replace(hop, added_octets=4), position=0),
            "and takes octets away",
        ),
        (
            with_hops(lambda hop: replace(hop, reception=Reception()), position=0),
            "what is looked at as a whole",
        ),
        (merged(), "what is looked at as a whole"),
        (interruptible(), "what may be interrupted"),
        (faster_behind(), "to a faster wire"),
        (with_scheduler(committed_bps=0), "scheduler a of b is impossible"),
        (with_scheduler(committed_burst_octets=0), "scheduler a of b is impossible"),
        (with_clocks(interval_ps=0), "impossible intervals"),
        (with_clocks(pdelay_interval_ps=10**15 + 1), "impossible intervals"),
        (with_clocks(grandmaster="b"), "the first clock is not the grandmaster's"),
        (with_clocks(clocks=()), "the first clock is not the grandmaster's"),
        (with_clock(node="a"), "the clock of a is there twice"),
        (with_clock(parent="c"), "the clock of b is before its parent"),
        (with_clock(drift_ppb=-1), "the clock of b is impossible"),
        (with_clock(residence_ps=10**15 + 1), "the clock of b is impossible"),
    ],
)
def test_refuses(plan: Plan, fault: str) -> None:
    with pytest.raises(ValueError, match="the plan breaks its contract") as error:
        check_plan(plan)
    assert fault in str(error.value)


def test_schedulers_of_one_name_are_one() -> None:
    plan = good_plan()
    other = replace(SCHEDULER, committed_bps=2 * 10**6)
    hop = replace(plan.streams[1].hops[0], reception=Reception(scheduler=other))
    stream = replace(plan.streams[1], name="u", hops=(hop,))
    with pytest.raises(ValueError, match="scheduler a of b is there with different values"):
        check_plan(replace(plan, streams=(*plan.streams, stream)))

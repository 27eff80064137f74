# SPDX-License-Identifier: Apache-2.0
"""Evidence against evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netplan.design.findings import DesignError
from netplan.media.interface import GrantMechanism, ServiceCurve, TermKind
from netplan.plan.model import ChainStage, PlannedChain
from netplan.verdict.evidence import ChainBound, ChainObservation
from netplan.verdict.judge import contradictions, judge
from support.small_plans import US, PlanBuilder, term


def texts(plan: Any, bound: Any, run: Any) -> list[str]:
    return [one.text() for one in contradictions(plan, bound, run)]


def test_agreement(made: Any) -> None:
    run = made.run(made.seen((17 * US, 5), (80 * US, 1)))
    assert texts(made.plan(), made.bound(made.bound_row()), run) == []
    assert texts(made.plan(), None, run) == []
    assert texts(made.plan(), made.bound(made.bound_row()), None) == []


def test_a_frame_above_the_bound(made: Any) -> None:
    run = made.run(made.seen((60 * US, 5), (80 * US + 1, 1)))
    (text,) = texts(made.plan(), made.bound(made.bound_row()), run)
    assert (
        text
        == "video to plc: a simulated frame took 80000001 ps, more than the bound of 80000000 ps"
    )


def test_a_frame_faster_than_possible(made: Any) -> None:
    run = made.run(made.seen((17 * US - 1, 1), (60 * US, 5)))
    (text,) = texts(made.plan(), made.bound(made.bound_row()), run)
    assert "less than the least possible" in text


def test_a_loss_where_no_queue_overflows(made: Any) -> None:
    run = made.run(made.seen((60 * US, 5), lost=1))
    (text,) = texts(made.plan(), made.bound(made.bound_row()), run)
    assert "no queue overflows" in text
    row = made.bound_row(loss_free=False, why="small")
    assert texts(made.plan(), made.bound(row), run) == []


def test_a_longer_wait_at_the_talker(made: Any) -> None:
    run = made.run(made.seen((60 * US, 5), max_talker_wait_ps=2 * US + 1))
    (text,) = texts(made.plan(), made.bound(made.bound_row()), run)
    assert "waited 2000001 ps at its talker" in text


def test_more_octets_waited_than_can(made: Any) -> None:
    run = made.run(made.seen((60 * US, 5)), backlogs=(1000, 3001))
    (text,) = texts(made.plan(), made.bound(made.bound_row()), run)
    assert text.startswith("sw.p2: 3001 octets waited")


def test_more_octets_waited_in_a_queue_than_can(made: Any) -> None:
    run, bound = made.run(made.seen((60 * US, 5))), made.bound(made.bound_row())
    seen = replace(run.egresses[1], queue_backlog_octets=(800, 601, 99))
    proven = replace(bound.egresses[1], queue_backlog_octets=(800, 600, None))
    run = replace(run, egresses=(run.egresses[0], seen))
    bound = replace(bound, egresses=(bound.egresses[0], proven))
    (text,) = texts(made.plan(), bound, run)
    assert text.startswith("queue 1 of sw.p2: 601 octets waited")


def radio_builder(cycle_ps: int = 100 * US, **stream: Any) -> PlanBuilder:
    """The talker sends by radio grants; one failure may hold up what a cycle brings."""
    mechanism = GrantMechanism(
        cycle_ps=cycle_ps, openings_ps=(0,), phase_ps=None, quota_octets=2500, overhead_octets=0,
        fragments=True, serial_bps=0, burst_ps=10 * US,
    )  # fmt: skip
    curve = ServiceCurve(
        rate_bps=200_000_000, latency_ps=100 * US, source="test", exceedance_probability=1e-3
    )
    builder = PlanBuilder().grants("cam.p1", mechanism, curve).wire("sw.p2").wire("hmi.p1")
    options: dict[str, Any] = {"messages": ((1000,),), "period_ps": 100 * US, **stream}
    return builder.stream("video", [("cam.p1", "sw"), ("sw.p2", "plc")], **options)


def test_a_bound_with_probability_is_tested_by_counting(made: Any) -> None:
    """Late may be one of 1,000, so 10 of 10,000; frames count in pairs, as a cycle holds up two."""
    plan = made.plan(builder=radio_builder())
    bound = made.bound(made.bound_row(exceedance_probability=1e-3))
    few = made.run(made.seen((60 * US, 9990), (90 * US, 10)))
    assert texts(plan, bound, few) == []
    # 40 pairs of 5,000 where 5 are expected: far beyond 1 - 1e-6.
    many = made.run(made.seen((60 * US, 9920), (90 * US, 80)))
    (text,) = texts(plan, bound, many)
    assert text.startswith("video to plc: 80 of 10000 simulated frames were later than the bound")


def test_frames_late_together_are_one_hit(made: Any) -> None:
    """A cycle of 10 ms holds up 101 messages at once: 80 late frames are one event, or none."""
    plan = made.plan(builder=radio_builder(cycle_ps=10_000 * US))
    bound = made.bound(made.bound_row(exceedance_probability=1e-3))
    run = made.run(made.seen((60 * US, 9920), (90 * US, 80)))
    assert texts(plan, bound, run) == []


def test_a_wired_stream_beside_late_radio_frames_may_be_late_as_often(made: Any) -> None:
    """The bound of ``log`` has no probability of its own, but radio frames may bunch up before it."""
    builder = radio_builder().stream(
        "log", [("sw.p2", "plc")], messages=((500,),), period_ps=100 * US
    )
    plan = made.plan(builder=builder)
    rows = (
        made.bound_row(exceedance_probability=1e-3),
        made.bound_row(stream_index=1, hops=()),
    )
    seen = (
        made.seen((60 * US, 10_000)),
        made.seen((60 * US, 9995), (90 * US, 5), stream_index=1),
    )
    bound = made.bound(*rows, loads=(0.1,) * 3, backlogs=(10**6,) * 3)
    assert texts(plan, bound, made.run(*seen)) == []
    seen = (seen[0], made.seen((60 * US, 9900), (90 * US, 100), stream_index=1))
    (text,) = texts(plan, bound, made.run(*seen))
    assert text.startswith("log to plc: 100 of 10000")


def chain(made: Any) -> Any:
    stage = ChainStage(
        stream_index=0, listener_index=0, task_cycle_ps=0, task_phase_ps=None, task_work_ps=0
    )
    return made.plan(chains=[PlannedChain(name="stop", stages=(stage,))])


@pytest.mark.parametrize(
    ("least_us", "largest_us", "found"),
    [(17, 180, 0), (17, 181, 1), (16, 180, 1), (16, 181, 2)],
)
def test_chains(made: Any, least_us: int, largest_us: int, found: int) -> None:
    bound = ChainBound(
        chain_index=0, bound_ps=180 * US, minimum_ps=17 * US,
        terms=(term(TermKind.QUEUEING, 0, 180 * US),), exceedance_probability=0.0,
    )  # fmt: skip
    seen = ChainObservation(
        chain_index=0, reactions=5, min_ps=least_us * US, mean_ps=50.0, max_ps=largest_us * US
    )
    run = made.run(made.seen((60 * US, 5)), chains=[seen])
    evidence = made.bound(made.bound_row(), chains=[bound])
    assert len(texts(chain(made), evidence, run)) == found
    lossy = made.bound(made.bound_row(loss_free=False, why="small"), chains=[bound])
    assert len(texts(chain(made), lossy, run)) == (least_us == 16)


def test_evidence_of_another_design_is_refused(made: Any) -> None:
    bound = replace(made.bound(made.bound_row()), design_hash="f" * 64)
    with pytest.raises(DesignError, match="EVIDENCE-OTHER-DESIGN"):
        judge(made.plan(made.target()), bound, None)
    run = replace(made.run(), design_hash="f" * 64)
    with pytest.raises(DesignError, match="the simulation was made from another design"):
        judge(made.plan(made.target()), None, run)

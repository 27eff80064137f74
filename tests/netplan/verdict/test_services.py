# SPDX-License-Identifier: Apache-2.0
"""Verdicts on loss, rate and availability, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netplan.plan.model import Plan, PlannedLink, PlannedNode
from netplan.verdict.evidence import BoundEvidence, SimulatedEvidence
from netplan.verdict.judge import Outcome, judge
from support.small_plans import GBIT, MBIT, US


def one(plan: Plan, bound: BoundEvidence | None, simulated: SimulatedEvidence | None) -> Any:
    """The verdict on the only target."""
    (verdict,) = judge(plan, bound, simulated)
    return verdict


def offer(made: Any, quantity: str, limit: float, unit: str) -> Any:
    return made.target(
        limit, subject="uplink", subject_kind="offer", direction="forward", quantity=quantity,
        statistic="mean" if unit == "bps" else "ratio", unit=unit,
    )  # fmt: skip


def test_no_queue_overflows_so_nothing_is_lost(made: Any) -> None:
    verdict = one(made.plan(offer(made, "loss", 1e-4, "ratio")), made.bound(made.bound_row()), None)
    assert (verdict.outcome, verdict.bound, verdict.margin) == (Outcome.MET, 0.0, 1e-4)
    assert "no queue on the way can overflow" in verdict.why.lower()


def test_radio_loses_at_most_its_exceedance_probability(made: Any) -> None:
    bound = made.bound(made.bound_row(exceedance_probability=2e-5))
    verdict = one(made.plan(offer(made, "loss", 1e-4, "ratio")), bound, None)
    assert (verdict.outcome, verdict.margin) == (Outcome.MET, 8e-5)
    verdict = one(made.plan(offer(made, "loss", 1e-5, "ratio")), bound, None)
    assert (verdict.outcome, verdict.margin) == (Outcome.NOT_PROVEN, -1e-5)


def test_a_queue_that_may_overflow_proves_nothing(made: Any) -> None:
    bound = made.bound(
        made.bound_row(loss_free=False, why="sw.p2 has room for 100 octets"), buffer_octets=2500
    )
    verdict = one(made.plan(offer(made, "loss", 1e-4, "ratio")), bound, None)
    assert (verdict.outcome, verdict.bound, verdict.binding) == (Outcome.NOT_PROVEN, None, "sw.p2")


def test_no_loss_in_a_short_run_shows_a_ratio_and_what_is_missing(made: Any) -> None:
    """600 frames show 0.00498 at most; 1e-4 takes 29,956."""
    verdict = one(
        made.plan(offer(made, "loss", 1e-4, "ratio")), None, made.run(made.seen((60 * US, 600)))
    )
    assert (verdict.outcome, verdict.simulated) == (Outcome.NOT_PROVEN, 0.0)
    assert verdict.upper == pytest.approx(0.00498, rel=1e-3)
    assert verdict.needed_count == 29_956
    assert "a loss of at most 0.00499 at 95 % confidence" in verdict.why
    assert "29,356 more frames" in verdict.why


def test_enough_frames_without_loss_show_it(made: Any) -> None:
    run = made.run(made.seen((60 * US, 29_956)))
    assert one(made.plan(offer(made, "loss", 1e-4, "ratio")), None, run).outcome is Outcome.MET
    run = made.run(made.seen((60 * US, 29_955)))
    assert (
        one(made.plan(offer(made, "loss", 1e-4, "ratio")), None, run).outcome is Outcome.NOT_PROVEN
    )


def test_loss_is_refuted_with_confidence_only(made: Any) -> None:
    """Limit 1 %: 11 of 1,000 lost leave it open, 20 of 1,000 refute it."""
    plan = made.plan(offer(made, "loss", 0.01, "ratio"))
    assert (
        one(plan, None, made.run(made.seen((60 * US, 989), lost=11))).outcome is Outcome.NOT_PROVEN
    )
    verdict = one(plan, None, made.run(made.seen((60 * US, 980), lost=20)))
    assert verdict.outcome is Outcome.MISSED
    assert verdict.margin is not None
    assert verdict.margin < 0


def test_one_lost_frame_refutes_no_loss_at_all(made: Any) -> None:
    plan = made.plan(offer(made, "loss", 0.0, "ratio"))
    assert one(plan, None, made.run(made.seen((60 * US, 999), lost=1))).outcome is Outcome.MISSED
    assert one(plan, None, made.run(made.seen((60 * US, 999)))).outcome is Outcome.NOT_PROVEN


def rate_plan(made: Any, **stream: Any) -> Any:
    """1,000 octets every 100 us are 80 Mbit/s of frames."""
    return made.plan(offer(made, "rate", 80 * MBIT, "bps"), builder=made.builder(**stream))


def test_the_rate_is_what_is_sent_and_what_is_left(made: Any) -> None:
    """The wire carries 1,020 octets for each frame: 90 % left are 900 * 1000 / 1020 Mbit/s."""
    verdict = one(rate_plan(made), made.bound(made.bound_row()), None)
    assert verdict.outcome is Outcome.MET
    assert verdict.bound == 80 * MBIT + int(0.9 * GBIT * 1000 / 1020)
    assert verdict.margin == int(0.9 * GBIT * 1000 / 1020)


def test_an_overloaded_wire_does_not_carry_the_rate(made: Any) -> None:
    bound = made.bound(made.bound_row(None, why="overload"), loads=(0.1, 1.05), backlogs=(1, None))
    verdict = one(rate_plan(made), bound, None)
    assert (verdict.outcome, verdict.binding) == (Outcome.MISSED, "sw.p2")
    assert verdict.margin is not None
    assert verdict.margin < 0


def test_a_rate_with_possible_loss_is_not_proven(made: Any) -> None:
    bound = made.bound(made.bound_row(loss_free=False, why="small buffer"))
    verdict = one(rate_plan(made), bound, None)
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert "small buffer" in verdict.why


def test_the_rate_in_a_run_is_what_was_delivered(made: Any) -> None:
    """Loss of 1 % allowed: 20 of 1,000 lost refute the rate, none of 10,000 in 1 s show it."""
    run = made.run(made.seen((60 * US, 980), lost=20))
    verdict = one(rate_plan(made, allowed_miss_ratio=0.01), None, run)
    assert (verdict.outcome, verdict.simulated) == (Outcome.MISSED, 78_400_000)
    run = made.run(made.seen((60 * US, 10_000)))
    verdict = one(rate_plan(made, allowed_miss_ratio=0.01), None, run)
    assert (verdict.outcome, verdict.simulated) == (Outcome.MET, 80 * MBIT)


def test_frames_that_pile_up_do_not_show_a_rate(made: Any) -> None:
    """9,000 of the 10,000 frames of one second came out and none was dropped."""
    run = made.run(made.seen((60 * US, 9000)))
    verdict = one(rate_plan(made, allowed_miss_ratio=0.01), None, run)
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert "pile up" in verdict.why


def test_availability_is_the_product_of_the_way(made: Any) -> None:
    """0.9999 * 0.9998 * 0.9997 = 0.99940011 (...), and both links never fail."""
    verdict = one(made.plan(offer(made, "availability", 0.999, "ratio")), None, None)
    assert verdict.outcome is Outcome.MET
    assert verdict.bound == pytest.approx(0.9999 * 0.9998 * 0.9997, rel=1e-15)
    assert verdict.binding == "plc"
    assert verdict.margin == pytest.approx(0.00040011, rel=1e-4)
    verdict = one(made.plan(offer(made, "availability", 0.9995, "ratio")), None, None)
    assert verdict.outcome is Outcome.MISSED


def test_availability_names_what_has_none(made: Any) -> None:
    plan = made.plan(offer(made, "availability", 0.999, "ratio"))
    nodes = tuple(replace(node, availability_ratio=None) for node in plan.nodes)
    verdict = one(replace(plan, nodes=nodes), None, None)
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert "no time between failures is stated for cam, sw, plc" in verdict.why.lower()


def test_passive_nodes_count_for_availability(made: Any) -> None:
    """A splitter between two hops of the plan is found by the links."""
    plan = made.plan(offer(made, "availability", 0.99, "ratio"))
    splitter = PlannedNode(
        name="split", role="splitter", model="1x8", zone="", position_m=None, availability_ratio=0.5
    )
    links = tuple(
        PlannedLink(ends=ends, medium="g652d", line_bps=GBIT, availability_ratio=1.0)
        for ends in (("cam.p1", "split.in"), ("split.out1", "sw.p1"), ("sw.p2", "plc.p1"))
    )
    verdict = one(replace(plan, nodes=(*plan.nodes, splitter), links=links), None, None)
    assert (verdict.outcome, verdict.binding) == (Outcome.MISSED, "split")


def test_a_rate_needs_a_curve_everywhere(made: Any) -> None:
    plan = rate_plan(made)
    bound = replace(made.bound(made.bound_row(None, why="no curve at cam.p1")), egresses=())
    verdict = one(plan, bound, None)
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert "no curve at cam.p1" in verdict.why

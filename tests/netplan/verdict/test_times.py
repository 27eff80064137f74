# SPDX-License-Identifier: Apache-2.0
"""Verdicts on latency, variation, update interval and reaction time, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netplan.exit_status import ExitStatus
from netplan.media.interface import GrantMechanism, NoService, ServiceCurve, TermKind
from netplan.plan.model import ChainStage, Plan, PlannedChain
from netplan.verdict.evidence import BoundEvidence, ChainBound, ChainObservation, SimulatedEvidence
from netplan.verdict.judge import Outcome, exit_status, judge
from support.small_plans import NS, US, PlanBuilder, term


def one(plan: Plan, bound: BoundEvidence | None, simulated: SimulatedEvidence | None) -> Any:
    """The verdict on the only target."""
    (verdict,) = judge(plan, bound, simulated)
    return verdict


def test_met_when_the_bound_is_within_the_limit(made: Any) -> None:
    verdict = one(made.plan(made.target()), made.bound(made.bound_row()), None)
    assert verdict.outcome is Outcome.MET
    assert verdict.bound == 80 * US
    assert verdict.margin == 20 * US
    assert verdict.decided_by == "bound"
    assert verdict.binding == "sw.p2"  # 50 us of the 80
    assert "never to exceed 80 us" in verdict.why


def test_a_bound_equal_to_the_limit_is_within_it(made: Any) -> None:
    bound = made.bound(made.bound_row(100 * US))
    assert one(made.plan(made.target()), bound, None).margin == 0
    bound = made.bound(made.bound_row(100 * US + 1))
    assert one(made.plan(made.target()), bound, None).outcome is Outcome.NOT_PROVEN


def test_a_bound_above_the_limit_alone_is_no_miss(made: Any) -> None:
    verdict = one(
        made.plan(made.target(70 * US)),
        made.bound(made.bound_row()),
        made.run(made.seen((60 * US, 1000))),
    )
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert verdict.margin == -10 * US
    assert verdict.simulated == 60 * US
    assert "10 us above the limit, most of it at sw.p2 (37 us of queueing)" in verdict.why
    assert "the largest latency of 1,000 simulated frames is 60 us" in verdict.why


def test_missed_with_a_witness(made: Any) -> None:
    verdict = one(
        made.plan(made.target(70 * US)),
        made.bound(made.bound_row()),
        made.run(made.seen((60 * US, 999), (72 * US, 1))),
    )
    assert verdict.outcome is Outcome.MISSED
    assert verdict.margin == -2 * US
    assert verdict.binding == "sw.p2"  # 20 us of the slowest frame's 30
    assert "72 us, 2 us above the limit (the frame released at 12.5 ms)" in verdict.why


def test_a_run_alone_proves_no_largest_value(made: Any) -> None:
    verdict = one(made.plan(made.target()), None, made.run(made.seen((60 * US, 10**6))))
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert verdict.margin is None
    assert "a run alone cannot prove" in verdict.why


def test_no_evidence_says_so(made: Any) -> None:
    verdict = one(made.plan(made.target()), None, None)
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert "No evidence was gathered" in verdict.why


def test_a_lost_frame_is_a_late_frame(made: Any) -> None:
    verdict = one(
        made.plan(made.target()),
        made.bound(made.bound_row(loss_free=False, why="sw.p2 has room for 100 octets")),
        made.run(made.seen((60 * US, 997), lost=3)),
    )
    assert verdict.outcome is Outcome.MISSED
    assert verdict.margin is None
    assert "3 of 1,000 simulated frames were lost" in verdict.why


def test_frames_that_may_be_lost_keep_a_deadline_unproven(made: Any) -> None:
    row = made.bound_row(loss_free=False, why="sw.p2 has room for 100 octets")
    verdict = one(made.plan(made.target()), made.bound(row), None)
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert "frames may be lost: sw.p2 has room for 100 octets" in verdict.why


def test_an_offer_s_delay_is_that_of_delivered_frames(made: Any) -> None:
    target = made.target(subject_kind="offer", direction="forward")
    row = made.bound_row(loss_free=False, why="small buffer")
    run = made.run(made.seen((60 * US, 997), lost=3))
    assert one(made.plan(target), made.bound(row), run).outcome is Outcome.MET


def test_missed_when_nothing_can_be_that_fast(made: Any) -> None:
    verdict = one(made.plan(made.target(15 * US)), made.bound(made.bound_row()), None)
    assert verdict.outcome is Outcome.MISSED
    assert verdict.margin == -2 * US  # 15 - 17
    assert "cannot be less than 17 us, 2 us more than the limit" in verdict.why


def test_missed_when_a_wire_is_overloaded(made: Any) -> None:
    row = made.bound_row(None, why="sw.p2 is overloaded")
    bound = made.bound(row, loads=(0.1, 1.2), backlogs=(100, None))
    verdict = one(made.plan(made.target()), bound, None)
    assert verdict.outcome is Outcome.MISSED
    assert verdict.binding == "sw.p2"
    assert verdict.why.startswith("sw.p2 is offered 120 % of what it can carry")


def test_overload_below_the_stream_s_priority_is_no_miss(made: Any) -> None:
    """Of 120 % offered, the low queue brings nine parts in ten: 12 % at the stream's priority."""
    builder = made.builder(pcp=7).stream(
        "bulk", [("sw.p2", "plc")], messages=((1000,) * 9,), period_ps=100 * US, pcp=0
    )
    bound = made.bound(made.bound_row(), loads=(0.1, 1.2), backlogs=(100, None))
    assert one(made.plan(made.target(), builder=builder), bound, None).outcome is Outcome.MET


def test_overload_of_what_grants_are_sure_to_carry_is_no_miss(made: Any) -> None:
    """The curve promises half of what the grants can carry, so 120 % of it may well fit."""
    mechanism = GrantMechanism(
        cycle_ps=100 * US, openings_ps=(0,), phase_ps=None, quota_octets=2500, overhead_octets=0,
        fragments=True, serial_bps=0, burst_ps=10 * US,
    )  # fmt: skip
    curve = ServiceCurve(rate_bps=100_000_000, latency_ps=100 * US, source="test")
    builder = PlanBuilder().grants("cam.p1", mechanism, curve).wire("sw.p2")
    builder.stream(
        "video", [("cam.p1", "sw"), ("sw.p2", "plc")], messages=((1500,),), period_ps=100 * US
    )
    bound = made.bound(made.bound_row(None, why="too much"), loads=(1.2, 0.1), backlogs=(None, 1))
    verdict = one(made.plan(made.target(), builder=builder), bound, None)
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert verdict.why == "There is no bound: too much."
    # 300 % of the promise is 150 % of everything: 2,500 octets in 100 us are 200 Mbit/s.
    bound = made.bound(made.bound_row(None, why="too much"), loads=(3.0, 0.1), backlogs=(None, 1))
    verdict = one(made.plan(made.target(), builder=builder), bound, None)
    assert verdict.outcome is Outcome.MISSED
    assert "150 %" in verdict.why


def test_no_bound_says_why_and_where(made: Any) -> None:
    builder = made.builder()
    radio = replace(builder.egresses[1], service=NoService(because="misses are not stated"))
    builder.egresses[1] = radio
    row = made.bound_row(None, why="a radio transmission fails; state the tolerated share")
    verdict = one(made.plan(made.target(), builder=builder), made.bound(row), None)
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert verdict.binding == "sw.p2"
    assert "state the tolerated share" in verdict.why


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [(0.0, Outcome.NOT_PROVEN), (1e-6, Outcome.NOT_PROVEN), (1e-5, Outcome.MET)],
)
def test_a_bound_with_probability_needs_misses_that_allow_it(
    made: Any, allowed: float, expected: Outcome
) -> None:
    plan = made.plan(made.target(), builder=made.builder(allowed_miss_ratio=allowed))
    verdict = one(plan, made.bound(made.bound_row(exceedance_probability=1e-5)), None)
    assert verdict.outcome is expected
    assert verdict.exceedance_probability == 1e-5
    assert "a share of 1e-05" in verdict.why


def test_a_percentile_is_met_by_a_bound_of_that_probability(made: Any) -> None:
    plan = made.plan(made.target(statistic="p99.9"))
    assert (
        one(plan, made.bound(made.bound_row(exceedance_probability=1e-3)), None).outcome
        is Outcome.MET
    )
    row = made.bound_row(exceedance_probability=2e-3)
    assert one(plan, made.bound(row), None).outcome is Outcome.NOT_PROVEN


def test_allowed_misses_are_shown_by_enough_frames(made: Any) -> None:
    plan = made.plan(made.target(), builder=made.builder(allowed_miss_ratio=1e-3))
    verdict = one(plan, None, made.run(made.seen((60 * US, 2994))))
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert verdict.needed_count == 2995
    assert "needs at least 2,995 (1 more)" in verdict.why
    verdict = one(plan, None, made.run(made.seen((60 * US, 2995))))
    assert verdict.outcome is Outcome.MET
    assert verdict.decided_by == "simulated"
    assert verdict.margin == 40 * US
    assert verdict.sample_count == 2995


def test_allowed_misses_are_refuted_only_with_confidence(made: Any) -> None:
    """Allowed 1 % of 1,000: 11 late have P(Binomial(1000, 0.01) >= 11) = 0.42, 20 late 0.003."""
    plan = made.plan(made.target(), builder=made.builder(allowed_miss_ratio=0.01))
    verdict = one(plan, None, made.run(made.seen((60 * US, 989), (120 * US, 11))))
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert "11 of 1,000 simulated frames were late" in verdict.why
    verdict = one(plan, None, made.run(made.seen((60 * US, 980), (120 * US, 20))))
    assert verdict.outcome is Outcome.MISSED
    assert verdict.lower == 120 * US
    verdict = one(plan, None, made.run(made.seen((60 * US, 980), lost=20)))
    assert verdict.outcome is Outcome.MISSED
    assert "20 of 1,000 simulated frames were lost" in verdict.why


def test_open_statistics_say_how_many_more_samples_would_do(made: Any) -> None:
    """One late frame of 400 with 1 % allowed: 473 frames with one late one would show it."""
    plan = made.plan(made.target(), builder=made.builder(allowed_miss_ratio=0.01))
    verdict = one(plan, None, made.run(made.seen((60 * US, 399), (120 * US, 1))))
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert verdict.needed_count == 473
    assert "73 more simulated frames without a late one" in verdict.why


def test_a_percentile_has_no_value_below_its_samples(made: Any) -> None:
    plan = made.plan(made.target(statistic="p99.9"))
    verdict = one(plan, None, made.run(made.seen((60 * US, 2994))))
    assert (verdict.outcome, verdict.simulated) == (Outcome.NOT_PROVEN, None)
    assert (verdict.sample_count, verdict.needed_count) == (2994, 2995)
    verdict = one(plan, None, made.run(made.seen((60 * US, 2995))))
    assert (verdict.outcome, verdict.simulated) == (Outcome.MET, 60 * US)


def test_a_percentile_far_above_the_limit_is_missed_with_few_samples(made: Any) -> None:
    """Ten frames, all late: at 95 % the median is late, let alone the 99th percentile."""
    plan = made.plan(made.target(statistic="p99"))
    verdict = one(plan, None, made.run(made.seen((120 * US, 10))))
    assert verdict.outcome is Outcome.MISSED
    assert verdict.margin == -20 * US


def test_the_mean(made: Any) -> None:
    plan = made.plan(made.target(statistic="mean"))
    verdict = one(plan, made.bound(made.bound_row()), None)
    assert verdict.outcome is Outcome.MET
    verdict = one(plan, None, made.run(made.seen((60 * US, 5000), (120 * US, 1000))))
    assert verdict.outcome is Outcome.MET  # 70 us, s = 22 us, far from the limit
    assert verdict.simulated == 70 * US
    verdict = one(plan, None, made.run(made.seen((60 * US, 1000), (160 * US, 5000))))
    assert verdict.outcome is Outcome.MISSED
    verdict = one(plan, None, made.run(made.seen((60 * US, 999))))
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert "too few" in verdict.why


def test_application_latency_adds_hosts_and_the_talker_s_wait(made: Any) -> None:
    """80 us from port to port, 2 us wait, hosts up to 10 and 20 us: 112 us, at least 17 + 1 + 2."""
    builder = made.builder()
    builder.streams[0] = replace(
        builder.streams[0],
        talker_host=(term(TermKind.PROCESSING, 1 * US, 10 * US),),
        listener_host=((term(TermKind.PROCESSING, 2 * US, 20 * US),),),
    )
    plan = made.plan(made.target(120 * US, application=True), builder=builder)
    verdict = one(plan, made.bound(made.bound_row()), None)
    assert (verdict.outcome, verdict.bound, verdict.margin) == (Outcome.MET, 112 * US, 8 * US)
    # Seen from release: 119 us and the hosts' least 3 us are a witness against 120 us.
    run = made.run(made.seen((100 * US, 10), max_application_ps=119 * US))
    verdict = one(plan, None, run)
    assert (verdict.outcome, verdict.simulated) == (Outcome.MISSED, 122 * US)
    plan = made.plan(made.target(19 * US, application=True), builder=builder)
    verdict = one(plan, made.bound(made.bound_row()), None)
    assert verdict.outcome is Outcome.MISSED
    assert verdict.margin == -1 * US


def test_a_percentile_between_applications_allows_for_waits(made: Any) -> None:
    """60 us, wait up to 1 us, preamble 64 ns, hosts up to 30 us: at most 91.064 us."""
    builder = made.builder()
    builder.streams[0] = replace(
        builder.streams[0], listener_host=((term(TermKind.PROCESSING, 2 * US, 30 * US),),)
    )
    plan = made.plan(made.target(statistic="p99", application=True), builder=builder)
    verdict = one(plan, None, made.run(made.seen((60 * US, 1000))))
    assert verdict.upper == 91 * US + 64 * NS
    assert verdict.lower == 62 * US


def test_variation_is_largest_minus_least(made: Any) -> None:
    plan = made.plan(made.target(65 * US, quantity="variation"))
    verdict = one(
        plan, made.bound(made.bound_row()), made.run(made.seen((20 * US, 9), (60 * US, 1)))
    )
    assert verdict.outcome is Outcome.MET
    assert verdict.bound == 63 * US  # 80 - 17
    assert verdict.simulated == 40 * US
    plan = made.plan(made.target(30 * US, quantity="variation"))
    verdict = one(
        plan, made.bound(made.bound_row()), made.run(made.seen((20 * US, 9), (60 * US, 1)))
    )
    assert (verdict.outcome, verdict.margin) == (Outcome.MISSED, -10 * US)


def test_variation_of_a_percentile_counts_from_the_least_latency(made: Any) -> None:
    plan = made.plan(made.target(30 * US, quantity="variation", statistic="p99"))
    verdict = one(plan, None, made.run(made.seen((20 * US, 5000), (40 * US, 5000), (90 * US, 1))))
    assert (verdict.outcome, verdict.simulated) == (Outcome.MET, 20 * US)
    assert "99th percentile of the variation" in verdict.why


def test_variation_does_not_ask_for_lost_frames(made: Any) -> None:
    plan = made.plan(made.target(65 * US, quantity="variation"))
    row = made.bound_row(loss_free=False, why="small buffer")
    assert (
        one(plan, made.bound(row), made.run(made.seen((20 * US, 9), lost=5))).outcome is Outcome.MET
    )


def interval(made: Any, limit_ps: int) -> Any:
    return made.target(
        limit_ps, quantity="update interval", subject_kind="relation", period_ps=100 * US
    )


def test_the_update_interval_adds_period_variation_jitter_and_wait(made: Any) -> None:
    """100 us period + (80 - 17) variation + 4 jitter + 2 wait at the talker = 169 us."""
    plan = made.plan(interval(made, 170 * US), builder=made.builder(jitter_ps=4 * US))
    verdict = one(plan, made.bound(made.bound_row()), made.run(made.seen((60 * US, 11))))
    assert (verdict.outcome, verdict.bound) == (Outcome.MET, 169 * US)
    assert verdict.simulated == 110 * US
    assert verdict.sample_count == 10


def test_the_update_interval_is_missed_by_one_gap(made: Any) -> None:
    plan = made.plan(interval(made, 105 * US))
    verdict = one(plan, made.bound(made.bound_row()), made.run(made.seen((60 * US, 11))))
    assert (verdict.outcome, verdict.margin) == (Outcome.MISSED, -5 * US)


def test_no_interval_can_be_below_the_period(made: Any) -> None:
    verdict = one(made.plan(interval(made, 99 * US)), made.bound(made.bound_row()), None)
    assert verdict.outcome is Outcome.MISSED
    assert "cannot be less than 100 us" in verdict.why


def test_a_talker_that_may_pause_has_no_interval(made: Any) -> None:
    plan = made.plan(interval(made, 300 * US), builder=made.builder(sporadic=True))
    verdict = one(plan, made.bound(made.bound_row()), None)
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert "the talker may pause" in verdict.why


def test_an_interval_with_allowed_misses_is_shown_by_enough_gaps(made: Any) -> None:
    plan = made.plan(interval(made, 120 * US), builder=made.builder(allowed_miss_ratio=0.05))
    assert one(plan, None, made.run(made.seen((60 * US, 60)))).outcome is Outcome.MET  # 59 gaps
    assert one(plan, None, made.run(made.seen((60 * US, 59)))).outcome is Outcome.NOT_PROVEN
    run = made.run(made.seen((60 * US, 1000), max_gap_ps=130 * US))
    assert one(plan, None, run).outcome is Outcome.NOT_PROVEN  # one of 999 may be


CHAIN = PlannedChain(
    name="stop",
    stages=(
        ChainStage(
            stream_index=0, listener_index=0, task_cycle_ps=0, task_phase_ps=None, task_work_ps=0
        ),
    ),
)


def chain_plan(made: Any, limit_ps: int) -> Any:
    target = made.target(
        limit_ps, subject="stop", subject_kind="chain", stream_index=-1, listener_index=-1,
        chain_index=0, quantity="reaction time",
    )  # fmt: skip
    return made.plan(target, chains=[CHAIN])


def chain_bound(bound_ps: int | None = 180 * US, **changes: Any) -> ChainBound:
    fields: dict[str, Any] = {
        "chain_index": 0, "bound_ps": bound_ps, "minimum_ps": 17 * US,
        "terms": (
            replace(term(TermKind.GATE_WAIT, 0, 100 * US), what="until video is released next"),
            replace(term(TermKind.QUEUEING, 17 * US, 80 * US), what="video on its way"),
        ),
        "exceedance_probability": 0.0, **changes,
    }  # fmt: skip
    return ChainBound(**fields)


def test_reaction_time(made: Any) -> None:
    bound = made.bound(made.bound_row(), chains=[chain_bound()])
    verdict = one(chain_plan(made, 200 * US), bound, None)
    assert (verdict.outcome, verdict.margin, verdict.binding) == (Outcome.MET, 20 * US, "video")
    seen = ChainObservation(
        chain_index=0, reactions=9, min_ps=50 * US, mean_ps=60.0 * US, max_ps=160 * US
    )
    run = made.run(made.seen((60 * US, 10)), chains=[seen])
    verdict = one(chain_plan(made, 150 * US), bound, run)
    assert (verdict.outcome, verdict.margin) == (Outcome.MISSED, -10 * US)
    verdict = one(chain_plan(made, 170 * US), bound, run)
    assert (verdict.outcome, verdict.margin) == (Outcome.NOT_PROVEN, -10 * US)
    verdict = one(chain_plan(made, 16 * US), bound, None)
    assert verdict.outcome is Outcome.MISSED


def test_a_chain_that_may_be_late_sometimes(made: Any) -> None:
    """A share of 5 %: a bound of that probability, or 59 reactions within the limit."""
    plan = chain_plan(made, 200 * US)
    plan = replace(plan, chains=(replace(CHAIN, allowed_miss_ratio=0.05),))
    bound = made.bound(made.bound_row(), chains=[chain_bound(exceedance_probability=0.05)])
    assert one(plan, bound, None).outcome is Outcome.MET
    bound = made.bound(made.bound_row(), chains=[chain_bound(exceedance_probability=0.06)])
    assert one(plan, bound, None).outcome is Outcome.NOT_PROVEN
    seen = ChainObservation(chain_index=0, reactions=59, min_ps=1, mean_ps=60.0, max_ps=160 * US)
    assert one(plan, None, made.run(chains=[seen])).outcome is Outcome.MET
    fewer = replace(seen, reactions=58)
    verdict = one(plan, None, made.run(chains=[fewer]))
    assert (verdict.outcome, verdict.needed_count) == (Outcome.NOT_PROVEN, 59)
    late = replace(seen, max_ps=210 * US)
    assert one(plan, None, made.run(chains=[late])).outcome is Outcome.NOT_PROVEN


def test_a_chain_whose_frames_may_be_lost_is_not_proven(made: Any) -> None:
    bound = made.bound(made.bound_row(loss_free=False, why="small buffer"), chains=[chain_bound()])
    verdict = one(chain_plan(made, 200 * US), bound, None)
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert "small buffer" in verdict.why


def test_a_chain_without_bound_says_why(made: Any) -> None:
    bound = made.bound(
        made.bound_row(), chains=[chain_bound(None, terms=(), why="video has no bound")]
    )
    verdict = one(chain_plan(made, 200 * US), bound, None)
    assert verdict.why == "There is no bound: video has no bound."


def test_how_a_command_ends(made: Any) -> None:
    met = one(made.plan(made.target()), made.bound(made.bound_row()), None)
    missed = replace(met, outcome=Outcome.MISSED)
    unproven = replace(met, outcome=Outcome.NOT_PROVEN)
    assert exit_status([]) is ExitStatus.OK
    assert exit_status([met]) is ExitStatus.OK
    assert exit_status([met, unproven]) is ExitStatus.NOT_PROVEN
    assert exit_status([met, unproven, missed]) is ExitStatus.MISSED

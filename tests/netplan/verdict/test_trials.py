# SPDX-License-Identifier: Apache-2.0
"""Faults and searches beside a run: what is judged by them, and how they are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netplan.verdict.evidence import RingRecovery, StreamOutage, WorstCase
from netplan.verdict.judge import Outcome, contradictions, judge
from netplan.verdict.report import render
from netplan.verdict.results import results
from netplan.verdict.table import evidence_text
from netplan.verdict.trials import outage_text, recovery_text, worst_case_text
from support.small_plans import US

MS = 1000 * US


def case(latency_ps: int) -> WorstCase:
    return WorstCase(
        stream_index=0, listener_index=0, latency_ps=latency_ps, releases_ps=(0, None),
        after="", run_count=12,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("recovered_ps", "promised_ps", "kept", "text"),
    [
        (10 * MS, 30 * MS, True, "recovered after 10 ms; 30 ms promised: kept"),
        (30 * MS, 30 * MS, True, "recovered after 30 ms; 30 ms promised: kept"),
        (31 * MS, 30 * MS, False, "recovered after 31 ms; 30 ms promised: NOT KEPT"),
        (None, 30 * MS, False, "not recovered before the next event or the end of the run; 30 ms"),
        (31 * MS, None, None, "recovered after 31 ms; no recovery time is promised"),
    ],
)
def test_a_ring_keeps_its_promise_or_not(
    recovered_ps: int | None, promised_ps: int | None, kept: bool | None, text: str
) -> None:
    one = RingRecovery(
        ring="hall", fault="down s1", at_ps=0, recovered_ps=recovered_ps, promised_ps=promised_ps
    )
    assert one.is_kept is kept
    assert recovery_text(one).startswith(f"hall, down s1: {text}")


def test_an_outage_in_words() -> None:
    outage = StreamOutage(stream_index=0, listener_index=0, lost=1, outage_ps=2 * MS, is_over=True)
    assert outage_text(outage) == "2 ms; 1 frame lost"
    assert outage_text(replace(outage, is_over=False)) == "2 ms, not over at the end; 1 frame lost"


def test_a_worst_case_in_words() -> None:
    text = worst_case_text(case(64 * US), 80 * US)
    assert text == "64 us; the bound is 1.25 times that, 16 us more (12 scenarios)"
    text = worst_case_text(replace(case(64 * US), after="node s1"), None)
    assert text == "64 us; after the loss of node s1 (12 scenarios)"


def test_what_a_search_finds_is_a_witness(made: Any) -> None:
    plan = made.plan(made.target(limit=70 * US))
    run = made.run(made.seen((17 * US, 5)), worst_cases=(case(75 * US),))
    (verdict,) = judge(plan, None, run)
    assert verdict.outcome is Outcome.MISSED
    assert "a search found one of 75 us, 5 us above the limit" in verdict.why
    (verdict,) = judge(plan, None, replace(run, worst_cases=(case(69 * US),)))
    assert verdict.outcome is Outcome.NOT_PROVEN
    assert float(verdict.simulated or 0) == 69 * US


def test_a_search_above_the_bound_is_a_contradiction(made: Any) -> None:
    run = made.run(made.seen((17 * US, 5)), worst_cases=(case(80 * US),))
    plan, bound = made.plan(), made.bound(made.bound_row())
    assert contradictions(plan, bound, run) == ()
    found = contradictions(plan, bound, replace(run, worst_cases=(case(80 * US + 1),)))
    assert "a search found a latency of 80000001 ps" in found[0].text()
    # With a fault, frames may be as late as they like.
    broken = replace(run, worst_cases=(case(80 * US + 1),), faults=("down s1 at 1 ms",))
    assert contradictions(plan, bound, broken) == ()


def test_an_exact_run_says_so_everywhere(made: Any) -> None:
    plan = made.plan(made.target(limit=70 * US))
    run = made.run(made.seen((17 * US, 5)), exact=True, duration_ps=4 * MS)
    words = "exact maximum: the state repeats within 4 ms"
    assert words in evidence_text(None, run)
    verdicts = judge(plan, None, run)
    assert words in render(plan, verdicts, None, run, made_on="today")
    assert results(plan, verdicts, None, run)["evidence"]["simulated"]["exact"] is True
    run = replace(run, exact=False)
    assert "exact maximum" not in evidence_text(None, run)
    assert results(plan, verdicts, None, run)["evidence"]["simulated"]["exact"] is False

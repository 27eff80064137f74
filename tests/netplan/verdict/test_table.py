# SPDX-License-Identifier: Apache-2.0
"""What stands on a terminal of 100 columns."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from netplan.design.findings import DesignError, Finding, Severity
from netplan.verdict.judge import judge
from netplan.verdict.table import explain_table, plan_table, verdict_table
from support.small_plans import MBIT, US


def page(encoding: str = "utf-8", width: int = 100) -> tuple[Console, io.TextIOWrapper]:
    """A console that writes to a file, as in a pipe."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(file=file, width=width), file


def text(file: io.TextIOWrapper) -> str:
    file.flush()
    buffer = file.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(file.encoding)


@pytest.fixture
def case(made: Any) -> Any:
    """One target met, one missed, one not proven."""
    builder = made.builder()
    for index in (1, 2):
        builder.streams.append(replace(builder.streams[0], name=f"video{index}"))
    plan = made.plan(
        made.target(),
        made.target(70 * US, subject="video1", stream_index=1),
        made.target(75 * US, subject="video2", stream_index=2),
        builder=builder,
        findings=(Finding(code="TEST-NOTE", severity=Severity.NOTE, message="see links[3]"),),
    )
    bound = made.bound(*(made.bound_row(stream_index=index) for index in range(3)))
    run = made.run(
        made.seen((60 * US, 1000)),
        made.seen((60 * US, 999), (72 * US, 1), stream_index=1),
        made.seen((60 * US, 1000), stream_index=2),
    )
    return plan, judge(plan, bound, run), bound, run


def test_the_summary_comes_first_and_the_worst_before_the_rest(case: Any) -> None:
    console, file = page()
    plan, verdicts, bound, run = case
    verdict_table(plan, verdicts, bound, run, console)
    lines = text(file).splitlines()
    assert lines[0] == "made up: 3 targets: 1 met, 1 missed, 1 not proven"
    assert lines[1] == "bound: made; simulated: 1 s, 3,000 frames, seed 7; emulated: not made"
    places = [
        next(number for number, line in enumerate(lines) if line.startswith(name + " "))
        for name in ("subject", "video1", "video2", "video")
    ]
    assert places == sorted(places)
    assert all(len(line) <= 100 for line in lines)
    row = lines[places[1]]
    assert all(
        part in row for part in ("plc", "latency", "70 us", "80 us", "72 us", "-2 us", "✗ missed")
    )
    assert "\x1b" not in text(file)


def test_reasons_findings_and_assumptions_follow(case: Any) -> None:
    console, file = page()
    plan, verdicts, bound, run = case
    verdict_table(plan, verdicts, bound, run, console)
    shown = " ".join(text(file).split())
    assert (
        "✗ video1 to plc, latency: The largest latency of 1,000 simulated frames is 72 us" in shown
    )
    assert "note TEST-NOTE: see links[3]" in shown  # brackets are no markup
    assert "3 assumptions" in shown


def test_a_terminal_without_signs_gets_plain_ones(case: Any) -> None:
    console, file = page("ascii")
    plan, verdicts, bound, run = case
    verdict_table(plan, verdicts, bound, run, console)
    shown = text(file)
    assert "x missed" in shown
    assert "+ met" in shown
    assert "? not proven" in shown


def test_a_loss_that_was_not_seen_is_not_shown_as_none(made: Any) -> None:
    plan = made.plan(made.target(1e-4, quantity="loss", statistic="ratio", unit="ratio"))
    run = made.run(made.seen((60 * US, 600)))
    for encoding, sign in (("utf-8", "≤"), ("ascii", "<=")):
        console, file = page(encoding)
        verdict_table(plan, judge(plan, None, run), None, run, console)
        assert f"{sign}0.00499" in text(file)


def test_only_the_worst_rows_unless_everything_is_wanted(made: Any) -> None:
    plan = made.plan(*(made.target(100 * US + index) for index in range(60)))
    bound = made.bound(made.bound_row())
    console, file = page()
    verdict_table(plan, judge(plan, bound, None), bound, None, console)
    assert "... and 35 more targets with a larger margin" in text(file)
    console, file = page()
    verdict_table(plan, judge(plan, bound, None), bound, None, console, everything=True)
    assert text(file).count("✓ met") == 60


def test_names_do_nothing_to_a_terminal(made: Any) -> None:
    plan = made.plan(made.target(subject="[red]\x1b[31mevil"), name="a\nb")
    console, file = page()
    verdict_table(plan, judge(plan, None, None), None, None, console)
    assert "\x1b" not in text(file)
    assert "[red]" in text(file)


def test_a_plan_without_targets(made: Any) -> None:
    console, file = page()
    verdict_table(made.plan(), (), None, None, console)
    assert text(file).startswith("made up: there is no target to judge")


def test_an_interrupted_run_says_so(made: Any) -> None:
    run = made.run(
        made.seen((60 * US, 5)), complete=False, interrupted=True, duration_ps=5 * 10**11
    )
    console, file = page()
    verdict_table(made.plan(), (), None, run, console)
    assert "simulated: 500 ms, 5 frames, seed 7 (interrupted: 1 s were asked for)" in text(file)


def test_rates_and_shares_have_their_units(made: Any) -> None:
    plan = made.plan(
        made.target(80 * MBIT, quantity="rate", statistic="mean", unit="bps", subject_kind="offer"),
        made.target(0.999, quantity="availability", statistic="ratio", unit="ratio"),
    )
    bound = made.bound(made.bound_row())
    console, file = page(width=120)
    verdict_table(plan, judge(plan, bound, None), bound, None, console)
    assert "80 Mbit/s" in text(file)
    assert "962.35 Mbit/s" in text(file)
    assert "99.94 %" in text(file)


def test_explain_shows_every_term_its_source_and_the_slowest_frame(made: Any) -> None:
    console, file = page()
    run = made.run(made.seen((60 * US, 9), worst_released_ps=0))
    explain_table(made.plan(), made.bound(made.bound_row()), run, "video", console)
    shown = text(file)
    assert shown.startswith("video: cam to plc, priority 5, VLAN 0")
    lines = {" ".join(line.split()) for line in shown.splitlines()}
    assert "cam.p1 serialisation test 8 us 30 us 1" in lines
    assert "queueing test 0 ns 37 us 1" in lines
    assert "this hop 9 us 50 us" in lines
    assert "all hops 17 us 80 us" in lines
    assert "source 1: test" in lines
    # Received, queued, started, delivered after release; waited, on the way.
    assert "sw.p2 10 us 12 us 20 us 30 us 8 us 10 us" in lines
    assert any(line.startswith("Slowest of 9 simulated frames: 60 us") for line in lines)
    assert all(len(line) <= 100 for line in shown.splitlines())


def test_explain_without_bound_shows_the_fixed_terms(made: Any) -> None:
    console, file = page()
    explain_table(made.plan(), None, None, "video", console)
    assert "No bound was made" in text(file)
    assert "propagation" in text(file)


def test_explain_takes_the_name_of_a_subject(made: Any) -> None:
    plan = made.plan(made.target(subject="motion1", subject_kind="relation"))
    console, file = page()
    explain_table(plan, None, None, "motion1", console)
    assert text(file).startswith("video: cam to plc")


def test_explain_proposes_the_nearest_names(made: Any) -> None:
    console, _ = page()
    with pytest.raises(DesignError, match="EXPLAIN-STREAM-UNKNOWN") as raised:
        explain_table(made.plan(), None, None, "vidoe", console)
    assert raised.value.findings[0].hint == "the nearest names are video"


def test_a_plan_as_tables(made: Any) -> None:
    console, file = page()
    plan_table(made.plan(made.target(), addresses={"cam": "fd00::1/64"}), console)
    shown = text(file)
    assert "made up: 3 nodes, 2 links, 1 stream, 1 target" in shown
    assert "cam > sw > plc" in shown
    assert "wire at 1 Gbit/s" in shown
    assert "fd00::1/64" in shown

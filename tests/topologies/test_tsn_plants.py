# SPDX-License-Identifier: Apache-2.0
"""The press line and the electronics line: what their READMEs say of them holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from emulator.replay import replay
from emulator.simulation.run import simulate
from netplan.bounds.analysis import Method, bound
from netplan.commands import planned_design
from netplan.design.load import load_design
from netplan.plan.make import make_plan
from netplan.scheduling import propose
from netplan.verdict.judge import contradictions, judge
from netplan.verdict.outcome import Outcome

PLANTS = Path(__file__).parents[2] / "topologies"
MILLISECOND_PS = 10**9


def test_shapers_alone_prove_the_electronics_line() -> None:
    plan = planned_design(PLANTS / "electronics-line")
    proof = bound(plan)
    verdicts = judge(plan, proof, None)
    assert len(verdicts) == 42
    assert {verdict.outcome for verdict in verdicts} == {Outcome.MET}
    observed = simulate(plan, seed=3, duration_ps=200 * MILLISECOND_PS)
    assert contradictions(plan, proof, observed) == ()


def test_the_press_line_is_proven_with_clocks_that_err() -> None:
    plan = planned_design(PLANTS / "press-shop-motion")
    proof = bound(plan)
    verdicts = judge(plan, proof, None)
    assert len(verdicts) == 102
    assert {verdict.outcome for verdict in verdicts} == {Outcome.MET}
    assert all(row.loss_free for row in proof.streams)
    scheduled = [row for row in proof.streams if plan.streams[row.stream_index].scheduled]
    assert {row.method for row in scheduled} == {Method.TIMED.value}
    assert plan.synchronisation is not None
    assert max(clock.error_ps for clock in plan.synchronisation.clocks) > 450_000
    observed = simulate(plan, seed=3, duration_ps=500 * MILLISECOND_PS)
    assert contradictions(plan, proof, observed) == ()
    assert sum(stream.lost for stream in observed.streams) == 0
    # Some four Sync intervals: the worst is nearly seen.
    seen = {(one.stream_index, one.listener_index): one.max_ps for one in observed.streams}
    for row in scheduled:
        largest_ps = seen[row.stream_index, row.listener_index]
        assert row.bound_ps is not None
        assert largest_ps is not None
        assert row.bound_ps <= 1.25 * largest_ps
    worst_ps = max(clock.largest_error_ps for clock in observed.clocks)
    assert worst_ps <= max(clock.error_ps for clock in plan.synchronisation.clocks)


def test_larger_pictures_may_overflow_the_historians_port() -> None:
    """As the README says: the bounds stay, what may be lost is not called met."""
    design, _ = load_design(PLANTS / "press-shop-motion" / "design.yaml")
    larger = {
        name: stream.model_copy(update={"burst_octets": 60_000})
        if name.endswith("/picture")
        else stream
        for name, stream in design.streams.items()
    }
    plan = make_plan(replace(design, streams=larger))
    proof = bound(plan)
    port = next(one for one in proof.egresses if plan.egresses[one.egress_index].name == "tail.p3")
    assert port.backlog_octets == 131_536
    unproven = [one for one in judge(plan, proof, None) if one.outcome is not Outcome.MET]
    assert len(unproven) == 8


@pytest.mark.slow
def test_the_schedule_of_the_press_line_is_what_the_command_makes() -> None:
    folder = PLANTS / "press-shop-motion"
    design, _ = load_design(folder / "design.yaml")
    proposal = propose(design)
    written = yaml.safe_load((folder / "schedule.yaml").read_text(encoding="utf-8"))
    assert proposal.section == written
    assert replay(proposal).agrees

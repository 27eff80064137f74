# SPDX-License-Identifier: Apache-2.0
"""The press line and the electronics line: what their READMEs say of them holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from emulator.replay import replay
from emulator.simulation.run import simulate
from netplan.bounds.analysis import bound
from netplan.commands import planned_design
from netplan.design.load import load_design
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


def test_nothing_is_missed_in_the_press_line() -> None:
    plan = planned_design(PLANTS / "press-shop-motion")
    proof = bound(plan)
    observed = simulate(plan, seed=3, duration_ps=20 * MILLISECOND_PS)
    assert contradictions(plan, proof, observed) == ()
    outcomes = [verdict.outcome for verdict in judge(plan, proof, observed)]
    assert Outcome.MISSED not in outcomes
    worst_ps = max(clock.largest_error_ps for clock in observed.clocks)
    assert plan.synchronisation is not None
    assert worst_ps <= max(clock.error_ps for clock in plan.synchronisation.clocks)


@pytest.mark.slow
def test_the_schedule_of_the_press_line_is_what_the_command_makes() -> None:
    folder = PLANTS / "press-shop-motion"
    design, _ = load_design(folder / "design.yaml")
    proposal = propose(design)
    written = yaml.safe_load((folder / "schedule.yaml").read_text(encoding="utf-8"))
    assert proposal.section == written
    assert replay(proposal).agrees

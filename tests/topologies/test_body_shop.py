# SPDX-License-Identifier: Apache-2.0
"""The body shop: what its README promises, checked on one second of plant time.

``expected.json`` beside the plant holds the verdict of every target. After a change that is
meant, ``python tests/topologies/test_body_shop.py`` writes it anew; read the difference.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from emulator.simulation.run import simulate
from netplan.bounds.analysis import bound
from netplan.design.design import Design
from netplan.design.findings import Severity
from netplan.design.load import load_design
from netplan.exit_status import ExitStatus
from netplan.plan.make import make_plan
from netplan.plan.model import Plan, Target
from netplan.verdict.evidence import BoundEvidence, SimulatedEvidence
from netplan.verdict.judge import Outcome, Verdict, contradictions, exit_status, judge

FOLDER = Path(__file__).parents[2] / "topologies" / "automotive-body-shop"
FILES = ("design.yaml", "overloaded.yaml")
ONE_SECOND_PS = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A design with everything that follows from it."""

    design: Design
    plan: Plan
    bound: BoundEvidence
    simulated: SimulatedEvidence
    verdicts: tuple[Verdict, ...]


@cache
def run(name: str, duration_ps: int = ONE_SECOND_PS) -> Run:
    design, findings = load_design(FOLDER / name)
    plan = make_plan(design, findings)
    proven, seen = bound(plan), simulate(plan, seed=1, duration_ps=duration_ps)
    return Run(
        design=design, plan=plan, bound=proven, simulated=seen, verdicts=judge(plan, proven, seen)
    )


def title(target: Target) -> str:
    """What tells a target from all others: ``agv1 reverse latency at fleet``."""
    words = (target.subject, target.direction, target.quantity, "at", target.listener)
    return " ".join(word for word in words if word)


def outcomes(name: str) -> dict[str, str]:
    return {title(one.target): one.outcome.value for one in run(name).verdicts}


def subjects(name: str, outcome: Outcome) -> set[str]:
    return {one.target.subject for one in run(name).verdicts if one.outcome is outcome}


def test_it_is_as_large_as_promised() -> None:
    plan = run("design.yaml").plan
    assert len(plan.nodes) >= 60
    assert len(plan.streams) >= 100
    assert sum(len(stream.listeners) > 1 for stream in plan.streams) >= 2


def test_every_medium_carries_something() -> None:
    used = {egress.medium for egress in run("design.yaml").plan.egresses}
    assert {"cat5e", "cat6a", "om3", "g652d", "xgs-pon", "5g vehicles", "iwlan panels"} <= used


@pytest.mark.parametrize("name", FILES)
def test_checking_it_finds_no_error_and_no_warning(name: str) -> None:
    bad = [one.text() for one in run(name).plan.findings if one.severity is not Severity.NOTE]
    assert not bad


@pytest.mark.parametrize("name", FILES)
def test_the_verdicts_are_those_stored(name: str) -> None:
    stored = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))[name]
    assert len(outcomes(name)) == len(run(name).plan.targets), "two targets with the same title"
    assert outcomes(name) == stored


@pytest.mark.parametrize("name", FILES)
def test_nothing_simulated_exceeds_its_bound(name: str) -> None:
    one = run(name)
    assert contradictions(one.plan, one.bound, one.simulated) == ()
    observed = {(row.stream_index, row.listener_index): row for row in one.simulated.streams}
    compared = 0
    for row in one.bound.streams:
        seen = observed[row.stream_index, row.listener_index]
        if seen.max_ps is None or seen.min_ps is None:
            continue
        label = one.plan.streams[row.stream_index].name
        assert seen.min_ps >= row.minimum_ps, label
        if row.bound_ps is not None and row.exceedance_probability == 0:
            assert seen.max_ps <= row.bound_ps, label
            assert not (row.loss_free and seen.lost), label
            compared += 1
    assert compared >= 100


def test_nothing_is_missed_as_designed() -> None:
    assert exit_status(run("design.yaml").verdicts) is ExitStatus.NOT_PROVEN
    unproven = subjects("design.yaml", Outcome.NOT_PROVEN)
    assert unproven == {"dock-clear"}


def test_a_longer_run_decides_what_one_second_cannot() -> None:
    verdicts = run("design.yaml", 30 * ONE_SECOND_PS).verdicts
    (verdict,) = [one for one in verdicts if one.target.subject == "dock-clear"]
    assert verdict.outcome is Outcome.MET
    assert verdict.decided_by == "simulated"


def test_the_overload_is_missed_for_the_reason_that_it_has() -> None:
    assert exit_status(run("overloaded.yaml").verdicts) is ExitStatus.MISSED
    missed = [one for one in run("overloaded.yaml").verdicts if one.outcome is Outcome.MISSED]
    assert [title(one.target) for one in missed] == [
        "geometry/seams1 latency at edge",
        "geometry/seams2 latency at edge",
    ]
    assert {one.binding for one in missed} == {"geometry/switch.p1"}
    assert all("105.1 %" in one.why for one in missed)


def test_the_overload_is_the_same_plant_but_for_two_streams() -> None:
    good, wrong = run("design.yaml").design, run("overloaded.yaml").design
    for group in ("sites", "routes", "zones", "conduits", "networks", "nodes", "links"):
        assert getattr(good, group) == getattr(wrong, group)
    for group in ("relations", "chains", "offers", "addressing"):
        assert getattr(good, group) == getattr(wrong, group)
    changed = {name for name in good.streams if good.streams[name] != wrong.streams[name]}
    assert changed == {"geometry/seams1", "geometry/seams2"}


if __name__ == "__main__":
    text = json.dumps({name: outcomes(name) for name in FILES}, indent=2)
    (FOLDER / "expected.json").write_text(text + "\n", encoding="utf-8")

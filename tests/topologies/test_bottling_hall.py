# SPDX-License-Identifier: Apache-2.0
"""The bottling hall: what its README says of it holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emulator.scenario import scenario
from emulator.simulation.run import simulate
from netplan.bounds.analysis import bound
from netplan.design.design import Design
from netplan.design.load import load_design
from netplan.plan.make import make_plan
from netplan.plan.model import Plan
from netplan.plan.recovered import recovered_plans
from netplan.verdict.evidence import SimulatedEvidence
from netplan.verdict.judge import contradictions, judge
from netplan.verdict.outcome import Outcome

FILE = Path(__file__).parents[2] / "topologies/bottling-hall/design.yaml"
MS = 10**9
HOP_PS = 5_760_000 + 123_360_000 + 10_000_000
"""A protocol frame of 72 octets at 100 Mbit/s, a frame that it may wait for, 10 us in the bridge."""


@pytest.fixture(scope="module")
def plant() -> tuple[Design, Plan]:
    design, _ = load_design(FILE)
    return design, make_plan(design)


def tried(plant: tuple[Design, Plan], *faults: str) -> SimulatedEvidence:
    design, plan = plant
    return simulate(plan, seed=1, duration_ps=1000 * MS, faults=scenario(design, plan, faults))


def lost(plant: tuple[Design, Plan], evidence: SimulatedEvidence) -> set[str]:
    return {plant[1].streams[row.stream_index].name for row in evidence.outages if row.lost}


def test_everything_is_proven_whatever_fails(plant: tuple[Design, Plan]) -> None:
    _, plan = plant
    proof = bound(plan)
    verdicts = judge(plan, proof, None)
    assert len(verdicts) == 15
    assert {verdict.outcome for verdict in verdicts} == {Outcome.MET}
    assert contradictions(plan, proof, tried(plant)) == ()
    for what, recovered in recovered_plans(plan):
        observed = simulate(recovered, seed=2, duration_ps=200 * MS)
        assert contradictions(recovered, proof, observed) == (), what


@pytest.mark.parametrize(
    ("fault", "recovered_ps"),
    [
        # hall2, a hop from the manager hall1, tells it after 1 ms; hall4 hears of it a hop later.
        ("cable", MS + 2 * HOP_PS),
        # A test each 3.5 ms: that of 98 ms is the last to come back, for 101.5 and 105 are missed; at
        # 108.5 ms the ring is open, and all flush 3 announcements of 0.5 ms later, hall3 two hops away.
        ("disturbed", 10 * MS + 2 * HOP_PS),
    ],
)
def test_the_ring_keeps_its_promise(
    plant: tuple[Design, Plan], fault: str, recovered_ps: int
) -> None:
    evidence = tried(plant, fault)
    (ring,) = evidence.ring_recoveries
    assert ring.recovered_ps is not None
    assert abs(ring.recovered_ps - recovered_ps) < MS // 1000  # cables
    assert ring.is_kept
    missed = {
        verdict.target.subject
        for verdict in judge(plant[1], None, evidence)
        if verdict.outcome is Outcome.MISSED
    }
    assert missed == set()


def test_hsr_loses_nothing(plant: tuple[Design, Plan]) -> None:
    evidence = tried(plant, "guards")
    assert evidence.outages == ()
    # The brake's frames come by one way only now, and are all there is to pass.
    (stop,) = [
        row for row in evidence.recoveries if plant[1].streams[row.stream_index].name == "stop"
    ]
    assert stop.passed_count == 250
    assert 0 < stop.discarded_count < 50


def test_a_switch_that_fails_takes_what_hangs_on_it(plant: tuple[Design, Plan]) -> None:
    assert lost(plant, tried(plant, "switch")) == {"capper.in", "capper.out", "quality"}


def test_a_flood_harms_nobody_above_it(plant: tuple[Design, Plan]) -> None:
    evidence = tried(plant, "flood")
    assert lost(plant, evidence) <= {"quality"}


def test_a_slower_ring_is_too_slow_for_profinet(tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    slower = tmp_path / "design.yaml"
    slower.write_text(re.sub("recovery: 30 ms", "recovery: 500 ms", text), encoding="utf-8")
    design, _ = load_design(slower)
    plan = make_plan(design)
    evidence = tried((design, plan), "disturbed")
    (ring,) = evidence.ring_recoveries
    assert ring.is_kept
    missed = {
        verdict.target.quantity
        for verdict in judge(plan, None, evidence)
        if verdict.outcome is Outcome.MISSED
    }
    assert missed == {"update interval"}

# SPDX-License-Identifier: Apache-2.0
"""The three kinds of evidence must not contradict each other, on any design."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, event, given, settings

from emulator.simulation.run import simulate
from netplan.bounds.analysis import bound
from netplan.design.load import load_design
from netplan.plan.make import make_plan
from netplan.plan.model import Plan
from netplan.verdict.judge import contradictions, judge
from support.random_designs import designs

PLANT_TIME_PS = 100 * 10**9


def planned(document: dict[str, Any]) -> Plan:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "design.yaml"
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return make_plan(*load_design(file))


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=designs())
def test_no_simulated_frame_exceeds_its_bound(document: dict[str, Any]) -> None:
    plan = planned(document)
    proof = bound(plan)
    observed = simulate(plan, seed=7, duration_ps=PLANT_TIME_PS)
    bounded = sum(row.bound_ps is not None for row in proof.streams)
    event(f"bounded {10 * bounded // len(proof.streams) * 10} %")
    assert contradictions(plan, proof, observed) == ()
    loss_free = {(row.stream_index, row.listener_index) for row in proof.streams if row.loss_free}
    radio = {
        index
        for index, stream in enumerate(plan.streams)
        if any(
            plan.egresses[hop.egress_index].medium.split()[0] in {"5g", "iwlan"}
            for hop in stream.hops
        )
    }
    for row in observed.streams:
        if (row.stream_index, row.listener_index) in loss_free and row.stream_index not in radio:
            assert row.lost == 0
    judge(plan, proof, observed)

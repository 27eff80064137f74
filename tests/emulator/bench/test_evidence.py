# SPDX-License-Identifier: Apache-2.0
"""No simulated frame, drawn or searched for, exceeds its bound on random designs over all shapers."""

from __future__ import annotations

import pytest
import yaml

from emulator.bench.designs import random_design
from emulator.bench.evidence import planned, soundness, tightness
from emulator.bench.long_lines import KINDS, LEAST_HOPS, MOST_LOAD_RATIO, long_line
from netplan.bounds.analysis import bound


def test_the_same_number_gives_the_same_design() -> None:
    assert random_design(3) == random_design(3)
    assert random_design(3) != random_design(4)


def test_random_designs_hold_every_mechanism() -> None:
    texts = [random_design(number)["design.yaml"] for number in range(60)]
    for word in (
        "credit-based", "asynchronous", "round-robin", "preemption", "cut_through", "gates",
        "mac: hold", "ways: 2", "policed", "trace", "sporadic", "jitter", "phase", "burst",
        "synchronisation", "largest_frame",
    ):  # fmt: skip
        assert sum(word in text for text in texts) > 1, word


@pytest.mark.slow
def test_no_bound_is_refuted() -> None:
    found = soundness(150, first=5000)
    assert found.refuted == []
    assert found.refused_count <= 0.1 * found.design_count
    assert found.bounded_count >= 0.8 * found.row_count
    assert found.design_count == 150
    assert found.frame_count > 100_000


@pytest.mark.slow
def test_no_bound_is_refuted_by_searching() -> None:
    found = soundness(15, first=6000, search_s=0.5)
    assert found.refuted == []
    assert found.run_count > 100


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_loaded_as_said(kind: str) -> None:
    plan = planned({"design.yaml": long_line(kind, 0)})
    assert max(len(stream.hops) for stream in plan.streams) >= LEAST_HOPS
    proof = bound(plan)
    trunks = [
        row
        for row in proof.egresses
        if plan.egresses[row.egress_index].name.startswith("sw")
        and plan.egresses[row.egress_index].port == "p2"
    ]
    assert all(0.599 <= row.load_ratio <= MOST_LOAD_RATIO + 0.001 for row in trunks)
    assert yaml.safe_load(long_line(kind, 0))["streams"]


@pytest.mark.slow
def test_a_search_on_a_line_stays_below_the_bound() -> None:
    found = tightness("strict priority", lines=1, search_s=1.0)
    assert found.refuted == ()
    assert found.ratios[0] >= 1
    assert found.quantile(0.5) is not None

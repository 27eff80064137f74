# SPDX-License-Identifier: Apache-2.0
"""Random rings: no frame above its bound whatever has failed, and every ring finds its other way."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.scenario import scenario
from emulator.simulation.run import simulate
from netplan.bounds.analysis import bound
from netplan.plan.make import make_plan
from netplan.plan.recovered import recovered_plans, single_way_plans
from netplan.verdict.judge import contradictions
from support.random_rings import random_ring
from support.small_designs import loaded

MS = 10**9
KINDS = ("mrp", "dlr", "rstp", "hsr")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_bounds_hold_before_and_after_any_failure(tmp_path: Path, kind: str, seed: int) -> None:
    plan = make_plan(loaded(tmp_path, random_ring(seed, kind)[0]))
    proof = bound(plan)
    for what, one in [("", plan), *recovered_plans(plan), *single_way_plans(plan)]:
        observed = simulate(one, seed=seed, duration_ps=60 * MS)
        assert contradictions(one, proof, observed) == (), what


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["cut", "corrupt"])
@pytest.mark.parametrize("seed", range(3))
def test_streams_come_again_after_a_failure(
    tmp_path: Path, kind: str, fault: str, seed: int
) -> None:
    text, count = random_ring(seed, kind)
    design = loaded(tmp_path, text)
    plan = make_plan(design)
    line = f"{fault} s{seed} - s{(seed + 1) % count} at 20 ms"
    # Unnoticed, RSTP waits for three hellos of two seconds.
    duration_ps = 7000 * MS if kind == "rstp" and fault == "corrupt" else 400 * MS
    faults = scenario(design, plan, [line])
    observed = simulate(plan, seed=seed, duration_ps=duration_ps, faults=faults)
    assert all(row.is_over for row in observed.outages)
    if kind == "hsr":
        assert observed.outages == ()
        return
    (ring,) = observed.ring_recoveries
    assert ring.recovered_ps is not None
    assert ring.is_kept is (None if kind == "rstp" else True)
    # No stream is away for longer than the ring recovers, but for a message that just missed it.
    for row in observed.outages:
        period_ps = plan.streams[row.stream_index].emission.period_ps
        assert row.outage_ps <= ring.recovered_ps + period_ps + MS

# SPDX-License-Identifier: Apache-2.0
"""Reaction times: an event just after a sample, until the actuator has the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.bounds.analysis import bound
from netplan.bounds.chains import longest_grid_wait_ps
from netplan.plan.model import ChainStage, PlannedChain
from netplan.verdict.evidence import ChainBound
from support.small_plans import NS, US, PlanBuilder

MS = 1000 * US
# Release to full reception over one switch, alone: preamble 64, 800 + 50, 864 + 50.
TRAVEL = 1828 * NS


def stop_chain(
    *,
    phases: tuple[int | None, int | None, int | None] = (None, None, None),
    cycle_ps: int = MS,
    jitter_ps: int = 0,
    sporadic: bool = False,
) -> PlanBuilder:
    """Scanner to PLC each millisecond, a task, PLC to drive each millisecond."""
    builder = PlanBuilder().wire("scanner.p").wire("plc.p").wire("s.plc").wire("s.drive")
    sensor_phase_ps, task_phase_ps, drive_phase_ps = phases
    builder.stream(
        "scan",
        [("scanner.p", "s"), ("s.plc", "plc")],
        period_ps=MS,
        phase_ps=sensor_phase_ps,
        jitter_ps=jitter_ps,
        sporadic=sporadic,
    )
    drive = [("plc.p", "s"), ("s.drive", "drive")]
    builder.stream("drive", drive, period_ps=MS, phase_ps=drive_phase_ps)
    task = ChainStage(
        stream_index=0,
        listener_index=0,
        task_cycle_ps=cycle_ps,
        task_phase_ps=task_phase_ps,
        task_work_ps=200 * US,
    )
    end = ChainStage(
        stream_index=1, listener_index=0, task_cycle_ps=0, task_phase_ps=None, task_work_ps=0
    )
    builder.chains.append(PlannedChain(name="stop", stages=(task, end)))
    return builder


def reaction(builder: PlanBuilder) -> ChainBound:
    (found,) = bound(builder.plan()).chains
    return found


def test_nothing_synchronised() -> None:
    found = reaction(stop_chain())
    # Next release 1 ms, travel, task start 1 ms, work 200 us, next release 1 ms, travel.
    assert found.bound_ps == 3 * MS + 200 * US + 2 * TRAVEL
    assert sum(term.max_ps for term in found.terms) == found.bound_ps
    # The event may come just before a sample, and everything may fit.
    assert found.minimum_ps == 200 * US + 2 * 1764 * NS
    assert found.why == ""


def test_jitter_of_the_sensor_delays_its_sample() -> None:
    assert reaction(stop_chain(jitter_ps=30 * US)).bound_ps == (3 * MS + 230 * US + 2 * TRAVEL)


@pytest.mark.parametrize(
    ("cycle_ps", "drive_phase_ps", "task_wait_ps", "release_wait_ps"),
    [
        # The value is there at 1.828 us, the task starts at 300 us; it is done at 500 us.
        pytest.param(MS, 510 * US, 300 * US - TRAVEL, 10 * US, id="in-step"),
        pytest.param(MS, 490 * US, 300 * US - TRAVEL, 990 * US, id="just-missed"),
        pytest.param(MS, 500 * US, 300 * US - TRAVEL, MS, id="a-tie-is-missed"),
        # Every second value just misses the start of a 2 ms task and waits 1 ms more.
        pytest.param(2 * MS, 510 * US, MS + 300 * US - TRAVEL, 10 * US, id="slower-task"),
    ],
)
def test_known_phases_give_exact_waits(
    cycle_ps: int, drive_phase_ps: int, task_wait_ps: int, release_wait_ps: int
) -> None:
    found = reaction(stop_chain(phases=(0, 300 * US, drive_phase_ps), cycle_ps=cycle_ps))
    assert found.bound_ps == MS + TRAVEL + task_wait_ps + 200 * US + release_wait_ps + TRAVEL


def test_a_sporadic_sensor_may_be_silent_for_any_time() -> None:
    """Its period is the least time between releases, so nothing bounds the wait for the next."""
    found = reaction(stop_chain(phases=(0, 300 * US, 510 * US), sporadic=True))
    assert found.bound_ps is None
    assert "is sporadic" in found.why


def test_stage_without_bound_is_named() -> None:
    builder = stop_chain()
    builder.streams[1] = replace(builder.streams[1], no_bound="hands over")
    found = reaction(builder)
    assert found.bound_ps is None
    assert found.why == "drive has no bound: hands over"
    assert found.terms == ()
    assert found.minimum_ps > 200 * US


@given(offset=st.integers(-50, 50), every=st.integers(1, 24), from_=st.integers(1, 24))
def test_grid_wait_against_listing_all_instants(offset: int, every: int, from_: int) -> None:
    waits = []
    for instant in range(0, every * from_, from_):
        wait = (offset - instant) % every
        waits.append(wait or every)
    assert longest_grid_wait_ps(offset, every_ps=every, from_ps=from_) == max(waits)


def test_clock_error_may_miss_an_instant() -> None:
    # Grids of 24 and 8: instants come 3 or, a step of 8 later, 11 ... 19 apart.
    assert longest_grid_wait_ps(3, every_ps=24, from_ps=8) == 24 - 8 + 3
    # With an error of 2 the longest is 2 longer; with 3 an instant may be missed altogether.
    assert longest_grid_wait_ps(3, every_ps=24, from_ps=8, error_ps=2) == 24 - 8 + 3 + 2
    assert longest_grid_wait_ps(3, every_ps=24, from_ps=8, error_ps=3) == 24 + 3

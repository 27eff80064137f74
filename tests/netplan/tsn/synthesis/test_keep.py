# SPDX-License-Identifier: Apache-2.0
"""Streams are added to a schedule; what is there stays where it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netplan.tsn.synthesis import instances
from netplan.tsn.synthesis.problem import Options, Problem, Waiting
from netplan.tsn.synthesis.result import Placement, Schedule, Status
from netplan.tsn.synthesis.synthesise import synthesise
from support.schedule_replay import faults
from support.small_schedules import NS, US, ProblemBuilder


def first(problem: Problem, count: int) -> Problem:
    return replace(problem, streams=problem.streams[:count])


def by_name(schedule: Schedule) -> dict[str, Placement]:
    assert schedule.status is Status.FEASIBLE, (schedule.conflict, schedule.obstacles)
    return {one.name: one for one in schedule.placements}


def moved(old: Schedule, new: Schedule) -> list[str]:
    """Streams of the old schedule that have another route or start at another time."""
    after = by_name(new)
    return [
        name
        for name, one in by_name(old).items()
        if one.route != after[name].route
        or [[slot.start_ps for slot in row] for row in one.slots]
        != [[slot.start_ps for slot in row] for row in after[name].slots]
    ]


@pytest.mark.parametrize("seed", range(4))
def test_adding_never_moves_what_is_there(seed: int) -> None:
    problem = instances.generated(
        instances.mesh(8), 48, periods_ps=instances.HARD_PERIODS_PS,
        sizes_octets=instances.HARD_SIZES_OCTETS, seed=seed,
    )  # fmt: skip
    old = synthesise(first(problem, 40))
    new = synthesise(problem, keep=old)
    assert moved(old, new) == []
    assert faults(problem, new) == []


def test_frames_that_passed_stay_when_others_must_wait() -> None:
    # Alone, the first stream is never held; beside it the second has to wait at d, until the gate
    # has been shut for a nanosecond after the first.
    builder = ProblemBuilder().port("a", "b", "d")
    builder.stream("a", ["a", "d"], phases_ps=(0, 0))
    old = synthesise(builder.problem())
    builder.stream("b", ["b", "d"], phases_ps=(US, US))
    new = synthesise(builder.problem(), keep=old)
    assert moved(old, new) == []
    assert by_name(new)["b"].slots[1][0].start_ps == 16 * US + NS
    assert faults(builder.problem(), new) == []


def test_what_waited_goes_on_waiting() -> None:
    builder = ProblemBuilder().port("a", "b", "c", "d")
    for name, at in (("a", 0), ("b", US)):
        builder.stream(name, [name, "d"], phases_ps=(at, at), deadline_ps=50 * US)
    old = synthesise(builder.problem())
    builder.stream("c", ["c", "d"], deadline_ps=50 * US)
    new = synthesise(builder.problem(), keep=old)
    assert moved(old, new) == []
    assert faults(builder.problem(), new) == []


def test_a_stream_that_is_gone_makes_room() -> None:
    builder = ProblemBuilder().port("a")
    builder.stream("gone", ["a"], octets=9000).stream("stays", ["a"], octets=1000)
    problem = builder.problem()
    old = synthesise(problem)
    changed = ProblemBuilder().port("a").stream("stays", ["a"], octets=1000)
    changed.stream("new", ["a"], octets=9000)
    new = by_name(synthesise(changed.problem(), keep=old))
    assert new["stays"].phase_ps == by_name(old)["stays"].phase_ps


def test_no_room_beside_what_stays_is_cured_by_scheduling_anew() -> None:
    # 40 us at 0 and 40 us at 50 leave two gaps of 10 us; a frame of 20 us needs one of them moved.
    fixed = ProblemBuilder().port("a")
    fixed.stream("x", ["a"], octets=5000, phases_ps=(0, 0))
    fixed.stream("y", ["a"], octets=5000, phases_ps=(50 * US, 50 * US))
    old = synthesise(fixed.problem())
    builder = ProblemBuilder().port("a")
    builder.stream("x", ["a"], octets=5000).stream("y", ["a"], octets=5000)
    builder.stream("new", ["a"], octets=2500)
    schedule = synthesise(builder.problem(), Options(waiting=Waiting.NO_WAIT), keep=old)
    assert schedule.status is Status.INFEASIBLE
    conflict = schedule.conflict
    assert conflict is not None
    assert "beside the streams that stay" in conflict.text
    assert conflict.cure is not None
    assert conflict.cure.quantity == "keep"


@pytest.mark.parametrize(
    ("octets", "period_us", "phases_us", "reason"),
    [
        pytest.param(1001, 100, None, "its period or its size has changed", id="size"),
        pytest.param(1000, 200, None, "its period or its size has changed", id="period"),
        pytest.param(1000, 100, (5, 9), "its phase is no longer allowed", id="phase"),
    ],
)
def test_what_has_changed_cannot_stay(
    octets: int, period_us: int, phases_us: tuple[int, int] | None, reason: str
) -> None:
    old = synthesise(ProblemBuilder().port("a").stream("s", ["a"]).problem())
    window = (phases_us[0] * US, phases_us[1] * US) if phases_us else None
    builder = (
        ProblemBuilder()
        .port("a")
        .stream("s", ["a"], octets=octets, period_ps=period_us * US, phases_ps=window)
    )
    schedule = synthesise(builder.problem(), keep=old)
    assert schedule.status is Status.UNKNOWN
    assert schedule.obstacles[0].kind == "kept streams"
    assert reason in schedule.obstacles[0].text

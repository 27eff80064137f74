# SPDX-License-Identifier: Apache-2.0
"""Whatever the awkwardness, a schedule that was found is one: a replay of every frame agrees."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netplan.tsn.synthesis import instances
from netplan.tsn.synthesis.problem import (
    FixedRoutes,
    GateLimits,
    Guard,
    Method,
    Options,
    Stream,
    Waiting,
)
from netplan.tsn.synthesis.result import Status
from netplan.tsn.synthesis.synthesise import synthesise
from support.random_schedules import NS, US, random_problem
from support.schedule_replay import faults, transmissions

LIMITS = {
    "none": None,
    "short": GateLimits(largest_entry_count=16, granularity_ps=10 * NS),
    "slow": GateLimits(smallest_interval_ps=1 * US, granularity_ps=10 * NS),
    "coarse": GateLimits(granularity_ps=1 * US),
}


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    variation=st.booleans(),
    clocks=st.booleans(),
    bursts=st.booleans(),
    multicast=st.booleans(),
    limits=st.sampled_from(sorted(LIMITS)),
    fragment_octets=st.sampled_from((None, 64, 128)),
    best_effort_ratio=st.sampled_from((0.0, 0.2)),
    waiting=st.sampled_from(tuple(Waiting)),
    stream_count=st.integers(1, 24),
)
# A frame that, on the clock of its bridge, comes early enough to fit into another's window.
@example(
    seed=11, variation=True, clocks=True, bursts=True, multicast=False, limits="none",
    fragment_octets=128, best_effort_ratio=0.0, waiting=Waiting.NO_WAIT, stream_count=11,
)  # fmt: skip
def test_replay_agrees(seed: int, limits: str, waiting: Waiting, **awkward: Any) -> None:
    chance = Random(seed)  # noqa: S311 - repeatable, not secret
    problem = random_problem(chance, limits=LIMITS[limits], **awkward)
    guard = Guard.PREEMPTION if awkward["fragment_octets"] else Guard.BAND
    options = Options(
        method=Method.GREEDY, waiting=waiting, guard=guard, time_limit_s=1, explain=False
    )
    schedule = synthesise(problem, options)
    if schedule.status is Status.FEASIBLE:
        assert faults(problem, schedule, seed=seed) == []
        assert faults(problem, schedule, seed=seed, silent_ratio=0.3) == []
        for other in range(3 if awkward["clocks"] else 0):
            ratio = 0.3 * other / 2
            assert faults(problem, schedule, seed=other, silent_ratio=ratio, steps=150) == []
        for port in schedule.ports:
            assert port.best_effort_ratio >= awkward["best_effort_ratio"]
    else:
        assert schedule.conflict is not None or schedule.obstacles


@pytest.mark.parametrize(
    "problem",
    [
        pytest.param(instances.generated(instances.mesh(8), 30, listener_count=3), id="multicast"),
        pytest.param(instances.generated(instances.mesh(20), 150), id="mesh of 20"),
        pytest.param(
            instances.generated(
                instances.ring(8), 40, periods_ps=instances.HARD_PERIODS_PS,
                sizes_octets=instances.HARD_SIZES_OCTETS,
            ),
            id="ring",
        ),
        pytest.param(
            instances.generated(
                instances.mesh(8), 110, periods_ps=instances.HARD_PERIODS_PS,
                sizes_octets=instances.HARD_SIZES_OCTETS, seed=2,
            ),
            id="crowded mesh",
        ),
    ],
)  # fmt: skip
def test_generated_instances(problem: Any) -> None:
    schedule = synthesise(problem)
    assert schedule.status is Status.FEASIBLE
    assert faults(problem, schedule) == []


def test_a_thousand_streams_keep_apart() -> None:
    problem = instances.generated(instances.mesh(60), 1000)
    schedule = synthesise(problem)
    assert schedule.status is Status.FEASIBLE
    octets_of = {stream.name: stream.frames[0].frame_octets for stream in problem.streams}
    ports = {port.name: port for port in problem.ports}
    taken: dict[str, list[tuple[int, int]]] = {}
    for one in transmissions(problem, schedule):
        start = one.start_ps % schedule.hyperperiod_ps
        end = start + ports[one.port].occupied_ps(octets_of[one.stream])
        taken.setdefault(one.port, []).append((start, end))
    for times in taken.values():
        times.sort()
        times.append((times[0][0] + schedule.hyperperiod_ps, 0))
        assert all(first[1] <= second[0] for first, second in pairwise(times))
    late = [one for one in schedule.placements if one.phase_ps >= one.period_ps]
    assert not late


@pytest.mark.parametrize("seed", [1, 2, 4, 9, 19, 23])
def test_waiting_frames_on_a_ring(seed: int) -> None:
    # One stream of each talker, released shortly after each other and led one way round, so that
    # they cannot but meet. Some are solved greedily, some by repair, some by the solver.
    problem = random_problem(Random(seed), stream_count=40)  # noqa: S311 - repeatable, not secret
    of_talker: dict[int, Stream] = {}
    for stream in problem.streams:
        route = stream.routes.candidate(0)
        assert route is not None
        at = len(of_talker) * 400 * NS
        if len(route.hops) >= 4:
            pinned = replace(
                stream,
                earliest_phase_ps=at,
                latest_phase_ps=at,
                routes=FixedRoutes((route,)),
            )
            of_talker.setdefault(route.hops[0].port_index, pinned)
    problem = replace(problem, streams=tuple(of_talker.values()))
    without = synthesise(problem, Options(waiting=Waiting.NO_WAIT, explain=False))
    assert without.status is Status.INFEASIBLE
    schedule = synthesise(problem, Options(time_limit_s=20, explain=False))
    assert schedule.status is Status.FEASIBLE
    assert any(any(one.waits_ps) for one in schedule.placements)
    assert faults(problem, schedule) == []
    for other in range(5):
        assert faults(problem, schedule, seed=other, silent_ratio=0.3) == []

# SPDX-License-Identifier: Apache-2.0
"""What the synthesis has computed, following the frames in time proves: with clocks that err too."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from netplan.bounds.analysis import settled
from netplan.bounds.timed import timed_evidence
from netplan.tsn.synthesis.problem import Guard, Method, Options, Waiting
from netplan.tsn.synthesis.result import Status
from netplan.tsn.synthesis.synthesise import synthesise
from support.random_schedules import random_problem
from support.schedule_plan import plan_of


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    variation=st.booleans(),
    clocks=st.booleans(),
    bursts=st.booleans(),
    multicast=st.booleans(),
    fragment_octets=st.sampled_from((None, 64)),
    waiting=st.sampled_from(tuple(Waiting)),
    stream_count=st.integers(1, 16),
)
def test_computed_times_are_proven(seed: int, waiting: Waiting, **awkward: Any) -> None:
    problem = random_problem(Random(seed), **awkward)  # noqa: S311 - repeatable, not secret
    guard = Guard.PREEMPTION if awkward["fragment_octets"] else Guard.BAND
    options = Options(
        method=Method.GREEDY, waiting=waiting, guard=guard, time_limit_s=1, explain=False
    )
    schedule = synthesise(problem, options)
    if schedule.status is not Status.FEASIBLE:
        return
    evidence = timed_evidence(settled(plan_of(problem, schedule)))
    for number, (stream, one) in enumerate(zip(problem.streams, schedule.placements, strict=True)):
        for listener, end in enumerate(one.route.listener_hops):
            key = number, listener
            assert key in evidence.rows, f"{one.name}: {evidence.left_out[key]}"
            found = evidence.rows[key]
            spans = [
                (low - one.phase_ps - frame.release_ps, high - one.phase_ps - frame.release_ps)
                for frame, (low, high) in zip(stream.frames, one.received_ps[end], strict=True)
            ]
            assert found.jitter_ps is not None
            assert found.jitter_ps <= max(high for _, high in spans) - min(low for low, _ in spans)

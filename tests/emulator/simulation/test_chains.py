# SPDX-License-Identifier: Apache-2.0
"""Reaction times, worked by hand, and against a direct evaluation of the definition.

A frame of 100 octets at 1 Gbit/s is wholly received 864 + 50 = 914 ns after its release.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.simulation.run import simulate, simulate_in_slices
from netplan.plan.model import ChainStage, Plan, PlannedChain
from netplan.verdict.evidence import ChainObservation
from support.small_plans import NS, US, PlanBuilder

MS = 1000 * US
FLIGHT_PS = 914 * NS


def stage(stream: int, cycle_ps: int = 0, phase_ps: int | None = 0, work_ps: int = 0) -> ChainStage:
    return ChainStage(
        stream_index=stream,
        listener_index=0,
        task_cycle_ps=cycle_ps,
        task_phase_ps=phase_ps,
        task_work_ps=work_ps,
    )


def chain_plan(
    periods_and_phases: list[tuple[int, int]], stages: list[ChainStage], buffer: int | None = None
) -> Plan:
    """Each stream on a wire of its own."""
    builder = PlanBuilder()
    for number, (period_ps, phase_ps) in enumerate(periods_and_phases):
        builder.wire(f"n{number}.p", buffer_octets=buffer)
        builder.stream(
            f"s{number}",
            [(f"n{number}.p", f"n{number + 1}")],
            period_ps=period_ps,
            phase_ps=phase_ps,
        )
    builder.chains.append(PlannedChain(name="chain", stages=tuple(stages)))
    return builder.plan()


def observe(plan: Plan, duration_ps: int) -> ChainObservation:
    (observation,) = simulate(plan, seed=1, duration_ps=duration_ps).chains
    return observation


def test_sensor_task_actuator() -> None:
    plan = chain_plan(
        [(1 * MS, 0), (1 * MS, 100 * US)],
        [stage(0, cycle_ps=2 * MS, phase_ps=500 * US, work_ps=200 * US), stage(1)],
    )
    # Samples at 0, 1, 2, 3, 4 ms. Task starts at 0.5, 2.5, 4.5 ms read samples 0, 2, 4; outputs at
    # 0.7, 2.7, 4.7 ms. Commands of 1.1 and 2.1 ms carry sample 0, of 3.1 and 4.1 ms sample 2, of
    # 5.1 ms sample 4. Actions on samples 2 and 4 at 3.100,914 and 5.100,914 ms:
    # events after samples 0 and 2 waited 3.100,914 ms, after samples 1 and 3 2.100,914 ms.
    observation = observe(plan, 6 * MS)
    assert observation == ChainObservation(
        chain_index=0,
        reactions=4,
        min_ps=2_100_914_000,
        mean_ps=2_600_914_000.0,
        max_ps=3_100_914_000,
    )


def test_actuator_alone() -> None:
    # Sample k+1 acts at (k+1) ms + 914 ns: each event waits 1.000,914 ms.
    observation = observe(chain_plan([(1 * MS, 0)], [stage(0)]), 10 * MS + 1 * US)
    assert observation.reactions == 10
    assert observation.min_ps == observation.max_ps == 1_000_914_000


def test_a_task_at_the_end_acts_when_its_work_is_done() -> None:
    plan = chain_plan([(1 * MS, 0)], [stage(0, cycle_ps=1 * MS, phase_ps=300 * US, work_ps=5 * MS)])
    # Sample k+1 is read at k+1.3 ms and done at k+6.3 ms, five more being in work meanwhile: at
    # 6.3, 7.3, 8.3 and 9.3 ms.
    observation = observe(plan, 10 * MS)
    assert observation.reactions == 4
    assert observation.min_ps == observation.max_ps == 6300 * US


def test_task_reads_what_is_delivered_at_its_start_and_sends_what_is_ready_at_release() -> None:
    at_start = chain_plan(
        [(1 * MS, 0), (1 * MS, 1 * US)],
        [stage(0, cycle_ps=1 * MS, phase_ps=FLIGHT_PS, work_ps=1 * US - FLIGHT_PS), stage(1)],
    )
    # Delivered and read at 914 ns, ready and released at 1 us, acted on 914 ns later.
    assert observe(at_start, 5 * MS).max_ps == 1 * MS + 1 * US + FLIGHT_PS
    a_little_earlier = chain_plan(
        [(1 * MS, 0), (1 * MS, 1 * US)],
        [stage(0, cycle_ps=1 * MS, phase_ps=FLIGHT_PS - 1, work_ps=0), stage(1)],
    )
    # The task just misses each sample and reads it one cycle later.
    assert observe(a_little_earlier, 5 * MS).max_ps == 2 * MS + 1 * US + FLIGHT_PS
    a_little_later = chain_plan(
        [(1 * MS, 0), (1 * MS, 1 * US)],
        [stage(0, cycle_ps=1 * MS, phase_ps=FLIGHT_PS, work_ps=1 * US - FLIGHT_PS + 1), stage(1)],
    )
    assert observe(a_little_later, 5 * MS).max_ps == 2 * MS + 1 * US + FLIGHT_PS


def test_lost_messages_lengthen_the_reaction() -> None:
    plan = chain_plan([(1 * MS, 0)], [stage(0)])
    load = (
        PlanBuilder(egresses=[dataclasses.replace(plan.egresses[0], buffer_octets=0)])
        .stream(
            "load", [("n0.p", "n1")], messages=((10_000,),), period_ps=90 * MS, phase_ps=2960 * US
        )
        .streams
    )
    plan = dataclasses.replace(
        plan,
        egresses=(dataclasses.replace(plan.egresses[0], buffer_octets=0),),
        streams=(*plan.streams, *load),
    )
    # The wire is busy from 2.96 to 3.04016 ms, so sample 3 is dropped: the event after
    # sample 2 is answered by sample 4, after 2.000,914 ms.
    observation = observe(plan, 10 * MS)
    assert observation.reactions == 9
    assert observation.max_ps == 2_000_914_000
    assert observation.min_ps == 1_000_914_000


def test_a_message_counts_when_its_last_frame_is_there() -> None:
    plan = chain_plan([(1 * MS, 0)], [stage(0)])
    emission = dataclasses.replace(plan.streams[0].emission, messages=((100, 100, 100),))
    plan = dataclasses.replace(
        plan, streams=(dataclasses.replace(plan.streams[0], emission=emission),)
    )
    assert observe(plan, 5 * MS).max_ps == 1 * MS + 2 * 960 * NS + FLIGHT_PS
    # Room for 150 octets behind the first frame: one of the others is dropped, so no message is
    # ever complete, also where the missing frame is not the last.
    for messages in [(100, 100, 100)], [(100, 200, 100)]:
        emission = dataclasses.replace(emission, messages=tuple(messages))
        cut = dataclasses.replace(
            plan,
            egresses=(dataclasses.replace(plan.egresses[0], buffer_octets=150),),
            streams=(dataclasses.replace(plan.streams[0], emission=emission),),
        )
        evidence = simulate(cut, seed=1, duration_ps=5 * MS)
        assert evidence.streams[0].lost == 5
        assert evidence.chains[0] == ChainObservation(
            chain_index=0, reactions=0, min_ps=None, mean_ps=None, max_ps=None
        )


def expected_reactions(
    periods_and_phases: list[tuple[int, int]], stages: list[ChainStage], end_ps: int
) -> list[int]:
    """The definition, taken literally: every delivery knows which sample it carries."""
    samples: list[int] = []
    carried: list[tuple[int, int]] = []  # (time of action or readiness, sample)
    for place, ((period_ps, phase_ps), one) in enumerate(
        zip(periods_and_phases, stages, strict=True)
    ):
        releases = list(range(phase_ps, end_ps, period_ps))
        if place == 0:
            samples = releases
            sent = [(instant, number) for number, instant in enumerate(releases)]
        else:
            sent = [
                (instant, max((value for ready, value in carried if ready <= instant), default=-1))
                for instant in releases
            ]
        arrived = [(instant + FLIGHT_PS, value) for instant, value in sent]
        arrived = [(instant, value) for instant, value in arrived if instant < end_ps]
        if one.task_cycle_ps == 0:
            carried = arrived
            continue
        assert one.task_phase_ps is not None
        starts = range(one.task_phase_ps % one.task_cycle_ps, end_ps, one.task_cycle_ps)
        carried = [
            (
                start + one.task_work_ps,
                max((value for instant, value in arrived if instant <= start), default=-1),
            )
            for start in starts
        ]
    actions = sorted((instant, value) for instant, value in carried if instant < end_ps)
    reactions = []
    for number, instant in enumerate(samples):
        answers = [action for action, value in actions if value > number]
        if answers:
            reactions.append(min(answers) - instant)
    return reactions


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[ChainStage]]:
    count = draw(st.integers(1, 3))
    times = st.sampled_from([0, 1, 500 * NS, FLIGHT_PS, 2 * US, 7 * US, 20 * US])
    periods = [
        (draw(st.sampled_from([2 * US, 5 * US, 7 * US, 10 * US])), draw(times))
        for _ in range(count)
    ]
    stages = []
    for number in range(count):
        cycle_ps = draw(st.sampled_from([1 * US, 3 * US, 4 * US, 10 * US]))
        if number == count - 1 and draw(st.booleans()):
            cycle_ps = 0
        stages.append(stage(number, cycle_ps, draw(times), draw(times)))
    return periods, stages


@settings(max_examples=150)
@given(chain=chains(), slice_events=st.sampled_from([1, 7, 10**6]))
def test_agrees_with_the_definition(
    chain: tuple[list[tuple[int, int]], list[ChainStage]], slice_events: int
) -> None:
    periods_and_phases, stages = chain
    end_ps = 120 * US
    expected = expected_reactions(periods_and_phases, stages, end_ps)
    evidence = simulate_in_slices(
        chain_plan(periods_and_phases, stages),
        seed=1,
        duration_ps=end_ps,
        slice_events=slice_events,
    )
    (observed,) = evidence.chains
    assert observed.reactions == len(expected)
    if expected:
        assert observed.min_ps == min(expected)
        assert observed.max_ps == max(expected)
        assert observed.mean_ps == float(Fraction(sum(expected), len(expected)))


def test_unknown_task_phase_is_drawn() -> None:
    def longest(seed: int) -> int | None:
        plan = chain_plan(
            [(10 * MS, 0), (1 * MS, 0)], [stage(0, cycle_ps=5 * MS, phase_ps=None), stage(1)]
        )
        return simulate(plan, seed=seed, duration_ps=50 * MS).chains[0].max_ps

    assert len({longest(seed) for seed in range(20)}) > 3


def test_a_stage_without_a_task_must_be_the_last() -> None:
    plan = chain_plan([(1 * MS, 0), (1 * MS, 0)], [stage(0), stage(1)])
    with pytest.raises(ValueError, match="has no task"):
        simulate(plan, seed=1, duration_ps=MS)


def test_chain_memory_does_not_grow() -> None:
    """Twice 40,000 log entries go through a log of 32,768."""
    plan = chain_plan([(50 * US, 0)], [stage(0)])
    observation = observe(plan, 2000 * MS)
    assert observation.reactions == 39_999
    assert observation.min_ps == observation.max_ps == 50 * US + FLIGHT_PS

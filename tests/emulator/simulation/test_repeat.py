# SPDX-License-Identifier: Apache-2.0
"""Runs that end when their state repeats have seen what a much longer run sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from emulator.simulation import engine, layout, repeat
from emulator.simulation.run import simulate
from emulator.simulation.tables import build_model
from netplan.media.interface import GrantMechanism, NoService, TermKind
from netplan.plan.model import Plan, Target
from netplan.tsn.mechanisms import FlowMeter, Reception, StreamFilter
from support.redundant_plans import frer_plan
from support.small_plans import GBIT, US, PlanBuilder, Step, term


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare at every period, small as these plans are."""
    monkeypatch.setattr(repeat, "LEAST_EVENTS", 1)


GRANTS = GrantMechanism(
    cycle_ps=30 * US,
    openings_ps=(0, 11 * US),
    phase_ps=None,
    quota_octets=4000,
    overhead_octets=5,
    fragments=True,
    serial_bps=GBIT,
    burst_ps=0,
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Some streams of periods that divide 120 us, over two bridges and a grant, phases drawn."""
    builder = PlanBuilder(processing_min_ps=US, processing_max_ps=US)
    for port in ("a.p", "b.p", "c.p", "s1.p"):
        builder.wire(port)
    builder.grants("s2.g", GRANTS, NoService(because=""))
    meter = FlowMeter(
        name="m", committed_bps=draw(st.sampled_from([0, 10**9])), committed_burst_octets=2000
    )
    for number in range(draw(st.integers(1, 5))):
        reception = Reception(filter=StreamFilter(name="f", meter=meter))
        builder.stream(
            f"s{number}",
            [
                Step(
                    egress=draw(st.sampled_from(["a.p", "b.p", "c.p"])),
                    to="s1",
                    reception=reception if draw(st.booleans()) else None,
                ),
                ("s1.p", "s2"),
                ("s2.g", "d"),
            ],
            messages=tuple(
                tuple(draw(st.lists(st.integers(64, 400), min_size=1, max_size=3)))
                for _ in range(draw(st.integers(1, 2)))
            ),
            period_ps=draw(st.sampled_from([20, 30, 40, 60])) * US,
            pcp=draw(st.sampled_from([1, 5])),
        )
    return builder.plan()


@settings(max_examples=60)
@given(plan=plans(), seed=st.integers(0, 10))
def test_the_maximum_is_that_of_a_much_longer_run(plan: Plan, seed: int) -> None:
    short = simulate(plan, seed=seed, duration_ps=3_000 * US)
    run = engine.begin(build_model(plan, seed), 30_000 * US)
    engine.proceed(run)
    event(f"exact: {short.exact}")
    if not short.exact:
        return  # a grant that carries less than comes, or a hyperperiod that is met late
    assert short.complete
    assert short.requested_ps == 3_000 * US
    assert short.duration_ps % 120 == 0
    for seen, row in zip(short.streams, run.state.rows, strict=True):
        assert (seen.max_ps or -1) == int(row["max_ps"])
        assert (seen.min_ps or -1) == int(row["min_ps"])
        assert (seen.max_gap_ps or -1) == int(row["max_gap_ps"])
        assert (seen.max_talker_wait_ps or 0) == max(0, int(row["max_talker_wait_ps"]))


def test_ends_after_the_second_period() -> None:
    builder = PlanBuilder().wire("a.p")
    builder.stream("s", [("a.p", "b")], period_ps=100 * US)
    evidence = simulate(builder.plan(), seed=1, duration_ps=10**12)
    assert evidence.exact
    # The stream has begun by the end of the first period; the second one ends in the same state.
    assert evidence.duration_ps == 200 * US
    assert evidence.frames == evidence.streams[0].frames <= 2


def test_sequence_numbers_go_around() -> None:
    # The period is no multiple of the history's, and numbers grow: only differences count.
    evidence = simulate(frer_plan(history_count=7), seed=1, duration_ps=10**12)
    assert evidence.exact
    assert evidence.duration_ps < 3_000 * US


def test_an_overload_never_repeats() -> None:
    builder = PlanBuilder().wire("a.p").wire("b.p").wire("s.p")
    for name in ("a", "b"):
        builder.stream(
            name, [(f"{name}.p", "s"), ("s.p", "d")], messages=((1000,),), period_ps=9 * US
        )
    assert not simulate(builder.plan(), seed=1, duration_ps=1_000 * US).exact


def random_plans() -> list[Plan]:
    def plan(**options: bool | int) -> Plan:
        builder = PlanBuilder().wire("a.p")
        builder.stream("s", [("a.p", "b")], period_ps=100 * US, **options)  # type: ignore[arg-type]  # any field
        return builder.plan()

    fixed = plan()
    hop = replace(fixed.streams[0].hops[0], after=(term(TermKind.PROPAGATION, 0, 100),))
    spread = replace(fixed, streams=(replace(fixed.streams[0], hops=(hop,)),))
    return [plan(sporadic=True), plan(jitter_ps=10), spread]


@pytest.mark.parametrize("plan", random_plans())
def test_what_is_random_is_never_exact(plan: Plan) -> None:
    evidence = simulate(plan, seed=1, duration_ps=5_000 * US)
    assert not evidence.exact
    assert evidence.duration_ps == 5_000 * US


def test_goes_on_where_samples_count() -> None:
    builder = PlanBuilder().wire("a.p")
    builder.stream("s", [("a.p", "b")], period_ps=100 * US)
    target = Target(
        subject="s",
        subject_kind="stream",
        stream_index=0,
        listener_index=0,
        chain_index=-1,
        listener="b",
        direction="",
        quantity="latency",
        statistic="p99",
        limit=1.0,
        unit="ps",
    )
    plan = replace(builder.plan(), targets=(target,))
    evidence = simulate(plan, seed=1, duration_ps=10_000 * US)
    assert evidence.exact
    assert evidence.duration_ps == 10_000 * US
    assert evidence.frames >= 99


def test_every_time_of_the_state_is_known_for_one() -> None:
    """A new time in the state must be named, or no run will ever be found to repeat."""
    layouts = {
        "egresses": layout.EGRESS_STATE,
        "rows": layout.ROW_STATE,
        "streams": layout.STREAM_STATE,
        "sources": layout.SOURCE_STATE,
        "queues": layout.QUEUE_STATE,
        "frames": layout.FRAME,
        "gates": layout.GATE_STATE,
        "meters": layout.METER_STATE,
        "recoveries": layout.RECOVERY_STATE,
        "control": layout.CONTROL,
        "ports.ports": layout.PORT_STATE,
        "schedulers": layout.SCHEDULER_STATE,
        "ports.timers": layout.TIMER,
    }
    for name, record in layouts.items():
        known = set().union(
            *(
                table.get(name, set())
                for table in (repeat._STATISTICS, repeat._TIMES, repeat._DEADLINES)
            )
        )
        times = {field for field in record.names or () if field.endswith("_ps")}
        assert times <= known, name

# SPDX-License-Identifier: Apache-2.0
"""What a run keeps: histograms, partial results, and no more memory the longer it is."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emulator.simulation import engine
from emulator.simulation.layout import FRAME, HISTOGRAM_BINS, NONE, STEP
from emulator.simulation.observe import SUM_LIMB, widen_bins
from emulator.simulation.run import simulate
from emulator.simulation.tables import build_model
from netplan.media.interface import GrantMechanism, NoService
from netplan.plan.model import Plan
from support.small_plans import MBIT, US, PlanBuilder, Step

MS = 1000 * US
SECOND = 1000 * MS


def busy_plan(buffer_octets: int | None = None) -> Plan:
    """Three sporadic and jittering streams, one of them multicast, through one trunk."""
    return (
        PlanBuilder(processing_min_ps=1 * US, processing_max_ps=5 * US)
        .wire("a.p")
        .wire("b.p")
        .wire("sw.trunk", line_bps=100 * MBIT, buffer_octets=buffer_octets)
        .wire("sw2.x")
        .wire("sw2.y")
        .stream(
            "video",
            [("a.p", "sw"), ("sw.trunk", "sw2"), ("sw2.x", "x")],
            messages=((1500,) * 20, (1500,) * 3),
            period_ps=4 * MS,
            pcp=3,
        )
        .stream(
            "motion",
            [("b.p", "sw"), ("sw.trunk", "sw2"), ("sw2.y", "y")],
            period_ps=1 * MS,
            jitter_ps=300 * US,
            pcp=6,
        )
        .stream(
            "alarm",
            [
                Step(egress="b.p", to="sw"),
                Step(egress="sw.trunk", to="sw2"),
                Step(egress="sw2.x", to="x", parent=1),
                Step(egress="sw2.y", to="y", parent=1),
            ],
            messages=((300, 200),),
            period_ps=2 * MS,
            sporadic=True,
            pcp=7,
        )
        .plan()
    )


# ------------------------------------------------------------------ histograms


@given(offsets=st.lists(st.integers(0, 2**45) | st.integers(0, 5000), min_size=1, max_size=60))
def test_folded_histogram_equals_one_made_at_once(offsets: list[int]) -> None:
    histogram = np.zeros(HISTOGRAM_BINS, dtype=np.int64)
    shift = 0
    for count, offset in enumerate(offsets):
        shift = widen_bins(histogram, int(count == 0), shift, offset)
        histogram[offset >> shift] += 1
    edges = np.arange(HISTOGRAM_BINS + 1, dtype=np.int64) << shift
    expected, _ = np.histogram(np.array(offsets, dtype=np.int64), bins=edges)
    assert histogram.tolist() == expected.tolist()
    # No wider than the range asks for.
    assert shift == 0 or max(offsets) >> (shift - 1) >= HISTOGRAM_BINS


def test_histogram_starts_at_the_least_latency_and_is_exact() -> None:
    evidence = simulate(busy_plan(), seed=3, duration_ps=2 * SECOND)
    for row in evidence.streams:
        assert row.min_ps is not None
        assert row.max_ps is not None
        assert row.mean_ps is not None
        widths = {high - low for low, high in pairwise(row.bin_edges_ps)}
        assert len(widths) == 1
        (width_ps,) = widths
        assert len(row.bin_edges_ps) == len(row.bin_counts) + 1
        assert len(row.bin_counts) <= HISTOGRAM_BINS
        assert sum(row.bin_counts) == row.frames > 0
        assert row.bin_edges_ps[0] <= row.min_ps < row.bin_edges_ps[1]
        assert row.bin_edges_ps[-2] <= row.max_ps < row.bin_edges_ps[-1]
        # A percentile is known to some thousandth of the range.
        assert width_ps <= max(1, (row.max_ps - row.min_ps) // 256)
        middle = sum(
            count * (low + high) / 2
            for count, (low, high) in zip(row.bin_counts, pairwise(row.bin_edges_ps), strict=True)
        )
        assert abs(middle / row.frames - row.mean_ps) <= width_ps


def test_mean_of_very_long_latencies_is_exact() -> None:
    """Latencies of a day each: their sum leaves 64 bits."""
    day_ps = 86_400 * SECOND
    mechanism = GrantMechanism(
        cycle_ps=day_ps,
        openings_ps=(0,),
        phase_ps=0,
        quota_octets=10**6,
        overhead_octets=0,
        fragments=False,
        serial_bps=0,
        burst_ps=1,
    )
    builder = PlanBuilder(propagation_ps=0).grants("a.g", mechanism, NoService(because=""))
    builder.stream("s", [("a.g", "b")], messages=((1,) * 500,), period_ps=day_ps, phase_ps=7)
    row = simulate(builder.plan(), seed=1, duration_ps=day_ps + 2).streams[0]
    assert row.frames == 500
    assert row.frames * (day_ps - 6) > 2 * SUM_LIMB
    assert row.mean_ps == float(day_ps - 6)


# ------------------------------------------------------------------ runs


def test_equal_seeds_give_equal_evidence_and_others_do_not() -> None:
    first = simulate(busy_plan(), seed=1, duration_ps=100 * MS)
    again = simulate(busy_plan(), seed=1, duration_ps=100 * MS)
    other = simulate(busy_plan(), seed=2, duration_ps=100 * MS)
    assert first == again
    assert first.trace_hash != other.trace_hash
    assert first.complete
    assert first.duration_ps == first.requested_ps == 100 * MS


def test_the_trace_is_the_same_on_every_platform() -> None:
    """Only a deliberate change of the mechanism may change this value."""
    evidence = simulate(busy_plan(), seed=20, duration_ps=100 * MS)
    assert evidence.trace_hash == "abccea83efa86068"


def test_adding_a_stream_changes_no_draw_of_the_others() -> None:
    """The added one uses wires of its own, so that nothing else changes either."""
    plan = busy_plan()
    extended = busy_plan()
    builder = PlanBuilder(egresses=list(plan.egresses), streams=[]).wire("c.p")
    builder.stream("new", [("c.p", "d")], jitter_ps=10 * US)
    extended = dataclasses.replace(
        plan, egresses=tuple(builder.egresses), streams=(*builder.streams, *plan.streams)
    )
    before = simulate(plan, seed=4, duration_ps=200 * MS)
    after = simulate(extended, seed=4, duration_ps=200 * MS)
    assert [dataclasses.replace(row, stream_index=0) for row in before.streams] == [
        dataclasses.replace(row, stream_index=0) for row in after.streams[1:]
    ]


@pytest.mark.parametrize("buffer_octets", [None, 4000])
def test_every_released_frame_is_delivered_lost_or_under_way(buffer_octets: int | None) -> None:
    plan = busy_plan(buffer_octets)
    most_under_way = 0
    for seed in range(10):
        run = engine.begin(build_model(plan, seed), 20 * MS + seed * 700 * US)
        engine.proceed(run)
        under_way = count_under_way(run)
        most_under_way = max(most_under_way, *under_way)
        for index, row in enumerate(run.model.rows):
            seen = run.state.rows[index]
            released = int(run.state.streams[row.stream_index]["released"])
            assert released == int(seen["frames"]) + int(seen["lost"]) + under_way[index]
        assert (run.state.rows["lost"].sum() > 0) == (buffer_octets is not None)
    assert most_under_way > 1


def count_under_way(run: engine.Run) -> list[int]:
    """For each row, frames in pipes and queues that would still reach it."""
    tables = run.model.tables
    counts = [0] * len(run.state.rows)
    heads = [*run.state.sources["head"], *run.state.queues["head"]]
    seen = 0
    for head in heads:
        frame = int(head)
        while frame != NONE:
            seen += 1
            hop = tables.hops[run.state.frames[frame]["hop"]]
            for row in tables.rows_below[hop["first_below"] : hop["end_below"]]:
                counts[row] += 1
            frame = int(run.state.frames[frame]["next"])
    # Every frame of the pool is either found here or free.
    assert seen + int(run.state.control["free_count"][0]) == len(run.state.frames)
    return counts


def arrays_of(state: tuple[Any, ...]) -> list[NDArray[Any]]:
    """Every array, those of the parts included."""
    return [
        array
        for part in state
        for array in (arrays_of(part) if isinstance(part, tuple) else [part])
    ]


def test_memory_does_not_grow_with_simulated_time() -> None:
    sizes = []
    for duration_ps in (1 * SECOND, 10 * SECOND):
        run = engine.begin(build_model(busy_plan(4000), 1), duration_ps)
        engine.proceed(run)
        sizes.append(
            [array.nbytes for array in (*arrays_of(run.state), *arrays_of(run.reception.state))]
        )
    assert sizes[0] == sizes[1]


@pytest.fixture
def keyboard() -> Iterator[None]:
    """Ctrl-C works, although a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("keyboard")
def test_interruption_keeps_what_was_seen() -> None:
    """A real SIGINT, raised while the run looks up."""
    shares: list[float] = []

    def progress(share: float) -> None:
        shares.append(share)
        if len(shares) == 2:
            signal.raise_signal(signal.SIGINT)

    part = simulate(busy_plan(), seed=1, duration_ps=200 * SECOND, progress=progress)
    assert not part.complete
    assert part.requested_ps == 200 * SECOND
    assert 0 < part.duration_ps < 200 * SECOND
    assert shares == sorted(shares)
    assert part.frames > 0
    # The same as a run that was asked for no more than that (and one picosecond).
    whole = simulate(busy_plan(), seed=1, duration_ps=part.duration_ps + 1)
    assert whole.frames >= part.frames
    assert whole.streams[0].min_ps == part.streams[0].min_ps


def test_cancelling_before_the_first_event() -> None:
    evidence = simulate(busy_plan(), seed=1, duration_ps=SECOND, cancelled=lambda: True)
    assert not evidence.complete
    assert evidence.duration_ps == 0
    assert evidence.frames == 0
    assert evidence.egresses[0].busy_ratio == 0


def test_progress_ends_at_one() -> None:
    shares: list[float] = []
    simulate(busy_plan(), seed=1, duration_ps=50 * MS, progress=shares.append)
    assert shares[-1] == 1.0


def test_overload_into_an_unlimited_buffer_ends_early_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "LARGEST_POOL_OCTETS", 5000 * (FRAME.itemsize + STEP.itemsize))
    builder = PlanBuilder().wire("a.p", line_bps=MBIT)
    builder.stream("s", [("a.p", "b")], period_ps=100 * US, phase_ps=0)
    evidence = simulate(builder.plan(), seed=1, duration_ps=100 * SECOND)
    assert not evidence.complete
    assert 0 < evidence.duration_ps < SECOND
    assert any("4096 frames under way" in text for text in evidence.assumptions)


def test_empty_plan() -> None:
    evidence = simulate(PlanBuilder().plan(), seed=1, duration_ps=SECOND)
    assert evidence.complete
    assert evidence.streams == ()


@pytest.mark.parametrize("duration_ps", [0, -1, 2**62])
def test_refuses_impossible_durations(duration_ps: int) -> None:
    with pytest.raises(ValueError, match="duration_ps"):
        simulate(busy_plan(), seed=1, duration_ps=duration_ps)

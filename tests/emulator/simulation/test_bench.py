# SPDX-License-Identifier: Apache-2.0
"""The measured scenario is the one that other simulators were measured on."""

from __future__ import annotations

from emulator.simulation.bench import line10, line10_plan
from emulator.simulation.run import simulate

MS = 10**9


def test_line10_is_as_described() -> None:
    plan = line10_plan()
    assert len(plan.streams) == 20
    assert sum(len(stream.hops) for stream in plan.streams) == 130
    # Links of each stream, as the published scenario counts them.
    assert [len(stream.hops) for stream in plan.streams] == [
        9, 5, 8, 3, 4, 9, 5, 9, 3, 10, 7, 10, 8, 5, 10, 6, 3, 4, 6, 6,
    ]  # fmt: skip


def test_streams_37_us_apart_meet_nobody() -> None:
    evidence = simulate(line10_plan(), seed=1, duration_ps=200 * MS)
    # Each hop stores 8 + 200 octets of 8 ns and 50 ns of cable; the first counts from 64 ns on.
    for row in evidence.streams:
        hops = len(line10_plan().streams[row.stream_index].hops)
        assert row.frames == 100
        assert row.min_ps == row.max_ps == (hops * (208 * 8 + 50) - 64) * 1000


def test_gates_delay_but_lose_nothing() -> None:
    evidence = simulate(line10_plan(gates=True), seed=1, duration_ps=200 * MS)
    assert sum(row.lost for row in evidence.streams) == 0
    # From 100 ms on, 20 frames each ms; only the last ones may wait when the run ends.
    assert 1980 <= evidence.frames <= 2000
    free = simulate(line10_plan(), seed=1, duration_ps=200 * MS)
    waits_ps = [
        (gated.max_ps or 0) - (row.max_ps or 0)
        for gated, row in zip(evidence.streams, free.streams, strict=True)
    ]
    assert min(waits_ps) >= 0
    assert max(waits_ps) > 50 * MS // 1000


def test_bench_counts_frame_hops() -> None:
    figures = line10(0.2)
    # From 100 ms on, 130 hops each millisecond.
    assert figures["frame_hops"] == 100 * 130
    assert figures["frame_hops_per_s"] > 0
    assert set(figures) == {"frame_hops", "cpu_s", "frame_hops_per_s", "compile_s"}

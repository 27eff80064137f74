# SPDX-License-Identifier: Apache-2.0
"""When each message of chosen streams was wholly received: a run that is watched closely.

The observations of a run keep extremes and histograms; whoever compares a run with computed
times needs every one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emulator.simulation import engine
from emulator.simulation.layout import State
from emulator.simulation.model import row_ranges
from emulator.simulation.tables import build_model
from netplan.plan.model import Plan


def receptions(
    plan: Plan, *, seed: int, duration_ps: int, stream_indices: tuple[int, ...]
) -> dict[tuple[int, int], NDArray[np.int64]]:
    """Run a plan and note every reception of some streams.

    Args:
        plan: What runs.
        seed: Of all random choices.
        duration_ps: Plant time.
        stream_indices: Streams to watch.

    Returns:
        By stream and listener one line per message, as it came: when it was released and when its
        last frame had been received, in picoseconds.
    """
    model = build_model(plan, seed)
    ranges = row_ranges(plan)
    watched = {
        row: (stream, listener)
        for stream in stream_indices
        for listener, row in enumerate(ranges[stream])
    }
    model.tables.rows["logged"][list(watched)] = 1
    most = max((len(stream.listeners) for stream in plan.streams), default=0)
    run = engine.begin(replace(model, entries_per_event=1 + most), duration_ps)
    parts: list[NDArray[np.int64]] = []

    def drain(state: State) -> None:
        count = int(state.control["log_count"][0])
        log = state.log[:count]
        kept = log[log["is_release"] == 0]
        parts.append(np.stack([kept["subject"], kept["release_ps"], kept["at_ps"]], axis=1))
        state.control["log_count"] = 0

    engine.proceed(run, drain=drain)
    lines = np.concatenate(parts) if parts else np.zeros((0, 3), dtype=np.int64)
    return {key: lines[lines[:, 0] == row][:, 1:] for row, key in watched.items()}

# SPDX-License-Identifier: Apache-2.0
"""Runs the kernel in slices, and makes room for it between them.

The pool of frames grows when more frames are under way than ever before, up to a
limit in octets: a plan that sends more than its transmitters carry, into buffers that nothing
limits, would otherwise fill the memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emulator.simulation import kernel
from emulator.simulation.layout import (
    CONTROL,
    EGRESS_STATE,
    FRAME,
    HEAP_ENTRY,
    HISTOGRAM_BINS,
    LOG_ENTRY,
    NONE,
    QUEUE_STATE,
    ROW_STATE,
    SOURCE_STATE,
    STATUS_FINISHED,
    STATUS_NEED_FRAMES,
    STEP,
    STREAM_STATE,
    Reception,
    State,
    empty_records,
)
from emulator.simulation.model import Model
from emulator.simulation.port_tables import ports_at_start, schedulers_at_start
from emulator.simulation.reception_state import empty_reception, more_families, no_families

SLICE_EVENTS = 200_000
"""Events between two looks at the clock and the keyboard: some 30 ms."""
LOG_ENTRIES = 1 << 15
FIRST_FRAMES = 1024
LARGEST_POOL_OCTETS = 1 << 29


@dataclass(slots=True)
class Run:
    """A run as far as it has come.

    Attributes:
        model: What runs.
        state: The kernel's arrays.
        reception: Its arrays about reception.
        duration_ps: Plant time that was asked for.
        complete: Whether it got there.
        overfull: Whether it ended because too many frames waited.
    """

    model: Model
    state: State
    reception: Reception
    duration_ps: int
    complete: bool = False
    overfull: bool = False

    @property
    def reached_ps(self) -> int:
        """Plant time up to which everything has happened."""
        return self.duration_ps if self.complete else int(self.state.control["now_ps"][0])


def begin(model: Model, duration_ps: int) -> Run:
    """A run before its first event."""
    tables = model.tables
    source_count = len(model.sources)
    control = empty_records(1, CONTROL)
    control["free_head"] = NONE
    control["frames_per_event"] = model.frames_per_event
    control["entries_per_event"] = model.entries_per_event
    control["has_families"] = int(tables.streams["counted"].max(initial=0))
    control["ended_head"] = NONE
    sources = empty_records(source_count, SOURCE_STATE)
    sources["kind"] = [source.kind for source in model.sources]
    sources["index"] = [source.index for source in model.sources]
    sources["head"] = NONE
    sources["tail"] = NONE
    egresses = empty_records(len(tables.egresses), EGRESS_STATE)
    egresses["held_until_ps"] = NONE
    queues = empty_records(int(tables.egresses["queue_count"].sum()), QUEUE_STATE)
    queues["head"] = NONE
    queues["tail"] = NONE
    streams = empty_records(len(tables.streams), STREAM_STATE)
    streams["nominal_ps"] = model.first_releases_ps
    streams["first_root"] = tables.streams["first_root"]
    streams["end_root"] = tables.streams["end_root"]
    rows = empty_records(len(tables.rows), ROW_STATE)
    for name in (
        "min_ps",
        "max_ps",
        "last_first_ps",
        "min_gap_ps",
        "max_gap_ps",
        "max_talker_wait_ps",
        "max_application_ps",
        "worst_release_ps",
        "worst_delivery_ps",
        "message_progress",
    ):
        rows[name] = NONE
    log_entries = max(LOG_ENTRIES, 2 * model.entries_per_event) if model.entries_per_event else 0
    state = State(
        control=control,
        heap=empty_records(source_count + 1, HEAP_ENTRY),
        sources=sources,
        egresses=egresses,
        queues=queues,
        streams=streams,
        rows=rows,
        histograms=np.zeros((len(rows), HISTOGRAM_BINS), dtype=np.int64),
        worst=empty_records((len(rows), model.largest_depth), STEP),
        frames=empty_records(0, FRAME),
        steps=empty_records((0, model.largest_depth), STEP),
        generators=np.array(model.generators, dtype=np.uint64),
        log=empty_records(log_entries, LOG_ENTRY),
        trace=np.zeros(1, dtype=np.uint64),
        schedulers=schedulers_at_start(tables.schedulers),
        ports=ports_at_start(tables.ports),
        clocks=model.clocks_at_start(),
        families=no_families(tables),
    )
    reception = Reception(
        tables=model.reception, state=empty_reception(model.reception, len(egresses))
    )
    run = Run(model=model, state=state, reception=reception, duration_ps=duration_ps)
    make_room(run, max(FIRST_FRAMES, 2 * model.frames_per_event))
    kernel.start(tables, run.state, reception)
    return run


def make_room(run: Run, frame_count: int) -> bool:
    """Let the pool hold ``frame_count`` frames; False when that is beyond the limit."""
    state = run.state
    depth = state.steps.shape[1]
    if frame_count * (FRAME.itemsize + depth * STEP.itemsize) > LARGEST_POOL_OCTETS:
        return False
    old_count = len(state.frames)
    frames = empty_records(frame_count, FRAME)
    frames[:old_count] = state.frames
    frames["next"][old_count:] = np.arange(old_count + 1, frame_count + 1)
    frames["next"][-1] = state.control["free_head"][0]
    frames["family"][old_count:] = NONE
    steps = empty_records((frame_count, depth), STEP)
    steps[:old_count] = state.steps
    families = state.families
    if state.control["has_families"][0]:
        families = more_families(families, frame_count + 1)
    run.state = state._replace(frames=frames, steps=steps, families=families)
    state.control["free_head"] = old_count
    state.control["free_count"] += frame_count - old_count
    return True


def proceed(
    run: Run,
    *,
    slice_events: int = SLICE_EVENTS,
    drain: Callable[[State], None] | None = None,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    until_ps: int | None = None,
) -> bool:
    """Run to the end, or until cancelled, interrupted at the keyboard or overfull.

    Args:
        run: Is changed in place.
        slice_events: Events between two calls of the others.
        drain: Takes the log of releases and deliveries.
        progress: Told the share of plant time that has passed.
        cancelled: Asked whether to stop.
        until_ps: Stop before this time already.

    Returns:
        Whether it got there.
    """
    end_ps = run.duration_ps if until_ps is None else until_ps
    try:
        while not run.complete and not run.overfull:
            if cancelled is not None and cancelled():
                break
            status = kernel.run_slice(
                run.model.tables, run.state, run.reception, end_ps, slice_events
            )
            if status == STATUS_NEED_FRAMES:
                run.overfull = not make_room(run, 2 * len(run.state.frames))
            is_there = status == STATUS_FINISHED
            run.complete = is_there and end_ps == run.duration_ps
            if drain is not None:
                drain(run.state)
            if progress is not None:
                progress(run.reached_ps / run.duration_ps)
            if is_there:
                return True
    except KeyboardInterrupt:
        logging.getLogger(__name__).info("interrupted at %d ps of plant time", run.reached_ps)
    return False

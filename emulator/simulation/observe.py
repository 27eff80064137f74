# SPDX-License-Identifier: Apache-2.0
"""What is noted when a frame reaches a listener.

Memory stays the same however long a run is: smallest, largest and sum of the latencies are
exact; their distribution is a histogram of a fixed number of bins, whose width
doubles (and pairs of bins merge) whenever a latency lies beyond the last.
"""

from __future__ import annotations

import numpy as np

from emulator.simulation.compiled import compiled, inlined, inner
from emulator.simulation.layout import (
    HISTOGRAM_BIN_BITS,
    HISTOGRAM_BINS,
    NONE,
    Integers,
    State,
    Tables,
    Words,
)

SUM_LIMB = 1 << 62
"""Sums of times are kept as high * SUM_LIMB + low."""

_FACTOR_1 = np.uint64(0x9E3779B97F4A7C15)
_FACTOR_2 = np.uint64(0xBF58476D1CE4E5B9)
_FACTOR_3 = np.uint64(0x94D049BB133111EB)
_SHIFT = np.uint64(29)


@inlined
def note_in_trace(trace: Words, row_index: int, release_ps: int, delivery_ps: int) -> None:
    """Mix one delivery into the fingerprint of the run."""
    word = trace[0] ^ (np.uint64(release_ps) * _FACTOR_1)
    word = (word ^ (word >> _SHIFT) ^ np.uint64(delivery_ps)) * _FACTOR_2
    word = (word ^ (word >> _SHIFT) ^ np.uint64(row_index)) * _FACTOR_3
    trace[0] = word ^ (word >> _SHIFT)


@compiled
def widen_bins(histogram: Integers, empty: int, shift: int, offset: int) -> int:
    """Double the bins' width until ``offset`` falls into one of them; returns the new shift."""
    while (offset >> shift) >= HISTOGRAM_BINS:
        shift += 1
        if empty == 0:
            half = HISTOGRAM_BINS >> 1
            for place in range(half):
                histogram[place] = histogram[2 * place] + histogram[2 * place + 1]
            histogram[half:] = 0
    return shift


@inner
def keep_worst(state: State, row_index: int, frame: int, depth: int, now_ps: int) -> None:
    """Keep the history of the frame with the largest latency so far."""
    row = state.rows[row_index]
    row.worst_release_ps = state.frames[frame].release_ps
    row.worst_delivery_ps = now_ps
    for step in range(depth + 1):
        state.worst[row_index, step].received_ps = state.steps[frame, step].received_ps
        state.worst[row_index, step].queued_ps = state.steps[frame, step].queued_ps
        state.worst[row_index, step].started_ps = state.steps[frame, step].started_ps
        state.worst[row_index, step].hop = state.steps[frame, step].hop
    for step in range(depth + 1, state.worst.shape[1]):
        state.worst[row_index, step].hop = NONE


@inlined
def note_first_frame(state: State, row_index: int, now_ps: int) -> None:
    """Time between the deliveries of messages' first frames."""
    row = state.rows[row_index]
    if row.last_first_ps != NONE:
        gap_ps = now_ps - row.last_first_ps
        if row.min_gap_ps == NONE or gap_ps < row.min_gap_ps:
            row.min_gap_ps = gap_ps
        row.max_gap_ps = max(row.max_gap_ps, gap_ps)
    row.last_first_ps = now_ps


@inner
def note_message(state: State, row_index: int, frame: int, now_ps: int) -> None:
    """Log a message that is complete with this frame, for the reaction chains."""
    row = state.rows[row_index]
    position = state.frames[frame].position
    if position == 0:
        row.message_progress = 0
    elif position != row.message_progress:
        return
    row.message_progress = position + 1
    if row.message_progress == state.frames[frame].message_frames:
        note_in_log(state, row_index, 0, state.frames[frame].release_ps, now_ps)


@inlined
def note_in_log(state: State, subject: int, is_release: int, release_ps: int, at_ps: int) -> None:
    """Append to the log; the event loop has made sure that there is room."""
    control = state.control[0]
    entry = state.log[control.log_count]
    entry.subject = subject
    entry.is_release = is_release
    entry.release_ps = release_ps
    entry.at_ps = at_ps
    control.log_count += 1


@inlined
def deliver(
    tables: Tables, state: State, row_index: int, frame: int, depth: int, now_ps: int
) -> None:
    """A frame is wholly received by a listener."""
    row = state.rows[row_index]
    release_ps = state.frames[frame].release_ps
    latency_ps = now_ps - state.frames[frame].origin_ps

    offset = latency_ps - tables.rows[row_index].base_ps
    if (offset >> row.bin_shift) >> HISTOGRAM_BIN_BITS > 0:
        histogram = state.histograms[row_index]
        row.bin_shift = widen_bins(histogram, int(row.frames == 0), row.bin_shift, offset)
    state.histograms[row_index, offset >> row.bin_shift] += 1

    row.frames += 1
    row.sum_low_ps += latency_ps
    if row.sum_low_ps >= SUM_LIMB:
        row.sum_low_ps -= SUM_LIMB
        row.sum_high += 1
    if row.min_ps == NONE or latency_ps < row.min_ps:
        row.min_ps = latency_ps
    if latency_ps > row.max_ps:
        row.max_ps = latency_ps
        keep_worst(state, row_index, frame, depth, now_ps)
    talker_wait_ps = state.steps[frame, 0].started_ps - state.steps[frame, 0].queued_ps
    row.max_talker_wait_ps = max(row.max_talker_wait_ps, talker_wait_ps)
    row.max_application_ps = max(row.max_application_ps, now_ps - release_ps)
    if state.frames[frame].position == 0:
        note_first_frame(state, row_index, now_ps)
    if tables.rows[row_index].logged != 0:
        note_message(state, row_index, frame, now_ps)
    note_in_trace(state.trace, row_index, release_ps, now_ps)
    state.control[0].delivered += 1

# SPDX-License-Identifier: Apache-2.0
"""Finds out when a run without randomness has come back to a state that it was in before.

The whole state is brought into a canonical form relative to a moment: times as differences, frames
numbered in the order in which lists reach them, statistics left out. Two equal forms a multiple
of the hyperperiod apart mean that all that follows has been seen already, so the maxima are
the true ones for these phases. The random generators are part of the state: whatever draws
never repeats. What no table below names is compared as it is, which can only hide a
repetition, never invent one.

Forms are compared whole, one being kept as in Brent's method (moved on at powers of two).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from emulator.simulation.engine import Run
from emulator.simulation.layout import (
    FAMILY_FIRST_ROW,
    FAMILY_NEXT,
    MECHANISM_GRANT,
    MECHANISM_PORT,
    NEVER_PS,
    NONE,
    SOURCE_ARRIVAL,
    SOURCE_ENTRY,
    SOURCE_HEAD,
    Integers,
    Records,
)
from emulator.simulation.policing import fill_all_buckets
from emulator.simulation.recovery import SEQUENCE_SPACE

LEAST_EVENTS = 20_000
"""Forms are compared at most once in so many frame-hops, so that looking costs little."""

_STATISTICS = {
    "egresses": {"max_backlog_octets", "frames", "dropped", "used"},
    "queues": {"max_backlog_octets"},
    "rows": {
        *("frames", "lost", "policed", "min_ps", "max_ps", "sum_low_ps", "sum_high", "bin_shift"),
        *("min_gap_ps", "max_gap_ps", "max_talker_wait_ps", "max_application_ps"),
        *("worst_release_ps", "worst_delivery_ps", "last_first_ps"),
    },
    "streams": {"released", "due_ps"},  # what is due counts for talkers with a clock alone
    "control": {
        *("now_ps", "free_head", "free_count", "frame_hops", "delivered", "log_count"),
        *("frames_per_event", "entries_per_event"),
    },
    "recoveries": {"passed", "discarded", "rogue", "out_of_order", "lost", "resets"},
    "ports.queues": {"looked_ps", "open_ps", "stop_ps", "close_ps"},
}
"""Fields that only report or only remember; of control, what belongs to the pool of frames."""
_TIMES = {
    "streams": {"nominal_ps"},
    "frames": {"due_ps", "release_ps", "origin_ps", "eligible_ps"},
    "ports.ports": {"from_ps", "end_ps"},
    "ports.queues": {"start_ps", "eligible_ps", "credit_from_ps"},
    "ports.timers": {"time_ps"},
    "schedulers": {"empty_ps"},
    "heap": {"time_ps"},
    "gates": {"interval_ps"},
    "meters": {"filled_ps"},
    "recoveries": {"accepted_ps"},
}
"""Times that are compared as differences to the moment; those that never were stay."""
_DEADLINES = {
    "egresses": {"busy_until_ps", "ready_ps", "not_before_ps", "held_until_ps"},
    "sources": {"last_ps"},
    "schedulers": {"group_ps"},
}
"""Times that matter only when they lie ahead."""
_FRAME_FIELDS = {
    "sources": ("head", "tail"),
    "queues": ("head", "tail"),
    "ports.ports": ("frame",),
    "ports.queues": ("frame",),
}
"""Fields that lead to frames."""
_ELSEWHERE = {"heap", "histograms", "worst", "frames", "steps", "log", "trace", "families"}
"""Arrays that are brought into form apart, or only report."""
_STAGE_OF_SOURCE = {SOURCE_HEAD: 0, SOURCE_ENTRY: 1, SOURCE_ARRIVAL: 3}
"""For a frame that a source has, how many things of its last step have happened: none for
the head of a frame, whose next step has not begun; all for one that travels."""
_STAGE_IN_FRAGMENTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A state relative to a moment.

    Attributes:
        moment_ps: The moment.
        parts: All that decides what happens next.
        ages_ps: For each row, time since it took the first frame of a message; only gaps between
            deliveries depend on it.
    """

    moment_ps: int
    parts: tuple[bytes, ...]
    ages_ps: Integers

    def repeats(self, earlier: Form) -> bool:
        """Whether all from here on is as it was from an earlier form on, gaps included.

        A row that has taken nothing in between will never take anything again.
        """
        is_idle = self.ages_ps > self.moment_ps - earlier.moment_ps
        same_gaps = bool(np.all(is_idle | (self.ages_ps == earlier.ages_ps)))
        return same_gaps and self.parts == earlier.parts


def hyperperiod_ps(run: Run) -> int | None:
    """Least common multiple of all that recurs; None when it is beyond the run, or random."""
    plan = run.model.plan
    if plan.synchronisation is not None:
        return None  # clocks that drift never come back to where they were
    periods = [
        int(record["cycle_ps"])
        for record in run.model.tables.egresses
        if record["mechanism"] == MECHANISM_GRANT
    ]
    periods += [int(cycle_ps) for cycle_ps in run.model.reception.gates["cycle_ps"]]
    for egress in plan.egresses:
        if egress.rules is not None:
            periods += [gates.cycle_ps for gates in egress.rules.gates]
    for stream in plan.streams:
        emission = stream.emission
        if emission.sporadic or emission.jitter_ps > 0:
            return None
        periods.append(emission.pattern_ps)
    least_ps = 1
    for period_ps in periods:
        least_ps = math.lcm(least_ps, period_ps)
        if least_ps > run.duration_ps:
            return None
    return least_ps if plan.streams else None


def canonical_form(run: Run, moment_ps: int) -> Form | None:
    """The state relative to a moment before which everything has happened.

    Returns:
        None when some frame cannot be found from the lists that are known.
    """
    fill_all_buckets(run.reception, moment_ps)
    state = run.state
    found = _frames_in_order(run)
    if found is None:
        return None
    frames, stages = found
    numbers = np.full(len(state.frames) + 1, NONE, dtype=np.int64)
    numbers[frames] = np.arange(len(frames))
    heap = np.sort(state.heap[: int(state.control["heap_size"][0])], order=("time_ps", "source"))
    parts = [_relative("heap", heap, moment_ps).tobytes()]
    arrays = {
        name: array
        for name, array in (*_named_arrays(state, ""), *_named_arrays(run.reception.state, ""))
        if name not in _ELSEWHERE
    }
    arrays["histories"] = _turned_histories(run)
    for name, array in arrays.items():
        if array.dtype.names is None:
            parts.append(array.tobytes())
            continue
        relative = _relative(name, array, moment_ps)
        for field in _FRAME_FIELDS.get(name, ()):
            relative[field] = numbers[relative[field]]
        _adjust(run, name, relative, moment_ps)
        parts.append(relative.tobytes())
    parts.extend(_frames_form(run, frames, stages, numbers, moment_ps))
    return Form(
        moment_ps=moment_ps,
        parts=tuple(parts),
        ages_ps=np.where(
            state.rows["last_first_ps"] == NONE,
            NEVER_PS,
            moment_ps - state.rows["last_first_ps"],
        ),
    )


def _named_arrays(state: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """The arrays of a state with their names; of a state within it, ``its name.`` before them."""
    for name, value in zip(state._fields, state, strict=True):
        if isinstance(value, tuple):
            yield from _named_arrays(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _relative(name: str, records: Any, moment_ps: int) -> Records:
    """A copy without statistics, and with times as differences."""
    relative: Records = records.copy()
    for field in _STATISTICS.get(name, ()):
        relative[field] = 0
    for field in _TIMES.get(name, ()):
        times = relative[field]
        unset = (times == NONE) | (np.abs(times) > NEVER_PS // 2)
        relative[field] = np.where(unset, times, times - moment_ps)
    for field in _DEADLINES.get(name, ()):
        relative[field] = np.maximum(relative[field] - moment_ps, 0)
    return relative


def _adjust(run: Run, name: str, relative: Records, moment_ps: int) -> None:
    """Counters that go around, and what has no meaning any more."""
    released = run.state.streams["released"]
    if name == "streams":
        relative["message"] %= run.model.tables.streams["message_count"]
    elif name == "egresses":
        over = run.state.egresses["held_until_ps"] < moment_ps
        relative["held_octets"][over] = 0
    elif name == "recoveries":
        streams = [
            index for index, stream in enumerate(run.model.plan.streams) for _ in stream.recoveries
        ]
        idle = relative["take_any"] != 0
        relative["number"] = (relative["number"] - released[streams]) % SEQUENCE_SPACE
        relative["head"] = 0
        for field in ("number", "accepted_ps"):
            relative[field][idle] = 0
    elif name == "schedulers":
        constants = run.model.tables.schedulers
        full = relative["empty_ps"] + constants["full_ps"] + 1 <= 0
        relative["empty_ps"][full] = -NEVER_PS
        relative["empty_part"][full] = 0
    elif name == "ports.ports":
        for field in ("from_ps", "end_ps"):
            relative[field][relative["is_sending"] == 0] = 0
        relative["rest_octets"][relative["frame"] == NONE] = 0
    elif name == "ports.queues":
        empty = relative["frame"] == NONE
        for field in ("start_ps", "data_ps", "frame_octets", "eligible_ps"):
            relative[field][empty] = 0
        no_credit = (relative["credit_ps"] == 0) & (relative["credit_part"] == 0)
        rests = empty & no_credit & (relative["credit_from_ps"] <= 0)
        relative["credit_from_ps"][rests] = 0


def _turned_histories(run: Run) -> Integers:
    """The histories of recoveries, each beginning with its latest number."""
    histories = run.reception.state.histories.copy()
    for constants, recovery in zip(
        run.reception.tables.recoveries, run.reception.state.recoveries, strict=True
    ):
        first = int(constants["first_place"])
        place = slice(first, first + int(constants["history_count"]))
        histories[place] = np.roll(histories[place], -int(recovery["head"]))
    return histories


def _frames_in_order(run: Run) -> tuple[Integers, list[int]] | None:
    """Frames under way, list by list; and for each, how much of its last step has happened."""
    state = run.state
    following = state.frames["next"]
    lists = [
        (int(head), _STAGE_OF_SOURCE.get(int(kind), 1))
        for head, kind in zip(state.sources["head"], state.sources["kind"], strict=True)
    ]
    lists += [(int(head), 2) for head in state.queues["head"]]
    frames: list[int] = []
    stages: list[int] = []
    for head, stage in lists:
        frame = head
        while frame != NONE:
            frames.append(frame)
            stages.append(stage)
            frame = int(following[frame])
    # A frame that a port sends in fragments is in no list; its ``next`` means nothing.
    sent = [int(frame) for frame in state.ports.ports["frame"] if frame != NONE]
    frames += sent
    stages += [_STAGE_IN_FRAGMENTS] * len(sent)
    if len(frames) != len(state.frames) - int(state.control["free_count"][0]):
        return None
    return np.array(frames, dtype=np.int64), stages


def _frames_form(
    run: Run, frames: Integers, stages: list[int], numbers: Integers, moment_ps: int
) -> list[bytes]:
    """The frames under way, their history as far as it goes, and their families."""
    state, tables = run.state, run.model.tables
    relative = _relative("frames", state.frames[frames], moment_ps)
    relative["next"] = numbers[relative["next"]]
    relative["next"][np.array(stages, dtype=np.int64) == _STAGE_IN_FRAGMENTS] = NONE
    egresses = tables.hops["egress"][relative["hop"]]
    elsewhere = tables.egresses["mechanism"][egresses] != MECHANISM_PORT
    relative["eligible_ps"][elsewhere] = 0
    families: dict[int, int] = {}
    first_rows = tables.streams["first_row"]
    for record in relative:
        family = int(record["family"])
        if family == NONE:
            record["sequence"] = 0
            continue
        record["family"] = families.setdefault(family, len(families))
        row = state.families[family, FAMILY_FIRST_ROW]
        stream = int(np.searchsorted(first_rows, row, side="right")) - 1
        number = int(record["sequence"]) - int(state.streams["released"][stream])
        record["sequence"] = number % SEQUENCE_SPACE
    steps: list[tuple[int, ...]] = []
    for frame, stage in zip(frames.tolist(), stages, strict=True):
        depth = int(tables.hops[state.frames[frame]["hop"]]["depth"])
        for step in state.steps[frame, :depth]:
            if step["hop"] != NONE:
                steps.append((int(step["hop"]), *_times_of(step, 3, moment_ps)))
        steps.append(_times_of(state.steps[frame, depth], stage, moment_ps))
    known = state.families[list(families)][:, FAMILY_NEXT + 1 :]
    return [relative.tobytes(), repr(steps).encode(), known.tobytes()]


def _times_of(step: Any, stage: int, moment_ps: int) -> tuple[int, ...]:
    """The first few things that have happened to a frame at one hop."""
    fields = ("received_ps", "queued_ps", "started_ps")[:stage]
    return tuple(int(step[field]) - moment_ps for field in fields)


def proceed_to_repetition(
    run: Run, period_ps: int, proceed: Callable[[int], bool], *, stops: bool
) -> bool:
    """Run to the end, or until a state repeats; whether one did.

    Args:
        run: Before its first event.
        period_ps: Hyperperiod.
        proceed: Runs up to a time; False when the run was cut short.
        stops: Whether to end the run at the repetition.
    """
    kept: Form | None = None
    comparisons = events = compared_events = 0
    stride = 1
    moment_ps = period_ps
    while moment_ps < run.duration_ps:
        if not proceed(moment_ps):
            return False
        events_before, events = events, int(run.state.control["frame_hops"][0])
        enough = events - compared_events >= LEAST_EVENTS
        if enough and moment_ps >= _last_change_ps(run):
            compared_events = events
            form = canonical_form(run, moment_ps)
            if form is None:
                break
            if kept is not None and form.repeats(kept):
                if stops:
                    run.duration_ps = moment_ps
                    run.complete = True
                else:
                    proceed(run.duration_ps)
                return True
            comparisons += 1
            if comparisons & (comparisons - 1) == 0:
                kept = form
        # As many periods at a time as have enough events, approached by doubling.
        in_a_period = max(1, (events - events_before) // stride)
        stride = max(1, min(2 * stride, LEAST_EVENTS // in_a_period))
        moment_ps += stride * period_ps
    proceed(run.duration_ps)
    return False


def _last_change_ps(run: Run) -> int:
    """When the last gate list that replaces another comes into force."""
    return max(
        (
            gates.base_ps
            for egress in run.model.plan.egresses
            if egress.rules is not None
            for gates in egress.rules.gates[1:]
        ),
        default=0,
    )

# SPDX-License-Identifier: Apache-2.0
"""Reaction times of chains, from the releases and deliveries that the kernel logs.

A sensor samples at each release of its stream. A task reads the latest value delivered
at or before its start and has its output ready after its work; the next
stream carries, at each of its releases, the newest output ready by then; an
actuator acts at delivery. The reaction to an event just after sample k runs from
that sample's instant to the first action on a sample newer than k.

Samples are numbered; with each travels the sum of the instants before it, so
that one action settles all samples that it answers without a list of them. Messages
under way are kept in a ring: of more than :data:`LARGEST_UNDER_WAY` messages of one
stream under way at once, the oldest are taken for lost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emulator.simulation.compiled import compiled
from emulator.simulation.layout import (
    NONE,
    Integers,
    Record,
    Records,
    State,
    empty_records,
    record_layout,
    set_record,
)
from emulator.simulation.model import row_ranges
from emulator.simulation.observe import SUM_LIMB
from emulator.simulation.random_numbers import draw_once
from netplan.plan.model import Plan

LARGEST_UNDER_WAY = 1024

STAGE = record_layout("chain first last cycle_ps phase_ps work_ps")
STAGE_STATE = record_layout("ring_head ring_count pending_head pending_count read_ps samples")
VALUE = record_layout("at_ps number sum_before_ps previous_ps instant_ps")
REACTIONS = record_layout("count sum_low_ps sum_high min_ps max_ps")


class ChainTables(NamedTuple):
    """Constants: the stages of all chains, and which of them a log entry concerns."""

    stages: Records
    first_use: Integers
    uses: Integers


class ChainState(NamedTuple):
    """What changes.

    Attributes:
        stages: Counters of each stage.
        under_way: For each stage, messages with their release and value.
        reading: The value that the stage's task will read at ``read_ps``.
        pending: Outputs of the stage's task that are not ready yet, with their time.
        output: The newest output that is ready.
        newest: The latest sample of the stage's sensor.
        acted: For each chain, the sample that was acted on last.
        reactions: For each chain, the reaction times so far.
    """

    stages: Records
    under_way: Records
    reading: Records
    pending: Records
    output: Records
    newest: Records
    acted: Records
    reactions: Records


def build_chains(plan: Plan, seed: int) -> tuple[ChainTables, ChainState]:
    """Arrays for the chains of a plan; phases that it leaves open are drawn from the seed."""
    stages = [
        (chain_index, position, stage)
        for chain_index, chain in enumerate(plan.chains)
        for position, stage in enumerate(chain.stages)
    ]
    ranges = row_ranges(plan)
    row_count = sum(len(stream.listeners) for stream in plan.streams)
    users: list[list[int]] = [[] for _ in range(row_count + len(plan.streams))]
    records = empty_records(len(stages), STAGE)
    most_pending = 1
    for index, (chain_index, position, stage) in enumerate(stages):
        chain = plan.chains[chain_index]
        is_last = position == len(chain.stages) - 1
        phase_ps = stage.task_phase_ps
        if stage.task_cycle_ps > 0:
            if phase_ps is None:
                name = f"{chain.name}\0{position}"
                phase_ps = draw_once(seed, "task", name, stage.task_cycle_ps)
            most_pending = max(most_pending, stage.task_work_ps // stage.task_cycle_ps + 2)
        set_record(
            records[index],
            chain=chain_index,
            first=int(position == 0),
            last=int(is_last),
            cycle_ps=stage.task_cycle_ps,
            phase_ps=phase_ps or 0,
            work_ps=stage.task_work_ps,
        )
        users[ranges[stage.stream_index][stage.listener_index]].append(index)
        users[row_count + stage.stream_index].append(index)
    first_use = np.cumsum([0, *(len(indices) for indices in users)], dtype=np.int64)
    uses = np.array([index for indices in users for index in indices], dtype=np.int64)
    tables = ChainTables(stages=records, first_use=first_use, uses=uses)
    return tables, _empty_state(len(stages), len(plan.chains), most_pending)


def _empty_state(stage_count: int, chain_count: int, most_pending: int) -> ChainState:
    """No sample taken, nothing under way."""
    stage_states = empty_records(stage_count, STAGE_STATE)
    stage_states["read_ps"] = NONE
    reactions = empty_records(chain_count, REACTIONS)
    reactions["min_ps"] = NONE
    reactions["max_ps"] = NONE

    def no_values(count: int | tuple[int, int]) -> NDArray[np.void]:
        values = empty_records(count, VALUE)
        values["number"] = NONE
        return values

    return ChainState(
        stages=stage_states,
        under_way=no_values((stage_count, LARGEST_UNDER_WAY)),
        reading=no_values(stage_count),
        pending=no_values((stage_count, most_pending)),
        output=no_values(stage_count),
        newest=no_values(stage_count),
        acted=no_values(chain_count),
        reactions=reactions,
    )


@compiled
def copy_value(target: Record, value: Record, at_ps: int) -> None:
    """Put a value, with a time, into another record."""
    target.at_ps = at_ps
    target.number = value.number
    target.sum_before_ps = value.sum_before_ps
    target.previous_ps = value.previous_ps
    target.instant_ps = value.instant_ps


@compiled
def act(tables: ChainTables, state: ChainState, stage: int, value: Record, at_ps: int) -> None:
    """The actuator acts on a value: every sample before it that nothing answered yet is."""
    chain = tables.stages[stage].chain
    acted = state.acted[chain]
    count = value.number - acted.number
    if count <= 0:
        return
    reactions = state.reactions[chain]
    shortest_ps = at_ps - value.previous_ps
    longest_ps = at_ps - acted.instant_ps
    sum_ps = count * at_ps - (value.sum_before_ps - acted.sum_before_ps)
    if reactions.min_ps == NONE or shortest_ps < reactions.min_ps:
        reactions.min_ps = shortest_ps
    reactions.max_ps = max(reactions.max_ps, longest_ps)
    reactions.count += count
    reactions.sum_high += sum_ps // SUM_LIMB
    reactions.sum_low_ps += sum_ps % SUM_LIMB
    if reactions.sum_low_ps >= SUM_LIMB:
        reactions.sum_low_ps -= SUM_LIMB
        reactions.sum_high += 1
    copy_value(acted, value, at_ps)


@compiled
def settle(tables: ChainTables, state: ChainState, stage: int, until_ps: int) -> None:
    """Let a stage's task read and finish what it reads and finishes up to a time."""
    counters = state.stages[stage]
    constants = tables.stages[stage]
    room = state.pending.shape[1]
    if counters.read_ps != NONE and counters.read_ps <= until_ps:
        place = (counters.pending_head + counters.pending_count) % room
        ready_ps = counters.read_ps + constants.work_ps
        copy_value(state.pending[stage, place], state.reading[stage], ready_ps)
        counters.pending_count += 1
        counters.read_ps = NONE
    while counters.pending_count > 0:
        first = state.pending[stage, counters.pending_head]
        if first.at_ps > until_ps:
            break
        copy_value(state.output[stage], first, first.at_ps)
        counters.pending_head = (counters.pending_head + 1) % room
        counters.pending_count -= 1
        if constants.last != 0:
            act(tables, state, stage, state.output[stage], state.output[stage].at_ps)


@compiled
def take_sample(tables: ChainTables, state: ChainState, stage: int, now_ps: int) -> None:
    """The sensor samples."""
    newest = state.newest[stage]
    is_first = newest.number == NONE
    newest.number += 1
    newest.sum_before_ps += newest.instant_ps
    newest.previous_ps = newest.instant_ps
    newest.instant_ps = now_ps
    if is_first:
        copy_value(state.acted[tables.stages[stage].chain], newest, now_ps)


@compiled
def note_release(tables: ChainTables, state: ChainState, stage: int, now_ps: int) -> None:
    """A stage's stream releases a message: it carries a sample, or the newest output."""
    counters = state.stages[stage]
    if counters.ring_count == LARGEST_UNDER_WAY:
        counters.ring_head = (counters.ring_head + 1) % LARGEST_UNDER_WAY
        counters.ring_count -= 1
    place = (counters.ring_head + counters.ring_count) % LARGEST_UNDER_WAY
    counters.ring_count += 1
    if tables.stages[stage].first != 0:
        take_sample(tables, state, stage, now_ps)
        copy_value(state.under_way[stage, place], state.newest[stage], now_ps)
    else:
        settle(tables, state, stage - 1, now_ps)
        copy_value(state.under_way[stage, place], state.output[stage - 1], now_ps)


@compiled
def note_delivery(
    tables: ChainTables, state: ChainState, stage: int, release_ps: int, now_ps: int
) -> None:
    """A message of a stage's stream is wholly received: its task will read it, or it acts."""
    counters = state.stages[stage]
    place = NONE
    while counters.ring_count > 0 and place == NONE:
        head = counters.ring_head
        if state.under_way[stage, head].at_ps > release_ps:
            return
        if state.under_way[stage, head].at_ps == release_ps:
            place = head
        counters.ring_head = (head + 1) % LARGEST_UNDER_WAY
        counters.ring_count -= 1
    if place == NONE or state.under_way[stage, place].number == NONE:
        return
    value = state.under_way[stage, place]
    constants = tables.stages[stage]
    if constants.cycle_ps == 0:
        act(tables, state, stage, value, now_ps)
        return
    # A task that starts at this very moment still reads this value.
    settle(tables, state, stage, now_ps - 1)
    cycles = -((constants.phase_ps - now_ps) // constants.cycle_ps)
    counters.read_ps = constants.phase_ps + cycles * constants.cycle_ps
    copy_value(state.reading[stage], value, now_ps)


@compiled
def evaluate_log(tables: ChainTables, state: ChainState, control: Records, log: Records) -> None:
    """Evaluate the log of a slice and empty it."""
    for place in range(control[0].log_count):
        entry = log[place]
        subject = entry.subject
        for use in range(tables.first_use[subject], tables.first_use[subject + 1]):
            stage = tables.uses[use]
            if entry.is_release != 0:
                note_release(tables, state, stage, entry.at_ps)
            else:
                note_delivery(tables, state, stage, entry.release_ps, entry.at_ps)
    control[0].log_count = 0


@compiled
def finish_tasks(tables: ChainTables, state: ChainState, end_ps: int) -> None:
    """Let the tasks finish what they finish before the end of the run."""
    for stage in range(len(tables.stages)):
        settle(tables, state, stage, end_ps - 1)


class Evaluation:
    """The chains of one run.

    Attributes:
        state: Reaction times so far, among others.
    """

    def __init__(self, plan: Plan, seed: int) -> None:
        self._tables, self.state = build_chains(plan, seed)

    def drain(self, run: State) -> None:
        """Evaluate what the kernel has logged since the last time, and empty the log."""
        evaluate_log(self._tables, self.state, run.control, run.log)

    def finish(self, run: State, end_ps: int) -> None:
        """Evaluate the rest at the end of a run."""
        self.drain(run)
        finish_tasks(self._tables, self.state, end_ps)

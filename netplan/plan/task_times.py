# SPDX-License-Identifier: Apache-2.0
"""Phases that suit the tasks of controllers: what a task wrote is sent, what it reads is there.

A reaction chain says which streams a task joins. Where the task starts at a known time and has the
period of a scheduled stream, its output is released only after its work, and its input arrives,
even with all of its deadline used, before it starts.
"""

from __future__ import annotations

from netplan.plan.model import ChainStage, Plan, PlannedStream


def task_phases_ps(plan: Plan) -> dict[str, tuple[int, int]]:
    """By name of a scheduled stream: least and largest phase that suit its chains.

    Streams whose phase is stated are left out. Where an output and an input cannot both be suited, the
    output counts: a value that is sent before it is written is a whole cycle old.
    """
    limits_ps = {
        (target.stream_index, target.listener_index): int(target.limit)
        for target in plan.targets
        if (target.quantity, target.statistic, target.unit) == ("latency", "max", "ps")
    }
    found: dict[str, tuple[int, int]] = {}
    for chain in plan.chains:
        before: ChainStage | None = None
        for stage in chain.stages:
            stream = plan.streams[stage.stream_index]
            if _may_be_placed(stream):
                period_ps = stream.emission.period_ps
                low_ps, high_ps = found.get(stream.name, (0, period_ps - 1))
                if before is not None and _is_known(before, period_ps):
                    low_ps = max(low_ps, _after_work_ps(before, period_ps))
                limit_ps = limits_ps.get((stage.stream_index, stage.listener_index), period_ps)
                if _is_known(stage, period_ps) and limit_ps < period_ps:
                    start_ps = stage.task_phase_ps or 0
                    before_start_ps = (start_ps - limit_ps - 1) % period_ps
                    if low_ps <= before_start_ps:
                        high_ps = min(high_ps, before_start_ps)
                if low_ps <= high_ps and (low_ps, high_ps) != (0, period_ps - 1):
                    found[stream.name] = low_ps, high_ps
            before = stage
    return found


def _may_be_placed(stream: PlannedStream) -> bool:
    emission = stream.emission
    return (
        stream.scheduled
        and emission.phase_ps is None
        and not emission.offsets_ps
        and len(emission.messages) == 1
    )


def _is_known(stage: ChainStage, period_ps: int) -> bool:
    """Whether a task starts at known times, once in each period."""
    return stage.task_phase_ps is not None and stage.task_cycle_ps == period_ps


def _after_work_ps(stage: ChainStage, period_ps: int) -> int:
    """First phase behind a task's work: what coincides with its end counts as missed."""
    assert stage.task_phase_ps is not None
    return (stage.task_phase_ps + stage.task_work_ps + 1) % period_ps

# SPDX-License-Identifier: Apache-2.0
"""What a scheduler answers, as lines, as a record and as a file to include."""

from __future__ import annotations

from typing import Any, Protocol

import yaml

from netplan.scheduling import Proposal
from netplan.scheduling import time_text as exact_text
from netplan.tsn.synthesis.result import Status
from netplan.verdict.wording import Rounding, count_text, percent_text, time_text

_MOST_LINES = 12


class Replayed(Protocol):
    """What a replay in a simulator showed."""

    @property
    def message_count(self) -> int:
        """Receptions compared."""

    @property
    def largest_deviation_ps(self) -> int:
        """Of a reception with ideal clocks from the earliest computed time."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What did not agree."""

    @property
    def agrees(self) -> bool:
        """Whether all was received when computed."""


def section_text(proposal: Proposal) -> str:
    """The design's ``schedule`` as YAML, to be included."""
    dumped: str = yaml.safe_dump(
        dict(proposal.section), sort_keys=False, default_flow_style=None, width=100
    )
    return "# Written by 'plantwire schedule'; include it as 'schedule: !include FILE'.\n" + dumped


def schedule_record(proposal: Proposal, replayed: Replayed | None) -> dict[str, Any]:
    """The answer as plain data, times in nanoseconds."""
    schedule, ports = proposal.schedule, proposal.planned.problem.ports
    conflict = schedule.conflict
    return {
        "design": {"name": proposal.plan.name, "hash": proposal.plan.design_hash},
        "version": proposal.plan.version,
        "status": schedule.status.value,
        "streams": len(proposal.planned.problem.streams),
        "hyperperiod_ns": schedule.hyperperiod_ps / 1000,
        "max_gate_entries": schedule.max_gate_entries,
        "replayed": replayed is not None and replayed.agrees,
        "replay": None
        if replayed is None
        else {
            "messages": replayed.message_count,
            "largest_deviation_ns": replayed.largest_deviation_ps / 1000,
            "faults": list(replayed.faults),
        },
        "ports": {
            ports[one.port_index].name: {
                "entries": len(one.gates.entries),
                "cycle_ns": one.gates.cycle_ps / 1000,
                "best_effort_ratio": one.best_effort_ratio,
            }
            for one in schedule.ports
        },
        "phases_ns": {one.name: one.phase_ps / 1000 for one in schedule.placements},
        "conflict": None
        if conflict is None
        else {
            "kind": conflict.kind,
            "text": conflict.text,
            "streams": list(conflict.streams),
            "minimal": conflict.minimal,
            "ports": list(conflict.ports),
            "utilisation_ratio": conflict.utilisation_ratio,
            "cure": None if conflict.cure is None else conflict.cure.text,
        },
        "obstacles": [one.text for one in schedule.obstacles],
        "harmonic_periods_ns": {
            name: period_ps / 1000 for name, period_ps in schedule.harmonic_periods_ps.items()
        },
        "tried": [
            {"method": one.method, "outcome": one.outcome, "seconds": round(one.taken_s, 3)}
            for one in schedule.tried
        ],
        "schedule": dict(proposal.section),
    }


def schedule_lines(proposal: Proposal, replayed: Replayed | None) -> list[str]:
    """The answer in sentences."""
    schedule = proposal.schedule
    names = count_text(len(proposal.planned.problem.streams), "scheduled stream")
    lines = [f"{proposal.plan.name}: {names}: {schedule.status.value}"]
    if schedule.status is Status.FEASIBLE:
        lines.append(
            f"longest gate list: {schedule.max_gate_entries} entries; hyperperiod "
            f"{time_text(schedule.hyperperiod_ps)}"
        )
        least = min(schedule.ports, key=lambda one: one.best_effort_ratio, default=None)
        if least is not None:
            port = proposal.planned.problem.ports[least.port_index].name
            share = percent_text(least.best_effort_ratio, Rounding.DOWN, 3)
            lines.append(f"other traffic keeps at least {share} of every port (least at {port})")
    if replayed is not None:
        count = count_text(replayed.message_count, "reception")
        if replayed.agrees:
            lines.append(f"replayed in the simulator: {count} at their computed times")
        else:
            lines.append(
                "the replay does not agree, which is a fault of plantwire; please report it:"
            )
            lines += [f"  {fault}" for fault in replayed.faults[:_MOST_LINES]]
    conflict = schedule.conflict
    if conflict is not None:
        lines.append(conflict.text)
        shown = ", ".join(conflict.streams[:_MOST_LINES])
        more = len(conflict.streams) - _MOST_LINES
        lines.append(f"in conflict: {shown}{f' and {more} more' if more > 0 else ''}")
        if conflict.cure is not None:
            lines.append(f"a way out: {conflict.cure.text}")
    lines += [one.text for one in schedule.obstacles[:_MOST_LINES]]
    if schedule.harmonic_periods_ps:
        pairs = [
            f"{name} {exact_text(period_ps)}"
            for name, period_ps in list(schedule.harmonic_periods_ps.items())[:_MOST_LINES]
        ]
        lines.append(f"nearest harmonic periods: {', '.join(pairs)}")
    if schedule.status is not Status.FEASIBLE:
        lines += [f"tried {one.method}: {one.outcome}" for one in schedule.tried]
    return lines

# SPDX-License-Identifier: Apache-2.0
"""A gate schedule for a design: the problem its plan states, the answer, and the design with it.

Ways are tried in two rounds, so that easy plants are quick: first the planned way of each
stream, by the quickest method alone, then others beside it, by all methods. Where a stream has
more ways than were offered, what cannot be done on these is *unknown*, not infeasible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from netplan.design.design import Design
from netplan.design.findings import DesignError, Finding, Severity, in_order
from netplan.design.resolve import Equipment, resolve
from netplan.design.tsn import Schedule as ScheduleOfUser
from netplan.plan.make import ALTERNATIVE, make_plan, plan_with_alternatives
from netplan.plan.model import Egress, Plan, PlannedStream
from netplan.plan.scheduled import PlannedProblem, Wishes, problem_of
from netplan.plan.task_times import task_phases_ps
from netplan.tsn.mechanisms import GateList, GateOperation
from netplan.tsn.synthesis.problem import GateLimits, Guard, Method, Options, Waiting
from netplan.tsn.synthesis.result import Obstacle, Schedule, Status
from netplan.tsn.synthesis.synthesise import synthesise

_OTHER_WAYS = 8
"""Ways of each stream in the second round."""
_QUICK_SHARE = 0.05
"""Of the time limit, for the first round."""
_MAC = {GateOperation.SET: "set", GateOperation.HOLD: "hold", GateOperation.RELEASE: "release"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What was found for a design.

    Attributes:
        planned: The problem, and the streams that it is about.
        schedule: The answer.
        section: The design's ``schedule`` as plain data; empty unless feasible.
        plan: The design planned with it; without it unless feasible.
    """

    planned: PlannedProblem
    schedule: Schedule
    section: Mapping[str, Any]
    plan: Plan


def propose(
    design: Design,
    *,
    method: Method = Method.AUTO,
    time_limit_s: float = 60.0,
    keep: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Proposal:
    """Make a gate schedule for the scheduled streams of a design.

    Args:
        design: As loaded.
        method: How to look for it.
        time_limit_s: Of processor time.
        keep: Whether streams of the design's present schedule stay where they are.
        progress: Told what is being tried.

    Raises:
        DesignError: When the design cannot be planned, or its streams cannot be scheduled for a
            reason that no schedule could change (no gates on the way, for instance).
    """
    base = design if keep else replace(design, schedule=None)
    equipment, _ = resolve(base)
    policy = design.tsn.schedule
    options = Options(
        method=method,
        guard=Guard.PREEMPTION if policy.protect == "preemption" else Guard.BAND,
        time_limit_s=time_limit_s,
    )
    quick = replace(
        options,
        method=Method.GREEDY if method is Method.AUTO else method,
        waiting=Waiting.NO_WAIT,
        time_limit_s=time_limit_s * _QUICK_SHARE,
        explain=False,
    )
    plan = make_plan(base)
    if progress is not None:
        progress("planned ways")
    planned = _problem(design, equipment, plan)
    schedule = synthesise(planned.problem, quick)
    if schedule.status is not Status.FEASIBLE:
        if progress is not None:
            progress("other ways")
        plan, planned, complete = _with_other_ways(design, base, equipment, plan)
        tried = schedule.tried
        schedule = synthesise(planned.problem, options)
        schedule = replace(schedule, tried=(*tried, *schedule.tried))
        conflict = schedule.conflict
        if conflict is not None and not complete and conflict.kind not in {"deadline", "periods"}:
            obstacle = Obstacle(
                kind="streams",
                text=f"On the {_OTHER_WAYS} shortest ways of each stream: {conflict.text}",
            )
            schedule = replace(
                schedule, status=Status.UNKNOWN, obstacles=(*schedule.obstacles, obstacle)
            )
    if schedule.status is not Status.FEASIBLE:
        return Proposal(planned=planned, schedule=schedule, section={}, plan=plan)
    section = _section(plan, planned, schedule)
    with_it = replace(design, schedule=ScheduleOfUser.model_validate(section))
    return Proposal(planned=planned, schedule=schedule, section=section, plan=make_plan(with_it))


def _problem(
    design: Design,
    equipment: Equipment,
    plan: Plan,
    candidates: Mapping[str, tuple[PlannedStream, ...]] | None = None,
) -> PlannedProblem:
    def limits(egress: Egress) -> GateLimits | None:
        return gate_limits(equipment, egress)

    share = design.tsn.schedule.best_effort_ratio
    wishes = Wishes(
        candidates=candidates or {},
        phases_ps=task_phases_ps(plan),
        best_effort_ratio={egress.name: share for egress in plan.egresses},
    )
    planned, found = problem_of(plan, limits, wishes)
    findings = [*found, *_express_findings(design, plan)]
    if planned is None or findings:
        raise DesignError(in_order(findings))
    if not planned.problem.streams:
        raise DesignError(
            [
                Finding(
                    code="SCHEDULE-NOTHING", severity=Severity.ERROR,
                    message="no stream of the design is scheduled",
                    expected="streams or relations with 'scheduled: true'", found="none",
                    hint="say which streams are time-triggered",
                )
            ]
        )  # fmt: skip
    return planned


def _express_findings(design: Design, plan: Plan) -> list[Finding]:
    """Where scheduled frames go, no others are express; with preemption, they themselves are.

    A frame that an express one interrupts goes on behind its closed gate, into a window.
    """
    scheduled = {hop.egress_index for one in plan.streams if one.scheduled for hop in one.hops}
    interrupting = design.tsn.schedule.protect == "preemption"
    findings = []
    for stream in plan.streams:
        for hop in stream.hops:
            rules = plan.egresses[hop.egress_index].rules
            if rules is None or rules.fragment_octets is None or hop.egress_index not in scheduled:
                continue
            express = rules.queues[hop.queue_index].express
            if (interrupting and not express) if stream.scheduled else express:
                findings.append(
                    design.finding(
                        "SCHEDULE-EXPRESS", Severity.ERROR,
                        f"'{stream.name}' is scheduled and preemptable" if stream.scheduled
                        else f"'{stream.name}' is express and not scheduled",
                        at=("tsn", ""), keys=("preemption",),
                        expected="the priorities of scheduled streams under 'express', no others",
                        found=f"priority {stream.pcp}",
                        hint="change 'express' or the priority of the stream",
                    )
                )  # fmt: skip
                break
    return findings


def gate_limits(equipment: Equipment, egress: Egress) -> GateLimits | None:
    """What the gates of a transmitter can do by the catalogue; None when it has none."""
    node = equipment.nodes.get(egress.node)
    bridge = None if node is None else node.device.bridge
    if bridge is None or bridge.gate_entries is None or bridge.gate_entries.value == 0:
        return None
    grain, interval, cycle = (
        bridge.gate_granularity_ps,
        bridge.gate_interval_ps,
        bridge.cycle_max_ps,
    )
    return GateLimits(
        largest_entry_count=bridge.gate_entries.value,
        granularity_ps=0 if grain is None else grain.value,
        smallest_interval_ps=0 if interval is None else interval.value,
        largest_cycle_ps=None if cycle is None else cycle.value,
    )


def _with_other_ways(
    design: Design, base: Design, equipment: Equipment, plan: Plan
) -> tuple[Plan, PlannedProblem, bool]:
    """A plan with other ways, its problem, and whether these are all the ways that there are."""
    wider = plan_with_alternatives(base, _OTHER_WAYS)
    candidates: dict[str, list[PlannedStream]] = {
        stream.name: [stream] for stream in wider.streams if stream.scheduled
    }
    for stream in wider.streams:
        name, mark, _ = stream.name.partition(ALTERNATIVE)
        if mark:
            candidates[name].append(replace(stream, name=name))
    complete = all(len(ways) < _OTHER_WAYS for ways in candidates.values())
    own = tuple(stream for stream in wider.streams if ALTERNATIVE not in stream.name)
    plan = replace(wider, streams=own)
    offered = {name: tuple(ways) for name, ways in candidates.items() if ALTERNATIVE not in name}
    return plan, _problem(design, equipment, plan, offered), complete


def _section(plan: Plan, planned: PlannedProblem, schedule: Schedule) -> dict[str, Any]:
    """The design's ``schedule``: phases, ways where they are not the planned ones, gate lists."""
    streams: dict[str, Any] = {}
    for number, placement in enumerate(schedule.placements):
        row: dict[str, Any] = {"phase": time_text(placement.phase_ps)}
        chosen = planned.chosen(number, placement.route)
        if chosen is not planned.candidates[number][0]:
            row["ways"] = [list(_nodes(chosen, end)) for end in chosen.listener_hops]
        streams[placement.name] = row
    gates = {plan.egresses[port.port_index].name: [_gates(port.gates)] for port in schedule.ports}
    return {"streams": streams, "gates": gates}


def _nodes(stream: PlannedStream, end: int) -> tuple[str, ...]:
    nodes = [stream.hops[end].to_node]
    while end >= 0:
        nodes.append(stream.hops[end].from_node)
        end = stream.hops[end].parent_index
    return tuple(reversed(nodes))


def _gates(gates: GateList) -> dict[str, Any]:
    return {
        "base": time_text(gates.base_ps),
        "cycle": time_text(gates.cycle_ps),
        "entries": [
            {
                "for": time_text(entry.duration_ps),
                "open": list(_queues(entry.open_queues)),
                **({} if entry.operation is GateOperation.SET else {"mac": _MAC[entry.operation]}),
            }
            for entry in gates.entries
        ],
    }


@cache
def _queues(bits: int) -> tuple[int, ...]:
    """Numbers of the bits that are set."""
    return tuple(queue for queue in range(8) if bits >> queue & 1)


def time_text(time_ps: int) -> str:
    """A time as a design writes it, exactly."""
    if time_ps % 1000 == 0:
        return f"{time_ps // 1000} ns"
    return f"{time_ps} ps"

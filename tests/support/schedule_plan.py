# SPDX-License-Identifier: Apache-2.0
"""The plan of a random scheduling problem and its schedule, with other traffic beside it."""

from __future__ import annotations

from dataclasses import replace

from netplan.media.interface import TermKind
from netplan.plan.model import Plan, PlannedStream
from netplan.tsn.mechanisms import NodeClock, PortRules, QueueRule, Synchronisation
from netplan.tsn.synthesis.problem import Problem, RouteHop
from netplan.tsn.synthesis.result import Placement, PortSchedule, Schedule
from support.random_schedules import US
from support.small_plans import PlanBuilder, Step, term

BRIDGES = 5


def plan_of(problem: Problem, schedule: Schedule) -> Plan:
    """All scheduled streams, and one of large frames from each station to its neighbour."""
    lists = {one.port_index: one for one in schedule.ports}
    scheduled: dict[int, int] = {}
    for one in schedule.placements:
        for hop in one.route.hops:
            scheduled[hop.port_index] = scheduled.get(hop.port_index, 0) | 1 << hop.queue_index
    builder = PlanBuilder()
    for index, port in enumerate(problem.ports):
        builder.wire(
            port.name,
            line_bps=port.line_bps,
            queue_count=port.queue_count,
            rules=_rules(port.queue_count, lists.get(index), scheduled.get(index, 0)),
        )
    for number, one in enumerate(schedule.placements):
        _add(builder, problem, number, one)
    for node in range(BRIDGES):
        following = (node + 1) % BRIDGES
        builder.stream(
            f"other{node}",
            [
                (f"es{node}.up", f"sw{node}"),
                (f"sw{node}.right", f"sw{following}"),
                (f"sw{following}.down", f"es{following}"),
            ],
            messages=((1522,),),
            period_ps=2000 * US,
            pcp=0,
        )
    errors = {port.name.split(".")[0]: port.clock_error_ps for port in problem.ports}
    clocks = tuple(
        NodeClock(
            node=node,
            parent="",
            error_ps=error_ps,
            drift_ppb=0,
            wander_ppb=0,
            timestamp_ps=0,
            asymmetry_ps=0,
            residence_ps=0,
        )
        for node, error_ps in errors.items()
    )
    builder.synchronisation = Synchronisation(
        grandmaster="sw0", interval_ps=10**12 // 8, clocks=clocks
    )
    return builder.plan()


def _rules(queue_count: int, found: PortSchedule | None, scheduled: int) -> PortRules | None:
    if found is None:
        return None
    holds = found.hold_advance_ps > 0
    return PortRules(
        queues=tuple(
            QueueRule(express=not holds or bool(scheduled >> queue & 1))
            for queue in range(queue_count)
        ),
        gates=(found.gates,),
        fragment_octets=64 if holds else None,
        hold_advance_ps=found.hold_advance_ps,
    )


def _behind(port: str) -> str:
    node, name = port.split(".")
    number = int(node[2:])
    other = {"up": number, "down": number, "right": number + 1, "left": number - 1}[name]
    return f"{'es' if name == 'down' else 'sw'}{other % BRIDGES}"


def _add(builder: PlanBuilder, problem: Problem, number: int, one: Placement) -> None:
    stream = problem.streams[number]
    messages: dict[int, list[int]] = {}
    for frame in stream.frames:
        messages.setdefault(frame.release_ps, []).append(frame.frame_octets)
    builder.stream(
        one.name,
        [
            Step(
                egress=problem.ports[hop.port_index].name,
                to=_behind(problem.ports[hop.port_index].name),
                parent=hop.parent_index,
                queue=hop.queue_index,
            )
            for hop in one.route.hops
        ],
        messages=tuple(map(tuple, messages.values())),
        period_ps=one.period_ps,
        offsets_ps=tuple(messages) if len(messages) > 1 else (),
        phase_ps=one.phase_ps,
        jitter_ps=stream.release_jitter_ps,
        pcp=one.route.hops[0].queue_index,
        scheduled=True,
    )
    builder.streams[-1] = _as_routed(builder.streams[-1], one.route.hops, one.route.listener_hops)


def _as_routed(
    planned: PlannedStream, hops: tuple[RouteHop, ...], ends: tuple[int, ...]
) -> PlannedStream:
    """With the fixed delays of its route, and its listeners in the route's order."""
    return replace(
        planned,
        hops=tuple(
            replace(
                hop,
                before=(term(TermKind.PROCESSING, route.before_min_ps, route.before_max_ps),),
                after=(term(TermKind.PROPAGATION, route.after_min_ps, route.after_max_ps),),
            )
            for hop, route in zip(planned.hops, hops, strict=True)
        ),
        listener_hops=ends,
        listeners=tuple(planned.hops[end].to_node for end in ends),
    )

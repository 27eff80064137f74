# SPDX-License-Identifier: Apache-2.0
"""Between a plan and a gate schedule: the problem that a plan states, and the plan with its answer.

Streams flagged as scheduled are to be sent at fixed times; everything else is other traffic,
which gates shut out of their windows. The planner may offer several trees of hops for a
stream; the schedule chooses one. Ports of a problem are numbered as the plan's transmitters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from netplan.design.findings import Finding
from netplan.media.interface import DelayTerm, WireMechanism
from netplan.plan.model import Egress, Emission, Plan, PlannedStream, Target
from netplan.plan.schedule_rules import emission_findings, route_findings
from netplan.tsn.mechanisms import PortRules, QueueRule
from netplan.tsn.synthesis.problem import (
    FixedRoutes,
    Frame,
    GateLimits,
    Port,
    Problem,
    Route,
    RouteHop,
    Stream,
)
from netplan.tsn.synthesis.result import PortSchedule, Schedule, Status

_UNUSED_BPS = 10**9
"""Stands for transmitters without a fixed line rate, which no scheduled stream may use."""

Limits = Callable[[Egress], GateLimits | None]
"""What the gates of a transmitter can do; None when it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedProblem:
    """A scheduling problem and where it comes from.

    Attributes:
        problem: Its ports are the plan's transmitters, its streams the scheduled ones.
        stream_indices: For each of its streams, the index in the plan.
        candidates: For each of its streams, the offered streams, in the order of its routes.
    """

    problem: Problem
    stream_indices: tuple[int, ...]
    candidates: tuple[tuple[PlannedStream, ...], ...]

    def chosen(self, number: int, route: Route) -> PlannedStream:
        """The offered stream that a route of one of the problem's streams stands for."""
        return next(one for one in self.candidates[number] if _route(one) == route)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the planner adds to a plan.

    Attributes:
        candidates: By name of the stream: other trees of hops, the preferred one first, in
            place of the stream's own. They refer to the plan's transmitters.
        phases_ps: By name of the stream: least and largest phase, such as when a task's output
            is ready; otherwise a phase that the stream has stays, and one without may get any.
        best_effort_ratio: By name of the transmitter: share that other traffic must keep.
    """

    candidates: Mapping[str, Sequence[PlannedStream]] = field(default_factory=dict)
    phases_ps: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    best_effort_ratio: Mapping[str, float] = field(default_factory=dict)


def problem_of(
    plan: Plan, limits: Limits, wishes: Wishes | None = None
) -> tuple[PlannedProblem | None, tuple[Finding, ...]]:
    """The scheduling problem of a plan.

    Args:
        plan: With streams flagged as scheduled.
        limits: Of the gates of each transmitter.
        wishes: Candidate routes, phases and shares.

    Returns:
        The problem, or None with the findings that say why there is none.
    """
    wishes = wishes or Wishes()
    found: list[Finding] = []
    errors = _clock_errors(plan)
    others = _other_traffic(plan)
    ports = tuple(
        _port(egress, limits(egress), errors, others[index], wishes)
        for index, egress in enumerate(plan.egresses)
    )
    targets: dict[int, list[Target]] = {}
    for target in plan.targets:
        targets.setdefault(target.stream_index, []).append(target)
    streams: list[Stream] = []
    indices: list[int] = []
    candidates: list[tuple[PlannedStream, ...]] = []
    for index, stream in enumerate(plan.streams):
        if not stream.scheduled:
            continue
        offered = tuple(wishes.candidates.get(stream.name, (stream,)))
        usable = tuple(
            one for one in offered if not (route_findings(plan, ports, others, errors, one))
        )
        if not usable:
            found += route_findings(plan, ports, others, errors, offered[0])
            continue
        found += emission_findings(stream)
        indices.append(index)
        candidates.append(usable)
        streams.append(_stream(plan, index, usable, errors, wishes, targets.get(index, ())))
    if found:
        return None, tuple(found)
    return (
        PlannedProblem(
            problem=Problem(ports=ports, streams=tuple(streams)),
            stream_indices=tuple(indices),
            candidates=tuple(candidates),
        ),
        (),
    )


def _clock_errors(plan: Plan) -> dict[str, int] | None:
    """Error of each clock; None when all are ideal."""
    if plan.synchronisation is None:
        return None
    return {clock.node: clock.error_ps for clock in plan.synchronisation.clocks}


def _other_traffic(plan: Plan) -> list[dict[int, int]]:
    """For each transmitter, the largest frame of other traffic in each queue."""
    others: list[dict[int, int]] = [{} for _ in plan.egresses]
    for stream in plan.streams:
        if stream.scheduled:
            continue
        largest = max(size for message in stream.emission.messages for size in message)
        for hop in stream.hops:
            queues = others[hop.egress_index]
            octets = max(queues.get(hop.queue_index, 0), largest + hop.added_octets)
            queues[hop.queue_index] = octets
    return others


def _port(
    egress: Egress,
    gates: GateLimits | None,
    errors: Mapping[str, int] | None,
    others: Mapping[int, int],
    wishes: Wishes,
) -> Port:
    wire = egress.mechanism
    error_ps = 0 if errors is None else errors.get(egress.node, 0)
    if not isinstance(wire, WireMechanism):
        return Port(
            name=egress.name,
            line_bps=_UNUSED_BPS,
            queue_count=egress.queue_count,
            gates=None,
            clock_error_ps=error_ps,
        )
    return Port(
        name=egress.name,
        line_bps=wire.line_bps,
        lead_octets=wire.lead_octets,
        tail_octets=wire.tail_octets,
        queue_count=egress.queue_count,
        gates=gates,
        clock_error_ps=error_ps,
        other_octets=max(others.values(), default=0),
        best_effort_ratio=wishes.best_effort_ratio.get(egress.name, 0.0),
        fragment_octets=egress.rules.fragment_octets if egress.rules is not None else None,
    )


def _stream(
    plan: Plan,
    index: int,
    candidates: Sequence[PlannedStream],
    errors: Mapping[str, int] | None,
    wishes: Wishes,
    targets: Sequence[Target],
) -> Stream:
    planned = plan.streams[index]
    emission = planned.emission
    period_ps, frames = pattern(emission)
    routes = tuple(_route(one) for one in candidates)
    shapes = len(routes[0].listener_hops)
    routes = tuple(route for route in routes if len(route.listener_hops) == shapes)
    deadlines = _deadlines(planned, targets)
    # Every copy of a redundant stream must keep the deadline, whichever is lost.
    limits = [*deadlines]
    for recovery in candidates[0].recoveries:
        for listener, hop in enumerate(candidates[0].listener_hops):
            if hop == recovery.members[0]:
                limits += [deadlines[listener]] * (len(recovery.members) - 1)
    phases = wishes.phases_ps.get(planned.name)
    if phases is None and emission.phase_ps is not None:
        phases = (emission.phase_ps % period_ps, emission.phase_ps % period_ps)
    return Stream(
        name=planned.name,
        period_ps=period_ps,
        frames=frames,
        routes=FixedRoutes(routes),
        deadlines_ps=tuple(limits),
        jitter_ps=_jitter(targets),
        earliest_phase_ps=phases[0] if phases else 0,
        latest_phase_ps=min(phases[1], period_ps - 1) if phases else None,
        release_jitter_ps=emission.jitter_ps,
        clock_error_ps=0 if errors is None else errors.get(planned.talker, 0),
    )


def pattern(emission: Emission) -> tuple[int, tuple[Frame, ...]]:
    """After which a stream's frames repeat, and the frames until then."""
    count = len(emission.messages)
    offsets = emission.offsets_ps or tuple(number * emission.period_ps for number in range(count))
    return emission.pattern_ps, tuple(
        Frame(frame_octets=octets, release_ps=release_ps)
        for message, release_ps in zip(emission.messages, offsets, strict=True)
        for octets in message
    )


def _route(stream: PlannedStream) -> Route:
    others = {recovery.members[0]: recovery.members[1:] for recovery in stream.recoveries}
    hops = tuple(
        RouteHop(
            port_index=hop.egress_index,
            parent_index=hop.parent_index,
            before_min_ps=_least(hop.before),
            before_max_ps=_largest(hop.before),
            after_min_ps=_least(hop.after),
            after_max_ps=_largest(hop.after),
            queue_index=hop.queue_index,
            added_octets=hop.added_octets,
            joined=others.get(hop.parent_index, ()),
            cut_through_octets=hop.cut_through_octets,
        )
        for hop in stream.hops
    )
    copies = tuple(member for hop in stream.listener_hops for member in others.get(hop, ()))
    return Route(hops=hops, listener_hops=(*stream.listener_hops, *copies))


def _least(terms: Sequence[DelayTerm]) -> int:
    return sum(term.min_ps for term in terms)


def _largest(terms: Sequence[DelayTerm]) -> int:
    return sum(term.max_ps for term in terms)


def _deadlines(stream: PlannedStream, targets: Sequence[Target]) -> list[int | None]:
    """For each listener the strictest limit on the latency, from port to port."""
    limits: list[int | None] = [None] * len(stream.listeners)
    for target in targets:
        if target.listener_index < 0 or not _is_largest(target, "latency"):
            continue
        limit_ps = int(target.limit)
        if target.application:
            limit_ps -= _largest(stream.talker_host)
            limit_ps -= _largest(stream.listener_host[target.listener_index])
        known = limits[target.listener_index]
        limits[target.listener_index] = limit_ps if known is None else min(known, limit_ps)
    return limits


def _jitter(targets: Sequence[Target]) -> int | None:
    limits = [int(target.limit) for target in targets if _is_largest(target, "variation")]
    return min(limits, default=None)


def _is_largest(target: Target, quantity: str) -> bool:
    """Whether a target limits the largest value of a time."""
    return (target.quantity, target.statistic, target.unit) == (quantity, "max", "ps")


def with_schedule(plan: Plan, planned: PlannedProblem, schedule: Schedule) -> Plan:
    """The plan with phases, chosen ways and gate lists.

    Raises:
        ValueError: The schedule is not feasible.
    """
    if schedule.status is not Status.FEASIBLE:
        raise ValueError("only a feasible schedule can be put into a plan")
    streams = list(plan.streams)
    queues: dict[int, int] = {}
    for number, one in enumerate(schedule.placements):
        index = planned.stream_indices[number]
        chosen = planned.chosen(number, one.route)
        emission = replace(plan.streams[index].emission, phase_ps=one.phase_ps)
        streams[index] = replace(chosen, emission=emission, scheduled=True)
        for hop in chosen.hops:
            queues[hop.egress_index] = queues.get(hop.egress_index, 0) | 1 << hop.queue_index
    egresses = list(plan.egresses)
    for port in schedule.ports:
        egress = egresses[port.port_index]
        rules = _rules(egress, port, queues[port.port_index])
        egresses[port.port_index] = replace(egress, rules=rules)
    assumption = "Scheduled talkers release at their phases, on clocks as good as the plan says."
    return replace(
        plan,
        streams=tuple(streams),
        egresses=tuple(egresses),
        assumptions=(*(one for one in plan.assumptions if one != assumption), assumption),
    )


def _rules(egress: Egress, port: PortSchedule, scheduled: int) -> PortRules:
    """The rules of a transmitter with its gate list.

    With preemption, only scheduled queues are express.
    """
    rules = egress.rules or PortRules(queues=(QueueRule(),) * egress.queue_count)
    queues = rules.queues
    if port.hold_advance_ps:
        queues = tuple(
            replace(rule, express=bool(scheduled >> queue & 1)) for queue, rule in enumerate(queues)
        )
    return replace(
        rules,
        queues=queues,
        gates=(port.gates,),
        fragment_octets=rules.fragment_octets if port.hold_advance_ps else None,
        hold_advance_ps=port.hold_advance_ps,
    )

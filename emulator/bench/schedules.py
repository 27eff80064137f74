# SPDX-License-Identifier: Apache-2.0
"""Generated gate schedules, timed, and replayed in the simulator frame by frame."""

from __future__ import annotations

import time
from dataclasses import dataclass

from emulator.bench.plans import plan_with
from emulator.replay import Replay, replay
from netplan.media.interface import DelayTerm, ServiceCurve, TermKind, WireMechanism
from netplan.plan.model import Egress, Emission, Hop, Plan, PlannedStream
from netplan.plan.scheduled import PlannedProblem
from netplan.scheduling import Proposal
from netplan.tsn.mechanisms import PortRules, QueueRule
from netplan.tsn.synthesis.problem import Options, Problem
from netplan.tsn.synthesis.result import Placement, Schedule, Status
from netplan.tsn.synthesis.synthesise import synthesise

_SOURCE = "scheduling problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesis:
    """A schedule that was asked for.

    Attributes:
        schedule: The answer.
        cpu_s: Processor time for it, the replay not counted.
        replay: What came of its replay; None when there was nothing to replay.
    """

    schedule: Schedule
    cpu_s: float
    replay: Replay | None


def scheduled(problem: Problem, *, time_limit_s: float = 60.0) -> Synthesis:
    """Make a schedule for a problem, and replay it."""
    before_s = time.process_time()
    schedule = synthesise(problem, Options(time_limit_s=time_limit_s))
    cpu_s = time.process_time() - before_s
    if schedule.status is not Status.FEASIBLE:
        return Synthesis(schedule=schedule, cpu_s=cpu_s, replay=None)
    made = replay(proposal_of(problem, schedule))
    return Synthesis(schedule=schedule, cpu_s=cpu_s, replay=made)


def proposal_of(problem: Problem, schedule: Schedule) -> Proposal:
    """A feasible schedule as a proposal, with its plan, to be replayed."""
    indices = tuple(range(len(problem.streams)))
    planned = PlannedProblem(problem=problem, stream_indices=indices, candidates=())
    plan = _plan_of(problem, schedule)
    return Proposal(planned=planned, schedule=schedule, section={}, plan=plan)


def _plan_of(problem: Problem, schedule: Schedule) -> Plan:
    """The plan that a problem and its schedule amount to; ports are named ``from>to``."""
    gates = {one.port_index: one for one in schedule.ports}
    egresses = []
    for index, port in enumerate(problem.ports):
        made = gates.get(index)
        rules = None
        if made is not None:
            rules = PortRules(
                queues=(QueueRule(),) * port.queue_count,
                gates=(made.gates,),
                hold_advance_ps=made.hold_advance_ps,
            )
        egresses.append(
            Egress(
                name=port.name,
                node=port.name.split(">")[0],
                port=port.name,
                medium="copper",
                queue_count=port.queue_count,
                buffer_octets=None,
                mechanism=WireMechanism(
                    line_bps=port.line_bps,
                    lead_octets=port.lead_octets,
                    tail_octets=port.tail_octets,
                ),
                service=ServiceCurve(rate_bps=port.line_bps, latency_ps=0, source=_SOURCE),
                rules=rules,
            )
        )
    streams = tuple(_stream(problem, placement) for placement in schedule.placements)
    return plan_with(egresses, streams)


def _stream(problem: Problem, placement: Placement) -> PlannedStream:
    hops = []
    for hop in placement.route.hops:
        from_node, to_node = problem.ports[hop.port_index].name.split(">")
        hops.append(
            Hop(
                egress_index=hop.port_index,
                parent_index=hop.parent_index,
                from_node=from_node,
                to_node=to_node,
                to_port=from_node,
                queue_index=hop.queue_index,
                added_octets=hop.added_octets,
                before=_terms(TermKind.PROCESSING, hop.before_min_ps, hop.before_max_ps),
                after=_terms(TermKind.PROPAGATION, hop.after_min_ps, hop.after_max_ps),
                cut_through_octets=hop.cut_through_octets,
            )
        )
    listeners = tuple(hops[end].to_node for end in placement.route.listener_hops)
    return PlannedStream(
        name=placement.name,
        kind="cyclic",
        talker=hops[0].from_node,
        listeners=listeners,
        listener_hops=placement.route.listener_hops,
        hops=tuple(hops),
        emission=Emission(
            messages=(placement.frame_octets,),
            period_ps=placement.period_ps,
            sporadic=False,
            phase_ps=placement.phase_ps,
            jitter_ps=0,
        ),
        pcp=hops[0].queue_index,
        vlan=0,
        talker_host=(),
        listener_host=((),) * len(listeners),
        scheduled=True,
    )


def _terms(kind: TermKind, min_ps: int, max_ps: int) -> tuple[DelayTerm, ...]:
    if not max_ps:
        return ()
    return (DelayTerm(kind=kind, what=kind.value, min_ps=min_ps, max_ps=max_ps, source=_SOURCE),)

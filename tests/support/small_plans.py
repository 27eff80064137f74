# SPDX-License-Identifier: Apache-2.0
"""Small plans written by hand, so that engines are tested without a design around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from netplan.media.interface import (
    DelayTerm,
    GrantMechanism,
    NoService,
    ServiceCurve,
    TermKind,
    WireMechanism,
)
from netplan.plan.model import (
    Egress,
    Emission,
    Hop,
    Plan,
    PlannedChain,
    PlannedStream,
)
from netplan.tsn.mechanisms import PortRules, Reception, Recovery, Synchronisation

US = 1_000_000
"""Picoseconds in a microsecond."""
NS = 1_000
GBIT = 10**9
MBIT = 10**6


def term(kind: TermKind, min_ps: int, max_ps: int | None = None) -> DelayTerm:
    """A delay term of the test's own."""
    largest_ps = min_ps if max_ps is None else max_ps
    return DelayTerm(kind=kind, what="test", min_ps=min_ps, max_ps=largest_ps, source="test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One hop to be: the transmitter, and where the frame arrives."""

    egress: str
    to: str
    parent: int | None = None
    added_octets: int = 0
    queue: int | None = None
    reception: Reception | None = None
    cut_through_octets: int | None = None


@dataclass(slots=True)
class PlanBuilder:
    """Collects transmitters and streams; :meth:`plan` gives the plan.

    Every wire has the same propagation and every forwarding node the same
    processing, unless a transmitter says otherwise.
    """

    propagation_ps: int = 50 * NS
    processing_min_ps: int = 0
    processing_max_ps: int = 0
    egresses: list[Egress] = field(default_factory=list)
    streams: list[PlannedStream] = field(default_factory=list)
    chains: list[PlannedChain] = field(default_factory=list)
    synchronisation: Synchronisation | None = None

    def wire(
        self,
        name: str,
        *,
        line_bps: int = GBIT,
        queue_count: int = 8,
        buffer_octets: int | None = None,
        rules: PortRules | None = None,
    ) -> PlanBuilder:
        """Add a wire transmitter; ``name`` is ``node.port``."""
        node, port = name.split(".", 1)
        self.egresses.append(
            Egress(
                name=name,
                node=node,
                port=port,
                medium="copper",
                queue_count=queue_count,
                buffer_octets=buffer_octets,
                mechanism=WireMechanism(line_bps=line_bps),
                service=ServiceCurve(rate_bps=line_bps, latency_ps=0, source="line rate"),
                rules=rules,
            )
        )
        return self

    def grants(
        self,
        name: str,
        mechanism: GrantMechanism,
        service: ServiceCurve | NoService,
        *,
        queue_count: int = 8,
        buffer_octets: int | None = None,
    ) -> PlanBuilder:
        """Add a transmitter that sends at grants; ``name`` is ``node.port``."""
        node, port = name.split(".", 1)
        self.egresses.append(
            Egress(
                name=name,
                node=node,
                port=port,
                medium="grants",
                queue_count=queue_count,
                buffer_octets=buffer_octets,
                mechanism=mechanism,
                service=service,
            )
        )
        return self

    def stream(
        self,
        name: str,
        route: Sequence[Step | tuple[str, str]],
        *,
        messages: tuple[tuple[int, ...], ...] = ((100,),),
        period_ps: int = 1000 * US,
        phase_ps: int | None = None,
        jitter_ps: int = 0,
        sporadic: bool = False,
        pcp: int = 5,
        allowed_miss_ratio: float = 0.0,
        offsets_ps: tuple[int, ...] = (),
        recoveries: tuple[Recovery, ...] = (),
        scheduled: bool = False,
    ) -> PlanBuilder:
        """Add a stream; a step without ``parent`` continues the one before it.

        Nodes that no later step starts from are the listeners; of the hops that a
        recovery joins, the first one counts.
        """
        index_of = {egress.name: index for index, egress in enumerate(self.egresses)}
        hops: list[Hop] = []
        for position, entry in enumerate(route):
            step = entry if isinstance(entry, Step) else Step(egress=entry[0], to=entry[1])
            parent = position - 1 if step.parent is None else step.parent
            egress = self.egresses[index_of[step.egress]]
            processing = term(TermKind.PROCESSING, self.processing_min_ps, self.processing_max_ps)
            hops.append(
                Hop(
                    egress_index=index_of[step.egress],
                    parent_index=parent,
                    from_node=egress.node,
                    to_node=step.to,
                    to_port="p0",
                    queue_index=(
                        min(pcp, egress.queue_count - 1) if step.queue is None else step.queue
                    ),
                    added_octets=step.added_octets,
                    before=() if parent < 0 else (processing,),
                    after=(term(TermKind.PROPAGATION, self.propagation_ps),),
                    reception=step.reception,
                    cut_through_octets=step.cut_through_octets,
                )
            )
        parents = {hop.parent_index for hop in hops}
        merged = {member for recovery in recoveries for member in recovery.members[1:]}
        ends = tuple(index for index in range(len(hops)) if index not in parents | merged)
        self.streams.append(
            PlannedStream(
                name=name,
                kind="cyclic",
                talker=hops[0].from_node,
                listeners=tuple(hops[index].to_node for index in ends),
                listener_hops=ends,
                hops=tuple(hops),
                emission=Emission(
                    messages=messages,
                    period_ps=period_ps,
                    sporadic=sporadic,
                    phase_ps=phase_ps,
                    jitter_ps=jitter_ps,
                    offsets_ps=offsets_ps,
                ),
                pcp=pcp,
                vlan=0,
                talker_host=(),
                listener_host=tuple(() for _ in ends),
                allowed_miss_ratio=allowed_miss_ratio,
                recoveries=recoveries,
                scheduled=scheduled,
            )
        )
        return self

    def plan(self) -> Plan:
        """The plan of what was collected."""
        return Plan(
            name="test",
            design_hash="0" * 64,
            version="test",
            egresses=tuple(self.egresses),
            streams=tuple(self.streams),
            chains=tuple(self.chains),
            targets=(),
            nodes=(),
            links=(),
            addresses={},
            vlans={},
            findings=(),
            assumptions=(),
            synchronisation=self.synchronisation,
        )

# SPDX-License-Identifier: Apache-2.0
"""Small plans of wires for published cases, where a design's catalogue would only be in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from netplan.media.interface import DelayTerm, ServiceCurve, TermKind, WireMechanism
from netplan.plan.model import Egress, Emission, Hop, Plan, PlannedStream
from netplan.tsn.mechanisms import PortRules, Synchronisation

_SOURCE = "published case"
_QUEUES = 8


@dataclass(slots=True, kw_only=True)
class Wires:
    """Collects ports and streams.

    Attributes:
        propagation_ps: Of every wire.
        processing_ps: Of every node between two wires.
        lead_octets: Before each frame.
        tail_octets: After each frame.
        synchronisation: Clocks.
    """

    propagation_ps: int = 0
    processing_ps: int = 0
    lead_octets: int = 8
    tail_octets: int = 12
    synchronisation: Synchronisation | None = None
    _egresses: list[Egress] = field(default_factory=list)
    _streams: list[PlannedStream] = field(default_factory=list)

    def port(self, name: str, *, line_bps: int, rules: PortRules | None = None) -> None:
        """Add a port; ``name`` is ``node.port``."""
        node, port = name.split(".")
        self._egresses.append(
            Egress(
                name=name,
                node=node,
                port=port,
                medium="copper",
                queue_count=_QUEUES if rules is None else len(rules.queues),
                buffer_octets=None,
                mechanism=WireMechanism(
                    line_bps=line_bps, lead_octets=self.lead_octets, tail_octets=self.tail_octets
                ),
                service=ServiceCurve(rate_bps=line_bps, latency_ps=0, source=_SOURCE),
                rules=rules,
            )
        )

    def stream(
        self,
        name: str,
        ports: Sequence[str],
        listener: str,
        *,
        frame_octets: int,
        period_ps: int,
        phase_ps: int | None = None,
        queue_index: int = 0,
        cut_through_octets: int | None = None,
    ) -> None:
        """Add a stream of one frame each period over ports in order."""
        indices = {egress.name: index for index, egress in enumerate(self._egresses)}
        nodes = [*(port.split(".")[0] for port in ports), listener]
        hops = tuple(
            Hop(
                egress_index=indices[port],
                parent_index=place - 1,
                from_node=nodes[place],
                to_node=nodes[place + 1],
                to_port=nodes[place],
                queue_index=queue_index,
                added_octets=0,
                before=_fixed(TermKind.PROCESSING, self.processing_ps if place else 0),
                after=_fixed(TermKind.PROPAGATION, self.propagation_ps),
                cut_through_octets=cut_through_octets if place else None,
            )
            for place, port in enumerate(ports)
        )
        self._streams.append(
            PlannedStream(
                name=name,
                kind="cyclic",
                talker=nodes[0],
                listeners=(listener,),
                listener_hops=(len(hops) - 1,),
                hops=hops,
                emission=Emission(
                    messages=((frame_octets,),),
                    period_ps=period_ps,
                    sporadic=False,
                    phase_ps=phase_ps,
                    jitter_ps=0,
                ),
                pcp=queue_index,
                vlan=0,
                talker_host=(),
                listener_host=((),),
            )
        )

    def plan(self) -> Plan:
        """The plan of what was collected."""
        return plan_with(self._egresses, self._streams, synchronisation=self.synchronisation)


def plan_with(
    egresses: Sequence[Egress],
    streams: Sequence[PlannedStream],
    *,
    synchronisation: Synchronisation | None = None,
) -> Plan:
    """A plan of transmitters and streams, and nothing else."""
    return Plan(
        name="bench", design_hash="", version="", egresses=tuple(egresses), streams=tuple(streams),
        chains=(), targets=(), nodes=(), links=(), addresses={}, vlans={}, findings=(),
        assumptions=(), synchronisation=synchronisation,
    )  # fmt: skip


def _fixed(kind: TermKind, time_ps: int) -> tuple[DelayTerm, ...]:
    if not time_ps:
        return ()
    return (DelayTerm(kind=kind, what=kind.value, min_ps=time_ps, max_ps=time_ps, source=_SOURCE),)

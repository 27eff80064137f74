# SPDX-License-Identifier: Apache-2.0
"""Transmitters and streams of the plan, from demands that know their ways."""

from __future__ import annotations

from dataclasses import dataclass, field

from netplan.design.design import Design
from netplan.design.findings import Finding
from netplan.design.resolve import Equipment, ResolvedNode
from netplan.media.interface import DelayTerm, TermKind
from netplan.plan.channel import Channel, Channels
from netplan.plan.demand import Demand
from netplan.plan.inventory import DEFAULT_VLAN, zone_vlans
from netplan.plan.model import Egress, Emission, Hop, PlannedStream
from netplan.plan.trees import Way, tree_of
from netplan.plan.ways import Routed, allowed_on, largest_on
from netplan.tsn.classes import queue_index
from netplan.tsn.mechanisms import Recovery

_FORGET_PS = 400 * 10**9
_LEAST_HISTORY = 64
_LARGEST_HISTORY = 1 << 15
"""Half of the sequence numbers: more could not tell late from early."""


def assemble(
    design: Design, equipment: Equipment, channels: Channels, routed: Routed
) -> tuple[tuple[Egress, ...], tuple[PlannedStream, ...], list[Finding]]:
    """Every transmitter that is used, every stream with its hops, and the media's findings."""
    known = len(channels.findings)
    assembly = _Assembly(
        design=design,
        equipment=equipment,
        channels=channels,
        vlans=zone_vlans(design),
        allowed=allowed_on(routed),
        largest=largest_on(routed),
        forwarding={name: _forwarding_terms(node) for name, node in equipment.nodes.items()},
    )
    streams = tuple(assembly.stream(demand, ways_of) for demand, ways_of in routed.values())
    return tuple(assembly.egresses.values()), streams, channels.findings[known:]


@dataclass(slots=True, kw_only=True)
class _Assembly:
    """What is made while the demands are gone through."""

    design: Design
    equipment: Equipment
    channels: Channels
    vlans: dict[str | None, int]
    allowed: dict[str, float]
    largest: dict[str, int]
    forwarding: dict[str, tuple[DelayTerm, ...]]
    egresses: dict[str, Egress] = field(default_factory=dict)
    index_of: dict[str, int] = field(default_factory=dict)
    crossings: dict[tuple[str, str], tuple[tuple[DelayTerm, ...], tuple[DelayTerm, ...]]] = field(
        default_factory=dict
    )

    def use(self, channel: Channel) -> tuple[tuple[DelayTerm, ...], tuple[DelayTerm, ...]]:
        """Fixed terms before and after a channel; its transmitter is noted."""
        key = (channel.from_node, channel.to_node)
        if key not in self.crossings:
            name = channel.egress
            crossing = channel.crossing(self.allowed.get(name, 0.0), self.largest[name])
            if channel.radio:
                self.channels.report(self.design, crossing.findings, channel.origin)
            self.crossings[key] = (crossing.before, crossing.terms)
            if name not in self.index_of:
                queue_count, buffer_octets = _queues(self.equipment.nodes[channel.from_node])
                self.index_of[name] = len(self.egresses)
                self.egresses[name] = Egress(
                    name=name,
                    node=channel.from_node,
                    port=channel.from_port,
                    medium=channel.medium,
                    queue_count=queue_count,
                    buffer_octets=buffer_octets,
                    mechanism=crossing.mechanism,
                    service=crossing.service,
                    assumptions=crossing.assumptions,
                )
        return self.crossings[key]

    def stream(self, demand: Demand, ways_of: list[tuple[Way, ...]]) -> PlannedStream:
        """One stream with its tree of hops."""
        tree = tree_of(ways_of)
        nodes, excluded = self.equipment.nodes, self.channels.excluded
        hops: list[Hop] = []
        no_bound = ""
        for step, parent in tree.steps:
            channel = step.channel
            before, after = self.use(channel)
            forwarding = () if parent < 0 else self.forwarding[channel.from_node]
            hops.append(
                Hop(
                    egress_index=self.index_of[channel.egress],
                    parent_index=parent,
                    from_node=channel.from_node,
                    to_node=channel.to_node,
                    to_port=channel.to_port,
                    queue_index=queue_index(demand.pcp, self.egresses[channel.egress].queue_count),
                    added_octets=step.added_octets,
                    before=forwarding + before,
                    after=after,
                )
            )
            for node in (channel.from_node, channel.to_node):
                if channel.radio and not no_bound:
                    no_bound = excluded.get(node, "")
        zone = self.design.nodes[demand.talker].zone
        return PlannedStream(
            name=demand.name,
            kind=demand.kind,
            talker=demand.talker,
            listeners=demand.listeners,
            listener_hops=tree.ends,
            hops=tuple(hops),
            emission=demand.emission,
            pcp=demand.pcp,
            vlan=demand.vlan or self.vlans.get(zone, DEFAULT_VLAN),
            talker_host=_host_terms(nodes[demand.talker], sending=True),
            listener_host=tuple(_host_terms(nodes[one], sending=False) for one in demand.listeners),
            allowed_miss_ratio=demand.allowed_miss_ratio,
            no_bound=no_bound,
            recoveries=tuple(
                _recovery(members, ways_of[0][0].merges, demand.emission)
                for members in tree.members
            ),
            scheduled=demand.scheduled,
        )


def _recovery(members: tuple[int, ...], merges: str, emission: Emission) -> Recovery:
    """Elimination of duplicates as the kind of redundancy does it.

    HSR and PRP know each frame by its number for a while, however many come in between.

    Source: IEC 62439-3:2021, table of constants (EntryForgetTime 400 ms), from memory.
    """
    if merges == "frer":
        return Recovery(members=members)
    frames = max(len(message) for message in emission.messages)
    known = frames * (_FORGET_PS // emission.period_ps + 2)
    return Recovery(
        members=members,
        history_count=min(max(known, _LEAST_HISTORY), _LARGEST_HISTORY),
        reset_ps=_FORGET_PS,
        merges=merges,
    )


def _forwarding_terms(node: ResolvedNode) -> tuple[DelayTerm, ...]:
    bridge = node.device.bridge
    if bridge is None:
        return ()
    return (
        DelayTerm(
            kind=TermKind.PROCESSING,
            what=f"forwarding in {node.name} ({node.device.id})",
            min_ps=bridge.processing.min_ps,
            max_ps=bridge.processing.max_ps,
            source=bridge.processing.source,
        ),
    )


def _host_terms(node: ResolvedNode, *, sending: bool) -> tuple[DelayTerm, ...]:
    host = node.device.host
    if host is None:
        return ()
    span = host.send if sending else host.receive
    return (
        DelayTerm(
            kind=TermKind.PROCESSING,
            what=f"{'sending' if sending else 'receiving'} in {node.name} ({node.device.id})",
            min_ps=span.min_ps,
            max_ps=span.max_ps,
            source=span.source,
        ),
    )


def _queues(node: ResolvedNode) -> tuple[int, int | None]:
    """Queues and buffer of each port of a node: as a bridge, otherwise as a host."""
    values = node.device.bridge if node.forwards else node.device.host
    values = values or node.device.bridge or node.device.host
    if values is None:
        return 8, None
    buffer = values.buffer_octets
    return values.queue_count.value, buffer.value if buffer is not None else None

# SPDX-License-Identifier: Apache-2.0
"""From a design to its plan, one step after the other; all findings are collected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel

from netplan import VERSION
from netplan.design.checks import check
from netplan.design.design import Design
from netplan.design.findings import DesignError, Finding, Severity, has_errors, in_order
from netplan.design.resolve import Equipment, ResolvedNode, resolve
from netplan.media.frames import PS_PER_S
from netplan.media.interface import DelayTerm, TermKind
from netplan.plan.channel import Channel, Channels
from netplan.plan.demand import Demand, demands, offer_ethernet_bps
from netplan.plan.inventory import (
    DEFAULT_VLAN,
    addresses,
    planned_links,
    planned_node,
    zone_vlans,
)
from netplan.plan.model import (
    Egress,
    Hop,
    Plan,
    PlannedStream,
)
from netplan.plan.passive import add_passive
from netplan.plan.targets import chains, targets
from netplan.plan.ways import Way, allowed_on, largest_on, tree_of, way_finder
from netplan.plan.wired import add_wired
from netplan.plan.wireless import add_wireless
from netplan.tsn.classes import queue_index


def make_plan(design: Design, findings: tuple[Finding, ...] = ()) -> Plan:
    """Derive the plan of a design.

    Args:
        design: As loaded.
        findings: From loading, to be carried along.

    Raises:
        DesignError: With every finding of checking and planning, when any is an error.
    """
    plan, found = try_plan(design, findings)
    if plan is None:
        raise DesignError(found)
    return plan


def try_plan(
    design: Design, findings: tuple[Finding, ...] = ()
) -> tuple[Plan | None, tuple[Finding, ...]]:
    """The plan and all findings; no plan when a finding is an error."""
    plan, collected = _planned(design, list(findings))
    ordered = in_order(collected)
    return (None if plan is None else replace(plan, findings=ordered)), ordered


def _planned(design: Design, collected: list[Finding]) -> tuple[Plan | None, list[Finding]]:
    """All steps, one after the other; what each finds is added to ``collected``."""
    equipment, found = resolve(design)
    collected += found
    collected += check(design, equipment)
    wanted, found = demands(design)
    collected += found
    channels = Channels()
    add_wired(design, equipment, channels)
    add_passive(design, equipment, channels)
    add_wireless(design, equipment, channels)
    collected += channels.findings
    if has_errors(collected):
        return None, collected
    routed, found = _routes(design, equipment, channels, wanted)
    collected += found
    if has_errors(collected):
        return None, collected
    known = len(channels.findings)
    plan, found = _assemble(design, equipment, channels, routed)
    collected += channels.findings[known:]
    collected += found
    if has_errors(collected):
        return None, collected
    return plan, collected


def _routes(
    design: Design, equipment: Equipment, channels: Channels, wanted: list[Demand]
) -> tuple[dict[str, tuple[Demand, list[Way]]], list[Finding]]:
    """Ways of all demands; an offer's test traffic fills what the plant leaves of its rate."""
    finder = way_finder(design, equipment, channels)
    findings: list[Finding] = []
    routed: dict[str, tuple[Demand, list[Way]]] = {}
    for demand in wanted:
        ways, found = finder.ways(demand)
        findings += [one for one in found if one not in findings]
        if found:
            continue
        if demand.kind == "offer":
            rest = _rest_of_offer(design, demand, ways[0], routed, findings)
            if rest is None:
                continue
            demand = rest  # noqa: PLW2901 - the same offer with a smaller rate
        routed[demand.name] = (demand, ways)
    return routed, findings


def _rest_of_offer(
    design: Design,
    demand: Demand,
    way: Way,
    routed: Mapping[str, tuple[Demand, list[Way]]],
    findings: list[Finding],
) -> Demand | None:
    """The offer's test traffic beside the plant's own streams over the same access."""
    offer = design.offers[demand.origin[1]]
    first = (way.steps[0].channel.from_node, way.steps[0].channel.to_node)
    last = (way.steps[-1].channel.from_node, way.steps[-1].channel.to_node)
    used_bps = 0
    for other, ways in routed.values():
        pairs = {
            (step.channel.from_node, step.channel.to_node) for one in ways for step in one.steps
        }
        if other.kind != "offer" and first in pairs and last in pairs:
            octets = sum(sum(message) for message in other.emission.messages)
            span_ps = other.emission.period_ps * len(other.emission.messages)
            used_bps += -(-8 * octets * PS_PER_S // span_ps)
    committed_bps = offer_ethernet_bps(offer)
    if used_bps >= committed_bps:
        findings.append(
            design.finding(
                "OFFER-EXCEEDED", Severity.ERROR,
                "the plant's own streams need more than the committed rate",
                at=demand.origin, keys=("cir", "rate"),
                expected=f"more than {used_bps / 1e6:g} Mbit/s of Ethernet frames",
                found=f"{committed_bps / 1e6:g} Mbit/s", hint="order more, or send less",
            )
        )  # fmt: skip
        return None
    period_ps = -(-8 * offer.frame_octets * PS_PER_S // (committed_bps - used_bps))
    return replace(demand, emission=replace(demand.emission, period_ps=period_ps))


def _assemble(
    design: Design,
    equipment: Equipment,
    channels: Channels,
    routed: Mapping[str, tuple[Demand, list[Way]]],
) -> tuple[Plan, list[Finding]]:
    allowed, largest = allowed_on(routed), largest_on(routed)
    vlans = zone_vlans(design)
    egresses: dict[str, Egress] = {}
    index_of: dict[str, int] = {}
    crossings: dict[tuple[str, str], tuple[tuple[DelayTerm, ...], tuple[DelayTerm, ...]]] = {}
    forwarding = {name: _forwarding_terms(node) for name, node in equipment.nodes.items()}
    findings: list[Finding] = []

    def use(channel: Channel) -> tuple[tuple[DelayTerm, ...], tuple[DelayTerm, ...]]:
        key = (channel.from_node, channel.to_node)
        if key not in crossings:
            crossing = channel.crossing(allowed.get(channel.egress, 0.0), largest[channel.egress])
            if channel.radio:
                channels.report(design, crossing.findings, channel.origin)
            crossings[key] = (crossing.before, crossing.terms)
            if channel.egress not in index_of:
                queue_count, buffer_octets = _queues(equipment.nodes[channel.from_node])
                index_of[channel.egress] = len(egresses)
                egresses[channel.egress] = Egress(
                    name=channel.egress,
                    node=channel.from_node,
                    port=channel.from_port,
                    medium=channel.medium,
                    queue_count=queue_count,
                    buffer_octets=buffer_octets,
                    mechanism=crossing.mechanism,
                    service=crossing.service,
                    assumptions=crossing.assumptions,
                )
        return crossings[key]

    streams: list[PlannedStream] = []
    for demand, ways in routed.values():
        tree, ends = tree_of(ways)
        hops: list[Hop] = []
        excluded: list[str] = []
        for step, parent in tree:
            channel = step.channel
            before, after = use(channel)
            queue_count = egresses[channel.egress].queue_count
            hops.append(
                Hop(
                    egress_index=index_of[channel.egress],
                    parent_index=parent,
                    from_node=channel.from_node,
                    to_node=channel.to_node,
                    to_port=channel.to_port,
                    queue_index=queue_index(demand.pcp, queue_count),
                    added_octets=step.added_octets,
                    before=before if parent < 0 else forwarding[channel.from_node] + before,
                    after=after,
                )
            )
            for node in (channel.from_node, channel.to_node):
                if channel.radio and node in channels.excluded:
                    excluded.append(channels.excluded[node])
        streams.append(
            PlannedStream(
                name=demand.name,
                kind=demand.kind,
                talker=demand.talker,
                listeners=demand.listeners,
                listener_hops=tuple(ends),
                hops=tuple(hops),
                emission=demand.emission,
                pcp=demand.pcp,
                vlan=demand.vlan or vlans.get(design.nodes[demand.talker].zone, DEFAULT_VLAN),
                talker_host=_host_terms(equipment.nodes[demand.talker], sending=True),
                listener_host=tuple(
                    _host_terms(equipment.nodes[one], sending=False) for one in demand.listeners
                ),
                allowed_miss_ratio=demand.allowed_miss_ratio,
                no_bound=excluded[0] if excluded else "",
            )
        )
    planned_chains, found = chains(design, streams)
    findings += found
    assumptions = dict.fromkeys(text for egress in egresses.values() for text in egress.assumptions)
    plan = Plan(
        name=design.name,
        design_hash=design_hash(design),
        version=VERSION,
        egresses=tuple(egresses.values()),
        streams=tuple(streams),
        chains=planned_chains,
        targets=targets(design, streams, planned_chains),
        nodes=tuple(planned_node(design, node) for node in equipment.nodes.values()),
        links=planned_links(equipment, channels),
        addresses=addresses(design, equipment, vlans),
        vlans={vlan: str(zone) for zone, vlan in vlans.items()},
        findings=(),
        assumptions=(
            "Talkers keep their contracts: size, period and jitter as designed.",
            "No link, node or radio fails while evidence is gathered.",
            *assumptions,
        ),
    )
    return plan, findings


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


def design_hash(design: Design) -> str:
    """SHA-256 of the expanded design with every catalogue value that it uses."""

    def plain(value: object) -> object:
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json")
        if isinstance(value, Mapping):
            return {key: plain(one) for key, one in value.items()}
        return value

    content = {
        group: plain(getattr(design, group))
        for group in (
            "name", "addressing", "sites", "routes", "zones", "conduits", "networks", "nodes",
            "links", "streams", "relations", "chains", "offers", "tsn", "schedule", "servers",
            "flows",
        )
    }  # fmt: skip
    content["catalog"] = design.catalog.used()
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

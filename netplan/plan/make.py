# SPDX-License-Identifier: Apache-2.0
"""From a design to its plan, one step after the other; all findings are collected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from pydantic import BaseModel

from netplan import VERSION
from netplan.design.checks import check
from netplan.design.design import Design
from netplan.design.findings import DesignError, Finding, Severity, has_errors, in_order
from netplan.design.resolve import Equipment, resolve
from netplan.media.frames import PS_PER_S
from netplan.plan.abstract import with_flows
from netplan.plan.assemble import assemble
from netplan.plan.channel import Channels
from netplan.plan.clocks import clocks_of
from netplan.plan.cutting import cutting_through
from netplan.plan.demand import Demand, demands, offer_ethernet_bps
from netplan.plan.inventory import addresses, planned_links, planned_node, zone_vlans
from netplan.plan.model import Plan
from netplan.plan.passive import add_passive
from netplan.plan.policing import with_receptions
from netplan.plan.ports import with_rules
from netplan.plan.rings import Pair, out_of_service, planned_rings
from netplan.plan.standby import STANDBY, Ways, folded, standby_ways, used_once
from netplan.plan.targets import chains, targets
from netplan.plan.timetable import as_scheduled, unreleased
from netplan.plan.trees import Way
from netplan.plan.ways import Routed, way_finder
from netplan.plan.wired import add_wired
from netplan.plan.wireless import add_wireless
from netplan.tsn.rings import Ring

ALTERNATIVE = "~"
"""In the name of a stream that is another one on another way; no name of a design has it."""


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


def plan_with_alternatives(design: Design, way_count: int) -> Plan:
    """A plan that also holds scheduled streams on other ways, for a schedule to choose from.

    What goes another way is a stream of its own behind all others, named as the stream with
    :data:`ALTERNATIVE` and a number. Nothing but a scheduler should read such a plan.

    Args:
        design: As loaded; the ways of a schedule that it holds are kept.
        way_count: Ways of each scheduled stream with one listener, the planned one included.

    Raises:
        DesignError: As :func:`make_plan`.
    """
    plan, collected = _planned(design, [], way_count)
    if plan is None:
        raise DesignError(in_order(collected))
    return plan


def _planned(
    design: Design, collected: list[Finding], way_count: int = 1
) -> tuple[Plan | None, list[Finding]]:
    """All steps, one after the other; what each finds is added to ``collected``."""
    equipment, found = resolve(design)
    collected += found
    collected += check(design, equipment)
    wanted, found = demands(design)
    collected += found
    wanted, found = as_scheduled(design, wanted)
    collected += found
    channels = Channels()
    add_wired(design, equipment, channels)
    add_passive(design, equipment, channels)
    add_wireless(design, equipment, channels)
    collected += channels.findings
    if has_errors(collected):
        return None, collected
    collected += unreleased(design, wanted)
    rings = planned_rings(design, equipment, channels)
    routed, found = _routes(design, equipment, channels, wanted, way_count, rings)
    collected += found
    if has_errors(collected):
        return None, collected
    base_of = _with_standby(design, equipment, channels, routed, rings)
    egresses, streams, found = assemble(design, equipment, channels, routed)
    collected += found
    egresses, found = with_rules(design, equipment, egresses, used_once(streams, base_of))
    collected += found
    streams, found = with_receptions(design, egresses, streams, routed)
    collected += found
    streams = folded(cutting_through(design, equipment, egresses, streams), base_of)
    egresses, streams, found = with_flows(design, egresses, streams)
    collected += found
    planned_chains, found = chains(design, [one for one in streams if ALTERNATIVE not in one.name])
    collected += found
    synchronisation, found = clocks_of(design, equipment)
    collected += found
    if has_errors(collected):
        return None, collected
    assumptions = dict.fromkeys(text for egress in egresses for text in egress.assumptions)
    return Plan(
        name=design.name,
        design_hash=design_hash(design),
        version=VERSION,
        egresses=egresses,
        streams=streams,
        chains=planned_chains,
        targets=targets(design, streams, planned_chains),
        nodes=tuple(planned_node(design, node) for node in equipment.nodes.values()),
        links=planned_links(equipment, channels),
        addresses=addresses(design, equipment, zone_vlans(design)),
        vlans={vlan: str(zone) for zone, vlan in zone_vlans(design).items()},
        findings=(),
        assumptions=(
            "Talkers keep their contracts: size, period and jitter as designed.",
            "No link, node or radio fails while evidence is gathered.",
            *assumptions,
        ),
        synchronisation=synchronisation,
        rings=rings,
    ), collected


def _routes(
    design: Design,
    equipment: Equipment,
    channels: Channels,
    wanted: list[Demand],
    way_count: int,
    rings: tuple[Ring, ...],
) -> tuple[dict[str, tuple[Demand, list[tuple[Way, ...]]]], list[Finding]]:
    """Ways of all demands; an offer's test traffic fills what the plant leaves of its rate."""
    finder = way_finder(design, equipment, channels, frozenset(out_of_service(rings)))
    findings: list[Finding] = []
    routed: dict[str, tuple[Demand, list[tuple[Way, ...]]]] = {}
    for demand in wanted:
        ways, found = finder.ways(demand)
        findings += [one for one in found if one not in findings]
        if found:
            continue
        if demand.kind == "offer":
            rest = _rest_of_offer(design, demand, ways[0][0], routed, findings)
            if rest is None:
                continue
            demand = rest  # noqa: PLW2901 - the same offer with a smaller rate
        routed[demand.name] = (demand, ways)
    if way_count > 1:
        for demand in [one for one, _ in routed.values() if one.scheduled]:
            for number, way in enumerate(finder.other_ways(demand, way_count - 1), 1):
                name = f"{demand.name}{ALTERNATIVE}{number}"
                routed[name] = (replace(demand, name=name), [(way,)])
    return routed, findings


def _with_standby(
    design: Design,
    equipment: Equipment,
    channels: Channels,
    routed: dict[str, tuple[Demand, list[tuple[Way, ...]]]],
    rings: tuple[Ring, ...],
) -> dict[str, str]:
    """Add the standby ways of streams as streams of their own; by the name of each, its stream's."""

    def finder(closed: frozenset[Pair]) -> Callable[[Demand], Ways | None]:
        around = way_finder(design, equipment, channels, closed)

        def find(demand: Demand) -> Ways | None:
            ways_of, wrong = around.ways(demand)
            return None if wrong else ways_of

        return find

    base_of: dict[str, str] = {}
    for name, others in standby_ways(rings, routed, finder).items():
        demand = routed[name][0]
        for number, ways_of in enumerate(others, 1):
            standby = f"{name}{STANDBY}{number}"
            base_of[standby] = name
            routed[standby] = (replace(demand, name=standby), ways_of)
    return base_of


def _rest_of_offer(
    design: Design,
    demand: Demand,
    way: Way,
    routed: Routed,
    findings: list[Finding],
) -> Demand | None:
    """The offer's test traffic beside the plant's own streams over the same access."""
    offer = design.offers[demand.origin[1]]
    first = (way.steps[0].channel.from_node, way.steps[0].channel.to_node)
    last = (way.steps[-1].channel.from_node, way.steps[-1].channel.to_node)
    used_bps = 0
    for other, ways in routed.values():
        pairs = {
            (step.channel.from_node, step.channel.to_node)
            for one in ways
            for way in one
            for step in way.steps
        }
        if other.kind != "offer" and first in pairs and last in pairs:
            octets = sum(sum(message) for message in other.emission.messages)
            used_bps += -(-8 * octets * PS_PER_S // other.emission.pattern_ps)
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
            "flows", "fluid",
        )
    }  # fmt: skip
    if design.redundancy:
        content["redundancy"] = plain(design.redundancy)
    content["catalog"] = design.catalog.used()
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

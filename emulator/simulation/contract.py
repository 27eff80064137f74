# SPDX-License-Identifier: Apache-2.0
"""Refuses a plan that breaks its own contract, so that the kernel need not look.

Such a plan is a fault of ours, not of a design: hence ValueError and no finding.
"""

from __future__ import annotations

from emulator.simulation.contract_reception import check_policing, check_recoveries
from emulator.simulation.contract_rings import check_rings
from emulator.simulation.port_contract import (
    check_clocks,
    check_cut_through,
    check_rules,
    check_schedulers,
)
from emulator.simulation.port_contract import possible as _possible
from emulator.simulation.port_contract import require as _require
from netplan.media.interface import DelayTerm, GrantMechanism, WireMechanism
from netplan.plan.model import Egress, Hop, Plan, PlannedChain, PlannedStream


def check_plan(plan: Plan) -> None:
    """Raise ValueError with the first fault that is found."""
    names = [stream.name for stream in plan.streams]
    _require(len(set(names)) == len(names), "two streams have the same name")
    names = [egress.name for egress in plan.egresses]
    _require(len(set(names)) == len(names), "two transmitters have the same name")
    for egress in plan.egresses:
        _check_egress(egress)
    for stream in plan.streams:
        _check_stream(plan, stream)
    for chain in plan.chains:
        _check_chain(plan, chain)
    check_policing(plan, _require, _possible)
    check_rings(plan, _require, _possible)
    check_schedulers(plan)
    check_clocks(plan.synchronisation)


def _check_egress(egress: Egress) -> None:
    mechanism = egress.mechanism
    _require(egress.queue_count > 0, f"{egress.name} has no queue")
    if isinstance(mechanism, WireMechanism):
        possible = (
            mechanism.line_bps > 0 and mechanism.lead_octets >= 0 and mechanism.tail_octets >= 0
        )
        _require(possible, f"{egress.name} has an impossible wire")
    else:
        _check_grants(egress.name, mechanism)
    check_rules(egress)


def _check_grants(name: str, mechanism: GrantMechanism) -> None:
    openings = mechanism.openings_ps
    ordered = bool(openings) and list(openings) == sorted(set(openings)) and openings[0] >= 0
    _require(
        _possible(mechanism.cycle_ps, 1) and ordered and openings[-1] < mechanism.cycle_ps,
        f"{name} has no ascending openings within its cycle",
    )
    possible = (
        mechanism.quota_octets > 0
        and mechanism.overhead_octets >= 0
        and mechanism.serial_bps >= 0
        and mechanism.max_retries >= 0
        and 0 <= mechanism.failure_probability <= 1
        and _possible(mechanism.phase_ps)
        and _possible(mechanism.burst_ps)
        and _possible(mechanism.max_retries * mechanism.retry_after_ps)
        and mechanism.retry_after_ps >= 0
    )
    _require(possible, f"{name} has impossible grants")


def _check_terms(name: str, terms: tuple[DelayTerm, ...]) -> None:
    possible = all(0 <= term.min_ps <= term.max_ps for term in terms)
    possible = possible and _possible(sum(term.max_ps for term in terms))
    _require(possible, f"stream {name} has impossible delay terms")


def _check_stream(plan: Plan, stream: PlannedStream) -> None:
    name = stream.name
    emission = stream.emission
    sizes = [size for message in emission.messages for size in message]
    _require(
        bool(sizes) and all(emission.messages) and min(sizes) > 0,
        f"stream {name} has an empty message or frame",
    )
    _require(
        _possible(emission.period_ps, 1)
        and _possible(emission.phase_ps)
        and _possible(emission.jitter_ps),
        f"stream {name} has an impossible period, phase or jitter",
    )
    if emission.offsets_ps:
        offsets_ps = emission.offsets_ps
        _require(
            not emission.sporadic
            and len(offsets_ps) == len(emission.messages)
            and offsets_ps[0] == 0
            and list(offsets_ps) == sorted(set(offsets_ps))
            and offsets_ps[-1] < emission.period_ps,
            f"stream {name} has impossible offsets",
        )
    _check_tree(plan, name, stream.hops, stream.listener_hops, len(stream.listeners))
    for index in range(len(stream.hops)):
        check_cut_through(plan, stream, index)
    for way in stream.standby:
        _check_tree(plan, name, way.hops, way.listener_hops, len(stream.listeners))
    check_recoveries(stream, _require, _possible)


def _check_tree(
    plan: Plan,
    name: str,
    hops: tuple[Hop, ...],
    listener_hops: tuple[int, ...],
    listener_count: int,
) -> None:
    _require(
        len(listener_hops) == listener_count and all(0 <= hop < len(hops) for hop in listener_hops),
        f"stream {name} does not have one hop per listener",
    )
    for index, hop in enumerate(hops):
        _require(
            -1 <= hop.parent_index < index, f"hop {index} of stream {name} is before its parent"
        )
        _require(
            0 <= hop.egress_index < len(plan.egresses),
            f"hop {index} of stream {name} has no transmitter",
        )
        egress = plan.egresses[hop.egress_index]
        _require(
            0 <= hop.queue_index < egress.queue_count,
            f"stream {name} uses queue {hop.queue_index} of {egress.name}, which has "
            f"{egress.queue_count}",
        )
        _require(hop.added_octets >= 0, f"hop {index} of stream {name} takes octets away")
        _check_terms(name, hop.before)
        _check_terms(name, hop.after)


def _check_chain(plan: Plan, chain: PlannedChain) -> None:
    _require(bool(chain.stages), f"chain {chain.name} has no stage")
    for position, stage in enumerate(chain.stages):
        where = f"stage {position} of chain {chain.name}"
        _require(0 <= stage.stream_index < len(plan.streams), f"{where} has no stream")
        listeners = plan.streams[stage.stream_index].listeners
        _require(0 <= stage.listener_index < len(listeners), f"{where} has no listener")
        _require(
            stage.task_cycle_ps > 0 or position == len(chain.stages) - 1,
            f"{where} has no task and is not the last",
        )
        _require(
            _possible(stage.task_cycle_ps)
            and _possible(stage.task_phase_ps)
            and _possible(stage.task_work_ps),
            f"{where} has an impossible task",
        )

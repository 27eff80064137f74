# SPDX-License-Identifier: Apache-2.0
"""Why conforming frames may be lost on their way, and where filters let none of them through.

A queue may overflow, a filter may find frames too large, too many or untimely, a scheduler may give
up those that would wait too long. What is said here says nothing about the frames that do arrive:
their bound holds all the same.

Source: IEEE Std 802.1Q-2022, 8.6.5.3 to 8.6.5.5 (filtering, metering), 8.6.11 (residence time).
"""

from __future__ import annotations

from netplan.bounds.fixpoint import reaching_ps
from netplan.bounds.model import Flow, Network
from netplan.bounds.regulators import excess_ps, may_drop
from netplan.media.frames import PS_PER_S
from netplan.tsn.mechanisms import AtsScheduler, FlowMeter, StreamFilter
from netplan.verdict.evidence import EgressBound


def losses_of(network: Network, egresses: tuple[EgressBound, ...], index: int) -> list[str]:
    """Why frames may be lost between the hop before a flow's queue and full reception behind it."""
    flow = network.flows[index]
    texts = list(flow.losses)
    egress = egresses[flow.egress_index]
    if egress.buffer_octets is not None:
        texts += _overflow(network, egress, egress.buffer_octets)
    if flow.scheduler is not None and may_drop(network, index, jitter_ps=_reaching(network, flow)):
        texts.append(
            f"scheduler {flow.scheduler.name} at {network.hop(flow).from_node} may drop frames of "
            f"{network.stream(flow).name} that would wait longer than {flow.scheduler.max_residence_ps} ps"
        )
    reception = network.hop(flow).reception
    if reception is not None and reception.filter is not None:
        texts += _filtered(network, flow, reception.filter)
    return texts


def _reaching(network: Network, flow: Flow) -> int | None:
    """Jitter of a flow when it reaches its scheduler; None when unknown."""
    if flow.jitter_ps is None:
        return None
    jitters = []
    for way in flow.ways:
        parent = network.flows[way.parent_index]
        server = network.servers[parent.server_index]
        if parent.jitter_ps is None or server.refused:
            return None
        lag_ps = 0 if server.contention is None else network.lag_ps(parent)
        jitters.append(reaching_ps(network, flow, way, parent.jitter_ps + lag_ps))
    return max(jitters)


def _overflow(network: Network, egress: EgressBound, buffer_octets: int) -> list[str]:
    name = network.plan.egresses[egress.egress_index].name
    if egress.backlog_octets is None:
        return [f"{name} has room for {buffer_octets} octets and no bound on its backlog"]
    if egress.backlog_octets > buffer_octets:
        reaches = f"its backlog may reach {egress.backlog_octets}"
        return [f"{name} has room for {buffer_octets} octets, {reaches}"]
    return []


def _filtered(network: Network, flow: Flow, filters: StreamFilter) -> list[str]:
    """What a filter behind a hop may drop of its stream."""
    node, name = network.hop(flow).to_node, network.stream(flow).name
    texts = []
    largest = filters.largest_frame_octets
    if largest is not None and any(octets > largest for octets in flow.frame_octets):
        texts.append(
            f"{filters.name} at {node} drops frames of {name} of more than {largest} octets"
        )
    gate = filters.gate
    if gate is not None and not all(
        entry.is_open and entry.largest_octets is None for entry in gate.entries
    ):
        texts.append(
            f"stream gate {gate.name} at {node} drops frames of {name} that come while it is closed "
            "or exceed an interval, and when they come is not part of this analysis"
        )
    if filters.meter is not None and not _meter_lets_pass(network, flow, filters.meter):
        texts.append(f"meter {filters.meter.name} at {node} may drop frames of {name}")
    return texts


def _meter_lets_pass(network: Network, flow: Flow, meter: FlowMeter) -> bool:
    """Whether all flows of a meter together keep what it commits to."""
    node = network.hop(flow).to_node
    sharing = [
        one
        for one in network.flows
        if network.hop(one).to_node == node
        and (reception := network.hop(one).reception) is not None
        and reception.filter is not None
        and reception.filter.meter is not None
        and reception.filter.meter.name == meter.name
    ]
    jitters = []
    for one in sharing:
        server = network.servers[one.server_index]
        if one.jitter_ps is None or server.refused or server.contention is None:
            return False
        after = network.hop(one).after
        spread_ps = sum(term.max_ps - term.min_ps for term in after)
        jitters.append(one.jitter_ps + network.lag_ps(one) + spread_ps + 1)
    if len(sharing) == 1:
        bucket = AtsScheduler(
            name=meter.name,
            group="",
            committed_bps=max(meter.committed_bps, 1),
            committed_burst_octets=meter.committed_burst_octets,
            max_residence_ps=0,
        )
        windows = flow.octets
        return excess_ps(windows, flow.period_ps, jitters[0], bucket) == 0
    rate_bps = burst_octets = 0
    for one, jitter_ps in zip(sharing, jitters, strict=True):
        windows = one.octets
        pattern_ps = one.period_ps
        if windows.per_period() == 1:
            pattern_ps *= len(windows.largest)
        rate_bps -= -windows.total * 8 * PS_PER_S // pattern_ps
        burst_octets += windows.affine_burst(one.period_ps, jitter_ps)
    return rate_bps <= meter.committed_bps and burst_octets <= meter.committed_burst_octets

# SPDX-License-Identifier: Apache-2.0
"""Load and worst backlog of a transmitter, of each queue and over all of them.

What waits in a queue came within the longest wait. On a wire without rules, frames that have
started take at least as long as the busy period has lasted, so what waits in all queues is at
most what came minus that time. At grants a frame stays in its queue until its last bit has
been served.

Source: Le Boudec, Thiran, Network Calculus (2001), theorem 1.4.1 (backlog bound) and 1.7
(packetisers).
"""

from __future__ import annotations

from netplan.bounds.arrivals import ONE, Staircase
from netplan.bounds.competition import ingresses_of
from netplan.bounds.contention import Contention
from netplan.bounds.model import Flow, Network, Server
from netplan.bounds.regulators import longest_stay_ps
from netplan.verdict.evidence import EgressBound


def egress_bounds(network: Network) -> tuple[EgressBound, ...]:
    """Load and backlog of every transmitter of the plan."""
    return tuple(_egress_bound(network, index) for index in range(len(network.plan.egresses)))


def _egress_bound(network: Network, index: int) -> EgressBound:
    egress = network.plan.egresses[index]
    backlogs: list[int | None] = [0] * egress.queue_count
    loads = [0.0] * egress.queue_count
    for server in (network.servers[one] for one in network.servers_at.get(index, [])):
        backlogs[server.queue_index] = _queue_octets(network, server)
        loads[server.queue_index] = (
            sum(network.flows[flow].rate_per_one for flow in server.own) / ONE
        )
    total = _backlog_octets(network, index)
    known = [backlog for backlog in backlogs if backlog is not None]
    if len(known) == len(backlogs):
        total = sum(known) if total is None else min(total, sum(known))
    if total is not None:
        backlogs = [total if backlog is None else min(backlog, total) for backlog in backlogs]
    return EgressBound(
        egress_index=index,
        load_ratio=_load_ratio(network, index),
        backlog_octets=total,
        buffer_octets=egress.buffer_octets,
        queue_backlog_octets=tuple(backlogs),
        queue_load_ratios=tuple(loads),
    )


def _queue_octets(network: Network, server: Server) -> int | None:
    """Most frame octets in one queue: what may come in the longest time that a frame stays.

    A frame that may be interrupted is counted until it has left, one that is being
    served at grants too. Frames that are not yet eligible wait here as well.
    """
    if server.refused or any(network.flows[index].jitter_ps is None for index in server.own):
        return None
    transmitter = network.transmitters[server.egress_index]
    leaves_whole = transmitter.is_wire and not (server.access and server.access.preemptable)
    octets = 0
    for index in server.own:
        flow = network.flows[index]
        assert flow.jitter_ps is not None
        stays_ps = network.lag_ps(flow) if server.contention is not None else 0
        if not leaves_whole:
            stays_ps += flow.least_work_ps
        stays_ps += longest_stay_ps(network, index)
        octets += flow.octets.in_window(stays_ps + flow.jitter_ps, flow.period_ps)
    return octets


def _flows_at(network: Network, egress_index: int) -> list[int]:
    servers = network.servers_at.get(egress_index, [])
    return [flow for server in servers for flow in network.servers[server].own]


def _load_ratio(network: Network, egress_index: int) -> float:
    return sum(network.flows[flow].rate_per_one for flow in _flows_at(network, egress_index)) / ONE


def _backlog_octets(network: Network, egress_index: int) -> int | None:
    transmitter = network.transmitters[egress_index]
    indices = _flows_at(network, egress_index)
    if not indices:
        return 0
    servers = [network.servers[index] for index in network.servers_at[egress_index]]
    # Frames that are not eligible, or kept back by rules, do not belong to a busy period.
    held = any(network.flows[index].scheduler is not None for index in indices)
    if transmitter.no_service or held or any(server.access is not None for server in servers):
        return None
    ingresses = ingresses_of(network, indices, [])
    if isinstance(ingresses, str):
        return None
    flows = [network.flows[index] for index in indices]
    contention = Contention(ingresses, fixed_ps=transmitter.latency_ps)
    if contention.reach_ps is None:
        work_ps = transmitter.latency_ps + sum(ingress.affine[0] for ingress in ingresses)
        backlog_octets = _octets(network, flows, work_ps)
    else:
        backlog_octets = _search(network, flows, contention, transmitter.latency_ps)
    if not transmitter.is_wire:
        # Of every queue one frame may have been served in part.
        backlog_octets += sum(
            max(network.flows[flow].frame_octets[-1] for flow in network.servers[server].own)
            for server in network.servers_at[egress_index]
        )
    return backlog_octets


def _search(network: Network, flows: list[Flow], contention: Contention, latency_ps: int) -> int:
    arrived = Staircase([(flow.octets, flow.period_ps, flow.jitter_ps) for flow in flows])
    bends = contention.bends()
    points = [(bend.window_ps, bend.work_ps, bend.late_ps, bend.slope_up > 0) for bend in bends]
    if all(bend.window_ps != latency_ps for bend in bends):
        points = sorted([*points, (latency_ps, contention.own_ps(latency_ps), 0, True)])
    backlog_octets = before_ps = 0
    rising = False
    for window_ps, work_ps, late_ps, sloped in points:
        waiting_ps = work_ps - max(window_ps - late_ps - latency_ps, 0)
        # Between two bends what waits is at most the larger of both ends.
        most_ps = max(waiting_ps, before_ps) if rising else waiting_ps
        octets = min(_octets(network, flows, most_ps), arrived.at(window_ps))
        backlog_octets = max(backlog_octets, octets)
        before_ps, rising = waiting_ps, sloped
    return backlog_octets


def _octets(network: Network, flows: list[Flow], work_ps: int) -> int:
    """Most frame octets that so much work can be."""
    transmitter = network.transmitters[flows[0].egress_index]
    octets, work = 0, 1
    for size in {flow.frame_octets[-1] for flow in flows}:
        size_work_ps = transmitter.work_ps(size)
        if size * work > octets * size_work_ps:
            octets, work = size, size_work_ps
    return -(-max(work_ps, 0) * octets // work)

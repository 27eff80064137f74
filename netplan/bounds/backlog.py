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
from netplan.bounds.competition import ingresses_of, level_search
from netplan.bounds.contention import Contention
from netplan.bounds.model import Flow, Network, Server
from netplan.bounds.ports import is_preemptable
from netplan.bounds.regulators import longest_stay_ps
from netplan.bounds.remaining import most_left_ps
from netplan.verdict.evidence import EgressBound


def egress_bounds(network: Network) -> tuple[EgressBound, ...]:
    """Load and backlog of every transmitter of the plan."""
    return tuple(_egress_bound(network, index) for index in range(len(network.plan.egresses)))


def _egress_bound(network: Network, index: int) -> EgressBound:
    egress = network.plan.egresses[index]
    backlogs: list[int | None] = [0] * egress.queue_count
    loads = [0.0] * egress.queue_count
    servers = [network.servers[one] for one in network.servers_at.get(index, [])]
    for server in servers:
        backlogs[server.queue_index] = _queue_octets(network, server)
        loads[server.queue_index] = (
            sum(network.flows[flow].rate_per_one for flow in server.own) / ONE
        )
    total = least(_backlog_octets(network, index), _sum(backlogs))
    if egress.buffer_octets is not None and (total is None or total > egress.buffer_octets):
        for server in servers:
            left_octets = _left_octets(network, server, server.own)
            backlogs[server.queue_index] = least(backlogs[server.queue_index], left_octets)
        total = least(total, _sum(backlogs))
        total = least(total, _together_octets(network, servers, backlogs))
    if total is not None:
        backlogs = [least(backlog, total) for backlog in backlogs]
    return EgressBound(
        egress_index=index,
        load_ratio=_load_ratio(network, index),
        backlog_octets=total,
        buffer_octets=egress.buffer_octets,
        queue_backlog_octets=tuple(backlogs),
        queue_load_ratios=tuple(loads),
    )


def least(one: int | None, other: int | None) -> int | None:
    """The lower one of two bounds, either of which may be unknown."""
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)


def _sum(backlogs: list[int | None]) -> int | None:
    known = [backlog for backlog in backlogs if backlog is not None]
    return sum(known) if len(known) == len(backlogs) else None


def _queue_octets(network: Network, server: Server) -> int | None:
    """Most frame octets in one queue: what may come in the longest time that a frame stays."""
    return _sum([held_octets(network, index) for index in server.own])


def _together_octets(
    network: Network, servers: list[Server], backlogs: list[int | None]
) -> int | None:
    """Backlog of a port whose lowest queue and those of the same gates are looked at as one."""
    if not servers or servers[-1].access is None:
        return None
    level = [servers[-1], *(network.servers[one] for one in servers[-1].access.strict)]
    own = [flow for server in level for flow in server.own]
    queues = {server.queue_index for server in level}
    others = [backlog for queue, backlog in enumerate(backlogs) if queue not in queues]
    octets = _left_octets(network, servers[-1], own)
    rest = _sum(others)
    return None if octets is None or rest is None else octets + rest


def _left_octets(network: Network, server: Server, own: list[int]) -> int | None:
    """Most frame octets of some flows that have come and not left, in the order of time.

    Args:
        network: As worked out.
        server: Their queue, or the lowest of several that share its gates.
        own: The flows.
    """
    flows = [network.flows[index] for index in own]
    search = level_search(network, server, own)
    if search is None or any(flow.scheduler is not None for flow in flows):
        return None
    left_ps = most_left_ps(search)
    if left_ps is None:
        return None
    # A frame may have been sent in part, and waits as a whole; an interrupted one beside it.
    longest_ps: dict[bool, int] = {}
    for flow in flows:
        egress = network.plan.egresses[flow.egress_index]
        queue_index = network.servers[flow.server_index].queue_index
        kind = is_preemptable(egress, queue_index)
        longest_ps[kind] = max(longest_ps.get(kind, 0), flow.most_work_ps)
    return _octets(network, flows, left_ps + sum(longest_ps.values()))


def held_octets(network: Network, index: int) -> int | None:
    """Most frame octets of a flow in its queue; None when that is unknown.

    A frame of a preemptable queue is counted until it has left, one that is being
    served at grants too. Frames that are not yet eligible wait here as well.
    """
    flow = network.flows[index]
    server = network.servers[flow.server_index]
    if server.refused or flow.jitter_ps is None:
        return None
    egress = network.plan.egresses[server.egress_index]
    is_wire = network.transmitters[server.egress_index].is_wire
    stays_ps = network.lag_ps(flow) if server.contention is not None else 0
    if not is_wire or is_preemptable(egress, server.queue_index):
        stays_ps += flow.least_work_ps
    stays_ps += longest_stay_ps(network, index)
    return flow.octets.in_window(stays_ps + flow.jitter_ps, flow.period_ps)


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

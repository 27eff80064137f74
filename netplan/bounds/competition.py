# SPDX-License-Identifier: Apache-2.0
"""Sets up the search for the longest wait at one server, or says why there is none.

A server is refused when what it is offered does not fit into what its rules leave of the line, or
when nothing is known of frames that go before it.
"""

from __future__ import annotations

from netplan.bounds.apart import keep_credit, sent_by
from netplan.bounds.arrivals import ONE
from netplan.bounds.contention import Contention, Ingress
from netplan.bounds.cost import Cost, CreditCost, TurnCost
from netplan.bounds.ingress import gather, unknown_text
from netplan.bounds.model import Access, Network, Server


def ingresses_of(network: Network, own: list[int], above: list[int]) -> list[Ingress] | str:
    """Arrivals by ingress at strict priority, or why they have no bound."""
    ingresses = gather(network, own, above)
    if isinstance(ingresses, str):
        return ingresses
    offered = sum(network.flows[index].rate_per_one for index in own + above)
    egress_index = network.flows[own[0]].egress_index
    lowest = min(network.servers[network.flows[index].server_index].queue_index for index in own)
    if offered >= ONE and any(network.flows[index].unknown for index in own + above):
        ingresses_load = sum(ingress.affine[1] + ingress.affine[3] for ingress in ingresses)
        offered = max(offered, ingresses_load)
    if offered >= ONE:
        return _overloaded(
            network,
            egress_index,
            f"its queue {lowest} and those above are",
            offered,
            ONE,
            "its rate",
        )
    if sum(ingress.affine[1] + ingress.affine[3] for ingress in ingresses) >= ONE:
        return unknown_text(network, [network.flows[index] for index in own + above])
    return ingresses


def compete(network: Network, server: Server) -> str:
    """Set up the searches of a server; the reason when there are none."""
    transmitter = network.transmitters[server.egress_index]
    if transmitter.no_service:
        return f"{transmitter.name}: {transmitter.no_service}"
    if server.access is not None:
        return _compete_by_rules(network, server, server.access)
    ingresses = ingresses_of(network, server.own, server.above)
    if isinstance(ingresses, str):
        return ingresses
    server.contention = Contention(ingresses, fixed_ps=transmitter.latency_ps + server.blocking_ps)
    return ""


def _overloaded(
    network: Network, egress_index: int, who: str, offered: int, room: int, of_what: str
) -> str:
    """Says which queue is offered how much of what, and by how much that is too much."""
    transmitter = network.transmitters[egress_index]
    share = (offered * 10**4 + room // 2) // room
    excess_bps = max(((offered - room) * transmitter.rate_bps + ONE // 2) // ONE, 1)
    return (
        f"{transmitter.name} is overloaded: {who} offered {share / 100:.2f} % of {of_what}, "
        f"{excess_bps} bit/s too much"
    )


def _compete_by_rules(network: Network, server: Server, access: Access) -> str:
    for other in access.apart + access.interrupting:
        refused = network.servers[other].refused
        capped = network.servers[other].access
        if refused and (capped is None or capped.credit_ps is None or access.openings is not None):
            return refused
    if access.idle_bps:
        return _by_credit(network, server, access)
    parts = [gather(network, server.own, server.above, access=access)]
    parts += [sent_by(network, access, other) for other in access.apart]
    ingresses: list[Ingress] = []
    for part in parts:
        if isinstance(part, str):
            return part
        ingresses += part
    why = _set_up(network, server, access, ingresses, None)
    if not access.shares or not access.quantum_octets:
        return why
    turns = _by_turns(network, server, access)
    if turns is None:
        return why
    if why:
        server.contention = turns
    else:
        server.others = [turns]
    return ""


def level_search(network: Network, server: Server, own: list[int]) -> Contention | None:
    """The search over some flows of one level as if they shared a queue.

    Args:
        network: As worked out.
        server: The lowest queue of the level.
        own: Flows of its queue, or of all queues of the level.

    Returns:
        None where more than strict priority and gates keeps them back, or nothing is known.
    """
    access, transmitter = server.access, network.transmitters[server.egress_index]
    if server.refused or access is None or access.idle_bps or access.rivals:
        return None
    if not transmitter.is_wire or any(network.flows[flow].jitter_ps is None for flow in own):
        return None
    inside = set(own)
    above = [flow for flow in server.above if flow not in inside]
    parts = [gather(network, own, above, access=access)]
    parts += [sent_by(network, access, other) for other in access.apart]
    ingresses: list[Ingress] = []
    for part in parts:
        if isinstance(part, str):
            return None
        ingresses += part
    return Contention(ingresses, fixed_ps=server.blocking_ps, openings=access.openings)


def _set_up(
    network: Network, server: Server, access: Access, ingresses: list[Ingress], cost: Cost | None
) -> str:
    """Make the search, if there is room for what is offered."""
    own_rate = sum(ingress.affine[1] for ingress in ingresses)
    above_rate = sum(ingress.affine[3] for ingress in ingresses)
    asked = (own_rate if cost is None else cost.rate(own_rate)) + above_rate
    room, of_what = ONE, "its rate"
    if access.openings is not None:
        room = ONE * access.openings.capacity_ps // access.openings.cycle_ps
        of_what = "what its gate leaves it"
    who = f"its queue {server.queue_index} with what goes before it is"
    if isinstance(cost, CreditCost):
        idle_room = room * cost.idle_bps // cost.line_bps
        if own_rate >= idle_room:
            who = f"its queue {server.queue_index} is"
            of_what = "its idle slope" + ("" if room == ONE else " in its windows")
            return _overloaded(network, server.egress_index, who, own_rate, idle_room, of_what)
    if asked >= room:
        flows = [network.flows[index] for index in (*server.own, *server.above)]
        if asked >= ONE and any(flow.unknown for flow in flows):
            return unknown_text(network, flows)
        return _overloaded(network, server.egress_index, who, asked, room, of_what)
    fixed_ps = 0 if isinstance(cost, CreditCost) else server.blocking_ps
    server.contention = Contention(
        ingresses, fixed_ps=fixed_ps, cost=cost, openings=access.openings
    )
    server.going = None
    if access.preemptable:
        parts = [sent_by(network, access, other) for other in access.interrupting]
        before: list[Ingress] = []
        for part in parts:
            if isinstance(part, str):
                return part
            before += part
        server.going = Contention(before, fixed_ps=0, openings=access.resumes)
    return ""


def _by_turns(network: Network, server: Server, access: Access) -> Contention | None:
    """Search for a round-robin queue by its turns; None when they are not enough for it."""
    group = {index for other in access.rivals for index in network.servers[other].own}
    above = [index for index in server.above if index not in group]
    flows = [network.flows[index] for index in server.own]
    longest = max(flow.frame_octets[-1] for flow in flows)
    cost = TurnCost(
        octets=longest,
        work_ps=network.transmitters[server.egress_index].work_ps(longest),
        quantum_octets=access.quantum_octets,
        rivals=access.shares,
    )
    parts = [gather(network, server.own, above, access=access)]
    parts += [sent_by(network, access, other) for other in access.apart]
    ingresses: list[Ingress] = []
    for part in parts:
        if isinstance(part, str):
            return None
        ingresses += part
    own_rate = sum(ingress.affine[1] for ingress in ingresses)
    above_rate = sum(ingress.affine[3] for ingress in ingresses)
    if cost.rate(own_rate) + above_rate >= ONE:
        return None
    return Contention(ingresses, fixed_ps=server.blocking_ps, cost=cost)


def _by_credit(network: Network, server: Server, access: Access) -> str:
    """Search for a credit-based queue, once it is known how far its credit may rise."""
    # Express frames that interrupt its own count for as long as it waits; the others only
    # while it has credit.
    interrupting = [
        one
        for one in (*access.strict, *access.apart)
        if access.preemptable and one in access.express
    ]
    kept_ps = keep_credit(network, server, access, interrupting)
    if isinstance(kept_ps, str):
        return kept_ps
    flows = [
        index for one in interrupting if one in access.strict for index in network.servers[one].own
    ]
    parts = [gather(network, server.own, flows, access=access)]
    parts += [sent_by(network, access, one) for one in interrupting if one in access.apart]
    ingresses: list[Ingress] = []
    for part in parts:
        if isinstance(part, str):
            return part
        ingresses += part
    line_bps = network.transmitters[server.egress_index].line_bps
    cost = CreditCost(kept_ps=kept_ps, idle_bps=access.idle_bps, line_bps=line_bps)
    return _set_up(network, server, access, ingresses, cost)

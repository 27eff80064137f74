# SPDX-License-Identifier: Apache-2.0
"""Waits and jitters that agree with each other.

Servers are worked out in the order of their dependencies. Where these form a
cycle, jitter starts from what fixed terms cause and grows until no server asks
for more: all waits and jitters then support each other, and a first violation
has nowhere to begin. Where it does not stop growing there is no bound.

Source: Thomas, Le Boudec, Mifdaoui, On cyclic dependencies and regulators in
time-sensitive networks (RTSS 2019), theorem 1; Charny, Le Boudec, Delay bounds in a network with
aggregate scheduling (2000); Mifdaoui, Leydier, Beyond the accuracy-complexity
tradeoffs of compositional analyses using network calculus (2017) for shaping by ingress.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import networkx as nx

from netplan.bounds.arrivals import ONE, Staircase
from netplan.bounds.contention import Contention, Ingress
from netplan.bounds.network import NO_WIRE, Flow, Network, Server, dependencies

_MOST_ROUNDS: Final = 200
"""Times that the servers of one cycle may be worked out anew."""
_MOST_JITTER_PS: Final = 10**15
"""Jitter (1,000 s) from which a cycle counts as not settling."""


def settle(network: Network) -> None:
    """Work out every server of the network."""
    graph = dependencies(network)
    condensed = nx.condensation(graph)
    for component in nx.topological_sort(condensed):
        servers: list[int] = sorted(condensed.nodes[component]["members"])
        if len(servers) == 1 and not graph.has_edge(servers[0], servers[0]):
            _work_out(network, servers[0])
        else:
            _settle_cycle(network, servers)


def _settle_cycle(network: Network, members: list[int]) -> None:
    inside = set(members)
    waiting = deque(members)
    queued = set(members)
    work_left = _MOST_ROUNDS * len(members)
    while waiting:
        index = waiting.popleft()
        queued.discard(index)
        touched = _work_out(network, index)
        work_left -= 1
        if touched is None or work_left < 0:
            _give_up(network, members)
            return
        for other in sorted(touched & inside - queued):
            waiting.append(other)
            queued.add(other)


def _give_up(network: Network, members: list[int]) -> None:
    egresses = sorted({network.servers[index].egress_index for index in members})
    names = [network.plan.egresses[index].name for index in egresses[:4]]
    more = f" and {len(egresses) - 4} more" if len(egresses) > 4 else ""
    because = (
        f"delays depend on each other in a circle through {', '.join(names)}{more}, "
        "and the analysis finds no finite jitter that holds for all of them"
    )
    for index in members:
        server = network.servers[index]
        server.refused = server.refused or because
    for index in members:
        for flow in network.servers[index].own:
            _pass_on(network, flow)


def _work_out(network: Network, index: int) -> set[int] | None:
    """Work out one server and pass its waits on; None when jitter grows without end.

    Returns:
        Servers whose waits may have changed by it.
    """
    server = network.servers[index]
    if not server.refused:
        contention = _contention(network, server)
        if isinstance(contention, str):
            server.refused = contention
        else:
            server.contention = contention
            server.waits_ps = {}
    touched: set[int] = set()
    for flow in server.own:
        if not _pass_on(network, flow, touched):
            return None
    return touched


def _pass_on(network: Network, start: int, touched: set[int] | None = None) -> bool:
    """Give the jitter behind a flow to the flows that continue it, and on along the tree."""
    stack = [start]
    while stack:
        flow = network.flows[stack.pop()]
        server = network.servers[flow.server_index]
        because = flow.unknown or server.refused or flow.spoils
        jitter_ps: int | None = None
        if not because:
            assert flow.jitter_ps is not None
            wait_ps = 0
            if server.contention is not None:
                wait_ps = network.wait_ps(server, flow.frame_octets[0])
            jitter_ps = flow.jitter_ps + wait_ps
            if jitter_ps > _MOST_JITTER_PS:
                return False
        for child_index in flow.children:
            child = network.flows[child_index]
            if because:
                if child.jitter_ps is None:
                    continue
                old_ps, child.jitter_ps, child.unknown = child.jitter_ps, None, because
            else:
                assert jitter_ps is not None
                if child.jitter_ps is None or child.jitter_ps >= jitter_ps + child.carried_ps:
                    continue
                old_ps, child.jitter_ps = child.jitter_ps, jitter_ps + child.carried_ps
            if touched is not None:
                _touch(network, child, old_ps, touched)
            stack.append(child_index)
    return True


def _touch(network: Network, flow: Flow, old_ps: int, touched: set[int]) -> None:
    """Note the servers whose waits change when a flow's jitter has grown from ``old_ps``.

    As long as no further message fits into the windows that a server looked at,
    its waits stay as they are.
    """
    queue_index = network.servers[flow.server_index].queue_index
    for index in network.servers_at[flow.egress_index]:
        server = network.servers[index]
        if server.queue_index > queue_index or server.refused:
            continue
        reach_ps = None if server.contention is None else server.contention.reach_ps
        if (
            flow.jitter_ps is not None
            and reach_ps is not None
            and (flow.jitter_ps + reach_ps) // flow.period_ps == old_ps // flow.period_ps
        ):
            continue
        touched.add(index)


def ingresses_of(network: Network, own: list[int], above: list[int]) -> list[Ingress] | str:
    """Arrivals by ingress, or why they have no bound."""
    by_ingress: dict[int, tuple[list[Flow], list[Flow]]] = {}
    for indices, side in ((own, 0), (above, 1)):
        for index in indices:
            flow = network.flows[index]
            by_ingress.setdefault(flow.ingress_index, ([], []))[side].append(flow)
    ingresses, load, offered = [], 0, 0
    for ingress, sides in by_ingress.items():
        flows_here = sides[0] + sides[1]
        egress_index = flows_here[0].egress_index
        line = None if ingress == NO_WIRE else network.lines[ingress, egress_index]
        stairs = tuple(
            Staircase([(flow.windows, flow.period_ps, flow.jitter_ps) for flow in side])
            for side in sides
        )
        affine: list[int] = []
        for flows, stair in zip(sides, stairs, strict=True):
            offered += sum(flow.rate_per_one for flow in flows)
            if stair.known:
                affine.append(
                    sum(
                        flow.windows.affine_burst(flow.period_ps, flow.jitter_ps)
                        for flow in flows
                        if flow.jitter_ps is not None
                    )
                )
                affine.append(sum(flow.rate_per_one for flow in flows))
            elif line is None:
                return _unknown_text(network, flows)
            else:
                affine.append(max(flow.most_work_ps for flow in flows) + line.most(0))
                affine.append(line.slope_up)
        load += affine[1] + affine[3]
        ingresses.append(
            Ingress(
                own=stairs[0],
                above=stairs[1],
                line=line,
                first_own_ps=max((flow.most_work_ps for flow in sides[0]), default=0),
                first_above_ps=max((flow.most_work_ps for flow in sides[1]), default=0),
                affine=(affine[0], affine[1], affine[2], affine[3]),
                steps_per_s=sum(10**12 // flow.period_ps + 1 for flow in flows_here),
            )
        )
    name = network.plan.egresses[network.flows[own[0]].egress_index].name
    if offered >= ONE:
        lowest = min(
            network.servers[network.flows[index].server_index].queue_index for index in own
        )
        return (
            f"{name} is overloaded: its queue {lowest} and those above are offered "
            f"{_percent(offered)} of its rate"
        )
    if load >= ONE:
        return _unknown_text(network, [network.flows[index] for index in own + above])
    return ingresses


def _percent(load: int) -> str:
    return f"{(load * 10**4 + ONE // 2) // ONE / 100:.2f} %"


def _unknown_text(network: Network, flows: list[Flow]) -> str:
    flow = next(flow for flow in flows if flow.unknown)
    name = network.plan.egresses[flow.egress_index].name
    stream = network.stream(flow).name
    if flow.unknown.startswith("it is not known when frames"):
        return flow.unknown
    return f"it is not known when frames of {stream} reach {name}: {flow.unknown}"


def _contention(network: Network, server: Server) -> Contention | str:
    transmitter = network.transmitters[server.egress_index]
    if transmitter.no_service:
        return f"{transmitter.name}: {transmitter.no_service}"
    ingresses = ingresses_of(network, server.own, server.above)
    if isinstance(ingresses, str):
        return ingresses
    return Contention(ingresses, fixed_ps=transmitter.latency_ps + server.blocking_ps)

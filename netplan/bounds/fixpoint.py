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

from netplan.bounds.competition import compete, ingresses_of
from netplan.bounds.model import Flow, Network, Way
from netplan.bounds.regulators import residence_ps
from netplan.bounds.servers import dependencies

__all__ = ["ingresses_of", "settle"]

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
    touched: set[int] = set()
    if not server.refused:
        credit_ps = None if server.access is None else server.access.credit_ps
        server.refused = compete(network, server)
        server.waits_ps = {}
        if server.refused:
            touched.update(server.heirs)
        elif server.heirs:
            stays_ps = max(
                network.lag_ps(flow) + flow.least_work_ps
                for flow in (network.flows[one] for one in server.own)
            )
            if stays_ps > server.stays_ps:
                server.stays_ps = stays_ps
                touched.update(server.heirs)
        if server.access is not None and server.access.credit_ps != credit_ps:
            touched.update(server.heirs)
            for flow in (network.flows[one] for one in server.own):
                for child in flow.children:
                    touched.update(network.servers[network.flows[child].server_index].watchers)
    for one in server.own:
        if not _pass_on(network, one, touched):
            return None
    return touched


def _pass_on(network: Network, start: int, touched: set[int] | None = None) -> bool:
    """Give the jitter behind a flow to the flows that continue it, and on along the tree."""
    stack = [start]
    while stack:
        index = stack.pop()
        flow = network.flows[index]
        server = network.servers[flow.server_index]
        because = flow.unknown or server.refused or flow.spoils
        jitter_ps = 0
        if not because:
            assert flow.jitter_ps is not None
            lag_ps = 0 if server.contention is None else network.lag_ps(flow)
            jitter_ps = flow.jitter_ps + lag_ps
            if jitter_ps > _MOST_JITTER_PS:
                return False
        for child_index in flow.children:
            child = network.flows[child_index]
            old_ps = child.jitter_ps
            if old_ps is None:
                continue
            if because:
                child.jitter_ps, child.unknown = None, because
            else:
                new_ps = _jitter_behind(network, child_index, index, jitter_ps)
                if old_ps >= new_ps:
                    continue
                child.jitter_ps = new_ps
            if touched is not None:
                _touch(network, child, old_ps, touched)
            stack.append(child_index)
    return True


def _jitter_behind(network: Network, index: int, parent_index: int, jitter_ps: int) -> int:
    """Jitter that one way gives a flow, when it is eligible."""
    flow = network.flows[index]
    if len(flow.ways) == 1 and flow.residence is None:
        return jitter_ps + flow.carried_ps
    way = flow.ways[0]
    if way.parent_index != parent_index:
        way = next(one for one in flow.ways if one.parent_index == parent_index)
    jitter_ps = reaching_ps(network, flow, way, jitter_ps)
    if flow.residence is not None:
        jitter_ps += residence_ps(network, index, jitter_ps=jitter_ps)
    return jitter_ps


def reaching_ps(network: Network, flow: Flow, way: Way, jitter_ps: int) -> int:
    """How much later than its earliest frame one may reach a flow's node over one way.

    ``jitter_ps`` is that of leaving the wire behind the queue before.
    """
    parent = network.flows[way.parent_index]
    return parent.earliest_ps + way.least_ps + jitter_ps + way.carried_ps - flow.earliest_ps


def _touch(network: Network, flow: Flow, old_ps: int, touched: set[int]) -> None:
    """Note the servers whose waits change when a flow's jitter has grown from ``old_ps``.

    As long as no further message fits into the windows that a server looked at,
    its waits stay as they are.
    """
    for index in network.servers[flow.server_index].watchers:
        server = network.servers[index]
        if server.refused:
            continue
        reach_ps = None if server.contention is None else server.contention.reach_ps
        if (
            flow.jitter_ps is not None
            and reach_ps is not None
            and server.access is None
            and flow.windows.step_after(old_ps, flow.period_ps) > flow.jitter_ps + reach_ps
        ):
            continue
        touched.add(index)

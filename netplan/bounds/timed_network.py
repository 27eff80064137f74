# SPDX-License-Identifier: Apache-2.0
"""From queue to queue: when frames that keep a phase are where, through the whole plan.

Queues are worked out in the order in which frames pass them, higher queues of a port before
lower ones. Where that goes in a circle, intervals start as narrow as they can be and grow until
none asks for more. Streams without a phase count with what the analysis without time
says of them; a queue about which nothing can be proven says why.

Source: Palencia, Gonzalez Harbour (RTSS 1998) for offsets with growing intervals.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import networkx as nx

from netplan.bounds.network import Network
from netplan.bounds.timed_flows import (
    TimedFlow,
    duplicates_pass,
    enter,
    never_merged,
    surely_before,
    timed_flows,
)
from netplan.bounds.timed_port import NotProvenError, Port
from netplan.bounds.timed_ports import TimedNetwork, port_of, refusal, unknown_of
from netplan.bounds.timed_queue import TOO_SHORT, Entry, TimedQueue
from netplan.bounds.timed_streams import Timeline

_MOST_ROUNDS: Final = 40
"""Times that the queues of one circle may be worked out anew."""
_MOST_RESTARTS: Final = 20
"""Times that a circle may begin anew without the queues that were refused."""


def solve(network: Network, timeline: Timeline) -> TimedNetwork:
    """Work out all queues that streams with a phase use."""
    flows, reasons = timed_flows(network, timeline)
    timed = TimedNetwork(network=network, timeline=timeline, flows=flows, reasons=reasons)
    for flow in flows.values():
        timed.at_server.setdefault(flow.server_index, []).append(flow)
    for index, here in timed.at_server.items():
        timed.refused[index] = because = refusal(timed, network.servers[index])
        for flow in here:
            flow.unknown = because
    _solve_part(timed, list(timed.at_server), _dependencies(timed))
    return timed


def _solve_part(
    timed: TimedNetwork, servers: list[int], graph: nx.DiGraph[int], restarts: int = 0
) -> None:
    """Work out some queues of the network, in the order in which they depend on each other."""
    part = graph.subgraph(index for index in servers if not timed.refused[index])
    condensed = nx.condensation(part)
    for component in nx.topological_sort(condensed):
        members: list[int] = sorted(condensed.nodes[component]["members"])
        if len(members) == 1 and not graph.has_edge(members[0], members[0]):
            _work_out(timed, members[0])
        elif not _settle_circle(timed, members, graph):
            left = [index for index in members if not timed.refused[index]]
            _forget(timed, left)
            if restarts < _MOST_RESTARTS and timed.effort.left_count >= 0:
                _solve_part(timed, left, graph, restarts + 1)
                continue
            for index in left:
                name = timed.name(timed.network.servers[index])
                _refuse(timed, index, f"frames wait for each other in a circle through {name}")


def _dependencies(timed: TimedNetwork) -> nx.DiGraph[int]:
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(timed.at_server)
    for flow in timed.flows.values():
        for parent in flow.parents:
            graph.add_edge(timed.flows[parent].server_index, flow.server_index)
    for indices in timed.network.servers_at.values():
        here = [index for index in indices if index in timed.at_server]
        graph.add_edges_from(
            (higher, lower) for place, higher in enumerate(here) for lower in here[place + 1 :]
        )
    return graph


def _refuse(timed: TimedNetwork, server_index: int, because: str) -> None:
    timed.refused[server_index] = because
    timed.ports.pop(server_index, None)
    for flow in timed.at_server[server_index]:
        flow.unknown = flow.unknown or because


def _work_out(timed: TimedNetwork, server_index: int) -> bool:
    """Work out one queue; returns whether anything changed."""
    known = []
    for flow in timed.at_server[server_index]:
        flow.unknown = _unknown_before(timed, flow)
        if not flow.unknown:
            enter(timed.flows, flow)
            known.append(flow)
    if not known:
        return False
    server = timed.network.servers[server_index]
    try:
        port = timed.ports.get(server_index)
        if port is None or port.higher is not None:
            port = timed.ports[server_index] = port_of(timed, server)
        queue = TimedQueue(
            port,
            known[0].releases.repeat_ps,
            _entries(timed, known),
            lambda one, frame, other, other_frame, shift_ps: surely_before(
                timed.flows, (one, frame), (other, other_frame), shift_ps
            ),
            unknown_of(timed, server, known),
        )
        queue.solve()
    except NotProvenError as error:
        _refuse(timed, server_index, f"{timed.name(server)} {error}")
        return False
    return _keep(timed, queue)


def _unknown_before(timed: TimedNetwork, flow: TimedFlow) -> str:
    for parent in flow.parents:
        because = timed.flows[parent].unknown
        if because:
            return because
    if len(flow.parents) > 1:
        stream = timed.network.stream(timed.network.flows[flow.index])
        hop = timed.network.hop(timed.network.flows[flow.index])
        recovery = next(
            recovery for recovery in stream.recoveries if recovery.members[0] == hop.parent_index
        )
        for frame in range(len(flow.octets)):
            spans = [timed.flows[parent].received_ps(frame) for parent in flow.parents]
            span_ps = max(span[1] for span in spans) - min(span[0] for span in spans)
            because = duplicates_pass(stream, recovery, span_ps)
            if because:
                return because
    return ""


def _entries(timed: TimedNetwork, known: list[TimedFlow]) -> list[Entry]:
    entries = []
    for flow in known:
        before: Entry | None = None
        merged = not never_merged(timed.flows, flow)
        spacing_ps: list[int] = []
        spread_ps = 0
        if flow.line >= 0:
            parent = timed.flows[flow.parents[0]]
            spacing_ps = parent.least_work_ps
            spread_ps = parent.after_ps[1] - parent.after_ps[0]
            spread_ps += flow.before_ps[1] - flow.before_ps[0]
        for frame in range(len(flow.octets)):
            entry = Entry(
                flow=flow.index,
                frame=frame,
                earliest_ps=flow.earliest_ps[frame],
                latest_ps=flow.latest_ps[frame],
                delivery_ps=flow.delivery_ps[frame],
                least_delivery_ps=flow.least_delivery_ps[frame],
                work_ps=flow.work_ps[frame],
                least_work_ps=flow.least_work_ps[frame],
                line=flow.line,
                spacing_ps=spacing_ps[frame] if spacing_ps else 0,
                spread_ps=spread_ps,
            )
            if before is not None and flow.releases.position_index[frame] and not merged:
                entry.follows = before
            before = entry
            entries.append(entry)
    return entries


def _keep(timed: TimedNetwork, queue: TimedQueue) -> bool:
    """Store what a queue says about its frames; returns whether anything changed."""
    changed = False
    for entry in queue.entries:
        flow, frame = timed.flows[entry.flow], entry.frame
        if not flow.latest_start_ps:
            count = len(flow.octets)
            flow.wait_ps = [None] * count
            flow.earliest_start_ps = [1 << 100] * count
            flow.latest_start_ps = [-(1 << 100)] * count
        earliest_ps = entry.earliest_start_ps - entry.shift_ps
        latest_ps = entry.latest_start_ps - entry.shift_ps
        if earliest_ps < flow.earliest_start_ps[frame] or latest_ps > flow.latest_start_ps[frame]:
            changed = True
            flow.earliest_start_ps[frame] = min(flow.earliest_start_ps[frame], earliest_ps)
            flow.latest_start_ps[frame] = max(flow.latest_start_ps[frame], latest_ps)
        flow.wait_ps[frame] = entry.wait_ps
    return changed


def _settle_circle(timed: TimedNetwork, servers: list[int], graph: nx.DiGraph[int]) -> bool:
    """Work out queues whose frames depend on each other in a circle.

    Returns:
        False when one of them was refused on the way, so that all must begin anew without it.
    """
    inside = set(servers)
    for index in servers:
        if because := _too_long(timed, index):
            _refuse(timed, index, because)
    if any(timed.refused[index] for index in servers):
        return False
    for flow in timed.flows.values():  # parents before children
        if flow.server_index in inside:
            _start_narrow(timed, flow)
    waiting, rounds_left = deque(servers), _MOST_ROUNDS * len(servers)
    queued = set(servers)
    while waiting:
        index = waiting.popleft()
        queued.discard(index)
        rounds_left -= 1
        changed = _work_out(timed, index)
        if timed.refused[index]:
            return False
        if rounds_left < 0:
            for member in servers:
                name = timed.name(timed.network.servers[member])
                _refuse(timed, member, f"frames wait for each other in a circle through {name}")
            return False
        if changed:
            following = set(graph.successors(index)) & inside - queued
            waiting += sorted(following)
            queued |= following
    return True


def _forget(timed: TimedNetwork, servers: list[int]) -> None:
    """Drop all that was said about some queues."""
    for index in servers:
        timed.ports.pop(index, None)
        for flow in timed.at_server[index]:
            for times in (flow.earliest_ps, flow.latest_ps, flow.wait_ps):
                times.clear()
            flow.earliest_start_ps, flow.latest_start_ps = [], []
            flow.unknown = ""


def _too_long(timed: TimedNetwork, server_index: int) -> str:
    server = timed.network.servers[server_index]
    egress = timed.network.plan.egresses[server.egress_index]
    openings = timed.openings_of(server.egress_index, server.queue_index)
    longest_ps = max(max(flow.delivery_ps) for flow in timed.at_server[server_index])
    if openings.always or longest_ps <= openings.longest_ps - 2 * timed.error_ps(egress):
        return ""
    return f"{timed.name(server)} {TOO_SHORT}"


def _start_narrow(timed: TimedNetwork, flow: TimedFlow) -> None:
    """Times of frames that meet no others."""
    flow.unknown = _unknown_before(timed, flow)
    if flow.unknown:
        return
    enter(timed.flows, flow)
    server = timed.network.servers[flow.server_index]
    egress = timed.network.plan.egresses[server.egress_index]
    port = Port(
        openings=timed.openings_of(server.egress_index, server.queue_index),
        error_ps=timed.error_ps(egress),
        rivals=(),
        higher=None,
        effort=timed.effort,
    )
    flow.earliest_start_ps = [
        port.earliest_start_ps(entry_ps, delivery_ps)
        for entry_ps, delivery_ps in zip(flow.earliest_ps, flow.least_delivery_ps, strict=True)
    ]
    flow.latest_start_ps = [
        max(pair) for pair in zip(flow.latest_ps, flow.earliest_start_ps, strict=True)
    ]
    flow.wait_ps = [None] * len(flow.octets)

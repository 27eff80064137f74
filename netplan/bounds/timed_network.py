# SPDX-License-Identifier: Apache-2.0
"""From queue to queue: when frames that keep a phase are where, through the whole plan.

Queues are worked out in the order in which frames pass them, higher queues of a port before
lower ones. Where that goes in a circle, intervals start as narrow as they can be and grow until
none asks for more. Streams without a phase count with what the analysis without time
says of them; a queue about which nothing can be proven says why.

Source: Palencia, Gonzalez Harbour (RTSS 1998) for offsets with growing intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import networkx as nx

from netplan.bounds.arrivals import Staircase
from netplan.bounds.network import Flow, Network, Server
from netplan.bounds.timed_flows import (
    TimedFlow,
    duplicates_pass,
    enter,
    never_merged,
    surely_before,
    timed_flows,
)
from netplan.bounds.timed_gates import ALWAYS, Openings, gate_openings, preemptable_openings
from netplan.bounds.timed_port import HigherFrames, NotProvenError, Port, Rival
from netplan.bounds.timed_queue import Entry, TimedQueue, Unknown
from netplan.bounds.timed_streams import Timeline
from netplan.plan.model import Egress
from netplan.tsn.mechanisms import PortRules, QueueRule, Selection

_MOST_ROUNDS: Final = 40
"""Times that the queues of one circle may be worked out anew."""
_LONGEST_REST_OCTETS: Final = 59
"""Beyond the smallest fragment: 63 octets must not remain, 4 of check sequence do not count.

Source: IEEE Std 802.3-2022, 99.4.7.
"""


@dataclass(slots=True, kw_only=True)
class TimedNetwork:
    """Streams that keep a phase, and what is known about them at each queue.

    Attributes:
        network: The same plan without time, settled.
        timeline: Releases.
        flows: Hops that are followed.
        reasons: Why others are not, by flow.
        ports: Queues that were worked out, by server.
        refused: Why others were not.
    """

    network: Network
    timeline: Timeline
    flows: dict[int, TimedFlow]
    reasons: dict[int, str]
    ports: dict[int, Port] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    at_server: dict[int, list[TimedFlow]] = field(default_factory=dict)

    def why_unknown(self, flow_index: int) -> str:
        """Why a flow's starts are not known; empty when they are."""
        flow = self.flows.get(flow_index)
        if flow is None:
            return self.reasons.get(flow_index, "its talker keeps no phase")
        return flow.unknown


def solve(network: Network, timeline: Timeline) -> TimedNetwork:
    """Work out all queues that streams with a phase use."""
    flows, reasons = timed_flows(network, timeline)
    timed = TimedNetwork(network=network, timeline=timeline, flows=flows, reasons=reasons)
    for flow in flows.values():
        timed.at_server.setdefault(flow.server_index, []).append(flow)
    for index in timed.at_server:
        timed.refused[index] = _refusal(timed, network.servers[index])
    graph = _dependencies(timed)
    condensed = nx.condensation(graph)
    for component in nx.topological_sort(condensed):
        servers: list[int] = sorted(condensed.nodes[component]["members"])
        if len(servers) == 1 and not graph.has_edge(servers[0], servers[0]):
            _work_out(timed, servers[0])
        else:
            _settle_circle(timed, servers)
    return timed


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


def _rule(rules: PortRules | None, queue_index: int) -> QueueRule:
    return rules.queues[queue_index] if rules is not None and rules.queues else QueueRule()


def _name(timed: TimedNetwork, server: Server) -> str:
    egress = timed.network.plan.egresses[server.egress_index]
    return f"queue {server.queue_index} of {egress.name}"


def _refusal(timed: TimedNetwork, server: Server) -> str:
    """Why frames of a queue are not followed, whatever comes to it; empty when they are."""
    egress = timed.network.plan.egresses[server.egress_index]
    transmitter = timed.network.transmitters[server.egress_index]
    rules, name = egress.rules, _name(timed, server)
    if transmitter.no_service:
        return f"{egress.name}: {transmitter.no_service}"
    if not transmitter.is_wire or transmitter.latency_ps or transmitter.exceedance_probability:
        return f"{egress.name} does not send whenever it may"
    if rules is None:
        return ""
    rule = _rule(rules, server.queue_index)
    if rule.selection is not Selection.STRICT:
        return f"{name} is not served by strict priority"
    if rules.fragment_octets is not None and not rule.express:
        return f"frames in {name} may be interrupted"
    if len(rules.gates) > 1:
        return f"the gates of {egress.name} change at run time"
    if rules.gates and timed.timeline.clock_error_ps(egress.node) is None:
        return f"nothing limits the error of the clock of {egress.node}"
    if _openings(egress, server.queue_index).never:
        return f"{name} never opens"
    return ""


def _openings(egress: Egress, queue_index: int) -> Openings:
    if egress.rules is None or not egress.rules.gates:
        return ALWAYS
    return gate_openings(egress.rules.gates[0], queue_index)


def _refuse(timed: TimedNetwork, server_index: int, because: str) -> None:
    timed.refused[server_index] = because
    timed.ports.pop(server_index, None)
    for flow in timed.at_server[server_index]:
        flow.unknown = flow.unknown or because


def _work_out(timed: TimedNetwork, server_index: int) -> bool:
    """Work out one queue; returns whether anything changed."""
    if timed.refused[server_index]:
        _refuse(timed, server_index, timed.refused[server_index])
        return False
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
            port = timed.ports[server_index] = _port(timed, server)
        queue = TimedQueue(
            port,
            known[0].releases.repeat_ps,
            _entries(timed, known),
            lambda one, frame, other, other_frame, shift_ps: surely_before(
                timed.flows, (one, frame), (other, other_frame), shift_ps
            ),
            _unknown(timed, server, known),
        )
        queue.solve()
    except NotProvenError as error:
        _refuse(timed, server_index, f"{_name(timed, server)} {error}")
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


def _settle_circle(timed: TimedNetwork, servers: list[int]) -> None:
    """Work out queues whose frames depend on each other in a circle."""
    for index in servers:
        if not timed.refused[index]:
            timed.refused[index] = _too_long(timed, index)
    if not any(timed.refused[index] for index in servers):
        inside = set(servers)
        for flow in timed.flows.values():  # parents before children
            if flow.server_index in inside:
                _start_narrow(timed, flow)
        for _ in range(_MOST_ROUNDS):
            changes = [_work_out(timed, index) for index in servers]
            if any(timed.refused[index] for index in servers):
                break
            if not any(changes):
                return
    reasons = [timed.refused[index] for index in servers if timed.refused[index]]
    because = reasons[0] if reasons else "it does not settle"
    for index in servers:
        _refuse(
            timed,
            index,
            f"frames depend on each other in a circle through "
            f"{_name(timed, timed.network.servers[index])}: {because}",
        )


def _too_long(timed: TimedNetwork, server_index: int) -> str:
    server = timed.network.servers[server_index]
    openings = _openings(timed.network.plan.egresses[server.egress_index], server.queue_index)
    longest_ps = max(max(flow.delivery_ps) for flow in timed.at_server[server_index])
    if openings.always or longest_ps <= openings.longest_ps:
        return ""
    return f"{_name(timed, server)} has no opening long enough for its largest frame"


def _start_narrow(timed: TimedNetwork, flow: TimedFlow) -> None:
    """Times of frames that meet no others."""
    flow.unknown = _unknown_before(timed, flow)
    if flow.unknown:
        return
    enter(timed.flows, flow)
    server = timed.network.servers[flow.server_index]
    egress = timed.network.plan.egresses[server.egress_index]
    port = Port(
        openings=_openings(egress, server.queue_index),
        error_ps=timed.timeline.clock_error_ps(egress.node) or 0,
        rivals=(),
        higher=None,
    )
    flow.earliest_start_ps = [
        port.earliest_start_ps(entry_ps, delivery_ps)
        for entry_ps, delivery_ps in zip(flow.earliest_ps, flow.least_delivery_ps, strict=True)
    ]
    flow.latest_start_ps = [
        max(pair) for pair in zip(flow.latest_ps, flow.earliest_start_ps, strict=True)
    ]
    flow.wait_ps = [None] * len(flow.octets)


def _port(timed: TimedNetwork, server: Server) -> Port:
    """A port as one of its queues sees it.

    Raises:
        NotProvenError: When nothing is known of a queue that may go first.
    """
    network = timed.network
    egress = network.plan.egresses[server.egress_index]
    openings = _openings(egress, server.queue_index)
    rivals: list[Rival] = []
    rows: list[tuple[int, int, int, int, Openings]] = []
    repeat_ps = 0
    for index in network.servers_at[server.egress_index]:
        other = network.servers[index]
        if other.queue_index == server.queue_index:
            continue
        theirs = _openings(egress, other.queue_index)
        if theirs.never:
            continue
        is_above = other.queue_index > server.queue_index
        known = [flow for flow in timed.at_server.get(index, ()) if not flow.unknown]
        if not is_above:
            known = []
        for flow in known:
            repeat_ps = flow.releases.repeat_ps
            rows += [
                (latest_ps, earliest_ps, delivery_ps, work_ps, theirs)
                for latest_ps, earliest_ps, delivery_ps, work_ps in zip(
                    flow.latest_start_ps,
                    flow.earliest_start_ps,
                    flow.delivery_ps,
                    flow.work_ps,
                    strict=True,
                )
            ]
        followed = {flow.index for flow in known}
        rest = [flow for flow in other.own if flow not in followed]
        if rest:
            rivals.append(_rival(timed, egress, other, rest, openings if is_above else None))
    higher = None
    if rows:
        higher = HigherFrames(repeat_ps)
        higher.add(rows)
    return Port(
        openings=openings,
        error_ps=(timed.timeline.clock_error_ps(egress.node) or 0) if egress.rules else 0,
        rivals=tuple(rivals),
        higher=higher,
    )


def _rival(
    timed: TimedNetwork, egress: Egress, other: Server, rest: list[int], below: Openings | None
) -> Rival:
    """Frames of another queue that are not known one by one.

    Args:
        timed: The network.
        egress: The port.
        other: The other queue.
        rest: Flows in it that are meant.
        below: Openings of the queue under study when the other one is higher.
    """
    network, rules = timed.network, egress.rules
    transmitter = network.transmitters[other.egress_index]
    openings = _openings(egress, other.queue_index)
    sizes = sorted({size for flow in rest for size in network.flows[flow].frame_octets})[::-1]
    frames = tuple((transmitter.delivery_ps(size), transmitter.work_ps(size)) for size in sizes)
    express = _rule(rules, other.queue_index).express
    if rules is not None and rules.fragment_octets is not None and not express:
        if below is not None:
            message = f"is below queue {other.queue_index}, whose frames may be interrupted"
            raise NotProvenError(message)
        largest = min(sizes[0], rules.fragment_octets + _LONGEST_REST_OCTETS)
        return Rival(
            openings=(
                preemptable_openings(rules.gates[0], rules.hold_advance_ps)
                if rules.gates
                else ALWAYS
            ),
            frames=((0, transmitter.work_ps(largest)),),
            is_above=False,
        )
    if below is None or not openings.meets(below):
        return Rival(openings=openings, frames=frames, is_above=below is not None)
    return Rival(
        openings=openings,
        frames=frames,
        is_above=True,
        arrivals=_staircase(timed, [network.flows[flow] for flow in rest]),
        reach_ps=_longest_wait_ps(timed, other, rest),
    )


def _staircase(timed: TimedNetwork, flows: list[Flow]) -> Staircase:
    for flow in flows:
        if flow.jitter_ps is None:
            name = timed.network.stream(flow).name
            message = f"meets frames of {name}, of which it is not known when they come"
            raise NotProvenError(message)
    return Staircase([(flow.windows, flow.period_ps, flow.jitter_ps) for flow in flows])


def _longest_wait_ps(timed: TimedNetwork, server: Server, flows: list[int]) -> int:
    if server.refused or server.contention is None:
        message = f"meets frames of {_name(timed, server)}, whose waits have no bound"
        raise NotProvenError(message)
    least = min(timed.network.flows[flow].frame_octets[0] for flow in flows)
    return timed.network.wait_ps(server, least)


def _unknown(timed: TimedNetwork, server: Server, known: list[TimedFlow]) -> Unknown | None:
    """Frames in the queue itself that are not known one by one."""
    followed = {flow.index for flow in known}
    rest = [flow for flow in server.own if flow not in followed]
    if not rest:
        return None
    flows = [timed.network.flows[flow] for flow in rest]
    transmitter = timed.network.transmitters[server.egress_index]
    largest = max(flow.frame_octets[-1] for flow in flows)
    return Unknown(
        arrivals=_staircase(timed, flows),
        reach_ps=_longest_wait_ps(timed, server, rest) + transmitter.work_ps(largest),
        delivery_ps=transmitter.delivery_ps(largest),
    )

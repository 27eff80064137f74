# SPDX-License-Identifier: Apache-2.0
"""What each queue of a port meets: other queues, frames known one by one, and the rest.

Streams without a phase count with the arrivals and waits that the analysis without time
found for them. Whatever the search in :mod:`netplan.bounds.timed_port` does not follow
(shapers, interruption of the queue's own frames, gates that change) is refused here, with the reason.

Source: IEEE Std 802.1Q-2022, 8.6.8; IEEE Std 802.3-2022, 99.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from netplan.bounds.arrivals import Staircase
from netplan.bounds.network import Flow, Network, Server
from netplan.bounds.timed_flows import TimedFlow
from netplan.bounds.timed_gates import ALWAYS, Openings, gate_openings, preemptable_openings
from netplan.bounds.timed_port import Effort, NotProvenError, Port, Rival
from netplan.bounds.timed_queue import TimedQueue, Unknown
from netplan.bounds.timed_starts import KnownStarts
from netplan.bounds.timed_streams import Timeline
from netplan.plan.model import Egress
from netplan.tsn.mechanisms import PortRules, QueueRule, Selection

_LONGEST_REST_OCTETS: Final = 59
"""Beyond the smallest fragment: 63 octets must not remain, 4 of check sequence do not count.

Source: IEEE Std 802.3-2022, 99.4.7.
"""
TOO_SHORT: Final = "has no opening that is surely long enough for its largest frame"
_MOST_STEPS: Final = 3_000_000
"""Steps of all searches together: some seconds."""


@dataclass(slots=True, kw_only=True)
class TimedNetwork:
    """Streams that keep a phase, and what is known about them at each queue.

    Attributes:
        network: The same plan without time, settled.
        timeline: Releases.
        flows: Hops that are followed.
        reasons: Why others are not, by flow.
        queues: Those that are worked out, by server.
        starts: Starts of their frames, by server.
        refused: Why others were not; empty for queues that are not refused so far.
        at_server: Hops that are followed, by server.
        openings: Of queues that were looked at, by egress and queue.
        effort: What may be spent on searching.
    """

    network: Network
    timeline: Timeline
    flows: dict[int, TimedFlow]
    reasons: dict[int, str]
    queues: dict[int, TimedQueue] = field(default_factory=dict)
    starts: dict[int, KnownStarts] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    at_server: dict[int, list[TimedFlow]] = field(default_factory=dict)
    openings: dict[tuple[int, int], Openings] = field(default_factory=dict)
    effort: Effort = field(default_factory=lambda: Effort(left_count=_MOST_STEPS))

    def why_unknown(self, flow_index: int) -> str:
        """Why a flow's starts are not known; empty when they are."""
        flow = self.flows.get(flow_index)
        if flow is None:
            return self.reasons.get(flow_index, "its talker keeps no phase")
        return flow.unknown

    def openings_of(self, egress_index: int, queue_index: int) -> Openings:
        """When the gate of a queue is open; always where the port has none."""
        found = self.openings.get((egress_index, queue_index))
        if found is None:
            rules = self.network.plan.egresses[egress_index].rules
            found = ALWAYS
            if rules is not None and rules.gates:
                found = gate_openings(rules.gates[0], queue_index)
            self.openings[egress_index, queue_index] = found
        return found

    def name(self, server: Server) -> str:
        """A queue, for people."""
        egress = self.network.plan.egresses[server.egress_index]
        return f"queue {server.queue_index} of {egress.name}"

    def error_ps(self, egress: Egress) -> int:
        """Largest error of the clock that moves a port's gates."""
        if egress.rules is None or not egress.rules.gates:
            return 0
        return self.timeline.clock_error_ps(egress.node) or 0


def _rule(rules: PortRules | None, queue_index: int) -> QueueRule:
    return rules.queues[queue_index] if rules is not None and rules.queues else QueueRule()


def refusal(timed: TimedNetwork, server: Server) -> str:
    """Why frames of a queue are not followed, whatever comes to it; empty when they are."""
    egress = timed.network.plan.egresses[server.egress_index]
    transmitter = timed.network.transmitters[server.egress_index]
    rules, name = egress.rules, timed.name(server)
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
    if timed.openings_of(server.egress_index, server.queue_index).never:
        return f"{name} never opens"
    return ""


def fits(timed: TimedNetwork, server: Server, delivery_ps: int) -> bool:
    """Whether some opening of a queue is surely long enough for a frame."""
    openings = timed.openings_of(server.egress_index, server.queue_index)
    error_ps = timed.error_ps(timed.network.plan.egresses[server.egress_index])
    return openings.always or delivery_ps <= openings.longest_ps - 2 * error_ps


def port_of(timed: TimedNetwork, server: Server) -> Port:
    """A port as one of its queues sees it.

    Raises:
        NotProvenError: When nothing is known of a queue that may go first.
    """
    network = timed.network
    egress = network.plan.egresses[server.egress_index]
    openings = timed.openings_of(server.egress_index, server.queue_index)
    rivals: list[Rival] = []
    higher: list[KnownStarts] = []
    lower: list[KnownStarts] = []
    for index in network.servers_at[server.egress_index]:
        other = network.servers[index]
        if other.queue_index == server.queue_index:
            continue
        if timed.openings_of(other.egress_index, other.queue_index).never:
            continue
        is_above = other.queue_index > server.queue_index
        rest = other.own
        if index in timed.starts:
            (higher if is_above else lower).append(timed.starts[index])
            rest = [flow for flow in other.own if timed.why_unknown(flow)]
        if rest:
            rivals.append(_rival(timed, egress, other, rest, openings if is_above else None))
    return Port(
        openings=openings,
        error_ps=timed.error_ps(egress),
        rivals=tuple(rivals),
        higher=tuple(higher),
        lower=tuple(lower),
        effort=Effort(left_count=0, whole=timed.effort),
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
    openings = timed.openings_of(other.egress_index, other.queue_index)
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
        message = f"meets frames of {timed.name(server)}, whose waits have no bound"
        raise NotProvenError(message)
    least = min(timed.network.flows[flow].frame_octets[0] for flow in flows)
    return timed.network.wait_ps(server, least)


def unknown_of(timed: TimedNetwork, server: Server) -> Unknown | None:
    """Frames in the queue itself that are not known one by one.

    Raises:
        NotProvenError: When nothing is known of them.
    """
    rest = [flow for flow in server.own if timed.why_unknown(flow)]
    if not rest:
        return None
    flows = [timed.network.flows[flow] for flow in rest]
    transmitter = timed.network.transmitters[server.egress_index]
    largest = max(flow.frame_octets[-1] for flow in flows)
    if not fits(timed, server, transmitter.delivery_ps(largest)):
        raise NotProvenError(TOO_SHORT)
    return Unknown(
        arrivals=_staircase(timed, flows),
        reach_ps=_longest_wait_ps(timed, server, rest) + transmitter.work_ps(largest),
        delivery_ps=transmitter.delivery_ps(largest),
    )

# SPDX-License-Identifier: Apache-2.0
"""Plan and evidence with everything at hand by stream, listener and transmitter.

Knows the way of a stream and the load at its priority: what a strict-priority
transmitter is offered in a queue and those above it. It computes no delay.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property

from netplan.design.findings import DesignError, Finding, Severity
from netplan.media.interface import GrantMechanism, NoService, ServiceCurve, WireMechanism
from netplan.plan.model import Egress, Hop, Plan, PlannedLink, PlannedStream, Target
from netplan.verdict.evidence import (
    BoundEvidence,
    ChainBound,
    ChainObservation,
    EgressBound,
    EgressObservation,
    SimulatedEvidence,
    StreamBound,
    StreamObservation,
    StreamOutage,
    WorstCase,
)

_LOAD_SLACK_RATIO = 1e-5
"""Loads count every frame rounded up to whole picoseconds; less than this is no overload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a transmitter is offered at one priority and above, in the long term.

    Attributes:
        egress_index: Transmitter.
        sure_ratio: Over the rate that the bound may count on.
        largest_ratio: Over the most that the mechanism can ever carry.
        rest_bps: Rate that is left of the sure rate, as this stream's frames; negative at overload.
    """

    egress_index: int
    sure_ratio: float
    largest_ratio: float
    rest_bps: int


class Facts:
    """A plan with the evidence on it.

    Raises:
        DesignError: When evidence belongs to another plan.
    """

    def __init__(
        self, plan: Plan, bound: BoundEvidence | None, simulated: SimulatedEvidence | None
    ) -> None:
        """Refuse evidence on another design, then index it."""
        for name, evidence in (("bound", bound), ("simulation", simulated)):
            if evidence is not None and evidence.design_hash != plan.design_hash:
                raise DesignError([_other_design(name, plan.design_hash, evidence.design_hash)])
        self.plan = plan
        self.bound = bound
        self.simulated = simulated
        self._bounds = (
            {(row.stream_index, row.listener_index): row for row in bound.streams} if bound else {}
        )
        self._seen = (
            {(row.stream_index, row.listener_index): row for row in simulated.streams}
            if simulated
            else {}
        )

    @cached_property
    def risky(self) -> list[frozenset[int]]:
        """For each transmitter, the streams whose late frames may disturb others there.

        A bound of probability 0 holds as long as no frame that came over the air was later
        than its curve says; such frames bunch up. They disturb the transmitters behind the
        air, and the streams that they disturb carry that on.
        """
        risky: list[set[int]] = [set() for _ in self.plan.egresses]
        growing = True
        while growing:
            growing = False
            for index, stream in enumerate(self.plan.streams):
                brought: list[set[int]] = []
                for hop in stream.hops:
                    here = set(brought[hop.parent_index]) if hop.parent_index >= 0 else set()
                    service = self.plan.egresses[hop.egress_index].service
                    if isinstance(service, ServiceCurve) and service.exceedance_probability > 0:
                        here.add(index)
                    size = len(risky[hop.egress_index])
                    risky[hop.egress_index] |= here
                    growing |= len(risky[hop.egress_index]) > size
                    brought.append(here | risky[hop.egress_index])
        return [frozenset(one) for one in risky]

    def rests_on_radio(self, target: Target) -> bool:
        """Whether late frames of streams over radio could disturb what a target is about."""
        pairs = [(target.stream_index, target.listener_index)]
        if target.chain_index >= 0:
            stages = self.plan.chains[target.chain_index].stages
            pairs = [(stage.stream_index, stage.listener_index) for stage in stages]
        return any(self.risky[hop.egress_index] for pair in pairs for hop in self.way(*pair))

    def stream_bound(self, stream_index: int, listener_index: int) -> StreamBound | None:
        """Bound of a stream at a listener, if the analysis was made."""
        return self._bounds.get((stream_index, listener_index))

    def observation(self, stream_index: int, listener_index: int) -> StreamObservation | None:
        """What the run saw of a stream at a listener, if there was one."""
        return self._seen.get((stream_index, listener_index))

    @property
    def has_faults(self) -> bool:
        """Whether something failed during the run."""
        return self.simulated is not None and bool(self.simulated.faults)

    @cached_property
    def worst_cases(self) -> dict[tuple[int, int], WorstCase]:
        """What a search found, by stream and listener."""
        cases = self.simulated.worst_cases if self.simulated else ()
        return {(case.stream_index, case.listener_index): case for case in cases}

    @cached_property
    def outages(self) -> dict[tuple[int, int], StreamOutage]:
        """Of streams that did not come for a while, by stream and listener."""
        rows = self.simulated.outages if self.simulated else ()
        return {(row.stream_index, row.listener_index): row for row in rows}

    @cached_property
    def chain_bounds(self) -> dict[int, ChainBound]:
        """Bounds of chains by index."""
        return {row.chain_index: row for row in self.bound.chains} if self.bound else {}

    @cached_property
    def chain_observations(self) -> dict[int, ChainObservation]:
        """Observed chains by index."""
        return {row.chain_index: row for row in self.simulated.chains} if self.simulated else {}

    @cached_property
    def egress_bounds(self) -> dict[int, EgressBound]:
        """Loads and backlogs by transmitter."""
        return {row.egress_index: row for row in self.bound.egresses} if self.bound else {}

    @cached_property
    def egress_observations(self) -> dict[int, EgressObservation]:
        """Observed transmitters by index."""
        return {row.egress_index: row for row in self.simulated.egresses} if self.simulated else {}

    def way(self, stream_index: int, listener_index: int) -> tuple[Hop, ...]:
        """Hops from the talker to a listener."""
        return way_of(self.plan.streams[stream_index], listener_index)

    def loads(self, stream_index: int, listener_index: int) -> list[Load]:
        """Load of every transmitter with a service curve on the way, at the stream's priority."""
        stream = self.plan.streams[stream_index]
        found = []
        for hop in self.way(stream_index, listener_index):
            row = self.egress_bounds.get(hop.egress_index)
            egress = self.plan.egresses[hop.egress_index]
            if row is not None and not isinstance(egress.service, NoService):
                found.append(self._load(stream, hop, egress, row))
        return found

    def _load(self, stream: PlannedStream, hop: Hop, egress: Egress, row: EgressBound) -> Load:
        service = egress.service
        assert not isinstance(service, NoService)
        offered = self._offered_bps[hop.egress_index]
        total_bps = sum(offered.values())
        here_bps = sum(rate for queue, rate in offered.items() if queue >= hop.queue_index)
        sure_ratio = row.load_ratio * here_bps / total_bps if total_bps else 0.0
        largest_bps = _largest_bps(egress)
        frames = [octets for message in stream.emission.messages for octets in message]
        plain = sum(frames) / max(1, sum(counted_octets(egress, hop, octets) for octets in frames))
        return Load(
            egress_index=hop.egress_index,
            sure_ratio=sure_ratio,
            largest_ratio=sure_ratio * service.rate_bps / largest_bps
            if largest_bps
            else sure_ratio,
            rest_bps=int((1 - sure_ratio) * service.rate_bps * plain // 1),
        )

    @cached_property
    def _offered_bps(self) -> list[dict[int, float]]:
        """Long-term rate by transmitter and queue, in octets as the mechanism counts them."""
        offered: list[dict[int, float]] = [{} for _ in self.plan.egresses]
        for stream in self.plan.streams:
            span_ps = stream.emission.pattern_ps
            for hop in stream.hops:
                egress = self.plan.egresses[hop.egress_index]
                octets = sum(
                    counted_octets(egress, hop, frame)
                    for message in stream.emission.messages
                    for frame in message
                )
                queues = offered[hop.egress_index]
                rate_bps = 8e12 * octets / span_ps
                queues[hop.queue_index] = queues.get(hop.queue_index, 0.0) + rate_bps
        return offered

    def overload(self, stream_index: int, listener_index: int) -> Load | None:
        """The worst load on the way that nothing can carry in the long term, if any."""
        worst = max(
            self.loads(stream_index, listener_index),
            key=lambda load: load.largest_ratio,
            default=None,
        )
        if worst is None or worst.largest_ratio <= 1 + _LOAD_SLACK_RATIO:
            return None
        return worst

    def egress_name(self, egress_index: int) -> str:
        """Name of a transmitter."""
        return self.plan.egresses[egress_index].name

    @cached_property
    def _links_at(self) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {}
        for index, link in enumerate(self.plan.links):
            one, other = end_nodes(link)
            found.setdefault(one, []).append((other, index))
            found.setdefault(other, []).append((one, index))
        return found

    def crossing(self, hop: Hop) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Passive nodes that a hop passes (splitters), and the links that it takes."""
        came: dict[str, tuple[str, int]] = {hop.from_node: ("", -1)}
        waiting = deque([hop.from_node])
        active = self._active_nodes
        while waiting and hop.to_node not in came:
            node = waiting.popleft()
            for other, link_index in self._links_at.get(node, ()):
                if other not in came and (other == hop.to_node or other not in active):
                    came[other] = (node, link_index)
                    waiting.append(other)
        if hop.to_node not in came:
            return (), ()
        nodes: list[str] = []
        links: list[int] = []
        node = hop.to_node
        while node != hop.from_node:
            node, link_index = came[node]
            links.append(link_index)
            if node != hop.from_node:
                nodes.append(node)
        return tuple(reversed(nodes)), tuple(reversed(links))

    @cached_property
    def _active_nodes(self) -> frozenset[str]:
        hops = [hop for stream in self.plan.streams for hop in stream.hops]
        return frozenset({hop.from_node for hop in hops} | {hop.to_node for hop in hops})


def way_of(stream: PlannedStream, listener_index: int) -> tuple[Hop, ...]:
    """Hops of a stream from its talker to one listener."""
    way: list[Hop] = []
    index = stream.listener_hops[listener_index]
    while index >= 0:
        way.append(stream.hops[index])
        index = stream.hops[index].parent_index
    return tuple(reversed(way))


def end_nodes(link: PlannedLink) -> tuple[str, str]:
    """Nodes that a link joins."""
    return link.ends[0].partition(".")[0], link.ends[1].partition(".")[0]


def counted_octets(egress: Egress, hop: Hop, frame_octets: int) -> int:
    """Octets that a frame takes on the medium as the mechanism counts them."""
    mechanism = egress.mechanism
    octets = frame_octets + hop.added_octets
    if isinstance(mechanism, WireMechanism):
        return octets + mechanism.lead_octets + mechanism.tail_octets
    return octets + mechanism.overhead_octets


def _largest_bps(egress: Egress) -> float:
    """Rate that a transmitter cannot exceed, in octets as the mechanism counts them."""
    mechanism = egress.mechanism
    if isinstance(mechanism, GrantMechanism):
        return 8e12 * mechanism.quota_octets * len(mechanism.openings_ps) / mechanism.cycle_ps
    return mechanism.line_bps


def _other_design(name: str, expected: str, found: str) -> Finding:
    return Finding(
        code="EVIDENCE-OTHER-DESIGN",
        severity=Severity.ERROR,
        message=f"the {name} was made from another design",
        expected=f"design hash {expected[:12]}...",
        found=f"design hash {found[:12]}...",
        hint="gather the evidence again from this design",
    )

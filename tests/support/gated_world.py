# SPDX-License-Identifier: Apache-2.0
"""A slow world of gated store-and-forward ports, to hold bounds against.

Written frame by frame on a heap for the tests alone: talkers release on wrong clocks, every
gate edge of a port is early or late on its own (all gates of the port together), jitter and
processing are drawn, simultaneous events happen in any order, copies may get lost on one way.
It knows nothing of the analysis.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from netplan.media.frames import wire_time_ps
from netplan.media.interface import DelayTerm, WireMechanism
from netplan.plan.model import Plan


@dataclass(eq=False, slots=True, kw_only=True)
class Parcel:
    """One frame of a message, wherever it is."""

    stream: int
    hop: int
    key: tuple[int, int]
    octets: int
    nominal_ps: int
    origin_ps: int | None = None


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was observed of one stream at one listener."""

    latencies_ps: list[int] = field(default_factory=list)
    arrivals_ps: list[int] = field(default_factory=list)


class GatedPort:
    """Queues, gates and the wire behind them."""

    def __init__(self, world: GatedWorld, index: int) -> None:
        self.world = world
        egress = world.plan.egresses[index]
        self.egress = egress
        assert isinstance(egress.mechanism, WireMechanism)
        self.wire = egress.mechanism
        self.queues: dict[int, deque[Parcel]] = defaultdict(deque)
        self.free_ps = -(1 << 60)
        self.most_octets = 0
        self.edges_ps: list[int] = []
        self.states: list[int] = []
        if egress.rules is not None and egress.rules.gates:
            self.draw_edges()

    def draw_edges(self) -> None:
        """When gates really change: each edge as early or late as the clock may be wrong."""
        assert self.egress.rules is not None
        (gates,) = self.egress.rules.gates
        world = self.world
        error_ps = world.error_ps(self.egress.node)
        start_ps = gates.base_ps % gates.cycle_ps - 2 * gates.cycle_ps
        # Gates that stay as they are have no edge: joined over the whole run.
        last_state = None
        while start_ps < 2 * world.end_ps + 2 * gates.cycle_ps:
            at_ps = start_ps
            for number, entry in enumerate(gates.entries):
                left_ps = start_ps + gates.cycle_ps - at_ps
                length_ps = min(entry.duration_ps, left_ps)
                if number == len(gates.entries) - 1:
                    length_ps = left_ps
                if length_ps <= 0:
                    break
                if entry.open_queues != last_state:
                    edge_ps = at_ps - world.drawn_error_ps(self.egress.node, error_ps)
                    if self.edges_ps:
                        edge_ps = max(edge_ps, self.edges_ps[-1])
                    self.edges_ps.append(edge_ps)
                    self.states.append(entry.open_queues)
                    last_state = entry.open_queues
                at_ps += length_ps
            start_ps += gates.cycle_ps
        for edge_ps in self.edges_ps:
            world.at(edge_ps, self.serve)

    def may_start(self, queue: int, now_ps: int, delivery_ps: int) -> bool:
        if not self.edges_ps:
            return True
        place = bisect_right(self.edges_ps, now_ps) - 1
        if not self.states[place] >> queue & 1:
            return False
        for later in range(place + 1, len(self.edges_ps)):
            if self.edges_ps[later] >= now_ps + delivery_ps:
                return True
            if not self.states[later] >> queue & 1:
                return False
        return True

    def enter(self, parcel: Parcel) -> None:
        hop = self.world.plan.streams[parcel.stream].hops[parcel.hop]
        self.queues[hop.queue_index].append(parcel)
        self.serve()
        waiting = sum(self.octets(one) for queue in self.queues.values() for one in queue)
        self.most_octets = max(self.most_octets, waiting)

    def octets(self, parcel: Parcel) -> int:
        hop = self.world.plan.streams[parcel.stream].hops[parcel.hop]
        return parcel.octets + hop.added_octets

    def serve(self) -> None:
        now_ps = self.world.now_ps
        if self.free_ps > now_ps:
            return
        for queue in sorted(self.queues, reverse=True):
            if not self.queues[queue]:
                continue
            parcel = self.queues[queue][0]
            octets = self.octets(parcel)
            delivery_ps = wire_time_ps(self.wire.lead_octets + octets, self.wire.line_bps)
            if not self.may_start(queue, now_ps, delivery_ps):
                continue
            self.queues[queue].popleft()
            tail_ps = wire_time_ps(self.wire.tail_octets, self.wire.line_bps)
            self.free_ps = now_ps + delivery_ps + tail_ps
            self.world.at(self.free_ps, self.serve)
            self.world.started(parcel, now_ps, delivery_ps)
            return


class GatedWorld:
    """Runs a plan of gated wires for some repetitions."""

    def __init__(
        self, plan: Plan, random: Random, end_ps: int, *, lose_copies: bool = False
    ) -> None:
        self.plan = plan
        self.random = random
        self.end_ps = end_ps
        self.now_ps = 0
        self.count = 0
        self.events: list[tuple[int, float, int, Callable[[], None]]] = []
        self.seen: dict[tuple[int, int], Seen] = defaultdict(Seen)
        self.passed: set[tuple[int, int, tuple[int, int]]] = set()
        self.last_ps: dict[object, int] = defaultdict(lambda: -(1 << 60))
        self.ties: dict[tuple[object, int], float] = {}
        self.clocks = {node: random.choice((-1, 0, 1, None)) for node in self.nodes()}
        self.lost_hops = self.lost(lose=lose_copies)
        self.ports = [GatedPort(self, index) for index in range(len(plan.egresses))]

    def nodes(self) -> list[str]:
        return sorted(
            {egress.node for egress in self.plan.egresses}
            | {stream.talker for stream in self.plan.streams}
        )

    def lost(self, *, lose: bool) -> set[tuple[int, int]]:
        """One way of every redundant stream, drawn."""
        return {
            (index, self.random.choice(recovery.members))
            for index, stream in enumerate(self.plan.streams)
            for recovery in stream.recoveries
            if lose
        }

    def error_ps(self, node: str) -> int:
        if self.plan.synchronisation is None:
            return 0
        return next(
            clock.error_ps for clock in self.plan.synchronisation.clocks if clock.node == node
        )

    def drawn_error_ps(self, node: str, error_ps: int) -> int:
        """Some clocks are wrong by as much as they may all the time, others by what is drawn."""
        steady = self.clocks[node]
        return self.random.randint(-error_ps, error_ps) if steady is None else steady * error_ps

    def at(self, time_ps: int, action: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (time_ps, self.random.random(), self.count, action))

    def drawn_ps(self, terms: tuple[DelayTerm, ...]) -> int:
        least_ps, most_ps = sum(one.min_ps for one in terms), sum(one.max_ps for one in terms)
        return self.random.choice((least_ps, most_ps, self.random.randint(least_ps, most_ps)))

    def in_order_ps(self, key: object, time_ps: int) -> int:
        self.last_ps[key] = max(self.last_ps[key], time_ps)
        return self.last_ps[key]

    def run(self) -> GatedWorld:
        self.release_all()
        while self.events:
            self.now_ps, _, _, action = heapq.heappop(self.events)
            action()
        return self

    def release_all(self) -> None:
        releases = []
        for index, stream in enumerate(self.plan.streams):
            emission = stream.emission
            phase_ps = emission.phase_ps
            if phase_ps is None:
                phase_ps = self.random.randrange(emission.period_ps)
            nominal_ps, number = phase_ps, 0
            while nominal_ps < self.end_ps:
                count = len(emission.messages)
                if emission.offsets_ps:
                    patterns, place = divmod(number, count)
                    nominal_ps = (
                        phase_ps + patterns * emission.period_ps + emission.offsets_ps[place]
                    )
                jitter_ps = self.random.choice(
                    (0, emission.jitter_ps, self.random.randint(0, emission.jitter_ps))
                )
                local_ps = nominal_ps + jitter_ps
                releases.append((local_ps, self.random.random(), index, number, nominal_ps))
                number += 1
                if not emission.offsets_ps:
                    nominal_ps += emission.period_ps
        for local_ps, _, index, number, nominal_ps in sorted(releases):
            stream = self.plan.streams[index]
            error_ps = self.drawn_error_ps(stream.talker, self.error_ps(stream.talker))
            # A clock does not run backwards.
            time_ps = self.in_order_ps(("clock", stream.talker), local_ps - error_ps)
            message = stream.emission.messages[number % len(stream.emission.messages)]
            release = self.releaser(index, number, nominal_ps, message)
            self.count += 1
            heapq.heappush(self.events, (time_ps, 0.5, self.count, release))

    def releaser(
        self, index: int, number: int, nominal_ps: int, message: tuple[int, ...]
    ) -> Callable[[], None]:
        def release() -> None:
            for hop_index, hop in enumerate(self.plan.streams[index].hops):
                if hop.parent_index >= 0:
                    continue
                for position, octets in enumerate(message):
                    parcel = Parcel(
                        stream=index,
                        hop=hop_index,
                        key=(number, position),
                        octets=octets,
                        nominal_ps=nominal_ps,
                    )
                    self.process(parcel, ("talker", self.plan.streams[index].talker))

        return release

    def process(self, parcel: Parcel, source: tuple[str, object]) -> None:
        """Between reception and the queue; frames from one source keep their order."""
        hop = self.plan.streams[parcel.stream].hops[parcel.hop]
        spans = tuple((one.min_ps, one.max_ps) for one in hop.before)
        key = (source, hop.egress_index, spans)
        entry_ps = self.in_order_ps(key, self.now_ps + self.drawn_ps(hop.before))
        port = self.ports[hop.egress_index]
        self.count += 1
        # At one instant, frames of one source enter one after the other.
        tie = self.ties.setdefault((source, entry_ps), self.random.random())
        heapq.heappush(self.events, (entry_ps, tie, self.count, lambda: port.enter(parcel)))

    def started(self, parcel: Parcel, start_ps: int, delivery_ps: int) -> None:
        stream = self.plan.streams[parcel.stream]
        hop = stream.hops[parcel.hop]
        egress = self.plan.egresses[hop.egress_index]
        assert isinstance(egress.mechanism, WireMechanism)
        line_bps, lead_octets = egress.mechanism.line_bps, egress.mechanism.lead_octets
        if hop.parent_index < 0:
            parcel.origin_ps = start_ps + wire_time_ps(lead_octets, line_bps)
        after_ps = self.drawn_ps(hop.after)
        spans = tuple((one.min_ps, one.max_ps) for one in hop.after)
        end_ps = self.in_order_ps(
            ("wire", hop.egress_index, spans), start_ps + delivery_ps + after_ps
        )
        self.at(end_ps, lambda: self.received(parcel))
        for index, child in enumerate(stream.hops):
            if child.parent_index == parcel.hop and child.cut_through_octets is not None:
                octets = min(child.cut_through_octets, parcel.octets + hop.added_octets)
                early_ps = start_ps + wire_time_ps(lead_octets + octets, line_bps) + after_ps
                self.at(early_ps, self.starter(parcel, index))

    def starter(self, parcel: Parcel, hop_index: int) -> Callable[[], None]:
        hop = self.plan.streams[parcel.stream].hops[parcel.hop]
        source = ("wire", hop.egress_index)

        def start() -> None:
            self.process(self.copy(parcel, hop_index), source)

        return start

    def copy(self, parcel: Parcel, hop_index: int) -> Parcel:
        return Parcel(
            stream=parcel.stream,
            hop=hop_index,
            key=parcel.key,
            octets=parcel.octets,
            nominal_ps=parcel.nominal_ps,
            origin_ps=parcel.origin_ps,
        )

    def received(self, parcel: Parcel) -> None:
        stream = self.plan.streams[parcel.stream]
        if (parcel.stream, parcel.hop) in self.lost_hops:
            return
        hop_index = parcel.hop
        for recovery in stream.recoveries:
            if hop_index in recovery.members:
                hop_index = recovery.members[0]
                mark = (parcel.stream, hop_index, parcel.key)
                if mark in self.passed:
                    return
                self.passed.add(mark)
        for listener, last in enumerate(stream.listener_hops):
            if last == hop_index:
                seen = self.seen[parcel.stream, listener]
                assert parcel.origin_ps is not None
                seen.latencies_ps.append(self.now_ps - parcel.origin_ps)
                seen.arrivals_ps.append(self.now_ps - parcel.nominal_ps)
        source = ("wire", stream.hops[parcel.hop].egress_index)
        for index, child in enumerate(stream.hops):
            if child.parent_index == hop_index and child.cut_through_octets is None:
                self.process(self.copy(parcel, index), source)

# SPDX-License-Identifier: Apache-2.0
"""The kernel against a second simulator, written to be obviously right instead of quick.

The reference keeps frames as objects with a list of what happened to them, ends every
transmission with an event, visits every opening whether anything waits or not, and
sorts events by one key that spells out the order of simultaneous ones. It knows
wires and grants without failures, fixed delays and known phases, so nothing is drawn.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import event, given, note, settings
from hypothesis import strategies as st

from emulator.simulation.run import simulate, simulate_in_slices
from netplan.media.frames import wire_time_ps
from netplan.media.interface import GrantMechanism, NoService, TermKind, WireMechanism
from netplan.plan.model import Hop, Plan, PlannedStream
from support.agreement import check_listeners
from support.small_plans import GBIT, NS, US, PlanBuilder, Step, term

DURATION_PS = 200 * US


@dataclass(slots=True)
class Frame:
    """One frame on one branch of its tree."""

    stream: int
    octets: int
    is_first: bool
    released_ps: int
    started_at_port_ps: int = 0
    need_octets: int = 0
    steps: list[list[int]] = field(default_factory=list)


@dataclass(slots=True)
class Port:
    """A transmitter."""

    queues: list[list[tuple[int, Frame]]]
    idle: bool = True
    waiting_octets: int = 0
    most_waiting_octets: int = 0
    sent: int = 0
    dropped: int = 0


class Reference:
    """Runs a plan; afterwards holds every delivery and the state of every transmitter."""

    def __init__(self, plan: Plan, end_ps: int) -> None:
        self.plan = plan
        self.end_ps = end_ps
        self.ports = [Port(queues=[[] for _ in range(e.queue_count)]) for e in plan.egresses]
        self.events: list[tuple[Any, ...]] = []
        self.counter = itertools.count()
        self.delivered: dict[tuple[int, int], list[tuple[int, Frame]]] = defaultdict(list)
        self.lost: dict[tuple[int, int], int] = defaultdict(int)
        self.trace = np.uint64(0)
        self.frame_hops = 0
        self.released = 0

    def at(self, time_ps: int, order: tuple[int, ...], action: Callable[[int], None]) -> None:
        """Let something happen; ``order`` decides between events of the same instant."""
        heapq.heappush(self.events, (time_ps, order, next(self.counter), action))

    def run(self) -> None:
        for index, stream in enumerate(self.plan.streams):
            assert stream.emission.phase_ps is not None
            self.plan_release(index, 0, stream.emission.phase_ps)
        for index, egress in enumerate(self.plan.egresses):
            if isinstance(egress.mechanism, GrantMechanism):
                self.plan_openings(index, egress.mechanism)
        while self.events and self.events[0][0] < self.end_ps:
            time_ps, _, _, action = heapq.heappop(self.events)
            action(time_ps)

    def plan_release(self, index: int, number: int, time_ps: int) -> None:
        self.at(time_ps, (2, index, 1), lambda now: self.release(index, number, now))

    def plan_openings(self, index: int, mechanism: GrantMechanism) -> None:
        assert mechanism.phase_ps is not None
        start_ps = mechanism.phase_ps % mechanism.cycle_ps - mechanism.cycle_ps
        while start_ps < self.end_ps:
            for offset_ps in mechanism.openings_ps:
                if start_ps + offset_ps >= 0:
                    self.at(start_ps + offset_ps, (3, index), lambda now: self.opening(index, now))
            start_ps += mechanism.cycle_ps

    def release(self, index: int, number: int, now_ps: int) -> None:
        stream = self.plan.streams[index]
        self.plan_release(index, number + 1, now_ps + stream.emission.period_ps)
        message = stream.emission.messages[number % len(stream.emission.messages)]
        for place, octets in enumerate(message):
            self.released += 1
            frame = Frame(stream=index, octets=octets, is_first=place == 0, released_ps=now_ps)
            self.fork(frame, -1, (2, index), now_ps)

    def fork(self, frame: Frame, parent: int, order: tuple[int, ...], now_ps: int) -> None:
        """Copy a frame to every hop that continues one; ``order`` is that of the place."""
        for position, hop in enumerate(self.plan.streams[frame.stream].hops):
            if hop.parent_index != parent:
                continue
            copy = replace(frame, steps=[list(step) for step in frame.steps])
            copy.steps.append([now_ps])
            wait_ps = sum(one.min_ps for one in hop.before)
            if wait_ps == 0:
                self.enqueue(copy, position, now_ps)
            else:
                # Received longest ago goes first, and all of them before what arrives now.
                key = (*order, 0, -wait_ps)
                self.at(now_ps + wait_ps, key, self.entering(copy, position))

    def entering(self, frame: Frame, position: int) -> Callable[[int], None]:
        return lambda now: self.enqueue(frame, position, now)

    def hop(self, frame: Frame, position: int) -> Hop:
        return self.plan.streams[frame.stream].hops[position]

    def on_hop(self, frame: Frame, position: int) -> int:
        return frame.octets + self.hop(frame, position).added_octets

    def enqueue(self, frame: Frame, position: int, now_ps: int) -> None:
        hop = self.hop(frame, position)
        egress = self.plan.egresses[hop.egress_index]
        port = self.ports[hop.egress_index]
        frame.steps[-1].append(now_ps)
        octets = self.on_hop(frame, position)
        if isinstance(egress.mechanism, WireMechanism):
            if port.idle:
                self.transmit(frame, position, now_ps)
                return
            too_large = False
        else:
            frame.need_octets = octets + egress.mechanism.overhead_octets
            quota_octets = egress.mechanism.quota_octets
            too_large = not egress.mechanism.fragments and frame.need_octets > quota_octets
            if hop.parent_index < 0:
                frame.started_at_port_ps = frame.released_ps
        limit = egress.buffer_octets
        if too_large or (limit is not None and port.waiting_octets + octets > limit):
            port.dropped += 1
            self.lose(frame, position)
            return
        port.waiting_octets += octets
        port.most_waiting_octets = max(port.most_waiting_octets, port.waiting_octets)
        port.queues[hop.queue_index].append((position, frame))

    def lose(self, frame: Frame, position: int) -> None:
        stream = self.plan.streams[frame.stream]
        for listener, end in enumerate(stream.listener_hops):
            walk = end
            while walk >= 0 and walk != position:
                walk = stream.hops[walk].parent_index
            if walk == position:
                self.lost[frame.stream, listener] += 1

    def transmit(self, frame: Frame, position: int, now_ps: int) -> None:
        hop = self.hop(frame, position)
        wire = self.plan.egresses[hop.egress_index].mechanism
        assert isinstance(wire, WireMechanism)
        port = self.ports[hop.egress_index]
        port.idle = False
        port.sent += 1
        frame.steps[-1].append(now_ps)
        if hop.parent_index < 0:
            frame.started_at_port_ps = now_ps + wire_time_ps(wire.lead_octets, wire.line_bps)
        octets = self.on_hop(frame, position)
        sent_ps = now_ps + wire_time_ps(wire.lead_octets + octets, wire.line_bps)
        busy_octets = wire.lead_octets + octets + wire.tail_octets
        free_ps = now_ps + wire_time_ps(busy_octets, wire.line_bps)
        self.at(free_ps, (0, hop.egress_index), lambda now: self.free(hop.egress_index, now))
        self.travel(frame, position, sent_ps)

    def free(self, index: int, now_ps: int) -> None:
        port = self.ports[index]
        port.idle = True
        for queue in reversed(port.queues):
            if queue:
                position, frame = queue.pop(0)
                port.waiting_octets -= self.on_hop(frame, position)
                self.transmit(frame, position, now_ps)
                return

    def opening(self, index: int, now_ps: int) -> None:
        mechanism = self.plan.egresses[index].mechanism
        assert isinstance(mechanism, GrantMechanism)
        port = self.ports[index]
        left = mechanism.quota_octets
        for queue in reversed(port.queues):
            while queue and left > 0:
                position, frame = queue[0]
                if frame.need_octets > left:
                    if mechanism.fragments:
                        frame.need_octets -= left
                    return
                left -= frame.need_octets
                queue.pop(0)
                port.waiting_octets -= self.on_hop(frame, position)
                port.sent += 1
                frame.steps[-1].append(now_ps)
                if mechanism.serial_bps > 0:
                    used = mechanism.quota_octets - left
                    sent_ps = now_ps + wire_time_ps(used, mechanism.serial_bps)
                else:
                    sent_ps = now_ps + mechanism.burst_ps
                self.travel(frame, position, sent_ps)

    def travel(self, frame: Frame, position: int, sent_ps: int) -> None:
        hop = self.hop(frame, position)
        delay_ps = sum(one.min_ps for one in hop.after)
        # Sent longest ago arrives first.
        key = (1, hop.egress_index, 1, -delay_ps)
        self.at(sent_ps + delay_ps, key, lambda now: self.arrive(frame, position, now))

    def arrive(self, frame: Frame, position: int, now_ps: int) -> None:
        self.frame_hops += 1
        stream = self.plan.streams[frame.stream]
        first_row = sum(len(one.listeners) for one in self.plan.streams[: frame.stream])
        for listener, end in enumerate(stream.listener_hops):
            if end == position:
                done = replace(frame, steps=[list(step) for step in frame.steps])
                self.delivered[frame.stream, listener].append((now_ps, done))
                self.mix(first_row + listener, frame.released_ps, now_ps)
        order = (1, self.hop(frame, position).egress_index)
        self.fork(frame, position, order, now_ps)

    def mix(self, row: int, released_ps: int, now_ps: int) -> None:
        """The fingerprint of all deliveries in their order."""
        word = int(self.trace) ^ (released_ps * 0x9E3779B97F4A7C15) % 2**64
        word = (word ^ (word >> 29) ^ now_ps) * 0xBF58476D1CE4E5B9 % 2**64
        word = (word ^ (word >> 29) ^ row) * 0x94D049BB133111EB % 2**64
        self.trace = np.uint64(word ^ (word >> 29))


# ------------------------------------------------------------------ random plans


SLOT_PS = 960 * NS
"""What a frame of 100 octets occupies at 1 Gbit/s; times in such steps meet often."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a random plan is made of: all sorts of things, or only what meets often."""

    node_counts: list[int]
    wire_share: int
    rates_bps: list[int]
    sizes: list[int]
    delays_ps: list[int]
    periods_ps: list[int]
    phases_ps: list[int]
    added_octets: list[int]


ALL_SORTS = Choices(
    node_counts=[4],
    wire_share=3,
    rates_bps=[GBIT, GBIT, GBIT // 10, 3 * GBIT],
    sizes=[64, 80, 100, 105, 200, 230],
    delays_ps=[0, 0, 400 * NS, 800 * NS, 960 * NS, 1234],
    periods_ps=[5 * US, 9600 * NS, 10 * US, 33 * US],
    phases_ps=[0, 0, 960 * NS, 10 * US, 1_234_567],
    added_octets=[0, 0, 36],
)
IN_STEP = Choices(
    node_counts=[3, 4],
    wire_share=8,
    rates_bps=[GBIT],
    sizes=[100],
    delays_ps=[0, SLOT_PS, 2 * SLOT_PS],
    periods_ps=[10 * SLOT_PS],
    phases_ps=[0, SLOT_PS, 2 * SLOT_PS],
    added_octets=[0],
)


@st.composite
def mechanisms(draw: st.DrawFn, choices: Choices) -> WireMechanism | GrantMechanism:
    """Mostly wires."""
    if draw(st.integers(0, choices.wire_share)) > 0:
        return WireMechanism(line_bps=draw(st.sampled_from(choices.rates_bps)))
    cycle_ps = draw(st.sampled_from([10 * US, 12 * US + 500 * NS]))
    openings = draw(st.sampled_from([(0,), (0, 5 * US), (2 * US, 9 * US)]))
    serial = draw(st.booleans())
    return GrantMechanism(
        cycle_ps=cycle_ps,
        openings_ps=openings,
        phase_ps=draw(st.sampled_from([0, 1 * US, 25 * US])),
        quota_octets=draw(st.sampled_from([150, 220, 300])),
        overhead_octets=draw(st.sampled_from([0, 5])),
        fragments=draw(st.booleans()),
        serial_bps=GBIT if serial else 0,
        burst_ps=0 if serial else draw(st.sampled_from([1 * US, 4 * US])),
    )


@st.composite
def routes(draw: st.DrawFn, talker: str, nodes: list[str]) -> list[Step]:
    """A tree that visits no node twice."""
    reached = {talker: -1}
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, len(nodes) - 1))):
        start = draw(st.sampled_from(sorted(reached)))
        target = draw(st.sampled_from([node for node in nodes if node not in reached]))
        steps.append(Step(egress=f"{start}.{target}", to=target, parent=reached[start]))
        reached[target] = len(steps) - 1
    return steps


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Up to eight streams over a few nodes, each connected to each other by its own transmitter."""
    choices = draw(st.sampled_from([ALL_SORTS, IN_STEP]))
    nodes = [f"n{number}" for number in range(draw(st.sampled_from(choices.node_counts)))]
    builder = PlanBuilder()
    for start, target in itertools.permutations(nodes, 2):
        mechanism = draw(mechanisms(choices))
        buffer_octets = draw(st.sampled_from([None, None, 150, 300, 1000]))
        if isinstance(mechanism, WireMechanism):
            builder.wire(
                f"{start}.{target}", line_bps=mechanism.line_bps, buffer_octets=buffer_octets
            )
        else:
            builder.grants(
                f"{start}.{target}", mechanism, NoService(because=""), buffer_octets=buffer_octets
            )
    for number in range(draw(st.integers(1, 8))):
        talker = draw(st.sampled_from(nodes))
        builder.stream(
            f"s{number}",
            draw(routes(talker, nodes)),
            messages=tuple(
                tuple(draw(st.lists(st.sampled_from(choices.sizes), min_size=1, max_size=4)))
                for _ in range(draw(st.integers(1, 2)))
            ),
            period_ps=draw(st.sampled_from(choices.periods_ps)),
            phase_ps=draw(st.sampled_from(choices.phases_ps)),
            pcp=draw(st.sampled_from([0, 5, 7])),
        )
    builder.streams = [draw(varied(stream, choices)) for stream in builder.streams]
    return builder.plan()


@st.composite
def varied(draw: st.DrawFn, stream: PlannedStream, choices: Choices) -> PlannedStream:
    """The same stream with delays, tunnels and listeners of its own at every hop."""
    delays_ps = st.sampled_from(choices.delays_ps)
    hops = tuple(
        replace(
            hop,
            added_octets=draw(st.sampled_from(choices.added_octets)),
            before=(term(TermKind.PROCESSING, draw(delays_ps)),),
            after=(term(TermKind.PROPAGATION, draw(delays_ps)),),
        )
        for hop in stream.hops
    )
    listener_hops = stream.listener_hops
    if draw(st.booleans()):  # every node on the way listens too
        listener_hops = tuple(range(len(hops)))
    return replace(
        stream,
        hops=hops,
        listener_hops=listener_hops,
        listeners=tuple(hops[position].to_node for position in listener_hops),
    )


@settings(max_examples=200)
@given(plan=plans())
def test_agrees_with_the_reference_to_the_picosecond(plan: Plan) -> None:
    reference = Reference(plan, DURATION_PS)
    reference.run()
    evidence = simulate(plan, seed=5, duration_ps=DURATION_PS)
    event(f"lost some: {any(reference.lost.values())}")

    check_listeners(plan, evidence, reference.delivered, reference.lost)
    for egress, port in zip(evidence.egresses, reference.ports, strict=True):
        note(f"transmitter {plan.egresses[egress.egress_index].name}")
        assert egress.frames == port.sent
        assert egress.dropped == port.dropped
        assert egress.max_backlog_octets == port.most_waiting_octets
    assert evidence.frame_hops == reference.frame_hops
    # Every delivery of the run, in the order in which they happened.
    assert evidence.trace_hash == f"{int(reference.trace):016x}"


@settings(max_examples=25)
@given(plan=plans(), slice_events=st.integers(1, 50))
def test_slices_change_nothing(plan: Plan, slice_events: int) -> None:
    whole = simulate(plan, seed=5, duration_ps=DURATION_PS)
    sliced = simulate_in_slices(plan, seed=5, duration_ps=DURATION_PS, slice_events=slice_events)
    assert whole == sliced

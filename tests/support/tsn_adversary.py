# SPDX-License-Identifier: Apache-2.0
"""A slow packet simulation of TSN ports, written for tests of the bound alone.

Frame by frame on a heap, wires only, with whatever a plan leaves open drawn at random: processing,
phases, offsets of gates within the clock error, which copy of a frame is lost. It shares nothing
with the analysis but the plan. Line rates must make an octet a whole number of picoseconds.

Source: IEEE Std 802.1Q-2022, 8.6.8 to 8.6.11, IEEE Std 802.3-2022, clause 99.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from netplan.media.interface import DelayTerm, WireMechanism
from netplan.plan.model import Egress, Hop, Plan
from netplan.tsn.mechanisms import GateOperation, PortRules, QueueRule, Selection

FOREVER = 1 << 62
PS_PER_S = 10**12


@dataclass(eq=False, slots=True, kw_only=True)
class Frame:
    """A frame at one hop."""

    stream: int
    number: int
    hop: int
    octets: int
    after_ps: int = 0
    eligible_ps: int = 0


@dataclass(eq=False, slots=True, kw_only=True)
class Sending:
    """A frame on a wire; a preempted one keeps what is left of it."""

    frame: Frame
    queue: int
    left_octets: int
    start_ps: int = 0
    piece_octets: int = 0
    cut: bool = False
    serial: int = 0


@dataclass(slots=True)
class Port:
    """State of one egress."""

    egress: Egress
    rules: PortRules
    clock: list[tuple[int, int]]
    octet_ps: int
    queues: list[deque[Frame]] = field(default_factory=list)
    credit: dict[int, int] = field(default_factory=dict)
    credit_at_ps: int = 0
    sending: Sending | None = None
    tail_until_ps: int = 0
    suspended: Sending | None = None
    deficit: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    turn: int = 0
    in_turn: bool = False
    serial: int = 0
    most_octets: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    most_together_octets: int = 0

    @property
    def mechanism(self) -> WireMechanism:
        assert isinstance(self.egress.mechanism, WireMechanism)
        return self.egress.mechanism

    def preemptable(self, queue: int) -> bool:
        return self.rules.fragment_octets is not None and not self.rules.queues[queue].express

    def held_octets(self, queue: int) -> int:
        """Octets in a queue; a frame that may be interrupted is there until it has left."""
        octets = sum(one.octets for one in self.queues[queue])
        for one in (self.sending, self.suspended):
            if one is not None and one.queue == queue and self.preemptable(queue):
                octets += one.frame.octets
        return octets

    def entry_at(self, time_ps: int, now_ps: int | None = None) -> tuple[int, bool, int]:
        """Open queues, whether a hold is on, and the next edge (a change of either).

        The clock is set anew at times that the port does not know in advance: ``now_ps`` says as
        of when it looks ahead.
        """
        if not self.rules.gates:
            return -1, False, FOREVER
        seen_ps = time_ps if now_ps is None else now_ps
        shift_ps = [shift for from_ps, shift in self.clock if from_ps <= seen_ps][-1]
        local_ps = time_ps + shift_ps
        gates = self.rules.gates[0]
        for later in self.rules.gates[1:]:
            if local_ps >= later.base_ps:
                gates = later
        change_ps = min(
            (g.base_ps for g in self.rules.gates[1:] if g.base_ps > local_ps), default=FOREVER
        )
        offset_ps = (local_ps - gates.base_ps) % gates.cycle_ps
        start_ps = 0
        edges = [change_ps - shift_ps]
        if now_ps is None:
            edges += [from_ps for from_ps, _ in self.clock if from_ps > time_ps]
        open_queues = 0
        hold = False
        spans = []
        for index, entry in enumerate(gates.entries):
            end_ps = start_ps + entry.duration_ps
            if index == len(gates.entries) - 1:
                end_ps = max(end_ps, gates.cycle_ps)
            spans.append((start_ps, min(end_ps, gates.cycle_ps), entry))
            start_ps = end_ps
        for start_ps, end_ps, entry in spans:
            if start_ps <= offset_ps < end_ps:
                open_queues = entry.open_queues
                edges.append(time_ps + end_ps - offset_ps)
        # A hold begins in advance and lasts until the first release behind its entry.
        advance_ps = self.rules.hold_advance_ps
        around = [
            (start_ps + shift, entry.operation)
            for shift in (-gates.cycle_ps, 0, gates.cycle_ps, 2 * gates.cycle_ps)
            for start_ps, _, entry in spans
        ]
        releases = [at_ps for at_ps, operation in around if operation is GateOperation.RELEASE]
        for at_ps, operation in around:
            if operation is not GateOperation.HOLD:
                continue
            until_ps = min((one for one in releases if one > at_ps), default=FOREVER)
            hold = hold or at_ps - advance_ps <= offset_ps < until_ps
            marks = (at_ps - advance_ps, until_ps)
            edges += [time_ps + mark - offset_ps for mark in marks if mark > offset_ps]
        return open_queues, hold, min(edges)

    def closing_ps(self, queue: int, time_ps: int) -> int:
        """Next closing of a gate that is open."""
        at_ps = time_ps
        for _ in range(200):
            open_queues, _, edge_ps = self.entry_at(at_ps, time_ps)
            if not open_queues >> queue & 1:
                return at_ps
            if edge_ps >= FOREVER // 2:
                return FOREVER
            at_ps = edge_ps
        return FOREVER


class TsnAdversary:
    """Runs a plan of wires with the rules of its ports."""

    def __init__(self, plan: Plan, random: Random, *, loss: float = 0.0) -> None:
        self.plan, self.random, self.loss = plan, random, loss
        self.events: list[tuple[int, float, int, Callable[[], None]]] = []
        self.now_ps = self.count = 0
        self.ports = [self.port_of(egress) for egress in plan.egresses]
        self.latest_ps: dict[object, int] = defaultdict(int)
        self.ties: dict[object, float] = {}
        self.numbers: dict[int, int] = defaultdict(int)
        self.left_ps: dict[tuple[int, int], int] = {}
        self.seen: set[tuple[int, int, int]] = set()
        self.most_ps: dict[tuple[int, int], int] = {}
        self.least_ps: dict[tuple[int, int], int] = {}
        self.buckets: dict[tuple[str, str], int] = {}
        self.group_ps: dict[tuple[str, str], int] = defaultdict(int)
        self.dropped: set[int] = set()
        self.last_wake: dict[int, int] = {}

    def port_of(self, egress: Egress) -> Port:
        mechanism = egress.mechanism
        assert isinstance(mechanism, WireMechanism)
        octet_ps, rest = divmod(8 * PS_PER_S, mechanism.line_bps)
        assert not rest
        rules = egress.rules or PortRules(
            queues=tuple(QueueRule() for _ in range(egress.queue_count))
        )
        error_ps = 0
        if self.plan.synchronisation is not None:
            for clock in self.plan.synchronisation.clocks:
                error_ps = clock.error_ps if clock.node == egress.node else error_ps
        port = Port(
            egress=egress,
            rules=rules,
            clock=self.clock(error_ps),
            octet_ps=octet_ps,
        )
        port.queues = [deque() for _ in range(egress.queue_count)]
        return port

    def clock(self, error_ps: int) -> list[tuple[int, int]]:
        """By how much a clock is early, from each of some times on."""
        steps = self.random.choice([0, 3, 20]) if error_ps else 0
        times = sorted(self.random.randrange(6 * 10**9) for _ in range(steps))
        return [
            (from_ps, self.random.choice([-error_ps, 0, error_ps]))
            for from_ps in [-FOREVER, *times]
        ]

    def at(self, time_ps: int, action: Callable[[], None], tie: float | None = None) -> None:
        self.count += 1
        key = self.random.random() if tie is None else tie
        heapq.heappush(self.events, (time_ps, key, self.count, action))

    def run(self, until_ps: int = 25 * 10**9) -> None:
        """Play all events; frames that wait for ever are left waiting."""
        while self.events and self.now_ps < until_ps:
            self.now_ps, _, _, action = heapq.heappop(self.events)
            action()

    def drawn_ps(self, terms: tuple[DelayTerm, ...]) -> int:
        choice = self.random.randrange(3)
        if choice < 2:
            return sum(term.max_ps if choice else term.min_ps for term in terms)
        return sum(self.random.randint(term.min_ps, term.max_ps) for term in terms)

    def in_order_ps(self, key: object, time_ps: int) -> int:
        self.latest_ps[key] = max(self.latest_ps[key], time_ps)
        return self.latest_ps[key]

    def hop(self, frame: Frame) -> Hop:
        return self.plan.streams[frame.stream].hops[frame.hop]

    def release(self, stream_index: int, message: tuple[int, ...]) -> None:
        """Hand the frames of a message to the talker's queues, now."""
        stream = self.plan.streams[stream_index]
        for octets in message:
            number = self.numbers[stream_index]
            self.numbers[stream_index] += 1
            for hop_index, hop in enumerate(stream.hops):
                if hop.parent_index < 0:
                    frame = Frame(
                        stream=stream_index,
                        number=number,
                        hop=hop_index,
                        octets=octets + hop.added_octets,
                    )
                    time_ps = self.now_ps + self.drawn_ps(hop.before)
                    key = ("talker", stream_index, hop_index)
                    self.enter_later(frame, self.in_order_ps(key, time_ps), key)

    def enter_later(self, frame: Frame, time_ps: int, source: object) -> None:
        tie = self.ties.setdefault((source, time_ps), self.random.random())
        self.at(time_ps, lambda: self.enter(frame), tie)

    def enter(self, frame: Frame) -> None:
        hop = self.hop(frame)
        port = self.ports[hop.egress_index]
        rule = port.rules.queues[hop.queue_index]
        if rule.largest_frame_octets is not None and frame.octets > rule.largest_frame_octets:
            return
        frame.eligible_ps = self.now_ps
        if rule.selection is Selection.ASYNCHRONOUS and not self.become_eligible(frame, hop):
            return
        self.settle_credit(port)
        queue = port.queues[hop.queue_index]
        queue.append(frame)
        if rule.selection is Selection.ASYNCHRONOUS:
            ordered = sorted(queue, key=lambda one: one.eligible_ps)
            queue.clear()
            queue.extend(ordered)
        octets = port.held_octets(hop.queue_index)
        port.most_octets[hop.queue_index] = max(port.most_octets[hop.queue_index], octets)
        together = sum(port.held_octets(one) for one in range(len(port.queues)))
        port.most_together_octets = max(port.most_together_octets, together)
        self.kick(hop.egress_index)

    def become_eligible(self, frame: Frame, hop: Hop) -> bool:
        """Give an eligibility time; whether the frame may wait so long (802.1Q, 8.6.11.3)."""
        if hop.parent_index < 0:
            return True
        before = self.plan.streams[frame.stream].hops[hop.parent_index]
        if before.reception is None or before.reception.scheduler is None:
            return True
        scheduler = before.reception.scheduler
        wire = self.ports[before.egress_index].mechanism
        octets = frame.octets - hop.added_octets + before.added_octets
        octets += wire.lead_octets + wire.tail_octets
        rate = scheduler.committed_bps
        empty_to_full = scheduler.committed_burst_octets * 8 * PS_PER_S  # in ps * bit/s
        key, group = (hop.from_node, scheduler.name), (hop.from_node, scheduler.group)
        empty = self.buckets.get(key, -(10**6) * empty_to_full)
        by_tokens = empty + octets * 8 * PS_PER_S
        eligible_ps = max(self.now_ps, self.group_ps[group], -(-by_tokens // rate))
        if eligible_ps > self.now_ps + scheduler.max_residence_ps:
            self.dropped.add(frame.stream)
            return False
        frame.eligible_ps = self.group_ps[group] = eligible_ps
        full = empty + empty_to_full
        late = eligible_ps * rate - full
        self.buckets[key] = by_tokens if late < 0 else by_tokens + late
        return True

    def settle_credit(self, port: Port) -> None:
        """Bring credits up to now; nothing else has changed since they were."""
        elapsed_ps = self.now_ps - port.credit_at_ps
        open_queues, _, _ = port.entry_at(port.credit_at_ps)
        for queue, rule in enumerate(port.rules.queues):
            if rule.selection is not Selection.CREDIT:
                continue
            credit = port.credit.get(queue, 0)
            on_wire = port.sending is not None and port.sending.queue == queue
            stopped = port.suspended is not None and port.suspended.queue == queue
            waits = bool(port.queues[queue])
            if open_queues >> queue & 1 and not (stopped and not on_wire):
                if on_wire:
                    credit -= (port.mechanism.line_bps - rule.idle_slope_bps) * elapsed_ps
                elif waits:
                    credit += rule.idle_slope_bps * elapsed_ps
                else:
                    credit = min(0, credit + rule.idle_slope_bps * elapsed_ps)
            if credit > 0 and not waits and not on_wire:
                credit = 0
            port.credit[queue] = credit
        port.credit_at_ps = self.now_ps

    def may_start(self, port: Port, queue: int, open_queues: int, *, hold: bool) -> bool:
        rule = port.rules.queues[queue]
        if not port.queues[queue] or not open_queues >> queue & 1:
            return False
        frame = port.queues[queue][0]
        if frame.eligible_ps > self.now_ps:
            return False
        if rule.selection is Selection.CREDIT and port.credit.get(queue, 0) < 0:
            return False
        if port.preemptable(queue) and (hold or port.suspended is not None):
            return False
        ends_ps = self.now_ps + (port.mechanism.lead_octets + frame.octets) * port.octet_ps
        return ends_ps <= port.closing_ps(queue, self.now_ps)

    def kick(self, index: int) -> None:
        """Do whatever a port can do now, and come back when more may be possible."""
        port = self.ports[index]
        self.settle_credit(port)
        open_queues, hold, edge_ps = port.entry_at(self.now_ps)
        ready = [
            queue
            for queue in range(len(port.queues))
            if self.may_start(port, queue, open_queues, hold=hold)
        ]
        if port.sending is not None:
            express = [queue for queue in ready if not port.preemptable(queue)]
            if port.preemptable(port.sending.queue) and (express or hold):
                self.cut(index, port, port.sending)
        elif self.now_ps >= port.tail_until_ps:
            express = [queue for queue in ready if not port.preemptable(queue)]
            if port.suspended is not None and not express:
                if not hold:
                    sending, port.suspended = port.suspended, None
                    self.start(index, port, sending)
            elif ready:
                chosen = max(express if port.suspended is not None else ready)
                if port.rules.queues[chosen].selection is Selection.ROUND_ROBIN:
                    chosen = self.turn(port, ready)
                frame = port.queues[chosen].popleft()
                self.start(
                    index, port, Sending(frame=frame, queue=chosen, left_octets=frame.octets)
                )
        self.wake(index, port, edge_ps)

    def wake(self, index: int, port: Port, edge_ps: int) -> None:
        """Come back at the next edge, eligibility or credit of 0, if anything waits or is owed."""
        waits = any(port.queues) or port.suspended is not None
        owed = any(credit < 0 for credit in port.credit.values()) or port.sending is not None
        if not waits and not owed:
            return
        times = [edge_ps]
        for queue, frames in enumerate(port.queues):
            if not frames:
                continue
            if frames[0].eligible_ps > self.now_ps:
                times.append(frames[0].eligible_ps)
            credit = port.credit.get(queue, 0)
            if credit < 0:
                times.append(self.now_ps - credit // port.rules.queues[queue].idle_slope_bps)
        time_ps = min(times)
        if time_ps < FOREVER // 2 and self.last_wake.get(index) != time_ps:
            self.last_wake[index] = time_ps
            # Edges take effect before frames that come at the same instant, or after.
            self.at(max(time_ps, self.now_ps + 1), lambda: self.kick(index))

    def turn(self, port: Port, ready: list[int]) -> int:
        """Deficit round robin among the queues that may start."""
        group = [
            queue
            for queue, rule in enumerate(port.rules.queues)
            if rule.selection is Selection.ROUND_ROBIN
        ]
        while True:
            queue = group[port.turn % len(group)]
            if queue in ready:
                if not port.in_turn:
                    port.deficit[queue] += port.rules.queues[queue].quantum_octets
                    port.in_turn = True
                octets = port.queues[queue][0].octets
                if octets <= port.deficit[queue]:
                    port.deficit[queue] -= octets
                    return queue
            if not port.queues[queue]:
                port.deficit[queue] = 0
            port.turn += 1
            port.in_turn = False

    def start(self, index: int, port: Port, sending: Sending) -> None:
        """Put a frame, or the rest of one, on the wire."""
        hop = self.hop(sending.frame)
        frame = sending.frame
        lead_ps = port.mechanism.lead_octets * port.octet_ps
        port.serial += 1
        sending.serial, sending.start_ps, sending.cut = port.serial, self.now_ps, False
        first = sending.left_octets == frame.octets
        if first:
            frame.after_ps = self.drawn_ps(hop.after)
            if hop.parent_index < 0:
                key = (frame.stream, frame.number)
                self.left_ps[key] = min(self.left_ps.get(key, FOREVER), self.now_ps + lead_ps)
            self.go_ahead(port, frame, lead_ps)
        sending.piece_octets = sending.left_octets
        port.sending = sending
        serial = port.serial
        ends_ps = self.now_ps + lead_ps + sending.left_octets * port.octet_ps
        self.at(ends_ps, lambda: self.finish(index, serial))

    def go_ahead(self, port: Port, frame: Frame, lead_ps: int) -> None:
        """Let nodes behind begin with a frame that they cut through."""
        stream = self.plan.streams[frame.stream]
        for child_index, child in enumerate(stream.hops):
            if child.parent_index == frame.hop and child.cut_through_octets is not None:
                octets = min(child.cut_through_octets, frame.octets)
                time_ps = self.now_ps + lead_ps + octets * port.octet_ps + frame.after_ps
                self.forward(frame, child_index, child, time_ps)

    def cut(self, index: int, port: Port, sending: Sending) -> None:
        """Interrupt a preemptable frame as soon as it may be."""
        fragment = port.rules.fragment_octets
        assert fragment is not None
        if sending.cut:
            return
        passed_ps = self.now_ps - sending.start_ps - port.mechanism.lead_octets * port.octet_ps
        sent = max(-(-passed_ps // port.octet_ps), fragment - 4)
        if sending.left_octets - sent < 64:
            return
        sending.cut = True
        port.serial += 1
        sending.serial, sending.piece_octets = port.serial, sent
        octets = port.mechanism.lead_octets + sent + 4
        serial = port.serial
        self.at(sending.start_ps + octets * port.octet_ps, lambda: self.finish(index, serial))

    def finish(self, index: int, serial: int) -> None:
        """The last octet of a frame or fragment has left; the tail follows."""
        port = self.ports[index]
        sending = port.sending
        if sending is None or sending.serial != serial:
            return
        tail_ps = port.mechanism.tail_octets * port.octet_ps
        port.tail_until_ps = self.now_ps + tail_ps
        if sending.cut:
            sending.left_octets -= sending.piece_octets
        else:
            frame = sending.frame
            key = ("after", index)
            time_ps = self.in_order_ps(key, self.now_ps + frame.after_ps)
            self.at(time_ps, lambda: self.receive(frame))
        port.serial += 1
        sending.serial = port.serial
        after = port.serial
        self.at(port.tail_until_ps, lambda: self.idle(index, after))

    def idle(self, index: int, serial: int) -> None:
        port = self.ports[index]
        sending = port.sending
        assert sending is not None
        assert sending.serial == serial
        self.settle_credit(port)
        port.sending = None
        if sending.cut:
            port.suspended = sending
        self.settle_credit(port)
        self.kick(index)

    def receive(self, frame: Frame) -> None:
        stream = self.plan.streams[frame.stream]
        if self.random.random() < self.loss:
            return
        passed_as = frame.hop
        for recovery in stream.recoveries:
            if frame.hop in recovery.members:
                key = (frame.stream, recovery.members[0], frame.number)
                if key in self.seen:
                    return
                self.seen.add(key)
                passed_as = recovery.members[0]
        latency_ps = self.now_ps - self.left_ps[frame.stream, frame.number]
        for listener_index, end in enumerate(stream.listener_hops):
            if end == passed_as:
                row = (frame.stream, listener_index)
                self.most_ps[row] = max(self.most_ps.get(row, 0), latency_ps)
                self.least_ps[row] = min(self.least_ps.get(row, latency_ps), latency_ps)
        for child_index, child in enumerate(stream.hops):
            if child.parent_index == passed_as and child.cut_through_octets is None:
                self.forward(frame, child_index, child, self.now_ps)

    def forward(self, frame: Frame, child_index: int, child: Hop, time_ps: int) -> None:
        hop = self.hop(frame)
        copy = replace(
            frame, hop=child_index, octets=frame.octets - hop.added_octets + child.added_octets
        )
        entry_ps = time_ps + self.drawn_ps(child.before)
        key = ("before", hop.egress_index, child.egress_index)
        self.enter_later(copy, self.in_order_ps(key, entry_ps), key)


def release_all(plan: Plan, random: Random, simulator: TsnAdversary) -> None:
    """Conforming releases, mostly such that streams meet."""
    meet_ps = random.randrange(2000, 3000) * 10**6
    for index, stream in enumerate(plan.streams):
        emission = stream.emission
        start_ps = random.randrange(emission.period_ps)
        if random.random() < 0.7:
            start_ps = meet_ps % emission.period_ps - emission.jitter_ps
            start_ps += random.choice([0, 0, 1, -1]) * random.randrange(1, 60 * 10**6)
            start_ps %= emission.period_ps
        if emission.phase_ps is not None:
            start_ps = emission.phase_ps
        messages, offsets_ps = emission.messages, emission.offsets_ps
        compress = random.random() < 0.6
        slip = 0 if offsets_ps else random.randrange(len(messages))
        for count in range(random.randrange(1, 3 + 6 * len(offsets_ps or (0,)))):
            nominal_ps = start_ps + count * emission.period_ps
            if offsets_ps:
                patterns, place = divmod(count, len(offsets_ps))
                nominal_ps = start_ps + patterns * emission.period_ps + offsets_ps[place]
            delay_ps = random.randint(0, emission.jitter_ps)
            if compress:
                delay_ps = emission.jitter_ps if count == 0 else 0
            message = messages[(count + slip) % len(messages)]
            simulator.at(
                nominal_ps + delay_ps,
                lambda i=index, m=message: simulator.release(i, m),  # type: ignore[misc]  # defaults bind them now
            )

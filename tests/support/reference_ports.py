# SPDX-License-Identifier: Apache-2.0
"""A second simulator of ports with rules, written to be obviously right instead of quick.

Every entry of every gate list is an event and so is every octet of a preemptable frame;
credit is a fraction of bits that is brought up to date at each event, gates are a list of states
that is walked through to find the next closing. It knows wires only, with fixed delays,
known phases and ideal clocks, so nothing is drawn.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from netplan.media.frames import PS_PER_S, wire_time_ps
from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Hop, Plan
from netplan.tsn.mechanisms import (
    AtsScheduler,
    GateOperation,
    PortRules,
    QueueRule,
    Selection,
)


@dataclass(slots=True, eq=False)
class Frame:
    """One frame on one branch of its tree."""

    stream: int
    octets: int
    is_first: bool
    released_ps: int
    started_at_port_ps: int = 0
    eligible_ps: int | None = None
    steps: list[list[int]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Queue:
    """One queue of a port."""

    rule: QueueRule
    waiting: list[tuple[int, Frame]] = field(default_factory=list)
    most_octets: int = 0
    credit_bits: Fraction = Fraction(0)
    is_in_use: bool = False  # its frame is on the wire (tail too) or interrupted
    deficit: int = 0
    has_turn: bool = False


def gate_changes(
    rules: PortRules, from_ps: int, until_ps: int
) -> list[tuple[int, int, GateOperation]]:
    """Time, open queues and operation of every entry that is executed, as the standard's machines do.

    At each start of a cycle the next start is worked out: the next list's when that comes within
    a cycle and its extension, otherwise one cycle later.
    """
    lists = rules.gates
    position = 0
    start_ps = lists[0].base_ps
    if len(lists) > 1:
        start_ps = min(start_ps, lists[1].base_ps)
    start_ps = min(start_ps, from_ps)
    # Start of some cycle of the first list, long before anything happens.
    start_ps -= (start_ps - lists[0].base_ps) % lists[0].cycle_ps
    changes: list[tuple[int, int, GateOperation]] = []
    while start_ps <= until_ps:
        now = lists[position]
        next_ps = start_ps + now.cycle_ps
        is_change = False
        if position + 1 < len(lists):
            change_ps = lists[position + 1].base_ps
            if change_ps <= start_ps + now.cycle_ps + now.extension_ps:
                next_ps = change_ps
                is_change = True
        at_ps = start_ps
        for entry in now.entries:
            if at_ps < next_ps:
                changes.append((at_ps, entry.open_queues, entry.operation))
            at_ps += entry.duration_ps
        start_ps = next_ps
        position += int(is_change)
    return changes


class Port:
    """A transmitter."""

    def __init__(self, egress: Egress, from_ps: int, until_ps: int) -> None:
        wire = egress.mechanism
        assert isinstance(wire, WireMechanism)
        self.wire = wire
        self.egress = egress
        self.rules = egress.rules or PortRules(queues=(QueueRule(),) * egress.queue_count)
        self.queues = [Queue(rule=rule) for rule in self.rules.queues]
        self.changes = gate_changes(self.rules, from_ps, until_ps) if self.rules.gates else []
        self.change_times = [change_ps for change_ps, _, _ in self.changes]
        self.holds: list[tuple[int, int]] = []
        if self.preempts:
            for time_ps, _, operation in self.changes:
                if operation is GateOperation.HOLD:
                    releases = [
                        later
                        for later, _, other in self.changes
                        if later > time_ps and other is GateOperation.RELEASE
                    ]
                    end_ps = min(releases, default=2 * until_ps + 10**12)
                    self.holds.append((time_ps - self.rules.hold_advance_ps, end_ps))
        self.busy_until_ps = 0
        self.sending: tuple[int, Frame] | None = None  # a preemptable frame, maybe interrupted
        self.sending_queue: Queue | None = None
        self.is_interrupted = False
        self.fragment_from_ps = 0
        self.fragment_octets = 0
        self.octet_ends: dict[int, int] = {}
        self.on_wire: Queue | None = None
        self.credited_ps = 0
        self.round: list[Queue] = []
        self.sent = 0
        self.dropped = 0
        self.most_octets = 0
        self.occupied: list[tuple[int, int]] = []

    @property
    def preempts(self) -> bool:
        return self.rules.fragment_octets is not None

    def time_ps(self, octets: int) -> int:
        return wire_time_ps(octets, self.wire.line_bps)

    def is_express(self, queue: Queue) -> bool:
        return queue.rule.express or not self.preempts

    def open_queues(self, time_ps: int) -> int:
        if not self.changes:
            return -1
        return self.changes[bisect_right(self.change_times, time_ps) - 1][1]

    def is_open(self, queue: Queue, time_ps: int) -> bool:
        return bool(self.open_queues(time_ps) >> self.queues.index(queue) & 1)

    def closing_ps(self, queue: Queue, time_ps: int) -> int | None:
        number = self.queues.index(queue)
        for change_ps, open_queues, _ in self.changes[bisect_right(self.change_times, time_ps) :]:
            if not open_queues >> number & 1:
                return change_ps
        return None

    def is_held(self, time_ps: int) -> bool:
        return any(begin <= time_ps < end for begin, end in self.holds)

    @property
    def waiting_octets(self) -> int:
        return sum(frame.octets for queue in self.queues for _, frame in queue.waiting)


class Reference:
    """Runs a plan; afterwards holds every delivery and the state of every transmitter.

    ``frame.octets`` are those at the transmitter that the frame is at.
    """

    def __init__(self, plan: Plan, end_ps: int) -> None:
        self.plan = plan
        self.end_ps = end_ps
        self.ports = [Port(egress, -50_000_000, end_ps + 50_000_000) for egress in plan.egresses]
        self.events: list[tuple[Any, ...]] = []
        self.counter = itertools.count()
        self.delivered: dict[tuple[int, int], list[tuple[int, Frame]]] = defaultdict(list)
        self.lost: dict[tuple[int, int], int] = defaultdict(int)
        self.buckets: dict[tuple[str, str], Fraction] = {}
        self.groups: dict[tuple[str, str], int] = defaultdict(int)
        self.trace = 0
        self.frame_hops = 0
        self.interruptions = 0

    def at(self, time_ps: int, order: tuple[int, ...], action: Callable[[int], None]) -> None:
        """Let something happen; ``order`` decides between events of the same instant."""
        heapq.heappush(self.events, (time_ps, order, next(self.counter), action))

    def look(self, port: Port, time_ps: int) -> None:
        """Look at a port at a time."""
        self.at(time_ps, (0, self.ports.index(port)), lambda now: self.evaluate(port, now))

    def run(self) -> None:
        for index, stream in enumerate(self.plan.streams):
            assert stream.emission.phase_ps is not None
            self.plan_release(index, 0, stream.emission.phase_ps)
        for port in self.ports:
            times = {change_ps for change_ps, _, _ in port.changes}
            times |= {time_ps for hold in port.holds for time_ps in hold}
            for time_ps in times:
                if 0 <= time_ps < self.end_ps:
                    self.look(port, time_ps)
        while self.events and self.events[0][0] < self.end_ps:
            time_ps, _, _, action = heapq.heappop(self.events)
            action(time_ps)

    def plan_release(self, index: int, number: int, time_ps: int) -> None:
        self.at(time_ps, (2, index, 1), lambda now: self.release(index, number, now))

    def release(self, index: int, number: int, now_ps: int) -> None:
        stream = self.plan.streams[index]
        self.plan_release(index, number + 1, now_ps + stream.emission.period_ps)
        message = stream.emission.messages[number % len(stream.emission.messages)]
        for place, octets in enumerate(message):
            frame = Frame(stream=index, octets=octets, is_first=place == 0, released_ps=now_ps)
            for position, hop in enumerate(stream.hops):
                if hop.parent_index < 0:
                    self.set_out(frame, position, (2, index), now_ps)

    def size(self, stream: int, frame: Frame, hop: Hop) -> int:
        """Octets of a frame on another hop than the one that it is on."""
        here = self.plan.streams[stream].hops[self.position_of(frame)] if frame.steps else None
        return frame.octets - (0 if here is None else here.added_octets) + hop.added_octets

    def position_of(self, frame: Frame) -> int:
        return frame.steps[-1][-1]

    def set_out(self, frame: Frame, position: int, order: tuple[int, ...], now_ps: int) -> None:
        """Copy a frame to a hop; ``order`` is that of the place that it comes from."""
        hop = self.plan.streams[frame.stream].hops[position]
        octets = self.size(frame.stream, frame, hop)
        copy = replace(frame, steps=[list(step) for step in frame.steps], octets=octets)
        if copy.steps:
            copy.steps[-1].pop()
        copy.steps.append([now_ps, position])
        wait_ps = sum(one.min_ps for one in hop.before)
        if wait_ps == 0:
            self.enqueue(copy, position, now_ps)
        else:
            key = (*order, 0, -wait_ps)
            self.at(now_ps + wait_ps, key, lambda now: self.enqueue(copy, position, now))

    def note(self, frame: Frame, time_ps: int) -> None:
        frame.steps[-1].insert(-1, time_ps)

    def lose(self, frame: Frame, position: int) -> None:
        stream = self.plan.streams[frame.stream]
        for listener, end in enumerate(stream.listener_hops):
            walk = end
            while walk >= 0 and walk != position:
                walk = stream.hops[walk].parent_index
            if walk == position:
                self.lost[frame.stream, listener] += 1

    # ------------------------------------------------------------ queues

    def enqueue(self, frame: Frame, position: int, now_ps: int) -> None:
        hop = self.plan.streams[frame.stream].hops[position]
        port = self.ports[hop.egress_index]
        queue = port.queues[hop.queue_index]
        self.credit(port, now_ps)
        self.note(frame, now_ps)
        limit = queue.rule.largest_frame_octets
        if limit is not None and frame.octets > limit:
            port.dropped += 1
            self.lose(frame, position)
            return
        has_scheduler = hop.parent_index >= 0 and self.scheduler(frame, hop.parent_index)
        if not has_scheduler:
            frame.eligible_ps = frame.steps[-1][0]
        else:
            assert frame.eligible_ps is not None
            frame.eligible_ps += sum(one.max_ps for one in hop.before)
        entry = (position, frame)
        place = len(queue.waiting)
        if queue.rule.selection is Selection.ASYNCHRONOUS:
            while place > 0 and self.eligible(queue.waiting[place - 1]) > self.eligible(entry):
                place -= 1
        queue.waiting.insert(place, entry)
        joins = queue.rule.selection is Selection.ROUND_ROBIN and queue not in port.round
        if joins:
            port.round.append(queue)
        room = port.egress.buffer_octets
        if room is not None and port.waiting_octets > room:
            # Only a frame that starts at once needs no room.
            is_free = port.busy_until_ps <= now_ps and (port.sending is None or port.is_interrupted)
            if not (is_free and place == 0 and self.is_available(port, queue, now_ps)):
                queue.waiting.remove(entry)
                if joins:
                    port.round.remove(queue)
                port.dropped += 1
                self.lose(frame, position)
                return
        self.evaluate(port, now_ps)
        queue.most_octets = max(queue.most_octets, sum(one.octets for _, one in queue.waiting))
        port.most_octets = max(port.most_octets, port.waiting_octets)

    def eligible(self, entry: tuple[int, Frame]) -> int:
        assert entry[1].eligible_ps is not None
        return entry[1].eligible_ps

    def credit(self, port: Port, now_ps: int) -> None:
        """Bring all credits up to now; nothing has changed since the last time."""
        passed_ps = now_ps - port.credited_ps
        from_ps, port.credited_ps = port.credited_ps, now_ps
        for queue in port.queues:
            if queue.rule.selection is not Selection.CREDIT:
                continue
            slope = queue.rule.idle_slope_bps
            if port.on_wire is queue:
                lost_bps = port.wire.line_bps - slope
                queue.credit_bits -= Fraction(lost_bps * passed_ps, PS_PER_S)
            elif (
                not queue.is_in_use
                and (queue.waiting or queue.credit_bits < 0)
                and port.is_open(queue, from_ps)
            ):
                queue.credit_bits += Fraction(slope * passed_ps, PS_PER_S)
                if not queue.waiting:
                    queue.credit_bits = min(queue.credit_bits, Fraction(0))
        if port.on_wire is not None and port.busy_until_ps <= now_ps:
            if port.on_wire is not port.sending_queue:
                port.on_wire.is_in_use = False
            port.on_wire = None
        for queue in port.queues:
            if not queue.is_in_use and not queue.waiting and queue.credit_bits > 0:
                queue.credit_bits = Fraction(0)

    def is_available(self, port: Port, queue: Queue, now_ps: int) -> bool:
        """Whether the head of a queue could start now, were the wire free."""
        if not queue.waiting:
            return False
        if not port.is_express(queue) and (port.sending is not None or port.is_held(now_ps)):
            return False
        if queue.rule.selection is Selection.CREDIT and queue.credit_bits < 0:
            return False
        entry = queue.waiting[0]
        if queue.rule.selection is Selection.ASYNCHRONOUS and self.eligible(entry) > now_ps:
            return False
        if not port.is_open(queue, now_ps):
            return False
        closing_ps = port.closing_ps(queue, now_ps)
        left_ps = now_ps + port.time_ps(port.wire.lead_octets + entry[1].octets)
        return closing_ps is None or left_ps <= closing_ps

    # ------------------------------------------------------------ the wire

    def evaluate(self, port: Port, now_ps: int) -> None:
        """See what a port may do now."""
        self.credit(port, now_ps)
        if port.sending is not None and not port.is_interrupted:
            self.maybe_interrupt(port, now_ps)
        if port.busy_until_ps <= now_ps and (port.sending is None or port.is_interrupted):
            self.select(port, now_ps)
        for queue in port.queues:
            if not queue.waiting:
                continue
            eligible_ps = self.eligible(queue.waiting[0])
            if queue.rule.selection is Selection.ASYNCHRONOUS and eligible_ps > now_ps:
                self.look(port, eligible_ps)
            owed_bits = -queue.credit_bits
            if owed_bits > 0 and not queue.is_in_use and port.is_open(queue, now_ps):
                wait_ps = owed_bits * PS_PER_S / queue.rule.idle_slope_bps
                self.look(port, now_ps + -(-wait_ps.numerator // wait_ps.denominator))

    def maybe_interrupt(self, port: Port, now_ps: int) -> None:
        assert port.sending is not None
        least = port.rules.fragment_octets
        assert least is not None
        octets = port.octet_ends.get(now_ps, 0)
        if not least - 4 <= octets <= port.fragment_octets - 64:
            return
        wanted = port.is_held(now_ps) or any(
            port.is_express(queue) and self.is_available(port, queue, now_ps)
            for queue in port.queues
        )
        if not wanted:
            return
        self.interruptions += 1
        wire_octets = port.wire.lead_octets + octets + 4 + port.wire.tail_octets
        port.busy_until_ps = port.fragment_from_ps + port.time_ps(wire_octets)
        port.occupied[-1] = (port.fragment_from_ps, port.busy_until_ps)
        port.fragment_octets -= octets
        port.is_interrupted = True
        self.look(port, port.busy_until_ps)

    def select(self, port: Port, now_ps: int) -> None:
        done = False
        for queue in reversed(port.queues):
            if queue.rule.selection is Selection.ROUND_ROBIN:
                if not done:
                    done = True
                    chosen = self.next_in_round(port, now_ps)
                    if chosen is not None:
                        self.start(port, chosen, now_ps)
                        return
            elif self.is_available(port, queue, now_ps):
                self.start(port, queue, now_ps)
                return
        if port.sending is not None and not port.is_held(now_ps):
            self.send_fragment(port, now_ps)

    def next_in_round(self, port: Port, now_ps: int) -> Queue | None:
        able = [queue for queue in port.round if self.is_available(port, queue, now_ps)]
        while able:
            queue = next(one for one in port.round if one in able)
            if not queue.has_turn:
                queue.has_turn = True
                queue.deficit += queue.rule.quantum_octets
            octets = queue.waiting[0][1].octets
            if octets <= queue.deficit:
                queue.deficit -= octets
                return queue
            queue.has_turn = False
            port.round.remove(queue)
            port.round.append(queue)
        return None

    def start(self, port: Port, queue: Queue, now_ps: int) -> None:
        position, frame = queue.waiting.pop(0)
        if queue in port.round and not queue.waiting:
            port.round.remove(queue)
            queue.deficit = 0
            queue.has_turn = False
        hop = self.plan.streams[frame.stream].hops[position]
        port.sent += 1
        self.note(frame, now_ps)
        if hop.parent_index < 0:
            frame.started_at_port_ps = now_ps + port.time_ps(port.wire.lead_octets)
        queue.is_in_use = True
        if not port.is_express(queue):
            port.sending = (position, frame)
            port.sending_queue = queue
            port.fragment_octets = frame.octets
            self.send_fragment(port, now_ps)
            return
        octets = port.wire.lead_octets + frame.octets
        port.on_wire = queue
        port.busy_until_ps = now_ps + port.time_ps(octets + port.wire.tail_octets)
        port.occupied.append((now_ps, port.busy_until_ps))
        self.look(port, port.busy_until_ps)
        delay_ps = sum(one.min_ps for one in hop.after)
        for child, other in enumerate(self.plan.streams[frame.stream].hops):
            if other.parent_index == position and other.cut_through_octets is not None:
                head_octets = min(frame.octets, other.cut_through_octets)
                head_ps = now_ps + port.time_ps(port.wire.lead_octets + head_octets)
                key = (1, hop.egress_index, 2, -delay_ps, -other.cut_through_octets)
                self.at(head_ps + delay_ps, key, self.cutting_through(frame, child, hop))
        self.travel(frame, position, now_ps + port.time_ps(octets))

    def cutting_through(self, frame: Frame, child: int, hop: Hop) -> Callable[[int], None]:
        return lambda now: self.set_out(frame, child, (1, hop.egress_index), now)

    def send_fragment(self, port: Port, now_ps: int) -> None:
        port.is_interrupted = False
        port.fragment_from_ps = now_ps
        octets = port.wire.lead_octets + port.fragment_octets
        port.busy_until_ps = now_ps + port.time_ps(octets + port.wire.tail_octets)
        port.occupied.append((now_ps, port.busy_until_ps))
        port.on_wire = port.sending_queue
        serial = port.fragment_from_ps
        port.octet_ends.clear()
        for sent in range(1, port.fragment_octets):
            octet_end_ps = now_ps + port.time_ps(port.wire.lead_octets + sent)
            port.octet_ends[octet_end_ps] = sent
            self.look(port, octet_end_ps)
        end_ps = now_ps + port.time_ps(octets)
        order = (0, self.ports.index(port))
        self.at(end_ps, order, lambda now: self.end(port, serial, now))

    def end(self, port: Port, serial: int, now_ps: int) -> None:
        """The last octet of a preemptable frame, if it was not interrupted meanwhile."""
        if port.sending is None or port.is_interrupted or port.fragment_from_ps != serial:
            return
        position, frame = port.sending
        port.sending = None
        port.sending_queue = None  # the queue is in use until the tail has passed
        self.look(port, port.busy_until_ps)
        self.travel(frame, position, now_ps)
        self.evaluate(port, now_ps)

    def travel(self, frame: Frame, position: int, sent_ps: int) -> None:
        hop = self.plan.streams[frame.stream].hops[position]
        delay_ps = sum(one.min_ps for one in hop.after)
        key = (1, hop.egress_index, 1, -delay_ps)
        self.at(sent_ps + delay_ps, key, lambda now: self.arrive(frame, position, now))

    # ------------------------------------------------------------ reception

    def scheduler(self, frame: Frame, position: int) -> AtsScheduler | None:
        reception = self.plan.streams[frame.stream].hops[position].reception
        return None if reception is None else reception.scheduler

    def becomes_eligible(
        self, scheduler: AtsScheduler, frame: Frame, hop: Hop, now_ps: int
    ) -> bool:
        wire = self.ports[hop.egress_index].wire
        bits = 8 * (frame.octets + wire.lead_octets + wire.tail_octets)
        length_ps = Fraction(bits * PS_PER_S, scheduler.committed_bps)
        full_ps = Fraction(8 * scheduler.committed_burst_octets * PS_PER_S, scheduler.committed_bps)
        key = (hop.to_node, scheduler.name)
        empty_ps = self.buckets.get(key, -full_ps)
        group = (hop.to_node, scheduler.group)
        exact_ps = empty_ps + length_ps
        full_at_ps = empty_ps + full_ps
        eligible_ps = max(
            now_ps, self.groups[group], -(-exact_ps.numerator // exact_ps.denominator)
        )
        if eligible_ps > now_ps + scheduler.max_residence_ps:
            return False
        self.groups[group] = eligible_ps
        if eligible_ps < full_at_ps:
            self.buckets[key] = exact_ps
        else:
            self.buckets[key] = exact_ps + eligible_ps - full_at_ps
        frame.eligible_ps = eligible_ps
        return True

    def arrive(self, frame: Frame, position: int, now_ps: int) -> None:
        self.frame_hops += 1
        stream = self.plan.streams[frame.stream]
        hop = stream.hops[position]
        scheduler = self.scheduler(frame, position)
        if scheduler is not None and not self.becomes_eligible(scheduler, frame, hop, now_ps):
            self.lose(frame, position)
            return
        first_row = sum(len(one.listeners) for one in self.plan.streams[: frame.stream])
        for listener, end in enumerate(stream.listener_hops):
            if end == position:
                done = replace(frame, steps=[list(step[:3]) for step in frame.steps])
                self.delivered[frame.stream, listener].append((now_ps, done))
                self.mix(first_row + listener, frame.released_ps, now_ps)
        for child, other in enumerate(stream.hops):
            if other.parent_index == position and other.cut_through_octets is None:
                self.set_out(frame, child, (1, hop.egress_index), now_ps)

    def mix(self, row: int, released_ps: int, now_ps: int) -> None:
        """The fingerprint of all deliveries in their order."""
        word = self.trace ^ (released_ps * 0x9E3779B97F4A7C15) % 2**64
        word = (word ^ (word >> 29) ^ now_ps) * 0xBF58476D1CE4E5B9 % 2**64
        word = (word ^ (word >> 29) ^ row) * 0x94D049BB133111EB % 2**64
        self.trace = word ^ (word >> 29)

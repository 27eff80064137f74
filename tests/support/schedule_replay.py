# SPDX-License-Identifier: Apache-2.0
"""Plays a gate schedule frame by frame, knowing nothing of how it was made.

Talkers release at their phases, bridges forward, ports send what their gates allow, and every
port has other traffic that is always ready to start, in every queue without scheduled frames.
Delays and clock errors are drawn within their limits; clocks may be set anew at any time, from one
end of their error to the other. The replay shares with the synthesis the
data of problem and result, and the time of octets on a wire.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import accumulate, count
from random import Random

from netplan.media.frames import wire_time_ps
from netplan.tsn.mechanisms import GateList, GateOperation
from netplan.tsn.synthesis.problem import Port, Problem
from netplan.tsn.synthesis.result import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """One frame instance on one hop, on network time.

    Attributes:
        stream: Name.
        instance_index: Counted from 0, the one released at the phase.
        frame_index: Of the frames of one period.
        hop_index: Of the stream's route.
        port: Name.
        start_ps: Nominal start of the transmission.
        earliest_received_ps: Complete reception at the next node, at the earliest.
        latest_received_ps: The same at the latest; equal where everything is exact.
    """

    stream: str
    instance_index: int
    frame_index: int
    hop_index: int
    port: str
    start_ps: int
    earliest_received_ps: int
    latest_received_ps: int


def transmissions(problem: Problem, schedule: Schedule) -> Iterator[Transmission]:
    """Every frame instance that is released within one hyperperiod, on every hop."""
    for placement in schedule.placements:
        for instance in range(schedule.hyperperiod_ps // placement.period_ps):
            shift_ps = instance * placement.period_ps
            for hop_index, hop in enumerate(placement.route.hops):
                for frame_index, slot in enumerate(placement.slots[hop_index]):
                    earliest_ps, latest_ps = placement.received_ps[hop_index][frame_index]
                    yield Transmission(
                        stream=placement.name,
                        instance_index=instance,
                        frame_index=frame_index,
                        hop_index=hop_index,
                        port=problem.ports[hop.port_index].name,
                        start_ps=slot.start_ps + shift_ps,
                        earliest_received_ps=earliest_ps + shift_ps,
                        latest_received_ps=latest_ps + shift_ps,
                    )


@dataclass(slots=True)
class Sent:
    """What happened to one frame on one hop."""

    start_ps: int
    received_ps: int


@dataclass(slots=True)
class _Packet:
    stream: int
    frame: int
    instance: int
    hop: int
    octets: int


@dataclass(frozen=True, slots=True)
class _Clock:
    """How late a clock is, from each of some times on."""

    from_ps: list[int]
    shifts_ps: list[int]

    def shift_at(self, now_ps: int) -> int:
        return self.shifts_ps[bisect_right(self.from_ps, now_ps) - 1]

    def next_step(self, now_ps: int) -> int:
        place = bisect_right(self.from_ps, now_ps)
        return self.from_ps[place] if place < len(self.from_ps) else 1 << 62


def _clock(chance: Random, error_ps: int, steps: int, end_ps: int) -> _Clock:
    times = sorted(chance.randrange(end_ps) for _ in range(steps))
    return _Clock(
        [-(1 << 62), *times],
        [
            chance.choice((-error_ps, error_ps, chance.randint(-error_ps, error_ps)))
            for _ in range(steps + 1)
        ],
    )


@dataclass(slots=True)
class _State:
    port: Port
    gates: GateList | None
    clock: _Clock
    advance_ps: int
    scheduled: int
    queues: dict[int, deque[_Packet]] = field(default_factory=dict)
    free_ps: int = -(1 << 62)
    ends: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.gates is not None:
            self.ends = list(accumulate(entry.duration_ps for entry in self.gates.entries))
            assert self.ends[-1] == self.gates.cycle_ps

    def place(self, now_ps: int) -> tuple[int, int]:
        """Entry in force, and how far into the cycle."""
        assert self.gates is not None
        at = (now_ps - self.gates.base_ps - self.clock.shift_at(now_ps)) % self.gates.cycle_ps
        return bisect_right(self.ends, at), at

    def open_for(self, queue: int, now_ps: int) -> int:
        """How long the gate of a queue stays open from now on; 0 when it is closed."""
        if self.gates is None:
            return 1 << 62
        entry, at = self.place(now_ps)
        left = 0
        for step in range(len(self.ends)):
            number = (entry + step) % len(self.ends)
            if not self.gates.entries[number].open_queues >> queue & 1:
                return left
            left += self.ends[number] - at if step == 0 else self.gates.entries[number].duration_ps
        return 1 << 62

    def next_change(self, now_ps: int) -> int:
        entry, at = self.place(now_ps)
        return min(now_ps + self.ends[entry] - at, self.clock.next_step(now_ps))

    def hold_in(self, now_ps: int) -> int:
        """Time until preemptable frames must stop; 0 or less while they are held."""
        assert self.gates is not None
        entry, at = self.place(now_ps)
        if self.gates.entries[entry].operation is not GateOperation.RELEASE:
            return 0
        if len(self.ends) == 1:
            return 1 << 62
        return self.ends[entry] - at - self.advance_ps


def replay(
    problem: Problem,
    schedule: Schedule,
    *,
    seed: int = 1,
    cycles: int = 2,
    silent: frozenset[str] = frozenset(),
    steps: int = 0,
) -> dict[tuple[str, int, int, int], Sent]:
    """Send every frame of some hyperperiods, but those of silent streams.

    Clocks are set anew so many times.

    Returns:
        By stream, frame, instance and hop: when it started and was received.
    """
    chance = Random(seed)  # noqa: S311 - repeatable, not secret
    lists = {one.port_index: one for one in schedule.ports}
    scheduled: dict[int, int] = {}
    for one in schedule.placements:
        for hop in one.route.hops:
            scheduled[hop.port_index] = scheduled.get(hop.port_index, 0) | 1 << hop.queue_index
    end_ps = (cycles + 1) * schedule.hyperperiod_ps
    clocks = {
        number: _clock(chance, port.clock_error_ps, steps, end_ps)
        for number, port in enumerate(problem.ports)
    }
    states = {
        number: _State(
            port=problem.ports[number],
            gates=lists[number].gates if number in lists else None,
            clock=clocks[number],
            advance_ps=lists[number].hold_advance_ps if number in lists else 0,
            scheduled=mask,
        )
        for number, mask in scheduled.items()
    }
    result: dict[tuple[str, int, int, int], Sent] = {}
    last_due: dict[tuple[int, int], int] = {}
    arrived: set[tuple[int, int, int, int]] = set()
    events: list[tuple[int, int, int, str, int, _Packet | None]] = []
    order = count()

    def at(time_ps: int, rank: int, what: str, port: int, packet: _Packet | None = None) -> None:
        heappush(events, (time_ps, rank, next(order), what, port, packet))

    def approach(packet: _Packet, hop_index: int, now_ps: int) -> None:
        hop = schedule.placements[packet.stream].route.hops[hop_index]
        follower = _Packet(packet.stream, packet.frame, packet.instance, hop_index, packet.octets)
        due = now_ps + chance.randint(hop.before_min_ps, hop.before_max_ps)
        # Frames of one stream never overtake each other on their way through a bridge.
        due = max(due, last_due.get((packet.stream, hop_index), due))
        last_due[packet.stream, hop_index] = due
        at(due, 1, "queue", hop.port_index, follower)

    for number, (stream, one) in enumerate(zip(problem.streams, schedule.placements, strict=True)):
        if stream.name in silent:
            continue
        roots = [i for i, hop in enumerate(one.route.hops) if hop.parent_index < 0]
        # A talker and its port run on one clock.
        clock = clocks[one.route.hops[roots[0]].port_index]
        for instance in range(cycles * schedule.hyperperiod_ps // stream.period_ps):
            late = {
                f.release_ps: chance.randint(0, stream.release_jitter_ps) for f in stream.frames
            }
            for frame_index, frame in enumerate(stream.frames):
                release = one.phase_ps + instance * stream.period_ps + frame.release_ps
                born = _Packet(number, frame_index, instance, -1, frame.frame_octets)
                local = release + late[frame.release_ps]
                for hop_index in roots:
                    approach(born, hop_index, local + clock.shift_at(local))
    for number, state in states.items():
        if state.port.other_octets:
            at(0, 2, "serve", number)

    def start(number: int, packet: _Packet, now_ps: int) -> None:
        state = states[number]
        hops = schedule.placements[packet.stream].route.hops
        hop = hops[packet.hop]
        octets = packet.octets + hop.added_octets
        port = state.port
        lead = wire_time_ps(port.lead_octets + octets, port.line_bps)
        state.free_ps = now_ps + wire_time_ps(
            port.lead_octets + octets + port.tail_octets, port.line_bps
        )
        at(state.free_ps, 0, "serve", number)
        received = now_ps + lead + chance.randint(hop.after_min_ps, hop.after_max_ps)
        name = schedule.placements[packet.stream].name
        result[name, packet.frame, packet.instance, packet.hop] = Sent(now_ps, received)
        for index, other in enumerate(hops):
            if packet.hop == other.parent_index or packet.hop in other.joined:
                early = 0
                if other.cut_through_octets is not None:
                    part = port.lead_octets + min(octets, other.cut_through_octets)
                    early = lead - wire_time_ps(part, port.line_bps)
                at(received - early, 1, "receive", index, packet)

    def serve(number: int, now_ps: int) -> None:
        state = states[number]
        port = state.port
        if state.free_ps > now_ps:
            return
        for queue in range(port.queue_count - 1, -1, -1):
            waiting = state.queues.get(queue)
            is_other = not state.scheduled >> queue & 1 and port.other_octets
            if not waiting and not is_other:
                continue
            room = state.open_for(queue, now_ps)
            if waiting:
                hop = schedule.placements[waiting[0].stream].route.hops[waiting[0].hop]
                octets = port.lead_octets + waiting[0].octets + hop.added_octets
                if wire_time_ps(octets, port.line_bps) <= room:
                    start(number, waiting.popleft(), now_ps)
                    return
            elif room:
                octets = chance.choice((64, port.other_octets))
                if state.advance_ps and state.gates is not None:
                    hold = state.hold_in(now_ps)
                    if hold <= 0:
                        continue
                    _send_preemptable(state, octets, now_ps, hold)
                elif wire_time_ps(port.lead_octets + octets, port.line_bps) > room:
                    continue
                else:
                    octets += port.lead_octets + port.tail_octets
                    state.free_ps = now_ps + wire_time_ps(octets, port.line_bps)
                at(state.free_ps, 0, "serve", number)
                return
        if state.gates is not None and (port.other_octets or any(state.queues.values())):
            change = state.next_change(now_ps)
            if change < end_ps:
                at(change, 0, "serve", number)

    while events:
        now_ps, _, _, what, number, packet = heappop(events)
        if what == "serve":
            serve(number, now_ps)
        elif what == "queue":
            assert packet is not None
            queue = schedule.placements[packet.stream].route.hops[packet.hop].queue_index
            states[number].queues.setdefault(queue, deque()).append(packet)
            at(now_ps, 2, "serve", number)
        else:
            assert packet is not None
            key = (packet.stream, packet.frame, packet.instance, number)
            if key not in arrived:  # of several copies the first one goes on
                arrived.add(key)
                approach(packet, number, now_ps)
    return result


def _send_preemptable(state: _State, octets: int, now_ps: int, hold_ps: int) -> None:
    """Start a frame that stops at the hold, as soon as it can be split."""
    port = state.port
    assert port.fragment_octets is not None
    whole = wire_time_ps(port.lead_octets + octets, port.line_bps)
    end_ps = now_ps + whole
    if whole > hold_ps:
        sent = max(0, hold_ps * port.line_bps // (8 * 10**12) - port.lead_octets)
        sent = max(sent, port.fragment_octets - 4)
        if octets - sent >= 64:
            end_ps = now_ps + wire_time_ps(port.lead_octets + sent + 4, port.line_bps)
    state.free_ps = end_ps + wire_time_ps(port.tail_octets, port.line_bps)


def faults(
    problem: Problem,
    schedule: Schedule,
    *,
    seed: int = 1,
    silent_ratio: float = 0.0,
    steps: int = 0,
) -> list[str]:
    """What a replay finds wrong: lost or early or late frames, limits that are not kept.

    Some talkers may be silent, drawn by the seed: nobody else is to notice that. Clocks are set anew
    so many times.
    """
    found: list[str] = []
    chance = Random(seed)  # noqa: S311 - repeatable, not secret
    silent = frozenset(stream.name for stream in problem.streams if chance.random() < silent_ratio)
    sent = replay(problem, schedule, seed=seed, silent=silent, steps=steps)
    expected = 0
    for number, (stream, one) in enumerate(zip(problem.streams, schedule.placements, strict=True)):
        if stream.name in silent:
            continue
        low, high = stream.phase_range_ps
        if not low <= one.phase_ps <= high:
            found.append(f"{stream.name} has a phase of {one.phase_ps}")
        known = stream.routes.every(64)
        if known is not None and one.route not in known:
            found.append(f"{stream.name} has a route of its own")
        instances = 2 * schedule.hyperperiod_ps // stream.period_ps
        expected += instances * len(stream.frames) * len(one.route.hops)
        for frame in range(len(stream.frames)):
            for instance in range(instances):
                for hop in range(len(one.route.hops)):
                    event = sent.get((stream.name, frame, instance, hop))
                    slot = one.slots[hop][frame]
                    shift = instance * stream.period_ps
                    if event is None:
                        found.append(f"{stream.name} frame {frame}.{instance} is stuck at {hop}")
                    elif not slot.earliest_ps <= event.start_ps - shift <= slot.latest_ps:
                        found.append(
                            f"{stream.name} frame {frame}.{instance} starts at hop {hop} at "
                            f"{event.start_ps - shift}, not {slot.earliest_ps}..{slot.latest_ps}"
                        )
        found += _limits(problem, schedule, sent, number, instances)
    if len(sent) != expected:
        found.append(f"{len(sent)} transmissions instead of {expected}")
    for gates in schedule.ports:
        found += _list_faults(problem, gates.port_index, gates.gates)
    return found


def _limits(
    problem: Problem,
    schedule: Schedule,
    sent: dict[tuple[str, int, int, int], Sent],
    number: int,
    instances: int,
) -> list[str]:
    found: list[str] = []
    stream, one = problem.streams[number], schedule.placements[number]
    name = stream.name
    for listener, last in enumerate(one.route.listener_hops):
        root = last
        while one.route.hops[root].parent_index >= 0:
            root = one.route.hops[root].parent_index
        lead = problem.ports[one.route.hops[root].port_index].lead_ps
        limit = stream.deadlines_ps[listener]
        times: dict[int, list[int]] = {}
        for frame in range(len(stream.frames)):
            for instance in range(instances):
                event = sent.get((name, frame, instance, last))
                first = sent.get((name, frame, instance, root))
                if event is None or first is None:
                    continue  # told already
                latency = event.received_ps - first.start_ps - lead
                if limit is not None and latency > limit:
                    found.append(f"{name} takes {latency} of {limit}")
                times.setdefault(frame, []).append(event.received_ps - instance * stream.period_ps)
        for values in times.values():
            if stream.jitter_ps is not None and max(values) - min(values) > stream.jitter_ps:
                found.append(f"{stream.name} varies by {max(values) - min(values)}")
    return found


def _list_faults(problem: Problem, port_index: int, gates: GateList) -> list[str]:
    port = problem.ports[port_index]
    limits = port.gates
    assert limits is not None
    found = []
    if limits.largest_entry_count is not None and len(gates.entries) > limits.largest_entry_count:
        found.append(f"{port.name} has {len(gates.entries)} entries")
    grid = max(1, limits.granularity_ps)
    for entry in gates.entries:
        if entry.duration_ps % grid or entry.duration_ps < limits.smallest_interval_ps:
            found.append(f"{port.name} has an entry of {entry.duration_ps}")
    if gates.base_ps % grid:
        found.append(f"{port.name} starts off its grid, at {gates.base_ps}")
    return found

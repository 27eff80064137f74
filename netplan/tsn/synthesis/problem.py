# SPDX-License-Identifier: Apache-2.0
"""What a gate schedule is asked for: ports, streams with candidate routes, and options.

Plain data in integer picoseconds that knows nothing of plans or designs, so that any reader
can state a problem. A *route* is a tree of hops from the talker to all listeners; multicast
and redundant copies are branches of one tree and are scheduled together.

Source: IEEE Std 802.1Q-2022, 8.6.8.4 and 8.6.9 (gates and gate lists); the ways of scheduling
are known from Duerr and Nayak, No-wait packet scheduling for IEEE time-sensitive networks (2016),
and Craciunas et al., Scheduling real-time communication in IEEE 802.1Qbv networks (2016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import lcm
from typing import Protocol

from netplan.media.frames import wire_time_ps


class Method(StrEnum):
    """How a schedule is looked for."""

    AUTO = "auto"
    GREEDY = "greedy"
    EXACT = "exact"


class Waiting(StrEnum):
    """Whether frames may wait in bridges for their window.

    Attributes:
        NO_WAIT: Every frame is sent on as soon as it has been received and processed.
        WINDOWED: Frames may wait, alone in their queue, until a gate opens for them.
        AUTO: Without waiting where that succeeds, otherwise with it.
    """

    NO_WAIT = "no-wait"
    WINDOWED = "windowed"
    AUTO = "auto"


class Guard(StrEnum):
    """What keeps other traffic off a window.

    Attributes:
        BAND: Its gates close, and no frame starts that would not end before (8.6.8.4).
        PREEMPTION: Its frames are interrupted: hold before the window, release after it.
    """

    BAND = "guard band"
    PREEMPTION = "preemption"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLimits:
    """What the gates of a port can do.

    Attributes:
        largest_entry_count: Entries of a gate list (supported-list-max); None: no limit.
        granularity_ps: Entries last a multiple of this (tick granularity); 0: no grid.
        smallest_interval_ps: No entry is shorter.
        largest_cycle_ps: Longest cycle (supported-cycle-max); None: no limit.
    """

    largest_entry_count: int | None = None
    granularity_ps: int = 0
    smallest_interval_ps: int = 0
    largest_cycle_ps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A transmitter onto a wire.

    Attributes:
        name: For people, such as ``sw1.p2``.
        line_bps: Rate at which octets leave.
        lead_octets: Sent before each frame.
        tail_octets: Idle octets after each frame.
        queue_count: Queues, the highest number being the most urgent.
        gates: What its gates can do; None when it has none.
        clock_error_ps: Its node's clock never differs more from network time.
        other_octets: Largest frame of traffic that is not scheduled; 0 when there is none.
        best_effort_ratio: Share of the line that traffic without a schedule must keep.
        fragment_octets: As in :class:`netplan.tsn.mechanisms.PortRules`; None: no preemption.
    """

    name: str
    line_bps: int
    lead_octets: int = 8
    tail_octets: int = 12
    queue_count: int = 8
    gates: GateLimits | None = field(default_factory=GateLimits)
    clock_error_ps: int = 0
    other_octets: int = 1522
    best_effort_ratio: float = 0.0
    fragment_octets: int | None = None

    def data_ps(self, frame_octets: int) -> int:
        """From the start of a transmission until the last octet of the frame has left."""
        return wire_time_ps(self.lead_octets + frame_octets, self.line_bps)

    def occupied_ps(self, frame_octets: int) -> int:
        """From the start of a transmission until the next one may start."""
        return wire_time_ps(self.lead_octets + frame_octets + self.tail_octets, self.line_bps)

    @property
    def clock_step_ps(self) -> int:
        """By how much the clock may run ahead between two edges of one window.

        It may be late by all of its error at the one and, set anew in between, early by
        all of it at the other.
        """
        return 2 * self.clock_error_ps

    @property
    def lead_ps(self) -> int:
        """From the start of a transmission until the first bit of the frame."""
        return wire_time_ps(self.lead_octets, self.line_bps)

    @property
    def tail_ps(self) -> int:
        """Idle time that must follow a frame."""
        return wire_time_ps(self.tail_octets, self.line_bps)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteHop:
    """One step of a route: processing, the queue of a port, the wire behind it.

    Attributes:
        port_index: Index into :attr:`Problem.ports`.
        parent_index: Hop of the same route that this one continues; -1 at the talker.
        before_min_ps: Least delay from full reception (or release) to entering the queue.
        before_max_ps: Largest such delay.
        after_min_ps: Least delay from the last octet leaving to full reception.
        after_max_ps: Largest such delay.
        queue_index: Queue that the stream uses here.
        added_octets: What this hop's encapsulation adds to each frame.
        joined: Further hops that bring copies of the same frames; the first copy goes on.
        cut_through_octets: Processing begins when so many frame octets have come in; None for all.
    """

    port_index: int
    parent_index: int
    before_min_ps: int = 0
    before_max_ps: int = 0
    after_min_ps: int = 0
    after_max_ps: int = 0
    queue_index: int = 7
    added_octets: int = 0
    joined: tuple[int, ...] = ()
    cut_through_octets: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A tree of hops, parents before children; one listener at each of ``listener_hops``."""

    hops: tuple[RouteHop, ...]
    listener_hops: tuple[int, ...]

    @property
    def ports(self) -> frozenset[int]:
        """Indices of all ports that it uses."""
        return frozenset(hop.port_index for hop in self.hops)


class Routes(Protocol):
    """The possible routes of one stream, worked out when they are asked for."""

    def candidate(self, index: int) -> Route | None:
        """Candidate number ``index``, the preferred one first; None when there are no more."""

    def lightest(self, weights: Mapping[int, int]) -> Route:
        """A route whose ports weigh little together; a port that is not named weighs nothing."""

    def least_weight(self, weights: Mapping[int, int]) -> int:
        """What the ports of every possible route weigh together, at least."""

    def quickest(self, listener_index: int, frame_octets: int, ports: Sequence[Port]) -> Route:
        """A route of least delay to one listener for an undisturbed frame."""

    def every(self, limit_count: int) -> tuple[Route, ...] | None:
        """All possible routes; None when they are more than the limit or cannot be listed."""


@dataclass(frozen=True, slots=True)
class FixedRoutes:
    """Routes given as a list, the preferred one first; there are no others."""

    routes: tuple[Route, ...]

    def candidate(self, index: int) -> Route | None:
        """As in :class:`Routes`."""
        return self.routes[index] if index < len(self.routes) else None

    def lightest(self, weights: Mapping[int, int]) -> Route:
        """As in :class:`Routes`."""
        return min(self.routes, key=lambda route: _weight(route, weights))

    def least_weight(self, weights: Mapping[int, int]) -> int:
        """As in :class:`Routes`."""
        return min(_weight(route, weights) for route in self.routes)

    def quickest(self, listener_index: int, frame_octets: int, ports: Sequence[Port]) -> Route:
        """As in :class:`Routes`."""
        return min(
            self.routes,
            key=lambda route: least_delay_ps(route, listener_index, frame_octets, ports),
        )

    def every(self, limit_count: int) -> tuple[Route, ...] | None:
        """As in :class:`Routes`."""
        return self.routes if len(self.routes) <= limit_count else None


def _weight(route: Route, weights: Mapping[int, int]) -> int:
    return sum(weights.get(hop.port_index, 0) for hop in route.hops)


def least_delay_ps(
    route: Route, listener_index: int, frame_octets: int, ports: Sequence[Port]
) -> int:
    """Latency of a frame that meets nothing, all delays at their largest.

    From the first bit leaving the talker's port to the last bit entering the listener's.
    Of several copies that come together the quickest counts.
    """
    received: list[int] = []
    leads: list[int] = []
    for hop in route.hops:
        port = ports[hop.port_index]
        octets = frame_octets + hop.added_octets
        if hop.parent_index < 0:
            start_ps = 0
            leads.append(port.lead_ps)
        else:
            before = (hop.parent_index, *hop.joined)
            start_ps = min(received[one] for one in before) + hop.before_max_ps
            leads.append(min(leads[one] for one in before))
            if hop.cut_through_octets is not None:
                parent = route.hops[hop.parent_index]
                coming = ports[parent.port_index]
                whole = frame_octets + parent.added_octets
                part = min(whole, hop.cut_through_octets)
                start_ps -= coming.data_ps(whole) - coming.data_ps(part)
        received.append(start_ps + port.data_ps(octets) + hop.after_max_ps)
    last = route.listener_hops[listener_index]
    return received[last] - leads[last]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of a stream's period: when it is released after the phase, and its size."""

    frame_octets: int
    release_ps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One talker's traffic, to be sent at fixed times.

    Attributes:
        name: For people.
        period_ps: After which all its frames repeat.
        frames: Of one period, by release; frames released together follow each other.
        routes: Where it may go.
        deadlines_ps: Largest latency for each listener; None where there is no limit.
        jitter_ps: Largest variation of the time of reception; None for no limit.
        earliest_phase_ps: The phase is not below this.
        latest_phase_ps: The phase is not above this (below the period); None for no limit.
        release_jitter_ps: A release may be so much later than its nominal time.
        clock_error_ps: Of the talker.
    """

    name: str
    period_ps: int
    frames: tuple[Frame, ...]
    routes: Routes
    deadlines_ps: tuple[int | None, ...]
    jitter_ps: int | None = None
    earliest_phase_ps: int = 0
    latest_phase_ps: int | None = None
    release_jitter_ps: int = 0
    clock_error_ps: int = 0

    @property
    def phase_range_ps(self) -> tuple[int, int]:
        """Least and largest phase."""
        latest_ps = self.period_ps - 1 if self.latest_phase_ps is None else self.latest_phase_ps
        return self.earliest_phase_ps, latest_ps

    def busy_ps(self, port: Port, added_octets: int = 0) -> int:
        """Time that a port needs for the frames of one period."""
        return sum(port.occupied_ps(frame.frame_octets + added_octets) for frame in self.frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Ports and streams to be scheduled."""

    ports: tuple[Port, ...]
    streams: tuple[Stream, ...]

    @property
    def hyperperiod_ps(self) -> int:
        """After which the whole schedule repeats."""
        return lcm(*(stream.period_ps for stream in self.streams))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to look for a schedule.

    Attributes:
        method: Greedy alone, exact alone, or whatever leads there.
        waiting: Whether frames may wait in bridges.
        guard: What keeps other traffic off the windows, where a port can do both.
        time_limit_s: Of this process's time and the solver's; a schedule found later is not used.
        worker_count: Threads of the exact solver; one gives the same result every time.
        seed: Of the exact solver and of the repair.
        candidate_count: Routes that are tried for each stream.
        largest_hyperperiod_ps: Beyond it, periods are refused and others offered.
        explain: Whether to look for a small conflict and its cure when there is no schedule.
    """

    method: Method = Method.AUTO
    waiting: Waiting = Waiting.AUTO
    guard: Guard = Guard.BAND
    time_limit_s: float = 60.0
    worker_count: int = 1
    seed: int = 1
    candidate_count: int = 8
    largest_hyperperiod_ps: int = 10**12
    explain: bool = True

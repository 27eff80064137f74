# SPDX-License-Identifier: Apache-2.0
"""The plan as a network of flows and servers: plain data that the analysis fills in.

A *flow* is one hop of one stream, a *server* is one queue of one egress. A server's
waits depend on the jitter of the flows that it meets; a flow's jitter depends on the waits at
the hops before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from netplan.bounds.arrivals import Line, Windows
from netplan.bounds.contention import Contention
from netplan.bounds.cost import Share
from netplan.bounds.credit import Affine
from netplan.bounds.gates import Shut
from netplan.bounds.openings import Service
from netplan.bounds.transmitter import Transmitter
from netplan.media.interface import DelayTerm
from netplan.plan.model import Hop, Plan, PlannedStream
from netplan.tsn.mechanisms import AtsScheduler, FlowMeter

NO_WIRE = -1
"""Ingress of frames that no wire has spaced: released here, sent at grants, merged or regulated."""


class Way(NamedTuple):
    """How frames of a flow come to its queue: over one hop before.

    Attributes:
        parent_index: Flow of that hop.
        least_ps: Least time from that hop's queue to this one, of the smallest frame.
        carried_ps: Jitter that fixed terms and rounding add between the two queues.
        fixed_ps: Part of ``least_ps`` that fixed terms take.
        varies_ps: Part of ``carried_ps`` by which fixed terms vary.
    """

    parent_index: int
    least_ps: int
    carried_ps: int
    fixed_ps: int
    varies_ps: int


@dataclass(slots=True, kw_only=True)
class Flow:
    """One hop of one stream.

    Attributes:
        stream_index: Into the plan.
        hop_index: Into the stream's hops.
        parent_index: Flow of the hop before (the first of several); -1 at the talker.
        ways: All hops before: one, or the members of a recovery; none at the talker.
        children: Flows of the hops behind.
        egress_index: Transmitter of the hop.
        ingress_index: Egress whose wire brought the frames, or :data:`NO_WIRE`.
        server_index: Its server.
        windows: Work of its messages at the transmitter.
        octets: The same in frame octets.
        period_ps: Of its messages.
        rate_per_one: Long-term work per time, in 1 / ONE.
        frame_octets: Distinct sizes on this hop, ascending.
        least_work_ps: Work of the smallest frame, which waits longest.
        most_work_ps: Work of the largest frame.
        carried_ps: Jitter that the fixed terms since the first parent's queue add.
        earliest_ps: Least time from release to entering the queue, of the smallest frame.
        jitter_ps: How much later than that a frame of any size may enter the queue (be eligible,
            behind a scheduler), and so how much later one message than another may do so
            against its release; None when unknown.
        unknown: Why the jitter is unknown.
        spoils: Why jitter is unknown behind this hop, whatever its server says.
        scheduler: Whose eligibility times the queue keeps; None when it has none to keep.
        residence: How the wait for eligibility is bounded (:mod:`netplan.bounds.regulators`).
        meter: What the frames have passed just before.
        shaped: Whether something more than their wire may cap its frames.
        copies_count: How often a frame may pass a recovery, at most; 1 where duplicates are told.
        losses: Why frames may be lost before this queue.
        gone: Why no frame ever comes here; empty when some do.
    """

    stream_index: int
    hop_index: int
    parent_index: int
    egress_index: int
    ingress_index: int
    server_index: int
    windows: Windows
    octets: Windows
    period_ps: int
    rate_per_one: int
    frame_octets: tuple[int, ...]
    least_work_ps: int
    most_work_ps: int
    carried_ps: int
    jitter_ps: int | None
    earliest_ps: int = 0
    ways: tuple[Way, ...] = ()
    unknown: str = ""
    spoils: str = ""
    children: list[int] = field(default_factory=list)
    scheduler: AtsScheduler | None = None
    residence: Residence | None = None
    meter: FlowMeter | None = None
    shaped: bool = False
    copies_count: int = 1
    losses: tuple[str, ...] = ()
    gone: str = ""


@dataclass(slots=True, kw_only=True)
class Residence:
    """What bounds the time that frames of a flow wait at a scheduler until they are eligible.

    Attributes:
        limit_ps: Its largest residence time; frames that would wait longer are dropped.
        group: Flows that share the group, with this one, where the regulator cannot make the worst
            case of the system before it worse; empty when that is not known.
        burst_octets: Committed burst, where only this flow uses scheduler and group; else 0.
        rate_bps: Committed rate.
        conforms: Whether this lone flow keeps rate and burst from its talker on.
    """

    limit_ps: int
    group: tuple[int, ...] = ()
    burst_octets: int = 0
    rate_bps: int = 0
    conforms: bool = False


@dataclass(slots=True, kw_only=True)
class Access:
    """What a queue of a port with rules has to let pass, beyond strict priority.

    Attributes:
        openings: When its gate lets a frame start; None when it is always open.
        gates: When it is shut, list by list.
        strict: Servers of the same gates that go before it, each busy as long as it can.
        apart: Servers that go before it by other gates or within their credit: what they
            send in a window came in it or waited before.
        rivals: Other servers of its round-robin group.
        preemptable: Whether express frames interrupt its frames; none is too short for that.
        overhead_ps: What each interruption costs, as an addition to the express frame.
        express: Servers whose frames carry that addition.
        interrupting: Servers whose frames may interrupt one that has started.
        idle_bps: Idle slope of a credit-based queue, otherwise 0.
        waste_ps: Time around each closing that is open and not surely of use.
        shares: What each rival may send in its turns.
        quantum_octets: Its own.
        resumes: When a frame that has started goes on (holds); None when it always may.
        credit_ps: Largest credit, as the time it takes to gain it; None when unknown.
        held: Time that holds take from the line while credit rises all the same; None when
            ``openings`` say when work may be done.
    """

    openings: Service | None = None
    gates: tuple[Shut, ...] = ()
    strict: list[int] = field(default_factory=list)
    apart: list[int] = field(default_factory=list)
    rivals: list[int] = field(default_factory=list)
    preemptable: bool = False
    overhead_ps: int = 0
    express: frozenset[int] = frozenset()
    interrupting: list[int] = field(default_factory=list)
    idle_bps: int = 0
    waste_ps: int = 0
    shares: tuple[Share, ...] = ()
    quantum_octets: int = 0
    resumes: Service | None = None
    credit_ps: int | None = None
    held: Affine | None = None


@dataclass(slots=True, kw_only=True)
class Server:
    """One queue of one egress.

    Attributes:
        egress_index: Transmitter.
        queue_index: Queue.
        own: Flows in this queue.
        above: Flows that go before it whenever they wait: higher queues, and with rules express
            queues and the rest of a round-robin group.
        blocking_ps: Longest that a frame of another queue, once started, keeps it waiting.
        refused: Why there is no bound; empty when there is one.
        contention: What a frame waits for, once it has been worked out.
        going: What goes before a preemptable frame that has started.
        others: Further searches whose results hold as well (round robin).
        waits_ps: Longest waits by excluded own work, as they become known.
        access: Rules of the port; None for strict priority alone.
        watchers: Servers that depend on the arrivals of this one.
        heirs: Servers of the same egress that depend on its waits.
        stays_ps: Longest time from entering the queue until the tail has left.
    """

    egress_index: int
    queue_index: int
    own: list[int] = field(default_factory=list)
    above: list[int] = field(default_factory=list)
    blocking_ps: int = 0
    refused: str = ""
    contention: Contention | None = None
    going: Contention | None = None
    others: list[Contention] = field(default_factory=list)
    waits_ps: dict[int, int] = field(default_factory=dict)
    access: Access | None = None
    watchers: list[int] = field(default_factory=list)
    heirs: list[int] = field(default_factory=list)
    stays_ps: int = 0


@dataclass(slots=True, kw_only=True)
class Network:
    """Flows, servers and what joins them.

    Attributes:
        plan: What is analysed.
        transmitters: By egress.
        flows: All flows, parents before children.
        flow_of: Flow by stream and hop.
        servers: All servers.
        servers_at: Servers of each egress, highest queue first.
        lines: Cap of arrivals at an egress (second) by the wire of another (first).
    """

    plan: Plan
    transmitters: list[Transmitter]
    flows: list[Flow] = field(default_factory=list)
    flow_of: list[list[int]] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    servers_at: dict[int, list[int]] = field(default_factory=dict)
    lines: dict[tuple[int, int], Line] = field(default_factory=dict)

    def stream(self, flow: Flow) -> PlannedStream:
        """The stream that a flow is a hop of."""
        return self.plan.streams[flow.stream_index]

    def hop(self, flow: Flow) -> Hop:
        """The hop that a flow is."""
        return self.stream(flow).hops[flow.hop_index]

    def sizes_before(self, flows: Iterable[Flow]) -> set[tuple[int, int]]:
        """Octets of each of their frames over the hop before, and over their own; no roots."""
        found: set[tuple[int, int]] = set()
        for flow in flows:
            shift = self.hop(self.flows[flow.parent_index]).added_octets
            shift -= self.hop(flow).added_octets
            found.update((octets + shift, octets) for octets in flow.frame_octets)
        return found

    def wait_ps(self, server: Server, frame_octets: int) -> int:
        """Longest wait of a frame at a server that is not refused.

        On a wire until the frame starts (for a preemptable frame, what it takes beyond its
        own octets until its last bit has left), otherwise until its last bit has been served.
        """
        transmitter = self.transmitters[server.egress_index]
        work_ps = transmitter.work_ps(frame_octets)
        access = server.access
        whole = access is not None and access.preemptable and access.openings is None
        excluded_ps = work_ps if transmitter.is_wire and not whole else 0
        wait_ps = server.waits_ps.get(excluded_ps)
        if wait_ps is None:
            assert server.contention is not None
            wait_ps = server.contention.longest_wait_ps(excluded_ps)
            for search in server.others:
                wait_ps = min(wait_ps, search.longest_wait_ps(excluded_ps))
            server.waits_ps[excluded_ps] = wait_ps
        if access is None or not access.preemptable:
            return wait_ps
        if whole:
            return wait_ps - work_ps
        assert server.going is not None
        return wait_ps + server.going.stretched_ps(work_ps) - work_ps

    def lag_ps(self, flow: Flow) -> int:
        """How much later than the fastest smallest frame one of any size leaves the queue's wire.

        A larger frame waits less by at least what it is longer, unless it may be interrupted.
        """
        server = self.servers[flow.server_index]
        if server.access is None or not server.access.preemptable:
            return self.wait_ps(server, flow.frame_octets[0])
        transmitter = self.transmitters[flow.egress_index]
        return (
            max(
                self.wait_ps(server, octets) + transmitter.work_ps(octets)
                for octets in flow.frame_octets
            )
            - flow.least_work_ps
        )


def spread_ps(terms: Iterable[DelayTerm]) -> int:
    """How much the sum of fixed terms may vary."""
    return sum([term.max_ps - term.min_ps for term in terms])


def least_ps(terms: Iterable[DelayTerm]) -> int:
    """Least sum of fixed terms."""
    return sum([term.min_ps for term in terms])


def most_ps(terms: Iterable[DelayTerm]) -> int:
    """Largest sum of fixed terms."""
    return sum([term.max_ps for term in terms])

# SPDX-License-Identifier: Apache-2.0
"""The plan as plain data: transmitters, hops, streams, targets.

It is what the three kinds of evidence share, and all they share. It says where
frames go, how large they are, how each transmitter works and what is promised;
it says nothing about how long anything waits.

A *hop* takes a frame from the moment it is wholly received by a node (or released by
its talker) through that node's processing, the queue of one transmitter
(:class:`Egress`) and the medium behind it, until the frame is wholly received by the
next node. Times are integer picoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from netplan.design.findings import Finding
from netplan.media.interface import (
    DelayTerm,
    GrantMechanism,
    NoService,
    ServiceCurve,
    WireMechanism,
)
from netplan.tsn.mechanisms import PortRules, Reception, Recovery, Synchronisation
from netplan.tsn.rings import Ring


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """A transmitter: queues, and the mechanism that empties them onto a medium.

    Strict priority over ``queue_count`` queues; a higher queue number is served first;
    each queue is first in, first out. ``rules`` say what differs from that.

    Attributes:
        name: Unique, such as ``sw1.p2``, or ``gnb1.5g>agv1`` where a port serves each
            receiver by a transmitter of its own.
        node: Node that holds it.
        port: Its port on that node.
        medium: Name of the medium, for people.
        queue_count: Number of queues.
        buffer_octets: Room for waiting frames over all queues, counted in frame octets (the frame
            in transmission on a wire does not count); None when nothing limits it.
        mechanism: What empties the queues.
        service: What a bound may count on.
        assumptions: Of the medium, in full sentences.
        rules: Gates, shapers and preemption of a wire; None when there are none.
    """

    name: str
    node: str
    port: str
    medium: str
    queue_count: int
    buffer_octets: int | None
    mechanism: WireMechanism | GrantMechanism
    service: ServiceCurve | NoService
    assumptions: tuple[str, ...] = ()
    rules: PortRules | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step of a stream: processing, queue, medium, up to full reception.

    Attributes:
        egress_index: Index into :attr:`Plan.egresses`.
        parent_index: Hop of the same stream that this one continues; -1 at the talker.
        from_node: Where the frame waits.
        to_node: Where it is received.
        to_port: Port that receives it.
        queue_index: Queue that it waits in at the egress; higher is served first.
        added_octets: Octets that this hop's encapsulation adds to the stream's frames (tunnels).
        before: Fixed terms between full reception (or release) and entering the queue.
        after: Fixed terms between the last octet leaving and full reception.
        reception: Filtering, policing and ATS when the frame has been received at ``to_node``.
        cut_through_octets: Processing begins when so many frame octets (destination address on)
            have been received by ``from_node``, instead of all; None for store and forward. Only
            between wires where this hop's is not the faster one, with frames of one length on both
            that the wire before does not interrupt, and not behind a reception or a recovery.
    """

    egress_index: int
    parent_index: int
    from_node: str
    to_node: str
    to_port: str
    queue_index: int
    added_octets: int
    before: tuple[DelayTerm, ...]
    after: tuple[DelayTerm, ...]
    reception: Reception | None = None
    cut_through_octets: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyWay:
    """Another tree of hops for a stream, for when a ring or tree has recovered from a fault.

    The simulation lets a node forward a stream by this tree from the moment on which the
    protocol of its ring has it forward the new way. The tree is complete: it repeats the hops
    that stay. Outside the rings of the plan, a node sends on what it sends on in the planned tree.

    Attributes:
        hops: As in :attr:`PlannedStream.hops`; parents are counted within this tree.
        listener_hops: For each listener of the stream, the hop of this tree that ends there.
    """

    hops: tuple[Hop, ...]
    listener_hops: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """The traffic contract of a stream: what its talker may release, at most.

    Message k consists of the frames ``messages[k % len(messages)]``, all handed to the
    talker's queue at once. Two consecutive releases of a *sporadic* talker are at least
    ``period_ps`` apart; a periodic talker releases message k at
    ``phase + k * period_ps`` plus a delay between 0 and ``jitter_ps``. With
    ``offsets_ps``, it releases message k at ``phase + (k // n) * period_ps + offsets_ps[k % n]``
    for its n messages (a recorded trace, repeated). A phase is kept on the talker's own clock.

    Attributes:
        messages: Frame sizes (``frame_octets``, destination address to FCS) of each message in
            turn; more than one message describes a repeating pattern such as a
            group of pictures.
        period_ps: Time between messages; the least such time for a sporadic talker.
        sporadic: Whether the talker may wait longer than the period.
        phase_ps: Release of the first message on the network's time; None when
            unknown (any phase is possible).
        jitter_ps: Largest delay of a release against its nominal time.
        offsets_ps: One ascending offset per message, the first 0, all below ``period_ps``, which
            is then that of the whole pattern; empty when messages are a period apart.
    """

    messages: tuple[tuple[int, ...], ...]
    period_ps: int
    sporadic: bool
    phase_ps: int | None
    jitter_ps: int
    offsets_ps: tuple[int, ...] = ()

    @property
    def pattern_ps(self) -> int:
        """Time in which every message is sent once."""
        return self.period_ps * (1 if self.offsets_ps else len(self.messages))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStream:
    """A stream with its tree of hops.

    Latency runs from the first bit of the frame (after the preamble) leaving the
    talker's port, or from its release to a port that sends at grants, to its last bit
    entering the listener's port.

    Attributes:
        name: Absolute name.
        kind: ``cyclic``, ``burst``, ``rate``, ``video``, ``trace``, ``best-effort``, ``offer`` or
            ``flow``; for people.
        talker: Node that sends.
        listeners: Nodes that receive.
        listener_hops: For each listener, the index in ``hops`` of the hop that ends there.
        hops: The tree, parents before children.
        emission: Traffic contract.
        pcp: Priority code point.
        vlan: VLAN identifier; 0 when the frames carry a priority tag only.
        talker_host: Host terms from application to port, used by targets that ask for it.
        listener_host: Host terms from port to application, for any listener.
        allowed_miss_ratio: Share of frames that may be late or lost; 0 means none.
        no_bound: Why no bound can be stated for this stream whatever its media say
            (handover, for instance); empty when there is no such reason.
        recoveries: Where copies over disjoint ways come together; such hops make the tree a
            graph (see :class:`netplan.tsn.mechanisms.Recovery`).
        scheduled: Whether its talker keeps a phase that gates were made for (time-triggered).
        standby: Other ways, by preference: after a fault the stream takes the first of ``hops``
            and these that no ring keeps out of service. No bound speaks of them. Not together with
            ``recoveries``.
    """

    name: str
    kind: str
    talker: str
    listeners: tuple[str, ...]
    listener_hops: tuple[int, ...]
    hops: tuple[Hop, ...]
    emission: Emission
    pcp: int
    vlan: int
    talker_host: tuple[DelayTerm, ...]
    listener_host: tuple[tuple[DelayTerm, ...], ...]
    allowed_miss_ratio: float = 0.0
    no_bound: str = ""
    recoveries: tuple[Recovery, ...] = ()
    scheduled: bool = False
    standby: tuple[StandbyWay, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStage:
    """One step of a reaction chain: a stream to a node, and the task that it feeds there.

    Attributes:
        stream_index: Stream that carries the value.
        listener_index: Which of the stream's listeners is meant.
        task_cycle_ps: Period of the task that reads the value; 0 when the value acts at once (actuator).
        task_phase_ps: Start of the task on the network's time; None when unknown.
        task_work_ps: Time from the start of the task until its output may be sent.
    """

    stream_index: int
    listener_index: int
    task_cycle_ps: int
    task_phase_ps: int | None
    task_work_ps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChain:
    """A reaction chain: sensor, tasks, actuator; its target is a reaction time.

    ``allowed_miss_ratio`` is the share of reactions that may take longer; 0 means none.
    """

    name: str
    stages: tuple[ChainStage, ...]
    allowed_miss_ratio: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is promised about a subject, and by how much it may be missed.

    Attributes:
        subject: Name of the stream, relation, chain or offer.
        subject_kind: ``stream``, ``relation``, ``chain`` or ``offer``.
        stream_index: The stream that is measured; -1 for a chain (see ``chain_index``).
        listener_index: Which of its listeners; -1 for a chain.
        chain_index: The chain that is measured; -1 otherwise.
        listener: Node at which it is measured.
        direction: ``forward`` or ``reverse`` for offers and relations; empty otherwise.
        quantity: ``latency``, ``variation``, ``update interval``, ``reaction time``,
            ``loss``, ``rate`` or ``availability``.
        statistic: ``max``, ``mean``, ``ratio`` or a percentile such as ``p99`` or ``p99.9``.
        limit: In ``unit``: picoseconds, ratio or bit/s.
        unit: ``ps``, ``ratio`` or ``bps``.
        application: Whether the hosts' delay counts (application to application).
        period_ps: For an update interval, the nominal interval; otherwise the averaging
            period of an offer's statistic, 0 when none is stated.
    """

    subject: str
    subject_kind: str
    stream_index: int
    listener_index: int
    chain_index: int
    listener: str
    direction: str
    quantity: str
    statistic: str
    limit: float
    unit: str
    application: bool = False
    period_ps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """A node as the report and the drawing need it."""

    name: str
    role: str
    model: str
    zone: str
    position_m: tuple[float, float, float] | None
    availability_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLink:
    """A cable, fibre or radio attachment: two port names and a medium.

    ``availability_ratio`` is None where the design does not say how often it fails.
    """

    ends: tuple[str, str]
    medium: str
    line_bps: int
    availability_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything derived from one design.

    Attributes:
        name: Of the design.
        design_hash: Of the expanded design with the catalogue values it uses.
        version: Of the tool that made the plan.
        egresses: Every transmitter that a stream uses.
        streams: Every stream, relations expanded into two, offers into test streams.
        chains: Reaction chains.
        targets: What is judged.
        nodes: All nodes.
        links: All links and radio attachments.
        addresses: Interface name to IPv6 address with prefix length.
        vlans: VLAN identifier to its name.
        findings: From reading, checking and planning.
        assumptions: What the plan rests on, in full sentences.
        synchronisation: Clocks of the nodes; None when all are ideal.
        rings: Where bridges find another way after a fault.
    """

    name: str
    design_hash: str
    version: str
    egresses: tuple[Egress, ...]
    streams: tuple[PlannedStream, ...]
    chains: tuple[PlannedChain, ...]
    targets: tuple[Target, ...]
    nodes: tuple[PlannedNode, ...]
    links: tuple[PlannedLink, ...]
    addresses: dict[str, str]
    vlans: dict[int, str]
    findings: tuple[Finding, ...]
    assumptions: tuple[str, ...]
    synchronisation: Synchronisation | None = None
    rings: tuple[Ring, ...] = ()

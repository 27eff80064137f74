# SPDX-License-Identifier: Apache-2.0
"""Evidence as plain data: what a bound proves and what a run observed.

Produced by :mod:`netplan.bounds` and by the emulator, read by
:mod:`netplan.verdict`. One row per stream and listener; rows are found by
``(stream_index, listener_index)`` of the plan.
"""

from __future__ import annotations

from dataclasses import dataclass

from netplan.media.interface import DelayTerm


@dataclass(frozen=True, slots=True, kw_only=True)
class HopBound:
    """A bound split by hop: the terms of one hop sum to what it adds at most.

    Attributes:
        egress_index: Transmitter of the hop.
        terms: Serialisation, queueing, grant wait, propagation, processing ...
    """

    egress_index: int
    terms: tuple[DelayTerm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamBound:
    """Worst case of one stream at one listener.

    Attributes:
        stream_index: Into the plan.
        listener_index: Into the stream's listeners.
        bound_ps: No conforming frame is later, except with ``exceedance_probability``;
            None when nothing can be proven.
        talker_wait_ps: Largest wait in the talker's own queue; not part of ``bound_ps``
            on a wire (latency runs from the port), part of application latency.
        minimum_ps: No frame can be faster.
        exceedance_probability: 0 for wired paths.
        hops: The hops to this listener, in order; terms sum to ``bound_ps``.
        loss_free: Whether no queue on the way can overflow (backlog bound within the buffer).
        why: Reason for a missing bound or for ``loss_free`` being False.
        jitter_ps: Largest difference between the latencies of two frames, or between their
            receptions counted from nominal releases, whichever the analysis shows; None when unknown.
        method: Analysis that proved it.
        after: What has failed in a ring when a frame may be so late; empty when that is so while all
            is well.
    """

    stream_index: int
    listener_index: int
    bound_ps: int | None
    talker_wait_ps: int
    minimum_ps: int
    exceedance_probability: float
    hops: tuple[HopBound, ...]
    loss_free: bool
    why: str = ""
    jitter_ps: int | None = None
    method: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressBound:
    """Load and worst backlog of one transmitter.

    Attributes:
        egress_index: Into the plan.
        load_ratio: Long-term rate of all contracts over the service rate.
        backlog_octets: Largest backlog over all queues in frame octets; None when unbounded.
        buffer_octets: What the device has; None when nothing limits it.
        queue_backlog_octets: Largest backlog of each queue, the lowest first; None when unbounded.
        queue_load_ratios: Load of each queue.
    """

    egress_index: int
    load_ratio: float
    backlog_octets: int | None
    buffer_octets: int | None
    queue_backlog_octets: tuple[int | None, ...] = ()
    queue_load_ratios: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainBound:
    """Worst reaction time of a chain; ``bound_ps`` None with the reason in ``why``."""

    chain_index: int
    bound_ps: int | None
    minimum_ps: int
    terms: tuple[DelayTerm, ...]
    exceedance_probability: float
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundEvidence:
    """Everything that the analysis proves about a plan."""

    design_hash: str
    method: str
    streams: tuple[StreamBound, ...]
    egresses: tuple[EgressBound, ...]
    chains: tuple[ChainBound, ...]
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HopRecord:
    """One hop of one frame as it was observed.

    Attributes:
        egress_index: Transmitter.
        received_ps: Frame wholly received by (or released at) the node of the transmitter.
        queued_ps: Entered the queue.
        started_ps: First octet left (wire: preamble; grant: opening of the grant that delivered it).
        delivered_ps: Wholly received by the next node.
    """

    egress_index: int
    received_ps: int
    queued_ps: int
    started_ps: int
    delivered_ps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamObservation:
    """What one run saw of one stream at one listener; times None when no frame arrived.

    Attributes:
        stream_index: Into the plan.
        listener_index: Into the stream's listeners.
        frames: Frames delivered.
        lost: Frames released and dropped or given up on the way to this listener (frames
            still under way at the end count as neither).
        bin_edges_ps: Edges of the latency histogram, one more than counts.
        bin_counts: Frames per bin; a latency l falls in the bin with edge[i] <= l < edge[i+1].
        min_gap_ps: Least time between two consecutive deliveries of messages' first frames.
        max_gap_ps: Largest such time.
        max_talker_wait_ps: Largest wait in the talker's own queue.
        max_application_ps: Largest latency counted from release instead of from the port.
        worst: Hops of the frame with the largest latency; empty when it changed its way under way.
        worst_released_ps: When that frame was released.
        policed: Frames dropped by a stream filter, gate or meter on the way to this listener;
            for a stream sent twice, copies. They are among the lost ones unless a copy arrived.
    """

    stream_index: int
    listener_index: int
    frames: int
    lost: int
    min_ps: int | None
    mean_ps: float | None
    max_ps: int | None
    bin_edges_ps: tuple[int, ...]
    bin_counts: tuple[int, ...]
    min_gap_ps: int | None
    max_gap_ps: int | None
    max_talker_wait_ps: int | None
    max_application_ps: int | None
    worst: tuple[HopRecord, ...]
    worst_released_ps: int | None
    policed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainObservation:
    """Reaction times that one run saw of one chain."""

    chain_index: int
    reactions: int
    min_ps: int | None
    mean_ps: float | None
    max_ps: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryObservation:
    """Counters of one elimination of duplicates.

    Attributes:
        stream_index: Into the plan.
        recovery_index: Into the stream's recoveries.
        passed_count: Frames that went on.
        discarded_count: Duplicates.
        rogue_count: Discarded because their number lay outside the history.
        out_of_order_count: Of those passed, the ones that did not follow the one before.
        lost_count: Numbers that left the history unseen (vector algorithm).
        reset_count: Silences after which any number was taken.

    Source: IEEE Std 802.1CB-2017, 10.8.
    """

    stream_index: int
    recovery_index: int
    passed_count: int
    discarded_count: int
    rogue_count: int
    out_of_order_count: int
    lost_count: int
    reset_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressObservation:
    """What one run saw of one transmitter.

    Attributes:
        egress_index: Into the plan.
        frames: Frames that it began to send.
        dropped: Frames that it did not take into a queue.
        busy_ratio: Share of time that a wire is occupied (lead, frame, tail, what interruptions
            add), or of its grants' octets that are used.
        max_backlog_octets: Largest sum of waiting frame octets over all queues.
        queue_backlog_octets: The largest of each queue, lowest queue first.
    """

    egress_index: int
    frames: int
    dropped: int
    busy_ratio: float
    max_backlog_octets: int
    queue_backlog_octets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockObservation:
    """How wrong one run saw the clock of one node, against the grandmaster's."""

    node: str
    largest_error_ps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOutage:
    """For how long a stream did not come, in a run in which something failed.

    Attributes:
        stream_index: Into the plan.
        listener_index: Into the stream's listeners.
        lost: Frames lost on the way to this listener; a silent talker loses none.
        outage_ps: Longest time between two messages that came, or from the last one to the end,
            less the largest time between two releases.
        is_over: Whether messages came again.
    """

    stream_index: int
    listener_index: int
    lost: int
    outage_ps: int
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RingRecovery:
    """How a ring got over one fault.

    Attributes:
        ring: Its name.
        fault: What failed.
        at_ps: When.
        recovered_ps: From the fault until the last port of the ring forwards that is to, and all nodes
            have forgotten where they learned that stations are; None when that did not come about.
        promised_ps: What the protocol promises with the ring's parameters; None when it does not.
    """

    ring: str
    fault: str
    at_ps: int
    recovered_ps: int | None
    promised_ps: int | None

    @property
    def is_kept(self) -> bool | None:
        """Whether the promise was kept; None where nothing is promised."""
        if self.promised_ps is None:
            return None
        return self.recovered_ps is not None and self.recovered_ps <= self.promised_ps


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """The largest latency that a search found for one stream and listener.

    Attributes:
        stream_index: Into the plan.
        listener_index: Into the stream's listeners.
        latency_ps: Of a frame whose talkers all kept their contracts.
        releases_ps: First release of each talker in question; None of those that stay silent.
        after: What has failed in a ring of the plan; empty while all is well.
        run_count: Scenarios simulated.
    """

    stream_index: int
    listener_index: int
    latency_ps: int
    releases_ps: tuple[int | None, ...]
    after: str
    run_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedEvidence:
    """Everything that one simulation run observed.

    Attributes:
        design_hash: Of the plan that ran.
        seed: Of all random choices.
        duration_ps: Plant time that was simulated.
        requested_ps: Plant time that was asked for.
        complete: False when the run ended early; what is here is then a part.
        interrupted: Whether somebody ended it; otherwise the plan itself did, by sending
            without end more than can be carried.
        frames: Frames delivered over all streams and listeners.
        frame_hops: Hops made by all frames.
        streams: One row per stream and listener.
        egresses: One row per transmitter.
        chains: One row per chain.
        trace_hash: Fingerprint of the run: equal seeds and plans give equal fingerprints.
        assumptions: What the run rests on, in full sentences.
        clocks: One row per synchronised node.
        recoveries: One row per elimination of duplicates.
        exact: The maxima are the true ones for these phases: the run reached a state that it had
            been in before, and nothing in the plan is random. It may have ended there, before
            the time that was asked for; it is complete all the same.
        faults: What failed during the run, in words; empty when nothing did.
        outages: Of streams that did not come for a while, in a run with faults.
        ring_recoveries: One row per ring and fault in it.
        worst_cases: What a search for the worst case found, beside the run.
    """

    design_hash: str
    seed: int
    duration_ps: int
    requested_ps: int
    complete: bool
    frames: int
    frame_hops: int
    streams: tuple[StreamObservation, ...]
    egresses: tuple[EgressObservation, ...]
    chains: tuple[ChainObservation, ...]
    trace_hash: str
    assumptions: tuple[str, ...]
    interrupted: bool = False
    clocks: tuple[ClockObservation, ...] = ()
    recoveries: tuple[RecoveryObservation, ...] = ()
    exact: bool = False
    faults: tuple[str, ...] = ()
    outages: tuple[StreamOutage, ...] = ()
    ring_recoveries: tuple[RingRecovery, ...] = ()
    worst_cases: tuple[WorstCase, ...] = ()

# SPDX-License-Identifier: Apache-2.0
"""Parameters of the TSN mechanisms in a port, at reception and in a clock: data, never engines.

The bound, the simulation and the lab each read these and work them out by their own code. Times
are integer picoseconds; queues are numbered as in the plan, the highest being the most urgent.

Source: IEEE Std 802.1Q-2022 clause 8.6 (forwarding process), IEEE Std 802.3-2022 clause 99 (MAC
merge), IEEE Std 802.1CB-2017 clause 7, IEEE Std 802.1AS-2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Selection(StrEnum):
    """Transmission selection algorithm of one queue (802.1Q, 8.6.8).

    Attributes:
        STRICT: Whenever it holds a frame and no higher queue can send.
        CREDIT: Credit-based shaper: also needs a credit of 0 or more (8.6.8.2).
        ASYNCHRONOUS: Frames leave in the order of their eligibility times, none before its own
            (8.6.8.5); the times are given at reception by an :class:`AtsScheduler`. A frame
            that has passed none (its talker's own) may leave at once.
        ROUND_ROBIN: Deficit round robin among all queues of the port with this algorithm, which
            must be neighbours; as a group they take one place in the strict order.
    """

    STRICT = "strict priority"
    CREDIT = "credit-based"
    ASYNCHRONOUS = "asynchronous"
    ROUND_ROBIN = "round robin"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRule:
    """How one queue of a port is served.

    Attributes:
        selection: Its algorithm.
        idle_slope_bps: Of a credit-based queue, while its gate is open (the operative value).
            Credit falls by ``line_bps - idle_slope_bps`` for as long as a frame of the queue
            occupies the wire: lead, frame and tail octets. It rises while frames wait or credit
            is negative, is set to 0 when it is positive and none waits, and stands
            still while the queue's gate is closed or its frame is interrupted.
        quantum_octets: Of a round-robin queue: frame octets (destination address to FCS)
            that each round adds to what it may send.
        largest_frame_octets: Larger frames are dropped before they are queued (queueMaxSDU,
            as a frame size); None when anything goes.
        express: Whether its frames may interrupt preemptable ones, of whatever queue, and are never
            interrupted.
    """

    selection: Selection = Selection.STRICT
    idle_slope_bps: int = 0
    quantum_octets: int = 0
    largest_frame_octets: int | None = None
    express: bool = True


class GateOperation(StrEnum):
    """What an entry of a gate list does beside setting gate states (802.1Q, table 8-7)."""

    SET = "set-gate-states"
    HOLD = "set-and-hold-mac"
    RELEASE = "set-and-release-mac"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEntry:
    """One entry of a gate list: the states of all gates for a while.

    ``open_queues`` has bit q set when the gate of queue q is open.
    """

    duration_ps: int
    open_queues: int
    operation: GateOperation = GateOperation.SET


@dataclass(frozen=True, slots=True, kw_only=True)
class GateList:
    """Gates of a port, repeated every cycle on the clock of its node (802.1Q, 8.6.9).

    Entries run from ``base_ps`` on; a last entry that is too short for the cycle lasts until its
    end, entries beyond the cycle are cut. Before ``base_ps`` of a port's first list, that list
    is taken to have run already (cycles are counted backwards too).

    A frame is started only if it will have left, tail octets not counted, before the next
    closing of its queue's gate (the implicit guard band of 8.6.8.4). Gates decide on starts
    only: a preempted frame goes on whatever its gate does, unless a hold keeps it back.

    Attributes:
        base_ps: AdminBaseTime.
        cycle_ps: Time from one start of the list to the next.
        entries: In order.
        extension_ps: Largest stretch of this list's last cycle when the next one takes over
            (AdminCycleTimeExtension).
    """

    base_ps: int
    cycle_ps: int
    entries: tuple[GateEntry, ...]
    extension_ps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRules:
    """Everything about a wired port that is not plain strict priority.

    Attributes:
        queues: One rule per queue, lowest queue first.
        gates: Gate lists, each in force from its ``base_ps`` until that of the next (change at run
            time); empty when all gates are always open.
        fragment_octets: Smallest non-final fragment of a preempted frame, counted as 802.3
            counts it, with the check sequence of the fragment (64, 128, 192 or 256); None when
            the port does not preempt. A frame may be interrupted when at least
            ``fragment_octets - 4`` octets of it have been sent in this fragment and at least 64
            (check sequence included) remain. Each interruption costs 4 octets of check
            sequence, the tail and the lead once more. Until an interrupted frame has ended no
            other preemptable one is sent; express frames go before it, whatever their queue.
        hold_advance_ps: How long before an entry with ``HOLD`` the port stops starting or
            going on with preemptable frames (802.1Q, 12.30.1: holdAdvance). The hold lasts
            until an entry with ``RELEASE``.
    """

    queues: tuple[QueueRule, ...]
    gates: tuple[GateList, ...] = ()
    fragment_octets: int | None = None
    hold_advance_ps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AtsScheduler:
    """Gives each frame that is wholly received its eligibility time (802.1Q, 8.6.11).

    Lengths count the frame with the lead and tail octets of the wire it came over. Its time of
    arrival is that of entering the queue, processing included, so that processing does not
    disturb the order of eligibility (802.1Q, 8.6.11.1: ProcessingDelayMax).

    Attributes:
        name: Schedulers of one name at a node share one bucket.
        group: Frames of one group at a node get eligibility times that never fall.
        committed_bps: Committed information rate.
        committed_burst_octets: Committed burst size, lead and tail of each frame included.
        max_residence_ps: A frame that would have to wait longer is dropped.
    """

    name: str
    group: str
    committed_bps: int
    committed_burst_octets: int
    max_residence_ps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamGateEntry:
    """One entry of a stream gate (802.1Q, 8.6.10).

    Attributes:
        duration_ps: How long.
        is_open: Whether frames pass.
        queue_index: Queue that they are put into behind the gate (internal priority value), -1 for
            the one they would have.
        largest_octets: Frame octets that may pass in this interval; None for any.
    """

    duration_ps: int
    is_open: bool
    queue_index: int = -1
    largest_octets: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamGate:
    """A gate that several streams may share by name; it runs on the clock of its node.

    A frame meets the state at its full reception; an entry holds from its start up to, not
    including, its end. The cycle is taken to have run before ``base_ps`` too; a last entry that
    is too short lasts until the end of the cycle, entries beyond it are cut. The queue that an
    entry names is that of the hops out of this node only (an internal priority value changes no
    tag). A frame that is dropped uses up none of an interval's octets.

    ``close_on_invalid`` and ``close_on_excess`` shut it for good when a frame comes while it is
    closed, or exceeds the octets of an interval.
    """

    name: str
    base_ps: int
    cycle_ps: int
    entries: tuple[StreamGateEntry, ...]
    close_on_invalid: bool = False
    close_on_excess: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowMeter:
    """A two-rate three-colour meter that several streams may share by name (MEF 10.3, 802.1Q 8.6.5.5).

    Rates and bursts count frame octets (destination address to FCS).

    Attributes:
        name: Meters of one name at a node share their buckets.
        committed_bps: CIR.
        committed_burst_octets: CBS.
        excess_bps: EIR.
        excess_burst_octets: EBS.
        coupling: What the full committed bucket overflows goes to the excess bucket.
        colour_aware: Whether frames marked yellow before are only tried as yellow.
        drop_yellow: Whether yellow frames are dropped instead of marked.
        block_after_red: Whether all frames are dropped once the meter has dropped one, red or, with
            ``drop_yellow``, yellow (MarkAllFramesRed). Buckets begin full.
    """

    name: str
    committed_bps: int
    committed_burst_octets: int
    excess_bps: int = 0
    excess_burst_octets: int = 0
    coupling: bool = False
    colour_aware: bool = False
    drop_yellow: bool = False
    block_after_red: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFilter:
    """Per-stream filtering and policing at reception (802.1Q, 8.6.5.3): size, gate, meter.

    ``block_oversize`` drops everything once a frame was larger than ``largest_frame_octets``.
    Filters of one name at a node are one filter.
    """

    name: str
    largest_frame_octets: int | None = None
    block_oversize: bool = False
    gate: StreamGate | None = None
    meter: FlowMeter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What a node does with frames of one stream that it has wholly received over one hop.

    In this order: filter, sequence recovery (of the stream), ATS scheduler.
    """

    filter: StreamFilter | None = None
    scheduler: AtsScheduler | None = None


class RecoveryAlgorithm(StrEnum):
    """How duplicates are told (802.1CB, 7.4.3)."""

    VECTOR = "vector"
    MATCH = "match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Elimination of duplicates where copies of one stream come together (802.1CB, 7.4.2).

    Copies come over the hops ``members``, which all end at one node. The first copy of a frame
    passes, whichever hop it came over, and goes on as if it had come over the first member:
    through that hop's ATS scheduler, to its listeners and to the hops that have it as parent. The
    other members have none of these; each has the filter of its own reception.

    Attributes:
        members: Hops of the stream, at least two.
        algorithm: How duplicates are told.
        history_count: Sequence numbers that are remembered (vector).
        reset_ps: Time without a frame that passed (duplicates do not count) after which any
            sequence number is taken. A talker numbers its frames, all copies alike, modulo 2**16.
        merges: Kind of redundancy, for people: ``frer``, ``hsr`` or ``prp``.
    """

    members: tuple[int, ...]
    algorithm: RecoveryAlgorithm = RecoveryAlgorithm.VECTOR
    history_count: int = 64
    reset_ps: int = 10**12
    merges: str = "frer"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClock:
    """The clock of one node, disciplined over the synchronisation tree.

    :class:`Synchronisation` says how it runs.

    Attributes:
        node: Whose clock.
        parent: Node that it receives time from; empty at the grandmaster.
        error_ps: The clock never differs more from network time (the grandmaster's), by the budget.
        drift_ppb: Largest rate deviation of its oscillator from nominal, in parts per 10**9.
        wander_ppb: How much that deviation may change in the time from one synchronisation to
            the next.
        timestamp_ps: Largest error of one timestamp, either way (granularity and PHY).
        asymmetry_ps: Largest unknown half difference of the two directions to the parent.
        residence_ps: Largest time that it holds a synchronisation message before it sends it on,
            and that it takes to answer a delay request.
    """

    node: str
    parent: str
    error_ps: int
    drift_ppb: int
    wander_ppb: int
    timestamp_ps: int
    asymmetry_ps: int
    residence_ps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Synchronisation:
    """Clocks of a plant in one gPTP domain; parents before children, the grandmaster first.

    Talkers with a phase, gates and stream gates run on the clock of their node.

    How a clock runs (802.1AS-2020; the budgets of :mod:`netplan.tsn.clock_budget` hold for this):

    - Each node has a free oscillator. Its rate deviation stays within ``drift_ppb`` and changes by
      at most ``wander_ppb`` within ``interval_ps``. Network time is what the grandmaster shows.
    - Every timestamp is wrong by up to ``timestamp_ps`` of the node that takes it.
    - Every ``pdelay_interval_ps`` a node and its parent exchange Pdelay messages (four timestamps).
      The node derives the mean link delay, which is wrong by ``asymmetry_ps`` besides, and from the
      parent's and its own timestamps of two consecutive exchanges the neighbour rate ratio.
    - Every ``interval_ps`` the grandmaster sends Sync. Each node takes the time of arrival, adds
      the link delay to the time that the message tells, and sets its clock to the result: the clock
      steps. It sends Sync on after up to ``residence_ps``, which it measures with its own
      oscillator and corrects by the rate ratio to the grandmaster: the product (or, as 802.1AS
      carries it, one plus the sum of the deviations) of the neighbour rate ratios on the way.
    - Until the next Sync the clock goes on with its oscillator times that rate ratio: time
      and rate are constant pieces, changed at each Sync.

    Attributes:
        grandmaster: Node whose clock is network time.
        interval_ps: Time between two Sync messages of the grandmaster.
        clocks: Of every node that is reached.
        sources: Where the values come from.
        pdelay_interval_ps: Time between two delay measurements on a link.
    """

    grandmaster: str
    interval_ps: int
    clocks: tuple[NodeClock, ...]
    sources: tuple[str, ...] = ()
    pdelay_interval_ps: int = 10**12

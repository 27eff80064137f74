# SPDX-License-Identifier: Apache-2.0
"""Hops of streams that keep a phase, with the times of each frame at each of them.

A frame enters a queue within an interval of network time, starts within another one, and is
received within a third. Talkers release on their own clock, which is wrong by up to its
error. Where copies of a frame come together, the first one goes on: no earlier than the
earliest of all, and no later than the latest, even when a way has failed.

Source: IEEE Std 802.1Q-2022, 8.6; IEEE Std 802.1CB-2017, 7.4.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from netplan.bounds.network import Flow, Network, least_ps, most_ps
from netplan.bounds.timed_streams import Releases, Timeline
from netplan.bounds.transmitter import Transmitter
from netplan.media.frames import PS_PER_S, wire_time_ps
from netplan.plan.model import Hop, Plan, PlannedStream
from netplan.tsn.mechanisms import Recovery, RecoveryAlgorithm


@dataclass(slots=True, kw_only=True)
class TimedFlow:
    """One hop of a stream that keeps its phase; lists have one value per frame.

    Attributes:
        index: The same hop among the flows of the network.
        releases: Frames of the stream.
        parents: Flows that bring the frames; none at the talker, several where copies merge.
        server_index: Queue that the frames wait in.
        jitter_ps: Of the release, at the talker.
        error_ps: Of the talker's clock, at the talker.
        before_ps: Least and largest sum of fixed terms before the queue.
        after_ps: Least and largest sum of fixed terms behind the transmitter.
        octets: Frame octets on this hop.
        delivery_ps: From the start of a frame until its last bit has left.
        least_delivery_ps: The same, rounded down.
        work_ps: Time on the wire, tail octets included.
        least_work_ps: The same, rounded down.
        handed_ps: From the start at the parent until processing here begins, where that is
            before full reception (cut-through): least and largest; empty otherwise.
        line: See :class:`netplan.bounds.timed_queue.Entry`.
        earliest_ps: Earliest entry into the queue.
        latest_ps: Latest entry.
        earliest_start_ps: Earliest start.
        latest_start_ps: Latest start.
        wait_ps: Longest wait whenever the frame enters; None when it depends on when.
        unknown: Why nothing is known about starts; empty when they are known.
    """

    index: int
    releases: Releases
    parents: tuple[int, ...]
    server_index: int
    jitter_ps: int
    error_ps: int
    before_ps: tuple[int, int]
    after_ps: tuple[int, int]
    octets: list[int]
    delivery_ps: list[int]
    least_delivery_ps: list[int]
    work_ps: list[int]
    least_work_ps: list[int]
    handed_ps: list[tuple[int, int]]
    line: int = -1
    earliest_ps: list[int] = field(default_factory=list)
    latest_ps: list[int] = field(default_factory=list)
    earliest_start_ps: list[int] = field(default_factory=list)
    latest_start_ps: list[int] = field(default_factory=list)
    wait_ps: list[int | None] = field(default_factory=list)
    unknown: str = ""

    def earliest_received_ps(self, frame: int) -> int:
        """Earliest full reception of a frame at the end of the hop."""
        return self.earliest_start_ps[frame] + self.least_delivery_ps[frame] + self.after_ps[0]

    def latest_received_ps(self, frame: int) -> int:
        """Latest full reception of a frame at the end of the hop."""
        return self.latest_start_ps[frame] + self.delivery_ps[frame] + self.after_ps[1]


def merged_hops(stream: PlannedStream, hop_index: int) -> tuple[int, ...]:
    """Hops whose copies come together at the end of a hop: the hop itself where none do."""
    for recovery in stream.recoveries:
        if recovery.members[0] == hop_index:
            return recovery.members
    return (hop_index,)


def timed_flows(
    network: Network, timeline: Timeline
) -> tuple[dict[int, TimedFlow], dict[int, str]]:
    """Hops whose frames can be followed, by flow, and why others cannot be.

    Queues are not looked at yet.
    """
    flows: dict[int, TimedFlow] = {}
    reasons: dict[int, str] = {}
    lines: dict[tuple[int, tuple[int, int], tuple[int, int]], int] = {}
    for stream_index, releases in timeline.releases.items():
        stream = network.plan.streams[stream_index]
        indices = network.flow_of[stream_index]
        for hop_index, hop in enumerate(stream.hops):
            parents: tuple[int, ...] = ()
            because = _not_followed(network, stream, hop)
            if hop.parent_index >= 0:
                members = merged_hops(stream, hop.parent_index)
                parents = tuple(indices[member] for member in members)
                for parent in parents:
                    because = because or reasons.get(parent, "")
            if because:
                reasons[indices[hop_index]] = because
                continue
            flow = network.flows[indices[hop_index]]
            timed = _timed_flow(network, timeline, flow, releases, parents)
            flows[flow_index := indices[hop_index]] = timed
            assert timed.index == flow_index
            if len(parents) == 1 and hop.cut_through_octets is None:
                parent = parents[0]
                key = network.flows[parent].egress_index, flows[parent].after_ps, timed.before_ps
                timed.line = lines.setdefault(key, len(lines))
    return flows, reasons


def _not_followed(network: Network, stream: PlannedStream, hop: Hop) -> str:
    """Why frames cannot be followed into a queue; empty when they can."""
    plan: Plan = network.plan
    egress = plan.egresses[hop.egress_index]
    if egress.rules is not None and egress.rules.queues:
        limit = egress.rules.queues[hop.queue_index].largest_frame_octets
        sizes = (octets for message in stream.emission.messages for octets in message)
        largest = max(sizes, default=0) + hop.added_octets
        if limit is not None and largest > limit:
            return f"{egress.name} drops frames of {largest} octets in queue {hop.queue_index}"
    if hop.parent_index < 0:
        return ""
    members = merged_hops(stream, hop.parent_index)
    if len(members) > 1 and hop.cut_through_octets is not None:
        return f"{stream.name} is cut through where its copies come together at {hop.from_node}"
    for member in members:
        reception = stream.hops[member].reception
        if reception is None:
            continue
        if reception.scheduler is not None:
            return f"frames of {stream.name} wait for their eligibility time at {hop.from_node}"
        gate = None if reception.filter is None else reception.filter.gate
        if gate is not None and any(entry.queue_index >= 0 for entry in gate.entries):
            return f"a stream gate at {hop.from_node} changes the queue of {stream.name}"
    return ""


def _timed_flow(
    network: Network, timeline: Timeline, flow: Flow, releases: Releases, parents: tuple[int, ...]
) -> TimedFlow:
    stream, hop = network.stream(flow), network.hop(flow)
    transmitter = network.transmitters[flow.egress_index]
    octets = [size + hop.added_octets for size in releases.octets]
    rate = transmitter.rate_bps > 0
    delivery = {size: transmitter.delivery_ps(size) if rate else 0 for size in set(octets)}
    least = {size: transmitter.least_delivery_ps(size) for size in delivery}
    work = {size: transmitter.work_ps(size) if rate else 0 for size in delivery}
    spacing = {
        size: transmitter.spacing_ps(size) if transmitter.is_wire else 0 for size in delivery
    }
    handed: list[tuple[int, int]] = []
    if hop.cut_through_octets is not None and parents:
        behind = network.transmitters[network.flows[parents[0]].egress_index]
        added = network.hop(network.flows[parents[0]]).added_octets
        handed = [
            _until_octets_ps(behind, min(hop.cut_through_octets, size + added))
            for size in releases.octets
        ]
    error_ps = timeline.clock_error_ps(stream.talker)
    assert error_ps is not None
    return TimedFlow(
        index=network.flow_of[flow.stream_index][flow.hop_index],
        releases=releases,
        parents=parents,
        server_index=flow.server_index,
        jitter_ps=stream.emission.jitter_ps,
        error_ps=error_ps,
        before_ps=(least_ps(hop.before), most_ps(hop.before)),
        after_ps=(least_ps(hop.after), most_ps(hop.after)),
        octets=octets,
        delivery_ps=[delivery[size] for size in octets],
        least_delivery_ps=[least[size] for size in octets],
        work_ps=[work[size] for size in octets],
        least_work_ps=[spacing[size] for size in octets],
        handed_ps=handed,
    )


def _until_octets_ps(transmitter: Transmitter, frame_octets: int) -> tuple[int, int]:
    if not transmitter.is_wire or not transmitter.rate_bps:
        return 0, 0
    octets = transmitter.lead_octets + frame_octets
    return 8 * octets * PS_PER_S // transmitter.line_bps, wire_time_ps(octets, transmitter.rate_bps)


def earliest_entry_ps(flows: dict[int, TimedFlow], flow: TimedFlow, frame: int) -> int:
    """Earliest entry of a frame into its queue, from what is known of the hops before."""
    least_ps = flow.before_ps[0]
    if not flow.parents:
        return flow.releases.nominal_ps[frame] - flow.error_ps + least_ps
    if flow.handed_ps:
        parent = flows[flow.parents[0]]
        begun_ps = parent.earliest_start_ps[frame] + flow.handed_ps[frame][0]
        return begun_ps + parent.after_ps[0] + least_ps
    return min(flows[parent].earliest_received_ps(frame) for parent in flow.parents) + least_ps


def latest_entry_ps(flows: dict[int, TimedFlow], flow: TimedFlow, frame: int) -> int:
    """Latest entry of a frame into its queue, from what is known of the hops before."""
    most_ps = flow.before_ps[1]
    if not flow.parents:
        release_ps = flow.releases.nominal_ps[frame] + flow.jitter_ps
        return release_ps + flow.error_ps + most_ps
    if flow.handed_ps:
        parent = flows[flow.parents[0]]
        begun_ps = parent.latest_start_ps[frame] + flow.handed_ps[frame][1]
        return begun_ps + parent.after_ps[1] + most_ps
    return max(flows[parent].latest_received_ps(frame) for parent in flow.parents) + most_ps


def surely_before(
    flows: dict[int, TimedFlow], one: tuple[int, int], other: tuple[int, int], shift_ps: int
) -> bool:
    """Whether a frame enters a queue ahead of another one of the same queue in any case.

    Of the other one only the earliest times are looked at.

    Args:
        flows: All of them.
        one: Flow and frame.
        other: Flow and frame.
        shift_ps: By how much later than its listed times the other one is meant.
    """
    (flow_index, frame), (other_index, other_frame) = one, other
    while True:
        flow, other_flow = flows[flow_index], flows[other_index]
        if flow.latest_ps[frame] < other_flow.earliest_ps[other_frame] + shift_ps:
            return True
        if flow is other_flow and len(flow.parents) <= 1:
            releases = flow.releases
            same = releases.message_index[frame] == releases.message_index[other_frame]
            if same and shift_ps == 0 and frame < other_frame and never_merged(flows, flow):
                return True
        if not flow.parents and not other_flow.parents:
            # Releases on one clock keep their order, however wrong it is.
            return (
                flow.before_ps == other_flow.before_ps
                and flow.releases.nominal_ps[frame] + flow.jitter_ps
                < other_flow.releases.nominal_ps[other_frame] + shift_ps
            )
        if flow.line < 0 or flow.line != other_flow.line:
            return False
        flow_index, other_index = flow.parents[0], other_flow.parents[0]
        if flows[flow_index].server_index != flows[other_index].server_index:
            return False


def never_merged(flows: dict[int, TimedFlow], flow: TimedFlow) -> bool:
    """Whether frames came to a hop over one way only."""
    while flow.parents:
        if len(flow.parents) > 1:
            return False
        flow = flows[flow.parents[0]]
    return True


def duplicates_pass(stream: PlannedStream, recovery: Recovery, span_ps: int) -> str:
    """Why a later copy might be taken for a new frame; empty when it cannot be.

    Args:
        stream: Whose copies they are.
        recovery: Where they come together.
        span_ps: Largest time between the copies of one frame.
    """
    if span_ps >= recovery.reset_ps:
        return f"copies of {stream.name} come further apart than the reset time of their recovery"
    emission = stream.emission
    offsets = emission.offsets_ps
    gap_ps = emission.period_ps
    if offsets:
        ends = (*offsets[1:], emission.period_ps + offsets[0])
        gap_ps = min(end - start for start, end in zip(offsets, ends, strict=True))
    messages = (span_ps + emission.jitter_ps) // max(gap_ps, 1) + 1
    frames = messages * max(len(message) for message in emission.messages)
    history = recovery.history_count if recovery.algorithm is RecoveryAlgorithm.VECTOR else 1
    if frames > history:
        return f"copies of {stream.name} come further apart than their recovery remembers"
    return ""

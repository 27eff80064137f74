# SPDX-License-Identifier: Apache-2.0
"""From times of frames to the worst case of each stream at each listener.

Of every frame, the latest reception minus the earliest time at which its first bit can have
left the talker is one bound; the sum of the longest waits on its way is another, where
waits do not depend on when it comes. The smaller one counts; the frame for which it is largest
gives the row, and its way is told hop by hop: gate wait, clock error and queueing apart.
"""

from __future__ import annotations

from netplan.bounds.losses import losses_of
from netplan.bounds.timed_flows import TimedFlow, merged_hops
from netplan.bounds.timed_ports import TimedNetwork
from netplan.media.frames import PS_PER_S
from netplan.media.interface import DelayTerm, TermKind
from netplan.verdict.evidence import EgressBound, HopBound, StreamBound

_SOURCE = "IEEE Std 802.1Q-2022, 8.6.8.4, followed frame by frame"
_WIRE_SOURCE = "IEEE Std 802.3-2022, 3.1.1: octets over line rate"


def timed_row(
    timed: TimedNetwork,
    stream_index: int,
    listener_index: int,
    egresses: tuple[EgressBound, ...],
) -> StreamBound | str:
    """The row of one listener, or why there is none.

    Args:
        timed: Worked out.
        stream_index: Into the plan.
        listener_index: Into the stream's listeners.
        egresses: Backlogs of all transmitters.
    """
    stream = timed.network.plan.streams[stream_index]
    indices = timed.network.flow_of[stream_index]
    members = merged_hops(stream, stream.listener_hops[listener_index])
    for member in members:
        because = timed.why_unknown(indices[member])
        if because:
            return because
    ends = [timed.flows[indices[member]] for member in members]
    nominal_ps = ends[0].releases.nominal_ps
    if not nominal_ps:
        return f"{stream.name} releases no frames"
    received_ps = [_received_ps(ends, frame) for frame in range(len(nominal_ps))]
    roots = _roots(timed, ends)
    worst_ps, worst, by_waits = -1, 0, False
    minimum_ps = received_ps[0][1]
    for frame, (earliest_ps, latest_ps) in enumerate(received_ps):
        left = [_left_port_ps(timed, root, frame) for root in roots]
        bound_ps = latest_ps - min(span[0] for span in left)
        waits_ps = _by_waits_ps(timed, ends, frame)
        smaller_ps = bound_ps if waits_ps is None else min(bound_ps, waits_ps)
        if smaller_ps > worst_ps:
            worst_ps, worst, by_waits = smaller_ps, frame, smaller_ps < bound_ps
        least_ways_ps = min(_least_way_ps(timed, end, frame) for end in ends)
        fastest_ps = max(earliest_ps - max(span[1] for span in left), least_ways_ps)
        minimum_ps = fastest_ps if frame == 0 else min(minimum_ps, fastest_ps)
    latest_ps = max(span[1] - at_ps for span, at_ps in zip(received_ps, nominal_ps, strict=True))
    earliest_ps = min(span[0] - at_ps for span, at_ps in zip(received_ps, nominal_ps, strict=True))
    crossed = sorted(flow.index for flow in _behind(timed, ends))
    lost = [text for index in crossed for text in losses_of(timed.network, egresses, index)]
    return StreamBound(
        stream_index=stream_index,
        listener_index=listener_index,
        bound_ps=worst_ps,
        talker_wait_ps=max(_talker_wait_ps(timed, root) for root in roots),
        minimum_ps=minimum_ps,
        exceedance_probability=0.0,
        hops=_hops(timed, ends, roots, worst, by_waits=by_waits),
        loss_free=not lost,
        why="; ".join(dict.fromkeys(lost)),
        jitter_ps=latest_ps - earliest_ps,
    )


def _received_ps(ends: list[TimedFlow], frame: int) -> tuple[int, int]:
    return (
        min(end.earliest_received_ps(frame) for end in ends),
        max(end.latest_received_ps(frame) for end in ends),
    )


def _behind(timed: TimedNetwork, ends: list[TimedFlow]) -> list[TimedFlow]:
    """All hops of all ways that end with these."""
    found: dict[int, TimedFlow] = {}
    stack = list(ends)
    while stack:
        flow = stack.pop()
        if flow.index not in found:
            found[flow.index] = flow
            stack += [timed.flows[parent] for parent in flow.parents]
    return list(found.values())


def _roots(timed: TimedNetwork, ends: list[TimedFlow]) -> list[TimedFlow]:
    return [flow for flow in _behind(timed, ends) if not flow.parents]


def _chain(timed: TimedNetwork, ends: list[TimedFlow], frame: int) -> list[TimedFlow]:
    """Hops from the talker on; where copies merge, those of the latest copy."""
    chain: list[TimedFlow] = []
    candidates = ends
    while candidates:
        flow = max(candidates, key=lambda candidate: candidate.latest_received_ps(frame))
        chain.append(flow)
        candidates = [timed.flows[parent] for parent in flow.parents]
    return chain[::-1]


def _least_lead_ps(timed: TimedNetwork, root: TimedFlow) -> int:
    transmitter = timed.network.transmitters[timed.network.flows[root.index].egress_index]
    return 8 * transmitter.lead_octets * PS_PER_S // transmitter.line_bps


def _lead_ps(timed: TimedNetwork, root: TimedFlow) -> int:
    return timed.network.transmitters[timed.network.flows[root.index].egress_index].lead_ps()


def _left_port_ps(timed: TimedNetwork, root: TimedFlow, frame: int) -> tuple[int, int]:
    """Earliest and latest time at which the first bit after the preamble leaves the talker."""
    return (
        root.earliest_start_ps[frame] + _least_lead_ps(timed, root),
        root.latest_start_ps[frame] + _lead_ps(timed, root),
    )


def _talker_wait_ps(timed: TimedNetwork, root: TimedFlow) -> int:
    """Longest time from release to the first bit after the preamble."""
    longest_ps = 0
    for frame, nominal_ps in enumerate(root.releases.nominal_ps):
        start_ps = root.latest_start_ps[frame] - (nominal_ps - root.error_ps)
        wait_ps = root.wait_ps[frame]
        if wait_ps is not None:
            start_ps = min(start_ps, root.before_ps[1] + wait_ps)
        longest_ps = max(longest_ps, start_ps)
    return longest_ps + _lead_ps(timed, root)


def _on_wire_ps(
    timed: TimedNetwork, flow: TimedFlow, child: TimedFlow | None, frame: int
) -> tuple[int, int]:
    """Time of a hop's own octets that counts: least and largest."""
    least_ps, most_ps = flow.least_delivery_ps[frame], flow.delivery_ps[frame]
    if child is not None and child.handed_ps:
        least_ps, most_ps = child.handed_ps[frame]
    if not flow.parents:
        least_ps -= _lead_ps(timed, flow)
        most_ps -= _least_lead_ps(timed, flow)
    return least_ps, most_ps


def _least_way_ps(timed: TimedNetwork, end: TimedFlow, frame: int) -> int:
    """Least time on a way without any wait; over the fastest one where copies merge."""
    flow, child, total_ps = end, None, 0
    while True:
        least_ps, _ = _on_wire_ps(timed, flow, child, frame)
        total_ps += least_ps + flow.after_ps[0]
        if not flow.parents:
            return total_ps
        total_ps += flow.before_ps[0]
        if len(flow.parents) > 1:
            parents = [timed.flows[parent] for parent in flow.parents]
            return total_ps + min(_least_way_ps(timed, parent, frame) for parent in parents)
        flow, child = timed.flows[flow.parents[0]], flow


def _by_waits_ps(timed: TimedNetwork, ends: list[TimedFlow], frame: int) -> int | None:
    """Sum of the longest waits on the only way to a listener, None where that says nothing."""
    if len(ends) > 1:
        return None
    flow, child, total_ps = ends[0], None, 0
    while True:
        _, most_ps = _on_wire_ps(timed, flow, child, frame)
        total_ps += most_ps + flow.after_ps[1]
        if not flow.parents:
            return total_ps
        wait_ps = flow.wait_ps[frame]
        if len(flow.parents) > 1 or wait_ps is None:
            return None
        total_ps += flow.before_ps[1] + wait_ps
        flow, child = timed.flows[flow.parents[0]], flow


def _hops(
    timed: TimedNetwork,
    ends: list[TimedFlow],
    roots: list[TimedFlow],
    frame: int,
    *,
    by_waits: bool,
) -> tuple[HopBound, ...]:
    """The way of a frame, hop by hop; terms sum to its bound."""
    chain = _chain(timed, ends, frame)
    hops = []
    for place, flow in enumerate(chain):
        child = chain[place + 1] if place + 1 < len(chain) else None
        hop = timed.network.hop(timed.network.flows[flow.index])
        terms: list[DelayTerm] = []
        if place:
            terms += hop.before
            terms += _waits(timed, flow, frame, by_waits=by_waits)
        elif not by_waits:
            terms += _at_talker(timed, roots, flow, frame)
        least_ps, most_ps = _on_wire_ps(timed, flow, child, frame)
        egress_index = timed.network.flows[flow.index].egress_index
        name = timed.network.transmitters[egress_index].name
        what = f"{flow.octets[frame]} octets at {name}"
        if child is not None and child.handed_ps:
            what += ", cut through behind it"
        terms.append(
            DelayTerm(
                kind=TermKind.SERIALISATION,
                what=what,
                min_ps=least_ps,
                max_ps=most_ps,
                source=_WIRE_SOURCE,
            )
        )
        terms += hop.after
        hops.append(HopBound(egress_index=egress_index, terms=tuple(terms)))
    return tuple(hops)


def _term(kind: TermKind, what: str, most_ps: int) -> list[DelayTerm]:
    if not most_ps:
        return []
    return [DelayTerm(kind=kind, what=what, min_ps=0, max_ps=most_ps, source=_SOURCE)]


def _at_talker(
    timed: TimedNetwork, roots: list[TimedFlow], root: TimedFlow, frame: int
) -> list[DelayTerm]:
    """How far apart the earliest and the latest start at the talker are."""
    earliest_ps = min(_left_port_ps(timed, other, frame)[0] for other in roots)
    spread_ps = root.latest_start_ps[frame] + _least_lead_ps(timed, root) - earliest_ps
    clock_ps = min(spread_ps, 2 * root.error_ps)
    talker = timed.network.stream(timed.network.flows[root.index]).talker
    return [
        *_term(TermKind.CLOCK_ERROR, f"release on the clock of {talker}", clock_ps),
        *_term(TermKind.QUEUEING, f"jitter and waits at {talker}", spread_ps - clock_ps),
    ]


def _waits(timed: TimedNetwork, flow: TimedFlow, frame: int, *, by_waits: bool) -> list[DelayTerm]:
    """Wait in a queue: for its gate, for what its clock may be wrong, and for other frames."""
    server = timed.network.servers[flow.server_index]
    egress = timed.network.plan.egresses[server.egress_index]
    queue = f"queue {server.queue_index} of {egress.name}"
    port, delivery_ps = timed.queues[flow.server_index].port, flow.delivery_ps[frame]
    wait_ps = flow.wait_ps[frame]
    # By waits, what comes earliest waits longest for the gate.
    entry_ps = flow.earliest_ps[frame] if by_waits else flow.latest_ps[frame]
    ideal_ps = port.openings.start_ps(entry_ps, delivery_ps, 0)
    lone_ps = port.openings.start_ps(entry_ps, delivery_ps, port.error_ps)
    # A whole opening that is missed for a wrong clock is still a wait for the gate.
    clock_ps = min(lone_ps - ideal_ps, port.error_ps)
    gate_ps = lone_ps - clock_ps - entry_ps
    if by_waits:
        assert wait_ps is not None
        gate_ps = min(gate_ps, wait_ps)
        clock_ps = min(clock_ps, wait_ps - gate_ps)
        queueing_ps = wait_ps - gate_ps - clock_ps
    else:
        queueing_ps = flow.latest_start_ps[frame] - lone_ps
    return [
        *_term(TermKind.GATE_WAIT, queue, gate_ps),
        *_term(TermKind.CLOCK_ERROR, f"gates of {egress.name}", clock_ps),
        *_term(TermKind.QUEUEING, queue, queueing_ps),
    ]

# SPDX-License-Identifier: Apache-2.0
"""Asynchronous shapers: what they let through, and how long frames wait to be eligible.

Behind a scheduler, a window brings no more than its burst and its rate. Frames that kept both
when they entered a first-in-first-out system do not leave the regulator behind it later than the
worst case of that system over all frames of their group; so it costs no delay, only jitter that
others had caused. It holds for a group whose frames all come from one upstream queue over one
wire, each scheduler's part having kept rate and burst when it entered that queue: eligible there
under schedulers no faster, or released there by talkers within them. A stream alone in
group and scheduler may have come any way that keeps its order, or else is delayed by what it
exceeds the bucket. Anything else may wait as long as the residence time allows, and be lost.

Eligibility is reckoned from the time at which frames enter the queue, processing included.

Source: Le Boudec, A theory of traffic regulators for deterministic networks with application to
interleaved regulators (2018), theorems 4 and 5; Specht, Samii, Urgency-based scheduler
for time-sensitive switched Ethernet networks (2016); Mohammadpour, Stai, Mohiuddin, Le Boudec, Latency
and backlog bounds in TSN with credit based shapers and asynchronous traffic shaping (2018);
Thomas, Le Boudec, On time synchronization issues in time-sensitive networks with
regulators and nonideal clocks (2020), for what is assumed of clocks; IEEE Std 802.1Q-2022, 8.6.11.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from netplan.bounds.arrivals import Bucket, Windows, trace_of, windows_of
from netplan.bounds.model import NO_WIRE, Flow, Network, Residence
from netplan.media.frames import PS_PER_S
from netplan.tsn.mechanisms import AtsScheduler, Selection

_MOST_MESSAGES = 5000
"""Messages of a flow that are held against a bucket one by one."""


def regulate(network: Network) -> None:
    """Find the schedulers of all flows, and what bounds the waits for eligibility."""
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    users: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, flow in enumerate(network.flows):
        _pass_reception(network, flow)
        flow.shaped = flow.scheduler is not None or flow.meter is not None
        for way in flow.ways[:1]:
            before = network.servers[network.flows[way.parent_index].server_index].access
            flow.shaped = flow.shaped or (before is not None and before.idle_bps > 0)
        if flow.scheduler is None:
            continue
        flow.ingress_index = NO_WIRE
        node = network.hop(flow).from_node
        groups[node, flow.scheduler.group].append(index)
        users[node, flow.scheduler.name].append(index)
    for (node, _), members in groups.items():
        harmless = _harmless(network, members)
        for index in members:
            flow = network.flows[index]
            scheduler = flow.scheduler
            assert scheduler is not None
            alone = len(members) == len(users[node, scheduler.name]) == 1
            in_order = alone and _keeps_order(network, flow)
            flow.residence = Residence(
                limit_ps=scheduler.max_residence_ps,
                group=tuple(members) if harmless else (),
                burst_octets=scheduler.committed_burst_octets if alone else 0,
                rate_bps=scheduler.committed_bps if alone else 0,
                conforms=in_order and _talker_keeps(network, flow, scheduler),
            )


def _pass_reception(network: Network, flow: Flow) -> None:
    """Scheduler and meter that all frames of a flow have just passed."""
    receptions = [network.hop(network.flows[way.parent_index]).reception for way in flow.ways]
    if not receptions:
        return
    # Behind a recovery, frames pass the scheduler of its first member, each its own filter.
    scheduler = None if receptions[0] is None else receptions[0].scheduler
    rules = network.plan.egresses[flow.egress_index].rules
    queue_index = network.hop(flow).queue_index
    keeps = (
        rules is not None
        and queue_index < len(rules.queues)
        and rules.queues[queue_index].selection is Selection.ASYNCHRONOUS
    )
    if keeps:
        flow.scheduler = scheduler
    meters = {
        one.filter.meter if one is not None and one.filter is not None else None
        for one in receptions
    }
    if len(meters) == 1:
        flow.meter = meters.pop()


def token_octets(network: Network, flow: Flow, frame_octets: int) -> list[int]:
    """Octets that a scheduler counts for a frame of this flow: as on each wire before."""
    octets = []
    for way in flow.ways:
        parent = network.flows[way.parent_index]
        wire = network.transmitters[parent.egress_index]
        added = network.hop(parent).added_octets - network.hop(flow).added_octets
        octets.append(frame_octets + added + wire.lead_octets + wire.tail_octets)
    return octets


def _keeps_order(network: Network, flow: Flow) -> bool:
    """Whether frames come by one way only, from the talker on."""
    while flow.ways:
        if len(flow.ways) > 1 or flow.copies_count > 1:
            return False
        flow = network.flows[flow.parent_index]
    return True


def _talker_keeps(network: Network, flow: Flow, scheduler: AtsScheduler) -> bool:
    """Whether a talker keeps a bucket, with the frame lengths that its scheduler counts."""
    root = flow
    while root.ways:
        root = network.flows[root.parent_index]
    if root.jitter_ps is None:
        return False
    windows = _token_windows(network, flow)
    return excess_ps(windows, root.period_ps, root.jitter_ps, scheduler) == 0


def _token_windows(network: Network, flow: Flow) -> Windows:
    emission, added = network.stream(flow).emission, network.hop(flow).added_octets
    sums = tuple(
        sum(max(token_octets(network, flow, octets + added)) for octets in message)
        for message in emission.messages
    )
    if emission.offsets_ps:
        return trace_of(sums, emission.offsets_ps, emission.period_ps)
    return windows_of(sums)


def excess_ps(
    windows: Windows, period_ps: int, jitter_ps: int, scheduler: AtsScheduler
) -> int | None:
    """Longest wait for tokens of a flow alone in its scheduler; None when it never ends.

    That is how long after any window the bucket catches up with what the window brought.
    """
    rate, burst = scheduler.committed_bps, scheduler.committed_burst_octets * 8 * PS_PER_S
    messages = windows.per_period() * len(windows.largest)
    pattern_ps = period_ps * (len(windows.largest) if windows.per_period() == 1 else 1)
    if windows.total * 8 * PS_PER_S > rate * pattern_ps or messages > _MOST_MESSAGES:
        return None
    window_ps, worst = 0, 0
    while window_ps <= pattern_ps:  # from then on the bucket gains at least what comes
        brought = windows.in_window(window_ps + jitter_ps, period_ps) * 8 * PS_PER_S
        worst = max(worst, brought - burst - rate * window_ps)
        window_ps = windows.step_after(window_ps + jitter_ps, period_ps) - jitter_ps
    return -(-worst // rate)


def _harmless(network: Network, members: list[int]) -> bool:
    """Whether a group's regulator leaves the worst case of what is before it as it is."""
    flows = [network.flows[index] for index in members]
    if any(len(flow.ways) != 1 or flow.copies_count > 1 for flow in flows):
        return False
    parents = [network.flows[flow.parent_index] for flow in flows]
    if len({parent.server_index for parent in parents}) != 1:
        return False
    if not network.transmitters[parents[0].egress_index].is_wire:
        return False
    by_name: defaultdict[str, list[tuple[Flow, Flow]]] = defaultdict(list)
    for flow, parent in zip(flows, parents, strict=True):
        assert flow.scheduler is not None
        by_name[flow.scheduler.name].append((flow, parent))
    return all(_part_keeps(network, pairs) for pairs in by_name.values())


def _part_keeps(network: Network, pairs: list[tuple[Flow, Flow]]) -> bool:
    """Whether the flows of one scheduler keep its bucket when they enter the queue before."""
    scheduler = pairs[0][0].scheduler
    assert scheduler is not None
    # The branches of a multicast stream are one stream where they are received.
    pairs = list({flow.parent_index: (flow, parent) for flow, parent in pairs}.values())
    rate_bps = burst_octets = 0
    before: dict[str, AtsScheduler] = {}
    for flow, parent in pairs:
        if parent.scheduler is not None:
            sizes = [
                octets - network.hop(flow).added_octets + network.hop(parent).added_octets
                for octets in flow.frame_octets
            ]
            longer = any(
                max(token_octets(network, flow, octets)) > min(token_octets(network, parent, size))
                for octets, size in zip(flow.frame_octets, sizes, strict=True)
            )
            if longer:
                return False
            before[parent.scheduler.name] = parent.scheduler
        elif not parent.ways and parent.jitter_ps is not None:
            if len(pairs) == 1:
                windows = _token_windows(network, flow)
                return excess_ps(windows, parent.period_ps, parent.jitter_ps, scheduler) == 0
            windows = _token_windows(network, flow)
            pattern_ps = parent.period_ps * (
                len(windows.largest) if windows.per_period() == 1 else 1
            )
            rate_bps -= -windows.total * 8 * PS_PER_S // pattern_ps
            burst_octets += windows.affine_burst(parent.period_ps, parent.jitter_ps)
        else:
            return False
    rate_bps += sum(one.committed_bps for one in before.values())
    burst_octets += sum(one.committed_burst_octets for one in before.values())
    return rate_bps <= scheduler.committed_bps and burst_octets <= scheduler.committed_burst_octets


def residence_ps(network: Network, index: int, *, jitter_ps: int) -> int:
    """How much a scheduler may add to the latest arrival of a flow.

    Args:
        network: As far as it has been worked out.
        index: The flow, behind the scheduler.
        jitter_ps: Its jitter when it reaches the scheduler.
    """
    flow = network.flows[index]
    residence, scheduler = flow.residence, flow.scheduler
    if residence is None or residence.conforms:
        return 0
    assert scheduler is not None
    if residence.group:
        own_ps = _before_ps(network, flow)
        worst_ps = max(_before_ps(network, network.flows[one]) for one in residence.group)
        return min(worst_ps - own_ps, residence.limit_ps)
    if residence.burst_octets:
        excess = excess_ps(_token_windows(network, flow), flow.period_ps, jitter_ps, scheduler)
        if excess is not None:
            return min(excess, residence.limit_ps)
    return residence.limit_ps


def longest_stay_ps(network: Network, index: int) -> int:
    """Longest time that a frame of known jitter waits for its eligibility time; 0 without one."""
    flow = network.flows[index]
    residence = flow.residence
    if residence is None:
        return 0
    stay_ps = residence.limit_ps
    if residence.conforms and flow.jitter_ps is not None:
        stay_ps = flow.jitter_ps
    elif residence.group:
        worst_ps = max(_before_ps(network, network.flows[one]) for one in residence.group)
        stay_ps = max(0, worst_ps - flow.ways[0].least_ps)
    return min(stay_ps, residence.limit_ps)


def _before_ps(network: Network, flow: Flow) -> int:
    """Longest time from the queue before until a frame reaches the scheduler."""
    way = flow.ways[0]
    parent = network.flows[way.parent_index]
    server = network.servers[parent.server_index]
    lag_ps = 0 if server.contention is None else network.lag_ps(parent)
    return lag_ps + way.least_ps + way.carried_ps


def may_drop(network: Network, index: int, *, jitter_ps: int | None) -> bool:
    """Whether a frame may have to wait longer than its scheduler lets it."""
    flow = network.flows[index]
    residence = flow.residence
    if residence is None:
        return False
    if jitter_ps is None:
        return True
    if residence.conforms:
        return jitter_ps > residence.limit_ps
    if residence.group:
        worst_ps = max(_before_ps(network, network.flows[one]) for one in residence.group)
        return worst_ps - flow.ways[0].least_ps > residence.limit_ps
    return residence_ps(network, index, jitter_ps=jitter_ps) >= residence.limit_ps


def bucket_of(network: Network, flows: list[Flow], *, extra_ps: int) -> Bucket:
    """What the scheduler of flows lets through, as work at their egress."""
    scheduler = flows[0].scheduler
    assert scheduler is not None
    pairs = {
        (min(token_octets(network, flow, octets)), octets)
        for flow in flows
        for octets in flow.frame_octets
    }
    return _bucket(
        network,
        flows[0],
        pairs,
        scheduler.committed_bps,
        scheduler.committed_burst_octets,
        extra_ps,
    )


def meter_bucket_of(network: Network, flows: list[Flow], *, extra_ps: int) -> Bucket:
    """What the meter of flows lets through, as work at their egress."""
    meter = flows[0].meter
    assert meter is not None
    pairs = network.sizes_before(flows)
    yellow = not meter.drop_yellow
    rate_bps = meter.committed_bps + (meter.excess_bps if yellow else 0)
    burst_octets = meter.committed_burst_octets + (meter.excess_burst_octets if yellow else 0)
    if meter.coupling and yellow:
        rate_bps = meter.committed_bps + meter.excess_bps
    spread_ps = max(flow.carried_ps for flow in flows)
    burst_octets -= -rate_bps * spread_ps // (8 * PS_PER_S)
    return _bucket(network, flows[0], pairs, rate_bps, burst_octets, extra_ps)


def _bucket(
    network: Network,
    flow: Flow,
    pairs: set[tuple[int, int]],
    rate_bps: int,
    burst_octets: int,
    extra_ps: int,
) -> Bucket:
    """Bucket for frames, each given by the octets that it is counted as and its size here."""
    transmitter = network.transmitters[flow.egress_index]
    unit = 8 * PS_PER_S
    works: dict[int, int] = {}
    for tokens, octets in pairs:
        works[tokens] = max(works.get(tokens, 0), transmitter.work_ps(octets) + extra_ps)
    if len(works) == 1:
        ((tokens, work_ps),) = works.items()
        return Bucket(0, work_ps, tokens * unit, burst_octets * unit, rate_bps)
    # The dearest frame per token, in steps of the cheapest one.
    tokens, work_ps = max(works.items(), key=lambda pair: Fraction(pair[1], pair[0]))
    step = min(works.values())
    base = -(-burst_octets * work_ps // tokens)
    return Bucket(base + step, step, step * tokens * unit // work_ps, 0, rate_bps)

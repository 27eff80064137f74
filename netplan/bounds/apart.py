# SPDX-License-Identifier: Apache-2.0
"""Queues that go before another by rules of their own, and how far they let its credit rise.

A queue of other gates, or a credit-based one, is not always busy when the queue under study is. What
it sends in a window came in it or waited before, and is capped by its credit. A
credit-based queue under study gains credit while all that goes before it is sent.

Source: De Azua, Boyer (2014), theorems 1 and 2; Zhao, Pop, Zheng, Li (2018), section IV.
"""

from __future__ import annotations

from dataclasses import replace

from netplan.bounds.arrivals import ONE, UNLIMITED, Bucket, Staircase
from netplan.bounds.contention import Contention, Ingress
from netplan.bounds.credit import Affine, longest_kept_ps
from netplan.bounds.ingress import capped, gather
from netplan.bounds.model import Access, Network, Server


def sent_by(network: Network, access: Access, other: int) -> list[Ingress] | str:
    """What a server that goes before by its own rules sends in a window.

    Frames that are sent at all in a window came at most their longest stay before it.
    """
    server = network.servers[other]
    bucket = _credit_bucket(network, access, other)
    if bucket is None:
        return gather(network, [], server.own, access=access, later_ps=server.stays_ps)
    # Its credit says more than the wires that its frames came over.
    later_ps = None if server.refused else server.stays_ps
    return [capped(network, server.own, bucket, later_ps=later_ps)]


def _credit_bucket(network: Network, access: Access, other: int) -> Bucket | None:
    """What a credit-based queue sends in a window: credit falls from its largest to its least."""
    server = network.servers[other]
    shaped = server.access
    if shaped is None or not shaped.idle_bps or shaped.credit_ps is None:
        return None
    if access.overhead_ps and other in access.express:
        return None
    line_bps = network.transmitters[server.egress_index].line_bps
    coming = [network.flows[index] for index in server.own if not network.flows[index].gone]
    if not coming:
        return None
    works_ps = [flow.most_work_ps for flow in coming]
    step_ps = min(flow.least_work_ps for flow in coming)
    tokens = shaped.idle_bps * shaped.credit_ps + (line_bps - shaped.idle_bps) * max(works_ps)
    return Bucket(
        base=step_ps - (-tokens // line_bps),
        quantum=step_ps,
        cost=step_ps * line_bps,
        credit=0,
        rate=shaped.idle_bps,
    )


def keep_credit(
    network: Network, server: Server, access: Access, interrupting: list[int]
) -> int | str:
    """Largest credit that a waiting frame needs to have, as time, or why it has no limit.

    Args:
        network: As far as it has been worked out.
        server: A credit-based queue.
        access: Its rules; the largest credit at any time is noted there.
        interrupting: Servers that go before but do not let credit rise: they interrupt.
    """
    transmitter = network.transmitters[server.egress_index]
    idle_bps, line_bps = access.idle_bps, transmitter.line_bps
    access.credit_ps = None
    strict = [one for one in access.strict if one not in interrupting]
    apart = [one for one in access.apart if one not in interrupting]
    sources = _strict_sources(network, access, strict)
    if isinstance(sources, str):
        return sources
    for other in apart:
        source = _apart_sources(network, access, other)
        if isinstance(source, str):
            return source
        sources += source
    if access.held is not None:
        sources.append([access.held])
    kept_ps = longest_kept_ps(server.blocking_ps, sources, idle_bps=idle_bps, line_bps=line_bps)
    if kept_ps is None:
        rate = sum(min(rate for _, rate in source) for source in sources)
        excess_bps = rate * line_bps // ONE + idle_bps - line_bps
        return (
            f"{transmitter.name}: the idle slope of queue {server.queue_index} and what goes before "
            f"it exceed what the line leaves them by {max(excess_bps, 1)} bit/s"
        )
    credit_ps: int | None
    if access.held is not None:
        credit_ps = kept_ps
    elif access.openings is None:
        exact_ps = _searched_kept_ps(network, server, access, strict, apart)
        credit_ps = kept_ps = min(kept_ps, exact_ps)
    else:
        count, per_one = access.openings.closings()
        credit_ps = longest_kept_ps(
            server.blocking_ps,
            sources,
            idle_bps=idle_bps,
            line_bps=line_bps,
            waste=(count * access.waste_ps, per_one * access.waste_ps),
        )
    # Within windows it is not counted what credit holds let it gain.
    uncounted = access.openings is not None and any(shut.hold for shut in access.gates)
    access.credit_ps = None if access.preemptable or uncounted else credit_ps
    return kept_ps


def _searched_kept_ps(
    network: Network, server: Server, access: Access, strict: list[int], apart: list[int]
) -> int:
    """Largest credit as :func:`longest_kept_ps` has it, with staircases instead of buckets."""
    flows = [index for other in strict for index in network.servers[other].own]
    parts = [gather(network, [], flows, access=access)]
    parts += [sent_by(network, access, other) for other in apart]
    higher = [ingress for part in parts if not isinstance(part, str) for ingress in part]
    search = Contention(
        [
            replace(
                ingress,
                own=ingress.above,
                first_own_ps=ingress.first_above_ps,
                above=Staircase([]),
                first_above_ps=0,
                affine=(ingress.affine[2], ingress.affine[3], 0, 0),
            )
            for ingress in higher
        ],
        fixed_ps=server.blocking_ps,
    )
    clear_ps = search.reach_ps
    if clear_ps is None:
        return UNLIMITED
    # Credit over idle slope at t is (1 + slow) * others - slow * t, slow = line / idle - 1.
    line_bps = network.transmitters[server.egress_index].line_bps
    slow_bps = line_bps - access.idle_bps
    burst_ps = server.blocking_ps + sum(ingress.affine[2] for ingress in higher)
    rate = sum(ingress.affine[3] for ingress in higher)
    falls = slow_bps * ONE - rate * line_bps
    if falls <= 0:
        return UNLIMITED
    until_ps = (burst_ps * line_bps - clear_ps * access.idle_bps) * ONE // falls + 1
    bends = search.bends_until(max(until_ps, clear_ps))
    if bends is None:
        return UNLIMITED
    values = [
        -(
            -((server.blocking_ps + bend.work_ps) * line_bps - slow_bps * bend.window_ps)
            // access.idle_bps
        )
        + bend.late_ps * line_bps // access.idle_bps
        for bend in bends
        if bend.window_ps >= clear_ps
    ]
    return max([clear_ps, *values])


def _in_windows(access: Access, burst_ps: int, rate: int) -> Affine:
    """A bucket over time as one over the time that windows leave."""
    if access.openings is None:
        return burst_ps, rate
    cycle_ps, capacity_ps = access.openings.cycle_ps, access.openings.capacity_ps
    burst_ps -= -rate * access.openings.burst_ps // ONE
    return burst_ps, -(-rate * cycle_ps // capacity_ps)


def _strict_sources(
    network: Network, access: Access, strict: list[int]
) -> list[list[Affine]] | str:
    flows = [index for other in strict for index in network.servers[other].own]
    ingresses = gather(network, [], flows, access=access)
    if isinstance(ingresses, str):
        return ingresses
    return [_buckets(access, ingress) for ingress in ingresses]


def _buckets(access: Access, ingress: Ingress) -> list[Affine]:
    buckets = [_in_windows(access, ingress.affine[2], ingress.affine[3])]
    if ingress.line is not None:
        burst_ps = ingress.first_above_ps + ingress.line.most(0)
        buckets.append(_in_windows(access, burst_ps, ingress.line.slope_up))
    return buckets


def _apart_sources(network: Network, access: Access, other: int) -> list[list[Affine]] | str:
    """Buckets of a queue that goes before within its credit or by other gates."""
    server = network.servers[other]
    shaped = server.access
    assert shaped is not None
    held = any(shut.hold for shut in shaped.gates)  # in holds it gains credit as well
    same = shaped.gates == access.gates and not held
    if shaped.idle_bps and shaped.credit_ps is not None and same:
        # In its windows it gains credit, in what this queue calls waste as well.
        line_bps = network.transmitters[server.egress_index].line_bps
        longest_ps = max(network.flows[flow].most_work_ps for flow in server.own)
        credit_ps, waste_rate = shaped.credit_ps, 0
        if access.openings is not None:
            count, per_one = access.openings.closings()
            credit_ps += count * access.waste_ps
            waste_rate = per_one * access.waste_ps
        burst_ps = -(-shaped.idle_bps * credit_ps // line_bps)
        burst_ps -= -(line_bps - shaped.idle_bps) * longest_ps // line_bps
        buckets = [(burst_ps, -(-shaped.idle_bps * (ONE + waste_rate) // line_bps))]
        came = gather(network, [], server.own, access=access, later_ps=server.stays_ps)
        if not isinstance(came, str) and not server.refused:
            burst_ps = sum(one.affine[2] for one in came)
            buckets.append(_in_windows(access, burst_ps, sum(one.affine[3] for one in came)))
        return [buckets]
    ingresses = sent_by(network, access, other)
    if isinstance(ingresses, str):
        return ingresses
    return [_buckets(access, ingress) for ingress in ingresses]

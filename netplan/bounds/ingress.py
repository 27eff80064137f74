# SPDX-License-Identifier: Apache-2.0
"""What arrives at a queue, by the wire it came over, capped by all that is known of it.

Beside the wire itself, a token bucket may cap a part of what comes over it: the scheduler or the
meter that frames have passed, or the credit of the queue that they were sent from.

Source: Mifdaoui, Leydier (2017) for shaping by ingress; Zhao, Pop, Zheng, Li (2018) and Mohammadpour,
Stai, Mohiuddin, Le Boudec (2018) for the output of a credit-based queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from netplan.bounds.arrivals import Bucket, Bucketed, Line, Staircase, Windows, trace_of, windows_of
from netplan.bounds.contention import Ingress
from netplan.bounds.lines import ingress_spread_ps, line_for
from netplan.bounds.model import NO_WIRE, Access, Flow, Network
from netplan.bounds.regulators import bucket_of, meter_bucket_of

Key = tuple[str, object]
"""What caps flows together: kind and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """Own or higher flows of one ingress."""

    stairs: Staircase
    first_ps: int
    burst: int
    rate: int
    known: bool


def gather(
    network: Network,
    own: list[int],
    above: list[int],
    *,
    access: Access | None = None,
    later_ps: int = 0,
) -> list[Ingress] | str:
    """Arrivals by ingress, or why nothing is known of them.

    Args:
        network: As far as it has been worked out.
        own: Flows of the queue under study.
        above: Flows that go before it.
        access: Rules of the port, for what interruptions add.
        later_ps: How much longer than the window frames may have been coming that count.
    """
    by_ingress: dict[int, tuple[list[Flow], list[Flow]]] = {}
    for indices, side in ((own, 0), (above, 1)):
        for index in indices:
            flow = network.flows[index]
            by_ingress.setdefault(flow.ingress_index, ([], []))[side].append(flow)
    ingresses = []
    for ingress, (own_flows, above_flows) in by_ingress.items():
        flows = own_flows + above_flows
        line = None if ingress == NO_WIRE else _line(network, flows, access, later_ps)
        sides = [_side(network, part, access, later_ps) for part in (own_flows, above_flows)]
        affine: list[int] = []
        for part, side_ in zip((own_flows, above_flows), sides, strict=True):
            if side_.known:
                affine += [side_.burst, side_.rate]
            elif line is None:
                return unknown_text(network, part)
            else:
                affine += [side_.first_ps + line.most(0), line.slope_up]
        ingresses.append(
            Ingress(
                own=sides[0].stairs,
                above=sides[1].stairs,
                line=line,
                first_own_ps=sides[0].first_ps,
                first_above_ps=sides[1].first_ps,
                affine=(affine[0], affine[1], affine[2], affine[3]),
                steps_per_s=sum(
                    flow.windows.per_period() * 10**12 // flow.period_ps + 1 for flow in flows
                ),
            )
        )
    return ingresses


def capped(network: Network, above: list[int], bucket: Bucket, *, later_ps: int | None) -> Ingress:
    """Arrivals of a queue that goes before, of which a bucket says what it sends in a window.

    ``later_ps`` is the longest stay of its frames, None when unknown.
    """
    flows = [network.flows[index] for index in above]
    entries = [
        _entry(network, flow, None, later_ps)
        if later_ps is not None
        else (flow.windows, flow.period_ps, None)
        for flow in flows
    ]
    inner = Staircase(entries)
    burst, rate = bucket.affine()
    if inner.known:
        burst = rate = 0
        for windows, period_ps, jitter_ps in entries:
            assert jitter_ps is not None
            burst += windows.affine_burst(period_ps, jitter_ps)
            rate += windows.rate(period_ps)
    return Ingress(
        own=Staircase([]),
        above=Staircase([], [Bucketed(inner, bucket)]),
        line=None,
        first_own_ps=0,
        first_above_ps=max(flow.most_work_ps for flow in flows),
        affine=(0, 0, burst, rate),
        steps_per_s=sum(flow.windows.per_period() * 10**12 // flow.period_ps + 1 for flow in flows),
    )


def unknown_text(network: Network, flows: Iterable[Flow]) -> str:
    """Why nothing is known of some of these flows."""
    flow = next(flow for flow in flows if flow.unknown)
    name = network.plan.egresses[flow.egress_index].name
    stream = network.stream(flow).name
    if flow.unknown.startswith("it is not known when frames"):
        return flow.unknown
    return f"it is not known when frames of {stream} reach {name}: {flow.unknown}"


def _extra_ps(flow: Flow, access: Access | None) -> int:
    """What an interruption by a frame of this flow adds, seen from a queue."""
    if access is None or flow.server_index not in access.express:
        return 0
    return access.overhead_ps


def _line(network: Network, flows: list[Flow], access: Access | None, later_ps: int) -> Line:
    extra_ps = max(_extra_ps(flow, access) for flow in flows)
    line = network.lines[flows[0].ingress_index, flows[0].egress_index]
    if extra_ps:
        line = line_for(network, flows, extra_ps=extra_ps)
    return line.later(later_ps) if later_ps else line


def _side(network: Network, flows: list[Flow], access: Access | None, later_ps: int) -> _Side:
    if access is None and not later_ps and not any(flow.shaped for flow in flows):
        return _plain_side(flows)
    plain: list[Flow] = []
    together: dict[Key, list[Flow]] = {}
    for flow in flows:
        key = _key(network, flow)
        if key is None:
            plain.append(flow)
        else:
            together.setdefault(key, []).append(flow)
    entries = [_entry(network, flow, access, later_ps) for flow in plain]
    groups = [
        (
            Bucketed(
                Staircase([_entry(network, flow, access, later_ps) for flow in members]),
                _later(_bucket(network, key, members, access), later_ps),
            ),
            members,
        )
        for key, members in together.items()
    ]
    stairs = Staircase(entries, [group for group, _ in groups])
    burst = rate = 0
    known = stairs.known
    if known:
        for windows, period_ps, jitter_ps in entries:
            assert jitter_ps is not None
            burst += windows.affine_burst(period_ps, jitter_ps)
            rate += windows.rate(period_ps)
        for group, members in groups:
            by_bucket = group.bucket.affine()
            if group.inner.known:
                for flow in members:
                    windows, period_ps, jitter_ps = _entry(network, flow, access, later_ps)
                    assert jitter_ps is not None
                    burst += windows.affine_burst(period_ps, jitter_ps)
                    rate += windows.rate(period_ps)
            else:
                burst, rate = burst + by_bucket[0], rate + by_bucket[1]
    first_ps = max((flow.most_work_ps + _extra_ps(flow, access) for flow in flows), default=0)
    return _Side(stairs=stairs, first_ps=first_ps, burst=burst, rate=rate, known=known)


def _plain_side(flows: list[Flow]) -> _Side:
    """Flows that nothing but their wire caps."""
    stairs = Staircase([(flow.windows, flow.period_ps, flow.jitter_ps) for flow in flows])
    burst = rate = first_ps = 0
    for flow in flows:
        if flow.jitter_ps is not None:
            burst += flow.windows.affine_burst(flow.period_ps, flow.jitter_ps)
        rate += flow.rate_per_one
        first_ps = max(first_ps, flow.most_work_ps)
    return _Side(stairs=stairs, first_ps=first_ps, burst=burst, rate=rate, known=stairs.known)


def _entry(
    network: Network, flow: Flow, access: Access | None, later_ps: int
) -> tuple[Windows, int, int | None]:
    extra_ps = _extra_ps(flow, access)
    windows = windows_with(network, flow, extra_ps) if extra_ps else flow.windows
    jitter_ps = None if flow.jitter_ps is None else flow.jitter_ps + later_ps
    return windows, flow.period_ps, jitter_ps


def windows_with(network: Network, flow: Flow, extra_ps: int) -> Windows:
    """Windows of a flow when each of its frames takes more work."""
    transmitter = network.transmitters[flow.egress_index]
    added_octets, emission = network.hop(flow).added_octets, network.stream(flow).emission
    alive = set() if flow.gone else set(flow.frame_octets)

    def work_ps(octets: int) -> int:
        return transmitter.work_ps(octets) + extra_ps if octets in alive else 0

    sums = tuple(
        flow.copies_count * sum(work_ps(size + added_octets) for size in message)
        for message in emission.messages
    )
    if emission.offsets_ps:
        return trace_of(sums, emission.offsets_ps, flow.period_ps)
    return windows_of(sums)


def _key(network: Network, flow: Flow) -> Key | None:
    if not flow.shaped:
        return None
    if flow.scheduler is not None:
        return "scheduler", flow.scheduler.name
    if flow.meter is not None and flow.meter.committed_bps > 0:
        return "meter", flow.meter.name
    if len(flow.ways) == 1:
        source = network.flows[flow.parent_index].server_index
        access = network.servers[source].access
        if access is not None and access.idle_bps and access.credit_ps is not None:
            return "credit", source
    return None


def _bucket(network: Network, key: Key, flows: list[Flow], access: Access | None) -> Bucket:
    extra_ps = max(_extra_ps(flow, access) for flow in flows)
    if key[0] == "scheduler":
        return bucket_of(network, flows, extra_ps=extra_ps)
    if key[0] == "meter":
        return meter_bucket_of(network, flows, extra_ps=extra_ps)
    return _credit_bucket(network, flows, extra_ps)


def _credit_bucket(network: Network, flows: list[Flow], extra_ps: int) -> Bucket:
    """What comes from one credit-based queue.

    Between the starts of the first and the last frame of a window, credit fell from the largest at
    most to 0 at least, so all frames but the last took (credit + idle slope * time) / line
    rate. Between their ends lies a time that differs by the last's length less the first's; in all,
    frames of x each take no more than one x and (credit + idle slope * window) / line rate.
    """
    parent = network.flows[flows[0].parent_index]
    wire, transmitter = (
        network.transmitters[parent.egress_index],
        network.transmitters[flows[0].egress_index],
    )
    source = network.servers[parent.server_index].access
    assert source is not None
    assert source.credit_ps is not None
    idle_bps, line_bps = source.idle_bps, wire.line_bps
    pairs = network.sizes_before(flows)
    longest_ps = max(wire.work_ps(before) for before, _ in pairs)
    tokens = longest_ps * line_bps + idle_bps * (
        source.credit_ps + ingress_spread_ps(network, flows)
    )
    works = {
        (wire.spacing_ps(before), transmitter.work_ps(octets) + extra_ps)
        for before, octets in pairs
    }
    if len(works) == 1:
        ((spacing_ps, work_ps),) = works
        return Bucket(0, work_ps, spacing_ps * line_bps, tokens, idle_bps)
    spacing_ps, work_ps = max(works, key=lambda pair: Fraction(pair[1], pair[0]))
    step = min(work for _, work in works)
    base = -(-tokens * work_ps // (spacing_ps * line_bps))
    return Bucket(base + step, step, step * spacing_ps * line_bps // work_ps, 0, idle_bps)


def _later(bucket: Bucket, later_ps: int) -> Bucket:
    """The bucket for windows that are longer than they are called."""
    return bucket._replace(credit=bucket.credit + bucket.rate * later_ps)

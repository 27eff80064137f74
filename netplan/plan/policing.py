# SPDX-License-Identifier: Apache-2.0
"""What bridges do with received frames: policing at the edge, ATS schedulers before shaped queues.

Schedulers are given the least rate and burst that let a conforming stream pass at once; meters
have room besides for what the wait at the talker's port makes of it, since they drop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netplan.design.design import Design
from netplan.design.findings import Finding, Severity
from netplan.media.frames import PS_PER_S, wire_time_ps
from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Emission, Hop, PlannedStream
from netplan.plan.ports import contract_bps
from netplan.plan.ways import Routed
from netplan.tsn.mechanisms import (
    AtsScheduler,
    FlowMeter,
    Reception,
    Selection,
    StreamFilter,
    Synchronisation,
)

_MAX_RESIDENCE_PS = PS_PER_S
"""Long enough to drop nothing that conforms. Source: planning practice, not normative."""


def with_receptions(
    design: Design,
    egresses: tuple[Egress, ...],
    streams: tuple[PlannedStream, ...],
    routed: Routed,
    synchronisation: Synchronisation | None,
) -> tuple[tuple[PlannedStream, ...], list[Finding]]:
    """Streams whose hops say how they are policed and re-shaped where they are received."""
    clocks = () if synchronisation is None else synchronisation.clocks
    errors_ps = {clock.node: clock.error_ps for clock in clocks}
    findings: list[Finding] = []
    shaped = {
        index: [rule.selection is Selection.ASYNCHRONOUS for rule in egress.rules.queues]
        for index, egress in enumerate(egresses)
        if egress.rules is not None
    }
    busy_ps = _busy_ps(egresses, streams) if any(one.policed for one, _ in routed.values()) else {}
    made = []
    for stream in streams:
        demand, _ = routed[stream.name]
        passed_on = {hop.from_node for hop in stream.hops}
        first = {
            index
            for index, hop in enumerate(stream.hops)
            if demand.policed and hop.parent_index < 0 and hop.to_node in passed_on
        }
        behind = {
            hop.parent_index
            for hop in stream.hops
            if hop.parent_index >= 0
            and hop.egress_index in shaped
            and shaped[hop.egress_index][hop.queue_index]
        }
        released = _on_its_clock(stream, errors_ps.get(stream.talker, 0))
        hops = []
        for index, hop in enumerate(stream.hops):
            reception = Reception(
                filter=_filter(released, hop, busy_ps) if index in first else None,
                scheduler=_scheduler(egresses, released, hop) if index in behind else None,
            )
            hops.append(hop if reception == Reception() else replace(hop, reception=reception))
        made.append(replace(stream, hops=tuple(hops)))
        if demand.policed and not first:
            findings.append(
                design.finding(
                    "STREAM-POLICED", Severity.WARNING, "no bridge can police this stream",
                    at=demand.origin, keys=("policed",), expected="a bridge behind the talker",
                    found="links from talker to listener",
                    hint="put a bridge in between, or remove 'policed'",
                )
            )  # fmt: skip
    return tuple(made), [one for i, one in enumerate(findings) if one not in findings[:i]]


def _on_its_clock(stream: PlannedStream, error_ps: int) -> PlannedStream:
    """The stream with what the talker's clock adds to its jitter where it keeps a phase.

    One release may be early by the error of the clock and the next one late by as much.
    """
    emission = stream.emission
    if emission.phase_ps is None or emission.sporadic or not error_ps:
        return stream
    return replace(stream, emission=replace(emission, jitter_ps=emission.jitter_ps + 2 * error_ps))


def _busy_ps(egresses: tuple[Egress, ...], streams: tuple[PlannedStream, ...]) -> dict[int, int]:
    """By transmitter that talkers use, the longest time for which its streams can keep it busy.

    A meter must let pass what a stream's frames gain on one another while some of them wait at
    their talker's port. Gates add the time until the next cycle. Traffic that comes from afar is
    taken as it was sent. This sizes a bucket of the plan; it is no evidence of any delay.

    Source: Le Boudec, Thiran, Network Calculus (2001), 1.4: token buckets of rate r and burst b
    keep a server of rate R busy for at most b / (R - r).
    """
    bursts: dict[int, int] = {}
    rates_bps: dict[int, int] = {}
    for stream in streams:
        for hop in stream.hops:
            around = _around_octets(egresses[hop.egress_index]) + hop.added_octets
            index = hop.egress_index
            bursts[index] = bursts.get(index, 0) + burst_octets(stream.emission, around)
            rates_bps[index] = rates_bps.get(index, 0) + contract_bps(stream.emission, around)
    found = {}
    for index, octets in bursts.items():
        mechanism, rules = egresses[index].mechanism, egresses[index].rules
        if isinstance(mechanism, WireMechanism) and rates_bps[index] < mechanism.line_bps:
            found[index] = wire_time_ps(octets, mechanism.line_bps - rates_bps[index])
            if rules is not None:
                found[index] += max((gates.cycle_ps for gates in rules.gates), default=0)
    return found


def burst_octets(emission: Emission, extra_octets: int) -> int:
    """Burst of a token bucket with the contract's rate that covers the contract.

    No smaller one does where that rate needed no rounding. The first message of a run may be late
    by all of the jitter and the last one by nothing; of runs longer than the pattern, the bucket
    refills what the pattern takes.
    """
    sums = [sum(frame + extra_octets for frame in message) for message in emission.messages]
    rate_bps = contract_bps(emission, extra_octets)
    times_ps = emission.offsets_ps or range(0, emission.pattern_ps, emission.period_ps)
    most = before = emptiest = 0  # all times 8 * PS_PER_S
    for turn in (0, emission.pattern_ps):
        for time_ps, octets in zip(times_ps, sums, strict=True):
            refilled = rate_bps * (turn + time_ps)
            emptiest = max(emptiest, refilled - before)
            before += 8 * PS_PER_S * octets
            most = max(most, before - refilled + emptiest)
    return -(-(most + rate_bps * emission.jitter_ps) // (8 * PS_PER_S))


def _filter(stream: PlannedStream, hop: Hop, busy_ps: Mapping[int, int]) -> StreamFilter:
    largest = max(frame for message in stream.emission.messages for frame in message)
    name = f"{stream.name}@{hop.to_node}"
    waited_ps = busy_ps.get(hop.egress_index, stream.emission.period_ps)
    late = replace(stream.emission, jitter_ps=stream.emission.jitter_ps + waited_ps)
    return StreamFilter(
        name=name,
        largest_frame_octets=largest + hop.added_octets,
        meter=FlowMeter(
            name=name,
            committed_bps=contract_bps(late, hop.added_octets),
            committed_burst_octets=burst_octets(late, hop.added_octets),
            drop_yellow=True,
        ),
    )


def _around_octets(egress: Egress) -> int:
    """What a wire sends before and after each frame."""
    if not isinstance(egress.mechanism, WireMechanism):
        return 0
    return egress.mechanism.lead_octets + egress.mechanism.tail_octets


def _scheduler(egresses: tuple[Egress, ...], stream: PlannedStream, hop: Hop) -> AtsScheduler:
    egress = egresses[hop.egress_index]
    extra = hop.added_octets + _around_octets(egress)
    return AtsScheduler(
        name=f"{stream.name}@{hop.to_node}.{hop.to_port}",
        group=f"{egress.name}:{hop.queue_index}",
        committed_bps=contract_bps(stream.emission, extra),
        committed_burst_octets=burst_octets(stream.emission, extra),
        max_residence_ps=_MAX_RESIDENCE_PS,
    )

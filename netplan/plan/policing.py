# SPDX-License-Identifier: Apache-2.0
"""What bridges do with received frames: policing at the edge, ATS schedulers before shaped queues.

Schedulers are given what each stream's contract needs: the least rate and burst that let every
conforming frame pass at once. Meters have twice that burst, since a talker's own queue may let
frames catch up with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netplan.media.frames import PS_PER_S
from netplan.media.interface import WireMechanism
from netplan.plan.demand import Demand
from netplan.plan.model import Egress, Emission, Hop, PlannedStream
from netplan.plan.ports import contract_bps
from netplan.tsn.mechanisms import (
    AtsScheduler,
    FlowMeter,
    Reception,
    Selection,
    StreamFilter,
)

_MAX_RESIDENCE_PS = PS_PER_S
"""Long enough to drop nothing that conforms. Source: planning practice, not normative."""


def with_receptions(
    egresses: tuple[Egress, ...], streams: tuple[PlannedStream, ...], demands: Sequence[Demand]
) -> tuple[PlannedStream, ...]:
    """Streams whose hops say how they are policed and re-shaped where they are received."""
    policed = {demand.name for demand in demands if demand.policed}
    shaped = {
        index: [rule.selection is Selection.ASYNCHRONOUS for rule in egress.rules.queues]
        for index, egress in enumerate(egresses)
        if egress.rules is not None
    }
    return tuple(
        _with_receptions(egresses, stream, shaped, policed=stream.name in policed)
        if stream.name in policed or shaped
        else stream
        for stream in streams
    )


def _with_receptions(
    egresses: tuple[Egress, ...],
    stream: PlannedStream,
    shaped: dict[int, list[bool]],
    *,
    policed: bool,
) -> PlannedStream:
    behind = {
        hop.parent_index
        for hop in stream.hops
        if hop.parent_index >= 0
        and hop.egress_index in shaped
        and shaped[hop.egress_index][hop.queue_index]
    }
    first = {hop.parent_index for hop in stream.hops if hop.parent_index >= 0} & {
        index for index, hop in enumerate(stream.hops) if hop.parent_index < 0
    }
    hops = []
    for index, hop in enumerate(stream.hops):
        reception = Reception(
            filter=_filter(stream, hop) if policed and index in first else None,
            scheduler=_scheduler(egresses, stream, hop) if index in behind else None,
        )
        hops.append(hop if reception == Reception() else replace(hop, reception=reception))
    return replace(stream, hops=tuple(hops))


def burst_octets(emission: Emission, extra_octets: int) -> int:
    """Least burst of a token bucket with the contract's rate that covers the contract."""
    sums = [sum(frame + extra_octets for frame in message) for message in emission.messages]
    rate_bps = contract_bps(emission, extra_octets)
    steps_ps = emission.offsets_ps or range(0, len(sums) * emission.period_ps, emission.period_ps)
    times_ps = list(steps_ps)
    whole_ps = emission.period_ps if emission.offsets_ps else len(sums) * emission.period_ps
    burst = 0
    for start in range(len(sums)):
        total = 0
        for index in (*range(start, len(sums)), *range(start)):
            total += sums[index]
            span_ps = (times_ps[index] - times_ps[start]) % whole_ps
            burst = max(burst, total - rate_bps * span_ps // (8 * PS_PER_S))
    return burst + -(-rate_bps * emission.jitter_ps // (8 * PS_PER_S))


def _filter(stream: PlannedStream, hop: Hop) -> StreamFilter:
    largest = max(frame for message in stream.emission.messages for frame in message)
    name = f"{stream.name}@{hop.to_node}"
    return StreamFilter(
        name=name,
        largest_frame_octets=largest + hop.added_octets,
        meter=FlowMeter(
            name=name,
            committed_bps=contract_bps(stream.emission, hop.added_octets),
            # A frame that waited in its talker may come with the one behind it.
            committed_burst_octets=2 * burst_octets(stream.emission, hop.added_octets),
            drop_yellow=True,
        ),
    )


def _scheduler(egresses: tuple[Egress, ...], stream: PlannedStream, hop: Hop) -> AtsScheduler:
    egress = egresses[hop.egress_index]
    around = 0
    if isinstance(egress.mechanism, WireMechanism):
        around = egress.mechanism.lead_octets + egress.mechanism.tail_octets
    extra = hop.added_octets + around
    return AtsScheduler(
        name=f"{stream.name}@{hop.to_node}.{hop.to_port}",
        group=f"{egress.name}:{hop.queue_index}",
        committed_bps=contract_bps(stream.emission, extra),
        committed_burst_octets=burst_octets(stream.emission, extra),
        max_residence_ps=_MAX_RESIDENCE_PS,
    )

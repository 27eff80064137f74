# SPDX-License-Identifier: Apache-2.0
"""Turns the kernel's arrays into evidence: integers and names, nothing of numba or numpy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from emulator.simulation.chains import ChainState
from emulator.simulation.engine import Run
from emulator.simulation.layout import MECHANISM_GRANT, NONE
from emulator.simulation.observe import SUM_LIMB
from netplan.plan.model import Emission
from netplan.verdict.evidence import (
    ChainObservation,
    EgressObservation,
    HopRecord,
    RecoveryObservation,
    StreamObservation,
    StreamOutage,
)


def _or_none(value: Any) -> int | None:
    """A time, unless it was never seen."""
    return None if int(value) == NONE else int(value)


def _mean_ps(record: Any, count: int) -> float | None:
    """Mean of a sum kept in two parts."""
    if count == 0:
        return None
    return (int(record["sum_high"]) * SUM_LIMB + int(record["sum_low_ps"])) / count


def histogram_of(
    counts: np.ndarray[Any, np.dtype[np.int64]], base_ps: int, shift: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Edges and counts of a histogram from its first to its last bin that holds anything."""
    filled = np.flatnonzero(counts)
    if len(filled) == 0:
        return (), ()
    first, last = int(filled[0]), int(filled[-1])
    edges_ps = tuple(base_ps + (place << shift) for place in range(first, last + 2))
    return edges_ps, tuple(int(count) for count in counts[first : last + 1])


def _worst_hops(run: Run, row_index: int) -> tuple[HopRecord, ...]:
    """Timeline of the frame with the largest latency; empty when it changed its way under way."""
    steps = [step for step in run.state.worst[row_index] if step["hop"] != NONE]
    hops = [run.model.tables.hops[step["hop"]] for step in steps]
    receptions = run.model.reception.receptions
    for before, after in itertools.pairwise(hops):
        if before["reception"] == NONE or after["reception"] == NONE:
            continue
        reached = receptions[before["reception"]]["to_node"]
        if reached != receptions[after["reception"]]["from_node"]:
            return ()
    delivery_ps = int(run.state.rows[row_index]["worst_delivery_ps"])
    ends_ps = [*(int(step["received_ps"]) for step in steps[1:]), delivery_ps]
    return tuple(
        HopRecord(
            egress_index=int(hop["egress"]),
            received_ps=int(step["received_ps"]),
            queued_ps=int(step["queued_ps"]),
            started_ps=int(step["started_ps"]),
            delivered_ps=end_ps,
        )
        for hop, step, end_ps in zip(hops, steps, ends_ps, strict=True)
    )


def stream_observations(run: Run, stream_count: int) -> tuple[StreamObservation, ...]:
    """One row per listener of the first streams of the plan; behind them come babbling talkers."""
    state = run.state
    observations: list[StreamObservation] = []
    for index, row in enumerate(run.model.rows):
        if row.stream_index >= stream_count:
            continue
        seen = state.rows[index]
        frames = int(seen["frames"])
        base_ps = int(run.model.tables.rows[index]["base_ps"])
        edges_ps, counts = histogram_of(state.histograms[index], base_ps, int(seen["bin_shift"]))
        observations.append(
            StreamObservation(
                stream_index=row.stream_index,
                listener_index=row.listener_index,
                frames=frames,
                lost=int(seen["lost"]),
                min_ps=_or_none(seen["min_ps"]),
                mean_ps=_mean_ps(seen, frames),
                max_ps=_or_none(seen["max_ps"]),
                bin_edges_ps=edges_ps,
                bin_counts=counts,
                min_gap_ps=_or_none(seen["min_gap_ps"]),
                max_gap_ps=_or_none(seen["max_gap_ps"]),
                max_talker_wait_ps=_or_none(seen["max_talker_wait_ps"]),
                max_application_ps=_or_none(seen["max_application_ps"]),
                worst=_worst_hops(run, index) if frames else (),
                worst_released_ps=_or_none(seen["worst_release_ps"]),
                policed=int(seen["policed"]),
            )
        )
    return tuple(observations)


def stream_outages(run: Run, stream_count: int) -> tuple[StreamOutage, ...]:
    """Rows of the first streams of the plan that lost frames or did not come when they should.

    What is under way at the end is given the largest latency seen to arrive.
    """
    found: list[StreamOutage] = []
    for index, row in enumerate(run.model.rows):
        if row.stream_index >= stream_count:
            continue
        emission = run.model.plan.streams[row.stream_index].emission
        seen = run.state.rows[index]
        latency_ps = max(0, int(seen["max_ps"]))
        spread_ps = latency_ps - max(0, int(seen["min_ps"])) + emission.jitter_ps
        spread_ps += max(0, int(seen["max_talker_wait_ps"]))
        silent_ps = run.reached_ps - latency_ps - max(0, int(seen["last_first_ps"]))
        usual_ps = _largest_spacing_ps(emission)
        outage_ps = max(0, int(seen["max_gap_ps"]) - usual_ps, silent_ps - usual_ps)
        lost = int(seen["lost"])
        if lost == 0 and (emission.sporadic or outage_ps <= spread_ps):
            continue
        found.append(
            StreamOutage(
                stream_index=row.stream_index,
                listener_index=row.listener_index,
                lost=lost,
                outage_ps=outage_ps,
                is_over=silent_ps <= usual_ps + spread_ps,
            )
        )
    return tuple(found)


def _largest_spacing_ps(emission: Emission) -> int:
    """Largest nominal time between two releases."""
    if not emission.offsets_ps:
        return emission.period_ps
    times_ps = (*emission.offsets_ps, emission.period_ps)
    return max(after - before for before, after in itertools.pairwise(times_ps))


def _openings_before(run: Run, egress_index: int, end_ps: int) -> int:
    """How many grants opened from 0 up to, not including, a time."""
    egress = run.model.tables.egresses[egress_index]
    first = int(egress["first_opening"])
    openings_ps = run.model.tables.openings_ps[first : first + int(egress["opening_count"])]
    cycle_ps, phase_ps = int(egress["cycle_ps"]), int(egress["phase_ps"])
    # Openings at phase + offset + n * cycle: ceilings count those below a time.
    return sum(
        (end_ps - start_ps + cycle_ps - 1) // cycle_ps - (cycle_ps - 1 - start_ps) // cycle_ps
        for start_ps in (phase_ps + int(offset_ps) for offset_ps in openings_ps)
    )


def _busy_ratio(run: Run, egress_index: int) -> float:
    """Share of time that a wire is occupied, or of its grants' octets that are used."""
    constants = run.model.tables.egresses[egress_index]
    egress = run.state.egresses[egress_index]
    used = int(egress["used"])
    if constants["mechanism"] != MECHANISM_GRANT:
        used -= max(0, int(egress["busy_until_ps"]) - run.reached_ps)
        offered = run.reached_ps
    else:
        openings = _openings_before(run, egress_index, run.reached_ps)
        offered = openings * int(constants["quota_octets"])
    return min(1.0, used / offered) if offered > 0 else 0.0


def _queue_backlogs(run: Run, egress_index: int) -> tuple[int, ...]:
    """Largest backlog of each queue of a transmitter, lowest queue first."""
    constants = run.model.tables.egresses[egress_index]
    first = int(constants["first_queue"])
    queues = run.state.queues[first : first + int(constants["queue_count"])]
    return tuple(int(octets) for octets in queues["max_backlog_octets"])


def egress_observations(run: Run) -> tuple[EgressObservation, ...]:
    """One row per transmitter."""
    return tuple(
        EgressObservation(
            egress_index=index,
            frames=int(egress["frames"]),
            dropped=int(egress["dropped"]),
            busy_ratio=_busy_ratio(run, index),
            max_backlog_octets=int(egress["max_backlog_octets"]),
            queue_backlog_octets=_queue_backlogs(run, index),
        )
        for index, egress in enumerate(run.state.egresses)
    )


def recovery_observations(run: Run, stream_count: int) -> tuple[RecoveryObservation, ...]:
    """One row per recovery of the first streams, in the order of streams and their recoveries."""
    places = [
        (stream_index, recovery_index)
        for stream_index, stream in enumerate(run.model.plan.streams)
        for recovery_index in range(len(stream.recoveries))
    ]
    return tuple(
        RecoveryObservation(
            stream_index=stream_index,
            recovery_index=recovery_index,
            passed_count=int(seen["passed"]),
            discarded_count=int(seen["discarded"]),
            rogue_count=int(seen["rogue"]),
            out_of_order_count=int(seen["out_of_order"]),
            lost_count=int(seen["lost"]),
            reset_count=int(seen["resets"]),
        )
        for (stream_index, recovery_index), seen in zip(
            places, run.reception.state.recoveries, strict=True
        )
        if stream_index < stream_count
    )


def chain_observations(chains: ChainState) -> tuple[ChainObservation, ...]:
    """One row per chain."""
    return tuple(
        ChainObservation(
            chain_index=index,
            reactions=int(reactions["count"]),
            min_ps=_or_none(reactions["min_ps"]),
            mean_ps=_mean_ps(reactions, int(reactions["count"])),
            max_ps=_or_none(reactions["max_ps"]),
        )
        for index, reactions in enumerate(chains.reactions)
    )


def trace_hash(run: Run) -> str:
    """Fingerprint of all deliveries."""
    return f"{int(run.state.trace[0]):016x}"

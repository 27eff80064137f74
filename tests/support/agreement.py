# SPDX-License-Identifier: Apache-2.0
"""Holds what the simulator tells of each listener against the deliveries of a reference."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from hypothesis import note

from netplan.plan.model import Hop, Plan, PlannedStream
from netplan.verdict.evidence import HopRecord, SimulatedEvidence


class ReferenceFrame(Protocol):
    """A frame of a reference: for each hop when it was received, queued and started."""

    is_first: bool
    released_ps: int
    started_at_port_ps: int
    steps: list[list[int]]


def timeline(
    stream: PlannedStream, listener: int, now_ps: int, frame: ReferenceFrame
) -> list[HopRecord]:
    """The history of a delivered frame in the form of the evidence."""
    path: list[Hop] = []
    walk = stream.listener_hops[listener]
    while walk >= 0:
        path.insert(0, stream.hops[walk])
        walk = stream.hops[walk].parent_index
    ends = [step[0] for step in frame.steps[1:]] + [now_ps]
    return [
        HopRecord(
            egress_index=hop.egress_index,
            received_ps=step[0],
            queued_ps=step[1],
            started_ps=step[2],
            delivered_ps=end_ps,
        )
        for hop, step, end_ps in zip(path, frame.steps, ends, strict=True)
    ]


def check_listeners(
    plan: Plan,
    evidence: SimulatedEvidence,
    delivered: Mapping[tuple[int, int], Sequence[tuple[int, ReferenceFrame]]],
    lost: Mapping[tuple[int, int], int],
) -> None:
    """Assert that every row tells what the reference saw, to the picosecond.

    Args:
        plan: Of both runs.
        evidence: Of the simulator.
        delivered: By stream and listener, the time and the frame of each delivery in order.
        lost: By stream and listener, how many frames did not arrive.
    """
    for row in evidence.streams:
        key = (row.stream_index, row.listener_index)
        note(f"stream and listener {key}")
        deliveries = delivered[key]
        assert row.frames == len(deliveries)
        assert row.lost == lost[key]
        if not deliveries:
            assert row.max_ps is None
            continue
        latencies = [now_ps - frame.started_at_port_ps for now_ps, frame in deliveries]
        assert row.min_ps == min(latencies)
        assert row.max_ps == max(latencies)
        assert row.mean_ps == sum(latencies) / len(latencies)
        assert max(latencies) < row.bin_edges_ps[-1]  # numpy's last bin is closed, ours is not
        counts, _ = np.histogram(latencies, bins=np.array(row.bin_edges_ps))
        assert tuple(counts) == row.bin_counts
        now_ps, worst = deliveries[latencies.index(max(latencies))]
        stream = plan.streams[row.stream_index]
        assert list(row.worst) == timeline(stream, row.listener_index, now_ps, worst)
        assert row.worst_released_ps == worst.released_ps
        firsts = [now for now, frame in deliveries if frame.is_first]
        gaps = [after - before for before, after in itertools.pairwise(firsts)]
        assert row.min_gap_ps == (min(gaps) if gaps else None)
        assert row.max_gap_ps == (max(gaps) if gaps else None)
        waits = [frame.steps[0][2] - frame.steps[0][1] for _, frame in deliveries]
        assert row.max_talker_wait_ps == max(waits)
        from_release = [now - frame.released_ps for now, frame in deliveries]
        assert row.max_application_ps == max(from_release)

# SPDX-License-Identifier: Apache-2.0
"""Worst cases of time-triggered traffic: frames whose talkers keep a phase, through gated ports.

An analysis that knows no time must let every frame just miss its opening at each hop. Here
each frame is followed through all that repeats, with its earliest and latest time at every
queue, so that a frame which surely meets its opening does not wait for the next one, and
one that may miss it does. Clocks may be wrong by what the plan says.

Source: IEEE Std 802.1Q-2022, 8.6.8.4 and 8.6.9; Palencia, Gonzalez Harbour, Schedulability
analysis for tasks with static and dynamic offsets (RTSS 1998).
"""

from __future__ import annotations

from dataclasses import dataclass

from netplan.bounds.backlog import egress_bounds
from netplan.bounds.fixpoint import settle
from netplan.bounds.network import Network, network_of
from netplan.bounds.timed_backlog import timed_egresses
from netplan.bounds.timed_network import solve
from netplan.bounds.timed_rows import timed_row
from netplan.bounds.timed_streams import MOST_FRAME_HOPS, timeline_of
from netplan.plan.model import Plan
from netplan.verdict.evidence import EgressBound, StreamBound

ASSUMPTIONS = (
    "Talkers with a phase release on their own clock; no clock is ever off by more than planned.",
    "A frame that ends exactly when its gate closes is sent.",
    "A frame that comes exactly when its gate opens may find a lower frame begun.",
    "Gate edges of one port that fall on the same instant of its clock happen together.",
)
"""What these bounds rest on beside what every bound does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedEvidence:
    """What following frames in time proves.

    Attributes:
        rows: By stream and listener.
        left_out: Why there is no row for the others.
        egresses: Backlogs of all transmitters.
    """

    rows: dict[tuple[int, int], StreamBound]
    left_out: dict[tuple[int, int], str]
    egresses: tuple[EgressBound, ...]


def timed_bounds(plan: Plan) -> dict[tuple[int, int], StreamBound]:
    """Rows of all streams and listeners that are proven by following frames in time."""
    network = network_of(plan)
    settle(network)
    return timed_evidence(network).rows


def timed_evidence(network: Network, most_frame_hops: int = MOST_FRAME_HOPS) -> TimedEvidence:
    """Follow the frames of all streams that keep a phase.

    Args:
        network: The plan without time, settled: what is known of streams without a phase.
        most_frame_hops: Hops of frames that are followed at most.
    """
    plan = network.plan
    timeline = timeline_of(plan, most_frame_hops)
    rows: dict[tuple[int, int], StreamBound] = {}
    left_out: dict[tuple[int, int], str] = {}
    timed = solve(network, timeline)
    egresses = timed_egresses(timed, egress_bounds(network))
    for stream_index, stream in enumerate(plan.streams):
        for listener_index in range(len(stream.listeners)):
            key = stream_index, listener_index
            row: StreamBound | str = timeline.left_out.get(stream_index, "")
            if not row:
                row = timed_row(timed, stream_index, listener_index, egresses)
            if isinstance(row, str):
                left_out[key] = row
            else:
                rows[key] = row
    return TimedEvidence(rows=rows, left_out=left_out, egresses=egresses)

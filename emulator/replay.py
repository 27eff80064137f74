# SPDX-License-Identifier: Apache-2.0
"""Replays a gate schedule in the simulator and holds every reception against the computed times.

Twice: with ideal clocks, and - where the plan has clocks - with clocks that drift and are
synchronised. Every message must be received between its earliest and latest computed time, and
these are the same picosecond where nothing varies.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from emulator.simulation.record import receptions
from netplan.plan.model import Plan
from netplan.scheduling import Proposal
from netplan.tsn.synthesis.problem import Problem
from netplan.tsn.synthesis.result import Placement

_CYCLES = 3
"""Hyperperiods that are replayed: the first ones fill the network."""
_LONGEST_PS = 2 * 10**12
_MOST_FAULTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What was compared.

    Attributes:
        message_count: Receptions that were held against their computed times.
        largest_deviation_ps: Largest distance of a reception with ideal clocks from the earliest
            computed time; 0 where every time was met to the picosecond.
        faults: Full sentences about what did not agree, the first ones.
    """

    message_count: int
    largest_deviation_ps: int
    faults: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether everything was received when it had been computed."""
        return not self.faults and self.message_count > 0


def replay(proposal: Proposal, *, seed: int = 1) -> Replay:
    """Run the scheduled plan and compare.

    Args:
        proposal: A feasible one.
        seed: Of delays within their ranges, other traffic and clocks.
    """
    plan = proposal.plan
    ideal = _compare(proposal, replace(plan, synchronisation=None), seed)
    if plan.synchronisation is None:
        return ideal
    real = _compare(proposal, plan, seed)
    return Replay(
        message_count=ideal.message_count + real.message_count,
        largest_deviation_ps=ideal.largest_deviation_ps,
        faults=(*ideal.faults, *(f"with real clocks: {one}" for one in real.faults)),
    )


def _compare(proposal: Proposal, plan: Plan, seed: int) -> Replay:
    schedule, problem = proposal.schedule, proposal.planned.problem
    index_of = {stream.name: index for index, stream in enumerate(plan.streams)}
    streams = {placement.name: index_of[placement.name] for placement in schedule.placements}
    duration_ps = min(_CYCLES * schedule.hyperperiod_ps, _LONGEST_PS)
    seen = receptions(
        plan, seed=seed, duration_ps=duration_ps, stream_indices=tuple(streams.values())
    )
    count = deviation_ps = 0
    faults: list[str] = []
    for number, placement in enumerate(schedule.placements):
        spans = _spans(problem, number, placement)
        for listener, listener_name in enumerate(plan.streams[streams[placement.name]].listeners):
            lines = seen[streams[placement.name], listener]
            phase_ps, period_ps = placement.phase_ps, placement.period_ps
            name = f"{placement.name} at {listener_name}"
            for release_ps, (earliest_ps, latest_ps) in spans[listener].items():
                # Releases are told on the talker's clock: the nearest nominal one is meant.
                since = lines[:, 0] - phase_ps - release_ps
                cycles = np.rint(since / period_ps).astype(np.int64)
                near = np.abs(since - cycles * period_ps) <= max(2 * 10**6, period_ps // 1000)
                at_ps = lines[near, 1] - cycles[near] * period_ps
                expected = max(0, (duration_ps - latest_ps) // period_ps)
                if len(at_ps) < expected:
                    faults.append(f"{name}: {len(at_ps)} of {expected} messages were received")
                if len(at_ps) == 0:
                    continue
                count += len(at_ps)
                deviation_ps = max(deviation_ps, int(np.abs(at_ps - earliest_ps).max()))
                early, late = int(at_ps.min()), int(at_ps.max())
                if early < earliest_ps or late > latest_ps:
                    faults.append(
                        f"{name}: received from {early} ps to {late} ps, computed {earliest_ps} ps "
                        f"to {latest_ps} ps"
                    )
    return Replay(
        message_count=count,
        largest_deviation_ps=deviation_ps,
        faults=tuple(faults[:_MOST_FAULTS]),
    )


def _spans(problem: Problem, number: int, placement: Placement) -> list[dict[int, tuple[int, int]]]:
    """For each listener and release after the phase: earliest and latest complete reception.

    A message is received with its last frame; of several copies the first one counts.
    """
    stream = problem.streams[number]
    joined = {hop.parent_index: hop.joined for hop in placement.route.hops if hop.joined}
    own = len(placement.route.listener_hops)
    spans: list[dict[int, tuple[int, int]]] = []
    copies: dict[int, tuple[int, ...]] = defaultdict(tuple, joined)
    for listener in range(own):
        ends = (
            placement.route.listener_hops[listener],
            *copies[placement.route.listener_hops[listener]],
        )
        found: dict[int, tuple[int, int]] = {}
        for frame_index, frame in enumerate(stream.frames):
            times = [placement.received_ps[end][frame_index] for end in ends]
            earliest_ps = min(time[0] for time in times)
            latest_ps = max(time[1] for time in times)
            known = found.get(frame.release_ps)
            if known is not None:
                earliest_ps, latest_ps = max(known[0], earliest_ps), max(known[1], latest_ps)
            found[frame.release_ps] = (earliest_ps, latest_ps)
        spans.append(found)
    return spans

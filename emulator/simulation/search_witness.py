# SPDX-License-Identifier: Apache-2.0
"""What a search for the worst case has found, as a plan that anybody can simulate again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from emulator.simulation.run import simulate
from emulator.simulation.search_scenario import witness_emission, witness_stream
from netplan.plan.model import Plan
from netplan.verdict.evidence import SimulatedEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstFound:
    """The worst case that was found for one stream and listener, and how to see it again.

    Attributes:
        stream_index: Into the plan.
        listener_index: Into the stream's listeners.
        latency_ps: Largest latency found.
        bound_ps: What the bound says; None when it says nothing.
        releases_ps: For each stream of the plan, its releases.
        first_messages: For each stream, which message of its pattern the first release is.
        largest_delays: Whether processing and propagation are at the largest of their ranges,
            or at the smallest.
        end_ps: Plant time by which the witness is over.
        run_count: Scenarios simulated.
    """

    stream_index: int
    listener_index: int
    latency_ps: int
    bound_ps: int | None
    releases_ps: tuple[tuple[int, ...], ...]
    first_messages: tuple[int, ...]
    largest_delays: bool
    end_ps: int
    run_count: int

    @property
    def gap_ps(self) -> int | None:
        """Bound less latency; negative when the bound is refuted."""
        return None if self.bound_ps is None else self.bound_ps - self.latency_ps

    @property
    def phases_ps(self) -> tuple[int | None, ...]:
        """First release of each stream; None of those that stay silent."""
        return tuple(releases[0] if releases else None for releases in self.releases_ps)


def witness_plan(plan: Plan, found: WorstFound) -> Plan:
    """The plan whose talkers behave as found; a simulation of it shows the latency."""
    streams = tuple(
        witness_stream(
            stream,
            witness_emission(stream.emission, releases, first, found.end_ps),
            largest=found.largest_delays,
        )
        for stream, releases, first in zip(
            plan.streams, found.releases_ps, found.first_messages, strict=True
        )
    )
    return replace(plan, streams=streams, chains=(), targets=(), rings=())


def replay(plan: Plan, found: WorstFound) -> SimulatedEvidence:
    """Simulate a witness."""
    return simulate(witness_plan(plan, found), seed=0, duration_ps=2 * found.end_ps)

# SPDX-License-Identifier: Apache-2.0
"""Evidence held against evidence: where it contradicts itself, the tool has a fault.

Meant for conforming, fault-free runs: every frame of the run keeps its contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netplan.media.interface import GrantMechanism
from netplan.plan.model import Plan
from netplan.verdict.evidence import (
    BoundEvidence,
    SimulatedEvidence,
    StreamBound,
    StreamObservation,
)
from netplan.verdict.facts import Facts
from netplan.verdict.samples import Latencies, ratio_lower
from netplan.verdict.wording import ratio_text

_CONFIDENCE_RATIO = 1 - 1e-6
"""At which exceeding a bound with a probability counts as a contradiction, not as bad luck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """One place where a run and a proof cannot both be right.

    Attributes:
        subject: Stream with listener, chain or transmitter.
        what: The sentence that both cannot agree on.
    """

    subject: str
    what: str

    def text(self) -> str:
        """One line for a terminal or a report."""
        return f"{self.subject}: {self.what}"


def contradictions(
    plan: Plan, bound: BoundEvidence | None, simulated: SimulatedEvidence | None
) -> tuple[Contradiction, ...]:
    """Every place where the simulation refutes the bound; empty unless both are there.

    Args:
        plan: That both were made from.
        bound: What was proven.
        simulated: A run in which every frame kept its contract; one with faults refutes nothing.

    Raises:
        DesignError: When evidence was made from another design.
    """
    if bound is None or simulated is None or simulated.faults:
        return ()
    facts = Facts(plan, bound, simulated)
    return (*_of_streams(facts), *_of_chains(facts), *_of_egresses(facts))


def _of_streams(facts: Facts) -> Iterator[Contradiction]:
    assert facts.bound is not None
    probability = _stream_probabilities(facts)
    for row in facts.bound.streams:
        seen = facts.observation(row.stream_index, row.listener_index)
        if seen is None:
            continue
        way = facts.way(row.stream_index, row.listener_index)
        affecting = frozenset[int]().union(*(facts.risky[hop.egress_index] for hop in way)) - {
            row.stream_index
        }
        share = row.exceedance_probability + sum(probability[index] for index in sorted(affecting))
        stream = facts.plan.streams[row.stream_index]
        subject = f"{stream.name} to {stream.listeners[row.listener_index]}"
        case = facts.worst_cases.get((row.stream_index, row.listener_index))
        if case is not None and row.bound_ps is not None and case.latency_ps > row.bound_ps:
            what = f"a search found a latency of {case.latency_ps} ps, more than the bound of {row.bound_ps} ps"
            yield Contradiction(subject=subject, what=what)
        for what in _of_row(facts, row, seen, min(1.0, share)):
            yield Contradiction(subject=subject, what=what)


def _stream_probabilities(facts: Facts) -> list[float]:
    """Largest exceedance probability of each stream over its listeners."""
    assert facts.bound is not None
    found = [0.0] * len(facts.plan.streams)
    for row in facts.bound.streams:
        found[row.stream_index] = max(found[row.stream_index], row.exceedance_probability)
    return found


def _of_row(facts: Facts, row: StreamBound, seen: StreamObservation, share: float) -> Iterator[str]:
    if share == 0 and row.loss_free and seen.lost and row.bound_ps is not None:
        yield f"{seen.lost} simulated frames were lost where the bound proves that no queue overflows"
    if seen.min_ps is None or seen.max_ps is None:
        return
    if seen.min_ps < row.minimum_ps:
        yield f"a simulated frame took {seen.min_ps} ps, less than the least possible {row.minimum_ps} ps"
    if row.bound_ps is None:
        return
    if share == 0:
        if seen.max_ps > row.bound_ps:
            yield f"a simulated frame took {seen.max_ps} ps, more than the bound of {row.bound_ps} ps"
        wait_ps = seen.max_talker_wait_ps
        if wait_ps is not None and wait_ps > row.talker_wait_ps and _starts_on_wire(facts, row):
            yield (
                f"a simulated frame waited {wait_ps} ps at its talker, "
                f"more than the bound of {row.talker_wait_ps} ps"
            )
        return
    latencies = Latencies(
        min_ps=seen.min_ps,
        max_ps=seen.max_ps,
        edges_ps=seen.bin_edges_ps,
        bin_counts=seen.bin_counts,
    )
    surely, _ = latencies.above(row.bound_ps)
    together = _together_count(facts, row)
    least = ratio_lower(surely // together, seen.frames // together, _CONFIDENCE_RATIO)
    if least > share:
        yield (
            f"{surely} of {seen.frames} simulated frames were later than the bound of {row.bound_ps} ps, "
            f"which a share of {ratio_text(share)} may be"
        )


def _starts_on_wire(facts: Facts, row: StreamBound) -> bool:
    first = facts.plan.streams[row.stream_index].hops[0]
    return not isinstance(facts.plan.egresses[first.egress_index].mechanism, GrantMechanism)


def _together_count(facts: Facts, row: StreamBound) -> int:
    """Frames of a stream that one failed transmission may delay together.

    Frames that are late for one reason are one hit, not many: the test counts groups of as many
    frames as a grant with all its repetitions can hold up.
    """
    stream = facts.plan.streams[row.stream_index]
    longest_ps = 0
    for hop in facts.way(row.stream_index, row.listener_index):
        mechanism = facts.plan.egresses[hop.egress_index].mechanism
        if isinstance(mechanism, GrantMechanism):
            repeated_ps = mechanism.retry_after_ps or mechanism.cycle_ps
            longest_ps += mechanism.cycle_ps + mechanism.max_retries * repeated_ps
    messages = 1 + longest_ps // stream.emission.period_ps
    messages *= len(stream.emission.offsets_ps) or 1
    return messages * max(len(message) for message in stream.emission.messages)


def _of_chains(facts: Facts) -> Iterator[Contradiction]:
    for index, row in facts.chain_bounds.items():
        seen = facts.chain_observations.get(index)
        if seen is None or seen.max_ps is None or seen.min_ps is None:
            continue
        subject = facts.plan.chains[index].name
        if row.bound_ps is not None and seen.max_ps > row.bound_ps and _is_certain(facts, index):
            yield Contradiction(
                subject=subject,
                what=f"a simulated reaction took {seen.max_ps} ps, more than the bound of {row.bound_ps} ps",
            )
        if seen.min_ps < row.minimum_ps:
            yield Contradiction(
                subject=subject,
                what=f"a simulated reaction took {seen.min_ps} ps, less than the least possible "
                f"{row.minimum_ps} ps",
            )


def _is_certain(facts: Facts, chain_index: int) -> bool:
    """Whether every frame of the chain arrives, and in time, without any probability."""
    for stage in facts.plan.chains[chain_index].stages:
        row = facts.stream_bound(stage.stream_index, stage.listener_index)
        way = facts.way(stage.stream_index, stage.listener_index)
        if row is None or not row.loss_free or any(facts.risky[hop.egress_index] for hop in way):
            return False
    return True


def _of_egresses(facts: Facts) -> Iterator[Contradiction]:
    for index, row in facts.egress_bounds.items():
        seen = facts.egress_observations.get(index)
        if seen is None or row.backlog_octets is None or facts.risky[index]:
            continue
        if seen.max_backlog_octets > row.backlog_octets:
            yield Contradiction(
                subject=facts.egress_name(index),
                what=f"{seen.max_backlog_octets} octets waited in the simulation, more than the "
                f"bound of {row.backlog_octets} octets",
            )

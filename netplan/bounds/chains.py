# SPDX-License-Identifier: Apache-2.0
"""Worst reaction time of a chain: sensor, tasks, actuator.

The clock starts at an event just after a sample was taken. The event waits for the next
release of the sensor's stream, its value travels, waits for the start of the task that
reads it, and the task's output waits for the next release of the next stream. Where
both schedules are known on network time, the wait between them is exact but for the errors of
their clocks; ties go against the value.

Source: Feiertag, Richter, Nordlander, Jonsson, A compositional framework for end-to-end
path delay calculation of automotive systems (2008), reaction delay of a register chain.
"""

from __future__ import annotations

from math import gcd

from netplan.bounds.model import Network
from netplan.bounds.paths import talker_wait_ps
from netplan.media.interface import DelayTerm, TermKind
from netplan.plan.model import ChainStage, PlannedChain, PlannedStream
from netplan.verdict.evidence import ChainBound, StreamBound

_SOURCE = "Feiertag et al. (2008), reaction delay"


def chain_bounds(network: Network, rows: tuple[StreamBound, ...]) -> tuple[ChainBound, ...]:
    """One row per chain of the plan."""
    row_of = {(row.stream_index, row.listener_index): row for row in rows}
    return tuple(
        _chain_bound(network, index, chain, row_of)
        for index, chain in enumerate(network.plan.chains)
    )


def _chain_bound(
    network: Network,
    chain_index: int,
    chain: PlannedChain,
    row_of: dict[tuple[int, int], StreamBound],
) -> ChainBound:
    terms: list[DelayTerm] = []
    why = ""
    minimum_ps, exceedance_probability = 0, 0.0
    before: ChainStage | None = None
    for stage in chain.stages:
        stream = network.plan.streams[stage.stream_index]
        row = row_of[stage.stream_index, stage.listener_index]
        minimum_ps += row.minimum_ps + stage.task_work_ps
        exceedance_probability += row.exceedance_probability
        if stream.emission.sporadic and not why:
            why = f"{stream.name} is sporadic: nothing says when it is released next"
        if row.bound_ps is None and not why:
            why = f"{stream.name} has no bound: {row.why}"
        root = network.flows[network.flow_of[stage.stream_index][0]]
        at_talker_ps = talker_wait_ps(network, root)
        # A task runs on the clock of its node, a talker on that of its own.
        sends_ps = clock_error_ps(network, stream.talker)
        reads_ps = clock_error_ps(network, stream.listeners[stage.listener_index])
        terms.append(_release_term(stream, before, 2 * sends_ps))
        terms += _latency_terms(stream, row, at_talker_ps)
        terms += _task_terms(stream, stage, at_talker_ps, row, sends_ps + reads_ps)
        before = stage
    return ChainBound(
        chain_index=chain_index,
        bound_ps=None if why else sum(term.max_ps for term in terms),
        minimum_ps=minimum_ps,
        terms=() if why else tuple(terms),
        exceedance_probability=min(1.0, exceedance_probability),
        why=why,
    )


def clock_error_ps(network: Network, node: str) -> int:
    """Largest difference of a node's clock from network time; 0 when clocks are ideal."""
    synchronisation = network.plan.synchronisation
    if synchronisation is None:
        return 0
    return next((one.error_ps for one in synchronisation.clocks if one.node == node), 0)


def _release_term(stream: PlannedStream, before: ChainStage | None, error_ps: int) -> DelayTerm:
    """Wait for the next release of a stream."""
    emission = stream.emission
    wait_ps = emission.period_ps
    known = (
        before is not None
        and before.task_phase_ps is not None
        and before.task_cycle_ps > 0
        and emission.phase_ps is not None
        and not emission.sporadic
        and not emission.offsets_ps
    )
    if known:
        assert before is not None
        assert before.task_phase_ps is not None
        assert emission.phase_ps is not None
        ready_ps = before.task_phase_ps + before.task_work_ps
        wait_ps = longest_grid_wait_ps(
            emission.phase_ps - ready_ps,
            every_ps=emission.period_ps,
            from_ps=before.task_cycle_ps,
        )
        wait_ps += error_ps  # on one clock, which may have been corrected meanwhile
    return _term(
        TermKind.CYCLE_WAIT,
        f"until {stream.name} is released next",
        wait_ps + emission.jitter_ps,
    )


def _latency_terms(stream: PlannedStream, row: StreamBound, at_talker_ps: int) -> list[DelayTerm]:
    least: dict[TermKind, int] = {}
    most: dict[TermKind, int] = {}
    for hop in row.hops:
        for term in hop.terms:
            least[term.kind] = least.get(term.kind, 0) + term.min_ps
            most[term.kind] = most.get(term.kind, 0) + term.max_ps
    terms = [_term(TermKind.QUEUEING, f"{stream.name} at its talker", at_talker_ps)]
    terms += [
        _term(kind, f"{stream.name} on its way", most_ps, least[kind])
        for kind, most_ps in most.items()
    ]
    return terms


def _task_terms(
    stream: PlannedStream,
    stage: ChainStage,
    at_talker_ps: int,
    row: StreamBound,
    error_ps: int,
) -> list[DelayTerm]:
    """Wait for the task that reads the value, and the task's work."""
    terms = []
    node = stream.listeners[stage.listener_index]
    if stage.task_cycle_ps:
        wait_ps = stage.task_cycle_ps
        emission = stream.emission
        if (
            stage.task_phase_ps is not None
            and emission.phase_ps is not None
            and not emission.sporadic
            and not emission.offsets_ps
            and row.bound_ps is not None
        ):
            # A value that comes earlier is read no later than the latest one.
            latest_ps = emission.phase_ps + emission.jitter_ps + at_talker_ps + row.bound_ps
            wait_ps = longest_grid_wait_ps(
                stage.task_phase_ps - latest_ps,
                every_ps=stage.task_cycle_ps,
                from_ps=emission.period_ps,
                error_ps=error_ps,
            )
        terms.append(_term(TermKind.CYCLE_WAIT, f"until the task at {node} starts", wait_ps))
    if stage.task_work_ps:
        what = f"work of the task at {node}"
        terms.append(_term(TermKind.PROCESSING, what, stage.task_work_ps, stage.task_work_ps))
    return terms


def longest_grid_wait_ps(offset_ps: int, *, every_ps: int, from_ps: int, error_ps: int = 0) -> int:
    """Longest wait from an instant of one grid to the next instant of another.

    Args:
        offset_ps: An instant of the grid that is waited for, minus one of the grid that waits.
        every_ps: Period of the grid that is waited for.
        from_ps: Period of the grid that waits.
        error_ps: How far two instants may be from their nominal distance.

    Instants that coincide count as missed, and so do those that may.
    """
    step_ps = gcd(every_ps, from_ps)
    shortest_ps = offset_ps % step_ps or step_ps
    if error_ps >= shortest_ps:
        return every_ps + error_ps
    return every_ps - step_ps + shortest_ps + error_ps


def _term(kind: TermKind, what: str, max_ps: int, min_ps: int = 0) -> DelayTerm:
    return DelayTerm(kind=kind, what=what, min_ps=min_ps, max_ps=max_ps, source=_SOURCE)

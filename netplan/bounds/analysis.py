# SPDX-License-Identifier: Apache-2.0
"""The worst case of every stream of a plan, proven for conforming traffic.

Total flow analysis for first-in-first-out queues with whole frames: staircase arrivals with
jitter, capped by the wire they came over and by what has shaped them, searched
exactly at every queue; cyclic dependencies by fixed point. Strict priority, gates, credit,
eligibility times, round robin, preemption, cut-through and redundancy are what the plan says of
them; of other media it reads service curves and counted octets only. Phases
of talkers and gates are not used: the worst alignment is taken. Whole paths over plain wires are bounded again by
:mod:`netplan.bounds.lp`, and streams that keep a phase by :mod:`netplan.bounds.timed`; the lowest bound counts.

Source: Le Boudec, Thiran, Network Calculus (2001); Bouillard, Boyer, Le Corronc,
Deterministic Network Calculus (2018), chapters 7 and 10; Thomas, Le Boudec, Mifdaoui (RTSS 2019).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import StrEnum

from netplan.bounds.backlog import egress_bounds
from netplan.bounds.chains import chain_bounds
from netplan.bounds.fixpoint import settle
from netplan.bounds.lp import pay_bursts_once
from netplan.bounds.model import Network
from netplan.bounds.network import network_of
from netplan.bounds.paths import stream_bounds
from netplan.bounds.reconfigured import ring_assumptions, worse_of
from netplan.bounds.recoveries import leaky
from netplan.bounds.timed import ASSUMPTIONS as TIMED_ASSUMPTIONS
from netplan.bounds.timed import TimedEvidence, timed_evidence
from netplan.plan.model import Plan, PlannedStream
from netplan.plan.recovered import recovered_plans
from netplan.verdict.evidence import BoundEvidence, StreamBound

METHOD = "packetised total flow analysis with staircase arrivals and ingress shaping"
_MOST_TRIES = 8
"""Times that recoveries found to let duplicates pass are counted so, before all are."""

ASSUMPTIONS = (
    "Every talker keeps its contract; frames of one message are released at the same instant.",
    "Queues are first in, first out; higher ones go first, and interrupt only where the plan says so.",
    "Nothing but the plan's streams uses the transmitters.",
    "Processing and propagation keep the order of the frames that came in over the same wire.",
    "Simultaneous events may happen in any order; phases of talkers may be any.",
    "Times are counted in whole picoseconds; every frame's time is rounded up on its own.",
    "Beside frames that are later than a service curve with exceedance says, no bound is claimed.",
)
"""What every bound rests on."""


class Method(StrEnum):
    """Analyses that may prove a latency; each is sound alone."""

    TFA = "tfa"
    LP = "lp"
    TIMED = "timed"


def bound(plan: Plan, methods: Collection[Method] = tuple(Method)) -> BoundEvidence:
    """Prove worst-case latencies, reaction times and backlogs of a plan.

    Where rings keep links in reserve, a bound holds for the plant in order and for every way
    that its streams take after a single failure, once the ring has recovered.

    Args:
        plan: What is analysed.
        methods: Analyses whose latencies may count; the lowest of them does. Backlogs come from
            total flow analysis, and from following frames in time where that is among them.
    """
    found = _bound(plan, methods)
    for what, recovered in recovered_plans(plan):
        found = worse_of(found, _bound(recovered, methods, found.streams), what)
    return replace(found, assumptions=(*found.assumptions, *ring_assumptions(plan)))


def _bound(
    plan: Plan, methods: Collection[Method], within: Sequence[StreamBound] | None = None
) -> BoundEvidence:
    """Bounds of one plan; those that are within others anyway need not be the lowest there are."""
    network = settled(plan)
    timed: TimedEvidence | None = None
    if Method.TIMED in methods and any(keeps_phase(stream) for stream in plan.streams):
        timed = timed_evidence(network)
    egresses = egress_bounds(network) if timed is None else timed.egresses
    first = stream_bounds(network, egresses)
    sets = {Method.TFA: first}
    if Method.LP in methods:
        sets[Method.LP] = pay_bursts_once(network, first, within)
    if timed is not None:
        sets[Method.TIMED] = tuple(
            timed.rows.get((row.stream_index, row.listener_index), row) for row in first
        )
    streams = tuple(
        _lowest([(method, rows[index]) for method, rows in sets.items() if method in methods], row)
        for index, row in enumerate(first)
    )
    of_media = dict.fromkeys(
        assumption for egress in plan.egresses for assumption in egress.assumptions
    )
    of_time = TIMED_ASSUMPTIONS if Method.TIMED in sets else ()
    return BoundEvidence(
        design_hash=plan.design_hash,
        method=METHOD,
        streams=streams,
        egresses=egresses,
        chains=chain_bounds(network, streams),
        assumptions=(*ASSUMPTIONS, *_of_mechanisms(network), *of_time, *of_media),
    )


def keeps_phase(stream: PlannedStream) -> bool:
    """Whether a talker releases at times that are known."""
    return stream.emission.phase_ps is not None and not stream.emission.sporadic


def _lowest(rows: Sequence[tuple[Method, StreamBound]], otherwise: StreamBound) -> StreamBound:
    """The row with the lowest bound; frames are not lost when any analysis shows that."""
    proven = [(row.bound_ps, method, row) for method, row in rows if row.bound_ps is not None]
    if not proven:
        return otherwise if rows else replace(otherwise, bound_ps=None, hops=(), why="no method")
    _, method, row = min(proven, key=lambda one: one[0])
    safe = next((one for _, _, one in proven if one.loss_free), None)
    return replace(
        row,
        method=method.value,
        loss_free=safe is not None,
        why=row.why if safe is None else safe.why,
        talker_wait_ps=min(one.talker_wait_ps for _, _, one in proven),
    )


def settled(plan: Plan) -> Network:
    """The network of a plan with all waits and jitters worked out.

    Recoveries are taken to let no duplicate pass; those that may, by the jitter that comes out, are
    counted with all copies, and everything is worked out anew.
    """
    doubled: frozenset[tuple[int, int]] = frozenset()
    for _ in range(_MOST_TRIES):
        network = network_of(plan, doubled)
        settle(network)
        more = leaky(network) - doubled
        if not more:
            return network
        doubled |= more
    everywhere = frozenset(
        (index, recovery.members[0])
        for index, stream in enumerate(plan.streams)
        for recovery in stream.recoveries
    )
    network = network_of(plan, everywhere)
    settle(network)
    return network


def _of_mechanisms(network: Network) -> list[str]:
    """Assumptions that rest on mechanisms which the plan uses."""
    texts = []
    if any(flow.scheduler is not None for flow in network.flows):
        texts.append("Clocks of asynchronous shapers run at the same rate.")
    if any(len(flow.ways) > 1 for flow in network.flows):
        texts.append("Any copy of a frame may be the one that passes a recovery; none is forged.")
    if any(
        egress.rules is not None and len(egress.rules.gates) > 1 for egress in network.plan.egresses
    ):
        texts.append("A change of gate lists is counted as one more wait for the worst opening.")
    return texts

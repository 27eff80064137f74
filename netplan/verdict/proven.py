# SPDX-License-Identifier: Apache-2.0
"""What the analysis says about times: latency, variation, update interval, reaction time.

Definitions. *Variation* is the statistic of the latency minus the least latency. An *update
interval* is the time between two consecutive deliveries at the listener. *Application*
latency runs from the talker's application to the listener's: the hosts' own delay and
the talker's queue count. A lost frame is a late frame wherever a latency is
promised to a stream or relation; an offer's delay is that of delivered frames
(ITU-T Y.1564), its losses have a target of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from netplan.media.interface import DelayTerm, NoService
from netplan.plan.model import Target
from netplan.verdict.evidence import StreamBound
from netplan.verdict.facts import Facts
from netplan.verdict.outcome import Amount, Outcome, Proof, margin_of
from netplan.verdict.wording import Rounding, percent_text, ratio_text, tail_ratio, time_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """What the analysis knows of a time, before it is held against the limit.

    Attributes:
        bound_ps: Nothing is later, except with the exceedance probability; None without bound.
        least_ps: It cannot be less; None when that is no necessary condition.
        exceedance_probability: Of the bound.
        loss_free: Whether every frame arrives, as far as queues are concerned.
        because: Why there is no bound, or why frames may be lost.
        binding: What contributes most.
        largest: The largest part in words; empty when unknown.
    """

    bound_ps: int | None
    least_ps: int | None
    exceedance_probability: float
    loss_free: bool
    because: str
    binding: str = ""
    largest: str = ""


def allowed_ratio(facts: Facts, target: Target) -> float:
    """Share of samples that may lie above the limit: the percentile's, otherwise the design's."""
    tail = tail_ratio(target.statistic)
    if tail is not None:
        return tail
    if target.statistic != "max":
        return 0.0
    if target.chain_index >= 0:
        return facts.plan.chains[target.chain_index].allowed_miss_ratio
    return facts.plan.streams[target.stream_index].allowed_miss_ratio


def losses_count(target: Target) -> bool:
    """Whether a lost frame counts as one above the limit."""
    return (
        target.quantity == "latency"
        and target.subject_kind != "offer"
        and target.statistic != "mean"
    )


def stream_worst(facts: Facts, target: Target, allowed: float) -> Worst | None:
    """Latency, variation or update interval of a stream by the analysis."""
    row = facts.stream_bound(target.stream_index, target.listener_index)
    if row is None:
        return None
    stream = facts.plan.streams[target.stream_index]
    bound_ps, least_ps = row.bound_ps, row.minimum_ps
    wait_ps = row.talker_wait_ps
    if target.application:
        receive = stream.listener_host[target.listener_index]
        least_ps += sum(term.min_ps for term in stream.talker_host + receive)
        if bound_ps is not None:
            bound_ps += wait_ps + sum(term.max_ps for term in stream.talker_host + receive)
    necessary: int | None = least_ps
    if target.quantity == "variation":
        necessary = None
        bound_ps = None if bound_ps is None else bound_ps - least_ps
    elif target.quantity == "update interval":
        emission = stream.emission
        # Intervals are one period in the mean, so that one of them is at least that.
        necessary = None if emission.sporadic or allowed else emission.period_ps
        if bound_ps is not None:
            # Frame k arrives at its least latency, frame k+1 at its largest, after its largest
            # wait in the talker's own queue.
            bound_ps += emission.period_ps + emission.jitter_ps + wait_ps - least_ps
    because = row.why
    if target.quantity == "update interval" and stream.emission.sporadic:
        bound_ps, because = None, "the talker may pause for any time"
    binding, largest = _largest_hop(facts, target, row)
    return Worst(
        bound_ps=bound_ps,
        least_ps=necessary,
        exceedance_probability=row.exceedance_probability,
        loss_free=row.loss_free,
        because=because,
        binding=binding,
        largest=largest,
    )


def _largest_hop(facts: Facts, target: Target, row: StreamBound) -> tuple[str, str]:
    if not row.hops:
        way = [hop.egress_index for hop in facts.way(target.stream_index, target.listener_index)]
        unserved = [i for i in way if isinstance(facts.plan.egresses[i].service, NoService)]
        backlogs = {
            i: facts.egress_bounds[i].backlog_octets for i in way if i in facts.egress_bounds
        }
        unbounded = [i for i, backlog in backlogs.items() if backlog is None]
        first = next(iter(unserved + unbounded), None)
        return ("" if first is None else facts.egress_name(first)), ""
    hop_bound = max(row.hops, key=lambda hop: sum(term.max_ps for term in hop.terms))
    return facts.egress_name(hop_bound.egress_index), _largest_term(hop_bound.terms)


def _largest_term(terms: tuple[DelayTerm, ...]) -> str:
    if not terms:
        return ""
    term = max(terms, key=lambda one: one.max_ps)
    return f"{time_text(term.max_ps, Rounding.UP)} of {term.kind.value}"


def chain_worst(facts: Facts, target: Target) -> Worst | None:
    """Reaction time of a chain by the analysis."""
    row = facts.chain_bounds.get(target.chain_index)
    if row is None:
        return None
    rows = [
        facts.stream_bound(stage.stream_index, stage.listener_index)
        for stage in facts.plan.chains[target.chain_index].stages
    ]
    lossy = [stage for stage in rows if stage is not None and not stage.loss_free]
    largest = max(row.terms, key=lambda one: one.max_ps, default=None)
    return Worst(
        bound_ps=row.bound_ps,
        least_ps=row.minimum_ps,
        exceedance_probability=row.exceedance_probability,
        loss_free=not lossy,
        because=row.why or (lossy[0].why if lossy else ""),
        binding=_part_of_chain(facts, target, largest.what) if largest else "",
        largest=_largest_term(row.terms),
    )


def _part_of_chain(facts: Facts, target: Target, what: str) -> str:
    """The stream or node that a term of a chain speaks of, otherwise the term itself."""
    words = what.split()
    for stage in facts.plan.chains[target.chain_index].stages:
        stream = facts.plan.streams[stage.stream_index]
        for name in (stream.name, stream.listeners[stage.listener_index]):
            if name in words:
                return name
    return what


def proof(facts: Facts, target: Target, worst: Worst, allowed: float) -> Proof:
    """Hold what the analysis knows against the limit."""
    limit_ps = math.floor(target.limit)
    what = target.quantity
    value = None if worst.bound_ps is None else Amount(worst.bound_ps)
    margin = None if value is None else margin_of(target, value)

    def says(clause: str, outcome: Outcome = Outcome.NOT_PROVEN, binding: str = "") -> Proof:
        return Proof(
            clause=clause,
            outcome=outcome,
            value=value,
            margin=margin,
            binding=binding or worst.binding,
            exceedance_probability=worst.exceedance_probability,
        )

    if worst.least_ps is not None and worst.least_ps > limit_ps:
        margin = margin_of(target, worst.least_ps)
        return says(
            f"the {what} cannot be less than {time_text(worst.least_ps, Rounding.DOWN)}, "
            f"{time_text(worst.least_ps - limit_ps, Rounding.DOWN)} more than the limit",
            Outcome.MISSED,
        )
    overloaded = _overload(facts, target, allowed)
    if overloaded is not None:
        return says(overloaded[1], Outcome.MISSED, overloaded[0])
    if value is None:
        return says(f"there is no bound: {worst.because}" if worst.because else "there is no bound")
    shown = time_text(value, Rounding.UP)
    if value > limit_ps:
        most = f", most of it at {worst.binding} ({worst.largest})" if worst.largest else ""
        return says(
            f"the {what} is proven to stay within {shown} only, "
            f"{time_text(value - limit_ps, Rounding.UP)} above the limit{most}"
        )
    probability = worst.exceedance_probability
    tolerated = f"a share of {ratio_text(allowed)}" if allowed else "none"
    if probability > allowed:
        return says(
            f"all but a share of {ratio_text(probability, Rounding.UP)} stay within {shown}, "
            f"but {tolerated} may be late"
        )
    needs_delivery = losses_count(target) or what in {"update interval", "reaction time"}
    if needs_delivery and not worst.loss_free:
        return says(
            f"the {what} of frames that arrive stays within {shown}, but frames may be lost"
            + (f": {worst.because}" if worst.because else "")
        )
    if target.statistic == "mean" and probability:
        return says(
            f"the mean is not bounded, as a share of {ratio_text(probability)} may be later"
        )
    if probability:
        return says(
            f"all but a share of {ratio_text(probability, Rounding.UP)} are proven to stay within "
            f"{shown}, and {tolerated} may be late",
            Outcome.MET,
        )
    condition = ""
    if facts.rests_on_radio(target):
        condition = ", as long as streams over radio keep to their share of late frames"
    return says(f"the {what} is proven never to exceed {shown}{condition}", Outcome.MET)


def _overload(facts: Facts, target: Target, allowed: float) -> tuple[str, str] | None:
    """The transmitter that is offered more than it can carry, where that alone decides.

    A queue of limited room drops instead: then only targets that tolerate no loss are
    surely missed, as drops are shared between streams in a way that is not known.
    """
    if target.stream_index < 0:
        stages = facts.plan.chains[target.chain_index].stages
        pairs = [(stage.stream_index, stage.listener_index) for stage in stages]
    else:
        pairs = [(target.stream_index, target.listener_index)]
    for stream_index, listener_index in pairs:
        load = facts.overload(stream_index, listener_index)
        if load is None:
            continue
        egress = facts.plan.egresses[load.egress_index]
        strict = allowed == 0 and target.statistic == "max"
        needs_delivery = losses_count(target) or target.quantity in {
            "update interval",
            "reaction time",
        }
        if egress.buffer_octets is None or (strict and needs_delivery):
            return egress.name, (
                f"{egress.name} is offered {percent_text(load.largest_ratio, Rounding.NEAR, 4)} of what "
                "it can carry at this priority and above"
            )
    return None

# SPDX-License-Identifier: Apache-2.0
"""The worse of two proofs: of a plant in order, and of the same once a ring has recovered.

While a ring recovers, frames are lost, and those still under way on the old way may meet those
on the new one; that time is an outage, of which no bound speaks.
"""

from __future__ import annotations

from dataclasses import replace

from netplan.design.quantities import duration_text
from netplan.plan.model import Plan
from netplan.tsn.rings import DlrTimers, MrpTimers, RstpTimers, promised_ps
from netplan.verdict.evidence import BoundEvidence, ChainBound, EgressBound, StreamBound

_PROTOCOLS = {MrpTimers: "MRP", DlrTimers: "DLR", RstpTimers: "RSTP"}


_HOLD = (
    "Bounds hold while all is well and after any single link or node of a ring or spanning tree has "
    "failed, once it has recovered; until then frames may be lost or late, which is an outage and no "
    "latency."
)


def ring_assumptions(plan: Plan) -> tuple[str, ...]:
    """What bounds of a plan with rings hold for, and which outages they do not speak of."""
    if not plan.rings:
        return ()
    found = [_HOLD]
    for ring in plan.rings:
        promise_ps = promised_ps(ring)
        what = (
            "promises no recovery time"
            if promise_ps is None
            else f"promises to recover within {duration_text(promise_ps)}"
        )
        found.append(
            f"Ring {ring.name} ({_PROTOCOLS[type(ring.timers)]}) {what}; it is not proven here."
        )
    return tuple(found)


def worse_of(one: BoundEvidence, other: BoundEvidence, what: str) -> BoundEvidence:
    """For each subject the worse of two bounds on it.

    Args:
        one: Of the plant in order, or the worst of several already.
        other: After a failure.
        what: What has failed.
    """
    return replace(
        one,
        streams=tuple(
            _stream(first, second, what)
            for first, second in zip(one.streams, other.streams, strict=True)
        ),
        egresses=tuple(
            _egress(first, second)
            for first, second in zip(one.egresses, other.egresses, strict=True)
        ),
        chains=tuple(
            _chain(first, second, what)
            for first, second in zip(one.chains, other.chains, strict=True)
        ),
        assumptions=tuple(dict.fromkeys((*one.assumptions, *other.assumptions))),
    )


def _after(why: str, what: str) -> str:
    return f"after the loss of {what}: {why}" if why else ""


def _stream(one: StreamBound, other: StreamBound, what: str) -> StreamBound:
    worst = one
    if one.bound_ps is not None and (other.bound_ps is None or other.bound_ps > one.bound_ps):
        worst = replace(other, why=_after(other.why, what), after=what)
    why = worst.why
    if not why and not (one.loss_free and other.loss_free):
        why = one.why or _after(other.why, what)
    jitters_ps = (one.jitter_ps, other.jitter_ps)
    return replace(
        worst,
        talker_wait_ps=max(one.talker_wait_ps, other.talker_wait_ps),
        minimum_ps=min(one.minimum_ps, other.minimum_ps),
        exceedance_probability=max(one.exceedance_probability, other.exceedance_probability),
        loss_free=one.loss_free and other.loss_free,
        why=why,
        jitter_ps=None if None in jitters_ps else max(one.jitter_ps or 0, other.jitter_ps or 0),
    )


def _larger(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


def _egress(one: EgressBound, other: EgressBound) -> EgressBound:
    return replace(
        one,
        load_ratio=max(one.load_ratio, other.load_ratio),
        backlog_octets=_larger(one.backlog_octets, other.backlog_octets),
        queue_backlog_octets=tuple(
            _larger(first, second)
            for first, second in zip(
                one.queue_backlog_octets, other.queue_backlog_octets, strict=True
            )
        ),
        queue_load_ratios=tuple(
            max(first, second)
            for first, second in zip(one.queue_load_ratios, other.queue_load_ratios, strict=True)
        ),
    )


def _chain(one: ChainBound, other: ChainBound, what: str) -> ChainBound:
    worst = one
    if one.bound_ps is not None and (other.bound_ps is None or other.bound_ps > one.bound_ps):
        worst = replace(other, why=_after(other.why, what))
    return replace(
        worst,
        minimum_ps=min(one.minimum_ps, other.minimum_ps),
        exceedance_probability=max(one.exceedance_probability, other.exceedance_probability),
    )

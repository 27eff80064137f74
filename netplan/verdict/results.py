# SPDX-License-Identifier: Apache-2.0
"""Results as JSON: what scripts rely on.

Keys may be added, none is taken away or changes its meaning; :func:`results_schema`
describes them. Times are nanoseconds, exact to the picosecond: a whole number where
they are whole, a fraction otherwise. Bounds are rounded up, margins down. A statistic
with too few samples is null, and ``needs`` beside it says how many it would take.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from netplan.design.findings import DesignError, Finding, Mark, Severity
from netplan.files import write_atomically
from netplan.media.interface import DelayTerm
from netplan.plan.model import Plan, Target
from netplan.verdict.evidence import (
    BoundEvidence,
    HopRecord,
    SimulatedEvidence,
    StreamBound,
    StreamObservation,
)
from netplan.verdict.facts import Facts
from netplan.verdict.outcome import Outcome, Verdict, counts, relative_margin
from netplan.verdict.samples import CONFIDENCE_RATIO, STATISTICS_ASSUMPTION, Latencies
from netplan.verdict.schema import results_schema
from netplan.verdict.trial_records import (
    nanoseconds,
    outage_record,
    recovery_record,
    worst_case_record,
)

__all__ = ["dump", "load", "percentiles_ps", "results", "results_schema", "save_results"]

PERCENTILES = {"p50": 0.5, "p99": 0.01, "p999": 0.001}
"""Percentiles of every stream, with the share above them."""


def results(
    plan: Plan,
    verdicts: Sequence[Verdict],
    bound: BoundEvidence | None,
    simulated: SimulatedEvidence | None,
    *,
    why_no_bound: str = "it was not asked for",
    why_not_simulated: str = "it was not asked for",
) -> dict[str, Any]:
    """Everything that is known about a plan, ready for ``json.dumps``.

    Args:
        plan: That was judged.
        verdicts: One for each target, from :func:`netplan.verdict.judge.judge`.
        bound: What the analysis proved, if it was made.
        simulated: What a run saw, if there was one.
        why_no_bound: Stated where there is no bound.
        why_not_simulated: Stated where there was no run.
    """
    facts = Facts(plan, bound, simulated)
    found, outcomes = counts(verdicts), _worst_outcomes(verdicts)
    deadlines_ps = _deadlines_ps(plan.targets)
    return {
        "design": {"name": plan.name, "hash": plan.design_hash},
        "version": plan.version,
        "seed": simulated.seed if simulated else None,
        "evidence": {
            "bound": _bound_record(bound, why_no_bound),
            "simulated": _simulated_record(simulated, why_not_simulated),
            "emulated": {"made": False, "why": "this version has no lab"},
        },
        "summary": {outcome.value.replace(" ", "_"): found[outcome] for outcome in Outcome},
        "targets": [_target_record(verdict) for verdict in verdicts],
        "streams": [
            _stream_record(facts, outcomes, deadlines_ps, stream_index, listener_index)
            for stream_index, stream in enumerate(plan.streams)
            for listener_index in range(len(stream.listeners))
        ],
        "chains": [_chain_record(facts, index) for index in range(len(plan.chains))],
        "egresses": [_egress_record(facts, index) for index in range(len(plan.egresses))],
        "findings": [finding.record() for finding in plan.findings],
        "assumptions": list(dict.fromkeys(plan.assumptions)),
    }


def _in_unit(value: float | None, unit: str) -> float | None:
    """A value of a target as results speak it."""
    if value is None or not math.isfinite(value):
        return None
    if unit == "ps":
        return nanoseconds(value)
    return int(value) if unit == "bps" and value == int(value) else value


def _bound_record(bound: BoundEvidence | None, why: str) -> dict[str, Any]:
    if bound is None:
        return {"made": False, "why": why}
    return {"made": True, "method": bound.method, "assumptions": list(bound.assumptions)}


def _simulated_record(simulated: SimulatedEvidence | None, why: str) -> dict[str, Any]:
    if simulated is None:
        return {"made": False, "why": why}
    return {
        "made": True,
        "duration_ns": nanoseconds(simulated.duration_ps),
        "requested_ns": nanoseconds(simulated.requested_ps),
        "complete": simulated.complete,
        "exact": simulated.exact,
        "faults": list(simulated.faults),
        "ring_recoveries": [recovery_record(one) for one in simulated.ring_recoveries],
        "frames": simulated.frames,
        "frame_hops": simulated.frame_hops,
        "trace_hash": simulated.trace_hash,
        "confidence": CONFIDENCE_RATIO,
        "assumptions": [*simulated.assumptions, STATISTICS_ASSUMPTION],
    }


def _target_record(verdict: Verdict) -> dict[str, Any]:
    target = verdict.target
    unit = target.unit
    return {
        "subject": target.subject,
        "kind": target.subject_kind,
        "listener": target.listener,
        "direction": target.direction,
        "quantity": target.quantity,
        "statistic": target.statistic,
        "application": target.application,
        "limit": _in_unit(target.limit, unit),
        "unit": "ns" if unit == "ps" else unit,
        "bound": _in_unit(verdict.bound, unit),
        "exceedance_probability": verdict.exceedance_probability,
        "simulated": _in_unit(verdict.simulated, unit),
        "lower": _in_unit(verdict.lower, unit),
        "upper": _in_unit(verdict.upper, unit),
        "samples": verdict.sample_count,
        "needs": verdict.needed_count,
        "emulated": _in_unit(verdict.emulated, unit),
        "verdict": verdict.outcome.value,
        "decided_by": verdict.decided_by,
        "margin": _in_unit(verdict.margin, unit),
        "relative_margin": relative_margin(verdict),
        "binding": verdict.binding,
        "why": verdict.why,
    }


def _stream_record(
    facts: Facts,
    outcomes: dict[tuple[int, int], str],
    deadlines_ps: dict[tuple[int, int], float],
    stream_index: int,
    listener_index: int,
) -> dict[str, Any]:
    stream = facts.plan.streams[stream_index]
    row = facts.stream_bound(stream_index, listener_index)
    seen = facts.observation(stream_index, listener_index)
    return {
        "id": stream.name,
        "kind": stream.kind,
        "talker": stream.talker,
        "listener": stream.listeners[listener_index],
        "pcp": stream.pcp,
        "vlan": stream.vlan,
        "deadline_ns": nanoseconds(deadlines_ps.get((stream_index, listener_index))),
        "bound_ns": nanoseconds(row.bound_ps) if row else None,
        "minimum_ns": nanoseconds(row.minimum_ps) if row else None,
        "exceedance_probability": row.exceedance_probability if row else None,
        "loss_free": row.loss_free if row else None,
        "after": row.after if row else "",
        "why": row.why if row else "",
        "verdict": outcomes.get((stream_index, listener_index)),
        "hops": _hop_records(facts, stream_index, listener_index, row),
        "talker_host": _term_records(stream.talker_host),
        "listener_host": _term_records(stream.listener_host[listener_index]),
        "simulated": _observation_record(facts, seen) if seen else None,
        "outage": outage_record(facts.outages.get((stream_index, listener_index))),
        "worst_case": worst_case_record(
            facts, facts.worst_cases.get((stream_index, listener_index))
        ),
        "emulated": None,
    }


def _worst_outcomes(verdicts: Iterable[Verdict]) -> dict[tuple[int, int], str]:
    """The worst verdict on what is promised of each stream at each listener."""
    order = (Outcome.MET, Outcome.NOT_PROVEN, Outcome.MISSED)
    worst: dict[tuple[int, int], Outcome] = {}
    for verdict in verdicts:
        key = (verdict.target.stream_index, verdict.target.listener_index)
        worst[key] = max(verdict.outcome, worst.get(key, Outcome.MET), key=order.index)
    return {key: outcome.value for key, outcome in worst.items()}


def _deadlines_ps(targets: Iterable[Target]) -> dict[tuple[int, int], float]:
    """The tightest latency limit of each stream at each listener."""
    tightest: dict[tuple[int, int], float] = {}
    for target in targets:
        if target.quantity == "latency":
            key = (target.stream_index, target.listener_index)
            tightest[key] = min(target.limit, tightest.get(key, math.inf))
    return tightest


def _hop_records(
    facts: Facts, stream_index: int, listener_index: int, row: StreamBound | None
) -> list[dict[str, Any]]:
    """Bounded terms of each hop where there is a bound, the plan's fixed terms otherwise."""
    if row is not None and row.hops:
        return [
            {"egress": facts.egress_name(hop.egress_index), "terms": _term_records(hop.terms)}
            for hop in row.hops
        ]
    return [
        {
            "egress": facts.egress_name(hop.egress_index),
            "terms": _term_records(hop.before + hop.after),
        }
        for hop in facts.way(stream_index, listener_index)
    ]


def _term_records(terms: Iterable[DelayTerm]) -> list[dict[str, Any]]:
    return [
        {
            "kind": term.kind.value,
            "what": term.what,
            "min_ns": nanoseconds(term.min_ps),
            "max_ns": nanoseconds(term.max_ps),
            "source": term.source,
        }
        for term in terms
    ]


def percentiles_ps(seen: StreamObservation) -> dict[str, tuple[int | None, int | None]]:
    """Percentiles of the delivered frames: upper limit at 95 % confidence, and samples needed for one."""
    if seen.min_ps is None or seen.max_ps is None or not seen.bin_counts:
        return dict.fromkeys(PERCENTILES, (None, None))
    latencies = Latencies(
        min_ps=seen.min_ps,
        max_ps=seen.max_ps,
        edges_ps=seen.bin_edges_ps,
        bin_counts=seen.bin_counts,
    )
    found = {name: latencies.percentile(tail) for name, tail in PERCENTILES.items()}
    return {name: (one.upper_ps, one.needed_count) for name, one in found.items()}


def _observation_record(facts: Facts, seen: StreamObservation) -> dict[str, Any]:
    percentiles = percentiles_ps(seen)
    return {
        "frames": seen.frames,
        "lost": seen.lost,
        "min_ns": nanoseconds(seen.min_ps),
        "mean_ns": nanoseconds(seen.mean_ps),
        **{f"{name}_ns": nanoseconds(value_ps) for name, (value_ps, _) in percentiles.items()},
        "max_ns": nanoseconds(seen.max_ps),
        "needs": {f"{name}_ns": needed for name, (_, needed) in percentiles.items() if needed},
        "min_gap_ns": nanoseconds(seen.min_gap_ps),
        "max_gap_ns": nanoseconds(seen.max_gap_ps),
        "max_talker_wait_ns": nanoseconds(seen.max_talker_wait_ps),
        "max_application_ns": nanoseconds(seen.max_application_ps),
        "worst_released_ns": nanoseconds(seen.worst_released_ps),
        "worst": [_hop_record(facts, hop) for hop in seen.worst],
    }


def _hop_record(facts: Facts, hop: HopRecord) -> dict[str, Any]:
    return {
        "egress": facts.egress_name(hop.egress_index),
        "received_ns": nanoseconds(hop.received_ps),
        "queued_ns": nanoseconds(hop.queued_ps),
        "started_ns": nanoseconds(hop.started_ps),
        "delivered_ns": nanoseconds(hop.delivered_ps),
    }


def _chain_record(facts: Facts, index: int) -> dict[str, Any]:
    row = facts.chain_bounds.get(index)
    seen = facts.chain_observations.get(index)
    return {
        "id": facts.plan.chains[index].name,
        "bound_ns": nanoseconds(row.bound_ps) if row else None,
        "minimum_ns": nanoseconds(row.minimum_ps) if row else None,
        "exceedance_probability": row.exceedance_probability if row else None,
        "why": row.why if row else "",
        "terms": _term_records(row.terms) if row else [],
        "simulated": {
            "reactions": seen.reactions,
            "min_ns": nanoseconds(seen.min_ps),
            "mean_ns": nanoseconds(seen.mean_ps),
            "max_ns": nanoseconds(seen.max_ps),
        }
        if seen
        else None,
    }


def _egress_record(facts: Facts, index: int) -> dict[str, Any]:
    egress = facts.plan.egresses[index]
    row = facts.egress_bounds.get(index)
    seen = facts.egress_observations.get(index)
    return {
        "id": egress.name,
        "medium": egress.medium,
        "load_ratio": row.load_ratio if row and math.isfinite(row.load_ratio) else None,
        "backlog_octets": row.backlog_octets if row else None,
        "buffer_octets": egress.buffer_octets,
        "simulated": {
            "frames": seen.frames,
            "dropped": seen.dropped,
            "busy_ratio": seen.busy_ratio,
            "max_backlog_octets": seen.max_backlog_octets,
        }
        if seen
        else None,
    }


def dump(answer: dict[str, Any]) -> str:
    """Results as text: one row of a list on each line, so that two results can be compared."""
    parts = []
    for key, value in answer.items():
        if isinstance(value, list) and value:
            rows = ",\n".join(f"    {json.dumps(row, allow_nan=False)}" for row in value)
            parts.append(f"  {json.dumps(key)}: [\n{rows}\n  ]")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value, allow_nan=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def save_results(path: str | PathLike[str], answer: dict[str, Any]) -> None:
    """Write results to a file, whole or not at all."""
    write_atomically(path, dump(answer))


def load(path: str | PathLike[str]) -> dict[str, Any]:
    """Read results that were saved.

    Raises:
        DesignError: The file cannot be read or holds no results.
    """
    try:
        answer = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error
    missing = [
        key
        for key in results_schema()["required"]
        if not isinstance(answer, dict) or key not in answer
    ]
    if missing:
        raise _unreadable(path, f"it has no {', '.join(missing)}")
    found: dict[str, Any] = answer
    return found


def _unreadable(path: str | PathLike[str], because: str) -> DesignError:
    return DesignError(
        [
            Finding(
                code="RESULTS-UNREADABLE",
                severity=Severity.ERROR,
                message=f"these are no results: {because}",
                mark=Mark(file=str(path)),
                hint="give a file that 'plantwire validate --format json' or '--out' has written",
            )
        ]
    )

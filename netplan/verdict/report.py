# SPDX-License-Identifier: Apache-2.0
"""The report: one HTML file that holds everything, for people who were not there.

No scripts and nothing from elsewhere: drawings are inline SVG, light or dark follows
the reader's settings, and it prints. Every text from a design is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from netplan.media.interface import TermKind
from netplan.plan.model import Plan
from netplan.verdict import charts
from netplan.verdict.detail import Detail, Sources, details
from netplan.verdict.drawing import topology
from netplan.verdict.evidence import BoundEvidence, SimulatedEvidence
from netplan.verdict.facts import Facts
from netplan.verdict.gates import MOST_PORTS, gate_chart, gated_ports
from netplan.verdict.outcome import SIGNS, Outcome, Verdict, counts, relative_margin, worst_first
from netplan.verdict.samples import STATISTICS_ASSUMPTION
from netplan.verdict.table import (
    limit_text,
    margin_text,
    quantity_text,
    simulated_text,
    subject_text,
    value_text,
)
from netplan.verdict.trials import recovery_text
from netplan.verdict.wording import (
    Rounding,
    count_text,
    percent_text,
    printable,
    time_text,
)

_CLASSES = {Outcome.MET: "met", Outcome.MISSED: "missed", Outcome.NOT_PROVEN: "open"}
_MOST_EGRESSES = 20


def render(
    plan: Plan,
    verdicts: Sequence[Verdict],
    bound: BoundEvidence | None,
    simulated: SimulatedEvidence | None,
    *,
    made_on: str,
) -> str:
    """The whole report as HTML.

    Args:
        plan: That was judged.
        verdicts: One for each target.
        bound: What the analysis proved, if it was made.
        simulated: What a run saw, if there was one.
        made_on: Date as it shall stand in the report; nothing here asks for the time.
    """
    facts = Facts(plan, bound, simulated)
    ordered = worst_first(verdicts)
    sources = Sources()
    shown = details(facts, ordered, sources)
    gated = gated_ports(plan)
    anchors = {
        (detail.stream_index, detail.listener_index, detail.chain_index): detail.anchor
        for detail in shown
    }
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    return environment.get_template("report.html.j2").render(
        plan=plan,
        made_on=made_on,
        headline=_headline(verdicts),
        tiles=_tiles(verdicts),
        worst=ordered[0].why if ordered and ordered[0].outcome is not Outcome.MET else "",
        worst_name=_name(ordered[0]) if ordered else "",
        provenance=_provenance(plan, bound, simulated, made_on),
        drawing=topology(facts, verdicts) if plan.nodes else Markup(),
        patterns=charts.patterns(),
        rows=[_row(verdict, anchors) for verdict in ordered],
        details=shown,
        term_legend=_legend(shown),
        gates=gate_chart(gated[:MOST_PORTS]) if gated else Markup(),
        gated_count=len(gated),
        most_gated=MOST_PORTS,
        egresses=_egresses(facts),
        egress_count=len(plan.egresses),
        findings=plan.findings,
        assumptions=_assumptions(plan, bound, simulated),
        sources=sources.numbered(),
    )


def _printable(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _breakable(name: str) -> Markup:
    """A name that may be broken behind its slashes."""
    return Markup("/<wbr>").join(printable(name).split("/"))


def _headline(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """The answer in one sentence, with the sign and class of the worst outcome."""
    found = counts(verdicts)
    total = len(verdicts)
    missed, unproven = found[Outcome.MISSED], found[Outcome.NOT_PROVEN]
    if not total:
        return {"class": "open", "sign": "–", "text": "There is no target to judge."}
    if missed:
        verb = "is" if missed == 1 else "are"
        text = f"{missed} of {count_text(total, 'target')} {verb} missed."
        outcome = Outcome.MISSED
    elif unproven:
        verb = "is" if unproven == 1 else "are"
        text = f"No target is missed, but {unproven} of {total} {verb} not proven."
        outcome = Outcome.NOT_PROVEN
    else:
        text = f"All {total} targets are met." if total > 1 else "The target is met."
        outcome = Outcome.MET
    return {"class": _CLASSES[outcome], "sign": SIGNS[outcome], "text": text}


def _tiles(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    found = counts(verdicts)
    return [
        {
            "class": _CLASSES[outcome],
            "sign": SIGNS[outcome],
            "count": found[outcome],
            "word": outcome.value,
        }
        for outcome in (Outcome.MISSED, Outcome.NOT_PROVEN, Outcome.MET)
    ]


def _name(verdict: Verdict) -> str:
    target = verdict.target
    return f"{subject_text(target)} to {target.listener}, {quantity_text(target)}"


def _provenance(
    plan: Plan, bound: BoundEvidence | None, simulated: SimulatedEvidence | None, made_on: str
) -> list[tuple[str, str]]:
    size = (
        f"{count_text(len(plan.nodes), 'node')}, {count_text(len(plan.links), 'link')}, "
        f"{count_text(len(plan.streams), 'stream')}"
    )
    found = [
        ("Design", plan.name),
        ("Design hash", plan.design_hash),
        ("Size", size),
        ("Made by", f"plantwire {plan.version}"),
        ("Made on", made_on),
        ("Bound", f"made: {bound.method}" if bound else "not made: it was not asked for"),
    ]
    if simulated is None:
        found.append(("Simulated", "not made: it was not asked for"))
    else:
        whole = "complete"
        if simulated.exact:
            whole = f"exact maximum: the state repeats within {time_text(simulated.duration_ps)}"
        if not simulated.complete:
            how = "interrupted" if simulated.interrupted else "ended early"
            whole = f"{how}: {time_text(simulated.requested_ps)} were asked for"
        run = (
            f"{time_text(simulated.duration_ps)} of plant time, {whole}; "
            f"{count_text(simulated.frames, 'frame')} delivered over "
            f"{count_text(simulated.frame_hops, 'hop')}"
        )
        found += [
            ("Simulated", run),
            ("Seed", str(simulated.seed)),
            ("Fingerprint of the run", simulated.trace_hash),
        ]
        found += [("Fault", fault) for fault in simulated.faults]
        found += [("Ring", recovery_text(one)) for one in simulated.ring_recoveries]
    found.append(("Emulated", "not made: this version has no lab"))
    return found


def _row(verdict: Verdict, anchors: dict[tuple[int, int, int], str]) -> dict[str, Any]:
    target = verdict.target
    relative = relative_margin(verdict)
    return {
        "class": _CLASSES[verdict.outcome],
        "sign": SIGNS[verdict.outcome],
        "word": verdict.outcome.value,
        "subject": subject_text(target),
        "anchor": anchors.get((target.stream_index, target.listener_index, target.chain_index), ""),
        "listener": target.listener,
        "quantity": quantity_text(target),
        "limit": limit_text(target),
        "bound": value_text(target, verdict.bound, Rounding.UP),
        "simulated": simulated_text(verdict),
        "margin": margin_text(verdict),
        "relative": "" if relative is None else percent_text(relative, Rounding.DOWN, 2),
        "used": None if relative is None else round(100 * min(1.0, max(0.0, 1 - relative))),
        "binding": verdict.binding or "–",
        "why": verdict.why if verdict.outcome is not Outcome.MET else "",
    }


def _legend(shown: Sequence[Detail]) -> list[tuple[Markup, str]]:
    """Kinds of terms that occur in the details."""
    kinds = {kind for detail in shown for kind in detail.kinds}
    return [(charts.swatch(kind), kind.value) for kind in TermKind if kind in kinds]


def _egresses(facts: Facts) -> list[dict[str, Any]]:
    """Transmitters with the highest load or the fullest buffer first."""
    found = []
    for index, egress in enumerate(facts.plan.egresses):
        row, seen = facts.egress_bounds.get(index), facts.egress_observations.get(index)
        backlog = row.backlog_octets if row else None
        load = row.load_ratio if row else (seen.busy_ratio if seen else 0.0)
        full = (
            backlog / egress.buffer_octets if backlog is not None and egress.buffer_octets else 0.0
        )
        found.append(
            {
                "key": max(load, full),
                "name": egress.name,
                "medium": egress.medium,
                "load": percent_text(row.load_ratio, Rounding.UP, 3) if row else "–",
                "used": round(100 * min(1.0, load)),
                "busy": percent_text(seen.busy_ratio, Rounding.NEAR, 3) if seen else "–",
                "backlog": "–"
                if row is None
                else f"{backlog:,}"
                if backlog is not None
                else "no bound",
                "seen": f"{seen.max_backlog_octets:,}" if seen else "–",
                "buffer": "–" if egress.buffer_octets is None else f"{egress.buffer_octets:,}",
                "over": bool(
                    egress.buffer_octets is not None
                    and backlog is not None
                    and backlog > egress.buffer_octets
                ),
                "dropped": f"{seen.dropped:,}" if seen else "–",
            }
        )
    return sorted(found, key=lambda one: -float(str(one["key"])))[:_MOST_EGRESSES]


def _assumptions(
    plan: Plan, bound: BoundEvidence | None, simulated: SimulatedEvidence | None
) -> list[tuple[str, list[str]]]:
    """What everything rests on, each sentence once."""
    parts = [
        ("Of the plan", plan.assumptions),
        ("Of the bound", bound.assumptions if bound else ()),
        ("Of the simulation", (*simulated.assumptions, STATISTICS_ASSUMPTION) if simulated else ()),
    ]
    seen: set[str] = set()
    found = []
    for name, sentences in parts:
        fresh = [sentence for sentence in dict.fromkeys(sentences) if sentence not in seen]
        seen.update(fresh)
        if fresh:
            found.append((name, fresh))
    return found

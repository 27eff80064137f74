# SPDX-License-Identifier: Apache-2.0
"""Verdicts and plans as tables for a terminal; readable at 100 columns, plain in a pipe."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from netplan.design.findings import Finding, Severity
from netplan.media.interface import GrantMechanism
from netplan.plan.model import Plan, PlannedStream, Target
from netplan.verdict.evidence import BoundEvidence, SimulatedEvidence
from netplan.verdict.explain import explain_table
from netplan.verdict.outcome import (
    Outcome,
    Verdict,
    counts,
    more_is_better,
    worst_first,
)
from netplan.verdict.page import STYLES, Page
from netplan.verdict.trials import say_faults, say_worst_cases
from netplan.verdict.wording import (
    Rounding,
    amount_text,
    count_text,
    percent_text,
    ratio_text,
    time_text,
)

__all__ = ["explain_table", "plan_table", "verdict_table"]

_MOST_ROWS = 25
_MOST_REASONS = 10
_MOST_FINDINGS = 20


def verdict_table(
    plan: Plan,
    verdicts: Sequence[Verdict],
    bound: BoundEvidence | None,
    simulated: SimulatedEvidence | None,
    console: Console,
    *,
    everything: bool = False,
) -> None:
    """Print what was found: a summary, the targets with the worst margin first, why, findings.

    Args:
        plan: That was judged.
        verdicts: One for each target.
        bound: What the analysis proved, if it was made.
        simulated: What a run saw, if there was one.
        console: Where to.
        everything: Whether to show every target and finding instead of the first ones.
    """
    page = Page(console)
    page.say(summary_text(plan, verdicts))
    page.say(evidence_text(bound, simulated))
    if simulated is not None:
        say_faults(page, plan, simulated)
        say_worst_cases(page, plan, bound, simulated)
    ordered = worst_first(verdicts)
    open_count = sum(verdict.outcome is not Outcome.MET for verdict in ordered)
    shown = ordered if everything else ordered[: max(_MOST_ROWS, min(open_count, 2 * _MOST_ROWS))]
    if shown:
        page.show(_targets(page, shown))
        _say_rest(page, len(ordered) - len(shown), "target", "with a larger margin")
    _reasons(page, ordered, everything=everything)
    _findings(page, plan.findings, everything=everything)
    assumptions = {
        *plan.assumptions,
        *(bound.assumptions if bound else ()),
        *(simulated.assumptions if simulated else ()),
    }
    page.say(
        f"{count_text(len(assumptions), 'assumption')}; the report and the JSON results list them."
    )


def summary_text(plan: Plan, verdicts: Sequence[Verdict]) -> str:
    """Say ``body shop: 12 targets: 9 met, 1 missed, 2 not proven``."""
    if not verdicts:
        return f"{plan.name}: there is no target to judge"
    found = counts(verdicts)
    parts = ", ".join(f"{found[outcome]} {outcome.value}" for outcome in Outcome)
    return f"{plan.name}: {count_text(len(verdicts), 'target')}: {parts}"


def evidence_text(bound: BoundEvidence | None, simulated: SimulatedEvidence | None) -> str:
    """Say which evidence there is, in one line."""
    parts = ["bound: made" if bound else "bound: not made"]
    if simulated is None:
        parts.append("simulated: not made")
    else:
        part = (
            f"simulated: {time_text(simulated.duration_ps)}, "
            f"{count_text(simulated.frames, 'frame')}, seed {simulated.seed}"
        )
        if not simulated.complete:
            how = "interrupted" if simulated.interrupted else "ended early"
            part += f" ({how}: {time_text(simulated.requested_ps)} were asked for)"
        elif simulated.exact:
            part += f" (exact maximum: the state repeats within {time_text(simulated.duration_ps)})"
        parts.append(part)
    return "; ".join(parts) + "; emulated: not made"


def quantity_text(target: Target) -> str:
    """Quantity with its statistic where that is not the usual one."""
    text = target.quantity
    if target.statistic not in {"max", "ratio"} and target.quantity != "rate":
        text += f" {target.statistic}"
    return text + (" (application)" if target.application else "")


def subject_text(target: Target) -> str:
    """Subject with its direction."""
    return f"{target.subject} {target.direction}".strip()


def limit_text(target: Target) -> str:
    """The limit in its unit."""
    if target.quantity == "availability":
        return percent_text(target.limit)
    return amount_text(target.limit, target.unit)


def value_text(target: Target, value: float | None, rounding: Rounding = Rounding.NEAR) -> str:
    """A value of a target in its unit; a dash where there is none."""
    if value is None:
        return "-"
    if target.quantity == "availability":
        return percent_text(value, Rounding.DOWN)
    return amount_text(value, target.unit, Rounding.DOWN if more_is_better(target) else rounding)


def margin_text(verdict: Verdict) -> str:
    """The margin with its sign, rounded down."""
    if verdict.margin is None:
        return "-"
    if verdict.target.quantity == "availability":
        return f"{percent_text(verdict.margin, Rounding.DOWN, 3)}"
    return amount_text(verdict.margin, verdict.target.unit, Rounding.DOWN)


def simulated_text(verdict: Verdict) -> str:
    """What the run saw; for a loss, the most that it leaves possible: no loss seen is not no loss."""
    if verdict.target.quantity == "loss" and verdict.upper is not None:
        return f"≤{ratio_text(verdict.upper, Rounding.UP)}"
    return value_text(verdict.target, verdict.simulated)


def _targets(page: Page, verdicts: Sequence[Verdict]) -> Table:
    table = page.table()
    table.add_column("subject", overflow="fold")
    table.add_column("listener", overflow="fold")
    table.add_column("quantity", overflow="fold")
    for name in ("limit", "bound", "simulated", "margin"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("binding", overflow="fold")
    for verdict in verdicts:
        target = verdict.target
        table.add_row(
            page.cell(subject_text(target)),
            page.cell(target.listener),
            page.cell(quantity_text(target)),
            page.cell(limit_text(target)),
            page.cell(value_text(target, verdict.bound, Rounding.UP)),
            page.cell(simulated_text(verdict)),
            page.cell(margin_text(verdict)),
            page.outcome(verdict.outcome),
            page.cell(verdict.binding),
        )
    return table


def _say_rest(page: Page, count: int, noun: str, which: str) -> None:
    if count > 0:
        page.say(f"... and {count_text(count, f'more {noun}')} {which}")


def _reasons(page: Page, ordered: Sequence[Verdict], *, everything: bool) -> None:
    wanted = [verdict for verdict in ordered if verdict.outcome is not Outcome.MET]
    shown = wanted if everything else wanted[:_MOST_REASONS]
    for verdict in shown:
        target = verdict.target
        page.say(
            verdict.why,
            head=f"{page.signs[verdict.outcome]} {subject_text(target)} to {target.listener}, "
            f"{quantity_text(target)}: ",
            style=STYLES[verdict.outcome],
        )
    _say_rest(page, len(wanted) - len(shown), "reason", "in the report and the JSON results")


def _findings(page: Page, findings: Sequence[Finding], *, everything: bool) -> None:
    weight = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    ordered = sorted(findings, key=lambda finding: weight[finding.severity])
    shown = ordered if everything else ordered[:_MOST_FINDINGS]
    for finding in shown:
        page.say(finding.text())
    _say_rest(page, len(ordered) - len(shown), "finding", "in the report and the JSON results")


def plan_table(plan: Plan, console: Console) -> None:
    """Print a plan: what it holds, the way of every stream, every transmitter, addresses, findings."""
    page = Page(console)
    page.say(
        f"{plan.name}: {count_text(len(plan.nodes), 'node')}, {count_text(len(plan.links), 'link')}, "
        f"{count_text(len(plan.streams), 'stream')}, {count_text(len(plan.targets), 'target')}"
    )
    page.show(_streams(page, plan))
    page.show(_egresses(page, plan))
    if plan.addresses:
        addresses = page.table()
        addresses.add_column("interface", overflow="fold")
        addresses.add_column("address", overflow="fold")
        for name, address in plan.addresses.items():
            addresses.add_row(page.cell(name), page.cell(address))
        page.show(addresses)
    _findings(page, plan.findings, everything=True)


def _streams(page: Page, plan: Plan) -> Table:
    table = page.table()
    table.add_column("stream", overflow="fold")
    for name in ("every", "octets", "pcp", "vlan"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("way", overflow="fold")
    for stream in plan.streams:
        sizes = [sum(message) for message in stream.emission.messages]
        octets = f"{min(sizes)}" if min(sizes) == max(sizes) else f"{min(sizes)}-{max(sizes)}"
        table.add_row(
            page.cell(stream.name),
            page.cell(time_text(stream.emission.period_ps)),
            page.cell(octets),
            str(stream.pcp),
            str(stream.vlan),
            page.cell(_way_text(stream)),
        )
    return table


def _way_text(stream: PlannedStream) -> str:
    """Nodes in order; where the tree branches, the branch begins anew after a semicolon."""
    text = stream.talker
    for index, hop in enumerate(stream.hops):
        if hop.parent_index != index - 1:
            text += f"; {hop.from_node}"
        text += f" > {hop.to_node}"
    if stream.standby:
        text += f" (in reserve: {count_text(len(stream.standby), 'way')})"
    return text


def _egresses(page: Page, plan: Plan) -> Table:
    table = page.table()
    for name in ("transmitter", "medium"):
        table.add_column(name, overflow="fold")
    for name in ("queues", "buffer"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("works by", overflow="fold")
    for egress in plan.egresses:
        mechanism = egress.mechanism
        if isinstance(mechanism, GrantMechanism):
            works = (
                f"{count_text(len(mechanism.openings_ps), 'grant')} of {mechanism.quota_octets} octets "
                f"every {time_text(mechanism.cycle_ps)}"
            )
            if mechanism.failure_probability:
                works += f", failing with {ratio_text(mechanism.failure_probability)}"
        else:
            works = f"wire at {amount_text(mechanism.line_bps, 'bps')}"
        table.add_row(
            page.cell(egress.name),
            page.cell(egress.medium),
            str(egress.queue_count),
            "-" if egress.buffer_octets is None else f"{egress.buffer_octets:,}",
            page.cell(works),
        )
    return table

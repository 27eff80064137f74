# SPDX-License-Identifier: Apache-2.0
"""What tuning proposes, as data, as JSON and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netplan.design.design import Design
from netplan.design.load import load_design
from netplan.plan.make import make_plan
from netplan.progress import Progress
from netplan.tuning.changes import Change, pasted, priority_changes, slope_changes
from netplan.tuning.priorities import Priorities, tune_priorities
from netplan.tuning.slopes import SHARE_RATIO, Slopes, tune_slopes
from netplan.tuning.trial import Bench, Trial
from netplan.tuning.written import with_priorities
from netplan.verdict.outcome import Verdict, relative_margin, worst_first

if TYPE_CHECKING:
    from rich.console import Console

MOST_TRIALS = 400
"""Trials for each of the two, when nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What to change in a design, and what that brings.

    Attributes:
        design: As loaded.
        priorities: None when they were not asked for.
        slopes: With the proposed priorities; None when they were not asked for.
        before: The design as it is.
        after: The design with everything that is proposed.
        changes: To be written.
        tried_count: Variants that were proven.
    """

    design: Design
    priorities: Priorities | None
    slopes: Slopes | None
    before: Trial
    after: Trial
    changes: tuple[Change, ...]
    tried_count: int


def tune(
    path: Path,
    *,
    priorities: bool = True,
    slopes: bool = True,
    class_count: int | None = None,
    keep: Sequence[str] = (),
    share_ratio: float = SHARE_RATIO,
    most_trials_count: int = MOST_TRIALS,
    progress: Progress,
) -> Proposal:
    """Choose priorities, then idle slopes.

    Args:
        path: Design document.
        priorities: Whether to choose priorities.
        slopes: Whether to choose idle slopes.
        class_count: Traffic classes to use at most; as many as ports have queues when left out.
        keep: Names, with ``*`` and ``?``, of streams and relations that keep their priority.
        share_ratio: Of each link, for all credit-based classes together.
        most_trials_count: Variants to be proven at most, for each of the two.
        progress: Told of every one.

    Raises:
        DesignError: When the design itself is wrong.
    """
    design, findings = load_design(path)
    plan = make_plan(design, findings)
    tried_count = 0
    chosen: Priorities | None = None
    found: Slopes | None = None
    changed = design
    trials: list[Trial] = []
    if priorities:
        bench = Bench(progress=progress, most_count=most_trials_count)
        chosen = tune_priorities(design, plan, bench, class_count=class_count, keep=tuple(keep))
        changed = with_priorities(design, chosen.entries, chosen.pcps)
        trials += [chosen.before, chosen.after]
        tried_count += bench.tried_count
    if slopes:
        bench = Bench(progress=progress, most_count=most_trials_count)
        found = tune_slopes(changed, make_plan(changed, findings), bench, share_ratio=share_ratio)
        trials += [found.before, found.after]
        tried_count += bench.tried_count
    return Proposal(
        design=design,
        priorities=chosen,
        slopes=found,
        before=trials[0],
        after=trials[-1],
        changes=(
            *(priority_changes(chosen) if chosen is not None else ()),
            *(slope_changes(found) if found is not None else ()),
        ),
        tried_count=tried_count,
    )


def proposal_record(found: Proposal, written: Sequence[str] = ()) -> dict[str, Any]:
    """The proposal as JSON-able data; margins in ns or the target's unit."""
    assert found.before.plan is not None
    record: dict[str, Any] = {
        "design": {"name": found.before.plan.name, "hash": found.before.plan.design_hash},
        "tried": found.tried_count,
        "before": _summary(found.before),
        "after": _summary(found.after),
        "changes": [
            {
                "path": list(change.path), "value": change.value, "before": change.before,
                "what": change.what,
            }
            for change in found.changes
        ],
        "yaml": pasted(found.changes),
        "written": list(written),
    }  # fmt: skip
    if found.priorities is not None:
        chosen = found.priorities
        record["priorities"] = {
            "levels": list(chosen.levels),
            "found_by": chosen.found_by,
            "exact": chosen.exact,
            "why_not_exact": chosen.why_not_exact,
            "all_impossible": chosen.impossible,
            "too_few_classes": chosen.too_few_classes,
            "streams": {
                name: pcp
                for entry, pcp in zip(chosen.entries, chosen.pcps, strict=True)
                for _, name in entry.members
            },
        }
    if found.slopes is not None:
        slopes = found.slopes
        assert slopes.before.plan is not None
        targets = slopes.before.plan.targets
        record["slopes"] = {
            "complete": slopes.settled,
            "ports": [
                {
                    "egresses": [
                        slopes.before.plan.egresses[one].name for one in row.egress_indices
                    ],
                    "queue": row.queue_index,
                    "idle_slope_bps": slope_bps,
                    "contracts_bps": row.least_bps,
                    "designed_bps": row.designed_bps,
                    "largest_bps": most_bps,
                }
                for row, slope_bps, most_bps in zip(
                    slopes.reservations, slopes.slopes_bps, slopes.most_bps, strict=True
                )
            ],
            "unproven": [
                {
                    "subject": targets[one.target_index].subject,
                    "listener": targets[one.target_index].listener,
                    "quantity": targets[one.target_index].quantity,
                    "limit_ns": targets[one.target_index].limit / 1000,
                    "bound_ns": None if one.bound_ps is None else one.bound_ps / 1000,
                    "why": one.why,
                }
                for one in slopes.refusals
            ],
            "conflicts": list(slopes.conflicts),
        }
    return record


def _summary(trial: Trial) -> dict[str, Any]:
    worst = _worst(trial)
    return {
        "targets": len(trial.verdicts),
        "proven": trial.met_count,
        "worst": None if worst is None else {
            "subject": worst.target.subject,
            "listener": worst.target.listener,
            "quantity": worst.target.quantity,
            "margin_ratio": relative_margin(worst),
            "why": worst.why,
        },
        "not_proven": [
            {
                "subject": one.target.subject, "listener": one.target.listener,
                "quantity": one.target.quantity,
            }
            for one, score in zip(trial.verdicts, trial.scores, strict=True)
            if score < 0
        ],
    }  # fmt: skip


def _worst(trial: Trial) -> Verdict | None:
    """The proven target with the least room; None when none is proven."""
    proven = [one for one, score in zip(trial.verdicts, trial.scores, strict=True) if score >= 0]
    return next(iter(worst_first(proven)), None)


def proposal_table(found: Proposal, console: Console) -> None:
    """Show what is proposed, what it brings, and what is known of its being best."""
    from rich.table import Table  # noqa: PLC0415 - rich is slow to import

    for name, trial in (("as designed", found.before), ("as proposed", found.after)):
        console.print(
            f"{name}: {trial.met_count} of {len(trial.verdicts)} targets proven{_least(trial)}"
        )
    if found.changes:
        table = Table(title="Proposed changes")
        for heading in ("what", "from", "to"):
            table.add_column(heading)
        for change in found.changes:
            table.add_row(change.what, change.before, str(change.value))
        console.print(table)
    else:
        console.print("Nothing to change: no variant that was tried is better.")
    if found.priorities is not None:
        console.print(_how_good(found.priorities))
    if found.slopes is not None:
        for line in _limits(found.slopes):
            console.print(line)
    console.print(f"{found.tried_count} variants of the design were proven.")


def _least(trial: Trial) -> str:
    worst = _worst(trial)
    ratio = None if worst is None else relative_margin(worst)
    if worst is None or ratio is None:
        return ""
    return f", least margin {100 * ratio:.1f} % of the limit ({worst.target.subject})"


def _how_good(found: Priorities) -> str:
    if found.too_few_classes:
        return (
            f"{len(found.levels)} classes prove fewer targets than the design's own priorities do: "
            "these stay."
        )
    if found.impossible:
        return (
            f"No assignment to {len(found.levels)} classes proves all targets by total flow "
            "analysis; this one is the best of those tried."
        )
    if found.exact:
        return (
            f"No assignment to {len(found.levels)} classes proves more, or leaves a larger least "
            "margin, by total flow analysis."
        )
    return f"Priorities are the best of those tried; better ones may exist: {found.why_not_exact}."


def _limits(found: Slopes) -> list[str]:
    assert found.before.plan is not None
    lines = []
    for one in found.refusals:
        target = found.before.plan.targets[one.target_index]
        lines.append(
            f"No idle slope proves '{target.subject}' at {target.listener}. With the largest: {one.why}"
        )
    if found.slopes_bps != tuple(one.designed_bps for one in found.reservations):
        lines.append("Idle slopes are the least that prove this; larger ones leave more margin.")
    lines += [f"Not reserved: {conflict}." for conflict in found.conflicts]
    if not found.settled:
        lines.append("The trials were used up: smaller idle slopes may do.")
    return lines

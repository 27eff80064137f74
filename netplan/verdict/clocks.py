# SPDX-License-Identifier: Apache-2.0
"""How well clocks are kept together, as a table for a terminal and as a record."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from netplan.plan.clocks import ClockStudy
from netplan.tsn.clock_budget import NodeBudget
from netplan.verdict.page import Page
from netplan.verdict.wording import Rounding, time_text

_MOST_PLACES = 5
_PS_PER_NS = 1000


def clock_record(study: ClockStudy) -> dict[str, Any]:
    """The study as plain data, times in nanoseconds."""
    failure = study.failure
    return {
        "grandmaster": study.synchronised.synchronisation.grandmaster,
        "needing": list(study.needing),
        "unreached": list(study.synchronised.unreached),
        "clocks": [_clock_record(row) for row in study.synchronised.budgets],
        "placements": [
            {
                "node": one.node,
                "worst_error_ns": one.worst_error_ps / _PS_PER_NS,
                "worst_node": one.worst_node,
                "hops": one.most_hops_count,
                "unreached": list(one.unreached),
            }
            for one in study.placements
        ],
        "failure": {
            "failed": failure.failed,
            "standby": failure.standby,
            "detection_ns": failure.detection_ps / _PS_PER_NS,
            "mutual_error_ns": failure.mutual_error_ps / _PS_PER_NS,
            "mutual_nodes": list(failure.mutual_nodes),
            "isolated": list(failure.isolated),
            "nodes": [
                {
                    "node": one.node,
                    "holdover_ns": one.holdover_ps / _PS_PER_NS,
                    "step_ns": one.step_ps / _PS_PER_NS,
                    "following_ns": one.following_ps / _PS_PER_NS,
                }
                for one in failure.holdovers
            ],
        },
    }


def _clock_record(row: NodeBudget) -> dict[str, Any]:
    return {
        "node": row.node,
        "parent": row.parent,
        "hops": row.hops_count,
        "error_ns": row.error_ps / _PS_PER_NS,
        "terms": [
            {"kind": term.kind.value, "error_ns": term.error_ps / _PS_PER_NS, "source": term.source}
            for term in (*row.terms, row.growth)
        ],
    }


def clock_table(study: ClockStudy, console: Console) -> None:
    """Print budgets with the worst clock first, the best places, and the cost of a failure."""
    page = Page(console)
    synchronisation = study.synchronised.synchronisation
    page.say(
        f"{synchronisation.grandmaster} is the grandmaster; Sync every "
        f"{time_text(synchronisation.interval_ps)}"
    )
    table = page.table()
    for head in ("node", "hops", "error", "this hop adds", "until next Sync"):
        table.add_column(head, justify="left" if head == "node" else "right")
    for row in sorted(study.synchronised.budgets, key=lambda one: (-one.error_ps, one.node)):
        hop_ps = sum(term.error_ps for term in row.terms)
        table.add_row(
            page.cell(row.node),
            str(row.hops_count),
            page.cell(time_text(row.error_ps, Rounding.UP)),
            page.cell(time_text(hop_ps, Rounding.UP)),
            page.cell(time_text(row.growth.error_ps, Rounding.UP)),
        )
    page.show(table)
    for place in study.placements[:_MOST_PLACES]:
        worst = time_text(place.worst_error_ps, Rounding.UP)
        page.say(f"grandmaster at {place.node}: {worst} at {place.worst_node}")
    failure = study.failure
    if failure.standby:
        page.say(
            f"If {failure.failed} fails, {failure.standby} takes over: missed after "
            f"{time_text(failure.detection_ps, Rounding.UP)}; meanwhile two clocks differ by up to "
            f"{time_text(failure.mutual_error_ps, Rounding.UP)} "
            f"({' and '.join(failure.mutual_nodes)})."
        )
    else:
        page.say(f"If {failure.failed} fails, nobody takes over.")
    for node in study.synchronised.unreached:
        page.say(f"{node} has a clock and is not reached by time synchronisation.")

# SPDX-License-Identifier: Apache-2.0
"""Searches the worst case of chosen streams, while all is well and after each single failure.

A bound of a plant with rings holds for every way that a stream may take after a failure, that of a
stream which is sent twice for the latest of its copies; the search therefore looks at all of
them, and keeps the worst for each stream and listener.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from emulator.simulation.search import search_worst
from netplan.plan.model import Plan
from netplan.plan.recovered import recovered_plans, single_way_plans
from netplan.verdict.evidence import BoundEvidence, WorstCase


def worst_cases(
    plan: Plan,
    bound: BoundEvidence,
    rows: Sequence[tuple[int, int]],
    *,
    budget_s: float,
    seed: int,
    progress: Callable[[float], None] | None = None,
) -> tuple[tuple[WorstCase, ...], bool]:
    """The worst case found for each stream and listener, and whether Ctrl-C ended the search.

    Args:
        plan: Whose talkers are driven.
        bound: What is to be reached.
        rows: Streams and listeners, as indices.
        budget_s: Seconds for all together.
        seed: Of the order in which moves are tried.
        progress: Told the share that is done.
    """
    doubled = [row for row in rows if plan.streams[row[0]].recoveries]
    plans = [("", plan, rows)]
    plans += [(after, one, rows) for after, one in recovered_plans(plan)]
    plans += [(after, one, doubled) for after, one in single_way_plans(plan) if doubled]
    best: dict[tuple[int, int], WorstCase] = {}
    stopped: list[bool] = []
    for number, (after, one, searched) in enumerate(plans):

        def told(share: float, number: int = number) -> None:
            if progress is not None:
                progress((number + share) / len(plans))

        found = search_worst(
            one,
            bound,
            rows=searched,
            budget_s=budget_s / len(plans),
            seed=seed,
            progress=told,
            interrupted=lambda: stopped.append(True),
        )
        for case in found:
            row = (case.stream_index, case.listener_index)
            known = best.get(row)
            tried = case.run_count + (0 if known is None else known.run_count)
            if known is None or case.latency_ps > known.latency_ps:
                known = WorstCase(
                    stream_index=row[0],
                    listener_index=row[1],
                    latency_ps=case.latency_ps,
                    releases_ps=case.phases_ps,
                    after=after,
                    run_count=tried,
                )
            best[row] = known
        if stopped:
            break
    return tuple(best[row] for row in rows if row in best), bool(stopped)

# SPDX-License-Identifier: Apache-2.0
"""Priority assignment from the lowest level up, with the bound as the test (Audsley).

At each level all entries that are left are put together, and those that fail there move up,
until the rest passes. With other entries equal instead of above it no entry is worse off, so what
fails cannot be that low; the level keeps as many as can be. The result is an assignment
with the fewest levels that proves all targets if there is one - where the bound of
an entry depends on which entries are above it, not on their order, and does not grow when
others move from above to its own level or below. :func:`why_not_exact` says where that is not so;
there the same steps are a good start for a search, and no more.

Source: Audsley, On priority assignment in fixed priority scheduling (Information Processing Letters,
2001); Davis, Burns, Robust priority assignment for fixed priority real-time systems (RTSS 2007).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from netplan.media.interface import WireMechanism
from netplan.plan.model import Plan
from netplan.tuning.assignments import Assignments, Pcps, contended


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLevels:
    """Outcome of one pass from the lowest level up.

    Attributes:
        pcps: The assignment.
        complete: Whether every entry passes in it.
        spent: Whether the trials ended before the pass did.
    """

    pcps: Pcps
    complete: bool
    spent: bool = False


def by_levels(
    assignments: Assignments, goal: frozenset[int] | None = None, above: float | None = None
) -> ByLevels:
    """Assign from the lowest level up.

    Args:
        assignments: What may be assigned.
        goal: Targets that count; all when left out.
        above: What every margin must exceed, as a share of its limit; being proven is enough when
            left out.
    """
    entries = assignments.entries
    targets = [
        [index for index in entry.target_indices if goal is None or index in goal]
        for entry in entries
    ]
    last = len(assignments.levels) - 1
    level_of = [0] * len(entries)
    left = set(assignments.free())
    complete = True

    def passes(score: float) -> bool:
        return score >= 0 if above is None else score > above

    for level in range(last + 1):
        low = set(left)
        for index in left:
            level_of[index] = level
        while low:
            if assignments.bench.spent:
                return ByLevels(pcps=assignments.at(level_of), complete=False, spent=True)
            trial = assignments.trial(assignments.at(level_of))
            scores = {index: trial.least(targets[index]) for index in sorted(low)}
            failing = {index for index, score in scores.items() if not passes(score)}
            if level == last or not failing:
                complete &= not failing
                break
            if failing == low:
                # Nothing can be this low: the one that fails by least stays.
                complete = False
                failing = low - {max(scores, key=lambda index: scores[index])}
                low = set()
            low -= failing
            for index in failing:
                level_of[index] = level + 1
        left = {index for index in left if level_of[index] > level}
        if not left:
            break
    return ByLevels(pcps=assignments.at(level_of), complete=complete)


def why_not_exact(plan: Plan, assignments: Assignments) -> str:
    """Why the pass from the lowest level up may miss an assignment; empty when it cannot.

    Where every stream meets others at one transmitter only, all jitter with which streams come
    there is the same whatever the priorities, and no two come over the same wire.
    """
    if any(entry.fixed for entry in assignments.entries):
        return "some streams keep their priority"
    if sum(len(entry.stream_indices) for entry in assignments.entries) < len(plan.streams):
        return "offers and abstract flows keep their priority"
    shared = set(contended(plan))
    for egress in (plan.egresses[index] for index in sorted(shared)):
        if not isinstance(egress.mechanism, WireMechanism):
            return f"{egress.name} sends at grants"
        if egress.rules is not None:
            return f"{egress.name} does more than strict priority"
        if egress.queue_count < len(assignments.levels):
            return f"{egress.name} has {egress.queue_count} queues, fewer than there are classes"
    if plan.chains:
        return "the time of a chain rests on several streams"
    for stream in plan.streams:
        met = Counter(hop.egress_index for hop in stream.hops if hop.egress_index in shared)
        if met.total() > 1:
            names = ", ".join(plan.egresses[index].name for index in list(met)[:3])
            return (
                f"'{stream.name}' meets others more than once (at {names}), so that bounds "
                "depend on the order of what is above"
            )
    if not all(trial.loss_free for trial in assignments.known.values()):
        return "a queue may overflow under some assignments"
    return ""

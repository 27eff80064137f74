# SPDX-License-Identifier: Apache-2.0
"""Choosing the priority of every stream and relation so that targets are proven, with most room.

Three starts: the design as it is, deadline-monotonic order, and the pass from the lowest
level up, repeated with ever larger margins. Where that may miss the best, a local search moves and
swaps entries around the targets with the least room. In the end whatever changed without need goes
back to the design's priority. The result is never worse than the design; everything is deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from netplan.design.design import Design
from netplan.plan.model import Plan
from netplan.tsn.classes import queue_index
from netplan.tuning.assignments import (
    Assignments,
    Pcps,
    class_count_of,
    contended,
    levels_of,
)
from netplan.tuning.levels import by_levels, why_not_exact
from netplan.tuning.trial import Bench, Trial
from netplan.tuning.written import Entry, entries_of, with_priorities

_MOST_CRITICAL = 4
"""Entries with the least room that a round of the local search tries to help."""
_FINE_RATIO = 0.01
"""From this share of a limit on, margins are no longer halved but widened by any more at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priorities:
    """The assignment that was found.

    Attributes:
        entries: What has a priority.
        pcps: Priority proposed for each entry.
        before: The design as it is.
        after: The design with the proposal.
        levels: Priority code points that could be chosen.
        exact: Whether no assignment to these levels proves more, or as much with a
            larger least margin, as far as total flow analysis can tell.
        why_not_exact: Why that is not known; empty when it is.
        impossible: Whether total flow analysis proves all targets under no assignment to these
            levels, for sure.
        too_few_classes: Whether nothing is proposed as the classes asked for prove less than
            those of the design.
        found_by: Which start the result came from.
    """

    entries: tuple[Entry, ...]
    pcps: Pcps
    before: Trial
    after: Trial
    levels: tuple[int, ...]
    exact: bool
    why_not_exact: str
    impossible: bool
    too_few_classes: bool
    found_by: str


def tune_priorities(
    design: Design,
    plan: Plan,
    bench: Bench,
    *,
    class_count: int | None = None,
    keep: tuple[str, ...] = (),
) -> Priorities:
    """Find priorities for the streams and relations of a design.

    Args:
        design: As loaded, without errors.
        plan: Of the design.
        bench: Makes the trials and limits their number.
        class_count: Traffic classes to use at most; as many as the ports have queues when left out.
        keep: Names, with ``*`` and ``?``, of streams and relations that keep their priority.
    """
    entries = entries_of(design, plan, keep)
    assignments = Assignments(
        design=design,
        entries=entries,
        levels=levels_of(plan, entries, class_count or class_count_of(plan)),
        bench=bench,
    )
    bench.text = "priorities"
    designed = assignments.designed
    # Asked for fewer classes than the design has, its own priorities are no answer.
    regroups = class_count is not None and not assignments.allows(designed)
    starts = {} if regroups else {"the design": designed}
    starts["deadline-monotonic order"] = assignments.at(deadline_monotonic(assignments))
    first = by_levels(assignments)
    starts["the lowest level up"] = first.pcps
    starts["the lowest level up, widened"], settled = _widened(assignments, first.pcps)
    best = assignments.best(starts.values())
    found_by = next(name for name, pcps in starts.items() if pcps == best)
    unsure = why_not_exact(plan, assignments)
    reason = unsure
    if not reason and not first.complete:
        reason = "which targets to give up is searched for only"
    if not reason and not settled:
        reason = "the trials ended before the margin could not be made larger"
    if reason:
        improved = _searched(assignments, plan, best)
        if improved != best:
            best, found_by = improved, f"local search from {found_by}"
    best = _restored(
        assignments, _worthiest(assignments, best, regroups=regroups), regroups=regroups
    )
    before = after = bench.prove(design)
    if best != designed:
        after = bench.prove(with_priorities(design, entries, best))
    too_few = regroups and after.met_count < before.met_count
    if too_few or (not regroups and after.worth <= before.worth):
        best, after, found_by = designed, before, "the design"
    return Priorities(
        entries=entries,
        pcps=best,
        before=before,
        after=after,
        levels=assignments.levels,
        exact=not reason,
        why_not_exact=reason,
        impossible=not (first.complete or first.spent or unsure),
        too_few_classes=too_few,
        found_by=found_by,
    )


def deadline_monotonic(assignments: Assignments) -> list[int]:
    """Level of each entry: the shorter its tightest limit, the higher; without limit, lowest.

    Where there are more limits than levels, those share a level whose limits are nearest to
    each other, as a ratio.
    """
    limits = {
        index: assignments.entries[index].limit_ps or math.inf for index in assignments.free()
    }
    ordered = sorted(set(limits.values()), reverse=True)
    gaps = sorted(
        range(1, len(ordered)), key=lambda at: (ordered[at - 1] / ordered[at], -at), reverse=True
    )
    starts = sorted(gaps[: len(assignments.levels) - 1])
    level_of = [0] * len(assignments.entries)
    for index, limit_ps in limits.items():
        place = ordered.index(limit_ps)
        level_of[index] = sum(start <= place for start in starts)
    return level_of


def _widened(assignments: Assignments, start: Pcps) -> tuple[Pcps, bool]:
    """The assignment from the lowest level up with the largest least margin, and whether that is sure."""
    goal = assignments.trial(start).met()
    best, least = start, assignments.trial(start).least(goal)
    too_much = 1.0
    while not assignments.bench.spent:
        # Halve the range first; in the end ask for any more at all.
        above = (least + too_much) / 2 if too_much - least > _FINE_RATIO else least
        found = by_levels(assignments, goal, above)
        if found.spent:
            break
        reached = assignments.trial(found.pcps).least(goal)
        if found.complete and reached > above:  # those that keep their priority count as well
            best, least = found.pcps, reached
        elif above > least:
            too_much = above
        else:
            return best, True
    return best, False


def _searched(assignments: Assignments, plan: Plan, start: Pcps) -> Pcps:
    """Local search: the first better neighbour is taken, until none is."""
    neighbours = _meeting(assignments, plan)
    best = start
    improved = True
    while improved:
        improved = False
        for pcps in _moves(assignments, neighbours, best):
            if assignments.bench.spent:
                return best
            if assignments.trial(pcps).key > assignments.trial(best).key:
                best, improved = pcps, True
                break
    return best


def _meeting(assignments: Assignments, plan: Plan) -> list[set[int]]:
    """For each entry, the entries that it shares a transmitter with."""
    shared = set(contended(plan))
    uses = [
        {
            hop.egress_index
            for index in entry.stream_indices
            for hop in plan.streams[index].hops
            if hop.egress_index in shared
        }
        for entry in assignments.entries
    ]
    return [
        {other for other, used in enumerate(uses) if used & own and other != index}
        for index, own in enumerate(uses)
    ]


def _moves(assignments: Assignments, neighbours: list[set[int]], pcps: Pcps) -> Iterator[Pcps]:
    """Neighbours of an assignment that may help those with the least room, those nearest first."""
    entries, levels = assignments.entries, assignments.levels
    trial = assignments.trial(pcps)
    rank = {pcp: level for level, pcp in enumerate(levels)}

    def changed(changes: dict[int, int]) -> Pcps:
        return tuple(changes.get(index, pcp) for index, pcp in enumerate(pcps))

    critical = sorted(
        (
            index
            for index, entry in enumerate(entries)
            if entry.target_indices and neighbours[index]
        ),
        key=lambda index: (trial.least(entries[index].target_indices), index),
    )
    for index in critical[:_MOST_CRITICAL]:
        free = not entries[index].fixed
        own = rank.get(pcps[index], _nearest(levels, pcps[index]))
        others = [other for other in sorted(neighbours[index]) if not entries[other].fixed]
        for level in range(own + 1, len(levels)):
            if free:
                yield changed({index: levels[level]})
        above = [
            other for other in others if rank.get(pcps[other], _nearest(levels, pcps[other])) >= own
        ]
        for other in above:
            for level in range(own):
                yield changed({other: levels[level]})
            if free and pcps[other] != pcps[index]:
                yield changed({index: pcps[other], other: pcps[index]})
            if free and own + 1 < len(levels) and own > 0:
                yield changed({index: levels[own + 1], other: levels[own - 1]})


def _nearest(levels: tuple[int, ...], pcp: int) -> int:
    """Level of a priority that is none of the levels': that of the highest one not above it."""
    own = queue_index(pcp, 8)
    return max((level for level, one in enumerate(levels) if queue_index(one, 8) <= own), default=0)


def _worthiest(assignments: Assignments, best: Pcps, *, regroups: bool) -> Pcps:
    """Of everything that was tried, what a user gains most by; a search climbs by more than that."""
    tried = assignments.known
    fitting = [pcps for pcps in tried if not regroups or assignments.allows(pcps)]
    worthiest = max(fitting, key=lambda pcps: (tried[pcps].worth, tried[pcps].key), default=best)
    return worthiest if tried[worthiest].worth > assignments.trial(best).worth else best


def _restored(assignments: Assignments, pcps: Pcps, *, regroups: bool) -> Pcps:
    """The assignment with the design's own priority wherever another is not needed."""
    best = pcps
    for index, pcp in enumerate(assignments.designed):
        if best[index] == pcp or assignments.bench.spent:
            continue
        candidate = (*best[:index], pcp, *best[index + 1 :])
        if regroups and not assignments.allows(candidate):
            continue
        if assignments.trial(candidate).worth >= assignments.trial(best).worth:
            best = candidate
    return best

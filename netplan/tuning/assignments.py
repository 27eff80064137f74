# SPDX-License-Identifier: Apache-2.0
"""Assignments of priorities to entries, each tried once, and the levels that they may use.

A *level* is a traffic class that entries may be given, counted from the least urgent; each stands
for one priority code point. With n classes these are one code point for each queue of
a port with n queues, so that as many devices as possible tell them apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from netplan.design.design import Design
from netplan.plan.model import Plan
from netplan.tsn.classes import queue_index
from netplan.tuning.trial import Bench, Trial
from netplan.tuning.written import Entry, with_priorities

Pcps = tuple[int, ...]
"""One priority code point per entry."""


@dataclass(slots=True, kw_only=True)
class Assignments:
    """What may be assigned, and what has been tried.

    Attributes:
        design: As loaded.
        entries: What has a priority.
        levels: Priority code point of each level, the least urgent first.
        bench: Makes the trials.
        known: Trials by assignment.
    """

    design: Design
    entries: tuple[Entry, ...]
    levels: tuple[int, ...]
    bench: Bench
    known: dict[Pcps, Trial] = field(default_factory=dict)

    @property
    def designed(self) -> Pcps:
        """The priorities of the design."""
        return tuple(entry.pcp for entry in self.entries)

    def trial(self, pcps: Pcps) -> Trial:
        """The trial of an assignment."""
        if pcps not in self.known:
            changed = with_priorities(self.design, self.entries, pcps)
            self.known[pcps] = self.bench.try_out(changed)
        return self.known[pcps]

    def free(self) -> list[int]:
        """Indices of entries whose priority may change."""
        return [index for index, entry in enumerate(self.entries) if not entry.fixed]

    def allows(self, pcps: Pcps) -> bool:
        """Whether every free entry is at a level."""
        return all(pcps[index] in self.levels for index in self.free())

    def best(self, candidates: Iterable[Pcps]) -> Pcps:
        """The best of some assignments; of equal ones the first."""
        return max(candidates, key=lambda pcps: self.trial(pcps).key)

    def at(self, level_of: Sequence[int]) -> Pcps:
        """The assignment that puts each free entry at a level, by the indices of entries."""
        return tuple(
            entry.pcp if entry.fixed else self.levels[level]
            for entry, level in zip(self.entries, level_of, strict=True)
        )


def levels_of(plan: Plan, entries: Sequence[Entry], class_count: int) -> tuple[int, ...]:
    """One priority code point per class, the least urgent first.

    Of those that share a queue, one that a kept entry has, otherwise the one that most streams of
    the plan have, otherwise the highest.
    """
    kept = Counter(entry.pcp for entry in entries if entry.fixed)
    used = Counter(stream.pcp for stream in plan.streams)
    of_queue: dict[int, list[int]] = {}
    for pcp in range(8):
        of_queue.setdefault(queue_index(pcp, class_count), []).append(pcp)
    return tuple(
        max(of_queue[queue], key=lambda pcp: (kept[pcp], used[pcp], pcp))
        for queue in sorted(of_queue)
    )


def class_count_of(plan: Plan) -> int:
    """Classes that the ports where streams meet can tell apart at most."""
    meeting = [plan.egresses[index].queue_count for index in contended(plan)]
    return max(meeting, default=1)


def contended(plan: Plan) -> list[int]:
    """Indices of transmitters that more than one stream uses."""
    users = Counter(
        egress for stream in plan.streams for egress in {hop.egress_index for hop in stream.hops}
    )
    return sorted(egress for egress, count in users.items() if count > 1)

# SPDX-License-Identifier: Apache-2.0
"""What a design has written about priorities: one entry, one decision, one line to change.

A stream or relation of a module is written once and placed many times; all placements
share its priority, except where a placement overrides something of it: that is an entry of
its own. Offers, scheduled streams (gates were made for their queue) and what the user keeps stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from netplan.design.design import Design, Path
from netplan.plan.model import Plan

GROUPS = ("streams", "relations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stream or relation as it is written.

    Attributes:
        path: In the document.
        members: Collection and absolute name of every object made of it.
        stream_indices: Of all planned streams made of it.
        target_indices: Of all targets that need any of these streams.
        pcp: Its priority as designed.
        limit_ps: Tightest latency or variation promised to a stream of it; None without one.
        fixed: Whether it keeps its priority.
    """

    path: Path
    members: tuple[tuple[str, str], ...]
    stream_indices: tuple[int, ...]
    target_indices: tuple[int, ...]
    pcp: int
    limit_ps: float | None
    fixed: bool

    @property
    def name(self) -> str:
        """For people: the first member, and how many more."""
        more = len(self.members) - 1
        return self.members[0][1] + (f" and {more} more" if more else "")


def entries_of(design: Design, plan: Plan, keep: Sequence[str] = ()) -> tuple[Entry, ...]:
    """All entries with a priority of their own, in the order of the plan's streams.

    Args:
        design: As loaded.
        plan: Of the design.
        keep: Names, with ``*`` and ``?``, of streams and relations that keep their priority.
    """
    members: dict[Path, dict[tuple[str, str], list[int]]] = {}
    for index, stream in enumerate(plan.streams):
        member = member_of(design, stream.name)
        if member is not None:
            members.setdefault(_place(design, member), {}).setdefault(member, []).append(index)
    targets_of = _targets_of(plan)
    entries = []
    for path, group in members.items():
        indices = tuple(index for own in group.values() for index in own)
        targets = sorted({target for index in indices for target in targets_of.get(index, ())})
        limits = [
            plan.targets[index].limit
            for index in targets
            if plan.targets[index].quantity in {"latency", "variation"}
        ]
        entries.append(
            Entry(
                path=path,
                members=tuple(group),
                stream_indices=indices,
                target_indices=tuple(targets),
                pcp=plan.streams[indices[0]].pcp,
                limit_ps=min(limits, default=None),
                fixed=any(plan.streams[index].scheduled for index in indices)
                or any(fnmatchcase(name, pattern) for _, name in group for pattern in keep),
            )
        )
    return tuple(entries)


def member_of(design: Design, stream: str) -> tuple[str, str] | None:
    """Collection and name of what a planned stream was made of; None for an offer's and a flow's."""
    if stream in design.streams:
        return "streams", stream
    relation = stream.rpartition(".")[0]
    return ("relations", relation) if relation in design.relations else None


def _place(design: Design, member: tuple[str, str]) -> Path:
    origin = design.origins[member]
    if origin.override and origin.override in origin.source.marks:
        return origin.override
    return origin.path


def _targets_of(plan: Plan) -> dict[int, list[int]]:
    """For each stream, the targets that rest on it."""
    found: dict[int, list[int]] = {}
    for index, target in enumerate(plan.targets):
        streams = {target.stream_index}
        if target.chain_index >= 0:
            streams = {stage.stream_index for stage in plan.chains[target.chain_index].stages}
        for one in streams:
            found.setdefault(one, []).append(index)
    return found


def with_priorities(design: Design, entries: Sequence[Entry], pcps: Sequence[int]) -> Design:
    """The design with other priorities, one per entry, as if they were written."""
    streams, relations = dict(design.streams), dict(design.relations)
    for entry, pcp in zip(entries, pcps, strict=True):
        if pcp == entry.pcp:
            continue
        for group, name in entry.members:
            if group == "streams":
                streams[name] = streams[name].model_copy(update={"pcp": pcp})
            else:
                relations[name] = relations[name].model_copy(update={"pcp": pcp})
    return replace(design, streams=streams, relations=relations)

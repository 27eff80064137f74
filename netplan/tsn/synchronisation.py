# SPDX-License-Identifier: Apache-2.0
"""Time synchronisation of a plant: who is grandmaster, and how wrong each clock can be.

:func:`synchronise` gives the clocks that the plan carries and the budget behind each;
:func:`best_grandmaster` ranks where the grandmaster should stand. What its failure costs
is told by :mod:`netplan.tsn.grandmaster_failure`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from netplan.tsn.clock_budget import NodeBudget, Timing, budgets, wander_ppb
from netplan.tsn.mechanisms import NodeClock, Synchronisation
from netplan.tsn.time_tree import TimeLink, TimeNode, elected, time_tree

SYNC_INTERVAL_PS = 125 * 10**9
"""Source: IEEE Std 802.1AS-2020, 11.5.2.3 (initialLogSyncInterval -3)."""
PDELAY_INTERVAL_PS = 10**12
"""Source: IEEE Std 802.1AS-2020, 11.5.2.2 (initialLogPdelayReqInterval 0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synchronised:
    """Clocks of one gPTP domain and what their errors consist of.

    Attributes:
        synchronisation: For the plan.
        budgets: One row per clock, in the same order.
        unreached: Nodes that no chain of relays connects with the grandmaster.
    """

    synchronisation: Synchronisation
    budgets: tuple[NodeBudget, ...]
    unreached: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One place for the grandmaster, judged by the nodes that need time.

    Attributes:
        node: The grandmaster.
        worst_error_ps: Largest error among those nodes.
        worst_node: Which of them has it.
        most_hops_count: Longest way to one of them.
        unreached: Those that it cannot reach; such a place is worse than any other.
    """

    node: str
    worst_error_ps: int
    worst_node: str
    most_hops_count: int
    unreached: tuple[str, ...]


def synchronise(
    nodes: Mapping[str, TimeNode],
    links: Sequence[TimeLink],
    grandmaster: str | None = None,
    *,
    interval_ps: int = SYNC_INTERVAL_PS,
    pdelay_interval_ps: int = PDELAY_INTERVAL_PS,
    sources: tuple[str, ...] = (),
) -> Synchronised:
    """Synchronise nodes over the shortest-path tree below a grandmaster.

    Args:
        nodes: By name.
        links: Between them; ends that are no nodes are ignored.
        grandmaster: Whose clock is network time; None lets the best master clock algorithm decide.
        interval_ps: Between two Sync messages.
        pdelay_interval_ps: Between two delay measurements on a link.
        sources: Where the parameters come from.

    Raises:
        ValueError: When the grandmaster is not among the nodes, or none can be it.
    """
    chosen = elected(nodes.values()) if grandmaster is None else grandmaster
    if chosen is None or chosen not in nodes:
        raise ValueError(f"no node can be grandmaster: {grandmaster or 'none is eligible'}")
    tree = time_tree(nodes, links, chosen)
    timing = Timing(interval_ps=interval_ps, pdelay_interval_ps=pdelay_interval_ps)
    rows = budgets(nodes, tree, timing)
    clocks = []
    for step, row in zip(tree, rows, strict=True):
        node = nodes[step.node]
        clocks.append(
            NodeClock(
                node=step.node,
                parent=step.parent,
                error_ps=row.error_ps,
                drift_ppb=node.drift_ppb,
                wander_ppb=wander_ppb(node, interval_ps),
                timestamp_ps=node.timestamp_ps,
                asymmetry_ps=0 if step.link is None else step.link.asymmetry_ps,
                residence_ps=node.residence_ps,
            )
        )
    reached = {step.node for step in tree}
    return Synchronised(
        synchronisation=Synchronisation(
            grandmaster=chosen,
            interval_ps=interval_ps,
            clocks=tuple(clocks),
            sources=sources,
            pdelay_interval_ps=pdelay_interval_ps,
        ),
        budgets=rows,
        unreached=tuple(name for name in nodes if name not in reached),
    )


def best_grandmaster(
    nodes: Mapping[str, TimeNode],
    links: Sequence[TimeLink],
    needing: Collection[str],
    *,
    candidates: Collection[str] | None = None,
    by: Literal["error", "hops"] = "error",
    interval_ps: int = SYNC_INTERVAL_PS,
    pdelay_interval_ps: int = PDELAY_INTERVAL_PS,
) -> tuple[Placement, ...]:
    """All places for the grandmaster, the best first.

    Args:
        nodes: By name.
        links: Between them.
        needing: Nodes whose clocks matter.
        candidates: Places to judge; None for every eligible node.
        by: What counts first, the worst error or the longest way; the other one, then rank in
            the best master clock algorithm, decide between equals.
        interval_ps: Between two Sync messages.
        pdelay_interval_ps: Between two delay measurements on a link.
    """
    timing = Timing(interval_ps=interval_ps, pdelay_interval_ps=pdelay_interval_ps)
    places = [
        _placement(nodes, links, name, needing, timing)
        for name in nodes
        if (nodes[name].eligible if candidates is None else name in candidates)
    ]

    def order(place: Placement) -> tuple[int, int, int, tuple[tuple[int, int, int], str]]:
        measures = (place.worst_error_ps, place.most_hops_count)
        first, second = measures if by == "error" else measures[::-1]
        return len(place.unreached), first, second, nodes[place.node].rank

    return tuple(sorted(places, key=order))


def _placement(
    nodes: Mapping[str, TimeNode],
    links: Sequence[TimeLink],
    name: str,
    needing: Collection[str],
    timing: Timing,
) -> Placement:
    rows = {row.node: row for row in budgets(nodes, time_tree(nodes, links, name), timing)}
    needed = [rows[node] for node in needing if node in rows]
    worst = max(needed, key=lambda row: row.error_ps, default=rows[name])
    return Placement(
        node=name,
        worst_error_ps=worst.error_ps,
        worst_node=worst.node,
        most_hops_count=max((row.hops_count for row in needed), default=0),
        unreached=tuple(node for node in needing if node not in rows),
    )

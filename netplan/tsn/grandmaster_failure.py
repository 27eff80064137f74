# SPDX-License-Identifier: Apache-2.0
"""What it costs when the grandmaster fails: how long, and how far clocks drift apart.

Until the standby's time arrives, every node goes on with the rate ratio that it had. The
standby is taken to do the same: its clock keeps the time and rate that it had learnt and
becomes network time, so that the step which the others see is the difference that has grown
between the two. A standby that falls back to its free oscillator, or brings a time of its own,
makes a larger step; that is a property of the product and has no bound here.

Source: IEEE Std 802.1AS-2020, 10.3.11 to 10.3.13 (ageing, port states), 10.7.3 (timeouts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from netplan.tsn.clock_budget import Timing, budgets
from netplan.tsn.synchronisation import PDELAY_INTERVAL_PS, SYNC_INTERVAL_PS
from netplan.tsn.time_tree import TimeLink, TimeNode, elected, time_tree

ANNOUNCE_INTERVAL_PS = 10**12
"""Source: IEEE Std 802.1AS-2020, 10.7.2.2 (initialLogAnnounceInterval 0)."""
TIMEOUT_COUNT = 3
"""Intervals without a message until it is missed: Sync and Announce alike.

Source: IEEE Std 802.1AS-2020, 10.7.3.1 and 10.7.3.2.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeHoldover:
    """One node between the last Sync of the failed grandmaster and the standby's first.

    Errors count against the time that the failed grandmaster would have shown.

    Attributes:
        node: Which.
        silence_ps: Longest time without Sync.
        holdover_ps: Largest error of its clock until then.
        step_ps: Largest jump when it takes over the standby's time; 0 for the standby itself.
        following_ps: Largest error after that.
    """

    node: str
    silence_ps: int
    holdover_ps: int
    step_ps: int
    following_ps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrandmasterFailure:
    """The cost of one failed grandmaster.

    Attributes:
        failed: It.
        standby: Who takes over; empty when nobody can.
        detection_ps: Longest time from its last Sync until the standby misses it.
        holdovers: One row for each node that the standby reaches, the standby first.
        isolated: Nodes that had time before and get none any more.
        mutual_error_ps: Largest difference between the clocks of two nodes in between.
        mutual_nodes: Those two.
    """

    failed: str
    standby: str
    detection_ps: int
    holdovers: tuple[NodeHoldover, ...]
    isolated: tuple[str, ...]
    mutual_error_ps: int
    mutual_nodes: tuple[str, ...]


def grandmaster_failure(
    nodes: Mapping[str, TimeNode],
    links: Sequence[TimeLink],
    grandmaster: str,
    *,
    standby: str | None = None,
    interval_ps: int = SYNC_INTERVAL_PS,
    pdelay_interval_ps: int = PDELAY_INTERVAL_PS,
    announce_interval_ps: int = ANNOUNCE_INTERVAL_PS,
) -> GrandmasterFailure:
    """Let the grandmaster fail with everything in its node.

    A node misses it after three Sync or three Announce intervals, whichever is over first. The
    standby then announces itself; each relay passes that on within its residence time, and the
    standby's first Sync after that, at most one interval later, sets the clocks.

    Args:
        nodes: By name.
        links: Between them.
        grandmaster: Who fails.
        standby: Who takes over; None lets the best master clock algorithm decide.
        interval_ps: Between two Sync messages.
        pdelay_interval_ps: Between two delay measurements on a link.
        announce_interval_ps: Between two Announce messages.
    """
    timing = Timing(interval_ps=interval_ps, pdelay_interval_ps=pdelay_interval_ps)
    tree = time_tree(nodes, links, grandmaster)
    before = {row.node: row for row in budgets(nodes, tree, timing)}
    rest = {name: nodes[name] for name in before if name != grandmaster}
    chosen = elected(rest.values()) if standby is None else standby
    timeout_ps = TIMEOUT_COUNT * min(interval_ps, announce_interval_ps)
    detection_ps = timeout_ps + max(row.travel_ps for row in before.values())
    if chosen is None:
        return GrandmasterFailure(
            failed=grandmaster,
            standby="",
            detection_ps=detection_ps,
            holdovers=(),
            isolated=tuple(rest),
            mutual_error_ps=0,
            mutual_nodes=(),
        )
    # the standby's clock runs at the rate that it had learnt: the failed one's, wrong by the budget
    learnt_ppb = nodes[grandmaster].drift_ppb + before[chosen].rate_error_ppb + 1
    rest[chosen] = replace(rest[chosen], drift_ppb=max(rest[chosen].drift_ppb, learnt_ppb))
    after = budgets(rest, time_tree(rest, links, chosen), timing)
    # roles are settled when Announce has come through; the next Sync then takes as long again
    silences = {row.node: detection_ps + interval_ps + 2 * row.travel_ps for row in after}
    longest_ps = silences[chosen] = max(silences.values())
    silent = {row.node: row for row in budgets(nodes, tree, replace(timing, silence_ps=longest_ps))}
    standby_ps = silent[chosen].error_ps
    holdovers = []
    for row in after:
        held = silent[row.node]
        # the error grows evenly; the rate error is that after the longest silence
        growth_ps = -(-held.growth.error_ps * silences[row.node] // longest_ps)
        holdover_ps = held.received_ps + growth_ps
        following_ps = standby_ps + row.error_ps
        holdovers.append(
            NodeHoldover(
                node=row.node,
                silence_ps=silences[row.node],
                holdover_ps=holdover_ps,
                step_ps=0 if row.node == chosen else holdover_ps + following_ps,
                following_ps=following_ps,
            )
        )
    worst = sorted(holdovers, key=lambda row: max(row.holdover_ps, row.following_ps), reverse=True)[
        :2
    ]
    return GrandmasterFailure(
        failed=grandmaster,
        standby=chosen,
        detection_ps=detection_ps,
        holdovers=tuple(holdovers),
        isolated=tuple(name for name in rest if name not in silences),
        mutual_error_ps=sum(max(row.holdover_ps, row.following_ps) for row in worst),
        mutual_nodes=tuple(row.node for row in worst),
    )

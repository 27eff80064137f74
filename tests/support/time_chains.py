# SPDX-License-Identifier: Apache-2.0
"""Chains of clocks, for tests of time synchronisation."""

from __future__ import annotations

from itertools import pairwise

from netplan.tsn.time_tree import TimeLink, TimeNode


def chain(
    hops_count: int,
    *,
    drift_ppb: int = 100_000,
    wander_ppb_per_s: int = 20,
    timestamp_ps: int = 8_000,
    residence_ps: int = 10**10,
    delay_ps: int = 500_000,
    asymmetry_ps: int = 4_000,
) -> tuple[dict[str, TimeNode], list[TimeLink]]:
    """Nodes ``n00``, ``n01`` ... in a line, as typical devices are: 100 m of cable, 8 ns stamps."""
    names = [f"n{index:02}" for index in range(hops_count + 1)]
    nodes = {
        name: TimeNode(
            node=name,
            drift_ppb=drift_ppb,
            wander_ppb_per_s=wander_ppb_per_s,
            timestamp_ps=timestamp_ps,
            residence_ps=residence_ps,
        )
        for name in names
    }
    links = [
        TimeLink(ends=ends, delay_ps=delay_ps, asymmetry_ps=asymmetry_ps)
        for ends in pairwise(names)
    ]
    return nodes, links

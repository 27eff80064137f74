# SPDX-License-Identifier: Apache-2.0
"""What was tried beside a plain run as it stands in JSON results: faults, and searches."""

from __future__ import annotations

import math
from typing import Any

from netplan.verdict.evidence import RingRecovery, StreamOutage, WorstCase
from netplan.verdict.facts import Facts


def nanoseconds(time_ps: float | None) -> int | float | None:
    """Picoseconds as nanoseconds: whole where they are, otherwise a fraction exact to the picosecond."""
    if time_ps is None or not math.isfinite(time_ps):
        return None
    whole_ps = round(time_ps)
    return whole_ps // 1000 if whole_ps % 1000 == 0 else whole_ps / 1000


def recovery_record(one: RingRecovery) -> dict[str, Any]:
    """How a ring got over a fault."""
    return {
        "ring": one.ring,
        "fault": one.fault,
        "at_ns": nanoseconds(one.at_ps),
        "recovered_ns": nanoseconds(one.recovered_ps),
        "promised_ns": nanoseconds(one.promised_ps),
        "kept": one.is_kept,
    }


def outage_record(outage: StreamOutage | None) -> dict[str, Any] | None:
    """What a stream lost, and how long it stayed away."""
    if outage is None:
        return None
    return {
        "lost": outage.lost,
        "outage_ns": nanoseconds(outage.outage_ps),
        "over": outage.is_over,
    }


def worst_case_record(facts: Facts, case: WorstCase | None) -> dict[str, Any] | None:
    """The worst case that a search found, and how near it comes to the bound."""
    if case is None:
        return None
    row = facts.stream_bound(case.stream_index, case.listener_index)
    bound_ps = row.bound_ps if row else None
    return {
        "latency_ns": nanoseconds(case.latency_ps),
        "gap_ns": None if bound_ps is None else nanoseconds(bound_ps - case.latency_ps),
        "bound_ratio": bound_ps / case.latency_ps if bound_ps and case.latency_ps else None,
        "after": case.after,
        "runs": case.run_count,
        "first_releases_ns": {
            facts.plan.streams[index].name: nanoseconds(release_ps)
            for index, release_ps in enumerate(case.releases_ps)
            if release_ps is not None
        },
    }

# SPDX-License-Identifier: Apache-2.0
"""What was tried on a plant beside a plain run, in words: faults, and a search for the worst case."""

from __future__ import annotations

from netplan.plan.model import Plan
from netplan.verdict.evidence import (
    BoundEvidence,
    RingRecovery,
    SimulatedEvidence,
    StreamOutage,
    WorstCase,
)
from netplan.verdict.page import Page
from netplan.verdict.wording import count_text, ratio_text, time_text


def recovery_text(one: RingRecovery) -> str:
    """How a ring got over a fault, and whether it kept its promise."""
    text = f"{one.ring}, {one.fault}: "
    if one.recovered_ps is None:
        text += "not recovered before the next event or the end of the run"
    else:
        text += f"recovered after {time_text(one.recovered_ps)}"
    if one.promised_ps is None:
        return f"{text}; no recovery time is promised"
    kept = "kept" if one.is_kept else "NOT KEPT"
    return f"{text}; {time_text(one.promised_ps)} promised: {kept}"


def outage_text(outage: StreamOutage) -> str:
    """How long a stream did not come, and what it lost."""
    how = "" if outage.is_over else ", not over at the end"
    return f"{time_text(outage.outage_ps)}{how}; {count_text(outage.lost, 'frame')} lost"


def worst_case_text(case: WorstCase, bound_ps: int | None) -> str:
    """The worst case found, beside the bound."""
    text = time_text(case.latency_ps)
    if bound_ps is not None and case.latency_ps:
        gap = time_text(bound_ps - case.latency_ps)
        text += f"; the bound is {ratio_text(bound_ps / case.latency_ps)} times that, {gap} more"
    if case.after:
        text += f"; after the loss of {case.after}"
    return f"{text} ({count_text(case.run_count, 'scenario')})"


def say_faults(page: Page, plan: Plan, simulated: SimulatedEvidence) -> None:
    """Print what failed, how the rings got over it, and what each stream lost."""
    if not simulated.faults:
        return
    for fault in simulated.faults:
        page.say(fault, head="fault: ")
    for one in simulated.ring_recoveries:
        page.say(recovery_text(one), head="ring: ")
    if not simulated.outages:
        page.say("no stream lost a frame or stayed away")
        return
    table = page.table()
    for name in ("stream", "listener"):
        table.add_column(name, overflow="fold")
    for name in ("lost", "outage"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for outage in sorted(simulated.outages, key=lambda row: -row.outage_ps):
        stream = plan.streams[outage.stream_index]
        table.add_row(
            page.cell(stream.name),
            page.cell(stream.listeners[outage.listener_index]),
            f"{outage.lost:,}",
            page.cell(time_text(outage.outage_ps)),
            "" if outage.is_over else "not over",
        )
    page.show(table)


def say_worst_cases(
    page: Page, plan: Plan, bound: BoundEvidence | None, simulated: SimulatedEvidence
) -> None:
    """Print the worst case found for each stream beside its bound."""
    if not simulated.worst_cases:
        return
    rows = () if bound is None else bound.streams
    bounds = {(row.stream_index, row.listener_index): row.bound_ps for row in rows}
    table = page.table()
    for name in ("stream", "listener"):
        table.add_column(name, overflow="fold")
    for name in ("bound", "worst found", "gap", "bound / found", "scenarios"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("after the loss of", overflow="fold")
    for case in simulated.worst_cases:
        stream = plan.streams[case.stream_index]
        bound_ps = bounds.get((case.stream_index, case.listener_index))
        known = bound_ps is not None and case.latency_ps > 0
        table.add_row(
            page.cell(stream.name),
            page.cell(stream.listeners[case.listener_index]),
            page.cell("not proven" if bound_ps is None else time_text(bound_ps)),
            page.cell(time_text(case.latency_ps)),
            page.cell(time_text((bound_ps or 0) - case.latency_ps) if known else "-"),
            page.cell(ratio_text((bound_ps or 0) / case.latency_ps) if known else "-"),
            f"{case.run_count:,}",
            page.cell(case.after or "-"),
        )
    page.show(table)

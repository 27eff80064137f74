# SPDX-License-Identifier: Apache-2.0
"""The delay of one stream, hop by hop, with the source of every term, and its worst frame."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from rich.console import Console

from netplan.design.findings import DesignError, Finding, Severity
from netplan.media.interface import DelayTerm
from netplan.plan.model import Plan
from netplan.verdict.evidence import BoundEvidence, SimulatedEvidence, StreamObservation
from netplan.verdict.facts import Facts
from netplan.verdict.page import Page
from netplan.verdict.wording import Rounding, count_text, ratio_text, time_text


def explain_table(
    plan: Plan,
    bound: BoundEvidence | None,
    simulated: SimulatedEvidence | None,
    stream_name: str,
    console: Console,
) -> None:
    """Print every delay term of a stream, and the history of its slowest simulated frame.

    Args:
        plan: That holds the stream.
        bound: Its terms are shown where there are any, otherwise the plan's fixed terms.
        simulated: For the slowest frame, if there was a run.
        stream_name: A stream, or a relation, chain or offer, whose streams are then all shown.
        console: Where to.

    Raises:
        DesignError: No stream is called that; the finding proposes the nearest name.
    """
    facts = Facts(plan, bound, simulated)
    page = Page(console)
    for stream_index in streams_called(plan, stream_name):
        stream = plan.streams[stream_index]
        for listener_index, listener in enumerate(stream.listeners):
            page.say(
                f"{stream.name}: {stream.talker} to {listener}, priority {stream.pcp}, VLAN {stream.vlan}"
            )
            _terms(page, hop_terms(facts, stream_index, listener_index))
            page.say(_result_text(facts, stream_index, listener_index))
            seen = facts.observation(stream_index, listener_index)
            if seen is not None and seen.worst:
                _timeline(page, facts, seen)


def streams_called(plan: Plan, name: str) -> list[int]:
    """Streams with this name, or of the relation, chain or offer with this name.

    Raises:
        DesignError: There is none.
    """
    own = [index for index, stream in enumerate(plan.streams) if stream.name == name]
    if own:
        return own
    of_subject = [target.stream_index for target in plan.targets if target.subject == name]
    for chain in plan.chains:
        if chain.name == name:
            of_subject += [stage.stream_index for stage in chain.stages]
    found = list(dict.fromkeys(index for index in of_subject if index >= 0))
    if found:
        return found
    known = [stream.name for stream in plan.streams] + [chain.name for chain in plan.chains]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)[:6]
    raise DesignError(
        [
            Finding(
                code="EXPLAIN-STREAM-UNKNOWN",
                severity=Severity.ERROR,
                message="there is no such stream",
                found=name,
                hint=f"the nearest names are {', '.join(near)}"
                if near
                else "the design has no stream",
            )
        ]
    )


def hop_terms(
    facts: Facts, stream_index: int, listener_index: int
) -> list[tuple[str, tuple[DelayTerm, ...]]]:
    """Transmitter and delay terms of each hop: bounded where there is a bound, fixed ones otherwise."""
    row = facts.stream_bound(stream_index, listener_index)
    if row is not None and row.hops:
        return [(facts.egress_name(hop.egress_index), hop.terms) for hop in row.hops]
    return [
        (facts.egress_name(hop.egress_index), hop.before + hop.after)
        for hop in facts.way(stream_index, listener_index)
    ]


def _terms(page: Page, hops: Sequence[tuple[str, Sequence[DelayTerm]]]) -> None:
    every = [term for _, terms in hops for term in terms]
    numbers = {
        source: number
        for number, source in enumerate(dict.fromkeys(term.source for term in every), 1)
    }
    table = page.table()
    table.add_column("hop", overflow="fold")
    table.add_column("term", no_wrap=True)
    table.add_column("of", overflow="fold")
    table.add_column("least", justify="right", no_wrap=True)
    table.add_column("largest", justify="right", no_wrap=True)
    table.add_column("source", justify="right", no_wrap=True)
    for name, terms in hops:
        for index, term in enumerate(terms):
            table.add_row(
                page.cell("" if index else name),
                page.cell(term.kind.value),
                page.cell(term.what),
                *_sum_texts([term]),
                f"{numbers[term.source]}",
            )
        table.add_row(
            page.cell("" if terms else name), "", "this hop", *_sum_texts(terms), "", style="bold"
        )
    table.add_section()
    table.add_row("all hops", "", "", *_sum_texts(every), "", style="bold")
    page.show(table)
    for source, number in numbers.items():
        page.say(f"source {number}: {source}")


def _sum_texts(terms: Sequence[DelayTerm]) -> tuple[str, str]:
    return (
        time_text(sum(term.min_ps for term in terms), Rounding.DOWN),
        time_text(sum(term.max_ps for term in terms), Rounding.UP),
    )


def _result_text(facts: Facts, stream_index: int, listener_index: int) -> str:
    row = facts.stream_bound(stream_index, listener_index)
    if row is None:
        return "These are the fixed terms; waiting in queues comes on top. No bound was made."
    if row.bound_ps is None:
        because = f": {row.why}" if row.why else "."
        return f"These are the fixed terms; waiting comes on top. There is no bound{because}"
    text = f"Bound: {time_text(row.bound_ps, Rounding.UP)}"
    if row.exceedance_probability:
        text += (
            f", kept by all but a share of {ratio_text(row.exceedance_probability, Rounding.UP)}"
        )
    if row.after:
        text += f", after the loss of {row.after}"
    text += f"; least possible: {time_text(row.minimum_ps, Rounding.DOWN)}"
    if row.talker_wait_ps:
        text += (
            f"; before that, up to {time_text(row.talker_wait_ps, Rounding.UP)} "
            "from release to the talker's port"
        )
    if not row.loss_free:
        text += f"; frames may be lost: {row.why}" if row.why else "; frames may be lost"
    return text


def _timeline(page: Page, facts: Facts, seen: StreamObservation) -> None:
    """Moments of the slowest frame, counted from its release."""
    latency = time_text(seen.max_ps) if seen.max_ps is not None else "?"
    released_ps = (
        seen.worst_released_ps if seen.worst_released_ps is not None else seen.worst[0].received_ps
    )
    page.say(
        f"Slowest of {count_text(seen.frames, 'simulated frame')}: {latency}, released at "
        f"{time_text(released_ps)}; its moments, counted from there:"
    )
    table = page.table()
    table.add_column("hop", overflow="fold")
    for name in ("received", "queued", "started", "delivered", "waited", "on the way"):
        table.add_column(f" {name}", justify="right", no_wrap=True)
    for hop in seen.worst:
        moments = (hop.received_ps, hop.queued_ps, hop.started_ps, hop.delivered_ps)
        table.add_row(
            page.cell(facts.egress_name(hop.egress_index)),
            *(time_text(moment_ps - released_ps) for moment_ps in moments),
            time_text(hop.started_ps - hop.queued_ps),
            time_text(hop.delivered_ps - hop.started_ps),
        )
    page.show(table)

# SPDX-License-Identifier: Apache-2.0
"""One section of the report for each stream and listener, or chain, that deserves a closer look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup

from netplan.media.interface import DelayTerm, TermKind, WireMechanism
from netplan.verdict import charts
from netplan.verdict.evidence import StreamObservation
from netplan.verdict.explain import hop_terms
from netplan.verdict.facts import Facts
from netplan.verdict.outcome import SIGNS, Outcome, Verdict
from netplan.verdict.results import percentiles_ps
from netplan.verdict.samples import Latencies, ratio_upper
from netplan.verdict.table import limit_text, quantity_text
from netplan.verdict.trials import outage_text, worst_case_text
from netplan.verdict.wording import Rounding, ratio_text, time_text

MOST_DETAILS = 20
"""Sections beside those of missed targets."""
_MOST_MISSED = 150

_CLASSES = {Outcome.MET: "met", Outcome.MISSED: "missed", Outcome.NOT_PROVEN: "open"}


class Sources:
    """Numbers for the sources of terms, in the order in which they are first named."""

    def __init__(self) -> None:
        """Begin without any."""
        self._numbers: dict[str, int] = {}

    def number(self, source: str) -> int:
        """Number of a source."""
        return self._numbers.setdefault(source, len(self._numbers) + 1)

    def numbered(self) -> list[tuple[int, str]]:
        """All sources with their numbers."""
        return [(number, source) for source, number in self._numbers.items()]


class TermRow(NamedTuple):
    """A term as a row of a table."""

    hop: str
    kind: str
    what: str
    least: str
    largest: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What the report shows of a stream at one listener, or of a chain.

    Attributes:
        anchor: Name of the section in the page.
        stream_index: -1 for a chain.
        listener_index: -1 for a chain.
        chain_index: -1 for a stream.
        title: Subject and listener.
        way: Nodes in order.
        verdicts: Class, sign, quantity with limit, and sentence of each target.
        bars: Chart of the delay terms; empty when none is known.
        bars_title: What they show.
        note: What the chart leaves out.
        figures: Name and value of each figure.
        chart: Distribution of the latency; empty without a run.
        timeline: Moments of the slowest frame: name and times.
        timeline_note: Which frame that is.
        terms: Rows of the table of terms.
        kinds: Kinds of terms in the chart.
    """

    anchor: str
    stream_index: int
    listener_index: int
    chain_index: int
    title: str
    way: str
    verdicts: list[tuple[str, str, str, str]]
    bars: Markup
    bars_title: str
    note: str
    figures: list[tuple[str, str]]
    chart: Markup
    timeline: list[tuple[str, ...]]
    timeline_note: str
    terms: list[TermRow]
    kinds: frozenset[TermKind]


def details(facts: Facts, ordered: Sequence[Verdict], sources: Sources) -> list[Detail]:
    """Sections of the worst subjects and of every missed one, worst first.

    Args:
        facts: Plan and evidence.
        ordered: Verdicts, worst first.
        sources: Takes up the sources of all terms of the plan.
    """
    chosen: dict[tuple[int, int, int], list[Verdict]] = {}
    for verdict in ordered:
        target = verdict.target
        key = (target.stream_index, target.listener_index, target.chain_index)
        most = _MOST_MISSED if verdict.outcome is Outcome.MISSED else MOST_DETAILS
        if key in chosen:
            chosen[key].append(verdict)
        elif len(chosen) < most:
            chosen[key] = [verdict]
    found = [
        _of_chain(facts, key[2], verdicts, number, sources)
        if key[0] < 0
        else _of_stream(facts, key[0], key[1], verdicts, number, sources)
        for number, (key, verdicts) in enumerate(chosen.items(), 1)
    ]
    _note_sources(facts, sources)
    return found


def _note_sources(facts: Facts, sources: Sources) -> None:
    """Name the sources of all other terms as well."""
    for stream_index, stream in enumerate(facts.plan.streams):
        for listener_index in range(len(stream.listeners)):
            for _, terms in hop_terms(facts, stream_index, listener_index):
                for term in terms:
                    sources.number(term.source)
        for term in (
            *stream.talker_host,
            *(one for terms in stream.listener_host for one in terms),
        ):
            sources.number(term.source)
    for row in facts.chain_bounds.values():
        for term in row.terms:
            sources.number(term.source)


def _judged(verdicts: Iterable[Verdict]) -> list[tuple[str, str, str, str]]:
    return [
        (
            _CLASSES[verdict.outcome],
            f"{SIGNS[verdict.outcome]} {verdict.outcome.value}",
            f"{quantity_text(verdict.target)}, limit {limit_text(verdict.target)}",
            verdict.why,
        )
        for verdict in verdicts
    ]


def _limit_marks(verdicts: Iterable[Verdict], quantities: set[str]) -> list[charts.Mark]:
    limits = {
        verdict.target.limit
        for verdict in verdicts
        if verdict.target.quantity in quantities and not verdict.target.application
    }
    return [charts.Mark("limit", limit, "limit") for limit in sorted(limits)]


def _rows(hops: Iterable[tuple[str, Sequence[DelayTerm]]], sources: Sources) -> list[TermRow]:
    rows = []
    for name, terms in hops:
        for index, term in enumerate(terms):
            rows.append(
                TermRow(
                    "" if index else name,
                    term.kind.value,
                    term.what,
                    time_text(term.min_ps, Rounding.DOWN),
                    time_text(term.max_ps, Rounding.UP),
                    str(sources.number(term.source)),
                )
            )
    return rows


def _of_stream(
    facts: Facts,
    stream_index: int,
    listener_index: int,
    verdicts: list[Verdict],
    number: int,
    sources: Sources,
) -> Detail:
    stream = facts.plan.streams[stream_index]
    row = facts.stream_bound(stream_index, listener_index)
    seen = facts.observation(stream_index, listener_index)
    hops = hop_terms(facts, stream_index, listener_index)
    marks = _limit_marks(verdicts, {"latency"})
    bounded = row is not None and row.bound_ps is not None
    if row is not None and row.bound_ps is not None:
        marks.append(charts.Mark("bound", row.bound_ps, "bound"))
    note = ""
    if not bounded:
        note = "Fixed delays only: waiting and serialisation come on top, and no bound is known"
        note += f" ({row.why})." if row is not None and row.why else "."
    listener = stream.listeners[listener_index]
    nodes = [stream.talker, *(hop.to_node for hop in facts.way(stream_index, listener_index))]
    observed = seen is not None and seen.max_ps is not None and bool(seen.bin_counts)
    return Detail(
        anchor=f"s{number}",
        stream_index=stream_index,
        listener_index=listener_index,
        chain_index=-1,
        title=f"{stream.name} to {listener}",
        way=" → ".join(nodes),
        verdicts=_judged(verdicts),
        bars=charts.term_bars(hops, marks if bounded else []),
        bars_title="Largest delay, hop by hop" if bounded else "Fixed delays, hop by hop",
        note=note,
        figures=_figures(facts, stream_index, listener_index, seen),
        chart=charts.distribution(_latencies(seen), marks)
        if seen is not None and observed
        else Markup(),
        timeline=_timeline(facts, seen) if seen is not None else [],
        timeline_note=_timeline_note(facts, stream_index, seen) if seen is not None else "",
        terms=_rows(hops, sources),
        kinds=frozenset(term.kind for _, terms in hops for term in terms),
    )


def _latencies(seen: StreamObservation) -> Latencies:
    assert seen.min_ps is not None
    assert seen.max_ps is not None
    return Latencies(
        min_ps=seen.min_ps,
        max_ps=seen.max_ps,
        edges_ps=seen.bin_edges_ps,
        bin_counts=seen.bin_counts,
    )


def _figures(
    facts: Facts, stream_index: int, listener_index: int, seen: StreamObservation | None
) -> list[tuple[str, str]]:
    """Figures of the bound and the run, each with its sample count where it is a statistic."""
    row = facts.stream_bound(stream_index, listener_index)
    found: list[tuple[str, str]] = []
    if row is not None:
        bound = "none" if row.bound_ps is None else time_text(row.bound_ps, Rounding.UP)
        if row.exceedance_probability:
            bound += f" except a share of {ratio_text(row.exceedance_probability, Rounding.UP)}"
        found += [("bound", bound), ("least possible", time_text(row.minimum_ps, Rounding.DOWN))]
    if seen is None:
        return found
    total = seen.frames + seen.lost
    found.append(("simulated frames", f"{seen.frames:,}"))
    if total:
        most = ratio_text(ratio_upper(seen.lost, total), Rounding.UP)
        found.append(("lost", f"{seen.lost:,} (a loss of at most {most} at 95 %)"))
    if seen.min_ps is not None and seen.max_ps is not None and seen.mean_ps is not None:
        found += [("least", time_text(seen.min_ps)), ("mean", time_text(seen.mean_ps))]
        names = {"p50": "50 % within", "p99": "99 % within", "p999": "99.9 % within"}
        for name, (value_ps, needed) in percentiles_ps(seen).items():
            shown = time_text(value_ps, Rounding.UP) if value_ps is not None else "–"
            found.append((names[name], shown if needed is None else f"– (needs {needed:,} frames)"))
        found.append(("largest", time_text(seen.max_ps)))
    if seen.max_gap_ps is not None:
        found.append(("largest update interval", time_text(seen.max_gap_ps)))
    outage = facts.outages.get((stream_index, listener_index))
    if outage is not None:
        found.append(("outage", outage_text(outage)))
    case = facts.worst_cases.get((stream_index, listener_index))
    if case is not None:
        bound_ps = None if row is None else row.bound_ps
        found.append(("worst case found", worst_case_text(case, bound_ps)))
    return found


def _timeline(facts: Facts, seen: StreamObservation) -> list[tuple[str, ...]]:
    if not seen.worst:
        return []
    start_ps = (
        seen.worst_released_ps if seen.worst_released_ps is not None else seen.worst[0].received_ps
    )
    return [
        (
            facts.egress_name(hop.egress_index),
            time_text(hop.received_ps - start_ps),
            time_text(hop.queued_ps - hop.received_ps),
            time_text(hop.started_ps - hop.queued_ps),
            time_text(hop.delivered_ps - hop.started_ps),
            time_text(hop.delivered_ps - start_ps),
        )
        for hop in seen.worst
    ]


def _timeline_note(facts: Facts, stream_index: int, seen: StreamObservation) -> str:
    if not seen.worst or seen.max_ps is None:
        return ""
    note = f"The slowest simulated frame took {time_text(seen.max_ps)}"
    if seen.worst_released_ps is not None:
        note += f", released {time_text(seen.worst_released_ps)} into the run"
    note += ". Moments count from its release"
    first = facts.plan.streams[stream_index].hops[0]
    if isinstance(facts.plan.egresses[first.egress_index].mechanism, WireMechanism):
        note += "; the latency counts from its first bit at the talker's port"
    return f"{note}."


def _steps(terms: Iterable[DelayTerm]) -> list[tuple[str, tuple[DelayTerm, ...]]]:
    """Terms of a chain in steps: neighbours that speak of the same thing are one."""
    return [(what, tuple(same)) for what, same in groupby(terms, key=lambda term: term.what)]


def _of_chain(
    facts: Facts, chain_index: int, verdicts: list[Verdict], number: int, sources: Sources
) -> Detail:
    chain = facts.plan.chains[chain_index]
    row = facts.chain_bounds.get(chain_index)
    seen = facts.chain_observations.get(chain_index)
    steps = [
        f"{facts.plan.streams[stage.stream_index].talker} → "
        f"{facts.plan.streams[stage.stream_index].listeners[stage.listener_index]}"
        for stage in chain.stages
    ]
    hops = _steps(row.terms) if row else []
    marks = _limit_marks(verdicts, {"reaction time"})
    figures: list[tuple[str, str]] = []
    if row is not None:
        shown = "none" if row.bound_ps is None else time_text(row.bound_ps, Rounding.UP)
        if row.exceedance_probability:
            shown += f" except a share of {ratio_text(row.exceedance_probability, Rounding.UP)}"
        figures += [("bound", shown), ("least possible", time_text(row.minimum_ps, Rounding.DOWN))]
        if row.bound_ps is not None:
            marks.append(charts.Mark("bound", row.bound_ps, "bound"))
    if seen is not None:
        figures.append(("simulated reactions", f"{seen.reactions:,}"))
        if seen.min_ps is not None and seen.mean_ps is not None and seen.max_ps is not None:
            figures += [
                ("least", time_text(seen.min_ps)),
                ("mean", time_text(seen.mean_ps)),
                ("largest", time_text(seen.max_ps)),
            ]
    return Detail(
        anchor=f"s{number}",
        stream_index=-1,
        listener_index=-1,
        chain_index=chain_index,
        title=f"{chain.name} (reaction chain)",
        way=", then ".join(steps),
        verdicts=_judged(verdicts),
        bars=charts.term_bars(hops, marks) if hops else Markup(),
        bars_title="Largest delay, step by step",
        note=f"There is no bound: {row.why}" if row is not None and row.why else "",
        figures=figures,
        chart=Markup(),
        timeline=[],
        timeline_note="",
        terms=_rows(hops, sources),
        kinds=frozenset(term.kind for _, terms in hops for term in terms),
    )

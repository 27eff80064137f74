# SPDX-License-Identifier: Apache-2.0
"""Charts of one stream: its delay terms hop by hop, and the distribution of its latency.

Kinds of terms differ by pattern as well as by colour. An axis that would be
mostly empty because a limit lies far to the right ends earlier and says where the limit is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from markupsafe import Markup

from netplan.media.interface import DelayTerm, TermKind
from netplan.verdict import svg
from netplan.verdict.samples import Latencies
from netplan.verdict.wording import Rounding, count_text, time_text

WIDTH = 1060.0
_LABEL = 190.0
_ROW = 22.0
_FAR = 2.5
_BARS = 48
_STEPS = 120

_OVERLAYS = {
    TermKind.PROPAGATION: "",
    TermKind.SERIALISATION: "M0 4h8",
    TermKind.PROCESSING: "M1 1h1M5 5h1",
    TermKind.QUEUEING: "M0 8L8 0M-2 2L2 -2M6 10L10 6",
    TermKind.GATE_WAIT: "M4 0v8",
    TermKind.GRANT_WAIT: "M0 0L8 8M-2 6L2 10M6 -2L10 2",
    TermKind.CYCLE_WAIT: "M2 0v8M6 0v8",
    TermKind.RETRANSMISSION: "M0 0L8 8M0 8L8 0",
    TermKind.CLOCK_ERROR: "M0 4h8M4 0v8",
    TermKind.BURST_PAID_ONCE: "M0 2h8M0 6h8",
}


def pattern_id(kind: TermKind) -> str:
    """Identifier of a kind's pattern in the page."""
    return f"term-{kind.value.replace(' ', '-')}"


def patterns() -> Markup:
    """Definitions of the fill patterns; once in a page."""
    made = []
    for kind, overlay in _OVERLAYS.items():
        name = pattern_id(kind)
        base = svg.rect(0, 0, 8, 8, class_=name)
        lines = svg.element("path", d=overlay, class_="overlay") if overlay else svg.EMPTY
        made.append(
            svg.element(
                "pattern", base, lines, id=name, width=8, height=8, patternUnits="userSpaceOnUse"
            )
        )
    return svg.element(
        "svg", svg.element("defs", *made), width=0, height=0, aria_hidden="true",
        style="position:absolute", xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip


def swatch(kind: TermKind) -> Markup:
    """A sample of a kind's pattern for the legend."""
    return svg.element(
        "svg", svg.rect(0, 0, 24, 12, fill=f"url(#{pattern_id(kind)})", class_="swatch"), width=24,
        height=12, aria_hidden="true", xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip


class Mark(NamedTuple):
    """A line across a chart: a limit or a bound."""

    name: str
    time_ps: float
    style: str


def _span_ps(data_ps: float, marks: Sequence[Mark]) -> float:
    """Where an axis ends: at the last mark, unless that would squeeze the data."""
    near = [mark.time_ps for mark in marks if mark.time_ps <= _FAR * data_ps]
    return max([data_ps, *near, 1.0]) * 1.04


def _near_count(marks: Sequence[Mark], end_ps: float) -> int:
    """Marks that lie within an axis and have their name below it."""
    return sum(mark.time_ps <= end_ps for mark in marks)


def _marks(
    marks: Sequence[Mark], end_ps: float, left: float, right: float, top: float, low: float
) -> list[Markup]:
    """Lines of limits and bounds; those beyond the axis as a note at its end."""
    drawn: list[Markup] = []
    beyond = near = 0
    for mark in marks:
        label = f"{mark.name} {time_text(mark.time_ps, Rounding.UP)}"
        if mark.time_ps > end_ps:
            drawn.append(svg.text(right, top - 4 - 11 * beyond, f"{label} →", class_="mark end"))
            beyond += 1
            continue
        x = left + (right - left) * mark.time_ps / end_ps
        drawn.append(svg.line(x, top, x, low, class_=f"mark {mark.style}"))
        anchor = "mark end" if x > (left + right) / 2 else "mark"
        shift = -3 if x > (left + right) / 2 else 3
        drawn.append(svg.text(x + shift, low + 11 + 11 * near, label, class_=anchor))
        near += 1
    return drawn


def term_bars(rows: Sequence[tuple[str, Sequence[DelayTerm]]], marks: Sequence[Mark]) -> Markup:
    """Largest delay terms as a staircase: each row begins where the one before it ended."""
    # What is paid once comes last and takes back: before it the staircase is at its widest.
    reached_sums_ps = [*accumulate(term.max_ps for _, terms in rows for term in terms)]
    end_ps = _span_ps(max([1, *reached_sums_ps]), marks)
    right = WIDTH - 8
    top = 18.0
    low = top + _ROW * len(rows)

    def at(time_ps: float) -> float:
        return _LABEL + (right - _LABEL) * max(0.0, time_ps) / end_ps

    drawn: list[Markup] = []
    reached_ps = 0
    for index, (name, terms) in enumerate(rows):
        y = top + index * _ROW
        drawn.append(svg.text(_LABEL - 6, y + 14, svg.shortened(name, 32), class_="hop"))
        for term in terms:
            start_ps, reached_ps = reached_ps, reached_ps + term.max_ps
            low_ps, high_ps = sorted((start_ps, reached_ps))
            if high_ps == low_ps:
                continue
            wide = max(0.8, at(high_ps) - at(low_ps))
            shown = time_text(term.max_ps, Rounding.UP)
            title = svg.element("title", f"{name}: {term.kind.value} {shown}, {term.what}")
            fill = f"url(#{pattern_id(term.kind)})"
            drawn.append(
                svg.rect(at(low_ps), y + 3, wide, _ROW - 6, title, fill=fill, class_="bar")
            )
        if terms:
            here_ps = sum(term.max_ps for term in terms)
            x = at(reached_ps) + 5
            shown = time_text(here_ps, Rounding.UP)
            begin_x = at(reached_ps - here_ps) - 5
            if x + 70 <= right:
                drawn.append(svg.text(x, y + 15, shown, class_="sum"))
            elif begin_x - 70 >= _LABEL:
                drawn.append(svg.text(begin_x, y + 15, shown, class_="sum end"))
            else:
                drawn.append(svg.text(begin_x + 13, y + 15, shown, class_="sum halo"))
    drawn.append(svg.line(_LABEL, low, right, low, class_="axis"))
    drawn += _marks(marks, end_ps, _LABEL, right, top, low)
    height = low + 8 + 11 * _near_count(marks, end_ps)
    description = f"Largest delay of each hop, {time_text(reached_ps, Rounding.UP)} together"
    return svg.drawing(WIDTH, height, description, *drawn)


def distribution(latencies: Latencies, marks: Sequence[Mark]) -> Markup:
    """Histogram, and share of frames above each latency, both with a logarithmic scale upwards."""
    end_ps = _span_ps(max(1, latencies.max_ps), marks)
    start_ps = _start_ps(latencies.min_ps, end_ps)
    half = WIDTH / 2
    shifted = [mark._replace(time_ps=mark.time_ps - start_ps) for mark in marks]
    named = [
        shown._replace(name=f"{mark.name} {time_text(mark.time_ps, Rounding.UP)}")
        for mark, shown in zip(marks, shifted, strict=True)
    ]
    drawn = [
        *_panel(
            46,
            half - 14,
            "frames",
            _histogram(latencies, start_ps, end_ps),
            named,
            start_ps,
            end_ps,
        ),
        *_panel(
            half + 50,
            WIDTH - 10,
            "share above",
            _tail(latencies, start_ps, end_ps),
            named,
            start_ps,
            end_ps,
        ),
    ]
    description = (
        f"Latency of {count_text(latencies.total_count, 'simulated frame')} between "
        f"{time_text(latencies.min_ps)} and {time_text(latencies.max_ps)}"
    )
    height = _LOW + 20 + 11 * _near_count(marks, end_ps)
    return svg.drawing(WIDTH, height, description, *drawn)


_TOP, _LOW = 26.0, 150.0


class _Series(NamedTuple):
    """What a panel shows: bars or steps in shares of the axis, and labels of the scale."""

    bars: list[tuple[float, float, float]]
    steps: list[tuple[float, float]]
    scale: list[tuple[float, str]]


def _start_ps(min_ps: int, end_ps: float) -> float:
    """Where the axis begins: at 0 unless all latencies lie far from it."""
    return 0.0 if min_ps < end_ps / 2 else max(0.0, min_ps - (end_ps - min_ps) * 0.15)


def _panel(
    left: float,
    right: float,
    title: str,
    series: _Series,
    marks: Sequence[Mark],
    start_ps: float,
    end_ps: float,
) -> list[Markup]:
    tall = _LOW - _TOP
    wide = right - left
    drawn = [svg.text(left, _TOP - 14, title, class_="panel")]
    for height, label in series.scale:
        y = _LOW - height * tall
        drawn += [
            svg.line(left, y, right, y, class_="grid"),
            svg.text(left - 4, y + 3, label, class_="scale end"),
        ]
    drawn += [
        svg.rect(
            left + start * wide,
            _LOW - high * tall,
            max(0.8, (end - start) * wide),
            high * tall,
            class_="count",
        )
        for start, end, high in series.bars
    ]
    if series.steps:
        points = [(left + x * wide, _LOW - y * tall) for x, y in series.steps]
        drawn.append(svg.path(points, class_="curve"))
    drawn.append(svg.line(left, _LOW, right, _LOW, class_="axis"))
    drawn += [
        svg.text(left, _LOW + 12, time_text(round(start_ps)), class_="scale"),
        svg.text(right, _LOW + 12, time_text(_shown_end_ps(end_ps)), class_="scale end"),
    ]
    span_ps = end_ps - start_ps
    beyond = near = 0
    for mark in marks:
        if mark.time_ps > span_ps:
            drawn.append(
                svg.text(right, _TOP - 4 - 11 * beyond, f"{mark.name} →", class_="mark end")
            )
            beyond += 1
            continue
        x = left + wide * max(0.0, mark.time_ps) / span_ps
        late = x > (left + right) / 2
        drawn += [
            svg.line(x, _TOP, x, _LOW, class_=f"mark {mark.style}"),
            svg.text(
                x + (-3 if late else 3),
                _LOW + 23 + 11 * near,
                mark.name,
                class_="mark end" if late else "mark",
            ),
        ]
        near += 1
    return drawn


def _shown_end_ps(end_ps: float) -> float:
    """End of an axis with three digits."""
    digits = 2 - math.floor(math.log10(end_ps)) if end_ps > 0 else 0
    return round(end_ps, digits)


def _histogram(latencies: Latencies, start_ps: float, end_ps: float) -> _Series:
    width_ps = (end_ps - start_ps) / _BARS
    counts = [0] * _BARS
    for index, count in enumerate(latencies.bin_counts):
        if count:
            low_ps = max(latencies.edges_ps[index], latencies.min_ps)
            high_ps = min(latencies.edges_ps[index + 1] - 1, latencies.max_ps)
            place = int(((low_ps + high_ps) / 2 - start_ps) / width_ps)
            counts[min(_BARS - 1, max(0, place))] += count
    decades = max(1.0, math.log10(max(counts)) + 0.3)
    bars = [
        (index / _BARS, (index + 1) / _BARS, (math.log10(count) + 0.3) / (decades + 0.3))
        for index, count in enumerate(counts)
        if count
    ]
    every = max(1, math.ceil(decades / 4))
    scale = [
        ((power + 0.3) / (decades + 0.3), f"{10**power:,}")
        for power in range(0, math.floor(decades) + 1, every)
    ]
    return _Series(bars, [], scale)


def _tail(latencies: Latencies, start_ps: float, end_ps: float) -> _Series:
    """Share of frames above a latency, as steps; each bin counts at its upper end."""
    total_count = latencies.total_count
    decades = max(1.0, math.ceil(math.log10(max(2, total_count))))
    span_ps = end_ps - start_ps

    def height(share: float) -> float:
        return 1 + math.log10(share) / decades if share > 0 else 0.0

    values = latencies.exceedance()
    every = max(1, len(values) // _STEPS)
    kept = [
        value
        for index, value in enumerate(values)
        if index % every == 0 or index == len(values) - 1
    ]
    steps = [(max(0.0, (latencies.min_ps - start_ps) / span_ps), 1.0)]
    for time_ps, above in kept:
        x = (time_ps - start_ps) / span_ps
        steps += [(x, steps[-1][1]), (x, max(0.0, height(above / total_count)))]
    skip = max(1, math.ceil(decades / 4))
    scale = [
        (1 - power / decades, f"{10.0**-power:g}") for power in range(0, int(decades) + 1, skip)
    ]
    return _Series([], steps, scale)

# SPDX-License-Identifier: Apache-2.0
"""Which uncertain input would turn a verdict, and at which value.

Catalogue values marked *unsure* are changed one at a time, down and up by a factor;
plan and bound are made anew, and verdicts compared with those of the design as it
stands. Where a verdict turns, the factor at which it does is narrowed down by halving.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from netplan.bounds.analysis import bound
from netplan.catalog.model import Entry, Sourced, SourcedSpan
from netplan.design.design import Design
from netplan.design.load import load_design
from netplan.plan.make import try_plan
from netplan.progress import Progress
from netplan.verdict.judge import judge

if TYPE_CHECKING:
    from rich.console import Console

_HALVINGS = 5
_MEASURED = (
    "_ps",
    "_octets",
    "_bps",
    "_m",
    "_db",
    "_dbm",
    "_ps_per_m",
    "_ratio",
    "_ppb",
    "_ppb_per_s",
)
"""Endings of the names of measured values; counts and entries of lists are not varied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One verdict that one uncertain value would turn.

    Attributes:
        entry: Catalogue entry.
        value: Path of the value in it.
        source: Where the value comes from.
        subject: Whose verdict turns.
        quantity: Of the target.
        listener: Of the target.
        before: Outcome as designed.
        after: Outcome beyond the turning point.
        factor_ratio: Smallest tried multiple of the value at which it turns; below 1 when
            the verdict turns as the value falls.
    """

    entry: str
    value: str
    source: str
    subject: str
    quantity: str
    listener: str
    before: str
    after: str
    factor_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What was tried and what it turned.

    Attributes:
        tried: Names of the uncertain values that were varied.
        factor_ratio: How far they were varied.
        turns: Verdicts that would turn.
    """

    tried: tuple[str, ...]
    factor_ratio: float
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Uncertain:
    entry: Entry
    path: tuple[str, ...]
    source: str


Outcomes = Mapping[tuple[str, str, str, str], str]


def sensitivity(path: Path, *, factor: float, progress: Progress) -> Sensitivity:
    """Vary every uncertain catalogue value that a design uses.

    Raises:
        DesignError: When the design itself is wrong.
    """
    design, _ = load_design(path)
    base = _outcomes(design)
    values = list(_uncertain(design))
    turns: list[Turn] = []
    for index, value in enumerate(values):
        progress.update(index / len(values), f"{value.entry.id} {'.'.join(value.path)}")
        for end in (1 / factor, factor):
            turns += _turns(design, value, end, base)
    return Sensitivity(
        tried=tuple(f"{value.entry.id}: {'.'.join(value.path)}" for value in values),
        factor_ratio=factor,
        turns=tuple(turns),
    )


def _outcomes(design: Design) -> Outcomes:
    """Outcome of every target by the bound alone; planning errors count as an outcome too."""
    plan, findings = try_plan(design)
    if plan is None:
        codes = sorted({finding.code for finding in findings if finding.severity == "error"})
        return {("the design", "plan", "", ""): ", ".join(codes)}
    return {
        (
            verdict.target.subject,
            verdict.target.quantity,
            verdict.target.listener,
            verdict.target.direction,
        ): verdict.outcome.value
        for verdict in judge(plan, bound(plan), None)
    }


def _turns(design: Design, value: _Uncertain, end: float, base: Outcomes) -> Iterator[Turn]:
    """Verdicts that turn between the value as it is and its multiple by ``end``."""
    changed = _differences(base, _outcomes(_with(design, value, end)))
    if not changed:
        return
    near, far = 1.0, end
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        if _differences(base, _outcomes(_with(design, value, middle))):
            far = middle
        else:
            near = middle
    first = _differences(base, _outcomes(_with(design, value, far)))
    for key, after in changed.items():
        subject, quantity, listener, _ = key
        yield Turn(
            entry=value.entry.id,
            value=".".join(value.path),
            source=value.source,
            subject=subject,
            quantity=quantity,
            listener=listener,
            before=base.get(key, "planned"),
            after=after,
            factor_ratio=round(far if key in first else end, 3),
        )


def _differences(base: Outcomes, other: Outcomes) -> dict[tuple[str, str, str, str], str]:
    return {key: value for key, value in other.items() if base.get(key) != value}


def _uncertain(design: Design) -> Iterator[_Uncertain]:
    """Numbers marked unsure among the catalogue entries that the design uses."""
    for entry in design.catalog.used_entries():
        yield from _unsure_in(entry, entry, ())


def _unsure_in(entry: Entry, model: BaseModel, path: tuple[str, ...]) -> Iterator[_Uncertain]:
    for name in type(model).model_fields:
        part = getattr(model, name)
        if isinstance(part, (Sourced, SourcedSpan)):
            measured = isinstance(part, SourcedSpan) or name.endswith(_MEASURED)
            if part.certainty == "unsure" and measured:
                yield _Uncertain(entry=entry, path=(*path, name), source=part.source)
        elif isinstance(part, BaseModel):
            yield from _unsure_in(entry, part, (*path, name))


def _with(design: Design, value: _Uncertain, factor: float) -> Design:
    """The design with one catalogue value multiplied."""
    changed = _scaled(value.entry, value.path, factor)
    return replace(design, catalog=design.catalog.with_entry(changed))


def _scaled(model: Any, path: tuple[str, ...], factor: float) -> Any:
    if path:
        inner = _scaled(getattr(model, path[0]), path[1:], factor)
        return model.model_copy(update={path[0]: inner})
    names = ("min_ps", "max_ps") if isinstance(model, SourcedSpan) else ("value",)
    update = {}
    for name in names:
        number = getattr(model, name)
        update[name] = round(number * factor) if isinstance(number, int) else number * factor
    return model.model_copy(update=update)


def sensitivity_record(found: Sensitivity) -> dict[str, Any]:
    """The answer as JSON-able data."""
    names = Turn.__dataclass_fields__
    return {
        "factor": found.factor_ratio,
        "tried": list(found.tried),
        "turns": [{name: getattr(turn, name) for name in names} for turn in found.turns],
    }


def sensitivity_table(found: Sensitivity, console: Console) -> None:
    """Show what would turn, or that nothing would."""
    from rich.table import Table  # noqa: PLC0415 - rich is slow to import

    span = f"between 1/{found.factor_ratio:g} and {found.factor_ratio:g} times its value"
    if not found.turns:
        console.print(f"No verdict turns: {len(found.tried)} uncertain values, each {span}.")
        return
    table = Table(title=f"Uncertain values that would turn a verdict, each {span}")
    for heading in ("value", "turns at", "target", "from", "to"):
        table.add_column(heading)
    for turn in found.turns:
        target = f"{turn.subject} {turn.quantity}" + (
            f" at {turn.listener}" if turn.listener else ""
        )
        table.add_row(
            f"{turn.entry}: {turn.value}",
            f"x {turn.factor_ratio:g}",
            target,
            turn.before,
            turn.after,
        )
    console.print(table)
    console.print(f"{len(found.tried)} uncertain values were varied.")

# SPDX-License-Identifier: Apache-2.0
"""Plans, evidence and results as files, so that each arrow of the way can start from a file.

Each file is JSON and says what it holds. Integers stay exact; an infinite load is
written as ``Infinity``, as Python's json does.
"""

from __future__ import annotations

import json
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from netplan.design.findings import DesignError, Finding, Mark, Severity
from netplan.files import write_folder
from netplan.plan.model import Plan
from netplan.verdict.evidence import BoundEvidence, SimulatedEvidence
from netplan.verdict.results import dump

_FORMAT = 1

_File = str | PathLike[str]


_TYPES = {"plan": Plan, "bound": BoundEvidence, "simulated": SimulatedEvidence}


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(_TYPES[kind])


def _text(kind: str, value: object) -> str:
    content = _adapter(kind).dump_python(value)
    return json.dumps({"plantwire": kind, "format": _FORMAT, "content": content}) + "\n"


def plan_json(plan: Plan) -> str:
    """A plan as text."""
    return _text("plan", plan)


def bound_json(bound: BoundEvidence) -> str:
    """A bound as text."""
    return _text("bound", bound)


def simulated_json(simulated: SimulatedEvidence) -> str:
    """The evidence of a run as text."""
    return _text("simulated", simulated)


def save(
    folder: _File,
    *,
    plan: Plan | None = None,
    bound: BoundEvidence | None = None,
    simulated: SimulatedEvidence | None = None,
    results: dict[str, Any] | None = None,
) -> tuple[Path, ...]:
    """Write what is given as ``plan.json``, ``bound.json``, ``simulated.json``, ``results.json``.

    Args:
        folder: Created when it is not there.
        plan: As planned.
        bound: As proven.
        simulated: As run.
        results: From :func:`netplan.verdict.results.results`.

    Returns:
        The files written.
    """
    texts = {
        "plan.json": None if plan is None else plan_json(plan),
        "bound.json": None if bound is None else bound_json(bound),
        "simulated.json": None if simulated is None else simulated_json(simulated),
        "results.json": None if results is None else dump(results),
    }
    return write_folder(folder, {name: text for name, text in texts.items() if text is not None})


def load_plan(path: _File) -> Plan:
    """Read a plan that was saved."""
    value: Plan = _load("plan", path)
    return value


def load_bound(path: _File) -> BoundEvidence:
    """Read a bound that was saved."""
    value: BoundEvidence = _load("bound", path)
    return value


def load_simulated(path: _File) -> SimulatedEvidence:
    """Read the evidence of a run that was saved."""
    value: SimulatedEvidence = _load("simulated", path)
    return value


def _load(kind: str, path: _File) -> Any:
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        _refuse(path, f"this file cannot be read: {error}", "")
    found = document.get("plantwire") if isinstance(document, dict) else None
    if found != kind:
        _refuse(
            path,
            f"this file holds no {kind} but {found or 'something else'}",
            "give another file",
        )
    if document.get("format") != _FORMAT:
        _refuse(path, "this file is of another version of plantwire", "make it again with this one")
    try:
        return _adapter(kind).validate_python(document.get("content"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        _refuse(
            path,
            f"this {kind} is damaged at {place or 'its start'}: {first['msg']}",
            "make it again",
        )


def _refuse(path: _File, message: str, hint: str) -> NoReturn:
    raise DesignError(
        [
            Finding(
                code="STORE-UNREADABLE",
                severity=Severity.ERROR,
                message=message,
                mark=Mark(file=str(path)),
                hint=hint,
            )
        ]
    )

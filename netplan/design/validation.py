# SPDX-License-Identifier: Apache-2.0
"""Data against a model: pydantic's complaints, turned into findings that teach.

Used for designs and for catalogue entries alike. The caller says where a path
of the data stands in a file; this module says what was expected there, and for
an unknown key which known one was probably meant.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar, Union

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from netplan.design.findings import Finding, Mark, Severity, path_text

ModelT = TypeVar("ModelT", bound=BaseModel)
Path = tuple[str | int, ...]
_SHOWN = 60


def validate(
    model: type[ModelT],
    data: object,
    *,
    mark_at: Callable[[Path], Mark | None],
    base: Path = (),
    context: dict[str, object] | None = None,
) -> tuple[ModelT | None, list[Finding]]:
    """Build ``model`` from ``data``; None and findings where it does not fit.

    Args:
        model: What is expected.
        data: Plain data as read from a document.
        mark_at: Gives the place of a path of the data (without ``base``).
        base: Path of the data in its document, for the findings.
        context: Passed to the model's validators.
    """
    try:
        return model.model_validate(data, context=context), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_finding(model, data, detail, mark_at, base) for detail in details]


def _finding(
    model: type[BaseModel],
    data: object,
    detail: ErrorDetails,
    mark_at: Callable[[Path], Mark | None],
    base: Path,
) -> Finding:
    path = _data_path(data, detail["loc"])
    context = detail.get("ctx", {})
    found = str(context.get("found", _shown(detail["input"])))
    expected = str(context.get("expected", ""))
    hint = str(context.get("hint", ""))
    kind = detail["type"]
    message = detail["msg"][:1].lower() + detail["msg"][1:]
    code = "DESIGN-VALUE"
    if kind == "extra_forbidden":
        code, message = "DESIGN-KEY-UNKNOWN", f"the key '{path[-1]}' is not known here"
        known = known_keys(model, detail["loc"][:-1])
        expected = "one of " + ", ".join(known)
        found = str(path[-1])
        near = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else "remove it, or see 'plantwire schema'"
    elif kind == "missing":
        key = detail["loc"][-1]
        code, message = "DESIGN-KEY-MISSING", f"the key '{key}' is missing"
        expected, found = f"'{key}: ...'", "nothing"
        hint = hint or f"add '{key}' to {path_text((*base, *path)) or 'the document'}"
    elif kind in {"quantity", "reference"}:
        code = f"DESIGN-{kind.upper()}"
    elif kind == "literal_error":
        expected = f"one of {expected}"
        wanted = [word.strip("'") for word in str(context.get("expected", "")).split("' or '")]
        wanted = [part for word in wanted for part in word.split("', '")]
        near = difflib.get_close_matches(str(detail["input"]), wanted, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else ""
    elif kind == "union_tag_invalid":
        message = f"this kind is not known: {context.get('tag', '')}"
        expected = f"one of {context.get('expected_tags', '')}"
    elif kind == "union_tag_not_found":
        message, expected = "the kind is missing", "'kind: ...'"
    return Finding(
        code=code,
        severity=Severity.ERROR,
        message=message,
        mark=mark_at(path),
        path=path_text((*base, *path)),
        expected=expected,
        found=found,
        hint=hint,
    )


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _data_path(data: object, location: tuple[int | str, ...]) -> Path:
    """The part of pydantic's location that is a path of the data (it adds union tags)."""
    path: list[str | int] = []
    here: Any = data
    for part in location:
        in_mapping = isinstance(here, dict) and part in here
        if in_mapping or (isinstance(here, list) and part in range(len(here))):
            here = here[part]
            path.append(part)
    return tuple(path)


def known_keys(model: type[BaseModel], location: Iterable[int | str]) -> list[str]:
    """Keys that the model knows at a pydantic location; empty where there is no model."""
    here: Any = model
    for part in location:
        here = _inside(here, part)
    here = _plain(here)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return [field.alias or name for name, field in here.model_fields.items()]
    return []


def _plain(annotation: Any) -> Any:
    """Without ``Annotated`` and ``| None``."""
    while True:
        origin = typing.get_origin(annotation)
        if origin is Annotated:
            annotation = typing.get_args(annotation)[0]
        elif origin in {Union, types.UnionType}:
            choices = [one for one in typing.get_args(annotation) if one is not type(None)]
            if len(choices) != 1:
                return annotation
            annotation = choices[0]
        else:
            return annotation


def _inside(annotation: Any, part: int | str) -> Any:
    annotation = _plain(annotation)
    origin = typing.get_origin(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
    elif origin is dict:
        return typing.get_args(annotation)[1]
    elif origin in {list, tuple}:
        return typing.get_args(annotation)[0]
    elif origin in {Union, types.UnionType}:
        for choice in typing.get_args(annotation):
            kind = _plain(choice).model_fields.get("kind")
            if kind is not None and part in typing.get_args(kind.annotation):
                return choice
    return None

# SPDX-License-Identifier: Apache-2.0
"""Data against a model: pydantic's complaints, turned into findings that teach.

Used for designs and for catalogue entries alike. The caller says where a path
of the data stands in a file; this module says what was expected there, and for
an unknown key which known one was probably meant.
"""

from __future__ import annotations

import difflib
import re
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


_WORDS = {
    "model_type": ("a mapping of keys is expected here", "'key: value' for each key"),
    "dict_type": ("a mapping of names is expected here", "'name: ...' for each entry"),
    "tuple_type": ("a list is expected here", "a list such as [a, b], or a line '- ...' for each"),
    "list_type": ("a list is expected here", "a list such as [a, b], or a line '- ...' for each"),
    "too_short": ("the list is too short", "at least {min_length} entries"),
    "too_long": ("the list is too long", "at most {max_length} entries"),
    "string_type": ("text is expected here", "text"),
    "string_too_short": ("the text is too short", "at least {min_length} characters"),
    "string_too_long": ("the text is too long", "at most {max_length} characters"),
    "string_pattern_mismatch": ("the text does not have the form that is needed", "{pattern}"),
    "int_type": ("a whole number is expected here", "a whole number"),
    "int_parsing": ("a whole number is expected here", "a whole number"),
    "int_from_float": ("a whole number is expected here", "a whole number"),
    "int_parsing_size": ("the number is too large", "a whole number of fewer digits"),
    "float_type": ("a number is expected here", "a number"),
    "float_parsing": ("a number is expected here", "a number"),
    "bool_type": ("true or false is expected here", "true or false"),
    "bool_parsing": ("true or false is expected here", "true or false"),
    "greater_than_equal": ("the number is too small", "at least {ge}"),
    "less_than_equal": ("the number is too large", "at most {le}"),
    "literal_error": ("this word is not known here", "one of {expected}"),
}
"""pydantic's kinds of error in a user's words, and what was expected."""
_FORMS = {
    r"^[A-Za-z0-9][A-Za-z0-9_-]*$": "a name of letters, digits, '-' and '_'",
    r"^(max|mean|p\d{1,2}(\.\d{1,6})?)$": "max, mean, or a percentile such as p99 or p99.9",
    r"^[DSU]{2,20}$": "the slots of the period, such as DDDSU",
}
"""Patterns of the language in a user's words."""


def validate(
    model: type[ModelT],
    data: object,
    *,
    mark_at: Callable[[Path], Mark | None],
    base: Path = (),
    context: dict[str, object] | None = None,
    wrong: list[Path] | None = None,
) -> tuple[ModelT | None, list[Finding]]:
    """Build ``model`` from ``data``; None and findings where it does not fit.

    Args:
        model: What is expected.
        data: Plain data as read from a document.
        mark_at: Gives the place of a path of the data (without ``base``).
        base: Path of the data in its document, for the findings.
        context: Passed to the model's validators.
        wrong: Collects the paths of what does not fit.
    """
    try:
        return model.model_validate(data, context=context), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        if wrong is not None:
            wrong.extend(_data_path(data, detail["loc"]) for detail in details)
        found = [_finding(model, data, detail, mark_at, base) for detail in details]
        return None, _without_consequences(found)


def _without_consequences(findings: list[Finding]) -> list[Finding]:
    """A list is too short only because an entry was refused: the entry's finding says it all."""
    inside = [finding.path for finding in findings]
    return [
        finding
        for finding in findings
        if finding.message != _WORDS["too_short"][0]
        or not any(path.startswith(f"{finding.path}[") for path in inside)
    ]


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
    elif kind in _WORDS:
        message, expected = _WORDS[kind]
        expected = expected.format(**context)
        hint = "correct it"
        if kind == "literal_error":
            hint = _nearest_word(str(detail["input"]), expected) or "choose one of them"
        elif kind == "string_pattern_mismatch":
            expected = _FORMS.get(str(context["pattern"]), expected)
    elif kind == "union_tag_invalid":
        message, found = "this kind is not known", str(context.get("tag", ""))
        expected = f"one of {context.get('expected_tags', '')}"
        path = (*path, "kind")
        hint = _nearest_word(found, expected) or "choose one of them"
    elif kind == "union_tag_not_found":
        message, expected = "the kind is missing", "'kind: ...'"
        hint = "say what it is; 'plantwire schema' lists the kinds"
    return Finding(
        code=code,
        severity=Severity.ERROR,
        message=message,
        mark=mark_at(path),
        path=path_text((*base, *path)),
        expected=expected,
        found=found,
        hint=hint or "correct it",
    )


def _nearest_word(word: str, expected: str) -> str:
    near = difflib.get_close_matches(word, re.findall(r"'([^']*)'", expected), n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else ""


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

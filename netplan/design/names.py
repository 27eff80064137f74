# SPDX-License-Identifier: Apache-2.0
"""Names and references of the design language.

``cell1/cam1`` is the member ``cam1`` of the module placed as ``cell1``,
``cell1/cam1.p1`` a port of it, ``plc1:motion`` a task. Inside a module a name means a
member of that module, and ``$uplink`` means what the placement connects as
``uplink``. Validation makes every reference absolute, by the context
``{"prefix": ..., "connect": {...}}``; without a context (a module being read as a
template) references are only checked for their form.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_NODE = rf"(?:\${_SEGMENT}|{_SEGMENT}(?:/{_SEGMENT})*)"
_LONGEST_REFERENCE = 256
_CONNECTED = re.compile(rf"\$({_SEGMENT})(.*)")

Name = Annotated[str, Field(pattern=rf"^{_SEGMENT}$", max_length=64)]
"""A plain name: letters, digits, ``_`` and ``-``, not starting with a sign."""


def _reference(tail: str, expected: str) -> AfterValidator:
    """A validator for references whose node may be followed by ``tail`` (a pattern)."""
    form = re.compile(_NODE + tail)

    def absolute(text: str, info: ValidationInfo) -> str:
        if len(text) > _LONGEST_REFERENCE or form.fullmatch(text) is None:
            raise PydanticCustomError(
                "reference",
                "this is not a name that can be referred to",
                {
                    "expected": expected,
                    "hint": "names have letters, digits, '-' and '_'",
                    "found": repr(text[:80]),
                },
            )
        return text if info.context is None else _connected(text, info.context)

    return AfterValidator(absolute)


def _connected(text: str, context: dict[str, Any]) -> str:
    """A reference within a placed module, made absolute."""
    match = _CONNECTED.fullmatch(text)
    if match is None:
        prefix: str = context["prefix"]
        return prefix + text
    connected: dict[str, str] = context["connect"]
    key, rest = match.groups()
    if key not in connected:
        known = ", ".join(f"${name}" for name in sorted(connected)) or "none"
        raise PydanticCustomError(
            "reference",
            "nothing is connected under this name",
            {
                "expected": f"one of the connected names: {known}",
                "hint": f"add '{key}: ...' under 'connect' where the module is placed",
                "found": repr(text),
            },
        )
    return connected[key] + rest


NodeReference = Annotated[
    str, _reference("", "a node by its name, such as 'sw1' or 'cell1/drive1', without a port")
]
"""A node; absolute after validation, as all references are."""
PortReference = Annotated[
    str, _reference(rf"(\.{_SEGMENT})?", "a node or port, such as 'sw1' or 'sw1.p2'")
]
"""A node, or one of its ports as ``node.port``."""
TaskReference = Annotated[
    str, _reference(rf"(:{_SEGMENT})?", "a node or task, such as 'drive1' or 'plc1:motion'")
]
"""A node, or one of its tasks as ``node:task``."""
StreamReference = Annotated[
    str, _reference(r"(\.(in|out))?", "a stream, or a relation's 'name.out' or 'name.in'")
]
"""A stream, or one direction of a relation."""
AnyReference = Annotated[
    str, _reference(rf"([.:]{_SEGMENT})?", "a node, port or task, such as 'sw1.p2'")
]
"""Whatever a module needs from outside."""


def node_of(reference: str) -> str:
    """The node part of ``node``, ``node.port`` or ``node:task``."""
    return re.split(r"[.:]", reference, maxsplit=1)[0]


def port_of(reference: str) -> str:
    """The port part of ``node.port``; empty when there is none."""
    return reference.partition(".")[2]


def task_of(reference: str) -> str:
    """The task part of ``node:task``; empty when there is none."""
    return reference.partition(":")[2]

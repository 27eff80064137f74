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
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_REFERENCE = re.compile(rf"(?:\${_SEGMENT}|{_SEGMENT}(?:/{_SEGMENT})*)([.:]{_SEGMENT})?")
_CONNECTED = re.compile(rf"\$({_SEGMENT})(.*)")

Name = Annotated[str, Field(pattern=rf"^{_SEGMENT}$", max_length=64)]
"""A plain name: letters, digits, ``_`` and ``-``, not starting with a sign."""


def _absolute(text: str, info: ValidationInfo) -> str:
    if len(text) > 256 or _REFERENCE.fullmatch(text) is None:
        raise PydanticCustomError(
            "reference",
            "this is not a name that can be referred to",
            {
                "expected": "a name such as 'sw1', 'cell1/drive1', 'sw1.p2' or 'plc1:motion'",
                "hint": "names have letters, digits, '-' and '_'",
                "found": repr(text[:80]),
            },
        )
    if info.context is None:
        return text
    prefix: str = info.context["prefix"]
    match = _CONNECTED.fullmatch(text)
    if match is None:
        return prefix + text
    connected: dict[str, str] = info.context["connect"]
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


Reference = Annotated[str, AfterValidator(_absolute)]
"""A node, ``node.port``, ``node:task``, stream or relation, absolute after validation."""


def node_of(reference: str) -> str:
    """The node part of ``node``, ``node.port`` or ``node:task``."""
    return re.split(r"[.:]", reference, maxsplit=1)[0]


def port_of(reference: str) -> str:
    """The port part of ``node.port``; empty when there is none."""
    return reference.partition(".")[2]


def task_of(reference: str) -> str:
    """The task part of ``node:task``; empty when there is none."""
    return reference.partition(":")[2]

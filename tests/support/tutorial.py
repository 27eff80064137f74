# SPDX-License-Identifier: Apache-2.0
"""The tutorial design as a starting point for mistakes, and how a command ends on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "topologies" / "two-switches"
TEXT = (FOLDER / "design.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a command ended."""

    status: int
    out: str
    err: str


Run = Callable[..., End]
"""Takes the words behind ``plantwire``."""


def replaced(old: str, new: str) -> str:
    """The tutorial with one piece of its text replaced."""
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)

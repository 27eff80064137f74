# SPDX-License-Identifier: Apache-2.0
"""Findings: what is wrong or noteworthy about a design, and what to do about it.

A finding teaches: it names the place, says what was expected and what was
found, and hints at the cure. Rules collect findings; nobody raises them.
:class:`DesignError` carries collected findings out of a reader that cannot
go on, and is the only exception that a wrong design may cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an error stops planning, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a value stands in a document.

    Attributes:
        file: Path as the user would type it.
        line: Counted from 1; 0 when the file as a whole is meant.
        column: Counted from 1; 0 when unknown.
    """

    file: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know about a design.

    Attributes:
        code: Stable identifier used by tests, documentation and translations,
            such as ``DESIGN-KEY-UNKNOWN``.
        severity: Whether planning can go on.
        message: One sentence in the user's words.
        mark: File and line, where there is one.
        path: Path of the value in the document, such as ``links[3].length``.
        expected: What would have been right; empty when it needs no saying.
        found: What stands there.
        hint: What to do.
    """

    code: str
    severity: Severity
    message: str
    mark: Mark | None = None
    path: str = ""
    expected: str = ""
    found: str = ""
    hint: str = ""

    def record(self) -> dict[str, str | int | None]:
        """The finding as it stands in JSON results."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "file": self.mark.file if self.mark else None,
            "line": (self.mark.line or None) if self.mark else None,
            "path": self.path,
            "expected": self.expected,
            "found": self.found,
            "hint": self.hint,
        }

    def text(self) -> str:
        """The finding as a few lines for a terminal or a golden file."""
        where = ""
        if self.mark is not None:
            where = (
                f"{self.mark.file}:{self.mark.line}: " if self.mark.line else f"{self.mark.file}: "
            )
        lines = [f"{where}{self.severity.value} {self.code}: {self.message}"]
        for name in ("path", "expected", "found", "hint"):
            value = getattr(self, name)
            if value:
                lines.append(f"    {name}: {value}")
        return "\n".join(lines)


def path_text(parts: Iterable[str | int]) -> str:
    """Write a path as people read it: ``('links', 3, 'length')`` is ``links[3].length``."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings as somebody goes through the files: by file, then by line."""
    listed = list(findings)
    files = list(dict.fromkeys(one.mark.file for one in listed if one.mark is not None))

    def place(finding: Finding) -> tuple[int, int]:
        if finding.mark is None:
            return -1, 0
        return files.index(finding.mark.file), finding.mark.line

    return tuple(sorted(listed, key=place))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any finding stops planning."""
    return any(finding.severity is Severity.ERROR for finding in findings)


class DesignError(ValueError):
    """A design cannot be used; carries every finding collected until then."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        """Keep the findings; the message is their text."""
        self.findings = in_order(findings)
        super().__init__("\n".join(finding.text() for finding in self.findings))

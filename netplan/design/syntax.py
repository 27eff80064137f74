# SPDX-License-Identifier: Apache-2.0
"""What a YAML syntax error means to the person who wrote the file.

The YAML library says what it expected next; people want to know which line to
look at and what to type there.
"""

from __future__ import annotations

from typing import Any

import yaml

from netplan.design.findings import Finding, Mark, Severity

_LINE_CHARACTERS = 60

# Part of the library's problem, and what to do about it; {line} is where the broken
# construct began. The first that fits is taken.
_HINTS = (
    (
        "mapping values are not allowed",
        "put a value that contains ': ' in quotes, or indent this line like the line above",
    ),
    ("could not find expected ':'", "write `key: value`, with a space after the colon"),
    (
        "did not find expected key",
        "indent this line like its neighbours, and look for a missing quote from line {line} on",
    ),
    (
        "did not find expected '-'",
        "begin every item of the list that starts in line {line} with '- ' in the same column",
    ),
    (
        "expected ',' or",
        "close the bracket opened in line {line}, or add the missing comma",
    ),
    ("node content", "close the bracket that is still open, or write the missing value"),
    ("unexpected end of stream", "close the quote opened in line {line}"),
    ("unexpected document indicator", "close the quote opened in line {line}"),
    ("unknown escape character", "write the backslash twice, or use single quotes"),
    ("escape", "correct the escape after the backslash, or use single quotes"),
    ("expected <document start>", "everything must stand in one mapping or list: check brackets"),
    ("incompatible YAML", "delete the %YAML line"),
    ("directive", "delete the line that begins with %, or put the text in quotes"),
    ("undefined tag handle", "the only tag with a meaning here is !include"),
)
_USUAL_HINT = "look at indentation, quotes and brackets in this line and the line above"


def explain(error: Exception, text: str, name: str) -> Finding:
    """The finding for an error of the YAML library.

    Args:
        error: What the library raised.
        text: The file that it was reading.
        name: Name of the file.
    """
    problem = str(getattr(error, "problem", None) or error)
    mark: Any = getattr(error, "problem_mark", None)
    if mark is None:
        # the pure parser on an impossible escape, or a fault of the reader: no place is known
        return Finding(
            code="SOURCE-SYNTAX",
            severity=Severity.ERROR,
            message=f"the file is not valid YAML: {problem[:200]}",
            mark=Mark(file=name),
            hint="look for escapes such as \\U that stand for no character",
        )
    context_mark: Any = getattr(error, "context_mark", None) or mark
    place = Mark(file=name, line=mark.line + 1, column=mark.column + 1)
    found = _line_at(text, mark.index)
    content = text.rstrip()
    if mark.index >= len(content):
        # some line behind the last one is of no use to anybody
        place = Mark(file=name, line=len(content.splitlines()) or 1)
        found = "the end of the file"
    return Finding(
        code="SOURCE-SYNTAX",
        severity=Severity.ERROR,
        message=f"the file is not valid YAML: {problem[:200]}",
        mark=place,
        found=found,
        hint=_hint(problem, text[mark.index : mark.index + 1], context_mark.line + 1, error),
    )


def _hint(problem: str, character: str, context_line: int, error: Exception) -> str:
    if isinstance(error, yaml.scanner.ScannerError) and "start any token" in problem:
        if character == "\t":
            return "indent with spaces, never with tabs"
        return f"put a text that begins with {character} in quotes"
    for part, hint in _HINTS:
        if part in problem:
            return hint.format(line=context_line)
    return _USUAL_HINT


def _line_at(text: str, index: int) -> str:
    """The line around a position, without its indentation and not too long."""
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    line = text[start : start + 2000].lstrip(" ").splitlines()[:1]
    shown = line[0].rstrip() if line else ""
    return shown if len(shown) <= _LINE_CHARACTERS else shown[: _LINE_CHARACTERS - 3] + "..."

# SPDX-License-Identifier: Apache-2.0
"""Which characters of a document to exchange so that one value changes.

A splice takes whole entries and their commas, never a neighbour's comment or
line. Whether the outcome says what was meant is for :mod:`netplan.design.edit`
to find out by reading it: rare layouts may come out wrong here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from netplan.design import writing
from netplan.design.spans import COLON, Found, Span, line_end, line_start, next_line

_COMMA = re.compile(r"[ \t]*,")
_COMMENT = re.compile(r"[ \t]+#[^\r\n]*")
_DASH = re.compile(r"[ \t]*-(?![^ \t\r\n])")
_REST_OF_FLOW_LINE = re.compile(r"[ \t]*,?[ \t]*(#[^\r\n]*)?(?=[\r\n])")


@dataclass(frozen=True, slots=True)
class Splice:
    """A stretch of the text, from offset to offset, and what takes its place."""

    start: int
    end: int
    text: str = ""


def apply(text: str, splices: list[Splice]) -> str:
    """The text with all splices made; they do not overlap."""
    for splice in sorted(splices, key=lambda each: (each.start, each.end), reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


class Splicer:
    """Makes the splices for one document.

    Attributes:
        text: The document.
        newline: Its line ending.
    """

    def __init__(self, text: str) -> None:
        """Look at the document's first line for its line ending."""
        self.text = text
        self.newline = text[line_end(text, 0) : next_line(text, 0)] or "\n"

    def replacement(self, found: Found, value: object) -> list[Splice]:
        """Write a value in place of another."""
        old = found.value
        in_flow = found.container is not None and found.container.style == "flow"
        quote = old.style if old.style in ("'", '"') else ""
        line = writing.one_line(value, in_flow=in_flow, quote=quote)
        if old.anchor:
            line = f"{old.anchor} {line}"
        if isinstance(value, dict | list) and value and old.is_bare and not in_flow:
            if old.style == "block":
                return self._block_for_block(found, value)
            if self._column(old.start) + len(line) > writing.LINE_CHARACTERS:
                return self._block_for_line(found, value)
        if old.style == "block":
            return self._line_for_block(found, line)
        if old.style in ("|", ">"):
            return [self._for_lines_of_text(old, value, line)]
        if old.style == "empty":
            line = self._space_before(found) + line
            if self.text[old.end : old.end + 1] not in ("", " ", "\t", "\r", "\n", ",", "]", "}"):
                line += " "
        return [Splice(old.start, old.end, line)]

    def addition(self, last: Found, key: str | None, value: object) -> list[Splice]:
        """Write an entry behind the last one of a mapping or list that is not empty."""
        container = last.container
        if container is None:
            raise LookupError("no container")
        if container.style == "flow":
            return self._flow_addition(container, self._flow_entry(key, value))
        column = self._column(last.key.start if last.key else container.start)
        room = writing.LINE_CHARACTERS - column - len(key or "") - 2
        line = writing.one_line(value, in_flow=False)
        head = "-" if key is None else writing.key(key, in_flow=False) + ":"
        entry = [f"{head} {line}"]
        if isinstance(value, dict | list) and value:
            entries = last.value.entries if last.value.style == "block" else []
            if entries or len(line) > room:
                compact = not any(each.style == "block" for _, each in entries)
                below = writing.lines(value, one_line_children=compact)
                entry = [head, *("  " + each for each in below)]
                if key is None:
                    entry[:2] = [f"- {below[0]}"]
        text = "".join(self.newline + " " * column + each for each in entry)
        end = line_end(self.text, _end(last.key, last.value))
        return [Splice(end, end, text)]

    def first_entry(self, empty: Span, key: str | None, value: object) -> list[Splice]:
        """Write an entry into an empty mapping or list, which is always in flow style."""
        start = self._bracket(empty) + 1
        return [Splice(start, start, self._flow_entry(key, value))]

    def removal(self, found: Found) -> list[Splice]:
        """Take out an entry that is not the only one of its mapping or list."""
        container = found.container
        if container is None:
            raise LookupError("no container")
        if container.style == "flow":
            return [self._flow_removal(container, found)]
        start = self._entry_start(container, found.index)
        end = line_end(self.text, _end(found.key, found.value))
        if not self.text[line_start(self.text, start) : start].strip(" "):
            return [self._lines(start, end)]
        # `- a: 1` and the like: the next entry moves up, unless a comment of its own is above it
        following = self._entry_start(container, found.index + 1)
        if self.text[end:following].strip():
            return [Splice(len(self.text[:start].rstrip(" \t")), end)]
        return [Splice(start, following)]

    def _block_for_block(self, found: Found, value: object) -> list[Splice]:
        old = found.value
        column = indent = self._column(old.start)
        if found.key and isinstance(value, dict):
            # a list may stand as far left as its key, a mapping may not
            left = self._column(found.key.start)
            indent = column if column > left else left + 2
        compact = not any(each.style == "block" for _, each in old.entries)
        lines = writing.lines(value, one_line_children=compact)
        text = " " * (indent - column) + self._join(lines, indent)
        return [Splice(old.start, line_end(self.text, old.end), text)]

    def _block_for_line(self, found: Found, value: object) -> list[Splice]:
        old = found.value
        lines = writing.lines(value, one_line_children=True)
        colon = COLON.match(self.text, found.key.end) if found.key else None
        if found.key and colon:
            indent = self._column(found.key.start) + 2
            end = line_end(self.text, old.end)
            below = self.newline + " " * indent + self._join(lines, indent)
            return [Splice(colon.end(), old.end, self._head_comment(old)), Splice(end, end, below)]
        lines[0] += self._head_comment(old)
        space = self._space_before(found) if old.style == "empty" else ""
        indent = self._column(old.start) + len(space)
        return [Splice(old.start, old.end, space + self._join(lines, indent))]

    def _line_for_block(self, found: Found, line: str) -> list[Splice]:
        old = found.value
        end = line_end(self.text, old.end)
        begins_line = not self.text[line_start(self.text, old.start) : old.start].strip(" ")
        colon = COLON.match(self.text, found.key.end) if found.key else None
        if colon and begins_line:
            return [Splice(colon.end(), colon.end(), " " + line), self._lines(old.start, end)]
        return [Splice(old.start, end, line)]

    def _for_lines_of_text(self, old: Span, value: object, line: str) -> Splice:
        """Replace text that stands on lines of its own below ``|`` or ``>``."""
        old_text = self.text[old.start : old.end]
        after_head = self._head_comment(old)
        lines = writing.literal(value) if isinstance(value, str) and old.is_bare else None
        body = old_text[next_line(old_text, 0) :]
        if lines is None or not body or (old.end == len(self.text) and lines[0] == "|"):
            return Splice(old.start, old.end, line + after_head)
        first_row = body.lstrip("\r\n")
        indent = first_row[: len(first_row) - len(first_row.lstrip(" "))]
        rows = [lines[0] + after_head, *(indent + row if row else "" for row in lines[1:])]
        return Splice(old.start, old.end, self.newline.join(rows))

    def _head_comment(self, old: Span) -> str:
        """The comment behind the sign of a text that stands on lines of its own."""
        if old.style not in ("|", ">"):
            return ""
        comment = _COMMENT.search(self.text, old.start, line_end(self.text, old.start))
        return comment.group() if comment else ""

    def _flow_entry(self, key: str | None, value: object) -> str:
        line = writing.one_line(value, in_flow=True)
        return line if key is None else f"{writing.key(key, in_flow=True)}: {line}"

    def _flow_addition(self, container: Span, entry: str) -> list[Splice]:
        text = self.text
        self._bracket(container)
        key, value = container.entries[-1]
        start, end = (key or value).start, _end(key, value)
        comma = _COMMA.match(text, end)
        behind = comma.end() if comma else end
        # `{a: , b: 1}`: without the space the colon and the comma would be one word
        comma_text = " ," if value.style == "empty" else ","
        first_line = line_start(text, start)
        line = line_end(text, behind)
        if (
            text[first_line:start].strip(" ") == ""
            and container.start < first_line
            and line < container.end
            and _REST_OF_FLOW_LINE.match(text, end)
        ):
            # every entry on a line of its own: so is the new one
            below = self.newline + text[first_line:start] + entry + ("," if comma else "")
            rest = text[behind:line]
            return [Splice(end, line, f"{',' if comma else comma_text}{rest}{below}")]
        return [Splice(behind, behind, f" {entry}" if comma else f"{comma_text} {entry}")]

    def _flow_removal(self, container: Span, found: Found) -> Splice:
        text = self.text
        start, end = (found.key or found.value).start, _end(found.key, found.value)
        comma = _COMMA.match(text, end)
        first_line = line_start(text, start)
        alone = text[first_line:start].strip(" ") == "" and _REST_OF_FLOW_LINE.match(text, end)
        if alone and container.start < first_line:
            return self._lines(start, end)
        if found.index + 1 < len(container.entries):
            key, value = container.entries[found.index + 1]
            following = (key or value).start
            if "\n" not in text[end:following] and "\r" not in text[end:following]:
                return Splice(start, following)
            return Splice(start, comma.end() if comma else end)
        previous = _end(*container.entries[found.index - 1])
        between = text[previous:start]
        if "\n" not in between and "\r" not in between:
            return Splice(previous, end)
        return Splice(start, comma.end() if comma else end)

    def _space_before(self, found: Found) -> str:
        """What must stand between a key or dash and a value where there was none."""
        start = found.value.start
        if found.key and ":" not in self.text[found.key.end : start]:
            return ": "
        return "" if self.text[start - 1 : start] in ("", " ", "\t", "\r", "\n") else " "

    def _entry_start(self, container: Span, index: int) -> int:
        """Where an entry of a block begins: at its key or dash."""
        key, value = container.entries[index]
        if key:
            return key.start
        if index == 0 and self.text.startswith("-", container.start):
            return container.start
        line = next_line(self.text, _end(*container.entries[index - 1]))
        while index and line <= value.start:
            dash = _DASH.match(self.text, line)
            if dash:
                return dash.end() - 1
            line = next_line(self.text, line)
        raise LookupError("no dash")

    def _bracket(self, container: Span) -> int:
        """Where a mapping or list in flow style opens, behind its anchor and tag."""
        for offset in range(container.start, container.end):
            if self.text[offset] in "[{":
                return offset
        raise LookupError("no bracket")

    def _lines(self, start: int, end: int) -> Splice:
        """Take out whole lines."""
        first, behind = line_start(self.text, start), next_line(self.text, end)
        if first and behind == line_end(self.text, end):
            # the last line, without a line break: the line before it shall have none either
            first = len(self.text[:first].rstrip("\r\n"))
        return Splice(first, behind)

    def _column(self, offset: int) -> int:
        return offset - line_start(self.text, offset)

    def _join(self, lines: list[str], indent: int) -> str:
        return (self.newline + " " * indent).join(lines)


def _end(key: Span | None, value: Span) -> int:
    return max(value.end, key.end if key else 0)

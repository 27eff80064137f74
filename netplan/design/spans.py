# SPDX-License-Identifier: Apache-2.0
"""Where in the text of a document a value stands, to the character.

ruamel.yaml tells where things begin and end. It is slow, so it is shown no
more of the document than the entry in question: where mappings and lists are
written in block style, entries are whole lines and can be read apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as ruamel_events

from netplan.design.reading import Branch, Path, Place

# What stands in its line before a key, before an item.
_NOTHING = re.compile(r" *")
_DASH = re.compile(r" *-[ \t]+")
#: What stands between a key and its value.
COLON = re.compile(r"[ \t]*:")


@dataclass(slots=True, kw_only=True)
class Span:
    """A value and the stretch of text that belongs to it.

    Attributes:
        start: Offset of its first character, an anchor or a tag included.
        end: Offset behind its last character; comments behind it do not belong to it.
        style: ``block`` or ``flow`` (a mapping or list), ``alias``, ``empty``, ``plain``, or the
            sign ``'``, ``"``, ``|`` or ``>`` with which a text begins.
        word: Text of a scalar.
        anchor: Its anchor, as ``&name``, or nothing.
        is_bare: It has neither anchor nor tag.
        entries: Key (None in a list) and value of each entry.
    """

    start: int
    end: int
    style: str
    word: str = ""
    anchor: str = ""
    is_bare: bool = True
    entries: list[tuple[Span | None, Span]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value in the text, and what it is an entry of.

    Attributes:
        value: The value.
        container: The mapping or list around it; None for the root of the document. Of one in
            block style only some of the entries may be known.
        index: Which of the container's known entries it is.
    """

    value: Span
    container: Span | None = None
    index: int = 0

    @property
    def key(self) -> Span | None:
        """The key of the value, if it is an entry of a mapping."""
        return self.container.entries[self.index][0] if self.container else None


def line_start(text: str, offset: int) -> int:
    """Offset of the first character of the line."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def line_end(text: str, offset: int) -> int:
    """Offset behind the last character of the line, before its line break."""
    ends = (text.find("\n", offset), text.find("\r", offset))
    return min((end for end in ends if end >= 0), default=len(text))


def next_line(text: str, offset: int) -> int:
    """Offset of the first character of the next line."""
    end = line_end(text, offset)
    return end + (2 if text.startswith("\r\n", end) else 1) if end < len(text) else end


def locate(text: str, root: Place, path: Path) -> Found:
    """Find a value that is known to exist.

    Args:
        text: The document.
        root: Its places.
        path: Of the value.

    Raises:
        YAMLError: ruamel.yaml cannot read what our reader could.
        LookupError: It reads something else.
    """
    start, end, depth = _window(text, root, path)
    events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text[start:end])
    value = Span(start=0, end=0, style="empty")
    for event in events:
        if isinstance(event, ruamel_events.NodeEvent):
            value = _span(event, events, text, start)
            break
    found = Found(value=value)
    steps: list[str | int] = list(path[depth:])
    if depth:
        # in the window, the entry is the only one of its container
        steps.insert(0, path[depth - 1] if isinstance(path[depth - 1], str) else 0)
    for step in steps:
        container = found.value
        index = step if isinstance(step, int) else _index(container, step)
        found = Found(value=container.entries[index][1], container=container, index=index)
    return found


def _index(mapping: Span, key: str) -> int:
    for index, (key_span, _) in enumerate(mapping.entries):
        if key_span is not None and key_span.word == key:
            return index
    raise LookupError(key)


def _window(text: str, root: Place, path: Path) -> tuple[int, int, int]:
    """Start and end of the smallest whole lines with the entry at ``path[:depth]``; depth."""
    start, end, depth = 0, len(text), 0
    place = root
    for part in path:
        if type(place) is not Branch or text[place.start.index] in "{[&!*":
            break
        children: Any = place.children
        places = list(children.values()) if isinstance(children, dict) else children
        at: Any = list(children).index(part) if isinstance(children, dict) else part
        before = _NOTHING if isinstance(children, dict) else _DASH
        starts = [_entry_start(text, each, before) for each in places[at : at + 2]]
        if min(starts) < 0:
            break
        start, end = (*starts, end)[:2]
        depth += 1
        place = places[at]
    return start, end, depth


def _entry_start(text: str, place: Place, before: re.Pattern[str]) -> int:
    """Where the line of a block entry begins; -1 if other things stand in the line before it."""
    mark = place.mark if type(place) is Branch else place
    start: int = mark.index - mark.column
    return start if before.fullmatch(text, start, mark.index) else -1


def _span(event: Any, events: Iterator[Any], text: str, offset: int) -> Span:
    """The value that begins with this event; takes its other events."""
    start = event.start_mark.index + offset
    end = event.end_mark.index + offset
    anchor = f"&{event.anchor}" if event.anchor else ""
    if isinstance(event, ruamel_events.AliasEvent):
        return Span(start=start, end=end, style="alias")
    is_bare = not anchor and event.tag is None
    if isinstance(event, ruamel_events.ScalarEvent):
        style = event.style or ("plain" if event.value or not is_bare else "empty")
        if style in "|>":
            content = text[start:end]
            keeps = "+" in content[: line_end(content, 0)].split("#")[0]
            end = start + len(content if keeps else content.rstrip())
            if keeps and text[end - 1] in "\r\n":
                end = line_end(text, end - (2 if text.startswith("\r\n", end - 2) else 1))
        return Span(
            start=start, end=end, style=style, word=event.value, anchor=anchor, is_bare=is_bare
        )
    span = Span(
        start=start,
        end=end,
        style="flow" if event.flow_style else "block",
        anchor=anchor,
        is_bare=is_bare,
    )
    is_mapping = isinstance(event, ruamel_events.MappingStartEvent)
    for inner in events:
        if isinstance(inner, ruamel_events.CollectionEndEvent):
            if span.style == "flow":
                span.end = inner.end_mark.index + offset
            break
        key = _span(inner, events, text, offset) if is_mapping else None
        value = _span(next(events) if is_mapping else inner, events, text, offset)
        if key and value.style == "empty":
            # ruamel.yaml puts it behind the comments, at the next key
            colon = COLON.match(text, key.end)
            value.start = value.end = colon.end() if colon else key.end
        span.entries.append((key, value))
        span.end = max(span.end, value.end, key.end if key else 0)
    return span

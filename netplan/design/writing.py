# SPDX-License-Identifier: Apache-2.0
"""Plain data as YAML text, the way people write designs.

A value takes one line where it fits, and lines of its own where it does not.
Text is quoted only when it would otherwise be read as something else. What
the characters must look like is left to ruamel.yaml; whether a word is text is
decided by the same rules by which it will be read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as ruamel_events
from ruamel.yaml.tag import Tag

from netplan.design.findings import DesignError
from netplan.design.scalars import is_text, resolve
from netplan.design.source import read_text

LINE_CHARACTERS = 100
_DEEPEST = 64
# ruamel.yaml breaks lines at this width: never.
_UNLIMITED = 2**31
# Spaces and dash before an item of a list in block style, as the emitter is set up below.
_ITEM_COLUMNS = 4
# Words that need no closer look; most are.
_SIMPLE = re.compile(r"[A-Za-z0-9]+(?:[ ._/-]?[A-Za-z0-9]+)*")
_TEXT_TAG = "tag:yaml.org,2002:str"


def plain(value: object, depth: int = 0) -> object:
    """The value as exact dicts, lists, text, numbers, truth values and None.

    Raises:
        ValueError: It holds something else, a number too long to be read again, or itself.
    """
    if depth > _DEEPEST:
        raise ValueError(f"it is nested more than {_DEEPEST} levels deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        # too long a number is refused by the same rule by which it would be read
        return resolve(_integer_text(int(value)))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"the key {key!r} is no text")  # noqa: TRY004 - one kind of refusal
        return {str.__str__(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [plain(item, depth + 1) for item in value]
    raise ValueError(f"{type(value).__name__} is not plain data")


def one_line(value: object, *, in_flow: bool, quote: str = "") -> str:
    """The value on one line.

    Args:
        value: Plain data.
        in_flow: It will stand between brackets.
        quote: The quotation mark that text had in its place until now.
    """
    return _emit(_events(value, quote=quote, in_flow=in_flow), in_flow=in_flow)[0]


def key(word: str, *, in_flow: bool) -> str:
    """The key of a mapping, without its colon."""
    return _emit(iter([_scalar(word, in_flow=in_flow, is_key=True)]), in_flow=in_flow)[0]


def lines(value: object, *, one_line_children: bool) -> list[str]:
    """A mapping or list in block style, each entry on lines of its own.

    Args:
        value: Plain data, not empty.
        one_line_children: Write the mappings and lists in it on one line if they fit.
    """
    return _emit(_block_events(value, one_line_children=one_line_children), in_flow=False)


def literal(text: str) -> list[str] | None:
    """Text of several lines as they are, below ``|``; None if it needs quotes all the same."""
    body = text.removesuffix("\n").split("\n")
    if len(body) < 2 or not body[0] or body[0][0] == " " or not body[-1]:
        return None
    if not all(line.isprintable() for line in body):
        return None
    return ["|" if text.endswith("\n") else "|-", *body]


def _integer_text(number: int) -> str:
    try:
        return str(number)
    except ValueError:
        # Python's own limit on the digits of a number
        raise ValueError("the number has too many digits") from None


def _word(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = repr(value)
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)
    return str(value)


def _scalar(value: object, *, quote: str = "", in_flow: bool, is_key: bool = False) -> Any:
    """The event of a scalar; ``quote`` is the style to keep."""
    word = _word(value)
    is_plain, style = True, None
    if isinstance(value, str):
        # `<<` is a merge key to some readers
        is_plain = is_text(word) and word != "<<"
        style = quote or None
        if not _SIMPLE.fullmatch(word) and not _reads_as_itself(
            word, in_flow=in_flow, is_key=is_key
        ):
            # ruamel.yaml finds quotes needless for some words that others cannot read
            style = quote or "'"
        if not word.isprintable():
            style = '"'
    # without the tag of a text the emitter fails on an empty one
    tag = Tag(suffix=_TEXT_TAG)
    return ruamel_events.ScalarEvent(None, tag, (is_plain, True, True), word, style=style)


def _reads_as_itself(word: str, *, in_flow: bool, is_key: bool) -> bool:
    """Whether the reader of designs understands the word in such a place without quotes."""
    entry = f"{word}: 1" if is_key else word
    text = f"[{entry}]" if in_flow else f"- {entry}"
    try:
        return read_text(text + "\n", "").data == [{word: 1} if is_key else word]
    except DesignError:
        return False


def _events(value: object, *, quote: str = "", in_flow: bool) -> Iterator[Any]:
    """Events of a value on one line."""
    if isinstance(value, dict):
        yield ruamel_events.MappingStartEvent(None, None, implicit=True, flow_style=True)
        for name, item in value.items():
            yield _scalar(name, in_flow=True, is_key=True)
            yield from _events(item, in_flow=True)
        yield ruamel_events.MappingEndEvent()
    elif isinstance(value, list):
        yield ruamel_events.SequenceStartEvent(None, None, implicit=True, flow_style=True)
        for item in value:
            yield from _events(item, in_flow=True)
        yield ruamel_events.SequenceEndEvent()
    else:
        yield _scalar(value, quote=quote, in_flow=in_flow)


def _block_events(value: object, *, one_line_children: bool, columns: int = 0) -> Iterator[Any]:
    """Events of a mapping or list in block style that begins at the given column."""
    pairs: list[tuple[str | None, object]]
    if isinstance(value, dict):
        yield ruamel_events.MappingStartEvent(None, None, implicit=True, flow_style=False)
        pairs = list(value.items())
    elif isinstance(value, list):
        yield ruamel_events.SequenceStartEvent(None, None, implicit=True, flow_style=False)
        pairs = [(None, item) for item in value]
    else:
        pairs = []
    for name, item in pairs:
        if name is not None:
            yield _scalar(name, in_flow=False, is_key=True)
        before = columns + len(name or "") + 2
        is_container = isinstance(item, dict | list) and bool(item)
        if is_container and not (
            one_line_children and before + len(one_line(item, in_flow=False)) <= LINE_CHARACTERS
        ):
            yield from _block_events(item, one_line_children=one_line_children, columns=columns + 2)
        else:
            yield from _events(item, in_flow=False)
    if isinstance(value, dict):
        yield ruamel_events.MappingEndEvent()
    else:
        yield ruamel_events.SequenceEndEvent()


def _emit(events: Iterator[Any], *, in_flow: bool) -> list[str]:
    """The lines of one value, which is emitted as the only item of a list."""
    yaml = YAML(typ="safe", pure=True)
    yaml.indent(mapping=2, sequence=_ITEM_COLUMNS, offset=_ITEM_COLUMNS - 2)
    yaml.width = _UNLIMITED
    yaml.allow_unicode = True
    stream = io.StringIO()
    yaml.emit(
        [
            ruamel_events.StreamStartEvent(),
            ruamel_events.DocumentStartEvent(explicit=False),
            ruamel_events.SequenceStartEvent(None, None, implicit=True, flow_style=in_flow),
            *events,
            ruamel_events.SequenceEndEvent(),
            ruamel_events.DocumentEndEvent(explicit=False),
            ruamel_events.StreamEndEvent(),
        ],
        stream,
    )
    text = stream.getvalue().rstrip("\n")
    if in_flow:
        return [text[1:-1]]
    return [line[_ITEM_COLUMNS:] for line in text.split("\n")]

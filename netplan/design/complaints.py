# SPDX-License-Identifier: Apache-2.0
"""The words in which a YAML file is refused: what is wrong, where, and what to do.

One function for each thing that the reader of :mod:`netplan.design.tree` finds
wrong. ``event`` is the event of the YAML library at which it was found, ``where``
the path of the value in the document.
"""

from __future__ import annotations

from typing import Any, NoReturn

import yaml

from netplan.design.findings import Mark
from netplan.design.reading import Path, Reading, our_mark, short

CORE_TAG = "tag:yaml.org,2002:"


def character(reading: Reading, mark: Mark, found: str) -> None:
    """A character that a YAML file may not contain."""
    reading.add(
        "SOURCE-CHARACTER",
        "the file contains a character that a design may not contain",
        mark,
        expected="printable text",
        found=f"U+{ord(found):04X}",
        hint=(
            "is this the right file? A design is text, saved as UTF-8"
            if found == "\0"
            else f'delete it, or write it in double quotes as "\\u{ord(found):04X}"'
        ),
    )


def tag_directive(reading: Reading, mark: Mark) -> None:
    """A line that begins with %TAG."""
    reading.add(
        "SOURCE-TAG",
        "%TAG has no meaning here",
        mark,
        hint="delete the line; the only tag with a meaning is !include",
    )


def empty(reading: Reading, mark: Mark, path: Path) -> None:
    """A file without a value."""
    reading.add(
        "SOURCE-EMPTY",
        "there is nothing in the file",
        mark,
        path=path,
        expected="a mapping such as `name: my plant`",
        hint="write at least one key and its value",
    )


def documents(reading: Reading, event: Any) -> None:
    """A second document in a file."""
    mark = our_mark(event.start_mark)
    reading.add(
        "SOURCE-DOCUMENTS",
        "the file contains more than one YAML document",
        mark,
        expected="one document",
        found=f"a second one from line {mark.line}",
        hint="delete the line `---`, or move what follows to a file of its own",
    )


def yaml_version(reading: Reading, event: Any) -> None:
    """A %YAML line that asks for other rules than ours."""
    reading.add(
        "SOURCE-YAML-VERSION",
        "the file asks to be read by the rules of another YAML",
        our_mark(event.start_mark),
        expected="YAML 1.2, where `yes` and `on` are text",
        found="%YAML " + ".".join(map(str, event.version)),
        hint="delete the %YAML line, and write true and false for yes and no",
    )


def too_many_nodes(reading: Reading, mark: Mark) -> NoReturn:
    """More keys and values than the limit: reading stops at once."""
    reading.add(
        "SOURCE-TOO-MANY-NODES",
        "the document is too large once its aliases and includes are written out",
        mark,
        expected=f"at most {reading.limits.max_nodes:,} keys and values",
        hint="use fewer aliases of large values, or split the plant into several designs",
    )
    reading.stop()


def too_deep(reading: Reading, mark: Mark, where: Path) -> None:
    """Nesting beyond the limit."""
    reading.add(
        "SOURCE-TOO-DEEP",
        "mappings and lists are nested too deeply",
        mark,
        path=where,
        expected=f"at most {reading.limits.max_depth} inside one another, "
        "with aliases and includes written out",
        hint="a design needs fewer than ten: look for brackets that are not closed",
    )


def duplicate_key(reading: Reading, event: Any, earlier_mark: Any, where: Path) -> None:
    """A key that its mapping has already."""
    earlier, mark = our_mark(earlier_mark), our_mark(event.start_mark)
    reading.add(
        "SOURCE-KEY-DUPLICATE",
        f"the key {short(event.value)!r} is given twice, in lines {earlier.line} and {mark.line}",
        mark,
        path=where,
        expected="every key once",
        hint="delete or rename one of the two",
    )


def merge_key(reading: Reading, event: Any, where: Path) -> None:
    """The merge key of YAML 1.1."""
    reading.add(
        "SOURCE-KEY-MERGE",
        "the merge key `<<` is not part of YAML 1.2",
        our_mark(event.start_mark),
        path=where,
        hint="write the keys out, or share a whole value by an alias or by !include",
    )


def key_kind(reading: Reading, event: Any, where: Path) -> None:
    """A key that is an alias, a list or a mapping."""
    reading.add(
        "SOURCE-KEY-KIND",
        "a key must be a word",
        our_mark(event.start_mark),
        path=where,
        expected="`name: value`",
        found="an alias, a list or a mapping before the colon",
        hint="put the key in quotes if it begins with [, {, * or ?",
    )


def unknown_tag(reading: Reading, event: Any, where: Path, expected: str) -> None:
    """A tag that means nothing here."""
    reading.add(
        "SOURCE-TAG",
        f"the tag {_tag_text(event.tag)} has no meaning here",
        our_mark(event.start_mark),
        path=where,
        expected=expected,
        found=_tag_text(event.tag),
        hint="put the text in quotes if it begins with !",
    )


def misfit_tag(reading: Reading, event: Any, where: Path) -> None:
    """A tag such as !!int before something that is none."""
    reading.add(
        "SOURCE-TAG",
        f"the tag {_tag_text(event.tag)} does not fit its value",
        our_mark(event.start_mark),
        path=where,
        found=short(event.value),
        hint="delete the tag; numbers and words are told apart without it",
    )


def container_tag(reading: Reading, event: Any, where: Path) -> None:
    """A tag on a mapping or list, unless it says what is plain anyway."""
    plain = "map" if type(event) is yaml.MappingStartEvent else "seq"
    if event.tag in ("!", CORE_TAG + plain):
        return
    if event.tag != "!include":
        unknown_tag(reading, event, where, "!include, or no tag")
        return
    reading.add(
        "SOURCE-INCLUDE-PATH",
        "!include takes the name of one file",
        our_mark(event.start_mark),
        path=where,
        expected="!include other.yaml",
        found="a mapping or list",
        hint="include each file by an !include of its own",
    )


def number(reading: Reading, event: Any, error: Exception, where: Path) -> None:
    """A number that cannot be held."""
    reading.add(
        "SOURCE-NUMBER",
        str(error),
        our_mark(event.start_mark),
        path=where,
        expected="a number of fewer digits",
        found=short(event.value),
        hint="put it in quotes if it is meant as text",
    )


def alias_loop(reading: Reading, event: Any, where: Path) -> None:
    """An alias inside the value that it stands for."""
    reading.add(
        "SOURCE-ALIAS-LOOP",
        f"the alias *{short(event.anchor)} stands inside the value that it stands for",
        our_mark(event.start_mark),
        path=where,
        hint="write this value out",
    )


def alias_unknown(reading: Reading, event: Any, where: Path) -> None:
    """An alias without an anchor before it."""
    name = short(event.anchor)
    reading.add(
        "SOURCE-ALIAS-UNKNOWN",
        f"the alias *{name} stands for nothing",
        our_mark(event.start_mark),
        path=where,
        expected=f"&{name} before a value above, in the same file",
        hint="put it in quotes if it is text that begins with *",
    )


def _tag_text(tag: str) -> str:
    return short("!!" + tag.removeprefix(CORE_TAG) if tag.startswith(CORE_TAG) else tag)

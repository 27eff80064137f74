# SPDX-License-Identifier: Apache-2.0
"""Editing changes the value that it is asked to change, and no other character."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netplan.design.edit import REMOVE, edit
from netplan.design.findings import DesignError
from netplan.design.scalars import is_text
from netplan.design.source import read_text

Path = tuple[str | int, ...]

PLANT = """\
# the plant
name: "body shop"   # as on the door
zones: {cell: {kind: control, level: 2}, office: {}}   # two
empty:   # nothing yet
note: |   # two lines
  hello
  world

list:
- a   # first
- b
items:
  - x: 1   # one
    # about y
    y: 0x10
  - {x: 3}   # three
  -
    z: 'it''s'
nodes:
  # about sw1
  sw1:
    is: bridge   # b
    at: [1 m, 2 m]

  # about sw2
  sw2: {is: plc}
flow: {
  a: 1,  # ca
  b: 2   # cb
}
cell: !include cell.yaml
shared: &shared [1, 2]
same: *shared
# the end
"""
MANY = {f"key{number}": {"value": number} for number in range(8)}
MANY_LINES = [f"key{number}: {{value: {number}}}" for number in range(8)]


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that differ: as they were, as they are."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return old, new


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        pytest.param(
            ["name"],
            "paint shop",
            ['name: "body shop"   # as on the door'],
            ['name: "paint shop"   # as on the door'],
            id="quotes-are-kept",
        ),
        pytest.param(
            ["name"],
            5,
            ['name: "body shop"   # as on the door'],
            ["name: 5   # as on the door"],
            id="a-number-has-no-quotes",
        ),
        pytest.param(
            ["items", 0, "x"], "yes", ["  - x: 1   # one"], ["  - x: yes   # one"], id="yes-is-text"
        ),
        pytest.param(
            ["items", 0, "x"], "no: 1", ["  - x: 1   # one"], ["  - x: 'no: 1'   # one"], id="colon"
        ),
        pytest.param(
            ["items", 0, "x"],
            "7",
            ["  - x: 1   # one"],
            ["  - x: '7'   # one"],
            id="digits-as-text",
        ),
        pytest.param(["items", 0, "y"], 16, [], [], id="the-same-value-in-other-words-stays"),
        pytest.param(["items", 0, "y"], 17, ["    y: 0x10"], ["    y: 17"], id="new-number"),
        pytest.param(
            ["items", 2, "z"], "that's", ["    z: 'it''s'"], ["    z: 'that''s'"], id="single"
        ),
        pytest.param(
            ["empty"],
            True,
            ["empty:   # nothing yet"],
            ["empty: true   # nothing yet"],
            id="into-nothing",
        ),
        pytest.param(
            ["zones", "cell", "level"],
            3,
            ["zones: {cell: {kind: control, level: 2}, office: {}}   # two"],
            ["zones: {cell: {kind: control, level: 3}, office: {}}   # two"],
            id="in-braces",
        ),
        pytest.param(
            ["zones", "office", "kind"],
            "a, b",
            ["zones: {cell: {kind: control, level: 2}, office: {}}   # two"],
            ["zones: {cell: {kind: control, level: 2}, office: {kind: 'a, b'}}   # two"],
            id="into-empty-braces",
        ),
        pytest.param(["flow", "b"], 9, ["  b: 2   # cb"], ["  b: 9   # cb"], id="in-tall-braces"),
        pytest.param(
            ["flow", "c"], 3, ["  b: 2   # cb"], ["  b: 2,   # cb", "  c: 3"], id="into-tall-braces"
        ),
        pytest.param(["flow", "a"], REMOVE, ["  a: 1,  # ca"], [], id="out-of-tall-braces"),
        pytest.param(
            ["note"],
            "one\n\n three\n",
            ["  hello", "  world"],
            ["  one", "", "   three"],
            id="lines-stay-lines",
        ),
        pytest.param(
            ["note"],
            "short",
            ["note: |   # two lines", "  hello", "  world"],
            ["note: short   # two lines"],
            id="lines-become-a-word",
        ),
        pytest.param(["list", 1], "c", ["- b"], ["- c"], id="item"),
        pytest.param(["list", 2], "c", [], ["- c"], id="append"),
        pytest.param(["list", 0], REMOVE, ["- a   # first"], [], id="remove-item"),
        pytest.param(["list", 1], MANY, ["- b"], ["- key0: {value: 0}"], id="item-of-many-lines"),
        pytest.param(
            ["list"],
            {"k": "v"},
            ["- a   # first", "- b"],
            ["  k: v"],
            id="mapping-in-place-of-list",
        ),
        pytest.param(["items", 0, "w"], 1.5, [], ["    w: 1.5"], id="new-key-in-an-item"),
        pytest.param(
            ["items", 0, "x"], REMOVE, ["  - x: 1   # one"], ["  -"], id="first-key-of-item"
        ),
        pytest.param(
            ["items", 1, "x"], REMOVE, ["  - {x: 3}   # three"], ["  - {}   # three"], id="only-key"
        ),
        pytest.param(
            ["items", 2, "z"], REMOVE, ["    z: 'it''s'"], ["    {}"], id="only-key-below-dash"
        ),
        pytest.param(["nodes", "sw3"], {"is": "plc"}, [], ["  sw3: {is: plc}"], id="new-node"),
        pytest.param(
            ["nodes", "sw1"],
            REMOVE,
            ["  sw1:", "    is: bridge   # b", "    at: [1 m, 2 m]"],
            [],
            id="remove-node",
        ),
        pytest.param(
            ["nodes", "sw1"],
            {"is": "plc"},
            ["    is: bridge   # b", "    at: [1 m, 2 m]"],
            ["    is: plc"],
            id="replace-node",
        ),
        pytest.param(
            ["nodes", "sw1"],
            None,
            ["  sw1:", "    is: bridge   # b", "    at: [1 m, 2 m]"],
            ["  sw1: null"],
            id="node-becomes-null",
        ),
        pytest.param(
            ["nodes", "sw2"],
            MANY,
            ["  sw2: {is: plc}"],
            ["  sw2:", *("    " + line for line in MANY_LINES)],
            id="node-outgrows-its-line",
        ),
        pytest.param(["cell"], REMOVE, ["cell: !include cell.yaml"], [], id="remove-include"),
        pytest.param(
            ["same"], 5, ["same: *shared"], ["same: 5"], id="a-value-in-place-of-an-alias"
        ),
        pytest.param(["new"], "x", [], ["new: x"], id="new-key-in-root"),
    ],
)
def test_changes_these_lines_only(
    path: Path, value: object, old: list[str], new: list[str]
) -> None:
    before, after = changed_lines(PLANT, edit(PLANT, path, value))
    assert (before, after[: len(new)] if value is MANY else after) == (old, new)


@pytest.mark.parametrize(
    ("path", "value", "code", "hint"),
    [
        pytest.param(["nots"], REMOVE, "EDIT-PATH", "did you mean note", id="no-such-key"),
        pytest.param(
            ["nots", "x"], 1, "EDIT-PATH", "did you mean note", id="no-such-key-on-the-way"
        ),
        pytest.param(["list", 5], 1, "EDIT-PATH", "items are counted from 0", id="no-such-item"),
        pytest.param(["list", -1], 1, "EDIT-PATH", "items are counted from 0", id="negative"),
        pytest.param(["list", "x"], 1, "EDIT-PATH", "set list as a whole", id="key-of-a-list"),
        pytest.param(["empty", "x"], 1, "EDIT-PATH", "set empty as a whole", id="key-of-nothing"),
        pytest.param([], REMOVE, "EDIT-PATH", "delete the file instead", id="everything"),
        pytest.param(["cell"], 1, "EDIT-INCLUDE", "change it in cell.yaml", id="include"),
        pytest.param(["cell", "x"], 1, "EDIT-INCLUDE", "change it in cell.yaml", id="in-include"),
        pytest.param(["same", 0], 1, "EDIT-ALIAS", "change that value, or write", id="in-alias"),
        pytest.param(["shared", 0], 9, "EDIT-ALIAS", "in place of each alias first", id="shared"),
        pytest.param(["shared"], REMOVE, "EDIT-ALIAS", "in place of each alias first", id="anchor"),
        pytest.param(["name"], object(), "EDIT-VALUE", "give plain data", id="no-data"),
        pytest.param(["name"], {1: 2}, "EDIT-VALUE", "give plain data", id="number-as-key"),
        pytest.param(["name"], b"x", "EDIT-VALUE", "give plain data", id="octets"),
        pytest.param(["name"], 10**5000, "EDIT-VALUE", "give plain data", id="endless-number"),
        pytest.param(["name"], "\ud800", "EDIT-LAYOUT", "in a text editor", id="half-a-character"),
    ],
)
def test_refuses_with_a_hint(path: Path, value: object, code: str, hint: str) -> None:
    with pytest.raises(DesignError) as caught:
        edit(PLANT, path, value, name="plant.yaml")
    (finding,) = caught.value.findings
    assert finding.code == code
    assert hint in finding.hint
    assert finding.mark
    assert finding.mark.file == "plant.yaml"


def test_refuses_a_value_that_contains_itself() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(DesignError, match="64 levels"):
        edit(PLANT, ["name"], endless)


def test_refuses_an_unreadable_document() -> None:
    with pytest.raises(DesignError, match=r"plant\.yaml:1: error SOURCE-SYNTAX"):
        edit("a: [", ["a"], 1, name="plant.yaml")


def test_whole_document_can_be_replaced() -> None:
    assert edit("# c\na: 1\n", [], {"b": 2}) == "# c\nb: 2\n"
    assert edit("a: 1\n", ["a"], REMOVE) == "{}\n"
    assert edit("{}\n", ["a"], 1) == "{a: 1}\n"


def test_keeps_byte_order_mark_and_missing_last_line_end() -> None:
    assert edit("\ufeffa: 1\r\nb: 2", ["c"], 3) == "\ufeffa: 1\r\nb: 2\r\nc: 3"
    assert edit("a: 1\r\nb: 2", ["b"], REMOVE) == "a: 1"
    assert edit("a: 1\n", ["a"], 2) == "a: 2\n"


@pytest.mark.parametrize(
    ("document", "path", "value", "expected"),
    [
        ("[a, b]\n", [2], "c", "[a, b, c]\n"),
        ("[a, b,]\n", [2], "c", "[a, b, c]\n"),
        ("[a, b]\n", [1], REMOVE, "[a]\n"),
        ("[a, b]\n", [0], REMOVE, "[b]\n"),
        ("{a: , b: }\n", ["c"], 1, "{a: , b: , c: 1 }\n"),
        ("{a, b}\n", ["a"], 1, "{a: 1, b}\n"),
        ("- - a\n  - b\n- c\n", [0, 0], REMOVE, "- - b\n- c\n"),
        ("- - a\n  - b\n- c\n", [0, 2], 1, "- - a\n  - b\n  - 1\n- c\n"),
        ("-\n- a\n", [0], 1, "- 1\n- a\n"),
        ("a: |+\n  x\n\nb: 1\n", ["a"], 1, "a: 1\nb: 1\n"),
        ("a:\n  b: |+\n    x\n\n", ["a", "c"], 1, "a:\n  b: |+\n    x\n\n  c: 1\n"),
        ("a: &x 1\nb: 2\n", ["a"], 3, "a: &x 3\nb: 2\n"),
        ("a: !!str 1\n", ["a"], "2", "a: '2'\n"),
        ("{a: 1, # one\n b: 2}\n", ["a"], REMOVE, "{ # one\n b: 2}\n"),
        ("%YAML 1.2\n---\na: 1\n...\n", ["b"], 1, "%YAML 1.2\n---\na: 1\nb: 1\n...\n"),
        ("a: 'x\n\n  y'\nb: 1\n", ["a"], "z", "a: 'z'\nb: 1\n"),
    ],
)
def test_rare_layouts(document: str, path: Path, value: object, expected: str) -> None:
    assert edit(document, path, value) == expected


# Generated documents: data, and one of the many ways in which people write them.

WORDS = ["sw1", "12 m", "yes", "2026-01-31", "1_000", "0x1F", "null", "it's", "a: b", "x #y", "- a"]
WORDS += [
    "",
    "ü€",
    "a, b",
    "[x",
    "{",
    "?",
    "<<",
    "~",
    "1e3",
    "-1",
    ".5",
    "!x",
    "&x",
    "*x",
    "@x",
    "%",
]
texts = st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just("two\nlines\n")
keys = st.sampled_from(["a", "bc", "sw-1", "null", "5", "key with spaces", "ü", "a: b", "-"])
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)
documents = st.dictionaries(keys, values, min_size=1, max_size=4)
Draw = Callable[[st.SearchStrategy[Any]], Any]


def quoted(text: str) -> str:
    """The text in double quotes, with escapes for all that is not ASCII."""
    plain = {"\\": "\\\\", '"': '\\"'}
    return (
        '"'
        + "".join(plain.get(c, c if " " <= c <= "~" else f"\\U{ord(c):08X}") for c in text)
        + '"'
    )


class Writer:
    """Writes data in a layout that is drawn as it goes along."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.comments = 0

    def some(self) -> bool:
        return bool(self.draw(st.booleans()))

    def comment(self) -> str:
        if not self.some():
            return ""
        self.comments += 1
        return f"   # remark {self.comments}."

    def scalar(self, value: object, *, in_flow: bool) -> str:
        if isinstance(value, str):
            forms = [quoted(value)]
            if "\n" not in value and value.isprintable():
                forms.append("'" + value.replace("'", "''") + "'")
            if is_text(value) and re.fullmatch(r"[\w][\w ]*(?<! )", value):
                forms.append(value)
            return str(self.draw(st.sampled_from(forms)))
        if value is None:
            return str(self.draw(st.sampled_from(["null", "~"] if in_flow else ["null", "~", ""])))
        if isinstance(value, float):
            text = repr(value)
            return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)
        return json.dumps(value)

    def flow(self, value: object) -> str:
        if isinstance(value, dict):
            entries = [f"{self.key(key)}: {self.flow(item)}" for key, item in value.items()]
        elif isinstance(value, list):
            entries = [self.flow(item) for item in value]
        else:
            return self.scalar(value, in_flow=True)
        space = " " if self.some() else ""
        body = f"{space}{', '.join(entries)}{',' if entries and self.some() else ''}{space}"
        return f"{{{body}}}" if isinstance(value, dict) else f"[{body}]"

    def tall_flow(self, value: Any, column: int) -> str:
        pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        entries = [
            (f"{self.key(key)}: " if key is not None else "") + self.flow(item)
            for key, item in pairs
        ]
        text = "{" if isinstance(value, dict) else "["
        for index, entry in enumerate(entries):
            comma = "," if index < len(entries) - 1 or self.some() else ""
            text += f"{self.comment()}\n{' ' * (column + 2)}{entry}{comma}"
        return f"{text}{self.comment()}\n{' ' * column} " + (
            "}" if isinstance(value, dict) else "]"
        )

    def key(self, key: str) -> str:
        return key if re.fullmatch(r"[a-z]\w*", key) else quoted(key)

    def block(self, value: Any, column: int) -> str:
        """Lines of a mapping or list whose first one is already indented."""
        text = ""
        pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        for index, (key, item) in enumerate(pairs):
            if index:
                if self.some():
                    text += "\n"
                if comment := self.comment().strip():
                    text += f"{' ' * column}{comment}\n"
                text += " " * column
            text += f"{self.key(key)}:" if key is not None else "-"
            text += self.value(item, column, in_list=key is None)
        return text

    def value(self, item: Any, column: int, *, in_list: bool) -> str:
        if isinstance(item, dict | list) and item and self.some():
            inner = column + self.draw(st.integers(1, 4))
            if in_list and self.some():
                return " " + self.block(item, column + 2)
            if isinstance(item, list) and not in_list and self.some():
                inner = column
            comments = f"{self.comment()}\n"
            if comment := self.comment().strip():
                comments += f"{' ' * inner}{comment}\n"
            return f"{comments}{' ' * inner}{self.block(item, inner)}"
        if item == "two\nlines\n" and self.some():
            return f" |{self.comment()}\n{' ' * column}  two\n{' ' * column}  lines\n"
        if isinstance(item, dict | list) and item and self.some():
            return f" {self.tall_flow(item, column)}{self.comment()}\n"
        return (
            f" {self.flow(item)}".rstrip() + f"{self.comment()}\n"
            if item is not None
            else self.nothing()
        )

    def nothing(self) -> str:
        return f" {self.scalar(None, in_flow=False)}".rstrip() + f"{self.comment()}\n"


@st.composite
def written(draw: Draw) -> tuple[str, Any]:
    """A document, and what it says."""
    data = draw(documents)
    writer = Writer(draw)
    text = "".join(f"{comment}\n" for comment in [writer.comment().strip()] if comment)
    if writer.some():
        text += "---\n"
    text += writer.block(data, 0)
    if writer.some() and not text.endswith("lines\n"):
        text = text[:-1]
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))), data


def walk(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, data
    pairs = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for part, item in pairs:
        yield from walk(item, (*path, part))


def with_value(data: Any, path: Path, value: object) -> Any:
    """What the data should become."""
    if not path:
        return value
    copy = data.copy()
    if value is REMOVE and len(path) == 1:
        del copy[path[0]]
    elif isinstance(copy, list) and path[0] == len(copy):
        copy.append(value)
    elif isinstance(copy, dict) and path[0] not in copy:
        copy[path[0]] = value
    else:
        copy[path[0]] = with_value(copy[path[0]], path[1:], value)
    return copy


def same(one: Any, other: Any) -> bool:
    """Equal in kind, order and content; repr tells 1 from 1.0, and .nan is .nan."""
    return repr(one) == repr(other)


def lines_around(document: str, path: Path) -> tuple[list[str], list[str]]:
    """The lines before the value's own, and those from the next value on."""
    lines = document.splitlines()
    marks = read_text(document, "x").marks
    paths = list(marks)
    line = marks[path].line
    later = [marks[each] for each in paths[paths.index(path) :] if each[: len(path)] != path]
    if not later:
        return lines[: line - 1], []
    following = min(later, key=lambda mark: mark.line)
    begins_line = not lines[following.line - 1][: following.column - 1].strip(" -")
    return lines[: line - 1], lines[following.line - begins_line :]


def check_form(document: str, result: str) -> None:
    """Line ends are the document's own, and there is one at the end where there was one."""
    if "\r\n" in document:
        assert result.count("\r\n") == result.count("\n")
    else:
        assert "\r" not in result
    # text below | cannot do without
    assert (
        result.endswith("\n") == document.endswith("\n") or result.rsplit(maxsplit=1)[-1] == "lines"
    )


generated = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@generated
@given(document=written(), data=st.data(), value=values)
def test_setting_any_value_changes_its_lines_only(
    document: tuple[str, Any], data: st.DataObject, value: object
) -> None:
    text, plain = document
    assert same(read_text(text, "x").data, plain)
    path, old = data.draw(st.sampled_from(list(walk(plain))))
    result = edit(text, path, value)
    assert same(read_text(result, "x").data, with_value(plain, path, value))
    check_form(text, result)
    before, after = lines_around(text, path)
    lines = result.splitlines()
    assert lines[: len(before)] == before
    assert lines[len(lines) - len(after) :] == after
    if not isinstance(old, dict | list):
        remarks = re.findall(r"# remark \d+\.", text)
        assert re.findall(r"# remark \d+\.", result) == remarks
        if old != "two\nlines\n" and not isinstance(value, dict | list):
            changed = changed_lines(text, result)
            assert len(changed[0]) <= 1
            assert len(changed[1]) <= 1


@generated
@given(document=written(), data=st.data(), value=values)
def test_adding_keeps_all_other_lines(
    document: tuple[str, Any], data: st.DataObject, value: object
) -> None:
    text, plain = document
    containers = [((), plain), *(each for each in walk(plain) if isinstance(each[1], dict | list))]
    path, container = data.draw(st.sampled_from(containers))
    step = (
        data.draw(keys.filter(lambda key: key not in container))
        if isinstance(container, dict)
        else len(container)
    )
    result = edit(text, (*path, step), value)
    assert same(read_text(result, "x").data, with_value(plain, (*path, step), value))
    check_form(text, result)
    old, new = changed_lines(text, result)
    # a flow entry may need a comma or stand in the same line
    assert len(old) <= 1
    assert len(new) >= len(old)
    assert re.findall(r"# remark \d+\.", result) == re.findall(r"# remark \d+\.", text)


@generated
@given(document=written(), data=st.data())
def test_removing_keeps_all_other_lines(document: tuple[str, Any], data: st.DataObject) -> None:
    text, plain = document
    path, _ = data.draw(st.sampled_from(list(walk(plain))))
    result = edit(text, path, REMOVE)
    assert same(read_text(result, "x").data, with_value(plain, path, REMOVE))
    check_form(text, result)


@generated
@given(
    document=st.text("ab0:-[]{}&*!?|>'\"#,\n ", max_size=40) | st.text(max_size=30),
    path=st.lists(keys | st.integers(0, 3), max_size=3),
    value=values,
)
def test_any_text_is_edited_or_refused(document: str, path: list[str | int], value: object) -> None:
    try:
        result = edit(document, path, value)
    except DesignError as error:
        assert error.findings  # noqa: PT017 - the only exception allowed, and never an empty one
    else:
        read_text(result, "x")

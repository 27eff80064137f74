# SPDX-License-Identifier: Apache-2.0
"""Reading gives plain data with marks, or findings; quickly, and nothing else."""

from __future__ import annotations

import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import ruamel.yaml
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from netplan.design import tree
from netplan.design.findings import DesignError, Mark
from netplan.design.scalars import is_text, resolve
from netplan.design.source import Limits, Source, mark_of, read_document, read_text

# No input may hold up its reader; generous, for busy machines. Measured: under 0.2 s.
AT_MOST_S = 30.0


@pytest.fixture(params=["libyaml", "pure"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways in which PyYAML may be installed."""
    if request.param == "pure":
        monkeypatch.setattr(tree, "LOADER", yaml.SafeLoader)
    return str(request.param)


def write(folder: Path, files: dict[str, str]) -> str:
    """Write files; the name of the first one."""
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content.encode())
    return str(folder / next(iter(files)))


def findings_text(name: str | os.PathLike[str], folder: Path) -> str:
    """What a user in the folder would see who reads a bad file."""
    start = time.perf_counter()
    with pytest.raises(DesignError) as caught:
        read_document(name)
    assert time.perf_counter() - start < AT_MOST_S
    return str(caught.value).replace(f"{folder}{os.sep}", "")


# Good documents


@pytest.mark.usefixtures("loader")
def test_reads_the_core_schema_of_yaml_1_2() -> None:
    source = read_text(
        """
nothing: [~, null, , "", '~']
truth: [true, FALSE, yes, on, "true", True]
numbers: [0, -1, +2, 007, 0o17, 0x1F, 1.5, .5, 1., 1e3, -.inf, 1_000, 0b1]
text: [12 m, 2026-01-31, 'it''s', "a\\tb", a:b, 1:30]
tagged: [!!str 12, !!int "12", !!float 1, !!bool "true", !!null "", ! 12, !!map {}, !!seq []]
5: a
null: b
""".replace("null, ,", "null, !!null ,"),
        "plant.yaml",
    )
    assert source.data == {
        "nothing": [None, None, None, "", "~"],
        "truth": [True, False, "yes", "on", "true", True],
        "numbers": [0, -1, 2, 7, 15, 31, 1.5, 0.5, 1.0, 1000.0, -math.inf, "1_000", "0b1"],
        "text": ["12 m", "2026-01-31", "it's", "a\tb", "a:b", "1:30"],
        "tagged": ["12", 12, 1.0, True, None, "12", {}, []],
        "5": "a",
        "null": "b",
    }
    assert isinstance(source.data, dict)
    assert [type(number) for number in source.data["numbers"][5:9]] == [int, float, float, float]
    assert source.files == ()


@pytest.mark.usefixtures("loader")
def test_marks_are_those_of_keys_and_items() -> None:
    source = read_text("# c\nnodes:\n  sw1:\n    at: [1, 2]\nlist:\n- a\n-\n  b: 1\n", "plant.yaml")
    lines = {path: (mark.line, mark.column) for path, mark in source.marks.items()}
    assert lines == {
        (): (2, 1),
        ("nodes",): (2, 1),
        ("nodes", "sw1"): (3, 3),
        ("nodes", "sw1", "at"): (4, 5),
        ("nodes", "sw1", "at", 0): (4, 10),
        ("nodes", "sw1", "at", 1): (4, 13),
        ("list",): (5, 1),
        ("list", 0): (6, 3),
        ("list", 1): (8, 3),
        ("list", 1, "b"): (8, 3),
    }
    assert len(source.marks) == len(lines)
    assert source.marks["nodes",] == Mark(file="plant.yaml", line=2, column=1)


def test_mark_of_a_missing_value_is_that_of_what_should_hold_it() -> None:
    marks = read_text("a: 1\nnodes:\n  sw1: {b: 2}\n", "plant.yaml").marks
    for path in (("nodes", "sw1", "nope"), ("nodes", "sw1", "b", "c"), ("nodes", "sw1", 5)):
        assert path not in marks
    assert ("nodes", -1) not in marks
    assert "nodes" not in marks  # type: ignore[comparison-overlap] # a path is a tuple
    mark = mark_of(marks, ["nodes", "sw1", "nope", 3])
    assert mark
    assert mark.line == 3
    assert mark_of({}, ["a"]) is None


def test_aliases_stand_for_values_and_have_their_own_marks() -> None:
    source = read_text("a: &a {x: [1]}\nb: *a\nc: [*a]\n&k d: *k\n", "plant.yaml")
    assert source.data == {"a": {"x": [1]}, "b": {"x": [1]}, "c": [{"x": [1]}], "d": "d"}
    assert source.marks["b",].line == 2
    assert source.marks["b", "x", 0].line == 1
    assert source.marks["c", 0].line == 3


def test_includes_replace_values(tmp_path: Path) -> None:
    name = write(
        tmp_path,
        {
            "plant.yaml": "name: x\nmodules:\n  cell: !include modules/cell.yaml\n  two: !include cell.yaml\n",
            "modules/cell.yaml": "# robot\nnodes: !include ../nodes.yaml\n",
            "nodes.yaml": "[r1, r2]\n",
            "cell.yaml": "twelve\n",
        },
    )
    source = read_document(name)
    assert source.data == {
        "name": "x",
        "modules": {"cell": {"nodes": ["r1", "r2"]}, "two": "twelve"},
    }
    files = [
        name,
        *(str(tmp_path / each) for each in ("modules/cell.yaml", "nodes.yaml", "cell.yaml")),
    ]
    assert source.files == tuple(files)
    assert source.marks["modules", "cell"] == Mark(file=name, line=3, column=3)
    assert source.marks["modules", "cell", "nodes"] == Mark(file=files[1], line=2, column=1)
    assert source.marks["modules", "cell", "nodes", 1] == Mark(file=files[2], line=1, column=6)


def test_a_file_included_twice_is_read_once(tmp_path: Path) -> None:
    name = write(
        tmp_path,
        {"plant.yaml": "- !include a.yaml\n- &x !include a.yaml\n- *x\n", "a.yaml": "{k: [1]}"},
    )
    source = read_document(Path(name))
    assert source.data == [{"k": [1]}] * 3
    assert len(source.files) == 2
    assert source.marks[1,].line == 2
    assert source.marks[2, "k"].file.endswith("a.yaml")


def test_byte_order_mark_and_line_ends_of_windows() -> None:
    source = read_text("\ufeffa: 1\r\nb: 'x'\r\n", "plant.yaml")
    assert source.data == {"a": 1, "b": "x"}
    assert source.marks["b",] == Mark(file="plant.yaml", line=2, column=1)


def test_large_plant_is_read_quickly(tmp_path: Path) -> None:
    # measured 0.2 s; the limit only catches what grows out of proportion
    lines = ["nodes:"]
    for number in range(1000):
        lines += [f"  sw{number}:", "    is: bridge", "    zone: cell", "    at: [1 m, 2 m]"]
    lines += ["streams:"]
    for number in range(5000):
        lines += [
            f"  s{number}:",
            "    from: sw1",
            "    to: [sw2]",
            "    burst: 40 kB",
            "    every: 33 ms",
        ]
        lines += ["    deadline: 20 ms", "    priority: 5"]
    name = write(tmp_path, {"plant.yaml": "\n".join(lines)})
    start = time.perf_counter()
    source = read_document(name)
    assert time.perf_counter() - start < AT_MOST_S
    assert source.marks["streams", "s4999", "priority"].line == len(lines)


# Bad documents: what a user sees


BAD = {
    "bracket": (
        "a: 1\nb: [1, 2\nc: 3\n",
        """\
plant.yaml:3: error SOURCE-SYNTAX: the file is not valid YAML: did not find expected ',' or ']'
    found: c: 3
    hint: close the bracket opened in line 2, or add the missing comma""",
    ),
    "tab": (
        "a:\n\tb: 1\n",
        """\
plant.yaml:2: error SOURCE-SYNTAX: the file is not valid YAML: found character that cannot start any token
    found: \tb: 1
    hint: indent with spaces, never with tabs""",
    ),
    "colon": (
        "name: body: shop\n",
        """\
plant.yaml:1: error SOURCE-SYNTAX: the file is not valid YAML: mapping values are not allowed in this context
    found: name: body: shop
    hint: put a value that contains ': ' in quotes, or indent this line like the line above""",
    ),
    "quote": (
        'name: "body shop\nzones: {}\n',
        """\
plant.yaml:2: error SOURCE-SYNTAX: the file is not valid YAML: found unexpected end of stream
    found: the end of the file
    hint: close the quote opened in line 1""",
    ),
    "at-sign": (
        "name: @shop\n",
        """\
plant.yaml:1: error SOURCE-SYNTAX: the file is not valid YAML: found character that cannot start any token
    found: name: @shop
    hint: put a text that begins with @ in quotes""",
    ),
    "empty": (
        "",
        """\
plant.yaml: error SOURCE-EMPTY: there is nothing in the file
    expected: a mapping such as `name: my plant`
    hint: write at least one key and its value""",
    ),
    "only-comments": (
        "# nothing yet\n---\n",
        """\
plant.yaml: error SOURCE-EMPTY: there is nothing in the file
    expected: a mapping such as `name: my plant`
    hint: write at least one key and its value""",
    ),
    "two-documents": (
        "a: 1\n---\nb: 2\n",
        """\
plant.yaml:2: error SOURCE-DOCUMENTS: the file contains more than one YAML document
    expected: one document
    found: a second one from line 2
    hint: delete the line `---`, or move what follows to a file of its own""",
    ),
    "old-yaml": (
        "%YAML 1.1\n---\na: yes\n",
        """\
plant.yaml:1: error SOURCE-YAML-VERSION: the file asks to be read by the rules of another YAML
    expected: YAML 1.2, where `yes` and `on` are text
    found: %YAML 1.1
    hint: delete the %YAML line, and write true and false for yes and no""",
    ),
    "duplicate-keys": (
        "nodes:\n  sw1: {}\n  sw2: {}\n  sw1: {}\nnodes: {}\n",
        """\
plant.yaml:4: error SOURCE-KEY-DUPLICATE: the key 'sw1' is given twice, in lines 2 and 4
    path: nodes.sw1
    expected: every key once
    hint: delete or rename one of the two
plant.yaml:5: error SOURCE-KEY-DUPLICATE: the key 'nodes' is given twice, in lines 1 and 5
    path: nodes
    expected: every key once
    hint: delete or rename one of the two""",
    ),
    "list-as-key": (
        "a:\n  ? [x, y]\n  : 1\n",
        """\
plant.yaml:2: error SOURCE-KEY-KIND: a key must be a word
    path: a
    expected: `name: value`
    found: an alias, a list or a mapping before the colon
    hint: put the key in quotes if it begins with [, {, * or ?""",
    ),
    "merge-key": (
        "a: &a {x: 1}\nb:\n  <<: *a\n",
        """\
plant.yaml:3: error SOURCE-KEY-MERGE: the merge key `<<` is not part of YAML 1.2
    path: b.<<
    hint: write the keys out, or share a whole value by an alias or by !include""",
    ),
    "tags": (
        "a: !python/object x\nb: !!set {}\nc: !!int one\n!x d: 1\n",
        """\
plant.yaml:1: error SOURCE-TAG: the tag !python/object has no meaning here
    path: a
    expected: !include, or no tag
    found: !python/object
    hint: put the text in quotes if it begins with !
plant.yaml:2: error SOURCE-TAG: the tag !!set has no meaning here
    path: b
    expected: !include, or no tag
    found: !!set
    hint: put the text in quotes if it begins with !
plant.yaml:3: error SOURCE-TAG: the tag !!int does not fit its value
    path: c
    found: one
    hint: delete the tag; numbers and words are told apart without it
plant.yaml:4: error SOURCE-TAG: the tag !x has no meaning here
    path: d
    expected: a key without a tag
    found: !x
    hint: put the text in quotes if it begins with !""",
    ),
    "numbers": (
        f"a: {'9' * 100_000}\nb: [1e999]\nc: !!float 1{'0' * 399}\n",
        f"""\
plant.yaml:1: error SOURCE-NUMBER: the number has 100,000 characters
    path: a
    expected: a number of fewer digits
    found: {"9" * 57}...
    hint: put it in quotes if it is meant as text
plant.yaml:2: error SOURCE-NUMBER: the number is larger than 1.8e308
    path: b[0]
    expected: a number of fewer digits
    found: 1e999
    hint: put it in quotes if it is meant as text
plant.yaml:3: error SOURCE-NUMBER: int too large to convert to float
    path: c
    expected: a number of fewer digits
    found: 1{"0" * 56}...
    hint: put it in quotes if it is meant as text""",
    ),
    "recursive-alias": (
        "a: &a\n  - *a\n",
        """\
plant.yaml:2: error SOURCE-ALIAS-LOOP: the alias *a stands inside the value that it stands for
    path: a[0]
    hint: write this value out""",
    ),
    "unknown-alias": (
        "a: *glob\n",
        """\
plant.yaml:1: error SOURCE-ALIAS-UNKNOWN: the alias *glob stands for nothing
    path: a
    expected: &glob before a value above, in the same file
    hint: put it in quotes if it is text that begins with *""",
    ),
    "nul": (
        "a: 1\nb: x\0y\n",
        """\
plant.yaml:2: error SOURCE-CHARACTER: the file contains a character that a design may not contain
    expected: printable text
    found: U+0000
    hint: is this the right file? A design is text, saved as UTF-8""",
    ),
    "line-separator": (
        "a: x\u2028y\n",
        """\
plant.yaml:1: error SOURCE-CHARACTER: the file contains a character that a design may not contain
    expected: printable text
    found: U+2028
    hint: delete it, or write it in double quotes as "\\u2028\"""",
    ),
    "tag-directives": (
        "%TAG !a! x\n" * 200_000 + "---\na: 1\n",
        """\
plant.yaml:1: error SOURCE-TAG: %TAG has no meaning here
    hint: delete the line; the only tag with a meaning is !include""",
    ),
    "missing-include": (
        "a: !include plan.yaml\nb: !include nowhere/x.yaml\n",
        """\
plant.yaml:1: error SOURCE-MISSING: there is no file plan.yaml
    path: a
    found: plant.yaml -> plan.yaml
    hint: did you mean plant.yaml?
plant.yaml:2: error SOURCE-MISSING: there is no file nowhere/x.yaml
    path: b
    found: plant.yaml -> nowhere/x.yaml
    hint: there is no folder nowhere either""",
    ),
    "odd-includes": (
        'a: !include /etc/hosts\nb: !include C:\\x.yaml\nc: !include "a\\0"\nd: !include [a]\ne: !include .\n',
        """\
plant.yaml:1: error SOURCE-INCLUDE-PATH: !include takes a file name relative to the file in which it stands
    path: a
    expected: !include folder/other.yaml
    found: !include /etc/hosts
    hint: write the way from this file's folder, with / between the names
plant.yaml:2: error SOURCE-INCLUDE-PATH: !include takes a file name relative to the file in which it stands
    path: b
    expected: !include folder/other.yaml
    found: !include C:\\x.yaml
    hint: write the way from this file's folder, with / between the names
plant.yaml:3: error SOURCE-UNREADABLE: 'a\\x00' cannot be read: it is no file name
    path: c
    found: plant.yaml -> a\0
    hint: check its name, and who may read it with `ls -l`
plant.yaml:4: error SOURCE-INCLUDE-PATH: !include takes the name of one file
    path: d
    expected: !include other.yaml
    found: a mapping or list
    hint: include each file by an !include of its own""",
    ),
    "self-include": (
        "a:\n  - !include plant.yaml\n",
        """\
plant.yaml:2: error SOURCE-INCLUDE-LOOP: plant.yaml includes itself
    path: a[0]
    found: plant.yaml -> plant.yaml
    hint: take one !include out of this chain""",
    ),
}


@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=BAD.keys())
def test_bad_document_is_explained(content: str, expected: str, tmp_path: Path) -> None:
    text = findings_text(write(tmp_path, {"plant.yaml": content}), tmp_path)
    # the folder itself has a name that is not ours to know
    assert text.partition(f"\nplant.yaml:5: error SOURCE-NOT-A-FILE: {tmp_path}")[0] == expected


@pytest.mark.parametrize("name", [name for name in BAD if "include" not in name])
def test_bad_document_has_the_same_codes_without_libyaml(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "LOADER", yaml.SafeLoader)
    content, expected = BAD[name]
    with pytest.raises(DesignError) as caught:
        read_text(content, "plant.yaml")
    codes = [finding.code for finding in caught.value.findings]
    assert codes == [line.split()[2][:-1] for line in expected.splitlines() if line[0] != " "]


def test_all_files_are_read_before_it_stops(tmp_path: Path) -> None:
    name = write(
        tmp_path,
        {
            "plant.yaml": "a: !include a.yaml\nb: !include b.yaml\nc: 1\nc: 2\n",
            "a.yaml": "[",
            "b.yaml": "x: !y z\n",
        },
    )
    assert findings_text(name, tmp_path) == (
        """\
a.yaml:1: error SOURCE-SYNTAX: the file is not valid YAML: did not find expected node content
    found: the end of the file
    hint: close the bracket that is still open, or write the missing value
b.yaml:1: error SOURCE-TAG: the tag !y has no meaning here
    path: b.x
    expected: !include, or no tag
    found: !y
    hint: put the text in quotes if it begins with !
plant.yaml:4: error SOURCE-KEY-DUPLICATE: the key 'c' is given twice, in lines 3 and 4
    path: c
    expected: every key once
    hint: delete or rename one of the two"""
    )


def test_include_loop_names_the_chain(tmp_path: Path) -> None:
    name = write(
        tmp_path,
        {
            "plant.yaml": "x: !include sub/a.yaml\n",
            "sub/a.yaml": "- !include b.yaml\n",
            "sub/b.yaml": "k: !include ../plant.yaml\n",
        },
    )
    assert findings_text(name, tmp_path) == (
        """\
sub/b.yaml:1: error SOURCE-INCLUDE-LOOP: plant.yaml includes itself
    path: x[0].k
    found: plant.yaml -> sub/a.yaml -> sub/b.yaml -> plant.yaml
    hint: take one !include out of this chain"""
    )


def test_include_loop_through_a_link_is_found(tmp_path: Path) -> None:
    name = write(tmp_path, {"plant.yaml": "x: !include here/plant.yaml\n"})
    (tmp_path / "here").symlink_to(tmp_path)
    assert "SOURCE-INCLUDE-LOOP" in findings_text(name, tmp_path)


def test_include_chain_has_a_limit(tmp_path: Path) -> None:
    files = {f"f{number}.yaml": f"!include f{number + 1}.yaml" for number in range(16)}
    name = write(tmp_path, {**files, "f16.yaml": "end"})
    assert read_document(name).data == "end"
    write(tmp_path, {"f16.yaml": "!include f17.yaml", "f17.yaml": "end"})
    text = findings_text(name, tmp_path)
    assert "f16.yaml:1: error SOURCE-INCLUDE-DEEP" in text
    assert "f0.yaml -> f1.yaml -> f2.yaml" in text


@pytest.mark.parametrize(
    "opening", ["[", "{", "- ", "? ", "[{a: ", "[[[[\n", "{a: {b: ", "!!seq [", "&a ["]
)
@pytest.mark.usefixtures("loader")
def test_half_a_million_nested(opening: str) -> None:
    start = time.perf_counter()
    with pytest.raises(DesignError) as caught:
        read_text(opening * 500_000, "plant.yaml")
    assert time.perf_counter() - start < AT_MOST_S
    assert caught.value.findings[-1].code == "SOURCE-TOO-DEEP"
    assert len(caught.value.findings) <= 2


@pytest.mark.usefixtures("loader")
def test_depth_counts_what_aliases_stand_for() -> None:
    assert read_text("[" * 64 + "]" * 64, "x").data
    lines = ["a0: &a0 [x]"]
    lines += [f"a{number}: &a{number} [[[[*a{number - 1}]]]]" for number in range(1, 40)]
    with pytest.raises(DesignError, match="SOURCE-TOO-DEEP") as caught:
        read_text("\n".join(lines), "x")
    # 1 level for the document, 1 in a0, 4 more in each: 62 at a15, 66 at a16
    assert caught.value.findings[0].mark == Mark(file="x", line=17, column=15)


def test_depth_counts_what_is_included(tmp_path: Path) -> None:
    forty = "[" * 40 + "]" * 40
    name = write(
        tmp_path,
        {"plant.yaml": "a: !include b.yaml\nc: [" + "[" * 30 + "!include b.yaml" + "]" * 31},
    )
    write(tmp_path, {"b.yaml": forty})
    assert "plant.yaml:2: error SOURCE-TOO-DEEP" in findings_text(name, tmp_path)
    write(tmp_path, {"plant.yaml": "[" * 30 + "!include b.yaml" + "]" * 30})
    assert "b.yaml:1: error SOURCE-TOO-DEEP" in findings_text(name, tmp_path)


@pytest.mark.usefixtures("loader")
def test_alias_bomb_stops_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 30):
        lines.append(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]")
    start = time.perf_counter()
    with pytest.raises(DesignError, match="SOURCE-TOO-MANY-NODES"):
        read_text("\n".join(lines), "x")
    assert time.perf_counter() - start < AT_MOST_S


def test_include_bomb_stops_at_once(tmp_path: Path) -> None:
    files = {
        f"f{number}.yaml": "[" + ", ".join([f"!include f{number + 1}.yaml"] * 10) + "]"
        for number in range(10)
    }
    assert "SOURCE-TOO-MANY-NODES" in findings_text(
        write(tmp_path, {**files, "f10.yaml": "[1, 2]"}), tmp_path
    )


def test_nodes_are_counted_in_all_files(tmp_path: Path) -> None:
    name = write(
        tmp_path, {"plant.yaml": "[a, b, !include b.yaml, !include b.yaml]", "b.yaml": "[1, 2, 3]"}
    )
    # 1 list, 2 words, 2 tags, 2 times 1 list and 3 numbers
    assert read_document(name, limits=Limits(max_nodes=13)).data
    with pytest.raises(DesignError, match="SOURCE-TOO-MANY-NODES"):
        read_document(name, limits=Limits(max_nodes=12))


def test_findings_have_an_end() -> None:
    start = time.perf_counter()
    with pytest.raises(DesignError) as caught:
        read_text("a: 1\n" * 500_000, "x")
    assert time.perf_counter() - start < AT_MOST_S
    assert len(caught.value.findings) == 101
    assert caught.value.findings[-1].code == "SOURCE-TOO-MANY-FINDINGS"


def test_memory_cannot_include() -> None:
    with pytest.raises(DesignError, match="SOURCE-INCLUDE-REFUSED"):
        read_text("a: !include b.yaml", "x")


def test_half_a_character_in_memory() -> None:
    with pytest.raises(DesignError, match="SOURCE-CHARACTER"):
        read_text("a: \ud800", "x")


# Bad files


@pytest.mark.parametrize(
    ("content", "code", "line", "found"),
    [
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0", "SOURCE-ENCODING", 1, "octet 0x89", id="picture"),
        pytest.param(bytes(range(256)), "SOURCE-ENCODING", 2, "octet 0x80", id="junk"),
        pytest.param(
            "a: 1\nb: Gerät".encode("latin-1"), "SOURCE-ENCODING", 2, "octet 0xE4", id="latin-1"
        ),
        pytest.param("a: 1".encode("utf-16"), "SOURCE-ENCODING", 1, "UTF-16", id="utf-16"),
        pytest.param(
            "a: 1".encode("utf-16-le"), "SOURCE-CHARACTER", 1, "U+0000", id="utf-16-unmarked"
        ),
        pytest.param(
            b"\xef\xbb\xbfa: \xff", "SOURCE-ENCODING", 1, "octet 0xFF", id="utf-8-mark-and-junk"
        ),
    ],
)
def test_what_is_no_text_is_refused(
    content: bytes, code: str, line: int, found: str, tmp_path: Path
) -> None:
    (tmp_path / "plant.yaml").write_bytes(content)
    with pytest.raises(DesignError) as caught:
        read_document(tmp_path / "plant.yaml")
    (finding,) = caught.value.findings
    assert finding.mark
    assert (finding.code, finding.mark.line, finding.found) == (code, line, found)
    assert "UTF-8" in finding.hint or "right file" in finding.hint


def test_utf_8_with_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    source = read_document(tmp_path / "plant.yaml")
    assert source.data == {"a": 1}
    assert source.marks["a",].column == 1


def test_huge_file_is_not_read(tmp_path: Path) -> None:
    name = write(tmp_path, {"plant.yaml": ""})
    os.truncate(name, 50 * 2**20)
    start = time.perf_counter()
    with pytest.raises(DesignError, match="SOURCE-TOO-LARGE"):
        read_document(name)
    assert time.perf_counter() - start < 0.1


def test_size_counts_all_files(tmp_path: Path) -> None:
    name = write(tmp_path, {"plant.yaml": "!include b.yaml", "b.yaml": "a: 1"})
    assert read_document(name, limits=Limits(max_octets=19)).data
    with pytest.raises(DesignError, match=r"plant\.yaml:1: error SOURCE-TOO-LARGE"):
        read_document(name, limits=Limits(max_octets=18))
    with pytest.raises(DesignError, match="SOURCE-TOO-LARGE"):
        read_text("a: ü", "x", limits=Limits(max_octets=4))


def test_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, {"body-shop.yaml": "", "paint.yaml": "", "notes.txt": ""})
    assert findings_text(tmp_path / "bodyshop.yml", tmp_path).endswith(
        "hint: did you mean body-shop.yaml?"
    )
    assert findings_text(tmp_path / "x.yaml", tmp_path).endswith(
        "hint: there are body-shop.yaml, paint.yaml"
    )
    (tmp_path / "empty").mkdir()
    assert "there are no YAML files in" in findings_text(tmp_path / "empty" / "x.yaml", tmp_path)
    assert findings_text(tmp_path / "no" / "x.yaml", tmp_path).endswith(
        "hint: there is no folder no either"
    )


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5000, "plant.yaml/x", ""])
def test_odd_names_are_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path, {"plant.yaml": "a: 1"})
    with pytest.raises(DesignError, match=r"SOURCE-(MISSING|UNREADABLE|NOT-A-FILE)"):
        read_document(os.path.join(tmp_path, name))  # noqa: PTH118 - Path would tidy it up


def test_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"sub/plant.yaml": "", "sub/other.txt": ""})
    assert findings_text(tmp_path / "sub", tmp_path) == (
        """\
sub: error SOURCE-NOT-A-FILE: sub is a folder
    expected: a file
    hint: name a file in it, such as plant.yaml"""
    )


def test_pipe_and_device_are_refused_unopened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "pipe is no regular file" in findings_text(tmp_path / "pipe", tmp_path)
    assert "is no regular file" in findings_text("/dev/zero", tmp_path)


def test_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write(tmp_path, {"plant.yaml": "a: 1"})

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    # a file's mode would not stop root
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DesignError, match=r"SOURCE-UNREADABLE: .*Permission denied"):
        read_document(name)


# Laws


yaml_text = st.text("ab01:-[]{}&*!?|>'\"#%,\n\r \t@`~<.\\/e+", max_size=80) | st.text(max_size=40)


@settings(max_examples=500, deadline=None)
@given(text=yaml_text)
def test_any_text_gives_a_source_or_findings(text: str) -> None:
    for loader in (tree.LOADER, yaml.SafeLoader):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tree, "LOADER", loader)
            try:
                source = read_text(text, "x")
            except DesignError as error:
                assert error.findings  # noqa: PT017 - the only exception allowed, never empty
            else:
                check(source)


@settings(max_examples=200, deadline=None)
@given(
    octets=st.binary(max_size=40)
    | yaml_text.map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_file_gives_a_source_or_findings(octets: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plant.yaml"
        file.write_bytes(octets)
        try:
            source = read_document(file)
        except DesignError as error:
            assert error.findings  # noqa: PT017 - as above
            assert all(each.mark and each.hint for each in error.findings)  # noqa: PT017 - as above
        else:
            check(source)


def check(source: Source) -> None:
    """Every value has a mark, and is plain."""
    values: list[tuple[tuple[str | int, ...], Any]] = [((), source.data)]
    paths = set()
    while values:
        path, value = values.pop()
        paths.add(path)
        assert source.marks[path].line > 0
        assert value is None or type(value) in {dict, list, str, int, float, bool}
        if isinstance(value, dict):
            assert all(type(key) is str for key in value)
            values += [((*path, key), item) for key, item in value.items()]
        if isinstance(value, list):
            values += [((*path, index), item) for index, item in enumerate(value)]
    assert set(source.marks) == paths


# Where both follow YAML 1.2; ruamel.yaml besides knows dates, 1_000, 0b1 and sexagesimals.
WORDS = st.one_of(
    st.from_regex(r"[-+]?[0-9]{1,20}", fullmatch=True),
    st.from_regex(r"0o[0-7]{1,8}|0x[0-9a-fA-F]{1,8}", fullmatch=True),
    st.from_regex(r"[-+]?[0-9]{1,5}\.[0-9]{0,5}([eE][-+]?[0-9]{1,2})?", fullmatch=True),
    st.from_regex(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", fullmatch=True),
    st.sampled_from(
        ["true", "True", "TRUE", "false", "FALSE", "null", "Null", "NULL", "~", "", "tRUE"]
    ),
    st.from_regex(r"[a-zA-Z]{1,6}( [a-z0-9]{1,3})?", fullmatch=True),
    st.sampled_from(
        ["yes", "no", "on", "off", "y", "12 m", "1.2.3", "0o8", "0xG", "e5", "1e", "--1", "."]
    ),
)


@settings(max_examples=500, deadline=None)
@given(word=WORDS)
def test_agrees_with_ruamel(word: str) -> None:
    theirs = ruamel.yaml.YAML(typ="safe", pure=True).load(f"- {word}\n")[0]
    ours = resolve(word)
    assert (type(ours), repr(ours)) == (type(theirs), repr(theirs))
    assert is_text(word) == isinstance(theirs, str)


@given(number=st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_of_python_are_read_back(number: float) -> None:
    assert repr(resolve(repr(number))) == repr(number)

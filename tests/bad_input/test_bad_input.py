# SPDX-License-Identifier: Apache-2.0
"""Wrong input through the real command: a finding that helps, exit status 2, soon, and nothing written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from netplan.exit_status import ExitStatus
from support.tutorial import TEXT, Run, replaced

COMMANDS = ("check", "plan", "bound", "simulate", "validate", "sensitivity")


@pytest.mark.parametrize(
    ("old", "new", "code", "path"),
    [
        ("every: 1 ms", "every: 1 m", "DESIGN-QUANTITY", "streams.control.every"),
        ("every: 1 ms", "every: 1", "DESIGN-QUANTITY", "streams.control.every"),
        ("every: 1 ms", "every: 0 ms", "DESIGN-QUANTITY", "streams.control.every"),
        ("length: 100 m", "length: -100 m", "DESIGN-QUANTITY", "links[2].length"),
        ("deadline: 250 us", "deadlin: 250 us", "DESIGN-KEY-UNKNOWN", "streams.control.deadlin"),
        ("to: drive1", "to: drive2", "STREAM-NODE-UNKNOWN", "streams.control.to[0]"),
        ("sw1.p2]", "sw1.p9]", "LINK-PORT-UNKNOWN", "links[1].between[1]"),
        ("  cam1:", "  plc1:", "SOURCE-KEY-DUPLICATE", "nodes.plc1"),
        ("is: camera", "is: camrea", "NODE-ROLE-UNKNOWN", "nodes.cam1.is"),
        ("protocol: profinet-rt", "protocol: profibus", "TRAFFIC-PROTOCOL-UNKNOWN", "streams.control.protocol"),
        ("is: server", "is: [server", "SOURCE-SYNTAX", ""),
        ("is: server", "is: !server x", "SOURCE-TAG", "nodes.edge1.is"),
        ("is: server", "is: *server", "SOURCE-ALIAS-UNKNOWN", "nodes.edge1.is"),
        ("is: server", "is: !include no.yaml", "SOURCE-MISSING", "nodes.edge1.is"),
        ("is: server", "is: !include design.yaml", "SOURCE-INCLUDE-LOOP", "nodes.edge1.is"),
        ("is: server", "is: !include ../../../etc/passwd", "SOURCE-MISSING", "nodes.edge1.is"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_line(
    folder: Path, run: Run, old: str, new: str, code: str, path: str
) -> None:
    text = replaced(old, new)
    (folder / "design.yaml").write_text(text, encoding="utf-8")
    end = run("check", "design.yaml", "--format", "json")
    assert (end.status, end.err) == (ExitStatus.WRONG_INPUT, "")
    findings = json.loads(end.out)["findings"]
    (finding,) = (one for one in findings if one["code"] == code)
    assert finding["file"] == "design.yaml"
    assert finding["hint"]
    assert finding["path"] == path or not path
    if path:
        assert finding["line"] == TEXT[: TEXT.index(old)].count("\n") + 1
    end = run("check", "design.yaml")
    assert (end.status, end.out) == (ExitStatus.WRONG_INPUT, "")
    assert f"design.yaml:{finding['line']}: error {code}: " in end.err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_a_wrong_design_alike(folder: Path, run: Run, name: str) -> None:
    text = replaced("every: 1 ms", "every: 0 ms")
    (folder / "design.yaml").write_text(text, encoding="utf-8")
    end = run(name, "design.yaml")
    assert (end.status, end.out) == (ExitStatus.WRONG_INPUT, "")
    assert end.err.startswith(
        "design.yaml:25: error DESIGN-QUANTITY: this period is out of range\n"
    )


def alias_bomb() -> bytes:
    """Nine levels of ten aliases each: a thousand million times the same word."""
    lines = ["a0: &a0 lol"]
    lines += [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)
    ]
    return "\n".join(lines).encode()


def module_bomb() -> bytes:
    """Seven levels of ten placements each: ten million modules of two nodes."""
    levels = [
        f"  m{level}: {{place: [{', '.join(f'{{module: m{level + 1}, as: p{n}}}' for n in range(10))}]}}"
        for level in range(7)
    ]
    head = "plantwire: 1\nname: bomb\nplace: [{module: m0, as: p}]\nmodules:\n"
    return (head + "\n".join(levels) + "\n  m7: {nodes: {a: {is: plc}, b: {is: plc}}}\n").encode()


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "SOURCE-EMPTY"),
    "comments only": (b"# nothing\n\n", "SOURCE-EMPTY"),
    "50 MB": (b"# " + b"x" * 98 + b"\n", "SOURCE-TOO-LARGE"),  # repeated below
    "500,000 brackets": (b"[" * 500_000, "SOURCE-TOO-DEEP"),
    "500,000 braces": (b"{a: " * 500_000, "SOURCE-TOO-DEEP"),
    "500,000 dashes": (b"- " * 500_000, "SOURCE-TOO-DEEP"),
    "binary": (bytes(range(256)) * 64, "SOURCE-"),
    "NUL": (b"name: a\0b\n", "SOURCE-CHARACTER"),
    "an executable": (b"\x7fELF\x02\x01\x01" + bytes(2000), "SOURCE-"),
    "UTF-16": ("name: plant\n".encode("utf-16"), "SOURCE-ENCODING"),
    "Latin-1": ("name: Förderband\n".encode("latin-1"), "SOURCE-ENCODING"),
    "alias bomb": (alias_bomb(), "SOURCE-TOO-MANY-NODES"),
    "alias of itself": (b"a: &a [*a]\n", "SOURCE-ALIAS-LOOP"),
    "tabs": (b"nodes:\n\tsw1: {is: switch}\n", "SOURCE-"),
    "two documents": (b"plantwire: 1\n---\nplantwire: 1\n", "SOURCE-DOCUMENTS"),
    "a list": (b"- plantwire\n", "DESIGN-NOT-A-MAPPING"),
    "JSON of something else": (b'{"version": 3}', "DESIGN-KEY-"),
    "a number too long": (b"plantwire: " + b"1" * 5000 + b"\n", "SOURCE-NUMBER"),
    "a word too long": (b"plantwire: 1\nname: x\n" + b"k" * 900 + b": 1\n", "DESIGN-KEY-UNKNOWN"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_design(folder: Path, run: Run, name: str) -> None:
    content, code = FILES[name]
    (folder / "bad.yaml").write_bytes(content * 500_000 if name == "50 MB" else content)
    end = run("check", "bad.yaml")
    assert (end.status, end.out) == (ExitStatus.WRONG_INPUT, "")
    assert f"error {code}" in end.err
    assert end.err.startswith("bad.yaml")
    assert "    hint: " in end.err
    assert len(end.err) < 20_000


def test_modules_that_multiply(folder: Path, run: Run) -> None:
    (folder / "bad.yaml").write_bytes(module_bomb())
    end = run("check", "bad.yaml")
    assert end.status == ExitStatus.WRONG_INPUT
    assert "bad.yaml:" in end.err
    assert "DESIGN-TOO-LARGE" in end.err


def test_a_loop_of_includes(folder: Path, run: Run) -> None:
    (folder / "a.yaml").write_text("modules: !include b.yaml\n")
    (folder / "b.yaml").write_text("m: !include a.yaml\n")
    end = run("check", "a.yaml")
    assert end.status == ExitStatus.WRONG_INPUT
    assert end.err.startswith("b.yaml:1: error SOURCE-INCLUDE-LOOP: ")
    assert "a.yaml -> b.yaml -> a.yaml" in end.err


def test_thousands_of_the_same_mistake(folder: Path, run: Run) -> None:
    """All are told, and telling them takes no longer than in proportion to their number."""
    streams = "".join(
        f"  s{index}: {{from: plc1, to: drive1, size: 40, every: 1 ms}}\n" for index in range(3000)
    )
    (folder / "design.yaml").write_text(TEXT + streams, encoding="utf-8")
    end = run("check", "design.yaml")
    assert end.status == ExitStatus.WRONG_INPUT
    assert end.err.count("error DESIGN-QUANTITY") == 3000


@pytest.mark.parametrize(
    ("argument", "code", "hint"),
    [
        ("nowhere.yaml", "SOURCE-MISSING", "design.yaml"),
        ("desing.yaml", "SOURCE-MISSING", "did you mean design.yaml?"),
        ("..", "SOURCE-NOT-A-FILE", ""),
        ("design.yaml/x", "SOURCE-MISSING", "no folder"),
        ("/dev/zero", "SOURCE-NOT-A-FILE", "name a file"),
        ("x" * 5000, "SOURCE-", ""),
    ],
)
def test_no_such_design(run: Run, argument: str, code: str, hint: str) -> None:
    end = run("check", argument)
    assert (end.status, end.out) == (ExitStatus.WRONG_INPUT, "")
    assert f"error {code}" in end.err
    assert hint in end.err.rpartition("    hint: ")[2]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_design_that_may_not_be_read(folder: Path, run: Run) -> None:
    (folder / "design.yaml").chmod(0)
    assert "error SOURCE-UNREADABLE" in run("check", "design.yaml").err

# SPDX-License-Identifier: Apache-2.0
"""Designs with random mistakes: ``check`` ends as it may, whatever stands in the file."""

from __future__ import annotations

import io
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netplan import command

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
DESIGNS = (
    "two-switches/design.yaml",
    "broken/design.yaml",
    "broken/routes.yaml",
    "broken/ports.yaml",
)
TOKEN = re.compile(r"[A-Za-z0-9_./-]+|[^\sA-Za-z0-9_./-]")
ODD = [
    *(
        "",
        "0",
        "-1",
        "1e999",
        "1e400 ms",
        "30 d",
        "9" * 60,
        "1 Tbit/s",
        "1 GB",
        "1 B",
        "0 m",
        "-5 m",
    ),
    *("null", "~", "true", ".nan", ".inf", "[]", "{}", "[[]]", "{a: {b: c}}", "- x", "? x", ": x"),
    *("$x", "a.b", "a/b", "a:b", "plc1", "plc1.p1", "sw1", "sw1.p8", "drive1", "control", "1 ms"),
    *("!include design.yaml", "!include /", "!!int x", "&a", "*a", "<<: x", "%TAG", "---", "..."),
    *("'", '"', "`", "@", "#", "\t", "\0", "\u2028", "\ufeff", "é", "\U0001d11e", "\\", "x" * 300),
    *("video: {rate: 1 Mbit/s, pictures_per_s: 9}", "burst: 1 GB", "rate: 1 bit/s", "path: [sw2]"),
    *("pcp: 9", "vlan: 0", "misses: 2", "jitter: 1 s", "sporadic: maybe", "zone: z", "at: [1 m]"),
]


@st.composite
def mutations(draw: st.DrawFn, text: str) -> str:
    """A text with one to four lines or words taken out, doubled, exchanged or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        lines = text.split("\n")
        index = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["delete", "double", "swap", "indent", "word", "word", "word"]))
        if how == "delete":
            del lines[index]
        elif how == "double":
            lines.insert(index, lines[index])
        elif how == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[index], lines[other] = lines[other], lines[index]
        elif how == "indent":
            lines[index] = " " * draw(st.integers(0, 6)) + lines[index].lstrip()
        elif tokens := list(TOKEN.finditer(lines[index])):
            token = draw(st.sampled_from(tokens))
            new = draw(st.sampled_from(ODD) | st.text(max_size=5))
            lines[index] = lines[index][: token.start()] + new + lines[index][token.end() :]
        text = "\n".join(lines)
    return text


@pytest.mark.parametrize("name", DESIGNS)
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_check_ends_as_it_may(tmp_path: Path, name: str, data: st.DataObject) -> None:
    source = TOPOLOGIES / name
    file = tmp_path / "design.yaml"
    text = data.draw(mutations(source.read_text(encoding="utf-8")))
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    catalog = TOPOLOGIES / "two-switches" / "catalog"
    shutil.copytree(catalog, tmp_path / "catalog", dirs_exist_ok=True)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = command.main(["check", str(file)])
    assert status in {0, 1, 2, 5}, f"{err.getvalue()}\n{text}"
    if status == 2:
        assert re.match(
            rf"{re.escape(str(tmp_path))}\S+?(:\d+)?: (error|warning|note) [A-Z0-9-]+: ",
            err.getvalue(),
        )
        assert out.getvalue() == ""
    assert "Traceback" not in err.getvalue()

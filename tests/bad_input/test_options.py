# SPDX-License-Identifier: Apache-2.0
"""Wrong options, names and places to write; and right designs that ask for the extreme."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from netplan.exit_status import ExitStatus
from support.tutorial import Run, replaced


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--duration", "5"], "'5'"),
        (["--duration", "0s"], "'0s'"),
        (["--duration", "-1s"], "'-1s'"),
        (["--duration", "1e9s"], "'1e9s'"),
        (["--duration", "29d"], "29d"),
        (["--duration", ""], "''"),
        (["--duration", "soon"], "'soon'"),
        (["--evidence", "magic"], "known are bound, simulated"),
        (["--evidence", "bound,magic"], "known are bound, simulated"),
        (["--evidence", ""], "known are bound, simulated"),
        (["--evidence", ","], "known are bound, simulated"),
        (["--seed", "-1"], "--seed"),
        (["--seed", "x"], "--seed"),
        (["--format", "xml"], "--format"),
        (["--frmat", "json"], "--frmat"),
        (["design.yaml"], "unexpected extra argument"),
    ],
)
def test_wrong_options(run: Run, arguments: Sequence[str], message: str) -> None:
    end = run("validate", "design.yaml", *arguments)
    assert (end.status, end.out) == (ExitStatus.WRONG_INPUT, "")
    assert "error COMMAND-USAGE: " in end.err
    assert message in end.err
    assert "    hint: " in end.err


@pytest.mark.parametrize("factor", ["1", "0", "-2", "nan", "inf", "1e400", "two"])
def test_wrong_factor(run: Run, factor: str) -> None:
    end = run("sensitivity", "design.yaml", "--factor", factor)
    assert (end.status, end.out) == (ExitStatus.WRONG_INPUT, "")
    assert "--factor" in end.err


@pytest.mark.parametrize("name", ["nosuch", "contrl", "", "control/x"])
def test_no_such_stream_to_explain(run: Run, name: str) -> None:
    end = run("explain", "design.yaml", name)
    assert (end.status, end.out) == (ExitStatus.WRONG_INPUT, "")
    assert "error EXPLAIN-STREAM-UNKNOWN: there is no such stream" in end.err
    assert "control" in end.err.rpartition("    hint: ")[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "design.yaml", "--out", "design.yaml"],
        ["bound", "design.yaml", "--out", "design.yaml/deep"],
        ["validate", "design.yaml", "--out", "/proc/nowhere", "--duration", "10ms"],
        ["validate", "design.yaml", "--report", "nowhere/report.html", "--duration", "10ms"],
        ["validate", "design.yaml", "--report", "catalog", "--duration", "10ms"],
        ["schema", "--out", "nowhere/schema.json"],
        ["schema", "--out", "catalog"],
    ],
    ids=" ".join,
)
def test_nowhere_to_write(folder: Path, run: Run, arguments: list[str]) -> None:
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    end = run(*arguments)
    assert end.status == ExitStatus.WRONG_INPUT
    assert "error " in end.err
    assert "    hint: " in end.err
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(folder: Path, run: Run) -> None:
    (folder / "catalog").chmod(0o555)
    try:
        end = run("plan", "design.yaml", "--out", "catalog")
    finally:
        (folder / "catalog").chmod(0o755)
    assert end.status == ExitStatus.WRONG_INPUT
    assert "error FILE-NOT-ALLOWED" in end.err


@pytest.mark.parametrize(
    "change",
    [
        "every: 30 d",
        "every: 1 ms, phase: 30 d",
        "every: 1 ms, jitter: 1 ms, phase: 0",
        "every: 9 d",
    ],
)
def test_what_a_design_may_say_can_be_simulated(folder: Path, run: Run, change: str) -> None:
    """Every duration that the language allows is either refused with a finding or handled."""
    (folder / "design.yaml").write_text(replaced("every: 1 ms", change), encoding="utf-8")
    assert run("validate", "design.yaml", "--duration", "10ms").status in {0, 1, 2, 5}


def test_a_task_of_a_month_can_be_simulated(folder: Path, run: Run) -> None:
    text = replaced("plc1:   {is: plc,", "plc1:   {is: plc, tasks: {slow: {cycle: 29 d}},")
    chains = "chains: {c: {path: [drive1, 'plc1:slow', drive1], within: 1 s}}\n"
    back = "  back: {from: drive1, to: plc1, size: 40 B, every: 1 ms, pcp: 5}\n"
    (folder / "design.yaml").write_text(text + back + chains, encoding="utf-8")
    assert run("validate", "design.yaml", "--duration", "10ms").status in {0, 1, 2, 5}


def test_a_route_of_a_thousand_kilometres_is_looked_at_soon(folder: Path, run: Run) -> None:
    route = """\
plantwire: 1
name: far
routes: {r: {points: [[0 m, 0 m], [1000 km, 0 m]], speed: 1 m/s}}
networks: {wlan: {kind: iwlan, carrier: 5.2 GHz}}
nodes:
  ap: {is: access-point, network: wlan, at: [10 m, 10 m, 4 m]}
  client: {is: panel, moves: r, attach: {wlan1: {network: wlan}}}
"""
    (folder / "design.yaml").write_text(route, encoding="utf-8")
    assert run("check", "design.yaml").status == ExitStatus.WRONG_INPUT


def test_a_talker_that_sends_far_too_much_is_missed_not_interrupted(folder: Path, run: Run) -> None:
    """The run has to stop early for want of memory; nobody pressed Ctrl-C."""
    text = replaced("size: 1000 B, every: 5 ms", "rate: 1 Tbit/s")
    (folder / "design.yaml").write_text(text, encoding="utf-8")
    assert run("validate", "design.yaml").status == ExitStatus.MISSED

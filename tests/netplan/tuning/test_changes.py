# SPDX-License-Identifier: Apache-2.0
"""Proposals as changes of the files: where they are written, and when they are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
import yaml

from netplan.command import Format
from netplan.design.design import Path as DataPath
from netplan.design.findings import DesignError
from netplan.design.load import load_design
from netplan.exit_status import ExitStatus
from netplan.plan.make import make_plan
from netplan.progress import Silent
from netplan.tuning.changes import Change, exact_rate_text, pasted, write
from netplan.tuning.commands import tune as command
from netplan.tuning.proposal import Proposal, tune
from netplan.tuning.trial import tried
from support.small_designs import written
from support.tuning_designs import PLACED, X, Y, star, stream

CREDIT = "tsn: {classes: [{pcp: [3], shaper: credit-based}]}\n"


def proposed(document: Path) -> Proposal:
    return tune(document, progress=Silent())


def priorities_in(document: Path) -> dict[str, int]:
    return {stream.name: stream.pcp for stream in make_plan(*load_design(document)).streams}


def test_a_proposal_is_written_line_by_line(tmp_path: Path) -> None:
    text = star(stream("x", 5, X) + stream("y", 3, Y))
    document = written(tmp_path, text)
    found = proposed(document)
    assert write(document, found.design, found.changes) == (str(document),)
    changed = document.read_text().splitlines()
    different = [line for line, old in zip(changed, text.splitlines(), strict=True) if line != old]
    assert len(different) == len(found.changes)
    assert priorities_in(document)["x"] == 5 or priorities_in(document)["y"] == 3
    again = proposed(document)
    assert again.before.met_count == 2
    assert again.before.worth == found.after.worth


def test_slopes_are_written_with_the_class(tmp_path: Path) -> None:
    document = written(tmp_path, star(stream("x", 3, {**X, "deadline": "2 ms"}), tsn=CREDIT))
    found = tune(document, priorities=False, progress=Silent())
    write(document, found.design, found.changes)
    ((_, slope_text),) = yaml.safe_load(document.read_text())["tsn"]["classes"][0][
        "idle_slopes"
    ].items()
    assert slope_text == found.changes[0].value
    assert tried(load_design(document)[0]).worth == found.after.worth


def test_the_slope_of_a_node_s_own_class_is_written_there(tmp_path: Path) -> None:
    text = star(stream("x", 3, {**X, "deadline": "2 ms"})).replace(
        "sw: {is: tsn-bridge,",
        "sw: {tsn: {classes: [{pcp: [3], shaper: credit-based}]}, is: tsn-bridge,",
    )
    document = written(tmp_path, text)
    found = tune(document, priorities=False, progress=Silent())
    (change,) = found.changes
    assert change.path == ("nodes", "sw", "tsn", "classes", 0, "idle_slopes", "p8")
    write(document, found.design, found.changes)
    assert tried(load_design(document)[0]).met_count == 1


def test_members_of_modules_and_overrides(tmp_path: Path) -> None:
    """The burst of 15 frames keeps what is not above it for 1.8 ms: all three must be above."""
    document = written(tmp_path, PLACED.replace("every: 20 ms}", "every: 20 ms, pcp: 6}"))
    found = proposed(document)
    assert (found.before.met_count, found.after.met_count) == (0, 3)
    write(document, found.design, found.changes)
    pcps = priorities_in(document)
    assert pcps["c1/state"] == pcps["c2/state"]
    assert tried(load_design(document)[0]).worth == found.after.worth


def test_included_files_are_changed_where_the_value_stands(tmp_path: Path) -> None:
    text, _, streams = star(stream("x", 5, X) + stream("y", 3, Y)).partition("streams:\n")
    (tmp_path / "parts").mkdir()
    included = tmp_path / "parts" / "streams.yaml"
    included.write_text("".join(line[2:] for line in streams.splitlines(keepends=True)))
    document = written(tmp_path, f"{text}streams: !include parts/streams.yaml\n")
    before = document.read_text()
    found = proposed(document)
    assert write(document, found.design, found.changes) == (str(included),)
    assert document.read_text() == before
    assert tried(load_design(document)[0]).met_count == 2


def test_a_file_that_is_included_twice_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "y.yaml").write_text(f"{{from: y, to: srv, pcp: 3, {_pairs(Y)}}}\n")
    text = star(stream("x", 5, X) + "  y: !include y.yaml\n  y2: !include y.yaml\n")
    document = written(tmp_path, text)
    found = proposed(document)
    assert found.changes
    only_one = [change for change in found.changes if change.path == ("streams", "y", "pcp")]
    changes = only_one or found.changes[:1]
    if changes[0].path[1] == "x":
        pytest.skip("the proposal moves the other stream")
    with pytest.raises(DesignError) as caught:
        write(document, found.design, changes)
    assert caught.value.findings[0].code == "TUNE-WRITE"
    assert "pcp: 3" in (tmp_path / "y.yaml").read_text()


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in values.items())


def test_what_is_pasted_is_yaml_of_the_design() -> None:
    paths: tuple[DataPath, ...] = (
        ("streams", "x", "pcp"),
        ("modules", "cell", "streams", "state", "pcp"),
        ("place", 2, "override", "streams", "state", "pcp"),
    )
    changes = [Change(path=path, value=6, before="5", what="x") for path in paths]
    assert pasted(changes) == (
        "streams:\n  x:\n    pcp: 6\n"
        "modules:\n  cell:\n    streams:\n      state:\n        pcp: 6\n"
        "# under place[2]:\n"
        "override:\n  streams:\n    state:\n      pcp: 6\n"
    )


@pytest.mark.parametrize(
    ("rate_bps", "text"),
    [
        (12_920_000, "12.92 Mbit/s"),
        (3_649_000, "3.649 Mbit/s"),
        (1_000, "1 kbit/s"),
        (999, "999 bit/s"),
        (1_234_567_000, "1234.567 Mbit/s"),
        (1_234_567, "1234.567 kbit/s"),
    ],
)
def test_rates_are_written_with_every_digit(rate_bps: int, text: str) -> None:
    assert exact_rate_text(rate_bps) == text


def test_the_command_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = written(tmp_path, star(stream("x", 5, X) + stream("y", 3, Y)))
    assert command(document, output=Format.JSON) == ExitStatus.OK
    answer = json.loads(capsys.readouterr().out)
    assert (answer["before"]["proven"], answer["after"]["proven"]) == (1, 2)
    assert answer["priorities"]["exact"]
    assert answer["written"] == []
    assert command(document, write=True) == ExitStatus.OK
    assert str(document) in capsys.readouterr().out.replace("\n", "")
    assert command(document) == ExitStatus.OK
    assert "Nothing to change" in capsys.readouterr().out
    with pytest.raises(typer.BadParameter):
        command(document, what="gates")

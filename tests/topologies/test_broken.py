# SPDX-License-Identifier: Apache-2.0
"""What is said about wrong designs, to the letter.

After a change that is meant, ``topologies/broken/README.md`` has the line that writes the ``.errors``
files anew; read the difference.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netplan import command
from netplan.catalog import loader
from netplan.design import checks, plant_rules, redundancy_rules, resolve, tsn_rules
from netplan.exit_status import ExitStatus
from netplan.plan import (
    abstract,
    demand,
    make,
    messages,
    passive,
    policies,
    policing,
    ports,
    timetable,
    ways,
    wired,
)

ROOT = Path(__file__).parents[2]
FOLDER = Path("topologies/broken")
MODULES = (
    *(checks, plant_rules, redundancy_rules, resolve, tsn_rules),
    *(abstract, demand, make, messages, passive, policies, policing, ports, timetable, ways, wired),
)
FILES = ("design", "syntax", "routes", "ports", "rings")


@pytest.fixture(autouse=True)
def from_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are named as from the top of the repository."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(loader.VARIABLE, raising=False)


def blocks(name: str) -> list[str]:
    """Findings of a golden file, one text each."""
    text = (FOLDER / f"{name}.errors").read_text(encoding="utf-8")
    return re.split(r"\n(?! )", text.rstrip("\n"))


@pytest.mark.parametrize("name", FILES)
def test_what_is_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = command.main(["check", str(FOLDER / f"{name}.yaml")])
    out, err = capsys.readouterr()
    assert status == ExitStatus.WRONG_INPUT
    assert out == ""
    assert err == (FOLDER / f"{name}.errors").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_every_finding_names_its_line_and_path(name: str) -> None:
    for block in blocks(name):
        assert re.match(
            rf"{FOLDER}/{name}\.yaml:[1-9]\d*: (error|warning|note) [A-Z-]+: \S", block
        ), block
        assert "\n    path: " in block, block


@pytest.mark.parametrize("name", FILES)
def test_every_finding_says_what_to_do(name: str) -> None:
    without = [block for block in blocks(name) if "\n    hint: " not in block]
    assert not without, "\n".join(without)


@pytest.mark.parametrize("name", FILES)
def test_no_hint_proposes_what_stands_there_already(name: str) -> None:
    for block in blocks(name):
        found = re.search(r"\n    found: '?(.*?)'?(\n|$)", block)
        meant = re.search(r"did you mean '(.*)'\?", block)
        assert found is None or meant is None or found[1] != meant[1], block


@pytest.mark.parametrize("name", FILES)
def test_no_finding_is_made_twice(name: str) -> None:
    found = blocks(name)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", FILES)
def test_every_mistake_has_its_finding(name: str) -> None:
    """Each line with a comment behind it has a mistake, and a finding points there.

    Only what a module contains is told at the module, not where it is placed.
    """
    lines = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if re.search(r"\S.* # ", line)}
    told = {int(match[1]) for block in blocks(name) if (match := re.search(r":(\d+): ", block))}
    assert {
        number for number in wrong - told if "contains itself" not in lines[number - 1]
    } == set()


def test_findings_of_all_layers_come_in_one_run() -> None:
    text = "\n".join(blocks("design"))
    for code in ("DESIGN-QUANTITY", "DESIGN-MODULE-NEEDS", "NODE-ROLE-UNKNOWN", "STREAM-SELF"):
        assert code in text
    for code in ("TRAFFIC-TYPE-UNKNOWN", "ETHERNET-CABLE-LONG", "PON-STANDARD", "RADIO-POSITION"):
        assert code in text


def test_nearly_every_code_of_checking_and_planning_is_here() -> None:
    """A new rule belongs into these designs; what cannot stand beside the rest is listed."""
    elsewhere = {
        *("CHAIN-STREAM", "PON-TREE", "LINK-TRANSCEIVER-NONE"),  # tests/netplan/plan
        "PON-LOSS-LOW",
        *("NODE-TASKS", "ROUTE-OUTSIDE", "ZONE-LEVEL", "ZONE-WIRELESS"),  # tests/netplan/design
        *("SCHEDULE-ENTRIES", "TSN-EXPRESS", "TSN-PORT"),  # tests/netplan/plan
        "REDUNDANCY-SIZE",  # tests/netplan/plan
    }
    told = {
        code
        for name in FILES
        for code in re.findall(r"(?:error|warning|note) ([A-Z-]+):", "\n".join(blocks(name)))
    }
    for module in MODULES:
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        codes = set(re.findall(r'"([A-Z]{3,}(?:-[A-Z]+)+)"', source))
        assert codes - told <= elsewhere, module.__name__

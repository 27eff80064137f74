# SPDX-License-Identifier: Apache-2.0
"""What the documents name exists: functions, commands, files; and their code runs."""

from __future__ import annotations

import importlib
import re
import shlex
from importlib import metadata
from pathlib import Path

import pytest
import typer

from netplan.command import _application, main
from netplan.commands import document_of
from netplan.exit_status import ExitStatus

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("topologies/*/README.md")]
)
TITLES = [str(file.relative_to(ROOT)) for file in DOCUMENTS]
WALK = ROOT / "docs" / "follow-a-stream.md"
ROOM_NAMES = ("docs", "emulator", "netplan", "tests", "topologies")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def prose_of(file: Path) -> str:
    """A document without its blocks of code."""
    return BLOCK.sub("", text_of(file))


def blocks(file: Path, language: str) -> list[str]:
    return [block[2] for block in BLOCK.finditer(text_of(file)) if block[1] == language]


def found(name: str) -> object:
    """What a dotted name stands for, whether module, function or class."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
            continue
        for part in parts[length:]:
            value = getattr(value, part)
        return value
    raise ModuleNotFoundError(name)


def names_in(file: Path) -> set[str]:
    return set(re.findall(r"`((?:netplan|emulator)(?:\.\w+)+)(?:\(\))?`", prose_of(file)))


def commands() -> list[tuple[str, list[str]]]:
    """Every line that begins with ``plantwire`` in a shell block; words in capitals stand for names."""
    lines = []
    for file, title in zip(DOCUMENTS, TITLES, strict=True):
        for block in blocks(file, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(re.split(r"[|>&;]", line)[0], comments=True)
                if words[:1] == ["plantwire"]:
                    lines.append((title, words[1:]))
    return lines


COMMANDS = commands()


@pytest.mark.parametrize("file", DOCUMENTS, ids=TITLES)
def test_every_name_can_be_imported(file: Path) -> None:
    for name in names_in(file) - {"emulator.lab"}:  # told of in a decision, not built yet
        assert found(name) is not None


def test_the_walk_names_a_function_for_every_arrow() -> None:
    assert len(names_in(WALK)) >= 15
    assert {"netplan.design.load.load_design", "netplan.verdict.judge.judge"} <= names_in(WALK)


def test_the_code_of_the_walk_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = blocks(WALK, "python")
    names: dict[str, object] = {}
    exec(compile(code, str(WALK), "exec"), names)  # noqa: S102 - our own document
    answer = names["answer"]
    assert isinstance(answer, dict)
    assert answer["design"]["name"] == "two switches"
    assert [row["verdict"] for row in answer["targets"]] == ["met"] * 3
    assert {row["id"] for row in answer["streams"]} >= {"control"}


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (title, text)
        for file, title in zip(DOCUMENTS, TITLES, strict=True)
        for text in blocks(file, "yaml")
        if text.startswith("plantwire:")
    ],
)
def test_every_design_that_is_shown_whole_is_right(tmp_path: Path, title: str, text: str) -> None:
    file = tmp_path / "design.yaml"
    file.write_text(text, encoding="utf-8")
    assert main(["check", str(file)]) == 0, title


def test_what_the_walk_says_of_its_stream_is_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    make = importlib.import_module("netplan.plan.make")
    load = importlib.import_module("netplan.design.load")
    plan = make.make_plan(*load.load_design("topologies/two-switches/design.yaml"))
    (stream,) = (one for one in plan.streams if one.name == "control")
    assert stream.emission.messages == ((68,),)
    assert stream.emission.period_ps == 1_000_000_000
    assert [hop.from_node for hop in stream.hops] == ["plc1", "sw1", "sw2"]
    (target,) = (one for one in plan.targets if one.subject == "control")
    assert (target.listener, target.limit) == ("drive1", 250_000_000)


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize(
    ("title", "words"), COMMANDS, ids=[f"{title}: {' '.join(words)}" for title, words in COMMANDS]
)
def test_every_command_is_understood(
    monkeypatch: pytest.MonkeyPatch, title: str, words: list[str]
) -> None:
    """Command, options and arguments parse, and the design that is named is there."""
    monkeypatch.chdir(ROOT)
    group = typer.main.get_command(_application())
    with group.make_context("plantwire", list(words)) as outer:
        if not words[0].startswith("-"):
            assert isinstance(group, typer.core.TyperGroup)
            name, command, rest = group.resolve_command(outer, list(words))
            assert command is not None
            with command.make_context(name, rest, parent=outer) as inner:
                parameters = inner.params
            design, stream = parameters.get("design"), parameters.get("stream")
            if design is not None and str(design) != "DESIGN":
                file = document_of(Path(design))
                assert file.is_file(), f"{title} names {design}"
                named = {stream} if isinstance(stream, str) else set(stream or ())
                assert not named or named <= stream_names(file)
                faults = set(parameters.get("fault") or ())
                assert not faults or faults <= scenarios(file)


def scenarios(file: Path) -> set[str]:
    load = importlib.import_module("netplan.design.load")
    return set(load.load_design(file)[0].faults)


def stream_names(file: Path) -> set[str]:
    load = importlib.import_module("netplan.design.load")
    make = importlib.import_module("netplan.plan.make")
    return {stream.name for stream in make.make_plan(*load.load_design(file)).streams}


@pytest.mark.parametrize("file", DOCUMENTS, ids=TITLES)
def test_every_link_leads_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(file)):
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        linked = (file.parent / path).resolve()
        assert linked.exists(), target
        assert linked.is_relative_to(ROOT), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", text_of(linked), re.MULTILINE)
            slugs = {
                re.sub(r"[^\w\- ]", "", one).strip().lower().replace(" ", "-") for one in headings
            }
            assert anchor in slugs, target


@pytest.mark.parametrize("file", DOCUMENTS, ids=TITLES)
def test_every_file_that_is_named_by_its_path_is_there(file: Path) -> None:
    """In backticks: paths from the top of the repository, and names of files somewhere in it."""
    paths = re.findall(r"`((?:docs|emulator|netplan|tests|topologies)/[\w./-]+)`", prose_of(file))
    names = re.findall(r"`([\w-]+\.(?:yaml|md|py|sh))`", prose_of(file))
    known = {one.name for room in ROOM_NAMES for one in (ROOT / room).rglob("*.*")}
    known |= {one.name for one in ROOT.iterdir()}
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert [name for name in names if name not in known] == []


def test_every_topology_has_a_readme() -> None:
    for design in ROOT.glob("topologies/*/design.yaml"):
        assert (design.parent / "README.md").is_file(), design


def test_every_command_is_shown_in_some_document() -> None:
    """A command that no document shows is not found by anybody."""
    known = {entry.name for entry in metadata.entry_points(group="plantwire.commands")}
    assert known <= {words[0] for _, words in COMMANDS if words}


def test_the_taste_of_the_language_in_the_readme_is_a_design(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    taste = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert taste is not None
    file = tmp_path / "taste.yaml"
    file.write_text(taste.group(1), encoding="utf-8")
    assert main(["bound", str(file)]) == ExitStatus.OK

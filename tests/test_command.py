# SPDX-License-Identifier: Apache-2.0
"""The dispatcher: how each way a command can end becomes an exit status and a message."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Annotated

import pytest
import typer

from netplan.command import Format, FormatOption, main
from netplan.design.findings import DesignError, Finding, Mark, Severity
from netplan.exit_status import ExitStatus, HostError

FINDING = Finding(
    code="DESIGN-KEY-UNKNOWN",
    severity=Severity.ERROR,
    message="unknown key 'lenght'",
    mark=Mark(file="plant.yaml", line=7, column=3),
    path="links[0].lenght",
    expected="length",
    found="lenght",
    hint="did you mean 'length'?",
)


class FakeEntry:
    """An installed entry point that yields a given function, or fails to."""

    def __init__(self, name: str, function: Callable[..., object] | Exception) -> None:
        self.name = name
        self.value = f"elsewhere.commands:{name}"
        self._function = function

    def load(self) -> Callable[..., object]:
        if isinstance(self._function, Exception):
            raise self._function
        return self._function


Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Let the dispatcher find exactly the given commands."""

    def install(**functions: Callable[..., object] | Exception) -> None:
        def found(*, group: str) -> list[FakeEntry]:
            assert group == "plantwire.commands"
            return [FakeEntry(name, function) for name, function in functions.items()]

        monkeypatch.setattr(metadata, "entry_points", found)

    monkeypatch.delenv("PLANTWIRE_DEBUG", raising=False)
    return install


def raising(error: BaseException) -> Callable[..., object]:
    def command(output: FormatOption = Format.TABLE) -> None:
        """End badly."""
        assert output in Format
        raise error

    return command


@pytest.mark.parametrize(
    ("returned", "status"),
    [(None, 0), (ExitStatus.OK, 0), (ExitStatus.MISSED, 1), (ExitStatus.NOT_PROVEN, 5), (1, 1)],
)
def test_status_is_what_the_command_returns(
    install: Install, returned: ExitStatus | int | None, status: int
) -> None:
    install(judge=lambda: returned)
    assert main(["judge"]) == status


def test_arguments_reach_the_command(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    def check(
        design: Path,
        output: FormatOption = Format.TABLE,
        strict: Annotated[bool, typer.Option()] = False,
    ) -> None:
        """Check a design."""
        typer.echo(f"{design} {output} {strict}")

    install(check=check)
    assert main(["check", "plant.yaml", "--format", "json", "--strict"]) == 0
    assert capsys.readouterr().out == "plant.yaml json True\n"


def test_help_lists_every_command_by_its_first_sentence(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    def check() -> None:
        """Check a design. More is said in its own help."""

    install(check=check, bound=raising(ValueError()))
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert out.index("bound") < out.index("check")
    assert "Check a design." in out
    assert "More is said" not in out


def test_nothing_asked_shows_help_and_is_wrong_usage(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install()
    assert main([]) == ExitStatus.WRONG_INPUT
    assert "Usage: plantwire" in capsys.readouterr().out


def test_version(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install()
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"plantwire {metadata.version('plantwire')}\n"


def test_wrong_design_is_told_on_standard_error(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(check=raising(DesignError([FINDING, FINDING])))
    assert main(["check"]) == ExitStatus.WRONG_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("plant.yaml:7: error DESIGN-KEY-UNKNOWN") == 2


@pytest.mark.parametrize("words", [["--format", "json"], ["--format=json"]])
def test_wrong_design_as_json(
    install: Install, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    install(check=raising(DesignError([FINDING])))
    assert main(["check", *words]) == ExitStatus.WRONG_INPUT
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == {
        "findings": [
            {
                "code": "DESIGN-KEY-UNKNOWN",
                "severity": "error",
                "message": "unknown key 'lenght'",
                "file": "plant.yaml",
                "line": 7,
                "path": "links[0].lenght",
                "expected": "length",
                "found": "lenght",
                "hint": "did you mean 'length'?",
            }
        ]
    }


@pytest.mark.parametrize(
    "arguments",
    [["chekc"], ["check", "--nonsense"], ["check", "--format", "xml"], ["check", "too", "many"]],
)
def test_wrong_usage(
    install: Install, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    install(check=raising(AssertionError("must not run")))
    assert main(arguments) == ExitStatus.WRONG_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert "error COMMAND-USAGE" in err
    assert "--help" in err


def test_wrong_usage_as_json(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(check=raising(AssertionError("must not run")))
    assert main(["check", "--format=json", "--nonsense"]) == ExitStatus.WRONG_INPUT
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["code"] == "COMMAND-USAGE"
    assert "plantwire check --help" in finding["hint"]


def test_host_cannot(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(lab=raising(HostError("Open vSwitch is not running", hint="start it")))
    assert main(["lab"]) == ExitStatus.HOST_CANNOT
    assert (
        capsys.readouterr().err
        == "error HOST-CANNOT: Open vSwitch is not running\n    hint: start it\n"
    )


def test_out_of_memory_is_the_host_s(install: Install) -> None:
    install(simulate=raising(MemoryError()))
    assert main(["simulate"]) == ExitStatus.HOST_CANNOT


def test_fault_of_the_tool_says_what_where_and_whom_to_tell(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(plan=raising(KeyError("sw1")))
    assert main(["plan"]) == ExitStatus.TOOL_FAULT
    err = capsys.readouterr().err
    assert "TOOL-FAULT" in err
    assert "KeyError: 'sw1' (tests/test_command.py:" in err
    assert "CONTRIBUTING.md" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("way", ["option", "variable"])
def test_traceback_of_a_fault_on_request(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    install(plan=raising(KeyError("sw1")))
    if way == "variable":
        monkeypatch.setenv("PLANTWIRE_DEBUG", "1")
    assert main(["--debug", "plan"] if way == "option" else ["plan"]) == ExitStatus.TOOL_FAULT
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_status_that_is_none_of_ours_is_a_fault(install: Install) -> None:
    install(plan=lambda: 77)
    assert main(["plan"]) == ExitStatus.TOOL_FAULT


def test_a_broken_package_leaves_the_other_commands(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(check=lambda: None, lab=ImportError("no module named mininet"))
    assert main(["check"]) == 0
    assert main(["--help"]) == 0
    assert "Cannot be loaded: no module named mininet" in capsys.readouterr().out
    assert main(["lab", "plant.yaml", "--anything"]) == ExitStatus.TOOL_FAULT
    assert "elsewhere.commands:lab" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_interrupted(
    install: Install, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    install(simulate=raising(error))
    assert main(["simulate"]) == ExitStatus.INTERRUPTED
    assert capsys.readouterr().err == "plantwire: interrupted\n"


def started(body: str) -> subprocess.Popen[str]:
    """A process of its own that runs ``plantwire x`` with the given body for x."""
    program = f"""
import sys, time, typer
from importlib import metadata
from netplan.command import main
def x() -> None:
{textwrap.indent(textwrap.dedent(body), "    ")}
metadata.entry_points = lambda group: [metadata.EntryPoint("x", "__main__:x", group)]
sys.exit(main(["x"]))
"""
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_a_reader_that_went_away_is_no_error() -> None:
    process = started("for _ in range(100_000): sys.stdout.write('line\\n')")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "line\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=20) == ExitStatus.OUTPUT_CLOSED
    process.stderr.close()


def test_a_reader_that_went_away_before_the_last_flush() -> None:
    process = started("time.sleep(1); sys.stdout.write('late')")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=20) == ExitStatus.OUTPUT_CLOSED
    process.stderr.close()


def test_control_c() -> None:
    process = started("typer.echo('ready')\ntime.sleep(20)")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert err == "plantwire: interrupted\n"
    assert process.returncode == ExitStatus.INTERRUPTED


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    heavy = {"jinja2", "networkx", "numba", "numpy", "pydantic", "rich", "ruamel", "scipy", "yaml"}
    program = "import sys\nfrom netplan.command import main\nmain(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    began = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert heavy.isdisjoint(result.stderr.split())
    assert (
        time.monotonic() - began < 5
    )  # a watch for gross changes only; the figure is 0.3 s, measured by hand

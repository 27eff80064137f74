# SPDX-License-Identifier: Apache-2.0
"""The ``plantwire`` command: finds the sub-commands, runs one, and turns its end into an exit status.

Every package registers its sub-commands in the entry-point group
``plantwire.commands`` (name = command, value = ``module:function``); none is
known here by name. A command function has typed parameters as typer reads them,
imports what is heavy inside its body, writes its result to standard output at the end, and
returns an :class:`~netplan.exit_status.ExitStatus`, or nothing for success. What goes
wrong it raises; saying so is done here, in one way for all.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from netplan.design.findings import DesignError, Finding, Severity
from netplan.exit_status import ExitStatus, HostError

_GROUP = "plantwire.commands"
_DEBUG_VARIABLE = "PLANTWIRE_DEBUG"


class Format(StrEnum):
    """How a result is written to standard output."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How to write the result.")]
"""The ``--format`` option, the same for every command that has it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``plantwire`` with the given or the process's arguments; the result is the exit status."""
    if arguments is None:
        # A command makes many objects and few circles; looking for these took a quarter of its time.
        gc.set_threshold(200_000, 50, 100)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _run_and_report(arguments)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("plantwire: interrupted", err=True)
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # Python flushes standard output once more at exit; give it somewhere to go.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the exit
        return ExitStatus.OUTPUT_CLOSED
    return status


def _run_and_report(arguments: list[str]) -> ExitStatus:
    try:
        return _run(arguments)
    except DesignError as error:
        status, findings = ExitStatus.WRONG_INPUT, error.findings
    except typer.TyperException as error:
        status, findings = ExitStatus.WRONG_INPUT, (_usage_finding(error),)
    except HostError as error:
        status, findings = ExitStatus.HOST_CANNOT, (_error("HOST-CANNOT", str(error), error.hint),)
    except MemoryError:
        status, findings = ExitStatus.HOST_CANNOT, (_error("HOST-MEMORY", "not enough memory", ""),)
    except (typer.Abort, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is our fault
        status, findings = ExitStatus.TOOL_FAULT, (_fault_finding(error),)
        if "--debug" in arguments or os.environ.get(_DEBUG_VARIABLE, "0") not in {"", "0"}:
            import traceback

            traceback.print_exception(error)
    if _wants_json(arguments):
        typer.echo(json.dumps({"findings": [finding.record() for finding in findings]}, indent=2))
    else:
        typer.echo("\n".join(finding.text() for finding in findings), err=True)
    return status


def _run(arguments: list[str]) -> ExitStatus:
    command = typer.main.get_command(_application())
    try:
        # Not command(): that would turn a closed pipe into status 1, which means a missed target.
        with command.make_context("plantwire", list(arguments) or ["--help"]) as context:
            result = command.invoke(context)
    except typer.Exit as end:  # --help and --version end this way
        return ExitStatus(end.exit_code) if arguments else ExitStatus.WRONG_INPUT
    return ExitStatus.OK if result is None else ExitStatus(result)


def _application() -> typer.Typer:
    # Neither rich help nor rich tracebacks: importing rich costs more than all the rest of --help.
    application = typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    application.callback()(_options)
    for entry in sorted(metadata.entry_points(group=_GROUP), key=lambda entry: entry.name):
        try:
            application.command(entry.name)(entry.load())
        except Exception as error:  # noqa: BLE001 - one broken package must not take the others down
            anything = {"allow_extra_args": True, "ignore_unknown_options": True}
            application.command(entry.name, context_settings=anything)(_unavailable(entry, error))
    return application


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"plantwire {metadata.version('plantwire')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", is_eager=True, callback=_show_version
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a fault of the tool.")
    ] = False,
) -> None:
    """Plan an industrial network and show with evidence whether every deadline is met."""


def _unavailable(entry: metadata.EntryPoint, error: Exception) -> Callable[[], None]:
    def unavailable() -> None:
        raise RuntimeError(
            f"the command {entry.name!r} ({entry.value}) cannot be loaded: {error}"
        ) from error

    unavailable.__doc__ = f"Cannot be loaded: {error}"
    return unavailable


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether ``--format json`` was asked for; findable even when parsing the arguments failed."""
    text = "\0".join(arguments)
    return "--format\0json" in text or "--format=json" in text


def _error(code: str, message: str, hint: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, hint=hint)


def _usage_finding(error: typer.TyperException) -> Finding:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "plantwire"
    return _error(
        "COMMAND-USAGE", error.format_message(), f"'{command} --help' shows what is possible"
    )


def _fault_finding(error: Exception) -> Finding:
    return _error(
        "TOOL-FAULT",
        f"a fault of plantwire itself: {type(error).__name__}: {error} ({_place(error)})",
        "please report it as CONTRIBUTING.md says, with the command and, if you may share it, the design; "
        "'plantwire --debug ...' shows the traceback",
    )


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "place unknown"
    file = Path(trace.tb_frame.f_code.co_filename)
    return f"{file.parent.name}/{file.name}:{trace.tb_lineno}"

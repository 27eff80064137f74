# SPDX-License-Identifier: Apache-2.0
"""The command that chooses what a design leaves open: tune."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from netplan.command import Format, FormatOption
from netplan.commands import DesignArgument, document_of
from netplan.exit_status import ExitStatus


class What(StrEnum):
    """What ``plantwire tune`` chooses."""

    PRIORITIES = "priorities"
    SLOPES = "slopes"


def tune(
    design: DesignArgument,
    what: Annotated[
        str, typer.Option("--what", help="priorities, slopes, or both with a comma.")
    ] = "priorities,slopes",
    classes: Annotated[
        int | None,
        typer.Option(
            "--classes", min=1, max=8, help="Traffic classes to use at most; all by default."
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", help="Stream or relation that keeps its priority; * and ? may be used."
        ),
    ] = None,
    share: Annotated[
        float,
        typer.Option("--share", min=1, max=99, help="Percent of a link for credit-based classes."),
    ] = 75.0,
    tries: Annotated[
        int,
        typer.Option("--tries", min=1, max=1_000_000, help="Variants to prove at most, for each."),
    ] = 400,
    write: Annotated[
        bool, typer.Option("--write", help="Write the proposal into the design's files.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> ExitStatus:
    """Choose priorities and idle slopes so that targets are proven, with most room.

    Every variant is planned and proven like the design itself. The proposal never proves fewer
    targets than the design does; whether a better one is possible is said beside it.
    """
    from netplan.design.findings import DesignError
    from netplan.progress import shown_progress
    from netplan.terminal import result_console
    from netplan.tuning.changes import pasted
    from netplan.tuning.changes import write as write_changes
    from netplan.tuning.proposal import proposal_record, proposal_table
    from netplan.tuning.proposal import tune as find
    from netplan.verdict.judge import exit_status

    wanted = _wanted(what)
    document = document_of(design)
    with shown_progress() as progress:
        found = find(
            document,
            priorities=What.PRIORITIES in wanted,
            slopes=What.SLOPES in wanted,
            class_count=classes,
            keep=keep or (),
            share_ratio=share / 100,
            most_trials_count=tries,
            progress=progress,
        )
    written: tuple[str, ...] = ()
    refused: DesignError | None = None
    if write:
        try:
            written = write_changes(document, found.design, found.changes)
        except DesignError as error:
            refused = error
    if output is Format.JSON:
        record = proposal_record(found, written)
        record["findings"] = [] if refused is None else [one.record() for one in refused.findings]
        typer.echo(json.dumps(record, indent=2))
    else:
        console = result_console()
        proposal_table(found, console)
        if refused is not None:
            typer.echo("\n".join(one.text() for one in refused.findings), err=True)
            typer.echo(f"not written; to be pasted:\n\n{pasted(found.changes)}")
        elif written:
            typer.echo(f"written: {', '.join(written)}")
        elif found.changes:
            typer.echo(f"'--write' writes it; as YAML:\n\n{pasted(found.changes)}")
    return ExitStatus.WRONG_INPUT if refused is not None else exit_status(found.after.verdicts)


def _wanted(text: str) -> set[What]:
    try:
        return {What(one.strip()) for one in text.split(",")}
    except ValueError as error:
        raise typer.BadParameter(
            f"'{text}' is not 'priorities', 'slopes' or 'priorities,slopes'", param_hint="--what"
        ) from error

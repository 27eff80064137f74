# SPDX-License-Identifier: Apache-2.0
"""Commands that exchange with other tools and with devices: import, export."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from netplan.commands import DesignArgument, planned_design
from netplan.exit_status import ExitStatus


class Foreign(StrEnum):
    """Formats that can be imported, and the files that each needs."""

    TSNKIT = "tsnkit"
    SAIHU = "saihu"


_FILES = {Foreign.TSNKIT: ("TASK.csv", "TOPO.csv"), Foreign.SAIHU: ("NET.json",)}


def import_(
    form: Annotated[Foreign, typer.Argument(metavar="FORMAT", help="tsnkit or saihu.")],
    files: Annotated[
        list[Path], typer.Argument(help="tsnkit: TASK.csv TOPO.csv; saihu: NET.json.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the design.")],
) -> ExitStatus:
    """Turn another tool's files into a design, with the names that they have there."""
    from netplan.exchange.documents import fluid_documents, schedule_documents
    from netplan.files import write_folder

    needed = _FILES[form]
    if len(files) != len(needed):
        raise typer.BadParameter(
            f"{form.value} needs {len(needed)} files: {' '.join(needed)}", param_hint="FILES"
        )
    if form is Foreign.TSNKIT:
        from netplan.exchange.tsnkit import read_instance

        name = files[0].stem.removesuffix("_task")
        documents = schedule_documents(read_instance(files[0], files[1]), name)
    else:
        from netplan.exchange.saihu import read_saihu

        read = read_saihu(files[0])
        for finding in read.findings:
            typer.echo(finding.text(), err=True)
        documents = fluid_documents(read.network)
    write_folder(out, documents)
    typer.echo(f"design: {out / 'design.yaml'}")
    return ExitStatus.OK


def export(
    design: DesignArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")],
) -> ExitStatus:
    """Write the configuration of every device: YANG as JSON and XML, taprio commands, the streams.

    The status of the streams carries the latencies that the bound proves.
    """
    from netplan.bounds.analysis import bound as prove
    from netplan.exchange.export import export_with_findings
    from netplan.files import write_folder

    planned = planned_design(design)
    exported = export_with_findings(planned, prove(planned))
    write_folder(out, exported.files)
    for finding in exported.findings:
        typer.echo(finding.text(), err=True)
    typer.echo(f"{len(exported.files)} files in {out}")
    return ExitStatus.OK

# SPDX-License-Identifier: Apache-2.0
"""Commands that plan and prove: check, plan, bound, explain, clocks, sensitivity, schema.

Each one is the way of the data in a few lines; what it calls may be called from a script.
"""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netplan.command import Format, FormatOption
from netplan.exit_status import ExitStatus

if TYPE_CHECKING:
    from netplan.plan.model import Plan

DesignArgument = Annotated[Path, typer.Argument(help="Design document.", readable=False)]
OutOption = Annotated[Path | None, typer.Option("--out", help="Folder for the results as files.")]


class SchemaOf(StrEnum):
    """What a schema describes."""

    DESIGN = "design"
    RESULTS = "results"


def check(design: DesignArgument, output: FormatOption = Format.TABLE) -> ExitStatus:
    """Check a design and show every finding.

    Reads, places modules, applies every rule and plans, so that optical and radio budgets
    and missing routes are found as well; computes no evidence.
    """
    from netplan.design.findings import DesignError, has_errors
    from netplan.design.load import read_design
    from netplan.plan.make import try_plan

    loaded, findings = read_design(document_of(design))
    if loaded is not None:
        _, findings = try_plan(loaded, findings)
    if has_errors(findings):
        raise DesignError(findings)
    if output is Format.JSON:
        typer.echo(json.dumps({"findings": [one.record() for one in findings]}, indent=2))
    else:
        for finding in findings:
            typer.echo(finding.text())
        size = "" if loaded is None else f"{len(loaded.nodes)} nodes, {len(loaded.links)} links"
        typer.echo(f"no errors, {len(findings)} other findings; {size}")
    return ExitStatus.OK


def plan(
    design: DesignArgument, output: FormatOption = Format.TABLE, out: OutOption = None
) -> ExitStatus:
    """Plan a design: routes, priorities, VLANs, addresses, fixed delays."""
    from netplan.terminal import result_console
    from netplan.verdict.store import plan_json, save
    from netplan.verdict.table import plan_table

    planned = planned_design(design)
    if out is not None:
        save(out, plan=planned)
    if output is Format.JSON:
        typer.echo(plan_json(planned))
    else:
        plan_table(planned, result_console())
    return ExitStatus.OK


def bound(
    design: DesignArgument,
    output: FormatOption = Format.TABLE,
    out: OutOption = None,
    method: Annotated[
        str, typer.Option("--method", help="Analyses that count: tfa, lp, timed, comma-separated.")
    ] = "tfa,lp,timed",
    fluid: Annotated[
        bool, typer.Option("--fluid", help="Fluid bounds of abstract flows; never judged.")
    ] = False,
) -> ExitStatus:
    """Prove worst cases and judge every target by them alone."""
    from netplan.bounds.analysis import Method
    from netplan.bounds.analysis import bound as prove
    from netplan.terminal import result_console
    from netplan.verdict.judge import exit_status, judge
    from netplan.verdict.results import dump, results
    from netplan.verdict.store import save
    from netplan.verdict.table import verdict_table

    named = [one.strip() for one in method.split(",") if one.strip()]
    unknown = [one for one in named if one not in set(Method)]
    if unknown or not named:
        raise typer.BadParameter(
            f"{unknown[0] if unknown else 'nothing'!r} is no analysis; known are "
            f"{', '.join(Method)}",
            param_hint="--method",
        )
    if fluid:
        return _fluid(design, output)
    planned = planned_design(design)
    proof = prove(planned, [Method(one) for one in named])
    verdicts = judge(planned, proof, None)
    answer = results(planned, verdicts, proof, None)
    if out is not None:
        save(out, plan=planned, bound=proof, results=answer)
    if output is Format.JSON:
        typer.echo(dump(answer))
    else:
        verdict_table(planned, verdicts, proof, None, result_console())
    return exit_status(verdicts)


def _fluid(design: Path, output: Format) -> ExitStatus:
    """Print what fluid analyses of abstract flows prove, for comparison with tools that print it."""
    from math import ceil

    from netplan.bounds.fluid.analysis import fluid_bounds
    from netplan.design.load import load_design
    from netplan.plan.abstract import fluid_network
    from netplan.plan.make import make_plan

    loaded, findings = load_design(document_of(design))
    planned = make_plan(loaded, findings)  # says what is wrong with the design
    if not loaded.flows:
        raise typer.BadParameter(
            "the design has no abstract flows; fluid bounds are for comparison only",
            param_hint="--fluid",
        )
    rows = [
        {
            "id": row.flow,
            "bound_ns": None if row.bound_ps is None else ceil(row.bound_ps) / 1000,
            "method": row.method,
            "why": row.why,
        }
        for row in fluid_bounds(fluid_network(loaded))
    ]
    if output is Format.JSON:
        head = {"name": planned.name, "hash": planned.design_hash}
        record = {"design": head, "version": planned.version, "mode": "fluid", "streams": rows}
        typer.echo(json.dumps(record, indent=2))
    else:
        for row in rows:
            shown = "no bound" if row["bound_ns"] is None else f"{row['bound_ns']} ns"
            typer.echo(f"{row['id']}: {shown} ({row['method'] or row['why']})")
        typer.echo("fluid: for comparison only; real packets may take longer, nothing is judged")
    return ExitStatus.OK


def explain(
    design: DesignArgument,
    stream: Annotated[str, typer.Argument(help="Name of a stream.")],
) -> ExitStatus:
    """Explain a stream's worst case: every delay term of every hop, with its source."""
    from netplan.bounds.analysis import bound as prove
    from netplan.terminal import result_console
    from netplan.verdict.table import explain_table

    planned = planned_design(design)
    explain_table(planned, prove(planned), None, stream, result_console())
    return ExitStatus.OK


def sensitivity(
    design: DesignArgument,
    factor: Annotated[
        float,
        typer.Option("--factor", help="How far off an uncertain value may be.", min=1.01, max=1000),
    ] = 2.0,
    output: FormatOption = Format.TABLE,
) -> ExitStatus:
    """Tell which uncertain input would turn a verdict, and at which value.

    Every catalogue value marked unsure is divided and multiplied by the factor, one at a time;
    the bound is computed again and every verdict compared.
    """
    from netplan.progress import shown_progress
    from netplan.sensitivity import sensitivity as vary
    from netplan.sensitivity import sensitivity_record, sensitivity_table
    from netplan.terminal import result_console

    with shown_progress() as progress:
        turns = vary(design, factor=factor, progress=progress)
    if output is Format.JSON:
        typer.echo(json.dumps(sensitivity_record(turns), indent=2))
    else:
        sensitivity_table(turns, result_console())
    return ExitStatus.OK


def schema(
    of: Annotated[SchemaOf, typer.Option("--of", help="What to describe.")] = SchemaOf.DESIGN,
    out: Annotated[Path | None, typer.Option("--out", help="File to write.")] = None,
) -> ExitStatus:
    """Print the JSON Schema of design documents, for editors, or of results."""
    from netplan.files import write_atomically

    if of is SchemaOf.DESIGN:
        from netplan.design.schema import design_schema

        described = design_schema()
    else:
        from netplan.verdict.results import results_schema

        described = results_schema()
    text = json.dumps(described, indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_atomically(out, text)
    return ExitStatus.OK


def clocks(design: DesignArgument, output: FormatOption = Format.TABLE) -> ExitStatus:
    """Show how well clocks are kept together: budgets, places for the grandmaster, its failure."""
    from netplan.design.load import load_design
    from netplan.design.resolve import resolve
    from netplan.plan.clocks import clock_study
    from netplan.plan.make import make_plan
    from netplan.terminal import result_console
    from netplan.verdict.clocks import clock_record, clock_table

    loaded, findings = load_design(document_of(design))
    make_plan(loaded, findings)  # says what is wrong with the design
    study = clock_study(loaded, resolve(loaded)[0])
    if study is None:
        raise typer.BadParameter(
            "the design says nothing of clocks; write 'tsn: {synchronisation: {}}'",
            param_hint="DESIGN",
        )
    if output is Format.JSON:
        typer.echo(json.dumps(clock_record(study), indent=2))
    else:
        clock_table(study, result_console())
    return ExitStatus.OK


def document_of(path: Path) -> Path:
    """The design document that a path names: a folder stands for the ``design.yaml`` in it."""
    inside = path / "design.yaml"
    return inside if os.path.isfile(inside) else path  # noqa: PTH113 - any text may come, pathlib raises


def planned_design(path: Path) -> Plan:
    """Load and plan a design, as every command that computes evidence does."""
    from netplan.design.load import load_design
    from netplan.plan.make import make_plan

    design, findings = load_design(document_of(path))
    return make_plan(design, findings)

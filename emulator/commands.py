# SPDX-License-Identifier: Apache-2.0
"""Commands that run a plan: simulate, validate, schedule, bench."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netplan.command import Format, FormatOption
from netplan.commands import DesignArgument, OutOption, document_of, planned_design
from netplan.exit_status import ExitStatus

if TYPE_CHECKING:
    from emulator.simulation.faults import Fault
    from netplan.plan.model import Plan
    from netplan.verdict.evidence import BoundEvidence, SimulatedEvidence

SeedOption = Annotated[int, typer.Option("--seed", help="Seed of all random choices.", min=0)]
DurationOption = Annotated[
    str, typer.Option("--duration", help="Plant time to simulate, such as 1s or 250ms.")
]
ReportOption = Annotated[Path | None, typer.Option("--report", help="HTML report to write.")]
_KINDS = ("bound", "simulated")


def simulate(
    design: DesignArgument,
    output: FormatOption = Format.TABLE,
    seed: SeedOption = 1,
    duration: DurationOption = "1s",
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            help="A scenario under 'faults' of the design, or a line such as "
            "'cut sw1.p2 - sw2.p1 at 20 ms until 50 ms'; may be given several times.",
        ),
    ] = None,
    search: Annotated[
        bool,
        typer.Option("--search", help="Also prove bounds, and drive phases towards each of them."),
    ] = False,
    stream: Annotated[
        list[str] | None,
        typer.Option(
            "--stream", help="With --search: only this stream; may be given several times."
        ),
    ] = None,
    time_limit: Annotated[
        str, typer.Option("--time-limit", help="With --search: time for all streams together.")
    ] = "60s",
    report: ReportOption = None,
    out: OutOption = None,
) -> ExitStatus:
    """Simulate a design packet by packet and judge every target by that alone.

    With --fault, links, nodes or talkers fail under way: what each stream loses, for how long
    it stays away, and whether rings keep the recovery time that they promise. With --search,
    bounds are proven besides, and the worst case that can be found is shown beside each.
    """
    if search and fault:
        raise typer.BadParameter(
            "a search looks at a plant in which nothing fails under way, and at what rings have "
            "recovered to; leave --fault out",
            param_hint="--search",
        )
    if stream and not search:
        raise typer.BadParameter("it chooses what --search looks at", param_hint="--stream")
    kinds = _KINDS if search else ("simulated",)
    wanted = Search(streams=tuple(stream or ()), limit_s=_limit_s(time_limit)) if search else None
    trial = Trial(seed=seed, duration=duration, faults=tuple(fault or ()), search=wanted)
    return _evidence(design, kinds, report, output, trial, out)


def validate(
    design: DesignArgument,
    evidence: Annotated[
        str, typer.Option("--evidence", help="Kinds of evidence to gather, comma-separated.")
    ] = "bound,simulated",
    report: ReportOption = None,
    output: FormatOption = Format.TABLE,
    seed: SeedOption = 1,
    duration: DurationOption = "1s",
    out: OutOption = None,
) -> ExitStatus:
    """Gather evidence on a design and give a verdict for every target."""
    kinds = tuple(kind.strip() for kind in evidence.split(",") if kind.strip())
    unknown = [kind for kind in kinds if kind not in _KINDS]
    if unknown or not kinds:
        raise typer.BadParameter(
            f"{unknown[0] if unknown else 'nothing'!r} is no kind of evidence; "
            f"known are {', '.join(_KINDS)}",
            param_hint="--evidence",
        )
    return _evidence(design, kinds, report, output, Trial(seed=seed, duration=duration), out)


def schedule(
    design: DesignArgument,
    output: FormatOption = Format.TABLE,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File for the schedule, to be included.")
    ] = None,
    method: Annotated[str, typer.Option("--method", help="auto, greedy or exact.")] = "auto",
    time_limit: Annotated[
        str, typer.Option("--time-limit", help="Processor time to spend at most.")
    ] = "60s",
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave streams of the present schedule in place.")
    ] = False,
) -> ExitStatus:
    """Make a gate schedule, and replay it in the simulator before it is told.

    Status 0 when a schedule was found and replayed, 1 when none is possible, 5 when that
    is not known.
    """
    from pydantic_core import to_json

    from emulator.replay import replay
    from netplan.design.load import load_design
    from netplan.files import check_place, write_atomically
    from netplan.scheduling import propose
    from netplan.tsn.synthesis.problem import Method
    from netplan.tsn.synthesis.result import Status
    from netplan.verdict.schedule import schedule_lines, schedule_record, section_text

    if method not in set(Method):
        raise typer.BadParameter(
            f"{method!r} is no method; known are {', '.join(Method)}", param_hint="--method"
        )
    limit_s = _limit_s(time_limit)
    if out is not None:
        check_place(out)
    loaded, _ = load_design(document_of(design))
    proposal = propose(loaded, method=Method(method), time_limit_s=limit_s, keep=keep)
    status = proposal.schedule.status
    replayed = replay(proposal) if status is Status.FEASIBLE else None
    record = schedule_record(proposal, replayed)
    if output is Format.JSON:
        # Gate lists may have a hundred thousand entries, for which the standard library is slow.
        typer.echo(to_json(record, indent=2).decode())
    else:
        for line in schedule_lines(proposal, replayed):
            typer.echo(line)
    if replayed is not None and not replayed.agrees:
        return ExitStatus.TOOL_FAULT
    if status is not Status.FEASIBLE:
        return ExitStatus.MISSED if status is Status.INFEASIBLE else ExitStatus.NOT_PROVEN
    if out is not None:
        write_atomically(out, section_text(proposal))
    return ExitStatus.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search for the worst case: of all streams where none is named."""

    streams: tuple[str, ...]
    limit_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is to be simulated, as it was asked for."""

    seed: int
    duration: str
    faults: tuple[str, ...] = ()
    search: Search | None = None


def _evidence(
    design: Path,
    kinds: tuple[str, ...],
    report: Path | None,
    output: Format,
    trial: Trial,
    out: Path | None,
) -> ExitStatus:
    from datetime import UTC, datetime

    from netplan.bounds.analysis import bound as prove
    from netplan.files import check_place, write_atomically
    from netplan.terminal import result_console
    from netplan.verdict.judge import contradictions, exit_status, judge
    from netplan.verdict.results import dump, results
    from netplan.verdict.store import save
    from netplan.verdict.table import verdict_table

    duration_ps = _duration_ps(trial.duration)
    if report is not None:
        check_place(report)
    planned = planned_design(design)
    faults = _faults(design, planned, trial.faults)
    rows = _rows(planned, trial.search)
    proof = prove(planned) if "bound" in kinds else None
    observed = None
    if "simulated" in kinds:
        observed = _run(planned, trial.seed, duration_ps, faults)
    if observed is not None and proof is not None and trial.search is not None:
        observed = _searched(planned, proof, observed, rows, trial.search.limit_s)
    verdicts = judge(planned, proof, observed)
    answer = results(planned, verdicts, proof, observed)
    if out is not None:
        save(out, plan=planned, bound=proof, simulated=observed, results=answer)
    if report is not None:
        from netplan.verdict.report import render

        made_on = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        write_atomically(report, render(planned, verdicts, proof, observed, made_on=made_on))
    if output is Format.JSON:
        typer.echo(dump(answer))
    else:
        verdict_table(planned, verdicts, proof, observed, result_console())
        if report is not None:
            typer.echo(f"report: {report}")
    wrong = contradictions(planned, proof, observed)
    if wrong:
        _write_reproduction(design, trial, [one.text() for one in wrong])
        return ExitStatus.TOOL_FAULT
    if observed is not None and observed.interrupted:
        return ExitStatus.INTERRUPTED
    return exit_status(verdicts)


def _faults(design: Path, plan: Plan, wanted: tuple[str, ...]) -> tuple[Fault, ...]:
    """What is to fail, as asked for on the command line."""
    if not wanted:
        return ()
    from emulator.scenario import scenario
    from netplan.design.load import load_design

    loaded, _ = load_design(document_of(design))
    try:
        return scenario(loaded, plan, wanted)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from None


def _rows(plan: Plan, search: Search | None) -> tuple[tuple[int, int], ...]:
    """Streams and listeners that a search looks at."""
    if search is None:
        return ()
    from netplan.design.resolve import nearest

    names = [stream.name for stream in plan.streams]
    for name in search.streams:
        if name not in names:
            raise typer.BadParameter(
                f"there is no stream {name!r}; {nearest(name, names)}", param_hint="--stream"
            )
    return tuple(
        (index, listener)
        for index, stream in enumerate(plan.streams)
        if not search.streams or stream.name in search.streams
        for listener in range(len(stream.listeners))
    )


def _run(
    plan: Plan, seed: int, duration_ps: int, faults: tuple[Fault, ...] = ()
) -> SimulatedEvidence:
    from emulator.simulation.run import simulate as run
    from netplan.progress import shown_progress

    with shown_progress() as progress:
        return run(
            plan,
            seed=seed,
            duration_ps=duration_ps,
            faults=faults,
            progress=lambda done_ratio: progress.update(done_ratio, "simulating"),
        )


def _searched(
    plan: Plan,
    proof: BoundEvidence,
    observed: SimulatedEvidence,
    rows: tuple[tuple[int, int], ...],
    limit_s: float,
) -> SimulatedEvidence:
    """The run with the worst cases that a search found; Ctrl-C keeps what there is."""
    from dataclasses import replace

    from emulator.worst_cases import worst_cases
    from netplan.progress import shown_progress

    if observed.interrupted:
        return observed
    with shown_progress() as progress:
        found, interrupted = worst_cases(
            plan,
            proof,
            rows,
            budget_s=limit_s,
            seed=observed.seed,
            progress=lambda done_ratio: progress.update(done_ratio, "searching the worst case"),
        )
    return replace(observed, worst_cases=found, interrupted=interrupted)


def _limit_s(text: str) -> float:
    return _duration_ps(text, "--time-limit") / 10**12


def _duration_ps(text: str, option: str = "--duration") -> int:
    from pydantic_core import PydanticCustomError

    from netplan.design.quantities import PERIOD

    try:
        return int(PERIOD.parse(text))
    except PydanticCustomError as error:
        raise typer.BadParameter(
            f"{text!r}: {error.message()}; {(error.context or {})['hint']}",
            param_hint=option,
        ) from None


def _write_reproduction(design: Path, trial: Trial, lines: list[str]) -> None:
    """Evidence against evidence is a fault of the tool: keep what is needed to see it again."""
    from netplan.files import write_atomically

    asked = f"{design} --seed {trial.seed} --duration {trial.duration}"
    command = f"plantwire validate {asked}"
    if trial.search is not None:
        named = "".join(f" --stream {name}" for name in trial.search.streams)
        command = (
            f"plantwire simulate {asked} --search --time-limit {trial.search.limit_s:g}s{named}"
        )
    file = Path(f"plantwire-contradiction-{trial.seed}.txt")
    write_atomically(file, "\n".join([command, *lines, ""]))
    typer.echo(
        f"the kinds of evidence contradict each other, which is a fault of plantwire; please "
        f"report it with the design and {file}:",
        err=True,
    )
    for line in lines[:5]:
        typer.echo(f"  {line}", err=True)


def bench(
    what: Annotated[
        str, typer.Argument(help="line10, plant, large or all of these; tsn: the table of TSN.")
    ] = "all",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="tsn: this row alone; may be repeated.")
    ] = None,
    networks: Annotated[
        int, typer.Option("--networks", help="tsn: random designs for soundness.", min=1)
    ] = 1000,
    lines: Annotated[
        int, typer.Option("--lines", help="tsn: lines per shaper for tightness.", min=1)
    ] = 6,
    tsnkit: Annotated[
        Path | None, typer.Option("--tsnkit", help="tsn: folder of tsnkit's tables instead.")
    ] = None,
    saihu: Annotated[
        Path | None, typer.Option("--saihu", help="tsn: folder of Saihu's networks instead.")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> ExitStatus:
    """Measure this tool on this host: simulation speed, the example plant, TSN beside its peers."""
    if what == "tsn":
        return _bench_tsn(only or [], networks, lines, tsnkit, saihu, output)
    if only or tsnkit or saihu:
        raise typer.BadParameter("these are for 'bench tsn'", param_hint="--only")
    from emulator.bench.host import measure

    figures = measure(what)
    if output is Format.JSON:
        typer.echo(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            typer.echo(
                f"{name}: {value:,.3f}" if isinstance(value, float) else f"{name}: {value:,}"
            )
    return ExitStatus.OK


def _bench_tsn(
    only: list[str],
    networks: int,
    lines: int,
    tsnkit: Path | None,
    saihu: Path | None,
    output: Format,
) -> ExitStatus:
    """The table of TSN; contradictions of bound and simulation are a fault of the tool."""
    from emulator.bench.foreign import saihu_figures, tsnkit_figures
    from emulator.bench.table import figure_table
    from emulator.bench.tsn import ROWS, Extent, Figure, figures
    from netplan.progress import shown_progress

    unknown = [name for name in only if name not in ROWS]
    if unknown:
        raise typer.BadParameter(
            f"{unknown[0]!r} is no row; known are {', '.join(ROWS)}", param_hint="--only"
        )
    for folder, option in ((tsnkit, "--tsnkit"), (saihu, "--saihu")):
        if folder is not None and not folder.is_dir():
            raise typer.BadParameter(f"{folder} is no folder", param_hint=option)
    found: list[Figure] = []
    with shown_progress() as progress:
        if tsnkit is not None:
            found += tsnkit_figures(tsnkit)
        if saihu is not None:
            found += saihu_figures(saihu)
        if only or (tsnkit is None and saihu is None):
            for figure in figures(
                only, Extent(network_count=networks, line_count=lines), progress.update
            ):
                found.append(figure)
                typer.echo(f"{figure.figure}: {figure.measured}", err=True)
    if output is Format.JSON:
        typer.echo(json.dumps([figure.record() for figure in found], indent=2))
    else:
        figure_table(found)
    refuted = [text for figure in found for text in figure.values.get("refuted") or ()]
    for text in refuted:
        typer.echo(text, err=True)
    return ExitStatus.TOOL_FAULT if refuted else ExitStatus.OK

# SPDX-License-Identifier: Apache-2.0
"""Folders of other tools' instances, timed: schedules of tsnkit's tables, bounds of Saihu's networks."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path

from emulator.bench.proofs import fluid
from emulator.bench.schedules import scheduled
from emulator.bench.tsn import Figure
from netplan.exchange.saihu import read_saihu
from netplan.exchange.tsnkit import problem_of, read_instance

_BEST_FILE = "best_peer_per_flow.csv"
_SLACK_RATIO = 1e-6
_DIGIT_US = 0.005
"""The table of peers has two digits."""
_TIME_LIMIT_S = 30.0


def tsnkit_figures(folder: Path) -> Iterator[Figure]:
    """A schedule for each pair of ``NAME_task.csv`` and ``NAME_topo.csv``.

    Raises:
        DesignError: When a table is wrong.
    """
    for tasks in sorted(folder.glob("*_task.csv")):
        name = tasks.name.removesuffix("_task.csv")
        before_s = time.process_time()
        problem = problem_of(read_instance(tasks, folder / f"{name}_topo.csv"))
        read_s = time.process_time() - before_s
        made = scheduled(problem, time_limit_s=_TIME_LIMIT_S)
        agrees = made.replay is not None and made.replay.agrees
        entries = max((len(port.gates.entries) for port in made.schedule.ports), default=0)
        told = made.schedule.status.value
        if made.replay is not None:
            told += (
                f", {made.replay.message_count} messages replayed, {len(made.replay.faults)} faults"
            )
        yield Figure(
            row="tsnkit",
            figure=f"{name}: {len(problem.streams)} streams",
            measured=f"{told} in {read_s + made.cpu_s:.2f} s, at most {entries} gate entries",
            reached=agrees if made.replay is not None else None,
            values={
                "status": made.schedule.status.value, "cpu_s": read_s + made.cpu_s,
                "replayed": agrees, "max_gate_entries": entries,
            },
        )  # fmt: skip


def saihu_figures(folder: Path) -> Iterator[Figure]:
    """Fluid bounds of each ``NAME.json``, held against ``best_peer_per_flow.csv`` beside them.

    That table has the columns ``network,flow,best_bound_us,method``.

    Raises:
        DesignError: When a file is wrong.
    """
    best: dict[str, dict[str, tuple[float, str]]] = {}
    if (folder / _BEST_FILE).is_file():
        with (folder / _BEST_FILE).open(encoding="utf-8", newline="") as table:
            for line in csv.DictReader(table):
                flows = best.setdefault(line["network"], {})
                flows[line["flow"]] = (float(line["best_bound_us"]), line["method"])
    for file in sorted(folder.glob("*.json")):
        run = fluid(read_saihu(file).network)
        rows = best.get(file.stem, {})
        above = [
            flow
            for flow, (peer_us, _) in rows.items()
            if (own_us := run.bounds_us.get(flow)) is None
            or own_us > peer_us * (1 + _SLACK_RATIO) + _DIGIT_US
        ]
        lower = sum(
            (run.bounds_us.get(flow) or 0) < peer_us - _DIGIT_US
            for flow, (peer_us, _) in rows.items()
        )
        largest = "no bound" if run.largest_us is None else f"{run.largest_us:.2f} us"
        held = f"; {len(above)} of {len(rows)} above the best peer, {lower} below" if rows else ""
        yield Figure(
            row="saihu",
            figure=f"{file.stem}: {len(run.bounds_us)} flows",
            measured=f"largest {largest} in {run.cpu_s:.2f} s{held}",
            to_reach="none above the best peer" if rows else "",
            reached=not above if rows else None,
            peers=", ".join(sorted({method.split("/")[0] for _, method in rows.values()})),
            values={"bounds_us": run.bounds_us, "cpu_s": run.cpu_s, "above": above},
        )

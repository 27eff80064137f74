# SPDX-License-Identifier: Apache-2.0
"""Bound against simulation on generated designs: is any bound refuted, and how near do they come?

Designs go the way of a user's: written as files, read, planned, proven, simulated. A simulation of drawn
behaviour covers all streams; a search then drives a few of them towards their bound.
"""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emulator.bench.designs import random_design
from emulator.bench.long_lines import LEAST_HOPS, long_line
from emulator.simulation.run import simulate
from emulator.simulation.search import search_worst
from emulator.simulation.search_witness import WorstFound
from netplan.bounds.analysis import bound
from netplan.design.findings import DesignError
from netplan.design.load import load_design
from netplan.files import write_folder
from netplan.plan.make import make_plan
from netplan.plan.model import Plan
from netplan.verdict.evidence import BoundEvidence
from netplan.verdict.judge import contradictions

Row = tuple[int, int]
"""Stream and listener."""

_PLANT_TIME_PS = 40 * 10**9


@dataclass(slots=True, kw_only=True)
class Soundness:
    """What was held against each other.

    Attributes:
        design_count: Designs that could be planned.
        refused_count: Designs that could not.
        row_count: Streams and listeners.
        bounded_count: How many of these have a bound.
        frame_count: Frames received in simulations of drawn behaviour.
        run_count: Scenarios of searches.
        refuted: What cannot be true of both, as sentences.
    """

    design_count: int = 0
    refused_count: int = 0
    row_count: int = 0
    bounded_count: int = 0
    frame_count: int = 0
    run_count: int = 0
    refuted: list[str] = field(default_factory=list)


def planned(files: Mapping[str, str]) -> Plan:
    """The plan of a design's files.

    Raises:
        DesignError: When it cannot be planned.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_folder(folder, files)
        return make_plan(*load_design(Path(folder) / "design.yaml"))


def soundness(
    count: int,
    *,
    first: int = 0,
    search_s: float = 0.0,
    progress: Callable[[float], None] = lambda _: None,
) -> Soundness:
    """Hold simulations of random designs against their bounds.

    Args:
        count: Designs that can be planned; the numbers of others are left out.
        first: Number of the first one.
        search_s: Seconds for one search in each design; none when 0.
        progress: Told the share that is done.
    """
    found = Soundness()
    for number in itertools.count(first):
        if found.design_count == count:
            break
        progress(found.design_count / count)
        try:
            plan = planned(random_design(number))
        except DesignError:
            found.refused_count += 1
            continue
        found.design_count += 1
        proof = bound(plan)
        observed = simulate(plan, seed=number, duration_ps=_PLANT_TIME_PS)
        bounded = [(r.stream_index, r.listener_index) for r in proof.streams if r.bound_ps]
        found.row_count += len(proof.streams)
        found.bounded_count += len(bounded)
        found.frame_count += sum(row.frames for row in observed.streams)
        found.refuted += [
            f"design {number}: {one.text()}" for one in contradictions(plan, proof, observed)
        ]
        if search_s and bounded:
            chance = random.Random(number)  # noqa: S311 - can be repeated, no secret
            _search(found, number, plan, proof, chance.choice(bounded), search_s)
    return found


def _search(
    found: Soundness, number: int, plan: Plan, proof: BoundEvidence, row: Row, budget_s: float
) -> None:
    for worst in search_worst(plan, proof, rows=[row], budget_s=budget_s):
        found.run_count += worst.run_count
        if worst.gap_ps is not None and worst.gap_ps < 0:
            found.refuted.append(_refutation(f"design {number}", plan, worst))


def _refutation(where: str, plan: Plan, worst: WorstFound) -> str:
    return (
        f"{where}: a frame of {plan.streams[worst.stream_index].name} was found to take "
        f"{worst.latency_ps} ps, more than the bound of {worst.bound_ps} ps"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tightness:
    """How near bounds come to the worst case found.

    Attributes:
        ratios: Bound over worst found, ascending.
        unbounded_count: Streams without a bound.
        run_count: Scenarios simulated.
        refuted: Streams found later than their bound, as sentences.
    """

    ratios: tuple[float, ...]
    unbounded_count: int
    run_count: int
    refuted: tuple[str, ...]

    def quantile(self, share: float) -> float | None:
        """Least ratio that so many of the streams do not exceed; None without any."""
        if not self.ratios:
            return None
        return self.ratios[min(len(self.ratios) - 1, int(share * len(self.ratios)))]


def tightness(
    kind: str,
    *,
    lines: int,
    search_s: float,
    progress: Callable[[float], None] = lambda _: None,
) -> Tightness:
    """Search the worst cases of the longest streams of each priority on generated lines.

    Args:
        kind: The shaper, one of :data:`emulator.bench.long_lines.KINDS`.
        lines: How many.
        search_s: Seconds for all searches of one line.
        progress: Told the share that is done.
    """
    ratios: list[float] = []
    refuted: list[str] = []
    unbounded = runs = 0
    for number in range(lines):
        progress(number / lines)
        plan = planned({"design.yaml": long_line(kind, number)})
        proof = bound(plan)
        longest: dict[int, tuple[int, Row]] = {}
        for index, stream in enumerate(plan.streams):
            if len(stream.hops) >= LEAST_HOPS:
                one = (len(stream.hops), (index, 0))
                longest[stream.pcp] = max(longest.get(stream.pcp, one), one)
        bounds = {(row.stream_index, row.listener_index): row.bound_ps for row in proof.streams}
        rows = [row for _, row in longest.values() if bounds[row] is not None]
        unbounded += len(longest) - len(rows)
        for worst in search_worst(plan, proof, rows=rows, budget_s=search_s):
            assert worst.bound_ps is not None
            runs += worst.run_count
            if worst.latency_ps > worst.bound_ps:
                refuted.append(_refutation(f"{kind}, line {number}", plan, worst))
            ratios.append(worst.bound_ps / worst.latency_ps)
    return Tightness(
        ratios=tuple(sorted(ratios)),
        unbounded_count=unbounded,
        run_count=runs,
        refuted=tuple(refuted),
    )

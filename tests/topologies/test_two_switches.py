# SPDX-License-Identifier: Apache-2.0
"""The tutorial's numbers, worked by hand and compared to the picosecond.

What is worked here stands in ``topologies/two-switches/README.md`` in the same order. ``expected.json``
beside it holds the verdicts; after a change that is meant, ``python tests/topologies/test_two_switches.py``
writes it anew.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from emulator.simulation.run import simulate
from netplan.bounds.analysis import bound
from netplan.design.load import load_design
from netplan.exit_status import ExitStatus
from netplan.plan.make import make_plan
from netplan.plan.model import Plan
from netplan.verdict.evidence import BoundEvidence, SimulatedEvidence, StreamObservation
from netplan.verdict.judge import Outcome, Verdict, contradictions, exit_status, judge

FOLDER = Path(__file__).parents[2] / "topologies" / "two-switches"
NAMES = ("control", "picture", "log")
SECOND_PS = 10**12

# 100 Mbit/s: 80 ns for an octet.
OCTET = 80_000
PREAMBLE = 8 * OCTET
SMALL, LARGE = 68 * OCTET, 1070 * OCTET
TAKEN_SMALL, TAKEN_LARGE = 88 * OCTET, 1090 * OCTET
SWITCH = 2_000_000
# cat6a: 5.3 ns/m
SHORT, LONG = 10 * 5300, 100 * 5300

# talker; sw1 and 100 m; sw2 and 10 m
LEAST_SMALL = (
    (SMALL + SHORT) + (SWITCH + PREAMBLE + SMALL + LONG) + (SWITCH + PREAMBLE + SMALL + SHORT)
)
LEAST_LARGE = (
    (LARGE + SHORT) + (SWITCH + PREAMBLE + LARGE + LONG) + (SWITCH + PREAMBLE + LARGE + SHORT)
)

CONTROL_WORST = LEAST_SMALL + TAKEN_LARGE
# a log frame that has begun, and a control frame
PICTURE_WORST = LEAST_LARGE + TAKEN_LARGE + TAKEN_SMALL
# three picture frames and a control frame
LOG_WORST = LEAST_LARGE + 3 * TAKEN_LARGE + TAKEN_SMALL
# and once more at sw2.p2, where the bound does not know that frames come one behind the other
PICTURE_BOUND = PICTURE_WORST + TAKEN_LARGE
LOG_BOUND = LOG_WORST + 3 * TAKEN_LARGE

# a control frame 7.04 us behind a log frame
BEHIND_LOG = LEAST_SMALL + TAKEN_LARGE - TAKEN_SMALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A design with everything that follows from it."""

    plan: Plan
    proven: BoundEvidence
    seen: SimulatedEvidence
    verdicts: tuple[Verdict, ...]

    def row(self, name: str) -> StreamObservation:
        (index,) = (i for i, stream in enumerate(self.plan.streams) if stream.name == name)
        return self.seen.streams[index]

    def outcome(self, name: str) -> Outcome:
        (verdict,) = (one for one in self.verdicts if one.target.subject == name)
        return verdict.outcome


def run_of(file: Path, duration_ps: int) -> Run:
    plan = make_plan(*load_design(file))
    proven, seen = bound(plan), simulate(plan, seed=1, duration_ps=duration_ps)
    verdicts = judge(plan, proven, seen)
    assert contradictions(plan, proven, seen) == ()
    return Run(plan=plan, proven=proven, seen=seen, verdicts=verdicts)


@cache
def original() -> Run:
    return run_of(FOLDER / "design.yaml", SECOND_PS)


def changed(folder: Path, *changes: tuple[str, str], duration_ps: int = SECOND_PS) -> Run:
    """The tutorial with some words replaced."""
    shutil.copytree(FOLDER, folder / "copy")
    file = folder / "copy" / "design.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    return run_of(file, duration_ps)


def outcomes(run: Run) -> dict[str, str]:
    return {
        f"{one.target.subject} {one.target.quantity} at {one.target.listener}": one.outcome.value
        for one in run.verdicts
    }


def test_the_sums_are_those_of_the_readme() -> None:
    """A slip in the constants above would be a slip in the README; so its figures stand here again."""
    assert (LEAST_SMALL, LEAST_LARGE) == (22_236_000, 262_716_000)
    assert (TAKEN_SMALL, TAKEN_LARGE) == (7_040_000, 87_200_000)
    assert (CONTROL_WORST, PICTURE_WORST, LOG_WORST) == (109_436_000, 356_956_000, 531_356_000)
    assert (PICTURE_BOUND, LOG_BOUND) == (444_156_000, 792_956_000)
    assert BEHIND_LOG == 102_396_000


def test_frames() -> None:
    assert [stream.emission.messages for stream in original().plan.streams] == [
        ((68,),),
        ((1070, 1070, 1070),),
        ((1070,),),
    ]


def test_bounds() -> None:
    rows = original().proven.streams
    assert [row.minimum_ps for row in rows] == [LEAST_SMALL, LEAST_LARGE, LEAST_LARGE]
    assert [row.bound_ps for row in rows] == [CONTROL_WORST, PICTURE_BOUND, LOG_BOUND]
    assert all(row.loss_free and row.exceedance_probability == 0 for row in rows)


def test_waits_in_the_talkers() -> None:
    assert [row.talker_wait_ps for row in original().proven.streams] == [
        TAKEN_LARGE + PREAMBLE,
        2 * TAKEN_LARGE + PREAMBLE,
        TAKEN_SMALL + PREAMBLE,
    ]


def test_the_terms_of_a_bound_sum_to_it() -> None:
    for row in original().proven.streams:
        assert sum(term.max_ps for hop in row.hops for term in hop.terms) == row.bound_ps
        assert sum(term.min_ps for hop in row.hops for term in hop.terms) == row.minimum_ps


def test_load_and_backlog() -> None:
    run = original()
    egress = {run.plan.egresses[one.egress_index].name: one for one in run.proven.egresses}
    control, picture, log = 0.00704, 3 * 0.00872, 0.01744
    assert egress["plc1.p1"].load_ratio == pytest.approx(control + log)
    assert egress["cam1.p1"].load_ratio == pytest.approx(picture)
    assert egress["sw1.p8"].load_ratio == pytest.approx(control + picture + log)
    assert egress["sw2.p1"].load_ratio == pytest.approx(control)
    assert egress["sw2.p2"].load_ratio == pytest.approx(picture + log)
    work = 4 * TAKEN_LARGE + TAKEN_SMALL - 2 * TAKEN_LARGE
    assert egress["sw1.p8"].backlog_octets == -(-work * 1070 // TAKEN_LARGE) == 2227
    assert egress["sw1.p8"].buffer_octets == 32_000


def test_the_phases_that_seed_1_draws() -> None:
    """The worst control frame tells when it was released; the README derives the rest from that."""
    assert original().row("control").worst_released_ps == 600_418_951


@pytest.mark.parametrize(
    ("name", "frames", "least", "most", "total"),
    [
        # 700 freely, 200 behind a log frame, 100 wait 23.86256 us for a picture frame
        (
            *("control", 1000, LEAST_SMALL, BEHIND_LOG),
            700 * LEAST_SMALL + 200 * BEHIND_LOG + 100 * (LEAST_SMALL + 23_862_560),
        ),
        # the first of each picture freely, two behind a control frame
        (
            *("picture", 300, LEAST_LARGE, LEAST_LARGE + TAKEN_SMALL),
            300 * LEAST_LARGE + 200 * TAKEN_SMALL,
        ),
        ("log", 200, LEAST_LARGE, LEAST_LARGE, 200 * LEAST_LARGE),
    ],
)
def test_one_second_of_seed_1(name: str, frames: int, least: int, most: int, total: int) -> None:
    row = original().row(name)
    assert (row.frames, row.lost, row.min_ps, row.max_ps) == (frames, 0, least, most)
    assert row.mean_ps == pytest.approx(total / frames)


@pytest.mark.parametrize("seed", range(1, 21))
def test_no_seed_exceeds_the_bound_or_the_true_worst_case(seed: int) -> None:
    plan, proven = original().plan, original().proven
    seen = simulate(plan, seed=seed, duration_ps=SECOND_PS // 10)
    assert contradictions(plan, proven, seen) == ()
    worst = (CONTROL_WORST, PICTURE_WORST, LOG_WORST)
    for row, most, least in zip(seen.streams, worst, proven.streams, strict=True):
        assert row.min_ps is not None
        assert row.max_ps is not None
        assert least.minimum_ps <= row.min_ps <= row.max_ps <= most


def test_verdicts() -> None:
    stored = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))["design.yaml"]
    assert outcomes(original()) == stored
    assert exit_status(original().verdicts) == ExitStatus.OK
    margins = {"control": 140_564_000, "picture": 555_844_000, "log": 1_207_044_000}
    for one, row in zip(original().verdicts, original().proven.streams, strict=True):
        assert row.bound_ps is not None
        assert one.target.limit - row.bound_ps == margins[one.target.subject]


WITHOUT_LOG = (
    "  log: {from: plc1, to: edge1, size: 1000 B, every: 5 ms, pcp: 0, deadline: 2 ms}",
    "",
)


def phases(control: str, picture: str, log: str | None) -> tuple[tuple[str, str], ...]:
    last = WITHOUT_LOG if log is None else ("size: 1000 B,", f"size: 1000 B, phase: {log},")
    return (
        ("size: 40 B,", f"size: 40 B, phase: {control},"),
        ("burst: 3000 B,", f"burst: 3000 B, phase: {picture},"),
        last,
    )


@pytest.mark.parametrize(
    ("at", "control", "picture", "log"),
    [
        # Picture enters sw1.p8 at 88.293 us; control, which takes 8.133 us to there, 1 ps later.
        pytest.param(
            ("80160001 ps", "0 ps", None), CONTROL_WORST - 1, LEAST_LARGE + TAKEN_SMALL, None,
            id="worst control",
        ),
        # 1 ps earlier both enter at once, and what came over plc1.p1 goes first: then all three
        # picture frames are behind it.
        pytest.param(
            ("80160 ns", "0 ps", None), LEAST_SMALL, LEAST_LARGE + TAKEN_SMALL, None, id="tie"
        ),
        # Log has sw1.p8 from 88.293 to 175.493 us; picture came 1 ps after it, control at 95.333.
        pytest.param(
            ("10 us", "1 ps", "0 ps"), BEHIND_LOG, PICTURE_WORST - 1, LEAST_LARGE, id="worst picture"
        ),
        # Picture goes first, log came 1 ps later, control is through before the second frame.
        # The second log frame of the 10 ms meets no picture, and control behind it waits 80.16 us.
        pytest.param(
            ("10 us", "0 ps", "1 ps"), BEHIND_LOG, LEAST_LARGE + TAKEN_SMALL, LOG_WORST - 1,
            id="worst log",
        ),
        # Control at once; log leaves plc1 at 7.04 us and enters sw1.p8 at 95.333, during the first
        # picture frame (88.293 to 175.493): it waits 80.16 us. The second picture frame enters just
        # then, waits for log (87.2 us), and the third for the second.
        pytest.param(
            ("0 ps", "0 ps", "0 ps"), LEAST_SMALL, LEAST_LARGE + TAKEN_LARGE,
            LEAST_LARGE + TAKEN_LARGE - TAKEN_SMALL, id="all at 0",
        ),
    ],
)  # fmt: skip
def test_phases_chosen_by_hand(
    tmp_path: Path, at: tuple[str, str, str | None], control: int, picture: int, log: int | None
) -> None:
    run = changed(tmp_path, *phases(*at), duration_ps=SECOND_PS // 100)
    assert run.row("control").max_ps == control
    assert run.row("picture").max_ps == picture
    if log is not None:
        assert run.row("log").max_ps == log
    backlog = max(one.max_backlog_octets for one in run.seen.egresses)
    assert backlog <= 2140


def test_mean_of_a_run_chosen_by_hand(tmp_path: Path) -> None:
    """All at 0, 10 ms: picture waits 0, 87.2 and 87.2 us, log 80.16 us and nothing."""
    run = changed(tmp_path, *phases("0 ps", "0 ps", "0 ps"), duration_ps=SECOND_PS // 100)
    assert run.row("picture").mean_ps == pytest.approx(LEAST_LARGE + 2 * TAKEN_LARGE / 3)
    assert run.row("log").mean_ps == pytest.approx(LEAST_LARGE + (TAKEN_LARGE - TAKEN_SMALL) / 2)
    assert run.row("log").max_talker_wait_ps == TAKEN_SMALL


@pytest.mark.parametrize(
    ("old", "new", "name", "outcome", "status"),
    [
        ("250 us", "105 us", "control", Outcome.NOT_PROVEN, ExitStatus.NOT_PROVEN),
        ("250 us", "100 us", "control", Outcome.MISSED, ExitStatus.MISSED),
        ("250 us", "22 us", "control", Outcome.MISSED, ExitStatus.MISSED),
        (
            "deadline: 1 ms",
            "deadline: 400 us",
            "picture",
            Outcome.NOT_PROVEN,
            ExitStatus.NOT_PROVEN,
        ),
        ("every: 10 ms", "every: 250 us", "picture", Outcome.MISSED, ExitStatus.MISSED),
        ("every: 10 ms", "every: 250 us", "control", Outcome.NOT_PROVEN, ExitStatus.MISSED),
        ("burst: 3000 B", "burst: 30 kB", "log", Outcome.NOT_PROVEN, ExitStatus.NOT_PROVEN),
        ("pcp: 0", "pcp: 6", "control", Outcome.MET, ExitStatus.OK),
    ],
)
def test_break_it(
    tmp_path: Path, old: str, new: str, name: str, outcome: Outcome, status: ExitStatus
) -> None:
    run = changed(tmp_path, (old, new))
    assert run.outcome(name) == outcome
    assert exit_status(run.verdicts) == status
    if new == "pcp: 6":
        # behind the log frame of the same cable, and a picture frame that has begun
        assert run.proven.streams[0].bound_ps == BEHIND_LOG + TAKEN_LARGE == 189_596_000


def test_what_binds_is_part_of_the_latency(tmp_path: Path) -> None:
    """The frame that took 102.396 us waited 80.16 of them at sw1.p8; in plc1 it waited before that."""
    (control, *_) = changed(tmp_path, ("250 us", "100 us")).verdicts
    assert control.binding == "sw1.p8"


def test_the_readme_has_these_numbers() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for time_ps in (
        *(LEAST_SMALL, LEAST_LARGE, CONTROL_WORST, PICTURE_WORST, LOG_WORST, PICTURE_BOUND),
        *(LOG_BOUND, BEHIND_LOG, CONTROL_WORST - 1, PICTURE_WORST - 1, LOG_WORST - 1),
    ):
        assert re.search(rf"(?<![\d.]){time_ps / 10**6:.6f}".rstrip("0"), text), time_ps


if __name__ == "__main__":
    stored_text = json.dumps({"design.yaml": outcomes(original())}, indent=2)
    (FOLDER / "expected.json").write_text(stored_text + "\n", encoding="utf-8")

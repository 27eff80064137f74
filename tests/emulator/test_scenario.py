# SPDX-License-Identifier: Apache-2.0
"""Faults from the command line and the design: what is understood, and what becomes of a plant.

Rings here have four bridges at 1 Gbit/s with cables of 1 m. A protocol frame takes 576 ns on the wire (72
octets), 5.3 ns in the cable and 17.336 us in each bridge (5 us, and a frame of 1542 octets that it may have
to wait for): 17.9173 us per hop.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from emulator.scenario import scenario
from emulator.simulation.faults import Fault, LinkCut, NodeOutage, TalkerFault
from netplan.command import main
from netplan.design.load import load_design
from netplan.exit_status import ExitStatus
from netplan.plan.make import make_plan
from netplan.verdict import store

MS = 10**9
HOP_NS = 17_917.3
RING = """\
plantwire: 1
name: ring
nodes:
  plc: {is: plc}
  s1: {is: switch}
  s2: {is: switch}
  s3: {is: switch}
  s4: {is: switch}
  srv: {is: server, model: generic-server-1g}
  cam: {is: camera}
links:
  - {between: [plc.p1, s1.p1], medium: cat6a, length: 1 m}
  - {between: [s1.p2, s2.p3], medium: cat6a, length: 1 m}
  - {between: [s2.p2, s3.p3], medium: cat6a, length: 1 m}
  - {between: [s3.p2, s4.p3], medium: cat6a, length: 1 m}
  - {between: [s4.p2, s1.p3], medium: cat6a, length: 1 m}
  - {between: [srv.p1, s3.p1], medium: cat6a, length: 1 m}
  - {between: [cam.p1, s1.p4], medium: cat6a, length: 1 m}
streams:
  x: {from: plc, to: srv, size: 100 B, every: 1 ms, deadline: 1 ms}
  film: {from: cam, to: srv, size: 1000 B, every: 10 ms, policed: true}
faults:
  both: [{cut: [s3, s2.p2], at: 10 ms, until: 20 ms}, {down: s4, at: 30 ms}]
"""
MRP = "redundancy: {hall: {kind: mrp, nodes: [s1, s2, s3, s4]}}\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "design.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def faults_of(folder: Path, *wanted: str) -> tuple[Fault, ...]:
    design, _ = load_design(written(folder, RING + MRP))
    return scenario(design, make_plan(design), wanted)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (
            "cut s2.p2 - s3.p3 at 20ms until 50 ms",
            LinkCut(ends=("s2.p2", "s3.p3"), at_ps=20 * MS, until_ps=50 * MS),
        ),
        ("cut s3 - s2 at 0 s", LinkCut(ends=("s3.p3", "s2.p2"), at_ps=0)),
        (
            "corrupt s2 - s3.p3 at 1.5 ms",
            LinkCut(ends=("s2.p2", "s3.p3"), at_ps=1_500_000_000, is_silent=True),
        ),
        ("down s1 at 20 ms", NodeOutage(node="s1", at_ps=20 * MS)),
        ("silent x at 1 s", TalkerFault(stream="x", babbles=False, at_ps=1000 * MS)),
        (
            "  babbling  film at 1 ms until 2 ms ",
            TalkerFault(stream="film", babbles=True, at_ps=MS, until_ps=2 * MS),
        ),
    ],
)
def test_lines_are_understood(tmp_path: Path, line: str, fault: Fault) -> None:
    assert faults_of(tmp_path, line) == (fault,)


def test_a_scenario_of_the_design_and_a_line_together(tmp_path: Path) -> None:
    assert faults_of(tmp_path, "both", "down s1 at 40 ms") == (
        LinkCut(ends=("s3.p3", "s2.p2"), at_ps=10 * MS, until_ps=20 * MS),
        NodeOutage(node="s4", at_ps=30 * MS),
        NodeOutage(node="s1", at_ps=40 * MS),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("cut s2 s3 at 20 ms", "is no fault; expected 'cut A - B at TIME'"),
        ("down s1", "is no fault"),
        ("down s1 at 20", "without a unit"),
        ("down s1 at soon", "'soon'"),
        ("down s1 at 20 ms until 10 ms", "over before it begins"),
        ("down s9 at 20 ms", "there is no such node: s9"),
        ("cut s1 - s3 at 20 ms", "there is no such link: s1 - s3"),
        ("cut s1.p9 - s2 at 20 ms", "there is no such link"),
        ("silent y at 20 ms", "there is no such stream: y"),
        ("bothh", "did you mean 'both'?"),
    ],
)
def test_what_cannot_be_understood_says_what_was_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    file = str(written(tmp_path, RING + MRP))
    assert main(["simulate", file, "--fault", line]) == ExitStatus.WRONG_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert "--fault" in err
    assert message in err


def simulated(file: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    status = main(["simulate", str(file), "--format", "json", *arguments])
    assert status in {ExitStatus.OK, ExitStatus.MISSED, ExitStatus.NOT_PROVEN}
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize(
    ("ring", "fault", "recovered_ns", "promised_ns"),
    [
        # s2 notices after 1 ms and tells the manager s1, one hop away, which opens its other port
        # and lets all flush: s4 after another hop.
        ("kind: mrp", "cut s2 - s3 at 110 ms", 1_000_000 + 2 * HOP_NS, 200_000_000),
        (
            "kind: mrp, detection: 5 ms",
            "cut s2 - s3 at 110 ms",
            5_000_000 + 2 * HOP_NS,
            200_000_000,
        ),
        # Nobody notices: the tests of 120 and 140 ms do not come back, and at 160 ms the manager
        # opens the ring; 3 announcements of 10 ms each name 190 ms, s3 hears of it two hops away.
        ("kind: mrp", "corrupt s2 - s3 at 110 ms", 80_000_000 + 2 * HOP_NS, 200_000_000),
        # Tests each 3.5 ms: the last to come back is that of 108.5 ms; 112 and 115.5 are missed;
        # open at 119 ms, and 3 times 0.5 ms of announcements.
        (
            "kind: mrp, recovery: 30 ms",
            "corrupt s2 - s3 at 110 ms",
            10_500_000 + 2 * HOP_NS,
            30_000_000,
        ),
        # The beacon of 110.0 ms gets around, over 4 hops; 1.96 ms later the supervisor opens.
        ("kind: dlr", "corrupt s2 - s3 at 110.1 ms", 1_860_000 + 4 * HOP_NS, 3_000_000),
        # s3 takes its alternate port to s4 as soon as it notices; s4 and the root s1 hear of it.
        ("kind: rstp", "cut s2 - s3 at 110 ms", 1_000_000 + 2 * HOP_NS, None),
        # The link in reserve: nobody has to do anything but to forget.
        ("kind: mrp", "cut s4 - s1 at 110 ms", None, 200_000_000),
    ],
)
def test_rings_recover_as_worked_out_by_hand(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ring: str,
    fault: str,
    recovered_ns: float | None,
    promised_ns: int | None,
) -> None:
    file = written(tmp_path, RING + f"redundancy: {{hall: {{{ring}, nodes: [s1, s2, s3, s4]}}}}\n")
    answer = simulated(file, capsys, "--duration", "300ms", "--fault", fault)
    (row,) = answer["evidence"]["simulated"]["ring_recoveries"]
    assert row["promised_ns"] == promised_ns
    if recovered_ns is None:
        assert row["recovered_ns"] <= 100_000_000
        assert all(stream["outage"] is None for stream in answer["streams"])
        return
    assert row["recovered_ns"] == recovered_ns
    assert row["kept"] is (None if promised_ns is None else True)
    x = answer["streams"][0]
    # A message each millisecond: as many are lost as releases fall into the recovery.
    assert abs(x["outage"]["lost"] - recovered_ns / 1e6) <= 1.1
    assert abs(x["outage"]["outage_ns"] - 1e6 * x["outage"]["lost"]) < 50_000
    assert x["outage"]["over"]


def test_a_promise_that_is_not_kept_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A second fault follows before the manager has missed its tests.
    file = str(written(tmp_path, RING + MRP))
    arguments = ["--fault", "corrupt s2 - s3 at 110 ms", "--fault", "down s4 at 120 ms"]
    main(["simulate", file, "--duration", "200ms", *arguments])
    out = capsys.readouterr().out
    assert "not recovered before the next event" in out
    assert "NOT KEPT" in out
    assert "not over" in out


def test_a_stream_without_a_ring_stays_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, RING.replace("  - {between: [s4.p2, s1.p3]", "  # "))
    answer = simulated(file, capsys, "--duration", "100ms", "--fault", "cut s2 - s3 at 50 ms")
    x = answer["streams"][0]
    assert x["outage"]["lost"] == 50
    assert not x["outage"]["over"]
    assert {one["verdict"] for one in answer["targets"]} == {"missed"}
    assert answer["evidence"]["simulated"]["faults"] == ["cut s2.p2 - s3.p3 at 50 ms"]


def test_a_silent_talker_loses_nothing_and_stays_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, RING + MRP)
    fault = "silent x at 20 ms until 30 ms"
    answer = simulated(file, capsys, "--duration", "100ms", "--fault", fault)
    x, film = answer["streams"]
    assert x["simulated"]["frames"] == 90
    assert x["outage"]["lost"] == 0
    assert abs(x["outage"]["outage_ns"] - 10_000_000) < 50_000
    assert film["outage"] is None


def test_policing_keeps_a_babbling_talker_from_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = "babbling film at 20 ms until 60 ms"
    seen = {}
    for policed in (True, False):
        text = RING + MRP
        if not policed:
            text = text.replace(", policed: true", "")
        text = text.replace("size: 1000 B", "pcp: 7, size: 1000 B")  # above x everywhere
        answer = simulated(written(tmp_path, text), capsys, "--duration", "80ms", "--fault", fault)
        seen[policed] = answer["streams"][0]
        assert [row["id"] for row in answer["streams"]] == ["x", "film"]
    assert seen[True]["outage"] is None
    assert seen[True]["simulated"]["max_ns"] < 200_000
    # Unpoliced, the camera fills the link to s2, and x waits until it is over.
    assert seen[False]["simulated"]["max_ns"] > 10_000_000


def test_evidence_of_faults_can_be_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, RING + MRP)
    out = tmp_path / "results"
    fault = "cut s2 - s3 at 50 ms"
    simulated(file, capsys, "--duration", "100ms", "--fault", fault, "--out", str(out))
    evidence = store.load_simulated(out / "simulated.json")
    assert evidence.faults == ("cut s2.p2 - s3.p3 at 50 ms",)
    assert evidence.ring_recoveries[0].is_kept
    plan = store.load_plan(out / "plan.json")
    assert plan == make_plan(load_design(file)[0])


def test_a_search_shows_the_worst_case_beside_the_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, RING + MRP)
    report = tmp_path / "report.html"
    answer = simulated(
        file, capsys, "--search", "--stream", "x", "--time-limit", "6s", "--duration", "10ms",
        "--report", str(report),
    )  # fmt: skip
    x, film = answer["streams"]
    case = x["worst_case"]
    assert film["worst_case"] is None
    assert x["simulated"]["max_ns"] <= case["latency_ns"] <= x["bound_ns"]
    assert case["gap_ns"] == pytest.approx(x["bound_ns"] - case["latency_ns"])
    assert 1 <= case["bound_ratio"] < 1.05
    # The long way over s2 and s3 and the one over s4 are alike; the film meets x on either.
    assert set(case["first_releases_ns"]) <= {"x", "film"}
    assert "worst case found" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--search", "--stream", "y"], "there is no stream 'y'"),
        (["--stream", "x"], "it chooses what --search looks at"),
        (["--search", "--fault", "both"], "leave --fault out"),
        (["--search", "--time-limit", "5"], "--time-limit"),
    ],
)
def test_wrong_options_of_a_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    file = str(written(tmp_path, RING + MRP))
    assert main(["simulate", file, *arguments]) == ExitStatus.WRONG_INPUT
    assert message in capsys.readouterr().err


def test_an_interrupted_search_keeps_what_was_found() -> None:
    entry = "import sys; from netplan.command import main; sys.exit(main())"
    plant = str(Path(__file__).parents[2] / "topologies/electronics-line")
    command = [sys.executable, "-c", entry, "simulate", plant, "--search"]
    command += ["--time-limit", "3000s", "--duration", "10ms", "--format", "json"]
    output, status = "", 0
    for wait_s in (6, 12, 24, 48):  # until importing and compiling is over on this host
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            time.sleep(wait_s)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
            status = process.returncode
        if output and any(row["worst_case"] for row in json.loads(output)["streams"]):
            break
    assert status == ExitStatus.INTERRUPTED
    cases = [row["worst_case"] for row in json.loads(output)["streams"]]
    assert any(case is not None and case["latency_ns"] > 0 for case in cases)

# SPDX-License-Identifier: Apache-2.0
"""The commands as a user or script runs them, on the tutorial plant."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netplan.command import main
from netplan.exit_status import ExitStatus

ROOT = Path(__file__).parents[2]
TUTORIAL = str(ROOT / "topologies/two-switches/design.yaml")
RADIO = """\
plantwire: 1
name: one vehicle
networks:
  cell: {kind: 5g, carrier: 3.75 GHz, bandwidth: 40 MHz, subcarrier_spacing: 30 kHz,
         pattern: DDSU, block_error: 1e-2}
nodes:
  gnb: {is: gnb, network: cell, at: [10 m, 10 m]}
  upf: {is: upf, network: cell}
  agv: {is: agv, at: [20 m, 20 m], attach: {nr1: {network: cell}}}
  plc: {is: plc}
links:
  - {between: [gnb.lan1, upf.lan1], medium: cat6a, length: 5 m}
  - {between: [upf.lan2, plc], medium: cat6a, length: 5 m}
streams:
  steer: {from: agv, to: plc, size: 100 B, every: 20 ms, deadline: 20 ms%s}
"""


def test_validate_gives_both_kinds_of_evidence_and_a_verdict(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    status = main(
        ["validate", TUTORIAL, "--format", "json", "--report", str(report), "--out", str(tmp_path)]
    )
    answer = json.loads(capsys.readouterr().out)
    assert status == ExitStatus.OK
    assert {target["verdict"] for target in answer["targets"]} == {"met"}
    for stream in answer["streams"]:
        assert stream["simulated"]["max_ns"] <= stream["bound_ns"]
    assert "two switches" in report.read_text(encoding="utf-8")
    written = sorted(path.name for path in tmp_path.glob("*.json"))
    assert written == ["bound.json", "plan.json", "results.json", "simulated.json"]
    assert json.loads((tmp_path / "results.json").read_text()) == answer


def test_equal_seeds_give_equal_answers(capsys: pytest.CaptureFixture[str]) -> None:
    answers = []
    for seed in ("3", "3", "4"):
        main(["simulate", TUTORIAL, "--seed", seed, "--duration", "100ms", "--format", "json"])
        answers.append(json.loads(capsys.readouterr().out)["evidence"]["simulated"]["trace_hash"])
    assert answers[0] == answers[1] != answers[2]


@pytest.mark.parametrize(
    ("evidence", "made"),
    [
        ("bound", {"bound"}),
        ("simulated", {"simulated"}),
        ("simulated, bound", {"bound", "simulated"}),
    ],
)
def test_only_what_was_asked_for_is_made(
    evidence: str, made: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["validate", TUTORIAL, "--evidence", evidence, "--duration", "10ms", "--format", "json"])
    answer = json.loads(capsys.readouterr().out)
    assert {kind for kind, one in answer["evidence"].items() if one["made"]} == made


def test_an_interrupted_run_keeps_what_is_done(tmp_path: Path) -> None:
    entry = "import sys; from netplan.command import main; sys.exit(main())"
    file = tmp_path / "design.yaml"
    file.write_text(RADIO % "")  # random, so that the run does not end by itself
    command = [sys.executable, "-c", entry, "validate", str(file), "--duration", "600000s"]
    command += ["--format", "json", "--out", str(tmp_path)]
    output, status = "", 0
    for wait_s in (4, 8, 16, 32):  # until importing and compiling is over on this host
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            time.sleep(wait_s)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
            status = process.returncode
        if output:
            break
    assert status == ExitStatus.INTERRUPTED
    simulated = json.loads(output)["evidence"]["simulated"]
    assert simulated["complete"] is False
    assert 0 < simulated["duration_ns"] < 600_000 * 10**9
    assert (tmp_path / "results.json").is_file()


def test_radio_without_tolerated_misses_is_not_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "design.yaml"
    file.write_text(RADIO % "")
    assert main(["validate", str(file), "--duration", "100ms"]) == ExitStatus.NOT_PROVEN
    assert "misses" in capsys.readouterr().out
    file.write_text(RADIO % ", misses: 1e-4")
    assert main(["validate", str(file), "--duration", "100ms"]) == ExitStatus.OK


def test_a_deadline_that_physics_forbids_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "topologies/two-switches/design.yaml").read_text()
    file = tmp_path / "design.yaml"
    catalog = ROOT / "topologies/two-switches/catalog"
    changed = text.replace("deadline: 250 us", "deadline: 20 us")
    file.write_text(changed.replace("catalog: [catalog]", f"catalog: [{catalog}]"))
    assert changed != text
    assert main(["bound", str(file)]) == ExitStatus.MISSED
    assert "control" in capsys.readouterr().out


def test_sensitivity_names_the_value_that_turns_a_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "design.yaml"
    # gNB and UPF forward within at most 100 us and more by the catalogue, which is unsure of it.
    file.write_text((RADIO % ", misses: 1e-4").replace("deadline: 20 ms", "deadline: 7900 us"))
    assert main(["sensitivity", str(file), "--format", "json", "--factor", "4"]) == ExitStatus.OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["tried"]
    for turn in answer["turns"]:
        assert turn["subject"] == "steer"
        assert turn["factor_ratio"] != 1


def test_a_wired_stream_behind_a_radio_says_what_its_proof_rests_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Late frames from the air bunch up; whoever shares a wire with them is proven only without."""
    text = (RADIO % ", misses: 1e-4").replace(
        "[upf.lan2, plc]", "[upf.lan2, sw]"
    ) + "  beside: {from: camera, to: plc, size: 100 B, every: 20 ms, deadline: 20 ms}\n"
    text = text.replace(
        "  plc: {is: plc}\n", "  plc: {is: plc}\n  sw: {is: switch}\n  camera: {is: camera}\n"
    )
    text = text.replace(
        "streams:",
        "  - {between: [sw, plc], medium: cat6a, length: 5 m}\n"
        "  - {between: [camera, sw], medium: cat6a, length: 5 m}\nstreams:",
    )
    file = tmp_path / "design.yaml"
    file.write_text(text)
    assert main(["bound", str(file), "--format", "json"]) == ExitStatus.OK
    targets = json.loads(capsys.readouterr().out)["targets"]
    (why,) = [target["why"] for target in targets if target["subject"] == "beside"]
    assert "as long as streams over radio keep to their share" in why

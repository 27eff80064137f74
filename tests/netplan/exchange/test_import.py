# SPDX-License-Identifier: Apache-2.0
"""Files of other tools become designs that keep their names and give their numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netplan.command import main
from netplan.exit_status import ExitStatus

TASK = """stream,src,dst,size,period,deadline,jitter
0,2,[3],100,1000000,1000000,1000000
1,2,[3],200,500000,500000,500000
"""
TOPO = """link,q_num,rate,t_proc,t_prop
"(0, 1)",8,1,2000,0
"(1, 0)",8,1,2000,0
"(0, 2)",8,1,2000,0
"(2, 0)",8,1,2000,0
"(1, 3)",8,1,2000,0
"(3, 1)",8,1,2000,0
"""


def test_a_scheduling_instance_is_scheduled_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stream 0: three links of 100 octets at 1 ns a bit (800 ns) and twice 2 us: 6.4 us."""
    (tmp_path / "t.csv").write_text(TASK, encoding="utf-8")
    (tmp_path / "l.csv").write_text(TOPO, encoding="utf-8")
    files = [str(tmp_path / "t.csv"), str(tmp_path / "l.csv")]
    assert main(["import", "tsnkit", *files, "-o", str(tmp_path / "d")]) == ExitStatus.OK
    capsys.readouterr()
    assert main(["schedule", str(tmp_path / "d"), "--format", "json"]) == ExitStatus.OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "feasible"
    assert answer["replayed"] is True
    assert answer["max_gate_entries"] > 0
    assert set(answer["phases_ns"]) == {"0", "1"}
    assert main(["bound", str(tmp_path / "d"), "--format", "json"]) in set(ExitStatus)
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)["streams"]}
    assert rows["0"]["minimum_ns"] == pytest.approx(3 * 800 + 2 * 2000)


def test_a_single_server_gives_the_textbook_delay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two flows of 1 kB at 100 Mbit/s after 10 us: 10 us + 16 000 bit / 100 Mbit/s = 170 us.

    Source: Le Boudec, Thiran, Network Calculus (2001), theorem 1.4.2 (T + b / R).
    """
    network = {
        "network": {"name": "one", "multiplexing": "FIFO"},
        "flows": [
            {
                "name": name,
                "path": ["s"],
                "arrival_curve": {"bursts": ["1kB"], "rates": ["1Mbps"]},
                "max_packet_length": "1kB",
            }
            for name in ("a", "b")
        ],
        "servers": [
            {
                "name": "s",
                "service_curve": {"latencies": ["10us"], "rates": ["100Mbps"]},
                "capacity": "100Mbps",
            }
        ],
    }
    (tmp_path / "n.json").write_text(json.dumps(network), encoding="utf-8")
    out = str(tmp_path / "d")
    assert main(["import", "saihu", str(tmp_path / "n.json"), "-o", out]) == ExitStatus.OK
    capsys.readouterr()
    assert main(["bound", out, "--fluid", "--format", "json"]) == ExitStatus.OK
    rows = json.loads(capsys.readouterr().out)["streams"]
    assert {row["id"]: row["bound_ns"] for row in rows} == {"a": 170_000, "b": 170_000}


def test_wrong_files_are_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "n.json").write_text("[]", encoding="utf-8")
    file, out = str(tmp_path / "n.json"), str(tmp_path / "d")
    assert main(["import", "saihu", file, "-o", out]) == ExitStatus.WRONG_INPUT
    assert main(["import", "tsnkit", file, "-o", out]) == ExitStatus.WRONG_INPUT
    assert not (tmp_path / "d").exists()
    assert "needs 2 files" in capsys.readouterr().err

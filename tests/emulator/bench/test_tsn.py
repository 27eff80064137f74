# SPDX-License-Identifier: Apache-2.0
"""The table of TSN: figures that take no time to measure, and how they are told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.bench.foreign import saihu_figures, tsnkit_figures
from emulator.bench.schedules import proposal_of, scheduled
from emulator.bench.tsn import ROWS, Extent, Figure, figures
from emulator.replay import replay
from netplan.command import main
from netplan.exit_status import ExitStatus
from netplan.tsn.synthesis.instances import generated, line
from netplan.tsn.synthesis.problem import Options
from netplan.tsn.synthesis.synthesise import synthesise

TASKS = """\
stream,src,dst,size,period,deadline,jitter
0,2,[3],200,500000,500000,500000
1,2,[3],100,500000,500000,500000
"""
LINKS = """\
link,q_num,rate,t_proc,t_prop
"(0, 1)",8,1,2000,0
"(1, 0)",8,1,2000,0
"(0, 2)",8,1,2000,0
"(2, 0)",8,1,2000,0
"(1, 3)",8,1,2000,0
"(3, 1)",8,1,2000,0
"""
NETWORK = {
    "network": {"name": "two", "multiplexing": "FIFO", "packetizer": False},
    "servers": [
        {
            "name": name,
            "service_curve": {"latencies": ["10us"], "rates": ["100Mbps"]},
            "capacity": "100Mbps",
        }
        for name in ("s0", "s1")
    ],
    "flows": [
        {
            "name": "f",
            "path": ["s0", "s1"],
            "arrival_curve": {"bursts": ["1kB"], "rates": ["20Mbps"]},
            "max_packet_length": "1kB",
        }
    ],
}


def measured(*names: str) -> list[Figure]:
    return list(figures(names, Extent(network_count=2, line_count=1), lambda _, __: None))


@pytest.mark.parametrize("name", ["afdx", "cases", "soundness"])
def test_what_is_determined_is_reached(name: str) -> None:
    found = measured(name)
    assert found
    assert all(figure.row == name and figure.reached for figure in found)


def test_every_row_can_be_asked_for() -> None:
    assert list(ROWS) == [
        "line10", "line10-gates", "cases", "schedules", "fluid", "afdx", "large", "soundness",
        "tightness",
    ]  # fmt: skip


def test_a_schedule_is_replayed_to_the_picosecond() -> None:
    made = scheduled(generated(line(4), 20))
    assert made.replay is not None
    assert made.replay.agrees
    assert made.replay.largest_deviation_ps == 0


def test_a_replay_finds_a_schedule_that_is_wrong() -> None:
    problem = generated(line(4), 20)
    schedule = synthesise(problem, Options())
    late = replace(schedule.placements[0], phase_ps=schedule.placements[0].phase_ps + 10**8)
    wrong = proposal_of(problem, replace(schedule, placements=(late, *schedule.placements[1:])))
    told = replace(wrong, schedule=schedule)  # computed times of the right one
    assert replay(proposal_of(problem, schedule)).agrees
    assert not replay(told).agrees


def test_folders_of_other_tools(tmp_path: Path) -> None:
    (tmp_path / "a_task.csv").write_text(TASKS)
    (tmp_path / "a_topo.csv").write_text(LINKS)
    (tmp_path / "two.json").write_text(json.dumps(NETWORK))
    # 80 us for the burst, 10 us at each server; twice that is what a peer may print.
    (tmp_path / "best_peer_per_flow.csv").write_text(
        "network,flow,best_bound_us,method\ntwo,f,200,panco:TFA\n"
    )
    (table,) = tsnkit_figures(tmp_path)
    assert table.reached
    assert table.values["status"] == "feasible"
    (network,) = saihu_figures(tmp_path)
    assert network.reached
    assert network.values["bounds_us"]["f"] == pytest.approx(100)
    (tmp_path / "best_peer_per_flow.csv").write_text(
        "network,flow,best_bound_us,method\ntwo,f,50,panco:TFA\n"
    )
    (network,) = saihu_figures(tmp_path)
    assert network.reached is False
    assert network.values["above"] == ["f"]


def test_command_prints_the_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["bench", "tsn", "--only", "afdx", "--format", "json"])
    assert status == ExitStatus.OK
    (first, *_) = json.loads(capsys.readouterr().out)
    assert first["row"] == "afdx"
    assert first["values"] == {"bounds_us": [272.0, 272.0]}
    main(["bench", "tsn", "--only", "afdx"])
    assert "276.02 us" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(("tsn", "--only", "nothing"), "'nothing' is no row", id="row"),
        pytest.param(("tsn", "--saihu", "nowhere"), "nowhere is no folder", id="folder"),
        pytest.param(("line10", "--only", "afdx"), "these are for 'bench tsn'", id="option"),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *arguments]) == ExitStatus.WRONG_INPUT
    assert text in " ".join(capsys.readouterr().err.split())

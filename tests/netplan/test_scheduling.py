# SPDX-License-Identifier: Apache-2.0
"""What a design must say about preemption before its streams can be scheduled."""

from __future__ import annotations

from pathlib import Path

import pytest

from netplan.bounds.analysis import bound
from netplan.design.findings import DesignError
from netplan.design.load import load_design
from netplan.scheduling import propose
from netplan.tsn.synthesis.result import Status

DESIGN = """\
plantwire: 1
name: cell
tsn:
  preemption: {{express: [{express}]}}
  schedule: {{protect: {protect}}}
nodes:
  plc1: {{is: plc}}
  sw1: {{is: tsn-bridge, model: generic-tsn-16x1g-4x10g-sfp}}
  sw2: {{is: tsn-bridge, model: generic-tsn-16x1g-4x10g-sfp}}
  drive1: {{is: drive}}
  cam1: {{is: camera}}
links:
  - {{between: [plc1, sw1], medium: cat6a, length: 2 m}}
  - {{between: [cam1, {camera}], medium: cat6a, length: 2 m}}
  - {{between: [sw1, sw2], medium: cat6a, length: 2 m}}
  - {{between: [sw2, drive1], medium: cat6a, length: 2 m}}
streams:
  axis: {{from: plc1, to: drive1, size: 60 B, every: 1 ms, pcp: 6, scheduled: true, deadline: 500 us}}
  view: {{from: cam1, to: {viewer}, size: 900 B, every: 1 ms, pcp: 7, deadline: 1 ms}}
"""


def proposed(folder: Path, **texts: str) -> Status:
    path = folder / "design.yaml"
    given = {"camera": "sw1", "viewer": "drive1", **texts}
    path.write_text(DESIGN.format(**given), encoding="utf-8")
    design, _ = load_design(path)
    return propose(design).schedule.status


@pytest.mark.parametrize("protect", ["preemption", "guard band"])
def test_nobody_else_is_express_where_scheduled_frames_go(tmp_path: Path, protect: str) -> None:
    # What 'view' interrupts behind sw1 would go on in a window.
    with pytest.raises(DesignError) as raised:
        proposed(tmp_path, express="6, 7", protect=protect)
    assert [finding.code for finding in raised.value.findings] == ["SCHEDULE-EXPRESS"]
    assert "'view' is express and not scheduled" in raised.value.findings[0].message


def test_others_may_be_express_elsewhere(tmp_path: Path) -> None:
    other = {"camera": "sw1", "viewer": "plc1"}  # the other way round: no port in common
    assert proposed(tmp_path, express="6, 7", protect="preemption", **other) is Status.FEASIBLE


def test_scheduled_frames_need_not_be_express_behind_a_guard_band(tmp_path: Path) -> None:
    assert proposed(tmp_path, express="4", protect="guard band") is Status.FEASIBLE
    with pytest.raises(DesignError, match="scheduled and preemptable"):
        proposed(tmp_path, express="4", protect="preemption")


def test_what_is_scarce_is_named(tmp_path: Path) -> None:
    # 'bulk' leaves plc1 where nothing holds it back: each scheduled frame of plc1 may come up to a frame
    # of it later, keeps its queue in sw1 for that long, and 150 of them need twice the time there is.
    design = DESIGN.format(camera="sw1", viewer="plc1", express="6", protect="guard band")
    for number in range(150):
        design += (
            f"  s{number}: {{from: plc1, to: drive1, size: 60 B, every: 1 ms, pcp: 6, "
            "scheduled: true, deadline: 1 ms}\n"
        )
    design += "  bulk: {from: plc1, to: drive1, rate: 300 Mbit/s, pcp: 0}\n"
    path = tmp_path / "design.yaml"
    path.write_text(design, encoding="utf-8")
    schedule = propose(load_design(path)[0], time_limit_s=1).schedule
    assert schedule.status is Status.UNKNOWN
    scarce = schedule.obstacles[-1].text
    assert "the queue of sw1." in scarce
    assert "plc1.p1 has no gates, and another frame of 1470 octets may be before it" in scarce


TASKS = """\
plantwire: 1
name: loop
nodes:
  plc1: {is: plc, tasks: {motion: {cycle: 1 ms, phase: 250 us, work: 200 us}}}
  sw1: {is: tsn-bridge, model: generic-tsn-16x1g-4x10g-sfp}
  drive1: {is: drive}
links:
  - {between: [plc1, sw1], medium: cat6a, length: 2 m}
  - {between: [sw1, drive1], medium: cat6a, length: 2 m}
streams:
  actual: {from: drive1, to: plc1, size: 60 B, every: 1 ms, scheduled: true, deadline: 100 us}
  wanted: {from: plc1, to: drive1, size: 60 B, every: 1 ms, scheduled: true, deadline: 100 us}
chains:
  loop: {path: [drive1, "plc1:motion", drive1], within: 3 ms}
"""


def test_streams_keep_to_the_tasks_that_they_join(tmp_path: Path) -> None:
    path = tmp_path / "design.yaml"
    path.write_text(TASKS, encoding="utf-8")
    proposal = propose(load_design(path)[0])
    phases_ps = {one.name: one.phase_ps for one in proposal.schedule.placements}
    # The task reads at 250 us, and 100 us may pass on the way: sent before 150 us. It writes by 450 us.
    assert 0 <= phases_ps["actual"] < 150_000_000
    assert phases_ps["wanted"] > 450_000_000
    (row,) = bound(proposal.plan).chains
    assert row.bound_ps is not None
    # A period until 'actual' is sent, at most 250 us until the task starts, 200 us of work, and then
    # 'wanted' at once: with any phases, a whole cycle at each of the three would have to be waited.
    assert row.bound_ps < 1_700_000_000


def test_a_stated_phase_counts_more_than_a_task(tmp_path: Path) -> None:
    path = tmp_path / "design.yaml"
    path.write_text(TASKS.replace("wanted: {", "wanted: {phase: 7 us, "), encoding="utf-8")
    proposal = propose(load_design(path)[0])
    phases_ps = {one.name: one.phase_ps for one in proposal.schedule.placements}
    assert phases_ps["wanted"] == 7_000_000

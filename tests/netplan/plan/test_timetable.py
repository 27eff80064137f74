# SPDX-License-Identifier: Apache-2.0
"""The schedule of a design in its plan: releases, gate lists, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from netplan.tsn.mechanisms import GateEntry, GateList, GateOperation
from support.small_designs import HEAD, LINE, found_in, line_of, planned, stream_of, the

PLANT = LINE.replace("sw: {is: switch}", "sw: {is: tsn-bridge}")
STREAM = "streams: {x: {from: plc, to: srv, size: 100 B, every: 1 ms, pcp: 3%s}}\n"
ALWAYS = "{cycle: 1 ms, entries: [{for: 1 ms, open: [0, 3]}]}"


def gates(lists: str, port: str = "sw.p2") -> str:
    return f"schedule: {{gates: {{{port}: [{lists}]}}}}\n"


def test_gate_lists_as_written(tmp_path: Path) -> None:
    later = "{base: 2 s, cycle: 1 ms, entries: [{for: 1 ms, open: [0, 3, 3, 7]}]}"
    first = (
        "{base: 5 us, cycle: 1 ms, extension: 3 us, entries: [{for: 200 us, open: [3], mac: hold},"
        " {for: 800 us, open: [0, 1], mac: release}]}"
    )
    preemption = "tsn: {preemption: {express: [3]}}\n"
    plan = planned(tmp_path, PLANT + STREAM % "" + preemption + gates(f"{later}, {first}"))
    (egress,) = (one for one in plan.egresses if one.name == "sw.p2")
    assert egress.rules is not None
    assert egress.rules.gates == (
        GateList(
            base_ps=5_000_000,
            cycle_ps=10**9,
            extension_ps=3_000_000,
            entries=(
                GateEntry(duration_ps=2 * 10**8, open_queues=8, operation=GateOperation.HOLD),
                GateEntry(duration_ps=8 * 10**8, open_queues=3, operation=GateOperation.RELEASE),
            ),
        ),
        GateList(
            base_ps=2 * 10**12,
            cycle_ps=10**9,
            entries=(GateEntry(duration_ps=10**9, open_queues=128 + 8 + 1),),
        ),
    )


def test_ports_and_streams_of_placed_modules(tmp_path: Path) -> None:
    text = (
        HEAD
        + """\
nodes: {plc: {is: plc}, sw: {is: tsn-bridge}}
links: [{between: [plc.p1, sw.p1], medium: cat6a, length: 1 m}]
modules:
  cell:
    needs: [uplink, master]
    nodes: {drive1: {is: drive}, drive2: {is: drive, tsn: {classes: [{pcp: [6], shaper: asynchronous}]}}}
    links:
      - {between: [drive1.p1, $uplink], medium: cat6a, length: 1 m}
      - {between: [drive2.p1, drive1.p2], medium: cat6a, length: 1 m}
    relations:
      motion: {controller: $master, device: drive2, protocol: profinet-rt, cycle: 1 ms, out: 40 B, in: 40 B, scheduled: true}
place: [{module: cell, as: cell1, connect: {uplink: sw.p2, master: plc}}]
tsn: {synchronisation: {grandmaster: cell1/drive1}}
schedule:
  streams:
    cell1/motion.out: {phase: 10 us, ways: [[plc, sw, cell1/drive1, cell1/drive2]]}
    cell1/motion.in: {phase: 20 us}
  gates:
    cell1/drive1.p1: [{cycle: 1 ms, entries: [{for: 1 ms, open: [6]}]}]
"""
    )
    plan = planned(tmp_path, text)
    assert not plan.findings
    out, back = stream_of(plan, "cell1/motion.out"), stream_of(plan, "cell1/motion.in")
    assert (out.emission.phase_ps, back.emission.phase_ps) == (10**7, 2 * 10**7)
    assert out.scheduled
    assert back.scheduled
    gated = [egress.name for egress in plan.egresses if egress.rules and egress.rules.gates]
    assert gated == ["cell1/drive1.p1"]


@pytest.mark.parametrize("name", ["z", "r", "x.out", "srv"])
def test_a_stream_that_is_not_there(tmp_path: Path, name: str) -> None:
    text = PLANT + STREAM % "" + f"schedule: {{streams: {{{name}: {{phase: 0}}}}}}\n"
    finding = the(found_in(tmp_path, text), "SCHEDULE-STREAM")
    assert (line_of(finding), finding.path) == (11, f"schedule.streams.{name}")


@pytest.mark.parametrize(
    ("section", "name"),
    [
        # The stream has a mistake of its own: it is not missing.
        ("streams: {x: {from: plc, to: srv, size: 9 kB, every: 1 ms}}", "x"),
        ("streams: {x: {from: plc, to: srv, size: 9 B, every: 1 m}}", "x"),
        (
            (
                "relations: {r: {controller: plc, device: srv, protocol: profinet-rt, cycle: 1 ms,"
                " out: 9 kB, in: 40 B}}"
            ),
            "r.out",
        ),
        ("relations: {r: {controller: plc, device: srv, cycle: 1 ms, out: 9 B, in: 9 B}}", "r.in"),
    ],
)
def test_a_stream_with_a_mistake_is_not_missing(tmp_path: Path, section: str, name: str) -> None:
    text = PLANT + section + f"\nschedule: {{streams: {{{name}: {{phase: 0}}}}}}\n"
    codes = [finding.code for finding in found_in(tmp_path, text)]
    assert len(codes) == 1
    assert codes != ["SCHEDULE-STREAM"]


def test_sporadic_streams_have_no_release(tmp_path: Path) -> None:
    text = PLANT + STREAM % ", sporadic: true" + "schedule: {streams: {x: {phase: 0}}}\n"
    assert "sporadic" in the(found_in(tmp_path, text), "SCHEDULE-STREAM").message


def test_the_schedule_s_phase_holds(tmp_path: Path) -> None:
    text = PLANT + STREAM % ", phase: 3 us" + "schedule: {streams: {x: {phase: 5 us}}}\n"
    plan = planned(tmp_path, text)
    assert stream_of(plan, "x").emission.phase_ps == 5_000_000
    finding = the(plan.findings, "SCHEDULE-PHASE")
    assert (finding.severity, finding.path) == ("warning", "schedule.streams.x.phase")
    assert not planned(tmp_path, text.replace("phase: 3 us", "phase: 5 us")).findings


def test_what_is_still_to_be_scheduled(tmp_path: Path) -> None:
    streams = ", ".join(
        f"x{i}: {{from: plc, to: srv, size: 9 B, every: 1 ms, scheduled: true}}" for i in range(7)
    )
    text = PLANT + f"streams: {{{streams}}}\n"
    finding = the(found_in(tmp_path, text), "SCHEDULE-RELEASE")
    assert (finding.path, finding.severity) == ("streams.x0.scheduled", "note")
    assert finding.found == "none for x0, x1, x2, x3, x4 and 2 more"
    rows = ", ".join(f"x{i}: {{phase: 0}}" for i in range(6))
    one = the(found_in(tmp_path, text + f"schedule: {{streams: {{{rows}}}}}\n"), "SCHEDULE-RELEASE")
    assert (one.path, one.found) == ("streams.x6.scheduled", "none for x6")


@pytest.mark.parametrize(
    ("lists", "port", "code", "expected", "found"),
    [
        (ALWAYS, "sw.p99", "SCHEDULE-PORT", "a port of the design", "sw.p99"),
        (ALWAYS, "sv.p1", "SCHEDULE-PORT", "a port of the design", "sv.p1"),
        (ALWAYS, "sw", "SCHEDULE-PORT", "a port of the design", "sw"),
        (ALWAYS, "sw.p3", "SCHEDULE-UNUSED", "a port that streams leave by", "sw.p3"),
        (ALWAYS, "sw.p1", "SCHEDULE-UNUSED", "a port that streams leave by", "sw.p1"),
        (
            "{cycle: 1 ms, entries: [{for: 2 ms, open: [3]}]}",
            *("sw.p2", "SCHEDULE-CYCLE", "1 ms", "2 ms"),
        ),
        (
            "{cycle: 1 ms, entries: [{for: 1 us, open: [3]}, {for: 99 us, open: [3]}]}",
            *("sw.p2", "SCHEDULE-CYCLE", "1 ms", "100 us"),
        ),
        (
            "{cycle: 1 ms, entries: [{for: 500001 ns, open: [3]}, {for: 499999 ns, open: [3]}]}",
            *("sw.p2", "SCHEDULE-GRANULARITY", "multiples of 8 ns", "500.001 us"),
        ),
        (
            f"{ALWAYS}, {ALWAYS}",
            *("sw.p2", "SCHEDULE-BASE", "a 'base' of its own for each list", "0 ns, 0 ns"),
        ),
        (
            "{cycle: 1 ms, entries: [{for: 1 ms, open: [3], mac: hold}]}",
            *("sw.p2", "SCHEDULE-HOLD", "frame preemption at both ends of the link", "'mac: hold'"),
        ),
    ],
)
def test_gate_lists_that_cannot_be(
    tmp_path: Path, lists: str, port: str, code: str, expected: str, found: str
) -> None:
    finding = the(found_in(tmp_path, PLANT + STREAM % "" + gates(lists, port)), code)
    assert (line_of(finding), finding.path) == (11, f"schedule.gates.{port}")
    assert (finding.expected, finding.found) == (expected, found)


def test_held_frames_must_be_released(tmp_path: Path) -> None:
    lists = "{cycle: 1 ms, entries: [{for: 1 ms, open: [3], mac: hold}]}"
    text = PLANT + STREAM % "" + "tsn: {preemption: {express: [3]}}\n" + gates(lists)
    finding = the(found_in(tmp_path, text), "SCHEDULE-HOLD")
    assert finding.expected == "an entry with 'mac: release'"


@pytest.mark.parametrize(
    ("model", "code", "found"),
    [
        ("generic-switch-24x1g-4sfp", "SCHEDULE-DEVICE", "generic-switch-24x1g-4sfp"),
        ("generic-switch-8x100m", "SCHEDULE-DEVICE", "generic-switch-8x100m"),
        ("generic-switch-8x100m", "SCHEDULE-QUEUE", "queue 7"),
    ],
)
def test_devices_without_gates_or_queues(tmp_path: Path, model: str, code: str, found: str) -> None:
    text = PLANT.replace("is: tsn-bridge", f"is: switch, model: {model}") + STREAM % ""
    lists = "{cycle: 1 ms, entries: [{for: 1 ms, open: [1, 3, 7]}]}"
    assert the(found_in(tmp_path, text + gates(lists)), code).found == found


def test_gates_of_an_end_station_are_its_software_s(tmp_path: Path) -> None:
    """Neither granularity nor length of the list are known for it."""
    lists = "{cycle: 1 ms, entries: [{for: 500001 ns, open: [3]}, {for: 499999 ns, open: [3]}]}"
    assert not found_in(tmp_path, PLANT + STREAM % "" + gates(lists, "plc.p1"))


def test_radio_and_passive_ports_have_no_gates(tmp_path: Path) -> None:
    nodes = "nodes:\n  agv: {is: agv}\n  onu: {is: onu}\n"
    text = PLANT.replace("nodes:\n", nodes) + STREAM % ""
    for port, connector in (("agv.nr1", "radio"), ("onu.pon1", "pon")):
        finding = the(found_in(tmp_path, text + gates(ALWAYS, port)), "SCHEDULE-MEDIUM")
        assert finding.found == connector

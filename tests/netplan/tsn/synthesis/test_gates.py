# SPDX-License-Identifier: Apache-2.0
"""Gate lists against the limits of switches. Frames of 1000 octets take 8 us at 1 Gbit/s."""

from __future__ import annotations

import pytest

from netplan.tsn.mechanisms import GateList, GateOperation
from netplan.tsn.synthesis.problem import GateLimits, Guard, Options, Problem, Waiting
from netplan.tsn.synthesis.result import Schedule, Status
from netplan.tsn.synthesis.synthesise import synthesise
from support.schedule_replay import faults
from support.small_schedules import NS, US, ProblemBuilder, Step, with_port


def three_fixed(**port: object) -> Problem:
    """Frames of 8 us on one port at 0, 20 and 60 us of every 100 us."""
    builder = ProblemBuilder().port("a", **port)  # type: ignore[arg-type]  # any field
    for name, phase_us in (("x", 0), ("y", 20), ("z", 60)):
        builder.stream(name, ["a"], phases_ps=(phase_us * US, phase_us * US))
    return builder.problem()


def gates_of(schedule: Schedule, port_index: int = 0) -> GateList:
    assert schedule.status is Status.FEASIBLE, (schedule.conflict, schedule.obstacles)
    return next(port.gates for port in schedule.ports if port.port_index == port_index)


def entries(gates: GateList) -> list[tuple[int, int]]:
    return [(entry.duration_ps, entry.open_queues) for entry in gates.entries]


def test_one_window_for_each_frame() -> None:
    # Queue 7 open for 8 us, the others in between: 12, 32 and 32 us.
    gates = gates_of(synthesise(three_fixed()))
    assert (gates.base_ps, gates.cycle_ps) == (0, 100 * US)
    assert entries(gates) == [
        (8 * US, 128), (12 * US, 127), (8 * US, 128), (32 * US, 127), (8 * US, 128), (32 * US, 127),
    ]  # fmt: skip


def test_smallest_gaps_are_closed_first_when_the_list_is_limited() -> None:
    # Four entries: the gap of 12 us goes, the first window lasts from 0 to 28 us.
    problem = three_fixed(gates=GateLimits(largest_entry_count=4), other_octets=1522)
    schedule = synthesise(problem)
    assert entries(gates_of(schedule)) == [
        (28 * US, 128), (32 * US, 127), (8 * US, 128), (32 * US, 127),
    ]  # fmt: skip
    assert faults(problem, schedule) == []
    # Two gaps of 32 us in 100; a guard band wastes 1522 octets of each, 12.176 us.
    assert schedule.ports[0].best_effort_ratio == pytest.approx(2 * (32 - 12.176) / 100)
    # An odd limit is as good as the even one below.
    problem = three_fixed(gates=GateLimits(largest_entry_count=3))
    assert len(gates_of(synthesise(problem)).entries) == 2


def test_too_long_a_list_names_port_need_and_limit() -> None:
    # With two entries the window lasts from 0 to 68 us or the like: 32 us remain, less than 40 %.
    problem = three_fixed(gates=GateLimits(largest_entry_count=2), best_effort_ratio=0.4)
    schedule = synthesise(problem)
    assert schedule.status is Status.UNKNOWN
    obstacle = schedule.obstacles[0]
    assert (obstacle.kind, obstacle.needed_count, obstacle.allowed_count) == ("gate entries", 6, 2)
    assert "the gate list of a needs 6 entries, allowed are 2" in obstacle.text
    assert obstacle.kept_ratio == pytest.approx(0.32)


def test_streams_are_moved_together_for_a_short_list() -> None:
    # The same limits, but phases are free: the three frames follow each other, two entries.
    builder = ProblemBuilder().port(
        "a", gates=GateLimits(largest_entry_count=2), best_effort_ratio=0.7
    )
    for name in "xyz":
        builder.stream(name, ["a"])
    assert entries(gates_of(synthesise(builder.problem()))) == [(24 * US, 128), (76 * US, 127)]


def test_time_is_kept_free_for_the_share_of_other_traffic() -> None:
    # Frames every 50 us of 8 us each from two talkers with opposite wishes would leave two gaps
    # of 17 us; a guard band eats 12.176 of each. Keeping 40 % = 20 us (and a band) free in one
    # piece of every 50 us is possible only with both frames together.
    builder = ProblemBuilder().port("a", other_octets=1522, best_effort_ratio=0.4)
    builder.stream("x", ["a"], period_ps=50 * US)
    builder.stream("y", ["a"], period_ps=50 * US, phases_ps=(8 * US, 25 * US))
    schedule = synthesise(builder.problem())
    assert schedule.status is Status.FEASIBLE
    assert schedule.ports[0].best_effort_ratio >= 0.4


def test_share_that_cannot_be_kept_is_proven() -> None:
    # 3 x 8 us of 100 are needed, 80 % are promised: 104 %.
    builder = ProblemBuilder().port("a", best_effort_ratio=0.8)
    for name in "xyz":
        builder.stream(name, ["a"])
    schedule = synthesise(builder.problem())
    assert schedule.status is Status.INFEASIBLE
    assert schedule.conflict is not None
    assert schedule.conflict.kind == "utilisation"
    assert schedule.conflict.ports == ("a",)
    assert schedule.conflict.utilisation_ratio == pytest.approx(0.24 / 0.2)


def test_entries_are_multiples_of_the_granularity() -> None:
    # On a grid of 3 us (cycle 99 us): a frame of 8 us at 10 us needs 9 to 18.
    builder = ProblemBuilder().port("a", gates=GateLimits(granularity_ps=3 * US))
    builder.stream("x", ["a"], period_ps=99 * US, phases_ps=(10 * US, 10 * US))
    gates = gates_of(synthesise(builder.problem()))
    assert gates.base_ps == 9 * US
    assert entries(gates) == [(9 * US, 128), (90 * US, 127)]


def test_cycle_that_is_no_multiple_of_the_granularity() -> None:
    builder = ProblemBuilder().port("a", gates=GateLimits(granularity_ps=3 * US))
    schedule = synthesise(builder.stream("x", ["a"]).problem())
    assert schedule.status is Status.UNKNOWN
    assert schedule.obstacles[0].kind == "granularity"
    assert "100 us at a" in schedule.obstacles[0].text


def test_cycle_longer_than_the_gates_allow() -> None:
    builder = ProblemBuilder().port("a", gates=GateLimits(largest_cycle_ps=150 * US))
    builder.stream("x", ["a"]).stream("y", ["a"], period_ps=200 * US)
    assert synthesise(builder.problem()).obstacles[0].kind == "cycle"


def test_no_entry_is_shorter_than_the_gates_allow() -> None:
    # Windows of 8 us become 10 us, and the gap from 10 to 20 us stays as it is; with 11 us
    # smallest the gap of 9 us behind the first is closed: 0 to 31 us.
    for least_us, first in ((10, (10 * US, 128)), (11, (31 * US, 128))):
        problem = three_fixed(gates=GateLimits(smallest_interval_ps=least_us * US))
        found = entries(gates_of(synthesise(problem)))
        assert found[0] == first
        assert min(duration for duration, _ in found) >= least_us * US


def test_other_traffic_stops_a_gap_before_the_window() -> None:
    # With a tail of 12 octets (96 ns) the others close 96 ns before the frame starts at 20 us, so
    # that the gap behind their last frame is over; the window ends with the frame's last octet.
    builder = ProblemBuilder().port("a", lead_octets=8, tail_octets=12, other_octets=1522)
    problem = builder.stream("x", ["a"], phases_ps=(20 * US, 20 * US)).problem()
    schedule = synthesise(problem)
    gates = gates_of(schedule)
    assert gates.base_ps == 20 * US - 96 * NS
    assert entries(gates)[0] == (96 * NS + 8_064_000, 128)
    assert faults(problem, schedule) == []


def test_a_held_frame_has_its_gate_shut_until_it_may_go() -> None:
    # Forwarding of 0 to 1 us: the gate opens at 9 us for 8 us and is shut for everyone in the
    # last 96 ns before.
    builder = ProblemBuilder().port("a", "b", tail_octets=12, other_octets=1522)
    way = [Step(port="a"), Step(port="b", before_ps=(0, 1 * US))]
    problem = builder.stream("x", way, phases_ps=(0, 0)).problem()
    schedule = synthesise(problem)
    gates = gates_of(schedule, 1)
    assert gates.base_ps == 9 * US - 96 * NS
    assert entries(gates) == [(96 * NS, 0), (8 * US, 128), (100 * US - 8 * US - 96 * NS, 127)]
    assert faults(problem, schedule) == []


def test_ports_pass_frames_when_their_lists_would_be_too_long() -> None:
    # Three held frames apart from each other need 9 entries; the port may have 4. It stops
    # holding, two windows are joined, and frames may come earlier than they did.
    builder = ProblemBuilder().port("a", "b", "c", tail_octets=12, other_octets=1522)
    builder.port("d", tail_octets=12, other_octets=1522, gates=GateLimits(largest_entry_count=4))
    for name, at in (("a", 0), ("b", 20 * US), ("c", 60 * US)):
        way = [Step(port=name), Step(port="d", before_ps=(0, 1 * US))]
        builder.stream(name, way, phases_ps=(at, at))
    problem = builder.problem()
    schedule = synthesise(problem)
    assert schedule.status is Status.FEASIBLE
    assert not any(one.slots[1][0].held for one in schedule.placements)
    assert len(gates_of(schedule, 3).entries) <= 4
    assert faults(problem, schedule) == []


def test_preemption_holds_and_releases() -> None:
    # Other gates stay open all the time; a hold begins with each window and ends with it.
    problem = three_fixed(lead_octets=8, tail_octets=12, other_octets=1522, fragment_octets=64)
    schedule = synthesise(problem, Options(guard=Guard.PREEMPTION))
    gates = gates_of(schedule)
    assert [(entry.open_queues, entry.operation) for entry in gates.entries[:2]] == [
        (255, GateOperation.HOLD), (127, GateOperation.RELEASE),
    ]  # fmt: skip
    assert len(gates.entries) == 6
    assert schedule.ports[0].hold_advance_ps == 1_144_000
    assert faults(problem, schedule) == []
    # Preemption keeps more for others than guard bands do.
    band = synthesise(problem, Options(guard=Guard.BAND))
    assert schedule.ports[0].best_effort_ratio > band.ports[0].best_effort_ratio


def test_a_port_without_gates_has_no_list() -> None:
    problem = with_port(three_fixed(), "a", gates=None)
    schedule = synthesise(problem, Options(waiting=Waiting.NO_WAIT))
    assert schedule.status is Status.FEASIBLE
    assert schedule.ports == ()


def test_the_cycle_is_that_of_the_port() -> None:
    # a carries periods of 100 and 200 us, b only 100, although the whole repeats after 200.
    builder = ProblemBuilder().port("a", "b")
    builder.stream("x", ["a", "b"]).stream("y", ["a"], period_ps=200 * US)
    schedule = synthesise(builder.problem())
    assert gates_of(schedule, 0).cycle_ps == 200 * US
    assert gates_of(schedule, 1).cycle_ps == 100 * US

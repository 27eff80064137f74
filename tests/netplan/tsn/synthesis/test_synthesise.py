# SPDX-License-Identifier: Apache-2.0
"""Small problems with schedules that can be worked by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netplan.tsn.synthesis.problem import Method, Options, Problem, Waiting
from netplan.tsn.synthesis.result import Schedule, Status
from netplan.tsn.synthesis.synthesise import synthesise
from support.schedule_replay import faults, transmissions
from support.small_schedules import NS, US, ProblemBuilder, Step

NO_WAIT = Options(waiting=Waiting.NO_WAIT)
EXACT = Options(waiting=Waiting.NO_WAIT, method=Method.EXACT)


def feasible(problem: Problem, options: Options | None = None) -> Schedule:
    """A schedule that a replay agrees with."""
    schedule = synthesise(problem, options)
    assert schedule.status is Status.FEASIBLE, (schedule.conflict, schedule.obstacles)
    assert faults(problem, schedule) == []
    return schedule


def phases(schedule: Schedule) -> dict[str, int]:
    return {one.name: one.phase_ps for one in schedule.placements}


@pytest.mark.parametrize("options", [NO_WAIT, EXACT], ids=["greedy", "exact"])
def test_two_streams_on_one_link(options: Options) -> None:
    # 8 us and 4 us on one wire: one after the other.
    builder = ProblemBuilder().port("a")
    builder.stream("long", ["a"], octets=1000).stream("short", ["a"], octets=500)
    found = phases(feasible(builder.problem(), options))
    apart = (found["short"] - found["long"]) % (100 * US)
    assert 8 * US <= apart <= 96 * US


def test_the_first_stream_is_placed_first() -> None:
    # Same period: the one that needs more comes first, at 0; the other follows at 8 us.
    builder = ProblemBuilder().port("a")
    builder.stream("short", ["a"], octets=500).stream("long", ["a"], octets=1000)
    assert phases(feasible(builder.problem())) == {"long": 0, "short": 8 * US}


def test_no_wait_along_a_line() -> None:
    # Both lead to d. From a: at d after 2 hops, 16 us later. From b: after one, 8 us. The first
    # takes d from 16 to 24 us; the second may start at 0 (8 to 16 at d), without any waiting.
    builder = ProblemBuilder().port("a", "m", "b", "d")
    builder.stream("far", ["a", "m", "d"]).stream("near", ["b", "d"])
    schedule = feasible(builder.problem(), NO_WAIT)
    assert phases(schedule) == {"far": 0, "near": 0}
    at_d = [one for one in transmissions(builder.problem(), schedule) if one.port == "d"]
    assert sorted(one.start_ps for one in at_d) == [8 * US, 16 * US]


def test_multicast_is_one_tree() -> None:
    # One frame up, two copies down; the copy on d2 meets another stream unless that moves.
    tree = [Step(port="up"), Step(port="d1", parent=0), Step(port="d2", parent=0)]
    builder = ProblemBuilder().port("up", "d1", "d2", "other")
    builder.stream("multi", tree).stream("single", ["other", "d2"])
    schedule = feasible(builder.problem(), NO_WAIT)
    assert phases(schedule) == {"multi": 0, "single": 8 * US}
    starts = [one.start_ps for one in transmissions(builder.problem(), schedule)]
    assert sorted(starts) == [0, 8 * US, 8 * US, 8 * US, 16 * US]


def test_periods_interleave() -> None:
    # Every 100 us 60 us, every 200 us 2 times 40 us: only together do they fill the wire. The
    # gaps of the first are 60..100 and 160..200 us, one for each of the others.
    builder = ProblemBuilder().port("a")
    builder.stream("often", ["a"], octets=7500, period_ps=100 * US)
    for name in ("one", "two"):
        builder.stream(name, ["a"], octets=5000, period_ps=200 * US)
    schedule = feasible(builder.problem())
    assert phases(schedule) == {"often": 0, "one": 60 * US, "two": 160 * US}
    assert schedule.hyperperiod_ps == 200 * US
    # The wire is never free: one entry for the only queue.
    assert schedule.max_gate_entries == 1


def test_another_route_where_the_first_is_full() -> None:
    builder = ProblemBuilder().port("up", "low", "high", "down", "x", "y")
    # 9000 octets are 72 us of every 100: two of them need both ways.
    builder.stream("one", ["x", "low"], ["x", "high"], octets=9000)
    builder.stream("two", ["y", "low"], ["y", "high"], octets=9000)
    schedule = feasible(builder.problem())
    used = {builder.ports[one.route.hops[1].port_index].name for one in schedule.placements}
    assert used == {"low", "high"}


def test_phases_keep_their_window() -> None:
    # A task's output is ready at 30 us and must leave by 40; another stream is fixed at 33 us.
    builder = ProblemBuilder().port("a")
    builder.stream("fixed", ["a"], phases_ps=(33 * US, 33 * US))
    builder.stream("task", ["a"], phases_ps=(30 * US, 44 * US))
    assert phases(feasible(builder.problem())) == {"fixed": 33 * US, "task": 41 * US}


@pytest.mark.parametrize("method", [Method.GREEDY, Method.EXACT])
def test_a_frame_waits_where_no_wait_is_impossible(method: Method) -> None:
    # Released at 0 and 1 us they reach d at 8 and 9 us: without waiting they meet. With waiting
    # the later one leaves at 16 us, and its gate stays shut until then.
    builder = ProblemBuilder().port("a", "b", "d")
    for name, at in (("a", 0), ("b", US)):
        builder.stream(name, [name, "d"], phases_ps=(at, at), deadline_ps=50 * US)
    problem = builder.problem()
    without = synthesise(problem, replace(NO_WAIT, method=Method.EXACT))
    assert without.status is Status.INFEASIBLE
    schedule = feasible(problem, Options(method=method))
    at_d = [one.start_ps for one in transmissions(problem, schedule) if one.port == "d"]
    assert len(at_d) == 2
    assert abs(at_d[0] - at_d[1]) >= 8 * US


def test_no_frame_waits_behind_another() -> None:
    # Three talkers released at 0 reach d at 8, 8.8 and 9.6 us: two of them would wait in one queue
    # at the same time. Should the first talker be silent, the second frame would leave in its
    # window, and everything behind would come too early. So that is no schedule, and as it is
    # not proven that none exists, nothing is known. With a later release there is one.
    for latest_us, status in ((0, Status.UNKNOWN), (20, Status.FEASIBLE)):
        builder = ProblemBuilder().port("a", "b", "c", "d")
        for name, octets in (("a", 1000), ("b", 1100), ("c", 1200)):
            late = latest_us * US if name == "c" else 0
            builder.stream(
                name, [name, "d"], octets=octets, phases_ps=(0, late), deadline_ps=90 * US
            )
        schedule = synthesise(builder.problem())
        assert schedule.status is status
        if schedule.status is Status.FEASIBLE:
            assert faults(builder.problem(), schedule) == []


def test_redundant_copies_are_scheduled_together() -> None:
    # Two disjoint ways from two ports of the talker, joined before the listener's port; another
    # stream has to keep clear of that port whichever copy is lost.
    way = [
        Step(port="t1", parent=-1),
        Step(port="t2", parent=-1),
        Step(port="m2", parent=1),
        Step(port="end", parent=0, joined=(2,)),
    ]
    builder = ProblemBuilder().port("t1", "t2", "m2", "end", "x")
    builder.stream("twice", way).stream("once", ["x", "end"])
    schedule = feasible(builder.problem())
    # At the joining port the frame is sent when the later copy would be there: at 16 us.
    assert schedule.placements[0].slots[3][0].start_ps == 16 * US


def test_clock_errors_keep_frames_apart() -> None:
    # Talkers within 1 us and 2 us share the port d: 3 us more than the 8 us of a frame.
    builder = ProblemBuilder().port("a", clock_error_ps=1 * US).port("b", clock_error_ps=2 * US)
    builder.port("d", clock_error_ps=500 * NS)
    builder.stream("a", ["a", "d"], clock_error_ps=1 * US)
    builder.stream("b", ["b", "d"], clock_error_ps=2 * US)
    schedule = feasible(builder.problem(), NO_WAIT)
    found = phases(schedule)
    assert (found["b"] - found["a"]) % (100 * US) == 11 * US
    # The window at d: 7.. for both, as wide as 8 us, twice the error of the talker and twice that
    # of the bridge: 8 + 2 * (1 + 0.5) = 11 us and 8 + 2 * (2 + 0.5) = 13 us, which overlap by 1.
    gates = next(port.gates for port in schedule.ports if port.port_index == 2)
    assert [entry.duration_ps for entry in gates.entries] == [23 * US, 77 * US]


def test_no_streams_need_no_gates() -> None:
    schedule = synthesise(Problem(ports=(), streams=()))
    assert schedule.status is Status.FEASIBLE
    assert schedule.max_gate_entries == 0


def test_the_same_problem_gives_the_same_schedule() -> None:
    builder = ProblemBuilder().port("a", "b", "c")
    for number in range(12):
        builder.stream(str(number), ["a", "b"], ["a", "c"], octets=300 + 70 * number)
    one, two = synthesise(builder.problem()), synthesise(builder.problem())
    assert one.placements == two.placements
    assert one.ports == two.ports


def test_wrong_problem_is_a_fault_of_ours() -> None:
    builder = ProblemBuilder().port("a").stream("s", ["a"], period_ps=0)
    with pytest.raises(ValueError, match="stream s has no period"):
        synthesise(builder.problem())

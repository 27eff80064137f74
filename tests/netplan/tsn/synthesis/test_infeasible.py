# SPDX-License-Identifier: Apache-2.0
"""When there is no schedule: proofs, small conflicts, cures; and when nothing is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from math import lcm
from random import Random

import pytest

from netplan.tsn.synthesis import instances
from netplan.tsn.synthesis.problem import Method, Options, Problem, Waiting
from netplan.tsn.synthesis.result import Conflict, Schedule, Status
from netplan.tsn.synthesis.synthesise import synthesise
from support.schedule_replay import faults
from support.small_schedules import US, ProblemBuilder, Step

NO_WAIT = Options(waiting=Waiting.NO_WAIT)


def refuted(schedule: Schedule) -> Conflict:
    assert schedule.status is Status.INFEASIBLE, schedule
    assert schedule.conflict is not None
    return schedule.conflict


def test_a_stream_that_is_longer_than_its_deadline() -> None:
    # Three hops of 8 us: 24 us by itself, 20 are allowed. 24 us would do.
    builder = ProblemBuilder().port("a", "b", "c").stream("s", ["a", "b", "c"], deadline_ps=20 * US)
    builder.stream("other", ["b"])
    conflict = refuted(synthesise(builder.problem()))
    assert (conflict.kind, conflict.streams, conflict.minimal) == ("deadline", ("s",), True)
    assert "takes 24 us" in conflict.text
    assert conflict.cure is not None
    assert (conflict.cure.quantity, conflict.cure.value_ps) == ("deadline", 24 * US)


def test_a_quicker_route_is_no_conflict() -> None:
    builder = ProblemBuilder().port("a", "b", "c")
    builder.stream("s", ["a", "b", "c"], ["a", "c"], deadline_ps=20 * US)
    schedule = synthesise(builder.problem())
    assert schedule.status is Status.FEASIBLE
    assert len(schedule.placements[0].route.hops) == 2


def test_reception_that_varies_too_much_without_gates() -> None:
    way = [Step(port="a"), Step(port="b", before_ps=(0, 3 * US))]
    builder = ProblemBuilder().port("a", "b", gates=None).stream("s", way, jitter_ps=2 * US)
    conflict = refuted(synthesise(builder.problem()))
    assert "varies by 3 us, allowed are 2 us" in conflict.text
    # With gates the frame waits until it is surely there.
    builder = ProblemBuilder().port("a", "b").stream("s", way, jitter_ps=2 * US)
    assert synthesise(builder.problem()).status is Status.FEASIBLE


def test_unrelated_periods_meet_whatever_the_phases() -> None:
    # gcd(100, 101) us = 1 us, and the frames need 8 us each. With 200 us for one they do.
    builder = ProblemBuilder().port("a", "b")
    builder.stream("x", ["a"]).stream("y", ["a"], period_ps=101 * US)
    builder.stream("elsewhere", ["b"], period_ps=70 * US)
    conflict = refuted(synthesise(builder.problem()))
    assert (conflict.kind, set(conflict.streams)) == ("periods", {"x", "y"})
    assert conflict.ports == ("a",)
    assert "greatest common divisor 1 us" in conflict.text
    assert conflict.cure is not None
    assert conflict.cure.quantity == "period"


def test_frames_that_just_fit_the_common_divisor_do_not_meet() -> None:
    # gcd(40, 60) us = 20 us = 8 + 12 us: exactly.
    builder = ProblemBuilder().port("a")
    builder.stream("x", ["a"], period_ps=40 * US).stream("y", ["a"], period_ps=60 * US, octets=1500)
    problem = builder.problem()
    schedule = synthesise(problem)
    assert schedule.status is Status.FEASIBLE
    assert faults(problem, schedule) == []
    longer = ProblemBuilder().port("a")
    longer.stream("x", ["a"], period_ps=40 * US).stream("y", ["a"], period_ps=60 * US, octets=1501)
    assert refuted(synthesise(longer.problem())).kind == "periods"


def test_an_overloaded_cut_whatever_the_routes() -> None:
    # Three streams of 72 us in 100, two wires between them: 216 % of 200 %.
    builder = ProblemBuilder().port("low", "high", "x", "y", "z", "free")
    for name in "xyz":
        builder.stream(name, [name, "low"], [name, "high"], octets=9000)
    builder.stream("bystander", ["free"])
    conflict = refuted(synthesise(builder.problem()))
    assert conflict.kind == "utilisation"
    assert set(conflict.streams) == {"x", "y", "z"}
    assert set(conflict.ports) == {"low", "high"}
    assert conflict.utilisation_ratio == pytest.approx(1.08)
    assert conflict.cure is not None  # one of them half as often: 36 + 72 fit on no wire ...
    fewer = replace(builder.problem(), streams=builder.problem().streams[1:])
    assert synthesise(fewer).status is Status.FEASIBLE


def test_a_single_overloaded_port() -> None:
    builder = ProblemBuilder().port("a", "b")
    for number in range(5):
        builder.stream(str(number), ["a"], octets=(3000, 100)[number % 2])
    for number in range(4):
        builder.stream(f"more{number}", ["a"], octets=2500)
    conflict = refuted(synthesise(builder.problem()))
    # 24 us each of 0, 2 and 4, then 20 us each: 24 + 24 + 24 + 20 = 92, one more makes 112.
    assert conflict.ports == ("a",)
    assert len(conflict.streams) == 5
    assert conflict.hyperperiod_ps == 100 * US


def test_complete_search_proves_what_sums_do_not() -> None:
    # Two and a half times 40 us in 100: every pair fits, three do not, since 30 us are left
    # beside two of them in any order; only 100 % is needed with 20 us. Here: 40 + 40 + 30 us with
    # phases of 0..10 for the third: it must end by 40, the others cannot begin before 30.
    builder = ProblemBuilder().port("a")
    builder.stream("one", ["a"], octets=5000, phases_ps=(0, 30 * US))
    builder.stream("two", ["a"], octets=5000, phases_ps=(10 * US, 30 * US))
    builder.stream("free", ["a"], octets=100)
    conflict = refuted(synthesise(builder.problem(), Options(time_limit_s=20)))
    assert conflict.kind == "exhausted"
    assert (set(conflict.streams), conflict.minimal) == ({"one", "two"}, True)
    assert conflict.cure is not None


def test_time_over_is_never_infeasible() -> None:
    # The busiest wire is 97 % full: seconds of repair are needed, which are not given.
    problem = instances.generated(
        instances.mesh(8), 140, periods_ps=instances.HARD_PERIODS_PS,
        sizes_octets=instances.HARD_SIZES_OCTETS,
    )  # fmt: skip
    schedule = synthesise(problem, Options(time_limit_s=0.2, waiting=Waiting.NO_WAIT))
    assert schedule.status is Status.UNKNOWN
    assert schedule.conflict is None
    assert schedule.obstacles[-1].kind == "streams"
    assert [attempt.method for attempt in schedule.tried][:2] == ["routes", "greedy no-wait"]


def test_greedy_alone_proves_nothing_by_giving_up() -> None:
    builder = ProblemBuilder().port("a", "b", "d")
    for name in "ab":
        builder.stream(name, [name, "d"], phases_ps=(0, 0), deadline_ps=50 * US)
    schedule = synthesise(builder.problem(), replace(NO_WAIT, method=Method.GREEDY))
    assert schedule.status is Status.UNKNOWN


def test_a_hyperperiod_beyond_reach_offers_harmonic_periods() -> None:
    # 1 ms and 1.000001 ms on two ports: 1000.001 s. The nearest harmonic pair is 1 ms for both.
    builder = ProblemBuilder().port("a", "b")
    builder.stream("x", ["a"], period_ps=1000 * US)
    builder.stream("y", ["b"], period_ps=1000 * US + 1000)
    schedule = synthesise(builder.problem())
    assert schedule.status is Status.UNKNOWN
    assert schedule.obstacles[0].kind == "hyperperiod"
    assert schedule.harmonic_periods_ps == {"x": 1000 * US, "y": 1000 * US}


def test_a_long_ladder_is_refuted_at_once() -> None:
    # 600 streams over 40 switches in two rows, 1500 octets each 400 us: the two rungs in the
    # middle would have to carry a quarter of everything in each direction.
    problem = instances.generated(
        instances.mesh(40), 600, periods_ps=(400 * US,), sizes_octets=(1500,)
    )
    free = replace(
        problem,
        streams=tuple(replace(stream, deadlines_ps=(None,)) for stream in problem.streams),
    )
    conflict = refuted(synthesise(free, Options(explain=False)))
    assert conflict.kind == "utilisation"
    assert conflict.utilisation_ratio > 1


# Tiny problems: 8 Mbit/s make an octet last a microsecond, so that times are small integers.

Tiny = list[tuple[int, int, tuple[int, int]]]
"""Length, period (both in microseconds), and the two ports on the way."""


def drawn(chance: Random) -> Tiny:
    found = []
    for _ in range(chance.randint(2, 4)):
        period = chance.choice((4, 6, 8, 12))
        first, second = chance.sample(range(3), 2)
        found.append((chance.randint(1, 3), period, (first, second)))
    return found


def stated(tiny: Tiny) -> Problem:
    builder = ProblemBuilder().port("p0", "p1", "p2", line_bps=8_000_000)
    for number, (length, period, (first, second)) in enumerate(tiny):
        builder.stream(
            str(number), [f"p{first}", f"p{second}"], octets=length, period_ps=period * US
        )
    return builder.problem()


def by_brute_force(tiny: Tiny) -> bool:
    """Whether any phases work: all are tried, each unit of time and each port is counted."""
    cycle = lcm(*(period for _, period, _ in tiny))
    for phases in product(*(range(period) for _, period, _ in tiny)):
        taken: set[tuple[int, int]] = set()
        total = 0
        for phase, (length, period, way) in zip(phases, tiny, strict=True):
            for hop, port in enumerate(way):
                for start in range(phase + hop * length, phase + hop * length + cycle, period):
                    taken |= {(port, (start + unit) % cycle) for unit in range(length)}
                    total += length
        if len(taken) == total:
            return True
    return False


@pytest.mark.parametrize("seed", range(60))
def test_conflicts_of_tiny_problems_are_true_and_minimal(seed: int) -> None:
    tiny = drawn(Random(seed))  # noqa: S311 - repeatable, not secret
    problem = stated(tiny)
    schedule = synthesise(problem, replace(NO_WAIT, time_limit_s=30))
    possible = by_brute_force(tiny)
    assert schedule.status is (Status.FEASIBLE if possible else Status.INFEASIBLE)
    if possible:
        assert faults(problem, schedule) == []
        return
    conflict = refuted(schedule)
    chosen = [int(name) for name in conflict.streams]
    assert not by_brute_force([tiny[index] for index in chosen])
    if conflict.kind == "exhausted" and conflict.minimal and len(chosen) > 1:
        for rest in combinations(chosen, len(chosen) - 1):
            assert by_brute_force([tiny[index] for index in rest])
    if conflict.cure is not None and conflict.cure.quantity == "removal":
        left = [one for index, one in enumerate(tiny) if str(index) not in conflict.cure.streams]
        assert not left or by_brute_force(left)

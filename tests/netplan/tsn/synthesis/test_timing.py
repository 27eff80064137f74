# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from netplan.tsn.synthesis.problem import GateLimits, Problem
from netplan.tsn.synthesis.timing import Setting, Timing, hold_advance_ps, timing
from support.small_schedules import NS, US, ProblemBuilder, Step

PASSING = Setting(held=frozenset(), grid_ps=1)


def of_first(problem: Problem, setting: Setting = PASSING) -> Timing:
    stream = problem.streams[0]
    route = stream.routes.candidate(0)
    assert route is not None
    return timing(problem.ports, stream, route, setting)


def starts(result: Timing) -> list[list[int]]:
    return [[slot.start_ps for slot in row] for row in result.slots]


def test_store_and_forward_along_a_line() -> None:
    # 1000 octets at 1 Gbit/s: 8 us; 50 ns of cable and 2 us of forwarding between two hops:
    # the second hop starts 8 + 0.05 + 2 = 10.05 us after the first, the third at 20.1 us, and the
    # frame is received at 20.1 + 8 + 0.05 = 28.15 us. No lead: that is the latency as well.
    builder = ProblemBuilder(after_ps=(50 * NS, 50 * NS)).port("a", "b", "c")
    way = [Step(port="a"), *(Step(port=name, before_ps=(2 * US, 2 * US)) for name in "bc")]
    result = of_first(builder.stream("s", way).problem())
    assert starts(result) == [[0], [10_050_000], [20_100_000]]
    assert result.latencies_ps == (28_150_000,)
    assert result.variation_ps == 0
    assert [piece[:3] for piece in result.pieces] == [
        (0, 0, 8 * US), (1, 10_050_000, 8 * US), (2, 20_100_000, 8 * US),
    ]  # fmt: skip


def test_lead_counts_before_the_first_bit_and_tail_keeps_the_wire() -> None:
    # Lead 8, frame 1000, tail 12 octets: sent after 8.064 us, wire taken for 8.160 us; the latency
    # runs from the first bit behind the lead: 8.064 - 0.064 = 8 us.
    problem = ProblemBuilder().port("a", lead_octets=8, tail_octets=12).stream("s", ["a"]).problem()
    result = of_first(problem)
    assert result.received_ps == (((8_064_000, 8_064_000),),)
    assert result.latencies_ps == (8 * US,)
    assert result.pieces[0].length_ps == 8_160_000


def test_cut_through_starts_after_the_header() -> None:
    # Forwarding begins when 64 of the 1000 octets are in: 0.512 us after the start.
    way = [Step(port="a"), Step(port="b", cut_through_octets=64)]
    result = of_first(ProblemBuilder().port("a", "b").stream("s", way).problem())
    assert starts(result) == [[0], [512_000]]
    assert result.latencies_ps == (8_512_000,)


def test_burst_queues_up_before_a_slower_wire() -> None:
    # Two frames of 1000 octets, at 1 Gbit/s one after the other (0 and 8 us). At 100 Mbit/s each
    # takes 80 us: the first starts at 8 us, the second, ready at 16 us, at 88 us.
    builder = ProblemBuilder().port("fast").port("slow", line_bps=10**8)
    result = of_first(
        builder.stream("s", ["fast", "slow"], octets=(1000, 1000), period_ps=1000 * US).problem()
    )
    assert starts(result) == [[0, 8 * US], [8 * US, 88 * US]]
    assert [piece[:3] for piece in result.pieces] == [(0, 0, 16 * US), (1, 8 * US, 160 * US)]


def test_variation_adds_up_where_frames_pass_and_ends_where_they_are_held() -> None:
    # Forwarding takes 1 to 3 us. Passing: hop two starts 9 to 11 us after the first, hop three 18
    # to 22. Held: hop two at 11 exactly, hop three at 11 + 8 + 3 = 22 exactly.
    way = [Step(port="a"), *(Step(port=name, before_ps=(1 * US, 3 * US)) for name in "bc")]
    problem = ProblemBuilder().port("a", "b", "c").stream("s", way).problem()
    passing = of_first(problem)
    assert [(row[0].earliest_ps, row[0].latest_ps) for row in passing.slots] == [
        (0, 0), (9 * US, 11 * US), (18 * US, 22 * US),
    ]  # fmt: skip
    assert passing.variation_ps == 4 * US
    held = of_first(problem, Setting(held=frozenset({0, 1, 2}), grid_ps=1))
    assert starts(held) == [[0], [11 * US], [22 * US]]
    assert held.variation_ps == 0
    # In the queue from the earliest arrival to the opening: 9 to 11 and 20 to 22 us; a frame of the
    # same size that came before 8 us later could leave in the window: 17 to 19 and 28 to 30.
    waiting = [piece[1:3] for piece in held.pieces if piece.resource_index >= 3]
    assert waiting == [
        (0, 1), (8 * US, 1),
        (9 * US, 2 * US + 1), (17 * US, 2 * US + 1),
        (20 * US, 2 * US + 1), (28 * US, 2 * US + 1),
    ]  # fmt: skip


def test_clock_errors_widen_a_slot_and_delay_an_opening() -> None:
    # Talker within 100 ns, bridge within 300 ns. Passing: the frame comes as its talker sends it,
    # 100 ns early or late. Held: the gate must open 100 + 300 ns later by the bridge's clock.
    builder = ProblemBuilder().port("a", clock_error_ps=100 * NS).port("b", clock_error_ps=300 * NS)
    problem = builder.stream("s", ["a", "b"], clock_error_ps=100 * NS).problem()
    passing = of_first(problem)
    slot = passing.slots[1][0]
    assert (slot.start_ps, slot.earliest_ps, slot.latest_ps) == (8_000_000, 7_900_000, 8_100_000)
    assert passing.latencies_ps == (16 * US,)  # the error moves start and end alike
    held = of_first(problem, Setting(held=frozenset({1}), grid_ps=1)).slots[1][0]
    assert (held.start_ps, held.earliest_ps, held.latest_ps) == (8_400_000, 8_100_000, 8_700_000)


def test_a_gate_opens_on_its_grid() -> None:
    builder = ProblemBuilder().port("a").port("b", gates=GateLimits(granularity_ps=300 * NS))
    way = [Step(port="a"), Step(port="b", before_ps=(0, 1 * US))]
    result = of_first(
        builder.stream("s", way).problem(), Setting(held=frozenset({1}), grid_ps=300 * NS)
    )
    assert starts(result)[1] == [9_000_000]  # ready at the latest at 9 us, 30 times 300 ns
    problem = builder.problem()
    late = timing(
        problem.ports, problem.streams[0], problem.streams[0].routes.quickest(0, 1000, problem.ports),
        Setting(held=frozenset({1}), grid_ps=400 * NS), (0, 800 * NS),
    )  # fmt: skip
    assert starts(late)[1] == [10_000_000]  # 9.2 us is the next multiple of 400 ns, and a wait


def test_first_of_two_copies_goes_on() -> None:
    # Two copies, 8 us and 8 + 1000 octets over a second hop = 16 us on their ways; behind the
    # joining node the frame may come at 8 us or, if that copy is lost, at 16 us.
    way = [
        Step(port="a1", parent=-1),
        Step(port="b1", parent=-1),
        Step(port="b2", parent=1),
        Step(port="end", parent=0, joined=(2,)),
    ]
    problem = ProblemBuilder().port("a1", "b1", "b2", "end").stream("s", way).problem()
    slot = of_first(problem).slots[3][0]
    assert (slot.start_ps, slot.earliest_ps, slot.latest_ps) == (8 * US, 8 * US, 16 * US)


def test_other_traffic_may_be_in_the_way_where_there_are_no_gates() -> None:
    # A port without gates may have begun a frame of 1522 octets with lead and tail: 12.336 us.
    builder = ProblemBuilder().port(
        "a", gates=None, other_octets=1522, lead_octets=8, tail_octets=12
    )
    slot = of_first(builder.stream("s", ["a"]).problem()).slots[0][0]
    assert (slot.earliest_ps, slot.latest_ps) == (0, 12_336_000)


@pytest.mark.parametrize(
    ("fragment_octets", "expected_ps"),
    [
        # 64 - 4 + 63 = 123 octets, with lead 8 and tail 12: 143 octets, 1.144 us
        pytest.param(64, 1_144_000, id="64"),
        # 128 - 4 + 63 + 20 = 207 octets, 1.656 us
        pytest.param(128, 1_656_000, id="128"),
    ],
)
def test_hold_advance(fragment_octets: int, expected_ps: int) -> None:
    builder = ProblemBuilder().port(
        "a", lead_octets=8, tail_octets=12, fragment_octets=fragment_octets
    )
    assert hold_advance_ps(builder.ports[0]) == expected_ps

# SPDX-License-Identifier: Apache-2.0
"""Ports with rules, worked by hand to the nanosecond.

At 1 Gbit/s an octet takes 8 ns. A frame of 100 octets leaves within 8 + 100 octets = 864 ns and
occupies the wire for 8 + 100 + 12 = 120 octets = 960 ns. Every wire is 50 ns long; latencies
count from the first bit after the preamble, 64 ns after the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from emulator.simulation.run import simulate
from netplan.media.interface import TermKind
from netplan.tsn.mechanisms import (
    AtsScheduler,
    GateEntry,
    GateList,
    GateOperation,
    PortRules,
    QueueRule,
    Reception,
    Selection,
)
from netplan.verdict.evidence import SimulatedEvidence
from support.small_plans import GBIT, MBIT, NS, US, PlanBuilder, Step, term

STRICT = QueueRule()
PREEMPTABLE = QueueRule(express=False)
ALL = 0xFF


def gates(
    cycle_us: int, *entries: tuple[int, int], base_us: int = 0, extension_us: int = 0
) -> GateList:
    """A list of durations in microseconds and open queues."""
    return GateList(
        base_ps=base_us * US,
        cycle_ps=cycle_us * US,
        entries=tuple(
            GateEntry(duration_ps=duration_us * US, open_queues=open_queues)
            for duration_us, open_queues in entries
        ),
        extension_ps=extension_us * US,
    )


def rules(
    queues: Sequence[QueueRule],
    *lists: GateList,
    fragment_octets: int | None = None,
    hold_advance_ps: int = 0,
) -> PortRules:
    """Rules for the lowest queues; the others are plain."""
    return PortRules(
        queues=(*queues, *(STRICT,) * (8 - len(queues))),
        gates=lists,
        fragment_octets=fragment_octets,
        hold_advance_ps=hold_advance_ps,
    )


def one_port(
    port: PortRules,
    *streams: tuple[int, int, tuple[int, ...]],
    until_us: int = 90,
) -> SimulatedEvidence:
    """One run of a talker's own port: queue, release in ns and frame sizes of each stream."""
    builder = PlanBuilder().wire("h.p", rules=port)
    for number, (queue, phase_ns, message) in enumerate(streams):
        builder.stream(
            f"s{number}",
            [Step(egress="h.p", to="l", queue=queue)],
            messages=(message,),
            phase_ps=phase_ns * NS,
        )
    return simulate(builder.plan(), seed=1, duration_ps=until_us * US)


def starts_ns(evidence: SimulatedEvidence) -> list[float]:
    """Start of each stream's only (or most delayed) frame."""
    return [row.worst[0].started_ps / NS for row in evidence.streams]


def waits_ns(evidence: SimulatedEvidence) -> list[float]:
    """Longest wait of each stream: that of its last frame."""
    return [(row.max_talker_wait_ps or 0) / NS for row in evidence.streams]


def deliveries_ns(evidence: SimulatedEvidence) -> list[float]:
    """Reception of each stream's only (or most delayed) frame."""
    return [row.worst[0].delivered_ps / NS for row in evidence.streams]


# ------------------------------------------------------------------ gates


@pytest.mark.parametrize(
    ("release_ns", "start_ns"),
    [
        pytest.param(136, 136, id="leaves exactly at the closing: 136 + 864 = 1,000"),
        pytest.param(137, 10_000, id="would leave 1 ns too late: next cycle"),
        pytest.param(5_000, 10_000, id="closed"),
    ],
)
def test_frame_starts_only_if_it_leaves_before_the_closing(release_ns: int, start_ns: int) -> None:
    evidence = one_port(rules([STRICT], gates(10, (1, 1), (9, 0))), (0, release_ns, (100,)))
    assert starts_ns(evidence) == [start_ns]


def test_openings_are_one_across_entries_and_cycles() -> None:
    # Open from 8 us of each cycle to 1 us of the next: the frame leaves at 10.564 us.
    evidence = one_port(
        rules([STRICT], gates(10, (1, 1), (7, 2), (1, 3), (1, 1))), (0, 9_700, (100,))
    )
    assert starts_ns(evidence) == [9_700]


def test_a_smaller_frame_behind_one_that_does_not_fit_waits_too() -> None:
    # 300 octets take 2,464 ns and never fit into 2 us; queues are first in, first out.
    evidence = one_port(rules([STRICT], gates(10, (2, 1), (8, 0))), (0, 0, (300, 100)))
    assert evidence.complete
    assert evidence.frames == 0
    assert evidence.egresses[0].queue_backlog_octets == (400, 0, 0, 0, 0, 0, 0, 0)
    assert any("fit into no opening" in one and "h.p" in one for one in evidence.assumptions)


def test_a_base_time_after_0_counts_backwards_too() -> None:
    # Cycles start at 3, 13, ... and before that at -7: open from -7 to -6 us only.
    evidence = one_port(rules([STRICT], gates(10, (1, 1), (9, 0), base_us=3)), (0, 0, (100,)))
    assert starts_ns(evidence) == [3_000]


@pytest.mark.parametrize(
    ("extension_us", "start_ns"),
    [
        # The first list would open its queue at 20 us again for 2 us, then the second takes over,
        # whose queue opens 4 us after its base.
        pytest.param(0, 20_000, id="the last cycle is cut"),
        pytest.param(2, 26_000, id="the cycle before is stretched, its last entry lasts"),
    ],
)
def test_change_of_lists_at_run_time(extension_us: int, start_ns: int) -> None:
    first = gates(10, (1, 1), (9, 0), extension_us=extension_us)
    second = gates(8, (4, 0), (4, 1), base_us=22)
    evidence = one_port(rules([STRICT], first, second), (0, 15_000, (100,)))
    assert starts_ns(evidence) == [start_ns]


def test_too_large_a_frame_is_dropped_before_the_queue() -> None:
    evidence = one_port(rules([QueueRule(largest_frame_octets=99)]), (0, 0, (100, 99)))
    assert evidence.streams[0].lost == 1
    assert evidence.streams[0].frames == 1
    assert evidence.egresses[0].dropped == 1


# ------------------------------------------------------------------ shapers


CREDIT = QueueRule(selection=Selection.CREDIT, idle_slope_bps=250 * MBIT)


def test_credit_is_paid_back_before_the_next_frame() -> None:
    # 960 ns at -750 Mbit/s: -720 bit, earned at 250 Mbit/s in 2,880 ns.
    evidence = one_port(rules([CREDIT]), (0, 0, (100, 100)))
    assert waits_ns(evidence) == [960 + 2_880]


def test_credit_is_exact_where_it_is_no_whole_picosecond() -> None:
    # 99 octets occupy 952,000 ps. At 300 Mbit/s they cost 952,000 * 700 / 300 = 2,221,333 1/3 ps, so
    # three frames are 2 * 3,173,333 1/3 ps apart, rounded up to the picosecond at the end only.
    queue = QueueRule(selection=Selection.CREDIT, idle_slope_bps=300 * MBIT)
    row = one_port(rules([queue]), (0, 0, (99, 99, 99))).streams[0]
    assert row.max_talker_wait_ps == 6_346_667


def test_credit_does_not_rise_behind_a_closed_gate() -> None:
    # It rises from 960 to 2,000 ns and for the remaining 1,840 ns from 5,000 ns on.
    evidence = one_port(rules([CREDIT], gates(100, (2, 1), (3, 0), (95, 1))), (0, 0, (100, 100)))
    assert waits_ns(evidence) == [5_000 + 1_840]


def test_credit_rises_while_others_send_and_is_lost_when_nobody_waits() -> None:
    # Queue 7 sends 300 octets until 2,560 ns. Meanwhile queue 0 earns 640 bit, so that its first
    # frame leaves it at -80 bit: 320 ns after its end at 3,520 the second may start.
    evidence = one_port(rules([CREDIT]), (7, 0, (300,)), (0, 0, (100, 100)))
    assert waits_ns(evidence) == [0, 2_560 + 960 + 320]
    # With one frame only 560 bit would be left of a burst of credit; later frames find 0 again.
    evidence = one_port(rules([CREDIT]), (7, 0, (1000,)), (0, 0, (100,)), (0, 20_000, (100, 100)))
    assert waits_ns(evidence)[2] == 960 + 2_880


def test_two_shaped_queues_under_strict_priority() -> None:
    # Stream 0 comes first and takes the idle wire; it owes 720 bit from 960 on, until 3,840. Stream
    # 1 earns 240 bit before its first frame and owes 480 at 1,920, until 3,840 too: it is higher.
    evidence = one_port(rules([CREDIT, CREDIT]), (0, 0, (100, 100)), (1, 0, (100, 100)))
    assert waits_ns(evidence) == [3_840 + 960, 3_840]


def ats_plan(*, max_residence_us: int = 1000) -> PlanBuilder:
    """A switch whose queue 3 is asynchronous, behind a scheduler of 100 Mbit/s and 120 octets."""
    scheduler = AtsScheduler(
        name="a",
        group="g",
        committed_bps=100 * MBIT,
        committed_burst_octets=120,
        max_residence_ps=max_residence_us * US,
    )
    port = rules([STRICT] * 3 + [QueueRule(selection=Selection.ASYNCHRONOUS)])
    return (
        PlanBuilder()
        .wire("h.p")
        .wire("sw.p", rules=port)
        .stream(
            "shaped",
            [
                Step(egress="h.p", to="sw", queue=3, reception=Reception(scheduler=scheduler)),
                Step(egress="sw.p", to="l", queue=3),
            ],
            messages=((100, 100),),
            phase_ps=0,
        )
    )


def test_eligibility_times_are_spaced_by_the_rate() -> None:
    row = simulate(ats_plan().plan(), seed=1, duration_ps=90 * US).streams[0]
    # Received at 914 and 1,874 ns. The first finds the bucket full; 120 octets take 9,600 ns.
    assert row.worst[1].started_ps == (914 + 9_600) * NS
    assert row.frames == 2


def test_eligibility_times_are_exact_where_they_are_no_whole_picosecond() -> None:
    # At 70 Mbit/s 120 octets take 13,714,285 5/7 ps. The bucket of 200 octets is full when the first
    # frame comes at 914,000 ps and then lacks 120 octets: the fourth is eligible when it has
    # earned 4 * 120 - 200 = 280 octets since, in exactly 32,000,000 ps.
    scheduler = AtsScheduler(
        name="a",
        group="g",
        committed_bps=70 * MBIT,
        committed_burst_octets=200,
        max_residence_ps=1000 * US,
    )
    port = rules([QueueRule(selection=Selection.ASYNCHRONOUS)])
    plan = (
        PlanBuilder()
        .wire("h.p")
        .wire("sw.p", rules=port)
        .stream(
            "shaped",
            [
                Step(egress="h.p", to="sw", queue=0, reception=Reception(scheduler=scheduler)),
                Step(egress="sw.p", to="l", queue=0),
            ],
            messages=((100,) * 4,),
            phase_ps=0,
        )
        .plan()
    )
    row = simulate(plan, seed=1, duration_ps=90 * US).streams[0]
    assert row.worst[1].started_ps == 914 * NS + 32 * US


def test_eligibility_counts_from_the_end_of_the_longest_processing() -> None:
    builder = ats_plan()
    hops = builder.streams[0].hops
    processing = term(TermKind.PROCESSING, 1 * US, 3 * US)
    slow = replace(hops[1], before=(processing,))
    builder.streams[0] = replace(builder.streams[0], hops=(hops[0], slow))
    row = simulate(builder.plan(), seed=1, duration_ps=90 * US).streams[0]
    assert row.worst[1].started_ps == (914 + 9_600 + 3_000) * NS


def test_what_would_wait_too_long_is_dropped() -> None:
    row = simulate(ats_plan(max_residence_us=8).plan(), seed=1, duration_ps=90 * US).streams[0]
    # 10,514 - 1,874 = 8,640 ns.
    assert (row.frames, row.lost) == (1, 1)


def test_lower_queues_send_while_frames_are_not_eligible() -> None:
    builder = ats_plan().wire("h2.p")
    builder.stream(
        "other",
        [Step(egress="h2.p", to="sw", queue=0), Step(egress="sw.p", to="l", queue=0)],
        messages=((1000,),),
        phase_ps=500 * NS,
    )
    shaped, other = simulate(builder.plan(), seed=1, duration_ps=90 * US).streams
    # 500 + 8,064 + 50 = 8,614 ns: not eligible yet, so the other one goes, until 16,774.
    assert other.worst[1].started_ps == 8_614 * NS
    assert shaped.worst[1].started_ps == (8_614 + 8_160) * NS


def round_robin(quantum_octets: int) -> QueueRule:
    return QueueRule(selection=Selection.ROUND_ROBIN, quantum_octets=quantum_octets)


def order_of(evidence: SimulatedEvidence, count: int) -> list[int]:
    """Streams in the order in which their last frames were started."""
    return sorted(range(count), key=lambda index: starts_ns(evidence)[index])


def test_round_robin_shares_by_quantum() -> None:
    # While queue 7 sends, one frame of each of six streams comes: a, b, c in queue 0 and d, e, f
    # in queue 1. Per round queue 0 may send 100 octets and queue 1 200: a, d, e, b, f, c.
    evidence = one_port(
        rules([round_robin(100), round_robin(200)]),
        (7, 0, (1000,)),
        *((queue, 1_000 + number, (100,)) for number, queue in enumerate([0, 0, 0, 1, 1, 1])),
    )
    assert order_of(evidence, 7) == [0, 1, 4, 5, 2, 6, 3]


def test_a_frame_larger_than_the_quantum_saves_up_for_some_rounds() -> None:
    # Queue 0 earns 100 a round and needs 250: two frames of queue 1 pass before it, a third
    # after it; the rest of its deficit is lost as it is empty then.
    evidence = one_port(
        rules([round_robin(100), round_robin(100)]),
        (7, 0, (1000,)),
        (0, 1_000, (250,)),
        *((1, 1_100 + number, (100,)) for number in range(3)),
    )
    assert order_of(evidence, 5) == [0, 2, 3, 1, 4]


def test_round_robin_below_a_shaped_queue() -> None:
    shaped = [round_robin(100), round_robin(100), CREDIT]
    evidence = one_port(
        rules(shaped), (2, 0, (100, 100)), (0, 0, (100, 100, 100)), (1, 0, (100, 100))
    )
    # The shaped queue sends at 0 and owes until 3,840; meanwhile a at 960, b at 1,920, a at 2,880;
    # then it again, then b at 4,800 and the last a at 5,760.
    assert waits_ns(evidence) == [3_840, 5_760, 4_800]


# ------------------------------------------------------------------ preemption


def preempting(*lists: GateList, fragment_octets: int = 64, hold_advance_ps: int = 0) -> PortRules:
    """Queue 0 is preemptable, the others are express."""
    return rules(
        [PREEMPTABLE], *lists, fragment_octets=fragment_octets, hold_advance_ps=hold_advance_ps
    )


@pytest.mark.parametrize(
    ("release_ns", "start_ns", "fragment_octets"),
    [
        # 242 octets have been sent at 64 + 242 * 8 = 2,000; check and gap take 16 octets = 128 ns.
        pytest.param(2_000, 2_128, 64, id="at the end of an octet"),
        pytest.param(1_993, 2_128, 64, id="within that octet"),
        # The first fragment has at least 60 octets: 64 + 480 = 544.
        pytest.param(100, 544 + 128, 64, id="not before the least fragment"),
        pytest.param(100, 64 + 124 * 8 + 128, 128, id="a larger least fragment"),
        # At least 64 of 1,000 octets must be left: the last chance is at 64 + 936 * 8 = 7,552.
        pytest.param(7_552, 7_552 + 128, 64, id="last chance"),
        pytest.param(7_553, 8_160, 64, id="too late"),
    ],
)
def test_express_frame_interrupts(release_ns: int, start_ns: int, fragment_octets: int) -> None:
    evidence = one_port(
        preempting(fragment_octets=fragment_octets), (0, 0, (1000,)), (7, release_ns, (100,))
    )
    assert starts_ns(evidence) == [0, start_ns]
    if start_ns < 8_160:
        # 8,160 ns for the frame, 960 for the other, 24 octets = 192 ns for the interruption;
        # the gap behind it does not count for the reception, 50 ns later.
        assert deliveries_ns(evidence) == [8_064 + 960 + 192 + 50, start_ns + 864 + 50]


def test_short_frames_cannot_be_interrupted() -> None:
    # 123 octets: 60 and at least 64 do not fit in.
    evidence = one_port(preempting(), (0, 0, (123,)), (7, 100, (100,)))
    assert starts_ns(evidence) == [0, (8 + 123 + 12) * 8]


def test_one_frame_is_interrupted_several_times() -> None:
    evidence = one_port(preempting(), (0, 0, (1000,)), (7, 2_000, (100,)), (6, 5_000, (100,)))
    # Goes on at 2,128 + 960 = 3,088; at 5,000 the fragment has 231 octets, at 3,088 + 64 + 1,848 =
    # 5,000; each interruption costs 192 ns.
    assert starts_ns(evidence) == [0, 2_128, 5_128]
    assert deliveries_ns(evidence)[0] == 8_064 + 2 * (960 + 192) + 50
    # Two frames of 960 ns, one of 8,160, two interruptions.
    assert evidence.egresses[0].busy_ratio == (2 * 960 + 8_160 + 2 * 192) / 90_000


def test_interruption_stops_at_the_gate_of_express_frames() -> None:
    # The express queue opens at 4 us: 492 octets at 64 + 492 * 8 = 4,000. The gate of the preemptable
    # queue closes then, which does not keep the frame from going on.
    evidence = one_port(preempting(gates(100, (4, 1), (96, 0x80))), (0, 0, (400,)), (7, 0, (100,)))
    # 400 octets leave by 3,264: not interrupted.
    assert deliveries_ns(evidence)[0] == 3_264 + 50
    evidence = one_port(preempting(gates(100, (9, 1), (91, 0x80))), (0, 0, (1000,)), (7, 0, (100,)))
    assert starts_ns(evidence) == [0, 9_000]


def test_interrupted_frame_goes_on_behind_a_closed_gate() -> None:
    # Queue 0 may start until it has left by 9 us; the express frame comes in at 7 us, so the rest
    # goes on at 7,128 + 960 = 8,088 and leaves after the closing.
    port = preempting(gates(100, (9, 0x81), (91, 0x80)))
    evidence = one_port(port, (0, 0, (1000,)), (7, 7_000, (100,)))
    assert deliveries_ns(evidence)[0] == 8_064 + 960 + 192 + 50


def holding(*operations: tuple[int, GateOperation]) -> GateList:
    """All gates open; entries of so many microseconds that hold or release."""
    return GateList(
        base_ps=0,
        cycle_ps=100 * US,
        entries=tuple(
            GateEntry(duration_ps=duration_us * US, open_queues=ALL, operation=operation)
            for duration_us, operation in operations
        ),
    )


def test_hold_interrupts_in_advance_and_release_lets_go_on() -> None:
    one = holding((5, GateOperation.SET), (3, GateOperation.HOLD), (92, GateOperation.RELEASE))
    evidence = one_port(
        preempting(one, hold_advance_ps=2 * US), (0, 0, (1000,)), (1, 4_000, (100,))
    )
    # Held from 3 us: 367 octets at 64 + 2,936 = 3,000. Express frames pass. The rest of 633 octets
    # goes on at 8 us and leaves 641 octets = 5,128 ns later.
    assert starts_ns(evidence) == [0, 4_000]
    assert deliveries_ns(evidence)[0] == 8_000 + 5_128 + 50


def test_nothing_preemptable_starts_while_held() -> None:
    one = holding((5, GateOperation.SET), (3, GateOperation.HOLD), (92, GateOperation.RELEASE))
    evidence = one_port(preempting(one), (0, 5_500, (100,)))
    assert starts_ns(evidence) == [8_000]


def test_credit_stands_still_while_its_frame_is_interrupted() -> None:
    queue = QueueRule(selection=Selection.CREDIT, idle_slope_bps=500 * MBIT, express=False)
    port = rules([queue], fragment_octets=64)
    evidence = one_port(port, (0, 0, (1000, 64)), (7, 2_000, (100,)))
    # At 500 of 1,000 Mbit/s every nanosecond on the wire has to be earned by another one: 2,128 for
    # the first fragment, 6,224 for the second (8 + 758 + 12 octets), which ends at 9,312.
    assert starts_ns(evidence)[1] == 2_128
    second = evidence.streams[0]
    assert second.frames == 2
    assert second.max_gap_ps is None
    assert second.max_talker_wait_ps == (3_088 + 6_224 + 2_128 + 6_224) * NS


# ------------------------------------------------------------------ cut-through


def test_head_goes_on_before_the_rest_has_come() -> None:
    plan = (
        PlanBuilder(processing_min_ps=500 * NS, processing_max_ps=500 * NS)
        .wire("h.p")
        .wire("sw.p", line_bps=GBIT // 2)
        .stream(
            "s",
            [
                Step(egress="h.p", to="sw"),
                Step(egress="sw.p", to="l", cut_through_octets=64),
                Step(egress="sw.p", to="m", parent=0),
            ],
            phase_ps=0,
        )
        .plan()
    )
    evidence = simulate(plan, seed=1, duration_ps=90 * US)
    cut, stored = evidence.streams
    # 72 octets = 576 ns, 50 and 500; the whole frame would be there at 914 + 500.
    assert cut.worst[1].received_ps == 626 * NS
    assert cut.worst[1].started_ps == 1_126 * NS
    # 108 octets of 16 ns and the wire; counted from 64 ns on.
    assert cut.max_ps == (1_126 + 1_728 + 50 - 64) * NS
    # The other copy waits for the end of the first one: 120 octets of 16 ns.
    assert stored.worst[1].received_ps == 914 * NS
    assert stored.worst[1].started_ps == (1_126 + 1_920) * NS
    assert evidence.frame_hops == 3


def test_frames_shorter_than_the_head_are_stored() -> None:
    plan = (
        PlanBuilder()
        .wire("h.p")
        .wire("sw.p")
        .stream("s", [("h.p", "sw"), Step(egress="sw.p", to="l", cut_through_octets=200)])
        .plan()
    )
    row = simulate(plan, seed=1, duration_ps=900 * US).streams[0]
    assert row.max_ps == (800 + 50 + 864 + 50) * NS

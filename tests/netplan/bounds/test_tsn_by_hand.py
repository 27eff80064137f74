# SPDX-License-Identifier: Apache-2.0
"""Worst cases of TSN mechanisms worked by hand.

At 1 Gb/s an octet takes 8 ns. A frame of L octets takes 8 L at the talker's port, 8 (L + 8) at every
later wire (its length), and occupies a wire for 8 (L + 20) (its work); 12 octets of tail take
96 ns, cables 50 ns. A frame of 1000 octets: port 8000, length 8064, work 8160.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from netplan.bounds.analysis import bound, settled
from netplan.bounds.apart import sent_by
from netplan.media.interface import GrantMechanism, NoService
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import (
    AtsScheduler,
    FlowMeter,
    GateEntry,
    GateList,
    GateOperation,
    NodeClock,
    PortRules,
    QueueRule,
    Reception,
    Recovery,
    RecoveryAlgorithm,
    Selection,
    StreamFilter,
    StreamGate,
    StreamGateEntry,
    Synchronisation,
)
from netplan.verdict.evidence import StreamBound
from support.small_plans import GBIT, MBIT, NS, US, PlanBuilder, Step

CREDIT = Selection.CREDIT
TURNS = Selection.ROUND_ROBIN
BY_TIME = Selection.ASYNCHRONOUS


def row(plan: Plan, name: str, listener_index: int = 0) -> StreamBound:
    for found in bound(plan).streams:
        found_name = plan.streams[found.stream_index].name
        if found_name == name and found.listener_index == listener_index:
            return found
    raise KeyError(name)


def bound_ns(plan: Plan, name: str, listener_index: int = 0) -> float:
    bound_ps = row(plan, name, listener_index).bound_ps
    assert bound_ps is not None
    return bound_ps / NS


def rules(*queues: QueueRule, gates: tuple[GateList, ...] = (), **more: int) -> PortRules:
    return PortRules(queues=queues or (QueueRule(), QueueRule()), gates=gates, **more)


def gate_list(*entries: tuple[int, int], base_ps: int = 0) -> GateList:
    """Entries of nanoseconds and open queues."""
    return GateList(
        base_ps=base_ps,
        cycle_ps=sum(duration for duration, _ in entries) * NS,
        entries=tuple(
            GateEntry(duration_ps=duration * NS, open_queues=queues) for duration, queues in entries
        ),
    )


def into(
    port_rules: PortRules, *streams: tuple[str, int, int], period_ps: int = 10_000 * US
) -> Plan:
    """Streams (name, queue, octets), each from a talker of its own, over one port s1.p."""
    builder = PlanBuilder()
    builder.wire("s1.p", rules=port_rules, queue_count=len(port_rules.queues))
    for number, (name, queue, octets) in enumerate(streams):
        builder.wire(f"h{number}.p", queue_count=1)
        route = [
            Step(egress=f"h{number}.p", to="s1", queue=0),
            Step(egress="s1.p", to="y", queue=queue),
        ]
        builder.stream(name, route, messages=((octets,),), period_ps=period_ps)
    return builder.plan()


EXCLUSIVE = gate_list((100_000, 0b10), (300_000, 0b01))


def test_frame_that_just_does_not_fit_waits_for_the_next_window() -> None:
    plan = into(rules(gates=(EXCLUSIVE,)), ("high", 1, 1000), ("low", 0, 500))
    # high does not fit into the last 8064 of its window, waits 300000 until the next and
    # then for the tail of a low frame that has just fitted into its own.
    assert bound_ns(plan, "high") == 8050 + (8064 + 300_000 + 96) + 8114
    # low: 4064 that are too short, 100000, the tail of a high frame.
    assert bound_ns(plan, "low") == 4050 + (4064 + 100_000 + 96) + 4114
    assert row(plan, "high").minimum_ps == (8050 + 8114) * NS
    assert row(plan, "high").jitter_ps == (8064 + 300_000 + 96) * NS


@pytest.mark.parametrize(("window", "windows"), [(16_416, 1), (16_300, 2)])
def test_windows_hold_whole_frames(window: int, windows: int) -> None:
    gates = gate_list((window, 0b10), (400_000 - window, 0b01))
    streams = [(f"high{number}", 1, 1000) for number in range(3)]
    plan = into(rules(gates=(gates,)), *streams, ("low", 0, 500))
    # 96 of tail, two frames of 8160 and 8064 fit exactly into 96 + 8160 + 8160; a third
    # frame never does. With 116 less, each window holds one.
    wait = 8064 + (400_000 - window) + 96 + 400_000 * windows
    assert bound_ns(plan, "high0") == 8050 + wait + 8114


def test_a_window_of_exactly_one_frame_serves_it() -> None:
    gates = gate_list((96 + 8064, 0b10), (391_840, 0b01))
    plan = into(rules(gates=(gates,)), ("high", 1, 1000), ("low", 0, 500))
    assert bound_ns(plan, "high") == 8050 + (8064 + 391_840 + 96) + 8114
    shorter = gate_list((96 + 8063, 0b10), (391_841, 0b01))
    refused = row(into(rules(gates=(shorter,)), ("high", 1, 1000), ("low", 0, 500)), "high")
    assert refused.bound_ps is None
    assert "no window of queue 1 of s1.p" in refused.why


def test_other_queue_still_open_may_be_under_way_at_an_opening() -> None:
    gates = gate_list((100_000, 0b11), (300_000, 0b01))
    plan = into(rules(gates=(gates,)), ("high", 1, 1000), ("low", 0, 500))
    # A low frame (4160) may have started just before high's window opens; it may also have
    # started just before high came, and made it miss the end of its window.
    assert bound_ns(plan, "high") == 8050 + (4160 + 8064 + 300_000 + 4160) + 8114
    # low is never shut; high goes before it as often as it comes: once.
    assert bound_ns(plan, "low") == 4050 + 8160 + 4114


def test_largest_frame_of_a_queue_shrinks_its_guard() -> None:
    small = QueueRule(largest_frame_octets=500)
    plan = into(rules(QueueRule(), small, gates=(EXCLUSIVE,)), ("high", 1, 500), ("big", 1, 1000))
    assert bound_ns(plan, "high") == 4050 + (4064 + 300_000) + 4114
    big = row(plan, "big")
    assert big.bound_ps is None
    assert "queue 1 of s1.p drops frames of more than 500 octets" in big.why


def test_clock_error_shortens_every_window_at_both_edges() -> None:
    plan = into(rules(gates=(EXCLUSIVE,)), ("high", 1, 1000), ("low", 0, 500))
    clock = NodeClock(
        node="s1",
        parent="",
        error_ps=700 * NS,
        drift_ppb=0,
        wander_ppb=0,
        timestamp_ps=0,
        asymmetry_ps=0,
        residence_ps=0,
    )
    timed = replace(
        plan, synchronisation=Synchronisation(grandmaster="s1", interval_ps=1, clocks=(clock,))
    )
    assert bound_ns(timed, "high") == bound_ns(plan, "high") + 1400


def test_change_of_gate_lists_takes_one_more_wait() -> None:
    later = replace(EXCLUSIVE, base_ps=4_000 * US)
    once = into(rules(gates=(EXCLUSIVE,)), ("high", 1, 1000), ("low", 0, 500))
    twice = into(rules(gates=(EXCLUSIVE, later)), ("high", 1, 1000), ("low", 0, 500))
    # Work after which the window has no room (100000 less a tail and a guard: 91840) waits 308160 and
    # a cycle, 708160; less what such work takes in the long run, 97920 in each 400000, that
    # is 332996.602 (rounded down to whole picoseconds: 708160 - 375163.398). It counts
    # for both lists, with guard and longest frame for each change.
    assert 708_160_000 - 91_840 * 400_000_000 // 97_920 == 332_996_602
    wait_ps = 2 * 332_996_602 + 2 * (8064 + 8160) * NS
    assert row(twice, "high").bound_ps == 8050 * NS + wait_ps + 8114 * NS
    assert bound_ns(once, "high") == 8050 + 308_160 + 8114
    never = replace(later, entries=(GateEntry(duration_ps=400 * US, open_queues=1),))
    shut = row(into(rules(gates=(EXCLUSIVE, never)), ("high", 1, 1000)), "high")
    assert shut.why == "a gate list of s1.p never opens queue 1"


def test_gate_that_leaves_too_little_is_an_overload() -> None:
    plan = into(rules(gates=(EXCLUSIVE,)), ("high", 1, 1000), period_ps=30 * US)
    # 8160 in 30000 are 27.20 %; of 100000 in 400000 its gate leaves 12 frames, 97920: 24.48 %.
    # The difference, 2.72 % of 1 Gb/s, is 27200000 bit/s.
    found = row(plan, "high")
    assert found.bound_ps is None
    assert (
        "s1.p is overloaded: its queue 1 with what goes before it is offered 111.11 %" in found.why
    )
    assert "27200000 bit/s too much" in found.why


SHAPED = QueueRule(selection=CREDIT, idle_slope_bps=250 * MBIT)


def test_credit_is_waited_for_before_and_behind_a_lower_frame() -> None:
    plan = into(rules(QueueRule(), SHAPED), ("a", 1, 500), ("other", 1, 500), ("low", 0, 1500))
    # The other goes first (4160); credit is 0 again after 4 x 4160; just then a low frame has
    # started (12160).
    assert bound_ns(plan, "a") == 4050 + (4 * 4160 + 12160) + 4114
    # low waits for both frames of the shaped queue.
    assert bound_ns(plan, "low") == 12050 + 2 * 4160 + 12114


def test_lower_class_gains_credit_while_the_higher_one_sends() -> None:
    plan = into(
        rules(QueueRule(), SHAPED, SHAPED),
        *(("a", 2, 500), ("b", 1, 800), ("other", 1, 800), ("low", 0, 1500)),
    )
    # b: the other frame (6560) at the slope, then low (12160) and the frame of class a (4160).
    assert bound_ns(plan, "b") == 6450 + (4 * 6560 + 12160 + 4160) + 6514
    # a: only the longest frame of the others.
    assert bound_ns(plan, "a") == 4050 + 12160 + 4114


def test_frames_that_are_dropped_do_not_split_what_a_shaped_queue_sends() -> None:
    # Frames of b are larger than queue 1 takes. What it sends is counted in frames of a all the same:
    # in steps of their work, 4160, not in picoseconds, which no search would get to the end of.
    narrow = replace(SHAPED, largest_frame_octets=600)
    plan = into(rules(QueueRule(), narrow), ("a", 1, 500), ("b", 1, 1500), ("low", 0, 1500))
    network = settled(plan)
    (shaped,) = [
        index
        for index, server in enumerate(network.servers)
        if server.access is not None and server.access.idle_bps
    ]
    lower = next(one for one in network.servers if one.access and shaped in one.access.apart)
    assert lower.access is not None
    sent = sent_by(network, lower.access, shaped)
    assert not isinstance(sent, str)
    (ingress,) = sent
    # One a message of 1000 us, and the slope in frames of 4160: 250 Mbit/s / (4160 * 1 bit) = 60,097.
    assert ingress.steps_per_s <= 2 * 1001 + 60_097
    assert bound_ns(plan, "low") == 12050 + 4160 + 12114


def test_what_leaves_a_shaped_queue_is_spread_out() -> None:
    builder = PlanBuilder()
    builder.wire("s1.p", rules=rules(QueueRule(), SHAPED), queue_count=2)
    builder.wire("s2.p", queue_count=1).wire("z.p", queue_count=1)
    for number in range(4):
        builder.wire(f"h{number}.p", queue_count=1)
        route = [
            Step(egress=f"h{number}.p", to="s1", queue=0),
            Step(egress="s1.p", to="s2", queue=1),
            Step(egress="s2.p", to="y", queue=0),
        ]
        builder.stream(f"a{number}", route, messages=((500,),))
    route = [Step(egress="z.p", to="s2", queue=0), Step(egress="s2.p", to="y", queue=0)]
    builder.stream("z", route, messages=((1500,),))
    # Credit never rises above 0 (nothing else is sent): frames of 4160 leave s1 16640 apart. While
    # 12160 of z are sent only one comes, so z waits for one, and a frame for z.
    assert bound_ns(builder.plan(), "z") == 12050 + 4160 + 12114
    # Behind s1 a frame has waited for three others at the slope.
    assert bound_ns(builder.plan(), "a0") == 4050 + 3 * 16640 + 4114 + 12160 + 4114


def test_idle_slopes_that_do_not_fit_are_named() -> None:
    steep = QueueRule(selection=CREDIT, idle_slope_bps=600 * MBIT)
    plan = into(rules(QueueRule(), steep, steep), ("a", 2, 500), ("b", 1, 500))
    # Class a takes 4160 in 10 ms only, so b is bounded all the same.
    assert row(plan, "b").bound_ps is not None
    slow = QueueRule(selection=CREDIT, idle_slope_bps=1 * MBIT)
    late = row(into(rules(QueueRule(), slow), ("a", 1, 500), period_ps=1000 * US), "a")
    # 4160 in 1 ms are 4.16 Mb/s.
    assert "its queue 1 is offered 416.00 % of its idle slope, 3160000 bit/s too much" in late.why


def test_turns_bound_what_rivals_send() -> None:
    turn = QueueRule(selection=TURNS, quantum_octets=1500)
    builder = PlanBuilder().wire("s1.p", rules=rules(turn, turn), queue_count=2)
    builder.wire("h.p", queue_count=1).wire("b.p", queue_count=1, line_bps=10 * GBIT)
    one = [Step(egress="h.p", to="s1", queue=0), Step(egress="s1.p", to="y", queue=0)]
    many = [Step(egress="b.p", to="s1", queue=0), Step(egress="s1.p", to="y", queue=1)]
    builder.stream("a", one, messages=((1000,),), period_ps=10_000 * US)
    builder.stream("many", many, messages=((1500,) * 20,), period_ps=10_000 * US)
    # In one turn the rival sends its quantum and less than a frame of deficit: one frame.
    assert bound_ns(builder.plan(), "a") == 8050 + 12160 + 8114
    # The last of twenty comes 19 x 1216 after the first; by then 19 x 12160 and one of a are ahead.
    wait = 19 * 12160 + 8160 - 19 * 1216
    assert bound_ns(builder.plan(), "many") == 1200 + 50 + wait + 12114


PREEMPTABLE = QueueRule(express=False)


def test_express_frame_waits_for_one_piece() -> None:
    port = rules(PREEMPTABLE, QueueRule(), fragment_octets=64)
    plan = into(port, ("express", 1, 100), ("low", 0, 1500))
    # The longest piece that is not divided: 123 octets, with lead and tail 143: 1144.
    assert bound_ns(plan, "express") == 850 + 1144 + 914
    # low is interrupted once: 960 for the express frame, 24 octets more: 192.
    assert bound_ns(plan, "low") == 12050 + (960 + 192) + 12114


@pytest.mark.parametrize(
    ("octets", "fragment", "piece"),
    [
        (100, 64, 100),  # too short to be divided
        (123, 64, 123),  # after 60 octets 63 are left
        (124, 64, 64),  # divided after 60, the rest of 64 whole
        (180, 64, 120),  # the rest after 60
        (1500, 64, 123),
        (1500, 256, 315),
    ],
)
def test_longest_piece(octets: int, fragment: int, piece: int) -> None:
    port = rules(PREEMPTABLE, QueueRule(), fragment_octets=fragment)
    plan = into(port, ("express", 1, 100), ("low", 0, octets))
    assert bound_ns(plan, "express") == 850 + 8 * (piece + 20) + 914


def test_hold_keeps_pieces_away_from_a_window() -> None:
    def held(advance_ps: int) -> Plan:
        entries = (
            GateEntry(duration_ps=100 * US, open_queues=0b10, operation=GateOperation.HOLD),
            GateEntry(duration_ps=300 * US, open_queues=0b01, operation=GateOperation.RELEASE),
        )
        gates = GateList(base_ps=0, cycle_ps=400 * US, entries=entries)
        port = PortRules(
            queues=(PREEMPTABLE, QueueRule()),
            gates=(gates,),
            fragment_octets=64,
            hold_advance_ps=advance_ps,
        )
        return into(port, ("express", 1, 1000), ("low", 0, 1500))

    wait = 8064 + 300_000
    assert bound_ns(held(0), "express") == 8050 + (wait + 1144) + 8114
    assert bound_ns(held(1144 * NS), "express") == 8050 + wait + 8114


def test_preemptable_frame_at_its_talker_is_interrupted_too() -> None:
    builder = PlanBuilder()
    builder.wire("t.p", rules=rules(PREEMPTABLE, QueueRule(), fragment_octets=64), queue_count=2)
    builder.stream("low", [Step(egress="t.p", to="y", queue=0)], messages=((1500,),))
    builder.stream("express", [Step(egress="t.p", to="y", queue=1)], messages=((100,),))
    assert bound_ns(builder.plan(), "low") == 12050 + 960 + 192


def test_cut_through_begins_with_the_first_octets() -> None:
    builder = PlanBuilder(processing_min_ps=1 * US, processing_max_ps=2 * US)
    for name in ("h.p", "s1.p", "s2.p", "x.p"):
        builder.wire(name, queue_count=1)
    route = [
        Step(egress="h.p", to="s1"),
        Step(egress="s1.p", to="s2", cut_through_octets=64),
        Step(egress="s2.p", to="y", cut_through_octets=64),
    ]
    builder.stream("a", route, messages=((1000,),), pcp=0)
    found = row(builder.plan(), "a")
    # 64 octets at the port, cable, processing; 72 on the next wire; the whole frame on the last.
    assert found.minimum_ps == (512 + 50 + 1000 + 576 + 50 + 1000 + 8114) * NS
    assert found.bound_ps == found.minimum_ps + 2000 * NS
    cross = [Step(egress="x.p", to="s2"), Step(egress="s2.p", to="z")]
    builder.stream("cross", cross, messages=((500,),), pcp=0)
    # The other frame, wholly received, may be ahead of it at s2 as ever.
    assert bound_ns(builder.plan(), "a") == 512 + 50 + 2000 + 576 + 50 + 2000 + 4160 + 8114


def regulated(
    *, cbs: int, cir_bps: int, residence_ps: int, name: str = "", group: str
) -> Reception:
    return Reception(
        scheduler=AtsScheduler(
            name=name or group,
            group=group,
            committed_bps=cir_bps,
            committed_burst_octets=cbs,
            max_residence_ps=residence_ps,
        )
    )


def asynchronous(reception: Reception | None) -> PlanBuilder:
    """A fast stream is held up by a lump at s1 and meets a victim at s2."""
    builder = PlanBuilder()
    by_time = rules(QueueRule(selection=BY_TIME), QueueRule(selection=BY_TIME))
    for name in ("h1.p", "h2.p", "h3.p", "h4.p", "s1.p", "s2.q"):
        builder.wire(name, queue_count=2)
    builder.wire("s2.p", queue_count=2, rules=by_time)
    fast = [
        Step(egress="h1.p", to="s1", queue=1),
        Step(egress="s1.p", to="s2", queue=1, reception=reception),
        Step(egress="s2.p", to="y", queue=1),
    ]
    builder.stream("fast", fast, messages=((100,),), period_ps=20 * US)
    lump = [("h2.p", "s1"), ("s1.p", "s2"), ("s2.q", "y")]
    builder.stream("lump", lump, messages=((1500,),), pcp=0)
    for name, talker, octets in (("victim", "h3.p", 1000), ("rival", "h4.p", 1500)):
        builder.stream(name, [(talker, "s2"), ("s2.p", "y")], messages=((octets,),), pcp=0)
    return builder


def test_scheduler_undoes_the_jitter_of_an_earlier_hop() -> None:
    # As in test_by_hand: without a scheduler two fast frames come 7840 apart, and the victim waits
    # for the rival (12160) and both of them (960 each).
    assert bound_ns(asynchronous(None).plan(), "victim") == 8050 + 12160 + 2 * 960 + 8114
    # 120 octets in 20 us are 48 Mb/s: behind the scheduler they are 20000 apart again.
    shaper = regulated(cbs=120, cir_bps=48 * MBIT, residence_ps=100 * US, group="fast")
    plan = asynchronous(shaper).plan()
    assert bound_ns(plan, "victim") == 8050 + 12160 + 960 + 8114
    # It costs the stream itself nothing: the lump at s1, the rival at s2.
    assert bound_ns(plan, "fast") == bound_ns(asynchronous(None).plan(), "fast")
    assert bound_ns(plan, "fast") == 850 + 12160 + 914 + 12160 + 914
    assert row(plan, "fast").loss_free


def test_scheduler_that_is_slower_than_its_stream_drops() -> None:
    shaper = regulated(cbs=120, cir_bps=47 * MBIT, residence_ps=100 * US, group="fast")
    found = row(asynchronous(shaper).plan(), "fast")
    assert not found.loss_free
    assert "scheduler fast at s2 may drop frames of fast" in found.why
    # What does arrive has waited for no more than the residence time allows.
    assert found.bound_ps == (850 + 12160 + 914 + 100_000 + 12160 + 914) * NS


def test_group_takes_the_worst_of_its_members() -> None:
    """Two streams of one group from one talker: the small one may wait for the large one again."""
    builder = PlanBuilder()
    by_time = rules(QueueRule(selection=BY_TIME))
    builder.wire("h.p", queue_count=1).wire("s1.p", queue_count=1, rules=by_time)
    for name, octets, cir in (("small", 100, 1), ("large", 1500, 13)):
        reception = regulated(
            cbs=octets + 20, cir_bps=cir * MBIT, residence_ps=100 * US, name=name, group="h"
        )
        route = [
            Step(egress="h.p", to="s1", queue=0, reception=reception),
            Step(egress="s1.p", to="y", queue=0),
        ]
        builder.stream(name, route, messages=((octets,),))
    plan = builder.plan()
    # From the talker's queue on, either has been received after both frames at worst: 12160 + 960
    # less 96 of tail. A frame that did not wait at the talker may so be eligible only 13024
    # - 64 after its first bit; then the other one is ahead of it.
    assert bound_ns(plan, "small") == (13024 - 64 + 50) + 12160 + 914
    assert bound_ns(plan, "large") == (13024 - 64 + 50) + 960 + 12114


def copies(recovery: Recovery, *, period_ps: int = 1000 * US, jitter_ps: int = 0) -> PlanBuilder:
    """A frame goes over a fast and a slow way from t to m, and on to l."""
    builder = PlanBuilder()
    builder.wire("t.a", queue_count=1).wire("t.b", queue_count=1)
    builder.wire("b.p", queue_count=1).wire("m.p", queue_count=1).wire("x.p", queue_count=1)
    route = [
        Step(egress="t.a", to="m"),
        Step(egress="t.b", to="b", parent=-1),
        Step(egress="b.p", to="m", parent=1),
        Step(egress="m.p", to="l", parent=0),
    ]
    builder.stream(
        "twice",
        route,
        messages=((1000,),),
        pcp=0,
        period_ps=period_ps,
        jitter_ps=jitter_ps,
        recoveries=(recovery,),
    )
    builder.stream("cross", [("x.p", "m"), ("m.p", "l")], messages=((500,),), pcp=0)
    return builder


def test_any_copy_may_be_the_one_that_passes() -> None:
    plan = copies(Recovery(members=(0, 2))).plan()
    found = row(plan, "twice")
    # Directly 8050; over b 8050 + 8114.
    assert found.minimum_ps == (8050 + 8114) * NS
    # The later copy may have to wait for the cross frame.
    assert found.bound_ps == (8050 + 8114 + 4160 + 8114) * NS
    assert found.jitter_ps == (8114 + 4160) * NS
    # One copy passes, so the cross stream meets one.
    assert bound_ns(plan, "cross") == 4050 + 8160 + 4114


def test_scheduler_of_the_first_member_counts_for_all_copies() -> None:
    shaper = regulated(cbs=1020, cir_bps=8_160_000, residence_ps=100 * US, group="g")
    builder = copies(Recovery(members=(0, 2)))
    stream = builder.streams[0]
    first = replace(stream.hops[0], reception=shaper)
    builder.streams[0] = replace(stream, hops=(first, *stream.hops[1:]))
    by_time = rules(QueueRule(selection=BY_TIME))
    builder.egresses[3] = replace(builder.egresses[3], rules=by_time)
    # A frame over the slow way may be 8114 late; the next one over the fast way, 1 ms after it in
    # the talker, has to wait as long for its 1020 octets.
    found = row(builder.plan(), "twice")
    assert found.bound_ps == (8050 + 8114 + 8114 + 4160 + 8114) * NS
    assert found.loss_free
    assert bound_ns(builder.plan(), "cross") == 4050 + 8160 + 4114


def test_recovery_that_forgets_lets_both_copies_pass() -> None:
    # Copies come 8114 apart.
    plan = copies(Recovery(members=(0, 2), reset_ps=8114 * NS)).plan()
    assert bound_ns(plan, "cross") == 4050 + 2 * 8160 + 4114
    match = Recovery(members=(0, 2), algorithm=RecoveryAlgorithm.MATCH)
    assert bound_ns(copies(match).plan(), "cross") == 4050 + 8160 + 4114
    # With a jitter of 15000 two frames may leave the talker 5000 apart, and the second then waits
    # 3160 at b; with 8114 between copies they come within 26274. That is more than the period
    # of 20000, so that the next frame may come before a late copy: both copies count. Two
    # frames come at once, a third 40000 - 26274 = 13726 later, each twice.
    quick = copies(match, period_ps=20 * US, jitter_ps=15 * US)
    assert bound_ns(quick.plan(), "cross") == 4050 + (6 * 8160 - 13726) + 4114


def test_trace_counts_its_worst_window() -> None:
    builder = PlanBuilder().wire("s1.p", queue_count=1)
    for name in ("h.p", "x.p", "z.p"):
        builder.wire(name, queue_count=1)
    builder.stream(
        "trace",
        [("h.p", "s1"), ("s1.p", "y")],
        messages=((100,), (1000,), (100,), (100,)),
        offsets_ps=(0, 10 * US, 15 * US, 500 * US),
        period_ps=1000 * US,
        pcp=0,
    )
    for name in ("x", "z"):
        builder.stream(name, [(f"{name}.p", "s1"), ("s1.p", "y")], messages=((1000,),), pcp=0)
    # While x waits for z (8160) and the frame of 1000 (8160), 16320, the next one (5000
    # later) comes as well, but behind x: x waits for no more than two.
    plan = builder.plan()
    assert bound_ns(plan, "x") == 8050 + 2 * 8160 + 8114
    low = replace(
        plan,
        egresses=tuple(replace(egress, queue_count=2) for egress in plan.egresses),
        streams=tuple(
            replace(s, hops=tuple(replace(h, queue_index=int(s.name == "trace")) for h in s.hops))
            for s in plan.streams
        ),
    )
    # With the trace in a higher queue: z 8160, and the frames at 0, 10 and 15 us: 960 + 8160 + 960
    # are over at 18240, before another comes.
    assert bound_ns(low, "x") == 8050 + 8160 + (960 + 8160 + 960) + 8114


def test_phase_of_a_talker_is_as_exact_as_its_clock() -> None:
    builder = PlanBuilder()
    for name in ("h1.p", "h3.p", "h4.p", "s2.p"):
        builder.wire(name, queue_count=2)
    fast = [("h1.p", "s2"), ("s2.p", "y")]
    builder.stream("fast", fast, messages=((100,),), period_ps=14 * US, phase_ps=0, pcp=1)
    builder.stream("victim", [("h3.p", "s2"), ("s2.p", "y")], messages=((500,),), pcp=0)
    builder.stream("rival", [("h4.p", "s2"), ("s2.p", "y")], messages=((1500,),), pcp=0)
    # One fast frame within 12160 + 960 = 13120.
    assert bound_ns(builder.plan(), "victim") == 4050 + 12160 + 960 + 4114
    clock = NodeClock(
        node="h1",
        parent="",
        error_ps=500 * NS,
        drift_ppb=0,
        wander_ppb=0,
        timestamp_ps=0,
        asymmetry_ps=0,
        residence_ps=0,
    )
    builder.synchronisation = Synchronisation(grandmaster="h1", interval_ps=1, clocks=(clock,))
    # With 500 either way two come 13000 apart.
    assert bound_ns(builder.plan(), "victim") == 4050 + 12160 + 2 * 960 + 4114


def filtered(filters: StreamFilter) -> PlanBuilder:
    """A stream of which nothing is known comes over radio; another shares its port."""
    grants = GrantMechanism(
        cycle_ps=100 * US,
        openings_ps=(0,),
        phase_ps=None,
        quota_octets=1000,
        overhead_octets=10,
        fragments=True,
        serial_bps=0,
        burst_ps=10 * US,
    )
    builder = PlanBuilder().grants("r.a", grants, NoService(because="polling"), queue_count=1)
    builder.wire("h.p", queue_count=1).wire("s1.p", queue_count=1)
    radio = [
        Step(egress="r.a", to="s1", reception=Reception(filter=filters)),
        Step(egress="s1.p", to="y"),
    ]
    builder.stream("radio", radio, messages=((1000,),), period_ps=1000 * US, pcp=0)
    builder.stream("wired", [("h.p", "s1"), ("s1.p", "y")], messages=((500,),), pcp=0)
    return builder


def test_meter_says_what_may_come_of_an_unknown_stream() -> None:
    unmetered = filtered(StreamFilter(name="f")).plan()
    assert row(unmetered, "wired").bound_ps is None
    meter = FlowMeter(name="m", committed_bps=10 * MBIT, committed_burst_octets=2000)
    plan = filtered(StreamFilter(name="f", meter=meter)).plan()
    # Two frames of 1000 octets at once, the next 800 us later.
    assert bound_ns(plan, "wired") == 4050 + 2 * 8160 + 4114
    radio = row(plan, "radio")
    assert not radio.loss_free
    assert "meter m at s1 may drop frames of radio" in radio.why


def test_stream_gate_may_lose_what_is_not_in_time() -> None:
    gate = StreamGate(
        name="g",
        base_ps=0,
        cycle_ps=100 * US,
        entries=(
            StreamGateEntry(duration_ps=50 * US, is_open=True),
            StreamGateEntry(duration_ps=50 * US, is_open=False),
        ),
    )
    builder = PlanBuilder().wire("h.p", queue_count=2).wire("s1.p", queue_count=2)
    step = Step(
        egress="h.p", to="s1", reception=Reception(filter=StreamFilter(name="f", gate=gate))
    )
    builder.stream("a", [step, ("s1.p", "y")], messages=((500,),), pcp=0)
    found = row(builder.plan(), "a")
    assert found.bound_ps == (4050 + 4114) * NS
    assert not found.loss_free
    assert "stream gate g at s1" in found.why
    moving = replace(gate, entries=(StreamGateEntry(duration_ps=1, is_open=True, queue_index=1),))
    filters = StreamFilter(name="f", gate=moving)
    builder.streams.clear()
    builder.stream(
        "a",
        [replace(step, reception=Reception(filter=filters)), ("s1.p", "y")],
        messages=((500,),),
        pcp=0,
    )
    assert "stream gate g" in row(builder.plan(), "a").why
    assert row(builder.plan(), "a").bound_ps is None


def test_backlog_of_every_queue() -> None:
    plan = into(rules(QueueRule(), SHAPED), ("a", 1, 500), ("other", 1, 500), ("low", 0, 1500))
    egress = bound(plan).egresses[0]
    assert egress.queue_backlog_octets == (1500, 1000)
    assert egress.backlog_octets == 2500
    # 2 x 4160 and 12160 of 10 ms.
    assert egress.queue_load_ratios == pytest.approx((0.001216, 0.000832))

# SPDX-License-Identifier: Apache-2.0
"""Ports that hold for scheduled frames, worked by hand: what is left for the others, and its room.

At 1 Gb/s an octet takes 8 ns; a frame of 100 octets takes 864 ns until it has left and
blocks a wire for 960 ns.
"""

from __future__ import annotations

from netplan.bounds.analysis import bound
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import GateEntry, GateList, GateOperation, PortRules, QueueRule
from netplan.tsn.mechanisms import Selection as How
from netplan.verdict.evidence import BoundEvidence, StreamBound
from support.small_plans import MBIT, NS, US, PlanBuilder

HELD_NS, CYCLE_NS = 10_000, 100_000
ADVANCE_NS = 1144
"""A rest of 123 octets that is not cut, with lead and tail: 143 octets."""


def port(rule: QueueRule, *, window_ns: int = 900) -> PortRules:
    """Queue 7 goes in a window while all others are held; these are never shut."""
    others = 0x7F
    return PortRules(
        queues=(*(QueueRule(express=False),) * 5, rule, QueueRule(express=False), QueueRule()),
        gates=(
            GateList(
                base_ps=0,
                cycle_ps=CYCLE_NS * NS,
                entries=(
                    GateEntry(
                        duration_ps=window_ns * NS, open_queues=0xFF, operation=GateOperation.HOLD
                    ),
                    GateEntry(
                        duration_ps=(HELD_NS - window_ns) * NS,
                        open_queues=others,
                        operation=GateOperation.HOLD,
                    ),
                    GateEntry(
                        duration_ps=(CYCLE_NS - HELD_NS) * NS,
                        open_queues=others,
                        operation=GateOperation.RELEASE,
                    ),
                ),
            ),
        ),
        fragment_octets=64,
        hold_advance_ps=ADVANCE_NS * NS,
    )


def line(rule: QueueRule, *, room_octets: int | None = None, window_ns: int = 900) -> PlanBuilder:
    builder = PlanBuilder().wire("h1.p").wire("h2.p").wire("h3.p")
    return builder.wire("s1.p", rules=port(rule, window_ns=window_ns), buffer_octets=room_octets)


def row(plan: Plan, evidence: BoundEvidence, name: str) -> StreamBound:
    return next(one for one in evidence.streams if plan.streams[one.stream_index].name == name)


def test_what_goes_while_others_are_held_holds_up_no_one_else() -> None:
    """Nothing is known of queue 7 without time, which matters to no frame that is held for it."""
    builder = line(QueueRule(express=False))
    for talker in ("h1", "h3"):  # more than the window carries
        builder.stream(talker, [(f"{talker}.p", "s1"), ("s1.p", "end")], period_ps=100 * US, pcp=7)
    builder.stream("low", [("h2.p", "s1"), ("s1.p", "end")], pcp=5)
    plan = builder.plan()
    evidence = bound(plan)
    assert row(plan, evidence, "h1").bound_ps is None
    # Comes as the hold begins: 10000 and what it begins in advance. 850 before, 914 behind.
    assert row(plan, evidence, "low").bound_ps == (850 + 11_144 + 914) * NS


def test_credit_rises_while_a_small_frame_is_held() -> None:
    """A frame of at most 123 octets is never cut, so a hold keeps it only while it has credit."""
    rule = QueueRule(selection=How.CREDIT, idle_slope_bps=5 * MBIT, express=False)
    builder = line(rule)
    # 960 bit in 200 us are 4.8 Mbit/s: more than 5 Mbit/s in nine tenths of the time.
    builder.stream("low", [("h2.p", "s1"), ("s1.p", "end")], pcp=5, period_ps=200 * US)
    plan = builder.plan()
    found = row(plan, bound(plan), "low")
    # A hold, with the lead, tail and check sequence of what goes on behind it, takes 11144 + 192 of
    # any 100000: it is over after 11336 / (1 - 0.11336) = 12785.35.
    assert found.bound_ps is not None
    assert (850 + 11_144 + 914) * NS < found.bound_ps <= (850 + 12_786 + 914) * NS
    # A frame that may be cut may be held each time it is sent: then its slope is too low.
    cut = line(rule)
    cut.stream(
        "low", [("h2.p", "s1"), ("s1.p", "end")], pcp=5, period_ps=250 * US, messages=((130,),)
    )
    plan = cut.plan()
    assert row(plan, bound(plan), "low").bound_ps is None


def test_two_wires_fill_a_port_by_half() -> None:
    """Of 2 x 10 frames over two wires half has left when the last one comes."""
    builder = PlanBuilder().wire("h1.p").wire("h2.p")
    rules = PortRules(queues=(QueueRule(express=False),) * 8, fragment_octets=64)
    builder.wire("s1.p", rules=rules, buffer_octets=13_000)
    for talker in ("h1", "h2"):
        builder.stream(
            talker, [(f"{talker}.p", "s1"), ("s1.p", "end")], messages=((1000,) * 10,), pcp=5
        )
    evidence = bound(builder.plan())
    # The last of 10 comes 9 x 8160 after the first, when 9 have left and 11 have not; one of them
    # may have been sent in part. A picosecond of rounding counts as an octet.
    assert evidence.egresses[2].backlog_octets == 12_001
    assert all(found.loss_free for found in evidence.streams)


def test_backlog_of_scheduled_frames_is_known_to_all() -> None:
    """A queue without a bound of its own takes no loss-freedom from others if times are known."""
    builder = line(QueueRule(express=False), room_octets=400)
    builder.stream("top", [("h1.p", "s1"), ("s1.p", "end")], period_ps=100 * US, phase_ps=0, pcp=7)
    builder.stream("low", [("h2.p", "s1"), ("s1.p", "end")], pcp=5)
    plan = builder.plan()
    evidence = bound(plan)
    assert row(plan, evidence, "top").loss_free
    assert row(plan, evidence, "low").loss_free
    octets = evidence.egresses[3].queue_backlog_octets
    assert octets[7] == 100
    assert octets[5] == 100

# SPDX-License-Identifier: Apache-2.0
"""Worst cases worked by hand.

At 1 Gb/s an octet takes 8 ns. A frame of L octets takes 8 L at the talker's port (from the first
bit after the preamble), 8 (L + 8) at every later wire, and blocks a wire for 8 (L + 20).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from netplan.bounds.analysis import bound
from netplan.media.interface import GrantMechanism, NoService, ServiceCurve, TermKind
from netplan.plan.model import Plan
from netplan.verdict.evidence import StreamBound
from support.small_plans import GBIT, MBIT, NS, US, PlanBuilder, Step, term

GRANTS = GrantMechanism(
    cycle_ps=100 * US,
    openings_ps=(0,),
    phase_ps=None,
    quota_octets=1000,
    overhead_octets=10,
    fragments=True,
    serial_bps=0,
    burst_ps=10 * US,
)
CURVE = ServiceCurve(rate_bps=80 * MBIT, latency_ps=110 * US, source="test")


def row(plan: Plan, name: str, listener_index: int = 0) -> StreamBound:
    for found in bound(plan).streams:
        found_name = plan.streams[found.stream_index].name
        if found_name == name and found.listener_index == listener_index:
            return found
    raise KeyError(name)


def bound_ns(plan: Plan, name: str, listener_index: int = 0) -> float | None:
    bound_ps = row(plan, name, listener_index).bound_ps
    return None if bound_ps is None else bound_ps / NS


def wires(*names: str, line_bps: int = GBIT) -> PlanBuilder:
    builder = PlanBuilder()
    for name in names:
        builder.wire(name, line_bps=line_bps)
    return builder


def test_lone_stream_is_as_late_as_its_frame_is_long() -> None:
    plan = wires("h1.p", "s1.p").stream("a", [("h1.p", "s1"), ("s1.p", "h2")]).plan()
    # 100 octets: 800 + 50 cable, 864 + 50 cable.
    lone = row(plan, "a")
    assert lone.bound_ps == lone.minimum_ps == 1764 * NS
    # Only the preamble lies between release and the first bit after it.
    assert lone.talker_wait_ps == 64 * NS
    assert lone.loss_free
    assert lone.why == ""


def test_two_streams_of_one_queue_wait_for_each_other() -> None:
    builder = wires("h1.p", "h2.p", "s1.p")
    builder.stream("a", [("h1.p", "s1"), ("s1.p", "h3")], messages=((1000,),))
    builder.stream("b", [("h2.p", "s1"), ("s1.p", "h3")], messages=((500,),))
    plan = builder.plan()
    # a: 8000 + 50, waits 8 x 520 for b, 8064 + 50.
    assert bound_ns(plan, "a") == 8050 + 4160 + 8114
    # b: 4000 + 50, waits 8 x 1020 for a, 4064 + 50.
    assert bound_ns(plan, "b") == 4050 + 8160 + 4114


def test_higher_frame_waits_for_one_lower_lower_for_all_higher() -> None:
    builder = wires("h1.p", "h2.p", "h3.p", "s1.p")
    builder.stream("high", [("h1.p", "s1"), ("s1.p", "h4")], messages=((100,) * 3,), pcp=6)
    builder.stream("low", [("h2.p", "s1"), ("s1.p", "h4")], messages=((1500,),), pcp=1)
    builder.stream("also", [("h3.p", "s1"), ("s1.p", "h4")], messages=((1000,),), pcp=1)
    plan = builder.plan()
    # high: 800 + 50; the three frames arrive 960 apart over the wire and leave 960 apart,
    # so the third finds only the longest lower frame: 12160; two earlier ones of its own
    # queue have been waiting as well: when it arrives 1920 later, 12160 + 1920 - 1920 is left.
    assert bound_ns(plan, "high") == 850 + 12160 + 864 + 50
    # low: 12000 + 50; waits for also 8160 and for three times 960; 12064 + 50.
    assert bound_ns(plan, "low") == 12050 + 8160 + 2880 + 12114


def test_line_of_five() -> None:
    """At each switch a stream of its own joins for one hop; nothing is met twice."""
    builder = wires("h0.p", *(f"s{i}.n" for i in range(5)), *(f"x{i}.p" for i in range(5)))
    builder.wire("s5.h")
    route = [("h0.p", "s0"), *((f"s{i}.n", f"s{i + 1}") for i in range(5)), ("s5.h", "h5")]
    builder.stream("long", route, messages=((200,),))
    for i in range(5):
        cross = [(f"x{i}.p", f"s{i}"), (f"s{i}.n", f"y{i}")]
        builder.stream(f"x{i}", cross, messages=((400,),))
    plan = builder.plan()
    # 1600 + 50; five times: wait 8 x 420, own 8 x 208, cable 50; last switch without wait.
    assert bound_ns(plan, "long") == 1650 + 5 * (3360 + 1664 + 50) + 1664 + 50


def test_burst_goes_out_back_to_back() -> None:
    """The burst waits for itself at its talker only; a stranger waits for what is left of it."""
    builder = wires("h1.p", "h2.p", "s1.p")
    builder.stream("burst", [("h1.p", "s1"), ("s1.p", "h3")], messages=((1000,) * 4,))
    builder.stream("one", [("h2.p", "s1"), ("s1.p", "h3")], messages=((100,),))
    plan = builder.plan()
    burst = row(plan, "burst")
    # Three frames go ahead of the last at the talker, then the preamble.
    assert burst.talker_wait_ps == (3 * 8160 + 64) * NS
    # Each frame finds at most the stranger, 960, in front of it at the switch.
    assert burst.bound_ps == (8050 + 960 + 8114) * NS
    # The frames of the burst arrive as they leave, one at a time: the stranger waits for one.
    assert bound_ns(plan, "one") == 850 + 8160 + 864 + 50


def test_fast_wire_into_slow_wire_keeps_the_burst() -> None:
    builder = wires("h1.p", "h2.p").wire("s1.p", line_bps=100 * MBIT)
    builder.stream("burst", [("h1.p", "s1"), ("s1.p", "h3")], messages=((1000,) * 4,))
    plan = builder.plan()
    # Frames arrive every 8160 and leave every 81600: when the last comes after 24480,
    # three times 81600 less 24480 are still ahead of it.
    assert bound_ns(plan, "burst") == 8050 + (3 * 81600 - 24480) + 80640 + 50


def test_streams_of_one_talker_wait_before_latency_begins() -> None:
    builder = wires("h1.p", "s1.p")
    builder.stream("a", [("h1.p", "s1"), ("s1.p", "h2")], messages=((100,),), pcp=6)
    builder.stream("b", [("h1.p", "s1"), ("s1.p", "h2")], messages=((1000,),), pcp=1)
    plan = builder.plan()
    # a waits for b once at the talker; at the switch b may have begun again just before:
    # b left the talker 8160 before a, so a (960 later) meets it there.
    a = row(plan, "a")
    assert a.talker_wait_ps == (8160 + 64) * NS
    assert a.bound_ps == (850 + 8160 + 914) * NS


def test_own_traffic_of_a_switch_meets_what_it_forwards() -> None:
    builder = wires("h1.p", "s1.p")
    builder.stream("through", [("h1.p", "s1"), ("s1.p", "h2")], messages=((1000,),))
    builder.stream("own", [("s1.p", "h2")], messages=((500,),))
    plan = builder.plan()
    assert bound_ns(plan, "through") == 8050 + 4160 + 8114
    own = row(plan, "own")
    assert own.talker_wait_ps == (8160 + 64) * NS
    assert own.bound_ps == 4050 * NS


def test_jitter_of_one_hop_lets_two_messages_meet_a_third_at_the_next() -> None:
    builder = wires("h1.p", "h2.p", "h3.p", "h4.p", "s1.p", "s2.p", "s2.q")
    fast = [("h1.p", "s1"), ("s1.p", "s2"), ("s2.p", "h9")]
    builder.stream("fast", fast, messages=((100,),), period_ps=20 * US, pcp=6)
    lump = [("h2.p", "s1"), ("s1.p", "s2"), ("s2.q", "h8")]
    builder.stream("lump", lump, messages=((1500,),), pcp=1)
    builder.stream("victim", [("h3.p", "s2"), ("s2.p", "h9")], messages=((1000,),), pcp=1)
    builder.stream("rival", [("h4.p", "s2"), ("s2.p", "h9")], messages=((1500,),), pcp=1)
    plan = builder.plan()
    # At s1 a fast frame waits 0 to 12160 for the lump, so two of them come to s2 as close as
    # 20000 - 12160 = 7840. The victim waits 12160 for its rival and 960 for one fast
    # frame; by then, 13120, the next has come: 960 more. Without jitter it would not.
    assert bound_ns(plan, "victim") == 8050 + 12160 + 2 * 960 + 8114


def test_varying_processing_counts_as_jitter() -> None:
    builder = wires("h1.p", "h3.p", "h4.p", "s2.p")
    builder.processing_max_ps = 13 * US
    fast = [("h1.p", "s2"), ("s2.p", "h9")]
    builder.stream("fast", fast, messages=((100,),), period_ps=20 * US, pcp=6)
    builder.stream("victim", [("h3.p", "s2"), ("s2.p", "h9")], messages=((1000,),), pcp=1)
    builder.stream("rival", [("h4.p", "s2"), ("s2.p", "h9")], messages=((1500,),), pcp=1)
    # Fast frames come as close as 20000 - 13000 = 7000; as above, plus 13000 of processing.
    assert bound_ns(builder.plan(), "victim") == 8050 + 13000 + 12160 + 2 * 960 + 8114


def test_varying_processing_bunches_what_came_over_one_wire() -> None:
    builder = wires("h1.p", "h2.p", "s1.p")
    builder.processing_max_ps = 8160 * NS
    for name in ("f", "g"):
        builder.stream(name, [("h1.p", "s1"), ("s1.p", "h9")], messages=((1000,),))
    builder.stream("a", [("h2.p", "s1"), ("s1.p", "h9")], messages=((100,),))
    # f and g leave their talker 8160 apart and may enter the queue at the same instant.
    assert bound_ns(builder.plan(), "a") == 850 + 8160 + 2 * 8160 + 864 + 50


def test_variation_before_the_talkers_queue_is_jitter() -> None:
    builder = wires("h1.p", "h2.p", "h3.p", "s1.p")
    fast = [("h1.p", "s1"), ("s1.p", "h9")]
    builder.stream("fast", fast, messages=((100,),), period_ps=20 * US, pcp=6)
    builder.stream("victim", [("h2.p", "s1"), ("s1.p", "h9")], messages=((1000,),), pcp=1)
    builder.stream("rival", [("h3.p", "s1"), ("s1.p", "h9")], messages=((1500,),), pcp=1)
    first = replace(builder.streams[0].hops[0], before=(term(TermKind.PROCESSING, 0, 13 * US),))
    builder.streams[0] = replace(builder.streams[0], hops=(first, builder.streams[0].hops[1]))
    # Fast frames come as close as 7000: two within the rival's 12160.
    assert bound_ns(builder.plan(), "victim") == 8050 + 12160 + 2 * 960 + 8114


def test_backlog_grows_while_grants_are_awaited() -> None:
    builder = PlanBuilder().grants("ue.r", GRANTS, CURVE)
    builder.stream("up", [("ue.r", "gnb")], messages=((90,),), period_ps=20 * US)
    # At 0, 20 ... 100 us six frames come before the first is served at 110 us; one more
    # may have been served in part.
    assert bound(builder.plan()).egresses[0].backlog_octets == 7 * 90


def test_grants_count_overhead_and_start_at_the_queue() -> None:
    builder = PlanBuilder().grants("ue.r", GRANTS, CURVE).wire("s1.p")
    builder.stream("up", [("ue.r", "s1"), ("s1.p", "h2")], messages=((190,),), pcp=5)
    builder.stream("low", [("ue.r", "s1"), ("s1.p", "h2")], messages=((90,),), pcp=1)
    plan = builder.plan()
    # An octet takes 100 ns at 80 Mb/s. up: latency 110000, one lower frame 100 octets,
    # own 200 octets, cable 50; then the switch: low may have begun, 8 x 110, own 8 x 198, cable.
    up = row(plan, "up")
    assert up.bound_ps == (110000 + 10000 + 20000 + 50 + 880 + 1584 + 50) * NS
    assert up.talker_wait_ps == 0
    assert [term.kind for term in up.hops[0].terms] == [
        TermKind.GRANT_WAIT,
        TermKind.QUEUEING,
        TermKind.SERIALISATION,
        TermKind.PROPAGATION,
    ]
    # low: latency, up 20000, own 10000; at the switch up 8 x 210, own 8 x 98.
    assert bound_ns(plan, "low") == 110000 + 30000 + 50 + 1680 + 784 + 50


def test_exceedance_adds_up_along_the_path() -> None:
    curve = replace(CURVE, exceedance_probability=1e-5)
    builder = PlanBuilder().grants("ue.r", GRANTS, curve).grants("gnb.r", GRANTS, curve).wire("s.p")
    builder.stream("a", [("ue.r", "s"), ("s.p", "gnb"), ("gnb.r", "ue2")])
    found = row(builder.plan(), "a")
    assert found.exceedance_probability == pytest.approx(2e-5)
    assert found.bound_ps is not None


def test_multicast_has_a_row_per_listener() -> None:
    builder = wires("h1.p", "s1.a", "s1.b", "s2.c", "h2.p")
    tree = [
        Step(egress="h1.p", to="s1"),
        Step(egress="s1.a", to="near"),
        Step(egress="s1.b", to="s2", parent=0),
        Step(egress="s2.c", to="far"),
    ]
    builder.stream("tree", tree, messages=((100,),))
    builder.stream("other", [("h2.p", "s1"), ("s1.a", "near")], messages=((500,),))
    plan = builder.plan()
    # Only the near listener shares its wire with the other stream.
    assert bound_ns(plan, "tree", 0) == 850 + 4160 + 914
    assert bound_ns(plan, "tree", 1) == 850 + 914 + 914


def ring(size: int, *, octets: int, period_ps: int, hops: int) -> Plan:
    builder = PlanBuilder()
    for index in range(size):
        builder.wire(f"h{index}.p").wire(f"s{index}.n").wire(f"s{index}.h")
    for index in range(size):
        route = [(f"h{index}.p", f"s{index}")]
        for step in range(hops):
            here = (index + step) % size
            route.append((f"s{here}.n", f"s{(here + 1) % size}"))
        end = (index + hops) % size
        route.append((f"s{end}.h", f"h{end}"))
        builder.stream(f"f{index}", route, messages=((octets,),), period_ps=period_ps)
    return builder.plan()


def test_ring_of_circular_dependencies() -> None:
    plan = ring(4, octets=1000, period_ps=1000 * US, hops=2)
    # Every ring wire carries two streams; each waits once for the other at both: 8160.
    # 8050, twice 8160 + 8114, and 8114 from the ring to the station: two streams of one
    # ring wire never go to the same station.
    for index in range(4):
        assert bound_ns(plan, f"f{index}") == 8050 + 2 * (8160 + 8114) + 8114


def test_busy_ring_settles_or_says_that_it_does_not() -> None:
    calm = bound(ring(6, octets=1000, period_ps=60 * US, hops=5))
    assert all(found.bound_ps is not None for found in calm.streams)
    assert 0.67 < max(egress.load_ratio for egress in calm.egresses) < 0.69
    overloaded = bound(ring(6, octets=1000, period_ps=40 * US, hops=5))
    assert all(found.bound_ps is None for found in overloaded.streams)
    assert "s0.n" in overloaded.streams[0].why


def test_overload_is_named_and_spares_higher_queues() -> None:
    builder = wires("h1.p", "h2.p", "h3.p", "s1.p", "s2.p")
    for name, pcp in (("high", 6), ("low", 1), ("more", 1)):
        talker = {"high": 1, "low": 2, "more": 3}[name]
        builder.stream(
            name,
            [(f"h{talker}.p", "s1"), ("s1.p", "s2"), ("s2.p", "h9")],
            messages=((1000,),),
            period_ps=16 * US,
            pcp=pcp,
        )
    plan = builder.plan()
    evidence = bound(plan)
    # Three times 8160 in 16000 are 153 %.
    assert evidence.egresses[3].load_ratio == pytest.approx(1.53)
    high, low, more = evidence.streams
    assert "s1.p is overloaded" in low.why
    assert "153.00 %" in low.why
    assert low.bound_ps is None
    assert more.bound_ps is None
    # high still waits for one lower frame, at both switches.
    assert high.bound_ps == (8050 + 2 * (8160 + 8114)) * NS


def test_backlog_and_buffer() -> None:
    builder = wires("h1.p", "h2.p", "h3.p")
    builder.wire("s1.p", buffer_octets=2500)
    for index in (1, 2, 3):
        builder.stream(f"f{index}", [(f"h{index}.p", "s1"), ("s1.p", "h9")], messages=((1000,),))
    plan = builder.plan()
    evidence = bound(plan)
    # Three frames may come at the same instant.
    assert evidence.egresses[3].backlog_octets == 3000
    assert evidence.egresses[3].buffer_octets == 2500
    assert not evidence.streams[0].loss_free
    assert "s1.p has room for 2500 octets, its backlog may reach 3000" in evidence.streams[0].why
    assert evidence.streams[0].bound_ps is not None
    builder.egresses[3] = replace(builder.egresses[3], buffer_octets=3000)
    assert bound(builder.plan()).streams[0].loss_free


def test_backlog_of_a_burst_from_a_fast_wire() -> None:
    builder = wires("h1.p").wire("s1.p", line_bps=100 * MBIT)
    builder.stream("burst", [("h1.p", "s1"), ("s1.p", "h3")], messages=((1000,) * 10,))
    evidence = bound(builder.plan())
    # The last of ten arrives 73440 after the first, when 73440 of 816000 have been sent:
    # 742560 of work, each 81600 of it 1000 octets: 9100.
    assert evidence.egresses[1].backlog_octets == 9100


def test_pattern_of_messages_counts_its_worst_run() -> None:
    builder = wires("h1.p", "h2.p", "s1.p")
    pattern = ((1500, 1500), (100,), (100,))
    builder.stream("video", [("h1.p", "s1"), ("s1.p", "h3")], messages=pattern, period_ps=100 * US)
    builder.stream("a", [("h2.p", "s1"), ("s1.p", "h3")], messages=((100,),))
    evidence = bound(builder.plan())
    # (2 x 12160 + 2 x 960) of 300000, and 960 of 1000000.
    assert evidence.egresses[2].load_ratio == pytest.approx(26.24 / 300 + 0.00096)
    # The two long frames come one behind the other: a waits for one.
    assert evidence.streams[1].bound_ps == (850 + 12160 + 914) * NS
    # A short frame could wait for a only; a long one takes longer to leave its talker.
    assert evidence.streams[0].bound_ps == (12050 + 960 + 12114) * NS


def test_no_service_takes_bounds_of_what_it_may_bunch() -> None:
    builder = wires("h1.p", "h2.p", "h3.p", "s1.p", "s1.q")
    builder.grants("sta.r", GRANTS, NoService(because="polling shares the channel"))
    builder.stream("radio", [("sta.r", "s1"), ("s1.p", "h9")], pcp=5)
    builder.stream("same", [("h1.p", "s1"), ("s1.p", "h9")], pcp=5)
    builder.stream("low", [("h2.p", "s1"), ("s1.p", "h9")], pcp=1)
    builder.stream("high", [("h3.p", "s1"), ("s1.p", "h9")], pcp=6)
    builder.stream("apart", [("h3.p", "s1"), ("s1.q", "h8")], pcp=1)
    plan = builder.plan()
    rows = {plan.streams[found.stream_index].name: found for found in bound(plan).streams}
    assert rows["radio"].bound_ps is None
    assert rows["radio"].why == "sta.r: polling shares the channel"
    for name in ("same", "low"):
        assert rows[name].bound_ps is None
        assert "radio" in rows[name].why
        assert "s1.p" in rows[name].why
        assert "polling shares the channel" in rows[name].why
    # high meets apart at its talker (not counted), then one radio frame: 8 x 120.
    assert rows["high"].bound_ps == (850 + 960 + 914) * NS
    assert rows["apart"].bound_ps == (850 + 914) * NS


def test_wire_limits_what_is_otherwise_unknown() -> None:
    """Behind a slow wire, a fast one has room left whatever comes over the slow one."""
    builder = wires("h1.p", "s2.p").wire("s1.p", line_bps=100 * MBIT)
    builder.grants("sta.r", GRANTS, NoService(because="polling"))
    builder.stream("radio", [("sta.r", "s1"), ("s1.p", "s2"), ("s2.p", "h9")], messages=((1000,),))
    builder.stream("a", [("h1.p", "s2"), ("s2.p", "h9")], messages=((500,),))
    plan = builder.plan()
    # Of frames that come 81600 apart only one can be met: 8160.
    assert bound_ns(plan, "a") == 4050 + 8160 + 4114
    assert bound_ns(plan, "radio") is None


def test_stream_without_bound_for_its_own_reasons() -> None:
    builder = wires("h1.p", "h2.p", "s1.p", "s2.p")
    builder.grants("gnb.r", GRANTS, CURVE)
    builder.stream("roams", [("gnb.r", "s1"), ("s1.p", "h9")], pcp=5)
    builder.stream("same", [("h1.p", "s1"), ("s1.p", "h9")], pcp=5)
    builder.stream("there", [("h2.p", "s2"), ("s2.p", "gnb"), ("gnb.r", "ue")], pcp=5)
    builder.stream("near", [("h1.p", "s2"), ("s2.p", "h7")], pcp=5)
    for index in (0, 2):
        builder.streams[index] = replace(builder.streams[index], no_bound="hands over")
    plan = builder.plan()
    rows = {plan.streams[found.stream_index].name: found for found in bound(plan).streams}
    assert rows["roams"].why == rows["there"].why == "hands over"
    assert rows["roams"].bound_ps is None
    assert rows["there"].minimum_ps > 0
    assert rows["same"].bound_ps is None
    assert "hands over" in rows["same"].why
    # Before its radio hop the stream keeps its contract.
    assert rows["near"].bound_ps is not None


def test_tunnel_octets_count_where_they_are_added() -> None:
    builder = wires("h1.p", "s1.p", "s2.p")
    route = [
        Step(egress="h1.p", to="s1"),
        Step(egress="s1.p", to="s2", added_octets=64),
        Step(egress="s2.p", to="h2"),
    ]
    builder.stream("a", route, messages=((100,),))
    assert bound_ns(builder.plan(), "a") == 850 + 8 * 172 + 50 + 914


def test_terms_before_the_talkers_queue_are_not_latency() -> None:
    builder = wires("h1.p", "s1.p").stream("a", [("h1.p", "s1"), ("s1.p", "h2")])
    stream = builder.streams[0]
    first = replace(stream.hops[0], before=(term(TermKind.PROCESSING, 0, 5 * US),))
    builder.streams[0] = replace(stream, hops=(first, *stream.hops[1:]))
    found = row(builder.plan(), "a")
    assert found.bound_ps == 1764 * NS
    assert found.talker_wait_ps == (5000 + 64) * NS

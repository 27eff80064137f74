# SPDX-License-Identifier: Apache-2.0
"""Buckets of meters and ATS schedulers: the least that suffice, and where they stand."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.bounds.analysis import bound
from netplan.media.frames import PS_PER_S
from netplan.plan.model import Emission, Hop, Plan
from netplan.plan.policing import burst_octets
from netplan.plan.ports import contract_bps
from netplan.tsn.mechanisms import AtsScheduler, FlowMeter, Reception
from support.small_designs import HEAD, found_in, line_of, planned, stream_of, the

MS = 10**9


def emission(*messages: tuple[int, ...], every_ps: int, jitter_ps: int = 0) -> Emission:
    return Emission(
        messages=messages, period_ps=every_ps, sporadic=False, phase_ps=None, jitter_ps=jitter_ps
    )


def trace(*messages: tuple[int, tuple[int, ...]], every_ps: int, jitter_ps: int = 0) -> Emission:
    return Emission(
        messages=tuple(frames for _, frames in messages),
        period_ps=every_ps,
        sporadic=False,
        phase_ps=None,
        jitter_ps=jitter_ps,
        offsets_ps=tuple(offset_ps for offset_ps, _ in messages),
    )


@pytest.mark.parametrize(
    ("contract", "extra", "burst"),
    [
        pytest.param(emission((170,), every_ps=MS), 0, 170, id="one frame"),
        pytest.param(emission((170,), every_ps=MS), 20, 190, id="with overhead"),
        pytest.param(emission((170, 100), every_ps=MS), 20, 310, id="overhead of each frame"),
        # Late by a tenth of the period, then on time: 0.9 ms apart. 100 + 100 - 90 = 110.
        pytest.param(emission((100,), every_ps=MS, jitter_ps=MS // 10), 0, 110, id="jitter"),
        # Three at once at jitter 2 periods: 3 x 100
        pytest.param(emission((100,), every_ps=MS, jitter_ps=2 * MS), 0, 300, id="long jitter"),
        # Mean 400 a period (over 4: 1600). 1000 then 200, 200, 200: the first alone is most.
        pytest.param(
            emission((1000,), (200,), (200,), (200,), every_ps=MS), 0, 1000, id="large first"
        ),
        # Mean 550. 1000 and 1000 in a row, across the end of the pattern: 2000 - 550 = 1450.
        pytest.param(
            emission((1000,), (100,), (100,), (1000,), every_ps=MS), 0, 1450, id="around the end"
        ),
        # 3 x 100 in 10 ms are 30 a ms. At 0, 1 and 2 ms: 300 - 60 = 240.
        pytest.param(
            trace((0, (100,)), (MS, (100,)), (2 * MS, (100,)), every_ps=10 * MS),
            *(0, 240),
            id="trace",
        ),
        # At 0, 8 and 9 ms: from 8 to 10 ms (the next pattern's 0), 300 - 60 = 240 again.
        pytest.param(
            trace((0, (100,)), (8 * MS, (100,)), (9 * MS, (100,)), every_ps=10 * MS),
            *(0, 240),
            id="trace around the end",
        ),
        # and with 1 ms of jitter 30 more
        pytest.param(
            trace((0, (100,)), (8 * MS, (100,)), (9 * MS, (100,)), every_ps=10 * MS, jitter_ps=MS),
            *(0, 270),
            id="trace with jitter",
        ),
    ],
)
def test_burst_by_hand(contract: Emission, extra: int, burst: int) -> None:
    assert burst_octets(contract, extra) == burst


@st.composite
def contracts(draw: st.DrawFn) -> Emission:
    """Patterns of one to four milliseconds, so that the rate is a whole number of bits per second."""
    sizes = st.lists(st.integers(64, 1522), min_size=1, max_size=2).map(tuple)
    messages = draw(st.lists(sizes, min_size=1, max_size=4))
    whole_ps = draw(st.sampled_from([MS, 2 * MS, 4 * MS]))
    jitter_ps = draw(st.one_of(st.just(0), st.integers(0, whole_ps), st.integers(0, 3 * whole_ps)))
    if len(messages) != 3 and draw(st.booleans()):
        return emission(*messages, every_ps=whole_ps // len(messages), jitter_ps=jitter_ps)
    others = st.lists(
        st.integers(1, whole_ps - 1),
        min_size=len(messages) - 1,
        max_size=len(messages) - 1,
        unique=True,
    )
    offsets_ps = [0, *sorted(draw(others))]
    return trace(*zip(offsets_ps, messages, strict=True), every_ps=whole_ps, jitter_ps=jitter_ps)


@given(contracts(), st.sampled_from([0, 20]))
def test_no_smaller_burst_covers_the_contract(contract: Emission, extra: int) -> None:
    """Against every run of messages over five patterns, the first late by all of the jitter."""
    count = len(contract.messages)
    within = contract.offsets_ps or [index * contract.period_ps for index in range(count)]
    times_ps = [turn * contract.pattern_ps + one for turn in range(5) for one in within]
    sums = [sum(frame + extra for frame in message) for message in contract.messages]
    rate_bps = contract_bps(contract, extra)
    most = Fraction(0)
    for start in range(count):
        total = 0
        for index in range(start, len(times_ps)):
            total += sums[index % count]
            span_ps = max(0, times_ps[index] - times_ps[start] - contract.jitter_ps)
            most = max(most, total - Fraction(rate_bps * span_ps, 8 * PS_PER_S))
    assert burst_octets(contract, extra) == math.ceil(most)


@given(st.integers(64, 1522), st.integers(1, 10**13), st.integers(0, 10**13))
def test_a_rounded_rate_costs_less_than_it_gives(
    octets: int, every_ps: int, jitter_ps: int
) -> None:
    """Any period: n frames in a row are covered."""
    contract = emission((octets,), every_ps=every_ps, jitter_ps=jitter_ps)
    rate_bps, burst = contract_bps(contract, 0), burst_octets(contract, 0)
    for count in (1, 2, 3, 100):
        span_ps = max(0, (count - 1) * every_ps - jitter_ps)
        assert count * octets * 8 * PS_PER_S <= burst * 8 * PS_PER_S + rate_bps * span_ps


LINE = (
    HEAD
    + """\
nodes:
  cam: {is: camera}
  sw1: {is: tsn-bridge}
  sw2: {is: tsn-bridge}
  srv: {is: server, model: generic-server-1g}
  hmi: {is: hmi}
links:
  - {between: [cam.p1, sw1.p1], medium: cat6a, length: 1 m}
  - {between: [sw1.p2, sw2.p1], medium: cat6a, length: 1 m}
  - {between: [sw2.p2, srv.p1], medium: cat6a, length: 1 m}
  - {between: [sw2.p3, hmi], medium: cat6a, length: 1 m}
"""
)
POLICED = "streams:\n  x: {from: cam, to: srv, size: 100 B, every: 1 ms, pcp: 3, policed: true}\n"
ATS = "tsn: {classes: [{pcp: [3], shaper: asynchronous}]}\n"


def hops(plan: Plan, name: str = "x") -> tuple[Hop, ...]:
    return stream_of(plan, name).hops


def meter(hop: Hop) -> FlowMeter:
    assert hop.reception is not None
    assert hop.reception.filter is not None
    assert hop.reception.filter.meter is not None
    return hop.reception.filter.meter


def scheduler(hop: Hop) -> AtsScheduler:
    assert hop.reception is not None
    assert hop.reception.scheduler is not None
    return hop.reception.scheduler


def test_the_first_bridge_polices(tmp_path: Path) -> None:
    """170 octets every 1 ms, alone at a port of 1 Gbit/s.

    Its bucket there: 190 octets on the wire at 1.52 Mbit/s, so the port is busy for at most
    1520 bit / 998.48 Mbit/s = 1.5224 us. In this time 1.36 Mbit/s bring 0.26 octets.
    """
    first, *others = hops(planned(tmp_path, LINE + POLICED))
    assert first.reception is not None
    assert first.reception.filter is not None
    assert first.reception.filter.largest_frame_octets == 170
    assert first.reception.scheduler is None
    assert meter(first) == FlowMeter(
        name="x@sw1", committed_bps=1_360_000, committed_burst_octets=171, drop_yellow=True
    )
    assert all(hop.reception is None for hop in others)


def test_a_meter_has_room_for_what_waits_at_the_talker(tmp_path: Path) -> None:
    """A picture of 28 x 1470 and 870 octets (42,610 with overhead) may hold x back.

    The port's bucket: 42,610 + 190 octets at 10.33 + 1.52 Mbit/s, so it is busy for at most
    342,400 bit / 988.15 Mbit/s = 346.5 us, in which 1.36 Mbit/s bring 58.9 octets: two frames
    of x that leave so much less than 1 ms apart must both pass.
    """
    other = "  y: {from: cam, to: srv, burst: 40 kB, every: 33 ms, pcp: 3}\n"
    plan = planned(tmp_path, LINE + POLICED + other)
    assert meter(hops(plan)[0]).committed_burst_octets == 170 + 59
    assert all(hop.reception is None for hop in hops(plan, "y"))


def test_gates_of_the_talker_make_frames_wait(tmp_path: Path) -> None:
    gates = "schedule: {gates: {cam.p1: [{cycle: 1 ms, entries: [{for: 1 ms, open: [0]}]}]}}\n"
    plan = planned(tmp_path, LINE + POLICED + gates)
    # 1 ms and 1.5224 us of 1.36 Mbit/s are 170.26 octets
    assert meter(hops(plan)[0]).committed_burst_octets == 170 + 171


def test_an_overloaded_port_leaves_a_period_of_room(tmp_path: Path) -> None:
    other = "  y: {from: cam, to: srv, rate: 2 Gbit/s}\n"
    plan = planned(tmp_path, LINE + POLICED + other)
    assert meter(hops(plan)[0]).committed_burst_octets == 170 + 170


def test_a_direct_link_has_no_policeman(tmp_path: Path) -> None:
    text = (
        HEAD
        + "nodes: {cam: {is: camera}, srv: {is: server, model: generic-server-1g}}\n"
        + "links: [{between: [cam, srv], medium: cat6a, length: 1 m}]\n"
        + POLICED
    )
    finding = the(found_in(tmp_path, text), "STREAM-POLICED")
    assert (line_of(finding), finding.path) == (6, "streams.x.policed")
    assert finding.severity == "warning"


def test_a_relation_on_a_direct_link_is_told_once(tmp_path: Path) -> None:
    text = (
        HEAD
        + "nodes: {plc: {is: plc}, drive: {is: drive}}\n"
        + "links: [{between: [plc, drive], medium: cat6a, length: 1 m}]\n"
        + "relations: {r: {controller: plc, device: drive, protocol: profinet-rt, cycle: 1 ms,"
        + " out: 40 B, in: 40 B, policed: true}}\n"
    )
    the(found_in(tmp_path, text), "STREAM-POLICED")


def test_schedulers_stand_before_asynchronous_queues(tmp_path: Path) -> None:
    """190 octets every 1 ms on the wire; the talker's port (two queues) and the listener have none."""
    plan = planned(tmp_path, LINE + POLICED.replace(", policed: true", "") + ATS)
    first, second, last = hops(plan)
    assert scheduler(first) == AtsScheduler(
        name="x@sw1.p1",
        group="cam.p1:0",
        committed_bps=1_520_000,
        committed_burst_octets=190,
        max_residence_ps=PS_PER_S,
    )
    assert scheduler(second).name == "x@sw2.p1"
    assert scheduler(second).group == "sw1.p2:3"
    assert last.reception is None


@pytest.mark.parametrize(("phase", "more"), [("", 0), (", phase: 100 us", 1)])
def test_a_scheduler_has_room_for_the_talkers_clock(tmp_path: Path, phase: str, more: int) -> None:
    text = ATS.replace("tsn: {", "tsn: {synchronisation: {grandmaster: sw2}, ")
    stream = POLICED.replace(", policed: true", phase)
    plan = planned(tmp_path, LINE + stream + text)
    # 190 octets; a release that is early by the error of a clock before one that is late by it are
    # 1.52 Mbit/s for some hundred nanoseconds more: less than an octet.
    assert scheduler(hops(plan)[0]).committed_burst_octets == 190 + more
    rows = bound(plan).streams
    assert all(row.bound_ps is not None and row.bound_ps < MS for row in rows)


def test_a_scheduler_behind_a_tag_that_copies_get_costs_no_delay(tmp_path: Path) -> None:
    """Copies of x get 6 octets more at s1, so s2 counts more octets than s1; y goes beside them."""
    nodes = "".join(f"  {name}: {{is: tsn-bridge}}\n" for name in ("s1", "s2", "s3"))
    ends = [("plc", "s1"), ("s1", "s2"), ("s2", "s3"), ("s3", "s1"), ("cam", "s3")]
    links = "".join(
        f"  - {{between: [{one}, {other}], medium: cat6a, length: 1 m}}\n" for one, other in ends
    )
    streams = (
        "streams:\n"
        "  x: {from: plc, to: cam, size: 100 B, every: 1 ms, pcp: 3, ways: 2}\n"
        "  y: {from: plc, to: cam, size: 300 B, every: 2 ms, pcp: 3, path: [s1, s2, s3]}\n"
    )
    head = f"{HEAD}nodes:\n  plc: {{is: plc}}\n  cam: {{is: camera}}\n{nodes}links:\n{links}"
    plan = planned(tmp_path, head + streams + ATS)
    groups = {
        hop.reception.scheduler.group
        for stream in plan.streams
        for hop in stream.hops
        if hop.to_node == "s2" and hop.reception is not None and hop.reception.scheduler
    }
    assert len(groups) == 1
    rows = bound(plan).streams
    assert all(row.bound_ps is not None and row.bound_ps < MS for row in rows)


def test_no_scheduler_before_other_queues(tmp_path: Path) -> None:
    text = LINE.replace("sw2: {is: tsn-bridge}", "sw2: {is: switch}")
    first, second, _ = hops(planned(tmp_path, text + POLICED + ATS))
    assert scheduler(first).committed_bps == 1_520_000
    assert second.reception is None
    others = hops(planned(tmp_path, LINE + POLICED.replace("pcp: 3", "pcp: 4") + ATS))
    assert all(hop.reception is None or hop.reception.scheduler is None for hop in others)


def test_one_reception_serves_all_listeners(tmp_path: Path) -> None:
    text = LINE + POLICED.replace("to: srv", "to: [srv, hmi]") + ATS
    first, second, *ends = hops(planned(tmp_path, text))
    assert scheduler(first).name == "x@sw1.p1"
    assert meter(first).name == "x@sw1"
    assert isinstance(second.reception, Reception)
    assert [hop.reception for hop in ends] == [None, None]


RING = "  - {between: [cam.p2, sw2.p4], medium: cat6a, length: 1 m}\n"


def test_every_first_bridge_of_a_redundant_stream_polices_the_tagged_frames(tmp_path: Path) -> None:
    """The controller sends tagged copies to sw1 and sw2, which meet in sw2: 176 octets each."""
    text = LINE.replace("cam: {is: camera}", "cam: {is: plc}") + RING
    plan = planned(tmp_path, text + POLICED.replace("policed: true", "policed: true, ways: 2"))
    x = stream_of(plan, "x")
    policed = {hop.to_node: hop for hop in x.hops if hop.reception is not None}
    assert policed.keys() == {"sw1", "sw2"}
    assert all(hop.parent_index == -1 for hop in policed.values())
    for hop in policed.values():
        assert meter(hop).committed_bps == 176 * 8 * 1000
        assert meter(hop).name == f"x@{hop.to_node}"

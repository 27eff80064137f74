# SPDX-License-Identifier: Apache-2.0
"""Laws that hold for any plan."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from netplan.bounds.analysis import bound
from netplan.bounds.contention import Contention
from netplan.bounds.fixpoint import ingresses_of, settle
from netplan.bounds.network import network_of
from netplan.media.interface import TermKind
from netplan.plan.model import Emission, Plan
from netplan.verdict.evidence import BoundEvidence
from support.large_plan import large_plan
from support.small_plans import GBIT, MBIT, US, PlanBuilder

ENDLESS = 1 << 80
SPEEDS = st.sampled_from([100 * MBIT, GBIT])


@st.composite
def rings(draw: st.DrawFn) -> Plan:
    """A ring of four switches with stations; streams run clockwise."""
    builder = PlanBuilder(processing_max_ps=draw(st.sampled_from([0, 3 * US])))
    for index in range(4):
        builder.wire(f"h{index}.p", line_bps=draw(SPEEDS))
        builder.wire(f"s{index}.n", line_bps=draw(SPEEDS))
        builder.wire(f"s{index}.h", line_bps=draw(SPEEDS), buffer_octets=20_000)
    for number in range(draw(st.integers(1, 7))):
        first, length = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        route = [(f"h{first}.p", f"s{first}")]
        for step in range(length):
            here = (first + step) % 4
            route.append((f"s{here}.n", f"s{(here + 1) % 4}"))
        end = (first + length) % 4
        route.append((f"s{end}.h", f"h{end}"))
        size = draw(st.integers(64, 1522))
        builder.stream(
            f"f{number}",
            route,
            messages=((size,) * draw(st.integers(1, 3)),),
            period_ps=draw(st.sampled_from([300 * US, 317 * US, 500 * US, 2000 * US])),
            jitter_ps=draw(st.sampled_from([0, 40 * US, 700 * US])),
            pcp=draw(st.integers(1, 3)),
        )
    return builder.plan()


def latest_ps(evidence: BoundEvidence) -> list[int]:
    return [ENDLESS if row.bound_ps is None else row.bound_ps for row in evidence.streams]


def no_lower(before: BoundEvidence, after: BoundEvidence) -> bool:
    return all(old <= new for old, new in zip(latest_ps(before), latest_ps(after), strict=False))


@given(plan=rings())
def test_terms_sum_to_bounds_and_bounds_exceed_minima(plan: Plan) -> None:
    for row in bound(plan).streams:
        if row.bound_ps is None:
            assert row.why
            assert row.hops == ()
            continue
        terms = [term for hop in row.hops for term in hop.terms]
        assert sum(term.max_ps for term in terms) == row.bound_ps
        assert sum(term.min_ps for term in terms) == row.minimum_ps
        assert all(
            0 <= term.min_ps <= term.max_ps or term.kind is TermKind.BURST_PAID_ONCE
            for term in terms
        )
        assert all(term.what and term.source for term in terms)
        assert row.bound_ps >= row.minimum_ps
        stream = plan.streams[row.stream_index]
        assert [hop.egress_index for hop in row.hops] == [hop.egress_index for hop in stream.hops]


@given(plan=rings(), index=st.integers(0, 6))
def test_one_stream_less_never_raises_a_bound(plan: Plan, index: int) -> None:
    index %= len(plan.streams)
    rest = replace(plan, streams=plan.streams[:index] + plan.streams[index + 1 :])
    if not rest.streams:
        return
    less, more = bound(rest), bound(plan)
    kept = replace(more, streams=more.streams[:index] + more.streams[index + 1 :])
    assert no_lower(less, kept)
    for old, new in zip(less.egresses, more.egresses, strict=True):
        assert old.load_ratio <= new.load_ratio


def with_emission(plan: Plan, index: int, emission: Emission) -> Plan:
    stream = replace(plan.streams[index], emission=emission)
    return replace(plan, streams=(*plan.streams[:index], stream, *plan.streams[index + 1 :]))


@given(plan=rings(), index=st.integers(0, 6), more=st.sampled_from(["frames", "often", "jitter"]))
def test_more_load_never_lowers_a_bound(plan: Plan, index: int, more: str) -> None:
    index %= len(plan.streams)
    emission = plan.streams[index].emission
    if more == "frames":
        emission = replace(emission, messages=(emission.messages[0] * 2,))
    elif more == "often":
        emission = replace(emission, period_ps=emission.period_ps // 2)
    else:
        emission = replace(emission, jitter_ps=emission.jitter_ps + 130 * US)
    assert no_lower(bound(plan), bound(with_emission(plan, index, emission)))


@given(
    sizes=st.lists(st.integers(64, 1522), min_size=2, max_size=5),
    hops=st.integers(1, 6),
    speed_bps=SPEEDS,
)
def test_each_hop_adds_delay(sizes: list[int], hops: int, speed_bps: int) -> None:
    def line(length: int) -> int:
        builder = PlanBuilder()
        for index in range(len(sizes)):
            builder.wire(f"h{index}.p", line_bps=speed_bps)
        for index in range(length):
            builder.wire(f"s{index}.n", line_bps=speed_bps)
        for number, size in enumerate(sizes):
            route = [(f"h{number}.p", "s0")]
            route += [(f"s{index}.n", f"s{index + 1}") for index in range(length)]
            builder.stream(f"f{number}", route, messages=((size,),), period_ps=10_000 * US)
        bound_ps = bound(builder.plan()).streams[0].bound_ps
        assert bound_ps is not None
        return bound_ps

    assert line(hops) < line(hops + 1)


@given(plan=rings())
def test_same_plan_gives_the_same_evidence(plan: Plan) -> None:
    assert bound(plan) == bound(plan)


@given(plan=rings())
def test_waits_and_jitters_agree_with_each_other(plan: Plan) -> None:
    """What the fixed point rests on: working out any server again changes nothing."""
    network = network_of(plan)
    settle(network)
    for server in network.servers:
        if server.refused:
            continue
        ingresses = ingresses_of(network, server.own, server.above)
        assert not isinstance(ingresses, str)
        again = Contention(ingresses, fixed_ps=server.blocking_ps)
        for excluded_ps, wait_ps in server.waits_ps.items():
            assert again.longest_wait_ps(excluded_ps) == wait_ps
        for index in server.own:
            flow = network.flows[index]
            if flow.unknown:  # overloaded before; only its wire's rate is known
                continue
            for child_index in flow.children:
                child = network.flows[child_index]
                assert flow.jitter_ps is not None
                wait_ps = network.wait_ps(server, flow.frame_octets[0])
                assert child.jitter_ps == flow.jitter_ps + wait_ps + child.carried_ps


@settings(max_examples=20)
@given(plan=rings())
def test_order_of_streams_does_not_matter(plan: Plan) -> None:
    turned = replace(plan, streams=plan.streams[::-1])
    assert latest_ps(bound(turned)) == latest_ps(bound(plan))[::-1]


def test_a_larger_plan_is_bounded_whole() -> None:
    """180 nodes and 900 streams around a ring; see large_plan for the full size."""
    plan = large_plan(stream_count=900, core_count=6, access_count=5, station_count=5)
    evidence = bound(plan)
    assert len(evidence.streams) == 900
    for row in evidence.streams:
        assert row.bound_ps is not None
        assert row.minimum_ps <= row.bound_ps
        assert row.loss_free

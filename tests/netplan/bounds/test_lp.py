# SPDX-License-Identifier: Apache-2.0
"""Bounds of whole paths over plain wires."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from emulator.simulation.run import simulate
from netplan.bounds.analysis import bound
from netplan.bounds.backlog import egress_bounds
from netplan.bounds.fixpoint import settle
from netplan.bounds.lp import pay_bursts_once
from netplan.bounds.network import Network, network_of
from netplan.bounds.paths import stream_bounds
from netplan.bounds.wired import wired_stations
from netplan.media.interface import TermKind
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import GateEntry, GateList, PortRules, QueueRule, Reception
from netplan.verdict.evidence import StreamBound
from support.long_paths import long_paths, with_meeting_phases
from support.small_plans import GBIT, MBIT, NS, US, PlanBuilder


def settled(plan: Plan) -> Network:
    network = network_of(plan)
    settle(network)
    return network


def before_and_after(plan: Plan) -> tuple[tuple[StreamBound, ...], tuple[StreamBound, ...]]:
    network = settled(plan)
    rows = stream_bounds(network, egress_bounds(network))
    return rows, pay_bursts_once(network, rows)


def saved_ps(row: StreamBound) -> int:
    return -sum(
        term.max_ps
        for hop in row.hops
        for term in hop.terms
        if term.kind is TermKind.BURST_PAID_ONCE
    )


def interleaved(size: int, *, rules: PortRules | None = None) -> Plan:
    """One stream over all switches, others over two each, from stations with faster wires."""
    builder = PlanBuilder()
    for index in range(size):
        queue_rules = rules if index == size // 2 else None
        builder.wire(f"s{index}.n", line_bps=100 * MBIT, rules=queue_rules)
    for index in range(size):
        builder.wire(f"h{index}.p", line_bps=GBIT)
        last = size if index == 0 else min(index + 1, size)
        route = [(f"h{index}.p", f"s{max(index - 1, 0)}")]
        route += [(f"s{hop}.n", f"s{hop + 1}") for hop in range(max(index - 1, 0), last)]
        builder.stream(f"f{index}", route, messages=((1000, 1000),), period_ps=800 * US)
    return builder.plan()


def test_a_long_path_pays_bursts_once() -> None:
    before, after = before_and_after(interleaved(8))
    assert saved_ps(after[0]) > 0
    for old, new in zip(before, after, strict=True):
        assert new.bound_ps is not None
        assert old.bound_ps is not None
        assert new.bound_ps == old.bound_ps - saved_ps(new)
        assert new.bound_ps == sum(term.max_ps for hop in new.hops for term in hop.terms)
        assert new.minimum_ps == old.minimum_ps
        kinds = [term.kind for hop in new.hops for term in hop.terms]
        assert kinds.count(TermKind.BURST_PAID_ONCE) <= 1


def test_order_of_streams_does_not_matter() -> None:
    plan = interleaved(6)
    turned = replace(plan, streams=plan.streams[::-1])
    assert [row.bound_ps for row in bound(turned).streams] == [
        row.bound_ps for row in bound(plan).streams[::-1]
    ]


GATES = PortRules(
    queues=(QueueRule(),) * 8,
    gates=(
        GateList(
            base_ps=0,
            cycle_ps=1000 * US,
            entries=(GateEntry(duration_ps=1000 * US, open_queues=255),),
        ),
    ),
)


def test_rows_through_gates_are_left_alone() -> None:
    _, after = before_and_after(interleaved(8, rules=GATES))
    assert saved_ps(after[0]) == 0


@pytest.mark.parametrize("change", ["cut through", "reception", "no bound"])
def test_rows_through_other_mechanisms_are_left_alone(change: str) -> None:
    plan = interleaved(8)
    stream = plan.streams[0]
    hops = list(stream.hops)
    if change == "cut through":
        hops[4] = replace(hops[4], cut_through_octets=64)
    elif change == "reception":
        hops[4] = replace(hops[4], reception=Reception())
    changed = replace(stream, hops=tuple(hops), no_bound="handover" if change == "no bound" else "")
    _, after = before_and_after(replace(plan, streams=(changed, *plan.streams[1:])))
    assert saved_ps(after[0]) == 0


def test_stations_by_hand() -> None:
    """Numbers of one queue between a higher and a lower one."""
    builder = PlanBuilder(processing_min_ps=1 * US, processing_max_ps=3 * US)
    for name in ("h1.p", "h2.p", "h3.p", "s1.p", "s2.p"):
        builder.wire(name, line_bps=100 * MBIT)
    for number, (octets, pcp, period_us) in enumerate(
        [(480, 6, 1000), (980, 5, 1000), (1480, 1, 4000)], start=1
    ):
        route = [(f"h{number}.p", "s1"), ("s1.p", "s2"), ("s2.p", "x")]
        builder.stream(
            f"f{number}", route, messages=((octets,),), period_ps=period_us * US, pcp=pcp
        )
    network = settled(builder.plan())
    wired = wired_stations(network)
    index = next(
        number
        for number, server in enumerate(network.servers)
        if network.plan.egresses[server.egress_index].name == "s1.p" and server.queue_index == 5
    )
    station = wired.network.stations[wired.station_of[index]]
    # Wire octets are 500, 1000 and 1500: 40, 80 and 120 us of 0.1 bit per ns. The higher stream
    # takes 40 of 1000 us, with a jitter at s1 of 2 us: its window holds 40 us * (1 + 2 / 1000).
    # The own frame may have been sent up to its gap: 80 us less 12 octets (0.96 us).
    rate = Fraction(1, 10_000)
    burst_ps = 40 * US + Fraction(40 * US * 2, 1000)
    share = Fraction(40, 1000)
    partial_ps = 80 * US - 960 * NS
    piece = min(station.pieces, key=lambda piece: piece.deficit)
    assert piece.rate == rate * (1 - share)
    assert piece.deficit == rate * (120 * US + burst_ps + partial_ps)
    # When it has just left, nothing else is half sent, its gap is still to come, and higher
    # frames were let through only while it waited.
    final = min(station.final_pieces, key=lambda piece: piece.deficit)
    assert final.deficit == rate * (120 * US + burst_ps - share * partial_ps - 960 * NS)
    # From its own station: one frame, then 100 Mb/s, and 2 us in which processing may vary.
    step = wired.network.steps[station.steps[0]]
    link = wired.network.links[wired.network.before(step), step.station_index]
    assert link.line is not None
    assert link.line.bits == 8000 + 200
    assert link.line.rate == rate
    assert link.least_ps == 50 * NS + 1 * US
    assert link.most_ps == 50 * NS + 3 * US


@pytest.mark.parametrize("seed", range(24))
def test_nothing_simulated_exceeds_a_bound(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    plan = long_paths(random)
    rows = {row.stream_index: row.bound_ps for row in bound(plan).streams}
    for attempt in range(4):
        meeting = with_meeting_phases(plan, random)
        observed = simulate(meeting, seed=attempt, duration_ps=9000 * US)
        for seen in observed.streams:
            limit_ps = rows[seen.stream_index]
            if limit_ps is not None and seen.max_ps is not None:
                assert seen.max_ps <= limit_ps, plan.streams[seen.stream_index].name


def test_random_plans_are_improved_at_times() -> None:
    """Otherwise the test above would show nothing."""
    saved = sum(
        any(saved_ps(row) for row in bound(long_paths(Random(seed))).streams)  # noqa: S311 - no secret
        for seed in range(12)
    )
    assert saved >= 3

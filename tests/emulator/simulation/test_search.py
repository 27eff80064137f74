# SPDX-License-Identifier: Apache-2.0
"""The search finds worst cases that are known by hand, with witnesses that keep the contract."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.simulation.search import search_worst
from emulator.simulation.search_scenario import Placement, Window, releases_of
from emulator.simulation.search_witness import WorstFound, replay
from netplan.media.interface import ServiceCurve, WireMechanism
from netplan.plan.model import Egress, Emission, Plan
from netplan.tsn.mechanisms import GateEntry, GateList, PortRules, QueueRule
from netplan.verdict.evidence import BoundEvidence, StreamBound
from support.small_plans import MBIT, NS, US, PlanBuilder


def bound_of(plan: Plan, bounds_us: dict[str, int | None]) -> BoundEvidence:
    """Evidence with these bounds and nothing else."""
    rows = [
        StreamBound(
            stream_index=index,
            listener_index=0,
            bound_ps=None if bounds_us[stream.name] is None else (bounds_us[stream.name] or 0) * US,
            talker_wait_ps=0,
            minimum_ps=0,
            exceedance_probability=0.0,
            hops=(),
            loss_free=True,
        )
        for index, stream in enumerate(plan.streams)
    ]
    return BoundEvidence(
        design_hash="", method="", streams=tuple(rows), egresses=(), chains=(), assumptions=()
    )


def afdx() -> Plan:
    """The five-link sample: 500 octets at 100 Mbit/s, 16 us per switch, nothing else counts.

    Source: Bauer, Scharbarg, Fraboul (2009), figure 1.
    """
    builder = PlanBuilder(propagation_ps=0, processing_min_ps=16 * US, processing_max_ps=16 * US)
    for name in [*(f"e{index}.p1" for index in range(1, 6)), "s1.p3", "s2.p3", "s3.p6", "s3.p7"]:
        node, port = name.split(".")
        builder.egresses.append(
            Egress(
                name=name,
                node=node,
                port=port,
                medium="copper",
                queue_count=1,
                buffer_octets=None,
                mechanism=WireMechanism(line_bps=100 * MBIT, lead_octets=0, tail_octets=0),
                service=ServiceCurve(rate_bps=100 * MBIT, latency_ps=0, source="line rate"),
            )
        )
    ends = [("v1", "s1", 6), ("v2", "s1", 6), ("v3", "s2", 6), ("v4", "s2", 6), ("v5", "s2", 7)]
    for name, switch, end in ends:
        route = [(f"e{name[1]}.p1", switch), (f"{switch}.p3", "s3"), (f"s3.p{end}", f"e{end}")]
        builder.stream(name, route, messages=((500,),), period_ps=4000 * US)
    return builder.plan()


# By hand, as in the tests of the bounds: waits for all that share a queue, once each.
WORST_US: dict[str, int | None] = {"v1": 272, "v2": 272, "v3": 312, "v4": 312, "v5": 232}


def test_finds_the_worst_cases_of_the_afdx_sample() -> None:
    plan = afdx()
    found = search_worst(plan, bound_of(plan, WORST_US), budget_s=60)
    for one, bound_us in zip(found, WORST_US.values(), strict=True):
        # Simultaneous frames are served by port; others must come a picosecond earlier each.
        assert one.gap_ps is not None
        assert 0 <= one.gap_ps < 5
        assert one.bound_ps == (bound_us or 0) * US
        seen = replay(plan, one).streams[one.stream_index]
        assert seen.max_ps == one.latency_ps


def test_a_lower_frame_that_has_just_begun_blocks_a_higher_one() -> None:
    # b sends 1000 octets of low (8.16 us with its gap) from a picosecond before s comes, and
    # another of its own priority goes first: (1020 + 120) * 8 ns less 1 ps, then 914 ns.
    builder = PlanBuilder().wire("a.p").wire("x.p").wire("y.p").wire("b.p")
    for name, port, size, pcp in (
        ("s", "a.p", 100, 5),
        ("low", "x.p", 1000, 1),
        ("same", "y.p", 100, 5),
    ):
        builder.stream(
            name, [(port, "b"), ("b.p", "c")], messages=((size,),), pcp=pcp, sporadic=name == "low"
        )
    plan = builder.plan()
    nothing: dict[str, int | None] = {"s": None, "low": None, "same": None}
    (found,) = search_worst(plan, bound_of(plan, nothing), rows=[(0, 0)], budget_s=2)
    worst_ps = 914 * NS - 64 * NS + (1020 + 120) * 8 * NS + 914 * NS
    assert worst_ps - 5 <= found.latency_ps <= worst_ps


def test_jitter_lets_two_messages_of_a_stream_come_close() -> None:
    # Two of x's frames, 10 us apart by contract, may be released 1 us apart with 9 us of jitter;
    # both stand before s in b's queue at 1/10 of the rate.
    builder = PlanBuilder().wire("a.p").wire("x.p").wire("b.p", line_bps=100 * MBIT)
    builder.stream("s", [("a.p", "b"), ("b.p", "c")], period_ps=1000 * US)
    builder.stream("x", [("x.p", "b"), ("b.p", "c")], period_ps=10 * US, jitter_ps=9 * US)
    plan = builder.plan()
    nothing: dict[str, int | None] = {"s": None, "x": None}
    without = replace(
        plan,
        streams=(
            plan.streams[0],
            replace(plan.streams[1], emission=replace(plan.streams[1].emission, jitter_ps=0)),
        ),
    )
    found = [
        search_worst(one, bound_of(one, nothing), rows=[(0, 0)], budget_s=1)[0].latency_ps
        for one in (plan, without)
    ]
    # A frame takes 9.6 us of b: without jitter the one before has all but gone; with it, all of
    # the second waits behind what is left of the first 1 us later.
    assert found[0] - found[1] >= 8 * US


def test_a_frame_that_just_misses_its_window_waits_for_the_next() -> None:
    # Queue 0 is open for 100 us of each 1000 us. 108 octets (864 ns) no longer fit if they come a
    # picosecond too late: 800 ns at the talker, 50 ns of cable, 864 ns + 900 us of wait, 864 + 50 ns.
    entries = (
        GateEntry(duration_ps=100 * US, open_queues=1),
        GateEntry(duration_ps=900 * US, open_queues=2),
    )
    gates = GateList(base_ps=37 * US, cycle_ps=1000 * US, entries=entries)
    rules = PortRules(queues=(QueueRule(),) * 2, gates=(gates,))
    builder = PlanBuilder().wire("a.p").wire("b.p", queue_count=2, rules=rules)
    builder.stream("s", [("a.p", "b"), ("b.p", "c")], period_ps=7000 * US, pcp=0)
    plan = builder.plan()
    (found,) = search_worst(plan, bound_of(plan, {"s": None}), budget_s=0.5)
    worst_ps = 900 * US + (800 + 50 + 864 + 864 + 50) * NS
    assert worst_ps - 5 <= found.latency_ps <= worst_ps
    assert replay(plan, found).streams[0].max_ps == found.latency_ps


def test_what_it_finds_follows_from_the_seed() -> None:
    plan = afdx()
    bound = bound_of(plan, dict.fromkeys(WORST_US, 10_000))

    def latency(seed: int) -> WorstFound:
        return search_worst(plan, bound, rows=[(4, 0)], budget_s=0.0, seed=seed)[0]

    assert latency(3) == latency(3)


@settings(max_examples=200)
@given(
    period_ps=st.integers(1, 50),
    jitter_ps=st.integers(0, 120),
    at_ps=st.integers(100, 300),
    sporadic=st.booleans(),
    jitter_index=st.integers(0, 2),
    offsets=st.lists(st.integers(1, 49), max_size=3, unique=True),
    phase_ps=st.sampled_from([None, 0, 7]),
)
def test_releases_keep_the_contract(
    period_ps: int,
    jitter_ps: int,
    at_ps: int,
    sporadic: bool,
    jitter_index: int,
    offsets: list[int],
    phase_ps: int | None,
) -> None:
    more_ps = sorted(one for one in offsets if one < period_ps)
    offsets_ps = () if sporadic else (0, *more_ps)
    count = max(1, len(offsets_ps))
    emission = Emission(
        messages=((64,),) * count,
        period_ps=period_ps,
        sporadic=sporadic,
        phase_ps=phase_ps,
        jitter_ps=0 if sporadic else jitter_ps,
        offsets_ps=offsets_ps,
    )
    placement = Placement(at_ps=at_ps, jitter_index=0 if sporadic else jitter_index)
    window = Window(start_ps=100, end_ps=300)
    releases, first = releases_of(emission, placement, window)
    assert list(releases) == sorted(releases)
    if sporadic:
        gaps = [after - before for before, after in itertools.pairwise(releases)]
        assert all(gap >= period_ps for gap in gaps)
        return
    if phase_ps is None and releases:
        assert at_ps in releases
    if not releases:
        return
    # Some phase explains all releases: each is at most the jitter after its nominal time.
    pattern = offsets_ps or (0,)

    def explained(nominal_ps: int) -> bool:
        base_ps = nominal_ps - pattern[first]
        if phase_ps is not None and (base_ps - phase_ps) % period_ps:
            return False
        return all(
            0
            <= at
            - base_ps
            - (first + place) // count * period_ps
            - pattern[(first + place) % count]
            <= jitter_ps
            for place, at in enumerate(releases)
        )

    assert any(explained(releases[0] - late_ps) for late_ps in range(jitter_ps + 1))


@pytest.mark.parametrize("budget_s", [0.0, 0.2])
def test_looks_at_least_once_whatever_the_budget(budget_s: float) -> None:
    plan = afdx()
    found = search_worst(plan, bound_of(plan, WORST_US), budget_s=budget_s)
    assert len(found) == 5

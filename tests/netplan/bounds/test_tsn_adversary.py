# SPDX-License-Identifier: Apache-2.0
"""No packet is ever later than its bound, whatever the ports do: random plans of TSN ports."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from netplan.bounds.analysis import bound
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import (
    AtsScheduler,
    GateEntry,
    GateList,
    GateOperation,
    NodeClock,
    PortRules,
    QueueRule,
    Reception,
    Recovery,
    Selection,
    Synchronisation,
)
from netplan.verdict.evidence import BoundEvidence
from support.small_plans import GBIT, MBIT, NS, US, PlanBuilder, Step
from support.tsn_adversary import TsnAdversary, release_all

SIZES = st.sampled_from([68, 124, 200, 400, 512, 1000, 1522])
PERIODS = st.sampled_from([400 * US, 500 * US, 1000 * US, 1500 * US, 2000 * US])
KINDS = ["gates", "credit", "scheduler", "turns", "preemption", "mixed", "held"]
PREEMPTING = {"preemption", "mixed", "held"}


@st.composite
def queue_rules(draw: st.DrawFn, kind: str, line_bps: int, count: int) -> tuple[QueueRule, ...]:
    """Rules for so many queues."""
    rules = []
    for queue in range(count):
        selection, idle_bps, quantum, express = Selection.STRICT, 0, 0, True
        if kind in {"credit", "mixed", "held"} and queue in {1, 2} and draw(st.integers(0, 3)):
            selection = Selection.CREDIT
            idle_bps = line_bps * draw(st.sampled_from([10, 25, 35])) // 100
        if kind == "scheduler" and queue:
            selection = Selection.ASYNCHRONOUS
        if kind == "turns" and queue < 3:
            selection = Selection.ROUND_ROBIN
            quantum = draw(st.sampled_from([300, 1522, 3000]))
        if kind in {"preemption", "mixed"}:
            express = draw(st.booleans()) or queue == count - 1
        if kind == "held":
            express = queue == count - 1
        rules.append(
            QueueRule(
                selection=selection,
                idle_slope_bps=idle_bps,
                quantum_octets=quantum,
                express=express,
            )
        )
    return tuple(rules)


@st.composite
def gate_lists(draw: st.DrawFn, count: int, line_bps: int) -> tuple[GateList, ...]:
    """One list, or a second that takes over at run time."""
    unit_ps = 1542 * 8 * 10**12 // line_bps
    lists = []
    for number in range(draw(st.sampled_from([1, 1, 1, 2]))):
        whole = (1 << count) - 1
        entries = []
        for _ in range(draw(st.integers(1, 3))):
            entries.append(
                GateEntry(
                    duration_ps=draw(st.integers(1, 5)) * unit_ps + draw(st.sampled_from([0, 77])),
                    open_queues=draw(st.integers(1, whole)),
                    operation=draw(st.sampled_from(GateOperation)),
                )
            )
        seen = sum(
            {
                1 << queue
                for entry in entries
                for queue in range(count)
                if entry.open_queues >> queue & 1
            }
        )
        if seen != whole or draw(st.booleans()):
            entries.append(GateEntry(duration_ps=4 * unit_ps, open_queues=whole))
        lists.append(
            GateList(
                base_ps=draw(st.integers(0, 300)) * US + number * 2400 * US,
                cycle_ps=sum(entry.duration_ps for entry in entries) + draw(st.integers(0, 9)) * US,
                entries=tuple(entries),
            )
        )
    return tuple(lists)


@st.composite
def holding_lists(draw: st.DrawFn, count: int, line_bps: int) -> tuple[GateList, ...]:
    """The highest queue goes while the others are held, whose gates never close."""
    unit_ps = 200 * 8 * 10**12 // line_bps
    others = (1 << (count - 1)) - 1
    entries = []
    for _ in range(draw(st.integers(1, 4))):
        states = [others, others | 1 << (count - 1)]
        for _ in range(draw(st.integers(1, 2))):
            entries.append(
                GateEntry(
                    duration_ps=draw(st.integers(1, 6)) * unit_ps,
                    open_queues=draw(st.sampled_from(states)),
                    operation=GateOperation.HOLD,
                )
            )
        entries.append(
            GateEntry(
                duration_ps=draw(st.integers(4, 60)) * unit_ps,
                open_queues=others,
                operation=GateOperation.RELEASE,
            )
        )
    cycle_ps = sum(entry.duration_ps for entry in entries)
    base_ps = draw(st.integers(0, 300)) * US
    return (GateList(base_ps=base_ps, cycle_ps=cycle_ps, entries=tuple(entries)),)


@st.composite
def plans(draw: st.DrawFn, kind: str) -> Plan:
    """Up to three switches in line or in a ring, with a station each; streams run along."""
    size = draw(st.integers(1, 3))
    is_ring = size > 1 and draw(st.integers(0, 2)) == 0
    count = 4
    low_ps = draw(st.sampled_from([0, 1 * US]))
    builder = PlanBuilder(
        processing_min_ps=low_ps,
        processing_max_ps=low_ps + draw(st.sampled_from([0, 0, 3 * US])),
    )
    speed_bps = draw(st.sampled_from([100 * MBIT, GBIT]))
    names = [f"h{index}.p" for index in range(size)] + ["x.p"]
    names += [f"s{index}.n" for index in range(size)]
    for name in names:
        rules = None
        if name[0] == "s" or (kind in PREEMPTING and draw(st.booleans())):
            gated = kind in {"gates", "mixed", "held"} or (
                kind == "preemption" and draw(st.booleans())
            )
            fragment = None
            if kind in PREEMPTING:
                fragment = draw(st.sampled_from([64 if kind == "held" else None, 64, 128, 256]))
            lists = holding_lists if kind == "held" else gate_lists
            rules = PortRules(
                queues=draw(queue_rules(kind, speed_bps, count)),
                gates=draw(lists(count, speed_bps)) if gated and name[0] == "s" else (),
                fragment_octets=fragment,
                hold_advance_ps=draw(st.sampled_from([0, 2 * US, 12 * US])),
            )
        # Where there is little room, backlogs are looked at more closely; nothing overflows here.
        room_octets = draw(st.sampled_from([None, 64]))
        builder.wire(
            name, line_bps=speed_bps, queue_count=count, rules=rules, buffer_octets=room_octets
        )
    alike = draw(SIZES) if draw(st.integers(0, 3)) == 0 else 0
    for number in range(draw(st.integers(2, 6))):
        first = draw(st.integers(0, size - 1))
        queue = draw(st.integers(0, count - 1))
        talker = draw(st.sampled_from([f"h{first}.p"] if first else ["h0.p", "x.p"]))
        last = first + size - 1 if is_ring else size - 1
        route: list[Step | tuple[str, str]] = []
        talker_queue = draw(st.sampled_from([queue, queue, 0, count - 1]))
        octets = alike or draw(SIZES)
        if kind == "held" and queue == 2 and draw(st.integers(0, 3)):
            octets = draw(st.sampled_from([68, 124, 187]))
        frames = draw(st.sampled_from([1, 1, 2, 3]))
        for place in range(first - 1, last + 1):
            reception = None
            if kind == "scheduler" and place < last:
                upstream = (
                    f"{talker}/{talker_queue}" if place < first else f"s{place % size}/{queue}"
                )
                own = draw(st.booleans())
                reception = Reception(
                    scheduler=AtsScheduler(
                        name=f"f{number}",
                        group=f"f{number}" if own else upstream,
                        committed_bps=draw(st.sampled_from([2, 20, 40])) * MBIT,
                        committed_burst_octets=(octets + 20)
                        * (frames + draw(st.sampled_from([0, 0, 1]))),
                        max_residence_ps=draw(st.sampled_from([100 * US, 10_000 * US])),
                    )
                )
            cut = None
            if kind != "scheduler" and place >= first and draw(st.integers(0, 3)) == 0:
                cut = draw(st.sampled_from([14, 64, 300]))
            route.append(
                Step(
                    egress=talker if place < first else f"s{place % size}.n",
                    to=f"s{(place + 1) % size}" if place < last else "y",
                    queue=queue if place >= first else talker_queue,
                    reception=reception,
                    cut_through_octets=cut,
                )
            )
        period_ps = draw(PERIODS)
        messages: tuple[tuple[int, ...], ...] = ((octets,) * frames,)
        offsets_ps: tuple[int, ...] = ()
        if kind != "scheduler" and not alike and draw(st.integers(0, 3)) == 0:
            messages = ((octets,), (draw(SIZES), 68), (octets,))
            offsets_ps = (0, draw(st.integers(0, 50)) * US, draw(st.integers(50, 240)) * US)
        builder.stream(
            f"f{number}",
            route,
            messages=messages,
            period_ps=period_ps,
            jitter_ps=draw(st.sampled_from([0, 0, 20 * US])),
            offsets_ps=offsets_ps,
            pcp=queue,
        )
    if draw(st.booleans()):
        builder.synchronisation = clocks(size, draw(st.sampled_from([0, 700 * NS, 3 * US])))
    return builder.plan()


def clocks(size: int, error_ps: int) -> Synchronisation:
    return Synchronisation(
        grandmaster="s0",
        interval_ps=10**11,
        clocks=tuple(
            NodeClock(
                node=f"s{index}",
                parent="",
                error_ps=error_ps,
                drift_ppb=0,
                wander_ppb=0,
                timestamp_ps=0,
                asymmetry_ps=0,
                residence_ps=0,
            )
            for index in range(size)
        ),
    )


def check(plan: Plan, evidence: BoundEvidence, simulator: TsnAdversary) -> None:
    for row in evidence.streams:
        key = (row.stream_index, row.listener_index)
        if key not in simulator.most_ps:
            continue
        assert simulator.least_ps[key] >= row.minimum_ps
        if row.bound_ps is not None:
            assert simulator.most_ps[key] <= row.bound_ps, plan.streams[row.stream_index].name
        if row.stream_index in simulator.dropped:
            assert not row.loss_free
    for egress in evidence.egresses:
        port = simulator.ports[egress.egress_index]
        for queue, octets in port.most_octets.items():
            backlog = egress.queue_backlog_octets[queue]
            assert backlog is None or octets <= backlog
        together = egress.backlog_octets
        assert together is None or port.most_together_octets <= together


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_nothing_observed_exceeds_its_bound(kind: str, data: st.DataObject, seed: int) -> None:
    plan = data.draw(plans(kind))
    evidence = bound(plan)
    bounded = sum(row.bound_ps is not None for row in evidence.streams)
    event(f"{kind}: bounded {10 * bounded // len(evidence.streams) * 10} %")
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    for _ in range(6):
        simulator = TsnAdversary(plan, random)
        release_all(plan, random, simulator)
        simulator.run()
        check(plan, evidence, simulator)


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    octets=SIZES,
    frames=st.integers(1, 3),
    cross=st.lists(st.tuples(SIZES, st.integers(0, 2)), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_copies_over_two_ways(
    octets: int, frames: int, cross: list[tuple[int, int]], seed: int
) -> None:
    builder = PlanBuilder(processing_max_ps=1 * US)
    for name in ("t.a", "t.b", "a.n", "b.n", "b.o", "m.n", "x.a", "x.b", "x.m"):
        builder.wire(name, line_bps=100 * MBIT, queue_count=2)
    route = [
        Step(egress="t.a", to="a"),
        Step(egress="a.n", to="m", parent=0),
        Step(egress="t.b", to="b", parent=-1),
        Step(egress="b.n", to="c", parent=2),
        Step(egress="b.o", to="m", parent=3),
        Step(egress="m.n", to="l", parent=1),
    ]
    builder.stream(
        "twice",
        route,
        messages=((octets,) * frames,),
        period_ps=1000 * US,
        recoveries=(Recovery(members=(1, 4)),),
        pcp=0,
    )
    for number, (size, place) in enumerate(cross):
        entry, port = [("x.a", "a.n"), ("x.b", "b.n"), ("x.m", "m.n")][place]
        builder.stream(
            f"x{number}",
            [(entry, port[0]), (port, f"y{number}")],
            messages=((size,),),
            period_ps=1000 * US,
            pcp=0,
        )
    plan = builder.plan()
    evidence = bound(plan)
    assert evidence.streams[0].bound_ps is not None
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    for _ in range(8):
        simulator = TsnAdversary(plan, random, loss=random.choice([0.0, 0.3]))
        release_all(plan, random, simulator)
        simulator.run()
        check(plan, evidence, simulator)

# SPDX-License-Identifier: Apache-2.0
"""A plan that breaks its contract is refused, with the place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from emulator.simulation.contract import check_plan
from netplan.media.interface import GrantMechanism, NoService, TermKind, WireMechanism
from netplan.plan.model import ChainStage, Egress, Emission, Hop, Plan, PlannedChain, PlannedStream
from netplan.tsn.mechanisms import (
    FlowMeter,
    Reception,
    Recovery,
    StreamFilter,
    StreamGate,
    StreamGateEntry,
)
from netplan.tsn.rings import MRP_TIMERS, Ring, rstp_timers
from support.redundant_plans import frer_plan
from support.rings import ring
from support.small_plans import GBIT, US, PlanBuilder, term

GRANTS = GrantMechanism(
    cycle_ps=100 * US,
    openings_ps=(0, 50 * US),
    phase_ps=None,
    quota_octets=100,
    overhead_octets=0,
    fragments=False,
    serial_bps=GBIT,
    burst_ps=0,
)


def good_plan() -> Plan:
    builder = PlanBuilder().wire("a.p").grants("b.g", GRANTS, NoService(because=""))
    builder.stream("s", [("a.p", "b"), ("b.g", "c")])
    stage = ChainStage(
        stream_index=0, listener_index=0, task_cycle_ps=0, task_phase_ps=None, task_work_ps=0
    )
    builder.chains.append(PlannedChain(name="chain", stages=(stage,)))
    return builder.plan()


def with_egress(index: int, change: Callable[[Egress], Egress]) -> Plan:
    plan = good_plan()
    egresses = list(plan.egresses)
    egresses[index] = change(egresses[index])
    return replace(plan, egresses=tuple(egresses))


def with_wire(wire: WireMechanism) -> Plan:
    return with_egress(0, lambda egress: replace(egress, mechanism=wire))


def with_grants(grants: GrantMechanism) -> Plan:
    return with_egress(1, lambda egress: replace(egress, mechanism=grants))


def with_stream(change: Callable[[PlannedStream], PlannedStream]) -> Plan:
    plan = good_plan()
    return replace(plan, streams=(change(plan.streams[0]),))


def with_emission(change: Callable[[Emission], Emission]) -> Plan:
    return with_stream(lambda stream: replace(stream, emission=change(stream.emission)))


def with_hop(change: Callable[[Hop], Hop]) -> Plan:
    return with_stream(
        lambda stream: replace(stream, hops=(stream.hops[0], change(stream.hops[1])))
    )


def with_stage(change: Callable[[ChainStage], ChainStage]) -> Plan:
    plan = good_plan()
    chain = plan.chains[0]
    return replace(plan, chains=(replace(chain, stages=(change(chain.stages[0]),)),))


def test_accepts_a_good_plan() -> None:
    check_plan(good_plan())


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        (replace(good_plan(), streams=good_plan().streams * 2), "two streams"),
        (replace(good_plan(), egresses=good_plan().egresses * 2), "two transmitters"),
        (with_egress(0, lambda egress: replace(egress, queue_count=0)), "a.p has no queue"),
        (with_wire(WireMechanism(line_bps=0)), "a.p has an impossible wire"),
        (with_grants(replace(GRANTS, cycle_ps=0)), "b.g has no ascending openings"),
        (with_grants(replace(GRANTS, openings_ps=())), "b.g has no ascending openings"),
        (with_grants(replace(GRANTS, openings_ps=(5, 1))), "b.g has no ascending openings"),
        (with_grants(replace(GRANTS, openings_ps=(100 * US,))), "b.g has no ascending openings"),
        (with_grants(replace(GRANTS, quota_octets=0)), "b.g has impossible grants"),
        (with_grants(replace(GRANTS, failure_probability=1.1)), "b.g has impossible grants"),
        (with_emission(lambda one: replace(one, messages=())), "s has an empty message"),
        (with_emission(lambda one: replace(one, messages=((1,), ()))), "s has an empty message"),
        (with_emission(lambda one: replace(one, messages=((0,),))), "s has an empty message"),
        (with_emission(lambda one: replace(one, period_ps=0)), "s has an impossible period"),
        (with_emission(lambda one: replace(one, phase_ps=-1)), "s has an impossible period"),
        (with_stream(lambda one: replace(one, listener_hops=())), "one hop per listener"),
        (with_stream(lambda one: replace(one, listener_hops=(2,))), "one hop per listener"),
        (with_hop(lambda hop: replace(hop, parent_index=1)), "hop 1 of stream s"),
        (with_hop(lambda hop: replace(hop, egress_index=2)), "hop 1 of stream s"),
        (with_hop(lambda hop: replace(hop, queue_index=8)), "queue 8 of b.g"),
        (with_hop(lambda hop: replace(hop, added_octets=-1)), "takes octets away"),
        (
            with_hop(lambda hop: replace(hop, after=(term(TermKind.PROPAGATION, 2, 1),))),
            "s has impossible delay terms",
        ),
        (with_stage(lambda stage: replace(stage, stream_index=1)), "has no stream"),
        (with_stage(lambda stage: replace(stage, listener_index=1)), "has no listener"),
        (with_stage(lambda stage: replace(stage, task_work_ps=-1)), "an impossible task"),
    ],
)
def test_refuses(plan: Plan, fault: str) -> None:
    with pytest.raises(ValueError, match="the plan breaks its contract") as error:
        check_plan(plan)
    assert fault in str(error.value)


def policed(stream_filter: StreamFilter) -> Plan:
    return with_stream(
        lambda one: replace(
            one,
            hops=(replace(one.hops[0], reception=Reception(filter=stream_filter)), one.hops[1]),
        )
    )


def gated(change: Callable[[StreamGate], StreamGate]) -> Plan:
    entry = StreamGateEntry(duration_ps=1, is_open=True)
    gate = StreamGate(name="g", base_ps=0, cycle_ps=1, entries=(entry,))
    return policed(StreamFilter(name="f", gate=change(gate)))


def metered(**parameters: int) -> Plan:
    meter = FlowMeter(name="m", committed_bps=1, committed_burst_octets=1)
    return policed(StreamFilter(name="f", meter=replace(meter, **parameters)))  # type: ignore[arg-type]  # any field


def recovered(change: Callable[[Recovery], Recovery]) -> Plan:
    plan = frer_plan()
    stream = plan.streams[0]
    return replace(plan, streams=(replace(stream, recoveries=(change(stream.recoveries[0]),)),))


def ringed(change: Callable[[Ring], Ring]) -> Plan:
    return replace(good_plan(), rings=(change(ring(MRP_TIMERS[200])),))


QUEUE_9 = StreamGateEntry(duration_ps=1, is_open=True, queue_index=9)


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        (with_emission(lambda one: replace(one, offsets_ps=(0, 1))), "impossible offsets"),
        (with_emission(lambda one: replace(one, offsets_ps=(1,))), "impossible offsets"),
        (
            with_emission(lambda one: replace(one, offsets_ps=(0,), sporadic=True)),
            "impossible offsets",
        ),
        (gated(lambda one: replace(one, cycle_ps=0)), "gate g has an impossible cycle"),
        (gated(lambda one: replace(one, entries=())), "gate g has an impossible cycle"),
        (gated(lambda one: replace(one, entries=(QUEUE_9,))), "queue 9 of b.g"),
        (metered(committed_bps=-1), "meter m has an impossible rate"),
        (metered(excess_burst_octets=1 << 41), "meter m has an impossible rate"),
        (recovered(lambda one: replace(one, members=(1,))), "only one member"),
        (recovered(lambda one: replace(one, members=(1, 1))), "a member twice"),
        (recovered(lambda one: replace(one, members=(1, 2))), "end at different nodes"),
        (recovered(lambda one: replace(one, members=(3, 1))), "beside the first that goes on"),
        (recovered(lambda one: replace(one, history_count=0)), "impossible history"),
        (ringed(lambda one: replace(one, nodes=("n0", "n1", "n2", "n2"))), "has a node twice"),
        (ringed(lambda one: replace(one, processing_ps=())), "impossible processing"),
        (ringed(lambda one: replace(one, segments=one.segments[:3])), "is not closed"),
        (ringed(lambda one: replace(one, nodes=one.nodes[::-1])), "is not closed"),
        (
            ringed(lambda one: replace(one, timers=rstp_timers((1, 2)))),
            "no bridge priority for each node",
        ),
    ],
)
def test_refuses_reception(plan: Plan, fault: str) -> None:
    with pytest.raises(ValueError, match="the plan breaks its contract") as error:
        check_plan(plan)
    assert fault in str(error.value)


def test_two_filters_of_one_name_at_a_node_must_be_one() -> None:
    plan = policed(StreamFilter(name="f"))
    other = policed(StreamFilter(name="f", largest_frame_octets=100)).streams[0]
    plan = replace(plan, streams=(*plan.streams, replace(other, name="t")))
    with pytest.raises(ValueError, match="two different filters f"):
        check_plan(plan)

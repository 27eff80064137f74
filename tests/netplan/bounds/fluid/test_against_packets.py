# SPDX-License-Identifier: Apache-2.0
"""Fluid networks with packetizers against real store and forward: no frame is later."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from emulator.simulation.run import simulate
from netplan.bounds.fluid.analysis import fluid_bounds
from netplan.media.interface import WireMechanism
from netplan.plan.fluid import FluidFlow, FluidNetwork, FluidServer, RateLatency, TokenBucket
from netplan.plan.model import Plan
from support.long_paths import with_meeting_phases
from support.small_plans import MBIT, US, PlanBuilder

TRUE_US = {"v1": 272, "v2": 272, "v3": 312, "v4": 312, "v5": 232}
PUBLISHED_US = {"v1": 276.02, "v2": 276.02, "v3": 316.43, "v4": 316.43, "v5": 232.81}


def ring_plan(random: Random) -> Plan:
    """A ring of wires that count nothing but frames, one queue each, without other delays."""
    size = random.randint(2, 6)
    builder = PlanBuilder(propagation_ps=0)
    for index in range(size):
        builder.wire(f"s{index}.n", line_bps=100 * MBIT, queue_count=1)
    for number in range(random.randint(2, 8)):
        builder.wire(f"h{number}.p", line_bps=100 * MBIT, queue_count=1)
        first, length = random.randrange(size), random.randint(1, size)
        route = [(f"h{number}.p", f"s{first}")]
        for step in range(length):
            route.append((f"s{(first + step) % size}.n", f"s{(first + step + 1) % size}"))
        messages = ((random.choice([100, 500, 1500]),) * random.choice([1, 1, 3]),)
        period_ps = random.choice([1000, 2000, 3000]) * US
        builder.stream(f"f{number}", route, messages=messages, period_ps=period_ps)
    egresses = [
        replace(
            egress,
            mechanism=WireMechanism(line_bps=100 * MBIT, lead_octets=0, tail_octets=0),
        )
        for egress in builder.egresses
    ]
    return replace(builder.plan(), egresses=tuple(egresses))


def fluid(plan: Plan) -> FluidNetwork:
    """The same as a fluid network: a server per wire."""
    servers = tuple(
        FluidServer(
            name=egress.name,
            pieces=(RateLatency(rate_bps=Fraction(100 * MBIT), latency_ps=Fraction(0)),),
            capacity_bps=Fraction(100 * MBIT),
        )
        for egress in plan.egresses
    )
    flows = []
    for stream in plan.streams:
        message = stream.emission.messages[0]
        bits = Fraction(8 * sum(message))
        rate_bps = bits * 10**12 / stream.emission.period_ps
        flows.append(
            FluidFlow(
                name=stream.name,
                paths=(tuple(plan.egresses[hop.egress_index].name for hop in stream.hops),),
                buckets=(TokenBucket(burst_bits=bits, rate_bps=rate_bps),),
                largest_packet_bits=Fraction(8 * message[0]),
            )
        )
    return FluidNetwork(name="ring", servers=servers, flows=tuple(flows), packetizer=True)


@pytest.mark.parametrize("seed", range(16))
def test_no_frame_is_later(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    plan = ring_plan(random)
    rows = fluid_bounds(fluid(plan))
    for attempt in range(4):
        meeting = with_meeting_phases(plan, random)
        observed = simulate(meeting, seed=attempt, duration_ps=9000 * US)
        for row, seen in zip(rows, observed.streams, strict=True):
            if row.bound_ps is not None and seen.max_application_ps is not None:
                assert seen.max_application_ps <= row.bound_ps


def afdx() -> FluidNetwork:
    """Five virtual links; 500-octet frames each 4 ms, wires of 100 Mb/s, 16 us per switch.

    Source: Bauer, Scharbarg, Fraboul, Applying and optimizing trajectory approach for
    performance evaluation of AFDX avionics network (2009), figure 1.
    """
    names = [(f"e{number}", 0) for number in range(1, 6)]
    names += [(name, 16) for name in ("S1-S3", "S2-S3", "S3-e6", "S3-e7")]
    servers = [
        FluidServer(
            name=name,
            pieces=(
                RateLatency(rate_bps=Fraction(100 * MBIT), latency_ps=Fraction(latency_us * US)),
            ),
            capacity_bps=Fraction(100 * MBIT),
        )
        for name, latency_us in names
    ]
    flows = [
        FluidFlow(
            name=f"v{number}",
            paths=((f"e{number}", switch, end),),
            buckets=(TokenBucket(burst_bits=Fraction(4000), rate_bps=Fraction(MBIT)),),
            largest_packet_bits=Fraction(4000),
        )
        for number, switch, end in [
            (1, "S1-S3", "S3-e6"),
            (2, "S1-S3", "S3-e6"),
            (3, "S2-S3", "S3-e6"),
            (4, "S2-S3", "S3-e6"),
            (5, "S2-S3", "S3-e7"),
        ]
    ]
    return FluidNetwork(name="afdx", servers=tuple(servers), flows=tuple(flows), packetizer=True)


def test_lies_between_the_true_worst_cases_and_the_published_bounds() -> None:
    # True worst cases by hand: see test_afdx; published: TFA with shaping and packetizer.
    for row in fluid_bounds(afdx()):
        assert row.bound_ps is not None
        assert TRUE_US[row.flow] * US <= row.bound_ps <= PUBLISHED_US[row.flow] * US

# SPDX-License-Identifier: Apache-2.0
"""Plans of long paths over plain wires, whose phases make frames meet."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from netplan.media.frames import wire_time_ps
from netplan.media.interface import WireMechanism
from netplan.plan.model import Plan
from support.small_plans import GBIT, MBIT, NS, US, PlanBuilder


def long_paths(random: Random) -> Plan:
    """A line or a ring of switches, one stream all along, others over parts of it.

    Some leave where a path ends at a switch's next wire, some over a wire of their own.
    """
    size = random.randint(3, 6)
    is_ring = random.random() < 0.4
    low_ps = random.choice([0, US])
    builder = PlanBuilder(
        processing_min_ps=low_ps,
        processing_max_ps=low_ps + random.choice([0, US, 2 * US]),
        propagation_ps=random.choice([0, 50 * NS]),
    )
    queue_count = random.choice([1, 2, 8])
    for index in range(size):
        builder.wire(f"s{index}.n", line_bps=100 * MBIT, queue_count=queue_count)
        builder.wire(
            f"s{index}.h", line_bps=random.choice([100 * MBIT, GBIT]), queue_count=queue_count
        )
    sizes = [random.choice([68, 200, 500, 1000, 1522]) for _ in range(2)]
    for number in range(random.randint(3, 10)):
        builder.wire(
            f"h{number}.p", line_bps=random.choice([100 * MBIT, GBIT]), queue_count=queue_count
        )
        first = random.randrange(size) if number else 0
        furthest = size - 1 if is_ring or not number else min(3, size - 1 - first)
        length = furthest if not number else random.randint(0, min(3, furthest))
        route = [(f"h{number}.p", f"s{first}")]
        for step in range(length):
            route.append((f"s{(first + step) % size}.n", f"s{(first + step + 1) % size}"))
        end = (first + length) % size
        if length == 0 or random.random() < 0.5:
            route.append((f"s{end}.h", f"x{end}"))
        builder.stream(
            f"f{number}",
            route,
            messages=((random.choice(sizes),) * random.choice([1, 1, 1, 2, 3]),),
            period_ps=random.choice([1000, 2000, 4000]) * US,
            jitter_ps=random.choice([0, 0, 20 * US]),
            pcp=random.choice([1, 5, 5, 5, 6]),
        )
    return builder.plan()


def with_meeting_phases(plan: Plan, random: Random) -> Plan:
    """The plan with phases at which frames meet at one transmitter, give or take a little."""
    target = random.randrange(len(plan.egresses))
    base_ps = 500 * US
    streams = []
    for index, stream in enumerate(plan.streams):
        at_target = [h for h, hop in enumerate(stream.hops) if hop.egress_index == target]
        travelled_ps = _least_travel_ps(plan, index, at_target[0]) if at_target else 0
        slip_ps = random.choice([0, 0, 1, -1]) * random.randrange(1, 20 * US)
        phase_ps = (base_ps - travelled_ps + slip_ps) % stream.emission.period_ps
        streams.append(replace(stream, emission=replace(stream.emission, phase_ps=phase_ps)))
    return replace(plan, streams=tuple(streams))


def _least_travel_ps(plan: Plan, stream_index: int, hop_index: int) -> int:
    """Time from release until entering the queue of a hop without any wait."""
    stream = plan.streams[stream_index]
    octets = stream.emission.messages[0][0]
    total_ps = 0
    hop = stream.hops[hop_index]
    while hop.parent_index >= 0:
        total_ps += sum(term.min_ps for term in hop.before)
        hop = stream.hops[hop.parent_index]
        mechanism = plan.egresses[hop.egress_index].mechanism
        assert isinstance(mechanism, WireMechanism)
        total_ps += wire_time_ps(mechanism.lead_octets + octets, mechanism.line_bps)
        total_ps += sum(term.min_ps for term in hop.after)
    return total_ps

# SPDX-License-Identifier: Apache-2.0
"""A large plan for measuring: a ring of core switches, access switches, stations.

Ten core switches form a ring (delays depend on each other in a circle), each
with nine access switches of ten stations: 1,000 nodes with the defaults.
Streams are drawn at random but always the same for the same seed.
"""

from __future__ import annotations

from random import Random

from netplan.plan.model import Plan
from support.small_plans import GBIT, NS, US, PlanBuilder

PERIODS_US = (1000, 2000, 4000, 8000, 16000)
SIZES_OCTETS = (68, 84, 128, 256, 400, 700, 1522)


def large_plan(
    *,
    stream_count: int = 5000,
    core_count: int = 10,
    access_count: int = 9,
    station_count: int = 10,
    seed: int = 1,
) -> Plan:
    """A plan with ``core_count * (1 + access_count * (1 + station_count))`` nodes.

    Two thirds of the streams stay within their core switch or go to a neighbour.
    """
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    builder = PlanBuilder(processing_min_ps=800 * NS, processing_max_ps=1500 * NS)
    for core in range(core_count):
        builder.wire(f"c{core}.next").wire(f"c{core}.before")
        for access in range(access_count):
            builder.wire(f"a{core}-{access}.up").wire(f"c{core}.a{access}")
            for station in range(station_count):
                name = f"{core}-{access}-{station}"
                speed_bps = GBIT // 10 if station % 2 else GBIT
                builder.wire(f"s{name}.p", line_bps=speed_bps)
                builder.wire(f"a{core}-{access}.s{station}", line_bps=speed_bps)

    def drawn() -> tuple[int, int, int]:
        parts = (core_count, access_count, station_count)
        first, second, third = (random.randrange(part) for part in parts)
        return first, second, third

    for number in range(stream_count):
        core, access, place = drawn()
        to_core, to_access, to_place = drawn()
        if random.random() < 2 / 3:
            to_core = (core + random.choice((-1, 0, 0, 1))) % core_count
        if (core, access, place) == (to_core, to_access, to_place):
            to_place = (to_place + 1) % station_count
        route = [(f"s{core}-{access}-{place}.p", f"a{core}-{access}")]
        if (core, access) != (to_core, to_access):
            route.append((f"a{core}-{access}.up", f"c{core}"))
            steps = (to_core - core) % core_count
            forward = steps <= core_count // 2
            here = core
            while here != to_core:
                there = (here + (1 if forward else -1)) % core_count
                route.append((f"c{here}.{'next' if forward else 'before'}", f"c{there}"))
                here = there
            route.append((f"c{to_core}.a{to_access}", f"a{to_core}-{to_access}"))
        target = f"{to_core}-{to_access}-{to_place}"
        route.append((f"a{to_core}-{to_access}.s{to_place}", f"s{target}"))
        builder.stream(
            f"f{number}",
            route,
            messages=((random.choice(SIZES_OCTETS),),),
            period_ps=random.choice(PERIODS_US) * US,
            jitter_ps=random.choice((0, 10, 50)) * US,
            pcp=random.choice((2, 4, 5, 6)),
        )
    return builder.plan()

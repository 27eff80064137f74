# SPDX-License-Identifier: Apache-2.0
"""Small scheduling problems drawn at random, with everything that makes them awkward."""

from __future__ import annotations

from random import Random

from netplan.tsn.synthesis.problem import (
    FixedRoutes,
    Frame,
    GateLimits,
    Port,
    Problem,
    Route,
    RouteHop,
    Stream,
)

NS = 1_000
US = 1_000_000


def random_problem(
    chance: Random,
    *,
    variation: bool = False,
    clocks: bool = False,
    bursts: bool = False,
    multicast: bool = False,
    limits: GateLimits | None = None,
    best_effort_ratio: float = 0.0,
    fragment_octets: int | None = None,
    slow_links: bool = False,
    stream_count: int = 12,
) -> Problem:
    """A ring of five bridges with one station each; streams go round either way."""
    bridges = 5
    ports: list[Port] = []
    errors = [chance.randint(0, 400) * NS if clocks else 0 for _ in range(2 * bridges)]

    def port(name: str, node: int) -> int:
        slow = slow_links and chance.random() < 0.3
        ports.append(
            Port(
                name=name,
                line_bps=10**8 if slow else 10**9,
                gates=limits or GateLimits(),
                clock_error_ps=errors[node],
                best_effort_ratio=best_effort_ratio,
                fragment_octets=fragment_octets,
                queue_count=4,
            )
        )
        return len(ports) - 1

    up = [port(f"es{node}.up", bridges + node) for node in range(bridges)]
    down = [port(f"sw{node}.down", node) for node in range(bridges)]
    right = [port(f"sw{node}.right", node) for node in range(bridges)]
    left = [port(f"sw{node}.left", node) for node in range(bridges)]

    def tree(start: int, ends: list[int], step: int) -> Route:
        hops: list[RouteHop] = []
        listener_hops: dict[int, int] = {}

        def add(port_index: int, parent: int, queue: int) -> int:
            least = chance.randint(500, 1500) * NS if parent >= 0 else 0
            spread = chance.randint(0, 700) * NS if variation and parent >= 0 else 0
            hops.append(
                RouteHop(
                    port_index=port_index,
                    parent_index=parent,
                    before_min_ps=least,
                    before_max_ps=least + spread,
                    after_min_ps=50 * NS,
                    after_max_ps=50 * NS + (chance.randint(0, 20) * NS if variation else 0),
                    queue_index=queue,
                )
            )
            return len(hops) - 1

        queue = chance.choice((2, 3))
        here, last = start, add(up[start], -1, queue)
        while True:
            if here in ends:
                listener_hops[here] = add(down[here], last, queue)
            if len(listener_hops) == len(ends):
                break
            last = add((right if step > 0 else left)[here], last, queue)
            here = (here + step) % bridges
        return Route(hops=tuple(hops), listener_hops=tuple(listener_hops[one] for one in ends))

    streams = []
    for number in range(stream_count):
        count = chance.randint(1, 3) if multicast else 1
        start, *ends = chance.sample(range(bridges), 1 + count)
        period_ps = chance.choice((100, 200, 400)) * US
        frames = [Frame(frame_octets=chance.randint(64, 600))]
        if bursts:
            for _ in range(chance.randint(0, 2)):
                late = chance.choice((0, 0, 30 * US))
                frames.append(
                    Frame(
                        frame_octets=chance.randint(64, 600),
                        release_ps=frames[-1].release_ps + late,
                    )
                )
        routes = (tree(start, ends, 1), tree(start, ends, -1))
        streams.append(
            Stream(
                name=f"s{number}",
                period_ps=period_ps,
                frames=tuple(frames),
                routes=FixedRoutes(routes),
                deadlines_ps=(period_ps,) * count,
                jitter_ps=None if variation or clocks else 0,
                release_jitter_ps=chance.randint(0, 500) * NS if variation else 0,
                clock_error_ps=errors[bridges + start],
            )
        )
    return Problem(ports=tuple(ports), streams=tuple(streams))

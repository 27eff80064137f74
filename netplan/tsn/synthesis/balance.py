# SPDX-License-Identifier: Apache-2.0
"""Spreads streams over their possible routes before any of them is timed.

Shortest routes may ask more of a port than its line carries. Each stream in turn, the largest
first, takes the route whose ports are least loaded; a few rounds are enough in practice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netplan.tsn.synthesis.problem import Problem, Route, Stream

_CALM_RATIO = 0.4
"""Up to this load of the busiest port, the preferred routes are kept."""
_ROUNDS = 4


def demand_ratio(problem: Problem, stream: Stream, route: Route) -> dict[int, float]:
    """Share of each port's line that a stream needs on a route."""
    return {
        hop.port_index: stream.busy_ps(problem.ports[hop.port_index], hop.added_octets)
        / stream.period_ps
        for hop in route.hops
    }


def port_loads(problem: Problem, routes: Sequence[Route]) -> list[float]:
    """Load of each port when every stream takes the given route."""
    loads = [0.0] * len(problem.ports)
    for stream, route in zip(problem.streams, routes, strict=True):
        for port, ratio in demand_ratio(problem, stream, route).items():
            loads[port] += ratio
    return loads


def _weight(load_ratio: float) -> int:
    """What a port counts for at this load: dear when it is nearly full, dearer beyond."""
    return round(1000 * (1 + 20 * min(load_ratio, 10.0) ** 4))


def balanced_routes(problem: Problem, fixed: Mapping[int, Route]) -> list[Route]:
    """One route for each stream, so that no port is loaded more than it must be (by a heuristic).

    Args:
        problem: Each of whose streams has a candidate.
        fixed: Streams, by index, whose route is not to change.
    """
    routes: list[Route] = []
    for index, stream in enumerate(problem.streams):
        route = fixed.get(index) or stream.routes.candidate(0)
        assert route is not None
        routes.append(route)
    loads = port_loads(problem, routes)
    if max(loads, default=0.0) <= _CALM_RATIO:
        return routes
    needs = [
        demand_ratio(problem, stream, route)
        for stream, route in zip(problem.streams, routes, strict=True)
    ]
    order = sorted(
        (index for index in range(len(routes)) if index not in fixed),
        key=lambda index: -sum(needs[index].values()),
    )
    weights = {port: _weight(load) for port, load in enumerate(loads)}
    for _ in range(_ROUNDS):
        changed = False
        for index in order:
            if max(loads[port] for port in needs[index]) <= _CALM_RATIO:
                continue
            for port, ratio in needs[index].items():
                loads[port] -= ratio
                weights[port] = _weight(loads[port] + ratio)
            route = problem.streams[index].routes.lightest(weights)
            if route.ports != routes[index].ports:
                routes[index] = route
                needs[index] = demand_ratio(problem, problem.streams[index], route)
                changed = True
            for port, ratio in needs[index].items():
                loads[port] += ratio
                weights[port] = _weight(loads[port])
        if not changed:
            break
    return routes

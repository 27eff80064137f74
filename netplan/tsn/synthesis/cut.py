# SPDX-License-Identifier: Apache-2.0
"""Ports that cannot carry what must cross them, whatever the routes.

Give each port a weight. Every stream loads the ports of its route, so that all loads times
weights sum to at least the streams' rates times their lightest routes, and to at most the
weighted capacities, less what is kept for other traffic. Where the first exceeds the second, no
choice of routes helps. Weights are guessed from the loads of balanced routes and improved by
sending everything over the lightest ways again and again; the proof itself is exact.

Source: linear programming duality for fractional multicommodity flow; the improvement follows
Garg and Koenemann, Faster and simpler algorithms for multicommodity flow (2007).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, lcm

from netplan.tsn.synthesis.balance import port_loads
from netplan.tsn.synthesis.budget import Budget
from netplan.tsn.synthesis.problem import Problem, Route
from netplan.tsn.synthesis.result import Conflict

_PORTS_NAMED = 12
_THRESHOLDS = 16
_IMPROVEMENTS = 40
_IMPROVING_S = 3.0
_STEP = 0.3
_LARGEST_LOAD = 4.0
_SCALE = 10**6
"""Weights are whole numbers up to this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """A proof: weights, what they let through, and what each stream asks of that."""

    weights: Mapping[int, int]
    capacity: Fraction
    shares: list[tuple[Fraction, int]]


def overloaded_cut(problem: Problem, routes: Sequence[Route]) -> Conflict | None:
    """The proof that streams ask more of some ports than these carry, if one is found.

    Args:
        problem: To be scheduled.
        routes: For each stream the route that spreads the load best, as far as known. None
            is looked for when these overload no port.
    """
    loads = _loads(problem, routes)
    if max(loads, default=0.0) <= 1:
        return None
    for weights in _guesses(problem, loads):
        cut = _proven(problem, weights)
        if cut is not None:
            return _conflict(problem, loads, cut)
    return None


def _loads(problem: Problem, routes: Sequence[Route]) -> list[float]:
    """Load of each port as a ratio of what scheduled streams may use of it."""
    return [
        load / max(1e-9, 1 - port.best_effort_ratio)
        for load, port in zip(port_loads(problem, routes), problem.ports, strict=True)
    ]


def _guesses(problem: Problem, loads: Sequence[float]) -> Iterator[Mapping[int, int]]:
    """Single ports, then all ports above some load, then improved weights."""
    over = sorted((port for port, load in enumerate(loads) if load > 1), key=lambda p: -loads[p])
    yield from ({port: 1} for port in over[:_THRESHOLDS])
    seen = list(_above(loads))
    yield from seen
    weights = [min(load, 2.0) ** 4 for load in loads]
    budget = Budget.of(_IMPROVING_S)
    for _ in range(_IMPROVEMENTS):
        if budget.spent():
            break
        largest = max(weights)
        whole = {
            port: round(weight / largest * _SCALE)
            for port, weight in enumerate(weights)
            if round(weight / largest * _SCALE)
        }
        routes = [stream.routes.lightest(whole) for stream in problem.streams]
        now = _loads(problem, routes)
        for cut in _above(weights):
            if cut not in seen and not budget.spent():
                seen.append(cut)
                yield cut
        yield whole
        weights = [
            weight / largest * exp(_STEP * min(load, _LARGEST_LOAD))
            for weight, load in zip(weights, now, strict=True)
        ]


def _above(values: Sequence[float]) -> Iterator[dict[int, int]]:
    """Sets of ports whose value is at least some threshold."""
    largest = max(values)
    steps = sorted({value for value in values if value > 0.25 * largest}, reverse=True)
    if len(steps) > _THRESHOLDS:
        steps = [steps[len(steps) * place // _THRESHOLDS] for place in range(_THRESHOLDS)]
    for step in steps:
        yield {port: 1 for port, value in enumerate(values) if value >= step}


def _proven(problem: Problem, weights: Mapping[int, int]) -> _Cut | None:
    """The proof that weights give, if they give one; rates count the least lead and tail."""
    overhead = min(port.lead_octets + port.tail_octets for port in problem.ports)
    capacity = sum(
        (
            Fraction(problem.ports[port].line_bps, 8 * 10**12)
            * (1 - Fraction(problem.ports[port].best_effort_ratio))
            * weight
            for port, weight in weights.items()
        ),
        Fraction(0),
    )
    shares = []
    for index, stream in enumerate(problem.streams):
        weight = stream.routes.least_weight(weights)
        if weight:
            octets = sum(frame.frame_octets + overhead for frame in stream.frames)
            shares.append((Fraction(octets * weight, stream.period_ps), index))
    if sum(share for share, _ in shares) <= capacity:
        return None
    return _Cut(weights=weights, capacity=capacity, shares=shares)


def _conflict(problem: Problem, loads: Sequence[float], cut: _Cut) -> Conflict:
    """The conflict of an overloaded cut, with as few streams as overload it."""
    taken = Fraction(0)
    chosen = []
    for share, index in sorted(cut.shares, key=lambda share: (-share[0], share[1])):
        taken += share
        chosen.append(index)
        if taken > cut.capacity:
            break
    ports = sorted(cut.weights, key=lambda port: (-cut.weights[port], -loads[port], port))
    names = [problem.ports[port].name for port in ports[:_PORTS_NAMED]]
    which = ", ".join(names) + (" and others" if len(ports) > len(names) else "")
    kept = any(problem.ports[port].best_effort_ratio for port in ports)
    beside = " beside the share kept for other traffic" if kept else ""
    wanted = sum((share for share, _ in cut.shares), Fraction(0))
    ratio = float(wanted / cut.capacity) if cut.capacity else float("inf")
    return Conflict(
        kind="utilisation",
        text=f"on whatever routes, {ratio:.1%} of what {which} can carry{beside} would have to cross "
        f"{'it' if len(ports) == 1 else 'them'}",
        streams=tuple(problem.streams[index].name for index in chosen),
        minimal=True,
        ports=tuple(problem.ports[port].name for port in ports),
        utilisation_ratio=ratio,
        hyperperiod_ps=lcm(*(problem.streams[index].period_ps for index in chosen)),
    )

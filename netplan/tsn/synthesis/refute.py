# SPDX-License-Identifier: Apache-2.0
"""Proofs that no schedule exists, with a small set of streams that already have none.

Three proofs need no search: a stream takes longer than its deadline on its quickest route;
two streams with unrelated periods meet on a port that neither can avoid, whatever their
phases; a set of ports cannot carry what must cross it, whatever the routes. The fourth is the
solver's, which has looked at everything; its streams are thinned out by leaving one after
the other away. All are about schedules in which each stream repeats with its period.

Source: Korst et al., Periodic multiprocessor scheduling (1991), theorem 1 (two periods);
linear programming duality for multicommodity flow (ports as a weighted cut).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import gcd, lcm

from netplan.tsn.synthesis.balance import port_loads
from netplan.tsn.synthesis.budget import Budget
from netplan.tsn.synthesis.exact import Question, solve
from netplan.tsn.synthesis.greedy import Choice
from netplan.tsn.synthesis.problem import Options, Problem, Route, Stream, least_delay_ps
from netplan.tsn.synthesis.result import Conflict, Status
from netplan.tsn.synthesis.timing import Setting, fault_of, natural_setting, timing

_ROUTES = 64
"""All possible routes are looked at when there are no more than these."""
_PORTS_NAMED = 12
_THRESHOLDS = 24
"""Cuts that are looked at."""


def quick_proof(
    problem: Problem, routes: Sequence[Route], suspects: Sequence[int]
) -> Conflict | None:
    """One of the proofs that need no search.

    Args:
        problem: Which has no schedule, perhaps.
        routes: For each stream the route that spreads the load best, as far as known.
        suspects: Streams that found no place: two periods are compared for these.
    """
    for stream in problem.streams:
        conflict = _deadline_proof(problem, stream)
        if conflict is not None:
            return conflict
    return _utilisation_proof(problem, routes) or _period_proof(problem, routes, suspects)


def _deadline_proof(problem: Problem, stream: Stream) -> Conflict | None:
    """A listener that no route reaches in time, or a reception that varies too much on each."""
    largest = max(frame.frame_octets for frame in stream.frames)
    for listener, limit_ps in enumerate(stream.deadlines_ps):
        if limit_ps is None:
            continue
        route = stream.routes.quickest(listener, largest, problem.ports)
        least_ps = least_delay_ps(route, listener, largest, problem.ports)
        if least_ps > limit_ps:
            return _of_one(
                problem, stream, route, "deadline",
                f"stream {stream.name} takes {least_ps} ps to its listener {listener} on its "
                f"quickest route without meeting any other frame; allowed are {limit_ps} ps",
            )  # fmt: skip
    first = stream.routes.candidate(0)
    assert first is not None
    passing = Setting(held=frozenset(), grid_ps=1)
    if not fault_of(stream, timing(problem.ports, stream, first, passing)):
        return None
    every = stream.routes.every(_ROUTES)
    if every is None:
        return None
    holding = natural_setting(problem, frozenset(), windowed=True)
    faults = []
    for route in every:
        fault = _certain_fault(problem, stream, route, passing, holding)
        if not fault:
            return None
        faults.append(fault)
    return _of_one(
        problem, stream, first, "deadline",
        f"stream {stream.name} cannot keep its limits on any route: {faults[0]}",
    )  # fmt: skip


def _certain_fault(
    problem: Problem, stream: Stream, route: Route, passing: Setting, holding: Setting
) -> str:
    """A limit that a route breaks however it is used; empty when there is none.

    Nothing is quicker than never holding frames, and no reception varies less than when every
    port holds them, or none does.
    """
    quick = timing(problem.ports, stream, route, passing)
    steady = timing(problem.ports, stream, route, holding)
    loose = replace(stream, jitter_ps=None)
    late = fault_of(loose, replace(quick, pieces=()))
    if late:
        return late
    calm = replace(stream, deadlines_ps=(None,) * len(stream.deadlines_ps))
    calmer = min(quick, steady, key=lambda one: one.variation_ps)
    return fault_of(calm, replace(calmer, pieces=()))


def _of_one(problem: Problem, stream: Stream, route: Route, kind: str, text: str) -> Conflict:
    return Conflict(
        kind=kind,
        text=text,
        streams=(stream.name,),
        minimal=True,
        ports=tuple(problem.ports[hop.port_index].name for hop in route.hops),
        utilisation_ratio=max(
            stream.busy_ps(problem.ports[hop.port_index], hop.added_octets) / stream.period_ps
            for hop in route.hops
        ),
        hyperperiod_ps=stream.period_ps,
    )


def _period_proof(
    problem: Problem, routes: Sequence[Route], suspects: Sequence[int]
) -> Conflict | None:
    """Two streams that meet on a port that both must use, whatever their phases.

    Frames of lengths a and b that repeat with periods S and T are apart for some phases only
    if a + b is not more than gcd(S, T).
    """
    streams = problem.streams
    users: dict[int, list[int]] = {}
    for index, route in enumerate(routes):
        for port_index in route.ports:
            users.setdefault(port_index, []).append(index)
    for index in suspects:
        for port_index in sorted(routes[index].ports):
            for other in users[port_index]:
                if other != index:
                    found = _always_meet(problem, port_index, streams[index], streams[other])
                    if found is not None:
                        return found
    return None


def _always_meet(problem: Problem, port_index: int, one: Stream, other: Stream) -> Conflict | None:
    """The proof for two streams at one port, if there is one."""
    port = problem.ports[port_index]
    both = (one, other)
    step_ps = gcd(one.period_ps, other.period_ps)
    lengths_ps = [
        max(port.occupied_ps(frame.frame_octets) for frame in stream.frames) for stream in both
    ]
    if sum(lengths_ps) <= step_ps:
        return None
    weights = {port_index: 1}
    if not all(stream.routes.least_weight(weights) for stream in both):
        return None
    return Conflict(
        kind="periods",
        text=f"frames of streams {one.name} and {other.name} need {lengths_ps[0]} ps and "
        f"{lengths_ps[1]} ps of {port.name}, which neither can avoid; their periods of "
        f"{one.period_ps} ps and {other.period_ps} ps have the greatest common divisor "
        f"{step_ps} ps, so that with any phases some of their frames meet",
        streams=(one.name, other.name),
        minimal=True,
        ports=(port.name,),
        utilisation_ratio=sum(stream.busy_ps(port) / stream.period_ps for stream in both),
        hyperperiod_ps=lcm(one.period_ps, other.period_ps),
    )


def _utilisation_proof(problem: Problem, routes: Sequence[Route]) -> Conflict | None:
    """Ports that cannot carry what must cross them, whatever the routes.

    Give each port a weight. Every stream loads the ports of its route, so that all loads times
    weights sum to at least the streams' rates times their lightest routes; and to at most the
    weighted capacities, less what is kept for other traffic. Where the first exceeds the second, no choice of routes helps. Rates
    count the frames with the least lead and tail of any port.
    """
    loads = [
        load / max(1e-9, 1 - port.best_effort_ratio)
        for load, port in zip(port_loads(problem, routes), problem.ports, strict=True)
    ]
    if max(loads, default=0.0) <= 1:
        return None
    overhead = min(port.lead_octets + port.tail_octets for port in problem.ports)
    rates = [
        Fraction(sum(frame.frame_octets + overhead for frame in stream.frames), stream.period_ps)
        for stream in problem.streams
    ]
    capacities = [
        Fraction(port.line_bps, 8 * 10**12) * (1 - Fraction(port.best_effort_ratio))
        for port in problem.ports
    ]
    steps = sorted({load for load in loads if load > 0.5}, reverse=True)
    if len(steps) > _THRESHOLDS:
        steps = [steps[len(steps) * place // _THRESHOLDS] for place in range(_THRESHOLDS)]
    single = [{port: 1} for port, load in enumerate(loads) if load > 1]
    cuts = [{port: 1 for port, load in enumerate(loads) if load >= step} for step in steps]
    for weights in (*single[:_THRESHOLDS], *cuts):
        capacity = sum((capacities[port] * weight for port, weight in weights.items()), Fraction(0))
        shares = [
            (rate * stream.routes.least_weight(weights), index)
            for index, (rate, stream) in enumerate(zip(rates, problem.streams, strict=True))
        ]
        if sum(share for share, _ in shares) <= capacity:
            continue
        return _cut(problem, loads, weights, capacity, shares)
    return None


def _cut(
    problem: Problem,
    loads: Sequence[float],
    weights: dict[int, int],
    capacity: Fraction,
    shares: list[tuple[Fraction, int]],
) -> Conflict:
    """The conflict of an overloaded cut, with as few streams as overload it."""
    shares.sort(key=lambda share: (-share[0], share[1]))
    taken = Fraction(0)
    chosen = []
    for share, index in shares:
        taken += share
        chosen.append(index)
        if taken > capacity:
            break
    ports = sorted(weights, key=lambda port: (-loads[port], port))
    names = [problem.ports[port].name for port in ports[:_PORTS_NAMED]]
    which = ", ".join(names) + (" and others" if len(ports) > len(names) else "")
    kept = any(problem.ports[port].best_effort_ratio for port in ports)
    beside = " beside the share kept for other traffic" if kept else ""
    wanted = sum((share for share, _ in shares), Fraction(0))
    ratio = float(wanted / capacity) if capacity else float("inf")
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


def exhausted_proof(
    problem: Problem, options: Options, *, windowed: bool, kept: bool, budget: Budget
) -> Conflict:
    """Streams that the solver finds impossible together; as few as the time allows.

    Args:
        problem: In which the solver has looked at everything.
        options: As for the synthesis.
        windowed: Whether frames were allowed to wait.
        kept: Whether the solver was bound to streams that must stay where they are.
        budget: For leaving streams away.
    """
    wide = natural_setting(problem, frozenset(), windowed=windowed)
    choices: dict[int, list[Choice]] = {}
    for index, stream in enumerate(problem.streams):
        every = stream.routes.every(_ROUTES) or ()
        results = [(route, timing(problem.ports, stream, route, wide)) for route in every]
        choices[index] = [
            Choice(route=route, timing=result)
            for route, result in results
            if not fault_of(stream, result)
        ]

    def impossible(indices: Sequence[int], limit: Budget) -> bool:
        question = Question(
            problem=problem,
            setting=wide,
            choices={index: choices[index] for index in indices},
            windowed=windowed,
            relaxed=True,
        )
        return solve(question, options, limit).status is Status.INFEASIBLE

    together = list(range(len(problem.streams)))
    minimal = True
    if kept and not impossible(together, budget):
        together_names = tuple(stream.name for stream in problem.streams)
        return _exhausted(problem, together_names, minimal=False, windowed=windowed, kept=True)
    size = max(1, len(together) // 2)
    while True:
        place = 0
        while place < len(together):
            rest = together[:place] + together[place + size :]
            if rest and not budget.spent() and impossible(rest, budget.part(0.3)):
                together = rest
            else:
                minimal = minimal and not (size == 1 and budget.spent())
                place += size
        if size == 1:
            break
        size = max(1, size // 2)
    names = tuple(problem.streams[index].name for index in together)
    return _exhausted(problem, names, minimal=minimal, windowed=windowed, kept=False)


def _exhausted(
    problem: Problem, names: tuple[str, ...], *, minimal: bool, windowed: bool, kept: bool
) -> Conflict:
    chosen = [stream for stream in problem.streams if stream.name in set(names)]
    loads: dict[int, float] = {}
    for stream in chosen:
        route = stream.routes.candidate(0)
        assert route is not None
        for hop in route.hops:
            need_ps = stream.busy_ps(problem.ports[hop.port_index], hop.added_octets)
            loads[hop.port_index] = loads.get(hop.port_index, 0.0) + need_ps / stream.period_ps
    order = sorted(loads, key=lambda port: (-loads[port], port))
    manner = "even when frames may wait in bridges" if windowed else "when no frame may wait"
    beside = " beside the streams that stay where they are" if kept else ""
    return Conflict(
        kind="exhausted",
        text=f"a complete search found no phases and routes for these {len(chosen)} streams "
        f"{manner}{beside}; they compete most for {problem.ports[order[0]].name}, "
        f"of which they need {loads[order[0]]:.1%}",
        streams=names,
        minimal=minimal,
        ports=tuple(problem.ports[port].name for port in order[:_PORTS_NAMED]),
        utilisation_ratio=loads[order[0]],
        hyperperiod_ps=lcm(*(stream.period_ps for stream in chosen)),
    )

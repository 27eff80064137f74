# SPDX-License-Identifier: Apache-2.0
"""Proofs that no schedule exists, with a small set of streams that already have none.

Three proofs need no search: a stream takes longer than its deadline on its quickest route;
two streams with unrelated periods meet on a port that neither can avoid, whatever their
phases; a set of ports cannot carry what must cross it, whatever the routes. The fourth is the
solver's, which has looked at everything; its streams are thinned out by leaving one after
the other away. All are about schedules in which each stream repeats with its period.

Source: Korst et al., Periodic multiprocessor scheduling (1991), theorem 1 (two periods).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import gcd, lcm

from netplan.design.quantities import duration_text
from netplan.tsn.synthesis.budget import Budget
from netplan.tsn.synthesis.cut import overloaded_cut
from netplan.tsn.synthesis.exact import Question, solve
from netplan.tsn.synthesis.greedy import Choice
from netplan.tsn.synthesis.problem import Options, Problem, Route, Stream, least_delay_ps
from netplan.tsn.synthesis.result import Conflict, Status
from netplan.tsn.synthesis.timing import Setting, fault_of, natural_setting, timing

_ROUTES = 64
"""All possible routes are looked at when there are no more than these."""
_PORTS_NAMED = 12


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
    return overloaded_cut(problem, routes) or _period_proof(problem, routes, suspects)


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
                f"stream {stream.name} takes {duration_text(least_ps)} to its "
                f"listener {listener + 1} on its quickest route without meeting any other frame; "
                f"allowed are {duration_text(limit_ps)}",
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
        text=f"frames of streams {one.name} and {other.name} need "
        f"{duration_text(lengths_ps[0])} and {duration_text(lengths_ps[1])} of {port.name}, which neither can avoid; their periods of "
        f"{duration_text(one.period_ps)} and {duration_text(other.period_ps)} have the greatest common divisor "
        f"{duration_text(step_ps)}, so that with any phases some of their frames meet",
        streams=(one.name, other.name),
        minimal=True,
        ports=(port.name,),
        utilisation_ratio=sum(stream.busy_ps(port) / stream.period_ps for stream in both),
        hyperperiod_ps=lcm(one.period_ps, other.period_ps),
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

    def outcome(indices: Sequence[int], limit: Budget) -> Status:
        question = Question(
            problem=problem,
            setting=wide,
            choices={index: choices[index] for index in indices},
            windowed=windowed,
            relaxed=True,
        )
        return solve(question, options, limit).status

    together = list(range(len(problem.streams)))
    minimal = True
    if kept and outcome(together, budget) is not Status.INFEASIBLE:
        names = tuple(stream.name for stream in problem.streams)
        return _exhausted(problem, names, minimal=False, windowed=windowed, kept=True)
    size = max(1, len(together) // 2)
    while True:
        place = 0
        while place < len(together):
            rest = together[:place] + together[place + size :]
            status = Status.UNKNOWN
            if rest and not budget.spent():
                status = outcome(rest, budget.part(0.3))
            if status is Status.INFEASIBLE:
                together = rest
                continue
            if size == 1 and rest and status is Status.UNKNOWN:
                minimal = False
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

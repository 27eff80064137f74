# SPDX-License-Identifier: Apache-2.0
"""The one function that makes a gate schedule, proves that there is none, or says what it tried.

Streams are placed first; gate lists are made from where they are. Where the limits of a port do
not allow its list, it stops holding frames (so that windows may be joined) or keeps time free
for other traffic, and the streams are placed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, gcd

from netplan.design.quantities import duration_text
from netplan.tsn.synthesis.budget import Budget
from netplan.tsn.synthesis.check import check_problem
from netplan.tsn.synthesis.cure import with_cure
from netplan.tsn.synthesis.gates import gate_plan
from netplan.tsn.synthesis.keep import kept_streams
from netplan.tsn.synthesis.methods import Found, Methods, Reservation
from netplan.tsn.synthesis.periods import nearest_harmonic
from netplan.tsn.synthesis.problem import Options, Problem
from netplan.tsn.synthesis.refute import exhausted_proof
from netplan.tsn.synthesis.result import Conflict, Obstacle, PortSchedule, Schedule, Status
from netplan.tsn.synthesis.timing import Piece

_ROUNDS = 6
"""How often streams are placed again because of gate lists."""
_NAMED = 10
_CURE_RATIO = 0.3
"""Share of the time left that a change that helps is looked for."""


def synthesise(
    problem: Problem, options: Options | None = None, keep: Schedule | None = None
) -> Schedule:
    """Make a gate schedule.

    Args:
        problem: Ports and streams.
        options: How to look for it.
        keep: An earlier schedule of the same ports, whose streams stay where they are; those that
            the problem no longer has are left out.

    Raises:
        ValueError: The problem breaks its contract.
    """
    check_problem(problem)
    options = options or Options()
    if not problem.streams:
        return Schedule(status=Status.FEASIBLE)
    if problem.hyperperiod_ps > options.largest_hyperperiod_ps:
        return _refused(problem, options)
    kept = kept_streams(problem, keep)
    methods = Methods(
        problem=problem,
        options=options,
        budget=Budget.of(options.time_limit_s),
        kept=kept,
        passing=kept.passing,
    )
    if kept.fault is not None:
        return _unknown(methods, (kept.fault,))
    obstacles: tuple[Obstacle, ...] = ()
    for _ in range(_ROUNDS):
        found = methods.run()
        if found.placements is None:
            return _without(methods, found, obstacles)
        done = methods.timed("gate lists")
        plan = gate_plan(problem, found.placements, options.guard)
        done(f"{len(plan.obstacles)} of {len(plan.ports) + len(plan.obstacles)} do not work out")
        obstacles = plan.obstacles
        if not obstacles:
            return _feasible(methods, found, plan.ports)
        if methods.budget.spent() or not _adapted(methods, plan.too_long, obstacles):
            break
    conflict = methods.quick_proof(())
    if conflict is not None:
        return _infeasible(methods, conflict, obstacles, anew=False)
    return _unknown(methods, obstacles)


def _refused(problem: Problem, options: Options) -> Schedule:
    """The hyperperiod is too long to be looked at."""
    harmonic = nearest_harmonic([stream.period_ps for stream in problem.streams])
    text = (
        f"the periods repeat together only after {duration_text(problem.hyperperiod_ps)}, "
        f"at most {duration_text(options.largest_hyperperiod_ps)} are looked at"
    )
    return Schedule(
        status=Status.UNKNOWN,
        hyperperiod_ps=problem.hyperperiod_ps,
        obstacles=(Obstacle(kind="hyperperiod", text=text),),
        harmonic_periods_ps={stream.name: harmonic[stream.period_ps] for stream in problem.streams},
    )


def _feasible(methods: Methods, found: Found, ports: tuple[PortSchedule, ...]) -> Schedule:
    assert found.placements is not None
    return Schedule(
        status=Status.FEASIBLE,
        placements=found.placements,
        ports=ports,
        hyperperiod_ps=methods.problem.hyperperiod_ps,
        tried=tuple(methods.tried),
    )


def _unknown(methods: Methods, obstacles: tuple[Obstacle, ...]) -> Schedule:
    return Schedule(
        status=Status.UNKNOWN,
        hyperperiod_ps=methods.problem.hyperperiod_ps,
        obstacles=obstacles,
        tried=tuple(methods.tried),
    )


def _without(methods: Methods, found: Found, obstacles: tuple[Obstacle, ...]) -> Schedule:
    """Streams could not be placed: with a proof infeasible, otherwise unknown."""
    problem, options = methods.problem, methods.options
    conflict = found.conflict
    if conflict is None and found.exhausted:
        done = methods.timed("thinning out")
        conflict = exhausted_proof(
            problem,
            options,
            windowed=found.exhausted == "windowed",
            kept=bool(methods.kept.choices),
            budget=methods.budget.part(0.5) if options.explain else Budget.of(0),
        )
        done(f"{len(conflict.streams)} streams in conflict")
    if conflict is not None:
        anew = bool(methods.kept.choices) and found.conflict is None
        return _infeasible(methods, conflict, obstacles, anew=anew)
    names = ", ".join(problem.streams[index].name for index in found.left[:_NAMED])
    text = f"{len(found.left)} streams found no place, among them {names}"
    told = [Obstacle(kind="streams", text=text)]
    scarce = methods.shortage() if options.explain else None
    if scarce is not None:
        told.append(scarce)
    return _unknown(methods, (*obstacles, *told))


def _infeasible(
    methods: Methods, conflict: Conflict, obstacles: tuple[Obstacle, ...], *, anew: bool
) -> Schedule:
    """With a proof; a change that helps is looked for in the time that is left."""
    problem, options = methods.problem, methods.options
    if options.explain:
        done = methods.timed("cure")
        left_s = methods.budget.left_s() * _CURE_RATIO
        quick = replace(options, explain=False, time_limit_s=max(0.5, left_s / 4))
        conflict = with_cure(
            problem,
            conflict,
            Budget.of(left_s),
            anew=anew,
            feasible=lambda changed: synthesise(changed, quick).status is Status.FEASIBLE,
        )
        done(conflict.cure.text if conflict.cure is not None else "none found")
    return Schedule(
        status=Status.INFEASIBLE,
        hyperperiod_ps=problem.hyperperiod_ps,
        conflict=conflict,
        obstacles=obstacles,
        tried=tuple(methods.tried),
    )


def _adapted(methods: Methods, too_long: frozenset[int], obstacles: Sequence[Obstacle]) -> bool:
    """Change how ports are used, so that their lists may work out; whether anything changed."""
    if too_long - methods.passing and not methods.kept.choices:
        methods.passing |= too_long
        return True
    changed = False
    for obstacle in obstacles:
        at = obstacle.port_index
        if obstacle.kind in {"gate entries", "best-effort share"} and at not in methods.reserved:
            reservation = _reservation(methods, at)
            if reservation is not None:
                methods.reserved[at] = reservation
                changed = True
    return changed


def _reservation(methods: Methods, port_index: int) -> Reservation | None:
    """Time that a port keeps free for other traffic in each of its shortest periods."""
    problem = methods.problem
    port = problem.ports[port_index]
    period_ps = 0
    for stream, route in zip(problem.streams, methods.routes, strict=True):
        if port_index in route.ports:
            period_ps = gcd(period_ps, stream.period_ps)
    if not period_ps:
        return None
    # What a guard band may waste, and the gaps around the windows.
    waste_ps = port.occupied_ps(port.other_octets) + 2 * port.tail_ps
    length_ps = ceil(port.best_effort_ratio * period_ps) + waste_ps
    if length_ps >= period_ps:
        return None
    piece = Piece(resource_index=port_index, offset_ps=0, length_ps=length_ps, hop_index=0)
    return piece, period_ps

# SPDX-License-Identifier: Apache-2.0
"""The one function that makes a gate schedule, says why there is none, or says what it tried.

Greedy placement with repair comes first, without waiting frames, then with them; then the
complete search, on what could not be placed and its neighbours, and on everything where that is
small enough. Gate lists are made from what is placed; where the limits of a switch do not allow
them, ports stop holding frames or keep time free for other traffic, and the search starts again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import gcd

from netplan.tsn.synthesis.balance import balanced_routes
from netplan.tsn.synthesis.budget import Budget
from netplan.tsn.synthesis.check import check_problem
from netplan.tsn.synthesis.cure import with_cure
from netplan.tsn.synthesis.exact import Question, solve, solver_at_hand
from netplan.tsn.synthesis.gates import gate_plan
from netplan.tsn.synthesis.greedy import Choice, Search, place_all
from netplan.tsn.synthesis.periods import nearest_harmonic
from netplan.tsn.synthesis.problem import Method, Options, Problem, Route, Waiting
from netplan.tsn.synthesis.refute import exhausted_proof, quick_proof
from netplan.tsn.synthesis.result import (
    Attempt,
    Conflict,
    Obstacle,
    Placement,
    Schedule,
    Status,
)
from netplan.tsn.synthesis.timing import Piece, Setting, natural_setting, timing

_ROUNDS = 6
"""How often the search starts again because of gate lists."""
_NEIGHBOURS = 60
"""Streams that the solver may move around one that was not placed."""
_ALL_AT_ONCE = 200
"""Streams up to which the solver is given the whole problem."""
_ROUTES_FOR_SOLVER = 4


def synthesise(
    problem: Problem, options: Options | None = None, keep: Schedule | None = None
) -> Schedule:
    """Make a gate schedule.

    Args:
        problem: Ports and streams.
        options: How to look for it.
        keep: An earlier schedule, whose streams stay where they are; those that the problem no
            longer has are left out.

    Raises:
        ValueError: The problem breaks its contract.
    """
    check_problem(problem)
    options = options or Options()
    if not problem.streams:
        return Schedule(status=Status.FEASIBLE)
    refused = _hyperperiod_fault(problem, options)
    if refused is not None:
        return refused
    run = _Run(problem=problem, options=options, budget=Budget.of(options.time_limit_s))
    if keep is not None:
        obstacle = run.take_over(keep)
        if obstacle is not None:
            return run.unknown((obstacle,))
    return run.schedule()


def _hyperperiod_fault(problem: Problem, options: Options) -> Schedule | None:
    hyperperiod_ps = problem.hyperperiod_ps
    if hyperperiod_ps <= options.largest_hyperperiod_ps:
        return None
    harmonic = nearest_harmonic([stream.period_ps for stream in problem.streams])
    return Schedule(
        status=Status.UNKNOWN,
        hyperperiod_ps=hyperperiod_ps,
        obstacles=(
            Obstacle(
                kind="hyperperiod",
                text=f"the periods repeat together only after {hyperperiod_ps} ps; "
                f"at most {options.largest_hyperperiod_ps} ps are looked at",
                needed=hyperperiod_ps,
                allowed=options.largest_hyperperiod_ps,
            ),
        ),
        harmonic_periods_ps={stream.name: harmonic[stream.period_ps] for stream in problem.streams},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one search gave: placements, a proof that there are none, or neither."""

    placements: tuple[Placement, ...] | None = None
    proof: str = ""
    left: tuple[int, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Run:
    """One synthesis under way."""

    problem: Problem
    options: Options
    budget: Budget
    kept: dict[int, Placement] = field(default_factory=dict)
    passing: frozenset[int] = frozenset()
    reserved: dict[int, tuple[Piece, int]] = field(default_factory=dict)
    tried: list[Attempt] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    refuted: bool | None = None

    def take_over(self, keep: Schedule) -> Obstacle | None:
        """Note the streams that stay; what is wrong with that, if anything."""
        known = {one.name: one for one in keep.placements}
        held: set[int] = set()
        passed: set[int] = set()
        for index, stream in enumerate(self.problem.streams):
            one = known.get(stream.name)
            if one is None:
                continue
            octets = tuple(frame.frame_octets for frame in stream.frames)
            if (one.period_ps, one.frame_octets) != (stream.period_ps, octets):
                return _kept_fault(stream.name, "its period or size has changed")
            if any(hop.port_index >= len(self.problem.ports) for hop in one.route.hops):
                return _kept_fault(stream.name, "a port of its route is gone")
            self.kept[index] = one
            for at, hop in enumerate(one.route.hops):
                (held if one.slots[at][0].held else passed).add(hop.port_index)
        if held:
            self.passing = frozenset(passed)
        return None

    def schedule(self) -> Schedule:
        """Search, make gate lists, and search again where these do not work out."""
        obstacles: tuple[Obstacle, ...] = ()
        for _ in range(_ROUNDS):
            found = self._search()
            if found.placements is None:
                return self._without(found, obstacles)
            start_s = time.monotonic()
            plan = gate_plan(self.problem, found.placements, self.options.guard)
            self._note("gate lists", f"{len(plan.obstacles)} ports do not work out", start_s)
            if not plan.obstacles:
                return Schedule(
                    status=Status.FEASIBLE,
                    placements=found.placements,
                    ports=plan.ports,
                    hyperperiod_ps=self.problem.hyperperiod_ps,
                    tried=tuple(self.tried),
                )
            obstacles = plan.obstacles
            if not self._adapt(plan.too_long, obstacles) or self.budget.spent():
                break
        return self.unknown(obstacles)

    def unknown(self, obstacles: tuple[Obstacle, ...]) -> Schedule:
        """Neither a schedule nor a proof."""
        return Schedule(
            status=Status.UNKNOWN,
            hyperperiod_ps=self.problem.hyperperiod_ps,
            obstacles=obstacles,
            tried=tuple(self.tried),
        )

    def _adapt(self, too_long: frozenset[int], obstacles: Sequence[Obstacle]) -> bool:
        """Change how ports are used, so that their gate lists may work out; whether it changed."""
        if too_long - self.passing:
            self.passing |= too_long
            return True
        changed = False
        for obstacle in obstacles:
            at = obstacle.port_index
            if obstacle.kind in {"gate entries", "best-effort share"} and at not in self.reserved:
                piece = self._reservation(at)
                if piece is not None:
                    self.reserved[at] = piece
                    changed = True
        return changed

    def _reservation(self, port_index: int) -> tuple[Piece, int] | None:
        """Time that a port keeps free for other traffic in each shortest period."""
        port = self.problem.ports[port_index]
        period_ps = 0
        for index, stream in enumerate(self.problem.streams):
            if port_index in self.routes[index].ports:
                period_ps = gcd(period_ps, stream.period_ps)
        waste_ps = port.occupied_ps(port.other_octets or 1522) + 2 * port.tail_ps
        length_ps = -int(-port.best_effort_ratio * period_ps // 1) + waste_ps
        if not period_ps or length_ps >= period_ps:
            return None
        return Piece(port_index, 0, length_ps, 0), period_ps

    def _without(self, found: _Found, obstacles: tuple[Obstacle, ...]) -> Schedule:
        """No placements: the proof, if there is one and nothing of ours stood in the way."""
        conflict = None if self.reserved else self._conflict(found)
        if conflict is None:
            names = ", ".join(self.problem.streams[index].name for index in found.left[:10])
            text = f"{len(found.left)} streams found no place, among them {names}"
            return self.unknown((*obstacles, Obstacle(kind="streams", text=text)))
        return Schedule(
            status=Status.INFEASIBLE,
            hyperperiod_ps=self.problem.hyperperiod_ps,
            conflict=conflict,
            obstacles=obstacles,
            tried=tuple(self.tried),
        )

    def _conflict(self, found: _Found) -> Conflict | None:
        """The best proof at hand, with a change that would help."""
        start_s = time.monotonic()
        conflict = quick_proof(self.problem, self.routes, found.left)
        by_itself = conflict is not None
        if conflict is None and found.proof:
            # What the proof is worth without the streams that stay is found out again.
            budget = self.budget if self.options.explain else Budget.of(0)
            conflict = exhausted_proof(
                self.problem, self.options, windowed=found.proof == "windowed",
                kept=bool(self.kept), budget=budget,
            )  # fmt: skip
        self._note("proof", "found" if conflict is not None else "none found", start_s)
        if conflict is None or not self.options.explain:
            return conflict
        start_s = time.monotonic()
        limit_s = max(self.budget.left_s(), 1.0)
        options = replace(self.options, explain=False, time_limit_s=limit_s / 4)
        conflict = with_cure(
            self.problem, conflict, Budget.of(limit_s), anew=bool(self.kept) and not by_itself,
            feasible=lambda changed: synthesise(changed, options).status is Status.FEASIBLE,
        )  # fmt: skip
        self._note("cure", conflict.cure.text if conflict.cure else "none found", start_s)
        return conflict

    def _setting(self, *, windowed: bool) -> Setting:
        held = windowed or any(
            slot.held for one in self.kept.values() for row in one.slots for slot in row
        )
        return natural_setting(self.problem, self.passing, windowed=held)

    def _search(self) -> _Found:
        """All methods that the options allow, until one succeeds."""
        start_s = time.monotonic()
        self.routes = balanced_routes(
            self.problem, {index: one.route for index, one in self.kept.items()}
        )
        self._note("routes", "spread over the ports", start_s)
        manners = {
            Waiting.NO_WAIT: (False,),
            Waiting.WINDOWED: (True,),
            Waiting.AUTO: (False, True),
        }[self.options.waiting]
        found = _Found()
        for windowed in manners:
            found = self._with_manner(windowed=windowed, last=windowed is manners[-1])
            if found.placements is not None:
                break
            if found.left and self._hopeless(found):
                break
        return found

    def _hopeless(self, found: _Found) -> bool:
        """Whether a quick proof makes further search pointless."""
        if self.reserved or self.refuted is not None:
            return self.refuted or False
        start_s = time.monotonic()
        self.refuted = quick_proof(self.problem, self.routes, found.left) is not None
        self._note("quick proofs", "found" if self.refuted else "none found", start_s)
        return self.refuted

    def _with_manner(self, *, windowed: bool, last: bool) -> _Found:
        """Greedy, then exact, with or without waiting frames."""
        word = "windowed" if windowed else "no-wait"
        search = self._new_search(windowed=windowed)
        left: list[int] = [
            index for index in range(len(self.problem.streams)) if index not in search.placed
        ]
        if self.options.method is not Method.EXACT:
            start_s = time.monotonic()
            share = 0.3 if self.options.method is Method.AUTO else 1.0 if last else 0.5
            left, moved = place_all(search, self.budget.part(share), self.options.seed)
            outcome = f"{len(left)} streams left over, {moved} moved" if left else "all placed"
            self._note(f"greedy {word}", outcome, start_s)
            if not left:
                return _Found(placements=search.placements())
            if self.options.method is Method.GREEDY:
                return _Found(left=tuple(left))
            if any(search.choice(index, 0) is None for index in left) or self._hopeless(
                _Found(left=tuple(left))
            ):
                return _Found(left=tuple(left))
        if not solver_at_hand():
            self._note(f"exact {word}", "OR-Tools is not installed", time.monotonic())
            return _Found(left=tuple(left))
        return self._exactly(search, left, windowed=windowed, last=last)

    def _exactly(self, search: Search, left: list[int], *, windowed: bool, last: bool) -> _Found:
        word = "windowed" if windowed else "no-wait"
        small = len(self.problem.streams) - len(search.fixed) <= _ALL_AT_ONCE
        if self.options.method is Method.AUTO and left:
            start_s = time.monotonic()
            done = self._around(
                search, left, self.budget.part(0.3 if small or not last else 0.9), windowed=windowed
            )
            self._note(f"exact {word}, neighbours", f"{len(left)} streams left over", start_s)
            if done:
                return _Found(placements=search.placements())
        if not small:
            return _Found(left=tuple(left))
        start_s = time.monotonic()
        free = [index for index in range(len(self.problem.streams)) if index not in search.fixed]
        share = 0.9 if last else 0.5
        question = self._question(search, free, windowed=windowed)
        answer = solve(question, self.options, self.budget.part(share))
        self._note(f"exact {word}", answer.why or answer.status.value, start_s)
        if answer.status is Status.FEASIBLE:
            for index in free:
                if index in search.placed:
                    search.take_away(index)
            for index, (choice, phase_ps) in answer.placed.items():
                search.put(index, choice, phase_ps)
            return _Found(placements=search.placements())
        proven = (
            answer.status is Status.INFEASIBLE
            and last
            and not self.reserved
            and self._complete(search, free)
            and solve(replace(question, relaxed=True), self.options, self.budget).status
            is Status.INFEASIBLE
        )
        return _Found(left=tuple(left or free), proof=word if proven else "")

    def _around(self, search: Search, left: list[int], budget: Budget, *, windowed: bool) -> bool:
        """Place what is left by moving its neighbours; ``left`` keeps what stays over."""
        while left and not budget.spent():
            index = left[0]
            near = _neighbours(search, index)
            free = [index, *near[:_NEIGHBOURS]]
            question = self._question(search, free, windowed=windowed)
            answer = solve(question, self.options, budget.part(0.5))
            if answer.status is not Status.FEASIBLE:
                return False
            for other in free:
                if other in search.placed:
                    search.take_away(other)
            for other, (choice, phase_ps) in answer.placed.items():
                search.put(other, choice, phase_ps)
            left.pop(0)
        return not left

    def _question(self, search: Search, free: Sequence[int], *, windowed: bool) -> Question:
        moving = set(free)
        fixed = [
            (piece, phase_ps, self.problem.streams[index].period_ps)
            for index, (choice, phase_ps) in search.placed.items()
            if index not in moving
            for piece in choice.timing.pieces
        ]
        fixed += [(piece, 0, period_ps) for piece, period_ps in self.reserved.values()]
        choices: dict[int, list[Choice]] = {}
        for index in free:
            every = self.problem.streams[index].routes.every(_ROUTES_FOR_SOLVER)
            wanted = list(search.choices(index))
            choices[index] = wanted if every is not None else wanted[:_ROUTES_FOR_SOLVER]
        hints = {index: phase for index, (_, phase) in search.placed.items() if index in moving}
        return Question(
            problem=self.problem, setting=search.setting, choices=choices, fixed=fixed,
            windowed=windowed, hints=hints,
        )  # fmt: skip

    def _complete(self, search: Search, free: Sequence[int]) -> bool:
        """Whether the solver was given every possible route of every stream."""
        if search.candidate_count < _ROUTES_FOR_SOLVER:
            return False
        return all(
            self.problem.streams[index].routes.every(_ROUTES_FOR_SOLVER) is not None
            for index in free
        )

    def _new_search(self, *, windowed: bool) -> Search:
        setting = self._setting(windowed=windowed)
        search = Search(
            problem=self.problem,
            setting=setting,
            preferred=self.routes,
            candidate_count=self.options.candidate_count,
            windowed=windowed,
            reserved=tuple(self.reserved.values()),
        )
        for index, one in self.kept.items():
            stream = self.problem.streams[index]
            result = timing(self.problem.ports, stream, one.route, setting, one.waits_ps)
            choice = Choice(route=one.route, timing=result, waits_ps=one.waits_ps)
            search.put(index, choice, one.phase_ps)
            search.fixed.add(index)
        return search

    def _note(self, method: str, outcome: str, start_s: float) -> None:
        self.tried.append(
            Attempt(method=method, outcome=outcome, taken_s=time.monotonic() - start_s)
        )


def _kept_fault(name: str, reason: str) -> Obstacle:
    return Obstacle(kind="kept streams", text=f"stream {name} cannot stay where it is: {reason}")


def _neighbours(search: Search, index: int) -> list[int]:
    """Placed streams that may be moved and share ports with one, those that share most first."""
    wanted: set[int] = set()
    for choice in search.choices(index):
        wanted |= choice.route.ports
    shared = {
        other: len(wanted & choice.route.ports)
        for other, (choice, _) in search.placed.items()
        if other not in search.fixed
    }
    near = [other for other, count in shared.items() if count]
    return sorted(near, key=lambda other: (-shared[other], other))

# SPDX-License-Identifier: Apache-2.0
"""The order in which ways of searching are tried, and how their time is shared.

Greedy placement with repair first, without waiting frames and then with them; where that leaves
streams over, a quick proof may end it. Then the complete search: on a stream that was left
over and its neighbours, and on all streams where they are few enough to be looked at together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from netplan.tsn.synthesis.balance import balanced_routes, port_loads
from netplan.tsn.synthesis.budget import Budget
from netplan.tsn.synthesis.exact import Question, solve, solver_at_hand
from netplan.tsn.synthesis.greedy import Choice, Search, place_all
from netplan.tsn.synthesis.keep import Kept, held_instead
from netplan.tsn.synthesis.problem import Method, Options, Problem, Route, Waiting
from netplan.tsn.synthesis.refute import quick_proof
from netplan.tsn.synthesis.result import Attempt, Conflict, Obstacle, Placement, Status
from netplan.tsn.synthesis.shortage import shortage
from netplan.tsn.synthesis.timing import Piece, Setting, is_exact, natural_setting

_NEIGHBOURS = 60
"""Streams that the solver may move around one that was left over."""
_ALL_AT_ONCE = 250
"""Streams up to which the solver is given the whole problem."""
_ROUTES_FOR_SOLVER = 4

Reservation = tuple[Piece, int]
"""A piece of a port that stays free for other traffic, and its period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search gave: placements, a proof that there are none, or neither.

    Attributes:
        placements: Of all streams.
        conflict: A proof that needed no search.
        exhausted: The manner (``no-wait`` or ``windowed``) in which the solver has looked at
            everything in vain.
        left: Streams that found no place.
    """

    placements: tuple[Placement, ...] | None = None
    conflict: Conflict | None = None
    exhausted: str = ""
    left: tuple[int, ...] = ()


@dataclass(slots=True, kw_only=True)
class Methods:
    """The methods at work on one problem.

    Attributes:
        problem: To be scheduled.
        options: What may be tried.
        budget: For everything.
        kept: Streams that stay where they are.
        passing: Ports that must not hold.
        reserved: For each port, what stays free for other traffic.
        tried: Grows with each attempt.
    """

    problem: Problem
    options: Options
    budget: Budget
    kept: Kept
    passing: frozenset[int]
    reserved: dict[int, Reservation] = field(default_factory=dict)
    tried: list[Attempt] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)

    def run(self) -> Found:
        """Try what the options allow until one method succeeds or a proof is found."""
        with_time = self.timed("routes")
        fixed = {index: choice.route for index, (choice, _) in self.kept.choices.items()}
        self.routes = balanced_routes(self.problem, fixed)
        largest = max(port_loads(self.problem, self.routes))
        with_time(f"busiest port loaded {largest:.1%}")
        if largest > 1:
            conflict = self.quick_proof(())
            if conflict is not None:
                return Found(conflict=conflict)
        manners = {
            Waiting.NO_WAIT: (False,),
            Waiting.WINDOWED: (True,),
            Waiting.AUTO: (False, True),
        }[self.options.waiting]
        made = [self._new_search(windowed=windowed) for windowed in manners]
        searches = [search for search in made if search is not None]
        if not searches:
            self.timed("windowed")("streams that stay where they are would have to wait")
            return Found()
        lefts: list[tuple[int, ...]] = []
        for search in searches:
            found = self._greedily(search)
            if found.placements is not None or found.conflict is not None:
                return found
            lefts.append(found.left)
        if self.options.method is Method.GREEDY:
            return Found(left=lefts[-1])
        if not solver_at_hand():
            self.timed("exact")("OR-Tools is not installed")
            return Found(left=lefts[-1])
        found = Found(left=lefts[-1])
        for number, (search, left) in enumerate(zip(searches, lefts, strict=True)):
            found = self._exactly(search, left, last=number == len(searches) - 1)
            if found.placements is not None:
                break
        return found

    def timed(self, method: str) -> Callable[[str], None]:
        """Begin an attempt; what is given back notes its outcome and the time it took."""
        start_s = time.monotonic()

        def done(outcome: str) -> None:
            taken_s = time.monotonic() - start_s
            self.tried.append(Attempt(method=method, outcome=outcome, taken_s=taken_s))

        return done

    def quick_proof(self, left: Sequence[int]) -> Conflict | None:
        """A proof that needs no search; none while time is kept free beyond what must be."""
        done = self.timed("quick proofs")
        conflict = quick_proof(self.problem, self.routes, left)
        done("found" if conflict is not None else "none found")
        return conflict

    def shortage(self) -> Obstacle | None:
        """What is scarce when frames do not wait."""
        search = self._new_search(windowed=False)
        return None if search is None else shortage(search)

    def _setting(self, *, windowed: bool) -> Setting:
        return natural_setting(self.problem, self.passing, windowed=windowed or self.kept.windowed)

    def _new_search(self, *, windowed: bool) -> Search | None:
        """A search with what stays in place; None when that cannot be combined with waiting."""
        search = Search(
            problem=self.problem,
            setting=self._setting(windowed=windowed),
            preferred=self.routes,
            candidate_count=self.options.candidate_count,
            windowed=windowed,
            reserved=tuple(self.reserved.values()),
        )
        stay: dict[int, tuple[Choice, int]] | None = self.kept.choices
        if windowed and not self.kept.windowed:
            stay = held_instead(self.problem, self.kept, search.setting)
        if stay is None:
            return None
        for index, (choice, phase_ps) in stay.items():
            search.put(index, choice, phase_ps)
            search.fixed.add(index)
        return search

    def _greedily(self, search: Search) -> Found:
        """First fit; a look for quick proofs if streams are left over; then repair."""
        if self.options.method is Method.EXACT:
            return Found(left=_not_placed(search))
        done = self.timed(f"greedy {_word(search)}")
        left, _ = place_all(search, Budget.of(0), self.options.seed)
        if not left:
            done("all placed")
            return Found(placements=search.placements())
        done(f"{len(left)} streams left over")
        if not search.windowed or self.options.waiting is Waiting.WINDOWED:
            conflict = self.quick_proof(left)
            if conflict is not None:
                return Found(conflict=conflict)
        if any(search.choice(index, 0) is None for index in left):
            return Found(left=tuple(left))
        done = self.timed(f"repair {_word(search)}")
        share = 0.3 if self.options.method is Method.AUTO else 0.5
        left, moved = place_all(search, self.budget.part(share), self.options.seed)
        if not left:
            done(f"all placed, {moved} moved")
            return Found(placements=search.placements())
        done(f"{len(left)} streams left over, {moved} moved")
        return Found(left=tuple(left))

    def _exactly(self, search: Search, left: Sequence[int], *, last: bool) -> Found:
        free = [index for index in range(len(self.problem.streams)) if index not in search.fixed]
        small = len(free) <= _ALL_AT_ONCE
        if any(search.choice(index, 0) is None for index in free):
            return Found(left=tuple(left))
        if self.options.method is Method.AUTO and len(free) > _NEIGHBOURS:
            done = self.timed(f"exact {_word(search)}, neighbours")
            left = self._around(search, left, self.budget.part(0.3 if small else 0.5))
            if not left:
                done("all placed")
                return Found(placements=search.placements())
            done(f"{len(left)} streams left over")
        if not small:
            return Found(left=tuple(left))
        done = self.timed(f"exact {_word(search)}")
        question = self._question(search, free)
        answer = solve(question, self.options, self.budget.part(0.8 if last else 0.5))
        done(answer.why or answer.status.value)
        if answer.status is Status.FEASIBLE:
            _put_all(search, free, answer.placed)
            return Found(placements=search.placements())
        proven = answer.status is Status.INFEASIBLE and last and self._is_proof(question, free)
        return Found(left=tuple(left), exhausted=_word(search) if proven else "")

    def _is_proof(self, question: Question, free: Sequence[int]) -> bool:
        """Whether the solver's no is one for any schedule of this manner, and for any routes."""
        setting = question.setting
        if self.reserved or self.passing or not is_exact(self.problem):
            return False
        if self.options.candidate_count < _ROUTES_FOR_SOLVER or any(
            self.problem.streams[index].routes.every(_ROUTES_FOR_SOLVER) is None for index in free
        ):
            return False
        if not setting.held:
            return True
        if setting.grid_ps > 1:
            return False
        answer = solve(replace(question, relaxed=True), self.options, self.budget)
        return answer.status is Status.INFEASIBLE

    def _around(self, search: Search, left: Sequence[int], budget: Budget) -> Sequence[int]:
        """Place what is left over by moving its neighbours; what then is still left over."""
        waiting = list(left)
        while waiting and not budget.spent():
            index = waiting[0]
            free = [index, *_neighbours(search, index)[:_NEIGHBOURS]]
            question = self._question(search, free)
            answer = solve(question, self.options, budget.part(0.5))
            if answer.status is not Status.FEASIBLE:
                break
            _put_all(search, free, answer.placed)
            waiting.pop(0)
        return waiting

    def _question(self, search: Search, free: Sequence[int]) -> Question:
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
            usable = list(search.choices(index))
            choices[index] = usable if every is not None else usable[:_ROUTES_FOR_SOLVER]
        return Question(
            problem=self.problem,
            setting=search.setting,
            choices=choices,
            fixed=fixed,
            windowed=search.windowed,
            hints={index: phase for index, (_, phase) in search.placed.items() if index in moving},
        )


def _word(search: Search) -> str:
    return Waiting.WINDOWED.value if search.windowed else Waiting.NO_WAIT.value


def _not_placed(search: Search) -> tuple[int, ...]:
    count = len(search.problem.streams)
    return tuple(index for index in range(count) if index not in search.placed)


def _put_all(search: Search, free: Sequence[int], placed: Mapping[int, tuple[Choice, int]]) -> None:
    for index in free:
        if index in search.placed:
            search.take_away(index)
    for index, (choice, phase_ps) in placed.items():
        search.put(index, choice, phase_ps)


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

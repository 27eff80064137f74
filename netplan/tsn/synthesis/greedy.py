# SPDX-License-Identifier: Apache-2.0
"""Places one stream after the other at the first phase that is free on its whole route.

Streams of short periods come first, since nothing fits between their instances otherwise,
among them those that need most. Where a stream finds no place on any of its candidate
routes, it takes one from others, which look for another place in turn; streams that keep
failing become harder to displace. Deterministic for a given seed; never proves anything.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np

from netplan.tsn.synthesis.budget import Budget
from netplan.tsn.synthesis.occupancy import Occupancy
from netplan.tsn.synthesis.problem import Problem, Route
from netplan.tsn.synthesis.result import Placement
from netplan.tsn.synthesis.timing import Piece, Setting, Timing, fault_of, placement, timing

_LOOKED_AT = 128
"""Phases that are compared when a stream has to displace others."""
_MOVES, _MOVES_PER_STREAM = 1000, 200
"""After so many displacements, in all and per stream, repair is given up."""
_PHASES_WITH_WAITS = 96
"""Phases from which a stream is tried to be led through with waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to send a stream that keeps its own limits."""

    route: Route
    timing: Timing
    waits_ps: tuple[int, ...] = ()


@dataclass(slots=True)
class Search:
    """The state of a search: what is placed where, and what each stream may choose from.

    Attributes:
        problem: To be scheduled.
        setting: How ports are used.
        preferred: For each stream the route to try first.
        candidate_count: Routes looked at per stream.
        windowed: Whether frames may wait at ports that hold, where they cannot pass at once.
        reserved: Pieces of ports that stay free for other traffic: piece and its period.
    """

    problem: Problem
    setting: Setting
    preferred: list[Route]
    candidate_count: int
    windowed: bool = False
    reserved: tuple[tuple[Piece, int], ...] = ()
    occupancy: Occupancy = field(default_factory=Occupancy)
    placed: dict[int, tuple[Choice, int]] = field(default_factory=dict)
    fixed: set[int] = field(default_factory=set)
    _choices: dict[int, list[Choice]] = field(default_factory=dict)
    _next: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take what is reserved."""
        for number, (piece, period_ps) in enumerate(self.reserved):
            self.occupancy.add(-1 - number, 0, period_ps, (piece,))

    def choice(self, index: int, number: int) -> Choice | None:
        """Choice ``number`` of a stream, worked out when it is first asked for."""
        known = self._choices.setdefault(index, [])
        while len(known) <= number:
            step = self._next.get(index, 0)
            if step > self.candidate_count:
                return None
            self._next[index] = step + 1
            stream = self.problem.streams[index]
            route = self.preferred[index] if step == 0 else stream.routes.candidate(step - 1)
            if route is None:
                self._next[index] = self.candidate_count + 1
                return None
            if any(one.route == route for one in known):
                continue
            result = timing(self.problem.ports, stream, route, self.setting)
            if not fault_of(stream, result):
                known.append(Choice(route=route, timing=result))
        return known[number]

    def choices(self, index: int) -> Iterable[Choice]:
        """All choices of a stream."""
        number = 0
        while (one := self.choice(index, number)) is not None:
            yield one
            number += 1

    def put(self, index: int, choice: Choice, phase_ps: int) -> None:
        """Place a stream."""
        period_ps = self.problem.streams[index].period_ps
        self.occupancy.add(index, phase_ps, period_ps, choice.timing.pieces)
        self.placed[index] = (choice, phase_ps)

    def take_away(self, index: int) -> None:
        """Undo a placement."""
        choice, _ = self.placed.pop(index)
        self.occupancy.remove(index, choice.timing.pieces)

    def fit(self, index: int) -> bool:
        """Place a stream on the first of its choices that has room."""
        stream = self.problem.streams[index]
        for choice in self.choices(index):
            phase_ps = self.occupancy.first_fit(
                choice.timing.pieces,
                stream.period_ps,
                stream.phase_range_ps,
                self.setting.grid_ps,
            )
            if phase_ps is not None:
                self.put(index, choice, phase_ps)
                return True
        return self.windowed and self._fit_with_waits(index)

    def _fit_with_waits(self, index: int) -> bool:
        """Lead a stream through hop by hop, each frame waiting until its port is free."""
        stream = self.problem.streams[index]
        low_ps, high_ps = stream.phase_range_ps
        step_ps = max(1, (high_ps - low_ps) // _PHASES_WITH_WAITS)
        for choice in self.choices(index):
            if any(hop.joined for hop in choice.route.hops):
                continue
            roots = [
                piece
                for piece in choice.timing.pieces
                if choice.route.hops[piece.hop_index].parent_index < 0
            ]
            from_ps = low_ps
            while True:
                phase_ps = self.occupancy.first_fit(
                    roots, stream.period_ps, (from_ps, high_ps), self.setting.grid_ps
                )
                if phase_ps is None:
                    break
                waiting = self._led_through(index, choice.route, phase_ps)
                if waiting is not None:
                    self.put(index, waiting, phase_ps)
                    return True
                from_ps = phase_ps + step_ps
        return False

    def _led_through(self, index: int, route: Route, phase_ps: int) -> Choice | None:
        """The least waits, hop after hop, with which a stream released at a phase meets nobody."""
        stream = self.problem.streams[index]
        period_ps = stream.period_ps
        waits_ps = [0] * len(route.hops)
        result = timing(self.problem.ports, stream, route, self.setting, waits_ps)
        for at, hop in enumerate(route.hops):
            if hop.parent_index < 0:
                continue
            own = [piece for piece in result.pieces if piece.hop_index == at]
            if not self.occupancy.met(own, phase_ps, period_ps):
                continue
            if hop.port_index not in self.setting.held:
                return None
            # A frame that waits needs a little more: its gate must be shut before.
            waits_ps[at] = max(1, self.setting.grid_ps)
            result = timing(self.problem.ports, stream, route, self.setting, waits_ps)
            wires = [
                piece
                for piece in result.pieces
                if piece.hop_index == at and piece.resource_index == hop.port_index
            ]
            free_ps = self.occupancy.first_fit(
                wires, period_ps, (phase_ps, phase_ps + period_ps - 1), self.setting.grid_ps
            )
            if free_ps is None:
                return None
            waits_ps[at] += free_ps - phase_ps
            result = timing(self.problem.ports, stream, route, self.setting, waits_ps)
            own = [piece for piece in result.pieces if piece.hop_index == at]
            if fault_of(stream, result) or self.occupancy.met(own, phase_ps, period_ps):
                return None
        return Choice(route=route, timing=result, waits_ps=tuple(waits_ps))

    def placements(self) -> tuple[Placement, ...]:
        """All placements, in the order of the streams."""
        found = []
        for index, stream in enumerate(self.problem.streams):
            choice, phase_ps = self.placed[index]
            found.append(placement(stream, choice.route, choice.timing, phase_ps, choice.waits_ps))
        return tuple(found)


def order_of(problem: Problem, routes: Mapping[int, Route] | list[Route]) -> list[int]:
    """Streams in the order in which they are placed: hard ones first."""

    def hardness(index: int) -> tuple[int, int, int, int]:
        stream = problem.streams[index]
        low_ps, high_ps = stream.phase_range_ps
        need_ps = sum(
            stream.busy_ps(problem.ports[hop.port_index], hop.added_octets)
            for hop in routes[index].hops
        )
        return stream.period_ps, min(high_ps - low_ps + 1, stream.period_ps), -need_ps, index

    return sorted(range(len(problem.streams)), key=hardness)


def place_all(search: Search, budget: Budget, seed: int) -> tuple[list[int], int]:
    """Place every stream that is not placed yet.

    Returns:
        Streams that found no place in the time, and how many others had to move for some.
    """
    order = order_of(search.problem, search.preferred)
    waiting: list[tuple[int, int]] = []
    for rank, index in enumerate(order):
        if index not in search.placed and not search.fit(index):
            waiting.append((rank, index))
    if not waiting:
        return [], 0
    rank_of = {index: rank for rank, index in enumerate(order)}
    if any(search.choice(index, 0) is None for _, index in waiting):
        return [index for _, index in waiting], 0
    chance = random.Random(seed)  # noqa: S311 - a search that can be repeated, no secret
    stubborn = dict.fromkeys(range(len(order)), 1)
    moved = 0
    most_moved = _MOVES + _MOVES_PER_STREAM * len(order)
    while waiting and moved < most_moved and not budget.spent():
        _, index = heappop(waiting)
        if search.fit(index):
            continue
        stubborn[index] += 1
        best = _cheapest(search, index, stubborn, chance)
        if best is None:
            heappush(waiting, (rank_of[index], index))
            break
        choice, phase_ps, met = best
        for other in met:
            search.take_away(other)
            heappush(waiting, (rank_of[other], other))
        moved += len(met)
        search.put(index, choice, phase_ps)
    return [index for _, index in waiting], moved


def _cheapest(
    search: Search, index: int, stubborn: Mapping[int, int], chance: random.Random
) -> tuple[Choice, int, set[int]] | None:
    """The choice and phase that displace least, among some that are looked at."""
    stream = search.problem.streams[index]
    best: tuple[float, Choice, int, set[int]] | None = None
    for choice in search.choices(index):
        pieces = choice.timing.pieces
        phases = search.occupancy.edges(pieces, stream.period_ps, stream.phase_range_ps)
        if search.setting.grid_ps > 1:
            grid_ps = search.setting.grid_ps
            low_ps, high_ps = stream.phase_range_ps
            rounded = {phase_ps // grid_ps * grid_ps for phase_ps in phases}
            phases = sorted(one for one in rounded if low_ps <= one <= high_ps)
        if len(phases) > _LOOKED_AT:
            phases = chance.sample(phases, _LOOKED_AT)
        if not phases:
            continue
        others, met = search.occupancy.meetings(pieces, phases, stream.period_ps)
        weights = np.asarray(
            [np.inf if other < 0 or other in search.fixed else stubborn[other] for other in others]
        )
        costs = np.where(met, weights[:, None], 0.0).sum(axis=0)
        costs *= 1 + 0.1 * np.asarray([chance.random() for _ in phases])
        place = int(np.argmin(costs))
        if np.isfinite(costs[place]) and (best is None or costs[place] < best[0]):
            moved = {other for other, hit in zip(others, met[:, place], strict=True) if hit}
            best = (float(costs[place]), choice, phases[place], moved)
    return best[1:] if best is not None else None

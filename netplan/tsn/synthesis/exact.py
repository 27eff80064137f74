# SPDX-License-Identifier: Apache-2.0
"""Complete search for phases, routes and waits with the CP-SAT solver of OR-Tools.

The model is exact: if it has no solution, no schedule exists in which every stream repeats
with its period on one of the given routes. Times are divided by their greatest common divisor,
which loses nothing since all constraints are differences. One worker and a fixed seed
give the same result each time, unless the time runs out.

Source: Perron and Furnon, OR-Tools, CP-SAT (no-overlap over optional intervals).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd, lcm
from typing import TYPE_CHECKING, Any, NamedTuple

from netplan.tsn.synthesis.budget import Budget
from netplan.tsn.synthesis.greedy import Choice
from netplan.tsn.synthesis.problem import Options, Problem, Stream
from netplan.tsn.synthesis.result import Status
from netplan.tsn.synthesis.timing import Piece, Setting, fault_of, shortest_shut_ps, timing

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_MOST_INTERVALS = 150_000


def solver_at_hand() -> bool:
    """Whether OR-Tools is installed (the extra ``schedule``)."""
    try:
        import ortools.sat.python.cp_model  # noqa: F401, PLC0415 - slow to import, often not needed
    except ImportError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the solver is asked.

    Attributes:
        problem: The whole.
        setting: How ports are used.
        choices: For each stream to be placed, by index, its possible routes.
        fixed: What others take: piece, phase and period.
        windowed: Whether frames may wait at ports that hold.
        hints: Known good phases of some streams.
        relaxed: Whether the order of frames in queues is left open: a schedule found so may be
            none, but where there is none so, there is none.
    """

    problem: Problem
    setting: Setting
    choices: Mapping[int, Sequence[Choice]]
    fixed: Sequence[tuple[Piece, int, int]] = ()
    windowed: bool = False
    hints: Mapping[int, int] = field(default_factory=dict)
    relaxed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came out; ``placed`` holds choice and phase of each stream when it is feasible."""

    status: Status
    placed: Mapping[int, tuple[Choice, int]] = field(default_factory=dict)
    why: str = ""


def solve(question: Question, options: Options, budget: Budget) -> Answer:
    """Search until a schedule is found, none can exist, or the time is over."""
    if any(not choices for choices in question.choices.values()):
        return Answer(status=Status.INFEASIBLE, why="a stream has no route within its limits")
    model = _Model(question)
    if model.interval_count > _MOST_INTERVALS:
        return Answer(status=Status.UNKNOWN, why=f"{model.interval_count} intervals are too many")
    return model.solve(options, budget)


class _User(NamedTuple):
    """A piece in the solver's terms; without ``present`` it is always there.

    ``reach`` is how far waits may move it.
    """

    start: Any
    length: Any
    period: int
    present: Any
    reach: int


class _Model:
    """The question in the solver's terms."""

    def __init__(self, question: Question) -> None:
        from ortools.sat.python import cp_model  # noqa: PLC0415 - slow to import, often not needed

        self.question = question
        self.unit_ps = self._unit()
        self.model = cp_model.CpModel()
        self.phases: dict[int, Any] = {}
        self.chosen: dict[int, list[Any]] = {}
        self.waits: dict[tuple[int, int], dict[int, Any]] = {}
        self.users: dict[int, list[_User]] = {}
        self.interval_count = 0
        for index, choices in question.choices.items():
            self._add_stream(index, choices)
        for piece, phase_ps, period_ps in question.fixed:
            if piece.resource_index in self.users:
                start = (phase_ps + piece.offset_ps) % period_ps
                self.users[piece.resource_index].append(
                    _User(
                        start=start // self.unit_ps,
                        length=self._units(piece),
                        period=period_ps // self.unit_ps,
                        present=None,
                        reach=0,
                    )
                )
        cycles = {
            resource: lcm(*(user.period for user in users))
            for resource, users in self.users.items()
        }
        for resource, users in self.users.items():
            self.interval_count += sum(cycles[resource] // user.period + 2 for user in users)
        if self.interval_count <= _MOST_INTERVALS:
            for resource, users in self.users.items():
                self._keep_apart(users, cycles[resource])

    def _unit(self) -> int:
        """The greatest common divisor of all times."""
        question = self.question
        unit = 0
        for index, choices in question.choices.items():
            stream = question.problem.streams[index]
            unit = gcd(unit, stream.period_ps, stream.phase_range_ps[0])
            for choice in choices:
                for piece in choice.timing.pieces:
                    unit = gcd(unit, piece.offset_ps, piece.length_ps - self._last_ps(piece))
        for piece, phase_ps, period_ps in question.fixed:
            length_ps = piece.length_ps - self._last_ps(piece)
            unit = gcd(unit, phase_ps + piece.offset_ps, length_ps, period_ps)
        if question.windowed and not question.relaxed:
            # A gate that keeps a frame back is shut for one unit before: make that a small one.
            unit = next((unit // part for part in (8, 5, 4, 2) if unit % part == 0), unit)
        grid_ps = question.setting.grid_ps
        # Whatever is on the grid must be countable in units, and the other way round.
        return gcd(unit, grid_ps) if grid_ps > 1 else max(unit, 1)

    def _last_ps(self, piece: Piece) -> int:
        """A piece of a queue contains its last picosecond, as if it were one longer."""
        return 0 if piece.resource_index < len(self.question.problem.ports) else 1

    def _units(self, piece: Piece) -> int:
        """Length of a piece in units, rounded up."""
        return (piece.length_ps - self._last_ps(piece)) // self.unit_ps + self._last_ps(piece)

    def _add_stream(self, index: int, choices: Sequence[Choice]) -> None:
        stream = self.question.problem.streams[index]
        step = max(1, self.question.setting.grid_ps // self.unit_ps)
        low_ps, high_ps = stream.phase_range_ps
        low = -(-low_ps // (self.unit_ps * step))
        high = high_ps // (self.unit_ps * step)
        if low > high:
            self.model.add_bool_or([])
            high = low
        counted = self.model.new_int_var(low, high, f"phase{index}")
        self.phases[index] = counted
        if index in self.question.hints:
            self.model.add_hint(counted, self.question.hints[index] // (self.unit_ps * step))
        phase = counted * step
        self.chosen[index] = [
            self.model.new_bool_var(f"route{index}.{number}") for number in range(len(choices))
        ]
        self.model.add_exactly_one(self.chosen[index])
        for number, choice in enumerate(choices):
            self._add_choice(stream, index, number, choice, phase, step)

    def _add_choice(
        self, stream: Stream, index: int, number: int, choice: Choice, phase: Any, step: int
    ) -> None:
        ports = self.question.problem.ports
        present = self.chosen[index][number]
        hops = choice.route.hops
        period = stream.period_ps // self.unit_ps
        delays: list[Any] = [0] * len(hops)
        longest = [0] * len(hops)
        waits: dict[int, Any] = {}
        if self.question.windowed and not any(hop.joined for hop in hops):
            most = _longest_wait_ps(stream, choice) // (self.unit_ps * step)
            for at, hop in enumerate(hops):
                parent = hop.parent_index
                if parent >= 0:
                    delays[at], longest[at] = delays[parent], longest[parent]
                if hop.port_index in self.question.setting.held and parent >= 0:
                    waits[at] = self.model.new_int_var(0, most, f"wait{index}.{number}.{at}")
                    delays[at] = delays[at] + waits[at] * step
                    longest[at] += most * step
            for listener, last in enumerate(choice.route.listener_hops):
                limit_ps = stream.deadlines_ps[listener]
                if limit_ps is not None:
                    spare = (limit_ps - choice.timing.latencies_ps[listener]) // self.unit_ps
                    self.model.add(delays[last] <= spare).only_enforce_if(present)
        self.waits[index, number] = waits
        for piece in choice.timing.pieces:
            if self.question.relaxed and piece.resource_index >= len(ports):
                continue
            at = piece.hop_index
            parent = hops[at].parent_index
            length: Any = self._units(piece)
            offset = piece.offset_ps // self.unit_ps % period
            if piece.resource_index < len(ports):
                start = phase + offset + delays[at]
                reach = longest[at]
                gates = ports[piece.resource_index].gates
                if at in waits and gates is not None and not self.question.relaxed:
                    shut = -(-shortest_shut_ps(gates) // self.unit_ps)
                    start = start - shut
                    length += shut
            else:
                start = phase + offset + (delays[parent] if parent >= 0 else 0)
                reach = longest[parent] if parent >= 0 else 0
                if at in waits:
                    length = length + waits[at] * step
            self.users.setdefault(piece.resource_index, []).append(
                _User(
                    start=start,
                    length=length,
                    period=period,
                    present=present,
                    reach=reach,
                )
            )

    def _keep_apart(self, users: Sequence[_User], cycle: int) -> None:
        """No two pieces on one resource overlap; every instance that touches one cycle is listed."""
        model = self.model
        intervals = []
        for user in users:
            period = user.period
            start = user.start
            first = -(2 + -(-user.reach // period)) * period
            if user.reach > 3 * period:
                # Waits may move a piece by many periods: bring it back onto the circle.
                turns = model.new_int_var(0, 2 + user.reach // period, "")
                start = model.new_int_var(0, period - 1, "")
                model.add(start + turns * period == user.start)
                first = -period
            elif user.reach:
                start = model.new_int_var(0, 2 * period + user.reach, "")
                model.add(start == user.start)
            for shift in range(first, cycle, period):
                if user.present is None:
                    intervals.append(
                        model.new_fixed_size_interval_var(start + shift, user.length, "")
                    )
                elif isinstance(user.length, int):
                    intervals.append(
                        model.new_optional_fixed_size_interval_var(
                            start + shift, user.length, user.present, ""
                        )
                    )
                else:
                    # A wait that exceeds the period would meet the next instance in the queue.
                    end = model.new_int_var(first, cycle + 6 * period, "")
                    intervals.append(
                        model.new_optional_interval_var(
                            start + shift, user.length, end, user.present, ""
                        )
                    )
        model.add_no_overlap(intervals)

    def solve(self, options: Options, budget: Budget) -> Answer:
        """Run the solver and read its result."""
        from ortools.sat.python import cp_model  # noqa: PLC0415 - slow to import, often not needed

        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(0.01, budget.left_s())
        solver.parameters.num_workers = options.worker_count
        solver.parameters.random_seed = options.seed
        status = solver.solve(self.model)
        if status == cp_model.INFEASIBLE:
            return Answer(status=Status.INFEASIBLE)
        if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            return Answer(status=Status.UNKNOWN, why="the time was over")
        return Answer(status=Status.FEASIBLE, placed=self._placed(solver))

    def _placed(self, solver: cp_model.CpSolver) -> dict[int, tuple[Choice, int]]:
        problem, setting = self.question.problem, self.question.setting
        step_ps = max(1, setting.grid_ps // self.unit_ps) * self.unit_ps
        placed = {}
        for index, choices in self.question.choices.items():
            number = next(
                place for place, one in enumerate(self.chosen[index]) if solver.value(one)
            )
            choice = choices[number]
            waits = self.waits[index, number]
            if waits:
                waits_ps = [0] * len(choice.route.hops)
                for at, wait in waits.items():
                    waits_ps[at] = solver.value(wait) * step_ps
                stream = problem.streams[index]
                result = timing(problem.ports, stream, choice.route, setting, waits_ps)
                fault = fault_of(stream, result)
                if fault:
                    message = f"stream {stream.name} was placed against its limits: {fault}"
                    raise ValueError(message)
                choice = Choice(route=choice.route, timing=result, waits_ps=tuple(waits_ps))
            placed[index] = (choice, solver.value(self.phases[index]) * step_ps)
        return placed


def _longest_wait_ps(stream: Stream, choice: Choice) -> int:
    """How long the frames of a stream may wait at one hop.

    A whole period or more gives no position on the circle that less does not give.
    """
    spare = [
        limit_ps - latency_ps
        for limit_ps, latency_ps in zip(
            stream.deadlines_ps, choice.timing.latencies_ps, strict=True
        )
        if limit_ps is not None
    ]
    return max(0, min([stream.period_ps - 1, *spare]))

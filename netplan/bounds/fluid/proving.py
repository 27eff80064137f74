# SPDX-License-Identifier: Apache-2.0
"""Largest values of unknowns of programs, each proven; equal programs are solved once.

Stations that look alike (a ring of equal bridges) give equal programs under other numbers.
"""

from __future__ import annotations

import numpy as np

from netplan.bounds.fluid.certificate import Ceiling, Prover, proven
from netplan.bounds.fluid.program import Program
from netplan.bounds.fluid.solver import Solver


class Maximiser:
    """Proven maxima of one program."""

    def __init__(self, program: Program) -> None:
        """Solve for the sum of all unknowns: the start of all searches, spare of all proofs."""
        self._program = program
        self._solver = Solver(program)
        self._solved: dict[tuple[int, tuple[float, ...]], Ceiling | None] = {}
        self._prover: Prover | None = None
        self._started = False

    def ceiling(self, column_index: int, bursts: tuple[float, ...] = ()) -> Ceiling | None:
        """What an unknown is at most, None when nothing could be proven.

        Args:
            column_index: The unknown.
            bursts: Where the sought bursts are expected; the ceiling holds wherever they are,
                and is lowest here.
        """
        key = (column_index, bursts)
        if key not in self._solved:
            self._solved[key] = self._solve(column_index, bursts)
        return self._solved[key]

    def _solve(self, column_index: int, bursts: tuple[float, ...]) -> Ceiling | None:
        if bursts:
            self._solver.assume(bursts)
        if not self._started:
            self._started = True
            spare = self._solver.maximise(range(self._program.column_count))
            self._prover = None if spare is None else Prover(self._program, spare)
        multipliers = self._solver.maximise([column_index]) if self._prover else None
        if self._prover is None or multipliers is None:
            return None
        certificate = self._prover.certificate(column_index, multipliers)
        return None if certificate is None else proven(self._program, certificate)


class Maximisers:
    """One maximiser for equal programs."""

    def __init__(self) -> None:
        """Start with none."""
        self._known: dict[tuple[object, ...], Maximiser] = {}

    def of(self, program: Program) -> Maximiser:
        """The maximiser of a program."""
        key = (
            program.starts.tobytes(),
            program.columns.tobytes(),
            program.entries.tobytes(),
            tuple(program.right),
            tuple(sorted(program.sought.items())),
        )
        if key not in self._known:
            self._known[key] = Maximiser(program)
        return self._known[key]


def rounded(values: np.typing.ArrayLike) -> tuple[float, ...]:
    """Values as a key: equal where only the last digits differ."""
    return tuple(float(f"{value:.11g}") for value in np.asarray(values, dtype=float))

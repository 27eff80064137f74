# SPDX-License-Identifier: Apache-2.0
"""Exact proofs of what a linear program cannot exceed, made from multipliers in floats.

Every row of a program holds for all real trajectories and every unknown is at least 0. So if
multipliers that are not negative weigh the rows to at least 1 for one unknown and at least
0 for all others, the unknown is at most the weighed right sides. Integers check that; what floats
leave short is made good with a little of a spare combination that is positive everywhere.

Source: linear programming duality; Applegate, Cook, Dash, Espinoza, Exact solutions to linear
programming problems (Operations Research Letters, 2007), for the repair of a float solution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from netplan.bounds.fluid.program import GRID, Program
from netplan.bounds.fluid.solver import Floats

_UNIT: Final = 1 << 44
"""Multipliers in floats are taken as multiples of 1 / _UNIT."""
_FINER: Final = 1 << 40
"""The spare combination is added in parts of it."""
PARTS: Final = _UNIT * _FINER
"""Multipliers of certificates are multiples of 1 / PARTS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Proof that one unknown of a program is at most something.

    Attributes:
        column_index: The unknown.
        multipliers: By row, in 1 / PARTS, none negative; the others are 0.
    """

    column_index: int
    multipliers: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """What a certificate proves: the unknown is at most ``fixed`` plus weighed sought bursts."""

    fixed: Fraction
    weights: Mapping[int, Fraction]


class Prover:
    """Makes certificates for one program."""

    def __init__(self, program: Program, spare: Floats) -> None:
        """Prepare.

        Args:
            program: The program.
            spare: Multipliers of the rows at the optimum of the sum of all unknowns.
        """
        self._program = program
        self._spare = _integers(spare)
        self._least = min(_sums(program, self._spare))

    def certificate(self, column_index: int, multipliers: Floats) -> Certificate | None:
        """A certificate from multipliers at an optimum, None when they cannot be repaired."""
        exact = _integers(multipliers)
        sums = _sums(self._program, exact)
        sums[column_index] -= _UNIT * GRID
        short = -min(sums)
        result = {row: _FINER * multiplier for row, multiplier in exact.items()}
        if short > 0:
            if self._least <= 0:
                return None
            parts = -(-short * _FINER // self._least)
            for row, multiplier in self._spare.items():
                result[row] = result.get(row, 0) + parts * multiplier
        return Certificate(column_index=column_index, multipliers=result)


def proven(program: Program, certificate: Certificate) -> Ceiling | None:
    """Check a certificate with integers alone; None when it proves nothing."""
    if any(multiplier < 0 for multiplier in certificate.multipliers.values()):
        return None
    sums = _sums(program, certificate.multipliers)
    sums[certificate.column_index] -= PARTS * GRID
    if min(sums) < 0:
        return None
    fixed = 0
    weights: dict[int, int] = {}
    for row, multiplier in certificate.multipliers.items():
        fixed += multiplier * program.right[row]
        for sought in program.sought.get(row, ()):
            weights[sought] = weights.get(sought, 0) + multiplier
    return Ceiling(
        fixed=Fraction(fixed, PARTS * GRID),
        weights={sought: Fraction(weight, PARTS) for sought, weight in weights.items()},
    )


def _integers(multipliers: Floats) -> dict[int, int]:
    rows = np.flatnonzero(multipliers * _UNIT >= 0.5)
    return {
        row: round(multiplier * _UNIT)
        for row, multiplier in zip(rows.tolist(), multipliers[rows].tolist(), strict=True)
    }


def _sums(program: Program, multipliers: Mapping[int, int]) -> list[int]:
    """Weighed coefficients of every unknown."""
    starts, columns, entries = program.starts, program.columns, program.entries
    sums = [0] * program.column_count
    for row, multiplier in multipliers.items():
        part = slice(starts[row], starts[row + 1])
        for column, entry in zip(columns[part].tolist(), entries[part].tolist(), strict=True):
            sums[column] += multiplier * entry
    return sums

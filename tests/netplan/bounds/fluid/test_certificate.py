# SPDX-License-Identifier: Apache-2.0
"""A certificate is checked with integers alone, and nothing false passes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from netplan.bounds.fluid.certificate import PARTS, Certificate, Prover, proven
from netplan.bounds.fluid.program import GRID, Program, Units
from netplan.bounds.fluid.solver import Solver


def program(rows: list[list[int]], right: list[int], sought: dict[int, tuple[int, ...]]) -> Program:
    """Rows and right sides in hundredths."""
    dense = np.array(rows, dtype=np.int64) * (GRID // 128)
    columns = [np.flatnonzero(row) for row in dense]
    lengths = [len(found) for found in columns]
    return Program(
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        columns=np.concatenate(columns).astype(np.int64),
        entries=dense[dense != 0],
        right=[value * (GRID // 128) for value in right],
        column_count=dense.shape[1],
        sought=sought,
        units=Units(time_ps=Fraction(1), data_bits=Fraction(1)),
        age_columns=[0],
        burst_columns={},
    )


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Random programs that hold every unknown below something."""
    size = draw(st.integers(1, 6))
    entries = st.integers(-300, 300)
    rows = draw(st.lists(st.lists(entries, min_size=size, max_size=size), min_size=1, max_size=10))
    rows = [row for row in rows if any(row)]
    right = [draw(st.integers(0, 1000)) for _ in rows]
    rows.append([draw(st.integers(1, 300)) for _ in range(size)])
    right.append(draw(st.integers(1, 1000)))
    return program(rows, right, {})


def dense(one: Program) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    matrix = np.zeros((len(one.right), one.column_count))
    for row in range(len(one.right)):
        part = slice(one.starts[row], one.starts[row + 1])
        matrix[row, one.columns[part]] = one.entries[part] / GRID
    return matrix


def optimum(one: Program, column: int) -> float:
    """By SciPy's public function, from the start."""
    costs = np.zeros(one.column_count)
    costs[column] = -1.0
    answer = linprog(costs, A_ub=dense(one), b_ub=np.array(one.right) / GRID, method="highs")
    assert answer.fun is not None
    return -float(answer.fun)


def certified(one: Program, column: int) -> Certificate:
    solver = Solver(one)
    spare = solver.maximise(range(one.column_count))
    multipliers = solver.maximise([column])
    assert spare is not None
    assert multipliers is not None
    certificate = Prover(one, spare).certificate(column, multipliers)
    assert certificate is not None
    return certificate


@settings(max_examples=150, deadline=None)
@given(one=programs(), choice=st.integers(0, 5))
def test_proves_the_optimum_and_not_less(one: Program, choice: int) -> None:
    column = choice % one.column_count
    ceiling = proven(one, certified(one, column))
    assert ceiling is not None
    largest = optimum(one, column)
    assert float(ceiling.fixed) >= largest - 1e-9
    assert float(ceiling.fixed) <= largest * (1 + 1e-7) + 1e-7


@settings(max_examples=100, deadline=None)
@given(one=programs(), data=st.data())
def test_bad_multipliers_are_repaired_or_refused(one: Program, data: st.DataObject) -> None:
    """Whatever floats come out of a solver, what is proven holds for every permitted point."""
    solver = Solver(one)
    spare = solver.maximise(range(one.column_count))
    assert spare is not None
    anything = st.floats(-2, 5, allow_nan=False)
    guess = np.array([data.draw(anything) for _ in one.right])
    certificate = Prover(one, spare).certificate(0, guess)
    if certificate is None:
        return
    ceiling = proven(one, certificate)
    assert ceiling is not None
    assert float(ceiling.fixed) >= optimum(one, 0) - 1e-9


def test_tampering_is_seen() -> None:
    # x <= 3 and x + y <= 4: the certificate for x takes the first row once.
    one = program([[128, 0], [128, 128]], [3 * 128, 4 * 128], {})
    honest = Certificate(column_index=0, multipliers={0: PARTS})
    ceiling = proven(one, honest)
    assert ceiling is not None
    assert ceiling.fixed == 3
    too_little = replace(honest, multipliers={0: PARTS - 1})
    negative = replace(honest, multipliers={0: 2 * PARTS, 1: -PARTS})
    other = replace(honest, column_index=1)
    assert [proven(one, false) for false in (too_little, negative, other)] == [None] * 3


def test_sought_bursts_are_weighed() -> None:
    # x <= 3 + b0 + b2, twice x needed as 2 x <= ...: the multiplier 1/2 halves all of it.
    one = program([[256]], [6 * 128], {0: (0, 2)})
    ceiling = proven(one, Certificate(column_index=0, multipliers={0: PARTS // 2}))
    assert ceiling is not None
    assert ceiling.fixed == 3
    assert ceiling.weights == {0: Fraction(1, 2), 2: Fraction(1, 2)}


def test_an_unbounded_program_gives_nothing() -> None:
    one = program([[128, -128]], [128], {})
    assert Solver(one).maximise([0, 1]) is None


@pytest.mark.parametrize("scale", [1, 10**6])
def test_small_and_large_numbers(scale: int) -> None:
    one = program([[3, 1], [1, 2]], [scale, scale], {})
    # Corners of 3x + y <= s, x + 2y <= s (in hundredths): x is largest at s / 3.
    ceiling = proven(one, certified(one, 0))
    assert ceiling is not None
    assert float(ceiling.fixed) == pytest.approx(scale / 3, rel=1e-8)

# SPDX-License-Identifier: Apache-2.0
"""Linear programs solved by HiGHS inside this process, one after the other from the last basis.

What comes out is in floats and proves nothing; :mod:`netplan.bounds.fluid.certificate` makes a
proof of it. SciPy's public functions start every time from nothing and cannot keep a
basis while the objective changes, so this module alone uses the binding below them. The
package ``highspy`` would have public names for it, but cannot be loaded beside OR-Tools: both bring
a library of the same name in another version.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize._highspy import _core  # type: ignore[import-not-found]  # no stubs for it

from netplan.bounds.fluid.program import GRID, Program

_TOLERANCE: Final = 1e-9

Floats = npt.NDArray[np.float64]


class Solver:
    """One program, to be maximised in one unknown after the other."""

    def __init__(self, program: Program) -> None:
        """Hand the program to HiGHS."""
        highs: Any = _core._Highs()  # noqa: SLF001 - the binding has no public name
        highs.setOptionValue("output_flag", False)  # noqa: FBT003 - the binding's signature
        highs.setOptionValue("threads", 1)
        highs.setOptionValue("solver", "simplex")
        highs.setOptionValue("dual_feasibility_tolerance", _TOLERANCE)
        highs.setOptionValue("primal_feasibility_tolerance", _TOLERANCE)
        self._right = np.array(program.right, dtype=np.float64) / GRID
        rows = len(self._right)
        model: Any = _core.HighsLp()
        model.num_col_, model.num_row_ = program.column_count, rows
        model.col_cost_ = np.zeros(program.column_count)
        model.col_lower_ = np.zeros(program.column_count)
        model.col_upper_ = np.full(program.column_count, np.inf)
        model.row_lower_ = np.full(rows, -np.inf)
        model.row_upper_ = self._right
        model.a_matrix_.format_ = _core.MatrixFormat.kRowwise
        model.a_matrix_.num_col_, model.a_matrix_.num_row_ = program.column_count, rows
        model.a_matrix_.start_ = program.starts
        model.a_matrix_.index_ = program.columns
        model.a_matrix_.value_ = program.entries / GRID
        highs.passModel(model)
        self._highs = highs
        self._sought = program.sought
        self._assumed: tuple[float, ...] = ()
        self._bases: dict[tuple[int, ...], Any] = {}

    def assume(self, bursts: Sequence[float]) -> None:
        """Set the sought bursts, in units of the program."""
        if tuple(bursts) == self._assumed:
            return
        self._assumed = tuple(bursts)
        for row, sought in self._sought.items():
            right = self._right[row] + sum(bursts[index] for index in sought)
            self._highs.changeRowBounds(row, -np.inf, float(right))

    def maximise(self, columns: Sequence[int]) -> Floats | None:
        """Multipliers of the rows at a maximum of the sum of unknowns, None if there is none."""
        key = tuple(columns)
        basis = self._bases.get(key)
        # An optimum under other right sides stays optimal in costs, one for another sum
        # stays permitted: the one calls for the dual simplex method, the other for the primal.
        if basis is not None:
            self._highs.setBasis(basis)
        dual = basis is not None or not self._bases
        self._highs.setOptionValue("simplex_strategy", 1 if dual else 4)
        for column in columns:
            self._highs.changeColCost(column, -1.0)
        self._highs.run()
        multipliers = None
        if self._highs.getModelStatus() == _core.HighsModelStatus.kOptimal:
            multipliers = -np.array(self._highs.getSolution().row_dual)
            self._bases[key] = self._highs.getBasis()
        for column in columns:
            self._highs.changeColCost(column, 0.0)
        return multipliers

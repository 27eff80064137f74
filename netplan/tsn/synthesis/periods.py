# SPDX-License-Identifier: Apache-2.0
"""Periods that do not go together: how far a schedule would have to reach, and better ones.

A schedule repeats after the least common multiple of all periods. Periods such as 1 ms and
1.001 ms make that a second and leave each frame a thousand positions against every other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

_HALVINGS = 12
"""How far below a period the base of a harmonic set is looked for."""


def nearest_harmonic(periods_ps: Sequence[int]) -> Mapping[int, int]:
    """For each period the largest one that is not longer and a base times a power of two.

    The base is chosen so that the streams (one per given period) are sent least more often
    than asked for. Of equally good bases the largest counts.
    """
    distinct = sorted(set(periods_ps))
    least_ps = distinct[0]
    best: tuple[Fraction, int] | None = None
    for period_ps in distinct:
        base_ps = Fraction(period_ps)
        for _ in range(_HALVINGS):
            if base_ps <= least_ps:
                break
            base_ps /= 2
        if base_ps > least_ps or base_ps.denominator != 1:
            continue
        base = int(base_ps)
        extra = sum((Fraction(one, _below(one, base)) for one in periods_ps), start=Fraction(0))
        if best is None or (extra, -base) < (best[0], -best[1]):
            best = (extra, base)
    base_ps_found = best[1] if best is not None else least_ps
    return {period_ps: _below(period_ps, base_ps_found) for period_ps in distinct}


def _below(period_ps: int, base_ps: int) -> int:
    """The largest base times a power of two that is not longer than a period."""
    return base_ps << ((period_ps // base_ps).bit_length() - 1)

# SPDX-License-Identifier: Apache-2.0
"""The dates that a linear program looks at, as words of two letters read from the last station.

At the last departure there is one date, the empty word. A date w of departures from a station gives
two dates of arrivals there: the one until which all that had left by w came (first in, first out:
``wF``), and the one from which the service curve promises what left by w (``wS``). All
words grow like 2**n with the length n of a path and are exact; the words S..SF..F alone grow
like n**2.

Source: Bouillard, Stea, Exact worst-case delay in FIFO-multiplexing feed-forward networks (IEEE/ACM
Transactions on Networking, 2015); Bouillard, Trade-off between accuracy and tractability of network
calculus in FIFO networks (Performance Evaluation, 2022), section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """The dates of arrivals at a station.

    The date ``wF`` has the number of the date w of departures: the same bits keep one number
    from station to station. Number 0 is ``F..F``, when the bit under study comes.

    Attributes:
        count: How many.
        service: For every date of departures, the date ``wS``, -1 when it is not looked at.
        later: With ``earlier``, all pairs of dates whose order is known.
        earlier: See ``later``.
        next_later: With ``next_earlier``, those of the pairs that imply all others.
        next_earlier: See ``next_later``.
    """

    count: int
    service: Indices
    later: Indices
    earlier: Indices
    next_later: Indices
    next_earlier: Indices


@lru_cache(maxsize=256)
def dates_at(depth: int, turns: int) -> Dates:
    """The dates at a station.

    Args:
        depth: Stations until the last one, both counted; at least 1.
        turns: How often a word may go from F back to S.
    """
    _, dates, _ = _level(depth, turns)
    assert dates is not None
    return dates


@lru_cache(maxsize=256)
def _level(
    depth: int, turns: int
) -> tuple[list[tuple[bool, int]], Dates | None, npt.NDArray[np.bool_]]:
    """Words of one length (whether the last letter is F; turns so far), dates, what is not after what.

    The service curve being convex, its dates keep the order of departures, so ``wF <= vF``,
    ``wS <= vS`` and ``wS <= vF`` follow from ``w <= v``.
    """
    if depth == 0:
        return [(False, 0)], None, np.ones((1, 1), dtype=bool)
    words, _, ordered = _level(depth - 1, turns)
    service = np.full(len(words), -1)
    after: list[tuple[bool, int]] = [(True, made) for _, made in words]
    for index, (is_fifo, made) in enumerate(words):
        if made + is_fifo <= turns:
            service[index] = len(after)
            after.append((False, made + is_fifo))
    served = np.flatnonzero(service >= 0)
    count = len(after)
    not_after = np.zeros((count, count), dtype=bool)
    size = len(words)
    not_after[:size, :size] = ordered
    not_after[size:, size:] = ordered[np.ix_(served, served)]
    not_after[size:, :size] = ordered[served, :]
    strict = not_after & ~np.eye(count, dtype=bool)
    implied = (strict.astype(np.int64) @ strict.astype(np.int64)) > 0
    earlier, later = np.nonzero(strict)
    next_earlier, next_later = np.nonzero(strict & ~implied)
    dates = Dates(
        count=count,
        service=service,
        later=later,
        earlier=earlier,
        next_later=next_later,
        next_earlier=next_earlier,
    )
    return after, dates, not_after

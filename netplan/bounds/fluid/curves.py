# SPDX-License-Identifier: Apache-2.0
"""Concave arrival curves and convex service curves as lists of lines, in floats or in fractions.

An arrival curve is the minimum of lines ``(bits at 0, rate)`` for windows above 0, kept by
falling rate; a service curve is the maximum of lines ``(rate, deficit)`` and 0. The same
functions serve a search in floats and its proof in fractions.

Source: Le Boudec, Thiran, Network Calculus (2001), 1.2 and 3.1.11 (horizontal deviation).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias, TypeVar

Number = TypeVar("Number", float, Fraction)
Line: TypeAlias = tuple[Number, Number]


def needed(lines: Sequence[Line[Number]]) -> list[Line[Number]]:
    """The lines that are the minimum of all somewhere above 0, by falling rate."""
    kept: list[Line[Number]] = []
    for bits, rate in sorted(lines, key=lambda line: (-line[1], line[0])):
        if kept and rate == kept[-1][1]:
            continue
        while kept and bits <= kept[-1][0]:
            kept.pop()
        while len(kept) >= 2 and _meet(kept[-1], (bits, rate)) <= _meet(kept[-2], kept[-1]):
            kept.pop()
        kept.append((bits, rate))
    return kept


def added(curves: Sequence[Sequence[Line[Number]]]) -> list[Line[Number]]:
    """The sum of arrival curves, of which there is at least one."""
    bits, rate = curves[0][0]
    for curve in curves[1:]:
        bits += curve[0][0]
        rate += curve[0][1]
    turns = sorted(
        (_meet(steep, flat), steep, flat) for curve in curves for steep, flat in pairwise(curve)
    )
    total = [(bits, rate)]
    for _, steep, flat in turns:
        bits += flat[0] - steep[0]
        rate += flat[1] - steep[1]
        total.append((bits, rate))
    return total


def longest_delay(
    arrivals: Sequence[Line[Number]], pieces: Sequence[Line[Number]]
) -> Number | None:
    """Largest horizontal distance from an arrival curve to a service curve, None if unbounded.

    Args:
        arrivals: By falling rate.
        pieces: Lines ``(rate, deficit)`` of the service curve, in any order.
    """
    if max(rate for rate, _ in pieces) < arrivals[-1][1]:
        return None
    windows = [arrivals[0][0] * 0]
    windows += [_meet(steep, flat) for steep, flat in pairwise(arrivals)]
    # Between two of the windows where arrivals or the best piece turn, the distance is linear.
    for index, (rate, deficit) in enumerate(pieces):
        for other_rate, other_deficit in pieces[:index]:
            if rate == other_rate:
                continue
            turn_bits = (rate * other_deficit - other_rate * deficit) / (other_rate - rate)
            window = max(
                (turn_bits - bits) / slope if slope > 0 else windows[0] for bits, slope in arrivals
            )
            windows.append(window)
    longest = windows[0]
    for window in windows:
        if window < 0:
            continue
        work = min(bits + rate * window for bits, rate in arrivals)
        longest = max(longest, min((work + deficit) / rate for rate, deficit in pieces) - window)
    return longest


def _meet(steep: Line[Number], flat: Line[Number]) -> Number:
    """Window from which on the flatter line is the smaller."""
    return (flat[0] - steep[0]) / (steep[1] - flat[1])

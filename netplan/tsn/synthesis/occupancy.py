# SPDX-License-Identifier: Apache-2.0
"""Which times of each resource are taken, seen from a stream of any period.

Two pieces of time that repeat with periods a and b meet exactly when they overlap modulo
gcd(a, b). So a stream of period T sees everything that is placed folded onto a circle of
length T: one sorted list of disjoint intervals per resource and period, whatever the
hyperperiod. Source: Korst et al., Periodic multiprocessor scheduling (1991), theorem 1.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from math import gcd

import numpy as np
from numpy.typing import NDArray

from netplan.tsn.synthesis.timing import Piece

Taken = tuple[int, int, int]
"""Start, length and period in picoseconds."""


class Circle:
    """Disjoint intervals on a circle; what touches is joined."""

    __slots__ = ("ends", "length_ps", "starts")

    def __init__(self, length_ps: int) -> None:
        self.length_ps = length_ps
        self.starts: list[int] = []
        self.ends: list[int] = []

    def take(self, start_ps: int, length_ps: int, period_ps: int) -> None:
        """Mark a piece that repeats with a period."""
        step_ps = gcd(self.length_ps, period_ps)
        if length_ps >= step_ps:
            self.starts, self.ends = [0], [self.length_ps]
            return
        first_ps = start_ps % step_ps
        for at in range(first_ps, self.length_ps, step_ps):
            end = at + length_ps
            if end <= self.length_ps:
                self._join(at, end)
            else:
                self._join(at, self.length_ps)
                self._join(0, end - self.length_ps)

    def _join(self, low: int, high: int) -> None:
        starts, ends = self.starts, self.ends
        first = bisect_left(ends, low)
        behind = bisect_right(starts, high)
        if first < behind:
            low = min(low, starts[first])
            high = max(high, ends[behind - 1])
        starts[first:behind] = [low]
        ends[first:behind] = [high]


class Occupancy:
    """What is taken of all resources, and the search for a phase that is free on a whole route."""

    __slots__ = ("_circles", "_taken")

    def __init__(self) -> None:
        self._taken: dict[int, dict[int, list[Taken]]] = {}
        self._circles: dict[int, dict[int, Circle]] = {}

    def add(self, index: int, phase_ps: int, period_ps: int, pieces: Iterable[Piece]) -> None:
        """Place a stream."""
        for resource, offset_ps, length_ps, _ in pieces:
            start_ps = phase_ps + offset_ps
            one = (start_ps, length_ps, period_ps)
            self._taken.setdefault(resource, {}).setdefault(index, []).append(one)
            for circle in self._circles.get(resource, {}).values():
                circle.take(start_ps, length_ps, period_ps)

    def remove(self, index: int, pieces: Iterable[Piece]) -> None:
        """Take a stream away."""
        for resource in {piece.resource_index for piece in pieces}:
            del self._taken[resource][index]
            self._circles.pop(resource, None)

    def _circle(self, resource: int, length_ps: int) -> Circle:
        circles = self._circles.setdefault(resource, {})
        circle = circles.get(length_ps)
        if circle is None:
            circle = circles[length_ps] = Circle(length_ps)
            for found in self._taken.get(resource, {}).values():
                for start_ps, taken_ps, period_ps in found:
                    circle.take(start_ps, taken_ps, period_ps)
        return circle

    def first_fit(
        self,
        pieces: Sequence[Piece],
        period_ps: int,
        range_ps: tuple[int, int],
        grid_ps: int = 1,
    ) -> int | None:
        """The least phase within a range at which all pieces are free; None when there is none."""
        phase_ps, latest_ps = range_ps
        if grid_ps > 1:
            phase_ps = -(-phase_ps // grid_ps) * grid_ps
        looked = []
        for resource, offset_ps, length_ps, _ in pieces:
            circle = self._circle(resource, period_ps)
            if circle.starts:
                looked.append((circle.starts, circle.ends, offset_ps, length_ps))
        count = len(looked)
        place = free = 0
        while free < count:
            if phase_ps > latest_ps:
                return None
            starts, ends, offset_ps, length_ps = looked[place]
            at = (phase_ps + offset_ps) % period_ps
            after = bisect_right(ends, at)
            end = at + length_ps
            if after < len(starts) and starts[after] < end:
                phase_ps += ends[after] - at
            elif end > period_ps and starts[0] < end - period_ps:
                phase_ps += ends[0] + period_ps - at
            else:
                free += 1
                place = place + 1 if place + 1 < count else 0
                continue
            free = 0
            if grid_ps > 1:
                phase_ps = -(-phase_ps // grid_ps) * grid_ps
        return phase_ps if phase_ps <= latest_ps else None

    def met(self, pieces: Iterable[Piece], phase_ps: int, period_ps: int) -> set[int]:
        """Streams that a stream at this phase would meet."""
        found: set[int] = set()
        for resource, offset_ps, length_ps, _ in pieces:
            start_ps = phase_ps + offset_ps
            for index, taken in self._taken.get(resource, {}).items():
                if index in found:
                    continue
                for other_ps, other_length_ps, other_period_ps in taken:
                    step_ps = gcd(period_ps, other_period_ps)
                    apart_ps = (other_ps - start_ps) % step_ps
                    if apart_ps < length_ps or apart_ps > step_ps - other_length_ps:
                        found.add(index)
                        break
        return found

    def meetings(
        self, pieces: Iterable[Piece], phases_ps: Sequence[int], period_ps: int
    ) -> tuple[list[int], NDArray[np.bool_]]:
        """Streams that are met at any of many phases, and a row of yes and no for each."""
        phases = np.asarray(phases_ps, dtype=np.int64)
        rows: dict[int, int] = {}
        steps: dict[int, int] = {}
        found: list[tuple[list[int], NDArray[np.bool_]]] = []
        for resource, offset_ps, length_ps, _ in pieces:
            there = []
            table = []
            for index, taken in self._taken.get(resource, {}).items():
                row = rows.setdefault(index, len(rows))
                for other_ps, other_length_ps, other_period_ps in taken:
                    step_ps = steps.get(other_period_ps)
                    if step_ps is None:
                        step_ps = steps[other_period_ps] = gcd(period_ps, other_period_ps)
                    there.append(row)
                    table.append((other_ps, other_length_ps, step_ps))
            if not table:
                continue
            others, lengths, modulus = np.asarray(table, dtype=np.int64).T[:, :, None]
            apart = (others - (phases + offset_ps)) % modulus
            found.append((there, (apart < length_ps) | (apart > modulus - lengths)))
        met = np.zeros((len(rows), len(phases)), dtype=np.bool_)
        for there, meets in found:
            np.logical_or.at(met, there, meets)
        return list(rows), met

    def edges(
        self, pieces: Iterable[Piece], period_ps: int, range_ps: tuple[int, int]
    ) -> list[int]:
        """Phases at which some piece would just follow, or just precede, something taken."""
        low_ps, high_ps = range_ps
        found = {low_ps}
        for resource, offset_ps, length_ps, _ in pieces:
            circle = self._circle(resource, period_ps)
            for start_ps, end_ps in zip(circle.starts, circle.ends, strict=True):
                for at in (end_ps, start_ps - length_ps):
                    phase_ps = low_ps + (at - offset_ps - low_ps) % period_ps
                    if phase_ps <= high_ps:
                        found.add(phase_ps)
        return sorted(found)

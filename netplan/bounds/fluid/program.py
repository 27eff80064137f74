# SPDX-License-Identifier: Apache-2.0
"""The linear program of a tree of FIFO stations: which trajectories its curves permit.

Unknowns are the ages of dates (how long before the last departure) and, for each group of flows,
the bits that came between a date and the bit under study; all are at least 0. Every
constraint holds for every real trajectory, so any subset of them gives a bound. Coefficients are
multiples of a power of two that floats hold exactly, rounded so that constraints only weaken.

Source: as :mod:`netplan.bounds.fluid.dates`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Final

import numpy as np
import numpy.typing as npt

from netplan.bounds.fluid.curves import added
from netplan.bounds.fluid.dates import dates_at
from netplan.bounds.fluid.stations import Bucket, Stations
from netplan.bounds.fluid.unrolled import Group, Tree

Integers = npt.NDArray[np.int64]

GRID: Final = 1 << 36
"""Coefficients and right sides are multiples of 1 / GRID."""
_ZERO: Final = -1
"""Stands for an unknown that is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Picoseconds and bits that count as 1, so that coefficients are near 1."""

    time_ps: Fraction
    data_bits: Fraction


def units_of(network: Stations) -> Units:
    """Units that suit all programs of a network."""
    best = [max(station.pieces) for station in network.stations]
    time_ps = max(
        station.delay_ps or piece.deficit / piece.rate + 1
        for station, piece in zip(network.stations, best, strict=True)
    )
    return Units(time_ps=time_ps, data_bits=time_ps * max(piece.rate for piece in best))


@dataclass(slots=True, kw_only=True)
class Program:
    """Maximise one unknown, all at least 0, under ``rows x <= right + sum of sought bursts``.

    Attributes:
        starts: First entry of each row, and the number of entries.
        columns: Unknown of each entry.
        entries: Coefficient of each entry, in 1 / GRID.
        right: Right side of each row, in 1 / GRID.
        column_count: Unknowns.
        sought: Rows whose right side has sought bursts added, and which of them.
        units: What times and bits are counted in.
        age_columns: For every place the unknown that is the age of the bit under study there.
        burst_columns: For every watched step, the unknown that is the burst behind the last station.
    """

    starts: Integers
    columns: Integers
    entries: Integers
    right: list[int]
    column_count: int
    sought: dict[int, tuple[int, ...]]
    units: Units
    age_columns: list[int]
    burst_columns: dict[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What a program may use beside curves.

    Attributes:
        sought: Number of the unknown burst of a step where it enters a tree; its long-term
            bucket then has that burst. Other steps bring their known buckets.
        path_ps: Proven delays over whole paths, by the step at which the path ends.
        stay_ps: Proven stays at the places of the tree, where they are known.
    """

    sought: Mapping[int, int] = field(default_factory=dict)
    path_ps: Mapping[int, Fraction] = field(default_factory=dict)
    stay_ps: Sequence[Fraction | None] = ()


def program_of(
    network: Stations,
    tree: Tree,
    knowledge: Knowledge,
    units: Units,
    *,
    turns: int,
    final: Collection[int],
    watched: Sequence[int] = (),
) -> Program:
    """Write the program.

    Args:
        network: What the tree is of.
        tree: From :func:`netplan.bounds.fluid.unrolled.unroll`.
        knowledge: See there.
        units: From :func:`units_of`.
        turns: How many dates are looked at: see :func:`netplan.bounds.fluid.dates.dates_at`.
        final: Places on the way of the bit under study, if it is the last one of a packet.
        watched: Steps, alone in their groups, whose bursts behind the last station matter.
    """
    writer = _Writer(network, tree, knowledge, units, turns)
    writer.places(final)
    for index in range(len(tree.groups)):
        writer.group(index)
    writer.lines()
    for step in watched:
        writer.burst(step)
    return writer.program()


class _Writer:
    """Collects rows of a program."""

    def __init__(
        self, network: Stations, tree: Tree, knowledge: Knowledge, units: Units, turns: int
    ) -> None:
        self._network = network
        self._tree = tree
        self._knowledge = knowledge
        self._dates = [dates_at(place.depth_count, turns) for place in tree.places]
        self._units = units
        self._blocks: list[tuple[Integers, Integers, Integers]] = []
        self._row_count = 0
        self._sought: dict[int, tuple[int, ...]] = {}
        self._burst_columns: dict[int, int] = {}
        self._count = 0
        self._ages = [self._new(dates.count) for dates in self._dates]
        self._bits = [
            np.concatenate([[_ZERO], self._new(self._dates[group.entry_index].count - 1)])
            for group in tree.groups
        ]
        # Groups by place and the station that they come from (-1 when they start there).
        self._here: list[dict[int, list[int]]] = [{} for _ in tree.places]
        for index, group in enumerate(tree.groups):
            place, link_from = group.entry_index, group.from_index
            while True:
                self._here[place].setdefault(link_from, []).append(index)
                if place == group.exit_index:
                    break
                link_from = tree.places[place].station_index
                place = tree.places[place].next_index
        self._departures: list[Integers] = []

    def _new(self, count: int) -> Integers:
        self._count += count
        return np.arange(self._count - count, self._count, dtype=np.int64)

    def _rate(self, rate: Fraction) -> Fraction:
        return rate * self._units.time_ps / self._units.data_bits

    def _time(self, time_ps: Fraction) -> int:
        return ceil(time_ps / self._units.time_ps * GRID)

    def _data(self, bits: Fraction) -> int:
        return ceil(bits / self._units.data_bits * GRID)

    def _rows(self, columns: Sequence[npt.ArrayLike], factors: Sequence[int], right: int) -> range:
        """Rows with the same factors and right side; a column may be one number for all rows."""
        table = np.stack(np.broadcast_arrays(*columns), axis=-1).astype(np.int64)
        if table.ndim == 1:
            table = table[np.newaxis]
        entries = np.broadcast_to(np.array(factors, dtype=np.int64), table.shape)
        self._blocks.append((table, entries, np.full(len(table), right, dtype=np.int64)))
        first = self._row_count
        self._row_count += len(table)
        return range(first, self._row_count)

    def places(self, final: Collection[int]) -> None:
        """Order of dates, stays, and service."""
        for index, place in enumerate(self._tree.places):
            station = self._network.stations[place.station_index]
            dates, ages = self._dates[index], self._ages[index]
            self._rows([ages[dates.next_later], ages[dates.next_earlier]], [GRID, -GRID], 0)
            departures = self._departures_of(index)
            arrivals = ages[: len(departures)]
            self._rows([departures, arrivals], [GRID, -GRID], 0)
            stay_ps = station.delay_ps
            if self._knowledge.stay_ps:
                stay_ps = self._knowledge.stay_ps[index]
            if stay_ps is not None:
                self._rows([arrivals, departures], [GRID, -GRID], self._time(stay_ps))
            groups = [group for groups in self._here[index].values() for group in groups]
            served = np.flatnonzero(dates.service >= 0)
            for departure in served:
                service = dates.service[departure]
                last = departure == 0 and index in final
                for rate, deficit in station.final_pieces if last else station.pieces:
                    slope = floor(self._rate(rate) * GRID)
                    if slope <= 0:
                        continue
                    columns = [ages[service], departures[departure]]
                    factors = [slope, -slope]
                    for group in groups:
                        columns += [self._bits[group][service], self._bits[group][departure]]
                        factors += [-GRID, GRID]
                    self._rows(columns, factors, self._data(deficit))

    def _departures_of(self, index: int) -> Integers:
        """Unknowns that are the ages of dates of departures from a place."""
        place = self._tree.places[index]
        if place.next_index < 0:
            departures = np.array([_ZERO])
        else:
            after = self._tree.places[place.next_index].station_index
            link = self._network.links[place.station_index, after]
            departures = self._ages[place.next_index]
            if link.most_ps > 0:
                arrivals, departures = departures, self._new(len(departures))
                dates = self._dates[place.next_index]
                order = [departures[dates.next_later], departures[dates.next_earlier]]
                self._rows(order, [GRID, -GRID], 0)
                least = floor(link.least_ps / self._units.time_ps * GRID)
                self._rows([arrivals, departures], [GRID, -GRID], -least)
                self._rows([departures, arrivals], [GRID, -GRID], self._time(link.most_ps))
        self._departures.append(departures)
        return departures

    def group(self, index: int) -> None:
        """What a group brings, and how long it may take if that is known."""
        group = self._tree.groups[index]
        dates, ages, bits = (
            self._dates[group.entry_index],
            self._ages[group.entry_index],
            self._bits[index],
        )
        self._rows([bits[dates.next_later], bits[dates.next_earlier]], [GRID, -GRID], 0)
        curve, sought = self._arrivals(group)
        for burst, rate in curve:
            rows = self._pairs(group.entry_index, [index], burst, rate)
            if sought:
                self._sought.update(dict.fromkeys(rows, sought))
        path_ps = self._path_ps(group)
        if path_ps is not None:
            departures = self._departures[group.exit_index]
            self._rows([ages[: len(departures)], departures], [GRID, -GRID], self._time(path_ps))

    def _arrivals(self, group: Group) -> tuple[list[Bucket], tuple[int, ...]]:
        sought = tuple(
            self._knowledge.sought[step] for step in group.steps if step in self._knowledge.sought
        )
        if sought:
            long_term = [self._network.steps[step].contract[-1].rate for step in group.steps]
            known = [
                self._network.steps[step].buckets[-1].bits
                for step in group.steps
                if step not in self._knowledge.sought
            ]
            return [Bucket(sum(known, Fraction(0)), sum(long_term, Fraction(0)))], sought
        total = added([self._network.steps[step].buckets for step in group.steps])
        return [Bucket(*line) for line in total], ()

    def _path_ps(self, group: Group) -> Fraction | None:
        """Largest known delay of a group that goes its whole path within the tree."""
        if group.from_index >= 0:
            return None
        longest: Fraction | None = None
        for step_index in group.steps:
            place, step = group.entry_index, step_index
            while place != group.exit_index:
                place = self._tree.places[place].next_index
                station = self._tree.places[place].station_index
                step = next(
                    child
                    for child in self._network.steps[step].children
                    if self._network.steps[child].station_index == station
                )
            path_ps = self._knowledge.path_ps.get(step)
            if path_ps is None:
                return None
            longest = path_ps if longest is None else max(longest, path_ps)
        return longest

    def _pairs(self, place: int, groups: list[int], burst: Fraction, rate: Fraction) -> range:
        """At most ``burst`` and ``rate`` times a window, of several groups, at a place."""
        dates, ages = self._dates[place], self._ages[place]
        slope = ceil(self._rate(rate) * GRID)
        columns: list[Integers] = [ages[dates.earlier], ages[dates.later]]
        factors = [-slope, slope]
        for group in groups:
            columns += [self._bits[group][dates.earlier], self._bits[group][dates.later]]
            factors += [GRID, -GRID]
        return self._rows(columns, factors, self._data(burst))

    def lines(self) -> None:
        """What the lines of links carry at most."""
        for index, place in enumerate(self._tree.places):
            for link_from, groups in self._here[index].items():
                if link_from < 0:
                    continue
                line = self._network.links[link_from, place.station_index].line
                if line is not None:
                    self._pairs(index, groups, line.bits, line.rate)

    def burst(self, step: int) -> None:
        """The most that a flow can still send at the last date, beside what has left by then."""
        index = next(
            index
            for index, group in enumerate(self._tree.groups)
            if group.steps == (step,) and group.exit_index == 0
        )
        group = self._tree.groups[index]
        column = self._new(1)
        self._burst_columns[step] = int(column[0])
        curve, sought = self._arrivals(group)
        burst, rate = curve[-1]
        slope = ceil(self._rate(rate) * GRID)
        ages, bits = self._ages[group.entry_index], self._bits[index]
        rows = self._rows([column, bits, ages], [GRID, GRID, -slope], self._data(burst))
        if sought:
            self._sought.update(dict.fromkeys(rows, sought))

    def program(self) -> Program:
        """All rows together."""
        kept_columns, kept_entries, lengths, right = [], [], [], []
        for table, entries, right_sides in self._blocks:
            keep = table != _ZERO
            kept_columns.append(table[keep])
            kept_entries.append(entries[keep])
            lengths.append(keep.sum(axis=1))
            right.append(right_sides)
        starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        return Program(
            starts=starts,
            columns=np.concatenate(kept_columns),
            entries=np.concatenate(kept_entries),
            right=[int(value) for value in np.concatenate(right)],
            column_count=self._count,
            sought=self._sought,
            units=self._units,
            age_columns=[int(ages[0]) for ages in self._ages],
            burst_columns=self._burst_columns,
        )

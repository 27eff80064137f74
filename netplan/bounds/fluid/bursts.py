# SPDX-License-Identifier: Apache-2.0
"""Bursts of flows where trees end, each bounded by a program in which they all occur.

On a cycle, what enters a tree has gone through the same stations before. An optimum's certificate
bounds one burst by a sum of the others, ``x <= a + B x``; solving all such rows together and asking
for new certificates there is Newton's method on a concave system and meets the fixed point of
the programs in a few rounds. Any X with ``a + B X < X`` is then a bound: up to any instant the true
bursts x are finite and satisfy ``x <= a + B x``, so no component can exceed X.

Source: Bouillard, Trade-off between accuracy and tractability of network calculus in FIFO networks
(Performance Evaluation, 2022), section 6, for the fixed point as one linear program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from netplan.bounds.fluid.program import Knowledge, Program, Units, program_of
from netplan.bounds.fluid.proving import Maximisers, rounded
from netplan.bounds.fluid.stations import Bucket, Stations, buckets_of
from netplan.bounds.fluid.tfa import stays_in_tree
from netplan.bounds.fluid.unrolled import Place, unroll

_MOST_ROUNDS: Final = 12
_MOST_SOUGHT: Final = 400
"""More bursts than this are not sought: what total flow analysis says of them stands."""
_SETTLED: Final = 1e-10
_WIDENINGS: Final = (Fraction(1, 10**10), Fraction(1, 10**8), Fraction(1, 10**6))
_START: Final = 1000
"""Where nothing is known yet, the search starts from so many times what all flows bring."""


@dataclass(slots=True, kw_only=True)
class _Part:
    """The bursts behind one station: their program, and numbers of what it rests on."""

    program: Program
    sought: list[int]
    watched: list[tuple[int, int]]


def seek_bursts(
    network: Stations,
    roots: Iterable[int],
    units: Units,
    maximisers: Maximisers,
    *,
    most_places: int,
) -> None:
    """Bound what flows bring where the trees of given stations end, and note it at their steps.

    Where that fails, what was known of them stays.
    """
    numbers = _numbers(network, roots, most_places)
    if not numbers:
        return
    parts = _parts(network, numbers, units, most_places)
    rows = _settle(parts, _start(network, numbers, units), maximisers)
    bursts = None if rows is None else _claim(*rows)
    if bursts is None:
        return
    for index, number in numbers.items():
        step = network.steps[index]
        rate = step.contract[-1].rate
        link = network.links[network.before(step), step.station_index]
        spread_ps = link.most_ps - link.least_ps
        bits = bursts[number] * units.data_bits + rate * spread_ps
        step.buckets = buckets_of([*step.buckets, Bucket(bits, rate)])


def _numbers(network: Stations, roots: Iterable[int], most_places: int) -> dict[int, int] | None:
    """Number the steps at which trees end, and those that bursts there rest on in turn."""
    numbers: dict[int, int] = {}
    waiting = list(roots)
    seen = set(waiting)
    while waiting:
        tree = unroll(network, waiting.pop(0), most_places=most_places)
        for group in tree.groups:
            for step in group.steps if group.from_index >= 0 else ():
                numbers.setdefault(step, len(numbers))
                if group.from_index not in seen:
                    seen.add(group.from_index)
                    waiting.append(group.from_index)
        if len(numbers) > _MOST_SOUGHT:
            return None
    return numbers


def _parts(
    network: Stations, numbers: dict[int, int], units: Units, most_places: int
) -> list[_Part]:
    behind: dict[int, list[int]] = {}
    for step in numbers:
        behind.setdefault(network.before(network.steps[step]), []).append(step)
    parts = []
    known = all(step.buckets for step in network.steps)
    for root, steps in behind.items():
        places = unroll(network, root, most_places=most_places).places
        entry_of = {
            step: _entry(network, places, network.steps[step].parent_index) for step in steps
        }
        entries = dict.fromkeys(entry_of.values())
        tree = unroll(network, root, most_places=most_places, alone=entries)
        sought = [step for group in tree.groups if group.from_index >= 0 for step in group.steps]
        local = {step: place for place, step in enumerate(dict.fromkeys(sought))}
        program = program_of(
            network,
            tree,
            Knowledge(sought=local, stay_ps=stays_in_tree(network, tree) if known else ()),
            units,
            turns=0,
            final=(),
            watched=tuple(entries),
        )
        parts.append(
            _Part(
                program=program,
                sought=[numbers[step] for step in local],
                watched=[
                    (numbers[step], program.burst_columns[entry])
                    for step, entry in entry_of.items()
                ],
            )
        )
    return parts


def _entry(network: Stations, places: Sequence[Place], step_index: int) -> int:
    """Step at which a flow that crosses the last station comes into its tree."""
    place, step = 0, network.steps[step_index]
    while network.before(step) in places[place].before:
        place = places[place].before[network.before(step)]
        step_index = step.parent_index
        step = network.steps[step_index]
    return step_index


def _start(network: Stations, numbers: dict[int, int], units: Units) -> npt.NDArray[np.float64]:
    everything = sum(
        (step.contract[-1].bits for step in network.steps if step.parent_index < 0), Fraction(0)
    )
    return np.array(
        [
            float(
                (step.buckets[-1].bits if step.buckets else _START * everything) / units.data_bits
            )
            for step in (network.steps[index] for index in numbers)
        ]
    )


def _settle(
    parts: list[_Part], bursts: npt.NDArray[np.float64], maximisers: Maximisers
) -> tuple[npt.NDArray[np.float64], list[dict[int, Fraction]], list[Fraction]] | None:
    """Newton's method: the bursts that it meets, and the rows ``x <= a + B x`` that prove them."""
    count = len(bursts)
    fixed: list[Fraction] = []
    weights: list[dict[int, Fraction]] = []
    for _ in range(_MOST_ROUNDS):
        fixed = [Fraction(0)] * count
        weights = [{} for _ in range(count)]
        for part in parts:
            maximiser = maximisers.of(part.program)
            expected = rounded(bursts[part.sought])
            for number, column in part.watched:
                ceiling = maximiser.ceiling(column, expected)
                if ceiling is None:
                    return None
                fixed[number] = ceiling.fixed
                weights[number] = {
                    part.sought[local]: weight for local, weight in ceiling.weights.items()
                }
        matrix = np.eye(count)
        for number, row in enumerate(weights):
            for other, weight in row.items():
                matrix[number, other] -= float(weight)
        try:
            found = np.linalg.solve(matrix, np.array([float(value) for value in fixed]))
        except np.linalg.LinAlgError:
            return None
        if not np.all(found > 0):
            return None
        settled = np.all(np.abs(found - bursts) <= _SETTLED * bursts)
        bursts = found
        if settled:
            break
    return bursts, weights, fixed


def _claim(
    bursts: npt.NDArray[np.float64], weights: list[dict[int, Fraction]], fixed: list[Fraction]
) -> list[Fraction] | None:
    """Bursts slightly above those found for which the rows prove that none is exceeded."""
    for widening in _WIDENINGS:
        claimed = [Fraction(burst) * (1 + widening) for burst in bursts]
        if all(
            start + sum(weight * claimed[other] for other, weight in row.items()) < claim
            for start, row, claim in zip(fixed, weights, claimed, strict=True)
        ):
            return claimed
    return None

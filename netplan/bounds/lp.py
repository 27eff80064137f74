# SPDX-License-Identifier: Apache-2.0
"""Bounds of whole paths over plain wires: a burst of competing frames is paid once, not at every hop.

A linear program over all queues of a path and those before them takes the place of the sum of worst
waits, where that is smaller. It sees frames as :mod:`netplan.bounds.wired` counts them: they are
stored whole at every hop and delivered when their last bit has come. Rows with a hop that gates,
grants, shapers, policing, duplicates or cut-through govern are left as they are.

The bit under study is the last one of its frame. The time of the talker's port, from the first bit
on, and what is fixed before the second queue are added to the delay from there on, so that latency
begins and ends as in :mod:`netplan.bounds.paths`; the largest frame's time stands for any.

Source: as :mod:`netplan.bounds.fluid.dates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Final

from netplan.bounds.fluid.program import Knowledge, Units, program_of, units_of
from netplan.bounds.fluid.proving import Maximisers
from netplan.bounds.fluid.stations import Stations
from netplan.bounds.fluid.unrolled import Effort, suited_tree
from netplan.bounds.network import Flow, Network, most_ps
from netplan.bounds.paths import path_of
from netplan.bounds.wired import WiredStations, wired_stations
from netplan.media.interface import DelayTerm, TermKind
from netplan.verdict.evidence import HopBound, StreamBound

_EFFORT: Final = Effort(many_pairs_count=2000, few_pairs_count=2500, places_count=60)
_MOST_PAIRS: Final = 100_000
"""Pairs of dates over all programs of a plan; paths beyond keep the sum of their waits."""
_MOST_PAIRS_IN_VAIN: Final = 12_000
"""The same over programs in a row that lower no bound: those to come are less likely to."""
_FEWEST_HOPS: Final = 3
"""With one queue behind the talker there is nothing that could be paid twice."""
_STEP_PS: Final = 1000
_SOURCE: Final = (
    "linear programming on FIFO networks, packetised; Bouillard, Trade-off between accuracy and "
    "tractability of network calculus in FIFO networks (2022)"
)


def pay_bursts_once(
    network: Network,
    rows: Sequence[StreamBound],
    within: Sequence[StreamBound] | None = None,
) -> tuple[StreamBound, ...]:
    """Rows with lower bounds where a path as a whole has one.

    Args:
        network: Settled.
        rows: Its rows by total flow analysis.
        within: For each row another whose bound counts if it is not lower: then there is nothing to
            gain.
    """
    ways: dict[tuple[int, ...], list[int]] = {}
    wired = wired_stations(network)
    for index, row in enumerate(rows):
        if within is not None and not _exceeds(row, within[index]):
            continue
        steps = _steps(network, wired, row)
        if steps:
            way = tuple(wired.network.steps[step].station_index for step in steps)
            ways.setdefault(way, []).append(index)
    if not ways:
        return tuple(rows)
    result = list(rows)
    units, maximisers = units_of(wired.network), Maximisers()
    effort = in_vain = 0
    for way in sorted(ways, key=lambda way: (-_shared_bits(wired.network, way), way)):
        if effort > _MOST_PAIRS or in_vain > _MOST_PAIRS_IN_VAIN:
            break
        pairs, delay_ps = _delay_ps(wired, way, units, maximisers)
        effort += pairs
        in_vain += pairs
        if delay_ps is None:
            continue
        for index in ways[way]:
            result[index] = _improved(network, rows[index], delay_ps)
            if result[index] is not rows[index]:
                in_vain = 0
    return tuple(result)


def _exceeds(row: StreamBound, other: StreamBound) -> bool:
    """Whether a row's bound is the higher one of two."""
    return other.bound_ps is not None and (row.bound_ps is None or row.bound_ps > other.bound_ps)


def _steps(network: Network, wired: WiredStations, row: StreamBound) -> list[int]:
    """Steps of a row whose hops are all plain, otherwise none."""
    if row.bound_ps is None or network.plan.streams[row.stream_index].recoveries:
        return []
    path = path_of(network, row.stream_index, row.listener_index)
    if len(path) < _FEWEST_HOPS or any(network.hop(flow).reception for flow in path):
        return []
    end = network.flow_of[path[-1].stream_index][path[-1].hop_index]
    if end not in wired.step_of:
        return []
    steps = wired.network.path(wired.step_of[end])
    return steps if len(steps) == len(path) else []


def _shared_bits(network: Stations, way: tuple[int, ...]) -> Fraction:
    """Bursts that come over the path's own links, and so may have been waited for before."""
    return sum(
        (
            network.steps[step].buckets[-1].bits
            for before, station in pairwise(way[1:])
            for step in network.stations[station].steps
            if network.before(network.steps[step]) == before
        ),
        Fraction(0),
    )


def _delay_ps(
    wired: WiredStations, way: tuple[int, ...], units: Units, maximisers: Maximisers
) -> tuple[int, Fraction | None]:
    """Pairs of dates compared, and the delay from entering the second queue to leaving the last."""
    suited = suited_tree(wired.network, way[-1], _EFFORT, along=way)
    if suited is None:
        return 0, None
    tree, turns = suited
    # The way comes first among the places, from the last station on.
    places = range(len(way) - 1)
    program = program_of(wired.network, tree, Knowledge(), units, turns=turns, final=places)
    ceiling = maximisers.of(program).ceiling(program.age_columns[places[-1]])
    return tree.pairs(turns), None if ceiling is None else ceiling.fixed * units.time_ps


def _improved(network: Network, row: StreamBound, delay_ps: Fraction) -> StreamBound:
    path = path_of(network, row.stream_index, row.listener_index)
    assert row.bound_ps is not None
    saved_ps = row.bound_ps - _latency_ps(network, path, delay_ps)
    if saved_ps <= 0:
        return row
    term = DelayTerm(
        kind=TermKind.BURST_PAID_ONCE,
        what=f"{len(path) - 1} queues taken together",
        min_ps=0,
        max_ps=-saved_ps,
        source=_SOURCE,
    )
    last = row.hops[-1]
    hops = (
        *row.hops[:-1],
        HopBound(egress_index=last.egress_index, terms=(*last.terms, term)),
    )
    return replace(row, bound_ps=row.bound_ps - saved_ps, hops=hops)


def _latency_ps(network: Network, path: list[Flow], delay_ps: Fraction) -> int:
    """The whole path, rounded up to nanoseconds such that the solver's last digits do not show."""
    first = network.hop(path[0])
    fixed_ps = (
        network.transmitters[path[0].egress_index].port_ps(path[0].frame_octets[-1])
        + most_ps(first.after)
        + most_ps(network.hop(path[1]).before)
        + most_ps(network.hop(path[-1]).after)
    )
    return ceil((fixed_ps + delay_ps + _STEP_PS // 2) / _STEP_PS) * _STEP_PS

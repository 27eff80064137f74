# SPDX-License-Identifier: Apache-2.0
"""The lowest proven delay of every flow of a fluid network, and the method that proves it.

Total flow analysis always runs; a linear program over the whole path is then solved for every
station at which flows end, with more dates where that stays small. On trees with all dates
it includes what separate flow analysis, tandem matching and least upper delay bounds
count, and is never above them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from netplan.bounds.fluid.bursts import seek_bursts
from netplan.bounds.fluid.program import Knowledge, Program, Units, program_of, units_of
from netplan.bounds.fluid.proving import Maximisers
from netplan.bounds.fluid.stations import Stations, stations_of
from netplan.bounds.fluid.tfa import components, stays_in_tree, total_flow_analysis
from netplan.bounds.fluid.unrolled import Effort, suited_tree
from netplan.plan.fluid import FluidNetwork

TOTAL_FLOW: Final = "total flow analysis"
FEW_DATES: Final = "linear program, few dates"
MANY_DATES: Final = "linear program, many dates"
ALL_DATES: Final = "linear program, all dates"

_ROUNDS: Final = 2
"""Times that bursts on cycles are sought: lower bursts make for shorter stays, and these for lower
bursts."""
_EFFORT: Final = Effort(many_pairs_count=4000, few_pairs_count=30_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidBound:
    """Longest delay of a flow over its paths.

    Attributes:
        flow: Its name.
        bound_ps: No bit takes longer from its first server's queue to leaving the last server;
            None when nothing could be proven.
        method: What proves it.
        why: Why there is no bound.
    """

    flow: str
    bound_ps: Fraction | None
    method: str
    why: str = ""


def fluid_bounds(network: FluidNetwork) -> tuple[FluidBound, ...]:
    """Bound every flow of a network, in its order."""
    stations = stations_of(network)
    total_flow_analysis(stations)
    best = path_bounds(stations)
    rows: dict[int, tuple[Fraction, str] | None] = {}
    for (number, _), bound in zip(stations.ends, best, strict=True):
        if number not in rows:
            rows[number] = bound
            continue
        other = rows[number]
        rows[number] = None if bound is None or other is None else max(other, bound)
    result = []
    for index, flow in enumerate(network.flows):
        bound = rows[index]
        if bound is None:
            why = "no method finds delays that agree with each other"
            result.append(FluidBound(flow=flow.name, bound_ps=None, method="", why=why))
        else:
            result.append(FluidBound(flow=flow.name, bound_ps=bound[0], method=bound[1]))
    return tuple(result)


def path_bounds(network: Stations) -> list[tuple[Fraction, str] | None]:
    """For every path, the lowest delay and its method, once stays at stations are known."""
    best = [_total_flow_ps(network, end) for _, end in network.ends]
    units, maximisers = units_of(network), Maximisers()
    by_root: dict[int, list[int]] = {}
    for number, (_, end) in enumerate(network.ends):
        by_root.setdefault(network.steps[end].station_index, []).append(number)
    order = components(network)
    cyclic = any(len(component) > 1 for component in order)
    for _ in range(_ROUNDS if cyclic else 0):
        seek_bursts(network, by_root, units, maximisers, most_places=_EFFORT.places_count)
    path_ps: dict[int, Fraction] = {}
    for root in (station for component in order for station in component):
        numbers = by_root.get(root, ())
        ends = [network.ends[number][1] for number in numbers]
        if numbers:
            found = _of_root(network, root, ends, path_ps, units, maximisers, cyclic=cyclic)
            for number, bound in zip(numbers, found, strict=True):
                other = best[number]
                if bound is not None and (other is None or bound[0] < other[0]):
                    best[number] = bound
        for number, end in zip(numbers, ends, strict=True):
            bound = best[number]
            if bound is not None:
                path_ps[end] = bound[0]
    return best


def _total_flow_ps(network: Stations, end: int) -> tuple[Fraction, str] | None:
    total_ps = Fraction(0)
    before = -1
    for step in network.path(end):
        here = network.steps[step].station_index
        stay_ps = network.stations[here].delay_ps
        if stay_ps is None:
            return None
        total_ps += stay_ps
        if before >= 0:
            total_ps += network.links[before, here].most_ps
        before = here
    return total_ps, TOTAL_FLOW


def _of_root(
    network: Stations,
    root: int,
    ends: list[int],
    path_ps: dict[int, Fraction],
    units: Units,
    maximisers: Maximisers,
    *,
    cyclic: bool,
) -> list[tuple[Fraction, str] | None]:
    """Delays of paths that end at one station, by linear program."""
    suited = suited_tree(network, root, _EFFORT)
    if suited is None:
        return [None] * len(ends)
    tree, turns = suited
    method = FEW_DATES if turns == 0 else MANY_DATES if turns == 1 else ALL_DATES
    if not all(network.steps[step].buckets for group in tree.groups for step in group.steps):
        return [None] * len(ends)
    stays_ps = stays_in_tree(network, tree) if cyclic else ()
    knowledge = Knowledge(path_ps=path_ps, stay_ps=stays_ps)
    result: list[tuple[Fraction, str] | None] = []
    programs: dict[tuple[int, ...], Program] = {}
    for end in ends:
        way = tree.way(network, network.path(end))
        if way is None:
            result.append(None)
            continue
        # Only packets make a difference between ways that end at one station.
        final = way if network.packetised else ()
        if final not in programs:
            programs[final] = program_of(network, tree, knowledge, units, turns=turns, final=final)
        program = programs[final]
        ceiling = maximisers.of(program).ceiling(program.age_columns[way[0]])
        result.append(None if ceiling is None else (ceiling.fixed * units.time_ps, method))
    return result

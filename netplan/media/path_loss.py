# SPDX-License-Identifier: Apache-2.0
"""Radio loss on a factory floor: the indoor-factory model of 3GPP, walls, noise.

The same model serves 5G and WLAN. It is deterministic: where there is clutter the mean
loss *without* line of sight counts, which is never less than the one with it;
shadowing and fading are left to the network's fade margin. Reflections and antenna
patterns are outside. Which station serves whom is in :mod:`netplan.media.radio`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum

from netplan.catalog.model import Material
from netplan.design.places import Clutter, Point, Wall
from netplan.media.terms import SPEED_OF_LIGHT_M_PER_S

THERMAL_NOISE_DBM_PER_HZ = -174.0
"""k T at 290 K, rounded as the field rounds it. Source: ITU-R P.372."""
LARGEST_DISTANCE_M = 600.0
"""Source: 3GPP TR 38.901, Table 7.4.1-1, InF."""
SMALLEST_DISTANCE_M = 1.0
"""Source: 3GPP TR 38.901, Table 7.4.1-1, InF."""
CARRIER_RANGE_HZ = (0.5e9, 100e9)
"""Source: 3GPP TR 38.901, 7.1."""
DENSE_FROM_RATIO = 0.4
"""Source: 3GPP TR 38.901, Table 7.2-4."""


class InfCase(StrEnum):
    """Indoor factory: sparse or dense clutter, antennas low or high against it.

    Source: 3GPP TR 38.901, Table 7.2-4.
    """

    LOS = "InF-LOS"
    SPARSE_LOW = "InF-SL"
    DENSE_LOW = "InF-DL"
    SPARSE_HIGH = "InF-SH"
    DENSE_HIGH = "InF-DH"
    HIGH_HIGH = "InF-HH"


_SHADOW_DB = {
    InfCase.LOS: 4.3,
    InfCase.SPARSE_LOW: 5.7,
    InfCase.DENSE_LOW: 7.2,
    InfCase.SPARSE_HIGH: 5.9,
    InfCase.DENSE_HIGH: 4.0,
    InfCase.HIGH_HIGH: 4.3,
}


def inf_case(
    *, clutter: Clutter | None, station_height_m: float, client_height_m: float
) -> InfCase:
    """Which case a pair of antennas is in.

    Without clutter there is line of sight. One antenna above the clutter makes a high
    case, both make line of sight certain (HH).

    Source: 3GPP TR 38.901, Table 7.2-4.
    """
    if clutter is None or clutter.density_ratio == 0:
        return InfCase.LOS
    above = sum(height > clutter.height_m for height in (station_height_m, client_height_m))
    if above == 2:
        return InfCase.HIGH_HIGH
    dense = clutter.density_ratio >= DENSE_FROM_RATIO
    if above == 1:
        return InfCase.DENSE_HIGH if dense else InfCase.SPARSE_HIGH
    return InfCase.DENSE_LOW if dense else InfCase.SPARSE_LOW


def path_loss_db(*, case: InfCase, distance_m: float, carrier_hz: float) -> float:
    """Mean path loss of a case; distances below 1 m count as 1 m.

    Args:
        case: Line of sight for LOS and HH, without it for the others.
        distance_m: In space, between the antennas.
        carrier_hz: Centre frequency.

    Source:
        3GPP TR 38.901 (v19.4.0), Table 7.4.1-1, InF.
    """
    distance = math.log10(max(distance_m, SMALLEST_DISTANCE_M))
    frequency = math.log10(carrier_hz / 1e9)
    line_of_sight = 31.84 + 21.50 * distance + 19.00 * frequency
    sparse_low = 33.0 + 25.5 * distance + 20.0 * frequency
    candidates = {
        InfCase.LOS: (),
        InfCase.HIGH_HIGH: (),
        InfCase.SPARSE_LOW: (sparse_low,),
        InfCase.DENSE_LOW: (sparse_low, 18.6 + 35.7 * distance + 20.0 * frequency),
        InfCase.SPARSE_HIGH: (32.4 + 23.0 * distance + 20.0 * frequency,),
        InfCase.DENSE_HIGH: (33.63 + 21.9 * distance + 20.0 * frequency,),
    }
    return max((line_of_sight, *candidates[case]))


def shadow_sigma_db(case: InfCase) -> float:
    """Standard deviation of shadow fading. Source: 3GPP TR 38.901, Table 7.4.1-1, InF."""
    return _SHADOW_DB[case]


def line_of_sight_probability(
    *,
    case: InfCase,
    ground_distance_m: float,
    clutter: Clutter | None,
    station_height_m: float,
    client_height_m: float,
) -> float:
    """Chance that nothing stands between the antennas.

    Source: 3GPP TR 38.901, Table 7.4.2-1, InF.
    """
    if clutter is None or case in {InfCase.LOS, InfCase.HIGH_HIGH}:
        return 1.0
    if clutter.density_ratio >= 1:
        return 0.0
    reach_m = -clutter.size_m / math.log(1 - clutter.density_ratio)
    if case in {InfCase.SPARSE_HIGH, InfCase.DENSE_HIGH}:
        high_m = max(station_height_m, client_height_m)
        low_m = min(station_height_m, client_height_m)
        if clutter.height_m <= low_m:
            return 1.0
        reach_m *= (high_m - low_m) / (clutter.height_m - low_m)
    if reach_m <= 0:
        return 0.0
    return math.exp(-ground_distance_m / reach_m)


def free_space_loss_db(*, distance_m: float, carrier_hz: float) -> float:
    """Loss between isotropic antennas in free space. Source: ITU-R P.525-4, 2.3."""
    metres = max(distance_m, SMALLEST_DISTANCE_M)
    return 20 * math.log10(4 * math.pi * metres * carrier_hz / SPEED_OF_LIGHT_M_PER_S)


def noise_dbm(*, bandwidth_hz: float, noise_figure_db: float) -> float:
    """Thermal noise of a receiver. Source: ITU-R P.372."""
    return THERMAL_NOISE_DBM_PER_HZ + 10 * math.log10(bandwidth_hz) + noise_figure_db


def _side(start: Point, end: Point, at: Point) -> float:
    return (end[0] - start[0]) * (at[1] - start[1]) - (end[1] - start[1]) * (at[0] - start[0])


def _boxes_meet(wall: Wall, start: Point, end: Point) -> bool:
    """Whether the bounding boxes meet, which decides for lines that lie along each other."""
    return all(
        min(start[axis], end[axis]) <= max(wall.start_m[axis], wall.end_m[axis])
        and min(wall.start_m[axis], wall.end_m[axis]) <= max(start[axis], end[axis])
        for axis in (0, 1)
    )


def crosses(wall: Wall, start: Point, end: Point) -> bool:
    """Whether a straight line meets a wall, in the plane: walls reach from floor to ceiling.

    Touching counts, so that a place at the wall is behind it.
    """
    return (
        _boxes_meet(wall, start, end)
        and _side(wall.start_m, wall.end_m, start) * _side(wall.start_m, wall.end_m, end) <= 0
        and _side(start, end, wall.start_m) * _side(start, end, wall.end_m) <= 0
    )


def wall_loss_db(
    *, walls: Sequence[Wall], materials: Mapping[str, Material], start: Point, end: Point
) -> float:
    """Sum of the losses of all walls between two places.

    A wall of unknown material counts nothing here; :func:`floor_findings` refuses it.
    """
    return sum(
        materials[wall.material].loss_db.value
        for wall in walls
        if wall.material in materials and crosses(wall, start, end)
    )

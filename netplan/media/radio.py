# SPDX-License-Identifier: Apache-2.0
"""Radio links on a floor: who hears whom, how well, and which station serves a place.

Losses come from :mod:`netplan.media.path_loss`; the received level is a mean, before any
fade margin. Interference between cells is outside: neighbouring cells are assumed to use
other channels, or to be far enough away.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netplan.catalog.model import Material, RadioValues
from netplan.design.findings import Finding, Severity
from netplan.design.places import Floor, Point, Route
from netplan.media.path_loss import (
    CARRIER_RANGE_HZ,
    LARGEST_DISTANCE_M,
    InfCase,
    free_space_loss_db,
    inf_case,
    line_of_sight_probability,
    noise_dbm,
    path_loss_db,
    wall_loss_db,
)
from netplan.media.terms import error

CEILING_RANGE_M = (5.0, 25.0)
"""Source: 3GPP TR 38.901, Table 7.2-4."""
LARGEST_CLUTTER_M = 10.0
"""Source: 3GPP TR 38.901, Table 7.2-4."""
CLIENT_HEIGHT_M = 1.5
"""Where a client's height is not stated. Source: 3GPP TR 38.901, Table 7.8-7."""
STATION_HEIGHT_M = 8.0
"""Where a base station's height is not stated. Source: 3GPP TR 38.901, Table 7.8-7 (SH, DH)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Antenna:
    """A base station or client where it stands.

    Attributes:
        name: Of the node.
        x_m: On the floor.
        y_m: On the floor.
        height_m: Above the floor.
        radio: From the catalogue.
    """

    name: str
    x_m: float
    y_m: float
    height_m: float
    radio: RadioValues

    @property
    def point(self) -> Point:
        """The place in space."""
        return (self.x_m, self.y_m, self.height_m)


def antenna(*, name: str, point: Point, radio: RadioValues, default_height_m: float) -> Antenna:
    """An antenna at a place: its height is the place's, the catalogue's, or the default."""
    height_m = default_height_m
    if len(point) > 2:
        height_m = point[2]
    elif radio.antenna_height_m is not None:
        height_m = radio.antenna_height_m.value
    return Antenna(name=name, x_m=point[0], y_m=point[1], height_m=height_m, radio=radio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """How a base station and a client hear each other.

    Attributes:
        station: Name of the base station.
        case: Propagation model.
        distance_m: In space.
        loss_db: Path loss and walls.
        line_of_sight_probability: Chance that the loss is overestimated.
        downlink_dbm: Received by the client.
        uplink_dbm: Received by the base station.
        downlink_snr_db: Over the whole bandwidth, before any fade margin.
        uplink_snr_db: Over the whole bandwidth, before any fade margin.
    """

    station: str
    case: InfCase
    distance_m: float
    loss_db: float
    line_of_sight_probability: float
    downlink_dbm: float
    uplink_dbm: float
    downlink_snr_db: float
    uplink_snr_db: float


def reception(
    *,
    station: Antenna,
    client: Antenna,
    floor: Floor,
    materials: Mapping[str, Material],
    carrier_hz: float,
    bandwidth_hz: float,
) -> Reception:
    """Received power and signal to noise between two antennas on a floor.

    Path loss is the model's, at least that of free space, and the walls on the way add
    to it.

    Source:
        3GPP TR 38.901, 7.4.1 (path loss); link budget as in ITU-R P.525-4, 2.
    """
    case = inf_case(
        clutter=floor.clutter,
        station_height_m=station.height_m,
        client_height_m=client.height_m,
    )
    ground_m = math.hypot(station.x_m - client.x_m, station.y_m - client.y_m)
    distance_m = math.hypot(ground_m, station.height_m - client.height_m)
    loss_db = max(
        path_loss_db(case=case, distance_m=distance_m, carrier_hz=carrier_hz),
        free_space_loss_db(distance_m=distance_m, carrier_hz=carrier_hz),
    ) + wall_loss_db(walls=floor.walls, materials=materials, start=station.point, end=client.point)
    gain_db = station.radio.antenna_gain_db.value + client.radio.antenna_gain_db.value
    downlink_dbm = station.radio.transmit_power_dbm.value + gain_db - loss_db
    uplink_dbm = client.radio.transmit_power_dbm.value + gain_db - loss_db
    return Reception(
        station=station.name,
        case=case,
        distance_m=distance_m,
        loss_db=loss_db,
        line_of_sight_probability=line_of_sight_probability(
            case=case,
            ground_distance_m=ground_m,
            clutter=floor.clutter,
            station_height_m=station.height_m,
            client_height_m=client.height_m,
        ),
        downlink_dbm=downlink_dbm,
        uplink_dbm=uplink_dbm,
        downlink_snr_db=downlink_dbm
        - noise_dbm(bandwidth_hz=bandwidth_hz, noise_figure_db=client.radio.noise_figure_db.value),
        uplink_snr_db=uplink_dbm
        - noise_dbm(bandwidth_hz=bandwidth_hz, noise_figure_db=station.radio.noise_figure_db.value),
    )


def best_server(
    *,
    stations: Sequence[Antenna],
    clients: Sequence[Antenna],
    floor: Floor,
    materials: Mapping[str, Material],
    carrier_hz: float,
    bandwidth_hz: float,
) -> tuple[Reception, ...]:
    """For each place of a client, the base station that it hears best.

    A client that moves is given as one antenna for each sampled place
    (:func:`route_points`). Equal levels go to the name that sorts first.

    Args:
        stations: At least one.
        clients: Places, in order.
        floor: With walls and clutter.
        materials: Of the catalogue, by id.
        carrier_hz: Centre frequency.
        bandwidth_hz: Over which noise counts.
    """
    ordered = sorted(stations, key=lambda station: station.name)
    return tuple(
        max(
            (
                reception(
                    station=station,
                    client=client,
                    floor=floor,
                    materials=materials,
                    carrier_hz=carrier_hz,
                    bandwidth_hz=bandwidth_hz,
                )
                for station in ordered
            ),
            key=lambda heard: heard.downlink_dbm,
        )
        for client in clients
    )


def route_points(*, route: Route, step_m: float) -> tuple[Point, ...]:
    """Places along a route, at most a step apart, its corners included."""
    places: list[Point] = [route.points_m[0]]
    for start, end in itertools.pairwise(route.points_m):
        pieces = max(1, math.ceil(math.dist(start[:2], end[:2]) / step_m))
        axes = min(len(start), len(end))
        places += [
            tuple(start[axis] + (end[axis] - start[axis]) * piece / pieces for axis in range(axes))
            for piece in range(1, pieces + 1)
        ]
    return tuple(places)


def floor_findings(
    *,
    floor: Floor,
    materials: Mapping[str, Material],
    carrier_hz: float,
    receptions: Sequence[Reception] = (),
) -> tuple[Finding, ...]:
    """Where the propagation model does not hold, and walls of unknown material."""
    findings = [
        error(
            "RADIO-MATERIAL-UNKNOWN",
            f"the catalogue has no material '{material}'",
            expected=", ".join(sorted(materials)) or "a material of the catalogue",
            found=material,
        )
        for material in sorted({wall.material for wall in floor.walls} - set(materials))
    ]

    def outside(what: str, expected: str, found: str) -> Finding:
        return Finding(
            code="RADIO-MODEL-RANGE",
            severity=Severity.WARNING,
            message=f"the propagation model was not made for this {what}",
            expected=expected,
            found=found,
            hint="confirm coverage by measurement",
        )

    if not CARRIER_RANGE_HZ[0] <= carrier_hz <= CARRIER_RANGE_HZ[1]:
        findings.append(outside("frequency", "0.5 to 100 GHz", f"{carrier_hz / 1e9:g} GHz"))
    if not CEILING_RANGE_M[0] <= floor.height_m <= CEILING_RANGE_M[1]:
        findings.append(outside("ceiling height", "5 to 25 m", f"{floor.height_m:g} m"))
    if floor.clutter is not None and floor.clutter.height_m >= LARGEST_CLUTTER_M:
        findings.append(outside("clutter height", "below 10 m", f"{floor.clutter.height_m:g} m"))
    if receptions:
        farthest = max(receptions, key=lambda heard: heard.distance_m)
        if farthest.distance_m > LARGEST_DISTANCE_M:
            findings.append(outside("distance", "at most 600 m", f"{farthest.distance_m:.0f} m"))
    return tuple(findings)

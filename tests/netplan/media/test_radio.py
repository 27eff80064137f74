# SPDX-License-Identifier: Apache-2.0
"""Radio on a floor: path loss, walls, noise, the serving station, where models end."""

from __future__ import annotations

import itertools
import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.catalog.model import Material, RadioValues
from netplan.design.places import Clutter, Floor, Point, Route, Wall
from netplan.media.path_loss import (
    InfCase,
    crosses,
    free_space_loss_db,
    inf_case,
    line_of_sight_probability,
    noise_dbm,
    path_loss_db,
    shadow_sigma_db,
    wall_loss_db,
)
from netplan.media.radio import (
    Antenna,
    antenna,
    best_server,
    floor_findings,
    reception,
    route_points,
)

CARRIER_HZ = 3.75e9


def clutter(density: float, height: str = "2 m", size: str = "10 m") -> Clutter:
    return Clutter.model_validate({"density": density, "height": height, "size": size})


def sourced(value: object) -> dict[str, object]:
    return {"value": value, "source": "test"}


def radio(power: str = "24 dBm", gain: str = "0 dBi", figure: str = "5 dB") -> RadioValues:
    return RadioValues.model_validate(
        {
            "transmit_power": sourced(power),
            "antenna_gain": sourced(gain),
            "noise_figure": sourced(figure),
        }
    )


def place(name: str, *at: float, values: RadioValues | None = None) -> Antenna:
    return antenna(name=name, point=at, radio=values or radio(), default_height_m=1.5)


def material(entry_id: str, loss: str) -> Material:
    return Material.model_validate(
        {
            "kind": "material",
            "id": entry_id,
            "name": entry_id,
            "checked_on": date(2026, 1, 1),
            "loss": sourced(loss),
        }
    )


def floor(**values: object) -> Floor:
    return Floor.model_validate({"size": ["120 m", "60 m"], "height": "10 m", **values})


def wall(start: tuple[float, float], end: tuple[float, float], name: str = "concrete") -> Wall:
    return Wall.model_validate(
        {
            "from": [f"{axis} m" for axis in start],
            "to": [f"{axis} m" for axis in end],
            "material": name,
        }
    )


class TestPathLoss:
    @pytest.mark.parametrize(
        ("case", "loss_db"),
        [
            # Reference: 5g.md section 1, check values at 3.75 GHz and 50 m
            (InfCase.LOS, 79.27),
            (InfCase.SPARSE_LOW, 87.80),
            (InfCase.DENSE_LOW, 90.73),
            (InfCase.SPARSE_HIGH, 82.96),
            (InfCase.DENSE_HIGH, 82.32),
            (InfCase.HIGH_HIGH, 79.27),
        ],
    )
    def test_check_values(self, case: InfCase, loss_db: float) -> None:
        assert path_loss_db(case=case, distance_m=50.0, carrier_hz=CARRIER_HZ) == pytest.approx(
            loss_db, abs=0.005
        )

    def test_dense_low_includes_sparse_low(self) -> None:
        # At 5 m: 18.6 + 35.7 * 0.69897 is less than 33 + 25.5 * 0.69897
        near = {"distance_m": 5.0, "carrier_hz": CARRIER_HZ}
        assert path_loss_db(case=InfCase.DENSE_LOW, **near) == path_loss_db(
            case=InfCase.SPARSE_LOW, **near
        )

    def test_below_one_metre_counts_as_one(self) -> None:
        assert path_loss_db(case=InfCase.LOS, distance_m=0.0, carrier_hz=1e9) == 31.84

    @given(
        case=st.sampled_from(InfCase),
        distance_m=st.floats(1, 600),
        factor=st.floats(1, 10),
    )
    def test_grows_with_distance_and_is_least_in_sight(
        self, case: InfCase, distance_m: float, factor: float
    ) -> None:
        here = path_loss_db(case=case, distance_m=distance_m, carrier_hz=CARRIER_HZ)
        sight = path_loss_db(case=InfCase.LOS, distance_m=distance_m, carrier_hz=CARRIER_HZ)
        assert here >= sight
        assert (
            path_loss_db(case=case, distance_m=distance_m * factor, carrier_hz=CARRIER_HZ) >= here
        )

    def test_shadowing(self) -> None:
        assert shadow_sigma_db(InfCase.DENSE_LOW) == 7.2
        assert shadow_sigma_db(InfCase.LOS) == 4.3


class TestCase:
    @pytest.mark.parametrize(
        ("what", "station_m", "case"),
        [
            (None, 8.0, InfCase.LOS),
            (clutter(0.0), 8.0, InfCase.LOS),
            (clutter(0.2), 1.5, InfCase.SPARSE_LOW),
            (clutter(0.6, "6 m", "2 m"), 1.5, InfCase.DENSE_LOW),
            (clutter(0.2), 8.0, InfCase.SPARSE_HIGH),
            (clutter(0.6, "6 m", "2 m"), 8.0, InfCase.DENSE_HIGH),
            (clutter(0.4), 8.0, InfCase.DENSE_HIGH),
            (clutter(0.6, "1 m"), 8.0, InfCase.HIGH_HIGH),
        ],
    )
    def test_from_clutter_and_heights(
        self, what: Clutter | None, station_m: float, case: InfCase
    ) -> None:
        assert inf_case(clutter=what, station_height_m=station_m, client_height_m=1.5) is case

    def test_sight_between_low_antennas(self) -> None:
        # k = -10 / ln 0.8 = 44.814 m; exp(-50 / 44.814)
        chance = line_of_sight_probability(
            case=InfCase.SPARSE_LOW,
            ground_distance_m=50.0,
            clutter=clutter(0.2),
            station_height_m=1.5,
            client_height_m=1.5,
        )
        assert chance == pytest.approx(0.32768, abs=1e-5)

    def test_sight_from_above_the_clutter(self) -> None:
        # k = -2 / ln 0.4 * (8 - 1.5) / (6 - 1.5) = 2.18271 * 1.44444 = 3.15281 m
        chance = line_of_sight_probability(
            case=InfCase.DENSE_HIGH,
            ground_distance_m=10.0,
            clutter=clutter(0.6, "6 m", "2 m"),
            station_height_m=8.0,
            client_height_m=1.5,
        )
        assert chance == pytest.approx(math.exp(-10 / 3.15281), rel=1e-4)

    def test_certain_sight(self) -> None:
        for case in (InfCase.LOS, InfCase.HIGH_HIGH):
            assert (
                line_of_sight_probability(
                    case=case,
                    ground_distance_m=100.0,
                    clutter=clutter(0.5),
                    station_height_m=8.0,
                    client_height_m=8.0,
                )
                == 1.0
            )


class TestWalls:
    def test_crossing_touching_and_missing(self) -> None:
        divider = wall((10, 0), (10, 20))
        assert crosses(divider, (0, 10), (20, 10))
        assert crosses(divider, (0, 10), (10, 10))
        assert crosses(divider, (0, 30), (20, 10))  # through the wall's end
        assert not crosses(divider, (0, 10), (9.9, 10))
        assert not crosses(divider, (0, 21), (20, 21))
        assert not crosses(divider, (10, 25), (10, 30))  # in line with it, beyond its end
        assert crosses(divider, (10, 15), (10, 30))  # along it

    def test_losses_add_up(self) -> None:
        materials = {"concrete": material("concrete", "12 dB"), "glass": material("glass", "3 dB")}
        walls = [wall((10, 0), (10, 20)), wall((15, 0), (15, 20), "glass")]
        assert wall_loss_db(walls=walls, materials=materials, start=(0, 5), end=(20, 5)) == 15
        assert wall_loss_db(walls=walls, materials=materials, start=(0, 5), end=(12, 5)) == 12
        assert wall_loss_db(walls=walls, materials=materials, start=(0, 5), end=(5, 5)) == 0


class TestReception:
    def test_free_space_is_the_least_loss(self) -> None:
        # 20 log10(4 pi * 1 m * 1 GHz / c) = 32.45 dB, above the model's 31.84 dB
        assert free_space_loss_db(distance_m=1.0, carrier_hz=1e9) == pytest.approx(32.448, abs=1e-3)
        heard = reception(
            station=place("bs", 0.0, 0.0),
            client=place("ue", 1.0, 0.0),
            floor=floor(),
            materials={},
            carrier_hz=1e9,
            bandwidth_hz=20e6,
        )
        assert heard.loss_db == pytest.approx(32.448, abs=1e-3)

    def test_link_budget_both_ways(self) -> None:
        # Ground distance 30 m, heights 41.5 and 1.5 m: 50 m in space, in sight: 79.27 dB
        heard = reception(
            station=place("bs", 0.0, 0.0, 41.5, values=radio("30 dBm", "6 dBi", "5 dB")),
            client=place("ue", 30.0, 0.0, values=radio("23 dBm", "0 dBi", "9 dB")),
            floor=floor(walls=[{"from": ["15 m", "-5 m"], "to": ["15 m", "5 m"], "material": "c"}]),
            materials={"c": material("c", "10 dB")},
            carrier_hz=CARRIER_HZ,
            bandwidth_hz=100e6,
        )
        assert heard.distance_m == 50.0
        assert heard.loss_db == pytest.approx(89.27, abs=0.005)
        # 30 + 6 - 89.27; noise -174 + 80 + 9
        assert heard.downlink_dbm == pytest.approx(-53.27, abs=0.005)
        assert heard.downlink_snr_db == pytest.approx(31.73, abs=0.005)
        # 23 + 6 - 89.27; noise -174 + 80 + 5
        assert heard.uplink_snr_db == pytest.approx(28.73, abs=0.005)

    def test_noise(self) -> None:
        assert noise_dbm(bandwidth_hz=100e6, noise_figure_db=5.0) == pytest.approx(-89.0)

    def test_the_best_station_serves_each_place(self) -> None:
        served = best_server(
            stations=[place("b", 100.0, 0.0), place("a", 0.0, 0.0)],
            clients=[place("ue", x, 0.0) for x in (10.0, 50.0, 90.0)],
            floor=floor(),
            materials={},
            carrier_hz=CARRIER_HZ,
            bandwidth_hz=20e6,
        )
        assert [heard.station for heard in served] == ["a", "a", "b"]  # a draw goes to "a"

    def test_height_from_place_catalogue_or_default(self) -> None:
        mast = RadioValues.model_validate(
            {
                "transmit_power": sourced("24 dBm"),
                "antenna_gain": sourced("0 dB"),
                "noise_figure": sourced("5 dB"),
                "antenna_height": sourced("6 m"),
            }
        )
        assert place("a", 0.0, 0.0, 3.0, values=mast).height_m == 3.0
        assert place("a", 0.0, 0.0, values=mast).height_m == 6.0
        assert place("a", 0.0, 0.0).height_m == 1.5


class TestRoute:
    def test_points_are_at_most_a_step_apart(self) -> None:
        route = Route.model_validate(
            {"points": [["0 m", "0 m"], ["10 m", "0 m"], ["10 m", "5 m"]], "speed": "1 m/s"}
        )
        points = route_points(route=route, step_m=4.0)
        # 10 m in 3 pieces, 5 m in 2
        assert len(points) == 6
        assert [points[index] for index in (0, 3, 5)] == [(0, 0), (10, 0), (10, 5)]
        steps = [math.dist(a, b) for a, b in itertools.pairwise(points)]
        assert max(steps) <= 4.0

    def test_a_route_that_stands_still(self) -> None:
        route = Route.model_validate({"points": [["1 m", "1 m"], ["1 m", "1 m"]], "speed": "1 m/s"})
        expected: tuple[Point, ...] = ((1, 1), (1, 1))
        assert route_points(route=route, step_m=1.0) == expected


class TestFindings:
    def test_model_ranges(self) -> None:
        far = reception(
            station=place("bs", 0.0, 0.0),
            client=place("ue", 700.0, 0.0),
            floor=floor(),
            materials={},
            carrier_hz=CARRIER_HZ,
            bandwidth_hz=20e6,
        )
        findings = floor_findings(
            floor=floor(height="3 m", clutter={"density": 0.3, "height": "10 m", "size": "2 m"}),
            materials={},
            carrier_hz=0.4e9,
            receptions=[far],
        )
        assert {finding.code for finding in findings} == {"RADIO-MODEL-RANGE"}
        assert [finding.found for finding in findings] == ["0.4 GHz", "3 m", "10 m", "700 m"]

    def test_unknown_material(self) -> None:
        (finding,) = floor_findings(
            floor=floor(
                walls=[{"from": ["0 m", "0 m"], "to": ["1 m", "0 m"], "material": "jelly"}]
            ),
            materials={"concrete": material("concrete", "12 dB")},
            carrier_hz=CARRIER_HZ,
        )
        assert finding.code == "RADIO-MATERIAL-UNKNOWN"
        assert (finding.expected, finding.found) == ("concrete", "jelly")

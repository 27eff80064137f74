# SPDX-License-Identifier: Apache-2.0
"""Networks on which other tools were measured: no flow's bound is above the lowest of theirs.

Source of the values, in microseconds: panco (TFA, SFA, PLP, ELP), xTFA and NetCal DNC (TFA, SFA, PMOO,
tandem matching, LUDB) run through Saihu, the lowest of all for each flow, printed with two digits.
"""

from __future__ import annotations

import pytest

from emulator.bench.networks import mesh, ring, tandem
from netplan.bounds.fluid.analysis import fluid_bounds
from netplan.bounds.fluid.stations import stations_of
from netplan.bounds.fluid.tfa import total_flow_analysis
from netplan.plan.fluid import FluidNetwork

US = 10**6
HALF_A_DIGIT_US = 0.005

TANDEM_8 = (1026.83, 292.0, 273.6, 290.2, 307.3, 324.26, 341.14, 199.51)
TANDEM_20 = (
    *(2863.32, 292.0, 273.6, 290.2, 307.3, 324.26, 341.14, 358.76, 377.07, 395.61),
    *(414.41, 433.47, 452.82, 472.49, 492.48, 512.83, 533.56, 554.69, 576.27, 319.49),
)
RING_5 = (702.79, 718.1, 718.37, 716.55, 714.39)
RING_8 = (1189.34, 1208.09, 1212.7, 1212.17, 1209.29, 1207.66, 1206.89, 1201.89)
MESH = (2617.75, 2724.89, 2511.32, 2794.6, 2671.31, 2828.89, 2753.82, 3037.1) * 2


def bounds_us(network: FluidNetwork) -> list[float]:
    rows = fluid_bounds(network)
    assert all(row.bound_ps is not None for row in rows)
    return [float(row.bound_ps or 0) / US for row in rows]


@pytest.mark.parametrize(
    ("network", "published_us"),
    [
        pytest.param(tandem(8), TANDEM_8, id="tandem08"),
        pytest.param(tandem(20), TANDEM_20, id="tandem20"),
        pytest.param(ring(5), RING_5, id="ring05"),
        pytest.param(ring(8), RING_8, id="ring08"),
        pytest.param(mesh(4), MESH, id="mesh09"),
    ],
)
def test_no_bound_is_above_the_lowest_published(
    network: FluidNetwork, published_us: tuple[float, ...]
) -> None:
    for own_us, peer_us in zip(bounds_us(network), published_us, strict=True):
        assert own_us <= peer_us * (1 + 1e-6) + HALF_A_DIGIT_US


def test_all_dates_give_the_exact_worst_case_of_a_small_tandem() -> None:
    # ELP of panco, which is exact on trees.
    assert bounds_us(tandem(4)) == pytest.approx([427.2, 292.0, 268.0, 162.8], rel=1e-8)


@pytest.mark.parametrize(
    ("network", "published_us"),
    [
        pytest.param(tandem(20), 5850.33, id="tandem20"),
        pytest.param(ring(8), 1511.72, id="ring08"),
        pytest.param(mesh(4), 3345.93, id="mesh09"),
    ],
)
def test_total_flow_analysis_agrees_with_others(network: FluidNetwork, published_us: float) -> None:
    stations = stations_of(network)
    total_flow_analysis(stations)
    largest_us = max(
        sum(
            float(stations.stations[stations.steps[step].station_index].delay_ps or 0) / US
            for step in stations.path(end)
        )
        for _, end in stations.ends
    )
    assert largest_us == pytest.approx(published_us, abs=HALF_A_DIGIT_US)


def test_a_larger_ring_is_bounded_by_linear_program() -> None:
    rows = fluid_bounds(ring(12))
    assert {row.method for row in rows} == {"linear program, few dates"}
    assert len({row.bound_ps for row in rows}) == 1  # all flows of the ring are alike


def test_a_ring_that_total_flow_analysis_gives_up_is_bounded() -> None:
    network = ring(6, load_bps=99_000_000)
    stations = stations_of(network)
    total_flow_analysis(stations)
    assert all(station.delay_ps is None for station in stations.stations)
    assert all(row.bound_ps is not None for row in fluid_bounds(network))

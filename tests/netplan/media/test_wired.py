# SPDX-License-Identifier: Apache-2.0
"""Copper and point-to-point fibre: propagation, limits, optical budget, the wire."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.catalog.model import Copper, Fibre, Transceiver
from netplan.media import ethernet, fibre
from netplan.media.frames import wire_time_ps
from netplan.media.interface import Crossing, ServiceCurve, TermKind, WireMechanism
from netplan.media.terms import wire_service

GBIT = 10**9


def sourced(value: object) -> dict[str, object]:
    return {"value": value, "source": "test"}


@pytest.fixture
def cable() -> Copper:
    return Copper.model_validate(
        {
            "kind": "copper",
            "id": "cat6a",
            "name": "Category 6A",
            "checked_on": date(2026, 1, 1),
            "propagation": sourced("5.5 ns/m"),
            "largest_length": sourced("100 m"),
            "largest_rate": sourced("10 Gbit/s"),
        }
    )


@pytest.fixture
def single_mode() -> Fibre:
    return Fibre.model_validate(
        {
            "kind": "fibre",
            "id": "g652d",
            "name": "G.652.D",
            "checked_on": date(2026, 1, 1),
            "mode": "single",
            "propagation": sourced("4.9 ns/m"),
            "losses": [
                {"wavelength": "1310 nm", "attenuation": "0.35 dB/km", "source": "test"},
                {"wavelength": "1550 nm", "attenuation": "0.22 dB/km", "source": "test"},
            ],
            "connector_loss": sourced("0.5 dB"),
            "splice_loss": sourced("0.1 dB"),
        }
    )


@pytest.fixture
def module() -> Transceiver:
    return Transceiver.model_validate(
        {
            "kind": "transceiver",
            "id": "lx10",
            "name": "1000BASE-LX10",
            "checked_on": date(2026, 1, 1),
            "mode": "single",
            "line_rate": sourced("1 Gbit/s"),
            "wavelength": sourced("1310 nm"),
            "largest_length": sourced("10 km"),
            "transmit_min": sourced("-9 dBm"),
            "transmit_max": sourced("-3 dBm"),
            "receive_min": sourced("-19.5 dBm"),
            "receive_max": sourced("-3 dBm"),
        }
    )


def codes(crossing: Crossing) -> list[str]:
    return [finding.code for finding in crossing.findings]


class TestCopper:
    def test_twelve_metres_at_one_gigabit(self, cable: Copper) -> None:
        crossing = ethernet.crossing(line_bps=GBIT, length_m=12.0, cable=cable)
        # 12 m * 5500 ps/m
        (term,) = crossing.terms
        assert (term.kind, term.min_ps, term.max_ps) == (TermKind.PROPAGATION, 66_000, 66_000)
        assert term.what == "12 m of cat6a"
        assert crossing.mechanism == WireMechanism(line_bps=GBIT, lead_octets=8, tail_octets=12)
        assert isinstance(crossing.service, ServiceCurve)
        assert (crossing.service.rate_bps, crossing.service.latency_ps) == (GBIT, 0)
        assert crossing.findings == ()

    def test_odd_length_is_rounded_outward(self, cable: Copper) -> None:
        (term,) = ethernet.crossing(line_bps=GBIT, length_m=0.0001, cable=cable).terms
        assert (term.min_ps, term.max_ps) == (0, 1)  # 0.55 ps

    def test_too_long_and_too_fast(self, cable: Copper) -> None:
        crossing = ethernet.crossing(line_bps=25 * GBIT, length_m=120.0, cable=cable)
        assert codes(crossing) == ["ETHERNET-CABLE-LONG", "ETHERNET-CABLE-SLOW"]
        long, slow = crossing.findings
        assert "120 m of cat6a is 20 m longer" in long.message
        assert long.expected == "at most 100 m (test)"
        assert (slow.expected, slow.found) == ("at most 10 Gbit/s (test)", "25 Gbit/s")


class TestFibre:
    def test_budget_closes(self, single_mode: Fibre, module: Transceiver) -> None:
        crossing = fibre.crossing(
            line_bps=GBIT,
            length_m=2000.0,
            fibre=single_mode,
            transceiver=module,
            connectors=2,
            splices=3,
        )
        assert crossing.findings == ()
        assert crossing.terms[0].max_ps == 9_800_000  # 2000 m * 4900 ps/m
        # 2 * 0.35 + 2 * 0.5 + 3 * 0.1 = 2.0 dB; -9 - 2 + 19.5 = 8.5 dB
        assert "loses 2.00 dB at 1310 nm, which leaves 8.50 dB" in crossing.assumptions[0]

    def test_too_little_power(self, single_mode: Fibre, module: Transceiver) -> None:
        crossing = fibre.crossing(
            line_bps=GBIT,
            length_m=10_000.0,
            fibre=single_mode,
            transceiver=module,
            connectors=16,
            splices=0,
        )
        # 3.5 + 8 = 11.5 dB; -9 - 11.5 = -20.5 dBm against -19.5 dBm
        (finding,) = crossing.findings
        assert finding.code == "FIBRE-POWER-LOW"
        assert "11.50 dB of loss is 1.00 dB more" in finding.message
        assert finding.found == "-20.50 dBm from the weakest transmitter"

    def test_too_much_power(self, single_mode: Fibre, module: Transceiver) -> None:
        strong = module.model_copy(
            update={"transmit_max_dbm": module.transmit_max_dbm.model_copy(update={"value": 2.0})}
        )
        crossing = fibre.crossing(
            line_bps=GBIT,
            length_m=100.0,
            fibre=single_mode,
            transceiver=strong,
            connectors=2,
            splices=0,
        )
        # 0.035 + 1 = 1.035 dB; 2 - 1.035 = 0.965 dBm against -3 dBm: 3.965 dB too much
        (finding,) = crossing.findings
        assert finding.code == "FIBRE-POWER-HIGH"
        assert finding.hint == "fit an 'attenuator' of 4.0 dB or more"

    def test_everything_that_does_not_fit(self, single_mode: Fibre, module: Transceiver) -> None:
        multi = single_mode.model_copy(update={"mode": "multi", "id": "om3"})
        crossing = fibre.crossing(
            line_bps=10 * GBIT,
            length_m=11_000.0,
            fibre=multi,
            transceiver=module,
            connectors=0,
            splices=0,
        )
        assert codes(crossing) == ["FIBRE-MODE-MISMATCH", "FIBRE-RATE-MISMATCH", "FIBRE-LINK-LONG"]
        assert "made for single-mode fibre, but om3 is multi-mode" in crossing.findings[0].message

    def test_unknown_wavelength_is_said(self, single_mode: Fibre, module: Transceiver) -> None:
        odd = module.model_copy(
            update={"wavelength_nm": module.wavelength_nm.model_copy(update={"value": 850})}
        )
        crossing = fibre.crossing(
            line_bps=GBIT,
            length_m=10.0,
            fibre=single_mode,
            transceiver=odd,
            connectors=5,
            splices=0,
        )
        assert "FIBRE-WAVELENGTH-UNKNOWN" in codes(crossing)


@given(line_bps=st.integers(10**6, 10**11), sizes=st.lists(st.integers(84, 1542), min_size=1))
def test_wire_service_is_never_faster_than_rounded_wire_times(
    line_bps: int, sizes: list[int]
) -> None:
    service = wire_service(line_bps=line_bps, source="test")
    busy_ps = sum(wire_time_ps(size, line_bps) for size in sizes)
    promised_ps = Fraction(8 * sum(sizes) * 10**12, service.rate_bps)
    assert busy_ps <= promised_ps
    assert service.rate_bps <= line_bps


@given(length_m=st.floats(0, 1e5), more_m=st.floats(0, 1e5))
def test_longer_is_never_earlier(length_m: float, more_m: float) -> None:
    cable = Copper.model_validate(
        {
            "kind": "copper",
            "id": "c",
            "name": "c",
            "checked_on": date(2026, 1, 1),
            "propagation": sourced("5 ns/m"),
            "largest_length": sourced("100 m"),
            "largest_rate": sourced("1 Gbit/s"),
        }
    )
    (near,) = ethernet.crossing(line_bps=GBIT, length_m=length_m, cable=cable).terms
    (far,) = ethernet.crossing(line_bps=GBIT, length_m=length_m + more_m, cable=cable).terms
    assert near.min_ps <= near.max_ps <= near.min_ps + 1
    assert near.min_ps <= far.min_ps
    assert near.max_ps <= far.max_ps

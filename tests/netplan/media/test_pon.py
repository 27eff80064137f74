# SPDX-License-Identifier: Apache-2.0
"""Passive optical networks: frames, grants, both directions, optical budget."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.catalog.loader import Catalog
from netplan.catalog.model import Fibre, PonClass, PonSystem
from netplan.design.findings import Finding, Severity
from netplan.design.networks import PonNetwork
from netplan.media import pon
from netplan.media.interface import GrantMechanism, NoService, ServiceCurve, WireMechanism
from netplan.media.optical import FibrePiece, attenuation_db_per_km, odn_loss_db
from netplan.media.pon_budget import OnuPath, budget_findings, reach_by_loss_m
from netplan.media.pon_frames import allocation, codeword, downstream_payload_octets, frame_octets

CATALOG = Catalog.load()
US = 1_000_000


def xgs() -> PonSystem:
    system = CATALOG.get(PonSystem, "xgs-pon")
    assert system is not None
    return system


def gpon() -> PonSystem:
    system = CATALOG.get(PonSystem, "gpon")
    assert system is not None
    return system


def pon_class(entry_id: str) -> PonClass:
    entry = CATALOG.get(PonClass, entry_id)
    assert entry is not None
    return entry


def single_mode() -> Fibre:
    entry = CATALOG.get(Fibre, "g652d")
    assert entry is not None
    return entry


def network(**values: object) -> PonNetwork:
    return PonNetwork.model_validate(
        {
            "kind": "pon",
            "system": "xgs-pon",
            "budget": "xgs-pon-n1",
            "reach": "2 km",
            "grant": "20 Mbit/s",
            **values,
        }
    )


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


class TestFrames:
    @pytest.mark.parametrize(
        ("line_bps", "octets"),
        [
            # Reference: pon.md section 4: rate * 125 us / 8
            pytest.param(2_488_320_000, 38_880, id="gpon-down"),
            pytest.param(1_244_160_000, 19_440, id="gpon-up"),
            pytest.param(9_953_280_000, 155_520, id="xgs"),
        ],
    )
    def test_octets_of_a_frame(self, line_bps: int, octets: int) -> None:
        assert frame_octets(line_bps, 125 * US) == octets

    def test_codewords_fill_the_xgs_frame_exactly(self) -> None:
        # 155 520 - 24 = 627 * 248, each with 216 octets of data
        code = codeword(octets=248, payload_ratio=0.870967)
        assert (code.payload_octets, code.parity_octets) == (216, 32)
        assert code.data_octets(155_520 - 24) == 627 * 216 == 135_432

    def test_shortened_codeword_keeps_its_parity(self) -> None:
        code = codeword(octets=248, payload_ratio=216 / 248)
        assert code.line_octets(217) == 217 + 2 * 32
        assert code.data_octets(217 + 64) == 217
        assert code.data_octets(248 + 20) == 216  # 20 octets are less than the parity

    @given(data=st.integers(0, 10_000))
    def test_what_is_put_on_the_line_comes_off_it(self, data: int) -> None:
        code = codeword(octets=255, payload_ratio=239 / 255)
        assert code.data_octets(code.line_octets(data)) == data

    def test_without_error_correction_nothing_is_lost(self) -> None:
        code = codeword(octets=0, payload_ratio=1.0)
        assert code.data_octets(1000) == code.line_octets(1000) == 1000
        assert code.payload_ratio == 1

    def test_downstream_payload_less_map_and_one_header(self) -> None:
        # 135 432 - 32 * 8 - 8
        assert downstream_payload_octets(system=xgs(), allocation_count=32) == 135_168


class TestDownstream:
    def test_rate_and_terms(self) -> None:
        crossing = pon.downstream(system=xgs(), distance_m=1000.0, allocation_count=32)
        # 135 168 octets in 125 us
        assert crossing.mechanism == WireMechanism(
            line_bps=8_650_752_000, lead_octets=8, tail_octets=0
        )
        propagation, framing = crossing.terms
        assert (propagation.min_ps, propagation.max_ps) == (4_900_000, 4_900_000)
        # map and header 264 octets of data need 2 codewords' parity: 264 + 64 = 328; with 24 of
        # frame header and a codeword of 248: 600 octets = 4800 bit at 9.95328 Gbit/s = 482 253.1 ps
        assert (framing.min_ps, framing.max_ps) == (0, 482_254)
        assert isinstance(crossing.service, ServiceCurve)
        assert crossing.service.latency_ps == 0
        # 72 octets take 66 584 ps instead of 66 583.6..: less than a part in 10^5
        assert 8_650_600_000 < crossing.service.rate_bps < 8_650_752_000

    def test_a_map_that_fills_the_frame(self) -> None:
        crossing = pon.downstream(system=gpon(), distance_m=10.0, allocation_count=10_000)
        assert codes(crossing.findings) == ["PON-MAP-FULL"]


class TestUpstream:
    def test_four_bursts_a_frame(self) -> None:
        crossing = pon.upstream(
            network=network(bursts_per_frame=4), system=xgs(), onu_count=16, distance_m=500.0
        )
        mechanism = crossing.mechanism
        assert isinstance(mechanism, GrantMechanism)
        assert mechanism.cycle_ps == 125 * US
        assert mechanism.openings_ps == (0, 31_250_000, 62_500_000, 93_750_000)
        # 20 Mbit/s * 125 us / 8 / 4 = 78.1 octets, less a header of 8
        assert mechanism.quota_octets == 70
        assert mechanism.serial_bps == 8_668_985_806  # 9.95328e9 * 216 / 248
        assert mechanism.fragments
        assert mechanism.phase_ps is None
        service = crossing.service
        assert isinstance(service, ServiceCurve)
        assert service.rate_bps == 17_920_000  # 70 * 8 bit in 31.25 us
        # Ta and a picosecond for each frame that may end in the grant: 70 // 72 + 2
        assert service.latency_ps == 31_250_000 + 2
        assert service.exceedance_probability == 0

    def test_terms(self) -> None:
        burst, propagation, decoding = pon.upstream(
            network=network(), system=xgs(), onu_count=1, distance_m=1000.0
        ).terms
        # 200 ns; burst header of 8 octets with 32 of parity: 40 octets = 32 150.2 ps
        assert (burst.min_ps, burst.max_ps) == (200_000, 232_151)
        assert propagation.max_ps == 4_900_000
        assert decoding.max_ps == 199_332  # 248 octets: 199 331.3 ps

    def test_bursts_that_do_not_divide_the_frame(self) -> None:
        crossing = pon.upstream(
            network=network(bursts_per_frame=3), system=xgs(), onu_count=4, distance_m=1.0
        )
        assert isinstance(crossing.mechanism, GrantMechanism)
        assert crossing.mechanism.openings_ps == (0, 41_666_666, 83_333_333)
        assert isinstance(crossing.service, ServiceCurve)
        # the largest gap is 41 666 667; 104 octets less the header, 96 // 72 + 2 = 3
        assert 41_666_667 + 3 <= crossing.service.latency_ps <= 41_666_667 + 4

    def test_grant_that_holds_no_data(self) -> None:
        crossing = pon.upstream(
            network=network(grant="1 Mbit/s", bursts_per_frame=16),
            system=xgs(),
            onu_count=1,
            distance_m=1.0,
        )
        assert codes(crossing.findings) == ["PON-GRANT-SMALL"]
        assert isinstance(crossing.service, NoService)

    def test_assumptions_name_the_mode(self) -> None:
        text = " ".join(
            pon.upstream(network=network(), system=xgs(), onu_count=1, distance_m=1.0).assumptions
        )
        assert "fixed grant of 312 octets" in text
        assert "No quiet window" in text


class TestAllocation:
    def test_figures(self) -> None:
        fill = allocation(network=network(bursts_per_frame=4), system=xgs(), onu_count=16)
        assert fill.grant_octets == 78
        # 78 + 8 octets of data, one codeword's parity of 32: 118 octets at 9.95328 Gbit/s, 200 ns
        burst_ps = 200_000 + Fraction(118 * 8 * 10**12, 9_953_280_000)
        assert fill.burst_ps == burst_ps
        assert fill.used_ps == 64 * burst_ps
        (note,) = pon.allocation_findings(
            network=network(bursts_per_frame=4), system=xgs(), onu_count=16
        )
        assert note.severity is Severity.NOTE
        # 64 * 294.84 ns = 18.87 us of 125 us
        assert "18.87 us of 125 us upstream, 15.1% of the frame" in note.message

    def test_burst_overhead_alone_can_exceed_the_frame(self) -> None:
        # 64 ONUs * 16 bursts * 200 ns = 204.8 us
        (finding,) = pon.allocation_findings(
            network=network(bursts_per_frame=16), system=xgs(), onu_count=64
        )
        assert finding.code == "PON-GRANTS-EXCEED-FRAME"
        assert "204.8 us is burst overhead" in finding.found
        assert finding.expected == "at most 125 us"

    def test_sum_of_grants_can_exceed_the_frame(self) -> None:
        (finding,) = pon.allocation_findings(
            network=network(grant="600 Mbit/s"), system=xgs(), onu_count=16
        )
        assert finding.severity is Severity.ERROR


class TestLoss:
    def test_attenuation_between_listed_wavelengths(self) -> None:
        fibre = single_mode()
        assert attenuation_db_per_km(fibre, 1310) == pytest.approx(0.35)
        # half way from 1270 nm (0.40) to 1310 nm (0.35)
        assert attenuation_db_per_km(fibre, 1290) == pytest.approx(0.375)
        assert attenuation_db_per_km(fibre, 1260) == pytest.approx(0.40)
        assert attenuation_db_per_km(fibre, 1600) == pytest.approx(0.23)

    def test_sum_of_the_parts(self) -> None:
        pieces = [
            FibrePiece(fibre=single_mode(), length_m=800.0, connectors=2, splices=2),
            FibrePiece(fibre=single_mode(), length_m=200.0, connectors=2, splices=2),
        ]
        # 1 km * 0.35 + 4 * 0.5 + 4 * 0.1 + 17
        loss_db = odn_loss_db(pieces=pieces, splitter_losses_db=[17.0], wavelength_nm=1310)
        assert loss_db == pytest.approx(19.75)

    def test_reach_of_the_reference_example(self) -> None:
        # Reference: pon.md section 3: GPON B+, 1:64, 2 connectors, 4 splices, margin 1
        reach_m = reach_by_loss_m(
            loss_max_db=28, passive_loss_db=20.5 + 1 + 0.4, margin_db=1, fibre_db_per_km=0.35
        )
        assert reach_m == pytest.approx(14_571.4, abs=0.1)

    @given(length_m=st.floats(0, 1e5), more_m=st.floats(0, 1e5))
    def test_loss_grows_with_length(self, length_m: float, more_m: float) -> None:
        def loss_db(metres: float) -> float:
            piece = FibrePiece(fibre=single_mode(), length_m=metres)
            return odn_loss_db(pieces=[piece], splitter_losses_db=[], wavelength_nm=1577)

        assert loss_db(length_m) <= loss_db(length_m + more_m)


def path(**values: object) -> OnuPath:
    settings: dict[str, object] = {
        "onu": "onu1",
        "distance_m": 1000.0,
        "downstream_loss_db": 20.0,
        "upstream_loss_db": 20.2,
        "split_count": 32,
        **values,
    }
    return OnuPath(**settings)  # type: ignore[arg-type]  # any field


class TestBudget:
    def findings(
        self, *paths: OnuPath, budget: str = "xgs-pon-n1", **values: object
    ) -> tuple[Finding, ...]:
        return budget_findings(
            network=network(**values), system=xgs(), budget=pon_class(budget), paths=paths
        )

    def test_a_good_plant_has_no_findings(self) -> None:
        assert self.findings(path(), path(onu="onu2", distance_m=200.0)) == ()

    def test_loss_at_the_limits(self) -> None:
        # class 14 to 29 dB, margin 1 dB
        assert self.findings(path(downstream_loss_db=28.0, upstream_loss_db=28.0)) == ()
        assert self.findings(path(downstream_loss_db=14.0, upstream_loss_db=14.0)) == ()

    def test_too_much_loss_in_one_direction(self) -> None:
        (finding,) = self.findings(path(upstream_loss_db=28.5))
        assert finding.code == "PON-LOSS-HIGH"
        assert "onu1 upstream: 28.50 dB and 1 dB of margin" in finding.message
        assert "by 0.50 dB" in finding.message
        # 4 - 29.5 - 1
        assert "-26.50 dBm with margin and penalty" in finding.found

    def test_too_little_loss_asks_for_an_attenuator(self) -> None:
        down, up = self.findings(path(downstream_loss_db=9.0, upstream_loss_db=9.5))
        assert (down.code, up.code) == ("PON-LOSS-LOW", "PON-LOSS-LOW")
        assert down.hint == "fit an attenuator of 5.0 dB or more"
        assert "-4.00 dBm from the strongest transmitter" in down.found

    def test_short_plant_overloads_b_plus(self) -> None:
        # Reference: pon.md section 3: B+ with 1:2 and 200 m overloads: 3.8 + 0.07 + 1 dB
        (down, up) = budget_findings(
            network=network(),
            system=gpon(),
            budget=pon_class("gpon-b-plus"),
            paths=[path(downstream_loss_db=4.87, upstream_loss_db=4.87, split_count=2)],
        )
        assert (down.code, up.code) == ("PON-LOSS-LOW", "PON-LOSS-LOW")

    def test_spread_reach_and_split(self) -> None:
        findings = self.findings(
            path(onu="near", distance_m=100.0, downstream_loss_db=14.0, upstream_loss_db=14.0),
            path(
                onu="far",
                distance_m=21_000.0,
                downstream_loss_db=28.0,
                upstream_loss_db=28.0,
                split_count=512,
            ),
            margin="0 dB",
        )
        assert codes(findings) == [
            "PON-REACH",
            "PON-REACH-CONFIGURED",
            "PON-SPLIT",
            "PON-DIFFERENTIAL-REACH",
        ]
        assert findings[1].found == "reach: 2000 m"

    def test_differential_loss(self) -> None:
        wide = pon_class("xgs-pon-n1").model_copy(
            update={
                "loss_min_db": pon_class("xgs-pon-n1").loss_min_db.model_copy(update={"value": 0.0})
            }
        )
        findings = budget_findings(
            network=network(),
            system=xgs(),
            budget=wide,
            paths=[
                path(onu="a", downstream_loss_db=14.0, upstream_loss_db=12.0),
                path(onu="b", downstream_loss_db=28.0, upstream_loss_db=28.0),
            ],
        )
        # 16 dB upstream; 12 dB upstream also overloads: 9 - 12 = -3 dBm against -5 dBm
        assert codes(findings) == ["PON-LOSS-LOW", "PON-DIFFERENTIAL-LOSS"]
        assert findings[1].found == "12.00 to 28.00 dB"

    def test_class_of_another_system(self) -> None:
        findings = self.findings(path(), budget="gpon-b-plus")
        assert "PON-CLASS-OF-OTHER-SYSTEM" in codes(findings)
        assert self.findings() == ()

    @pytest.mark.parametrize("entry_id", CATALOG.ids(PonClass))
    def test_shipped_classes_are_consistent(self, entry_id: str) -> None:
        """Reference: pon.md: Tx_min - sensitivity = max + penalty; Tx_max - min <= overload."""
        entry = pon_class(entry_id)
        assert entry.olt_transmit_min_dbm.value - entry.onu_sensitivity_dbm.value == pytest.approx(
            entry.loss_max_db.value + entry.downstream_penalty_db.value
        )
        assert entry.onu_transmit_min_dbm.value - entry.olt_sensitivity_dbm.value == pytest.approx(
            entry.loss_max_db.value + entry.upstream_penalty_db.value
        )
        least_db = entry.loss_min_db.value
        assert entry.olt_transmit_max_dbm.value - least_db <= entry.onu_overload_dbm.value
        assert entry.onu_transmit_max_dbm.value - least_db <= entry.olt_overload_dbm.value

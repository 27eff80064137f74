# SPDX-License-Identifier: Apache-2.0
"""A private 5G network as a medium: grants, terms, service, and what is refused."""

from __future__ import annotations

import pytest

from netplan.design.networks import CellularNetwork
from netplan.media import cellular
from netplan.media.interface import Crossing, GrantMechanism, NoService, ServiceCurve, TermKind

US = 1_000_000


def network(**values: object) -> CellularNetwork:
    return CellularNetwork.model_validate(
        {
            "kind": "5g",
            "carrier": "3.75 GHz",
            "bandwidth": "100 MHz",
            "subcarrier_spacing": "30 kHz",
            "pattern": "DDDSU",
            "block_error": 0.01,
            **values,
        }
    )


def up(allowed: float = 1e-5, snr_db: float = 20.0, ues: int = 10, **values: object) -> Crossing:
    return cellular.uplink(
        network=network(**values), ue_count=ues, snr_db=snr_db, allowed_miss_ratio=allowed
    )


def mechanism(crossing: Crossing) -> GrantMechanism:
    assert isinstance(crossing.mechanism, GrantMechanism)
    return crossing.mechanism


def service(crossing: Crossing) -> ServiceCurve:
    assert isinstance(crossing.service, ServiceCurve)
    return crossing.service


def codes(crossing: Crossing) -> list[str]:
    return [finding.code for finding in crossing.findings]


class TestUplink:
    def test_mechanism(self) -> None:
        grant = mechanism(up())
        assert grant.cycle_ps == 2500 * US
        assert grant.openings_ps == (2000 * US,)
        assert grant.burst_ps == 500 * US
        assert grant.serial_bps == 0
        assert grant.fragments
        assert grant.retry_after_ps == 2500 * US  # see test_nr.py
        assert (grant.failure_probability, grant.max_retries) == (0.01, 4)
        # 27 blocks; 20 - 10 dB of margin - 0.9 dB = 9.1 dB: index 16, 4 bits, 658/1024;
        # 156 * 27 * 4 * 658/1024 = 10 826.2; n = 8; round(10 802.2 / 256) = 42 -> 10 752;
        # C = 2: 16 * ceil(10 776 / 16) - 24 = 10 760 bit = 1345 octets, less 8
        assert grant.quota_octets == 1337

    def test_terms(self) -> None:
        crossing = up()
        (prepare,) = crossing.before
        decode, core = crossing.terms
        # 12 / 2 units of 35.677 083 us, 10 / 2 units
        assert (prepare.min_ps, prepare.max_ps) == (214_062_500, 214_062_500)
        assert (decode.min_ps, decode.max_ps) == (178_385_416, 178_385_417)
        assert (core.min_ps, core.max_ps) == (100 * US, 500 * US)
        assert {term.kind for term in (prepare, decode, core)} == {TermKind.PROCESSING}

    def test_air(self) -> None:
        crossing = cellular.uplink(
            network=network(), ue_count=1, snr_db=20, allowed_miss_ratio=1e-5, distance_m=30.0
        )
        air = crossing.terms[0]
        # 30 m at c / 1.0005: 100.119 ns
        assert (air.kind, air.min_ps, air.max_ps) == (TermKind.PROPAGATION, 0, 100_120)

    def test_service_counts_retransmissions(self) -> None:
        curve = service(up(allowed=1e-5))
        # One opening within 2.5 ms: k = 1 leaves 1e-4 + ..., k = 2 leaves 1e-6 + 1e-8 and the
        # loss of one of 3 fragments (1529 // 1337 + 2): 3e-10
        assert curve.latency_ps == (2500 + 500 + 2 * 2500) * US
        assert curve.exceedance_probability == pytest.approx(1.0103e-6, rel=1e-6)
        assert curve.rate_bps == 8 * 1337 * 400
        # fewer when more frames may be late
        assert service(up(allowed=1e-3)).latency_ps == (2500 + 500 + 2500) * US

    def test_no_service_without_a_tolerated_share(self) -> None:
        crossing = up(allowed=0.0)
        assert isinstance(crossing.service, NoService)
        assert "state the tolerated share of late frames (misses: 1e-5)" in (
            crossing.service.because
        )

    def test_no_service_beyond_the_retries(self) -> None:
        crossing = up(allowed=1e-5, block_error=0.1)
        assert isinstance(crossing.service, NoService)
        assert "with 4 retransmissions that fail with probability 0.1 each" in (
            crossing.service.because
        )

    def test_assumptions(self) -> None:
        text = " ".join(up().assumptions)
        assert "27 resource blocks in each U slot of DDDSU; S slots carry no data." in text
        assert "Each transmission fails independently with probability 0.01" in text

    def test_more_ues_never_get_more(self) -> None:
        rates = [service(up(ues=ues)).rate_bps for ues in (1, 5, 20, 60)]
        assert rates == sorted(rates, reverse=True)

    def test_more_signal_is_never_slower(self) -> None:
        rates = [service(up(snr_db=snr)).rate_bps for snr in (10.0, 15.0, 20.0, 30.0)]
        assert rates == sorted(rates)


class TestDownlink:
    def test_openings_and_terms(self) -> None:
        crossing = cellular.downlink(
            network=network(resource_blocks_per_ue=20),
            ue_count=10,
            snr_db=20.0,
            allowed_miss_ratio=1e-5,
        )
        grant = mechanism(crossing)
        assert grant.openings_ps == (0, 500 * US, 1000 * US)
        # 132 * 20 * 4 * 658/1024 = 6785.6; n = 7; round(6761.6 / 128) = 53 -> 6784;
        # 8 * ceil(6808 / 8) - 24 = 6784 bit = 848 octets, less 8
        assert grant.quota_octets == 840
        core, prepare = crossing.before
        (decode,) = crossing.terms
        assert core.max_ps == 500 * US
        assert prepare.what == "gNB prepares (Tproc,2 / 2)"
        assert decode.what == "UE decodes (Tproc,1 / 2)"
        # Largest gap 1.5 ms; later openings are closer than the mean, so the line starts at
        # max(1.5, 2.0 - 0.833, 2.5 - 1.667, ...) = 1.5 ms; 3 openings in a retry of 2.5 ms:
        # k = 2: 3 * (1e-6 + 1e-8) and a loss below 1e-9
        assert service(crossing).latency_ps == (1500 + 500 + 2 * 2500) * US
        assert service(crossing).exceedance_probability == pytest.approx(3.03e-6, rel=1e-3)


class TestRefusals:
    @pytest.mark.parametrize(
        ("values", "code", "said"),
        [
            ({"carrier": "10 GHz"}, "CELLULAR-CARRIER-UNKNOWN", "410 MHz to 7.125 GHz"),
            (
                {"subcarrier_spacing": "45 kHz"},
                "CELLULAR-SPACING-UNKNOWN",
                "15 kHz, 30 kHz, 60 kHz",
            ),
            ({"bandwidth": "37 MHz"}, "CELLULAR-BANDWIDTH-UNKNOWN", "30 MHz, 40 MHz"),
            ({"pattern": "DDU"}, "CELLULAR-PATTERN-PERIOD", "a period such as"),
            ({"pattern": "DDDD"}, "CELLULAR-PATTERN-ONE-WAY", "at least one D and one U"),
            ({"resource_blocks_per_ue": 30}, "CELLULAR-BLOCKS-SHORT", "at most 27 blocks"),
            ({"block_error": 0}, "CELLULAR-ERROR-FREE", "block_error above 0"),
            (
                {"core_min": "1 ms", "core_max": "0.5 ms"},
                "CELLULAR-CORE-ORDER",
                "core_max of at least 1 ms",
            ),
        ],
    )
    def test_a_network_that_cannot_be(
        self, values: dict[str, object], code: str, said: str
    ) -> None:
        crossing = up(**values)  # type: ignore[arg-type]  # any field
        assert codes(crossing) == [code]
        assert said in crossing.findings[0].expected
        assert isinstance(crossing.service, NoService)

    def test_capability_2_in_the_millimetre_bands(self) -> None:
        crossing = up(
            carrier="26 GHz", subcarrier_spacing="120 kHz", bandwidth="100 MHz", capability=2
        )
        assert codes(crossing) == ["CELLULAR-CAPABILITY"]

    def test_too_many_ues(self) -> None:
        crossing = up(ues=300)
        assert codes(crossing) == ["CELLULAR-BLOCKS-SHORT"]
        assert crossing.findings[0].expected == "at most 273 UEs"

    def test_no_coverage(self) -> None:
        crossing = up(snr_db=7.0)
        assert codes(crossing) == ["CELLULAR-NO-COVERAGE"]
        # -2.9 + 0.9 + 10 dB of margin
        assert crossing.findings[0].expected == "at least 8.0 dB"
        assert "fade margin of 10 dB" in crossing.findings[0].found

    def test_a_slot_that_holds_headers_only(self) -> None:
        # 156 * 2 * 251/1024 = 76.5 bit: 72 bit = 9 octets, one more than the headers
        assert mechanism(up(snr_db=8.1, resource_blocks_per_ue=1)).quota_octets == 1
        # 132 * 2 * 251/1024 = 64.7 bit: 64 bit = 8 octets
        crossing = cellular.downlink(
            network=network(resource_blocks_per_ue=1),
            ue_count=1,
            snr_db=8.1,
            allowed_miss_ratio=1e-5,
        )
        assert codes(crossing) == ["CELLULAR-GRANT-SMALL"]
        assert "carries 8 octets" in crossing.findings[0].message

    def test_rare_errors_are_extrapolated_and_said(self) -> None:
        crossing = up(block_error=1e-5, snr_db=25.0)
        assert codes(crossing) == ["CELLULAR-ERROR-EXTRAPOLATED"]
        # p = 1e-5: the first transmission suffices, its loss and lateness are below 1.1e-5
        assert service(up(block_error=1e-6, snr_db=25.0)).latency_ps == 3000 * US

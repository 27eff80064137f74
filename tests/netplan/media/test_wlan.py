# SPDX-License-Identifier: Apache-2.0
"""WLAN: frame durations, rates, sensitivities, contention, and the polled network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.design.networks import IwlanNetwork
from netplan.media import iwlan
from netplan.media.interface import Crossing, GrantMechanism, NoService, ServiceCurve
from netplan.media.wlan_contention import (
    approximate_transmission_probability,
    best_transmission_probability,
    bianchi,
    fhss_times,
    largest_throughput_ratio,
    throughput_ratio,
)
from netplan.media.wlan_frames import (
    HE_DATA_TONES,
    LEGACY_BITS_PER_SYMBOL,
    VHT_DATA_TONES,
    bits_per_symbol,
    he_duration_ps,
    ht_duration_ps,
    legacy_duration_ps,
    mac_timing,
    rate_bps,
    sensitivity_dbm,
    vht_duration_ps,
)

US = 1_000_000


class TestDurations:
    @pytest.mark.parametrize(
        ("octets", "mbps", "us"),
        [
            # Reference: iwlan.md section 1: 12 310 bit / 216 = 57 symbols
            pytest.param(1536, 54, 248, id="reference"),
            # (16 + 1088 + 6) / 96 = 11.6: 12 symbols
            pytest.param(136, 24, 68, id="polling-frame"),
            # (16 + 112 + 6) / 24 = 5.6: 6 symbols
            pytest.param(14, 6, 44, id="acknowledgement"),
        ],
    )
    def test_legacy(self, octets: int, mbps: int, us: int) -> None:
        rate = mbps * 1_000_000
        assert legacy_duration_ps(psdu_octets=octets, rate_bps=rate) == us * US
        extension_ps = mac_timing(2.4e9).extension_ps
        assert (
            legacy_duration_ps(psdu_octets=octets, rate_bps=rate, extension_ps=extension_ps)
            == (us + 6) * US
        )

    def test_high_throughput(self) -> None:
        # 20 + 8 + 4 + 4; 8022 bit / 260 = 31 symbols of 4 us
        assert ht_duration_ps(psdu_octets=1000, bandwidth_mhz=20, mcs=7) == 160 * US
        # short guard interval: 31 * 3.6 = 111.6 us end on the next 4 us boundary
        assert ht_duration_ps(psdu_octets=1000, bandwidth_mhz=20, mcs=7, guard="short") == 148 * US

    def test_very_high_throughput(self) -> None:
        # 20 + 8 + 4 + 2 * 4 + 4; 12 022 bit / (234 * 8 * 5/6 * 2 = 3120) = 4 symbols
        duration_ps = vht_duration_ps(psdu_octets=1500, bandwidth_mhz=80, mcs=9, streams=2)
        assert duration_ps == 60 * US

    def test_high_efficiency(self) -> None:
        # 20 + 4 + 8 + 4 + 7.2 (2x training); 822 bit / 117 = 8 symbols of 13.6 us
        assert he_duration_ps(psdu_octets=100, unit_tones=242, mcs=0) == 152_000_000
        # triggered: 20 + 4 + 8 + 8 + (6.4 + 1.6); 822 / 24 = 35 symbols of 14.4 us; extension 16
        assert (
            he_duration_ps(
                psdu_octets=100,
                unit_tones=52,
                mcs=0,
                guard="double",
                trigger_based=True,
                packet_extension_ps=16 * US,
            )
            == 568 * US
        )

    @given(octets=st.integers(1, 4000), rate=st.sampled_from(sorted(LEGACY_BITS_PER_SYMBOL)))
    def test_more_octets_never_take_less(self, octets: int, rate: int) -> None:
        assert legacy_duration_ps(psdu_octets=octets, rate_bps=rate) <= legacy_duration_ps(
            psdu_octets=octets + 1, rate_bps=rate
        )

    def test_spaces(self) -> None:
        five = mac_timing(5.2e9)
        assert (five.sifs_ps, five.slot_ps) == (16 * US, 9 * US)
        assert (five.pifs_ps, five.difs_ps, five.aifs_ps(2)) == (25 * US, 34 * US, 34 * US)
        two = mac_timing(2.4e9)
        assert (two.sifs_ps, two.difs_ps) == (10 * US, 28 * US)


class TestRates:
    # Reference: iwlan.md section 3
    @pytest.mark.parametrize(
        ("tones", "rates"),
        [
            (VHT_DATA_TONES[20], (6.5, 13, 19.5, 26, 39, 52, 58.5, 65, 78)),
            (VHT_DATA_TONES[40], (13.5, 27, 40.5, 54, 81, 108, 121.5, 135, 162, 180)),
            (
                VHT_DATA_TONES[80],
                (29.3, 58.5, 87.8, 117, 175.5, 234, 263.3, 292.5, 351, 390),
            ),
        ],
    )
    def test_very_high_throughput(self, tones: int, rates: tuple[float, ...]) -> None:
        for mcs, mbps in enumerate(rates):
            assert rate_bps(generation="vht", data_tones=tones, mcs=mcs) / 1e6 == pytest.approx(
                mbps, abs=0.0501
            )

    @pytest.mark.parametrize(
        ("unit", "rates"),
        [
            (
                242,
                (8.6, 17.2, 25.8, 34.4, 51.6, 68.8, 77.4, 86.0, 103.2, 114.7, 129.0, 143.4),
            ),
            (
                996,
                (36.0, 72.1, 108.1, 144.1, 216.2, 288.2, 324.3, 360.3, 432.4, 480.4, 540.4, 600.5),
            ),
            (26, (0.9, 1.8, 2.6, 3.5, 5.3, 7.1, 7.9, 8.8, 10.6, 11.8, 13.2, 14.7)),
        ],
    )
    def test_high_efficiency(self, unit: int, rates: tuple[float, ...]) -> None:
        for mcs, mbps in enumerate(rates):
            rate = rate_bps(generation="he", data_tones=HE_DATA_TONES[unit], mcs=mcs)
            assert rate / 1e6 == pytest.approx(mbps, abs=0.0501)

    def test_what_does_not_exist(self) -> None:
        with pytest.raises(ValueError, match="vht has no MCS 9 on 52 subcarriers"):
            bits_per_symbol(generation="vht", data_tones=52, mcs=9)
        with pytest.raises(ValueError, match="ht has no MCS 8"):
            bits_per_symbol(generation="ht", data_tones=52, mcs=8)

    def test_sensitivity(self) -> None:
        assert sensitivity_dbm(mcs=0, bandwidth_mhz=20) == -82
        assert sensitivity_dbm(mcs=11, bandwidth_mhz=160) == -43  # -52 + 3 * 3


class TestContention:
    def test_times_of_the_paper(self) -> None:
        # Reference: iwlan.md section 2
        basic, clear = fhss_times(access="basic"), fhss_times(access="rts-cts")
        assert (basic.success_ps, basic.collision_ps) == (8982e6, 8713e6)
        assert (clear.success_ps, clear.collision_ps) == (9568e6, 417e6)

    @pytest.mark.parametrize(
        ("stations", "basic", "clear"), [(10, 0.7532, 0.8371), (50, 0.5529, 0.8270)]
    )
    def test_points_of_the_reference(self, stations: int, basic: float, clear: float) -> None:
        for access, share in (("basic", basic), ("rts-cts", clear)):
            times = fhss_times(access=access)  # type: ignore[arg-type]  # any text
            found = bianchi(window=32, stages=3, stations=stations, times=times)
            assert found.throughput_ratio == pytest.approx(share, abs=6e-5)

    def test_probabilities_of_the_reference(self) -> None:
        found = bianchi(window=32, stages=3, stations=10, times=fhss_times(access="basic"))
        assert found.transmission_probability == pytest.approx(0.03869, abs=6e-6)
        assert found.collision_probability == pytest.approx(0.2989, abs=6e-5)

    def test_one_station_never_collides(self) -> None:
        found = bianchi(window=32, stages=5, stations=1, times=fhss_times(access="basic"))
        assert found.collision_probability == 0
        assert found.transmission_probability == pytest.approx(2 / 33)

    @given(stations=st.integers(2, 60), factor=st.floats(0.3, 3.0))
    def test_the_best_probability_is_the_best(self, stations: int, factor: float) -> None:
        times = fhss_times(access="basic")
        best = best_transmission_probability(stations=stations, times=times)

        def share(tau: float) -> float:
            return throughput_ratio(transmission_probability=tau, stations=stations, times=times)

        assert share(min(1.0, best * factor)) <= share(best) + 1e-12

    def test_many_stations_near_the_maximum(self) -> None:
        for access in ("basic", "rts-cts"):
            times = fhss_times(access=access)
            best = best_transmission_probability(stations=200, times=times)
            near = approximate_transmission_probability(stations=200, times=times)
            assert near == pytest.approx(best, rel=0.2)
            reached = throughput_ratio(transmission_probability=near, stations=200, times=times)
            assert largest_throughput_ratio(times=times) == pytest.approx(reached, rel=2e-3)


def network(**values: object) -> IwlanNetwork:
    return IwlanNetwork.model_validate(
        {"kind": "iwlan", "carrier": "5.2 GHz", "rate": "24 Mbit/s", "quota": "136 B", **values}
    )


def up(
    allowed: float = 1e-5,
    level_dbm: float = -50.0,
    clients: int = 8,
    largest: int = 64,
    **values: object,
) -> Crossing:
    return iwlan.uplink(
        network=network(**values),
        client_count=clients,
        received_dbm=level_dbm,
        allowed_miss_ratio=allowed,
        largest_frame_octets=largest,
    )


def codes(crossing: Crossing) -> list[str]:
    return [finding.code for finding in crossing.findings]


class TestPolling:
    def test_cycle_of_the_reference(self) -> None:
        # Reference: iwlan.md section 5: 136 octets both ways at 24 Mbit/s: 168 us for each client,
        # 1.34 ms for 8; a beacon of 200 octets at 6 Mbit/s: 25 + 20 + 68 * 4 us
        cycle = iwlan.polling_cycle(network=network(), client_count=8, rate_bps=24_000_000)
        assert cycle.exchange_ps == 168 * US
        assert cycle.beacon_ps == 317 * US
        assert cycle.needed_ps == (8 * 168 + 317) * US

    def test_mechanisms(self) -> None:
        crossing = up()
        grant = crossing.mechanism
        assert isinstance(grant, GrantMechanism)
        assert (grant.cycle_ps, grant.openings_ps) == (1661 * US, (0,))
        assert not grant.fragments
        assert grant.retry_after_ps == 0
        assert grant.burst_ps == 152 * US  # poll 68, SIFS 16, answer 68
        down = iwlan.downlink(
            network=network(),
            client_count=8,
            received_dbm=-50,
            allowed_miss_ratio=1e-5,
            largest_frame_octets=64,
        ).mechanism
        assert isinstance(down, GrantMechanism)
        assert down.burst_ps == 68 * US

    def test_service(self) -> None:
        curve = up(cycle="2 ms").service
        assert isinstance(curve, ServiceCurve)
        # p = 0.01, K = 3. Spare 1: w = 3: P(S <= 1) = 2.98e-4. Spare 2: w = 4: P(S <= 1) = 3.97e-6,
        # P(S = 2) (p/q)^2 = 5.88e-4 * 1.02e-4 = 6.0e-8, P(S = 3) (p/q)^4 = 4.04e-10; loss 1e-8
        assert curve.latency_ps == (3 * 2000 + 152) * US
        assert curve.exceedance_probability == pytest.approx(4.0403e-6, rel=1e-3)
        # 136 - 90 + 1 = 47 octets in two cycles
        assert curve.rate_bps == 47 * 8 * 250

    def test_lossless_polling_needs_no_share(self) -> None:
        curve = up(allowed=0.0, frame_error=0, cycle="2 ms").service
        assert isinstance(curve, ServiceCurve)
        assert curve.latency_ps == (2000 + 152) * US
        assert curve.rate_bps == 47 * 8 * 500

    def test_no_service(self) -> None:
        unstated, unreachable = up(allowed=0.0).service, up(retries=1, frame_error=0.1).service
        assert isinstance(unstated, NoService)
        assert "misses: 1e-5" in unstated.because
        assert isinstance(unreachable, NoService)
        assert "with 1 retransmissions that fail with probability 0.1" in unreachable.because

    def test_rate_from_the_level(self) -> None:
        # margin 10 dB: -60 dBm reaches 36 Mbit/s (-70), -50 dBm reaches 54 Mbit/s (-65)
        assert iwlan.rate_for_level(received_dbm=-60.0, fade_margin_db=10.0) == 36_000_000
        assert iwlan.rate_for_level(received_dbm=-50.0, fade_margin_db=10.0) == 54_000_000
        assert iwlan.rate_for_level(received_dbm=-73.0, fade_margin_db=10.0) is None

    def test_the_weakest_client_sets_the_rate(self) -> None:
        crossing = iwlan.uplink(
            network=network(rate=None, quota="300 B"),
            client_count=2,
            received_dbm=-50.0,
            weakest_dbm=-68.0,
            allowed_miss_ratio=1e-5,
            largest_frame_octets=64,
        )
        assert "at 12 Mbit/s" in crossing.assumptions[0]
        assert crossing.findings == ()

    @pytest.mark.parametrize(
        ("values", "code", "said"),
        [
            ({"rate": "11 Mbit/s"}, "IWLAN-RATE-UNKNOWN", "6 Mbit/s, 9 Mbit/s"),
            ({"level_dbm": -65.0}, "IWLAN-NO-COVERAGE", "at least -64.0 dBm"),
            ({"rate": None, "level_dbm": -73.0}, "IWLAN-NO-COVERAGE", "at least -72.0 dBm"),
            ({"quota": "5 kB"}, "IWLAN-QUOTA-LARGE", "at most 4095 B"),
            ({"largest": 128}, "IWLAN-QUOTA-SMALL", "at least 154 B"),
            ({"cycle": "1 ms"}, "IWLAN-CYCLE-SHORT", "at least 1.661 ms"),
        ],
    )
    def test_what_is_refused(self, values: dict[str, object], code: str, said: str) -> None:
        crossing = up(**values)  # type: ignore[arg-type]  # any field
        (finding,) = [finding for finding in crossing.findings if finding.severity == "error"]
        assert finding.code == code
        assert said in finding.expected
        assert isinstance(crossing.service, NoService)

    def test_a_quota_that_a_bound_cannot_use(self) -> None:
        crossing = up(largest=110)
        assert codes(crossing) == ["IWLAN-QUOTA-WASTED"]
        assert "as little as 1 octets" in crossing.findings[0].message
        assert crossing.findings[0].expected.startswith("quota of 271 B")

    def test_more_clients_are_never_faster(self) -> None:
        latencies = []
        for clients in (1, 4, 16):
            curve = up(clients=clients).service
            assert isinstance(curve, ServiceCurve)
            latencies.append(curve.latency_ps)
        assert latencies == sorted(latencies)

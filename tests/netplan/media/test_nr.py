# SPDX-License-Identifier: Apache-2.0
"""5G NR in time and octets: processing, latency, TDD, blocks, modulation, transport blocks."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.media.grants import Openings
from netplan.media.nr_rates import (
    MCS_TABLES,
    Mcs,
    McsTable,
    backoff_db,
    least_snr_db,
    peak_rate_bps,
    resource_blocks,
    select_mcs,
    transport_block_bits,
)
from netplan.media.nr_timing import (
    Capability,
    Direction,
    MappingType,
    decoding_extra_symbols,
    decoding_ps,
    preparation_ps,
    retransmission_ps,
    slot_openings,
    slot_ps,
    user_plane_latency,
)

MS = 1_000_000_000


class TestProcessing:
    def test_one_unit_at_15_khz(self) -> None:
        # Reference: 5g.md 2.1: (2048 + 144) * 64 / (480e3 * 4096) s = 71.354 us
        unit_ps = decoding_ps(numerology=0, capability=1) / 8
        assert float(unit_ps) / 1e6 == pytest.approx(71.354, abs=5e-4)
        assert unit_ps == Fraction(2192 * 64 * 10**12, 480_000 * 4096)

    def test_n1_and_n2(self) -> None:
        unit = Fraction(2192 * 64 * 10**12, 480_000 * 4096)
        assert decoding_ps(numerology=1, capability=2) == Fraction(9, 2) * unit / 2
        assert decoding_ps(numerology=2, capability=1, extra_symbols=3) == 20 * unit / 4
        assert decoding_ps(numerology=3, capability=1, additional_dmrs=True) == 24 * unit / 8
        assert preparation_ps(numerology=1, capability=2) == Fraction(11, 2) * unit / 2
        assert preparation_ps(numerology=0, capability=1, extra_symbols=1) == 11 * unit

    @pytest.mark.parametrize(
        ("capability", "mapping", "start", "symbols", "overlap", "extra"),
        [
            (1, "A", 0, 4, 1, 4),  # last symbol 3
            (1, "A", 3, 4, 1, 1),  # last symbol 6
            (1, "A", 0, 14, 1, 0),
            (1, "B", 0, 7, 1, 0),
            (1, "B", 0, 5, 1, 2),
            (1, "B", 0, 3, 2, 4),
            (1, "B", 0, 2, 2, 5),
            (2, "B", 0, 4, 1, 1),
            (2, "B", 0, 2, 1, 1),
            (2, "B", 0, 8, 1, 0),
        ],
    )
    def test_extra_symbols(
        self,
        capability: Capability,
        mapping: MappingType,
        start: int,
        symbols: int,
        overlap: int,
        extra: int,
    ) -> None:
        assert (
            decoding_extra_symbols(
                capability=capability,
                mapping=mapping,
                start=start,
                symbols=symbols,
                overlap_symbols=overlap,
            )
            == extra
        )

    def test_long_control_region(self) -> None:
        assert (
            decoding_extra_symbols(
                capability=2,
                mapping="B",
                start=0,
                symbols=2,
                overlap_symbols=1,
                long_control=True,
            )
            == 3
        )


# Reference: 5g.md 2.4, TR 37.910 v16.1.0 Tables 5.7.1.1.1-2 and 5.7.1.1.2-2, NR FDD, in ms
PUBLISHED: list[tuple[Direction, Capability, MappingType, int, float, tuple[float, ...]]] = [
    ("downlink", 1, "A", 14, 0.0, (2.13, 1.14, 0.72, 0.44)),
    ("downlink", 1, "A", 14, 0.1, (2.43, 1.29, 0.82, 0.50)),
    ("downlink", 2, "A", 14, 0.0, (1.80, 0.94, 0.56)),
    ("downlink", 2, "A", 14, 0.1, (2.00, 1.04, 0.60)),
    ("downlink", 1, "B", 4, 0.0, (1.11, 0.63, 0.47, 0.31)),
    ("downlink", 1, "B", 4, 0.1, (1.30, 0.74, 0.56, 0.36)),
    ("downlink", 2, "B", 4, 0.0, (0.66, 0.37, 0.27)),
    ("downlink", 2, "B", 4, 0.1, (0.78, 0.45, 0.32)),
    ("uplink", 1, "A", 14, 0.0, (2.15, 1.15, 0.73, 0.44)),
    ("uplink", 1, "B", 7, 0.0, (1.40, 0.77, 0.55, 0.34)),
]


class TestUserPlaneLatency:
    @pytest.mark.parametrize(
        ("direction", "capability", "mapping", "symbols", "failure", "cells"), PUBLISHED
    )
    def test_published_cells(
        self,
        direction: Direction,
        capability: Capability,
        mapping: MappingType,
        symbols: int,
        failure: float,
        cells: tuple[float, ...],
    ) -> None:
        tolerance_ms = 0.05 if failure else 0.03
        for numerology, cell_ms in enumerate(cells):
            latency = user_plane_latency(
                direction=direction,
                subcarrier_spacing_hz=15_000 << numerology,
                capability=capability,
                mapping=mapping,
                symbols=symbols,
                retransmission_probability=failure,
            )
            assert latency.mean_ps / MS == pytest.approx(cell_ms, abs=tolerance_ms)

    def test_by_hand(self) -> None:
        # Uplink type A, 14 symbols, 30 kHz, capability 1, unit 35.677 us:
        # 12 / 2 units + 0.25 ms mean wait + 0.5 ms + 10 / 2 units = 1.14245 ms; at most 0.25 more
        latency = user_plane_latency(
            direction="uplink",
            subcarrier_spacing_hz=30_000,
            capability=1,
            mapping="A",
            symbols=14,
        )
        assert latency.mean_ps / MS == pytest.approx(1.14245, abs=1e-5)
        assert latency.largest_ps / MS == pytest.approx(1.39245, abs=1e-5)
        # T1 + 5 units + 1.5 symbols of 1/28 ms + 6 units
        assert latency.retransmission_ps / MS == pytest.approx(1.58847, abs=1e-5)

    @pytest.mark.parametrize(
        ("spacing_hz", "capability", "symbols"), [(120_000, 2, 4), (240_000, 1, 4), (15_000, 1, 15)]
    )
    def test_what_does_not_exist_is_refused(
        self, spacing_hz: int, capability: Capability, symbols: int
    ) -> None:
        with pytest.raises(ValueError, match="has"):
            user_plane_latency(
                direction="downlink",
                subcarrier_spacing_hz=spacing_hz,
                capability=capability,
                mapping="B",
                symbols=symbols,
            )

    @given(symbols=st.integers(1, 14), mapping=st.sampled_from(["A", "B"]))
    def test_mean_is_below_the_largest(self, symbols: int, mapping: Literal["A", "B"]) -> None:
        for direction in ("uplink", "downlink"):
            latency = user_plane_latency(
                direction=direction,
                subcarrier_spacing_hz=60_000,
                capability=1,
                mapping=mapping,
                symbols=symbols,
            )
            assert latency.mean_ps < latency.largest_ps


def openings_of(pattern: str, letter: str, numerology: int = 1) -> Openings:
    found = slot_openings(pattern=pattern, letter=letter, numerology=numerology)
    assert found is not None
    return found


class TestTdd:
    # Reference: 5g.md 2.6, exact enumeration at 30 kHz: mean and largest wait in ms
    @pytest.mark.parametrize(
        ("pattern", "down", "up"),
        [
            ("DDDSU", (0.55, 1.5), (1.25, 2.5)),
            ("DDSU", (0.625, 1.5), (1.0, 2.0)),
            ("DSUU", (1.0, 2.0), (0.625, 1.5)),
            ("DDDSUDDSUU", (0.70, 2.0), (1.05, 2.5)),
            ("DDDDDDDSUU", (0.55, 2.0), (2.05, 4.5)),
            ("DU", (0.5, 1.0), (0.5, 1.0)),
        ],
    )
    def test_waits(self, pattern: str, down: tuple[float, float], up: tuple[float, float]) -> None:
        for letter, (mean_ms, largest_ms) in (("D", down), ("U", up)):
            openings = openings_of(pattern, letter)
            assert openings.mean_wait_ps() == Fraction(str(mean_ms)) * MS
            assert openings.largest_wait_ps() == largest_ms * MS

    def test_full_way_up_of_the_reference(self) -> None:
        # 5g.md 2.6: DDDSU, capability 1: 25 symbols and the wait: mean 2.143, largest 3.393 ms
        openings = openings_of("DDDSU", "U")
        symbols_ps = 25 * Fraction(slot_ps(1), 14)
        assert float(openings.mean_wait_ps() + symbols_ps) / MS == pytest.approx(2.143, abs=5e-4)
        assert float(openings.largest_wait_ps() + symbols_ps) / MS == pytest.approx(3.393, abs=5e-4)

    def test_a_direction_without_slots(self) -> None:
        assert slot_openings(pattern="DDDD", letter="U", numerology=1) is None

    def test_retransmission_up(self) -> None:
        # DDDSU at 30 kHz, U in slot 4 ends at 2.5 ms; 392.4 us of decoding and scheduling;
        # next D slot at 3.0 ms, one symbol and 392.4 us: 3.428 ms; next U slot at 4.5 ms
        assert (
            retransmission_ps(
                data=openings_of("DDDSU", "U"),
                answers=openings_of("DDDSU", "D"),
                direction="uplink",
                numerology=1,
                capability=1,
            )
            == 2_500_000_000
        )

    def test_retransmission_down(self) -> None:
        # D slots start at 0, 0.5, 1.0 ms. Decoding and acknowledging take 10 units = 356.8 us.
        # 0: 0.857 -> U at 2.0, + symbol + 12 units (428.1 us) = 2.464 -> D at 2.5: 2.5 ms
        # 0.5: 1.357 -> U at 2.0 -> D at 2.5: 2.0 ms; 1.0: 1.857 -> 2.0 -> 2.5: 1.5 ms
        assert (
            retransmission_ps(
                data=openings_of("DDDSU", "D"),
                answers=openings_of("DDDSU", "U"),
                direction="downlink",
                numerology=1,
                capability=1,
            )
            == 2_500_000_000
        )


class TestBlocks:
    @pytest.mark.parametrize(
        ("carrier_hz", "mhz", "khz", "blocks"),
        [
            (3.75e9, 100, 30, 273),
            (3.75e9, 40, 30, 106),
            (2e9, 50, 15, 270),
            (5e9, 100, 60, 135),
            (26e9, 400, 120, 264),
            (26e9, 50, 60, 66),
            (3.75e9, 37, 30, None),
            (3.75e9, 100, 15, None),
            (10e9, 100, 30, None),
            (26e9, 100, 30, None),
        ],
    )
    def test_table(self, carrier_hz: float, mhz: int, khz: int, blocks: int | None) -> None:
        assert (
            resource_blocks(
                carrier_hz=carrier_hz, bandwidth_hz=mhz * 1e6, subcarrier_spacing_hz=khz * 1e3
            )
            == blocks
        )

    def test_peak_rate(self) -> None:
        # Reference: 5g.md section 4: 100 MHz, 30 kHz, four layers of 256QAM: 2337.0 Mbit/s
        rate_bps = peak_rate_bps(
            blocks=273, numerology=1, layers=4, modulation_bits=8, overhead_ratio=0.14
        )
        assert rate_bps / 1e6 == pytest.approx(2337.0, abs=0.05)
        # 4 * 8 * 948/1024 * 273 * 12 * 28000 * 0.86
        assert rate_bps == 2_337_000_120

    def test_scaling(self) -> None:
        full, scaled = (
            peak_rate_bps(
                blocks=100,
                numerology=0,
                layers=1,
                modulation_bits=6,
                overhead_ratio=0.08,
                scaling=scaling,
            )
            for scaling in (1.0, 0.75)
        )
        assert scaled == pytest.approx(0.75 * full, abs=1)


class TestModulation:
    def test_tables_have_their_length_and_ends(self) -> None:
        assert [len(MCS_TABLES[table]) for table in (1, 2, 3)] == [29, 28, 29]
        assert float(MCS_TABLES[1][28].efficiency) == pytest.approx(5.5547, abs=1e-4)
        assert float(MCS_TABLES[2][27].efficiency) == pytest.approx(7.4063, abs=1e-4)
        assert float(MCS_TABLES[3][0].efficiency) == pytest.approx(0.0586, abs=1e-4)

    def test_index_17_of_table_1_carries_less_than_16(self) -> None:
        # 17 reaches at 8.7 dB; 4 * 658 / 1024 = 2.5703 and 6 * 438 / 1024 = 2.5664
        scheme = select_mcs(snr_db=9.0, table=1, error_ratio=0.1)
        assert scheme is not None
        assert scheme.index == 16

    @pytest.mark.parametrize(
        ("snr_db", "table", "error_ratio", "index"),
        [
            (30.0, 1, 0.1, 28),
            (-2.9, 1, 0.1, 3),
            (-3.0, 1, 0.1, None),
            (10.0, 1, 0.1, 19),
            (10.7, 1, 0.01, 18),  # 0.9 dB more: 9.8 dB, above 9.7
            (-3.2, 3, 0.1, 9),
            (40.0, 2, 0.1, 26),
        ],
    )
    def test_choice(
        self, snr_db: float, table: McsTable, error_ratio: float, index: int | None
    ) -> None:
        scheme = select_mcs(snr_db=snr_db, table=table, error_ratio=error_ratio)
        assert (None if scheme is None else scheme.index) == index

    def test_backoff(self) -> None:
        assert backoff_db(0.5) == 0
        assert backoff_db(1e-3) == pytest.approx(1.8)
        assert backoff_db(0.0) == float("inf")
        assert least_snr_db(table=1, error_ratio=0.01) == pytest.approx(-2.0)

    @given(snr_db=st.floats(-10, 40), more_db=st.floats(0, 10), table=st.sampled_from([1, 2, 3]))
    def test_more_signal_never_carries_less(
        self, snr_db: float, more_db: float, table: McsTable
    ) -> None:
        def efficiency(level_db: float) -> Fraction:
            scheme = select_mcs(snr_db=level_db, table=table, error_ratio=0.1)
            return Fraction(0) if scheme is None else scheme.efficiency

        assert efficiency(snr_db) <= efficiency(snr_db + more_db)


class TestTransportBlock:
    @pytest.mark.parametrize(
        ("blocks", "data_symbols", "scheme", "bits"),
        [
            # 156 * 20 * 4 * 340/1024 = 4143.75; n = 7; round(4119.75 / 128) = 32 -> 4096
            pytest.param(20, 14, MCS_TABLES[1][10], 4096, id="one-code-block"),
            # 132 * 273 * 8 * 948/1024 = 266 891.6; n = 13; 33 * 8192 = 270 336; C = 33;
            # 264 * ceil(270 360 / 264) - 24
            pytest.param(273, 12, MCS_TABLES[2][27], 270_576, id="many-code-blocks"),
            # 156 * 200 * 2 * 30/1024 = 1828.1; n = 4; 1824; next in the table
            pytest.param(200, 14, MCS_TABLES[3][0], 1864, id="table"),
            # 156 * 273 * 2 * 120/1024 = 9981.6; n = 8; 39 * 256 = 9984; R <= 1/4: C = 3
            pytest.param(273, 14, MCS_TABLES[1][0], 9984, id="low-rate"),
            # 156 * 2 * 30/1024 = 9.1 bit: the smallest block there is
            pytest.param(1, 14, MCS_TABLES[3][0], 24, id="smallest"),
        ],
    )
    def test_by_hand(self, blocks: int, data_symbols: int, scheme: Mcs, bits: int) -> None:
        assert transport_block_bits(blocks=blocks, data_symbols=data_symbols, scheme=scheme) == bits

    def test_nothing_left_after_reference_signals(self) -> None:
        assert transport_block_bits(blocks=5, data_symbols=1, scheme=MCS_TABLES[1][0]) == 0

    @given(blocks=st.integers(1, 272), index=st.integers(0, 28))
    def test_more_blocks_never_carry_less(self, blocks: int, index: int) -> None:
        scheme = MCS_TABLES[1][index]
        fewer = transport_block_bits(blocks=blocks, data_symbols=14, scheme=scheme)
        more = transport_block_bits(blocks=blocks + 1, data_symbols=14, scheme=scheme)
        assert fewer <= more
        assert fewer % 8 == 0

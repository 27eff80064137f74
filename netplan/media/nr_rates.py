# SPDX-License-Identifier: Apache-2.0
"""5G NR in octets: resource blocks, modulation and coding, transport blocks, peak rate.

What a slot carries, given how many resource blocks it has and how well it is
received. The thresholds of the modulation and coding schemes come from link
simulations over white noise and are good to half a decibel; the fade margin of
the network is meant to cover that and the fading they leave out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

McsTable = Literal[1, 2, 3]

_FR1_MHZ: dict[int, dict[int, int]] = {
    15_000: {5: 25, 10: 52, 15: 79, 20: 106, 25: 133, 30: 160, 40: 216, 50: 270},
    30_000: {
        5: 11, 10: 24, 15: 38, 20: 51, 25: 65, 30: 78, 40: 106, 50: 133, 60: 162, 70: 189,
        80: 217, 90: 245, 100: 273,
    },
    60_000: {
        10: 11, 15: 18, 20: 24, 25: 31, 30: 38, 40: 51, 50: 65, 60: 79, 70: 93, 80: 107, 90: 121,
        100: 135,
    },
}  # fmt: skip
"""Resource blocks by spacing and bandwidth in MHz. Source: 3GPP TS 38.101-1, Table 5.3.2-1."""
_FR2_MHZ: dict[int, dict[int, int]] = {
    60_000: {50: 66, 100: 132, 200: 264},
    120_000: {50: 32, 100: 66, 200: 132, 400: 264},
}
"""Resource blocks by spacing and bandwidth in MHz. Source: 3GPP TS 38.101-2, Table 5.3.2-1."""
FR1_HZ = (410e6, 7125e6)
"""Source: 3GPP TS 38.101-1, Table 5.1-1."""
FR2_HZ = (24_250e6, 71_000e6)
"""Source: 3GPP TS 38.101-2, Table 5.1-1."""


def block_table(carrier_hz: float) -> dict[int, dict[int, int]]:
    """Resource blocks by spacing in Hz and bandwidth in MHz; empty where NR has no band."""
    if FR1_HZ[0] <= carrier_hz <= FR1_HZ[1]:
        return _FR1_MHZ
    if FR2_HZ[0] <= carrier_hz <= FR2_HZ[1]:
        return _FR2_MHZ
    return {}


def resource_blocks(
    *, carrier_hz: float, bandwidth_hz: float, subcarrier_spacing_hz: float
) -> int | None:
    """N_RB of a carrier; None when the standard has no such combination.

    Source:
        3GPP TS 38.101-1 and 38.101-2, Table 5.3.2-1.
    """
    if subcarrier_spacing_hz % 1 or bandwidth_hz % 1e6:
        return None
    widths = block_table(carrier_hz).get(int(subcarrier_spacing_hz), {})
    return widths.get(int(bandwidth_hz // 1e6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mcs:
    """A modulation and coding scheme.

    Attributes:
        index: I_MCS in its table.
        modulation_bits: Qm, bits per symbol.
        code_ratio: Target code rate R.
    """

    index: int
    modulation_bits: int
    code_ratio: Fraction

    @property
    def efficiency(self) -> Fraction:
        """Information bits per resource element."""
        return self.modulation_bits * self.code_ratio


def _table(*groups: tuple[int, tuple[float, ...]]) -> tuple[Mcs, ...]:
    rows = [(bits, rate) for bits, rates in groups for rate in rates]
    return tuple(
        Mcs(index=index, modulation_bits=bits, code_ratio=Fraction(rate) / 1024)
        for index, (bits, rate) in enumerate(rows)
    )


MCS_TABLES: dict[McsTable, tuple[Mcs, ...]] = {
    1: _table(
        (2, (120, 157, 193, 251, 308, 379, 449, 526, 602, 679)),
        (4, (340, 378, 434, 490, 553, 616, 658)),
        (6, (438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948)),
    ),
    2: _table(
        (2, (120, 193, 308, 449, 602)),
        (4, (378, 434, 490, 553, 616, 658)),
        (6, (466, 517, 567, 616, 666, 719, 772, 822, 873)),
        (8, (682.5, 711, 754, 797, 841, 885, 916.5, 948)),
    ),
    3: _table(
        (2, (30, 40, 50, 64, 78, 99, 120, 157, 193, 251, 308, 379, 449, 526, 602)),
        (4, (340, 378, 434, 490, 553, 616)),
        (6, (438, 466, 517, 567, 616, 666, 719, 772)),
    ),
}
"""64QAM, 256QAM and low spectral efficiency.

Source: 3GPP TS 38.214, Tables 5.1.3.1-1 to 5.1.3.1-3.
"""

_THRESHOLDS_DB: dict[McsTable, tuple[int, tuple[float, ...]]] = {
    1: (
        3,
        (
            -2.9, -2.5, -1.1, 0.5, 0.7, 2.3, 2.4, 2.8, 4.2, 4.5, 6.0, 6.2, 7.8, 7.8, 8.7, 9.7, 10.0,
            11.6, 12.2, 13.4, 14.3, 14.9, 16.5, 17.0, 18.4, 19.0,
        ),
    ),
    2: (
        2,
        (
            -1.7, 0.0, 1.6, 3.7, 4.7, 6.1, 6.3, 7.9, 8.1, 9.5, 10.6, 11.1, 12.7, 13.2, 14.4, 15.5,
            16.0, 17.3, 18.5, 18.9, 19.8, 20.8, 22.1, 22.9, 23.9,
        ),
    ),
    3: (
        9,
        (
            -3.2, -1.7, -1.2, 0.0, 1.4, 1.6, 3.2, 3.7, 4.7, 6.1, 6.3, 7.9, 9.0, 9.6, 10.6, 11.1,
            12.6, 13.3, 14.2, 15.5,
        ),
    ),
}  # fmt: skip
"""First index and SINR at 10 % block errors of each scheme from there on.

Source: interpolated from Sionna 2.2.0, sys/bler_tables (PDSCH, code block of 2000 bit, white
noise); good to half a decibel. Lower schemes are not in those tables and are not used.
"""
TABLE_ERROR_RATIO = 0.1
"""Block error ratio of the thresholds. Source: as the thresholds."""
BACKOFF_DB_PER_DECADE = 0.9
"""More SINR for a tenth of the block errors.

Source: the same tables between 10 % and 1 % (0.3 to 0.9 dB, the largest is taken); below 1 % an
extrapolation, planning practice, not normative.
"""


def backoff_db(error_ratio: float) -> float:
    """SINR to add to a threshold for fewer block errors than 10 %; infinite for none."""
    if error_ratio >= TABLE_ERROR_RATIO:
        return 0.0
    if error_ratio <= 0:
        return math.inf
    return BACKOFF_DB_PER_DECADE * math.log10(TABLE_ERROR_RATIO / error_ratio)


def least_snr_db(*, table: McsTable, error_ratio: float) -> float:
    """SINR below which no scheme of the table keeps to the block error ratio."""
    return min(_THRESHOLDS_DB[table][1]) + backoff_db(error_ratio)


def select_mcs(*, snr_db: float, table: McsTable, error_ratio: float) -> Mcs | None:
    """The most efficient scheme whose threshold is met; None when none is.

    Efficiency, not the index, decides: index 17 of table 1 carries less than index 16.

    Args:
        snr_db: Signal to noise and interference, after the fade margin.
        table: MCS table.
        error_ratio: Block error ratio of the first transmission.
    """
    first, thresholds = _THRESHOLDS_DB[table]
    more_db = backoff_db(error_ratio)
    usable = [
        MCS_TABLES[table][first + position]
        for position, threshold_db in enumerate(thresholds)
        if threshold_db + more_db <= snr_db
    ]
    return max(usable, key=lambda scheme: scheme.efficiency, default=None)


_SMALL_BLOCK_BITS = (
    24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160, 168, 176, 184,
    192, 208, 224, 240, 256, 272, 288, 304, 320, 336, 352, 368, 384, 408, 432, 456, 480, 504, 528,
    552, 576, 608, 640, 672, 704, 736, 768, 808, 848, 888, 928, 984, 1032, 1064, 1128, 1160, 1192,
    1224, 1256, 1288, 1320, 1352, 1416, 1480, 1544, 1608, 1672, 1736, 1800, 1864, 1928, 2024,
    2088, 2152, 2216, 2280, 2408, 2472, 2536, 2600, 2664, 2728, 2792, 2856, 2976, 3104, 3240,
    3368, 3496, 3624, 3752, 3824,
)  # fmt: skip
"""Source: 3GPP TS 38.214, Table 5.1.3.2-1."""


def transport_block_bits(
    *,
    blocks: int,
    data_symbols: int,
    scheme: Mcs,
    layers: int = 1,
    dmrs_elements: int = 12,
    overhead_elements: int = 0,
) -> int:
    """Size of a transport block, without its check sequence.

    Args:
        blocks: Resource blocks.
        data_symbols: Symbols of the allocation, DM-RS included.
        scheme: Modulation and coding.
        layers: Spatial layers.
        dmrs_elements: Resource elements per block that reference signals take.
        overhead_elements: xOverhead: 0, 6, 12 or 18.

    Source:
        3GPP TS 38.214, 5.1.3.2 (PDSCH) and 6.1.4.2 (PUSCH).
    """
    elements_per_block = 12 * data_symbols - dmrs_elements - overhead_elements
    elements = min(156, elements_per_block) * blocks
    information = elements * scheme.efficiency * layers
    if information <= 0:
        return 0
    if information <= 3824:
        step = 1 << max(3, _log2_floor(information) - 6)
        quantised = max(24, step * math.floor(information / step))
        return next(size for size in _SMALL_BLOCK_BITS if size >= quantised)
    step = 1 << (_log2_floor(information - 24) - 5)
    # Ties round up: floor(x + 1/2).
    quantised = max(3840, step * math.floor((information - 24) / step + Fraction(1, 2)))
    if scheme.code_ratio <= Fraction(1, 4):
        code_blocks = -(-(quantised + 24) // 3816)
    elif quantised > 8424:
        code_blocks = -(-(quantised + 24) // 8424)
    else:
        code_blocks = 1
    return 8 * code_blocks * -(-(quantised + 24) // (8 * code_blocks)) - 24


def _log2_floor(value: Fraction) -> int:
    return math.floor(value).bit_length() - 1


def peak_rate_bps(
    *,
    blocks: int,
    numerology: int,
    layers: int,
    modulation_bits: int,
    overhead_ratio: float,
    scaling: float = 1.0,
) -> int:
    """Largest data rate of one carrier that a UE supports, rounded down.

    The formula knows no TDD: take the share of the slots by yourself.

    Args:
        blocks: N_PRB.
        numerology: mu.
        layers: Spatial layers.
        modulation_bits: Qm.
        overhead_ratio: Downlink 0.14 in FR1 and 0.18 in FR2, uplink 0.08 and 0.10.
        scaling: f: 1, 0.8, 0.75 or 0.4.

    Source:
        3GPP TS 38.306, 4.1.2.
    """
    symbols_per_s = 14_000 << numerology
    exact = (
        layers
        * modulation_bits
        * Fraction(str(scaling))
        * Fraction(948, 1024)
        * blocks
        * 12
        * symbols_per_s
        * (1 - Fraction(str(overhead_ratio)))
    )
    return math.floor(exact)

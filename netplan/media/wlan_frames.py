# SPDX-License-Identifier: Apache-2.0
"""WLAN frames in time: rates, durations and sensitivities of the OFDM physical layers.

Legacy (802.11a/g), HT (n), VHT (ac) and HE (ax), single user and trigger based. Durations
are exact picoseconds. Padding to the end of an aggregate and optional features that
lengthen the preamble are not included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

_US_PS = 1_000_000
_SERVICE_BITS = 16
_TAIL_BITS = 6
SYMBOL_PS = 4 * _US_PS
"""OFDM symbol with long guard interval. Source: IEEE Std 802.11-2020, Table 17-5."""
SIGNAL_EXTENSION_PS = 6 * _US_PS
"""After every OFDM frame at 2.4 GHz. Source: IEEE Std 802.11-2020, 18.3.2.4."""

LEGACY_BITS_PER_SYMBOL = {
    6_000_000: 24,
    9_000_000: 36,
    12_000_000: 48,
    18_000_000: 72,
    24_000_000: 96,
    36_000_000: 144,
    48_000_000: 192,
    54_000_000: 216,
}
"""N_DBPS by rate in bit/s. Source: IEEE Std 802.11-2020, Table 17-4."""
LEGACY_SENSITIVITY_DBM = {
    6_000_000: -82.0,
    9_000_000: -81.0,
    12_000_000: -79.0,
    18_000_000: -77.0,
    24_000_000: -74.0,
    36_000_000: -70.0,
    48_000_000: -66.0,
    54_000_000: -65.0,
}
"""Least sensitivity at 20 MHz, 10 % packet errors. Source: IEEE Std 802.11-2020, Table 17-18."""
LEGACY_LARGEST_PSDU_OCTETS = 4095
"""LENGTH has 12 bits. Source: IEEE Std 802.11-2020, 17.3.4.3."""

_MODULATION: tuple[tuple[int, Fraction], ...] = (
    (1, Fraction(1, 2)),
    (2, Fraction(1, 2)),
    (2, Fraction(3, 4)),
    (4, Fraction(1, 2)),
    (4, Fraction(3, 4)),
    (6, Fraction(2, 3)),
    (6, Fraction(3, 4)),
    (6, Fraction(5, 6)),
    (8, Fraction(3, 4)),
    (8, Fraction(5, 6)),
    (10, Fraction(3, 4)),
    (10, Fraction(5, 6)),
)
"""Bits per subcarrier and code rate of MCS 0 to 11.

Source: IEEE Std 802.11-2020, 19.5 and 21.5; IEEE Std 802.11ax-2021, 27.5.
"""
_SENSITIVITY_DBM = (-82, -79, -77, -74, -70, -66, -65, -64, -59, -57, -54, -52)
"""HT, VHT and HE, MCS 0 to 11 at 20 MHz.

Source: IEEE Std 802.11-2020, Tables 19-23 and 21-25; IEEE Std 802.11ax-2021, Table 27-51.
"""

HT_DATA_TONES = {20: 52, 40: 108}
"""By bandwidth in MHz. Source: IEEE Std 802.11-2020, Table 19-6."""
VHT_DATA_TONES = {20: 52, 40: 108, 80: 234, 160: 468}
"""By bandwidth in MHz. Source: IEEE Std 802.11-2020, Table 21-5."""
HE_DATA_TONES = {26: 24, 52: 48, 106: 102, 242: 234, 484: 468, 996: 980, 1992: 1960}
"""By tones of the resource unit. Source: IEEE Std 802.11ax-2021, Tables 27-8 and 27-13."""

Generation = Literal["ht", "vht", "he"]
GuardInterval = Literal["short", "long", "double", "quadruple"]
_LARGEST_MCS: dict[Generation, int] = {"ht": 7, "vht": 9, "he": 11}
_SYMBOLS_PS: dict[Generation, dict[GuardInterval, int]] = {
    "ht": {"short": 3_600_000, "long": 4_000_000},
    "vht": {"short": 3_600_000, "long": 4_000_000},
    "he": {"long": 13_600_000, "double": 14_400_000, "quadruple": 16_000_000},
}
"""Symbol with guard interval of 0.4, 0.8, 1.6 and 3.2 us.

Source: IEEE Std 802.11-2020, Tables 19-6 and 21-5; IEEE Std 802.11ax-2021, Table 27-12.
"""
_HE_GUARD_PS = {"long": 800_000, "double": 1_600_000, "quadruple": 3_200_000}
_HE_TRAINING_PS = {1: 3_200_000, 2: 6_400_000, 4: 12_800_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class MacTiming:
    """Interframe spaces of a band.

    Attributes:
        slot_ps: Slot.
        sifs_ps: Short interframe space.
        extension_ps: Signal extension after every OFDM frame.
    """

    slot_ps: int
    sifs_ps: int
    extension_ps: int

    @property
    def pifs_ps(self) -> int:
        """Space after which an access point takes the medium."""
        return self.sifs_ps + self.slot_ps

    @property
    def difs_ps(self) -> int:
        """Space before contention."""
        return self.sifs_ps + 2 * self.slot_ps

    def aifs_ps(self, number: int) -> int:
        """Arbitration space of an access category."""
        return self.sifs_ps + number * self.slot_ps


def mac_timing(carrier_hz: float) -> MacTiming:
    """Timing of OFDM with short slots in the band of a carrier.

    Source:
        IEEE Std 802.11-2020, 10.3.2.3 (interframe spaces), Table 17-21 (5 GHz) and
        Table 18-5 (2.4 GHz).
    """
    if carrier_hz < 3e9:
        return MacTiming(slot_ps=9 * _US_PS, sifs_ps=10 * _US_PS, extension_ps=SIGNAL_EXTENSION_PS)
    return MacTiming(slot_ps=9 * _US_PS, sifs_ps=16 * _US_PS, extension_ps=0)


def _symbols(psdu_octets: int, bits_per_symbol: int, encoders: int) -> int:
    bits = _SERVICE_BITS + 8 * psdu_octets + _TAIL_BITS * encoders
    return -(-bits // bits_per_symbol)


def legacy_duration_ps(*, psdu_octets: int, rate_bps: int, extension_ps: int = 0) -> int:
    """Duration of a legacy OFDM frame at 20 MHz.

    Args:
        psdu_octets: MAC header to frame check sequence.
        rate_bps: A key of :data:`LEGACY_BITS_PER_SYMBOL`.
        extension_ps: :data:`SIGNAL_EXTENSION_PS` at 2.4 GHz.

    Source:
        IEEE Std 802.11-2020, 17.4.3 (TXTIME) and 18.5.3.2.
    """
    symbols = _symbols(psdu_octets, LEGACY_BITS_PER_SYMBOL[rate_bps], 1)
    return 20 * _US_PS + symbols * SYMBOL_PS + extension_ps


def bits_per_symbol(*, generation: Generation, data_tones: int, mcs: int, streams: int = 1) -> int:
    """N_DBPS of a scheme on a number of data subcarriers.

    Raises:
        ValueError: When the standard has no such scheme; VHT and HT refuse one whose
            number of bits is not whole (MCS 9 at 20 MHz).

    Source:
        IEEE Std 802.11-2020, 19.5 and 21.5; IEEE Std 802.11ax-2021, 27.5 (rounded down).
    """
    return math.floor(
        _exact_bits(generation=generation, data_tones=data_tones, mcs=mcs, streams=streams)
    )


def _exact_bits(*, generation: Generation, data_tones: int, mcs: int, streams: int) -> Fraction:
    if not 0 <= mcs <= _LARGEST_MCS[generation]:
        raise ValueError(f"{generation} has no MCS {mcs}")
    bits, code = _MODULATION[mcs]
    exact = data_tones * bits * code * streams
    if generation != "he" and exact.denominator != 1:
        raise ValueError(f"{generation} has no MCS {mcs} on {data_tones} subcarriers")
    return exact


def rate_bps(
    *,
    generation: Generation,
    data_tones: int,
    mcs: int,
    guard: GuardInterval = "long",
    streams: int = 1,
) -> int:
    """Data rate of a scheme, rounded down to a bit per second.

    The standards' rate tables keep the fraction of a bit that a symbol's count drops.

    Source: as :func:`bits_per_symbol`.
    """
    exact = _exact_bits(generation=generation, data_tones=data_tones, mcs=mcs, streams=streams)
    return math.floor(exact * 10**12 / _SYMBOLS_PS[generation][guard])


def sensitivity_dbm(*, mcs: int, bandwidth_mhz: int) -> float:
    """Least sensitivity that HT, VHT and HE receivers must have, at 10 % packet errors.

    Three decibels for each doubling of the bandwidth. Real radios are better: a data
    sheet overrides this.

    Source: as the table in this module.
    """
    return _SENSITIVITY_DBM[mcs] + 3.0 * round(math.log2(bandwidth_mhz / 20))


def ht_duration_ps(
    *,
    psdu_octets: int,
    bandwidth_mhz: int,
    mcs: int,
    guard: GuardInterval = "long",
    streams: int = 1,
    training_fields: int | None = None,
    encoders: int = 1,
    extension_ps: int = 0,
) -> int:
    """Duration of an HT-mixed frame.

    Args:
        psdu_octets: MAC header to frame check sequence, of all aggregated frames.
        bandwidth_mhz: 20 or 40.
        mcs: 0 to 7, of each stream.
        guard: ``short`` or ``long``.
        streams: Spatial streams.
        training_fields: HT-LTFs; as many as the streams need when left out.
        encoders: N_ES; 2 above 300 Mbit/s.
        extension_ps: Signal extension at 2.4 GHz.

    Source:
        IEEE Std 802.11-2020, 19.4.3 (TXTIME).
    """
    bits = bits_per_symbol(
        generation="ht", data_tones=HT_DATA_TONES[bandwidth_mhz], mcs=mcs, streams=streams
    )
    preamble_us = 20 + 8 + 4 + 4 * _training(streams, training_fields)
    data_ps = _symbols(psdu_octets, bits, encoders) * _SYMBOLS_PS["ht"][guard]
    return preamble_us * _US_PS + _whole_symbols(data_ps, guard) + extension_ps


def vht_duration_ps(
    *,
    psdu_octets: int,
    bandwidth_mhz: int,
    mcs: int,
    guard: GuardInterval = "long",
    streams: int = 1,
    training_fields: int | None = None,
    encoders: int = 1,
) -> int:
    """Duration of a VHT frame; arguments as :func:`ht_duration_ps`, MCS 0 to 9, up to 160 MHz.

    Source:
        IEEE Std 802.11-2020, 21.4.3 (TXTIME).
    """
    bits = bits_per_symbol(
        generation="vht", data_tones=VHT_DATA_TONES[bandwidth_mhz], mcs=mcs, streams=streams
    )
    preamble_us = 20 + 8 + 4 + 4 * _training(streams, training_fields) + 4
    data_ps = _symbols(psdu_octets, bits, encoders) * _SYMBOLS_PS["vht"][guard]
    return preamble_us * _US_PS + _whole_symbols(data_ps, guard)


def _training(streams: int, fields: int | None) -> int:
    """Training fields: one more than three and odd numbers of streams from three on need.

    Source: IEEE Std 802.11-2020, Tables 19-13 and 21-13.
    """
    if fields is not None:
        return fields
    return streams if streams <= 2 else streams + streams % 2


def _whole_symbols(data_ps: int, guard: GuardInterval) -> int:
    """With the short guard interval a frame ends on a 4 us boundary.

    Source: IEEE Std 802.11-2020, 19.4.3 and 21.4.3: T_SYM * ceil(T_SYMS * N_SYM / T_SYM).
    """
    return -(-data_ps // SYMBOL_PS) * SYMBOL_PS if guard == "short" else data_ps


def he_duration_ps(
    *,
    psdu_octets: int,
    unit_tones: int,
    mcs: int,
    guard: GuardInterval = "long",
    streams: int = 1,
    training: Literal[1, 2, 4] = 2,
    training_fields: int | None = None,
    packet_extension_ps: int = 0,
    trigger_based: bool = False,
    extension_ps: int = 0,
) -> int:
    """Duration of an HE single-user or trigger-based frame.

    Args:
        psdu_octets: MAC header to frame check sequence, of all aggregated frames.
        unit_tones: 26 to 996, or 1992 for 160 MHz.
        mcs: 0 to 11.
        guard: ``long`` (0.8 us), ``double`` (1.6 us) or ``quadruple`` (3.2 us).
        streams: Spatial streams.
        training: 1x, 2x or 4x HE-LTF.
        training_fields: HE-LTFs; as many as the streams need when left out.
        packet_extension_ps: 0, 8 or 16 us.
        trigger_based: Whether a trigger asked for the frame (longer HE-STF).
        extension_ps: Signal extension at 2.4 GHz.

    Source:
        IEEE Std 802.11ax-2021, 27.4.3 (TXTIME) and Table 27-12.
    """
    bits = bits_per_symbol(
        generation="he", data_tones=HE_DATA_TONES[unit_tones], mcs=mcs, streams=streams
    )
    short_training_us = 8 if trigger_based else 4
    preamble_ps = (20 + 4 + 8 + short_training_us) * _US_PS
    field_ps = _HE_TRAINING_PS[training] + _HE_GUARD_PS[guard]
    return (
        preamble_ps
        + _training(streams, training_fields) * field_ps
        + _symbols(psdu_octets, bits, 1) * _SYMBOLS_PS["he"][guard]
        + packet_extension_ps
        + extension_ps
    )

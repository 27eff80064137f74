# SPDX-License-Identifier: Apache-2.0
"""5G NR in time: numerologies, processing times, TDD slots, user-plane latency.

Processing times are exact fractions of the standard's time unit; slots are whole
picoseconds. A TDD pattern is looked at slot by slot: D carries downlink, U uplink, and
an S slot carries no data, which is pessimistic for S slots with many symbols of one
direction. Queueing and resource sharing are not part of this module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from netplan.media.frames import PS_PER_S
from netplan.media.grants import Openings

Direction = Literal["uplink", "downlink"]
Capability = Literal[1, 2]
MappingType = Literal["A", "B"]

SYMBOLS_PER_SLOT = 14
"""Normal cyclic prefix. Source: 3GPP TS 38.211, Table 4.3.2-1."""
TIME_UNIT_PS = Fraction(PS_PER_S, 480_000 * 4096)
"""Tc. Source: 3GPP TS 38.211, 4.1."""
KAPPA = 64
"""Ts / Tc. Source: 3GPP TS 38.211, 4.1."""
NUMEROLOGIES = {15_000: 0, 30_000: 1, 60_000: 2, 120_000: 3}
"""mu of each subcarrier spacing in Hz. Source: 3GPP TS 38.211, Table 4.2-1."""

_DECODING_SYMBOLS: dict[Capability, tuple[Fraction, ...]] = {
    1: (Fraction(8), Fraction(10), Fraction(17), Fraction(20)),
    2: (Fraction(3), Fraction(9, 2), Fraction(9)),
}
"""N1 by numerology, front-loaded DM-RS only. Source: 3GPP TS 38.214, Tables 5.3-1 and 5.3-2."""
_DECODING_SYMBOLS_MORE_DMRS = (Fraction(13), Fraction(13), Fraction(20), Fraction(24))
"""N1 of capability 1 with additional DM-RS. Source: 3GPP TS 38.214, Table 5.3-1."""
_PREPARATION_SYMBOLS: dict[Capability, tuple[Fraction, ...]] = {
    1: (Fraction(10), Fraction(12), Fraction(23), Fraction(36)),
    2: (Fraction(5), Fraction(11, 2), Fraction(11)),
}
"""N2 by numerology. Source: 3GPP TS 38.214, Tables 6.4-1 and 6.4-2."""


def slot_ps(numerology: int) -> int:
    """Duration of a slot: 1 ms over 2^mu. Source: 3GPP TS 38.211, 4.3.2."""
    return 1_000_000_000 >> numerology


def symbol_ps(numerology: int) -> Fraction:
    """Mean duration of a symbol, cyclic prefix included: a fourteenth of a slot.

    Source: Report ITU-R M.2412, 5.7.1 and 3GPP TR 37.910, 5.7.1.1 count time so.
    """
    return Fraction(slot_ps(numerology), SYMBOLS_PER_SLOT)


def _processing_symbol_ps(numerology: int) -> Fraction:
    return (2048 + 144) * KAPPA * TIME_UNIT_PS / (1 << numerology)


def decoding_ps(
    *,
    numerology: int,
    capability: Capability,
    extra_symbols: Fraction | int = 0,
    additional_dmrs: bool = False,
) -> Fraction:
    """Tproc,1: from the end of the PDSCH until its acknowledgement may start.

    Args:
        numerology: mu.
        capability: UE processing capability; 2 exists up to mu = 2.
        extra_symbols: d1,1 or d1,2, see :func:`decoding_extra_symbols`.
        additional_dmrs: Whether there are more DM-RS symbols than the front-loaded ones.

    Source:
        3GPP TS 38.214, 5.3, with d2 = 0.
    """
    table = _DECODING_SYMBOLS[capability]
    if additional_dmrs and capability == 1:
        table = _DECODING_SYMBOLS_MORE_DMRS
    return (table[numerology] + extra_symbols) * _processing_symbol_ps(numerology)


def preparation_ps(*, numerology: int, capability: Capability, extra_symbols: int = 0) -> Fraction:
    """Tproc,2: from the end of the PDCCH until the PUSCH may start.

    Args:
        numerology: mu.
        capability: UE processing capability; 2 exists up to mu = 2.
        extra_symbols: d2,1: 0 when the first PUSCH symbol is DM-RS only, 1 otherwise.

    Source:
        3GPP TS 38.214, 6.4, with d2 = 0 and no bandwidth-part switch (d2,2 = 0).
    """
    table = _PREPARATION_SYMBOLS[capability]
    return (table[numerology] + extra_symbols) * _processing_symbol_ps(numerology)


def decoding_extra_symbols(
    *,
    capability: Capability,
    mapping: MappingType,
    start: int,
    symbols: int,
    overlap_symbols: int,
    long_control: bool = False,
) -> int:
    """d1,1 of mapping type A or d1,2 of mapping type B.

    Args:
        capability: UE processing capability.
        mapping: PDSCH mapping type.
        start: First symbol in the slot.
        symbols: Length of the allocation.
        overlap_symbols: Symbols that PDCCH and PDSCH have in common (type B).
        long_control: Whether a control region of three symbols starts with the PDSCH.

    Source:
        3GPP TS 38.214, 5.3.
    """
    if mapping == "A":
        last = start + symbols - 1
        return max(0, 7 - last)
    if symbols >= 7:
        return 0
    if capability == 1:
        if symbols >= 4:
            return 7 - symbols
        return 3 + (min(overlap_symbols, 1) if symbols == 3 else overlap_symbols)
    if symbols >= 3:
        return overlap_symbols
    return 3 if long_control else overlap_symbols


def _start_symbols(direction: Direction, mapping: MappingType, symbols: int) -> tuple[int, ...]:
    if direction == "downlink":
        largest = 3 if mapping == "A" else SYMBOLS_PER_SLOT
        starts: range = range(largest + 1)
    elif mapping == "A":
        starts = range(1)
    else:
        # Configured-grant periodicities sym2 and sym7, otherwise a slot.
        step = 2 if symbols <= 2 else 7 if symbols <= 7 else SYMBOLS_PER_SLOT
        starts = range(0, SYMBOLS_PER_SLOT, step)
    return tuple(start for start in starts if start + symbols <= SYMBOLS_PER_SLOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPlaneLatency:
    """One-way user-plane latency of an unloaded FDD carrier.

    Attributes:
        mean_ps: T(p) = T1 + p * T_HARQ with mean alignment, rounded up.
        largest_ps: T1 with the longest alignment, no retransmission, rounded up.
        retransmission_ps: T_HARQ, what one retransmission adds on the mean, rounded up.
    """

    mean_ps: int
    largest_ps: int
    retransmission_ps: int


def user_plane_latency(
    *,
    direction: Direction,
    subcarrier_spacing_hz: int,
    capability: Capability,
    mapping: MappingType,
    symbols: int,
    retransmission_probability: float = 0.0,
) -> UserPlaneLatency:
    """User-plane latency as 3GPP evaluated it for IMT-2020: FDD, grant-free uplink.

    Data arrives at any time alike and waits for the next allowed start symbol: downlink
    type A in symbols 0 to 3, downlink type B in every symbol, uplink type A at the start of a
    slot, uplink type B every 2 or 7 symbols or every slot (the configured-grant
    periodicities). The allocation ends within the slot. Acknowledgements and uplink grants
    may start in any symbol (mean wait half a symbol). Control and data overlap by one
    symbol in downlink type B, not in uplink.

    Raises:
        ValueError: When such an allocation does not exist.

    Source:
        3GPP TR 37.910, 5.7.1.1 (Tables 5.7.1.1.1-1 and 5.7.1.1.2-1: the steps);
        3GPP TS 38.214, 5.3 and 6.4 (processing), 5.1.2.1 and 6.1.2.1 (start symbols);
        3GPP TS 38.331 (periodicities sym2, sym7).
    """
    numerology = NUMEROLOGIES.get(subcarrier_spacing_hz)
    if numerology is None or numerology >= len(_PREPARATION_SYMBOLS[capability]):
        raise ValueError(f"capability {capability} has no {subcarrier_spacing_hz} Hz")
    if not 1 <= symbols <= SYMBOLS_PER_SLOT:
        raise ValueError(f"an allocation has 1 to 14 symbols, not {symbols}")
    starts = _start_symbols(direction, mapping, symbols)
    overlap = 1 if direction == "downlink" else 0
    extra = [
        decoding_extra_symbols(
            capability=capability,
            mapping=mapping,
            start=start,
            symbols=symbols,
            overlap_symbols=overlap,
        )
        for start in starts
    ]
    openings = Openings(cycle_ps=SYMBOLS_PER_SLOT, offsets_ps=starts)  # counted in symbols here
    gaps = openings.gaps_ps()
    waits = [gaps[index - 1] for index in range(len(starts))]  # the gap before each start

    symbol = symbol_ps(numerology)
    half_preparation = preparation_ps(numerology=numerology, capability=capability) / 2
    half_decoding = [
        decoding_ps(numerology=numerology, capability=capability, extra_symbols=more) / 2
        for more in extra
    ]
    mean_decoding = (
        sum((wait * half for wait, half in zip(waits, half_decoding, strict=True)), Fraction(0))
        / SYMBOLS_PER_SLOT
    )
    first_mean = half_preparation + (openings.mean_wait_ps() + symbols) * symbol + mean_decoding
    first_largest = max(
        half_preparation + (wait + symbols) * symbol + half
        for wait, half in zip(waits, half_decoding, strict=True)
    )
    answer = mean_decoding + (Fraction(1, 2) + 1) * symbol + half_preparation
    retransmission = first_mean + answer
    return UserPlaneLatency(
        mean_ps=math.ceil(first_mean + Fraction(retransmission_probability) * retransmission),
        largest_ps=math.ceil(first_largest),
        retransmission_ps=math.ceil(retransmission),
    )


def slot_openings(*, pattern: str, letter: str, numerology: int) -> Openings | None:
    """Starts of the slots of one kind within a TDD period; None when there is none.

    Args:
        pattern: Slots of the period, such as ``DDDSU``.
        letter: ``D`` for downlink, ``U`` for uplink.
        numerology: mu.
    """
    duration_ps = slot_ps(numerology)
    offsets = tuple(index * duration_ps for index, slot in enumerate(pattern) if slot == letter)
    if not offsets:
        return None
    return Openings(cycle_ps=len(pattern) * duration_ps, offsets_ps=offsets)


def _next_ps(openings: Openings, ready_ps: Fraction) -> int:
    cycle, within = divmod(ready_ps, openings.cycle_ps)
    for offset_ps in openings.offsets_ps:
        if offset_ps >= within:
            return int(cycle) * openings.cycle_ps + offset_ps
    return (int(cycle) + 1) * openings.cycle_ps + openings.offsets_ps[0]


def retransmission_ps(
    *,
    data: Openings,
    answers: Openings,
    direction: Direction,
    numerology: int,
    capability: Capability,
) -> int:
    """Longest time from a transmission to the start of its retransmission, in TDD.

    After a failed slot the receiver decodes, answers in the next slot of the other
    direction (one symbol: an acknowledgement or a new grant), the sender reads that and
    prepares, and the next slot of the data's direction carries the retransmission. All
    data slots of the period are tried; the longest counts.

    Source:
        3GPP TR 37.910, Tables 5.7.1.1.1-1 and 5.7.1.1.2-1 (the steps), aligned to slots.
    """
    half_decoding = decoding_ps(numerology=numerology, capability=capability) / 2
    half_preparation = preparation_ps(numerology=numerology, capability=capability) / 2
    if direction == "uplink":
        before_answer = half_decoding + half_preparation  # gNB decodes and schedules
        after_answer = half_decoding + half_preparation  # UE reads the grant and prepares
    else:
        before_answer = half_decoding + half_decoding  # UE decodes and acknowledges
        after_answer = half_preparation + half_preparation  # gNB reads that and prepares
    longest_ps = 0
    for opening_ps in data.offsets_ps:
        answer_ps = _next_ps(answers, opening_ps + slot_ps(numerology) + before_answer)
        again_ps = _next_ps(data, answer_ps + symbol_ps(numerology) + after_answer)
        longest_ps = max(longest_ps, again_ps - opening_ps)
    return longest_ps

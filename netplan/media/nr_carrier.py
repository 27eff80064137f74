# SPDX-License-Identifier: Apache-2.0
"""What a 5G NR network can be: spectrum, TDD pattern, resource blocks, modulation.

The findings here say why a network as designed cannot work; the medium itself is
:mod:`netplan.media.cellular`.
"""

from __future__ import annotations

from dataclasses import dataclass

from netplan.design.findings import Finding, Severity
from netplan.design.networks import CellularNetwork
from netplan.design.quantities import duration_text
from netplan.media.grants import Openings
from netplan.media.nr_rates import (
    Mcs,
    McsTable,
    block_table,
    least_snr_db,
    resource_blocks,
    select_mcs,
)
from netplan.media.nr_timing import NUMEROLOGIES, Direction, slot_openings, slot_ps
from netplan.media.terms import error

SPARING_ERROR_RATIO = 1e-3
"""Below this block error ratio the low-efficiency MCS table is used.

Source: planning practice, not normative: 3GPP TS 38.214, 5.1.3.1 introduced the table for 1e-5.
"""
TDD_ANCHOR_PS = 20_000_000_000
"""A TDD period divides 20 ms. Source: 3GPP TS 38.213, 11.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """What a UE has of the network in one direction.

    Attributes:
        numerology_index: mu.
        resource_blocks_per_ue: Resource blocks of each UE.
        data: Slots of the direction.
        answers: Slots of the other direction.
    """

    numerology_index: int
    resource_blocks_per_ue: int
    data: Openings
    answers: Openings


def _spectrum_findings(network: CellularNetwork) -> list[Finding]:
    findings = []
    table = block_table(network.carrier_hz)
    if not table:
        findings.append(
            error(
                "CELLULAR-CARRIER-UNKNOWN",
                f"NR has no band at {network.carrier_hz / 1e9:g} GHz",
                expected="410 MHz to 7.125 GHz, or 24.25 GHz to 71 GHz",
                found=f"{network.carrier_hz / 1e9:g} GHz",
            )
        )
    else:
        widths = table.get(int(network.subcarrier_spacing_hz))
        if widths is None:
            spacings = ", ".join(f"{spacing // 1000} kHz" for spacing in table)
            findings.append(
                error(
                    "CELLULAR-SPACING-UNKNOWN",
                    f"NR at {network.carrier_hz / 1e9:g} GHz has no subcarrier spacing of "
                    f"{network.subcarrier_spacing_hz / 1e3:g} kHz",
                    expected=spacings,
                    found=f"{network.subcarrier_spacing_hz / 1e3:g} kHz",
                )
            )
        elif (
            resource_blocks(
                carrier_hz=network.carrier_hz,
                bandwidth_hz=network.bandwidth_hz,
                subcarrier_spacing_hz=network.subcarrier_spacing_hz,
            )
            is None
        ):
            findings.append(
                error(
                    "CELLULAR-BANDWIDTH-UNKNOWN",
                    f"NR has no carrier of {network.bandwidth_hz / 1e6:g} MHz at "
                    f"{network.subcarrier_spacing_hz / 1e3:g} kHz",
                    expected=", ".join(f"{width} MHz" for width in widths),
                    found=f"{network.bandwidth_hz / 1e6:g} MHz",
                )
            )
    if network.capability == 2 and (
        network.subcarrier_spacing_hz > 60e3 or network.carrier_hz > 8e9
    ):
        findings.append(
            error(
                "CELLULAR-CAPABILITY",
                "processing capability 2 is defined below 7.125 GHz and up to 60 kHz only",
                expected="capability: 1",
                found="capability: 2",
            )
        )
    return findings


def _pattern_findings(network: CellularNetwork) -> list[Finding]:
    findings = []
    numerology = NUMEROLOGIES.get(int(network.subcarrier_spacing_hz))
    if numerology is not None:
        period_ps = len(network.pattern) * slot_ps(numerology)
        if TDD_ANCHOR_PS % period_ps:
            findings.append(
                error(
                    "CELLULAR-PATTERN-PERIOD",
                    f"pattern {network.pattern} lasts {duration_text(period_ps)}, "
                    "which does not divide 20 ms",
                    expected="a period such as 0.5, 1, 2, 2.5, 5 or 10 ms",
                    found=duration_text(period_ps),
                    hint="add or remove slots",
                )
            )
    for letter, what in (("D", "downlink"), ("U", "uplink")):
        if letter not in network.pattern:
            findings.append(
                error(
                    "CELLULAR-PATTERN-ONE-WAY",
                    f"pattern {network.pattern} has no {what} slot",
                    expected="at least one D and one U",
                    found=network.pattern,
                    hint="data goes both ways, and retransmissions need an answer; try DDDSU",
                )
            )
    return findings


def _blocks_per_ue(network: CellularNetwork, ue_count: int) -> tuple[int, list[Finding]]:
    available = resource_blocks(
        carrier_hz=network.carrier_hz,
        bandwidth_hz=network.bandwidth_hz,
        subcarrier_spacing_hz=network.subcarrier_spacing_hz,
    )
    if available is None:
        return 0, []
    users = max(1, ue_count)
    wanted = network.resource_blocks_per_ue
    share = available // users if wanted is None else wanted
    if share >= 1 and share * users <= available:
        return share, []
    finding = error(
        "CELLULAR-BLOCKS-SHORT",
        f"{users} UEs need {max(1, share) * users} resource blocks, the carrier has {available}",
        expected=f"at most {available // users} blocks for each of {users} UEs"
        if users <= available
        else f"at most {available} UEs",
        found=f"{users} UEs with {max(1, share)} each",
        hint="a wider carrier, fewer UEs, or fewer blocks for each",
    )
    return 0, [finding]


def carrier_of(
    network: CellularNetwork, ue_count: int, direction: Direction
) -> tuple[Carrier | None, list[Finding]]:
    """The carrier as one UE sees it, or why there is none.

    Args:
        network: The network.
        ue_count: UEs that share the carrier.
        direction: Of the data.
    """
    findings = _spectrum_findings(network) + _pattern_findings(network)
    if network.core_min_ps > network.core_max_ps:
        findings.append(
            error(
                "CELLULAR-CORE-ORDER",
                "core_min is larger than core_max",
                expected=f"core_max of at least {duration_text(network.core_min_ps)}",
                found=duration_text(network.core_max_ps),
            )
        )
    blocks, short = _blocks_per_ue(network, ue_count)
    findings += short
    if findings:
        return None, findings
    numerology = NUMEROLOGIES[int(network.subcarrier_spacing_hz)]
    letters = ("U", "D") if direction == "uplink" else ("D", "U")
    data, answers = (
        slot_openings(pattern=network.pattern, letter=letter, numerology=numerology)
        for letter in letters
    )
    if data is None or answers is None:
        return None, findings
    return (
        Carrier(
            numerology_index=numerology, resource_blocks_per_ue=blocks, data=data, answers=answers
        ),
        findings,
    )


def scheme_for(
    network: CellularNetwork, direction: Direction, snr_db: float
) -> tuple[Mcs | None, list[Finding]]:
    """The modulation that reception allows, or why there is none.

    Args:
        network: The network.
        direction: For the message.
        snr_db: Mean signal to noise, before the fade margin.
    """
    table: McsTable = 3 if network.error_ratio <= SPARING_ERROR_RATIO else 1
    usable_db = snr_db - network.fade_margin_db
    if network.error_ratio <= 0:
        return None, [
            error(
                "CELLULAR-ERROR-FREE",
                "no modulation is free of block errors",
                expected="block_error above 0, such as 0.1 or 1e-3",
                found="block_error: 0",
            )
        ]
    scheme = select_mcs(snr_db=usable_db, table=table, error_ratio=network.error_ratio)
    findings = []
    if scheme is None:
        least_db = least_snr_db(table=table, error_ratio=network.error_ratio)
        findings.append(
            error(
                "CELLULAR-NO-COVERAGE",
                f"the {direction} is received with {snr_db:.1f} dB above noise; less the fade "
                "margin that is too little for the lowest modulation",
                expected=f"at least {least_db + network.fade_margin_db:.1f} dB",
                found=f"{snr_db:.1f} dB with a fade margin of {network.fade_margin_db:g} dB",
                hint="another base station, a position nearer to one, or less obstruction",
            )
        )
    elif network.error_ratio < 0.01:
        findings.append(
            Finding(
                code="CELLULAR-ERROR-EXTRAPOLATED",
                severity=Severity.NOTE,
                message=f"a block error ratio of {network.error_ratio:g} lies below the link "
                "simulations (1 %); the modulation follows an extrapolation of 0.9 dB per decade",
                hint="confirm it by measurement, or plan with block_error: 0.01",
            )
        )
    return scheme, findings

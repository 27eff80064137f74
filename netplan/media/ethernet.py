# SPDX-License-Identifier: Apache-2.0
"""Ethernet over copper: propagation, what the category of the cable allows, the wire itself.

Full duplex, no energy-efficient sleep. The transceivers' own delay belongs to
the devices' processing. Power over the same cable is not looked at.
"""

from __future__ import annotations

from netplan.catalog.model import Copper
from netplan.design.quantities import rate_text
from netplan.media.interface import Crossing, WireMechanism
from netplan.media.terms import error, propagation_term, wire_service


def crossing(*, line_bps: int, length_m: float, cable: Copper) -> Crossing:
    """One direction of a copper link.

    Args:
        line_bps: Rate that both ports use.
        length_m: Installed length, patch cords included.
        cable: Category from the catalogue.

    Source:
        Preamble and interpacket gap: IEEE Std 802.3-2022, 3.1.1 and 4.4.2. Lengths,
        rates and propagation: the catalogue entry of the cable.
    """
    findings = []
    largest_m = cable.largest_length_m
    if length_m > largest_m.value:
        findings.append(
            error(
                "ETHERNET-CABLE-LONG",
                f"{length_m:g} m of {cable.id} is {length_m - largest_m.value:g} m longer than "
                "the category allows",
                expected=f"at most {largest_m.value:g} m ({largest_m.source})",
                found=f"{length_m:g} m",
                hint="put a bridge in between, or use fibre",
            )
        )
    if line_bps > cable.largest_rate_bps.value:
        findings.append(
            error(
                "ETHERNET-CABLE-SLOW",
                f"{cable.id} does not carry {rate_text(line_bps)}",
                expected=f"at most {rate_text(cable.largest_rate_bps.value)} "
                f"({cable.largest_rate_bps.source})",
                found=rate_text(line_bps),
                hint="use a higher category, fibre, or a lower rate",
            )
        )
    propagation = cable.propagation_ps_per_m
    return Crossing(
        findings=tuple(findings),
        terms=(
            propagation_term(
                f"{length_m:g} m of {cable.id}", length_m, propagation.value, propagation.source
            ),
        ),
        before=(),
        service=wire_service(line_bps=line_bps, source="IEEE Std 802.3-2022, 4.2.3: line rate"),
        mechanism=WireMechanism(line_bps=line_bps),
        assumptions=("Links over copper are full duplex and never sleep.",),
    )

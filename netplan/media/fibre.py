# SPDX-License-Identifier: Apache-2.0
"""Ethernet over point-to-point fibre: power budget of the modules, propagation, the wire.

Both ends carry the same kind of module. The budget compares the weakest and the
strongest transmitter of the data sheet with the receiver's range; dispersion is
covered by the length that the module allows.
"""

from __future__ import annotations

from netplan.catalog.model import Fibre, Transceiver
from netplan.design.findings import Finding
from netplan.design.quantities import rate_text
from netplan.media.interface import Crossing, WireMechanism
from netplan.media.optical import FibrePiece, covers, piece_loss_db
from netplan.media.terms import error, propagation_term, wire_service


def _fit_findings(
    line_bps: int, length_m: float, fibre: Fibre, module: Transceiver
) -> list[Finding]:
    findings = []
    if fibre.mode != module.mode:
        findings.append(
            error(
                "FIBRE-MODE-MISMATCH",
                f"module {module.id} is made for {module.mode}-mode fibre, "
                f"but {fibre.id} is {fibre.mode}-mode",
                expected=f"{module.mode}-mode fibre",
                found=f"{fibre.id}, {fibre.mode}-mode",
                hint="change the module or the fibre",
            )
        )
    if line_bps != module.line_bps.value:
        findings.append(
            error(
                "FIBRE-RATE-MISMATCH",
                f"the link runs at {rate_text(line_bps)}, but module {module.id} at "
                f"{rate_text(module.line_bps.value)}",
                expected=rate_text(module.line_bps.value),
                found=rate_text(line_bps),
                hint="choose a module of the link's rate",
            )
        )
    if length_m > module.largest_length_m.value:
        findings.append(
            error(
                "FIBRE-LINK-LONG",
                f"{length_m:g} m is longer than module {module.id} reaches",
                expected=f"at most {module.largest_length_m.value:g} m "
                f"({module.largest_length_m.source})",
                found=f"{length_m:g} m",
                hint="choose a module of longer reach",
            )
        )
    wavelength_nm = module.wavelength_nm.value
    if fibre.mode == module.mode and not covers(fibre, wavelength_nm):
        findings.append(
            error(
                "FIBRE-WAVELENGTH-UNKNOWN",
                f"the catalogue gives no attenuation of {fibre.id} near {wavelength_nm} nm",
                expected="an attenuation within 50 nm of the module's wavelength",
                found=", ".join(f"{loss.wavelength_nm} nm" for loss in fibre.losses),
                hint="add the attenuation to the fibre's catalogue entry",
            )
        )
    return findings


def crossing(
    *,
    line_bps: int,
    length_m: float,
    fibre: Fibre,
    transceiver: Transceiver,
    connectors: int,
    splices: int,
    attenuator_db: float = 0.0,
) -> Crossing:
    """One direction of a fibre link.

    Args:
        line_bps: Rate of the link.
        length_m: Installed length, slack included.
        fibre: Type from the catalogue.
        transceiver: Module at both ends.
        connectors: Connector pairs on the way.
        splices: Fusion splices on the way.
        attenuator_db: Loss of a fixed attenuator on the way.

    Source:
        Power budget: IEEE Std 802.3-2022, 52.5 to 52.7: received power is transmitted
        power less channel insertion loss. Values: the catalogue entries.
    """
    findings = _fit_findings(line_bps, length_m, fibre, transceiver)
    piece = FibrePiece(fibre=fibre, length_m=length_m, connectors=connectors, splices=splices)
    loss_db = piece_loss_db(piece, transceiver.wavelength_nm.value) + attenuator_db
    weakest_dbm = transceiver.transmit_min_dbm.value - loss_db
    strongest_dbm = transceiver.transmit_max_dbm.value - loss_db
    least, most = transceiver.receive_min_dbm, transceiver.receive_max_dbm
    if weakest_dbm < least.value:
        findings.append(
            error(
                "FIBRE-POWER-LOW",
                f"{loss_db:.2f} dB of loss is {least.value - weakest_dbm:.2f} dB more than "
                f"module {transceiver.id} overcomes",
                expected=f"at least {least.value:.2f} dBm at the receiver ({least.source})",
                found=f"{weakest_dbm:.2f} dBm from the weakest transmitter",
                hint="fewer connectors and splices, a better fibre, or a stronger module",
            )
        )
    if strongest_dbm > most.value:
        findings.append(
            error(
                "FIBRE-POWER-HIGH",
                f"{loss_db:.2f} dB of loss is {strongest_dbm - most.value:.2f} dB less than "
                f"the receiver of module {transceiver.id} needs",
                expected=f"at most {most.value:.2f} dBm at the receiver ({most.source})",
                found=f"{strongest_dbm:.2f} dBm from the strongest transmitter",
                hint=f"fit an 'attenuator' of {strongest_dbm - most.value:.1f} dB or more",
            )
        )
    propagation = fibre.propagation_ps_per_m
    return Crossing(
        findings=tuple(findings),
        terms=(
            propagation_term(
                f"{length_m:g} m of {fibre.id}", length_m, propagation.value, propagation.source
            ),
        ),
        before=(),
        service=wire_service(line_bps=line_bps, source="IEEE Std 802.3-2022, 4.2.3: line rate"),
        mechanism=WireMechanism(line_bps=line_bps),
        assumptions=(
            (
                f"The fibre loses {loss_db:.2f} dB at {transceiver.wavelength_nm.value} nm, "
                f"which leaves {weakest_dbm - least.value:.2f} dB above the receiver's sensitivity."
            ),
        ),
    )

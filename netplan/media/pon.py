# SPDX-License-Identifier: Apache-2.0
"""A passive optical network as a medium: broadcast downstream, fixed grants upstream.

Operating mode upstream: every ONU has fixed bandwidth, given as one or more bursts in
each frame (single-frame multi-burst) and announced in advance, so that neither
reports nor the equalisation delay enter. No quiet window opens in service: ONUs are ranged
in maintenance windows, or on a separate activation wavelength. Status-reporting bandwidth
assignment and Ethernet PON are not modelled. The optical budget is in
:mod:`netplan.media.pon_budget`.
"""

from __future__ import annotations

import math

from netplan.catalog.model import PonSystem
from netplan.design.findings import Finding, Severity
from netplan.design.networks import PonNetwork
from netplan.design.quantities import duration_text, rate_text
from netplan.media.frames import PS_PER_S
from netplan.media.grants import Openings, serial_service
from netplan.media.interface import (
    Crossing,
    DelayTerm,
    GrantMechanism,
    NoService,
    TermKind,
    WireMechanism,
)
from netplan.media.pon_frames import (
    Codeword,
    allocation,
    downstream_codeword,
    downstream_payload_octets,
    line_ps,
    upstream_codeword,
)
from netplan.media.terms import error, fixed_term, propagation_term, wire_service

FIBRE_PROPAGATION_PS_PER_M = 4_900
"""Group index 1.468 of single-mode fibre: 1.468 / 299 792 458 m/s = 4.897 ns/m.

Source: typical data sheets of ITU-T G.652.D fibre, 1310 to 1577 nm.
"""


def downstream(
    *,
    system: PonSystem,
    distance_m: float,
    allocation_count: int,
    propagation_ps_per_m: int = FIBRE_PROPAGATION_PS_PER_M,
) -> Crossing:
    """From the OLT to one ONU.

    The OLT sends frame after frame to all ONUs at the rate that is left after error
    correction, headers and bandwidth map. Against that even rate a frame is late by at
    most one header block (the block that interrupts it) and one codeword, which must be complete
    before it is corrected.

    Args:
        system: From the catalogue.
        distance_m: Fibre between OLT and ONU.
        allocation_count: Entries of the bandwidth map: ONUs times bursts per frame.
        propagation_ps_per_m: Of the fibre.

    Source:
        ITU-T G.984.3, 8.1; G.987.3, 8.1 and 10.1; G.9807.1, C.8 and C.10.
    """
    payload_octets = downstream_payload_octets(system=system, allocation_count=allocation_count)
    line_bps = system.downstream_line_bps.value
    findings: tuple[Finding, ...] = ()
    payload_bps = 8 * payload_octets * PS_PER_S // system.frame_period_ps.value
    if payload_bps == 0:
        findings = (
            error(
                "PON-MAP-FULL",
                f"{allocation_count} entries of the bandwidth map fill the downstream frame of "
                f"{system.id}",
                expected="fewer ONUs or fewer bursts per frame",
                found=f"{allocation_count} entries",
            ),
        )
        payload_bps = line_bps
    code = downstream_codeword(system)
    map_octets = allocation_count * system.allocation_octets.value
    overhead_octets = system.frame_overhead_octets.value
    interruption_ps = line_ps(
        system.frame_header_octets.value + code.line_octets(map_octets + overhead_octets),
        line_bps,
    )
    return Crossing(
        findings=findings,
        terms=(
            propagation_term(
                f"{distance_m:g} m of fibre",
                distance_m,
                propagation_ps_per_m,
                "ITU-T G.652; group delay of the fibre",
            ),
            fixed_term(
                TermKind.PROCESSING,
                "frame header, bandwidth map and error correction",
                0,
                interruption_ps + line_ps(code.octets, line_bps),
                "ITU-T G.987.3, 8.1 and 10.1; G.9807.1, C.8 and C.10",
            ),
        ),
        before=(),
        service=wire_service(
            line_bps=payload_bps,
            source=f"payload rate of {system.id} after error correction, headers and map",
            extra_octets=overhead_octets,
        ),
        mechanism=WireMechanism(line_bps=payload_bps, lead_octets=overhead_octets, tail_octets=0),
        assumptions=(
            (
                f"The OLT broadcasts to all ONUs at {rate_text(payload_bps)}, evenly; headers and "
                "error correction are in the fixed terms."
            ),
        ),
    )


def allocation_findings(
    *, network: PonNetwork, system: PonSystem, onu_count: int
) -> tuple[Finding, ...]:
    """Whether all grants fit into the frame, and how full it is."""
    fill = allocation(network=network, system=system, onu_count=onu_count)
    figures = (
        f"{onu_count} ONUs with {network.bursts_per_frame} bursts of {fill.grant_octets} octets "
        f"take {duration_text(float(fill.used_ps))} of {duration_text(fill.frame_ps)}"
    )
    if fill.used_ps > fill.frame_ps:
        overhead_ps = system.burst_overhead_ps.value * network.bursts_per_frame * onu_count
        return (
            error(
                "PON-GRANTS-EXCEED-FRAME",
                f"the fixed grants do not fit into the upstream frame: {figures}",
                expected=f"at most {duration_text(fill.frame_ps)}",
                found=f"{duration_text(float(fill.used_ps))}, of which "
                f"{duration_text(overhead_ps)} is burst overhead",
                hint="less bandwidth for each ONU, fewer bursts per frame, or fewer ONUs",
            ),
        )
    return (
        Finding(
            code="PON-GRANTS-FIT",
            severity=Severity.NOTE,
            message=f"{figures} upstream, {float(fill.used_ps / fill.frame_ps):.1%} of the frame",
        ),
    )


def upstream(
    *,
    network: PonNetwork,
    system: PonSystem,
    onu_count: int,
    distance_m: float,
    propagation_ps_per_m: int = FIBRE_PROPAGATION_PS_PER_M,
) -> Crossing:
    r"""From one ONU to the OLT.

    With b bursts per frame a grant opens every Ta = frame / b; b that does not divide the
    frame gives openings that are a picosecond apart from even. What is queued when the
    burst begins is sent after its overhead, octet after octet at the upstream payload
    rate. The service curve is the line below that staircase with ramps: latency Ta (data that
    just misses an opening), rate quota / Ta; the derivation is in
    :mod:`netplan.media.grants`. One XGEM header of each grant is kept for the frame that
    continues from the grant before.

    Args:
        network: Gives bandwidth, bursts and reach.
        system: From the catalogue.
        onu_count: ONUs of the network.
        distance_m: Fibre between OLT and this ONU.
        propagation_ps_per_m: Of the fibre.

    Source:
        ITU-T G.984.3, 8.2 and 10; G.987.3, 8.2 and 10.2; G.9804.2 (several bursts in a frame).
        A grant is announced ahead, so that the equalisation delay is spent before the
        data arrives: G.984.3, 10.4.
    """
    fill = allocation(network=network, system=system, onu_count=onu_count)
    overhead_octets = system.frame_overhead_octets.value
    quota_octets = fill.grant_octets - overhead_octets
    code = upstream_codeword(system)
    line_bps = system.upstream_line_bps.value
    serial_bps = math.floor(line_bps * code.payload_ratio)
    bursts = network.bursts_per_frame
    openings = Openings(
        cycle_ps=fill.frame_ps,
        offsets_ps=tuple(index * fill.frame_ps // bursts for index in range(bursts)),
    )
    findings: tuple[Finding, ...] = ()
    service = serial_service(
        openings=openings,
        quota_octets=max(1, quota_octets),
        serial_bps=serial_bps,
        overhead_octets=overhead_octets,
        source="fixed grants: quota of a burst every frame period / bursts; ITU-T G.987.3, 8.2",
    )
    if quota_octets < 1:
        findings = (
            error(
                "PON-GRANT-SMALL",
                f"{rate_text(network.grant_bps)} in {bursts} bursts per frame gives "
                f"{fill.grant_octets} octets a burst, no more than its header takes",
                expected=f"more than {overhead_octets} octets a burst",
                found=f"{fill.grant_octets} octets",
                hint="more bandwidth for each ONU, or fewer bursts per frame",
            ),
        )
        service = NoService(because="a burst is too short to carry data")
    return Crossing(
        findings=findings,
        terms=_upstream_terms(system, code, distance_m, propagation_ps_per_m),
        before=(),
        service=service,
        mechanism=GrantMechanism(
            cycle_ps=openings.cycle_ps,
            openings_ps=openings.offsets_ps,
            phase_ps=None,
            quota_octets=max(0, quota_octets),
            overhead_octets=overhead_octets,
            fragments=True,
            serial_bps=serial_bps,
            burst_ps=0,
        ),
        assumptions=(
            (
                f"Each ONU has a fixed grant of {fill.grant_octets} octets, {bursts} times in each "
                f"frame of {duration_text(fill.frame_ps)}, announced in advance."
            ),
            "No quiet window opens in service: ONUs are ranged in maintenance windows only.",
            "The start of the frame on the network's time is unknown, so any phase counts.",
        ),
    )


def _upstream_terms(
    system: PonSystem, code: Codeword, distance_m: float, propagation_ps_per_m: int
) -> tuple[DelayTerm, ...]:
    overhead_ps = system.burst_overhead_ps
    framing_ps = line_ps(
        code.line_octets(system.allocation_octets.value), system.upstream_line_bps.value
    )
    return (
        fixed_term(
            TermKind.SERIALISATION,
            "guard time, preamble, delimiter and burst header",
            overhead_ps.value,
            overhead_ps.value + framing_ps,
            overhead_ps.source,
        ),
        propagation_term(
            f"{distance_m:g} m of fibre",
            distance_m,
            propagation_ps_per_m,
            "ITU-T G.652; group delay of the fibre",
        ),
        fixed_term(
            TermKind.PROCESSING,
            "error correction waits for the whole codeword",
            0,
            line_ps(code.octets, system.upstream_line_bps.value),
            "ITU-T G.987.3, 10.3; G.9807.1, C.10",
        ),
    )

# SPDX-License-Identifier: Apache-2.0
"""A private 5G NR network as a medium: one UE's uplink and downlink in a TDD carrier.

Operating mode: each UE owns the same resource blocks in every slot of its direction
(configured grants up, semi-persistent scheduling down), so that nobody waits for a
scheduler and UEs do not disturb each other. One layer, mapping type A over the whole slot, no
data in S slots, hybrid ARQ with delivery in order, unacknowledged RLC. Handover, paging and
bandwidth sharing by demand are outside.
"""

from __future__ import annotations

from fractions import Fraction

from netplan.design.findings import Finding
from netplan.design.networks import CellularNetwork
from netplan.media.grants import hybrid_arq_service
from netplan.media.interface import (
    Crossing,
    DelayTerm,
    GrantMechanism,
    NoService,
    TermKind,
)
from netplan.media.nr_carrier import Carrier, carrier_of, scheme_for
from netplan.media.nr_rates import Mcs, transport_block_bits
from netplan.media.nr_timing import (
    Direction,
    decoding_ps,
    preparation_ps,
    retransmission_ps,
    slot_ps,
)
from netplan.media.terms import air_term, error, fixed_term

FRAME_OVERHEAD_OCTETS = 8
"""SDAP 1, PDCP with 18-bit numbers 3, RLC of a whole frame 1, MAC subheader 3.

Source: 3GPP TS 37.324, 6.2.2; TS 38.323, 6.2.2.2; TS 38.322, 6.2.2.3; TS 38.321, 6.1.2.
"""
SEGMENT_RESERVE_OCTETS = 8
"""Kept free in each grant for a frame cut by its end: RLC segment header 4 and MAC
subheader 3 where it goes on, and 1 more where it begins.

Source: 3GPP TS 38.322, 6.2.2.3 (12-bit numbers, segment offset); TS 38.321, 6.1.2.
"""
DATA_SYMBOLS: dict[Direction, int] = {"uplink": 14, "downlink": 12}
"""Symbols of a slot that carry data; two control symbols go ahead in the downlink.

Source: planning practice, not normative; 3GPP TS 38.214, 5.1.2.1 and 6.1.2.1 allow it.
"""
_PROCESSING_SOURCE = "3GPP TS 38.214, 5.3 and 6.4; TR 37.910, 5.7.1.1 (half at each end)"
_MECHANISM_SOURCE = "TDD slots of the network; 3GPP TS 38.214, 5.1.3.2 (octets of a slot)"


def _refused(findings: list[Finding], network: CellularNetwork) -> Crossing:
    """A crossing that nobody may use: its findings stop planning."""
    return Crossing(
        findings=tuple(findings),
        terms=(),
        before=(),
        service=NoService(because="the network cannot work as designed; see its findings"),
        mechanism=GrantMechanism(
            cycle_ps=slot_ps(0) * len(network.pattern),
            openings_ps=(0,),
            phase_ps=None,
            quota_octets=0,
            overhead_octets=FRAME_OVERHEAD_OCTETS,
            fragments=True,
            serial_bps=0,
            burst_ps=slot_ps(0),
        ),
    )


def _crossing(
    *,
    network: CellularNetwork,
    direction: Direction,
    ue_count: int,
    snr_db: float,
    allowed_miss_ratio: float,
    largest_frame_octets: int,
    distance_m: float,
) -> Crossing:
    carrier, findings = carrier_of(network, ue_count, direction)
    scheme, reception = scheme_for(network, direction, snr_db)
    findings += reception
    if carrier is None or scheme is None:
        return _refused(findings, network)
    block_bits = transport_block_bits(
        blocks=carrier.resource_blocks_per_ue, data_symbols=DATA_SYMBOLS[direction], scheme=scheme
    )
    quota_octets = block_bits // 8 - SEGMENT_RESERVE_OCTETS
    if quota_octets < 1:
        findings.append(
            error(
                "CELLULAR-GRANT-SMALL",
                f"a slot carries {block_bits // 8} octets for each UE, its headers take as many",
                expected=f"more than {SEGMENT_RESERVE_OCTETS} octets",
                found=f"{carrier.resource_blocks_per_ue} resource blocks with "
                f"{float(scheme.efficiency):.2f} bits per resource element",
                hint="more resource blocks for each UE, or better reception",
            )
        )
        return _refused(findings, network)
    burst_ps = slot_ps(carrier.numerology_index)
    retry_ps = retransmission_ps(
        data=carrier.data,
        answers=carrier.answers,
        direction=direction,
        numerology=carrier.numerology_index,
        capability=network.capability,
    )
    service = hybrid_arq_service(
        openings=carrier.data,
        quota_octets=quota_octets,
        burst_ps=burst_ps,
        failure_probability=network.error_ratio,
        max_retries=network.largest_retries,
        retry_after_ps=retry_ps,
        largest_counted_octets=largest_frame_octets + FRAME_OVERHEAD_OCTETS,
        allowed_miss_ratio=allowed_miss_ratio,
        source=_MECHANISM_SOURCE,
    )
    before, after = _terms(network, carrier.numerology_index, direction, distance_m)
    return Crossing(
        findings=tuple(findings),
        terms=after,
        before=before,
        service=service,
        mechanism=GrantMechanism(
            cycle_ps=carrier.data.cycle_ps,
            openings_ps=carrier.data.offsets_ps,
            phase_ps=None,
            quota_octets=quota_octets,
            overhead_octets=FRAME_OVERHEAD_OCTETS,
            fragments=True,
            serial_bps=0,
            burst_ps=burst_ps,
            failure_probability=network.error_ratio,
            max_retries=network.largest_retries,
            retry_after_ps=retry_ps,
        ),
        assumptions=_assumptions(network, carrier, scheme, direction, quota_octets),
    )


def _terms(
    network: CellularNetwork, numerology: int, direction: Direction, distance_m: float
) -> tuple[tuple[DelayTerm, ...], tuple[DelayTerm, ...]]:
    sender, receiver = ("UE", "gNB") if direction == "uplink" else ("gNB", "UE")
    preparing = preparation_ps(numerology=numerology, capability=network.capability) / 2
    decoding = decoding_ps(numerology=numerology, capability=network.capability) / 2

    def processing(what: str, delay_ps: Fraction) -> DelayTerm:
        return fixed_term(TermKind.PROCESSING, what, delay_ps, delay_ps, _PROCESSING_SOURCE)

    prepare = processing(f"{sender} prepares (Tproc,2 / 2)", preparing)
    decode = processing(f"{receiver} decodes (Tproc,1 / 2)", decoding)
    core = fixed_term(
        TermKind.PROCESSING,
        "gNB stack and UPF",
        network.core_min_ps,
        network.core_max_ps,
        "core_min and core_max of the network: deployment data",
    )
    air = (air_term(distance_m),) if distance_m > 0 else ()
    if direction == "uplink":
        return (prepare,), (*air, decode, core)
    return (core, prepare), (*air, decode)


def _assumptions(
    network: CellularNetwork,
    carrier: Carrier,
    scheme: Mcs,
    direction: Direction,
    quota_octets: int,
) -> tuple[str, ...]:
    mode = "Configured grants" if direction == "uplink" else "Semi-persistent scheduling"
    letter = "U" if direction == "uplink" else "D"
    return (
        (
            f"{mode} give every UE {carrier.resource_blocks_per_ue} resource blocks in each "
            f"{letter} slot of {network.pattern}; S slots carry no data."
        ),
        (
            f"One layer with {scheme.modulation_bits} bits per symbol at code rate "
            f"{float(scheme.code_ratio):.3f} carries {quota_octets} octets in a slot after headers."
        ),
        (
            f"Each transmission fails independently with probability {network.error_ratio:g}; "
            f"after {network.largest_retries} retransmissions its content is lost, and delivery "
            "stays in order."
        ),
        "The start of the pattern on the network's time is unknown, so any phase counts.",
        "Handover, paging and the release of the connection do not happen.",
    )


def uplink(
    *,
    network: CellularNetwork,
    ue_count: int,
    snr_db: float,
    allowed_miss_ratio: float,
    largest_frame_octets: int = 1522,
    distance_m: float = 0.0,
) -> Crossing:
    """From a UE to the UPF.

    Data prepared before the start of a U slot goes in that slot. The terms behind it are
    decoding at the gNB and the delay of gNB stack and UPF.

    Args:
        network: The network.
        ue_count: UEs that share the carrier.
        snr_db: Mean signal to noise at the gNB, before the fade margin.
        allowed_miss_ratio: Tolerated share of late or lost frames of the strictest stream.
        largest_frame_octets: Largest frame that uses the grants.
        distance_m: Largest distance between UE and gNB.

    Source:
        3GPP TR 37.910, Table 5.7.1.1.2-1 (grant-free uplink), aligned to slots.
    """
    return _crossing(
        network=network,
        direction="uplink",
        ue_count=ue_count,
        snr_db=snr_db,
        allowed_miss_ratio=allowed_miss_ratio,
        largest_frame_octets=largest_frame_octets,
        distance_m=distance_m,
    )


def downlink(
    *,
    network: CellularNetwork,
    ue_count: int,
    snr_db: float,
    allowed_miss_ratio: float,
    largest_frame_octets: int = 1522,
    distance_m: float = 0.0,
) -> Crossing:
    """From the UPF to a UE.

    The delay of UPF and gNB stack and the gNB's preparation lie before the queue of the
    radio; decoding at the UE lies behind it.

    Args:
        network: The network.
        ue_count: UEs that share the carrier.
        snr_db: Mean signal to noise at the UE, before the fade margin.
        allowed_miss_ratio: Tolerated share of late or lost frames of the strictest stream.
        largest_frame_octets: Largest frame that uses the grants.
        distance_m: Largest distance between gNB and UE.

    Source:
        3GPP TR 37.910, Table 5.7.1.1.1-1 (downlink), aligned to slots.
    """
    return _crossing(
        network=network,
        direction="downlink",
        ue_count=ue_count,
        snr_db=snr_db,
        allowed_miss_ratio=allowed_miss_ratio,
        largest_frame_octets=largest_frame_octets,
        distance_m=distance_m,
    )

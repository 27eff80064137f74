# SPDX-License-Identifier: Apache-2.0
"""Frames of a passive optical network: error correction, headers, bandwidth map, grants.

Counts octets and their time on the line, nothing else. GPON, XG-PON, XGS-PON and 50G-PON
differ in the values of their catalogue entries only; Ethernet PON is not covered.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from netplan.catalog.model import PonSystem
from netplan.design.networks import PonNetwork
from netplan.media.frames import PS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Codeword:
    """Forward error correction of one direction.

    Attributes:
        octets: Length of a codeword; 0 without error correction.
        payload_octets: Octets of it that carry data.
    """

    octets: int
    payload_octets: int

    @property
    def payload_ratio(self) -> Fraction:
        """Share of the line that carries data."""
        return Fraction(self.payload_octets, self.octets) if self.octets else Fraction(1)

    @property
    def parity_octets(self) -> int:
        """Octets of a codeword, also of a shortened one, that carry no data."""
        return self.octets - self.payload_octets

    def line_octets(self, data_octets: int) -> int:
        """Octets on the line for a run of data whose last codeword is shortened."""
        if not self.octets:
            return data_octets
        return data_octets + -(-data_octets // self.payload_octets) * self.parity_octets

    def data_octets(self, line_octets: int) -> int:
        """Data that a stretch of line carries, the last codeword shortened."""
        if not self.octets:
            return line_octets
        whole, rest = divmod(line_octets, self.octets)
        return whole * self.payload_octets + max(0, rest - self.parity_octets)


def codeword(*, octets: int, payload_ratio: float) -> Codeword:
    """Forward error correction from the catalogue's length and share of data.

    Source:
        ITU-T G.987.3, 10.3 and G.9807.1, C.10.1.3: Reed-Solomon codes such as
        RS(248,216); G.9804.2: LDPC(17280,14592) in bits.
    """
    if octets == 0 or payload_ratio >= 1:
        return Codeword(octets=0, payload_octets=0)
    return Codeword(octets=octets, payload_octets=max(1, round(octets * payload_ratio)))


def downstream_codeword(system: PonSystem) -> Codeword:
    """Error correction from the OLT to the ONUs."""
    return codeword(
        octets=system.codeword_octets.value, payload_ratio=system.downstream_payload_ratio.value
    )


def upstream_codeword(system: PonSystem) -> Codeword:
    """Error correction from the ONUs to the OLT."""
    return codeword(
        octets=system.codeword_octets.value, payload_ratio=system.upstream_payload_ratio.value
    )


def frame_octets(line_bps: int, period_ps: int) -> int:
    """Octets of one frame on the line. Source: ITU-T G.984.3, 8.1; G.987.3, 10.1 (125 us)."""
    return line_bps * period_ps // (8 * PS_PER_S)


def downstream_payload_octets(*, system: PonSystem, allocation_count: int) -> int:
    """Octets of XGEM or GEM that one downstream frame carries, for all ONUs together.

    The header goes ahead of the codewords; bandwidth map and the header of the frame
    that continues over the frame's end are taken from their data.

    Args:
        system: From the catalogue.
        allocation_count: Entries of the bandwidth map.

    Source:
        ITU-T G.9807.1, C.10.1 (frame, FEC) and C.8.1 (framing sublayer); G.984.3, 8.1.
    """
    code = downstream_codeword(system)
    line_octets = frame_octets(system.downstream_line_bps.value, system.frame_period_ps.value)
    data_octets = code.data_octets(line_octets - system.frame_header_octets.value)
    map_octets = allocation_count * system.allocation_octets.value
    return max(0, data_octets - map_octets - system.frame_overhead_octets.value)


def line_ps(octets: int, line_bps: int) -> Fraction:
    """Exact time of octets on the line."""
    return Fraction(8 * octets * PS_PER_S, line_bps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """How fixed grants fill the upstream frame.

    Attributes:
        grant_octets: XGEM or GEM octets of one burst, headers included.
        burst_ps: Time of one burst with guard, preamble, delimiter and error correction.
        used_ps: All bursts of all ONUs in one frame.
        frame_ps: The frame.
    """

    grant_octets: int
    burst_ps: Fraction
    used_ps: Fraction
    frame_ps: int


def allocation(*, network: PonNetwork, system: PonSystem, onu_count: int) -> Allocation:
    """Fixed grants of all ONUs within the upstream frame.

    Args:
        network: Gives the bandwidth of each ONU and the bursts per frame.
        system: From the catalogue.
        onu_count: ONUs of the network.

    Source:
        ITU-T G.984.3, 8.2; G.987.3, 8.2 and 10.2; G.9804.2 for several bursts of one ONU in a
        frame.
    """
    bursts = network.bursts_per_frame
    frame_ps = system.frame_period_ps.value
    grant_octets = network.grant_bps * frame_ps // (8 * PS_PER_S * bursts)
    code = upstream_codeword(system)
    line_octets = code.line_octets(grant_octets + system.allocation_octets.value)
    burst_ps = system.burst_overhead_ps.value + line_ps(line_octets, system.upstream_line_bps.value)
    return Allocation(
        grant_octets=grant_octets,
        burst_ps=burst_ps,
        used_ps=burst_ps * bursts * onu_count,
        frame_ps=frame_ps,
    )

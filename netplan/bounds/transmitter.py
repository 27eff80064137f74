# SPDX-License-Identifier: Apache-2.0
"""What one frame costs a transmitter, in the transmitter's own time.

The analysis counts *work*: the picoseconds that a transmitter at its service
rate needs for a frame and the octets around it. Every frame is rounded up to whole
picoseconds on its own, so sums of work are exact integers and a
transmitter always works off one picosecond of work per picosecond. Where a short
time is the worst case (spacing of arrivals, least delays), it is rounded down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from netplan.media.frames import PS_PER_S, wire_time_ps
from netplan.media.interface import ServiceCurve, WireMechanism
from netplan.plan.model import Egress


def _least_time_ps(octets: int, line_bps: int) -> int:
    return 8 * octets * PS_PER_S // line_bps


@lru_cache(maxsize=65536)
def _work_ps(octets: int, tail_octets: int, rate_bps: int) -> int:
    work_ps = wire_time_ps(octets, rate_bps)
    if tail_octets:
        work_ps += wire_time_ps(tail_octets, rate_bps)
    return work_ps


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmitter:
    """An egress as the analysis sees it.

    Attributes:
        name: Of the egress.
        is_wire: Whether frames leave uninterrupted at the line rate, one after the other.
        rate_bps: Guaranteed rate; 0 when there is no service curve and no line.
        line_bps: Rate at which the octets of a frame leave a wire; 0 otherwise.
        lead_octets: Counted before each frame (on grants: overhead of the frame).
        tail_octets: Idle octets counted after each frame on a wire.
        latency_ps: Longest time without service at the start of a backlog.
        retransmission_ps: Part of the latency that counted repetitions take.
        exceedance_probability: How often a frame may be later than the curve says.
        no_service: Why there is no service curve; empty when there is one.
        source: Where the service curve comes from.
    """

    name: str
    is_wire: bool
    rate_bps: int
    line_bps: int
    lead_octets: int
    tail_octets: int
    latency_ps: int
    retransmission_ps: int
    exceedance_probability: float
    no_service: str
    source: str

    def work_ps(self, frame_octets: int) -> int:
        """Time that the transmitter is taken by a frame, rounded up."""
        return _work_ps(self.lead_octets + frame_octets, self.tail_octets, self.rate_bps)

    def delivery_ps(self, frame_octets: int) -> int:
        """Time from the start of a frame on a wire until its last bit has left, rounded up."""
        return wire_time_ps(self.lead_octets + frame_octets, self.rate_bps)

    def lead_ps(self) -> int:
        """Time of the preamble on a wire, rounded up."""
        return wire_time_ps(self.lead_octets, self.rate_bps)

    def port_ps(self, frame_octets: int) -> int:
        """Time from the first bit after the preamble until the last bit, rounded up."""
        return wire_time_ps(frame_octets, self.rate_bps)

    def least_delivery_ps(self, frame_octets: int) -> int:
        """No frame leaves faster than this, measured from its start; 0 at grants."""
        if not self.is_wire:
            return 0
        return _least_time_ps(self.lead_octets + frame_octets, self.line_bps)

    def least_port_ps(self, frame_octets: int) -> int:
        """As :meth:`least_delivery_ps`, from the first bit after the preamble."""
        return _least_time_ps(frame_octets, self.line_bps) if self.is_wire else 0

    def spacing_ps(self, frame_octets: int) -> int:
        """Least time between the last bit of any frame on a wire and that of the next, this one."""
        octets = self.lead_octets + frame_octets + self.tail_octets
        return _least_time_ps(octets, self.line_bps)


def transmitter_of(egress: Egress) -> Transmitter:
    """Read an egress: its service curve, and the octets counted around each frame."""
    mechanism, service = egress.mechanism, egress.service
    is_wire = isinstance(mechanism, WireMechanism)
    if isinstance(mechanism, WireMechanism):
        line_bps = mechanism.line_bps
        lead_octets, tail_octets = mechanism.lead_octets, mechanism.tail_octets
    else:
        line_bps = 0
        lead_octets, tail_octets = mechanism.overhead_octets, 0
    if isinstance(service, ServiceCurve):
        return Transmitter(
            name=egress.name,
            is_wire=is_wire,
            rate_bps=service.rate_bps,
            line_bps=line_bps,
            lead_octets=lead_octets,
            tail_octets=tail_octets,
            latency_ps=service.latency_ps,
            retransmission_ps=service.retransmission_ps,
            exceedance_probability=service.exceedance_probability,
            no_service="",
            source=service.source,
        )
    return Transmitter(
        name=egress.name,
        is_wire=is_wire,
        rate_bps=line_bps,
        line_bps=line_bps,
        lead_octets=lead_octets,
        tail_octets=tail_octets,
        latency_ps=0,
        retransmission_ps=0,
        exceedance_probability=0.0,
        no_service=service.because or "the medium has no service curve",
        source="",
    )

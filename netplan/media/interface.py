# SPDX-License-Identifier: Apache-2.0
"""What every medium offers, whichever it is, so that nothing downstream asks which.

Four things: feasibility findings, fixed delay terms, a service curve (or the
reason why there is none), and the parameters of its transmission mechanism.
The bound reads the service curve only; the simulation and the lab execute the
mechanism by their own code. Neither may read the other's part, so that they
stay independent evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from netplan.design.findings import Finding


class TermKind(StrEnum):
    """Names of the parts of a delay, as the field uses them.

    ``CYCLE_WAIT`` belongs to reaction chains: waiting for the next start of a task or sender.
    """

    PROPAGATION = "propagation"
    SERIALISATION = "serialisation"
    PROCESSING = "processing"
    QUEUEING = "queueing"
    GATE_WAIT = "gate wait"
    GRANT_WAIT = "grant wait"
    CYCLE_WAIT = "cycle wait"
    RETRANSMISSION = "retransmission"
    CLOCK_ERROR = "clock error"
    BURST_PAID_ONCE = "burst paid once"


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayTerm:
    """One named part of a segment's delay.

    Attributes:
        kind: Which part.
        what: The thing it comes from, in the user's words ("12 m of cat6a").
        min_ps: Smallest value, rounded down.
        max_ps: Largest value, rounded up.
        source: Standard and clause, data sheet, or the reference that gives the value.
    """

    kind: TermKind
    what: str
    min_ps: int
    max_ps: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCurve:
    """Least service of a transmitter: a rate after a latency.

    A minimum service curve in the sense of network calculus: for every time t there is a
    time s before it, so that all bits queued until s and ``rate_bps * max(0, t - s - latency_ps)``
    of those queued later have left by t. Bits are counted as the transmitter's mechanism
    counts octets on the medium (frame plus its lead and tail octets, or overhead). A frame
    is delivered no later than its last counted bit by this curve, except where
    ``exceedance_probability`` says how often a frame may be later. The horizontal deviation from
    an arrival curve bounds the delay, and what higher queues leave of the curve serves
    a lower one. On grants the curve is not strict: a trickle that just misses every
    opening stays backlogged and is served less.

    Source: Le Boudec, Thiran, Network Calculus (2001), 1.3.

    Attributes:
        rate_bps: Long-term rate.
        latency_ps: Longest time without service, seen from the start of a backlog.
        exceedance_probability: 0 for wired media, 1e-n for radio.
        retransmission_ps: Part of the latency that the counted repetitions take.
        source: Where the curve comes from.
    """

    rate_bps: int
    latency_ps: int
    source: str
    exceedance_probability: float = 0.0
    retransmission_ps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoService:
    """There is no service curve, and this is why; no bound will be stated across it."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WireMechanism:
    """A transmitter that sends one frame after the other, without interrupting any.

    Attributes:
        line_bps: Rate at which octets leave.
        lead_octets: Sent before each frame (Ethernet preamble and delimiter: 8).
        tail_octets: Idle octets that must follow each frame (interpacket gap: 12).
    """

    line_bps: int
    lead_octets: int = 8
    tail_octets: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantMechanism:
    """A transmitter that may send only at recurring grants (PON burst, NR slot, WLAN poll).

    At each opening the queues are served in strict priority until the quota is
    used up or nothing waits. A frame counts its own octets plus
    ``overhead_octets`` against the quota. Only frames queued at or before the
    opening take part.

    Attributes:
        cycle_ps: The openings repeat with this period.
        openings_ps: Offsets of the openings within the cycle, ascending, each below ``cycle_ps``.
        phase_ps: Start of a cycle on the network's time; None when unknown (any phase is possible).
        quota_octets: Octets that one grant carries.
        overhead_octets: Encapsulation per frame (XGEM, RLC/PDCP, MPDU header ...).
        fragments: Whether a frame may be spread over several grants.
        serial_bps: Rate at which octets leave within a grant, so that a frame is delivered
            when its own last octet has left; 0 when everything in a grant is delivered
            together, ``burst_ps`` after the opening.
        burst_ps: Duration of a grant that delivers everything together; 0 otherwise.
        failure_probability: Probability that one transmission of a grant fails.
        max_retries: Retransmissions before what the grant carried is given up (lost).
        retry_after_ps: Delay that each retransmission adds while later grants go on
            (hybrid ARQ; delivery stays in order), or 0: the failed grant's frames
            go again in the next grant and everything behind them waits (polling).
    """

    cycle_ps: int
    openings_ps: tuple[int, ...]
    phase_ps: int | None
    quota_octets: int
    overhead_octets: int
    fragments: bool
    serial_bps: int
    burst_ps: int
    failure_probability: float = 0.0
    max_retries: int = 0
    retry_after_ps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """One direction of one medium between two nodes: the four things a medium offers.

    Attributes:
        findings: Why it may not work, or what to know about it.
        terms: Fixed delay after the transmitter (propagation, decoding ...).
        before: Fixed delay between the arrival of a frame and its entering the queue.
        service: What the bound reads.
        mechanism: What the simulation and the lab execute.
        assumptions: Operating mode and simplifications, in full sentences.
    """

    findings: tuple[Finding, ...]
    terms: tuple[DelayTerm, ...]
    before: tuple[DelayTerm, ...]
    service: ServiceCurve | NoService
    mechanism: WireMechanism | GrantMechanism
    assumptions: tuple[str, ...] = ()

# SPDX-License-Identifier: Apache-2.0
"""Fluid networks of FIFO servers: the plain data on which network calculus tools are compared.

Flows of bits with token buckets cross servers with rate-latency service curves. There are no
frames, priorities or media here; a :class:`netplan.plan.model.Plan` has those. Every number is an
exact fraction, so that reading a file loses nothing and rounding is left to whoever computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucket:
    """At most ``burst_bits`` and ``rate_bps`` times the length of any window."""

    burst_bits: Fraction
    rate_bps: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLatency:
    """At least ``rate_bps`` times the time beyond ``latency_ps`` since the start of a backlog."""

    rate_bps: Fraction
    latency_ps: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidServer:
    """A first-in-first-out server.

    Attributes:
        name: Unique.
        pieces: The service curve is their maximum.
        capacity_bps: Rate of its output line, which no more can leave by; None when unknown.
    """

    name: str
    pieces: tuple[RateLatency, ...]
    capacity_bps: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidFlow:
    """A flow and the servers that it crosses.

    Attributes:
        name: Unique.
        paths: Names of servers in order; several paths for a multicast flow, which is one flow
            as far as they begin alike. No path crosses a server twice.
        buckets: The arrival curve at the first server is their minimum.
        largest_packet_bits: Of its packets; 0 when not known.
    """

    name: str
    paths: tuple[tuple[str, ...], ...]
    buckets: tuple[TokenBucket, ...]
    largest_packet_bits: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidNetwork:
    """Servers and flows.

    Attributes:
        name: For people.
        servers: All servers.
        flows: All flows.
        packetizer: Whether servers pass packets on only when they are complete, sources too.
    """

    name: str
    servers: tuple[FluidServer, ...]
    flows: tuple[FluidFlow, ...]
    packetizer: bool = False

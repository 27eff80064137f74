# SPDX-License-Identifier: Apache-2.0
"""Delay terms and the service of a plain wire: what several media compute in the same way.

Everything is rounded outward: least values down, largest values up, rates down.
"""

from __future__ import annotations

import math
from fractions import Fraction

from netplan.design.findings import Finding, Severity
from netplan.media.frames import GAP_OCTETS, PREAMBLE_OCTETS, PS_PER_S
from netplan.media.interface import DelayTerm, ServiceCurve, TermKind

SMALLEST_FRAME_OCTETS = 64
"""Destination address to check sequence. Source: IEEE Std 802.3-2022, 4.4.2 (minFrameSize)."""
SPEED_OF_LIGHT_M_PER_S = 299_792_458
"""In vacuum, exact by definition. Source: BIPM, SI Brochure, 9th edition, 2.2."""

AIR_REFRACTION = Fraction(10_005, 10_000)
"""Upper limit of the refractive index near the ground. Source: ITU-R P.453-14, 1."""


def error(
    code: str, message: str, *, expected: str = "", found: str = "", hint: str = ""
) -> Finding:
    """A finding that stops planning; the planner adds the place."""
    return Finding(
        code=code,
        severity=Severity.ERROR,
        message=message,
        expected=expected,
        found=found,
        hint=hint,
    )


def fixed_term(
    kind: TermKind, what: str, least_ps: Fraction | int, largest_ps: Fraction | int, source: str
) -> DelayTerm:
    """A term from exact values, rounded outward to whole picoseconds."""
    return DelayTerm(
        kind=kind,
        what=what,
        min_ps=math.floor(least_ps),
        max_ps=math.ceil(largest_ps),
        source=source,
    )


def propagation_term(what: str, length_m: float, ps_per_m: int, source: str) -> DelayTerm:
    """Propagation along a cable or fibre of known length."""
    delay_ps = Fraction(length_m) * ps_per_m
    return fixed_term(TermKind.PROPAGATION, what, delay_ps, delay_ps, source)


def air_term(distance_m: float) -> DelayTerm:
    """Propagation through air over at most a distance; a mobile may be anywhere within it."""
    largest_ps = Fraction(distance_m) * AIR_REFRACTION * PS_PER_S / SPEED_OF_LIGHT_M_PER_S
    return fixed_term(
        TermKind.PROPAGATION, f"up to {distance_m:g} m of air", 0, largest_ps, "speed of light"
    )


def wire_service(
    *, line_bps: int, source: str, extra_octets: int = PREAMBLE_OCTETS + GAP_OCTETS
) -> ServiceCurve:
    """Service of a transmitter that sends frame after frame at a line rate.

    The wire time of each frame is a whole number of picoseconds, rounded up. Where an
    octet is not a whole number of picoseconds, the smallest frame loses most by that,
    and its rate is the one that can be promised.

    Args:
        line_bps: Rate at which octets leave.
        source: Where the rate comes from.
        extra_octets: Octets that accompany each frame.
    """
    rate_bps = line_bps
    if 8 * PS_PER_S % line_bps:
        smallest_octets = SMALLEST_FRAME_OCTETS + extra_octets
        # The frame takes less than 1 ps more than its exact time; the smallest frame is
        # slowed most, and any larger one less than this.
        exact_ps = Fraction(8 * smallest_octets * PS_PER_S, line_bps)
        rate_bps = math.floor(8 * smallest_octets * PS_PER_S / (exact_ps + 1))
    return ServiceCurve(rate_bps=rate_bps, latency_ps=0, source=source)

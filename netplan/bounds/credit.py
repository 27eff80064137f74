# SPDX-License-Identifier: Apache-2.0
"""How far the credit of a credit-based queue rises while others keep it from sending.

Counted in time: credit over idle slope. Credit above 0 means that frames wait and may go;
so one frame of another queue that had started before, and then only higher queues, keep
them. While credit is not above 0 the queue sends as its slope says: work w takes w * line
rate / idle slope. Both together give the wait: at worst all work is sent at the slope, and the
last frame then waits for everything else once. That is exact as long as the idle slope and
what the higher queues bring fit into the line; beyond that, credit may rise without end.

Source: De Azua, Boyer, Complete modelling of AVB in network calculus framework (RTNS 2014),
theorems 1 and 2; Zhao, Pop, Zheng, Li, Timing analysis of AVB traffic in TSN networks using
network calculus (RTAS 2018), credit frozen behind closed gates; IEEE Std 802.1Q-2022, 8.6.8.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from netplan.bounds.arrivals import ONE

Affine = tuple[int, int]
"""Burst in picoseconds of work and rate in 1 / ONE: no more than burst + rate * t in a window."""


def longest_kept_ps(
    lower_ps: int,
    higher: Sequence[Sequence[Affine]],
    *,
    idle_bps: int,
    line_bps: int,
    waste: Affine = (0, 0),
) -> int | None:
    """Largest credit of a queue, as the time that it takes to gain it; None when unlimited.

    With t the time since credit rose above 0, L the started frame, Y(t) what higher queues
    send meanwhile and x what the queue itself sends, t = L + Y(t) + x, and the credit is
    idle slope * (t - x) - (line rate - idle slope) * x. Y is concave, so the largest value lies
    where x = 0 or where Y bends.

    Args:
        lower_ps: Longest frame that may have started before (L).
        higher: For each source of higher frames, buckets that all hold for it.
        idle_bps: Idle slope.
        line_bps: Rate of the line.
        waste: Time in which credit rises though nothing may start (guard bands); it comes
            on top of t.
    """
    one = Fraction(1, ONE)
    lines = [[(Fraction(burst), rate * one) for burst, rate in source] for source in higher]
    slow = Fraction(line_bps, idle_bps) - 1
    waste_burst, waste_rate = waste[0], waste[1] * one
    if sum(min(rate for _, rate in source) for source in lines) * (slow + 1) + waste_rate > slow:
        return None

    def active(time: Fraction) -> tuple[Fraction, Fraction]:
        """Burst and rate of what may be sent, at a time and just after it."""
        chosen = [min((b + r * time, r, b) for b, r in source) for source in lines]
        return (
            sum((b for _, _, b in chosen), Fraction(lower_ps)),
            sum((r for _, r, _ in chosen), Fraction()),
        )

    bends = sorted(
        {
            (b2 - b1) / (r1 - r2)
            for source in lines
            for b1, r1 in source
            for b2, r2 in source
            if r1 > r2 and b2 > b1
        }
    )
    # The first time by which everything else may have been sent, without own frames.
    clear = Fraction(0)
    for bend in [*bends, None]:
        burst, rate = active(clear)
        if burst + rate * clear <= clear:
            break
        if rate < 1 and (bend is None or burst + rate * bend <= bend):
            clear = burst / (1 - rate)
            break
        assert bend is not None
        clear = bend
    best = Fraction(0)
    for time in [clear, *(bend for bend in bends if bend > clear)]:
        burst, rate = active(time)
        others = burst + rate * time
        value = others - max(Fraction(0), time - others) * slow + waste_burst + waste_rate * time
        best = max(best, value)
    return -(-best.numerator // best.denominator)

# SPDX-License-Identifier: Apache-2.0
"""How much can arrive in a window of time: staircases, and the lines that cap them.

Windows are closed: a window of length 0 holds everything that one instant can
bring. A flow whose messages are a period apart and shifted by at most a
jitter brings at most ``(t + jitter) // period + 1`` messages in a window of
length t. Flows that came over the same wire are capped jointly by that wire.
Messages may differ in size; then the worst run of consecutive messages counts.

Source: Le Boudec, Thiran, Network Calculus (2001), 1.2 (stair functions);
Tindell, Clark, Holistic schedulability analysis (1994) for jitter in response times;
Grieu, Analyse et evaluation de techniques de commutation Ethernet (2004) for the line's cap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

UNLIMITED: Final = 1 << 120
"""Stands for work or time without limit; far above anything that is counted."""

ONE: Final = 1 << 60
"""Unit of rates: work per time, rounded up to multiples of 2**-60."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Largest sums over consecutive messages of a repeating pattern.

    Attributes:
        largest: ``largest[m]`` is the largest sum of m consecutive messages, from m = 0 up to
            one less than the length of the pattern.
        total: Sum over the whole pattern.
        burst: Least integer b such that m messages never exceed b plus m - 1 mean messages.
    """

    largest: tuple[int, ...]
    total: int
    burst: int

    def of(self, message_count: int) -> int:
        """Largest sum of so many consecutive messages."""
        patterns, rest = divmod(message_count, len(self.largest))
        return patterns * self.total + self.largest[rest]

    def rate(self, period_ps: int) -> int:
        """Long-term rate in units of 1 / ONE, rounded up."""
        return -(-self.total * ONE // (len(self.largest) * period_ps))

    def affine_burst(self, period_ps: int, jitter_ps: int) -> int:
        """Burst of the token bucket above the staircase, rounded up."""
        return self.burst - (-self.total * jitter_ps // (len(self.largest) * period_ps))


@lru_cache(maxsize=65536)
def windows_of(sums: tuple[int, ...]) -> Windows:
    """The windows of a pattern of messages, given what each message sums to."""
    length = len(sums)
    running = [0]
    for value in sums + sums:
        running.append(running[-1] + value)
    total = running[length]
    largest = [0] + [
        max(running[start + count] - running[start] for start in range(length))
        for count in range(1, length + 1)
    ]
    burst = max(
        -(-(length * largest[count] - total * (count - 1)) // length)
        for count in range(1, length + 1)
    )
    return Windows(tuple(largest[:length]), total, burst)


class Staircase:
    """Most that a set of flows can bring in a closed window.

    Steps are made as far as they are asked for. A set with a flow about which
    nothing is known is unlimited.
    """

    __slots__ = ("_flows", "_horizon_ps", "_sums", "_times", "base", "first_step_ps", "known")

    def __init__(self, flows: Sequence[tuple[Windows, int, int | None]]) -> None:
        """Sum the flows, each given by windows, period and jitter (None when unknown)."""
        self._times: list[int] = []
        self.known = all(jitter_ps is not None for _, _, jitter_ps in flows)
        self._flows: list[tuple[Windows, int, int]] = []
        self._horizon_ps = UNLIMITED
        self.first_step_ps = UNLIMITED
        self.base = 0
        if not self.known:
            self.base = UNLIMITED
        elif flows:
            for windows, period_ps, jitter_ps in flows:
                assert jitter_ps is not None
                early, rest_ps = divmod(jitter_ps, period_ps)
                self.base += windows.of(early + 1)
                self.first_step_ps = min(self.first_step_ps, period_ps - rest_ps)
                self._flows.append((windows, period_ps, jitter_ps))
            self._horizon_ps = self.first_step_ps - 1
        self._sums = [self.base]

    def at(self, window_ps: int) -> int:
        """Most that a closed window of this length brings."""
        if window_ps > self._horizon_ps:
            self._extend(2 * window_ps)
        return self._sums[bisect_right(self._times, window_ps)]

    def steps_before(self, window_ps: int) -> list[int]:
        """Window lengths below this one at which more may arrive, ascending."""
        if window_ps > self._horizon_ps:
            self._extend(window_ps)
        return self._times[: bisect_right(self._times, window_ps - 1)]

    def _extend(self, horizon_ps: int) -> None:
        gains: dict[int, int] = {}
        for windows, period_ps, jitter_ps in self._flows:
            count = jitter_ps // period_ps + 1
            time_ps = count * period_ps - jitter_ps
            here = windows.of(count)
            while time_ps <= horizon_ps:
                count += 1
                after = windows.of(count)
                gains[time_ps] = gains.get(time_ps, 0) + after - here
                here = after
                time_ps += period_ps
        self._times = sorted(gains)
        self._sums = [self.base]
        for time_ps in self._times:
            self._sums.append(self._sums[-1] + gains[time_ps])
        self._horizon_ps = horizon_ps


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Cap by the wire that frames came over: one frame, then no more than the wire carries.

    A window of length t brings at most one frame of any size and then
    ``gain / cost * (t + spread_ps)``: after a frame's last bit, the next one's comes
    no earlier than its own octets take on that wire.

    Attributes:
        gain: Numerator of the slope: work at this transmitter.
        cost: Denominator of the slope: time on the wire before.
        spread_ps: How much later one frame than another may enter the queue for the
            same time of leaving the wire (variation of propagation and processing).
        slope_up: The slope in units of 1 / ONE, rounded up.
        slope_down: The same, rounded down.
    """

    gain: int
    cost: int
    spread_ps: int
    slope_up: int
    slope_down: int

    def most(self, window_ps: int) -> int:
        """Work of all frames but the first in a closed window, rounded up."""
        return -(-self.gain * (window_ps + self.spread_ps) // self.cost)

    def window_for(self, work_ps: int) -> tuple[int, bool]:
        """Shortest window, in whole picoseconds, that may bring this work; whether it is exact."""
        quotient, rest = divmod(work_ps * self.cost, self.gain)
        return quotient + (rest > 0) - self.spread_ps, rest == 0


def line_of(gain: int, cost: int, spread_ps: int) -> Line:
    """A cap with its slope in both roundings."""
    return Line(
        gain=gain,
        cost=cost,
        spread_ps=spread_ps,
        slope_up=-(-gain * ONE // cost),
        slope_down=gain * ONE // cost,
    )

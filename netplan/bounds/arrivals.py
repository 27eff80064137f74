# SPDX-License-Identifier: Apache-2.0
"""How much can arrive in a window of time: staircases, and the lines that cap them.

Windows are closed: a window of length 0 holds everything that one instant can
bring. A flow whose messages are a period apart and shifted by at most a
jitter brings at most ``(t + jitter) // period + 1`` messages in a window of
length t. Flows that came over the same wire are capped jointly by that wire.
Messages may differ in size; then the worst run of consecutive messages counts. A set of
flows may have passed a token bucket, which caps it as well.

Source: Le Boudec, Thiran, Network Calculus (2001), 1.2 (stair functions);
Tindell, Clark, Holistic schedulability analysis (1994) for jitter in response times;
Grieu, Analyse et evaluation de techniques de commutation Ethernet (2004) for the line's cap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from netplan.media.frames import PS_PER_S

UNLIMITED: Final = 1 << 120
"""Stands for work or time without limit; far above anything that is counted."""

ONE: Final = 1 << 60
"""Unit of rates: work per time, rounded up to multiples of 2**-60."""
_LONG_TRACE: Final = 600
"""Messages from which on a trace is looked at by numbers of messages only."""


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

    def in_window(self, window_ps: int, period_ps: int) -> int:
        """Largest sum of the messages whose nominal times lie in a closed window."""
        return self.of(window_ps // period_ps + 1)

    def step_after(self, window_ps: int, period_ps: int) -> int:
        """Least longer window in which there may be more messages."""
        return window_ps - window_ps % period_ps + period_ps

    def per_period(self) -> int:
        """Messages in one period."""
        return 1


@dataclass(frozen=True, slots=True)
class Trace(Windows):
    """Messages at uneven offsets in a period, repeated.

    Attributes:
        spans: Lengths of closed windows below the period at which the largest sum rises,
            ascending from 0.
        sums: That sum from each of them on.
    """

    spans: tuple[int, ...]
    sums: tuple[int, ...]

    def rate(self, period_ps: int) -> int:
        """As for even messages; the period is that of the whole pattern."""
        return -(-self.total * ONE // period_ps)

    def affine_burst(self, period_ps: int, jitter_ps: int) -> int:
        """Burst of the token bucket above the staircase, rounded up."""
        over = max(
            value - self.total * span // period_ps
            for span, value in zip(self.spans, self.sums, strict=True)
        )
        return over - (-self.total * jitter_ps // period_ps)

    def in_window(self, window_ps: int, period_ps: int) -> int:
        """Largest sum of the messages whose nominal times lie in a closed window."""
        patterns, rest_ps = divmod(window_ps, period_ps)
        return patterns * self.total + self.sums[bisect_right(self.spans, rest_ps) - 1]

    def step_after(self, window_ps: int, period_ps: int) -> int:
        """Least longer window in which there may be more messages."""
        patterns, rest_ps = divmod(window_ps, period_ps)
        place = bisect_right(self.spans, rest_ps)
        step_ps = self.spans[place] if place < len(self.spans) else period_ps
        return patterns * period_ps + step_ps

    def per_period(self) -> int:
        """Messages in one period."""
        return len(self.largest)


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


@lru_cache(maxsize=4096)
def trace_of(sums: tuple[int, ...], offsets_ps: tuple[int, ...], period_ps: int) -> Trace:
    """Windows of messages at given offsets in a period.

    Every run of consecutive messages up to the whole pattern is looked at. Of long traces only
    the shortest span and the largest sum are kept for each number of messages.
    """
    even, length = windows_of(sums), len(sums)
    times = np.array([*offsets_ps, *(offset + period_ps for offset in offsets_ps)])
    running = np.concatenate(([0], np.cumsum(np.array(sums * 2))))
    points: dict[int, int] = {}
    for count in range(1, length + 1):
        spans = times[count - 1 : count - 1 + length] - times[:length]
        totals = running[count : count + length] - running[:length]
        if length > _LONG_TRACE:
            pairs = [(int(spans.min()), int(totals.max()))]
        else:
            pairs = list(zip(spans.tolist(), totals.tolist(), strict=True))
        for span, total in pairs:
            points[span] = max(points.get(span, 0), total)
    spans_ps: list[int] = []
    most: list[int] = []
    for span in sorted(points):
        if not most or points[span] > most[-1]:
            spans_ps.append(span)
            most.append(points[span])
    return Trace(
        largest=even.largest,
        total=even.total,
        burst=even.burst,
        spans=tuple(spans_ps),
        sums=tuple(most),
    )


class Staircase:
    """Most that a set of flows can bring in a closed window.

    Steps are made as far as they are asked for. A set with a flow about which
    nothing is known is unlimited, unless a token bucket caps it.
    """

    __slots__ = ("_bucketed", "_flows", "_horizon_ps", "_sums", "_times", "base", "known")

    def __init__(
        self,
        flows: Sequence[tuple[Windows, int, int | None]],
        bucketed: Sequence[Bucketed] = (),
    ) -> None:
        """Sum the flows, each given by windows, period and jitter (None when unknown)."""
        self._times: list[int] = []
        self.known = all(jitter_ps is not None for _, _, jitter_ps in flows)
        self._flows: list[tuple[Windows, int, int]] = []
        self._bucketed = tuple(bucketed) if self.known else ()
        self._horizon_ps = UNLIMITED
        self.base = 0
        if not self.known:
            self.base = UNLIMITED
        elif flows or bucketed:
            first_step_ps = UNLIMITED
            for windows, period_ps, jitter_ps in flows:
                assert jitter_ps is not None
                if type(windows) is Windows:  # as below, without the calls
                    early, rest_ps = divmod(jitter_ps, period_ps)
                    self.base += windows.of(early + 1)
                    step_ps = period_ps - rest_ps
                else:
                    self.base += windows.in_window(jitter_ps, period_ps)
                    step_ps = windows.step_after(jitter_ps, period_ps) - jitter_ps
                first_step_ps = min(first_step_ps, step_ps)
                self._flows.append((windows, period_ps, jitter_ps))
            self.base += sum(group.at(0) for group in bucketed)
            self._horizon_ps = 0 if bucketed else first_step_ps - 1
        self._sums = [self.base]

    def at(self, window_ps: int) -> int:
        """Most that a closed window of this length brings."""
        if window_ps > self._horizon_ps:
            self._extend(2 * window_ps)
        return self._sums[bisect_right(self._times, window_ps)]

    @property
    def bucket_steps_per_s(self) -> int:
        """Steps that token buckets add, to foresee how long the staircase becomes."""
        buckets = [group.bucket for group in self._bucketed]
        return sum(-(-one.rate * PS_PER_S // one.cost) for one in buckets)

    def steps_before(self, window_ps: int) -> list[int]:
        """Window lengths below this one at which more may arrive, ascending."""
        if window_ps > self._horizon_ps:
            self._extend(window_ps)
        return self._times[: bisect_right(self._times, window_ps - 1)]

    def _extend(self, horizon_ps: int) -> None:
        gains: dict[int, int] = {}
        for windows, period_ps, jitter_ps in self._flows:
            if type(windows) is Trace:
                _trace_gains(windows, period_ps, jitter_ps, horizon_ps, gains)
                continue
            count = jitter_ps // period_ps + 1
            time_ps = count * period_ps - jitter_ps
            here = windows.of(count)
            while time_ps <= horizon_ps:
                count += 1
                after = windows.of(count)
                gains[time_ps] = gains.get(time_ps, 0) + after - here
                here = after
                time_ps += period_ps
        for group in self._bucketed:
            for time_ps, gain in group.gains(horizon_ps):
                gains[time_ps] = gains.get(time_ps, 0) + gain
        self._times = sorted(gains)
        self._sums = [self.base]
        for time_ps in self._times:
            self._sums.append(self._sums[-1] + gains[time_ps])
        self._horizon_ps = horizon_ps


def _trace_gains(
    windows: Trace, period_ps: int, jitter_ps: int, horizon_ps: int, gains: dict[int, int]
) -> None:
    nominal_ps = jitter_ps
    here = windows.in_window(nominal_ps, period_ps)
    while (nominal_ps := windows.step_after(nominal_ps, period_ps)) <= horizon_ps + jitter_ps:
        after = windows.in_window(nominal_ps, period_ps)
        time_ps = nominal_ps - jitter_ps
        gains[time_ps] = gains.get(time_ps, 0) + after - here
        here = after


class Bucket(NamedTuple):
    """What a token bucket lets through, as a staircase.

    A closed window of length t brings at most ``base`` and ``quantum`` for every whole
    ``cost`` in ``credit + rate * t``. Frames of one size are counted whole; otherwise what
    is allowed is rounded up to the next quantum.

    Attributes:
        base: Work, in picoseconds, that is always allowed beside the quanta.
        quantum: Work of one step, in picoseconds.
        cost: Tokens of one step.
        credit: Tokens at the start of a window.
        rate: Tokens per picosecond.
    """

    base: int
    quantum: int
    cost: int
    credit: int
    rate: int

    def at(self, window_ps: int) -> int:
        """Most work in a closed window."""
        return self.base + (self.credit + self.rate * window_ps) // self.cost * self.quantum

    def steps_until(self, window_ps: int) -> range:
        """Numbers of quanta that are reached after a window of length 0 and by this one."""
        first = self.credit // self.cost + 1
        return range(first, (self.credit + self.rate * window_ps) // self.cost + 1)

    def time_of(self, count: int) -> int:
        """Shortest window that allows so many quanta."""
        return -((self.credit - count * self.cost) // self.rate)

    def affine(self) -> tuple[int, int]:
        """Burst, and rate in 1 / ONE, of a token bucket of work above it, rounded up."""
        burst = self.base - (-self.credit * self.quantum // self.cost)
        return burst, -(-self.rate * self.quantum * ONE // self.cost)


class Bucketed:
    """Flows that together keep a token bucket."""

    __slots__ = ("bucket", "inner")

    def __init__(self, inner: Staircase, bucket: Bucket) -> None:
        """Join what the flows may bring with what the bucket lets through."""
        self.inner = inner
        self.bucket = bucket

    def at(self, window_ps: int) -> int:
        """Most work in a closed window."""
        return min(self.inner.at(window_ps), self.bucket.at(window_ps))

    def gains(self, horizon_ps: int) -> Iterator[tuple[int, int]]:
        """Window lengths above 0 at which more may arrive, and how much more."""
        times = set(self.inner.steps_before(horizon_ps + 1)) if self.inner.known else set()
        here = self.at(0)
        ends_at = self.inner.at(horizon_ps)
        for count in self.bucket.steps_until(horizon_ps):
            time_ps = self.bucket.time_of(count)
            times.add(time_ps)
            if self.bucket.base + (count - 1) * self.bucket.quantum >= ends_at:
                break  # the flows themselves bring no more before the horizon
        for time_ps in sorted(times):
            value = self.at(time_ps)
            if value > here:
                yield time_ps, value - here
                here = value


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

    def later(self, later_ps: int) -> Line:
        """The cap for windows that are longer by so much than they are called."""
        return replace(self, spread_ps=self.spread_ps + later_ps)

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

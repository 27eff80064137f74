# SPDX-License-Identifier: Apache-2.0
"""What samples show, at a stated confidence and without assuming a distribution.

Shares of late or lost frames are judged by Clopper-Pearson limits, percentiles by
order statistics, both one-sided. Samples count as independent draws; the frames of one
run are not quite that, which every result says. A statistic that has too few samples
has no value, and the number of samples that it needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

CONFIDENCE_RATIO = 0.95
"""At which a statistical target counts as shown, or as refuted. Source: planning practice."""

STATISTICS_ASSUMPTION = (
    "Percentiles and shares are stated at 95 % confidence, one-sided and without assuming a "
    "distribution; the frames of a run count as independent draws."
)


def ratio_upper(count: int, total_count: int, confidence_ratio: float = CONFIDENCE_RATIO) -> float:
    """Largest share that ``count`` hits in ``total_count`` samples leave possible.

    Source: Clopper, Pearson, Biometrika 26 (1934): the upper limit U solves
    P(Binomial(n, U) <= k) = 1 - confidence; for k = 0, U = 1 - (1 - confidence)^(1/n).
    """
    if count >= total_count:
        return 1.0
    if count == 0:
        return -math.expm1(math.log1p(-confidence_ratio) / total_count)
    from scipy.special import betaincinv  # noqa: PLC0415 - slow to import, rarely needed

    return float(betaincinv(count + 1, total_count - count, confidence_ratio))


def ratio_lower(count: int, total_count: int, confidence_ratio: float = CONFIDENCE_RATIO) -> float:
    """Least share that ``count`` hits in ``total_count`` samples leave possible.

    Source: Clopper, Pearson, Biometrika 26 (1934): the lower limit L solves
    P(Binomial(n, L) >= k) = 1 - confidence.
    """
    if count == 0 or total_count == 0:
        return 0.0
    if count >= total_count:
        return math.exp(math.log1p(-confidence_ratio) / total_count)
    from scipy.special import betaincinv  # noqa: PLC0415 - slow to import, rarely needed

    return float(betaincinv(count, total_count - count + 1, 1 - confidence_ratio))


def needed_count(
    ratio: float, hit_count: int = 0, confidence_ratio: float = CONFIDENCE_RATIO
) -> int | None:
    """Samples that show a share of at most ``ratio`` if they hold ``hit_count`` hits; None: no number does.

    Source: without hits, n >= ln(1 - confidence) / ln(1 - ratio) (2995 for 1e-3 at 95 %).
    """
    if ratio <= 0:
        return None
    if ratio >= 1:
        return hit_count + 1
    low, high = hit_count, max(2 * hit_count, 1)
    while ratio_upper(hit_count, high, confidence_ratio) > ratio:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if ratio_upper(hit_count, middle, confidence_ratio) > ratio:
            low = middle
        else:
            high = middle
    return high


def _first(holds: Callable[[int], bool], end: int) -> int:
    """Least number from 0 for which a condition holds that stays true; ``end`` when none below it."""
    low, high = -1, end
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


@lru_cache(maxsize=4096)
def tail_ranks(
    total_count: int, tail_ratio: float, confidence_ratio: float = CONFIDENCE_RATIO
) -> tuple[int | None, int | None]:
    """Which of the largest samples limit a percentile from above and from below.

    Args:
        total_count: n, number of samples.
        tail_ratio: Share above the percentile: 0.001 for the 99.9th.
        confidence_ratio: One-sided, of each limit.

    Returns:
        Ranks counted from the largest sample (1): the percentile is at most the first and
        at least the second, each at the stated confidence. None when n is too small.

    Source: David, Nagaraja, Order Statistics (2003), 7.1: of n samples Binomial(n, tail) lie above
    the percentile. More than k do so with at least the confidence when
    P(Binomial <= k) <= 1 - confidence, and the (k+1)-th largest is then above it; fewer than k
    do so when P(Binomial >= k) <= 1 - confidence, and the k-th largest is then not above it.
    """
    if total_count <= 0:
        return None, None
    if tail_ratio >= 1:
        return total_count, None
    if tail_ratio <= 0:
        return None, 1
    # A float's error may not turn the exact case (1 - ratio)^n = 1 - confidence.
    allowed = (1 - confidence_ratio) * (1 + 1e-12)
    if total_count * math.log1p(-tail_ratio) > math.log(allowed):
        upper = None
    else:
        from scipy.special import bdtr  # noqa: PLC0415 - slow to import, rarely needed

        too_many = _first(
            lambda count: bool(bdtr(count, total_count, tail_ratio) > allowed), total_count
        )
        upper = too_many  # the largest k that holds is one less, and its sample one further
    if total_count * math.log(tail_ratio) > math.log(allowed):
        return upper, None
    from scipy.special import bdtrc  # noqa: PLC0415 - slow to import, rarely needed

    def rare(count: int) -> bool:
        return count > 0 and bool(bdtrc(count - 1, total_count, tail_ratio) <= allowed)

    return upper, _first(rare, total_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """Limits of one percentile at the stated confidence.

    Attributes:
        lower_ps: It is at least this; None when that cannot be said.
        upper_ps: It is at most this; None with too few samples, or when it may be a lost frame.
        lower_is_lost: The percentile itself is a lost frame, at the stated confidence.
        upper_is_lost: It may be a lost frame.
        needed_count: Samples that an upper limit needs, when there are fewer.
    """

    lower_ps: int | None
    upper_ps: int | None
    lower_is_lost: bool = False
    upper_is_lost: bool = False
    needed_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Latencies of one stream at one listener as a histogram with exact extremes.

    Attributes:
        min_ps: Least latency.
        max_ps: Largest latency.
        edges_ps: One more than bins; a latency l is in bin i when edge[i] <= l < edge[i+1].
        bin_counts: Frames per bin.
    """

    min_ps: int
    max_ps: int
    edges_ps: tuple[int, ...]
    bin_counts: tuple[int, ...]

    @property
    def total_count(self) -> int:
        """Frames in the histogram."""
        return sum(self.bin_counts)

    def _of_bin(self, index: int) -> tuple[int, int]:
        low_ps, high_ps = self.edges_ps[index], self.edges_ps[index + 1] - 1
        return max(low_ps, self.min_ps), min(high_ps, self.max_ps)

    def from_largest(self, rank: int) -> tuple[int, int]:
        """Between which two values the ``rank``-th largest latency lies."""
        seen = 0
        for index in range(len(self.bin_counts) - 1, -1, -1):
            seen += self.bin_counts[index]
            if seen >= rank:
                return self._of_bin(index)
        raise ValueError(f"there is no {rank}-th of {seen} latencies")

    def above(self, limit_ps: int) -> tuple[int, int]:
        """Frames above a limit: how many surely, and how many at most."""
        surely = possibly = 0
        for index, count in enumerate(self.bin_counts):
            if count:
                low_ps, high_ps = self._of_bin(index)
                surely += count if low_ps > limit_ps else 0
                possibly += count if high_ps > limit_ps else 0
        return surely, possibly

    def percentile(self, tail_ratio: float, lost_count: int = 0) -> Percentile:
        """Limits of the percentile with this share above it; lost frames count as the latest.

        Args:
            tail_ratio: 0.001 for the 99.9th percentile.
            lost_count: Lost frames to count in; 0 when delivered frames alone are meant.
        """
        total_count = self.total_count + lost_count
        upper_rank, lower_rank = tail_ranks(total_count, tail_ratio)
        lower_ps = upper_ps = None
        if upper_rank is not None and upper_rank > lost_count:
            upper_ps = self.from_largest(upper_rank - lost_count)[1]
        if lower_rank is not None and lower_rank > lost_count:
            lower_ps = self.from_largest(lower_rank - lost_count)[0]
        return Percentile(
            lower_ps=lower_ps,
            upper_ps=upper_ps,
            lower_is_lost=lower_rank is not None and lower_rank <= lost_count,
            upper_is_lost=upper_rank is not None and upper_rank <= lost_count,
            needed_count=needed_count(tail_ratio) if upper_rank is None else None,
        )

    def deviation_ps(self, mean_ps: float) -> float:
        """Standard deviation, at most: every frame counts at the far edge of its bin."""
        squares = 0.0
        for index, count in enumerate(self.bin_counts):
            if count:
                low_ps, high_ps = self._of_bin(index)
                squares += count * max(abs(low_ps - mean_ps), abs(high_ps - mean_ps)) ** 2
        return math.sqrt(squares / max(1, self.total_count - 1))

    def exceedance(self) -> list[tuple[int, int]]:
        """Upper value of each filled bin with the number of frames that may lie above it."""
        after = list(accumulate(self.bin_counts))
        total_count = self.total_count
        return [
            (self._of_bin(index)[1], total_count - after[index])
            for index, count in enumerate(self.bin_counts)
            if count
        ]


NORMAL_95 = 1.6448536269514722
"""One-sided 95 % quantile of the standard normal distribution."""

FEWEST_FOR_MEAN_COUNT = 1000
"""Samples from which the normal approximation of a mean is used. Source: planning practice."""


def mean_limits_ps(latencies: Latencies, mean_ps: float) -> tuple[float, float] | None:
    """Limits of a mean at the stated confidence; None with too few samples.

    Source: normal approximation of the mean of n samples, mean +- 1.645 s / sqrt(n).
    """
    total_count = latencies.total_count
    if total_count < FEWEST_FOR_MEAN_COUNT:
        return None
    spread_ps = NORMAL_95 * latencies.deviation_ps(mean_ps) / math.sqrt(total_count)
    return mean_ps - spread_ps, mean_ps + spread_ps

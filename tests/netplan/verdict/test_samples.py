# SPDX-License-Identifier: Apache-2.0
"""Statistics against exact values from SciPy and against numbers worked by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from netplan.verdict.samples import (
    Latencies,
    mean_limits_ps,
    needed_count,
    ratio_lower,
    ratio_upper,
    tail_ranks,
)


@pytest.mark.parametrize(("hits", "total"), [(1, 10), (5, 1000), (17, 123_456), (999, 1000)])
def test_limits_of_a_share_are_those_of_clopper_and_pearson(hits: int, total: int) -> None:
    assert ratio_upper(hits, total) == pytest.approx(
        beta.ppf(0.95, hits + 1, total - hits), rel=1e-9
    )
    assert ratio_lower(hits, total) == pytest.approx(
        beta.ppf(0.05, hits, total - hits + 1), rel=1e-9
    )


def test_no_loss_in_n_frames_shows_at_most_this_loss() -> None:
    # (1 - U)^600 = 0.05, so U = 1 - 0.05^(1/600) = 0.00498: 600 frames never show 1e-4.
    assert ratio_upper(0, 600) == pytest.approx(0.00498, rel=1e-3)
    assert ratio_upper(0, 600) == pytest.approx(1 - 0.05 ** (1 / 600), rel=1e-12)
    assert ratio_lower(0, 600) == 0.0
    assert ratio_upper(600, 600) == 1.0
    assert ratio_lower(600, 600) == pytest.approx(0.05 ** (1 / 600))


@pytest.mark.parametrize(
    ("ratio", "hits", "expected"),
    [
        # n >= ln(0.05) / ln(1 - ratio)
        pytest.param(1e-3, 0, 2995, id="99.9th-percentile"),
        pytest.param(1e-2, 0, 299, id="99th-percentile"),
        pytest.param(0.05, 0, 59, id="95th-percentile"),
        pytest.param(1e-4, 0, 29_956, id="loss-1e-4"),
        pytest.param(0.0, 0, None, id="never-zero"),
        pytest.param(1.0, 3, 4, id="anything-goes"),
    ],
)
def test_samples_that_a_share_needs(ratio: float, hits: int, expected: int | None) -> None:
    assert needed_count(ratio, hits) == expected


@pytest.mark.parametrize("hits", [0, 1, 2, 10])
def test_one_sample_fewer_would_not_do(hits: int) -> None:
    needed = needed_count(1e-3, hits)
    assert needed is not None
    assert ratio_upper(hits, needed) <= 1e-3 < ratio_upper(hits, needed - 1)


@pytest.mark.parametrize("tail", [0.5, 0.05, 0.01, 0.001])
@pytest.mark.parametrize("total", [1, 5, 58, 59, 299, 2994, 2995])
def test_ranks_of_a_percentile_are_exact(total: int, tail: float) -> None:
    """Against the definition, over all ranks."""
    allowed = 0.05 * (1 + 1e-12)
    late = np.arange(total + 1)
    few = late[:-1][binom.cdf(late[:-1], total, tail) <= allowed]
    many = late[1:][binom.sf(late[1:] - 1, total, tail) <= allowed]
    expected = (few.max() + 1 if few.size else None, many.min() if many.size else None)
    assert tail_ranks(total, tail) == expected


def test_the_maximum_limits_the_99_9th_percentile_from_2995_samples() -> None:
    assert tail_ranks(2994, 0.001)[0] is None
    assert tail_ranks(2995, 0.001)[0] == 1


def test_edges_of_ranks() -> None:
    assert tail_ranks(0, 0.01) == (None, None)
    assert tail_ranks(10, 1.0) == (10, None)
    assert tail_ranks(10, 0.0) == (None, 1)


def latencies(*counts: int, width_ps: int = 10) -> Latencies:
    """Bins of equal width from 100 ps; the extremes are those of the filled bins."""
    edges = tuple(100 + width_ps * index for index in range(len(counts) + 1))
    filled = [index for index, count in enumerate(counts) if count]
    return Latencies(
        min_ps=edges[filled[0]],
        max_ps=edges[filled[-1] + 1] - 1,
        edges_ps=edges,
        bin_counts=counts,
    )


def test_ranks_are_found_in_their_bin() -> None:
    # Bins [100, 110), [110, 120), [120, 130) with 5, 3, 2 frames.
    found = latencies(5, 3, 2)
    assert found.from_largest(1) == (120, 129)
    assert found.from_largest(2) == (120, 129)
    assert found.from_largest(3) == (110, 119)
    assert found.from_largest(10) == (100, 109)
    with pytest.raises(ValueError, match="no 11-th"):
        found.from_largest(11)


def test_frames_above_a_limit_are_counted_from_whole_bins() -> None:
    found = latencies(5, 3, 2)
    # 115 is inside the second bin: its 3 frames may be above, the last 2 surely are.
    assert found.above(115) == (2, 5)
    assert found.above(119) == (2, 2)
    assert found.above(99) == (10, 10)
    assert found.above(129) == (0, 0)


def test_a_percentile_needs_samples() -> None:
    percentile = latencies(298).percentile(0.01)
    assert (percentile.upper_ps, percentile.needed_count) == (None, 299)
    percentile = latencies(299).percentile(0.01)
    assert (percentile.upper_ps, percentile.needed_count) == (109, None)


def test_lost_frames_are_the_latest() -> None:
    # 299 samples: the 99th percentile is at most the largest, and that one is lost.
    percentile = latencies(298).percentile(0.01, lost_count=1)
    assert percentile.upper_is_lost
    assert percentile.upper_ps is None
    # 100 of 1,000 lost: more than 1 % is lost at any confidence.
    percentile = latencies(900).percentile(0.01, lost_count=100)
    assert percentile.lower_is_lost


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=20).filter(any), st.floats(1e-4, 0.9))
def test_lower_limit_is_never_above_upper_limit(counts: list[int], tail: float) -> None:
    percentile = latencies(*counts).percentile(tail)
    if percentile.lower_ps is not None and percentile.upper_ps is not None:
        assert percentile.lower_ps <= percentile.upper_ps


def test_mean_limits_by_hand() -> None:
    # 5,000 frames at 100 and 5,000 at 110 ps: s = 5 (bins of 1 ps), 1.645 * 5 / 100 = 0.0822
    found = Latencies(
        min_ps=100, max_ps=110, edges_ps=(100, 101, 110, 111), bin_counts=(5000, 0, 5000)
    )
    limits = mean_limits_ps(found, 105.0)
    assert limits is not None
    assert limits[0] == pytest.approx(105 - 0.08225, abs=1e-4)
    assert limits[1] == pytest.approx(105 + 0.08225, abs=1e-4)
    assert mean_limits_ps(latencies(999), 105.0) is None


def test_exceedance_falls_to_nothing() -> None:
    steps = latencies(5, 3, 2).exceedance()
    assert steps == [(109, 5), (119, 2), (129, 0)]
    assert all(before[1] >= after[1] for before, after in pairwise(steps))
    assert math.isfinite(latencies(1).deviation_ps(105))

# SPDX-License-Identifier: Apache-2.0
"""The table of traffic classes, against the standard's own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.tsn.classes import queue_index

URGENCY = (1, 0, 2, 3, 4, 5, 6, 7)
"""Priorities from least to most urgent: background (1) is below best effort (0).

Source: IEEE Std 802.1Q-2022, Table I-2 (traffic type acronyms) and Annex I.4.
"""


@pytest.mark.parametrize(
    ("queue_count", "expected"),
    [
        # IEEE Std 802.1Q-2022, Table 8-5, one column for each number of classes
        (1, [0, 0, 0, 0, 0, 0, 0, 0]),
        (2, [0, 0, 0, 0, 1, 1, 1, 1]),
        (3, [0, 0, 0, 0, 1, 1, 2, 2]),
        (4, [0, 0, 1, 1, 2, 2, 3, 3]),
        (5, [0, 0, 1, 1, 2, 2, 3, 4]),
        (6, [1, 0, 2, 2, 3, 3, 4, 5]),
        (7, [1, 0, 2, 3, 4, 4, 5, 6]),
        (8, [1, 0, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_the_table_of_the_standard(queue_count: int, expected: list[int]) -> None:
    assert [queue_index(pcp, queue_count) for pcp in range(8)] == expected


@given(st.integers(1, 8))
def test_every_queue_is_used_and_none_beyond(queue_count: int) -> None:
    assert {queue_index(pcp, queue_count) for pcp in range(8)} == set(range(queue_count))


@given(st.integers(1, 8), st.integers(0, 7), st.integers(0, 7))
def test_what_is_more_urgent_is_never_in_a_lower_queue(
    queue_count: int, first: int, second: int
) -> None:
    lower, higher = sorted((first, second))
    low, high = URGENCY[lower], URGENCY[higher]
    assert queue_index(low, queue_count) <= queue_index(high, queue_count)

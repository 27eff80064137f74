# SPDX-License-Identifier: Apache-2.0
"""Published results of another simulator, INET 4.5.4, matched with its parameters."""

from __future__ import annotations

import pytest

from emulator.bench.cases import Case, cases
from emulator.simulation.run import simulate

US = 10**6


@pytest.mark.parametrize(
    "case", [pytest.param(one, id=f"{one.name} {n}") for n, one in enumerate(cases())]
)
def test_comes_to_the_published_values(case: Case) -> None:
    seen = simulate(case.plan, seed=1, duration_ps=case.duration_ps)
    for check in case.checks(seen):
        assert check.agrees, check
    # Every frame that had the time was received.
    for row, stream in zip(seen.streams, case.plan.streams, strict=True):
        if stream.name != "best effort":
            assert row.lost == 0
            assert row.frames >= case.duration_ps // stream.emission.period_ps - 5


def test_what_is_published_is_what_is_compared() -> None:
    published = [
        check.published_ps / US
        for case in cases()
        for check in case.checks(simulate(case.plan, seed=1, duration_ps=case.duration_ps))
    ]
    assert published == [
        30.246, 10.534, 23.24,
        88.259, 247.2587, 535.939, 60.9, 161.3094, 307.26, 252.9, 298.4772, 375.78,
    ]  # fmt: skip


def test_synchronised_clocks_are_wrong_by_less_than_their_budget() -> None:
    case = cases()[2]
    seen = simulate(case.plan, seed=1, duration_ps=case.duration_ps)
    assert all(0 < clock.largest_error_ps < 1 * US for clock in seen.clocks[1:])
    assert seen.streams[0].min_ps == seen.streams[0].max_ps

# SPDX-License-Identifier: Apache-2.0
"""Idle slopes: the least that prove the targets, the share of the link, and why none does."""

from __future__ import annotations

from pathlib import Path

import pytest

from netplan.design.design import Design
from netplan.plan.make import make_plan
from netplan.progress import Silent
from netplan.tuning.reservations import with_slopes
from netplan.tuning.slopes import Slopes, least, tune_slopes
from netplan.tuning.trial import Bench, tried
from support.small_designs import loaded
from support.tuning_designs import X, Y, star, stream

CREDIT = "tsn: {classes: [{pcp: [3], shaper: credit-based}]}\n"
BOTH = "tsn: {classes: [{pcp: [5], shaper: credit-based}, {pcp: [3], shaper: credit-based}]}\n"


def tuned(
    folder: Path, text: str, *, tries: int = 400, share_ratio: float = 0.75
) -> tuple[Design, Slopes]:
    design = loaded(folder, text)
    bench = Bench(progress=Silent(), most_count=tries)
    return design, tune_slopes(design, make_plan(design), bench, share_ratio=share_ratio)


def test_the_least_slope_that_proves_a_target(tmp_path: Path) -> None:
    """Three frames of x at 100 Mbit/s, in 2 ms.

    With an idle slope of S, each of the two frames before the last keeps it for
    121.6 us * 100 Mbit/s / S. The bound is 137.75 us (see ``support.tuning_designs``)
    - 24.32 us + 4 us + 2 * 12.16 ms / S * Mbit/s <= 2 ms, so that S >= 12.920 Mbit/s.
    One step is (75 - 3.648) Mbit/s / 1000 = 71.4 kbit/s: contracts need 3 * 1520 * 8 bit per 10 ms.
    """
    text = star(stream("x", 3, {**X, "deadline": "2 ms"}), tsn=CREDIT)
    design, found = tuned(tmp_path, text)
    assert (found.before.met_count, found.after.met_count) == (0, 1)
    (one,), (slope_bps,) = found.reservations, found.slopes_bps
    assert one.least_bps == 3_649_000  # the next above the contracts
    assert found.most_bps == (75_000_000,)
    assert 12_920_000 <= slope_bps <= 12_920_000 + 71_352 + 1_000
    smaller = tried(with_slopes(design, found.reservations, (slope_bps - 72_000,)))
    assert smaller.met_count == 0


def test_no_slope_proves_what_the_wire_alone_breaks(tmp_path: Path) -> None:
    """The last of three frames cannot come within 137.75 + 2 * 121.6 - 24.3 us = 356 us."""
    _, found = tuned(tmp_path, star(stream("x", 3, {**X, "deadline": "300 us"}), tsn=CREDIT))
    (refusal,) = found.refusals
    # With 75 Mbit/s: 117.43 us + 24.32 ms / 75 = 441.7 us
    assert refusal.bound_ps == pytest.approx(441.7e6, abs=0.1e6)
    assert found.slopes_bps == tuple(one.designed_bps for one in found.reservations)


def test_a_larger_share_of_the_link_may_prove_more(tmp_path: Path) -> None:
    """420 us needs an idle slope of 24.32 ms / (420 - 117.43) us = 80.4 Mbit/s."""
    text = star(stream("x", 3, {**X, "deadline": "420 us"}), tsn=CREDIT)
    assert tuned(tmp_path, text)[1].after.met_count == 0
    _, found = tuned(tmp_path, text, share_ratio=0.9)
    assert found.after.met_count == 1
    assert 80_380_000 < found.slopes_bps[0] < 80_500_000


def test_two_classes_share_the_link(tmp_path: Path) -> None:
    streams = stream("x", 5, {**X, "deadline": "2 ms"}) + stream("z", 3, {**X, "deadline": "4 ms"})
    design, found = tuned(tmp_path, star(streams, tsn=BOTH))
    assert found.after.met_count == 2
    assert sum(found.slopes_bps) <= 75_000_000
    for index, slope_bps in enumerate(found.slopes_bps):
        # A step of one of them less, and a target is lost.
        fewer = [*found.slopes_bps]
        fewer[index] = slope_bps - 80_000
        assert tried(with_slopes(design, found.reservations, fewer)).met_count < 2


def test_slopes_that_are_larger_than_needed_are_lowered(tmp_path: Path) -> None:
    text = star(
        stream("x", 3, {**X, "deadline": "2 ms"}),
        tsn=CREDIT.replace("based}", "based, idle_slope: 60 Mbit/s}"),
    )
    _, found = tuned(tmp_path, text)
    assert found.after.met_count == found.before.met_count == 1
    assert found.slopes_bps[0] < 13_000_000


def test_what_one_class_needs_is_not_taken_from_another(tmp_path: Path) -> None:
    """The frame of y below x: from half of the line on, x may send all three frames before it.

    x waits for the frame of y and sends its first two at S: 239.0 us + 24.32 ms / S * Mbit/s.
    y waits for two frames of x (243.2 us) beside its own 245.75 us, for three from 50 Mbit/s on.
    """
    x, y = {**X, "deadline": "800 us"}, {**Y, "deadline": "520 us"}
    text = star(
        stream("x", 5, x) + stream("y", 3, y),
        tsn=CREDIT.replace("3", "5").replace("}]", ", idle_slope: 4 Mbit/s}]"),
    )
    _, found = tuned(tmp_path, text)
    # 24.32 ms / 561 us = 43.35 Mbit/s is below 50 Mbit/s
    assert found.after.met_count == 2
    assert 43_340_000 < found.slopes_bps[0] < 43_450_000
    # 24.32 ms / 461 us = 52.8 Mbit/s is not
    _, found = tuned(tmp_path, text.replace("800 us", "700 us"))
    assert found.after.met_count == found.before.met_count == 1
    assert found.conflicts == ("what queue 5 needs takes the proof from y",)
    assert found.slopes_bps == (4_000_000,)


def test_classes_that_share_a_buffer_are_raised_together(tmp_path: Path) -> None:
    """40 frames of each at once: 121.6 kB of the 128 kB, as long as both leave quickly enough."""
    burst = {"burst": "57.2 kB", "packet": "1430 B", "every": "100 ms", "deadline": "14 ms"}
    text = star(stream("x", 5, burst) + stream("z", 3, burst), tsn=BOTH)
    _, found = tuned(tmp_path, text)
    assert (found.before.met_count, found.after.met_count) == (0, 2)


def test_few_trials_end_with_what_was_proven(tmp_path: Path) -> None:
    text = star(stream("x", 3, {**X, "deadline": "2 ms"}), tsn=CREDIT)
    _, found = tuned(tmp_path, text, tries=4)
    assert found.after.met_count == 1
    assert not found.settled


def test_nothing_to_reserve(tmp_path: Path) -> None:
    _, found = tuned(tmp_path, star(stream("x", 3, X)))
    assert found.reservations == ()


@pytest.mark.parametrize("first", range(1, 12))
def test_the_least_number_is_found(first: int) -> None:
    assert least(lambda number: number >= first, 0, 11, lambda: False) == first

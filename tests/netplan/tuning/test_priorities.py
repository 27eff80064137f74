# SPDX-License-Identifier: Apache-2.0
"""Priorities: worked by hand, against all assignments there are, and never worse than designed."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netplan.design.findings import DesignError
from netplan.plan.make import make_plan
from netplan.progress import Silent
from netplan.tuning.assignments import Assignments, levels_of
from netplan.tuning.priorities import Priorities, deadline_monotonic, tune_priorities
from netplan.tuning.trial import Bench
from netplan.tuning.written import entries_of
from support.random_designs import designs
from support.small_designs import loaded
from support.tuning_designs import PLACED, X, Y, Z, star, stream


def tuned(folder: Path, text: str, *, tries: int = 400, **wishes: Any) -> Priorities:
    design = loaded(folder, text)
    bench = Bench(progress=Silent(), most_count=tries)
    return tune_priorities(design, make_plan(design), bench, **wishes)


def chosen(found: Priorities) -> dict[str, int]:
    return {
        name: pcp
        for entry, pcp in zip(found.entries, found.pcps, strict=True)
        for _, name in entry.members
    }


def queue(pcp: int) -> int:
    """Queue of a bridge with eight of them: 1 and 0 change places."""
    return {0: 1, 1: 0}.get(pcp, pcp)


def test_the_only_order_that_meets_both_deadlines(tmp_path: Path) -> None:
    """See the working in ``support.tuning_designs``: y must be above x."""
    found = tuned(tmp_path, star(stream("x", 5, X) + stream("y", 3, Y)))
    assert found.before.met_count == 1
    assert found.after.met_count == 2
    pcps = chosen(found)
    assert queue(pcps["y"]) > queue(pcps["x"])
    worst = found.after.verdicts
    assert [round(one.bound / 1e6, 1) for one in worst if one.bound is not None] == [482.2, 367.3]
    assert found.exact


def test_an_order_that_deadline_monotonic_does_not_find(tmp_path: Path) -> None:
    """The deadline of x is the shorter one, but y has spent half of its own when it meets x."""
    text = star(stream("x", 3, X) + stream("y", 3, Y) + stream("z", 3, Z))
    design = loaded(tmp_path, text)
    plan = make_plan(design)
    entries = entries_of(design, plan)
    assignments = Assignments(
        design=design, entries=entries, levels=levels_of(plan, entries, 8),
        bench=Bench(progress=Silent(), most_count=10),
    )  # fmt: skip
    monotonic = assignments.at(deadline_monotonic(assignments))
    assert queue(monotonic[0]) > queue(monotonic[1]) > queue(monotonic[2])
    assert assignments.trial(monotonic).met_count == 2
    found = tuned(tmp_path, text)
    assert found.after.met_count == 3
    assert found.exact


def test_fewer_classes_than_streams(tmp_path: Path) -> None:
    text = star(stream("x", 3, X) + stream("y", 3, Y) + stream("z", 3, Z))
    found = tuned(tmp_path, text, class_count=2)
    assert found.after.met_count == 3
    assert len(set(found.pcps)) <= 2
    one = tuned(tmp_path, text, class_count=1)
    assert one.after.met_count == 2
    assert one.impossible


def test_a_design_is_regrouped_into_fewer_classes_unless_that_costs_proofs(tmp_path: Path) -> None:
    """Priorities 5, 6 and 2 prove all three; so do two classes, and one class does not."""
    text = star(stream("x", 5, X) + stream("y", 6, Y) + stream("z", 2, Z))
    two = tuned(tmp_path, text, class_count=2)
    assert (two.before.met_count, two.after.met_count) == (3, 3)
    assert len(set(two.pcps)) == 2
    one = tuned(tmp_path, text, class_count=1)
    assert one.too_few_classes
    assert one.pcps == (5, 6, 2)


def test_what_is_kept_stays(tmp_path: Path) -> None:
    found = tuned(tmp_path, star(stream("x", 5, X) + stream("y", 3, Y)), keep=("x",))
    assert chosen(found) == {"x": 5, "y": 6} or chosen(found) == {"x": 5, "y": 7}
    assert "keep" in found.why_not_exact
    both = tuned(tmp_path, star(stream("x", 5, X) + stream("y", 3, Y)), keep=("*",))
    assert both.pcps == (5, 3)


def test_a_design_that_needs_nothing_stays(tmp_path: Path) -> None:
    found = tuned(tmp_path, star(stream("x", 5, {**X, "deadline": "9 ms"})))
    assert chosen(found) == {"x": 5}
    assert found.found_by == "the design"


def test_a_module_is_one_entry_and_an_override_another(tmp_path: Path) -> None:
    design = loaded(tmp_path, PLACED)
    entries = entries_of(design, make_plan(design))
    assert [(entry.path, [name for _, name in entry.members]) for entry in entries] == [
        (("streams", "copy"), ["copy"]),
        (("modules", "cell", "streams", "state"), ["c1/state", "c2/state"]),
        (("place", 2, "override", "streams", "state"), ["c3/state"]),
    ]


@st.composite
def stars(draw: st.DrawFn) -> tuple[str, int, int]:
    """A star with up to four streams, how many, and a number of classes."""
    count = draw(st.integers(2, 4))
    names = ("x", "y", "z", "w")[:count]
    text = ""
    for name in names:
        frames = draw(st.integers(1, 3))
        text += stream(
            name,
            draw(st.integers(0, 7)),
            {
                "burst": f"{frames * 1000} B",
                "packet": f"{draw(st.sampled_from((250, 500, 1000)))} B",
                "every": f"{draw(st.integers(2, 8))} ms",
                "jitter": f"{draw(st.integers(0, 300))} us",
                "deadline": f"{draw(st.integers(250, 900))} us",
            },
        )
    slow = draw(st.sets(st.sampled_from(names)))
    return star(text, slow=tuple(slow)), count, draw(st.integers(1, 4 if count < 4 else 3))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=stars())
def test_no_assignment_is_better_where_none_is_claimed(case: tuple[str, int, int]) -> None:
    text, count, class_count = case
    with TemporaryDirectory() as folder:
        design = loaded(Path(folder), text)
    plan = make_plan(design)
    bench = Bench(progress=Silent(), most_count=1000)
    found = tune_priorities(design, plan, bench, class_count=class_count)
    assert found.after.met_count >= found.before.met_count
    every = Assignments(design=design, entries=found.entries, levels=found.levels, bench=bench)
    best = max(every.trial(pcps).worth for pcps in product(found.levels, repeat=count))
    if found.exact:
        assert (
            found.too_few_classes
            or set(found.pcps) <= set(found.levels)
            or (found.pcps == tuple(entry.pcp for entry in found.entries))
        )
        assert found.after.worth >= best
    if found.impossible:
        assert best[0] < count
    complete = best[0] == count
    assert found.exact or not complete, "one contended port: a complete assignment is always found"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=designs())
def test_never_fewer_targets_than_designed(data: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        try:
            design = loaded(Path(folder), yaml.safe_dump(data))
            plan = make_plan(design)
        except DesignError:
            return
    bench = Bench(progress=Silent(), most_count=15)
    found = tune_priorities(design, plan, bench)
    assert found.after.worth >= found.before.worth


@pytest.mark.parametrize(
    ("class_count", "levels"),
    [
        pytest.param(8, (1, 0, 2, 3, 4, 5, 6, 7), id="eight"),
        # 802.1Q-2022, table 8-5, four queues: 0 1 | 2 3 | 4 5 | 6 7; 5 is used, otherwise the higher
        pytest.param(4, (1, 3, 5, 7), id="four"),
        pytest.param(2, (3, 5), id="two"),
        pytest.param(1, (5,), id="one"),
    ],
)
def test_levels_use_what_the_plan_uses(
    tmp_path: Path, class_count: int, levels: tuple[int, ...]
) -> None:
    design = loaded(tmp_path, star(stream("x", 5, X)))
    plan = make_plan(design)
    assert levels_of(plan, entries_of(design, plan), class_count) == levels

# SPDX-License-Identifier: Apache-2.0
"""The JSON that scripts rely on, and plans and evidence as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from netplan.design.findings import DesignError, Finding, Mark, Severity
from netplan.verdict.judge import judge
from netplan.verdict.results import dump, load, results, results_schema, save_results
from netplan.verdict.store import (
    bound_json,
    load_bound,
    load_plan,
    load_simulated,
    plan_json,
    save,
    simulated_json,
)
from netplan.verdict.trial_records import nanoseconds
from support.small_plans import NS, US

FINDING = Finding(
    code="TEST-NOTE", severity=Severity.NOTE, message="noted", mark=Mark(file="a.yaml", line=3)
)


def complaints(value: Any, schema: dict[str, Any], path: str = "$") -> list[str]:
    """What a value breaks of the part of JSON Schema that the results use."""
    if "anyOf" in schema:
        options = [complaints(value, option, path) for option in schema["anyOf"]]
        return [] if any(not option for option in options) else min(options, key=len)
    if "const" in schema:
        return [] if value == schema["const"] else [f"{path}: not {schema['const']!r}"]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{path}: {value!r} is not listed"]
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kinds: dict[str, Any] = {
        "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
        "number": (int, float), "null": type(None),
    }  # fmt: skip
    fits = any(isinstance(value, kinds[name]) for name in types)
    if not fits or (isinstance(value, bool) and "boolean" not in types):
        return [f"{path}: {value!r} is no {types}"]
    found = []
    if isinstance(value, (int, float)):
        found += [f"{path}: too small"] if value < schema.get("minimum", value) else []
        found += [f"{path}: too large"] if value > schema.get("maximum", value) else []
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        found.append(f"{path}: too short")
    if isinstance(value, dict):
        found += [f"{path}: no {key}" for key in schema.get("required", ()) if key not in value]
        for key, inside in schema.get("properties", {}).items():
            found += complaints(value[key], inside, f"{path}.{key}") if key in value else []
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += complaints(item, schema["items"], f"{path}[{index}]")
    return found


@pytest.fixture
def answer(made: Any) -> dict[str, Any]:
    plan = made.plan(
        made.target(),
        made.target(1e-4, quantity="loss", statistic="ratio", unit="ratio", subject_kind="offer"),
        findings=(FINDING,),
    )
    bound, run = made.bound(made.bound_row()), made.run(made.seen((60 * US + 500, 2995)))
    return results(plan, judge(plan, bound, run), bound, run)


def test_results_keep_their_schema(answer: dict[str, Any]) -> None:
    assert complaints(json.loads(dump(answer)), results_schema()) == []


def test_results_without_evidence_keep_their_schema(made: Any) -> None:
    plan = made.plan(made.target())
    answer = results(plan, judge(plan, None, None), None, None, why_not_simulated="no time")
    assert complaints(json.loads(dump(answer)), results_schema()) == []
    assert answer["evidence"]["simulated"] == {"made": False, "why": "no time"}
    assert answer["seed"] is None


def test_the_schema_refuses_what_is_wrong(answer: dict[str, Any]) -> None:
    answer["targets"][0]["verdict"] = "perhaps"
    del answer["streams"][0]["bound_ns"]
    found = complaints(answer, results_schema())
    assert found == ["$.targets[0].verdict: 'perhaps' is not listed", "$.streams[0]: no bound_ns"]


def test_the_keys_that_scripts_rely_on(answer: dict[str, Any]) -> None:
    """As architecture.md, section 4 lists them; additions are free."""
    assert answer.keys() >= {
        "design", "version", "seed", "evidence", "targets", "streams", "findings",
    }  # fmt: skip
    assert answer["design"].keys() >= {"name", "hash"}
    assert answer["evidence"]["simulated"].keys() >= {"made", "duration_ns", "frames"}
    assert answer["evidence"]["emulated"].keys() >= {"made", "why"}
    assert answer["targets"][0].keys() >= {
        "subject", "listener", "direction", "quantity", "statistic", "limit", "unit", "bound",
        "simulated", "emulated", "verdict", "margin", "binding", "why",
    }  # fmt: skip
    assert answer["streams"][0].keys() >= {
        "id", "talker", "listener", "deadline_ns", "bound_ns", "simulated", "emulated",
    }  # fmt: skip
    assert answer["streams"][0]["simulated"].keys() >= {
        "frames", "lost", "min_ns", "mean_ns", "p999_ns", "max_ns",
    }  # fmt: skip
    assert answer["findings"][0].keys() >= {
        "code", "severity", "file", "line", "path", "expected", "found", "hint",
    }  # fmt: skip


def test_values_are_in_nanoseconds(answer: dict[str, Any]) -> None:
    target, loss = answer["targets"]
    assert (target["limit"], target["unit"], target["bound"], target["margin"]) == (
        100_000, "ns", 80_000, 20_000,
    )  # fmt: skip
    assert target["simulated"] == 60_000.5
    assert (loss["limit"], loss["unit"], loss["simulated"]) == (1e-4, "ratio", 0.0)
    assert (target["samples"], target["verdict"]) == (2995, "met")
    stream = answer["streams"][0]
    assert (stream["deadline_ns"], stream["bound_ns"], stream["minimum_ns"]) == (
        100_000,
        80_000,
        17_000,
    )
    assert sum(term["max_ns"] for hop in stream["hops"] for term in hop["terms"]) == 80_000


def test_a_percentile_with_too_few_samples_is_null(made: Any) -> None:
    plan = made.plan(made.target())
    run = made.run(made.seen((60 * US, 2994)))
    seen = results(plan, judge(plan, None, run), None, run)["streams"][0]["simulated"]
    assert seen["p999_ns"] is None
    assert seen["p99_ns"] == 60_000
    assert seen["needs"] == {"p999_ns": 2995}


@pytest.mark.parametrize(
    ("time_ps", "expected"),
    [(12_336_000, 12_336), (12_336_001, 12_336.001), (0, 0), (None, None), (999, 0.999)],
)
def test_nanoseconds_are_exact(time_ps: int | None, expected: float | None) -> None:
    found = nanoseconds(time_ps)
    assert found == expected
    assert type(found) is type(expected)
    assert found is None or round(found * NS) == time_ps


def test_findings_are_those_of_the_command_line(answer: dict[str, Any]) -> None:
    assert answer["findings"] == [FINDING.record()]


def test_results_can_be_saved_and_loaded(answer: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    save_results(file, answer)
    assert load(file) == json.loads(dump(answer))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"design": 1}', "[" * 100_000])
def test_what_are_no_results_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(content)
    with pytest.raises(DesignError, match="RESULTS-UNREADABLE"):
        load(file)
    with pytest.raises(DesignError, match="STORE-UNREADABLE"):
        load_plan(file)


def test_plans_and_evidence_can_be_saved_and_loaded(made: Any, tmp_path: Path) -> None:
    plan = made.plan(
        made.target(), findings=(FINDING,), vlans={10: "cell"}, addresses={"cam": "::1"}
    )
    bound = made.bound(made.bound_row(), loads=(float("inf"), 0.1))
    run = made.run(made.seen((60 * US, 5)))
    files = save(tmp_path / "deep" / "out", plan=plan, bound=bound, simulated=run)
    assert [file.name for file in files] == ["plan.json", "bound.json", "simulated.json"]
    assert load_plan(files[0]) == plan
    assert load_bound(files[1]) == bound
    assert load_simulated(files[2]) == run
    assert files[0].read_text() == plan_json(plan)
    assert files[1].read_text() == bound_json(bound)
    assert files[2].read_text() == simulated_json(run)
    with pytest.raises(DesignError, match="holds no plan but bound"):
        load_plan(files[1])


def test_a_damaged_file_says_where(made: Any, tmp_path: Path) -> None:
    document = json.loads(plan_json(made.plan(made.target())))
    document["content"]["streams"][0]["emission"]["period_ps"] = "soon"
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(document))
    with pytest.raises(DesignError, match=r"damaged at streams\.0\.emission\.period_ps"):
        load_plan(file)
    document["format"] = 99
    file.write_text(json.dumps(document))
    with pytest.raises(DesignError, match="another version"):
        load_plan(file)


def test_a_folder_that_cannot_be_made(made: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DesignError, match="cannot be made"):
        save(tmp_path / "file" / "out", plan=made.plan())

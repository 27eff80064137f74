# SPDX-License-Identifier: Apache-2.0
"""What people are told when data does not fit its model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.design.document import Document
from netplan.design.findings import Finding, Mark
from netplan.design.validation import Path, known_keys, validate

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["nodes", "is", "kind", "at", "a", "5g"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


def place_of(path: Path) -> Mark:
    """Says the depth of the path as the line, so that tests see what was asked for."""
    return Mark(file="plant.yaml", line=len(path))


def findings_in(data: dict[str, object]) -> list[Finding]:
    document = {"plantwire": 1, "name": "test", **data}
    validated, findings = validate(Document, document, mark_at=place_of)
    assert (validated is None) == bool(findings)
    return findings


def the_finding_in(data: dict[str, object]) -> Finding:
    (finding,) = findings_in(data)
    return finding


def test_right_data_gives_the_model_and_no_findings() -> None:
    assert findings_in({"nodes": {"sw1": {"is": "switch"}}}) == []


def test_an_unknown_key_is_told_with_the_nearest_known_one() -> None:
    finding = the_finding_in({"nodes": {"sw1": {"is": "switch", "modle": "x"}}})
    assert finding.code == "DESIGN-KEY-UNKNOWN"
    assert finding.path == "nodes.sw1.modle"
    assert finding.mark == Mark(file="plant.yaml", line=3)
    assert finding.found == "modle"
    assert finding.expected.startswith("one of is, model, functions, zone")
    assert finding.hint == "did you mean 'model'?"


def test_a_key_like_no_other_is_told_with_where_to_look() -> None:
    finding = the_finding_in({"qqqqq": 1})
    assert finding.hint == "remove it, or see 'plantwire schema'"


def test_inside_a_union_the_known_keys_are_those_of_its_kind() -> None:
    network = {"kind": "iwlan", "carrier": "5.2 GHz", "quotta": "1 kB"}
    finding = the_finding_in({"networks": {"hall": network}})
    assert (finding.path, finding.hint) == ("networks.hall.quotta", "did you mean 'quota'?")
    assert "bandwidth" not in finding.expected


@pytest.mark.parametrize(
    ("network", "message", "expected"),
    [
        ({"kind": "6g"}, "this kind is not known", "one of '5g', 'iwlan', 'pon'"),
        ({"carrier": "5.2 GHz"}, "the kind is missing", "'kind: ...'"),
    ],
)
def test_a_kind_that_is_wrong_or_missing(
    network: dict[str, object], message: str, expected: str
) -> None:
    finding = the_finding_in({"networks": {"hall": network}})
    assert (finding.message, finding.expected) == (message, expected)
    assert finding.path in {"networks.hall", "networks.hall.kind"}


def test_a_missing_key_is_told_by_the_object_that_misses_it() -> None:
    finding = the_finding_in({"nodes": {"sw1": {"model": "x"}}})
    assert finding.code == "DESIGN-KEY-MISSING"
    assert finding.message == "the key 'is' is missing"
    assert (finding.path, finding.hint) == ("nodes.sw1", "add 'is' to nodes.sw1")


def test_a_missing_key_at_the_top() -> None:
    _, (finding,) = validate(Document, {"name": "x"}, mark_at=place_of)
    assert finding.hint == "add 'plantwire' to the document"


def test_one_of_a_few_words() -> None:
    finding = the_finding_in({"zones": {"cell": {"kind": "contrl"}}})
    assert finding.code == "DESIGN-VALUE"
    assert finding.found == "'contrl'"
    assert "'control'" in finding.expected
    assert finding.hint == "did you mean 'control'?"


def test_another_version_of_the_language() -> None:
    finding = the_finding_in({"plantwire": 2})
    assert (finding.path, finding.expected, finding.found) == ("plantwire", "one of 1", "2")


def test_quantities_and_references_have_codes_of_their_own() -> None:
    link = {"between": ["sw1", "sw 2"], "medium": "cat6a", "length": 12}
    first, second = findings_in({"links": [link]})
    assert (first.code, first.path) == ("DESIGN-REFERENCE", "links[0].between[1]")
    assert (second.code, second.path) == ("DESIGN-QUANTITY", "links[0].length")
    assert second.hint == "add one of m, mm, cm, km"


def test_every_mistake_is_found_at_once() -> None:
    nodes = {"a": {"is": "plc", "x": 1}, "b": {"y": 2}, "c": {"is": "plc", "at": "here"}}
    assert [finding.path for finding in findings_in({"nodes": nodes})] == [
        "nodes.a.x",
        "nodes.b",
        "nodes.b.y",
        "nodes.c.at",
    ]


def test_long_values_are_cut() -> None:
    finding = the_finding_in({"nodes": {"sw1": {"is": ["x"] * 1000}}})
    assert finding.found == "a list"
    finding = the_finding_in({"zones": {"cell": {"kind": "x" * 1000}}})
    assert len(finding.found) < 100


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"nodes": {"sw1": 5}}, "nodes.sw1"),
        ({"nodes": {"sw1": {"is": "plc", "at": "here"}}}, "nodes.sw1.at"),
        ({"nodes": {"sw1": {"is": "plc", "at": ["1 m"]}}}, "nodes.sw1.at"),
        ({"streams": {"s": {"from": "a", "to": {"b": 1}}}}, "streams.s.to"),
        ({"links": {"a": 1}}, "links"),
    ],
)
def test_messages_are_in_the_words_of_the_user_not_of_python(
    data: dict[str, object], path: str
) -> None:
    finding = the_finding_in(data)
    assert finding.path == path
    for word in ("instance", "tuple", "dictionary", "validation"):
        assert word not in finding.text()


def test_a_wrong_coordinate_is_one_mistake() -> None:
    """That a point with a wrong coordinate then has too few of them is no news."""
    node = {"is": "plc", "at": ["1 m", 2]}
    assert [finding.path for finding in findings_in({"nodes": {"a": node}})] == ["nodes.a.at[1]"]


def test_the_base_is_the_way_to_the_data_in_its_document() -> None:
    _, (finding,) = validate(
        Document, {"plantwire": 1, "name": "x", "z": 0}, mark_at=place_of, base=("modules", "m")
    )
    assert finding.path == "modules.m.z"


def test_known_keys_at_a_place() -> None:
    assert known_keys(Document, ())[:2] == ["nodes", "links"]
    assert known_keys(Document, ("modules", "m", "place", 0))[:2] == ["module", "as"]
    assert known_keys(Document, ("networks", "n", "pon")) == [
        "kind", "system", "budget", "reach", "grant", "bursts_per_frame", "margin",
    ]  # fmt: skip
    assert known_keys(Document, ("name",)) == []
    assert known_keys(Document, ("nowhere", 3)) == []


@given(DATA)
def test_any_data_is_a_document_or_has_findings_with_a_place(data: object) -> None:
    document, findings = validate(Document, data, mark_at=place_of)
    assert (document is None) == bool(findings)
    for finding in findings:
        assert finding.code.startswith("DESIGN-")
        assert finding.message
        assert finding.mark is not None
        assert len(finding.text()) < 2000

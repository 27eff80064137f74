# SPDX-License-Identifier: Apache-2.0
"""Names and references: what is one, and what it becomes in a placed module."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from netplan.design.names import (
    AnyReference,
    Name,
    NodeReference,
    PortReference,
    StreamReference,
    TaskReference,
    node_of,
    port_of,
    task_of,
)

NAME: TypeAdapter[str] = TypeAdapter(Name)
REFERENCE: TypeAdapter[str] = TypeAdapter(AnyReference)
KINDS: dict[str, TypeAdapter[str]] = {
    "node": TypeAdapter(NodeReference),
    "port": TypeAdapter(PortReference),
    "task": TypeAdapter(TaskReference),
    "stream": TypeAdapter(StreamReference),
}
SEGMENTS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,10}", fullmatch=True)


def placed(text: str, prefix: str = "", connect: Mapping[str, str] | None = None) -> str:
    context = {"prefix": prefix, "connect": dict(connect or {})}
    return REFERENCE.validate_python(text, context=context)


def refusal(
    text: str, prefix: str = "", connect: Mapping[str, str] | None = None
) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        placed(text, prefix, connect)
    (detail,) = caught.value.errors()
    assert detail["type"] == "reference"
    return {"message": detail["msg"], **detail["ctx"]}


@pytest.mark.parametrize("text", ["a", "A1", "9", "sw-1", "sw_1", "x" * 64])
def test_plain_name(text: str) -> None:
    assert NAME.validate_python(text) == text


@pytest.mark.parametrize(
    "text", ["", "-a", "_a", "a b", "a/b", "a.b", "a:b", "$a", "ä", "a\n", "x" * 65, 5, None]
)
def test_no_plain_name(text: object) -> None:
    with pytest.raises(ValidationError):
        NAME.validate_python(text)


@pytest.mark.parametrize(
    ("text", "node", "port", "task"),
    [
        ("sw1", "sw1", "", ""),
        ("sw1.p2", "sw1", "p2", ""),
        ("plc1:motion", "plc1", "", "motion"),
        ("cell1/drive1", "cell1/drive1", "", ""),
        ("hall/cell1/drive1.p1", "hall/cell1/drive1", "p1", ""),
        ("hall/cell1/plc:fast", "hall/cell1/plc", "", "fast"),
    ],
)
def test_parts_of_a_reference(text: str, node: str, port: str, task: str) -> None:
    assert placed(text) == text
    assert (node_of(text), port_of(text), task_of(text)) == (node, port, task)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".p1", "sw1.", "sw1..p1", "sw1.p1.p2", "a:b:c", "a//b", "/a", "a/", "a b", "$"),
        *("$a/b", "$$a", "a.$b", "sw1.p1\n", "ä", "x" * 257),
    ],
)
def test_no_reference(text: str) -> None:
    refused = refusal(text)
    assert refused["message"] == "this is not a name that can be referred to"
    assert refused["expected"] == "a node, port or task, such as 'sw1.p2'"
    assert len(refused["found"]) < 100


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("sw1", {"node", "port", "task", "stream"}),
        ("cell1/sw1", {"node", "port", "task", "stream"}),
        ("$uplink", {"node", "port", "task", "stream"}),
        ("sw1.p2", {"port"}),
        ("plc1:motion", {"task"}),
        ("motion1.out", {"port", "stream"}),
        ("motion1.in", {"port", "stream"}),
    ],
)
def test_what_may_be_named_where(text: str, kinds: set[str]) -> None:
    accepted = set()
    for kind, adapter in KINDS.items():
        with contextlib.suppress(ValidationError):
            adapter.validate_python(text)
            accepted.add(kind)
    assert accepted == kinds


def test_a_port_where_a_node_is_wanted_is_told_so() -> None:
    with pytest.raises(ValidationError) as caught:
        KINDS["node"].validate_python("sw1.p2")
    (detail,) = caught.value.errors()
    assert detail["ctx"]["expected"].endswith("without a port")


@pytest.mark.parametrize("value", [5, None, ["sw1"], {"node": "sw1"}])
def test_a_reference_is_text(value: object) -> None:
    with pytest.raises(ValidationError):
        REFERENCE.validate_python(value, context={"prefix": "", "connect": {}})


def test_in_a_template_references_stay_as_written() -> None:
    assert REFERENCE.validate_python("$uplink.p1") == "$uplink.p1"
    assert REFERENCE.validate_python("drive1") == "drive1"


def test_in_a_placed_module_names_mean_members() -> None:
    assert placed("drive1.p1", "cell1/") == "cell1/drive1.p1"
    assert placed("inner/drive1", "cell1/") == "cell1/inner/drive1"


@pytest.mark.parametrize(
    ("text", "stands_for", "expected"),
    [
        ("$uplink", "sw1", "sw1"),
        ("$uplink", "sw1.p3", "sw1.p3"),
        ("$uplink.p3", "sw1", "sw1.p3"),
        ("$plc:motion", "hall/plc1", "hall/plc1:motion"),
    ],
)
def test_what_is_connected_replaces_its_name(text: str, stands_for: str, expected: str) -> None:
    """The connected name is absolute already: the module's prefix does not touch it."""
    connected = {"uplink": stands_for, "plc": stands_for}
    assert placed(text, "cell1/", connected) == expected


def test_what_is_not_connected_is_told_with_what_is() -> None:
    refused = refusal("$uplnk", "cell1/", {"uplink": "sw1", "clock": "gm1"})
    assert refused == {
        "message": "nothing is connected under this name",
        "expected": "one of the connected names: $clock, $uplink",
        "hint": "add 'uplnk: ...' under 'connect' where the module is placed",
        "found": "'$uplnk'",
    }
    assert refusal("$up")["expected"] == "one of the connected names: none"


@given(st.lists(SEGMENTS, min_size=1, max_size=4), SEGMENTS, st.sampled_from(".:"))
def test_parts_put_together_come_apart_again(path: list[str], part: str, sign: str) -> None:
    node = "/".join(path)
    text = placed(f"{node}{sign}{part}")
    assert node_of(text) == node
    assert (port_of(text), task_of(text)) == ((part, "") if sign == "." else ("", part))


@given(st.lists(SEGMENTS, max_size=3), SEGMENTS)
def test_the_prefix_of_a_placement_is_that_of_its_members(prefixes: list[str], name: str) -> None:
    prefix = "".join(f"{one}/" for one in prefixes)
    assert placed(name, prefix) == prefix + name


@given(st.text(max_size=30))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    kinds: set[str] = set()
    found = "b" if text == "$a" else "cell1/" + text
    try:
        found = placed(text, "cell1/", {"a": "b"})
    except ValidationError as error:
        kinds = {detail["type"] for detail in error.errors()}
    assert kinds <= {"reference"}
    assert found == "cell1/" + text or text.startswith("$a")

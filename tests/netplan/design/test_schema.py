# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema for editors: well-formed, and in agreement with the reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netplan.design.schema import design_schema
from netplan.design.source import read_document

ROOT = Path(__file__).parents[3]
DESIGNS = sorted(ROOT.glob("topologies/*/design.yaml"))
RIGHT = [file for file in DESIGNS if file.parent.name != "broken"]
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
KNOWN_WORDS = {
    *("$defs", "$ref", "$schema", "additionalProperties", "anyOf", "const", "default"),
    *("description", "discriminator", "enum", "exclusiveMinimum", "items", "maxItems", "maxLength"),
    *("maximum", "minItems", "minLength", "minProperties", "minimum", "oneOf", "pattern"),
    *(
        "patternProperties",
        "prefixItems",
        "properties",
        "propertyNames",
        "required",
        "title",
        "type",
    ),
}
"""Words of JSON Schema 2020-12, and ``discriminator`` of OpenAPI, which validators skip."""


def subschemas(schema: object) -> Iterator[dict[str, Any]]:
    """A schema and all schemas in it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for word in ("items", "additionalProperties", "propertyNames"):
        yield from subschemas(schema.get(word))
    for word in ("anyOf", "oneOf", "prefixItems"):
        for inner in schema.get(word, []):
            yield from subschemas(inner)
    for word in ("properties", "patternProperties", "$defs"):
        for inner in schema.get(word, {}).values():
            yield from subschemas(inner)


def complaints(schema: dict[str, Any], value: object, top: dict[str, Any], at: str) -> list[str]:
    """Why a value does not fit: a small validator for the words that our schema uses."""
    if "$ref" in schema:
        schema = top["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            tried = [complaints(inner, value, top, at) for inner in schema[word]]
            return [] if [] in tried else [f"{at}: no variant fits", *min(tried, key=len)]
    if "const" in schema:
        return [] if value == schema["const"] else [f"{at}: {value!r} is not {schema['const']!r}"]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{at}: {value!r} is not in the list"]
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return [f"{at}: {value!r} is no {schema['type']}"]
    if isinstance(value, str):
        fits = re.search(schema.get("pattern", ""), value)
        return [] if fits else [f"{at}: {value!r} does not match {schema['pattern']}"]
    if isinstance(value, int | float):
        fits = schema.get("minimum", value) <= value <= schema.get("maximum", value)
        return [] if fits else [f"{at}: {value} is out of range"]
    found: list[str] = []
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{at}: {len(value)} items")
        for index, item in enumerate(value):
            prefix = schema.get("prefixItems", [])
            inner = prefix[index] if index < len(prefix) else schema.get("items", {})
            found += complaints(inner, item, top, f"{at}[{index}]")
    if isinstance(value, dict):
        properties, named = schema.get("properties", {}), schema.get("patternProperties", {})
        found += [
            f"{at}: {key} is missing" for key in schema.get("required", ()) if key not in value
        ]
        for key, item in value.items():
            rest = next(
                (inner for pattern, inner in named.items() if re.search(pattern, key)),
                schema.get("additionalProperties", True),
            )
            inner = properties.get(key, rest if isinstance(rest, dict) else {})
            if key not in properties and rest is False:
                found.append(f"{at}: {key} is not allowed")
            found += complaints(inner, item, top, f"{at}.{key}")
    return found


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return design_schema()


def test_it_says_which_schema_it_is(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "plantwire design"
    assert schema["type"] == "object"
    assert set(schema["required"]) == {"plantwire", "name"}


def test_every_part_is_well_formed(schema: dict[str, Any]) -> None:
    for part in subschemas(schema):
        assert part.keys() <= KNOWN_WORDS
        assert part.get("type", "object") in TYPES
        re.compile(part.get("pattern", ""))
        assert isinstance(part.get("required", []), list)
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/$defs/") in schema["$defs"]


def test_the_keys_are_those_that_a_user_writes(schema: dict[str, Any]) -> None:
    stream = schema["$defs"]["Stream"]["properties"]
    assert {"from", "to", "every", "size", "deadline"} <= stream.keys()
    for name, part in schema["$defs"].items():
        for key in part.get("properties", {}):
            assert not key.endswith(("_ps", "_bps", "_octets", "_m", "_db", "_hz")), f"{name}.{key}"


def test_unknown_keys_are_refused_everywhere(schema: dict[str, Any]) -> None:
    for part in (schema, *schema["$defs"].values()):
        assert part["additionalProperties"] is False


def test_quantities_have_patterns_with_their_units(schema: dict[str, Any]) -> None:
    (text, zero) = schema["$defs"]["Link"]["properties"]["length"]["anyOf"]
    assert re.search(text["pattern"], "12 m")
    assert not re.search(text["pattern"], "12")
    assert not re.search(text["pattern"], "12 s")
    assert zero == {"const": 0}


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"plantwire": 1, "name": "x"}, None),
        ({"plantwire": 2, "name": "x"}, "design.plantwire: 2 is not 1"),
        ({"plantwire": 1}, "design: name is missing"),
        ({"plantwire": 1, "name": "x", "nods": {}}, "design: nods is not allowed"),
        (
            {"plantwire": 1, "name": "x", "nodes": {"a": {"is": "plc", "at": [1]}}},
            "design.nodes.a.at: no variant fits",
        ),
    ],
)
def test_the_small_validator_sees_what_is_wrong(
    schema: dict[str, Any], document: object, complaint: str | None
) -> None:
    found = complaints(schema, document, schema, "design")
    assert found[:1] == ([complaint] if complaint else [])


@pytest.mark.parametrize("file", RIGHT, ids=lambda file: file.parent.name)
def test_shipped_designs_fit(schema: dict[str, Any], file: Path) -> None:
    assert complaints(schema, read_document(file).data, schema, "design") == []


@pytest.mark.parametrize("to", ["b", ["b", "c"]])
def test_one_listener_may_be_text_and_several_are_a_list(
    schema: dict[str, Any], to: object
) -> None:
    stream = {"from": "a", "to": to, "every": "1 ms", "size": "40 B"}
    document = {"plantwire": 1, "name": "x", "streams": {"s": stream}}
    assert complaints(schema, document, schema, "design") == []
    del stream["from"]
    assert complaints(schema, document, schema, "design") == ["design.streams.s: from is missing"]

# SPDX-License-Identifier: Apache-2.0
"""The house itself: licence lines, pins, versions, entry points, and units in every name."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
import pkgutil
import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pydantic
import pytest

from netplan import VERSION

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMMANDS = PROJECT["entry-points"]["plantwire.commands"]

UNITS = (
    *("ps", "ns", "us", "ms", "s", "h", "bps", "hz", "bits", "octets"),
    *(
        "nm",
        "um",
        "mm",
        "m",
        "km",
        "deg",
        "celsius",
        "dbm",
        "db",
        "dbi",
        "w",
        "v",
        "a",
        "ppm",
        "ppb",
        "eur",
    ),
    *("ratio", "probability", "count", "counts", "index", "indices", "number"),
)
"""What a number's name may end in; ``_per_`` joins two, as in ``_db_per_km``."""

DIMENSIONLESS = {
    "bursts_per_frame": "counted, as PON standards say it",
    "burst": "work, in picoseconds of the transmitter that the caller means",
    "column": "of a document",
    "cost": "denominator of a slope",
    "connectors": "counted",
    "dropped": "counted frames",
    "end": "place in a text",
    "entries_per_event": "counted",
    "frame_hops": "counted",
    "flow": "index of a flow of the analysis",
    "frame": "index of a frame of a flow",
    "frames": "counted",
    "frames_per_event": "counted",
    "gain": "numerator of a slope",
    "group": "frames in a group of pictures",
    "kind": "code of a kind of event",
    "rate_per_one": "work per time, in units of 1 / ONE",
    "largest_depth": "counted hops",
    "largest_retries": "counted",
    "limit": "of a target, whose `unit` field says which",
    "line": "of a document",
    "listener_hops": "indices",
    "members": "indices of hops",
    "open_queues": "one bit per queue",
    "lost": "counted frames",
    "max_depth": "counted levels",
    "max_include_depth": "counted levels",
    "max_nodes": "counted YAML nodes",
    "max_retries": "counted",
    "messages": "frame_octets of each frame of each message",
    "pcp": "priority code point, IEEE Std 802.1Q",
    "policed": "counted frames",
    "peak": "largest picture over mean picture, the user's word",
    "reactions": "counted",
    "reduction": "reduction ratio, the word of PROFINET",
    "resource_blocks_per_ue": "counted",
    "security_level": "IEC 62443-3-3",
    "seed": "of random numbers",
    "slope_down": "work per time, in a unit that its class names",
    "slope_up": "work per time, in a unit that its class names",
    "splices": "counted",
    "start": "place in a text",
    "total": "work, in picoseconds of the transmitter that the caller means",
    "vlan": "VLAN identifier, IEEE Std 802.1Q",
    "watchdog": "counted cycles, the word of PROFINET",
    "ways": "outputs of a splitter",
}
"""Numbers whose name says it all, and why; ``_count`` or ``_index`` is better than an entry here."""


def files() -> Iterator[Path]:
    """All files of the repository; works without git too, as in an unpacked archive."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name == ".ci"
            or not (
                name.startswith(".")
                or name.endswith((".egg-info", "__pycache__"))
                or name in {"build", "dist"}
            )
        ]
        yield from (Path(folder, name) for name in names)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def normalised(requirement: str) -> str:
    """The distribution that a requirement names, in the one spelling that packaging compares."""
    name = re.match(r"[\w.-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def test_every_source_file_names_its_licence() -> None:
    without = [
        shown(path)
        for path in files()
        if (path.suffix in {".py", ".sh", ".j2"} or path.parent.name == ".ci")
        and "SPDX-License-Identifier: " not in "\n".join(path.read_text().splitlines()[:2])
    ]
    assert not without, f"the first line (second after #!) of these must be an SPDX line: {without}"


def test_no_path_of_somebody_s_machine() -> None:
    machine = re.compile(r"(?<![\w.])/(home|root|work|Users)/\w|/(?:tmp)/pw")
    found = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{shown(path)}:{number}: {line.strip()}"
            for number, line in enumerate(text.splitlines(), 1)
            if machine.search(line)
        ]
    assert not found, "\n".join(found)


def test_the_version_is_the_same_everywhere() -> None:
    assert metadata.version("plantwire") == VERSION, "run plantwire.sh or test.sh to install anew"
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0] == VERSION


def test_every_dependency_is_pinned() -> None:
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, equals, version = line.partition("==")
            assert equals, f"not a pin: {line}"
            pins[normalised(name)] = version
    required = [
        *PROJECT["dependencies"],
        *(r for extra in PROJECT["optional-dependencies"].values() for r in extra),
    ]
    ours = {PROJECT["name"]}  # one extra may ask for another
    missing = {normalised(requirement) for requirement in required} - pins.keys() - ours
    assert not missing, (
        f"constraints.txt pins none of {sorted(missing)}; its first lines say how to renew it"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded_and_says_what_it_does(name: str) -> None:
    module, _, attribute = COMMANDS[name].partition(":")
    function: Callable[..., object] = getattr(importlib.import_module(module), attribute)
    assert inspect.getdoc(function), f"{COMMANDS[name]} needs a docstring: it is the command's help"


def test_the_installed_commands_are_those_of_the_project() -> None:
    installed = {
        entry.name: entry.value for entry in metadata.entry_points(group="plantwire.commands")
    }
    assert COMMANDS.items() <= installed.items(), "run plantwire.sh or test.sh to install anew"


def holds_number(annotation: object) -> bool:
    """Whether values of this type are plain int or float; what a collection holds is not asked.

    A pydantic field that parses what the user writes ("250 us") says its unit there.
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is int or annotation is float:
        return True
    if origin is typing.Annotated:
        parsed = any(
            isinstance(part, pydantic.BeforeValidator | pydantic.PlainValidator)
            for part in arguments[1:]
        )
        return not parsed and holds_number(arguments[0])
    if origin is typing.Union or origin is types.UnionType:
        return any(holds_number(argument) for argument in arguments)
    return False


def has_unit(name: str) -> bool:
    unit = "|".join(UNITS)
    return name in DIMENSIONLESS or bool(re.search(rf"(^|_)({unit})(_per_({unit}))?$", name))


def data_classes() -> Iterator[type]:
    """Every public dataclass and pydantic model of our packages."""
    for room in ("netplan", "emulator"):
        package = importlib.import_module(room)
        for found in pkgutil.walk_packages(package.__path__, f"{room}."):
            module = importlib.import_module(found.name)
            for value in vars(module).values():
                if (
                    isinstance(value, type)
                    and value.__module__ == module.__name__
                    and not value.__name__.startswith("_")
                    and (dataclasses.is_dataclass(value) or issubclass(value, pydantic.BaseModel))
                ):
                    yield value


def test_every_number_has_its_unit_in_its_name() -> None:
    without = [
        f"{cls.__module__}.{cls.__qualname__}.{name}"
        for cls in data_classes()
        for name, annotation in typing.get_type_hints(cls, include_extras=True).items()
        if not name.startswith("_") and name != "model_config"
        if holds_number(annotation) and not has_unit(name)
    ]
    assert not without, (
        "these numbers need a name that ends in a unit (_ps, _bps, _octets, _m, _db, _ratio, _count ...: "
        f"UNITS in {shown(Path(__file__))}) or, where none fits, an entry in DIMENSIONLESS there:\n  "
        + "\n  ".join(without)
    )


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, True),
        (float | None, True),
        (tuple[tuple[int, ...], ...], False),
        (dict[str, float], False),
        (typing.Annotated[int, pydantic.Field(ge=0)], True),
        (dict[int, str], False),
        (bool, False),
        (tuple[str, ...], False),
        (typing.Annotated[int, pydantic.BeforeValidator(int)], False),
    ],
)
def test_numbers_are_recognised(annotation: object, expected: bool) -> None:
    assert holds_number(annotation) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("latency_ps", True), ("attenuation_db_per_km", True), ("index", True), ("line", True)),
        *(("latency", False), ("maps", False), ("speed_per_hour", False), ("length_mps", False)),
    ],
)
def test_units_are_recognised(name: str, expected: bool) -> None:
    assert has_unit(name) is expected

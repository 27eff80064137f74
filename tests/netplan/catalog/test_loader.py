# SPDX-License-Identifier: Apache-2.0
"""Layers of the catalogue, and what people are told about wrong entries."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netplan.catalog.loader import KINDS, SHIPPED, VARIABLE, Catalog
from netplan.catalog.model import Copper, Device, Fibre, Material, Role
from netplan.design.findings import DesignError

Write = Callable[[str, str], Path]
WRONG = Path(__file__).parent / "wrong"
SHELL = """\
    kind: material
    id: shell
    name: Shell
    checked_on: 2026-11-22
    loss: {value: 7 dB, source: measured}
"""


@pytest.fixture(autouse=True)
def no_company(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below the test's folder; returns the layer (its first folder)."""

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return tmp_path / name.split("/", maxsplit=1)[0]

    return write


def told(tmp_path: Path, action: Callable[[], object]) -> str:
    """Text of the findings, with the test's folder taken out of file names."""
    with pytest.raises(DesignError) as error:
        action()
    assert error.value.findings
    return str(error.value).replace(f"{tmp_path}/", "")


def loss_db(catalog: Catalog, name: str = "shell") -> float:
    material = catalog.get(Material, name)
    assert material is not None
    return material.loss_db.value


def test_names_come_from_the_files_alone(write: Write) -> None:
    layer = write("project/material/broken.yaml", "[")
    write("project/material/.hidden.yaml", "")
    write("project/material/README.md", "")
    write("project/README.md", "")
    catalog = Catalog.load([layer])
    assert {"broken", "concrete"} <= set(catalog.ids(Material))
    assert list(catalog.ids(Material)) == sorted(catalog.ids(Material))
    assert not {".hidden", "README"} & set(catalog.ids(Material))
    assert catalog.used() == {}


def test_what_no_layer_has_is_none() -> None:
    catalog = Catalog.load()
    assert catalog.get(Device, "unobtainium") is None
    assert catalog.get(Device, "../device/generic-plc") is None
    assert catalog.get(Copper, "g652d") is None
    assert catalog.get(Fibre, "g652d") is not None
    assert list(catalog.used()) == ["fibre/g652d"]


def test_later_layers_override(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    company = write("company/material/shell.yaml", SHELL)
    first = write("first/material/shell.yaml", SHELL.replace("7 dB", "8 dB"))
    second = write("second/material/shell.yaml", SHELL.replace("7 dB", "9 dB"))
    monkeypatch.setenv(VARIABLE, str(company))
    assert loss_db(Catalog.load()) == 7
    assert loss_db(Catalog.load([first])) == 8
    assert loss_db(Catalog.load([first, second])) == 9
    assert loss_db(Catalog.load([second, first])) == 8
    assert Catalog.load([first, second]).ids(Material).count("shell") == 1


def test_extending_the_entry_of_the_same_name(write: Write) -> None:
    layer = write(
        "project/device/generic-tsn-8x1g.yaml",
        """\
        extends: generic-tsn-8x1g
        name: Bridge of maker M
        bridge:
          processing: {min: 2 us, max: 3 us, source: data sheet of M}
          preemption: null
        reliability: null
        """,
    )
    shipped = Catalog.load().get(Device, "generic-tsn-8x1g")
    changed = Catalog.load([layer]).get(Device, "generic-tsn-8x1g")
    assert shipped is not None
    assert shipped.bridge is not None
    assert changed is not None
    assert changed.bridge is not None
    assert changed.name == "Bridge of maker M"
    assert changed.bridge.processing.max_ps == 3_000_000
    # the new value is not said to be as uncertain as the old one
    assert (shipped.bridge.processing.certainty, changed.bridge.processing.certainty) == (
        "memory",
        "checked",
    )
    assert changed.bridge.queue_count == shipped.bridge.queue_count
    assert changed.bridge.preemption is None
    assert changed.reliability is None
    assert changed.ports == shipped.ports


def test_chains_of_extends_over_layers(write: Write) -> None:
    company = write("company/material/base.yaml", SHELL.replace("id: shell", "id: base"))
    write("company/material/shell.yaml", "{extends: base, name: Company's}")
    project = write("project/material/shell.yaml", "{extends: shell, note: seen on site}")
    # what the company extends is the company's, whatever the project calls 'base'
    write("project/material/base.yaml", SHELL.replace("id: shell", "id: base").replace("7", "1"))
    material = Catalog.load([company, project]).get(Material, "shell")
    assert material is not None
    assert (material.id, material.name, material.note) == ("shell", "Company's", "seen on site")
    assert material.loss_db.value == 7


def test_an_entry_without_extends_replaces_the_whole(write: Write, tmp_path: Path) -> None:
    layer = write("project/material/concrete.yaml", "{kind: material, id: concrete, name: C}")
    text = told(tmp_path, lambda: Catalog.load([layer]).get(Material, "concrete"))
    assert text == textwrap.dedent("""\
        project/material/concrete.yaml:1: error DESIGN-KEY-MISSING: the key 'checked_on' is missing
            expected: 'checked_on: ...'
            found: nothing
            hint: add 'checked_on' to the document
        project/material/concrete.yaml:1: error DESIGN-KEY-MISSING: the key 'loss' is missing
            expected: 'loss: ...'
            found: nothing
            hint: add 'loss' to the document""")


@pytest.mark.parametrize("case", sorted(WRONG.glob("*.yaml")), ids=lambda case: case.stem)
def test_wrong_entries(write: Write, tmp_path: Path, case: Path) -> None:
    catalog = Catalog.load([write("project/material/shell.yaml", case.read_text())])
    text = told(tmp_path, lambda: catalog.get(Material, "shell"))
    assert text + "\n" == case.with_suffix(".errors").read_text()
    assert catalog.used() == {}
    assert catalog.get(Material, "wood") is not None


def test_a_circle_of_extends(write: Write, tmp_path: Path) -> None:
    layer = write("site/material/a.yaml", "extends: b")
    write("site/material/b.yaml", "# first line\nextends: c")
    write("site/material/c.yaml", "extends: a")
    text = told(tmp_path, lambda: Catalog.load([layer]).get(Material, "b"))
    assert text == textwrap.dedent("""\
        site/material/a.yaml:1: error CATALOG-EXTENDS: these entries extend one another in a circle
            path: extends
            expected: an entry of the layers below, or another one of this layer
            found: b -> c -> a -> b
            hint: take 'extends' out of one of them and state all its values""")


def test_a_mistake_is_shown_in_the_file_that_makes_it(write: Write, tmp_path: Path) -> None:
    company = write(
        "company/device/base.yaml",
        """\
        kind: device
        id: base
        name: Base
        checked_on: 2026-11-22
        host:
          send: {min: 5 us, max: 1 us, source: s}
          receive: {min: 0 us, max: 1 us, source: s}
          queues: {value: 9, source: s}
        ports:
          - {prefix: p, count: 1, connector: rj45, source: s}
          - {prefix: p, count: 2, connector: sfp, source: s}
        """,
    )
    project = write("project/device/derived.yaml", "extends: base\nnmae: Derived\n")
    text = told(tmp_path, lambda: Catalog.load([company, project]).get(Device, "derived"))
    assert text == textwrap.dedent("""\
        company/device/base.yaml:6: error DESIGN-QUANTITY: 'min' is greater than 'max'
            path: host.send
            expected: 'min' of at most 'max'
            found: 5 us to 1 us
            hint: exchange the two, or correct one of them
        company/device/base.yaml:8: error DESIGN-VALUE: the number is too large
            path: host.queues.value
            expected: at most 8
            found: 9
            hint: correct it
        project/device/derived.yaml:2: error DESIGN-KEY-UNKNOWN: the key 'nmae' is not known here
            path: nmae
            expected: one of id, name, checked_on, note, kind, ports, bridge, host, clock, \
radio, splitter, reliability
            found: nmae
            hint: did you mean 'name'?""")


def test_two_groups_of_ports_need_two_prefixes(write: Write, tmp_path: Path) -> None:
    layer = write(
        "project/device/twins.yaml",
        """\
        extends: generic-plc
        ports:
          - {prefix: p, count: 1, connector: rj45, rates: [1 Gbit/s], source: s}
          - {prefix: p, count: 2, connector: sfp, rates: [1 Gbit/s], source: s}
        """,
    )
    text = told(tmp_path, lambda: Catalog.load([layer]).get(Device, "twins"))
    assert "two groups of ports have the same prefix" in text
    assert "name optical ports 'sfp'" in text


def test_a_file_that_is_no_yaml(write: Write, tmp_path: Path) -> None:
    catalog = Catalog.load([write("project/material/shell.yaml", "kind: {}}")])
    text = told(tmp_path, lambda: catalog.get(Material, "shell"))
    assert text.startswith("project/material/shell.yaml:1: error SOURCE-")


def test_a_key_given_twice(write: Write, tmp_path: Path) -> None:
    catalog = Catalog.load([write("project/material/shell.yaml", SHELL + "    name: Again\n")])
    text = told(tmp_path, lambda: catalog.get(Material, "shell"))
    assert text.startswith("project/material/shell.yaml:6: error SOURCE-KEY-DUPLICATE")


def test_folders_and_files_that_could_never_be_used(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = write("project/materials/shell.yaml", SHELL)
    write("project/device/switch.yml", "")
    write("project/device/Router.yaml", "")
    write("project/device/router.yaml", "")
    write("project/device/my router.yaml", "")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone"))
    assert told(tmp_path, lambda: Catalog.load([layer])) == textwrap.dedent("""\
        gone: error CATALOG-LAYER-MISSING: this folder of catalogue entries cannot be read
            expected: a folder with device, copper, fibre, transceiver, pon-system, pon-class, \
protocol, traffic-type, material, role
            found: No such file or directory
            hint: it is named by the variable PLANTWIRE_CATALOG: correct the name or create it
        project/device/my router.yaml: error CATALOG-FILE-NAME: this name of a file gives no id
            expected: letters, digits, '_', '.' and '-', then '.yaml'
            found: my router.yaml
            hint: rename the file
        project/device/router.yaml: error CATALOG-DUPLICATE: two files of a layer have the same id
            expected: one file for each id, capital letters apart
            found: Router.yaml and router.yaml
            hint: delete or rename one
        project/device/switch.yml: error CATALOG-FILE-NAME: this name of a file gives no id
            expected: letters, digits, '_', '.' and '-', then '.yaml'
            found: switch.yml
            hint: rename the file
        project/materials: error CATALOG-FOLDER-UNKNOWN: no kind of entry has this name
            expected: one of device, copper, fibre, transceiver, pon-system, pon-class, \
protocol, traffic-type, material, role
            found: materials
            hint: did you mean 'material'?""")


def test_used_entries_do_not_depend_on_notation_or_order(write: Write) -> None:
    one = write("one/material/shell.yaml", SHELL)
    other = write(
        "other/material/shell.yaml",
        """\
        loss: {source: measured, value: 7.0 dBi, certainty: checked}
        checked_on: "2026-11-22"
        name: Shell
        id: shell
        kind: material
        """,
    )
    first, second = Catalog.load([one]), Catalog.load([other])
    first.get(Material, "shell")
    first.get(Role, "plc")
    second.get(Role, "plc")
    second.get(Material, "shell")
    assert json.dumps(first.used()) == json.dumps(second.used())
    assert list(first.used()) == ["material/shell", "role/plc"]
    assert first.used()["material/shell"] == {
        "id": "shell",
        "name": "Shell",
        "checked_on": "2026-11-22",
        "note": "",
        "kind": "material",
        "loss_db": {"value": 7.0, "source": "measured", "certainty": "checked"},
    }


def test_each_entry_is_read_once(write: Write) -> None:
    layer = write("project/material/shell.yaml", SHELL)
    catalog = Catalog.load([layer])
    first = catalog.get(Material, "shell")
    write("project/material/shell.yaml", SHELL.replace("7 dB", "8 dB"))
    assert catalog.get(Material, "shell") is first
    assert loss_db(Catalog.load([layer])) == 8


def test_every_kind_has_its_folder() -> None:
    assert {path.name for path in SHIPPED.iterdir()} == set(KINDS.values())
    assert len(KINDS) == len(set(KINDS.values())) == 10


WORDS = st.sampled_from(
    [
        *("kind", "id", "name", "extends", "ports", "bridge", "host", "value", "source", "min"),
        *("max", "device", "x", "generic-plc", "p", "1 us", "rj45", "2026-11-22", ""),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.dictionaries(WORDS, VALUES, max_size=6), extends=st.booleans())
def test_only_findings_come_out(write: Write, data: dict[str, object], extends: bool) -> None:
    if extends:
        data = {"id": "x", "kind": "device", **data, "extends": "generic-drive"}
    layer = write("project/device/x.yaml", json.dumps(data))
    with suppress(DesignError):
        Catalog.load([layer]).get(Device, "x")

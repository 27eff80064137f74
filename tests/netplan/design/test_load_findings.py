# SPDX-License-Identifier: Apache-2.0
"""Loading a design with mistakes: everything is told once, at its place, and soon."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from netplan.design.findings import DesignError
from netplan.design.load import load_design, read_design
from support.small_designs import CELL, HEAD, found_in, line_of, the, written


def test_what_is_wrong_is_left_out_and_the_rest_is_checked(tmp_path: Path) -> None:
    """Validation, catalogue and rules: findings of all layers in one run, links at their own lines."""
    text = (
        HEAD
        + """\
nodes:
  plc: {is: plc}
  bad: {is: plc, at: [1, 2 m]}
  sw: {is: swich}
  srv: {is: server}
links:
  - {between: [plc, srv], medium: cat6a, length: 10}
  - {between: [plc, srv], medium: cat6b, length: 10 m}
streams:
  wrong: {from: plc, to: srv, size: 1 xB, every: 1 ms}
  self: {from: plc, to: plc, size: 1 B, every: 1 ms}
"""
    )
    findings = {finding.code: line_of(finding) for finding in found_in(tmp_path, text)}
    assert findings["NODE-ROLE-UNKNOWN"] == 6
    assert findings["LINK-MEDIUM-UNKNOWN"] == 10
    assert findings["STREAM-SELF"] == 13
    assert findings["DESIGN-QUANTITY"] == 12


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("plc: {is: plc}", "plc: {is: plc, mtbf: 3}"),
        ("io1: {is: io-device,", "io1: {is: io-device, mtbf: 3,"),
        ("z: {kind: control}", "z: {kind: contrl}"),
    ],
    ids=["node", "module", "zone"],
)
def test_what_was_left_out_is_not_called_missing(tmp_path: Path, right: str, wrong: str) -> None:
    """One mistake is one finding: the thing with the mistake is there for whoever refers to it."""
    text = (
        HEAD
        + CELL
        + """\
zones: {z: {kind: control}}
nodes:
  plc: {is: plc}
  sw: {is: switch, zone: z}
links: [{between: [plc, sw], medium: cat6a, length: 1 m}]
place: [{module: cell, as: c1, connect: {uplink: sw}, override: {nodes: {drive1: {zone: z}}}}]
streams: {s: {from: plc, to: sw, size: 1 B, every: 1 ms}}
"""
    )
    assert right in text
    errors = [
        one for one in found_in(tmp_path, text.replace(right, wrong)) if one.severity == "error"
    ]
    assert len(errors) == 1, [finding.text() for finding in errors]


def test_placements_keep_their_lines_when_one_before_them_is_left_out(tmp_path: Path) -> None:
    text = (
        HEAD
        + CELL
        + """\
place:
  - {module: cell, as: c1, at: [1, 2]}
  - {module: cell, as: c2}
"""
    )
    finding = the(found_in(tmp_path, text), "DESIGN-MODULE-NEEDS")
    assert (line_of(finding), finding.path) == (16, "place[1].connect")


def test_includes_take_the_place_of_a_value(tmp_path: Path) -> None:
    (tmp_path / "cell.yaml").write_text("nodes:\n  io1: {is: io-device}\n  bad: {is: nothing}\n")
    text = HEAD + "modules: {cell: !include cell.yaml}\nplace: [{module: cell, as: c1}]\n"
    finding = the(found_in(tmp_path, text), "NODE-ROLE-UNKNOWN")
    assert finding.mark is not None
    assert (Path(finding.mark.file).name, finding.mark.line) == ("cell.yaml", 3)


def test_a_loop_of_includes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x: !include design.yaml\n")
    with pytest.raises(DesignError) as caught:
        load_design(written(tmp_path, HEAD + "modules: !include a.yaml\n"))
    assert the(caught.value.findings, "SOURCE-INCLUDE-LOOP").found.count("->") == 2


def test_a_document_without_head_is_no_design_but_has_findings(tmp_path: Path) -> None:
    design, findings = read_design(written(tmp_path, "nodes: {a: {is: plc}}\n"))
    assert design is None
    assert [finding.code for finding in findings] == ["DESIGN-KEY-MISSING"] * 2


@pytest.mark.parametrize("text", ["- a list\n", "just text\n", "5\n"])
def test_a_design_is_a_mapping(tmp_path: Path, text: str) -> None:
    finding = the(found_in(tmp_path, text), "DESIGN-NOT-A-MAPPING")
    assert (line_of(finding), finding.hint) == (1, "start with 'plantwire: 1'")


def test_a_missing_catalogue_hides_no_other_finding(tmp_path: Path) -> None:
    text = HEAD + "catalog: [nowhere]\nnodes: {a: {is: plc, mtbf: 3}}\n"
    codes = {finding.code for finding in found_in(tmp_path, text)}
    assert codes == {"CATALOG-LAYER-MISSING", "DESIGN-QUANTITY"}


def test_thousands_of_placements_are_quick(tmp_path: Path) -> None:
    nodes = ", ".join(f"n{index}: {{is: sensor}}" for index in range(10))
    places = "\n".join(f"  - {{module: m, as: p{index}}}" for index in range(1000))
    file = written(tmp_path, HEAD + f"modules: {{m: {{nodes: {{{nodes}}}}}}}\nplace:\n{places}\n")
    began = time.process_time()
    design, _ = load_design(file)
    assert len(design.nodes) == 10_000
    assert time.process_time() - began < 60  # 10,000 objects one by one; not each with each other


def test_modules_that_multiply_are_refused_soon(tmp_path: Path) -> None:
    """Six levels of ten placements each are a million modules, although none holds an object."""
    levels = [
        f"  m{level}: {{place: [{', '.join(f'{{module: m{level + 1}, as: p{n}}}' for n in range(10))}]}}"
        for level in range(6)
    ]
    text = HEAD + "modules:\n" + "\n".join(levels) + "\n  m6: {}\nplace: [{module: m0, as: p}]\n"
    began = time.process_time()
    codes = {finding.code for finding in found_in(tmp_path, text)}
    assert time.process_time() - began < 60
    assert codes == {"DESIGN-TOO-LARGE"}

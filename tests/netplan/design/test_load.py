# SPDX-License-Identifier: Apache-2.0
"""From files to a design: modules, placements, overrides, includes, and what goes wrong there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.small_designs import CELL, HEAD, found_in, line_of, loaded, the


def test_members_of_a_placed_module_carry_its_prefix(tmp_path: Path) -> None:
    design = loaded(
        tmp_path,
        HEAD
        + CELL
        + """\
nodes: {sw: {is: switch}}
place:
  - {module: cell, as: c1, connect: {uplink: sw}}
  - {module: cell, as: c2, connect: {uplink: sw.p7}}
""",
    )
    assert list(design.nodes) == ["sw", "c1/io1", "c1/drive1", "c2/io1", "c2/drive1"]
    assert design.links["c1/io1.p1--c1/drive1.p1"].length_m == 5
    assert design.links["c2/drive1.p2--sw.p7"].between == ("c2/drive1.p2", "sw.p7")
    stream = design.streams["c1/state"]
    assert (stream.talker, stream.listeners) == ("c1/io1", ("sw",))


def test_where_and_in_which_zone_a_module_stands(tmp_path: Path) -> None:
    """The placement's corner is added to the members' positions; its zone fills what they leave out."""
    design = loaded(
        tmp_path,
        HEAD
        + CELL
        + """\
nodes: {sw: {is: switch}}
place:
  - {module: cell, as: c1, at: [10 m, 20 m, 3 m], zone: z, floor: a/b/c, connect: {uplink: sw}}
""",
    )
    io, drive = design.nodes["c1/io1"], design.nodes["c1/drive1"]
    assert list(io.at_m or ()) == [11, 22, 3]
    assert list(drive.at_m or ()) == [10, 20, 3]  # a member without a place stands at the corner
    assert (io.zone, drive.zone) == ("z", "own")
    assert (io.floor, drive.floor) == ("a/b/c", "a/b/c")


def test_modules_within_modules(tmp_path: Path) -> None:
    design = loaded(
        tmp_path,
        HEAD
        + CELL
        + """\
  line:
    needs: [backbone]
    nodes: {sw: {is: switch}}
    links: [{between: [sw, $backbone], medium: cat6a, length: 1 m}]
    place:
      - {module: cell, as: left, at: [1 m, 0 m], connect: {uplink: sw}}
      - {module: cell, as: right, at: [5 m, 0 m], connect: {uplink: $backbone}}
nodes: {top: {is: switch}}
place: [{module: line, as: l1, at: [100 m, 0 m], connect: {backbone: top}}]
""",
    )
    assert set(design.nodes) == {
        *("top", "l1/sw", "l1/left/io1", "l1/left/drive1", "l1/right/io1", "l1/right/drive1")
    }
    assert design.streams["l1/left/state"].listeners == ("l1/sw",)
    assert design.streams["l1/right/state"].listeners == ("top",)
    assert list(design.nodes["l1/right/io1"].at_m or ()) == [106, 2]


def test_an_override_changes_one_placement_key_by_key(tmp_path: Path) -> None:
    design = loaded(
        tmp_path,
        HEAD
        + CELL
        + """\
nodes: {sw: {is: switch}}
place:
  - {module: cell, as: c1, connect: {uplink: sw}, override: {streams: {state: {every: 8 ms}}}}
  - {module: cell, as: c2, connect: {uplink: sw}}
""",
    )
    assert design.streams["c1/state"].every_ps == 8 * 10**9
    assert design.streams["c1/state"].payload_octets == 40
    assert design.streams["c2/state"].every_ps == 2 * 10**9


def test_an_override_may_add_members_and_replaces_lists(tmp_path: Path) -> None:
    design = loaded(
        tmp_path,
        HEAD
        + CELL
        + """\
place:
  - module: cell
    as: c1
    connect: {uplink: c1/drive1}
    override:
      nodes: {extra: {is: sensor}}
      links: [{between: [extra, io1], medium: cat6a, length: 1 m}]
""",
    )
    assert set(design.nodes) == {"c1/io1", "c1/drive1", "c1/extra"}
    assert list(design.links) == ["c1/extra--c1/io1"]


def test_a_mistake_in_an_override_points_into_the_override(tmp_path: Path) -> None:
    text = HEAD + CELL + "nodes: {sw: {is: switch}}\nplace:\n"
    placement = """\
  - module: cell
    as: c1
    connect: {uplink: sw}
    override:
      streams:
        state: {every: 8}
"""
    finding = the(found_in(tmp_path, text + placement), "DESIGN-QUANTITY")
    assert line_of(finding) == 21  # the line of `every: 8`
    assert finding.path == "modules.cell.streams.state.every"


def test_later_findings_also_tell_module_and_override_apart(tmp_path: Path) -> None:
    text = HEAD + CELL + "nodes: {sw: {is: switch}}\nplace:\n"
    plain = "  - {module: cell, as: c1, connect: {uplink: sw}}\n"
    changed = (
        "  - {module: cell, as: c2, connect: {uplink: sw}, override: {nodes: {io1: {model: x}}}}\n"
    )
    broken = text.replace("is: io-device", "is: io-device, model: y")
    findings = [
        finding
        for finding in found_in(tmp_path, broken + plain + changed)
        if finding.code == "NODE-MODEL-UNKNOWN"
    ]
    assert [(line_of(finding), finding.found) for finding in findings] == [(7, "y"), (17, "x")]


def test_a_module_that_nothing_places_is_checked_as_it_is_written(tmp_path: Path) -> None:
    finding = the(
        found_in(tmp_path, HEAD + CELL.replace("length: 5 m", "length: 5")), "DESIGN-QUANTITY"
    )
    assert (line_of(finding), finding.path) == (10, "modules.cell.links[0].length")


@pytest.mark.parametrize(
    ("place", "code", "path", "found"),
    [
        ("{module: cel, as: c1}", "DESIGN-MODULE-UNKNOWN", "place[0].module", "cel"),
        ("{module: cell, as: c1}", "DESIGN-MODULE-NEEDS", "place[0].connect", "nothing"),
        (
            "{module: cell, as: c1, connect: {uplnk: sw}}",
            "DESIGN-MODULE-NEEDS",
            "place[0].connect",
            "uplnk",
        ),
    ],
)
def test_a_placement_that_cannot_be(
    tmp_path: Path, place: str, code: str, path: str, found: str
) -> None:
    finding = the(found_in(tmp_path, HEAD + CELL + f"place:\n  - {place}\n"), code)
    assert (line_of(finding), finding.path, finding.found) == (15, path, found)


def test_a_prefix_can_be_used_once(tmp_path: Path) -> None:
    one = "  - {module: cell, as: c1, connect: {uplink: sw}}\n"
    text = HEAD + CELL + "nodes: {sw: {is: switch}}\nplace:\n" + one + one
    finding = the(found_in(tmp_path, text), "DESIGN-NAME-DUPLICATE")
    assert (line_of(finding), finding.path) == (17, "place[1].as")


def test_a_link_from_the_top_into_a_module_takes_no_prefix(tmp_path: Path) -> None:
    """Only members make a prefix; a link of the plant to a member is what modules are for."""
    text = (
        HEAD
        + CELL
        + """\
nodes: {sw: {is: switch}}
links: [{between: [c1/io1.p2, sw.p9], medium: cat6a, length: 3 m}]
place: [{module: cell, as: c1, connect: {uplink: sw.p8}}]
"""
    )
    assert set(loaded(tmp_path, text).nodes) == {"sw", "c1/io1", "c1/drive1"}


@pytest.mark.parametrize(
    "modules",
    [
        "{a: {place: [{module: a, as: x}]}}",
        "{a: {place: [{module: b, as: x}]}, b: {place: [{module: a, as: x}]}}",
    ],
)
def test_modules_that_contain_themselves(tmp_path: Path, modules: str) -> None:
    text = HEAD + f"modules: {modules}\nplace: [{{module: a, as: p}}]\n"
    finding = the(found_in(tmp_path, text), "DESIGN-MODULE-LOOP")
    assert line_of(finding) == 3
    assert finding.found.startswith("a -> ")


def test_a_name_that_a_module_neither_has_nor_needs(tmp_path: Path) -> None:
    text = HEAD + CELL.replace("io1.p1, drive1.p1", "io1.p1, $other")
    placed = "nodes: {sw: {is: switch}}\nplace: [{module: cell, as: c1, connect: {uplink: sw}}]\n"
    finding = the(found_in(tmp_path, text + placed), "DESIGN-REFERENCE")
    assert (line_of(finding), finding.found) == (10, "'$other'")
    assert finding.expected == "one of the connected names: $uplink"


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["c1", "c2", "c3", "c4"]), unique=True, max_size=4))
def test_placements_do_not_disturb_one_another(
    tmp_path_factory: pytest.TempPathFactory, prefixes: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("design")
    places = "".join(
        f"  - {{module: cell, as: {one}, connect: {{uplink: sw}}}}\n" for one in prefixes
    )
    text = HEAD + CELL + "nodes: {sw: {is: switch}}\n" + ("place:\n" + places if places else "")
    design = loaded(folder, text)
    assert len(design.nodes) == 1 + 2 * len(prefixes)
    for prefix in prefixes:
        assert design.streams[f"{prefix}/state"].talker == f"{prefix}/io1"
        origin = design.origins["streams", f"{prefix}/state"]
        assert origin.find(("every",))[1] == "modules.cell.streams.state.every"

# SPDX-License-Identifier: Apache-2.0
"""The HTML report: complete, escaped, self-contained, well-formed drawings."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from netplan.design.findings import Finding, Mark, Severity
from netplan.plan.model import Plan, PlannedLink, PlannedNode
from netplan.verdict import svg
from netplan.verdict.judge import judge
from netplan.verdict.placement import placement
from netplan.verdict.report import render
from support.small_plans import US

EVIL = "<script>alert('x')</script>\"&"


def rendered(plan: Plan, bound: Any, run: Any) -> str:
    return render(plan, judge(plan, bound, run), bound, run, made_on="2026-11-22")


@pytest.fixture
def page(made: Any) -> str:
    """A missed target among two, and a buffer smaller than its worst backlog."""
    builder = made.builder()
    builder.egresses[1] = replace(builder.egresses[1], buffer_octets=2500)
    plan = made.plan(
        made.target(70 * US),
        made.target(200 * US, quantity="update interval", subject_kind="relation"),
        builder=builder,
        addresses={"cam": "fd00::1/64"},
        vlans={10: "cell"},
        findings=(
            Finding(
                code="TEST-NOTE", severity=Severity.NOTE, message="noted", hint="do this",
                mark=Mark(file="plant.yaml", line=7), path="links[3]",
            ),
        ),
    )  # fmt: skip
    bound = made.bound(made.bound_row(), buffer_octets=2500)
    run = made.run(made.seen((20 * US, 4000), (60 * US, 999), (72 * US, 1)))
    return rendered(plan, bound, run)


class Tags(HTMLParser):
    """Checks that elements are closed in order, and collects what is referred to."""

    VOID = frozenset({"meta", "br", "wbr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self._attributes(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self._attributes(attrs)

    def _attributes(self, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            assert not name.startswith("on"), "no event handlers"
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src"}:
                self.references.append(value or "")
            if name == "fill" and value and value.startswith("url("):
                self.references.append(value[4:-1])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(page: str) -> Tags:
    parser = Tags()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_the_answer_stands_at_the_top(page: str) -> None:
    top = page[page.index("<header>") : page.index("</header>")]
    assert "1 of 2 targets is missed." in top
    assert "✗" in top
    assert "The largest latency of 5,000 simulated frames is 72 us" in top


def test_everything_that_belongs_in_is_there(page: str) -> None:
    for part in (
        "0" * 64, "plantwire test", "2026-11-22", "made: by hand", "1 s of plant time, complete",
        "abc123", "not made: this version has no lab", "not proven", "✗ missed", "✓ met",
        "All delay terms with their sources", "Slowest simulated frame",
        "above buffer", "TEST-NOTE", "plant.yaml:7", "links[3]", "fd00::1/64",
        "Talkers keep their contracts.", "Bounds hold for conforming traffic.", "No link fails.",
        "without assuming a distribution", 'id="source-1"',
    ):  # fmt: skip
        assert part in page, part


def test_it_is_one_file_without_scripts_or_outside_links(page: str) -> None:
    found = tags(page)
    assert not found.names & {"script", "link", "iframe", "object", "img", "form"}
    assert all(reference.startswith("#") for reference in found.references)
    missing = {reference[1:] for reference in found.references} - set(found.ids)
    assert not missing
    assert len(found.ids) == len(set(found.ids))
    assert not re.search(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)", page)


def test_drawings_are_well_formed_and_described(page: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(drawings) >= 4
    for drawing in drawings:
        root = ET.fromstring(drawing)  # noqa: S314 - our own text
        described = root.get("aria-hidden") == "true" or root[0].tag.endswith("title")
        assert described


def test_missed_ways_are_marked_by_more_than_colour(page: str) -> None:
    assert page.count('class="link missed"') == 3  # both links, and the legend
    assert page.count('class="cross"') == 3
    assert "on the way of a missed target" in page


def test_what_a_design_says_is_text(made: Any) -> None:
    builder = made.builder()
    builder.streams[0] = replace(builder.streams[0], name=EVIL)
    builder.egresses[0] = replace(builder.egresses[0], name=EVIL, medium=EVIL)
    plan = made.plan(
        made.target(70 * US, subject=EVIL, listener=EVIL),
        builder=builder,
        name=EVIL,
        addresses={EVIL: EVIL},
        vlans={1: EVIL},
        assumptions=(EVIL,),
        findings=(Finding(code=EVIL, severity=Severity.NOTE, message=EVIL, found="\x00\x1b"),),
        nodes=tuple(
            PlannedNode(
                name=name, role=EVIL, model=EVIL, zone=EVIL, position_m=None,
                availability_ratio=None,
            )
            for name in ("cam", "sw", "plc", EVIL)
        ),
        links=(PlannedLink(ends=("cam.p1", f"{EVIL}.p1"), medium=EVIL, line_bps=1),),
    )  # fmt: skip
    page = rendered(plan, made.bound(made.bound_row(why=EVIL)), made.run(made.seen((72 * US, 9))))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search("[\x00\x1b]", page)
    tags(page)
    for drawing in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        ET.fromstring(drawing)  # noqa: S314 - our own text


@pytest.mark.parametrize("kinds", ["", "bound", "run"])
def test_any_evidence_may_be_missing(made: Any, kinds: str) -> None:
    plan = made.plan(made.target(70 * US))
    bound = made.bound(made.bound_row()) if kinds == "bound" else None
    run = made.run(made.seen((60 * US, 9))) if kinds == "run" else None
    page = rendered(plan, bound, run)
    tags(page)
    assert page.count("not made: it was not asked for") == (1 if kinds else 2)


def test_an_empty_plan_makes_a_report(made: Any) -> None:
    plan = replace(made.plan(), nodes=(), links=(), streams=(), egresses=(), assumptions=())
    page = rendered(plan, None, None)
    tags(page)
    assert "There is no target to judge." in page


def test_no_bound_and_no_frame(made: Any) -> None:
    row = made.bound_row(None, why="the client changes cells")
    page = rendered(made.plan(made.target()), made.bound(row), made.run(made.seen()))
    tags(page)
    assert "the client changes cells" in page


def test_150_streams_stay_below_3_megabytes(made: Any) -> None:
    """All of them missed, so that each has its section."""
    builder = made.builder()
    for index in range(1, 150):
        builder.streams.append(replace(builder.streams[0], name=f"video{index}"))
    plan = made.plan(
        *(made.target(70 * US, subject=f"s{index}", stream_index=index) for index in range(150)),
        builder=builder,
    )
    values = [(20 * US + 97_000 * step, 1 + step % 7) for step in range(512)]
    rows = [made.bound_row(stream_index=index) for index in range(150)]
    run = made.run(*(made.seen(*values, (75 * US, 1), stream_index=index) for index in range(150)))
    page = rendered(plan, made.bound(*rows), run)
    assert page.count('class="detail"') == 150
    assert len(page.encode()) < 3_000_000


def nodes(*positions: tuple[float, float, float] | None) -> tuple[PlannedNode, ...]:
    return tuple(
        PlannedNode(
            name=f"n{index}", role="plc", model="m", zone="", position_m=position,
            availability_ratio=None,
        )
        for index, position in enumerate(positions)
    )  # fmt: skip


def links(*pairs: tuple[int, int]) -> tuple[PlannedLink, ...]:
    return tuple(
        PlannedLink(ends=(f"n{one}.p1", f"n{other}.p2"), medium="cat6a", line_bps=10**9)
        for one, other in pairs
    )


def test_nodes_stand_as_on_the_floor(made: Any) -> None:
    plan = replace(
        made.plan(), nodes=nodes((0, 0, 0), (100, 0, 0), (0, 50, 0), None), links=links((0, 3))
    )
    places = placement(plan)
    assert places.to_scale
    at = places.points
    assert at["n1"].x - at["n0"].x == pytest.approx(2 * (at["n0"].y - at["n2"].y))
    assert at["n0"].x == pytest.approx(at["n2"].x)


def test_nodes_at_one_place_are_moved_apart(made: Any) -> None:
    plan = replace(
        made.plan(), nodes=nodes((0, 0, 0), (100, 0, 0), *[(50.0, 0.0, 0.0)] * 4), links=()
    )
    at = list(placement(plan).points.values())
    for index, one in enumerate(at):
        for other in at[:index]:
            assert abs(one.x - other.x) >= 50 or abs(one.y - other.y) >= 36


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_without_positions_nodes_form_a_tree(made: Any, count: int) -> None:
    pairs = [(index // 3, index) for index in range(1, count)]
    plan = replace(made.plan(), nodes=nodes(*[None] * count), links=links(*pairs))
    places = placement(plan)
    assert not places.to_scale
    assert len(set(places.points.values())) == count
    assert all(0 <= point.x <= places.width for point in places.points.values())
    assert all(0 <= point.y <= places.height for point in places.points.values())


def test_a_ring_and_lone_nodes_have_places(made: Any) -> None:
    ring = [(index, (index + 1) % 6) for index in range(6)]
    plan = replace(made.plan(), nodes=nodes(*[None] * 9), links=links(*ring))
    assert len(set(placement(plan).points.values())) == 9


def test_a_large_plant_is_condensed(made: Any) -> None:
    """One switch with 300 equal stations: two symbols, one link, and the missed way still marked."""
    stations = nodes(*[None] * 300)
    talker, *_ = made.plan().nodes
    cables = tuple(
        PlannedLink(ends=(f"n{index}.p1", f"cam.x{index}"), medium="cat6a", line_bps=10**9)
        for index in range(300)
    )
    plan = made.plan(made.target(70 * US), nodes=(talker, *stations), links=cables)
    page = rendered(plan, made.bound(made.bound_row()), None)
    assert "300 × plc" in page
    assert page.count('class="node ') == 4  # two in the drawing, two in the legend
    assert "equal end stations of one node are drawn as one" in page
    tags(page)


def test_long_names_are_cut_in_their_middle() -> None:
    assert svg.shortened("cell1/camera", 13) == "cell1/camera"
    assert svg.shortened("geometry/camera1", 13) == "geomet…amera1"

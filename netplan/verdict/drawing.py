# SPDX-License-Identifier: Apache-2.0
"""The plant as a drawing: nodes by what they do, links by medium, ways of missed streams marked.

Nothing is told by colour alone: nodes carry letters and names, media have line
patterns, zones a letter, missed ways a cross.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from markupsafe import Markup

from netplan.plan.model import Plan, PlannedLink, PlannedNode
from netplan.verdict import svg
from netplan.verdict.facts import Facts, end_nodes
from netplan.verdict.outcome import Outcome, Verdict
from netplan.verdict.placement import Placement, Point, placement

_ZONE_COLOURS = 8
_MOST_NODES = 250
"""Above this, equal end stations are drawn as one."""
_FEWEST_ALIKE = 3


class _Look(NamedTuple):
    """Shape and letters of a node."""

    shape: str
    letters: str


_LOOKS = {
    "switch": _Look("round", "SW"),
    "tsn-bridge": _Look("round", "TSN"),
    "tsn-translator": _Look("round", "TT"),
    "router": _Look("circle", "RT"),
    "firewall": _Look("circle", "FW"),
    "upf": _Look("circle", "UPF"),
    "internet-pop": _Look("circle", "PoP"),
    "gnb": _Look("mast", "gNB"),
    "access-point": _Look("mast", "AP"),
    "olt": _Look("hexagon", "OLT"),
    "onu": _Look("hexagon", "ONU"),
    "splitter": _Look("wedge", "1:n"),
    "plc": _Look("box", "PLC"),
    "safety-controller": _Look("box", "SAF"),
    "server": _Look("box", "SRV"),
    "edge-gateway": _Look("box", "EDG"),
    "hmi": _Look("box", "HMI"),
    "drive": _Look("pill", "DRV"),
    "io-device": _Look("pill", "I/O"),
    "camera": _Look("pill", "CAM"),
    "scanner": _Look("pill", "SCN"),
    "sensor": _Look("pill", "SEN"),
    "robot": _Look("pill", "ROB"),
    "agv": _Look("pill", "AGV"),
    "panel": _Look("pill", "PNL"),
    "ue": _Look("pill", "UE"),
    "iwlan-client": _Look("pill", "CLI"),
}
_FAMILIES = (
    ("copper", "", ("cat", "profinet-type", "copper")),
    ("fibre", "8 3", ("g65", "om", "os", "fibre", "xgs-pon", "gpon", "xg-pon")),
    ("radio", "1 5", ("",)),
)


def topology(facts: Facts, verdicts: Iterable[Verdict]) -> Markup:
    """The whole plant, with a legend."""
    plan, new_index = _condensed(facts.plan)
    places = placement(plan)
    zones = _zones(plan)
    missed = {new_index[index] for index in _missed_links(facts, verdicts)}
    body = [
        *(_halo(node, places.points[node.name], zones) for node in plan.nodes),
        *(
            _link(link, places.points, missed=index in missed)
            for index, link in enumerate(plan.links)
        ),
        *(_node(node, places.points[node.name]) for node in plan.nodes),
    ]
    legend, legend_height = _legend(plan, places, zones, any_missed=bool(missed))
    description = (
        f"The plant: {len(facts.plan.nodes)} nodes and {len(facts.plan.links)} links, "
        f"{'placed as on the floor' if places.to_scale else 'arranged as a tree, not to scale'}"
    )
    return svg.drawing(
        places.width,
        places.height + legend_height,
        description,
        svg.group(*body, class_="plant"),
        legend,
    )


def _condensed(plan: Plan) -> tuple[Plan, list[int]]:
    """A large plant with equal end stations of one node drawn as one, and where its links went."""
    kept = list(range(len(plan.links)))
    if len(plan.nodes) <= _MOST_NODES:
        return plan, kept
    nodes = {node.name: node for node in plan.nodes}
    links_of: dict[str, list[int]] = {name: [] for name in nodes}
    for index, link in enumerate(plan.links):
        for name in end_nodes(link):
            links_of.setdefault(name, []).append(index)
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, node in nodes.items():
        if len(links_of[name]) == 1:
            link = plan.links[links_of[name][0]]
            one, other = end_nodes(link)
            key = (other if one == name else one, node.role, node.zone, link.medium)
            alike.setdefault(key, []).append(name)
    links = list(plan.links)
    for names in alike.values():
        if len(names) < _FEWEST_ALIKE:
            continue
        first = links_of[names[0]][0]
        for name in names[1:]:
            kept[links_of[name][0]] = first
            del nodes[name]
        title = f"{len(names)} × {nodes[names[0]].role}"
        joined = f"{names[0]} {title}"
        ends = [
            joined + end[len(names[0]) :] if end.partition(".")[0] == names[0] else end
            for end in links[first].ends
        ]
        links[first] = replace(links[first], ends=(ends[0], ends[1]))
        nodes[joined] = replace(nodes.pop(names[0]), name=joined)
    numbers = {old: new for new, old in enumerate(sorted(set(kept)))}
    condensed = replace(
        plan, nodes=tuple(nodes.values()), links=tuple(links[index] for index in numbers)
    )
    return condensed, [numbers[index] for index in kept]


def _zones(plan: Plan) -> dict[str, int]:
    return {
        name: index
        for index, name in enumerate(dict.fromkeys(node.zone for node in plan.nodes if node.zone))
    }


def _missed_links(facts: Facts, verdicts: Iterable[Verdict]) -> set[int]:
    found: set[int] = set()
    for verdict in verdicts:
        if verdict.outcome is not Outcome.MISSED:
            continue
        target = verdict.target
        pairs = [(target.stream_index, target.listener_index)]
        if target.stream_index < 0:
            stages = facts.plan.chains[target.chain_index].stages
            pairs = [(stage.stream_index, stage.listener_index) for stage in stages]
        for stream_index, listener_index in pairs:
            for hop in facts.way(stream_index, listener_index):
                found.update(facts.crossing(hop)[1])
    return found


def _halo(node: PlannedNode, at: Point, zones: dict[str, int]) -> Markup:
    """A soft patch in the colour of the node's zone, with the zone's letter."""
    if node.zone not in zones:
        return svg.EMPTY
    index = zones[node.zone]
    return svg.group(
        svg.rect(at.x - 25, at.y - 17, 50, 38, rx=8, class_=f"zone z{index % _ZONE_COLOURS}"),
        svg.text(at.x - 22, at.y - 9, _letter(index), class_="zone-letter"),
    )


def _letter(index: int) -> str:
    letter = chr(ord("a") + index % 26)
    return letter if index < 26 else f"{letter}{index // 26}"


def _family(medium: str) -> tuple[str, str]:
    name = medium.lower()
    return next((family, dashes) for family, dashes, starts in _FAMILIES if name.startswith(starts))


def _link(link: PlannedLink, points: dict[str, Point], *, missed: bool) -> Markup:
    one, other = (points.get(name) for name in end_nodes(link))
    if one is None or other is None:
        return svg.EMPTY
    family, dashes = _family(link.medium)
    title = svg.element("title", f"{link.ends[0]} to {link.ends[1]}: {link.medium}")
    ends = {"x1": one.x, "y1": one.y, "x2": other.x, "y2": other.y}
    drawn = svg.element(
        "line", title, **ends, class_=f"link {family}", stroke_dasharray=dashes or "none"
    )
    if not missed:
        return drawn
    x, y = (one.x + other.x) / 2, (one.y + other.y) / 2
    cross = svg.element("path", d=f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8", class_="cross")
    return svg.group(svg.element("line", **ends, class_="link missed"), drawn, cross)


def _node(node: PlannedNode, at: Point) -> Markup:
    look = _LOOKS.get(node.role, _Look("box", node.role[:3].upper()))
    detail = " ".join(part for part in (node.name, node.role, node.model, node.zone) if part)
    return svg.group(
        svg.element("title", detail),
        _shape(look.shape, at.x, at.y),
        svg.text(at.x, at.y + 3, look.letters, class_="letters"),
        svg.text(at.x, at.y + 19, _label(node), class_="name"),
        class_=f"node {look.shape}",
    )


def _label(node: PlannedNode) -> str:
    _, _, title = node.name.partition(" ")  # only nodes that stand for several have a blank
    return title or svg.shortened(node.name, 13)


def _shape(shape: str, x: float, y: float) -> Markup:
    if shape == "circle":
        return svg.element("circle", cx=x, cy=y, r=10.5)
    if shape == "mast":
        return svg.path([(x, y - 13), (x + 14, y + 8), (x - 14, y + 8)], closed=True)
    if shape == "hexagon":
        points = [
            (x - 15, y),
            (x - 9, y - 9),
            (x + 9, y - 9),
            (x + 15, y),
            (x + 9, y + 9),
            (x - 9, y + 9),
        ]
        return svg.path(points, closed=True)
    if shape == "wedge":
        return svg.path([(x - 14, y), (x + 11, y - 11), (x + 11, y + 11)], closed=True)
    corner = {"round": 5, "pill": 9}.get(shape, 1)
    return svg.rect(x - 14, y - 9, 28, 18, rx=corner)


def _legend(
    plan: Plan, places: Placement, zones: dict[str, int], *, any_missed: bool
) -> tuple[Markup, float]:
    """Roles, media and zones that occur, in rows below the drawing."""
    entries: list[tuple[Markup, str]] = []
    for role in sorted({node.role for node in plan.nodes}):
        look = _LOOKS.get(role, _Look("box", role[:3].upper()))
        symbol = svg.group(
            _shape(look.shape, 16, 0),
            svg.text(16, 3, look.letters, class_="letters"),
            class_=f"node {look.shape}",
        )
        entries.append((symbol, role))
    for family, dashes, _ in _FAMILIES:
        media = sorted({link.medium for link in plan.links if _family(link.medium)[0] == family})
        if media:
            sample = svg.line(
                2, 0, 30, 0, class_=f"link {family}", stroke_dasharray=dashes or "none"
            )
            entries.append((sample, f"{family}: {', '.join(media)}"))
    if any_missed:
        sample = svg.group(
            svg.line(2, 0, 30, 0, class_="link missed"),
            svg.element("path", d="M12 -4l8 8m0 -8l-8 8", class_="cross"),
        )
        entries.append((sample, "on the way of a missed target"))
    for name, index in zones.items():
        patch = svg.group(
            svg.rect(4, -8, 24, 16, rx=5, class_=f"zone z{index % _ZONE_COLOURS}"),
            svg.text(8, 2, _letter(index), class_="zone-letter"),
        )
        entries.append((patch, f"zone {name}"))
    if places.to_scale:
        entries.append((svg.EMPTY, "placed as on the floor, crowded nodes moved apart"))
    else:
        entries.append((svg.EMPTY, "arranged as a tree, not to scale"))
    if any(" " in node.name for node in plan.nodes):
        entries.append((svg.EMPTY, "equal end stations of one node are drawn as one"))
    drawn: list[Markup] = []
    x, y = 10.0, places.height + 24
    for symbol, label in entries:
        wide = 48 + 6.2 * len(label)
        if x > 10 and x + wide > places.width:
            x, y = 10.0, y + 28
        drawn.append(
            svg.group(
                symbol,
                svg.text(36 if symbol else 4, 4, label, class_="legend"),
                transform=f"translate({x:.0f} {y:.0f})",
            )
        )
        x += wide
    return svg.group(*drawn), y - places.height + 20

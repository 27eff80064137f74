# SPDX-License-Identifier: Apache-2.0
"""Where nodes stand in the drawing: as on the floor if the design says, otherwise as a tree.

The floor plan is kept to scale except that nodes standing too close are moved
apart. Without positions, the middle of each part of the network stands in the centre, its branches
to the left and right, end stations in blocks. No random numbers: a plan
is always drawn in the same way.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from netplan.plan.model import Plan
from netplan.verdict.facts import end_nodes

WIDTH = 1160.0
"""Of the drawing, in pixels."""
_APART_X, _APART_Y = 52.0, 38.0
_MARGIN_X, _MARGIN_Y = 44.0, 34.0
_ROUNDS = 200
_TALLEST = 900.0
_ROWS = 6
_LEAST_KNOWN = 0.7


class Point(NamedTuple):
    """A place in the drawing, in pixels."""

    x: float
    y: float


class Placement(NamedTuple):
    """Places of all nodes, and whether distances are those of the floor."""

    points: dict[str, Point]
    width: float
    height: float
    to_scale: bool


def placement(plan: Plan) -> Placement:
    """Places of all nodes of a plan."""
    neighbours = _neighbours(plan)
    known = {node.name: node.position_m for node in plan.nodes if node.position_m is not None}
    if len(plan.nodes) > 1 and len(known) >= _LEAST_KNOWN * len(plan.nodes):
        on_floor = _on_floor({name: (at[0], at[1]) for name, at in known.items()}, neighbours)
        if on_floor is not None:
            return on_floor
    return _as_tree(neighbours)


def _neighbours(plan: Plan) -> dict[str, list[str]]:
    neighbours: dict[str, list[str]] = {node.name: [] for node in plan.nodes}
    for link in plan.links:
        one, other = end_nodes(link)
        if one in neighbours and other in neighbours and one != other:
            neighbours[one].append(other)
            neighbours[other].append(one)
    return neighbours


def _on_floor(
    known: dict[str, tuple[float, float]], neighbours: dict[str, list[str]]
) -> Placement | None:
    """The floor plan; None when it is too crowded to be read."""
    left, right = min(x for x, _ in known.values()), max(x for x, _ in known.values())
    low, high = min(y for _, y in known.values()), max(y for _, y in known.values())
    wide, tall = max(right - left, 1e-9), max(high - low, 1e-9)
    scale = min((WIDTH - 2 * _MARGIN_X) / wide, (_TALLEST - 2 * _MARGIN_Y) / tall)
    start = {name: ((x - left) * scale, (high - y) * scale) for name, (x, y) in known.items()}
    for name, others in neighbours.items():  # beside a neighbour whose place is known
        if name not in start:
            near = next((start[other] for other in others if other in start), (0.0, 0.0))
            start[name] = (near[0] + _APART_X, near[1] + _APART_Y / 2)
    moved = _apart(start)
    if moved is None:
        return None
    return _framed(moved, to_scale=True)


def _apart(start: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]] | None:
    """Move nodes that overlap away from each other, as little as it takes."""
    names = list(start)
    places = [[*start[name]] for name in names]
    for _ in range(_ROUNDS):
        order = sorted(range(len(names)), key=lambda index: places[index][0])
        calm = True
        for position, one in enumerate(order):
            for other in order[position + 1 :]:
                gap_x = places[other][0] - places[one][0]
                if gap_x >= 2 * _APART_X:  # nodes move within a round, so look a little further
                    break
                gap_y = places[other][1] - places[one][1]
                if abs(gap_x) >= _APART_X or abs(gap_y) >= _APART_Y:
                    continue
                calm = False
                if (_APART_X - abs(gap_x)) / _APART_X < (_APART_Y - abs(gap_y)) / _APART_Y:
                    push = (_APART_X - abs(gap_x)) / 2 + 0.5
                    sign = 1 if gap_x >= 0 else -1
                    places[one][0] -= sign * push
                    places[other][0] += sign * push
                else:
                    push = (_APART_Y - abs(gap_y)) / 2 + 0.5
                    sign = 1 if gap_y > 0 or (gap_y == 0 and other > one) else -1
                    places[one][1] -= sign * push
                    places[other][1] += sign * push
        if calm:
            return {name: (place[0], place[1]) for name, place in zip(names, places, strict=True)}
    return None


def _framed(places: dict[str, tuple[float, float]], *, to_scale: bool) -> Placement:
    left, top = min(x for x, _ in places.values()), min(y for _, y in places.values())
    wide = max(x for x, _ in places.values()) - left
    tall = max(y for _, y in places.values()) - top
    width = max(WIDTH, wide + 2 * _MARGIN_X)
    shift_x = (width - wide) / 2 - left
    return Placement(
        {name: Point(x + shift_x, y - top + _MARGIN_Y) for name, (x, y) in places.items()},
        width,
        tall + 2 * _MARGIN_Y,
        to_scale,
    )


class _Block(NamedTuple):
    """A branch of the tree: places relative to its own top, and its height."""

    places: dict[str, tuple[float, float]]
    height: float


def _as_tree(neighbours: dict[str, list[str]]) -> Placement:
    if not neighbours:
        return Placement({}, WIDTH, 2 * _MARGIN_Y, to_scale=False)
    places: dict[str, tuple[float, float]] = {}
    top = 0.0
    alone: list[str] = []
    for part in _parts(neighbours):
        if len(part) == 1:
            alone.append(part[0])
            continue
        block = _part(_middle(part, neighbours), neighbours)
        places.update({name: (x, y + top) for name, (x, y) in block.places.items()})
        top += block.height + _APART_Y
    columns = int(WIDTH // (2 * _APART_X))
    for index, name in enumerate(alone):
        row, column = divmod(index, columns)
        places[name] = ((column - columns / 2) * 2 * _APART_X, top + row * _APART_Y)
    return _framed(places, to_scale=False)


def _parts(neighbours: dict[str, list[str]]) -> list[list[str]]:
    """Connected parts of the network."""
    parts: list[list[str]] = []
    seen: set[str] = set()
    for name in neighbours:
        if name not in seen:
            part = list(_distances(name, neighbours))
            seen.update(part)
            parts.append(part)
    return parts


def _distances(start: str, neighbours: dict[str, list[str]]) -> dict[str, str]:
    """Predecessor of every node that can be reached, nearest first; the start's is empty."""
    came = {start: ""}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for other in neighbours[node]:
            if other not in came:
                came[other] = node
                waiting.append(other)
    return came


def _middle(part: list[str], neighbours: dict[str, list[str]]) -> str:
    """The middle of a longest way through a part, or its best joined neighbour."""
    far = list(_distances(part[0], neighbours))[-1]
    came = _distances(far, neighbours)
    way = [list(came)[-1]]
    while came[way[-1]]:
        way.append(came[way[-1]])
    candidates = way[(len(way) - 1) // 2 : len(way) // 2 + 1]
    return max(candidates, key=lambda name: len(neighbours[name]))


def _part(root: str, neighbours: dict[str, list[str]]) -> _Block:
    came = _distances(root, neighbours)
    children: dict[str, list[str]] = {name: [] for name in came}
    for name, parent in came.items():
        if parent:
            children[parent].append(name)
    depth = {root: 0}
    for name, parent in came.items():
        if parent:
            depth[name] = depth[parent] + 1
    deepest = max(depth.values())
    step = max(80.0, min(140.0, (WIDTH / 2 - _MARGIN_X) / max(1, deepest)))
    blocks: dict[str, _Block] = {}
    for name in reversed(list(came)):
        if name != root:
            blocks[name] = _branch(name, children[name], blocks, step)
    sides: tuple[list[str], list[str]] = ([], [])
    heights = [0.0, 0.0]
    leaves = [name for name in children[root] if not children[name]]
    for name in sorted(children[root], key=lambda one: -blocks[one].height):
        if name not in leaves:
            side = 0 if heights[0] <= heights[1] else 1
            sides[side].append(name)
            heights[side] += blocks[name].height
    leaf_block = _leaf_block(leaves, step)
    leaf_side = 0 if heights[0] <= heights[1] else 1
    heights[leaf_side] += leaf_block.height
    height = max(*heights, _APART_Y)
    places = {root: (0.0, height / 2)}
    for side, sign in ((0, 1), (1, -1)):
        y = (height - heights[side]) / 2
        stacked = [blocks[name] for name in sides[side]]
        if side == leaf_side:
            stacked.append(leaf_block)
        for block in stacked:
            places.update(
                {name: (sign * (x + step), at + y) for name, (x, at) in block.places.items()}
            )
            y += block.height
    return _Block(places, height)


def _branch(name: str, children: list[str], blocks: dict[str, _Block], step: float) -> _Block:
    """A node with everything behind it to its right."""
    leaves = [child for child in children if len(blocks[child].places) == 1]
    stacked = [_leaf_block(leaves, step)] if leaves else []
    stacked += [blocks[child] for child in children if len(blocks[child].places) > 1]
    height = max(_APART_Y, sum(block.height for block in stacked))
    places = {name: (0.0, height / 2)}
    y = 0.0
    for block in stacked:
        places.update({one: (x + step, at + y) for one, (x, at) in block.places.items()})
        y += block.height
    return _Block(places, height)


def _leaf_block(leaves: list[str], step: float) -> _Block:
    """End stations of one node in columns, every other one half a row lower so that lines pass."""
    if not leaves:
        return _Block({}, 0.0)
    rows = min(len(leaves), max(_ROWS, -(-len(leaves) // 4)))
    places = {}
    for index, name in enumerate(leaves):
        column, row = divmod(index, rows)
        lower = _APART_Y / 2 if column % 2 else 0.0
        places[name] = (column * step * 0.75, (row + 0.5) * _APART_Y + lower)
    return _Block(places, rows * _APART_Y + (_APART_Y / 2 if len(leaves) > rows else 0))

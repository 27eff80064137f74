# SPDX-License-Identifier: Apache-2.0
"""Streams of an earlier schedule that stay where they are while others are added."""

from __future__ import annotations

from dataclasses import dataclass

from netplan.tsn.synthesis.greedy import Choice
from netplan.tsn.synthesis.occupancy import Occupancy
from netplan.tsn.synthesis.problem import Problem
from netplan.tsn.synthesis.result import Obstacle, Placement, Schedule
from netplan.tsn.synthesis.timing import (
    Setting,
    Timing,
    fault_of,
    natural_setting,
    placement,
    timing,
)

_ROUTES = 64
"""Routes of a stream up to which it is looked whether its own is still among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where streams stay.

    Attributes:
        choices: By index of the stream: route with its timing, and the phase.
        passing: Ports that did not hold frames where others did.
        windowed: Whether any of them waits at gates of its own.
        fault: Why they cannot stay; None when they can.
    """

    choices: dict[int, tuple[Choice, int]]
    passing: frozenset[int]
    windowed: bool
    fault: Obstacle | None = None


def kept_streams(problem: Problem, schedule: Schedule | None) -> Kept:
    """The streams of a schedule that the problem still has, looked at anew."""
    if schedule is None:
        return Kept(choices={}, passing=frozenset(), windowed=False)
    known = {one.name: one for one in schedule.placements}
    stay = {
        index: known[stream.name]
        for index, stream in enumerate(problem.streams)
        if stream.name in known
    }
    held: set[int] = set()
    passed: set[int] = set()
    for one in stay.values():
        for row, hop in zip(one.slots, one.route.hops, strict=True):
            (held if row[0].held else passed).add(hop.port_index)
    passing = frozenset(passed) if held else frozenset()
    setting = natural_setting(problem, passing, windowed=bool(held))
    choices: dict[int, tuple[Choice, int]] = {}
    occupancy = Occupancy()
    for index, one in stay.items():
        stream = problem.streams[index]
        choice, reason = _again(problem, index, one, setting)
        if choice is None:
            return _cannot(stream.name, reason)
        met = occupancy.met(choice.timing.pieces, one.phase_ps, stream.period_ps)
        if met:
            other = problem.streams[min(met)].name
            return _cannot(stream.name, f"it would meet stream {other}, which stays as well")
        occupancy.add(index, one.phase_ps, stream.period_ps, choice.timing.pieces)
        choices[index] = (choice, one.phase_ps)
    return Kept(choices=choices, passing=passing, windowed=bool(held))


def _again(
    problem: Problem, index: int, one: Placement, setting: Setting
) -> tuple[Choice | None, str]:
    """The choice of a placement in the problem as it is now, or why there is none."""
    stream = problem.streams[index]
    if (one.period_ps, one.frame_octets) != (
        stream.period_ps,
        tuple(frame.frame_octets for frame in stream.frames),
    ):
        return None, "its period or its size has changed"
    if any(hop.port_index >= len(problem.ports) for hop in one.route.hops):
        return None, "a port of its route is gone"
    offered = stream.routes.every(_ROUTES)
    if offered is not None and one.route not in offered:
        return None, "its route is no longer offered"
    if len(one.route.listener_hops) != len(stream.deadlines_ps):
        return None, "it has other listeners"
    low_ps, high_ps = stream.phase_range_ps
    if not low_ps <= one.phase_ps <= high_ps:
        return None, "its phase is no longer allowed"
    result = timing(problem.ports, stream, one.route, setting, one.waits_ps)
    fault = fault_of(stream, result)
    if fault:
        return None, fault
    if placement(stream, one.route, result, one.phase_ps, one.waits_ps) != one:
        return None, "a delay or a clock on its route has changed"
    return Choice(route=one.route, timing=result, waits_ps=one.waits_ps), ""


def held_instead(
    problem: Problem, kept: Kept, setting: Setting
) -> dict[int, tuple[Choice, int]] | None:
    """What stays, at ports that now hold because others wait there; None when times would change."""
    again: dict[int, tuple[Choice, int]] = {}
    for index, (old, phase_ps) in kept.choices.items():
        result = timing(problem.ports, problem.streams[index], old.route, setting, old.waits_ps)
        if _times(result) != _times(old.timing):
            return None
        choice = Choice(route=old.route, timing=result, waits_ps=old.waits_ps)
        again[index] = (choice, phase_ps)
    return again


def _times(result: Timing) -> list[tuple[int, int, int]]:
    return [
        (slot.start_ps, slot.earliest_ps, slot.latest_ps) for row in result.slots for slot in row
    ]


def _cannot(name: str, reason: str) -> Kept:
    text = f"stream {name} cannot stay where it is: {reason}"
    return Kept(
        choices={},
        passing=frozenset(),
        windowed=False,
        fault=Obstacle(kind="kept streams", text=text),
    )

# SPDX-License-Identifier: Apache-2.0
"""When the frames of one stream are where, counted from its phase, and what they keep busy.

At a port that *holds*, a gate opens for each frame at the latest moment at which it can be
there, so that variations of processing and of clocks end there. At other ports a frame goes
on as soon as it is ready, and an interval says when that can be. A stream's *footprint* lists
the pieces of time that it needs for itself: of wires, and of queues at ports that hold. There a
frame waits alone, and none may come so early that it could leave through the window of another,
not even when that one's talker is silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import lcm
from typing import NamedTuple

from netplan.design.quantities import duration_text
from netplan.media.frames import wire_time_ps
from netplan.tsn.synthesis.problem import GateLimits, Port, Problem, Route, Stream
from netplan.tsn.synthesis.result import Placement, Slot

SMALLEST_FRAME_OCTETS = 64
"""Source: IEEE Std 802.3-2022, 4.2.3.3."""
_MOST_QUEUES = 8


class Piece(NamedTuple):
    """Time that a stream needs for itself: of which resource, when after its phase, how long.

    Attributes:
        resource_index: A wire, by the index of its port, or beyond the ports a queue.
        offset_ps: Start, counted from the phase.
        length_ps: How long; a piece of a queue contains its last picosecond.
        hop_index: The hop of its route that needs it.
    """

    resource_index: int
    offset_ps: int
    length_ps: int
    hop_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One stream on one route, with its phase taken as 0.

    Attributes:
        slots: As in :class:`netplan.tsn.synthesis.result.Placement`.
        received_ps: Likewise.
        latencies_ps: Largest latency to each listener.
        variation_ps: Largest variation of the time of reception at any listener.
        pieces: The footprint.
    """

    slots: tuple[tuple[Slot, ...], ...]
    received_ps: tuple[tuple[tuple[int, int], ...], ...]
    latencies_ps: tuple[int, ...]
    variation_ps: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How ports are used in one attempt.

    Attributes:
        held: Ports at which frames wait for a gate of their own.
        grid_ps: Phases are multiples of this.
    """

    held: frozenset[int]
    grid_ps: int


def on_grid(time_ps: int, grid_ps: int) -> int:
    """The next multiple of a grid, or the time itself where there is none."""
    return time_ps if grid_ps <= 1 else -(-time_ps // grid_ps) * grid_ps


def timing(
    ports: Sequence[Port],
    stream: Stream,
    route: Route,
    setting: Setting,
    waits_ps: Sequence[int] = (),
) -> Timing:
    """Work out one stream on one route.

    Args:
        ports: Of the problem.
        stream: With its frames and the errors of its talker.
        route: One of its routes.
        setting: Which ports hold, and on which grid.
        waits_ps: For each hop, extra waiting at a port that holds; none when empty.
    """
    slots: list[list[Slot]] = []
    received: list[list[tuple[int, int]]] = []
    nominal: list[list[int]] = []  # reception on ideal clocks
    firsts: list[list[int]] = []  # first bit at the talker's port
    released: list[bool] = []  # whether a gate has retimed it on the way
    pieces: list[Piece] = []
    for index, hop in enumerate(route.hops):
        port = ports[hop.port_index]
        gates = port.gates if hop.port_index in setting.held else None
        error_ps = port.clock_error_ps
        wait_ps = waits_ps[index] if waits_ps else 0
        before = (hop.parent_index, *hop.joined) if hop.parent_index >= 0 else ()
        row: list[Slot] = []
        got: list[tuple[int, int]] = []
        ideal: list[int] = []
        start: list[int] = []
        wire: list[list[int]] = []
        arriving: list[list[int]] = []
        leaving: list[list[int]] = []
        free = (-(1 << 62),) * 3
        for number, frame in enumerate(stream.frames):
            octets = frame.frame_octets + hop.added_octets
            data_ps, occupied_ps = port.data_ps(octets), port.occupied_ps(octets)
            if before:
                early_ps = 0
                if hop.cut_through_octets is not None:
                    early_ps = _cut_through_ps(ports, route, index, frame.frame_octets)
                low = min(received[one][number][0] for one in before) - early_ps
                high = max(received[one][number][1] for one in before) - early_ps
                ready = min(nominal[one][number] for one in before) - early_ps
                low += hop.before_min_ps
                high += hop.before_max_ps
                ready += hop.before_max_ps
                opening = high + error_ps
            else:
                opening = frame.release_ps + stream.release_jitter_ps + hop.before_max_ps
                ready = opening
                low = frame.release_ps + hop.before_min_ps - stream.clock_error_ps
                high = opening + stream.clock_error_ps
            if gates is not None:
                grid_ps = gates.granularity_ps
                least_ps = on_grid(gates.smallest_interval_ps, grid_ps)
                opening = on_grid(opening, setting.grid_ps) + wait_ps
                follows = opening <= free[0]
                if follows:
                    opening = free[0]
                else:
                    opening = max(opening, on_grid(free[1] + least_ps, setting.grid_ps))
                # A clock that is set forwards takes from the window, however late it opens.
                close_ps = on_grid(opening + data_ps + port.clock_step_ps, grid_ps)
                clear_ps = max(close_ps, opening + occupied_ps + port.clock_step_ps)
                one = Slot(
                    arrival_ps=low,
                    start_ps=opening,
                    earliest_ps=opening - error_ps,
                    latest_ps=opening + error_ps,
                    held=True,
                )
                # A gate that must keep a frame back has to be shut for a while before.
                shut_ps = least_ps if low == opening else shortest_shut_ps(gates)
                _extend(wire, opening - shut_ps, clear_ps)
                # Windows are on the node's clock, which may show so much less when the frame has come:
                # at the talker too, whose clock may be set back.
                seen = low - error_ps
                _extend(arriving, seen, opening + 1)
                could_leave = seen + data_ps
                _extend(
                    leaving, min(could_leave, free[2]) if follows else could_leave, close_ps + 1
                )
                free = (opening + occupied_ps, clear_ps, close_ps)
            else:
                if port.gates is None and port.other_octets:
                    high += port.occupied_ps(port.other_octets)
                one = Slot(
                    arrival_ps=low,
                    start_ps=max(ready, free[0]),
                    earliest_ps=max(low, free[1]),
                    latest_ps=max(high, free[2]),
                    held=False,
                )
                free = (
                    one.start_ps + occupied_ps,
                    one.earliest_ps + occupied_ps,
                    one.latest_ps + occupied_ps,
                )
                _extend(wire, one.earliest_ps, free[2])
            row.append(one)
            ideal.append(one.start_ps + data_ps + hop.after_max_ps)
            got.append(
                (
                    one.earliest_ps + data_ps + hop.after_min_ps,
                    one.latest_ps + data_ps + hop.after_max_ps,
                )
            )
            start.append(
                min(firsts[one][number] for one in before)
                if before
                else row[-1].earliest_ps + port.lead_ps
            )
        slots.append(row)
        received.append(got)
        nominal.append(ideal)
        firsts.append(start)
        released.append(gates is not None or any(released[one] for one in before))
        pieces += [Piece(hop.port_index, low, high - low, index) for low, high in wire]
        queue = len(ports) + hop.port_index * 2 * _MOST_QUEUES + hop.queue_index  # see port_of
        pieces += [Piece(queue, low, high - low, index) for low, high in arriving]
        queue += _MOST_QUEUES
        pieces += [Piece(queue, low, high - low, index) for low, high in leaving]
    latencies = []
    variation_ps = 0
    for last in route.listener_hops:
        # An error of the talker's clock moves departure and arrival alike unless a gate retimes.
        common_ps = 0 if released[last] else 2 * stream.clock_error_ps
        latencies.append(
            max(high - first for (_, high), first in zip(received[last], firsts[last], strict=True))
            - common_ps
        )
        variation_ps = max(variation_ps, *(high - low for low, high in received[last]))
    return Timing(
        slots=tuple(tuple(row) for row in slots),
        received_ps=tuple(tuple(row) for row in received),
        latencies_ps=tuple(latencies),
        variation_ps=variation_ps,
        pieces=tuple(pieces),
    )


def is_queue(resource_index: int, port_count: int) -> bool:
    """Whether a resource is a queue and not a wire."""
    return resource_index >= port_count


def port_of(resource_index: int, port_count: int) -> int:
    """The port that a resource belongs to."""
    if not is_queue(resource_index, port_count):
        return resource_index
    return (resource_index - port_count) // (2 * _MOST_QUEUES)


def shortest_shut_ps(gates: GateLimits) -> int:
    """The shortest time for which gates can be shut: entries count nanoseconds at best.

    Source: IEEE Std 802.1Q-2022, 8.6.9.4 (time intervals of gate control entries).
    """
    return on_grid(max(gates.smallest_interval_ps, 1000), gates.granularity_ps)


def _cut_through_ps(ports: Sequence[Port], route: Route, index: int, frame_octets: int) -> int:
    """How long before full reception a bridge begins to forward a frame."""
    hop = route.hops[index]
    parent = route.hops[hop.parent_index]
    coming = ports[parent.port_index]
    whole = frame_octets + parent.added_octets
    assert hop.cut_through_octets is not None
    missing = max(0, whole - hop.cut_through_octets)
    return coming.data_ps(whole) - coming.data_ps(whole - missing)


def _extend(pieces: list[list[int]], low: int, high: int) -> None:
    """Add an interval, joined to the last one where they touch or overlap."""
    if pieces and low <= pieces[-1][1]:
        pieces[-1][0] = min(pieces[-1][0], low)
        pieces[-1][1] = max(pieces[-1][1], high)
    else:
        pieces.append([low, high])


def fault_of(stream: Stream, result: Timing) -> str:
    """Which demand of the stream a timing breaks, in a few words; empty when none."""
    for index, (latency_ps, limit_ps) in enumerate(
        zip(result.latencies_ps, stream.deadlines_ps, strict=True)
    ):
        if limit_ps is not None and latency_ps > limit_ps:
            return (
                f"latency to listener {index + 1} is {duration_text(latency_ps)}, allowed are "
                f"{duration_text(limit_ps)}"
            )
    if stream.jitter_ps is not None and result.variation_ps > stream.jitter_ps:
        return (
            f"reception varies by {duration_text(result.variation_ps)}, allowed are "
            f"{duration_text(stream.jitter_ps)}"
        )
    if any(piece.length_ps > stream.period_ps for piece in result.pieces):
        return "its frames need more than its period on one port"
    if len({piece.resource_index for piece in result.pieces}) < len(result.pieces) and _collides(
        result.pieces, stream.period_ps
    ):
        return "its frames meet those of its next period on one port"
    return ""


def _collides(pieces: Sequence[Piece], period_ps: int) -> bool:
    """Whether two pieces on one resource overlap when all are repeated with the period."""
    of_resource: dict[int, list[tuple[int, int]]] = {}
    for piece in pieces:
        start_ps = piece.offset_ps % period_ps
        of_resource.setdefault(piece.resource_index, []).append((start_ps, piece.length_ps))
    for found in of_resource.values():
        found.sort()
        found.append((found[0][0] + period_ps, 0))
        if any(one[0] + one[1] > other[0] for one, other in pairwise(found)):
            return True
    return False


def placement(
    stream: Stream, route: Route, result: Timing, phase_ps: int, waits_ps: Sequence[int] = ()
) -> Placement:
    """The placement of a stream whose phase is known."""
    return Placement(
        name=stream.name,
        period_ps=stream.period_ps,
        frame_octets=tuple(frame.frame_octets for frame in stream.frames),
        phase_ps=phase_ps,
        route=route,
        waits_ps=tuple(waits_ps) or (0,) * len(route.hops),
        slots=tuple(
            tuple(
                Slot(
                    arrival_ps=slot.arrival_ps + phase_ps,
                    start_ps=slot.start_ps + phase_ps,
                    earliest_ps=slot.earliest_ps + phase_ps,
                    latest_ps=slot.latest_ps + phase_ps,
                    held=slot.held,
                )
                for slot in row
            )
            for row in result.slots
        ),
        received_ps=tuple(
            tuple((low + phase_ps, high + phase_ps) for low, high in row)
            for row in result.received_ps
        ),
    )


def natural_setting(problem: Problem, passing: frozenset[int], *, windowed: bool) -> Setting:
    """Which ports hold: those with fine gates, when anything varies or frames may wait.

    Args:
        problem: To be scheduled.
        passing: Ports that must not hold (their lists would be too long).
        windowed: Whether frames may wait, which they can only at closed gates.
    """
    held: frozenset[int] = frozenset()
    if windowed or _varies(problem):
        held = frozenset(
            index
            for index, port in enumerate(problem.ports)
            if index not in passing and can_hold(port)
        )
    # A window that is as wide as it must be is rounded; one that opens exactly is on the grid.
    grid_ps = 1
    for index in held:
        gates = problem.ports[index].gates
        if gates is not None and gates.granularity_ps > 1:
            grid_ps = lcm(grid_ps, gates.granularity_ps)
    return Setting(held=held, grid_ps=grid_ps)


def is_exact(problem: Problem) -> bool:
    """Whether every frame is at one known moment where it is, on ideal clocks."""
    return not _varies(problem) and not any(
        port.clock_error_ps or (port.gates is None and port.other_octets) for port in problem.ports
    )


def can_hold(port: Port) -> bool:
    """Whether its gates are fine enough to let one frame out and not the next one."""
    if port.gates is None:
        return False
    finest_ps = max(port.gates.granularity_ps, port.gates.smallest_interval_ps)
    return finest_ps < port.data_ps(SMALLEST_FRAME_OCTETS)


def _varies(problem: Problem) -> bool:
    """Whether any delay or release varies, beside clocks."""
    for stream in problem.streams:
        if stream.release_jitter_ps:
            return True
        route = stream.routes.candidate(0)
        if route is not None and any(
            hop.before_min_ps != hop.before_max_ps
            or hop.after_min_ps != hop.after_max_ps
            or hop.joined
            for hop in route.hops
        ):
            return True
    return False


def hold_advance_ps(port: Port) -> int:
    """How long before a window a port must stop preemptable frames.

    A frame cannot be split when fewer than ``fragment_octets - 4`` octets of it have left or
    fewer than 64 remain, so that up to their sum less one must be let go, with lead and tail.

    Source: IEEE Std 802.3-2022, 99.4.7 (smallest fragments); IEEE Std 802.1Q-2022, 12.30.1.
    """
    assert port.fragment_octets is not None
    octets = port.fragment_octets - 4 + 64 - 1
    return wire_time_ps(port.lead_octets + octets + port.tail_octets, port.line_bps)

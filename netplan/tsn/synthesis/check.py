# SPDX-License-Identifier: Apache-2.0
"""Refuses a problem that breaks its own contract: a fault of whoever made it, not of a design."""

from __future__ import annotations

from netplan.tsn.synthesis.problem import Port, Problem, Route, Stream


def check_problem(problem: Problem) -> None:
    """Raise ValueError with the first fault that is found."""
    names = [stream.name for stream in problem.streams]
    _require(len(set(names)) == len(names), "two streams have the same name")
    for port in problem.ports:
        _check_port(port)
    for stream in problem.streams:
        _check_stream(problem, stream)


def _require(condition: object, fault: str) -> None:
    if not condition:
        message = f"the scheduling problem breaks its contract: {fault}"
        raise ValueError(message)


def _check_port(port: Port) -> None:
    possible = (
        port.line_bps > 0
        and min(port.lead_octets, port.tail_octets, port.other_octets, port.clock_error_ps) >= 0
        and 1 <= port.queue_count <= 8
        and 0 <= port.best_effort_ratio <= 1
    )
    _require(possible, f"port {port.name} has an impossible value")
    gates = port.gates
    if gates is not None:
        possible = min(gates.granularity_ps, gates.smallest_interval_ps) >= 0 and (
            gates.largest_entry_count is None or gates.largest_entry_count > 0
        )
        _require(possible, f"port {port.name} has impossible gates")


def _check_stream(problem: Problem, stream: Stream) -> None:
    name = stream.name
    _require(stream.period_ps > 0, f"stream {name} has no period")
    releases = [frame.release_ps for frame in stream.frames]
    _require(
        releases
        and releases == sorted(releases)
        and releases[0] >= 0
        and releases[-1] < stream.period_ps
        and all(frame.frame_octets > 0 for frame in stream.frames),
        f"stream {name} has no ascending frames within its period",
    )
    low_ps, high_ps = stream.phase_range_ps
    _require(0 <= low_ps <= high_ps < stream.period_ps, f"stream {name} has no possible phase")
    _require(
        min(stream.release_jitter_ps, stream.clock_error_ps, stream.jitter_ps or 0) >= 0,
        f"stream {name} has a negative tolerance",
    )
    route = stream.routes.candidate(0)
    _require(route is not None, f"stream {name} has no route")
    assert route is not None
    _check_route(problem, stream, route)


def _check_route(problem: Problem, stream: Stream, route: Route) -> None:
    name = stream.name
    _require(
        len(route.listener_hops) == len(stream.deadlines_ps) > 0,
        f"stream {name} has not one deadline per listener",
    )
    for index, hop in enumerate(route.hops):
        possible = (
            -1 <= hop.parent_index < index
            and all(0 <= one < index for one in hop.joined)
            and 0 <= hop.port_index < len(problem.ports)
            and 0 <= hop.before_min_ps <= hop.before_max_ps
            and 0 <= hop.after_min_ps <= hop.after_max_ps
        )
        _require(possible, f"stream {name} has an impossible hop {index}")
        _require(
            0 <= hop.queue_index < problem.ports[hop.port_index].queue_count,
            f"stream {name} uses a queue that {problem.ports[hop.port_index].name} has not",
        )
    _require(
        all(0 <= one < len(route.hops) for one in route.listener_hops),
        f"stream {name} has a listener without a hop",
    )

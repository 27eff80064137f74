# SPDX-License-Identifier: Apache-2.0
"""Scheduling problems written by hand: named ports, streams along names of ports."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from netplan.tsn.synthesis.problem import (
    FixedRoutes,
    Frame,
    GateLimits,
    Port,
    Problem,
    Route,
    RouteHop,
    Stream,
)

NS = 1_000
US = 1_000_000
GBIT = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A hop to be: its port, the step that it continues, and what differs from the rest."""

    port: str
    parent: int | None = None
    before_ps: tuple[int, int] = (0, 0)
    joined: tuple[int, ...] = ()
    queue: int = 7
    cut_through_octets: int | None = None


Way = list[str] | list[Step]


@dataclass(slots=True)
class ProblemBuilder:
    """Collects ports and streams; frames are counted without lead and tail unless said otherwise."""

    after_ps: tuple[int, int] = (0, 0)
    ports: list[Port] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)

    def port(
        self,
        *names: str,
        line_bps: int = GBIT,
        lead_octets: int = 0,
        tail_octets: int = 0,
        gates: GateLimits | None = GateLimits(),  # noqa: B008 - frozen
        other_octets: int = 0,
        best_effort_ratio: float = 0.0,
        clock_error_ps: int = 0,
        fragment_octets: int | None = None,
    ) -> ProblemBuilder:
        for name in names:
            self.ports.append(
                Port(
                    name=name,
                    line_bps=line_bps,
                    lead_octets=lead_octets,
                    tail_octets=tail_octets,
                    gates=gates,
                    other_octets=other_octets,
                    best_effort_ratio=best_effort_ratio,
                    clock_error_ps=clock_error_ps,
                    fragment_octets=fragment_octets,
                )
            )
        return self

    def route(self, way: Way) -> Route:
        index_of = {port.name: index for index, port in enumerate(self.ports)}
        steps = [step if isinstance(step, Step) else Step(port=step) for step in way]
        hops = tuple(
            RouteHop(
                port_index=index_of[step.port],
                parent_index=position - 1 if step.parent is None else step.parent,
                before_min_ps=step.before_ps[0],
                before_max_ps=step.before_ps[1],
                after_min_ps=self.after_ps[0],
                after_max_ps=self.after_ps[1],
                queue_index=step.queue,
                joined=step.joined,
                cut_through_octets=step.cut_through_octets,
            )
            for position, step in enumerate(steps)
        )
        inner = {hop.parent_index for hop in hops} | {one for hop in hops for one in hop.joined}
        ends = tuple(index for index in range(len(hops)) if index not in inner)
        return Route(hops=hops, listener_hops=ends)

    def stream(
        self,
        name: str,
        *ways: Way,
        octets: int | tuple[int, ...] = 1000,
        period_ps: int = 100 * US,
        deadline_ps: int | None = None,
        jitter_ps: int | None = None,
        phases_ps: tuple[int, int] | None = None,
        clock_error_ps: int = 0,
    ) -> ProblemBuilder:
        routes = tuple(self.route(way) for way in ways)
        sizes = (octets,) if isinstance(octets, int) else octets
        self.streams.append(
            Stream(
                name=name,
                period_ps=period_ps,
                frames=tuple(Frame(frame_octets=size) for size in sizes),
                routes=FixedRoutes(routes),
                deadlines_ps=(deadline_ps,) * len(routes[0].listener_hops),
                jitter_ps=jitter_ps,
                earliest_phase_ps=phases_ps[0] if phases_ps else 0,
                latest_phase_ps=phases_ps[1] if phases_ps else None,
                clock_error_ps=clock_error_ps,
            )
        )
        return self

    def problem(self) -> Problem:
        return Problem(ports=tuple(self.ports), streams=tuple(self.streams))


def with_port(problem: Problem, name: str, **changes: object) -> Problem:
    """The problem with one port changed."""
    ports = tuple(
        replace(port, **changes) if port.name == name else port  # type: ignore[arg-type]  # any field
        for port in problem.ports
    )
    return replace(problem, ports=ports)

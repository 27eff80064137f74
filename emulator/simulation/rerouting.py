# SPDX-License-Identifier: Apache-2.0
"""Which way each node sends each stream, and from when, as its rings recover from faults.

Between two faults lies an *episode*. What the ports of all rings are like at its end decides
the way that a stream takes: the first whose hops use no segment out of service. A node goes over
to it once it has forgotten the old way, at its first flush of the episode, and all ports that
it sends the stream out of forward. From its flush on, a bridge floods until it has learned
again; the copies that flooding sends elsewhere are not simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emulator.simulation.faults import Fault, LinkCut, NodeOutage, TalkerFault, port_name
from emulator.simulation.redundancy.timeline import RingTimeline, ring_timeline
from netplan.plan.model import Egress, Hop, Plan

Segment = tuple[int, int]
"""Index of a ring and of one of its segments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayChange:
    """A node goes over to another way of a stream; way 0 is the planned one."""

    at_ps: int
    stream_index: int
    node: str
    way_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Frames over a transmitter begin or cease to be discarded by ports that do not forward."""

    at_ps: int
    egress_index: int
    is_blocked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerouting:
    """All that rings do to streams in a run; blocks at 0 are how the run begins."""

    ways: tuple[WayChange, ...]
    blocks: tuple[Block, ...]


def reroute(plan: Plan, faults: Sequence[Fault], until_ps: int) -> Rerouting:
    """Run all rings of a plan through a scenario."""
    faults = [fault for fault in faults if not isinstance(fault, TalkerFault)]
    timelines = [ring_timeline(ring, faults, until_ps) for ring in plan.rings]
    return Rerouting(
        ways=tuple(_Ways(plan, faults, timelines).changes()),
        blocks=tuple(_blocks(plan, timelines)),
    )


def _port(egress: Egress) -> str:
    return port_name(egress.node, egress.port)


def _blocks(plan: Plan, timelines: Sequence[RingTimeline]) -> list[Block]:
    """A transmitter is blocked while the port at either end of its segment does not forward."""
    by_port: dict[str, list[int]] = {}
    for index, egress in enumerate(plan.egresses):
        by_port.setdefault(_port(egress), []).append(index)
    blocks: list[Block] = []
    for timeline in timelines:
        shut: dict[int, set[int]] = {}
        for node, segment in timeline.blocked:
            shut.setdefault(segment, set()).add(node)

        def note(segment: int, at_ps: int, *, is_blocked: bool) -> None:
            for end in timeline.ring.segments[segment].ends:  # noqa: B023 - called in this turn
                blocks.extend(
                    Block(at_ps=at_ps, egress_index=index, is_blocked=is_blocked)
                    for index in by_port.get(end, ())
                )

        for segment in shut:
            note(segment, 0, is_blocked=True)
        for change in timeline.changes:
            nodes = shut.setdefault(change.segment_index, set())
            before = bool(nodes)
            (nodes.discard if change.forwards else nodes.add)(change.node_index)
            if before != bool(nodes):
                note(change.segment_index, change.at_ps, is_blocked=bool(nodes))
    return blocks


class _Ways:
    """Finds the changes of ways, episode by episode."""

    def __init__(
        self, plan: Plan, faults: Sequence[Fault], timelines: Sequence[RingTimeline]
    ) -> None:
        self._plan, self._faults, self._timelines = plan, faults, timelines
        self._segment_of = {
            end: (ring_index, index)
            for ring_index, timeline in enumerate(timelines)
            for index, segment in enumerate(timeline.ring.segments)
            for end in segment.ends
        }
        self._members = {node for timeline in timelines for node in timeline.ring.nodes}

    def changes(self) -> list[WayChange]:
        """All changes, stream by stream and node by node."""
        times = {time for fault in self._faults for time in (fault.at_ps, fault.until_ps)}
        starts = [-1, *sorted(time for time in times if time is not None)]
        found: list[WayChange] = []
        for index, stream in enumerate(self._plan.streams):
            if not stream.standby:
                continue
            trees = [stream.hops, *(way.hops for way in stream.standby)]
            nodes = list(dict.fromkeys(hop.from_node for tree in trees for hop in tree))
            present = dict.fromkeys(nodes, 0)
            way = 0
            for place, start_ps in enumerate(starts):
                end_ps = starts[place + 1] if place + 1 < len(starts) else None
                way = self._way(trees, end_ps, way)
                for node in nodes:
                    if present[node] == way:
                        continue
                    at_ps = self._goes_over_ps(node, trees[way], start_ps, end_ps)
                    if at_ps is not None:
                        present[node] = way
                        found.append(
                            WayChange(at_ps=at_ps, stream_index=index, node=node, way_index=way)
                        )
        return found

    def _way(self, trees: Sequence[tuple[Hop, ...]], end_ps: int | None, otherwise: int) -> int:
        """The first way that is whole at the end of an episode; the present one if none is."""
        for way, tree in enumerate(trees):
            segments = {
                self._segment_of.get(_port(self._plan.egresses[hop.egress_index])) for hop in tree
            }
            if all(one is None or self._is_active(one, end_ps) for one in segments):
                return way
        return otherwise

    def _is_active(self, segment: Segment, end_ps: int | None) -> bool:
        """Whether both ports of a segment forward, and it is whole, just before a time."""
        timeline = self._timelines[segment[0]]
        ends = timeline.ring.segments[segment[1]].ends
        for fault in self._faults:
            is_over = fault.until_ps is not None and (end_ps is None or fault.until_ps < end_ps)
            if is_over or (end_ps is not None and fault.at_ps >= end_ps):
                continue
            if isinstance(fault, LinkCut):
                if set(fault.ends) == set(ends):
                    return False
            elif isinstance(fault, NodeOutage) and any(
                end.startswith(port_name(fault.node, "")) for end in ends
            ):
                return False
        state = {node: False for node, index in timeline.blocked if index == segment[1]}
        for change in timeline.changes:
            if change.segment_index == segment[1] and (end_ps is None or change.at_ps < end_ps):
                state[change.node_index] = change.forwards
        return all(state.values())

    def _goes_over_ps(
        self, node: str, tree: tuple[Hop, ...], start_ps: int, end_ps: int | None
    ) -> int | None:
        """When a node sends by a tree; None when it never learns that it should.

        A node outside all rings sends the same whichever the way is; it changes its
        way with the episode, so that the numbering of ways stays together.
        """
        if start_ps < 0 or node not in self._members:
            return max(start_ps, 0)

        def within(time_ps: int) -> bool:
            return time_ps >= start_ps and (end_ps is None or time_ps < end_ps)

        ports = {
            _port(self._plan.egresses[hop.egress_index]) for hop in tree if hop.from_node == node
        }
        flushes: list[int] = []
        opened: list[int] = []
        for timeline in self._timelines:
            if node not in timeline.ring.nodes:
                continue
            number = timeline.ring.nodes.index(node)
            flushes += [
                flush.at_ps
                for flush in timeline.flushes
                if flush.node_index == number and within(flush.at_ps)
            ]
            opened += [
                change.at_ps
                for change in timeline.changes
                if change.node_index == number
                and change.forwards
                and within(change.at_ps)
                and ports & set(timeline.ring.segments[change.segment_index].ends)
            ]
        if not flushes:
            return None
        return max(min(flushes), *opened, start_ps)

# SPDX-License-Identifier: Apache-2.0
"""Fault scenarios as data: which link, node or talker fails when, and when it is back.

A frame on a cut wire, or being sent when it is cut, is lost, and so is what is sent onto it
until it is mended. What waits in a port is discarded when the port notices that its link went down
or came back (see :mod:`emulator.simulation.outages`). A node that is down loses what it
holds and what reaches it; its talkers release nothing, and keep their times. A talker that babbles
sends its largest frame as fast as its wire takes it, beside what it sends by its contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from netplan.design.quantities import duration_text
from netplan.media.frames import wire_time_ps
from netplan.media.interface import WireMechanism
from netplan.plan.model import Emission, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCut:
    """A link fails, and is mended or not.

    Attributes:
        ends: Its two ports, as ``node.port``.
        at_ps: When it fails.
        until_ps: When it is mended; None when it never is.
        one_way: Only frames from the first end to the second are lost; neither port notices.
        is_silent: Neither port notices (a media converter in between keeps the carrier up).
    """

    ends: tuple[str, str]
    at_ps: int
    until_ps: int | None = None
    one_way: bool = False
    is_silent: bool = False

    @property
    def is_noticed(self) -> bool:
        """Whether the ports at its ends see the loss."""
        return not (self.one_way or self.is_silent)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOutage:
    """A node fails, with all that it holds, and comes back or not.

    Attributes:
        node: Its name.
        at_ps: When it fails.
        until_ps: When it is back, empty; None when it never is.
    """

    node: str
    at_ps: int
    until_ps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkerFault:
    """A talker releases nothing, or too much, of one stream.

    Attributes:
        stream: Its name.
        babbles: Whether it sends too much.
        at_ps: When it begins.
        until_ps: When it is over; None when it never is.
    """

    stream: str
    babbles: bool
    at_ps: int
    until_ps: int | None = None


Fault = LinkCut | NodeOutage | TalkerFault


def fault_text(fault: Fault) -> str:
    """A fault in words."""
    if isinstance(fault, LinkCut):
        sign = ">" if fault.one_way else "-"
        kind = "corrupt" if fault.is_silent else "cut"
        what = f"{kind} {fault.ends[0]} {sign} {fault.ends[1]}"
    elif isinstance(fault, NodeOutage):
        what = f"down {fault.node}"
    else:
        what = f"{'babbling' if fault.babbles else 'silent'} {fault.stream}"
    what += f" at {duration_text(fault.at_ps)}"
    return what if fault.until_ps is None else f"{what} until {duration_text(fault.until_ps)}"


def with_babblers(plan: Plan, faults: Sequence[Fault]) -> Plan:
    """The plan with what babbling talkers send besides, as streams behind all others.

    They pass the same filters and queues, under another name.

    Raises:
        ValueError: A talker that is to babble does not send by a wire.
    """
    babblers = [
        (place, fault)
        for place, fault in enumerate(faults)
        if isinstance(fault, TalkerFault) and fault.babbles
    ]
    if not babblers:
        return plan
    by_name = {stream.name: stream for stream in plan.streams}
    added = []
    for place, fault in babblers:
        stream = by_name[fault.stream]
        hop = stream.hops[0]
        sender = plan.egresses[hop.egress_index].mechanism
        mechanism = sender if isinstance(sender, WireMechanism) else None
        if mechanism is None:
            message = f"the talker of {stream.name} sends at grants, where nobody can babble"
            raise ValueError(message)
        frame = max(octets for message in stream.emission.messages for octets in message)
        around = mechanism.lead_octets + mechanism.tail_octets + hop.added_octets
        emission = Emission(
            messages=((frame,),),
            period_ps=wire_time_ps(frame + around, mechanism.line_bps),
            sporadic=False,
            phase_ps=fault.at_ps,
            jitter_ps=0,
        )
        added.append(replace(stream, name=babbler_name(stream.name, place), emission=emission))
    return replace(plan, streams=(*plan.streams, *added))


def babbler_name(stream: str, place: int) -> str:
    """Name of what a talker sends too much, by the place of the fault in its scenario."""
    return f"{stream}~babbling{place}"


def port_name(node: str, port: str) -> str:
    """How a plan writes a port."""
    return f"{node}.{port}"


def check_faults(plan: Plan, faults: Sequence[Fault]) -> None:
    """Raise ValueError when a fault names what the plan does not have, or impossible times."""
    nodes = {hop.from_node for stream in plan.streams for hop in stream.hops}
    nodes |= {hop.to_node for stream in plan.streams for hop in stream.hops}
    nodes |= {node.name for node in plan.nodes}
    links = {link.ends for link in plan.links} | {
        segment.ends for ring in plan.rings for segment in ring.segments
    }
    known = {name for ends in links for name in ends}
    known |= {port_name(egress.node, egress.port) for egress in plan.egresses}
    streams = {stream.name for stream in plan.streams}
    for fault in faults:
        if isinstance(fault, TalkerFault):
            if fault.stream not in streams:
                raise ValueError(f"a fault names the stream {fault.stream}, which the plan lacks")
        elif isinstance(fault, NodeOutage):
            if fault.node not in nodes:
                raise ValueError(f"a fault names the node {fault.node}, which the plan lacks")
        elif not set(fault.ends) & known:
            raise ValueError(f"a fault names the link {fault.ends}, which the plan lacks")
        if fault.at_ps < 0 or (fault.until_ps is not None and fault.until_ps <= fault.at_ps):
            raise ValueError("a fault ends before it begins, or begins before the run")


def receivers(plan: Plan) -> list[set[str]]:
    """For each transmitter, the nodes that streams reach over it."""
    found: list[set[str]] = [set() for _ in plan.egresses]
    for stream in plan.streams:
        for tree in (stream.hops, *(way.hops for way in stream.standby)):
            for hop in tree:
                found[hop.egress_index].add(hop.to_node)
    return found


def cut_egresses(plan: Plan, cut: LinkCut) -> list[int]:
    """Transmitters whose frames a cut takes."""
    ways = [cut.ends] if cut.one_way else [cut.ends, (cut.ends[1], cut.ends[0])]
    reached = receivers(plan)
    return [
        index
        for index, egress in enumerate(plan.egresses)
        for sender, receiver in ways
        if port_name(egress.node, egress.port) == sender
        and (
            not reached[index]
            or any(receiver.startswith(port_name(node, "")) for node in reached[index])
        )
    ]


def merged(
    spans: Iterable[tuple[int, int | None]],
) -> list[tuple[int, int | None]]:
    """Spans of time, some of them without an end, joined where they overlap or touch."""
    joined: list[tuple[int, int | None]] = []
    for start_ps, end_ps in sorted(spans, key=lambda span: span[0]):
        if joined:
            last_start_ps, last_end_ps = joined[-1]
            if last_end_ps is None:
                break
            if start_ps <= last_end_ps:
                longer_ps = None if end_ps is None else max(end_ps, last_end_ps)
                joined[-1] = (last_start_ps, longer_ps)
                continue
        joined.append((start_ps, end_ps))
    return joined

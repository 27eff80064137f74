# SPDX-License-Identifier: Apache-2.0
"""The way of each demand: nodes to pass, tunnels unfolded, redundant ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from netplan.design.design import Design
from netplan.design.findings import Finding, Severity
from netplan.design.names import port_of
from netplan.design.resolve import Equipment
from netplan.media.frames import (
    ETHERNET_HEADER_OCTETS,
    GTP_U_OCTETS,
    R_TAG_OCTETS,
    VLAN_TAG_OCTETS,
)
from netplan.plan.channel import Channels
from netplan.plan.demand import Demand
from netplan.plan.doubled import TAG_OCTETS, Doubling, Nodes, doublings
from netplan.plan.rings import Pair
from netplan.plan.timetable import way_faults
from netplan.plan.trees import Step, Way, crossing_node, shared_node, tagged
from netplan.tsn.disjoint import disjoint_ways
from netplan.tsn.routing import Router
from netplan.tsn.simple_paths import SimplePaths

_ETHERNET_IN_TUNNEL_OCTETS = ETHERNET_HEADER_OCTETS + VLAN_TAG_OCTETS + GTP_U_OCTETS
"""Outer header, tag and GTP-U around a whole frame; its FCS gives way to the outer one."""
_IP_IN_TUNNEL_OCTETS = GTP_U_OCTETS
"""Only the packet is carried: the outer Ethernet header takes the place of the inner one."""


@dataclass(slots=True)
class WayFinder:
    """Finds ways over a plant's channels.

    Attributes:
        design: For findings.
        channels: What joins nodes.
        router: Over what is in service.
        doublings: Where frames go twice by themselves.
        closed: Pairs of nodes whose link a ring keeps out of service.
        paths: Further ways for schedules, once they have been asked for.
    """

    design: Design
    channels: Channels
    router: Router
    doublings: tuple[Doubling, ...] = ()
    closed: frozenset[Pair] = frozenset()
    paths: SimplePaths | None = None

    def ways(self, demand: Demand) -> tuple[list[tuple[Way, ...]], list[Finding]]:
        """The ways to each listener, or findings for those that cannot be reached."""
        findings = way_faults(self.design, demand, self.router.forwards, self._is_joined)
        if findings:
            return [], findings
        ways_of: list[tuple[Way, ...]] = []
        for index, listener in enumerate(demand.listeners):
            found, kind = self._nodes(demand, listener)
            ways = [way for way in map(self._unfold, found) if way is not None]
            if not ways:
                findings.append(self._unreachable(demand, index))
                continue
            shared = shared_node(ways, {node for one in found for node in one})
            wrong = self._wrong_port(demand, ways[0]) or self._too_few(
                demand, index, kind, len(ways), shared
            )
            if wrong is not None:
                findings.append(wrong)
                continue
            ways_of.append(tagged(ways, kind or "frer", TAG_OCTETS.get(kind, R_TAG_OCTETS)))
        if not findings and (demand.given_ways or any(len(ways) > 1 for ways in ways_of)):
            findings += self._crossings(demand, ways_of)
        return ways_of, findings

    def _is_joined(self, from_node: str, to_node: str) -> bool:
        if (from_node, to_node) in self.closed:
            return False
        return self._unfold((from_node, to_node)) is not None

    def _nodes(self, demand: Demand, listener: str) -> tuple[tuple[Nodes, ...], str]:
        """Nodes of every way to a listener, as scheduled, as asked for, or as found; what doubles it."""
        given = tuple(way for way in demand.given_ways if way[-1] == listener)
        if given:
            return given, self._kind_of(given)
        if demand.way_count > 1:
            found = disjoint_ways(
                self.router.neighbours, self.router.forwards, demand.talker, listener,
                demand.way_count,
            )  # fmt: skip
            return found, ""
        if demand.waypoints:
            nodes = self.router.through((demand.talker, *demand.waypoints, listener))
        else:
            nodes = self.router.shortest(demand.talker, listener)
        if nodes is None:
            return (), ""
        for doubling in self.doublings:
            if doubling.doubles(nodes):
                return doubling.ways(nodes), doubling.kind
        return (nodes,), ""

    def _kind_of(self, given: tuple[Nodes, ...]) -> str:
        """What doubles a stream whose ways a schedule gives."""
        for doubling in self.doublings:
            if len(given) > 1 and doubling.doubles(given[0]):
                return doubling.kind
        return ""

    def other_ways(self, demand: Demand, count: int) -> list[Way]:
        """Further ways of a demand that may go any way, shortest first."""
        if demand.given_ways or demand.waypoints or demand.way_count > 1:
            return []
        if len(demand.listeners) > 1 or self._nodes(demand, demand.listeners[0])[1]:
            return []
        talker, (listener,) = demand.talker, demand.listeners
        if self.paths is None:
            self.paths = SimplePaths(self.router.neighbours, self.router.forwards)
        first = self.router.shortest(talker, listener)
        found = self.paths.shortest(talker, listener, count + 1)
        ways = [self._unfold(nodes) for nodes in found if nodes != first]
        return [way for way in ways if way is not None][:count]

    def _too_few(
        self, demand: Demand, index: int, kind: str, way_count: int, shared: str
    ) -> Finding | None:
        wanted = max(demand.way_count, 2 if kind else 1)
        if way_count >= wanted and not shared:
            return None
        listener = demand.listeners[index]
        return self.design.finding(
            "REDUNDANCY-WAYS", Severity.ERROR,
            f"the ways to '{listener}' are not disjoint" if shared
            else f"there are not so many disjoint ways to '{listener}'",
            at=demand.origin, keys=() if kind else ("ways",),
            expected=f"{wanted} disjoint ways{f' by {kind.upper()}' if kind else ''}",
            found=f"'{shared}' on two ways" if shared else f"{way_count}",
            hint="add links that close a ring or mesh"
            + ("" if kind else ", or lower 'ways'"),
        )  # fmt: skip

    def _crossings(self, demand: Demand, ways_of: list[tuple[Way, ...]]) -> list[Finding]:
        """Copies that came together must not be led back over a node that they have passed."""
        node = crossing_node(ways_of)
        if not node:
            return []
        finding = self.design.finding(
            "REDUNDANCY-LOOP", Severity.ERROR, "the ways to several listeners cross each other",
            at=demand.origin, keys=("ways",) if demand.way_count > 1 else (),
            expected="ways that come together once", found=f"a crossing at '{node}'",
            hint="write one stream for each listener",
        )  # fmt: skip
        return [finding]

    def _unfold(self, nodes: tuple[str, ...]) -> Way | None:
        """Replace each step between a UE and its UPF by radio and tunnel."""
        steps: list[Step] = []
        for from_node, to_node in pairwise(nodes):
            channel = self.channels.between.get((from_node, to_node))
            tunnels = self.channels.tunnels
            if channel is not None and not self._is_tunnelled(from_node, to_node):
                steps.append(Step(channel=channel, added_octets=0))
            elif from_node in tunnels and tunnels[from_node][1] == to_node:
                tunnel = self._tunnel(from_node, upward=True)
                if tunnel is None:
                    return None
                steps.extend(tunnel)
            elif to_node in tunnels and tunnels[to_node][1] == from_node:
                tunnel = self._tunnel(to_node, upward=False)
                if tunnel is None:
                    return None
                steps.extend(tunnel)
            else:
                return None
        return Way(steps=tuple(steps))

    def _is_tunnelled(self, from_node: str, to_node: str) -> bool:
        tunnels = self.channels.tunnels
        return tunnels.get(from_node, ("", ""))[0] == to_node or (
            tunnels.get(to_node, ("", ""))[0] == from_node
        )

    def _tunnel(self, ue: str, *, upward: bool) -> list[Step] | None:
        """Radio between UE and gNB, then the GTP-U tunnel between gNB and UPF, or back."""
        gnb, upf = self.channels.tunnels[ue]
        inner = self.router.shortest(gnb, upf) if upward else self.router.shortest(upf, gnb)
        if inner is None:
            return None
        sessions = {attachment.session for attachment in self.design.nodes[ue].attach.values()}
        added = _IP_IN_TUNNEL_OCTETS if sessions == {"ip"} else _ETHERNET_IN_TUNNEL_OCTETS
        carried = [
            Step(channel=self.channels.between[pair], added_octets=added)
            for pair in pairwise(inner)
        ]
        radio = self.channels.between[(ue, gnb) if upward else (gnb, ue)]
        if upward:
            return [Step(channel=radio, added_octets=0), *carried]
        return [*carried, Step(channel=radio, added_octets=0)]

    def _unreachable(self, demand: Demand, index: int) -> Finding:
        keys: tuple[str | int, ...] = ()
        if demand.origin[0] == "streams":
            keys = ("to", index)
        listener = demand.listeners[index]
        return self.design.finding(
            "ROUTE-NONE", Severity.ERROR, f"no way leads from '{demand.talker}' to '{listener}'",
            at=demand.origin, keys=keys,
            expected="links and networks that join them through nodes that forward",
            found="none" if not demand.waypoints else "none through the nodes of 'path'",
            hint="connect them; only bridges, routers, firewalls and UPFs pass frames on",
        )  # fmt: skip

    def _wrong_port(self, demand: Demand, way: Way) -> Finding | None:
        """An offer's reference points are ports: its way must leave and arrive by them."""
        if demand.origin[0] != "offers":
            return None
        offer = self.design.offers[demand.origin[1]]
        ports = [port_of(end) for end in offer.between]
        if demand.name.endswith(".reverse"):
            ports.reverse()
        used = [way.steps[0].channel.from_port, way.steps[-1].channel.to_port]
        if used == ports:
            return None
        return self.design.finding(
            "OFFER-PATH", Severity.ERROR, "the way does not pass the offer's reference points",
            at=demand.origin, keys=("between",), expected=f"a way by ports {' and '.join(ports)}",
            found=f"ports {' and '.join(used)}", hint="name the ports that face each other",
        )  # fmt: skip


def way_finder(
    design: Design,
    equipment: Equipment,
    channels: Channels,
    closed: frozenset[Pair] = frozenset(),
) -> WayFinder:
    """A finder whose routes treat each UE as a neighbour of its UPF.

    Traffic of a UE must pass its UPF, so between the two there is only the tunnel; a gNB
    passes nothing on by itself.

    Args:
        design: For findings.
        equipment: What forwards.
        channels: What joins nodes.
        closed: Pairs of nodes whose link is out of service.
    """
    neighbours = {
        node: [other for other in others if (node, other) not in closed]
        for node, others in channels.neighbours.items()
    }
    for ue, (gnb, upf) in channels.tunnels.items():
        if gnb == upf:
            continue
        neighbours[ue] = [upf if other == gnb else other for other in neighbours[ue]]
        neighbours[gnb] = [other for other in neighbours[gnb] if other != ue]
        neighbours.setdefault(upf, []).append(ue)
    forwards = {
        name: node.forwards and not ("gnb" in node.functions and "upf" not in node.functions)
        for name, node in equipment.nodes.items()
    }
    return WayFinder(
        design=design,
        channels=channels,
        router=Router(neighbours=neighbours, forwards=forwards),
        doublings=doublings(design, equipment, channels.neighbours),
        closed=closed,
    )


Routed = Mapping[str, tuple[Demand, list[tuple[Way, ...]]]]
"""Demands by name, each with its ways to each listener."""


def largest_on(routed: Routed) -> dict[str, int]:
    """The largest frame on each transmitter, tunnels included."""
    largest: dict[str, int] = {}
    for demand, ways_of in routed.values():
        ways = [way for ways in ways_of for way in ways]
        frame = max(max(message) for message in demand.emission.messages)
        for way in ways:
            for step in way.steps:
                name = step.channel.egress
                largest[name] = max(frame + step.added_octets, largest.get(name, 0))
    return largest


def allowed_on(routed: Routed) -> dict[str, float]:
    """The share of frames that may be late on each radio transmitter.

    A demand's tolerated share is divided evenly over the radio channels of its longest
    way; each transmitter gets the smallest share that any of its demands grants.
    """
    allowed: dict[str, float] = {}
    for demand, ways_of in routed.values():
        ways = [way for ways in ways_of for way in ways]
        if demand.allowed_miss_ratio <= 0:
            continue
        radios = max(sum(step.channel.radio for step in way.steps) for way in ways)
        for way in ways:
            for step in way.steps:
                if step.channel.radio:
                    share = demand.allowed_miss_ratio / radios
                    name = step.channel.egress
                    allowed[name] = min(share, allowed.get(name, 1.0))
    return allowed

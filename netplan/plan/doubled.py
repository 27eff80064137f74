# SPDX-License-Identifier: Apache-2.0
"""Ways of frames that HSR and PRP send twice: both directions of a ring, or both LANs.

Between the first and the last node of a way that belong to the redundancy, a frame goes twice and
carries a sequence number; before and behind it goes once, as through a RedBox.

Source: IEC 62439-3:2021, clauses 4 (PRP) and 5 (HSR).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netplan.design.design import Design
from netplan.design.redundancy import HsrRing, PrpLans
from netplan.design.redundancy_rules import doubly_attached, joined
from netplan.design.resolve import Equipment
from netplan.media.frames import HSR_TAG_OCTETS, PRP_TRAILER_OCTETS
from netplan.tsn.routing import Router

TAG_OCTETS = {"hsr": HSR_TAG_OCTETS, "prp": PRP_TRAILER_OCTETS}

Nodes = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubling:
    """A ring or pair of LANs whose nodes send twice.

    Attributes:
        name: In the design.
        kind: ``hsr`` or ``prp``.
        ends: Nodes at which frames may be doubled and duplicates discarded.
        ring: Nodes in order around, for HSR.
        lans: Routes within each LAN and to its end nodes, for PRP.
    """

    name: str
    kind: str
    ends: frozenset[str]
    ring: Nodes = ()
    lans: tuple[Router, ...] = ()

    def doubles(self, nodes: Nodes) -> bool:
        """Whether frames that take a way go twice for a part of it."""
        return sum(node in self.ends for node in nodes) > 1

    def ways(self, nodes: Nodes) -> tuple[Nodes, ...]:
        """The ways of both copies; fewer when a LAN does not join the two ends."""
        inside = [place for place, node in enumerate(nodes) if node in self.ends]
        first, last = inside[0], inside[-1]
        start, end = nodes[first], nodes[last]
        middles = self._around(start, end) if self.ring else self._over_lans(start, end)
        return tuple(nodes[:first] + middle + nodes[last + 1 :] for middle in middles)

    def _around(self, start: str, end: str) -> tuple[Nodes, ...]:
        place = self.ring.index(start)
        turned = self.ring[place:] + self.ring[:place]
        forth = turned[: turned.index(end) + 1]
        back = (start, *reversed(turned[turned.index(end) :]))
        return forth, back

    def _over_lans(self, start: str, end: str) -> tuple[Nodes, ...]:
        found = [lan.shortest(start, end) for lan in self.lans]
        return tuple(nodes for nodes in found if nodes is not None)


def doublings(
    design: Design, equipment: Equipment, neighbours: Mapping[str, Sequence[str]]
) -> tuple[Doubling, ...]:
    """Every HSR ring and every pair of PRP LANs of a design."""
    found: list[Doubling] = []
    for name, one in design.redundancy.items():
        if isinstance(one, HsrRing):
            found.append(Doubling(name=name, kind="hsr", ends=frozenset(one.nodes), ring=one.nodes))
        elif isinstance(one, PrpLans):
            ends = doubly_attached(one, joined(equipment))
            lans = tuple(_router(set(lan), ends, neighbours) for lan in one.lans)
            found.append(Doubling(name=name, kind="prp", ends=ends, lans=lans))
    return tuple(found)


def _router(lan: set[str], ends: frozenset[str], neighbours: Mapping[str, Sequence[str]]) -> Router:
    """Routes over the bridges of one LAN alone."""
    known = lan | ends
    return Router(
        neighbours={
            node: [other for other in others if other in known and (node in lan or other in lan)]
            for node, others in neighbours.items()
            if node in known
        },
        forwards={node: node in lan for node in known},
    )

# SPDX-License-Identifier: Apache-2.0
"""Who gives time to whom: clocks, links, the best master and the tree below it.

The best master clock algorithm compares what clocks announce of themselves, the lower
value winning; the tree takes each node's time over the fewest steps, equals being told
apart by the identity of the sender. Only nodes that relay time stand inside the tree.

Source: IEEE Std 802.1AS-2020, 10.3 (best master clock selection).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from netplan.catalog.model import ClockValues

PRIORITY2 = 248
"""Source: IEEE Std 802.1AS-2020, 8.6.2.5 (default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeNode:
    """A node that takes part in time synchronisation.

    Attributes:
        node: Its name, which also is its identity where all else is equal.
        drift_ppb: Largest rate deviation of its oscillator from nominal.
        wander_ppb_per_s: Largest change of that deviation in a second.
        timestamp_ps: Largest error of one timestamp, either way.
        residence_ps: Largest time that it holds a Sync message, or takes to answer Pdelay.
        relays: Whether it passes time on (a PTP relay instance).
        eligible: Whether it can be grandmaster.
        announced: Its priority1, clock class and priority2, in which order clocks are compared.
    """

    node: str
    drift_ppb: int
    wander_ppb_per_s: int
    timestamp_ps: int
    residence_ps: int
    relays: bool = True
    eligible: bool = True
    announced: tuple[int, int, int] = (246, 248, PRIORITY2)

    @property
    def rank(self) -> tuple[tuple[int, int, int], str]:
        """What the best master clock algorithm compares; the least wins.

        Accuracy and variance stand between class and priority2; without a data sheet all
        devices announce the same, so they decide nothing here.
        """
        return self.announced, self.node


def time_node(node: str, values: ClockValues, *, relays: bool) -> TimeNode:
    """A node with the clock that the catalogue gives its device."""
    priority1 = values.priority1.value
    return TimeNode(
        node=node,
        drift_ppb=values.drift_ppb.value,
        wander_ppb_per_s=values.wander_ppb_per_s.value,
        timestamp_ps=values.timestamp_error_ps.value,
        residence_ps=values.residence_ps.value,
        relays=relays,
        eligible=priority1 < 255,
        announced=(priority1, values.clock_class.value, PRIORITY2),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLink:
    """A link that carries time both ways.

    Attributes:
        ends: Its two nodes.
        delay_ps: Largest propagation delay.
        asymmetry_ps: Largest unknown half difference between the delays of the two directions.
    """

    ends: tuple[str, str]
    delay_ps: int = 0
    asymmetry_ps: int = 0


def time_link(
    ends: tuple[str, str],
    values: tuple[ClockValues, ClockValues],
    *,
    delay_ps: int,
    medium_asymmetry_ps: int = 0,
) -> TimeLink:
    """A link between two devices of the catalogue: what their PHYs differ by adds up.

    Args:
        ends: Its two nodes.
        values: Their clocks.
        delay_ps: Largest propagation delay.
        medium_asymmetry_ps: Half difference of cable or fibre, such as two fibres of unlike length.
    """
    in_devices_ps = sum(one.asymmetry_ps.value for one in values)
    return TimeLink(ends=ends, delay_ps=delay_ps, asymmetry_ps=in_devices_ps + medium_asymmetry_ps)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStep:
    """How time reaches one node: over which link, from where, after how many hops."""

    node: str
    parent: str
    hops_count: int
    link: TimeLink | None


def elected(nodes: Iterable[TimeNode]) -> str | None:
    """The grandmaster that the best master clock algorithm finds; None when no node can be it."""
    best = min((node for node in nodes if node.eligible), key=lambda one: one.rank, default=None)
    return None if best is None else best.node


def time_tree(
    nodes: Mapping[str, TimeNode], links: Sequence[TimeLink], grandmaster: str
) -> tuple[TimeStep, ...]:
    """The synchronisation tree below a grandmaster, parents before children.

    Nodes that no chain of relays reaches are left out.
    """
    neighbours: dict[str, dict[str, TimeLink]] = {name: {} for name in nodes}
    for link in links:
        one, other = link.ends
        if one in neighbours and other in neighbours:
            neighbours[one].setdefault(other, link)
            neighbours[other].setdefault(one, link)
    steps = {grandmaster: TimeStep(node=grandmaster, parent="", hops_count=0, link=None)}
    level = [grandmaster]
    while level:
        # senders of one level in the order of their identity: the first to reach a node keeps it
        following: list[str] = []
        for sender in sorted(level):
            if sender != grandmaster and not nodes[sender].relays:
                continue
            for receiver, link in neighbours[sender].items():
                if receiver not in steps:
                    steps[receiver] = TimeStep(
                        node=receiver,
                        parent=sender,
                        hops_count=steps[sender].hops_count + 1,
                        link=link,
                    )
                    following.append(receiver)
        level = following
    return tuple(steps.values())

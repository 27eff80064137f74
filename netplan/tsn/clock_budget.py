# SPDX-License-Identifier: Apache-2.0
"""How wrong a synchronised clock can be: a proven budget, hop by hop and term by term.

It holds for clocks that run as :class:`netplan.tsn.mechanisms.Synchronisation` says, in steady
state and without lost messages. Every term is a worst case and they are added, never
combined by squares; filters and servos of real products can only be better. Ratios are
integers in parts of 10**18 and always rounded up.

Source: IEEE Std 802.1AS-2020, clause 11 (link delay, residence), 10.2 (rate ratio), annex B
(requirements on clocks); IEC/IEEE 60802 annex D (how the terms add up along a line).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from netplan.media.frames import PS_PER_S
from netplan.tsn.time_tree import TimeLink, TimeNode, TimeStep

ONE = 10**18
"""The ratio 1."""
PPB = ONE // 10**9
ROUNDING_PS = 4
"""Per hop: correctionField counts in 2**-16 ns, and who computes in whole picoseconds rounds."""


class ErrorKind(StrEnum):
    """Where a part of a clock's error comes from."""

    DEPARTURE = "Sync departure timestamp"
    ARRIVAL = "Sync arrival timestamp"
    LINK_DELAY = "Pdelay timestamps"
    TURNAROUND = "rate error over turnaround and link"
    ASYMMETRY = "link asymmetry"
    RESIDENCE = "rate error over residence"
    ROUNDING = "rounding"
    GROWTH = "rate error until the next Sync"


SOURCES = {
    ErrorKind.DEPARTURE: "IEEE Std 802.1AS-2020, 11.3.2 (syncEventEgressTimestamp), B.1.2",
    ErrorKind.ARRIVAL: "IEEE Std 802.1AS-2020, 11.3.2 (syncEventIngressTimestamp), B.1.2",
    ErrorKind.LINK_DELAY: "IEEE Std 802.1AS-2020, 11.2.19.3.4 (meanLinkDelay from t1 to t4)",
    ErrorKind.TURNAROUND: "IEEE Std 802.1AS-2020, 11.2.19.3.4, B.2.3 (turnaround)",
    ErrorKind.ASYMMETRY: "IEEE Std 802.1AS-2020, 8.3 (delayAsymmetry)",
    ErrorKind.RESIDENCE: "IEEE Std 802.1AS-2020, 11.2.14 (correction by rateRatio), B.2.2",
    ErrorKind.ROUNDING: "IEEE Std 802.1AS-2020, 6.4.3.3 (TimeInterval of 2**-16 ns)",
    ErrorKind.GROWTH: "IEEE Std 802.1AS-2020, 10.2 (rateRatio), B.2.4; IEC/IEEE 60802 annex D",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorTerm:
    """One part of a clock's error, and where it is defined."""

    kind: ErrorKind
    error_ps: int

    @property
    def source(self) -> str:
        """Standard and clause."""
        return SOURCES[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeBudget:
    """The worst error of one node's clock and what it is made of.

    Attributes:
        node: Whose clock.
        parent: Where its time comes from.
        hops_count: Links between the grandmaster and it.
        terms: What its own hop adds, the residence in its parent included.
        travel_ps: Largest time that Sync takes from the grandmaster to it.
        received_ps: Error right after Sync has set the clock: the terms of all hops on the way.
        growth: What the rate error adds until the next Sync.
        rate_error_ppb: Largest error of the rate ratio to the grandmaster, rounded up.
        error_ps: Worst error at any time.
    """

    node: str
    parent: str
    hops_count: int
    terms: tuple[ErrorTerm, ...]
    travel_ps: int
    received_ps: int
    growth: ErrorTerm
    rate_error_ppb: int
    error_ps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Intervals of a gPTP domain.

    Attributes:
        interval_ps: Between two Sync messages of the grandmaster.
        pdelay_interval_ps: Between two delay measurements on a link.
        silence_ps: Time that a clock runs without new Sync; 0 for the steady state, in which it
            is the interval plus what the message may take longer.
    """

    interval_ps: int
    pdelay_interval_ps: int
    silence_ps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rate:
    """How wrong the rate ratio of a node to the grandmaster can be, in parts of ONE.

    Attributes:
        product_ratio: Relative error of the product of the neighbour rate ratios.
        sum_ratio: Difference between that product and one plus the sum of the deviations.
        error_ratio: Relative error, whichever of the two is used.
    """

    product_ratio: int = 0
    sum_ratio: int = 0
    error_ratio: int = 0


def wander_ppb(node: TimeNode, interval_ps: int) -> int:
    """Change of a node's rate deviation within one Sync interval, rounded up."""
    return -(-node.wander_ppb_per_s * interval_ps // PS_PER_S)


def budgets(
    nodes: Mapping[str, TimeNode], tree: Sequence[TimeStep], timing: Timing
) -> tuple[NodeBudget, ...]:
    """The budget of every node of a tree, in its order; the grandmaster's is 0.

    Args:
        nodes: Parameters of at least the nodes of the tree.
        tree: Parents before children, the grandmaster first.
        timing: Intervals; with ``silence_ps``, the errors after so long a silence.
    """
    domain = _Domain.of(nodes, tree, timing)
    rates: dict[str, _Rate] = {}
    rows: dict[str, NodeBudget] = {}
    for step in tree:
        if step.link is None:
            rates[step.node] = _Rate()
            terms: tuple[ErrorTerm, ...] = ()
            received_ps = 0
        else:
            parent, child = nodes[step.parent], nodes[step.node]
            hop_ratio = domain.neighbour_error(parent, child)
            rates[step.node] = domain.rate(
                rates[step.parent], parent, child, hop_ratio, first=step.hops_count == 1
            )
            terms = domain.hop_terms(
                (parent, child), step.link, (rates[step.parent], rates[step.node]), hop_ratio
            )
            received_ps = rows[step.parent].received_ps + sum(term.error_ps for term in terms)
        travel_ps = domain.travel_ps[step.node]
        silence_ps = timing.silence_ps or timing.interval_ps + travel_ps
        error_ratio = rates[step.node].error_ratio
        growth_ps = _times(_times(silence_ps, domain.stretch_ratio), error_ratio)
        rows[step.node] = NodeBudget(
            node=step.node,
            parent=step.parent,
            hops_count=step.hops_count,
            terms=terms,
            travel_ps=travel_ps,
            received_ps=received_ps,
            growth=ErrorTerm(kind=ErrorKind.GROWTH, error_ps=growth_ps),
            rate_error_ppb=-(-error_ratio // PPB),
            error_ps=received_ps + growth_ps,
        )
    return tuple(rows.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Domain:
    """What all hops of a tree share.

    Attributes:
        timing: Intervals.
        travel_ps: Largest time of Sync from the grandmaster to each node.
        grandmaster_ratio: Largest rate deviation of the grandmaster.
        stretch_ratio: A time on one clock of the tree over the same time on another, at most.
        age_count: Largest number of times that the oscillators may have changed by their wander
            between the start of a rate measurement and the last use of its result.
    """

    timing: Timing
    travel_ps: dict[str, int]
    grandmaster_ratio: int
    stretch_ratio: int
    age_count: int

    @classmethod
    def of(cls, nodes: Mapping[str, TimeNode], tree: Sequence[TimeStep], timing: Timing) -> _Domain:
        drift_ratio = max(nodes[step.node].drift_ppb for step in tree) * PPB
        stretch_ratio = _over(ONE + drift_ratio, ONE - drift_ratio)
        travel_ps: dict[str, int] = {}
        for step in tree:
            travel_ps[step.node] = 0
            if step.link is not None:
                travel_ps[step.node] = travel_ps[step.parent] + step.link.delay_ps
                if step.hops_count > 1:
                    travel_ps[step.node] += nodes[step.parent].residence_ps
        # a measurement takes one Pdelay interval and serves until the next one has ended; what a
        # node then tells with Sync is used until the next Sync has come to the last node
        silence_ps = timing.silence_ps or timing.interval_ps + max(travel_ps.values())
        turnaround_ps = max(nodes[step.node].residence_ps for step in tree)
        span_ps = 2 * timing.pdelay_interval_ps + turnaround_ps + silence_ps
        stretched_ps = _times(_times(span_ps, stretch_ratio), stretch_ratio)
        return cls(
            timing=timing,
            travel_ps=travel_ps,
            grandmaster_ratio=nodes[tree[0].node].drift_ppb * PPB,
            stretch_ratio=stretch_ratio,
            age_count=stretched_ps // timing.interval_ps + 1,
        )

    def neighbour_error(self, parent: TimeNode, child: TimeNode) -> int:
        """Relative error of a neighbour rate ratio when it is used.

        Four timestamps over a Pdelay interval, and the change of both oscillators since.
        """
        factors = [ONE, ONE]
        for node in (parent, child):
            stamps_ps = _times(2 * node.timestamp_ps, self.stretch_ratio)
            factors.append(ONE + _over(stamps_ps, self.timing.pdelay_interval_ps))
            changed = self.age_count * wander_ppb(node, self.timing.interval_ps) * PPB
            factors.append(ONE + _over(changed, ONE - node.drift_ppb * PPB))
        product = ONE
        for factor in factors[:-2]:
            product = _times(product, factor)
        # the child's timestamps stand in the denominator
        product = _over(_times(product, factors[-1]), 2 * ONE - factors[-2])
        return product - ONE

    def rate(
        self, before: _Rate, parent: TimeNode, child: TimeNode, hop_ratio: int, *, first: bool
    ) -> _Rate:
        """The rate ratio one hop further on."""
        drift_0, drift_p, drift_c = (
            self.grandmaster_ratio,
            *(node.drift_ppb * PPB for node in (parent, child)),
        )
        product_ratio = _times(ONE + before.product_ratio, ONE + hop_ratio) - ONE
        sum_ratio = before.sum_ratio
        if not first:  # one factor alone is its own sum
            to_parent = ONE + _over(drift_0 + drift_p, ONE - drift_p)
            to_neighbour = ONE + _over(drift_p + drift_c, ONE - drift_c)
            sum_ratio += _times(
                _times(to_parent, ONE + before.product_ratio) - ONE,
                _times(to_neighbour, ONE + hop_ratio) - ONE,
            )
        to_network = ONE + _over(drift_c + drift_0, ONE - drift_0)
        return _Rate(
            product_ratio=product_ratio,
            sum_ratio=sum_ratio,
            error_ratio=product_ratio + _times(sum_ratio, to_network),
        )

    def hop_terms(
        self,
        ends: tuple[TimeNode, TimeNode],
        link: TimeLink,
        rates: tuple[_Rate, _Rate],
        hop_ratio: int,
    ) -> tuple[ErrorTerm, ...]:
        """What one hop adds, from the arrival of Sync at the parent to that at the child."""
        parent, child = ends
        at_parent, at_child = (rate.error_ratio for rate in rates)
        to_network = _times(self.stretch_ratio, ONE + at_child)
        turnaround_ps = parent.residence_ps + 2 * (link.delay_ps + link.asymmetry_ps)
        half_ps = -(-_times(_times(turnaround_ps, self.stretch_ratio), hop_ratio) // 2)
        scale_ps = _times(_times(link.delay_ps, self.stretch_ratio), at_parent)
        values = {
            ErrorKind.DEPARTURE: _times(parent.timestamp_ps, to_network),
            ErrorKind.ARRIVAL: _times(child.timestamp_ps, to_network),
            ErrorKind.LINK_DELAY: _times(parent.timestamp_ps + child.timestamp_ps, to_network),
            ErrorKind.TURNAROUND: _times(half_ps, to_network) + scale_ps,
            ErrorKind.ASYMMETRY: _times(link.asymmetry_ps, to_network),
            ErrorKind.RESIDENCE: _times(_times(parent.residence_ps, self.stretch_ratio), at_parent),
            ErrorKind.ROUNDING: ROUNDING_PS,
        }
        return tuple(ErrorTerm(kind=kind, error_ps=error_ps) for kind, error_ps in values.items())


def _times(value: int, ratio: int) -> int:
    """A value times a ratio in parts of ONE, rounded up."""
    return -(-value * ratio // ONE)


def _over(value: int, divisor: int) -> int:
    """A quotient in parts of ONE, rounded up."""
    return -(-value * ONE // divisor)

# SPDX-License-Identifier: Apache-2.0
"""From waits at servers to the worst case of each stream at each listener.

Latency runs from the first bit after the preamble leaving the talker's port, so
on a wire the talker's own queue is not part of it; at grants it runs from
the release. A small frame waits longer (it is less of what
goes ahead of it), a large one takes longer to leave the talker: every size is tried. Where copies
come together, any of them may be the one that passes; with copies from several ports of a talker,
latency runs from the first of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from netplan.bounds.losses import losses_of
from netplan.bounds.model import Flow, Network, Server, least_ps, most_ps
from netplan.bounds.network import joined_with, received_whole
from netplan.bounds.regulators import residence_ps
from netplan.bounds.transmitter import Transmitter
from netplan.media.interface import DelayTerm, TermKind
from netplan.verdict.evidence import EgressBound, HopBound, StreamBound

_METHOD_SOURCE = "total flow analysis, packetised; Le Boudec, Thiran, Network Calculus (2001)"
_WIRE_SOURCE = "IEEE Std 802.3-2022, 3.1.1: octets over line rate"
_SCHEDULER_SOURCE = "Le Boudec, A theory of traffic regulators (2018), theorems 4 and 5"


def stream_bounds(network: Network, egresses: tuple[EgressBound, ...]) -> tuple[StreamBound, ...]:
    """One row per stream and listener."""
    return tuple(
        _stream_bound(network, egresses, stream_index, listener_index)
        for stream_index, stream in enumerate(network.plan.streams)
        for listener_index in range(len(stream.listeners))
    )


def talker_wait_ps(network: Network, root: Flow) -> int:
    """Largest time from release to the first bit after the preamble, 0 if it cannot be said.

    At grants, latency runs from the release, so nothing is before it.
    """
    server = network.servers[root.server_index]
    transmitter = network.transmitters[root.egress_index]
    if server.refused or root.gone or not transmitter.is_wire:
        return 0
    before_ps = most_ps(network.hop(root).before)
    return before_ps + network.lag_ps(root) + transmitter.lead_ps()


def path_of(network: Network, stream_index: int, listener_index: int) -> list[Flow]:
    """Hops from the talker to a listener."""
    stream = network.plan.streams[stream_index]
    path = []
    hop_index = stream.listener_hops[listener_index]
    while hop_index >= 0:
        path.append(network.flows[network.flow_of[stream_index][hop_index]])
        hop_index = stream.hops[hop_index].parent_index
    return path[::-1]


def _stream_bound(
    network: Network, egresses: tuple[EgressBound, ...], stream_index: int, listener_index: int
) -> StreamBound:
    stream = network.plan.streams[stream_index]
    flow_of = network.flow_of[stream_index]
    end_hop = stream.listener_hops[listener_index]
    ends = [flow_of[hop_index] for hop_index in joined_with(stream, end_hop)]
    crossed = _all_before(network, ends)
    sizes = _delivered(network, ends)
    why = stream.no_bound or _refusal(network, crossed)
    if not why and not sizes:
        why = f"no frame of {stream.name} is small enough to come so far"
    minimum_ps = _minimum_ps(network, crossed, ends)
    hops: tuple[HopBound, ...] = ()
    bound_ps: int | None = None
    if not why:
        roots = [network.flows[index] for index in crossed if not network.flows[index].ways]
        first_ps = min(_least_start_ps(network, root) for root in roots) if roots[1:] else None
        walks = [_Walk(network=network, size=size, first_ps=first_ps) for size in sizes]
        for walk in walks:
            walk.cross(crossed)
        worst = max(walks, key=lambda walk: walk.latest_ps(ends)) if walks[1:] else walks[0]
        hops = worst.hops(ends)
        bound_ps = sum(term.max_ps for hop in hops for term in hop.terms)
    lost = [text for index in crossed for text in losses_of(network, egresses, index)]
    texts = list(dict.fromkeys(([why] if why else []) + lost))
    root = next(index for index in crossed if not network.flows[index].ways)
    used = dict.fromkeys(network.flows[index].egress_index for index in crossed)
    return StreamBound(
        stream_index=stream_index,
        listener_index=listener_index,
        bound_ps=bound_ps,
        talker_wait_ps=talker_wait_ps(network, network.flows[root]),
        minimum_ps=minimum_ps,
        exceedance_probability=min(
            1.0, sum(network.transmitters[index].exceedance_probability for index in used)
        ),
        hops=hops,
        loss_free=not lost,
        why="; ".join(texts),
        jitter_ps=None if bound_ps is None else bound_ps - minimum_ps,
    )


def _least_start_ps(network: Network, root: Flow) -> int:
    """Least time from release until the first bit after the preamble leaves a talker's port."""
    transmitter = network.transmitters[root.egress_index]
    return least_ps(network.hop(root).before) + transmitter.least_delivery_ps(0)


def _all_before(network: Network, ends: list[int]) -> list[int]:
    """Flows on any way to these, the talker's first."""
    found: set[int] = set()
    stack = list(ends)
    while stack:
        index = stack.pop()
        if index not in found:
            found.add(index)
            stack += [way.parent_index for way in network.flows[index].ways]
    return sorted(found)


def _delivered(network: Network, ends: list[int]) -> range:
    """Sizes, by their place in order, that may reach a listener: filters drop the largest."""
    count = 0
    for index in ends:
        flow = network.flows[index]
        reception = network.hop(flow).reception
        filters = None if reception is None else reception.filter
        largest = None if filters is None else filters.largest_frame_octets
        if not flow.gone:
            passing = [one for one in flow.frame_octets if largest is None or one <= largest]
            count = max(count, len(passing))
    return range(count)


def _refusal(network: Network, crossed: list[int]) -> str:
    for flow in (network.flows[index] for index in crossed):
        refused = network.servers[flow.server_index].refused
        if refused:
            return refused
        if flow.unknown:
            return flow.unknown
    return ""


def _first_octets(network: Network, flow: Flow, ahead: Flow | None, size: int) -> int:
    """Octets of a frame after which the node behind may go on with it, at the earliest."""
    octets = flow.frame_octets[size]
    cut = None if ahead is None else network.hop(ahead).cut_through_octets
    return octets if cut is None else min(cut, octets)


def _minimum_ps(network: Network, crossed: list[int], ends: list[int]) -> int:
    """Least time until a smallest frame has come to the end of any way."""
    entered: dict[int, int] = {}

    def sent_ps(index: int, ahead: Flow | None) -> int:
        flow = network.flows[index]
        octets = _first_octets(network, flow, ahead, 0)
        return entered[index] + _least_serialisation_ps(network, flow, octets)

    for index in crossed:
        flow = network.flows[index]
        entered[index] = min(
            [sent_ps(way.parent_index, flow) + way.fixed_ps for way in flow.ways],
            default=0 if flow.ways else least_ps(_fixed_terms(network, flow, before=True)),
        )
    return min([sent_ps(end, None) + least_ps(_after(network, end)) for end in ends])


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Latest times of frames of one size, along whichever way is the worst.

    Attributes:
        network: Worked out.
        size: Place of the size among those of the stream.
        first_ps: Where copies leave by several ports of the talker: least time from release until
            the first bit after the preamble leaves one of them.
        entered: By flow: latest entry (eligibility) after the start of latency, where the frame
            came from, and what a scheduler adds.
    """

    network: Network
    size: int
    first_ps: int | None
    entered: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def cross(self, crossed: list[int]) -> None:
        """Work out all flows, those before first."""
        for index in crossed:
            if self._comes(index):
                self.entered[index] = self._worked_out(index)

    def latest_ps(self, ends: list[int]) -> int:
        """Latest arrival over any of the last hops."""
        return max([self._left_ps(index) for index in ends if self._comes(index)])

    def hops(self, ends: list[int]) -> tuple[HopBound, ...]:
        """The worst way, split by hop and term."""
        coming = [index for index in ends if self._comes(index)]
        index = max(coming, key=self._left_ps)
        found: list[HopBound] = []
        ahead: Flow | None = None
        while index >= 0:
            flow = self.network.flows[index]
            found.append(HopBound(egress_index=flow.egress_index, terms=self._terms(index, ahead)))
            ahead, index = flow, self.entered[index][1]
        return tuple(found[::-1])

    def _comes(self, index: int) -> bool:
        flow = self.network.flows[index]
        return not flow.gone and self.size < len(flow.frame_octets)

    def _left_ps(self, index: int) -> int:
        """Latest time by which a frame has been received whole."""
        return self._sent_ps(index, None) + most_ps(_after(self.network, index))

    def _sent_ps(self, index: int, ahead: Flow | None) -> int:
        """Latest time by which what the node behind needs of a frame has left."""
        network, flow = self.network, self.network.flows[index]
        return (
            self.entered[index][0]
            + _waiting_ps(network, flow, self.size)
            + self._serialisation_ps(flow, ahead)
        )

    def _serialisation_ps(self, flow: Flow, ahead: Flow | None) -> int:
        octets = flow.frame_octets[self.size]
        first_octets = _first_octets(self.network, flow, ahead, self.size)
        if first_octets < octets and not received_whole(self.network, flow):
            octets = first_octets
        return _serialisation_ps(self.network, flow, octets)

    def _worked_out(self, index: int) -> tuple[int, int, int]:
        network, flow = self.network, self.network.flows[index]
        ways = [way for way in flow.ways if self._comes(way.parent_index)]
        if not ways:
            before_ps = most_ps(_fixed_terms(network, flow, before=True))
            return before_ps + self._other_port_ps(flow), -1, 0
        entry_ps, parent = max(
            [
                (
                    self._sent_ps(way.parent_index, flow) + way.fixed_ps + way.varies_ps,
                    way.parent_index,
                )
                for way in ways
            ]
        )
        held_ps = self._held_ps(index, entry_ps)
        return entry_ps + held_ps, parent, held_ps

    def _other_port_ps(self, root: Flow) -> int:
        """How much later a copy may leave than one from another port of its talker."""
        transmitter = self.network.transmitters[root.egress_index]
        if self.first_ps is None or not transmitter.is_wire:
            return 0
        return talker_wait_ps(self.network, root) - self.first_ps

    def _held_ps(self, index: int, entry_ps: int) -> int:
        """What a scheduler adds to the latest entry.

        Where it adds nothing to the worst case of what is before it, that runs from the last
        scheduler, or from the release: a frame that did not wait at its talker may wait here instead.
        """
        network, flow = self.network, self.network.flows[index]
        residence = flow.residence
        if residence is None:
            return 0
        if not residence.conforms and not residence.group:
            reaching_ps = self._reaching_ps(flow)
            return residence_ps(network, index, jitter_ps=reaching_ps)
        anchor_index = flow.parent_index
        while residence.conforms and not residence.group:
            anchor = network.flows[anchor_index]
            if not anchor.ways or (anchor.residence is not None and anchor.residence.conforms):
                break
            anchor_index = anchor.parent_index
        anchor = network.flows[anchor_index]
        assert flow.jitter_ps is not None
        assert anchor.jitter_ps is not None
        from_anchor_ps = flow.earliest_ps + flow.jitter_ps - anchor.earliest_ps - anchor.jitter_ps
        if anchor.ways or not network.transmitters[anchor.egress_index].is_wire:
            at_anchor_ps = self.entered[anchor_index][0]
        else:
            at_anchor_ps = -network.transmitters[anchor.egress_index].least_delivery_ps(0)
        return min(max(0, at_anchor_ps + from_anchor_ps - entry_ps), residence.limit_ps)

    def _reaching_ps(self, flow: Flow) -> int:
        """Jitter with which a flow reaches its scheduler."""
        jitters = []
        for way in flow.ways:
            parent = self.network.flows[way.parent_index]
            assert parent.jitter_ps is not None
            jitters.append(
                parent.earliest_ps
                + parent.jitter_ps
                + self.network.lag_ps(parent)
                + way.least_ps
                + way.carried_ps
                - flow.earliest_ps
            )
        return max(jitters)

    def _terms(self, index: int, ahead: Flow | None) -> tuple[DelayTerm, ...]:
        network, flow = self.network, self.network.flows[index]
        transmitter = network.transmitters[flow.egress_index]
        server = network.servers[flow.server_index]
        waiting_ps = _waiting_ps(network, flow, self.size)
        terms = list(_fixed_terms(network, flow, before=True))
        _, parent, held_ps = self.entered[index]
        if flow.scheduler is not None:
            terms.append(
                DelayTerm(
                    kind=TermKind.QUEUEING,
                    what=f"scheduler {flow.scheduler.name} at {network.hop(flow).from_node}",
                    min_ps=0,
                    max_ps=held_ps,
                    source=_SCHEDULER_SOURCE,
                )
            )
        if not transmitter.is_wire:
            terms += _grant_terms(transmitter)
            waiting_ps -= transmitter.latency_ps
        if parent < 0:
            waiting_ps += self._other_port_ps(flow)
        if parent >= 0 or not transmitter.is_wire or waiting_ps:
            terms.append(_queueing_term(network, server, waiting_ps))
        octets = _first_octets(network, flow, ahead, self.size)
        least_octets = _first_octets(network, flow, ahead, 0)
        what = f"{octets} octets at {transmitter.name}"
        if octets < flow.frame_octets[self.size]:
            what = f"{octets} first octets at {transmitter.name}, then cut through"
        terms.append(
            DelayTerm(
                kind=TermKind.SERIALISATION,
                what=what,
                min_ps=_least_serialisation_ps(network, flow, least_octets),
                max_ps=self._serialisation_ps(flow, ahead),
                source=_WIRE_SOURCE if transmitter.is_wire else transmitter.source,
            )
        )
        return (*terms, *_fixed_terms(network, flow, before=False))


def _after(network: Network, index: int) -> tuple[DelayTerm, ...]:
    return network.hop(network.flows[index]).after


def _fixed_terms(network: Network, flow: Flow, *, before: bool) -> tuple[DelayTerm, ...]:
    """Fixed terms that count for latency: not those before the queue of a talker's wire."""
    hop = network.hop(flow)
    if not before:
        return hop.after
    at_grants = not network.transmitters[flow.egress_index].is_wire
    return hop.before if flow.ways or at_grants else ()


def _serialisation_ps(network: Network, flow: Flow, octets: int) -> int:
    transmitter = network.transmitters[flow.egress_index]
    if not transmitter.is_wire:
        return transmitter.work_ps(octets)
    return transmitter.delivery_ps(octets) if flow.ways else transmitter.port_ps(octets)


def _least_serialisation_ps(network: Network, flow: Flow, octets: int) -> int:
    transmitter = network.transmitters[flow.egress_index]
    if flow.ways:
        return transmitter.least_delivery_ps(octets)
    return transmitter.least_port_ps(octets)


def _waiting_ps(network: Network, flow: Flow, size: int) -> int:
    """Wait that counts for latency, without the frame's own serialisation."""
    transmitter = network.transmitters[flow.egress_index]
    octets = flow.frame_octets[size]
    if transmitter.is_wire and not flow.ways:
        going = network.servers[flow.server_index].going
        work_ps = transmitter.work_ps(octets)
        return 0 if going is None else going.stretched_ps(work_ps) - work_ps
    wait_ps = network.wait_ps(network.servers[flow.server_index], octets)
    return wait_ps if transmitter.is_wire else wait_ps - transmitter.work_ps(octets)


def _grant_terms(transmitter: Transmitter) -> list[DelayTerm]:
    """The latency of the service: until grants serve, and what counted repetitions take."""

    def term(kind: TermKind, what: str, most_ps: int) -> DelayTerm:
        name, source = transmitter.name, transmitter.source
        return DelayTerm(kind=kind, what=f"{what} {name}", min_ps=0, max_ps=most_ps, source=source)

    repeated_ps = transmitter.retransmission_ps
    waits_ps = transmitter.latency_ps - repeated_ps
    terms = [term(TermKind.GRANT_WAIT, "until grants serve", waits_ps)]
    if repeated_ps:
        terms.append(term(TermKind.RETRANSMISSION, "repetitions counted at", repeated_ps))
    return terms


def _queueing_term(network: Network, server: Server, waiting_ps: int) -> DelayTerm:
    name = network.transmitters[server.egress_index].name
    return DelayTerm(
        kind=TermKind.QUEUEING,
        what=f"queue {server.queue_index} of {name}",
        min_ps=0,
        max_ps=waiting_ps,
        source=_METHOD_SOURCE,
    )

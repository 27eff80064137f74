# SPDX-License-Identifier: Apache-2.0
"""From waits at servers to the worst case of each stream at each listener.

Latency runs from the first bit after the preamble leaving the talker's port, so
on a wire the talker's own queue is not part of it; at grants it runs from
the release. A small frame waits longer (it is less of what
goes ahead of it), a large one takes longer to leave the talker: every size is tried.
"""

from __future__ import annotations

from netplan.bounds.network import Flow, Network, Server, most_ps
from netplan.bounds.transmitter import Transmitter
from netplan.media.interface import DelayTerm, TermKind
from netplan.verdict.evidence import EgressBound, HopBound, StreamBound

_METHOD_SOURCE = "total flow analysis, packetised; Le Boudec, Thiran, Network Calculus (2001)"
_WIRE_SOURCE = "IEEE Std 802.3-2022, 3.1.1: octets over line rate"


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
    if server.refused or not transmitter.is_wire:
        return 0
    before_ps = most_ps(network.hop(root).before)
    return before_ps + network.wait_ps(server, root.frame_octets[0]) + transmitter.lead_ps()


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
    path = path_of(network, stream_index, listener_index)
    stream = network.plan.streams[stream_index]
    why = stream.no_bound or _refusal(network, path)
    minimum_ps = sum(
        sum(term.min_ps for term in _fixed_terms(network, flow, before=True))
        + sum(term.min_ps for term in _fixed_terms(network, flow, before=False))
        + _least_serialisation_ps(network, flow)
        for flow in path
    )
    hops: tuple[HopBound, ...] = ()
    bound_ps: int | None = None
    if not why:
        sizes = range(len(path[0].frame_octets))
        worst = max(sizes, key=lambda size: sum(_hop_ps(network, flow, size) for flow in path))
        hops = tuple(
            HopBound(egress_index=flow.egress_index, terms=_hop_terms(network, flow, worst))
            for flow in path
        )
        bound_ps = sum(term.max_ps for hop in hops for term in hop.terms)
    overflows = [text for text in (_overflow(network, egresses, flow) for flow in path) if text]
    return StreamBound(
        stream_index=stream_index,
        listener_index=listener_index,
        bound_ps=bound_ps,
        talker_wait_ps=talker_wait_ps(network, path[0]),
        minimum_ps=minimum_ps,
        exceedance_probability=min(
            1.0,
            sum(network.transmitters[flow.egress_index].exceedance_probability for flow in path),
        ),
        hops=hops,
        loss_free=not overflows,
        why="; ".join(([why] if why else []) + overflows),
    )


def _refusal(network: Network, path: list[Flow]) -> str:
    for flow in path:
        refused = network.servers[flow.server_index].refused
        if refused:
            return refused
        if flow.unknown:
            return flow.unknown
    return ""


def _overflow(network: Network, egresses: tuple[EgressBound, ...], flow: Flow) -> str:
    egress = egresses[flow.egress_index]
    if egress.buffer_octets is None:
        return ""
    name = network.plan.egresses[flow.egress_index].name
    if egress.backlog_octets is None:
        return f"{name} has room for {egress.buffer_octets} octets and no bound on its backlog"
    if egress.backlog_octets > egress.buffer_octets:
        return (
            f"{name} has room for {egress.buffer_octets} octets, "
            f"its backlog may reach {egress.backlog_octets}"
        )
    return ""


def _fixed_terms(network: Network, flow: Flow, *, before: bool) -> tuple[DelayTerm, ...]:
    """Fixed terms that count for latency: not those before the queue of a talker's wire."""
    hop = network.hop(flow)
    if not before:
        return hop.after
    at_grants = not network.transmitters[flow.egress_index].is_wire
    return hop.before if flow.parent_index >= 0 or at_grants else ()


def _serialisation_ps(network: Network, flow: Flow, size: int) -> int:
    transmitter, octets = network.transmitters[flow.egress_index], flow.frame_octets[size]
    if not transmitter.is_wire:
        return transmitter.work_ps(octets)
    return transmitter.port_ps(octets) if flow.parent_index < 0 else transmitter.delivery_ps(octets)


def _least_serialisation_ps(network: Network, flow: Flow) -> int:
    transmitter, octets = network.transmitters[flow.egress_index], flow.frame_octets[0]
    if flow.parent_index < 0:
        return transmitter.least_port_ps(octets)
    return transmitter.least_delivery_ps(octets)


def _waiting_ps(network: Network, flow: Flow, size: int) -> int:
    """Wait that counts for latency, without the frame's own serialisation."""
    transmitter = network.transmitters[flow.egress_index]
    if transmitter.is_wire and flow.parent_index < 0:
        return 0
    wait_ps = network.wait_ps(network.servers[flow.server_index], flow.frame_octets[size])
    return wait_ps if transmitter.is_wire else wait_ps - _serialisation_ps(network, flow, size)


def _hop_ps(network: Network, flow: Flow, size: int) -> int:
    return (
        most_ps(_fixed_terms(network, flow, before=True))
        + _waiting_ps(network, flow, size)
        + _serialisation_ps(network, flow, size)
        + most_ps(_fixed_terms(network, flow, before=False))
    )


def _hop_terms(network: Network, flow: Flow, size: int) -> tuple[DelayTerm, ...]:
    transmitter = network.transmitters[flow.egress_index]
    server = network.servers[flow.server_index]
    waiting_ps = _waiting_ps(network, flow, size)
    terms = list(_fixed_terms(network, flow, before=True))
    if not transmitter.is_wire:
        terms += _grant_terms(transmitter)
        waiting_ps -= transmitter.latency_ps
    if flow.parent_index >= 0 or not transmitter.is_wire:
        terms.append(_queueing_term(network, server, waiting_ps))
    octets = flow.frame_octets[size]
    terms.append(
        DelayTerm(
            kind=TermKind.SERIALISATION,
            what=f"{octets} octets at {transmitter.name}",
            min_ps=_least_serialisation_ps(network, flow),
            max_ps=_serialisation_ps(network, flow, size),
            source=_WIRE_SOURCE if transmitter.is_wire else transmitter.source,
        )
    )
    return (*terms, *_fixed_terms(network, flow, before=False))


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

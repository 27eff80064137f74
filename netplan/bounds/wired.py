# SPDX-License-Identifier: Apache-2.0
"""Queues of plain wires as stations of a first-in-first-out network, packets and all.

Bits count a frame with the octets around it. A frame has left a station when its last bit is on
the wire, and has come to the next one when it enters the queue there, whole. All that a program
of :mod:`netplan.bounds.fluid.program` says then holds for real frames:

- Service. While own or higher frames are there, a window of length t since the first of them came
  is filled by one lower frame, higher frames that came in it, own frames that have left, and what of
  one own frame has been sent. At the instant at which a frame has just left, no other is half sent,
  its tail is still to come, and higher frames went ahead only if they came before its start.
- First in, first out. Let w be a date of departures and n the first own frame that has not left by
  then. What had left by w is what had come before n; n is still here, so w is less than n's stay
  after it came, and n came after the start of the busy period. If there is no n, take w itself. For the
  frame under study take its own arrival: what left up to it is what came up to it.
- Links. Frames of one wire stay in order, so what has come by a date has left by a date that is
  between the least and the most fixed delay earlier.
- Arrivals. Dates are places in the order of frames, so windows are closed, as token buckets of
  staircases with jitter are. Over a wire comes one frame at once, the others in their own time.

Source: Le Boudec, Thiran, Network Calculus (2001), 1.7 (packets) and 6.2 (residual service);
Davis, Burns, Bril, Lukkien, Controller Area Network schedulability analysis (2007), for the lower
frame that cannot be interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from netplan.bounds.arrivals import Windows, windows_of
from netplan.bounds.fluid.curves import added, needed
from netplan.bounds.fluid.stations import Bucket, Link, Piece, Station, Stations, Step
from netplan.bounds.network import Flow, Network, Server, least_ps, most_ps
from netplan.bounds.transmitter import Transmitter
from netplan.media.interface import DelayTerm, WireMechanism


@dataclass(slots=True, kw_only=True)
class WiredStations:
    """The part of a network that consists of plain wires.

    Attributes:
        network: Its stations.
        station_of: Station by server, for plain servers.
        step_of: Step by flow, for flows at plain servers.
    """

    network: Stations
    station_of: dict[int, int] = field(default_factory=dict)
    step_of: dict[int, int] = field(default_factory=dict)


def wired_stations(network: Network) -> WiredStations:
    """Stations of all plain servers of a network whose waits and jitters are known."""
    result = WiredStations(network=Stations(stations=[], steps=[], links={}, ends=[]))
    # By name, so that programs do not depend on the order of streams.
    for index, server in sorted(enumerate(network.servers), key=lambda one: _name(network, one[1])):
        if _is_plain(network, server):
            result.station_of[index] = len(result.network.stations)
            result.network.stations.append(_station(network, server))
    for index, flow in enumerate(network.flows):
        station = result.station_of.get(flow.server_index)
        if station is None:
            continue
        bucket = _bucket(network, flow)
        parent = result.step_of.get(flow.parent_index, -1) if _goes_on(network, flow) else -1
        result.step_of[index] = result.network.add_step(
            Step(
                flow_index=flow.stream_index,
                station_index=station,
                parent_index=parent,
                contract=(bucket,),
                buckets=(bucket,),
            )
        )
    _join(network, result)
    return result


def _name(network: Network, server: Server) -> tuple[str, int]:
    return network.plan.egresses[server.egress_index].name, server.queue_index


def _is_plain(network: Network, server: Server) -> bool:
    """Whether a server is a queue of a wire that nothing but strict priority governs."""
    egress = network.plan.egresses[server.egress_index]
    transmitter = network.transmitters[server.egress_index]
    return (
        isinstance(egress.mechanism, WireMechanism)
        and egress.rules is None
        and not transmitter.no_service
        and not server.refused
        and transmitter.latency_ps == 0
        and transmitter.rate_bps == transmitter.line_bps
        and all(
            network.flows[index].jitter_ps is not None
            and network.hop(network.flows[index]).cut_through_octets is None
            for index in (*server.own, *server.above)
        )
    )


def _goes_on(network: Network, flow: Flow) -> bool:
    """Whether a flow brings here what it took from the station before, frame for frame."""
    if flow.parent_index < 0 or network.stream(flow).recoveries:
        return False
    before = network.flows[flow.parent_index]
    here, there = network.transmitters[flow.egress_index], network.transmitters[before.egress_index]
    return (
        network.hop(before).reception is None
        and before.frame_octets == flow.frame_octets
        and (here.lead_octets, here.tail_octets) == (there.lead_octets, there.tail_octets)
    )


def _bits(transmitter: Transmitter, octets: int) -> int:
    return 8 * (transmitter.lead_octets + octets + transmitter.tail_octets)


def _bucket(network: Network, flow: Flow) -> Bucket:
    """What a flow brings at most, with the jitter that it has here."""
    emission, added_octets = network.stream(flow).emission, network.hop(flow).added_octets
    transmitter = network.transmitters[flow.egress_index]
    sums = tuple(
        sum(_bits(transmitter, octets + added_octets) for octets in message)
        for message in emission.messages
    )
    assert flow.jitter_ps is not None
    jitter_ps = flow.jitter_ps
    if emission.offsets_ps:
        # The pattern as one message, whose parts may be as late as the last offset.
        sums, jitter_ps = (sum(sums),), jitter_ps + emission.offsets_ps[-1]
    return _bucket_of(windows_of(sums), emission.period_ps, jitter_ps)


def _bucket_of(windows: Windows, period_ps: int, jitter_ps: int) -> Bucket:
    return Bucket(
        Fraction(windows.affine_burst(period_ps, jitter_ps)),
        Fraction(windows.total, len(windows.largest) * period_ps),
    )


def _station(network: Network, server: Server) -> Station:
    transmitter = network.transmitters[server.egress_index]
    own = [network.flows[index] for index in server.own]
    sizes = sorted({octets for flow in own for octets in flow.frame_octets})
    rate = min(
        Fraction(_bits(transmitter, octets), transmitter.work_ps(octets)) for octets in sizes
    )
    partial_ps = transmitter.delivery_ps(sizes[-1])
    sent_ps = transmitter.delivery_ps(sizes[0])
    tail_ps = transmitter.work_ps(sizes[0]) - sent_ps
    pieces, final = [], []
    for burst_ps, share in _higher_work(network, server):
        if share >= 1:
            continue
        blocked_ps = server.blocking_ps + burst_ps
        left = rate * (1 - share)
        pieces.append(Piece(left, rate * (blocked_ps + partial_ps)))
        final.append(Piece(left, rate * (blocked_ps - share * sent_ps - tail_ps)))
    stay_ps = max(
        network.wait_ps(server, octets) + transmitter.delivery_ps(octets) for octets in sizes
    )
    return Station(
        name=transmitter.name,
        pieces=tuple(pieces),
        final_pieces=tuple(final),
        delay_ps=Fraction(stay_ps),
    )


def _higher_work(network: Network, server: Server) -> list[tuple[Fraction, Fraction]]:
    """Work of higher queues in a window: the minimum of lines of burst and share of the time."""
    by_ingress: dict[int, list[Flow]] = {}
    for index in server.above:
        flow = network.flows[index]
        by_ingress.setdefault(flow.ingress_index, []).append(flow)
    curves = []
    for ingress, flows in by_ingress.items():
        burst_ps, share = Fraction(0), Fraction(0)
        for flow in flows:
            assert flow.jitter_ps is not None
            emission, windows, jitter_ps = (
                network.stream(flow).emission,
                flow.windows,
                flow.jitter_ps,
            )
            if emission.offsets_ps:
                whole = windows.total
                windows, jitter_ps = windows_of((whole,)), jitter_ps + emission.offsets_ps[-1]
            bucket = _bucket_of(windows, emission.period_ps, jitter_ps)
            burst_ps += bucket.bits
            share += bucket.rate
        lines = [(burst_ps, share)]
        line = network.lines.get((ingress, server.egress_index))
        if line is not None:
            slope = Fraction(line.gain, line.cost)
            first_ps = max(flow.most_work_ps for flow in flows)
            lines.append((first_ps + slope * line.spread_ps, slope))
        curves.append(needed(lines))
    return added(curves) if curves else [(Fraction(0), Fraction(0))]


def _join(network: Network, wired: WiredStations) -> None:
    """Links between stations: fixed terms, and what the wire carries at most."""
    members: dict[tuple[int, int], list[Flow]] = {}
    for index, step_index in wired.step_of.items():
        step = wired.network.steps[step_index]
        if step.parent_index >= 0:
            key = (wired.network.before(step), step.station_index)
            members.setdefault(key, []).append(network.flows[index])
    for key, flows in members.items():
        ways = [_terms_between(network, flow) for flow in flows]
        least, most = min(map(least_ps, ways)), max(map(most_ps, ways))
        behind = network.transmitters[network.flows[flows[0].parent_index].egress_index]
        sizes = {octets for flow in flows for octets in flow.frame_octets}
        rate = max(Fraction(_bits(behind, octets), behind.spacing_ps(octets)) for octets in sizes)
        first = max(_bits(behind, octets) for octets in sizes)
        wired.network.links[key] = Link(
            line=Bucket(first + rate * (most - least), rate),
            least_ps=Fraction(least),
            most_ps=Fraction(most),
        )


def _terms_between(network: Network, flow: Flow) -> tuple[DelayTerm, ...]:
    """Fixed terms from leaving the station before to entering the queue here."""
    return network.hop(network.flows[flow.parent_index]).after + network.hop(flow).before

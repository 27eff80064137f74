# SPDX-License-Identifier: Apache-2.0
"""Streams as a central network configuration (CNC) knows them: requests, and what became of them.

Latency there runs from the start of the frame at the talker to its start at the listener; ours
runs to its last octet. What a frame takes on the last link is therefore taken off both the
requirement and the bound. Where a talker is time-aware, latency counts from the start of its interval, so that
its offset is added to both.

Source: ieee802-dot1q-cnc-config 2024-01-31, ieee802-dot1q-tsn-types 2022-10-29; IEEE Std
802.1Q-2022, 46.2.3 (Talker, Listener) and 46.2.5 (status).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from netplan.exchange.nanoseconds import LARGEST_UINT32, PS_PER_NS, up
from netplan.exchange.notes import Notes
from netplan.exchange.survey import Station, stream_address, stream_id
from netplan.exchange.yang_port import sdu_octets
from netplan.exchange.yang_tree import Branch, Tree
from netplan.media.frames import PS_PER_S, wire_time_ps
from netplan.media.interface import WireMechanism
from netplan.plan.model import Hop, Plan, PlannedStream
from netplan.tsn.mechanisms import Selection
from netplan.verdict.evidence import BoundEvidence, StreamBound

CUC = "plantwire"
_LARGEST_UINT16 = 2**16 - 1
_LATENCY_EXCEEDED = 21
"""Failure code. Source: IEEE Std 802.1Q-2022, table 46-15 (MaxLatency exceeded)."""
_ALGORITHM = {
    Selection.STRICT: 0,
    Selection.CREDIT: 1,
    Selection.ROUND_ROBIN: 2,
    Selection.ASYNCHRONOUS: 3,
}
"""Source: IEEE Std 802.1Q-2022, table 8-6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is asked and proven of every listener, by stream and listener."""

    deadlines_ps: dict[tuple[int, int], int]
    bounds: dict[tuple[int, int], StreamBound]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offset:
    """When within its interval a time-aware talker sends, in nanoseconds."""

    earliest_ns: int
    latest_ns: int


def cnc_tree(
    plan: Plan, places: Mapping[str, Station], bound: BoundEvidence | None, notes: Notes
) -> Tree | None:
    """All streams of a plan in one domain of one CUC; None when there are none.

    Args:
        plan: The plan.
        places: Its nodes.
        bound: What is proven of the streams; None leaves their status out.
        notes: Takes what cannot be said.
    """
    rows = () if bound is None else bound.streams
    known = _Known(
        deadlines_ps=_deadlines_ps(plan),
        bounds={(one.stream_index, one.listener_index): one for one in rows},
    )
    streams = [_stream(plan, places, index, known, notes) for index in range(len(plan.streams))]
    if not streams:
        return None
    cuc: Tree = {"cuc-id": CUC, "stream": streams}
    domain: Tree = {"domain-id": plan.name, "cnc-enabled": True, "cuc": [cuc]}
    return {"ieee802-dot1q-cnc-config:cnc-config": {"domain": [domain]}}


def _stream(
    plan: Plan,
    places: Mapping[str, Station],
    index: int,
    known: _Known,
    notes: Notes,
) -> Tree:
    stream = plan.streams[index]
    station = places[stream.talker]
    first = [hop for hop in stream.hops if hop.parent_index < 0]
    ports = list(dict.fromkeys(plan.egresses[hop.egress_index].port for hop in first))
    bounds = [known.bounds.get((index, listener)) for listener in range(len(stream.listeners))]
    offset = _offset(plan, stream, first[0], bounds, notes)
    listeners: list[Tree] = []
    latencies: list[int | None] = []
    late = []
    for listener, (node, hop_index) in enumerate(
        zip(stream.listeners, stream.listener_hops, strict=True)
    ):
        row, latency_ns, is_late = _listener(
            plan, places[node], (index, listener, hop_index), known, offset, notes
        )
        listeners.append(row)
        latencies.append(latency_ns)
        late.append(is_late)
    talker: dict[str, Branch] = {
        "stream-rank": {"rank": 1},
        "end-station-interfaces": [_interface(station, port) for port in ports],
        "data-frame-specification": _frame(station, ports[0], stream, index),
        "traffic-specification": _traffic(plan, stream, first[0], offset, notes),
        "user-to-network-requirements": {
            "num-seamless-trees": max(
                (len(recovery.members) for recovery in stream.recoveries), default=1
            )
        },
    }
    reached = [latency_ns for latency_ns in latencies if latency_ns is not None]
    complete = len(reached) == len(latencies)
    if reached and complete:
        talker["accumulated-latency"] = max(reached)
    if offset is not None:
        config: Tree = {"index": 0, "time-aware-offset": offset.earliest_ns}
        talker["interface-configuration"] = {
            "interface-list": [
                {**_interface(station, port), "config-list": [config]} for port in ports
            ]
        }
    tree: dict[str, Branch] = {"stream-id": stream_id(station, ports[0], index)}
    if known.bounds:
        tree["stream-status"] = "configured" if complete else "planned"
    tree |= {"talker": talker, "listener": listeners}
    if known.bounds and complete:
        tree["status-info"] = _status(late)
    return tree


def _status(late: list[bool]) -> Tree:
    if not any(late):
        return {"talker-status": "ready", "listener-status": "ready", "failure-code": 0}
    return {
        "talker-status": "ready",
        "listener-status": "failed" if all(late) else "partial-failed",
        "failure-code": _LATENCY_EXCEEDED,
    }


def _listener(
    plan: Plan,
    station: Station,
    where: tuple[int, int, int],
    known: _Known,
    offset: _Offset | None,
    notes: Notes,
) -> tuple[Tree, int | None, bool]:
    """A listener, its latency if known, and whether that is more than it asks for."""
    stream_index, listener_index, hop_index = where
    stream = plan.streams[stream_index]
    hop = stream.hops[hop_index]
    proven = known.bounds.get((stream_index, listener_index))
    place = f"{stream.name} > {station.name}"
    start_ns = 0 if offset is None else offset.earliest_ns
    largest_ps, least_ps = _last_link(plan, stream, hop)
    row: dict[str, Branch] = {
        "index": listener_index,
        "end-station-interfaces": [_interface(station, port) for port in _ports(stream, hop_index)],
    }
    requirements: dict[str, Branch] = {"num-seamless-trees": 1}
    limit_ns = None
    if (limit_ps := known.deadlines_ps.get((stream_index, listener_index))) is not None:
        limit_ns = (limit_ps - largest_ps) // PS_PER_NS + start_ns
        if limit_ns <= 0:
            notes.warn("EXPORT-DEADLINE", place, "the deadline is shorter than the frame itself")
            limit_ns = 1
        if limit_ns > LARGEST_UINT32:
            notes.note(
                "EXPORT-DEADLINE", place, "the deadline is given as 4.29 s, the longest there is"
            )
            limit_ns = LARGEST_UINT32
        requirements["max-latency"] = limit_ns
    else:
        notes.note(
            "EXPORT-NO-DEADLINE",
            place,
            "without a deadline, max-latency is left at 0, by which a CNC holds the stream to the "
            "latency that it first finds",
        )
    row["user-to-network-requirements"] = requirements
    latency_ns = None
    if proven is not None and proven.bound_ps is not None:
        latest_ns = 0 if offset is None else offset.latest_ns
        latency_ns = up(proven.bound_ps - least_ps) + latest_ns
        if latency_ns > LARGEST_UINT32:
            notes.warn("EXPORT-LATENCY", place, "the proven latency exceeds 4.29 s: left out")
            latency_ns = None
        else:
            row["accumulated-latency"] = latency_ns
        if proven.exceedance_probability:
            notes.note(
                "EXPORT-PROBABILITY",
                place,
                f"the latency may be exceeded with probability {proven.exceedance_probability:g}, "
                "which the module cannot say",
            )
    is_late = latency_ns is not None and limit_ns is not None and latency_ns > limit_ns
    return row, latency_ns, is_late


def _ports(stream: PlannedStream, hop_index: int) -> list[str]:
    """Ports by which a listener receives: those of all copies that come together there."""
    for recovery in stream.recoveries:
        if hop_index in recovery.members:
            return list(dict.fromkeys(stream.hops[one].to_port for one in recovery.members))
    return [stream.hops[hop_index].to_port]


def _interface(station: Station, port: str) -> Tree:
    return {"mac-address": station.port_address(port), "interface-name": port}


def _frame(station: Station, port: str, stream: PlannedStream, index: int) -> list[Tree]:
    return [
        {
            "index": 0,
            "ieee802-mac-addresses": {
                "destination-mac-address": stream_address(index),
                "source-mac-address": station.port_address(port),
            },
        },
        {
            "index": 1,
            "ieee802-vlan-tag": {"priority-code-point": stream.pcp, "vlan-id": stream.vlan},
        },
    ]


def _traffic(
    plan: Plan, stream: PlannedStream, first: Hop, offset: _Offset | None, notes: Notes
) -> Tree:
    """The contract as a number of frames per interval.

    Without a phase the interval slides: releases that jitter may come closer than a period, so that
    it is shortened by the jitter, or holds as many more messages where that is no longer possible.
    """
    emission = stream.emission
    frames = max(len(message) for message in emission.messages)
    if emission.offsets_ps:
        frames = sum(len(message) for message in emission.messages)
    interval_ps = emission.period_ps
    if offset is None and emission.jitter_ps:
        if emission.jitter_ps < emission.period_ps:
            interval_ps -= emission.jitter_ps
        else:
            frames *= 1 + -(-emission.jitter_ps // emission.period_ps)
    if frames > _LARGEST_UINT16:
        notes.warn("EXPORT-FRAMES", stream.name, "more frames per interval than 16 bits can count")
        frames = _LARGEST_UINT16
    largest = max(size for message in emission.messages for size in message)
    rules = plan.egresses[first.egress_index].rules
    selection = Selection.STRICT if rules is None else rules.queues[first.queue_index].selection
    tree: dict[str, Branch] = {
        "interval": _rational(interval_ps, stream.name, notes),
        "max-frames-per-interval": frames,
        "max-frame-size": sdu_octets(largest),
        "transmission-selection": _ALGORITHM[selection],
    }
    if offset is not None:
        tree["time-aware"] = {
            "earliest-transmit-offset": offset.earliest_ns,
            "latest-transmit-offset": offset.latest_ns,
            "jitter": up(emission.jitter_ps),
        }
        if emission.offsets_ps:
            notes.note(
                "EXPORT-OFFSETS",
                stream.name,
                "the talker spreads its messages over the interval; the module takes them for a burst",
            )
    return tree


def _rational(interval_ps: int, place: str, notes: Notes) -> Tree:
    """An interval as a rational number of seconds; if need be shortened to whole nanoseconds."""
    interval = Fraction(interval_ps, PS_PER_S)
    if max(interval.numerator, interval.denominator) > LARGEST_UINT32:
        notes.note(
            "EXPORT-INTERVAL",
            place,
            "the interval was shortened to whole nanoseconds: it asks for more",
        )
        interval = Fraction(interval_ps // PS_PER_NS * PS_PER_NS, PS_PER_S)
    return {"numerator": interval.numerator, "denominator": interval.denominator}


def _offset(
    plan: Plan,
    stream: PlannedStream,
    first: Hop,
    bounds: list[StreamBound | None],
    notes: Notes,
) -> _Offset | None:
    """When the start of the frame leaves a talker that keeps a phase.

    The frame follows its preamble, and whatever the talker's own queue makes it wait.
    """
    emission = stream.emission
    if not stream.scheduled or emission.phase_ps is None:
        return None
    mechanism = plan.egresses[first.egress_index].mechanism
    start_ps = emission.phase_ps % emission.period_ps
    if isinstance(mechanism, WireMechanism):
        start_ps += wire_time_ps(mechanism.lead_octets, mechanism.line_bps)
    wait_ps = max((one.talker_wait_ps for one in bounds if one is not None), default=0)
    if start_ps % PS_PER_NS:
        notes.note(
            "EXPORT-OFFSET", stream.name, "the transmit offset was rounded down to nanoseconds"
        )
    return _Offset(earliest_ns=start_ps // PS_PER_NS, latest_ns=up(start_ps + wait_ps))


def _last_link(plan: Plan, stream: PlannedStream, hop: Hop) -> tuple[int, int]:
    """Longest and shortest time of a frame on the last link, from its start to its end."""
    mechanism = plan.egresses[hop.egress_index].mechanism
    if not isinstance(mechanism, WireMechanism):
        return 0, 0
    sizes = [size + hop.added_octets for message in stream.emission.messages for size in message]
    return (
        wire_time_ps(max(sizes), mechanism.line_bps),
        # rounded down: it is taken off a bound
        8 * min(sizes) * PS_PER_S // mechanism.line_bps,
    )


def _deadlines_ps(plan: Plan) -> dict[tuple[int, int], int]:
    """The strictest deadline of the network by stream and listener, in picoseconds."""
    limits: dict[tuple[int, int], int] = {}
    for target in plan.targets:
        if (target.quantity, target.statistic, target.unit) == ("latency", "max", "ps"):
            where = (target.stream_index, target.listener_index)
            limit_ps = int(target.limit)
            if not target.application:
                limits[where] = min(limit_ps, limits.get(where, limit_ps))
    return limits

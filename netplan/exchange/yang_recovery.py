# SPDX-License-Identifier: Apache-2.0
"""Redundancy of one node as YANG: sequence generation, encoding and recovery (FRER).

Copies of a stream keep its address and VLAN on all ways and are made by ordinary multicast
forwarding, so that no stream is split into others. The talker numbers the frames, or the first node
from which the plan counts the octets of the tag; the tag is carried as long as a recovery is still
to come.

Source: ieee802-dot1cb-frer 2021-12-08; IEEE Std 802.1CB-2017, clauses 7, 8 and 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netplan.exchange.handles import Handle
from netplan.exchange.notes import Notes
from netplan.exchange.survey import Station
from netplan.exchange.yang_tree import Branch, Tree
from netplan.plan.model import Plan, PlannedStream
from netplan.tsn.mechanisms import Recovery, RecoveryAlgorithm

FRER = "ieee802-dot1cb-frer"
TAG_OCTETS = 6
"""R-TAG. Source: IEEE Std 802.1CB-2017, 7.8."""

_ENCAPSULATION = {"frer": "r-tag", "hsr": "hsr-sequence-tag", "prp": "prp-sequence-tag"}


def tagged_hops(stream: PlannedStream) -> set[int]:
    """Hops over which frames carry their sequence number."""
    carried: set[int] = set()
    for recovery in stream.recoveries:
        for member in recovery.members:
            hop = member
            while hop >= 0 and hop not in carried:
                carried.add(hop)
                hop = _before(stream, hop)
    counted = {hop for hop in carried if stream.hops[hop].added_octets >= TAG_OCTETS}
    return counted or carried


def _before(stream: PlannedStream, hop: int) -> int:
    return stream.hops[hop].parent_index


def redundancy(
    plan: Plan, station: Station, known: tuple[Handle, ...], notes: Notes
) -> dict[str, Branch]:
    """What a node does with sequence numbers; nothing when no stream has recoveries there."""
    numbers: dict[int, list[int]] = {}
    for handle in known:
        if plan.streams[handle.stream_index].recoveries:
            numbers.setdefault(handle.stream_index, []).append(handle.number)
    generation: list[Tree] = [
        {
            "index": position,
            "stream": numbers[stream_index],
            "direction-out-facing": plan.streams[stream_index].talker != station.name,
        }
        for position, stream_index in enumerate(_numbered(plan, station, numbers), 1)
    ]
    joined = [
        (stream_index, recovery, handle_numbers)
        for stream_index, handle_numbers in numbers.items()
        for recovery in plan.streams[stream_index].recoveries
        if plan.streams[stream_index].hops[recovery.members[0]].to_node == station.name
    ]
    recovery = [
        _recovery(plan, station, one, position, notes) for position, one in enumerate(joined, 1)
    ]
    tree: dict[str, Branch] = {}
    if generation:
        tree["sequence-generation"] = generation
    if recovery:
        tree["sequence-recovery"] = recovery
    if generation or recovery:
        tree["sequence-identification"] = _encoding(plan, station, numbers, notes)
    return {f"{FRER}:frer": tree} if tree else {}


def _numbered(plan: Plan, station: Station, streams: Iterable[int]) -> Iterator[int]:
    """Streams whose frames get their numbers at a node."""
    for stream_index in streams:
        stream = plan.streams[stream_index]
        tagged = tagged_hops(stream)
        if any(
            stream.hops[hop].from_node == station.name and _before(stream, hop) not in tagged
            for hop in tagged
        ):
            yield stream_index


def _following(stream: PlannedStream, recovery: Recovery) -> Iterator[int]:
    """Hops that go on behind a recovery."""
    for index, hop in enumerate(stream.hops):
        if hop.parent_index == recovery.members[0]:
            yield index


def _recovery(
    plan: Plan,
    station: Station,
    what: tuple[int, Recovery, list[int]],
    position: int,
    notes: Notes,
) -> Tree:
    stream_index, recovery, handle_numbers = what
    stream = plan.streams[stream_index]
    # copies come together where they leave; a listener joins them above its ports
    ports = dict.fromkeys(
        plan.egresses[stream.hops[hop].egress_index].port for hop in _following(stream, recovery)
    ) or dict.fromkeys(stream.hops[member].to_port for member in recovery.members)
    reset_ms = -(-recovery.reset_ps // 10**9)
    if recovery.reset_ps % 10**9:
        notes.note(
            "EXPORT-RESET",
            f"{station.name} {stream.name}",
            f"the reset timeout was rounded up to {reset_ms} ms",
        )
    match = recovery.algorithm is RecoveryAlgorithm.MATCH
    row: dict[str, Branch] = {
        "index": position,
        "stream": handle_numbers,
        "port": list(ports),
        "direction-out-facing": False,
        "algorithm": {"match": {}} if match else {"vector": {}},
    }
    if not match:
        row["history-length"] = max(2, recovery.history_count)
    return row | {
        "reset-timeout": reset_ms,
        "take-no-sequence": False,
        "individual-recovery": False,
        "latent-error-detection": False,
    }


def _encoding(
    plan: Plan, station: Station, numbers: dict[int, list[int]], notes: Notes
) -> list[Tree]:
    """Where tags are read, and where they are written too; one row for each port."""
    read: dict[str, dict[int, None]] = {}
    written: set[str] = set()
    kinds: dict[str, str] = {}
    for stream_index, handle_numbers in numbers.items():
        stream = plan.streams[stream_index]
        for hop_index in sorted(tagged_hops(stream)):
            hop = stream.hops[hop_index]
            ports = []
            if hop.to_node == station.name:
                ports.append(hop.to_port)
            if hop.from_node == station.name:
                ports.append(plan.egresses[hop.egress_index].port)
                written.add(ports[-1])
            for port in ports:
                read.setdefault(port, {}).update(dict.fromkeys(handle_numbers))
                kind = _ENCAPSULATION[stream.recoveries[0].merges]
                if kinds.setdefault(port, kind) != kind:
                    notes.warn(
                        "EXPORT-ENCAPSULATION",
                        f"{station.name}.{port}",
                        f"streams with {kinds[port]} and with {kind} share a port, which the module "
                        "cannot say",
                        "use one kind of redundancy at a port",
                    )
    return [
        {
            "port": port,
            "direction-out-facing": True,
            "stream": list(handle_numbers),
            "active": port in written,
            "encapsulation": {kinds[port]: {}},
        }
        for port, handle_numbers in read.items()
    ]

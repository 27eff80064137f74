# SPDX-License-Identifier: Apache-2.0
"""Refuses filters, gates, meters, recoveries and standby ways that break the plan's contract."""

from __future__ import annotations

from collections.abc import Callable

from netplan.plan.model import Hop, Plan, PlannedStream
from netplan.tsn.mechanisms import FlowMeter, Recovery, StreamFilter, StreamGate

LARGEST_RATE_BPS = 10**13
"""So that tokens earned in a run stay in 64 bits."""
LARGEST_OCTETS = 1 << 40
LARGEST_HISTORY = 1 << 15
"""Half of the sequence numbers: more could not tell late from early."""

Require = Callable[[object, str], None]
Possible = Callable[..., bool]


def check_policing(plan: Plan, require: Require, possible: Possible) -> None:
    """Filters, gates and meters; those of one name at one node must be the same."""
    known: dict[tuple[str, str, str], object] = {}

    def check_same(kind: str, node: str, one: StreamFilter | StreamGate | FlowMeter) -> None:
        key = (kind, node, one.name)
        require(known.setdefault(key, one) == one, f"{node} has two different {kind}s {one.name}")

    for stream in plan.streams:
        for hop in stream.hops:
            stream_filter = None if hop.reception is None else hop.reception.filter
            if stream_filter is None:
                continue
            check_same("filter", hop.to_node, stream_filter)
            if stream_filter.gate is not None:
                check_same("gate", hop.to_node, stream_filter.gate)
                _check_gate(plan, stream, hop, stream_filter.gate, require, possible)
            if stream_filter.meter is not None:
                check_same("meter", hop.to_node, stream_filter.meter)
                _check_meter(stream_filter.meter, require)


def _check_gate(
    plan: Plan,
    stream: PlannedStream,
    hop: Hop,
    gate: StreamGate,
    require: Require,
    possible: Possible,
) -> None:
    require(
        possible(gate.cycle_ps, 1)
        and possible(gate.base_ps)
        and gate.entries
        and all(possible(entry.duration_ps, 1) for entry in gate.entries),
        f"gate {gate.name} has an impossible cycle",
    )
    largest = max(entry.queue_index for entry in gate.entries)
    require(
        min(entry.queue_index for entry in gate.entries) >= -1,
        f"gate {gate.name} puts frames into an impossible queue",
    )
    for child in stream.hops:
        if child.from_node == hop.to_node:
            egress = plan.egresses[child.egress_index]
            require(
                largest < egress.queue_count,
                f"gate {gate.name} puts frames into queue {largest} of {egress.name}, which has "
                f"{egress.queue_count}",
            )


def _check_meter(meter: FlowMeter, require: Require) -> None:
    require(
        0 <= meter.committed_bps <= LARGEST_RATE_BPS
        and 0 <= meter.excess_bps <= LARGEST_RATE_BPS
        and 0 <= meter.committed_burst_octets <= LARGEST_OCTETS
        and 0 <= meter.excess_burst_octets <= LARGEST_OCTETS,
        f"meter {meter.name} has an impossible rate or burst",
    )


def check_recoveries(stream: PlannedStream, require: Require, possible: Possible) -> None:
    """Members come together at one node, and only the first of them goes on."""
    require(
        not (stream.recoveries and stream.standby),
        f"stream {stream.name} is sent twice and has standby ways",
    )
    members = [member for recovery in stream.recoveries for member in recovery.members]
    require(
        len(set(members)) == len(members) and all(0 <= one < len(stream.hops) for one in members),
        f"a recovery of stream {stream.name} has a member twice, or one that is no hop",
    )
    for recovery in stream.recoveries:
        _check_recovery(stream, recovery, require, possible)


def _check_recovery(
    stream: PlannedStream, recovery: Recovery, require: Require, possible: Possible
) -> None:
    name = f"a recovery of stream {stream.name}"
    require(len(recovery.members) > 1, f"{name} has only one member")
    require(
        len({stream.hops[member].to_node for member in recovery.members}) == 1,
        f"{name} has members that end at different nodes",
    )
    others = set(recovery.members[1:])
    require(
        not others & {hop.parent_index for hop in stream.hops}
        and not others & set(stream.listener_hops),
        f"{name} has a member beside the first that goes on",
    )
    require(
        1 <= recovery.history_count <= LARGEST_HISTORY and possible(recovery.reset_ps, 1),
        f"{name} has an impossible history or reset time",
    )

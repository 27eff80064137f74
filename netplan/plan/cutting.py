# SPDX-License-Identifier: Apache-2.0
"""Which hops cut through: bridges that are to, where the frame can be sent on while it still comes.

A bridge keeps to store and forward where it must have the whole frame first: behind a slower
wire, behind a wire that may interrupt the frame, where it polices, re-shapes, eliminates
duplicates, and where it changes the frame's length.
"""

from __future__ import annotations

from dataclasses import replace

from netplan.design.design import Design
from netplan.design.resolve import Equipment
from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Hop, PlannedStream
from netplan.plan.policies import policy_of

_HEADER_OCTETS = 18
"""Addresses, tag and EtherType: what a bridge must have seen to choose port and queue."""


def cutting_through(
    design: Design,
    equipment: Equipment,
    egresses: tuple[Egress, ...],
    streams: tuple[PlannedStream, ...],
) -> tuple[PlannedStream, ...]:
    """Streams with cut-through on the hops that allow it."""
    policies = {name: policy_of(design, node) for name, node in equipment.nodes.items()}
    fast = {name for name, policy in policies.items() if policy is not None and policy.cut_through}
    if not fast:
        return streams
    return tuple(
        replace(stream, hops=tuple(_cut(egresses, stream, hop, fast) for hop in stream.hops))
        for stream in streams
    )


def _cut(egresses: tuple[Egress, ...], stream: PlannedStream, hop: Hop, fast: set[str]) -> Hop:
    if hop.parent_index < 0 or hop.from_node not in fast:
        return hop
    comes = stream.hops[hop.parent_index]
    before, behind = egresses[comes.egress_index], egresses[hop.egress_index]
    if not (
        isinstance(before.mechanism, WireMechanism) and isinstance(behind.mechanism, WireMechanism)
    ):
        return hop
    interrupted = (
        before.rules is not None
        and before.rules.fragment_octets is not None
        and not before.rules.queues[comes.queue_index].express
    )
    whole = (
        before.mechanism.line_bps < behind.mechanism.line_bps
        or interrupted
        or comes.reception is not None
        or any(hop.parent_index in recovery.members for recovery in stream.recoveries)
        or comes.added_octets != hop.added_octets
    )
    return hop if whole else replace(hop, cut_through_octets=_HEADER_OCTETS)

# SPDX-License-Identifier: Apache-2.0
"""How long rings took to get over the faults of a scenario, held against what they promise.

The time runs from a fault until the last port that is to forward does, and the last node has
forgotten where it learned that stations are. What streams lose is another matter: it
also depends on what was under way and on when they send.
"""

from __future__ import annotations

from collections.abc import Sequence

from emulator.simulation.faults import Fault, LinkCut, NodeOutage, TalkerFault, fault_text
from emulator.simulation.redundancy.timeline import RingTimeline, ring_timeline
from netplan.plan.model import Plan
from netplan.tsn.rings import Ring, active_segments, node_index, promised_ps
from netplan.verdict.evidence import RingRecovery


def ring_recoveries(plan: Plan, faults: Sequence[Fault], until_ps: int) -> tuple[RingRecovery, ...]:
    """One row for each ring and each fault in it, in the order of both."""
    physical = [fault for fault in faults if not isinstance(fault, TalkerFault)]
    found: list[RingRecovery] = []
    for ring in plan.rings:
        concerned = [fault for fault in physical if _lost_segments(ring, fault)]
        if not concerned:
            continue
        timeline = ring_timeline(ring, physical, until_ps)
        found.extend(
            RingRecovery(
                ring=ring.name,
                fault=fault_text(fault),
                at_ps=fault.at_ps,
                recovered_ps=_recovered_ps(timeline, concerned, fault, until_ps),
                promised_ps=promised_ps(ring),
            )
            for fault in concerned
        )
    return tuple(found)


def _lost_segments(ring: Ring, fault: LinkCut | NodeOutage) -> set[int]:
    """Segments that a fault takes out of service."""
    if isinstance(fault, LinkCut):
        return {
            index
            for index, segment in enumerate(ring.segments)
            if set(segment.ends) == set(fault.ends)
        }
    if fault.node not in ring.nodes:
        return set()
    place = ring.nodes.index(fault.node)
    return {
        index
        for index, segment in enumerate(ring.segments)
        if any(node_index(ring, end) == place for end in segment.ends)
    }


def _recovered_ps(
    timeline: RingTimeline,
    faults: Sequence[LinkCut | NodeOutage],
    fault: LinkCut | NodeOutage,
    until_ps: int,
) -> int | None:
    """Time that a fault took to be got over before the next one, or before the end."""
    ring = timeline.ring
    times = [time for one in faults for time in (one.at_ps, one.until_ps) if time is not None]
    end_ps = min((time for time in times if time > fault.at_ps), default=until_ps)
    lost: set[int] = set()
    down: set[int] = set()
    for one in faults:
        if one.at_ps <= fault.at_ps and (one.until_ps is None or one.until_ps > fault.at_ps):
            lost |= _lost_segments(ring, one)
            if isinstance(one, NodeOutage):
                down.add(ring.nodes.index(one.node))
    state = dict.fromkeys(timeline.blocked, False)
    done_ps = fault.at_ps
    is_opened = False
    for change in timeline.changes:
        if change.at_ps < end_ps:
            state[change.node_index, change.segment_index] = change.forwards
            if change.at_ps >= fault.at_ps and change.forwards:
                done_ps, is_opened = max(done_ps, change.at_ps), True
    shut = {segment for (_, segment), forwards in state.items() if not forwards}
    if active_segments(ring, tuple(lost)) & shut:
        return None
    for node in set(range(len(ring.nodes))) - down:
        flushes = [
            flush.at_ps
            for flush in timeline.flushes
            if flush.node_index == node and fault.at_ps <= flush.at_ps < end_ps
        ]
        if flushes:
            done_ps = max(done_ps, min(flushes))
        elif is_opened and promised_ps(ring) is not None:
            return None  # MRP and DLR tell every node; in a tree not all need to forget
    return done_ps - fault.at_ps

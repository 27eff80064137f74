# SPDX-License-Identifier: Apache-2.0
"""Refuses rules of ports, cut-through, ATS schedulers and clocks that are impossible.

As in :mod:`emulator.simulation.contract`, such a plan is a fault of ours.
"""

from __future__ import annotations

from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Plan, PlannedStream
from netplan.tsn.mechanisms import AtsScheduler, GateList, PortRules, Selection, Synchronisation

LONGEST_PS = 1 << 60
"""Longest period, phase or delay: some 13 days, so that sums of a few stay in 64 bits."""
LONGEST_SYNC_PS = 10**15
"""Longest interval between messages of gPTP: 1,000 s."""
LARGEST_DRIFT_PPB = 10**6
LARGEST_INTERVAL_RATIO = 10_000
"""Sync intervals that a link measurement, or the way of Sync through the plant, takes at most."""
_FRAGMENTS = (None, 64, 128, 192, 256)


def require(condition: object, fault: str) -> None:
    """Raise ValueError unless something holds."""
    if not condition:
        message = f"the plan breaks its contract: {fault}"
        raise ValueError(message)


def possible(time_ps: int | None, least_ps: int = 0) -> bool:
    """Whether a time is none, or in the range that the kernel works with."""
    return time_ps is None or least_ps <= time_ps <= LONGEST_PS


def check_rules(egress: Egress) -> None:
    """Raise ValueError when the rules of a port are impossible."""
    rules, wire = egress.rules, egress.mechanism
    if rules is None:
        return
    name = egress.name
    if not isinstance(wire, WireMechanism):
        require(condition=False, fault=f"{name} has rules and is no wire")
        return
    require(
        len(rules.queues) == egress.queue_count,
        f"{name} has {egress.queue_count} queues and rules for {len(rules.queues)}",
    )
    for index, rule in enumerate(rules.queues):
        where = f"queue {index} of {name}"
        require(
            rule.selection is not Selection.CREDIT or 0 < rule.idle_slope_bps <= wire.line_bps,
            f"{where} has an idle slope that is not between 0 and the line's rate",
        )
        require(
            rule.selection is not Selection.ROUND_ROBIN or rule.quantum_octets > 0,
            f"{where} has no quantum",
        )
        require(
            rule.largest_frame_octets is None or rule.largest_frame_octets >= 0,
            f"{where} has an impossible largest frame",
        )
    _check_round(name, rules)
    require(rules.fragment_octets in _FRAGMENTS, f"{name} has impossible fragments")
    require(possible(rules.hold_advance_ps), f"{name} has an impossible hold advance")
    for before, after in zip(rules.gates, rules.gates[1:], strict=False):
        require(before.base_ps < after.base_ps, f"{name} has gate lists in disorder")
    for one in rules.gates:
        _check_gates(name, one)


def _check_round(name: str, rules: PortRules) -> None:
    members = [
        index for index, rule in enumerate(rules.queues) if rule.selection is Selection.ROUND_ROBIN
    ]
    require(
        not members or members == list(range(members[0], members[-1] + 1)),
        f"{name} has a round robin of queues that are no neighbours",
    )


def _check_gates(name: str, one: GateList) -> None:
    require(
        possible(one.base_ps, -LONGEST_PS)
        and possible(one.cycle_ps, 1)
        and possible(one.extension_ps),
        f"{name} has a gate list with an impossible base, cycle or extension",
    )
    require(
        one.entries
        and all(possible(entry.duration_ps, 1) and entry.open_queues >= 0 for entry in one.entries),
        f"{name} has a gate list without entries or with an impossible one",
    )


def check_cut_through(plan: Plan, stream: PlannedStream, index: int) -> None:
    """Raise ValueError when a hop cannot begin before the frame is wholly received."""
    hop = stream.hops[index]
    if hop.cut_through_octets is None:
        return
    where = f"hop {index} of stream {stream.name} cuts through"
    require(hop.cut_through_octets > 0, f"{where} before anything is received")
    require(hop.parent_index >= 0, f"{where} at its talker")
    before = stream.hops[hop.parent_index]
    egress = plan.egresses[before.egress_index]
    wires = [egress.mechanism, plan.egresses[hop.egress_index].mechanism]
    rates_bps = [wire.line_bps for wire in wires if isinstance(wire, WireMechanism)]
    require(len(rates_bps) == len(wires), f"{where} between transmitters that are no wires")
    require(rates_bps[1] <= rates_bps[0], f"{where} to a faster wire")
    require(hop.added_octets >= before.added_octets, f"{where} and takes octets away")
    require(
        before.reception is None
        and not any(hop.parent_index in one.members for one in stream.recoveries),
        f"{where} what is looked at as a whole",
    )
    rules = egress.rules
    require(
        rules is None or rules.fragment_octets is None or rules.queues[before.queue_index].express,
        f"{where} what may be interrupted",
    )


def check_schedulers(plan: Plan) -> None:
    """Raise ValueError when an ATS scheduler is impossible, or two of one name differ."""
    known: dict[tuple[str, str], AtsScheduler] = {}
    for stream in plan.streams:
        for hop in stream.hops:
            if hop.reception is None or hop.reception.scheduler is None:
                continue
            one = hop.reception.scheduler
            where = f"scheduler {one.name} of {hop.to_node}"
            require(
                one.committed_bps > 0
                and one.committed_burst_octets > 0
                and possible(one.max_residence_ps)
                and possible(8 * one.committed_burst_octets * 10**12 // one.committed_bps),
                f"{where} is impossible",
            )
            require(
                known.setdefault((hop.to_node, one.name), one) == one,
                f"{where} is there with different values",
            )


def check_clocks(one: Synchronisation | None) -> None:
    """Raise ValueError when the clocks are impossible."""
    if one is None:
        return
    require(
        0 < one.interval_ps <= LONGEST_SYNC_PS
        and 0 < one.pdelay_interval_ps <= LONGEST_SYNC_PS
        and one.pdelay_interval_ps <= LARGEST_INTERVAL_RATIO * one.interval_ps,
        "the clocks have impossible intervals",
    )
    require(
        one.clocks and one.clocks[0].node == one.grandmaster and one.clocks[0].parent == "",
        "the first clock is not the grandmaster's",
    )
    reached: set[str] = set()
    for clock in one.clocks:
        where = f"the clock of {clock.node}"
        require(clock.node not in reached, f"{where} is there twice")
        require(not reached or clock.parent in reached, f"{where} is before its parent")
        reached.add(clock.node)
        times_ps = (clock.timestamp_ps, clock.asymmetry_ps, clock.residence_ps)
        require(
            all(0 <= time_ps <= LONGEST_SYNC_PS for time_ps in times_ps)
            and 0 <= clock.drift_ppb <= LARGEST_DRIFT_PPB
            and clock.wander_ppb >= 0,
            f"{where} is impossible",
        )
    require(
        sum(clock.residence_ps for clock in one.clocks) // one.interval_ps
        <= LARGEST_INTERVAL_RATIO,
        "Sync takes too many intervals through the plant",
    )

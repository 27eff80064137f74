# SPDX-License-Identifier: Apache-2.0
"""The transmission side of one bridge port as YANG: queues, gates, shapers, preemption.

Every bridge port carries a gate table, with gates off where the plan has none: the module's
constraints bind each port of a bridge that knows the module at all. Its ``supported-...`` values say
what the list needs; a device states its own limits there.

Source: ieee802-dot1q-sched 2023-10-22, -preemption 2023-10-26, -cbsa 2024-08-07, -bridge and -types
2023-10-26; IEEE Std 802.1Q-2022, 8.6.8.
"""

from __future__ import annotations

from netplan.exchange.nanoseconds import Cycle, cycle_of, up
from netplan.exchange.notes import Notes
from netplan.exchange.yang_tree import Branch, Identity, Tree, Wide
from netplan.media.frames import ETHERNET_HEADER_OCTETS, FCS_OCTETS, VLAN_TAG_OCTETS
from netplan.plan.model import Egress
from netplan.tsn.classes import queue_index
from netplan.tsn.mechanisms import GateList, PortRules, QueueRule, Selection

SCHED = "ieee802-dot1q-sched-bridge"
PREEMPTION = "ieee802-dot1q-preemption-bridge"
CBSA = "ieee802-dot1q-cbsa-bridge"
TYPES = "ieee802-dot1q-types"

FRAMING_OCTETS = ETHERNET_HEADER_OCTETS + VLAN_TAG_OCTETS + FCS_OCTETS
"""Octets of a tagged frame around its service data unit; all streams of a plan are tagged."""

_ALGORITHMS = {
    Selection.STRICT: "strict-priority",
    Selection.CREDIT: "credit-based-shaper",
    Selection.ASYNCHRONOUS: "asynchronous-traffic-shaping",
    Selection.ROUND_ROBIN: "enhanced-transmission-selection",
}


def sdu_octets(frame_octets: int) -> int:
    """Largest service data unit in a frame of a size.

    At least 1, because 0 stands for any size in every field that limits it.
    """
    return max(1, frame_octets - FRAMING_OCTETS)


def seconds(time: tuple[int, int]) -> Tree:
    """A rational number of seconds."""
    return {"numerator": time[0], "denominator": time[1]}


def ptp_time(time_ns: int) -> Tree:
    """A moment of the PTP timescale."""
    return {"seconds": Wide(time_ns // 10**9), "nanoseconds": time_ns % 10**9}


def tell_rounding(cycle: Cycle, place: str, notes: Notes) -> None:
    """Warn where a list in nanoseconds is not the list of the plan."""
    if cycle.drift_ps:
        notes.warn(
            "EXPORT-CYCLE",
            place,
            f"the cycle cannot be written as a rational number of seconds with parts of 32 bits: each "
            f"one is {cycle.drift_ps} ps off, and gates drift against the plan",
            "choose a cycle of whole nanoseconds",
        )
    if moved_ps := max(cycle.moved_ps, cycle.base_moved_ps):
        notes.warn(
            "EXPORT-ROUNDED",
            place,
            f"moments between nanoseconds were rounded, by up to {moved_ps} ps: what was proven "
            "holds for the plan, not for this list",
            "plan with a gate granularity of 1 ns or more",
        )


def transmission(egress: Egress, list_index: int, notes: Notes) -> dict[str, Branch]:
    """Everything about queues and gates of a bridge port.

    Args:
        egress: The port's transmitter.
        list_index: Which of its gate lists is to be installed.
        notes: Takes what cannot be said.
    """
    count = egress.queue_count
    rules = egress.rules
    tree: dict[str, Branch] = {
        "traffic-class": {
            "traffic-class-table": {
                "number-of-traffic-classes": count,
                **{f"priority{pcp}": queue_index(pcp, count) for pcp in range(8)},
            }
        }
    }
    if rules is not None:
        tree["transmission-selection-algorithm-table"] = {
            "transmission-selection-algorithm-map": [
                {
                    "traffic-class": queue,
                    "transmission-selection-algorithm": Identity(
                        module=TYPES, name=_ALGORITHMS[rule.selection]
                    ),
                }
                for queue, rule in enumerate(rules.queues)
            ]
        }
        tree |= _shapers(egress.name, rules, notes)
        tree |= _preemption(egress.name, rules, count, notes)
    tree |= gate_table(egress, list_index, notes)
    return tree


def gate_table(egress: Egress | None, list_index: int, notes: Notes) -> dict[str, Branch]:
    """The gate table of a port with one of its gate lists, or with gates off."""
    rules = None if egress is None else egress.rules
    table: dict[str, Branch] = {}
    limits: list[Tree] = [
        {"traffic-class": queue, "queue-max-sdu": sdu_octets(rule.largest_frame_octets)}
        for queue, rule in enumerate(rules.queues if rules else ())
        if rule.largest_frame_octets is not None
    ]
    if limits:
        table["queue-max-sdu-table"] = limits
    if egress is None or rules is None or not rules.gates:
        table |= {
            "gate-enabled": False,
            "admin-cycle-time": seconds((0, 1)),
            "supported-list-max": 0,
            "supported-cycle-max": seconds((0, 1)),
            "supported-interval-max": 0,
        }
    else:
        table |= _gates(egress.name, rules.gates[list_index], egress.queue_count, notes)
    return {f"{SCHED}:gate-parameter-table": table}


def _gates(place: str, gates: GateList, queue_count: int, notes: Notes) -> dict[str, Branch]:
    cycle = cycle_of(gates.base_ps, gates.cycle_ps, [one.duration_ps for one in gates.entries])
    tell_rounding(cycle, place, notes)
    # gates of traffic classes that do not exist are shown open, as they are where gates are off
    absent = 0xFF & ~((1 << queue_count) - 1)
    control: list[Tree] = [
        {
            "index": position,
            "operation-name": Identity(
                module="ieee802-dot1q-sched", name=gates.entries[entry].operation.value
            ),
            "time-interval-value": duration_ns,
            "gate-states-value": gates.entries[entry].open_queues | absent,
        }
        for position, (duration_ns, entry) in enumerate(cycle.intervals)
    ]
    return {
        "gate-enabled": True,
        "admin-gate-states": gates.entries[-1].open_queues | absent,
        "admin-control-list": {"gate-control-entry": control},
        "admin-cycle-time": seconds(cycle.cycle_s),
        "admin-cycle-time-extension": up(gates.extension_ps),
        "admin-base-time": ptp_time(cycle.base_ns),
        "config-change": True,
        "supported-list-max": len(control),
        "supported-cycle-max": seconds(cycle.cycle_s),
        "supported-interval-max": max(duration_ns for duration_ns, _ in cycle.intervals),
    }


def admin_slope_bps(rule: QueueRule, queue: int, rules: PortRules) -> tuple[int, bool]:
    """What is to be set so that a queue has its idle slope while its gate is open.

    A bridge with gates multiplies the slope that was set by the cycle over the time that the
    queue's gate is open.

    Returns:
        The slope in bit/s, rounded down, and whether it is exact.

    Source: IEEE Std 802.1Q-2022, 8.6.8.2 d).
    """
    if not rules.gates:
        return rule.idle_slope_bps, True
    gates = rules.gates[0]
    cycle = cycle_of(0, gates.cycle_ps, [one.duration_ps for one in gates.entries])
    open_ns = sum(
        duration_ns
        for duration_ns, entry in cycle.intervals
        if gates.entries[entry].open_queues >> queue & 1
    )
    slope, rest = divmod(rule.idle_slope_bps * open_ns, cycle.cycle_ns)
    return slope, rest == 0


def _shapers(place: str, rules: PortRules, notes: Notes) -> dict[str, Branch]:
    shaped: list[Tree] = []
    for queue, rule in enumerate(rules.queues):
        if rule.selection is Selection.CREDIT:
            slope_bps, exact = admin_slope_bps(rule, queue, rules)
            shaped.append({"traffic-class": queue, "admin-idle-slope": Wide(slope_bps)})
            if not exact:
                notes.warn(
                    "EXPORT-SLOPE",
                    f"{place} queue {queue}",
                    "the idle slope over the cycle is no whole number of bit/s; it was rounded down",
                    "choose a slope that the open share of the cycle divides",
                )
        elif rule.selection is Selection.ROUND_ROBIN:
            notes.note(
                "EXPORT-QUANTUM",
                f"{place} queue {queue}",
                f"the quantum of {rule.quantum_octets} octets has no place in these modules",
                "set the weights of enhanced transmission selection on the device",
            )
    return {f"{CBSA}:cbsa": {"cbsa-parameter-table": shaped}} if shaped else {}


def _preemption(place: str, rules: PortRules, queue_count: int, notes: Notes) -> dict[str, Branch]:
    if rules.fragment_octets is None:
        return {}
    status = {
        f"priority{pcp}": (
            "express" if rules.queues[queue_index(pcp, queue_count)].express else "preemptable"
        )
        for pcp in range(8)
    }
    notes.note(
        "EXPORT-FRAGMENT",
        place,
        f"the smallest fragment, {rules.fragment_octets} octets, has no place in these modules",
        f"set addFragSize {rules.fragment_octets // 64 - 1} (IEEE Std 802.3, 99.4.4)",
    )
    if rules.hold_advance_ps:
        notes.note(
            "EXPORT-HOLD",
            place,
            f"the hold advance is a property of the device and cannot be set; the plan counts on "
            f"{up(rules.hold_advance_ps)} ns",
            "compare it with hold-advance as the device reports it",
        )
    return {f"{PREEMPTION}:frame-preemption-parameters": {"frame-preemption-status-table": status}}

# SPDX-License-Identifier: Apache-2.0
"""The reception side of a bridge as YANG: stream filters, stream gates, meters, ATS schedulers.

The published modules hold two tables of stream filters, one with gates and meters (PSFP) and one
with schedulers (ATS), which stand for the same filters of the bridge: equal numbers mean the same
one. Schedulers are nested in the filter there, so that those which several streams share are
told once for each, under one number.

Source: ieee802-dot1q-psfp 2023-10-26, -stream-filters-gates and -ats 2023-07-03; IEEE Std
802.1Q-2022, 8.6.5, 8.6.10, 8.6.11.
"""

from __future__ import annotations

from netplan.exchange.handles import Handle
from netplan.exchange.nanoseconds import cycle_of, up
from netplan.exchange.notes import Notes
from netplan.exchange.survey import Station
from netplan.exchange.yang_port import FRAMING_OCTETS, ptp_time, sdu_octets, seconds, tell_rounding
from netplan.exchange.yang_tree import Branch, Identity, Tree, Wide
from netplan.plan.model import Plan
from netplan.tsn.classes import queue_index
from netplan.tsn.mechanisms import AtsScheduler, FlowMeter, StreamGate

PSFP = "ieee802-dot1q-psfp-bridge"
ATS = "ieee802-dot1q-ats-bridge"

_PRIORITY = ("zero", "one", "two", "three", "four", "five", "six", "seven")
_ALWAYS_OPEN = 1
"""Number of the gate that filters without a gate refer to, since each must refer to one."""


def reception(
    plan: Plan, station: Station, known: tuple[Handle, ...], notes: Notes
) -> dict[str, Branch]:
    """What a bridge component does with streams that it has received."""
    tree: dict[str, Branch] = {}
    filtered = [one for one in known if one.reception and one.reception.filter]
    scheduled = [one for one in known if one.reception and one.reception.scheduler]
    if filtered:
        tree |= _policing(plan, station, filtered, notes)
    if scheduled:
        tree |= _shaping(station, scheduled, notes)
    return tree


def _policing(
    plan: Plan, station: Station, filtered: list[Handle], notes: Notes
) -> dict[str, Branch]:
    gates: dict[str, StreamGate] = {}
    gated: dict[str, list[Handle]] = {}
    meters: dict[str, FlowMeter] = {}
    for handle in filtered:
        assert handle.reception is not None
        assert handle.reception.filter is not None
        gate, meter = handle.reception.filter.gate, handle.reception.filter.meter
        if gate is not None:
            gates.setdefault(gate.name, gate)
            gated.setdefault(gate.name, []).append(handle)
        if meter is not None:
            meters.setdefault(meter.name, meter)
    gate_numbers = {name: number for number, name in enumerate(gates, _ALWAYS_OPEN + 1)}
    meter_numbers = {name: number for number, name in enumerate(meters, 1)}
    table: list[Tree] = []
    for handle in filtered:
        assert handle.reception is not None
        rule = handle.reception.filter
        assert rule is not None
        row: dict[str, Branch] = {
            **_filter(handle, rule.largest_frame_octets),
            "stream-blocked-due-to-oversize-frame-enabled": rule.block_oversize,
            "stream-gate-ref": _ALWAYS_OPEN if rule.gate is None else gate_numbers[rule.gate.name],
        }
        if rule.meter is not None:
            row |= {"flow-meter-ref": meter_numbers[rule.meter.name], "flow-meter-enable": True}
        table.append(row)
    tree: dict[str, Branch] = {}
    if meters:
        tree[f"{PSFP}:flow-meters"] = {
            "flow-meter-instance-table": [
                _meter(number, meters[name]) for name, number in meter_numbers.items()
            ],
            "max-flow-meter-instances": len(meters),
        }
    tree[f"{PSFP}:stream-gates"] = _stream_gates(plan, station, gates, gated, notes)
    tree[f"{PSFP}:stream-filters"] = {"stream-filter-instance-table": table}
    return tree


def _filter(handle: Handle, largest_frame_octets: int | None) -> dict[str, Branch]:
    return {
        "stream-filter-instance-id": handle.number,
        "stream-handle": handle.number,
        "priority-spec": "wildcard",
        "max-sdu-size": 0 if largest_frame_octets is None else sdu_octets(largest_frame_octets),
    }


def _meter(number: int, meter: FlowMeter) -> Tree:
    return {
        "flow-meter-instance-id": number,
        "committed-information-rate": Wide(meter.committed_bps),
        "committed-burst-size": meter.committed_burst_octets,
        "excess-information-rate": Wide(meter.excess_bps),
        "excess-burst-size": meter.excess_burst_octets,
        "coupling-flag": "one" if meter.coupling else "zero",
        "color-mode": "color-aware" if meter.colour_aware else "color-blind",
        "drop-on-yellow": meter.drop_yellow,
        "mark-all-frames-red-enable": meter.block_after_red,
    }


def _stream_gates(
    plan: Plan,
    station: Station,
    gates: dict[str, StreamGate],
    gated: dict[str, list[Handle]],
    notes: Notes,
) -> Tree:
    still: Tree = {
        "stream-gate-instance-id": _ALWAYS_OPEN,
        "admin-cycle-time": seconds((0, 1)),
    }
    rows = [still]
    longest, longest_ns, cycles = 0, 0, [(0, 1)]
    for number, (name, gate) in enumerate(gates.items(), _ALWAYS_OPEN + 1):
        place = f"{station.name} stream gate {name}"
        cycle = cycle_of(gate.base_ps, gate.cycle_ps, [one.duration_ps for one in gate.entries])
        tell_rounding(cycle, place, notes)
        control: list[Tree] = []
        for position, (duration_ns, index) in enumerate(cycle.intervals):
            entry = gate.entries[index]
            row: dict[str, Branch] = {
                "index": position,
                "operation-name": Identity(module="ieee802-dot1q-psfp", name="set-gate-and-ipv"),
                "time-interval-value": duration_ns,
                "gate-state-value": "open" if entry.is_open else "closed",
                "ipv-spec": _internal_priority(plan, station, entry.queue_index, place, notes),
            }
            if entry.largest_octets is not None:
                sizes = {size for handle in gated[name] for size in handle.frame_sizes}
                row["interval-octet-max"] = _sdu_sum(entry.largest_octets, max(sizes))
                if len(sizes) > 1:
                    notes.note(
                        "EXPORT-OCTETS",
                        place,
                        "an interval's octets are counted without MAC headers there; for frames of "
                        "several sizes the limit is the largest that conforming frames can reach",
                    )
            control.append(row)
        rows.append(
            {
                "stream-gate-instance-id": number,
                "gate-enable": True,
                "admin-gate-states": "open" if gate.entries[-1].is_open else "closed",
                "admin-control-list": {"gate-control-entry": control},
                "admin-cycle-time": seconds(cycle.cycle_s),
                "admin-base-time": ptp_time(cycle.base_ns),
                "config-change": True,
                "gate-closed-due-to-invalid-rx-enable": gate.close_on_invalid,
                "gate-closed-due-octets-exceeded-enable": gate.close_on_excess,
            }
        )
        longest = max(longest, len(control))
        longest_ns = max(longest_ns, *(duration_ns for duration_ns, _ in cycle.intervals))
        cycles.append(cycle.cycle_s)
    return {
        "stream-gate-instance-table": rows,
        "supported-list-max": longest,
        "supported-cycle-max": seconds(max(cycles, key=lambda one: one[0] / one[1])),
        "supported-interval-max": longest_ns,
    }


def _internal_priority(plan: Plan, station: Station, queue: int, place: str, notes: Notes) -> str:
    """The priority whose traffic class is a queue: the inverse of the traffic class table."""
    if queue < 0:
        return "null"
    counts = {plan.egresses[index].queue_count for index in station.transmitters.values()} or {8}
    fitting = [pcp for pcp in range(8) if all(queue_index(pcp, count) == queue for count in counts)]
    if not fitting:
        notes.warn(
            "EXPORT-PRIORITY",
            place,
            f"no internal priority leads to queue {queue} at all ports",
            "let the ports of a bridge have the same number of queues",
        )
        return _PRIORITY[queue]
    return _PRIORITY[fitting[0]]


def _sdu_sum(frames_octets: int, largest_octets: int) -> int:
    """Most octets of service data that frames of a total size can hold."""
    frames, rest = divmod(frames_octets, largest_octets)
    whole = frames * (largest_octets - FRAMING_OCTETS)
    return max(1, whole, whole + rest - FRAMING_OCTETS)


def _shaping(station: Station, scheduled: list[Handle], notes: Notes) -> dict[str, Branch]:
    schedulers: dict[str, AtsScheduler] = {}
    groups: dict[str, None] = {}
    for handle in scheduled:
        assert handle.reception is not None
        assert handle.reception.scheduler is not None
        schedulers.setdefault(handle.reception.scheduler.name, handle.reception.scheduler)
        groups[handle.reception.scheduler.group] = None
    numbers = {name: number for number, name in enumerate(schedulers, 1)}
    group_numbers = {name: number for number, name in enumerate(groups, 1)}
    table: list[Tree] = []
    for handle in scheduled:
        assert handle.reception is not None
        one = handle.reception.scheduler
        assert one is not None
        rule = handle.reception.filter
        if one.max_residence_ps % 1000:
            notes.note(
                "EXPORT-RESIDENCE",
                f"{station.name} scheduler {one.name}",
                "the longest residence was rounded up to whole nanoseconds",
            )
        table.append(
            {
                **_filter(handle, None if rule is None else rule.largest_frame_octets),
                "stream-gate-ref": _ALWAYS_OPEN,
                "scheduler": {"scheduler-ref": numbers[one.name], "scheduler-enable": True},
                "schedulers": {
                    "scheduler-instance-table": [
                        {
                            "scheduler-instance-id": numbers[one.name],
                            "committed-information-rate": Wide(one.committed_bps),
                            # in bits there, unlike the burst of a meter
                            "committed-burst-size": 8 * one.committed_burst_octets,
                            "scheduler-group-ref": group_numbers[one.group],
                        }
                    ]
                },
                "scheduler-groups": {
                    "scheduler-group-instance-table": [
                        {
                            "scheduler-group-instance-id": group_numbers[one.group],
                            "max-residence-time": up(one.max_residence_ps),
                        }
                    ]
                },
            }
        )
    return {
        f"{ATS}:stream-gates": {
            "stream-gate-instance-table": [{"stream-gate-instance-id": _ALWAYS_OPEN}]
        },
        f"{ATS}:stream-filters": {"stream-filter-instance-table": table},
    }

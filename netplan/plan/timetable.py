# SPDX-License-Identifier: Apache-2.0
"""The design's schedule in the plan: phases and ways of streams, gate lists of ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from netplan.design.design import Design
from netplan.design.findings import Finding, Severity
from netplan.design.quantities import duration_text
from netplan.design.resolve import Equipment, nearest
from netplan.design.tsn import GateList as GateListOfUser
from netplan.media.interface import WireMechanism
from netplan.plan.demand import Demand
from netplan.plan.model import Egress
from netplan.tsn.mechanisms import GateEntry, GateList, GateOperation

_AT = ("schedule", "")
_OPERATIONS = {
    "set": GateOperation.SET,
    "hold": GateOperation.HOLD,
    "release": GateOperation.RELEASE,
}


def as_scheduled(design: Design, demands: Sequence[Demand]) -> tuple[list[Demand], list[Finding]]:
    """Demands with the phases and ways that the schedule gives them."""
    if design.schedule is None:
        return list(demands), []
    findings: list[Finding] = []
    rows = design.schedule.streams
    names = {demand.name for demand in demands}
    for name in rows:
        if name not in names and not design.is_left_out("streams", name.removesuffix(".out")):
            findings.append(
                design.finding(
                    "SCHEDULE-STREAM", Severity.ERROR, "the schedule names an unknown stream",
                    at=_AT, keys=("streams", name), expected="a stream of the design", found=name,
                    hint=f"make the schedule anew; {nearest(name, names)}",
                )
            )  # fmt: skip
    scheduled: list[Demand] = []
    for demand in demands:
        row = rows.get(demand.name)
        if row is None:
            scheduled.append(demand)
            continue
        ways = row.ways or ()
        wrong = [
            way
            for way in ways
            if len(way) < 2 or way[0] != demand.talker or way[-1] not in demand.listeners
        ]
        if wrong:
            findings.append(
                design.finding(
                    "SCHEDULE-WAY", Severity.ERROR, "a way does not lead from talker to listener",
                    at=_AT, keys=("streams", demand.name, "ways"),
                    expected=f"{demand.talker}, ..., {' or '.join(demand.listeners)}",
                    found=", ".join(wrong[0]), hint="make the schedule anew",
                )
            )  # fmt: skip
        emission = replace(demand.emission, phase_ps=row.phase_ps, sporadic=False)
        scheduled.append(replace(demand, emission=emission, given_ways=ways, scheduled=True))
    return scheduled, findings


def gates_of(
    design: Design, equipment: Equipment, egresses: Mapping[str, Egress]
) -> tuple[dict[str, tuple[GateList, ...]], list[Finding]]:
    """Gate lists by transmitter, checked against what the device can do."""
    if design.schedule is None:
        return {}, []
    findings: list[Finding] = []
    gates: dict[str, tuple[GateList, ...]] = {}
    ports = {f"{node}.{port}" for node, one in equipment.nodes.items() for port in one.ports}

    def refuse(port: str, code: str, message: str, expected: str, found: str, hint: str) -> None:
        findings.append(
            design.finding(
                code, Severity.ERROR, message, at=_AT, keys=("gates", port), expected=expected,
                found=found, hint=hint,
            )
        )  # fmt: skip

    for port, lists in design.schedule.gates.items():
        if port not in ports:
            refuse(
                port, "SCHEDULE-PORT", "the schedule names an unknown port", "a port of the design",
                port, nearest(port, ports),
            )  # fmt: skip
            continue
        egress = egresses.get(port)
        if egress is None:
            continue  # nothing is sent there
        if not isinstance(egress.mechanism, WireMechanism):
            refuse(
                port, "SCHEDULE-MEDIUM", "only wired ports have gates", "an Ethernet port",
                egress.medium, "remove it from the schedule",
            )  # fmt: skip
            continue
        for one in lists:
            for code, message, expected, found, hint in _faults(equipment, egress, one):
                refuse(port, code, message, expected, found, hint)
        ordered = tuple(sorted(map(_gate_list, lists), key=lambda one: one.base_ps))
        gates[port] = ordered
    return gates, findings


def _gate_list(written: GateListOfUser) -> GateList:
    return GateList(
        base_ps=written.base_ps,
        cycle_ps=written.cycle_ps,
        extension_ps=written.extension_ps,
        entries=tuple(
            GateEntry(
                duration_ps=entry.for_ps,
                open_queues=sum(1 << queue for queue in set(entry.open)),
                operation=_OPERATIONS[entry.mac],
            )
            for entry in written.entries
        ),
    )


def _faults(
    equipment: Equipment, egress: Egress, written: GateListOfUser
) -> list[tuple[str, str, str, str, str]]:
    """Code, message, expected, found and hint of everything that is wrong with a gate list."""
    faults: list[tuple[str, str, str, str, str]] = []
    sum_ps = sum(entry.for_ps for entry in written.entries)
    if sum_ps != written.cycle_ps:
        faults.append(
            (
                "SCHEDULE-CYCLE", "the entries do not add up to the cycle",
                duration_text(written.cycle_ps), duration_text(sum_ps),
                "lengthen or shorten an entry",
            )
        )  # fmt: skip
    most = max((queue for entry in written.entries for queue in entry.open), default=0)
    if most >= egress.queue_count:
        faults.append(
            (
                "SCHEDULE-QUEUE", "an entry opens a queue that the port does not have",
                f"queues 0 to {egress.queue_count - 1}", f"queue {most}", "correct 'open'",
            )
        )  # fmt: skip
    device = equipment.nodes[egress.node].device
    bridge = device.bridge
    if bridge is None or not equipment.nodes[egress.node].forwards:
        return faults  # a talker's gates are its own software's
    if bridge.gate_entries is None or bridge.gate_entries.value == 0:
        faults.append(
            (
                "SCHEDULE-DEVICE", f"'{device.id}' has no gates", "a device with gate lists",
                device.id, "choose a TSN bridge, or schedule another way",
            )
        )  # fmt: skip
        return faults
    if len(written.entries) > bridge.gate_entries.value:
        faults.append(
            (
                "SCHEDULE-ENTRIES", f"the gate list is too long for '{device.id}'",
                f"at most {bridge.gate_entries.value} entries", f"{len(written.entries)} entries",
                "let 'plantwire schedule' merge windows, or choose another model",
            )
        )  # fmt: skip
    grain = bridge.gate_granularity_ps
    times = (written.cycle_ps, *(entry.for_ps for entry in written.entries))
    odd = [time for time in times if grain is not None and grain.value and time % grain.value]
    if grain is not None and odd:
        faults.append(
            (
                "SCHEDULE-GRANULARITY", f"'{device.id}' cannot time this",
                f"multiples of {duration_text(grain.value)}", duration_text(odd[0]),
                "round the entries, or let 'plantwire schedule' do it",
            )
        )  # fmt: skip
    return faults

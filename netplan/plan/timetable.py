# SPDX-License-Identifier: Apache-2.0
"""The design's schedule in the plan: phases and ways of streams, gate lists of ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from netplan.design.design import Design, Path
from netplan.design.findings import Finding, Severity
from netplan.design.quantities import duration_text
from netplan.design.resolve import Equipment, nearest
from netplan.design.tsn import GateList as GateListOfUser
from netplan.design.tsn import ScheduledStream
from netplan.plan.demand import Demand
from netplan.plan.model import Egress
from netplan.tsn.mechanisms import GateEntry, GateList, GateOperation

_AT = ("schedule", "")
_WIRED = {"rj45", "sfp"}
_SHOWN = 5
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
        if name not in names and not _is_written(design, name):
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
        findings += _contradictions(design, demand, row)
        emission = replace(demand.emission, phase_ps=row.phase_ps, sporadic=False)
        scheduled.append(
            replace(demand, emission=emission, given_ways=row.ways or (), scheduled=True)
        )
    return scheduled, findings


def unreleased(design: Design, demands: Sequence[Demand]) -> list[Finding]:
    """SCHEDULE-RELEASE: streams that are to be scheduled and have no time of release yet."""
    waiting = [one for one in demands if one.scheduled and one.emission.phase_ps is None]
    if not waiting:
        return []
    names = ", ".join(one.name for one in waiting[:_SHOWN])
    rest = len(waiting) - _SHOWN
    finding = design.finding(
        "SCHEDULE-RELEASE", Severity.NOTE, "streams that are to be scheduled have no schedule yet",
        at=waiting[0].origin, keys=("scheduled",), expected="a release in the schedule",
        found=f"none for {names}{f' and {rest} more' if rest > 0 else ''}",
        hint="run 'plantwire schedule'",
    )  # fmt: skip
    return [finding]


def _is_written(design: Design, name: str) -> bool:
    """Whether the design has the stream, though with mistakes of its own."""
    relation, _, direction = name.rpartition(".")
    groups = [("streams", name)]
    if direction in {"in", "out"}:
        groups.append(("relations", relation))
    return any(
        one in getattr(design, group) or design.is_left_out(group, one) for group, one in groups
    )


def _contradictions(design: Design, demand: Demand, row: ScheduledStream) -> list[Finding]:
    """SCHEDULE-STREAM, SCHEDULE-PHASE: the schedule releases what the stream lets it release."""
    findings: list[Finding] = []
    if demand.emission.sporadic:
        findings.append(
            design.finding(
                "SCHEDULE-STREAM", Severity.ERROR, "a sporadic stream has no time of release",
                at=_AT, keys=("streams", demand.name), expected="a periodic stream",
                found=f"'{demand.name}', which is sporadic",
                hint="remove it from the schedule, or 'sporadic' from the stream",
            )
        )  # fmt: skip
    elif demand.emission.phase_ps not in {None, row.phase_ps}:
        findings.append(
            design.finding(
                "SCHEDULE-PHASE", Severity.WARNING,
                f"the schedule releases '{demand.name}' at another time than the stream says",
                at=_AT, keys=("streams", demand.name, "phase"),
                expected=duration_text(demand.emission.phase_ps or 0),
                found=f"{duration_text(row.phase_ps)}, which holds",
                hint="remove 'phase' from the stream, or make the schedule anew",
            )
        )  # fmt: skip
    return findings


def way_faults(
    design: Design,
    demand: Demand,
    forwards: Mapping[str, bool],
    is_joined: Callable[[str, str], bool],
) -> list[Finding]:
    """SCHEDULE-WAY: every way of the schedule can be gone, and there are as many as wanted."""
    findings: list[Finding] = []

    def refuse(keys: Path, message: str, expected: str, found: str) -> None:
        findings.append(
            design.finding(
                "SCHEDULE-WAY", Severity.ERROR, message, at=_AT,
                keys=("streams", demand.name, "ways", *keys), expected=expected, found=found,
                hint="make the schedule anew",
            )
        )  # fmt: skip

    for index, way in enumerate(demand.given_ways):
        apart = [pair for pair in pairwise(way) if not is_joined(*pair)]
        stops = [node for node in way[1:-1] if not forwards.get(node, False)]
        passed = iter(way)
        if len(way) < 2 or way[0] != demand.talker or way[-1] not in demand.listeners:
            refuse(
                (index,), "a way does not lead from talker to listener",
                f"{demand.talker}, ..., {' or '.join(demand.listeners)}", ", ".join(way),
            )  # fmt: skip
        elif len(set(way)) < len(way):
            refuse((index,), "a way passes a node twice", "each node once", ", ".join(way))
        elif apart:
            refuse(
                (index,), "a way leads where no link does", "nodes joined by links",
                " and ".join(apart[0]),
            )  # fmt: skip
        elif stops:
            refuse(
                (index,), f"'{stops[0]}' passes nothing on", "bridges between talker and listener",
                ", ".join(way),
            )  # fmt: skip
        elif not all(node in passed for node in demand.waypoints):
            refuse(
                (index,), "a way leaves the stream's 'path'", ", ".join(demand.waypoints),
                ", ".join(way),
            )  # fmt: skip
    for listener in demand.listeners if not findings else ():
        ways = [way for way in demand.given_ways if way[-1] == listener]
        if ways and (len(ways) != demand.way_count or len(set(ways)) < len(ways)):
            refuse(
                (), f"the stream takes other ways to '{listener}'",
                f"different ways, {demand.way_count}", f"{len(set(ways))}",
            )  # fmt: skip
    return findings


def gates_of(
    design: Design, equipment: Equipment, egresses: Mapping[str, Egress]
) -> tuple[dict[str, tuple[GateList, ...]], list[Finding]]:
    """Gate lists by transmitter, checked against what the device can do."""
    if design.schedule is None:
        return {}, []
    findings: list[Finding] = []
    gates: dict[str, tuple[GateList, ...]] = {}
    connectors = {
        f"{node}.{name}": port.connector
        for node, one in equipment.nodes.items()
        for name, port in one.ports.items()
    }

    def tell(
        port: str, code: str, message: str, expected: str, found: str, hint: str,
        severity: Severity = Severity.ERROR,
    ) -> None:  # fmt: skip
        findings.append(
            design.finding(
                code, severity, message, at=_AT, keys=("gates", port), expected=expected,
                found=found, hint=hint,
            )
        )  # fmt: skip

    for port, lists in design.schedule.gates.items():
        egress = egresses.get(port)
        if port not in connectors:
            tell(
                port, "SCHEDULE-PORT", "the schedule names an unknown port", "a port of the design",
                port, nearest(port, connectors),
            )  # fmt: skip
        elif connectors[port] not in _WIRED:
            tell(
                port, "SCHEDULE-MEDIUM", "only wired ports have gates", "an Ethernet port",
                connectors[port], "remove it from the schedule",
            )  # fmt: skip
        elif egress is None:
            tell(
                port, "SCHEDULE-UNUSED", "these gates change nothing: no stream leaves by this port",
                "a port that streams leave by", port, "remove it, or make the schedule anew",
                Severity.NOTE,
            )  # fmt: skip
        else:
            if len({one.base_ps for one in lists}) < len(lists):
                tell(
                    port, "SCHEDULE-BASE", "two gate lists begin at the same time",
                    "a 'base' of its own for each list",
                    ", ".join(duration_text(one.base_ps) for one in lists),
                    "remove one of them, or move its 'base'",
                )  # fmt: skip
            for one in lists:
                for code, message, expected, found, hint in _faults(equipment, egress, one):
                    tell(port, code, message, expected, found, hint)
            gates[port] = tuple(sorted(map(_gate_list, lists), key=lambda one: one.base_ps))
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

# SPDX-License-Identifier: Apache-2.0
"""What the ports of the plan do beyond strict priority: shapers, gates, preemption.

The design's policy is by priority; here it becomes a rule per queue of each wired port. What a
device cannot do is a finding, never left out silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from netplan.design.design import Design
from netplan.design.findings import Finding, Severity
from netplan.design.quantities import duration_text, rate_text
from netplan.design.resolve import Equipment, ResolvedNode
from netplan.design.tsn import PortPolicy, TrafficClass
from netplan.media.frames import PS_PER_S, wire_time_ps
from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Emission, Hop, PlannedStream
from netplan.plan.policies import cannot_preempt, policy_findings, policy_of
from netplan.plan.timetable import gates_of
from netplan.tsn.classes import queue_index
from netplan.tsn.mechanisms import GateList, GateOperation, PortRules, QueueRule, Selection

ALWAYS_PS = 1 << 62
"""Longer than any frame."""
SLOPE_STEP_BPS = 1_000
"""Idle slopes that are chosen are multiples of this. Source: planning practice (tc-cbs)."""
_SLACK_PART = 100_000
_CHECK_OCTETS = 4
_LEAST_REST_OCTETS = 64
_RECEIVES = "End stations behind a port that preempts put the fragments together again."
_QUANTUM_OCTETS = 1522
_SELECTIONS = {
    "strict": Selection.STRICT,
    "credit-based": Selection.CREDIT,
    "asynchronous": Selection.ASYNCHRONOUS,
    "round-robin": Selection.ROUND_ROBIN,
}


def contract_bps(emission: Emission, extra_octets: int) -> int:
    """Long-term rate of a contract with so many octets added to every frame, rounded up."""
    octets = sum(frame + extra_octets for message in emission.messages for frame in message)
    return -(-8 * octets * PS_PER_S // emission.pattern_ps)


def least_slope_bps(contracts_bps: int) -> int:
    """Least idle slope with which streams of so much long-term rate can be proven; 0 for none.

    With their rate alone, a queue that has fallen behind a frame of another class never catches
    up again. So it is the next multiple of 1 kbit/s (the unit of Linux tc-cbs) that is above their
    rate by 10 ppm at least: a bound rounds the time of each frame up by less than 1 ps, which is
    2 ppm of the smallest one at 1 Gbit/s.
    """
    if not contracts_bps:
        return 0
    return (
        contracts_bps + contracts_bps // _SLACK_PART
    ) // SLOPE_STEP_BPS * SLOPE_STEP_BPS + SLOPE_STEP_BPS


def given_slope_bps(wanted: TrafficClass, egress: Egress) -> int | None:
    """The idle slope that a design gives for a class at a port; None when the streams' needs count."""
    of_ports = wanted.idle_slopes_bps
    return of_ports.get(egress.name) or of_ports.get(egress.port) or wanted.idle_slope_bps


def with_rules(
    design: Design,
    equipment: Equipment,
    egresses: tuple[Egress, ...],
    streams: tuple[PlannedStream, ...],
) -> tuple[tuple[Egress, ...], list[Finding]]:
    """Transmitters with their rules."""
    gates, findings = gates_of(design, equipment, {egress.name: egress for egress in egresses})
    users: dict[str, list[tuple[PlannedStream, Hop]]] = {egress.name: [] for egress in egresses}
    for stream in streams:
        for hop in stream.hops:
            users[egresses[hop.egress_index].name].append((stream, hop))
    findings += policy_findings(design, equipment, egresses, users)
    made = []
    for egress in egresses:
        port = _Port(
            design=design, equipment=equipment, egress=egress, users=users[egress.name],
            gates=gates.get(egress.name, ()),
        )  # fmt: skip
        made.append(port.made())
        findings += [one for one in port.findings if one not in findings]
    return tuple(made), findings


@dataclass(slots=True, kw_only=True)
class _Port:
    """One transmitter while its rules are worked out."""

    design: Design
    equipment: Equipment
    egress: Egress
    users: list[tuple[PlannedStream, Hop]]
    gates: tuple[GateList, ...]
    findings: list[Finding] = field(default_factory=list)

    @property
    def node(self) -> ResolvedNode:
        """The node that holds it."""
        return self.equipment.nodes[self.egress.node]

    def refuse(
        self, code: str, message: str, expected: str, found: str, hint: str,
        severity: Severity = Severity.ERROR,
    ) -> None:  # fmt: skip
        """Note a finding about the policy."""
        own = self.node.node.tsn is not None
        self.findings.append(
            self.design.finding(
                code, severity, message,
                at=("nodes", self.node.name) if own else ("tsn", ""),
                keys=("tsn",) if own else (), expected=expected, found=found, hint=hint,
            )
        )  # fmt: skip

    def refuse_gates(self, code: str, message: str, expected: str, found: str, hint: str) -> None:
        """Note a finding about the port's gate lists."""
        self.findings.append(
            self.design.finding(
                code, Severity.ERROR, message, at=("schedule", ""),
                keys=("gates", self.egress.name), expected=expected, found=found, hint=hint,
            )
        )  # fmt: skip

    def made(self) -> Egress:
        """The transmitter; its rules are None when plain strict priority is all there is."""
        mechanism = self.egress.mechanism
        if not isinstance(mechanism, WireMechanism):
            return self.egress
        policy = policy_of(self.design, self.node) or PortPolicy()
        fragment_octets = self._fragment(policy)
        classes = self._classes(policy)
        reserved_bps = self._reserved_bps(classes, mechanism)
        express = self._express(policy, fragment_octets)
        queues = tuple(
            self._queue(queue, classes.get(queue), reserved_bps, express=queue in express)
            for queue in range(self.egress.queue_count)
        )
        self._check_slopes(queues, reserved_bps, mechanism)
        self._check_groups(queues)
        self._check_sizes(queues)
        self._check_windows(mechanism)
        self._check_holds(fragment_octets)
        if all(rule == QueueRule() for rule in queues) and not self.gates and not fragment_octets:
            return self.egress
        hold_octets = (
            0
            if fragment_octets is None
            else fragment_octets - _CHECK_OCTETS + _LEAST_REST_OCTETS - 1
            + mechanism.lead_octets + mechanism.tail_octets
        )  # fmt: skip
        rules = PortRules(
            queues=queues,
            gates=self.gates,
            fragment_octets=fragment_octets,
            hold_advance_ps=wire_time_ps(hold_octets, mechanism.line_bps),
        )
        assumed = (_RECEIVES,) if fragment_octets and self._peer.device.bridge is None else ()
        return replace(self.egress, rules=rules, assumptions=(*self.egress.assumptions, *assumed))

    @property
    def _peer(self) -> ResolvedNode:
        """The node at the other end of the wire."""
        return self.equipment.nodes[self.users[0][1].to_node]

    def _queues_of(self, priorities: Iterable[int]) -> set[int]:
        return {queue_index(pcp, self.egress.queue_count) for pcp in priorities}

    def _classes(self, policy: PortPolicy) -> dict[int, TrafficClass]:
        classes: dict[int, TrafficClass] = {}
        for one in policy.classes:
            for queue in self._queues_of(one.pcp):
                if classes.setdefault(queue, one) is not one:
                    self.refuse(
                        "TSN-CLASS", "two classes share a queue",
                        f"one class per queue of '{self.node.device.id}', which has "
                        f"{self.egress.queue_count}",
                        f"priorities {', '.join(map(str, (*classes[queue].pcp, *one.pcp)))} in "
                        f"queue {queue}",
                        "join the classes, or choose a device with more queues",
                    )  # fmt: skip
        return classes

    def _express(self, policy: PortPolicy, fragment_octets: int | None) -> set[int]:
        """Queues whose frames interrupt; all where nothing is preempted."""
        if policy.preemption is None or fragment_octets is None:
            return set(range(self.egress.queue_count))
        express = self._queues_of(policy.preemption.express)
        both = express & self._queues_of(set(range(8)) - set(policy.preemption.express))
        if both:
            self.refuse(
                "TSN-EXPRESS", "express and preemptable priorities share a queue",
                f"express priorities with queues of their own among the {self.egress.queue_count} "
                f"of '{self.node.device.id}'", f"queue {min(both)}",
                "list all priorities of the queue under 'express'",
            )  # fmt: skip
        return express

    def _fragment(self, policy: PortPolicy) -> int | None:
        """Smallest fragment; None where one of the two ends does not preempt."""
        if policy.preemption is None:
            return None
        device = self.node.device
        if self.node.node.tsn is not None and (device.bridge is None or cannot_preempt(self.node)):
            self.refuse(
                "TSN-PREEMPTION", f"'{device.id}' does not preempt",
                "a device with frame preemption", device.id, "choose another model",
            )  # fmt: skip
        if cannot_preempt(self.node) or cannot_preempt(self._peer):
            return None
        return policy.preemption.fragment_octets

    def _queue(
        self,
        queue: int,
        wanted: TrafficClass | None,
        reserved_bps: Mapping[int, int],
        *,
        express: bool,
    ) -> QueueRule:
        if wanted is None:
            return QueueRule(express=express)
        selection = _SELECTIONS[wanted.shaper]
        if selection is Selection.CREDIT and queue not in reserved_bps:
            selection = Selection.STRICT  # nothing is reserved, and no stream uses it
        quantum_octets = wanted.quantum_octets or _QUANTUM_OCTETS
        return QueueRule(
            selection=selection,
            idle_slope_bps=self._while_open_bps(queue, reserved_bps.get(queue, 0)),
            quantum_octets=quantum_octets if selection is Selection.ROUND_ROBIN else 0,
            largest_frame_octets=wanted.largest_frame_octets,
            express=express,
        )

    def _reserved_bps(
        self, classes: Mapping[int, TrafficClass], wire: WireMechanism
    ) -> dict[int, int]:
        """Rate of each credit-based queue: what is asked for, or what its streams need.

        Source: IEEE Std 802.1Q-2022, annex L (overhead octets count).
        """
        around = wire.lead_octets + wire.tail_octets
        reserved = {}
        for queue, wanted in classes.items():
            if wanted.shaper == "credit-based":
                reserved[queue] = given_slope_bps(wanted, self.egress) or least_slope_bps(
                    sum(
                        contract_bps(stream.emission, hop.added_octets + around)
                        for stream, hop in self.users
                        if hop.queue_index == queue
                    )
                )
        return {queue: rate_bps for queue, rate_bps in reserved.items() if rate_bps}

    def _while_open_bps(self, queue: int, reserved_bps: int) -> int:
        """The reserved rate while the gate is open, under the list that opens it least.

        Source: IEEE Std 802.1Q-2022, 8.6.8.2 (operIdleSlope is the administrative one times the
        cycle over the time that the gate is open).
        """
        slope_bps = reserved_bps
        for one in self.gates:
            open_ps = sum(
                entry.duration_ps for entry in one.entries if entry.open_queues >> queue & 1
            )
            if open_ps:
                slope_bps = max(slope_bps, -(-reserved_bps * one.cycle_ps // open_ps))
        return slope_bps

    def _check_slopes(
        self, queues: tuple[QueueRule, ...], reserved_bps: Mapping[int, int], wire: WireMechanism
    ) -> None:
        """Source: IEEE Std 802.1Q-2022, 34.3.1 (reserved rates together fit into the port's)."""
        slopes = [(f"queue {i}", rule.idle_slope_bps) for i, rule in enumerate(queues)]
        for what, slope_bps in (*slopes, ("all queues together", sum(reserved_bps.values()))):
            if slope_bps >= wire.line_bps:
                self.refuse(
                    "TSN-IDLE-SLOPE", f"the idle slope of {what} of {self.egress.name} is not below "
                    "the link's rate", f"less than {rate_text(wire.line_bps)}",
                    rate_text(slope_bps),
                    "move streams to other ways or priorities, or use a faster link",
                )  # fmt: skip
                break

    def _check_groups(self, queues: tuple[QueueRule, ...]) -> None:
        robin = [i for i, rule in enumerate(queues) if rule.selection is Selection.ROUND_ROBIN]
        if robin and robin[-1] - robin[0] + 1 != len(robin):
            self.refuse(
                "TSN-ROUND-ROBIN", "the queues of a round robin are not neighbours",
                "priorities without another class between them",
                f"queues {', '.join(map(str, robin))} of {self.egress.name}",
                "choose other priorities",
            )  # fmt: skip

    def _check_sizes(self, queues: tuple[QueueRule, ...]) -> None:
        """Frames that are always dropped are told, though that may be meant."""
        for stream, hop in self.users:
            most = queues[hop.queue_index].largest_frame_octets
            octets = _largest_octets(stream, hop)
            if most is not None and octets > most:
                self.refuse(
                    "TSN-FRAME", f"frames of '{stream.name}' are larger than its class lets pass",
                    f"at most {most} B", f"{octets} B: they are dropped",
                    "raise 'largest_frame', or send smaller frames", Severity.WARNING,
                )  # fmt: skip

    def _check_windows(self, wire: WireMechanism) -> None:
        """Every frame must fit into some window of its queue."""
        for one in self.gates:
            longest: dict[int, int] = {}
            for stream, hop in self.users:
                octets = _largest_octets(stream, hop)
                frame_ps = wire_time_ps(wire.lead_octets + octets, wire.line_bps)
                queue = hop.queue_index
                if queue not in longest:
                    longest[queue] = longest_window_ps(one, queue)
                if frame_ps > longest[queue]:
                    self.refuse_gates(
                        "GATE-WINDOW", f"a frame of '{stream.name}' is longer than any window of "
                        f"queue {queue} of {self.egress.name}",
                        f"at most {duration_text(longest[queue])}", duration_text(frame_ps),
                        "lengthen the window, or make the schedule anew",
                    )  # fmt: skip

    def _check_holds(self, fragment_octets: int | None) -> None:
        """Only ports that preempt hold frames back, and not for ever."""
        for one in self.gates:
            operations = {entry.operation for entry in one.entries}
            if GateOperation.HOLD not in operations:
                continue
            if fragment_octets is None:
                self.refuse_gates(
                    "SCHEDULE-HOLD", f"{self.egress.name} does not preempt: it holds nothing back",
                    "frame preemption at both ends of the link", "'mac: hold'",
                    "add 'preemption' to 'tsn', choose other models, or remove 'mac'",
                )  # fmt: skip
            elif GateOperation.RELEASE not in operations:
                self.refuse_gates(
                    "SCHEDULE-HOLD", "preemptable frames are held back and never released",
                    "an entry with 'mac: release'", "'mac: hold' only",
                    "add 'mac: release' to the entry from which on they may go",
                )  # fmt: skip


def _largest_octets(stream: PlannedStream, hop: Hop) -> int:
    frames = (frame for message in stream.emission.messages for frame in message)
    return max(frames) + hop.added_octets


def longest_window_ps(gates: GateList, queue: int) -> int:
    """Longest time for which the gate of a queue stays open; ``ALWAYS_PS`` when it never closes."""
    longest_ps = run_ps = 0
    if all(entry.open_queues >> queue & 1 for entry in gates.entries):
        return ALWAYS_PS
    for entry in gates.entries * 2:
        run_ps = run_ps + entry.duration_ps if entry.open_queues >> queue & 1 else 0
        longest_ps = max(longest_ps, run_ps)
    return longest_ps

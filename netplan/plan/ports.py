# SPDX-License-Identifier: Apache-2.0
"""What the ports of the plan do beyond strict priority: shapers, gates, preemption, cut-through.

The design's policy is by priority; here it becomes a rule per queue of each wired port. What a
device cannot do is a finding, never left out silently.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from netplan.design.design import Design
from netplan.design.findings import Finding, Severity
from netplan.design.quantities import duration_text, rate_text
from netplan.design.resolve import Equipment, ResolvedNode
from netplan.design.tsn import PortPolicy, TrafficClass
from netplan.media.frames import PS_PER_S, wire_time_ps
from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Emission, Hop, PlannedStream
from netplan.plan.timetable import gates_of
from netplan.tsn.classes import queue_index
from netplan.tsn.mechanisms import GateList, PortRules, QueueRule, Selection

_FRAGMENTS_OCTETS = (64, 128, 192, 256)
_CHECK_OCTETS = 4
_LEAST_REST_OCTETS = 64
_HEADER_OCTETS = 18
"""Addresses, tag and EtherType: what a bridge must have seen to choose port and queue."""
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
    pattern_ps = emission.period_ps * (1 if emission.offsets_ps else len(emission.messages))
    return -(-8 * octets * PS_PER_S // pattern_ps)


def with_rules(
    design: Design,
    equipment: Equipment,
    egresses: tuple[Egress, ...],
    streams: tuple[PlannedStream, ...],
) -> tuple[tuple[Egress, ...], tuple[PlannedStream, ...], list[Finding]]:
    """Transmitters with their rules, and streams that cut through where bridges may."""
    gates, findings = gates_of(design, equipment, {egress.name: egress for egress in egresses})
    users: list[list[tuple[PlannedStream, Hop]]] = [[] for _ in egresses]
    for stream in streams:
        for hop in stream.hops:
            users[hop.egress_index].append((stream, hop))
    made = []
    for egress, used_by in zip(egresses, users, strict=True):
        port = _Port(design=design, node=equipment.nodes[egress.node], egress=egress, users=used_by)
        made.append(replace(egress, rules=port.rules(gates.get(egress.name, ()))))
        findings += [one for one in port.findings if one not in findings]
    policies = {name: policy_of(design, node) for name, node in equipment.nodes.items()}
    fast = {name for name, policy in policies.items() if policy is not None and policy.cut_through}
    if fast:
        streams = tuple(_cutting_through(stream, made, fast) for stream in streams)
    return tuple(made), streams, findings


def policy_of(design: Design, node: ResolvedNode) -> PortPolicy | None:
    """The node's own policy, the plant's for TSN bridges, none for others."""
    if node.node.tsn is not None:
        return node.node.tsn
    bridge = node.device.bridge
    capable = bridge is not None and bridge.gate_entries is not None
    return design.tsn if capable and node.forwards else None


def _cutting_through(
    stream: PlannedStream, egresses: list[Egress], fast: set[str]
) -> PlannedStream:
    hops = list(stream.hops)
    for index, hop in enumerate(hops):
        if hop.parent_index < 0 or hop.from_node not in fast:
            continue
        before = egresses[hops[hop.parent_index].egress_index].mechanism
        behind = egresses[hop.egress_index].mechanism
        if not (isinstance(before, WireMechanism) and isinstance(behind, WireMechanism)):
            continue
        if before.line_bps >= behind.line_bps and not hop.added_octets:
            hops[index] = replace(hop, cut_through_octets=_HEADER_OCTETS)
    return replace(stream, hops=tuple(hops))


@dataclass(slots=True, kw_only=True)
class _Port:
    """One transmitter while its rules are worked out."""

    design: Design
    node: ResolvedNode
    egress: Egress
    users: list[tuple[PlannedStream, Hop]]
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, code: str, message: str, expected: str, found: str, hint: str) -> None:
        own = self.node.node.tsn is not None
        self.findings.append(
            self.design.finding(
                code, Severity.ERROR, message,
                at=("nodes", self.node.name) if own else ("tsn", ""),
                keys=("tsn",) if own else (), expected=expected, found=found, hint=hint,
            )
        )  # fmt: skip

    def rules(self, gates: tuple[GateList, ...]) -> PortRules | None:
        """The port's rules; None when plain strict priority is all there is."""
        policy = policy_of(self.design, self.node)
        mechanism = self.egress.mechanism
        if not isinstance(mechanism, WireMechanism):
            return None
        if policy is None or not (policy.classes or policy.preemption):
            if not gates:
                return None
            policy = PortPolicy()
        classes = self._classes(policy)
        express = self._express(policy)
        queues = tuple(
            self._queue(queue, classes.get(queue), mechanism, gates, express=queue in express)
            for queue in range(self.egress.queue_count)
        )
        self._check_groups(queues)
        self._check_windows(mechanism, gates)
        fragment_octets = self._fragment(policy)
        hold_octets = (
            0
            if fragment_octets is None
            else fragment_octets - _CHECK_OCTETS + _LEAST_REST_OCTETS - 1
            + mechanism.lead_octets + mechanism.tail_octets
        )  # fmt: skip
        plain = all(rule == QueueRule() for rule in queues)
        if plain and not gates and fragment_octets is None:
            return None
        return PortRules(
            queues=queues,
            gates=gates,
            fragment_octets=fragment_octets,
            hold_advance_ps=wire_time_ps(hold_octets, mechanism.line_bps),
        )

    def _queues_of(self, priorities: Iterable[int]) -> set[int]:
        return {queue_index(pcp, self.egress.queue_count) for pcp in priorities}

    def _classes(self, policy: PortPolicy) -> dict[int, TrafficClass]:
        classes: dict[int, TrafficClass] = {}
        for one in policy.classes:
            for queue in self._queues_of(one.pcp):
                if classes.setdefault(queue, one) is not one:
                    self.refuse(
                        "TSN-CLASS", "two classes share a queue",
                        f"one class per queue ({self.egress.name} has {self.egress.queue_count})",
                        f"priorities {', '.join(map(str, (*classes[queue].pcp, *one.pcp)))} in "
                        f"queue {queue}",
                        "join the classes, or choose a device with more queues",
                    )  # fmt: skip
        return classes

    def _express(self, policy: PortPolicy) -> set[int]:
        """Queues whose frames interrupt; all where nothing is preempted."""
        if policy.preemption is None:
            return set(range(self.egress.queue_count))
        express = self._queues_of(policy.preemption.express)
        others = self._queues_of(set(range(8)) - set(policy.preemption.express))
        if express & others and self.egress.queue_count == 8:
            self.refuse(
                "TSN-EXPRESS", "express and preemptable priorities share a queue",
                "priorities that have a queue of their own", f"queue {min(express & others)}",
                "list all priorities of the queue under 'express'",
            )  # fmt: skip
        return express

    def _fragment(self, policy: PortPolicy) -> int | None:
        if policy.preemption is None:
            return None
        octets = policy.preemption.fragment_octets
        if octets not in _FRAGMENTS_OCTETS:
            self.refuse(
                "TSN-FRAGMENT", "there are no such fragments", "64, 128, 192 or 256 B",
                f"{octets} B", "correct 'fragment'",
            )  # fmt: skip
        bridge = self.node.device.bridge
        if bridge is not None and bridge.preemption is not None and bridge.preemption.value:
            return octets
        if self.node.node.tsn is not None:
            self.refuse(
                "TSN-PREEMPTION", f"'{self.node.device.id}' does not preempt",
                "a device with frame preemption", self.node.device.id, "choose another model",
            )  # fmt: skip
        return None

    def _queue(
        self,
        queue: int,
        wanted: TrafficClass | None,
        wire: WireMechanism,
        gates: tuple[GateList, ...],
        *,
        express: bool,
    ) -> QueueRule:
        if wanted is None:
            return QueueRule(express=express)
        users = [pair for pair in self.users if pair[1].queue_index == queue]
        selection = _SELECTIONS[wanted.shaper]
        slope_bps = 0
        if selection is Selection.CREDIT:
            slope_bps = self._idle_slope_bps(queue, wanted, users, wire, gates)
            if slope_bps == 0:
                selection = Selection.STRICT  # nothing reserved: nobody uses it
        quantum = wanted.quantum_octets or _QUANTUM_OCTETS
        return QueueRule(
            selection=selection,
            idle_slope_bps=slope_bps,
            quantum_octets=quantum if selection is Selection.ROUND_ROBIN else 0,
            largest_frame_octets=wanted.largest_frame_octets,
            express=express,
        )

    def _idle_slope_bps(
        self,
        queue: int,
        wanted: TrafficClass,
        users: list[tuple[PlannedStream, Hop]],
        wire: WireMechanism,
        gates: tuple[GateList, ...],
    ) -> int:
        """Reserved rate while the gate is open: what is asked for, or what the streams need.

        Source: IEEE Std 802.1Q-2022, 8.6.8.2 (operIdleSlope is the administrative one times the
        cycle over the time that the gate is open) and annex L (overhead octets count).
        """
        around = wire.lead_octets + wire.tail_octets
        slope_bps = wanted.idle_slope_bps or sum(
            contract_bps(stream.emission, hop.added_octets + around) for stream, hop in users
        )
        for one in gates:
            open_ps = sum(
                entry.duration_ps for entry in one.entries if entry.open_queues >> queue & 1
            )
            if open_ps:
                slope_bps = -(-slope_bps * one.cycle_ps // open_ps)
        if slope_bps >= wire.line_bps:
            self.refuse(
                "TSN-IDLE-SLOPE", f"the idle slope of queue {queue} of {self.egress.name} is above "
                "the link's rate", f"less than {rate_text(wire.line_bps)}", rate_text(slope_bps),
                "move streams to other ways or priorities, or use a faster link",
            )  # fmt: skip
        return slope_bps

    def _check_groups(self, queues: tuple[QueueRule, ...]) -> None:
        robin = [i for i, rule in enumerate(queues) if rule.selection is Selection.ROUND_ROBIN]
        if robin and robin[-1] - robin[0] + 1 != len(robin):
            self.refuse(
                "TSN-ROUND-ROBIN", "the queues of a round robin are not neighbours",
                "priorities without another class between them",
                f"queues {', '.join(map(str, robin))} of {self.egress.name}",
                "choose other priorities",
            )  # fmt: skip

    def _check_windows(self, wire: WireMechanism, gates: tuple[GateList, ...]) -> None:
        """Every frame must fit into some window of its queue."""
        for one in gates:
            longest: dict[int, int] = {}
            for stream, hop in self.users:
                octets = max(frame for message in stream.emission.messages for frame in message)
                frame_ps = wire_time_ps(wire.lead_octets + octets + hop.added_octets, wire.line_bps)
                queue = hop.queue_index
                if queue not in longest:
                    longest[queue] = longest_window_ps(one, queue)
                if frame_ps > longest[queue]:
                    self.refuse(
                        "GATE-WINDOW", f"a frame of '{stream.name}' is longer than any window of "
                        f"queue {queue} of {self.egress.name}",
                        f"at most {duration_text(longest[queue])}", duration_text(frame_ps),
                        "lengthen the window, or make the schedule anew",
                    )  # fmt: skip


def longest_window_ps(gates: GateList, queue: int) -> int:
    """Longest time for which the gate of a queue stays open; the cycle when it never closes."""
    longest_ps = run_ps = 0
    if all(entry.open_queues >> queue & 1 for entry in gates.entries):
        return 1 << 62
    for entry in gates.entries * 2:
        run_ps = run_ps + entry.duration_ps if entry.open_queues >> queue & 1 else 0
        longest_ps = max(longest_ps, run_ps)
    return longest_ps

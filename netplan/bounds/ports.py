# SPDX-License-Identifier: Apache-2.0
"""What the rules of a port mean for each of its queues: who goes before, and when it may send.

Queues of the same gates whose frames go before whenever they wait form one busy period with the
queue under study. Queues that go before it by other gates, or only within their credit, stand
apart: of them counts what they send in a window, which came in it or had waited before. Queues
that are never open together count only with a frame that is still under way at an opening.
A frame that was interrupted goes on whatever its gate does.

Source: IEEE Std 802.1Q-2022, 8.6.8; IEEE Std 802.3-2022, clause 99; Zhao, Pop, Gong, Fang, Improving
latency analysis for flexible window-based GCL scheduling in TSN networks (2021) for
windows that overlap; Zhao, Pop, Zheng, Li (2018) for credit, gates and preemption together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from netplan.bounds.arrivals import ONE
from netplan.bounds.credit import Affine
from netplan.bounds.gates import Shut, both_open, openings_of, overrun_ps, shut_of
from netplan.bounds.model import Access, Network, Server
from netplan.bounds.openings import Openings, Service, Succession
from netplan.bounds.preemption import blocking_ps, overhead_ps, whole_piece_octets
from netplan.bounds.transmitter import Transmitter
from netplan.media.frames import wire_time_ps
from netplan.plan.model import Egress
from netplan.tsn.mechanisms import PortRules, QueueRule, Selection


def is_preemptable(egress: Egress, queue_index: int) -> bool:
    """Whether frames of a queue may be interrupted."""
    rules = egress.rules
    if rules is None or rules.fragment_octets is None or queue_index >= len(rules.queues):
        return False
    return not rules.queues[queue_index].express


def open_ports(network: Network) -> None:
    """Work out what the rules of every port mean for its queues."""
    for egress_index, indices in network.servers_at.items():
        egress = network.plan.egresses[egress_index]
        if egress.rules is None or not _has_rules(egress.rules):
            continue
        transmitter = network.transmitters[egress_index]
        if not transmitter.is_wire or transmitter.no_service or transmitter.latency_ps:
            for index in indices:
                network.servers[
                    index
                ].refused = f"{egress.name} has gates, shapers or preemption but is no plain wire"
            continue
        port = _Port(network, egress, egress.rules, indices)
        for index in indices:
            port.work_out(index)


def _has_rules(rules: PortRules) -> bool:
    """Whether anything differs from strict priority; eligibility times do not, once they are given."""
    alone = {Selection.STRICT, Selection.ASYNCHRONOUS}
    preempts = rules.fragment_octets is not None and not all(one.express for one in rules.queues)
    return bool(rules.gates) or preempts or any(one.selection not in alone for one in rules.queues)


@dataclass(slots=True)
class _Port:
    network: Network
    egress: Egress
    rules: PortRules
    indices: list[int]
    known: dict[int, tuple[Shut, ...]] = field(default_factory=dict)
    known_sizes: dict[int, set[int]] = field(default_factory=dict)

    @property
    def transmitter(self) -> Transmitter:
        return self.network.transmitters[self.network.servers[self.indices[0]].egress_index]

    def rule(self, index: int) -> QueueRule:
        return self.rules.queues[self.network.servers[index].queue_index]

    def sizes(self, index: int) -> set[int]:
        """Frame sizes of a queue."""
        known = self.known_sizes.get(index)
        if known is None:
            flows = (self.network.flows[flow] for flow in self.network.servers[index].own)
            known = {octets for flow in flows if not flow.gone for octets in flow.frame_octets}
            self.known_sizes[index] = known
        return known

    def longest_ps(self, index: int) -> int:
        """Work of the longest frame of a queue."""
        return max((self.transmitter.work_ps(octets) for octets in self.sizes(index)), default=0)

    def preemptable(self, index: int) -> bool:
        return is_preemptable(self.egress, self.network.servers[index].queue_index)

    def interrupted(self, index: int) -> bool:
        """Whether some frame of a queue is long enough to be interrupted."""
        fragment_octets = self.rules.fragment_octets
        if fragment_octets is None or not self.preemptable(index):
            return False
        return any(whole_piece_octets(size, fragment_octets) < size for size in self.sizes(index))

    def is_credit(self, index: int) -> bool:
        """Whether credit keeps a queue back; a slope as fast as the line never does."""
        rule = self.rule(index)
        return (
            rule.selection is Selection.CREDIT and rule.idle_slope_bps < self.transmitter.line_bps
        )

    def in_group(self, index: int) -> bool:
        return self.rule(index).selection is Selection.ROUND_ROBIN

    def precedes(self, other: int, index: int) -> bool:
        """Whether frames of another queue may go before waiting ones of this queue."""
        if not self.preemptable(other) and self.preemptable(index):
            return True
        if self.in_group(other) and self.in_group(index):
            return False
        return self.network.servers[other].queue_index > self.network.servers[index].queue_index

    def shuts(self, index: int) -> tuple[Shut, ...]:
        """When a queue is shut, list by list."""
        known = self.known.get(index)
        if known is None:
            advance_ps = self.rules.hold_advance_ps if self.preemptable(index) else None
            queue_index = self.network.servers[index].queue_index
            known = self.known[index] = tuple(
                shut_of(gates, queue_index, hold_advance_ps=advance_ps)
                for gates in self.rules.gates
            )
        return known

    def together(self, index: int, other: int) -> bool:
        """Whether two queues may have frames chosen at the same time."""
        if not self.rules.gates:
            return True
        pairs = zip(self.shuts(index), self.shuts(other), strict=True)
        return any(both_open(first, second) for first, second in pairs)

    def work_out(self, index: int) -> None:
        """Fill in what a queue has to let pass."""
        server = self.network.servers[index]
        access = server.access = Access(
            preemptable=self.interrupted(index), gates=self.shuts(index)
        )
        others = [other for other in self.indices if other != index]
        if server.queue_index >= len(self.rules.queues):
            server.refused = f"{self.egress.name} has no rule for its queue {server.queue_index}"
            return
        if any(shut.always for shut in self.shuts(index)):
            server.refused = (
                f"a gate list of {self.egress.name} never opens queue {server.queue_index}"
            )
            return
        if self.is_credit(index):
            access.idle_bps = self.rule(index).idle_slope_bps
            if access.idle_bps <= 0:
                server.refused = (
                    f"queue {server.queue_index} of {self.egress.name} has no idle slope"
                )
                return
        for other in others:
            if not self.precedes(other, index):
                if self.in_group(other) and self.in_group(index):
                    access.rivals.append(other)
            elif not self.is_credit(other) and self.shuts(other) == self.shuts(index):
                access.strict.append(other)
            elif self.together(index, other):
                access.apart.append(other)
        before = access.strict + access.apart + access.rivals
        if self.preemptable(index) or any(self.preemptable(other) for other in before):
            access.overhead_ps = overhead_ps(self.transmitter)
            if access.idle_bps and access.preemptable:  # its credit pays for the further octets
                line_bps = self.transmitter.line_bps
                access.overhead_ps = -(-access.overhead_ps * line_bps // access.idle_bps)
            access.express = frozenset(one for one in self.indices if not self.preemptable(one))
        server.blocking_ps = self._started_ps(index, [o for o in others if o not in before])
        server.above = [
            flow
            for other in (*access.strict, *access.rivals)
            for flow in self.network.servers[other].own
        ]
        if any(self.shuts(other) != self.shuts(index) for other in access.rivals):
            server.refused = (
                f"queues of the round-robin group of {self.egress.name} have different gates"
            )
        if access.rivals and not self.rules.gates and not access.overhead_ps:
            self._share(index, access)
        if self._gains_in_holds(index, access):
            access.held = self._held(index)
        elif self.rules.gates:
            self._open(index, server, access)
        if access.preemptable:
            # What is open only while this queue is held interrupts nothing: the hold has.
            access.interrupting = [
                one
                for one in others
                if not self.preemptable(one) and not self._held_back(one, index)
            ]

    def _started_ps(self, index: int, lower: list[int]) -> int:
        """Longest frame of a queue that does not go before, once it has started."""
        longest_ps = 0
        for other in lower:
            if self._held_back(index, other):
                continue
            if self.preemptable(other) and not self.preemptable(index):
                assert self.rules.fragment_octets is not None
                one_ps = blocking_ps(
                    self.transmitter, self.sizes(other), self.rules.fragment_octets
                )
            elif self.preemptable(other) or self.together(index, other):
                one_ps = self.longest_ps(other)
            else:
                continue
            longest_ps = max(longest_ps, one_ps)
        return longest_ps

    def _held_back(self, index: int, other: int) -> bool:
        """Whether holds keep preemptable frames off the wire whenever this queue is open."""
        if not self.rules.gates or not self.preemptable(other):
            return False
        pairs = zip(self.shuts(index), self.shuts(other), strict=True)
        return not any(both_open(mine, replace(held, gate=())) for mine, held in pairs)

    def _gains_in_holds(self, index: int, access: Access) -> bool:
        """Whether credit rises whenever frames wait: only holds keep them, none is interrupted."""
        if not access.idle_bps or access.preemptable or len(self.rules.gates) != 1:
            return False
        (shut,) = self.shuts(index)
        return bool(shut.hold) and not shut.gate

    def _held(self, index: int) -> Affine:
        """Time that holds take from the line, as a bucket; each may cost an interruption too."""
        (shut,) = self.shuts(index)
        error_ps = self._error_ps()
        more_ps = overhead_ps(self.transmitter) + 2 * error_ps
        takes_ps = [end - start + more_ps for start, end in shut.hold]
        rate = -(-sum(takes_ps) * ONE // shut.cycle_ps)
        burst_ps = 0
        for first, (begin, _) in enumerate(shut.hold):
            total_ps = 0
            for step in range(len(shut.hold)):
                cycles, place = divmod(first + step, len(shut.hold))
                total_ps += takes_ps[place]
                apart_ps = cycles * shut.cycle_ps + shut.hold[place][0] - begin - 2 * error_ps
                burst_ps = max(burst_ps, total_ps - apart_ps * rate // ONE)
        return burst_ps, rate

    def _share(self, index: int, access: Access) -> None:
        """Turns of a round-robin queue."""
        access.quantum_octets = self.rule(index).quantum_octets
        quanta = [self.rule(other).quantum_octets for other in access.rivals]
        if min([access.quantum_octets, *quanta]) <= 0:
            return
        shares = []
        for other in access.rivals:
            works = {octets: self.transmitter.work_ps(octets) for octets in self.sizes(other)}
            quantum = self.rule(other).quantum_octets
            if len(works) == 1:
                ((octets, work_ps),) = works.items()
                shares.append((quantum, octets - 1, octets, work_ps))
            elif works:
                per_octet = max(-(-work_ps * ONE // octets) for octets, work_ps in works.items())
                shares.append((quantum, max(works) - 1, 1, per_octet))
        access.shares = tuple(shares)

    def _open(self, index: int, server: Server, access: Access) -> None:
        """Windows of a queue in all gate lists."""
        lists: list[Openings] = []
        resumes: list[Openings] = []
        error_ps = self._error_ps()
        level = [index, *access.strict, *access.rivals]
        tail_ps = self._tail_ps()
        guard_ps = max(self.longest_ps(one) for one in level)
        guard_ps = max(guard_ps - tail_ps, 0)
        works = {self.transmitter.work_ps(o) for one in level for o in self.sizes(one)}
        equal = len(works) == 1 and not access.apart and not access.overhead_ps
        # Of lower queues, what is left of a frame and goes on is less than the whole.
        cut = any(self.interrupted(one) for one in (*level, *access.apart))
        resume_ps = overhead_ps(self.transmitter) if cut else 0
        changes_ps = 0
        for number, (gates, shut) in enumerate(
            zip(self.rules.gates, self.shuts(index), strict=True)
        ):
            if not shut.gate and not shut.hold:
                continue

            def overrun(opening_ps: int, number: int = number) -> int:
                return max(self._overrun_ps(index, one, number, opening_ps) for one in self.indices)

            openings = openings_of(
                shut,
                guard_ps=guard_ps,
                error_ps=error_ps,
                overrun=overrun,
                resume_ps=resume_ps,
                equal_work_ps=works.copy().pop() if equal and not access.idle_bps else 0,
            )
            if openings is None:
                server.refused = (
                    f"no window of queue {server.queue_index} of {self.egress.name} is surely long "
                    f"enough for its longest frame and one that may be under way when it opens"
                )
                return
            lists.append(openings)
            longest_ps = max(self.longest_ps(one) for one in self.indices)
            access.waste_ps = max(access.waste_ps, guard_ps + longest_ps + 2 * error_ps)
            changes_ps += guard_ps + longest_ps + 2 * error_ps + gates.extension_ps
            if shut.hold:
                held = Shut(cycle_ps=shut.cycle_ps, gate=(), hold=shut.hold)
                only = openings_of(
                    held,
                    guard_ps=0,
                    error_ps=error_ps,
                    overrun=overrun,
                    resume_ps=resume_ps,
                    equal_work_ps=0,
                )
                if only is not None:
                    resumes.append(only)
        several = len(self.rules.gates) > 1
        access.openings = _joined(lists, changes_ps, several=several)
        access.resumes = _joined(resumes, changes_ps, several=several)

    def _overrun_ps(self, index: int, other: int, number: int, opening_ps: int) -> int:
        """How long after an opening of a queue a frame of any queue may occupy the wire."""
        shut = self.shuts(other)[number]
        longest_ps = self.longest_ps(other)
        access = self.network.servers[index].access
        assert access is not None
        if other in access.apart:  # counted as what it sends
            return 0
        if not self.preemptable(other):
            return overrun_ps(shut, opening_ps, longest_ps=longest_ps, tail_ps=self._tail_ps())
        if self.preemptable(index):
            return 0 if other == index or other in access.strict else longest_ps
        assert self.rules.fragment_octets is not None
        piece_ps = blocking_ps(self.transmitter, self.sizes(other), self.rules.fragment_octets)
        for start, end in shut.hold:
            for shift_ps in (-shut.cycle_ps, 0, shut.cycle_ps):
                if start + shift_ps <= opening_ps <= end + shift_ps:
                    return max(0, piece_ps + start + shift_ps - opening_ps)
        return piece_ps

    def _tail_ps(self) -> int:
        octets = self.transmitter.tail_octets
        return wire_time_ps(octets, self.transmitter.rate_bps) if octets else 0

    def _error_ps(self) -> int:
        synchronisation = self.network.plan.synchronisation
        if synchronisation is None:
            return 0
        clocks = {clock.node: clock.error_ps for clock in synchronisation.clocks}
        return clocks.get(self.egress.node, 0)


def _joined(lists: list[Openings], changes_ps: int, *, several: bool) -> Service | None:
    """One service for all lists of a port."""
    if not lists:
        return None
    return Succession(lists, changes_ps) if several else lists[0]

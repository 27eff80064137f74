# SPDX-License-Identifier: Apache-2.0
"""Rapid Spanning Tree Protocol: one bridge, as the state machines of its ports.

Ports between the bridges of a ring or mesh are point to point and no edge ports; all other ports
are edge ports, which always forward, take no part and cause no change of the topology. Every
bridge speaks RSTP only. Timers run exactly where the standard counts seconds.

Source: IEEE Std 802.1D-2004, clause 17 (machines 17.23 to 17.31, procedures 17.21).
"""

from __future__ import annotations

from emulator.simulation.redundancy.network import Network, ProtocolFrame, Timer
from emulator.simulation.redundancy.rstp_port import (
    Bpdu,
    Info,
    PortState,
    Role,
    Verdict,
)
from emulator.simulation.redundancy.rstp_priority import (
    is_better_or_same,
    select_roles,
    verdict_of,
)
from netplan.tsn.rings import RstpTimers, path_cost

_PS_PER_S = 10**12


class Bridge:
    """A bridge that takes part in the tree."""

    def __init__(self, network: Network, node: int, timers: RstpTimers) -> None:
        self._network, self._node, self._timers = network, node, timers
        self._identifier = timers.bridge_priorities[node] << 16 | node
        self.ports: list[PortState] = []
        self._settling = False

    # ------------------------------------------------------------------ events

    def start(self) -> None:
        """Begin with nothing known."""
        network, node = self._network, self._node

        def timer() -> Timer:
            return network.timer(node, self._settle)

        self.ports = []
        for number, end in enumerate(network.ports[node]):
            segment = network.ring.segments[end.segment_index]
            self.ports.append(
                PortState(
                    number=number,
                    cost=path_cost(segment.line_bps),
                    info_while=timer(),
                    forward_while=timer(),
                    hello_when=timer(),
                    change_while=timer(),
                    recent_root=timer(),
                    recent_backup=timer(),
                )
            )
            network.set_port(node, number, forwards=False)
        for number, port in enumerate(self.ports):
            port.enabled = network.link_is_up(node, number)
        self._settle()

    def receive(self, port: int, frame: ProtocolFrame) -> None:
        """Take a BPDU."""
        if isinstance(frame, Bpdu) and self.ports[port].enabled:
            self.ports[port].waiting.append(frame)
            self._settle()

    def link_changed(self, port: int, *, is_up: bool) -> None:
        """A link was lost or came up."""
        self.ports[port].enabled = is_up
        self._settle()

    def _settle(self) -> None:
        """Let all machines go on until none of them can."""
        if self._settling:
            return
        self._settling = True
        moved = True
        while moved:
            moved = False
            for port in self.ports:
                moved |= self._information(port)
            moved |= select_roles(self.ports, self._identifier)
            for port in self.ports:
                moved |= self._role(port)
                moved |= self._change(port)
                moved |= self._transmit(port)
        self._settling = False

    # ------------------------------------------------------------------ port information (17.27)

    def _information(self, port: PortState) -> bool:
        if not port.enabled:
            port.waiting.clear()
            if port.info is Info.DISABLED:
                return False
            port.proposing = port.proposed = port.agree = port.agreed = False
            port.info_while.stop()
            self._become(port, Info.DISABLED)
            return True
        if port.info is Info.DISABLED:
            self._become(port, Info.AGED)
            return True
        if port.selected and port.update:
            keeps = is_better_or_same(port, Info.MINE, port.designated)
            port.proposing = port.proposed = False
            port.agreed = port.agreed and keeps
            port.synced = port.synced and port.agreed
            port.priority, port.age_count = port.designated, port.designated_age_count
            port.update = False
            port.info = Info.MINE
            port.new_info = True
            return True
        if port.waiting and not port.update:
            self._take(port, port.waiting.pop(0))
            return True
        if port.info is Info.RECEIVED and not port.info_while.runs and not port.update:
            self._become(port, Info.AGED)
            return True
        return False

    def _become(self, port: PortState, info: Info) -> None:
        port.info = info
        port.selected = False

    def _take(self, port: PortState, bpdu: Bpdu) -> None:
        verdict = verdict_of(port, bpdu)
        if verdict in {Verdict.SUPERIOR, Verdict.REPEATED}:
            if verdict is Verdict.SUPERIOR:
                vector = (*bpdu.vector[:4], port.number)
                port.agreed = port.proposing = False
                port.agree = port.agree and is_better_or_same(port, Info.RECEIVED, vector)
                port.priority, port.age_count = vector, bpdu.age_count
                port.info = Info.RECEIVED
                port.selected = False
            port.proposed = port.proposed or bpdu.proposal
            self._note_change(port, bpdu)
            if bpdu.age_count + 1 <= self._timers.max_age_count:
                port.info_while.set(3 * self._timers.hello_ps)
            else:
                port.info_while.stop()
        elif verdict is Verdict.INFERIOR:
            if bpdu.learning:
                port.disputed = True
                port.agreed = False
        elif verdict is Verdict.FROM_ROOT_OR_ALTERNATE:
            port.agreed = bpdu.agreement
            if bpdu.agreement:
                port.proposing = False
            self._note_change(port, bpdu)

    # ------------------------------------------------------------------ role transitions (17.29)

    def _role(self, port: PortState) -> bool:
        if not port.selected or port.update:
            return False
        if port.role is not port.selected_role:
            return self._take_role(port)
        if port.role in {Role.DISABLED, Role.ALTERNATE, Role.BACKUP}:
            return self._blocked(port)
        return self._root(port) if port.role is Role.ROOT else self._designated(port)

    def _take_role(self, port: PortState) -> bool:
        """Change the role; timers that a role keeps at their full value begin to run."""
        before, port.role = port.role, port.selected_role
        delay_ps = self._timers.forward_delay_ps
        if before is Role.ROOT:
            port.recent_root.set(delay_ps)
        elif before is Role.DISABLED:
            port.forward_while.set(self._timers.max_age_count * _PS_PER_S)
        elif before is not Role.DESIGNATED:
            port.forward_while.set(delay_ps)
            if before is Role.BACKUP:
                port.recent_backup.set(2 * self._timers.hello_ps)
        if port.role not in {Role.ROOT, Role.DESIGNATED}:
            self._set(port, learn=False, forward=False)
            self._rest(port)
        return True

    def _rest(self, port: PortState) -> None:
        """Entry of the states ALTERNATE_PORT, BACKUP_PORT and DISABLED_PORT."""
        port.synced = True
        port.recent_root.stop()
        port.sync = port.re_root = False

    def _set(self, port: PortState, *, learn: bool, forward: bool) -> None:
        """Learning and forwarding follow at once (17.30)."""
        port.learn, port.forward = learn, forward
        self._network.set_port(self._node, port.number, forwards=forward)

    def _all_synced(self) -> bool:
        return all(
            port.selected
            and port.role is port.selected_role
            and (port.synced or port.role is Role.ROOT)
            for port in self.ports
        )

    def _answer_proposal(self, port: PortState) -> bool:
        """States ..._PROPOSED and ..._AGREED of root and alternate ports."""
        if port.proposed and not port.agree:
            for other in self.ports:
                other.sync = True
            port.proposed = False
            return True
        if (self._all_synced() and not port.agree) or (port.proposed and port.agree):
            port.proposed = port.sync = False
            port.agree = port.new_info = True
            return True
        return False

    def _blocked(self, port: PortState) -> bool:
        if port.role is not Role.DISABLED and self._answer_proposal(port):
            return True
        if port.sync or port.re_root or not port.synced:
            self._rest(port)
            return True
        return False

    def _root(self, port: PortState) -> bool:
        if self._answer_proposal(port):
            return True
        if (port.agreed and not port.synced) or (port.sync and port.synced):
            port.synced, port.sync = True, False
            return True
        if not port.forward and not port.re_root:
            for other in self.ports:
                other.re_root = True
            return True
        if port.re_root and port.forward:
            port.re_root = False
            return True
        re_rooted = all(other is port or not other.recent_root.runs for other in self.ports)
        may = not port.forward_while.runs or (re_rooted and not port.recent_backup.runs)
        return self._advance(port, may=may)

    def _advance(self, port: PortState, *, may: bool) -> bool:
        """Learn, then forward, when that is allowed now."""
        if not may or port.forward:
            return False
        if not port.learn:
            self._set(port, learn=True, forward=False)
            port.forward_while.set(self._timers.forward_delay_ps)
        else:
            self._set(port, learn=True, forward=True)
            port.forward_while.stop()
        return True

    def _designated(self, port: PortState) -> bool:
        if not port.forward and not port.agreed and not port.proposing:
            port.proposing = port.new_info = True
            return True
        if (not port.learn and not port.forward and not port.synced) or (
            port.agreed and not port.synced
        ):
            self._synchronised(port)
            return True
        if port.sync and port.synced:
            self._synchronised(port)
            return True
        if not port.recent_root.runs and port.re_root:
            port.re_root = False
            return True
        must_discard = (
            (port.sync and not port.synced)
            or (port.re_root and port.recent_root.runs)
            or port.disputed
        )
        if must_discard and (port.learn or port.forward):
            self._set(port, learn=False, forward=False)
            port.disputed = False
            port.forward_while.set(self._timers.forward_delay_ps)
            return True
        port.disputed = port.disputed and (port.learn or port.forward)
        may = (
            (not port.forward_while.runs or port.agreed)
            and (not port.recent_root.runs or not port.re_root)
            and not port.sync
        )
        return self._advance(port, may=may)

    def _synchronised(self, port: PortState) -> None:
        port.recent_root.stop()
        port.synced, port.sync = True, False

    # ------------------------------------------------------------------ topology change (17.31)

    def _note_change(self, port: PortState, bpdu: Bpdu) -> None:
        if bpdu.topology_change and port.change_active:
            self._propagate(port)

    def _propagate(self, origin: PortState) -> None:
        for other in self.ports:
            if other is not origin:
                other.change_propagates = True

    def _begin_change(self, port: PortState) -> None:
        if not port.change_while.runs:
            port.change_while.set(self._timers.hello_ps + _PS_PER_S)
            port.new_info = True

    def _change(self, port: PortState) -> bool:
        takes_part = port.role in {Role.ROOT, Role.DESIGNATED}
        if not port.change_active:
            port.change_propagates = False
            if takes_part and port.forward:
                port.change_active = True
                self._begin_change(port)
                self._propagate(port)
                return True
            return False
        if not takes_part:
            port.change_active = False
            port.change_while.stop()
            self._network.flush(self._node)
            return True
        if port.change_propagates:
            port.change_propagates = False
            self._begin_change(port)
            self._network.flush(self._node)
            return True
        return False

    # ------------------------------------------------------------------ transmission (17.26)

    def _transmit(self, port: PortState) -> bool:
        if not port.enabled or not port.selected or port.update:
            return False
        if not port.hello_when.runs:
            port.hello_when.set(self._timers.hello_ps)
            speaks = port.role is Role.DESIGNATED
            speaks = speaks or (port.role is Role.ROOT and port.change_while.runs)
            port.new_info = port.new_info or speaks
            return True
        if not port.new_info or port.sent_count >= self._timers.hold_count:
            return False
        port.new_info = False
        if port.role is Role.DISABLED:
            return True
        self._hold(port)
        self._network.send(
            self._node,
            port.number,
            Bpdu(
                vector=port.designated,
                age_count=port.designated_age_count,
                role=port.role,
                proposal=port.proposing,
                agreement=port.agree,
                learning=port.learn,
                topology_change=port.change_while.runs,
            ),
        )
        return True

    def _hold(self, port: PortState) -> None:
        """Count a BPDU against the transmit hold count for a second."""
        port.sent_count += 1

        def release() -> None:
            port.sent_count -= 1
            self._settle()

        self._network.timer(self._node, release).set(_PS_PER_S)

# SPDX-License-Identifier: Apache-2.0
"""Priority vectors in the Rapid Spanning Tree Protocol: what news is worth, and which roles follow.

Source: IEEE Std 802.1D-2004, 17.6 (vectors), 17.21.1 and 17.21.8 (comparison), 17.28 (role selection).
"""

from __future__ import annotations

from collections.abc import Sequence

from emulator.simulation.redundancy.rstp_port import (
    Bpdu,
    Info,
    PortState,
    Role,
    Vector,
    Verdict,
)


def is_better_or_same(port: PortState, info: Info, vector: Vector) -> bool:
    """Whether a vector of one origin is at least as good as what the port has of it (17.21.1)."""
    return port.info is info and vector <= port.priority


def verdict_of(port: PortState, bpdu: Bpdu) -> Verdict:
    """What a BPDU is, against what its port knows (17.21.8)."""
    vector = (*bpdu.vector[:4], port.number)
    known = (*port.priority[:4], port.number)
    if bpdu.role is Role.DESIGNATED:
        same_sender = vector[2:4] == known[2:4]
        if vector < known or (
            same_sender and (vector != known or bpdu.age_count != port.age_count)
        ):
            return Verdict.SUPERIOR
        if vector == known and port.info is Info.RECEIVED:
            return Verdict.REPEATED
        return Verdict.INFERIOR
    if vector >= known:
        return Verdict.FROM_ROOT_OR_ALTERNATE
    return Verdict.OTHER


def select_roles(ports: Sequence[PortState], identifier: int) -> bool:
    """Choose root and roles anew where a port's news asks for it (17.21.25); whether one did."""
    if all(port.selected for port in ports):
        return False
    best: Vector = (identifier, 0, identifier, 0, 0)
    root: PortState | None = None
    for port in ports:
        if port.info is not Info.RECEIVED or port.priority[2] == identifier:
            continue
        known = port.priority
        vector: Vector = (known[0], known[1] + port.cost, known[2], known[3], port.number)
        if vector < best:
            best, root = vector, port
    age_count = 0 if root is None else root.age_count + 1
    for port in ports:
        port.designated = (
            best[0],
            best[1],
            identifier,
            port.number,
            port.number,
        )
        port.designated_age_count = age_count
        port.selected_role = _role_of(port, root, identifier)
        port.selected = True
    return True


def _role_of(port: PortState, root: PortState | None, identifier: int) -> Role:
    port.update = False
    if port.info is Info.DISABLED:
        return Role.DISABLED
    if port.info is Info.AGED:
        port.update = True
        return Role.DESIGNATED
    if port.info is Info.MINE:
        port.update = (port.priority, port.age_count) != (
            port.designated,
            port.designated_age_count,
        )
        return Role.DESIGNATED
    if port is root:
        return Role.ROOT
    if port.designated < port.priority:
        port.update = True
        return Role.DESIGNATED
    return Role.BACKUP if port.priority[2] == identifier else Role.ALTERNATE

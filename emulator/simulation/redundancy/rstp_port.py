# SPDX-License-Identifier: Apache-2.0
"""What a port of a bridge knows and says in the Rapid Spanning Tree Protocol: data only.

Source: IEEE Std 802.1D-2004, 17.19 (variables of a port), clause 9 (BPDUs).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from emulator.simulation.redundancy.network import Timer

FRAME_OCTETS = 64
"""A configuration BPDU of version 2 with header and check sequence is padded to this."""
Vector = tuple[int, int, int, int, int]
"""Root, cost to it, designated bridge, its port, port of reception; less is better."""


class Role(Enum):
    """Roles of a port."""

    DISABLED = auto()
    ROOT = auto()
    DESIGNATED = auto()
    ALTERNATE = auto()
    BACKUP = auto()


class Info(Enum):
    """Where the priority of a port comes from (17.19.10)."""

    DISABLED = auto()
    AGED = auto()
    MINE = auto()
    RECEIVED = auto()


class Verdict(Enum):
    """What a BPDU is, against what is known (17.21.8)."""

    SUPERIOR = auto()
    REPEATED = auto()
    INFERIOR = auto()
    FROM_ROOT_OR_ALTERNATE = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bpdu:
    """An RST BPDU."""

    vector: Vector
    age_count: int
    role: Role
    proposal: bool
    agreement: bool
    learning: bool
    topology_change: bool
    octets: int = FRAME_OCTETS


@dataclass(slots=True)
class PortState:
    """Variables of one port, by their meanings in 17.19; timers are held beside."""

    number: int
    cost: int
    info_while: Timer
    forward_while: Timer
    hello_when: Timer
    change_while: Timer
    recent_root: Timer
    recent_backup: Timer
    enabled: bool = False
    role: Role = Role.DISABLED
    selected_role: Role = Role.DISABLED
    info: Info = Info.DISABLED
    priority: Vector = (0, 0, 0, 0, 0)
    age_count: int = 0
    designated: Vector = (0, 0, 0, 0, 0)
    designated_age_count: int = 0
    selected: bool = False
    update: bool = False
    proposing: bool = False
    proposed: bool = False
    agree: bool = False
    agreed: bool = False
    sync: bool = False
    synced: bool = False
    re_root: bool = False
    disputed: bool = False
    learn: bool = False
    forward: bool = False
    new_info: bool = False
    change_active: bool = False
    change_propagates: bool = False
    sent_count: int = 0
    waiting: list[Bpdu] = field(default_factory=list)

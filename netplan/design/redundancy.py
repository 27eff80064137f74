# SPDX-License-Identifier: Apache-2.0
"""Redundancy protocols of a plant as a user writes them.

MRP, RSTP and DLR keep a link in reserve and find another way after a fault; HSR and PRP send
every frame twice, so that a fault costs nothing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from netplan.catalog.model import Strict
from netplan.design.names import NodeReference
from netplan.design.quantities import Duration, Period

_PS_PER_MS = 10**9
_PS_PER_US = 10**6

RingNodes = Annotated[
    tuple[NodeReference, ...],
    Field(
        min_length=3, description="Its nodes, each joined to the next and the last to the first."
    ),
]
Detection = Annotated[
    Duration,
    Field(
        alias="detection",
        description="From the loss of a link until its ends notice it; copper ports of 1 Gbit/s "
        "without fast link-down take up to 750 ms.",
    ),
]


_DETECTION_PS = _PS_PER_MS
"""Source: planning practice, not normative: ports with fast link-down. Without it, a copper port of 1 Gbit/s
waits for its maxwait_timer of up to 750 ms (IEEE Std 802.3-2022, 40.4.5.2, from memory)."""


class MrpRing(Strict):
    """A ring with the Media Redundancy Protocol (IEC 62439-2)."""

    kind: Literal["mrp"]
    nodes: RingNodes
    manager: NodeReference | None = Field(
        default=None,
        description="Media redundancy manager, which blocks its port to the node before it in "
        "the list; the first node when left out.",
    )
    recovery_ps: Period = Field(
        alias="recovery",
        default=200 * _PS_PER_MS,
        description="Recovery time that its parameters promise: 500, 200, 30 or 10 ms.",
    )
    detection_ps: Detection = _DETECTION_PS


class DlrRing(Strict):
    """A Device Level Ring of EtherNet/IP (ODVA)."""

    kind: Literal["dlr"]
    nodes: RingNodes
    supervisor: NodeReference | None = Field(
        default=None,
        description="Active ring supervisor, which blocks its port to the node before it in the "
        "list; the first node when left out.",
    )
    beacon_interval_ps: Period = Field(alias="beacon_interval", default=400 * _PS_PER_US)
    beacon_timeout_ps: Period = Field(alias="beacon_timeout", default=1960 * _PS_PER_US)
    detection_ps: Detection = _DETECTION_PS


class RstpBridges(Strict):
    """Bridges of a ring or mesh with the Rapid Spanning Tree Protocol (IEEE 802.1Q)."""

    kind: Literal["rstp"]
    nodes: Annotated[tuple[NodeReference, ...], Field(min_length=2)] = Field(
        description="Its bridges; all links between them take part. At equal priority the one "
        "named first counts as the better one (in the plant: the lower MAC address)."
    )
    root: NodeReference | None = Field(
        default=None, description="Bridge with the best priority; the first node when left out."
    )
    detection_ps: Detection = _DETECTION_PS


class HsrRing(Strict):
    """A ring that carries every frame both ways around (HSR, IEC 62439-3)."""

    kind: Literal["hsr"]
    nodes: RingNodes


Lan = Annotated[tuple[NodeReference, ...], Field(min_length=1)]


class PrpLans(Strict):
    """Two separate LANs; nodes on both send every frame over both (PRP, IEC 62439-3)."""

    kind: Literal["prp"]
    lans: tuple[Lan, Lan] = Field(
        description="Bridges of LAN A, and of LAN B. Nodes with a link to each send twice."
    )


Redundancy = Annotated[
    MrpRing | DlrRing | RstpBridges | HsrRing | PrpLans, Field(discriminator="kind")
]
RecoveringRing = MrpRing | DlrRing | RstpBridges
"""What keeps a link in reserve."""

# SPDX-License-Identifier: Apache-2.0
"""Channels: every directed way from one node to the next, whatever the medium."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from netplan.design.design import Design, Path
from netplan.design.findings import Finding
from netplan.media.interface import Crossing


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One direction of a medium between two nodes.

    Attributes:
        egress: Name of the transmitter; a PON port has one for all its ONUs.
        from_node: Sends.
        from_port: Port that sends.
        to_node: Receives.
        to_port: Port that receives.
        medium: Name of the medium, for people.
        line_bps: Nominal rate, for people.
        crossing: The medium's four things, given the share of frames that may be late
            on it (0 when none may) and the largest frame that uses it; wired media look at neither.
        origin: Object of the design that the medium's findings are about, and keys in it.
        radio: Whether reliability has to be bought with that share.
    """

    egress: str
    from_node: str
    from_port: str
    to_node: str
    to_port: str
    medium: str
    line_bps: int
    crossing: Callable[[float, int], Crossing]
    origin: tuple[tuple[str, str], Path]
    radio: bool = False


def always(crossing: Crossing) -> Callable[[float, int], Crossing]:
    """A crossing that does not depend on its traffic."""
    return lambda _, __: crossing


@dataclass(slots=True)
class Channels:
    """All channels of a plant, in the order of the design.

    Attributes:
        between: Channel from one node to another; the first where several are parallel.
        neighbours: Nodes that each node can send to.
        tunnels: For a UE, the gNB that serves it and its UPF: its traffic goes through both.
        excluded: Nodes for which no bound may be stated, and why (handover).
        findings: From the media.
    """

    between: dict[tuple[str, str], Channel] = field(default_factory=dict)
    neighbours: dict[str, list[str]] = field(default_factory=dict)
    tunnels: dict[str, tuple[str, str]] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(self, channel: Channel) -> bool:
        """Take a channel in; False when a parallel one is there already."""
        key = (channel.from_node, channel.to_node)
        if key in self.between:
            return False
        self.between[key] = channel
        self.neighbours.setdefault(channel.from_node, []).append(channel.to_node)
        return True

    def report(
        self, design: Design, findings: Sequence[Finding], origin: tuple[tuple[str, str], Path]
    ) -> None:
        """Collect a medium's findings, with the place in the design that they are about."""
        at, keys = origin
        mark, path = design.origins[at].find(keys)
        for finding in findings:
            placed = replace(finding, mark=mark, path=path)
            if placed not in self.findings:  # both directions may say the same
                self.findings.append(placed)

# SPDX-License-Identifier: Apache-2.0
"""For which nodes a TSN policy holds, and what becomes of the parts that no port can honour.

The plant's policy holds for TSN bridges, which are those that have gate lists. What it asks of
others, and what nobody uses, is told once for the whole policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from netplan.design.design import Design, Path
from netplan.design.findings import Finding, Severity
from netplan.design.resolve import Equipment, ResolvedNode, nearest
from netplan.design.tsn import PortPolicy
from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Hop, PlannedStream

Users = Mapping[str, Sequence[tuple[PlannedStream, Hop]]]
"""Streams by transmitter, each with the hop that uses it."""


def policy_of(design: Design, node: ResolvedNode) -> PortPolicy | None:
    """The node's own policy, the plant's for TSN bridges, none for others."""
    if node.node.tsn is not None:
        return node.node.tsn
    return design.tsn if is_tsn_bridge(node) else None


def is_tsn_bridge(node: ResolvedNode) -> bool:
    """Whether it forwards, by gates where there are any."""
    bridge = node.device.bridge
    entries = bridge.gate_entries if bridge is not None else None
    return node.forwards and entries is not None and entries.value > 0


def cannot_preempt(node: ResolvedNode) -> bool:
    """Whether its ports neither send nor receive preempted frames.

    The catalogue says nothing of end stations: they are taken to receive what is sent to them.
    Source: IEEE Std 802.3-2022, 99.4.3 (preemption is active where both ends are capable).
    """
    bridge = node.device.bridge
    return bridge is not None and not (bridge.preemption is not None and bridge.preemption.value)


def policy_findings(
    design: Design, equipment: Equipment, egresses: Sequence[Egress], users: Users
) -> Iterator[Finding]:
    """TSN-BRIDGE, TSN-PORT, TSN-PREEMPTION, TSN-UNUSED: what holds nowhere, or for nobody."""
    wires = [egress for egress in egresses if isinstance(egress.mechanism, WireMechanism)]
    own = {name for name, node in equipment.nodes.items() if node.node.tsn is not None}
    common = [
        egress
        for egress in wires
        if egress.node not in own and equipment.nodes[egress.node].forwards
    ]
    yield from _of_plant(design, equipment, common)
    capable = [egress for egress in common if is_tsn_bridge(equipment.nodes[egress.node])]
    policies: list[tuple[tuple[str, str], Path, PortPolicy, list[Egress]]] = [
        (("tsn", ""), (), design.tsn, capable)
    ]
    for name in sorted(own):
        policy = equipment.nodes[name].node.tsn
        assert policy is not None
        ports = [egress for egress in wires if egress.node == name]
        policies.append((("nodes", name), ("tsn",), policy, ports))
        if not ports:
            yield design.finding(
                "TSN-UNUSED", Severity.WARNING, "this changes nothing: no stream leaves by a wire",
                at=("nodes", name), keys=("tsn",), expected="a wired port that streams leave by",
                found="none", hint="remove it, or say it of the bridge that is meant",
            )  # fmt: skip
    for at, keys, policy, ports in policies:
        nodes = (equipment.nodes[at[1]],) if keys else tuple(equipment.nodes.values())
        yield from _unknown_ports(design, at, keys, policy, nodes)
        links = ports if keys else common
        if policy.preemption is not None and links:
            yield from _of_preemption(design, equipment, at, keys, links, users)
        for index, one in enumerate(policy.classes):
            sent = any(
                stream.pcp in one.pcp for egress in ports for stream, _ in users[egress.name]
            )
            if ports and not sent:
                yield design.finding(
                    "TSN-UNUSED", Severity.NOTE, "no stream has a priority of this class",
                    at=at, keys=(*keys, "classes", index),
                    expected="the priority of a stream that passes",
                    found=", ".join(map(str, one.pcp)), hint="correct 'pcp', or remove the class",
                )  # fmt: skip


def _unknown_ports(
    design: Design,
    at: tuple[str, str],
    keys: Path,
    policy: PortPolicy,
    nodes: Sequence[ResolvedNode],
) -> Iterator[Finding]:
    """Idle slopes for ports that there are not."""
    given = [
        (index, port) for index, one in enumerate(policy.classes) for port in one.idle_slopes_bps
    ]
    if not given:
        return
    known = {port for node in nodes for port in node.ports}
    known |= {f"{node.name}.{port}" for node in nodes for port in node.ports}
    for index, port in given:
        if port not in known:
            yield design.finding(
                "TSN-PORT", Severity.ERROR, "an idle slope is given for an unknown port", at=at,
                keys=(*keys, "classes", index, "idle_slopes", port),
                expected="'node.port', or the name of a port", found=port,
                hint=nearest(port, sorted(known)),
            )  # fmt: skip


def _of_plant(design: Design, equipment: Equipment, ports: Sequence[Egress]) -> Iterator[Finding]:
    policy = design.tsn
    others = dict.fromkeys(
        egress.node for egress in ports if not is_tsn_bridge(equipment.nodes[egress.node])
    )
    if others and (policy.classes or policy.cut_through):
        yield design.finding(
            "TSN-BRIDGE", Severity.NOTE, "the plant's 'tsn' does not hold for all bridges",
            at=("tsn", ""), expected="bridges that have gates",
            found=f"strict priority, store and forward in {_names(others)}",
            hint="choose TSN bridges, or write 'tsn' at the node if it can do this without gates",
        )  # fmt: skip


def _of_preemption(
    design: Design,
    equipment: Equipment,
    at: tuple[str, str],
    keys: Path,
    ports: Sequence[Egress],
    users: Users,
) -> Iterator[Finding]:
    """One note that names all ends of links which keep frames whole."""
    ends = dict.fromkeys(
        end for egress in ports for end in (egress.node, users[egress.name][0][1].to_node)
    )
    unable = [end for end in ends if cannot_preempt(equipment.nodes[end])]
    if unable:
        yield design.finding(
            "TSN-PREEMPTION", Severity.NOTE, "frames are not interrupted on all links",
            at=at, keys=(*keys, "preemption"), expected="preemption at both ends of a link",
            found=f"none in {_names(unable)}", hint="choose other models where it matters",
        )  # fmt: skip


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)

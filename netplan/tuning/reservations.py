# SPDX-License-Identifier: Apache-2.0
"""What a design has written about idle slopes, and how far each may go.

A *reservation* is one value to be written: the idle slope of one class at one port, or at the
port of that name wherever a module with classes of its own is placed. It is at least what
the streams' contracts need there, and all credit-based classes of a port
together take at most a share of the link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from netplan.design.design import Design, Path
from netplan.design.resolve import Equipment, ResolvedNode, resolve
from netplan.design.tsn import PortPolicy, TrafficClass
from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Plan
from netplan.plan.policies import policy_of
from netplan.plan.ports import contract_bps, given_slope_bps, least_slope_bps
from netplan.tsn.classes import queue_index
from netplan.tsn.mechanisms import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """The idle slope of one class at one port.

    Attributes:
        place: Path of the class in the document.
        port: Key of the port there.
        class_index: Of the class among those of its policy.
        nodes: Nodes whose policy holds the class; empty for the plant's.
        egress_indices: Transmitters that it is for.
        pcps: Priorities of the class.
        queue_index: Highest queue of the class there.
        queue_count: Queues of the class there; each has the slope.
        stream_indices: Streams in these queues.
        least_bps: The least above what their contracts need.
        line_bps: Of the slowest of these transmitters.
        designed_bps: What the design reserves at most.
        written: Whether the design gives a value, instead of leaving it to the contracts.
    """

    place: Path
    port: str
    class_index: int
    nodes: tuple[str, ...]
    egress_indices: tuple[int, ...]
    pcps: tuple[int, ...]
    queue_index: int
    queue_count: int
    stream_indices: frozenset[int]
    least_bps: int
    line_bps: int
    designed_bps: int
    written: bool

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.port} queue {self.queue_index}"


def reservations_of(design: Design, plan: Plan) -> tuple[Reservation, ...]:
    """All reservations of credit-based classes that streams use, in the order of the transmitters."""
    equipment, _ = resolve(design)
    found: dict[tuple[Path, str], Reservation] = {}
    for index, egress in enumerate(plan.egresses):
        for one in _at(design, equipment, plan, index, egress):
            known = found.get((one.place, one.port))
            found[one.place, one.port] = one if known is None else _joined(known, one)
    return tuple(found.values())


def _at(
    design: Design, equipment: Equipment, plan: Plan, index: int, egress: Egress
) -> Iterator[Reservation]:
    node = equipment.nodes[egress.node]
    policy = policy_of(design, node)
    wire = egress.mechanism
    if policy is None or egress.rules is None or not isinstance(wire, WireMechanism):
        return
    around = wire.lead_octets + wire.tail_octets
    for class_index, wanted in enumerate(policy.classes):
        queues = {queue_index(pcp, egress.queue_count) for pcp in wanted.pcp}
        queues = {one for one in queues if egress.rules.queues[one].selection is Selection.CREDIT}
        rates_bps = dict.fromkeys(queues, 0)
        streams = set()
        for stream_index, stream in enumerate(plan.streams):
            for hop in stream.hops:
                if hop.egress_index == index and hop.queue_index in queues:
                    extra = hop.added_octets + around
                    rates_bps[hop.queue_index] += contract_bps(stream.emission, extra)
                    streams.add(stream_index)
        if not streams:
            continue
        # Several queues of one class have a slope each, of the same value.
        least_bps = least_slope_bps(max(rates_bps.values()))
        given_bps = given_slope_bps(wanted, egress)
        place, port = _place(design, node, class_index, egress)
        yield Reservation(
            place=place,
            port=port,
            class_index=class_index,
            nodes=() if node.node.tsn is None else (node.name,),
            egress_indices=(index,),
            pcps=tuple(sorted(wanted.pcp)),
            queue_index=max(queues),
            queue_count=len(queues),
            stream_indices=frozenset(streams),
            least_bps=least_bps,
            line_bps=wire.line_bps,
            designed_bps=given_bps or least_bps,  # what the plan takes then
            written=given_bps is not None,
        )


def _place(
    design: Design, node: ResolvedNode, class_index: int, egress: Egress
) -> tuple[Path, str]:
    tail: Path = ("tsn", "classes", class_index)
    if node.node.tsn is None:
        return tail, egress.name
    origin = design.origins["nodes", node.name]
    overridden = origin.override and (*origin.override, "tsn") in origin.source.marks
    return (*(origin.override if overridden else origin.path), *tail), egress.port


def _joined(one: Reservation, other: Reservation) -> Reservation:
    return replace(
        one,
        nodes=one.nodes + other.nodes,
        egress_indices=one.egress_indices + other.egress_indices,
        queue_index=max(one.queue_index, other.queue_index),
        queue_count=max(one.queue_count, other.queue_count),
        stream_indices=one.stream_indices | other.stream_indices,
        least_bps=max(one.least_bps, other.least_bps),
        line_bps=min(one.line_bps, other.line_bps),
        designed_bps=max(one.designed_bps, other.designed_bps),
        written=one.written or other.written,
    )


def with_slopes(
    design: Design, reservations: Sequence[Reservation], slopes_bps: Sequence[int]
) -> Design:
    """The design with an idle slope written for every reservation."""
    of_policy: dict[str, dict[int, dict[str, int]]] = {}
    for one, slope_bps in zip(reservations, slopes_bps, strict=True):
        for name in one.nodes or ("",):
            of_class = of_policy.setdefault(name, {}).setdefault(one.class_index, {})
            of_class[one.port] = slope_bps
    nodes = dict(design.nodes)
    tsn = design.tsn
    for name, by_index in of_policy.items():
        if name:
            own = nodes[name].tsn
            assert own is not None
            nodes[name] = nodes[name].model_copy(update={"tsn": _with(own, by_index)})
        else:
            tsn = tsn.model_copy(update={"classes": _with(tsn, by_index).classes})
    return replace(design, nodes=nodes, tsn=tsn)


def _with(policy: PortPolicy, of_class: Mapping[int, Mapping[str, int]]) -> PortPolicy:
    def changed(index: int, wanted: TrafficClass) -> TrafficClass:
        slopes_bps = {**wanted.idle_slopes_bps, **of_class.get(index, {})}
        return wanted.model_copy(update={"idle_slopes_bps": slopes_bps})

    return policy.model_copy(
        update={"classes": tuple(changed(*pair) for pair in enumerate(policy.classes))}
    )

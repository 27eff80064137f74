# SPDX-License-Identifier: Apache-2.0
"""Rules that a whole design must keep: each one a function that yields findings.

Looking up names of equipment happens in :mod:`netplan.design.resolve`; here stand the
rules about traffic, in :mod:`netplan.design.plant_rules` those about the plant, in
:mod:`netplan.design.tsn_rules` those about its TSN, in :mod:`netplan.design.redundancy_rules` those
about its rings. A rule never stops another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from netplan.catalog.model import Protocol
from netplan.design import plant_rules, redundancy_rules, tsn_rules
from netplan.design.design import Design, Path
from netplan.design.findings import Finding
from netplan.design.names import node_of, port_of, task_of
from netplan.design.plant_rules import error
from netplan.design.quantities import duration_text
from netplan.design.resolve import Equipment, nearest

Rule = Callable[[Design, Equipment], Iterable[Finding]]


def check(design: Design, equipment: Equipment) -> list[Finding]:
    """Apply every rule and collect what they find."""
    return list(chain.from_iterable(rule(design, equipment) for rule in RULES))


def _known_node(
    design: Design, code: str, at: tuple[str, str], keys: Path, reference: str
) -> Iterator[Finding]:
    node = node_of(reference)
    if node not in design.nodes and not design.is_left_out("nodes", node):
        yield error(
            design, code, at, keys, "there is no such node", expected="a node of the design",
            found=node, hint=nearest(node, design.nodes),
        )  # fmt: skip


def stream_ends_exist(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """STREAM-NODE-UNKNOWN, STREAM-SELF, STREAM-PASSIVE: ends are nodes that can send and receive."""
    for name, stream in design.streams.items():
        at = ("streams", name)
        yield from _known_node(design, "STREAM-NODE-UNKNOWN", at, ("from",), stream.talker)
        for index, listener in enumerate(stream.listeners):
            keys: Path = ("to", index)
            yield from _known_node(design, "STREAM-NODE-UNKNOWN", at, keys, listener)
            if listener == stream.talker:
                yield error(
                    design, "STREAM-SELF", at, keys, "a stream leads back to its talker",
                    expected="another node", found=listener, hint="correct 'from' or 'to'",
                )  # fmt: skip
        if len(set(stream.listeners)) != len(stream.listeners):
            yield error(
                design, "STREAM-LISTENER-TWICE", at, ("to",), "a listener is named twice",
                expected="each listener once", found=", ".join(stream.listeners),
                hint="remove the second one",
            )  # fmt: skip
        for index, node in enumerate(stream.path or ()):
            yield from _known_node(design, "STREAM-NODE-UNKNOWN", at, ("path", index), node)
        ends: list[tuple[Path, str]] = [(("from",), stream.talker)]
        ends += [(("to", index), listener) for index, listener in enumerate(stream.listeners)]
        for keys, node in ends:
            resolved = equipment.nodes.get(node)
            if resolved is not None and "splitter" in resolved.functions:
                yield error(
                    design, "STREAM-PASSIVE", at, keys, "a splitter cannot send or receive",
                    expected="an active node", found=node, hint="name the device behind it",
                )  # fmt: skip


def stream_contract_is_sound(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """STREAM-JITTER, STREAM-PATH-MANY: contract and route can be honoured."""
    for name, stream in design.streams.items():
        at = ("streams", name)
        if stream.every_ps is not None and stream.jitter_ps > stream.every_ps:
            yield error(
                design, "STREAM-JITTER", at, ("jitter",), "the jitter is longer than the period",
                expected=f"at most the period, {duration_text(stream.every_ps)}",
                found=duration_text(stream.jitter_ps), hint="shorten 'jitter'",
            )  # fmt: skip
        if stream.path is not None and len(stream.listeners) > 1:
            yield error(
                design, "STREAM-PATH-MANY", at, ("path",), "an explicit path leads to one listener",
                expected="one listener", found=f"{len(stream.listeners)} listeners",
                hint="write one stream for each listener, or leave 'path' out",
            )  # fmt: skip


def relation_ends_exist(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """RELATION-NODE-UNKNOWN, RELATION-SELF, RELATION-CYCLE: two different nodes, a known cycle."""
    for name, relation in design.relations.items():
        at = ("relations", name)
        for key, end in (("controller", relation.controller), ("device", relation.device)):
            yield from _known_node(design, "RELATION-NODE-UNKNOWN", at, (key,), end)
        if node_of(relation.controller) == node_of(relation.device):
            yield error(
                design, "RELATION-SELF", at, ("device",), "controller and device are one node",
                expected="two different nodes", found=relation.device, hint="correct one of them",
            )  # fmt: skip
        protocol = design.catalog.get(Protocol, relation.protocol)
        if protocol is not None and protocol.smallest_cycle_ps is not None:
            least_ps = protocol.smallest_cycle_ps.value
            if relation.cycle_ps < least_ps:
                yield error(
                    design, "RELATION-CYCLE", at, ("cycle",),
                    f"{protocol.name} does not know so short a cycle",
                    expected=f"at least {least_ps / 1e6:g} us",
                    found=f"{relation.cycle_ps / 1e6:g} us", hint="lengthen 'cycle'",
                )  # fmt: skip


def chain_members_exist(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """CHAIN-NODE-UNKNOWN, CHAIN-TASK-UNKNOWN: nodes and tasks of a chain exist."""
    for name, chain_ in design.chains.items():
        at = ("chains", name)
        for index, member in enumerate(chain_.path):
            keys: Path = ("path", index)
            yield from _known_node(design, "CHAIN-NODE-UNKNOWN", at, keys, member)
            node = design.nodes.get(node_of(member))
            task = task_of(member)
            inner = 0 < index < len(chain_.path) - 1
            if node is None:
                continue
            if (task and task not in node.tasks) or (inner and not task):
                yield error(
                    design, "CHAIN-TASK-UNKNOWN", at, keys,
                    "a chain passes a node by one of its tasks",
                    expected="'node:task'", found=member, hint=nearest(task, node.tasks),
                )  # fmt: skip
        if chain_.via is not None and len(chain_.via) != len(chain_.path) - 1:
            yield error(
                design, "CHAIN-VIA", at, ("via",), "'via' names one stream per step of the path",
                expected=f"{len(chain_.path) - 1} streams", found=f"{len(chain_.via)}",
                hint="name a stream for every step, or leave 'via' out",
            )  # fmt: skip


def offer_ends_exist(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """OFFER-NODE-UNKNOWN, OFFER-PORT-UNKNOWN, OFFER-SELF, OFFER-FRAME: two ports, a real frame."""
    for name, offer in design.offers.items():
        at = ("offers", name)
        for index, end in enumerate(offer.between):
            keys: Path = ("between", index)
            yield from _known_node(design, "OFFER-NODE-UNKNOWN", at, keys, end)
            node = equipment.nodes.get(node_of(end))
            if node is not None and port_of(end) not in node.ports:
                yield error(
                    design, "OFFER-PORT-UNKNOWN", at, keys, "a reference point is a port",
                    expected=f"'{node.name}.PORT'", found=end,
                    hint=nearest(port_of(end), node.ports),
                )  # fmt: skip
        if node_of(offer.between[0]) == node_of(offer.between[1]):
            yield error(
                design, "OFFER-SELF", at, ("between",), "both reference points are on one node",
                expected="two different nodes", found=" and ".join(offer.between),
                hint="name the far end of the service",
            )  # fmt: skip
        if not 64 <= offer.frame_octets <= 9216:
            yield error(
                design, "OFFER-FRAME", at, ("frame",), "this is no Ethernet frame",
                expected="64 B to 9216 B", found=f"{offer.frame_octets} B",
                hint="use a frame size of ITU-T Y.1564, such as 512 B",
            )  # fmt: skip


RULES: tuple[Rule, ...] = (
    stream_ends_exist,
    stream_contract_is_sound,
    relation_ends_exist,
    chain_members_exist,
    offer_ends_exist,
    tsn_rules.streams_keep_their_time,
    tsn_rules.ways_are_found_or_given,
    tsn_rules.policies_say_what_they_need,
    redundancy_rules.members_exist_and_can,
    redundancy_rules.rings_are_closed,
    redundancy_rules.masters_are_members,
    redundancy_rules.lans_are_apart,
    redundancy_rules.faults_name_what_there_is,
    plant_rules.networks_are_served,
    plant_rules.attachments_fit,
    plant_rules.tasks_run_on_controllers,
    plant_rules.zones_are_joined_by_conduits,
    plant_rules.zones_have_vlans_of_their_own,
    plant_rules.wireless_and_enterprise_stand_apart,
    plant_rules.places_are_on_their_floor,
    plant_rules.nodes_are_connected,
    plant_rules.prefix_is_usable,
)
"""Every rule, in the order in which a reader meets the parts of a design."""

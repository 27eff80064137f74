# SPDX-License-Identifier: Apache-2.0
"""Stream handles of one node: how it tells the streams apart that it does something to.

A handle stands for frames of one stream that are treated alike: those that arrive at ports
with the same filter and scheduler share one. Streams that are merely forwarded need none.

Source: IEEE Std 802.1CB-2017, clauses 6 and 9; ieee802-dot1cb-stream-identification 2021-12-08.
"""

from __future__ import annotations

from dataclasses import dataclass

from netplan.exchange.survey import Station, stream_address
from netplan.exchange.yang_tree import Tree
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import Reception


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """Frames of one stream at one node.

    Attributes:
        number: The stream_handle.
        stream_index: Into the plan.
        ports: Where they come in; where they go out when the node is the talker.
        talks: Whether the node is the talker.
        reception: What is done with them at those ports.
        frame_sizes: Their sizes at those ports, in frame octets.
    """

    number: int
    stream_index: int
    ports: tuple[str, ...]
    talks: bool
    reception: Reception | None
    frame_sizes: tuple[int, ...]


def handles(plan: Plan, station: Station) -> tuple[Handle, ...]:
    """The handles of a node, numbered from 1 in the order of the plan."""
    groups: dict[tuple[int, bool, Reception | None], dict[str, int]] = {}
    for stream_index, hop_index in station.departures:
        stream = plan.streams[stream_index]
        hop = stream.hops[hop_index]
        if stream.recoveries and hop.parent_index < 0:
            port = plan.egresses[hop.egress_index].port
            groups.setdefault((stream_index, True, None), {})[port] = hop.added_octets
    for stream_index, hop_index in station.arrivals:
        stream = plan.streams[stream_index]
        hop = stream.hops[hop_index]
        if stream.recoveries or hop.reception is not None:
            key = (stream_index, False, hop.reception)
            groups.setdefault(key, {})[hop.to_port] = hop.added_octets
    return tuple(
        Handle(
            number=number,
            stream_index=stream_index,
            ports=tuple(ports),
            talks=talks,
            reception=reception,
            frame_sizes=tuple(
                sorted(
                    {
                        frame_octets + added_octets
                        for message in plan.streams[stream_index].emission.messages
                        for frame_octets in message
                        for added_octets in ports.values()
                    }
                )
            ),
        )
        for number, ((stream_index, talks, reception), ports) in enumerate(groups.items(), 1)
    )


def identification(plan: Plan, known: tuple[Handle, ...]) -> list[Tree]:
    """The stream identity table: null stream identification by destination and VLAN."""
    return [
        {
            "index": handle.number,
            "handle": handle.number,
            # a talker sees its frames as they come down from the application
            ("in-facing" if handle.talks else "out-facing"): {"input-port": list(handle.ports)},
            "null-stream-identification": {
                "destination-mac": stream_address(handle.stream_index),
                "tagged": "tagged" if plan.streams[handle.stream_index].vlan else "priority",
                "vlan": plan.streams[handle.stream_index].vlan,
            },
        }
        for handle in known
    ]

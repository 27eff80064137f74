# SPDX-License-Identifier: Apache-2.0
"""What is scarce where streams found no place: the wire or queue that all together need most.

This explains, and proves nothing: other ways of the streams, or frames that share a window, might
still do.
"""

from __future__ import annotations

from netplan.design.quantities import duration_text
from netplan.tsn.synthesis.greedy import Search
from netplan.tsn.synthesis.problem import Port
from netplan.tsn.synthesis.result import Obstacle
from netplan.tsn.synthesis.timing import Piece, Timing, is_queue, port_of


def shortage(search: Search) -> Obstacle | None:
    """The scarcest resource on the first way of each stream; None when all have room enough."""
    problem = search.problem
    shares: dict[int, float] = {}
    longest: dict[int, tuple[Piece, Timing, int]] = {}
    for index, stream in enumerate(problem.streams):
        choice = search.choice(index, 0)
        if choice is None:
            continue
        for piece in choice.timing.pieces:
            resource = piece.resource_index
            shares[resource] = shares.get(resource, 0.0) + piece.length_ps / stream.period_ps
            known = longest.get(resource)
            if known is None or piece.length_ps > known[0].length_ps:
                longest[resource] = piece, choice.timing, index
    scarcest = max(shares, key=lambda resource: shares[resource], default=None)
    if scarcest is None or shares[scarcest] <= 1:
        return None
    piece, timing, index = longest[scarcest]
    port = problem.ports[port_of(scarcest, len(problem.ports))]
    if is_queue(scarcest, len(problem.ports)):
        what = f"the queue of {port.name}"
        why = "alone in it from its earliest arrival to the end of its window"
    else:
        what = port.name
        why = "not met by another wherever it may be on the wire"
    text = (
        f"{what} would be taken {shares[scarcest]:.0%} of the time: a frame has to be {why}, "
        f"as {problem.streams[index].name} for {duration_text(piece.length_ps)}"
    )
    unsure = _unsure_port(search, index, timing)
    if unsure is not None:
        text += (
            f"; {unsure.name} has no gates, and another frame of {unsure.other_octets} octets "
            "may be before it there"
        )
    return Obstacle(kind="streams", text=text)


def _unsure_port(search: Search, index: int, timing: Timing) -> Port | None:
    """The first port on the way of a stream where traffic without a schedule may delay it."""
    choice = search.choice(index, 0)
    assert choice is not None
    for hop, slots in zip(choice.route.hops, timing.slots, strict=True):
        port = search.problem.ports[hop.port_index]
        if port.gates is None and port.other_octets and not slots[0].held:
            return port
    return None

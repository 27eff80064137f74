# SPDX-License-Identifier: Apache-2.0
"""How wires space the frames that come over them, for the next transmitter.

Between the last bits of two frames lies at least the time of the second; where frames are cut
through, between their first bits that of the first. Either way a window brings
one frame of any size, and then no more than the wire carries.

Source: Grieu (2004) for the line's cap; Mifdaoui, Leydier, Beyond the accuracy-complexity tradeoffs
of compositional analyses using network calculus (2017) for shaping by ingress.
"""

from __future__ import annotations

from collections import defaultdict

from netplan.bounds.arrivals import Line, line_of
from netplan.bounds.model import NO_WIRE, Flow, Network


def draw_lines(network: Network) -> None:
    """Work out how wires cap what arrives over them at the next transmitters."""
    members: defaultdict[tuple[int, int], list[Flow]] = defaultdict(list)
    for flow in network.flows:
        if flow.ingress_index != NO_WIRE and network.transmitters[flow.egress_index].rate_bps:
            members[flow.ingress_index, flow.egress_index].append(flow)
    for key, flows in members.items():
        network.lines[key] = line_for(network, flows, extra_ps=0)


def line_for(network: Network, flows: list[Flow], *, extra_ps: int) -> Line:
    """Cap of flows of one ingress and one egress.

    Args:
        network: Whose transmitters they use.
        flows: At least one.
        extra_ps: Work that is added to each frame at the egress (interruptions).
    """
    wire = network.transmitters[flows[0].ingress_index]
    transmitter = network.transmitters[flows[0].egress_index]
    gain, cost = 0, 1
    for octets_before, octets in network.sizes_before(flows):
        work_ps, spacing_ps = transmitter.work_ps(octets) + extra_ps, wire.spacing_ps(octets_before)
        if work_ps * cost > gain * spacing_ps:
            gain, cost = work_ps, spacing_ps
    return line_of(gain, cost, ingress_spread_ps(network, flows))


def ingress_spread_ps(network: Network, flows: list[Flow]) -> int:
    """How much later one frame than another may come for the same time of leaving the wire."""
    least_ps = min([flow.ways[0].fixed_ps for flow in flows])
    most_ps = max([flow.ways[0].fixed_ps + flow.ways[0].varies_ps for flow in flows])
    if all(network.hop(flow).cut_through_octets is None for flow in flows):
        return most_ps - least_ps
    # Counted from first bits, with the time from there until frames come.
    wire = network.transmitters[flows[0].ingress_index]
    begun: list[int] = []
    for flow in flows:
        parent, cut = network.flows[flow.parent_index], network.hop(flow).cut_through_octets
        sizes = (parent.frame_octets[0], parent.frame_octets[-1])
        if cut is not None:
            begun += [wire.least_delivery_ps(min(cut, octets)) for octets in sizes]
        if cut is None or flow.carried_ps > flow.ways[0].varies_ps + 1:  # may be held until whole
            begun += [wire.delivery_ps(octets) for octets in sizes]
    return most_ps - least_ps + max(begun) - min(begun)

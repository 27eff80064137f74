# SPDX-License-Identifier: Apache-2.0
"""Whether frames whose times are known find room at the transmitters that they pass.

A frame takes room from its entry into the queue until it starts; of all frames that
may be there at one time the octets are added. Frames of other streams add the most that
can come while one of them waits.

Source: Le Boudec, Thiran, Network Calculus (2001), theorem 1.4.1 (backlog bound).
"""

from __future__ import annotations

from netplan.bounds.arrivals import Staircase, windows_of
from netplan.bounds.network import Flow
from netplan.bounds.timed_ports import TimedNetwork


def overflows(timed: TimedNetwork) -> dict[int, str]:
    """Why a transmitter may lose frames for want of room, by egress; it is missing if it cannot."""
    found: dict[int, str] = {}
    for index, egress in enumerate(timed.network.plan.egresses):
        if egress.buffer_octets is None or not _is_passed(timed, index):
            continue
        backlog_octets = _backlog_octets(timed, index)
        room = f"{egress.name} has room for {egress.buffer_octets} octets"
        if backlog_octets is None:
            found[index] = f"{room} and no bound on its backlog"
        elif backlog_octets > egress.buffer_octets:
            found[index] = f"{room}, its backlog may reach {backlog_octets}"
    return found


def _is_passed(timed: TimedNetwork, egress_index: int) -> bool:
    return any(
        server in timed.at_server for server in timed.network.servers_at.get(egress_index, ())
    )


def _backlog_octets(timed: TimedNetwork, egress_index: int) -> int | None:
    network = timed.network
    total_octets, changes = 0, list[tuple[int, int, int]]()
    for server_index in network.servers_at[egress_index]:
        server = network.servers[server_index]
        for flow_index in server.own:
            if timed.why_unknown(flow_index):
                flow = network.flows[flow_index]
                if flow.jitter_ps is None or server.refused or server.contention is None:
                    return None
                wait_ps = network.wait_ps(server, flow.frame_octets[0])
                total_octets += _octets(timed, flow, wait_ps)
                continue
            timed_flow = timed.flows[flow_index]
            repeat_ps = timed_flow.releases.repeat_ps
            for entry_ps, start_ps, octets in zip(
                timed_flow.earliest_ps,
                timed_flow.latest_start_ps,
                timed_flow.octets,
                strict=True,
            ):
                repeats, rest_ps = divmod(start_ps - entry_ps, repeat_ps)
                total_octets += repeats * octets
                first_ps = entry_ps % repeat_ps
                last_ps = (first_ps + rest_ps) % repeat_ps
                if first_ps + rest_ps >= repeat_ps:
                    total_octets += octets  # it is there when the repetition begins
                # Entries come before starts at the same instant.
                changes += [(first_ps, 0, octets), (last_ps, 1, -octets)]
    most_octets = total_octets
    for _, _, octets in sorted(changes):
        total_octets += octets
        most_octets = max(most_octets, total_octets)
    return most_octets


def _octets(timed: TimedNetwork, flow: Flow, wait_ps: int) -> int:
    stream, hop = timed.network.stream(flow), timed.network.hop(flow)
    sums = tuple(
        sum(octets + hop.added_octets for octets in message) for message in stream.emission.messages
    )
    return Staircase([(windows_of(sums), flow.period_ps, flow.jitter_ps)]).at(wait_ps)

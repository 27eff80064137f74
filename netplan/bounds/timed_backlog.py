# SPDX-License-Identifier: Apache-2.0
"""Backlogs of queues whose frames are known one by one, beside what is known without time.

A frame takes room from its entry into the queue until it starts; of all frames that
may be there at one time the octets are added. Frames of other streams add the most that
can come while one of them waits; queues without known frames add what they hold at most.

Source: Le Boudec, Thiran, Network Calculus (2001), theorem 1.4.1 (backlog bound).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from netplan.bounds.backlog import held_octets, least
from netplan.bounds.model import Server
from netplan.bounds.timed_flows import TimedFlow
from netplan.bounds.timed_ports import TimedNetwork
from netplan.verdict.evidence import EgressBound

_Change = tuple[int, int, int]
"""When, whether after others at that time, and how many octets more."""


@dataclass(slots=True, kw_only=True)
class _Held:
    """What a queue holds: octets at any time, None when unknown, and those that come and go."""

    always_octets: int | None = 0
    changes: list[_Change] = field(default_factory=list)

    @property
    def most_octets(self) -> int | None:
        """Most at one time."""
        if self.always_octets is None:
            return None
        return self.always_octets + _most_octets(self.changes)


def timed_egresses(
    timed: TimedNetwork, egresses: tuple[EgressBound, ...]
) -> tuple[EgressBound, ...]:
    """Backlogs of all transmitters, lower where times of frames are known.

    Args:
        timed: Worked out.
        egresses: What is known without time.
    """
    return tuple(_egress(timed, one) for one in egresses)


def _egress(timed: TimedNetwork, known: EgressBound) -> EgressBound:
    network = timed.network
    servers = network.servers_at.get(known.egress_index, [])
    if not any(index in timed.at_server for index in servers):
        return known
    backlogs = list(known.queue_backlog_octets)
    together = _Held()
    for index in servers:
        server = network.servers[index]
        queue = server.queue_index
        held = _held(timed, server)
        if held is None:
            held = _Held(always_octets=backlogs[queue])
        backlogs[queue] = least(backlogs[queue], held.most_octets)
        if held.always_octets is None:
            held = _Held(always_octets=backlogs[queue])
        together.always_octets = _plus(together.always_octets, held.always_octets)
        together.changes += held.changes
    total = least(known.backlog_octets, together.most_octets)
    if None not in backlogs:
        total = least(total, sum(one for one in backlogs if one is not None))
    if total is not None:
        backlogs = [least(one, total) for one in backlogs]
    return replace(known, backlog_octets=total, queue_backlog_octets=tuple(backlogs))


def _held(timed: TimedNetwork, server: Server) -> _Held | None:
    """What a queue holds, None when no frame of it is known."""
    network, held, any_known = timed.network, _Held(), False
    for flow_index in server.own:
        if not timed.why_unknown(flow_index):
            any_known = True
            held.always_octets = _plus(
                held.always_octets, _stay(timed.flows[flow_index], held.changes)
            )
            continue
        held.always_octets = _plus(held.always_octets, held_octets(network, flow_index))
    return held if any_known else None


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _stay(flow: TimedFlow, changes: list[_Change]) -> int:
    """Note when frames come and go within one repetition; returns octets that are always there."""
    repeat_ps, always_octets = flow.releases.repeat_ps, 0
    for entry_ps, start_ps, octets in zip(
        flow.earliest_ps, flow.latest_start_ps, flow.octets, strict=True
    ):
        repeats, rest_ps = divmod(start_ps - entry_ps, repeat_ps)
        always_octets += repeats * octets
        first_ps = entry_ps % repeat_ps
        last_ps = first_ps + rest_ps
        if last_ps >= repeat_ps:  # it is there when the repetition begins
            changes += [(-1, 0, octets), (last_ps - repeat_ps, 1, -octets)]
            last_ps = repeat_ps
        # Entries come before starts at the same instant.
        changes += [(first_ps, 0, octets), (last_ps, 1, -octets)]
    return always_octets


def _most_octets(changes: list[_Change]) -> int:
    most_octets = octets = 0
    for _, _, change in sorted(changes):
        octets += change
        most_octets = max(most_octets, octets)
    return most_octets

# SPDX-License-Identifier: Apache-2.0
"""From queue to queue: when frames that keep a phase are where, through the whole plan.

Earliest times come first, hop by hop: a frame is never faster than alone. Latest times follow in
the order of time: a frame's latest start depends only on frames that enter earlier, and
on what is left of the repetition before, so passes over one repetition go on until none
changes anything. A queue about which nothing can be proven says why; its frames then
count, behind it, as frames of streams without a phase, and all begins anew.

Source: Palencia, Gonzalez Harbour (RTSS 1998) for offsets with growing intervals.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final

from netplan.bounds.network import Network
from netplan.bounds.timed_flows import (
    TimedFlow,
    duplicates_pass,
    earliest_entry_ps,
    latest_entry_ps,
    never_merged,
    surely_before,
    timed_flows,
)
from netplan.bounds.timed_port import NotProvenError
from netplan.bounds.timed_ports import (
    TOO_SHORT,
    TimedNetwork,
    fits,
    port_of,
    refusal,
    unknown_of,
)
from netplan.bounds.timed_queue import Entry, Passed, TimedQueue
from netplan.bounds.timed_starts import KnownStarts
from netplan.bounds.timed_streams import Timeline

_MOST_PASSES: Final = 12
"""Passes over one repetition until nothing may change any more."""
_MOST_RESTARTS: Final = 20
"""Times that all may begin anew without the queues that were refused."""


def solve(network: Network, timeline: Timeline) -> TimedNetwork:
    """Work out all queues that streams with a phase use."""
    flows, reasons = timed_flows(network, timeline)
    timed = TimedNetwork(network=network, timeline=timeline, flows=flows, reasons=reasons)
    for flow in flows.values():
        timed.at_server.setdefault(flow.server_index, []).append(flow)
    for index in timed.at_server:
        because = refusal(timed, network.servers[index])
        if because:
            timed.refused[index] = because
    order = list(_parents_first(flows))
    for _ in range(_MOST_RESTARTS):
        _prepare(timed, order)
        if _settle(timed):
            return timed
    for index in timed.queues:
        timed.refused[index] = "too many queues depend on others about which nothing is proven"
    _prepare(timed, order)
    return timed


def _parents_first(flows: dict[int, TimedFlow]) -> Iterator[TimedFlow]:
    done: set[int] = set()
    for flow in flows.values():
        stack = [flow]
        while stack:
            top = stack[-1]
            waiting = [flows[parent] for parent in top.parents if parent not in done]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            if top.index not in done:
                done.add(top.index)
                yield top


def _prepare(timed: TimedNetwork, order: list[TimedFlow]) -> None:
    """Say which frames are known, from when on at the earliest, and what their queues meet."""
    while True:
        refused_count = len(timed.refused)
        for flow in order:
            flow.unknown = timed.refused.get(flow.server_index) or timed.reasons.get(flow.index, "")
            for parent in flow.parents:
                flow.unknown = flow.unknown or timed.flows[parent].unknown
        known = {
            index: flows
            for index, here in timed.at_server.items()
            if (flows := [flow for flow in here if not flow.unknown])
        }
        for index, flows in known.items():
            longest_ps = max(max(flow.delivery_ps, default=0) for flow in flows)
            if not fits(timed, timed.network.servers[index], longest_ps):
                _refuse(timed, index, TOO_SHORT)
        if len(timed.refused) > refused_count:
            continue
        for flow in order:
            if not flow.unknown:
                _work_out_earliest(timed, flow)
        timed.starts = {index: _known_starts(timed, index, flows) for index, flows in known.items()}
        timed.queues = {}
        for index, flows in known.items():
            try:
                timed.queues[index] = _queue(timed, index, flows)
            except NotProvenError as error:
                _refuse(timed, index, str(error))
        if len(timed.refused) == refused_count:
            return


def _refuse(timed: TimedNetwork, server_index: int, because: str) -> None:
    timed.refused[server_index] = f"{timed.name(timed.network.servers[server_index])} {because}"


def _work_out_earliest(timed: TimedNetwork, flow: TimedFlow) -> None:
    server = timed.network.servers[flow.server_index]
    error_ps = timed.error_ps(timed.network.plan.egresses[server.egress_index])
    openings = timed.openings_of(server.egress_index, server.queue_index)
    in_order = never_merged(timed.flows, flow)
    flow.earliest_ps, flow.earliest_start_ps = [], []
    for frame, delivery_ps in enumerate(flow.least_delivery_ps):
        entry_ps = from_ps = earliest_entry_ps(timed.flows, flow, frame)
        if in_order and flow.releases.position_index[frame]:
            # The frame before it in its message is surely ahead of it.
            left_ps = flow.earliest_start_ps[frame - 1] + flow.least_work_ps[frame - 1]
            from_ps = max(from_ps, left_ps)
        flow.earliest_ps.append(entry_ps)
        flow.earliest_start_ps.append(openings.start_ps(from_ps, delivery_ps, -error_ps))
    count = len(flow.octets)
    flow.latest_ps, flow.latest_start_ps, flow.wait_ps = [0] * count, [0] * count, [None] * count


def _known_starts(timed: TimedNetwork, index: int, flows: list[TimedFlow]) -> KnownStarts:
    server = timed.network.servers[index]
    return KnownStarts(
        flows[0].releases.repeat_ps,
        timed.openings_of(server.egress_index, server.queue_index),
        [
            row
            for flow in flows
            for row in zip(flow.earliest_start_ps, flow.delivery_ps, flow.work_ps, strict=True)
        ],
    )


def _queue(timed: TimedNetwork, index: int, flows: list[TimedFlow]) -> TimedQueue:
    entries: list[Entry] = []
    for flow in flows:
        spacing_ps, spread_ps = [0] * len(flow.octets), 0
        if flow.line >= 0:
            parent = timed.flows[flow.parents[0]]
            spacing_ps = parent.least_work_ps
            spread_ps = parent.after_ps[1] - parent.after_ps[0]
            spread_ps += flow.before_ps[1] - flow.before_ps[0]
        for frame in range(len(flow.octets)):
            entries.append(
                Entry(
                    flow=flow.index,
                    frame=frame,
                    row_index=len(entries),
                    earliest_ps=flow.earliest_ps[frame],
                    delivery_ps=flow.delivery_ps[frame],
                    work_ps=flow.work_ps[frame],
                    line=flow.line,
                    spacing_ps=spacing_ps[frame],
                    spread_ps=spread_ps,
                )
            )
    server = timed.network.servers[index]
    return TimedQueue(
        port_of(timed, server),
        flows[0].releases.repeat_ps,
        entries,
        lambda one, other, shift_ps: surely_before(
            timed.flows, (one.flow, one.frame), (other.flow, other.frame), shift_ps
        ),
        unknown_of(timed, server),
    )


def _settle(timed: TimedNetwork) -> bool:
    """Go over one repetition until nothing changes; False when a queue was refused on the way."""
    children: dict[int, list[int]] = {}
    for flow in timed.flows.values():
        if not flow.unknown:
            for parent in flow.parents:
                children.setdefault(parent, []).append(flow.index)
    entries = {
        (entry.flow, entry.frame): (index, entry)
        for index, queue in timed.queues.items()
        for entry in queue.entries
    }
    changed: set[int] = set()
    for number in range(_MOST_PASSES):
        # Most networks settle at once, so that the second pass only confirms the first.
        changed = _pass(timed, children, entries, with_waits=number > 0)
        if any(index in timed.refused for index in timed.queues):
            return False
        if number > 0 and not changed:
            return not _duplicates(timed)
    for index in changed:
        _refuse(timed, index, "gets later and later, from repetition to repetition")
    return False


def _pass(
    timed: TimedNetwork,
    children: dict[int, list[int]],
    entries: dict[tuple[int, int], tuple[int, Entry]],
    *,
    with_waits: bool,
) -> set[int]:
    """Look at every frame once, in the order of latest entries; returns queues that changed."""
    changed: set[int] = set()
    copies: dict[tuple[int, int], int] = {}
    agenda: list[tuple[int, int, int, int, Entry | Passed]] = []
    for index, queue in timed.queues.items():
        agenda += [
            (one.latest_ps, one.entry.flow, one.entry.frame, index, one) for one in queue.begin()
        ]
        for entry in queue.entries:
            if not timed.flows[entry.flow].parents:
                time_ps = latest_entry_ps(timed.flows, timed.flows[entry.flow], entry.frame)
                agenda.append((time_ps, entry.flow, entry.frame, index, entry))
    heapify(agenda)
    while agenda:
        time_ps, flow_index, frame, index, what = heappop(agenda)
        if index in timed.refused:
            continue
        queue = timed.queues[index]
        if isinstance(what, Passed):
            if not queue.is_done:
                queue.pass_again(what)
            continue
        flow, before_ps = timed.flows[flow_index], what.start_ps
        what.latest_ps = flow.latest_ps[frame] = time_ps
        try:
            queue.pass_by(what, with_waits=with_waits)
        except NotProvenError as error:
            _refuse(timed, index, str(error))
            continue
        again = queue.coming_again()
        if again is not None:
            heappush(agenda, (again.latest_ps, flow_index, frame, index, again))
        flow.latest_start_ps[frame], flow.wait_ps[frame] = what.start_ps, what.wait_ps
        if what.start_ps != before_ps:
            changed.add(index)
            timed.starts[index].move(what.row_index, what.start_ps - flow.earliest_start_ps[frame])
        for child_index in children.get(flow_index, ()):
            child = timed.flows[child_index]
            received = copies[child_index, frame] = copies.get((child_index, frame), 0) + 1
            if received == len(child.parents):
                server, entry = entries[child_index, frame]
                # Times never come back, so that passes come to an end.
                entry_ps = max(latest_entry_ps(timed.flows, child, frame), entry.latest_ps)
                heappush(agenda, (entry_ps, child_index, frame, server, entry))
    return changed


def _duplicates(timed: TimedNetwork) -> bool:
    """Give up frames behind a place where late copies may pass for new frames."""
    found = False
    for flow in timed.flows.values():
        if flow.unknown or len(flow.parents) < 2:
            continue
        stream = timed.network.stream(timed.network.flows[flow.index])
        hop = timed.network.hop(timed.network.flows[flow.index])
        recovery = next(one for one in stream.recoveries if one.members[0] == hop.parent_index)
        span_ps = max(
            latest_entry_ps(timed.flows, flow, frame) - earliest_entry_ps(timed.flows, flow, frame)
            for frame in range(len(flow.octets))
        )
        because = duplicates_pass(stream, recovery, span_ps)
        if because:
            timed.reasons[flow.index] = because
            found = True
    return found

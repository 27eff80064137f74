# SPDX-License-Identifier: Apache-2.0
"""Commands that set up queues, gates and shapers of a Linux node: ``tc`` with taprio, mqprio, cbs.

One script per node, one block per port. What iproute2 or the kernel cannot do stands as a
comment beside the command, and in the notes: holding preemptable frames, round robin,
asynchronous shaping. Traffic classes are numbered as the plan's queues.

Source: tc-taprio(8), tc-mqprio(8), tc-cbs(8), tc-etf(8) of iproute2; IEEE Std 802.1Q-2022, annex L
(credits).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from netplan.exchange.nanoseconds import cycle_of, up
from netplan.exchange.notes import Notes
from netplan.exchange.survey import Station
from netplan.exchange.yang_port import sdu_octets, tell_rounding
from netplan.media.frames import GAP_OCTETS, PREAMBLE_OCTETS
from netplan.media.interface import WireMechanism
from netplan.plan.model import Egress, Plan
from netplan.tsn.classes import queue_index
from netplan.tsn.mechanisms import GateList, GateOperation, PortRules, Selection

_LARGEST_CREDIT_OCTETS = 2**31 - 1
_LARGEST_OTHER_OCTETS = 1522 + PREAMBLE_OCTETS + GAP_OCTETS
"""A frame of best effort that no stream of the plan describes, with what it occupies besides."""
_UNUSED_PRIORITIES = 8


def script(plan: Plan, station: Station, notes: Notes) -> str | None:
    """The commands of one node; None when its ports need none."""
    blocks = []
    for port in sorted(station.transmitters):
        lines = list(_port(plan, station, port, notes))
        if lines:
            blocks.append("\n".join(lines))
    if not blocks:
        return None
    head = [
        "#!/bin/sh",
        f"# {_one_line(station.name)}: transmission as planned; times are PTP time (TAI).",
        "# Interfaces are called as in the plan; run as root with the clock synchronised.",
        "set -e",
    ]
    return "\n".join(head) + "\n\n" + "\n\n".join(blocks) + "\n"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _port(plan: Plan, station: Station, port: str, notes: Notes) -> Iterator[str]:
    index = station.transmitters[port]
    egress = plan.egresses[index]
    rules, device = egress.rules, shlex.quote(port)
    launches = list(_launches(plan, station, index, device))
    if rules is None and not launches:
        return
    yield f"# {_one_line(egress.name)}"
    if rules is None:
        yield _qdisc(device, [*_root("mqprio", egress), "hw 0"])
    elif rules.gates:
        for position, gates in enumerate(rules.gates):
            if position:
                yield (
                    f"# takes over at {_nanoseconds(gates.base_ps)} ns; to be run after the list "
                    "before it has taken over"
                )
            yield from _taprio(egress, gates, device, notes)
    else:
        frames = _preemption(rules)
        yield _qdisc(device, [*_root("mqprio", egress), "hw 1" if frames else "hw 0", *frames])
    if rules is not None:
        yield from _shapers(plan, station, index, device, notes)
        yield from _left_out(egress, rules, notes)
    yield from launches


def _nanoseconds(time_ps: int) -> int:
    return time_ps // 1000


def _qdisc(device: str, options: list[str]) -> str:
    lines = [f"tc qdisc replace dev {device} parent root handle 100:", *options]
    return " \\\n    ".join(lines)


def _root(kind: str, egress: Egress) -> list[str]:
    """Traffic classes: the priorities 0 to 7 as the plan maps them, the others to the lowest."""
    count = egress.queue_count
    classes = [queue_index(pcp, count) for pcp in range(8)] + [0] * _UNUSED_PRIORITIES
    return [
        f"{kind} num_tc {count}",
        f"map {' '.join(map(str, classes))}",
        f"queues {' '.join(f'1@{queue}' for queue in range(count))}",
    ]


def _preemption(rules: PortRules) -> list[str]:
    """Which classes may be interrupted. Must stand last: tc reads all that follows as part of it."""
    if rules.fragment_octets is None:
        return []
    return ["fp " + " ".join("E" if rule.express else "P" for rule in rules.queues)]


def _taprio(egress: Egress, gates: GateList, device: str, notes: Notes) -> Iterator[str]:
    rules = egress.rules
    assert rules is not None
    cycle = cycle_of(gates.base_ps, gates.cycle_ps, [one.duration_ps for one in gates.entries])
    tell_rounding(cycle, egress.name, notes)
    if cycle.cycle_ns * 1000 != gates.cycle_ps:
        notes.warn(
            "EXPORT-TAPRIO-CYCLE",
            egress.name,
            f"the cycle of {gates.cycle_ps} ps is no whole number of nanoseconds: gates drift",
            "choose a cycle of whole nanoseconds",
        )
    options = [
        *_root("taprio", egress),
        f"base-time {cycle.base_ns}",
        f"cycle-time {cycle.cycle_ns}",
    ]
    if gates.extension_ps:
        options.append(f"cycle-time-extension {up(gates.extension_ps)}")
    if any(rule.largest_frame_octets is not None for rule in rules.queues):
        limits = (
            0 if rule.largest_frame_octets is None else sdu_octets(rule.largest_frame_octets)
            for rule in rules.queues
        )
        options.append("max-sdu " + " ".join(map(str, limits)))
    held = False
    for duration_ns, entry in cycle.intervals:
        options.append(f"sched-entry S {gates.entries[entry].open_queues:02x} {duration_ns}")
        held = held or gates.entries[entry].operation is not GateOperation.SET
    if held:
        yield "# entries that hold or release preemptable frames: " + ", ".join(
            f"{position} {gates.entries[entry].operation.value}"
            for position, (_, entry) in enumerate(cycle.intervals)
            if gates.entries[entry].operation is not GateOperation.SET
        )
        notes.warn(
            "EXPORT-TAPRIO-HOLD",
            egress.name,
            "tc knows no entries that hold preemptable frames; they are set as plain gate states",
            "leave room for the rest of a preempted frame before the express window",
        )
    yield "# without full offload: flags 0x1 txtime-delay 500000 clockid CLOCK_TAI"
    yield _qdisc(device, [*options, "flags 0x2", *_preemption(rules)])


def _shapers(plan: Plan, station: Station, index: int, device: str, notes: Notes) -> Iterator[str]:
    egress = plan.egresses[index]
    rules, mechanism = egress.rules, egress.mechanism
    assert rules is not None
    assert isinstance(mechanism, WireMechanism)
    for queue, rule in enumerate(rules.queues):
        if rule.selection is not Selection.CREDIT:
            continue
        place = f"{egress.name} queue {queue}"
        idle_kbps, rest = divmod(rule.idle_slope_bps, 1000)
        if rest:
            notes.warn(
                "EXPORT-SLOPE-KBIT",
                place,
                "the idle slope is no whole number of kbit/s; it was rounded down",
                "choose a slope of whole kbit/s",
            )
        high, low = credits_octets(plan, station, index, queue)
        if high == _LARGEST_CREDIT_OCTETS:
            notes.note(
                "EXPORT-CREDIT",
                place,
                "a queue above it is not shaped, so that its credit has no limit of its own",
            )
        if rules.gates:
            notes.warn(
                "EXPORT-CREDIT-GATES",
                place,
                "the kernel's shaper gains credit behind closed gates, too",
                "use hardware that shapes and gates together: offload 1",
            )
        yield (
            f"tc qdisc replace dev {device} parent 100:{queue + 1:x} cbs idleslope {idle_kbps} "
            f"sendslope {idle_kbps - mechanism.line_bps // 1000} hicredit {high} locredit {low} "
            "offload 0"
        )


def credits_octets(plan: Plan, station: Station, index: int, queue: int) -> tuple[int, int]:
    """Greatest and least credit of a credit-based queue, in octets as ``tc`` takes them.

    While a frame of a lower queue and everything that higher shaped queues may send go out, credit
    grows; while a frame of its own goes out, it falls. Octets count with preamble and gap.

    Source: IEEE Std 802.1Q-2022, annex L.1, equations L-2, L-3 and, for the
        queues above, that what they send is limited by their slope and the span of their credit.
    """
    egress = plan.egresses[index]
    rules, mechanism = egress.rules, egress.mechanism
    assert rules is not None
    assert isinstance(mechanism, WireMechanism)
    rate = mechanism.line_bps
    slope = rules.queues[queue].idle_slope_bps
    own = max(_frames(plan, station, index, queue), default=_LARGEST_OTHER_OCTETS)
    low = -(own * (rate - slope) // -rate)  # away from 0
    least = -low
    between = [_LARGEST_OTHER_OCTETS]
    for other in range(queue):
        between += _frames(plan, station, index, other)
    blocked, slopes = max(between), 0
    for other in range(queue + 1, len(rules.queues)):
        above = rules.queues[other]
        if above.selection is not Selection.CREDIT:
            if any(_frames(plan, station, index, other)):
                return _LARGEST_CREDIT_OCTETS, least
            continue
        high, below = credits_octets(plan, station, index, other)
        if high == _LARGEST_CREDIT_OCTETS:
            return _LARGEST_CREDIT_OCTETS, least
        blocked += high - below
        slopes += above.idle_slope_bps
    if slopes >= rate:
        return _LARGEST_CREDIT_OCTETS, least
    return min(-(blocked * slope // -(rate - slopes)), _LARGEST_CREDIT_OCTETS), least


def _frames(plan: Plan, station: Station, index: int, queue: int) -> set[int]:
    """Octets on the wire of the frames that streams put into a queue."""
    mechanism = plan.egresses[index].mechanism
    assert isinstance(mechanism, WireMechanism)
    around = mechanism.lead_octets + mechanism.tail_octets
    return {
        frame_octets + hop.added_octets + around
        for stream_index, hop_index in station.departures
        for stream in (plan.streams[stream_index],)
        for hop in (stream.hops[hop_index],)
        if hop.egress_index == index and hop.queue_index == queue
        for message in stream.emission.messages
        for frame_octets in message
    }


def _left_out(egress: Egress, rules: PortRules, notes: Notes) -> Iterator[str]:
    for queue, rule in enumerate(rules.queues):
        if rule.selection in {Selection.ROUND_ROBIN, Selection.ASYNCHRONOUS}:
            yield f"# traffic class {queue}: {rule.selection.value} is not expressed"
            notes.note(
                "EXPORT-TAPRIO-SELECTION",
                f"{egress.name} queue {queue}",
                f"Linux has no qdisc for {rule.selection.value} below taprio or mqprio; the queue is "
                "served in strict priority",
            )
        if rule.largest_frame_octets is not None and not rules.gates:
            notes.note(
                "EXPORT-TAPRIO-SDU",
                f"{egress.name} queue {queue}",
                "a limit on frame sizes needs taprio; mqprio has none",
            )
    if rules.fragment_octets is not None:
        yield f"# smallest fragment: ethtool --set-mm {shlex.quote(egress.port)} pmac-enabled on tx-enabled on verify-enabled on tx-min-frag-size {rules.fragment_octets - 4}"


def _launches(plan: Plan, station: Station, index: int, device: str) -> Iterator[str]:
    """How a talker keeps the phase of its scheduled streams."""
    classes: dict[int, None] = {}
    for stream_index, hop_index in station.departures:
        stream = plan.streams[stream_index]
        hop, emission = stream.hops[hop_index], stream.emission
        if hop.egress_index != index or hop.parent_index >= 0:
            continue
        if not stream.scheduled or emission.phase_ps is None:
            continue
        classes[hop.queue_index] = None
        offsets = ", ".join(
            str(up(emission.phase_ps + offset_ps)) for offset_ps in emission.offsets_ps or (0,)
        )
        yield (
            f"# {_one_line(stream.name)}: SO_TXTIME {offsets} ns after each multiple of "
            f"{emission.period_ps / 1000:.12g} ns, priority {stream.pcp}"
        )
    for queue in classes:
        yield (
            f"# tc qdisc replace dev {device} parent 100:{queue + 1:x} etf clockid CLOCK_TAI "
            "delta 500000 offload"
        )

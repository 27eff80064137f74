# SPDX-License-Identifier: Apache-2.0
"""Which streams keep a phase, and every frame that they release until all repeats.

Streams that share transmitters are looked at together, over the least common multiple of
their periods and of the gate cycles on their ways. Where that would be too long, the streams
that fit least are left out: they count as streams without a phase.

Source: IEEE Std 802.1Q-2022, 8.6.9.4 (gating cycle) and 46.2.3.5 (time-aware talkers).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from math import lcm
from typing import Final

from netplan.plan.model import Emission, Plan, PlannedStream

MOST_FRAME_HOPS: Final = 200_000
"""Hops of frames within what repeats that are followed one by one."""


@dataclass(slots=True, kw_only=True)
class Releases:
    """Frames of one stream until everything repeats, in the order of their nominal release.

    Attributes:
        repeat_ps: After which everything repeats.
        nominal_ps: Release without jitter, on the talker's clock, by frame.
        octets: Frame octets at the talker, without what hops add.
        message_index: Message that the frame belongs to.
        position_index: Its place in the message.
    """

    repeat_ps: int
    nominal_ps: list[int] = field(default_factory=list)
    octets: list[int] = field(default_factory=list)
    message_index: list[int] = field(default_factory=list)
    position_index: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Timeline:
    """All frames of the streams that keep a phase.

    Attributes:
        releases: By stream.
        left_out: Why a stream is not among them.
        error_ps: Largest error of each node's clock; a node that is missing has no such limit.
        ideal: Whether all clocks are right; ``error_ps`` is empty then.
    """

    releases: dict[int, Releases] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)
    error_ps: dict[str, int] = field(default_factory=dict)
    ideal: bool = True

    def clock_error_ps(self, node: str) -> int | None:
        """Largest error of a node's clock, None when nothing limits it."""
        return 0 if self.ideal else self.error_ps.get(node)


def timeline_of(plan: Plan, most_frame_hops: int = MOST_FRAME_HOPS) -> Timeline:
    """Find the streams that keep a phase, and list their frames."""
    timeline = Timeline(ideal=plan.synchronisation is None)
    if plan.synchronisation is not None:
        timeline.error_ps = {clock.node: clock.error_ps for clock in plan.synchronisation.clocks}
    keeping: list[int] = []
    for index, stream in enumerate(plan.streams):
        because = _no_phase(timeline, stream)
        if because:
            timeline.left_out[index] = because
        else:
            keeping.append(index)
    left = most_frame_hops
    for members in _together(plan, keeping):
        repeat_ps, fitting, left = _longest_repeat(plan, members, left)
        for index in members:
            if index in fitting:
                timeline.releases[index] = _releases(plan.streams[index].emission, repeat_ps)
            else:
                timeline.left_out[index] = (
                    f"the period of {plan.streams[index].name} and those of the streams and gates "
                    f"around it repeat together too seldom: more than {most_frame_hops} hops of "
                    "frames would have to be followed"
                )
    return timeline


def _no_phase(timeline: Timeline, stream: PlannedStream) -> str:
    emission = stream.emission
    if stream.no_bound:
        return stream.no_bound
    if emission.sporadic or emission.phase_ps is None:
        return f"the talker of {stream.name} keeps no phase"
    if timeline.clock_error_ps(stream.talker) is None:
        return f"nothing limits the error of the clock of {stream.talker}"
    return ""


def _together(plan: Plan, keeping: list[int]) -> list[list[int]]:
    """Split streams into sets that share no transmitter."""
    first_at: dict[int, int] = {}
    leader = {index: index for index in keeping}

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for index in keeping:
        for hop in plan.streams[index].hops:
            other = first_at.setdefault(hop.egress_index, index)
            leader[find(index)] = find(other)
    sets: defaultdict[int, list[int]] = defaultdict(list)
    for index in keeping:
        sets[find(index)].append(index)
    return list(sets.values())


def _longest_repeat(
    plan: Plan, members: list[int], most_frame_hops: int
) -> tuple[int, set[int], int]:
    """Time after which all repeats, the streams it holds for, and what is left of the limit.

    Scheduled streams are taken first, then the largest groups.
    """
    groups: defaultdict[tuple[bool, int], list[int]] = defaultdict(list)
    for index in members:
        stream = plan.streams[index]
        cycles = [
            gates.cycle_ps
            for hop in stream.hops
            if (rules := plan.egresses[hop.egress_index].rules) is not None
            for gates in rules.gates
        ]
        groups[not stream.scheduled, lcm(stream.emission.pattern_ps, *cycles)].append(index)
    repeat_ps, taken, cost = 1, set[int](), 0
    for (_, span_ps), group in sorted(
        groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1])
    ):
        longer_ps = lcm(repeat_ps, span_ps)
        all_cost = sum(_frame_hops(plan.streams[index], longer_ps) for index in (*taken, *group))
        if all_cost <= most_frame_hops:
            repeat_ps, cost = longer_ps, all_cost
            taken.update(group)
    return repeat_ps, taken, most_frame_hops - cost


def _frame_hops(stream: PlannedStream, repeat_ps: int) -> int:
    emission = stream.emission
    frames = sum(len(message) for message in emission.messages)
    return repeat_ps // emission.pattern_ps * frames * len(stream.hops)


def _releases(emission: Emission, repeat_ps: int) -> Releases:
    releases = Releases(repeat_ps=repeat_ps)
    assert emission.phase_ps is not None
    pattern, count = emission.pattern_ps, len(emission.messages)
    # Talkers are taken to have run for ever, so any repetition will do.
    phase_ps = emission.phase_ps % pattern
    for index in range(repeat_ps // pattern * count):
        patterns, place = divmod(index, count)
        offset_ps = (
            emission.offsets_ps[place] if emission.offsets_ps else place * emission.period_ps
        )
        for position, octets in enumerate(emission.messages[place]):
            releases.nominal_ps.append(phase_ps + patterns * pattern + offset_ps)
            releases.octets.append(octets)
            releases.message_index.append(index)
            releases.position_index.append(position)
    return releases

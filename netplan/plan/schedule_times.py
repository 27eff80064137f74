# SPDX-License-Identifier: Apache-2.0
"""When every frame of a schedule is to be received, and how that compares with what was seen.

Evidence that replays a schedule reports receptions by stream, message, frame and hop; on ideal
clocks and constant delays they must agree to the picosecond, otherwise lie within the interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netplan.plan.model import Plan
from netplan.plan.scheduled import PlannedProblem
from netplan.tsn.synthesis.result import Schedule, transmissions


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedReception:
    """When one frame is to be wholly received behind one hop, on network time.

    Attributes:
        stream: Name.
        message_index: Of the stream's messages since its first one.
        frame_index: Of the message's frames.
        hop_index: Of the stream's hops.
        earliest_ps: Not before.
        latest_ps: Not after; equal to the earliest where clocks and delays are exact.
    """

    stream: str
    message_index: int
    frame_index: int
    hop_index: int
    earliest_ps: int
    latest_ps: int


def expected_times(
    planned: PlannedProblem, plan: Plan, schedule: Schedule
) -> list[ExpectedReception]:
    """Every reception of the frames that are released within one hyperperiod.

    Args:
        planned: What was scheduled.
        plan: That it came from.
        schedule: Feasible.
    """
    positions: dict[str, list[tuple[int, int]]] = {}
    counts: dict[str, int] = {}
    for index in planned.stream_indices:
        stream = plan.streams[index]
        messages = stream.emission.messages
        counts[stream.name] = len(messages)
        positions[stream.name] = [
            (number, frame)
            for number, message in enumerate(messages)
            for frame in range(len(message))
        ]
    expected = []
    for one in transmissions(planned.problem, schedule):
        number, frame = positions[one.stream][one.frame_index]
        expected.append(
            ExpectedReception(
                stream=one.stream,
                message_index=one.instance_index * counts[one.stream] + number,
                frame_index=frame,
                hop_index=one.hop_index,
                earliest_ps=one.earliest_received_ps,
                latest_ps=one.latest_received_ps,
            )
        )
    return expected


Observed = Mapping[tuple[str, int, int, int], int]
"""By stream, message, frame and hop: when the frame was wholly received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a replay says of a schedule.

    Attributes:
        frame_count: Receptions that were compared.
        missing_count: Expected, but not observed.
        wrong_count: Observed at another time.
        largest_difference_ps: By which any was early or late.
        examples: The first few that differ, in full sentences.
    """

    frame_count: int
    missing_count: int
    wrong_count: int
    largest_difference_ps: int
    examples: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every frame came when it should."""
        return not self.missing_count and not self.wrong_count


def compared(
    expected: Sequence[ExpectedReception], observed: Observed, example_count: int = 5
) -> Comparison:
    """Compare what was observed with what was to be expected, to the picosecond."""
    missing = wrong = largest_ps = 0
    examples: list[str] = []
    for one in expected:
        what = f"frame {one.frame_index} of message {one.message_index} of {one.stream}"
        time_ps = observed.get((one.stream, one.message_index, one.frame_index, one.hop_index))
        if time_ps is None:
            missing += 1
            text = f"{what} was not received behind hop {one.hop_index}"
        else:
            difference_ps = max(one.earliest_ps - time_ps, time_ps - one.latest_ps, 0)
            if not difference_ps:
                continue
            wrong += 1
            largest_ps = max(largest_ps, difference_ps)
            text = (
                f"{what} was received behind hop {one.hop_index} at {time_ps} ps, "
                f"{difference_ps} ps off"
            )
        if len(examples) < example_count:
            examples.append(text)
    return Comparison(
        frame_count=len(expected),
        missing_count=missing,
        wrong_count=wrong,
        largest_difference_ps=largest_ps,
        examples=tuple(examples),
    )

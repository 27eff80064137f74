# SPDX-License-Identifier: Apache-2.0
"""What a synthesis gives: a schedule, a proof that there is none, or neither.

*Infeasible* is only said with a proof; running out of time is *unknown*, with what was tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from netplan.tsn.mechanisms import GateList
from netplan.tsn.synthesis.problem import Route


class Status(StrEnum):
    """What is known after a synthesis."""

    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One frame of a stream on one hop, in the instance that is released at the phase.

    Attributes:
        arrival_ps: It does not enter the queue before this.
        start_ps: Nominal start of the transmission: the opening of its gate where it waits for
            that, otherwise the latest moment at which it is ready, on ideal clocks.
        earliest_ps: It never starts before this on network time.
        latest_ps: It never starts after this on network time.
        held: Whether it waits at a closed gate that opens at ``start_ps`` of its node's clock.
    """

    arrival_ps: int
    start_ps: int
    earliest_ps: int
    latest_ps: int
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where and when one stream goes.

    Attributes:
        name: Of the stream.
        period_ps: Its period; slots repeat with it.
        frame_octets: Sizes of its frames.
        phase_ps: Release of its first frame on the talker's clock.
        route: Chosen.
        waits_ps: For each hop, how much longer than necessary frames wait there.
        slots: For each hop, one slot per frame.
        received_ps: For each hop and frame, earliest and latest complete reception behind it.
    """

    name: str
    period_ps: int
    frame_octets: tuple[int, ...]
    phase_ps: int
    route: Route
    waits_ps: tuple[int, ...]
    slots: tuple[tuple[Slot, ...], ...]
    received_ps: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSchedule:
    """Gates of one port.

    Attributes:
        port_index: Index into :attr:`Problem.ports`.
        gates: The list.
        exclusive_ratio: Share of the cycle that is closed for all traffic without a schedule.
        best_effort_ratio: Share of the line that such traffic keeps, at least: what a guard band
            or the end of an interrupted frame may waste is not counted.
        hold_advance_ps: Of a port that preempts.
    """

    port_index: int
    gates: GateList
    exclusive_ratio: float
    best_effort_ratio: float
    hold_advance_ps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One thing that was tried, how it ended, and how long it took."""

    method: str
    outcome: str
    taken_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why what was found could not be used, or why nothing was looked for.

    Attributes:
        kind: ``gate entries``, ``best-effort share``, ``granularity``, ``cycle``,
            ``hyperperiod``, ``streams`` or ``kept streams``.
        text: The reason in a full sentence.
        port_index: Where; -1 when it is not about one port.
        needed_count: Entries that a gate list would have; 0 for other kinds.
        allowed_count: Entries that it may have.
        needed_ratio: Share of the line that other traffic must keep; 0 for other kinds.
        kept_ratio: What it would keep.
    """

    kind: str
    text: str
    port_index: int = -1
    needed_count: int = 0
    allowed_count: int = 0
    needed_ratio: float = 0.0
    kept_ratio: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """A change with which the problem has a schedule, found by solving it again.

    Attributes:
        text: The change in a full sentence.
        streams: Which streams it changes.
        quantity: ``period``, ``deadline``, ``size``, ``removal`` or ``keep`` (the schedule is
            made anew, without keeping any stream where it was).
        value_ps: The new period or deadline, where one stream gets one.
        value_octets: The new size of all its frames, where one stream gets one.
    """

    text: str
    streams: tuple[str, ...]
    quantity: str
    value_ps: int = 0
    value_octets: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Why no schedule exists.

    Attributes:
        kind: ``deadline``, ``utilisation``, ``periods`` or ``exhausted`` (no schedule of these
            streams exists, by complete search).
        text: The proof in a full sentence.
        streams: Names of streams that cannot all be scheduled, even without the others.
        minimal: Whether any of them left out makes the rest possible as far as this proof goes.
        ports: Names of the ports that they compete for, the most loaded first.
        utilisation_ratio: Of those ports together by these streams, at least.
        hyperperiod_ps: Of these streams.
        cure: A change that was found to help; None when none was found.
        tried_cures: Changes that did not help, or not in time.
    """

    kind: str
    text: str
    streams: tuple[str, ...]
    minimal: bool
    ports: tuple[str, ...]
    utilisation_ratio: float
    hyperperiod_ps: int
    cure: Cure | None = None
    tried_cures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The outcome of a synthesis.

    Attributes:
        status: What is known.
        placements: One per stream, in their order; empty unless feasible.
        ports: Gates of every port that has some; empty unless feasible.
        hyperperiod_ps: After which everything repeats.
        conflict: Why it is infeasible.
        obstacles: Why it is unknown, beside the time.
        tried: In order.
        harmonic_periods_ps: When the hyperperiod is refused: the nearest harmonic periods that
            are no longer than those asked for, by stream.
    """

    status: Status
    placements: tuple[Placement, ...] = ()
    ports: tuple[PortSchedule, ...] = ()
    hyperperiod_ps: int = 0
    conflict: Conflict | None = None
    obstacles: tuple[Obstacle, ...] = ()
    tried: tuple[Attempt, ...] = ()
    harmonic_periods_ps: Mapping[str, int] = field(default_factory=dict)

    @property
    def max_gate_entries(self) -> int:
        """Entries of the longest gate list."""
        return max((len(port.gates.entries) for port in self.ports), default=0)

# SPDX-License-Identifier: Apache-2.0
"""Conforming behaviours of all talkers around one moment, and what the simulator makes of them.

A *placement* fixes, for one talker, when it releases one of its messages and how it uses its
jitter; all its other releases near the moment follow from its contract. A *scenario* is a
placement for each talker, with all delays at the largest (or smallest) of their ranges. It
becomes a plan whose talkers release exactly that, which anybody can simulate again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from emulator.simulation import engine
from emulator.simulation.layout import NONE, State
from emulator.simulation.model import Model
from emulator.simulation.tables import build_model
from netplan.media.interface import DelayTerm
from netplan.plan.model import Emission, Hop, Plan, PlannedStream

LATE_UNTIL = 1
"""Use of the jitter: releases up to the placed one are as late as they may be, later ones early."""
LATE_BEFORE = 2
"""Releases before the placed one are late, that one and later ones early."""
JITTER_USES = (0, LATE_UNTIL, LATE_BEFORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """How one talker behaves around the moment.

    Attributes:
        at_ps: Release of the placed message.
        message_index: Which message of the talker's pattern that is.
        jitter_index: Which use of the jitter (:data:`JITTER_USES`).
    """

    at_ps: int
    message_index: int = 0
    jitter_index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time that is simulated: releases from ``start_ps`` on, up to ``end_ps``."""

    start_ps: int
    end_ps: int


def releases_of(
    emission: Emission, placement: Placement, window: Window
) -> tuple[tuple[int, ...], int]:
    """Releases of a talker in a window, and the number of the first one's message."""
    offsets_ps = emission.offsets_ps or (0,)
    count = len(offsets_ps)
    if emission.phase_ps is not None and not emission.sporadic:
        base_ps = emission.phase_ps
        whole, rest_ps = divmod(placement.at_ps - base_ps, emission.period_ps)
        placed = whole * count + max(
            place for place, offset_ps in enumerate(offsets_ps) if offset_ps <= rest_ps
        )
        least = 0
    else:
        placed = placement.message_index
        own_ps = emission.jitter_ps if placement.jitter_index == LATE_UNTIL else 0
        nominal_ps = placement.at_ps - own_ps
        base_ps = nominal_ps - _nominal_ps(emission.period_ps, offsets_ps, placed)
        least = None  # any number of messages may have gone before
    placed_ps = base_ps + _nominal_ps(emission.period_ps, offsets_ps, placed)
    if placement.jitter_index == LATE_UNTIL:
        placed_ps += emission.jitter_ps
    number = (window.start_ps - emission.jitter_ps - base_ps) // emission.period_ps * count
    if least is not None:
        number = max(number, least)
    found: list[int] = []
    first = NONE
    last_ps = base_ps + _nominal_ps(emission.period_ps, offsets_ps, number)
    while True:
        at_ps = base_ps + _nominal_ps(emission.period_ps, offsets_ps, number)
        if at_ps > window.end_ps:
            return tuple(found), first
        is_late = number <= placed if placement.jitter_index == LATE_UNTIL else number < placed
        if placement.jitter_index and is_late:
            # No message overtakes the placed one.
            at_ps = max(at_ps, min(at_ps + emission.jitter_ps, placed_ps))
        at_ps = last_ps = max(at_ps, last_ps)  # a talker keeps its order
        if at_ps >= window.start_ps:
            if not found:
                first = number % len(emission.messages)
            found.append(at_ps)
        number += 1


def _nominal_ps(period_ps: int, offsets_ps: tuple[int, ...], number: int) -> int:
    return number // len(offsets_ps) * period_ps + offsets_ps[number % len(offsets_ps)]


def _fixed(terms: tuple[DelayTerm, ...], *, largest: bool) -> tuple[DelayTerm, ...]:
    return tuple(
        replace(one, min_ps=one.max_ps) if largest else replace(one, max_ps=one.min_ps)
        for one in terms
    )


def witness_stream(
    stream: PlannedStream,
    releases_ps: tuple[int, ...],
    first_message: int,
    end_ps: int,
    *,
    largest: bool,
) -> PlannedStream:
    """The same stream, whose talker releases just these messages, and its delays fixed."""
    messages = stream.emission.messages
    hops: tuple[Hop, ...] = tuple(
        replace(
            hop,
            before=_fixed(hop.before, largest=largest),
            after=_fixed(hop.after, largest=largest),
        )
        for hop in stream.hops
    )
    merged: list[tuple[int, tuple[int, ...]]] = []
    for place, at_ps in enumerate(releases_ps or (2 * end_ps,)):
        sizes = messages[(first_message + place) % len(messages)]
        if merged and merged[-1][0] == at_ps:  # two messages at once are one
            sizes = merged.pop()[1] + sizes
        merged.append((at_ps, sizes))
    start_ps = merged[0][0]
    return replace(
        stream,
        hops=hops,
        standby=(),  # nothing fails
        emission=Emission(
            messages=tuple(sizes for _, sizes in merged),
            period_ps=max(4 * end_ps, merged[-1][0] - start_ps + 1),
            sporadic=False,
            phase_ps=start_ps,
            jitter_ps=0,
            offsets_ps=tuple(at_ps - start_ps for at_ps, _ in merged),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """When a frame was queued for a transmitter, and when its transmission began."""

    egress_index: int
    queued_ps: int
    started_ps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The slowest frame of a listener."""

    latency_ps: int
    release_ps: int
    crossings: tuple[Crossing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one scenario came to.

    Attributes:
        passage: Of the slowest frame of the row in question; None when it took none.
        arrivals_ps: For each stream and hop, when messages had wholly crossed it.
        releases_ps: For each stream, its releases.
        largest: Whether delays were the largest of their ranges.
    """

    passage: Passage | None
    arrivals_ps: dict[tuple[int, int], list[int]]
    releases_ps: tuple[tuple[int, ...], ...]
    largest: bool

    @property
    def latency_ps(self) -> int:
        """Of the slowest frame; -1 when none came."""
        return -1 if self.passage is None else self.passage.latency_ps

    def is_near(self, time_ps: int) -> bool:
        """Whether a time lies within the passage of the slowest frame."""
        if self.passage is None:
            return False
        start_ps = self.passage.release_ps - self.passage.latency_ps
        return start_ps <= time_ps <= self.passage.release_ps + self.passage.latency_ps


@dataclass(slots=True)
class Laboratory:
    """Runs scenarios of one plan, with a listener at the end of each hop that tells of arrivals.

    Attributes:
        plan: Whose talkers behave.
        stream_index: The stream whose latency counts.
        listener_index: At which of its listeners.
        window: What is simulated.
        largest: Whether delays are the largest of their ranges.
        run_count: Scenarios run so far.
    """

    plan: Plan
    stream_index: int
    listener_index: int
    window: Window
    largest: bool = True
    run_count: int = 0
    _models: dict[object, Model] = field(default_factory=dict)
    _hop_of_row: dict[int, tuple[int, int]] = field(default_factory=dict)
    _row: int = 0

    def witness(self, placements: tuple[Placement, ...]) -> Plan:
        """The plan of a scenario."""
        streams: list[PlannedStream] = []
        for stream, placement in zip(self.plan.streams, placements, strict=True):
            releases_ps, first = releases_of(stream.emission, placement, self.window)
            streams.append(
                witness_stream(stream, releases_ps, first, self.window.end_ps, largest=self.largest)
            )
        return replace(self.plan, streams=tuple(streams), chains=(), targets=(), rings=())

    def run(self, placements: tuple[Placement, ...]) -> Outcome:
        """Simulate a scenario."""
        self.run_count += 1
        plan = self.witness(placements)
        key = tuple(stream.emission.messages for stream in plan.streams)
        if key not in self._models:
            self._models[key] = self._model(plan)
        model = self._models[key]
        for index, stream in enumerate(plan.streams):
            offsets_ps = stream.emission.offsets_ps
            first = int(model.tables.streams[index]["first_message"])
            for place, end_ps in enumerate((*offsets_ps[1:], stream.emission.period_ps)):
                model.tables.messages[first + place]["gap_ps"] = end_ps - offsets_ps[place]
        phases_ps = tuple(stream.emission.phase_ps or 0 for stream in plan.streams)
        run = engine.begin(replace(model, first_releases_ps=phases_ps), 2 * self.window.end_ps)
        arrivals_ps: dict[tuple[int, int], list[int]] = {}

        def drain(state: State) -> None:
            for entry in state.log[: int(state.control["log_count"][0])].tolist():
                subject, is_release, _, at_ps = entry
                if not is_release and subject in self._hop_of_row:
                    arrivals_ps.setdefault(self._hop_of_row[subject], []).append(at_ps)
            state.control["log_count"] = 0

        engine.proceed(run, drain=drain)
        if not run.complete and not run.overfull:
            raise KeyboardInterrupt
        return Outcome(
            passage=self._passage(run),
            arrivals_ps=arrivals_ps,
            releases_ps=tuple(
                tuple(phase_ps + offset_ps for offset_ps in stream.emission.offsets_ps)
                for phase_ps, stream in zip(phases_ps, plan.streams, strict=True)
            ),
            largest=self.largest,
        )

    def _model(self, plan: Plan) -> Model:
        """The plan with a listener at the end of each hop, all of which tell of arrivals."""
        streams: list[PlannedStream] = []
        row = 0
        self._hop_of_row.clear()
        for index, stream in enumerate(plan.streams):
            if index == self.stream_index:
                self._row = row + self.listener_index
            others = {member for one in stream.recoveries for member in one.members[1:]}
            probed = [hop for hop in range(len(stream.hops)) if hop not in others]
            row += len(stream.listeners)
            self._hop_of_row.update({row + place: (index, hop) for place, hop in enumerate(probed)})
            row += len(probed)
            streams.append(
                replace(
                    stream,
                    listeners=(*stream.listeners, *(stream.hops[hop].to_node for hop in probed)),
                    listener_hops=(*stream.listener_hops, *probed),
                    listener_host=(*stream.listener_host, *(() for _ in probed)),
                )
            )
        model = build_model(replace(plan, streams=tuple(streams)), seed=0)
        model.tables.rows["logged"] = 1
        most = max(len(stream.listeners) for stream in streams)
        return replace(model, entries_per_event=1 + most)

    def _passage(self, run: engine.Run) -> Passage | None:
        row = run.state.rows[self._row]
        if int(row["frames"]) == 0:
            return None
        hops = run.model.tables.hops
        return Passage(
            latency_ps=int(row["max_ps"]),
            release_ps=int(row["worst_release_ps"]),
            crossings=tuple(
                Crossing(
                    egress_index=int(hops[step["hop"]]["egress"]),
                    queued_ps=int(step["queued_ps"]),
                    started_ps=int(step["started_ps"]),
                )
                for step in run.state.worst[self._row]
                if step["hop"] != NONE
            ),
        )

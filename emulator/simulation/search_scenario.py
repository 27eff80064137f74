# SPDX-License-Identifier: Apache-2.0
"""Conforming behaviours of all talkers around one moment, and what the simulator makes of them.

A *placement* fixes, for one talker, when it releases one of its messages and how it uses its
jitter; all its other releases near the moment follow from its contract. A *scenario* is a
placement for each talker, with all delays at the largest (or smallest) of their ranges. It
becomes a plan whose talkers release exactly that, which anybody can simulate again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

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
    """Releases of a talker from the start of a window on, and the number of the first one's message.

    As many as surely last beyond the window, whatever the placement: scenarios that differ in
    placements alone are then the same but for their times.
    """
    offsets_ps = emission.offsets_ps or (0,)
    count = len(offsets_ps)
    length_ps = window.end_ps - window.start_ps + emission.jitter_ps
    wanted = (length_ps // emission.period_ps + 2) * count
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
        is_late = number <= placed if placement.jitter_index == LATE_UNTIL else number < placed
        if placement.jitter_index and is_late:
            # No message overtakes the placed one.
            at_ps = max(at_ps, min(at_ps + emission.jitter_ps, placed_ps))
        at_ps = last_ps = max(at_ps, last_ps)  # a talker keeps its order
        if at_ps >= window.start_ps:
            if not found:
                first = number % len(emission.messages)
            found.append(at_ps)
            if len(found) == wanted:
                return tuple(found), first
        number += 1


def _nominal_ps(period_ps: int, offsets_ps: tuple[int, ...], number: int) -> int:
    return number // len(offsets_ps) * period_ps + offsets_ps[number % len(offsets_ps)]


def _fixed(terms: tuple[DelayTerm, ...], *, largest: bool) -> tuple[DelayTerm, ...]:
    return tuple(
        replace(one, min_ps=one.max_ps) if largest else replace(one, max_ps=one.min_ps)
        for one in terms
    )


def witness_emission(
    emission: Emission, releases_ps: tuple[int, ...], first_message: int, end_ps: int
) -> Emission:
    """The contract of a talker that releases just these messages."""
    messages = emission.messages
    merged: list[tuple[int, tuple[int, ...]]] = []
    for place, at_ps in enumerate(releases_ps or (2 * end_ps,)):
        sizes = messages[(first_message + place) % len(messages)]
        if merged and merged[-1][0] == at_ps:  # two messages at once are one
            sizes = merged.pop()[1] + sizes
        merged.append((at_ps, sizes))
    start_ps = merged[0][0]
    return Emission(
        messages=tuple(sizes for _, sizes in merged),
        period_ps=max(4 * end_ps, merged[-1][0] - start_ps + 1),
        sporadic=False,
        phase_ps=start_ps,
        jitter_ps=0,
        offsets_ps=tuple(at_ps - start_ps for at_ps, _ in merged),
    )


def witness_stream(stream: PlannedStream, emission: Emission, *, largest: bool) -> PlannedStream:
    """The same stream with its talker's behaviour, and its delays fixed."""
    hops: tuple[Hop, ...] = tuple(
        replace(
            hop,
            before=_fixed(hop.before, largest=largest),
            after=_fixed(hop.after, largest=largest),
        )
        for hop in stream.hops
    )
    # Nothing fails here.
    return replace(stream, hops=hops, emission=emission, standby=())


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
        arrivals: Rows of probes (first line) and when messages had wholly come there (second).
        hop_of_row: Stream and hop that each probe stands for.
        releases_ps: For each stream, its releases.
        largest: Whether delays were the largest of their ranges.
    """

    passage: Passage | None
    arrivals: tuple[NDArray[np.int64], ...]
    hop_of_row: Mapping[int, tuple[int, int]]
    releases_ps: tuple[tuple[int, ...], ...]
    largest: bool
    _by_hop: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def crossed_ps(self, stream_index: int, hop_index: int) -> list[int]:
        """When messages of a stream had wholly crossed a hop.

        Sorted out when it is first asked for: of most scenarios only the latency counts.
        """
        if not self._by_hop:
            for subjects, times_ps in self.arrivals:
                for subject, at_ps in zip(subjects.tolist(), times_ps.tolist(), strict=True):
                    hop = self.hop_of_row.get(subject)
                    if hop is not None:
                        self._by_hop.setdefault(hop, []).append(at_ps)
        return self._by_hop.get((stream_index, hop_index), [])

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
    _emissions: dict[tuple[int, Placement], Emission] = field(default_factory=dict)
    _hop_of_row: dict[int, tuple[int, int]] = field(default_factory=dict)
    _row: int = 0

    def run(self, placements: tuple[Placement, ...]) -> Outcome:
        """Simulate a scenario."""
        self.run_count += 1
        emissions = [self._emission(index, one) for index, one in enumerate(placements)]
        key = tuple(emission.messages for emission in emissions)
        if key not in self._models:
            streams = tuple(
                witness_stream(stream, emission, largest=self.largest)
                for stream, emission in zip(self.plan.streams, emissions, strict=True)
            )
            quiet = replace(self.plan, streams=streams, chains=(), targets=(), rings=())
            self._models[key] = self._model(quiet)
        model = self._models[key]
        gaps_ps = model.tables.messages["gap_ps"]
        for first, emission in zip(
            model.tables.streams["first_message"].tolist(), emissions, strict=True
        ):
            ends_ps = (*emission.offsets_ps[1:], emission.period_ps)
            gaps_ps[first : first + len(ends_ps)] = np.subtract(ends_ps, emission.offsets_ps)
        phases_ps = tuple(emission.phase_ps or 0 for emission in emissions)
        run = engine.begin(replace(model, first_releases_ps=phases_ps), 2 * self.window.end_ps)
        arrivals: list[NDArray[np.int64]] = []

        def drain(state: State) -> None:
            log = state.log[: int(state.control["log_count"][0])]
            log = log[log["is_release"] == 0]
            arrivals.append(np.stack([log["subject"], log["at_ps"]]))
            state.control["log_count"] = 0

        engine.proceed(run, drain=drain)
        if not run.complete and not run.overfull:
            raise KeyboardInterrupt
        return Outcome(
            passage=self._passage(run),
            arrivals=tuple(arrivals),
            hop_of_row=self._hop_of_row,
            releases_ps=tuple(
                tuple(phase_ps + offset_ps for offset_ps in emission.offsets_ps)
                for phase_ps, emission in zip(phases_ps, emissions, strict=True)
            ),
            largest=self.largest,
        )

    def _emission(self, index: int, placement: Placement) -> Emission:
        """What a talker releases; from one scenario to the next only one or two move."""
        known = self._emissions.get((index, placement))
        if known is None:
            emission = self.plan.streams[index].emission
            releases_ps, first = releases_of(emission, placement, self.window)
            known = witness_emission(emission, releases_ps, first, self.window.end_ps)
            self._emissions[index, placement] = known
        return known

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

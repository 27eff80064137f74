# SPDX-License-Identifier: Apache-2.0
"""Searches the behaviour of talkers that makes a stream as late as it can be, up to its bound.

What a simulation draws at random is here driven: phases, use of the jitter, which message
of a pattern meets which. First a critical instant is built hop by hop along the path: each
stream that joins is moved so that its frame reaches the shared transmitter just before the one in
question. Then moves of the same kind, also between the streams that interfere, are tried until
none helps, and after a few random moves again. The moves follow from the seed alone; the
budget of time only cuts the search off. What is found is a witness: a plan that anybody can
simulate.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from emulator.simulation.run import simulate
from emulator.simulation.search_scenario import (
    JITTER_USES,
    Laboratory,
    Outcome,
    Placement,
    Window,
    releases_of,
)
from emulator.simulation.search_witness import WorstFound
from netplan.plan.model import Plan, PlannedStream
from netplan.verdict.evidence import BoundEvidence

_MOST_MOVES = 400
"""Moves tried in one round of improvement; of more, a random choice."""
_SHAKES = 3
"""Random moves before the next round."""
_FIXED_RELEASES = 64
"""Releases of a talker with a known phase that are tried as the one in question."""


def search_worst(
    plan: Plan,
    bound: BoundEvidence,
    *,
    rows: Sequence[tuple[int, int]] | None = None,
    budget_s: float,
    seed: int = 1,
    progress: Callable[[float], None] | None = None,
    interrupted: Callable[[], None] | None = None,
) -> tuple[WorstFound, ...]:
    """Drive the talkers of a plan towards the bound of its streams.

    Args:
        plan: Whose streams; radio failures are not driven.
        bound: What is to be reached; only its numbers are read.
        rows: Streams and listeners, as indices; all when None.
        budget_s: Seconds for all rows together; each gets its share, and what others left.
        seed: Of the order in which moves are tried.
        progress: Told the share of rows that are done.
        interrupted: Told when Ctrl-C ended the search early; what was found is kept.

    Returns:
        One finding per row for which any frame arrived.
    """
    if rows is None:
        rows = [
            (index, listener)
            for index, stream in enumerate(plan.streams)
            for listener in range(len(stream.listeners))
        ]
    bounds = {(row.stream_index, row.listener_index): row.bound_ps for row in bound.streams}
    simulate(plan, seed=0, duration_ps=1)  # loading the kernel is not the search's time
    end_s = time.monotonic() + budget_s
    found: list[WorstFound] = []
    for number, row in enumerate(rows):
        now_s = time.monotonic()
        share_s = now_s + max(0.0, end_s - now_s) / (len(rows) - number)
        hunt = _Hunt(
            plan=plan,
            stream_index=row[0],
            listener_index=row[1],
            bound_ps=bounds.get(row),
            longest_ps=max((one for one in bounds.values() if one is not None), default=0),
            random=random.Random(f"{seed} {row}"),  # noqa: S311 - no secret depends on it
            end_s=share_s,
        )
        try:
            hunt.go()
        except KeyboardInterrupt:
            if interrupted is not None:
                interrupted()
            end_s = 0.0
        if hunt.best is not None:
            found.append(replace(hunt.best, run_count=hunt.run_count))
        if end_s == 0.0:
            break
        if progress is not None:
            progress((number + 1) / len(rows))
    return tuple(found)


@dataclass(slots=True, kw_only=True)
class _Hunt:
    """The search for one row."""

    plan: Plan
    stream_index: int
    listener_index: int
    bound_ps: int | None
    longest_ps: int
    random: random.Random
    end_s: float
    best: WorstFound | None = None
    users: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    concerned: list[int] = field(default_factory=list)
    run_count: int = 0

    def go(self) -> None:
        """Search until the bound is reached or the time is over."""
        for index, stream in enumerate(self.plan.streams):
            for position, hop in enumerate(stream.hops):
                self.users.setdefault(hop.egress_index, []).append((index, position))
        self.concerned = self._concerned()
        turn = 0
        while turn < 2 or (not self._is_over() and turn < 2 * self._anchor_count()):
            laboratory, placements = self._begin(turn)
            self._descend(laboratory, placements, is_last=self._anchor_count() == 1 and turn > 0)
            self.run_count += laboratory.run_count
            turn += 1

    def _is_over(self) -> bool:
        if time.monotonic() >= self.end_s:
            return True
        if self.best is None or self.bound_ps is None:
            return False
        # Where the order of simultaneous frames is against it, the worst case is approached by
        # frames that come a picosecond earlier each, never reached.
        return self.bound_ps - self.best.latency_ps < len(self.concerned)

    @property
    def _stream(self) -> PlannedStream:
        return self.plan.streams[self.stream_index]

    def _concerned(self) -> list[int]:
        """Streams that may delay the one in question, directly or through others, nearest first."""
        order = [self.stream_index]
        for index in order:
            for hop in self.plan.streams[index].hops:
                order.extend(
                    other for other, _ in self.users[hop.egress_index] if other not in order
                )
        return order

    def _anchor_count(self) -> int:
        """Releases of the stream in question that differ: many where phases are known."""
        known = [
            stream.emission.phase_ps is not None and not stream.emission.sporadic
            for stream in self.plan.streams
        ]
        return _FIXED_RELEASES if any(known) else 1

    def _begin(self, turn: int) -> tuple[Laboratory, list[Placement]]:
        """All talkers release at the moment; delays largest, then smallest, in turns."""
        emissions = [self.plan.streams[index].emission for index in self.concerned]
        reach_ps = 2 * (self.longest_ps or max(one.period_ps for one in emissions))
        reach_ps += max(one.jitter_ps for one in emissions)
        own = self._stream.emission
        moment_ps = reach_ps + max(one.phase_ps or 0 for one in emissions)
        anchor = turn // 2
        offset_ps = (own.offsets_ps or (0,))[anchor % len(own.offsets_ps or (0,))]
        if own.phase_ps is not None and not own.sporadic:
            cycle = -(-(moment_ps - own.phase_ps) // own.period_ps) + anchor
            moment_ps = own.phase_ps + cycle * own.period_ps + offset_ps
        elif anchor:
            moment_ps += self.random.randrange(own.period_ps)
        laboratory = Laboratory(
            plan=self.plan,
            stream_index=self.stream_index,
            listener_index=self.listener_index,
            window=Window(start_ps=moment_ps - reach_ps, end_ps=moment_ps + reach_ps),
            largest=turn % 2 == 0,
        )
        return laboratory, [Placement(at_ps=moment_ps) for _ in self.plan.streams]

    # ------------------------------------------------------------------ moves

    def _shifts(
        self, outcome: Outcome, reference: int, egress_index: int, queued: list[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """Streams, and by how much to move them to meet the reference at a transmitter."""
        found: list[tuple[int, int]] = []
        for other, position in self.users[egress_index]:
            if other == reference or not self._is_free(other):
                continue
            times = self._queued_at(outcome, other, position)
            if not times:
                continue
            for queued_ps, started_ps in queued:
                meets = [queued_ps, queued_ps - 1, queued_ps + 1, started_ps - 1, started_ps]
                for wanted_ps in dict.fromkeys(meets):
                    nearest_ps = min(times, key=lambda time_ps: abs(time_ps - wanted_ps))
                    if nearest_ps != wanted_ps:
                        found.append((other, wanted_ps - nearest_ps))
        return found

    def _is_free(self, index: int) -> bool:
        emission = self.plan.streams[index].emission
        return emission.sporadic or emission.phase_ps is None

    def _queued_at(self, outcome: Outcome, index: int, position: int) -> list[int]:
        """When messages of a stream were queued for one of its hops; of first hops, released."""
        hop = self.plan.streams[index].hops[position]
        if hop.parent_index < 0:
            return list(outcome.releases_ps[index])
        before_ps = sum(term.max_ps if outcome.largest else term.min_ps for term in hop.before)
        crossed = outcome.arrivals_ps.get((index, hop.parent_index), [])
        return [at_ps + before_ps for at_ps in crossed]

    def _moves(self, outcome: Outcome) -> list[tuple[int, int]]:
        """Moves that let streams meet: the one in question first, then one another."""
        if outcome.passage is None:
            return []
        moves: list[tuple[int, int]] = []
        for crossing in outcome.passage.crossings:
            moves += self._shifts(
                outcome,
                self.stream_index,
                crossing.egress_index,
                [(crossing.queued_ps, crossing.started_ps)],
            )
        for reference in self.concerned[1:]:
            for position, hop in enumerate(self.plan.streams[reference].hops):
                times = self._queued_at(outcome, reference, position)
                near = [time_ps for time_ps in times if outcome.is_near(time_ps)]
                moves += self._shifts(
                    outcome, reference, hop.egress_index, [(one, one) for one in near[-2:]]
                )
        unique = list(dict.fromkeys(moves))
        if len(unique) > _MOST_MOVES:
            unique = self.random.sample(unique, _MOST_MOVES)
        return unique

    # ------------------------------------------------------------------ search

    def _descend(
        self, laboratory: Laboratory, placements: list[Placement], *, is_last: bool
    ) -> None:
        """Build a critical instant, improve it, shake it, and improve it again."""
        placements = self._build(laboratory, placements)
        rounds = 0
        while True:
            placements, latency_ps = self._improve(laboratory, placements)
            rounds += 1
            if self._is_over() or (rounds > 2 and not is_last):
                return
            shaken = list(placements)
            for _ in range(_SHAKES):
                moves = self._moves(self._run(laboratory, shaken))
                if not moves:
                    return
                shaken = self._moved(shaken, *self.random.choice(moves))
                shaken = self._otherwise(shaken)
            improved, shaken_ps = self._improve(laboratory, shaken)
            if shaken_ps >= latency_ps:
                placements = improved

    def _moved(self, placements: list[Placement], index: int, by_ps: int) -> list[Placement]:
        changed = list(placements)
        changed[index] = replace(changed[index], at_ps=changed[index].at_ps + by_ps)
        return changed

    def _otherwise(self, placements: list[Placement]) -> list[Placement]:
        """Another message of a talker's pattern, or another use of its jitter."""
        index = self.random.choice(self.concerned)
        options = self._options(index)
        if len(options) < 2:
            return placements
        message_index, jitter_index = self.random.choice(options)
        changed = list(placements)
        changed[index] = replace(
            changed[index], message_index=message_index, jitter_index=jitter_index
        )
        return changed

    def _options(self, index: int) -> list[tuple[int, int]]:
        emission = self.plan.streams[index].emission
        jitters = JITTER_USES if emission.jitter_ps and not emission.sporadic else (0,)
        messages = range(len(emission.messages)) if self._is_free(index) else (0,)
        return [(message, jitter) for message in messages for jitter in jitters]

    def _run(self, laboratory: Laboratory, placements: list[Placement]) -> Outcome:
        """Simulate, and keep what is worse than all before."""
        outcome = laboratory.run(tuple(placements))
        passage = outcome.passage
        if passage is None:
            return outcome
        if self.best is None or passage.latency_ps > self.best.latency_ps:
            streams = [
                releases_of(stream.emission, placement, laboratory.window)
                for stream, placement in zip(self.plan.streams, placements, strict=True)
            ]
            self.best = WorstFound(
                stream_index=self.stream_index,
                listener_index=self.listener_index,
                latency_ps=passage.latency_ps,
                bound_ps=self.bound_ps,
                releases_ps=tuple(releases for releases, _ in streams),
                first_messages=tuple(first for _, first in streams),
                largest_delays=laboratory.largest,
                end_ps=laboratory.window.end_ps,
                run_count=0,
            )
        return outcome

    def _build(self, laboratory: Laboratory, placements: list[Placement]) -> list[Placement]:
        """Hop by hop, let each stream that joins come just before the one in question."""
        joined: set[int] = set()
        outcome = self._run(laboratory, placements)
        hops = 0 if outcome.passage is None else len(outcome.passage.crossings)
        for depth in range(hops):
            passage = outcome.passage
            if passage is None:
                break
            egress_index = passage.crossings[depth].egress_index
            users = [index for index, _ in self.users[egress_index]]
            for index in users:
                if index in joined or index == self.stream_index or self._is_over():
                    continue
                joined.add(index)
                for _ in range(2):  # the move itself may change what delays the stream before
                    crossing = (outcome.passage or passage).crossings[depth]
                    shifts = self._shifts(
                        outcome,
                        self.stream_index,
                        egress_index,
                        [(crossing.queued_ps, crossing.started_ps)],
                    )
                    tried = [
                        (candidate, self._run(laboratory, candidate))
                        for candidate in (
                            self._moved(placements, other, by_ps)
                            for other, by_ps in shifts
                            if other == index
                        )
                    ]
                    tried.append((placements, outcome))
                    placements, outcome = max(tried, key=lambda one: one[1].latency_ps)
        return placements

    def _improve(
        self, laboratory: Laboratory, placements: list[Placement]
    ) -> tuple[list[Placement], int]:
        """Take every move that makes the stream later, until none does."""
        outcome = self._run(laboratory, placements)
        helped = True
        while helped and not self._is_over():
            helped = False
            for index, by_ps in self._moves(outcome):
                candidate = self._moved(placements, index, by_ps)
                result = self._run(laboratory, candidate)
                if result.latency_ps > outcome.latency_ps:
                    placements, outcome, helped = candidate, result, True
                    break
                if self._is_over():
                    break
            if helped:
                continue
            for index in self.concerned:
                for message_index, jitter_index in self._options(index)[1:]:
                    candidate = list(placements)
                    candidate[index] = replace(
                        candidate[index], message_index=message_index, jitter_index=jitter_index
                    )
                    result = self._run(laboratory, candidate)
                    if result.latency_ps > outcome.latency_ps:
                        placements, outcome, helped = candidate, result, True
        return placements, outcome.latency_ps

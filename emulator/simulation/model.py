# SPDX-License-Identifier: Apache-2.0
"""A plan made ready for the kernel: what :mod:`emulator.simulation.tables` makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.simulation.layout import ClockState, ReceptionTables, Tables
from emulator.simulation.order import Source
from netplan.plan.model import Hop, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A stream at one of its listeners; ``path`` are the hops from the talker."""

    stream_index: int
    listener_index: int
    path: tuple[Hop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A plan made ready for the kernel.

    Attributes:
        plan: The plan.
        tables: Constant arrays.
        reception: Constant arrays about reception.
        sources: Every source of events, in the order of simultaneous events.
        rows: Every stream and listener, in the order of the plan.
        first_releases_ps: First release of each stream, before jitter.
        generators: Seeds.
        largest_depth: Hops of the longest path.
        frames_per_event: Most frames that one event takes from the pool.
        entries_per_event: Most log entries that one event makes; 0 when nothing is logged.
        never_fitting: Stream and transmitter where no grant is large enough for a frame.
        never_open: Stream and transmitter where a frame fits into no opening of its gate.
        clocks: State of all clocks before the first Sync, to be copied for each run.
    """

    plan: Plan
    tables: Tables
    reception: ReceptionTables
    sources: tuple[Source, ...]
    rows: tuple[Row, ...]
    first_releases_ps: tuple[int, ...]
    generators: tuple[int, ...]
    largest_depth: int
    frames_per_event: int
    entries_per_event: int
    never_fitting: tuple[tuple[str, str], ...]
    never_open: tuple[tuple[str, str], ...]
    clocks: ClockState

    def clocks_at_start(self) -> ClockState:
        """All clocks before the first Sync, for one run."""
        return ClockState(*(part.copy() for part in self.clocks))


def row_ranges(plan: Plan) -> list[range]:
    """For each stream, the indices of its rows: one per listener, in the order of the plan."""
    ranges: list[range] = []
    start = 0
    for stream in plan.streams:
        ranges.append(range(start, start + len(stream.listeners)))
        start += len(stream.listeners)
    return ranges

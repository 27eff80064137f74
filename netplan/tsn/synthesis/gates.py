# SPDX-License-Identifier: Apache-2.0
"""Gate lists from the times at which scheduled frames leave: one list per port and cycle.

A port's cycle is the least common multiple of the periods on that port. Traffic without a
schedule is shut out from shortly before a window until its end; gaps in which none of its
frames could be sent stay shut. Where a list would be too long, the smallest gaps are closed.
At a port that holds, windows are exact, one for each frame; elsewhere they cover every moment at
which the frame may be on its way, and may be joined without harm, since frames keep their times.

Source: IEEE Std 802.1Q-2022, 8.6.8.4, 8.6.9.4 and table 8-7 (gate operations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from math import lcm
from typing import NamedTuple

from netplan.design.quantities import duration_text
from netplan.media.frames import FCS_OCTETS
from netplan.tsn.mechanisms import GateEntry, GateList, GateOperation
from netplan.tsn.synthesis.problem import GateLimits, Guard, Port, Problem
from netplan.tsn.synthesis.result import Obstacle, Placement, PortSchedule
from netplan.tsn.synthesis.timing import SMALLEST_FRAME_OCTETS, hold_advance_ps, on_grid

_MOST_WINDOWS = 500_000
"""Windows of one port; beyond this its cycle is refused."""


class _Window(NamedTuple):
    """One frame (or several that follow each other) at one port, on the clock of its node.

    ``free_ps`` is when the next frame may start; ``early`` whether a closed gate must keep the
    frame back until the window opens.
    """

    open_ps: int
    close_ps: int
    free_ps: int
    queues: int
    held: bool
    early: bool


class _Block(NamedTuple):
    """Windows with nothing for other traffic between them: shut for it from low to high."""

    low_ps: int
    high_ps: int
    windows: tuple[_Window, ...]


class _Part(NamedTuple):
    """A stretch of the cycle: how long, which scheduled queues are open, whether others may send."""

    duration_ps: int
    queues: int
    others: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manner:
    """How windows of one port are kept free.

    Attributes:
        cycle_ps: Of its list.
        before_ps: Other gates close so long before a window.
        least_ps: No entry is shorter.
        useless_ps: A gap that is no longer lets nothing through.
        waste_ps: Of a gap, what may pass unused.
        preempts: Whether other frames are interrupted instead of shut out.
    """

    cycle_ps: int
    before_ps: int
    least_ps: int
    useless_ps: int
    waste_ps: int
    preempts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePlan:
    """Gate lists of all ports, what stands against them, and which ports should stop holding."""

    ports: tuple[PortSchedule, ...]
    obstacles: tuple[Obstacle, ...]
    too_long: frozenset[int]


def gate_plan(problem: Problem, placements: Sequence[Placement], guard: Guard) -> GatePlan:
    """Gate lists for placed streams."""
    uses: dict[int, list[tuple[Placement, int]]] = {}
    for one in placements:
        for index, hop in enumerate(one.route.hops):
            uses.setdefault(hop.port_index, []).append((one, index))
    ports: list[PortSchedule] = []
    obstacles: list[Obstacle] = []
    too_long: set[int] = set()
    for port_index in sorted(uses):
        port = problem.ports[port_index]
        if port.gates is None:
            continue
        cycle_ps = lcm(*(one.period_ps for one, _ in uses[port_index]))
        fault = _cycle_fault(port, port.gates, port_index, cycle_ps, uses[port_index])
        if fault is not None:
            obstacles.append(fault)
            continue
        windows = _windows(port, port.gates, uses[port_index], cycle_ps)
        held = windows[0].held
        preempts = guard is Guard.PREEMPTION and port.fragment_octets is not None
        manner = _manner(port, port.gates, cycle_ps, held=held, preempts=preempts)
        found = _port_gates(port, port.gates, port_index, windows, manner)
        if isinstance(found, Obstacle):
            obstacles.append(found)
            if held:
                too_long.add(port_index)
        else:
            ports.append(found)
    return GatePlan(ports=tuple(ports), obstacles=tuple(obstacles), too_long=frozenset(too_long))


def _cycle_fault(
    port: Port,
    gates: GateLimits,
    port_index: int,
    cycle_ps: int,
    uses: Sequence[tuple[Placement, int]],
) -> Obstacle | None:
    if gates.largest_cycle_ps is not None and cycle_ps > gates.largest_cycle_ps:
        return Obstacle(
            kind="cycle",
            text=f"the periods at {port.name} need a cycle of {duration_text(cycle_ps)}, "
            f"its gates can do at most {duration_text(gates.largest_cycle_ps)}",
            port_index=port_index,
        )
    if gates.granularity_ps > 1 and cycle_ps % gates.granularity_ps:
        return Obstacle(
            kind="granularity",
            text=f"the cycle of {duration_text(cycle_ps)} at {port.name} is no multiple of the "
            f"{duration_text(gates.granularity_ps)} in which its gates count",
            port_index=port_index,
        )
    count = sum(cycle_ps // one.period_ps for one, _ in uses)
    if count > _MOST_WINDOWS:
        return Obstacle(
            kind="cycle",
            text=f"the periods at {port.name} make {count} windows in a cycle of "
            f"{duration_text(cycle_ps)}",
            port_index=port_index,
        )
    return None


def _windows(
    port: Port, gates: GateLimits, uses: Sequence[tuple[Placement, int]], cycle_ps: int
) -> list[_Window]:
    """All windows of a cycle by their opening, each opening within the cycle."""
    found: list[_Window] = []
    for one, index in uses:
        for window in _first_windows(port, gates, one, index):
            for shift_ps in range(0, cycle_ps, one.period_ps):
                move_ps = (window.open_ps + shift_ps) % cycle_ps - window.open_ps
                found.append(_moved(window, move_ps))
    found.sort()
    return found


def _first_windows(port: Port, gates: GateLimits, one: Placement, index: int) -> list[_Window]:
    """Windows of one stream in its first period; held frames that follow each other share one."""
    grid_ps = max(1, gates.granularity_ps)
    hop = one.route.hops[index]
    found: list[_Window] = []
    for slot, frame_octets in zip(one.slots[index], one.frame_octets, strict=True):
        octets = frame_octets + hop.added_octets
        data_ps = port.data_ps(octets)
        if slot.held:
            window = _Window(
                open_ps=slot.start_ps,
                close_ps=on_grid(slot.start_ps + data_ps + port.clock_step_ps, grid_ps),
                free_ps=slot.start_ps + port.occupied_ps(octets),
                queues=1 << hop.queue_index,
                held=True,
                early=slot.arrival_ps < slot.start_ps,
            )
            if found and slot.start_ps == found[-1].free_ps:
                before = found.pop()
                window = window._replace(open_ps=before.open_ps, early=before.early)
        else:
            close_ps = on_grid(slot.latest_ps + data_ps + port.clock_error_ps, grid_ps)
            window = _Window(
                open_ps=(slot.earliest_ps - port.clock_error_ps) // grid_ps * grid_ps,
                close_ps=close_ps,
                free_ps=close_ps,
                queues=1 << hop.queue_index,
                held=False,
                early=False,
            )
        found.append(window)
    return found


def _moved(window: _Window, by_ps: int) -> _Window:
    return window._replace(
        open_ps=window.open_ps + by_ps,
        close_ps=window.close_ps + by_ps,
        free_ps=window.free_ps + by_ps,
    )


def _manner(port: Port, gates: GateLimits, cycle_ps: int, *, held: bool, preempts: bool) -> _Manner:
    grid_ps = max(1, gates.granularity_ps)
    least_ps = on_grid(gates.smallest_interval_ps, grid_ps)
    if preempts:
        advance_ps = hold_advance_ps(port)
        return _Manner(
            cycle_ps=cycle_ps,
            before_ps=0,
            least_ps=least_ps,
            useless_ps=max(advance_ps, least_ps - 1),
            # An interrupted frame goes on with another lead, tail and check sequence.
            waste_ps=advance_ps + port.occupied_ps(FCS_OCTETS),
            preempts=True,
        )
    # Other traffic must have left, its gap included, when the window opens. A gate that opens
    # for one frame exactly is shut until then, by an entry of its own.
    before_ps = on_grid(port.tail_ps, grid_ps)
    if held and before_ps:
        before_ps = max(before_ps, least_ps)
    return _Manner(
        cycle_ps=cycle_ps,
        before_ps=before_ps,
        least_ps=least_ps,
        useless_ps=max(port.data_ps(SMALLEST_FRAME_OCTETS) - 1, least_ps - 1),
        waste_ps=port.occupied_ps(port.other_octets) if port.other_octets else 0,
        preempts=False,
    )


def _port_gates(
    port: Port,
    gates: GateLimits,
    port_index: int,
    windows: Sequence[_Window],
    manner: _Manner,
) -> PortSchedule | Obstacle:
    """The list of one port, or why there is none."""
    blocks = _blocks(windows, manner)
    parts = _parts(blocks, manner)
    needed = len(parts)
    limit = gates.largest_entry_count
    while limit is not None and len(parts) > limit and len(blocks) > 1:
        # A closed gap saves one entry where windows stay exact, two where they are joined.
        saved = 1 if windows[0].held else 2
        count = min(len(blocks) - 1, max(1, (len(parts) - limit) // saved))
        blocks = _without_smallest_gaps(blocks, count, manner)
        parts = _parts(blocks, manner)
    gaps = _gaps(blocks, manner)
    usable_ps = sum(max(0, gap_ps - manner.waste_ps) for gap_ps in gaps)
    kept = Fraction(usable_ps, manner.cycle_ps)
    if limit is not None and needed > limit:
        why = ""
        if len(parts) > limit:
            why = f"at least {len(parts)} when windows are joined"
        elif kept < Fraction(port.best_effort_ratio):
            why = (
                f"with which other traffic would keep {float(kept):.2%} of the line "
                f"instead of {port.best_effort_ratio:.2%}"
            )
        if why:
            return Obstacle(
                kind="gate entries",
                text=f"the gate list of {port.name} needs {needed} entries, allowed are {limit}, "
                f"{why}",
                port_index=port_index,
                needed_count=needed,
                allowed_count=limit,
                needed_ratio=port.best_effort_ratio,
                kept_ratio=float(kept),
            )
    if kept < Fraction(port.best_effort_ratio):
        return Obstacle(
            kind="best-effort share",
            text=f"other traffic keeps {float(kept):.2%} of {port.name} "
            f"instead of {port.best_effort_ratio:.2%}",
            port_index=port_index,
            needed_ratio=port.best_effort_ratio,
            kept_ratio=float(kept),
        )
    return PortSchedule(
        port_index=port_index,
        gates=GateList(
            base_ps=blocks[0].low_ps % manner.cycle_ps,
            cycle_ps=manner.cycle_ps,
            entries=_entries(port, windows, parts, preempts=manner.preempts),
        ),
        exclusive_ratio=float(1 - Fraction(sum(gaps), manner.cycle_ps)),
        best_effort_ratio=float(kept),
        hold_advance_ps=hold_advance_ps(port) if manner.preempts else 0,
    )


def _entries(
    port: Port, windows: Sequence[_Window], parts: Sequence[_Part], *, preempts: bool
) -> tuple[GateEntry, ...]:
    scheduled = 0
    for window in windows:
        scheduled |= window.queues
    others = ((1 << port.queue_count) - 1) & ~scheduled
    found = []
    for part in parts:
        operation = GateOperation.SET
        if preempts:
            # Gates of preemptable traffic stay open: the hold alone keeps it back, so that
            # frames may start that will be interrupted.
            operation = GateOperation.RELEASE if part.others else GateOperation.HOLD
        found.append(
            GateEntry(
                duration_ps=part.duration_ps,
                open_queues=part.queues | (others if part.others or preempts else 0),
                operation=operation,
            )
        )
    return tuple(found)


def _blocks(windows: Sequence[_Window], manner: _Manner) -> list[_Block]:
    """Groups of windows with a gap worth opening behind each, in the order of the cycle."""
    blocks: list[_Block] = []
    for window in windows:
        low_ps = window.open_ps - manner.before_ps
        high_ps = window.close_ps
        if not window.held:
            high_ps = max(high_ps, low_ps + manner.least_ps)
        if blocks and low_ps - blocks[-1].high_ps <= manner.useless_ps:
            blocks[-1] = _joined(blocks[-1], _Block(low_ps, high_ps, (window,)))
        else:
            blocks.append(_Block(low_ps, high_ps, (window,)))
    while len(blocks) > 1 and _gaps(blocks, manner)[-1] == 0:
        first = blocks.pop(0)
        blocks[-1] = _joined(blocks[-1], _later(first, manner.cycle_ps))
    return blocks


def _joined(one: _Block, other: _Block) -> _Block:
    return _Block(one.low_ps, max(one.high_ps, other.high_ps), one.windows + other.windows)


def _later(block: _Block, by_ps: int) -> _Block:
    return _Block(
        block.low_ps + by_ps,
        block.high_ps + by_ps,
        tuple(_moved(window, by_ps) for window in block.windows),
    )


def _gaps(blocks: Sequence[_Block], manner: _Manner) -> list[int]:
    """What is left for other traffic behind each block; 0 when that lets nothing through."""
    ends = [*(block.low_ps for block in blocks[1:]), blocks[0].low_ps + manner.cycle_ps]
    gaps = [end_ps - block.high_ps for block, end_ps in zip(blocks, ends, strict=True)]
    return [gap_ps if gap_ps > manner.useless_ps else 0 for gap_ps in gaps]


def _without_smallest_gaps(blocks: Sequence[_Block], count: int, manner: _Manner) -> list[_Block]:
    gaps = _gaps(blocks, manner)
    dropped = set(sorted(range(len(blocks)), key=lambda number: (gaps[number], number))[:count])
    joined: list[_Block] = []
    for number, block in enumerate(blocks):
        if joined and number - 1 in dropped:
            joined[-1] = _joined(joined[-1], block)
        else:
            joined.append(block)
    if len(blocks) - 1 in dropped and len(joined) > 1:
        first = joined.pop(0)
        joined[-1] = _joined(joined[-1], _later(first, manner.cycle_ps))
    return joined


def _parts(blocks: Sequence[_Block], manner: _Manner) -> list[_Part]:
    """The cycle from the first block on, in stretches with equal gates."""
    parts: list[_Part] = []

    def add(duration_ps: int, queues: int, *, others: bool) -> None:
        if duration_ps <= 0:
            return
        if parts and parts[-1][1:] == (queues, others):
            duration_ps += parts.pop().duration_ps
        parts.append(_Part(duration_ps, queues, others))

    for block, gap_ps in zip(blocks, _gaps(blocks, manner), strict=True):
        length_ps = block.high_ps - block.low_ps
        if not gap_ps and len(blocks) == 1:
            length_ps = manner.cycle_ps
        if block.windows[0].held:
            at_ps = block.low_ps
            end_ps = block.low_ps + length_ps
            for window, follower in zip_longest(block.windows, block.windows[1:]):
                add(window.open_ps - at_ps, 0, others=False)
                at_ps = window.close_ps
                if (
                    follower is not None
                    and follower.open_ps <= window.free_ps
                    and follower.queues == window.queues
                    and not follower.early
                ):
                    # The wire is idle until the next frame comes: no need to shut the gate.
                    at_ps = follower.open_ps
                add(at_ps - window.open_ps, window.queues, others=False)
            add(end_ps - at_ps, 0, others=False)
        else:
            queues = 0
            for window in block.windows:
                queues |= window.queues
            add(length_ps, queues, others=False)
        add(gap_ps, 0, others=True)
    return parts

# SPDX-License-Identifier: Apache-2.0
"""The event heap: a binary heap of (time, source number) in one array.

Each source has at most one entry, so the heap never grows beyond their number.
"""

from __future__ import annotations

from emulator.simulation.compiled import inlined
from emulator.simulation.layout import Records


@inlined
def push(heap: Records, size: int, time_ps: int, source: int) -> None:
    """Insert an entry; the caller counts the size."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        above_ps = heap[above].time_ps
        above_source = heap[above].source
        if above_ps < time_ps or (above_ps == time_ps and above_source < source):
            break
        heap[place].time_ps = above_ps
        heap[place].source = above_source
        place = above
    heap[place].time_ps = time_ps
    heap[place].source = source


@inlined
def replace_top(heap: Records, size: int, time_ps: int, source: int) -> None:
    """Put an entry in the place of the first one."""
    place = 0
    below = 1
    while below < size:
        below_ps = heap[below].time_ps
        below_source = heap[below].source
        other = below + 1
        if other < size:
            other_ps = heap[other].time_ps
            if other_ps < below_ps or (other_ps == below_ps and heap[other].source < below_source):
                below = other
                below_ps = other_ps
                below_source = heap[other].source
        if time_ps < below_ps or (time_ps == below_ps and source < below_source):
            break
        heap[place].time_ps = below_ps
        heap[place].source = below_source
        place = below
        below = 2 * place + 1
    heap[place].time_ps = time_ps
    heap[place].source = source


@inlined
def remove_top(heap: Records, size: int) -> None:
    """Remove the first of ``size`` entries; the caller counts the size."""
    if size > 1:
        replace_top(heap, size - 1, heap[size - 1].time_ps, heap[size - 1].source)


@inlined
def remove_source(heap: Records, size: int, source: int) -> None:
    """Remove the entry of a source, which has one; the caller counts the size."""
    place = 0
    while heap[place].source != source:
        place += 1
    # Let it rise to the top as if it were earlier than all others, then remove it there.
    while place > 0:
        above = (place - 1) >> 1
        heap[place].time_ps = heap[above].time_ps
        heap[place].source = heap[above].source
        place = above
    remove_top(heap, size)

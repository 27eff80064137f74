# SPDX-License-Identifier: Apache-2.0
"""When the gate of a queue is open, seen as intervals that repeat with the cycle of its port.

Intervals are half open: a gate that opens at an instant lets a frame start at it, one that
closes does not. Edges are nominal, on the clock of the port's node; whoever asks adds what
that clock may be wrong.

Source: IEEE Std 802.1Q-2022, 8.6.8.4 and 8.6.9 (gate lists), 12.30.1 (hold and release).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from netplan.tsn.mechanisms import GateList, GateOperation


@dataclass(frozen=True)
class Openings:
    """Intervals in which something is permitted, repeated for ever in both directions.

    Attributes:
        cycle_ps: After which they repeat; 0 when it is permitted at any time.
        opens_ps: Starts of the intervals of one cycle, ascending.
        closes_ps: Their ends; the last one may lie in the next cycle.
    """

    cycle_ps: int
    opens_ps: tuple[int, ...]
    closes_ps: tuple[int, ...]

    @property
    def always(self) -> bool:
        """Whether it is permitted at any time."""
        return self.cycle_ps == 0

    @property
    def never(self) -> bool:
        """Whether it is never permitted."""
        return self.cycle_ps > 0 and not self.opens_ps

    @cached_property
    def longest_ps(self) -> int:
        """Longest interval."""
        return max(
            (end - start for start, end in zip(self.opens_ps, self.closes_ps, strict=True)),
            default=0,
        )

    def at(self, index: int) -> tuple[int, int]:
        """Start and end of an interval; neighbours have neighbouring indices."""
        cycles, place = divmod(index, len(self.opens_ps))
        shift_ps = cycles * self.cycle_ps
        return self.opens_ps[place] + shift_ps, self.closes_ps[place] + shift_ps

    def first_closing_after(self, time_ps: int) -> int:
        """Index of the first interval that ends after a time."""
        cycles, rest_ps = divmod(time_ps - self.closes_ps[0], self.cycle_ps)
        place = bisect_right(self.closes_ps, self.closes_ps[0] + rest_ps)
        return cycles * len(self.closes_ps) + place

    def last_opening_by(self, time_ps: int) -> int:
        """Index of the last interval that starts at or before a time."""
        cycles, rest_ps = divmod(time_ps - self.opens_ps[0], self.cycle_ps)
        return cycles * len(self.opens_ps) + (
            bisect_right(self.opens_ps, self.opens_ps[0] + rest_ps) - 1
        )

    def start_ps(self, from_ps: int, delivery_ps: int, error_ps: int) -> int:
        """First start of a frame that meets no other and fits into some interval.

        Args:
            from_ps: When it comes.
            delivery_ps: Time until it has left.
            error_ps: By how much intervals open later and close earlier; they open earlier and
                close later when it is negative.
        """
        if self.always:
            return from_ps
        index = self.first_closing_after(from_ps + error_ps)
        while True:
            opens_ps, closes_ps = self.at(index)
            start_ps = max(from_ps, opens_ps + error_ps)
            if start_ps + delivery_ps <= closes_ps - error_ps:
                return start_ps
            index += 1

    def meets(self, other: Openings) -> bool:
        """Whether both are permitted at some instant; cycles must agree."""
        if self.never or other.never:
            return False
        if self.always or other.always:
            return True
        for index in range(len(self.opens_ps)):
            start_ps, end_ps = self.at(index)
            if other.at(other.first_closing_after(start_ps))[0] < end_ps:
                return True
        return False


ALWAYS = Openings(0, (), ())
"""Without any gate."""


def _openings(gates: GateList, permitted: list[bool], lengths_ps: list[int]) -> Openings:
    """Join neighbouring permitted stretches of one cycle, across its end too."""
    if all(permitted):
        return ALWAYS
    opens_ps: list[int] = []
    closes_ps: list[int] = []
    time_ps = gates.base_ps % gates.cycle_ps
    # Begin behind a stretch that is not permitted, so that none is torn apart.
    first = permitted.index(False)
    time_ps += sum(lengths_ps[:first])
    for place in range(first, first + len(permitted)):
        length_ps = lengths_ps[place % len(permitted)]
        if permitted[place % len(permitted)]:
            if closes_ps and closes_ps[-1] == time_ps:
                closes_ps[-1] += length_ps
            else:
                opens_ps.append(time_ps)
                closes_ps.append(time_ps + length_ps)
        time_ps += length_ps
    return Openings(gates.cycle_ps, tuple(opens_ps), tuple(closes_ps))


def _stretches(gates: GateList) -> tuple[list[int], list[int]]:
    """Indices of the entries that count in one cycle, and how long each lasts."""
    entries: list[int] = []
    lengths_ps: list[int] = []
    left_ps = gates.cycle_ps
    for index, entry in enumerate(gates.entries):
        length_ps = min(entry.duration_ps, left_ps)
        if length_ps > 0:
            entries.append(index)
            lengths_ps.append(length_ps)
            left_ps -= length_ps
    if lengths_ps:
        lengths_ps[-1] += left_ps
    return entries, lengths_ps


def gate_openings(gates: GateList, queue_index: int) -> Openings:
    """When the gate of one queue is open."""
    entries, lengths_ps = _stretches(gates)
    if not entries:
        return ALWAYS
    permitted = [bool(gates.entries[index].open_queues >> queue_index & 1) for index in entries]
    return _openings(gates, permitted, lengths_ps)


def preemptable_openings(gates: GateList, advance_ps: int) -> Openings:
    """When preemptable frames may be started or gone on with: from release to hold.

    Args:
        gates: The list with hold and release operations.
        advance_ps: How long before an entry with hold the port stops.
    """
    entries, lengths_ps = _stretches(gates)
    operations = [gates.entries[index].operation for index in entries]
    if GateOperation.HOLD not in operations:
        return ALWAYS
    if GateOperation.RELEASE not in operations:
        return Openings(gates.cycle_ps, (), ())
    permitted: list[bool] = []
    held = False
    for operation in operations * 2:  # twice: the first entries follow the last ones
        if operation is not GateOperation.SET:
            held = operation is GateOperation.HOLD
        permitted.append(not held)
    whole = _openings(gates, permitted[len(operations) :], lengths_ps)
    stretches = [
        (start, end - advance_ps)
        for start, end in zip(whole.opens_ps, whole.closes_ps, strict=True)
        if end - advance_ps > start
    ]
    return Openings(
        whole.cycle_ps,
        tuple(start for start, _ in stretches),
        tuple(end for _, end in stretches),
    )

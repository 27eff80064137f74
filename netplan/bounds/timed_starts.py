# SPDX-License-Identifier: Apache-2.0
"""Frames of one queue that other queues of its port meet, each with limits of its start.

The frames repeat for ever. A frame that surely started before an instant may still be on the
wire then; one that may start in a window of time counts with all its work.

Source: IEEE Std 802.1Q-2022, 8.6.8 (strict priority and gates).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from netplan.bounds.timed_gates import Openings


class KnownStarts:
    """Frames of one queue whose starts are known within limits, repeated for ever.

    Latest starts may be moved later while they are being worked out.
    """

    def __init__(
        self, repeat_ps: int, openings: Openings, rows: list[tuple[int, int, int]]
    ) -> None:
        """Take rows of earliest start, time on the wire before the gate closes, and in all."""
        self._repeat_ps = repeat_ps
        self._openings = openings
        placed = sorted((row[0] % repeat_ps, place) for place, row in enumerate(rows))
        self._earliest_ps = [earliest_ps for earliest_ps, _ in placed]
        self._latest_ps = list(self._earliest_ps)
        self._delivery_ps = [rows[place][1] for _, place in placed]
        self._work_ps = [rows[place][2] for _, place in placed]
        self._place = [0] * len(rows)
        for position, (_, place) in enumerate(placed):
            self._place[place] = position
        self._span_ps = 0
        self._most_work_ps = max(self._work_ps)

    def move(self, row: int, span_ps: int) -> None:
        """Set by how much the latest start of a row may be later than its earliest."""
        position = self._place[row]
        self._latest_ps[position] = self._earliest_ps[position] + span_ps
        self._span_ps = max(self._span_ps, span_ps)

    def _near(self, from_ps: int, to_ps: int) -> Iterator[tuple[int, int]]:
        """Position and shift of frames whose limits may reach into a closed window."""
        count = len(self._earliest_ps)
        repeats, rest_ps = divmod(to_ps, self._repeat_ps)
        index = repeats * count + bisect_right(self._earliest_ps, rest_ps) - 1
        while True:
            repeats, position = divmod(index, count)
            shift_ps = repeats * self._repeat_ps
            if self._earliest_ps[position] + shift_ps + self._span_ps < from_ps:
                return
            yield position, shift_ps
            index -= 1

    def running_until_ps(self, time_ps: int) -> int:
        """When the last frame that surely started before a time has left the wire, or that time."""
        end_ps = time_ps
        for position, shift_ps in self._near(time_ps - self._most_work_ps, time_ps):
            latest_ps = self._latest_ps[position] + shift_ps
            if latest_ps < time_ps:
                end_ps = max(end_ps, latest_ps + self._work_ps[position])
        return end_ps

    def started_ps(self, from_ps: int, to_ps: int, error_ps: int) -> int:
        """Work of all frames that may start in a closed window, or be on the wire when it begins.

        Those that surely started before it are left out.
        """
        total_ps = 0
        for position, shift_ps in self._near(from_ps, to_ps):
            earliest_ps = self._earliest_ps[position] + shift_ps
            latest_ps = self._latest_ps[position] + shift_ps
            work_ps = self._work_ps[position]
            if latest_ps >= from_ps and (
                earliest_ps == latest_ps
                or may_start(
                    self._openings,
                    max(from_ps - work_ps, earliest_ps),
                    min(to_ps, latest_ps),
                    self._delivery_ps[position],
                    error_ps,
                )
            ):
                total_ps += work_ps
        return total_ps

    def blocking_until_ps(
        self, start_ps: int, from_ps: int, opens_ps: int | None, error_ps: int
    ) -> int:
        """Latest end of a frame of this queue, a lower one, that had begun before a start.

        Args:
            start_ps: Of the higher queue.
            from_ps: Since when the higher queue holds frames.
            opens_ps: Nominal opening of its gate; None when it is always open.
            error_ps: Of the clock that moves the gates.
        """
        end_ps = start_ps
        limit_ps = from_ps if opens_ps is None else start_ps
        for position, shift_ps in self._near(start_ps - self._most_work_ps, limit_ps):
            work_ps = self._work_ps[position]
            latest_ps = self._latest_ps[position] + shift_ps
            if latest_ps + work_ps <= end_ps:
                continue
            begun_ps = latest_begin_ps(
                self._openings,
                (self._delivery_ps[position], work_ps),
                start_ps,
                min(from_ps, latest_ps),
                opens_ps,
                error_ps,
                latest_ps,
            )
            if begun_ps is not None and begun_ps >= self._earliest_ps[position] + shift_ps:
                end_ps = max(end_ps, begun_ps + work_ps)
        return end_ps

    def longest_between_ps(self, from_ps: int, to_ps: int) -> int:
        """Longest time on the wire of a frame that may be on it at some time of a window."""
        return max(
            (
                self._work_ps[position]
                for position, shift_ps in self._near(from_ps - self._most_work_ps, to_ps)
                if self._latest_ps[position] + shift_ps + self._work_ps[position] > from_ps
            ),
            default=0,
        )


def may_start(openings: Openings, from_ps: int, to_ps: int, fit_ps: int, error_ps: int) -> bool:
    """Whether a gate may let a frame start in a closed window of time."""
    if openings.always:
        return True
    if openings.never:
        return False
    opens_ps, _ = openings.at(openings.first_closing_after(from_ps + fit_ps - error_ps - 1))
    return opens_ps - error_ps <= to_ps


def latest_begin_ps(
    openings: Openings,
    size_ps: tuple[int, int],
    start_ps: int,
    from_ps: int,
    opens_ps: int | None,
    error_ps: int,
    latest_ps: int | None = None,
) -> int | None:
    """Latest time at which a lower frame may have begun that is still on the wire at a start.

    A lower frame begins only while the higher queue is empty or closed; where both gates open
    at once, or the lower one later, a frame that waits in the higher queue goes first.

    Args:
        openings: Of the lower queue.
        size_ps: Time of the frame before its gate closes, and in all.
        start_ps: When the higher queue's gate is open at the latest, and it holds frames.
        from_ps: Since when it holds frames.
        opens_ps: Nominal opening of its gate; None when it is always open.
        error_ps: Of the clock that moves the gates.
        latest_ps: Latest start of the frame, when that is known.

    Returns:
        None when no such frame can be on the wire at the start.
    """
    fit_ps, work_ps = size_ps
    closed_ps = start_ps if latest_ps is None else min(start_ps, latest_ps)
    if openings.always:
        return from_ps if opens_ps is None else closed_ps
    index = openings.last_opening_by(closed_ps + error_ps)
    while True:
        other_opens_ps, closes_ps = openings.at(index)
        last_ps = closes_ps + error_ps - fit_ps
        if last_ps + work_ps <= start_ps:
            return None
        earlier = opens_ps is not None and other_opens_ps < opens_ps
        begun_ps = min(last_ps, closed_ps if earlier else from_ps)
        if begun_ps >= other_opens_ps - error_ps:
            return begun_ps
        index -= 1

# SPDX-License-Identifier: Apache-2.0
"""What an interruption costs, and how long an express frame waits for one.

A preemptable frame may be interrupted once ``fragment - 4`` octets of it have been sent in the
present fragment, as long as 64 are left. So what is left at the start of a fragment goes
out whole if it has at most ``fragment + 59`` octets (after ``fragment - 4`` there would be 63).
Such a rest follows an interruption at which any number of octets had been sent, if
the frame is long enough for one; otherwise, the interruption that comes first sends the
smallest fragment with its check sequence.

Source: IEEE Std 802.3-2022, 99.4.4 (MAC merge, minimum fragment and its last one).
"""

from __future__ import annotations

from collections.abc import Iterable

from netplan.bounds.transmitter import Transmitter
from netplan.media.frames import FCS_OCTETS, wire_time_ps

_LEAST_REST_OCTETS = 64
"""Check sequence included. Source: IEEE Std 802.3-2022, 99.4.4."""


def whole_piece_octets(frame_octets: int, fragment_octets: int) -> int:
    """Longest piece of a frame that is sent without letting an express frame go first.

    Counted without lead and tail; with the check sequence of the fragment.
    """
    longest_rest = fragment_octets - FCS_OCTETS + _LEAST_REST_OCTETS - 1
    if frame_octets <= longest_rest:
        return frame_octets
    # The first interruption leaves at most this.
    rest = frame_octets - (fragment_octets - FCS_OCTETS)
    return max(fragment_octets, min(longest_rest, rest))


def blocking_ps(transmitter: Transmitter, sizes: Iterable[int], fragment_octets: int) -> int:
    """Longest that express frames wait for preemptable ones that had started."""
    return max(
        (transmitter.work_ps(whole_piece_octets(size, fragment_octets)) for size in sizes),
        default=0,
    )


def overhead_ps(transmitter: Transmitter) -> int:
    """What one interruption adds: check sequence and tail, and the lead once more."""
    octets = FCS_OCTETS + transmitter.lead_octets
    work_ps = wire_time_ps(octets, transmitter.rate_bps)
    if transmitter.tail_octets:
        work_ps += wire_time_ps(transmitter.tail_octets, transmitter.rate_bps)
    return work_ps

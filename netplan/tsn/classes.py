# SPDX-License-Identifier: Apache-2.0
"""From priority code point to queue, for bridges with fewer than eight queues."""

from __future__ import annotations

_TRAFFIC_CLASS = {
    1: (0, 0, 0, 0, 0, 0, 0, 0),
    2: (0, 0, 0, 0, 1, 1, 1, 1),
    3: (0, 0, 0, 0, 1, 1, 2, 2),
    4: (0, 0, 1, 1, 2, 2, 3, 3),
    5: (0, 0, 1, 1, 2, 2, 3, 4),
    6: (1, 0, 2, 2, 3, 3, 4, 5),
    7: (1, 0, 2, 3, 4, 4, 5, 6),
    8: (1, 0, 2, 3, 4, 5, 6, 7),
}


def queue_index(pcp: int, queue_count: int) -> int:
    """The queue of a priority code point; a higher queue is more urgent.

    Source: IEEE Std 802.1Q-2022, Table 8-5 (recommended priority to traffic class mappings).
    """
    return _TRAFFIC_CLASS[queue_count][pcp]

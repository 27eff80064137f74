# SPDX-License-Identifier: Apache-2.0
"""Where the elimination of duplicates may let a second copy pass.

Copies over several ways come within a time that the analysis bounds. A recovery that forgets within
that time (reset), or compares with the last frame only while the next may already have
come, may take a late copy for a new frame; then every copy counts as one.

Source: IEEE Std 802.1CB-2017, 7.4.3.4 (vector recovery), 7.4.3.5 (match recovery), 7.4.3.2 (reset).
"""

from __future__ import annotations

from netplan.bounds.model import Network
from netplan.plan.model import PlannedStream
from netplan.tsn.mechanisms import Recovery, RecoveryAlgorithm


def leaky(network: Network) -> frozenset[tuple[int, int]]:
    """Stream and first member of each recovery that may let duplicates pass."""
    found = set()
    for stream_index, stream in enumerate(network.plan.streams):
        for recovery in stream.recoveries:
            if any(hop.parent_index == recovery.members[0] for hop in stream.hops) and _leaks(
                network, stream_index, stream, recovery
            ):
                found.add((stream_index, recovery.members[0]))
    return frozenset(found)


def _leaks(network: Network, stream_index: int, stream: PlannedStream, recovery: Recovery) -> bool:
    for hop_index, hop in enumerate(stream.hops):
        if hop.parent_index != recovery.members[0]:
            continue
        flow = network.flows[network.flow_of[stream_index][hop_index]]
        # Copies come no further apart than the jitter behind the recovery.
        if flow.jitter_ps is None or flow.jitter_ps >= recovery.reset_ps:
            return True
        if recovery.algorithm is RecoveryAlgorithm.MATCH:
            emission = stream.emission
            single = all(len(message) == 1 for message in emission.messages)
            if emission.offsets_ps or not single or flow.jitter_ps >= emission.period_ps:
                return True
    return False

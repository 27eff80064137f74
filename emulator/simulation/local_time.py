# SPDX-License-Identifier: Apache-2.0
"""What the clock of a node shows: gates and stream gates run on it, not on the network's time."""

from __future__ import annotations

from emulator.simulation.compiled import inlined
from emulator.simulation.layout import State, Tables


@inlined
def network_to_local_ps(tables: Tables, state: State, node: int, now_ps: int) -> int:  # noqa: ARG001
    """What the clock of a node shows at a time of the network: the same, as clocks are ideal."""
    return now_ps

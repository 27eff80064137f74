# SPDX-License-Identifier: Apache-2.0
"""The ATS scheduler: a token bucket per scheduler, told by the time at which it was empty.

Bucket times are exact: whole picoseconds and parts of one. An eligibility time is the whole
picosecond at or after the exact one.

The time counts from the reception of the frame. At the port the largest processing delay is added
to it, so that what processing takes does not disturb the order.

Source: IEEE Std 802.1Q-2022, 8.6.11.3 (ProcessFrame).
"""

from __future__ import annotations

from emulator.simulation.compiled import compiled, merged
from emulator.simulation.layout import NONE, Record, Records, State, Tables
from emulator.simulation.transmit import free_frame, lose


@merged
def eligibility_ps(
    constants: Record, schedulers: Records, scheduler_index: int, size: Record, now_ps: int
) -> int:
    """The eligibility time of a frame that is wholly received, or NONE when it is dropped."""
    scheduler = schedulers[scheduler_index]
    group = schedulers[constants.group]
    filled_ps = scheduler.empty_ps + size.recovery_ps
    filled_part = scheduler.empty_part + size.recovery_part
    if filled_part >= constants.committed_bps:
        filled_ps += 1
        filled_part -= constants.committed_bps
    eligible_ps: int = filled_ps + 1 if filled_part > 0 else filled_ps
    eligible_ps = max(now_ps, group.group_ps, eligible_ps)
    if eligible_ps > now_ps + constants.max_residence_ps:
        return NONE
    group.group_ps = eligible_ps
    full_ps = scheduler.empty_ps + constants.full_ps
    full_part = scheduler.empty_part + constants.full_part
    if full_part >= constants.committed_bps:
        full_ps += 1
        full_part -= constants.committed_bps
    if eligible_ps > full_ps or (eligible_ps == full_ps and full_part == 0):
        # The bucket was full before: it counts as full at this moment.
        filled_ps += eligible_ps - full_ps
        filled_part -= full_part
        if filled_part < 0:
            filled_ps -= 1
            filled_part += constants.committed_bps
    scheduler.empty_ps = filled_ps
    scheduler.empty_part = filled_part
    return eligible_ps


@compiled
def gets_eligible(
    tables: Tables, state: State, scheduler_index: int, frame: int, now_ps: int
) -> bool:
    """Note the eligibility time of a frame that is wholly received; False when it is dropped."""
    hop_index = state.frames[frame].hop
    size = tables.sizes[tables.hops[hop_index].first_size + state.frames[frame].size]
    constants = tables.schedulers[scheduler_index]
    eligible_ps = eligibility_ps(constants, state.schedulers, scheduler_index, size, now_ps)
    if eligible_ps == NONE:
        lose(tables, state, hop_index)
        free_frame(state, frame)
        return False
    state.frames[frame].eligible_ps = eligible_ps
    return True

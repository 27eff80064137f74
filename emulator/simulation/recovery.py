# SPDX-License-Identifier: Apache-2.0
"""Elimination of duplicates, and the count of what never arrives although it was sent twice.

Sequence recovery decides for each copy of a frame whether it is the first. All copies of one
message frame form a *family*: the frame is lost for a listener when the last of them has
ended and none was delivered there.

Source: IEEE Std 802.1CB-2017, 7.4.3.
"""

from __future__ import annotations

from emulator.simulation.compiled import compiled, inlined, inner
from emulator.simulation.layout import (
    FAMILY_ALIVE,
    FAMILY_END_ROW,
    FAMILY_FIRST_ROW,
    FAMILY_NEXT,
    FAMILY_ROWS,
    NONE,
    Reception,
    Record,
    State,
    Tables,
)
from emulator.simulation.transmit import free_frame

SEQUENCE_SPACE = 1 << 16
"""Sequence numbers of an R-TAG. Source: IEEE Std 802.1CB-2017, 7.8."""
_HALF_SPACE = SEQUENCE_SPACE // 2


@compiled
def reset_recovery(reception: Reception, recovery_index: int) -> None:
    """Forget everything; the next frame is taken whatever its number (7.4.3.3)."""
    constants = reception.tables.recoveries[recovery_index]
    recovery = reception.state.recoveries[recovery_index]
    recovery.number = SEQUENCE_SPACE - 1
    recovery.take_any = 1
    recovery.head = 0
    recovery.known = 0
    for place in range(constants.history_count):
        reception.state.histories[constants.first_place + place] = 0


@inlined
def shift_history(reception: Reception, constants: Record, recovery: Record, flag: int) -> None:
    """Move the history on by one number.

    A number that leaves it unseen is lost, unless it is from before the first frame taken:
    the standard counts those too, which would report losses at every start.
    """
    recovery.head = (recovery.head - 1) % constants.history_count
    place = constants.first_place + recovery.head
    if recovery.known == constants.history_count:
        if reception.state.histories[place] == 0:
            recovery.lost += 1
    else:
        recovery.known += 1
    reception.state.histories[place] = flag


@inner
def is_first_by_vector(
    reception: Reception, constants: Record, recovery: Record, sequence: int
) -> bool:
    """The vector recovery algorithm (7.4.3.4)."""
    delta = (sequence - recovery.number + _HALF_SPACE) % SEQUENCE_SPACE - _HALF_SPACE
    if delta >= constants.history_count or delta <= -constants.history_count:
        recovery.rogue += 1
        return False
    if delta <= 0:
        place = constants.first_place + (recovery.head - delta) % constants.history_count
        if reception.state.histories[place] != 0:
            recovery.discarded += 1
            return False
        reception.state.histories[place] = 1
        recovery.out_of_order += 1
        return True
    if delta != 1:
        recovery.out_of_order += 1
    for _ in range(delta - 1):
        shift_history(reception, constants, recovery, 0)
    shift_history(reception, constants, recovery, 1)
    recovery.number = sequence
    return True


@inner
def is_first_by_match(recovery: Record, sequence: int) -> bool:
    """The match recovery algorithm (7.4.3.5)."""
    if sequence == recovery.number:
        recovery.discarded += 1
        return False
    if sequence != (recovery.number + 1) % SEQUENCE_SPACE:
        recovery.out_of_order += 1
    recovery.number = sequence
    return True


@compiled
def is_first(reception: Reception, recovery_index: int, sequence: int, now_ps: int) -> bool:
    """Whether a copy passes; frames that do not pass leave the reset timer alone (7.4.3.2)."""
    constants = reception.tables.recoveries[recovery_index]
    recovery = reception.state.recoveries[recovery_index]
    if recovery.take_any == 0 and now_ps - recovery.accepted_ps >= constants.reset_ps:
        reset_recovery(reception, recovery_index)
        recovery.resets += 1
    if recovery.take_any != 0:
        recovery.take_any = 0
        recovery.number = sequence
        recovery.known = 1
        reception.state.histories[constants.first_place + recovery.head] = 1
        passes = True
    elif constants.match != 0:
        passes = is_first_by_match(recovery, sequence)
    else:
        passes = is_first_by_vector(reception, constants, recovery, sequence)
    if passes:
        recovery.passed += 1
        recovery.accepted_ps = now_ps
    return passes


@inner
def found_family(tables: Tables, state: State, stream_index: int, copy_count: int) -> int:
    """A family for the copies of one message frame that its talker sends."""
    families = state.families
    constants = tables.streams[stream_index]
    family = int(families[0, FAMILY_NEXT])
    families[0, FAMILY_NEXT] = families[family, FAMILY_NEXT]
    families[family, FAMILY_ALIVE] = copy_count
    families[family, FAMILY_FIRST_ROW] = constants.first_row
    families[family, FAMILY_END_ROW] = constants.end_row
    families[family, FAMILY_ROWS:] = 0
    return family


@inner
def end_copies(state: State) -> None:
    """Note the end of copies; with the last of a family, its frame is lost or was delivered."""
    control = state.control[0]
    families = state.families
    while control.ended_head != NONE:
        frame = control.ended_head
        control.ended_head = state.frames[frame].next
        family = state.frames[frame].family
        families[family, FAMILY_ALIVE] -= 1
        if families[family, FAMILY_ALIVE] == 0:
            first_row = families[family, FAMILY_FIRST_ROW]
            for row_index in range(first_row, families[family, FAMILY_END_ROW]):
                if families[family, FAMILY_ROWS + row_index - first_row] == 0:
                    state.rows[row_index].lost += 1
            families[family, FAMILY_NEXT] = families[0, FAMILY_NEXT]
            families[0, FAMILY_NEXT] = family
        state.frames[frame].family = NONE
        free_frame(state, frame)

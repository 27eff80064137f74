# SPDX-License-Identifier: Apache-2.0
"""The arrays that the kernel works on: what is constant in a run, and what changes.

Every record is made of 64-bit integers. Indices are -1 for "none"; times end in
``_ps``. All state lives here, so that a run can stop after any event and go on.

A *source* is anything that may have one next event: a transmitter that becomes
free, a pipe (frames in a fixed order on their way, each with its time of
arrival), a talker, a transmitter's next grant. Sources are numbered in the order in which
simultaneous events happen, so a heap entry is just a time and a source number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]
Integers = NDArray[np.int64]
Words = NDArray[np.uint64]
Record = Any
"""One record of an array: numba gives it attributes that numpy's type does not have."""

NONE = -1
"""No such index."""
NEVER_PS = 1 << 62
"""Later than any time of a run."""
UNLIMITED = 1 << 62
"""A buffer that nothing limits."""
HISTOGRAM_BINS = 1024
"""Bins of a latency histogram; a percentile is known to about its range over this number."""
HISTOGRAM_BIN_BITS = 10

SOURCE_FREE = 0
"""A wire becomes free while frames wait for it."""
SOURCE_ENTRY = 1
"""A frame enters a queue after processing."""
SOURCE_ARRIVAL = 2
"""A frame is wholly received over a transmitter."""
SOURCE_RELEASE = 3
"""A talker releases a message."""
SOURCE_GRANT = 4
"""A grant opens for a transmitter with waiting frames."""
SOURCE_AGENDA = 9
"""Something that is known before the run happens: a fault, a repair, a change of the way."""

STATUS_SLICE_DONE = 0
STATUS_FINISHED = 1
STATUS_NEED_FRAMES = 2
STATUS_LOG_FULL = 3

FAMILY_NEXT = 0
"""Columns of a family: the next free one, living copies, the rows of its stream, and for each
of these whether the frame was delivered. The first family only begins the list of free ones."""
FAMILY_ALIVE = 1
FAMILY_FIRST_ROW = 2
FAMILY_END_ROW = 3
FAMILY_ROWS = 4

MECHANISM_WIRE = 0
MECHANISM_GRANT = 1


def record_layout(names: str) -> np.dtype[np.void]:
    """A record of 64-bit integers with these names."""
    return np.dtype([(name, np.int64) for name in names.split()])


EGRESS = record_layout(
    "mechanism source first_queue queue_count buffer_octets lead_ps "
    # For grants:
    "cycle_ps phase_ps first_opening opening_count quota_octets fragments serial_bps burst_ps "
    "failure_threshold max_retries retry_after_ps failure_generator"
)
HOP = record_layout(
    "egress queue depth first_size first_child end_child row first_below end_below "
    "entry_source before_min_ps before_spread_ps before_generator "
    "arrival_source after_min_ps after_spread_ps after_generator "
    # Index of a RECEPTION, and of this hop's first variant; none for most hops.
    "reception first_variant"
)
SIZE = record_layout("frame_octets data_ps occupied_ps need_octets fits")
STREAM = record_layout(
    "source period_ps sporadic jitter_ps first_message message_count first_root end_root "
    "generator logged counted first_row end_row"
)
MESSAGE = record_layout("first_frame frame_count gap_ps")
ROW = record_layout("next_row base_ps logged")

SOURCE_STATE = record_layout("kind index head tail last_ps")
EGRESS_STATE = record_layout(
    "busy_until_ps waiting backlog_octets max_backlog_octets frames dropped "
    # Picoseconds on a wire, octets of grants (with repetitions) otherwise:
    "used "
    # For grants: earliest in-order delivery, first usable opening, frames held for repetition.
    "ready_ps not_before_ps held_octets held_until_ps"
)
QUEUE_STATE = record_layout("head tail")
STREAM_STATE = record_layout("nominal_ps message released first_root end_root is_silent")
ROW_STATE = record_layout(
    "frames lost min_ps max_ps sum_low_ps sum_high bin_shift "
    "last_first_ps min_gap_ps max_gap_ps max_talker_wait_ps max_application_ps "
    "worst_release_ps worst_delivery_ps message_progress policed"
)
FRAME = record_layout(
    "next due_ps hop size release_ps origin_ps need_octets broken position message_frames "
    "yellow sequence family"
)
STEP = record_layout("received_ps queued_ps started_ps hop")
HEAP_ENTRY = record_layout("time_ps source")
LOG_ENTRY = record_layout("subject is_release release_ps at_ps")
CONTROL = record_layout(
    "now_ps heap_size free_head free_count frame_hops delivered log_count frames_per_event "
    "entries_per_event has_families ended_head"
)

# Reception: what stands between a frame's arrival and its next hops, where anything does.
RECEPTION = record_layout(
    "from_node to_node filter recovery main fork watched first_below end_below"
)
FILTER = record_layout("largest_octets block_oversize gate meter")
GATE = record_layout("node base_ps cycle_ps first_entry end_entry close_on_invalid close_on_excess")
GATE_ENTRY = record_layout("start_ps end_ps is_open queue largest_octets")
METER = record_layout(
    "committed_bps committed_octets excess_bps excess_octets coupling colour_aware drop_yellow "
    "block_after_red"
)
RECOVERY = record_layout("match history_count reset_ps first_place")
BRANCHES = record_layout("first end")
FORK = record_layout("first_way")
AGENDA_ENTRY = record_layout("at_ps action subject value other")

FILTER_STATE = record_layout("blocked")
GATE_STATE = record_layout("closed interval_ps passed_octets")
METER_STATE = record_layout(
    "committed_octets committed_rest excess_octets excess_rest filled_ps blocked"
)
RECOVERY_STATE = record_layout(
    "take_any number head known accepted_ps passed discarded rogue out_of_order lost resets"
)
NODE_STATE = record_layout("down_ps up_ps")
LINK_STATE = record_layout("cut_ps mended_ps is_blocked")
FORK_STATE = record_layout("way")
AGENDA_STATE = record_layout("next source")


class ReceptionTables(NamedTuple):
    """What stays constant about reception; made by :mod:`emulator.simulation.reception_tables`.

    Attributes:
        receptions: One for each hop that has anything but plain forwarding at its end.
        variants: For a hop behind a stream gate, the same hop with each queue of its transmitter.
        forks: Where a stream's way may change: for each way a range of ``branches``, its hops.
        agenda: What happens at times known before the run, in order.
    """

    receptions: Records
    variants: Integers
    filters: Records
    gates: Records
    gate_entries: Records
    meters: Records
    recoveries: Records
    forks: Records
    ways: Records
    branches: Integers
    agenda: Records


class ReceptionState(NamedTuple):
    """What changes about reception.

    Attributes:
        histories: For each recovery, a ring of flags: whether a number was seen.
        nodes: When each node went down and came up.
        links: When each transmitter's wire was cut and mended.
        families: One for each message frame whose copies are counted.
    """

    filters: Records
    gates: Records
    meters: Records
    recoveries: Records
    histories: Integers
    nodes: Records
    links: Records
    forks: Records
    agenda: Records
    families: Integers


class Tables(NamedTuple):
    """What stays constant in a run; made by :mod:`emulator.simulation.tables`."""

    egresses: Records
    openings_ps: Integers
    hops: Records
    children: Integers
    rows_below: Integers
    sizes: Records
    streams: Records
    roots: Integers
    messages: Records
    message_sizes: Integers
    rows: Records
    reception: ReceptionTables


class State(NamedTuple):
    """What changes in a run.

    Attributes:
        frames: Pool of frames under way; free ones are linked by ``next``.
        steps: For each frame of the pool, what happened to it at each hop so far.
        worst: For each row, the steps of its frame with the largest latency.
        log: Releases and deliveries for the reaction chains, emptied between slices.
        trace: One word: the fingerprint of all deliveries so far.
    """

    control: Records
    heap: Records
    sources: Records
    egresses: Records
    queues: Records
    streams: Records
    rows: Records
    histograms: Integers
    worst: Records
    frames: Records
    steps: Records
    generators: Words
    log: Records
    trace: Words
    reception: ReceptionState


def empty_records(count: int | tuple[int, int], layout: np.dtype[np.void]) -> Records:
    """Records of zeros."""
    return np.zeros(count, dtype=layout)


def set_record(record: Record, **values: int) -> None:
    """Set fields of one record by name."""
    for name, value in values.items():
        record[name] = value

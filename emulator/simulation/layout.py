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
SOURCE_HEAD = 5
"""As much of a frame is received as its next hop cuts through at."""
SOURCE_SYNC = 6
"""The grandmaster sends Sync: the clocks are worked out some intervals further."""
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
MECHANISM_PORT = 2
"""A wire with rules: gates, shapers, preemption."""

SELECTION_STRICT = 0
SELECTION_CREDIT = 1
SELECTION_ASYNCHRONOUS = 2
SELECTION_ROUND_ROBIN = 3

RATE_BITS = 40
"""Rates of clocks are deviations from 1 in units of 2**-40, some 10**-12."""


def record_layout(names: str) -> np.dtype[np.void]:
    """A record of 64-bit integers with these names."""
    return np.dtype([(name, np.int64) for name in names.split()])


EGRESS = record_layout(
    "mechanism source first_queue queue_count buffer_octets lead_ps "
    # For grants:
    "cycle_ps phase_ps first_opening opening_count quota_octets fragments serial_bps burst_ps "
    "failure_threshold max_retries retry_after_ps failure_generator "
    # Index of a PORT:
    "port"
)
HOP = record_layout(
    "egress queue depth first_size first_child end_child row first_below end_below "
    "entry_source before_min_ps before_spread_ps before_generator "
    "arrival_source after_min_ps after_spread_ps after_generator "
    # Range of HEADs; index of a SCHEDULER; whether the hop before has one.
    "first_head end_head scheduler has_eligibility "
    # Index of a RECEPTION, and of this hop's first variant; none for most hops.
    "reception first_variant"
)
SIZE = record_layout(
    "frame_octets data_ps occupied_ps need_octets fits "
    # What the frame takes from the bucket of the hop's scheduler: ps and parts of one.
    "recovery_ps recovery_part"
)
STREAM = record_layout(
    "source period_ps sporadic jitter_ps first_message message_count first_root end_root "
    "generator logged clock counted first_row end_row"
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
QUEUE_STATE = record_layout("head tail backlog_octets max_backlog_octets")
STREAM_STATE = record_layout("nominal_ps message released due_ps first_root end_root is_silent")
ROW_STATE = record_layout(
    "frames lost min_ps max_ps sum_low_ps sum_high bin_shift "
    "last_first_ps min_gap_ps max_gap_ps max_talker_wait_ps max_application_ps "
    "worst_release_ps worst_delivery_ps message_progress policed"
)
FRAME = record_layout(
    "next due_ps hop size release_ps origin_ps need_octets broken position message_frames "
    "eligible_ps yellow sequence family"
)
STEP = record_layout("received_ps queued_ps started_ps hop")
HEAP_ENTRY = record_layout("time_ps source")
LOG_ENTRY = record_layout("subject is_release release_ps at_ps")
CONTROL = record_layout(
    "now_ps heap_size free_head free_count frame_hops delivered log_count frames_per_event "
    "entries_per_event has_families ended_head"
)

# A hop that cuts through, under the hop before it: when its frames' heads are received.
HEAD = record_layout("hop source lead_ps")

PORT = record_layout(
    "egress first_queue queue_count line_bps lead_octets tail_octets preempts fragment_octets "
    "first_zone last_zone has_holds clock"
)
PORT_QUEUE = record_layout("selection idle_slope send_slope quantum_octets largest_octets express")
# A stretch of a port's time in which its gates repeat; its slices are those of PORT_SLICES.
ZONE = record_layout("begin_ps end_ps base_ps cycle_ps first_slice")
SLICE = record_layout("first end longest_ps")
WINDOW = record_layout("open_ps stop_ps close_ps")
SCHEDULER = record_layout("committed_bps full_ps full_part max_residence_ps group")

PORT_STATE = record_layout(
    # The preemptable frame under way or interrupted, with what is left of it:
    "frame is_sending rest_octets from_ps end_ps "
    # Gates; round robin; the queue that a frame has just entered:
    "zone active_head active_tail entered"
)
PORT_QUEUE_STATE = record_layout(
    # The head cannot start before this; NONE when that is to be worked out.
    "start_ps "
    # The window that was looked up last: the first one at or after a time.
    "looked_ps open_ps stop_ps close_ps "
    # The frame at its head, NONE when it is empty:
    "frame data_ps frame_octets eligible_ps "
    # Credit as time that it takes to earn it, in ps and parts of one, at a time:
    "credit_ps credit_part credit_from_ps "
    "deficit_octets has_turn next_active"
)
TIMER = record_layout("time_ps port")
# The group's eligibility time is kept with its first scheduler.
SCHEDULER_STATE = record_layout("empty_ps empty_part group_ps")

CLOCK = record_layout("parent drift wander timestamp_ps asymmetry_ps residence_ps generator")
DOMAIN = record_layout("interval_ps pdelay_ps first_sync travel_syncs ahead_syncs source")
CLOCK_STATE = record_layout(
    # The last two Pdelay exchanges, and what they told:
    "exchange parent_stamp_ps own_stamp_ps neighbour_rate link_error_ps "
    # The last Sync: its arrival, the error of the time taken from it, the rate to the grandmaster.
    "arrival_ps time_error_ps rate "
    "oldest newest largest_error_ps"
)
SEGMENT = record_layout("network_ps local_ps rate floor_ps")
OSCILLATION = record_layout("deviation rate offset_ps")
DOMAIN_STATE = record_layout("next_sync next_piece noted_ps")


class PortTables(NamedTuple):
    """What stays constant about ports with rules; made by :mod:`emulator.simulation.port_tables`.

    Attributes:
        zones: For each port, the stretches of its time, in order.
        slices: For each zone: for each queue where its frames may start; for each queue when its
            gate is open; when preemptable frames are not held.
        windows: Of each slice, ascending.
    """

    ports: Records
    queues: Records
    zones: Records
    slices: Records
    windows: Records


class PortState(NamedTuple):
    """What changes about ports with rules; ``timers`` say when to look at each, as a tree."""

    ports: Records
    queues: Records
    timers: Records


class ClockTables(NamedTuple):
    """What stays constant about the clocks; made by :mod:`emulator.simulation.clock_tables`."""

    domain: Records
    clocks: Records


class ClockState(NamedTuple):
    """What changes about the clocks.

    Attributes:
        segments: For each clock a ring of stretches in which it goes on steadily.
        oscillations: For each clock a ring of its oscillator's rate in each Sync interval.
    """

    domain: Records
    clocks: Records
    segments: Records
    oscillations: Records


# Reception: what stands between a frame's arrival and its next hops, where anything does.
RECEPTION = record_layout(
    "from_node to_node filter recovery main fork watched first_below end_below"
)
FILTER = record_layout("largest_octets block_oversize gate meter")
GATE = record_layout(
    "clock base_ps cycle_ps first_entry end_entry close_on_invalid close_on_excess"
)
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


class Reception(NamedTuple):
    """All about reception; apart from the rest, so that few functions carry it along."""

    tables: ReceptionTables
    state: ReceptionState


class Tables(NamedTuple):
    """What stays constant in a run; made by :mod:`emulator.simulation.tables`.

    Attributes:
        heads: For each hop, those of its children that cut through.
        schedulers: ATS schedulers.
    """

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
    heads: Records
    schedulers: Records
    ports: PortTables
    clocks: ClockTables


class State(NamedTuple):
    """What changes in a run.

    Attributes:
        frames: Pool of frames under way; free ones are linked by ``next``.
        steps: For each frame of the pool, what happened to it at each hop so far.
        worst: For each row, the steps of its frame with the largest latency.
        log: Releases and deliveries for the reaction chains, emptied between slices.
        trace: One word: the fingerprint of all deliveries so far.
        families: One for each message frame whose copies are counted.
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
    schedulers: Records
    ports: PortState
    clocks: ClockState
    families: Integers


def empty_records(count: int | tuple[int, int], layout: np.dtype[np.void]) -> Records:
    """Records of zeros."""
    return np.zeros(count, dtype=layout)


def set_record(record: Record, **values: int) -> None:
    """Set fields of one record by name."""
    for name, value in values.items():
        record[name] = value

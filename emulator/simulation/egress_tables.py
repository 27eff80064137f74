# SPDX-License-Identifier: Apache-2.0
"""Turns the transmitters of a plan into constant arrays: wires, grants, ports with rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from emulator.simulation.layout import (
    EGRESS,
    MECHANISM_GRANT,
    MECHANISM_PORT,
    MECHANISM_WIRE,
    NONE,
    UNLIMITED,
    empty_records,
    set_record,
)
from emulator.simulation.port_tables import PortBuilder, is_port
from emulator.simulation.random_numbers import draw_once, probability_threshold
from netplan.media.frames import wire_time_ps
from netplan.media.interface import WireMechanism
from netplan.plan.model import Plan


def egress_tables(
    plan: Plan, seed: int, ports: PortBuilder, generator: Callable[[str, str], int]
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Constants of the transmitters, and the openings of all grants in one list.

    Args:
        plan: The plan.
        seed: Of the phases of grants that the plan leaves open.
        ports: Collects the ports with rules.
        generator: Index of a random generator of its own, for a purpose and a name.
    """
    records = empty_records(len(plan.egresses), EGRESS)
    openings_ps: list[int] = []
    first_queue = 0
    for index, (egress, record) in enumerate(zip(plan.egresses, records, strict=True)):
        set_record(
            record,
            first_queue=first_queue,
            queue_count=egress.queue_count,
            buffer_octets=UNLIMITED if egress.buffer_octets is None else egress.buffer_octets,
        )
        first_queue += egress.queue_count
        mechanism = egress.mechanism
        if isinstance(mechanism, WireMechanism):
            set_record(
                record,
                mechanism=MECHANISM_PORT if is_port(egress) else MECHANISM_WIRE,
                lead_ps=wire_time_ps(mechanism.lead_octets, mechanism.line_bps),
                port=ports.add_port(index) if is_port(egress) else NONE,
            )
            continue
        phase_ps = mechanism.phase_ps
        if phase_ps is None:
            phase_ps = draw_once(seed, "cycle", egress.name, mechanism.cycle_ps)
        set_record(
            record,
            mechanism=MECHANISM_GRANT,
            cycle_ps=mechanism.cycle_ps,
            phase_ps=phase_ps,
            first_opening=len(openings_ps),
            opening_count=len(mechanism.openings_ps),
            quota_octets=mechanism.quota_octets,
            fragments=int(mechanism.fragments),
            serial_bps=mechanism.serial_bps,
            burst_ps=mechanism.burst_ps,
            failure_threshold=probability_threshold(mechanism.failure_probability),
            max_retries=mechanism.max_retries,
            retry_after_ps=mechanism.retry_after_ps,
            failure_generator=generator("failures", egress.name),
        )
        openings_ps.extend(mechanism.openings_ps)
    return records, np.array(openings_ps, dtype=np.int64)

# SPDX-License-Identifier: Apache-2.0
"""The state of reception before the first event: full buckets, open gates, everything up."""

from __future__ import annotations

import numpy as np

from emulator.simulation.layout import (
    AGENDA_STATE,
    FAMILY_NEXT,
    FAMILY_ROWS,
    FILTER_STATE,
    FORK_STATE,
    GATE_STATE,
    LINK_STATE,
    METER_STATE,
    NEVER_PS,
    NODE_STATE,
    NONE,
    RECOVERY_STATE,
    Integers,
    ReceptionState,
    ReceptionTables,
    Tables,
    empty_records,
)


def empty_reception(reception: ReceptionTables, egress_count: int) -> ReceptionState:
    """State for the tables of a plan."""
    gates = empty_records(len(reception.gates), GATE_STATE)
    gates["interval_ps"] = -NEVER_PS
    meters = empty_records(len(reception.meters), METER_STATE)
    meters["committed_octets"] = reception.meters["committed_octets"]
    meters["excess_octets"] = reception.meters["excess_octets"]
    recoveries = empty_records(len(reception.recoveries), RECOVERY_STATE)
    recoveries["take_any"] = 1
    node_count = 1 + max(
        int(reception.receptions["from_node"].max(initial=NONE)),
        int(reception.receptions["to_node"].max(initial=NONE)),
    )
    nodes = empty_records(node_count, NODE_STATE)
    nodes["down_ps"] = NEVER_PS
    nodes["up_ps"] = -NEVER_PS
    links = empty_records(egress_count, LINK_STATE)
    links["cut_ps"] = NEVER_PS
    links["mended_ps"] = -NEVER_PS
    return ReceptionState(
        filters=empty_records(len(reception.filters), FILTER_STATE),
        gates=gates,
        meters=meters,
        recoveries=recoveries,
        histories=np.zeros(int(reception.recoveries["history_count"].sum()), dtype=np.int64),
        nodes=nodes,
        links=links,
        forks=empty_records(len(reception.forks), FORK_STATE),
        # The agenda is the first of all sources.
        agenda=empty_records(1, AGENDA_STATE),
    )


def no_families(tables: Tables) -> Integers:
    """The beginning of the list of free families, and no more."""
    most_rows = int((tables.streams["end_row"] - tables.streams["first_row"]).max(initial=0))
    return np.zeros((1, FAMILY_ROWS + most_rows), dtype=np.int64)


def more_families(families: Integers, count: int) -> Integers:
    """Room for so many families; the new ones are free, before those that were."""
    more = np.zeros((count, families.shape[1]), dtype=np.int64)
    old_count = len(families)
    more[:old_count] = families
    more[old_count:, FAMILY_NEXT] = np.arange(old_count + 1, count + 1)
    more[-1, FAMILY_NEXT] = families[0, FAMILY_NEXT]
    more[0, FAMILY_NEXT] = old_count
    return more

# SPDX-License-Identifier: Apache-2.0
"""Numbers the stream filters, gates and meters of a plan, and lists them as constants.

Those of one name at one node are one thing with one state.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.simulation.layout import NONE, UNLIMITED
from netplan.tsn.mechanisms import FlowMeter, StreamFilter, StreamGate, StreamGateEntry


def _limit(octets: int | None) -> int:
    return UNLIMITED if octets is None else octets


def entries_of_cycle(gate: StreamGate) -> list[tuple[int, int, StreamGateEntry]]:
    """Start, end and entry for each entry of a cycle; the last one lasts until its end."""
    entries: list[tuple[int, int, StreamGateEntry]] = []
    start_ps = 0
    for place, entry in enumerate(gate.entries):
        end_ps = min(start_ps + entry.duration_ps, gate.cycle_ps)
        if place == len(gate.entries) - 1:
            end_ps = gate.cycle_ps
        if end_ps > start_ps:
            entries.append((start_ps, end_ps, entry))
        start_ps = end_ps
    return entries


@dataclass(slots=True)
class Policing:
    """Collects constants; the rows are those of the layouts of the same names.

    ``clocks`` has the index of the clock of each node that has one, by the node's number.
    """

    clocks: dict[int, int] = field(default_factory=dict)
    filters: list[tuple[int, ...]] = field(default_factory=list)
    gates: list[tuple[int, ...]] = field(default_factory=list)
    gate_entries: list[tuple[int, ...]] = field(default_factory=list)
    meters: list[tuple[int, ...]] = field(default_factory=list)
    _filter_numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    _gate_numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    _meter_numbers: dict[tuple[int, str], int] = field(default_factory=dict)

    def filter_index(self, node: int, stream_filter: StreamFilter) -> int:
        """Number of a stream filter at a node."""
        key = (node, stream_filter.name)
        if key not in self._filter_numbers:
            self._filter_numbers[key] = len(self.filters)
            gate, meter = stream_filter.gate, stream_filter.meter
            self.filters.append(
                (
                    _limit(stream_filter.largest_frame_octets),
                    int(stream_filter.block_oversize),
                    NONE if gate is None else self._gate_index(node, gate),
                    NONE if meter is None else self._meter_index(node, meter),
                )
            )
        return self._filter_numbers[key]

    def _gate_index(self, node: int, gate: StreamGate) -> int:
        key = (node, gate.name)
        if key not in self._gate_numbers:
            self._gate_numbers[key] = len(self.gates)
            first = len(self.gate_entries)
            self.gate_entries.extend(
                (
                    start_ps,
                    end_ps,
                    int(entry.is_open),
                    entry.queue_index,
                    _limit(entry.largest_octets),
                )
                for start_ps, end_ps, entry in entries_of_cycle(gate)
            )
            self.gates.append(
                (
                    self.clocks.get(node, NONE),
                    gate.base_ps,
                    gate.cycle_ps,
                    first,
                    len(self.gate_entries),
                    int(gate.close_on_invalid),
                    int(gate.close_on_excess),
                )
            )
        return self._gate_numbers[key]

    def _meter_index(self, node: int, meter: FlowMeter) -> int:
        key = (node, meter.name)
        if key not in self._meter_numbers:
            self._meter_numbers[key] = len(self.meters)
            self.meters.append(
                (
                    meter.committed_bps,
                    meter.committed_burst_octets,
                    meter.excess_bps,
                    meter.excess_burst_octets,
                    int(meter.coupling),
                    int(meter.colour_aware),
                    int(meter.drop_yellow),
                    int(meter.block_after_red),
                )
            )
        return self._meter_numbers[key]

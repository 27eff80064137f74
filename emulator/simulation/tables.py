# SPDX-License-Identifier: Apache-2.0
"""Turns a plan into the constant arrays of the kernel.

Every time that depends on a frame's size is worked out here once, exactly, so that the
kernel only adds. Phases that the plan leaves open are drawn here from the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emulator.simulation.clock_tables import build_clocks, clock_indices
from emulator.simulation.contract import check_plan
from emulator.simulation.egress_tables import egress_tables
from emulator.simulation.faults import Fault
from emulator.simulation.layout import (
    HOP,
    MESSAGE,
    NONE,
    ROW,
    SIZE,
    STREAM,
    Tables,
    empty_records,
    set_record,
)
from emulator.simulation.model import Model, Row, row_ranges
from emulator.simulation.order import Pipes, number_sources
from emulator.simulation.port_tables import PortBuilder, bucket_time, is_port
from emulator.simulation.random_numbers import draw_once, seed_word
from emulator.simulation.reception_tables import (
    no_reception,
    with_reception,
    with_standby_hops,
)
from netplan.media.frames import wire_time_ps
from netplan.media.interface import DelayTerm, GrantMechanism, WireMechanism
from netplan.plan.model import Hop, Plan, PlannedStream

_wire_time_ps = lru_cache(maxsize=4096)(wire_time_ps)


def build_model(plan: Plan, seed: int, faults: Sequence[Fault] = (), until_ps: int = 0) -> Model:
    """Arrays, sources and seeds for a plan and, with faults, for a run up to a time.

    ValueError when the plan breaks its contract, or lacks what a fault names.
    """
    check_plan(plan)
    whole = with_standby_hops(plan) if faults else plan
    clock_of = clock_indices(whole)
    builder = _ModelBuilder(
        plan=whole,
        seed=seed,
        pipes=Pipes(len(plan.egresses)),
        clock_of=clock_of,
        ports=PortBuilder(plan=whole, clock_of=clock_of),
    )
    model = builder.build()
    received = with_reception(plan, whole, model.tables, faults, until_ps)
    return replace(
        model,
        plan=plan,
        tables=received.tables,
        reception=received.reception,
        largest_depth=received.largest_depth,
        frames_per_event=max(model.frames_per_event, received.branch_count),
    )


def _term_range(terms: Sequence[DelayTerm]) -> tuple[int, int]:
    """Smallest and largest sum of delay terms."""
    return sum(term.min_ps for term in terms), sum(term.max_ps for term in terms)


def _integers(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _root_count(stream: PlannedStream) -> int:
    return sum(hop.parent_index < 0 for hop in stream.hops)


def _path(stream: PlannedStream, position: int) -> tuple[Hop, ...]:
    """The hops from the talker to one hop, that one included."""
    path: list[Hop] = []
    while position >= 0:
        path.append(stream.hops[position])
        position = stream.hops[position].parent_index
    return tuple(reversed(path))


def _has_scheduler(stream: PlannedStream, hop: Hop) -> bool:
    """Whether frames come to a hop from a scheduler."""
    reception = stream.hops[hop.parent_index].reception
    return reception is not None and reception.scheduler is not None


def _recovery(hop: Hop, octets: int) -> tuple[int, int]:
    """Time in which the scheduler at the end of a hop earns a frame."""
    if hop.reception is None or hop.reception.scheduler is None:
        return 0, 0
    return bucket_time(octets, hop.reception.scheduler.committed_bps)


@dataclass(slots=True)
class _ModelBuilder:
    """Collects the flat lists while it walks the plan."""

    plan: Plan
    seed: int
    pipes: Pipes
    clock_of: dict[str, int]
    ports: PortBuilder
    generators: list[int] = field(default_factory=list)
    sizes: list[tuple[int, ...]] = field(default_factory=list)
    children: list[int] = field(default_factory=list)
    rows_below: list[int] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    messages: list[tuple[int, int, int]] = field(default_factory=list)
    message_sizes: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    never_fitting: list[tuple[str, str]] = field(default_factory=list)

    def build(self) -> Model:
        """Walk transmitters, then streams, then number the events' sources."""
        plan = self.plan
        egresses, openings_ps = egress_tables(plan, self.seed, self.ports, self._generator)
        hops = empty_records(sum(len(stream.hops) for stream in plan.streams), HOP)
        streams = empty_records(len(plan.streams), STREAM)
        rows = empty_records(sum(len(stream.listeners) for stream in plan.streams), ROW)
        first_hop = 0
        for index, stream in enumerate(plan.streams):
            frame_sizes = sorted({size for sizes in stream.emission.messages for size in sizes})
            self._hops(hops, first_hop, index, frame_sizes)
            self._rows(rows, hops, first_hop, index, frame_sizes)
            self._stream(streams[index], stream, frame_sizes)
            first_hop += len(stream.hops)
        ports = self.ports.build()
        sizes = np.array(self.sizes, dtype=SIZE)
        clocks, clock_state = build_clocks(
            plan, self.seed, int(sizes["occupied_ps"].max(initial=0)), self._generator
        )
        sources = number_sources(self.pipes, egresses, hops, streams, ports.heads, clocks.domain)
        self._mark_chains(streams, rows)
        most_released = max(
            (
                _root_count(stream) * max(len(sizes) for sizes in stream.emission.messages)
                for stream in plan.streams
            ),
            default=1,
        )
        most_copied = int((hops["end_child"] - hops["first_child"]).max(initial=1))
        most_heads = int((hops["end_head"] - hops["first_head"]).max(initial=0))
        most_listeners = max((len(stream.listeners) for stream in plan.streams), default=0)
        return Model(
            plan=plan,
            reception=no_reception(),
            tables=Tables(
                egresses=egresses,
                openings_ps=openings_ps,
                hops=hops,
                children=_integers(self.children),
                rows_below=_integers(self.rows_below),
                sizes=sizes,
                streams=streams,
                roots=_integers(self.roots),
                messages=np.array(self.messages, dtype=MESSAGE),
                message_sizes=_integers(self.message_sizes),
                rows=rows,
                heads=ports.heads,
                schedulers=ports.schedulers,
                ports=ports.tables,
                clocks=clocks,
            ),
            sources=sources,
            rows=tuple(self.rows),
            first_releases_ps=tuple(self._first_release_ps(stream) for stream in plan.streams),
            generators=tuple(self.generators),
            largest_depth=max((len(row.path) for row in self.rows), default=1),
            # Each frame that an event takes or starts may send its heads ahead.
            frames_per_event=max(most_released, most_copied) * (1 + most_heads),
            entries_per_event=1 + most_listeners if plan.chains else 0,
            never_fitting=tuple(dict.fromkeys(self.never_fitting)),
            never_open=ports.never_open,
            clocks=clock_state,
        )

    def _generator(self, purpose: str, name: str) -> int:
        """Index of a generator of its own."""
        self.generators.append(seed_word(self.seed, purpose, name))
        return len(self.generators) - 1

    def _size(self, stream: PlannedStream, hop: Hop, size: int) -> tuple[int, ...]:
        """What a stream's frame of one size is at one hop: a row of the table of sizes."""
        egress = self.plan.egresses[hop.egress_index]
        octets = size + hop.added_octets
        mechanism = egress.mechanism
        if isinstance(mechanism, WireMechanism):
            sent_octets = mechanism.lead_octets + octets
            data_ps = _wire_time_ps(sent_octets, mechanism.line_bps)
            occupied_ps = _wire_time_ps(sent_octets + mechanism.tail_octets, mechanism.line_bps)
            recovery = _recovery(hop, sent_octets + mechanism.tail_octets)
            return octets, data_ps, occupied_ps, 0, 1, *recovery
        need_octets = octets + mechanism.overhead_octets
        fits = mechanism.fragments or need_octets <= mechanism.quota_octets
        if not fits:
            self.never_fitting.append((stream.name, egress.name))
        return octets, 0, 0, need_octets, int(fits), *_recovery(hop, octets)

    def _hops(
        self, hops: NDArray[np.void], first_hop: int, stream_index: int, frame_sizes: list[int]
    ) -> None:
        """Constants of a stream's hops, and the pipes that they use."""
        stream = self.plan.streams[stream_index]
        below: list[list[int]] = [[] for _ in stream.hops]
        children: list[list[int]] = [[] for _ in stream.hops]
        for row, listener_hop in enumerate(stream.listener_hops, start=len(self.rows)):
            position = listener_hop
            while position >= 0:
                below[position].append(row)
                position = stream.hops[position].parent_index
        for position, hop in enumerate(stream.hops):
            index = first_hop + position
            is_root = hop.parent_index < 0
            if is_root:
                self.roots.append(index)
                ingress = self.pipes.talker_ingress(stream_index)
            else:
                children[hop.parent_index].append(index)
                ingress = stream.hops[hop.parent_index].egress_index
            before_min_ps, before_max_ps = _term_range(hop.before)
            after_min_ps, after_max_ps = _term_range(hop.after)
            name = f"{stream.name}\0{position}"
            set_record(
                hops[index],
                egress=hop.egress_index,
                queue=hop.queue_index,
                depth=0 if is_root else int(hops[first_hop + hop.parent_index]["depth"]) + 1,
                first_size=len(self.sizes),
                row=NONE,
                first_below=len(self.rows_below),
                end_below=len(self.rows_below) + len(below[position]),
                entry_source=NONE,
                reception=NONE,
                first_variant=NONE,
                before_min_ps=before_min_ps,
                before_spread_ps=before_max_ps - before_min_ps,
                before_generator=self._generator("before", name),
                after_min_ps=after_min_ps,
                after_spread_ps=after_max_ps - after_min_ps,
                after_generator=self._generator("after", name),
                scheduler=self._scheduler(hop),
                has_eligibility=int(not is_root and _has_scheduler(stream, hop)),
            )
            self.rows_below.extend(below[position])
            self.sizes.extend(self._size(stream, hop, size) for size in frame_sizes)
            # Ports with rules are entered by an event of its own even when processing takes no time.
            if before_max_ps > 0 or is_port(self.plan.egresses[hop.egress_index]):
                self.pipes.add_entry(index, ingress, hop.from_node, before_min_ps, before_max_ps)
            self.pipes.add_arrival(index, hop.egress_index, after_min_ps, after_max_ps)
        for position, indices in enumerate(children):
            record = hops[first_hop + position]
            record["first_child"] = len(self.children)
            record["first_head"] = len(self.ports.heads)
            for index in indices:
                cut_octets = stream.hops[index - first_hop].cut_through_octets
                if cut_octets is None:
                    self.children.append(index)
                else:
                    egress_index = stream.hops[position].egress_index
                    head = self.ports.add_head(index, egress_index, cut_octets)
                    after_ps = _term_range(stream.hops[position].after)
                    self.pipes.add_head(head, egress_index, *after_ps, cut_octets)
            record["end_child"] = len(self.children)
            record["end_head"] = len(self.ports.heads)

    def _scheduler(self, hop: Hop) -> int:
        """Index of the ATS scheduler at the end of a hop."""
        if hop.reception is None or hop.reception.scheduler is None:
            return NONE
        return self.ports.schedulers.index(hop.to_node, hop.reception.scheduler)

    def _rows(
        self,
        rows: NDArray[np.void],
        hops: NDArray[np.void],
        first_hop: int,
        stream_index: int,
        frame_sizes: list[int],
    ) -> None:
        """Constants of a stream's listeners."""
        stream = self.plan.streams[stream_index]
        for listener_index, position in enumerate(stream.listener_hops):
            path = _path(stream, position)
            index = len(self.rows)
            set_record(
                rows[index],
                next_row=int(hops[first_hop + position]["row"]),
                base_ps=self._base_ps(stream, path, frame_sizes),
            )
            hops[first_hop + position]["row"] = index
            self.rows.append(
                Row(stream_index=stream_index, listener_index=listener_index, path=path)
            )

    def _base_ps(self, stream: PlannedStream, path: tuple[Hop, ...], frame_sizes: list[int]) -> int:
        """No frame of a listener is faster; copies may come by paths that are shorter than this."""
        if stream.recoveries or stream.standby:
            return 0
        return min(self._least_latency_ps(path, size) for size in frame_sizes)

    def _least_latency_ps(self, path: tuple[Hop, ...], size: int) -> int:
        """No frame of this size is faster; where its histogram starts."""
        total_ps = 0
        for depth, hop in enumerate(path):
            mechanism = self.plan.egresses[hop.egress_index].mechanism
            octets = size + hop.added_octets
            if isinstance(mechanism, WireMechanism):
                line_bps = mechanism.line_bps
                cut_octets = path[depth + 1].cut_through_octets if depth + 1 < len(path) else None
                octets = octets if cut_octets is None else min(octets, cut_octets)
                total_ps += _wire_time_ps(mechanism.lead_octets + octets, line_bps)
                if depth == 0:
                    total_ps -= _wire_time_ps(mechanism.lead_octets, line_bps)
            elif mechanism.serial_bps == 0:
                total_ps += mechanism.burst_ps
            elif not mechanism.fragments:
                need_octets = octets + mechanism.overhead_octets
                total_ps += _wire_time_ps(need_octets, mechanism.serial_bps)
            total_ps += _term_range(hop.after)[0]
            if depth > 0 or isinstance(mechanism, GrantMechanism):
                total_ps += _term_range(hop.before)[0]
        return total_ps

    def _stream(self, record: np.void, stream: PlannedStream, frame_sizes: list[int]) -> None:
        """Constants of a talker; its roots are the last ones noted."""
        emission = stream.emission
        gaps_ps = [emission.period_ps] * len(emission.messages)
        if emission.offsets_ps:
            ends_ps = (*emission.offsets_ps[1:], emission.period_ps)
            gaps_ps = [end - start for start, end in zip(emission.offsets_ps, ends_ps, strict=True)]
        set_record(
            record,
            period_ps=emission.period_ps,
            sporadic=int(emission.sporadic),
            jitter_ps=emission.jitter_ps,
            first_message=len(self.messages),
            message_count=len(emission.messages),
            first_root=len(self.roots) - _root_count(stream),
            end_root=len(self.roots),
            generator=self._generator("talker", stream.name),
            clock=self._clock(stream),
        )
        for sizes in emission.messages:
            gap_ps = gaps_ps[len(self.messages) - int(record["first_message"])]
            self.messages.append((len(self.message_sizes), len(sizes), gap_ps))
            self.message_sizes.extend(frame_sizes.index(size) for size in sizes)

    def _clock(self, stream: PlannedStream) -> int:
        """The clock that a talker keeps its phase on."""
        emission = stream.emission
        if emission.phase_ps is None or emission.sporadic:
            return NONE
        return self.clock_of.get(stream.talker, NONE)

    def _first_release_ps(self, stream: PlannedStream) -> int:
        """Nominal release of the first message."""
        emission = stream.emission
        if emission.phase_ps is not None:
            return emission.phase_ps
        return draw_once(self.seed, "phase", stream.name, emission.period_ps)

    def _mark_chains(self, streams: NDArray[np.void], rows: NDArray[np.void]) -> None:
        """Streams and listeners whose releases and deliveries the chains need."""
        ranges = row_ranges(self.plan)
        for chain in self.plan.chains:
            for stage in chain.stages:
                streams[stage.stream_index]["logged"] = 1
                rows[ranges[stage.stream_index][stage.listener_index]]["logged"] = 1

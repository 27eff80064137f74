# SPDX-License-Identifier: Apache-2.0
"""A plan with gates in which no scheduled frame ever waits, made by the simplest means.

Streams are placed one after the other at the first phase, in whole microseconds, at which
all wires of their way are free; queue 7 is open then, the other queues at all other times.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from netplan.media.frames import wire_time_ps
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import GateEntry, GateList, PortRules, QueueRule
from support.small_plans import GBIT, NS, US, PlanBuilder

CYCLE_US = 4000
PERIODS_US = (500, 1000, 2000, 4000)
PROPAGATION_PS = 50 * NS
PROCESSING_PS = 2000 * NS
RULES = tuple(QueueRule() for _ in range(8))


def scheduled_plan(
    *, stream_count: int, bridge_count: int, seed: int = 1, best_effort_count: int = 0
) -> Plan:
    """Bridges in a ring with some chords, one station each; all wires at 1 Gb/s."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    graph: nx.Graph[int] = nx.cycle_graph(bridge_count)
    for _ in range(bridge_count // 2):
        graph.add_edge(*random.sample(range(bridge_count), 2))
    builder = PlanBuilder(
        propagation_ps=PROPAGATION_PS,
        processing_min_ps=PROCESSING_PS,
        processing_max_ps=PROCESSING_PS,
    )
    for one, other in graph.edges:
        builder.wire(f"s{one}.{other}").wire(f"s{other}.{one}")
    for bridge in range(bridge_count):
        builder.wire(f"h{bridge}.p").wire(f"s{bridge}.h")
    taken = {egress.name: np.zeros(CYCLE_US, dtype=bool) for egress in builder.egresses}
    for number in range(stream_count + best_effort_count):
        first, last = random.sample(range(bridge_count), 2)
        bridges = nx.shortest_path(graph, first, last)
        route = [(f"h{bridges[0]}.p", f"s{bridges[0]}")]
        route += [(f"s{one}.{other}", f"s{other}") for one, other in nx.utils.pairwise(bridges)]
        route.append((f"s{bridges[-1]}.h", f"h{bridges[-1]}"))
        period_us = random.choice(PERIODS_US)
        octets = random.choice((64, 128, 400, 1000, 1500))
        phase_ps = None
        if number < stream_count:
            phase_ps = _place([taken[name] for name, _ in route], period_us, octets)
            if phase_ps is None:
                continue
        builder.stream(
            f"f{number}",
            route,
            messages=((octets,),),
            period_ps=period_us * US,
            phase_ps=phase_ps,
            pcp=0 if phase_ps is None else 7,
            scheduled=phase_ps is not None,
        )
    builder.egresses = [
        replace(egress, rules=PortRules(queues=RULES, gates=_gates(taken[egress.name])))
        for egress in builder.egresses
    ]
    return builder.plan()


def _place(wires: list[NDArray[np.bool_]], period_us: int, octets: int) -> int | None:
    """First phase at which all wires are free, which are then taken."""
    delivery_ps = wire_time_ps(8 + octets, GBIT)
    spans = []
    busy = np.zeros(period_us, dtype=bool)
    for place, wire in enumerate(wires):
        start_ps = place * (delivery_ps + PROPAGATION_PS + PROCESSING_PS)
        # The gap of a frame of another queue may reach into what is taken.
        first_us = (start_ps - 100 * NS) // US
        last_us = (start_ps + delivery_ps + 100 * NS) // US
        spans.append((first_us, last_us))
        folded = wire.reshape(-1, period_us).any(axis=0)
        for slot in range(first_us, last_us + 1):
            busy |= np.roll(folded, -slot)
    free = np.flatnonzero(~busy)
    if not free.size:
        return None
    phase_us = int(free[0])
    for wire, (first_us, last_us) in zip(wires, spans, strict=True):
        for repeat in range(CYCLE_US // period_us):
            slots = np.arange(first_us, last_us + 1) + phase_us + repeat * period_us
            wire[slots % CYCLE_US] = True
    return phase_us * US


def _gates(taken: NDArray[np.bool_]) -> tuple[GateList, ...]:
    if not taken.any():
        return ()
    edges = [0, *(int(edge) + 1 for edge in np.flatnonzero(np.diff(taken))), CYCLE_US]
    entries = tuple(
        GateEntry(duration_ps=(end - start) * US, open_queues=0x80 if taken[start] else 0x7F)
        for start, end in nx.utils.pairwise(edges)
    )
    return (GateList(base_ps=0, cycle_ps=CYCLE_US * US, entries=entries),)

# SPDX-License-Identifier: Apache-2.0
"""How fast the kernel is: ten bridges in line, twenty streams, on one core.

The scenario is the one that other simulators were measured on: two hosts at each
bridge, all links 1 Gbit/s and 50 ns long, frames of 200 octets every millisecond. A
frame-hop is one frame wholly received over one link. With gates, every port has a list of four
entries in a cycle of 250 us, and the streams' queue is open for 60 % of it.
"""

from __future__ import annotations

import itertools
import time

from emulator.simulation import engine
from emulator.simulation.tables import build_model
from netplan.media.interface import DelayTerm, ServiceCurve, TermKind, WireMechanism
from netplan.plan.model import Egress, Emission, Hop, Plan, PlannedStream
from netplan.tsn.mechanisms import GateEntry, GateList, PortRules, QueueRule

_BRIDGES = 10
_HOSTS_PER_BRIDGE = 2
_LINE_BPS = 10**9
_PROPAGATION_PS = 50_000
_FRAME_OCTETS = 200
_PERIOD_PS = 10**9
_FIRST_RELEASE_PS = 100 * 10**9
_RELEASE_STEP_PS = 37 * 10**6
_TALKER_AND_LISTENER = (
    (4, 18), (2, 8), (3, 15), (14, 12), (6, 3), (15, 0), (12, 19), (0, 14), (8, 7), (18, 3),
    (10, 0), (0, 17), (0, 12), (6, 13), (0, 16), (7, 14), (15, 17), (7, 11), (7, 14), (9, 0),
)  # fmt: skip
"""Host numbers of each stream; host h is at bridge h // 2."""


_QUEUES = 8
_QUEUE = 5
_GATES = GateList(
    base_ps=0,
    cycle_ps=250 * 10**6,
    entries=tuple(
        GateEntry(duration_ps=duration_us * 10**6, open_queues=open_queues)
        for duration_us, open_queues in (
            (50, 0b1000_0000),
            (100, 0b0110_0000),
            (50, 0b0001_1111),
            (50, 0b1110_0000),
        )
    ),
)


def line10_plan(*, gates: bool = False) -> Plan:
    """The scenario as a plan, every port with a gate list or none with any rules."""
    rules = PortRules(queues=(QueueRule(),) * _QUEUES, gates=(_GATES,)) if gates else None
    egresses: list[Egress] = []
    index_of: dict[tuple[str, str], int] = {}

    def egress_index(node: str, towards: str) -> int:
        key = (node, towards)
        if key not in index_of:
            index_of[key] = len(egresses)
            egresses.append(
                Egress(
                    name=f"{node}.{towards}",
                    node=node,
                    port=towards,
                    medium="copper",
                    queue_count=_QUEUES,
                    buffer_octets=None,
                    mechanism=WireMechanism(line_bps=_LINE_BPS),
                    service=ServiceCurve(rate_bps=_LINE_BPS, latency_ps=0, source="line rate"),
                    rules=rules,
                )
            )
        return index_of[key]

    propagation = DelayTerm(
        kind=TermKind.PROPAGATION,
        what="10 m of copper",
        min_ps=_PROPAGATION_PS,
        max_ps=_PROPAGATION_PS,
        source="benchmark scenario",
    )
    streams: list[PlannedStream] = []
    for number, (talker, listener) in enumerate(_TALKER_AND_LISTENER):
        first, last = talker // _HOSTS_PER_BRIDGE, listener // _HOSTS_PER_BRIDGE
        step = 1 if last >= first else -1
        bridges = [f"sw{bridge}" for bridge in range(first, last + step, step)]
        path = [f"h{talker}", *bridges, f"h{listener}"]
        hops = tuple(
            Hop(
                egress_index=egress_index(node, towards),
                parent_index=place - 1,
                from_node=node,
                to_node=towards,
                to_port=node,
                queue_index=_QUEUE,
                added_octets=0,
                before=(),
                after=(propagation,),
            )
            for place, (node, towards) in enumerate(itertools.pairwise(path))
        )
        streams.append(
            PlannedStream(
                name=f"stream{number}",
                kind="cyclic",
                talker=path[0],
                listeners=(path[-1],),
                listener_hops=(len(hops) - 1,),
                hops=hops,
                emission=Emission(
                    messages=((_FRAME_OCTETS,),),
                    period_ps=_PERIOD_PS,
                    sporadic=False,
                    phase_ps=_FIRST_RELEASE_PS + number * _RELEASE_STEP_PS,
                    jitter_ps=0,
                ),
                pcp=5,
                vlan=0,
                talker_host=(),
                listener_host=((),),
            )
        )
    return Plan(
        name="line10",
        design_hash="",
        version="",
        egresses=tuple(egresses),
        streams=tuple(streams),
        chains=(),
        targets=(),
        nodes=(),
        links=(),
        addresses={},
        vlans={},
        findings=(),
        assumptions=(),
    )


def line10(seconds: float = 10.0, *, gates: bool = False) -> dict[str, float]:
    """Run the scenario and measure it.

    Args:
        seconds: Plant time.
        gates: Whether every port has a gate list.

    Returns:
        Frame-hops, processor time of the run alone, frame-hops per second of it, and the
        time that loading or compiling the kernel took before.
    """
    plan = line10_plan(gates=gates)
    before_s = time.perf_counter()
    engine.proceed(engine.begin(build_model(plan, 0), _FIRST_RELEASE_PS + _PERIOD_PS))
    compile_s = time.perf_counter() - before_s

    run = engine.begin(build_model(plan, 0), int(seconds * 10**12))
    before_s = time.process_time()
    engine.proceed(run)
    cpu_s = time.process_time() - before_s
    frame_hops = int(run.state.control["frame_hops"][0])
    return {
        "frame_hops": frame_hops,
        "cpu_s": cpu_s,
        "frame_hops_per_s": frame_hops / cpu_s,
        "compile_s": compile_s,
    }

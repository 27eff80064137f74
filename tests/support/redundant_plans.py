# SPDX-License-Identifier: Apache-2.0
"""Plans in which a stream is sent twice: FRER over two paths, HSR around a ring, PRP over two LANs.

All three are the same thing to an engine: two first hops at the talker, one recovery at
the receiver. They differ in the octets that carry the sequence number: R-TAG 6 (IEEE Std
802.1CB-2017, 7.8), HSR tag 6 and PRP trailer 6 (IEC 62439-3:2021, 5.6 and 4.1.10).
"""

from __future__ import annotations

from netplan.plan.model import Plan
from netplan.tsn.mechanisms import Recovery, RecoveryAlgorithm
from support.small_plans import US, PlanBuilder, Step

TAG_OCTETS = 6


def prp_plan(*, bridges_a: int = 1, bridges_b: int = 3, period_ps: int = 100 * US) -> Plan:
    """A talker and a listener attached to two LANs, lines of so many bridges."""
    builder = PlanBuilder()
    steps: list[Step] = []
    members: list[int] = []
    for lan, count in (("a", bridges_a), ("b", bridges_b)):
        nodes = ["talker", *(f"{lan}{number}" for number in range(count)), "listener"]
        for place in range(len(nodes) - 1):
            port = f"{nodes[place]}.{lan}"
            builder.wire(port)
            parent = -1 if place == 0 else len(steps) - 1
            steps.append(
                Step(egress=port, to=nodes[place + 1], parent=parent, added_octets=TAG_OCTETS)
            )
        members.append(len(steps) - 1)
    builder.stream(
        "s",
        steps,
        period_ps=period_ps,
        phase_ps=0,
        recoveries=(Recovery(members=tuple(members), merges="prp"),),
    )
    return builder.plan()


def hsr_plan(*, node_count: int = 6, listener: int = 2, period_ps: int = 100 * US) -> Plan:
    """A ring whose node 0 sends both ways around to another one."""
    builder = PlanBuilder()
    for node in range(node_count):
        builder.wire(f"n{node}.right").wire(f"n{node}.left")
    steps: list[Step] = []
    members: list[int] = []
    for port, step in (("right", 1), ("left", -1)):
        node = 0
        while node != listener:
            parent = -1 if node == 0 else len(steps) - 1
            egress = f"n{node}.{port}"
            node = (node + step) % node_count
            steps.append(Step(egress=egress, to=f"n{node}", parent=parent, added_octets=TAG_OCTETS))
        members.append(len(steps) - 1)
    builder.stream(
        "s",
        steps,
        period_ps=period_ps,
        phase_ps=0,
        recoveries=(Recovery(members=tuple(members), merges="hsr"),),
    )
    return builder.plan()


def frer_plan(
    *,
    algorithm: RecoveryAlgorithm = RecoveryAlgorithm.VECTOR,
    history_count: int = 64,
    reset_ps: int = 10**12,
    extra_bridges: int = 1,
    behind: bool = True,
    period_ps: int = 100 * US,
    messages: tuple[tuple[int, ...], ...] = ((100,),),
    offsets_ps: tuple[int, ...] = (),
) -> Plan:
    """A bridge sends a stream over two paths, the second longer; another eliminates."""
    builder = PlanBuilder()
    long_way = ["fork", *(f"d{number}" for number in range(extra_bridges)), "join"]
    for port in ("talker.p", "fork.short", "join.p", *(f"{node}.long" for node in long_way[:-1])):
        builder.wire(port)
    steps = [
        Step(egress="talker.p", to="fork", parent=-1),
        Step(egress="fork.short", to="join", parent=0, added_octets=TAG_OCTETS),
    ]
    for place in range(len(long_way) - 1):
        parent = 0 if place == 0 else len(steps) - 1
        steps.append(
            Step(
                egress=f"{long_way[place]}.long",
                to=long_way[place + 1],
                parent=parent,
                added_octets=TAG_OCTETS,
            )
        )
    members = (1, len(steps) - 1)
    if behind:
        steps.append(Step(egress="join.p", to="listener", parent=1))
    builder.stream(
        "s",
        steps,
        period_ps=period_ps,
        phase_ps=0,
        messages=messages,
        offsets_ps=offsets_ps,
        recoveries=(
            Recovery(
                members=members,
                algorithm=algorithm,
                history_count=history_count,
                reset_ps=reset_ps,
            ),
        ),
    )
    return builder.plan()

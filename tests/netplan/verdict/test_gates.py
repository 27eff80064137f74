# SPDX-License-Identifier: Apache-2.0
"""The chart of gate lists: which bars are drawn where."""

from __future__ import annotations

import re

from netplan.plan.model import Egress
from netplan.tsn.mechanisms import GateEntry, GateList, GateOperation, PortRules, QueueRule
from netplan.verdict.gates import gate_chart, gated_ports
from support.small_plans import US, PlanBuilder


def gated(name: str, cycle_ps: int, *entries: GateEntry, base_ps: int = 0) -> Egress:
    queues = (QueueRule(express=False), QueueRule())
    gates = (GateList(base_ps=base_ps, cycle_ps=cycle_ps, entries=entries),)
    rules = PortRules(queues=queues, gates=gates, fragment_octets=64)
    return PlanBuilder().wire(name, queue_count=2, rules=rules).plan().egresses[0]


def bars(*ports: Egress) -> list[tuple[str, str]]:
    found = re.findall(r'class="(open|held)"><title>(.*?)</title>', str(gate_chart(ports)))
    return [(kind, text) for kind, text in found]


def test_windows_of_each_lane_in_every_cycle() -> None:
    # The list begins at 2 us: queue 1 alone until 3 us, then queue 0 until 12 us.
    port = gated(
        "a.p", 10 * US,
        GateEntry(duration_ps=1 * US, open_queues=2),
        GateEntry(duration_ps=9 * US, open_queues=1),
        base_ps=2 * US,
    )  # fmt: skip
    assert bars(port) == [
        ("open", "queue 1 open 2 us to 3 us"),
        ("open", "queue 0 open 0 ns to 2 us"),
        ("open", "queue 0 open 3 us to 10 us"),
    ]


def test_a_hold_is_pale_for_preemptable_queues_only() -> None:
    port = gated(
        "a.p", 10 * US,
        GateEntry(duration_ps=4 * US, open_queues=3, operation=GateOperation.RELEASE),
        GateEntry(duration_ps=1 * US, open_queues=3, operation=GateOperation.HOLD),
        GateEntry(duration_ps=1 * US, open_queues=3),
    )  # fmt: skip
    # The last entry lasts until the end of the cycle, and the hold with it.
    assert bars(port) == [
        ("open", "queue 1 open 0 ns to 10 us"),
        ("open", "queue 0 open 0 ns to 4 us"),
        ("held", "queue 0 held 4 us to 10 us"),
    ]


def test_cycles_that_differ_are_drawn_over_their_common_one() -> None:
    ports = [gated(f"{us}.p", us * US, GateEntry(duration_ps=US, open_queues=3)) for us in (4, 6)]
    chart = str(gate_chart(ports))
    assert "Gates of 2 ports over 12 us" in chart
    assert len(bars(*ports)) == 2  # open all the time: one bar each
    assert "queues 0-1" in chart


def test_longest_lists_come_first() -> None:
    plan = (
        PlanBuilder()
        .wire("a.p")
        .wire("b.p", queue_count=2, rules=gated("x.p", US, GateEntry(duration_ps=US, open_queues=1)).rules)
        .wire(
            "c.p", queue_count=2,
            rules=gated("x.p", US, *(GateEntry(duration_ps=US // 2, open_queues=1),) * 2).rules,
        )
        .plan()
    )  # fmt: skip
    assert [egress.name for egress in gated_ports(plan)] == ["c.p", "b.p"]

# SPDX-License-Identifier: Apache-2.0
"""Windows worked out before a run against the list of all executions, one by one."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.simulation.gate_windows import EVER_PS, Zone, zones_of
from netplan.tsn.mechanisms import GateEntry, GateList, GateOperation, PortRules, QueueRule
from support.reference_ports import Port
from support.small_plans import PlanBuilder

LONGEST_PS = 6
UNTIL_PS = 150


@st.composite
def port_rules(draw: st.DrawFn) -> PortRules:
    """Two queues, the lower one preemptable; times so small that everything meets everything."""
    bases_ps = sorted(draw(st.sets(st.integers(-20, 80), min_size=1, max_size=3)))
    return PortRules(
        queues=(QueueRule(express=False), QueueRule()),
        fragment_octets=64,
        hold_advance_ps=draw(st.integers(0, 12)),
        gates=tuple(
            GateList(
                base_ps=base_ps,
                cycle_ps=draw(st.integers(3, 25)),
                entries=tuple(
                    GateEntry(
                        duration_ps=draw(st.integers(1, 9)),
                        open_queues=draw(st.integers(0, 3)),
                        operation=draw(st.sampled_from(list(GateOperation))),
                    )
                    for _ in range(draw(st.integers(1, 4)))
                ),
                extension_ps=draw(st.integers(0, 30)),
            )
            for base_ps in bases_ps
        ),
    )


def window_at(zones: tuple[Zone, ...], which: int, time_ps: int) -> tuple[int, int] | None:
    """How long a window at a time goes on, and until when it closes."""
    (zone,) = (zone for zone in zones if zone.begin_ps <= time_ps < zone.end_ps)
    start_ps = zone.base_ps + (time_ps - zone.base_ps) // zone.cycle_ps * zone.cycle_ps
    for open_ps, stop_ps, close_ps in zone.slices[which]:
        if start_ps + open_ps <= time_ps < start_ps + stop_ps:
            return start_ps + stop_ps, start_ps + close_ps
    return None


@settings(max_examples=200)
@given(rules=port_rules())
def test_agree_with_every_execution(rules: PortRules) -> None:
    egress = PlanBuilder().wire("h.p", queue_count=2, rules=rules).egresses[0]
    port = Port(egress, -300, UNTIL_PS + 100)
    zones = zones_of(rules, LONGEST_PS)
    assert zones[0].begin_ps == -EVER_PS
    assert zones[-1].end_ps == EVER_PS
    assert all(a.end_ps == b.begin_ps for a, b in itertools.pairwise(zones))
    for time_ps in range(UNTIL_PS):
        held = port.is_held(time_ps)
        assert (window_at(zones, 4, time_ps) is None) == held
        for number, queue in enumerate(port.queues):
            is_open = port.is_open(queue, time_ps)
            assert (window_at(zones, 2 + number, time_ps) is not None) == is_open
            start = window_at(zones, number, time_ps)
            assert (start is not None) == (is_open and not (held and number == 0))
            if start is not None:
                closing_ps = port.closing_ps(queue, time_ps) or EVER_PS
                # What is further away than any frame takes counts as far enough.
                stop_ps, close_ps = start
                assert close_ps == closing_ps or stop_ps + LONGEST_PS <= close_ps <= closing_ps

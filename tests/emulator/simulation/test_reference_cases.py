# SPDX-License-Identifier: Apache-2.0
"""Published results of another simulator, INET 4.5.4, matched with its parameters.

Its conventions: payload, 8 UDP, 20 IP, 14 MAC and 4 FCS octets, padded to 64, and 4 with a tag;
8 octets of preamble before a frame and 12 of gap behind it; 10 m of cable take 50 ns; latency from
application to application, which on an idle port begins with the preamble.
"""

from __future__ import annotations

import itertools

import pytest

from emulator.simulation.run import simulate
from netplan.tsn.mechanisms import (
    GateEntry,
    GateList,
    NodeClock,
    PortRules,
    QueueRule,
    Selection,
    Synchronisation,
)
from support.small_plans import MBIT, NS, US, PlanBuilder, Step


@pytest.mark.parametrize(
    ("cut_through_octets", "latency_ns"),
    [
        # 3 links of 1,254 octets and 50 ns.
        pytest.param(None, 30_246, id="store and forward"),
        # One link of 1,254 octets; two bridges wait for 8 + 14 octets = 176 ns; 3 times 50 ns.
        pytest.param(14, 10_534, id="cut-through"),
    ],
)
def test_cut_through_showcase(cut_through_octets: int | None, latency_ns: int) -> None:
    """1,200 octets of UDP payload: 1,246 on the wire behind the preamble."""
    builder = PlanBuilder().wire("device1.p").wire("switch1.p").wire("switch2.p")
    builder.stream(
        "s",
        [
            Step(egress="device1.p", to="switch1"),
            Step(egress="switch1.p", to="switch2", cut_through_octets=cut_through_octets),
            Step(egress="switch2.p", to="device2", cut_through_octets=cut_through_octets),
        ],
        messages=((1246,),),
        period_ps=200 * US,
        phase_ps=0,
    )
    row = simulate(builder.plan(), seed=1, duration_ps=1000 * US).streams[0]
    assert row.frames == 5
    assert row.max_application_ps == latency_ns * NS


def test_gptp_and_gates_showcase() -> None:
    """10 octets of payload each ms over device1, switches 2, 1 and 6, and device4: four links.

    10 + 8 + 20 octets are padded to a frame of 64; 72 octets at 100 Mbit/s take 5,760 ns, so
    4 * (5,760 + 50) = 23,240 ns are the latency without any wait: the talker sends at each full
    millisecond, when the switches' gates open for 100 us; clocks that are synchronised to
    1 us or so do not make a frame miss them. A frame that meets a gate a little late waits for
    that little, as the talker here, whose clock may run ahead, so it sends 5 us after the opening.
    """
    port = PortRules(
        queues=(QueueRule(),) * 2,
        gates=(
            GateList(
                base_ps=0,
                cycle_ps=1000 * US,
                entries=(
                    GateEntry(duration_ps=100 * US, open_queues=1),
                    GateEntry(duration_ps=900 * US, open_queues=2),
                ),
            ),
        ),
    )
    nodes = ["device1", "switch2", "switch1", "switch6", "device4"]
    builder = PlanBuilder()
    for node in nodes[:-1]:
        is_switch = node.startswith("switch")
        builder.wire(
            f"{node}.p",
            line_bps=100 * MBIT,
            queue_count=2,
            rules=port if is_switch else None,
        )
    builder.stream(
        "s",
        [Step(egress=f"{node}.p", to=after, queue=0) for node, after in itertools.pairwise(nodes)],
        messages=((64,),),
        phase_ps=5 * US,
    )
    builder.synchronisation = Synchronisation(
        grandmaster="switch1",
        interval_ps=125_000 * US,
        clocks=tuple(
            NodeClock(
                node=node,
                parent=parent,
                error_ps=1 * US,
                drift_ppb=50_000,
                wander_ppb=100,
                timestamp_ps=8 * NS,
                asymmetry_ps=5 * NS,
                residence_ps=1000 * US,
            )
            for node, parent in (
                ("switch1", ""),
                ("switch2", "switch1"),
                ("switch6", "switch1"),
                ("device1", "switch2"),
                ("device4", "switch6"),
            )
        ),
    )
    evidence = simulate(builder.plan(), seed=1, duration_ps=1_000_000 * US)
    row = evidence.streams[0]
    assert row.frames == 1000
    assert row.max_application_ps == 23_240 * NS
    assert row.min_ps == row.max_ps == (23_240 - 640) * NS
    assert all(0 < clock.largest_error_ps < 1 * US for clock in evidence.clocks[1:])


def test_credit_based_shaper_validation() -> None:
    """Four talkers, a switch with 8 us of processing, two shaped queues, 100 Mbit/s, 1 s.

    INET compares itself with CoRE4INET within 1 % for least and largest latency, 7 % for the
    mean. Here credit falls while preamble, frame and gap occupy the wire, and the idle
    slopes there were chosen for these octets and one more. Best effort overloads the port and
    is dropped there; here it waits below the others, which does not change what they see.
    """
    streams = [
        # name, talker, frame octets, period in us, offset in ns, queue
        ("best effort", "s0", 1518, 125, 0, 0),
        ("medium", "s5", 322, 250, 1, 5),
        ("high", "s6", 322, 125, 0, 6),
        ("critical", "s7", 1522, 300, 0, 7),
    ]
    slopes_bps = {5: 10_976_000, 6: 21_952_000}
    queues = tuple(
        QueueRule(selection=Selection.CREDIT, idle_slope_bps=slopes_bps[queue])
        if queue in slopes_bps
        else QueueRule()
        for queue in range(8)
    )
    builder = PlanBuilder(processing_min_ps=8 * US, processing_max_ps=8 * US)
    builder.wire("switch.r", line_bps=100 * MBIT, rules=PortRules(queues=queues))
    for name, talker, octets, period_us, offset_ns, queue in streams:
        builder.wire(f"{talker}.p", line_bps=100 * MBIT)
        builder.stream(
            name,
            [
                Step(egress=f"{talker}.p", to="switch", queue=queue),
                Step(egress="switch.r", to="r", queue=queue),
            ],
            messages=((octets,),),
            period_ps=period_us * US,
            phase_ps=offset_ns * NS,
        )
    evidence = simulate(builder.plan(), seed=1, duration_ps=1_000_000 * US)
    inet_us = {
        1: (88.259, 247.2587, 535.939),
        2: (60.9, 161.3094, 307.26),
        3: (252.9, 298.4772, 375.78),
    }
    preamble_us = 0.64
    for index, (least_us, mean_us, largest_us) in inet_us.items():
        row = evidence.streams[index]
        assert row.min_ps is not None
        assert row.mean_ps is not None
        assert row.max_ps is not None
        assert row.lost == 0
        assert row.min_ps / US + preamble_us == pytest.approx(least_us, rel=0.01)
        assert row.mean_ps / US + preamble_us == pytest.approx(mean_us, rel=0.07)
        assert row.max_ps / US + preamble_us == pytest.approx(largest_us, rel=0.01)

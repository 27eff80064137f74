# SPDX-License-Identifier: Apache-2.0
"""Published results of other simulators, as plans with the values that they are to come to.

INET 4.5.4, in its conventions: payload, 8 UDP, 20 IP, 14 MAC and 4 FCS octets, padded to 64; 8
octets of preamble before a frame and 12 of gap behind it; 10 m of cable take 50 ns; latency from
application to application, which on an idle port begins with the preamble.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.bench.plans import Wires
from emulator.simulation.run import simulate
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import (
    GateEntry,
    GateList,
    NodeClock,
    PortRules,
    QueueRule,
    Selection,
    Synchronisation,
)
from netplan.verdict.evidence import SimulatedEvidence, StreamObservation

_NS = 1_000
_US = 1_000_000
_SECOND_PS = 10**12
_MBIT = 10**6
_PREAMBLE_PS = 640 * _NS
"""At 100 Mbit/s; INET counts it, ours begins behind it where latency is from port to port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One value of a case.

    Attributes:
        what: Of what.
        measured_ps: Here.
        published_ps: There.
        within_ratio: How far they may be apart; 0 where everything is determined.
    """

    what: str
    measured_ps: float
    published_ps: float
    within_ratio: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether they are near enough."""
        return abs(self.measured_ps - self.published_ps) <= self.within_ratio * self.published_ps


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A published case.

    Attributes:
        name: As INET calls it.
        plan: What is simulated.
        duration_ps: For how long.
        checks: What is to come out.
    """

    name: str
    plan: Plan
    duration_ps: int
    checks: Callable[[SimulatedEvidence], tuple[Check, ...]]

    def run(self) -> tuple[Check, ...]:
        """Simulate and compare."""
        return self.checks(simulate(self.plan, seed=1, duration_ps=self.duration_ps))


def cases() -> tuple[Case, ...]:
    """All of them."""
    return (
        _cut_through(None, 30_246, "store and forward"),
        _cut_through(14, 10_534, "cut-through"),
        _gates_on_clocks(),
        _credit_based(),
    )


def _cut_through(cut_through_octets: int | None, latency_ns: int, how: str) -> Case:
    """1,200 octets of UDP payload, 1,246 on the wire behind the preamble, over three links.

    Stored: 3 links of 1,254 octets and 50 ns. Cut through: one link of 1,254 octets, two bridges
    that wait for 8 + 14 octets (176 ns), 3 times 50 ns.
    """
    wires = Wires(propagation_ps=50 * _NS)
    ports = ("device1.p", "switch1.p", "switch2.p")
    for name in ports:
        wires.port(name, line_bps=10**9)
    wires.stream(
        "s",
        ports,
        "device2",
        frame_octets=1246,
        period_ps=200 * _US,
        phase_ps=0,
        cut_through_octets=cut_through_octets,
    )

    def checks(seen: SimulatedEvidence) -> tuple[Check, ...]:
        return (_application(seen.streams[0], how, latency_ns),)

    return Case(name="cut-through", plan=wires.plan(), duration_ps=1000 * _US, checks=checks)


def _gates_on_clocks() -> Case:
    """10 octets of payload each ms over device1, switches 2, 1 and 6, and device4: four links.

    10 + 8 + 20 octets are padded to a frame of 64; 72 octets at 100 Mbit/s take 5,760 ns, so
    4 * (5,760 + 50) = 23,240 ns are the latency without any wait: the switches' gates open at each
    full millisecond for 100 us. A frame that meets a gate a little late waits for that little, as
    the talker here, whose clock may run ahead, so it sends 5 us after the opening.
    """
    entries = (
        GateEntry(duration_ps=100 * _US, open_queues=1),
        GateEntry(duration_ps=900 * _US, open_queues=2),
    )
    gates = GateList(base_ps=0, cycle_ps=1000 * _US, entries=entries)
    wires = Wires(propagation_ps=50 * _NS)
    nodes = ("device1", "switch2", "switch1", "switch6")
    for node in nodes:
        gated = (gates,) if node.startswith("switch") else ()
        rules = PortRules(queues=(QueueRule(),) * 2, gates=gated)
        wires.port(f"{node}.p", line_bps=100 * _MBIT, rules=rules)
    ports = tuple(f"{node}.p" for node in nodes)
    wires.stream("s", ports, "device4", frame_octets=64, period_ps=1000 * _US, phase_ps=5 * _US)
    parents = {
        "switch1": "", "switch2": "switch1", "switch6": "switch1", "device1": "switch2",
        "device4": "switch6",
    }  # fmt: skip
    clocks = tuple(
        NodeClock(
            node=node,
            parent=parent,
            error_ps=1 * _US,
            drift_ppb=50_000,
            wander_ppb=100,
            timestamp_ps=8 * _NS,
            asymmetry_ps=5 * _NS,
            residence_ps=1000 * _US,
        )
        for node, parent in parents.items()
    )
    wires.synchronisation = Synchronisation(
        grandmaster="switch1", interval_ps=125_000 * _US, clocks=clocks
    )

    def checks(seen: SimulatedEvidence) -> tuple[Check, ...]:
        return (_application(seen.streams[0], "gates on synchronised clocks", 23_240),)

    return Case(name="gPTP and gates", plan=wires.plan(), duration_ps=_SECOND_PS, checks=checks)


def _credit_based() -> Case:
    """Four talkers, a switch with 8 us of processing, two shaped queues, 100 Mbit/s, 1 s.

    INET holds itself against CoRE4INET within 1 % for least and largest latency, 7 % for the
    mean. Here credit falls while preamble, frame and gap occupy the wire, and the idle
    slopes there were chosen for these octets and one more. Best effort overloads the port and
    is dropped there; here it waits below the others, which does not change what they see.
    """
    slopes_bps = {5: 10_976_000, 6: 21_952_000}
    queues = tuple(
        QueueRule(selection=Selection.CREDIT, idle_slope_bps=slopes_bps[queue])
        if queue in slopes_bps
        else QueueRule()
        for queue in range(8)
    )
    wires = Wires(propagation_ps=50 * _NS, processing_ps=8 * _US)
    wires.port("switch.r", line_bps=100 * _MBIT, rules=PortRules(queues=queues))
    # name, talker, frame octets, period in us, offset in ns, queue; least, mean, largest in us
    rows = (
        ("best effort", "s0", 1518, 125, 0, 0, ()),
        ("medium", "s5", 322, 250, 1, 5, (88.259, 247.2587, 535.939)),
        ("high", "s6", 322, 125, 0, 6, (60.9, 161.3094, 307.26)),
        ("critical", "s7", 1522, 300, 0, 7, (252.9, 298.4772, 375.78)),
    )
    for name, talker, octets, period_us, offset_ns, queue, _ in rows:
        wires.port(f"{talker}.p", line_bps=100 * _MBIT)
        wires.stream(
            name,
            (f"{talker}.p", "switch.r"),
            "r",
            frame_octets=octets,
            period_ps=period_us * _US,
            phase_ps=offset_ns * _NS,
            queue_index=queue,
        )

    def checks(seen: SimulatedEvidence) -> tuple[Check, ...]:
        found: list[Check] = []
        for row, (name, *_, published_us) in zip(seen.streams, rows, strict=True):
            values_ps = (row.min_ps, row.mean_ps, row.max_ps)
            limits = (("least", 0.01), ("mean", 0.07), ("largest", 0.01))
            for (what, ratio), value_ps, value_us in zip(
                limits, values_ps, published_us or (), strict=bool(published_us)
            ):
                assert value_ps is not None
                found.append(
                    Check(
                        what=f"{name}, {what}",
                        measured_ps=value_ps + _PREAMBLE_PS,
                        published_ps=value_us * _US,
                        within_ratio=ratio,
                    )
                )
        return tuple(found)

    return Case(
        name="credit-based shaper", plan=wires.plan(), duration_ps=_SECOND_PS, checks=checks
    )


def _application(row: StreamObservation, what: str, published_ns: int) -> Check:
    assert row.max_application_ps is not None
    return Check(what=what, measured_ps=row.max_application_ps, published_ps=published_ns * _NS)

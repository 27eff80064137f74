# SPDX-License-Identifier: Apache-2.0
"""Bounds on networks of the kinds that other tools were measured on, and on large ones, timed."""

from __future__ import annotations

import time
from dataclasses import dataclass

from emulator.bench.evidence import planned
from emulator.bench.host import large_design
from emulator.bench.plans import Wires
from netplan.bounds.analysis import Method, bound
from netplan.bounds.fluid.analysis import fluid_bounds
from netplan.plan.fluid import FluidNetwork
from netplan.plan.model import Plan

_US = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidRun:
    """Fluid bounds of a network.

    Attributes:
        bounds_us: By flow; None where there is none.
        cpu_s: Processor time.
        methods: Those that gave the lowest bound of some flow.
    """

    bounds_us: dict[str, float | None]
    cpu_s: float
    methods: tuple[str, ...]

    @property
    def largest_us(self) -> float | None:
        """Over all flows; None when one has no bound."""
        known = [one for one in self.bounds_us.values() if one is not None]
        return max(known) if len(known) == len(self.bounds_us) else None


def fluid(network: FluidNetwork) -> FluidRun:
    """Bound every flow of a fluid network."""
    before_s = time.process_time()
    rows = fluid_bounds(network)
    return FluidRun(
        bounds_us={
            row.flow: None if row.bound_ps is None else float(row.bound_ps) / _US for row in rows
        },
        cpu_s=time.process_time() - before_s,
        methods=tuple(dict.fromkeys(row.method for row in rows)),
    )


def afdx_plan() -> Plan:
    """The five-link sample: 500 octets at 100 Mbit/s, 16 us per switch, nothing else counts.

    Source: Bauer, Scharbarg, Fraboul, Applying and optimizing trajectory approach for performance
    evaluation of AFDX avionics network (2009), figure 1.
    """
    wires = Wires(processing_ps=16 * _US, lead_octets=0, tail_octets=0)
    for name in (*(f"e{index}.p1" for index in range(1, 6)), "s1.p3", "s2.p3", "s3.p6", "s3.p7"):
        wires.port(name, line_bps=100 * 10**6)
    for name, switch, end in (
        ("v1", "s1", 6), ("v2", "s1", 6), ("v3", "s2", 6), ("v4", "s2", 6), ("v5", "s2", 7),
    ):  # fmt: skip
        ports = (f"e{name[1]}.p1", f"{switch}.p3", f"s3.p{end}")
        wires.stream(name, ports, f"e{end}", frame_octets=500, period_ps=4000 * _US)
    return wires.plan()


def afdx_us() -> dict[str, float]:
    """Packetised bounds of the sample."""
    plan = afdx_plan()
    return {
        plan.streams[row.stream_index].name: (row.bound_ps or 0) / _US
        for row in bound(plan).streams
    }


def large_network(stream_count: int = 10_000) -> tuple[int, int, float]:
    """Packetised total flow analysis of 1,000 nodes in a ring of stars.

    Returns:
        Streams, those with a bound, and processor seconds for the bounds alone.
    """
    plan = planned({"design.yaml": large_design(streams=stream_count)})
    before_s = time.process_time()
    proof = bound(plan, (Method.TFA,))
    cpu_s = time.process_time() - before_s
    return len(proof.streams), sum(row.bound_ps is not None for row in proof.streams), cpu_s

# SPDX-License-Identifier: Apache-2.0
"""The five-link AFDX sample of the literature, whose true worst cases are known.

Source: Bauer, Scharbarg, Fraboul, Applying and optimizing trajectory approach for performance
evaluation of AFDX avionics network (2009), figure 1.
"""

from __future__ import annotations

import pytest

from netplan.bounds.analysis import bound
from netplan.media.interface import ServiceCurve, WireMechanism
from netplan.plan.model import Egress, Plan
from support.small_plans import MBIT, US, PlanBuilder

# 500 octets at 100 Mb/s take 40 us; a switch takes 16 us. By hand, v1 (and v2) at worst:
#   e1: 40; S1: 16, wait for v2 40, own 40; S3: 16, wait for v3 and v4 80, own 40: 272 us.
# v3 (and v4): e3: 40; S2: 16, wait for v4 and v5 80, own 40; S3: 16, wait for v1 and v2 80,
#   own 40: 312 us. v5: e5: 40; S2: 16, wait for v3 and v4 80, own 40; S3: 16, own 40: 232 us.
TRUE_US = {"v1": 272, "v2": 272, "v3": 312, "v4": 312, "v5": 232}
# Total flow analysis with shaping and packetiser as published (fluid token buckets).
PUBLISHED_US = {"v1": 276.02, "v2": 276.02, "v3": 316.43, "v4": 316.43, "v5": 232.81}


def pure_wire(name: str) -> Egress:
    """A wire of 100 Mb/s that counts nothing but the frame."""
    node, port = name.split(".")
    return Egress(
        name=name,
        node=node,
        port=port,
        medium="copper",
        queue_count=1,
        buffer_octets=None,
        mechanism=WireMechanism(line_bps=100 * MBIT, lead_octets=0, tail_octets=0),
        service=ServiceCurve(rate_bps=100 * MBIT, latency_ps=0, source="line rate"),
    )


def afdx() -> Plan:
    builder = PlanBuilder(propagation_ps=0, processing_min_ps=16 * US, processing_max_ps=16 * US)
    names = [*(f"e{index}.p1" for index in range(1, 6)), "s1.p3", "s2.p3", "s3.p6", "s3.p7"]
    builder.egresses = [pure_wire(name) for name in names]
    for name, switch, end in [
        ("v1", "s1", 6),
        ("v2", "s1", 6),
        ("v3", "s2", 6),
        ("v4", "s2", 6),
        ("v5", "s2", 7),
    ]:
        route = [(f"e{name[1]}.p1", switch), (f"{switch}.p3", "s3"), (f"s3.p{end}", f"e{end}")]
        builder.stream(name, route, messages=((500,),), period_ps=4000 * US)
    return builder.plan()


@pytest.mark.parametrize("index", range(5))
def test_lies_between_the_true_worst_case_and_the_published_bound(index: int) -> None:
    plan = afdx()
    name = plan.streams[index].name
    bound_ps = bound(plan).streams[index].bound_ps
    assert bound_ps is not None
    assert TRUE_US[name] * US <= bound_ps <= PUBLISHED_US[name] * US


def test_is_exact_on_this_network() -> None:
    plan = afdx()
    rows = bound(plan).streams
    assert [row.bound_ps for row in rows] == [TRUE_US[stream.name] * US for stream in plan.streams]

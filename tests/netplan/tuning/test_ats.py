# SPDX-License-Identifier: Apache-2.0
"""Rates and bursts of asynchronous shapers: no others than the planned ones lower a bound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netplan.bounds.analysis import bound
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import AtsScheduler
from support.small_designs import HEAD, planned

LINE = f"""{HEAD}tsn: {{classes: [{{pcp: [5], shaper: asynchronous}}]}}
nodes:
  a: {{is: plc}}
  b: {{is: plc}}
  c: {{is: plc}}
  d: {{is: plc}}
  sw1: {{is: tsn-bridge}}
  sw2: {{is: tsn-bridge}}
  sw3: {{is: tsn-bridge}}
  srv: {{is: server, model: generic-server-1g}}
links:
  - {{between: [a.p1, sw1.p1], medium: cat6a, length: 10 m}}
  - {{between: [b.p1, sw1.p2], medium: cat6a, length: 10 m}}
  - {{between: [c.p1, sw2.p2], medium: cat6a, length: 10 m}}
  - {{between: [d.p1, sw3.p2], medium: cat6a, length: 10 m}}
  - {{between: [sw1.p8, sw2.p1], medium: cat6a, length: 10 m, rate: 100 Mbit/s}}
  - {{between: [sw2.p8, sw3.p1], medium: cat6a, length: 10 m, rate: 100 Mbit/s}}
  - {{between: [sw3.p8, srv.p1], medium: cat6a, length: 10 m, rate: 100 Mbit/s}}
streams:
  sa: {{from: a, to: srv, burst: 4 kB, every: 2 ms, pcp: 5, deadline: 5 ms}}
  sb: {{from: b, to: srv, size: 300 B, every: 500 us, jitter: 100 us, pcp: 5, deadline: 5 ms}}
  sc: {{from: c, to: srv, burst: 3 kB, every: 1 ms, sporadic: true, pcp: 5, deadline: 5 ms}}
  sd: {{from: d, to: srv, size: 1000 B, every: 1 ms, pcp: 3, deadline: 5 ms}}
"""


def changed(plan: Plan, rate_ratio: float, more_octets: int) -> Plan:
    """The plan with faster schedulers, or with larger bursts."""

    def faster(one: AtsScheduler) -> AtsScheduler:
        return replace(
            one,
            committed_bps=round(one.committed_bps * rate_ratio),
            committed_burst_octets=one.committed_burst_octets + more_octets,
        )

    streams = []
    for stream in plan.streams:
        hops = []
        for hop in stream.hops:
            reception = hop.reception
            if reception is not None and reception.scheduler is not None:
                reception = replace(reception, scheduler=faster(reception.scheduler))
            hops.append(replace(hop, reception=reception))
        streams.append(replace(stream, hops=tuple(hops)))
    return replace(plan, streams=tuple(streams))


@pytest.mark.parametrize(
    ("rate_ratio", "more_octets"), [(1.1, 0), (2.0, 0), (10.0, 0), (1.0, 100), (1.5, 3000)]
)
def test_contract_rate_and_least_burst_are_best(
    tmp_path: Path, rate_ratio: float, more_octets: int
) -> None:
    plan = planned(tmp_path, LINE)
    as_planned = bound(plan).streams
    otherwise = bound(changed(plan, rate_ratio, more_octets)).streams
    assert any(hop.reception for stream in plan.streams for hop in stream.hops)
    for one, other in zip(as_planned, otherwise, strict=True):
        assert one.bound_ps is not None
        assert other.bound_ps is None or one.bound_ps <= other.bound_ps

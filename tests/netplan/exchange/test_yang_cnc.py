# SPDX-License-Identifier: Apache-2.0
"""Streams for a CNC: requests by hand, and what a bound makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from netplan.exchange.export import export, export_with_findings
from netplan.plan.model import Plan
from netplan.verdict.evidence import BoundEvidence, StreamBound
from support.scheduled_plans import MS, end_to_end_plan, gated_plan, redundant_plan
from support.small_plans import NS, US, PlanBuilder


def proven(
    *bounds_ps: int | None, talker_wait_ps: int = 0, exceedance_probability: float = 0.0
) -> BoundEvidence:
    """One listener for each stream."""
    return BoundEvidence(
        design_hash="0" * 64,
        method="test",
        streams=tuple(
            StreamBound(
                stream_index=index,
                listener_index=0,
                bound_ps=bound_ps,
                talker_wait_ps=talker_wait_ps,
                minimum_ps=0,
                exceedance_probability=exceedance_probability,
                hops=(),
                loss_free=True,
            )
            for index, bound_ps in enumerate(bounds_ps)
        ),
        egresses=(),
        chains=(),
        assumptions=(),
    )


def streams(plan: Plan, bound: BoundEvidence | None = None) -> list[dict[str, Any]]:
    parsed = json.loads(export(plan, bound)["cnc/streams.json"])
    (domain,) = parsed["ieee802-dot1q-cnc-config:cnc-config"]["domain"]
    found: list[dict[str, Any]] = domain["cuc"][0]["stream"]
    return found


def test_a_time_aware_talker_by_hand() -> None:
    motion = streams(gated_plan())[0]
    # node 1, port 1, stream 1
    assert motion["stream-id"] == "02-00-00-00-01-01:00-01"
    talker = motion["talker"]
    # the frame begins 8 octets of preamble after its phase of 20 us: 64 ns at 1 Gbit/s
    assert talker["traffic-specification"] == {
        "interval": {"numerator": 1, "denominator": 2000},
        "max-frames-per-interval": 1,
        "max-frame-size": 178,
        "transmission-selection": 0,
        "time-aware": {
            "earliest-transmit-offset": 20_064,
            "latest-transmit-offset": 20_064,
            "jitter": 0,
        },
    }
    (interface,) = talker["interface-configuration"]["interface-list"]
    assert interface["config-list"] == [{"index": 0, "time-aware-offset": 20_064}]
    # 150 us to the last octet: 1.6 us less to the first (200 octets), counted from the interval
    (listener,) = motion["listener"]
    assert listener["user-to-network-requirements"] == {
        "num-seamless-trees": 1,
        "max-latency": 150_000 - 1_600 + 20_064,
    }
    assert "stream-status" not in motion


def test_a_talker_without_phase_by_hand() -> None:
    vision = streams(gated_plan())[1]
    specification = vision["talker"]["traffic-specification"]
    # three frames each 10 ms, up to 0.1 ms late: never more than three in any 9.9 ms
    assert specification["interval"] == {"numerator": 99, "denominator": 10_000}
    assert specification["max-frames-per-interval"] == 3
    assert specification["max-frame-size"] == 1_000
    assert "time-aware" not in specification
    assert "interface-configuration" not in vision["talker"]
    # no deadline: the leaf is left out, and told
    assert vision["listener"][0]["user-to-network-requirements"] == {"num-seamless-trees": 1}
    codes = {finding.code for finding in export_with_findings(gated_plan()).findings}
    assert "EXPORT-NO-DEADLINE" in codes


def test_the_status_tells_proven_latencies() -> None:
    # motion's last octet arrives within 100 us: its first within 98.4 us, and 20.064 us of offset
    motion, vision = streams(gated_plan(), proven(100 * US, 2 * MS))
    assert motion["listener"][0]["accumulated-latency"] == 98_400 + 20_064
    assert motion["talker"]["accumulated-latency"] == 98_400 + 20_064
    assert motion["stream-status"] == "configured"
    assert motion["status-info"] == {
        "talker-status": "ready",
        "listener-status": "ready",
        "failure-code": 0,
    }
    # any of vision's frames may be the late one, so that only the smallest, 522 octets, is taken off
    assert vision["listener"][0]["accumulated-latency"] == 2_000_000 - 4_176


def test_a_bound_above_the_deadline_fails_the_stream() -> None:
    motion, vision = streams(gated_plan(), proven(150 * US + 1, 2 * MS))
    # 46-15: MaxLatency exceeded
    assert motion["status-info"] == {
        "talker-status": "ready",
        "listener-status": "failed",
        "failure-code": 21,
    }
    assert vision["status-info"]["failure-code"] == 0


def test_waiting_in_the_talker_makes_the_offset_later() -> None:
    motion, _ = streams(gated_plan(), proven(100 * US, 2 * MS, talker_wait_ps=3 * US + 1))
    aware = motion["talker"]["traffic-specification"]["time-aware"]
    assert (aware["earliest-transmit-offset"], aware["latest-transmit-offset"]) == (20_064, 23_065)
    assert motion["listener"][0]["accumulated-latency"] == 98_400 + 23_065


def test_what_is_not_proven_stays_planned() -> None:
    bound = proven(None, 2 * MS, exceedance_probability=1e-6)
    motion, vision = streams(gated_plan(), bound)
    assert motion["stream-status"] == "planned"
    assert "status-info" not in motion
    assert "accumulated-latency" not in motion["listener"][0]
    assert vision["stream-status"] == "configured"
    codes = {finding.code for finding in export_with_findings(gated_plan(), bound).findings}
    assert "EXPORT-PROBABILITY" in codes


def test_redundant_streams_ask_for_trees() -> None:
    (stream,) = streams(end_to_end_plan())
    assert stream["talker"]["user-to-network-requirements"]["num-seamless-trees"] == 2
    names = [one["interface-name"] for one in stream["talker"]["end-station-interfaces"]]
    assert names == ["p1", "p2"]
    names = [one["interface-name"] for one in stream["listener"][0]["end-station-interfaces"]]
    assert names == ["p0", "p2"]
    (stream,) = streams(redundant_plan())
    assert len(stream["listener"][0]["end-station-interfaces"]) == 1


@pytest.mark.parametrize(
    ("jitter_ps", "interval", "frames"),
    [
        (0, (1, 1000), 2),
        (250 * US, (3, 4000), 2),
        # two messages may come together from a delay of a period on, three from two periods
        (1000 * US, (1, 1000), 4),
        (1500 * US, (1, 1000), 6),
    ],
)
def test_jitter_tightens_the_contract(
    jitter_ps: int, interval: tuple[int, int], frames: int
) -> None:
    builder = PlanBuilder().wire("t.p1")
    builder.stream("s", [("t.p1", "l")], messages=((100, 100), (90,)), jitter_ps=jitter_ps)
    (stream,) = streams(builder.plan())
    specification = stream["talker"]["traffic-specification"]
    assert tuple(specification["interval"].values()) == interval
    assert specification["max-frames-per-interval"] == frames


def test_a_pattern_counts_as_a_whole() -> None:
    builder = PlanBuilder().wire("t.p1")
    builder.stream(
        "s",
        [("t.p1", "l")],
        messages=((100, 100), (90,)),
        offsets_ps=(0, 10 * NS),
        phase_ps=0,
        scheduled=True,
    )
    plan = builder.plan()
    (stream,) = streams(plan)
    assert stream["talker"]["traffic-specification"]["max-frames-per-interval"] == 3
    assert "EXPORT-OFFSETS" in {one.code for one in export_with_findings(plan).findings}


def test_deadlines_beyond_the_field() -> None:
    plan = gated_plan()
    for limit_ps, expected_ns, code in (
        (10**13, 2**32 - 1, "EXPORT-DEADLINE"),
        (1, 18_464, None),
    ):
        changed = replace(plan, targets=(replace(plan.targets[0], limit=float(limit_ps)),))
        listener = streams(changed)[0]["listener"][0]
        assert listener["user-to-network-requirements"]["max-latency"] == expected_ns
        codes = {finding.code for finding in export_with_findings(changed).findings}
        assert code is None or code in codes

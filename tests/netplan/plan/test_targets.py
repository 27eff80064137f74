# SPDX-License-Identifier: Apache-2.0
"""Targets of streams, relations, chains and offers, and the rest that an offer leaves to test."""

from __future__ import annotations

from pathlib import Path

import pytest

from netplan.plan.model import ChainStage, Plan, Target
from support.small_designs import LINE, found_in, line_of, planned, stream_of, the

MS = 10**9
TASKS = LINE.replace(
    "{is: plc}", "{is: plc, tasks: {motion: {cycle: 1 ms, phase: 300 us, work: 200 us}}}"
)
RELATION = (
    "relations: {r: {controller: plc, device: srv, protocol: profinet-rt, out: 1 B, in: 1 B, "
)


def summary(plan: Plan) -> list[tuple[str, str, str, str, float]]:
    return [
        (one.subject, one.direction, one.quantity, one.statistic, one.limit) for one in plan.targets
    ]


def test_a_stream_s_deadline_and_variation_at_each_listener(tmp_path: Path) -> None:
    text = LINE + (
        "streams: {x: {from: plc, to: [srv, sw], size: 1 B, every: 1 ms, deadline: 250 us,"
        " variation: 10 us, statistic: p99.9, measured: application}}\n"
    )
    plan = planned(tmp_path, text)
    first = plan.targets[0]
    assert first == Target(
        subject="x", subject_kind="stream", stream_index=0, listener_index=0, chain_index=-1,
        listener="srv", direction="", quantity="latency", statistic="p99.9", limit=250_000_000,
        unit="ps", application=True,
    )  # fmt: skip
    assert [(one.listener, one.listener_index, one.quantity) for one in plan.targets] == [
        *(("srv", 0, "latency"), ("srv", 0, "variation")),
        *(("sw", 1, "latency"), ("sw", 1, "variation")),
    ]


def test_a_stream_without_deadline_has_no_target(tmp_path: Path) -> None:
    text = LINE + "streams: {x: {from: plc, to: srv, size: 1 B, every: 1 ms}}\n"
    assert planned(tmp_path, text).targets == ()


def test_usual_targets_of_a_relation(tmp_path: Path) -> None:
    """PROFINET RT: a value counts for 3 updates, the watchdog trips after 3; here 2 ms x 4 = 8 ms."""
    plan = planned(tmp_path, LINE + RELATION + "cycle: 2 ms, reduction: 4}}\n")
    assert summary(plan) == [
        ("r", "forward", "latency", "max", 24 * MS),
        ("r", "forward", "update interval", "max", 24 * MS),
        ("r", "reverse", "latency", "max", 24 * MS),
        ("r", "reverse", "update interval", "max", 24 * MS),
    ]
    assert [one.listener for one in plan.targets] == ["srv", "srv", "plc", "plc"]
    assert [one.period_ps for one in plan.targets] == [0, 8 * MS, 0, 8 * MS]


def test_what_a_relation_states_replaces_what_is_usual(tmp_path: Path) -> None:
    plan = planned(tmp_path, LINE + RELATION + "cycle: 2 ms, deadline: 1 ms, watchdog: 5}}\n")
    assert [limit for *_, limit in summary(plan)] == [1 * MS, 10 * MS] * 2


def test_a_chain_is_streams_and_tasks(tmp_path: Path) -> None:
    """From srv -(in)-> motion task in plc -(out)-> srv: the relation of both gives both streams."""
    text = (
        TASKS
        + RELATION
        + "cycle: 1 ms}}\nchains: {c: {path: [srv, 'plc:motion', srv], within: 4 ms}}\n"
    )
    plan = planned(tmp_path, text)
    names = [stream.name for stream in plan.streams]
    (chain,) = plan.chains
    assert chain.stages == (
        ChainStage(
            stream_index=names.index("r.in"), listener_index=0,
            task_cycle_ps=MS, task_phase_ps=300_000_000, task_work_ps=200_000_000,
        ),
        ChainStage(
            stream_index=names.index("r.out"), listener_index=0,
            task_cycle_ps=0, task_phase_ps=None, task_work_ps=0,
        ),
    )  # fmt: skip
    (target,) = (one for one in plan.targets if one.subject_kind == "chain")
    assert (target.quantity, target.limit, target.listener) == ("reaction time", 4 * MS, "srv")
    assert (target.stream_index, target.chain_index) == (-1, 0)


TWO_STREAMS = TASKS + (
    "streams:\n"
    "  fast: {from: srv, to: plc, size: 1 B, every: 1 ms}\n"
    "  slow: {from: srv, to: [sw, plc], size: 1 B, every: 9 ms}\n"
)


@pytest.mark.parametrize(("via", "index", "listener"), [("fast", 0, 0), ("slow", 1, 1)])
def test_a_chain_names_its_streams_where_more_than_one_would_do(
    tmp_path: Path, via: str, index: int, listener: int
) -> None:
    chain = f"chains: {{c: {{path: [srv, 'plc:motion'], via: [{via}], within: 4 ms}}}}\n"
    (planned_chain,) = planned(tmp_path, TWO_STREAMS + chain).chains
    (stage,) = planned_chain.stages
    assert (stage.stream_index, stage.listener_index) == (index, listener)
    assert stage.task_cycle_ps == MS


def test_a_chain_that_is_not_clear(tmp_path: Path) -> None:
    text = TWO_STREAMS + "chains: {c: {path: [srv, 'plc:motion'], within: 4 ms}}\n"
    finding = the(found_in(tmp_path, text), "CHAIN-STREAM")
    assert (line_of(finding), finding.path, finding.found) == (13, "chains.c.path[1]", "fast, slow")
    assert finding.hint == "name one stream per step under 'via'"


OFFER = """\
offers:
  o:
    between: [plc.p1, srv.p1]
    cir: {rate: 10 Mbit/s, layer: ethernet}
    frame: 1000 B
    delay: {limit: 5 ms, statistic: p99, over: 15 min}
    variation: {limit: 1 ms, statistic: p99.9, over: 15 min}
    loss: {limit: 1e-4, over: 1 d}
    availability: 99.9 %
"""


def test_targets_of_an_offer(tmp_path: Path) -> None:
    plan = planned(tmp_path, LINE + OFFER)
    one_way = [
        ("rate", "mean", 10_000_000, "bps", 0),
        ("latency", "p99", 5 * MS, "ps", 900 * 10**12),
        ("variation", "p99.9", 1 * MS, "ps", 900 * 10**12),
        ("loss", "ratio", 1e-4, "ratio", 86_400 * 10**12),
        ("availability", "ratio", 0.999, "ratio", 0),
    ]
    for direction, listener in (("forward", "srv"), ("reverse", "plc")):
        found = [one for one in plan.targets if one.direction == direction]
        assert [
            (one.quantity, one.statistic, one.limit, one.unit, one.period_ps) for one in found
        ] == one_way
        assert {one.listener for one in found} == {listener}


def test_an_unused_offer_is_tested_at_its_full_rate(tmp_path: Path) -> None:
    """1000 octets = 8000 bit at 10 Mbit/s: every 800 us."""
    plan = planned(tmp_path, LINE + OFFER)
    for name in ("o.forward", "o.reverse"):
        assert stream_of(plan, name).emission.period_ps == 800_000_000


def test_the_plant_s_own_streams_are_part_of_the_committed_rate(tmp_path: Path) -> None:
    """130 B over UDP is 200 octets: every 400 us 4 Mbit/s; 6 Mbit/s are left, 8000 bit every 4/3 ms.

    The other direction carries nothing of the plant's and stays as it was.
    """
    flow = "streams: {x: {from: plc, to: srv, size: 130 B, every: 400 us}}\n"
    plan = planned(tmp_path, LINE + flow + OFFER)
    assert stream_of(plan, "o.forward").emission.period_ps == 1_333_333_334  # rounded up
    assert stream_of(plan, "o.reverse").emission.period_ps == 800_000_000


def test_streams_that_do_not_pass_the_whole_offer_do_not_count(tmp_path: Path) -> None:
    flow = "streams: {x: {from: plc, to: sw, size: 130 B, every: 400 us}}\n"
    plan = planned(tmp_path, LINE + flow + OFFER)
    assert stream_of(plan, "o.forward").emission.period_ps == 800_000_000


@pytest.mark.parametrize(("every", "exceeded"), [("161 us", False), ("160 us", True)])
def test_more_than_was_ordered(tmp_path: Path, every: str, exceeded: bool) -> None:
    """1600 bit every 160 us are the whole 10 Mbit/s: nothing is left to test."""
    flow = f"streams: {{x: {{from: plc, to: srv, size: 130 B, every: {every}}}}}\n"
    findings = [one for one in found_in(tmp_path, LINE + flow + OFFER) if one.severity == "error"]
    assert [one.code for one in findings] == ["OFFER-EXCEEDED"] * exceeded
    if exceeded:
        assert (line_of(findings[0]), findings[0].path) == (14, "offers.o.cir.rate")
        assert findings[0].found == "10 Mbit/s"

# SPDX-License-Identifier: Apache-2.0
"""Who gives time to whom, where the grandmaster stands best, what its failure costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netplan.catalog.loader import Catalog
from netplan.catalog.model import Device
from netplan.tsn.grandmaster_failure import grandmaster_failure
from netplan.tsn.synchronisation import best_grandmaster, synchronise
from netplan.tsn.time_tree import TimeLink, elected, time_link, time_node, time_tree
from support.time_chains import chain


def test_the_best_master_clock_is_the_least_in_order_of_what_it_announces() -> None:
    nodes, _ = chain(3)
    assert elected(nodes.values()) == "n00"  # all alike: identity
    nodes["n02"] = replace(nodes["n02"], announced=(246, 6, 248))  # locked to a reference
    assert elected(nodes.values()) == "n02"
    nodes["n03"] = replace(nodes["n03"], announced=(245, 248, 248))
    assert elected(nodes.values()) == "n03"
    nodes["n03"] = replace(nodes["n03"], eligible=False)
    assert elected(nodes.values()) == "n02"
    assert elected(replace(node, eligible=False) for node in nodes.values()) is None


def test_the_tree_takes_fewest_steps_and_then_the_lower_identity() -> None:
    nodes, links = chain(4)
    links.append(TimeLink(ends=("n04", "n00")))  # a ring of five
    links.append(TimeLink(ends=("n04", "elsewhere")))
    steps = {step.node: (step.parent, step.hops_count) for step in time_tree(nodes, links, "n00")}
    assert steps == {
        "n00": ("", 0),
        "n01": ("n00", 1),
        "n04": ("n00", 1),
        "n02": ("n01", 2),
        "n03": ("n04", 2),
    }
    # a node between two of one level takes the sender with the lower identity
    links.append(TimeLink(ends=("n01", "n03")))
    parents = {step.node: step.parent for step in time_tree(nodes, links, "n00")}
    assert parents["n03"] == "n01"


def test_only_relays_pass_time_on() -> None:
    nodes, links = chain(3)
    nodes["n01"] = replace(nodes["n01"], relays=False)
    result = synchronise(nodes, links, "n00")
    assert [clock.node for clock in result.synchronisation.clocks] == ["n00", "n01"]
    assert result.unreached == ("n02", "n03")
    # the grandmaster sends in any case
    assert synchronise(nodes, links, "n01").unreached == ()


def test_clocks_of_the_plan() -> None:
    nodes, links = chain(2)
    result = synchronise(nodes, links, sources=("a data sheet",))
    plan = result.synchronisation
    assert (plan.grandmaster, plan.interval_ps, plan.pdelay_interval_ps) == (
        "n00",
        125_000_000_000,
        10**12,
    )
    assert plan.sources == ("a data sheet",)
    assert [clock.parent for clock in plan.clocks] == ["", "n00", "n01"]
    assert [clock.error_ps for clock in plan.clocks] == [row.error_ps for row in result.budgets]
    assert [clock.asymmetry_ps for clock in plan.clocks] == [0, 4_000, 4_000]
    assert plan.clocks[1].wander_ppb == 3  # 20 ppb/s for 1/8 s: 2.5, rounded up


def test_a_grandmaster_must_be_there() -> None:
    nodes, links = chain(1)
    with pytest.raises(ValueError, match="no node can be grandmaster: n09"):
        synchronise(nodes, links, "n09")
    with pytest.raises(ValueError, match="none is eligible"):
        synchronise({}, links)


def test_the_grandmaster_stands_best_in_the_middle() -> None:
    nodes, links = chain(4)
    ranking = best_grandmaster(nodes, links, list(nodes))
    assert [place.node for place in ranking] == ["n02", "n01", "n03", "n00", "n04"]
    assert [place.most_hops_count for place in ranking] == [2, 3, 3, 4, 4]
    assert ranking[0].worst_node in {"n00", "n04"}
    # only those count that need time
    ranking = best_grandmaster(nodes, links, ["n03", "n04"], by="hops")
    assert [place.node for place in ranking][:2] == ["n03", "n04"]
    assert [
        place.node for place in best_grandmaster(nodes, links, ["n04"], candidates=["n01"])
    ] == ["n01"]


def test_an_unreliable_relay_can_outweigh_hops() -> None:
    # a triangle: from n00 to n02 directly over a link of unknown asymmetry, or round by n01
    nodes, links = chain(2)
    links.append(TimeLink(ends=("n00", "n02"), asymmetry_ps=1_000_000))
    by_error = best_grandmaster(nodes, links, ["n00", "n02"], by="error")
    assert by_error[0].node == "n01"
    assert by_error[0].most_hops_count == 1


def test_places_that_do_not_reach_all_come_last() -> None:
    nodes, links = chain(2)
    nodes["n03"] = replace(nodes["n00"], node="n03")
    ranking = best_grandmaster(nodes, links, list(nodes))
    assert ranking[-1].node == "n03"
    assert ranking[-1].unreached == ("n00", "n01", "n02")


def test_a_failed_grandmaster_by_hand() -> None:
    # a star: n01 in the middle, perfect oscillators but for stamps of 8 ns
    nodes, links = chain(2, drift_ppb=0, wander_ppb_per_s=0, residence_ps=0, delay_ps=0)
    cost = grandmaster_failure(nodes, links, "n00")
    assert (cost.failed, cost.standby, cost.isolated) == ("n00", "n01", ())
    # three Sync intervals of 125 ms pass before three Announce intervals of 1 s
    assert cost.detection_ps == 375_000_000_000
    # the standby's Sync comes at most one interval after that
    assert [row.silence_ps for row in cost.holdovers] == [500_000_000_000] * 2
    standby, other = cost.holdovers
    assert (standby.node, other.node) == ("n01", "n02")
    # n01: 36 ns after Sync (stamps 32, asymmetry 4), and 32 ppb for 0.5 s are 16 ns
    assert standby.holdover_ps == pytest.approx(36_000 + 16_000, abs=20)
    assert standby.step_ps == 0
    # n02: 72 ns after Sync, and 64 ppb for 0.5 s are 32 ns
    assert other.holdover_ps == pytest.approx(72_000 + 32_000, abs=40)
    # then it follows n01, which is wrong by 52 ns: one hop of 40 ns more
    assert other.following_ps == pytest.approx(52_000 + 40_000, abs=60)
    assert other.step_ps == other.holdover_ps + other.following_ps
    assert cost.mutual_nodes == ("n02", "n01")
    assert cost.mutual_error_ps == standby.holdover_ps + other.holdover_ps


def test_a_fast_announce_detects_sooner() -> None:
    nodes, links = chain(2, residence_ps=0, delay_ps=0)
    cost = grandmaster_failure(nodes, links, "n00", announce_interval_ps=10**10)
    assert cost.detection_ps == 3 * 10**10


def test_a_failed_relay_isolates_what_is_behind_it() -> None:
    nodes, links = chain(4)
    cost = grandmaster_failure(nodes, links, "n02")
    assert cost.standby == "n00"
    assert {row.node for row in cost.holdovers} == {"n00", "n01"}
    assert cost.isolated == ("n03", "n04")


def test_nobody_can_take_over() -> None:
    nodes, links = chain(2)
    for name in ("n01", "n02"):
        nodes[name] = replace(nodes[name], eligible=False)
    cost = grandmaster_failure(nodes, links, "n00")
    assert (cost.standby, cost.holdovers, cost.isolated) == ("", (), ("n01", "n02"))


def test_clocks_come_from_the_catalogue() -> None:
    catalog = Catalog.load()
    device = catalog.get(Device, "generic-tsn-8x1g")
    drive = catalog.get(Device, "generic-drive")
    assert device is not None
    assert drive is not None
    assert device.clock is not None
    assert drive.clock is not None
    node = time_node("sw1", device.clock, relays=True)
    assert (node.drift_ppb, node.wander_ppb_per_s, node.timestamp_ps) == (100_000, 20, 8_000)
    assert (node.residence_ps, node.eligible, node.announced) == (10**10, True, (246, 248, 248))
    assert not time_node("d1", drive.clock, relays=True).eligible
    # two PHYs of 4 ns each, and two fibres that differ by 2 m at 5 ns/m: 5 ns to either side
    link = time_link(
        ("sw1", "d1"), (device.clock, drive.clock), delay_ps=500_000, medium_asymmetry_ps=5_000
    )
    assert link == TimeLink(ends=("sw1", "d1"), delay_ps=500_000, asymmetry_ps=13_000)

# SPDX-License-Identifier: Apache-2.0
"""The YANG tree of a node, read back by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from netplan.exchange.export import export, export_with_findings
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import (
    GateEntry,
    GateList,
    GateOperation,
    PortRules,
    QueueRule,
    Reception,
    Selection,
    StreamFilter,
    StreamGate,
    StreamGateEntry,
)
from support.scheduled_plans import (
    GATES,
    end_to_end_plan,
    gated_plan,
    granted_plan,
    queues,
    redundant_plan,
)
from support.small_plans import MBIT, NS, US, PlanBuilder, Step

PORT = "ieee802-dot1q-bridge:bridge-port"
GATE_TABLE = "ieee802-dot1q-sched-bridge:gate-parameter-table"


def tree(plan: Plan, path: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(export(plan)[path])
    return parsed


def bridge_port(parsed: dict[str, Any], name: str) -> dict[str, Any]:
    interfaces = parsed["ietf-interfaces:interfaces"]["interface"]
    found: dict[str, Any] = next(one for one in interfaces if one["name"] == name)[PORT]
    return found


def component(parsed: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = parsed["ieee802-dot1q-bridge:bridges"]["bridge"][0]["component"][0]
    return found


def codes(plan: Plan) -> set[str]:
    return {finding.code for finding in export_with_findings(plan).findings}


def forwarding(rules: PortRules, queue_count: int = 8) -> Plan:
    """One stream over a bridge whose port p2 has the rules."""
    builder = PlanBuilder()
    builder.wire("t.p1").wire("sw1.p2", rules=rules, queue_count=queue_count)
    builder.stream("s", [("t.p1", "sw1"), ("sw1.p2", "l")], pcp=3)
    return builder.plan()


def test_gates_by_hand() -> None:
    table = bridge_port(tree(gated_plan(), "yang/sw1.json"), "p2")[GATE_TABLE]
    assert table == {
        # 1022 octets less 14 of header, 4 of VLAN tag, 4 of FCS
        "queue-max-sdu-table": [{"traffic-class": 6, "queue-max-sdu": 1000}],
        "gate-enabled": True,
        "admin-gate-states": 127,
        "admin-control-list": {
            "gate-control-entry": [
                {
                    "index": 0,
                    "operation-name": "ieee802-dot1q-sched:set-and-hold-mac",
                    "time-interval-value": 100_000,
                    "gate-states-value": 128,
                },
                {
                    "index": 1,
                    "operation-name": "ieee802-dot1q-sched:set-and-release-mac",
                    "time-interval-value": 400_000,
                    "gate-states-value": 127,
                },
            ]
        },
        "admin-cycle-time": {"numerator": 1, "denominator": 2000},
        "admin-cycle-time-extension": 0,
        "admin-base-time": {"seconds": "0", "nanoseconds": 0},
        "config-change": True,
        "supported-list-max": 2,
        "supported-cycle-max": {"numerator": 1, "denominator": 2000},
        "supported-interval-max": 400_000,
    }


def test_every_port_of_a_bridge_has_a_gate_table() -> None:
    table = bridge_port(tree(gated_plan(), "yang/sw1.json"), "p0")[GATE_TABLE]
    assert table["gate-enabled"] is False
    assert "admin-control-list" not in table


def test_preemption_is_told_by_priority_not_by_queue() -> None:
    port = bridge_port(tree(gated_plan(), "yang/sw1.json"), "p2")
    status = port["ieee802-dot1q-preemption-bridge:frame-preemption-parameters"]
    assert status["frame-preemption-status-table"] == {
        **{f"priority{pcp}": "preemptable" for pcp in range(5)},
        **{f"priority{pcp}": "express" for pcp in (5, 6, 7)},
    }
    # with four queues, priorities 0 and 1 share queue 0, 2 and 3 queue 1, ...
    rules = PortRules(queues=queues(4, q0=QueueRule(express=False)), fragment_octets=64)
    port = bridge_port(tree(forwarding(rules, 4), "yang/sw1.json"), "p2")
    table = port["ieee802-dot1q-preemption-bridge:frame-preemption-parameters"]
    assert [
        pcp
        for pcp in range(8)
        if table["frame-preemption-status-table"][f"priority{pcp}"] == "preemptable"
    ] == [0, 1]
    assert port["traffic-class"]["traffic-class-table"] == {
        "number-of-traffic-classes": 4,
        **{f"priority{pcp}": queue for pcp, queue in enumerate((0, 0, 1, 1, 2, 2, 3, 3))},
    }


def test_gates_of_queues_that_do_not_exist_are_shown_open() -> None:
    gates = GateList(
        base_ps=0, cycle_ps=1000 * NS, entries=(GateEntry(duration_ps=1000 * NS, open_queues=5),)
    )
    rules = PortRules(queues=queues(4), gates=(gates,))
    table = bridge_port(tree(forwarding(rules, 4), "yang/sw1.json"), "p2")[GATE_TABLE]
    entry = table["admin-control-list"]["gate-control-entry"][0]
    assert entry["gate-states-value"] == 0xF5


def test_the_slope_that_is_set_is_the_one_over_the_cycle() -> None:
    # queue 5 is open for 400 of 500 us: 100 Mbit/s while open are 80 Mbit/s over the cycle
    # (802.1Q, 8.6.8.2: idleSlope = operIdleSlope * OperCycleTime / GateOpenTime)
    port = bridge_port(tree(gated_plan(), "yang/sw1.json"), "p2")
    shapers = port["ieee802-dot1q-cbsa-bridge:cbsa"]["cbsa-parameter-table"]
    assert shapers == [{"traffic-class": 5, "admin-idle-slope": "80000000"}]
    algorithms = port["transmission-selection-algorithm-table"][
        "transmission-selection-algorithm-map"
    ]
    assert algorithms[5] == {
        "traffic-class": 5,
        "transmission-selection-algorithm": "ieee802-dot1q-types:credit-based-shaper",
    }
    # without gates they are the same
    rules = PortRules(
        queues=queues(q3=QueueRule(selection=Selection.CREDIT, idle_slope_bps=7 * MBIT))
    )
    port = bridge_port(tree(forwarding(rules), "yang/sw1.json"), "p2")
    assert port["ieee802-dot1q-cbsa-bridge:cbsa"]["cbsa-parameter-table"] == [
        {"traffic-class": 3, "admin-idle-slope": "7000000"}
    ]


def test_policing_by_hand() -> None:
    parsed = tree(gated_plan(), "yang/sw1.json")
    inside = component(parsed)
    assert inside["ieee802-dot1q-psfp-bridge:stream-filters"] == {
        "stream-filter-instance-table": [
            {
                "stream-filter-instance-id": 1,
                "stream-handle": 1,
                "priority-spec": "wildcard",
                "max-sdu-size": 200,
                "stream-blocked-due-to-oversize-frame-enabled": True,
                "stream-gate-ref": 2,
                "flow-meter-ref": 1,
                "flow-meter-enable": True,
            }
        ]
    }
    assert inside["ieee802-dot1q-psfp-bridge:flow-meters"] == {
        "flow-meter-instance-table": [
            {
                "flow-meter-instance-id": 1,
                "committed-information-rate": "2000000",
                "committed-burst-size": 400,
                "excess-information-rate": "0",
                "excess-burst-size": 0,
                "coupling-flag": "zero",
                "color-mode": "color-blind",
                "drop-on-yellow": True,
                "mark-all-frames-red-enable": False,
            }
        ],
        "max-flow-meter-instances": 1,
    }
    gates = inside["ieee802-dot1q-psfp-bridge:stream-gates"]
    assert gates["supported-list-max"] == 2
    always_open, window = gates["stream-gate-instance-table"]
    assert always_open["stream-gate-instance-id"] == 1
    assert window["admin-control-list"]["gate-control-entry"] == [
        {
            "index": 0,
            "operation-name": "ieee802-dot1q-psfp:set-gate-and-ipv",
            "time-interval-value": 100_000,
            "gate-state-value": "open",
            # queue 0 serves priority 1: priority 0 is one more urgent (802.1Q, table 8-5)
            "ipv-spec": "one",
            # two frames of 200 octets hold 2 * 178 octets of service data
            "interval-octet-max": 356,
        },
        {
            "index": 1,
            "operation-name": "ieee802-dot1q-psfp:set-gate-and-ipv",
            "time-interval-value": 400_000,
            "gate-state-value": "closed",
            "ipv-spec": "null",
        },
    ]
    assert window["admin-base-time"] == {"seconds": "0", "nanoseconds": 250_000}
    assert window["gate-closed-due-to-invalid-rx-enable"] is True
    # the filter knows its stream by the group address that the talker sends to
    identities = parsed["ieee802-dot1cb-stream-identification:stream-identity"]
    assert identities[0]["out-facing"] == {"input-port": ["p0"]}
    assert identities[0]["null-stream-identification"] == {
        "destination-mac": "03-00-00-00-00-01",
        "tagged": "priority",
        "vlan": 0,
    }


def test_schedulers_count_their_burst_in_bits() -> None:
    inside = component(tree(gated_plan(), "yang/sw1.json"))
    (row,) = inside["ieee802-dot1q-ats-bridge:stream-filters"]["stream-filter-instance-table"]
    assert row["stream-handle"] == 2
    assert row["schedulers"]["scheduler-instance-table"] == [
        {
            "scheduler-instance-id": 1,
            "committed-information-rate": "3000000",
            "committed-burst-size": 8336,  # 1042 octets
            "scheduler-group-ref": 1,
        }
    ]
    assert row["scheduler-groups"]["scheduler-group-instance-table"] == [
        {"scheduler-group-instance-id": 1, "max-residence-time": 2_000_000}
    ]
    assert row["scheduler"] == {"scheduler-ref": 1, "scheduler-enable": True}


def test_a_filter_without_gate_refers_to_one_that_is_always_open() -> None:
    builder = PlanBuilder()
    builder.wire("t.p1").wire("sw1.p2")
    reception = Reception(filter=StreamFilter(name="f", largest_frame_octets=1))
    builder.stream("s", [Step(egress="t.p1", to="sw1", reception=reception), ("sw1.p2", "l")])
    inside = component(tree(builder.plan(), "yang/sw1.json"))
    (row,) = inside["ieee802-dot1q-psfp-bridge:stream-filters"]["stream-filter-instance-table"]
    assert row["stream-gate-ref"] == 1
    # 0 would stand for any size
    assert row["max-sdu-size"] == 1
    assert "ieee802-dot1q-psfp-bridge:flow-meters" not in inside


def test_octets_of_an_interval_never_refuse_conforming_frames() -> None:
    gate = StreamGate(
        name="g",
        base_ps=0,
        cycle_ps=US,
        entries=(StreamGateEntry(duration_ps=US, is_open=True, largest_octets=500),),
    )
    builder = PlanBuilder()
    builder.wire("t.p1").wire("sw1.p2")
    reception = Reception(filter=StreamFilter(name="f", gate=gate))
    builder.stream(
        "s",
        [Step(egress="t.p1", to="sw1", reception=reception), ("sw1.p2", "l")],
        messages=((200, 100),),
    )
    plan = builder.plan()
    inside = component(tree(plan, "yang/sw1.json"))
    window = inside["ieee802-dot1q-psfp-bridge:stream-gates"]["stream-gate-instance-table"][1]
    entry = window["admin-control-list"]["gate-control-entry"][0]
    # 500 octets are at best 200 + 200 + 100, which hold 500 - 3 * 22
    assert entry["interval-octet-max"] == 434
    assert "EXPORT-OCTETS" in codes(plan)


def test_forwarding_is_static() -> None:
    inside = component(tree(redundant_plan(), "yang/a.json"))
    (entry,) = inside["filtering-database"]["filtering-entry"]
    # ports p0 (talker), p2 and p3: numbers 1, 2 and 3
    assert [one["port-ref"] for one in entry["port-map"]] == [2, 3]
    assert (entry["vids"], entry["address"]) == ("1", "03-00-00-00-00-01")


def test_redundancy_in_bridges_by_hand() -> None:
    plan = redundant_plan()
    # a numbers the frames, since the plan counts the tag from there on
    first = tree(plan, "yang/a.json")
    assert first["ieee802-dot1cb-frer:frer"]["sequence-generation"] == [
        {"index": 1, "stream": [1], "direction-out-facing": True}
    ]
    encoding = first["ieee802-dot1cb-frer:frer"]["sequence-identification"]
    assert [(one["port"], one["active"]) for one in encoding] == [("p2", True), ("p3", True)]
    # b only forwards
    assert "ieee802-dot1cb-frer:frer" not in tree(plan, "yang/b.json")
    # c reads the tags at both ports and joins the copies where they leave
    last = tree(plan, "yang/c.json")["ieee802-dot1cb-frer:frer"]
    (recovery,) = last["sequence-recovery"]
    assert recovery["port"] == ["p4"]
    assert recovery["direction-out-facing"] is False
    assert recovery["algorithm"] == {"vector": {}}
    assert (recovery["history-length"], recovery["reset-timeout"]) == (32, 2001)
    assert [(one["port"], one["active"]) for one in last["sequence-identification"]] == [
        ("p1", False),
        ("p3", False),
    ]
    assert "EXPORT-RESET" in codes(plan)


def test_redundancy_in_end_stations_by_hand() -> None:
    plan = end_to_end_plan()
    talker = tree(plan, "yang/t.json")
    assert talker["ieee802-dot1cb-stream-identification:stream-identity"][0]["in-facing"] == {
        "input-port": ["p1", "p2"]
    }
    assert talker["ieee802-dot1cb-frer:frer"]["sequence-generation"] == [
        {"index": 1, "stream": [1], "direction-out-facing": False}
    ]
    listener = tree(plan, "yang/l.json")
    (recovery,) = listener["ieee802-dot1cb-frer:frer"]["sequence-recovery"]
    assert recovery["algorithm"] == {"match": {}}
    assert "history-length" not in recovery
    assert recovery["port"] == ["p0", "p2"]
    assert "ieee802-dot1q-bridge:bridges" not in listener


def test_copies_that_one_address_cannot_tell_apart() -> None:
    # a sends round the ring one way, back comes the copy that went the other way and goes on to x
    builder = PlanBuilder()
    builder.wire("t.p1").wire("a.p2").wire("b.p2").wire("a.p3")
    builder.stream(
        "s",
        [
            ("t.p1", "a"),
            ("a.p2", "b"),
            ("b.p2", "a"),
            ("a.p3", "x"),
        ],
    )
    assert "EXPORT-COPIES" in codes(builder.plan())
    assert "EXPORT-COPIES" not in codes(redundant_plan())


def test_a_port_that_shares_its_medium_is_told() -> None:
    plan = granted_plan()
    interfaces = tree(plan, "yang/gnb1.json")["ietf-interfaces:interfaces"]["interface"]
    kinds = {one["name"]: one["type"] for one in interfaces}
    assert kinds == {"5g": "iana-if-type:other", "p0": "iana-if-type:ethernetCsmacd"}
    assert [one["name"] for one in interfaces if PORT not in one] == ["5g"]
    assert "EXPORT-GRANTS" in codes(plan)


def test_later_gate_lists_are_files_of_their_own() -> None:
    later = replace(GATES, base_ps=2 * 10**12 + 5 * NS, extension_ps=1)
    plan = forwarding(PortRules(queues=queues(), gates=(GATES, later)))
    files = export(plan)
    assert {path for path in files if path.startswith("yang/")} == {
        *("yang/sw1.json", "yang/sw1.xml", "yang/sw1.change1.json", "yang/sw1.change1.xml")
    }
    table = bridge_port(json.loads(files["yang/sw1.change1.json"]), "p2")[GATE_TABLE]
    assert table["admin-base-time"] == {"seconds": "2", "nanoseconds": 5}
    assert table["admin-cycle-time-extension"] == 1


def test_what_cannot_be_said_is_told() -> None:
    plan = gated_plan()
    assert codes(plan) >= {"EXPORT-FRAGMENT", "EXPORT-HOLD", "EXPORT-END-STATION"}
    assert "yang/plc1.json" not in export(plan)
    odd = GateList(
        base_ps=1,
        cycle_ps=333_333_333,
        entries=(GateEntry(duration_ps=333_333_333, open_queues=255),),
    )
    plan = forwarding(PortRules(queues=queues(), gates=(odd,)))
    assert codes(plan) >= {"EXPORT-CYCLE", "EXPORT-ROUNDED"}
    shared = PortRules(
        queues=queues(
            q1=QueueRule(selection=Selection.ROUND_ROBIN, quantum_octets=1500),
            q2=QueueRule(selection=Selection.ROUND_ROBIN, quantum_octets=500),
        )
    )
    assert "EXPORT-QUANTUM" in codes(forwarding(shared))
    # warnings come first, and all stand in a file
    files = export(gated_plan())
    assert files["notes.txt"].startswith("warning EXPORT-")


@given(
    entries=st.lists(
        st.tuples(st.integers(1, 10**6), st.integers(0, 255), st.sampled_from(list(GateOperation))),
        min_size=1,
        max_size=12,
    ),
    cycle_ns=st.integers(1, 10**7),
    base_ns=st.integers(0, 10**15),
)
def test_gate_lists_come_back_as_they_were(
    entries: list[tuple[int, int, GateOperation]], cycle_ns: int, base_ns: int
) -> None:
    gates = GateList(
        base_ps=base_ns * NS,
        cycle_ps=cycle_ns * NS,
        entries=tuple(
            GateEntry(duration_ps=duration_ns * NS, open_queues=mask, operation=operation)
            for duration_ns, mask, operation in entries
        ),
    )
    plan = forwarding(PortRules(queues=queues(), gates=(gates,)))
    table = bridge_port(tree(plan, "yang/sw1.json"), "p2")[GATE_TABLE]
    read = [
        (
            one["time-interval-value"],
            one["gate-states-value"],
            one["operation-name"].removeprefix("ieee802-dot1q-sched:"),
        )
        for one in table["admin-control-list"]["gate-control-entry"]
    ]
    # the list of the plan, cut at the end of the cycle or with its last entry stretched to it
    expected: list[tuple[int, int, str]] = []
    left_ns = cycle_ns
    for duration_ns, mask, operation in entries:
        if left_ns > 0:
            expected.append((min(duration_ns, left_ns), mask, operation.value))
            left_ns -= duration_ns
    if left_ns > 0:
        expected[-1] = (expected[-1][0] + left_ns, *expected[-1][1:])
    assert read == expected
    assert sum(duration_ns for duration_ns, _, _ in read) == cycle_ns
    cycle = table["admin-cycle-time"]
    assert cycle["numerator"] * 10**9 == cycle_ns * cycle["denominator"]
    base = table["admin-base-time"]
    assert int(base["seconds"]) * 10**9 + base["nanoseconds"] == base_ns

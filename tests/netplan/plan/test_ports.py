# SPDX-License-Identifier: Apache-2.0
"""What ports do beyond strict priority, worked by hand: slopes, gates, preemption, windows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.bounds.analysis import bound
from netplan.plan.model import Emission, Plan
from netplan.plan.ports import ALWAYS_PS, contract_bps, least_slope_bps, longest_window_ps
from netplan.tsn.mechanisms import GateEntry, GateList, PortRules, QueueRule, Selection
from support.small_designs import HEAD, found_in, line_of, planned, stream_of, the

LINE = (
    HEAD
    + """\
nodes:
  cam: {is: camera}
  sw1: {is: tsn-bridge}
  sw2: {is: tsn-bridge}
  srv: {is: server, model: generic-server-1g}
links:
  - {between: [cam.p1, sw1.p1], medium: cat6a, length: 1 m}
  - {between: [sw1.p2, sw2.p1], medium: cat6a, length: 1 m}
  - {between: [sw2.p2, srv.p1], medium: cat6a, length: 1 m}
"""
)
"""Lines 3 to 11: a camera, two TSN bridges and a server in a row, all at 1 Gbit/s."""

# 100 + 48 + 22 octets are a frame of 170, on the wire 190: 1,520,000 bit/s every 1 ms.
STREAMS = "streams: {x: {from: cam, to: srv, size: 100 B, every: 1 ms, pcp: 3}}\n"


def rules(plan: Plan, name: str = "sw1.p2") -> PortRules:
    (egress,) = (one for one in plan.egresses if one.name == name)
    assert egress.rules is not None
    return egress.rules


def gates(*lists: str, port: str = "sw1.p2") -> str:
    return f"schedule: {{gates: {{{port}: [{', '.join(lists)}]}}}}\n"


def tsn(classes: str = "", more: str = "") -> str:
    return f"tsn: {{classes: [{classes}]{more}}}\n"


CREDIT = "{pcp: [3], shaper: credit-based}"


@pytest.mark.parametrize(
    ("emission", "extra", "expected_bps"),
    [
        # 8 x 100 bit in 1 ms
        pytest.param({"messages": ((100,),), "period_ps": 10**9}, 0, 800_000, id="cyclic"),
        pytest.param({"messages": ((100, 60),), "period_ps": 10**9}, 20, 1_600_000, id="burst"),
        # 8 x (1000 + 100) in 2 ms
        pytest.param({"messages": ((1000,), (100,)), "period_ps": 10**9}, 0, 4_400_000, id="group"),
        # the same within one period, by a trace
        pytest.param(
            {"messages": ((1000,), (100,)), "period_ps": 10**9, "offsets_ps": (0, 5)},
            *(0, 8_800_000),
            id="trace",
        ),
        # 800 bit in 3 ms are 266,666.67 bit/s
        pytest.param({"messages": ((100,),), "period_ps": 3 * 10**9}, 0, 266_667, id="rounded up"),
    ],
)
def test_rate_of_a_contract(emission: dict[str, object], extra: int, expected_bps: int) -> None:
    whole = {"sporadic": False, "phase_ps": None, "jitter_ps": 0, **emission}
    assert contract_bps(Emission(**whole), extra) == expected_bps  # type: ignore[arg-type]  # any field


def test_plain_ports_have_no_rules(tmp_path: Path) -> None:
    assert all(egress.rules is None for egress in planned(tmp_path, LINE + STREAMS).egresses)
    plain = planned(tmp_path, LINE + STREAMS + tsn("{pcp: [3]}"))
    assert all(egress.rules is None for egress in plain.egresses)


def test_idle_slope_is_what_the_streams_need_with_overhead(tmp_path: Path) -> None:
    two = STREAMS.replace("}}\n", "}, y: {from: cam, to: srv, size: 30 B, every: 2 ms, pcp: 3}}\n")
    made = rules(planned(tmp_path, LINE + two + tsn(CREDIT)))
    # 1,520,000 and, for 30 + 48 + 22 + 20 octets every 2 ms, 480,000 bit/s: the next kbit/s
    assert made.queues[3] == QueueRule(selection=Selection.CREDIT, idle_slope_bps=2_001_000)
    assert {made.queues[i] for i in (0, 1, 2, 4, 5, 6, 7)} == {QueueRule()}


@pytest.mark.parametrize(
    ("contracts_bps", "slope_bps"),
    [
        pytest.param(0, 0, id="nothing to send"),
        pytest.param(2_000_000, 2_001_000, id="20 bit/s are 10 ppm: the next kbit/s"),
        pytest.param(2_000_001, 2_001_000, id="in between"),
        pytest.param(400_000_000, 400_005_000, id="4 kbit/s are 10 ppm: more than that"),
    ],
)
def test_least_slope_is_above_the_contracts(contracts_bps: int, slope_bps: int) -> None:
    assert least_slope_bps(contracts_bps) == slope_bps


@pytest.mark.parametrize("every", ["1 ms", "7 ms", "333 us", "250 us"])
@pytest.mark.parametrize("rate", ["100 Mbit/s", "1 Gbit/s"])
def test_streams_are_proven_at_the_slope_that_they_need(
    tmp_path: Path, every: str, rate: str
) -> None:
    text = LINE.replace("[sw1.p2, sw2.p1], ", f"[sw1.p2, sw2.p1], rate: {rate}, ")
    streams = STREAMS.replace("every: 1 ms", f"every: {every}")
    proof = bound(planned(tmp_path, text + streams + tsn(CREDIT)))
    assert all(row.bound_ps is not None for row in proof.streams)


@pytest.mark.parametrize(
    ("port", "slopes_bps"),
    [
        pytest.param("sw1.p2", (20_000_000, 9_000_000), id="one port"),
        pytest.param("p2", (20_000_000, 20_000_000), id="that port of every bridge"),
        pytest.param("p1", (9_000_000, 9_000_000), id="another"),
    ],
)
def test_the_slope_of_a_port_goes_before_that_of_the_class(
    tmp_path: Path, port: str, slopes_bps: tuple[int, int]
) -> None:
    credit = CREDIT.replace("}", f", idle_slope: 9 Mbit/s, idle_slopes: {{{port}: 20 Mbit/s}}}}")
    plan = planned(tmp_path, LINE + STREAMS + tsn(credit))
    made = [rules(plan, name).queues[3].idle_slope_bps for name in ("sw1.p2", "sw2.p2")]
    assert tuple(made) == slopes_bps


def test_a_slope_for_a_port_that_there_is_not(tmp_path: Path) -> None:
    credit = CREDIT.replace("}", ", idle_slopes: {sw1.p99: 1 Mbit/s}}")
    finding = the(found_in(tmp_path, LINE + STREAMS + tsn(credit)), "TSN-PORT")
    assert finding.found == "sw1.p99"
    assert line_of(finding) == 13
    # The port of another node is none of this one's.
    own = LINE.replace(
        "sw1: {is: tsn-bridge}", "sw1: {is: tsn-bridge, " + tsn(credit).strip() + "}"
    )
    finding = the(found_in(tmp_path, own.replace("sw1.p99", "sw2.p2") + STREAMS), "TSN-PORT")
    assert line_of(finding) == 5


def test_bare_frames_reserve_no_overhead(tmp_path: Path) -> None:
    text = LINE.replace("[sw1.p2, sw2.p1], ", "[sw1.p2, sw2.p1], framing: none, ")
    made = rules(planned(tmp_path, text + STREAMS + tsn(CREDIT)))
    assert made.queues[3].idle_slope_bps == 170 * 8 * 1000 + 1000


@pytest.mark.parametrize(
    ("lists", "slope_bps"),
    [
        # open for half of the time: twice the slope
        (["{cycle: 1 ms, entries: [{for: 500 us, open: [3]}, {for: 500 us, open: [0]}]}"], 3_042_000),
        # open for 300 us of 1 ms in two entries: 1,521,000 x 10 / 3
        (
            [
                ("{cycle: 1 ms, entries: [{for: 100 us, open: [3]}, {for: 700 us, open: []},"
                " {for: 200 us, open: [0, 3]}]}")
            ],
            5_070_000,
        ),
        # lists that follow one another: the one that needs more, not both together
        (
            [
                "{cycle: 1 ms, entries: [{for: 500 us, open: [3]}, {for: 500 us, open: [0]}]}",
                ("{base: 1 s, cycle: 1 ms, entries: [{for: 250 us, open: [3]},"
                " {for: 750 us, open: [0]}]}"),
            ],
            6_084_000,
        ),
        (["{cycle: 1 ms, entries: [{for: 1 ms, open: [3]}]}"], 1_521_000),
    ],
)  # fmt: skip
def test_idle_slope_while_the_gate_is_open(
    tmp_path: Path, lists: list[str], slope_bps: int
) -> None:
    plan = planned(tmp_path, LINE + STREAMS + tsn(CREDIT) + gates(*lists))
    assert rules(plan).queues[3].idle_slope_bps == slope_bps
    assert rules(plan, "sw2.p2").queues[3].idle_slope_bps == 1_521_000  # has no gates


@pytest.mark.parametrize(
    ("classes", "more", "what"),
    [
        ("{pcp: [3], shaper: credit-based, idle_slope: 1 Gbit/s}", "", "queue 3"),
        # 600 Mbit/s, but only open for half of the time
        ("{pcp: [3], shaper: credit-based, idle_slope: 600 Mbit/s}", "half", "queue 3"),
        (
            (
                "{pcp: [3], shaper: credit-based, idle_slope: 600 Mbit/s},"
                " {pcp: [4], shaper: credit-based, idle_slope: 400 Mbit/s}"
            ),
            *("", "all queues together"),
        ),
    ],
)
def test_slopes_that_leave_nothing(tmp_path: Path, classes: str, more: str, what: str) -> None:
    text = LINE + STREAMS + tsn(classes)
    if more:
        text += gates(
            "{cycle: 1 ms, entries: [{for: 500 us, open: [3]}, {for: 500 us, open: [0]}]}"
        )
    found = [one for one in found_in(tmp_path, text) if one.code == "TSN-IDLE-SLOPE"]
    assert {line_of(one) for one in found} == {13}
    assert all(what in one.message for one in found)
    assert any("sw1.p2" in one.message for one in found)


def test_a_slope_that_nobody_needs_is_told_once(tmp_path: Path) -> None:
    text = LINE + STREAMS + tsn("{pcp: [5], shaper: credit-based}")
    finding = the(found_in(tmp_path, text), "TSN-UNUSED")
    assert (finding.path, finding.found, finding.severity) == ("tsn.classes[0]", "5", "note")


def test_queues_of_every_shaper(tmp_path: Path) -> None:
    classes = (
        "{pcp: [3], shaper: asynchronous}, {pcp: [4], shaper: round-robin, quantum: 500 B},"
        " {pcp: [5], shaper: round-robin}, {pcp: [0], largest_frame: 1000 B}"
    )
    made = rules(planned(tmp_path, LINE + STREAMS + tsn(classes))).queues
    assert made[3] == QueueRule(selection=Selection.ASYNCHRONOUS)
    assert made[4] == QueueRule(selection=Selection.ROUND_ROBIN, quantum_octets=500)
    assert made[5] == QueueRule(selection=Selection.ROUND_ROBIN, quantum_octets=1522)
    assert made[1] == QueueRule(largest_frame_octets=1000)  # priority 0 is above priority 1


def test_the_node_s_own_policy_replaces_the_plant_s(tmp_path: Path) -> None:
    text = LINE.replace("sw2: {is: tsn-bridge}", "sw2: {is: tsn-bridge, tsn: {classes: []}}")
    text = text.replace("cam: {is: camera}", f"cam: {{is: camera, tsn: {{classes: [{CREDIT}]}}}}")
    plan = planned(tmp_path, text + STREAMS + tsn(CREDIT))
    assert [egress.name for egress in plan.egresses if egress.rules] == ["cam.p1", "sw1.p2"]


def test_the_plant_s_policy_is_for_tsn_bridges(tmp_path: Path) -> None:
    """A switch without gates keeps strict priority, and that is said."""
    text = LINE.replace("sw2: {is: tsn-bridge}", "sw2: {is: switch}") + STREAMS
    plan = planned(tmp_path, text + tsn(CREDIT))
    assert [egress.name for egress in plan.egresses if egress.rules] == ["sw1.p2"]
    finding = the(plan.findings, "TSN-BRIDGE")
    assert finding.found == "strict priority, store and forward in 'sw2'"
    assert not planned(tmp_path, text).findings


EXPRESS = ", preemption: {express: [6, 7]%s}"


@pytest.mark.parametrize(
    ("fragment", "hold_octets"),
    [
        # A frame of 123 octets cannot be interrupted (60 sent and 64 left would be 124):
        # preamble 8, frame 123 and gap 12 are 143 octets, 1.144 us at 1 Gbit/s.
        ("", 143),
        (", fragment: 128 B", 143 + 64),
        (", fragment: 192 B", 143 + 128),
        (", fragment: 256 B", 143 + 192),
    ],
)
def test_preemption(tmp_path: Path, fragment: str, hold_octets: int) -> None:
    made = rules(planned(tmp_path, LINE + STREAMS + tsn("", EXPRESS % fragment)))
    assert made.fragment_octets == 64 + hold_octets - 143
    assert made.hold_advance_ps == hold_octets * 8000
    assert [rule.express for rule in made.queues] == [False] * 6 + [True] * 2


def test_end_stations_are_assumed_to_receive_fragments(tmp_path: Path) -> None:
    plan = planned(tmp_path, LINE + STREAMS + tsn("", EXPRESS % ""))
    assumed = [egress.name for egress in plan.egresses if any("fragments" in one for one in egress.assumptions)]  # fmt: skip
    assert assumed == ["sw2.p2"]
    assert rules(plan, "sw2.p2").fragment_octets == 64


def test_no_preemption_towards_or_in_what_cannot(tmp_path: Path) -> None:
    """A plain switch behind sw1: neither port of the link to it interrupts; one note says so."""
    text = LINE.replace("sw2: {is: tsn-bridge}", "sw2: {is: switch}") + STREAMS
    plan = planned(tmp_path, text + tsn("", EXPRESS % ""))
    assert all(egress.rules is None for egress in plan.egresses)
    finding = the(plan.findings, "TSN-PREEMPTION")
    assert (finding.severity, finding.path) == ("note", "tsn.preemption")
    assert finding.found == "none in 'sw2'"


def test_a_node_s_own_preemption_must_be_possible(tmp_path: Path) -> None:
    own = "tsn: {preemption: {express: [7]}}"
    text = LINE.replace("cam: {is: camera}", f"cam: {{is: camera, {own}}}") + STREAMS
    finding = the(found_in(tmp_path, text), "TSN-PREEMPTION")
    assert (line_of(finding), finding.path) == (4, "nodes.cam.tsn")


@pytest.mark.parametrize("node", ["srv", "cam"])
def test_a_policy_without_ports(tmp_path: Path, node: str) -> None:
    """The server only receives; with the stream turned round, the camera does."""
    plain = f"  {node}: {{"
    text = LINE.replace(plain, plain + "tsn: {cut_through: true}, ")
    streams = STREAMS if node == "srv" else STREAMS.replace("cam, to: srv", "srv, to: cam")
    finding = the(found_in(tmp_path, text + streams), "TSN-UNUSED")
    assert (finding.path, finding.severity) == (f"nodes.{node}.tsn", "warning")


def test_two_classes_of_one_queue(tmp_path: Path) -> None:
    text = LINE + STREAMS + tsn("{pcp: [3]}, {pcp: [3], largest_frame: 1 kB}")
    finding = the(found_in(tmp_path, text), "TSN-CLASS")  # once, not for each port
    assert (line_of(finding), finding.found) == (13, "priorities 3, 3 in queue 3")


def test_round_robin_among_neighbours(tmp_path: Path) -> None:
    text = LINE + STREAMS + tsn("{pcp: [3, 5], shaper: round-robin}")
    found = [one for one in found_in(tmp_path, text) if one.code == "TSN-ROUND-ROBIN"]
    assert [one.found for one in found] == ["queues 3, 5 of sw1.p2", "queues 3, 5 of sw2.p2"]


FEW_QUEUES = """\
kind: device
id: few
name: few queues that preempt
checked_on: 2026-01-01
ports: [{prefix: p, count: 4, connector: rj45, rates: [1 Gbit/s], source: test}]
bridge:
  processing: {min: 1 us, max: 1 us, source: test}
  queues: {value: 4, source: test}
  gate_entries: {value: 2, source: test}
  preemption: {value: true, source: test}
"""


def with_few_queues(folder: Path) -> str:
    """A design in which sw1 has four queues, which interrupt, and two gate entries."""
    (folder / "catalog" / "device").mkdir(parents=True)
    (folder / "catalog" / "device" / "few.yaml").write_text(FEW_QUEUES)
    text = LINE.replace("nodes:\n", "catalog: [catalog]\nnodes:\n", 1)
    return text.replace("sw1: {is: tsn-bridge}", "sw1: {is: tsn-bridge, model: few}") + STREAMS


def test_express_priorities_need_queues_of_their_own(tmp_path: Path) -> None:
    """With four queues, 6 and 7 share one, and so do 4 and 5 (802.1Q, table 8-5)."""
    text = with_few_queues(tmp_path)
    made = rules(planned(tmp_path, text + tsn("", EXPRESS % "")))
    assert [rule.express for rule in made.queues] == [False, False, False, True]
    wrong = text + "tsn: {preemption: {express: [5, 6, 7]}}\n"
    finding = the(found_in(tmp_path, wrong), "TSN-EXPRESS")
    assert (line_of(finding), finding.found) == (14, "queue 2")


def test_gate_lists_are_no_longer_than_the_device_allows(tmp_path: Path) -> None:
    text = with_few_queues(tmp_path)
    entries = "{for: 400 us, open: [1]}, {for: 300 us, open: []}, {for: 300 us, open: [0]}"
    finding = the(
        found_in(tmp_path, text + gates(f"{{cycle: 1 ms, entries: [{entries}]}}")),
        "SCHEDULE-ENTRIES",
    )
    assert (finding.expected, finding.found) == ("at most 2 entries", "3 entries")


def test_frames_that_are_always_dropped(tmp_path: Path) -> None:
    text = LINE + STREAMS + tsn("{pcp: [3], largest_frame: 169 B}")
    finding = the(found_in(tmp_path, text), "TSN-FRAME")
    assert (finding.severity, finding.expected) == ("warning", "at most 169 B")
    assert not found_in(tmp_path, LINE + STREAMS + tsn("{pcp: [3], largest_frame: 170 B}"))


@pytest.mark.parametrize(
    ("window", "fits"),
    [
        # preamble 8 and frame 170 are 1.424 us; the gap may lie beyond the window
        ("1424 ns", True),
        ("1416 ns", False),
    ],
)
def test_a_window_holds_a_frame(tmp_path: Path, window: str, fits: bool) -> None:
    rest = 1_000_000 - int(window.split(maxsplit=1)[0])
    one = f"{{cycle: 1 ms, entries: [{{for: {window}, open: [3]}}, {{for: {rest} ns, open: [0]}}]}}"
    found = found_in(tmp_path, LINE + STREAMS + gates(one))
    if fits:
        assert not found
    else:
        finding = the(found, "GATE-WINDOW")
        assert (line_of(finding), finding.path) == (13, "schedule.gates.sw1.p2")
        assert (finding.expected, finding.found) == ("at most 1.416 us", "1.424 us")


def gate_list(*entries: tuple[int, int]) -> GateList:
    return GateList(
        base_ps=0,
        cycle_ps=sum(duration for duration, _ in entries),
        entries=tuple(GateEntry(duration_ps=one, open_queues=mask) for one, mask in entries),
    )


@pytest.mark.parametrize(
    ("entries", "longest_ps"),
    [
        pytest.param([(3, 1), (5, 0)], 3, id="one"),
        pytest.param([(3, 1), (4, 3), (5, 0)], 7, id="two entries in a row"),
        pytest.param([(3, 1), (5, 0), (4, 1)], 7, id="across the end of the cycle"),
        pytest.param([(3, 1), (1, 0), (5, 1), (1, 0), (2, 1)], 5, id="the longest counts"),
        pytest.param([(3, 2), (5, 0)], 0, id="never"),
        pytest.param([(3, 1), (5, 3)], ALWAYS_PS, id="always"),
    ],
)
def test_longest_window(entries: list[tuple[int, int]], longest_ps: int) -> None:
    assert longest_window_ps(gate_list(*entries), 0) == longest_ps


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 1)), min_size=1, max_size=6))
def test_longest_window_is_that_of_the_unrolled_cycle(entries: list[tuple[int, int]]) -> None:
    instants = [mask for duration, mask in entries for _ in range(duration)] * 3
    runs = "".join(map(str, instants)).split("0")
    expected = ALWAYS_PS if all(instants) else max(map(len, runs))
    assert longest_window_ps(gate_list(*entries), 0) == expected


def test_fast_ports_of_talkers_keep_their_contract(tmp_path: Path) -> None:
    """Rules of ports change nothing of what the stream sends or how long it takes on the way."""
    plain = stream_of(planned(tmp_path, LINE + STREAMS), "x")
    shaped = stream_of(planned(tmp_path, LINE + STREAMS + tsn(CREDIT)), "x")
    assert plain == shaped

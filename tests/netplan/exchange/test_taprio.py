# SPDX-License-Identifier: Apache-2.0
"""Commands for Linux: against the grammar of tc, against tc itself, and credits by hand."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import replace

import pytest

from netplan.exchange.export import export, export_with_findings
from netplan.exchange.notes import Notes
from netplan.exchange.survey import stations
from netplan.exchange.taprio import credits_octets, script
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import GateEntry, GateList, PortRules, QueueRule, Selection
from support.scheduled_plans import GATES, gated_plan, queues
from support.small_plans import MBIT, NS, PlanBuilder

TAPRIO_LISTS = {"map", "queues", "max-sdu"}
TAPRIO_NUMBERS = {
    *("num_tc", "base-time", "cycle-time", "cycle-time-extension", "flags", "txtime-delay"),
}


def commands(text: str) -> list[list[str]]:
    """The commands of a script, as a shell splits them."""
    joined = text.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith(("#", "set -e"))]
    return [shlex.split(line) for line in lines]


def check_qdisc(words: list[str]) -> None:
    """The grammar of tc-taprio(8), tc-mqprio(8), tc-cbs(8), as iproute2 parses it."""
    assert words[:4] == ["tc", "qdisc", "replace", "dev"]
    kind = next(word for word in words if word in {"taprio", "mqprio", "cbs"})
    head, options = words[5 : words.index(kind)], words[words.index(kind) + 1 :]
    if kind == "cbs":
        assert re.fullmatch(r"parent 100:[1-8]", " ".join(head))
        values = dict(zip(options[::2], options[1::2], strict=True))
        assert set(values) == {"idleslope", "sendslope", "hicredit", "locredit", "offload"}
        assert int(values["idleslope"]) > 0 > int(values["sendslope"])
        assert 0 <= int(values["hicredit"]) < 2**31
        assert -(2**31) < int(values["locredit"]) <= 0
        return
    assert head == ["parent", "root", "handle", "100:"]
    count = 0
    seen: set[str] = set()
    while options:
        word = options.pop(0)
        assert word not in seen or word == "sched-entry"
        seen.add(word)
        if word == "num_tc":
            count = int(options[0])
        if kind == "mqprio" and word == "hw":
            assert options.pop(0) in {"0", "1"}
        elif word in TAPRIO_NUMBERS:
            assert re.fullmatch(r"(0x)?[0-9a-f]+", options.pop(0))
        elif word in TAPRIO_LISTS:
            values_of = []
            # a list ends where something stands that is no number
            while options and re.fullmatch(r"\d+(@\d+)?", options[0]):
                values_of.append(options.pop(0))
            assert len(values_of) == {"map": 16}.get(word, count)
        elif word == "sched-entry":
            command, mask, interval = options.pop(0), options.pop(0), options.pop(0)
            assert command == "S"  # all that tc takes
            assert 0 <= int(mask, 16) < 1 << count
            assert 0 < int(interval) < 2**32
        elif word == "fp":
            # tc takes everything that follows for a member of this list
            assert [one for one in options if one not in {"E", "P"}] == []
            assert len(options) == count
            options = []
        else:
            pytest.fail(f"unknown argument {word}")
    assert {"num_tc", "map", "queues"} <= seen
    if kind == "taprio":
        assert {"base-time", "cycle-time", "sched-entry", "flags"} <= seen


def port_plan(rules: PortRules, line_bps: int = 10**9) -> Plan:
    """Frames of 1480 octets in queue 5, of 980 in queue 4, over a port with the rules."""
    builder = PlanBuilder().wire("t.p1", rules=rules, line_bps=line_bps)
    builder.stream("a", [("t.p1", "l")], messages=((1480,),), pcp=5)
    builder.stream("b", [("t.p1", "l")], messages=((980,),), pcp=4)
    return builder.plan()


def test_scripts_are_what_tc_and_a_shell_understand() -> None:
    shaped = PortRules(
        queues=queues(q5=QueueRule(selection=Selection.CREDIT, idle_slope_bps=20 * MBIT))
    )
    preempting = PortRules(queues=queues(q0=QueueRule(express=False)), fragment_octets=64)
    for plan in (gated_plan(), port_plan(shaped), port_plan(preempting)):
        for path, text in export(plan).items():
            if path.startswith("taprio/"):
                assert text.startswith("#!/bin/sh\n")
                found = commands(text)
                assert found
                for words in found:
                    check_qdisc(words)


@pytest.mark.skipif(shutil.which("tc") is None, reason="tc (iproute2) is not installed")
def test_tc_takes_the_commands() -> None:
    """For a device that does not exist: tc reads all options before it looks for the device."""
    gates = GateList(
        base_ps=10**12,
        cycle_ps=10**9,
        entries=(GateEntry(duration_ps=10**9, open_queues=0xFF),),
        extension_ps=5 * NS,
    )
    rules = PortRules(
        queues=queues(q5=QueueRule(selection=Selection.CREDIT, idle_slope_bps=20 * MBIT)),
        gates=(GATES, gates),
    )
    text = export(port_plan(rules))["taprio/t.sh"]
    assert len(commands(text)) == 3
    for words in commands(text):
        words[words.index("dev") + 1] = "nosuchdevice0"
        result = subprocess.run(words, capture_output=True, text=True, check=False)
        assert result.stderr.strip() == 'Cannot find device "nosuchdevice0"'


def test_gates_by_hand() -> None:
    text = export(gated_plan())["taprio/plc1.sh"]
    (words,) = commands(text)
    options = " ".join(words)
    assert "map 1 0 2 3 4 5 6 7 0 0 0 0 0 0 0 0" in options
    assert (
        "base-time 0 cycle-time 500000 sched-entry S 80 100000 sched-entry S 7f 400000" in options
    )
    assert options.endswith("flags 0x2")
    # what tc cannot say stands beside it
    assert "# entries that hold or release preemptable frames: 0 set-and-hold-mac" in text
    # and how the talker keeps its phase of 20 us
    assert "# motion: SO_TXTIME 20000 ns after each multiple of 500000 ns, priority 7" in text
    assert "etf clockid CLOCK_TAI" in text


def test_preemption_stands_last() -> None:
    words = commands(export(gated_plan())["taprio/sw1.sh"])[0]
    assert words[-9:] == ["fp", *"PPPPPEEE"]
    assert "tx-min-frag-size 124" in export(gated_plan())["taprio/sw1.sh"]


def test_credit_by_hand() -> None:
    # tc-cbs(8): 20 Mbit/s of 1 Gbit/s and frames of 1500 octets: locredit -1470, hicredit 30; here
    # frames of best effort of 1542 octets may be in the way, 30.84
    rules = PortRules(
        queues=queues(q5=QueueRule(selection=Selection.CREDIT, idle_slope_bps=20 * MBIT))
    )
    plan = port_plan(rules)
    assert credits_octets(plan, stations(plan)["t"], 0, 5) == (31, -1470)
    assert (
        "cbs idleslope 20000 sendslope -980000 hicredit 31 locredit -1470 offload 0"
        in export(plan)["taprio/t.sh"]
    )


def test_credit_of_the_second_shaped_queue_by_hand() -> None:
    rules = PortRules(
        queues=queues(
            q5=QueueRule(selection=Selection.CREDIT, idle_slope_bps=20 * MBIT),
            q4=QueueRule(selection=Selection.CREDIT, idle_slope_bps=100 * MBIT),
        )
    )
    plan = port_plan(rules)
    # queue 5 may be behind a frame of queue 4, 1000 octets, or of best effort, 1542
    assert credits_octets(plan, stations(plan)["t"], 0, 5) == (31, -1470)
    # queue 4 waits for 1542 octets and for queue 5, whose credit spans 31 + 1470 octets and which
    # goes on at 20 Mbit/s: (1542 + 1501) * 100 / (1000 - 20) = 310.5
    assert credits_octets(plan, stations(plan)["t"], 0, 4) == (311, -900)


def test_credit_below_an_unshaped_queue_has_no_limit() -> None:
    rules = PortRules(
        queues=queues(q4=QueueRule(selection=Selection.CREDIT, idle_slope_bps=100 * MBIT))
    )
    plan = port_plan(rules)
    assert credits_octets(plan, stations(plan)["t"], 0, 4) == (2**31 - 1, -900)
    assert "EXPORT-CREDIT" in {finding.code for finding in export_with_findings(plan).findings}


def test_what_linux_cannot_do_is_told() -> None:
    codes = {finding.code for finding in export_with_findings(gated_plan()).findings}
    assert codes >= {
        *("EXPORT-TAPRIO-HOLD", "EXPORT-TAPRIO-SELECTION", "EXPORT-CREDIT-GATES", "EXPORT-CREDIT"),
    }
    odd = GateList(
        base_ps=0, cycle_ps=312_500, entries=(GateEntry(duration_ps=312_500, open_queues=255),)
    )
    rules = PortRules(
        queues=queues(
            q5=QueueRule(selection=Selection.CREDIT, idle_slope_bps=1_500),
            q1=QueueRule(largest_frame_octets=300),
        )
    )
    plan = port_plan(rules)
    codes = {finding.code for finding in export_with_findings(plan).findings}
    assert codes >= {"EXPORT-SLOPE-KBIT", "EXPORT-TAPRIO-SDU"}
    plan = port_plan(replace(rules, gates=(odd,)))
    codes = {finding.code for finding in export_with_findings(plan).findings}
    assert "EXPORT-TAPRIO-CYCLE" in codes


def test_nodes_without_rules_need_no_script() -> None:
    builder = PlanBuilder().wire("t.p1")
    builder.stream("s", [("t.p1", "l")])
    plan = builder.plan()
    assert not [path for path in export(plan) if path.startswith("taprio/")]
    # but a talker that keeps a phase does
    builder.stream("timed", [("t.p1", "l")], phase_ps=0, scheduled=True)
    text = export(builder.plan())["taprio/t.sh"]
    assert "mqprio num_tc 8" in text
    assert "hw 0" in text


def test_names_cannot_break_out_of_a_comment() -> None:
    builder = PlanBuilder().wire("t.p1")
    builder.stream("a\nreboot", [("t.p1", "l")], phase_ps=0, scheduled=True)
    plan = builder.plan()
    text = script(plan, stations(plan)["t"], Notes())
    assert text is not None
    assert "\nreboot" not in text

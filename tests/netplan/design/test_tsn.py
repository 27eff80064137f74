# SPDX-License-Identifier: Apache-2.0
"""TSN as a user writes it: what is understood, and every mistake told with its line and path."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.small_designs import HEAD, LINE, found_in, line_of, loaded, the

PLANT = LINE.replace("sw: {is: switch}", "sw: {is: tsn-bridge}")
STREAM = "from: plc, to: srv, size: 40 B, every: 1 ms"


def test_defaults(tmp_path: Path) -> None:
    design = loaded(tmp_path, PLANT)
    assert design.tsn.classes == ()
    assert design.tsn.preemption is None
    assert design.schedule is None
    assert design.nodes["sw"].tsn is None
    assert design.links["plc.p1--sw.p1"].framing == "ethernet"


def test_what_is_written_is_kept(tmp_path: Path) -> None:
    text = PLANT + (
        "tsn:\n"
        "  classes: [{pcp: [5, 6], shaper: credit-based, idle_slope: 10 Mbit/s, largest_frame: 1 kB}]\n"
        "  preemption: {express: [7], fragment: 128 B}\n"
        "  cut_through: true\n"
    )
    tsn = loaded(tmp_path, text).tsn
    (one,) = tsn.classes
    assert (one.pcp, one.shaper, one.idle_slope_bps) == ((5, 6), "credit-based", 10_000_000)
    assert one.largest_frame_octets == 1000
    assert tsn.preemption is not None
    assert (tsn.preemption.express, tsn.preemption.fragment_octets) == ((7,), 128)
    assert tsn.cut_through


@pytest.mark.parametrize(
    ("section", "path", "code"),
    [
        ("tsn: 5", "tsn", "DESIGN-VALUE"),
        ("tsn: [a]", "tsn", "DESIGN-VALUE"),
        ("tsn: {clases: []}", "tsn.clases", "DESIGN-KEY-UNKNOWN"),
        ("tsn: {classes: {}}", "tsn.classes", "DESIGN-VALUE"),
        ("tsn: {classes: [5]}", "tsn.classes[0]", "DESIGN-VALUE"),
        ("tsn: {classes: [{}]}", "tsn.classes[0]", "DESIGN-KEY-MISSING"),
        ("tsn: {classes: [{pcp: []}]}", "tsn.classes[0].pcp", "DESIGN-VALUE"),
        ("tsn: {classes: [{pcp: 5}]}", "tsn.classes[0].pcp", "DESIGN-VALUE"),
        ("tsn: {classes: [{pcp: [8]}]}", "tsn.classes[0].pcp[0]", "DESIGN-VALUE"),
        ("tsn: {classes: [{pcp: [6], shaper: cbs}]}", "tsn.classes[0].shaper", "DESIGN-VALUE"),
        ("tsn: {classes: [{pcp: [6], idle_slope: 5}]}", "tsn.classes[0].idle_slope", "DESIGN-QUANTITY"),
        ("tsn: {preemption: true}", "tsn.preemption", "DESIGN-VALUE"),
        ("tsn: {preemption: {}}", "tsn.preemption", "DESIGN-KEY-MISSING"),
        ("tsn: {preemption: {express: []}}", "tsn.preemption.express", "DESIGN-VALUE"),
        ("tsn: {preemption: {express: [7], fragment: 64}}", "tsn.preemption.fragment", "DESIGN-QUANTITY"),
        ("tsn: {cut_through: perhaps}", "tsn.cut_through", "DESIGN-VALUE"),
        ("tsn: {synchronisation: {grandmaster: sw.p1}}", "tsn.synchronisation.grandmaster", "DESIGN-REFERENCE"),
        ("tsn: {synchronisation: {interval: 0 ms}}", "tsn.synchronisation.interval", "DESIGN-QUANTITY"),
        ("schedule: 5", "schedule", "DESIGN-VALUE"),
        ("schedule: {stream: {}}", "schedule.stream", "DESIGN-KEY-UNKNOWN"),
        ("schedule: {streams: []}", "schedule.streams", "DESIGN-VALUE"),
        ("schedule: {streams: {x: {}}}", "schedule.streams.x", "DESIGN-KEY-MISSING"),
        ("schedule: {streams: {x: {phase: 1}}}", "schedule.streams.x.phase", "DESIGN-QUANTITY"),
        ("schedule: {streams: {x: {phase: 0, ways: [plc]}}}", "schedule.streams.x.ways[0]", "DESIGN-VALUE"),
        ("schedule: {streams: {x: {phase: 0, ways: [[plc.p1]]}}}", "schedule.streams.x.ways[0][0]", "DESIGN-REFERENCE"),
        ("schedule: {gates: {sw.p1: []}}", "schedule.gates.sw.p1", "DESIGN-VALUE"),
        ("schedule: {gates: {sw.p1: {}}}", "schedule.gates.sw.p1", "DESIGN-VALUE"),
        ("schedule: {gates: {sw.p1: [{entries: []}]}}", "schedule.gates.sw.p1[0]", "DESIGN-KEY-MISSING"),
        ("schedule: {gates: {sw.p1: [{cycle: 1 ms, entries: []}]}}", "schedule.gates.sw.p1[0].entries", "DESIGN-VALUE"),
        (
            "schedule: {gates: {sw.p1: [{cycle: 1 ms, entries: [{for: 0 ns, open: []}]}]}}",
            *("schedule.gates.sw.p1[0].entries[0].for", "DESIGN-QUANTITY"),
        ),
        ("servers: [a]", "servers", "DESIGN-VALUE"),
        ("servers: {a: {}}", "servers.a", "DESIGN-KEY-MISSING"),
        ("servers: {a: {service: [{rate: -1 bit/s}]}}", "servers.a.service[0].rate", "DESIGN-QUANTITY"),
        ("flows: {f: {paths: [], buckets: []}}", "flows.f.paths", "DESIGN-VALUE"),
        ("flows: {f: {paths: [[a]], buckets: [{burst: 1 m, rate: 1 bit/s}]}}", "flows.f.buckets[0].burst", "DESIGN-QUANTITY"),
        ("streams: {x: {%s, ways: 0}}", "streams.x.ways", "DESIGN-VALUE"),
        ("streams: {x: {%s, ways: 5}}", "streams.x.ways", "DESIGN-VALUE"),
        ("streams: {x: {%s, policed: often}}", "streams.x.policed", "DESIGN-VALUE"),
        ("streams: {x: {%s, scheduled: often}}", "streams.x.scheduled", "DESIGN-VALUE"),
    ],
)  # fmt: skip
def test_values_that_cannot_be(tmp_path: Path, section: str, path: str, code: str) -> None:
    text = PLANT + section.replace("%s", STREAM) + "\n"
    fitting = [one for one in found_in(tmp_path, text) if one.path == path]
    assert [one.code for one in fitting] == [code]
    assert line_of(fitting[0]) == 10
    assert fitting[0].hint


@pytest.mark.parametrize("fragment", [60, 65, 320])
def test_fragments(tmp_path: Path, fragment: int) -> None:
    text = PLANT + f"tsn: {{preemption: {{express: [7], fragment: {fragment} B}}}}\n"
    finding = the(found_in(tmp_path, text), "TSN-FRAGMENT")
    assert (finding.path, finding.found) == ("tsn.preemption.fragment", f"{fragment} B")


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ("idle_slope: 1 Mbit/s", "idle_slope"),
        ("shaper: asynchronous, idle_slope: 1 Mbit/s", "idle_slope"),
        ("quantum: 1 kB", "quantum"),
        ("shaper: credit-based, quantum: 1 kB", "quantum"),
        ("shaper: round-robin, quantum: 0 B", "quantum"),
        ("largest_frame: 63 B", "largest_frame"),
        ("largest_frame: 0 B", "largest_frame"),
    ],
)
def test_options_that_mean_nothing(tmp_path: Path, options: str, key: str) -> None:
    own = PLANT.replace("sw: {is: tsn-bridge}", "sw: {is: tsn-bridge, tsn: {classes: [%s]}}")
    finding = the(found_in(tmp_path, own % f"{{pcp: [6], {options}}}"), "TSN-OPTION")
    assert (line_of(finding), finding.path) == (5, f"nodes.sw.tsn.classes[0].{key}")
    common = PLANT + f"tsn: {{classes: [{{pcp: [5]}}, {{pcp: [6], {options}}}]}}\n"
    finding = the(found_in(tmp_path, common), "TSN-OPTION")
    assert (line_of(finding), finding.path) == (10, f"tsn.classes[1].{key}")


@pytest.mark.parametrize(
    ("traffic", "code", "key"),
    [
        (f"{STREAM}, sporadic: true, phase: 0", "STREAM-PHASE", "phase"),
        (f"{STREAM}, sporadic: true, scheduled: true", "STREAM-SCHEDULED", "scheduled"),
        ("from: plc, to: srv, rate: 1 Mbit/s, scheduled: true", "STREAM-SCHEDULED", "scheduled"),
        (
            "from: plc, to: srv, video: {rate: 1 Mbit/s, pictures_per_s: 25}, scheduled: true",
            *("STREAM-SCHEDULED", "scheduled"),
        ),
        (f"{STREAM}, path: [sw], ways: 2", "STREAM-PATH-WAYS", "path"),
    ],
)
def test_wishes_that_exclude_each_other(tmp_path: Path, traffic: str, code: str, key: str) -> None:
    finding = the(found_in(tmp_path, PLANT + f"streams: {{x: {{{traffic}}}}}\n"), code)
    assert (line_of(finding), finding.path) == (10, f"streams.x.{key}")


def test_a_mistake_in_a_placed_module_is_told_there(tmp_path: Path) -> None:
    text = HEAD + (
        "modules:\n"
        "  cell:\n"
        "    nodes: {sw: {is: tsn-bridge, tsn: {classes: [{pcp: [6], quantum: 1 kB}]}}}\n"
        "place: [{module: cell, as: a}, {module: cell, as: b}]\n"
    )
    found = [one for one in found_in(tmp_path, text) if one.code == "TSN-OPTION"]
    assert {(line_of(one), one.path) for one in found} == {
        (5, "modules.cell.nodes.sw.tsn.classes[0].quantum")
    }


def test_a_placement_may_override_the_policy(tmp_path: Path) -> None:
    text = HEAD + (
        "modules: {cell: {nodes: {sw: {is: tsn-bridge, tsn: {cut_through: true}}}}}\n"
        "place: [{module: cell, as: a, override: {nodes: {sw: {tsn: {cut_through: false}}}}}]\n"
    )
    policy = loaded(tmp_path, text).nodes["a/sw"].tsn
    assert policy is not None
    assert not policy.cut_through

# SPDX-License-Identifier: Apache-2.0
"""Designs with random mistakes in their TSN, schedule and flows: planned, or told what is wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netplan.plan.model import Plan
from support.small_designs import HEAD, found_in, planned

DESIGN = (
    HEAD
    + """\
nodes:
  plc: {is: plc}
  srv: {is: server, model: generic-server-1g}
  s1: {is: tsn-bridge}
  s2: {is: tsn-bridge}
  s3: {is: tsn-bridge}
  s4: {is: tsn-bridge, tsn: {cut_through: true}}
  old: {is: switch, model: generic-switch-8x100m}
  cam: {is: camera, tsn: {classes: [{pcp: [2], shaper: credit-based}]}}
  agv: {is: agv}
links:
  - {between: [plc.p1, s1.p1], medium: cat6a, length: 1 m}
  - {between: [s1.p2, s2.p2], medium: cat6a, length: 1 m}
  - {between: [s2.p3, s3.p3], medium: cat6a, length: 1 m}
  - {between: [s3.p4, s4.p4], medium: cat6a, length: 1 m}
  - {between: [s4.p5, s1.p5], medium: cat6a, length: 1 m}
  - {between: [s3.p1, srv.p1], medium: cat6a, length: 1 m, framing: none}
  - {between: [s4.p1, old.p1], medium: cat6a, length: 1 m}
  - {between: [old.p2, cam.p1], medium: cat6a, length: 1 m, rate: 100 Mbit/s}
  - {between: [s2.p1, agv.p1], medium: cat6a, length: 1 m}
streams:
  motion: {from: plc, to: srv, size: 40 B, every: 1 ms, pcp: 6, scheduled: true}
  twice: {from: plc, to: srv, frame: 500 B, every: 2 ms, pcp: 5, ways: 2, policed: true, deadline: 1 ms}
  many: {from: cam, to: [srv, plc], burst: 9 kB, every: 30 ms, pcp: 2}
  film: {from: cam, to: srv, video: {rate: 2 Mbit/s, pictures_per_s: 25, group: 3}, pcp: 3}
  seen: {from: agv, to: plc, every: 5 ms, jitter: 1 us, trace: [{at: 0, size: 9 B}, {at: 1 ms, size: 3 kB}], pcp: 4}
  rest: {from: srv, to: cam, rate: 1 Mbit/s}
relations:
  drive: {controller: plc, device: agv, protocol: profinet-rt, cycle: 1 ms, out: 40 B, in: 40 B, ways: 1, policed: true}
tsn:
  classes:
    - {pcp: [2, 3], shaper: credit-based, idle_slope: 20 Mbit/s}
    - {pcp: [4], shaper: asynchronous}
    - {pcp: [0, 1], shaper: round-robin, quantum: 1 kB, largest_frame: 1522 B}
  preemption: {express: [5, 6], fragment: 128 B}
schedule:
  streams:
    motion: {phase: 10 us, ways: [[plc, s1, s4, s3, srv]]}
    twice: {phase: 20 us}
    drive.out: {phase: 30 us}
  gates:
    s1.p5:
      - {cycle: 1 ms, entries: [{for: 200 us, open: [6], mac: hold}, {for: 800 us, open: [0, 1, 2, 3, 4, 5, 6], mac: release}]}
      - {base: 1 s, cycle: 1 ms, extension: 1 us, entries: [{for: 1 ms, open: [0, 1, 2, 3, 4, 5, 6]}]}
    plc.p1: [{base: 5 us, cycle: 500 us, entries: [{for: 500 us, open: [5, 6]}]}]
servers:
  a: {service: [{rate: 10 Mbit/s, latency: 1 ms}, {rate: 5 Mbit/s}], capacity: 100 Mbit/s}
  b: {service: [{rate: 10 Mbit/s}]}
flows:
  f: {paths: [[a, b]], buckets: [{burst: 1 kB, rate: 1 Mbit/s}, {burst: 2 kB, rate: 2 Mbit/s}], packet: 500 B, deadline: 9 ms}
  g: {paths: [[b], [a]], buckets: [{burst: 4000 bit, rate: 0 bit/s}]}
"""
)
SECTIONS = ("tsn", "schedule", "servers", "flows", "streams", "relations", "nodes", "links")
ODD: list[Any] = [
    *(None, True, 0, 1, -1, 7, 8, 64, 1e300, "", "x", [], {}, [[]], [None], {"x": None}, "0"),
    *("0 B", "1 B", "63 B", "64 B", "9 GB", "1 bit", "0 bit", "1 Tbit", "0.3 bit", "1 GB"),
    *("0 ns", "1 ps", "1 ns", "7 ns", "8 ns", "1 ms", "999 ns", "7 d", "1e-3 ns", "-1 us"),
    *("0 bit/s", "1 bit/s", "0.1 bit/s", "1 Tbit/s", "1 Mbit/s", "1e-9 bit/s"),
    *(
        "plc",
        "s1",
        "s2",
        "s4",
        "srv",
        "cam",
        "agv",
        "old",
        "s1.p2",
        "agv.nr1",
        "$x",
        "a/b",
        "a",
        "f",
    ),
    *("strict", "credit-based", "asynchronous", "round-robin", "hold", "release", "set", "none"),
    *("generic-switch-8x100m", "generic-drive", "motion", "twice", "drive.out", "drive"),
    *([0], [7], [0, 0], [1, 6], ["s1"], ["plc", "srv"], ["a", "a"], ["b", "a"]),
    *([["plc", "s1", "s2", "s3", "srv"]], [["plc", "s1", "s4", "s3", "srv"]] * 2, [[]]),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything inside a value."""
    found = [path]
    if isinstance(value, dict):
        for key, one in value.items():
            found += places(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            found += places(one, (*path, index))
    return found


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@st.composite
def mistakes(draw: st.DrawFn) -> dict[str, Any]:
    """The design with one to three values exchanged, taken out, doubled, renamed or added."""
    design: dict[str, Any] = yaml.safe_load(DESIGN)
    for _ in range(draw(st.integers(1, 3))):
        section = draw(st.sampled_from(SECTIONS))
        if section not in design:
            continue
        paths = [(section, *path) for path in places(design[section])]
        path = draw(st.sampled_from(paths))
        outer, key = at(design, path[:-1]), path[-1]
        how = draw(st.sampled_from(["odd", "odd", "odd", "other", "delete", "double", "rename"]))
        if how == "odd":
            outer[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif how == "other":
            outer[key] = copy.deepcopy(at(design, draw(st.sampled_from(paths))))
        elif how == "delete":
            del outer[key]
        elif how == "double" and isinstance(outer, list):
            outer.append(copy.deepcopy(outer[key]))
        elif isinstance(outer, dict) and len(path) > 1:
            new = draw(st.sampled_from([*outer, "x", "s1.p2", "ways", "policed", "path", "phase"]))
            outer[new] = outer.pop(key)
    return design


def test_the_design_is_right(tmp_path: Path) -> None:
    plan = planned(tmp_path, DESIGN)
    assert isinstance(plan, Plan)
    assert {one.severity for one in plan.findings} <= {"note"}


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(design=mistakes())
def test_mistakes_are_told(tmp_path: Path, design: dict[str, Any]) -> None:
    """Reading and planning raise nothing; an error has a place in the file and says what to do."""
    for finding in found_in(tmp_path, json.dumps(design, indent=1)):
        assert finding.mark is not None, finding.text()
        if finding.severity == "error":
            assert finding.hint, finding.text()

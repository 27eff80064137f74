# SPDX-License-Identifier: Apache-2.0
"""Small designs written as text, loaded and planned as a user's file would be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from netplan.design.design import Design
from netplan.design.findings import DesignError, Finding
from netplan.design.load import load_design, read_design
from netplan.plan.make import make_plan, try_plan
from netplan.plan.model import Plan, PlannedStream

HEAD = "plantwire: 1\nname: small\n"
"""The two lines that every design begins with; what a test adds starts on line 3."""

LINE = (
    HEAD
    + """\
nodes:
  plc: {is: plc}
  sw: {is: switch}
  srv: {is: server, model: generic-server-1g}
links:
  - {between: [plc.p1, sw.p1], medium: cat6a, length: 10 m}
  - {between: [sw.p2, srv.p1], medium: cat6a, length: 20 m}
"""
)
"""A controller, a switch and a server in a row, all at 1 Gbit/s, in lines 1 to 9."""

CELL = """\
modules:
  cell:
    needs: [uplink]
    nodes:
      io1: {is: io-device, at: [1 m, 2 m]}
      drive1: {is: drive, zone: own}
    links:
      - {between: [io1.p1, drive1.p1], medium: cat6a, length: 5 m}
      - {between: [drive1.p2, $uplink], medium: cat6a, length: 9 m}
    streams:
      state: {from: io1, to: $uplink, size: 40 B, every: 2 ms}
"""
"""Lines 3 to 13 after the head: a module with two nodes, two links and a stream."""


def written(folder: Path, text: str) -> Path:
    """The text as a file of its own."""
    file = folder / "design.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def loaded(folder: Path, text: str) -> Design:
    """The design of a text without errors."""
    return load_design(written(folder, text))[0]


def planned(folder: Path, text: str) -> Plan:
    """The plan of a text without errors."""
    return make_plan(*load_design(written(folder, text)))


def found_in(folder: Path, text: str) -> tuple[Finding, ...]:
    """Every finding that ``plantwire check`` would show, errors or not."""
    try:
        design, findings = read_design(written(folder, text))
    except DesignError as error:
        return error.findings
    return findings if design is None else try_plan(design, findings)[1]


def the(findings: Iterable[Finding], code: str) -> Finding:
    """The one finding of a kind."""
    fitting = [finding for finding in findings if finding.code == code]
    assert len(fitting) == 1, [finding.text() for finding in findings]
    return fitting[0]


def line_of(finding: Finding) -> int:
    """Line that a finding points to."""
    assert finding.mark is not None, finding.text()
    return finding.mark.line


def stream_of(plan: Plan, name: str) -> PlannedStream:
    """A stream by its name."""
    return next(stream for stream in plan.streams if stream.name == name)


def way_of(plan: Plan, name: str) -> list[str]:
    """Transmitters of a stream's hops, in order."""
    return [plan.egresses[hop.egress_index].name for hop in stream_of(plan, name).hops]

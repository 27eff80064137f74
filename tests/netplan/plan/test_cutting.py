# SPDX-License-Identifier: Apache-2.0
"""Cut-through: where a bridge may send a frame on while it still comes, and where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.small_designs import HEAD, planned, stream_of

LINE = (
    HEAD
    + """\
nodes:
  cam: {is: camera}
  sw1: {is: tsn-bridge}
  sw2: {is: tsn-bridge}
  sw3: {is: tsn-bridge}
  srv: {is: server, model: generic-server-1g}
links:
  - {between: [cam.p1, sw1.p1], medium: cat6a, length: 1 m}
  - {between: [sw1.p2, sw2.p1], medium: cat6a, length: 1 m}
  - {between: [sw2.p2, sw3.p1], medium: cat6a, length: 1 m}
  - {between: [sw3.p2, srv.p1], medium: cat6a, length: 1 m}
streams: {x: {from: cam, to: srv, size: 100 B, every: 1 ms, pcp: 3}}
"""
)
CUT = "tsn: {cut_through: true%s}\n"


def cut(folder: Path, text: str) -> str:
    """For each hop, whether its node cuts through."""
    hops = stream_of(planned(folder, text), "x").hops
    assert {hop.cut_through_octets for hop in hops} <= {None, 18}
    return "".join("-" if hop.cut_through_octets is None else "c" for hop in hops)


def test_every_bridge_between_equal_wires(tmp_path: Path) -> None:
    assert cut(tmp_path, LINE) == "----"
    assert cut(tmp_path, LINE + CUT % "") == "-ccc"


@pytest.mark.parametrize(
    ("slow", "expected"),
    [
        # The bridge behind the slow wire cannot begin before the frame has come; the one before can.
        ("cam.p1, sw1.p1", "--cc"),
        ("sw2.p2, sw3.p1", "-cc-"),
        ("sw3.p2, srv.p1", "-ccc"),
    ],
)
def test_not_from_a_slow_wire_to_a_fast_one(tmp_path: Path, slow: str, expected: str) -> None:
    text = LINE.replace(f"[{slow}], ", f"[{slow}], rate: 100 Mbit/s, ")
    assert cut(tmp_path, text + CUT % "") == expected


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("sw2: {is: switch}", "-c-c"),  # has no TSN
        ("sw2: {is: tsn-bridge, tsn: {}}", "-c-c"),  # says otherwise
        ("sw2: {is: switch, tsn: {cut_through: true}}", "-ccc"),  # says so itself
    ],
)
def test_by_bridge(tmp_path: Path, own: str, expected: str) -> None:
    assert cut(tmp_path, LINE.replace("sw2: {is: tsn-bridge}", own) + CUT % "") == expected


def test_not_where_the_stream_is_policed(tmp_path: Path) -> None:
    text = LINE.replace("pcp: 3}", "pcp: 3, policed: true}")
    assert cut(tmp_path, text + CUT % "") == "--cc"


def test_not_where_it_is_shaped_by_eligibility_times(tmp_path: Path) -> None:
    classes = ", classes: [{pcp: [3], shaper: asynchronous}]"
    assert cut(tmp_path, LINE + CUT % classes) == "----"


def test_not_behind_a_wire_that_may_interrupt_the_frame(tmp_path: Path) -> None:
    """The camera's own port does not preempt, so sw1 may cut through."""
    assert cut(tmp_path, LINE + CUT % ", preemption: {express: [7]}") == "-c--"
    assert cut(tmp_path, LINE + CUT % ", preemption: {express: [3]}") == "-ccc"


RING = """\
nodes:
  cam: {is: camera}
  s0: {is: tsn-bridge}
  s1: {is: tsn-bridge}
  s2: {is: tsn-bridge}
  s3: {is: tsn-bridge}
  s4: {is: tsn-bridge}
  s5: {is: tsn-bridge}
  srv: {is: server, model: generic-server-1g}
links:
  - {between: [cam, s0], medium: cat6a, length: 1 m}
  - {between: [s0, s1], medium: cat6a, length: 1 m}
  - {between: [s1, s2], medium: cat6a, length: 1 m}
  - {between: [s2, s3], medium: cat6a, length: 1 m}
  - {between: [s3, s5], medium: cat6a, length: 1 m}
  - {between: [s0, s4], medium: cat6a, length: 1 m}
  - {between: [s4, s3], medium: cat6a, length: 1 m}
  - {between: [s5, srv], medium: cat6a, length: 1 m}
streams: {x: {from: cam, to: srv, size: 100 B, every: 1 ms, ways: 2}}
"""


def test_not_where_copies_are_tagged_or_eliminated(tmp_path: Path) -> None:
    """s0 makes the frames longer and s3 eliminates; s1, s2, s4 and s5 only pass them on."""
    plan = planned(tmp_path, HEAD + RING + CUT % "")
    hops = stream_of(plan, "x").hops
    assert {hop.from_node for hop in hops if hop.cut_through_octets} == {"s1", "s2", "s4", "s5"}

# SPDX-License-Identifier: Apache-2.0
"""Whole frames and recorded traces: what a talker may release, and what cannot be a contract."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from netplan.plan.demand import Demand, demands
from support.small_designs import LINE, found_in, line_of, loaded, planned, the

US = 10**6


def of_stream(folder: Path, traffic: str) -> Demand:
    text = LINE + f"streams: {{x: {{from: plc, to: srv, {traffic}}}}}\n"
    (demand,), findings = demands(loaded(folder, text))
    assert findings == []
    return demand


@pytest.mark.parametrize("octets", [64, 68, 500, 1522])
def test_a_whole_frame_is_taken_as_it_is(tmp_path: Path, octets: int) -> None:
    demand = of_stream(tmp_path, f"frame: {octets} B, every: 1 ms")
    assert demand.emission.messages == ((octets,),)
    assert demand.kind == "cyclic"
    assert demand.emission.pattern_ps == 10**9


@pytest.mark.parametrize("octets", [0, 9217])
def test_no_frame_at_all(tmp_path: Path, octets: int) -> None:
    text = LINE + f"streams: {{x: {{from: plc, to: srv, frame: {octets} B, every: 1 ms}}}}\n"
    finding = the(found_in(tmp_path, text), "STREAM-FRAME")
    assert (line_of(finding), finding.path) == (10, "streams.x.frame")
    assert (finding.expected, finding.found) == ("1 B to 9216 B", f"{octets} B")
    assert finding.severity == "error"


@pytest.mark.parametrize("octets", [1, 63, 1523, 9216])
def test_no_standard_frame(tmp_path: Path, octets: int) -> None:
    """Counted as it stands, so that other tools' networks can be compared, and said."""
    text = LINE + f"streams: {{x: {{from: plc, to: srv, frame: {octets} B, every: 1 ms}}}}\n"
    finding = the(found_in(tmp_path, text), "STREAM-FRAME-SIZE")
    assert (line_of(finding), finding.path) == (10, "streams.x.frame")
    assert (finding.expected, finding.found) == ("64 B to 1522 B", f"{octets} B")
    assert finding.severity == "warning"
    assert planned(tmp_path, text).streams[0].emission.messages == ((octets,),)


def test_a_trace_counts_from_its_first_entry(tmp_path: Path) -> None:
    """70 octets around the data of UDP; 1500 octets are a full packet of 1400 and a rest of 100."""
    demand = of_stream(
        tmp_path,
        "every: 1 ms, jitter: 90 us, phase: 7 us, trace: [{at: 5 us, size: 100 B},"
        " {at: 95 us, size: 1500 B}, {at: 900 us, size: 1 B}]",
    )
    assert demand.kind == "trace"
    assert demand.emission.messages == ((170,), (1470, 170), (71,))
    assert demand.emission.offsets_ps == (0, 90 * US, 895 * US)
    assert demand.emission.period_ps == demand.emission.pattern_ps == 1000 * US
    assert (demand.emission.phase_ps, demand.emission.jitter_ps) == (7 * US, 90 * US)


@pytest.mark.parametrize(
    ("traffic", "code", "path", "found"),
    [
        (
            "every: 1 ms, trace: [{at: 5 us, size: 9 B}, {at: 5 us, size: 9 B}]",
            *("STREAM-TRACE", "trace[1].at", "5 us"),
        ),
        (
            "every: 1 ms, trace: [{at: 0, size: 9 B}, {at: 9 us, size: 9 B}, {at: 8 us, size: 9 B}]",
            *("STREAM-TRACE", "trace[2].at", "8 us"),
        ),
        (
            "every: 1 ms, trace: [{at: 1 us, size: 9 B}, {at: 1001 us, size: 9 B}]",
            *("STREAM-TRACE", "every", "1 ms"),
        ),
        (
            "every: 1 ms, sporadic: true, trace: [{at: 0, size: 9 B}]",
            *("STREAM-TRACE", "sporadic", "sporadic"),
        ),
        # The gap from the last message to the next first one counts as well: 10 us.
        (
            "every: 1 ms, jitter: 11 us, trace: [{at: 5 us, size: 9 B}, {at: 995 us, size: 9 B}]",
            *("STREAM-JITTER", "jitter", "11 us"),
        ),
        (
            "every: 1 ms, trace: [{at: 0, size: 9 B}, {at: 9 us, size: 0 B}]",
            *("STREAM-FRAME", "trace[1].size", "0 frames"),
        ),
        ("every: 1 ms, trace: []", "DESIGN-VALUE", "trace", "a list"),
        ("trace: [{at: 0, size: 9 B}]", "STREAM-PERIOD", "trace", "nothing"),
        (
            "every: 1 ms, size: 9 B, trace: [{at: 0, size: 9 B}]",
            *("STREAM-TRAFFIC", "", "size, trace"),
        ),
    ],
)
def test_traces_that_cannot_be(
    tmp_path: Path, traffic: str, code: str, path: str, found: str
) -> None:
    text = LINE + f"streams: {{x: {{from: plc, to: srv, {traffic}}}}}\n"
    finding = the(found_in(tmp_path, text), code)
    assert (line_of(finding), finding.found) == (10, found)
    assert finding.path == f"streams.x.{path}".rstrip(".")


def test_a_trace_too_large_is_refused_before_it_is_made(tmp_path: Path) -> None:
    """2,000 messages of 100,000 frames each would be 200 million numbers."""
    entries = ", ".join(f"{{at: {i} us, size: 100 kB}}" for i in range(2000))
    text = LINE + (
        f"streams: {{x: {{from: plc, to: srv, every: 1 s, packet: 1 B, trace: [{entries}]}}}}\n"
    )
    began = time.process_time()
    finding = the(found_in(tmp_path, text), "STREAM-FRAME")
    assert (finding.path, finding.found) == ("streams.x.trace", "200000000 frames")
    assert time.process_time() - began < 20


def test_an_offer_leaves_what_a_trace_takes(tmp_path: Path) -> None:
    """A trace of ten frames of 625 octets in 1 ms takes 50 Mbit/s, not a tenth of it.

    Of the 100 Mbit/s that are sold, test traffic gets the other half: 1518 x 8 bit in 242.88 us.
    """
    entries = ", ".join(f"{{at: {i} us, size: 555 B}}" for i in range(10))
    text = LINE + (
        f"streams: {{x: {{from: plc, to: srv, every: 1 ms, trace: [{entries}]}}}}\n"
        "offers: {o: {between: [plc.p1, srv.p1], direction: forward,"
        " cir: {rate: 100 Mbit/s, layer: ethernet}}}\n"
    )
    plan = planned(tmp_path, text)
    (offer,) = (one for one in plan.streams if one.kind == "offer")
    assert offer.emission.period_ps == 242_880_000

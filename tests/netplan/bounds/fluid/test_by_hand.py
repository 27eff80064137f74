# SPDX-License-Identifier: Apache-2.0
"""Small fluid networks worked by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from emulator.bench.networks import MBIT, flow, network, server
from netplan.bounds.fluid.analysis import FluidBound, fluid_bounds
from netplan.bounds.fluid.curves import added, longest_delay, needed
from netplan.plan.fluid import FluidFlow, FluidServer, RateLatency, TokenBucket

US = 10**6


def us(row: FluidBound) -> float:
    assert row.bound_ps is not None, row.why
    return float(row.bound_ps) / US


def test_one_server() -> None:
    # Both bursts at once: 10 us + 16,000 bit at 100 Mb/s = 170 us.
    rows = fluid_bounds(
        network(
            [server("a")],
            [flow(name, ["a"], rate_bps=20 * MBIT) for name in ("f", "g")],
        )
    )
    assert [us(row) for row in rows] == pytest.approx([170.0, 170.0], rel=1e-9)


def test_a_burst_alone_on_its_path_is_paid_once() -> None:
    # Latencies add, the burst counts once: 10 + 10 + 80 = 100 us. Hop by hop: at a 10 + 80, at b
    # no burst (a's line carries 100 Mb/s, b serves as much): 10. Without the line, b again has
    # 10 + (8000 + 20 Mb/s * 90 us) / 100 Mb/s = 108 us, 198 us together.
    path = [flow("f", ["a", "b"], rate_bps=20 * MBIT)]
    shaped = fluid_bounds(network([server("a"), server("b")], path))
    plain = fluid_bounds(network([server("a", capacity=False), server("b")], path))
    assert us(shaped[0]) == pytest.approx(100.0, rel=1e-9)
    assert us(plain[0]) == pytest.approx(100.0, rel=1e-9)


def test_crossing_burst_that_stays_is_paid_once() -> None:
    # f and g go over a and b together. As one flow: 10 + 10 + 160 us.
    flows = [flow(name, ["a", "b"], rate_bps=20 * MBIT) for name in ("f", "g")]
    rows = fluid_bounds(network([server("a", capacity=False), server("b")], flows))
    assert [us(row) for row in rows] == pytest.approx([180.0, 180.0], rel=1e-9)


def test_burst_that_joins_at_the_second_server() -> None:
    # f over a and b, g over b alone. f's burst leaves a from 10 to 90 us, and until then g brings
    # 8000 bit and 20 Mb/s * 80 us = 1600 bit to b, which serves from 20 us on: when the
    # last bit of f comes, 17,600 - 7000 bit are there, so it leaves at 90 + 106 = 196 us.
    flows = [flow("f", ["a", "b"], rate_bps=20 * MBIT), flow("g", ["b"], rate_bps=20 * MBIT)]
    rows = fluid_bounds(network([server("a"), server("b")], flows))
    assert us(rows[0]) == pytest.approx(196.0, rel=1e-9)


def test_line_of_the_server_before_limits_what_arrives() -> None:
    # Two sources of 100 Mb/s into b, each with 8000 bit that come within 80 us: the bit of f that
    # comes last finds 8000 bit of g and 8000 of f, of which 80 us have been served.
    # At a: 10 + 80. At b: bits come until 80 us (a little later: f goes on at 20 Mb/s during the
    # latency), the work is 16,000: 10 + 160 - 80 = 90.
    flows = [flow("f", ["a", "b"], rate_bps=1), flow("g", ["c", "b"], rate_bps=1)]
    servers = [server("a"), server("c"), server("b")]
    rows = fluid_bounds(network(servers, flows))
    assert [us(row) for row in rows] == pytest.approx([180.0, 180.0], rel=1e-5)


def test_several_buckets_and_pieces() -> None:
    # Arrivals min(1000 + 50 Mb/s t, 8000 + 1 Mb/s t) meet at 7000/49 us = 142.857: 8142.857 bit.
    # Service max(10 Mb/s (t - 0), 100 Mb/s (t - 100 us)) meet at 111.1 us, 1111.1 bit. The
    # distance is largest at the bend of arrivals: 100 + 81.42857 - 142.857 = 38.57 us, or where
    # 1111.1 bit have come: 2.22 us, 111.11 - 2.22 = 108.89 us. Or at 0: 1000 bit, 100 us.
    bucket = [
        TokenBucket(burst_bits=Fraction(1000), rate_bps=Fraction(50 * MBIT)),
        TokenBucket(burst_bits=Fraction(8000), rate_bps=Fraction(MBIT)),
    ]
    pieces = (
        RateLatency(rate_bps=Fraction(10 * MBIT), latency_ps=Fraction(0)),
        RateLatency(rate_bps=Fraction(100 * MBIT), latency_ps=Fraction(100 * US)),
    )
    rows = fluid_bounds(
        network(
            [FluidServer(name="a", pieces=pieces)],
            [FluidFlow(name="f", paths=(("a",),), buckets=tuple(bucket))],
        )
    )
    assert us(rows[0]) == pytest.approx(1000 / 9 - 20 / 9, rel=1e-9)


def test_copies_of_a_multicast_flow_are_one_flow_until_they_part() -> None:
    # The burst counts once at a: 10 + 80 us there, and 10 us behind it.
    one = replace(flow("f", ["a", "b"], rate_bps=MBIT), paths=(("a", "b"), ("a", "c")))
    rows = fluid_bounds(network([server(name) for name in "abc"], [one]))
    assert len(rows) == 1
    assert us(rows[0]) == pytest.approx(100.0, rel=1e-9)


def test_packets_are_held_until_complete() -> None:
    # Store and forward of one packet over two servers: 10 + 80 + 10 + 80, not 100 us as a fluid.
    path = [flow("f", ["a", "b"], rate_bps=MBIT)]
    held = replace(network([server("a"), server("b")], path), packetizer=True)
    assert us(fluid_bounds(held)[0]) == pytest.approx(180.0, rel=1e-9)


def test_an_overloaded_server_spoils_only_what_crosses_it() -> None:
    flows = [
        flow("f", ["a", "b"], rate_bps=60 * MBIT),
        flow("g", ["b"], rate_bps=60 * MBIT),
        flow("h", ["a"], rate_bps=MBIT),
    ]
    rows = fluid_bounds(network([server("a"), server("b")], flows))
    assert [row.bound_ps is None for row in rows] == [True, True, False]
    assert rows[0].why


def test_curves() -> None:
    lines = [(Fraction(8), Fraction(1)), (Fraction(1), Fraction(5)), (Fraction(9), Fraction(1))]
    # 1 + 5t and 8 + t; 7 + 2t is above both everywhere.
    assert needed([*lines, (Fraction(7), Fraction(2))]) == lines[1::-1]
    # Twice the first two, bending at 7/4 both.
    assert added([[(1.0, 5.0), (8.0, 1.0)], [(1.0, 0.0)]]) == [(2.0, 5.0), (9.0, 1.0)]
    # 3 + t against 2 (t - 1): at 0 the distance is 1 + 3/2, and it shrinks.
    assert longest_delay([(3.0, 1.0)], [(2.0, 2.0)]) == 2.5
    assert longest_delay([(3.0, 3.0)], [(2.0, 2.0)]) is None

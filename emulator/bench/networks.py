# SPDX-License-Identifier: Apache-2.0
"""Fluid networks of the kinds on which network calculus tools are compared."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from netplan.plan.fluid import FluidFlow, FluidNetwork, FluidServer, RateLatency, TokenBucket

US = 1_000_000
MBIT = 10**6


def server(
    name: str, *, rate_bps: int = 100 * MBIT, latency_us: int = 10, capacity: bool = True
) -> FluidServer:
    """A server whose line carries 100 Mb/s."""
    return FluidServer(
        name=name,
        pieces=(RateLatency(rate_bps=Fraction(rate_bps), latency_ps=Fraction(latency_us * US)),),
        capacity_bps=Fraction(100 * MBIT) if capacity else None,
    )


def flow(
    name: str, path: Sequence[str], *, rate_bps: int | Fraction, burst_bits: int = 8000
) -> FluidFlow:
    """A flow with one token bucket and packets of 1000 octets."""
    return FluidFlow(
        name=name,
        paths=(tuple(path),),
        buckets=(TokenBucket(burst_bits=Fraction(burst_bits), rate_bps=Fraction(rate_bps)),),
        largest_packet_bits=Fraction(8000),
    )


def network(servers: Sequence[FluidServer], flows: Sequence[FluidFlow]) -> FluidNetwork:
    """The network of both."""
    return FluidNetwork(name="test", servers=tuple(servers), flows=tuple(flows))


def tandem(size: int) -> FluidNetwork:
    """Servers in line, one flow over all, and one over each pair of neighbours; 20 Mb/s each."""
    names = [f"s{index}" for index in range(size)]
    flows = [flow("f0", names, rate_bps=20 * MBIT)]
    flows += [
        flow(f"f{index}", names[index - 1 : index + 1], rate_bps=20 * MBIT)
        for index in range(1, size)
    ]
    return network([server(name) for name in names], flows)


def ring(size: int, load_bps: int = 50 * MBIT) -> FluidNetwork:
    """Servers in a circle, and from each of them a flow once around."""
    names = [f"s{index}" for index in range(size)]
    flows = [
        flow(
            f"f{index}",
            names[index:] + names[:index],
            rate_bps=Fraction(load_bps, size),
        )
        for index in range(size)
    ]
    return network([server(name) for name in names], flows)


def mesh(layers: int) -> FluidNetwork:
    """Pairs of servers one behind the other, a faster one at the end, flows over all ways."""
    names = [(f"s{2 * layer}", f"s{2 * layer + 1}") for layer in range(layers)]
    last = server("end", rate_bps=200 * MBIT)
    ways: list[tuple[str, ...]] = [()]
    for pair in names:
        ways = [(*way, name) for way in ways for name in pair]
    flows = [
        flow(f"f{index}", (*way, "end"), rate_bps=Fraction(100 * MBIT, len(ways)))
        for index, way in enumerate(ways)
    ]
    return network([*(server(name) for pair in names for name in pair), last], flows)

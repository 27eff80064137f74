# SPDX-License-Identifier: Apache-2.0
"""Generated scheduling problems for measurements and tests: the same arguments, the same problem.

Switches with one end station each, all links 1 Gbit/s, 2 us of forwarding; streams between two
stations drawn at random. A *mesh* of two rows is a ladder; more rows give a grid.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from netplan.tsn.synthesis.network import Link, Network, NetworkRoutes
from netplan.tsn.synthesis.problem import Frame, Port, Problem, Stream

_GBIT_BPS = 10**9
_NS = 1000
_US = 10**6
_FORWARDING_PS = 2 * _US

EASY_PERIODS_PS = tuple(one * _US for one in (500, 1000, 2000, 4000))
EASY_SIZES_OCTETS = tuple(range(100, 501, 100))
HARD_PERIODS_PS = tuple(one * _US for one in (100, 200, 400, 800))
HARD_SIZES_OCTETS = tuple(range(200, 1501, 100))


def mesh(switch_count: int, row_count: int = 2) -> list[tuple[int, int]]:
    """Pairs of switches that are linked: a grid with so many rows, the rows equally long."""
    columns = switch_count // row_count
    pairs = []
    for row in range(row_count):
        for column in range(columns):
            here = row * columns + column
            if column + 1 < columns:
                pairs.append((here, here + 1))
            if row + 1 < row_count:
                pairs.append((here, here + columns))
    return pairs


def ring(switch_count: int) -> list[tuple[int, int]]:
    """Pairs of switches in a ring."""
    return [*pairwise(range(switch_count)), (switch_count - 1, 0)]


def line(switch_count: int) -> list[tuple[int, int]]:
    """Pairs of switches in a line."""
    return list(pairwise(range(switch_count)))


def generated(
    pairs: Sequence[tuple[int, int]],
    stream_count: int,
    *,
    periods_ps: Sequence[int] = EASY_PERIODS_PS,
    sizes_octets: Sequence[int] = EASY_SIZES_OCTETS,
    listener_count: int = 1,
    seed: int = 1,
) -> Problem:
    """Streams at random over the given links.

    Args:
        pairs: Switches that are linked; switch ``n`` of ``N`` has the end station ``N + n``.
        stream_count: Streams to draw.
        periods_ps: Drawn from these; the deadline is the period.
        sizes_octets: Frame sizes, drawn from these.
        listener_count: Listeners of each stream.
        seed: Of the drawing.
    """
    chance = random.Random(seed)  # noqa: S311 - an example that can be repeated, no secret
    switches = sorted({switch for pair in pairs for switch in pair})
    stations = [len(switches) + switch for switch in switches]
    both = [*pairs, *zip(switches, stations, strict=True)]
    ends = sorted([*both, *((to, of) for of, to in both)])
    links = tuple(
        Link(from_node=str(of), to_node=str(to), forwarding_ps=_FORWARDING_PS, propagation_ps=0)
        for of, to in ends
    )
    ports = tuple(
        Port(name=f"{of}>{to}", line_bps=_GBIT_BPS, lead_octets=0, tail_octets=0, other_octets=0)
        for of, to in ends
    )
    network = Network(links=links)
    streams = []
    for number in range(stream_count):
        talker, *listeners = chance.sample(stations, 1 + listener_count)
        period_ps = chance.choice(periods_ps)
        streams.append(
            Stream(
                name=str(number),
                period_ps=period_ps,
                frames=(Frame(frame_octets=chance.choice(sizes_octets)),),
                routes=NetworkRoutes(
                    network=network,
                    talker=str(talker),
                    listeners=tuple(map(str, listeners)),
                    queue_index=7,
                ),
                deadlines_ps=(period_ps,) * listener_count,
                jitter_ps=period_ps,
            )
        )
    return Problem(ports=ports, streams=tuple(streams))

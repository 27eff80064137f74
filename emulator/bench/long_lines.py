# SPDX-License-Identifier: Apache-2.0
"""Lines of bridges at 60 % to 80 % load with one shaper each: how near bounds come to the worst case.

Streams enter and leave anywhere along the line, all in one direction, so that every link between
bridges is shared; each stream has a talker and a listener of its own. The number of a line and
its shaper give the same design everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

import yaml

LEAST_LOAD_RATIO: Final = 0.6
MOST_LOAD_RATIO: Final = 0.8
LEAST_HOPS: Final = 4
_MOST_BRIDGES: Final = 7
_LINE_BPS: Final = 100_000_000
_MOST_ATTEMPTS: Final = 2000
_FIRST_DEVICE_PORT: Final = 3
_MOST_DEVICES: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What the ports of a line do.

    Attributes:
        shares: Priorities that streams draw from, each with the most that its streams may load a
            link, so that its slope or window is enough for them.
        tsn: The design's ``tsn``.
        gates: Gate entries of every port between bridges: duration in microseconds, open queues.
        largest_octets: Largest user data of a frame.
        periods_us: That streams draw from.
    """

    shares: Mapping[int, float]
    tsn: Mapping[str, Any] = field(default_factory=dict)
    gates: tuple[tuple[int, tuple[int, ...]], ...] = ()
    largest_octets: int = 1400
    periods_us: tuple[int, ...] = (500, 1000, 2000, 4000)


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "strict priority": Kind(shares={6: 0.8, 5: 0.8, 4: 0.8, 3: 0.8}),
        "round robin": Kind(
            shares={4: 0.4, 3: 0.4, 2: 0.4},
            tsn={
                "classes": [
                    {"pcp": [pcp], "shaper": "round-robin", "quantum": "1522 B"} for pcp in (4, 3, 2)
                ]
            },
        ),
        "credit-based": Kind(
            shares={6: 0.3, 5: 0.2, 3: 0.8},
            tsn={
                "classes": [
                    {"pcp": [6], "shaper": "credit-based", "idle_slope": "45 Mbit/s"},
                    {"pcp": [5], "shaper": "credit-based", "idle_slope": "30 Mbit/s"},
                ]
            },
        ),
        "asynchronous": Kind(
            shares={6: 0.4, 5: 0.4, 3: 0.8},
            tsn={"classes": [{"pcp": [pcp], "shaper": "asynchronous"} for pcp in (6, 5)]},
        ),
        "gates": Kind(
            shares={6: 0.3, 5: 0.3, 3: 0.3},
            gates=((480, (6,)), (520, (0, 1, 2, 3, 4, 5, 7))),
            largest_octets=200,
            periods_us=(250,),
        ),
        "preemption": Kind(
            shares={6: 0.4, 5: 0.8, 3: 0.8}, tsn={"preemption": {"express": [6, 7]}}
        ),
    }
)  # fmt: skip
"""By the name of the shaper."""


def long_line(kind: str, number: int) -> str:
    """A design: a line of bridges with a talker and a listener at each.

    Args:
        kind: Of :data:`KINDS`.
        number: Which one.
    """
    chance = random.Random(f"{kind} {number}")  # noqa: S311 - can be repeated, no secret
    rules = KINDS[kind]
    count = chance.randint(LEAST_HOPS - 1, _MOST_BRIDGES)
    bridges = [f"sw{index}" for index in range(count)]
    nodes: dict[str, Any] = {
        name: {"is": "tsn-bridge", "model": "generic-tsn-16x1g-4x10g-sfp"} for name in bridges
    }
    links = [_link(f"{one}.p2", f"{other}.p1") for one, other in pairwise(bridges)]
    streams: dict[str, Any] | None = None
    while streams is None:  # now and then ports or rates run out before all links are full
        streams = _streams(chance, rules, count)
    ports = dict.fromkeys(bridges, _FIRST_DEVICE_PORT)
    for stream in streams.values():
        for end in (stream["from"], stream["to"]):
            bridge = f"sw{end.split('-')[1]}"
            nodes[end] = {"is": "plc"}
            links.append(_link(f"{bridge}.p{ports[bridge]}", f"{end}.p1"))
            ports[bridge] += 1
    document: dict[str, Any] = {
        "plantwire": 1, "name": f"{kind} {number}", "tsn": dict(rules.tsn), "nodes": nodes,
        "links": links, "streams": streams,
    }  # fmt: skip
    if rules.gates:
        gates = {
            "cycle": f"{sum(one for one, _ in rules.gates)} us",
            "entries": [{"for": f"{us} us", "open": list(open_)} for us, open_ in rules.gates],
        }
        document["schedule"] = {"gates": {f"{name}.p2": [gates] for name in bridges[:-1]}}
    return yaml.safe_dump(document, sort_keys=False)


def _link(one: str, other: str) -> dict[str, Any]:
    return {"between": [one, other], "medium": "cat6a", "length": "20 m", "rate": "100 Mbit/s"}


def _streams(chance: random.Random, rules: Kind, count: int) -> dict[str, Any] | None:
    """Streams until every link between bridges carries enough; None when they never do."""
    streams: dict[str, Any] = {}
    ports: dict[int, int] = {}  # devices by bridge
    links: dict[object, float] = {}  # load by link; by link and priority
    over_ratio = LEAST_LOAD_RATIO + (MOST_LOAD_RATIO - LEAST_LOAD_RATIO) * chance.random()
    for attempt in range(_MOST_ATTEMPTS):
        if all(links.get(("line", one), 0) >= LEAST_LOAD_RATIO for one in range(count - 1)):
            return streams
        first, last = (0, count - 1) if attempt < 3 else sorted(chance.sample(range(count), 2))
        octets = chance.randint(20, rules.largest_octets)
        period_us = chance.choice(rules.periods_us)
        pcp = chance.choice(list(rules.shares))
        # UDP over IPv6 with a tag, preamble and gap: 48 + 22 + 20 octets.
        load_ratio = 8e6 * (octets + 90) / period_us / _LINE_BPS
        if max(ports.get(first, 0), ports.get(last, 0)) >= _MOST_DEVICES:
            continue
        used = [("line", one) for one in range(first, last)]
        own = [(pcp, one) for one in used]
        if any(links.get(one, 0) + load_ratio > over_ratio for one in used) or any(
            links.get(one, 0) + load_ratio > rules.shares[pcp] for one in own
        ):
            continue
        for bridge in (first, last):
            ports[bridge] = ports.get(bridge, 0) + 1
        for one in (*used, *own):
            links[one] = links.get(one, 0) + load_ratio
        streams[f"s{len(streams)}"] = {
            "from": f"t{len(streams)}-{first}", "to": f"l{len(streams)}-{last}", "size": f"{octets} B", "every": f"{period_us} us",
            "pcp": pcp, "deadline": "100 ms",
        }  # fmt: skip
    return None

# SPDX-License-Identifier: Apache-2.0
"""Random TSN designs over all shapers: what a user could write, as the files of a design.

A number gives the same design everywhere. Bridges stand in a tree or a ring, ports shape, gate, preempt
and cut through at random, streams are periodic, sporadic, bursty or recorded, some multicast,
policed, over two ways, or with a phase. Loads are mostly moderate; some ports are overloaded.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

_SPEEDS = ("100 Mbit/s", "100 Mbit/s", "1 Gbit/s")
_HOSTS = ("plc", "sensor", "hmi")
_PERIODS_US = (250, 500, 1000, 2000, 4000)
_LARGEST_OCTETS = 1522
_BRIDGE = """\
kind: device
extends: generic-tsn-8x1g
id: bench-bridge
name: TSN bridge that cuts through, 16 ports
ports:
  - {prefix: p, count: 16, connector: rj45, rates: [100 Mbit/s, 1 Gbit/s], source: definition of this bench}
bridge:
  processing: {min: 500 ns, max: 2 us, source: definition of this bench}
  cut_through: {value: true, source: definition of this bench}
"""


def random_design(number: int) -> dict[str, str]:
    """The files of a design, by path.

    Args:
        number: Which one.
    """
    made = _Made(random.Random(number))  # noqa: S311 - an example that can be repeated, no secret
    document = yaml.safe_dump(made.document(number), sort_keys=False)
    return {"catalog/device/bench-bridge.yaml": _BRIDGE, "design.yaml": document}


@dataclass(slots=True)
class _Made:
    """A design while it is drawn."""

    chance: random.Random
    nodes: dict[str, Any] = field(default_factory=dict)
    links: list[dict[str, Any]] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    gated: list[tuple[str, int]] = field(default_factory=list)
    home: dict[str, str] = field(default_factory=dict)

    def document(self, number: int) -> dict[str, Any]:
        """Everything."""
        chance = self.chance
        bridges = [f"sw{index}" for index in range(chance.randint(1, 5))]
        model = chance.choice(("generic-tsn-8x1g", "bench-bridge", "bench-bridge"))
        for name in bridges:
            self.nodes[name] = {
                "is": "tsn-bridge",
                "model": model if len(bridges) < 4 else "bench-bridge",
            }
        ring = len(bridges) > 2 and chance.random() < 0.5
        for index, name in enumerate(bridges[1:], 1):
            self._link(bridges[index - 1] if ring else bridges[chance.randrange(index)], name)
        if ring:
            self._link(bridges[-1], bridges[0])
        hosts = [f"h{index}" for index in range(chance.randint(3, 7))]
        for name in hosts:
            self.nodes[name] = {"is": chance.choice(_HOSTS), "model": "generic-plc"}
            self.home[name] = chance.choice(bridges)
            self._link(name, self.home[name])
        tsn = self._tsn()
        streams = {
            f"s{index}": self._stream(hosts, ring=ring) for index in range(chance.randint(3, 14))
        }
        document = {
            "plantwire": 1, "name": f"random {number}", "catalog": ["catalog"], "tsn": tsn,
            "nodes": self.nodes, "links": self.links, "streams": streams,
        }  # fmt: skip
        gates = {port: [self._gates(mbps, tsn)] for port, mbps in self.gated}
        if gates:
            document["schedule"] = {"gates": gates}
        return document

    def _link(self, one: str, other: str) -> None:
        speed = self.chance.choice(_SPEEDS)
        ends = [self._port(one), self._port(other)]
        length_m = self.chance.randint(1, 90)
        self.links.append(
            {"between": ends, "medium": "cat6a", "length": f"{length_m} m", "rate": speed}
        )
        mbps = 1000 if speed.startswith("1 ") else 100
        for node, port in zip((one, other), ends, strict=True):
            if node.startswith("sw") and self.chance.random() < 0.15:
                self.gated.append((port, mbps))

    def _port(self, node: str) -> str:
        self.ports[node] = self.ports.get(node, 0) + 1
        return f"{node}.p{self.ports[node]}"

    def _tsn(self) -> dict[str, Any]:
        """Classes from the highest priority down, preemption, cut-through and clocks."""
        chance = self.chance
        tsn: dict[str, Any] = {"classes": list(self._classes())}
        if chance.random() < 0.4:
            express = [pcp for pcp in range(8) if chance.random() < (0.7 if pcp > 4 else 0.2)]
            tsn["preemption"] = {"express": express or [7], "fragment": chance.choice(("64 B", "128 B", "256 B"))}  # fmt: skip
        if chance.random() < 0.3:
            tsn["cut_through"] = True
        if chance.random() < 0.3:
            tsn["synchronisation"] = {"interval": "125 ms"}
        return tsn

    def _classes(self) -> Iterator[dict[str, Any]]:
        chance = self.chance
        # Priorities 0 and 1 change places in the order of queues.
        order = [7, 6, 5, 4, 3, 2, 0, 1]
        shapers = ["strict", "credit-based", "asynchronous", "round-robin"]
        weights = [chance.choice((0, 1, 2)) for _ in shapers]
        if not any(weights):
            weights[chance.randrange(4)] = 1
        robin_left = True
        credits_left = 2
        while order:
            shaper = chance.choices(shapers, weights)[0]
            count = chance.randint(2, 3) if shaper == "round-robin" and robin_left else 1
            robin_left = robin_left and shaper != "round-robin"
            credits_left -= shaper == "credit-based"
            if (shaper == "round-robin" and count == 1) or credits_left < 0:
                shaper = "strict"
            for _ in range(min(count, len(order))):
                one: dict[str, Any] = {"pcp": [order.pop(0)], "shaper": shaper}
                if shaper == "credit-based" and chance.random() < 0.5:
                    one["idle_slope"] = f"{chance.randint(15, 40)} Mbit/s"
                if shaper == "round-robin":
                    one["quantum"] = f"{chance.choice((100, 600, 1522, 3044))} B"
                if chance.random() < 0.05:
                    one["largest_frame"] = f"{chance.choice((300, 900))} B"
                yield one

    def _gates(self, mbps: int, tsn: dict[str, Any]) -> dict[str, Any]:
        """A gate list in which every queue has a window for the longest frame."""
        chance = self.chance
        wide_us = 8 * (_LARGEST_OCTETS + 20) // mbps + 1
        cycle_us = chance.choice((500, 1000))
        count = chance.randint(2, 3)
        cuts = sorted(
            chance.sample(range(1, (cycle_us - count * wide_us) // 4), count - 1)
        )  # what every entry has beyond the longest frame, in steps of 4 us
        spare = [
            b - a
            for a, b in zip((0, *cuts), (*cuts, (cycle_us - count * wide_us) // 4), strict=True)
        ]
        lengths = [wide_us + 4 * one for one in spare]
        lengths[-1] = cycle_us - sum(lengths[:-1])
        opens = [set[int]() for _ in lengths]
        for queue in range(8):
            opens[chance.randrange(count)].add(queue)
            for one in opens:
                if chance.random() < 0.6:
                    one.add(queue)
        hold = "preemption" in tsn and chance.random() < 0.5
        entries = []
        for index, (length_us, queues) in enumerate(zip(lengths, opens, strict=True)):
            entry: dict[str, Any] = {"for": f"{length_us} us", "open": sorted(queues)}
            if hold and index < 2:
                entry["mac"] = ("hold", "release")[index]
            entries.append(entry)
        base_us = chance.choice((0, 0, 37))
        return {"base": f"{base_us} us", "cycle": f"{cycle_us} us", "entries": entries}

    def _stream(self, hosts: list[str], *, ring: bool) -> dict[str, Any]:
        chance = self.chance
        talker, *others = chance.sample(hosts, len(hosts))
        listeners = others[: chance.choice((1, 1, 1, 2))]
        period_us = chance.choice(_PERIODS_US)
        stream: dict[str, Any] = {
            "from": talker, "to": listeners, "every": f"{period_us} us",
            "pcp": chance.randrange(8), "deadline": "20 ms",
        }  # fmt: skip
        octets = chance.randint(20, min(1400, 2 * period_us))
        kind = chance.random()
        if kind < 0.65:
            stream["size"] = f"{octets} B"
        elif kind < 0.85:
            stream["burst"] = f"{chance.randint(100, max(101, 2 * octets))} B"
            stream["packet"] = f"{chance.randint(100, 1400)} B"
        else:
            ats_us = sorted(chance.sample(range(1, period_us), chance.randint(1, 3)))
            stream["trace"] = [
                {"at": f"{at_us} us", "size": f"{chance.randint(20, octets)} B"}
                for at_us in (0, *ats_us)
            ]
        drawn = chance.random()
        if drawn < 0.3 and "trace" not in stream:
            stream["jitter"] = f"{chance.randint(1, period_us)} us"
        elif drawn < 0.5 and "trace" not in stream:
            stream["sporadic"] = True
        elif drawn < 0.8:
            stream["phase"] = f"{chance.randrange(period_us)} us"
        apart = self.home[talker] != self.home[listeners[0]]
        if ring and apart and len(listeners) == 1 and chance.random() < 0.4:
            stream["ways"] = 2
        if chance.random() < 0.3:
            stream["policed"] = True
        return stream

# SPDX-License-Identifier: Apache-2.0
"""Small designs whose priorities and idle slopes can be worked out by hand.

Talkers at one bridge, one listener behind a port of 100 Mbit/s: the only place where streams meet.
A frame of 1500 B (1430 B over UDP and IPv6 with a tag) takes 12 us at 1 Gbit/s and 120 us at
100 Mbit/s; with preamble and gap it occupies the slow wire for 1520 * 80 ns = 121.6 us.
"""

from __future__ import annotations

from collections.abc import Mapping

from support.small_designs import HEAD

STAR_TALKERS = ("x", "y", "z", "w")


def star(
    streams: str, *, tsn: str = "", slow: tuple[str, ...] = ("y",), rate: str = "100 Mbit/s"
) -> str:
    """Talkers ``x``, ``y``, ``z``, ``w`` at a bridge, and ``srv``; those ``slow`` at 100 Mbit/s."""
    links = "".join(
        f"  - {{between: [{name}.p1, sw.p{index}], medium: cat6a, length: 10 m"
        f"{', rate: 100 Mbit/s' if name in slow else ''}}}\n"
        for index, name in enumerate(STAR_TALKERS, 1)
    )
    nodes = "".join(f"  {name}: {{is: plc}}\n" for name in STAR_TALKERS)
    return (
        f"{HEAD}{tsn}nodes:\n{nodes}"
        "  sw: {is: tsn-bridge, model: generic-tsn-8x1g}\n"
        "  srv: {is: server, model: generic-server-1g}\n"
        f"links:\n{links}"
        f"  - {{between: [sw.p8, srv.p1], medium: cat6a, length: 10 m, rate: {rate}}}\n"
        f"streams:\n{streams}"
    )


def stream(name: str, pcp: int, values: Mapping[str, str]) -> str:
    """One stream from the talker of its name to the listener."""
    rest = "".join(f", {key}: {value}" for key, value in values.items())
    return f"  {name}: {{from: {name}, to: srv, pcp: {pcp}{rest}}}\n"


# x: three frames at once over 1 Gbit/s; y: one frame over 100 Mbit/s; z: one frame of 70 B.
# What y needs beside waiting: 120 us (its own wire) + 5 us (bridge) + 0.64 us (preamble)
# + 120 us + 0.1 us of cable = 245.75 us. Above x it waits for one frame of x at most, 121.6 us:
# 367.3 us in all. Beside x or below, it waits for three, 364.8 us: 610.6 us.
# The last frame of x needs 12 + 5 + 0.64 + 120 + 0.1 = 137.8 us, and waits for the two before it,
# which had come 24.3 us earlier, less the 4 us by which the bridge's delay varies:
# 2 * 121.6 - 24.3 + 4 = 222.9 us; and for the one frame of y, 121.6 us, wherever y is: 482.2 us.
X = {"burst": "4290 B", "packet": "1430 B", "every": "10 ms", "deadline": "500 us"}
Y = {"size": "1430 B", "every": "10 ms", "deadline": "520 us"}
Z = {"size": "20 B", "every": "10 ms", "deadline": "2 ms"}

PLACED = f"""{HEAD}modules:
  cell:
    needs: [uplink, sink]
    nodes:
      io: {{is: io-device}}
    links:
      - {{between: [io.p1, $uplink], medium: cat6a, length: 9 m}}
    streams:
      state: {{from: io, to: $sink, size: 40 B, every: 2 ms, deadline: 250 us}}
nodes:
  sw: {{is: switch}}
  srv: {{is: server, model: generic-server-1g}}
  bulk: {{is: server, model: generic-server-1g}}
links:
  - {{between: [sw.p8, srv.p1], medium: cat6a, length: 9 m, rate: 100 Mbit/s}}
  - {{between: [sw.p7, bulk.p1], medium: cat6a, length: 9 m}}
place:
  - {{module: cell, as: c1, connect: {{uplink: sw, sink: srv}}}}
  - {{module: cell, as: c2, connect: {{uplink: sw, sink: srv}}}}
  - {{module: cell, as: c3, connect: {{uplink: sw, sink: srv}},
     override: {{streams: {{state: {{every: 4 ms}}}}}}}}
streams:
  copy: {{from: bulk, to: srv, burst: 20 kB, every: 20 ms}}
"""
"""A module placed three times, once with a change, and a burst in the way of its streams."""

# SPDX-License-Identifier: Apache-2.0
"""Designs of rings with streams across them, drawn at random."""

from __future__ import annotations

import random

from support.small_designs import HEAD

_CLASSES = """\
tsn:
  classes:
    - {pcp: [5], shaper: asynchronous}
    - {pcp: [4], shaper: credit-based}
    - {pcp: [3], shaper: round-robin, quantum: 1522 B}
    - {pcp: [2], shaper: round-robin, quantum: 3044 B}
"""


def random_ring(seed: int, kind: str) -> tuple[str, int]:
    """A design as text, and the number of bridges in its ring, called s0, s1 and so on.

    Args:
        seed: Of everything that is drawn.
        kind: Redundancy of the ring.
    """
    draw = random.Random(f"{seed} {kind}")  # noqa: S311 - no secret depends on it
    count = draw.randint(3, 6)
    shaped = kind == "hsr" or draw.random() < 0.5
    text = HEAD + (_CLASSES if shaped else "") + "nodes:\n"
    bridge = "{is: tsn-bridge}" if shaped else "{is: switch, model: generic-switch-8x100m}"
    stations = [f"d{number}" for number in range(draw.randint(2, 5))]
    text += "".join(f"  s{number}: {bridge}\n" for number in range(count))
    text += "".join(f"  {station}: {{is: plc}}\n" for station in stations)
    links = [(f"s{number}.p1", f"s{(number + 1) % count}.p2") for number in range(count)]
    links += [(f"{station}.p1", f"s{draw.randrange(count)}") for station in stations]
    if kind == "rstp" and count > 3:
        links.append(("s0.p8", "s2.p8"))  # a mesh
    text += "links:\n" + "".join(
        f"  - {{between: [{one}, {other}], medium: cat6a, length: 10 m}}\n" for one, other in links
    )
    nodes = ", ".join(f"s{number}" for number in range(count))
    text += f"redundancy: {{ring: {{kind: {kind}, nodes: [{nodes}]}}}}\nstreams:\n"
    for number in range(draw.randint(2, 7)):
        talker, listener = draw.sample(stations, 2)
        text += (
            f"  x{number}: {{from: {talker}, to: {listener}, size: {draw.randint(40, 1400)} B, "
            f"every: {draw.choice([1, 2, 3, 5])} ms, pcp: {draw.randint(0, 6)}, "
            f"policed: {draw.choice(['true', 'false'])}}}\n"
        )
    return text, count

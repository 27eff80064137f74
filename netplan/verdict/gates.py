# SPDX-License-Identifier: Apache-2.0
"""Chart of gate lists: when each port lets which queues send, over one common cycle.

Queues that open and close together share a lane. While preemptable frames are held, their lane is
drawn pale: their gates are open, but nothing of them starts or goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby
from math import lcm

from markupsafe import Markup

from netplan.plan.model import Egress, Plan
from netplan.tsn.mechanisms import GateList, GateOperation, PortRules
from netplan.verdict import svg
from netplan.verdict.wording import count_text, time_text

MOST_PORTS = 24
_WIDTH = 1060.0
_LABEL = 250.0
_LANE = 11.0
_GAP = 7.0
_TOP = 18.0
_LONGEST_COMMON = 64
"""Of the longest cycle; where cycles meet later, only that much is drawn."""

Stretch = tuple[int, int, bool]
"""Start, end and whether it is held."""


def gated_ports(plan: Plan) -> list[Egress]:
    """Ports with gate lists, the longest lists first."""
    found = [egress for egress in plan.egresses if egress.rules and egress.rules.gates]
    return sorted(found, key=lambda one: (-_entry_count(one), one.name))


def _entry_count(egress: Egress) -> int:
    assert egress.rules is not None
    return len(egress.rules.gates[-1].entries)


def gate_chart(ports: Sequence[Egress]) -> Markup:
    """One row for each port, with its last gate list, from network time 0 on.

    Args:
        ports: With gate lists; at least one.
    """
    cycles_ps = [egress.rules.gates[-1].cycle_ps for egress in ports if egress.rules]
    span_ps = min(lcm(*cycles_ps), _LONGEST_COMMON * max(cycles_ps))
    scale = (_WIDTH - _LABEL - 8) / span_ps
    drawn: list[Markup] = []
    y = _TOP
    for egress in ports:
        rules = egress.rules
        assert rules is not None
        gates = rules.gates[-1]
        top = y
        for queues, stretches in _lanes(rules, gates):
            bars = []
            for start_ps, end_ps, held in _repeated(stretches, gates, span_ps):
                what = "held" if held else "open"
                title = f"{_queue_text(queues)} {what} {time_text(start_ps)} to {time_text(end_ps)}"
                bars.append(
                    svg.rect(
                        _LABEL + start_ps * scale, y + 1, max(0.6, (end_ps - start_ps) * scale),
                        _LANE - 2, svg.element("title", title), class_="held" if held else "open",
                    )
                )  # fmt: skip
            drawn.append(svg.text(_LABEL - 6, y + 9, _queue_text(queues), class_="scale end"))
            drawn.append(svg.group(*bars, class_="gates"))
            y += _LANE
        drawn.append(svg.text(0, top + 9, svg.shortened(egress.name, 28)))
        y += _GAP
        drawn.append(svg.line(0, y - _GAP / 2, _WIDTH - 8, y - _GAP / 2, class_="grid"))
    drawn += [
        svg.text(_LABEL, _TOP - 6, "0", class_="scale"),
        svg.text(_WIDTH - 8, _TOP - 6, time_text(span_ps), class_="scale end"),
    ]
    description = f"Gates of {count_text(len(ports), 'port')} over {time_text(span_ps)}"
    return svg.drawing(_WIDTH, y + 4, description, *drawn)


def _queue_text(queues: Sequence[int]) -> str:
    """Numbers of queues, runs joined."""
    runs = []
    for _, run in groupby(enumerate(queues), key=lambda pair: pair[1] - pair[0]):
        numbers = [queue for _, queue in run]
        runs.append(f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0]))
    return f"queue{'s' if len(queues) > 1 else ''} {', '.join(runs)}"


def _lanes(rules: PortRules, gates: GateList) -> list[tuple[list[int], list[Stretch]]]:
    """Queues that behave alike, and when they may send within a cycle; highest queue first."""
    ends_ps = [min(end, gates.cycle_ps) for end in accumulate(e.duration_ps for e in gates.entries)]
    ends_ps[-1] = gates.cycle_ps
    starts_ps = [0, *ends_ps[:-1]]
    operations = [entry.operation for entry in gates.entries]
    # A hold lasts until a release; what stands before the first of either is the cycle's end.
    changes = [one for one in operations if one is not GateOperation.SET]
    holding = bool(changes) and changes[-1] is GateOperation.HOLD
    held = []
    for operation in operations:
        if operation is not GateOperation.SET:
            holding = operation is GateOperation.HOLD
        held.append(holding)
    lanes: dict[tuple[Stretch, ...], list[int]] = {}
    for queue, rule in enumerate(rules.queues):
        stretches: list[Stretch] = []
        for entry, start_ps, end_ps, is_held in zip(
            gates.entries, starts_ps, ends_ps, held, strict=True
        ):
            if not entry.open_queues >> queue & 1 or end_ps <= start_ps:
                continue
            pale = is_held and not rule.express
            if stretches and stretches[-1][1:] == (start_ps, pale):
                stretches[-1] = (stretches[-1][0], end_ps, pale)
            else:
                stretches.append((start_ps, end_ps, pale))
        lanes.setdefault(tuple(stretches), []).append(queue)
    found = [(queues, list(stretches)) for stretches, queues in lanes.items()]
    return sorted(found, key=lambda lane: -lane[0][-1])


def _repeated(stretches: Sequence[Stretch], gates: GateList, span_ps: int) -> list[Stretch]:
    """Stretches of a cycle in every cycle of a span from time 0 on; what touches is joined."""
    found: list[Stretch] = []
    start_ps = gates.base_ps % gates.cycle_ps - gates.cycle_ps
    while start_ps < span_ps:
        for low_ps, high_ps, held in stretches:
            low, high = max(0, start_ps + low_ps), min(span_ps, start_ps + high_ps)
            if low >= high:
                continue
            if found and found[-1][1:] == (low, held):
                found[-1] = (found[-1][0], high, held)
            else:
                found.append((low, high, held))
        start_ps += gates.cycle_ps
    return found

# SPDX-License-Identifier: Apache-2.0
"""Faults as written, turned into what the simulation lets happen.

A scenario is named in the design (``faults:``) or written as one line; several may be tried at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from emulator.simulation.faults import Fault, LinkCut, NodeOutage, TalkerFault, with_babblers
from netplan.design.design import Design
from netplan.design.faults import Fault as FaultOfUser
from netplan.design.faults import fault_of_line
from netplan.design.redundancy_rules import fault_error, link_ends
from netplan.design.resolve import Equipment, nearest, resolve
from netplan.plan.model import Plan


def scenario(design: Design, plan: Plan, wanted: Iterable[str]) -> tuple[Fault, ...]:
    """Every fault of scenarios and lines, in order.

    Args:
        design: As loaded.
        plan: Made from it.
        wanted: Names under ``faults:`` of the design, or lines such as ``down sw1 at 20 ms``.

    Raises:
        ValueError: With what was expected, when one cannot be understood or names what there is not.
    """
    equipment, _ = resolve(design)
    found: list[Fault] = []
    for text in wanted:
        if text in design.faults:
            found.extend(_simulated(equipment, fault) for fault in design.faults[text])
            continue
        if " " not in text.strip():
            message = (
                f"{text!r} is no scenario of the design; {nearest(text, design.faults)}; "
                "or write a fault such as 'cut sw1.p2 - sw2.p1 at 20 ms until 50 ms'"
            )
            raise ValueError(message)
        fault = fault_of_line(text)
        wrong = fault_error(design, equipment, fault)
        if wrong is not None:
            message = (
                f"{text!r}: {wrong.message}: {wrong.found}; expected {wrong.expected}; {wrong.hint}"
            )
            raise ValueError(message)
        found.append(_simulated(equipment, fault))
    with_babblers(plan, found)  # refuses who cannot babble
    return tuple(found)


def _simulated(equipment: Equipment, fault: FaultOfUser) -> Fault:
    """One fault; the rules have said that it names what there is."""
    at_ps, until_ps = fault.at_ps, fault.until_ps
    link = fault.cut or fault.corrupt
    if link is not None:
        ends = link_ends(equipment, link)
        assert ends is not None
        silent = fault.corrupt is not None
        return LinkCut(ends=ends, at_ps=at_ps, until_ps=until_ps, is_silent=silent)
    if fault.down is not None:
        return NodeOutage(node=fault.down, at_ps=at_ps, until_ps=until_ps)
    stream = fault.silent or fault.babbling or ""
    babbles = fault.babbling is not None
    return TalkerFault(stream=stream, babbles=babbles, at_ps=at_ps, until_ps=until_ps)

# SPDX-License-Identifier: Apache-2.0
"""Verdicts: what the evidence says about every target of a plan.

*Met*: the bound is within the limit, or, for a statistical target, the run shows it at 95 %
confidence. *Missed*: there is a witness, a conforming frame above the limit, or a
necessary condition is violated. Otherwise *not proven*: a bound above the
limit alone is no miss.
"""

from __future__ import annotations

from collections.abc import Iterable

from netplan.exit_status import ExitStatus
from netplan.plan.model import Plan, Target
from netplan.verdict import proven, seen, services
from netplan.verdict.contradiction import Contradiction, contradictions
from netplan.verdict.evidence import BoundEvidence, SimulatedEvidence
from netplan.verdict.facts import Facts
from netplan.verdict.outcome import Outcome, Proof, Sight, Verdict, decide

__all__ = ["Contradiction", "Outcome", "Verdict", "contradictions", "exit_status", "judge"]


def judge(
    plan: Plan, bound: BoundEvidence | None, simulated: SimulatedEvidence | None
) -> tuple[Verdict, ...]:
    """Give one verdict for each target of the plan, in their order.

    Args:
        plan: What was promised.
        bound: What the analysis proves, if it was made.
        simulated: What a run saw, if there was one.

    Raises:
        DesignError: When evidence was made from another design.
    """
    facts = Facts(plan, bound, simulated)
    return tuple(decide(target, *_opinions(facts, target)) for target in plan.targets)


def _opinions(facts: Facts, target: Target) -> tuple[Proof | None, Sight | None]:
    if target.quantity == "loss":
        return services.loss_proof(facts, target), services.loss_sight(facts, target)
    if target.quantity == "rate":
        return services.rate_proof(facts, target), services.rate_sight(facts, target)
    if target.quantity == "availability":
        return services.availability_proof(facts, target), None
    allowed = proven.allowed_ratio(facts, target)
    if target.quantity == "reaction time":
        worst = proven.chain_worst(facts, target)
        sight = seen.chain_sight(facts, target, allowed)
    else:
        worst = proven.stream_worst(facts, target, allowed)
        sight = seen.stream_sight(facts, target, allowed)
    return (None if worst is None else proven.proof(facts, target, worst, allowed)), sight


def exit_status(verdicts: Iterable[Verdict]) -> ExitStatus:
    """How a command ends that gave these verdicts."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if Outcome.MISSED in outcomes:
        return ExitStatus.MISSED
    if Outcome.NOT_PROVEN in outcomes:
        return ExitStatus.NOT_PROVEN
    return ExitStatus.OK

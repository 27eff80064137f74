# SPDX-License-Identifier: Apache-2.0
"""The verdict on one target, and what one kind of evidence has to say about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import NewType

from netplan.plan.model import Target
from netplan.verdict.wording import sentence

Amount = NewType("Amount", float)
"""A number in the unit of its target: picoseconds, a ratio or bit/s."""


class Outcome(StrEnum):
    """What the evidence says about a target."""

    MET = "met"
    MISSED = "missed"
    NOT_PROVEN = "not proven"


SIGNS = {Outcome.MET: "✓", Outcome.MISSED: "✗", Outcome.NOT_PROVEN: "?"}
"""A sign for each outcome, so that none is told by colour alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a target is met, by how much, and what decides it.

    Attributes:
        target: What was promised.
        outcome: Met, missed or not proven.
        bound: Value that the analysis proves; None when it proves none.
        simulated: Value that the simulation saw; for a percentile, its upper limit at the
            stated confidence; None without a run or with too few samples.
        emulated: As ``simulated``, from the lab.
        lower: What a statistical value is at least, at the stated confidence.
        upper: What it is at most.
        margin: How far the decisive value is on the good side of the limit, rounded down;
            negative when it is not; None when no value decides.
        binding: Transmitter, node or link that contributes most to the value.
        why: One sentence.
        sample_count: Samples that ``simulated`` rests on.
        needed_count: Samples in all that a decision needs, where that is known and more.
        decided_by: ``bound`` or ``simulated``; empty when nothing decides.
        exceedance_probability: With which the bound may be exceeded.
    """

    target: Target
    outcome: Outcome
    bound: Amount | None
    simulated: Amount | None
    emulated: Amount | None
    lower: Amount | None
    upper: Amount | None
    margin: Amount | None
    binding: str
    why: str
    sample_count: int
    needed_count: int | None
    decided_by: str
    exceedance_probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the analysis, or the plan itself, says about one target.

    Attributes:
        outcome: What follows from it alone.
        value: The proven value.
        margin: Of the decisive value.
        binding: What contributes most.
        clause: Part of the sentence that explains the verdict.
        exceedance_probability: With which the value may be exceeded.
    """

    clause: str
    outcome: Outcome = Outcome.NOT_PROVEN
    value: Amount | None = None
    margin: Amount | None = None
    binding: str = ""
    exceedance_probability: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a run says about one target; fields as in :class:`Proof` and :class:`Verdict`."""

    clause: str
    outcome: Outcome = Outcome.NOT_PROVEN
    value: Amount | None = None
    lower: Amount | None = None
    upper: Amount | None = None
    margin: Amount | None = None
    binding: str = ""
    sample_count: int = 0
    needed_count: int | None = None


def decide(target: Target, proof: Proof | None, sight: Sight | None) -> Verdict:
    """Weigh what each kind of evidence says: a witness refutes, one proof is enough."""
    kinds: list[tuple[str, Proof | Sight]] = []
    if proof is not None:
        kinds.append(("bound", proof))
    if sight is not None:
        kinds.append(("simulated", sight))
    outcome = Outcome.NOT_PROVEN
    deciding: list[tuple[str, Proof | Sight]] = []
    for wanted in (Outcome.MISSED, Outcome.MET):
        deciding = [(name, kind) for name, kind in kinds if kind.outcome is wanted]
        if deciding:
            outcome = wanted
            break
    # Two witnesses are worth telling; of two proofs the stronger one is enough.
    told = deciding[:1] if outcome is Outcome.MET else deciding or kinds
    hint = _hint(target, proof, sight) if outcome is Outcome.NOT_PROVEN else ""
    why = sentence(*(kind.clause for _, kind in told), hint)
    margins = [kind.margin for _, kind in told if kind.margin is not None]
    bindings = [kind.binding for _, kind in (*deciding, *kinds) if kind.binding]
    return Verdict(
        target=target,
        outcome=outcome,
        bound=proof.value if proof else None,
        simulated=sight.value if sight else None,
        emulated=None,
        lower=sight.lower if sight else None,
        upper=sight.upper if sight else None,
        margin=margins[0] if margins else None,
        binding=bindings[0] if bindings else "",
        why=why or "No evidence was gathered: neither a bound nor a simulation.",
        sample_count=sight.sample_count if sight else 0,
        needed_count=sight.needed_count if sight else None,
        decided_by=deciding[0][0] if deciding else "",
        exceedance_probability=proof.exceedance_probability if proof else 0.0,
    )


def _hint(target: Target, proof: Proof | None, sight: Sight | None) -> str:
    """What would help where a run alone is asked about a largest value."""
    if proof is not None or sight is None or target.statistic != "max" or sight.upper is not None:
        return ""
    return "a run alone cannot prove a largest value, a bound can"


def more_is_better(target: Target) -> bool:
    """Whether the limit is the least allowed value instead of the largest."""
    return target.quantity in {"rate", "availability"}


def margin_of(target: Target, value: float) -> Amount:
    """How far a value is on the good side of the limit, rounded down; whole in ps and bit/s.

    Decimal fractions are subtracted as people write them: 0.9995 - 0.999 is 0.0005.
    """
    difference = Decimal(repr(float(target.limit))) - _decimal(value)
    if more_is_better(target):
        difference = -difference
    if target.unit in {"ps", "bps"}:
        return Amount(int(difference.to_integral_value(rounding=ROUND_FLOOR)))
    if difference:
        step = Decimal(1).scaleb(difference.adjusted() - 14)
        difference = difference.quantize(step, rounding=ROUND_FLOOR)
    return Amount(float(difference))


def _decimal(value: float) -> Decimal:
    return Decimal(value) if isinstance(value, int) else Decimal(repr(float(value)))


def relative_margin(verdict: Verdict) -> float | None:
    """Margin as a share of what the limit leaves; comparable over all kinds of targets."""
    if verdict.margin is None:
        return None
    room = verdict.target.limit
    if verdict.target.quantity == "availability":
        room = 1 - room
    return verdict.margin / room if room > 0 else float(verdict.margin)


_RANK = {Outcome.MISSED: 0, Outcome.NOT_PROVEN: 1, Outcome.MET: 2}


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Missed, then not proven, then met; in each the least relative margin first, unknown ones last."""

    def key(verdict: Verdict) -> tuple[int, bool, float]:
        margin = relative_margin(verdict)
        return _RANK[verdict.outcome], margin is None, margin or 0.0

    return sorted(verdicts, key=key)


def counts(verdicts: Iterable[Verdict]) -> dict[Outcome, int]:
    """Number of verdicts of each outcome."""
    found = dict.fromkeys(Outcome, 0)
    for verdict in verdicts:
        found[verdict.outcome] += 1
    return found

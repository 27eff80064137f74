# SPDX-License-Identifier: Apache-2.0
"""What the evidence says about loss, rate and availability: the services of an access offer."""

from __future__ import annotations

from decimal import Decimal, localcontext

from netplan.plan.model import Target
from netplan.verdict.facts import Facts, Load, end_nodes
from netplan.verdict.outcome import Amount, Outcome, Proof, Sight, margin_of
from netplan.verdict.samples import needed_count, ratio_lower, ratio_upper
from netplan.verdict.wording import Rounding, amount_text, count_text, percent_text, ratio_text


def loss_proof(facts: Facts, target: Target) -> Proof | None:
    """No queue overflows, so that at most the exceedance probability of radio is lost."""
    row = facts.stream_bound(target.stream_index, target.listener_index)
    if row is None:
        return None
    load = facts.overload(target.stream_index, target.listener_index)
    if load is not None and target.limit <= 0:
        return Proof(
            clause=_overload_clause(facts, load),
            outcome=Outcome.MISSED,
            binding=facts.egress_name(load.egress_index),
        )
    if not row.loss_free:
        return Proof(
            clause=f"a queue on the way may overflow: {row.why}"
            if row.why
            else "a queue may overflow",
            binding=_overflowing(facts, target),
        )
    share = row.exceedance_probability
    value = Amount(share)
    met = share <= target.limit
    if share == 0:
        clause = "no queue on the way can overflow and no medium loses frames"
    else:
        clause = (
            f"no queue on the way can overflow, and at most a share of "
            f"{ratio_text(share, Rounding.UP)} is late or lost on the air"
        )
    return Proof(
        clause=clause,
        outcome=Outcome.MET if met else Outcome.NOT_PROVEN,
        value=value,
        margin=margin_of(target, value),
        binding=_lossiest(facts, target) if share else "",
        exceedance_probability=share,
    )


def _overload_clause(facts: Facts, load: Load) -> str:
    percent = percent_text(load.largest_ratio, Rounding.NEAR, 4)
    return (
        f"{facts.egress_name(load.egress_index)} is offered {percent} of what it can carry "
        "at this priority and above"
    )


def _overflowing(facts: Facts, target: Target) -> str:
    for hop in facts.way(target.stream_index, target.listener_index):
        row = facts.egress_bounds.get(hop.egress_index)
        if row is not None and row.buffer_octets is not None:
            backlog = row.backlog_octets
            if backlog is None or backlog > row.buffer_octets:
                return facts.egress_name(hop.egress_index)
    return ""


def _lossiest(facts: Facts, target: Target) -> str:
    def probability(egress_index: int) -> float:
        return getattr(facts.plan.egresses[egress_index].service, "exceedance_probability", 1.0)

    hops = facts.way(target.stream_index, target.listener_index)
    return facts.egress_name(max((hop.egress_index for hop in hops), key=probability))


def loss_sight(facts: Facts, target: Target) -> Sight | None:
    """Observed share of lost frames with its limits at the stated confidence."""
    row = facts.observation(target.stream_index, target.listener_index)
    if row is None:
        return None
    total = row.frames + row.lost
    if total == 0:
        return Sight(clause="no frame was delivered or lost in the simulation")
    seen = count_text(total, "simulated frame")
    lower, upper = ratio_lower(row.lost, total), ratio_upper(row.lost, total)
    most = f"a loss of at most {ratio_text(upper, Rounding.UP)} at 95 % confidence"
    clause = f"{row.lost:,} of {seen} {'was' if row.lost == 1 else 'were'} lost, which shows {most}"
    outcome, decisive, needed = Outcome.NOT_PROVEN, upper, None
    if lower > target.limit:
        outcome, decisive = Outcome.MISSED, lower
        clause = (
            f"{row.lost:,} of {seen} {'was' if row.lost == 1 else 'were'} lost: "
            f"a loss of at least {ratio_text(lower, Rounding.DOWN)} at 95 % confidence"
        )
    elif upper <= target.limit:
        outcome = Outcome.MET
    else:
        needed = needed_count(target.limit, row.lost)
        if needed is not None:
            clause += (
                f", and {count_text(needed - total, 'more frame')} without a further loss are needed "
                f"to show {ratio_text(target.limit)}"
            )
    return Sight(
        clause=clause,
        outcome=outcome,
        value=Amount(row.lost / total),
        lower=Amount(lower),
        upper=Amount(upper),
        margin=margin_of(target, decisive),
        sample_count=total,
        needed_count=needed,
    )


def rate_proof(facts: Facts, target: Target) -> Proof | None:
    """The rate that the way can give: what is offered now and what is left beside it.

    The test traffic fills the committed rate, so that at each transmitter the rate that is
    left at this priority comes on top of the limit.
    """
    row = facts.stream_bound(target.stream_index, target.listener_index)
    if row is None:
        return None
    stream = facts.plan.streams[target.stream_index]
    loads = facts.loads(target.stream_index, target.listener_index)
    if len(loads) < len(facts.way(target.stream_index, target.listener_index)):
        return Proof(clause=f"there is no bound: {row.why}" if row.why else "there is no bound")
    tightest = min(loads, key=lambda load: load.rest_bps)
    name = facts.egress_name(tightest.egress_index)
    available = Amount(max(0, int(target.limit) + tightest.rest_bps))
    margin = margin_of(target, available)
    overload = facts.overload(target.stream_index, target.listener_index)
    if overload is not None:
        return Proof(
            clause=_overload_clause(facts, overload),
            outcome=Outcome.MISSED,
            value=available,
            margin=margin,
            binding=facts.egress_name(overload.egress_index),
        )
    shown = amount_text(available, "bps", Rounding.DOWN)
    outcome = Outcome.NOT_PROVEN
    if tightest.rest_bps < 0:
        clause = f"{name} is sure to give {shown} only"
    elif not row.loss_free:
        clause = f"{name} can give {shown}, but frames may be lost" + (
            f": {row.why}" if row.why else ""
        )
    elif row.exceedance_probability > stream.allowed_miss_ratio:
        clause = (
            f"{name} can give {shown}, but a share of "
            f"{ratio_text(row.exceedance_probability, Rounding.UP)} may be late or lost on the air"
        )
    else:
        outcome = Outcome.MET
        clause = f"the whole way carries the committed rate without loss; {name} could give {shown}"
    return Proof(
        clause=clause,
        outcome=outcome,
        value=available,
        margin=margin,
        binding=name,
        exceedance_probability=row.exceedance_probability,
    )


def rate_sight(facts: Facts, target: Target) -> Sight | None:
    """The share of the committed rate that was delivered; lost frames are what may be missing.

    Source: ITU-T Y.1564, 8.1: the information rate counts as reached when no more frames are
    lost than the loss objective allows.
    """
    row = facts.observation(target.stream_index, target.listener_index)
    if row is None:
        return None
    total = row.frames + row.lost
    if total == 0:
        return Sight(clause="no frame was delivered or lost in the simulation")
    allowed = facts.plan.streams[target.stream_index].allowed_miss_ratio
    delivered = Amount(int(target.limit) * row.frames // total)
    seen = count_text(total, "simulated frame")
    clause = f"{row.frames:,} of {seen} were delivered"
    outcome, margin = Outcome.NOT_PROVEN, None
    lower, upper = ratio_lower(row.lost, total), ratio_upper(row.lost, total)
    if lower > allowed:
        outcome, margin = Outcome.MISSED, margin_of(target, delivered)
        clause += f", fewer than the share of {ratio_text(1 - allowed)} that must be"
    elif _too_few_delivered(facts, target):
        clause += (
            ", fewer than the talker released in the time; frames pile up, or the run is short"
        )
    elif upper <= allowed:
        outcome, margin = Outcome.MET, Amount(0)
        clause += (
            f", which shows the committed rate within the allowed loss of {ratio_text(allowed)}"
        )
    return Sight(
        clause=clause, outcome=outcome, value=delivered, margin=margin, sample_count=total,
    )  # fmt: skip


def _too_few_delivered(facts: Facts, target: Target) -> bool:
    """Whether fewer frames came out than the committed rate puts in, losses allowed for."""
    row = facts.observation(target.stream_index, target.listener_index)
    assert row is not None
    assert facts.simulated is not None
    stream = facts.plan.streams[target.stream_index]
    emission = stream.emission
    open_ps = (
        facts.simulated.duration_ps - emission.period_ps - emission.jitter_ps - (row.min_ps or 0)
    )
    frames = sum(len(message) for message in emission.messages)
    expected = max(0, open_ps) // emission.period_ps * frames // len(emission.messages)
    return row.frames < expected * (1 - stream.allowed_miss_ratio)


def availability_proof(facts: Facts, target: Target) -> Proof:
    """The share of time in which every part of the way works, one after the other.

    Source: IEC 61078, series structure: the product of the parts, which fail independently.
    """
    parts = _parts(facts, target)
    unknown = [name for name, ratio in parts if ratio is None]
    if unknown:
        shown = ", ".join(unknown[:4]) + (
            f" and {len(unknown) - 4} more" if len(unknown) > 4 else ""
        )
        return Proof(clause=f"no time between failures is stated for {shown}", binding=unknown[0])
    with localcontext() as context:
        context.prec = 40
        product = Decimal(1)
        for _, ratio in parts:
            product *= Decimal(repr(ratio))
    value = Amount(float(product))
    weakest, _ = min(parts, key=lambda part: part[1] if part[1] is not None else 0.0)
    met = product >= Decimal(repr(target.limit))
    return Proof(
        clause=f"the {len(parts)} parts of the way work together "
        f"{percent_text(value, Rounding.DOWN)} of the time, {weakest} least",
        outcome=Outcome.MET if met else Outcome.MISSED,
        value=value,
        margin=margin_of(target, value),
        binding=weakest,
    )


def _parts(facts: Facts, target: Target) -> list[tuple[str, float | None]]:
    """Every node and link that the frames pass, with the share of time that it works."""
    nodes = {node.name: node.availability_ratio for node in facts.plan.nodes}
    stream = facts.plan.streams[target.stream_index]
    parts: dict[str, float | None] = {stream.talker: nodes.get(stream.talker)}
    for hop in facts.way(target.stream_index, target.listener_index):
        passive, links = facts.crossing(hop)
        for index in links:
            link = facts.plan.links[index]
            parts[" - ".join(end_nodes(link))] = link.availability_ratio
        for name in (*passive, hop.to_node):
            parts[name] = nodes.get(name)
    return list(parts.items())

# SPDX-License-Identifier: Apache-2.0
"""What a run says about times: latency, variation, update interval, reaction time.

A largest value that was seen can only refute. Percentiles, means and limits that a
share of the frames may exceed are shown or refuted at the stated confidence.
"""

from __future__ import annotations

import math

from netplan.media.interface import WireMechanism
from netplan.plan.model import Target
from netplan.verdict.evidence import StreamObservation, WorstCase
from netplan.verdict.facts import Facts
from netplan.verdict.outcome import Amount, Outcome, Sight, margin_of
from netplan.verdict.proven import losses_count
from netplan.verdict.samples import (
    Latencies,
    Percentile,
    mean_limits_ps,
    needed_count,
    ratio_lower,
)
from netplan.verdict.wording import Rounding, count_text, ratio_text, statistic_text, time_text


def stream_sight(facts: Facts, target: Target, allowed: float) -> Sight | None:
    """What the run saw of a stream's latency, variation or update interval."""
    row = facts.observation(target.stream_index, target.listener_index)
    if row is None:
        return None
    # What a fault costs a relation is judged by its update interval, which tolerates some losses.
    tolerates = target.subject_kind == "relation" and facts.has_faults
    if losses_count(target) and row.lost and allowed == 0 and not tolerates:
        return Sight(
            clause=f"{row.lost:,} of {count_text(row.frames + row.lost, 'simulated frame')} "
            f"{'was' if row.lost == 1 else 'were'} lost, and a lost frame is a late frame",
            outcome=Outcome.MISSED,
            value=_shown_max(facts, target, row),
            sample_count=row.frames + row.lost,
            binding=_worst_hop(facts, target, row),
        )
    if row.max_ps is None or row.min_ps is None:
        return Sight(clause="no frame arrived in the simulation")
    if target.quantity == "update interval":
        return _interval_sight(facts, target, row, allowed)
    if target.application and target.quantity == "variation":
        return Sight(clause="the simulation does not observe the variation between applications")
    if target.statistic == "mean":
        return _mean_sight(facts, target, row)
    if allowed == 0:
        return _largest_sight(facts, target, row)
    return _tail_sight(facts, target, row, allowed)


def _shown_max(facts: Facts, target: Target, row: StreamObservation) -> Amount | None:
    """The largest time seen: with the hosts' least delay, so that it is a witness."""
    if row.max_ps is None or row.min_ps is None:
        return None
    if target.quantity == "update interval":
        return None if row.max_gap_ps is None else Amount(row.max_gap_ps)
    if target.quantity == "variation":
        return Amount(row.max_ps - row.min_ps)
    if not target.application:
        return Amount(row.max_ps)
    if row.max_application_ps is None:
        return None
    return Amount(row.max_application_ps + _hosts_ps(facts, target)[0])


def _hosts_ps(facts: Facts, target: Target) -> tuple[int, int]:
    stream = facts.plan.streams[target.stream_index]
    terms = stream.talker_host + stream.listener_host[target.listener_index]
    return sum(term.min_ps for term in terms), sum(term.max_ps for term in terms)


def _worst_hop(facts: Facts, target: Target, row: StreamObservation) -> str:
    """The transmitter that took most of the slowest frame's latency."""
    if not row.worst:
        return ""

    def taken_ps(index: int) -> int:
        hop = row.worst[index]
        wire = isinstance(facts.plan.egresses[hop.egress_index].mechanism, WireMechanism)
        if index == 0 and wire and not target.application:  # latency begins where the wait ends
            return hop.delivered_ps - hop.started_ps
        return hop.delivered_ps - hop.received_ps

    return facts.egress_name(row.worst[max(range(len(row.worst)), key=taken_ps)].egress_index)


def _largest_sight(facts: Facts, target: Target, row: StreamObservation) -> Sight:
    value = _shown_max(facts, target, row)
    seen = count_text(row.frames, "simulated frame")
    if value is None:
        return Sight(clause=f"the {target.quantity} was not observed", sample_count=row.frames)
    limit_ps = math.floor(target.limit)
    clause = f"the largest {target.quantity} of {seen} is {time_text(value)}"
    case = facts.worst_cases.get((target.stream_index, target.listener_index))
    if (
        case is not None
        and case.latency_ps > value
        and target.quantity == "latency"
        and not target.application
    ):
        return _found_sight(target, case, row.frames, clause)
    missed = value > limit_ps
    if missed:
        clause += f", {time_text(value - limit_ps)} above the limit"
        released_ps = row.worst_released_ps
        if released_ps is not None and target.quantity == "latency" and not target.application:
            clause += f" (the frame released at {time_text(released_ps)})"
    return Sight(
        clause=clause,
        outcome=Outcome.MISSED if missed else Outcome.NOT_PROVEN,
        value=value,
        lower=value,
        margin=margin_of(target, value) if missed else None,
        binding=_worst_hop(facts, target, row),
        sample_count=row.frames,
    )


def _found_sight(target: Target, case: WorstCase, count: int, clause: str) -> Sight:
    """A search found a later frame than the run saw; its talkers kept their contracts."""
    value = Amount(case.latency_ps)
    limit_ps = math.floor(target.limit)
    clause += f", and a search found one of {time_text(value)}"
    missed = value > limit_ps
    if missed:
        clause += f", {time_text(value - limit_ps)} above the limit"
    return Sight(
        clause=clause,
        outcome=Outcome.MISSED if missed else Outcome.NOT_PROVEN,
        value=value,
        lower=value,
        margin=margin_of(target, value) if missed else None,
        sample_count=count,
    )


def _latencies(row: StreamObservation) -> Latencies:
    assert row.min_ps is not None
    assert row.max_ps is not None
    return Latencies(
        min_ps=row.min_ps, max_ps=row.max_ps, edges_ps=row.bin_edges_ps, bin_counts=row.bin_counts
    )


def _shift_ps(facts: Facts, target: Target, row: StreamObservation) -> tuple[int, int]:
    """Least and largest difference between what is promised and the latency from port to port."""
    if target.quantity == "variation":
        assert row.min_ps is not None
        return -row.min_ps, -row.min_ps
    if not target.application:
        return 0, 0
    least_ps, largest_ps = _hosts_ps(facts, target)
    first = facts.plan.streams[target.stream_index].hops[0]
    mechanism = facts.plan.egresses[first.egress_index].mechanism
    if isinstance(mechanism, WireMechanism):  # at grants, latency runs from the release anyway
        lead_ps = -(-8 * 10**12 * mechanism.lead_octets // mechanism.line_bps)
        least_ps += sum(term.min_ps for term in first.before)
        largest_ps += sum(term.max_ps for term in first.before)
        largest_ps += (row.max_talker_wait_ps or 0) + lead_ps
    return least_ps, largest_ps


def _mean_sight(facts: Facts, target: Target, row: StreamObservation) -> Sight:
    assert row.mean_ps is not None
    shift = _shift_ps(facts, target, row)
    limits = mean_limits_ps(_latencies(row), row.mean_ps) if row.bin_counts else None
    seen = count_text(row.frames, "simulated frame")
    value = Amount(row.mean_ps + shift[0])
    clause = f"the mean {target.quantity} of {seen} is {time_text(value)}"
    if limits is None:
        return Sight(clause=f"{clause}, too few to state a mean", sample_count=row.frames)
    lower, upper = Amount(limits[0] + shift[0]), Amount(limits[1] + shift[1])
    return _limits_sight(
        target, lower, upper, value, clause=clause, sample_count=row.frames,
        binding=_worst_hop(facts, target, row),
    )  # fmt: skip


def _limits_sight(
    target: Target,
    lower: Amount | None,
    upper: Amount | None,
    value: Amount | None,
    *,
    clause: str,
    sample_count: int,
    binding: str,
) -> Sight:
    """Hold the confidence limits of a statistic against the limit of the target."""
    outcome, margin = Outcome.NOT_PROVEN, None
    if lower is not None and lower > target.limit:
        outcome, margin = Outcome.MISSED, margin_of(target, lower)
        clause += (
            f" (at least {time_text(lower, Rounding.DOWN)} at 95 % confidence), above the limit"
        )
    elif upper is not None and upper <= target.limit:
        outcome, margin = Outcome.MET, margin_of(target, upper)
        clause += f" (at most {time_text(upper, Rounding.UP)} at 95 % confidence)"
    elif upper is not None:
        margin = margin_of(target, upper)
        least = f"{time_text(lower, Rounding.DOWN)} and " if lower is not None else "nothing and "
        clause += f" (between {least}{time_text(upper, Rounding.UP)} at 95 % confidence), which leaves it open"
    return Sight(
        clause=clause, outcome=outcome, value=value, lower=lower, upper=upper, margin=margin,
        binding=binding, sample_count=sample_count,
    )  # fmt: skip


def _tail_sight(facts: Facts, target: Target, row: StreamObservation, allowed: float) -> Sight:
    """A percentile, or a limit that a share of the frames may exceed: both are order statistics."""
    lost = row.lost if losses_count(target) else 0
    total = row.frames + lost
    seen = count_text(total, "simulated frame")
    latencies = _latencies(row)
    shift = _shift_ps(facts, target, row)
    percentile = latencies.percentile(allowed, lost)
    lower = None if percentile.lower_ps is None else Amount(percentile.lower_ps + shift[0])
    upper = None if percentile.upper_ps is None else Amount(percentile.upper_ps + shift[1])
    plain_max = target.statistic == "max"
    value = _shown_max(facts, target, row) if plain_max else upper
    named = (
        f"the {target.quantity} that a share of {ratio_text(allowed)} may exceed"
        if plain_max
        else f"the {statistic_text(target.statistic)} of the {target.quantity}"
    )
    late = latencies.above(math.floor(target.limit) - shift[1])[1] + lost
    share = f"{late:,} of {seen} {'were' if late != 1 else 'was'} late{' or lost' if lost else ''}"
    if percentile.lower_is_lost:
        return Sight(
            clause=f"{lost:,} of {seen} were lost, more than the share of {ratio_text(allowed)} that may be",
            outcome=Outcome.MISSED, value=value, sample_count=total, binding=_worst_hop(facts, target, row),
        )  # fmt: skip
    if percentile.needed_count is not None and (lower is None or lower <= target.limit):
        return _too_few(facts, target, row, share, percentile, value if plain_max else None, total)
    sight = _limits_sight(
        target, lower, upper, value, clause=f"{named} over {seen}", sample_count=total,
        binding=_worst_hop(facts, target, row),
    )  # fmt: skip
    if sight.outcome is not Outcome.NOT_PROVEN:
        return sight
    needed = needed_count(allowed, late)
    clause = f"{share}, which leaves open whether more than a share of {ratio_text(allowed)} is"
    if needed is not None and needed > total:
        clause += f" ({count_text(needed - total, 'more simulated frame')} without a late one would show it)"
    return Sight(
        clause=clause, value=value, lower=lower, upper=upper, margin=sight.margin,
        binding=sight.binding, sample_count=total, needed_count=needed,
    )  # fmt: skip


def _too_few(
    facts: Facts,
    target: Target,
    row: StreamObservation,
    share: str,
    percentile: Percentile,
    value: Amount | None,
    total_count: int,
) -> Sight:
    needed = percentile.needed_count
    assert needed is not None
    what = "this" if target.statistic == "max" else f"the {statistic_text(target.statistic)}"
    return Sight(
        clause=f"{share}, and {what} needs at least {needed:,} ({needed - total_count:,} more)",
        value=value,
        sample_count=total_count,
        needed_count=needed,
        binding=_worst_hop(facts, target, row),
    )


def _interval_sight(facts: Facts, target: Target, row: StreamObservation, allowed: float) -> Sight:
    """The largest gap between deliveries; a run keeps no distribution of them."""
    if row.max_gap_ps is None or target.statistic != "max":
        return Sight(clause="the simulation keeps no distribution of update intervals")
    stream = facts.plan.streams[target.stream_index]
    per_message = max(len(message) for message in stream.emission.messages)
    gaps = max(0, row.frames // per_message - 1)
    outage = facts.outages.get((target.stream_index, target.listener_index))
    largest_ps = row.max_gap_ps
    if outage is not None and not outage.is_over:
        largest_ps = max(largest_ps, outage.outage_ps)  # nothing came from then until the end
    clause = (
        f"the largest of {count_text(gaps, 'simulated update interval')} is {time_text(largest_ps)}"
    )
    return _only_largest(target, largest_ps, gaps, allowed, clause, _worst_hop(facts, target, row))


def _only_largest(
    target: Target, largest_ps: int, count: int, allowed: float, clause: str, binding: str = ""
) -> Sight:
    """Judge by the largest of so many samples: it refutes a largest value, and shows a share if it is within."""
    limit_ps = math.floor(target.limit)
    value = Amount(largest_ps)
    outcome, margin, needed = Outcome.NOT_PROVEN, None, None
    if largest_ps > limit_ps and (allowed == 0 or ratio_lower(1, count) > allowed):
        outcome, margin = Outcome.MISSED, margin_of(target, value)
        clause += f", {time_text(largest_ps - limit_ps)} above the limit"
    elif largest_ps > limit_ps:
        clause += ", above the limit, and how many are is not kept"
    elif allowed:
        needed = needed_count(allowed)
        if needed is not None and count >= needed:
            outcome, margin = Outcome.MET, margin_of(target, value)
            clause += f", which shows at 95 % confidence that at most a share of {ratio_text(allowed)} is larger"
        elif needed is not None:
            clause += f", and {needed - count:,} more are needed to judge a share of {ratio_text(allowed)}"
    return Sight(
        clause=clause, outcome=outcome, value=value, lower=value,
        upper=value if outcome is Outcome.MET else None, margin=margin, binding=binding,
        sample_count=count, needed_count=needed,
    )  # fmt: skip


def chain_sight(facts: Facts, target: Target, allowed: float) -> Sight | None:
    """What the run saw of a reaction time; it keeps no distribution of them."""
    row = facts.chain_observations.get(target.chain_index)
    if row is None:
        return None
    if row.max_ps is None:
        return Sight(clause="the simulation saw no whole reaction")
    seen = count_text(row.reactions, "simulated reaction")
    if target.statistic == "mean" and row.mean_ps is not None:
        return Sight(
            clause=f"the mean of {seen} is {time_text(row.mean_ps)}, its spread is not kept",
            value=Amount(row.mean_ps), sample_count=row.reactions,
        )  # fmt: skip
    if target.statistic != "max":
        return Sight(clause="the simulation keeps no distribution of reaction times")
    clause = f"the largest of {seen} is {time_text(row.max_ps)}"
    return _only_largest(target, row.max_ps, row.reactions, allowed, clause)

# SPDX-License-Identifier: Apache-2.0
r"""Service curves of transmitters that may send at recurring grants only.

One argument carries all of them. Only frames queued at or before an opening take
part in it, so the service is not *strict*: a trickle that always just misses an
opening keeps the transmitter backlogged and is served less than the quota. What
holds is a *minimum* service curve. For a time t take the last opening s before t at
which everything waiting went into the grant (an opening that finds nothing counts).
What had arrived by s is delivered by t, and each opening after s was filled. Hence

    delivered(t) >= arrived(s) + (filled grants completed in (s, t]) * quota,

which is delivered(t) >= arrived(s) + beta(t - s) for every curve beta below that
staircase. Counting only the frames of one queue and those above it, the same holds
with what the higher queues brought after s subtracted; so the usual residual
``beta - higher arrivals`` is valid at strict priority, and lower queues do not block.

A frame that fails transmission is late with some probability; ``allowed_miss_ratio``
is the share of late or lost frames that a stream tolerates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from netplan.media.frames import PS_PER_S, wire_time_ps
from netplan.media.interface import NoService, ServiceCurve
from netplan.media.terms import SMALLEST_FRAME_OCTETS

_FLOAT_SLACK = 1 + 1e-9
"""Sums of probabilities are floats; this much lets them err on the safe side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """Recurring openings of a transmitter.

    Attributes:
        cycle_ps: Period.
        offsets_ps: Openings within the period, ascending, each below ``cycle_ps``.
    """

    cycle_ps: int
    offsets_ps: tuple[int, ...]

    def later_ps(self, index: int, steps: int) -> int:
        """Time from one opening to the one that is ``steps`` openings later."""
        count = len(self.offsets_ps)
        cycles, position = divmod(index + steps, count)
        return cycles * self.cycle_ps + self.offsets_ps[position] - self.offsets_ps[index]

    def gaps_ps(self) -> list[int]:
        """Distance from each opening to the next."""
        return [self.later_ps(index, 1) for index in range(len(self.offsets_ps))]

    def largest_wait_ps(self) -> int:
        """Longest wait for an opening: data that comes just after one."""
        return max(self.gaps_ps())

    def mean_wait_ps(self) -> Fraction:
        """Mean wait of data that arrives at any time alike: sum of squared gaps over two cycles."""
        return Fraction(sum(gap * gap for gap in self.gaps_ps()), 2 * self.cycle_ps)

    def most_within(self, window_ps: int) -> int:
        """Largest number of openings in any window of this length, one end excluded."""
        count = len(self.offsets_ps)
        whole, rest_ps = divmod(window_ps, self.cycle_ps)
        most = max(
            sum(1 for steps in range(count) if self.later_ps(index, steps) < rest_ps)
            for index in range(count)
        )
        return whole * count + most

    def staircase_latency_ps(self) -> int:
        """Least latency whose line of the mean rate stays below the staircase of openings.

        Just before the (m+1)-th opening after s has completed, m grants have. The line
        quota * n / cycle * (t - latency) may not exceed m quotas there, so that the latency
        is at least (time to opening m+1) - m * cycle / n, for every s and m.
        """
        count = len(self.offsets_ps)
        worst_ps = max(
            self.later_ps(index, steps + 1) - Fraction(steps * self.cycle_ps, count)
            for index in range(count)
            for steps in range(count)
        )
        return math.ceil(worst_ps)

    def rate_bps(self, quota_octets: int) -> int:
        """Long-term rate of one quota an opening, rounded down."""
        return 8 * quota_octets * len(self.offsets_ps) * PS_PER_S // self.cycle_ps


def serial_service(
    *,
    openings: Openings,
    quota_octets: int,
    serial_bps: int,
    overhead_octets: int,
    source: str,
) -> ServiceCurve | NoService:
    """Service of lossless grants within which octets leave one after the other.

    The staircase of the module's argument has ramps of slope ``serial_bps`` instead of
    steps, each beginning at its opening; the line of the mean rate that starts at
    :meth:`Openings.staircase_latency_ps` stays below them because no ramp is slower.
    Wire times are whole picoseconds, rounded up once a frame: the latency grows by
    one picosecond for every frame that a grant may hold.
    """
    grant_ps = wire_time_ps(quota_octets, serial_bps)
    if grant_ps > min(openings.gaps_ps()):
        return NoService(because="a grant takes longer than the time until the next one")
    most_frames = quota_octets // (SMALLEST_FRAME_OCTETS + overhead_octets) + 2
    return ServiceCurve(
        rate_bps=openings.rate_bps(quota_octets),
        latency_ps=openings.staircase_latency_ps() + most_frames,
        source=source,
    )


def no_share_stated(failure_probability: float) -> NoService:
    """Why a lossy medium has no service for a stream that tolerates no loss."""
    return NoService(
        because=f"a radio transmission fails with probability {failure_probability:g}, so that no "
        "delay holds for every frame; state the tolerated share of late frames (misses: 1e-5)"
    )


def _out_of_reach(
    failure_probability: float, retries: int, lost: float, allowed: float
) -> NoService:
    return NoService(
        because=f"with {retries} retransmissions that fail with probability "
        f"{failure_probability:g} each, a share of {lost:.2g} of the frames is late or lost, more "
        f"than the tolerated {allowed:.2g}; allow more retries, or a lower error ratio"
    )


def hybrid_arq_exceedance(
    *,
    openings: Openings,
    counted_retries: int,
    max_retries: int,
    failure_probability: float,
    retry_after_ps: int,
    fragments: int,
) -> float:
    """Share of frames later than ``counted_retries`` retransmissions explain, or lost.

    Delivery is in order, so a frame waits for every earlier grant. A grant that opened
    the time d before the frame's last one delays it beyond the counted retries only if it
    needs more than ``counted_retries + d / retry_after`` retransmissions, that is at least
    f + 1 more when d lies between f and f + 1 times ``retry_after``. At most n openings
    lie in a window of that length, so the union over all earlier grants is at most
    n * (p^(k+1) + p^(k+2) + ... + p^K); a grant never needs more than K retransmissions, because
    it is then given up. A frame is lost when one of its fragments is: at most
    ``fragments`` * p^(K+1). Failures are independent.

    Args:
        openings: Of the transmitter.
        counted_retries: k, the retransmissions that the latency counts.
        max_retries: K, after which a grant is given up.
        failure_probability: p, of each transmission.
        retry_after_ps: Delay of each retransmission.
        fragments: Largest number of grants that one frame is spread over.
    """
    failure = failure_probability
    most = openings.most_within(retry_after_ps)
    late = most * sum(failure**needed for needed in range(counted_retries + 1, max_retries + 1))
    lost = fragments * failure ** (max_retries + 1)
    return float(min(1.0, (late + lost) * _FLOAT_SLACK))


def hybrid_arq_service(
    *,
    openings: Openings,
    quota_octets: int,
    burst_ps: int,
    failure_probability: float,
    max_retries: int,
    retry_after_ps: int,
    largest_counted_octets: int,
    allowed_miss_ratio: float,
    source: str,
) -> ServiceCurve | NoService:
    """Service of grants that deliver together, with retransmissions beside later grants.

    The latency counts the longest wait for an opening, the grant's own duration and the
    fewest retransmissions for which :func:`hybrid_arq_exceedance` is tolerable.

    Args:
        openings: Of the transmitter.
        quota_octets: Octets that one grant carries.
        burst_ps: Duration of a grant.
        failure_probability: Of each transmission.
        max_retries: Retransmissions until a grant is given up.
        retry_after_ps: Delay of each retransmission.
        largest_counted_octets: Largest frame with its overhead, for the number of fragments.
        allowed_miss_ratio: Tolerated share of late or lost frames.
        source: Of the mechanism.
    """
    if failure_probability > 0 and allowed_miss_ratio <= 0:
        return no_share_stated(failure_probability)
    # A frame begins anywhere in a grant, so that it may touch one grant more than it fills.
    fragments = -(-(largest_counted_octets - 1) // quota_octets) + 1
    exceedance = 1.0
    for retries in range(max_retries + 1):
        exceedance = hybrid_arq_exceedance(
            openings=openings,
            counted_retries=retries,
            max_retries=max_retries,
            failure_probability=failure_probability,
            retry_after_ps=retry_after_ps,
            fragments=fragments,
        )
        if exceedance <= allowed_miss_ratio:
            return ServiceCurve(
                rate_bps=openings.rate_bps(quota_octets),
                latency_ps=openings.staircase_latency_ps() + burst_ps + retries * retry_after_ps,
                exceedance_probability=exceedance,
                retransmission_ps=retries * retry_after_ps,
                source=f"{source}; {retries} retransmissions counted",
            )
    return _out_of_reach(failure_probability, max_retries, exceedance, allowed_miss_ratio)


def polled_exceedance(*, spare_cycles: int, failure_probability: float) -> float:
    r"""Chance that polling falls behind one grant in two cycles, after some spare cycles.

    Looking back from the frame's latest moment, polls fail independently with
    probability p < 1/2. The promise is: among the last 2 + r + 2i polls at least 2 + i
    succeed, for every i >= 0 (r is ``spare_cycles``). Let w = 2 + r, and let a walk step up
    at a failure and down at a success. The promise is broken when the walk stands at r or
    above after w steps, or at any later one (parity excludes the steps between). A walk at
    x < r ever reaches r with probability (p / (1 - p))^(r - x), and x = w - 2s after s
    successes, so that r - x = 2s - 2.

    Source: the gambler's ruin, W. Feller, An Introduction to Probability Theory and
    Its Applications, vol. 1, 3rd ed., XIV.2.
    """
    failure = failure_probability
    if failure >= 0.5:
        return 1.0
    polls = 2 + spare_cycles
    ratio = failure / (1 - failure)
    total = 0.0
    for successes in range(polls + 1):
        chance = (
            math.comb(polls, successes)
            * (1 - failure) ** successes
            * failure ** (polls - successes)
        )
        total += chance * ratio ** max(0, 2 * successes - 2)
    return min(1.0, total * _FLOAT_SLACK)


def polled_service(
    *,
    cycle_ps: int,
    burst_ps: int,
    quota_octets: int,
    largest_counted_octets: int,
    failure_probability: float,
    max_retries: int,
    allowed_miss_ratio: float,
    source: str,
) -> ServiceCurve | NoService:
    r"""Service of one grant a cycle that carries whole frames and repeats a failed grant.

    A grant is filled when the next frame does not fit: it then carries at least the
    quota less the largest frame, plus one octet. A failed grant goes again in the next
    cycle and what is behind it waits, so a grant may be a repetition that newer frames
    cannot join. In the module's argument s is an opening at which a *new* grant took
    everything waiting; its own completion brings nothing beyond arrived(s), and each further
    completion brings a filled grant. The curve therefore counts completions less one.

    Without failures two openings (s and the next) give the first filled grant: latency
    one cycle and a grant's duration. With failures, :func:`polled_exceedance` promises 2 + i
    completions in 2 + r + 2i cycles: latency 1 + r cycles and a grant's duration, half the
    rate. Certain without that promise are 1 + i completions in (1 + i) * (K + 1) cycles, because a
    grant is given up after K retries. A given-up grant is lost, which adds p^(K+1).

    Args:
        cycle_ps: Time between polls of the same client.
        burst_ps: Duration of a grant.
        quota_octets: Octets that one grant carries.
        largest_counted_octets: Largest frame with its overhead.
        failure_probability: Of each exchange.
        max_retries: K.
        allowed_miss_ratio: Tolerated share of late or lost frames.
        source: Of the mechanism.
    """
    failure = failure_probability
    if failure > 0 and allowed_miss_ratio <= 0:
        return no_share_stated(failure)
    filled_octets = quota_octets - largest_counted_octets + 1
    if filled_octets < 1:
        return NoService(
            because=f"a frame of {largest_counted_octets} octets with its overhead does not fit "
            f"into a quota of {quota_octets} octets"
        )
    full = Openings(cycle_ps=cycle_ps, offsets_ps=(0,)).rate_bps(filled_octets)
    lost = failure ** (max_retries + 1)
    if failure == 0 or max_retries == 0:
        candidates = [(0, 1, lost)]
    else:
        candidates = [
            (spare, 2, lost + polled_exceedance(spare_cycles=spare, failure_probability=failure))
            for spare in range(1, 2 * max_retries)
        ]
        candidates.append((2 * max_retries, max_retries + 1, lost))
    for spare, cycles_per_grant, exceedance in candidates:
        if exceedance <= allowed_miss_ratio:
            return ServiceCurve(
                rate_bps=full // cycles_per_grant,
                latency_ps=burst_ps + (1 + spare) * cycle_ps,
                exceedance_probability=exceedance,
                retransmission_ps=spare * cycle_ps,
                source=f"{source}; {spare} spare cycles for repetitions",
            )
    return _out_of_reach(failure, max_retries, lost, allowed_miss_ratio)

# SPDX-License-Identifier: Apache-2.0
"""Service curves of recurring grants against a transmitter written out step by step.

The transmitter here knows only the words of ``GrantMechanism``; every promise of a
service curve is checked on what it delivers, for many phases and arrival patterns.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netplan.catalog.loader import Catalog
from netplan.catalog.model import PonSystem
from netplan.design.networks import CellularNetwork, IwlanNetwork, PonNetwork
from netplan.media import cellular, iwlan, pon
from netplan.media.grants import (
    Openings,
    hybrid_arq_exceedance,
    hybrid_arq_service,
    polled_exceedance,
    polled_service,
    serial_service,
)
from netplan.media.interface import Crossing, GrantMechanism, NoService, ServiceCurve

US = 1_000_000
PS_PER_S = 10**12


def seeded(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


@dataclass(slots=True)
class Frame:
    """A frame on its way; ``octets`` include the mechanism's overhead."""

    arrival_ps: int
    octets: int
    queue: int
    left_octets: int = 0
    delivered_ps: int | None = None
    lost: bool = False


def execute(
    mechanism: GrantMechanism, frames: Sequence[Frame], phase_ps: int, chance: np.random.Generator
) -> None:
    """Run one transmitter until everything is delivered or lost, by the docstring's words."""
    for frame in frames:
        frame.left_octets = frame.octets
    waiting = sorted(frames, key=lambda frame: frame.arrival_ps)
    pending: list[Frame] = []  # content of a failed grant that goes again (polling)
    failures = 0
    in_order_ps = 0
    cycle = -2  # openings have always come, also before the phase
    while waiting or pending:
        cycle += 1
        for offset_ps in mechanism.openings_ps:
            opening_ps = phase_ps + cycle * mechanism.cycle_ps + offset_ps
            if pending:
                content = [(frame, 0) for frame in pending]
            else:
                content = fill(mechanism, waiting, opening_ps)
            if not content:
                continue
            failed = chance.random() < mechanism.failure_probability
            done_ps = opening_ps + mechanism.burst_ps
            if mechanism.retry_after_ps:
                retries = 0
                while failed and retries < mechanism.max_retries:
                    retries += 1
                    failed = chance.random() < mechanism.failure_probability
                done_ps += retries * mechanism.retry_after_ps
                in_order_ps = max(in_order_ps, done_ps)
            elif failed and failures < mechanism.max_retries:
                failures += 1
                pending = [frame for frame, _ in content]
                continue
            else:
                in_order_ps = done_ps
            pending, failures = [], 0
            for frame, ahead_octets in content:
                frame.lost = frame.lost or failed
                if mechanism.serial_bps:
                    ramp_ps = -(-8 * ahead_octets * PS_PER_S // mechanism.serial_bps)
                    frame.delivered_ps = opening_ps + ramp_ps
                else:
                    frame.delivered_ps = in_order_ps
        assert cycle < 10_000, "the transmitter does not come to an end"


def fill(
    mechanism: GrantMechanism, waiting: list[Frame], opening_ps: int
) -> list[tuple[Frame, int]]:
    """Fill a grant in strict priority; each frame with the octets up to its end in the grant."""
    content: list[tuple[Frame, int]] = []
    used_octets = 0
    for queue in sorted({frame.queue for frame in waiting}, reverse=True):
        for frame in [frame for frame in waiting if frame.queue == queue]:
            if frame.arrival_ps > opening_ps:
                break
            room_octets = mechanism.quota_octets - used_octets
            if room_octets == 0 or (not mechanism.fragments and frame.left_octets > room_octets):
                return content
            taken_octets = min(frame.left_octets, room_octets)
            used_octets += taken_octets
            frame.left_octets -= taken_octets
            content.append((frame, used_octets))
            if frame.left_octets == 0:
                waiting.remove(frame)
            else:
                return content
    return content


def promised_ps(frames: Sequence[Frame], service: ServiceCurve) -> list[Fraction]:
    """Latest delivery of each frame of one first-in first-out queue, from the curve."""
    served = Fraction(0)
    result = []
    for frame in frames:
        start = max(served, Fraction(frame.arrival_ps))
        served = start + Fraction(8 * frame.octets * PS_PER_S, service.rate_bps)
        result.append(served + service.latency_ps)
    return result


def curve_of(crossing: Crossing) -> ServiceCurve:
    assert isinstance(crossing.service, ServiceCurve)
    return crossing.service


def mechanism_of(crossing: Crossing) -> GrantMechanism:
    assert isinstance(crossing.mechanism, GrantMechanism)
    return crossing.mechanism


def pon_up(bursts: int, grant: str = "30 Mbit/s") -> Crossing:
    system = Catalog.load().get(PonSystem, "xgs-pon")
    assert system is not None
    network = PonNetwork.model_validate(
        {
            "kind": "pon",
            "system": "xgs-pon",
            "budget": "xgs-pon-n1",
            "reach": "1 km",
            "grant": grant,
            "bursts_per_frame": bursts,
        }
    )
    return pon.upstream(network=network, system=system, onu_count=8, distance_m=100.0)


def cell(pattern: str, failure: float, direction: str = "uplink", **values: object) -> Crossing:
    network = CellularNetwork.model_validate(
        {
            "kind": "5g",
            "carrier": "3.75 GHz",
            "bandwidth": "20 MHz",
            "subcarrier_spacing": "30 kHz",
            "pattern": pattern,
            "block_error": failure,
            "retries": 3,
            **values,
        }
    )
    leg = cellular.uplink if direction == "uplink" else cellular.downlink
    return leg(
        network=network,
        ue_count=10,
        snr_db=25.0,
        allowed_miss_ratio=0.05,
        largest_frame_octets=600,
    )


def polled(failure: float, allowed: float = 0.02, retries: int = 3) -> Crossing:
    network = IwlanNetwork.model_validate(
        {
            "kind": "iwlan",
            "carrier": "5.2 GHz",
            "rate": "24 Mbit/s",
            "quota": "500 B",
            "cycle": "4 ms",
            "frame_error": failure,
            "retries": retries,
        }
    )
    return iwlan.uplink(
        network=network,
        client_count=4,
        received_dbm=-40.0,
        allowed_miss_ratio=allowed,
        largest_frame_octets=200,
    )


def lossless(crossing: Crossing) -> tuple[GrantMechanism, ServiceCurve]:
    """The mechanism and the service it would have without failures."""
    grant = mechanism_of(crossing)
    openings = Openings(cycle_ps=grant.cycle_ps, offsets_ps=grant.openings_ps)
    perfect = GrantMechanism(
        cycle_ps=grant.cycle_ps,
        openings_ps=grant.openings_ps,
        phase_ps=None,
        quota_octets=grant.quota_octets,
        overhead_octets=grant.overhead_octets,
        fragments=grant.fragments,
        serial_bps=grant.serial_bps,
        burst_ps=grant.burst_ps,
    )
    service: ServiceCurve | NoService
    if grant.serial_bps:
        service = crossing.service
    elif grant.fragments:
        service = hybrid_arq_service(
            openings=openings,
            quota_octets=grant.quota_octets,
            burst_ps=grant.burst_ps,
            failure_probability=0.0,
            max_retries=0,
            retry_after_ps=0,
            largest_counted_octets=600,
            allowed_miss_ratio=0.0,
            source="test",
        )
    else:
        service = polled_service(
            cycle_ps=grant.cycle_ps,
            burst_ps=grant.burst_ps,
            quota_octets=grant.quota_octets,
            largest_counted_octets=226,
            failure_probability=0.0,
            max_retries=0,
            allowed_miss_ratio=0.0,
            source="test",
        )
    assert isinstance(service, ServiceCurve)
    assert service.exceedance_probability == 0
    return perfect, service


GRANTS = {
    "pon-1": pon_up(1),
    "pon-4": pon_up(4),
    "pon-3-small": pon_up(3, "10 Mbit/s"),
    "5g-up-DDDSU": cell("DDDSU", 0.1),
    "5g-down-DDDSU": cell("DDDSU", 0.1, "downlink"),
    "5g-up-DDDSUDDSUU": cell("DDDSUDDSUU", 0.1),
    "iwlan": polled(0.1),
}


def arrivals(chance: np.random.Generator, span_ps: int, overhead_octets: int) -> list[Frame]:
    """Bursts, trickles and gaps, some exactly together, in order of arrival."""
    frames = []
    now_ps = 0
    for _ in range(chance.integers(1, 26)):
        now_ps += int(chance.choice([0, 0, 1, span_ps // 50, span_ps // 3, span_ps, 3 * span_ps]))
        now_ps += int(chance.integers(0, span_ps // 20))
        octets = int(chance.choice([64, 65, 120, 200])) + overhead_octets
        frames.append(Frame(arrival_ps=now_ps, octets=octets, queue=0))
    return frames


@pytest.mark.parametrize("name", GRANTS)
def test_single_queue_is_never_later_than_promised(name: str) -> None:
    mechanism, service = lossless(GRANTS[name])
    chance = seeded(name)
    for step in range(150):
        frames = arrivals(chance, mechanism.cycle_ps, mechanism.overhead_octets)
        execute(mechanism, frames, (step * mechanism.cycle_ps) // 150, chance)
        for frame, limit_ps in zip(frames, promised_ps(frames, service), strict=True):
            assert frame.delivered_ps is not None
            assert frame.delivered_ps <= limit_ps


@pytest.mark.parametrize("name", GRANTS)
def test_latency_is_reached_by_data_that_just_misses_an_opening(name: str) -> None:
    """The bound is not idle: some phase needs all but the frame's own share of it."""
    mechanism, service = lossless(GRANTS[name])
    worst_ps = 0
    for opening_ps in mechanism.openings_ps:
        frame = Frame(arrival_ps=opening_ps + 1, octets=64, queue=0)
        execute(mechanism, [frame], 0, seeded("any"))
        assert frame.delivered_ps is not None
        worst_ps = max(worst_ps, frame.delivered_ps - frame.arrival_ps)
    assert worst_ps >= service.latency_ps * 0.6


@pytest.mark.parametrize("name", GRANTS)
def test_residual_service_holds_under_strict_priority(name: str) -> None:
    """Of every queue: delivered(t) >= arrived(s) + beta(t - s) - higher arrivals after s."""
    mechanism, service = lossless(GRANTS[name])
    chance = seeded(name)
    for step in range(60):
        frames = arrivals(chance, mechanism.cycle_ps, mechanism.overhead_octets)
        for frame in frames:
            frame.queue = int(chance.integers(0, 3))
        execute(mechanism, frames, (step * mechanism.cycle_ps) // 60, chance)
        for queue in (0, 1, 2):
            own = [frame for frame in frames if frame.queue == queue]
            higher = [frame for frame in frames if frame.queue > queue]
            for position in range(len(own)):
                assert residual_holds(own, higher, position, service)


def residual_holds(
    own: Sequence[Frame], higher: Sequence[Frame], position: int, service: ServiceCurve
) -> bool:
    """Whether the curve allows that a frame is undelivered just before its delivery."""
    delivered_ps = own[position].delivered_ps
    assert delivered_ps is not None
    now_ps = delivered_ps - 1
    up_to_frame = sum(8 * other.octets for other in own[: position + 1])
    for start_ps in [*(other.arrival_ps for other in (*own, *higher)), now_ps]:
        if start_ps > now_ps:
            continue
        arrived = sum(8 * other.octets for other in own if other.arrival_ps < start_ps)
        rivals = sum(8 * other.octets for other in higher if start_ps <= other.arrival_ps <= now_ps)
        beta = Fraction(service.rate_bps * max(0, now_ps - start_ps - service.latency_ps), PS_PER_S)
        if arrived + max(Fraction(0), beta - rivals) < up_to_frame:
            return True
    return False


def test_a_trickle_shows_that_the_service_is_not_strict() -> None:
    """Backlogged without end, yet served less than the quota: why the docstring says minimum."""
    mechanism, service = lossless(GRANTS["5g-up-DDDSU"])
    cycle_ps = mechanism.cycle_ps
    frames = [
        Frame(arrival_ps=mechanism.openings_ps[0] + 1 + index * cycle_ps, octets=72, queue=0)
        for index in range(20)
    ]
    execute(mechanism, frames, 0, seeded("any"))
    for earlier, later in itertools.pairwise(frames):
        assert earlier.delivered_ps is not None
        assert later.arrival_ps < earlier.delivered_ps  # never idle
    served_bps = 72 * 8 * PS_PER_S // cycle_ps
    assert served_bps < service.rate_bps / 2


def share_late(crossing: Crossing, runs: int, load_frames: int, seed: int) -> float:
    """Share of tagged frames that are later than the curve says, or lost, over random phases."""
    mechanism, service = mechanism_of(crossing), curve_of(crossing)
    chance = np.random.default_rng(seed)
    late = 0
    for _ in range(runs):
        phase_ps = int(chance.integers(mechanism.cycle_ps))
        frames = [
            Frame(
                arrival_ps=index * mechanism.cycle_ps + int(chance.integers(mechanism.cycle_ps)),
                octets=100 + mechanism.overhead_octets,
                queue=0,
            )
            for index in range(load_frames)
        ]
        execute(mechanism, frames, phase_ps, chance)
        tagged = frames[-1]
        limit_ps = promised_ps(frames, service)[-1]
        late += tagged.lost or tagged.delivered_ps is None or tagged.delivered_ps > limit_ps
    return late / runs


@pytest.mark.parametrize(
    ("name", "crossing"),
    [
        pytest.param("5g", cell("DDDSU", 0.2, "uplink"), id="hybrid-arq"),
        pytest.param("5g-fast", cell("DU", 0.2, "downlink"), id="hybrid-arq-many-grants"),
        pytest.param("iwlan", polled(0.1), id="polling"),
        pytest.param("iwlan-one", polled(0.05, allowed=0.1, retries=0), id="polling-no-retry"),
        pytest.param("iwlan-sure", polled(0.6, allowed=0.3, retries=2), id="polling-certain"),
    ],
)
def test_no_more_frames_are_late_than_the_exceedance_says(name: str, crossing: Crossing) -> None:
    runs = 4000
    stated = curve_of(crossing).exceedance_probability
    assert 0 < stated < 0.5
    seen = share_late(crossing, runs, load_frames=8, seed=len(name))
    # five standard deviations of a share counted in independent runs
    assert seen <= stated + 5 * math.sqrt(stated / runs)


class TestOpenings:
    def test_even_and_uneven(self) -> None:
        even = Openings(cycle_ps=100, offsets_ps=(0, 25, 50, 75))
        assert even.gaps_ps() == [25, 25, 25, 25]
        assert even.mean_wait_ps() == Fraction(25, 2)
        assert even.staircase_latency_ps() == 25
        uneven = Openings(cycle_ps=100, offsets_ps=(0, 10, 20))
        assert uneven.gaps_ps() == [10, 10, 80]
        assert uneven.largest_wait_ps() == 80
        # from 20: 80, then 90 - 33.3; from 0: 10, 20 - 33.3, 100 - 66.7
        assert uneven.staircase_latency_ps() == 80
        # two openings late in the cycle: from 0 the next are 90, 100: 90; from 90: 10, 100 - 50
        assert Openings(cycle_ps=100, offsets_ps=(0, 90)).staircase_latency_ps() == 90
        # from 0: 40 then 80 - 33; from 40: 40, 100 - 66.7 + ...: two gaps of 40 in a row count more
        two_long = Openings(cycle_ps=100, offsets_ps=(0, 40, 80))
        assert two_long.staircase_latency_ps() == 47  # 40 + 40 - 100 / 3, rounded up

    def test_rate(self) -> None:
        # 3 * 100 octets in 1 us
        openings = Openings(cycle_ps=US, offsets_ps=(0, 1, 2))
        assert openings.rate_bps(100) == 2_400_000_000

    @given(
        offsets=st.sets(st.integers(0, 99), min_size=1, max_size=8),
        window_ps=st.integers(0, 350),
    )
    def test_most_within_by_counting(self, offsets: set[int], window_ps: int) -> None:
        openings = Openings(cycle_ps=100, offsets_ps=tuple(sorted(offsets)))
        times = [cycle * 100 + offset for cycle in range(6) for offset in sorted(offsets)]
        counted = max(
            sum(start <= time < start + window_ps for time in times) for start in range(100)
        )
        assert openings.most_within(window_ps) == counted

    @given(offsets=st.sets(st.integers(0, 99), min_size=1, max_size=8))
    def test_line_stays_below_the_staircase(self, offsets: set[int]) -> None:
        openings = Openings(cycle_ps=100, offsets_ps=tuple(sorted(offsets)))
        latency_ps = openings.staircase_latency_ps()
        times = [cycle * 100 + offset for cycle in range(4) for offset in sorted(offsets)]
        for start in sorted(offsets):
            for now in range(start, start + 250):
                grants = sum(start < time <= now for time in times)
                line = Fraction(len(offsets) * (now - start - latency_ps), 100)
                assert line <= grants


class TestExceedance:
    def test_hybrid_arq_by_hand(self) -> None:
        openings = Openings(cycle_ps=1000, offsets_ps=(0, 500))
        # 3 openings in a window of 1200; k = 1, K = 3: 3 * (0.01 + 0.001) + 2 * 1e-4
        assert hybrid_arq_exceedance(
            openings=openings,
            counted_retries=1,
            max_retries=3,
            failure_probability=0.1,
            retry_after_ps=1200,
            fragments=2,
        ) == pytest.approx(0.0332)
        # with every retry counted only losses remain
        assert hybrid_arq_exceedance(
            openings=openings,
            counted_retries=3,
            max_retries=3,
            failure_probability=0.1,
            retry_after_ps=1200,
            fragments=2,
        ) == pytest.approx(2e-4)

    @settings(max_examples=30)
    @given(spare=st.integers(1, 8), failure=st.floats(0.001, 0.3))
    def test_polling_against_enumeration(self, spare: int, failure: float) -> None:
        """Follow the number of successes poll by poll; drop what has broken the promise."""
        alive = {0: 1.0}
        broken = 0.0
        first = 2 + spare
        for polls in range(1, first + 400):
            after: dict[int, float] = {}
            for successes, chance in alive.items():
                after[successes + 1] = after.get(successes + 1, 0.0) + chance * (1 - failure)
                after[successes] = after.get(successes, 0.0) + chance * failure
            alive = {}
            for successes, chance in after.items():
                needed = 2 + (polls - first) // 2
                if polls >= first and (polls - first) % 2 == 0 and successes < needed:
                    broken += chance
                elif chance > 1e-18:
                    alive[successes] = chance
        assert polled_exceedance(spare_cycles=spare, failure_probability=failure) == pytest.approx(
            broken, rel=1e-4, abs=1e-13
        )

    def test_hopeless_polling(self) -> None:
        assert polled_exceedance(spare_cycles=9, failure_probability=0.5) == 1.0


class TestNoService:
    def test_grant_longer_than_its_distance(self) -> None:
        service = serial_service(
            openings=Openings(cycle_ps=1000, offsets_ps=(0,)),
            quota_octets=1000,
            serial_bps=10**9,
            overhead_octets=0,
            source="test",
        )
        assert isinstance(service, NoService)

    def test_frame_larger_than_the_quota(self) -> None:
        service = polled_service(
            cycle_ps=1000,
            burst_ps=10,
            quota_octets=100,
            largest_counted_octets=101,
            failure_probability=0.0,
            max_retries=0,
            allowed_miss_ratio=0.0,
            source="test",
        )
        assert isinstance(service, NoService)
        assert "a frame of 101 octets" in service.because

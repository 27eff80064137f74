# SPDX-License-Identifier: Apache-2.0
"""Stream filters, stream gates and flow meters at reception."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.simulation.run import simulate
from netplan.tsn.mechanisms import FlowMeter, Reception, StreamFilter, StreamGate, StreamGateEntry
from netplan.verdict.evidence import SimulatedEvidence, StreamObservation
from support.small_plans import GBIT, MBIT, NS, US, PlanBuilder, Step

# A frame of 100 octets takes (8 + 100) * 8 ns = 864 ns at 1 Gbit/s and 50 ns of cable: released
# at t, it is received by b at t + 914 ns.
RECEIVED_AFTER_PS = 914 * NS


def run(
    stream_filter: StreamFilter,
    *,
    sizes: tuple[int, ...] = (100,),
    at_ps: tuple[int, ...] = (0,),
    duration_ps: int = 1000 * US,
) -> SimulatedEvidence:
    """Frames of these sizes, released at these times, over a node with this filter."""
    builder = PlanBuilder().wire("a.p").wire("b.p")
    builder.stream(
        "s",
        [Step(egress="a.p", to="b", reception=Reception(filter=stream_filter)), ("b.p", "c")],
        messages=tuple((size,) for size in sizes),
        offsets_ps=at_ps,
        period_ps=10 * duration_ps,
        phase_ps=0,
    )
    return simulate(builder.plan(), seed=1, duration_ps=duration_ps)


def row(evidence: SimulatedEvidence) -> StreamObservation:
    assert evidence.streams[0].lost == evidence.streams[0].policed
    return evidence.streams[0]


class TestFilter:
    def test_drops_what_is_too_large(self) -> None:
        seen = row(
            run(
                StreamFilter(name="f", largest_frame_octets=100),
                sizes=(100, 101, 100),
                at_ps=(0, 10 * US, 20 * US),
            )
        )
        assert (seen.frames, seen.policed) == (2, 1)

    def test_blocks_for_good_after_a_frame_that_is_too_large(self) -> None:
        seen = row(
            run(
                StreamFilter(name="f", largest_frame_octets=100, block_oversize=True),
                sizes=(100, 101, 100),
                at_ps=(0, 10 * US, 20 * US),
            )
        )
        assert (seen.frames, seen.policed) == (1, 2)


def gate(*entries: StreamGateEntry, **options: bool) -> StreamFilter:
    """A filter with a gate of 100 us whose cycle begins when a frame released at 0 arrives."""
    return StreamFilter(
        name="f",
        gate=StreamGate(
            name="g", base_ps=RECEIVED_AFTER_PS, cycle_ps=100 * US, entries=entries, **options
        ),
    )


class TestGate:
    OPEN = StreamGateEntry(duration_ps=10 * US, is_open=True)
    SHUT = StreamGateEntry(duration_ps=90 * US, is_open=False)

    @pytest.mark.parametrize(
        ("at_ps", "frames"),
        [
            # Open from 0 to 10 us of each cycle: the start counts, the end does not.
            ((0, 10 * US - 1), 2),
            ((0, 10 * US), 1),
            ((0, 100 * US - 1), 1),
            ((0, 100 * US, 200 * US), 3),
        ],
    )
    def test_passes_while_it_is_open(self, at_ps: tuple[int, ...], frames: int) -> None:
        sizes = (100,) * len(at_ps)
        seen = row(run(gate(self.OPEN, self.SHUT), sizes=sizes, at_ps=at_ps))
        assert (seen.frames, seen.policed) == (frames, len(at_ps) - frames)

    def test_runs_before_its_base_time_too(self) -> None:
        late = StreamGate(
            name="g",
            base_ps=RECEIVED_AFTER_PS + 500 * US,
            cycle_ps=100 * US,
            entries=(self.OPEN, self.SHUT),
        )
        at_ps = (0, 50 * US, 100 * US)
        seen = row(run(StreamFilter(name="f", gate=late), sizes=(100,) * 3, at_ps=at_ps))
        assert (seen.frames, seen.policed) == (2, 1)

    def test_shuts_for_good_on_a_frame_out_of_time(self) -> None:
        at_ps = (0, 50 * US, 100 * US)
        seen = row(
            run(gate(self.OPEN, self.SHUT, close_on_invalid=True), sizes=(100,) * 3, at_ps=at_ps)
        )
        assert (seen.frames, seen.policed) == (1, 2)

    @pytest.mark.parametrize(("shuts", "frames"), [(False, 3), (True, 1)])
    def test_counts_the_octets_of_an_interval(self, shuts: bool, frames: int) -> None:
        # 250 octets in each interval: of 100, 200, 150 the second exceeds, the third just fits;
        # the next interval counts anew.
        entry = StreamGateEntry(duration_ps=100 * US, is_open=True, largest_octets=250)
        seen = row(
            run(
                gate(entry, close_on_excess=shuts),
                sizes=(100, 200, 150, 200),
                at_ps=(0, 10 * US, 20 * US, 150 * US),
            )
        )
        assert seen.frames == frames

    def test_chooses_the_queue_of_the_next_hop_only(self) -> None:
        # Two frames reach b together and c together; the gate lifts s over the other at b,
        # behind c it is below again.
        lifted = gate(StreamGateEntry(duration_ps=100 * US, is_open=True, queue_index=7))
        builder = PlanBuilder(processing_min_ps=US, processing_max_ps=US)
        for name in ("a.p", "x.p", "b.p", "c.p"):
            builder.wire(name)
        for name, talker, queue in (("s", "a.p", 1), ("other", "x.p", 5), ("third", "x.p", 5)):
            reception = Reception(filter=lifted) if name == "s" else None
            builder.stream(
                name,
                [
                    Step(egress=talker, to="b", reception=reception),
                    Step(egress="b.p", to="c", queue=queue),
                    Step(egress="c.p", to="d", queue=queue),
                ],
                phase_ps=0 if name != "third" else 960 * NS,
                period_ps=1000 * US,
            )
        evidence = simulate(builder.plan(), seed=1, duration_ps=500 * US)
        # At b: other's first frame wins the idle wire (a.p comes first: s does), so s leaves at
        # once, then other, then third; each is 960 ns behind the one before.
        assert [seen.max_ps for seen in evidence.streams] == [
            3 * 914 * NS - 64 * NS + 2 * US,
            3 * 914 * NS - 64 * NS + 2 * US + 960 * NS,
            3 * 914 * NS - 64 * NS + 2 * US + 960 * NS,
        ]

    def test_lets_a_lower_stream_overtake(self) -> None:
        # Four frames of x fill b's queue 5 before s comes; lifted to 7, s waits for the one
        # in transmission only.
        for queue_index in (7, -1):
            lifted = gate(
                StreamGateEntry(duration_ps=100 * US, is_open=True, queue_index=queue_index)
            )
            builder = PlanBuilder()
            builder.wire("a.p").wire("x.p", line_bps=10 * GBIT).wire("b.p")
            builder.stream(
                "s",
                [
                    Step(egress="a.p", to="b", reception=Reception(filter=lifted)),
                    Step(egress="b.p", to="c", queue=1),
                ],
                phase_ps=0,
            )
            # x at 10 Gbit/s: received 86.4 ns + 50 ns after its start, 96 ns one after the other.
            builder.stream(
                "x", [("x.p", "b"), ("b.p", "c")], messages=((100,) * 4,), phase_ps=0, pcp=5
            )
            evidence = simulate(builder.plan(), seed=1, duration_ps=100 * US)
            # b sends x from 136.4 ns on, every 960 ns; s comes at 914 ns and can start at
            # 136.4 + 960 = 1096.4 ns in queue 7, after all four at 136.4 + 3840 ns in queue 1.
            start_ps = 1096_400 if queue_index == 7 else 3976_400
            assert evidence.streams[0].max_ps == start_ps + 914 * NS - 64 * NS


NOTHING = FlowMeter(name="m", committed_bps=0, committed_burst_octets=0)


def meter(**parameters: Any) -> StreamFilter:
    return StreamFilter(name="f", meter=replace(NOTHING, **parameters))


class TestMeter:
    def test_earns_tokens_exactly(self) -> None:
        # 8 Mbit/s earn an octet each microsecond; the burst of 150 octets pays for the first
        # frame, 50 are left, and 50 us later, to the picosecond, the next one may come.
        for gap_ps, frames in ((50 * US, 2), (50 * US - 1, 1)):
            seen = row(
                run(
                    meter(committed_bps=8 * MBIT, committed_burst_octets=150),
                    sizes=(100, 100),
                    at_ps=(0, gap_ps),
                )
            )
            assert seen.frames == frames

    def test_block_after_red(self) -> None:
        at_ps = (0, 10 * US, 900 * US)
        for blocks, frames in ((False, 2), (True, 1)):
            seen = row(
                run(
                    meter(
                        committed_bps=8 * MBIT, committed_burst_octets=100, block_after_red=blocks
                    ),
                    sizes=(100,) * 3,
                    at_ps=at_ps,
                )
            )
            assert seen.frames == frames

    def test_streams_share_a_meter_by_name(self) -> None:
        builder = PlanBuilder().wire("a.p").wire("x.p").wire("b.p")
        shared = meter(committed_bps=0, committed_burst_octets=300)
        for name, talker in (("s", "a.p"), ("t", "x.p")):
            reception = Reception(filter=shared)
            builder.stream(
                name,
                [Step(egress=talker, to="b", reception=reception), ("b.p", "c")],
                period_ps=100 * US,
                phase_ps=0,
            )
        evidence = simulate(builder.plan(), seed=1, duration_ps=450 * US)
        # Three frames of ten pass in all: s, t, s.
        assert [seen.frames for seen in evidence.streams] == [2, 1]

    def test_yellow_is_remembered_by_a_colour_aware_meter_behind(self) -> None:
        # b's committed bucket takes the first frame, the other two go yellow; c is colour-aware
        # and has committed tokens for three, but only one frame of excess for yellow ones.
        first = meter(
            committed_bps=0, committed_burst_octets=100, excess_bps=0, excess_burst_octets=200
        )
        for aware, frames in ((True, 2), (False, 3)):
            second = meter(
                committed_bps=0,
                committed_burst_octets=300,
                excess_bps=0,
                excess_burst_octets=100,
                colour_aware=aware,
            )
            builder = PlanBuilder().wire("a.p").wire("b.p").wire("c.p")
            builder.stream(
                "s",
                [
                    Step(egress="a.p", to="b", reception=Reception(filter=first)),
                    Step(egress="b.p", to="c", reception=Reception(filter=second)),
                    ("c.p", "d"),
                ],
                period_ps=100 * US,
                phase_ps=0,
            )
            evidence = simulate(builder.plan(), seed=1, duration_ps=250 * US)
            assert evidence.streams[0].frames == frames


@dataclass
class Buckets:
    """A second meter, in fractions."""

    meter: FlowMeter
    committed: Fraction
    excess: Fraction
    now_ps: int = 0
    blocked: bool = False

    def passes(self, octets: int, now_ps: int) -> bool:
        elapsed_s = Fraction(now_ps - self.now_ps, 10**12)
        self.now_ps = now_ps
        self.committed += elapsed_s * self.meter.committed_bps / 8
        over = max(Fraction(0), self.committed - self.meter.committed_burst_octets)
        self.committed -= over
        self.excess += elapsed_s * self.meter.excess_bps / 8
        if self.meter.coupling:
            self.excess += over
        self.excess = min(self.excess, Fraction(self.meter.excess_burst_octets))
        if self.blocked:
            return False
        if octets <= self.committed:
            self.committed -= octets
            return True
        if octets <= self.excess:
            self.excess -= octets
            if not self.meter.drop_yellow:
                return True
        self.blocked = self.meter.block_after_red
        return False


@settings(max_examples=60)
@given(
    parameters=st.builds(
        FlowMeter,
        name=st.just("m"),
        committed_bps=st.sampled_from([0, 1, 8 * MBIT, 3_333_333, GBIT]),
        committed_burst_octets=st.integers(0, 500),
        excess_bps=st.sampled_from([0, 1_234_567, 16 * MBIT]),
        excess_burst_octets=st.integers(0, 500),
        coupling=st.booleans(),
        drop_yellow=st.booleans(),
        block_after_red=st.booleans(),
    ),
    frames=st.lists(
        st.tuples(st.integers(64, 400), st.integers(5 * US, 200 * US)), min_size=1, max_size=20
    ),
)
def test_meters_as_one_in_fractions_does(
    parameters: FlowMeter, frames: list[tuple[int, int]]
) -> None:
    sizes = tuple(size for size, _ in frames)
    at_ps = (0, *(sum(gap for _, gap in frames[: place + 1]) for place in range(len(frames) - 1)))
    evidence = run(
        StreamFilter(name="f", meter=parameters),
        sizes=sizes,
        at_ps=at_ps,
        duration_ps=10_000 * US,
    )
    reference = Buckets(
        parameters,
        Fraction(parameters.committed_burst_octets),
        Fraction(parameters.excess_burst_octets),
    )
    # Received after (8 + size) octets of 8 ns and the cable.
    passed = [
        reference.passes(size, start_ps + (8 + size) * 8 * NS + 50 * NS)
        for size, start_ps in zip(sizes, at_ps, strict=True)
    ]
    assert row(evidence).frames == sum(passed)
    assert row(evidence).policed == len(passed) - sum(passed)

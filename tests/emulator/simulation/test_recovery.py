# SPDX-License-Identifier: Apache-2.0
"""Streams that are sent twice: which copy passes, and what counts as lost."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.simulation import engine
from emulator.simulation.faults import LinkCut
from emulator.simulation.recovery import is_first, reset_recovery
from emulator.simulation.run import simulate
from emulator.simulation.tables import build_model
from netplan.tsn.mechanisms import RecoveryAlgorithm
from support.redundant_plans import frer_plan, hsr_plan, prp_plan
from support.small_plans import NS, US

# A tagged frame of 106 octets takes (8 + 106) * 8 = 912 ns and 50 ns of cable; its first bit leaves
# 64 ns after its start.
HOP_PS = 962 * NS


def test_prp_takes_the_shorter_lan_and_drops_the_other_copy() -> None:
    evidence = simulate(prp_plan(), seed=1, duration_ps=1000 * US)
    seen = evidence.streams[0]
    # Ten messages; over LAN a two hops.
    assert (seen.frames, seen.lost) == (10, 0)
    assert seen.min_ps == seen.max_ps == 2 * HOP_PS - 64 * NS
    (recovery,) = evidence.recoveries
    assert (recovery.passed_count, recovery.discarded_count, recovery.rogue_count) == (10, 10, 0)
    assert len(seen.worst) == 2


def test_prp_goes_on_over_the_longer_lan_when_the_shorter_is_cut() -> None:
    cut = LinkCut(ends=("talker.a", "a0.p0"), at_ps=250 * US, until_ps=550 * US)
    evidence = simulate(prp_plan(), seed=1, duration_ps=1000 * US, faults=(cut,))
    seen = evidence.streams[0]
    # Messages at 300, 400 and 500 us have only the copy over LAN b: four hops.
    assert (seen.frames, seen.lost) == (10, 0)
    assert seen.min_ps == 2 * HOP_PS - 64 * NS
    assert seen.max_ps == 4 * HOP_PS - 64 * NS
    assert [hop.egress_index for hop in seen.worst] == [2, 3, 4, 5]
    (recovery,) = evidence.recoveries
    assert (recovery.passed_count, recovery.discarded_count) == (10, 7)


def test_a_frame_is_lost_when_no_copy_arrives() -> None:
    cuts = (
        LinkCut(ends=("talker.a", "a0.p0"), at_ps=250 * US, until_ps=550 * US),
        LinkCut(ends=("b0.b", "b1.p0"), at_ps=350 * US, until_ps=450 * US),
    )
    evidence = simulate(prp_plan(), seed=1, duration_ps=1000 * US, faults=cuts)
    # Only the message at 400 us finds both LANs cut.
    assert (evidence.streams[0].frames, evidence.streams[0].lost) == (9, 1)


def test_hsr_sends_both_ways_around() -> None:
    plan = hsr_plan(node_count=6, listener=2)
    evidence = simulate(plan, seed=1, duration_ps=1000 * US)
    assert evidence.streams[0].max_ps == 2 * HOP_PS - 64 * NS
    cut = LinkCut(ends=("n1.right", "n2.left"), at_ps=0)
    evidence = simulate(plan, seed=1, duration_ps=1000 * US, faults=(cut,))
    # The other way has four hops.
    assert evidence.streams[0].min_ps == evidence.streams[0].max_ps == 4 * HOP_PS - 64 * NS
    assert (evidence.streams[0].frames, evidence.streams[0].lost) == (10, 0)


def test_what_has_been_recovered_goes_on_with_its_history() -> None:
    cut = LinkCut(ends=("fork.short", "join.p0"), at_ps=0)
    evidence = simulate(frer_plan(extra_bridges=2), seed=1, duration_ps=150 * US, faults=(cut,))
    seen = evidence.streams[0]
    # Talker and last hop untagged (914 ns), three tagged hops.
    assert seen.max_ps == 2 * 914 * NS + 3 * HOP_PS - 64 * NS
    plan = frer_plan(extra_bridges=2)
    names = [plan.egresses[hop.egress_index].name for hop in seen.worst]
    assert names == ["talker.p", "fork.long", "d0.long", "d1.long", "join.p"]
    assert [hop.received_ps for hop in seen.worst[1:]] == [
        hop.delivered_ps for hop in seen.worst[:-1]
    ]


def test_silence_resets_a_recovery() -> None:
    # The copies of a message come 962 ns apart: with a reset after 962 ns the timer has run out
    # when the second copy comes, and it is taken too; with a picosecond more it is not.
    for reset_ps, frames in ((962 * NS, 20), (962 * NS + 1, 10)):
        evidence = simulate(frer_plan(reset_ps=reset_ps), seed=1, duration_ps=1000 * US)
        assert evidence.streams[0].frames == frames
        assert evidence.recoveries[0].reset_count == 9 + (frames == 20) * 10


def test_match_takes_late_copies_again() -> None:
    # Five frames in a row: the long way is 1.9 us longer, two frames of 960 ns; number n over it
    # comes between others, and match remembers only the last number.
    plan = frer_plan(algorithm=RecoveryAlgorithm.MATCH, extra_bridges=2, messages=((100,) * 5,))
    matched = simulate(plan, seed=1, duration_ps=90 * US)
    vectored = simulate(
        frer_plan(extra_bridges=2, messages=((100,) * 5,)), seed=1, duration_ps=90 * US
    )
    assert vectored.streams[0].frames == 5
    assert matched.streams[0].frames > 5


class Standard:
    """The functions of IEEE Std 802.1CB-2017, 7.4.3.3 to 7.4.3.5, as they stand there."""

    def __init__(self, length: int, reset_ps: int, *, match: bool) -> None:
        self.length = length
        self.reset_ps = reset_ps
        self.match = match
        self.counters: Counter[str] = Counter()
        self.deadline_ps: int | None = None
        self.reset()

    def reset(self) -> None:
        self.number = 65535
        self.history = [0] * self.length
        self.take_any = True

    def receive(self, number: int, now_ps: int) -> bool:
        if self.deadline_ps is not None and now_ps >= self.deadline_ps:
            self.reset()
            self.deadline_ps = None
            self.counters["resets"] += 1
        passes = self.by_match(number) if self.match else self.by_vector(number)
        if passes:
            self.counters["passed"] += 1
            self.deadline_ps = now_ps + self.reset_ps
        return passes

    def by_vector(self, number: int) -> bool:
        delta = (number - self.number) % 65536
        if delta >= 32768:
            delta -= 65536
        if self.take_any:
            self.take_any = False
            self.history[0] = 1
            self.number = number
            return True
        if abs(delta) >= self.length:
            self.counters["rogue"] += 1
            return False
        if delta <= 0:
            if self.history[-delta]:
                self.counters["discarded"] += 1
                return False
            self.history[-delta] = 1
            self.counters["out_of_order"] += 1
            return True
        if delta != 1:
            self.counters["out_of_order"] += 1
        while delta > 1:
            self.history = [0, *self.history[:-1]]
            delta -= 1
        self.history = [1, *self.history[:-1]]
        self.number = number
        return True

    def by_match(self, number: int) -> bool:
        if self.take_any:
            self.take_any = False
        elif number == self.number:
            self.counters["discarded"] += 1
            return False
        elif number != (self.number + 1) % 65536:
            self.counters["out_of_order"] += 1
        self.number = number
        return True


@settings(max_examples=100)
@given(
    length=st.integers(1, 12),
    match=st.booleans(),
    start=st.sampled_from([0, 40, 65530]),
    arrivals=st.lists(st.tuples(st.integers(-14, 14), st.integers(0, 30)), max_size=60),
)
def test_recovers_as_the_standard_says(
    length: int, match: bool, start: int, arrivals: list[tuple[int, int]]
) -> None:
    algorithm = RecoveryAlgorithm.MATCH if match else RecoveryAlgorithm.VECTOR
    plan = frer_plan(algorithm=algorithm, history_count=length, reset_ps=25)
    run = engine.begin(build_model(plan, 1), 1)
    standard = Standard(length, 25, match=match)
    reset_recovery(run.reception, 0)
    number, now_ps = start, 0
    for step, gap_ps in arrivals:
        number = (number + step) % 65536
        now_ps += gap_ps
        assert is_first(run.reception, 0, number, now_ps) == standard.receive(number, now_ps)
    for name in ("passed", "discarded", "rogue", "out_of_order", "resets"):
        assert int(run.reception.state.recoveries[0][name]) == standard.counters[name]


def test_counts_numbers_that_never_come_once_they_leave_the_history() -> None:
    plan = frer_plan(history_count=4)
    run = engine.begin(build_model(plan, 1), 1)
    # 0 begins; 2 and 3 leave a gap at 1, which leaves the history of four with number 5.
    lost = []
    for number in (0, 2, 3, 4, 5, 6):
        assert is_first(run.reception, 0, number, 0)
        lost.append(int(run.reception.state.recoveries[0]["lost"]))
    assert lost == [0, 0, 0, 0, 1, 1]


def test_families_do_not_grow() -> None:
    plan = frer_plan(extra_bridges=3, messages=((100,) * 4,), period_ps=10 * US)
    run = engine.begin(build_model(plan, 1), 20_000 * US)
    engine.proceed(run)
    assert run.complete
    assert len(run.state.frames) == engine.FIRST_FRAMES
    in_use = np.count_nonzero(run.state.families[1:, 1])
    assert in_use <= 4

# SPDX-License-Identifier: Apache-2.0
"""Recovery of a ring of four nodes, worked out by hand, and the times that standards promise."""

from __future__ import annotations

import itertools
from dataclasses import replace

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.simulation.faults import LinkCut, NodeOutage
from emulator.simulation.redundancy.timeline import RingTimeline, ring_timeline
from netplan.tsn.rings import DLR_TIMERS, MRP_TIMERS, MrpTimers, RingSegment, rstp_timers
from support.rings import HOP_PS, ring
from support.small_plans import NS, US

MS = 1000 * US
SECOND = 1000 * MS
CUT_PS = 100 * MS + 500 * US


def cut(segment: int = 1, node_count: int = 4, **options: object) -> LinkCut:
    """Segment i fails at 100.5 ms."""
    ends = (f"n{segment}.right", f"n{(segment + 1) % node_count}.left")
    return replace(LinkCut(ends=ends, at_ps=CUT_PS), **options)  # type: ignore[arg-type]  # any field


def changes(timeline: RingTimeline) -> list[tuple[int, int, int, bool]]:
    return [
        (one.at_ps, one.node_index, one.segment_index, one.forwards) for one in timeline.changes
    ]


def first_flushes(timeline: RingTimeline, after_ps: int = CUT_PS) -> list[int | None]:
    """For each node, its first flush after a time."""
    found: list[int | None] = []
    for node in range(len(timeline.ring.nodes)):
        times = [
            one.at_ps
            for one in timeline.flushes
            if one.node_index == node and one.at_ps >= after_ps
        ]
        found.append(min(times, default=None))
    return found


class TestMrp:
    TIMERS = MRP_TIMERS[200]

    def test_opens_at_the_news_of_a_client(self) -> None:
        timeline = ring_timeline(ring(self.TIMERS), [cut()], SECOND)
        assert timeline.blocked == {(0, 3)}
        # n1 and n2 notice at once, block and report; n1's report has one segment to the manager,
        # n2's two (over n3). The manager opens at the first one.
        assert changes(timeline) == [
            (CUT_PS, 1, 1, False),
            (CUT_PS, 2, 1, False),
            (CUT_PS + HOP_PS, 0, 3, True),
        ]
        # n1 and n2 forget at the loss of the link; the manager's word reaches n3 over segment 3.
        opened_ps = CUT_PS + HOP_PS
        assert first_flushes(timeline) == [opened_ps, CUT_PS, CUT_PS, opened_ps + HOP_PS]

    def test_misses_its_tests_when_nobody_notices(self) -> None:
        # The test at 100 ms came back. Those sent at 120 and 140 ms do not: at 160 ms three
        # intervals have passed, and 3 announcements of 10 ms name the moment to flush.
        timeline = ring_timeline(ring(self.TIMERS), [cut(is_silent=True)], SECOND)
        assert changes(timeline) == [(160 * MS, 0, 3, True)]
        flush_ps = 190 * MS
        assert first_flushes(timeline) == [
            flush_ps,
            flush_ps + HOP_PS,
            flush_ps + 2 * HOP_PS,
            flush_ps + HOP_PS,
        ]

    def test_closes_before_a_mended_link_forwards(self) -> None:
        mended_ps = 300 * MS
        timeline = ring_timeline(ring(self.TIMERS), [cut(until_ps=mended_ps)], SECOND)
        # n1 reports the link; the manager blocks, and its answer lets n1 and then n2 forward.
        assert changes(timeline)[3:] == [
            (mended_ps + HOP_PS, 0, 3, False),
            (mended_ps + 2 * HOP_PS, 1, 1, True),
            (mended_ps + 3 * HOP_PS, 2, 1, True),
        ]

    @pytest.mark.parametrize("recovery_ms", [500, 200, 30, 10])
    @settings(max_examples=8)
    @given(at_us=st.integers(100_000, 170_000), segment=st.integers(0, 12), silent=st.booleans())
    def test_keeps_the_promised_recovery_time(
        self, recovery_ms: int, at_us: int, segment: int, silent: bool
    ) -> None:
        # Of any ring of up to 50 nodes; 14 with 10 us each are no worse.
        over = ring(MRP_TIMERS[recovery_ms], node_count=14)
        broken = cut(segment, 14, at_ps=at_us * US, is_silent=silent)
        timeline = ring_timeline(over, [broken], SECOND)
        flushes = first_flushes(timeline, at_us * US)
        assert all(one is not None for one in flushes)
        last_ps = max(one for one in flushes if one is not None)
        assert last_ps - at_us * US <= recovery_ms * MS

    def test_a_manager_that_fails_leaves_a_line(self) -> None:
        timeline = ring_timeline(ring(self.TIMERS), [NodeOutage(node="n0", at_ps=CUT_PS)], SECOND)
        assert changes(timeline) == [(CUT_PS, 1, 0, False), (CUT_PS, 3, 3, False)]

    def test_survives_a_client_that_comes_back(self) -> None:
        outage = NodeOutage(node="n2", at_ps=CUT_PS, until_ps=500 * MS)
        timeline = ring_timeline(ring(self.TIMERS), [outage], 2 * SECOND)
        state = {(node, segment): forwards for _, node, segment, forwards in changes(timeline)}
        # All forward again, but the manager's second port.
        assert [place for place, forwards in state.items() if not forwards] == [(0, 3)]


class TestDlr:
    def test_opens_at_the_news_of_a_node(self) -> None:
        timeline = ring_timeline(ring(DLR_TIMERS), [cut()], 200 * MS)
        assert timeline.blocked == {(0, 3)}
        opened_ps = CUT_PS + HOP_PS
        assert changes(timeline) == [(opened_ps, 0, 3, True)]
        # n1 and n2 flush as they report; n3 at the supervisor's beacon of the fault.
        assert first_flushes(timeline) == [opened_ps, CUT_PS, CUT_PS, opened_ps + HOP_PS]

    def test_misses_its_beacons_when_nobody_notices(self) -> None:
        timeline = ring_timeline(ring(DLR_TIMERS), [cut(is_silent=True)], 200 * MS)
        # The last beacons that get around are those of 100.4 ms; each way around is four hops.
        timeout_ps = 100 * MS + 400 * US + DLR_TIMERS.beacon_timeout_ps
        assert changes(timeline) == [(timeout_ps + 4 * HOP_PS, 0, 3, True)]
        # n2 hears the way over n1 last after 2 hops, n3 after 3; n1 the way over n3 after 3.
        assert first_flushes(timeline) == [
            timeout_ps + 4 * HOP_PS,
            timeout_ps + 3 * HOP_PS,
            timeout_ps + 2 * HOP_PS,
            timeout_ps + 3 * HOP_PS,
        ]

    def test_closes_when_beacons_get_around_again(self) -> None:
        mended_ps = 150 * MS
        timeline = ring_timeline(ring(DLR_TIMERS), [cut(until_ps=mended_ps)], 200 * MS)
        # Beacons go out again every 400 us from 100.51581 ms on: 123 intervals are 49.2 ms, so one
        # pair passes segment 1 just before 150 ms, the next leaves at 150.11581 ms.
        assert changes(timeline)[1:] == [(150 * MS + 115_810 * NS + 4 * HOP_PS, 0, 3, False)]

    @settings(max_examples=6)
    @given(at_us=st.integers(50_000, 50_800), segment=st.integers(0, 49), silent=st.booleans())
    def test_fifty_nodes_recover_in_three_milliseconds(
        self, at_us: int, segment: int, silent: bool
    ) -> None:
        # Promised by ODVA for 50 nodes at 100 Mbit/s and beacons of 400 us; nodes with an
        # embedded cut-through switch take some 3 us for a beacon, here with its reception.
        over = ring(DLR_TIMERS, node_count=50)
        over = replace(over, processing_ps=(3 * US,) * 50)
        broken = cut(segment, 50, at_ps=at_us * US, is_silent=silent)
        timeline = ring_timeline(over, [broken], 60 * MS)
        last_ps = max(one or 10**15 for one in first_flushes(timeline, at_us * US))
        assert last_ps - at_us * US < 3 * MS


class TestRstp:
    TIMERS = rstp_timers((1, 2, 3, 4))

    def test_blocks_where_the_way_to_the_root_is_longest(self) -> None:
        # n0 is the root. n2 reaches it over n1 or n3 at equal cost and takes n1, which has the
        # better identifier; its port to n3 is the alternate one, n3's stays designated.
        timeline = ring_timeline(ring(self.TIMERS), [], SECOND)
        assert timeline.blocked == {(2, 2)}
        assert timeline.changes == ()

    def test_takes_the_alternate_port_at_once(self) -> None:
        timeline = ring_timeline(ring(self.TIMERS), [cut()], SECOND)
        assert changes(timeline) == [
            (CUT_PS, 1, 1, False),
            (CUT_PS, 2, 1, False),
            (CUT_PS, 2, 2, True),
        ]
        # The change is told over segments 2 and 3 to the root, and it to n1.
        assert first_flushes(timeline) == [
            CUT_PS + 2 * HOP_PS,
            CUT_PS,
            CUT_PS,
            CUT_PS + HOP_PS,
        ]

    def test_a_bridge_cut_off_from_the_root_learns_of_it_by_proposal_and_agreement(self) -> None:
        timeline = ring_timeline(ring(self.TIMERS), [cut(segment=0)], SECOND)
        # n1 loses its root port and calls itself root towards n2 (1 hop); n2 knows better by its
        # alternate port, which becomes root port and forwards at once, and proposes to n1
        # (2 hops); n1 takes that port as root port, agrees, and forwards.
        found = changes(timeline)
        assert (CUT_PS + HOP_PS, 2, 2, True) in found
        state = {(node, segment): forwards for _, node, segment, forwards in found}
        assert [place for place, forwards in state.items() if not forwards] == [(0, 0), (1, 0)]
        assert max(at_ps for at_ps, *_ in found) <= CUT_PS + 3 * HOP_PS

    def test_waits_three_hellos_when_nobody_notices(self) -> None:
        # The last BPDU over segment 1 is that of the hello at 0, received after one hop, as the
        # tree was started at a whole minute before; bridges pass the root's hello on at once.
        timeline = ring_timeline(ring(self.TIMERS), [cut(is_silent=True)], 10 * SECOND)
        (shut, opened) = timeline.changes
        assert (shut.node_index, shut.segment_index, shut.forwards) == (2, 1, False)
        assert (opened.node_index, opened.segment_index, opened.forwards) == (2, 2, True)
        assert 6 * SECOND <= shut.at_ps == opened.at_ps <= 6 * SECOND + 2 * HOP_PS

    def test_returns_to_the_first_tree_without_a_loop(self) -> None:
        timeline = ring_timeline(ring(self.TIMERS), [cut(until_ps=3 * SECOND)], 10 * SECOND)
        state = dict.fromkeys(timeline.blocked, False)
        for _, node, segment, forwards in changes(timeline):
            state[node, segment] = forwards
            shut = {segment for (_, segment), is_open in state.items() if not is_open}
            assert shut, "all segments forward at once"
        assert [place for place, forwards in state.items() if not forwards] == [(2, 2)]

    @settings(max_examples=20)
    @given(
        order=st.permutations(range(5)),
        segment=st.integers(0, 4),
        at_us=st.integers(0, 4_000_000),
    )
    def test_any_ring_of_bridges_ends_as_a_tree(
        self, order: list[int], segment: int, at_us: int
    ) -> None:
        over = ring(rstp_timers(tuple(order)), node_count=5)
        broken = cut(segment, 5, at_ps=at_us * US, until_ps=at_us * US + 10 * SECOND)
        whole = ring_timeline(over, [broken], at_us * US + 60 * SECOND)
        state = dict.fromkeys(whole.blocked, False)
        assert len({place[1] for place in state}) == 1
        for change in whole.changes:
            state[change.node_index, change.segment_index] = change.forwards
        assert len({place[1] for place, forwards in state.items() if not forwards}) == 1


@settings(max_examples=20)
@given(
    order=st.permutations(range(4)),
    segment=st.integers(0, 5),
    at_us=st.integers(0, 4_000_000),
    silent=st.booleans(),
)
def test_rstp_keeps_any_mesh_a_spanning_tree(
    order: list[int], segment: int, at_us: int, silent: bool
) -> None:
    """All four bridges joined with all others, one link cut: three links carry frames."""
    pairs = list(itertools.combinations(range(4), 2))
    segments = tuple(
        RingSegment(ends=(f"n{a}.to{b}", f"n{b}.to{a}"), line_bps=10**8, propagation_ps=0)
        for a, b in pairs
    )
    over = replace(ring(rstp_timers(tuple(order))), segments=segments)
    broken = LinkCut(ends=segments[segment].ends, at_ps=at_us * US, is_silent=silent)
    timeline = ring_timeline(over, [broken], at_us * US + 60 * SECOND)
    state = dict.fromkeys(timeline.blocked, False)

    def carrying() -> list[tuple[int, int]]:
        shut = {place[1] for place, forwards in state.items() if not forwards}
        return [pair for index, pair in enumerate(pairs) if index not in shut]

    assert nx.is_tree(nx.Graph(carrying()))
    for change in timeline.changes:
        state[change.node_index, change.segment_index] = change.forwards
        if not silent:  # the cut link itself is out of the graph once it is noticed
            assert nx.is_forest(nx.Graph(carrying()))
    alive = [pair for pair in carrying() if pair != pairs[segment]]
    assert nx.is_tree(nx.Graph(alive))
    assert len(alive) == 3


def test_equal_scenarios_give_equal_timelines() -> None:
    timers: MrpTimers = MRP_TIMERS[30]
    assert ring_timeline(ring(timers), [cut()], SECOND) == ring_timeline(
        ring(timers), [cut()], SECOND
    )

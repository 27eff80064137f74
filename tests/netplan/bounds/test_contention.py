# SPDX-License-Identifier: Apache-2.0
"""The search for the longest wait, against trying every instant."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, example, given
from hypothesis import strategies as st

from netplan.bounds.arrivals import ONE, Line, Staircase, line_of, windows_of
from netplan.bounds.contention import Contention, Ingress

Flow = tuple[tuple[int, ...], int, int]
"""Work of each message, period, jitter."""
Part = tuple[list[Flow], list[Flow], Line | None]
"""Own flows, higher flows and the cap of one ingress."""


def arrived(flows: list[Flow], line: Line | None, window: int, *, up: bool = True) -> int:
    """Most work in a closed window, straight from the definition; parts rounded up or down."""
    total = 0
    for sums, period, jitter in flows:
        count = (window + jitter) // period + 1
        total += max(
            sum(sums[(start + index) % len(sums)] for index in range(count))
            for start in range(len(sums))
        )
    if line is not None and flows:
        first = max(max(sums) for sums, _, _ in flows)
        cap = first * line.cost + line.gain * (window + line.spread_ps)
        total = min(total, -(-cap // line.cost) if up else cap // line.cost)
    return total


def ingress(own: list[Flow], above: list[Flow], line: Line | None) -> Ingress:
    affine: list[int] = []
    for flows in (own, above):
        affine.append(sum(windows_of(f[0]).affine_burst(f[1], f[2]) for f in flows))
        affine.append(sum(windows_of(f[0]).rate(f[1]) for f in flows))
    return Ingress(
        own=Staircase([(windows_of(f[0]), f[1], f[2]) for f in own]),
        above=Staircase([(windows_of(f[0]), f[1], f[2]) for f in above]),
        line=line,
        first_own_ps=max((max(f[0]) for f in own), default=0),
        first_above_ps=max((max(f[0]) for f in above), default=0),
        affine=(affine[0], affine[1], affine[2], affine[3]),
        steps_per_s=1,
    )


def tried(parts: list[Part], fixed: int, latest: int, *, up: bool) -> int:
    """Longest wait over every whole instant of arrival."""
    longest = end = 0
    for start in range(latest):
        work = fixed + sum(arrived(own, line, start, up=up) for own, _, line in parts)
        while end < latest:
            above = sum(arrived(flows, line, end, up=up) for _, flows, line in parts)
            if work + above <= end:
                break
            end += 1
        longest = max(longest, end - start)
    return longest


FLOWS = st.lists(
    st.tuples(
        st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple),
        st.integers(20, 90),
        st.integers(0, 100),
    ),
    max_size=3,
)
LINES = st.none() | st.builds(
    line_of, st.sampled_from([1, 1, 2, 3, 10]), st.sampled_from([1, 3, 10]), st.integers(0, 7)
)
INGRESSES = st.lists(st.tuples(FLOWS, FLOWS, LINES), min_size=1, max_size=3)


@given(parts=INGRESSES, fixed=st.integers(0, 20))
@example(  # a slow wire brings own frames while higher ones keep coming
    parts=[
        ([((8,), 81, 3), ((7,), 78, 17), ((3,), 85, 18), ((2,), 75, 4)], [], line_of(1, 3, 0)),
        ([], [((8,), 22, 16)], None),
    ],
    fixed=1,
)
def test_finds_what_trying_every_instant_finds(parts: list[Part], fixed: int) -> None:
    assume(any(own for own, _, _ in parts))
    rate = sum(
        windows_of(sums).rate(period) for own, above, _ in parts for sums, period, _ in own + above
    )
    assume(rate < ONE * 9 // 10)
    contention = Contention([ingress(*part) for part in parts], fixed_ps=fixed)
    assert contention.reach_ps is not None

    def all_work(window: int) -> int:
        work = fixed
        for own, above, line in parts:
            both = arrived(own, None, window) + arrived(above, None, window)
            work += min(both, arrived(own + above, line, window)) if own + above else 0
        return work

    busy = 1
    while all_work(busy) > busy:
        busy += 1
    assert contention.reach_ps >= busy
    smallest = min(min(sums) for own, _, _ in parts for sums, _, _ in own)
    for excluded in (0, smallest):
        latest = busy - excluded
        found = contention.longest_wait_ps(excluded)
        assert found >= tried(parts, fixed - excluded, latest, up=False)
        if all(line is None for _, _, line in parts):
            assert found == tried(parts, fixed - excluded, latest, up=True)
        elif all(line is None or line.gain == line.cost == 1 for _, _, line in parts):
            assert found <= tried(parts, fixed - excluded, latest, up=True) + 1


@given(flow=FLOWS.filter(bool).map(lambda flows: flows[0]), window=st.integers(0, 400))
def test_token_bucket_lies_above_the_staircase(flow: Flow, window: int) -> None:
    sums, period, jitter = flow
    windows = windows_of(sums)
    bucket = windows.affine_burst(period, jitter) * ONE + windows.rate(period) * window
    assert arrived([flow], None, window) * ONE <= bucket


def test_closed_windows_hold_both_of_their_ends() -> None:
    # Period 10, jitter 3: two messages may be 7 apart, three 17.
    stairs = Staircase([(windows_of((5,)), 10, 3)])
    assert [stairs.at(window) for window in (0, 6, 7, 16, 17)] == [5, 5, 10, 10, 15]
    assert stairs.steps_before(17) == [7]


def test_long_busy_periods_fall_back_on_token_buckets() -> None:
    # 90 % load of messages that seem to come so often that no busy period is searched.
    flow = ingress([((90,), 100, 500)], [((9,), 1000, 100)], None)
    crowded = replace(flow, steps_per_s=10**18)
    contention = Contention([crowded], fixed_ps=100)
    assert contention.reach_ps is None
    # Own bucket 90 (1 + 500 / 100) = 540, higher one 9 (1 + 100 / 1000) rounded up to 10, and
    # what waits is served at 1 - 9 / 1000: 550 + 100 - 90 = 560 over 0.991 is 565.09.
    assert contention.longest_wait_ps(90) == 566

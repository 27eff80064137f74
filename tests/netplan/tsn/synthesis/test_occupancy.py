# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import pairwise
from math import lcm

from hypothesis import given
from hypothesis import strategies as st

from netplan.tsn.synthesis.occupancy import Occupancy
from netplan.tsn.synthesis.periods import nearest_harmonic
from netplan.tsn.synthesis.timing import Piece

PERIODS = (4, 6, 8, 12)


def busy(phase: int, period: int, pieces: list[Piece], cycle: int) -> set[tuple[int, int]]:
    """Every unit of time that a stream takes in one cycle, by resource."""
    return {
        (piece.resource_index, (phase + piece.offset_ps + shift + unit) % cycle)
        for piece in pieces
        for shift in range(0, cycle, period)
        for unit in range(piece.length_ps)
    }


streams = st.tuples(
    st.sampled_from(PERIODS),
    st.lists(
        st.builds(
            Piece,
            resource_index=st.integers(0, 1),
            offset_ps=st.integers(-3, 15),
            length_ps=st.integers(1, 3),
            hop_index=st.just(0),
        ),
        min_size=1,
        max_size=2,
        unique_by=lambda piece: piece.resource_index,
    ),
)


@given(placed=st.lists(streams, max_size=5), wanted=streams)
def test_first_fit_is_the_first_free_phase_of_the_whole_hyperperiod(
    placed: list[tuple[int, list[Piece]]], wanted: tuple[int, list[Piece]]
) -> None:
    cycle = lcm(*PERIODS)
    occupancy = Occupancy()
    taken: set[tuple[int, int]] = set()
    for index, (period, pieces) in enumerate(placed):
        phase = occupancy.first_fit(pieces, period, (0, period - 1))
        free = [one for one in range(period) if not busy(one, period, pieces, cycle) & taken]
        assert phase == (free[0] if free else None)
        if phase is not None:
            assert not occupancy.met(pieces, phase, period)
            occupancy.add(index, phase, period, pieces)
            taken |= busy(phase, period, pieces, cycle)
    period, pieces = wanted
    for phase in range(period):
        meets = bool(busy(phase, period, pieces, cycle) & taken)
        assert bool(occupancy.met(pieces, phase, period)) is meets


def test_what_is_taken_away_is_free_again() -> None:
    occupancy = Occupancy()
    piece = Piece(0, 0, 4, 0)
    occupancy.add(7, 0, 4, (piece,))
    assert occupancy.first_fit((piece,), 4, (0, 3)) is None
    occupancy.remove(7, (piece,))
    assert occupancy.first_fit((piece,), 4, (0, 3)) == 0


def test_a_phase_is_on_its_grid() -> None:
    occupancy = Occupancy()
    occupancy.add(0, 0, 100, (Piece(0, 0, 11, 0),))
    assert occupancy.first_fit((Piece(0, 0, 11, 0),), 100, (0, 99), grid_ps=8) == 16


def test_nearest_harmonic_periods() -> None:
    # 1, 2 and 3 ms: on base 1 ms, 3 becomes 2 (half as often again: 1 + 1 + 1.5 = 3.5 times the
    # wish in all). On base 1.5 ms nothing fits below 1 ms; on 0.75 ms: 0.75, 1.5, 3 = 1.33 + 1.33
    # + 1 = 3.67. So 1 ms it is.
    assert nearest_harmonic([1000, 2000, 3000]) == {1000: 1000, 2000: 2000, 3000: 2000}
    # Two streams of 3 ms against one of 1 ms: 1 + 2 * 1.5 = 4 against 1.33 + 2 = 3.33.
    assert nearest_harmonic([1000, 3000, 3000]) == {1000: 750, 3000: 3000}


@given(st.lists(st.integers(1000, 10**6), min_size=1, max_size=8))
def test_harmonic_periods_are_never_longer_and_go_together(periods: list[int]) -> None:
    found = nearest_harmonic(periods)
    chosen = sorted(found.values())
    assert all(found[period] <= period for period in periods)
    assert all(longer % shorter == 0 for shorter, longer in pairwise(chosen))

# SPDX-License-Identifier: Apache-2.0
"""Looks for a small change that gives a problem a schedule, and tries it before naming it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from netplan.tsn.synthesis.budget import Budget
from netplan.tsn.synthesis.problem import Frame, Problem, Stream, least_delay_ps
from netplan.tsn.synthesis.result import Conflict, Cure

_MOST_TRIED = 24
_US = 10**6

Feasible = Callable[[Problem], bool]
"""Whether a changed problem has a schedule."""


def with_cure(
    problem: Problem, conflict: Conflict, budget: Budget, *, anew: bool, feasible: Feasible
) -> Conflict:
    """The conflict with the first change that was found to help, and those that did not.

    Args:
        problem: Without a schedule.
        conflict: Why.
        budget: For trying.
        anew: Whether giving up the places of kept streams is a change to try.
        feasible: Solves a changed problem.
    """
    tried: list[str] = []
    changes: Iterable[tuple[Cure, Problem]] = _changes(problem, conflict)
    if anew:
        cure = Cure(text="schedule all streams anew", streams=(), quantity="keep")
        changes = chain([(cure, problem)], changes)
    for cure, changed in changes:
        if budget.spent() or len(tried) >= _MOST_TRIED:
            break
        if feasible(changed):
            return replace(conflict, cure=cure, tried_cures=tuple(tried))
        tried.append(cure.text)
    return replace(conflict, tried_cures=tuple(tried))


def _changes(problem: Problem, conflict: Conflict) -> Iterator[tuple[Cure, Problem]]:
    """Changes from the mildest on."""
    wanted = set(conflict.streams)
    streams = [stream for stream in problem.streams if stream.name in wanted]
    if conflict.kind == "deadline":
        yield from _later(problem, streams[0])
        return
    if conflict.kind == "periods":
        yield from _related(problem, streams[0], streams[1])
        yield from _related(problem, streams[1], streams[0])
    if conflict.kind == "utilisation":
        yield from _rarer(problem, streams)
        return
    streams.sort(key=_weight)
    for stream in streams:
        yield _slower(problem, (stream,))
    for stream in streams:
        octets = tuple(max(64, frame.frame_octets // 2) for frame in stream.frames)
        if octets != tuple(frame.frame_octets for frame in stream.frames):
            yield _smaller(problem, stream, octets)
    for stream in streams:
        yield _removed(problem, stream)


def _weight(stream: Stream) -> float:
    """Streams that send most come first."""
    return -sum(frame.frame_octets for frame in stream.frames) / stream.period_ps


def _put(problem: Problem, *changed: Stream) -> Problem:
    by_name = {stream.name: stream for stream in changed}
    return replace(
        problem, streams=tuple(by_name.get(stream.name, stream) for stream in problem.streams)
    )


def _least_ps(problem: Problem, stream: Stream) -> tuple[int, ...]:
    """Least latency to each listener."""
    octets = max(frame.frame_octets for frame in stream.frames)
    return tuple(
        least_delay_ps(
            stream.routes.quickest(listener, octets, problem.ports), listener, octets, problem.ports
        )
        for listener in range(len(stream.deadlines_ps))
    )


def _later(problem: Problem, stream: Stream) -> Iterator[tuple[Cure, Problem]]:
    """Deadlines that the quickest routes allow, with more and more room for others.

    Every stream that is too long by itself is changed: one alone would not help.
    """
    needs = {one.name: (one, _least_ps(problem, one)) for one in problem.streams}
    late = [
        (one, least)
        for one, least in needs.values()
        if one.name == stream.name
        or any(
            limit_ps is not None and least_ps > limit_ps
            for least_ps, limit_ps in zip(least, one.deadlines_ps, strict=True)
        )
    ]
    for factor in (1, 2, 4):
        changed = []
        limit_ps = 0
        for one, least in late:
            limit_ps = -(-max(least) * factor // _US) * _US
            wider = tuple(
                None if limit is None else max(limit, limit_ps) for limit in one.deadlines_ps
            )
            changed.append(replace(one, deadlines_ps=wider))
        text = (
            f"give stream {stream.name} a deadline of {limit_ps / _US:g} us"
            if len(late) == 1
            else f"give each of these {len(late)} streams a deadline of {factor} times "
            "what it takes by itself, in whole microseconds"
        )
        cure = Cure(
            text=text,
            streams=tuple(one.name for one in changed),
            quantity="deadline",
            value_ps=limit_ps if len(late) == 1 else 0,
        )
        yield cure, _put(problem, *changed)


def _with_period(stream: Stream, period_ps: int) -> Stream:
    latest_ps = stream.latest_phase_ps
    return replace(
        stream,
        period_ps=period_ps,
        latest_phase_ps=None if latest_ps is None else min(latest_ps, period_ps - 1),
        earliest_phase_ps=min(stream.earliest_phase_ps, period_ps - 1),
    )


def _related(problem: Problem, one: Stream, other: Stream) -> Iterator[tuple[Cure, Problem]]:
    """A period that is a multiple or a part of the other's, near the one asked for."""
    count = max(1, round(one.period_ps / other.period_ps))
    part = max(1, round(other.period_ps / one.period_ps))
    found = [other.period_ps * count]
    if other.period_ps % part == 0:
        found.append(other.period_ps // part)
    last_ps = max(frame.release_ps for frame in one.frames)
    for period_ps in sorted(set(found), key=lambda period: abs(period - one.period_ps)):
        if period_ps == one.period_ps or period_ps <= last_ps:
            continue
        yield (
            Cure(
                text=f"give stream {one.name} a period of {period_ps / _US:g} us, "
                f"which goes with that of {other.name}",
                streams=(one.name,),
                quantity="period",
                value_ps=period_ps,
            ),
            _put(problem, _with_period(one, period_ps)),
        )


def _slower(problem: Problem, streams: tuple[Stream, ...], factor: int = 2) -> tuple[Cure, Problem]:
    names = tuple(stream.name for stream in streams)
    if len(streams) == 1:
        period_ps = streams[0].period_ps * factor
        text = f"send stream {names[0]} every {period_ps / _US:g} us"
    else:
        period_ps = 0
        text = f"send these {len(names)} streams {factor} times less often: {', '.join(names)}"
    changed = [_with_period(stream, stream.period_ps * factor) for stream in streams]
    cure = Cure(text=text, streams=names, quantity="period", value_ps=period_ps)
    return cure, _put(problem, *changed)


def _rarer(problem: Problem, streams: list[Stream]) -> Iterator[tuple[Cure, Problem]]:
    """The streams that load most sent half as often: one, two, four ... of them."""
    count = 1
    while True:
        yield _slower(problem, tuple(streams[:count]))
        if count >= len(streams):
            break
        count = min(2 * count, len(streams))


def _smaller(problem: Problem, stream: Stream, octets: tuple[int, ...]) -> tuple[Cure, Problem]:
    frames = tuple(
        Frame(frame_octets=size, release_ps=frame.release_ps)
        for size, frame in zip(octets, stream.frames, strict=True)
    )
    cure = Cure(
        text=f"send {sum(octets)} octets in stream {stream.name}",
        streams=(stream.name,),
        quantity="size",
        value_octets=sum(octets),
    )
    return cure, _put(problem, replace(stream, frames=frames))


def _removed(problem: Problem, stream: Stream) -> tuple[Cure, Problem]:
    cure = Cure(
        text=f"leave stream {stream.name} out of the schedule",
        streams=(stream.name,),
        quantity="removal",
    )
    rest = tuple(one for one in problem.streams if one.name != stream.name)
    return cure, replace(problem, streams=rest)

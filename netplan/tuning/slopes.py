# SPDX-License-Identifier: Apache-2.0
"""The least idle slopes with which the targets of credit-based classes are proven.

A larger slope sends a class sooner and keeps lower classes waiting, so classes are gone through
from the highest down: first all ports of a class together are raised by an equal share of what
they may take, no further than needed. Where that leaves targets unproven - classes share buffers
and links - all classes are raised at once and then lowered one by one. Last, each port is lowered
alone as far as it goes, the largest reservations first. Every value that is kept was proven as it stands. That a slightly
smaller one would not do is proven too, for each port alone; another division among ports may
take less. Contracts are the least, a share of the link the most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from netplan.design.design import Design
from netplan.plan.model import Plan
from netplan.plan.ports import SLOPE_STEP_BPS
from netplan.tuning.reservations import Reservation, reservations_of, with_slopes
from netplan.tuning.trial import Bench, Trial

SHARE_RATIO = 0.75
"""Of a link, for all credit-based classes together. Source: IEEE Std 802.1Q-2022, 34.3.1 and
table 34-1 (deltaBandwidth, recommended default)."""

_STEPS = 1000
"""Steps between least and largest slope: the fineness of what is found."""
_MOST_ROUNDS = 3
"""Times that all ports are lowered anew, as lowering one may let another go lower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A target of a class that no slope proves.

    Attributes:
        target_index: Into the plan's targets.
        bound_ps: With the largest slopes; None when there is none.
        why: What the verdict says then.
    """

    target_index: int
    bound_ps: float | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slopes:
    """The slopes that were found.

    Attributes:
        reservations: Where slopes are.
        slopes_bps: Proposed, one for each.
        most_bps: Largest that the share of the link allowed when the others take the least.
        before: The design as it is.
        after: The design with the proposal.
        refusals: Targets that no slope proves, and why.
        conflicts: Where what a class needs would take the proof from other targets.
        settled: Whether the trials sufficed; otherwise smaller slopes may do.
    """

    reservations: tuple[Reservation, ...]
    slopes_bps: tuple[int, ...]
    most_bps: tuple[int, ...]
    before: Trial
    after: Trial
    refusals: tuple[Refusal, ...]
    conflicts: tuple[str, ...]
    settled: bool


@dataclass(slots=True, kw_only=True)
class _Search:
    """Slopes while they are searched for, in steps above the least ones.

    Attributes:
        most_bps: Per reservation.
        steps: Per reservation, from 0 (least) to ``_STEPS``.
    """

    design: Design
    plan: Plan
    bench: Bench
    reservations: tuple[Reservation, ...]
    share_ratio: float
    steps: list[int] = field(default_factory=list)
    most_bps: list[int] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    known: dict[tuple[int, ...], Trial] = field(default_factory=dict)

    def slope_bps(self, index: int, steps: int) -> int:
        least_bps = self.reservations[index].least_bps
        more_bps = (self.most_bps[index] - least_bps) * steps // _STEPS
        return least_bps + -(-more_bps // SLOPE_STEP_BPS) * SLOPE_STEP_BPS

    def slopes_bps(self) -> tuple[int, ...]:
        return tuple(self.slope_bps(index, steps) for index, steps in enumerate(self.steps))

    def chosen_bps(self) -> tuple[int, ...]:
        """What was found; where a target stays unproven, at least what the design reserves."""
        met = self.trial({}).met()
        return tuple(
            slope_bps if self.targets_of([index]) <= met else max(slope_bps, one.designed_bps)
            for index, (one, slope_bps) in enumerate(
                zip(self.reservations, self.slopes_bps(), strict=True)
            )
        )

    def trial(self, changed: dict[int, int]) -> Trial:
        steps = [changed.get(index, one) for index, one in enumerate(self.steps)]
        slopes_bps = tuple(self.slope_bps(index, one) for index, one in enumerate(steps))
        if slopes_bps not in self.known:
            design = with_slopes(self.design, self.reservations, slopes_bps)
            self.known[slopes_bps] = self.bench.try_out(design)
        return self.known[slopes_bps]

    def room(self, members: list[int]) -> None:
        """Work out how far the members of a class may go beside what the others take now."""
        for index in members:
            own = self.reservations[index]
            rest_bps = min(
                int(self.share_ratio * own.line_bps)
                - sum(
                    other.queue_count * self.slope_bps(at, self.steps[at])
                    for at, other in enumerate(self.reservations)
                    if at != index and egress in other.egress_indices
                )
                for egress in own.egress_indices
            )
            self.most_bps[index] = max(
                own.least_bps, rest_bps // own.queue_count // SLOPE_STEP_BPS * SLOPE_STEP_BPS
            )

    def targets_of(self, members: list[int]) -> set[int]:
        streams = {one for index in members for one in self.reservations[index].stream_indices}
        found = set()
        for index, target in enumerate(self.plan.targets):
            if target.chain_index >= 0:
                stages = self.plan.chains[target.chain_index].stages
                if streams & {stage.stream_index for stage in stages}:
                    found.add(index)
            elif target.stream_index in streams:
                found.add(index)
        return found

    def raise_class(self, members: list[int]) -> None:
        """Find the least equal share that proves all of the class's targets that can be."""
        self.room(members)
        own = self.targets_of(members)
        low = self.trial({})
        if own <= low.met() or self.bench.spent:
            return
        full = self.trial(dict.fromkeys(members, _STEPS))
        self.refusals += [
            Refusal(
                target_index=index,
                bound_ps=full.verdicts[index].bound if full.plan else None,
                why=full.verdicts[index].why if full.plan else "the plan fails with such slopes",
            )
            for index in sorted(own - full.met() - low.met())
        ]
        wanted = (own & full.met()) | (full.met() & low.met())
        if own & full.met() <= low.met():
            return
        steps = least(
            lambda steps: wanted <= self.trial(dict.fromkeys(members, steps)).met(),
            0, _STEPS, lambda: self.bench.spent,
        )  # fmt: skip
        chosen = self.trial(dict.fromkeys(members, steps))
        lost = sorted(low.met() - chosen.met())
        if lost:
            subjects = ", ".join(sorted({self.plan.targets[index].subject for index in lost}))
            self.conflicts.append(
                f"what queue {self.reservations[members[0]].queue_index} needs takes the proof "
                f"from {subjects}"
            )
        if chosen.met_count > low.met_count:
            for index in members:
                self.steps[index] = steps

    def raise_together(self, classes: list[list[int]]) -> None:
        """Give all classes what they may have at once, and lower one by one, if that proves more."""
        every = [index for members in classes for index in members]
        reached = self.trial({})
        if self.targets_of(every) <= reached.met() or self.bench.spent:
            return
        steps, most_bps = self.steps, self.most_bps
        self.most_bps = [self._proportion_bps(index) for index in range(len(self.steps))]
        self.steps = [_STEPS] * len(steps)
        full = self.trial({})
        if full.met_count <= reached.met_count:
            self.steps, self.most_bps = steps, most_bps
            return
        wanted = full.met()
        self.refusals = [one for one in self.refusals if one.target_index not in wanted]
        self.conflicts = []
        for members in classes:
            self._lower(members, _STEPS, wanted)

    def _proportion_bps(self, index: int) -> int:
        """Largest slope when classes divide the share of the link as their contracts do."""
        own = self.reservations[index]
        needs_bps = max(
            sum(
                one.queue_count * one.least_bps
                for one in self.reservations
                if egress in one.egress_indices
            )
            for egress in own.egress_indices
        )
        most_bps = int(self.share_ratio * own.line_bps * own.least_bps / needs_bps)
        return max(own.least_bps, most_bps // SLOPE_STEP_BPS * SLOPE_STEP_BPS)

    def lower_ports(self) -> None:
        """Lower each port alone, as long as everything stays proven."""
        wanted = self.trial({}).met()
        order = sorted(
            range(len(self.reservations)),
            key=lambda index: (-self.slope_bps(index, self.steps[index]), index),
        )
        for _ in range(_MOST_ROUNDS):
            before = list(self.steps)
            for index in order:
                if self.steps[index] and not self.bench.spent:
                    self._lower([index], self.steps[index], wanted)
            if self.steps == before:
                return

    def _lower(self, members: list[int], enough: int, wanted: frozenset[int]) -> None:
        """Lower some slopes alike as far as what is wanted stays proven."""
        steps = least(
            lambda steps: wanted <= self.trial(dict.fromkeys(members, steps)).met(),
            -1, enough, lambda: self.bench.spent,
        )  # fmt: skip
        for index in members:
            self.steps[index] = steps


def least(fits: Callable[[int], bool], too_low: int, enough: int, spent: Callable[[], bool]) -> int:
    """Smallest number that fits between one that does not (or is too low to try) and one that does."""
    if enough - too_low > 1 and fits(enough - 1):
        enough -= 1
    else:
        return enough
    while enough - too_low > 1 and not spent():
        middle = (too_low + enough) // 2
        if fits(middle):
            enough = middle
        else:
            too_low = middle
    return enough


def tune_slopes(
    design: Design, plan: Plan, bench: Bench, *, share_ratio: float = SHARE_RATIO
) -> Slopes:
    """Find the least idle slopes of a design's credit-based classes.

    Args:
        design: As loaded, without errors.
        plan: Of the design.
        bench: Makes the trials and limits their number.
        share_ratio: Of each link, for all credit-based classes together.
    """
    bench.text = "idle slopes"
    reservations = reservations_of(design, plan)
    search = _Search(
        design=design,
        plan=plan,
        bench=bench,
        reservations=reservations,
        share_ratio=share_ratio,
        steps=[0] * len(reservations),
        most_bps=[one.least_bps for one in reservations],
    )
    before = bench.prove(design)
    if not reservations:
        return _result(search, (), before, before)
    by_pcps: dict[tuple[int, ...], list[int]] = {}
    for index, one in enumerate(reservations):
        by_pcps.setdefault(one.pcps, []).append(index)
    classes = sorted(
        by_pcps.values(), key=lambda own: -max(reservations[index].queue_index for index in own)
    )
    for members in classes:
        search.raise_class(members)
    search.raise_together(classes)
    search.lower_ports()
    slopes_bps = search.chosen_bps()
    after = bench.prove(with_slopes(design, reservations, slopes_bps))
    return _result(search, slopes_bps, before, after)


def _result(search: _Search, slopes_bps: tuple[int, ...], before: Trial, after: Trial) -> Slopes:
    designed = tuple(one.designed_bps for one in search.reservations)
    if after.met_count < before.met_count or (
        after.met_count == before.met_count and sum(slopes_bps) >= sum(designed)
    ):
        slopes_bps, after = designed, before
    return Slopes(
        reservations=search.reservations,
        slopes_bps=slopes_bps,
        most_bps=tuple(search.most_bps),
        before=before,
        after=after,
        refusals=tuple(one for one in search.refusals if one.target_index not in after.met()),
        conflicts=tuple(search.conflicts),
        settled=not search.bench.spent,
    )

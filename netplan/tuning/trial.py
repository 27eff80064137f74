# SPDX-License-Identifier: Apache-2.0
"""One design tried: planned, proven, judged, and how good that is.

The more targets are proven, the better; then the larger the least margin of those. A search that
is not there yet looks at all targets, the worst first. Margins are shares of the limit. Every
variant is planned and proven as a user's own design is; searches do with total flow
analysis, the quickest method, and what is shown in the end is proven by all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from netplan.bounds.analysis import Method, bound
from netplan.design.design import Design
from netplan.plan.make import try_plan
from netplan.plan.model import Plan
from netplan.progress import Progress
from netplan.verdict.judge import judge
from netplan.verdict.outcome import Outcome, Verdict, relative_margin

UNBOUNDED = -10.0
"""Score of a target without bound, and of one whose bound is that many limits above its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the bound says of one variant of a design.

    Attributes:
        plan: Of the variant; None when it cannot be planned, and then nothing else is here.
        verdicts: One per target of the plan.
        scores: Per target, its margin as a share of the limit, between ``UNBOUNDED`` and 1;
            below 0 exactly when it is not proven.
        loss_free: Whether no queue of any stream can overflow.
    """

    plan: Plan | None = None
    verdicts: tuple[Verdict, ...] = ()
    scores: tuple[float, ...] = ()
    loss_free: bool = False

    @property
    def met_count(self) -> int:
        """Targets proven."""
        return sum(score >= 0 for score in self.scores)

    @property
    def worth(self) -> tuple[int, float]:
        """What a user is asked to change priorities for: more proven targets, a larger least margin."""
        return self.met_count if self.plan else -1, self.least(self.met())

    @property
    def key(self) -> tuple[int, tuple[float, ...]]:
        """What a search climbs by: proven targets, then the worst score, the second worst, ..."""
        if self.plan is None:
            return -1, ()
        return self.met_count, tuple(sorted(self.scores))

    def met(self) -> frozenset[int]:
        """Indices of the targets that are proven."""
        return frozenset(index for index, score in enumerate(self.scores) if score >= 0)

    def least(self, targets: Iterable[int]) -> float:
        """Smallest score of some targets; 1 when there are none, ``UNBOUNDED`` without a plan."""
        if self.plan is None:
            return UNBOUNDED
        return min((self.scores[index] for index in targets), default=1.0)


def score_of(verdict: Verdict) -> float:
    """A verdict as one number; see :class:`Trial`."""
    margin = relative_margin(verdict)
    if verdict.outcome is Outcome.MET:
        return 1.0 if margin is None else min(max(margin, 0.0), 1.0)
    if margin is None or margin >= 0:
        return UNBOUNDED  # no bound, or one that does not count as frames may be lost
    return max(margin, UNBOUNDED)


@dataclass(slots=True, kw_only=True)
class Bench:
    """Tries variants of a design, up to a number of them.

    Attributes:
        progress: Told of every trial.
        most_count: Trials that may be made.
        tried_count: Trials that were made.
    """

    progress: Progress
    most_count: int
    tried_count: int = 0
    text: str = field(default="")

    @property
    def spent(self) -> bool:
        """Whether no trial is left."""
        return self.tried_count >= self.most_count

    def try_out(self, design: Design) -> Trial:
        """Plan, prove by total flow analysis alone, judge.

        Made even when the trials are used up, so that results are whole.
        """
        self._tell()
        return tried(design, (Method.TFA,))

    def prove(self, design: Design) -> Trial:
        """Plan, prove by all methods, judge."""
        self._tell()
        return tried(design)

    def _tell(self) -> None:
        self.progress.update(min(1.0, self.tried_count / self.most_count), self.text)
        self.tried_count += 1


def tried(design: Design, methods: Collection[Method] = tuple(Method)) -> Trial:
    """Plan, prove and judge a design."""
    plan, _ = try_plan(design)
    if plan is None:
        return Trial()
    proof = bound(plan, methods)
    verdicts = judge(plan, proof, None)
    return Trial(
        plan=plan,
        verdicts=verdicts,
        scores=tuple(map(score_of, verdicts)),
        loss_free=all(row.loss_free for row in proof.streams),
    )

# SPDX-License-Identifier: Apache-2.0
"""One public function: a plan, a seed and a duration in, simulated evidence out.

Importing this module loads numba, so what only asks for help imports it inside a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from emulator.simulation import chains, engine, results
from emulator.simulation.faults import Fault
from emulator.simulation.tables import build_model
from netplan.plan.model import Plan
from netplan.verdict.evidence import SimulatedEvidence

_LONGEST_PS = 1 << 61
"""Some 26 days: half of what fits, so that nothing under way at the end overflows."""

_ALWAYS = (
    "Every node stores a frame wholly before it sends it on.",
    "Queues are served in strict priority, and a transmission on a wire is never interrupted.",
    "Nothing but the plan's streams uses the transmitters, and no wire damages a frame.",
    "All clocks run at the same rate.",
    (
        "What the plan leaves open (phases, delays within their ranges, jitter, gaps of sporadic "
        "talkers, failures of grants) is drawn from the seed: a maximum seen here is no worst case."
    ),
)


def simulate(
    plan: Plan,
    *,
    seed: int,
    duration_ps: int,
    faults: Sequence[Fault] = (),
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> SimulatedEvidence:
    """Run a plan packet by packet in exact time.

    Talkers release messages from 0 up to, not including, ``duration_ps``, and the run
    stops there; frames still under way then are neither delivered nor lost. Ctrl-C stops early
    and keeps what was seen.

    Args:
        plan: What runs; its own contract is checked and ValueError raised if it is broken.
        seed: Of all random choices: equal plans, seeds and durations give equal evidence.
        duration_ps: Plant time to simulate.
        faults: Links and nodes that fail, and when; ValueError when the plan lacks them.
        progress: Told the share that is done, from 0 to 1, some thirty times a second.
        cancelled: Asked as often whether to stop early.
    """
    return simulate_in_slices(
        plan,
        seed=seed,
        duration_ps=duration_ps,
        faults=faults,
        progress=progress,
        cancelled=cancelled,
    )


def simulate_in_slices(
    plan: Plan,
    *,
    seed: int,
    duration_ps: int,
    faults: Sequence[Fault] = (),
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    slice_events: int = engine.SLICE_EVENTS,
) -> SimulatedEvidence:
    """:func:`simulate` with a choice of how often it looks up; the evidence is the same.

    Args:
        plan: As there.
        seed: As there.
        duration_ps: As there.
        faults: As there.
        progress: As there.
        cancelled: As there.
        slice_events: Events between two calls of ``progress`` and ``cancelled``.
    """
    if not 0 < duration_ps <= _LONGEST_PS:
        message = f"duration_ps is {duration_ps}; expected 1 to {_LONGEST_PS}"
        raise ValueError(message)
    model = build_model(plan, seed, faults, duration_ps)
    run = engine.begin(model, duration_ps)
    evaluation = chains.Evaluation(plan, seed) if plan.chains else None
    engine.proceed(
        run,
        slice_events=slice_events,
        drain=None if evaluation is None else evaluation.drain,
        progress=progress,
        cancelled=cancelled,
    )
    if evaluation is not None:
        evaluation.finish(run.state, run.reached_ps)
    return SimulatedEvidence(
        design_hash=plan.design_hash,
        seed=seed,
        duration_ps=run.reached_ps,
        requested_ps=duration_ps,
        complete=run.complete,
        frames=int(run.state.control["delivered"][0]),
        frame_hops=int(run.state.control["frame_hops"][0]),
        streams=results.stream_observations(run),
        egresses=results.egress_observations(run),
        chains=() if evaluation is None else results.chain_observations(evaluation.state),
        trace_hash=results.trace_hash(run),
        assumptions=_assumptions(run),
        interrupted=not run.complete and not run.overfull,
        recoveries=results.recovery_observations(run),
    )


def _assumptions(run: engine.Run) -> tuple[str, ...]:
    """What the run rests on, and what it met on the way."""
    sentences = list(_ALWAYS)
    sentences.extend(
        f"Stream {stream} has frames that are larger than a grant of {egress} carries; each "
        "is dropped there and counts as lost."
        for stream, egress in run.model.never_fitting
    )
    if run.overfull:
        sentences.append(
            f"The run ended early with {len(run.state.frames)} frames under way: the plan sends "
            "more than a transmitter with an unlimited buffer carries."
        )
    return tuple(sentences)

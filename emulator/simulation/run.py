# SPDX-License-Identifier: Apache-2.0
"""One public function: a plan, a seed and a duration in, simulated evidence out.

Importing this module loads numba, so what only asks for help imports it inside a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from emulator.simulation import chains, engine, repeat, results
from emulator.simulation.clock_tables import clock_observations
from emulator.simulation.faults import Fault, fault_text, with_babblers
from emulator.simulation.redundancy.recovery_time import ring_recoveries
from emulator.simulation.tables import build_model
from netplan.plan.model import Plan
from netplan.verdict.evidence import SimulatedEvidence

_LONGEST_PS = 1 << 61
"""Some 26 days: half of what fits, so that nothing under way at the end overflows."""

_ALWAYS = (
    "Every node stores a frame wholly before it sends it on, unless its hop cuts through.",
    (
        "Queues are served in strict priority, except as the plan's gates, shapers and preemption "
        "say; the gate of a queue closes for no frame that has been started, and a frame is not "
        "started unless it will have left, if nobody interrupts it, when the gate closes."
    ),
    "Nothing but the plan's streams uses the transmitters, and no wire damages a frame.",
)
_NO_WORST_CASE = (
    "What the plan leaves open (phases, delays within their ranges, jitter, gaps of sporadic "
    "talkers, failures of grants) is drawn from the seed: a maximum seen here is no worst case."
)
_FAULTS = (
    "Links and nodes fail as the scenario says. Rings recover by exchanging the frames of their "
    "protocol, which do not wait for those of streams; copies that bridges flood until they have "
    "learned again are not simulated."
)
_EXACT = (
    "Nothing in this plan is random but the phases that it leaves open, which are drawn from the "
    "seed, and the run came back to a state that it had been in before: what was seen is all "
    "that ever happens with these phases."
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
    and keeps what was seen. Where nothing is random the run ends as soon as its state repeats,
    unless a chain or a target needs the whole time; nothing is extrapolated.

    Args:
        plan: What runs; its own contract is checked and ValueError raised if it is broken.
        seed: Of all random choices: equal plans, seeds and durations give equal evidence.
        duration_ps: Plant time to simulate.
        faults: Links, nodes and talkers that fail, and when; ValueError when the plan lacks them.
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
    model = build_model(with_babblers(plan, faults), seed, faults, duration_ps)
    run = engine.begin(model, duration_ps)
    evaluation = chains.Evaluation(plan, seed) if plan.chains else None
    proceed = partial(
        engine.proceed,
        run,
        slice_events=slice_events,
        drain=None if evaluation is None else evaluation.drain,
        progress=progress,
        cancelled=cancelled,
    )
    period_ps = None if faults else repeat.hyperperiod_ps(run)
    exact = False
    if period_ps is None:
        proceed()
    else:
        exact = repeat.proceed_to_repetition(
            run,
            period_ps,
            lambda until_ps: proceed(until_ps=until_ps),
            stops=not plan.chains and not _wants_samples(plan),
        )
        if exact and progress is not None:
            progress(1.0)
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
        streams=results.stream_observations(run, len(plan.streams)),
        egresses=results.egress_observations(run),
        chains=() if evaluation is None else results.chain_observations(evaluation.state),
        trace_hash=results.trace_hash(run),
        assumptions=_assumptions(plan, run, exact=exact),
        interrupted=not run.complete and not run.overfull,
        clocks=clock_observations(plan, run.state.clocks, run.reached_ps),
        recoveries=results.recovery_observations(run, len(plan.streams)),
        exact=exact,
        faults=tuple(fault_text(fault) for fault in faults),
        outages=results.stream_outages(run, len(plan.streams)) if faults else (),
        ring_recoveries=ring_recoveries(plan, faults, run.reached_ps),
    )


_IDEAL_CLOCKS = "All clocks show the same time."
_GPTP_CLOCKS = (
    "Talkers with a phase and gates run on the clocks of their nodes, which gPTP disciplines; the "
    "messages of gPTP themselves take no time on the wires. Every other clock shows the "
    "grandmaster's time."
)


def _wants_samples(plan: Plan) -> bool:
    """Whether a target is about more than a largest value, so that samples count."""
    return any(target.statistic != "max" for target in plan.targets) or any(
        stream.allowed_miss_ratio > 0 for stream in plan.streams
    )


def _assumptions(plan: Plan, run: engine.Run, *, exact: bool) -> tuple[str, ...]:
    """What the run rests on, and what it met on the way."""
    clocks = _IDEAL_CLOCKS if plan.synchronisation is None else _GPTP_CLOCKS
    sentences = [*_ALWAYS, clocks, _EXACT if exact else _NO_WORST_CASE]
    if len(run.reception.tables.agenda) > 0:
        sentences.append(_FAULTS)
    sentences.extend(
        f"Stream {stream} has frames that are larger than a grant of {egress} carries; each "
        "is dropped there and counts as lost."
        for stream, egress in run.model.never_fitting
    )
    sentences.extend(
        f"Stream {stream} has frames that fit into no opening of their gate at {egress}; they wait "
        "there for ever, and so does what is queued behind them."
        for stream, egress in run.model.never_open
    )
    if run.overfull:
        sentences.append(
            f"The run ended early with {len(run.state.frames)} frames under way: the plan sends "
            "more than a transmitter with an unlimited buffer carries."
        )
    return tuple(sentences)

# SPDX-License-Identifier: Apache-2.0
"""Measurements that ``plantwire bench`` prints: this tool on this host, not a test.

Each figure names what was measured; processor seconds are of this process alone, so that
another load on the host disturbs them little.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

_PLANT = Path("topologies/automotive-body-shop/design.yaml")


def measure(what: str) -> dict[str, Any]:
    """Run the named measurement, or all; keys are figures, values numbers or texts."""
    known: dict[str, Callable[[], dict[str, Any]]] = {
        "line10": _line10,
        "line10 gates": _line10_gates,
        "plant": _plant,
        "large": _large,
    }
    if what != "all" and what not in known:
        raise typer.BadParameter(
            f"{what!r} is not measured; known are {', '.join(known)} and all", param_hint="what"
        )
    figures: dict[str, Any] = {}
    for name, run in known.items():
        if what in {"all", name}:
            figures.update({f"{name} {key}": value for key, value in run().items()})
    return figures


def _line10() -> dict[str, Any]:
    """Ten bridges in line, twenty streams of 200-octet frames each millisecond, 10 s."""
    from emulator.simulation.bench import line10

    return dict(line10(10.0))


def _line10_gates() -> dict[str, Any]:
    """The same with a gate list of four entries on every port."""
    from emulator.simulation.bench import line10

    return dict(line10(10.0, gates=True))


def _plant() -> dict[str, Any]:
    """``validate`` on the body shop: bound and 10 s of plant time."""
    from emulator.simulation.run import simulate
    from netplan.bounds.analysis import bound
    from netplan.commands import planned_design
    from netplan.verdict.judge import judge

    if not _PLANT.is_file():
        raise typer.BadParameter(
            f"{_PLANT} is not here; run this in the top folder of plantwire's repository",
            param_hint="plant",
        )
    times: dict[str, Any] = {}
    with _timed(times, "plan s"):
        plan = planned_design(_PLANT)
    with _timed(times, "bound s"):
        proof = bound(plan)
    simulate(plan, seed=1, duration_ps=10**9)  # compiles, or loads what was compiled
    with _timed(times, "simulate 10 s of plant s"):
        observed = simulate(plan, seed=1, duration_ps=10**13)
    verdicts = judge(plan, proof, observed)
    times["frame-hops"] = observed.frame_hops
    times["targets"] = len(verdicts)
    return times


def _large() -> dict[str, Any]:
    """``check`` and bounds of a generated design of 1,000 nodes and 5,000 streams."""
    from netplan.bounds.analysis import bound
    from netplan.design.load import load_design
    from netplan.plan.make import make_plan

    times: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large.yaml"
        file.write_text(large_design(), encoding="utf-8")
        with _timed(times, "read s"):
            design, findings = load_design(file)
        with _timed(times, "plan s"):
            plan = make_plan(design, findings)
        with _timed(times, "bound s"):
            proof = bound(plan)
    times["check s"] = round(times["read s"] + times["plan s"], 3)
    times["streams bounded"] = sum(stream.bound_ps is not None for stream in proof.streams)
    return times


@contextmanager
def _timed(times: dict[str, Any], name: str) -> Iterator[None]:
    """Store the processor seconds of a block, rounded to milliseconds."""
    start = time.process_time()
    yield
    times[name] = round(time.process_time() - start, 3)


def large_design(rings: int = 10, access: int = 9, devices: int = 10, streams: int = 5000) -> str:
    """A generated plant: a ring of core bridges, access bridges, devices; streams at random.

    With the defaults 10 + 90 + 900 nodes. The same arguments give the same text.
    """
    choice = random.Random(2026)  # noqa: S311 - a reproducible example, no secret
    lines = ["plantwire: 1", "name: large", "nodes:"]
    cores = [f"core{i}" for i in range(rings)]
    bridges = [f"acc{i}-{j}" for i in range(rings) for j in range(access)]
    hosts = [f"{bridge}-dev{k}" for bridge in bridges for k in range(devices)]
    lines += [f"  {name}: {{is: tsn-bridge, model: generic-tsn-16x1g-4x10g-sfp}}" for name in cores]
    lines += [
        f"  {name}: {{is: tsn-bridge, model: generic-tsn-16x1g-4x10g-sfp}}" for name in bridges
    ]
    lines += [f"  {name}: {{is: {'plc' if name.endswith('dev0') else 'robot'}}}" for name in hosts]
    lines.append("links:")
    for i in range(rings):
        ends = f"{cores[i]}, {cores[(i + 1) % rings]}"
        lines.append(f"  - {{between: [{ends}], medium: om4, length: 80 m}}")
    for index, bridge in enumerate(bridges):
        core = cores[index // access]
        lines.append(f"  - {{between: [{bridge}, {core}], medium: cat6a, length: 60 m}}")
    for index, host in enumerate(hosts):
        bridge = bridges[index // devices]
        lines.append(f"  - {{between: [{host}, {bridge}], medium: cat6a, length: 20 m}}")
    lines.append("streams:")
    for number in range(streams):
        talker = choice.choice(hosts)
        near = choice.random() < 0.7
        bridge = talker.rsplit("-", 1)[0]
        others = [f"{bridge}-dev{k}" for k in range(devices)] if near else hosts
        listener = choice.choice([one for one in others if one != talker])
        size, every = choice.randint(40, 300), choice.choice([2, 4, 8, 16])
        lines.append(f"  s{number}:")
        lines += [
            f"    from: {talker}",
            f"    to: {listener}",
            f"    size: {size} B",
            f"    every: {every} ms",
            f"    pcp: {choice.choice([4, 5, 6])}",
            f"    deadline: {every} ms",
        ]
    return "\n".join(lines) + "\n"

# SPDX-License-Identifier: Apache-2.0
"""``plantwire bench tsn``: what this tool reaches at time-sensitive networking, beside its peers.

Each row of the table is a figure with what it is to reach and what other tools reach. Times are
processor seconds of this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from emulator.bench import peers
from emulator.bench.cases import cases
from emulator.bench.evidence import soundness, tightness
from emulator.bench.long_lines import KINDS
from emulator.bench.networks import mesh as fluid_mesh
from emulator.bench.networks import ring as fluid_ring
from emulator.bench.networks import tandem as fluid_tandem
from emulator.bench.proofs import afdx_us, fluid, large_network
from emulator.bench.schedules import scheduled
from emulator.simulation.bench import line10
from netplan.tsn.synthesis.instances import generated, mesh

_SEARCHED_DESIGNS = 100
"""Random designs in which one stream is driven towards its bound."""
_SEARCH_S = 0.5
_LINE_SEARCH_S = 6.0
_MEDIAN_STRICT = 1.5
_SLACK_RATIO = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    Attributes:
        row: Name by which it can be asked for.
        figure: What was measured.
        measured: The value, as text.
        to_reach: What it is to reach; empty where it is only shown.
        reached: Whether it does; None where it is only shown.
        peers: What others reach.
        values: The numbers behind the text.
    """

    row: str
    figure: str
    measured: str
    to_reach: str = ""
    reached: bool | None = None
    peers: str = ""
    values: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much of the long rows is done.

    Attributes:
        network_count: Random designs for soundness.
        line_count: Lines of bridges for each shaper, for tightness.
    """

    network_count: int = 1000
    line_count: int = 6


Progress = Callable[[float], None]
Row = Callable[[Extent, Progress], Iterator[Figure]]


def figures(
    names: Sequence[str], extent: Extent, progress: Callable[[float, str], None]
) -> Iterator[Figure]:
    """Measure rows of the table.

    Args:
        names: Of :data:`ROWS`; all when empty.
        extent: Of the long ones.
        progress: Told the share of a row that is done, and its name.
    """
    for name in names or ROWS:
        yield from ROWS[name](extent, partial(_told, progress, name))


def _told(progress: Callable[[float, str], None], name: str, share: float) -> None:
    progress(share, name)


def _within(progress: Progress, start: float, width: float, share: float) -> None:
    """Tell the share of a part as a share of the whole."""
    progress(start + width * share)


def _line10(_: Extent, __: Progress) -> Iterator[Figure]:
    yield _speed("line10", gates=False)


def _line10_gates(_: Extent, __: Progress) -> Iterator[Figure]:
    yield _speed("line10-gates", gates=True)


def _speed(row: str, *, gates: bool) -> Figure:
    """The ten bridges in line."""
    run = line10(10.0, gates=gates)
    least_per_s = 2e6 if gates else 4e6
    return Figure(
        row=row,
        figure=f"line10{', gates on every port' if gates else ''}: frame-hops per second",
        measured=f"{run['frame_hops_per_s'] / 1e6:.2f} M",
        to_reach=f"{least_per_s / 1e6:.0f} M or more",
        reached=run["frame_hops_per_s"] >= least_per_s,
        peers=peers.LINE10_GATES if gates else peers.LINE10,
        values=run,
    )


def _cases(_: Extent, __: Progress) -> Iterator[Figure]:
    for case in cases():
        checks = case.run()
        worst = max(abs(one.measured_ps / one.published_ps - 1) for one in checks)
        exact = all(one.within_ratio == 0 for one in checks)
        yield Figure(
            row="cases",
            figure=f"INET case, {case.name}"
            + (f": {checks[0].what}" if len(checks) == 1 else f": {len(checks)} values"),
            measured=f"{checks[0].measured_ps / 1e6:g} us"
            if exact
            else f"{worst:.2%} apart at most",
            to_reach=f"{checks[0].published_ps / 1e6:g} us" if exact else "1 % (means 7 %)",
            reached=all(one.agrees for one in checks),
            peers=peers.CASES,
            values={one.what: [one.measured_ps / 1e6, one.published_ps / 1e6] for one in checks},
        )


def _schedules(_: Extent, progress: Progress) -> Iterator[Figure]:
    for share, switches, rows, streams, limit_s, others in (
        (0.0, 60, 2, 1000, 5, peers.MESH_1000),
        (0.2, 200, 10, 5000, 60, peers.MESH_5000),
    ):
        progress(share)
        made = scheduled(generated(mesh(switches, rows), streams))
        replay = made.replay
        agrees = replay is not None and replay.agrees
        told = (
            "not replayed"
            if replay is None
            else f"{replay.message_count} messages replayed, {len(replay.faults)} faults, "
            f"{replay.largest_deviation_ps} ps off"
        )
        yield Figure(
            row="schedules",
            figure=f"schedule, {streams} streams on a mesh of {switches} switches",
            measured=f"{made.schedule.status.value} in {made.cpu_s:.2f} s; {told}",
            to_reach=f"replayed without a fault, {limit_s} s or less",
            reached=agrees and made.cpu_s <= limit_s,
            peers=others,
            values={
                "status": made.schedule.status.value,
                "cpu_s": made.cpu_s,
                "replayed": agrees,
                "messages": 0 if replay is None else replay.message_count,
            },
        )


def _fluid(_: Extent, __: Progress) -> Iterator[Figure]:
    networks = {
        "tandem of 20": fluid_tandem(20), "ring of 8": fluid_ring(8), "mesh of 9": fluid_mesh(4),
    }  # fmt: skip
    for name, network in networks.items():
        run = fluid(network)
        peer_us, peer_s, peer = peers.FLUID[name]
        largest_us = run.largest_us
        yield Figure(
            row="fluid",
            figure=f"fluid bound, {name}: largest over all flows",
            measured=f"{_us_text(largest_us)} in {run.cpu_s:.2f} s",
            to_reach="no more than the peers, in less time",
            reached=largest_us is not None
            and largest_us <= peer_us * (1 + _SLACK_RATIO)
            and run.cpu_s < peer_s,
            peers=peer,
            values={"largest_us": largest_us, "cpu_s": run.cpu_s, "methods": list(run.methods)},
        )
    run = fluid(fluid_ring(12))
    by_program = all("linear program" in method for method in run.methods)
    yield Figure(
        row="fluid",
        figure="fluid bound, ring of 12 by linear program",
        measured=f"{_us_text(run.largest_us)} in {run.cpu_s:.2f} s",
        to_reach="5 s or less",
        reached=by_program and run.largest_us is not None and run.cpu_s <= 5,
        peers=peers.RING_12,
        values={"largest_us": run.largest_us, "cpu_s": run.cpu_s, "methods": list(run.methods)},
    )


def _us_text(value_us: float | None) -> str:
    return "no bound" if value_us is None else f"{value_us:.2f} us"


def _afdx(_: Extent, __: Progress) -> Iterator[Figure]:
    bounds_us = afdx_us()
    for names, (least_us, most_us) in peers.AFDX_US.items():
        own_us = [bounds_us[name] for name in names.split(", ")]
        yield Figure(
            row="afdx",
            figure=f"AFDX sample, packetised bound of {names}",
            measured=", ".join(f"{one:g} us" for one in dict.fromkeys(own_us)),
            to_reach=f"{least_us:g} us (true) to {most_us:g} us",
            reached=all(least_us <= one <= most_us for one in own_us),
            peers=peers.AFDX.format(most_us),
            values={"bounds_us": own_us},
        )


def _large(_: Extent, __: Progress) -> Iterator[Figure]:
    rows, bounded, cpu_s = large_network()
    yield Figure(
        row="large",
        figure=f"packetised TFA, 1,000 nodes and {rows:,} streams",
        measured=f"{cpu_s:.2f} s, {bounded:,} bounded",
        to_reach="5 s or less",
        reached=cpu_s <= 5,
        values={"cpu_s": cpu_s, "streams": rows, "bounded": bounded},
    )


def _soundness(extent: Extent, progress: Progress) -> Iterator[Figure]:
    before_s = time.process_time()
    searched = min(_SEARCHED_DESIGNS, extent.network_count)
    rest = extent.network_count - searched
    with_search = soundness(
        searched, search_s=_SEARCH_S, progress=partial(_within, progress, 0.0, 0.5)
    )
    drawn = soundness(
        rest,
        first=with_search.design_count + with_search.refused_count,
        progress=partial(_within, progress, 0.5, 0.5),
    )
    both = (with_search, drawn)
    refuted = [text for one in both for text in one.refuted]
    values: dict[str, Any] = {
        name: sum(getattr(one, name) for one in both)
        for name in (
            "design_count",
            "refused_count",
            "row_count",
            "bounded_count",
            "frame_count",
            "run_count",
        )
    }
    values |= {"refuted": refuted, "cpu_s": time.process_time() - before_s}
    yield Figure(
        row="soundness",
        figure="random designs over all shapers: contradictions of bound and simulation",
        measured=f"{len(refuted)} in {values['design_count']:,} networks, "
        f"{values['frame_count']:,} frames, {values['run_count']:,} searched scenarios; "
        f"{values['bounded_count'] / max(1, values['row_count']):.0%} bounded",
        to_reach="0",
        reached=not refuted,
        values=values,
    )


def _tightness(extent: Extent, progress: Progress) -> Iterator[Figure]:
    for place, kind in enumerate(KINDS):
        found = tightness(
            kind,
            lines=extent.line_count,
            search_s=_LINE_SEARCH_S,
            progress=partial(_within, progress, place / len(KINDS), 1 / len(KINDS)),
        )
        median, p95 = found.quantile(0.5), found.quantile(0.95)
        is_judged = kind == "strict priority"
        yield Figure(
            row="tightness",
            figure=f"bound / worst found, {kind}, 4-8 hops at 60-80 % load",
            measured="no bound"
            if median is None or p95 is None
            else f"median {median:.2f}, p95 {p95:.2f} of {len(found.ratios)} streams",
            to_reach=f"median below {_MEDIAN_STRICT}" if is_judged else "",
            reached=(median is not None and median < _MEDIAN_STRICT) if is_judged else None,
            values={
                "median": median, "p95": p95, "ratios": list(found.ratios), "runs": found.run_count,
                "unbounded": found.unbounded_count, "refuted": list(found.refuted),
            },
        )  # fmt: skip


ROWS: Final[Mapping[str, Row]] = MappingProxyType(
    {
        "line10": _line10,
        "line10-gates": _line10_gates,
        "cases": _cases,
        "schedules": _schedules,
        "fluid": _fluid,
        "afdx": _afdx,
        "large": _large,
        "soundness": _soundness,
        "tightness": _tightness,
    }
)
"""What can be measured, by name."""

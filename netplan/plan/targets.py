# SPDX-License-Identifier: Apache-2.0
"""Targets: what the design promises, stated so that evidence can be held against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netplan.catalog.model import Protocol
from netplan.design.design import Design
from netplan.design.findings import Finding, Severity
from netplan.design.names import node_of, task_of
from netplan.design.traffic import Chain
from netplan.plan.demand import offer_ethernet_bps
from netplan.plan.model import ChainStage, PlannedChain, PlannedStream, Target

_DIRECTION = {"out": "forward", "in": "reverse", "forward": "forward", "reverse": "reverse"}


def targets(
    design: Design, streams: Sequence[PlannedStream], chains: Sequence[PlannedChain]
) -> tuple[Target, ...]:
    """Targets of all streams, relations, chains, offers and flows, in the order of the design."""
    index_of = {stream.name: index for index, stream in enumerate(streams)}
    found: list[Target] = []
    for name in design.streams:
        if name in index_of:
            found.extend(_of_stream(design, name, index_of[name], streams))
    for name in design.relations:
        found.extend(_of_relation(design, name, index_of))
    for index, chain in enumerate(chains):
        found.append(
            Target(
                subject=chain.name, subject_kind="chain", stream_index=-1, listener_index=-1,
                chain_index=index, listener=node_of(design.chains[chain.name].path[-1]),
                direction="", quantity="reaction time", statistic="max",
                limit=design.chains[chain.name].within_ps, unit="ps",
            )
        )  # fmt: skip
    for name in design.offers:
        found.extend(_of_offer(design, name, index_of))
    for name, flow in design.flows.items():
        if flow.deadline_ps is not None and name in index_of:
            listener = streams[index_of[name]].listeners[0]
            found.append(
                Target(
                    subject=name, subject_kind="stream", stream_index=index_of[name],
                    listener_index=0, chain_index=-1, listener=listener, direction="",
                    quantity="latency", statistic="max", limit=flow.deadline_ps, unit="ps",
                )
            )  # fmt: skip
    return tuple(found)


def _of_stream(
    design: Design, name: str, index: int, streams: Sequence[PlannedStream]
) -> list[Target]:
    stream = design.streams[name]
    found: list[Target] = []
    for listener_index, listener in enumerate(streams[index].listeners):
        for quantity, limit_ps in (
            ("latency", stream.deadline_ps),
            ("variation", stream.variation_ps),
        ):
            if limit_ps is not None:
                found.append(
                    Target(
                        subject=name, subject_kind="stream", stream_index=index,
                        listener_index=listener_index, chain_index=-1, listener=listener,
                        direction="", quantity=quantity, statistic=stream.statistic,
                        limit=limit_ps, unit="ps",
                        application=stream.measured == "application",
                    )
                )  # fmt: skip
    return found


def _of_relation(design: Design, name: str, index_of: Mapping[str, int]) -> list[Target]:
    """A latency target each way where one is stated or usual, and the watchdog's interval."""
    relation = design.relations[name]
    protocol = design.catalog.get(Protocol, relation.protocol)
    if protocol is None:
        return []
    interval_ps = relation.cycle_ps * relation.reduction
    deadline_ps = relation.deadline_ps
    if deadline_ps is None and protocol.deadline_cycles is not None:
        deadline_ps = protocol.deadline_cycles.value * interval_ps
    watchdog = relation.watchdog
    if watchdog is None and protocol.watchdog_cycles is not None:
        watchdog = protocol.watchdog_cycles.value
    limits = [
        ("latency", deadline_ps, 0),
        ("update interval", watchdog * interval_ps if watchdog else None, interval_ps),
    ]
    return [
        Target(
            subject=name, subject_kind="relation", stream_index=index_of[f"{name}.{way}"],
            listener_index=0, chain_index=-1, listener=node_of(listener),
            direction=_DIRECTION[way], quantity=quantity, statistic="max", limit=limit_ps,
            unit="ps", period_ps=period_ps,
        )
        for way, listener in (("out", relation.device), ("in", relation.controller))
        if f"{name}.{way}" in index_of
        for quantity, limit_ps, period_ps in limits
        if limit_ps is not None
    ]  # fmt: skip


def _of_offer(design: Design, name: str, index_of: Mapping[str, int]) -> list[Target]:
    offer = design.offers[name]
    found: list[Target] = []
    for way, listener in (("forward", offer.between[1]), ("reverse", offer.between[0])):
        if f"{name}.{way}" not in index_of:
            continue
        metrics: list[tuple[str, str, float, str, int]] = [
            ("rate", "mean", offer_ethernet_bps(offer), "bps", 0)
        ]
        for quantity, metric in (("latency", offer.delay), ("variation", offer.variation)):
            if metric is not None:
                metrics.append((quantity, metric.statistic, metric.limit_ps, "ps", metric.over_ps))
        if offer.loss is not None:
            metrics.append(("loss", "ratio", offer.loss.limit_ratio, "ratio", offer.loss.over_ps))
        if offer.availability_ratio is not None:
            metrics.append(("availability", "ratio", offer.availability_ratio, "ratio", 0))
        found.extend(
            Target(
                subject=name, subject_kind="offer", stream_index=index_of[f"{name}.{way}"],
                listener_index=0, chain_index=-1, listener=node_of(listener),
                direction=way, quantity=quantity, statistic=statistic, limit=limit, unit=unit,
                period_ps=over_ps,
            )
            for quantity, statistic, limit, unit, over_ps in metrics
        )  # fmt: skip
    return found


def chains(
    design: Design, streams: Sequence[PlannedStream]
) -> tuple[tuple[PlannedChain, ...], list[Finding]]:
    """Reaction chains with the stream of every step; a finding where it is not clear which."""
    found: list[PlannedChain] = []
    findings: list[Finding] = []
    for name, chain in design.chains.items():
        stages: list[ChainStage] = []
        for step in range(len(chain.path) - 1):
            stage = _stage(design, streams, name, chain, step, findings)
            if stage is not None:
                stages.append(stage)
        if len(stages) == len(chain.path) - 1:
            found.append(
                PlannedChain(name=name, stages=tuple(stages), allowed_miss_ratio=chain.misses_ratio)
            )
    return tuple(found), findings


def _stage(
    design: Design,
    streams: Sequence[PlannedStream],
    name: str,
    chain: Chain,
    step: int,
    findings: list[Finding],
) -> ChainStage | None:
    start, end = node_of(chain.path[step]), node_of(chain.path[step + 1])
    wanted = chain.via[step] if chain.via is not None else None
    fitting = [
        (index, stream.listeners.index(end))
        for index, stream in enumerate(streams)
        if stream.talker == start
        and end in stream.listeners
        and wanted in (None, stream.name, stream.name.rpartition(".")[0])
    ]
    if len(fitting) != 1:
        names = ", ".join(streams[index].name for index, _ in fitting) or "none"
        findings.append(
            design.finding(
                "CHAIN-STREAM", Severity.ERROR,
                f"it is not clear which stream leads from '{start}' to '{end}'",
                at=("chains", name), keys=("path", step + 1), expected="exactly one stream",
                found=names,
                hint="add one" if not fitting else "name one stream per step under 'via'",
            )
        )  # fmt: skip
        return None
    task = task_of(chain.path[step + 1])
    node = design.nodes[end]
    index, listener_index = fitting[0]
    if not task:
        return ChainStage(
            stream_index=index, listener_index=listener_index,
            task_cycle_ps=0, task_phase_ps=None, task_work_ps=0,
        )  # fmt: skip
    return ChainStage(
        stream_index=index,
        listener_index=listener_index,
        task_cycle_ps=node.tasks[task].cycle_ps,
        task_phase_ps=node.tasks[task].phase_ps,
        task_work_ps=node.tasks[task].work_ps,
    )

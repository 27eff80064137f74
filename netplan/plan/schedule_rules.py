# SPDX-License-Identifier: Apache-2.0
"""What must hold for a stream to be scheduled: wires, clocks, a queue of its own, a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netplan.design.findings import Finding, Severity
from netplan.media.interface import WireMechanism
from netplan.plan.model import Plan, PlannedStream
from netplan.tsn.synthesis.problem import Port


def route_findings(
    plan: Plan,
    ports: Sequence[Port],
    others: Sequence[Mapping[int, int]],
    errors: Mapping[str, int] | None,
    stream: PlannedStream,
) -> list[Finding]:
    """Why a stream cannot be scheduled over its hops."""
    path = f"streams.{stream.name}"
    found = []
    for hop in stream.hops:
        egress = plan.egresses[hop.egress_index]
        if not isinstance(egress.mechanism, WireMechanism):
            found.append(
                _error(
                    "SCHEDULE-MEDIUM", "a scheduled stream crosses a medium that has no fixed times",
                    path=path, expected="wires on the whole way", found=f"{egress.name} ({egress.medium})",
                    hint="lead it another way, or do not schedule it",
                )
            )  # fmt: skip
            continue
        if errors is not None and egress.node not in errors:
            found.append(
                _error(
                    "SCHEDULE-CLOCK", "a scheduled stream needs the time where nobody brings it",
                    path=path, expected="a synchronised clock at each node on the way",
                    found=f"none at {egress.node}", hint="let the node take part in synchronisation",
                )
            )  # fmt: skip
        queues = others[hop.egress_index]
        if hop.queue_index in queues:
            found.append(
                _error(
                    "SCHEDULE-QUEUE-SHARED", "other traffic uses the queue of a scheduled stream",
                    path=path, expected=f"queue {hop.queue_index} of {egress.name} for scheduled "
                    "streams alone", found="streams without a schedule in the same queue",
                    hint="give them another priority code point, or schedule them too",
                )
            )  # fmt: skip
        above = [queue for queue in queues if queue > hop.queue_index]
        if above and ports[hop.egress_index].gates is None:
            found.append(
                _error(
                    "SCHEDULE-BLOCKED", "more urgent traffic may delay a scheduled stream",
                    path=path, expected=f"gates at {egress.name}, or nothing above queue "
                    f"{hop.queue_index}", found=f"traffic in queue {above[0]} and no gates",
                    hint="give the scheduled stream the highest priority, or use a device with gates",
                )
            )  # fmt: skip
    return found


def emission_findings(stream: PlannedStream) -> list[Finding]:
    """Why a stream cannot be scheduled whatever its hops."""
    if not stream.emission.sporadic:
        return []
    return [
        _error(
            "SCHEDULE-SPORADIC", "a stream that is sent at any time cannot be scheduled",
            path=f"streams.{stream.name}", expected="a periodic talker", found="a sporadic one",
            hint="do not schedule it, or make its talker periodic",
        )
    ]  # fmt: skip


def _error(code: str, message: str, *, path: str, expected: str, found: str, hint: str) -> Finding:
    return Finding(
        code=code, severity=Severity.ERROR, message=message, path=path,
        expected=expected, found=found, hint=hint,
    )  # fmt: skip

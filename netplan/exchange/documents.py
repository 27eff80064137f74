# SPDX-License-Identifier: Apache-2.0
"""Writes what was read from other tools as a design, with the names that it has there.

A folder gets ``design.yaml`` and, where devices are needed, a catalogue of its own beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from netplan.design.findings import DesignError, Finding, Severity
from netplan.exchange.tsnkit import Instance
from netplan.media.frames import PS_PER_S
from netplan.plan.fluid import FluidNetwork

_HEAD = "# Written by 'plantwire import' from {source}.\n"
_DATE = "2026-01-01"
_LARGEST_ENTRIES = 65_536


def _text(source: str, document: Mapping[str, Any]) -> str:
    dumped: str = yaml.safe_dump(
        dict(document), sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
    )
    return _HEAD.format(source=source) + dumped


def _sourced(value: object) -> dict[str, object]:
    return {"value": value, "source": "imported file"}


def _time(time_ps: int) -> str:
    return f"{time_ps // 1000} ns" if time_ps % 1000 == 0 else f"{time_ps} ps"


def schedule_documents(instance: Instance, name: str) -> dict[str, str]:
    """A design with one node per number and one link per pair of rows.

    Args:
        instance: As read from tsnkit's tables.
        name: Of the design.

    Raises:
        DesignError: When the two directions of a link differ, or a node's forwarding delay differs
            by link: a cable and a bridge have one.
    """
    links = {(row.from_node, row.to_node): row for row in instance.links}
    neighbours: dict[str, list[str]] = {}
    forwarding_ps: dict[str, set[int]] = {}
    for (one, other), row in links.items():
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, [])
        forwarding_ps.setdefault(one, set()).add(row.forwarding_ps)
        back = links.get((other, one))
        if back is None or (back.bit_ps, back.propagation_ps) != (row.bit_ps, row.propagation_ps):
            raise _refusal(
                f"link ({one}, {other}) differs from ({other}, {one})",
                "the same rate and t_prop both ways", row.line,
            )  # fmt: skip
    talkers = {row.talker for row in instance.streams}
    listeners = {node for row in instance.streams for node in row.listeners}
    nodes: dict[str, Any] = {}
    devices: dict[str, str] = {}
    for node in sorted(neighbours):
        degree = len(neighbours[node])
        if degree > 1 and len(forwarding_ps[node]) > 1:
            raise _refusal(f"node {node} has several t_proc", "one t_proc for all its links", 0)
        delay_ps = max(forwarding_ps.get(node, {0}))
        queues = max((links[node, one].queue_count for one in neighbours[node]), default=8)
        rates = sorted({PS_PER_S // links[node, one].bit_ps for one in neighbours[node]})
        device = f"imported-{degree}x{'-'.join(str(rate // 10**6) for rate in rates)}m-{delay_ps}ps"
        devices.setdefault(
            f"catalog/device/{device}.yaml", _device(device, degree, rates, delay_ps, queues)
        )
        ends = node in talkers | listeners
        functions = [*(["bridge"] if degree > 1 else []), *(["talker"] if ends else [])]
        role = "tsn-bridge" if degree > 1 else "sensor"
        nodes[str(node)] = {"is": role, "model": device, "functions": functions or ["talker"]}
    document = {
        "plantwire": 1,
        "name": name,
        "description": "Imported scheduling instance; neither preamble nor gap is counted.",
        "catalog": ["catalog"],
        "nodes": nodes,
        "links": [
            {
                "between": [str(one), str(other)],
                "medium": "imported-cable",
                "length": f"{row.propagation_ps / 1000:g} m",
                "rate": f"{PS_PER_S // row.bit_ps} bit/s",
                "framing": "none",
            }
            for (one, other), row in links.items()
            if one < other
        ],
        "streams": {
            row.name: {
                "from": str(row.talker),
                "to": [str(node) for node in row.listeners],
                "frame": f"{row.frame_octets} B",
                "every": _time(row.period_ps),
                "protocol": "ethernet",
                "pcp": 7,
                "deadline": _time(row.deadline_ps),
                **({"variation": _time(row.jitter_ps)} if row.jitter_ps else {}),
                "scheduled": True,
            }
            for row in instance.streams
        },
        "tsn": {"schedule": {"best_effort": "0 %"}},
    }
    return {
        "design.yaml": _text("tsnkit tables", document),
        "catalog/copper/imported-cable.yaml": _text("tsnkit tables", _cable()),
        **devices,
    }


def _refusal(message: str, expected: str, line: int) -> DesignError:
    found = f"line {line}" if line else "several"
    return DesignError(
        [
            Finding(
                code="IMPORT-LINK", severity=Severity.ERROR, message=message, expected=expected,
                found=found, hint="make the table of links agree",
            )
        ]
    )  # fmt: skip


def _cable() -> dict[str, Any]:
    return {
        "kind": "copper",
        "id": "imported-cable",
        "name": "Cable of an imported network: 1 ns a metre",
        "checked_on": _DATE,
        "propagation": _sourced("1 ns/m"),
        "largest_length": _sourced("10000 km"),
        "largest_rate": _sourced("1 Tbit/s"),
    }


def _device(name: str, ports: int, rates: list[int], delay_ps: int, queues: int) -> str:
    delay = _time(delay_ps)
    return _text(
        "tsnkit tables",
        {
            "kind": "device",
            "id": name,
            "name": f"Node of an imported network: {ports} ports, forwarding in {delay}",
            "checked_on": _DATE,
            "ports": [
                {
                    "prefix": "p", "count": max(ports, 1), "connector": "rj45",
                    "rates": [f"{rate} bit/s" for rate in rates], "source": "imported file",
                }
            ],
            "bridge": {
                "processing": {"min": delay, "max": delay, "source": "imported file: t_proc"},
                "queues": _sourced(min(queues, 8)),
                "gate_entries": {
                    "value": _LARGEST_ENTRIES, "source": "the imported file sets no limit",
                },
                "gate_granularity": {"value": "1 ps", "source": "the imported file sets no grid"},
            },
            "host": {
                "send": {"min": "0 ns", "max": "0 ns", "source": "imported file"},
                "receive": {"min": "0 ns", "max": "0 ns", "source": "imported file"},
                "queues": _sourced(min(queues, 8)),
            },
        },
    )  # fmt: skip


def fluid_documents(network: FluidNetwork) -> dict[str, str]:
    """A design of abstract servers and flows."""
    document = {
        "plantwire": 1,
        "name": network.name,
        "description": "Imported network of servers and flows.",
        "fluid": {"packetizer": network.packetizer},
        "servers": {
            server.name: {
                "service": [
                    {
                        "rate": f"{float(piece.rate_bps)!r} bit/s",
                        "latency": f"{float(piece.latency_ps)!r} ps",
                    }
                    for piece in server.pieces
                ],
                **(
                    {"capacity": f"{float(server.capacity_bps)!r} bit/s"}
                    if server.capacity_bps is not None
                    else {}
                ),
            }
            for server in network.servers
        },
        "flows": {
            flow.name: {
                "paths": [list(path) for path in flow.paths],
                "buckets": [
                    {
                        "burst": f"{float(bucket.burst_bits)!r} bit",
                        "rate": f"{float(bucket.rate_bps)!r} bit/s",
                    }
                    for bucket in flow.buckets
                ],
                **(
                    {"packet": f"{float(flow.largest_packet_bits)!r} bit"}
                    if flow.largest_packet_bits
                    else {}
                ),
            }
            for flow in network.flows
        },
    }
    return {"design.yaml": _text("a network of servers", document)}

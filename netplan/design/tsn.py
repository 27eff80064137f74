# SPDX-License-Identifier: Apache-2.0
"""Time-sensitive networking as a user writes it: shapers by class, preemption, clocks, schedule.

``tsn`` at the top of a document holds for every TSN bridge, ``tsn`` of a node for that node alone
and instead of it. A ``schedule`` is usually written by ``plantwire schedule`` and included.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from netplan.catalog.model import Strict
from netplan.design.names import NodeReference
from netplan.design.quantities import (
    Data,
    DataRate,
    Delay,
    Duration,
    Period,
    Rate,
    Ratio,
    Size,
)

Pcp = Annotated[int, Field(ge=0, le=7)]
Queue = Annotated[int, Field(ge=0, le=7)]


class TrafficClass(Strict):
    """How frames of some priorities leave a port."""

    pcp: tuple[Pcp, ...] = Field(min_length=1, description="Priorities that share the queue.")
    shaper: Literal["strict", "credit-based", "asynchronous", "round-robin"] = "strict"
    idle_slope_bps: Rate | None = Field(
        alias="idle_slope",
        default=None,
        description="Credit-based: reserved line rate; what the streams need when left out.",
    )
    idle_slopes_bps: dict[str, Rate] = Field(
        alias="idle_slopes",
        default_factory=dict,
        description="Credit-based: instead of 'idle_slope', for single ports as 'node.port', or as "
        "'port' for the port of that name of every node that the class holds for.",
    )
    quantum_octets: Size | None = Field(
        alias="quantum", default=None, description="Round robin: octets of each round."
    )
    largest_frame_octets: Size | None = Field(
        alias="largest_frame", default=None, description="Larger frames are dropped (queueMaxSDU)."
    )


class Preemption(Strict):
    """Frame preemption of IEEE 802.3br and 802.1Qbu."""

    express: tuple[Pcp, ...] = Field(
        min_length=1, description="Priorities whose frames interrupt those of all others."
    )
    fragment_octets: Size = Field(
        alias="fragment", default=64, description="Smallest fragment: 64, 128, 192 or 256 B."
    )


class PortPolicy(Strict):
    """What the ports of a bridge do beyond strict priority."""

    classes: tuple[TrafficClass, ...] = ()
    preemption: Preemption | None = None
    cut_through: bool = Field(
        default=False, description="Forward frames before they are wholly received."
    )


class TimeSync(Strict):
    """Clocks of the plant, kept together by gPTP."""

    grandmaster: NodeReference | None = Field(
        default=None, description="Node whose clock is the network's time; the best when left out."
    )
    interval_ps: Period = Field(
        alias="interval", default=125_000_000_000, description="Time between Sync messages."
    )
    limit_ps: Period | None = Field(
        alias="limit", default=None, description="Largest clock error that any node may have."
    )


class SchedulePolicy(Strict):
    """What ``plantwire schedule`` is to keep beside the streams' own wishes."""

    best_effort_ratio: Ratio = Field(
        alias="best_effort",
        default=0.1,
        description="Share of each port's time that stays for traffic without a schedule.",
    )
    protect: Literal["guard band", "preemption"] = Field(
        default="guard band", description="How scheduled frames are kept from waiting for others."
    )


class PlantTsn(PortPolicy):
    """TSN of the whole plant."""

    synchronisation: TimeSync | None = None
    schedule: SchedulePolicy = SchedulePolicy()


class GateEntry(Strict):
    """States of all gates of a port for a while."""

    for_ps: Period = Field(alias="for")
    open: tuple[Queue, ...] = Field(description="Queues whose gates are open.")
    mac: Literal["set", "hold", "release"] = Field(
        default="set", description="What preemptable frames do from here on."
    )


class GateList(Strict):
    """A gate list of a port."""

    base_ps: Duration = Field(alias="base", default=0, description="AdminBaseTime.")
    cycle_ps: Period = Field(alias="cycle")
    extension_ps: Duration = Field(alias="extension", default=0)
    entries: tuple[GateEntry, ...] = Field(min_length=1, max_length=4096)


class ScheduledStream(Strict):
    """When a stream is released, and the ways that it takes."""

    phase_ps: Duration = Field(alias="phase", description="First release on network time.")
    ways: tuple[tuple[NodeReference, ...], ...] | None = Field(
        default=None, description="Nodes of each way, talker first; the planned ones when left out."
    )


class Schedule(Strict):
    """A gate schedule: releases of talkers and gate lists of ports."""

    streams: dict[str, ScheduledStream] = Field(default_factory=dict)
    gates: dict[str, Annotated[tuple[GateList, ...], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="Port to gate lists, each in force from its base until that of the next.",
    )


class ServerCurve(Strict):
    """A rate after a latency."""

    rate_bps: DataRate = Field(alias="rate")
    latency_ps: Delay = Field(alias="latency", default=0)


class Server(Strict):
    """An abstract server of network calculus: first in, first out, store and forward."""

    service: tuple[ServerCurve, ...] = Field(min_length=1, max_length=16)
    capacity_bps: DataRate | None = Field(
        alias="capacity", default=None, description="Rate of the line behind it."
    )


class Fluid(Strict):
    """How abstract servers treat flows where these are taken as fluid ('bound --fluid')."""

    packetizer: bool = Field(
        default=False, description="Whether servers pass on whole packets only."
    )


class Bucket(Strict):
    """A token bucket."""

    burst_bits: Data = Field(alias="burst")
    rate_bps: DataRate = Field(alias="rate")


class Flow(Strict):
    """An abstract flow through servers, bounded by token buckets."""

    paths: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = Field(
        min_length=1, description="Servers in order; several paths for a multicast flow."
    )
    buckets: tuple[Bucket, ...] = Field(min_length=1, max_length=16)
    packet_bits: Data | None = Field(
        alias="packet",
        default=None,
        description="Largest packet; the burst when left out or smaller.",
    )
    deadline_ps: Period | None = Field(alias="deadline", default=None)

# SPDX-License-Identifier: Apache-2.0
"""Streams, relations, chains and offers as a user writes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from netplan.catalog.model import Strict
from netplan.design.names import (
    NodeReference,
    PortReference,
    StreamReference,
    TaskReference,
)
from netplan.design.quantities import Duration, Lifetime, Period, Rate, Ratio, Size

Statistic = Annotated[str, Field(pattern=r"^(max|mean|p\d{1,2}(\.\d{1,6})?)$")]
"""``max``, ``mean`` or a percentile such as ``p99`` or ``p99.9``."""

Pcp = Annotated[int, Field(ge=0, le=7)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Listeners = Annotated[
    tuple[NodeReference, ...],
    BeforeValidator(_as_list, json_schema_input_type=str | list[str]),
    Field(min_length=1),
]


class Video(Strict):
    """Compressed video: a large picture, then small ones."""

    rate_bps: Rate = Field(alias="rate", description="Mean rate of the compressed video.")
    pictures_per_s: Annotated[int, Field(ge=1, le=1000)]
    group: Annotated[int, Field(ge=1, le=600)] = Field(
        default=30, description="Pictures from one large one to the next."
    )
    peak: Annotated[float, Field(ge=1, le=100)] = Field(
        default=5.0, description="Size of the large picture over that of a small one."
    )


class TraceEntry(Strict):
    """One message of a recorded trace."""

    at_ps: Duration = Field(alias="at", description="Release after the start of the trace.")
    payload_octets: Size = Field(alias="size", description="User data; several frames if needed.")


class Stream(Strict):
    """One talker, one or more listeners, and what is promised to them.

    Exactly one of ``size``, ``frame``, ``burst``, ``rate``, ``video`` and ``trace`` says what is
    sent.
    """

    talker: NodeReference = Field(alias="from")
    listeners: Listeners = Field(alias="to")
    every_ps: Period | None = Field(alias="every", default=None, description="Time between sends.")
    payload_octets: Size | None = Field(
        alias="size", default=None, description="User data of one frame, sent every period."
    )
    burst_octets: Size | None = Field(
        alias="burst", default=None, description="User data of one burst, sent every period."
    )
    frame_octets: Size | None = Field(
        alias="frame", default=None, description="Size of one frame, header to FCS, every period."
    )
    rate_bps: Rate | None = Field(
        alias="rate", default=None, description="Mean rate of frames, header to FCS."
    )
    video: Video | None = None
    trace: Annotated[tuple[TraceEntry, ...], Field(min_length=1, max_length=10_000)] | None = Field(
        default=None, description="Recorded messages, repeated every period."
    )
    packet_octets: Size = Field(
        alias="packet", default=1400, description="Largest user data of one frame of a burst."
    )
    protocol: str = Field(default="udp", description="A protocol of the catalogue.")
    traffic: str | None = Field(
        default=None, description="A traffic type of IEC/IEEE 60802 in the catalogue."
    )
    pcp: Pcp | None = Field(default=None, description="Priority; from traffic type or protocol.")
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    phase_ps: Duration | None = Field(
        alias="phase", default=None, description="First release on network time."
    )
    jitter_ps: Duration = Field(
        alias="jitter", default=0, description="Largest delay of a release."
    )
    sporadic: bool = Field(default=False, description="Whether sends may be further apart.")
    deadline_ps: Period | None = Field(
        alias="deadline", default=None, description="Latency target."
    )
    statistic: Statistic = "max"
    measured: Literal["port", "application"] = Field(
        default="port", description="Port to port, or from application to application."
    )
    variation_ps: Period | None = Field(
        alias="variation", default=None, description="Target for largest minus least latency."
    )
    misses_ratio: Ratio = Field(
        alias="misses", default=0.0, description="Share of frames that may be late or lost."
    )
    path: tuple[NodeReference, ...] | None = Field(
        default=None, description="Nodes to pass in order, instead of the shortest way."
    )
    scheduled: bool = Field(
        default=False, description="Whether gates are to be made for it (time-triggered)."
    )
    ways: Annotated[int, Field(ge=1, le=4)] = Field(
        default=1, description="Disjoint ways that copies take; duplicates are eliminated."
    )
    policed: bool = Field(
        default=False, description="Whether the first bridge drops what breaks the contract."
    )


class Relation(Strict):
    """Cyclic exchange between a controller and a device: one stream each way."""

    controller: NodeReference
    device: NodeReference
    protocol: str
    cycle_ps: Period = Field(alias="cycle")
    reduction: Annotated[int, Field(ge=1, le=512)] = Field(
        default=1, description="The device answers every n-th cycle, and is asked as often."
    )
    out_octets: Size = Field(alias="out", description="User data from controller to device.")
    in_octets: Size = Field(alias="in", description="User data from device to controller.")
    watchdog: Annotated[int, Field(ge=1, le=255)] | None = Field(
        default=None, description="Missing updates tolerated; the protocol's when left out."
    )
    phase_ps: Duration | None = Field(
        alias="phase", default=None, description="Start of the cycle on network time."
    )
    deadline_ps: Period | None = Field(
        alias="deadline", default=None, description="Latency target each way."
    )
    traffic: str | None = None
    pcp: Pcp | None = None
    misses_ratio: Ratio = Field(alias="misses", default=0.0)
    scheduled: bool = Field(
        default=False, description="Whether gates are to be made for it (time-triggered)."
    )
    ways: Annotated[int, Field(ge=1, le=4)] = Field(
        default=1, description="Disjoint ways that copies take; duplicates are eliminated."
    )
    policed: bool = Field(
        default=False, description="Whether the first bridge drops what breaks the contract."
    )


class Chain(Strict):
    """A reaction: from a sensor through tasks to an actuator."""

    path: tuple[TaskReference, ...] = Field(
        min_length=2, description="Nodes, and tasks as 'node:task', in order."
    )
    via: tuple[StreamReference, ...] | None = Field(
        default=None, description="Streams between them, where more than one would do."
    )
    within_ps: Period = Field(alias="within")
    misses_ratio: Ratio = Field(alias="misses", default=0.0)


Layer = Literal["line", "ethernet", "ip"]


class LayeredRate(Strict):
    """A rate and the layer it is counted at."""

    rate_bps: Rate = Field(alias="rate")
    layer: Layer


class TimeMetric(Strict):
    """A limit on a time, with what makes it testable."""

    limit_ps: Period = Field(alias="limit")
    statistic: Statistic
    over_ps: Lifetime = Field(alias="over", description="Averaging period.")


class LossMetric(Strict):
    """A limit on the share of lost frames."""

    limit_ratio: Ratio = Field(alias="limit")
    over_ps: Lifetime = Field(alias="over", description="Averaging period.")


class Offer(Strict):
    """A dedicated access service as sold, between two reference points."""

    between: tuple[PortReference, PortReference]
    direction: Literal["both", "forward", "reverse"] = "both"
    cir: LayeredRate = Field(description="Committed information rate.")
    frame_octets: Size = Field(
        alias="frame", default=1518, description="Frame size of the test traffic."
    )
    pcp: Pcp = 0
    delay: TimeMetric | None = None
    variation: TimeMetric | None = None
    loss: LossMetric | None = None
    availability_ratio: Ratio | None = Field(alias="availability", default=None)

# SPDX-License-Identifier: Apache-2.0
"""What a catalogue entry may say, kind by kind.

One YAML file per product or standard, ``<kind>/<id>.yaml``. Every value stands with
its source and how sure it is, so that each number of a result can be traced and
``sensitivity`` knows which inputs are uncertain.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from netplan.design.quantities import (
    Attenuation,
    DelayPerLength,
    Duration,
    Gain,
    Length,
    Lifetime,
    PowerLevel,
    Rate,
    RateChange,
    RateDeviation,
    Ratio,
    Size,
    Wavelength,
    duration_text,
)

Certainty = Literal["checked", "memory", "derived", "unsure"]
"""How sure a value is: looked up, recalled from the clause, computed, or to be confirmed."""

ValueT = TypeVar("ValueT")


class Strict(BaseModel):
    """Base of everything read from a file: frozen, unknown keys refused, aliases are the keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


class Sourced(Strict, Generic[ValueT]):
    """A value with its origin."""

    value: ValueT
    source: str = Field(min_length=1)
    certainty: Certainty = "checked"


class SourcedSpan(Strict):
    """A delay between a least and a greatest value, with its origin."""

    min_ps: Duration = Field(alias="min")
    max_ps: Duration = Field(alias="max")
    source: str = Field(min_length=1)
    certainty: Certainty = "checked"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_ps > self.max_ps:
            raise PydanticCustomError(
                "quantity",
                "'min' is greater than 'max'",
                {
                    "expected": "'min' of at most 'max'",
                    "found": f"{duration_text(self.min_ps)} to {duration_text(self.max_ps)}",
                    "hint": "exchange the two, or correct one of them",
                },
            )
        return self


class Entry(Strict):
    """What every entry says about itself."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    name: str
    checked_on: date
    note: str = ""


Connector = Literal["rj45", "sfp", "pon", "radio", "optical"]
"""What fits into a port: copper, an optical module, a PON module, an antenna, or bare fibre."""


class PortGroup(Strict):
    """Ports of one kind: ``p1`` to ``pN`` for a prefix ``p`` and a count N."""

    prefix: str = Field(pattern=r"^[A-Za-z][A-Za-z-]*$")
    count: int = Field(ge=1, le=1024)
    connector: Connector
    rates_bps: tuple[Rate, ...] = Field(alias="rates", default=())
    source: str = Field(min_length=1)


Count = Annotated[int, Field(ge=0)]
"""Room of a table; 0 when the device has none of the kind."""


RedundancyProtocol = Literal["mrp", "rstp", "dlr", "hsr"]
"""IEC 62439-2, IEEE 802.1Q, ODVA, IEC 62439-3; PRP asks nothing of bridges."""


class BridgeValues(Strict):
    """Forwarding in a bridge, router or a device with a built-in bridge.

    Attributes:
        gate_entries: Longest gate list of a port.
        gate_granularity_ps: Gates open and close at multiples of this.
        gate_interval_ps: Shortest entry of a gate list.
        cycle_max_ps: Longest gating cycle.
        preemption: Whether ports preempt frames (802.1Qbu, 802.3br).
        cut_through: Whether frames may leave before they are wholly received.
        queue_max_sdu: Whether each queue can refuse frames above a size.
        stream_filters: Streams that the node can tell apart for filtering and policing.
        stream_gates: Stream gates of the node.
        flow_meters: Flow meters of the node.
        recovery_functions: Streams of which it can eliminate duplicates (802.1CB).
        redundancy: Redundancy protocols that it takes part in; none when left out.
    """

    processing: SourcedSpan
    queue_count: Sourced[Annotated[int, Field(ge=1, le=8)]] = Field(alias="queues")
    buffer_octets: Sourced[Size] | None = Field(alias="buffer_per_port", default=None)
    gate_entries: Sourced[Count] | None = None
    gate_granularity_ps: Sourced[Duration] | None = Field(alias="gate_granularity", default=None)
    gate_interval_ps: Sourced[Duration] | None = Field(alias="gate_interval", default=None)
    cycle_max_ps: Sourced[Duration] | None = Field(alias="cycle_max", default=None)
    preemption: Sourced[bool] | None = None
    cut_through: Sourced[bool] | None = None
    queue_max_sdu: Sourced[bool] | None = None
    stream_filters: Sourced[Count] | None = None
    stream_gates: Sourced[Count] | None = None
    flow_meters: Sourced[Count] | None = None
    recovery_functions: Sourced[Count] | None = None
    redundancy: Sourced[tuple[RedundancyProtocol, ...]] | None = None


class HostValues(Strict):
    """Delay between an application and the port of its device, and the talker's queues."""

    send: SourcedSpan
    receive: SourcedSpan
    queue_count: Sourced[Annotated[int, Field(ge=1, le=8)]] = Field(alias="queues")
    buffer_octets: Sourced[Size] | None = Field(alias="buffer_per_port", default=None)


class ClockValues(Strict):
    """The clock of a device that takes part in time synchronisation.

    Attributes:
        drift_ppb: Largest deviation of its oscillator from the nominal rate.
        wander_ppb_per_s: Largest change of that deviation in a second.
        timestamp_error_ps: Largest error of one timestamp, either way: granularity and what the
            PHY's latency varies by.
        asymmetry_ps: Largest unknown half difference between sending and receiving through its PHY.
        residence_ps: Largest time that it holds a Sync message or takes to answer Pdelay.
        priority1: What it announces for the choice of the grandmaster; 255 when it cannot be it.
        clock_class: Likewise, after priority1.
    """

    drift_ppb: Sourced[RateDeviation] = Field(alias="drift")
    wander_ppb_per_s: Sourced[RateChange] = Field(alias="wander")
    timestamp_error_ps: Sourced[Duration] = Field(alias="timestamp_error")
    asymmetry_ps: Sourced[Duration] = Field(alias="asymmetry")
    residence_ps: Sourced[Duration] = Field(alias="residence")
    priority1: Sourced[Annotated[int, Field(ge=0, le=255)]]
    clock_class: Sourced[Annotated[int, Field(ge=0, le=255)]]


class RadioValues(Strict):
    """Radio front end of a base station, access point or client."""

    transmit_power_dbm: Sourced[PowerLevel] = Field(alias="transmit_power")
    antenna_gain_db: Sourced[Gain] = Field(alias="antenna_gain")
    noise_figure_db: Sourced[Gain] = Field(alias="noise_figure")
    antenna_height_m: Sourced[Length] | None = Field(alias="antenna_height", default=None)


class SplitterValues(Strict):
    """A passive power splitter."""

    ways: Annotated[int, Field(ge=2, le=256)]
    insertion_loss_db: Sourced[Gain] = Field(alias="insertion_loss")


class ReliabilityValues(Strict):
    """Mean time between failures and to repair, for availability."""

    mtbf_ps: Sourced[Lifetime] = Field(alias="mtbf")
    repair_ps: Sourced[Lifetime] = Field(alias="repair")


class Device(Entry):
    """Anything that is a node: the sections say what it can do."""

    kind: Literal["device"]
    ports: tuple[PortGroup, ...] = ()
    bridge: BridgeValues | None = None
    host: HostValues | None = None
    clock: ClockValues | None = None
    radio: RadioValues | None = None
    splitter: SplitterValues | None = None
    reliability: ReliabilityValues | None = None

    @model_validator(mode="after")
    def _distinct_ports(self) -> Self:
        prefixes = [group.prefix for group in self.ports]
        if len(prefixes) > len(set(prefixes)):
            raise PydanticCustomError(
                "ports",
                "two groups of ports have the same prefix",
                {
                    "expected": "a prefix of its own for each group",
                    "found": ", ".join(prefixes),
                    "hint": "name optical ports 'sfp', for instance",
                },
            )
        return self


class Copper(Entry):
    """A copper cable category."""

    kind: Literal["copper"]
    propagation_ps_per_m: Sourced[DelayPerLength] = Field(alias="propagation")
    largest_length_m: Sourced[Length] = Field(alias="largest_length")
    largest_rate_bps: Sourced[Rate] = Field(alias="largest_rate")


class FibreLoss(Strict):
    """Attenuation of a fibre at one wavelength."""

    wavelength_nm: Wavelength = Field(alias="wavelength")
    attenuation_db_per_km: Attenuation = Field(alias="attenuation")
    source: str = Field(min_length=1)
    certainty: Certainty = "checked"


class Fibre(Entry):
    """A fibre type."""

    kind: Literal["fibre"]
    mode: Literal["single", "multi"]
    propagation_ps_per_m: Sourced[DelayPerLength] = Field(alias="propagation")
    losses: tuple[FibreLoss, ...] = Field(min_length=1)
    connector_loss_db: Sourced[Gain] = Field(alias="connector_loss")
    splice_loss_db: Sourced[Gain] = Field(alias="splice_loss")


class Transceiver(Entry):
    """A pluggable optical module for Ethernet."""

    kind: Literal["transceiver"]
    mode: Literal["single", "multi"]
    line_bps: Sourced[Rate] = Field(alias="line_rate")
    wavelength_nm: Sourced[Wavelength] = Field(alias="wavelength")
    largest_length_m: Sourced[Length] = Field(alias="largest_length")
    transmit_min_dbm: Sourced[PowerLevel] = Field(alias="transmit_min")
    transmit_max_dbm: Sourced[PowerLevel] = Field(alias="transmit_max")
    receive_min_dbm: Sourced[PowerLevel] = Field(alias="receive_min")
    receive_max_dbm: Sourced[PowerLevel] = Field(alias="receive_max")


class PonSystem(Entry):
    """A passive optical network standard."""

    kind: Literal["pon-system"]
    downstream_line_bps: Sourced[Rate] = Field(alias="downstream_line_rate")
    upstream_line_bps: Sourced[Rate] = Field(alias="upstream_line_rate")
    downstream_payload_ratio: Sourced[Ratio] = Field(alias="downstream_payload")
    upstream_payload_ratio: Sourced[Ratio] = Field(alias="upstream_payload")
    downstream_wavelength_nm: Sourced[Wavelength] = Field(alias="downstream_wavelength")
    upstream_wavelength_nm: Sourced[Wavelength] = Field(alias="upstream_wavelength")
    frame_period_ps: Sourced[Duration] = Field(alias="frame_period")
    frame_header_octets: Sourced[Size] = Field(alias="frame_header")
    allocation_octets: Sourced[Size] = Field(alias="allocation_overhead")
    frame_overhead_octets: Sourced[Size] = Field(alias="encapsulation")
    burst_overhead_ps: Sourced[Duration] = Field(alias="burst_overhead")
    codeword_octets: Sourced[Size] = Field(alias="codeword")
    largest_reach_m: Sourced[Length] = Field(alias="largest_reach")
    differential_reach_m: Sourced[Length] = Field(alias="differential_reach")
    largest_split: Sourced[Annotated[int, Field(ge=2)]]
    differential_loss_db: Sourced[Gain] = Field(alias="differential_loss")


class PonClass(Entry):
    """An optical budget class of a PON system."""

    kind: Literal["pon-class"]
    system: str
    loss_min_db: Sourced[Gain] = Field(alias="loss_min")
    loss_max_db: Sourced[Gain] = Field(alias="loss_max")
    olt_transmit_min_dbm: Sourced[PowerLevel] = Field(alias="olt_transmit_min")
    olt_transmit_max_dbm: Sourced[PowerLevel] = Field(alias="olt_transmit_max")
    olt_sensitivity_dbm: Sourced[PowerLevel] = Field(alias="olt_sensitivity")
    olt_overload_dbm: Sourced[PowerLevel] = Field(alias="olt_overload")
    onu_transmit_min_dbm: Sourced[PowerLevel] = Field(alias="onu_transmit_min")
    onu_transmit_max_dbm: Sourced[PowerLevel] = Field(alias="onu_transmit_max")
    onu_sensitivity_dbm: Sourced[PowerLevel] = Field(alias="onu_sensitivity")
    onu_overload_dbm: Sourced[PowerLevel] = Field(alias="onu_overload")
    downstream_penalty_db: Sourced[Gain] = Field(alias="downstream_penalty")
    upstream_penalty_db: Sourced[Gain] = Field(alias="upstream_penalty")


class Protocol(Entry):
    """How a protocol wraps the user's data and what it expects of the network."""

    kind: Literal["protocol"]
    encapsulation: str
    pcp: Sourced[Annotated[int, Field(ge=0, le=7)]]
    watchdog_cycles: Sourced[Annotated[int, Field(ge=1)]] | None = None
    deadline_cycles: Sourced[Annotated[int, Field(ge=1)]] | None = None
    smallest_payload_octets: Sourced[Size] | None = Field(alias="smallest_payload", default=None)
    largest_payload_octets: Sourced[Size] | None = Field(alias="largest_payload", default=None)
    smallest_cycle_ps: Sourced[Duration] | None = Field(alias="smallest_cycle", default=None)


class TrafficType(Entry):
    """A traffic type of IEC/IEEE 60802 with its usual priority."""

    kind: Literal["traffic-type"]
    pcp: Sourced[Annotated[int, Field(ge=0, le=7)]]


class Material(Entry):
    """What a wall is made of, as radio sees it."""

    kind: Literal["material"]
    loss_db: Sourced[Gain] = Field(alias="loss")


class Role(Entry):
    """What a kind of node is by default: its functions and its catalogue device."""

    kind: Literal["role"]
    functions: tuple[str, ...]
    device: str


AnyEntry = Annotated[
    Device
    | Copper
    | Fibre
    | Transceiver
    | PonSystem
    | PonClass
    | Protocol
    | TrafficType
    | Material
    | Role,
    Field(discriminator="kind"),
]

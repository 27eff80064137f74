# SPDX-License-Identifier: Apache-2.0
"""Nodes and links as a user writes them; what they leave out comes from the catalogue."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from netplan.catalog.model import Strict
from netplan.design.names import Name, PortReference
from netplan.design.networks import Attachment
from netplan.design.places import Point
from netplan.design.quantities import Duration, Gain, Length, Lifetime, Period, Rate
from netplan.design.tsn import PortPolicy

Function = Literal[
    "talker",
    "tasks",
    "bridge",
    "router",
    "firewall",
    "olt",
    "splitter",
    "onu",
    "access-point",
    "iwlan-client",
    "gnb",
    "ue",
    "upf",
    "tsn-translator",
    "pop",
]


class Task(Strict):
    """A cyclic task of a controller: reads inputs, works, writes outputs."""

    cycle_ps: Period = Field(alias="cycle")
    phase_ps: Duration | None = Field(
        alias="phase", default=None, description="Start on network time; any when left out."
    )
    work_ps: Duration = Field(alias="work", default=0, description="Longest execution time.")


class Port(Strict):
    """What differs at one port from the catalogue."""

    rate_bps: Rate = Field(alias="rate")


class Node(Strict):
    """One piece of equipment."""

    role: str = Field(alias="is", description="A role of the catalogue, such as 'plc'.")
    model: str | None = Field(
        default=None, description="A device of the catalogue; the role's usual one when left out."
    )
    functions: tuple[Function, ...] | None = Field(
        default=None, description="What it can do; the role's usual functions when left out."
    )
    zone: str | None = None
    floor: str | None = Field(default=None, description="Floor as 'site/building/floor'.")
    at_m: Point | None = Field(alias="at", default=None, description="Position on the floor.")
    moves: Name | None = Field(default=None, description="Route that it moves along.")
    network: Name | None = Field(
        default=None, description="Network that it serves (gNB, access point, OLT)."
    )
    attach: dict[Name, Attachment] = Field(
        default_factory=dict, description="Radio interface to network."
    )
    tasks: dict[Name, Task] = Field(default_factory=dict)
    tsn: PortPolicy | None = Field(
        default=None, description="Shapers and preemption of its ports, instead of the plant's."
    )
    ports: dict[Name, Port] = Field(default_factory=dict)
    mtbf_ps: Lifetime | None = Field(
        alias="mtbf", default=None, description="Mean time between failures."
    )
    repair_ps: Lifetime | None = Field(
        alias="repair", default=None, description="Mean time to repair."
    )


class Link(Strict):
    """A cable or fibre between two ports; the next free port is taken where none is named."""

    between: tuple[PortReference, PortReference]
    medium: str = Field(description="A copper or fibre type of the catalogue, such as 'cat6a'.")
    length_m: Length = Field(alias="length")
    rate_bps: Rate | None = Field(
        alias="rate", default=None, description="The fastest that both ends know when left out."
    )
    transceiver: str | None = Field(
        default=None, description="Optical module at both ends; chosen when left out."
    )
    splices: Annotated[int, Field(ge=0, le=1000)] = 0
    connectors: Annotated[int, Field(ge=0, le=100)] = 2
    attenuator_db: Gain = Field(
        alias="attenuator", default=0.0, description="Loss of a fixed optical attenuator."
    )
    framing: Literal["ethernet", "none"] = Field(
        default="ethernet",
        description="'none' counts neither preamble nor gap, to compare with tools that do not.",
    )
    mtbf_ps: Lifetime | None = Field(alias="mtbf", default=None)
    repair_ps: Lifetime | None = Field(alias="repair", default=None)

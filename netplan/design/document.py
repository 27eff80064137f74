# SPDX-License-Identifier: Apache-2.0
"""The design document: what one file may say at its top, and what a module may."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from netplan.catalog.model import Strict
from netplan.design.equipment import Link, Node
from netplan.design.faults import Fault
from netplan.design.names import AnyReference, Name
from netplan.design.networks import Addressing, Network
from netplan.design.places import Conduit, Point, Route, Site, Zone
from netplan.design.redundancy import Redundancy
from netplan.design.traffic import Chain, Offer, Relation, Stream
from netplan.design.tsn import Flow, Fluid, PlantTsn, Schedule, Server


class Placement(Strict):
    """A module put into the plant under a prefix."""

    module: Name
    prefix: Name = Field(alias="as", description="Members are called 'prefix/member'.")
    at_m: Point | None = Field(
        alias="at", default=None, description="Where the module's corner stands on the floor."
    )
    floor: str | None = None
    zone: str | None = Field(default=None, description="Zone of members that name none.")
    connect: dict[Name, AnyReference] = Field(
        default_factory=dict, description="What the module's '$name' stands for."
    )
    override: dict[str, object] = Field(
        default_factory=dict, description="Parts of the module that differ here."
    )


class Fragment(Strict):
    """What a module and the top of a document have in common."""

    nodes: dict[Name, Node] = Field(default_factory=dict)
    links: tuple[Link, ...] = ()
    streams: dict[Name, Stream] = Field(default_factory=dict)
    relations: dict[Name, Relation] = Field(default_factory=dict)
    chains: dict[Name, Chain] = Field(default_factory=dict)
    redundancy: dict[Name, Redundancy] = Field(
        default_factory=dict, description="Rings, bridges and LANs with a redundancy protocol."
    )
    place: tuple[Placement, ...] = ()


class Module(Fragment):
    """A piece of plant written once and placed many times."""

    description: str = ""
    needs: tuple[Name, ...] = Field(
        default=(), description="Names to be connected where it is placed."
    )


class Document(Fragment):
    """A design document."""

    plantwire: Annotated[Literal[1], Field(description="Version of the design language.")]
    name: str = Field(min_length=1)
    description: str = ""
    catalog: tuple[str, ...] = Field(
        default=(), description="Folders with catalogue entries of the project."
    )
    addressing: Addressing = Addressing()
    sites: dict[Name, Site] = Field(default_factory=dict)
    routes: dict[Name, Route] = Field(default_factory=dict)
    zones: dict[Name, Zone] = Field(default_factory=dict)
    conduits: dict[Name, Conduit] = Field(default_factory=dict)
    networks: dict[Name, Network] = Field(default_factory=dict)
    modules: dict[Name, Module] = Field(default_factory=dict)
    offers: dict[Name, Offer] = Field(default_factory=dict)
    faults: dict[Name, Annotated[tuple[Fault, ...], Field(min_length=1)]] = Field(
        default_factory=dict, description="Scenarios to try: 'plantwire simulate --fault NAME'."
    )
    tsn: PlantTsn = PlantTsn()
    schedule: Schedule | None = Field(
        default=None, description="Releases and gate lists; written by 'plantwire schedule'."
    )
    servers: dict[str, Server] = Field(
        default_factory=dict, description="Abstract servers, for networks of other tools."
    )
    fluid: Fluid = Fluid()
    flows: dict[str, Flow] = Field(
        default_factory=dict, description="Abstract flows through the servers."
    )

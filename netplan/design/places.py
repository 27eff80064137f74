# SPDX-License-Identifier: Apache-2.0
"""Where things are: sites, buildings, floors with walls and clutter, zones, routes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from netplan.catalog.model import Strict
from netplan.design.names import Name
from netplan.design.quantities import Coordinate, Length, Ratio, Speed

Point = Annotated[tuple[Coordinate, ...], Field(min_length=2, max_length=3)]
"""x and y in metres on a floor, and the height above it where it matters."""


class Wall(Strict):
    """A straight wall that weakens radio crossing it."""

    start_m: Point = Field(alias="from")
    end_m: Point = Field(alias="to")
    material: str = Field(description="A material of the catalogue, such as 'concrete'.")


class Clutter(Strict):
    """Machines, racks and goods that radio meets; decides the propagation model."""

    density_ratio: Ratio = Field(
        alias="density", description="Share of the floor that clutter covers, such as 40 %."
    )
    height_m: Length = Field(alias="height", description="Typical height of the clutter.")
    size_m: Length = Field(alias="size", description="Typical width of one piece of clutter.")


class Floor(Strict):
    """One floor of a building: positions of nodes are metres from its corner."""

    size_m: tuple[Length, Length] = Field(alias="size", description="Extent in x and y.")
    height_m: Length = Field(alias="height", description="Floor to ceiling.")
    walls: tuple[Wall, ...] = ()
    clutter: Clutter | None = None


class Building(Strict):
    """A building and its floors."""

    floors: dict[Name, Floor] = Field(min_length=1)


class Site(Strict):
    """A piece of land with its buildings."""

    buildings: dict[Name, Building] = Field(min_length=1)


ZoneKind = Literal["control", "safety", "wireless", "dmz", "enterprise", "infrastructure"]


class Zone(Strict):
    """A security zone of IEC 62443-3-2: what belongs together and is protected alike."""

    kind: ZoneKind
    security_level: Annotated[int, Field(ge=0, le=4)] = 1
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = Field(
        default=None, description="VLAN of the zone's streams; chosen when left out."
    )


class Conduit(Strict):
    """The permitted way between two zones."""

    between: tuple[Name, Name]
    allow: tuple[str, ...] = Field(
        default=(), description="Protocols that may pass; any when left out."
    )


class Route(Strict):
    """The way of something that moves: straight lines between points, back and forth."""

    points_m: tuple[Point, ...] = Field(alias="points", min_length=2)
    speed_m_per_s: Speed = Field(alias="speed")
    floor: str | None = Field(default=None, description="Floor as 'site/building/floor'.")

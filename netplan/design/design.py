# SPDX-License-Identifier: Apache-2.0
"""The design in memory: modules expanded, every name absolute, every place remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netplan.catalog.loader import Catalog
from netplan.design.equipment import Link, Node
from netplan.design.faults import Fault
from netplan.design.findings import Finding, Mark, Severity, path_text
from netplan.design.networks import Addressing, Network
from netplan.design.places import Conduit, Floor, Route, Site, Zone
from netplan.design.redundancy import Redundancy
from netplan.design.source import Source, mark_of
from netplan.design.traffic import Chain, Offer, Relation, Stream
from netplan.design.tsn import Flow, Fluid, PlantTsn, Schedule, Server

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an object of the design was written.

    Attributes:
        source: The document.
        path: Of the object in the document.
        override: Path of the placement's override for it; empty when there is none.
    """

    source: Source
    path: Path
    override: Path = ()

    def find(self, keys: Path) -> tuple[Mark | None, str]:
        """The place of a value inside the object, and its path as text."""
        if self.override and self.override + keys in self.source.marks:
            path = self.override + keys
        else:
            path = self.path + keys
        return mark_of(self.source.marks, path), path_text(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A whole design with modules expanded; immutable.

    Names of members of a placed module begin with its prefix (``cell1/cam1``);
    references inside the objects are absolute. ``left_out`` names what is written but could
    not be validated: it is not missing.
    """

    name: str
    description: str
    addressing: Addressing
    addressing_mark: Mark | None
    catalog: Catalog
    sites: Mapping[str, Site]
    routes: Mapping[str, Route]
    zones: Mapping[str, Zone]
    conduits: Mapping[str, Conduit]
    networks: Mapping[str, Network]
    nodes: Mapping[str, Node]
    links: Mapping[str, Link]
    streams: Mapping[str, Stream]
    relations: Mapping[str, Relation]
    chains: Mapping[str, Chain]
    redundancy: Mapping[str, Redundancy]
    offers: Mapping[str, Offer]
    faults: Mapping[str, tuple[Fault, ...]]
    tsn: PlantTsn
    schedule: Schedule | None
    servers: Mapping[str, Server]
    fluid: Fluid
    flows: Mapping[str, Flow]
    origins: Mapping[tuple[str, str], Origin]
    left_out: frozenset[tuple[str, str]] = frozenset()

    def is_left_out(self, group: str, name: str) -> bool:
        """Whether a name is missing only because what it names did not validate."""
        parts = name.split("/")
        prefixes = ("/".join(parts[:count]) + "/" for count in range(1, len(parts)))
        return (group, name) in self.left_out or any(
            ("nodes", prefix) in self.left_out for prefix in prefixes
        )

    def finding(
        self,
        code: str,
        severity: Severity,
        message: str,
        *,
        at: tuple[str, str],
        keys: Path = (),
        expected: str = "",
        found: str = "",
        hint: str = "",
    ) -> Finding:
        """A finding at an object, such as ``at=("links", "a.p1--b.p1"), keys=("length",)``."""
        mark, path = self.origins[at].find(keys)
        return Finding(
            code=code,
            severity=severity,
            message=message,
            mark=mark,
            path=path,
            expected=expected,
            found=found,
            hint=hint,
        )

    def floor_of(self, node: Node) -> Floor | None:
        """The floor that a node stands or moves on: the named one, or the only one there is."""
        floors = self.floors()
        route = self.routes.get(node.moves or "")
        name = node.floor or (route.floor if route is not None else None)
        if name is not None:
            return floors.get(name)
        return next(iter(floors.values())) if len(floors) == 1 else None

    def floors(self) -> dict[str, Floor]:
        """All floors by ``site/building/floor``."""
        return {
            f"{site_name}/{building_name}/{floor_name}": floor
            for site_name, site in self.sites.items()
            for building_name, building in site.buildings.items()
            for floor_name, floor in building.floors.items()
        }

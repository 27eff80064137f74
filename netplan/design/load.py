# SPDX-License-Identifier: Apache-2.0
"""From a file to a design: reading, validating, placing modules.

Every finding that can be made is made before anything stops. What cannot be
validated is left out of the design, so that later checks still see the rest.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from netplan.catalog.loader import Catalog
from netplan.design.design import Design, Origin, Path
from netplan.design.document import Document, Fragment, Module, Placement
from netplan.design.equipment import Link, Node
from netplan.design.findings import DesignError, Finding, Mark, Severity, has_errors, path_text
from netplan.design.places import Point
from netplan.design.redundancy import Redundancy
from netplan.design.source import Source, mark_of, read_document
from netplan.design.traffic import Chain, Relation, Stream
from netplan.design.validation import validate

_DEEPEST_PLACEMENT = 8
_GROUPS_OF_THE_TOP = (
    *("offers", "faults", "zones", "conduits", "networks", "routes", "sites"),
    *("servers", "flows"),
)
"""Collections that no module has."""
_MOST_PLACEMENTS = 50_000


@dataclass(slots=True)
class _Collected:
    """Objects by absolute name, filled while modules are placed."""

    nodes: dict[str, Node] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    redundancy: dict[str, Redundancy] = field(default_factory=dict)
    origins: dict[tuple[str, str], Origin] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    prefixes: set[str] = field(default_factory=set)
    kept: Mapping[str, list[int]] = field(default_factory=dict)
    """Index in the file of each entry of the document's lists, where wrong ones were left out."""
    left_out: set[tuple[str, str]] = field(default_factory=set)
    """Collection and name of what did not validate; a name ending in / stands for a placement."""
    placements: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The circumstances that a placement hands to the members of a module."""

    prefix: str = ""
    connect: Mapping[str, str] = field(default_factory=dict)
    corner_m: Point | None = None
    floor: str | None = None
    zone: str | None = None
    modules_on_the_way: tuple[str, ...] = ()


def load_design(path: str | os.PathLike[str]) -> tuple[Design, tuple[Finding, ...]]:
    """Read a design with its modules placed; findings may be warnings only.

    Raises:
        DesignError: With every finding, when any of them is an error.
    """
    design, findings = read_design(path)
    if design is None or has_errors(findings):
        raise DesignError(findings)
    return design, findings


def read_design(path: str | os.PathLike[str]) -> tuple[Design | None, tuple[Finding, ...]]:
    """Read as much of a design as can be read, for an editor that shows wrong designs too.

    Returns:
        The design, without the objects that could not be validated (None when
        the document's own head is wrong), and the findings.

    Raises:
        DesignError: When the file cannot be read at all.
    """
    source = read_document(path)
    head, findings, kept = _head(source)
    if head is None:
        return None, tuple(findings)
    collected = _Collected(findings=findings, kept=kept)
    raw: dict[str, Any] = source.data if isinstance(source.data, dict) else {}
    _note_left_out(collected, head, raw)
    _collect(collected, source, head, (), (), _Place())
    _place_all(collected, source, head.modules, raw.get("modules", {}), head, (), _Place())
    for group in _GROUPS_OF_THE_TOP:
        for name in getattr(head, group):
            collected.origins[group, name] = Origin(source=source, path=(group, name))
    for group in ("tsn", "schedule"):
        collected.origins[group, ""] = Origin(source=source, path=(group,))
    folder = FilePath(os.fspath(path)).parent
    design = Design(
        name=head.name,
        description=head.description,
        addressing=head.addressing,
        addressing_mark=mark_of(source.marks, ("addressing", "prefix")),
        catalog=_catalog([folder / layer for layer in head.catalog], collected),
        sites=head.sites,
        routes=head.routes,
        zones=head.zones,
        conduits=head.conduits,
        networks=head.networks,
        nodes=collected.nodes,
        links=collected.links,
        streams=collected.streams,
        relations=collected.relations,
        chains=collected.chains,
        redundancy=collected.redundancy,
        offers=head.offers,
        faults=head.faults,
        tsn=head.tsn,
        schedule=head.schedule,
        servers=head.servers,
        fluid=head.fluid,
        flows=head.flows,
        origins=collected.origins,
        left_out=frozenset(collected.left_out),
    )
    return design, tuple(collected.findings)


def _catalog(layers: list[FilePath], collected: _Collected) -> Catalog:
    """The catalogue with the project's layers, or without them when they are wrong."""
    try:
        return Catalog.load(layers)
    except DesignError as error:
        collected.findings.extend(error.findings)
        return Catalog.load()


def _note_left_out(collected: _Collected, head: Document, raw: Mapping[str, Any]) -> None:
    """Remember what is written but did not validate, so that nobody calls it missing."""
    for group, written in raw.items():
        kept = getattr(head, group, None)
        if isinstance(written, dict) and isinstance(kept, dict):
            collected.left_out.update((group, name) for name in written if name not in kept)
        elif isinstance(written, dict) and group in Document.model_fields:
            collected.left_out.update((group, name) for name in written)
        elif group == "place" and isinstance(written, list):
            for one in written:
                prefix = one.get("as") if isinstance(one, dict) else None
                if not any(placement.prefix == prefix for placement in head.place):
                    collected.left_out.add(("nodes", f"{prefix}/"))
        elif group == "links" and isinstance(written, list) and len(written) != len(head.links):
            collected.left_out.add(("links", ""))


def _head(source: Source) -> tuple[Document | None, list[Finding], Mapping[str, list[int]]]:
    """The document without what does not validate, the findings, the entries of lists kept."""
    if not isinstance(source.data, dict):
        finding = Finding(
            code="DESIGN-NOT-A-MAPPING",
            severity=Severity.ERROR,
            message="a design is a mapping of keys",
            mark=mark_of(source.marks, ()),
            expected="'plantwire: 1', 'name: ...', 'nodes: ...'",
            found="a list" if isinstance(source.data, list) else repr(source.data)[:60],
            hint="start with 'plantwire: 1'",
        )
        return None, [finding], {}
    data: dict[str, Any] = source.data
    wrong: list[Path] = []
    document, findings = validate(
        Document, data, mark_at=lambda path: mark_of(source.marks, path), wrong=wrong
    )
    if document is not None:
        return document, findings, {}
    data, kept = _without_wrong_parts(data, wrong)
    document, _ = validate(Document, data, mark_at=lambda path: mark_of(source.marks, path))
    return document, findings, kept


def _without_wrong_parts(
    data: dict[str, Any], wrong: list[Path]
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """The document without the objects that do not validate; entries of lists kept."""
    whole = set(wrong)
    heads = {path[:2] for path in wrong}
    kept: dict[str, Any] = {}
    indices: dict[str, list[int]] = {}
    known = {f.alias or name for name, f in Document.model_fields.items()}
    for key, value in data.items():
        if key not in known or (key,) in whole:
            continue
        if isinstance(value, dict):
            kept[key] = {name: one for name, one in value.items() if (key, name) not in heads}
        elif isinstance(value, list):
            right = [index for index in range(len(value)) if (key, index) not in heads]
            kept[key] = [value[index] for index in right]
            indices[key] = right
        else:
            kept[key] = value
    return kept, indices


def _place_all(
    collected: _Collected,
    source: Source,
    modules: Mapping[str, Module],
    raw_modules: Mapping[str, Any],
    fragment: Fragment,
    base: Path,
    place: _Place,
) -> None:
    """Place every module that a fragment asks for, and those that these ask for."""
    for index, placement in enumerate(fragment.place):
        in_file = collected.kept["place"][index] if not base and collected.kept else index
        path: Path = (*base, "place", in_file)
        if not _may_place(collected, source, modules, placement, path, place):
            collected.left_out.add(("nodes", f"{place.prefix}{placement.prefix}/"))
            if collected.placements > _MOST_PLACEMENTS:
                return
            continue
        inner = _Place(
            prefix=f"{place.prefix}{placement.prefix}/",
            connect=dict(placement.connect),
            corner_m=_shifted(placement.at_m, place.corner_m),
            floor=placement.floor or place.floor,
            zone=placement.zone or place.zone,
            modules_on_the_way=(*place.modules_on_the_way, placement.module),
        )
        module_path: Path = ("modules", placement.module)
        override: Path = (*path, "override")
        data = _merged(raw_modules[placement.module], placement.override)

        def mark_at(
            inside: Path, module_path: Path = module_path, override: Path = override
        ) -> Mark | None:
            where = override + inside
            if where not in source.marks:
                where = module_path + inside
            return mark_of(source.marks, where)

        module, findings = validate(
            Module,
            data,
            mark_at=mark_at,
            base=module_path,
            context={"prefix": inner.prefix, "connect": inner.connect},
        )
        collected.findings.extend(findings)
        if module is None:
            collected.left_out.add(("nodes", inner.prefix))
            continue
        _collect(collected, source, module, module_path, override, inner)
        _place_all(collected, source, modules, raw_modules, module, module_path, inner)


def _may_place(
    collected: _Collected,
    source: Source,
    modules: Mapping[str, Module],
    placement: Placement,
    path: Path,
    place: _Place,
) -> bool:
    def refuse(code: str, key: str, message: str, expected: str, found: str, hint: str) -> bool:
        collected.findings.append(
            Finding(
                code=code,
                severity=Severity.ERROR,
                message=message,
                mark=mark_of(source.marks, (*path, key)),
                path=path_text((*path, key)),
                expected=expected,
                found=found,
                hint=hint,
            )
        )
        return False

    collected.placements += 1
    if max(len(collected.origins), collected.placements) > _MOST_PLACEMENTS:
        if any(finding.code == "DESIGN-TOO-LARGE" for finding in collected.findings):
            return False
        return refuse(
            "DESIGN-TOO-LARGE", "module", "modules place more than a design may hold",
            f"at most {_MOST_PLACEMENTS} objects and placements", "more", "divide the plant",
        )  # fmt: skip
    module = modules.get(placement.module)
    if module is None and ("modules", placement.module) in collected.left_out:
        return False
    if module is None:
        known = ", ".join(sorted(modules)) or "none"
        return refuse(
            "DESIGN-MODULE-UNKNOWN", "module", f"there is no module '{placement.module}'",
            f"one of: {known}", placement.module, "define it under 'modules'",
        )  # fmt: skip
    way = (*place.modules_on_the_way, placement.module)
    if placement.module in place.modules_on_the_way or len(way) > _DEEPEST_PLACEMENT:
        return refuse(
            "DESIGN-MODULE-LOOP", "module", "modules place one another without end",
            "a module that does not contain itself", " -> ".join(way), "break the loop",
        )  # fmt: skip
    for name in module.needs:
        if name not in placement.connect:
            return refuse(
                "DESIGN-MODULE-NEEDS", "connect", f"module '{placement.module}' needs '{name}'",
                f"'{name}: ...' under 'connect'", ", ".join(placement.connect) or "nothing",
                f"connect '{name}' to a node or port of the plant",
            )  # fmt: skip
    prefix = f"{place.prefix}{placement.prefix}/"
    if prefix in collected.prefixes:
        return refuse(
            "DESIGN-NAME-DUPLICATE", "as", f"'{prefix}' is used by another placement",
            "a prefix of its own", placement.prefix, "choose another name after 'as'",
        )  # fmt: skip
    collected.prefixes.add(prefix)
    return True


def _collect(
    collected: _Collected,
    source: Source,
    fragment: Fragment,
    base: Path,
    override: Path,
    place: _Place,
) -> None:
    """Take over a fragment's objects under their absolute names."""

    def origin(*keys: str | int) -> Origin:
        return Origin(
            source=source, path=(*base, *keys), override=(*override, *keys) if override else ()
        )

    for name, node in fragment.nodes.items():
        collected.nodes[place.prefix + name] = _node_in_place(node, place)
        collected.origins["nodes", place.prefix + name] = origin("nodes", name)
    targets: tuple[tuple[str, Mapping[str, Any], dict[str, Any]], ...] = (
        ("streams", fragment.streams, collected.streams),
        ("relations", fragment.relations, collected.relations),
        ("chains", fragment.chains, collected.chains),
        ("redundancy", fragment.redundancy, collected.redundancy),
    )
    for group, objects, target in targets:
        for name, one in objects.items():
            target[place.prefix + name] = one
            collected.origins[group, place.prefix + name] = origin(group, name)
    for index, name, link in _named_links(fragment, collected.links):
        if not base and "links" in collected.kept:
            index = collected.kept["links"][index]  # noqa: PLW2901 - the place in the file
        collected.links[name] = link
        collected.origins["links", name] = origin("links", index)


def _named_links(fragment: Fragment, taken: Mapping[str, Link]) -> Iterator[tuple[int, str, Link]]:
    """Links with a name made of their ends; a second one between the same ends gets a number."""
    for index, link in enumerate(fragment.links):
        name = stem = "--".join(link.between)
        number = 2
        while name in taken:
            name = f"{stem}#{number}"
            number += 1
        yield index, name, link


def _node_in_place(node: Node, place: _Place) -> Node:
    changes: dict[str, object] = {}
    if place.corner_m is not None and node.at_m is not None:
        changes["at_m"] = _shifted(node.at_m, place.corner_m)
    elif place.corner_m is not None:
        changes["at_m"] = place.corner_m
    if node.floor is None and place.floor is not None:
        changes["floor"] = place.floor
    if node.zone is None and place.zone is not None:
        changes["zone"] = place.zone
    return node.model_copy(update=changes) if changes else node


def _shifted(point_m: Point | None, corner_m: Point | None) -> Point | None:
    if point_m is None or corner_m is None:
        return point_m if corner_m is None else corner_m
    size = max(len(point_m), len(corner_m))
    padded = [(*one, *([0.0] * (size - len(one)))) for one in (point_m, corner_m)]
    return tuple(a + b for a, b in zip(*padded, strict=True))


def _merged(base: Any, change: Any) -> Any:
    """Mappings merged key by key, everything else replaced; the inputs stay as they are."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return copy.deepcopy(change)
    merged = dict(base)
    for key, value in change.items():
        merged[key] = _merged(base[key], value) if key in base else copy.deepcopy(value)
    return merged

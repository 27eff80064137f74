# SPDX-License-Identifier: Apache-2.0
"""The configuration of a plant for devices and tools, from its plan: file names and texts.

``yang/<node>.json`` and ``.xml`` configure a node, ``yang/<node>.change<n>`` are later gate lists,
``taprio/<node>.sh`` sets up a Linux node, ``cnc/streams`` tells the streams and what is proven of them,
``notes.txt`` says what the formats could not express. Writing them is up to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass

from netplan.design.findings import Finding
from netplan.exchange.notes import Notes
from netplan.exchange.survey import Station, stations
from netplan.exchange.taprio import script
from netplan.exchange.yang_cnc import cnc_tree
from netplan.exchange.yang_device import change_tree, device_tree
from netplan.exchange.yang_tree import Tree, json_text, xml_text
from netplan.plan.model import Plan
from netplan.verdict.evidence import BoundEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """Texts by path, and what to know about them."""

    files: dict[str, str]
    findings: tuple[Finding, ...]


def export(plan: Plan, bound: BoundEvidence | None = None) -> dict[str, str]:
    """All files for a plan by relative path, ``notes.txt`` among them when there is something to say.

    Args:
        plan: The plan.
        bound: What is proven of it, for the status of the streams.
    """
    exported = export_with_findings(plan, bound)
    files = dict(exported.files)
    if exported.findings:
        files["notes.txt"] = "".join(finding.text() + "\n" for finding in exported.findings)
    return files


def export_with_findings(plan: Plan, bound: BoundEvidence | None = None) -> Exported:
    """All files for a plan, with the notes as findings."""
    notes = Notes()
    files: dict[str, str] = {}
    places = stations(plan)
    for station in places.values():
        _both(files, f"yang/{station.name}", device_tree(plan, station, notes))
        for index in range(1, _list_count(plan, station)):
            tree = change_tree(plan, station, index, notes)
            _both(files, f"yang/{station.name}.change{index}", tree)
        commands = script(plan, station, notes)
        if commands is not None:
            files[f"taprio/{station.name}.sh"] = commands
    _both(files, "cnc/streams", cnc_tree(plan, places, bound, notes))
    for ring in plan.rings:
        notes.note(
            "EXPORT-RING", ring.name, "no file sets up the redundancy protocol of this ring",
            "set the roles and parameters of its nodes as the design says",
        )  # fmt: skip
    return Exported(files=files, findings=notes.findings)


def _both(files: dict[str, str], path: str, tree: Tree | None) -> None:
    if tree is not None:
        files[f"{path}.json"] = json_text(tree)
        files[f"{path}.xml"] = xml_text(tree)


def _list_count(plan: Plan, station: Station) -> int:
    """Gate lists that a node goes through."""
    rules = [plan.egresses[index].rules for index in station.transmitters.values()]
    return max((len(one.gates) for one in rules if one is not None), default=0)

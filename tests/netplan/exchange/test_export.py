# SPDX-License-Identifier: Apache-2.0
"""All files of a plan together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from netplan.design.load import load_design
from netplan.exchange.export import export, export_with_findings
from netplan.plan.make import make_plan
from support.scheduled_plans import gated_plan

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["two-switches", "automotive-body-shop"])
def test_every_plant_can_be_exported(name: str) -> None:
    design, _ = load_design(ROOT / "topologies" / name / "design.yaml")
    plan = make_plan(design)
    exported = export_with_findings(plan)
    for path, text in exported.files.items():
        if path.endswith(".json"):
            assert json.loads(text)
        elif path.endswith(".xml"):
            # several top-level elements: the content of a NETCONF message
            assert len(ET.fromstring(f"<data>{text}</data>"))  # noqa: S314 - our own text
    # a bridge is one that passes streams on; each has a file
    forwarding = {
        hop.from_node for one in plan.streams for hop in one.hops if hop.parent_index >= 0
    }
    assert {f"yang/{node}.json" for node in forwarding} <= set(exported.files)
    streams = json.loads(exported.files["cnc/streams.json"])
    listed = streams["ieee802-dot1q-cnc-config:cnc-config"]["domain"][0]["cuc"][0]["stream"]
    assert len({one["stream-id"] for one in listed}) == len(plan.streams)
    # the same plan gives the same files
    assert export_with_findings(plan).files == exported.files


def test_paths_of_a_plan() -> None:
    assert set(export(gated_plan())) == {
        *("yang/sw1.json", "yang/sw1.xml", "taprio/plc1.sh", "taprio/sw1.sh"),
        *("cnc/streams.json", "cnc/streams.xml", "notes.txt"),
    }


def test_an_empty_plan_has_no_files() -> None:
    assert export(replace(gated_plan(), streams=(), egresses=(), targets=())) == {}

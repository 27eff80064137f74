# SPDX-License-Identifier: Apache-2.0
"""What is exported, held against the published YANG modules by yanglint (libyang).

The modules are not part of this repository: PLANTWIRE_YANG names their folder, else one beside the
checkout is used (``../shared/yang``).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from netplan.exchange.export import export
from netplan.plan.model import Plan
from netplan.tsn.mechanisms import (
    GateEntry,
    GateList,
    PortRules,
    QueueRule,
    Selection,
    StreamFilter,
)
from netplan.verdict.evidence import BoundEvidence, StreamBound
from support.scheduled_plans import (
    SHAPED,
    end_to_end_plan,
    gated_plan,
    granted_plan,
    queues,
    redundant_plan,
)
from support.small_plans import NS, US, PlanBuilder, Step

ROOT = Path(__file__).parents[3]
MODULES = Path(os.environ.get("PLANTWIRE_YANG", ROOT.parent / "shared" / "yang"))

YANGLINT = shutil.which("yanglint") or ""

pytestmark = [
    pytest.mark.skipif(not YANGLINT, reason="yanglint (libyang2-tools) is not installed"),
    pytest.mark.skipif(
        not MODULES.is_dir(), reason=f"no YANG modules in {MODULES}: set PLANTWIRE_YANG"
    ),
]

BRIDGE_MODULES = (
    *("ieee802-dot1q-types", "ieee802-dot1q-sched", "ieee802-dot1q-psfp"),
    *("ieee802-dot1q-sched-bridge", "ieee802-dot1q-preemption-bridge"),
    *("ieee802-dot1q-psfp-bridge", "ieee802-dot1q-ats-bridge", "ieee802-dot1q-cbsa-bridge"),
    *("ieee802-dot1cb-frer", "ieee802-dot1cb-stream-identification", "iana-if-type"),
)


def varied_plan() -> Plan:
    """Four queues, round robin, later gate lists, a VLAN, a filter alone, a long name."""
    later = GateList(
        base_ps=10**12,
        cycle_ps=312_500,
        entries=(GateEntry(duration_ps=100 * NS, open_queues=8),),
        extension_ps=3 * US,
    )
    first = GateList(
        base_ps=0,
        cycle_ps=1000 * US,
        entries=tuple(GateEntry(duration_ps=125 * US, open_queues=one) for one in range(8)),
    )
    rules = PortRules(
        queues=queues(
            4,
            q1=QueueRule(selection=Selection.ROUND_ROBIN, quantum_octets=1500),
            q2=QueueRule(selection=Selection.ROUND_ROBIN, quantum_octets=500),
        ),
        gates=(first, later),
    )
    name = "hall2/cell17/line-with-a-long-name/sw1"
    builder = PlanBuilder()
    builder.wire("t.p1").wire(f"{name}.p10", rules=rules, queue_count=4).wire(f"{name}.p2")
    reception = replace(SHAPED, filter=StreamFilter(name="f", largest_frame_octets=500))
    builder.stream(
        "s",
        [
            Step(egress="t.p1", to=name, reception=reception),
            Step(egress=f"{name}.p10", to="l", parent=0),
            Step(egress=f"{name}.p2", to="m", parent=0),
        ],
    )
    return builder.plan()


PLANS = {
    "gated": gated_plan,
    "redundant bridges": redundant_plan,
    "redundant end stations": end_to_end_plan,
    "granted": granted_plan,
    "varied": varied_plan,
}


def proven(plan: Plan) -> BoundEvidence:
    """A bound of 1 ms for every listener."""
    return BoundEvidence(
        design_hash=plan.design_hash,
        method="test",
        streams=tuple(
            StreamBound(
                stream_index=stream_index,
                listener_index=listener_index,
                bound_ps=1000 * US,
                talker_wait_ps=1,
                minimum_ps=0,
                exceedance_probability=0.0,
                hops=(),
                loss_free=True,
            )
            for stream_index, stream in enumerate(plan.streams)
            for listener_index in range(len(stream.listeners))
        ),
        egresses=(),
        chains=(),
        assumptions=(),
    )


def yanglint(modules: set[str], kind: str, file: Path) -> dict[str, Any]:
    """Have a file accepted as data of the modules; returns what yanglint read."""
    schemas = [
        schema
        for module in sorted(modules)
        for schema in MODULES.glob("*.yang")
        if schema.stem.partition("@")[0] == module
    ]
    assert len(schemas) == len(modules)
    result = subprocess.run(
        [YANGLINT, "-p", str(MODULES), "-t", kind, "-f", "json", *map(str, schemas), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, ""), f"{file.name}: {result.stderr}"
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


def named(text: str) -> set[str]:
    """Modules that a JSON text names."""
    return set(re.findall(r'"((?:ieee802|ietf|iana)-[a-z0-9-]+):', text))


def unordered(data: Any) -> Any:
    """Data with its leaf-lists sorted: their order says nothing."""
    if isinstance(data, dict):
        return {name: unordered(inner) for name, inner in data.items()}
    if isinstance(data, list):
        inner = [unordered(item) for item in data]
        return inner if any(isinstance(item, dict) for item in inner) else sorted(inner, key=str)
    return data


@pytest.mark.parametrize("name", PLANS)
def test_the_published_modules_accept_every_file(name: str, tmp_path: Path) -> None:
    plan = PLANS[name]()
    files = export(plan, proven(plan))
    trees = [path for path in files if path.endswith(".json")]
    assert len(trees) >= 2
    for path in trees:
        modules, kind = named(files[path]), "config"
        if path.startswith("cnc/"):
            kind = "data"  # status, too
        elif "ieee802-dot1q-bridge:" in files[path]:
            # a bridge knows all of them, so that the constraints of all bind it
            modules |= set(BRIDGE_MODULES)
        for ending in (".json", ".xml"):
            file = tmp_path / f"tree{ending}"
            file.write_text(files[path.removesuffix(".json") + ending])
            read = yanglint(modules, kind, file)
            # both encodings carry the same data, and all of it
            assert unordered(read) == unordered(json.loads(files[path])), f"{path} as {ending}"


def test_a_wrong_tree_is_refused(tmp_path: Path) -> None:
    """The acceptance above means something: a list longer than the port supports is not accepted."""
    text = export(gated_plan())["yang/sw1.json"]
    file = tmp_path / "tree.json"
    file.write_text(text.replace('"supported-list-max": 2', '"supported-list-max": 1'))
    with pytest.raises(AssertionError, match="supported-list-max"):
        yanglint(named(text) | set(BRIDGE_MODULES), "config", file)

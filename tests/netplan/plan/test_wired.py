# SPDX-License-Identifier: Apache-2.0
"""Links of copper and fibre: which optical module is taken, and what a link may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.small_designs import HEAD, found_in, line_of, the

NODES = HEAD + "nodes: {a: {is: server}, b: {is: server}, c: {is: plc}, d: {is: plc}}\n"
FLOW = "streams: {x: {from: a, to: b, size: 1 B, every: 1 ms}}\n"


def findings_of(folder: Path, link: str) -> dict[str, tuple[str, int]]:
    """Code of each error with what it is about and its line."""
    text = NODES + f"links:\n  - {{between: [a.p1, b.p1], {link}}}\n" + FLOW
    found = [finding for finding in found_in(folder, text) if finding.severity == "error"]
    return {finding.code: (finding.path, line_of(finding)) for finding in found}


@pytest.mark.parametrize(
    "link",
    [
        "medium: om4, length: 100 m",  # 10GBASE-SR reaches 300 m
        "medium: om4, length: 400 m, rate: 1 Gbit/s",  # 1000BASE-SX reaches 550 m
        "medium: g652d, length: 5 km",  # 10GBASE-LR reaches 10 km
        "medium: g652d, length: 7 km, rate: 1 Gbit/s",  # 1000BASE-LX has 5 km, LX10 10 km
        "medium: g652d, length: 30 km, connectors: 4",  # 10GBASE-ER reaches 40 km
        "medium: g652d, length: 5 km, transceiver: 10gbase-lr",
    ],
)
def test_a_module_that_fits_is_found(tmp_path: Path, link: str) -> None:
    assert findings_of(tmp_path, link) == {}


@pytest.mark.parametrize(
    ("link", "code", "path"),
    [
        ("medium: om4, length: 301 m", "FIBRE-LINK-LONG", "links[0]"),
        ("medium: g652d, length: 41 km", "FIBRE-LINK-LONG", "links[0]"),
        (
            "medium: g652d, length: 5 km, transceiver: 10gbase-lx",
            *("LINK-TRANSCEIVER-UNKNOWN", "links[0].transceiver"),
        ),
        (
            "medium: g652d, length: 100 m, transceiver: 10gbase-sr",
            *("FIBRE-MODE-MISMATCH", "links[0]"),
        ),
        (
            "medium: om4, length: 100 m, transceiver: 1000base-sx",
            *("FIBRE-RATE-MISMATCH", "links[0]"),
        ),
        ("medium: g652d, length: 9 km, splices: 100", "FIBRE-POWER-LOW", "links[0]"),
    ],
)
def test_no_module_fits(tmp_path: Path, link: str, code: str, path: str) -> None:
    assert findings_of(tmp_path, link)[code] == (path, 5)


def test_no_module_for_a_rate(tmp_path: Path) -> None:
    """The catalogue has no module for 2.5 Gbit/s over multimode fibre."""
    folder = tmp_path / "catalog" / "device"
    folder.mkdir(parents=True)
    (folder / "odd.yaml").write_text(
        "kind: device\nid: odd\nname: odd\nchecked_on: 2026-01-01\n"
        "ports: [{prefix: p, count: 1, connector: sfp, rates: [2.5 Gbit/s], source: test}]\n"
    )
    text = (
        HEAD
        + "catalog: [catalog]\nnodes: {a: {is: server, model: odd}, b: {is: server, model: odd}}\n"
        + "links:\n  - {between: [a, b], medium: om4, length: 1 m}\n"
    )
    finding = the(found_in(tmp_path, text), "LINK-TRANSCEIVER-NONE")
    assert (line_of(finding), finding.path) == (6, "links[0].medium")
    assert finding.expected == "a multi-mode module for 2.5 Gbit/s"


@pytest.mark.parametrize(
    ("length", "rate", "code"),
    [("101 m", "1 Gbit/s", "ETHERNET-CABLE-LONG"), ("10 m", "1 Gbit/s", None)],
)
def test_copper(tmp_path: Path, length: str, rate: str, code: str | None) -> None:
    link = f"  - {{between: [c, d], medium: cat6a, length: {length}, rate: {rate}}}\n"
    codes = {one.code for one in found_in(tmp_path, NODES + "links:\n" + link)}
    assert code is None or code in codes
    assert code is not None or not any(one.startswith("ETHERNET") for one in codes)


def test_the_attenuator_that_a_hint_asks_for_helps(tmp_path: Path) -> None:
    """10GBASE-ER over 1 km is too bright for its own receiver."""
    link = "medium: g652d, length: 1 km, transceiver: 10gbase-er"
    assert findings_of(tmp_path, link).keys() == {"FIBRE-POWER-HIGH"}
    assert findings_of(tmp_path, link + ", attenuator: 8 dB") == {}


@pytest.mark.parametrize("extra", ["transceiver: 10gbase-sr", "splices: 3", "attenuator: 3 dB"])
def test_what_means_nothing_on_a_copper_link_is_told(tmp_path: Path, extra: str) -> None:
    """Nothing is silently ignored: an option that a medium cannot honour is a finding."""
    link = f"  - {{between: [c, d], medium: cat6a, length: 9 m, {extra}}}\n"
    key = extra.partition(":")[0]
    assert any(key in one.path for one in found_in(tmp_path, NODES + "links:\n" + link))

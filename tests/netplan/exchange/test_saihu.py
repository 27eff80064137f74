# SPDX-License-Identifier: Apache-2.0
"""Output-port networks of Saihu: units, defaults, and what a wrong file is told."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netplan.design.findings import DesignError, Severity
from netplan.exchange.saihu import SaihuFile, read_saihu

GOOD: dict[str, Any] = {
    "network": {
        "name": "demo",
        "multiplexing": "FIFO",
        "analysis_option": ["IS"],
        "packetizer": False,
        "time_unit": "us",
        "data_unit": "kB",
        "rate_unit": "Mbps",
    },
    "flows": [
        {
            "name": "f",
            "path": ["a", "b"],
            "arrival_curve": {"bursts": [1, "10kb"], "rates": [100, "20Mbps"]},
            "max_packet_length": "50B",
        },
        {
            "name": "g",
            "path": ["b"],
            "arrival_curve": {"bursts": [8000], "rates": ["1.5MBps"]},
            "data_unit": "b",
        },
    ],
    "servers": [
        {
            "name": "a",
            "service_curve": {"latencies": [10, "0.1ms"], "rates": [50, "100Mbps"]},
            "capacity": 100,
        },
        {
            "name": "b",
            "service_curve": {"latencies": ["1e-2ms"], "rates": [1e2]},
            "capacity": "0.1Gbps",
        },
    ],
}


def read(document: Any, folder: Path, indent: int | None = 1) -> SaihuFile:
    file = folder / "network.json"
    file.write_text(json.dumps(document, indent=indent), encoding="utf-8")
    return read_saihu(file)


def fractions(*pairs: tuple[int, int]) -> list[tuple[Fraction, Fraction]]:
    return [(Fraction(first), Fraction(second)) for first, second in pairs]


def test_reads_units(tmp_path: Path) -> None:
    network = read(GOOD, tmp_path).network
    first, second = network.flows
    assert first.paths == (("a", "b"),)
    buckets = [(bucket.burst_bits, bucket.rate_bps) for bucket in first.buckets]
    assert buckets == fractions((8000, 10**8), (10_000, 2 * 10**7))
    assert first.largest_packet_bits == 400
    # 1.5 MB/s = 12 Mb/s; plain numbers of this flow are bits
    buckets = [(bucket.burst_bits, bucket.rate_bps) for bucket in second.buckets]
    assert buckets == fractions((8000, 12 * 10**6))
    a, b = network.servers
    pieces = [(piece.rate_bps, piece.latency_ps) for piece in a.pieces]
    assert pieces == fractions((5 * 10**7, 10**7), (10**8, 10**8))
    pieces = [(piece.rate_bps, piece.latency_ps) for piece in b.pieces]
    assert pieces == fractions((10**8, 10**7))
    assert a.capacity_bps == b.capacity_bps == 10**8


def test_decimals_are_exact(tmp_path: Path) -> None:
    document = deepcopy(GOOD)
    document["servers"][0]["service_curve"]["rates"][0] = "56.97689642625719Mbps"
    document["servers"][1]["service_curve"]["latencies"] = [1e-09]
    a, b = read(document, tmp_path).network.servers
    assert a.pieces[0].rate_bps == Fraction(5697689642625719, 10**8)
    assert b.pieces[0].latency_ps == Fraction(1, 10**3)


def test_defaults_of_the_network(tmp_path: Path) -> None:
    document = deepcopy(GOOD)
    document["network"] |= {
        "arrival_curve": {"bursts": [2], "rates": [3]},
        "service_curve": {"latencies": [4], "rates": [5]},
        "capacity": 6,
        "max_packet_length": 1,
        "multiplexing": "FIFO",
    }
    del document["flows"][1]["arrival_curve"], document["servers"][0]["service_curve"]
    del document["servers"][0]["capacity"]
    network = read(document, tmp_path).network
    assert network.flows[1].buckets[0].burst_bits == 16_000  # kB of the network
    assert network.flows[1].largest_packet_bits == 8000
    assert network.servers[0].pieces[0].latency_ps == 4 * 10**6
    assert network.servers[0].capacity_bps == 6 * 10**6


def test_multicast_paths(tmp_path: Path) -> None:
    document = deepcopy(GOOD)
    document["flows"][0]["multicast"] = [{"name": "copy", "path": ["a"]}]
    assert read(document, tmp_path).network.flows[0].paths == (("a", "b"), ("a",))


def test_options_of_other_tools_are_noted(tmp_path: Path) -> None:
    document = deepcopy(GOOD)
    document["network"]["analysis_option"] = ["IS", "CEIL"]
    del document["servers"][0]["capacity"]
    findings = read(document, tmp_path).findings
    assert {finding.severity for finding in findings} == {Severity.NOTE}
    assert {finding.code for finding in findings} == {"SAIHU-OPTION", "SAIHU-CAPACITY"}


@pytest.mark.parametrize(
    ("place", "value", "code"),
    [
        (("network",), 3, "SAIHU-KIND"),
        (("network", "multiplexing"), "ARBITRARY", "SAIHU-MULTIPLEXING"),
        (("network", "time_unit"), "fortnight", "SAIHU-UNIT"),
        (("network", "packetizer"), "yes", "SAIHU-KIND"),
        (("network", "analysis_option"), ["XY"], "SAIHU-OPTION"),
        (("flows",), {}, "SAIHU-KIND"),
        (("flows", 0), "f", "SAIHU-KIND"),
        (("flows", 0, "name"), "", "SAIHU-NAME"),
        (("flows", 1, "name"), "f", "SAIHU-NAME"),
        (("flows", 0, "path"), [], "SAIHU-PATH"),
        (("flows", 0, "path"), ["a", "nowhere"], "SAIHU-PATH"),
        (("flows", 0, "path"), ["a", "b", "a"], "SAIHU-PATH"),
        (("flows", 0, "multicast"), 7, "SAIHU-KIND"),
        (("flows", 0, "arrival_curve"), None, "SAIHU-CURVE"),
        (("flows", 0, "arrival_curve", "bursts"), [1], "SAIHU-CURVE"),
        (("flows", 0, "arrival_curve", "bursts", 0), "1us", "SAIHU-NUMBER"),
        (("flows", 0, "arrival_curve", "bursts", 0), -1, "SAIHU-NUMBER"),
        (("flows", 0, "arrival_curve", "rates", 1), "20Mbpd", "SAIHU-NUMBER"),
        (("flows", 0, "arrival_curve", "rates", 1), "1e999bps", "SAIHU-NUMBER"),
        (("flows", 0, "max_packet_length"), True, "SAIHU-NUMBER"),
        (("servers",), [], "SAIHU-KIND"),
        (("servers", 0, "service_curve", "rates"), [0, 0], "SAIHU-NUMBER"),
        (("servers", 0, "capacity"), 0, "SAIHU-NUMBER"),
        (("servers", 0, "capacity"), [], "SAIHU-NUMBER"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    place: tuple[str | int, ...], value: Any, code: str, tmp_path: Path
) -> None:
    document: Any = deepcopy(GOOD)
    around = document
    for part in place[:-1]:
        around = around[part]
    around[place[-1]] = value
    with pytest.raises(DesignError) as caught:
        read(document, tmp_path)
    finding = next(one for one in caught.value.findings if one.code == code)
    assert finding.mark is not None
    assert finding.mark.line >= 1
    assert finding.message
    assert finding.expected
    assert finding.hint


def test_a_file_that_is_no_json(tmp_path: Path) -> None:
    file = tmp_path / "network.json"
    file.write_text('{"network": {', encoding="utf-8")
    with pytest.raises(DesignError):
        read_saihu(file)
    with pytest.raises(DesignError):
        read_saihu(tmp_path / "missing.json")
    with pytest.raises(DesignError):
        read([1, 2], tmp_path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


def places(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(data, dict):
        items = list(data.items())
    elif isinstance(data, list):
        items = list(enumerate(data))
    return [path, *(found for part, value in items for found in places(value, (*path, part)))]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.sampled_from(places(GOOD)[1:]), value=VALUES)
def test_any_value_anywhere_is_read_or_refused(
    place: tuple[str | int, ...], value: Any, tmp_path: Path
) -> None:
    document: Any = deepcopy(GOOD)
    around = document
    for part in place[:-1]:
        around = around[part]
    around[place[-1]] = value
    with suppress(DesignError):
        read(document, tmp_path)

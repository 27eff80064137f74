# SPDX-License-Identifier: Apache-2.0
"""Random small plants as design documents, for laws that must hold on any design."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_SWITCHES = ("generic-tsn-16x1g-4x10g-sfp", "generic-switch-16x100m")
_HOSTS = {"plc": "generic-plc", "robot": "generic-robot", "drive": "generic-drive-100m"}
_NETWORKS: dict[str, Any] = {
    "cell": {
        "kind": "5g", "carrier": "3.75 GHz", "bandwidth": "40 MHz",
        "subcarrier_spacing": "30 kHz", "pattern": "DDSU", "block_error": 0.01, "retries": 4,
    },
    "wlan": {"kind": "iwlan", "carrier": "5.2 GHz", "quota": "2300 B"},
    "pon": {
        "kind": "pon", "system": "xgs-pon", "budget": "xgs-pon-n1", "reach": "1 km",
        "grant": "300 Mbit/s", "bursts_per_frame": 2,
    },
}  # fmt: skip


@st.composite
def designs(draw: st.DrawFn) -> dict[str, Any]:
    """A plant of a few switches in a tree or ring, hosts, perhaps radio and a PON, and streams."""
    switch_count = draw(st.integers(1, 5))
    switches = [f"sw{index}" for index in range(switch_count)]
    nodes: dict[str, Any] = {
        name: {"is": "tsn-bridge", "model": draw(st.sampled_from(_SWITCHES))} for name in switches
    }
    links: list[dict[str, Any]] = []
    for index in range(1, switch_count):
        links.append(_link(draw, switches[draw(st.integers(0, index - 1))], switches[index]))
    if switch_count > 2 and draw(st.booleans()):
        links.append(_link(draw, switches[0], switches[-1]))
    hosts: list[str] = []
    for index in range(draw(st.integers(2, 6))):
        role = draw(st.sampled_from(sorted(_HOSTS)))
        name = f"h{index}"
        nodes[name] = {"is": role, "model": _HOSTS[role]}
        links.append(_link(draw, name, draw(st.sampled_from(switches))))
        hosts.append(name)
    networks: dict[str, Any] = {}
    if draw(st.booleans()):
        hosts += _add_radio(draw, nodes, links, networks, switches)
    if draw(st.booleans()):
        hosts += _add_pon(nodes, links, networks, draw(st.sampled_from(switches)))
    streams = {f"s{index}": _stream(draw, hosts) for index in range(draw(st.integers(1, 10)))}
    return {
        "plantwire": 1, "name": "random", "networks": networks, "nodes": nodes,
        "links": _once_per_pair(links), "streams": streams,
    }  # fmt: skip


def _link(draw: st.DrawFn, one: str, other: str) -> dict[str, Any]:
    length_m = draw(st.integers(1, 90))
    return {
        "between": [one, other],
        "medium": "cat6a",
        "length": f"{length_m} m",
        "rate": "100 Mbit/s",
    }


def _once_per_pair(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {tuple(sorted(link["between"])): link for link in links}
    return list(found.values())


def _add_radio(
    draw: st.DrawFn,
    nodes: dict[str, Any],
    links: list[dict[str, Any]],
    networks: dict[str, Any],
    switches: list[str],
) -> list[str]:
    networks.update(cell=_NETWORKS["cell"], wlan=_NETWORKS["wlan"])
    nodes["gnb"] = {"is": "gnb", "network": "cell", "at": ["10 m", "10 m"]}
    nodes["upf"] = {"is": "upf", "network": "cell"}
    nodes["ap"] = {"is": "access-point", "network": "wlan", "at": ["10 m", "10 m"]}
    nodes["agv"] = {"is": "agv", "at": ["20 m", "20 m"], "attach": {"nr1": {"network": "cell"}}}
    nodes["panel"] = {
        "is": "panel", "at": ["15 m", "12 m"], "attach": {"wlan1": {"network": "wlan"}},
    }  # fmt: skip
    links.append({"between": ["gnb.lan1", "upf.lan1"], "medium": "cat6a", "length": "5 m"})
    links.append(_link(draw, "upf", draw(st.sampled_from(switches))))
    links.append(_link(draw, "ap", draw(st.sampled_from(switches))))
    return ["agv", "panel"]


def _add_pon(
    nodes: dict[str, Any], links: list[dict[str, Any]], networks: dict[str, Any], switch: str
) -> list[str]:
    networks["pon"] = _NETWORKS["pon"]
    nodes["olt"] = {"is": "olt", "network": "pon"}
    nodes["splitter"] = {"is": "splitter", "model": "splitter-1x4"}
    nodes["onu"] = {"is": "onu"}
    nodes["far"] = {"is": "server", "model": "generic-server-1g"}
    links.append({"between": ["olt.pon1", "splitter.in1"], "medium": "g652d", "length": "300 m"})
    links.append(
        {
            "between": ["splitter", "onu"], "medium": "g652d", "length": "200 m",
            "attenuator": "8 dB",
        }
    )  # fmt: skip
    links.append({"between": ["olt.lan1", "far"], "medium": "cat6a", "length": "5 m"})
    links.append({"between": ["onu.p1", switch], "medium": "cat6a", "length": "5 m"})
    return ["far"]


def _stream(draw: st.DrawFn, hosts: list[str]) -> dict[str, Any]:
    talker = draw(st.sampled_from(hosts))
    others = [host for host in hosts if host != talker]
    listeners = draw(st.lists(st.sampled_from(others), min_size=1, max_size=3, unique=True))
    period_ms = draw(st.sampled_from([1, 2, 5, 10]))
    stream: dict[str, Any] = {
        "from": talker,
        "to": listeners,
        "every": f"{period_ms} ms",
        "pcp": draw(st.integers(0, 7)),
        "deadline": f"{period_ms * 4} ms",
        "misses": 1e-4,
    }
    if draw(st.booleans()):
        stream["size"] = f"{draw(st.integers(1, 600))} B"
    else:
        stream["burst"] = f"{draw(st.integers(100, 4000))} B"
        stream["packet"] = f"{draw(st.integers(100, 1400))} B"
    if draw(st.booleans()):
        stream["jitter"] = f"{draw(st.integers(0, 900))} us"
    if draw(st.integers(0, 3)) == 0:
        stream["sporadic"] = True
    return stream

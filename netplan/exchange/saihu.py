# SPDX-License-Identifier: Apache-2.0
"""Reads output-port networks of Saihu, the common interface of network calculus tools.

A JSON object with ``network``, ``flows`` and ``servers``. Numbers are plain, in the units that
the network, the flow or the server says (``time_unit``, ``data_unit``, ``rate_unit``; otherwise s, b
and bps), or text such as ``"10us"``, ``"1kB"`` or ``"100Mbps"``: there ``m`` alone is a minute,
``h`` an hour, ``b`` a bit, ``B`` eight, and multipliers are decimal. Decimal digits are kept exactly.

Source: Tsai, Tabatabaee, Plassart, Le Boudec, Saihu: A Common Interface of Worst-Case Delay
Analysis Tools for Time-Sensitive Networks (arXiv:2303.14565), and the tool's README.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from netplan.design.findings import DesignError, Finding, Severity, in_order
from netplan.design.reading import DEFAULT_LIMITS, Path, Reading, mark_of, short
from netplan.design.source import Source, read_document
from netplan.plan.fluid import FluidFlow, FluidNetwork, FluidServer, RateLatency, TokenBucket

_PS_PER_S: Final = 10**12
_LARGEST: Final = Fraction(10) ** 30
_SMALLEST: Final = Fraction(1, 10**30)
_MULTIPLIERS: Final = {
    letter: Fraction(10) ** (3 * power) for power, letter in enumerate("afpnum kMGTPE", start=-6)
}
_TIMES: Final = {"s": 1, "m": 60, "h": 3600}
_DATA: Final = {"b": 1, "B": 8}
_RATES: Final = {
    f"{data}p{time}": Fraction(bits, seconds)
    for data, bits in _DATA.items()
    for time, seconds in _TIMES.items()
}
_UNITS: Final[Mapping[str, Mapping[str, Fraction | int]]] = {
    "time": _TIMES,
    "data": _DATA,
    "rate": _RATES,
}
_EXAMPLES: Final = {"time": '"10us"', "data": '"1kB"', "rate": '"100Mbps"'}
_DEFAULTS: Final = {"time": "s", "data": "b", "rate": "bps"}
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_OPTIONS_OF_OTHERS: Final = ("CEIL", "MOH", "TDMI")

_Units = Mapping[str, Fraction]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaihuFile:
    """A network as read, and what is worth knowing about the file."""

    network: FluidNetwork
    findings: tuple[Finding, ...]


def read_saihu(path: str | os.PathLike[str]) -> SaihuFile:
    """Read an output-port network.

    Raises:
        DesignError: With a finding for everything that is wrong.
    """
    source = read_document(path)
    reader = _Reader(source)
    network = reader.network()
    if network is None or any(one.severity is Severity.ERROR for one in reader.findings):
        raise DesignError(reader.findings)
    return SaihuFile(network=network, findings=in_order(reader.findings))


class _Reader:
    """Collects findings while it goes through the document."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._reading = Reading(DEFAULT_LIMITS)

    @property
    def findings(self) -> list[Finding]:
        return self._reading.findings

    def network(self) -> FluidNetwork | None:
        data = self._source.data
        if not isinstance(data, dict):
            self._wrong("SAIHU-KIND", "the file is no JSON object", (), data, "an object {...}")
            return None
        general = self._object(data, "network", ())
        units = self._units(general, ("network",), {})
        self._options(general)
        servers = [
            server
            for path, entry in self._entries(data, "servers")
            if (server := self._server(entry, path, general, units)) is not None
        ]
        names = {server.name for server in servers}
        flows = [
            flow
            for path, entry in self._entries(data, "flows")
            if (flow := self._flow(entry, path, general, units, names)) is not None
        ]
        for kind, found in (("servers", servers), ("flows", flows)):
            self._unique(kind, [one.name for one in found])
        if self.findings and any(one.severity is Severity.ERROR for one in self.findings):
            return None
        name, packetizer = general.get("name", ""), general.get("packetizer", False)
        if not isinstance(packetizer, bool):
            place = ("network", "packetizer")
            self._wrong("SAIHU-KIND", "this is neither true nor false", place, packetizer, "true")
            return None
        return FluidNetwork(
            name=name if isinstance(name, str) else str(name),
            servers=tuple(servers),
            flows=tuple(flows),
            packetizer=packetizer,
        )

    def _options(self, general: Mapping[str, Any]) -> None:
        multiplexing = general.get("multiplexing", "FIFO")
        if multiplexing != "FIFO":
            self._wrong(
                "SAIHU-MULTIPLEXING",
                "only first-in-first-out servers can be bounded",
                ("network", "multiplexing"),
                multiplexing,
                '"FIFO"',
            )
        options = general.get("analysis_option", [])
        for index, option in enumerate(options if isinstance(options, list) else [options]):
            place: Path = ("network", "analysis_option", index)
            if option in _OPTIONS_OF_OTHERS:
                self._note(
                    "SAIHU-OPTION", f"{option} steers another tool and changes nothing here", place
                )
            elif option != "IS":
                expected = ", ".join(("IS", *_OPTIONS_OF_OTHERS))
                self._wrong("SAIHU-OPTION", "there is no such option", place, option, expected)

    def _server(
        self, entry: Mapping[str, Any], path: Path, general: Mapping[str, Any], above: _Units
    ) -> FluidServer | None:
        name = self._name(entry, path)
        units = self._units(entry, path, above)
        pairs = self._curve(entry, path, general, above, units, "service_curve", "latencies")
        capacity: Fraction | None = None
        if "capacity" in entry:
            capacity = self._number(entry["capacity"], (*path, "capacity"), "rate", units)
        elif "capacity" in general:
            capacity = self._number(general["capacity"], ("network", "capacity"), "rate", above)
        else:
            message = "the server has no capacity, so its line limits nothing that leaves it"
            self._note("SAIHU-CAPACITY", message, path)
        if capacity == 0:
            place = (*path, "capacity")
            self._wrong("SAIHU-NUMBER", "the line of a server carries something", place, 0, "> 0")
        pieces = [
            RateLatency(rate_bps=rate, latency_ps=latency * _PS_PER_S)
            for latency, rate in pairs
            if rate > 0
        ]
        if name is None or not pieces:
            if pairs:
                place = (*path, "service_curve", "rates")
                self._wrong("SAIHU-NUMBER", "the server serves nothing", place, 0, "> 0")
            return None
        return FluidServer(name=name, pieces=tuple(pieces), capacity_bps=capacity)

    def _flow(
        self,
        entry: Mapping[str, Any],
        path: Path,
        general: Mapping[str, Any],
        above: _Units,
        servers: set[str],
    ) -> FluidFlow | None:
        name = self._name(entry, path)
        units = self._units(entry, path, above)
        pairs = self._curve(entry, path, general, above, units, "arrival_curve", "bursts")
        ways = [self._way(entry.get("path"), (*path, "path"), servers)]
        copies = entry.get("multicast", [])
        if not isinstance(copies, list):
            place = (*path, "multicast")
            self._wrong("SAIHU-KIND", "this is no list of paths", place, copies, "a list [...]")
            copies = []
        for index, copy in enumerate(copies):
            place = (*path, "multicast", index)
            way = copy.get("path") if isinstance(copy, dict) else copy
            ways.append(self._way(way, (*place, "path"), servers))
        packets = [Fraction(0)]
        for key in ("max_packet_length", "min_packet_length"):
            if key in entry:
                packets.append(self._number(entry[key], (*path, key), "data", units) or packets[0])
            elif key in general:
                place = ("network", key)
                packets.append(self._number(general[key], place, "data", above) or packets[0])
        known = [way for way in ways if way is not None]
        if name is None or len(known) < len(ways) or not pairs:
            return None
        return FluidFlow(
            name=name,
            paths=tuple(dict.fromkeys(known)),
            buckets=tuple(TokenBucket(burst_bits=burst, rate_bps=rate) for burst, rate in pairs),
            largest_packet_bits=max(packets),
        )

    def _way(self, data: Any, path: Path, servers: set[str]) -> tuple[str, ...] | None:
        if not isinstance(data, list) or not data:
            expected = "a list of names of servers"
            self._wrong("SAIHU-PATH", "a flow needs a path", path, data, expected)
            return None
        good = True
        for index, name in enumerate(data):
            if not isinstance(name, str) or name not in servers:
                message = "there is no server of this name, or it is wrong itself"
                expected = ", ".join(sorted(servers)[:5])
                self._wrong("SAIHU-PATH", message, (*path, index), name, expected)
                good = False
            elif name in data[:index]:
                message = "a path crosses no server twice"
                self._wrong("SAIHU-PATH", message, (*path, index), name, "another server")
                good = False
        return tuple(data) if good else None

    def _curve(
        self,
        entry: Mapping[str, Any],
        path: Path,
        general: Mapping[str, Any],
        above: _Units,
        units: _Units,
        key: str,
        first: str,
    ) -> list[tuple[Fraction, Fraction]]:
        """Pairs of burst or latency, and rate; empty when something is wrong."""
        place: Path = (*path, key)
        curve = entry.get(key)
        if curve is None and key in general:
            curve, place, units = general[key], ("network", key), above
        expected = f'{{"{first}": [...], "rates": [...]}}'
        if not isinstance(curve, dict):
            self._wrong("SAIHU-CURVE", f"{key} is missing", place, curve, expected)
            return []
        columns: list[list[Fraction | None]] = []
        for name, kind in ((first, "data" if first == "bursts" else "time"), ("rates", "rate")):
            values = curve.get(name)
            if not isinstance(values, list) or not values:
                self._wrong("SAIHU-CURVE", f"{name} are missing", place, values, expected)
                return []
            columns.append(
                [
                    self._number(value, (*place, name, index), kind, units)
                    for index, value in enumerate(values)
                ]
            )
        if len(columns[0]) != len(columns[1]):
            found = f"{len(columns[0])} and {len(columns[1])}"
            message = f"{first} and rates belong together in pairs"
            self._wrong("SAIHU-CURVE", message, place, found, "as many of each")
            return []
        pairs = []
        for left, right in zip(*columns, strict=True):
            if left is None or right is None:
                return []
            pairs.append((left, right))
        return pairs

    def _number(self, value: Any, path: Path, kind: str, units: _Units) -> Fraction | None:
        """A number in s, b or bps, not negative."""
        expected = f"a number such as 10 or {_EXAMPLES[kind]}, not negative"
        text = "" if isinstance(value, bool) else str(value)
        match = _NUMBER.match(text)
        factor = None if match is None else _factor(text[match.end() :].strip(), kind, units)
        if match is None or factor is None:
            self._wrong("SAIHU-NUMBER", f"this is no {kind}", path, value, expected)
            return None
        number = Fraction(match[0]) * factor
        if number < 0 or number > _LARGEST or 0 < number < _SMALLEST:
            self._wrong("SAIHU-NUMBER", "this number cannot be meant", path, value, expected)
            return None
        return number

    def _units(self, entry: Mapping[str, Any], path: Path, above: _Units) -> _Units:
        """Factors of plain numbers."""
        result = {}
        for kind, base in _DEFAULTS.items():
            key = f"{kind}_unit"
            result[kind] = above.get(kind, Fraction(1))
            if entry.get(key) is None:
                continue
            factor = _factor(str(entry[key]), kind, {})
            if factor is None:
                message = f"there is no such unit of {kind}"
                expected = f'"{base}" or what ends {_EXAMPLES[kind]}'
                self._wrong("SAIHU-UNIT", message, (*path, key), entry[key], expected)
            else:
                result[kind] = factor
        return result

    def _name(self, entry: Mapping[str, Any], path: Path) -> str | None:
        name = entry.get("name")
        if isinstance(name, str) and name:
            return name
        self._wrong("SAIHU-NAME", "a name is missing", (*path, "name"), name, '"name": "..."')
        return None

    def _unique(self, kind: str, names: list[str]) -> None:
        for index, name in enumerate(names):
            if name in names[:index]:
                message = f"two {kind} have the same name"
                self._wrong("SAIHU-NAME", message, (kind,), name, "names that differ")

    def _object(self, data: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
        value = data.get(key)
        if isinstance(value, dict):
            return value
        self._wrong("SAIHU-KIND", f"{key} is missing", (*path, key), value, f'"{key}": {{...}}')
        return {}

    def _entries(
        self, data: Mapping[str, Any], key: str
    ) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        value = data.get(key)
        if not isinstance(value, list) or not value:
            self._wrong("SAIHU-KIND", f"{key} are missing", (key,), value, f'"{key}": [...]')
            return
        for index, entry in enumerate(value):
            if isinstance(entry, dict):
                yield (key, index), entry
            else:
                message = f"this is none of the {key}"
                self._wrong("SAIHU-KIND", message, (key, index), entry, "an object {...}")

    def _wrong(self, code: str, message: str, path: Path, found: Any, expected: str) -> None:
        self._reading.add(
            code,
            message,
            mark_of(self._source.marks, path),
            path=path,
            expected=expected,
            found="" if found is None else short(str(found)),
            hint="the README of Saihu describes output-port networks",
        )

    def _note(self, code: str, message: str, path: Path) -> None:
        mark = mark_of(self._source.marks, path)
        self._reading.keep(Finding(code=code, severity=Severity.NOTE, message=message, mark=mark))


def _factor(unit: str, kind: str, units: _Units) -> Fraction | None:
    """What a unit is in s, b or bps; an empty one is that of plain numbers."""
    if not unit:
        return units.get(kind)
    table = _UNITS[kind]
    if unit in table:
        return Fraction(table[unit])
    multiplier = _MULTIPLIERS.get(unit[0])
    return None if multiplier is None or unit[1:] not in table else multiplier * table[unit[1:]]

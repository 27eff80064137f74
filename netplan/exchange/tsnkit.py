# SPDX-License-Identifier: Apache-2.0
"""Reads the scheduling instances of tsnkit: a table of streams and a table of links.

Streams: ``stream,src,dst,size,period,deadline,jitter`` with ``dst`` a list of nodes, sizes in
octets, times in nanoseconds. Links: ``link,q_num,rate,t_proc,t_prop``, one row per direction,
``link`` as ``(from, to)``, ``rate`` in nanoseconds per bit. Conventions of that tool: a frame
takes ``8 * size * rate`` on a link, neither preamble nor gap is counted; ``t_proc`` is what a
bridge needs before it can send on that link, a talker needs nothing and a listener adds
nothing; ``t_prop`` is added behind the link; a latency ends with the last bit received.

Source: tsnkit documentation, https://tsnkit.readthedocs.io (file formats); on ``t_proc`` its
issue #6 and pull request #23.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from netplan.design.findings import DesignError, Finding, Mark, Severity
from netplan.media.frames import PS_PER_S
from netplan.tsn.synthesis.network import Link, Network, NetworkRoutes
from netplan.tsn.synthesis.problem import Frame, GateLimits, Port, Problem, Stream

_STREAM_COLUMNS = ("stream", "src", "dst", "size", "period", "deadline", "jitter")
_LINK_COLUMNS = ("link", "q_num", "rate", "t_proc", "t_prop")
_PS_PER_NS = 1000
_MOST_FINDINGS = 100
_LARGEST_FILE_OCTETS = 64 * 2**20
_LARGEST_NUMBER = 10**12
_HINTS = {
    "size": "a frame has at least one octet",
    "rate": "give nanoseconds per bit: 1 is 1 Gbit/s, 10 is 100 Mbit/s",
    "period": "give nanoseconds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRow:
    """One line of the table of streams.

    Attributes:
        name: As written in the column ``stream``.
        talker: Node that sends.
        listeners: Nodes that receive.
        frame_octets: Size of its frame.
        period_ps: Time between two frames.
        deadline_ps: Largest latency.
        jitter_ps: Largest variation of the reception.
        line: Of the file.
    """

    name: str
    talker: str
    listeners: tuple[str, ...]
    frame_octets: int
    period_ps: int
    deadline_ps: int
    jitter_ps: int
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """One line of the table of links: one direction.

    Attributes:
        from_node: Node that sends.
        to_node: Node that receives.
        queue_count: Queues of the port.
        bit_ps: Time of one bit.
        forwarding_ps: What a bridge needs before it sends here.
        propagation_ps: Delay of the link.
        line: Of the file.
    """

    from_node: str
    to_node: str
    queue_count: int
    bit_ps: int
    forwarding_ps: int
    propagation_ps: int
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Both tables."""

    streams: tuple[StreamRow, ...]
    links: tuple[LinkRow, ...]


def read_instance(stream_file: Path, link_file: Path) -> Instance:
    """Read both tables.

    Raises:
        DesignError: With a finding for everything that is wrong in either.
    """
    findings: list[Finding] = []
    links = _Table(link_file, _LINK_COLUMNS, findings).links()
    streams = _Table(stream_file, _STREAM_COLUMNS, findings).streams(links)
    if findings:
        raise DesignError(findings[:_MOST_FINDINGS])
    return Instance(streams=streams, links=links)


def problem_of(instance: Instance, limits: GateLimits | None = None) -> Problem:
    """The scheduling problem that the tables state.

    Args:
        instance: As read.
        limits: Of the gates of every port; without limits when not given. A table says none.
    """
    ports = tuple(
        Port(
            name=f"{row.from_node}>{row.to_node}",
            line_bps=PS_PER_S // row.bit_ps,
            lead_octets=0,
            tail_octets=0,
            queue_count=row.queue_count,
            gates=limits or GateLimits(),
            other_octets=0,
        )
        for row in instance.links
    )
    network = Network(
        links=tuple(
            Link(
                from_node=row.from_node,
                to_node=row.to_node,
                forwarding_ps=row.forwarding_ps,
                propagation_ps=row.propagation_ps,
            )
            for row in instance.links
        )
    )
    queue_index = min(port.queue_count for port in ports) - 1
    streams = tuple(
        Stream(
            name=row.name,
            period_ps=row.period_ps,
            frames=(Frame(frame_octets=row.frame_octets),),
            routes=NetworkRoutes(
                network=network,
                talker=row.talker,
                listeners=row.listeners,
                queue_index=queue_index,
            ),
            deadlines_ps=(row.deadline_ps,) * len(row.listeners),
            jitter_ps=row.jitter_ps,
        )
        for row in instance.streams
    )
    return Problem(ports=ports, streams=streams)


class _Table:
    """One file while it is read; what is wrong is collected."""

    def __init__(self, file: Path, columns: tuple[str, ...], findings: list[Finding]) -> None:
        self.file = file
        self.columns = columns
        self.findings = findings
        self.rows = self._rows()

    def wrong(
        self, code: str, message: str, line: int, *, expected: str, found: str, hint: str,
        path: str = "",
    ) -> None:  # fmt: skip
        """Collect a finding."""
        self.findings.append(
            Finding(
                code=code,
                severity=Severity.ERROR,
                message=message,
                mark=Mark(file=str(self.file), line=line),
                path=path,
                expected=expected,
                found=found[:80],
                hint=hint,
            )
        )

    def _rows(self) -> list[tuple[int, dict[str, str]]]:
        """Lines with their numbers, by column; empty when the file cannot be used."""
        try:
            if self.file.stat().st_size > _LARGEST_FILE_OCTETS:
                self.wrong(
                    "TSNKIT-FILE", "the table is too large", 0,
                    expected=f"at most {_LARGEST_FILE_OCTETS} octets",
                    found=f"{self.file.stat().st_size} octets", hint="is this the right file?",
                )  # fmt: skip
                return []
            text = self.file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
            self.wrong(
                "TSNKIT-FILE", "the table cannot be read", 0, expected="a CSV file",
                found=str(reason), hint="check the path; both tables are needed",
            )  # fmt: skip
            return []
        reader = csv.reader(text.splitlines())
        rows: list[tuple[int, dict[str, str]]] = []
        header: list[str] | None = None
        try:
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if header is None:
                    header = [cell.strip() for cell in cells]
                    if not self._header_fits(header, reader.line_num):
                        return []
                elif len(cells) != len(header):
                    self.wrong(
                        "TSNKIT-ROW", "this line has not as many values as the header",
                        reader.line_num, expected=f"{len(header)} values",
                        found=f"{len(cells)} values",
                        hint="write lists and pairs in double quotes",
                    )  # fmt: skip
                else:
                    values = (cell.strip() for cell in cells)
                    rows.append((reader.line_num, dict(zip(header, values, strict=True))))
        except csv.Error as error:
            self.wrong(
                "TSNKIT-FILE", "this is not a CSV file", reader.line_num, expected="values and commas",
                found=str(error), hint="is this the right file?",
            )  # fmt: skip
            return []
        if not rows and not self.findings:
            self.wrong(
                "TSNKIT-FILE", "the table has no lines", 0, expected="a header and at least one line",
                found="nothing" if header is None else "a header alone",
                hint="is this the right file?",
            )  # fmt: skip
        return rows

    def _header_fits(self, header: list[str], line: int) -> bool:
        # Some versions of the tool call the first column of streams "id".
        if self.columns[0] == "stream" and header[:1] == ["id"]:
            header[0] = "stream"
        if sorted(header) == sorted(self.columns):
            return True
        self.wrong(
            "TSNKIT-HEADER", "the header names other columns", line,
            expected=",".join(self.columns), found=",".join(header),
            hint="are the two files interchanged?"
            if set(header) in ({*_STREAM_COLUMNS}, {*_LINK_COLUMNS})
            else "give every column once, by these names",
        )  # fmt: skip
        return False

    def number(self, row: Mapping[str, str], line: int, column: str, least: int) -> int | None:
        """A whole number of a column; collected as wrong otherwise."""
        text = row[column]
        if re.fullmatch(r"\d{1,13}", text, re.ASCII) and least <= int(text) <= _LARGEST_NUMBER:
            return int(text)
        self.wrong(
            "TSNKIT-NUMBER", f"'{column}' is not a number that it can be", line, path=column,
            expected=f"a whole number from {least} to {_LARGEST_NUMBER}", found=text or "nothing",
            hint=_HINTS.get(column, "write digits only"),
        )  # fmt: skip
        return None

    def links(self) -> tuple[LinkRow, ...]:
        """All usable rows of the table of links."""
        found: list[LinkRow] = []
        line_of: dict[tuple[str, str], int] = {}
        for line, row in self.rows:
            ends = re.fullmatch(r"[(\[]\s*(\d{1,9})\s*,\s*(\d{1,9})\s*[)\]]", row["link"], re.ASCII)
            if ends is None or int(ends[1]) == int(ends[2]):
                self.wrong(
                    "TSNKIT-LINK", "this does not name two nodes", line, path="link",
                    expected="two different nodes such as (0, 1)", found=row["link"],
                    hint='write it in double quotes: "(0, 1)"',
                )  # fmt: skip
                continue
            pair = (str(int(ends[1])), str(int(ends[2])))
            if pair in line_of:
                self.wrong(
                    "TSNKIT-LINK", "this link is given twice", line, path="link",
                    expected="each direction once", found=f"{row['link']}, also in line {line_of[pair]}",
                    hint="delete one of the lines",
                )  # fmt: skip
                continue
            line_of[pair] = line
            queues = self.number(row, line, "q_num", 1)
            rate = self.number(row, line, "rate", 1)
            forwarding = self.number(row, line, "t_proc", 0)
            propagation = self.number(row, line, "t_prop", 0)
            if queues is None or rate is None or forwarding is None or propagation is None:
                continue
            if queues > 8 or rate > _PS_PER_NS * 10**3:
                column, limit = ("q_num", 8) if queues > 8 else ("rate", _PS_PER_NS * 10**3)
                self.wrong(
                    "TSNKIT-NUMBER", f"'{column}' is not a number that it can be", line, path=column,
                    expected=f"at most {limit}", found=row[column],
                    hint="a port has at most 8 queues; rates are nanoseconds per bit",
                )  # fmt: skip
                continue
            found.append(
                LinkRow(
                    from_node=pair[0],
                    to_node=pair[1],
                    queue_count=queues,
                    bit_ps=rate * _PS_PER_NS,
                    forwarding_ps=forwarding * _PS_PER_NS,
                    propagation_ps=propagation * _PS_PER_NS,
                    line=line,
                )
            )
        return tuple(found)

    def streams(self, links: tuple[LinkRow, ...]) -> tuple[StreamRow, ...]:
        """All usable rows of the table of streams; their nodes are those of the links."""
        network = Network(
            links=tuple(
                Link(
                    from_node=row.from_node, to_node=row.to_node, forwarding_ps=0, propagation_ps=0
                )
                for row in links
            )
        )
        nodes = {node for row in links for node in (row.from_node, row.to_node)}
        found: list[StreamRow] = []
        line_of: dict[str, int] = {}
        for line, row in self.rows:
            name = row["stream"]
            if not name or name in line_of:
                self.wrong(
                    "TSNKIT-STREAM", "a stream needs a name of its own", line, path="stream",
                    expected="a number that no other line has",
                    found=f"{name}, also in line {line_of[name]}" if name else "nothing",
                    hint="number the streams",
                )  # fmt: skip
                continue
            line_of[name] = line
            talker = self.number(row, line, "src", 0)
            size = self.number(row, line, "size", 1)
            period = self.number(row, line, "period", 1)
            deadline = self.number(row, line, "deadline", 1)
            jitter = self.number(row, line, "jitter", 0)
            ends = re.fullmatch(r"\[?\s*(\d{1,9}(?:\s*,\s*\d{1,9})*)\s*\]?", row["dst"], re.ASCII)
            if ends is None:
                self.wrong(
                    "TSNKIT-NODE", "'dst' names no nodes", line, path="dst",
                    expected="a list of nodes such as [4, 7]", found=row["dst"] or "nothing",
                    hint="write a list of more than one node in double quotes",
                )  # fmt: skip
                continue
            if (
                talker is None
                or size is None
                or period is None
                or deadline is None
                or jitter is None
            ):
                continue
            listeners = tuple(dict.fromkeys(str(int(one)) for one in ends[1].split(",")))
            if nodes and not self._connected(network, nodes, line, str(talker), listeners):
                continue
            found.append(
                StreamRow(
                    name=name,
                    talker=str(talker),
                    listeners=listeners,
                    frame_octets=size,
                    period_ps=period * _PS_PER_NS,
                    deadline_ps=deadline * _PS_PER_NS,
                    jitter_ps=jitter * _PS_PER_NS,
                    line=line,
                )
            )
        return tuple(found)

    def _connected(
        self, network: Network, nodes: set[str], line: int, talker: str, listeners: tuple[str, ...]
    ) -> bool:
        """Whether all nodes of a stream exist and the listeners can be reached."""
        for column, node in (("src", talker), *(("dst", one) for one in listeners)):
            if node not in nodes:
                self.wrong(
                    "TSNKIT-NODE", "no link names this node", line, path=column,
                    expected=f"one of the {len(nodes)} nodes of the links", found=node,
                    hint="do both files belong together?",
                )  # fmt: skip
                return False
        if talker in listeners:
            self.wrong(
                "TSNKIT-NODE", "a stream cannot lead to its own talker", line, path="dst",
                expected=f"nodes other than {talker}", found=talker, hint="remove it from 'dst'",
            )  # fmt: skip
            return False
        reached = network.reachable(talker)
        for listener in listeners:
            if listener not in reached:
                self.wrong(
                    "TSNKIT-NODE", "no way leads to this listener", line, path="dst",
                    expected=f"a node that can be reached from {talker}", found=listener,
                    hint="a link has two lines, one for each direction",
                )  # fmt: skip
                return False
        return True

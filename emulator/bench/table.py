# SPDX-License-Identifier: Apache-2.0
"""The table of figures on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from emulator.bench.tsn import Figure
from netplan.terminal import result_console

_REACHED = {None: "", True: "yes", False: "NO"}


def figure_table(figures: Sequence[Figure]) -> None:
    """Print figures with what they are to reach and what other tools reach."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("figure", "measured", "to reach", "reached", "others"):
        table.add_column(column, overflow="fold")
    for one in figures:
        cells = (one.figure, one.measured, one.to_reach, _REACHED[one.reached], one.peers)
        table.add_row(*map(escape, cells))
    result_console().print(table)

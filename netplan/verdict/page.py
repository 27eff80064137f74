# SPDX-License-Identifier: Apache-2.0
"""A terminal to write on: text stays as it is, whatever a design's names hold.

No markup is understood, control characters are replaced, and so is what the
terminal's encoding cannot show.
"""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from netplan.verdict.outcome import SIGNS, Outcome
from netplan.verdict.wording import printable

STYLES = {Outcome.MET: "green", Outcome.MISSED: "bold red", Outcome.NOT_PROVEN: "yellow"}
_PLAIN_SIGNS = {Outcome.MET: "+", Outcome.MISSED: "x", Outcome.NOT_PROVEN: "?"}
_PLAIN = str.maketrans({"≤": "<=", "–": "-", "→": ">", "µ": "u"})


class Page:
    """Writes lines and tables to a console."""

    def __init__(self, console: Console) -> None:
        """Find out which signs the console can show."""
        self._console = console
        self._encoding = console.encoding
        shows_signs = self._can_show("".join(SIGNS.values()))
        self.signs = SIGNS if shows_signs else _PLAIN_SIGNS

    def _can_show(self, text: str) -> bool:
        try:
            text.encode(self._encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def clean(self, text: str) -> str:
        """Text that the console can show and does not obey."""
        text = printable(text)
        if self._can_show(text):
            return text
        return text.translate(_PLAIN).encode("ascii", "replace").decode("ascii")

    def cell(self, text: str, style: str = "") -> Text:
        """A cell of a table."""
        return Text(self.clean(text), style=style)

    def say(self, text: str, *, head: str = "", style: str = "") -> None:
        """Print a text of one or more lines, the head in a style."""
        for index, line in enumerate(text.split("\n")):
            start = Text(self.clean(head) if index == 0 else "", style=style)
            self._console.print(start.append(self.clean(line), "none"), highlight=False)

    def table(self) -> Table:
        """An empty table in the one style."""
        return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0))

    def show(self, table: Table) -> None:
        """Print a table with an empty line before and after it."""
        self._console.print()
        self._console.print(table)
        self._console.print()

    def outcome(self, outcome: Outcome) -> Text:
        """Sign and word of an outcome."""
        return Text(f"{self.signs[outcome]} {outcome.value}", style=STYLES[outcome])

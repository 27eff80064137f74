# SPDX-License-Identifier: Apache-2.0
"""Faults as a user writes them: under a name in the design, or as one line on the command line.

Both have the same words: ``{cut: [sw1.p2, sw2.p1], at: 20 ms, until: 50 ms}`` is ``cut sw1.p2 - sw2.p1
at 20 ms until 50 ms``. A fault is a question put to a plant and no part of it: it changes no plan.
"""

from __future__ import annotations

import re

from pydantic import Field, ValidationError

from netplan.catalog.model import Strict
from netplan.design.names import NodeReference, PortReference, StreamReference
from netplan.design.quantities import Duration, Period, duration_text

KINDS = ("cut", "corrupt", "down", "silent", "babbling")
"""What can fail; the first two are links, by their ends."""
LINE_FORM = (
    "'cut A - B at TIME', 'corrupt A - B at TIME', 'down NODE at TIME', 'silent STREAM at TIME' or "
    "'babbling STREAM at TIME', each perhaps with 'until TIME', such as 'cut sw1.p2 - sw2.p1 at 20 ms until 50 ms'"
)
_LINE = re.compile(
    r"\s*(?:(?P<link>cut|corrupt)\s+(?P<one>\S+)\s+-\s+(?P<other>\S+)"
    r"|(?P<kind>down|silent|babbling)\s+(?P<subject>\S+))"
    r"\s+at\s+(?P<at>.+?)(?:\s+until\s+(?P<until>.+?))?\s*"
)

TwoEnds = tuple[PortReference, PortReference]


class Fault(Strict):
    """One thing that fails: exactly one of the first five says what."""

    cut: TwoEnds | None = Field(
        default=None, description="A link, by its two ends as nodes or ports; both ports notice."
    )
    corrupt: TwoEnds | None = Field(
        default=None,
        description="A link that damages every frame while both ports see a carrier.",
    )
    down: NodeReference | None = Field(default=None, description="A node, with all that it holds.")
    silent: StreamReference | None = Field(
        default=None, description="A stream whose talker releases nothing."
    )
    babbling: StreamReference | None = Field(
        default=None,
        description="A stream whose talker also sends its largest frame as fast as the wire takes it.",
    )
    at_ps: Duration = Field(alias="at", description="When it begins.")
    until_ps: Period | None = Field(
        alias="until", default=None, description="When it is over; never when left out."
    )

    def said(self) -> dict[str, str | TwoEnds]:
        """What fails, by the keys that are written."""
        values = {kind: getattr(self, kind) for kind in KINDS}
        return {kind: value for kind, value in values.items() if value is not None}

    def text(self) -> str:
        """The fault as one line."""
        parts = [
            f"{kind} {' - '.join(value) if isinstance(value, tuple) else value}"
            for kind, value in self.said().items()
        ]
        line = f"{' '.join(parts)} at {duration_text(self.at_ps)}"
        return line if self.until_ps is None else f"{line} until {duration_text(self.until_ps)}"


def fault_of_line(line: str) -> Fault:
    """Read one line.

    Raises:
        ValueError: With what was expected.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        message = f"{line!r} is no fault; expected {LINE_FORM}"
        raise ValueError(message)
    values: dict[str, object] = {"at": found["at"]}
    if found["link"]:
        values[found["link"]] = [found["one"], found["other"]]
    else:
        values[found["kind"]] = found["subject"]
    if found["until"]:
        values["until"] = found["until"]
    try:
        return Fault.model_validate(values)
    except ValidationError as error:
        (first, *_) = error.errors(include_url=False)
        context = first.get("ctx", {})
        message = f"{line!r}: {first['input']!r}: {first['msg']}; expected {context.get('expected', LINE_FORM)}"
        raise ValueError(message) from None

# SPDX-License-Identifier: Apache-2.0
"""Telling a waiting person how far a long computation is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """What a long computation reports to."""

    def update(self, done_ratio: float, text: str) -> None:
        """Say how much is done, from 0 to 1, and what is being done."""


class Silent:
    """Progress that nobody watches."""

    def update(self, done_ratio: float, text: str) -> None:
        """Do nothing."""


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Show a bar on standard error while the block runs, if that is a terminal."""
    if not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=1.0)

        class Bar:
            def update(self, done_ratio: float, text: str) -> None:
                bars.update(task, completed=done_ratio, description=escape(text))

        yield Bar()

# SPDX-License-Identifier: Apache-2.0
"""The console that results are written to.

Imported inside command bodies only: rich takes longer to import than ``--help`` may last.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from rich.console import Console

_WIDTH_WITHOUT_TERMINAL = 140
"""Columns in a file or pipe, where nothing is gained by breaking names."""


class _ResultConsole(Console):
    """A console that says how a closed pipe is: to the dispatcher, not with a status of its own."""

    def on_broken_pipe(self) -> NoReturn:
        """Let the dispatcher end the command; rich would end it with 1, which means missed."""
        raise BrokenPipeError


def result_console() -> Console:
    """A console on standard output, as wide as the terminal."""
    if sys.stdout.isatty():
        return _ResultConsole()
    return _ResultConsole(width=_WIDTH_WITHOUT_TERMINAL)

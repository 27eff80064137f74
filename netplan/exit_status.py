# SPDX-License-Identifier: Apache-2.0
"""How a command ends: the exit statuses that scripts rely on."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit status of ``plantwire``; a script may rely on every value."""

    OK = 0
    """Done; where targets were judged, all are met."""
    MISSED = 1
    """At least one target is missed."""
    WRONG_INPUT = 2
    """The design or the command line is wrong."""
    HOST_CANNOT = 3
    """This host lacks something: a library, a kernel feature, a right."""
    TOOL_FAULT = 4
    """A fault of the tool, or evidence that contradicts itself."""
    NOT_PROVEN = 5
    """No target is missed, but at least one is not proven."""
    INTERRUPTED = 130
    """Ended by Ctrl-C."""
    OUTPUT_CLOSED = 141
    """Whoever read standard output stopped reading, as ``head`` does."""


class HostError(RuntimeError):
    """This host cannot do what was asked; the message says what is missing.

    Attributes:
        hint: What to do about it, such as a command to install something.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the hint apart from the message."""
        super().__init__(message)
        self.hint = hint

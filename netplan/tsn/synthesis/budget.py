# SPDX-License-Identifier: Apache-2.0
"""How long a search may still go on."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Wall-clock time until a moment."""

    until_s: float

    @classmethod
    def of(cls, duration_s: float) -> Budget:
        """From now on."""
        return cls(time.monotonic() + duration_s)

    def left_s(self) -> float:
        """Seconds left, not below 0."""
        return max(0.0, self.until_s - time.monotonic())

    def spent(self) -> bool:
        """Whether nothing is left."""
        return time.monotonic() >= self.until_s

    def part(self, ratio: float) -> Budget:
        """A share of what is left."""
        return Budget.of(self.left_s() * ratio)

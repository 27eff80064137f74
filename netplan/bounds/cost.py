# SPDX-License-Identifier: Apache-2.0
"""Time that own work takes in a queue that shares the line by credit or by turns.

Where strict priority holds, work takes its own time. A credit-based queue sends at its idle slope;
a round-robin queue lets the others have their turns. What goes before by priority is
not part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from netplan.bounds.arrivals import ONE

Share = tuple[int, int, int, int]
"""A rival in turns: quantum, largest deficit and step in octets, and the work of a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditCost:
    """A credit-based queue: work at the idle slope, then the largest credit is waited for once.

    Between two instants at which credit is 0 and nothing waits, idle slope * time = line rate * own
    work + credit (gate open, frame not interrupted), and the frame that starts has credit
    of 0 to the largest.

    Source: De Azua, Boyer (2014), theorem 1; IEEE Std 802.1Q-2022, 8.6.8.2.

    Attributes:
        kept_ps: Largest credit over idle slope.
        idle_bps: Idle slope.
        line_bps: Rate of the line.
    """

    kept_ps: int
    idle_bps: int
    line_bps: int

    def ps(self, own_ps: int, excluded_ps: int) -> int:
        """Time of own work, of which a last part need not be done."""
        return self.kept_ps - (-(own_ps - excluded_ps) * self.line_bps // self.idle_bps)

    def burst_ps(self, own_ps: int, excluded_ps: int) -> int:
        """As :meth:`ps`, of a burst; more work adds no more than :meth:`rate` says."""
        return self.ps(own_ps, excluded_ps)

    def rate(self, per_one: int) -> int:
        """What a rate of own work asks for, in 1 / ONE."""
        return -(-per_one * self.line_bps // self.idle_bps)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnCost:
    """A deficit round-robin queue: other queues of the group have their turns.

    When the frame starts in the n-th turn of its queue, those before have given it (n - 1) quanta,
    which was less than its own frames until then with itself: n is at most those octets over the
    quantum, rounded up. Each other queue has had n turns at most, in which
    it sends n quanta and the deficit it had, which is less than its largest frame.

    Source: Boyer, Stea, Sofack, Deficit round robin with network calculus (2012), theorem 1;
    Tabatabaee, Le Boudec, Deficit round-robin: a second network calculus analysis (2021),
    theorem 1: the same count, not smoothed to a line.

    Attributes:
        octets: Frame octets in ``work_ps`` of own work, at most.
        work_ps: See ``octets``.
        quantum_octets: Own quantum.
        rivals: Of each other queue: quantum, largest deficit in octets, octets of one step and its
            work. Frames of one size are sent whole, so steps are those; otherwise a step
            is one octet, its work in 1 / ONE.
    """

    octets: int
    work_ps: int
    quantum_octets: int
    rivals: tuple[Share, ...]

    def ps(self, own_ps: int, excluded_ps: int) -> int:
        """Time of own work, of which a last part need not be done."""
        turns = -(-own_ps * self.octets // (self.work_ps * self.quantum_octets))
        return own_ps - excluded_ps + self._rivals_ps(turns)

    def burst_ps(self, own_ps: int, excluded_ps: int) -> int:
        """As :meth:`ps`, of a burst; more work adds no more than :meth:`rate` says."""
        turns = -(-own_ps * self.octets // (self.work_ps * self.quantum_octets)) + 1
        return own_ps - excluded_ps + self._rivals_ps(turns)

    def rate(self, per_one: int) -> int:
        """What a rate of own work asks for, in 1 / ONE."""
        rate = per_one
        for quantum, _, step, work in self.rivals:
            unit = 1 if step > 1 else ONE
            share = self.work_ps * self.quantum_octets * step * unit
            rate -= -per_one * self.octets * quantum * work // share
        return rate

    def _rivals_ps(self, turns: int) -> int:
        total_ps = 0
        for quantum, deficit, step, work in self.rivals:
            steps = (turns * quantum + deficit) // step
            total_ps += steps * work if step > 1 else -(-steps * work // ONE)
        return total_ps


Cost = CreditCost | TurnCost
"""What own work takes; strict priority needs none."""

# SPDX-License-Identifier: Apache-2.0
"""What a foreign format cannot say, or says only nearly: findings, each told once."""

from __future__ import annotations

from netplan.design.findings import Finding, Severity


class Notes:
    """Collects findings while an export is written."""

    def __init__(self) -> None:
        """Begin with none."""
        self._findings: dict[tuple[str, str], Finding] = {}

    def note(self, code: str, place: str, message: str, hint: str = "") -> None:
        """The format leaves something out that has to be set by other means, or to be known."""
        self._add(Severity.NOTE, code, place, message, hint)

    def warn(self, code: str, place: str, message: str, hint: str = "") -> None:
        """The file differs from the plan, so that what was proven may not hold."""
        self._add(Severity.WARNING, code, place, message, hint)

    def _add(self, severity: Severity, code: str, place: str, message: str, hint: str) -> None:
        finding = Finding(code=code, severity=severity, message=message, path=place, hint=hint)
        self._findings.setdefault((code, place), finding)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Warnings first."""
        weight = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
        return tuple(sorted(self._findings.values(), key=lambda one: weight[one.severity]))

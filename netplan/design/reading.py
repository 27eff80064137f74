# SPDX-License-Identifier: Apache-2.0
"""The reading of one design document: its limits, its marks, what is wrong with it.

All files of a document share one :class:`Reading`, so that limits hold for
the whole and findings come out together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, TypeAlias

from netplan.design.findings import DesignError, Finding, Mark, Severity, path_text

# A file of nothing but mistakes should not bury its reader.
_MAX_FINDINGS = 100

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a document may be, everything that it includes counted in.

    Attributes:
        max_octets: Size of all files together.
        max_depth: Mappings and lists inside one another.
        max_nodes: Keys, values, mappings and lists, aliases counted as what they stand for.
        max_include_depth: Files that include one another in a chain, without the first.
    """

    max_octets: int = 16 * 2**20
    max_depth: int = 64
    max_nodes: int = 2_000_000
    max_include_depth: int = 16


DEFAULT_LIMITS = Limits()


class Branch(NamedTuple):
    """Places of a mapping or list: its own, those of its children, and where its text starts."""

    mark: Any
    children: dict[str, Any] | list[Any]
    start: Any


# A leaf is the bare mark that the YAML library made (name, index, line and column, from 0):
# making our own for every value would double the reading time. The place of a mapping's entry
# is that of its key, the place of a list's item that of the item.
Place: TypeAlias = Any


class Marks(Mapping[Path, Mark]):
    """Marks by path, made when asked for out of the tree of places."""

    __slots__ = ("_root",)

    def __init__(self, root: Place) -> None:
        self._root = root

    def __getitem__(self, path: Path) -> Mark:
        """Place of the value at this very path."""
        place: Place = self._root
        if not isinstance(path, tuple):
            raise KeyError(path)
        for part in path:
            if type(place) is not Branch or (isinstance(part, int) and part < 0):
                raise KeyError(path)
            children: Any = place.children
            try:
                place = children[part]
            except (LookupError, TypeError):
                raise KeyError(path) from None
        return our_mark(place.mark if type(place) is Branch else place)

    def __iter__(self) -> Iterator[Path]:
        """All paths in the order of the document."""
        waiting: list[tuple[Path, Place]] = [((), self._root)]
        while waiting:
            path, place = waiting.pop()
            yield path
            if type(place) is Branch:
                children = place.children
                pairs = children.items() if isinstance(children, dict) else enumerate(children)
                waiting.extend(reversed([((*path, part), child) for part, child in pairs]))

    def __len__(self) -> int:
        """Number of values."""
        return sum(1 for _ in self)


def mark_of(marks: Mapping[Path, Mark], path: Sequence[str | int]) -> Mark | None:
    """Place of a value, or of the nearest one around it that has a place.

    Args:
        marks: By path, as in :class:`netplan.design.source.Source`.
        path: From the root to the value, which need not exist.
    """
    for length in range(len(path), -1, -1):
        mark = marks.get(tuple(path[:length]))
        if mark is not None:
            return mark
    return None


class Reading:
    """Findings and consumption of one document, over all its files.

    Attributes:
        limits: What the document may use.
        findings: What is wrong with it, in the order in which it was found.
        nodes: Keys, values, mappings and lists until now.
    """

    def __init__(self, limits: Limits) -> None:
        """Start with no findings and nothing used."""
        self.limits = limits
        self.findings: list[Finding] = []
        self.nodes = 0

    def add(
        self,
        code: str,
        message: str,
        mark: Mark | None,
        *,
        path: Path = (),
        expected: str = "",
        found: str = "",
        hint: str = "",
    ) -> None:
        """Record an error.

        Raises:
            DesignError: There are too many findings to go on.
        """
        self.keep(
            Finding(
                code=code,
                severity=Severity.ERROR,
                message=message,
                mark=mark,
                path=short(path_text(path), 200),
                expected=expected,
                found=found,
                hint=hint,
            )
        )

    def keep(self, finding: Finding) -> None:
        """Record a finding that is ready; raises DesignError as ``add`` does."""
        self.findings.append(finding)
        if len(self.findings) >= _MAX_FINDINGS:
            self.findings.append(
                Finding(
                    code="SOURCE-TOO-MANY-FINDINGS",
                    severity=Severity.NOTE,
                    message=f"reading stopped after {_MAX_FINDINGS} errors",
                    mark=finding.mark,
                    hint="correct these first; there may be more",
                )
            )
            self.stop()

    def stop(self) -> NoReturn:
        """Raise DesignError with all that was found until now."""
        raise DesignError(self.findings)


def short(text: str, characters: int = 60) -> str:
    """The text, cut when it would flood a terminal."""
    return text if len(text) <= characters else text[: characters - 3] + "..."


def our_mark(mark: Any) -> Mark:
    """The YAML library's mark, which counts from 0, as ours, which counts from 1."""
    return Mark(file=mark.name, line=mark.line + 1, column=mark.column + 1)

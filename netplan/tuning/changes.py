# SPDX-License-Identifier: Apache-2.0
"""A proposal as changes of the design document, each one value; and writing them.

A value that stands in an included file is changed there. All changes are made in memory
first; files are written only when every one could be made, and put back when the design read from
them does not say what was proposed. What cannot be written is shown as YAML to be pasted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from netplan.design.design import Design, Path
from netplan.design.edit import edit
from netplan.design.findings import DesignError, Finding, Mark, Severity, path_text
from netplan.design.quantities import rate_text
from netplan.design.source import Source, read_document
from netplan.files import write_atomically
from netplan.tuning.priorities import Priorities
from netplan.tuning.slopes import Slopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value to be written.

    Attributes:
        path: In the document, includes put in their places.
        value: What to write there, an integer or text.
        before: What stands or follows there now, as text.
        what: Whose value it is, for people.
    """

    path: Path
    value: object
    before: str
    what: str


def priority_changes(found: Priorities) -> tuple[Change, ...]:
    """Priorities that differ from the design's."""
    return tuple(
        Change(path=(*entry.path, "pcp"), value=pcp, before=str(entry.pcp), what=entry.name)
        for entry, pcp in zip(found.entries, found.pcps, strict=True)
        if pcp != entry.pcp
    )


def slope_changes(found: Slopes) -> tuple[Change, ...]:
    """Idle slopes that differ from what the design reserves."""
    return tuple(
        Change(
            path=(*one.place, "idle_slopes", one.port),
            value=exact_rate_text(slope_bps),
            before=rate_text(one.designed_bps) + ("" if one.written else " (the contracts)"),
            what=one.name,
        )
        for one, slope_bps in zip(found.reservations, found.slopes_bps, strict=True)
        if slope_bps != one.designed_bps
    )


def exact_rate_text(rate_bps: int) -> str:
    """A rate with every digit, as it may be written in a design."""
    for unit, factor in (("Mbit/s", 10**6), ("kbit/s", 10**3)):
        if rate_bps % (factor // 1000 or 1) == 0 and rate_bps >= factor:
            return f"{rate_bps / factor:.10g} {unit}"
    return f"{rate_bps} bit/s"


def pasted(changes: Sequence[Change]) -> str:
    """Changes as YAML to be merged into the design; a comment names the list item that it is for."""
    roots: dict[Path, dict[str, Any]] = {}
    for change in changes:
        start = max(
            (at + 1 for at, part in enumerate(change.path) if isinstance(part, int)), default=0
        )
        place = roots.setdefault(change.path[:start], {})
        *above, last = map(str, change.path[start:])
        for part in above:
            place = place.setdefault(part, {})
        place[last] = change.value
    texts = []
    for start_path, root in roots.items():
        text = yaml.safe_dump(root, sort_keys=False, allow_unicode=True, width=1000)
        texts.append(f"# under {path_text(start_path)}:\n{text}" if start_path else text)
    return "".join(texts)


def write(document: FilePath, design: Design, changes: Sequence[Change]) -> tuple[str, ...]:
    """Write changes into the design's files, and read the design again.

    Returns:
        The files that were changed.

    Raises:
        DesignError: When a change cannot be made; then no file is left changed.
    """
    if not changes:
        return ()
    source = next(iter(design.origins.values())).source
    texts: dict[str, str] = {}
    for path, value in _whole(source, changes).items():
        file, base = _home(source, path, str(document))
        if file not in texts:
            texts[file] = _read(file)
        texts[file] = edit(texts[file], path[len(base) :], value, name=file)
    old = {file: _read(file) for file in texts}
    try:
        for file, text in texts.items():
            write_atomically(file, text)
        wrong = _wrong(document, source, changes)
    except BaseException:
        _put_back(old)
        raise
    if wrong is not None:
        _put_back(old)
        raise DesignError([
            Finding(
                code="TUNE-WRITE", severity=Severity.ERROR, path=path_text(wrong),
                mark=Mark(file=str(document)), message="more than what was proposed would change",
                hint="a file that is included twice stands for it: write it by hand",
            )
        ])  # fmt: skip
    return tuple(texts)


def _whole(source: Source, changes: Sequence[Change]) -> dict[Path, Any]:
    """Values by path; what has no mapping to stand in yet gets one with all its values."""
    found: dict[Path, Any] = {}
    for change in changes:
        parent = change.path[:-1]
        if parent in source.marks:
            found[change.path] = change.value
        else:
            found.setdefault(parent, {})[change.path[-1]] = change.value
    return found


def _wrong(document: FilePath, source: Source, changes: Sequence[Change]) -> Path | None:
    """Path of something that the written files say otherwise than proposed; None if nothing."""
    intended: Any = source.data
    for path, value in _whole(source, changes).items():
        intended = _with(intended, path, value)
    written = read_document(document).data
    return None if written == intended else changes[0].path


def _with(data: Any, path: Path, value: object) -> Any:
    """A copy with one value set; what is shared with other places stays as it is there."""
    if not path:
        return value
    changed = data.copy()
    below = data[path[0]] if len(path) > 1 else None
    changed[path[0]] = _with(below, path[1:], value)
    return changed


def _read(file: str) -> str:
    with FilePath(file).open(encoding="utf-8", newline="") as stream:
        return stream.read()


def _put_back(old: Mapping[str, str]) -> None:
    for file, text in old.items():
        write_atomically(file, text)


def _home(source: Source, path: Path, document: str) -> tuple[str, Path]:
    """The file in which a value stands, or would stand, and the path of that file's content."""
    file, base = document, path[:0]
    data: Any = source.data
    for length, part in enumerate(path, 1):
        try:
            data = data[part]
        except (LookupError, TypeError):
            break
        # The mark of an entry is that of its key, which stands in the file around.
        first = next(iter(data), None) if isinstance(data, dict) else 0
        mark = source.marks.get((*path[:length], first)) if data and first is not None else None
        if mark is not None and mark.file != file:
            file, base = mark.file, path[:length]
    return file, base

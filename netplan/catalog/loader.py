# SPDX-License-Identifier: Apache-2.0
"""Reading catalogue entries, each when it is first asked for.

Entries lie in layers of folders, ``<kind>/<id>.yaml``: what is shipped, then the
company's folder (named by the environment variable PLANTWIRE_CATALOG), then those
of the project. An entry of a later layer takes the place of one with the same id
below it; with ``extends: <id>`` it states only what differs. Files are opened
only when their entry is used, and a wrong file is told with its line.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

from netplan.catalog.model import AnyEntry, Entry
from netplan.design.findings import DesignError, Finding, Mark, Severity, path_text
from netplan.design.source import Source, mark_of, read_document
from netplan.design.validation import validate

EntryT = TypeVar("EntryT", bound=Entry)

VARIABLE = "PLANTWIRE_CATALOG"
"""Environment variable that names the company's folder."""

SHIPPED = Path(__file__).parent / "data"
"""The layer below all others."""

KINDS: Mapping[type[Entry], str] = {
    kind: get_args(kind.model_fields["kind"].annotation)[0]
    for kind in get_args(get_args(AnyEntry)[0])
}
"""Folder of each kind of entry, which is also the value of its ``kind``."""

_ENDING = ".yaml"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_DataPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A folder of entries; only its file names are known until an entry is used."""

    folder: Path
    files: Mapping[str, Mapping[str, Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statement:
    """What one file says of an entry."""

    entry_id: str
    layer_index: int
    source: Source
    data: Mapping[str, Any]


class Catalog:
    """All layers together, and which of their entries were used."""

    def __init__(self, layers: Sequence[_Layer]) -> None:
        """Take layers from the lowest to the highest; :meth:`load` finds them."""
        self._layers = tuple(layers)
        self._entries: dict[tuple[type[Entry], str], Entry] = {}
        self._sources: dict[Path, Source] = {}

    @classmethod
    def load(cls, layers: Sequence[Path] = ()) -> Catalog:
        """Find the files of all layers, without opening any.

        Args:
            layers: The project's folders; a later one overrides an earlier one.

        Raises:
            DesignError: A folder is missing, or a file in it could never be used.
        """
        findings: list[Finding] = []
        found = [_scan(SHIPPED, "the program itself", findings)]
        company = os.environ.get(VARIABLE, "")
        if company:
            found.append(_scan(Path(company), f"the variable {VARIABLE}", findings))
        found += [_scan(Path(folder), "the design, under 'catalog'", findings) for folder in layers]
        if findings:
            raise DesignError(findings)
        return cls(found)

    def ids(self, kind: type[Entry]) -> tuple[str, ...]:
        """Names of all entries of a kind, sorted, by their files' names."""
        folder = KINDS[kind]
        return tuple(sorted({name for layer in self._layers for name in layer.files[folder]}))

    def get(self, kind: type[EntryT], entry_id: str) -> EntryT | None:
        """An entry, or None when no layer has it; it counts as used from now on.

        Raises:
            DesignError: The entry's file, or one that it extends, is wrong.
        """
        known = self._entries.get((kind, entry_id))
        if known is None:
            index = self._layer_with(KINDS[kind], entry_id, len(self._layers))
            if index is None:
                return None
            known = self._read(kind, entry_id, index)
            self._entries[kind, entry_id] = known
        assert isinstance(known, kind)
        return known

    def used(self) -> dict[str, object]:
        """Entries used until now as ``kind/id``, with all their values in inner units.

        The order and the notation of the values do not depend on the files, so that the
        result can be part of a hash.
        """
        return {
            f"{KINDS[kind]}/{entry_id}": entry.model_dump(mode="json")
            for (kind, entry_id), entry in sorted(
                self._entries.items(), key=lambda item: (KINDS[item[0][0]], item[0][1])
            )
        }

    def used_entries(self) -> tuple[Entry, ...]:
        """Entries used until now."""
        return tuple(self._entries.values())

    def with_entry(self, entry: Entry) -> Catalog:
        """The same catalogue with one entry in the place of that with its kind and id."""
        other = Catalog(self._layers)
        other._entries = {**self._entries, (type(entry), entry.id): entry}
        other._sources = self._sources
        return other

    def _layer_with(self, folder: str, entry_id: str, below: int) -> int | None:
        for index in range(below - 1, -1, -1):
            if entry_id in self._layers[index].files[folder]:
                return index
        return None

    def _read(self, kind: type[EntryT], entry_id: str, layer_index: int) -> EntryT:
        statements = self._statements(KINDS[kind], entry_id, layer_index)
        data: dict[str, Any] = {}
        for statement in reversed(statements):
            data = _merged(data, statement.data)
        data.pop("extends", None)
        if len(statements) > 1:
            data["id"] = entry_id

        def mark_at(path: _DataPath) -> Mark | None:
            return _mark_in(statements, path)

        entry, findings = validate(kind, data, mark_at=mark_at)
        if entry is None:
            raise DesignError(findings)
        return entry

    def _statements(self, folder: str, entry_id: str, layer_index: int) -> list[_Statement]:
        """What the entry's file says, then what the file says that it extends, and so on."""
        statements = [self._statement(folder, entry_id, layer_index)]
        while (base_id := statements[-1].data.get("extends")) is not None:
            last = statements[-1]
            if not isinstance(base_id, str):
                _refuse_extends(last, "the name of another entry is expected here", repr(base_id))
            # its own id means the layers below; another id may stand in the same layer
            below = last.layer_index + (base_id != last.entry_id)
            index = self._layer_with(folder, base_id, below)
            if index is None:
                names = {name for layer in self._layers[:below] for name in layer.files[folder]}
                names.discard(last.entry_id)
                message = f"there is no {folder} of this name to extend"
                hint = _near(base_id, names)
                if base_id == last.entry_id:
                    hint = "its own name means a layer below: leave 'extends' out where none has it"
                _refuse_extends(last, message, base_id, hint)
            if any(one.entry_id == base_id and one.layer_index == index for one in statements):
                chain = " -> ".join([*(one.entry_id for one in statements), base_id])
                _refuse_extends(
                    last, "these entries extend one another in a circle", chain,
                    "take 'extends' out of one of them and state all its values",
                )  # fmt: skip
            statements.append(self._statement(folder, base_id, index))
        return statements

    def _statement(self, folder: str, entry_id: str, layer_index: int) -> _Statement:
        file = self._layers[layer_index].files[folder][entry_id]
        source = self._sources.get(file)
        if source is None:
            source = self._sources[file] = read_document(file)
        mark = mark_of(source.marks, ())
        data = source.data
        if not isinstance(data, dict):
            found = "a list" if isinstance(data, list) else repr(data)[:60]
            _refuse(
                "CATALOG-NOT-A-MAPPING", "an entry is a mapping of keys", mark,
                expected=f"'kind: {folder}', 'id: {entry_id}', 'name: ...'", found=found,
                hint=f"start with 'kind: {folder}'",
            )  # fmt: skip
        for key, wanted, where in (("kind", folder, "folder"), ("id", entry_id, "file")):
            if key in data and data[key] != wanted:
                _refuse(
                    f"CATALOG-{key.upper()}", f"the {key} is not the name of the entry's {where}",
                    mark_of(source.marks, (key,)), path=(key,), expected=wanted,
                    found=str(data[key])[:60],
                    hint=f"correct the {key}, or move or rename the file",
                )  # fmt: skip
        return _Statement(entry_id=entry_id, layer_index=layer_index, source=source, data=data)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with what ``over`` states; a value that has a source is replaced as a whole.

    Otherwise a new value would stand beside the source of the old one.
    """
    result = dict(base)
    for key, value in over.items():
        old: Any = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        if both and "source" not in old and "source" not in value:
            result[key] = _merged(old, value)
        else:
            result[key] = value
    return result


def _mark_in(statements: Sequence[_Statement], path: _DataPath) -> Mark | None:
    """Place of a path in the highest file that says something about it."""
    best, best_depth = statements[0], -1
    for statement in statements:
        here: Any = statement.data
        depth = 0
        for part in path:
            if isinstance(here, dict):
                if part not in here:
                    break
            elif not (isinstance(here, list) and isinstance(part, int) and part < len(here)):
                break
            here = here[part]
            depth += 1
        if depth > best_depth:
            best, best_depth = statement, depth
    return mark_of(best.source.marks, path)


def _scan(folder: Path, named_by: str, findings: list[Finding]) -> _Layer:
    """The files of a layer by kind and id; what could never be used is a finding."""
    files: dict[str, dict[str, Path]] = {name: {} for name in KINDS.values()}
    for child in _children(folder, named_by, findings):
        if child.name in files:
            if child.is_dir():
                _scan_kind(folder / child.name, files[child.name], findings)
        elif child.is_dir() and (near := _nearest_kind(child.name)):
            findings.append(
                _finding(
                    "CATALOG-FOLDER-UNKNOWN", "no kind of entry has this name",
                    Mark(file=str(folder / child.name)), expected="one of " + ", ".join(files),
                    found=child.name, hint=f"did you mean '{near}'?",
                )
            )  # fmt: skip
    return _Layer(folder=folder, files=files)


def _children(folder: Path, named_by: str, findings: list[Finding]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no folder name"
        findings.append(
            _finding(
                "CATALOG-LAYER-MISSING", "this folder of catalogue entries cannot be read",
                Mark(file=str(folder)), expected="a folder with " + ", ".join(KINDS.values()),
                found=str(reason), hint=f"it is named by {named_by}: correct the name or create it",
            )
        )  # fmt: skip
        return []


def _scan_kind(folder: Path, files: dict[str, Path], findings: list[Finding]) -> None:
    lower: dict[str, str] = {}
    for child in _children(folder, "its place in the layer", findings):
        stem, ending = os.path.splitext(child.name)  # noqa: PTH122 - plain text is enough
        if child.name.startswith(".") or ending.lower() not in {_ENDING, ".yml"}:
            continue
        mark = Mark(file=str(folder / child.name))
        if stem.lower() in lower:
            findings.append(
                _finding(
                    "CATALOG-DUPLICATE", "two files of a layer have the same id", mark,
                    expected="one file for each id, capital letters apart",
                    found=f"{lower[stem.lower()]} and {child.name}", hint="delete or rename one",
                )
            )  # fmt: skip
        elif ending != _ENDING or _ID.fullmatch(stem) is None:
            findings.append(
                _finding(
                    "CATALOG-FILE-NAME", "this name of a file gives no id", mark,
                    expected=f"letters, digits, '_', '.' and '-', then '{_ENDING}'",
                    found=child.name, hint="rename the file",
                )
            )  # fmt: skip
        else:
            files[stem] = folder / child.name
        lower.setdefault(stem.lower(), child.name)


def _nearest_kind(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), list(KINDS.values()), n=1, cutoff=0.75)
    return near[0] if near else ""


def _near(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else ""


def _refuse_extends(statement: _Statement, message: str, found: str, hint: str = "") -> NoReturn:
    mark = mark_of(statement.source.marks, ("extends",))
    _refuse(
        "CATALOG-EXTENDS", message, mark, path=("extends",),
        expected="an entry of the layers below, or another one of this layer",
        found=found, hint=hint,
    )  # fmt: skip


def _finding(
    code: str,
    message: str,
    mark: Mark | None,
    *,
    path: _DataPath = (),
    expected: str = "",
    found: str = "",
    hint: str = "",
) -> Finding:
    return Finding(
        code=code,
        severity=Severity.ERROR,
        message=message,
        mark=mark,
        path=path_text(path),
        expected=expected,
        found=found,
        hint=hint,
    )


def _refuse(
    code: str,
    message: str,
    mark: Mark | None,
    *,
    path: _DataPath = (),
    expected: str = "",
    found: str = "",
    hint: str = "",
) -> NoReturn:
    finding = _finding(code, message, mark, path=path, expected=expected, found=found, hint=hint)
    raise DesignError([finding])

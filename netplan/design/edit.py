# SPDX-License-Identifier: Apache-2.0
"""Changing one value of a design document, and nothing else in it.

The only writer of design documents. Comments, layout, quotation marks and line
endings are the user's: what does not belong to the changed value stays as it
is, to the octet. Every result is read again before it is handed out; where it
would not say what was asked for, the change is refused and the document stays.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NoReturn

from ruamel.yaml.error import YAMLError

from netplan.design import writing
from netplan.design.findings import DesignError, Finding, Mark, Severity, path_text
from netplan.design.reading import (
    DEFAULT_LIMITS,
    Branch,
    Marks,
    Path,
    Place,
    Reading,
    mark_of,
    short,
)
from netplan.design.source import parse_text
from netplan.design.spans import locate
from netplan.design.splices import Splice, Splicer, apply
from netplan.design.tree import Parsed

_BOM = "\ufeff"


class _Remove(Enum):
    REMOVE = "remove"


#: Given as the value, takes the entry out of its mapping or list.
REMOVE: Final = _Remove.REMOVE


@dataclass(frozen=True, slots=True)
class _Included:
    """Stands for the content of another file, which is not ours to change."""

    target: str


def edit(document: str, path: Sequence[str | int], value: object, *, name: str = "document") -> str:
    """The document with one value changed, added or removed.

    Args:
        document: Text of a design document; it may include other files.
        path: Keys and list indices from the root to the value. A key that its mapping does
            not have is added at the end of the mapping; the index behind a list's last item
            appends to the list.
        value: Mappings, lists, text, numbers, truth values or None; or ``REMOVE``.
        name: Stands for a file name in findings.

    Raises:
        DesignError: The document is not readable, the path leads nowhere or into another
            file, the value cannot be written, or not without changing others.
    """
    text = document.removeprefix(_BOM)
    changed = _Edition(text, name, tuple(path)).make(value)
    return document[: len(document) - len(text)] + changed


class _Edition:
    """One change of one document."""

    def __init__(self, text: str, name: str, path: Path) -> None:
        self.text = text
        self.name = name
        self.path = path
        self.before = self.read(text)

    def make(self, value: object) -> str:
        """The changed text."""
        try:
            wanted = value if value is REMOVE else writing.plain(value)
        except ValueError as error:
            self.refuse(
                "EDIT-VALUE",
                f"the value cannot be written: {error}",
                expected="mappings with text as keys, lists, text, numbers, truth values or None",
                hint="give plain data",
            )
        intended = self.intended(wanted)
        if _difference(self.before.data, intended) is None:
            return self.text
        splicer = Splicer(self.text)
        try:
            result = apply(self.text, self.splices(splicer, wanted))
        except (YAMLError, LookupError):
            self.refuse_layout()
        problem = self.problem(result, intended)
        if problem is not None and value is REMOVE:
            # text below | that has become the end of the document needs its line end
            result += splicer.newline
            problem = self.problem(result, intended)
        if problem:
            self.refuse_shared(problem)
        if problem is not None:
            self.refuse_layout()
        return result

    def problem(self, result: str, intended: object) -> str | None:
        """Why a text does not say what is intended; None if it does, "" if the layout is odd."""
        try:
            after = self.read(result)
        except DesignError as error:
            codes = {finding.code for finding in error.findings}
            alias = "an alias elsewhere in the document stands for this value"
            return alias if "SOURCE-ALIAS-UNKNOWN" in codes else ""
        other = _difference(after.data, intended)
        if other is None:
            return None
        if "&" in self.text and self.path[: len(other)] != other[: len(self.path)]:
            return f"{path_text(other)} is an alias of it and would change too"
        return ""

    def read(self, text: str) -> Parsed:
        """Data and places of a text; raises DesignError when it is not readable."""

        def keep(target: str, _mark: Mark, _path: Path, _depth: int) -> Parsed:
            return Parsed(_Included(target), None)

        return parse_text(text, self.name, Reading(DEFAULT_LIMITS), keep)

    def intended(self, value: object) -> object:
        """The data as they shall be; refuses a path that leads nowhere or elsewhere."""
        data: Any = self.before.data
        place: Place = self.before.place
        on_the_way: list[tuple[Any, Any]] = []
        for depth, part in enumerate(self.path):
            may_add = depth == len(self.path) - 1 and value is not REMOVE
            self.check_step(data, place, depth, may_add=may_add)
            on_the_way.append((data, part))
            try:
                data, place = data[part], place.children[part]
            except LookupError:
                # an entry to be added
                data = place = None
        if isinstance(data, _Included) and value is not REMOVE:
            self.refuse_included(data)
        if not self.path and value is REMOVE:
            self.refuse(
                "EDIT-PATH", "the whole document cannot be removed", hint="delete the file instead"
            )
        new = value
        for data, part in reversed(on_the_way):
            new = _with(data, part, new)
        return new

    def check_step(self, data: object, place: Place, depth: int, *, may_add: bool) -> None:
        """Refuse to go from this value to the next one on the path if there is no way."""
        part = self.path[depth]
        here = path_text(self.path[:depth]) or "the document"
        if isinstance(data, _Included):
            self.refuse_included(data)
        if depth and type(place) is Branch and place.start.index < place.mark.index:
            self.refuse(
                "EDIT-ALIAS",
                f"{here} is an alias",
                found=f"it stands for the value in line {place.start.line + 1}",
                hint="change that value, or write a value of its own in place of the alias",
            )
        if isinstance(data, dict) and isinstance(part, str):
            if part in data or may_add:
                return
            close = difflib.get_close_matches(part[:100], [*data][:2000], 3, 0.6)
            hint = (
                f"did you mean {' or '.join(map(short, close))}?" if close else "look at its keys"
            )
            self.refuse("EDIT-PATH", f"{here} has no key {short(part)!r}", hint=hint)
        if isinstance(data, list) and isinstance(part, int):
            if 0 <= part < len(data) + may_add:
                return
            self.refuse(
                "EDIT-PATH",
                f"{here} has no item {part}",
                expected=f"0 to {len(data) - 1 + may_add}",
                hint="items are counted from 0",
            )
        kinds: dict[Any, str] = {dict: "a mapping", list: "a list"}
        self.refuse(
            "EDIT-PATH",
            f"{here} has no {'item' if isinstance(part, int) else 'key'} {short(str(part))}",
            expected="a list" if isinstance(part, int) else "a mapping",
            found=kinds.get(type(data), "a single value" if data is not None else "nothing"),
            hint=f"set {here} as a whole",
        )

    def splices(self, splicer: Splicer, value: object) -> list[Splice]:
        """The changes of the text."""
        root = self.before.place
        if not self.path:
            return splicer.replacement(locate(self.text, root, ()), value)
        parent: Any = self.before.data
        for part in self.path[:-1]:
            parent = parent[part]
        *above, last = self.path
        known = [*parent] if isinstance(parent, dict) else [*range(len(parent))]
        if value is REMOVE and len(parent) == 1:
            return splicer.replacement(locate(self.text, root, tuple(above)), type(parent)())
        if last in known:
            found = locate(self.text, root, self.path)
            return splicer.removal(found) if value is REMOVE else splicer.replacement(found, value)
        key = last if isinstance(last, str) else None
        if not known:
            empty = locate(self.text, root, tuple(above)).value
            return splicer.first_entry(empty, key, value)
        return splicer.addition(locate(self.text, root, (*above, known[-1])), key, value)

    def refuse_included(self, included: _Included) -> NoReturn:
        """Refuse to change what stands in another file."""
        self.refuse(
            "EDIT-INCLUDE",
            "this value stands in another file",
            found=f"!include {short(included.target)}",
            hint=f"change it in {short(included.target)}",
        )

    def refuse_shared(self, message: str) -> NoReturn:
        """Refuse to change a value for which aliases stand."""
        self.refuse(
            "EDIT-ALIAS", message, hint="write a value of its own in place of each alias first"
        )

    def refuse_layout(self) -> NoReturn:
        """Refuse what would come out wrong."""
        self.refuse(
            "EDIT-LAYOUT",
            "this place is written in a way that cannot be changed safely",
            hint="change it in a text editor",
        )

    def refuse(
        self, code: str, message: str, *, expected: str = "", found: str = "", hint: str
    ) -> NoReturn:
        """Raise DesignError with one finding about the value."""
        raise DesignError(
            [
                Finding(
                    code=code,
                    severity=Severity.ERROR,
                    message=message,
                    mark=mark_of(Marks(self.before.place), self.path),
                    path=short(path_text(self.path), 200),
                    expected=expected,
                    found=found,
                    hint=hint,
                )
            ]
        )


def _with(container: Any, part: Any, value: object) -> object:
    """A copy of a mapping or list with one entry set, added or removed."""
    copy = container.copy()
    if value is REMOVE:
        del copy[part]
    elif isinstance(copy, list):
        copy[part : part + 1] = [value]
    else:
        copy[part] = value
    return copy


def _difference(one: object, other: object, path: Path = ()) -> Path | None:
    """Path of the first value that differs in kind, content or order; None if there is none."""
    if one is other:
        return None
    if type(one) is not type(other):
        return path
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            return path
        pairs = [(key, value, other[key]) for key, value in one.items()]
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return path
        pairs = [(index, *each) for index, each in enumerate(zip(one, other, strict=True))]
    else:
        # repr: .nan is not equal to itself, and 0.0 is to -0.0
        same = repr(one) == repr(other) if isinstance(one, float) else one == other
        return None if same else path
    for part, left, right in pairs:
        if type(left) is str and left == right:
            continue
        difference = _difference(left, right, (*path, part))
        if difference is not None:
            return difference
    return None

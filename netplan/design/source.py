# SPDX-License-Identifier: Apache-2.0
"""Reading a design document: plain data, and the line on which every value stands.

A document is a YAML 1.2 file and what it includes. Whatever is wrong with it,
or with the place where it should be, comes back as findings, quickly, and as
nothing but :class:`~netplan.design.findings.DesignError`. What the keys mean
is no business of this module.
"""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PureWindowsPath

from netplan.design import complaints
from netplan.design.findings import DesignError, Mark
from netplan.design.reading import DEFAULT_LIMITS, Limits, Marks, Reading, mark_of, short
from netplan.design.reading import Path as DataPath
from netplan.design.tree import Include, Parsed, parse

__all__ = [
    "DEFAULT_LIMITS",
    "Limits",
    "Source",
    "mark_of",
    "parse_text",
    "read_document",
    "read_text",
]

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# Enough to find a misspelt neighbour, not so many that a huge folder takes time.
_MAX_NEIGHBOURS = 200
# The end of a file name tells most.
_NAME_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A document as read, before anybody asks what it means.

    Attributes:
        data: Mappings, lists, text, numbers, truth values and None, with included files in
            their places. A value that several aliases stand for is one object: do not change it.
        marks: Path of a value from the root to its place: for an entry of a mapping that of its
            key, for an item of a list that of the item; ``()`` is the whole document.
        files: Every file read, in the order of reading; empty for text from memory.
    """

    data: object
    marks: Mapping[DataPath, Mark]
    files: tuple[str, ...]


def read_document(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> Source:
    """Read a file and all files that it includes.

    Raises:
        DesignError: With a finding for each thing that is wrong.
    """
    files = _Files(Reading(limits))
    parsed = _result(files.read(os.fspath(path)), files.reading)
    return Source(data=parsed.data, marks=Marks(parsed.place), files=tuple(files.names))


def read_text(text: str, name: str, *, limits: Limits = DEFAULT_LIMITS) -> Source:
    """Read a document from memory; it cannot include files.

    Args:
        text: The document.
        name: Stands for a file name in marks.
        limits: How large it may be.

    Raises:
        DesignError: With a finding for each thing that is wrong.
    """
    reading = Reading(limits)

    def refuse(target: str, mark: Mark, path: DataPath, _depth: int) -> None:
        reading.add(
            "SOURCE-INCLUDE-REFUSED",
            "a document that is not a file cannot include files",
            mark,
            path=path,
            found=f"!include {short(target)}",
            hint="save the document first, or write the value out",
        )

    parsed = parse_text(text, name, reading, refuse)
    return Source(data=parsed.data, marks=Marks(parsed.place), files=())


def parse_text(text: str, name: str, reading: Reading, include: Include) -> Parsed:
    """Read a document from memory, with a given meaning of ``!include``; see ``read_text``."""
    limit = reading.limits.max_octets
    if len(text) > limit or len(text.encode("utf-8", "surrogatepass")) > limit:
        _too_large(reading, Mark(file=name), (), "the text")
        reading.stop()
    return _result(parse(text.removeprefix("\ufeff"), name, reading, include), reading)


def _result(parsed: Parsed | None, reading: Reading) -> Parsed:
    if parsed is None or reading.findings:
        raise DesignError(reading.findings)
    return parsed


class _Files:
    """The files of one document."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.names: list[str] = []
        self._octets = 0
        # A file that is included again is not read again; None when it was not readable.
        self._loaded: dict[str, Parsed | None] = {}
        # Names and identities (device and inode) of the files around the present place.
        self._chain: list[tuple[str, tuple[int, int]]] = []

    def read(
        self, name: str, mark: Mark | None = None, path: DataPath = (), depth: int = 0
    ) -> Parsed | None:
        """Read a file; None when it has been reported why it cannot be read."""
        mark = mark or Mark(file=name)
        file = Path(name)
        try:
            status = file.stat()
        except (OSError, ValueError) as error:
            # ValueError: a name with a NUL or with half a character in it
            self._unreadable(name, mark, path, error)
            return None
        if not stat.S_ISREG(status.st_mode):
            # not even opened: a pipe would make us wait, a device may do anything
            self._not_a_file(name, mark, path, is_folder=stat.S_ISDIR(status.st_mode))
            return None
        identity = (status.st_dev, status.st_ino)
        if any(identity == other for _, other in self._chain):
            self.reading.add(
                "SOURCE-INCLUDE-LOOP",
                f"{short(name, _NAME_CHARACTERS)} includes itself",
                mark,
                path=path,
                found=self._chain_text(name),
                hint="take one !include out of this chain",
            )
            return None
        left = self.reading.limits.max_octets - self._octets
        octets = b""
        if status.st_size <= left:
            try:
                with file.open("rb") as stream:
                    # one more than allowed, since a file may have grown, and /proc shows no sizes
                    octets = stream.read(left + 1)
            except OSError as error:
                self._unreadable(name, mark, path, error)
                return None
        if max(status.st_size, len(octets)) > left:
            _too_large(self.reading, mark, path, short(name, _NAME_CHARACTERS))
            return None
        self._octets += len(octets)
        self.names.append(name)
        text = self._decode(octets, name, path)
        if text is None:
            return None
        self._chain.append((name, identity))
        try:
            return parse(text, name, self.reading, self._include, path, depth)
        finally:
            self._chain.pop()

    def _include(self, target: str, mark: Mark, path: DataPath, depth: int) -> Parsed | None:
        """Content of a file named in another one."""
        windows = PureWindowsPath(target)
        if not target or windows.drive or windows.root or "\\" in target or "://" in target:
            self.reading.add(
                "SOURCE-INCLUDE-PATH",
                "!include takes a file name relative to the file in which it stands",
                mark,
                path=path,
                expected="!include folder/other.yaml",
                found=f"!include {short(target)}",
                hint="write the way from this file's folder, with / between the names",
            )
            return None
        name = os.path.normpath(Path(mark.file).parent / target)
        if len(self._chain) > self.reading.limits.max_include_depth:
            self.reading.add(
                "SOURCE-INCLUDE-DEEP",
                "files include one another in too long a chain",
                mark,
                path=path,
                expected=f"at most {self.reading.limits.max_include_depth} includes in a chain",
                found=self._chain_text(name),
                hint="include the last of these files from the first",
            )
            return None
        if name not in self._loaded:
            parsed = self._loaded[name] = self.read(name, mark, path, depth)
            return parsed
        parsed = self._loaded[name]
        if parsed is None:
            return None
        if depth + parsed.height > self.reading.limits.max_depth:
            complaints.too_deep(self.reading, mark, path)
        self.reading.nodes += parsed.nodes
        return parsed

    def _decode(self, octets: bytes, name: str, path: DataPath) -> str | None:
        if octets.startswith(_UTF16_MARKS):
            self.reading.add(
                "SOURCE-ENCODING",
                "the file is not saved as UTF-8",
                Mark(file=name, line=1),
                path=path,
                expected="UTF-8",
                found="UTF-16",
                hint="save it as UTF-8 in your editor",
            )
            return None
        try:
            return octets.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            # the offsets of the error do not count a byte order mark
            good = error.object[: error.start]
            self.reading.add(
                "SOURCE-ENCODING",
                "the file is not UTF-8 text",
                Mark(file=name, line=good.count(b"\n") + 1),
                path=path,
                expected="UTF-8",
                found=f"octet 0x{error.object[error.start]:02X}",
                hint=(
                    "is this the right file? A design is text"
                    if b"\0" in octets
                    else "save it as UTF-8 in your editor; it may be Latin-1 or Windows-1252"
                ),
            )
            return None

    def _not_a_file(self, name: str, mark: Mark, path: DataPath, *, is_folder: bool) -> None:
        names = _neighbours(Path(name), ".yaml", ".yml") if is_folder else []
        self.reading.add(
            "SOURCE-NOT-A-FILE",
            f"{short(name, _NAME_CHARACTERS)} is {'a folder' if is_folder else 'no regular file'}",
            mark,
            path=path,
            expected="a file",
            found=self._chain_text(name) if self._chain else "",
            hint=(
                f"name a file in it, such as {' or '.join(names[:3])}"
                if names
                else "name a file; save what comes from a pipe or a device to a file first"
            ),
        )

    def _unreadable(self, name: str, mark: Mark, path: DataPath, error: Exception) -> None:
        chain = self._chain_text(name) if self._chain else ""
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            self.reading.add(
                "SOURCE-MISSING",
                f"there is no file {short(name, _NAME_CHARACTERS)}",
                mark,
                path=path,
                found=chain,
                hint=_missing_hint(Path(name)),
            )
            return
        reason = error.strerror if isinstance(error, OSError) else "it is no file name"
        self.reading.add(
            "SOURCE-UNREADABLE",
            f"{short(name, _NAME_CHARACTERS)!r} cannot be read: {reason}",
            mark,
            path=path,
            found=chain,
            hint="check its name, and who may read it with `ls -l`",
        )

    def _chain_text(self, name: str) -> str:
        return " -> ".join(
            short(link, _NAME_CHARACTERS) for link in (*(link for link, _ in self._chain), name)
        )


def _too_large(reading: Reading, mark: Mark, path: DataPath, what: str) -> None:
    reading.add(
        "SOURCE-TOO-LARGE",
        f"{what} makes the document too large",
        mark,
        path=path,
        expected=f"at most {reading.limits.max_octets:,} octets, with all that it includes",
        hint="is this the right file? Split the plant into several designs if it is",
    )


def _neighbours(folder: Path, *endings: str) -> list[str]:
    """Names in a folder, in order; none when it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            names = (entry.name for entry in islice(entries, 100 * _MAX_NEIGHBOURS))
            fitting = [name for name in names if not endings or name.endswith(endings)]
    except (OSError, ValueError):
        return []
    return sorted(fitting)[:_MAX_NEIGHBOURS]


def _missing_hint(file: Path) -> str:
    folder = file.parent
    if not folder.is_dir():
        return f"there is no folder {short(str(folder), _NAME_CHARACTERS)} either"
    # the endings are alike anyway
    stems = {Path(name).stem: name for name in _neighbours(folder)}
    close = [stems[stem] for stem in difflib.get_close_matches(file.stem[:100], stems, 3, 0.6)]
    names = close or _neighbours(folder, ".yaml", ".yml")[:3]
    if not names:
        return f"there are no YAML files in {short(str(folder), _NAME_CHARACTERS)}"
    return f"did you mean {' or '.join(names)}?" if close else f"there are {', '.join(names)}"

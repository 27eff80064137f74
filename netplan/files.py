# SPDX-License-Identifier: Apache-2.0
"""Writing files so that they are there whole or not at all.

Every result and every edited design goes through :func:`write_atomically`, so
that neither Ctrl-C, a full disk nor a power cut leaves half a document where a
whole one stood.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from netplan.design.findings import DesignError, Finding, Mark, Severity

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def write_atomically(path: str | os.PathLike[str], data: str | bytes) -> None:
    """Write a file beside its place, force it to the disk, then move it into place.

    A file that is replaced keeps its mode and, where the system allows, its owner;
    a link stays a link. What is no regular file (``/dev/stdout``, a pipe) is
    written straight. After a failure the old file is as it was and nothing else is left.

    Args:
        path: Where the file shall stand.
        data: Its content; text is written as UTF-8.

    Raises:
        DesignError: The file cannot be written; the finding says why.
    """
    content = data.encode() if isinstance(data, str) else data
    try:
        _write(Path(os.path.realpath(path)), content)
    except OSError as error:
        _refuse(os.fspath(path), error)


def write_folder(folder: str | os.PathLike[str], texts: Mapping[str, str]) -> tuple[Path, ...]:
    """Write several files below a folder, which is made when it is not there.

    Args:
        folder: Where.
        texts: Path below the folder to content.

    Raises:
        DesignError: A folder cannot be made or a file not be written; the finding says why.
    """
    written = []
    for name, text in texts.items():
        place = Path(folder, name)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            finding = Finding(
                code="FILE-FOLDER-NOT-MADE",
                severity=Severity.ERROR,
                message=f"this folder cannot be made: {error.strerror or error}",
                mark=Mark(file=os.fspath(place.parent)),
                hint="write elsewhere",
            )
            raise DesignError([finding]) from error
        write_atomically(place, text)
        written.append(place)
    return tuple(written)


def check_place(path: str | os.PathLike[str]) -> None:
    """Find out before long work whether :func:`write_atomically` could write here.

    Raises:
        DesignError: It could not; the finding says why.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if not os.access(target if target.exists() else target.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        _refuse(os.fspath(path), error)


def _write(target: Path, content: bytes) -> None:
    try:
        old = target.stat()
    except FileNotFoundError:
        old = None
    if old is not None:
        if stat.S_ISDIR(old.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(old.st_mode):
            target.write_bytes(content)
            return
        if not os.access(target, os.W_OK):  # a rename would get round the file's own mode
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    # The name is cut so that it stays within the 255 octets of a file name.
    beside = target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if old is not None:
                with suppress(PermissionError):
                    os.fchown(descriptor, old.st_uid, old.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the move itself survive a power cut, on file systems that know how."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refuse(path: str, error: OSError) -> NoReturn:
    folder = os.path.dirname(path) or "."  # noqa: PTH120 - shown to the user as typed
    if isinstance(error, IsADirectoryError):
        code, message, hint = (
            "FILE-IS-FOLDER",
            "this is a folder, not a file",
            "give the name of a file in it",
        )
    elif isinstance(error, FileNotFoundError | NotADirectoryError):
        code, message, hint = (
            "FILE-FOLDER-MISSING",
            f"there is no folder {folder!r} to write into",
            "create the folder first, or write elsewhere",
        )
    elif error.errno in _NOT_ALLOWED:
        code, message, hint = (
            "FILE-NOT-ALLOWED",
            f"the file or its folder {folder!r} may not be written",
            "change its permissions, or write elsewhere",
        )
    elif error.errno in _DISK_FULL:
        code, message, hint = (
            "FILE-DISK-FULL",
            "the disk is full",
            "make room, or write to another disk",
        )
    else:
        code, message, hint = (
            "FILE-NOT-WRITTEN",
            f"the file cannot be written: {error.strerror or error}",
            "write elsewhere, or have the disk checked",
        )
    finding = Finding(
        code=code, severity=Severity.ERROR, message=message, mark=Mark(file=path), hint=hint
    )
    raise DesignError([finding]) from error

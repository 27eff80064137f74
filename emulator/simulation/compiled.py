# SPDX-License-Identifier: Apache-2.0
"""Compiles the kernel functions, and keeps the machine code between runs.

The machine code lies in a directory of the user's cache whose name is a hash of
every source of this package and of the versions of Python, numpy and numba, so that an
edit anywhere in the kernel never meets code made before it. Where the directory
cannot be written, each process compiles anew.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pickle
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

_numba: Any = importlib.import_module("numba")
"""Untyped: its stubs know neither its settings nor the options used here."""

_HASH_DIGITS = 16
_KEPT_S = 30 * 24 * 3600


def _source_hash() -> str:
    """Fingerprint of everything that decides what the compiler produces."""
    digest = hashlib.sha256()
    for version in (sys.version, np.__version__, _numba.__version__):
        digest.update(version.encode() + b"\0")
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:_HASH_DIGITS]


def _cache_directory() -> Path | None:
    """Directory for the machine code; None when none can be written."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # An empty or relative value is to be ignored (XDG base directory specification).
        root = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
        directory = root / "plantwire" / "numba" / _source_hash()
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):  # which also says that it is in use
            pass
    except (OSError, RuntimeError):
        return None
    _prune(directory)
    return directory


def _prune(used: Path) -> None:
    """Remove the machine code of other versions that nobody has used for a month."""
    oldest_s = time.time() - _KEPT_S
    with suppress(OSError):
        for other in used.parent.iterdir():
            if other != used and other.stat().st_mtime < oldest_s:
                shutil.rmtree(other, ignore_errors=True)


CACHE_DIRECTORY = _cache_directory()
"""Where the machine code of this version of the kernel is kept; None for nowhere."""


_OPTIONS = {
    # Division as the processor does it: the tables make sure that no divisor is 0.
    "error_model": "numpy",
    # No counting of references to arrays: the kernel makes none and the caller holds all of
    # them. Counting, with an atomic instruction at every use, made the kernel ten times slower.
    "_nrt": False,
}


def _forgive(cache: Any) -> None:
    """Let a full disk or a damaged file of the cache cost time, not the run."""
    load, save = cache.load_overload, cache.save_overload

    def load_or_compile(*arguments: Any) -> Any:
        try:
            return load(*arguments)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            with suppress(OSError):
                cache.flush()  # begin the damaged file anew
            return None

    def save_if_possible(*arguments: Any) -> None:
        with suppress(OSError, EOFError, ValueError, pickle.UnpicklingError):
            save(*arguments)

    cache.load_overload, cache.save_overload = load_or_compile, save_if_possible


def compiled(function: Function) -> Function:
    """Compile a function, when it is first called; numba's own cache setting stays as it was."""
    before = _numba.config.CACHE_DIR
    if CACHE_DIRECTORY is not None:
        _numba.config.CACHE_DIR = str(CACHE_DIRECTORY)
    try:
        dispatcher = _numba.njit(cache=CACHE_DIRECTORY is not None, **_OPTIONS)(function)
        if CACHE_DIRECTORY is not None:
            _forgive(dispatcher._cache)  # noqa: SLF001 - numba offers no other handle
        return cast("Function", dispatcher)
    finally:
        _numba.config.CACHE_DIR = before


def inlined(function: Function) -> Function:
    """Compile a function that kernel functions call, into each of its callers."""
    return cast(
        "Function", _numba.njit(forceinline=True, no_cfunc_wrapper=True, **_OPTIONS)(function)
    )


def inner(function: Function) -> Function:
    """Compile a function that only kernel functions may call, apart from its callers.

    It has no entrance from Python: with as many arrays as the state has, making one takes
    longer than compiling most functions. A call from Python ends the process.
    """
    decorate = _numba.njit(no_cfunc_wrapper=True, no_cpython_wrapper=True, **_OPTIONS)
    return cast("Function", decorate(function))


def merged(function: Function) -> Function:
    """Make a function that is called at one place a part of its caller before types are known.

    That compiles faster than :func:`inlined`, as the function is not compiled by itself too.
    """
    decorate = _numba.njit(inline="always", **_OPTIONS)
    return cast("Function", decorate(function))

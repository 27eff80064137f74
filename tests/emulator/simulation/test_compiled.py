# SPDX-License-Identifier: Apache-2.0
"""Where machine code is kept, and that nothing loads the compiler too early."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.simulation import compiled
from emulator.simulation.bench import line10


def test_cache_follows_the_users_cache_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    directory = compiled._cache_directory()
    assert directory is not None
    assert directory.parent == tmp_path / "plantwire" / "numba"
    assert directory.is_dir()
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    directory = compiled._cache_directory()
    assert directory is not None
    assert directory.parent == tmp_path / "home" / ".cache" / "plantwire" / "numba"


def test_what_nobody_has_used_for_a_month_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    used = compiled._cache_directory()
    assert used is not None
    now_s = used.stat().st_mtime
    for name, age_days in (("old", 31), ("recent", 29)):
        (used.parent / name / "simulation").mkdir(parents=True)
        os.utime(used.parent / name, (now_s, now_s - age_days * 24 * 3600))
    assert compiled._cache_directory() == used
    assert sorted(one.name for one in used.parent.iterdir()) == sorted([used.name, "recent"])


def test_without_a_place_there_is_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert compiled._cache_directory() is None


def test_any_change_of_a_source_changes_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Path(compiled.__file__).parent
    for source in package.glob("*.py"):
        shutil.copy(source, tmp_path)
    monkeypatch.setattr(compiled, "__file__", str(tmp_path / "compiled.py"))
    before = compiled._source_hash()
    heap = tmp_path / "heap.py"
    heap.write_text(heap.read_text() + "\n")
    assert compiled._source_hash() != before


def run_in_another_process(**environment: str) -> int:
    """Simulate a little in a process of its own; returns how often the kernel came from the cache."""
    program = (
        "from emulator.simulation.bench import line10; from emulator.simulation import kernel; "
        "line10(0.15); print(sum(kernel.run_slice.stats.cache_hits.values()))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
    )
    return int(finished.stdout)


def test_second_process_starts_warm() -> None:
    if compiled.CACHE_DIRECTORY is None:
        pytest.skip("the user's cache directory cannot be written")
    line10(0.1)
    assert run_in_another_process() > 0


@pytest.mark.parametrize("module", ["emulator", "emulator.simulation"])
def test_packages_load_no_compiler(module: str) -> None:
    program = f"import sys, {module}; sys.exit('numba' in sys.modules)"
    finished = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert finished.returncode == 0


@pytest.mark.slow
def test_a_damaged_cache_costs_time_not_the_run(tmp_path: Path) -> None:
    assert run_in_another_process(XDG_CACHE_HOME=str(tmp_path)) == 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:  # what a power cut leaves
        path.write_bytes(b"")
    assert run_in_another_process(XDG_CACHE_HOME=str(tmp_path)) == 0
    assert run_in_another_process(XDG_CACHE_HOME=str(tmp_path)) > 0  # made whole again

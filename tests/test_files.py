# SPDX-License-Identifier: Apache-2.0
"""A file is written whole or not at all, and a refusal says what to do."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.design.findings import DesignError
from netplan.files import write_atomically

as_root = os.geteuid() == 0


def code_of(error: pytest.ExceptionInfo[DesignError]) -> str:
    (finding,) = error.value.findings
    assert finding.mark is not None
    assert finding.hint
    return finding.code


def test_creates_a_file_with_the_mode_that_the_umask_gives(tmp_path: Path) -> None:
    old_mask = os.umask(0o027)
    try:
        write_atomically(tmp_path / "plan.json", "ü\n")
    finally:
        os.umask(old_mask)
    assert (tmp_path / "plan.json").read_bytes() == "ü\n".encode()
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o640  # 0o666 without 0o027


def test_replaces_and_keeps_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "run.sh"
    target.write_text("old")
    target.chmod(0o751)
    write_atomically(str(target), b"new")
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o751
    assert list(tmp_path.iterdir()) == [target]


@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_reads_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, data: str | bytes
) -> None:
    target = tmp_path_factory.getbasetemp() / "any"
    write_atomically(target, data)
    assert target.read_bytes() == (data.encode() if isinstance(data, str) else data)


def test_longest_possible_name(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 255)
    write_atomically(target, "x")
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "design.yaml"
    target.write_text("old")
    link = tmp_path / "link.yaml"
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_straight(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_stays_a_device() -> None:
    write_atomically(os.devnull, "gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize(
    "failure", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")]
)
def test_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    target = tmp_path / "design.yaml"
    target.write_text("old")

    def fail(_descriptor: int) -> None:
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((KeyboardInterrupt, DesignError)):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "FILE-DISK-FULL"),
        (errno.EDQUOT, "FILE-DISK-FULL"),
        (errno.EROFS, "FILE-NOT-ALLOWED"),
        (errno.EIO, "FILE-NOT-WRITTEN"),
    ],
)
def test_what_the_disk_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DesignError) as error:
        write_atomically(tmp_path / "report.html", "x")
    assert code_of(error) == code


def test_a_really_full_disk() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(DesignError) as error:
        write_atomically("/dev/full", "x")
    assert code_of(error) == "FILE-DISK-FULL"


def test_refuses_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DesignError) as error:
        write_atomically(tmp_path, "x")
    assert code_of(error) == "FILE-IS-FOLDER"


@pytest.mark.parametrize("place", ["missing/report.html", "file/report.html"])
def test_refuses_a_missing_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DesignError, match="create the folder first") as error:
        write_atomically(tmp_path / place, "x")
    assert code_of(error) == "FILE-FOLDER-MISSING"


@pytest.mark.skipif(as_root, reason="root may write everywhere")
@pytest.mark.parametrize("closed", ["folder", "file"])
def test_refuses_what_is_read_only(tmp_path: Path, closed: str) -> None:
    target = tmp_path / "plan.json"
    target.write_text("old")
    place = tmp_path if closed == "folder" else target
    mode = place.stat().st_mode
    place.chmod(0o555)
    try:
        with pytest.raises(DesignError) as error:
            write_atomically(target, "new")
    finally:
        place.chmod(mode)
    assert code_of(error) == "FILE-NOT-ALLOWED"
    assert target.read_text() == "old"

# SPDX-License-Identifier: Apache-2.0
"""A copy of the tutorial to spoil, and the real command run on it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from netplan import command
from netplan.catalog import loader
from support import tutorial
from support.tutorial import End, Run

SOON_S = 60.0
"""Processor time: a limit for gross mistakes; all but a few tests take a tenth of a second."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tutorial as the working directory."""
    monkeypatch.delenv(loader.VARIABLE, raising=False)
    shutil.copytree(tutorial.FOLDER, tmp_path / "plant")
    monkeypatch.chdir(tmp_path / "plant")
    return tmp_path / "plant"


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``plantwire`` in the copy; whatever happens must happen soon and without a traceback."""

    def run(*arguments: str) -> End:
        began = time.process_time()
        status = command.main(arguments)
        assert time.process_time() - began < SOON_S
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert "TOOL-FAULT" not in out + err, out + err
        return End(status=status, out=out, err=err)

    assert folder.is_dir()
    return run

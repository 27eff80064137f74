#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up .venv with the development tools (once), then runs every check; arguments go to pytest.
# Needs Python >= 3.11; where Debian has split off venv, installs that with sudo and says so before.
set -euo pipefail
venv_extras="[dev]"
source "$(dirname "${BASH_SOURCE[0]}")/plantwire.sh"
cd "$here"
PATH="$venv/bin:$PATH"
ruff check .
ruff format --check .
mypy
lint-imports
pytest "$@"

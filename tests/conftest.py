# SPDX-License-Identifier: Apache-2.0
"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# The first example may compile a numba kernel, so time per example says nothing. Under CI hypothesis
# takes a profile of its own, which has no deadline either and never draws at random.
settings.register_profile("house", deadline=None)
if "CI" not in os.environ:
    settings.load_profile("house")

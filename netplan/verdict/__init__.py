# SPDX-License-Identifier: Apache-2.0
"""Targets, evidence and verdicts, and how they are shown."""

# SPDX-License-Identifier: Apache-2.0
"""Bridged streams: routing, traffic classes; schedules and shapers join them here."""

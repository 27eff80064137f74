# SPDX-License-Identifier: Apache-2.0
"""Media: one module per medium, each giving the same four things, none of them an engine."""

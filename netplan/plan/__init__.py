# SPDX-License-Identifier: Apache-2.0
"""The plan: everything derived from a design, and how it is derived."""

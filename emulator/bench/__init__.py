# SPDX-License-Identifier: Apache-2.0
"""Measurements that ``plantwire bench`` prints: of this tool, on this host."""

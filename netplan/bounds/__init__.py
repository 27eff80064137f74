# SPDX-License-Identifier: Apache-2.0
"""Worst cases that can be proven: packetised network calculus for strict-priority networks.

The entry is :func:`netplan.bounds.analysis.bound`. Everything is counted in
integers and rounded outward; nothing here knows of the simulation.
"""

# SPDX-License-Identifier: Apache-2.0
"""Bounds of networks of FIFO servers with concave arrivals and convex service: path-wise, by LP.

:func:`netplan.bounds.fluid.analysis.fluid_bounds` takes a fluid network; the same linear programs
tighten the packetised bounds of a plan in :mod:`netplan.bounds.lp`.
"""

# SPDX-License-Identifier: Apache-2.0
"""Packet by packet in exact time: the discrete-event simulation of a plan.

:func:`emulator.simulation.run.simulate` turns a plan into simulated evidence.
Importing this package loads neither numba nor the kernel; running does.
"""

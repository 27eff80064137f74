# SPDX-License-Identifier: Apache-2.0
"""Recovery of rings and trees: protocol machines that exchange their frames hop by hop.

:func:`emulator.simulation.redundancy.timeline.ring_timeline` runs one ring through a fault
scenario and gives the times at which ports change and nodes forget what they learned.
"""

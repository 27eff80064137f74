# SPDX-License-Identifier: Apache-2.0
"""Evidence by running: the packet simulation, the lab and what measures in them.

Each kind of evidence is gathered by code of its own; what they share is the plan.
"""

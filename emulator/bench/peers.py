# SPDX-License-Identifier: Apache-2.0
"""Figures of other tools, to be printed beside ours.

Source: measured on one two-core machine (AMD EPYC, Debian 12, Python 3.11): ns-3 3.44, OMNeT++ 6.1 with
INET 4.5.4, tsnkit 0.3.0, panco, xTFA and NetCal DNC through Saihu. Processor seconds, +-20 %.
"""

from __future__ import annotations

from typing import Final

LINE10: Final = "ns-3 3.44 216 k, INET 4.5.4 40 k, simpy 85 k, bare numba heap 8 M"
LINE10_GATES: Final = "INET 4.5.4 24 k"
CASES: Final = "INET 4.5.4, the reference"
MESH_1000: Final = "tsnkit 0.3.0 none in 130 s, bare greedy 4.4 s"
MESH_5000: Final = "none"
FLUID: Final = {
    "tandem of 20": (2863.32, 1.7, "panco PLP 2863.32 us in 1.7 s"),
    "ring of 8": (1212.70, 2.1, "panco PLP 1212.70 us in 2.1 s"),
    "mesh of 9": (3037.10, 1.2, "panco PLP 3037.10 us in 1.2 s"),
}
"""Largest bound over all flows in microseconds, processor seconds, and both with who needed them."""
RING_12: Final = "panco PLP 46 s"
AFDX_US: Final = {
    "v1, v2": (272.0, 276.02),
    "v3, v4": (312.0, 316.43),
    "v5": (232.0, 232.81),
}
"""True worst case by hand (Bauer, Scharbarg, Fraboul 2009, figure 1), and TFA with shaping and
packetizer of xTFA."""
AFDX: Final = "xTFA {:.2f} us; PLP and LUDB 195 us to 236 us, which frames exceed"

# SPDX-License-Identifier: Apache-2.0
"""Choosing what a design leaves open, with the bound as judge: priorities, idle slopes.

Rates and bursts of asynchronous shapers need no choice: contract rate and least burst, as
planned, are best for the bound. A scheduler that holds its group to contracts which frames kept
upstream costs no delay, and what it lets through in any window is least for all behind it; a
higher rate could make the burst smaller only where large messages of one pattern follow closely.
Source: Le Boudec, A theory of traffic regulators for deterministic networks with application to
interleaved regulators (2018), theorems 4 and 5.
"""

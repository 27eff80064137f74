# SPDX-License-Identifier: Apache-2.0
"""Random numbers that are the same on every platform, whatever runs beside them.

Each purpose of each stream, hop and transmitter has a generator of its own, seeded
by the run's seed and its name, so adding a stream changes no draw of another.
Only integer operations: SplitMix64 for the words, and a method of comparisons
for exponential gaps, because logarithms differ in the last bit between platforms.

Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014;
von Neumann: Various techniques used in connection with random digits, 1951.
"""

from __future__ import annotations

import hashlib

import numpy as np

from emulator.simulation.compiled import inlined
from emulator.simulation.layout import Words

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_SHIFT_11 = np.uint64(11)
_SHIFT_27 = np.uint64(27)
_SHIFT_30 = np.uint64(30)
_SHIFT_31 = np.uint64(31)
_SHIFT_32 = np.uint64(32)
_ONE = np.uint64(1)

PROBABILITY_BITS = 53
"""A probability is compared as an integer of so many bits."""
LARGEST_GAP_MEANS = 8
"""An exponential gap is cut off at so many times its mean (reached once in 3,000 draws)."""


def seed_word(seed: int, purpose: str, name: str) -> int:
    """64 bits that belong to a purpose and a name."""
    text = f"{seed}\0{purpose}\0{name}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def draw_once(seed: int, purpose: str, name: str, count: int) -> int:
    """One number from 0 to ``count - 1``."""
    return seed_word(seed, purpose, name) * count >> 64


def probability_threshold(probability: float) -> int:
    """What :func:`draw_event` compares with: 0 never happens, 1 always."""
    return int(probability * 2**PROBABILITY_BITS)


@inlined
def next_word(generators: Words, index: int) -> np.uint64:
    """64 random bits of one generator."""
    state = generators[index] + _GOLDEN
    generators[index] = state
    word = (state ^ (state >> _SHIFT_30)) * _MIX_1
    word = (word ^ (word >> _SHIFT_27)) * _MIX_2
    return np.uint64(word ^ (word >> _SHIFT_31))


@inlined
def draw_up_to(generators: Words, index: int, largest: int) -> int:
    """A number from 0 to ``largest``, each as likely as the other."""
    word = next_word(generators, index)
    count = np.uint64(largest) + _ONE
    word_low = word & _LOW_HALF
    word_high = word >> _SHIFT_32
    count_low = count & _LOW_HALF
    count_high = count >> _SHIFT_32
    middle = word_high * count_low + ((word_low * count_low) >> _SHIFT_32)
    carry = (word_low * count_high + (middle & _LOW_HALF)) >> _SHIFT_32
    return int(np.int64(word_high * count_high + (middle >> _SHIFT_32) + carry))


@inlined
def draw_event(generators: Words, index: int, threshold: int) -> bool:
    """Whether something of a given probability happens."""
    return bool(np.int64(next_word(generators, index) >> _SHIFT_11) < threshold)


@inlined
def draw_exponential(generators: Words, index: int, mean: int) -> int:
    """A gap with an exponential distribution, cut off at :data:`LARGEST_GAP_MEANS`.

    Von Neumann's method: of random numbers drawn while they fall, an odd count
    accepts the first as the fraction, an even one adds a whole.
    """
    whole = 0
    while whole < LARGEST_GAP_MEANS:
        first = next_word(generators, index) >> _SHIFT_32
        last = first
        falling = 1
        while True:
            word = next_word(generators, index) >> _SHIFT_32
            if word >= last:
                break
            last = word
            falling += 1
        if falling & 1:
            fraction = int(np.int64(first))
            high = mean >> 32
            low = mean & 0xFFFFFFFF
            rest = int(np.int64((np.uint64(low) * first) >> _SHIFT_32))
            return whole * mean + high * fraction + rest
        whole += 1
    return LARGEST_GAP_MEANS * mean

# SPDX-License-Identifier: Apache-2.0
"""Figures and statistics as people read them; bounds are rounded up, margins down."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum

_TIMES = (("s", 12), ("ms", 9), ("us", 6), ("ns", 3), ("ps", 0))
_RATES = (("Gbit/s", 9), ("Mbit/s", 6), ("kbit/s", 3), ("bit/s", 0))
_DIGITS = 5


class Rounding(StrEnum):
    """Which way a shown figure may differ from the exact one."""

    UP = ROUND_CEILING
    DOWN = ROUND_FLOOR
    NEAR = ROUND_HALF_EVEN


def amount_text(value: float, unit: str, rounding: Rounding = Rounding.NEAR) -> str:
    """A value of a target in its unit (``ps``, ``bps`` or ``ratio``)."""
    if not math.isfinite(value):
        return "without limit"
    if unit == "ps":
        return _scaled(value, _TIMES, rounding, "0 ns")
    if unit == "bps":
        return _scaled(value, _RATES, rounding, "0 bit/s")
    return ratio_text(value, rounding)


def time_text(time_ps: float, rounding: Rounding = Rounding.NEAR) -> str:
    """A time with five digits: ``12.336 us``."""
    return amount_text(time_ps, "ps", rounding)


def ratio_text(ratio: float, rounding: Rounding = Rounding.NEAR) -> str:
    """A share with three digits: ``0.0012``, ``1e-05``."""
    return f"{float(_rounded(Decimal(repr(float(ratio))), 3, rounding)):g}"


def percent_text(ratio: float, rounding: Rounding = Rounding.NEAR, digits: int = 6) -> str:
    """A share as percent: ``99.95 %``."""
    exact = Decimal(repr(float(ratio))) * 100
    return f"{_plain(_rounded(exact, digits, rounding))} %"


def count_text(count: int, noun: str, plural: str = "") -> str:
    """A number of things: ``1 frame``, ``1,234 frames``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def _scaled(value: float, units: tuple[tuple[str, int], ...], rounding: Rounding, zero: str) -> str:
    exact = Decimal(value) if isinstance(value, int) else Decimal(repr(float(value)))
    if exact == 0:
        return zero
    for unit, power in units:
        if abs(exact) >= Decimal(10) ** power or power == 0:
            return f"{_plain(_rounded(exact.scaleb(-power), _DIGITS, rounding))} {unit}"
    raise AssertionError(units)


def _rounded(exact: Decimal, digits: int, rounding: Rounding) -> Decimal:
    if exact == 0:
        return exact
    step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    return exact.quantize(step, rounding=rounding.value)


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tail_ratio(statistic: str) -> float | None:
    """Share above a percentile (``p99.9`` is 0.001); None when it is no percentile."""
    if not statistic.startswith("p"):
        return None
    return float(1 - Decimal(statistic[1:]) / 100)


def statistic_text(statistic: str) -> str:
    """A statistic in words: ``p99.9`` is the ``99.9th percentile``."""
    words = {"max": "largest", "mean": "mean", "ratio": "share"}
    if statistic in words:
        return words[statistic]
    number = statistic[1:]
    ending = {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    if number in {"11", "12", "13"}:
        ending = "th"
    return f"{number}{ending} percentile"


def sentence(*clauses: str) -> str:
    """Clauses as one sentence; a name at its start stays as it is written."""
    text = "; ".join(clause.strip().rstrip(".") for clause in clauses if clause.strip())
    if text.split(" ", 1)[0].isalpha():
        text = text[:1].upper() + text[1:]
    return f"{text}." if text else ""


def printable(text: str) -> str:
    """Text of a design without control characters, which a terminal would obey."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)

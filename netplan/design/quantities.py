# SPDX-License-Identifier: Apache-2.0
"""Quantities with units, parsed once, where a document is read.

A user writes ``250 us``; inside there is an integer number of picoseconds in a
field called ``period_ps``. Parsing is exact (rational arithmetic), and a number
without its unit is refused: ``12`` may be metres or feet. Each type here is an
annotated number that pydantic parses and that carries a JSON Schema for editors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_NUMBER_AND_UNIT = re.compile(
    r"\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?)\s*([^\d\s.+-].*?)?\s*"
)
_LONGEST_TEXT = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dimension:
    """A kind of quantity: its units and how its values are kept.

    Attributes:
        what: Name in messages ("duration").
        units: Factor of each unit in terms of the inner unit.
        example: What a message proposes.
        whole: Whether the inner value must be an integer.
        smallest: Least allowed inner value; None for no limit.
        largest: Greatest allowed inner value.
        bare: Whether a plain number without unit is understood.
    """

    what: str
    units: Mapping[str, Fraction]
    example: str
    whole: bool
    smallest: Fraction | None = Fraction(0)
    largest: Fraction = Fraction(10**30)
    bare: bool = False

    def parse(self, value: object) -> int | float:
        """Turn text such as ``250 us`` into the inner unit.

        Raises:
            PydanticCustomError: With ``expected`` and ``hint`` in its context.
        """
        return _parse_text(self, value) if isinstance(value, str) else self.parse_anew(value)

    def parse_anew(self, value: object) -> int | float:
        """Parse without looking whether the same text was parsed before."""
        exact = self._exact(value)
        if self.smallest is not None and exact < self.smallest:
            least = self.text_of(self.smallest)
            raise self._refusal("out of range", value, f"use a {self.what} of at least {least}")
        if exact > self.largest:
            most = self.text_of(self.largest)
            raise self._refusal("out of range", value, f"use a {self.what} of at most {most}")
        if not self.whole:
            return float(exact)
        if exact.denominator != 1:
            raise self._refusal("too fine", value, "the finest step is " + self._finest())
        return int(exact)

    def _exact(self, value: object) -> Fraction:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self._refusal("not a quantity", value, f"write it as in '{self.example}'")
        text = str(value).replace("\N{GREEK SMALL LETTER MU}", "\N{MICRO SIGN}")
        if len(text) > _LONGEST_TEXT:
            raise self._refusal("not a quantity", text[:_LONGEST_TEXT] + "...", "it is too long")
        match = _NUMBER_AND_UNIT.fullmatch(text)
        if match is None:
            raise self._refusal("not a quantity", value, f"write it as in '{self.example}'")
        number, unit = Fraction(match.group(1)), match.group(2)
        if unit is None:
            if self.bare or (number == 0 and "dBm" not in self.units):
                return number
            raise self._refusal("without a unit", value, f"add one of {self._unit_list()}")
        factor = self.units.get(unit)
        if factor is None:
            raise self._refusal("in an unknown unit", value, f"use one of {self._unit_list()}")
        return number * factor

    def text_of(self, inner: Fraction) -> str:
        """Write an inner value in the largest unit that keeps it at 1 or above."""
        best = min(self.units.items(), key=lambda item: item[1])
        for unit, factor in self.units.items():
            if abs(inner) >= factor > best[1]:
                best = (unit, factor)
        unit, factor = best
        shown = f"{float(inner / factor):.6g}"
        return f"{shown} {unit}"

    def _finest(self) -> str:
        return self.text_of(Fraction(1))

    def _unit_list(self) -> str:
        return ", ".join(self.units)

    def _refusal(self, how: str, value: object, hint: str) -> PydanticCustomError:
        return PydanticCustomError(
            "quantity",
            "this {what} is {how}",
            {
                "what": self.what,
                "how": how,
                "expected": f"a {self.what} such as '{self.example}'",
                "hint": hint,
                "found": repr(value),
            },
        )


@lru_cache(maxsize=4096)
def _parse_text(dimension: Dimension, text: str) -> int | float:
    """A plant repeats its quantities thousands of times; each is parsed once."""
    return dimension.parse_anew(text)


def _powers(names: Mapping[str, str]) -> dict[str, Fraction]:
    return {unit: Fraction(factor) for unit, factor in names.items()}


DURATION = Dimension(
    what="duration",
    units=_powers(
        {
            "ps": "1", "ns": "1e3", "us": "1e6", "µs": "1e6", "ms": "1e9", "s": "1e12",
            "min": "6e13", "h": "36e14", "d": "864e14", "a": "31557600e12",
        }
    ),
    example="250 us",
    whole=True,
    largest=Fraction(7 * 864 * 10**14),
)  # fmt: skip
PERIOD = Dimension(
    what="period",
    units=DURATION.units,
    example="1 ms",
    whole=True,
    smallest=Fraction(10**3),
    largest=DURATION.largest,
)
"""A duration that something repeats with: never 0."""
LIFETIME = Dimension(what="duration", units=DURATION.units, example="20 a", whole=True)
"""A duration beyond the engines' clock, such as a mean time between failures."""
RATE = Dimension(
    what="data rate",
    units=_powers(
        {
            "bit/s": "1", "kbit/s": "1e3", "Mbit/s": "1e6", "Gbit/s": "1e9", "Tbit/s": "1e12",
            "bps": "1", "kbps": "1e3", "Mbps": "1e6", "Gbps": "1e9",
        }
    ),
    example="1 Gbit/s",
    whole=True,
    smallest=Fraction(1),
    largest=Fraction(10**12),
)  # fmt: skip
SIZE = Dimension(
    what="size",
    units=_powers(
        {
            "B": "1", "kB": "1e3", "MB": "1e6", "GB": "1e9", "KiB": "1024", "MiB": "1048576",
            "octets": "1",
        }
    ),
    example="64 B",
    whole=True,
    largest=Fraction(10**9),
)  # fmt: skip
DATA = Dimension(
    what="data volume",
    units=_powers({"bit": "1", "kbit": "1e3", "Mbit": "1e6", "B": "8", "kB": "8e3", "MB": "8e6"}),
    example="4000 bit",
    whole=False,
    largest=Fraction(10**12),
)
"""Data of network calculus, which need not be whole octets."""
DATA_RATE = replace(RATE, whole=False, smallest=Fraction(0))
"""A rate of network calculus, which need not be whole bits per second."""
DELAY = replace(DURATION, whole=False)
"""A time of network calculus, which need not be whole picoseconds."""
LENGTH = Dimension(
    what="length",
    units=_powers({"m": "1", "mm": "1e-3", "cm": "1e-2", "km": "1e3"}),
    example="12 m",
    whole=False,
    largest=Fraction(10**7),
)
COORDINATE = Dimension(
    what="coordinate",
    units=LENGTH.units,
    example="12 m",
    whole=False,
    smallest=Fraction(-(10**7)),
    largest=Fraction(10**7),
)
POWER_LEVEL = Dimension(
    what="power level",
    units=_powers({"dBm": "1"}),
    example="-21 dBm",
    whole=False,
    smallest=Fraction(-200),
    largest=Fraction(100),
)
GAIN = Dimension(
    what="gain or loss",
    units=_powers({"dB": "1", "dBi": "1"}),
    example="3 dB",
    whole=False,
    smallest=Fraction(-200),
    largest=Fraction(200),
)
ATTENUATION = Dimension(
    what="attenuation",
    units=_powers({"dB/km": "1", "dB/m": "1000"}),
    example="0.35 dB/km",
    whole=False,
)
DELAY_PER_LENGTH = Dimension(
    what="delay per length",
    units=_powers({"ps/m": "1", "ns/m": "1e3", "us/km": "1e3"}),
    example="5.3 ns/m",
    whole=True,
)
FREQUENCY = Dimension(
    what="frequency",
    units=_powers({"Hz": "1", "kHz": "1e3", "MHz": "1e6", "GHz": "1e9"}),
    example="3.75 GHz",
    whole=False,
    smallest=Fraction(1),
    largest=Fraction(10**12),
)
SPEED = Dimension(
    what="speed",
    units={"m/s": Fraction(1), "km/h": Fraction(5, 18)},
    example="1.5 m/s",
    whole=False,
    largest=Fraction(100),
)
RATIO = Dimension(
    what="ratio",
    units={"%": Fraction(1, 100), "ppm": Fraction(1, 10**6)},
    example="1e-4' or '99.9 %",
    whole=False,
    largest=Fraction(1),
    bare=True,
)
RATE_DEVIATION = Dimension(
    what="rate deviation",
    units=_powers({"ppm": "1e3", "ppb": "1"}),
    example="100 ppm",
    whole=True,
    largest=Fraction(10**7),
)
"""Of an oscillator from its nominal frequency."""
RATE_CHANGE = Dimension(
    what="change of a rate deviation",
    units=_powers({"ppm/s": "1e3", "ppb/s": "1"}),
    example="20 ppb/s",
    whole=True,
    largest=Fraction(10**7),
)
WAVELENGTH = Dimension(
    what="wavelength",
    units=_powers({"nm": "1", "um": "1e3"}),
    example="1310 nm",
    whole=True,
    smallest=Fraction(1),
)


def _schema(dimension: Dimension) -> WithJsonSchema:
    number = r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?"
    units = "|".join(re.escape(unit) for unit in dimension.units)
    text: dict[str, object] = {
        "type": "string",
        "pattern": rf"^\s*{number}\s*({units}){'?' if dimension.bare else ''}\s*$",
        "description": f"A {dimension.what} such as '{dimension.example}'.",
    }
    if dimension.bare:
        return WithJsonSchema({"anyOf": [{"type": "number"}, text]})
    return WithJsonSchema({"anyOf": [text, {"const": 0}]})


Duration = Annotated[int, BeforeValidator(DURATION.parse), _schema(DURATION)]
Period = Annotated[int, BeforeValidator(PERIOD.parse), _schema(PERIOD)]
Lifetime = Annotated[int, BeforeValidator(LIFETIME.parse), _schema(LIFETIME)]
Rate = Annotated[int, BeforeValidator(RATE.parse), _schema(RATE)]
Size = Annotated[int, BeforeValidator(SIZE.parse), _schema(SIZE)]
Data = Annotated[float, BeforeValidator(DATA.parse), _schema(DATA)]
DataRate = Annotated[float, BeforeValidator(DATA_RATE.parse), _schema(DATA_RATE)]
Delay = Annotated[float, BeforeValidator(DELAY.parse), _schema(DELAY)]
Length = Annotated[float, BeforeValidator(LENGTH.parse), _schema(LENGTH)]
Coordinate = Annotated[float, BeforeValidator(COORDINATE.parse), _schema(COORDINATE)]
PowerLevel = Annotated[float, BeforeValidator(POWER_LEVEL.parse), _schema(POWER_LEVEL)]
Gain = Annotated[float, BeforeValidator(GAIN.parse), _schema(GAIN)]
Attenuation = Annotated[float, BeforeValidator(ATTENUATION.parse), _schema(ATTENUATION)]
DelayPerLength = Annotated[int, BeforeValidator(DELAY_PER_LENGTH.parse), _schema(DELAY_PER_LENGTH)]
Frequency = Annotated[float, BeforeValidator(FREQUENCY.parse), _schema(FREQUENCY)]
Speed = Annotated[float, BeforeValidator(SPEED.parse), _schema(SPEED)]
Ratio = Annotated[float, BeforeValidator(RATIO.parse), _schema(RATIO)]
RateDeviation = Annotated[int, BeforeValidator(RATE_DEVIATION.parse), _schema(RATE_DEVIATION)]
RateChange = Annotated[int, BeforeValidator(RATE_CHANGE.parse), _schema(RATE_CHANGE)]
Wavelength = Annotated[int, BeforeValidator(WAVELENGTH.parse), _schema(WAVELENGTH)]


def duration_text(time_ps: float) -> str:
    """Picoseconds as people read them: ``12.336 us``."""
    if time_ps == 0:
        return "0 ns"
    size = abs(time_ps)
    for unit, factor in (("s", 10**12), ("ms", 10**9), ("us", 10**6), ("ns", 10**3)):
        if size >= factor:
            return f"{time_ps / factor:.6g} {unit}"
    return f"{time_ps:.6g} ps"


def rate_text(rate_bps: float) -> str:
    """Bit per second as people read it: ``2.5 Gbit/s``."""
    for unit, factor in (("Gbit/s", 10**9), ("Mbit/s", 10**6), ("kbit/s", 10**3)):
        if abs(rate_bps) >= factor:
            return f"{rate_bps / factor:.6g} {unit}"
    return f"{rate_bps:.6g} bit/s"

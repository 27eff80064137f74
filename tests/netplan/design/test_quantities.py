# SPDX-License-Identifier: Apache-2.0
"""Quantities are parsed exactly, or refused with what to write instead."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from netplan.design import quantities
from netplan.design.quantities import (
    COORDINATE,
    DURATION,
    GAIN,
    LENGTH,
    LIFETIME,
    PERIOD,
    POWER_LEVEL,
    RATE,
    RATIO,
    SIZE,
    SPEED,
    Dimension,
    duration_text,
    rate_text,
)

ALL = [value for value in vars(quantities).values() if isinstance(value, Dimension)]
WHOLE = [dimension for dimension in ALL if dimension.whole]


def names(dimension: Dimension) -> str:
    return dimension.what


def refusal(dimension: Dimension, value: object) -> tuple[str, dict[str, object]]:
    with pytest.raises(PydanticCustomError) as caught:
        dimension.parse(value)
    return caught.value.message(), dict(caught.value.context or {})


@pytest.mark.parametrize(
    ("dimension", "text", "expected"),
    [
        pytest.param(DURATION, "250 us", 250_000_000, id="250 us = 250e6 ps"),
        pytest.param(DURATION, "250us", 250_000_000, id="no space"),
        pytest.param(DURATION, "  250   us  ", 250_000_000, id="spaces"),
        pytest.param(DURATION, "250 µs", 250_000_000, id="micro sign"),
        pytest.param(DURATION, "0.1 us", 100_000, id="0.1 us, no binary fraction"),
        pytest.param(DURATION, "31.25 us", 31_250_000, id="PROFINET send clock"),
        pytest.param(DURATION, ".5 ns", 500, id="no digit before the point"),
        pytest.param(DURATION, "5. ns", 5000, id="no digit after the point"),
        pytest.param(DURATION, "1e-3 s", 10**9, id="exponent"),
        pytest.param(DURATION, "+2 min", 120 * 10**12, id="plus sign"),
        pytest.param(DURATION, "1 h", 3600 * 10**12, id="hour"),
        pytest.param(DURATION, "7 d", 7 * 86400 * 10**12, id="longest"),
        pytest.param(DURATION, 0, 0, id="0 needs no unit"),
        # a Julian year of 365.25 d is 31,557,600 s
        pytest.param(LIFETIME, "20 a", 20 * 31_557_600 * 10**12, id="20 years"),
        pytest.param(RATE, "2.5 Gbit/s", 2_500_000_000, id="2.5G"),
        pytest.param(RATE, "100 Mbps", 100_000_000, id="bps"),
        pytest.param(SIZE, "1.5 kB", 1500, id="kilo is 1000"),
        pytest.param(SIZE, "4 KiB", 4096, id="kibi is 1024"),
        pytest.param(LENGTH, "0.8 km", 800.0, id="km"),
        pytest.param(LENGTH, "35 mm", 0.035, id="mm, the nearest float"),
        pytest.param(COORDINATE, "-12 m", -12.0, id="negative coordinate"),
        pytest.param(POWER_LEVEL, "-21.5 dBm", -21.5, id="dBm"),
        pytest.param(POWER_LEVEL, "0 dBm", 0.0, id="0 dBm is 1 mW"),
        pytest.param(GAIN, "-3 dB", -3.0, id="dB"),
        # 5.4 km/h * 5/18 = 1.5 m/s
        pytest.param(SPEED, "5.4 km/h", 1.5, id="km/h"),
        pytest.param(RATIO, "99.9 %", 0.999, id="percent"),
        pytest.param(RATIO, "20 ppm", 2e-5, id="ppm"),
        pytest.param(RATIO, 1e-4, 1e-4, id="bare number"),
        pytest.param(RATIO, "1e-4", 1e-4, id="bare number as text"),
    ],
)
def test_value_in_inner_units(dimension: Dimension, text: object, expected: float) -> None:
    value = dimension.parse(text)
    assert value == expected
    assert type(value) is (int if dimension.whole else float)


@pytest.mark.parametrize(
    ("dimension", "value", "how", "hint"),
    [
        (DURATION, 12, "without a unit", "add one of ps, ns, us"),
        (DURATION, "12", "without a unit", "add one of ps"),
        (DURATION, 1.5, "without a unit", "add one of ps"),
        (DURATION, "12 m", "in an unknown unit", "use one of ps"),
        (DURATION, "12 MS", "in an unknown unit", "use one of ps"),
        (DURATION, "soon", "not a quantity", "write it as in '250 us'"),
        (DURATION, "", "not a quantity", "write it as in '250 us'"),
        (DURATION, "us", "not a quantity", "write it as in '250 us'"),
        (DURATION, "1 2 us", "not a quantity", "write it as in '250 us'"),
        (DURATION, "1,5 us", "in an unknown unit", "use one of ps"),
        (DURATION, "--1 us", "not a quantity", "write it as in '250 us'"),
        (DURATION, True, "not a quantity", "write it as in '250 us'"),
        (DURATION, None, "not a quantity", "write it as in '250 us'"),
        (DURATION, ["1 us"], "not a quantity", "write it as in '250 us'"),
        (DURATION, float("nan"), "not a quantity", "write it as in '250 us'"),
        (DURATION, float("inf"), "not a quantity", "write it as in '250 us'"),
        (DURATION, "1" * 65 + " us", "not a quantity", "it is too long"),
        (DURATION, "-1 us", "out of range", "use a duration of at least 0 ps"),
        (DURATION, "8 d", "out of range", "use a duration of at most 7 d"),
        (DURATION, "0.5 ps", "too fine", "the finest step is 1 ps"),
        (PERIOD, "0 ms", "out of range", "use a period of at least 1 ns"),
        (PERIOD, 0, "out of range", "use a period of at least 1 ns"),
        (RATE, "0 bit/s", "out of range", "use a data rate of at least 1 bit/s"),
        (RATE, "1.5 bit/s", "too fine", "the finest step is 1 bit/s"),
        (SIZE, "2 GB", "out of range", "use a size of at most 1 GB"),
        (SIZE, "0.3 B", "too fine", "the finest step is 1 B"),
        (LENGTH, "-1 m", "out of range", "use a length of at least 0 mm"),
        (POWER_LEVEL, 0, "without a unit", "add one of dBm"),
        (RATIO, 2, "out of range", "use a ratio of at most 100 %"),
        (RATIO, -0.1, "out of range", "use a ratio of at least 0 ppm"),
    ],
)
def test_every_refusal_says_what_to_write(
    dimension: Dimension, value: object, how: str, hint: str
) -> None:
    message, context = refusal(dimension, value)
    assert message == f"this {dimension.what} is {how}"
    assert str(context["hint"]).startswith(hint)
    assert context["expected"] == f"a {dimension.what} such as '{dimension.example}'"
    assert len(str(context["found"])) < 80


def test_greek_mu_is_micro_too() -> None:
    """Some keyboards write U+03BC where others write U+00B5; on a screen they are the same."""
    assert DURATION.parse("250 \u03bcs") == DURATION.parse("250 \u00b5s")


@pytest.mark.parametrize("dimension", ALL, ids=names)
def test_the_example_in_the_messages_can_be_parsed(dimension: Dimension) -> None:
    for example in dimension.example.split("' or '"):
        dimension.parse(example)


@pytest.mark.parametrize("dimension", WHOLE, ids=names)
@settings(max_examples=30)
@given(data=st.data())
def test_integers_survive_writing_in_any_unit(dimension: Dimension, data: st.DataObject) -> None:
    """Exactness: a value divided by a unit's factor, written in decimals, comes back."""
    unit, factor = data.draw(st.sampled_from(sorted(dimension.units.items())))
    least = int(dimension.smallest or 0)
    value = data.draw(st.integers(least, int(min(dimension.largest or 10**30, 10**30))))
    written = Fraction(value) / factor
    if written.denominator % 3 == 0 or len(str(written.denominator)) > 20:
        return  # no finite decimal of a reasonable length (thirds of a minute)
    text = f"{Decimal(written.numerator) / Decimal(written.denominator):f}"
    if len(text) <= 50 and Fraction(text) == written:
        assert dimension.parse(f"{text} {unit}") == value


@given(st.integers(0, 10**15))
def test_units_are_consistent(count: int) -> None:
    """1000 of one step are 1 of the next."""
    steps = ["ps", "ns", "us", "ms", "s"]
    for small, large in pairwise(steps):
        assert LIFETIME.parse(f"{count * 1000} {small}") == LIFETIME.parse(f"{count} {large}")


@pytest.mark.parametrize("dimension", ALL, ids=names)
@settings(max_examples=40)
@given(
    value=st.one_of(
        st.text(max_size=70),
        st.from_regex(r"[-+]?[0-9]{1,5}(\.[0-9]{1,5})?([eE][-+]?[0-9]{1,3})? ?\S{0,6}"),
        st.floats(),
        st.integers(),
        st.none(),
    )
)
def test_anything_else_is_refused_in_one_way(dimension: Dimension, value: object) -> None:
    try:
        parsed = dimension.parse(value)
    except PydanticCustomError:
        return
    assert Fraction(parsed) >= (dimension.smallest if dimension.smallest is not None else parsed)
    assert Fraction(parsed) <= dimension.largest


@pytest.mark.parametrize("dimension", ALL, ids=names)
def test_the_largest_exponent_is_refused_or_kept(dimension: Dimension) -> None:
    """No number of three digits of exponent may end in anything but a refusal or a usable value."""
    unit = next(iter(dimension.units))
    try:
        parsed = dimension.parse(f"1e999 {unit}")
    except PydanticCustomError:
        return
    float(parsed)  # results speak floating-point nanoseconds: a value must fit into one


@pytest.mark.parametrize("dimension", ALL, ids=names)
@settings(max_examples=30)
@given(data=st.data())
def test_the_schema_accepts_what_is_parsed(dimension: Dimension, data: st.DataObject) -> None:
    """An editor that follows the schema must not underline what the reader understands."""
    number = data.draw(st.from_regex(r"[-+]?[0-9]{1,3}(\.[0-9]{0,2})?", fullmatch=True))
    unit = data.draw(st.sampled_from([*dimension.units, "", "x"]))
    text = number + data.draw(st.sampled_from(["", " "])) + unit
    (pattern,) = re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', json.dumps(schema_of(dimension)))
    allowed = re.fullmatch(json.loads(f'"{pattern}"'), text) is not None
    how = ""
    try:
        dimension.parse(text)
    except PydanticCustomError as error:
        how = (error.context or {})["how"]
    if how in {"out of range", "too fine"}:
        return  # a pattern cannot say that
    assert allowed == (not how) or Fraction(number) == 0  # text '0' is understood, seldom written


def schema_of(dimension: Dimension) -> object:
    return quantities._schema(dimension).json_schema


def test_inside_a_model_the_refusal_is_a_validation_error() -> None:
    adapter: TypeAdapter[int] = TypeAdapter(quantities.Duration)
    assert adapter.validate_python("1 ms") == 10**9
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python("1 m")
    (detail,) = caught.value.errors()
    assert detail["type"] == "quantity"


@pytest.mark.parametrize(
    ("time_ps", "text"),
    [
        (0, "0 ns"),
        (1, "1 ps"),
        (999, "999 ps"),
        (1500, "1.5 ns"),
        (12_336_000, "12.336 us"),
        (10**9, "1 ms"),
        (-2 * 10**9, "-2 ms"),
        (90 * 10**12, "90 s"),
        (0.5, "0.5 ps"),
    ],
)
def test_duration_as_people_read_it(time_ps: float, text: str) -> None:
    assert duration_text(time_ps) == text


@pytest.mark.parametrize(
    ("rate_bps", "text"),
    [(1, "1 bit/s"), (64_000, "64 kbit/s"), (10**8, "100 Mbit/s"), (2.5e9, "2.5 Gbit/s")],
)
def test_rate_as_people_read_it(rate_bps: float, text: str) -> None:
    assert rate_text(rate_bps) == text


@given(st.integers(1, 6 * 864 * 10**14))
def test_duration_text_is_right_to_six_digits(time_ps: int) -> None:
    read_ps = int(DURATION.parse_anew(rounded(time_ps)))
    assert abs(Fraction(read_ps - time_ps, time_ps)) < 1e-5


def rounded(time_ps: int) -> str:
    """The text, without digits below a picosecond that rounding to six digits cannot have."""
    number, unit = duration_text(time_ps).split()
    return f"{float(number):.6f} {unit}" if unit != "ps" else f"{number} ps"

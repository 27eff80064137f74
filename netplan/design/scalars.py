# SPDX-License-Identifier: Apache-2.0
"""What an unquoted word of a YAML document means: text, number, truth or nothing.

This is the core schema of YAML 1.2 and nothing besides: ``yes``, ``on``,
``1_000`` and ``2026-01-31`` are text. Quantities such as ``12 m`` are text
here too; the models of the design give them their meaning.

Source:
    YAML 1.2.2, 10.3.2 (tag resolution of the core schema).
"""

from __future__ import annotations

import math
import re

# The longest number anyone writes by hand or by program: 1e308 spelt out has 309 digits. The
# limit keeps int() from refusing (4,300 digits) or from working for seconds.
_NUMBER_CHARACTERS = 400

_CONSTANTS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")

#: First characters of the words that may be more than text; "" stands for the empty word.
FIRST_CHARACTERS = frozenset(["", *"~nNtTfF-+.0123456789"])


def resolve(word: str) -> str | int | float | bool | None:
    """Meaning of an unquoted word.

    Raises:
        ValueError: The word is a number that is too long or too large to hold;
            the message says which, without a place.
    """
    if word in _CONSTANTS:
        return _CONSTANTS[word]
    if _INTEGER.fullmatch(word):
        _refuse_long(word)
        return int(word, 0 if word.startswith(("0o", "0x")) else 10)
    if _FLOAT.fullmatch(word):
        _refuse_long(word)
        number = float(word)
        if math.isinf(number):
            raise ValueError("the number is larger than 1.8e308")
        return number
    return word


def is_text(word: str) -> bool:
    """Whether the word, written without quotes, is read as that very text."""
    try:
        return isinstance(resolve(word), str)
    except ValueError:
        return False


def _refuse_long(word: str) -> None:
    if len(word) > _NUMBER_CHARACTERS:
        raise ValueError(f"the number has {len(word):,} characters")

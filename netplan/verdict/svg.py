# SPDX-License-Identifier: Apache-2.0
"""Writing SVG: every text and every attribute is escaped, whatever a design's names hold."""

from __future__ import annotations

from markupsafe import Markup, escape

from netplan.verdict.wording import printable

EMPTY = Markup()


def element(tag: str, *children: str | Markup, **attributes: str | float) -> Markup:
    """One element; plain text among the children is escaped, markup is kept.

    An attribute's name ends in ``_`` where it would be a word of Python, and other
    ``_`` become ``-``; numbers are written with at most one decimal.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
    )
    inside = "".join(_child(child) for child in children)
    return Markup(f"<{tag}{written}>{inside}</{tag}>" if inside else f"<{tag}{written}/>")  # noqa: S704 - escaped above


def group(*children: str | Markup, **attributes: str | float) -> Markup:
    """Elements that belong together."""
    return element("g", *children, **attributes)


def text(x: float, y: float, content: str, **attributes: str | float) -> Markup:
    """A line of text."""
    return element("text", content, x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: str | float) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def rect(
    x: float, y: float, width: float, height: float, *children: Markup, **attributes: str | float
) -> Markup:
    """A rectangle."""
    return element("rect", *children, x=x, y=y, width=width, height=height, **attributes)


def path(
    points: list[tuple[float, float]], *, closed: bool = False, **attributes: str | float
) -> Markup:
    """A line through points."""
    steps = "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
    return element("path", d=f"M{steps}{'Z' if closed else ''}", **attributes)


def drawing(width: float, height: float, description: str, *children: Markup) -> Markup:
    """A whole drawing, as wide as the page allows, with a description for those who cannot see it."""
    return element(
        "svg", element("title", description), *children,
        viewBox=f"0 0 {_number(width)} {_number(height)}", role="img",
        style=f"max-width:{_number(width)}px", xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip


def shortened(content: str, most_count: int) -> str:
    """Text cut in its middle when it is too long, so that both ends can be read."""
    if len(content) <= most_count:
        return content
    front = (most_count - 1) // 2
    return f"{content[:front]}…{content[len(content) - (most_count - 1 - front) :]}"


def _child(child: str | Markup) -> str:
    return child if isinstance(child, Markup) else str(escape(printable(child)))


def _value(value: str | float) -> str:
    return str(escape(printable(value))) if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    shown = f"{value:.1f}"
    return shown.removesuffix(".0")

# SPDX-License-Identifier: Apache-2.0
"""YANG data trees: one nested structure, written as JSON and as XML.

A container is a mapping, a list is a list of mappings, a leaf-list a list of values. Keys are names
as in JSON: ``module:name`` at the top and wherever a node belongs to another module
than its parent, the plain name elsewhere.

Source: RFC 7951 (JSON), RFC 7950 7.5.7 to 7.8.5 and 9 (XML, canonical forms of values).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A value of type identityref."""

    module: str
    name: str


class Empty:
    """The value of a leaf of type empty: it is there, and says no more."""


class Wide(int):
    """A value of type int64 or uint64, which JSON carries as text."""

    __slots__ = ()


Leaf: TypeAlias = int | str | Identity | Empty
Tree: TypeAlias = Mapping[str, "Branch"]
Branch: TypeAlias = Tree | Sequence[Tree] | Sequence[Leaf] | Leaf


def namespace(module: str) -> str:
    """XML namespace of an IETF, IANA or IEEE 802.1 module.

    The published modules of IEEE Std 802.1CB name 802.1Q in theirs, too.
    """
    if module.startswith(("ietf-", "iana-")):
        return f"urn:ietf:params:xml:ns:yang:{module}"
    return f"urn:ieee:std:802.1Q:yang:{module}"


def json_text(tree: Tree) -> str:
    """The tree as RFC 7951 has it."""
    return json.dumps(_plain(tree), indent=2, ensure_ascii=False) + "\n"


def xml_text(tree: Tree) -> str:
    """The tree as the content of a NETCONF ``config`` or ``data`` element.

    Several top-level nodes stand one after the other, as tools for YANG expect them.
    """
    lines: list[str] = []
    for name, branch in tree.items():
        _elements(lines, name, branch, "", 0)
    return "\n".join(lines) + "\n"


def _plain(branch: Branch) -> object:
    if isinstance(branch, Mapping):
        return {name: _plain(below) for name, below in branch.items()}
    if isinstance(branch, Identity):
        return f"{branch.module}:{branch.name}"
    if isinstance(branch, Empty):
        return [None]
    if isinstance(branch, Wide):
        return str(int(branch))
    if isinstance(branch, (str, int)):
        return branch
    return [_plain(item) for item in branch]


def _elements(lines: list[str], name: str, branch: Branch, module: str, depth: int) -> None:
    """Append the elements of one data node; ``module`` is that of its parent."""
    if isinstance(branch, Sequence) and not isinstance(branch, str):
        for item in branch:
            _elements(lines, name, item, module, depth)
        return
    own, _, plain = name.rpartition(":")
    indent = "  " * depth
    start = plain + (f' xmlns="{namespace(own)}"' if own and own != module else "")
    if isinstance(branch, Mapping) and branch:
        lines.append(f"{indent}<{start}>")
        for below, inner in branch.items():
            _elements(lines, below, inner, own or module, depth + 1)
        lines.append(f"{indent}</{plain}>")
    elif isinstance(branch, Identity):
        value = f"id:{branch.name}"
        lines.append(f'{indent}<{start} xmlns:id="{namespace(branch.module)}">{value}</{plain}>')
    elif isinstance(branch, (Mapping, Empty)):
        lines.append(f"{indent}<{start}/>")
    else:
        lines.append(f"{indent}<{start}>{_text(branch)}</{plain}>")


def _text(value: int | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value)) if isinstance(value, str) else str(int(value))

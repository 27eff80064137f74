# SPDX-License-Identifier: Apache-2.0
"""From the text of one YAML file to plain data, with the place of every value.

The text is read as a stream of events and never recursively, so that neither
its depth nor its aliases can exhaust the machine: what an alias stands for
counts as if it were written out. This module knows no files; whoever calls it
says what ``!include`` means.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import yaml

from netplan.design import complaints
from netplan.design.findings import Mark
from netplan.design.reading import Branch, Path, Place, Reading, our_mark
from netplan.design.scalars import FIRST_CHARACTERS, resolve
from netplan.design.syntax import explain

# libyaml reads some ten times faster; the events are the same.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_SCALAR_TAGS: dict[str, type] = {
    complaints.CORE_TAG + "null": type(None),
    complaints.CORE_TAG + "bool": bool,
    complaints.CORE_TAG + "int": int,
    complaints.CORE_TAG + "float": float,
}
_TEXT_TAGS = ("!", complaints.CORE_TAG + "str")
# What YAML does not allow in a file, and besides the three separators that some readers take
# for line breaks and others for letters, and a byte order mark that is not at the beginning.
_FORBIDDEN = re.compile(
    "[^\t\n\r -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# libyaml compares each %TAG with all those before it: refused before it gets them.
_TAG_DIRECTIVE = re.compile(r"(?:\A|[\r\n])%TAG\b")


class Parsed(NamedTuple):
    """A value as read, with its levels of mappings and lists and its number of nodes."""

    data: object
    place: Place
    height: int = 0
    nodes: int = 1


# Asks for the content of an included file: its name as written, the mark and the path of the
# tag, and the depth at which the content will stand. None when it has reported why not.
Include: TypeAlias = Callable[[str, Mark, Path, int], Parsed | None]


def parse(
    text: str, name: str, reading: Reading, include: Include, path: Path = (), depth: int = 0
) -> Parsed | None:
    """Read one file.

    Args:
        text: Content, without a byte order mark.
        name: File name for marks.
        reading: Receives the findings.
        include: What to do about ``!include``.
        path: Where the content will stand in the whole document.
        depth: Mappings and lists around it there.

    Returns:
        The value; None if the file is not readable to its end, which is then reported. A value
        read while findings were reported is not fit for use.

    Raises:
        DesignError: The whole document is too large, or too much is wrong with it.
    """
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        complaints.character(reading, _mark_at(text, forbidden.start(), name), forbidden.group())
        return None
    directive = _TAG_DIRECTIVE.search(text)
    if directive:
        complaints.tag_directive(reading, _mark_at(text, directive.end() - 4, name))
        return None
    return _File(text, name, reading, include, path, depth).read()


def _mark_at(text: str, index: int, name: str) -> Mark:
    line_start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    breaks = text.count("\n", 0, index) + len(re.findall(r"\r(?!\n)", text[:index]))
    return Mark(file=name, line=breaks + 1, column=index - line_start + 1)


class _Text(io.StringIO):
    """Text with a name, which the YAML library copies into its marks."""

    name: str


class _File:
    """The reading of one file."""

    def __init__(
        self, text: str, name: str, reading: Reading, include: Include, path: Path, depth: int
    ) -> None:
        self.text = text
        self.name = name
        self.reading = reading
        self.include = include
        self.path = path
        self.depth = depth
        # Value of each anchor; None while its own content is being read.
        self.anchors: dict[str, Parsed | None] = {}
        # What is around the current mapping or list, from the outside: data, places, key, height,
        # nodes when the inner one began, its anchor, and the key to go on with after it.
        self.stack: list[tuple[Any, Any, str | None, int, int, str | None, str | None]] = []

    def where(self, data: Any, key: str | None) -> Path:
        """Path of the value that is being read."""
        parts = list(self.path)
        # the outermost list is only the holder of the root
        for parent, _, parent_key, *_ in self.stack[1:]:
            parts.append((parent_key or "") if isinstance(parent, dict) else len(parent) - 1)
        if self.stack:
            parts.append((key or "") if isinstance(data, dict) else len(data))
        return tuple(parts)

    def read(self) -> Parsed | None:  # long: see below
        """Go through the events.

        The one hot loop of reading a design: 100,000 events for a plant of 1,000 nodes. It is
        long because a call for each event would double its time; what is rare is called.
        """
        stream = _Text(self.text)
        stream.name = self.name
        next_event = LOADER(stream).get_event
        reading = self.reading
        stack = self.stack
        max_nodes = reading.limits.max_nodes
        max_depth = reading.limits.max_depth - self.depth
        nodes = first_nodes = reading.nodes
        documents = 0
        # The root stands in a list of its own, so that it needs no special case.
        root: list[Any] = []
        root_places: list[Any] = []
        data: Any = root
        places: Any = root_places
        is_mapping = False
        key: str | None = None
        key_mark: Any = None
        height = 0

        while True:
            try:
                event = next_event()
            except (yaml.YAMLError, ValueError, OverflowError) as error:
                # ValueError, OverflowError: the pure parser on an escape that is no character
                reading.keep(explain(error, self.text, self.name))
                return None
            kind = type(event)
            value: Any
            place: Any

            if kind is yaml.ScalarEvent:
                nodes += 1
                if nodes > max_nodes:
                    complaints.too_many_nodes(reading, our_mark(event.start_mark))
                word = event.value
                place = event.start_mark
                if is_mapping and key is None:
                    if word in data or word == "<<" or event.tag or event.anchor:
                        self.unusual_key(event, data, places)
                    key = word
                    key_mark = place
                    continue
                if event.tag is None and event.anchor is None:
                    value = word
                    if event.implicit[0] and word[:1] in FIRST_CHARACTERS:
                        try:
                            value = resolve(word)
                        except ValueError as error:
                            complaints.number(reading, event, error, self.where(data, key))
                else:
                    reading.nodes = nodes
                    parsed = self.unusual_scalar(event, self.where(data, key))
                    nodes = reading.nodes
                    if nodes > max_nodes:
                        complaints.too_many_nodes(reading, our_mark(place))
                    value, place = parsed.data, parsed.place
                    height = max(height, parsed.height)

            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                nodes += 1
                if nodes > max_nodes:
                    complaints.too_many_nodes(reading, our_mark(event.start_mark))
                if len(stack) >= max_depth:
                    complaints.too_deep(reading, our_mark(event.start_mark), self.where(data, key))
                    return None
                next_key = None
                if is_mapping and key is None:
                    if not any(next_keys for *_, next_keys in stack):
                        # once is enough where brackets were left open
                        complaints.key_kind(reading, event, self.where(data, key)[:-1])
                    # the key goes nowhere, and so will its value
                    key, key_mark, next_key = "?", event.start_mark, "?"
                if event.tag is not None:
                    complaints.container_tag(reading, event, self.where(data, key))
                child: Any
                child_places: Any
                if kind is yaml.MappingStartEvent:
                    child, child_places = {}, {}
                else:
                    child, child_places = [], []
                if is_mapping:
                    data[key] = child
                    places[key] = Branch(key_mark, child_places, event.start_mark)
                else:
                    data.append(child)
                    places.append(Branch(event.start_mark, child_places, event.start_mark))
                if event.anchor is not None:
                    self.anchors[event.anchor] = None
                stack.append((data, places, key, height, nodes, event.anchor, next_key))
                data, places, key, height = child, child_places, None, 0
                is_mapping = kind is yaml.MappingStartEvent
                continue

            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                child, child_height = data, height + 1
                data, places, key, height, nodes_before, anchor, next_key = stack.pop()
                is_mapping = isinstance(data, dict)
                if anchor is not None:
                    place = places[key if is_mapping else -1]
                    self.anchors[anchor] = Parsed(
                        child, place, child_height, nodes - nodes_before + 1
                    )
                height = max(height, child_height)
                key = next_key
                continue

            elif kind is yaml.AliasEvent:
                if is_mapping and key is None:
                    complaints.key_kind(reading, event, self.where(data, key)[:-1])
                    key, key_mark = "?", event.start_mark
                    continue
                parsed = self.alias(event, self.where(data, key))
                nodes += parsed.nodes
                if nodes > max_nodes:
                    complaints.too_many_nodes(reading, our_mark(event.start_mark))
                if len(stack) + parsed.height > max_depth:
                    complaints.too_deep(reading, our_mark(event.start_mark), self.where(data, key))
                    return None
                value, place = parsed.data, parsed.place
                height = max(height, parsed.height)

            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    complaints.documents(reading, event)
                    return None
                if event.version not in (None, (1, 2)):
                    complaints.yaml_version(reading, event)
                continue
            elif kind is yaml.StreamEndEvent:
                break
            else:
                continue

            # a scalar, an alias or an include has been read: put it where it belongs
            mark = key_mark if is_mapping else event.start_mark
            if type(place) is Branch:
                mark = Branch(mark, place.children, place.start)
            if is_mapping:
                data[key] = value
                places[key] = mark
                key = None
            else:
                data.append(value)
                places.append(mark)

        reading.nodes = nodes
        if not root or root[0] is None:
            complaints.empty(reading, Mark(file=self.name), self.path)
            return None
        return Parsed(root[0], root_places[0], height, nodes - first_nodes)

    def unusual_key(self, event: Any, data: dict[str, Any], places: dict[str, Any]) -> None:
        """Look at a key that is a duplicate, a merge, or carries a tag or an anchor."""
        word = event.value
        where = self.where(data, word)
        if word in data:
            earlier = places[word]
            earlier_mark = earlier.mark if type(earlier) is Branch else earlier
            complaints.duplicate_key(self.reading, event, earlier_mark, where)
        if word == "<<" and event.implicit[0] and event.tag is None:
            complaints.merge_key(self.reading, event, where)
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            complaints.unknown_tag(self.reading, event, where, "a key without a tag")
        if event.anchor is not None:
            self.anchors[event.anchor] = Parsed(word, event.start_mark)

    def unusual_scalar(self, event: Any, where: Path) -> Parsed:
        """Read a scalar that carries a tag or an anchor."""
        tag, word = event.tag, event.value
        value: object = word
        parsed: Parsed | None = None
        if tag == "!include":
            depth = len(self.stack) + self.depth
            parsed = self.include(word, our_mark(event.start_mark), where, depth)
        elif tag in _SCALAR_TAGS or (tag is None and event.implicit[0]):
            try:
                value = resolve(word)
                if tag is not None and _SCALAR_TAGS[tag] is float and type(value) is int:
                    value = float(value)
            except (ValueError, OverflowError) as error:
                complaints.number(self.reading, event, error, where)
            else:
                if tag is not None and type(value) is not _SCALAR_TAGS[tag]:
                    complaints.misfit_tag(self.reading, event, where)
        elif tag is not None and tag not in _TEXT_TAGS:
            complaints.unknown_tag(self.reading, event, where, "!include, or no tag")
        # where an include could not be read its name stands in: the findings forbid its use
        parsed = parsed or Parsed(value, event.start_mark)
        if event.anchor is not None:
            self.anchors[event.anchor] = parsed
        return parsed

    def alias(self, event: Any, where: Path) -> Parsed:
        """Look up what an alias stands for."""
        name = event.anchor
        parsed = self.anchors.get(name)
        if parsed is not None:
            return parsed
        if name in self.anchors:
            complaints.alias_loop(self.reading, event, where)
        else:
            complaints.alias_unknown(self.reading, event, where)
        return Parsed(None, event.start_mark)

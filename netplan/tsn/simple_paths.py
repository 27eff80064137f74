# SPDX-License-Identifier: Apache-2.0
"""The shortest ways between two nodes of which only some forward, in order of their hops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

_NONE = -9999
"""No predecessor, in SciPy's answer."""


class SimplePaths:
    """A network prepared for many questions: a node that does not forward has two places.

    Frames that such a node sends leave its first place, frames for it end at its second.
    """

    def __init__(
        self, neighbours: Mapping[str, Sequence[str]], forwards: Mapping[str, bool]
    ) -> None:
        """Number the nodes; ``neighbours`` of a node are those that it can send to."""
        from scipy.sparse import csr_array  # noqa: PLC0415 - slow to import, for schedules alone

        self._names = list(neighbours)
        self._sending = {name: index for index, name in enumerate(self._names)}
        self._receiving = dict(self._sending)
        for name in neighbours:
            if not forwards[name]:
                self._receiving[name] = len(self._names)
                self._names.append(name)
        ends = [
            (self._sending[name], self._receiving[other])
            for name, others in neighbours.items()
            for other in others
        ]
        rows, columns = np.array(ends, dtype=np.int32).reshape(-1, 2).T
        count = len(self._names)
        self._graph = csr_array((np.ones(len(ends)), (rows, columns)), shape=(count, count))
        # Indices of other widths are refused by the search.
        self._graph.indices = self._graph.indices.astype(np.int32)
        self._graph.indptr = self._graph.indptr.astype(np.int32)

    def shortest(self, start: str, end: str, count: int) -> list[tuple[str, ...]]:
        """The nodes of up to so many ways without a repeated node, those with fewest hops first.

        Source: Yen, Finding the k shortest loopless paths in a network, Management Science 1971.
        """
        from scipy.sparse.csgraph import yen  # noqa: PLC0415 - as above

        source, sink = self._sending[start], self._receiving[end]
        if start == end:
            return []
        lengths, before = yen(self._graph, source, sink, count, return_predecessors=True)
        found = []
        for row in range(len(lengths)):
            way = [sink]
            while way[-1] != source and before[row, way[-1]] != _NONE:
                way.append(int(before[row, way[-1]]))
            found.append(tuple(self._names[place] for place in reversed(way)))
        return found

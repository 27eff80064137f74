# SPDX-License-Identifier: Apache-2.0
"""Rules about time-sensitive networking as it is written: nothing is asked that excludes itself.

Each rule is one function that yields findings; :mod:`netplan.design.checks` calls them all.
What depends on the ports that streams use is looked at in planning.
"""

from __future__ import annotations

from collections.abc import Iterator

from netplan.design.design import Design, Path
from netplan.design.findings import Finding
from netplan.design.plant_rules import error
from netplan.design.resolve import Equipment
from netplan.design.tsn import PortPolicy, TrafficClass

_FRAGMENTS_OCTETS = (64, 128, 192, 256)
"""Source: IEEE Std 802.3-2022, 99.4.4 (addFragSize)."""
_SMALLEST_FRAME_OCTETS = 64


def streams_keep_their_time(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """STREAM-PHASE, STREAM-SCHEDULED: what has a time of release is sent at it."""
    for name, stream in design.streams.items():
        at = ("streams", name)
        if stream.sporadic and stream.phase_ps is not None:
            yield error(
                design, "STREAM-PHASE", at, ("phase",), "a sporadic stream has no time of release",
                expected="'phase' or 'sporadic: true'", found="both", hint="remove one of them",
            )  # fmt: skip
        if not stream.scheduled:
            continue
        asked = {
            "rate": stream.rate_bps is not None,
            "video": stream.video is not None,
            "sporadic": stream.sporadic,
        }
        unfit = [key for key, is_asked in asked.items() if is_asked]
        if unfit:
            yield error(
                design, "STREAM-SCHEDULED", at, ("scheduled",),
                "only what is sent at known times can be scheduled",
                expected="'size', 'frame', 'burst' or 'trace' with 'every'", found=f"'{unfit[0]}'",
                hint=f"remove 'scheduled', or say it without '{unfit[0]}'",
            )  # fmt: skip


def ways_are_found_or_given(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """STREAM-PATH-WAYS: one path is no choice of several ways."""
    for name, stream in design.streams.items():
        if stream.ways > 1 and stream.path is not None:
            yield error(
                design, "STREAM-PATH-WAYS", ("streams", name), ("path",),
                "a path is one way, but the stream wants several",
                expected="'path' or 'ways'", found="both",
                hint="remove one of them; disjoint ways are found",
            )  # fmt: skip


def policies_say_what_they_need(design: Design, equipment: Equipment) -> Iterator[Finding]:
    """TSN-OPTION, TSN-FRAGMENT: every value belongs to what stands beside it, and is possible."""
    policies: list[tuple[tuple[str, str], Path, PortPolicy]] = [(("tsn", ""), (), design.tsn)]
    policies += [
        (("nodes", name), ("tsn",), node.tsn)
        for name, node in design.nodes.items()
        if node.tsn is not None
    ]
    for at, keys, policy in policies:
        for index, one in enumerate(policy.classes):
            for key, expected, found in _wrong_options(one):
                yield error(
                    design, "TSN-OPTION", at, (*keys, "classes", index, key),
                    f"'{key}' is of no use here", expected=expected, found=found,
                    hint=f"remove '{key}', or correct it or 'shaper'",
                )  # fmt: skip
        if policy.preemption is None:
            continue
        octets = policy.preemption.fragment_octets
        if octets not in _FRAGMENTS_OCTETS:
            yield error(
                design, "TSN-FRAGMENT", at, (*keys, "preemption", "fragment"),
                "there are no such fragments", expected="64, 128, 192 or 256 B",
                found=f"{octets} B", hint="correct 'fragment'",
            )  # fmt: skip


def _wrong_options(one: TrafficClass) -> Iterator[tuple[str, str, str]]:
    """Key, what was expected and what was found of each option that cannot be honoured."""
    if one.idle_slope_bps is not None and one.shaper != "credit-based":
        yield "idle_slope", "'shaper: credit-based'", f"'shaper: {one.shaper}'"
    if one.quantum_octets is not None and one.shaper != "round-robin":
        yield "quantum", "'shaper: round-robin'", f"'shaper: {one.shaper}'"
    elif one.quantum_octets == 0:
        yield "quantum", "at least 1 B", "0 B"
    least = _SMALLEST_FRAME_OCTETS
    if one.largest_frame_octets is not None and one.largest_frame_octets < least:
        yield "largest_frame", f"at least {least} B", f"{one.largest_frame_octets} B"

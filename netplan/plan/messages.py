# SPDX-License-Identifier: Apache-2.0
"""What a stream's talker may release: messages of whole frames, from what the user wrote."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from netplan.catalog.model import Protocol
from netplan.design.design import Design, Path
from netplan.design.findings import Finding, Severity
from netplan.design.quantities import duration_text
from netplan.design.traffic import Stream, TraceEntry, Video
from netplan.media.frames import (
    ENCAPSULATION_OCTETS,
    MAXIMUM_PAYLOAD_OCTETS,
    PS_PER_S,
    frame_octets,
)
from netplan.plan.model import Emission

_MOST_FRAMES = 100_000
_SMALLEST_FRAME_OCTETS = 64
_LARGEST_FRAME_OCTETS = 1522
_LARGEST_JUMBO_OCTETS = 9216
_KINDS = ("size", "frame", "burst", "rate", "video", "trace")


def contract_of(
    design: Design, name: str, stream: Stream, protocol: Protocol, findings: list[Finding]
) -> tuple[Emission, str] | None:
    """The contract of a stream and its kind; None when it is wrong, with a finding."""
    contract = _Contract(design, name, stream, protocol, findings)
    made = contract.make()
    if made is None:
        return None
    messages, period_ps, offsets_ps, kind = made
    if sum(map(len, messages)) > _MOST_FRAMES:
        contract.refuse_number(kind, sum(map(len, messages)))
        return None
    emission = Emission(
        messages=messages,
        period_ps=period_ps,
        sporadic=stream.sporadic,
        phase_ps=stream.phase_ps,
        jitter_ps=stream.jitter_ps,
        offsets_ps=offsets_ps,
    )
    return emission, kind


_Made = tuple[tuple[tuple[int, ...], ...], int, tuple[int, ...], str]
"""Messages, period, offsets, kind."""


@dataclass(slots=True)
class _Contract:
    """One stream while its contract is worked out."""

    design: Design
    name: str
    stream: Stream
    protocol: Protocol
    findings: list[Finding]

    def refuse(
        self,
        code: str,
        key: str | Path,
        message: str,
        expected: str,
        found: str,
        hint: str,
        severity: Severity = Severity.ERROR,
    ) -> _Made | None:
        """Note a finding; where it is an error, there is no contract."""
        at = ("streams", self.name)
        keys: Path = key if isinstance(key, tuple) else (key,) if key else ()
        finding = self.design.finding(
            code, severity, message, at=at, keys=keys, expected=expected,
            found=found, hint=hint,
        )  # fmt: skip
        self.findings.append(finding)
        return None

    def make(self) -> _Made | None:
        stream = self.stream
        values = (
            stream.payload_octets, stream.frame_octets, stream.burst_octets, stream.rate_bps,
            stream.video, stream.trace,
        )  # fmt: skip
        given = [key for key, value in zip(_KINDS, values, strict=True) if value is not None]
        if len(given) != 1:
            return self.refuse(
                "STREAM-TRAFFIC", "", "it is not clear what the stream sends",
                "exactly one of size, frame, burst, rate, video and trace",
                ", ".join(given) or "none of them",
                "give 'size' for one frame per period, 'burst' for several, 'rate' for a flow",
            )  # fmt: skip
        kind = given[0]
        if kind not in {"rate", "video"} and stream.every_ps is None:
            return self.refuse(
                "STREAM-PERIOD", kind, "the period is missing", "'every: ...'", "nothing",
                "say how often it is sent, such as 'every: 1 ms'",
            )  # fmt: skip
        if kind in {"rate", "video"} and stream.every_ps is not None:
            return self.refuse(
                "STREAM-PERIOD", "every", f"the period follows from '{kind}'",
                "no 'every'", "every", "remove 'every'",
            )  # fmt: skip
        if kind == "frame":
            return self._whole_frame()
        return self._of_user_data()

    def _whole_frame(self) -> _Made | None:
        octets = self.stream.frame_octets or 0
        if not 1 <= octets <= _LARGEST_JUMBO_OCTETS:
            return self.refuse(
                "STREAM-FRAME", "frame", "this is no Ethernet frame",
                f"1 B to {_LARGEST_JUMBO_OCTETS} B", f"{octets} B",
                "count from destination address to frame check sequence",
            )  # fmt: skip
        if not _SMALLEST_FRAME_OCTETS <= octets <= _LARGEST_FRAME_OCTETS:
            self.refuse(
                "STREAM-FRAME-SIZE", "frame", "no standard Ethernet frame has this size",
                f"{_SMALLEST_FRAME_OCTETS} B to {_LARGEST_FRAME_OCTETS} B", f"{octets} B",
                "it is counted as it stands: neither padded nor divided", Severity.WARNING,
            )  # fmt: skip
        return ((octets,),), self.stream.every_ps or 0, (), "cyclic"

    def _of_user_data(self) -> _Made | None:
        stream, encapsulation = self.stream, self.protocol.encapsulation
        largest = MAXIMUM_PAYLOAD_OCTETS - ENCAPSULATION_OCTETS[encapsulation]
        size = stream.payload_octets if stream.payload_octets is not None else stream.packet_octets
        if not 1 <= size <= largest:
            return self.refuse(
                "STREAM-FRAME", "size" if stream.payload_octets is not None else "packet",
                "this does not fit into one frame", f"1 to {largest} B over {self.protocol.id}",
                f"{size} B", "send it as a 'burst' of several frames",
            )  # fmt: skip
        frame = frame_octets(size, encapsulation, tagged=True)
        if stream.payload_octets is not None:
            return ((frame,),), stream.every_ps or 0, (), "cyclic"
        if stream.burst_octets is not None:
            frames = self._split("burst", stream.burst_octets)
            return None if frames is None else ((frames,), stream.every_ps or 0, (), "burst")
        if stream.rate_bps is not None:
            period_ps = -(-8 * frame * PS_PER_S // stream.rate_bps)
            kind = "best-effort" if stream.deadline_ps is None else "rate"
            return ((frame,),), period_ps, (), kind
        if stream.trace is not None:
            return self._trace(stream.trace)
        assert stream.video is not None
        large_octets, small_octets = picture_octets(stream.video)
        large = self._split("video", large_octets)
        small = None if large is None else self._split("video", small_octets)
        if large is None or small is None:
            return None
        pictures = (large, *([small] * (stream.video.group - 1)))
        return pictures, PS_PER_S // stream.video.pictures_per_s, (), "video"

    def _trace(self, trace: tuple[TraceEntry, ...]) -> _Made | None:
        period_ps = self.stream.every_ps or 0
        start_ps = trace[0].at_ps
        offsets_ps = [entry.at_ps - start_ps for entry in trace]
        for index, offset_ps in enumerate(offsets_ps):
            if index and offset_ps <= offsets_ps[index - 1]:
                return self.refuse(
                    "STREAM-TRACE", ("trace", index, "at"), "the entries of a trace are not in order of time",
                    f"more than {duration_text(trace[index - 1].at_ps)}",
                    duration_text(trace[index].at_ps),
                    "sort them; put what is sent at one instant into one entry",
                )  # fmt: skip
        if offsets_ps[-1] >= period_ps:
            return self.refuse(
                "STREAM-TRACE", "every", "the trace is longer than its period",
                f"more than {duration_text(offsets_ps[-1])}", duration_text(period_ps),
                "lengthen 'every', or shorten the trace",
            )  # fmt: skip
        gaps_ps = [after - before for before, after in pairwise((*offsets_ps, period_ps))]
        if self.stream.jitter_ps > min(gaps_ps):
            return self.refuse(
                "STREAM-JITTER", "jitter", "the jitter is longer than a gap of the trace",
                f"at most the least gap, {duration_text(min(gaps_ps))}",
                duration_text(self.stream.jitter_ps), "shorten 'jitter'",
            )  # fmt: skip
        if self.stream.sporadic:
            return self.refuse(
                "STREAM-TRACE", "sporadic", "a recorded trace has its own times", "no 'sporadic'",
                "sporadic", "remove it; 'jitter' says how late a message may be",
            )  # fmt: skip
        frame_count = sum(-(-one.payload_octets // self.stream.packet_octets) for one in trace)
        if frame_count > _MOST_FRAMES:  # before they are made: together they may fill the memory
            return self.refuse_number("trace", frame_count)
        messages = [
            self._split(("trace", index, "size"), entry.payload_octets)
            for index, entry in enumerate(trace)
        ]
        whole = tuple(frames for frames in messages if frames is not None)
        if len(whole) < len(messages):
            return None
        return whole, period_ps, tuple(offsets_ps), "trace"

    def refuse_number(self, key: str, frame_count: int) -> _Made | None:
        """Note that the whole pattern has too many frames."""
        return self.refuse(
            "STREAM-FRAME", key, "this cannot be sent in so few frames",
            f"at most {_MOST_FRAMES} frames", f"{frame_count} frames",
            "make it smaller, or shorten the pattern",
        )  # fmt: skip

    def _split(self, key: str | Path, octets: int) -> tuple[int, ...] | None:
        """Frame sizes of so much user data: full packets and a rest."""
        packet_octets = self.stream.packet_octets
        count = -(-octets // packet_octets)
        if not 1 <= count <= _MOST_FRAMES:
            self.refuse(
                "STREAM-FRAME", key, "this cannot be sent in frames",
                f"1 to {_MOST_FRAMES} frames", f"{count} frames",
                f"change '{key if isinstance(key, str) else key[-1]}' or 'packet'",
            )  # fmt: skip
            return None
        return split(octets, packet_octets, self.protocol.encapsulation)


def split(octets: int, packet_octets: int, encapsulation: str) -> tuple[int, ...]:
    """Frame sizes of so much user data: full packets and a rest."""
    full, rest = divmod(octets, packet_octets)
    frames = [frame_octets(packet_octets, encapsulation, tagged=True)] * full
    if rest:
        frames.append(frame_octets(rest, encapsulation, tagged=True))
    return tuple(frames)


def picture_octets(video: Video) -> tuple[int, int]:
    """User data of a group's large picture and of each of its small ones.

    The mean over the group is the stated rate: ``(peak + group - 1) * small = rate * group / fps``.
    Source: planning practice, not normative (constant-size pictures of a closed group).
    """
    group_octets = video.rate_bps * video.group / (8 * video.pictures_per_s)
    small_octets = group_octets / (video.peak + video.group - 1)
    return max(1, round(video.peak * small_octets)), max(1, round(small_octets))

# SPDX-License-Identifier: Apache-2.0
"""Demands: frames and contracts, worked by hand for every protocol and kind of traffic."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.design.traffic import LayeredRate, Offer, Video
from netplan.media.frames import ENCAPSULATION_OCTETS, frame_octets
from netplan.plan.demand import Demand, demands, offer_ethernet_bps
from netplan.plan.messages import picture_octets, split
from support.small_designs import LINE, found_in, loaded, the

UDP = "udp-ipv6"


def demands_of(folder: Path, text: str) -> list[Demand]:
    found, findings = demands(loaded(folder, LINE + text + "\n"))
    assert findings == []
    return found


def of_stream(folder: Path, traffic: str) -> Demand:
    (demand,) = demands_of(folder, f"streams: {{x: {{from: plc, to: srv, {traffic}}}}}")
    return demand


@pytest.mark.parametrize(
    ("protocol", "size", "octets"),
    [
        # destination 6, source 6, tag 4, EtherType 2 and FCS 4 are 22 octets around the data
        pytest.param("ethernet", 100, 122, id="plain"),
        pytest.param("ethernet", 1, 68, id="1 padded to 46: 68, since the tag is not data"),
        pytest.param("ethernet", 46, 68, id="46 is the least"),
        pytest.param("ethernet", 1500, 1522, id="1500 is the most"),
        pytest.param("udp", 100, 170, id="IPv6 40, UDP 8"),
        pytest.param("udp", 1452, 1522, id="1452 + 48 = 1500"),
        pytest.param("tcp", 100, 182, id="IPv6 40, TCP 20"),
        pytest.param("rtp", 100, 182, id="IPv6 40, UDP 8, RTP 12"),
        pytest.param("gige-vision", 100, 150, id="IPv4 20, UDP 8"),
        pytest.param("modbus-tcp", 12, 94, id="IPv6 40, TCP 20"),
        pytest.param("profinet-rt", 40, 68, id="FrameID 2, 40, status 4: 46"),
        pytest.param("profinet-rt", 100, 128, id="FrameID 2, status 4"),
        pytest.param("goose", 150, 172, id="EtherType directly"),
        pytest.param("sampled-values", 120, 142, id="EtherType directly, one sample"),
    ],
)
def test_frame_of_each_protocol(tmp_path: Path, protocol: str, size: int, octets: int) -> None:
    demand = of_stream(tmp_path, f"size: {size} B, every: 1 ms, protocol: {protocol}")
    assert demand.emission.messages == ((octets,),)
    assert demand.emission.period_ps == 10**9
    assert demand.kind == "cyclic"


def test_the_contract_of_a_cyclic_stream(tmp_path: Path) -> None:
    demand = of_stream(
        tmp_path,
        "size: 40 B, every: 2 ms, phase: 3 us, jitter: 1 us, sporadic: true, pcp: 6, vlan: 7,"
        " misses: 1e-6, path: [sw]",
    )
    assert (demand.emission.period_ps, demand.emission.phase_ps) == (2 * 10**9, 3 * 10**6)
    assert (demand.emission.jitter_ps, demand.emission.sporadic) == (10**6, True)
    assert (demand.pcp, demand.vlan, demand.waypoints) == (6, 7, ("sw",))
    assert (demand.talker, demand.listeners, demand.allowed_miss_ratio) == ("plc", ("srv",), 1e-6)


@pytest.mark.parametrize(
    ("words", "pcp"),
    [
        ("protocol: udp", 0),  # of the protocol
        ("protocol: profinet-rt", 6),
        ("protocol: udp, traffic: video", 2),  # of the traffic type
        ("protocol: profinet-rt, traffic: video", 2),
        ("protocol: profinet-rt, traffic: video, pcp: 3", 3),  # what the user wrote
        ("pcp: 0, traffic: isochronous", 0),
    ],
)
def test_priority(tmp_path: Path, words: str, pcp: int) -> None:
    assert of_stream(tmp_path, f"size: 40 B, every: 1 ms, {words}").pcp == pcp


@pytest.mark.parametrize(
    ("burst", "packet", "frames"),
    [
        # 48 + 22 octets are added to each packet
        ("3000 B", "1000 B", (1070, 1070, 1070)),
        ("2500 B", "1000 B", (1070, 1070, 570)),
        ("1 B", "1000 B", (71,)),
        ("1401 B", "1400 B", (1470, 71)),
        ("40 kB", "1400 B", (*[1470] * 28, 870)),  # 28 x 1400 = 39,200; 800 are left
    ],
)
def test_a_burst_is_full_packets_and_a_rest(
    tmp_path: Path, burst: str, packet: str, frames: tuple[int, ...]
) -> None:
    demand = of_stream(tmp_path, f"burst: {burst}, packet: {packet}, every: 33 ms")
    assert demand.emission.messages == (frames,)
    assert demand.kind == "burst"


@given(st.integers(1, 100_000), st.integers(1, 1452))
def test_splitting_loses_no_octet(octets: int, packet: int) -> None:
    frames = split(octets, packet, UDP)
    assert len(frames) == -(-octets // packet)
    assert sum(frames) == octets + len(frames) * 70  # every frame is above the least size
    assert all(frame == frame_octets(packet, UDP, tagged=True) for frame in frames[:-1])


@pytest.mark.parametrize(
    "traffic",
    [
        "burst: 100001 B, packet: 1 B, every: 1 s",
        "video: {rate: 1 Tbit/s, pictures_per_s: 1, group: 1}, packet: 1 B",
    ],
)
def test_too_many_frames_are_refused_without_making_them(tmp_path: Path, traffic: str) -> None:
    """1 Tbit/s in one picture a second is 125,000,000,000 packets: a count, never a list."""
    text = LINE + f"streams: {{x: {{from: plc, to: srv, {traffic}}}}}\n"
    assert the(found_in(tmp_path, text), "STREAM-FRAME").path.startswith("streams.x")


@pytest.mark.parametrize(
    ("traffic", "frame", "period_ps", "kind"),
    [
        # a packet of 1400 makes 1470 octets = 11,760 bit, at 1 Mbit/s every 11.76 ms
        ("rate: 1 Mbit/s", 1470, 11_760_000_000, "best-effort"),
        ("rate: 1 Mbit/s, deadline: 5 ms", 1470, 11_760_000_000, "rate"),
        # 930 + 70 = 1000 octets = 8000 bit, at 3 Mbit/s 2,666,666,666.67 ps, rounded up
        ("rate: 3 Mbit/s, packet: 930 B", 1000, 2_666_666_667, "best-effort"),
    ],
)
def test_a_rate_counts_frames_from_header_to_fcs(
    tmp_path: Path, traffic: str, frame: int, period_ps: int, kind: str
) -> None:
    demand = of_stream(tmp_path, traffic)
    assert demand.emission.messages == ((frame,),)
    assert (demand.emission.period_ps, demand.kind) == (period_ps, kind)


def test_video_by_hand(tmp_path: Path) -> None:
    """4 Mbit/s, 10 pictures a second, groups of 5 with a large picture 6 times a small one.

    A group lasts 0.5 s and has 2 Mbit = 250,000 octets = (6 + 4) small pictures of 25,000;
    the large one has 150,000. In packets of 1000 octets: 150 frames, and 25 for a small one.
    """
    demand = of_stream(
        tmp_path,
        "video: {rate: 4 Mbit/s, pictures_per_s: 10, group: 5, peak: 6}, packet: 1000 B",
    )
    large, *small = demand.emission.messages
    assert large == (1070,) * 150
    assert small == [(1070,) * 25] * 4
    assert (demand.emission.period_ps, demand.kind) == (10**11, "video")


@given(
    st.integers(10_000, 10**8),
    st.integers(1, 120),
    st.integers(1, 100),
    st.floats(1, 20, allow_nan=False),
)
def test_a_group_of_pictures_has_the_rate_that_was_asked_for(
    rate_bps: int, per_s: int, group: int, peak: float
) -> None:
    """Every picture is rounded to octets, so a group is off by at most half an octet for each."""
    video = Video.model_validate(
        {"rate": f"{rate_bps} bit/s", "pictures_per_s": per_s, "group": group, "peak": peak}
    )
    large, small = picture_octets(video)
    data = large + (group - 1) * small
    wanted = Fraction(rate_bps * group, 8 * per_s)
    assert abs(data - wanted) <= Fraction(group, 2) + group  # 1 octet where less than 1 is asked
    assert large >= small


def relation(folder: Path, more: str) -> list[Demand]:
    text = f"relations: {{r: {{controller: plc, device: srv, {more}}}}}"
    return demands_of(folder, text)


def test_a_relation_is_a_stream_each_way(tmp_path: Path) -> None:
    out, back = relation(
        tmp_path,
        "protocol: profinet-rt, cycle: 1 ms, reduction: 4, out: 80 B, in: 10 B, phase: 5 us",
    )
    assert (out.name, out.talker, out.listeners) == ("r.out", "plc", ("srv",))
    assert (back.name, back.talker, back.listeners) == ("r.in", "srv", ("plc",))
    # 80 + 6 + 22 = 108; 10 padded to 40 by PROFINET: 40 + 6 + 22 = 68
    assert (out.emission.messages, back.emission.messages) == (((108,),), ((68,),))
    # every 4th cycle of 1 ms
    assert out.emission.period_ps == back.emission.period_ps == 4 * 10**9
    assert out.emission.phase_ps == 5 * 10**6
    assert (out.pcp, out.kind, out.origin) == (6, "cyclic", ("relations", "r"))


@pytest.mark.parametrize(
    ("layer", "rate", "frame", "ethernet_bps"),
    [
        ("ethernet", "100 Mbit/s", 1518, 100_000_000),
        # 1518 octets take 1538 on the line: 100e6 * 1518 / 1538 = 98,699,609.9
        ("line", "100 Mbit/s", 1518, 98_699_609),
        # 64 octets take 84: 1e9 * 64 / 84 = 761,904,761.9
        ("line", "1 Gbit/s", 64, 761_904_761),
        # a frame of 1518 carries a packet of 1500: 100e6 * 1518 / 1500
        ("ip", "100 Mbit/s", 1518, 101_200_000),
        # 64 octets carry 46: 46e6 * 64 / 46
        ("ip", "46 Mbit/s", 64, 64_000_000),
    ],
)
def test_the_layer_of_an_offer_s_rate(layer: str, rate: str, frame: int, ethernet_bps: int) -> None:
    offer = Offer.model_validate(
        {
            "between": ["a.p1", "b.p1"],
            "cir": LayeredRate.model_validate({"rate": rate, "layer": layer}),
            "frame": f"{frame} B",
        }
    )
    assert offer_ethernet_bps(offer) == ethernet_bps


@pytest.mark.parametrize(
    ("direction", "names"),
    [
        ("both", ["x.forward", "x.reverse"]),
        ("forward", ["x.forward"]),
        ("reverse", ["x.reverse"]),
    ],
)
def test_an_offer_is_test_traffic_in_its_directions(
    tmp_path: Path, direction: str, names: list[str]
) -> None:
    offer = (
        f"between: [plc.p1, srv.p1], direction: {direction}, cir: {{rate: 10 Mbit/s, layer: ethernet}},"
        " frame: 512 B, pcp: 4, loss: {limit: 1e-4, over: 1 h}"
    )
    found = demands_of(tmp_path, f"offers: {{x: {{{offer}}}}}")
    assert [demand.name for demand in found] == names
    ends = {"x.forward": ("plc", "p1", "srv"), "x.reverse": ("srv", "p1", "plc")}
    for demand in found:
        assert (demand.talker, demand.first_port, demand.listeners[0]) == ends[demand.name]
        # 512 octets = 4096 bit, at 10 Mbit/s every 409.6 us; the size is that of the frame itself
        assert demand.emission.messages == ((512,),)
        assert demand.emission.period_ps == 409_600_000
        assert (demand.pcp, demand.kind, demand.allowed_miss_ratio) == (4, "offer", 1e-4)


@pytest.mark.parametrize("layer", ["line", "ethernet", "ip"])
def test_the_slowest_offer_is_an_offer(tmp_path: Path, layer: str) -> None:
    offer = f"between: [plc.p1, srv.p1], cir: {{rate: 1 bit/s, layer: {layer}}}"
    assert len(demands_of(tmp_path, f"offers: {{x: {{{offer}}}}}")) == 2


@given(st.integers(1, 1400), st.sampled_from(sorted(ENCAPSULATION_OCTETS)))
def test_a_frame_is_its_data_and_a_constant(octets: int, encapsulation: str) -> None:
    frame = frame_octets(octets, encapsulation, tagged=True)
    assert frame == max(octets + ENCAPSULATION_OCTETS[encapsulation], 46) + 22

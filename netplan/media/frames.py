# SPDX-License-Identifier: Apache-2.0
"""Octets on the wire, and the one function that turns them into time.

These are definitions, shared by every kind of evidence: how many octets an
encapsulation adds, and how long a wire is busy with a number of octets.
Nothing here knows of queues.
"""

from __future__ import annotations

PS_PER_S = 10**12

ETHERNET_HEADER_OCTETS = 14
"""Destination, source, EtherType. Source: IEEE Std 802.3-2022, 3.1.1."""
FCS_OCTETS = 4
"""Frame check sequence. Source: IEEE Std 802.3-2022, 3.2.9."""
VLAN_TAG_OCTETS = 4
"""C-TAG. Source: IEEE Std 802.1Q-2022, 9.6."""
MINIMUM_PAYLOAD_OCTETS = 46
"""Data is padded to this. Source: IEEE Std 802.3-2022, 4.2.3.3."""
MAXIMUM_PAYLOAD_OCTETS = 1500
"""Basic frames. Source: IEEE Std 802.3-2022, 3.2.7."""
PREAMBLE_OCTETS = 8
"""Preamble and start frame delimiter. Source: IEEE Std 802.3-2022, 3.1.1."""
GAP_OCTETS = 12
"""Interpacket gap of 96 bit times. Source: IEEE Std 802.3-2022, 4.4.2."""

ENCAPSULATION_OCTETS = {
    "ethernet": 0,
    "udp-ipv6": 48,
    "udp-ipv4": 28,
    "tcp-ipv6": 60,
    "tcp-ipv4": 40,
    "rtp-udp-ipv6": 60,
    "profinet-rt": 6,
}
"""Octets between the MAC header and the user's data, per protocol stack.

Source: RFC 768 (8), RFC 9293 (20), RFC 8200 (40), RFC 791 (20), RFC 3550 (12);
PROFINET RT: FrameID 2 and APDU status 4, IEC 61158-6-10.
"""

R_TAG_OCTETS = 6
"""Redundancy tag: EtherType F1-C1, reserved, sequence number. Source: IEEE Std 802.1CB-2017, 7.8."""

HSR_TAG_OCTETS = 6
"""HSR tag: EtherType 89-2F, path and size, sequence number. Source: IEC 62439-3:2021, 5.7."""

PRP_TRAILER_OCTETS = 6
"""Redundancy control trailer: sequence number, LAN and size, suffix 88-FB.

Source: IEC 62439-3:2021, 4.1.10 (from memory of the clause).
"""

GTP_U_OCTETS = 64
"""GTP-U tunnel over IPv6 with QFI extension: IPv6 40, UDP 8, GTP 8, options 4, extension 4.

Source: 3GPP TS 29.281 clause 5; RFC 8200.
"""


def frame_octets(payload_octets: int, encapsulation: str, *, tagged: bool) -> int:
    """Octets from destination address to frame check sequence, padding included.

    Args:
        payload_octets: The user's data.
        encapsulation: A key of :data:`ENCAPSULATION_OCTETS`.
        tagged: Whether the frame carries a VLAN tag; the tag does not count as data,
            so the smallest tagged frame has 68 octets.

    Source:
        IEEE Std 802.3-2022, 3.1.1 and 4.2.3.3; IEEE Std 802.1Q-2022, 9.6.
    """
    data_octets = max(payload_octets + ENCAPSULATION_OCTETS[encapsulation], MINIMUM_PAYLOAD_OCTETS)
    tag_octets = VLAN_TAG_OCTETS if tagged else 0
    return ETHERNET_HEADER_OCTETS + tag_octets + data_octets + FCS_OCTETS


def wire_time_ps(octets: int, line_bps: int) -> int:
    """Time that octets occupy a medium, in picoseconds, rounded up.

    Args:
        octets: Whatever is counted: a frame, or a frame with preamble and gap.
        line_bps: Rate in bit/s.
    """
    return -(-8 * octets * PS_PER_S // line_bps)

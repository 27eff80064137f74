# SPDX-License-Identifier: Apache-2.0
"""One address per interface: a /64 per VLAN, interface identifiers counted.

The simple version: the site prefix is cut into /64 subnets numbered by VLAN, and
interfaces get 1, 2, 3 ... in the order of the design, so that an address
can be read. Sparse allocation and stable opaque identifiers belong to a fuller plan.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable


def site_prefix(text: str | None, plant: str) -> ipaddress.IPv6Network:
    """The plant's prefix: as written, or a unique local one made from the plant's name.

    Raises:
        ValueError: When it is no IPv6 prefix, longer than /48, or not meant for hosts.

    Source: RFC 4291 2.5.1 (64-bit interface identifiers), RFC 6177 (site size), RFC 4193 3.2
        (40 pseudo-random bits; a hash of the name takes the place of clock and EUI-64, so
        that a plan does not change from run to run).
    """
    if text is None:
        global_id = hashlib.sha256(plant.encode()).digest()[:5]
        return ipaddress.IPv6Network((b"\xfd" + global_id + bytes(10), 48))
    network = ipaddress.IPv6Network(text)
    if network.prefixlen > 48:
        raise ValueError("a prefix of /48 or shorter is needed for one /64 per VLAN")
    if network.is_multicast or network.is_link_local or network.is_loopback:
        raise ValueError("multicast, link-local and loopback prefixes are not for hosts")
    return network


def assign(prefix: ipaddress.IPv6Network, interfaces: Iterable[tuple[str, int]]) -> dict[str, str]:
    """Addresses by interface name, for (interface, VLAN) pairs in order.

    Source: RFC 4291 2.5.1; RFC 5952 (text form).
    """
    counts: dict[int, int] = {}
    addresses: dict[str, str] = {}
    for name, vlan in interfaces:
        counts[vlan] = counts.get(vlan, 0) + 1
        subnet = int(prefix.network_address) + (vlan << 64)
        addresses[name] = f"{ipaddress.IPv6Address(subnet + counts[vlan])}/64"
    return addresses

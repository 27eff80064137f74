# SPDX-License-Identifier: Apache-2.0
"""The plant's prefix and the addresses in it."""

from __future__ import annotations

import hashlib
import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netplan.ipv6.addresses import assign, site_prefix

PREFIX = ipaddress.IPv6Network("fd12:3456:789a::/48")


def test_a_prefix_of_its_own_from_the_plant_s_name() -> None:
    """RFC 4193 3.2: fd, then 40 bits; here the first of SHA-256 of the name."""
    digest = hashlib.sha256(b"two switches").hexdigest()
    assert digest.startswith("801bfbbe55")
    assert site_prefix(None, "two switches") == ipaddress.IPv6Network("fd80:1bfb:be55::/48")


@given(st.text(), st.text())
def test_unique_local_whatever_the_name_and_another_for_another(one: str, other: str) -> None:
    first, second = site_prefix(None, one), site_prefix(None, other)
    assert first.prefixlen == 48
    assert first.subnet_of(ipaddress.IPv6Network("fd00::/8"))
    assert (first == second) == (one == other)


@pytest.mark.parametrize("text", ["fd12:3456:789a::/48", "2001:db8::/32", "2001:DB8:0::/48"])
def test_a_prefix_as_written(text: str) -> None:
    assert site_prefix(text, "plant") == ipaddress.IPv6Network(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fd12::/49", "/48 or shorter"),
        ("fd12::/64", "/48 or shorter"),
        ("fd12::", "/48 or shorter"),  # one address is a /128
        ("ff05::/48", "not for hosts"),
        ("fe80::/16", "not for hosts"),
        ("fd12::1/48", "host bits"),
        ("10.0.0.0/8", "10.0.0.0"),
        ("fd12::/129", "129"),
        ("fd12:::/48", "fd12:::"),
        ("", "Address cannot be empty"),
    ],
)
def test_a_prefix_that_cannot_be(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        site_prefix(text, "plant")


def test_addresses_are_counted_in_a_subnet_per_vlan() -> None:
    """VLAN 10 is 0xa: its subnet is the fourth group."""
    found = assign(PREFIX, [("plc1", 10), ("cam1", 20), ("drive1", 10), ("rt1.p1", 4094)])
    assert found == {
        "plc1": "fd12:3456:789a:a::1/64",
        "cam1": "fd12:3456:789a:14::1/64",
        "drive1": "fd12:3456:789a:a::2/64",
        "rt1.p1": "fd12:3456:789a:ffe::1/64",
    }


def test_the_subnet_of_a_short_prefix() -> None:
    found = assign(ipaddress.IPv6Network("2001:db8::/32"), [("plc1", 1)])
    assert found == {"plc1": "2001:db8:0:1::1/64"}


@given(
    st.dictionaries(st.text(min_size=1, max_size=6), st.integers(1, 4094), max_size=60),
    st.sampled_from(["fd12:3456:789a::/48", "2001:db8::/32", "fd00::/8"]),
)
def test_every_address_is_unique_inside_its_subnet_and_in_canonical_form(
    interfaces: dict[str, int], text: str
) -> None:
    prefix = ipaddress.IPv6Network(text)
    found = assign(prefix, interfaces.items())
    assert found.keys() == interfaces.keys()
    assert len(set(found.values())) == len(interfaces)
    for name, vlan in interfaces.items():
        address = ipaddress.IPv6Interface(found[name])
        assert found[name] == str(address)  # RFC 5952, as ipaddress writes it
        assert address.network.prefixlen == 64  # RFC 4291 2.5.1
        assert address.ip in prefix
        assert (int(address.ip) >> 64) & 0xFFFF == vlan
        # not the subnet-router anycast address, RFC 4291 2.6.1
        assert int(address.ip) & (2**64 - 1) != 0

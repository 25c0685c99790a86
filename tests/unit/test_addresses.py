"""IP addresses: how much of one is kept, and which networks hold it."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.addresses import Networks, masked_ip

MASKED = {
    "the last number of an IPv4 address goes": ("203.0.113.77", "203.0.113.0"),
    "an IPv6 address keeps its first 48 bits": ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
    "an IPv4 address in IPv6 dress is an IPv4 address": ("::ffff:203.0.113.77", "203.0.113.0"),
    "an interface's name goes": ("fe80::1%eth0", "fe80::"),
    "spaces around it do not matter": (" 203.0.113.77 ", "203.0.113.0"),
    "what is no address is not kept": ("unknown", None),
    "an address with a port is no address": ("203.0.113.77:443", None),
    "nothing is nothing": (None, None),
}


@pytest.mark.parametrize(("text", "kept"), MASKED.values(), ids=MASKED)
def test_an_address_is_masked_to_its_neighbourhood(text: str | None, kept: str | None) -> None:
    """Masked is the default: /24 of IPv4, /48 of IPv6."""
    assert masked_ip(text, "masked") == kept


def test_storage_none_keeps_nothing_and_full_keeps_all() -> None:
    """The setting decides; full spells an address in one way."""
    assert masked_ip("203.0.113.77", "none") is None
    assert masked_ip("2001:0DB8::0001", "full") == "2001:db8::1"


@given(st.ip_addresses())
def test_masking_again_changes_nothing(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """A masked address is its own mask."""
    once = masked_ip(str(address), "masked")
    assert masked_ip(once, "masked") == once


@pytest.mark.parametrize(
    ("network", "masked", "is_held"),
    [
        pytest.param("203.0.112.0/22", "203.0.113.0", True, id="a wider network holds it"),
        pytest.param("203.0.113.0/24", "203.0.113.0", True, id="its own network holds it"),
        pytest.param("203.0.113.0/25", "203.0.113.0", False, id="a half of its network does not"),
        pytest.param("203.0.114.0/24", "203.0.113.0", False, id="the network after it does not"),
        pytest.param("203.0.112.0/24", "203.0.113.0", False, id="the network before it does not"),
        pytest.param("203.0.113.0/24", "203.0.113.77", True, id="an address in full stands for its network"),
        pytest.param("2001:db8::/32", "2001:db8:1::", True, id="a wider network of IPv6"),
        pytest.param("2001:db8:1:2::/64", "2001:db8:1::", False, id="a narrower network of IPv6"),
        pytest.param("::/0", "203.0.113.0", False, id="all of IPv6 holds nothing of IPv4"),
    ],
)
def test_a_masked_address_is_in_what_holds_all_of_it(network: str, masked: str, is_held: bool) -> None:
    """What was masked may be any address of its neighbourhood."""
    assert Networks([ipaddress.ip_network(network)]).hold(masked) == is_held


@given(st.lists(st.ip_addresses(v=4).map(lambda each: ipaddress.ip_network((each, 22), strict=False))))
def test_many_networks_hold_what_one_of_them_holds(networks: list[ipaddress.IPv4Network]) -> None:
    """Looking up among many finds what asking each in turn finds."""
    found = Networks(networks)
    for network in networks:
        for address in (network[0], network[-1], network[0] - 1 if int(network[0]) else network[0]):
            around = ipaddress.ip_network((address, 24), strict=False)
            assert found.hold(str(address)) == any(around.subnet_of(each) for each in networks)

"""IP addresses: how much of one is kept."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.addresses import masked_ip

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

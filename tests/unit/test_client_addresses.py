"""The client's address: found behind our own proxies, masked before it leaves memory."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.addresses import IpStorage, masked_ip
from tracker.web.addresses import client_address, is_inside, stored_address


def found(forwarded: str | None, proxies: int, remote: str = "10.0.0.1") -> str | None:
    """Find the address of a request."""
    environ = {"REMOTE_ADDR": remote} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
    return stored_address(client_address(environ, proxies), "full")


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        pytest.param("198.51.100.7", 0, "10.0.0.1", id="nobody in front: the header is a client's claim"),
        pytest.param("198.51.100.7", 1, "198.51.100.7", id="one proxy"),
        pytest.param(
            "6.6.6.6, 198.51.100.7", 1, "198.51.100.7", id="a claim on the left of what the proxy saw"
        ),
        pytest.param("6.6.6.6,198.51.100.7, 203.0.113.1", 2, "198.51.100.7", id="two proxies"),
        pytest.param(
            "198.51.100.7", 2, "10.0.0.1", id="fewer entries than proxies: someone came around them"
        ),
        pytest.param(None, 1, "10.0.0.1", id="no header"),
        pytest.param("unknown", 1, None, id="a proxy that will not say"),
        pytest.param("", 1, "10.0.0.1", id="an empty header"),
        pytest.param("198.51.100.7:4711", 1, "198.51.100.7", id="with a port"),
        pytest.param("[2001:db8::1]:4711", 1, "2001:db8::1", id="IPv6 with a port"),
        pytest.param("2001:db8::1", 1, "2001:db8::1", id="IPv6 bare"),
        pytest.param("fe80::1%eth0", 1, "fe80::1", id="IPv6 with a zone"),
        pytest.param("::ffff:198.51.100.7", 1, "198.51.100.7", id="IPv4 in IPv6 clothes"),
        pytest.param("198.51.100.7\0", 1, None, id="a NUL"),
        pytest.param("1.2.3", 1, None, id="three numbers"),
    ],
)
def test_the_address_is_taken_from_the_right(
    forwarded: str | None, proxies: int, address: str | None
) -> None:
    """Each proxy of ours added one entry on the right; what stands further left is anybody's claim."""
    assert found(forwarded, proxies) == address


@given(st.ip_addresses(), st.sampled_from(["none", "masked", "full"]))
def test_the_fast_mask_is_the_core_s(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, storage: IpStorage
) -> None:
    """The request path masks without a cache of whole addresses, and as the store does."""
    packed = client_address({"REMOTE_ADDR": str(address)}, 0)
    assert stored_address(packed, storage) == masked_ip(str(address), storage)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_none(text: str) -> None:
    """No header breaks the request path."""
    client_address({"REMOTE_ADDR": text, "HTTP_X_FORWARDED_FOR": text}, 1)


@pytest.mark.parametrize(
    ("address", "is_internal"),
    [
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("nobody", False),
    ],
)
def test_internal_addresses(address: str, is_internal: bool) -> None:
    """The operator's own networks, of either family."""
    networks = (ipaddress.ip_network("192.0.2.7/32"), ipaddress.ip_network("2001:db8::/32"))
    assert is_inside(client_address({"REMOTE_ADDR": address}, 0), networks) is is_internal

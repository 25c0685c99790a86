"""The way out: which addresses are everybody's, and how long a receiver asks to be left alone."""

from __future__ import annotations

import pytest

from tracker.core.addresses import is_public
from worker.outside import Private, resolve, retry_after_ms

NOW_S = 1_772_359_200.0  # 2026-03-01T10:00:00Z


@pytest.mark.parametrize(
    "address",
    ["93.184.215.14", "8.8.8.8", "172.15.0.1", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::808:808"],
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    """What anybody can reach may be sent to."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
        "240.0.0.1", "::7f00:1",
        "fec0::1", "64:ff9b:1::a00:1", "3fff::1", "5f00::1", "::ffff:0:10.0.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::",
    ],
)  # fmt: skip
def test_addresses_of_the_own_network_are_not(address: str) -> None:
    """This machine, its neighbours, what is reserved, and all of these written within IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f000001", "2130706433", "127.1", "localhost"])
def test_odd_spellings_of_this_machine_are_found_out(host: str) -> None:
    """What a name or number leads to is judged, and not how it is written."""
    with pytest.raises(Private, match="own network"):
        resolve(host, 80, may_be_private=False)
    assert "127.0.0.1" in resolve(host, 80, may_be_private=True)


@pytest.mark.parametrize(
    ("text", "wait_ms"),
    [
        pytest.param("120", 120_000, id="seconds"),
        pytest.param(" 5 ", 5_000, id="spaces around it"),
        pytest.param("Sun, 01 Mar 2026 10:02:00 GMT", 120_000, id="a date"),
        pytest.param("Sun, 01 Mar 2026 09:00:00 GMT", 0, id="a date that is over"),
        pytest.param("", 0, id="nothing"),
        pytest.param("soon", 0, id="a word"),
        pytest.param("-5", 0, id="a negative number"),
        pytest.param("1e9", 0, id="no plain number"),
        pytest.param("9" * 40, 0, id="a number beyond all sense"),
        pytest.param("Sun, 99 Mar 2026 10:02:00 GMT", 0, id="no day"),
    ],
)
def test_retry_after_is_read_in_both_its_forms(text: str, wait_ms: int) -> None:
    """Seconds or a date, as HTTP has it; anything else asks for nothing."""
    assert retry_after_ms(text, NOW_S) == wait_ms

"""IP addresses: how much of one is kept, and whether it lies in one of some networks."""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Literal

IpStorage = Literal["none", "masked", "full"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
_EXAMPLES = ipaddress.IPv6Network("3fff::/20")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_IPV4 = re.compile(rf"((?:{_BYTE}\.){{3}}){_BYTE}", re.ASCII)


@lru_cache(maxsize=10_000)
def masked_ip(text: str | None, storage: IpStorage) -> str | None:
    """Reduce an address to what may be stored.

    Args:
        storage: `none`, `masked` (to its /24, or /48 for IPv6) or `full`.

    Returns:
        The address to keep; none for what is no address.
    """
    if text is None or storage == "none":
        return None
    if plain := _IPV4.fullmatch(text):  # a tenth of what the general road costs
        return text if storage == "full" else f"{plain[1]}0"
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if storage == "full":
        return str(address)
    return str(_neighbourhood(address).network_address)


def is_public(text: str) -> bool:
    """Tell whether an address can be reached by all, and not only within the own network or machine.

    An IPv4 address that is written within an IPv6 one (mapped, compatible, 6to4, NAT64) is judged by itself.
    Of IPv6 all else that is not handed out to the internet, 2000::/3, is somebody's own.

    Source: https://www.iana.org/assignments/iana-ipv4-special-registry and its twin for IPv6;
    https://www.iana.org/assignments/ipv6-unicast-address-assignments
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.teredo:
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64 or address in _COMPATIBLE:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
        if address not in _UNICAST or address in _EXAMPLES:
            return False
    return address.is_global and not address.is_multicast


class Networks:
    """Networks in which addresses are looked up."""

    def __init__(self, networks: Iterable[Network]) -> None:
        own = list(networks)
        v4 = [each for each in own if isinstance(each, ipaddress.IPv4Network)]
        v6 = [each for each in own if isinstance(each, ipaddress.IPv6Network)]
        collapse = ipaddress.collapse_addresses
        self._spans = {4: list(map(_span, collapse(v4))), 6: list(map(_span, collapse(v6)))}

    def hold(self, masked: str) -> bool:
        """Tell whether every address that a masked one stands for lies in these networks."""
        address = ipaddress.ip_address(masked)
        spans, (first, last) = self._spans[address.version], _span(_neighbourhood(address))
        below = bisect_right(spans, first, key=itemgetter(0))
        return below > 0 and last <= spans[below - 1][1]


def _neighbourhood(address: Address) -> Network:
    """Give the network of which no more than its first address is kept once an address is masked."""
    return ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False)


def _span(network: Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)

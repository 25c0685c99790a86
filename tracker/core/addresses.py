"""IP addresses: how much of one is kept."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Literal

IpStorage = Literal["none", "masked", "full"]


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
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if storage == "full":
        return str(address)
    prefix = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, prefix), strict=False).network_address)

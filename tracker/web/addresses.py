"""Who calls: the client's IP address behind our own proxies, and what of it may leave memory."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from tracker.core.addresses import IpStorage

_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, an IPv4 address in IPv6 clothes


def client_address(environ: Mapping[str, Any], proxies: int) -> bytes | None:
    """Find the client's address.

    Args:
        environ: the request's WSGI environment.
        proxies: how many proxies of ours stand in front; each has added what it saw on the right of
            X-Forwarded-For, so the client is that many entries from the right.

    Returns:
        4 or 16 packed bytes; None where no address can be read.
    """
    text = environ.get("REMOTE_ADDR", "")
    if proxies and (forwarded := environ.get("HTTP_X_FORWARDED_FOR")):
        seen = forwarded.split(",")
        if len(seen) >= proxies:
            text = seen[-proxies].strip()
    return _packed(text)


def stored_address(packed: bytes | None, storage: IpStorage) -> str | None:
    """Write what is kept of an address: all, the network (/24 or /48), or nothing."""
    if packed is None or storage == "none":
        return None
    if len(packed) == 4:
        last = packed[3] if storage == "full" else 0
        return f"{packed[0]}.{packed[1]}.{packed[2]}.{last}"
    kept = packed if storage == "full" else packed[:6] + bytes(10)
    return socket.inet_ntop(socket.AF_INET6, kept)


def is_inside(packed: bytes | None, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Tell whether an address lies in one of the networks."""
    if packed is None or not networks:
        return False
    address: IPv4Address | IPv6Address = ip_address(packed)
    return any(address in network for network in networks)


def _packed(text: str) -> bytes | None:
    """Read an address as proxies write it: bare, with a port, in brackets, with an IPv6 zone."""
    try:
        return socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        pass
    if "." in text and text.count(":") == 1:
        text = text.partition(":")[0]
    elif text.startswith("["):
        text = text[1:].partition("]")[0]
    text = text.partition("%")[0]
    try:
        if ":" not in text:
            return socket.inet_pton(socket.AF_INET, text)
        packed = socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):
        return None
    return packed[12:] if packed.startswith(_MAPPED) else packed

"""Hosts: how one is spelled, whose it is, and whether it is one's own.

A registrable domain is what one can buy or be given under a public suffix. Private suffixes count: two
shops on myshopify.com are strangers to each other.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from urllib.parse import unquote_to_bytes

import idna
from publicsuffixlist import PublicSuffixList

HOST_LIMIT = 253

_PLAIN_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_HOST_BYTES = re.compile(r"[a-z0-9._~-]+")


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def clean_host(text: str) -> str | None:
    """Spell a host the one way: lower case, ASCII, no dot at its end.

    Args:
        text: the host alone, without port; brackets around IPv6.

    Returns:
        The host, or none where no browser would accept it.
    """
    if _PLAIN_HOST.fullmatch(text) and ".." not in text:
        return text if len(text) <= HOST_LIMIT else None
    return _clean_odd_host(text) if len(text) <= 4 * HOST_LIMIT else None


def _clean_odd_host(text: str) -> str | None:
    if text.startswith("["):
        return _clean_ipv6(text)
    host = unquote_to_bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace").lower()
    if not host.isascii():
        host = _to_ascii(host)
    host = host.removesuffix(".")
    if not host or len(host) > HOST_LIMIT or ".." in f".{host}.":
        return None
    return host if _HOST_BYTES.fullmatch(host) else None


def _to_ascii(host: str) -> str:
    try:
        return idna.encode(host, uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""


def _clean_ipv6(text: str) -> str | None:
    try:
        return f"[{ipaddress.IPv6Address(text[1:-1])}]" if text.endswith("]") else None
    except ValueError:
        return None


def is_address(host: str) -> bool:
    """Tell whether a host is an IP address rather than a name."""
    if host.startswith("["):
        return True
    if not host[-1:].isdigit() and ":" not in host:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def registrable_domain(host: str) -> str | None:
    """Find the domain that a host belongs to.

    Returns:
        Such as `example.co.uk` for `www.example.co.uk`; none for an IP address, for `localhost` and for
        a public suffix itself.

    Source: https://publicsuffix.org/list/
    """
    name = clean_host(host.strip().lower())
    return None if name is None else _registrable(name)


@lru_cache(maxsize=8_192)
def _registrable(name: str) -> str | None:
    found: str | None = None if is_address(name) else _suffixes().privatesuffix(name)
    return found


def host_within(host: str, domains: Iterable[str]) -> bool:
    """Tell whether a host is one of these domains or stands below one."""
    name = _spelling(host)
    for domain in domains:
        own = _spelling(domain)
        if name == own or (own and name.endswith(f".{own}") and not is_address(own)):
            return True
    return False


def _spelling(host: str) -> str:
    plain = host.lower().removesuffix(".")
    return plain if plain.isascii() else clean_host(plain) or plain


def is_own_host(host: str, domains: tuple[str, ...]) -> bool:
    """Tell whether a host is of these domains' owner: below one, or of the same registrable domain."""
    if host_within(host, domains):
        return True
    mine = registrable_domain(host)
    return mine is not None and any(mine == registrable_domain(domain) for domain in domains)

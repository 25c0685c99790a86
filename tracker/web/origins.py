"""Whose pages speak: the hosts of page URLs, Origin headers and Host headers."""

from __future__ import annotations

import re
from functools import lru_cache

from tracker.core.hosts import HOST_LIMIT, clean_host, host_within

LONGEST = 4 * HOST_LIMIT
"""Characters of a host or an origin; what is longer is nobody's, and is not remembered."""

_PAGE = re.compile(
    r"""https?://
        (?:[^/?\#\\@\s]*@)?                     # userinfo
        (\[[0-9a-f:.]+\] | [^/?\#\\:@\s\[\]]+)  # host
        (?::\d{0,5})?
        (?=[/?\#\\]|\Z)""",
    re.IGNORECASE | re.VERBOSE,
)
_ORIGIN = re.compile(r"https?://[^/?#\\@\s]+", re.IGNORECASE)


def page_host(url: str) -> str | None:
    """Read the host of a page's URL, spelled the one way; None when it is no http or https URL."""
    match = _PAGE.match(url)
    return None if match is None or len(match[1]) > LONGEST else _spelled(match[1])


def origin_host(header: str) -> str | None:
    """Read the host of an Origin header; None for `null` and for what is no web page's origin."""
    return page_host(header) if _ORIGIN.fullmatch(header) else None


@lru_cache(4_096)
def _spelled(host: str) -> str | None:
    return clean_host(host.lower())


@lru_cache(4_096)
def is_of(host: str, domains: tuple[str, ...]) -> bool:
    """Tell whether a host is one of a site's domains or lies below one."""
    return host_within(host, domains)


def speaks_for(origin: str, domains: tuple[str, ...]) -> bool:
    """Tell whether an Origin header names a page of a site's domains."""
    return len(origin) <= LONGEST and _speaks_for(origin, domains)


@lru_cache(4_096)
def _speaks_for(origin: str, domains: tuple[str, ...]) -> bool:
    host = origin_host(origin)
    return host is not None and host_within(host, domains)


def request_host(header: str) -> str:
    """Read the host of a Host header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0].lower() + "]"
    return header.partition(":")[0].lower().rstrip(".")

"""Who may see the first page: a browser on this very machine, asking directly.

The page needs no login, so it answers only where nobody else can be. A request that came through a
proxy is somebody else's, whatever Host it bears; so is one that names a host other than this machine,
which also shuts out pages that point their own domain at 127.0.0.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from tracker.web.addresses import client_address
from tracker.web.origins import request_host

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

# What proxies, tunnels and content networks put on requests that they pass on.
_PASSED_ON = frozenset(
    {
        "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_CLIENT_IP", "HTTP_CLIENT_IP",
        "HTTP_TRUE_CLIENT_IP", "HTTP_CDN_LOOP", "HTTP_CF_RAY", "HTTP_X_ORIGINAL_HOST",
    }
)  # fmt: skip
_FORWARDED = "HTTP_X_FORWARDED_"


def is_nearby(environ: Mapping[str, Any]) -> bool:
    """Tell whether a request comes from a browser on this machine, directly.

    No browser speaks HTTP/1.0, and nginx does to what stands behind it unless told otherwise.
    """
    if any(name in _PASSED_ON or name.startswith(_FORWARDED) for name in environ):
        return False
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return False
    return is_local_host(environ.get("HTTP_HOST", "")) and not _is_public(environ)


def is_same_site(environ: Mapping[str, Any]) -> bool:
    """Tell whether a page of ours asked, as far as the browser says who did."""
    if environ.get("HTTP_SEC_FETCH_SITE", "same-origin") not in ("same-origin", "none"):
        return False
    told = environ.get("HTTP_ORIGIN") or environ.get("HTTP_REFERER") or ""
    return not told or urlsplit(told).netloc == environ.get("HTTP_HOST")


def is_local_host(header: str) -> bool:
    """Tell whether a Host header names this machine: `localhost`, what lies below it, or loopback."""
    host = request_host(header)
    return host in LOCAL_NAMES or host.endswith(".localhost")


def _is_public(environ: Mapping[str, Any]) -> bool:
    """Tell whether the connection comes from the open internet; containers connect from private ones."""
    packed = client_address(environ, 0)
    return packed is not None and ip_address(packed).is_global

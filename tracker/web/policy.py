"""What each of our pages may load, and who may frame it: their security headers.

The first page frames the try-out site and its search engine; both are this server under another name,
so the policies name its port.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SEARCH_HOST = "search.localhost"

_OWN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "base-uri 'none'"
)

Headers = dict[str, str]


def first_page(environ: Mapping[str, Any]) -> Headers:
    """Write the headers of the first page and of the manual: nobody frames them."""
    search = search_origin(environ)
    return {
        "Content-Security-Policy": f"{_OWN}; connect-src 'self' {search}; frame-src 'self' {search}; "
        "form-action 'self'; frame-ancestors 'none'",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def tryout_page() -> Headers:
    """Write the headers of the try-out site: the first page frames it, and it tells referrers as sites do."""
    return {
        "Content-Security-Policy": f"{_OWN}; connect-src 'self'; form-action 'self'; frame-ancestors 'self'",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Frame-Options": "SAMEORIGIN",
    }


def search_page(environ: Mapping[str, Any]) -> Headers:
    """Write the headers of the search engine, which stands under a name of its own."""
    port = port_of(environ)
    ours = " ".join(f"http://{host}{port}" for host in ("localhost", "127.0.0.1"))
    return {
        "Content-Security-Policy": f"{_OWN}; form-action 'self'; frame-ancestors 'self' {ours}",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Frame-Options": "SAMEORIGIN",  # browsers that know frame-ancestors go by that
    }


def search_origin(environ: Mapping[str, Any]) -> str:
    """Write the origin of the search engine."""
    return f"http://{SEARCH_HOST}{port_of(environ)}"


def port_of(environ: Mapping[str, Any]) -> str:
    """Read the port off the Host header, with its colon; empty where there is none."""
    _, colon, port = environ.get("HTTP_HOST", "").rpartition(":")
    return f":{port}" if colon and port.isdecimal() else ""

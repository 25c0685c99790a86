"""What a request says by itself, before its body is read: who calls, from where, under which wishes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from tracker.config import Settings
from tracker.web.addresses import client_address, is_inside, stored_address
from tracker.web.origins import LONGEST

USER_AGENT_LIMIT = 1_024

_PREFETCH_HEADERS = frozenset({"HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ"})
_PREFETCH_WORDS = ("prefetch", "prerender", "preview")


class Caller(msgspec.Struct, frozen=True):
    """One request's own words; `ip` is already masked as the settings say."""

    received_ms: int
    host: str
    is_https: bool
    origin: str | None
    user_agent: str | None
    cookies: str
    ip: str | None
    is_internal: bool = False
    is_prefetch: bool = False
    wants_gpc: bool = False
    wants_dnt: bool = False


def read_caller(environ: Mapping[str, Any], settings: Settings) -> Caller:
    """Read a request's headers; X-Forwarded ones only behind proxies of ours."""
    get = environ.get
    packed = client_address(environ, settings.proxies)
    host, scheme = get("HTTP_HOST", ""), environ["wsgi.url_scheme"]
    if settings.proxies:
        host = _last(get("HTTP_X_FORWARDED_HOST", "")) or host
        scheme = _last(get("HTTP_X_FORWARDED_PROTO", "")) or scheme
    return Caller(
        received_ms=time.time_ns() // 1_000_000,
        host=host if len(host) <= LONGEST else "",
        is_https=scheme == "https",
        origin=get("HTTP_ORIGIN"),
        user_agent=_text(get("HTTP_USER_AGENT", "")),
        cookies=get("HTTP_COOKIE", ""),
        ip=stored_address(packed, settings.ip_storage),
        is_internal=is_inside(packed, settings.internal_ips),
        is_prefetch=not environ.keys().isdisjoint(_PREFETCH_HEADERS) and is_prefetch(environ),
        wants_gpc=get("HTTP_SEC_GPC") == "1",
        wants_dnt=get("HTTP_DNT") == "1",
    )


def is_prefetch(environ: Mapping[str, Any]) -> bool:
    """Tell whether a browser asked ahead of its user, or for a preview.

    Source: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Purpose
    """
    said = " ".join(environ.get(header, "") for header in _PREFETCH_HEADERS).lower()
    return any(word in said for word in _PREFETCH_WORDS)


def _last(header: str) -> str:
    """Read what the nearest proxy added."""
    return header.rpartition(",")[2].strip()


def _text(header: str) -> str:
    """Read a header as UTF-8 where WSGI hands over Latin-1, cut, and safe to keep."""
    header = header[:USER_AGENT_LIMIT]
    if header.isascii():
        return header
    return header.encode("latin-1", "replace").decode("utf-8", "replace")

"""URLs taken apart as browsers do: scheme, host, port, path, query, fragment.

How the parts are spelled is decided in `tracker.core.urls`.

Source: https://url.spec.whatwg.org/
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from tracker.core.hosts import clean_host, registrable_domain
from tracker.errors import BadUrl

DEFAULT_PORTS = {"http": 80, "https": 443}

URL_LIMIT = 2_048
"""Characters of a URL that are kept."""

READ_LIMIT = 16_384
"""Characters of a URL that are looked at; web servers refuse far shorter ones."""

_PARTS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*):[/\\]{2,}(?P<place>[^/\\?#]*)(?P<path>[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_LAST_PART = re.compile(rf"[/?&#;][^/?&#;]{{0,{URL_LIMIT}}}+$")
"""What may be cut in two where reading stops; of a longer part the end is never kept."""
_TRIMMED = "".join(map(chr, range(33)))
_LINE_BREAKS = str.maketrans("", "", "\t\n\r")
_SURROGATE = re.compile("[\ud800-\udfff]")
_APP_SCHEMES = ("android-app", "ios-app")
_PLACE_LIMIT = 1_024
_BARE_HOST = re.compile(r"(?:[\w-]+\.)+[^\W\d]{2,}(?::\d+)?")


class UrlParts(NamedTuple):
    """A URL taken apart; `place` is the host with a port that is not the scheme's own."""

    scheme: str
    host: str
    place: str
    path: str
    query: str
    fragment: str


def split_page(url: str) -> UrlParts:
    """Take a page's URL apart.

    Raises:
        BadUrl: not an http or https address with a host.
    """
    match = _PARTS.fullmatch(_tidy(url))
    parts = _parts(match) if match is not None else None
    if parts is None:
        raise BadUrl("write the page's whole address, beginning with http:// or https:// and a host")
    return parts


def split_url(url: str) -> UrlParts | None:
    """Take a referrer apart.

    Returns:
        The parts of a web address or an app's; also of one without scheme whose host has a known
        ending. None where there is no host.
    """
    text = _tidy(url)
    if text.startswith("//"):
        text = f"http:{text}"
    match = _PARTS.fullmatch(text)
    if match is None:
        return _split_bare(text)
    if match["scheme"].lower() in _APP_SCHEMES:
        host = clean_host(match["place"].lower())
        return None if host is None else UrlParts(match["scheme"].lower(), host, host, "", "", "")
    return _parts(match)


def _split_bare(text: str) -> UrlParts | None:
    match = _PARTS.fullmatch(f"http://{text}")
    if match is None or not _BARE_HOST.fullmatch(match["place"]):
        return None
    parts = _parts(match)
    return parts if parts is not None and registrable_domain(parts.host) else None


def _tidy(url: str) -> str:
    """Drop what browsers drop before they read a URL.

    Source: https://url.spec.whatwg.org/#concept-basic-url-parser
    """
    text = url if len(url) <= READ_LIMIT else _LAST_PART.sub("", url[:READ_LIMIT])
    text = text.strip(_TRIMMED)
    if not text.isprintable():
        text = _SURROGATE.sub("\ufffd", text.translate(_LINE_BREAKS))
    return text


def _parts(match: re.Match[str]) -> UrlParts | None:
    scheme = match["scheme"].lower()
    if scheme not in DEFAULT_PORTS or len(match["place"]) > _PLACE_LIMIT:
        return None
    found = _host_and_place(scheme, match["place"])
    if found is None:
        return None
    return UrlParts(scheme, *found, match["path"], match["query"] or "", match["fragment"] or "")


@lru_cache(maxsize=4_096)
def _host_and_place(scheme: str, text: str) -> tuple[str, str] | None:
    """Read `user:password@host:port`; the user is dropped."""
    _, _, rest = text.rpartition("@")
    name, colon, port = rest.rpartition(":")
    if not colon or rest.endswith("]"):
        name, port = rest, ""
    host = clean_host(name)
    if host is None or not (port.isascii() and (port.isdigit() or not port)) or len(port) > 8:
        return None
    number = int(port) if port else DEFAULT_PORTS[scheme]
    if number > 65_535:
        return None
    return host, host if number == DEFAULT_PORTS[scheme] else f"{host}:{number}"

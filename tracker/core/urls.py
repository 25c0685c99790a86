"""URLs: one spelling for each page, nothing personal in it, and the tags that it carried.

The canonical form is safe to store and to log. What its tags and a referrer say of the source is
decided in `tracker.core.sources`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from tracker.core.hosts import clean_host, host_within, is_own_host, registrable_domain
from tracker.core.redact import REDACTED, clean_text
from tracker.core.tags import Role, read_value, role
from tracker.errors import BadUrl
from tracker.model import Page

__all__ = [
    "clean_referrer", "clean_text", "host_within", "is_own_host", "read_page", "read_tags",
    "registrable_domain", "split_url",
]  # fmt: skip

URL_LIMIT = 2_048
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
_DEFAULT_PORTS = {"http": 80, "https": 443}
_APP_SCHEMES = ("android-app", "ios-app")
_PLACE_LIMIT = 1_024
_CACHED_NAME = 64
_BARE_HOST = re.compile(r"(?:[\w-]+\.)+[^\W\d]{2,}(?::\d+)?")

_CLEAN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+")
_CLEAN_PART = re.compile(r"[A-Za-z0-9_.~!$'()*,:+-]*")
_LONG_NUMBER = re.compile(r"\d[\d+ -]{11}|eyJ")

_PATH_SAFE = "!$&'()*+,;=:@[]"
_NAME_SAFE = "!$'()*+,;:@/?[]|"
_QUERY_SAFE = _NAME_SAFE + "="
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_INNER_MARK = re.compile(r"[?#]")
_ESCAPED_AMPERSANDS = re.compile(r"(?:amp;)+")
"""What is left of `&amp;`: links in mails are often escaped once too often."""
_CUT_ESCAPE = re.compile(r"%[0-9A-Fa-f]?$")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class UrlParts(NamedTuple):
    """A URL taken apart; `place` is the host with a port that is not the scheme's own."""

    scheme: str
    host: str
    place: str
    path: str
    query: str
    fragment: str


def read_page(url: str, *, hash_routes: bool = False) -> Page:
    """Read a page's URL into its canonical form and its tags.

    Args:
        url: as the browser says it.
        hash_routes: the fragment is part of the address when it begins with `/` or `!`.

    Raises:
        BadUrl: not an http or https address with a host.
    """
    parts = _split_page(url)
    tags: dict[str, str] = {}
    return Page(_bounded(parts, tags, hash_routes=hash_routes), parts.host, tuple(tags.items()))


def read_tags(url: str) -> tuple[tuple[str, str], ...]:
    """Read a URL's tags as they stand in it, personal click ids too, for an answer that is not stored.

    Raises:
        BadUrl: not an http or https address with a host.
    """
    parts = _split_page(url)
    tags: dict[str, str] = {}
    _read_tags(parts.query, tags, keep_personal=True)
    _read_tags(_as_query(parts.fragment), tags, keep_personal=True)
    return tuple(tags.items())


def clean_referrer(url: str) -> str | None:
    """Spell a referrer so that it may be stored.

    Returns:
        The canonical URL; `android-app://package/` for an app; none for what names no sender.
    """
    parts = split_url(url)
    if parts is None:
        return None
    return _bounded(parts, {}) if parts.scheme in _DEFAULT_PORTS else f"{parts.scheme}://{parts.host}/"


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


def _split_page(url: str) -> UrlParts:
    match = _PARTS.fullmatch(_tidy(url))
    parts = _parts(match) if match is not None else None
    if parts is None:
        raise BadUrl("write the page's whole address, beginning with http:// or https:// and a host")
    return parts


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
    if scheme not in _DEFAULT_PORTS or len(match["place"]) > _PLACE_LIMIT:
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
    number = int(port) if port else _DEFAULT_PORTS[scheme]
    if number > 65_535:
        return None
    return host, host if number == _DEFAULT_PORTS[scheme] else f"{host}:{number}"


def _bounded(parts: UrlParts, tags: dict[str, str], *, hash_routes: bool = False) -> str:
    """Spell a URL the one way in the space that it may take; a shortened one is spelled again."""
    canonical = _canonical(parts, tags, hash_routes=hash_routes)
    while len(canonical) > URL_LIMIT:
        canonical = _canonical(_split_page(_cut(canonical)), {}, hash_routes=hash_routes)
    return canonical


def _canonical(parts: UrlParts, tags: dict[str, str], *, hash_routes: bool) -> str:
    """Spell a URL the one way, and collect the tags that it loses by that."""
    text = f"{parts.scheme}://{parts.place}{_path(parts.path)}"
    if parts.query:
        text += _query(parts.query, tags)
    if parts.fragment:
        _read_tags(_as_query(parts.fragment), tags)
        if hash_routes and parts.fragment.startswith(("/", "!")):
            text += _route(parts.fragment)
    return text


def _cut(url: str) -> str:
    """Shorten a canonical URL: whole parameters and the route go before the path is cut."""
    head, mark, route = url.partition("#")
    place, _, query = head.partition("?")
    if len(place) > URL_LIMIT:
        return _CUT_ESCAPE.sub("", place[:URL_LIMIT])
    kept = place
    for pair in query.split("&"):
        longer = f"{kept}{'?' if kept is place else '&'}{pair}"
        if len(longer) <= URL_LIMIT:
            kept = longer
    return f"{kept}{mark}{route}" if len(kept) + len(route) < URL_LIMIT else kept


def _path(text: str) -> str:
    if _CLEAN_PATH.fullmatch(text) and not _LONG_NUMBER.search(text):
        return text
    segments: list[str] = []
    for raw in text.replace("\\", "/").split("/"):
        segment = _segment(raw)
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    return "/" + "/".join(segments)


def _segment(raw: str) -> str:
    if ";" in raw:
        name, *pairs = raw.split(";")
        raw = ";".join([name, *(_hide(pair) for pair in pairs)])
    return _part(raw, _PATH_SAFE)


def _hide(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{name}={REDACTED}" if value and role(name) is Role.DENIED else name + equals + value


def _query(text: str, tags: dict[str, str]) -> str:
    """Spell a query: the page's own parameters, sorted; its tags go to `tags`."""
    kept = []
    for raw_name, equals, raw in _pairs(text):
        name, lower, kind = _name(raw_name)
        if kind is Role.PLAIN and (name or raw):
            kept.append((name, equals, _part(raw, _QUERY_SAFE)))
        elif kind is Role.DENIED:
            kept.append((name, equals, REDACTED if raw else ""))
        elif kind is Role.TAG:
            _take(lower, raw, tags)
    return "?" + "&".join(["".join(pair) for pair in sorted(kept)]) if kept else ""


def _read_tags(text: str, tags: dict[str, str], *, keep_personal: bool = False) -> None:
    for raw_name, _, raw in _pairs(text):
        _, lower, kind = _name(raw_name)
        if kind is Role.TAG:
            _take(lower, raw, tags, keep_personal=keep_personal)


def _take(name: str, raw: str, tags: dict[str, str], *, keep_personal: bool = False) -> None:
    """Keep the first value of each tag that says something."""
    if raw and name not in tags:
        value = read_value(name, raw, keep_personal=keep_personal)
        if value is not None:
            tags[name] = value


def _pairs(text: str) -> Iterator[tuple[str, str, str]]:
    """Split a query into (name, `=` or nothing, value)."""
    return (pair.partition("=") for pair in text.split("&"))


def _as_query(fragment: str) -> str:
    """Read a fragment as if all of it were parameters, `/route?utm_source=x` too."""
    return _INNER_MARK.sub("&", fragment) if "=" in fragment else ""


def _name(raw: str) -> tuple[str, str, Role]:
    """Spell a parameter's name: the one way, in lower case, and what it is to us."""
    return _cached_name(raw) if len(raw) <= _CACHED_NAME else _spell_name(raw)


def _spell_name(raw: str) -> tuple[str, str, Role]:
    name = _ESCAPED_AMPERSANDS.sub("", _part(raw, _NAME_SAFE))
    return name, name.lower(), role(name)


_cached_name = lru_cache(maxsize=4_096)(_spell_name)


def _route(fragment: str) -> str:
    """Spell a route that lives in the fragment."""
    bang = "!" if fragment.startswith("!") else ""
    path, _, query = fragment.removeprefix("!").partition("?")
    text = _path(path) + (_query(query, {}) if query else "")
    return f"#{bang}{text}" if text != "/" else ""


def _part(raw: str, safe: str) -> str:
    """Spell a name, a value or a segment the one way, without personal data."""
    if _CLEAN_PART.fullmatch(raw) and not _LONG_NUMBER.search(raw):
        return raw
    cleaned = clean_text(raw)
    if cleaned != raw or "%" not in raw:
        return quote(cleaned, safe=safe, errors="surrogateescape")
    return quote(_ESCAPE.sub(_spell, _STRAY.sub("%25", raw)), safe=f"%{safe}")


def _spell(escape: re.Match[str]) -> str:
    char = chr(int(escape[1], 16))
    return char if char in _UNRESERVED else escape[0].upper()

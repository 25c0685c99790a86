"""URLs: one spelling for each page, nothing personal in it, and the tags that it carried.

The canonical form is safe to store and to log. What its tags and a referrer say of the source is
decided in `tracker.core.sources`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote

from tracker.core.hosts import host_within, is_own_host, registrable_domain
from tracker.core.redact import REDACTED, clean_text
from tracker.core.tags import Role, read_value, role
from tracker.core.urlparts import DEFAULT_PORTS, URL_LIMIT, UrlParts, split_page, split_url
from tracker.model import Page

__all__ = [
    "clean_referrer", "clean_text", "host_within", "is_own_host", "read_page", "read_tags",
    "registrable_domain", "split_url",
]  # fmt: skip

_CACHED_NAME = 64

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


def read_page(url: str, *, hash_routes: bool = False) -> Page:
    """Read a page's URL into its canonical form and its tags.

    Args:
        url: as the browser says it.
        hash_routes: the fragment is part of the address when it begins with `/` or `!`.

    Raises:
        BadUrl: not an http or https address with a host.
    """
    parts = split_page(url)
    tags: dict[str, str] = {}
    return Page(_bounded(parts, tags, hash_routes=hash_routes), parts.host, tuple(tags.items()))


def read_tags(url: str) -> tuple[tuple[str, str], ...]:
    """Read a URL's tags as they stand in it, personal click ids too, for an answer that is not stored.

    Raises:
        BadUrl: not an http or https address with a host.
    """
    parts = split_page(url)
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
    return _bounded(parts, {}) if parts.scheme in DEFAULT_PORTS else f"{parts.scheme}://{parts.host}/"


def _bounded(parts: UrlParts, tags: dict[str, str], *, hash_routes: bool = False) -> str:
    """Spell a URL the one way in the space that it may take; a shortened one is spelled again."""
    canonical = _canonical(parts, tags, hash_routes=hash_routes)
    while len(canonical) > URL_LIMIT:
        canonical = _canonical(split_page(_cut(canonical)), {}, hash_routes=hash_routes)
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

"""Hits as facts: one object with its own visitor, as files and senders with a token give them.

Such a sender is trusted: its visitor is proved and its times may be old. What comes out is the entry
that the collector would have written for the same hit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.core.facts import tidy
from tracker.core.times import DAY_MS, parse_instant
from tracker.errors import BadFact
from tracker.wire import FLAG_SAID_BOT, HitOnLog, HitsEntry

ID_LIMIT = 128
URL_LIMIT = 8_192
PROPS_LIMIT = 50
TYPES = ("page", "event", "engagement")

_TEXTS = ("name", "referrer", "prev_url", "title", "language", "screen", "consent")
_OBJECTS = ("props", "client_hints", "link", "mail", "extra")
_KNOWN = frozenset(
    {"fact", "site", "event_id", "at", "visitor_id", "url", "type", "seq", "sent_at", "is_bot", "user_agent"}
    | {"ip", "browser", "version_at", *_TEXTS, *_OBJECTS}
)


def hit_from_fact(raw: Mapping[str, Any], *, received_ms: int) -> HitsEntry:
    """Read one `hit` fact.

    Raises:
        BadFact: a field is missing, of the wrong type or too long, or the hit lies in the future.
    """
    known = _read(raw)
    for name in ("site", "event_id", "at", "visitor_id", "url"):
        if not known.get(name):
            raise BadFact("bad_fact", "is required and missing", name)
    at_ms = parse_instant(known["at"])
    if at_ms > received_ms + DAY_MS:
        raise BadFact("future", f"{known['at']} lies more than 24 hours ahead", "at")
    extra = {**known.get("extra", {}), **tidy({name: raw[name] for name in raw.keys() - _KNOWN})}
    extra |= {name: known[name] for name in ("version_at", "is_bot") if known.get(name, True) is not True}
    told: dict[str, Any] = {
        name: known.get(name) for name in (*_TEXTS, "props", "client_hints", "link", "mail")
    }
    hit = HitOnLog(
        event_id=known["event_id"], at_ms=at_ms, url=known["url"],
        type=known.get("type", "page"), seq=known.get("seq"), extra=extra or None,
        flags=FLAG_SAID_BOT if known.get("is_bot") is True else 0, **told,
    )  # fmt: skip
    return HitsEntry(
        site=known["site"], received_ms=received_ms, visitor_id=known["visitor_id"], hits=[hit],
        user_agent=known.get("user_agent"), ip=known.get("ip"), browser=known.get("browser"),
    )  # fmt: skip


def _read(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Read what is known and given; a blank is not there, but for a user agent: an empty one is a bot's."""
    given = [name for name in sorted(_KNOWN & raw.keys()) if raw[name] is not None]
    values = {name: _field(name, raw[name]) for name in given if raw[name] != "" or name == "user_agent"}
    return {name: value for name, value in values.items() if value != "" or name == "user_agent"}


def _field(name: str, value: Any) -> Any:
    """Read one field as the type that its name asks for."""
    if name in _OBJECTS:
        if not isinstance(value, Mapping) or len(value) > PROPS_LIMIT and name == "props":
            raise BadFact("bad_fact", f"write an object of at most {PROPS_LIMIT} fields", name)
        return tidy(value)
    if name == "is_bot":
        if not isinstance(value, bool):
            raise BadFact("bad_fact", "write true or false", name)
        return value
    if name == "seq":
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
            raise BadFact("bad_fact", "write a whole number of zero or more", name)
        return value
    return _text(name, value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise BadFact("bad_fact", "write a text", name)
    text = str(tidy(value.strip()))
    limit = ID_LIMIT if name in ("event_id", "visitor_id", "site") else URL_LIMIT
    if len(text) > limit:
        raise BadFact("too_long", f"is longer than {limit} characters", name)
    if name == "type" and text not in TYPES:
        raise BadFact("bad_fact", f"{value!r} is none of {', '.join(TYPES)}", name)
    if name == "version_at":
        parse_instant(text, place=name)
    return text

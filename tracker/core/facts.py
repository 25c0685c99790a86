"""Facts as they come in: which fields each needs, what its natural key is, when it was said.

Bad input is told apart from bad contact details: a lead with a mistyped e-mail address is kept as it
is. Fields that nobody knows are kept under `extra`. What a fact means is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from tracker.core.ids import content_digest, lead_id
from tracker.core.ids import digest as text_digest
from tracker.core.qualification import STATUSES, read_status
from tracker.core.testimony import read_identifier
from tracker.core.times import format_instant, parse_instant
from tracker.errors import BadFact

TEXT_LIMIT = 20_000
KEY_LIMIT = 500
LEAST_POWER = -100
"""Of ten in an amount: spelled out, one of a few characters that lies below would fill the memory."""
DEPTH_LIMIT = 12
SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Shape:
    """What one kind of fact looks like; `key` without the site, empty: the hash of the fact.

    `is_of_site`: the site is part of the key; otherwise the same key on two sites is one fact.
    """

    required: tuple[str, ...]
    key: tuple[str, ...]
    optional: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] | None = None
    any_of: tuple[str, ...] = ()
    instants: tuple[str, ...] = ("at",)
    is_of_site: bool = True


TAGS = (
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "gclid", "gbraid",
    "wbraid", "msclkid", "fbclid", "ttclid", "li_fat_id", "twclid", "dclid", "yclid", "epik", "rdt_cid",
)  # fmt: skip
_CONTACT = ("email", "phone", "name", "company")
_PERIODS = ("open", "won", "lost")

SHAPES: Mapping[str, Shape] = {
    "identify": Shape(
        ("site", "at", "visitor_id"), ("event_id",),
        (*_CONTACT, "user_id", "crm_id", "chat_id", "traits", "event_id"),
        any_of=("email", "phone", "user_id", "crm_id", "chat_id"),
    ),
    "lead": Shape(
        ("site", "kind", "provider", "provider_id", "at"), ("provider", "provider_id"),
        (*_CONTACT, "user_id", "crm_id", "chat_id", "visitor_id", "tracking_number", "page_url",
         "landing_page", "referrer", "duration_s", "answered", "recording_url", "transcript", "status",
         "value", "currency", "fields", "is_test", "is_at_of_event", "is_addition",
         "continues", *TAGS),
        {"kind": ("form", "call", "chat", "booking")},
    ),
    "contact": Shape(
        ("site", "provider", "provider_id", "at"), ("provider", "provider_id", "at"),
        ("emails", "phones", "user_id", "name", "title", "account", "merged_into"),
        is_of_site=False,
    ),
    "lease": Shape(
        ("site", "pool", "number", "visitor_id", "from", "to"), ("number", "from"), ("session_hint",),
        instants=("from", "to"),
    ),
    "deal": Shape(
        ("site", "provider", "provider_id", "at"), ("provider", "provider_id", "at"),
        ("stage", "status", "amount", "currency", "contacts", "account", "lead_id", "name"),
        {"status": _PERIODS}, any_of=("stage", "status", "amount", "contacts", "name"), is_of_site=False,
    ),
    "refund": Shape(
        ("site", "provider", "provider_id", "deal_id", "at", "amount", "currency"),
        ("provider", "provider_id"), is_of_site=False,
    ),
    "activity": Shape(
        ("site", "provider", "provider_id", "at", "kind"), ("provider", "provider_id"),
        ("email", "phone", "crm_id", "account", "owner", "title"),
        {"kind": ("email_sent", "email_opened", "email_clicked", "email_replied", "call_made", "meeting",
                  "demo", "webinar", "event", "ad_impression", "other")},
        is_of_site=False,
    ),
    "status": Shape(
        ("site", "at", "lead_id", "status"), ("lead_id", "at"), ("provider", "provider_id", "by", "reason"),
    ),
    "cost": Shape(
        ("site", "on", "source", "medium", "amount", "currency"),
        ("on", "source", "medium", "campaign", "content"),
        ("campaign", "content", "channel", "clicks", "impressions"),
    ),
    "rate": Shape(("on", "base", "quote", "rate"), ("on", "base", "quote")),
    "consent": Shape(
        ("site", "at", "visitor_id", "state"), ("visitor_id", "at"), ("purposes",),
        {"state": ("granted", "denied")},
    ),
    # Drain makes these two out of hits that arrived by a link; who loads history gives them on the hit.
    "link": Shape(
        ("site", "at", "visitor_id", "event_id", "from", "nonce", "made_at"), ("event_id",),
        ("browser", "arrived_browser"), instants=("at", "made_at"),
    ),
    "mail": Shape(("site", "at", "visitor_id", "event_id", "email"), ("event_id",), ("send_id",)),
    "split": Shape(("site", "at", "a", "b"), ("a", "b", "at"), ("undo", "by"), is_of_site=False),
    "same": Shape(("site", "at", "a", "b"), ("a", "b", "at"), ("undo", "by"), is_of_site=False),
    "erase": Shape(
        ("at",), (), ("email", "phone", "visitor_id", "lead_id", "person_id", "crm_id"),
        any_of=("email", "phone", "visitor_id", "lead_id", "person_id", "crm_id"),
    ),
}  # fmt: skip

_KINDS = ", ".join(["hit", *SHAPES])
_STRUCTURED = frozenset({"traits", "fields", "extra", "emails", "phones", "account", "contacts", "purposes"})
_TRUTHS = frozenset({"answered", "is_test", "is_at_of_event", "is_addition", "undo"})
_NUMBERS = frozenset({"duration_s", "clicks", "impressions"})
_AMOUNTS = frozenset({"value", "amount", "rate"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact, read: `content` holds its fields, `digest` names this version of it."""

    kind: str
    site: str
    key: str
    version_ms: int
    digest: bytes
    content: Mapping[str, Any]


def read_fact(raw: Mapping[str, Any]) -> Fact:
    """Read one fact of any kind but `hit`.

    Raises:
        BadFact: a field is missing or of the wrong type; the message says which and what to write.
    """
    kind = raw.get("fact")
    shape = SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None or not isinstance(kind, str):
        raise BadFact("bad_fact", f"{kind!r} is no fact; write one of {_KINDS}", "fact")
    known = {*shape.required, *shape.optional, "version_at", "extra"}
    given = {name: raw[name] for name in sorted(known & raw.keys()) if not _is_blank(raw[name])}
    content = {name: _value(name, value) for name, value in given.items()}
    if kind == "status":
        content = _of_lead(content)
    unknown = tidy({name: value for name, value in raw.items() if name not in known | {"fact"}})
    if unknown or "extra" in content:
        content["extra"] = {**_object("extra", content.get("extra")), **unknown}
    _demand(shape, content)
    digest = content_digest(content)
    key = _key(shape, content, digest)
    return Fact(kind, str(content.get("site", "")), key, _version_ms(content), digest, content)


def fact_name(kind: str, site: str, key: str) -> str:
    """Name a fact in evidence and in the log of changes; what names persons is hashed."""
    if kind in ("split", "same"):
        key = text_digest(key).hex()
    return f"{kind}:{site}:{key}"


def fact_words(name: str) -> str:
    """Say the name of a fact as people read it: `lead desk L1`."""
    kind, _, rest = name.partition(":")
    if kind in ("call", "trace", "line"):  # what is known of a lead's visitor is named after the lead
        return fact_words(rest)
    return f"{kind} {rest.partition(':')[2].replace(SEPARATOR, ' ')}"


def tidy(value: Any, depth: int = 0) -> Any:
    """Make a value safe to keep: no lone surrogates, no NUL, no bottomless nesting, no endless text.

    Raises:
        BadFact: nested too deep, or a text that is too long.
    """
    if isinstance(value, str):
        if len(value) > TEXT_LIMIT:
            raise BadFact("too_long", f"a text has {len(value)} characters; send {TEXT_LIMIT} at most")
        if value.isascii() and "\0" not in value:
            return value
        return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    if isinstance(value, int | float | bool) or value is None:
        return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value
    if depth >= DEPTH_LIMIT:
        raise BadFact("too_long", f"values are nested deeper than {DEPTH_LIMIT} levels")
    if isinstance(value, Mapping):
        return {tidy(str(name)): tidy(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(each, depth + 1) for each in value]
    raise BadFact("bad_fact", f"{type(value).__name__} is no JSON value")


def _of_lead(content: dict[str, Any]) -> dict[str, Any]:
    """Spell a word on a lead's status the one way: the lead by its id, the status as we call it."""
    keys = [content.pop(name, None) for name in ("provider", "provider_id")]
    if "lead_id" not in content:
        if None in keys or "site" not in content:
            raise BadFact("bad_fact", "write lead_id, or the lead's provider and provider_id", "lead_id")
        content["lead_id"] = lead_id(content["site"], *keys)
    meaning = read_status(content.get("status", ""))
    if meaning is None and "status" in content:
        words = ", ".join((*STATUSES, "MQL, SQL or junk"))
        raise BadFact("bad_fact", f"{content['status']!r} is none of {words}", "status")
    return content if meaning is None else {**content, "status": "junk" if meaning[1] else meaning[0]}


def _demand(shape: Shape, content: Mapping[str, Any]) -> None:
    """Check that what is required is there, and that choices are among those known."""
    for name in shape.required:
        if name not in content:
            raise BadFact("bad_fact", "is required and missing", name)
    if shape.any_of and not content.keys() & set(shape.any_of):
        raise BadFact("bad_fact", f"one of {', '.join(shape.any_of)} is required", shape.any_of[0])
    for name, words in (shape.choices or {}).items():
        if name in content and content[name] not in words:
            raise BadFact("bad_fact", f"{content[name]!r} is none of {', '.join(words)}", name)
    for name in ("a", "b"):
        if name in shape.required:
            read_identifier(content[name], place=name)
    for name in (*shape.instants, "version_at"):
        if name in content:
            parse_instant(content[name], place=name)


def _key(shape: Shape, content: Mapping[str, Any], digest: bytes) -> str:
    if not shape.key or shape.key == ("event_id",) and "event_id" not in content:
        return digest.hex()
    key = SEPARATOR.join(_key_part(name, content.get(name, "")) for name in shape.key)
    if len(key) > KEY_LIMIT:
        raise BadFact("too_long", f"is longer than {KEY_LIMIT} characters", shape.key[-1])
    return key


def _key_part(name: str, value: Any) -> str:
    """Spell a part of a key; an instant in one way, whatever its offset."""
    part = format_instant(parse_instant(value)) if name in ("at", "from") else str(value)
    if SEPARATOR in part:
        raise BadFact("bad_fact", "holds a control character", name)
    return part


def _version_ms(content: Mapping[str, Any]) -> int:
    for name in ("version_at", "at", "from"):
        if name in content:
            return parse_instant(content[name], place=name)
    return parse_instant(f"{content['on']}T00:00:00Z", place="on")


def _is_blank(value: Any) -> bool:
    """Tell whether a field says nothing: null, or a text of nothing but spaces."""
    return value is None or isinstance(value, str) and not value.strip()


def _value(name: str, value: Any) -> Any:
    """Read one field as the type that its name asks for."""
    if name in _STRUCTURED:
        return tidy(value)
    if name in _TRUTHS:
        return _truth(name, value)
    if name in _NUMBERS:
        return _whole(name, value)
    if name in _AMOUNTS:
        return _amount(name, value)
    if isinstance(value, str):
        return tidy(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise BadFact("bad_fact", "write a text", name)


def _truth(name: str, value: Any) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = words.get(str(value).strip().lower())
    if found is None:
        raise BadFact("bad_fact", "write true or false", name)
    return found


def _whole(name: str, value: Any) -> int:
    try:
        number = Decimal(str(value).strip())
        if number.is_finite() and 0 <= number < 2**53:
            return int(number)
    except InvalidOperation:
        pass
    raise BadFact("bad_fact", f"{value!r} is no number of zero or more", name)


def _amount(name: str, value: Any) -> str:
    try:
        number = Decimal(str(value).strip())
        is_near = number.is_finite() and abs(number) < 10**15 and number.adjusted() >= LEAST_POWER
        if is_near and not isinstance(value, bool):
            return format(number, "f")
    except InvalidOperation:
        pass
    raise BadFact("bad_fact", f'{value!r} is no amount; write a decimal such as "1200.50"', name)


def _object(name: str, value: Any) -> Mapping[str, Any]:
    """Give an object as it is, and anything else as an object that holds it."""
    if value is None:
        return {}
    return value if isinstance(value, Mapping) else {name: value}

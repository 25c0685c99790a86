"""Traits: what is known of a lead that a rule of qualification may look at.

Forms name their fields as they like: what a visitor wrote is found by what such fields are called. What
follows from a trait is decided in `tracker.core.qualification`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from tracker.core.contacts import blocked_email, email_domain_kind, normalise_email, region_of
from tracker.core.tables import read_words

EmailClass = Literal["free", "company", "disposable", "role", "invalid"]

LONGEST_PLACEHOLDER = 400
_PLACEHOLDERS = read_words("placeholders", "words", kind="placeholder")
_FILLERS = read_words("placeholders", "words", kind="filler")
_MESSAGES = tuple(read_words("placeholders", "words", kind="message"))
_NOTHING = re.compile(r"\d{1,4}|([^\W\d_])\1{2,}")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_COUNTRIES = frozenset({"country", "country_code", "customer_country", "caller_country", "callercountry"})
_SCORES = frozenset({"score", "lead_score", "leadscore"})

Told = Iterable[tuple[str, str]]
"""What was filled in, by name."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What rules look at; what is not known is none.

    `email`: normalised; `phone`: E.164; `country`: an ISO 3166 code of two letters.
    `texts`: the name and messages, each whole; `words`: all that was said or written, for searching.
    `pages`: page views in the sessions of the lead's journey.
    """

    kind: str
    provider: str = ""
    email: str | None = None
    email_class: EmailClass | None = None
    phone: str | None = None
    duration_s: int | None = None
    answered: bool | None = None
    texts: tuple[str, ...] = ()
    words: str = ""
    country: str | None = None
    score: float | None = None
    pages: int = 0
    channel: str | None = None
    source: str | None = None


def read_traits(fact: Mapping[str, Any], *, phone: str | None, **seen: Any) -> Traits:
    """Read a lead's traits off its fact.

    Args:
        fact: its fields, of all versions together.
        phone: E.164.
        seen: traits that its visitor's sessions tell: `country`, `pages`, `channel`, `source`.
    """
    filled_in = list(_told(fact.get("fields")))
    told = [*filled_in, *_told(fact.get("extra"))]
    messages = [text for name, text in told if any(each in name for each in _MESSAGES)]
    said = [fact.get("transcript"), *messages, *(text for _, text in filled_in)]
    email = normalise_email(fact["email"]) if fact.get("email") else None
    return Traits(
        kind=str(fact["kind"]),
        provider=str(fact["provider"]),
        email=email,
        email_class=email_class(email) if fact.get("email") else None,
        phone=phone,
        duration_s=fact.get("duration_s"),
        answered=fact.get("answered"),
        texts=tuple(text for text in (fact.get("name"), *messages) if text),
        words="\n".join(text for text in said if text),
        country=_country(told) or seen.get("country") or region_of(phone or ""),
        score=_score(told),
        pages=seen.get("pages", 0),
        channel=seen.get("channel"),
        source=seen.get("source"),
    )


def _told(document: Any) -> Iterator[tuple[str, str]]:
    """Walk what was filled in, as name and text: an object, or a list of objects that name theirs."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                yield str(name).casefold(), str(value).strip()
    elif isinstance(document, list):
        for each in document:
            if isinstance(each, Mapping):
                names = (each.get(name) for name in ("name", "label", "title", "key"))
                value = next((each[name] for name in ("value", "answer", "text") if each.get(name)), None)
                name = next((said for said in names if said and isinstance(said, str)), "")
                yield from _told({name: value})


def _country(told: Told) -> str | None:
    given = (text.upper() for name, text in told if name in _COUNTRIES)
    return next((text for text in given if _COUNTRY.fullmatch(text)), None)


def _score(told: Told) -> float | None:
    for name, text in told:
        if name in _SCORES:
            with suppress(ValueError):
                return float(text)
    return None


def email_class(email: str | None) -> EmailClass:
    """Say what kind of e-mail address was given; that of a team or of nobody is `role`.

    Args:
        email: as `normalise_email` spells it; none for a text that is no address.
    """
    blocked = None if email is None else blocked_email(email)
    if email is None or blocked == "example":
        return "invalid"
    return "role" if blocked in ("role", "noreply") else email_domain_kind(email) or "invalid"


def is_placeholder(text: str) -> bool:
    """Tell whether a whole text was typed to try something out: `test`, `asdf`, `Lorem ipsum ...`."""
    if len(text) > LONGEST_PLACEHOLDER:
        text = text[:LONGEST_PLACEHOLDER].rpartition(" ")[0]
    words = _WORD.findall(text.casefold())
    if words[:2] == ["lorem", "ipsum"]:
        return True
    left = {word for word in words if word not in _FILLERS and not _NOTHING.fullmatch(word)}
    is_typed = bool(left) or any(_NOTHING.fullmatch(word) and word.isalpha() for word in words)
    return is_typed and left <= _PLACEHOLDERS

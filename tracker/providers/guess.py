"""Guessing: which answers of an unknown form are e-mail, phone, name, company, page and our own tokens.

By type first, then by what the question is called, then by how the answer looks. An answer of free text is
never taken for an address where the form has a field for addresses, empty or not. How answers are spelled
and which are kept is decided in `tracker.providers.answers`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tracker.core.click_ids import CLICK_RULES
from tracker.core.contacts import EMAIL_LIMIT
from tracker.core.facts import TAGS
from tracker.core.redact import hide_cards
from tracker.core.urls import read_tags
from tracker.errors import BadUrl
from tracker.providers.answers import Answer, Kind, fields_of, kept_answers, kind_of, meanings_of, spelled
from tracker.providers.reading import truth, without_blanks

_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]{2,}|[^<>@]*<[^\s@<>]+@[^\s@<>]+>")
_DIALLED = re.compile(r"[+(\d][\d\s().,/+-]*(?:(?:ext\.?|x|#)\s*\d{1,6})?", re.IGNORECASE)
_PHONE = re.compile(r"(?:\+|00)[1-9][\d\s().-]{6,18}|\(0?\d{1,5}\)[\d\s.-]{6,12}|0\d[\d\s()/-]{8,13}")
_TOKEN = re.compile(r"[0-9a-f]{32}\.[0-9a-z]{1,10}\.[\w-]{22}", re.ASCII)  # as our cookies are signed
_DATE = re.compile(r"\d{1,4}[-./ ]\d{1,2}[-./ ]\d{2,4}.*")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{.*\}|\[.*\]|%.*%|x{3,}|\(not set\)|\(none\)|\(direct\)|undefined|null", re.I)
_PLAIN = re.compile(r"[\W_]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")

_OPEN: frozenset[Kind] = frozenset({"", "text", "hidden"})
_LONGEST_NAME = 120
_MOST_OTHERS = {"company": 1, "name": 2}  # words of a question that asks for it, beside those that mean it
_LONGEST_TAG = 500
_LONGEST_KEY = 200

_UTM = ("source", "medium", "campaign", "term", "content", "id")
_TAGS: Mapping[str, str] = {
    **{f"utm{each}": f"utm_{each}" for each in _UTM},
    **{_PLAIN.sub("", name): name for name, rule in CLICK_RULES.items() if rule.kind in ("paid", "both")},
}
_OWN_TAGS = {f"tl{each}": f"utm_{each}" for each in _UTM[:5]}
_PLACES = ("page_url", "landing_page", "referrer")


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer with what its question may mean (see `meanings_of`)."""

    said: str
    kind: Kind
    means: Mapping[str, int]


def form_lead(answers: Iterable[Answer], *, provider_id: str, **known: Any) -> dict[str, Any]:
    """Make the lead of a form.

    Args:
        provider_id: the submission's own id; an endless one is replaced by its hash.
        known: fields that the provider says itself, which are not guessed: `at`, `page_url`, ...
    """
    told = {**guess(answers), **without_blanks(known)}
    key = short_key(provider_id)
    return {"fact": "lead", "kind": "form", "provider_id": key, **_tags_of_pages(told), **told}


def of_ad(lead: Mapping[str, Any], source: str, medium: str, campaign: str | None) -> dict[str, Any]:
    """Say of a form that stands inside an ad which network showed it, unless its answers say more."""
    if any(lead.get(name) for name in TAGS):
        return dict(lead)
    return {**lead, "utm_source": source, "utm_medium": medium, "utm_campaign": campaign}


def moved(later: str, earlier: str, told_at: str | None) -> dict[str, Any]:
    """Say that a booking goes on from an earlier one, by their ids."""
    ids = {"provider_id": later, "continues": earlier}
    return {"fact": "lead", "kind": "booking", "is_addition": True, "version_at": told_at, **ids}


def short_key(provider_id: str) -> str:
    """Make an id fit for a fact; an endless one, and one of nothing but control characters, is hashed."""
    key = _CONTROL.sub(" ", provider_id).strip()
    if 0 < len(key) <= _LONGEST_KEY:
        return key
    return sha256(provider_id.encode("utf-8", "replace")).hexdigest()


def guess(answers: Iterable[Answer]) -> dict[str, Any]:
    """Guess the fields of a lead from a form's answers.

    Returns:
        Those of `email`, `phone`, `name`, `company`, `message`, `visitor_id`, `page_url`, `landing_page`,
        `referrer`, `utm_*` and click ids that were found, and all answers under `fields`.
    """
    kept = kept_answers(answers)
    tags = _tags(kept)
    asked = [_asked(each) for each in kept if not _is_tag(each)]
    return without_blanks({
        "email": _email(asked), "phone": _phone(asked), "name": _name(asked), "company": _company(asked),
        "message": _message(asked), **_places(asked), **tags, "fields": fields_of(kept),
    })  # fmt: skip


def is_email(said: str) -> bool:
    """Tell whether a text is an e-mail address and nothing else."""
    return len(said) <= EMAIL_LIMIT and _EMAIL.fullmatch(said) is not None


def is_phone(said: str) -> bool:
    """Tell whether a text can only be a phone number: its country's code or trunk prefix is there."""
    return 9 <= _digits(said) <= 15 and bool(_PHONE.fullmatch(said)) and not _DATE.fullmatch(said)


def _asked(answer: Answer) -> _Asked:
    kind = kind_of(answer)
    meanings: dict[str, int] = {}
    for label in filter(None, (answer.name, answer.label)):
        for meaning, others in meanings_of(label).items():
            meanings[meaning] = min(others, meanings.get(meaning, others))
    return _Asked(spelled(answer.value, kind) or "", kind, meanings)


def _best(asked: list[_Asked], rank: Callable[[_Asked], tuple[int, int] | None]) -> str | None:
    """Pick the answer of the lowest rank, the first of equal ones."""
    ranked = [(found, each.said) for each in asked if each.said and (found := rank(each)) is not None]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


def _email(asked: list[_Asked]) -> str | None:
    is_typed = any(each.kind == "email" for each in asked)

    def rank(each: _Asked) -> tuple[int, int] | None:
        if "person" in each.means:
            return None
        if each.kind == "email":
            return 0, 0
        if each.kind not in _OPEN or is_typed and each.kind != "hidden":
            return None
        if "email" in each.means:
            others = each.means["email"]
            return (1, others) if is_email(each.said) else (2, 0) if others == 0 and _is_word(each) else None
        return (3, 0) if is_email(each.said) else None

    return _best(asked, rank)


def _is_word(each: _Asked) -> bool:
    """Tell whether an answer is one word with a dot or an at sign inside: a mistyped address."""
    return len(each.said) <= EMAIL_LIMIT and re.fullmatch(r"\S+[@.]\S*\w", each.said) is not None


def _phone(asked: list[_Asked]) -> str | None:
    is_typed = any(each.kind == "phone" for each in asked)

    def rank(each: _Asked) -> tuple[int, int] | None:
        if "person" in each.means:
            return None
        if each.kind == "phone":
            return 0, 0
        if each.kind not in _OPEN and each.kind != "number" or is_typed and each.kind != "hidden":
            return None
        if "phone" in each.means and _DIALLED.fullmatch(each.said) and 5 <= _digits(each.said) <= 20:
            return 1, each.means["phone"]
        return (3, 0) if each.kind != "number" and is_phone(each.said) else None

    return _best(asked, rank)


def _digits(said: str) -> int:
    return sum(each.isdigit() for each in said)


def _name(asked: list[_Asked]) -> str | None:
    whole = _best(asked, lambda each: (0, 0) if each.kind == "name" else _rank_name(each, "full_name"))
    first = _best(asked, lambda each: _rank_part(each, "first_name"))
    last = _best(asked, lambda each: _rank_part(each, "last_name"))
    if whole or first and last:
        return whole or _joined(first, last)
    plain = _best(asked, lambda each: _rank_name(each, "name"))
    return _joined(first or plain, last or (plain if first else None))


def _rank_part(each: _Asked, part: Kind) -> tuple[int, int] | None:
    if each.kind == part:
        return 0, 0
    return None if "full_name" in each.means else _rank_name(each, part)


def _rank_name(each: _Asked, meaning: str) -> tuple[int, int] | None:
    others = {"company", "email", "phone", "person", "thing", "consent"}
    if meaning == "name":
        others |= {"first_name", "last_name"}
    if each.kind not in _OPEN or meaning not in each.means or others & each.means.keys():
        return None
    is_asked = each.means[meaning] <= _MOST_OTHERS.get(meaning, 9)
    return (1, each.means[meaning]) if is_asked and _could_be_name(each.said) else None


def _could_be_name(said: str) -> bool:
    return (
        len(said) <= _LONGEST_NAME and any(each.isalpha() for each in said) and truth(said) is None
        and "@" not in said and "://" not in said and _digits(said) < 4 and "\n" not in said
    )  # fmt: skip


def _joined(one: str | None, two: str | None) -> str | None:
    """Put two parts of a name together, unless one holds the other already."""
    if one is None or two is None:
        return one or two
    words = one.casefold().split(), two.casefold().split()
    if set(words[1]) <= set(words[0]):
        return one
    return two if set(words[0]) <= set(words[1]) else f"{one} {two}"


def _company(asked: list[_Asked]) -> str | None:
    def rank(each: _Asked) -> tuple[int, int] | None:
        if each.kind == "company":
            return 0, 0
        if each.kind not in _OPEN or "company" not in each.means:
            return None
        if {"aspect", "consent", "person"} & each.means.keys() or not _could_be_company(each.said):
            return None
        return (1, each.means["company"]) if each.means["company"] <= _MOST_OTHERS["company"] else None

    return _best(asked, rank)


def _could_be_company(said: str) -> bool:
    return (
        len(said) <= _LONGEST_NAME and any(each.isalpha() for each in said) and truth(said) is None
        and not is_email(said) and not _URL.fullmatch(said)
    )  # fmt: skip


def _message(asked: list[_Asked]) -> str | None:
    """Pick what was written: the answer of that type or name, else the longest of free text."""

    def rank(each: _Asked) -> tuple[int, int] | None:
        if each.kind == "message":
            return 0, 0
        if each.kind in (*_OPEN, "long_text") and "message" in each.means and "consent" not in each.means:
            return 1, each.means["message"]
        return (2, -len(each.said)) if each.kind == "long_text" else None

    message = _best(asked, rank)
    return None if message is None else hide_cards(message)


def _places(asked: list[_Asked]) -> dict[str, str | None]:
    visitor = _best(asked, _rank_visitor)
    return {"visitor_id": visitor, **{place: _place(asked, place) for place in _PLACES}}


def _rank_visitor(each: _Asked) -> tuple[int, int] | None:
    """Know our token by its name, else by its look: forms without labels call it field 7."""
    if "visitor" in each.means:
        return 0, 0
    return (1, 0) if each.kind in _OPEN and _TOKEN.fullmatch(each.said) else None


def _place(asked: list[_Asked], place: str) -> str | None:
    return _best(asked, lambda each: (0, 0) if place in each.means and _URL.fullmatch(each.said) else None)


def _tags(answers: list[Answer]) -> dict[str, str]:
    """Read campaign parameters and click ids; what our script says of the session where there are none."""
    found: dict[str, str] = {}
    for names in (_TAGS, _OWN_TAGS):
        if names is _OWN_TAGS and any(name.startswith("utm_") for name in found):
            break
        for answer in answers:
            name, said = _tag_name(answer, names), _tag_value(answer)
            if name and said:
                found.setdefault(name, said)
    return found


def _tag_name(answer: Answer, names: Mapping[str, str]) -> str:
    plain = (_PLAIN.sub("", each).lower() for each in (answer.name, answer.label))
    return next((names[each] for each in plain if each in names), "")


def _is_tag(answer: Answer) -> bool:
    return bool(_tag_name(answer, _TAGS) or _tag_name(answer, _OWN_TAGS))


def _tag_value(answer: Answer) -> str | None:
    said = spelled(answer.value)
    return None if not said or len(said) > _LONGEST_TAG or _PLACEHOLDER.fullmatch(said) else said


def _tags_of_pages(told: Mapping[str, Any]) -> dict[str, str]:
    """Read the tags of the pages that a form tells of: where the visitor landed, where it stood."""
    found: dict[str, str] = {}
    is_tagged = any(name.startswith("utm_") for name in told)
    for url in (told.get("landing_page"), told.get("page_url")):
        for name, value in _tags_of(url):
            known = _TAGS.get(_PLAIN.sub("", name).lower())
            if known and not (is_tagged and known.startswith("utm_")):
                found.setdefault(known, value)
    return found


def _tags_of(url: Any) -> tuple[tuple[str, str], ...]:
    try:
        return read_tags(url) if isinstance(url, str) else ()
    except BadUrl:
        return ()

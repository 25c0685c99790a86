"""Erasure: whom a fact names, and whether it goes with somebody who is to be forgotten.

A fact is its persons' before anything else: one that names an e-mail address, a user id or a contact goes
when one of those goes. One that names none of them is the browser's at the time, and without a browser
the line's. So what others told of a shared device or a shared line stays. Who a person is, `identity`
decides; what was erased and until when, the store remembers by keyed hashes alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import unquote

from tracker.core.contacts import blocked_email, normalise_email, normalise_phone, normalise_user_id
from tracker.core.groups import KINDS, LINES, PERSONAL
from tracker.core.ids import lead_id
from tracker.core.testimony import contacts_of_activity, read_identifier, texts_of, with_system
from tracker.errors import BadFact

Name = tuple[str, str]
"""Kind and normalised value: an identifier's, or `lead` and a lead's id."""

SUBJECTS = {
    "email": "email", "phone": "phone", "visitor_id": "visitor", "lead_id": "lead", "person_id": "person",
    "crm_id": "crm",
}  # fmt: skip
"""Fields by which an `erase` fact names whom it means, and the kind of name that each gives."""

_PLAIN = {"visitor_id": "visitor", "crm_id": "crm", "chat_id": "chat"}
_WHOEVER = frozenset({"split", "same", "link"})
"""Facts that are about each of those they name."""
DIGITS = 7


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a fact names: `persons` by what is theirs alone, browsers, lines, and what stands for nobody.

    `is_about_all`: it goes when any of them goes.
    """

    persons: frozenset[Name] = frozenset()
    browsers: frozenset[Name] = frozenset()
    lines: frozenset[Name] = frozenset()
    others: frozenset[Name] = frozenset()
    is_about_all: bool = False

    @property
    def everybody(self) -> frozenset[Name]:
        """All names together."""
        return self.persons | self.browsers | self.lines | self.others

    def goes(self, is_erased: Callable[[Name], bool]) -> bool:
        """Say whether the fact goes, given who was erased at its time."""
        if any(map(is_erased, self.persons | self.others)):
            return True
        if self.is_about_all:
            return any(map(is_erased, self.browsers | self.lines))
        if self.persons:
            return False
        return any(map(is_erased, self.browsers or self.lines))


def named(kind: str, fact: Mapping[str, Any], *, region: str) -> Named:
    """Read whom a fact names, whether or not that is evidence of anything.

    Args:
        fact: its fields, of one version or of all together.
        region: ISO 3166 code by which national phone numbers are read.
    """
    found = set(_names(kind, fact, region))
    blocked = {each for each in found if each[0] == "email" and blocked_email(each[1])}
    persons = frozenset(each for each in found - blocked if each[0] in PERSONAL)
    return Named(
        persons,
        frozenset(each for each in found if each[0] == "visitor"),
        frozenset(each for each in found if each[0] in LINES),
        frozenset(blocked | {each for each in found if each[0] == "lead"}),
        is_about_all=kind in _WHOEVER,
    )


def _names(kind: str, fact: Mapping[str, Any], region: str) -> Iterator[Name]:
    yield from _contacts(fact, region)
    for name, of in _PLAIN.items():
        text = fact.get(name)
        if isinstance(text, str) and text.strip():
            yield of, text.strip() if of == "visitor" else with_system(text.strip(), fact)
    if kind == "contact":
        yield "crm", f"{fact.get('provider')}:{fact.get('provider_id')}"
        if fact.get("merged_into"):
            yield "crm", f"{fact.get('provider')}:{fact['merged_into']}"
    elif kind == "lead":
        yield "lead", lead_id(str(fact.get("site")), str(fact.get("provider")), str(fact.get("provider_id")))
    elif kind == "status":
        yield "lead", str(fact.get("lead_id"))
    elif kind == "activity":
        yield from contacts_of_activity(fact, region)
    elif kind == "link" and isinstance(fact.get("from"), str):
        yield "visitor", fact["from"]
    elif kind == "deal":
        for contact in _listed(fact.get("contacts")):
            yield from _of_deal(contact, fact, region)
    elif kind in ("split", "same"):
        for end in ("a", "b"):
            yield from _identifier(fact.get(end))


def _contacts(fact: Mapping[str, Any], region: str) -> Iterator[Name]:
    for name in ("email", "emails"):
        for text in texts_of(fact.get(name)):
            email = normalise_email(text)
            if email is not None:
                yield "email", email
    for name in ("phone", "phones"):
        for text in texts_of(fact.get(name)):
            number = normalise_phone(text, region)
            if number is not None:
                yield "phone", number
    user = fact.get("user_id")
    if isinstance(user, str) and normalise_user_id(user):
        yield "user", user


def _listed(contacts: Any) -> list[Mapping[str, Any]]:
    listed = contacts if isinstance(contacts, list) else [contacts]
    return [each for each in listed if isinstance(each, Mapping)]


def _of_deal(contact: Mapping[str, Any], deal: Mapping[str, Any], region: str) -> Iterator[Name]:
    yield from _contacts(contact, region)
    if contact.get("crm_id"):
        own = str(contact["crm_id"]).strip()
        yield from (("crm", own), ("crm", f"{deal.get('provider')}:{own}"))


def without(deal: Mapping[str, Any], is_erased: Callable[[Name], bool], *, region: str) -> dict[str, Any]:
    """Take those who were erased out of a deal; its amounts and stages stay, its title may name them."""
    listed = _listed(deal.get("contacts"))
    kept = [each for each in listed if not any(map(is_erased, _of_deal(each, deal, region)))]
    if len(kept) == len(listed):
        return dict(deal)
    return {name: value for name, value in deal.items() if name not in ("contacts", "name")} | (
        {"contacts": kept} if kept else {}
    )


def _identifier(text: Any) -> Iterator[Name]:
    try:
        yield tuple(read_identifier(str(text)))  # type: ignore[misc]  # two texts
    except BadFact:
        return


def subject(fact: Mapping[str, Any], *, regions: Iterable[str]) -> Name:
    """Read whom an `erase` fact means.

    Args:
        regions: by which a national phone number may be read.

    Raises:
        BadFact: none or several are named, or the value is none of its kind.
    """
    field = subject_field(fact)
    text = str(fact[field]).strip()
    if field == "email":
        email = normalise_email(text)
        if email is None:
            raise BadFact("bad_fact", "is no e-mail address", field)
        return "email", email
    if field == "phone":
        return "phone", _number(text, regions)
    return SUBJECTS[field], text


def subject_field(fact: Mapping[str, Any]) -> str:
    """Say by which field an `erase` fact names somebody.

    Raises:
        BadFact: by none, or by several.
    """
    given = [name for name in SUBJECTS if str(fact.get(name) or "").strip()]
    if len(given) != 1:
        raise BadFact("bad_fact", f"write exactly one of {', '.join(SUBJECTS)}", "email")
    return given[0]


def _number(text: str, regions: Iterable[str]) -> str:
    found = {normalise_phone(text, region) for region in regions or ["ZZ"]} - {None}
    if len(found) != 1:
        why = "may be a number of several countries" if found else "is no phone number"
        raise BadFact("bad_fact", f"{why}; write it with its country's code, such as +44...", "phone")
    (number,) = found
    return str(number)


class Needles:
    """A quick look whether a text may name somebody; it may say yes too often, never no."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._texts: set[str] = set()
        self._digits: set[str] = set()
        for kind, value in names:
            if kind == "email":
                domain = value.rpartition("@")[2]
                self._texts |= {"@" + domain} | ({"@googlemail.com"} if domain == "gmail.com" else set())
            elif kind == "phone":
                self._digits.add(value[-DIGITS:])
            else:
                self._texts.add(value.rpartition(":")[2].lower())

    def may_be_in(self, text: str) -> bool:
        """Look; what is not plain ASCII, or escaped, may be anything."""
        low = text.lower()
        if any(each in low for each in self._texts) or not text.isascii() or "\\u" in text or "%40" in text:
            return True
        if not self._digits:
            return False
        digits = re.sub(r"\D", "", text)
        return any(each in digits for each in self._digits)


def leaves(value: Any) -> Iterator[str]:
    """Walk all texts within a document of JSON, in any order, however deeply they are nested."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            left += [*each, *each.values()]
        elif isinstance(each, list):
            left += each


def _spellings(text: str) -> tuple[str, ...]:
    kind, _, value = text.partition(":")
    return (text, value.strip()) if kind in KINDS else (text,)


def names_in(document: Any, *, region: str) -> frozenset[Name]:
    """Read whom any text within a document may name, whatever the field it stands in.

    An operator's words spell it `kind:value`. Within longer words stand addresses, numbers and long ids.
    """
    found: set[Name] = set()
    for plain in chain.from_iterable(_spellings(text.strip()) for text in leaves(document)):
        found |= {("visitor", plain), ("user", plain), ("crm", plain), ("chat", plain)}
        if "@" in plain and (email := normalise_email(plain)):
            found.add(("email", email))
        if sum(char.isdigit() for char in plain) >= DIGITS and (number := normalise_phone(plain, region)):
            found.add(("phone", number))
        found.update(_within(plain, region))
    return frozenset(found)


_WORD = re.compile(r"[^\s\"'<>,;:(){}\[\]=&?/|\\]+")
_NUMBER = re.compile(r"\+?\(?\d[\d\s().-]{5,}\d")
LONG_ID = 16
"""A visitor's id, and longer than a word that people write."""


def _within(text: str, region: str) -> Iterator[Name]:
    """Read whom a part of a text names, such as an address in a sentence or in a URL."""
    plain = unquote(text) if "%" in text else text
    for word in _WORD.findall(plain):
        if "@" in word and (email := normalise_email(word.strip(".!*"))):
            yield "email", email
        if len(word) >= LONG_ID:
            yield "visitor", word.partition(".")[0]
    for part in _NUMBER.findall(plain):
        if part != text and (number := normalise_phone(part, region)):
            yield "phone", number

"""Testimony: which identifiers a fact names, and what it says of them belonging together.

Values are normalised here, and those that name nobody are left out: a withheld number, a mailbox of a
whole team, `undefined`. What follows from the evidence is decided in `tracker.core.identity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tracker.core.contacts import (
    blocked_email,
    blocked_phone,
    fold_name,
    normalise_email,
    normalise_phone,
    normalise_user_id,
)
from tracker.core.evidence import Evidence, Rule
from tracker.core.groups import KINDS, Identifier
from tracker.core.times import MINUTE_MS, parse_instant
from tracker.errors import BadFact

ID_LIMIT = 512
_NO_REGION = "ZZ"
LINK_MS = 2 * MINUTE_MS
LINK_EARLY_MS = MINUTE_MS
"""Clocks of two pages differ by this much without having been corrected."""


@dataclass(frozen=True, slots=True)
class Testimony:
    """What one fact says: `named` with times in ms, the evidence, and the full name given, folded.

    An operator's word is no sighting: it has no time.
    """

    named: Mapping[Identifier, int | None] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    name: str | None = None


def testify(kind: str, fact: Mapping[str, Any], *, key: str, region: str) -> Testimony:
    """Read what a fact says of who is who; facts of other kinds say nothing.

    Args:
        fact: its fields, of all versions together.
        key: names the fact in the evidence.
        region: ISO 3166 code by which national phone numbers are read.
    """
    read = _READERS.get(kind)
    if read is None or fact.get("is_test"):
        return Testimony()
    at_ms = parse_instant(fact["at"])
    evidence = tuple(read(_Witness(at_ms, key, region), fact))
    alone = _alone(kind, fact, region) if not evidence else ()
    ends = [*alone, *(end for each in evidence for end in (each.a, each.b))]
    seen_ms = None if kind in ("split", "same") else at_ms
    name = None if kind == "deal" else fold_name(str(fact.get("name", "")))  # a deal's is no person's
    return Testimony(dict.fromkeys(ends, seen_ms), evidence, name)


def read_identifier(text: str, *, place: str = "", region: str = _NO_REGION) -> Identifier:
    """Read an identifier written as `kind:value`.

    Args:
        region: ISO 3166 code by which a national phone number is read; without one it is none.

    Raises:
        BadFact: no such kind, or a value that names nobody.
    """
    kind, colon, value = text.strip().partition(":")
    if not colon or kind not in KINDS:
        words = f"{text!r} is no identifier; write KIND:VALUE, where KIND is one of {', '.join(KINDS)}"
        raise BadFact("bad_fact", words, place)
    found = _identifier(kind, value, region)
    if found is None:
        words = f"{text!r} names nobody: the value is blocked, or none of that kind"
        raise BadFact("bad_fact", words, place)
    return found


def spell_numbers(word: Mapping[str, Any], *, region: str) -> Mapping[str, Any]:
    """Spell national phone numbers in an operator's word with their country's code; other facts stay.

    Args:
        region: ISO 3166 code of the site under which the word is told.
    """
    if word.get("fact") not in ("split", "same"):
        return word
    ends = {name: str(word.get(name, "")).strip() for name in ("a", "b")}
    numbers = {
        name: normalise_phone(text.removeprefix("phone:"), region)
        for name, text in ends.items()
        if text.startswith("phone:")
    }
    return {**word, **{name: f"phone:{number}" for name, number in numbers.items() if number is not None}}


@dataclass(frozen=True, slots=True)
class _Witness:
    at_ms: int
    key: str
    region: str

    def says(self, rule: Rule, a: Identifier, b: Identifier, **more: Any) -> Evidence:
        """Make a piece of evidence of this fact."""
        return Evidence(rule, a, b, self.at_ms, self.key, **more)


def _given(witness: _Witness, fact: Mapping[str, Any]) -> Iterator[Evidence]:
    """Read what came with an identify or a lead: who they are, and lines that reach them.

    A contact's id beside an address is R2, not R1: a provider may have picked its contact by a cookie.
    """
    visitor = _field("visitor", fact, witness.region)
    persons = [one for kind in ("crm", "email", "user") if (one := _field(kind, fact, witness.region))]
    for one in persons[1:]:
        yield witness.says("R2", persons[0], one)
    if visitor is not None:
        for one in persons:
            yield witness.says("R2", one, visitor)
    giver = _giver(persons) or visitor
    for kind in ("phone", "chat"):
        line = _field(kind, fact, witness.region)
        if line is not None and giver is not None:
            yield witness.says("R4", giver, line, on=visitor if giver != visitor else None)


def _giver(persons: list[Identifier]) -> Identifier | None:
    """Pick who gave a line: the address before anything else."""
    return next((one for one in persons if one.kind == "email"), next(iter(persons), None))


def _contact(witness: _Witness, fact: Mapping[str, Any]) -> Iterator[Evidence]:
    contact = contact_of(fact["provider"], fact["provider_id"])
    given = (_identifier("email", text, witness.region) for text in texts_of(fact.get("emails")))
    emails = [one for one in given if one is not None]
    user = _field("user", fact, witness.region)
    for one in dict.fromkeys([*emails, *([user] if user else [])]):
        yield witness.says("R1", contact, one)
    numbers = (_identifier("phone", text, witness.region) for text in texts_of(fact.get("phones")))
    for line in dict.fromkeys(one for one in numbers if one is not None):
        yield witness.says("R4", emails[0] if emails else contact, line)
    if fact.get("merged_into"):
        into = contact_of(fact["provider"], str(fact["merged_into"]))
        if into != contact:
            yield witness.says("merge", contact, into)


def _link(witness: _Witness, fact: Mapping[str, Any]) -> Iterator[Evidence]:
    origin = _identifier("visitor", str(fact.get("from", "")), witness.region)
    visitor = _field("visitor", fact, witness.region)
    if origin is None or visitor is None or origin == visitor:
        return
    age_ms = witness.at_ms - parse_instant(fact["made_at"]) if fact.get("made_at") else 0
    flaw = None
    if not -LINK_EARLY_MS <= age_ms <= LINK_MS:
        flaw = "link_expired"
    elif fact.get("browser") != fact.get("arrived_browser"):
        flaw = "other_browser"
    yield witness.says("R5", origin, visitor, once=str(fact.get("nonce", "")), flaw=flaw)


def _mail(witness: _Witness, fact: Mapping[str, Any]) -> Iterator[Evidence]:
    email, visitor = (_field(kind, fact, witness.region) for kind in ("email", "visitor"))
    if email is not None and visitor is not None:
        yield witness.says("R3", email, visitor, once=str(fact.get("send_id", "")))


def _word(rule: Rule) -> Callable[[_Witness, Mapping[str, Any]], Iterator[Evidence]]:
    def read(witness: _Witness, fact: Mapping[str, Any]) -> Iterator[Evidence]:
        one, two = sorted(read_identifier(fact[name]) for name in ("a", "b"))
        if one != two:
            yield witness.says(rule, one, two, is_undo=bool(fact.get("undo")))

    return read


def _deal(witness: _Witness, fact: Mapping[str, Any]) -> Iterator[Evidence]:
    """A deal names people; it does not say who is who."""
    yield from ()


_READERS: Mapping[str, Callable[[_Witness, Mapping[str, Any]], Iterator[Evidence]]] = {
    "lead": _given, "identify": _given, "contact": _contact, "link": _link, "mail": _mail,
    "deal": _deal, "split": _word("split"), "same": _word("same"),
}  # fmt: skip


def _alone(kind: str, fact: Mapping[str, Any], region: str) -> Iterator[Identifier]:
    """Find what a fact names without tying it to anything."""
    if kind == "contact":
        yield contact_of(fact["provider"], fact["provider_id"])
    if kind == "deal":
        yield from contacts_of_deal(fact, region)
    for name in ("visitor", "crm", "email", "user", "phone", "chat"):
        found = _field(name, fact, region)
        if found is not None:
            yield found


_NAMES_OF_TEXT = ("value", "email", "phone", "number")
_FIELDS = {"visitor": "visitor_id", "user": "user_id", "crm": "crm_id", "chat": "chat_id"}


def _field(kind: str, fact: Mapping[str, Any], region: str) -> Identifier | None:
    """Read what a fact says of one kind; an id within a system is its provider's where it names no system."""
    text = fact.get(_FIELDS.get(kind, kind))
    if not isinstance(text, str) or not text:
        return None
    return _identifier(kind, with_system(text, fact) if kind in ("crm", "chat") else text, region)


def with_system(text: str, fact: Mapping[str, Any]) -> str:
    """Spell an id within a system as `<system>:<id>`: as it is, else the system is the fact's provider."""
    provider = fact.get("provider")
    return f"{provider}:{text.strip()}" if ":" not in text and provider else text


def _identifier(kind: str, text: str, region: str) -> Identifier | None:
    """Normalise a value; none where it names nobody."""
    if kind == "email":
        email = normalise_email(text)
        return None if email is None or blocked_email(email) else Identifier("email", email)
    if kind == "phone":
        number = normalise_phone(text, region)
        return None if number is None or blocked_phone(number) else Identifier("phone", number)
    value = normalise_user_id(text) if kind == "user" else text.strip()
    if not value or len(value) > ID_LIMIT or kind in ("crm", "chat") and is_placeholder(value):
        return None
    return Identifier(kind, value)  # type: ignore[arg-type]  # one of KINDS, as the callers see to


def is_placeholder(value: str) -> bool:
    """Tell whether an id within a system, `<system>:<id>`, is a word such as `undefined`."""
    return normalise_user_id(value.rpartition(":")[2]) is None


def contact_of(system: str, contact_id: str) -> Identifier:
    """Name a contact of a CRM."""
    return Identifier("crm", f"{system}:{contact_id}")


def contacts_of_deal(fact: Mapping[str, Any], region: str) -> tuple[Identifier, ...]:
    """Name the people whom a deal lists; an id that names its system itself is taken as given.

    Args:
        region: ISO 3166 code by which national phone numbers are read.
    """
    found: dict[Identifier, None] = {}
    listed = fact.get("contacts")
    for each in listed if isinstance(listed, list) else [listed]:
        if not isinstance(each, Mapping):
            continue
        given = {name: str(value) for name, value in each.items() if isinstance(value, str | int) and value}
        if ":" not in given.get("crm_id", ":"):
            given["crm_id"] = f"{fact['provider']}:{given['crm_id']}"
        named = (_field(kind, given, region) for kind in ("crm", "email", "phone"))
        found |= dict.fromkeys(one for one in named if one is not None)
    return tuple(found)


def contacts_of_activity(fact: Mapping[str, Any], region: str) -> tuple[Identifier, ...]:
    """Name the one whom an activity was with, the surest name first; it does not say who is who.

    Args:
        region: ISO 3166 code by which national phone numbers are read.
    """
    given = {name: str(fact[name]) for name in ("crm_id", "email", "phone") if fact.get(name)}
    if ":" not in given.get("crm_id", ":"):
        given["crm_id"] = f"{fact['provider']}:{given['crm_id']}"
    named = (_field(kind, given, region) for kind in ("crm", "email", "phone"))
    return tuple(one for one in named if one is not None)


def texts_of(given: Any) -> Iterator[str]:
    """Read a list of addresses or numbers: texts, or objects that hold one."""
    for each in given if isinstance(given, list) else [given]:
        if isinstance(each, Mapping):
            each = next((each[name] for name in _NAMES_OF_TEXT if each.get(name)), None)
        if isinstance(each, int) and not isinstance(each, bool):
            each = str(each)
        if isinstance(each, str) and each:
            yield each

"""Accounts: which companies there are, decided for one connected component, and whose each person is.

An account is a group of parts: registrable company domains and accounts of CRMs. A CRM that gives its
account a domain joins the two. Names of companies are never evidence, and an account never makes two
persons one: that persons belong to it is a relation, with a time and a reason.

Decided otherwise than a CRM might:
1. Two accounts of one CRM never become one by a common domain: the first to name it by event time keeps
   it, the other stands alone with the persons that its CRM gives it.
2. The workspace's own domains are companies like any other: staff are the persons of that account.

Source: https://publicsuffix.org/list/ for what a company's domain is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from tracker.core.contacts import email_domain_kind
from tracker.core.groups import Identifier
from tracker.core.hosts import clean_host, registrable_domain
from tracker.core.testimony import contact_of, contacts_of_deal, is_placeholder
from tracker.core.times import parse_instant

PartKind = Literal["account", "domain"]
Reason = Literal["crm", "deal", "email_domain"]
REASONS: tuple[Reason, ...] = ("crm", "deal", "email_domain")
"""Why a person belongs to an account, strongest first."""

ID_LIMIT = 512


class Part(NamedTuple):
    """What an account is known by: a company's domain, or a CRM's account as `<system>:<id>`."""

    kind: PartKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True, slots=True)
class Word:
    """What one fact of a CRM says of an account, and whom it counts among its people."""

    reason: Reason
    at_ms: int
    key: str
    account: Part | None
    domain: Part | None
    name: str | None = None
    people: tuple[Identifier, ...] = ()

    @property
    def part(self) -> Part | None:
        """The part that the name and the people go to."""
        return self.account or self.domain


class Step(NamedTuple):
    """One step of a deal: the fact's name and fields, and by which region its phone numbers are read."""

    key: str
    fact: Mapping[str, Any]
    region: str


class Joint(NamedTuple):
    """A CRM's account and the domain it was given, with the first fact that said so."""

    at_ms: int
    key: str
    account: Part
    domain: Part


@dataclass(frozen=True, slots=True)
class Ruling:
    """What came of a joint; `why` where it does not hold."""

    joint: Joint
    why: Literal["two_accounts"] | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """The parts of one account, sorted; `oldest` lends it its id."""

    oldest: Part
    parts: tuple[Part, ...]


class Tie(NamedTuple):
    """A reason for which a person belongs to an account; `id` is that of its part."""

    reason: Reason
    from_ms: int
    last_ms: int
    id: str


def resolve_accounts(
    first_ms: Mapping[Part, int], joints: Iterable[Joint]
) -> tuple[tuple[Account, ...], tuple[Ruling, ...]]:
    """Cut the parts of a component into accounts.

    Args:
        first_ms: when each part was first seen.

    Returns:
        The accounts and what came of each joint, the same whatever the order of what is given.
    """
    group = {part: [part] for part in first_ms}
    rulings = []
    for joint in sorted(set(joints)):
        one, two = group[joint.account], group[joint.domain]
        refused = one is not two and not _systems(one).isdisjoint(_systems(two))
        rulings.append(Ruling(joint, "two_accounts" if refused else None))
        if one is not two and not refused:
            one += two
            group |= dict.fromkeys(two, one)
    distinct = {id(parts): parts for parts in group.values()}.values()
    accounts = (
        Account(min(parts, key=lambda part: (first_ms[part], part)), tuple(sorted(parts)))
        for parts in distinct
    )
    return tuple(sorted(accounts, key=lambda account: account.oldest)), tuple(rulings)


def _systems(parts: Iterable[Part]) -> set[str]:
    """Name the CRMs that have one of these parts as their account."""
    return {part.value.partition(":")[0] for part in parts if part.kind == "account"}


def strongest(ties: Iterable[Tie]) -> Tie:
    """Pick the account that a person is shown with: the CRM's before a deal's before the e-mail domain's.

    Of equal ones the newest, then the first by id.
    """
    return min(ties, key=lambda tie: (REASONS.index(tie.reason), -tie.last_ms, tie.id))


def company_domain(text: str) -> str | None:
    """Read the registrable domain of a company off a domain, an address of the web or of e-mail.

    Returns:
        Such as `acme.co.uk` for `https://www.acme.co.uk/about`; none where everybody or nobody for long
        has an address, and for what is no domain.
    """
    given = text.strip()
    try:
        host = urlsplit(given if "//" in given else f"//{given}").hostname or ""
    except ValueError:
        return None
    cleaned = clean_host(host)
    if cleaned is None or email_domain_kind(cleaned) != "company":
        return None
    return registrable_domain(cleaned)


def domain_of(email: str) -> Part | None:
    """Name the company domain of an e-mail address; none for one of everybody's or nobody's."""
    found = company_domain(email.rpartition("@")[2])
    return None if found is None else Part("domain", found)


def words_of(kind: str, fact: Mapping[str, Any], *, key: str) -> tuple[Word, ...]:
    """Read what a contact of a CRM says of its account; facts of other kinds say nothing."""
    if kind != "contact" or fact.get("is_test"):
        return ()
    people = (contact_of(fact["provider"], fact["provider_id"]),)
    told = _told("crm", fact, fact.get("account"), key=key, people=people)
    return () if told.part is None else (told,)


def words_of_deal(steps: Iterable[Step]) -> tuple[Word, ...]:
    """Read what the steps of a deal say of its account.

    A step that names no account, or nobody, keeps those of the step before.
    """
    return tuple(_walk(sorted(steps, key=lambda step: (parse_instant(step.fact["at"]), step.key))))


def _walk(steps: Iterable[Step]) -> Iterator[Word]:
    account: Any = None
    people: tuple[Identifier, ...] = ()
    for step in steps:
        people = contacts_of_deal(step.fact, step.region) or people
        account = step.fact.get("account") or account
        told = _told("deal", step.fact, account, key=step.key, people=people)
        if told.part is not None:
            yield told if step.fact.get("account") else replace(told, name=None)


def _told(
    reason: Reason, fact: Mapping[str, Any], given: Any, *, key: str, people: tuple[Identifier, ...]
) -> Word:
    """Read an account as a CRM writes it: an object, or a text that is its domain."""
    fields: Mapping[str, Any] = given if isinstance(given, Mapping) else {"domain": given}
    domain = company_domain(_text(fields.get("domain")))
    return Word(
        reason, parse_instant(fact["at"]), key, _account(str(fact["provider"]), _text(fields.get("crm_id"))),
        None if domain is None else Part("domain", domain), _text(fields.get("name")).strip() or None, people,
    )  # fmt: skip


def _account(system: str, text: str) -> Part | None:
    """Name a CRM's account; an id that names its system itself is taken as given."""
    plain = text.strip()
    if not plain or len(plain) > ID_LIMIT or is_placeholder(plain):
        return None
    return Part("account", plain if ":" in plain else f"{system}:{plain}")


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)

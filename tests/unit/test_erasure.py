"""Whom facts name, and which of them go with somebody who is to be forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from tracker.core.erasure import Name, Needles, named, names_in, subject, without
from tracker.errors import BadFact

ANN, BOB, ROLE = "ann@acme.com", "bob@beta.io", "info@acme.com"
LINE = "+447700900001"
ERASED: frozenset[Name] = frozenset({("email", ANN), ("phone", LINE), ("visitor", "v1"), ("crm", "hub:c1")})

GOES: dict[str, tuple[bool, str, dict[str, Any]]] = {
    "a lead with the address": (True, "lead", {"email": "Ann@ACME.com"}),
    "a lead with the address, on somebody's browser": (True, "lead", {"email": ANN, "visitor_id": "v2"}),
    "a lead with nothing but the browser": (True, "lead", {"visitor_id": "v1"}),
    "a lead of the browser that gives a team's mailbox": (True, "lead", {"visitor_id": "v1", "email": ROLE}),
    "a call from the line": (True, "lead", {"phone": "07700 900001"}),
    "a contact that has the address among others": (True, "contact", {"emails": [BOB, {"value": ANN}]}),
    "an operator's word": (True, "split", {"a": "email:bob@beta.io", "b": "visitor:v1"}),
    "a link that led from the browser": (True, "link", {"visitor_id": "v2", "from": "v1"}),
    "a lease to the browser": (True, "lease", {"visitor_id": "v1", "number": "+442079460000", "from": "x"}),
    "somebody else's lead on the browser": (False, "lead", {"visitor_id": "v1", "email": BOB}),
    "somebody else's lead with the line": (False, "lead", {"phone": LINE, "email": BOB}),
    "a call of another browser's from the line": (False, "lead", {"phone": LINE, "visitor_id": "v2"}),
    "a user id that looks like the address": (False, "identify", {"user_id": ANN, "visitor_id": "v1"}),
    "a cost": (False, "cost", {"source": ANN}),
}  # fmt: skip


@pytest.mark.parametrize(("goes", "kind", "fact"), GOES.values(), ids=GOES)
def test_a_fact_is_its_persons_then_its_browsers_then_its_lines(
    goes: bool, kind: str, fact: dict[str, Any]
) -> None:
    """What names a person goes with that person alone."""
    told = {"site": "shop", "provider": "hub", "provider_id": "9", **fact}
    assert named(kind, told, region="GB").goes(ERASED.__contains__) is goes


SUBJECTS: dict[str, tuple[dict[str, str], Name]] = {
    "an address in any spelling": ({"email": " <A.nn+x@Googlemail.com> "}, ("email", "ann@gmail.com")),
    "a number with its country's code": ({"phone": "0044 7700 900001"}, ("phone", LINE)),
    "an address beside blanks": (
        {"email": "ann@gmail.com", "phone": " ", "crm_id": ""},
        ("email", "ann@gmail.com"),
    ),
    "a contact": ({"crm_id": "hub:c1"}, ("crm", "hub:c1")),
    "a person's id": ({"person_id": "0a1b"}, ("person", "0a1b")),
}


@pytest.mark.parametrize(("fact", "name"), SUBJECTS.values(), ids=SUBJECTS)
def test_an_erasure_means(fact: dict[str, str], name: Name) -> None:
    """Values are normalised as an identifier's are."""
    assert subject(fact, regions={"GB"}) == name


def test_a_number_of_several_countries_is_nobodys() -> None:
    """A national number is read only where all sites read it alike."""
    assert subject({"phone": "07700 900001"}, regions={"GB"}) == ("phone", LINE)
    with pytest.raises(BadFact, match="country's code"):
        subject({"phone": "0170 9000010"}, regions={"GB", "DE"})


def test_a_deal_loses_its_contact_and_its_title() -> None:
    """What it is worth stays; a deal that names others alone stays as it is."""
    deal = {"provider": "hub", "amount": "9", "name": "Ann", "contacts": [{"crm_id": "c1"}, {"email": BOB}]}
    kept = {"provider": "hub", "amount": "9", "contacts": [{"email": BOB}]}
    assert without(deal, ERASED.__contains__, region="GB") == kept
    assert without(kept, ERASED.__contains__, region="GB") == kept


TEXTS = (
    '{"email": "ANN@ACME.COM"}', '{"email": "ann@acme.com"}', '{"phone": "07700 900-001"}',
    "tel:+447700900001", '{"email": "ａｎｎ@acme.com"}', '{"visitor_id": "v1"}',
    r'{"email": "ann\u0040acme.com"}', '{"contacts": [{"crm_id": "c1"}]}',
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_quick_look_misses_nothing(text: str) -> None:
    """It may say yes too often, never no."""
    assert Needles(ERASED).may_be_in(text)


def test_a_quick_look_spares_the_rest() -> None:
    """What names nobody of them is not read in full."""
    assert not Needles({("email", ANN), ("phone", LINE)}).may_be_in('{"email": "bob@beta.io", "phone": "1"}')


WITHIN = {
    "an address in a sentence": (("email", ANN), "please write to Ann@Acme.com."),
    "an address in a URL": (("email", ANN), "https://shop.test/thanks?email=ann%40acme.com&x=1"),
    "an address in angles": (("email", ANN), "Ann Leeds <ann@acme.com>"),
    "a number in a sentence": (("phone", LINE), "call me on 07700 900 001, please"),
    "a visitor in a cookie": (("visitor", "0123456789abcdef0123"), "_tl=0123456789abcdef0123.sig"),
}


@pytest.mark.parametrize(("name", "text"), WITHIN.values(), ids=WITHIN)
def test_a_message_names_somebody_by(name: Name, text: str) -> None:
    """What stands within a longer text is found, and not overlooked by the quick look."""
    assert name in names_in([text], region="GB")
    assert Needles({name}).may_be_in(text)


def test_names_are_found_wherever_they_stand() -> None:
    """A refused message is in any shape; its texts are what names somebody."""
    found = names_in({"a": [{"b": "Ann@acme.com"}, "07700 900001"], "v1": 3}, region="GB")
    assert found >= ERASED - {("crm", "hub:c1")}


def test_names_are_found_however_deep_they_stand() -> None:
    """What strangers send may be nested as deeply as can be read: nobody's erasure may fail on it."""
    document: object = "ann@acme.com"
    for _ in range(5_000):
        document = [document]
    assert ("email", "ann@acme.com") in names_in(document, region="GB")

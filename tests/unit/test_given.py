"""What a hit gives beside itself: identifies, arrivals by a link or a mail."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.test_enrich import AT_MS, enriched
from tracker.core.facts import read_fact
from tracker.core.times import EARLIEST_MS, format_instant
from tracker.wire import FLAG_WEBDRIVER
from worker.draft import Draft

SEEN = {"site": "shop", "at": format_instant(AT_MS), "visitor_id": "v1", "event_id": "e"}
LINK = {"from": "v0", "nonce": "n1", "made_at": "2026-03-01T09:59:58.000Z", "browser": "b0"}
MAIL = {"email": "ann@acme.com", "send_id": "s1"}


def identify(props: dict[str, Any] | None, **fields: object) -> Draft:
    """Enrich an event named identify."""
    return enriched(type="event", name="identify", props=props, **fields)


def test_an_identify_becomes_a_fact_and_leaves_nothing_on_the_hit() -> None:
    """Contacts go to the fact as they were given, numbers as texts, the unknown to its extra."""
    said = {"email": " Ann@Acme.com ", "user_id": 17, "traits": {"plan": "pro"}, "first": "Ann"}
    draft = identify({**said, "phone": ["x"], "company": ""})
    assert draft.extra == {}
    (fact,) = draft.facts
    assert fact == {
        "fact": "identify", **SEEN, "email": "Ann@Acme.com", "user_id": "17", "traits": {"plan": "pro"},
        "extra": {"first": "Ann"},
    }  # fmt: skip
    assert read_fact(fact).key == "e"


@pytest.mark.parametrize(
    "props",
    [
        pytest.param(None, id="no props"),
        pytest.param({}, id="empty props"),
        pytest.param({"name": "Ann Lee", "traits": {"plan": "pro"}}, id="a name alone"),
        pytest.param({"email": "", "phone": "  ", "user_id": None}, id="blanks"),
        pytest.param({"email": ["a@b.de"], "user_id": True, "crm_id": {}}, id="what is no text"),
    ],
)
def test_an_identify_that_names_nobody_is_no_fact(props: dict[str, Any] | None) -> None:
    """A name is no identifier, nor is what is no text; nothing of it stays on the hit either."""
    draft = identify(props)
    assert (draft.facts, draft.extra) == ([], {})


def test_only_an_event_identifies() -> None:
    """A page view of that name keeps its props, cleaned."""
    draft = enriched(name="identify", props={"email": "ann@acme.com"})
    assert (draft.facts, draft.extra) == ([], {"props": {"email": "[redacted]"}})


def test_the_first_hit_after_a_visitor_agreed_gives_a_fact() -> None:
    """The choice is kept for itself, by visitor and time, and its mark is taken off the hit."""
    draft = enriched(consent="granted", extra={"agreed": True})
    (fact,) = draft.facts
    assert fact == {name: SEEN[name] for name in ("site", "at", "visitor_id")} | {
        "fact": "consent", "state": "granted",
    }  # fmt: skip
    assert draft.extra == {}


def test_the_consent_that_every_hit_carries_is_no_fact() -> None:
    """Nor is a mark from a page that does not ask."""
    assert enriched(consent="granted").facts == enriched(extra={"agreed": True}).facts == []


def test_an_arrival_by_a_link_gives_a_fact_of_both_browsers() -> None:
    """The fact has the hit's own browser beside the link's; the hit keeps the link."""
    draft = enriched(link=LINK | {"other": "x"}, browser="b1")
    assert draft.extra == {"link": LINK}
    assert draft.facts == [{"fact": "link", **SEEN, **LINK, "arrived_browser": "b1"}]
    assert read_fact(draft.facts[0]).key == "e"


def test_a_link_from_oneself_says_nothing() -> None:
    """Where the cookie was shared after all, both ends are one visitor."""
    assert enriched(link=LINK | {"from": "v1"}).facts == []


def test_an_arrival_by_a_mail_gives_a_fact_and_the_hit_keeps_the_send_alone() -> None:
    """The address is in the fact, and nowhere on the hit."""
    draft = enriched(mail=MAIL)
    assert draft.facts == [{"fact": "mail", **SEEN, **MAIL}]
    assert draft.extra == {"mail": {"send_id": "s1"}}


@pytest.mark.parametrize("said", [{"link": LINK}, {"mail": MAIL}], ids=["link", "mail"])
def test_a_robot_gives_no_facts(said: dict[str, Any]) -> None:
    """What a driven browser follows says nothing of a person."""
    assert enriched(**said, flags=FLAG_WEBDRIVER).facts == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("2026-03-02T10:00:00Z", {"version_at": "2026-03-02T10:00:00Z"}, id="an instant"),
        pytest.param("soon", {}, id="what is none"),
        pytest.param(7, {}, id="what is no text"),
    ],
)
def test_a_fact_is_of_the_version_that_its_hit_is_of(given: object, kept: dict[str, str]) -> None:
    """A hit that is told again gives the same fact in another version."""
    (fact,) = enriched(mail=MAIL, extra={"version_at": given}).facts
    assert {name: value for name, value in fact.items() if name == "version_at"} == kept
    assert read_fact(fact)


CLAIM = {"provider": "calendly", "provider_id": "https://api.calendly.com/scheduled_events/E/invitees/I"}


def form(props: dict[str, Any]) -> dict[str, Any]:
    """Give the lead of a submitted form."""
    (fact,) = enriched(type="event", name="form_submit", props=props).facts
    return fact


def test_what_a_frame_told_has_the_key_of_its_providers_delivery() -> None:
    """The page's word is the oldest version of the lead: it fills, and corrects nothing."""
    fact = form({**CLAIM, "email": "ann@acme.com", "form_id": "f1"})
    assert read_fact(fact).version_ms == EARLIEST_MS
    told = {name: fact.get(name) for name in ("kind", *CLAIM, "visitor_id", "email", "fields")}
    contact = {"visitor_id": "v1", "email": "ann@acme.com", "fields": {"form_id": "f1"}}
    assert told == {"kind": "booking", **CLAIM, **contact}


@pytest.mark.parametrize(
    "props",
    [
        pytest.param({"provider": "gravityforms", "provider_id": "1234"}, id="ids that can be counted up"),
        pytest.param({"provider": "hubspot", "provider_id": "1234"}, id="a CRM"),
        pytest.param({"provider": "typeform"}, id="no id"),
        pytest.param({"provider": "typeform", "provider_id": {"id": "abcd"}}, id="an id that is no text"),
        pytest.param({"provider": "typeform", "provider_id": "a b c d"}, id="an id with blanks"),
        pytest.param({"provider": "typeform", "provider_id": "x" * 301}, id="an endless id"),
        pytest.param({"provider": ["typeform"], "provider_id": "abcd"}, id="a provider that is no text"),
    ],
)
def test_a_page_can_claim_no_other_lead(props: dict[str, Any]) -> None:
    """What is not a frame's unguessable id makes a lead of the page's own."""
    fact = form({**props, "email": "ann@acme.com"})
    assert (fact["kind"], fact["provider"], fact["provider_id"]) == ("form", "tracker", "e")

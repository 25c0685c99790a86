"""Leads that bring ids and click ids: whose they are, in any order of arrival, and in every rebuild."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.laws import orders
from tests.tables import holds
from tests.telling import (
    CHROME,
    GOOGLE,
    Fact,
    Workspace,
    at,
    call,
    consent,
    contact,
    hit,
    identify,
    lead,
    lease,
)
from tracker import config
from tracker.store.db import open_store
from tracker.store.sites import match_pages

DAY = 24 * 60
ANN, BOB = "ann@acme.com", "bob@beta.io"
AD = "https://shop.test/?gclid=G1"
POOLED = "+442071830001"

Story = tuple[tuple[Fact, ...], str]


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give an empty workspace of two sites."""
    return Workspace(settings, client)


def told_in_any_order(
    client: redis.Redis, folder: Path, facts: tuple[Fact, ...], expected: str, *, by_pages: bool = False
) -> None:
    """Tell facts one by one in many orders; the views must be right after each, and the same at the end."""
    for number, order in enumerate(orders(facts, 6)):
        own = Workspace(config.load({}, data=folder / str(number)), client)
        if by_pages:
            say_match_pages(own)
        for each in order:
            own.tell(each)
            assert own.verify() == [], order
        holds(sorted(own.export("leads"), key=lambda row: row["provider_id"]), expected)


IDS: dict[str, Story] = {
    "a chat's contact turns out to have an address": (
        (hit("e1", 0), identify(1, email=ANN), contact("c1", 9, provider="chat", emails=[ANN]),
         lead("L1", 5, kind="chat", provider="chat", crm_id="chat:c1", chat_id="chat:x1")),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           M5          0.9               v1
        """,
    ),
    "a chat goes on where it was begun with a cookie": (
        (hit("e1", 0), lead("L1", 1, kind="chat", visitor_id="v1", chat_id="chat:x1"),
         lead("L2", 90, kind="chat", chat_id="chat:x1")),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           M1          1.0               v1
        L2           M5          0.8               v1
        """,
    ),
    "a contact's id without its system is of the lead's provider": (
        (hit("e1", 0), contact("c1", 1, emails=[ANN]), identify(1, email=ANN),
         lead("L1", 5, provider="hub", crm_id="c1")),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           M5          0.9               v1
        """,
    ),
    "a user's id": (
        (hit("e1", 0), identify(1, user_id="u7"), lead("L1", 5, user_id="u7")),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           M5          0.9               v1
        """,
    ),
    "an id that is a placeholder names nobody": (
        (hit("e1", 0), identify(1, user_id="u7"), lead("L1", 5, user_id="undefined", crm_id="hub:null")),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           unmatched   0.0               -
        """,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "expected"), IDS.values(), ids=IDS)
def test_an_id_that_came_with_a_lead_names_its_person(
    client: redis.Redis, tmp_path: Path, facts: tuple[Fact, ...], expected: str
) -> None:
    """M5 by a contact's, a user's or a chat's id, whenever it becomes known whose that is."""
    told_in_any_order(client, tmp_path, facts, expected)


def test_a_lead_of_a_contact_with_another_address_joins_nobody(workspace: Workspace) -> None:
    """Two addresses never meet by a contact that a provider picked for a form: R2, not R1."""
    workspace.tell(
        hit("e1", 0), identify(1, email=ANN), contact("c1", 2, emails=[ANN]),
        lead("L1", 5, email=BOB, crm_id="hub:c1"),
    )  # fmt: skip
    (row,) = workspace.export("leads")
    assert (row["match_rule"], row["visitor_id"]) == ("unmatched", None)
    assert sorted(each["emails"] for each in workspace.export("persons") if each["emails"]) == [[ANN], [BOB]]
    assert workspace.verify() == []


CLICKS: dict[str, Story] = {
    "as a parameter": (
        (hit("e1", 0, url=AD), hit("e2", 3), lead("L1", 5, gclid="G1")),
        """
        provider_id  match_rule  match_confidence  visitor_id  source  click_id
        L1           M6          0.85              v1          google  G1
        """,
    ),
    "in the landing page": (
        (hit("e1", 0, url=AD), lead("L1", 5, landing_page=AD)),
        """
        provider_id  match_rule  match_confidence  visitor_id  source
        L1           M6          0.85              v1          google
        """,
    ),
    "in the page of the form, without a scheme": (
        (hit("e1", 0, url=AD), lead("L1", 5, page_url="shop.test/?GCLID=G1")),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           M6          0.85              v1
        """,
    ),
    "that names no one click but which one visitor has": (
        (hit("e1", 0, url="https://shop.test/?gbraid=B1"), lead("L1", 5, gbraid="B1")),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           M6          0.85              v1
        """,
    ),
    "of a campaign, which many have": (
        (hit("e1", 0, url="https://shop.test/?gad_campaignid=7"), lead("L1", 5, gad_campaignid="7")),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           unmatched   0.0               -
        """,
    ),
    "of a click that came within 72 hours after the lead": (
        (hit("e1", 5 + 72 * 60, url=AD), lead("L1", 5, gclid="G1")),
        """
        provider_id  match_rule  match_confidence  visitor_id  session_id  source  rule
        L1           M6          0.85              v1          -           google  provider:gclid:paid_search
        """,
    ),
    "of a click that came later than that": (
        (hit("e1", 6 + 72 * 60, url=AD), lead("L1", 5, gclid="G1")),
        """
        provider_id  match_rule  match_confidence  visitor_id  source  rule
        L1           unmatched   0.0               -           google  provider:gclid:paid_search
        """,
    ),
    "that two visitors arrived with": (
        (hit("e1", 0, url=AD), hit("e2", 1, url=AD, visitor_id="v2"), lead("L1", 5, gclid="G1")),
        """
        provider_id  match_rule  match_confidence  visitor_id  source  rule
        L1           ambiguous   0.0               -           google  provider:gclid:paid_search
        """,
    ),
    "that another visitor arrived with a week later": (
        (hit("e1", 0, url=AD), hit("e2", 7 * DAY, url=AD, visitor_id="v2"), lead("L1", 5, gclid="G1")),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           M6          0.85              v1
        """,
    ),
    "that a bot arrived with": (
        (hit("e1", 0, url=AD, user_agent="Googlebot/2.1"), lead("L1", 5, gclid="G1")),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           unmatched   0.0               -
        """,
    ),
    "of someone who had refused": (
        (hit("e1", 0, url=AD), consent("denied", 2), lead("L1", 5, gclid="G1")),
        """
        provider_id  match_rule  match_confidence  visitor_id  source
        L1           unmatched   0.0               -           -
        """,
    ),
    "of an address whose browser is known by itself": (
        (hit("e1", 0, url=AD), hit("e2", 1, visitor_id="v2"), identify(2, visitor_id="v2", email=ANN),
         lead("L1", 5, gclid="G1", email=ANN)),
        """
        provider_id  match_rule  match_confidence  visitor_id
        L1           M5          0.9               v2
        """,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "expected"), CLICKS.values(), ids=CLICKS)
def test_a_click_id_that_came_with_a_lead_tells_its_visitor(
    client: redis.Redis, tmp_path: Path, facts: tuple[Fact, ...], expected: str
) -> None:
    """M6: exactly one visitor arrived with it, at most 72 hours after the lead."""
    told_in_any_order(client, tmp_path, facts, expected)


def test_a_visitor_known_by_a_click_id_has_a_journey(workspace: Workspace) -> None:
    """All that the visitor did before is the lead's journey, though nothing says who they are."""
    workspace.tell(
        hit("e0", -3 * DAY, referrer="https://www.google.com/"),
        hit("e1", 0, url=AD),
        lead("L1", 5, gclid="G1"),
    )
    (journey,) = workspace.export("journeys")
    assert (journey["touch_count"], journey["path"]) == (2, ["Organic Search", "Paid Search"])
    assert workspace.verify() == []
    workspace.tell(hit("e1", 0, url="https://shop.test/", version_at=at(1)), hit("e2", 1, version_at=at(9)))
    assert workspace.verify() == []


def test_a_lead_that_is_no_more_leaves_its_visitor_alone(workspace: Workspace) -> None:
    """Once it turns out to be a test, nothing is left of what it said."""
    workspace.tell(hit("e1", 0, url=AD))
    before = workspace.everything()
    workspace.tell(lead("L1", 5, gclid="G1", chat_id="chat:x1", crm_id="hub:c1"))
    workspace.tell(lead("L1", 5, gclid="G1", is_test=True, version_at=at(9)))
    assert workspace.verify() == []
    assert {**workspace.everything(), "decisions": []} == {**before, "decisions": []}


def near(minutes: float, length: float, visitor_id: str) -> Fact:
    """Show the pool's number to a visitor so many minutes before the call, for so long."""
    return lease(POOLED, 600 - minutes, 600 - minutes + length, visitor_id=visitor_id)


def test_a_call_tells_who_else_saw_the_number_and_why_it_was_not_them(workspace: Workspace) -> None:
    """Leases that ended too long before, or began later, are ruled out with the time between."""
    workspace.tell(
        *(hit(f"e of {each}", 500, visitor_id=each) for each in ("v1", "v2", "v3")),
        hit("e of b1", 500, visitor_id="b1", user_agent="Googlebot/2.1"),
        near(60, 19, "v1"), near(3, 3, "v2"), near(-7, 3, "v3"), near(4, 4, "b1"), near(60 * 5, 3, "v4"),
        call("C1", 600, phone="Anonymous", tracking_number=POOLED),
    )  # fmt: skip
    (row,) = workspace.export("leads")
    assert (row["match_rule"], row["visitor_id"], row["person_id"] is None) == ("M2", "v2", False)
    evidence = row["match_evidence"]
    assert [(each["visitor_id"], each["verdict"]) for each in evidence["candidates"]] == [("v2", "chosen")]
    assert {each["visitor_id"]: each["why"] for each in evidence["ruled_out"]} == {
        "v1": "had the number on the page until 41 minutes before the call, too long before",
        "v3": "had the number on the page only from 7 minutes after the call began",
    }
    assert evidence["notes"] == ["the number names nobody: it is withheld, or no one's own"]
    assert workspace.verify() == []


PRICING = "https://shop.test/pricing"


def chat(minute: float = 10, **fields: Any) -> Fact:
    """Write a chat that began on the page with the prices."""
    return lead("L1", minute, kind="chat", page_url=f"{PRICING}/?utm_source=x#top", **fields)


PAGES: dict[str, Story] = {
    "one visitor was there": (
        (hit("e1", 0), hit("e2", 9, url=PRICING), hit("e3", 9, visitor_id="v2"), chat(chat_id="chat:x1")),
        """
        match_rule  match_confidence  visitor_id
        M8          0.5               v1
        """,
    ),
    "two visitors were there": (
        (hit("e2", 9, url=PRICING), hit("e3", 12, url=PRICING, visitor_id="v2"), chat()),
        """
        match_rule  match_confidence  visitor_id
        ambiguous   0.0               -
        """,
    ),
    "the visitor had left the page": (
        (hit("e2", 7.9, url=PRICING), chat()),
        """
        match_rule  match_confidence  visitor_id
        unmatched   0.0               -
        """,
    ),
    "a bot was there too": (
        (hit("e2", 9, url=PRICING), hit("e3", 9, url=PRICING, visitor_id="v2", user_agent="Googlebot/2.1"),
         chat()),
        """
        match_rule  match_confidence  visitor_id
        M8          0.5               v1
        """,
    ),
    "another had refused": (
        (hit("e2", 9, url=PRICING), hit("e3", 9, url=PRICING, visitor_id="v2"),
         consent("denied", 1, "v2"), chat()),
        """
        match_rule  match_confidence  visitor_id
        M8          0.5               v1
        """,
    ),
    "somebody left an address": (
        (hit("e2", 9, url=PRICING), chat(email=ANN)),
        """
        match_rule  match_confidence  visitor_id
        unmatched   0.0               -
        """,
    ),
    "it is no chat": (
        (hit("e2", 9, url=PRICING), lead("L1", 10, page_url=PRICING)),
        """
        match_rule  match_confidence  visitor_id
        unmatched   0.0               -
        """,
    ),
}  # fmt: skip


def say_match_pages(workspace: Workspace, *, is_on: bool = True) -> None:
    """Turn matching by pages on or off."""
    with closing(open_store(workspace.settings.data, write=True)) as db:
        match_pages(db, "shop", is_on=is_on)


@pytest.mark.parametrize(("facts", "expected"), PAGES.values(), ids=PAGES)
def test_a_nameless_chat_is_whose_who_alone_was_on_its_page(
    client: redis.Redis, tmp_path: Path, facts: tuple[Fact, ...], expected: str
) -> None:
    """M8, where the site says so: within two minutes, with consent, and never guessed."""
    told_in_any_order(client, tmp_path, facts, expected, by_pages=True)


def test_matching_by_pages_is_off_until_the_site_says_so(workspace: Workspace) -> None:
    """Turned on it counts for the past as well, and turned off for none of it."""
    workspace.tell(hit("e2", 9, url=PRICING), chat())
    for is_on, rule in ((None, "unmatched"), (True, "M8"), (False, "unmatched")):
        if is_on is not None:
            say_match_pages(workspace, is_on=is_on)
            workspace.tell(hit(f"e of {is_on}", 500))
        assert [row["match_rule"] for row in workspace.export("leads")] == [rule]
        assert workspace.verify() == []


WITHHELD = (
    "anonymous", "Restricted", "+266696687", "unavailable", "private", "Unknown", "+7378742833", "0000000000",
    "+10000000000", "",
)  # fmt: skip


@pytest.mark.parametrize("phone", WITHHELD)
def test_a_withheld_number_is_nobodys(workspace: Workspace, phone: str) -> None:
    """Two callers without a number are not one, and neither is matched by it."""
    workspace.tell(
        hit("e1", 0),
        identify(1, email=ANN, phone=phone),
        call("C1", 5, phone=phone),
        call("C2", 9, phone=phone),
    )
    assert [row["match_rule"] for row in workspace.export("leads")] == ["unmatched", "unmatched"]
    assert [row["person_id"] for row in workspace.export("leads")] == [None, None]


def test_a_bots_cookie_matches_nothing(workspace: Workspace) -> None:
    """A lead that a robot's browser sent is kept, and is no visitor's until that browser turns out human."""
    workspace.tell(hit("e1", 0, user_agent="Googlebot/2.1"), lead("L1", 1, visitor_id="v1"))
    (row,) = workspace.export("leads")
    assert (row["match_rule"], row["visitor_id"]) == ("unmatched", None)
    assert "done by a bot" in row["match_evidence"]["notes"][0]
    assert workspace.verify() == []
    workspace.tell(hit("e2", 1, user_agent=CHROME))
    assert [row["match_rule"] for row in workspace.export("leads")] == ["M1"]
    assert workspace.verify() == []


SAID: dict[str, tuple[dict[str, Any], tuple[str, str, str, str]]] = {
    "parameters": (
        {"utm_source": "news", "utm_medium": "email"}, ("news", "email", "Email", "provider:campaign:email"),
    ),
    "words of its own": (
        {"source_name": "Google", "medium": "cpc", "campaign": "spring"},
        ("google", "cpc", "Paid Search", "provider:campaign:paid_search"),
    ),
    "the landing page": (
        {"landing_page": "https://shop.test/?utm_source=bing&utm_medium=cpc"},
        ("bing", "cpc", "Paid Search", "provider:campaign:paid_search"),
    ),
    "the referrer": (
        {"referrer": GOOGLE},
        ("google", "organic", "Organic Search", "provider:referrer:organic_search"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("said", "source"), SAID.values(), ids=SAID)
def test_what_the_provider_says_of_the_source_counts_where_nothing_matches(
    workspace: Workspace, said: dict[str, Any], source: tuple[str, str, str, str]
) -> None:
    """It is marked as the provider's in the rule; a visitor's own session goes before it."""
    workspace.tell(lead("L1", 5, **said), hit("e1", 0), lead("L2", 5, visitor_id="v1", **said))
    unmatched, matched = sorted(workspace.export("leads"), key=lambda row: row["provider_id"])
    assert tuple(unmatched[name] for name in ("source", "medium", "channel", "rule")) == source
    assert matched["channel"] == "Direct"

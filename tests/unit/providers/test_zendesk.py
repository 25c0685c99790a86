"""Zendesk: tickets of customers, messages, users, bodies that an admin wrote, the two secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, form
from tests.unit.providers.leads import is_lead, lead_in_any_order, picked
from tests.unit.providers.proofs import SECRET, demand_proof
from tests.unit.providers.recorded import recorded
from tracker.providers import load_adapter
from tracker.providers.signing import base64_mac

SENT_AT = "2026-03-01T10:00:30Z"  # when deliveries of tests are received


def test_a_ticket_that_a_customer_opened_is_one_lead_in_any_order() -> None:
    """Its events hold ids: who it was is told by events of users, under the same id."""
    lead = lead_in_any_order("zendesk", "ticket_created", "ticket_status_changed")
    told = {
        "provider_id": "5158", "at": "2026-03-01T10:00:00.000Z", "crm_id": "zendesk:8447388090494",
        "visitor_id": "signed.token.of.tomas",
        "fields": {"subject": "Walnut desk", "message": "Do you sell this desk in walnut?",
                   "state": "SOLVED"},
    }  # fmt: skip
    assert picked(lead, told) == told


LEADS = {
    "opened by its requester": ("ticket_created", True),
    "a message of the end user": ("messaging_message_added", True),
    "an admin's trigger": ("trigger", True),
    "opened by an agent": ("ticket_created_by_agent", False),
    "a message of the bot": ("messaging_bot_message", False),
    "another event of a ticket": ("ticket_status_changed", False),
    "a user": ("user_created", False),
}


@pytest.mark.parametrize(("event", "told"), LEADS.values(), ids=LEADS)
def test_only_what_a_customer_began_makes_a_lead(event: str, told: bool) -> None:
    """Agents, bots and triggers do not."""
    assert is_lead("zendesk", event) is told


WRITTEN: dict[str, tuple[str, dict[str, Any]]] = {
    "flat": ("trigger", {"provider_id": "5171", "email": "jo@brightwell.org", "phone": "+441134960999",
                         "at": "2026-03-01T10:00:00.000Z", "fields": {"subject": "Broken leg"}}),
    "nested": ("trigger_nested", {"provider_id": "5172", "name": "Jo Brightwell", "company": "Brightwell",
                                  "crm_id": "zendesk:9911", "fields": {"message": "It broke."}}),
}  # fmt: skip


@pytest.mark.parametrize(("event", "told"), WRITTEN.values(), ids=WRITTEN)
def test_what_an_admin_wrote_is_read_by_its_names(event: str, told: dict[str, Any]) -> None:
    """As JSON, flat or nested."""
    (fact,) = facts_of("zendesk", recorded(f"zendesk_{event}"))
    assert picked(fact, told) == told


def test_a_trigger_may_post_a_form_with_a_link_alone() -> None:
    """The link's number is the ticket's."""
    (fact,) = facts_of(
        "zendesk", form({"link": "https://a.zendesk.com/agent/tickets/77", "email": "a@b.example"})
    )
    assert (fact["provider_id"], fact["email"]) == ("77", "a@b.example")


USERS: dict[str, tuple[str, dict[str, Any]]] = {
    "made": ("user_created", {"emails": ["tomas.lind@nordbord.se"], "user_id": "cust-4410"}),
    "has another address": (
        "user_identity_created",
        {"emails": ["tomas.lind@nordbord.se", "tomas@lind.example"]},
    ),
    "was merged": ("user_merged", {"provider_id": "8447388090000", "merged_into": "8447388090494"}),
}


@pytest.mark.parametrize(("event", "told"), USERS.values(), ids=USERS)
def test_an_end_user_is_a_contact(event: str, told: dict[str, Any]) -> None:
    """Of agents nothing is told."""
    (fact,) = facts_of("zendesk", recorded(f"zendesk_{event}"))
    assert fact["fact"] == "contact"
    assert picked(fact, told) == told


def sign(body: bytes, secret: str, _: int) -> dict[str, str]:
    """Sign as Zendesk does."""
    return {"x-zendesk-webhook-signature": base64_mac(secret, SENT_AT.encode() + body),
            "x-zendesk-webhook-signature-timestamp": SENT_AT}  # fmt: skip


def test_only_a_fresh_signature_is_heard() -> None:
    """The time as it was written and the raw body are signed together."""
    demand_proof("zendesk", recorded("zendesk_ticket_created"), sign, is_dated=True)


def test_a_test_with_the_secret_that_everybody_knows_is_answered_and_not_kept() -> None:
    """It proves nobody, so that it can make no lead."""
    adapter = load_adapter("zendesk")
    assert adapter.greet is not None
    given = delivery({"hello": "test"})
    known = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
    greeted = adapter.greet(replace(given, headers=sign(given.body, known, 0)), (SECRET,))
    assert greeted is not None and greeted.status == 200
    assert adapter.greet(replace(given, headers=sign(given.body, SECRET, 0)), (SECRET,)) is None
    assert adapter.greet(given, (SECRET,)) is None

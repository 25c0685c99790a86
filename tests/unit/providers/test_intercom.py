"""Intercom: which conversations are leads, in both shapes of the API, and what its contacts tell."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.proofs import demand_proof
from tests.unit.providers.recorded import recorded
from tracker.providers import load_adapter
from tracker.providers.signing import hex_mac

TOMAS = {
    "kind": "chat", "provider_id": "215470009912345", "at": "2026-03-01T10:00:00.000Z",
    "email": "tomas.lind@nordbord.se", "name": "Tomas Lind", "user_id": "cust-4410",
    "crm_id": "intercom:69a41aa0b1c2d3e4f5a6b7c8", "visitor_id": "signed.token.of.tomas",
    "page_url": "https://shop.example/desks/oak",
}  # fmt: skip
LEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "begun by a customer": ("conversation_user_created", TOMAS),
    "told again when it is closed": ("conversation_admin_closed", TOMAS),
    "begun by a stranger, before API 2.0": (
        "conversation_user_created_old",
        {
            "provider_id": "30711200931", "name": None, "email": None, "user_id": None,
            "crm_id": "intercom:69a40f10c1d2e3f4a5b6c7d8",
            "chat_id": "intercom:0f5be3a2-6d0e-4a55-9d0c-6c1f3f2b7a10",
            "page_url": "https://shop.example/chairs?utm_source=news",
        },
    ),
}  # fmt: skip
CONTACTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a stranger left an address": (
        "contact_lead_added_email",
        {"provider_id": "69a40f10c1d2e3f4a5b6c7d8", "emails": ["maya@okaforstudio.net"],
         "phones": ["+44 113 496 0123"], "name": "Maya Okafor", "user_id": None},
    ),
    "two became one": ("contact_merged", {"provider_id": "69a41bb0b1c2d3e4f5a6b7c9", "user_id": "cust-77"}),
    "a user, before API 2.0": (
        "user_created_old",
        {"user_id": "25", "phones": ["0113 496 0999"], "account": {"name": "Brightwell", "crm_id": "366"}},
    ),
}  # fmt: skip
NOTHING = {
    "a ping": "ping",
    "a campaign that was read": "campaign_read",
    "a talk that a bot began": "bot_closed",
    "a conversation that was deleted": "conversation_deleted",
    "a stranger of whom nothing is known but a made-up name": "contact_lead_created",
}


@pytest.mark.parametrize(("event", "told"), LEADS.values(), ids=LEADS)
def test_a_conversation_that_a_customer_began_is_a_lead(event: str, told: dict[str, Any]) -> None:
    """Its begin, page and person; a name that Intercom made up is none, nor is its number a user's."""
    fact = next(each for each in facts_of("intercom", recorded(f"intercom_{event}")))
    assert {name: fact.get(name) for name in told} == told


@pytest.mark.parametrize(("event", "told"), CONTACTS.values(), ids=CONTACTS)
def test_what_is_told_of_contacts_is_who_they_are(event: str, told: dict[str, Any]) -> None:
    """Identity makes no lead: it names the contact that leads refer to."""
    (fact,) = facts_of("intercom", recorded(f"intercom_{event}"))
    assert fact["fact"] == "contact"
    assert {name: fact.get(name) for name in told} == told


@pytest.mark.parametrize("event", NOTHING.values(), ids=NOTHING)
def test_what_no_customer_began_gives_nothing(event: str) -> None:
    """A test, what the team or a bot sends, and what tells of nobody."""
    assert facts_of("intercom", recorded(f"intercom_{event}")) == []


def test_a_reply_of_the_team_is_an_activity_with_that_person() -> None:
    """It says when the first response came; a talk that the team begins is one too, and no lead."""
    _, reply = facts_of("intercom", recorded("intercom_conversation_admin_replied_old"))
    (opening,) = facts_of("intercom", recorded("intercom_conversation_admin_single_created_old"))
    assert (reply["fact"], reply["at"], reply["owner"]) == (
        "activity",
        "2026-03-01T10:02:00.000Z",
        "Ines Roca",
    )
    assert reply["email"] == opening["email"] == "maya@okaforstudio.net"
    assert opening["fact"] == "activity"


def test_events_of_a_conversation_are_one_lead_in_any_order() -> None:
    """A later event fills what was not known before, and takes nothing away."""
    events = [recorded(f"intercom_conversation_{each}") for each in
              ("user_created_old", "admin_replied_old", "user_created_old")]  # fmt: skip
    leads = [merged_lead("intercom", *order) for order in permutations(events)]
    assert all(lead == leads[0] for lead in leads)
    assert (leads[0]["email"], leads[0]["fields"]["message"]) == (
        "maya@okaforstudio.net", "Do you deliver to Leeds?",
    )  # fmt: skip


MAYA = {"id": "c1", "email": "maya@okaforstudio.net", "type": "user"}
ASKED = {"part_type": "attribute_collected", "author": {"id": "7", "type": "bot"}}
WROTE = {"part_type": "comment", "author": MAYA}
TAKEN = {"part_type": "ticket_state_updated_by_admin", "author": {"id": "8", "type": "admin"}}
TICKETS: dict[str, tuple[list[dict[str, Any]], bool, str | None]] = {
    "submitted by the customer": ([WROTE], True, "maya@okaforstudio.net"),
    "answered to a bot": ([ASKED, TAKEN], True, None),
    "made by the team": ([TAKEN], False, None),
    "made by the team, in which the customer wrote": ([TAKEN, WROTE], False, "maya@okaforstudio.net"),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "is_begun", "email"), TICKETS.values(), ids=TICKETS)
@pytest.mark.parametrize("is_wrapped", [False, True], ids=["itself", "with its part"])
def test_a_ticket_is_its_conversation_told_again(
    parts: list[dict[str, Any]], is_begun: bool, email: str | None, is_wrapped: bool
) -> None:
    """Under the same id, so that both are one lead; it begins one where the customer asked for it."""
    ticket = {
        "type": "ticket", "id": "215470000000001", "created_at": 1772359200,
        "ticket_attributes": {"_default_title_": "Broken leg", "_default_description_": "It snapped"},
        "contacts": {"contacts": [{"type": "contact", "id": "c1", "external_id": "5e68ece4"}]},
        "ticket_parts": {"ticket_parts": parts},
    }  # fmt: skip
    item = (
        {"type": "ticket_ticket_part", "ticket": ticket, "ticket_part": parts[-1]} if is_wrapped else ticket
    )
    (fact,) = facts_of("intercom", delivery({"topic": "ticket.created", "data": {"item": item}}))
    told = (fact["provider_id"], not fact.get("is_addition"), fact.get("email"), fact["fields"]["subject"])
    assert told == ("215470000000001", is_begun, email, "Broken leg")


def test_of_several_contacts_the_one_who_wrote_is_the_lead() -> None:
    """Others take part in a conversation as well, in any order."""
    item = {
        "type": "conversation", "id": "1", "created_at": 1772359200,
        "source": {"delivered_as": "customer_initiated", "author": {"type": "lead", "id": "c2", "email": ""}},
        "contacts": {"contacts": [{"id": "c1", "external_id": "a"}, {"id": "c2", "external_id": "b"}]},
    }  # fmt: skip
    (fact,) = facts_of("intercom", delivery({"topic": "conversation.user.created", "data": {"item": item}}))
    assert (fact["crm_id"], fact["chat_id"]) == ("intercom:c2", "intercom:b")


def test_only_who_knows_the_client_secret_is_heard() -> None:
    """Both headers sign the raw bytes; another algorithm under the name of the first is refused."""
    given = recorded("intercom_conversation_user_created")
    demand_proof("intercom", given, lambda body, secret, _: {
        "x-hub-signature": f"sha1={hex_mac(secret, body, 'sha1')}"})  # fmt: skip
    demand_proof("intercom", given, lambda body, secret, _: {"x-body-signature": hex_mac(secret, body)})


def test_the_look_at_a_new_address_is_answered() -> None:
    """Intercom asks for the address once when it is entered."""
    greet = load_adapter("intercom").greet
    assert greet is not None
    assert greet(delivery("", method="HEAD"), ()) is not None
    assert greet(recorded("intercom_ping"), ()) is None

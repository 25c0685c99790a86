"""Chatwoot: conversations that a contact began or wrote in, contacts, replies, the newer signature."""

from __future__ import annotations

import pytest

from tests.unit.providers.deliveries import facts_of
from tests.unit.providers.leads import is_lead, lead_in_any_order, picked
from tests.unit.providers.proofs import demand_proof
from tests.unit.providers.recorded import changed, recorded
from tracker.providers.signing import hex_mac


def test_all_events_of_a_conversation_are_one_lead_in_any_order() -> None:
    """Begun with the first message; who it was is known later, and what was said first stays."""
    lead = lead_in_any_order(
        "chatwoot", "conversation_created", "message_created", "message_created_again",
        "message_created_by_agent", "conversation_status_changed",
    )  # fmt: skip
    told = {
        "kind": "chat", "provider_id": "567", "at": "2026-03-01T10:00:00.000Z", "name": "Maya Okafor",
        "email": "maya@okaforstudio.net", "phone": "+441134960123", "user_id": "cust-12",
        "crm_id": "chatwoot:88", "chat_id": "chatwoot:7d0c3f9e-55aa-4a1b-8f11-000000000042",
        "visitor_id": "signed.token.of.maya", "page_url": "https://shop.example/chairs",
        "fields": {"message": "Do you deliver?", "state": "resolved", "city": "Leeds"},
    }  # fmt: skip
    assert picked(lead, told) == told


def test_the_first_message_stays_whichever_came() -> None:
    """Messages alone make the lead as well."""
    lead = lead_in_any_order("chatwoot", "message_created_again", "message_created")
    assert (lead["fields"]["message"], lead["name"]) == ("Do you deliver?", "Maya Okafor")


LEADS = {
    "begun by a contact": ("conversation_created", True),
    "a contact wrote": ("message_created", True),
    "begun by the team": ("conversation_created_by_team", False),
    "the team wrote": ("message_created_by_agent", False),
    "the state changed": ("conversation_status_changed", False),
    "the widget was opened": ("webwidget_triggered", False),
}


@pytest.mark.parametrize(("event", "told"), LEADS.values(), ids=LEADS)
def test_only_what_a_contact_began_or_wrote_makes_a_lead(event: str, told: bool) -> None:
    """All else adds to one, or is nothing."""
    assert is_lead("chatwoot", event) is told


def test_a_private_note_is_nothing() -> None:
    """What the team writes to itself."""
    assert facts_of("chatwoot", changed("chatwoot_message_created_by_agent", private=True)) == []


def test_a_reply_of_the_team_is_an_activity() -> None:
    """It says when the first response came; a bot's is none."""
    _, reply = facts_of("chatwoot", recorded("chatwoot_message_created_by_agent"))
    told = {"fact": "activity", "provider_id": "567:9003", "at": "2026-03-01T10:05:00.000Z",
            "email": "maya@okaforstudio.net", "owner": "Ines Roca"}  # fmt: skip
    assert picked(reply, told) == told
    bot = changed("chatwoot_message_created_by_agent", sender={"id": 1, "name": "Bot", "type": "agent_bot"})
    assert [fact["fact"] for fact in facts_of("chatwoot", bot)] == ["lead"]


def test_a_contact_that_changed_is_a_contact() -> None:
    """Identity is no lead."""
    (fact,) = facts_of("chatwoot", recorded("chatwoot_contact_updated"))
    told = {"fact": "contact", "provider_id": "88", "emails": ["maya@okaforstudio.net"],
            "phones": ["+441134960123"], "user_id": "cust-12",
            "account": {"name": "Okafor Studio"}}  # fmt: skip
    assert picked(fact, told) == told


def test_only_a_fresh_signature_is_heard() -> None:
    """Time and raw body are signed together."""

    def sign(body: bytes, secret: str, sent_ms: int) -> dict[str, str]:
        sent = sent_ms // 1_000
        mac = hex_mac(secret, b"%d.%b" % (sent, body))
        return {"x-chatwoot-signature": f"sha256={mac}", "x-chatwoot-timestamp": str(sent)}

    demand_proof("chatwoot", recorded("chatwoot_message_created"), sign, is_dated=True)

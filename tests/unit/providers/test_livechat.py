"""LiveChat: chats of customers over their events, the form before the chat, the key in the body."""

from __future__ import annotations

import json

import pytest

from tests.unit.providers.leads import is_lead, lead_in_any_order, picked
from tests.unit.providers.recorded import changed, recorded
from tracker.providers import load_adapter
from tracker.providers.adapter import Unproved


def test_all_events_of_a_chat_are_one_lead_in_any_order() -> None:
    """Who, where from, what the form asked, and what was said first."""
    lead = lead_in_any_order("livechat", "incoming_chat", "incoming_event", "chat_deactivated")
    told = {
        "provider_id": "QTQ9MRSHTA", "at": "2026-03-01T10:00:00.000Z", "name": "Maya Okafor",
        "email": "maya@okaforstudio.net", "phone": "+44 113 496 0123", "visitor_id": "signed.token.of.maya",
        "chat_id": "livechat:b7eff798-f8df-4364-8059-649c35c9ed0c",
        "page_url": "https://shop.example/chairs", "landing_page": "https://shop.example/",
        "referrer": "https://www.google.com/",
        "fields": {"message": "Do you make these in oak?", "Room": "Dining", "city": "Leeds",
                   "state": "closed"},
    }  # fmt: skip
    assert picked(lead, told) == told


LEADS = {
    "begun by the customer": ("incoming_chat", True),
    "the customer wrote": ("incoming_event", True),
    "webhooks of version 2": ("v2_chat_ended", True),
    "begun by an agent": ("incoming_chat_by_agent", False),
    "the agent wrote": ("incoming_event_of_agent", False),
    "closed": ("chat_deactivated", False),
}


@pytest.mark.parametrize(("event", "told"), LEADS.values(), ids=LEADS)
def test_only_what_a_customer_began_or_wrote_makes_a_lead(event: str, told: bool) -> None:
    """All else adds to one, or is nothing."""
    assert is_lead("livechat", event) is told


def test_webhooks_of_version_2_carry_the_transcript() -> None:
    """Chat, visitor and survey stand beside each other."""
    lead = lead_in_any_order("livechat", "v2_chat_ended")
    told = {"at": "2026-03-01T10:00:00.000Z", "email": "maya@okaforstudio.net", "phone": "+441134960123",
            "transcript": "visitor: Do you make these in oak?\nagent: We do."}  # fmt: skip
    assert picked(lead, told) == told


@pytest.mark.parametrize("key", [None, "", "another", 7])
def test_another_key_or_none_is_refused(key: object) -> None:
    """The key in the body is the only proof."""
    verify = load_adapter("livechat").verify
    assert verify is not None
    verify(recorded("livechat_incoming_chat"), "our-own-key")
    verify(recorded("livechat_v2_chat_ended"), "our-own-key")
    with pytest.raises(Unproved):
        verify(changed("livechat_incoming_chat", secret_key=key), "our-own-key")


def test_the_key_is_not_kept() -> None:
    """What proves the sender is not stored with what it sent."""
    hush = load_adapter("livechat").hush
    assert hush is not None
    for name in ("livechat_incoming_chat", "livechat_v2_chat_ended"):
        kept = hush(recorded(name))
        assert b"our-own-key" not in kept
        assert json.loads(kept).keys() & {"payload", "chat"}

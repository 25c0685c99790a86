"""Olark: transcripts in which the visitor wrote, offline messages."""

from __future__ import annotations

import pytest

from tests.unit.providers.deliveries import delivery
from tests.unit.providers.leads import is_lead, lead_in_any_order, picked
from tracker.errors import BadRequest
from tracker.providers import load_adapter


def test_a_transcript_is_a_lead() -> None:
    """Who, where, what was said."""
    lead = lead_in_any_order("olark", "transcript")
    told = {
        "provider_id": "EV695BI2930A6XMO32886MPT899443414", "at": "2026-03-01T09:59:55.300Z",
        "name": "Maya Okafor", "email": "maya@okaforstudio.net", "phone": "(113) 496-0123",
        "company": "Okafor Studio", "visitor_id": "signed.token.of.maya",
        "page_url": "https://shop.example/chairs", "referrer": "https://www.google.com/",
        "transcript": "operator: Hi, how can I help?\nvisitor: Do you make these in oak?\noperator: We do.",
        "fields": {"message": "Do you make these in oak?", "plan": "pro", "city": "Leeds"},
    }  # fmt: skip
    assert picked(lead, told) == told


def test_an_offline_message_may_hold_the_address_in_its_text() -> None:
    """And a place with a number is no name."""
    lead = lead_in_any_order("olark", "offline")
    assert (lead["email"], lead.get("name")) == ("jo@brightwell.org", None)


def test_a_chat_in_which_the_visitor_said_nothing_is_no_lead() -> None:
    """A greeting alone."""
    assert not is_lead("olark", "nobody_wrote")


def test_a_field_that_holds_no_json_is_refused() -> None:
    """With words."""
    with pytest.raises(BadRequest, match="holds no JSON"):
        list(load_adapter("olark").parse(delivery("data=%7Bx")))

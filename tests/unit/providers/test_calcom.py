"""Cal.com: a booking over its reschedulings, what became of it, routing forms, the test."""

from __future__ import annotations

import pytest

from tests.unit.providers.deliveries import facts_of
from tests.unit.providers.leads import is_lead, lead_in_any_order, picked
from tests.unit.providers.proofs import demand_proof
from tests.unit.providers.recorded import recorded
from tracker.providers.signing import hex_mac


def test_a_moved_booking_is_the_same_lead_in_any_order() -> None:
    """Answers, attendee and token; begun when it was first made, met at the new time."""
    lead = lead_in_any_order("calcom", "booking_created", "booking_rescheduled")
    told = {
        "kind": "booking", "provider_id": "bFJeNb2uX8ANpT3JL5EfXw", "at": "2026-03-01T10:00:00.000Z",
        "name": "Maya Okafor", "email": "maya@okaforstudio.net", "phone": "+441134960123",
        "company": "Okafor Studio", "visitor_id": "signed.token.of.maya",
        "fields": {"meeting_at": "2026-03-06T09:00:00.000Z", "organizer": "Ines Roca", "canceled": None},
    }  # fmt: skip
    assert picked(lead, told) == told


@pytest.mark.parametrize(("event", "told"), [("booking_cancelled", "canceled"), ("meeting_ended", "ended")])
def test_what_became_of_a_booking_adds_to_it_and_is_no_lead(event: str, told: str) -> None:
    """Also where the payload is not wrapped."""
    assert not is_lead("calcom", event)
    assert lead_in_any_order("calcom", event, "booking_created")["fields"][told] is True


def test_a_routing_form_is_a_form() -> None:
    """By its answers; the time tells submissions apart."""
    (fact,) = facts_of("calcom", recorded("calcom_form_submitted"))
    told = {"kind": "form", "provider_id": "cal-form-1:2026-03-01T10:00:00.000Z", "name": "Jo Brightwell",
            "email": "jo@brightwell.org", "fields": {"form": "Routing", "rooms": "Dining"}}  # fmt: skip
    assert picked(fact, told) == told


def test_a_ping_makes_no_lead() -> None:
    """It carries a booking of nobody."""
    assert facts_of("calcom", recorded("calcom_ping")) == []


def test_only_who_knows_the_secret_is_heard() -> None:
    """HMAC-SHA256 over the raw body."""
    demand_proof("calcom", recorded("calcom_booking_created"), lambda body, secret, _: {
        "x-cal-signature-256": hex_mac(secret, body)})  # fmt: skip

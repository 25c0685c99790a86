"""Calendly: a booking over its reschedulings, what became of it, and what it came from."""

from __future__ import annotations

import json
from itertools import permutations

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.proofs import demand_proof
from tests.unit.providers.recorded import recorded
from tracker.core.facts import read_fact
from tracker.core.versions import Version, merge
from tracker.providers.signing import hex_mac


def test_a_booking_is_a_lead() -> None:
    """Person, number, company, answers, tracking and the time of the meeting."""
    (fact,) = facts_of("calendly", recorded("calendly_invitee_created"))
    told = {
        "kind": "booking", "at": "2026-03-01T10:00:00.123Z", "email": "maya@okaforstudio.net",
        "provider_id": "https://api.calendly.com/scheduled_events/EV1/invitees/INV1", "name": "Maya Okafor",
        "phone": "+44 113 496 0123", "company": "Okafor Studio", "utm_source": "google", "utm_medium": "cpc",
        "utm_campaign": "spring", "utm_term": "oak",
    }  # fmt: skip
    assert {name: fact.get(name) for name in told} == told
    assert fact["fields"]["meeting_at"] == "2026-03-05T09:00:00.000Z"
    assert fact["fields"]["What do you need?"] == "Forty chairs\nand a table"


def test_what_an_invitee_wrote_is_the_message() -> None:
    """The question that every event type begins with asks for it."""
    told = json.loads(recorded("calendly_invitee_created").body)
    question = "Please share anything that will help prepare for our meeting."
    told["payload"]["questions_and_answers"] = [
        {"question": question, "answer": "Forty chairs", "position": 0}
    ]
    (fact,) = facts_of("calendly", delivery(told))
    assert (fact["message"], fact["fields"][question]) == ("Forty chairs", "Forty chairs")


def test_a_moved_booking_is_the_same_lead_in_any_order() -> None:
    """Two invitees, one booking: begun with the first, not called off."""
    events = [recorded(f"calendly_invitee_{each}") for each in
              ("created", "canceled_by_move", "created_by_move")]  # fmt: skip
    leads = [merged_lead("calendly", *order, order[0]) for order in permutations(events)]
    assert all(lead == leads[0] for lead in leads)
    assert (leads[0]["at"], leads[0]["phone"]) == ("2026-03-01T10:00:00.123Z", "+44 7700 900123")
    assert "canceled" not in leads[0]["fields"]


def test_what_became_of_a_booking_adds_to_it_and_is_no_lead() -> None:
    """Called off, by whom and why; or nobody came."""
    created = recorded("calendly_invitee_created")
    for event, told in (("canceled", {"canceled": True, "cancel_reason": "found another"}),
                        ("no_show_created", {"no_show": True})):  # fmt: skip
        ending = recorded(f"calendly_invitee_{event}")
        (fact,) = map(read_fact, facts_of("calendly", ending))
        assert merge([Version(fact.version_ms, fact.digest, fact.content)], kind="lead") == {}
        lead = merged_lead("calendly", ending, created)
        assert {name: lead["fields"].get(name) for name in told} == told


def test_a_booking_of_the_first_api_is_read_as_well() -> None:
    """Invitee and event stood beside each other."""
    lead = merged_lead("calendly", recorded("calendly_v1_invitee_created"))
    assert (lead["provider_id"], lead["email"], lead["phone"]) == (
        "INVV1", "maya@okaforstudio.net", "+447700900123",
    )  # fmt: skip


def test_a_routing_form_is_a_form() -> None:
    """It was sent in, whether or not a booking follows."""
    (fact,) = facts_of("calendly", recorded("calendly_routing_form_submission_created"))
    assert (fact["kind"], fact["email"], fact["utm_source"]) == ("form", "jo@brightwell.org", "linkedin")


def test_only_a_fresh_signature_is_heard() -> None:
    """Time and raw body are signed together."""

    def sign(body: bytes, secret: str, sent_ms: int) -> dict[str, str]:
        sent = sent_ms // 1_000
        return {"calendly-webhook-signature": f"t={sent},v1={hex_mac(secret, b'%d.%b' % (sent, body))}"}

    demand_proof("calendly", recorded("calendly_invitee_created"), sign, is_dated=True)

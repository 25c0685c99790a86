"""Fillout: questions, parameters, bookings, and the header that may prove them."""

from __future__ import annotations

import json

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.recorded import recorded
from tests.unit.providers.signatures import is_proved
from tracker.errors import BadRequest

TOLD = json.loads(recorded("fillout_submission").body)


def test_a_submission_is_a_lead() -> None:
    """What was asked outright comes before the address's parameters and what was booked."""
    (fact,) = facts_of("fillout", recorded("fillout_submission"))
    told = {
        "kind": "form", "provider_id": "5f7f1c1c-6a3b-4b3d-8a2e-1c7f1a2b3c4d", "name": "Maya Okafor",
        "at": "2026-03-01T09:59:41.324Z", "version_at": "2026-03-01T10:00:02.324Z",
        "email": "maya@okaforstudio.net", "phone": "+441134960123", "message": "Forty chairs",
        "visitor_id": "v1.token.mac", "utm_source": "google", "form": "Quote",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told


def test_all_answers_are_kept_but_passwords() -> None:
    """Choices side by side, addresses whole, files by their address."""
    (fact,) = facts_of("fillout", recorded("fillout_submission"))
    told = {
        "What do you need?": "Chairs, Desks", "Address": "12 Mill Lane, Leeds, LS1 1AA, United Kingdom",
        "Plan": "https://files.fillout.example/plan.pdf", "price": "12.50", "score": 5,
        "booking eventStartTime": "2026-03-04T09:00:00.000Z",
    }  # fmt: skip
    assert {key: fact["fields"].get(key) for key in told} == told
    assert "Secret word" not in fact["fields"]


def test_a_booking_names_the_sender_where_no_question_does() -> None:
    """Name and address of the booking fill in."""
    given = {**TOLD["submission"], "questions": [], "urlParameters": None}
    (fact,) = facts_of("fillout", delivery(given))
    assert (fact["name"], fact["email"]) == ("M Okafor", "m@okaforstudio.net")


def test_an_edited_submission_is_the_same_lead() -> None:
    """It comes again under its id with a later time of its own, and never blanks."""
    later = {**TOLD["submission"], "lastUpdatedAt": "2026-03-02T10:00:00Z", "questions": []}
    for order in (
        (recorded("fillout_submission"), delivery(later)),
        (delivery(later), recorded("fillout_submission")),
    ):
        lead = merged_lead("fillout", *order)
        assert (lead["name"], lead["phone"]) == ("M Okafor", "+441134960123")


def test_a_body_without_questions_is_refused_with_words() -> None:
    """What is no submission is a problem for the operator."""
    with pytest.raises(BadRequest):
        facts_of("fillout", delivery({"formId": "x"}))


def test_a_header_of_the_operators_own_proves_the_sender() -> None:
    """Fillout signs nothing; a secret that is set must be sent."""
    body = recorded("fillout_submission").body
    assert is_proved("fillout", body, {"X-Touchline-Secret": "spoon"})
    assert not is_proved("fillout", body, {"X-Touchline-Secret": "fork"})
    assert not is_proved("fillout", body, {})

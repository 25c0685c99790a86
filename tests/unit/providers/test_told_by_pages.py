"""What a page hears of a frame's submission names the lead as the provider's delivery does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of
from worker.given import TELLING

INVITEE = "https://api.calendly.com/scheduled_events/GBGBDCAADAEDCRZ2/invitees/AAAAAAAAAAAAAAAA"
MAIL = {"name": "Ann", "email": "ann@acme-mail.com"}
DELIVERIES: dict[str, tuple[dict[str, Any], str]] = {
    "typeform": (
        {
            "event_type": "form_response",
            "form_response": {"token": "a3a12ec67a1365927098a606107fac15", "answers": []},
        },
        "a3a12ec67a1365927098a606107fac15",
    ),
    "calendly": ({"event": "invitee.created", "payload": {**MAIL, "uri": INVITEE}}, INVITEE),
    "calcom": (
        {
            "triggerEvent": "BOOKING_CREATED",
            "createdAt": "2026-03-01T10:00:00Z",
            "payload": {"uid": "fRtCx7sZbWq1", "startTime": "2026-03-02T10:00:00Z", "attendees": [MAIL]},
        },
        "fRtCx7sZbWq1",
    ),
    "tally": (
        {
            "eventType": "FORM_RESPONSE",
            "data": {"responseId": "2wgx4n", "submissionId": "2wgx4n", "respondentId": "r1", "fields": []},
        },
        "2wgx4n",
    ),
    "hubspotforms": (
        {
            "conversionId": "0c0ffee0-1111-2222-3333-444444444444",
            "submittedAt": 1772359200000,
            "values": [{"name": "email", "value": "ann@acme-mail.com"}],
        },
        "0c0ffee0-1111-2222-3333-444444444444",
    ),
    "jotform": (
        {"submissionID": "5234567890123456789", "rawRequest": '{"q1_email": "ann@acme-mail.com"}'},
        "5234567890123456789",
    ),
}


@pytest.mark.parametrize("provider", TELLING)
def test_a_delivery_is_called_as_the_page_calls_it(provider: str) -> None:
    """One key on both sides, so that both make one lead of one kind."""
    body, provider_id = DELIVERIES[provider]
    (lead,) = (fact for fact in facts_of(provider, delivery(body)) if fact["fact"] == "lead")
    assert (lead["provider_id"], lead["kind"]) == (provider_id, TELLING[provider])

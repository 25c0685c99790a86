"""Tally: what a response becomes, how choices are resolved, and the signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.recorded import changed, recorded
from tests.unit.providers.signatures import check_signature, is_proved


def test_a_response_is_a_lead() -> None:
    """The response's id names it; typed fields name the sender; hidden ones carry visitor and campaign."""
    (fact,) = facts_of("tally", recorded("tally_response"))
    told = {
        "kind": "form", "provider_id": "2wgx4n", "at": "2026-03-01T09:59:41.000Z", "name": "Maya Okafor",
        "email": "maya@okaforstudio.net", "phone": "+441134960123", "message": "Forty chairs",
        "visitor_id": "v1.token.mac", "utm_source": "google", "form": "Quote",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told


def test_choices_are_resolved_to_their_texts() -> None:
    """Ids of options, rows and columns say nothing; one truth for each option is no second answer."""
    (fact,) = facts_of("tally", recorded("tally_response"))
    assert fact["fields"] == {
        "utm_source": "google", "tl_visitor": "v1.token.mac", "What's your name?": "Maya Okafor",
        "Where can we write?": "maya@okaforstudio.net", "Ring me": "+441134960123",
        "What do you need?": "Chairs, Desks", "Size": "Large", "Rank": "Speed, Price", "Grid": "Oak: Yes",
        "Plan": "https://storage.tally.example/plan.pdf", "More": "Forty chairs", "Rate us": 4, "total": 12,
    }  # fmt: skip


def test_an_older_response_without_submission_id_or_types_is_read() -> None:
    """Names stand in for types; the event's id for the response's."""
    fields = [{"label": "Email", "value": "maya@okaforstudio.net"}, {"key": "k", "value": "x"}]
    (fact,) = facts_of("tally", delivery({"eventId": "e1", "data": {"fields": fields}}))
    assert (fact["provider_id"], fact["email"]) == ("e1", "maya@okaforstudio.net")


def test_another_event_makes_no_lead() -> None:
    """Only responses are leads."""
    assert facts_of("tally", changed("tally_response", eventType="FORM_CREATED")) == []


def test_a_resent_event_is_the_same_lead() -> None:
    """The response's id names the lead, whatever the event's id."""
    again = changed("tally_response", eventId="another", createdAt="2026-03-01T11:00:00.000Z")
    first = recorded("tally_response")
    assert merged_lead("tally", first, again) == merged_lead("tally", again, first)


def _sign(body: bytes, secret: str) -> Mapping[str, str]:
    mac = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"Tally-Signature": base64.b64encode(mac).decode()}


def test_the_signature_is_over_the_raw_body() -> None:
    """HMAC-SHA256 in base64; the same in hex is none."""
    body = recorded("tally_response").body
    check_signature("tally", body, _sign)
    mac = hmac.new(b"spoon", body, hashlib.sha256).hexdigest()
    assert not is_proved("tally", body, {"Tally-Signature": mac})
    assert not is_proved("tally", json.dumps(json.loads(body)).encode(), _sign(body, "spoon"))

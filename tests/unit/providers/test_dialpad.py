"""Dialpad: what its events become, and the JWT that proves them."""

from __future__ import annotations

import base64
import hmac
import json
from itertools import permutations
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.recorded import changed, recorded
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery, Unproved

EVENTS = ("ringing", "connected", "hangup", "recording", "transcription")


def jwt(name: str, secret: str, alg: str = "HS256") -> Delivery:
    """Make the delivery of a payload as the JWT that it is with a secret."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": alg, "typ": "JWT"}).encode()).rstrip(b"=")
    signed = head + b"." + base64.urlsafe_b64encode(recorded(name).body).rstrip(b"=")
    proof = base64.urlsafe_b64encode(hmac.digest(secret.encode(), signed, "sha256")).rstrip(b"=")
    return delivery(signed + b"." + proof, {"Content-Type": "application/jwt"})


def test_a_call_that_ended_is_a_lead_under_its_first_leg() -> None:
    """Lengths are milliseconds, and the called number is that of the line, not of the person rung."""
    (fact,) = facts_of("dialpad", recorded("dialpad_hangup"))
    told = {
        "fact": "lead", "kind": "call", "provider_id": "5635000000000001", "phone": "+441134960123",
        "tracking_number": "+442079460100", "duration_s": 120, "answered": True, "name": "Maya Okafor",
        "email": "maya@okaforstudio.net", "at": "2026-03-01T10:00:00.000Z",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["fields"]["agent"] == "Ines Roca"


def test_a_missed_call_of_a_hidden_number() -> None:
    """`anonymous` is nobody's number."""
    (fact,) = facts_of("dialpad", recorded("dialpad_missed"))
    assert (fact["answered"], fact["duration_s"]) == (False, 30)
    assert "phone" not in fact


def test_all_events_of_a_call_are_one_lead_in_any_order() -> None:
    """The line's leg, the person's leg, recording and transcript fill one lead."""
    leads = [
        merged_lead("dialpad", *order)
        for order in permutations(recorded(f"dialpad_{each}") for each in EVENTS)
    ]
    assert all(lead == leads[0] for lead in leads)
    assert leads[0]["recording_url"] == "https://dialpad.example/r/91"
    assert leads[0]["transcript"] == "I need forty chairs."


def test_outbound_calls_are_activities_and_internal_ones_nothing() -> None:
    """Only what comes from outside is a lead."""
    (fact,) = facts_of("dialpad", recorded("dialpad_outbound"))
    assert (fact["fact"], fact["owner"], fact["phone"]) == ("activity", "ines@shop.example", "+441134960123")
    assert facts_of("dialpad", changed("dialpad_hangup", is_internal=True)) == []


def test_a_text_message_is_a_chat() -> None:
    """What a customer writes is a lead."""
    (fact,) = facts_of("dialpad", recorded("dialpad_sms"))
    told = {"kind": "chat", "provider_id": "77001", "phone": "+441134960123", "transcript": "Are you open?",
            "tracking_number": "+442079460100"}  # fmt: skip
    assert {key: fact.get(key) for key in told} == told


def test_a_jwt_is_read_as_its_claims() -> None:
    """With a secret the whole body is a JWT, plain or as a JSON text, and says the same."""
    plain, verify = jwt("dialpad_hangup", "s"), load_adapter("dialpad").verify
    quoted = delivery(b'"' + plain.body + b'"', {"Content-Type": "application/json"})
    assert verify is not None
    verify(quoted, "s")
    told = facts_of("dialpad", recorded("dialpad_hangup"))
    assert facts_of("dialpad", plain) == facts_of("dialpad", quoted) == told


REFUSED: dict[str, Any] = {
    "another secret": jwt("dialpad_hangup", "other"),
    "plain JSON": recorded("dialpad_hangup"),
    "a JWT that says it needs no signature": jwt("dialpad_hangup", "s", alg="none"),
    "a JWT without its signature": delivery(jwt("dialpad_hangup", "s").body.rpartition(b".")[0] + b"."),
    "a JWT of other claims": delivery(
        b".".join([*jwt("dialpad_hangup", "s").body.split(b".")[:1], b"e30",
                   jwt("dialpad_hangup", "s").body.split(b".")[2]])
    ),
}  # fmt: skip


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_a_delivery_without_proof_is_refused(given: Delivery) -> None:
    """Only a JWT that is signed with the secret, by HS256, is a proof."""
    verify = load_adapter("dialpad").verify
    assert verify is not None
    verify(jwt("dialpad_hangup", "s"), "s")
    with pytest.raises(Unproved):
        verify(given, "s")

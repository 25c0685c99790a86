"""Quo (OpenPhone): what its events become, old and new, and which deliveries prove themselves."""

from __future__ import annotations

import base64
from itertools import permutations
from typing import Any

import pytest

from tests.unit.providers.deliveries import facts_of, merged_lead
from tests.unit.providers.recorded import recorded
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.signing import base64_mac

EVENTS = ("call_ringing", "call_completed", "call_recording", "call_transcript", "call_summary")

TOLD: dict[str, tuple[str, dict[str, Any]]] = {
    "a call that rings": (
        "openphone_call_ringing",
        {"kind": "call", "provider_id": "AC7a1", "at": "2026-03-01T10:00:00.100Z", "phone": "+441134960123",
         "tracking_number": "+442079460100", "answered": None, "duration_s": None},
    ),
    "a call that was answered": (
        "openphone_call_completed",
        {"answered": True, "duration_s": 120, "version_at": "2026-03-01T10:02:10.000Z"},
    ),
    "a voicemail, under its call": (
        "openphone_voicemail",
        {"provider_id": "AC7a2", "answered": False, "recording_url": "https://media.quo.example/vm1.mp3",
         "transcript": "Please call back.", "duration_s": None},
    ),
    "a legacy call that ended in a voicemail": (
        "openphone_legacy_completed",
        {"provider_id": "AC9b1", "answered": False, "duration_s": 28, "phone": "+441134960123",
         "tracking_number": "+442079460100", "recording_url": "https://media.quo.example/vm9.mp3"},
    ),
    "a text message, under its conversation": (
        "openphone_message",
        {"kind": "chat", "provider_id": "CN7a", "phone": "+441134960123", "transcript": "Are you open?",
         "tracking_number": "+442079460100"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "fields"), TOLD.values(), ids=TOLD)
def test_an_event_becomes_a_lead(name: str, fields: dict[str, Any]) -> None:
    """Present and legacy events say the same of a call."""
    (fact,) = facts_of("openphone", recorded(name))
    assert {key: fact.get(key) for key in fields} == fields
    assert fact["fact"] == "lead"


def test_all_events_of_a_call_are_one_lead_in_any_order() -> None:
    """The call, its recording, transcript and summary fill one lead."""
    leads = [
        merged_lead("openphone", *order) for order in permutations(recorded(f"openphone_{e}") for e in EVENTS)
    ]
    assert all(lead == leads[0] for lead in leads)
    assert leads[0]["transcript"] == "+442079460100: Hello, desk.\n+441134960123: I need a quote."
    assert leads[0]["fields"]["next_steps"] == "Send the quote."


def test_an_outgoing_call_is_an_activity() -> None:
    """What the team dials is no lead."""
    (fact,) = facts_of("openphone", recorded("openphone_call_outgoing"))
    assert (fact["fact"], fact["phone"], fact["owner"]) == ("activity", "+441134960123", "US1")


KEY = base64.b64encode(b"a key of quo").decode()
SENT_S = "1772359230"  # the deliveries' time of receipt


def standard(secret: str = KEY, sent_s: str = SENT_S) -> Delivery:
    """Sign as present webhooks do."""
    body = recorded("openphone_call_completed").body
    signed = b"msg_1." + sent_s.encode() + b"." + body
    headers = {
        "webhook-id": "msg_1", "webhook-timestamp": sent_s,
        "webhook-signature": f"v1,b3RoZXI= v1,{base64_mac(base64.b64decode(secret), signed)}",
    }  # fmt: skip
    return recorded("openphone_call_completed", headers)


def legacy(secret: str = KEY, sent_ms: str = SENT_S + "000") -> Delivery:
    """Sign as legacy webhooks do."""
    body = recorded("openphone_legacy_completed").body
    proof = base64_mac(base64.b64decode(secret), sent_ms.encode() + b"." + body)
    return recorded("openphone_legacy_completed", {"openphone-signature": f"hmac;1;{sent_ms};{proof}"})


OTHER = base64.b64encode(b"another key").decode()
REFUSED = {
    "another key": standard(OTHER),
    "another key, legacy": legacy(OTHER),
    "signed an hour ago": standard(sent_s="1772355630"),
    "signed an hour ago, legacy": legacy(sent_ms="1772355630000"),
    "no signature": recorded("openphone_call_completed"),
    "a signature of another form": recorded("openphone_call_completed", {"openphone-signature": "x;y"}),
    "no id": recorded("openphone_call_completed", {"webhook-signature": "v1,x"}),
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_a_delivery_without_proof_is_refused(given: Delivery) -> None:
    """Both signatures cover time and body, and grow stale."""
    verify = load_adapter("openphone").verify
    assert verify is not None
    verify(standard(), f"whsec_{KEY}")
    verify(legacy(), KEY)
    with pytest.raises(Unproved):
        verify(given, KEY)
